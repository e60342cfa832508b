//! Where workloads run.
use super::{Placement, View};

/// All placements of the region.
#[must_use]
pub fn placements(_view: &View<'_>) -> Vec<Placement> {
    Vec::new()
}

/// VPCs that are audited, sorted.
#[must_use]
pub fn audited_vpcs(view: &View<'_>) -> Vec<String> {
    view.options.vpcs.iter().cloned().collect()
}
