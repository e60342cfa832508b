//! NW04: A network ACL blocks the request.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A network ACL blocks the request.
pub static RULE: Rule = Rule {
    id: "NW04",
    name: "acl-blocks-request",
    title: "A network ACL blocks the request",
    severity: Severity::Critical,
    why: "Network ACLs filter each subnet on its own: the request on TCP 443 must leave the subnet of the workload and enter the subnet of the endpoint.",
    mend: "Allow TCP 443 out of the subnet of the workload and into the subnet of the endpoint, before any entry that denies it.",
    sources: &[pages::NETWORK_ACLS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
