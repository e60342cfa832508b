//! DN07: A private zone for a central endpoint is wrong.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A private zone for a central endpoint is wrong.
pub static RULE: Rule = Rule {
    id: "DN07",
    name: "central-zone-wrong",
    title: "A private zone for a central endpoint is wrong",
    severity: Severity::Critical,
    why: "Behind a hub VPC the names of AWS services come from private zones made by hand. A zone named after the service in place of the host, without the \
          wildcard of the registry, or with addresses of another endpoint leads nowhere.",
    mend: "Name the zone after the host, add the missing records (for ecr.dkr the wildcard too), and let them lead to the endpoint in use.",
    sources: &[pages::CENTRAL_ENDPOINTS, pages::ECS_ENDPOINTS],
    reads: reads::NEEDS_AND_ZONES,
    check: from_paths::check,
};
