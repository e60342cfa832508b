//! PO04: The policy on ecs-agent or ecs-telemetry keeps agents out.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The policy on ecs-agent or ecs-telemetry keeps agents out.
pub static RULE: Rule = Rule {
    id: "PO04",
    name: "agent-policy-blocks-polling",
    title: "The policy on ecs-agent or ecs-telemetry keeps agents out",
    severity: Severity::Critical,
    why: "The agent holds one connection for orders (ecs:Poll) and one for metrics (ecs:Poll, ecs:StartTelemetrySession). A policy that allows neither leaves \
          the instance registered and idle.",
    mend: "Allow ecs:Poll, and on ecs-telemetry ecs:StartTelemetrySession, for the container instances of the cluster.",
    sources: &[pages::ECS_ENDPOINTS, pages::INSTANCE_ROLE],
    reads: reads::NEEDS,
    check: from_paths::check,
};
