//! AG01: A container agent is too old.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// A container agent is too old.
pub static RULE: Rule = Rule {
    id: "AG01",
    name: "agent-too-old",
    title: "A container agent is too old",
    severity: Severity::Critical,
    why: "Agents before 1.25.1 use host names of ECR that PrivateLink does not serve, so images cannot be pulled privately. Later features have minimum versions \
          of their own.",
    mend: "Update the agent (`aws ecs update-container-agent`), or replace the instance by one with a current ECS-optimized image.",
    sources: &[pages::ECS_ENDPOINTS, pages::AGENT_UPDATE],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
