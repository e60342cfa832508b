//! `audit diff OLD NEW`: what changed between two reports.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::baseline::differences;
use crate::analysis::Tri;
use crate::exit::{self, FailOn};
use crate::finding::{Finding, Severity, Verdict};
use crate::report::text::{clean, count, list, short_arn, wrap};
use crate::report::{Report, json, view};

/// What changed. Findings are those of the newer report, but for what is gone.
#[derive(Debug, Serialize)]
pub struct Diff<'a> {
    /// Schema of the JSON form.
    pub schema: &'static str,
    /// What makes the comparison weak.
    pub warnings: Vec<String>,
    /// Findings that the older report lacks, or had as an unknown.
    pub new: Vec<&'a Finding>,
    /// Findings that both have, and that are worse now.
    pub worse: Vec<&'a Finding>,
    /// Findings that both have.
    pub unchanged: Vec<&'a Finding>,
    /// Findings that are gone, where the newer report has judged their rule.
    pub fixed: Vec<&'a Finding>,
    /// Findings that are gone only because the newer report could not judge, did not run or suppresses their rule.
    pub not_judged: Vec<&'a Finding>,
    /// Paths whose verdict or way changed.
    pub paths: Vec<PathChange>,
}

/// A path that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PathChange {
    pub placement: String,
    pub service: String,
    pub port: u16,
    pub before: String,
    pub after: String,
}

/// Compares two reports.
#[must_use]
pub fn compare<'a>(old: &'a Report, new: &'a Report) -> Diff<'a> {
    let mut warnings: Vec<String> = differences(old, new).into_iter().map(|d| format!("the older report {d}")).collect();
    for (report, which) in [(old, "older"), (new, "newer")] {
        if !report.complete {
            warnings.push(format!("the {which} report is incomplete"));
        }
    }
    let before: BTreeMap<&str, &Finding> = old.findings.iter().map(|f| (f.fingerprint.as_str(), f)).collect();
    let mut diff = Diff { schema: "audit-diff/1", warnings, new: Vec::new(), worse: Vec::new(), unchanged: Vec::new(), fixed: Vec::new(), not_judged: Vec::new(), paths: paths(old, new) };
    for f in &new.findings {
        match before.get(f.fingerprint.as_str()) {
            Some(was) if was.verdict == f.verdict && f.severity > was.severity => diff.worse.push(f),
            Some(was) if was.verdict == f.verdict => diff.unchanged.push(f),
            _ => diff.new.push(f),
        }
    }
    for f in old.findings.iter().filter(|f| new.findings.iter().all(|g| g.fingerprint != f.fingerprint)) {
        let verdict = new.rules.iter().find(|r| r.id == f.rule).map(|r| r.verdict);
        let hidden = new.suppressed.iter().any(|s| s.fingerprint.as_deref() == Some(f.fingerprint.as_str()));
        let judged = verdict.is_some_and(|v| v != Verdict::Unknown) && !new.findings.iter().any(|g| g.rule == f.rule && g.verdict == Verdict::Unknown && g.severity > Severity::Info);
        if hidden || !judged { diff.not_judged.push(f) } else { diff.fixed.push(f) }
    }
    diff
}

fn paths(old: &Report, new: &Report) -> Vec<PathChange> {
    let words = |verdict: Tri, way| format!("{} by {}", view::tri_name(verdict), view::way_name(way));
    let before: BTreeMap<(&str, &str, u16), String> = old.paths.iter().map(|p| ((p.placement.as_str(), p.service.as_str(), p.port), words(p.verdict, p.way))).collect();
    let changed = |p: &crate::report::PathLine| {
        let was = before.get(&(p.placement.as_str(), p.service.as_str(), p.port))?;
        let is = words(p.verdict, p.way);
        (*was != is).then(|| PathChange { placement: p.placement.clone(), service: p.service.clone(), port: p.port, before: was.clone(), after: is })
    };
    new.paths.iter().filter_map(changed).collect()
}

impl Diff<'_> {
    /// 1 if a failure at or above the threshold is new or has become so bad.
    #[must_use]
    pub fn status(&self, fail_on: FailOn) -> i32 {
        let hit = self.new.iter().chain(&self.worse).any(|f| f.verdict == Verdict::Fail && fail_on.hit_by(f.severity));
        if hit { exit::FAILURES } else { exit::OK }
    }

    /// For people.
    #[must_use]
    pub fn text(&self, columns: usize) -> Vec<u8> {
        let mut out = String::new();
        let mut parts = vec![format!("{} new", self.new.len()), format!("{} worse", self.worse.len()), format!("{} fixed", self.fixed.len()), format!("{} unchanged", self.unchanged.len())];
        if !self.not_judged.is_empty() {
            parts.push(format!("{} not judged any more", self.not_judged.len()));
        }
        let _ = writeln!(out, "Findings: {}. Paths: {} changed.", parts.join(", "), self.paths.len());
        for w in &self.warnings {
            let _ = writeln!(out, "{}", wrap(w, columns, "Note: ", "  "));
        }
        for (title, findings) in [("NEW", &self.new), ("WORSE", &self.worse), ("FIXED", &self.fixed), ("NOT JUDGED ANY MORE: no fix", &self.not_judged)] {
            if findings.is_empty() {
                continue;
            }
            let _ = writeln!(out, "\n{title}");
            for f in findings {
                let object = f.resource.id.as_deref().map_or_else(String::new, |i| format!(" on {}", short_arn(i)));
                let names: Vec<String> = f.affects.iter().map(|a| short_arn(a)).collect();
                let hits = if names.is_empty() { String::new() } else { format!("; hits {}", list(&names, 5)) };
                let severity = if f.verdict == Verdict::Unknown { "UNKNOWN".to_owned() } else { f.severity.name().to_uppercase() };
                let _ = writeln!(out, "{}", wrap(&format!("{} {}{object}{hits}", clean(&f.rule), clean(&f.title)), columns, &format!("  {severity} "), "    "));
            }
        }
        if !self.paths.is_empty() {
            let mut groups: BTreeMap<(String, &str, &str), usize> = BTreeMap::new();
            for p in &self.paths {
                *groups.entry((clean(&p.service), &p.before, &p.after)).or_default() += 1;
            }
            let _ = writeln!(out, "\nPATHS");
            for ((service, before, after), n) in groups {
                let _ = writeln!(out, "{}", wrap(&format!("{service}: {before}, now {after}; {}", count(n, "placement")), columns, "  ", "    "));
            }
        }
        out.into_bytes()
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        json::pretty(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_report_does_not_differ_from_itself() {
        let report = sample::report();
        let diff = compare(&report, &report);
        assert!(diff.new.is_empty() && diff.worse.is_empty() && diff.fixed.is_empty() && diff.not_judged.is_empty() && diff.paths.is_empty());
        assert_eq!(diff.unchanged.len(), report.findings.len());
        assert_eq!(diff.status(FailOn::Info), exit::OK);
    }

    #[test]
    fn gone_is_fixed_only_where_the_rule_was_judged() {
        let (old, mut new) = (sample::report(), sample::report());
        new.findings.retain(|f| !matches!(f.rule.as_str(), "NW01" | "AG01" | "DN05"));
        new.rules.retain(|r| r.id != "AG01");
        let diff = compare(&old, &new);
        assert_eq!(diff.fixed.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["NW01"]);
        let mut rest: Vec<&str> = diff.not_judged.iter().map(|f| f.rule.as_str()).collect();
        rest.sort_unstable();
        assert_eq!(rest, ["AG01", "DN05"], "a rule that was not run, and one that is unknown");
    }

    #[test]
    fn new_and_worse_failures_set_the_status() {
        let (mut old, new) = (sample::report(), sample::report());
        old.findings.iter_mut().find(|f| f.rule == "EP09").unwrap().severity = Severity::Low;
        assert_eq!(compare(&old, &new).status(FailOn::Medium), exit::FAILURES);
        old.findings.retain(|f| f.rule != "EP04");
        old.findings.iter_mut().find(|f| f.rule == "EP09").unwrap().severity = Severity::Critical;
        assert_eq!(compare(&old, &new).status(FailOn::Medium), exit::OK, "only a low one is new");
        assert_eq!(compare(&old, &new).status(FailOn::Low), exit::FAILURES);
        assert_eq!(compare(&old, &new).status(FailOn::Never), exit::OK);
    }

    #[test]
    fn changed_paths_are_counted_and_both_forms_are_safe() {
        let (old, mut new) = (sample::hostile(), sample::hostile());
        new.paths[0].verdict = Tri::Fail;
        new.findings.remove(0);
        let diff = compare(&old, &new);
        assert_eq!(diff.paths.len(), 1);
        for bytes in [diff.text(80), diff.json()] {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.chars().any(|c| c != '\n' && crate::report::text::is_treacherous(c)));
        }
        let value: serde_json::Value = serde_json::from_slice(&diff.json()).unwrap();
        assert_eq!(value["schema"], "audit-diff/1");
    }
}
