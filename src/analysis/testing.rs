//! Small inventories for tests: one VPC with two isolated subnets in which everything is seen and open, to which clusters,
//! instances, task definitions, services, tasks and endpoints are added. Fields of [`Scene::region`] can be changed at will.

#![allow(dead_code, clippy::allow_attributes, reason = "a builder that every module may use parts of")]

use std::collections::BTreeMap;

use crate::actions::Action;
use crate::analysis::services;
use crate::analysis::{Need, Options, Placement, View};
use crate::inventory::{Answer, Region, Status, ec2, ecs, iam};

pub(crate) const REGION: &str = "us-east-2";
pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const VPC: &str = "vpc-1";
/// 10.0.0.0/24 in us-east-2a.
pub(crate) const SUBNET_A: &str = "subnet-a";
/// 10.0.1.0/24 in us-east-2b.
pub(crate) const SUBNET_B: &str = "subnet-b";

/// An inventory under construction.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub region: Region,
    pub options: Options,
    /// Last byte of the next address in each subnet.
    next: u8,
}

/// `Some` of a text.
pub(crate) fn text(value: impl Into<String>) -> Option<String> {
    Some(value.into())
}

/// A name and a value as ECS has them.
pub(crate) fn pair(name: &str, value: &str) -> ecs::NameValue {
    ecs::NameValue { name: text(name), value: text(value) }
}

fn group(id: &str) -> ec2::GroupIdentifier {
    ec2::GroupIdentifier { group_id: text(id), group_name: None }
}

/// An ARN of the scene's account and region.
pub(crate) fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// A container with an image of the scene's own registry.
pub(crate) fn container(name: &str) -> ecs::ContainerDefinition {
    ecs::ContainerDefinition { name: text(name), image: text(format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}:1")), ..Default::default() }
}

/// A log configuration.
pub(crate) fn log(driver: &str, options: &[(&str, &str)]) -> ecs::LogConfiguration {
    ecs::LogConfiguration { log_driver: text(driver), options: Some(options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>()), secret_options: Vec::new() }
}

/// A secret by reference.
pub(crate) fn secret(value_from: &str) -> ecs::Secret {
    ecs::Secret { name: text("NAME"), value_from: text(value_from) }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// One VPC, two isolated subnets, an open group for instances (`sg-instances`), tasks (`sg-tasks`) and endpoints
    /// (`sg-endpoints`), every action complete.
    pub fn new() -> Self {
        let mut region = Region { partition: "aws".into(), account: ACCOUNT.into(), region: REGION.into(), ..Region::default() };
        for action in Action::ALL {
            region.completeness.record(*action, Status::complete());
        }
        region.vpcs.push(ec2::Vpc {
            vpc_id: VPC.into(),
            cidr_block: text("10.0.0.0/16"),
            dhcp_options_id: text("dopt-1"),
            owner_id: text(ACCOUNT),
            state: text("available"),
            cidr_block_association_set: vec![ec2::CidrAssociation { cidr_block: text("10.0.0.0/16"), cidr_block_state: Some(ec2::CidrState { state: text("associated") }) }],
            ..Default::default()
        });
        region.hosted_zones.insert(VPC.into(), Answer::Output(Default::default()));
        region.prefix_lists.push(ec2::PrefixList { prefix_list_id: "pl-s3".into(), prefix_list_name: text(format!("com.amazonaws.{REGION}.s3")), cidrs: vec!["52.219.0.0/16".into()] });
        let yes = Some(ec2::AttributeValue { value: Some(true) });
        region.vpc_attributes.push(ec2::VpcAttribute { vpc_id: VPC.into(), enable_dns_support: yes.clone(), enable_dns_hostnames: yes });
        region.dhcp_options.push(ec2::DhcpOptions {
            dhcp_options_id: "dopt-1".into(),
            owner_id: text(ACCOUNT),
            dhcp_configurations: vec![ec2::DhcpConfiguration { key: text("domain-name-servers"), values: vec![ec2::DhcpValue { value: text("AmazonProvidedDNS") }] }],
        });
        for (id, cidr, zone) in [(SUBNET_A, "10.0.0.0/24", "us-east-2a"), (SUBNET_B, "10.0.1.0/24", "us-east-2b")] {
            region.subnets.push(ec2::Subnet {
                subnet_id: id.into(),
                vpc_id: VPC.into(),
                cidr_block: text(cidr),
                availability_zone: text(zone),
                owner_id: text(ACCOUNT),
                state: text("available"),
                map_public_ip_on_launch: Some(false),
                ..Default::default()
            });
        }
        region.route_tables.push(ec2::RouteTable {
            route_table_id: "rtb-main".into(),
            vpc_id: text(VPC),
            owner_id: text(ACCOUNT),
            associations: vec![ec2::RouteTableAssociation { main: Some(true), association_state: Some(ec2::CidrState { state: text("associated") }), ..Default::default() }],
            routes: vec![ec2::Route { destination_cidr_block: text("10.0.0.0/16"), gateway_id: text("local"), state: text("active"), origin: text("CreateRouteTable"), ..Default::default() }],
            ..Default::default()
        });
        let entry = |egress: bool, number: i32, action: &str| ec2::NetworkAclEntry {
            cidr_block: text("0.0.0.0/0"),
            egress: Some(egress),
            protocol: text("-1"),
            rule_action: text(action),
            rule_number: Some(number),
            ..Default::default()
        };
        region.network_acls.push(ec2::NetworkAcl {
            network_acl_id: "acl-1".into(),
            vpc_id: text(VPC),
            owner_id: text(ACCOUNT),
            is_default: Some(true),
            associations: [SUBNET_A, SUBNET_B].iter().map(|s| ec2::NetworkAclAssociation { subnet_id: text(*s), network_acl_id: text("acl-1") }).collect(),
            entries: vec![entry(true, 100, "allow"), entry(true, 32767, "deny"), entry(false, 100, "allow"), entry(false, 32767, "deny")],
            ..Default::default()
        });
        for (id, name) in [("sg-default", "default"), ("sg-instances", "instances"), ("sg-tasks", "tasks"), ("sg-endpoints", "endpoints")] {
            let all = ec2::IpPermission { ip_protocol: text("-1"), ip_ranges: vec![ec2::IpRange { cidr_ip: text("0.0.0.0/0") }], ..Default::default() };
            region.security_groups.push(ec2::SecurityGroup {
                group_id: id.into(),
                group_name: text(name),
                vpc_id: text(VPC),
                owner_id: text(ACCOUNT),
                ip_permissions: vec![all.clone()],
                ip_permissions_egress: vec![all],
                ..Default::default()
            });
        }
        for role in ["instance", "execution", "task"] {
            let arn = text(format!("arn:aws:iam::{ACCOUNT}:role/{role}"));
            region.roles.insert(role.into(), Answer::Output(iam::Role { role_name: role.into(), arn: arn.clone(), ..Default::default() }));
            region.attached_role_policies.insert(role.into(), Answer::Output(Default::default()));
            region.role_policy_names.insert(role.into(), Answer::Output(Default::default()));
            if role == "instance" {
                let profile = iam::InstanceProfile { roles: vec![iam::Role { role_name: role.into(), arn, ..Default::default() }], ..Default::default() };
                region.instance_profiles.insert("ecsInstanceRole".into(), Answer::Output(profile));
            }
        }
        Self { region, options: Options::default(), next: 10 }
    }

    /// The action was not collected.
    pub fn lacking(mut self, action: Action) -> Self {
        self.region.completeness.0.remove(&action);
        self
    }

    /// An address in a subnet.
    fn address(&mut self, subnet: &str) -> String {
        self.next = self.next.wrapping_add(1);
        format!("10.0.{}.{}", u8::from(subnet == SUBNET_B), self.next)
    }

    /// A cluster; its ARN.
    pub fn cluster(&mut self, name: &str) -> String {
        let cluster_arn = arn("ecs", &format!("cluster/{name}"));
        if !self.region.clusters.iter().any(|c| c.cluster_arn == cluster_arn) {
            self.region.clusters.push(ecs::Cluster { cluster_arn: cluster_arn.clone(), cluster_name: text(name), status: text("ACTIVE"), ..Default::default() });
        }
        cluster_arn
    }

    /// The cluster of that name, to change.
    pub fn cluster_mut(&mut self, name: &str) -> &mut ecs::Cluster {
        let cluster_arn = self.cluster(name);
        let i = self.region.clusters.iter().position(|c| c.cluster_arn == cluster_arn).unwrap_or_default();
        &mut self.region.clusters[i]
    }

    /// A container instance `NAME` in a subnet; its ARN. The EC2 instance is `i-NAME`, its profile `ecsInstanceRole`.
    pub fn instance(&mut self, cluster: &str, name: &str, subnet: &str) -> String {
        self.cluster(cluster);
        let container_instance_arn = arn("ecs", &format!("container-instance/{cluster}/{name}"));
        let address = self.address(subnet);
        self.region.container_instances.push(ecs::ContainerInstance {
            container_instance_arn: container_instance_arn.clone(),
            ec2_instance_id: text(format!("i-{name}")),
            status: text("ACTIVE"),
            agent_connected: Some(true),
            version_info: Some(ecs::VersionInfo { agent_version: text("1.105.1"), ..Default::default() }),
            attributes: vec![pair("ecs.os-type", "linux")],
            registered_at: crate::inventory::Time::parse("2026-01-02T00:00:00Z").ok(),
            health_status: Some(ecs::HealthStatus { overall_status: text("OK"), details: Vec::new() }),
            ..Default::default()
        });
        self.region.instances.push(ec2::Instance {
            instance_id: format!("i-{name}"),
            state: Some(ec2::InstanceState { name: text("running"), code: Some(16) }),
            subnet_id: text(subnet),
            vpc_id: text(VPC),
            private_ip_address: text(address.clone()),
            iam_instance_profile: Some(ec2::InstanceProfileRef { arn: text(format!("arn:aws:iam::{ACCOUNT}:instance-profile/ecsInstanceRole")), id: None }),
            network_interfaces: vec![ec2::InstanceNetworkInterface {
                network_interface_id: text(format!("eni-{name}")),
                subnet_id: text(subnet),
                vpc_id: text(VPC),
                private_ip_address: text(address),
                attachment: Some(ec2::Attachment { device_index: Some(0), network_card_index: Some(0), ..Default::default() }),
                groups: vec![group("sg-instances")],
                ..Default::default()
            }],
            security_groups: vec![group("sg-instances")],
            ..Default::default()
        });
        container_instance_arn
    }

    /// A task definition `NAME:1` with one container `app`, roles, and what `change` makes of it; its ARN.
    pub fn definition(&mut self, name: &str, change: impl FnOnce(&mut ecs::TaskDefinition)) -> String {
        let task_definition_arn = arn("ecs", &format!("task-definition/{name}:1"));
        let mut definition = ecs::TaskDefinition {
            task_definition_arn: task_definition_arn.clone(),
            family: text(name),
            revision: Some(1),
            status: text("ACTIVE"),
            network_mode: text("awsvpc"),
            execution_role_arn: text(format!("arn:aws:iam::{ACCOUNT}:role/execution")),
            task_role_arn: text(format!("arn:aws:iam::{ACCOUNT}:role/task")),
            container_definitions: vec![container("app")],
            ..Default::default()
        };
        change(&mut definition);
        self.region.task_definitions.insert(task_definition_arn.clone(), Answer::Output(definition));
        task_definition_arn
    }

    /// A service with one deployment and no tasks; its ARN. `subnets` empty: no network configuration.
    pub fn service(&mut self, cluster: &str, name: &str, definition: &str, launch: &str, subnets: &[&str]) -> String {
        let cluster_arn = self.cluster(cluster);
        let service_arn = arn("ecs", &format!("service/{cluster}/{name}"));
        let network = (!subnets.is_empty()).then(|| ecs::NetworkConfiguration {
            awsvpc_configuration: Some(ecs::AwsvpcConfiguration {
                assign_public_ip: text("DISABLED"),
                subnets: subnets.iter().map(|s| (*s).to_owned()).collect(),
                security_groups: vec!["sg-tasks".into()],
            }),
        });
        let version = (launch == "FARGATE").then(|| "LATEST".to_owned());
        self.region.services.push(ecs::Service {
            service_arn: service_arn.clone(),
            service_name: text(name),
            cluster_arn: Some(cluster_arn),
            status: text("ACTIVE"),
            desired_count: Some(1),
            launch_type: text(launch),
            platform_version: version.clone(),
            task_definition: text(definition),
            network_configuration: network.clone(),
            deployments: vec![ecs::Deployment {
                id: text("ecs-svc/1"),
                status: text("PRIMARY"),
                task_definition: text(definition),
                launch_type: text(launch),
                platform_version: version,
                network_configuration: network,
                ..Default::default()
            }],
            ..Default::default()
        });
        service_arn
    }

    /// The service last added, to change.
    pub fn last_service(&mut self) -> &mut ecs::Service {
        let i = self.region.services.len() - 1;
        &mut self.region.services[i]
    }

    /// The task last added, to change.
    pub fn last_task(&mut self) -> &mut ecs::Task {
        let i = self.region.tasks.len() - 1;
        &mut self.region.tasks[i]
    }

    fn task(&mut self, cluster: &str, id: &str, definition: &str, service: Option<&str>) -> ecs::Task {
        ecs::Task {
            task_arn: arn("ecs", &format!("task/{cluster}/{id}")),
            cluster_arn: Some(self.cluster(cluster)),
            task_definition_arn: text(definition),
            group: text(service.map_or_else(|| "family:x".to_owned(), |s| format!("service:{s}"))),
            last_status: text("RUNNING"),
            desired_status: text("RUNNING"),
            ..Default::default()
        }
    }

    /// An interface of a task, attached to it and listed.
    fn attach(&mut self, task: &mut ecs::Task, id: &str, subnet: &str) {
        let address = self.address(subnet);
        task.attachments.push(ecs::Attachment {
            id: text(format!("attachment-{id}")),
            r#type: text("ElasticNetworkInterface"),
            status: text("ATTACHED"),
            details: vec![pair("subnetId", subnet), pair("networkInterfaceId", &format!("eni-{id}")), pair("privateIPv4Address", &address)],
        });
        self.region.network_interfaces.push(ec2::NetworkInterface {
            network_interface_id: format!("eni-{id}"),
            subnet_id: text(subnet),
            vpc_id: text(VPC),
            private_ip_address: text(address),
            interface_type: text("interface"),
            status: text("in-use"),
            groups: vec![group("sg-tasks")],
            ..Default::default()
        });
    }

    /// A Fargate task of a service, or standalone; its ARN.
    pub fn fargate_task(&mut self, cluster: &str, id: &str, definition: &str, service: Option<&str>, subnet: &str) -> String {
        let mut task = self.task(cluster, id, definition, service);
        task.launch_type = text("FARGATE");
        task.platform_version = text("1.4.0");
        task.platform_family = text("Linux");
        self.attach(&mut task, id, subnet);
        let task_arn = task.task_arn.clone();
        self.region.tasks.push(task);
        task_arn
    }

    /// A task on a container instance; with an interface of its own where `subnet` is given; its ARN.
    pub fn instance_task(&mut self, cluster: &str, id: &str, definition: &str, service: Option<&str>, instance: &str, subnet: Option<&str>) -> String {
        let mut task = self.task(cluster, id, definition, service);
        task.launch_type = text("EC2");
        task.container_instance_arn = text(instance);
        if let Some(subnet) = subnet {
            self.attach(&mut task, id, subnet);
        }
        let task_arn = task.task_arn.clone();
        self.region.tasks.push(task);
        task_arn
    }

    /// An interface endpoint in both subnets with private DNS; its id, `vpce-SHORT`.
    pub fn interface_endpoint(&mut self, short: &str) -> String {
        let id = format!("vpce-{short}");
        let mut interfaces = Vec::new();
        for subnet in [SUBNET_A, SUBNET_B] {
            let interface = format!("eni-{short}-{subnet}");
            let address = self.address(subnet);
            self.region.network_interfaces.push(ec2::NetworkInterface {
                network_interface_id: interface.clone(),
                subnet_id: text(subnet),
                vpc_id: text(VPC),
                private_ip_address: text(address),
                interface_type: text("vpc_endpoint"),
                status: text("in-use"),
                requester_managed: Some(true),
                groups: vec![group("sg-endpoints")],
                ..Default::default()
            });
            interfaces.push(interface);
        }
        let regional = ec2::DnsEntry { dns_name: text(format!("{id}-x.{short}.{REGION}.vpce.amazonaws.com")), hosted_zone_id: text("Z1") };
        let private = services::hostnames(REGION, short).into_iter().map(|n| ec2::DnsEntry { dns_name: text(n), hosted_zone_id: text("Z2") });
        self.region.vpc_endpoints.push(ec2::VpcEndpoint {
            vpc_endpoint_id: id.clone(),
            vpc_endpoint_type: text("Interface"),
            vpc_id: text(VPC),
            service_name: text(services::full_name(REGION, short)),
            state: text("available"),
            ip_address_type: text("ipv4"),
            private_dns_enabled: Some(true),
            creation_timestamp: crate::inventory::Time::parse("2026-01-01T00:00:00Z").ok(),
            owner_id: text(ACCOUNT),
            policy_document: Some(crate::inventory::shape::PolicyText(r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#.into())),
            subnet_ids: vec![SUBNET_A.into(), SUBNET_B.into()],
            groups: vec![group("sg-endpoints")],
            network_interface_ids: interfaces,
            dns_entries: std::iter::once(regional).chain(private).collect(),
            ..Default::default()
        });
        id
    }

    /// A gateway endpoint for S3 with this policy, `vpce-s3`, in the main route table.
    pub fn s3_gateway(&mut self, policy: &str) {
        self.region.vpc_endpoints.push(ec2::VpcEndpoint {
            vpc_endpoint_id: "vpce-s3".into(),
            vpc_endpoint_type: text("Gateway"),
            vpc_id: text(VPC),
            service_name: text(format!("com.amazonaws.{REGION}.s3")),
            state: text("available"),
            private_dns_enabled: Some(false),
            owner_id: text(ACCOUNT),
            policy_document: Some(crate::inventory::shape::PolicyText(policy.into())),
            route_table_ids: vec!["rtb-main".into()],
            ..Default::default()
        });
        self.region.route_tables[0].routes.push(ec2::Route { destination_prefix_list_id: text("pl-s3"), gateway_id: text("vpce-s3"), state: text("active"), ..Default::default() });
    }

    /// Analyses the scene and hands the view to `look`.
    pub fn view<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        look(&View::new(&self.region, &self.options))
    }

    /// Placements of the scene.
    pub fn placements(&self) -> Vec<Placement> {
        self.view(|view| view.placements.clone())
    }
}

/// The need of a service among those of all placements, for tests that have only one.
pub(crate) fn need<'a>(placements: &'a [Placement], service: &str) -> Option<&'a Need> {
    placements.iter().flat_map(|p| &p.needs).find(|n| n.service == service)
}

/// `kind subnet: service service …` of each placement, sorted.
pub(crate) fn outline(placements: &[Placement]) -> Vec<String> {
    let mut out: Vec<String> = placements
        .iter()
        .map(|p| {
            let needs: Vec<String> = p.needs.iter().map(|n| n.region.as_ref().map_or_else(|| n.service.clone(), |r| format!("{}@{r}", n.service))).collect();
            format!("{:?} {}: {}", p.kind, p.subnet.as_deref().unwrap_or("unknown"), needs.join(" "))
        })
        .collect();
    out.sort();
    out
}
