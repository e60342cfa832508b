//! WL01: An image comes from a registry without a private way.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// An image comes from a registry without a private way.
pub static RULE: Rule = Rule {
    id: "WL01",
    name: "image-not-private",
    title: "An image comes from a registry without a private way",
    severity: Severity::Critical,
    why: "PrivateLink serves private ECR repositories. Docker Hub, public.ecr.aws and other registries are on the internet, and a subnet without it cannot pull \
          from them.",
    mend: "Copy the image into a private ECR repository, or use a pull-through cache, and name that repository in the task definition.",
    sources: &[pages::PULL_THROUGH, pages::ECR_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
