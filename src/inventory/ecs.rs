//! What `aws ecs describe-*` and `list-*` print, as far as the audit models it. Environment values, commands, entry points,
//! health checks, overrides and most log options have no field here and so are never kept.

use std::collections::BTreeMap;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::shape::{Time, shapes, time};

shapes! { "camelCase";
    /// A name and a value: tags, settings, attributes, attachment details.
    NameValue { id: ; opt: name: String, value: String; list: ; }
    /// What an ECS call could not answer for: an id and why.
    Failure { id: ; opt: arn: String, reason: String, detail: String; list: ; }
    /// A cluster.
    Cluster { id: cluster_arn; opt: cluster_name: String, status: String, registered_container_instances_count: i32, running_tasks_count: i32, pending_tasks_count: i32, active_services_count: i32,
        configuration: ClusterConfiguration, service_connect_defaults: ServiceConnectDefaults;
        list: settings: NameValue, capacity_providers: String, default_capacity_provider_strategy: CapacityProviderStrategyItem, tags: KeyValue; }
    /// A tag.
    KeyValue { id: ; opt: key: String, value: String; list: ; }
    /// Cluster configuration, of which ECS Exec matters.
    ClusterConfiguration { id: ; opt: execute_command_configuration: ExecuteCommandConfiguration; list: ; }
    /// How ECS Exec encrypts and logs.
    ExecuteCommandConfiguration { id: ; opt: kms_key_id: String, logging: String, log_configuration: ExecuteCommandLogConfiguration; list: ; }
    /// Where ECS Exec logs to.
    ExecuteCommandLogConfiguration { id: ; opt: cloud_watch_log_group_name: String, cloud_watch_encryption_enabled: bool, s3_bucket_name: String, s3_encryption_enabled: bool, s3_key_prefix: String; list: ; }
    /// Service Connect defaults of a cluster.
    ServiceConnectDefaults { id: ; opt: namespace: String; list: ; }
    /// A share of a capacity provider strategy.
    CapacityProviderStrategyItem { id: ; opt: capacity_provider: String, weight: i32, base: i32; list: ; }
    /// A container instance. AWS's answer does not name the cluster: it is filled in from the question, and always there where it is known.
    ContainerInstance { id: container_instance_arn; opt: #[serde(skip_serializing)] cluster_arn: String, ec2_instance_id: String, capacity_provider_name: String, version_info: VersionInfo, status: String, status_reason: String, agent_connected: bool,
        running_tasks_count: i32, agent_update_status: String, #[serde(deserialize_with = "time")] registered_at: Time, health_status: HealthStatus; list: attributes: NameValue, tags: KeyValue; }
    /// Versions of agent and Docker.
    VersionInfo { id: ; opt: agent_version: String, agent_hash: String, docker_version: String; list: ; }
    /// Health of a container instance.
    HealthStatus { id: ; opt: overall_status: String; list: details: HealthDetail; }
    /// One health check of a container instance.
    HealthDetail { id: ; opt: r#type: String, status: String, #[serde(deserialize_with = "time")] last_updated: Time, #[serde(deserialize_with = "time")] last_status_change: Time; list: ; }
    /// A service. `task_sets` absent: not told here; empty: none.
    Service { id: service_arn; opt: service_name: String, cluster_arn: String, status: String, desired_count: i32, running_count: i32, pending_count: i32, launch_type: String, platform_version: String,
        platform_family: String, task_definition: String, network_configuration: NetworkConfiguration, enable_execute_command: bool, scheduling_strategy: String,
        deployment_controller: DeploymentController, #[serde(deserialize_with = "time")] created_at: Time, role_arn: String, task_sets: Vec<TaskSet>;
        list: capacity_provider_strategy: CapacityProviderStrategyItem, deployments: Deployment, events: ServiceEvent; }
    /// Which controller rolls a service out.
    DeploymentController { id: ; opt: r#type: String; list: ; }
    /// What happened to a service.
    ServiceEvent { id: ; opt: id: String, #[serde(deserialize_with = "time")] created_at: Time, message: String; list: ; }
    /// Network configuration of tasks in network mode awsvpc.
    NetworkConfiguration { id: ; opt: awsvpc_configuration: AwsvpcConfiguration; list: ; }
    /// Subnets, groups and public address of tasks.
    AwsvpcConfiguration { id: ; opt: assign_public_ip: String; list: subnets: String, security_groups: String; }
    /// A deployment of a service.
    Deployment { id: ; opt: id: String, status: String, task_definition: String, desired_count: i32, running_count: i32, pending_count: i32, launch_type: String, platform_version: String,
        platform_family: String, network_configuration: NetworkConfiguration, service_connect_configuration: ServiceConnectConfiguration, rollout_state: String;
        list: capacity_provider_strategy: CapacityProviderStrategyItem; }
    /// Service Connect of a deployment.
    ServiceConnectConfiguration { id: ; opt: enabled: bool, namespace: String, log_configuration: LogConfiguration; list: services: ServiceConnectService; }
    /// One port of Service Connect.
    ServiceConnectService { id: ; opt: port_name: String, tls: ServiceConnectTls; list: ; }
    /// TLS of Service Connect.
    ServiceConnectTls { id: ; opt: kms_key: String, role_arn: String; list: ; }
    /// A task set of a service with an external or CodeDeploy controller.
    TaskSet { id: task_set_arn; opt: id: String, cluster_arn: String, service_arn: String, status: String, task_definition: String, launch_type: String, platform_version: String, platform_family: String,
        network_configuration: NetworkConfiguration, running_count: i32, pending_count: i32, computed_desired_count: i32; list: capacity_provider_strategy: CapacityProviderStrategyItem; }
    /// A task.
    Task { id: task_arn; opt: cluster_arn: String, container_instance_arn: String, task_definition_arn: String, group: String, started_by: String, launch_type: String, capacity_provider_name: String,
        platform_version: String, platform_family: String, last_status: String, desired_status: String, stop_code: String, stopped_reason: String, #[serde(deserialize_with = "time")] stopped_at: Time, #[serde(deserialize_with = "time")] created_at: Time, #[serde(deserialize_with = "time")] started_at: Time,
        #[serde(deserialize_with = "time")] pull_started_at: Time, connectivity: String, #[serde(deserialize_with = "time")] connectivity_at: Time, availability_zone: String, enable_execute_command: bool; list: attachments: Attachment, containers: Container, attributes: NameValue; }
    /// What is attached to a task, its network interface among it.
    Attachment { id: ; opt: id: String, r#type: String, status: String; list: details: NameValue; }
    /// A container of a task.
    Container { id: ; opt: name: String, image: String, image_digest: String, last_status: String, reason: String, exit_code: i32, runtime_id: String;
        list: managed_agents: ManagedAgent, network_interfaces: ContainerNetworkInterface; }
    /// The Exec agent of a container.
    ManagedAgent { id: ; opt: name: String, last_status: String, reason: String, #[serde(deserialize_with = "time")] last_started_at: Time; list: ; }
    /// An address of a container.
    ContainerNetworkInterface { id: ; opt: attachment_id: String, private_ipv4_address: String, ipv6_address: String; list: ; }
    /// The answer of DescribeTaskDefinition.
    TaskDefinitionOutput { id: ; opt: task_definition: TaskDefinition; list: ; }
    /// A task definition.
    TaskDefinition { id: task_definition_arn; opt: family: String, revision: i32, status: String, network_mode: String, execution_role_arn: String, task_role_arn: String, pid_mode: String,
        runtime_platform: RuntimePlatform, proxy_configuration: ProxyConfiguration;
        list: container_definitions: ContainerDefinition, requires_compatibilities: String, compatibilities: String, volumes: Volume; }
    /// Operating system and processor of a task definition.
    RuntimePlatform { id: ; opt: operating_system_family: String, cpu_architecture: String; list: ; }
    /// App Mesh proxy of a task definition.
    ProxyConfiguration { id: ; opt: r#type: String, container_name: String; list: ; }
    /// A volume of a task definition.
    Volume { id: ; opt: name: String, efs_volume_configuration: EfsVolume, fsx_windows_file_server_volume_configuration: FsxVolume, s3files_volume_configuration: S3FilesVolume; list: ; }
    /// An EFS volume.
    EfsVolume { id: ; opt: file_system_id: String, transit_encryption: String; list: ; }
    /// An FSx for Windows volume.
    FsxVolume { id: ; opt: file_system_id: String, authorization_config: FsxAuthorization; list: ; }
    /// Where an FSx volume has its credentials.
    FsxAuthorization { id: ; opt: credentials_parameter: String, domain: String; list: ; }
    /// An S3 Files volume.
    S3FilesVolume { id: ; opt: file_system_arn: String; list: ; }
    /// A container of a task definition.
    ContainerDefinition { id: ; opt: name: String, image: String, essential: bool, log_configuration: LogConfiguration, repository_credentials: RepositoryCredentials,
        firelens_configuration: FirelensConfiguration, readonly_root_filesystem: bool, linux_parameters: LinuxParameters,
        #[serde(deserialize_with = "credential_names")] environment: Vec<EnvironmentName>;
        list: secrets: Secret, environment_files: EnvironmentFile, dns_servers: String, credential_specs: String; }
    /// The name of an environment variable that matters to ECS Exec; its value is never kept.
    EnvironmentName { id: name; opt: ; list: ; }
    /// Log configuration of a container.
    LogConfiguration { id: ; opt: log_driver: String, #[serde(deserialize_with = "log_options")] options: BTreeMap<String, String>; list: secret_options: Secret; }
    /// A secret that a container gets.
    Secret { id: ; opt: name: String, value_from: String; list: ; }
    /// Credentials of a private registry.
    RepositoryCredentials { id: ; opt: credentials_parameter: String; list: ; }
    /// FireLens router of a task definition.
    FirelensConfiguration { id: ; opt: r#type: String, #[serde(deserialize_with = "firelens_options")] options: BTreeMap<String, String>; list: ; }
    /// Linux options of a container.
    LinuxParameters { id: ; opt: init_process_enabled: bool; list: ; }
    /// An environment file in S3.
    EnvironmentFile { id: ; opt: value: String, r#type: String; list: ; }
    /// A capacity provider.
    CapacityProvider { id: capacity_provider_arn; opt: name: String, cluster: String, status: String, r#type: String, auto_scaling_group_provider: AutoScalingGroupProvider,
        managed_instances_provider: ManagedInstancesProvider; list: ; }
    /// The Auto Scaling group of a capacity provider.
    AutoScalingGroupProvider { id: ; opt: auto_scaling_group_arn: String; list: ; }
    /// Managed Instances of a capacity provider.
    ManagedInstancesProvider { id: ; opt: infrastructure_role_arn: String, instance_launch_template: InstanceLaunchTemplate; list: ; }
    /// How Managed Instances are launched.
    InstanceLaunchTemplate { id: ; opt: ec2_instance_profile_arn: String, network_configuration: ManagedInstancesNetwork, fips_enabled: bool; list: ; }
    /// Where Managed Instances are launched.
    ManagedInstancesNetwork { id: ; opt: ; list: subnets: String, security_groups: String; }
    /// A service revision.
    ServiceRevision { id: service_revision_arn; opt: service_arn: String, task_definition: String, guard_duty_enabled: bool; list: ; }
    /// An account setting.
    Setting { id: ; opt: name: String, value: String, principal_arn: String; list: ; }
}

/// Names that make the SSM agent of ECS Exec use a container's own keys.
const CREDENTIAL_NAMES: [&str; 3] = ["AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// Log options that are kept: group, stream, region, creation, mode, plugin name and destination.
const LOG_OPTIONS: &[&str] = &[
    "awslogs-group",
    "awslogs-region",
    "awslogs-create-group",
    "awslogs-stream-prefix",
    "awslogs-endpoint",
    "mode",
    "Name",
    "name",
    "@type",
    "region",
    "log_group_name",
    "log_stream_name",
    "log_stream_prefix",
    "auto_create_group",
    "delivery_stream",
    "stream",
    "bucket",
    "endpoint",
    "Host",
    "host",
    "Match",
];

/// FireLens router options that are kept: where its own configuration lies.
const FIRELENS_OPTIONS: &[&str] = &["config-file-type", "config-file-value"];

fn credential_names<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<EnvironmentName>>, D::Error> {
    #[derive(Deserialize)]
    struct Named {
        name: Option<String>,
    }
    let all = Option::<Vec<Named>>::deserialize(d)?.unwrap_or_default();
    let kept: Vec<_> = all.into_iter().filter_map(|n| n.name).filter(|n| keep_environment_name(n)).map(|name| EnvironmentName { name }).collect();
    Ok(if kept.is_empty() { None } else { Some(kept) })
}

fn log_options<'de, D: Deserializer<'de>>(d: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    Ok(d.deserialize_option(Kept(LOG_OPTIONS))?.map(keep_log_options))
}

fn firelens_options<'de, D: Deserializer<'de>>(d: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    Ok(d.deserialize_option(Kept(FIRELENS_OPTIONS))?.map(keep_firelens_options))
}

/// Reads the options of these names; the values of all others are passed over, whatever they are.
struct Kept(&'static [&'static str]);

impl<'de> Visitor<'de> for Kept {
    type Value = Option<BTreeMap<String, String>>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of options")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if self.0.contains(&key.as_str()) {
                if let Some(value) = map.next_value::<Option<String>>()? {
                    kept.insert(key, value);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Some(kept))
    }
}

/// A destination without the user and password that its URL may carry: `https://user:secret@host` → `https://host`.
fn without_user(value: String) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{tail}"),
        None => value,
    }
}

/// The log options that may be kept, out of all.
#[must_use]
pub fn keep_log_options(all: BTreeMap<String, String>) -> BTreeMap<String, String> {
    all.into_iter().filter(|(k, _)| LOG_OPTIONS.contains(&k.as_str())).map(|(k, v)| (k, without_user(v))).collect()
}

/// The FireLens options that may be kept, out of all.
#[must_use]
pub fn keep_firelens_options(all: BTreeMap<String, String>) -> BTreeMap<String, String> {
    all.into_iter().filter(|(k, _)| FIRELENS_OPTIONS.contains(&k.as_str())).collect()
}

/// Whether the name of an environment variable may be kept.
#[must_use]
pub fn keep_environment_name(name: &str) -> bool {
    CREDENTIAL_NAMES.contains(&name)
}
