//! EP12: No ecs-agent endpoint for Service Connect.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// No ecs-agent endpoint for Service Connect.
pub static RULE: Rule = Rule {
    id: "EP12",
    name: "service-connect-endpoint-missing",
    title: "No ecs-agent endpoint for Service Connect",
    severity: Severity::Critical,
    why: "The Envoy proxy of Service Connect gets its configuration over the ecs-agent endpoint, on Fargate too. Without it the proxy asks a public host for \
          which no endpoint can be made, and tasks do not become healthy.",
    mend: "Create an interface endpoint for ecs-agent with private DNS in the VPC of the service.",
    sources: &[pages::ECS_ENDPOINTS, pages::SERVICE_CONNECT],
    reads: reads::NEEDS,
    check: from_paths::check,
};
