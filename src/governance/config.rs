//! `audit.toml`: which rules, from which severity on, and what is accepted for the time being.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::exit::FailOn;
use crate::finding::Severity;

/// The name of the file.
pub const FILE: &str = "audit.toml";

/// What a configuration file says. Everything is optional; options of the command line win.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from.
    pub path: Option<PathBuf>,
    /// Only these rules, by id.
    pub select: Vec<String>,
    /// Not these rules, by id.
    pub ignore: Vec<String>,
    /// From which severity on a failure makes the run fail.
    pub fail_on: Option<FailOn>,
    /// Another severity for the failures of a rule, by id.
    pub severity: BTreeMap<String, Severity>,
    /// What is accepted.
    pub suppress: Vec<Suppression>,
}

/// One `[[suppress]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppression {
    /// Rule id (or what was written, if there is no such rule).
    pub rule: String,
    /// Id, ARN, or pattern with `*`.
    pub resource: Option<String>,
    /// Fingerprint of one finding.
    pub fingerprint: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it holds.
    pub expires: Option<jiff::civil::Date>,
    /// Line of the file, for messages.
    pub line: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    select: Vec<Spanned<String>>,
    #[serde(default)]
    ignore: Vec<Spanned<String>>,
    fail_on: Option<FailOn>,
    #[serde(default)]
    severity: BTreeMap<Spanned<String>, Severity>,
    #[serde(default)]
    suppress: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    resource: Option<String>,
    fingerprint: Option<String>,
    reason: Spanned<String>,
    owner: Option<String>,
    expires: Option<Spanned<Expiry>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expiry {
    Date(toml::value::Datetime),
    Text(String),
}

/// The configuration file that holds for a folder: its own, else that of the nearest folder above.
#[must_use]
pub fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file())
}

/// Reads a configuration file.
///
/// # Errors
/// A file that cannot be read, or says what this program does not know; with its line and column.
pub fn load(path: &Path) -> Result<Config, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let mut config = parse(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    config.path = Some(path.to_owned());
    Ok(config)
}

/// Parses the text of a configuration file.
///
/// # Errors
/// An unknown key or rule, a value of the wrong kind, an entry without a reason or without an object; with its position.
pub fn parse(text: &str) -> Result<Config, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: File = toml::from_str(text).map_err(|e| {
        let at = e.span().map_or_else(String::new, |s| format!("{}: ", position(text, s.start)));
        format!("{at}{}", e.message())
    })?;
    let known = |name: &Spanned<String>| {
        let unknown = || format!("{}: there is no rule `{}`; `audit rules` lists them", position(text, name.span().start), crate::report::text::clean(name.get_ref()));
        crate::rules::find(name.get_ref()).map(|r| r.id.to_owned()).ok_or_else(unknown)
    };
    Ok(Config {
        path: None,
        select: file.select.iter().map(known).collect::<Result<_, _>>()?,
        ignore: file.ignore.iter().map(known).collect::<Result<_, _>>()?,
        fail_on: file.fail_on,
        severity: file.severity.iter().map(|(name, severity)| known(name).map(|id| (id, *severity))).collect::<Result<_, _>>()?,
        suppress: file.suppress.into_iter().map(|entry| suppression(text, entry)).collect::<Result<_, _>>()?,
    })
}

fn suppression(text: &str, entry: Spanned<Entry>) -> Result<Suppression, String> {
    let start = entry.span().start;
    let at = |offset| position(text, offset);
    let entry = entry.into_inner();
    if entry.resource.is_none() && entry.fingerprint.is_none() {
        return Err(format!("{}: this entry needs a `resource`, a `fingerprint` or both", at(start)));
    }
    if entry.resource.as_deref().is_some_and(|r| r.trim().is_empty()) || entry.fingerprint.as_deref().is_some_and(|f| f.trim().is_empty()) {
        return Err(format!("{}: `resource` and `fingerprint` must not be empty", at(start)));
    }
    if entry.reason.get_ref().trim().is_empty() {
        return Err(format!("{}: say in `reason` why this is accepted", at(entry.reason.span().start)));
    }
    let expires = entry.expires.map(|e| date(e.get_ref()).ok_or_else(|| format!("{}: `expires` is a day, such as 2027-01-31", at(e.span().start)))).transpose()?;
    Ok(Suppression {
        rule: crate::rules::find(&entry.rule).map_or(entry.rule, |r| r.id.to_owned()),
        resource: entry.resource,
        fingerprint: entry.fingerprint.map(|f| f.to_lowercase()),
        reason: entry.reason.into_inner(),
        owner: entry.owner,
        expires,
        line: line_of(text, start),
    })
}

fn date(expiry: &Expiry) -> Option<jiff::civil::Date> {
    match expiry {
        Expiry::Text(text) => text.parse().ok(),
        Expiry::Date(d) => {
            let day = d.date.filter(|_| d.time.is_none() && d.offset.is_none())?;
            jiff::civil::Date::new(i16::try_from(day.year).ok()?, i8::try_from(day.month).ok()?, i8::try_from(day.day).ok()?).ok()
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {}, column {column}", line_of(text, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suppressions_are_read_with_their_line() {
        let config = parse("fail-on = \"high\"\n\n[[suppress]]\nrule = \"NW06\"\nresource = \"rtb-1\"\nreason = \"being rebuilt\"\nowner = \"net\"\nexpires = 2027-01-31\n\n[[suppress]]\nrule = \"NW07\"\nfingerprint = \"ABCDEF12\"\nreason = \"r\"\nexpires = \"2027-02-01\"\n").unwrap();
        assert_eq!(config.fail_on, Some(FailOn::High));
        assert_eq!(config.suppress[0].expires, Some(jiff::civil::date(2027, 1, 31)));
        assert_eq!((config.suppress[0].line, config.suppress[1].line), (3, 10));
        assert_eq!(config.suppress[1].fingerprint.as_deref(), Some("abcdef12"));
        assert_eq!(config.suppress[1].expires, Some(jiff::civil::date(2027, 2, 1)));
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_position() {
        for (text, want) in [
            ("colour = 1\n", "line 1, column 1: unknown field `colour`"),
            ("fail-on = \"sometimes\"\n", "line 1, column 11: unknown variant `sometimes`"),
            ("[[suppress]]\nrule = \"NW06\"\nresource = \"r\"\nreason = \"x\"\nuntil = 1\n", "line 5, column 1: unknown field `until`"),
            ("[[suppress]]\nrule = \"NW06\"\nreason = \"x\"\n", "line 1, column 1: this entry needs a `resource`"),
            ("[[suppress]]\nrule = \"NW06\"\nresource = \"r\"\n", "missing field `reason`"),
            ("[[suppress]]\nrule = \"NW06\"\nresource = \"r\"\nreason = \"  \"\n", "line 4, column 10: say in `reason`"),
            ("[[suppress]]\nrule = \"NW06\"\nresource = \" \"\nreason = \"x\"\n", "must not be empty"),
            ("[[suppress]]\nrule = \"NW06\"\nresource = \"r\"\nreason = \"x\"\nexpires = \"soon\"\n", "line 5, column 11: `expires` is a day"),
            ("[[suppress]]\nrule = \"NW06\"\nresource = \"r\"\nreason = \"x\"\nexpires = 2027-01-31T10:00:00Z\n", "`expires` is a day"),
            ("select = [\n  \"XX99\",\n]\n", "line 2, column 3: there is no rule `XX99`"),
            ("[severity]\nXX99 = \"low\"\n", "line 2, column 1: there is no rule `XX99`"),
            ("x = [", "line 1"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(want), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_nearest_file_above_holds() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(dir.path().join(FILE), "").unwrap();
        assert_eq!(find(&deep), Some(dir.path().join(FILE)));
        std::fs::write(dir.path().join("a").join(FILE), "x = 1").unwrap();
        assert_eq!(find(&deep), Some(dir.path().join("a").join(FILE)));
        let error = load(&dir.path().join("a").join(FILE)).unwrap_err();
        assert!(error.contains("a/audit.toml: line 1, column 1: unknown field `x`"), "{error}");
        assert!(load(&dir.path().join("none.toml")).unwrap_err().starts_with("cannot read "));
    }
}
