//! PO05: The policy on S3 keeps image layers out.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The policy on S3 keeps image layers out.
pub static RULE: Rule = Rule {
    id: "PO05",
    name: "s3-policy-blocks-layers",
    title: "The policy on S3 keeps image layers out",
    severity: Severity::Critical,
    why: "Image layers come from a bucket that AWS owns, by URLs that ECR signs itself. A policy for your own buckets, or with a condition on your account or \
          organization, answers them with 403.",
    mend: "Allow s3:GetObject on the layer bucket of ECR for everybody, without a condition on account or organization.",
    sources: &[pages::ECR_ENDPOINTS, pages::S3_GATEWAY],
    reads: reads::NEEDS,
    check: from_paths::check,
};
