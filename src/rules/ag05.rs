//! AG05: An instance registers or reports badly.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An instance registers or reports badly.
pub static RULE: Rule = Rule {
    id: "AG05",
    name: "registration-unhealthy",
    title: "An instance registers or reports badly",
    severity: Severity::High,
    why: "A failed registration, a failed agent update or stale health says that part of the traffic between agent and ECS does not come through, even while the \
          agent itself is connected.",
    mend: "Read the reason that ECS gives, mend the path to ecs or ecs-telemetry, and restart the agent.",
    sources: &[pages::CONTAINER_INSTANCE, pages::AGENT_UPDATE],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
