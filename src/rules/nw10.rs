//! NW10: The way to an endpoint in another VPC is broken.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The way to an endpoint in another VPC is broken.
pub static RULE: Rule = Rule {
    id: "NW10",
    name: "cross-vpc-route-broken",
    title: "The way to an endpoint in another VPC is broken",
    severity: Severity::High,
    why: "An endpoint in another VPC needs routes in both directions: from the workload over peering or transit gateway to the endpoint, and back. Names that \
          resolve prove nothing about them.",
    mend: "Add the missing route or association on the side that is named, or create the endpoint in the VPC of the workload.",
    sources: &[pages::CENTRAL_ENDPOINTS, pages::ROUTE_TABLES],
    reads: reads::NEEDS,
    check: from_paths::check,
};
