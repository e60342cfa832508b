//! NW03: Only some interfaces of an endpoint can be reached.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// Only some interfaces of an endpoint can be reached.
pub static RULE: Rule = Rule {
    id: "NW03",
    name: "endpoint-partly-reachable",
    title: "Only some interfaces of an endpoint can be reached",
    severity: Severity::High,
    why: "The name of an endpoint leads to any of its interfaces in turn. With one of them blocked, some calls work and some time out, which looks like a fault \
          of the service.",
    mend: "Open the way to the interfaces that are named, or take their subnets off the endpoint.",
    sources: &[pages::PRIVATELINK_ACCESS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
