//! PO03: The policy on ecs keeps agents out.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The policy on ecs keeps agents out.
pub static RULE: Rule = Rule {
    id: "PO03",
    name: "ecs-policy-blocks-agents",
    title: "The policy on ecs keeps agents out",
    severity: Severity::Critical,
    why: "The agent registers, asks where to poll and reports task states through the ecs endpoint. A policy that does not allow these calls keeps instances out \
          of the cluster, as AWS's own sample policy does.",
    mend: "Allow DiscoverPollEndpoint, RegisterContainerInstance and the Submit actions on `*` for the instance roles.",
    sources: &[pages::ECS_ENDPOINTS, pages::INSTANCE_ROLE],
    reads: reads::NEEDS,
    check: from_paths::check,
};
