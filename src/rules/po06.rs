//! PO06: The policy on an ECR endpoint keeps pulls out.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The policy on an ECR endpoint keeps pulls out.
pub static RULE: Rule = Rule {
    id: "PO06",
    name: "ecr-policy-blocks-pulls",
    title: "The policy on an ECR endpoint keeps pulls out",
    severity: Severity::Critical,
    why: "A pull needs GetAuthorizationToken on ecr.api, and BatchGetImage and GetDownloadUrlForLayer on ecr.dkr. A policy that lacks one of them ends it with \
          403.",
    mend: "Give both ECR endpoints one policy that allows the pull actions; GetAuthorizationToken on `*`.",
    sources: &[pages::ECR_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
