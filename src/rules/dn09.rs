//! DN09: A private zone serves numbered ECS hosts.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A private zone serves numbered ECS hosts.
pub static RULE: Rule = Rule {
    id: "DN09",
    name: "numbered-host-zone",
    title: "A private zone serves numbered ECS hosts",
    severity: Severity::Medium,
    why: "Hosts such as ecs-a-1 and ecs-t-1 are the public ones. The endpoints do not serve them, so a zone that catches these names cuts agents off that have \
          not moved to the endpoints yet.",
    mend: "Remove the records for numbered hosts; only the base names belong to the endpoints.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
