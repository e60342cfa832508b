//! CO02: The VPC is shared from another account.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// The VPC is shared from another account.
pub static RULE: Rule = Rule {
    id: "CO02",
    name: "vpc-of-another-account",
    title: "The VPC is shared from another account",
    severity: Severity::Medium,
    why: "A participant of a shared VPC cannot list the endpoints that the owner made there. An empty list then means \"not visible\", not \"missing\", so nothing \
          that depends on endpoints can be judged from this account.",
    mend: "Run the audit with a read-only role of the account that owns the VPC, or let the owner record a snapshot of it.",
    sources: &[pages::VPC_SHARING, pages::INTERFACE_ENDPOINTS],
    reads: reads::VPCS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
