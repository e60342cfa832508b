//! NW02: The workload's security group does not let it out.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// The workload's security group does not let it out.
pub static RULE: Rule = Rule {
    id: "NW02",
    name: "workload-group-closed",
    title: "The workload's security group does not let it out",
    severity: Severity::Critical,
    why: "Without an outbound rule for TCP 443 the workload reaches no endpoint and no service, whatever the endpoints admit.",
    mend: "Allow TCP 443 out to the endpoints (their security group or subnets) in a security group of the workload.",
    sources: &[pages::SECURITY_GROUP_RULES, pages::CONNECTIVITY],
    reads: reads::NEEDS,
    check: from_paths::check,
};
