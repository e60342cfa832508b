//! DN09: A private zone serves numbered ECS hosts.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, from_paths, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{View, dns};
use crate::finding::{Evidence, Severity};

/// A private zone serves numbered ECS hosts.
pub static RULE: Rule = Rule {
    id: "DN09",
    name: "numbered-host-zone",
    title: "A private zone serves numbered ECS hosts",
    severity: Severity::Medium,
    why: "Hosts such as ecs-a-1 and ecs-t-1 are the public ones. The endpoints do not serve them, so a zone that catches these names cuts agents off that have \
          not moved to the endpoints yet.",
    mend: "Remove the records for numbered hosts; only the base names belong to the endpoints.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::NEEDS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let usage = Usage::new(view);
    let mut zones: BTreeMap<String, (String, BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for vpc in &view.vpcs {
        for found in dns::numbered_zones(view, vpc) {
            let entry = zones.entry(found.zone).or_default();
            entry.0 = found.name;
            entry.1.insert(found.host);
            entry.2.extend(["ecs-agent", "ecs-telemetry"].iter().flat_map(|s| endpoints::workloads(view, usage.need(vpc, s))));
        }
    }
    for (zone, (name, hosts, affects)) in zones {
        let hosts = hosts.into_iter().collect::<Vec<_>>().join(", ");
        let finding = outcome.fail(subject::of(view, &zone), "", format!("The private zone {name} takes {hosts}, numbered hosts that no endpoint serves."));
        finding.affects = affects;
        finding.evidence = vec![Evidence::new(Action::ListResourceRecordSets, "Name", hosts, format!("in hosted zone {zone}"))];
        finding.remediation.commands = vec![text::aws(&view.region.region, &format!("route53 list-resource-record-sets --hosted-zone-id {zone}"))];
    }
}
