//! One change to the network: the `aws` command, the Terraform block and the CloudFormation resource that make it, and the same
//! change made to an inventory in memory, by which a fix is proven.

use std::net::Ipv4Addr;

use crate::analysis::services;
use crate::inventory::{Region, ec2, shape::PolicyText};

/// What can be changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are AWS's")]
pub enum Change {
    Ingress {
        group: String,
        cidr: String,
        port: u16,
    },
    Egress {
        group: String,
        cidr: String,
        port: u16,
    },
    EgressToList {
        group: String,
        list: String,
        port: u16,
    },
    InterfaceEndpoint {
        vpc: String,
        service: String,
        subnets: Vec<String>,
        groups: Vec<String>,
    },
    GatewayEndpoint {
        vpc: String,
        service: String,
        tables: Vec<String>,
    },
    DeleteEndpoint {
        endpoint: String,
    },
    PrivateDns {
        endpoint: String,
    },
    DnsAttributes {
        vpc: String,
    },
    AddRouteTable {
        endpoint: String,
        table: String,
    },
    AclEntry {
        acl: String,
        number: i32,
        egress: bool,
        from: i32,
        to: i32,
        cidr: String,
    },
    DualStack {
        endpoint: String,
    },
    DeleteRoute {
        table: String,
        destination: String,
    },
    /// The whole document that takes the place of the endpoint's own.
    Policy {
        endpoint: String,
        document: String,
    },
}

impl Change {
    /// The command that makes it.
    #[must_use]
    pub fn command(&self, region: &Region) -> String {
        let rest = match self {
            Self::Ingress { group, cidr, port } => format!("authorize-security-group-ingress --group-id {group} --protocol tcp --port {port} --cidr {cidr}"),
            Self::Egress { group, cidr, port } => {
                format!("authorize-security-group-egress --group-id {group} --ip-permissions 'IpProtocol=tcp,FromPort={port},ToPort={port},IpRanges=[{{CidrIp={cidr}}}]'")
            }
            Self::EgressToList { group, list, port } => {
                format!("authorize-security-group-egress --group-id {group} --ip-permissions 'IpProtocol=tcp,FromPort={port},ToPort={port},PrefixListIds=[{{PrefixListId={list}}}]'")
            }
            Self::InterfaceEndpoint { vpc, service, subnets, groups } => format!(
                "create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Interface --service-name {} --subnet-ids {} --security-group-ids {} --private-dns-enabled",
                services::full_name_in(region, service),
                subnets.join(" "),
                groups.join(" ")
            ),
            Self::GatewayEndpoint { vpc, service, tables } => {
                format!("create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Gateway --service-name {} --route-table-ids {}", services::gateway_name(&region.region, service), tables.join(" "))
            }
            Self::DeleteEndpoint { endpoint } => format!("delete-vpc-endpoints --vpc-endpoint-ids {endpoint}"),
            Self::PrivateDns { endpoint } => format!("modify-vpc-endpoint --vpc-endpoint-id {endpoint} --private-dns-enabled"),
            Self::DnsAttributes { vpc } => {
                // One attribute a call.
                let one = |name: &str| format!("aws ec2 modify-vpc-attribute --vpc-id {vpc} --{name} '{{\"Value\":true}}' --region {}", region.region);
                return format!("{} && {}", one("enable-dns-support"), one("enable-dns-hostnames"));
            }
            Self::AddRouteTable { endpoint, table } => format!("modify-vpc-endpoint --vpc-endpoint-id {endpoint} --add-route-table-ids {table}"),
            Self::AclEntry { acl, number, egress, from, to, cidr } => format!(
                "create-network-acl-entry --network-acl-id {acl} --rule-number {number} --protocol tcp --port-range From={from},To={to} --cidr-block {cidr} --rule-action allow {}",
                if *egress { "--egress" } else { "--ingress" }
            ),
            Self::DualStack { endpoint } => format!("modify-vpc-endpoint --vpc-endpoint-id {endpoint} --ip-address-type dualstack --dns-options DnsRecordIpType=dualstack"),
            Self::Policy { endpoint, document } => format!("modify-vpc-endpoint --vpc-endpoint-id {endpoint} --policy-document {}", shell(document)),
            Self::DeleteRoute { table, destination } => format!("delete-route --route-table-id {table} --destination-cidr-block {destination}"),
        };
        format!("aws ec2 {rest} --region {}", region.region)
    }

    /// The Terraform block; `None` where an existing resource has to be edited and no block of its own says it.
    #[must_use]
    pub fn terraform(&self, region: &Region) -> Option<String> {
        let list = |items: &[String]| items.iter().map(|i| format!("\"{i}\"")).collect::<Vec<_>>().join(", ");
        Some(match self {
            Self::Ingress { group, cidr, port } => block(
                "aws_vpc_security_group_ingress_rule",
                &format!("{group}_from_{cidr}"),
                &[("security_group_id", quote(group)), ("cidr_ipv4", quote(cidr)), ("ip_protocol", quote("tcp")), ("from_port", port.to_string()), ("to_port", port.to_string())],
            ),
            Self::Egress { group, cidr, port } => block(
                "aws_vpc_security_group_egress_rule",
                &format!("{group}_to_{cidr}"),
                &[("security_group_id", quote(group)), ("cidr_ipv4", quote(cidr)), ("ip_protocol", quote("tcp")), ("from_port", port.to_string()), ("to_port", port.to_string())],
            ),
            Self::EgressToList { group, list, port } => block(
                "aws_vpc_security_group_egress_rule",
                &format!("{group}_to_{list}"),
                &[("security_group_id", quote(group)), ("prefix_list_id", quote(list)), ("ip_protocol", quote("tcp")), ("from_port", port.to_string()), ("to_port", port.to_string())],
            ),
            Self::InterfaceEndpoint { vpc, service, subnets, groups } => block(
                "aws_vpc_endpoint",
                &format!("{vpc}_{service}"),
                &[
                    ("vpc_id", quote(vpc)),
                    ("service_name", quote(&services::full_name_in(region, service))),
                    ("vpc_endpoint_type", quote("Interface")),
                    ("subnet_ids", format!("[{}]", list(subnets))),
                    ("security_group_ids", format!("[{}]", list(groups))),
                    ("private_dns_enabled", "true".to_owned()),
                ],
            ),
            Self::GatewayEndpoint { vpc, service, tables } => block(
                "aws_vpc_endpoint",
                &format!("{vpc}_{service}"),
                &[
                    ("vpc_id", quote(vpc)),
                    ("service_name", quote(&services::gateway_name(&region.region, service))),
                    ("vpc_endpoint_type", quote("Gateway")),
                    ("route_table_ids", format!("[{}]", list(tables))),
                ],
            ),
            Self::AddRouteTable { endpoint, table } => {
                block("aws_vpc_endpoint_route_table_association", &format!("{endpoint}_{table}"), &[("vpc_endpoint_id", quote(endpoint)), ("route_table_id", quote(table))])
            }
            Self::AclEntry { acl, number, egress, from, to, cidr } => block(
                "aws_network_acl_rule",
                &format!("{acl}_{}_{number}", if *egress { "out" } else { "in" }),
                &[
                    ("network_acl_id", quote(acl)),
                    ("rule_number", number.to_string()),
                    ("egress", egress.to_string()),
                    ("protocol", quote("tcp")),
                    ("rule_action", quote("allow")),
                    ("cidr_block", quote(cidr)),
                    ("from_port", from.to_string()),
                    ("to_port", to.to_string()),
                ],
            ),
            Self::PrivateDns { .. } | Self::DnsAttributes { .. } | Self::DualStack { .. } | Self::DeleteEndpoint { .. } | Self::DeleteRoute { .. } | Self::Policy { .. } => return None,
        })
    }

    /// The CloudFormation resource in YAML; `None` as with Terraform.
    #[must_use]
    pub fn cloudformation(&self, region: &Region) -> Option<String> {
        let list = |items: &[String]| format!("[{}]", items.join(", "));
        Some(match self {
            Self::Ingress { group, cidr, port } => resource(
                "AWS::EC2::SecurityGroupIngress",
                &format!("{group} from {cidr}"),
                &[("GroupId", group.clone()), ("IpProtocol", "tcp".to_owned()), ("FromPort", port.to_string()), ("ToPort", port.to_string()), ("CidrIp", cidr.clone())],
            ),
            Self::Egress { group, cidr, port } => resource(
                "AWS::EC2::SecurityGroupEgress",
                &format!("{group} to {cidr}"),
                &[("GroupId", group.clone()), ("IpProtocol", "tcp".to_owned()), ("FromPort", port.to_string()), ("ToPort", port.to_string()), ("CidrIp", cidr.clone())],
            ),
            Self::EgressToList { group, list, port } => resource(
                "AWS::EC2::SecurityGroupEgress",
                &format!("{group} to {list}"),
                &[("GroupId", group.clone()), ("IpProtocol", "tcp".to_owned()), ("FromPort", port.to_string()), ("ToPort", port.to_string()), ("DestinationPrefixListId", list.clone())],
            ),
            Self::InterfaceEndpoint { vpc, service, subnets, groups } => resource(
                "AWS::EC2::VPCEndpoint",
                &format!("{vpc} {service}"),
                &[
                    ("VpcId", vpc.clone()),
                    ("ServiceName", services::full_name_in(region, service)),
                    ("VpcEndpointType", "Interface".to_owned()),
                    ("SubnetIds", list(subnets)),
                    ("SecurityGroupIds", list(groups)),
                    ("PrivateDnsEnabled", "true".to_owned()),
                ],
            ),
            Self::GatewayEndpoint { vpc, service, tables } => resource(
                "AWS::EC2::VPCEndpoint",
                &format!("{vpc} {service}"),
                &[("VpcId", vpc.clone()), ("ServiceName", services::gateway_name(&region.region, service)), ("VpcEndpointType", "Gateway".to_owned()), ("RouteTableIds", list(tables))],
            ),
            Self::AclEntry { acl, number, egress, from, to, cidr } => resource(
                "AWS::EC2::NetworkAclEntry",
                &format!("{acl} {} {number}", if *egress { "out" } else { "in" }),
                &[
                    ("NetworkAclId", acl.clone()),
                    ("RuleNumber", number.to_string()),
                    ("Egress", egress.to_string()),
                    ("Protocol", "6".to_owned()),
                    ("RuleAction", "allow".to_owned()),
                    ("CidrBlock", cidr.clone()),
                    ("PortRange", format!("{{From: {from}, To: {to}}}")),
                ],
            ),
            Self::PrivateDns { .. }
            | Self::DnsAttributes { .. }
            | Self::DualStack { .. }
            | Self::DeleteEndpoint { .. }
            | Self::AddRouteTable { .. }
            | Self::DeleteRoute { .. }
            | Self::Policy { .. } => return None,
        })
    }

    /// Makes the change in an inventory. `false`: it cannot be modelled there.
    pub fn apply(&self, region: &mut Region) -> bool {
        match self {
            Self::Ingress { group, cidr, port } => permit(region, group, |g| &mut g.ip_permissions, range(cidr, *port)),
            Self::Egress { group, cidr, port } => permit(region, group, |g| &mut g.ip_permissions_egress, range(cidr, *port)),
            Self::EgressToList { group, list, port } => {
                let permission = ec2::IpPermission { prefix_list_ids: vec![ec2::PrefixListId { prefix_list_id: Some(list.clone()) }], ..tcp(*port) };
                permit(region, group, |g| &mut g.ip_permissions_egress, permission)
            }
            Self::InterfaceEndpoint { vpc, service, subnets, groups } => {
                let endpoint = interface_endpoint(region, vpc, service, subnets, groups);
                region.vpc_endpoints.push(endpoint);
                true
            }
            Self::GatewayEndpoint { vpc, service, tables } => {
                let id = format!("vpce-new-{service}");
                region.vpc_endpoints.push(ec2::VpcEndpoint {
                    vpc_endpoint_id: id.clone(),
                    vpc_endpoint_type: Some("Gateway".to_owned()),
                    vpc_id: Some(vpc.clone()),
                    service_name: Some(services::gateway_name(&region.region, service)),
                    state: Some("available".to_owned()),
                    policy_document: Some(full_access()),
                    ..ec2::VpcEndpoint::default()
                });
                tables.iter().all(|table| Self::AddRouteTable { endpoint: id.clone(), table: table.clone() }.apply(region))
            }
            Self::DeleteRoute { table, destination } => {
                let Some(found) = region.route_tables.iter_mut().find(|t| &t.route_table_id == table) else { return false };
                found.routes.retain(|r| r.destination_cidr_block.as_ref() != Some(destination));
                true
            }
            Self::DeleteEndpoint { endpoint } => {
                region.vpc_endpoints.retain(|e| &e.vpc_endpoint_id != endpoint);
                for table in &mut region.route_tables {
                    table.routes.retain(|r| r.gateway_id.as_ref() != Some(endpoint));
                }
                true
            }
            Self::PrivateDns { endpoint } => {
                let Some(found) = region.vpc_endpoints.iter_mut().find(|e| &e.vpc_endpoint_id == endpoint) else { return false };
                found.private_dns_enabled = Some(true);
                let short = found.service_name.as_deref().and_then(services::short_name).unwrap_or_default().to_owned();
                let names = private_entries(&region.region, &short);
                found.dns_entries.extend(names);
                true
            }
            Self::DnsAttributes { vpc } => {
                let Some(found) = region.vpc_attributes.iter_mut().find(|a| &a.vpc_id == vpc) else { return false };
                let yes = Some(ec2::AttributeValue { value: Some(true) });
                found.enable_dns_support.clone_from(&yes);
                found.enable_dns_hostnames = yes;
                true
            }
            Self::AddRouteTable { endpoint, table } => {
                let list = region.prefix_lists.iter().find(|p| p.prefix_list_name.as_deref().is_some_and(|n| n.ends_with(".s3"))).map(|p| p.prefix_list_id.clone());
                let Some(found) = region.vpc_endpoints.iter_mut().find(|e| &e.vpc_endpoint_id == endpoint) else { return false };
                found.route_table_ids.push(table.clone());
                if let Some(t) = region.route_tables.iter_mut().find(|t| &t.route_table_id == table) {
                    t.routes.push(ec2::Route { destination_prefix_list_id: list, gateway_id: Some(endpoint.clone()), state: Some("active".to_owned()), ..ec2::Route::default() });
                }
                true
            }
            Self::AclEntry { acl, number, egress, from, to, cidr } => {
                let Some(found) = region.network_acls.iter_mut().find(|a| &a.network_acl_id == acl) else { return false };
                if found.entries.iter().any(|e| e.egress == Some(*egress) && e.rule_number == Some(*number)) {
                    return false;
                }
                found.entries.push(ec2::NetworkAclEntry {
                    cidr_block: Some(cidr.clone()),
                    egress: Some(*egress),
                    protocol: Some("6".to_owned()),
                    rule_action: Some("allow".to_owned()),
                    rule_number: Some(*number),
                    port_range: Some(ec2::PortRange { from: Some(*from), to: Some(*to) }),
                    ..ec2::NetworkAclEntry::default()
                });
                true
            }
            Self::Policy { endpoint, document } => {
                let Some(found) = region.vpc_endpoints.iter_mut().find(|e| &e.vpc_endpoint_id == endpoint) else { return false };
                found.policy_document = Some(PolicyText(document.clone()));
                true
            }
            Self::DualStack { .. } => false,
        }
    }
}

fn tcp(port: u16) -> ec2::IpPermission {
    ec2::IpPermission { ip_protocol: Some("tcp".to_owned()), from_port: Some(i32::from(port)), to_port: Some(i32::from(port)), ..ec2::IpPermission::default() }
}

fn range(cidr: &str, port: u16) -> ec2::IpPermission {
    ec2::IpPermission { ip_ranges: vec![ec2::IpRange { cidr_ip: Some(cidr.to_owned()) }], ..tcp(port) }
}

fn permit(region: &mut Region, group: &str, side: impl Fn(&mut ec2::SecurityGroup) -> &mut Vec<ec2::IpPermission>, permission: ec2::IpPermission) -> bool {
    match region.security_groups.iter_mut().find(|g| g.group_id == group) {
        Some(found) => {
            side(found).push(permission);
            true
        }
        None => false,
    }
}

/// A text as one word of a shell, whatever it holds.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn full_access() -> PolicyText {
    PolicyText(r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#.to_owned())
}

fn private_entries(region: &str, service: &str) -> Vec<ec2::DnsEntry> {
    services::hostnames(region, service).into_iter().map(|name| ec2::DnsEntry { dns_name: Some(name), hosted_zone_id: None }).collect()
}

/// A new interface endpoint with an interface in each subnet, at the last address that AWS lets be used.
fn interface_endpoint(region: &mut Region, vpc: &str, service: &str, subnets: &[String], groups: &[String]) -> ec2::VpcEndpoint {
    let id = format!("vpce-new-{service}");
    let groups: Vec<ec2::GroupIdentifier> = groups.iter().map(|g| ec2::GroupIdentifier { group_id: Some(g.clone()), group_name: None }).collect();
    let mut interfaces = Vec::new();
    for subnet in subnets {
        let found = region.subnets.iter().find(|s| &s.subnet_id == subnet);
        let cidr: Option<ipnet::Ipv4Net> = found.and_then(|s| s.cidr_block.as_deref()?.parse().ok());
        let address = cidr.map(|c| Ipv4Addr::from(u32::from(c.broadcast()).saturating_sub(1)).to_string());
        let zone = found.and_then(|s| s.availability_zone.clone());
        let interface = format!("eni-new-{service}-{subnet}");
        region.network_interfaces.push(ec2::NetworkInterface {
            network_interface_id: interface.clone(),
            subnet_id: Some(subnet.clone()),
            vpc_id: Some(vpc.to_owned()),
            private_ip_address: address,
            availability_zone: zone,
            groups: groups.clone(),
            ..ec2::NetworkInterface::default()
        });
        interfaces.push(interface);
    }
    ec2::VpcEndpoint {
        vpc_endpoint_id: id,
        vpc_endpoint_type: Some("Interface".to_owned()),
        vpc_id: Some(vpc.to_owned()),
        service_name: Some(services::full_name_in(region, service)),
        state: Some("available".to_owned()),
        ip_address_type: Some("ipv4".to_owned()),
        private_dns_enabled: Some(true),
        owner_id: Some(region.account.clone()),
        policy_document: Some(full_access()),
        subnet_ids: subnets.to_vec(),
        groups,
        network_interface_ids: interfaces,
        dns_entries: private_entries(&region.region, service),
        ..ec2::VpcEndpoint::default()
    }
}

fn quote(text: &str) -> String {
    format!("\"{text}\"")
}

/// A Terraform resource as `terraform fmt` writes it.
fn block(kind: &str, name: &str, arguments: &[(&str, String)]) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let width = arguments.iter().map(|(k, _)| k.len()).max().unwrap_or(0);
    let lines: String = arguments.iter().map(|(k, v)| format!("  {k:<width$} = {v}\n")).collect();
    format!("resource \"{kind}\" \"{name}\" {{\n{lines}}}\n")
}

/// A CloudFormation resource under its logical id.
fn resource(kind: &str, name: &str, properties: &[(&str, String)]) -> String {
    let id: String = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(|w| w.chars().next().map(|c| c.to_ascii_uppercase()).into_iter().chain(w.chars().skip(1)).collect::<String>())
        .collect();
    let lines: String = properties.iter().map(|(k, v)| format!("    {k}: {v}\n")).collect();
    format!("{id}:\n  Type: {kind}\n  Properties:\n{lines}")
}
