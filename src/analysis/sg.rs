//! Security groups: stateful, the union of all groups of an interface, allow rules only.
//!
//! Pages: `vpc/latest/userguide/security-group-rules.html`, `vpc-security-groups.html`.

use std::collections::{BTreeMap, BTreeSet};

use super::net::{self, IpSet, public_space};
use super::{Decision, Family, Index, Unseen};
use crate::actions::Action;
use crate::finding::Evidence;
use crate::inventory::ec2::{IpPermission, SecurityGroup};

/// Which rules of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What the interface accepts.
    Ingress,
    /// What the interface may open.
    Egress,
}

impl Direction {
    const fn field(self) -> &'static str {
        match self {
            Self::Ingress => "IpPermissions",
            Self::Egress => "IpPermissionsEgress",
        }
    }

    const fn preposition(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'a> {
    /// Its addresses, all of which must be admitted. Empty with a prefix list: the list's entries were not seen.
    pub addresses: &'a IpSet,
    /// Groups on its interface, for rules that refer to groups. Empty where its traffic does not arrive from that interface
    /// with its own address (a NAT gateway, an appliance, another network).
    pub groups: &'a BTreeSet<String>,
    /// The prefix list that the addresses are the entries of (egress to a gateway service).
    pub prefix_list: Option<&'a str>,
}

/// What the groups of an interface say to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupAnswer {
    /// Pass: all of the peer is admitted. Fail: some of it surely is not (`partial`: some surely is).
    pub decision: Decision,
    /// The part of the peer that is admitted for sure.
    pub admitted: IpSet,
    /// Groups that a rule for this port refers to and that the peer does not carry, as far as it is known.
    pub references: BTreeSet<String>,
}

/// Whether the union of `groups` admits TCP on `port` between their interface and `peer`.
///
/// Unknown where something that could not be read (a group, a prefix list, a malformed rule) could admit what no visible
/// rule does; what a visible rule admits is admitted, whatever else is unseen.
#[must_use]
pub fn admits(index: &Index<'_>, groups: &[String], direction: Direction, peer: &Peer<'_>, port: u16) -> GroupAnswer {
    let groups: BTreeSet<&str> = groups.iter().map(String::as_str).collect();
    let first = groups.first().copied();
    let answer = |decision| GroupAnswer { decision, admitted: IpSet::empty(), references: BTreeSet::new() };
    if groups.is_empty() {
        return answer(Decision::unknown(None, "the security groups of the interface were not seen", Unseen::Elsewhere("the security groups of an interface".to_owned())));
    }
    // The entries of the peer's list were not seen: they lie somewhere in public space.
    let family = peer.prefix_list.and_then(|id| list_family(index, id)).unwrap_or(Family::V4);
    let blind = peer.addresses.is_empty();
    let target = if blind { public_space(family) } else { peer.addresses.clone() };
    if blind && peer.prefix_list.is_none() {
        return answer(Decision::unknown(first, "the addresses of the other end were not seen", Unseen::Elsewhere("the addresses of the other end of a connection".to_owned())));
    }

    let mut tally = Tally { index, direction, peer, port, target: &target, admitted: IpSet::empty(), by: BTreeMap::new(), doubts: Vec::new(), references: BTreeSet::new(), seen: Vec::new() };
    for id in &groups {
        match index.security_groups.get(id) {
            Some(group) => tally.group(group),
            None => {
                let unseen = if index.region.completeness.seen(Action::DescribeSecurityGroups) && index.region.vpc_scope.is_none() {
                    Unseen::Elsewhere(format!("security group {id}, which DescribeSecurityGroups does not list"))
                } else {
                    Unseen::Action(Action::DescribeSecurityGroups)
                };
                tally.doubts.push(Doubt { object: (*id).to_owned(), what: format!("{id} was not seen"), possible: target.clone(), unseen });
            }
        }
    }
    let decision = tally.decide(&groups, blind);
    // Of a list that was not seen, no part is known to be admitted until all of it is.
    let admitted = if blind { IpSet::empty() } else { tally.admitted };
    GroupAnswer { decision, admitted, references: tally.references }
}

/// Something unreadable that could admit more.
struct Doubt {
    object: String,
    what: String,
    possible: IpSet,
    unseen: Unseen,
}

/// The rules read so far.
struct Tally<'a> {
    index: &'a Index<'a>,
    direction: Direction,
    peer: &'a Peer<'a>,
    port: u16,
    target: &'a IpSet,
    admitted: IpSet,
    /// What admitted, in words, by group, each with what it added.
    by: BTreeMap<String, BTreeSet<String>>,
    doubts: Vec<Doubt>,
    references: BTreeSet<String>,
    seen: Vec<Evidence>,
}

impl Tally<'_> {
    fn group(&mut self, group: &SecurityGroup) {
        let permissions = match self.direction {
            Direction::Ingress => &group.ip_permissions,
            Direction::Egress => &group.ip_permissions_egress,
        };
        let mut for_port = Vec::new();
        for permission in permissions {
            match covers_port(permission, self.port) {
                Some(false) => {}
                Some(true) => {
                    for_port.push(peers(permission));
                    self.permission(group, permission);
                }
                // Malformed: it may or may not be about this port.
                None => self.doubts.push(Doubt {
                    object: group.group_id.clone(),
                    what: format!("a rule of {} has no readable protocol or ports", group.group_id),
                    possible: self.target.clone(),
                    unseen: Unseen::Elsewhere(format!("a malformed rule of {}", group.group_id)),
                }),
            }
        }
        let value = if for_port.is_empty() { "none".to_owned() } else { for_port.join(", ") };
        self.seen.push(Evidence::new(Action::DescribeSecurityGroups, self.direction.field(), value, format!("peers that {} admits for tcp {}", group.group_id, self.port)));
    }

    /// A permission that is about this port.
    fn permission(&mut self, group: &SecurityGroup, permission: &IpPermission) {
        let cidrs = permission.ip_ranges.iter().map(|r| r.cidr_ip.as_deref()).chain(permission.ipv6_ranges.iter().map(|r| r.cidr_ipv6.as_deref()));
        for text in cidrs {
            match text.and_then(IpSet::parse) {
                Some(range) => self.admit(group, text.unwrap_or_default(), &range),
                None => self.doubt(group, "a rule without a readable range", self.target.clone(), Unseen::Elsewhere(format!("a malformed rule of {}", group.group_id))),
            }
        }
        for pair in &permission.user_id_group_pairs {
            // Where the peering connection is gone, the reference is stale and admits nothing.
            if pair.peering_status.as_deref().is_some_and(|s| !s.eq_ignore_ascii_case("active")) {
                continue;
            }
            match pair.group_id.as_deref() {
                Some(id) if self.peer.groups.contains(id) => self.admit(group, id, &self.target.clone()),
                Some(id) => {
                    self.references.insert(id.to_owned());
                    let foreign = pair.user_id.as_deref().is_some_and(|account| account != self.index.region.account);
                    // Without the peer's own groups, whether it carries one of another account is not known.
                    if foreign && self.peer.groups.is_empty() {
                        self.doubt(group, &format!("it refers to {id} of another account"), self.target.clone(), Unseen::Elsewhere(format!("who carries {id} of another account")));
                    }
                }
                None => self.doubt(group, "a reference without a group id", self.target.clone(), Unseen::Elsewhere(format!("a malformed rule of {}", group.group_id))),
            }
        }
        for list in &permission.prefix_list_ids {
            let Some(id) = list.prefix_list_id.as_deref() else {
                self.doubt(group, "a prefix list without an id", self.target.clone(), Unseen::Elsewhere(format!("a malformed rule of {}", group.group_id)));
                continue;
            };
            if self.peer.prefix_list == Some(id) {
                self.admit(group, id, &self.target.clone());
                continue;
            }
            let listing = net::prefix_list(self.index, id);
            self.admit(group, id, &listing.known);
            if let Some(unseen) = listing.unseen {
                self.doubt(group, &format!("the entries of {id} were not seen"), listing.possible, unseen);
            }
        }
    }

    fn admit(&mut self, group: &SecurityGroup, what: &str, range: &IpSet) {
        let hit = self.target.intersect(range);
        if !hit.is_empty() && !self.admitted.contains(&hit) {
            self.admitted = self.admitted.union(&hit);
            self.by.entry(group.group_id.clone()).or_default().insert(what.to_owned());
        }
    }

    fn doubt(&mut self, group: &SecurityGroup, what: &str, possible: IpSet, unseen: Unseen) {
        self.doubts.push(Doubt { object: group.group_id.clone(), what: format!("{}: {what}", group.group_id), possible, unseen });
    }

    fn decide(&self, groups: &BTreeSet<&str>, blind: bool) -> Decision {
        let (port, preposition) = (self.port, self.direction.preposition());
        let first = groups.first().copied();
        let names = groups.iter().copied().collect::<Vec<_>>().join(", ");
        let whom = match self.peer.prefix_list {
            Some(id) => format!("{id} ({})", if blind { "entries not seen".to_owned() } else { self.target.to_string() }),
            None => self.target.to_string(),
        };
        let rest = self.target.difference(&self.admitted);
        let with = |mut decision: Decision| {
            decision.evidence.clone_from(&self.seen);
            decision
        };
        if rest.is_empty() {
            let object = self.by.keys().next().map(String::as_str).or(first);
            let by = self.by.iter().map(|(group, what)| format!("{group} admits tcp {port} {preposition} {}", shorten(what))).collect::<Vec<_>>().join("; ");
            return with(Decision::pass(object, by));
        }
        let doubts: Vec<&Doubt> = self.doubts.iter().filter(|d| d.possible.overlaps(&rest)).collect();
        let possible: IpSet = doubts.iter().map(|d| d.possible.clone()).collect();
        let closed = rest.difference(&possible);
        // Of a list that was not seen, an address that is not admitted need not be in the list.
        if blind && !self.admitted.is_empty() && !closed.is_empty() {
            let decision = Decision::unknown(
                first,
                format!("{names} admits tcp {port} {preposition} part of public space, and the entries of {whom} were not seen"),
                Unseen::Action(Action::GetManagedPrefixListEntries),
            );
            return with(decision);
        }
        if !closed.is_empty() && (!blind || doubts.is_empty()) {
            let mut decision = if self.admitted.is_empty() {
                Decision::fail(first, format!("no rule of {names} admits tcp {port} {preposition} {whom}"))
            } else {
                Decision::fail(first, format!("{names} admits tcp {port} {preposition} {}, but not {preposition} {closed}", self.admitted))
            };
            decision.partial = !self.admitted.is_empty();
            return with(decision);
        }
        let object = doubts.first().map(|d| d.object.as_str()).or(first);
        let mut decision = Decision::unknown(object, String::new(), Unseen::Action(Action::DescribeSecurityGroups));
        decision.unseen = doubts.iter().map(|d| d.unseen.clone()).collect();
        decision.detail = format!("{} and could admit tcp {port} {preposition} {rest}", doubts.iter().map(|d| d.what.as_str()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("; "));
        with(decision)
    }
}

/// The first few of several things, for people.
fn shorten(items: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = items.iter().take(4).map(String::as_str).collect();
    let rest = items.len().saturating_sub(shown.len());
    if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
}

/// The family of a prefix list, if it was seen.
fn list_family(index: &Index<'_>, id: &str) -> Option<Family> {
    let family = index.region.managed_prefix_lists.iter().find(|l| l.prefix_list_id == id)?.address_family.as_deref()?;
    Some(if family.eq_ignore_ascii_case("IPv6") { Family::V6 } else { Family::V4 })
}

/// Whether a permission is about TCP on `port`. `None`: it cannot be read.
fn covers_port(permission: &IpPermission, port: u16) -> Option<bool> {
    match tcp(permission.ip_protocol.as_deref()?)? {
        Protocol::All => Some(true),
        Protocol::Other => Some(false),
        Protocol::Tcp => match (permission.from_port, permission.to_port) {
            // No ports at all, or -1 for both, is every port.
            (None | Some(-1), None | Some(-1)) => Some(true),
            (Some(from), Some(to)) if (0..=65535).contains(&from) && from <= to && to <= 65535 => Some((from..=to).contains(&i32::from(port))),
            _ => None,
        },
    }
}

/// What a protocol is to a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Every protocol, with every port.
    All,
    /// TCP.
    Tcp,
    /// Another.
    Other,
}

/// Reads a protocol: `-1`, a number as text, or a name. `None`: none of these.
pub(super) fn tcp(text: &str) -> Option<Protocol> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "-1" | "all" => Some(Protocol::All),
        "tcp" => Some(Protocol::Tcp),
        "udp" | "icmp" | "icmpv6" | "icmp6" | "58" => Some(Protocol::Other),
        number => number.parse::<u8>().ok().map(|n| if n == 6 { Protocol::Tcp } else { Protocol::Other }),
    }
}

/// The peers of a permission, for evidence.
fn peers(permission: &IpPermission) -> String {
    let all: BTreeSet<String> = permission
        .ip_ranges
        .iter()
        .filter_map(|r| r.cidr_ip.clone())
        .chain(permission.ipv6_ranges.iter().filter_map(|r| r.cidr_ipv6.clone()))
        .chain(permission.user_id_group_pairs.iter().filter_map(|p| p.group_id.clone()))
        .chain(permission.prefix_list_ids.iter().filter_map(|p| p.prefix_list_id.clone()))
        .collect();
    if all.is_empty() { "no peer".to_owned() } else { shorten(&all) }
}

#[cfg(test)]
mod tests;
