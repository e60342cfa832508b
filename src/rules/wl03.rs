//! WL03: A workload beside an internet gateway has no public address.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A workload beside an internet gateway has no public address.
pub static RULE: Rule = Rule {
    id: "WL03",
    name: "no-public-address",
    title: "A workload beside an internet gateway has no public address",
    severity: Severity::Critical,
    why: "A route to an internet gateway serves only interfaces with a public address. Without one, and without the endpoints, the workload has no way out at \
          all.",
    mend: "Create the endpoints that are named, assign public addresses (Fargate), or move the workload to subnets with a NAT gateway.",
    sources: &[pages::TASK_NETWORKING, pages::FARGATE_NETWORKING],
    reads: reads::NEEDS_AND_ROUTES,
    check: from_paths::check,
};
