//! How to mend what a path found: the commands with the real ids.

use super::Rule;
use super::from_paths::Group;
use crate::analysis::View;
use crate::finding::Remediation;

/// The remedy of one finding.
#[must_use]
pub fn remedy(_view: &View<'_>, rule: &Rule, _object: &str, _group: &Group<'_>) -> Remediation {
    Remediation { text: rule.mend.to_owned(), ..Remediation::default() }
}
