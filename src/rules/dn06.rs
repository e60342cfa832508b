//! DN06: S3 private DNS serves inbound resolvers alone.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// S3 private DNS serves inbound resolvers alone.
pub static RULE: Rule = Rule {
    id: "DN06",
    name: "s3-private-dns-inbound-only",
    title: "S3 private DNS serves inbound resolvers alone",
    severity: Severity::Medium,
    why: "With \"only for inbound Resolver endpoint\" the S3 interface endpoint takes over the name for queries from outside the VPC alone. Inside the VPC, S3 \
          goes by the gateway endpoint, which then has to exist.",
    mend: "Keep the setting where a gateway endpoint serves the VPC; else turn it off or create the gateway endpoint.",
    sources: &[pages::S3_INTERFACE],
    reads: reads::ENDPOINTS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
