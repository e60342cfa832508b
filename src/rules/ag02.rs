//! AG02: An agent is not shown to use the endpoints yet.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An agent is not shown to use the endpoints yet.
pub static RULE: Rule = Rule {
    id: "AG02",
    name: "agent-not-restarted",
    title: "An agent is not shown to use the endpoints yet",
    severity: Severity::Medium,
    why: "An agent keeps the host names that it was given for up to twelve hours. Until it is restarted after the endpoints were made, its traffic may still \
          leave over the public ones, and it is cut off as soon as that way is closed.",
    mend: "Restart the agent (`sudo docker restart ecs-agent`, or `sudo systemctl restart ecs` on current images) or reboot the instance. Running tasks need not \
          be drained for it.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
