//! `--region` and `--vpc` over a snapshot, as over an account.

use std::collections::BTreeSet;

use super::error::SnapshotError;
use crate::actions::Action;
use crate::inventory::Inventory;

/// Keeps the chosen regions, and checks that the chosen VPCs are there. Nothing chosen keeps everything. What lies outside
/// the chosen VPCs stays: it was seen, and ways may lead there; that only they are audited is the analysis's business.
///
/// # Errors
/// A region that the inventory does not hold; a VPC that no chosen region holds, although each of them shows its VPCs.
pub fn choose(mut inventory: Inventory, regions: &[String], vpcs: &[String]) -> Result<Inventory, SnapshotError> {
    if let Some(unknown) = regions.iter().find(|name| !inventory.regions.iter().any(|r| r.region == **name)) {
        let held: BTreeSet<&str> = inventory.regions.iter().map(|r| r.region.as_str()).collect();
        return Err(SnapshotError::Choice(format!("region {unknown} is not in the snapshot, which holds {}", held.into_iter().collect::<Vec<_>>().join(", "))));
    }
    if !regions.is_empty() {
        inventory.regions.retain(|r| regions.contains(&r.region));
    }
    if vpcs.is_empty() {
        return Ok(inventory);
    }
    let all_seen = inventory.regions.iter().all(|r| r.completeness.seen(Action::DescribeVpcs));
    if let Some(unknown) = vpcs.iter().find(|id| !inventory.regions.iter().any(|r| r.vpcs.iter().any(|v| v.vpc_id == **id))).filter(|_| all_seen) {
        let searched: BTreeSet<&str> = inventory.regions.iter().map(|r| r.region.as_str()).collect();
        return Err(SnapshotError::Choice(format!("{unknown} is not in the snapshot ({}); `ec2.describe-vpcs.json` names those that are", searched.into_iter().collect::<Vec<_>>().join(", "))));
    }
    Ok(inventory)
}
