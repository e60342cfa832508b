//! What a team decides about findings: `audit.toml`, suppressions, baselines, differences.
//!
//! None of it can turn an unknown into a pass: severities of unknown findings stay, and what a suppression hides is counted
//! and named in every report, which stays incomplete if what is hidden made it so.

pub mod baseline;
pub mod config;
pub mod diff;
pub mod suppress;

pub use config::Config;

use crate::finding::Verdict;
use crate::inventory::Time;
use crate::report::{Report, text};

/// Applies severities and suppressions of `config` by the clock `now`, and counts anew. Returns what to warn of: entries
/// that have expired, match nothing, or could not be dated.
pub fn apply(report: &mut Report, config: &Config, now: Option<Time>) -> Vec<String> {
    for f in &mut report.findings {
        if let Some(severity) = config.severity.get(&f.rule).filter(|_| f.verdict == Verdict::Fail) {
            f.severity = *severity;
        }
    }
    let complete = report.complete;
    let warnings = suppress::apply(report, &config.suppress, now);
    report.recount();
    // Nobody saw more because somebody looks away.
    report.complete &= complete;
    warnings
}

/// Which file was used and how much it hid, for reports that people read.
#[must_use]
pub fn note(report: &Report, config: &Config) -> Option<String> {
    let path = config.path.as_ref()?;
    let hid = match report.summary.suppressed {
        0 => "hid nothing".to_owned(),
        n => format!("hid {}", text::count(n, "finding")),
    };
    let changed = match report.findings.iter().filter(|f| f.verdict == Verdict::Fail && config.severity.contains_key(&f.rule)).count() {
        0 => String::new(),
        n => format!(", and set the severity of {}", text::count(n, "finding")),
    };
    let off = match config.ignore.len() {
        0 => String::new(),
        n => format!("; {} off", text::count(n, "rule")),
    };
    Some(format!("{} was used: it {hid}{changed}{off}.", text::clean(&path.display().to_string())))
}
