//! Writes an inventory as a snapshot folder: everything in a temporary folder first, then into place, so that nothing
//! half-written is ever left behind.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::SnapshotError;
use super::manifest::{self, Manifest};
use super::{operations, outputs};
use crate::actions::Action;
use crate::inventory::{Inventory, Region, State};

/// Whether a snapshot may be written here: the folder is new or empty.
///
/// # Errors
/// A file in the place, a folder with something in it, or one that cannot be looked into.
pub fn check_target(dir: &Path) -> Result<(), SnapshotError> {
    let occupied = |reason: &str| SnapshotError::Occupied { path: dir.to_owned(), reason: reason.to_owned() };
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(occupied("is not empty; a recording needs a new or empty folder, so that no two are mixed")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(occupied("is no folder; name a new one")),
        Err(source) => Err(SnapshotError::write(dir, source)),
    }
}

/// Saves an inventory. Flat for one region, a folder a region for several, a folder an account and region for several accounts.
///
/// # Errors
/// A target that is neither new nor empty, or a folder that cannot be written; nothing is left behind then.
pub fn save(inventory: &Inventory, dir: &Path) -> Result<(), SnapshotError> {
    save_unless(inventory, dir, &|| false)
}

/// Like [`save`], and gives up, leaving nothing behind, as soon as `stop` says so.
///
/// # Errors
/// As [`save`], and [`SnapshotError::Interrupted`].
pub fn save_unless(inventory: &Inventory, dir: &Path, stop: &dyn Fn() -> bool) -> Result<(), SnapshotError> {
    check_target(dir)?;
    let exists = dir.is_dir();
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(|source| SnapshotError::write(parent, source))?;
    // An existing folder keeps its identity and rights, and may be a mount that no rename can replace.
    let home = if exists { dir } else { parent };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".audit-record-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let temporary = builder.tempdir_in(home).map_err(|source| SnapshotError::write(dir, source))?;
    let several_accounts = inventory.regions.iter().map(|r| &r.account).collect::<BTreeSet<_>>().len() > 1;
    for region in &inventory.regions {
        let mut folder = temporary.path().to_owned();
        if several_accounts {
            folder.push(&region.account);
        }
        if several_accounts || inventory.regions.len() > 1 {
            folder.push(&region.region);
        }
        write_region(region, &folder, stop).map_err(|error| shown(error, temporary.path(), dir))?;
    }
    if stop() {
        return Err(SnapshotError::Interrupted);
    }
    if exists { move_up(temporary.path(), dir) } else { fs::rename(temporary.path(), dir).map_err(|source| SnapshotError::write(dir, source)) }
}

/// Errors name the file as the user will look for it, not the temporary one.
fn shown(error: SnapshotError, temporary: &Path, dir: &Path) -> SnapshotError {
    match error {
        SnapshotError::Write { path, source } => SnapshotError::Write { path: path.strip_prefix(temporary).map_or(path.clone(), |rest| dir.join(rest)), source },
        other => other,
    }
}

/// Moves what lies in a temporary folder up into the folder that it is in; all of it or nothing.
fn move_up(from: &Path, to: &Path) -> Result<(), SnapshotError> {
    let mut moved: Vec<PathBuf> = Vec::new();
    let result = (|| {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            fs::rename(entry.path(), &target)?;
            moved.push(target);
        }
        Ok(())
    })();
    result.map_err(|source| {
        for path in &moved {
            // The first error is the one to tell; what cannot be removed cannot be helped.
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        SnapshotError::write(to, source)
    })
}

fn write_region(region: &Region, folder: &Path, stop: &dyn Fn() -> bool) -> Result<(), SnapshotError> {
    fs::create_dir_all(folder).map_err(|source| SnapshotError::write(folder, source))?;
    for action in Action::ALL {
        let state = region.completeness.state(*action);
        if matches!(state, State::Complete | State::Partial) && outputs::has_file(*action, region) {
            let path = folder.join(format!("{}.json", action.operation()));
            into_file(&path, stop, |json| outputs::write(*action, region, json))?;
        }
    }
    for name in region.invalid_service_names.iter().filter(|name| operations::is_service_name(name)) {
        let path = folder.join(format!("{}.{name}.json", Action::DescribeVpcEndpointServices.operation()));
        into_file(&path, stop, |json| outputs::write_invalid_service(name, json))?;
    }
    into_file(&folder.join(manifest::NAME), stop, |json| Manifest::of(region).serialize(json).map(|_| ()))
}

/// The serializer of all files.
pub(super) type Json<'a> = serde_json::Serializer<BufWriter<Watched<'a>>, serde_json::ser::PrettyFormatter<'static>>;

fn into_file<'a>(path: &Path, stop: &'a dyn Fn() -> bool, fill: impl FnOnce(&mut Json<'a>) -> serde_json::Result<()>) -> Result<(), SnapshotError> {
    let failed = |source: io::Error| if stop() { SnapshotError::Interrupted } else { SnapshotError::write(path, source) };
    let file = File::create_new(path).map_err(failed)?;
    let writer = BufWriter::with_capacity(1 << 16, Watched { file, stop });
    let mut json = serde_json::Serializer::with_formatter(writer, serde_json::ser::PrettyFormatter::with_indent(b"  "));
    fill(&mut json).map_err(|error| failed(error.into()))?;
    let mut writer = json.into_inner();
    writer.write_all(b"\n").and_then(|()| writer.flush()).map_err(failed)
}

/// A file whose writing ends when the caller asks to stop.
pub(super) struct Watched<'a> {
    file: File,
    stop: &'a dyn Fn() -> bool,
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.stop)() {
            return Err(io::Error::other("interrupted"));
        }
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
