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
#[cfg(test)]
pub(crate) mod testing;

pub use index::Index;
pub use model::*;

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
    /// What workloads use that no path is drawn for, sorted.
    pub hints: Vec<needs::Hint>,
    /// Needs that could not be told, by rule.
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
            Self { region, index, options, now, vpcs: Vec::new(), placements: Vec::new(), hints: Vec::new(), unseen_needs: Default::default(), roster: Default::default(), paths: Vec::new() };
        let survey = placement::survey(&view);
        view.placements = survey.placements;
        view.hints = survey.hints;
        view.unseen_needs = survey.unseen;
        view.roster = survey.roster;
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
