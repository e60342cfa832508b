//! WL06: ECS Exec is on but cannot work.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// ECS Exec is on but cannot work.
pub static RULE: Rule = Rule {
    id: "WL06",
    name: "exec-not-ready",
    title: "ECS Exec is on but cannot work",
    severity: Severity::High,
    why: "ECS Exec needs more than the network: a platform or agent that is new enough, a task role that may open channels, a writable file system, and a start \
          after Exec was turned on.",
    mend: "Mend what is named, then start the tasks anew.",
    sources: &[pages::EXEC],
    reads: reads::NEEDS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
