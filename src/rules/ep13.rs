//! EP13: No endpoint for a service that a task definition uses.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No endpoint for a service that a task definition uses.
pub static RULE: Rule = Rule {
    id: "EP13",
    name: "feature-endpoint-missing",
    title: "No endpoint for a service that a task definition uses",
    severity: Severity::High,
    why: "Log routers, App Mesh, FSx volumes and GuardDuty bring needs of their own. Without a way to the service behind them the feature fails, often without a \
          clear message.",
    mend: "Create an interface endpoint for the service that is named, with private DNS, in the VPC of the workload.",
    sources: &[pages::ECS_ENDPOINTS, pages::AWS_SERVICES],
    reads: reads::NEEDS,
    check: from_paths::check,
};
