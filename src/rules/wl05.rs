//! WL05: An external instance lies outside what can be seen.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An external instance lies outside what can be seen.
pub static RULE: Rule = Rule {
    id: "WL05",
    name: "external-instance",
    title: "An external instance lies outside what can be seen",
    severity: Severity::Info,
    why: "Instances of ECS Anywhere stand in a network of your own. AWS's APIs say nothing about its routes, firewalls and DNS.",
    mend: "On the instance, test TCP 443 to the host names that are named.",
    sources: &[pages::ANYWHERE],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
