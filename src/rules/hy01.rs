//! HY01: Endpoints could be more robust or cheaper.

use super::{Outcome, Rule, pages, reads};
use crate::analysis::View;
use crate::finding::Severity;

/// Endpoints could be more robust or cheaper.
pub static RULE: Rule = Rule {
    id: "HY01",
    name: "endpoint-hygiene",
    title: "Endpoints could be more robust or cheaper",
    severity: Severity::Low,
    why: "An endpoint in a single zone, with the default security group or without anybody who uses it works today, and costs money or fails at the worst \
          moment.",
    mend: "Span the zones of the workloads, use a group made for the endpoint, and delete endpoints without users.",
    sources: &[pages::INTERFACE_ENDPOINTS, pages::ENDPOINT_QUOTAS],
    reads: reads::ENDPOINTS,
    check,
};

fn check(_view: &View<'_>, _outcome: &mut Outcome<'_>) {}
