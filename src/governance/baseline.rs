//! `--baseline OLD.json`: which findings are new since an earlier report, which are as they were, which are gone.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::finding::{Severity, Verdict};
use crate::report::{Report, SCHEMA, json, text::clean};

/// What a comparison with a baseline found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// What makes the comparison weak.
    pub warnings: Vec<String>,
    /// Findings that the baseline lacks, or had less bad.
    pub new: usize,
    /// Findings that the baseline has.
    pub unchanged: usize,
    /// Rules and titles of failures that the baseline has and this report lacks.
    pub gone: Vec<String>,
}

impl Compared {
    /// The comparison in a line, for reports that people read.
    #[must_use]
    pub fn note(&self) -> String {
        format!("Against the baseline: {} new, {} unchanged, {} no longer there.", self.new, self.unchanged, self.gone.len())
    }
}

/// Whether a baseline can be read at all, before anything is collected. One that is not there can: every finding is new.
///
/// # Errors
/// A file that exists and cannot be read, or is no JSON.
pub fn check(path: &Path) -> Result<(), String> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice::<Value>(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).map(drop).map_err(|e| format!("the baseline {} is no JSON: {e}", path.display())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(format!("cannot read the baseline {}: {e}", path.display())),
    }
}

/// Marks each finding `new` or `unchanged` against the report in `path`. A finding that has become worse is new: a baseline
/// accepts what it has seen, and no more.
///
/// # Errors
/// A file that exists and cannot be read, or is no JSON or no report.
pub fn apply(report: &mut Report, path: &Path) -> Result<Compared, String> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(all_new(report, format!("there is no baseline {}: every finding counts as new", path.display())));
        }
        Err(e) => return Err(format!("cannot read the baseline {}: {e}", path.display())),
    };
    compare(report, &bytes, &path.display().to_string())
}

/// The same, over the bytes of the baseline.
///
/// # Errors
/// What is no JSON, or no report of any version.
pub fn compare(report: &mut Report, bytes: &[u8], name: &str) -> Result<Compared, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("the baseline {name} is no JSON: {e}"))?;
    match json::schema_of(&value) {
        Some(SCHEMA) => {}
        Some(other) => {
            let warning = format!("the baseline {name} has the schema `{}`, and this program reads `{SCHEMA}`: every finding counts as new", clean(other));
            return Ok(all_new(report, warning));
        }
        None => return Ok(all_new(report, format!("the baseline {name} names no schema: every finding counts as new"))),
    }
    let old: Report = serde_path_to_error::deserialize(value).map_err(|e| format!("the baseline {name} is no report: at `{}`: {}", e.path(), e.inner()))?;
    let mut warnings = differences(&old, report).into_iter().map(|d| format!("the baseline {name} {d}")).collect::<Vec<_>>();
    if !old.complete {
        warnings.push(format!("the baseline {name} is incomplete: what it could not see counts as new"));
    }
    let known: BTreeMap<&str, (Verdict, Severity)> = old.findings.iter().map(|f| (f.fingerprint.as_str(), (f.verdict, f.severity))).collect();
    let mut compared = Compared { warnings, ..Compared::default() };
    for f in &mut report.findings {
        let as_bad = known.get(f.fingerprint.as_str()).is_some_and(|(verdict, severity)| *verdict == f.verdict && *severity >= f.severity);
        f.status = Some(if as_bad { "unchanged" } else { "new" }.to_owned());
        *(if as_bad { &mut compared.unchanged } else { &mut compared.new }) += 1;
    }
    let still = |print: &str| report.findings.iter().any(|f| f.fingerprint == print) || report.suppressed.iter().any(|s| s.fingerprint.as_deref() == Some(print));
    compared.gone = old.findings.iter().filter(|f| f.verdict == Verdict::Fail && !still(&f.fingerprint)).map(|f| format!("{} {}", clean(&f.rule), clean(&f.title))).collect();
    Ok(compared)
}

/// In what two reports differ beside their findings: assumptions, scope.
#[must_use]
pub fn differences(old: &Report, new: &Report) -> Vec<String> {
    let mut out = Vec::new();
    if old.assume != new.assume {
        let words = |a: &[String]| if a.is_empty() { "none".to_owned() } else { a.iter().map(|x| clean(x)).collect::<Vec<_>>().join(", ") };
        out.push(format!("was made under other assumptions ({}; now {})", words(&old.assume), words(&new.assume)));
    }
    let scope = |r: &Report| r.scope.iter().map(|s| (s.partition.clone(), s.account.clone(), s.region.clone(), s.vpcs.clone())).collect::<Vec<_>>();
    if scope(old) != scope(new) {
        out.push("was made over another scope (accounts, regions or VPCs)".to_owned());
    }
    out
}

fn all_new(report: &mut Report, warning: String) -> Compared {
    for f in &mut report.findings {
        f.status = Some("new".to_owned());
    }
    Compared { warnings: vec![warning], new: report.findings.len(), ..Compared::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_same_report_again_has_nothing_new() {
        let mut report = sample::report();
        let compared = compare(&mut report, &json::render(&sample::report()), "old.json").unwrap();
        assert_eq!((compared.new, compared.unchanged), (0, 5));
        assert!(compared.gone.is_empty());
        assert!(report.findings.iter().all(|f| f.status.as_deref() == Some("unchanged")));
        assert_eq!(compared.warnings, ["the baseline old.json is incomplete: what it could not see counts as new"]);
    }

    #[test]
    fn new_gone_and_worsened_findings_are_told_apart() {
        let mut old = sample::report();
        old.complete = true;
        old.findings.retain(|f| f.rule != "NW01");
        old.findings.iter_mut().find(|f| f.rule == "EP09").unwrap().severity = Severity::Low;
        let mut new = sample::report();
        new.findings.retain(|f| f.rule != "AG01");
        let compared = compare(&mut new, &json::render(&old), "old.json").unwrap();
        let status = |rule: &str| new.findings.iter().find(|f| f.rule == rule).unwrap().status.clone().unwrap();
        assert_eq!(status("NW01"), "new");
        assert_eq!(status("EP09"), "new", "low then, critical now");
        assert_eq!(status("EP04"), "unchanged");
        assert_eq!(compared.gone, ["AG01 Agent too old for a feature in use"]);
    }

    #[test]
    fn a_baseline_that_cannot_be_used_warns_or_stops() {
        let mut report = sample::report();
        let dir = tempfile::tempdir().unwrap();
        let compared = apply(&mut report, &dir.path().join("none.json")).unwrap();
        assert!(compared.warnings[0].contains("there is no baseline"));
        assert!(report.findings.iter().all(|f| f.status.as_deref() == Some("new")));
        let compared = compare(&mut report, br#"{"schema":"audit-report/9"}"#, "x").unwrap();
        assert!(compared.warnings[0].contains("`audit-report/9`"));
        assert_eq!(compare(&mut report, b"{", "x").unwrap_err().split(':').next(), Some("the baseline x is no JSON"));
        assert!(compare(&mut report, br#"{"schema":"audit-report/1"}"#, "x").unwrap_err().contains("is no report"));
    }

    #[test]
    fn other_assumptions_and_scopes_warn() {
        let mut old = sample::passing();
        old.assume = vec!["plain-dns".to_owned()];
        old.scope[0].region = "eu-west-1".to_owned();
        let warnings = compare(&mut sample::passing(), &json::render(&old), "x").unwrap().warnings;
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("other assumptions (plain-dns; now none)"));
        old.scope = sample::passing().scope;
        old.scope[0].source = crate::report::SourceName::Snapshot;
        old.assume.clear();
        assert!(compare(&mut sample::passing(), &json::render(&old), "x").unwrap().warnings.is_empty(), "a recording is the same scope");
    }
}
