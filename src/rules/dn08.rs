//! DN08: Resolver rules or DNS Firewall divert a name.

use super::{Rule, from_paths, pages, reads};
use crate::finding::Severity;

/// Resolver rules or DNS Firewall divert a name.
pub static RULE: Rule = Rule {
    id: "DN08",
    name: "resolver-diverts-name",
    title: "Resolver rules or DNS Firewall divert a name",
    severity: Severity::High,
    why: "A forwarding rule for exactly the name beats the zone of the endpoint, and DNS Firewall can refuse the name. Either way the endpoint is there and is \
          not found.",
    mend: "Take the name out of the rule, add a SYSTEM rule for it, or allow it in the firewall before the rule that blocks it.",
    sources: &[pages::RESOLVER, pages::DNS_FIREWALL],
    reads: reads::NEEDS,
    check: from_paths::check,
};
