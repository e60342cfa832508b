//! Exit status: what pipelines act on.

use serde::Deserialize;

use crate::finding::{Severity, Verdict};
use crate::report::Report;

/// Complete, and no failure at or above the threshold.
pub const OK: i32 = 0;
/// Failures at or above the threshold.
pub const FAILURES: i32 = 1;
/// Wrong usage, unreadable input, a report that cannot be written.
pub const USAGE: i32 = 2;
/// Incomplete, and no failure reaches the threshold.
pub const INCOMPLETE: i32 = 3;
/// Nothing could be audited.
pub const NOTHING: i32 = 4;
/// Interrupted (Ctrl-C).
pub const INTERRUPTED: i32 = 130;
/// Terminated.
pub const TERMINATED: i32 = 143;

/// From which severity on a failure makes the run fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Only critical ones.
    Critical,
    /// High and critical.
    High,
    /// Medium and worse.
    #[default]
    Medium,
    /// Low and worse.
    Low,
    /// Any.
    Info,
    /// None.
    Never,
}

impl FailOn {
    /// The least severity that counts; `None`: none does.
    #[must_use]
    pub const fn floor(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }

    /// Whether a failure of this severity counts.
    #[must_use]
    pub fn hit_by(self, severity: Severity) -> bool {
        self.floor().is_some_and(|floor| severity >= floor)
    }
}

/// The status of an audit. With `fail_on_new`, findings that the baseline knows do not count; one that was compared with
/// nothing counts as new.
#[must_use]
pub fn status(report: &Report, fail_on: FailOn, allow_incomplete: bool, fail_on_new: bool) -> i32 {
    let counts = |status: Option<&str>| !(fail_on_new && status == Some("unchanged"));
    if report.findings.iter().any(|f| f.verdict == Verdict::Fail && fail_on.hit_by(f.severity) && counts(f.status.as_deref())) {
        FAILURES
    } else if report.complete || allow_incomplete {
        OK
    } else {
        INCOMPLETE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn failures_outrank_incompleteness() {
        let report = sample::report();
        assert!(!report.complete);
        assert_eq!(status(&report, FailOn::Medium, false, false), FAILURES);
        assert_eq!(status(&report, FailOn::Never, false, false), INCOMPLETE);
        assert_eq!(status(&report, FailOn::Never, true, false), OK);
        assert_eq!(status(&sample::passing(), FailOn::Info, false, false), OK);
    }

    #[test]
    fn the_threshold_counts_failures_alone() {
        let mut report = sample::report();
        report.findings.retain(|f| f.severity <= Severity::Low || f.verdict == Verdict::Unknown);
        assert!(report.findings.iter().any(|f| f.verdict == Verdict::Unknown && f.severity == Severity::High));
        assert_eq!(status(&report, FailOn::Medium, false, false), INCOMPLETE, "an unknown is no failure, and no pass");
        assert_eq!(status(&report, FailOn::Low, false, false), FAILURES);
    }

    #[test]
    fn known_findings_do_not_count_when_only_new_ones_should() {
        let mut report = sample::report();
        for f in &mut report.findings {
            f.status = Some("unchanged".to_owned());
        }
        assert_eq!(status(&report, FailOn::Medium, false, true), INCOMPLETE);
        assert_eq!(status(&report, FailOn::Medium, false, false), FAILURES);
        report.findings[0].status = None;
        assert_eq!(status(&report, FailOn::Medium, false, true), FAILURES, "compared with nothing: new");
    }
}
