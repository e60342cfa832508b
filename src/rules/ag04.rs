//! AG04: The ECS endpoints were made in the wrong order.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// The ECS endpoints were made in the wrong order.
pub static RULE: Rule = Rule {
    id: "AG04",
    name: "endpoints-created-out-of-order",
    title: "The ECS endpoints were made in the wrong order",
    severity: Severity::Medium,
    why: "The ecs endpoint is the switch: from the moment it exists, agents are told to use names that ecs-agent and ecs-telemetry serve. Made before those two, \
          under running instances, it sends agents to names that are not there yet.",
    mend: "Restart the agents of the instances that are named. Recreate the ecs endpoint last only if that does not help.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
