//! EP08: No ssm endpoint for injected parameters.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No ssm endpoint for injected parameters.
pub static RULE: Rule = Rule {
    id: "EP08",
    name: "ssm-endpoint-missing",
    title: "No ssm endpoint for injected parameters",
    severity: Severity::Critical,
    why: "Parameters of the Systems Manager Parameter Store that a task definition names are fetched before the container starts. Without a way to ssm the task \
          does not start.",
    mend: "Create an interface endpoint for ssm with private DNS in the VPC of the workload.",
    sources: &[pages::ECS_ENDPOINTS, pages::RESOURCE_INIT],
    reads: reads::NEEDS,
    check: from_paths::check,
};
