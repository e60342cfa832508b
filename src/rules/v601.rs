//! V601: Workload and endpoint speak different address families.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// Workload and endpoint speak different address families.
pub static RULE: Rule = Rule {
    id: "V601",
    name: "address-family-mismatch",
    title: "Workload and endpoint speak different address families",
    severity: Severity::High,
    why: "An IPv6-only workload cannot use an endpoint with IPv4 addresses, nor the other way round, however open the network is.",
    mend: "Make the endpoint dual-stack, with DNS records of the family that the workload has.",
    sources: &[pages::PRIVATELINK_ACCESS, pages::TASK_NETWORKING],
    reads: reads::NEEDS_AND_SUBNETS,
    check: from_paths::check,
};
