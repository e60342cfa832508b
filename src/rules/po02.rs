//! PO02: An endpoint policy has no effect.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An endpoint policy has no effect.
pub static RULE: Rule = Rule {
    id: "PO02",
    name: "policy-ignored",
    title: "An endpoint policy has no effect",
    severity: Severity::Low,
    why: "Some services do not evaluate endpoint policies. A document that is attached there restricts nothing, and whoever relies on it is mistaken.",
    mend: "Restrict access by IAM policies and security groups for this service, and put the full-access policy back.",
    sources: &[pages::ENDPOINT_POLICIES, pages::AWS_SERVICES],
    reads: reads::ENDPOINTS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
