//! Folders of AWS CLI output: read as an inventory, written from one.
//!
//! A folder holds one file an API operation, named `<service>.<operation>[.<anything>].json`, with what the AWS CLI prints for
//! it. What is not there was not collected; what is there and cannot be read ends the run with file, position and reason.

mod choose;
mod error;
mod finish;
mod layout;
mod manifest;
mod operations;
mod outputs;
mod read;
mod slots;
mod whose;
mod write;

use std::collections::BTreeSet;
use std::path::Path;

pub use choose::choose;
pub use error::SnapshotError;
pub use write::{check_target, save, save_unless};

use crate::inventory::{Completeness, Inventory, Region, Source};
use layout::Unit;
use manifest::Manifest;
use operations::Facts;

/// What the command line says of a snapshot.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// `--region`: tells the region of a folder that does not tell it itself. Choosing among several is [`choose`]'s.
    pub regions: Vec<String>,
}

/// Reads a snapshot folder.
///
/// # Errors
/// [`SnapshotError`]: no such folder or nothing in it, a file of a known operation that cannot be read, or no telling which
/// account and region it is of. All of them are wrong input (exit status 2).
pub fn load(dir: &Path, options: &LoadOptions) -> Result<Inventory, SnapshotError> {
    let mut read = Vec::new();
    for unit in layout::units(dir)? {
        let (region, facts, completeness) = read_unit(&unit)?;
        read.push((unit, region, facts, completeness));
    }
    // A region without a hint of its account is of the same account as the others.
    let mut accounts: BTreeSet<String> = read.iter().map(|(_, region, ..)| region.account.clone()).filter(|a| !a.is_empty()).collect();
    let mut pending = Vec::new();
    let mut regions: Vec<Region> = Vec::new();
    for (unit, mut region, facts, completeness) in read {
        match whose::tell(&unit, &mut region, &facts, &options.regions, &BTreeSet::new()) {
            Ok(()) => {
                accounts.insert(region.account.clone());
                regions.push(finished(region, &facts, &completeness));
            }
            Err(error) if unit.flat => return Err(error),
            Err(_) => pending.push((unit, region, facts, completeness)),
        }
    }
    for (unit, mut region, facts, completeness) in pending {
        whose::tell(&unit, &mut region, &facts, &options.regions, &accounts)?;
        regions.push(finished(region, &facts, &completeness));
    }
    regions.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    if let Some([one, _]) = regions.windows(2).find_map(|pair| <&[Region; 2]>::try_from(pair).ok().filter(|[a, b]| (&a.account, &a.region) == (&b.account, &b.region))) {
        return Err(SnapshotError::Whose { path: dir.to_owned(), reason: format!("two folders in it are of region {} in account {}; put their files into one", one.region, one.account) });
    }
    Ok(Inventory { regions })
}

fn finished(mut region: Region, facts: &Facts, manifest: &Completeness) -> Region {
    finish::finish(&mut region, facts, manifest);
    region
}

/// Reads the files of one unit; account and region as far as manifest and folder names tell them.
fn read_unit(unit: &Unit) -> Result<(Region, Facts, Completeness), SnapshotError> {
    let own = unit.manifest.as_deref().map(Manifest::read).transpose()?.unwrap_or_default();
    let mut completeness = own.completeness();
    let mut region = Region {
        partition: own.partition.unwrap_or_default(),
        account: own.account.clone().or_else(|| unit.account.clone()).unwrap_or_default(),
        region: own.region.or_else(|| unit.region.clone()).unwrap_or_default(),
        source: Source::Snapshot,
        taken_at: own.taken_at,
        vpc_scope: own.vpcs,
        asked_vpcs: own.asked_vpcs,
        ..Region::default()
    };
    for path in &unit.shared_manifests {
        let shared = Manifest::read(path)?;
        region.taken_at = region.taken_at.or(shared.taken_at);
        if region.account.is_empty() {
            region.account = shared.account.clone().unwrap_or_default();
        }
        for (action, status) in shared.completeness().0 {
            completeness.0.entry(action).or_insert(status);
        }
    }
    // A recording whose account could not be learnt says so, and loads all the same.
    let mut facts = Facts { account_unknown: own.account.as_deref() == Some(""), ..Facts::default() };
    for (action, files) in &unit.files {
        let status = operations::load(*action, files, &mut region, &mut facts)?;
        region.completeness.record(*action, status);
    }
    if let Some(full) = own.service_listing_full {
        region.service_listing_full = full && !region.service_names.is_empty();
    }
    Ok((region, facts, completeness))
}

#[cfg(test)]
mod tests;
