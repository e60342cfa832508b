//! PO07: An endpoint policy keeps calls of a feature out.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// An endpoint policy keeps calls of a feature out.
pub static RULE: Rule = Rule {
    id: "PO07",
    name: "feature-policy-blocks-calls",
    title: "An endpoint policy keeps calls of a feature out",
    severity: Severity::High,
    why: "Logs, secrets, parameters, sessions and keys go through endpoints with policies of their own. A resource or principal that is not listed there is \
          refused, though its IAM role allows the call.",
    mend: "Allow the actions that are named, for the roles and resources that are named.",
    sources: &[pages::ENDPOINT_POLICIES],
    reads: reads::NEEDS,
    check: from_paths::check,
};
