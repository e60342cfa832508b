//! Where workloads run, and what they need there.
//!
//! One placement is a set of workloads that the network cannot tell apart: one kind of interface, one subnet, the same
//! groups, the same needs. Which interface opens a connection: platform calls of tasks on instances leave by the instance's
//! primary interface, whatever the network mode; Exec and FireLens of tasks with an interface of their own leave by that;
//! everything of a Fargate task leaves by the task's.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html>.

mod cuts;
mod deriver;
mod group;
mod instances;
mod roster;
mod tasks;
mod unseen;
mod world;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use roster::Roster;

use super::needs::Hint;
use super::{Owner, Placement, Unseen, View};
use deriver::Deriver;
use group::Groups;
use world::World;

/// What could not be told of needs, by rule: what was not seen, and the workloads whose needs are not known.
pub type UnseenNeeds = BTreeMap<&'static str, (BTreeSet<Unseen>, BTreeSet<String>)>;

/// Who runs each derived task definition, and in which VPCs.
type Users = BTreeMap<usize, (BTreeSet<String>, BTreeSet<String>)>;

/// Everything that is known of who runs where and needs what.
#[derive(Debug, Default)]
pub struct Survey {
    /// Placements, sorted by id.
    pub placements: Vec<Placement>,
    /// What is no path but matters to rules, sorted.
    pub hints: Vec<Hint>,
    /// What could not be told of needs.
    pub unseen: UnseenNeeds,
    /// Which task belongs to which service and runs on which instance.
    pub roster: Roster,
}

/// Surveys the region.
#[must_use]
pub fn survey(view: &View<'_>) -> Survey {
    let world = World::new(view);
    let mut deriver = Deriver::new(&world);
    let mut groups = Groups::new(cuts::Cuts::new(view.region));
    let mut ledger = unseen::Ledger::default();
    let riders = tasks::place(&world, &mut deriver, &mut groups, &mut ledger);
    instances::place(&world, &mut deriver, &mut groups, &mut ledger, riders);
    tasks::place_services(&world, &mut deriver, &mut groups, &mut ledger);
    let mut users = groups.users();
    for lost in &ledger.placeless {
        users.entry(lost.derived).or_default().0.extend(lost.workloads.iter().cloned());
    }
    let hints = hints(&world, &deriver, &groups, &users);
    let mut placements = groups.finish(&deriver);
    lead_by_vpc(&mut placements);
    let unseen = unseen::needs(&world, &deriver, &users, &placements, ledger);
    Survey { placements, hints, unseen, roster: Roster::new(&world) }
}

/// All placements of the region, sorted by id.
#[must_use]
pub fn placements(view: &View<'_>) -> Vec<Placement> {
    survey(view).placements
}

/// VPCs that are audited, sorted: the scope, else every VPC in which a placement is.
#[must_use]
pub fn audited_vpcs(view: &View<'_>) -> Vec<String> {
    match world::scope(view) {
        Some(scope) => scope.iter().cloned().collect(),
        None => view.placements.iter().filter_map(|p| p.vpc.clone()).collect::<BTreeSet<_>>().into_iter().collect(),
    }
}

/// One rule owns the absence of an endpoint in a VPC: the first of those that need it. A trio member that container instances
/// and Service Connect both miss is EP01's, and names both.
fn lead_by_vpc(placements: &mut [Placement]) {
    let mut first: BTreeMap<(Option<String>, String), Owner> = BTreeMap::new();
    for placement in placements.iter() {
        for need in placement.needs.iter().filter(|n| n.region.is_none()) {
            for (owner, _) in &need.owners {
                let lead = first.entry((placement.vpc.clone(), need.service.clone())).or_insert(*owner);
                *lead = (*lead).min(*owner);
            }
        }
    }
    for placement in placements.iter_mut() {
        for need in placement.needs.iter_mut().filter(|n| n.region.is_none()) {
            let Some(lead) = first.get(&(placement.vpc.clone(), need.service.clone())) else { continue };
            let owners = std::mem::take(&mut need.owners);
            need.also.extend(owners.iter().filter(|(owner, _)| owner != lead));
            need.owners = owners.into_iter().map(|(_, severity)| (*lead, severity)).collect();
        }
    }
}

/// Hints of everything that runs or may run, with who runs it and where.
fn hints(world: &World<'_>, deriver: &Deriver<'_>, groups: &Groups, users: &Users) -> Vec<Hint> {
    // The same hint of several flavours of a task definition is one.
    let mut merged: BTreeMap<Hint, Hint> = BTreeMap::new();
    for (id, (workloads, vpcs)) in users {
        for hint in &deriver.get(*id).hints {
            let entry = merged.entry(hint.clone()).or_insert_with(|| hint.clone());
            Arc::make_mut(&mut entry.workloads).extend(workloads.iter().cloned());
            entry.vpcs.extend(vpcs.iter().cloned());
        }
    }
    let mut out: Vec<Hint> = merged.into_values().collect();
    out.extend(instances::hints(world, groups));
    out.sort();
    out
}
