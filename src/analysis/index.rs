//! Look-ups by id over one region's inventory, built once.

use std::collections::{BTreeMap, HashMap};

use crate::inventory::{Region, ec2, ecs};

/// References into a [`Region`] by id.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is what it says, by id")]
pub struct Index<'a> {
    pub region: &'a Region,
    pub vpcs: HashMap<&'a str, &'a ec2::Vpc>,
    pub vpc_attributes: HashMap<&'a str, &'a ec2::VpcAttribute>,
    pub dhcp_options: HashMap<&'a str, &'a ec2::DhcpOptions>,
    pub subnets: HashMap<&'a str, &'a ec2::Subnet>,
    pub route_tables: HashMap<&'a str, &'a ec2::RouteTable>,
    /// Explicit associations, by subnet.
    pub table_of_subnet: HashMap<&'a str, &'a ec2::RouteTable>,
    /// Main tables, by VPC.
    pub main_table_of_vpc: HashMap<&'a str, &'a ec2::RouteTable>,
    pub network_acls: HashMap<&'a str, &'a ec2::NetworkAcl>,
    /// By subnet.
    pub acl_of_subnet: HashMap<&'a str, &'a ec2::NetworkAcl>,
    pub security_groups: HashMap<&'a str, &'a ec2::SecurityGroup>,
    /// The group named `default`, by VPC.
    pub default_group_of_vpc: HashMap<&'a str, &'a ec2::SecurityGroup>,
    pub endpoints: BTreeMap<&'a str, &'a ec2::VpcEndpoint>,
    /// Endpoints by VPC, in order of id.
    pub endpoints_of_vpc: BTreeMap<&'a str, Vec<&'a ec2::VpcEndpoint>>,
    pub interfaces: HashMap<&'a str, &'a ec2::NetworkInterface>,
    pub instances: HashMap<&'a str, &'a ec2::Instance>,
    pub nat_gateways: HashMap<&'a str, &'a ec2::NatGateway>,
    pub internet_gateways: HashMap<&'a str, &'a ec2::InternetGateway>,
    pub egress_only_gateways: HashMap<&'a str, &'a ec2::EgressOnlyInternetGateway>,
    pub peerings: HashMap<&'a str, &'a ec2::VpcPeeringConnection>,
    pub service_details: HashMap<&'a str, &'a ec2::ServiceDetail>,
    pub clusters: HashMap<&'a str, &'a ecs::Cluster>,
    pub container_instances: HashMap<&'a str, &'a ecs::ContainerInstance>,
    pub services: HashMap<&'a str, &'a ecs::Service>,
    pub capacity_providers: HashMap<&'a str, &'a ecs::CapacityProvider>,
    /// Managed prefix lists that AWS owns for gateway services, by service short name (`s3`, `dynamodb`).
    pub service_prefix_lists: BTreeMap<String, &'a str>,
}

impl<'a> Index<'a> {
    /// Builds all look-ups; cost is linear in the inventory.
    #[must_use]
    pub fn new(region: &'a Region) -> Self {
        fn by<'a, T>(items: &'a [T], id: impl Fn(&'a T) -> &'a str) -> HashMap<&'a str, &'a T> {
            items.iter().map(|item| (id(item), item)).collect()
        }
        let mut endpoints_of_vpc: BTreeMap<&str, Vec<&ec2::VpcEndpoint>> = BTreeMap::new();
        let endpoints: BTreeMap<&str, &ec2::VpcEndpoint> = region.vpc_endpoints.iter().map(|e| (e.vpc_endpoint_id.as_str(), e)).collect();
        for endpoint in endpoints.values() {
            endpoints_of_vpc.entry(endpoint.vpc_id.as_deref().unwrap_or_default()).or_default().push(endpoint);
        }
        let mut table_of_subnet = HashMap::new();
        let mut main_table_of_vpc = HashMap::new();
        for table in &region.route_tables {
            for association in &table.associations {
                if association.association_state.as_ref().and_then(|s| s.state.as_deref()).is_some_and(|s| s.eq_ignore_ascii_case("disassociated") || s.eq_ignore_ascii_case("failed")) {
                    continue;
                }
                if let Some(subnet) = &association.subnet_id {
                    table_of_subnet.insert(subnet.as_str(), table);
                } else if association.main == Some(true)
                    && let Some(vpc) = &table.vpc_id
                {
                    main_table_of_vpc.insert(vpc.as_str(), table);
                }
            }
        }
        let acl_of_subnet = region.network_acls.iter().flat_map(|acl| acl.associations.iter().filter_map(move |a| Some((a.subnet_id.as_deref()?, acl)))).collect();
        let service_prefix_lists = region
            .prefix_lists
            .iter()
            .map(|p| (p.prefix_list_name.as_deref().unwrap_or_default(), p.prefix_list_id.as_str()))
            .chain(region.managed_prefix_lists.iter().map(|p| (p.prefix_list_name.as_deref().unwrap_or_default(), p.prefix_list_id.as_str())))
            .filter_map(|(name, id)| Some((name.split_once(&format!(".{}.", region.region)).filter(|(p, _)| p.ends_with("amazonaws"))?.1.to_owned(), id)))
            .collect();
        Self {
            region,
            vpcs: by(&region.vpcs, |x| &x.vpc_id),
            vpc_attributes: by(&region.vpc_attributes, |x| &x.vpc_id),
            dhcp_options: by(&region.dhcp_options, |x| &x.dhcp_options_id),
            subnets: by(&region.subnets, |x| &x.subnet_id),
            route_tables: by(&region.route_tables, |x| &x.route_table_id),
            table_of_subnet,
            main_table_of_vpc,
            network_acls: by(&region.network_acls, |x| &x.network_acl_id),
            acl_of_subnet,
            security_groups: by(&region.security_groups, |x| &x.group_id),
            default_group_of_vpc: region.security_groups.iter().filter(|g| g.group_name.as_deref() == Some("default")).filter_map(|g| Some((g.vpc_id.as_deref()?, g))).collect(),
            endpoints,
            endpoints_of_vpc,
            interfaces: by(&region.network_interfaces, |x| &x.network_interface_id),
            instances: by(&region.instances, |x| &x.instance_id),
            nat_gateways: by(&region.nat_gateways, |x| &x.nat_gateway_id),
            internet_gateways: by(&region.internet_gateways, |x| &x.internet_gateway_id),
            egress_only_gateways: by(&region.egress_only_internet_gateways, |x| &x.egress_only_internet_gateway_id),
            peerings: by(&region.vpc_peering_connections, |x| &x.vpc_peering_connection_id),
            service_details: by(&region.service_details, |x| &x.service_name),
            clusters: by(&region.clusters, |x| &x.cluster_arn),
            container_instances: by(&region.container_instances, |x| &x.container_instance_arn),
            services: by(&region.services, |x| &x.service_arn),
            capacity_providers: region.capacity_providers.iter().flat_map(|x| [(x.capacity_provider_arn.as_str(), x)].into_iter().chain(x.name.as_deref().map(|n| (n, x)))).collect(),
            service_prefix_lists,
        }
    }

    /// An ARN in this account, region and partition: `arn:aws:ec2:us-east-2:111122223333:vpc/vpc-…`.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.region.partition, self.region.region, self.region.account)
    }
}
