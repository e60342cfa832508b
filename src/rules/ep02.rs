//! EP02: An endpoint exists but is not usable.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An endpoint exists but is not usable.
pub static RULE: Rule = Rule {
    id: "EP02",
    name: "endpoint-not-usable",
    title: "An endpoint exists but is not usable",
    severity: Severity::Critical,
    why: "An endpoint that is rejected, failed, expired, being deleted or without a network interface answers nobody, yet it looks present in most inventories.",
    mend: "Read the reason that AWS gives for the state, remove it (accept the connection, free addresses in the subnets), and create the endpoint anew if it \
          stays unusable.",
    sources: &[pages::INTERFACE_ENDPOINTS],
    reads: reads::ENDPOINTS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
