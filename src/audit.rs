//! From an inventory to a report: analysis of each region, every selected rule, and what was seen. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Action;
use crate::analysis::{Egress, Family, Options, Path, Placement, View, egress};
use crate::finding::Verdict;
use crate::inventory::{Inventory, Region, State, Status, ec2};
use crate::report::{CompletenessLine, HopLine, PathLine, PlacementLine, Report, RuleLine, SCHEMA, Scope, Summary, Tool, Topology, TopologyEndpoint, TopologyGateway, TopologySubnet, TopologyVpc};
use crate::rules::{self, Rule, RuleResult};

/// What an audit is made of: the options of the analysis and the rules to run.
#[derive(Debug)]
pub struct Plan {
    /// Assumptions and scope.
    pub options: Options,
    /// Rules, sorted by id.
    pub rules: Vec<&'static Rule>,
}

/// Actions that `--assume plain-dns` takes to have answered "nothing" where they were not seen.
pub const NAME_ACTIONS: [Action; 9] = [
    Action::ListHostedZonesByVpc,
    Action::ListResourceRecordSets,
    Action::ListResolverRules,
    Action::ListResolverRuleAssociations,
    Action::ListFirewallRuleGroupAssociations,
    Action::ListFirewallRules,
    Action::ListFirewallDomainLists,
    Action::ListFirewallDomains,
    Action::ListProfileAssociations,
];

/// Audits an inventory. The same inventory and plan give the same report, byte for byte.
#[must_use]
pub fn audit(inventory: Inventory, plan: &Plan) -> Report {
    let inventory = with_assumptions(inventory, &plan.options);
    let mut report = empty(&plan.options);
    let mut lines: BTreeMap<&'static str, Vec<RuleResult>> = BTreeMap::new();
    for region in &inventory.regions {
        let view = View::new(region, &plan.options);
        let results = rules::run_all(&plan.rules, &view);
        let needed = rules::co01::needed_actions(&view, &results);
        add_region(&mut report, view, &needed);
        for result in results {
            lines.entry(result.rule.id).or_default().push(result);
        }
    }
    finish(&mut report, plan, lines);
    report
}

/// The inventory as the assumptions have it, sorted.
#[must_use]
pub fn with_assumptions(mut inventory: Inventory, options: &Options) -> Inventory {
    for region in &mut inventory.regions {
        assume(region, options);
    }
    inventory.regions.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    inventory
}

/// Sets what an assumption says about answers that were not seen.
fn assume(region: &mut Region, options: &Options) {
    if !options.plain_dns {
        return;
    }
    for action in NAME_ACTIONS {
        if !region.completeness.seen(action) {
            let why = region.completeness.why(action);
            region.completeness.0.insert(action, Status::of(State::Assumed, format!("{why}; --assume plain-dns takes what was not seen to be absent")));
        }
    }
}

fn empty(options: &Options) -> Report {
    let mut assume = Vec::new();
    if options.no_internet {
        assume.push("no-internet".to_owned());
    }
    if options.plain_dns {
        assume.push("plain-dns".to_owned());
    }
    if options.require_private {
        assume.push("require-private".to_owned());
    }
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: "audit".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        assume,
        scope: Vec::new(),
        complete: true,
        summary: Summary::default(),
        rules: Vec::new(),
        findings: Vec::new(),
        suppressed: Vec::new(),
        placements: Vec::new(),
        paths: Vec::new(),
        topology: Topology::default(),
        completeness: Vec::new(),
    }
}

/// The paths of a large account are most of what is in memory: they are moved, not copied.
fn add_region(report: &mut Report, view: View<'_>, needed: &BTreeSet<Action>) {
    let region = view.region;
    report.scope.push(Scope {
        partition: region.partition.clone(),
        account: Some(region.account.clone()).filter(|a| !a.is_empty()),
        region: region.region.clone(),
        vpcs: view.vpcs.clone(),
        source: region.source.into(),
    });
    let account = Some(region.account.clone()).filter(|a| !a.is_empty());
    for p in &view.placements {
        report.placements.push(PlacementLine {
            id: p.id.clone(),
            kind: p.kind,
            account: account.clone(),
            region: Some(region.region.clone()),
            vpc: p.vpc.clone(),
            subnet: p.subnet.clone(),
            security_groups: p.security_groups.clone(),
            members: p.members.clone(),
            member_count: p.members.len(),
        });
    }
    add_topology(&mut report.topology, &view);
    report.paths.extend(lines_of(view.paths, &view.placements));
    for action in Action::ALL.iter().copied() {
        let status = region.completeness.0.get(&action);
        let asked = status.is_some_and(|s| s.state != State::NotCollected && !s.unasked);
        if !asked && !needed.contains(&action) {
            continue;
        }
        let state = region.completeness.state(action);
        let error = (state != State::Complete).then(|| Some(region.completeness.why(action)).filter(|w| !w.is_empty()).unwrap_or_else(|| "not collected".to_owned()));
        report.completeness.push(CompletenessLine { account: account.clone(), region: Some(region.region.clone()), action: action.name().to_owned(), state, error });
    }
}

/// The services among the workloads that need something, the first few by name: `service orders/api`.
fn services(workloads: &BTreeSet<String>) -> Vec<String> {
    const NAMED: usize = 10;
    let names: BTreeSet<&str> = workloads.iter().filter_map(|arn| arn.split_once(":service/")).map(|(_, name)| name).collect();
    let mut out: Vec<String> = names.iter().take(NAMED).map(|name| format!("service {name}")).collect();
    if names.len() > NAMED {
        out.push(format!("{} more services", names.len() - NAMED));
    }
    out
}

/// The paths of a view as the report shows them.
#[must_use]
pub fn path_lines(view: &View<'_>) -> Vec<PathLine> {
    lines_of(view.paths.clone(), &view.placements)
}

fn lines_of(paths: Vec<Path>, placements: &[Placement]) -> Vec<PathLine> {
    let lines = paths.into_iter().filter_map(|path| {
        let placement = placements.get(path.placement)?;
        let need = placement.needs.get(path.need)?;
        Some(PathLine {
            placement: placement.id.clone(),
            service: need.service.clone(),
            port: need.port,
            because: need.because.iter().cloned().chain(services(&need.workloads)).collect(),
            way: path.way,
            verdict: path.verdict,
            blocked_at: path.blocked_at,
            hops: path.hops.into_iter().map(|h| HopLine { hop: h.hop, verdict: h.verdict, object: h.object, detail: h.detail }).collect(),
        })
    });
    let mut out: Vec<PathLine> = Vec::new();
    for line in lines {
        // A service of this region and of another are two needs and one path: the worst counts.
        match out.last_mut().filter(|last| (&last.placement, &last.service, last.port) == (&line.placement, &line.service, line.port)) {
            Some(last) => {
                let (mut worst, other) = if line.verdict > last.verdict { (line, last.clone()) } else { (last.clone(), line) };
                worst.because.extend(other.because);
                worst.because.sort();
                worst.because.dedup();
                *last = worst;
            }
            None => out.push(line),
        }
    }
    out
}

fn add_topology(topology: &mut Topology, view: &View<'_>) {
    let region = view.region;
    let shown: BTreeSet<&str> = view.vpcs.iter().map(String::as_str).chain(remote_vpcs(view)).collect();
    let within = |vpc: Option<&str>| vpc.is_some_and(|v| shown.contains(v));
    for vpc in region.vpcs.iter().filter(|v| within(Some(&v.vpc_id))) {
        let v4 = vpc.cidr_block_association_set.iter().filter_map(|c| c.cidr_block.clone());
        let v6 = vpc.ipv6_cidr_block_association_set.iter().filter_map(|c| c.ipv6_cidr_block.clone());
        let mut cidrs: Vec<String> = vpc.cidr_block.clone().into_iter().chain(v4).chain(v6).collect();
        cidrs.sort();
        cidrs.dedup();
        topology.vpcs.push(TopologyVpc {
            id: vpc.vpc_id.clone(),
            name: ec2::name_of(&vpc.tags).map(str::to_owned),
            cidrs,
            owner: vpc.owner_id.clone(),
            account: region.account.clone(),
            region: region.region.clone(),
        });
    }
    for subnet in region.subnets.iter().filter(|s| within(Some(&s.vpc_id))) {
        topology.subnets.push(TopologySubnet {
            id: subnet.subnet_id.clone(),
            vpc: subnet.vpc_id.clone(),
            az: subnet.availability_zone.clone(),
            name: ec2::name_of(&subnet.tags).map(str::to_owned),
            cidr: subnet.cidr_block.clone().or_else(|| subnet.ipv6_cidr_block_association_set.iter().find_map(|c| c.ipv6_cidr_block.clone())),
            egress: subnet_egress(view, subnet),
        });
    }
    for endpoint in region.vpc_endpoints.iter().filter(|e| within(e.vpc_id.as_deref())) {
        topology.endpoints.push(TopologyEndpoint {
            id: endpoint.vpc_endpoint_id.clone(),
            vpc: endpoint.vpc_id.clone(),
            service: endpoint.service_name.clone(),
            r#type: endpoint.vpc_endpoint_type.clone(),
            state: endpoint.state.clone(),
            subnets: sorted(endpoint.subnet_ids.iter().cloned()),
            security_groups: sorted(endpoint.groups.iter().filter_map(|g| g.group_id.clone())),
        });
    }
    let mut gateway = |id: &str, kind: &str, vpc: Option<&str>| {
        if within(vpc) {
            topology.gateways.push(TopologyGateway { id: id.to_owned(), r#type: Some(kind.to_owned()), vpc: vpc.map(str::to_owned) });
        }
    };
    for nat in &region.nat_gateways {
        gateway(&nat.nat_gateway_id, "nat", nat.vpc_id.as_deref());
    }
    for igw in &region.internet_gateways {
        gateway(&igw.internet_gateway_id, "internet", igw.attachments.first().and_then(|a| a.vpc_id.as_deref()));
    }
    for eigw in &region.egress_only_internet_gateways {
        gateway(&eigw.egress_only_internet_gateway_id, "egress-only", eigw.attachments.first().and_then(|a| a.vpc_id.as_deref()));
    }
    for attachment in &region.transit_gateway_vpc_attachments {
        if let Some(tgw) = &attachment.transit_gateway_id {
            gateway(tgw, "transit", attachment.vpc_id.as_deref());
        }
    }
    for peering in &region.vpc_peering_connections {
        let sides = [&peering.requester_vpc_info, &peering.accepter_vpc_info];
        let vpc = sides.into_iter().flatten().filter_map(|s| s.vpc_id.as_deref()).find(|v| shown.contains(v));
        gateway(&peering.vpc_peering_connection_id, "peering", vpc);
    }
}

/// VPCs of endpoints that a path leads to.
fn remote_vpcs<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a str> {
    let ends = view.paths.iter().filter(|p| p.way == crate::analysis::Way::RemoteEndpoint).flat_map(|p| p.hops.iter().filter_map(|h| h.object.as_deref()));
    ends.filter_map(|id| view.index.endpoints.get(id)).filter_map(|e| e.vpc_id.as_deref())
}

/// How a subnet leaves: beside an internet gateway it matters whether any workload there has a public address.
fn subnet_egress(view: &View<'_>, subnet: &ec2::Subnet) -> Option<Egress> {
    let here = view.placements.iter().filter(|p| p.subnet.as_deref() == Some(&subnet.subnet_id));
    let addresses: Vec<Option<bool>> = here.map(|p| p.public_ip).collect();
    let public = if addresses.is_empty() || addresses.contains(&Some(true)) {
        Some(true)
    } else if addresses.contains(&None) {
        None
    } else {
        Some(false)
    };
    let family = if subnet.ipv6_native == Some(true) { Family::V6 } else { Family::V4 };
    egress::egress(&view.index, view.options, &subnet.subnet_id, family, public).class
}

fn sorted(items: impl Iterator<Item = String>) -> Vec<String> {
    items.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Sorts, counts, and tells whether the audit is complete.
fn finish(report: &mut Report, plan: &Plan, lines: BTreeMap<&'static str, Vec<RuleResult>>) {
    for rule in &plan.rules {
        let results = lines.get(rule.id).map(Vec::as_slice).unwrap_or_default();
        let worst = results.iter().max_by_key(|r| r.verdict);
        report.rules.push(RuleLine {
            id: rule.id.to_owned(),
            name: rule.name.to_owned(),
            verdict: worst.map_or(Verdict::NotApplicable, |r| r.verdict),
            reason: worst.map_or_else(|| "no region was audited".to_owned(), |r| r.reason.clone()),
            findings: results.iter().map(|r| r.findings.len()).sum(),
        });
    }
    report.findings = lines.into_values().flatten().flat_map(|r| r.findings).collect();
    report.scope.sort();
    report.placements.sort_by(|a, b| a.id.cmp(&b.id));
    report.paths.sort_by(|a, b| (&a.placement, &a.service, a.port).cmp(&(&b.placement, &b.service, b.port)));
    let topology = &mut report.topology;
    topology.vpcs.sort_by(|a, b| a.id.cmp(&b.id));
    topology.subnets.sort_by(|a, b| a.id.cmp(&b.id));
    topology.endpoints.sort_by(|a, b| a.id.cmp(&b.id));
    topology.gateways.sort_by(|a, b| (&a.id, &a.vpc).cmp(&(&b.id, &b.vpc)));
    report.completeness.sort_by(|a, b| (&a.account, &a.region, &a.action).cmp(&(&b.account, &b.region, &b.action)));
    report.recount();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Tri;
    use crate::analysis::testing::{ACCOUNT, REGION, SUBNET_A, Scene, text};

    #[test]
    fn a_service_of_two_regions_is_one_path_and_the_worst_counts() {
        let mut s = Scene::new();
        let definition = s.definition("web", |d| {
            let mut far = d.container_definitions[0].clone();
            far.name = text("far");
            far.image = text(format!("{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/far:1"));
            d.container_definitions.push(far);
        });
        s.service("c", "web", &definition, "FARGATE", &[SUBNET_A]);
        for service in ["ecr.api", "ecr.dkr"] {
            s.interface_endpoint(service);
        }
        let lines = s.view(path_lines);
        assert_eq!(lines.iter().map(|l| l.service.as_str()).collect::<Vec<_>>(), ["ecr.api", "ecr.dkr", "s3"]);
        let registry = &lines[1];
        assert_eq!(registry.verdict, Tri::Fail, "the registry of {REGION} is reached, that of eu-west-1 is not");
        assert_eq!(registry.because.len(), 3, "two images, and the service: {:?}", registry.because);
    }
}
