//! PO08: A role's condition names the wrong VPC or endpoint.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// A role's condition names the wrong VPC or endpoint.
pub static RULE: Rule = Rule {
    id: "PO08",
    name: "role-condition-wrong",
    title: "A role's condition names the wrong VPC or endpoint",
    severity: Severity::High,
    why: "A condition on aws:SourceVpc or aws:SourceVpce lets a call through only from that VPC or endpoint. After an endpoint is made anew its id is another, \
          and the role is refused everywhere.",
    mend: "Put the ids of the VPC and the endpoints in use into the condition.",
    sources: &[pages::EXECUTION_ROLE, pages::CONDITION_KEYS],
    reads: reads::NEEDS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
