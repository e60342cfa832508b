//! RG03: A task definition uses a resource of another region.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A task definition uses a resource of another region.
pub static RULE: Rule = Rule {
    id: "RG03",
    name: "resource-in-another-region",
    title: "A task definition uses a resource of another region",
    severity: Severity::High,
    why: "Endpoints serve their own region. An image, log group, secret or parameter of another region has no private way, even where every endpoint of this \
          region is in place.",
    mend: "Replicate the resource into this region (ECR and Secrets Manager do so by themselves once configured), or provide a way out.",
    sources: &[pages::ECR_ENDPOINTS, pages::CROSS_REGION],
    reads: reads::NEEDS,
    check: from_paths::check,
};
