//! Writing reports to files: all of them whole, or none, and never half of one.
//!
//! Each report goes to a temporary file beside its target; when all are written, each is renamed over its target. Temporary
//! files are kept in one list for the whole process, so that a signal handler can remove them with [`cleanup`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempPath;

use crate::report::Format;

/// One `--output F=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// In which format.
    pub format: Format,
    /// Where to.
    pub path: PathBuf,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text.split_once('=').ok_or_else(|| format!("`{text}` is not FORMAT=PATH, such as sarif=audit.sarif"))?;
        let format = format.parse()?;
        if path.is_empty() {
            return Err(format!("`{text}` names no path behind `=`"));
        }
        Ok(Self { format, path: PathBuf::from(path) })
    }
}

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {reason}", path.display())]
pub struct OutputError {
    /// Which one.
    pub path: PathBuf,
    /// Why, and the way out.
    pub reason: String,
}

/// Temporary files that exist now, and whether new ones may still be made or put in place.
#[derive(Default)]
struct Pending {
    files: Vec<(usize, TempPath)>,
    next: usize,
    stopped: bool,
}

/// The list of temporary files, shared with the signal handler.
struct Files(Mutex<Pending>);

/// That of the process.
static FILES: Files = Files(Mutex::new(Pending { files: Vec::new(), next: 0, stopped: false }));

impl Files {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        let mut pending = self.pending();
        pending.stopped = true;
        pending.files.clear();
    }

    fn drop_file(&self, id: usize) {
        self.pending().files.retain(|(n, _)| *n != id);
    }

    /// Writes a temporary file beside the target; its number in the list.
    fn stage(&self, target: &Path, bytes: &[u8]) -> io::Result<usize> {
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // An existing report keeps its mode; a new one gets what the umask leaves of 0666.
        let mode = fs::metadata(target).map_or(0o666, |m| m.permissions().mode() & 0o777);
        let (mut file, id) = {
            let mut pending = self.pending();
            if pending.stopped {
                return Err(io::Error::from(io::ErrorKind::Interrupted));
            }
            let temp = tempfile::Builder::new().prefix(".audit-").suffix(".tmp").permissions(fs::Permissions::from_mode(mode)).tempfile_in(folder)?;
            let (file, path) = temp.into_parts();
            let id = pending.next;
            pending.next += 1;
            pending.files.push((id, path));
            (file, id)
        };
        write_whole(&mut file, bytes).map(|()| id).inspect_err(|_| self.drop_file(id))
    }

    /// Renames a staged file over its target, under the lock: a signal comes before or after it, not between.
    fn put(&self, id: usize, target: &Path) -> io::Result<()> {
        let mut pending = self.pending();
        let Some(at) = pending.files.iter().position(|(n, _)| *n == id) else {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        };
        let (_, temp) = pending.files.swap_remove(at);
        temp.persist(target).map_err(|e| e.error)
    }
}

/// For a signal handler, before the process exits: removes every temporary file, and lets no later one be made or renamed.
pub fn cleanup() {
    FILES.stop();
}

/// Writes each file whole. Nothing is put in place before everything is written.
///
/// # Errors
/// The first path that could not be written, and why; then no target has been touched, but for those that are no regular
/// file and for those put in place before a rename failed.
pub fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), OutputError> {
    if let Some(twice) = files.iter().enumerate().find(|(i, f)| files.iter().take(*i).any(|g| g.0 == f.0) && !is_stream(&f.0)) {
        return Err(OutputError { path: twice.1.0.clone(), reason: "two reports are to go there; give each its own path".to_owned() });
    }
    let mut staged = Staged(Vec::new());
    let mut direct = Vec::new();
    for (path, bytes) in files {
        let fail = |e: &io::Error| OutputError { path: path.clone(), reason: reason(path, e) };
        if is_stream(path) {
            direct.push((path, bytes));
        } else {
            let target = resolve(path).map_err(|e| fail(&e))?;
            staged.0.push((path, FILES.stage(&target, bytes).map_err(|e| fail(&e))?, target));
        }
    }
    for (path, bytes) in direct {
        write_direct(path, bytes).map_err(|e| OutputError { path: path.clone(), reason: reason(path, &e) })?;
    }
    for (path, id, target) in &staged.0 {
        FILES.put(*id, target).map_err(|e| OutputError { path: (*path).clone(), reason: reason(path, &e) })?;
    }
    Ok(())
}

/// Temporary files of one call; what is left of them goes when this does.
struct Staged<'a>(Vec<(&'a PathBuf, usize, PathBuf)>);

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|s| FILES.drop_file(s.1));
    }
}

/// Whether the path is written to directly: what exists and is no regular file, and the names of open descriptors, which
/// may lead to a regular file that something else is writing to as well.
fn is_stream(path: &Path) -> bool {
    let special = ["/dev", "/proc"].iter().any(|d| path.starts_with(d));
    fs::metadata(path).is_ok_and(|m| !m.is_dir() && (special || !m.is_file()))
}

/// The file that a path stands for: the target of a symbolic link, so that the link stays.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    match fs::symlink_metadata(path) {
        Ok(m) if m.is_symlink() => fs::canonicalize(path),
        _ => Ok(path.to_owned()),
    }
}

fn write_whole(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.flush()
}

fn write_direct(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path).or_else(|_| OpenOptions::new().write(true).open(path))?;
    match write_whole(&mut file, bytes) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The reason in words, with the way out where there is one.
fn reason(path: &Path, error: &io::Error) -> String {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match error.kind() {
        io::ErrorKind::NotFound if !folder.is_dir() => format!("there is no folder {}; make it first", folder.display()),
        io::ErrorKind::IsADirectory => "it is a folder; name a file in it".to_owned(),
        io::ErrorKind::PermissionDenied => format!("permission denied; a file must be made in {}", folder.display()),
        io::ErrorKind::StorageFull => "the disk is full; free some space or choose another place".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn targets_are_parsed_at_the_first_equals_sign() {
        assert_eq!("sarif=a=b.sarif".parse::<Target>().unwrap(), Target { format: Format::Sarif, path: PathBuf::from("a=b.sarif") });
        assert!("sarif".parse::<Target>().unwrap_err().contains("FORMAT=PATH"));
        assert!("sarif=".parse::<Target>().unwrap_err().contains("no path"));
        assert!("pdf=x".parse::<Target>().unwrap_err().contains("pdf"));
    }

    #[test]
    fn all_are_written_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a.json"), dir.path().join("b.sarif"));
        fs::write(&a, "old").unwrap();
        fs::set_permissions(&a, fs::Permissions::from_mode(0o640)).unwrap();
        write_all(&[(a.clone(), b"new".to_vec()), (b.clone(), b"sarif".to_vec())]).unwrap();
        assert_eq!(fs::read(&a).unwrap(), b"new");
        assert_eq!(fs::metadata(&a).unwrap().permissions().mode() & 0o777, 0o640, "the mode of an earlier report stays");
        assert_ne!(fs::metadata(&b).unwrap().permissions().mode() & 0o044, 0, "a new report is not private to its owner");
        assert_eq!(entries(dir.path()), ["a.json", "b.sarif"]);
    }

    #[test]
    fn one_that_cannot_be_written_leaves_the_others_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let a = dir.path().join("a.json");
        fs::write(&a, "old").unwrap();
        let missing = dir.path().join("no/such/b.json");
        let error = write_all(&[(a.clone(), b"new".to_vec()), (missing.clone(), b"x".to_vec())]).unwrap_err();
        assert_eq!(error.path, missing);
        assert!(error.to_string().contains("there is no folder"), "{error}");
        assert_eq!(fs::read(&a).unwrap(), b"old");
        assert_eq!(entries(dir.path()), ["a.json"]);
        let error = write_all(&[(dir.path().to_owned(), b"x".to_vec())]).unwrap_err();
        assert!(error.to_string().contains("is a folder"), "{error}");
        let error = write_all(&[(a.clone(), vec![]), (a.clone(), vec![])]).unwrap_err();
        assert!(error.to_string().contains("two reports"), "{error}");
    }

    #[test]
    fn a_signal_leaves_no_temporary_file_and_the_earlier_report() {
        let files = Files(Mutex::default());
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.json");
        fs::write(&target, "old").unwrap();
        let id = files.stage(&target, b"new").unwrap();
        assert_eq!(entries(dir.path()).len(), 2);
        files.stop();
        assert_eq!(entries(dir.path()), ["a.json"]);
        assert_eq!(files.put(id, &target).unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert_eq!(files.stage(&target, b"late").unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert_eq!(fs::read(&target).unwrap(), b"old");
    }

    #[test]
    fn a_full_disk_is_named() {
        let error = write_all(&[(PathBuf::from("/dev/full"), vec![0; 8192])]).unwrap_err();
        assert_eq!(error.to_string(), "cannot write /dev/full: the disk is full; free some space or choose another place");
    }

    #[test]
    fn what_is_no_regular_file_is_written_to_directly() {
        let null = PathBuf::from("/dev/null");
        write_all(&[(null.clone(), b"x".to_vec()), (null.clone(), b"y".to_vec())]).unwrap();
        assert!(!fs::metadata(&null).unwrap().is_file());
    }

    #[test]
    fn a_symbolic_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_all(&[(link.clone(), b"new".to_vec())]).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }
}
