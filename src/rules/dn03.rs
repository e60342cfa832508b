//! DN03: An endpoint does not serve a name that is used.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// An endpoint does not serve a name that is used.
pub static RULE: Rule = Rule {
    id: "DN03",
    name: "hostname-not-covered",
    title: "An endpoint does not serve a name that is used",
    severity: Severity::High,
    why: "An endpoint takes over certain names only. A dual-stack or FIPS host in an image reference, for one, may not be among them and then resolves to its \
          public address.",
    mend: "Use a host name that the endpoint serves, or create the endpoint (FIPS, dual-stack) that serves the one in use.",
    sources: &[pages::PRIVATELINK_ACCESS, pages::ECR_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
