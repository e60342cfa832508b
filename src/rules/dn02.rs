//! DN02: A DNS attribute of the VPC is off.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A DNS attribute of the VPC is off.
pub static RULE: Rule = Rule {
    id: "DN02",
    name: "vpc-dns-attribute-off",
    title: "A DNS attribute of the VPC is off",
    severity: Severity::Critical,
    why: "Private DNS and private hosted zones need enableDnsSupport and enableDnsHostnames. With the first off, Amazon's resolver does not answer in the VPC at \
          all; with the second off, names quietly keep their public addresses.",
    mend: "Set both attributes of the VPC to true.",
    sources: &[pages::VPC_DNS, pages::INTERFACE_ENDPOINTS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
