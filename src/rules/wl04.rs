//! WL04: A Fargate platform version is too old.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// A Fargate platform version is too old.
pub static RULE: Rule = Rule {
    id: "WL04",
    name: "platform-version-old",
    title: "A Fargate platform version is too old",
    severity: Severity::Medium,
    why: "Before platform version 1.4.0 ECR tokens and secrets came over an interface of AWS; since then they come over the task's own. An old version lacks \
          features, and a change of it brings new needs.",
    mend: "Move the service to platform version LATEST, after the endpoints that are named exist.",
    sources: &[pages::PLATFORM_VERSIONS, pages::FARGATE_NETWORKING],
    reads: reads::WORKLOADS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
