//! WL03: A workload beside an internet gateway has no public address.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, Rule, from_paths, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Egress, Family, Path, Tri, View, egress};
use crate::finding::{Evidence, Finding, Severity, Verdict};

/// A workload beside an internet gateway has no public address.
pub static RULE: Rule = Rule {
    id: "WL03",
    name: "no-public-address",
    title: "A workload beside an internet gateway has no public address",
    severity: Severity::Critical,
    why: "A route to an internet gateway serves only interfaces with a public address. Without one, and without the endpoints, the workload has no way out at \
          all.",
    mend: "Create the endpoints that are named, assign public addresses (Fargate), or move the workload to subnets with a NAT gateway.",
    sources: &[pages::TASK_NETWORKING, pages::FARGATE_NETWORKING],
    reads: reads::NEEDS_AND_ROUTES,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let blamed: BTreeSet<String> = outcome.findings.iter().filter(|f| f.verdict == Verdict::Fail).filter_map(|f| f.resource.arn.clone()).collect();
    let (mut met, mut idle) = (Noted::new(), Noted::new());
    for (i, placement) in view.placements.iter().enumerate() {
        let Some(subnet) = placement.subnet.as_deref().filter(|s| view.index.subnets.get(s).is_some_and(|s| s.ipv6_native != Some(true))) else { continue };
        let units = || placement.needs.iter().flat_map(|n| n.units.iter()).filter(|u| !blamed.contains(*u));
        let paths: Vec<&Path> = view.paths.iter().filter(|p| p.placement == i).collect();
        let answer = egress::egress(&view.index, view.options, subnet, Family::V4, placement.public_ip);
        match (answer.class, placement.public_ip) {
            (Some(Egress::NoPublicIp), _) if paths.iter().all(|p| p.verdict == Tri::Pass) => {
                for unit in units() {
                    // Needs that were not seen may not be met.
                    let unseen: Vec<_> = view.unseen_needs.values().filter(|(_, whom)| whom.contains(unit)).flat_map(|(unseen, _)| unseen.iter().cloned()).collect();
                    if unseen.is_empty() {
                        met.entry(unit).or_default().insert(subnet);
                    } else {
                        outcome.unseen(unseen, [unit.clone()]);
                    }
                }
            }
            // Without the internet, by assumption, no subnet has a gateway.
            (Some(Egress::Isolated | Egress::Nat | Egress::EgressOnly | Egress::Indirect), Some(true)) if placement.fargate && !view.options.no_internet => {
                for unit in units() {
                    idle.entry(unit).or_default().insert(subnet);
                }
            }
            (None, Some(true)) if placement.fargate && !view.options.no_internet => outcome.unseen(answer.decision.unseen, units().cloned()),
            _ => {}
        }
    }
    for (unit, subnets) in &met {
        let message = format!(
            "{} has no public address beside an internet gateway ({}), and every need of it is met by endpoints. Whatever else it calls on the internet cannot be reached.",
            text::last(unit),
            text::some(subnets)
        );
        let finding = note(view, outcome, unit, "met", message, subnets);
        finding.severity = Severity::Info;
        finding.remediation.text = "Nothing to do, unless the application itself calls the internet.".to_owned();
    }
    for (unit, subnets) in &idle {
        let message = format!(
            "{} gets a public address in {}, where no route leads to an internet gateway. The address has no effect; what leaves takes another way, if there is one.",
            text::last(unit),
            text::some(subnets)
        );
        let finding = note(view, outcome, unit, "idle", message, subnets);
        finding.severity = Severity::Medium;
        finding.remediation.text = "Turn assignPublicIp off, or move the workload to subnets whose default route leads to the internet gateway.".to_owned();
    }
}

/// Services, tasks and instances, each with subnets.
type Noted<'a> = BTreeMap<&'a String, BTreeSet<&'a str>>;

fn note<'o>(view: &View<'_>, outcome: &'o mut Outcome<'_>, unit: &str, discriminator: &str, message: String, subnets: &BTreeSet<&str>) -> &'o mut Finding {
    let finding = outcome.fail(subject::of(view, unit), discriminator, message);
    finding.affects = BTreeSet::from([unit.to_owned()]);
    let table = |s: &str| view.index.table_of_subnet.get(s).map_or_else(|| "the main table".to_owned(), |t| t.route_table_id.clone());
    finding.evidence = subnets.iter().take(text::SHOWN).map(|s| Evidence::new(Action::DescribeRouteTables, "Routes", table(s), format!("of {s}"))).collect();
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_whole, only};
    use super::super::{RuleResult, run};
    use super::*;
    use crate::analysis::testing::{SUBNET_A, Scene, VPC, text};
    use crate::inventory::ec2;

    /// A Fargate service in a subnet whose default route leads to this gateway; with every endpoint that it needs.
    fn scene(gateway: Option<&str>, public: bool) -> Scene {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |_| {});
        scene.service("web", "web", &definition, "FARGATE", &[SUBNET_A]);
        let address = if public { "ENABLED" } else { "DISABLED" };
        let service = scene.last_service();
        for network in service.network_configuration.iter_mut().chain(service.deployments.iter_mut().filter_map(|d| d.network_configuration.as_mut())) {
            network.awsvpc_configuration.as_mut().expect("the scene has one").assign_public_ip = text(address);
        }
        for short in ["ecr.api", "ecr.dkr"] {
            scene.interface_endpoint(short);
        }
        scene.s3_gateway(super::super::po01::FULL_ACCESS);
        let routes = &mut scene.region.route_tables[0].routes;
        if let Some(gateway) = gateway {
            let nat = gateway.starts_with("nat-");
            routes.push(ec2::Route {
                destination_cidr_block: text("0.0.0.0/0"),
                gateway_id: (!nat).then(|| gateway.to_owned()),
                transit_gateway_id: None,
                nat_gateway_id: nat.then(|| gateway.to_owned()),
                state: text("active"),
                ..Default::default()
            });
            let attachments = vec![ec2::InternetGatewayAttachment { vpc_id: text(VPC), state: text("available") }];
            scene.region.internet_gateways = vec![ec2::InternetGateway { internet_gateway_id: "igw-1".into(), attachments, ..Default::default() }];
        }
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    #[test]
    fn a_workload_beside_a_gateway_whose_needs_are_met_is_only_told() {
        let result = judged(&scene(Some("igw-1"), false));
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity), (Verdict::Fail, Severity::Info));
        assert!(finding.message.contains("every need of it is met"), "{}", finding.message);
    }

    #[test]
    fn one_whose_needs_are_not_met_is_critical_and_told_once() {
        let mut scene = scene(Some("igw-1"), false);
        scene.region.vpc_endpoints.retain(|e| e.vpc_endpoint_id != "vpce-ecr.api");
        let result = judged(&scene);
        assert_eq!(only(&result).severity, Severity::Critical);
    }

    #[test]
    fn a_public_address_without_a_gateway_has_no_effect() {
        let mut scene = scene(None, true);
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.affects.len()), (Severity::Medium, 1));
        assert!(finding.message.contains("has no effect"), "{}", finding.message);
        scene.options.no_internet = true;
        assert!(judged(&scene).findings.is_empty(), "the gateway may be what was assumed away");
    }

    #[test]
    fn a_public_address_beside_a_gateway_works() {
        assert!(judged(&scene(Some("igw-1"), true)).findings.is_empty());
        assert!(judged(&scene(None, false)).findings.is_empty());
    }
}
