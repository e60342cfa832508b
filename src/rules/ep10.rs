//! EP10: No ssmmessages endpoint for ECS Exec.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No ssmmessages endpoint for ECS Exec.
pub static RULE: Rule = Rule {
    id: "EP10",
    name: "ssmmessages-endpoint-missing",
    title: "No ssmmessages endpoint for ECS Exec",
    severity: Severity::High,
    why: "ECS Exec opens its session over ssmmessages from inside the task. Without a way there the command ends with TargetNotConnectedException.",
    mend: "Create an interface endpoint for ssmmessages with private DNS. ssm and ec2messages are not needed for ECS Exec.",
    sources: &[pages::EXEC],
    reads: reads::NEEDS,
    check: from_paths::check,
};
