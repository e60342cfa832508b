//! RG04: A needed endpoint cannot be made as named.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// A needed endpoint cannot be made as named.
pub static RULE: Rule = Rule {
    id: "RG04",
    name: "service-not-offered",
    title: "A needed endpoint cannot be made as named",
    severity: Severity::Medium,
    why: "Not every service has an endpoint in every region, and partitions name them differently. A name that the region does not offer cannot be created, and \
          a FIPS host needs the FIPS endpoint.",
    mend: "Provide another way for this service, or create the endpoint under the name that the region offers.",
    sources: &[pages::AWS_SERVICES],
    reads: reads::NEEDS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
