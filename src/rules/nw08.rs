//! NW08: The workload's security group does not let it out to S3.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The workload's security group does not let it out to S3.
pub static RULE: Rule = Rule {
    id: "NW08",
    name: "workload-group-closed-to-s3",
    title: "The workload's security group does not let it out to S3",
    severity: Severity::Critical,
    why: "Behind a gateway endpoint S3 keeps its public addresses. An outbound rule for the VPC's range alone lets the image manifest through and then blocks \
          the layers.",
    mend: "Allow TCP 443 out to the prefix list of S3 in a security group of the workload.",
    sources: &[pages::S3_GATEWAY, pages::PULL_ERRORS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
