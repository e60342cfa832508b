//! DN08: Resolver rules or DNS Firewall divert a name.

use super::{Outcome, Rule, from_paths, pages, reads};
use crate::analysis::{Unseen, View, dns};
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
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    // AWS does not show what its own lists hold. They are taken to hold no name of AWS, so that no path depends on it.
    let placed = |vpc: &str| view.placements.iter().filter(|p| p.vpc.as_deref() == Some(vpc)).flat_map(|p| p.workloads.iter().cloned()).collect::<Vec<_>>();
    for vpc in view.vpcs.iter().filter(|v| view.placements.iter().any(|p| p.vpc.as_deref() == Some(v))) {
        let lists = dns::managed_block_lists(view, vpc);
        outcome.unseen(
            lists.iter().map(|list| Unseen::Datum(format!("whether the domain list {list}, which AWS manages and a rule of DNS Firewall blocks, holds a name of AWS"))),
            if lists.is_empty() { Vec::new() } else { placed(vpc) },
        );
    }
}
