//! EV02: Tasks failed to start for a network reason.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// Tasks failed to start for a network reason.
pub static RULE: Rule = Rule {
    id: "EV02",
    name: "start-failure-observed",
    title: "Tasks failed to start for a network reason",
    severity: Severity::High,
    why: "Stopped tasks and service events name what failed last. Where that matches a finding, the prediction is proven; where it matches none, the cause lies \
          outside of what the audit sees.",
    mend: "Mend the findings that are named; without any, look for a proxy, a firewall on the host, IAM or a quota.",
    sources: &[pages::RESOURCE_INIT, pages::PULL_ERRORS],
    reads: reads::WORKLOADS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
