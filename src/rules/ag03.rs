//! AG03: A container agent is not connected.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// A container agent is not connected.
pub static RULE: Rule = Rule {
    id: "AG03",
    name: "agent-disconnected",
    title: "A container agent is not connected",
    severity: Severity::Critical,
    why: "A disconnected agent gets no orders: tasks on its instance are neither started nor stopped, and their credentials are no longer renewed. Agents \
          reconnect several times an hour, so one look can catch a healthy one.",
    mend: "Mend the path that is named as probable cause, or look at /var/log/ecs/ecs-agent.log on the instance, then restart the agent.",
    sources: &[pages::CONTAINER_INSTANCE, pages::CONNECTIVITY],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
