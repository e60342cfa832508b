//! Pure functions over the inventory: who needs what, and whether packets and permissions get there. No I/O, no clock.

pub mod dns;
pub mod egress;
pub mod image;
pub mod index;
pub mod model;
pub mod nacl;
pub mod needs;
pub mod net;
pub mod path;
pub mod placement;
pub mod route;
pub mod services;
pub mod sg;

pub use index::Index;
pub use model::*;

use std::collections::BTreeMap;

use crate::inventory::{Region, Time};

/// One account and region, analysed.
#[derive(Debug)]
pub struct View<'a> {
    /// The inventory.
    pub region: &'a Region,
    /// Look-ups over it.
    pub index: Index<'a>,
    /// What was asked and assumed.
    pub options: &'a Options,
    /// The clock: when the inventory was taken, else `--now`, else nothing that has an age is known.
    pub now: Option<Time>,
    /// VPCs that are audited, sorted: the scope, else every VPC that ECS uses.
    pub vpcs: Vec<String>,
    /// Placements, sorted.
    pub placements: Vec<Placement>,
    /// What is no path but matters to rules.
    pub hints: Vec<needs::Hint>,
    /// What could not be told of needs, by rule.
    pub unseen_needs: placement::UnseenNeeds,
    /// Which task belongs to which service and runs on which instance.
    pub roster: placement::Roster,
    /// Paths, sorted by placement, service, port.
    pub paths: Vec<Path>,
}

impl<'a> View<'a> {
    /// Analyses one region: placements and needs, then every path.
    #[must_use]
    pub fn new(region: &'a Region, options: &'a Options) -> Self {
        let index = Index::new(region);
        let now = region.taken_at.or(options.now);
        let mut view =
            Self { region, index, options, now, vpcs: Vec::new(), placements: Vec::new(), hints: Vec::new(), unseen_needs: BTreeMap::new(), roster: placement::Roster::default(), paths: Vec::new() };
        let placement::Survey { placements, hints, unseen, roster } = placement::survey(&view);
        view.placements = placements;
        view.hints = hints;
        view.unseen_needs = unseen;
        view.roster = roster;
        view.vpcs = placement::audited_vpcs(&view);
        view.paths = path::paths(&view);
        view
    }

    /// Whether absence from the answer of `action` means absence in the account.
    #[must_use]
    pub fn seen(&self, action: crate::actions::Action) -> bool {
        self.region.completeness.seen(action)
    }
}
