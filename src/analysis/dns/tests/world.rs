//! Small worlds for the tests: a region in which everything was seen, built piece by piece.

use proptest::prelude::ProptestConfig;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::{Families, NameTarget, Names, Resolver};
use crate::actions::Action;
use crate::analysis::{Index, Options, Unseen, View};
use crate::inventory::{Answer, Region, State, Status};

pub const ACCOUNT: &str = "111122223333";
pub const OTHER_ACCOUNT: &str = "444455556666";
pub const R: &str = "us-east-2.amazonaws.com";
/// Records that every zone has.
const OWN: [&str; 2] = ["NS", "SOA"];

/// What name resolution reads.
pub const READS: [Action; 16] = [
    Action::DescribeVpcs,
    Action::DescribeVpcAttribute,
    Action::DescribeDhcpOptions,
    Action::DescribeVpcEndpoints,
    Action::DescribeNetworkInterfaces,
    Action::ListHostedZonesByVpc,
    Action::ListResourceRecordSets,
    Action::ListResolverRules,
    Action::ListResolverRuleAssociations,
    Action::ListResolverEndpoints,
    Action::ListResolverEndpointIpAddresses,
    Action::ListFirewallRuleGroupAssociations,
    Action::ListFirewallRules,
    Action::ListFirewallDomainLists,
    Action::ListFirewallDomains,
    Action::ListProfileAssociations,
];

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a shape of the inventory")
}

#[derive(Debug, Clone)]
pub struct World {
    pub region: Region,
    pub options: Options,
}

impl World {
    /// One VPC `vpc-a` (10.0.0.0/16) with both attributes and Amazon's resolver; nothing else, all of it seen.
    pub fn new() -> Self {
        let mut region = Region { partition: "aws".into(), account: ACCOUNT.into(), region: "us-east-2".into(), ..Region::default() };
        // Which VPCs are joined was seen too.
        for action in READS.into_iter().chain([Action::DescribeVpcPeeringConnections, Action::DescribeTransitGatewayVpcAttachments]) {
            region.completeness.record(action, Status::complete());
        }
        region.dhcp_options.push(of(json!({"DhcpOptionsId": "dopt-amazon", "DhcpConfigurations": [{"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]}]})));
        Self { region, options: Options::default() }.vpc("vpc-a", "10.0.0.0/16")
    }

    pub fn vpc(mut self, id: &str, cidr: &str) -> Self {
        self.region.vpcs.push(of(json!({"VpcId": id, "CidrBlock": cidr, "OwnerId": ACCOUNT, "DhcpOptionsId": "dopt-amazon"})));
        self.region.vpc_attributes.push(of(json!({"VpcId": id, "EnableDnsSupport": {"Value": true}, "EnableDnsHostnames": {"Value": true}})));
        self.region.hosted_zones.insert(id.into(), Answer::Output(Default::default()));
        self
    }

    pub fn attributes(mut self, vpc: &str, support: Option<bool>, hostnames: Option<bool>) -> Self {
        for attributes in self.region.vpc_attributes.iter_mut().filter(|a| a.vpc_id == vpc) {
            *attributes = of(json!({"VpcId": vpc, "EnableDnsSupport": support.map(|v| json!({"Value": v})), "EnableDnsHostnames": hostnames.map(|v| json!({"Value": v}))}));
        }
        self
    }

    pub fn owner(mut self, vpc: &str, account: &str) -> Self {
        self.region.vpcs.iter_mut().filter(|v| v.vpc_id == vpc).for_each(|v| v.owner_id = Some(account.into()));
        self
    }

    /// DHCP options of their own for a VPC.
    pub fn servers(mut self, vpc: &str, servers: &[&str]) -> Self {
        let id = format!("dopt-{vpc}");
        let values: Vec<Value> = servers.iter().map(|s| json!({"Value": s})).collect();
        self.region.dhcp_options.push(of(json!({"DhcpOptionsId": id, "DhcpConfigurations": [{"Key": "domain-name-servers", "Values": values}]})));
        self.dhcp(vpc, Some(&id))
    }

    pub fn dhcp(mut self, vpc: &str, id: Option<&str>) -> Self {
        self.region.vpcs.iter_mut().filter(|v| v.vpc_id == vpc).for_each(|v| v.dhcp_options_id = id.map(str::to_owned));
        self
    }

    /// An available interface endpoint with private DNS and one interface an address, in zones a, b, …; its names are those of
    /// AWS's pages.
    pub fn endpoint(self, id: &str, vpc: &str, service: &str, addresses: &[&str]) -> Self {
        self.endpoint_with(id, vpc, service, addresses, json!({}))
    }

    /// The same with some fields set otherwise.
    pub fn endpoint_with(mut self, id: &str, vpc: &str, service: &str, addresses: &[&str], fields: Value) -> Self {
        let mut interfaces = Vec::new();
        for (n, address) in addresses.iter().enumerate() {
            let eni = format!("eni-{id}-{n}");
            let zone = format!("us-east-2{}", ["a", "b", "c", "d"].get(n % 4).expect("four zones"));
            let mut interface = json!({"NetworkInterfaceId": eni, "VpcId": vpc, "AvailabilityZone": zone});
            let key = if address.contains(':') { "Ipv6Addresses" } else { "PrivateIpAddress" };
            interface[key] = if address.contains(':') { json!([{"Ipv6Address": address}]) } else { json!(address) };
            self.region.network_interfaces.push(of(interface));
            interfaces.push(eni);
        }
        let mut endpoint = json!({"VpcEndpointId": id, "VpcEndpointType": "Interface", "VpcId": vpc, "ServiceName": format!("com.amazonaws.us-east-2.{service}"), "State": "available",
            "PrivateDnsEnabled": true, "IpAddressType": "ipv4", "NetworkInterfaceIds": interfaces, "DnsEntries": [{"DnsName": own_name(id, service)}]});
        for (key, value) in fields.as_object().expect("fields") {
            endpoint[key] = value.clone();
        }
        self.region.vpc_endpoints.push(of(endpoint));
        self
    }

    /// A private zone in use by VPCs, with records: name, type, and an address, a name (alias for A and AAAA) or nothing.
    pub fn zone(self, id: &str, name: &str, vpcs: &[&str], records: &[(&str, &str, &str)]) -> Self {
        let sets: Vec<Value> = records
            .iter()
            .map(|(name, kind, value)| {
                let mut set = json!({"Name": name, "Type": kind});
                let is_address = value.split(',').all(|v| v.parse::<std::net::IpAddr>().is_ok());
                if *kind == "CNAME" || is_address {
                    set["ResourceRecords"] = value.split(',').map(|v| json!({"Value": v})).collect();
                } else if !value.is_empty() {
                    set["AliasTarget"] = json!({"DNSName": value, "HostedZoneId": "ZALIAS"});
                }
                set
            })
            .collect();
        self.zone_of(id, name, vpcs, json!({"OwningAccount": ACCOUNT})).records(id, name, sets)
    }

    /// A zone whose records were not collected.
    pub fn zone_of(mut self, id: &str, name: &str, vpcs: &[&str], owner: Value) -> Self {
        for vpc in vpcs {
            let Some(Answer::Output(listing)) = self.region.hosted_zones.get_mut(*vpc) else { panic!("no listing of {vpc}") };
            listing.hosted_zone_summaries.push(of(json!({"HostedZoneId": id, "Name": format!("{name}."), "Owner": owner})));
        }
        self
    }

    pub fn records(mut self, id: &str, name: &str, mut sets: Vec<Value>) -> Self {
        sets.extend(OWN.map(|kind| json!({"Name": format!("{name}."), "Type": kind, "ResourceRecords": [{"Value": "ns-0.awsdns-00.com."}]})));
        self.region.record_sets.insert(id.into(), Answer::Output(of(json!({"ResourceRecordSets": sets, "IsTruncated": false}))));
        self
    }

    /// A Resolver rule in use by `vpc`.
    pub fn rule(mut self, id: &str, vpc: &str, domain: &str, kind: &str, targets: &[&str]) -> Self {
        let targets: Vec<Value> = targets.iter().map(|t| json!({"Ip": t, "Port": 53})).collect();
        self.region.resolver_rules.push(of(json!({"Id": id, "DomainName": format!("{domain}."), "RuleType": kind, "Status": "COMPLETE", "TargetIps": targets, "ResolverEndpointId": "rslvr-out"})));
        self.region.resolver_rule_associations.push(of(json!({"Id": format!("rslvr-rrassoc-{id}"), "ResolverRuleId": id, "VPCId": vpc, "Status": "COMPLETE"})));
        self
    }

    pub fn resolver_endpoint(mut self, id: &str, vpc: &str, direction: &str, addresses: &[&str]) -> Self {
        self.region.resolver_endpoints.push(of(json!({"Id": id, "Direction": direction, "HostVPCId": vpc, "Status": "OPERATIONAL"})));
        let addresses: Vec<Value> = addresses.iter().map(|a| json!({"Ip": a, "Status": "ATTACHED"})).collect();
        self.region.resolver_endpoint_addresses.insert(id.into(), Answer::Output(of(json!({"IpAddresses": addresses}))));
        self
    }

    /// A DNS Firewall rule group in use by `vpc`: rules are priority, action, domains, with a domain list of their own each.
    pub fn firewall(mut self, group: &str, vpc: &str, priority: i32, rules: &[(i32, &str, &[&str])]) -> Self {
        self.region.firewall_associations.push(of(json!({"Id": format!("assoc-{group}-{vpc}"), "FirewallRuleGroupId": group, "VpcId": vpc, "Priority": priority, "Status": "COMPLETE"})));
        let mut out = Vec::new();
        for (number, action, domains) in rules {
            let list = format!("list-{group}-{number}");
            self.region.firewall_domains.insert(list.clone(), Answer::Output(of(json!({"Domains": domains}))));
            self.region.firewall_domain_lists.push(of(json!({"Id": list})));
            out.push(json!({"FirewallDomainListId": list, "Name": format!("rule{number}"), "Priority": number, "Action": action, "BlockResponse": (*action == "BLOCK").then_some("NXDOMAIN")}));
        }
        self.region.firewall_rules.insert(group.into(), Answer::Output(of(json!({"FirewallRules": out}))));
        self
    }

    pub fn profile(mut self, id: &str, vpc: &str) -> Self {
        self.region.profile_associations.push(of(json!({"ProfileId": id, "ResourceId": vpc, "Status": "COMPLETE"})));
        self
    }

    pub fn peering(mut self, a: &str, b: &str, b_owner: &str) -> Self {
        self.region.vpc_peering_connections.push(
            of(json!({"VpcPeeringConnectionId": format!("pcx-{a}-{b}"), "Status": {"Code": "active"}, "RequesterVpcInfo": {"VpcId": a, "OwnerId": ACCOUNT}, "AccepterVpcInfo": {"VpcId": b, "OwnerId": b_owner}})),
        );
        self
    }

    /// Forgets what an action answered, and that it did.
    pub fn without(mut self, action: Action) -> Self {
        let r = &mut self.region;
        match action {
            Action::DescribeVpcs => r.vpcs.clear(),
            Action::DescribeVpcAttribute => r.vpc_attributes.clear(),
            Action::DescribeDhcpOptions => r.dhcp_options.clear(),
            Action::DescribeVpcEndpoints => r.vpc_endpoints.clear(),
            Action::DescribeNetworkInterfaces => r.network_interfaces.clear(),
            Action::ListHostedZonesByVpc => r.hosted_zones.clear(),
            Action::ListResourceRecordSets => r.record_sets.clear(),
            Action::ListResolverRules => r.resolver_rules.clear(),
            Action::ListResolverRuleAssociations => r.resolver_rule_associations.clear(),
            Action::ListResolverEndpoints => r.resolver_endpoints.clear(),
            Action::ListResolverEndpointIpAddresses => r.resolver_endpoint_addresses.clear(),
            Action::ListFirewallRuleGroupAssociations => r.firewall_associations.clear(),
            Action::ListFirewallRules => r.firewall_rules.clear(),
            Action::ListFirewallDomainLists => r.firewall_domain_lists.clear(),
            Action::ListFirewallDomains => r.firewall_domains.clear(),
            Action::ListProfileAssociations => r.profile_associations.clear(),
            other => panic!("{other} is not read"),
        }
        r.completeness.0.insert(action, Status::of(State::NotCollected, "not collected"));
        self
    }

    pub fn plain_dns(mut self) -> Self {
        self.options.plain_dns = true;
        self
    }

    pub fn with<T>(&self, ask: impl FnOnce(&View<'_>) -> T) -> T {
        ask(&View {
            region: &self.region,
            index: Index::new(&self.region),
            options: &self.options,
            now: None,
            vpcs: Vec::new(),
            placements: Vec::new(),
            hints: Vec::new(),
            unseen_needs: Default::default(),
            roster: Default::default(),
            paths: Vec::new(),
        })
    }

    pub fn resolve(&self, vpc: &str, host: &str, service: &str, consumer: Families) -> Names {
        self.with(|view| Resolver::new(view).resolve(vpc, host, service, consumer))
    }

    /// The answers in short, for an IPv4 consumer in `vpc-a`; the host is in the region's domain unless it ends in a dot.
    pub fn says(&self, host: &str, service: &str) -> String {
        short(&self.resolve("vpc-a", &full(host), service, Families::V4))
    }

    /// What was not seen, in short.
    pub fn unseen(&self, host: &str, service: &str) -> Vec<String> {
        let words = |u: &Unseen| match u {
            Unseen::Action(action) => action.name().to_owned(),
            Unseen::Elsewhere(text) | Unseen::Datum(text) => text.clone(),
        };
        self.resolve("vpc-a", &full(host), service, Families::V4).unseen.iter().map(words).collect()
    }
}

/// At least `least` random cases; `PROPTEST_CASES` asks for more.
pub fn cases(least: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(least), ..default }
}

pub fn full(host: &str) -> String {
    if host.ends_with('.') { host.to_owned() } else { format!("{host}.{R}") }
}

/// The name that AWS gives an endpoint.
pub fn own_name(id: &str, service: &str) -> String {
    format!("{id}-0f0f.{service}.us-east-2.vpce.amazonaws.com")
}

/// `endpoint vpce-1 | public [DN04 vpc-a]`, with ` | ?` where anything else is possible.
pub fn short(names: &Names) -> String {
    let mut out: Vec<String> = Vec::new();
    for answer in &names.answers {
        let listed = |addresses: &Option<std::collections::BTreeSet<std::net::IpAddr>>| addresses.as_ref().map(|a| a.iter().map(|a| format!(" {a}")).collect::<String>()).unwrap_or_default();
        let mut text = match &answer.target {
            NameTarget::Endpoint { id, addresses } => format!("endpoint {id}{}", listed(addresses)),
            NameTarget::Remote { id, addresses } => format!("remote {id}{}", listed(addresses)),
            NameTarget::Public => "public".to_owned(),
            NameTarget::Private(addresses) => format!("private{}", listed(&Some(addresses.clone()))),
            NameTarget::Nothing => "nothing".to_owned(),
        };
        if let Some(cause) = &answer.cause {
            text.push_str(&format!(" [{} {}]", cause.rule, cause.object));
        }
        out.push(text);
    }
    if !names.certain {
        out.push("?".to_owned());
    }
    out.join(" | ")
}
