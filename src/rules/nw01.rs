//! NW01: The endpoint's security group does not admit the workload.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The endpoint's security group does not admit the workload.
pub static RULE: Rule = Rule {
    id: "NW01",
    name: "endpoint-group-closed",
    title: "The endpoint's security group does not admit the workload",
    severity: Severity::Critical,
    why: "An interface endpoint answers only those that its security groups admit on TCP 443. The rest waits until it times out; nothing logs a refusal.",
    mend: "Admit TCP 443 from the security group or the subnets of the workload in a security group of the endpoint.",
    sources: &[pages::ECS_ENDPOINTS, pages::SECURITY_GROUP_RULES],
    reads: reads::NEEDS,
    check: from_paths::check,
};
