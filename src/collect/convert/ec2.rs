//! What EC2 answers.

use aws_sdk_ec2::types as t;

use super::{each, each_with_id, time, wire};
use crate::inventory::ec2 as i;
use crate::inventory::shape::PolicyText;

fn tags(tags: Option<Vec<t::Tag>>) -> Vec<i::Tag> {
    each_with_id(tags, |x| {
        let key = x.key.filter(|k| i::TAGS_READ.contains(&k.as_str()))?;
        let value = x.value.filter(|_| key != i::ECS_MANAGED);
        Some(i::Tag { key, value })
    })
}

fn groups(groups: Option<Vec<t::GroupIdentifier>>) -> Vec<i::GroupIdentifier> {
    each(groups, |g| i::GroupIdentifier { group_id: g.group_id, group_name: g.group_name })
}

fn block_public_access(states: Option<t::BlockPublicAccessStates>) -> Option<i::BlockPublicAccessStates> {
    states.map(|s| i::BlockPublicAccessStates { internet_gateway_block_mode: wire(s.internet_gateway_block_mode) })
}

fn attribute(value: Option<t::AttributeBooleanValue>) -> Option<i::AttributeValue> {
    value.map(|v| i::AttributeValue { value: v.value })
}

pub fn vpc(x: t::Vpc) -> Option<i::Vpc> {
    Some(i::Vpc {
        vpc_id: x.vpc_id?,
        cidr_block: x.cidr_block,
        dhcp_options_id: x.dhcp_options_id,
        owner_id: x.owner_id,
        state: wire(x.state),
        is_default: x.is_default,
        block_public_access_states: block_public_access(x.block_public_access_states),
        cidr_block_association_set: each(x.cidr_block_association_set, |a| i::CidrAssociation {
            cidr_block: a.cidr_block,
            cidr_block_state: a.cidr_block_state.map(|s| i::CidrState { state: wire(s.state) }),
        }),
        ipv6_cidr_block_association_set: each(x.ipv6_cidr_block_association_set, |a| i::Ipv6CidrAssociation {
            ipv6_cidr_block: a.ipv6_cidr_block,
            ipv6_cidr_block_state: a.ipv6_cidr_block_state.map(|s| i::CidrState { state: wire(s.state) }),
        }),
        tags: tags(x.tags),
    })
}

/// `None` where the answer names no VPC, or not the attribute that was asked for.
pub fn vpc_attribute(x: aws_sdk_ec2::operation::describe_vpc_attribute::DescribeVpcAttributeOutput) -> Option<i::VpcAttribute> {
    let (enable_dns_support, enable_dns_hostnames) = (attribute(x.enable_dns_support), attribute(x.enable_dns_hostnames));
    let told = [&enable_dns_support, &enable_dns_hostnames].into_iter().flatten().any(|v| v.value.is_some());
    told.then_some(())?;
    Some(i::VpcAttribute { vpc_id: x.vpc_id?, enable_dns_support, enable_dns_hostnames })
}

pub fn dhcp_options(x: t::DhcpOptions) -> Option<i::DhcpOptions> {
    Some(i::DhcpOptions {
        dhcp_options_id: x.dhcp_options_id?,
        owner_id: x.owner_id,
        dhcp_configurations: each(x.dhcp_configurations, |c| i::DhcpConfiguration { key: c.key, values: each(c.values, |v| i::DhcpValue { value: v.value }) }),
    })
}

pub fn subnet(x: t::Subnet) -> Option<i::Subnet> {
    Some(i::Subnet {
        subnet_id: x.subnet_id?,
        vpc_id: x.vpc_id?,
        cidr_block: x.cidr_block,
        availability_zone: x.availability_zone,
        availability_zone_id: x.availability_zone_id,
        owner_id: x.owner_id,
        state: wire(x.state),
        ipv6_native: x.ipv6_native,
        enable_dns64: x.enable_dns64,
        map_public_ip_on_launch: x.map_public_ip_on_launch,
        available_ip_address_count: x.available_ip_address_count,
        block_public_access_states: block_public_access(x.block_public_access_states),
        ipv6_cidr_block_association_set: each(x.ipv6_cidr_block_association_set, |a| i::Ipv6CidrAssociation {
            ipv6_cidr_block: a.ipv6_cidr_block,
            ipv6_cidr_block_state: a.ipv6_cidr_block_state.map(|s| i::CidrState { state: wire(s.state) }),
        }),
        tags: tags(x.tags),
    })
}

pub fn route_table(x: t::RouteTable) -> Option<i::RouteTable> {
    Some(i::RouteTable {
        route_table_id: x.route_table_id?,
        vpc_id: x.vpc_id,
        owner_id: x.owner_id,
        associations: each(x.associations, |a| i::RouteTableAssociation {
            main: a.main,
            subnet_id: a.subnet_id,
            gateway_id: a.gateway_id,
            association_state: a.association_state.map(|s| i::CidrState { state: wire(s.state) }),
        }),
        routes: each(x.routes, route),
        tags: tags(x.tags),
    })
}

fn route(x: t::Route) -> i::Route {
    i::Route {
        destination_cidr_block: x.destination_cidr_block,
        destination_ipv6_cidr_block: x.destination_ipv6_cidr_block,
        destination_prefix_list_id: x.destination_prefix_list_id,
        gateway_id: x.gateway_id,
        nat_gateway_id: x.nat_gateway_id,
        transit_gateway_id: x.transit_gateway_id,
        vpc_peering_connection_id: x.vpc_peering_connection_id,
        network_interface_id: x.network_interface_id,
        instance_id: x.instance_id,
        egress_only_internet_gateway_id: x.egress_only_internet_gateway_id,
        local_gateway_id: x.local_gateway_id,
        carrier_gateway_id: x.carrier_gateway_id,
        core_network_arn: x.core_network_arn,
        odb_network_arn: x.odb_network_arn,
        ip_address: x.ip_address,
        origin: wire(x.origin),
        state: wire(x.state),
    }
}

pub fn network_acl(x: t::NetworkAcl) -> Option<i::NetworkAcl> {
    Some(i::NetworkAcl {
        network_acl_id: x.network_acl_id?,
        vpc_id: x.vpc_id,
        owner_id: x.owner_id,
        is_default: x.is_default,
        associations: each(x.associations, |a| i::NetworkAclAssociation { subnet_id: a.subnet_id, network_acl_id: a.network_acl_id }),
        entries: each(x.entries, |e| i::NetworkAclEntry {
            cidr_block: e.cidr_block,
            ipv6_cidr_block: e.ipv6_cidr_block,
            egress: e.egress,
            protocol: e.protocol,
            rule_action: wire(e.rule_action),
            rule_number: e.rule_number,
            port_range: e.port_range.map(|p| i::PortRange { from: p.from, to: p.to }),
            icmp_type_code: e.icmp_type_code.map(|c| i::IcmpTypeCode { r#type: c.r#type, code: c.code }),
        }),
        tags: tags(x.tags),
    })
}

pub fn security_group(x: t::SecurityGroup) -> Option<i::SecurityGroup> {
    Some(i::SecurityGroup {
        group_id: x.group_id?,
        group_name: x.group_name,
        vpc_id: x.vpc_id,
        owner_id: x.owner_id,
        description: x.description,
        ip_permissions: each(x.ip_permissions, permission),
        ip_permissions_egress: each(x.ip_permissions_egress, permission),
        tags: tags(x.tags),
    })
}

fn permission(x: t::IpPermission) -> i::IpPermission {
    i::IpPermission {
        ip_protocol: x.ip_protocol,
        from_port: x.from_port,
        to_port: x.to_port,
        ip_ranges: each(x.ip_ranges, |r| i::IpRange { cidr_ip: r.cidr_ip }),
        ipv6_ranges: each(x.ipv6_ranges, |r| i::Ipv6Range { cidr_ipv6: r.cidr_ipv6 }),
        user_id_group_pairs: each(x.user_id_group_pairs, |p| i::UserIdGroupPair {
            group_id: p.group_id,
            group_name: p.group_name,
            user_id: p.user_id,
            vpc_id: p.vpc_id,
            vpc_peering_connection_id: p.vpc_peering_connection_id,
            peering_status: p.peering_status,
        }),
        prefix_list_ids: each(x.prefix_list_ids, |p| i::PrefixListId { prefix_list_id: p.prefix_list_id }),
    }
}

pub fn security_group_vpc_association(x: t::SecurityGroupVpcAssociation) -> i::SecurityGroupVpcAssociation {
    i::SecurityGroupVpcAssociation { group_id: x.group_id, vpc_id: x.vpc_id, vpc_owner_id: x.vpc_owner_id, state: wire(x.state) }
}

pub fn vpc_endpoint(x: t::VpcEndpoint) -> Option<i::VpcEndpoint> {
    Some(i::VpcEndpoint {
        vpc_endpoint_id: x.vpc_endpoint_id?,
        vpc_endpoint_type: wire(x.vpc_endpoint_type),
        vpc_id: x.vpc_id,
        service_name: x.service_name,
        service_region: x.service_region,
        state: wire(x.state),
        policy_document: x.policy_document.map(PolicyText),
        ip_address_type: wire(x.ip_address_type),
        dns_options: x.dns_options.map(|d| i::DnsOptions {
            dns_record_ip_type: wire(d.dns_record_ip_type),
            private_dns_only_for_inbound_resolver_endpoint: d.private_dns_only_for_inbound_resolver_endpoint,
            private_dns_preference: d.private_dns_preference,
        }),
        private_dns_enabled: x.private_dns_enabled,
        requester_managed: x.requester_managed,
        creation_timestamp: time(x.creation_timestamp),
        owner_id: x.owner_id,
        last_error: x.last_error.map(|e| i::LastError { message: e.message, code: e.code }),
        failure_reason: x.failure_reason,
        route_table_ids: x.route_table_ids.unwrap_or_default(),
        subnet_ids: x.subnet_ids.unwrap_or_default(),
        groups: each(x.groups, |g| i::GroupIdentifier { group_id: g.group_id, group_name: g.group_name }),
        network_interface_ids: x.network_interface_ids.unwrap_or_default(),
        dns_entries: each(x.dns_entries, |d| i::DnsEntry { dns_name: d.dns_name, hosted_zone_id: d.hosted_zone_id }),
        tags: tags(x.tags),
    })
}

pub fn service_detail(x: t::ServiceDetail) -> Option<i::ServiceDetail> {
    Some(i::ServiceDetail {
        service_name: x.service_name?,
        service_region: x.service_region,
        owner: x.owner,
        vpc_endpoint_policy_supported: x.vpc_endpoint_policy_supported,
        private_dns_name: x.private_dns_name,
        service_type: each(x.service_type, |s| i::ServiceType { service_type: wire(s.service_type) }),
        availability_zones: x.availability_zones.unwrap_or_default(),
        availability_zone_ids: x.availability_zone_ids.unwrap_or_default(),
        private_dns_names: each(x.private_dns_names, |n| i::PrivateDnsName { private_dns_name: n.private_dns_name }),
        supported_ip_address_types: each(x.supported_ip_address_types, |a| a.as_str().to_owned()),
    })
}

pub fn network_interface(x: t::NetworkInterface) -> Option<i::NetworkInterface> {
    let association = |a: t::NetworkInterfaceAssociation| i::Association { public_ip: a.public_ip, ip_owner_id: a.ip_owner_id };
    Some(i::NetworkInterface {
        network_interface_id: x.network_interface_id?,
        subnet_id: x.subnet_id,
        vpc_id: x.vpc_id,
        private_ip_address: x.private_ip_address,
        interface_type: wire(x.interface_type),
        description: x.description,
        status: wire(x.status),
        owner_id: x.owner_id,
        requester_managed: x.requester_managed,
        availability_zone: x.availability_zone,
        association: x.association.map(association),
        attachment: x.attachment.map(|a| i::Attachment { instance_id: a.instance_id, device_index: a.device_index, network_card_index: a.network_card_index, status: wire(a.status) }),
        groups: groups(x.groups),
        ipv6_addresses: each(x.ipv6_addresses, |a| i::Ipv6Address { ipv6_address: a.ipv6_address }),
        private_ip_addresses: each(x.private_ip_addresses, |a| i::PrivateIpAddress { private_ip_address: a.private_ip_address, primary: a.primary, association: a.association.map(association) }),
        tag_set: tags(x.tag_set),
    })
}

pub fn instance(x: t::Instance) -> Option<i::Instance> {
    Some(i::Instance {
        instance_id: x.instance_id?,
        state: x.state.map(|s| i::InstanceState { name: wire(s.name), code: s.code }),
        subnet_id: x.subnet_id,
        vpc_id: x.vpc_id,
        private_ip_address: x.private_ip_address,
        public_ip_address: x.public_ip_address,
        launch_time: time(x.launch_time),
        iam_instance_profile: x.iam_instance_profile.map(|p| i::InstanceProfileRef { arn: p.arn, id: p.id }),
        platform: wire(x.platform),
        platform_details: x.platform_details,
        network_interfaces: each(x.network_interfaces, instance_interface),
        security_groups: groups(x.security_groups),
        tags: tags(x.tags),
    })
}

fn instance_interface(x: t::InstanceNetworkInterface) -> i::InstanceNetworkInterface {
    let association = |a: t::InstanceNetworkInterfaceAssociation| i::Association { public_ip: a.public_ip, ip_owner_id: a.ip_owner_id };
    i::InstanceNetworkInterface {
        network_interface_id: x.network_interface_id,
        subnet_id: x.subnet_id,
        vpc_id: x.vpc_id,
        private_ip_address: x.private_ip_address,
        association: x.association.map(association),
        attachment: x.attachment.map(|a| i::Attachment { instance_id: None, device_index: a.device_index, network_card_index: a.network_card_index, status: wire(a.status) }),
        groups: groups(x.groups),
        ipv6_addresses: each(x.ipv6_addresses, |a| i::Ipv6Address { ipv6_address: a.ipv6_address }),
        private_ip_addresses: each(x.private_ip_addresses, |a| i::PrivateIpAddress { private_ip_address: a.private_ip_address, primary: a.primary, association: a.association.map(association) }),
    }
}

pub fn nat_gateway(x: t::NatGateway) -> Option<i::NatGateway> {
    Some(i::NatGateway {
        nat_gateway_id: x.nat_gateway_id?,
        vpc_id: x.vpc_id,
        subnet_id: x.subnet_id,
        state: wire(x.state),
        connectivity_type: wire(x.connectivity_type),
        availability_mode: wire(x.availability_mode),
        failure_message: x.failure_message,
        nat_gateway_addresses: each(x.nat_gateway_addresses, |a| i::NatGatewayAddress { network_interface_id: a.network_interface_id, private_ip: a.private_ip, public_ip: a.public_ip }),
        tags: tags(x.tags),
    })
}

fn gateway_attachments(attachments: Option<Vec<t::InternetGatewayAttachment>>) -> Vec<i::InternetGatewayAttachment> {
    each(attachments, |a| i::InternetGatewayAttachment { vpc_id: a.vpc_id, state: wire(a.state) })
}

pub fn internet_gateway(x: t::InternetGateway) -> Option<i::InternetGateway> {
    Some(i::InternetGateway { internet_gateway_id: x.internet_gateway_id?, owner_id: x.owner_id, attachments: gateway_attachments(x.attachments), tags: tags(x.tags) })
}

pub fn egress_only_internet_gateway(x: t::EgressOnlyInternetGateway) -> Option<i::EgressOnlyInternetGateway> {
    Some(i::EgressOnlyInternetGateway { egress_only_internet_gateway_id: x.egress_only_internet_gateway_id?, attachments: gateway_attachments(x.attachments), tags: tags(x.tags) })
}

pub fn managed_prefix_list(x: t::ManagedPrefixList) -> Option<i::ManagedPrefixList> {
    Some(i::ManagedPrefixList { prefix_list_id: x.prefix_list_id?, prefix_list_name: x.prefix_list_name, address_family: x.address_family, owner_id: x.owner_id, state: wire(x.state) })
}

pub fn prefix_list_entry(x: t::PrefixListEntry) -> i::PrefixListEntry {
    i::PrefixListEntry { cidr: x.cidr }
}

pub fn prefix_list(x: t::PrefixList) -> Option<i::PrefixList> {
    Some(i::PrefixList { prefix_list_id: x.prefix_list_id?, prefix_list_name: x.prefix_list_name, cidrs: x.cidrs.unwrap_or_default() })
}

pub fn peering(x: t::VpcPeeringConnection) -> Option<i::VpcPeeringConnection> {
    let side = |v: t::VpcPeeringConnectionVpcInfo| i::PeeringVpc {
        vpc_id: v.vpc_id,
        owner_id: v.owner_id,
        region: v.region,
        cidr_block: v.cidr_block,
        cidr_block_set: each(v.cidr_block_set, |c| i::CidrAssociation { cidr_block: c.cidr_block, cidr_block_state: None }),
        ipv6_cidr_block_set: each(v.ipv6_cidr_block_set, |c| i::Ipv6CidrAssociation { ipv6_cidr_block: c.ipv6_cidr_block, ipv6_cidr_block_state: None }),
    };
    Some(i::VpcPeeringConnection {
        vpc_peering_connection_id: x.vpc_peering_connection_id?,
        status: x.status.map(|s| i::PeeringStatus { code: wire(s.code) }),
        requester_vpc_info: x.requester_vpc_info.map(side),
        accepter_vpc_info: x.accepter_vpc_info.map(side),
    })
}

pub fn transit_gateway_vpc_attachment(x: t::TransitGatewayVpcAttachment) -> Option<i::TransitGatewayVpcAttachment> {
    Some(i::TransitGatewayVpcAttachment {
        transit_gateway_attachment_id: x.transit_gateway_attachment_id?,
        transit_gateway_id: x.transit_gateway_id,
        vpc_id: x.vpc_id,
        vpc_owner_id: x.vpc_owner_id,
        state: wire(x.state),
        options: x
            .options
            .map(|o| i::TransitGatewayVpcAttachmentOptions { security_group_referencing_support: wire(o.security_group_referencing_support), appliance_mode_support: wire(o.appliance_mode_support) }),
        subnet_ids: x.subnet_ids.unwrap_or_default(),
    })
}

pub fn transit_gateway_attachment(x: t::TransitGatewayAttachment) -> Option<i::TransitGatewayAttachment> {
    Some(i::TransitGatewayAttachment {
        transit_gateway_attachment_id: x.transit_gateway_attachment_id?,
        transit_gateway_id: x.transit_gateway_id,
        resource_type: wire(x.resource_type),
        resource_id: x.resource_id,
        resource_owner_id: x.resource_owner_id,
        state: wire(x.state),
        association: x.association.map(|a| i::TransitGatewayAssociation { transit_gateway_route_table_id: a.transit_gateway_route_table_id, state: wire(a.state) }),
    })
}

pub fn transit_gateway_table_association(x: t::TransitGatewayRouteTableAssociation) -> i::TransitGatewayTableAssociation {
    i::TransitGatewayTableAssociation { transit_gateway_attachment_id: x.transit_gateway_attachment_id, resource_id: x.resource_id, resource_type: wire(x.resource_type), state: wire(x.state) }
}

pub fn transit_gateway_route(x: t::TransitGatewayRoute) -> i::TransitGatewayRoute {
    i::TransitGatewayRoute {
        destination_cidr_block: x.destination_cidr_block,
        prefix_list_id: x.prefix_list_id,
        r#type: wire(x.r#type),
        state: wire(x.state),
        transit_gateway_attachments: each(x.transit_gateway_attachments, |a| i::TransitGatewayRouteAttachment {
            transit_gateway_attachment_id: a.transit_gateway_attachment_id,
            resource_id: a.resource_id,
            resource_type: wire(a.resource_type),
        }),
    }
}

pub fn block_public_access_options(x: t::VpcBlockPublicAccessOptions) -> i::BlockPublicAccessOptions {
    i::BlockPublicAccessOptions { state: wire(x.state), internet_gateway_block_mode: wire(x.internet_gateway_block_mode), exclusions_allowed: wire(x.exclusions_allowed) }
}

pub fn block_public_access_exclusion(x: t::VpcBlockPublicAccessExclusion) -> Option<i::BlockPublicAccessExclusion> {
    Some(i::BlockPublicAccessExclusion { exclusion_id: x.exclusion_id?, internet_gateway_exclusion_mode: wire(x.internet_gateway_exclusion_mode), resource_arn: x.resource_arn, state: wire(x.state) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_that_are_read_are_kept() {
        let tag = |key: &str, value: &str| t::Tag::builder().key(key).value(value).build();
        let kept = tags(Some(vec![tag("Name", "web"), tag("db-password", "hunter2"), tag("aws:autoscaling:groupName", "asg"), t::Tag::builder().value("x").build()]));
        assert_eq!(kept.iter().map(|k| k.key.as_str()).collect::<Vec<_>>(), ["Name", "aws:autoscaling:groupName"]);
    }
}
