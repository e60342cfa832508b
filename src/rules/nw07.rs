//! NW07: The S3 gateway endpoint is not in this route table.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The S3 gateway endpoint is not in this route table.
pub static RULE: Rule = Rule {
    id: "NW07",
    name: "s3-gateway-route-missing",
    title: "The S3 gateway endpoint is not in this route table",
    severity: Severity::Critical,
    why: "A gateway endpoint works by a route in each table that it is associated with. Subnets whose table it misses do not use it, and image layers do not \
          come.",
    mend: "Associate the gateway endpoint with the route table.",
    sources: &[pages::S3_GATEWAY, pages::GATEWAY_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
