//! RG02: A newer region lacks its own ECS endpoints.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// A newer region lacks its own ECS endpoints.
pub static RULE: Rule = Rule {
    id: "RG02",
    name: "new-region-trio-missing",
    title: "A newer region lacks its own ECS endpoints",
    severity: Severity::Critical,
    why: "In regions opened since 23 December 2023, ECS traffic uses the endpoints only if all three of the region exist. With one of them missing all of it \
          leaves over the public endpoints.",
    mend: "Create ecs-agent, ecs-telemetry and ecs of this region, and delete those of the region that a template was copied from.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::AGENTS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
