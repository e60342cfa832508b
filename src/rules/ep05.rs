//! EP05: No ecr.dkr endpoint for workloads that pull from ECR.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No ecr.dkr endpoint for workloads that pull from ECR.
pub static RULE: Rule = Rule {
    id: "EP05",
    name: "ecr-dkr-endpoint-missing",
    title: "No ecr.dkr endpoint for workloads that pull from ECR",
    severity: Severity::Critical,
    why: "Image manifests come from the registry host behind ecr.dkr. Without a way there pulls end in \"CannotPullContainerError\", after minutes of waiting.",
    mend: "Create an interface endpoint for ecr.dkr with private DNS in the VPC of the workload, with a security group that admits TCP 443 from it.",
    sources: &[pages::ECR_ENDPOINTS, pages::PULL_ERRORS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
