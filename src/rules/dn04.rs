//! DN04: DHCP options name DNS servers that are not Amazon's.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// DHCP options name DNS servers that are not Amazon's.
pub static RULE: Rule = Rule {
    id: "DN04",
    name: "dhcp-options-bypass-amazon-dns",
    title: "DHCP options name DNS servers that are not Amazon's",
    severity: Severity::High,
    why: "Only Amazon's resolver knows the private names of endpoints. Workloads that ask other servers reach an endpoint only if those servers forward the \
          names to the resolver of the VPC.",
    mend: "Hand out AmazonProvidedDNS, or let your DNS servers forward the names of AWS services to the resolver of the VPC or to an inbound Resolver endpoint.",
    sources: &[pages::DHCP, pages::ECS_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
