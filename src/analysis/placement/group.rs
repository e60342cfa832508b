//! Collapses workloads that the network cannot tell apart, by hashing: cost grows with workloads once, and with groups after.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::cuts::Cuts;
use super::deriver::Deriver;
use crate::analysis::needs::{Key, merge};
use crate::analysis::{Ask, Kind, Names, Need, Os, Owner, Placement, Unseen};
use crate::finding::Severity;

/// Where a workload's interface stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub kind: Kind,
    pub vpc: Option<String>,
    pub subnet: Option<String>,
    pub place_unseen: Option<Unseen>,
    pub groups: Vec<String>,
    pub groups_unseen: Option<Unseen>,
    pub public_ip: Option<bool>,
    pub os: Os,
    pub fargate: bool,
}

/// A source of needs at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// An agent.
    Agent(usize),
    /// Needs of a task definition at the task's interface.
    Task(usize),
    /// Needs of a task definition at the instance.
    Instance(usize),
}

impl Part {
    fn needs<'d>(self, deriver: &'d Deriver<'_>) -> &'d [Need] {
        match self {
            Self::Agent(id) => deriver.agent_needs(id),
            Self::Task(id) => &deriver.get(id).task,
            Self::Instance(id) => &deriver.get(id).instance,
        }
    }

    const fn derived(self) -> Option<usize> {
        match self {
            Self::Agent(_) => None,
            Self::Task(id) | Self::Instance(id) => Some(id),
        }
    }
}

/// What tells the needs of two profiles apart: everything but the reasons.
type Signature = Vec<(Key, BTreeSet<String>, BTreeSet<(Owner, Severity)>, BTreeSet<Ask>, BTreeSet<Unseen>)>;

/// A set of parts, and what they need together.
#[derive(Debug)]
struct Profile {
    needs: BTreeMap<Key, Need>,
    parts_of: BTreeMap<Key, BTreeSet<Part>>,
    signature: usize,
}

/// Parts that many members have in common, with the workloads behind each.
pub(super) type Shared = Arc<BTreeMap<Part, BTreeSet<String>>>;

#[derive(Debug, Default)]
struct Group {
    members: Vec<String>,
    addresses: BTreeSet<IpAddr>,
    /// Some member's address was not seen, so that the whole subnet is judged.
    address_missing: bool,
    profiles: BTreeSet<usize>,
    /// Workloads behind each part.
    workloads: BTreeMap<Part, BTreeSet<String>>,
    /// What was added from already.
    shared: BTreeSet<usize>,
}

/// Groups while they fill.
#[derive(Debug, Default)]
pub(super) struct Groups {
    profile_ids: HashMap<Vec<Part>, usize>,
    profiles: Vec<Profile>,
    signature_ids: HashMap<Signature, usize>,
    group_ids: HashMap<(Place, usize, Vec<bool>), usize>,
    groups: Vec<(Place, Group)>,
    shared_ids: HashMap<usize, usize>,
    kept: Vec<Shared>,
    cuts: Cuts,
}

impl Groups {
    /// No groups yet; addresses on different sides of a cut will not share one.
    pub fn new(cuts: Cuts) -> Self {
        Self { cuts, ..Self::default() }
    }

    /// The id of a set of parts.
    pub fn profile(&mut self, deriver: &Deriver<'_>, mut parts: Vec<Part>) -> usize {
        parts.sort_unstable();
        parts.dedup();
        if let Some(id) = self.profile_ids.get(&parts) {
            return *id;
        }
        let mut needs = BTreeMap::new();
        let mut parts_of: BTreeMap<Key, BTreeSet<Part>> = BTreeMap::new();
        for part in &parts {
            for need in part.needs(deriver) {
                parts_of.entry((need.service.clone(), need.port, need.region.clone())).or_default().insert(*part);
                merge(&mut needs, need.clone());
            }
        }
        let content: Signature = needs.iter().map(|(key, n)| (key.clone(), n.hosts.clone(), n.owners.clone(), n.asks.clone(), n.unsure.clone())).collect();
        let next = self.signature_ids.len();
        let signature = *self.signature_ids.entry(content).or_insert(next);
        let id = self.profiles.len();
        self.profiles.push(Profile { needs, parts_of, signature });
        self.profile_ids.insert(parts, id);
        id
    }

    /// Keeps workloads that many members share, so that adding a member is cheap.
    pub fn keep(&mut self, shared: Shared) -> usize {
        let address = Arc::as_ptr(&shared).addr();
        if let Some(id) = self.shared_ids.get(&address) {
            return *id;
        }
        let id = self.kept.len();
        self.kept.push(shared);
        self.shared_ids.insert(address, id);
        id
    }

    /// Adds a workload's interface. `member` is a container instance or task; `None`: nothing runs there yet.
    pub fn add(&mut self, place: Place, profile: usize, member: Option<&str>, addresses: &[IpAddr], shared: Option<usize>, own: impl IntoIterator<Item = (Part, String)>) {
        let signature = self.profiles.get(profile).map_or(usize::MAX, |p| p.signature);
        let sides = self.cuts.sides(place.subnet.as_deref(), addresses);
        let key = (place, signature, sides);
        let id = match self.group_ids.get(&key) {
            Some(id) => *id,
            None => {
                let id = self.groups.len();
                self.groups.push((key.0.clone(), Group::default()));
                self.group_ids.insert(key, id);
                id
            }
        };
        let Some((_, group)) = self.groups.get_mut(id) else { return };
        group.profiles.insert(profile);
        if let Some(member) = member {
            group.members.push(member.to_owned());
            group.addresses.extend(addresses);
        }
        group.address_missing |= addresses.is_empty();
        for (part, workload) in own {
            group.workloads.entry(part).or_default().insert(workload);
        }
        if let Some(shared) = shared
            && group.shared.insert(shared)
            && let Some(kept) = self.kept.get(shared)
        {
            for (part, workloads) in kept.iter() {
                group.workloads.entry(*part).or_default().extend(workloads.iter().cloned());
            }
        }
    }

    /// Who runs each derived task definition and in which VPCs.
    pub fn users(&self) -> BTreeMap<usize, (BTreeSet<String>, BTreeSet<String>)> {
        let mut out: BTreeMap<usize, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        for (place, group) in &self.groups {
            for (part, workloads) in &group.workloads {
                let Some(id) = part.derived() else { continue };
                let entry = out.entry(id).or_default();
                entry.0.extend(workloads.iter().cloned());
                entry.1.extend(place.vpc.clone());
            }
        }
        out
    }

    /// VPCs in which something was placed.
    pub fn vpcs(&self) -> BTreeSet<String> {
        self.groups.iter().filter_map(|(place, _)| place.vpc.clone()).collect()
    }

    /// The placements, sorted by id.
    pub fn finish(self, deriver: &Deriver<'_>) -> Vec<Placement> {
        let mut out: Vec<Placement> = self.groups.into_iter().map(|(place, group)| placement(place, group, &self.profiles, deriver)).collect();
        out.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.members.cmp(&b.members)));
        let mut again = 0;
        for i in 1..out.len() {
            // Two groups with one hash: number them.
            let Some([before, this]) = out.get_mut(i - 1..=i) else { continue };
            if before.id.split('~').next() == Some(this.id.as_str()) {
                again += 1;
                this.id = format!("{}~{again}", this.id);
            }
        }
        out
    }
}

fn placement(place: Place, group: Group, profiles: &[Profile], deriver: &Deriver<'_>) -> Placement {
    let mut members = group.members;
    members.sort();
    members.dedup();
    let at_instance = matches!(place.kind, Kind::ContainerInstance | Kind::ManagedInstance);
    let member_names: Names = Arc::new(members.iter().cloned().collect());
    let mut needs: BTreeMap<Key, Need> = BTreeMap::new();
    let mut parts_of: BTreeMap<Key, BTreeSet<Part>> = BTreeMap::new();
    for profile in group.profiles.iter().filter_map(|id| profiles.get(*id)) {
        for (key, need) in &profile.needs {
            merge(&mut needs, need.clone());
            parts_of.entry(key.clone()).or_default().extend(profile.parts_of.get(key).into_iter().flatten());
        }
    }
    let names_of = |parts: &BTreeSet<Part>| -> BTreeSet<String> { parts.iter().filter_map(|p| group.workloads.get(p)).flatten().cloned().collect() };
    let mut known_behind: BTreeMap<BTreeSet<Part>, Names> = BTreeMap::new();
    let mut behind = |parts: &BTreeSet<Part>| -> Names { known_behind.entry(parts.clone()).or_insert_with(|| Arc::new(names_of(parts))).clone() };
    // Most needs of a placement come from the same parts: one set of names for all of them.
    let mut known: BTreeMap<BTreeSet<Part>, Names> = BTreeMap::new();
    let mut names = |parts: &BTreeSet<Part>| -> Names {
        if let Some(found) = known.get(parts) {
            return found.clone();
        }
        let own = names_of(parts);
        let found: Names = if at_instance && own.is_empty() {
            member_names.clone()
        } else if at_instance {
            Arc::new(own.into_iter().chain(members.iter().cloned()).collect())
        } else {
            Arc::new(own)
        };
        known.insert(parts.clone(), found.clone());
        found
    };
    let mut list = Vec::with_capacity(needs.len());
    for (key, mut need) in needs {
        let parts = parts_of.remove(&key).unwrap_or_default();
        need.workloads = names(&parts);
        need.units = if at_instance && !members.is_empty() { member_names.clone() } else { need.workloads.clone() };
        let mut by_definition: BTreeMap<&str, BTreeSet<Part>> = BTreeMap::new();
        for part in &parts {
            if let Some(id) = part.derived() {
                by_definition.entry(deriver.definition(id)).or_default().insert(*part);
            }
        }
        // Without the members: there may be many definitions, and each would repeat them all.
        need.definitions = by_definition.into_iter().map(|(arn, parts)| (arn.to_owned(), behind(&parts))).collect();
        list.push(need);
    }
    let all: BTreeSet<Part> = group.workloads.keys().copied().collect();
    let workloads = names(&all);
    let id = id(&place, &list);
    Placement {
        id,
        kind: place.kind,
        vpc: place.vpc,
        subnet: place.subnet,
        security_groups: place.groups,
        place_unseen: place.place_unseen,
        groups_unseen: place.groups_unseen,
        members,
        addresses: if group.address_missing { BTreeSet::new() } else { group.addresses },
        public_ip: place.public_ip,
        os: place.os,
        fargate: place.fargate,
        needs: list,
        workloads,
    }
}

/// Kind and subnet for people, and a hash of everything else that tells placements apart.
fn id(place: &Place, needs: &[Need]) -> String {
    let mut hash = Sha256::new();
    let mut feed = |text: &str| {
        hash.update(text.as_bytes());
        hash.update([0]);
    };
    feed(place.vpc.as_deref().unwrap_or_default());
    place.groups.iter().for_each(|g| feed(g));
    feed(&format!("{:?} {:?} {:?} {} {:?}", place.place_unseen, place.groups_unseen, place.public_ip, place.fargate, place.os));
    for need in needs {
        feed(&need.service);
        feed(&format!("{} {:?}", need.port, need.region));
        need.hosts.iter().for_each(|h| feed(h));
        for ask in &need.asks {
            feed(&format!("{} {:?} {} {}", ask.action, ask.caller, ask.resource, ask.blocks));
        }
        for (owner, severity) in &need.owners {
            feed(&format!("{owner:?} {severity:?}"));
        }
        need.unsure.iter().for_each(|u| feed(&format!("{u:?}")));
    }
    let digest: String = hash.finalize().iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("{}/{}/{digest}", kind_name(place.kind), place.subnet.as_deref().unwrap_or("unknown"))
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::ContainerInstance => "container-instance",
        Kind::ManagedInstance => "managed-instance",
        Kind::AwsvpcTask => "awsvpc-task",
        Kind::HostTask => "host-task",
        Kind::FargateTask => "fargate-task",
        Kind::Service => "service",
        Kind::Query => "query",
    }
}
