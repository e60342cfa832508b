//! EP07: No secretsmanager endpoint for injected secrets.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No secretsmanager endpoint for injected secrets.
pub static RULE: Rule = Rule {
    id: "EP07",
    name: "secretsmanager-endpoint-missing",
    title: "No secretsmanager endpoint for injected secrets",
    severity: Severity::Critical,
    why: "Secrets and registry credentials that a task definition names are fetched before the container starts. Without a way to Secrets Manager the task does \
          not start.",
    mend: "Create an interface endpoint for secretsmanager with private DNS in the VPC of the workload.",
    sources: &[pages::ECS_ENDPOINTS, pages::RESOURCE_INIT],
    reads: reads::NEEDS,
    check: from_paths::check,
};
