//! How to mend what a path found: words, and the `aws` commands with the real ids of the account.

use std::collections::BTreeSet;

use super::change::Change;
use super::from_paths::Group;
use super::{Rule, policies, proof};
use crate::analysis::net::IpSet;
use crate::analysis::path::{self, TRIO};
use crate::analysis::{HopName, Placement, Tri, View, route, services, sg};
use crate::finding::Remediation;
use crate::inventory::ec2::NetworkAcl;

/// The remedy of one finding. Commands are in the order in which they must be run; none of them is ever run by the tool.
#[must_use]
pub fn remedy(view: &View<'_>, rule: &Rule, object: &str, group: &Group<'_>) -> Remediation {
    let at = At { view, object, group, wide: false };
    let mut changes = at.changes(rule.id);
    let mut proof = proof::prove(view, &changes, rule.id, object, &group.hits);
    if proof.starts_with("still") && matches!(rule.id, "NW02" | "NW03" | "NW04" | "NW05") {
        // What leaves over the internet needs more than the endpoints' subnets.
        let wide = At { wide: true, ..at }.changes(rule.id);
        let again = proof::prove(view, &wide, rule.id, object, &group.hits);
        if !again.starts_with("still") {
            (changes, proof) = (wide, again);
        }
    }
    // A document that would not do (a Deny stands in it) is no proposal.
    if proof != "verified" && changes.iter().any(|c| matches!(c, Change::Policy { .. })) {
        (changes, proof) = (Vec::new(), proof::NOT_MODELLED.to_owned());
    }
    let region = view.region;
    let mut commands: Vec<String> = changes.iter().map(|c| c.command(region)).collect();
    match rule.id {
        "DN04" => {
            let create = at.ec2("create-dhcp-options --dhcp-configurations Key=domain-name-servers,Values=AmazonProvidedDNS --query DhcpOptions.DhcpOptionsId --output text");
            commands.push(at.ec2(&format!("associate-dhcp-options --vpc-id {object} --dhcp-options-id \"$({create})\"")));
        }
        "DN05" | "DN07" | "DN09" if object.starts_with('Z') => commands.push(format!("aws route53 list-resource-record-sets --hosted-zone-id {object}")),
        "PO03" | "PO04" | "PO05" | "PO06" | "PO07" if changes.is_empty() => commands.push(at.ec2(&format!("modify-vpc-endpoint --vpc-endpoint-id {object} --policy-document file://policy.json"))),
        _ => {}
    }
    let text = match rule.id {
        "EP01" | "RG02" => format!("{} Create ecs-agent and ecs-telemetry before ecs, then restart the agents.", rule.mend),
        "PO03" | "PO04" | "PO05" | "PO06" | "PO07" if changes.is_empty() => {
            format!(
                "{} Write the new document to policy.json; `audit policy test policy.json --service {}` tells whether a draft lets ECS through.",
                rule.mend,
                group.services.iter().next().unwrap_or(&"ecs")
            )
        }
        "PO03" | "PO04" | "PO05" | "PO06" | "PO07" => format!("{} {}", rule.mend, policies::KEPT),
        _ => rule.mend.to_owned(),
    };
    let joined = |blocks: Vec<String>| if blocks.is_empty() || blocks.len() < changes.len() { None } else { Some(blocks.join("\n")) };
    Remediation {
        text,
        commands,
        terraform: joined(changes.iter().filter_map(|c| c.terraform(region)).collect()),
        cloudformation: joined(changes.iter().filter_map(|c| c.cloudformation(region)).collect()),
        proof: Some(proof),
    }
}

/// One finding, as its remedy sees it.
#[derive(Clone, Copy)]
struct At<'g, 'v> {
    view: &'v View<'v>,
    object: &'g str,
    group: &'g Group<'v>,
    /// Towards everything, not the endpoints' subnets alone.
    wide: bool,
}

impl At<'_, '_> {
    fn ec2(&self, rest: &str) -> String {
        format!("aws ec2 {rest} --region {}", self.view.region.region)
    }

    fn changes(&self, rule: &str) -> Vec<Change> {
        match rule {
            "EP01" | "EP04" | "EP05" | "EP06" | "EP07" | "EP08" | "EP09" | "EP10" | "EP11" | "EP12" | "EP13" | "RG02" => self.endpoints(Some(self.object)),
            "EP02" => self.recreate(),
            "DN01" => vec![Change::PrivateDns { endpoint: self.object.to_owned() }],
            "DN02" => vec![Change::DnsAttributes { vpc: self.object.to_owned() }],
            "NW01" => self.ingress(),
            "NW02" => self.egress_to_endpoints(),
            "NW03" => self.by_hops(),
            "NW04" => self.acl_entries(true),
            "NW05" => self.acl_entries(false),
            "NW06" | "WL03" => self.endpoints(None),
            "NW07" => self.gateway(),
            "NW08" => self.egress_to_s3(),
            "NW09" => self.acl_s3(),
            "PO03" | "PO04" | "PO05" | "PO06" | "PO07" => policies::change(self.view, self.object).into_iter().collect(),
            "V601" => vec![Change::DualStack { endpoint: self.object.to_owned() }],
            _ => Vec::new(),
        }
    }

    fn placements(&self) -> impl Iterator<Item = &Placement> {
        self.group.hits.iter().map(|(p, _)| *p)
    }

    fn trio(&self) -> Vec<&str> {
        ["ecs-agent", "ecs-telemetry", "ecs"].into_iter().filter(|s| self.group.services.contains(s)).collect()
    }

    /// Endpoints of all services of the finding, in the VPC or the VPCs of what is hit: the agent's in their order, ecs last.
    fn endpoints(&self, vpc: Option<&str>) -> Vec<Change> {
        let vpcs: BTreeSet<&str> = vpc.map_or_else(|| self.placements().filter_map(|p| p.vpc.as_deref()).collect(), |v| BTreeSet::from([v]));
        let others = self.group.services.iter().copied().filter(|s| !TRIO.contains(s) && !s.starts_with("registry:"));
        let ordered: Vec<&str> = self.trio().into_iter().chain(others).collect();
        let mut changes: Vec<Change> = Vec::new();
        for (vpc, service) in vpcs.iter().flat_map(|vpc| ordered.iter().map(move |service| (*vpc, *service))) {
            for change in self.endpoint(vpc, service) {
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
        changes
    }

    /// An endpoint, behind what lets the workloads into it.
    fn endpoint(&self, vpc: &str, service: &str) -> Vec<Change> {
        let here: BTreeSet<&str> = self.placements().filter(|p| p.vpc.as_deref() == Some(vpc)).filter_map(|p| p.subnet.as_deref()).collect();
        if service == "s3" {
            let tables: BTreeSet<String> = here.iter().filter_map(|s| crate::analysis::route::table_of(&self.view.index, s).ok()).map(|t| t.route_table_id.clone()).collect();
            return vec![Change::GatewayEndpoint { vpc: vpc.to_owned(), service: service.to_owned(), tables: tables.into_iter().collect() }];
        }
        let groups = self.endpoint_groups(vpc);
        let mut changes: Vec<Change> = here
            .iter()
            .filter_map(|s| self.view.index.subnets.get(s)?.cidr_block.clone())
            .filter(|cidr| !self.admitted(&groups, cidr))
            .filter_map(|cidr| Some(Change::Ingress { group: groups.first()?.clone(), cidr, port: 443 }))
            .collect();
        changes.push(Change::InterfaceEndpoint { vpc: vpc.to_owned(), service: service.to_owned(), subnets: self.one_subnet_a_zone(vpc), groups });
        changes
    }

    /// Whether groups let a range in on 443 already.
    fn admitted(&self, groups: &[String], cidr: &str) -> bool {
        let addresses = IpSet::parse(cidr).unwrap_or_default();
        let none = BTreeSet::new();
        let peer = sg::Peer { addresses: &addresses, groups: &none, prefix_list: None };
        sg::admits(&self.view.index, groups, sg::Direction::Ingress, &peer, 443).decision.verdict == Tri::Pass
    }

    /// One subnet of each zone that the finding touches: an endpoint takes one a zone.
    fn one_subnet_a_zone(&self, vpc: &str) -> Vec<String> {
        let mut zones = BTreeSet::new();
        let mut subnets = BTreeSet::new();
        let touched: BTreeSet<&str> = self.placements().filter(|p| p.vpc.as_deref() == Some(vpc)).filter_map(|p| p.subnet.as_deref()).collect();
        for id in touched {
            let zone = self.view.index.subnets.get(id).and_then(|s| s.availability_zone.as_deref()).unwrap_or(id);
            if zones.insert(zone) {
                subnets.insert(id.to_owned());
            }
        }
        subnets.into_iter().collect()
    }

    /// Groups of the interface endpoints that the VPC has already, which are meant for this; else its default group.
    fn endpoint_groups(&self, vpc: &str) -> Vec<String> {
        let own = self.view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().find(|e| !e.groups.is_empty());
        let groups: BTreeSet<String> = own.into_iter().flat_map(|e| e.groups.iter().filter_map(|g| g.group_id.clone())).collect();
        if groups.is_empty() { self.view.index.default_group_of_vpc.get(vpc).map(|g| g.group_id.clone()).into_iter().collect() } else { groups.into_iter().collect() }
    }

    fn recreate(&self) -> Vec<Change> {
        let mut changes = vec![Change::DeleteEndpoint { endpoint: self.object.to_owned() }];
        changes.extend(self.endpoints(self.view.index.endpoints.get(self.object).and_then(|e| e.vpc_id.as_deref())));
        changes
    }

    /// Admits the workloads' subnets: a range holds for the tasks of tomorrow as well, and across VPCs.
    fn ingress(&self) -> Vec<Change> {
        self.cidrs(|_| true).into_iter().map(|cidr| Change::Ingress { group: self.object.to_owned(), cidr, port: 443 }).collect()
    }

    fn cidrs(&self, keep: impl Fn(&Placement) -> bool) -> BTreeSet<String> {
        self.placements().filter(|p| keep(p)).filter_map(|p| self.view.index.subnets.get(p.subnet.as_deref()?)?.cidr_block.clone()).collect()
    }

    fn egress_to_endpoints(&self) -> Vec<Change> {
        self.endpoint_cidrs().into_iter().map(|cidr| Change::Egress { group: self.object.to_owned(), cidr, port: 443 }).collect()
    }

    fn egress_to_s3(&self) -> Vec<Change> {
        let list = self.view.index.service_prefix_lists.get("s3");
        list.map(|list| Change::EgressToList { group: self.object.to_owned(), list: (*list).to_owned(), port: 443 }).into_iter().collect()
    }

    /// Entries before the first that exists, so that no deny stands in their way.
    fn acl_entries(&self, request: bool) -> Vec<Change> {
        let Some(acl) = self.view.index.network_acls.get(self.object) else { return Vec::new() };
        let own: BTreeSet<&str> = acl.associations.iter().filter_map(|a| a.subnet_id.as_deref()).collect();
        let purpose = if request { For::Requests } else { For::Replies };
        // In a hub, packets leave the subnets that a transit gateway is attached to for the endpoints.
        let vpcs: BTreeSet<&str> = self.placements().filter_map(|p| p.vpc.as_deref()).collect();
        let mut attached = self.view.region.transit_gateway_vpc_attachments.iter().filter(|a| a.vpc_id.as_deref().is_some_and(|v| !vpcs.contains(v))).flat_map(|a| &a.subnet_ids);
        if attached.any(|s| own.contains(s.as_str())) {
            return self.entries(acl, request, purpose, &self.endpoint_cidrs());
        }
        let here = |p: &Placement| p.subnet.as_deref().is_some_and(|s| own.contains(s));
        let mut changes = Vec::new();
        // On the workload's side the other end is the endpoints' subnets; on the endpoints' side it is the workloads'.
        if self.placements().any(here) {
            changes.extend(self.entries(acl, request, purpose, &self.endpoint_cidrs()));
        }
        let ours = self.endpoint_subnets().any(|s| own.contains(s));
        // A NAT gateway's subnet passes on what comes from the workloads, to anywhere.
        let nat = self.view.region.nat_gateways.iter().filter_map(|n| n.subnet_id.as_deref()).any(|s| own.contains(s));
        if nat && !ours && changes.is_empty() {
            changes.extend(self.entries(acl, request, purpose, &BTreeSet::from(["0.0.0.0/0".to_owned()])));
        }
        if ours || nat || changes.is_empty() {
            changes.extend(self.entries(acl, !request, purpose, &self.cidrs(|_| true)));
        }
        changes
    }

    fn endpoint_subnets(&self) -> impl Iterator<Item = &str> {
        let vpcs: BTreeSet<&str> = self.placements().filter_map(|p| p.vpc.as_deref()).collect();
        let serving = self.view.region.vpc_endpoints.iter().filter(|e| e.service_name.as_deref().and_then(services::short_name).is_some_and(|s| self.group.services.contains(s)));
        // Those of a hub where the VPC has none of its own.
        let (near, far): (Vec<_>, Vec<_>) = serving.partition(|e| e.vpc_id.as_deref().is_some_and(|v| vpcs.contains(v)));
        let chosen = if near.is_empty() { far } else { near };
        chosen.into_iter().flat_map(|e| e.subnet_ids.iter().map(String::as_str))
    }

    /// Ranges of the endpoints of the services that are hit; everything where there are none.
    fn endpoint_cidrs(&self) -> BTreeSet<String> {
        let cidrs: BTreeSet<String> = self.endpoint_subnets().filter_map(|s| self.view.index.subnets.get(s)?.cidr_block.clone()).collect();
        if cidrs.is_empty() || self.wide { BTreeSet::from(["0.0.0.0/0".to_owned()]) } else { cidrs }
    }

    fn acl_s3(&self) -> Vec<Change> {
        let Some(acl) = self.view.index.network_acls.get(self.object) else { return Vec::new() };
        let everything = BTreeSet::from(["0.0.0.0/0".to_owned()]);
        let mut changes = self.entries(acl, true, For::S3Requests, &everything);
        changes.extend(self.entries(acl, false, For::S3Replies, &everything));
        changes
    }

    /// Adds the route table to the gateway endpoint of its VPC.
    fn gateway(&self) -> Vec<Change> {
        let Some(table) = self.view.index.route_tables.get(self.object) else { return Vec::new() };
        let vpc = table.vpc_id.as_deref();
        // Where the endpoint is in the table already, narrower routes take the service's ranges from it.
        let narrower = self.narrower_routes(table);
        if !narrower.is_empty() {
            return narrower;
        }
        let gateway = |e: &&crate::inventory::ec2::VpcEndpoint| {
            e.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("gateway"))
                && e.service_name.as_deref().and_then(services::short_name).is_some_and(|s| self.group.services.contains(s))
        };
        let found = vpc.and_then(|v| self.view.index.endpoints_of_vpc.get(v)).into_iter().flatten().copied().filter(gateway);
        found.map(|e| Change::AddRouteTable { endpoint: e.vpc_endpoint_id.clone(), table: self.object.to_owned() }).collect()
    }
}

impl At<'_, '_> {
    /// The routes of a table that take part of a service's ranges from the gateway endpoint that is in it.
    fn narrower_routes(&self, table: &crate::inventory::ec2::RouteTable) -> Vec<Change> {
        let ranges = self.group.services.iter().filter_map(|s| path::service_ranges(self.view, s)).fold(IpSet::empty(), |all, set| all.union(&set));
        let parts = route::partition(&self.view.index, table, &ranges);
        if !parts.iter().any(|(_, c)| matches!(c, route::Choice::Route(r) if matches!(r.target, route::Target::GatewayEndpoint(_)))) {
            return Vec::new();
        }
        let others: BTreeSet<&str> = parts
            .iter()
            .filter_map(|(_, c)| match c {
                route::Choice::Route(r) if !matches!(r.target, route::Target::GatewayEndpoint(_)) => r.route.destination_cidr_block.as_deref().filter(|d| *d != "0.0.0.0/0"),
                _ => None,
            })
            .collect();
        others.into_iter().map(|d| Change::DeleteRoute { table: table.route_table_id.clone(), destination: d.to_owned() }).collect()
    }
}

/// What an ACL entry is for. Findings that propose entries of one ACL take numbers of their own, so that one script makes all.
#[derive(Clone, Copy)]
enum For {
    Requests,
    Replies,
    S3Requests,
    S3Replies,
}

impl At<'_, '_> {
    /// Allow entries for one direction, numbered before the first that exists. Requests go to 443, replies to what callers use.
    /// The number follows from the range and the purpose, so that two findings do not give one number to different entries.
    fn entries(&self, acl: &NetworkAcl, egress: bool, purpose: For, cidrs: &BTreeSet<String>) -> Vec<Change> {
        let (from, to) = if matches!(purpose, For::Requests | For::S3Requests) { (443, 443) } else { (1024, 65535) };
        let taken: BTreeSet<i32> = acl.entries.iter().filter(|e| e.egress == Some(egress)).filter_map(|e| e.rule_number).collect();
        let first = taken.first().copied().unwrap_or(100);
        let before: Vec<i32> = (1..first).rev().collect();
        let ranges = self.ranges(acl.vpc_id.as_deref());
        let number = |at: usize, cidr: &String| {
            let place = ranges.iter().position(|r| r == cidr)? * 4 + purpose as usize;
            // Where there is little room before the first entry, what counts is to stand before it.
            before.get(place).or_else(|| before.get(at)).copied().or_else(|| (first..32766).filter(|n| !taken.contains(n)).nth(at))
        };
        let entry = |(at, cidr): (usize, &String)| Some(Change::AclEntry { acl: acl.network_acl_id.clone(), number: number(at, cidr)?, egress, from, to, cidr: cidr.clone() });
        cidrs.iter().enumerate().filter_map(entry).collect()
    }

    /// Every range that an entry of a VPC's ACL may be about, in one order for all findings: everything, then the subnets of
    /// workloads and endpoints in this VPC, then those in others.
    fn ranges(&self, vpc: Option<&str>) -> Vec<String> {
        let endpoints = self.view.region.vpc_endpoints.iter().flat_map(|e| e.subnet_ids.iter().map(String::as_str));
        let subnets: BTreeSet<&str> = self.view.placements.iter().filter_map(|p| p.subnet.as_deref()).chain(endpoints).collect();
        let cidrs = subnets.into_iter().filter_map(|s| self.view.index.subnets.get(s)).filter_map(|s| Some((Some(s.vpc_id.as_str()) != vpc, s.cidr_block.clone()?)));
        let mut ranges = vec!["0.0.0.0/0".to_owned()];
        for (_, cidr) in cidrs.collect::<BTreeSet<_>>() {
            if !ranges.contains(&cidr) {
                ranges.push(cidr);
            }
        }
        ranges
    }

    /// What opens each hop at which the paths of the finding stop.
    fn by_hops(&self) -> Vec<Change> {
        let hits: BTreeSet<(usize, usize)> = self.group.indices.iter().copied().collect();
        let hit = |p: &&crate::analysis::Path| hits.contains(&(p.placement, p.need));
        let stops: BTreeSet<(HopName, &str)> =
            self.view.paths.iter().filter(hit).flat_map(|p| &p.hops).filter(|h| h.verdict == Tri::Fail).filter_map(|h| Some((h.hop, h.object.as_deref()?))).collect();
        let mut changes: Vec<Change> = Vec::new();
        for (hop, object) in stops {
            let there = At { object, ..*self };
            let more = match hop {
                HopName::SourceSg => there.egress_to_endpoints(),
                HopName::DestSg => there.ingress(),
                HopName::SourceNaclOut | HopName::DestNaclIn => there.acl_entries(true),
                HopName::SourceNaclIn | HopName::DestNaclOut => there.acl_entries(false),
                HopName::Endpoint | HopName::Dns | HopName::Route | HopName::Policy => return Vec::new(),
            };
            changes.extend(more.into_iter().filter(|c| !changes.contains(c)).collect::<Vec<_>>());
        }
        changes
    }
}
