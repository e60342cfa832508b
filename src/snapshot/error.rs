//! What can be wrong with a snapshot folder, in words for the person who made it.

use std::path::{Path, PathBuf};

/// Why a folder cannot be read or written, or a choice cannot be met: file, position, reason, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The folder is not there, or holds nothing to audit.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file or folder that the system does not let us read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that bears the name of a known operation and does not hold its output.
    #[error("{}{}: {}{reason}", path.display(), position.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default(), if at.is_empty() { String::new() } else { format!("{at}: ") })]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line and column, both from 1.
        position: Option<(usize, usize)>,
        /// The path of keys inside the document; empty at its root.
        at: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The folder does not tell which account or region it was recorded in.
    #[error("{}: {reason}", path.display())]
    Whose {
        /// The folder.
        path: PathBuf,
        /// What is missing or contradictory, and what to do.
        reason: String,
    },
    /// A snapshot that cannot be written.
    #[error("{}: cannot be written: {}", path.display(), reason(source))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The target of a recording is in use.
    #[error("{}: {reason}", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// Why it cannot be used, and what to do.
        reason: String,
    },
    /// A region or VPC that the snapshot does not hold.
    #[error("{0}")]
    Choice(String),
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The system's reason, with the way out where there is one.
fn reason(source: &std::io::Error) -> String {
    match source.kind() {
        std::io::ErrorKind::StorageFull => "the disk is full; free some space or choose another place".to_owned(),
        _ => source.to_string(),
    }
}

impl SnapshotError {
    pub(super) fn folder(path: &Path, reason: impl Into<String>) -> Self {
        Self::Folder { path: path.to_owned(), reason: reason.into() }
    }

    pub(super) fn malformed(path: &Path, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), position: None, at: String::new(), reason: reason.into() }
    }

    pub(super) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// From serde_json's error and the path of keys at which it arose.
    pub(super) fn json(path: &Path, at: &str, error: &serde_json::Error) -> Self {
        if error.is_io() {
            return Self::Unreadable { path: path.to_owned(), source: std::io::Error::new(error.io_error_kind().unwrap_or(std::io::ErrorKind::Other), in_words(&error.to_string())) };
        }
        let reason = match error.classify() {
            serde_json::error::Category::Eof => "the file ends in the middle of its JSON; record it again, or delete it if it was not collected".to_owned(),
            _ => in_words(&error.to_string()),
        };
        let position = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
        Self::Malformed { path: path.to_owned(), position, at: if at == "." { String::new() } else { at.to_owned() }, reason }
    }
}

/// Serde's message without its position and without any value of the document: a value in the wrong place may be a secret.
pub(super) fn in_words(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    if message == "invalid unicode code point" {
        return "is not UTF-8; save it as UTF-8".to_owned();
    }
    for prefix in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some(rest) = message.strip_prefix(prefix)
            && let Some((found, expected)) = rest.rsplit_once(", expected ")
        {
            let kind = found.split(['"', '`']).next().unwrap_or_default().trim();
            return format!(
                "expected {expected}, found {}",
                match kind {
                    "string" | "character" => "a string",
                    "integer" | "floating point" => "a number",
                    "boolean" => "true or false",
                    "map" => "an object",
                    "sequence" => "a list",
                    "null" | "unit value" => "null",
                    _ => "something else",
                }
            );
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_document_do_not_enter_messages() {
        assert_eq!(in_words("invalid type: string \"hunter2, expected x\", expected a map at line 3 column 4"), "expected a map, found a string");
        assert_eq!(in_words("invalid type: integer `42`, expected a string at line 3 column 4"), "expected a string, found a number");
        assert_eq!(in_words("missing field `VpcId` at line 1 column 20"), "missing field `VpcId`");
        assert_eq!(in_words("invalid unicode code point at line 1 column 20"), "is not UTF-8; save it as UTF-8");
    }
}
