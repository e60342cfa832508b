//! NW09: A network ACL blocks S3.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A network ACL blocks S3.
pub static RULE: Rule = Rule {
    id: "NW09",
    name: "acl-blocks-s3",
    title: "A network ACL blocks S3",
    severity: Severity::High,
    why: "Behind a gateway endpoint S3 keeps its public addresses, which network ACLs can name only as ranges. An ACL for private addresses alone drops image \
          layers, or their replies.",
    mend: "Allow TCP 443 out to the ranges of S3 and the ephemeral ports back in, in the ACL of the workload's subnet.",
    sources: &[pages::GATEWAY_ENDPOINTS, pages::NETWORK_ACLS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
