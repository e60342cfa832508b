//! CO01: Part of the account could not be read.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// Part of the account could not be read.
pub static RULE: Rule = Rule {
    id: "CO01",
    name: "input-incomplete",
    title: "Part of the account could not be read",
    severity: Severity::Medium,
    why: "A check can only say \"fine\" about what it has seen. Where an API call was denied, failed or was never made, the rules that stand on it are unknown, \
          and a green report would be worth nothing.",
    mend: "Grant the actions that are named (`audit permissions` prints the whole read-only policy) or add the missing files to the snapshot, and run the audit \
          again.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::NOTHING,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}

/// Placeholder.
pub fn needed_actions(_view: &View<'_>, rules: &[&Rule]) -> std::collections::BTreeSet<crate::actions::Action> {
    rules.iter().flat_map(|r| r.reads.iter().copied()).collect()
}
