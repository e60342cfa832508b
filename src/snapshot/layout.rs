//! Which folders hold which account and region, and which files are operations.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::SnapshotError;
use super::manifest;
use super::operations::Recorded;
use crate::actions::Action;

/// The files of one account in one region, as far as the folder's names tell which.
#[derive(Debug, Clone, Default)]
pub(super) struct Unit {
    /// The folder with the region's own files.
    pub folder: PathBuf,
    pub account: Option<String>,
    pub region: Option<String>,
    /// Whether nothing but the content tells accounts apart.
    pub flat: bool,
    pub files: BTreeMap<Action, Vec<Recorded>>,
    /// The manifest of the region's own files.
    pub manifest: Option<PathBuf>,
    /// Manifests of files that several regions share.
    pub shared_manifests: Vec<PathBuf>,
}

/// Files of one folder.
#[derive(Debug, Clone, Default)]
struct Files {
    by_action: BTreeMap<Action, Vec<Recorded>>,
    manifest: Option<PathBuf>,
    folders: Vec<(String, PathBuf)>,
}

impl Files {
    fn is_empty(&self) -> bool {
        self.by_action.is_empty() && self.manifest.is_none()
    }
}

/// The last word of every region's name.
const DIRECTIONS: [&str; 9] = ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];

/// Whether a name is that of a region: `us-east-2`, `us-gov-west-1`, `eusc-de-east-1`. Regions to come are recognised by
/// their direction, and `my-snapshot-1` is none.
pub(super) fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    match parts.as_slice() {
        [area, inner @ .., direction, number] => {
            (2..=4).contains(&area.len())
                && inner.len() <= 1
                && std::iter::once(area).chain(inner).all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
                && DIRECTIONS.contains(direction)
                && (1..=2).contains(&number.len())
                && number.chars().all(|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// Whether a name is that of an account: twelve digits.
pub(super) fn is_account(name: &str) -> bool {
    name.len() == 12 && name.chars().all(|c| c.is_ascii_digit())
}

/// The action and the third part of a file's name, if it is that of a known operation.
pub(super) fn operation_of(name: &str) -> Option<(Action, Option<String>)> {
    let stem = name.strip_suffix(".json")?;
    let mut parts = stem.splitn(3, '.');
    let (service, operation, tail) = (parts.next()?, parts.next()?, parts.next());
    let action = Action::of_operation(&format!("{service}.{operation}"))?;
    Some((action, tail.filter(|t| !t.is_empty()).map(str::to_owned)))
}

/// Services that answer for the whole account, whatever the region.
fn is_global(action: Action) -> bool {
    ["iam:", "route53:", "sts:"].iter().any(|service| action.name().starts_with(service))
}

/// Walks a snapshot folder.
///
/// # Errors
/// A folder that is not there, cannot be read, or holds no answer at all.
pub(super) fn units(dir: &Path) -> Result<Vec<Unit>, SnapshotError> {
    match fs::metadata(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(SnapshotError::folder(dir, "no such folder; make one with `audit record --region REGION --out DIR`")),
        Err(source) => return Err(SnapshotError::Unreadable { path: dir.to_owned(), source }),
        Ok(meta) if !meta.is_dir() => return Err(SnapshotError::folder(dir, "is no folder; a snapshot is a folder of files such as `ec2.describe-vpcs.json`")),
        Ok(_) => {}
    }
    let (own_account, own_region) = names_of(dir);
    let mut root = list(dir)?;
    let accounts: Vec<_> = root.folders.iter().filter(|(name, _)| is_account(name)).cloned().collect();
    let mut shared = shared_by_regions(&mut root, !accounts.is_empty())?;
    let mut units = Vec::new();
    for (account, path) in &accounts {
        let mut inside = list(path)?;
        let mut both = shared_by_regions(&mut inside, false)?;
        add(&mut both, shared.clone());
        take_regions(path, inside, &both, Some(account), None, &mut units)?;
    }
    if !accounts.is_empty() {
        // What lies beside account folders is not another account's manifest.
        shared.manifest = None;
    }
    take_regions(dir, root, &shared, own_account.as_deref(), own_region.as_deref(), &mut units)?;
    if units.is_empty() {
        return Err(SnapshotError::folder(
            dir,
            "holds no recorded answer; files are named after operations, such as `ec2.describe-vpcs.json`, and lie here or in sub-folders named after regions (`us-east-2/`) or accounts and regions",
        ));
    }
    Ok(units)
}

/// Account and region that a folder's own path names: `…/123456789012/us-east-2`.
fn names_of(dir: &Path) -> (Option<String>, Option<String>) {
    let path = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let name = |p: &Path| p.file_name().and_then(|n| n.to_str()).map(str::to_owned);
    let own = name(&path);
    let region = own.clone().filter(|n| is_region(n));
    let account = own.filter(|n| is_account(n)).or_else(|| region.as_ref().and_then(|_| path.parent().and_then(name).filter(|n| is_account(n))));
    (account, region)
}

/// Takes out of a folder what the regions in it share: `global/`, and beside region folders whatever answers for the whole
/// account.
fn shared_by_regions(inside: &mut Files, nested: bool) -> Result<Files, SnapshotError> {
    let mut shared = match inside.folders.iter().find(|(name, _)| name == "global") {
        Some((_, path)) => list(path)?,
        None => Files::default(),
    };
    shared.by_action.retain(|action, _| is_global(*action));
    if nested || inside.folders.iter().any(|(name, _)| is_region(name)) {
        let (global, regional): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut inside.by_action).into_iter().partition(|(action, _)| is_global(*action));
        inside.by_action = regional;
        let manifest = if inside.by_action.is_empty() { inside.manifest.take() } else { None };
        add(&mut shared, Files { by_action: global, manifest, folders: Vec::new() });
    }
    Ok(shared)
}

/// Adds the units of a folder: its region folders, and its own files if there are any.
fn take_regions(dir: &Path, inside: Files, shared: &Files, account: Option<&str>, region: Option<&str>, units: &mut Vec<Unit>) -> Result<(), SnapshotError> {
    let mut unit = |folder: &Path, region: Option<&str>, flat: bool, mut files: Files| {
        if files.is_empty() {
            return;
        }
        let manifest = files.manifest.take();
        add(&mut files, shared.clone());
        units.push(Unit {
            folder: folder.to_owned(),
            account: account.map(str::to_owned),
            region: region.map(str::to_owned),
            flat,
            files: files.by_action,
            manifest,
            shared_manifests: shared.manifest.iter().cloned().collect(),
        });
    };
    for (name, path) in inside.folders.iter().filter(|(name, _)| is_region(name)) {
        unit(path, Some(name), false, list(path)?);
    }
    unit(dir, region, true, Files { folders: Vec::new(), ..inside });
    Ok(())
}

fn add(to: &mut Files, from: Files) {
    for (action, files) in from.by_action {
        to.by_action.entry(action).or_default().extend(files);
    }
    to.manifest = to.manifest.take().or(from.manifest);
}

/// The entries of one folder that matter, in order of name.
fn list(dir: &Path) -> Result<Files, SnapshotError> {
    let unreadable = |source| SnapshotError::Unreadable { path: dir.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        // A name that is not Unicode is that of no operation, region or account.
        if let Ok(name) = entry.map_err(unreadable)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    let mut files = Files::default();
    for name in names {
        let path = dir.join(&name);
        if name == manifest::NAME {
            files.manifest = Some(path);
        } else if let Some((action, tail)) = operation_of(&name) {
            files.by_action.entry(action).or_default().push(Recorded { path, tail });
        } else if (is_region(&name) || is_account(&name) || name == "global") && path.is_dir() {
            files.folders.push((name, path));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_regions_and_accounts() {
        for name in ["us-east-2", "ap-northeast-3", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1", "mx-central-1", "eu-isoe-west-1"] {
            assert!(is_region(name), "{name}");
        }
        for name in ["my-snapshot-1", "us-east", "us-east-2a", "east-2", "US-EAST-2", "us--east-2", "use2-az1", "us-a-b-east-1", "", "-", "us-east-"] {
            assert!(!is_region(name), "{name}");
        }
        assert!(is_account("012345678901") && !is_account("12345678901") && !is_account("12345678901x"));
    }

    #[test]
    fn names_of_operations() {
        let tail = |name: &str| operation_of(name).map(|(action, tail)| (action.operation(), tail.unwrap_or_default()));
        let found = |operation: &str, tail: &str| Some((operation.to_owned(), tail.to_owned()));
        assert_eq!(tail("ec2.describe-vpcs.json"), found("ec2.describe-vpcs", ""));
        assert_eq!(tail("iam.get-policy.arn:aws:iam::aws:policy.v1.2.json"), found("iam.get-policy", "arn:aws:iam::aws:policy.v1.2"));
        assert_eq!(tail("ecs.describe-services..json"), found("ecs.describe-services", ""));
        for name in ["ec2.describe-vpcs", "ec2.json", ".json", "ec2.describe-vpcs.txt", "EC2.describe-vpcs.json", "ec2.describe-flow-logs.json"] {
            assert_eq!(tail(name), None, "{name}");
        }
    }
}
