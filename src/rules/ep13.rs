//! EP13: No endpoint for a service that a task definition uses.

use super::{Outcome, Rule, from_paths, pages, reads};
use crate::analysis::{Unseen, View};
use crate::finding::Severity;

/// No endpoint for a service that a task definition uses.
pub static RULE: Rule = Rule {
    id: "EP13",
    name: "feature-endpoint-missing",
    title: "No endpoint for a service that a task definition uses",
    severity: Severity::High,
    why: "Log routers, App Mesh, FSx volumes and GuardDuty bring needs of their own. Without a way to the service behind them the feature fails, often without a \
          clear message.",
    mend: "Create an interface endpoint for the service that is named, with private DNS, in the VPC of the workload.",
    sources: &[pages::ECS_ENDPOINTS, pages::AWS_SERVICES],
    reads: reads::NEEDS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    for hint in view.hints.iter().filter(|h| h.undecided) {
        let what = match hint.capability {
            "C13" => format!("where the FireLens plugin {} sends logs to", if hint.service.is_empty() { "that no option names" } else { &hint.service }),
            "C24" => format!("whether the mount targets of {} are reached", hint.service),
            "C25" => format!("what mounting {} needs", hint.service),
            _ => continue,
        };
        outcome.unseen([Unseen::Datum(what)], hint.workloads.iter().cloned());
    }
}
