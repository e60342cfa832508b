//! What `aws ec2 describe-*` prints, as far as the audit models it.

use super::shape::{PolicyText, Time, shapes, time};

shapes! { "PascalCase";
    /// A tag.
    Tag { id: key; opt: value: String; list: ; }
    /// A VPC, from DescribeVpcs.
    Vpc { id: vpc_id; opt: cidr_block: String, dhcp_options_id: String, owner_id: String, state: String, is_default: bool, block_public_access_states: BlockPublicAccessStates;
        list: cidr_block_association_set: CidrAssociation, ipv6_cidr_block_association_set: Ipv6CidrAssociation, tags: Tag; }
    /// What Block Public Access does here, as VPCs and subnets tell it.
    BlockPublicAccessStates { id: ; opt: internet_gateway_block_mode: String; list: ; }
    /// An IPv4 range of a VPC.
    CidrAssociation { id: ; opt: cidr_block: String, cidr_block_state: CidrState; list: ; }
    /// An IPv6 range of a VPC or subnet.
    Ipv6CidrAssociation { id: ; opt: ipv6_cidr_block: String, ipv6_cidr_block_state: CidrState; list: ; }
    /// State of a range.
    CidrState { id: ; opt: state: String; list: ; }
    /// Both DNS attributes of a VPC, merged from one DescribeVpcAttribute answer each; `None`: not seen.
    VpcAttribute { id: vpc_id; opt: enable_dns_support: AttributeValue, enable_dns_hostnames: AttributeValue; list: ; }
    /// A boolean attribute.
    AttributeValue { id: ; opt: value: bool; list: ; }
    /// A set of DHCP options.
    DhcpOptions { id: dhcp_options_id; opt: owner_id: String; list: dhcp_configurations: DhcpConfiguration; }
    /// One DHCP option.
    DhcpConfiguration { id: ; opt: key: String; list: values: DhcpValue; }
    /// A value of a DHCP option.
    DhcpValue { id: ; opt: value: String; list: ; }
    /// A subnet.
    Subnet { id: subnet_id, vpc_id; opt: cidr_block: String, availability_zone: String, availability_zone_id: String, owner_id: String, state: String, ipv6_native: bool, enable_dns64: bool,
        map_public_ip_on_launch: bool, available_ip_address_count: i32, block_public_access_states: BlockPublicAccessStates;
        list: ipv6_cidr_block_association_set: Ipv6CidrAssociation, tags: Tag; }
    /// A route table.
    RouteTable { id: route_table_id; opt: vpc_id: String, owner_id: String; list: associations: RouteTableAssociation, routes: Route, tags: Tag; }
    /// Which subnet (or, as main table, which VPC) uses a route table.
    RouteTableAssociation { id: ; opt: main: bool, subnet_id: String, gateway_id: String, association_state: CidrState; list: ; }
    /// A route.
    Route { id: ; opt: destination_cidr_block: String, destination_ipv6_cidr_block: String, destination_prefix_list_id: String, gateway_id: String, nat_gateway_id: String, transit_gateway_id: String,
        vpc_peering_connection_id: String, network_interface_id: String, instance_id: String, egress_only_internet_gateway_id: String, local_gateway_id: String, carrier_gateway_id: String,
        core_network_arn: String, odb_network_arn: String, ip_address: String, origin: String, state: String; list: ; }
    /// A network ACL.
    NetworkAcl { id: network_acl_id; opt: vpc_id: String, owner_id: String, is_default: bool; list: associations: NetworkAclAssociation, entries: NetworkAclEntry, tags: Tag; }
    /// Which subnet uses a network ACL.
    NetworkAclAssociation { id: ; opt: subnet_id: String, network_acl_id: String; list: ; }
    /// One numbered entry of a network ACL.
    NetworkAclEntry { id: ; opt: cidr_block: String, ipv6_cidr_block: String, egress: bool, protocol: String, rule_action: String, rule_number: i32, port_range: PortRange, icmp_type_code: IcmpTypeCode; list: ; }
    /// First and last port of an ACL entry.
    PortRange { id: ; opt: from: i32, to: i32; list: ; }
    /// ICMP type and code of an ACL entry.
    IcmpTypeCode { id: ; opt: r#type: i32, code: i32; list: ; }
    /// A security group.
    SecurityGroup { id: group_id; opt: group_name: String, vpc_id: String, owner_id: String, description: String; list: ip_permissions: IpPermission, ip_permissions_egress: IpPermission, tags: Tag; }
    /// One permission of a security group.
    IpPermission { id: ; opt: ip_protocol: String, from_port: i32, to_port: i32; list: ip_ranges: IpRange, ipv6_ranges: Ipv6Range, user_id_group_pairs: UserIdGroupPair, prefix_list_ids: PrefixListId; }
    /// An IPv4 peer range.
    IpRange { id: ; opt: cidr_ip: String; list: ; }
    /// An IPv6 peer range.
    Ipv6Range { id: ; opt: cidr_ipv6: String; list: ; }
    /// A peer security group.
    UserIdGroupPair { id: ; opt: group_id: String, group_name: String, user_id: String, vpc_id: String, vpc_peering_connection_id: String, peering_status: String; list: ; }
    /// A peer prefix list.
    PrefixListId { id: ; opt: prefix_list_id: String; list: ; }
    /// A VPC endpoint.
    VpcEndpoint { id: vpc_endpoint_id; opt: vpc_endpoint_type: String, vpc_id: String, service_name: String, service_region: String, state: String, policy_document: PolicyText, ip_address_type: String,
        dns_options: DnsOptions, private_dns_enabled: bool, requester_managed: bool, #[serde(deserialize_with = "time")] creation_timestamp: Time, owner_id: String, last_error: LastError, failure_reason: String;
        list: route_table_ids: String, subnet_ids: String, groups: GroupIdentifier, network_interface_ids: String, dns_entries: DnsEntry, tags: Tag; }
    /// DNS options of an endpoint.
    DnsOptions { id: ; opt: dns_record_ip_type: String, private_dns_only_for_inbound_resolver_endpoint: bool, private_dns_preference: String; list: ; }
    /// Why an endpoint failed.
    LastError { id: ; opt: message: String, code: String; list: ; }
    /// A group on an interface.
    GroupIdentifier { id: ; opt: group_id: String, group_name: String; list: ; }
    /// A name that an endpoint answers to.
    DnsEntry { id: ; opt: dns_name: String, hosted_zone_id: String; list: ; }
    /// A service that endpoints can be made for.
    ServiceDetail { id: service_name; opt: service_region: String, owner: String, vpc_endpoint_policy_supported: bool, private_dns_name: String;
        list: service_type: ServiceType, availability_zones: String, availability_zone_ids: String, private_dns_names: PrivateDnsName, supported_ip_address_types: String; }
    /// Interface or Gateway.
    ServiceType { id: ; opt: service_type: String; list: ; }
    /// A private name that an endpoint of a service takes over.
    PrivateDnsName { id: ; opt: private_dns_name: String; list: ; }
    /// A network interface.
    NetworkInterface { id: network_interface_id; opt: subnet_id: String, vpc_id: String, private_ip_address: String, interface_type: String, description: String, status: String, owner_id: String,
        requester_managed: bool, availability_zone: String, association: Association, attachment: Attachment;
        list: groups: GroupIdentifier, ipv6_addresses: Ipv6Address, private_ip_addresses: PrivateIpAddress, tag_set: Tag; }
    /// The public address of an interface.
    Association { id: ; opt: public_ip: String, ip_owner_id: String; list: ; }
    /// What an interface is attached to.
    Attachment { id: ; opt: instance_id: String, device_index: i32, network_card_index: i32, status: String; list: ; }
    /// An IPv6 address of an interface.
    Ipv6Address { id: ; opt: ipv6_address: String; list: ; }
    /// A private IPv4 address of an interface.
    PrivateIpAddress { id: ; opt: private_ip_address: String, primary: bool, association: Association; list: ; }
    /// One launch of instances.
    Reservation { id: ; opt: owner_id: String; list: instances: Instance; }
    /// An EC2 instance.
    Instance { id: instance_id; opt: state: InstanceState, subnet_id: String, vpc_id: String, private_ip_address: String, public_ip_address: String, #[serde(deserialize_with = "time")] launch_time: Time, iam_instance_profile: InstanceProfileRef,
        platform: String, platform_details: String; list: network_interfaces: InstanceNetworkInterface, security_groups: GroupIdentifier, tags: Tag; }
    /// State of an instance.
    InstanceState { id: ; opt: name: String, code: i32; list: ; }
    /// The instance profile of an instance.
    InstanceProfileRef { id: ; opt: arn: String, id: String; list: ; }
    /// An interface as DescribeInstances shows it.
    InstanceNetworkInterface { id: ; opt: network_interface_id: String, subnet_id: String, vpc_id: String, private_ip_address: String, association: Association, attachment: Attachment;
        list: groups: GroupIdentifier, ipv6_addresses: Ipv6Address, private_ip_addresses: PrivateIpAddress; }
    /// A NAT gateway.
    NatGateway { id: nat_gateway_id; opt: vpc_id: String, subnet_id: String, state: String, connectivity_type: String, availability_mode: String, failure_message: String;
        list: nat_gateway_addresses: NatGatewayAddress, tags: Tag; }
    /// An address of a NAT gateway.
    NatGatewayAddress { id: ; opt: network_interface_id: String, private_ip: String, public_ip: String; list: ; }
    /// An internet gateway.
    InternetGateway { id: internet_gateway_id; opt: owner_id: String; list: attachments: InternetGatewayAttachment, tags: Tag; }
    /// Where an internet gateway is attached.
    InternetGatewayAttachment { id: ; opt: vpc_id: String, state: String; list: ; }
    /// An egress-only internet gateway.
    EgressOnlyInternetGateway { id: egress_only_internet_gateway_id; opt: ; list: attachments: InternetGatewayAttachment, tags: Tag; }
    /// A managed prefix list.
    ManagedPrefixList { id: prefix_list_id; opt: prefix_list_name: String, address_family: String, owner_id: String, state: String; list: ; }
    /// The entries of a managed prefix list.
    PrefixListEntries { id: ; opt: ; list: entries: PrefixListEntry; }
    /// One entry of a managed prefix list.
    PrefixListEntry { id: ; opt: cidr: String; list: ; }
    /// A prefix list of an AWS service, with its ranges.
    PrefixList { id: prefix_list_id; opt: prefix_list_name: String; list: cidrs: String; }
    /// A peering connection.
    VpcPeeringConnection { id: vpc_peering_connection_id; opt: status: PeeringStatus, requester_vpc_info: PeeringVpc, accepter_vpc_info: PeeringVpc; list: ; }
    /// Status of a peering connection.
    PeeringStatus { id: ; opt: code: String; list: ; }
    /// One side of a peering connection.
    PeeringVpc { id: ; opt: vpc_id: String, owner_id: String, region: String, cidr_block: String; list: cidr_block_set: CidrAssociation, ipv6_cidr_block_set: Ipv6CidrAssociation; }
    /// A VPC attachment of a transit gateway.
    TransitGatewayVpcAttachment { id: transit_gateway_attachment_id; opt: transit_gateway_id: String, vpc_id: String, vpc_owner_id: String, state: String, options: TransitGatewayVpcAttachmentOptions; list: subnet_ids: String; }
    /// What a VPC attachment carries beside addresses.
    TransitGatewayVpcAttachmentOptions { id: ; opt: security_group_referencing_support: String, appliance_mode_support: String; list: ; }
    /// Any attachment of a transit gateway, with the route table that it is associated with.
    TransitGatewayAttachment { id: transit_gateway_attachment_id; opt: transit_gateway_id: String, resource_type: String, resource_id: String, resource_owner_id: String, state: String,
        association: TransitGatewayAssociation; list: ; }
    /// The transit gateway route table of an attachment.
    TransitGatewayAssociation { id: ; opt: transit_gateway_route_table_id: String, state: String; list: ; }
    /// The routes of one transit gateway route table.
    TransitGatewayRoutes { id: ; opt: additional_routes_available: bool; list: routes: TransitGatewayRoute; }
    /// A route of a transit gateway.
    TransitGatewayRoute { id: ; opt: destination_cidr_block: String, prefix_list_id: String, r#type: String, state: String; list: transit_gateway_attachments: TransitGatewayRouteAttachment; }
    /// Where a route of a transit gateway leads.
    TransitGatewayRouteAttachment { id: ; opt: transit_gateway_attachment_id: String, resource_id: String, resource_type: String; list: ; }
    /// The associations of one transit gateway route table.
    TransitGatewayAssociations { id: ; opt: ; list: associations: TransitGatewayTableAssociation; }
    /// One association of a transit gateway route table.
    TransitGatewayTableAssociation { id: ; opt: transit_gateway_attachment_id: String, resource_id: String, resource_type: String, state: String; list: ; }
    /// Block Public Access of the account in the region.
    BlockPublicAccessOptions { id: ; opt: state: String, internet_gateway_block_mode: String, exclusions_allowed: String; list: ; }
    /// An exclusion from Block Public Access.
    BlockPublicAccessExclusion { id: exclusion_id; opt: internet_gateway_exclusion_mode: String, resource_arn: String, state: String; list: ; }
    /// A security group that is used in another VPC.
    SecurityGroupVpcAssociation { id: ; opt: group_id: String, vpc_id: String, vpc_owner_id: String, state: String; list: ; }
}

/// The keys of the tags that the audit reads: what objects are called, which Auto Scaling group an instance is of and which
/// cluster it is for, whether GuardDuty leaves a cluster alone. A collector keeps no other; tags may hold anything.
pub const TAGS_READ: [&str; 5] = ["Name", "aws:autoscaling:groupName", "aws:ecs:clusterName", ECS_MANAGED, "GuardDutyManaged"];
/// The tag of an Auto Scaling group that an ECS capacity provider manages, and of its instances. It says all by being there:
/// a collector keeps no value of it.
pub const ECS_MANAGED: &str = "AmazonECSManaged";

/// The `Name` tag, if there is one.
#[must_use]
pub fn name_of(tags: &[Tag]) -> Option<&str> {
    tags.iter().find(|t| t.key == "Name").and_then(|t| t.value.as_deref()).filter(|v| !v.is_empty())
}
