//! Folders as people and tools make them, in; inventories out; and back.

mod completeness;
mod filler;
mod forms;
mod fuzz;
mod ownership;
mod saving;
mod secrets;

use std::path::PathBuf;

use super::{LoadOptions, SnapshotError, load};
use crate::actions::Action;
use crate::inventory::{Inventory, Region, State};

/// A snapshot folder under construction.
struct Folder(tempfile::TempDir);

impl Folder {
    /// Nothing in it.
    fn bare() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a manifest that tells account and region.
    fn new() -> Self {
        let folder = Self::bare();
        folder.file("audit-snapshot.json", r#"{"schema": "audit-snapshot/1", "partition": "aws", "account": "111122223333", "region": "us-east-2", "taken_at": "2026-11-20T12:00:00Z"}"#);
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    fn load(&self) -> Result<Inventory, SnapshotError> {
        self.load_in(&[])
    }

    fn load_in(&self, regions: &[&str]) -> Result<Inventory, SnapshotError> {
        load(self.0.path(), &LoadOptions { regions: regions.iter().map(|&r| r.to_owned()).collect() })
    }

    /// The only region, which must load.
    fn region(&self) -> Region {
        let mut regions = self.load().map_err(|e| e.to_string()).unwrap().regions;
        assert_eq!(regions.len(), 1);
        regions.remove(0)
    }

    /// The message of a folder that must not load.
    fn error(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn state(region: &Region, action: Action) -> State {
    region.completeness.state(action)
}
