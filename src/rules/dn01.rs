//! DN01: Private DNS of an endpoint is off.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// Private DNS of an endpoint is off.
pub static RULE: Rule = Rule {
    id: "DN01",
    name: "private-dns-off",
    title: "Private DNS of an endpoint is off",
    severity: Severity::Critical,
    why: "Agents, Docker and the SDKs ask for the public name of a service. With private DNS off that name keeps its public address, and the endpoint, though \
          paid for, carries nothing.",
    mend: "Turn private DNS on for the endpoint, or serve the name from a private hosted zone of your own that leads to it.",
    sources: &[pages::PRIVATELINK_ACCESS, pages::ECS_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
