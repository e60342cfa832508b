//! PO01: An endpoint policy is malformed.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An endpoint policy is malformed.
pub static RULE: Rule = Rule {
    id: "PO01",
    name: "policy-malformed",
    title: "An endpoint policy is malformed",
    severity: Severity::High,
    why: "A statement without a principal, an action or a resource matches nobody, so that what it means to allow is denied. The sample policy on older versions \
          of the AWS page lacks its principal.",
    mend: "Complete the policy: each statement needs Effect, Principal, Action and Resource; at a gateway endpoint the principal has to be `*`.",
    sources: &[pages::ENDPOINT_POLICIES, pages::ECS_ENDPOINTS],
    reads: reads::ENDPOINTS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
