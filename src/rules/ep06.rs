//! EP06: No private way to S3 for image layers.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No private way to S3 for image layers.
pub static RULE: Rule = Rule {
    id: "EP06",
    name: "s3-way-missing",
    title: "No private way to S3 for image layers",
    severity: Severity::Critical,
    why: "ECR keeps image layers in S3. With both ECR endpoints in place but no way to S3, a pull starts and then hangs at its first layer. Environment files \
          and the logs of ECS Exec take the same way.",
    mend: "Create a gateway endpoint for S3 and associate it with the route table of every subnet that workloads run in. It costs nothing.",
    sources: &[pages::ECR_ENDPOINTS, pages::S3_GATEWAY],
    reads: reads::NEEDS,
    check: from_paths::check,
};
