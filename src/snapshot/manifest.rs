//! `audit-snapshot.json`: what the files of a folder cannot say of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::SnapshotError;
use super::read::{json, of};
use crate::actions::Action;
use crate::inventory::{Completeness, Region, Status, Time};

/// The file's name.
pub(super) const NAME: &str = "audit-snapshot.json";

/// The version of the layout that is written, and the only one that is read.
const SCHEMA: &str = "audit-snapshot/1";

/// The manifest of one folder. Every key may be missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    schema: Option<String>,
    pub partition: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
    pub taken_at: Option<Time>,
    /// By IAM name of the action; names that are no action of ours are ignored.
    completeness: BTreeMap<String, Status>,
    /// The VPCs that operations were filtered by; `null`: not filtered.
    pub vpcs: Option<BTreeSet<String>>,
    /// The VPCs that were asked for; `null`: the same, or all.
    pub asked_vpcs: Option<BTreeSet<String>>,
    /// Whether DescribeVpcEndpointServices was asked without a filter and answered whole.
    pub service_listing_full: Option<bool>,
}

impl Manifest {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// What is no manifest, or one of another version.
    pub fn read(path: &Path) -> Result<Self, SnapshotError> {
        let manifest: Self = json(path, of::<Self>())?;
        match manifest.schema.as_deref() {
            None | Some(SCHEMA) => Ok(manifest),
            Some(other) => Err(SnapshotError::malformed(path, format!("schema `{other}` is not `{SCHEMA}`, the only one this version reads; record again, or use the version that wrote it"))),
        }
    }

    /// The manifest of a region.
    pub fn of(region: &Region) -> Self {
        Self {
            schema: Some(SCHEMA.to_owned()),
            partition: Some(region.partition.clone()),
            account: Some(region.account.clone()),
            region: Some(region.region.clone()),
            taken_at: region.taken_at,
            completeness: region.completeness.0.iter().map(|(action, status)| (action.name().to_owned(), status.clone())).collect(),
            vpcs: region.vpc_scope.clone(),
            asked_vpcs: region.asked_vpcs.clone(),
            service_listing_full: Some(region.service_listing_full),
        }
    }

    /// What was recorded of how complete each action is.
    pub fn completeness(&self) -> Completeness {
        Completeness(Action::ALL.iter().filter_map(|action| Some((*action, self.completeness.get(action.name())?.clone()))).collect())
    }
}
