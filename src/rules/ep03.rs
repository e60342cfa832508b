//! EP03: The ECS endpoints serve nobody in this VPC.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// The ECS endpoints serve nobody in this VPC.
pub static RULE: Rule = Rule {
    id: "EP03",
    name: "ecs-endpoints-unused",
    title: "The ECS endpoints serve nobody in this VPC",
    severity: Severity::Info,
    why: "Fargate tasks do not use ecs, ecs-agent and ecs-telemetry: AWS runs the agent on its own side. In a VPC where nothing but Fargate runs, these three \
          endpoints cost money in every zone without carrying anything.",
    mend: "Delete the endpoints that nothing uses. Keep ecs-agent where Service Connect is on, and ecs where your own code calls the ECS API.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::WORKLOADS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
