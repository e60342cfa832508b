//! NW06: The default route leads nowhere.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The default route leads nowhere.
pub static RULE: Rule = Rule {
    id: "NW06",
    name: "default-route-dead",
    title: "The default route leads nowhere",
    severity: Severity::Critical,
    why: "A route to a NAT gateway that is gone, to a detached internet gateway or through Block Public Access looks like a way out and drops everything. Each \
          service without an endpoint is lost behind it.",
    mend: "Create the endpoints that are named, or repair the route.",
    sources: &[pages::ROUTE_TABLES, pages::BLOCK_PUBLIC_ACCESS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
