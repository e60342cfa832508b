//! EP04: No ecr.api endpoint for workloads that pull from ECR.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No ecr.api endpoint for workloads that pull from ECR.
pub static RULE: Rule = Rule {
    id: "EP04",
    name: "ecr-api-endpoint-missing",
    title: "No ecr.api endpoint for workloads that pull from ECR",
    severity: Severity::Critical,
    why: "Every pull from a private ECR repository starts with a token from ecr.api. Without a way there the task stops with \"ResourceInitializationError: \
          unable to pull secrets or registry auth\".",
    mend: "Create an interface endpoint for ecr.api with private DNS in the VPC of the workload, with a security group that admits TCP 443 from it.",
    sources: &[pages::ECR_ENDPOINTS, pages::RESOURCE_INIT],
    reads: reads::NEEDS,
    check: from_paths::check,
};
