//! DN04: DHCP options name DNS servers that are not Amazon's.

use std::collections::BTreeSet;

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, from_paths, pages, reads, subject};
use crate::actions::Action;
use crate::analysis::{View, dns};
use crate::finding::{Evidence, Severity};

/// DHCP options name DNS servers that are not Amazon's.
pub static RULE: Rule = Rule {
    id: "DN04",
    name: "dhcp-options-bypass-amazon-dns",
    title: "DHCP options name DNS servers that are not Amazon's",
    severity: Severity::High,
    why: "Only Amazon's resolver knows the private names of endpoints. Workloads that ask other servers reach an endpoint only if those servers forward the \
          names to the resolver of the VPC.",
    mend: "Hand out AmazonProvidedDNS, or let your DNS servers forward the names of AWS services to the resolver of the VPC or to an inbound Resolver endpoint.",
    sources: &[pages::DHCP, pages::ECS_ENDPOINTS],
    reads: reads::NEEDS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    // A set of both is a mistake that can be seen, whatever the other servers forward.
    let mixed: Vec<(&String, Vec<String>)> = view.vpcs.iter().map(|vpc| (vpc, dns::servers_beside_amazons(view, vpc))).filter(|(_, own)| !own.is_empty()).collect();
    let told: BTreeSet<&str> = mixed.iter().map(|(vpc, _)| vpc.as_str()).collect();
    from_paths::check_but(view, outcome, |cause| told.contains(cause.object.as_str()));
    let usage = Usage::new(view);
    for (vpc, own) in &mixed {
        let options = view.index.vpcs.get(vpc.as_str()).and_then(|v| v.dhcp_options_id.clone()).unwrap_or_default();
        let message =
            format!("The DHCP options {options} of {vpc} hand out Amazon's resolver beside {}: a query goes to either, and only Amazon's knows the private names of endpoints.", own.join(", "));
        let affects = usage.needs(vpc).flat_map(|(_, uses)| endpoints::workloads(view, uses)).collect();
        let finding = outcome.fail(subject::of(view, vpc), "", message);
        finding.severity = Severity::Medium;
        finding.affects = affects;
        finding.evidence = vec![Evidence::new(Action::DescribeDhcpOptions, "domain-name-servers", own.join(" "), format!("beside AmazonProvidedDNS in {options}"))];
    }
}
