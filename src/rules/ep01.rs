//! EP01: The three ECS endpoints are not all there.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The three ECS endpoints are not all there.
pub static RULE: Rule = Rule {
    id: "EP01",
    name: "ecs-endpoints-missing",
    title: "The three ECS endpoints are not all there",
    severity: Severity::Critical,
    why: "The container agent talks to three endpoints: ecs to register, ecs-agent for its orders, ecs-telemetry for metrics. They work only together: with one \
          of them missing, agents are handed names that nobody serves privately, and without another way to the internet the instance never joins its cluster.",
    mend: "Create the missing endpoints with private DNS on. Where instances are already registered, create ecs-agent and ecs-telemetry first and ecs last, then \
          restart the agents.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::AGENTS,
    check: from_paths::check,
};
