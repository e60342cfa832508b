//! Network ACLs: stateless, numbered entries, the first that matches decides, denied if none does.
//!
//! Page: `vpc/latest/userguide/vpc-network-acls.html`, `nacl-rules.html`.

use super::net::{IpSet, PortSet};
use super::sg::{Protocol, tcp};
use super::{Decision, Family, Index, Unseen};
use crate::actions::Action;
use crate::finding::Evidence;
use crate::inventory::ec2::{NetworkAcl, NetworkAclEntry};

/// The ACL of a subnet.
///
/// # Errors
/// It was not seen: the action that would show it. A subnet that no association names has its VPC's default ACL, if the
/// list of ACLs is complete.
pub fn acl_of<'a>(index: &Index<'a>, subnet: &str) -> Result<&'a NetworkAcl, Unseen> {
    if let Some(acl) = index.acl_of_subnet.get(subnet) {
        return Ok(acl);
    }
    let vpc = index.subnets.get(subnet).map(|s| s.vpc_id.as_str()).ok_or(Unseen::Action(Action::DescribeNetworkAcls))?;
    if !super::route::listed(index, Action::DescribeNetworkAcls, Some(vpc)) {
        return Err(Unseen::Action(Action::DescribeNetworkAcls));
    }
    let mut defaults = index.region.network_acls.iter().filter(|a| a.is_default == Some(true) && a.vpc_id.as_deref() == Some(vpc));
    match (defaults.next(), defaults.next()) {
        (Some(acl), None) => Ok(acl),
        _ => Err(Unseen::Action(Action::DescribeNetworkAcls)),
    }
}

/// A part of the packets asked about: every address of one set with every port of the other.
#[derive(Debug, Clone)]
struct Rectangle {
    addresses: IpSet,
    ports: PortSet,
}

impl Rectangle {
    const fn is_empty(&self) -> bool {
        // Empty address sets are dropped where they are made.
        self.ports.is_empty()
    }

    /// What of this the other holds, and what is left of this, apart from each other.
    fn split(&self, other: &Self) -> (Option<Self>, Vec<Self>) {
        let addresses = self.addresses.intersect(&other.addresses);
        let ports = self.ports.intersect(&other.ports);
        if addresses.is_empty() || ports.is_empty() {
            return (None, vec![self.clone()]);
        }
        let beside = Self { addresses: self.addresses.difference(&addresses), ports: self.ports.clone() };
        let above = Self { addresses: addresses.clone(), ports: self.ports.difference(&ports) };
        let left = [beside, above].into_iter().filter(|r| !r.addresses.is_empty() && !r.is_empty()).collect();
        (Some(Self { addresses, ports }), left)
    }
}

/// Whether an ACL lets TCP packets through: out of the subnet (`egress`) or into it, between any address of `remote` and its
/// subnet, to any destination port of `ports`.
///
/// Pass: all of them. Fail: some surely not (`partial`: some surely do). Unknown: an entry that cannot be read could decide.
#[must_use]
pub fn admits(acl: &NetworkAcl, egress: bool, remote: &IpSet, ports: &PortSet) -> Decision {
    let id = acl.network_acl_id.as_str();
    if remote.is_empty() || ports.is_empty() {
        return Decision::unknown(Some(id), "the addresses of the other end were not seen", Unseen::Elsewhere("the addresses of the other end of a connection".to_owned()));
    }
    let mut entries: Vec<&NetworkAclEntry> = acl.entries.iter().filter(|e| e.egress.is_none_or(|e| e == egress)).collect();
    // An entry without a number may come before all others.
    entries.sort_by_key(|e| e.rule_number.unwrap_or(i32::MIN));

    let mut open = vec![Rectangle { addresses: remote.clone(), ports: ports.clone() }];
    let (mut allowed, mut denied, mut doubtful) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        if open.is_empty() {
            break;
        }
        let Some(read) = read(entry) else { continue };
        let mut next = Vec::new();
        for rectangle in open {
            let (hit, left) = rectangle.split(&read.reach);
            next.extend(left);
            if let Some(hit) = hit {
                match read.action {
                    Some(true) => allowed.push((hit, entry)),
                    Some(false) => denied.push((hit, Some(entry))),
                    None => doubtful.push((hit, entry)),
                }
            }
        }
        open = next;
    }
    denied.extend(open.into_iter().map(|rectangle| (rectangle, None)));
    decide(id, egress, remote, ports, &allowed, &denied, &doubtful)
}

type Hit<'a> = (Rectangle, &'a NetworkAclEntry);
type Denial<'a> = (Rectangle, Option<&'a NetworkAclEntry>);

fn decide(id: &str, egress: bool, remote: &IpSet, ports: &PortSet, allowed: &[Hit<'_>], denied: &[Denial<'_>], doubtful: &[Hit<'_>]) -> Decision {
    let preposition = if egress { "to" } else { "from" };
    let side = if egress { "outbound" } else { "inbound" };
    if let Some((rectangle, entry)) = denied.first() {
        let what = format!("tcp {} {preposition} {}", rectangle.ports, rectangle.addresses);
        let entry = entry.filter(|e| e.rule_number.is_some_and(|n| n < 32767));
        let mut detail = match entry {
            Some(e) => format!("{side} entry {} denies {what}", number(e)),
            None => format!("no {side} entry allows {what}"),
        };
        if !allowed.is_empty() {
            detail.push_str(" (the rest is allowed)");
        }
        let mut decision = Decision::fail(Some(id), detail).because(entry.map_or_else(|| absent(id, egress), |e| evidence(id, e)));
        decision.partial = !allowed.is_empty();
        decision.every = denied.iter().fold(IpSet::empty(), |all, (r, _)| all.union(&r.addresses)).contains(remote);
        return decision;
    }
    if let Some((rectangle, entry)) = doubtful.first() {
        let detail = format!("{side} entry {} cannot be read and could decide tcp {} {preposition} {}", number(entry), rectangle.ports, rectangle.addresses);
        return Decision::unknown(Some(id), detail, Unseen::Elsewhere(format!("entry {} of {id}", number(entry)))).because(evidence(id, entry));
    }
    let mut numbers: Vec<&NetworkAclEntry> = Vec::new();
    for (_, entry) in allowed {
        if !numbers.iter().any(|e| std::ptr::eq(*e, *entry)) {
            numbers.push(entry);
        }
    }
    let names: Vec<String> = numbers.iter().map(|e| number(e)).collect();
    let (word, verb) = if names.len() == 1 { ("entry", "allows") } else { ("entries", "allow") };
    let mut decision = Decision::pass(Some(id), format!("{side} {word} {} {verb} tcp {ports} {preposition} {remote}", names.join(", ")));
    decision.evidence = numbers.into_iter().map(|e| evidence(id, e)).collect();
    decision
}

/// What an entry reaches, and whether it allows. Action `None`: some of it cannot be read, and `reach` is all that it could reach.
struct Read {
    reach: Rectangle,
    action: Option<bool>,
}

/// Reads an entry. `None`: it is surely not about TCP.
fn read(entry: &NetworkAclEntry) -> Option<Read> {
    let protocol = entry.protocol.as_deref().and_then(tcp);
    if protocol == Some(Protocol::Other) {
        return None;
    }
    let mut sure = protocol.is_some() && entry.egress.is_some() && entry.rule_number.is_some();
    let (addresses, widest) = match (entry.cidr_block.as_deref(), entry.ipv6_cidr_block.as_deref()) {
        (Some(cidr), None) => (IpSet::parse(cidr), IpSet::all(Family::V4)),
        (None, Some(cidr)) => (IpSet::parse(cidr), IpSet::all(Family::V6)),
        _ => (None, IpSet::everything()),
    };
    sure &= addresses.is_some();
    let ports = match (protocol, &entry.port_range) {
        // For all protocols AWS ignores the port range; without one, an entry is about every port.
        (Some(Protocol::All), _) | (_, None) => Some(PortSet::all_ports()),
        (_, Some(range)) => match (range.from.and_then(|p| u16::try_from(p).ok()), range.to.and_then(|p| u16::try_from(p).ok())) {
            (Some(from), Some(to)) if from <= to => Some(PortSet::range(from, to)),
            _ => None,
        },
    };
    sure &= ports.is_some();
    let action = match entry.rule_action.as_deref() {
        Some(a) if a.eq_ignore_ascii_case("allow") => Some(true),
        Some(a) if a.eq_ignore_ascii_case("deny") => Some(false),
        _ => None,
    };
    let reach = Rectangle { addresses: addresses.unwrap_or(widest), ports: ports.unwrap_or_else(PortSet::all_ports) };
    Some(Read { reach, action: action.filter(|_| sure) })
}

fn number(entry: &NetworkAclEntry) -> String {
    entry.rule_number.map_or_else(|| "without a number".to_owned(), |n| n.to_string())
}

fn evidence(id: &str, entry: &NetworkAclEntry) -> Evidence {
    let ports = match &entry.port_range {
        Some(range) => format!("{}-{}", range.from.unwrap_or_default(), range.to.unwrap_or_default()),
        None => "all".to_owned(),
    };
    let cidr = entry.cidr_block.as_deref().or(entry.ipv6_cidr_block.as_deref()).unwrap_or("?");
    let value = format!(
        "{} {} protocol {} ports {ports} {cidr} {}",
        number(entry),
        entry.rule_action.as_deref().unwrap_or("?"),
        entry.protocol.as_deref().unwrap_or("?"),
        if entry.egress == Some(true) { "egress" } else { "ingress" }
    );
    Evidence::new(Action::DescribeNetworkAcls, "Entries", value, id)
}

fn absent(id: &str, egress: bool) -> Evidence {
    Evidence::new(Action::DescribeNetworkAcls, "Entries", "none", format!("{id}: no {} entry matches, and what none matches is denied", if egress { "egress" } else { "ingress" }))
}

#[cfg(test)]
mod tests;
