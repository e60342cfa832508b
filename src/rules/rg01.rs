//! RG01: An endpoint serves another region.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// An endpoint serves another region.
pub static RULE: Rule = Rule {
    id: "RG01",
    name: "endpoint-of-another-region",
    title: "An endpoint serves another region",
    severity: Severity::High,
    why: "The endpoints of ECS have to be in the region whose API is called. One that a copied template left behind serves a region that nobody here talks to.",
    mend: "Create the endpoint of this region, and delete the one that is left over.",
    sources: &[pages::ECS_ENDPOINTS, pages::CROSS_REGION],
    reads: reads::ENDPOINTS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
