//! EP09: No logs endpoint for the awslogs driver.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No logs endpoint for the awslogs driver.
pub static RULE: Rule = Rule {
    id: "EP09",
    name: "logs-endpoint-missing",
    title: "No logs endpoint for the awslogs driver",
    severity: Severity::Critical,
    why: "The awslogs driver opens its log stream when the container starts. Without a way to CloudWatch Logs a Fargate task fails to start, and on EC2 the \
          container blocks or loses its logs, as its log mode says.",
    mend: "Create an interface endpoint for logs with private DNS in the VPC of the workload.",
    sources: &[pages::ECS_ENDPOINTS, pages::RESOURCE_INIT],
    reads: reads::NEEDS,
    check: from_paths::check,
};
