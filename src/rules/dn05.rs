//! DN05: A private zone or a second endpoint takes the name.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, from_paths, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{View, dns};
use crate::finding::{Evidence, Severity};

/// A private zone or a second endpoint takes the name.
pub static RULE: Rule = Rule {
    id: "DN05",
    name: "zone-shadows-endpoint",
    title: "A private zone or a second endpoint takes the name",
    severity: Severity::High,
    why: "The most specific private zone wins, and a zone without the record answers that the name does not exist: no endpoint and no public address is tried \
          after it. Two endpoints of one service cannot both have private DNS.",
    mend: "Add the records to the zone, take the zone off the VPC, or remove the endpoint that nothing selects.",
    sources: &[pages::PRIVATE_ZONES],
    reads: reads::NEEDS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let usage = Usage::new(view);
    for vpc in &view.vpcs {
        for double in dns::duplicates(view, vpc) {
            let uses = usage.need(vpc, &double.service);
            let (Some(selected), false) = (double.selected.first(), uses.is_empty()) else { continue };
            for other in &double.others {
                let message = format!("{vpc} has two endpoints of {}: names lead to {selected}, and nothing leads to {other}.", double.service);
                let affects = endpoints::workloads(view, uses);
                let finding = outcome.fail(subject::of(view, other), "", message);
                finding.severity = Severity::Medium;
                finding.affects = affects;
                finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "PrivateDnsEnabled", "false", format!("{other}, beside {selected}"))];
                finding.remediation.text = "Remove the endpoint that no name leads to, after moving to the other one what it alone has: subnets, security groups, policy.".to_owned();
                finding.remediation.commands = vec![text::aws(&view.region.region, &format!("ec2 delete-vpc-endpoints --vpc-endpoint-ids {other}"))];
            }
        }
    }
}
