//! DN05: A private zone or a second endpoint takes the name.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A private zone or a second endpoint takes the name.
pub static RULE: Rule = Rule {
    id: "DN05",
    name: "zone-shadows-endpoint",
    title: "A private zone or a second endpoint takes the name",
    severity: Severity::High,
    why: "The most specific private zone wins, and a zone without the record answers that the name does not exist: no endpoint and no public address is tried \
          after it. Two endpoints of one service cannot both have private DNS.",
    mend: "Add the records to the zone, take the zone off the VPC, or remove the endpoint that nothing selects.",
    sources: &[pages::PRIVATE_ZONES],
    reads: reads::NEEDS,
    check: from_paths::check,
};
