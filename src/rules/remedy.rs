//! How to mend what a path found: words, and the `aws` commands with the real ids of the account.

use std::collections::BTreeSet;

use super::Rule;
use super::from_paths::Group;
use crate::analysis::path::TRIO;
use crate::analysis::{Placement, View, services};
use crate::finding::Remediation;
use crate::inventory::ec2::NetworkAcl;

/// The remedy of one finding. Commands are in the order in which they must be run; none of them is ever run by the tool.
#[must_use]
pub fn remedy(view: &View<'_>, rule: &Rule, object: &str, group: &Group<'_>) -> Remediation {
    let at = At { view, object, group };
    let commands = match rule.id {
        "EP01" | "EP04" | "EP05" | "EP06" | "EP07" | "EP08" | "EP09" | "EP10" | "EP11" | "EP12" | "EP13" | "RG02" => at.endpoints(Some(object)),
        "EP02" => at.recreate(),
        "DN01" => vec![at.ec2(&format!("modify-vpc-endpoint --vpc-endpoint-id {object} --private-dns-enabled"))],
        "DN02" => vec![
            at.ec2(&format!("modify-vpc-attribute --vpc-id {object} --enable-dns-support '{{\"Value\":true}}'")),
            at.ec2(&format!("modify-vpc-attribute --vpc-id {object} --enable-dns-hostnames '{{\"Value\":true}}'")),
        ],
        "DN04" => vec![
            at.ec2("create-dhcp-options --dhcp-configurations Key=domain-name-servers,Values=AmazonProvidedDNS"),
            at.ec2(&format!("associate-dhcp-options --vpc-id {object} --dhcp-options-id dopt-OF-THE-SET-JUST-MADE")),
        ],
        "DN05" | "DN07" | "DN09" if object.starts_with('Z') => vec![format!("aws route53 list-resource-record-sets --hosted-zone-id {object}")],
        "NW01" => at.ingress(),
        "NW02" => at.egress_to_endpoints(),
        "NW08" => at.egress_to_s3(),
        "NW04" => at.acl_entries(true),
        "NW05" => at.acl_entries(false),
        "NW09" => at.acl_s3(),
        "NW06" => at.endpoints(None),
        "NW07" => at.gateway(),
        "WL03" => at.endpoints(None),
        "V601" => vec![at.ec2(&format!("modify-vpc-endpoint --vpc-endpoint-id {object} --ip-address-type dualstack --dns-options DnsRecordIpType=dualstack"))],
        "PO03" | "PO04" | "PO05" | "PO06" | "PO07" => vec![at.ec2(&format!("modify-vpc-endpoint --vpc-endpoint-id {object} --policy-document file://policy.json"))],
        _ => Vec::new(),
    };
    let text = match rule.id {
        "EP01" | "RG02" if at.trio().len() > 1 || group.services.iter().any(|s| TRIO.contains(s)) => format!("{} Create ecs-agent and ecs-telemetry before ecs, then restart the agents.", rule.mend),
        "PO03" | "PO04" | "PO05" | "PO06" | "PO07" => {
            format!("{} `audit policy test policy.json --service {}` tells whether a draft lets ECS through.", rule.mend, group.services.iter().next().unwrap_or(&"ecs"))
        }
        _ => rule.mend.to_owned(),
    };
    Remediation { text, commands, ..Remediation::default() }
}

/// One finding, as its remedy sees it.
struct At<'g, 'v> {
    view: &'v View<'v>,
    object: &'g str,
    group: &'g Group<'v>,
}

impl At<'_, '_> {
    fn ec2(&self, rest: &str) -> String {
        format!("aws ec2 {rest} --region {}", self.view.region.region)
    }

    fn placements(&self) -> impl Iterator<Item = &Placement> {
        self.group.hits.iter().map(|(p, _)| *p)
    }

    fn trio(&self) -> Vec<&str> {
        ["ecs-agent", "ecs-telemetry", "ecs"].into_iter().filter(|s| self.group.services.contains(s)).collect()
    }

    /// Endpoints of all services of the finding, in the VPC or the VPCs of what is hit: the agent's in their order, ecs last.
    fn endpoints(&self, vpc: Option<&str>) -> Vec<String> {
        let vpcs: BTreeSet<&str> = vpc.map_or_else(|| self.placements().filter_map(|p| p.vpc.as_deref()).collect(), |v| BTreeSet::from([v]));
        let others = self.group.services.iter().copied().filter(|s| !TRIO.contains(s) && !s.starts_with("registry:"));
        let ordered: Vec<&str> = self.trio().into_iter().chain(others).collect();
        vpcs.iter().flat_map(|vpc| ordered.iter().map(|service| self.endpoint(vpc, service))).collect()
    }

    fn endpoint(&self, vpc: &str, service: &str) -> String {
        let region = self.view.region;
        if service == "s3" {
            let tables: BTreeSet<String> = self
                .placements()
                .filter(|p| p.vpc.as_deref() == Some(vpc))
                .filter_map(|p| crate::analysis::route::table_of(&self.view.index, p.subnet.as_deref()?).ok())
                .map(|t| t.route_table_id.clone())
                .collect();
            let name = services::gateway_name(&region.region, "s3");
            return self.ec2(&format!("create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Gateway --service-name {name} --route-table-ids {}", tables.into_iter().collect::<Vec<_>>().join(" ")));
        }
        let name = services::full_name_in(region, service);
        let subnets = self.one_subnet_a_zone(vpc);
        let groups = self.endpoint_groups(vpc);
        let groups = if groups.is_empty() { String::new() } else { format!(" --security-group-ids {}", groups.join(" ")) };
        self.ec2(&format!("create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Interface --service-name {name} --subnet-ids {}{groups} --private-dns-enabled", subnets.join(" ")))
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

    /// Groups of the interface endpoints that the VPC has already: they are meant for this.
    fn endpoint_groups(&self, vpc: &str) -> Vec<String> {
        let own = self.view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().find(|e| !e.groups.is_empty());
        let groups: BTreeSet<String> = own.into_iter().flat_map(|e| e.groups.iter().filter_map(|g| g.group_id.clone())).collect();
        groups.into_iter().collect()
    }

    fn recreate(&self) -> Vec<String> {
        let mut commands = vec![self.ec2(&format!("delete-vpc-endpoints --vpc-endpoint-ids {}", self.object))];
        commands.extend(self.endpoints(self.view.index.endpoints.get(self.object).and_then(|e| e.vpc_id.as_deref())));
        commands
    }

    /// Admits the workloads' subnets: a range holds for the tasks of tomorrow as well, and across VPCs.
    fn ingress(&self) -> Vec<String> {
        self.cidrs(|_| true).into_iter().map(|cidr| self.ec2(&format!("authorize-security-group-ingress --group-id {} --protocol tcp --port 443 --cidr {cidr}", self.object))).collect()
    }

    fn cidrs(&self, keep: impl Fn(&Placement) -> bool) -> BTreeSet<String> {
        self.placements().filter(|p| keep(p)).filter_map(|p| self.view.index.subnets.get(p.subnet.as_deref()?)?.cidr_block.clone()).collect()
    }

    /// Subnets of the endpoints of the services that are hit.
    fn endpoint_cidrs(&self) -> BTreeSet<String> {
        let vpcs: BTreeSet<&str> = self.placements().filter_map(|p| p.vpc.as_deref()).collect();
        let endpoints = self.view.region.vpc_endpoints.iter().filter(|e| e.vpc_id.as_deref().is_some_and(|v| vpcs.contains(v)));
        let serving = endpoints.filter(|e| e.service_name.as_deref().and_then(services::short_name).is_some_and(|s| self.group.services.contains(s)));
        serving.flat_map(|e| &e.subnet_ids).filter_map(|s| self.view.index.subnets.get(s.as_str())?.cidr_block.clone()).collect()
    }

    fn egress_to_endpoints(&self) -> Vec<String> {
        let cidrs = self.endpoint_cidrs();
        let targets = if cidrs.is_empty() { BTreeSet::from(["0.0.0.0/0".to_owned()]) } else { cidrs };
        targets
            .into_iter()
            .map(|cidr| self.ec2(&format!("authorize-security-group-egress --group-id {} --ip-permissions IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{{CidrIp={cidr}}}]", self.object)))
            .collect()
    }

    fn s3_list(&self) -> String {
        self.view.index.service_prefix_lists.get("s3").map_or_else(|| "pl-OF-S3".to_owned(), |id| (*id).to_owned())
    }

    fn egress_to_s3(&self) -> Vec<String> {
        let list = self.s3_list();
        vec![self.ec2(&format!("authorize-security-group-egress --group-id {} --ip-permissions IpProtocol=tcp,FromPort=443,ToPort=443,PrefixListIds=[{{PrefixListId={list}}}]", self.object))]
    }

    /// Entries before the first that exists, so that no deny stands in their way.
    fn acl_entries(&self, request: bool) -> Vec<String> {
        let Some(acl) = self.view.index.network_acls.get(self.object) else { return Vec::new() };
        let own: BTreeSet<&str> = acl.associations.iter().filter_map(|a| a.subnet_id.as_deref()).collect();
        let here = |p: &Placement| p.subnet.as_deref().is_some_and(|s| own.contains(s));
        let mut commands = Vec::new();
        let (request_ports, reply_ports) = ("From=443,To=443", "From=1024,To=65535");
        // On the workload's side the other end is the endpoints' subnets; on the endpoints' side it is the workloads'.
        if self.placements().any(here) {
            let (direction, ports) = if request { ("--egress", request_ports) } else { ("--ingress", reply_ports) };
            commands.extend(self.entries(acl, direction, ports, &self.endpoint_cidrs()));
        }
        if self.placements().any(|p| !here(p)) || commands.is_empty() {
            let (direction, ports) = if request { ("--ingress", request_ports) } else { ("--egress", reply_ports) };
            commands.extend(self.entries(acl, direction, ports, &self.cidrs(|_| true)));
        }
        commands
    }

    fn acl_s3(&self) -> Vec<String> {
        let Some(acl) = self.view.index.network_acls.get(self.object) else { return Vec::new() };
        let everything = BTreeSet::from(["0.0.0.0/0".to_owned()]);
        let mut commands = self.entries(acl, "--egress", "From=443,To=443", &everything);
        commands.extend(self.entries(acl, "--ingress", "From=1024,To=65535", &everything));
        commands
    }

    fn entries(&self, acl: &NetworkAcl, direction: &str, ports: &str, cidrs: &BTreeSet<String>) -> Vec<String> {
        let egress = direction == "--egress";
        let taken: BTreeSet<i32> = acl.entries.iter().filter(|e| e.egress == Some(egress)).filter_map(|e| e.rule_number).collect();
        let first = taken.first().copied().unwrap_or(100);
        let free = (1..first).rev().chain(1..32766).filter(|n| !taken.contains(n));
        free.zip(cidrs)
            .map(|(number, cidr)| {
                self.ec2(&format!(
                    "create-network-acl-entry --network-acl-id {} --rule-number {number} --protocol tcp --port-range {ports} --cidr-block {cidr} --rule-action allow {direction}",
                    self.object
                ))
            })
            .collect()
    }

    /// Adds the route table to the gateway endpoint of its VPC.
    fn gateway(&self) -> Vec<String> {
        let vpc = self.view.index.route_tables.get(self.object).and_then(|t| t.vpc_id.as_deref());
        let gateway = |e: &&crate::inventory::ec2::VpcEndpoint| {
            e.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("gateway"))
                && e.service_name.as_deref().and_then(services::short_name).is_some_and(|s| self.group.services.contains(s))
        };
        let found = vpc.and_then(|v| self.view.index.endpoints_of_vpc.get(v)).into_iter().flatten().copied().filter(gateway);
        found.map(|e| self.ec2(&format!("modify-vpc-endpoint --vpc-endpoint-id {} --add-route-table-ids {}", e.vpc_endpoint_id, self.object))).collect()
    }
}
