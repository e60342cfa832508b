//! NW05: A network ACL blocks the reply.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// A network ACL blocks the reply.
pub static RULE: Rule = Rule {
    id: "NW05",
    name: "acl-blocks-reply",
    title: "A network ACL blocks the reply",
    severity: Severity::Critical,
    why: "Network ACLs keep no state. The reply goes to the ephemeral port that the client chose, so that range has to be open out of the endpoint's subnet and \
          into the workload's.",
    mend: "Allow the ephemeral ports (32768-60999 for Linux, 49152-65535 for Windows) out of the endpoint's subnet and into the workload's.",
    sources: &[pages::NETWORK_ACLS],
    reads: reads::NEEDS,
    check: from_paths::check,
};
