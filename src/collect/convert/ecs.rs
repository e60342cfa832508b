//! What ECS answers. Environment values, commands, health checks, labels and overrides are left behind here.

use aws_sdk_ecs::types as t;

use super::{each, each_with_id, time, wire};
use crate::inventory::ec2::TAGS_READ;
use crate::inventory::ecs as i;

/// Counts of a cluster as its answer really held them; the SDK's own are zero where a member was absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub registered_container_instances_count: Option<i32>,
    pub running_tasks_count: Option<i32>,
    pub pending_tasks_count: Option<i32>,
    pub active_services_count: Option<i32>,
}

/// Container instance attributes that say where and what it is; the many that list what its agent can do are not kept.
fn placement_attribute(name: &str) -> bool {
    name.starts_with("ecs.") && (!name.starts_with("ecs.capability.") || matches!(name, "ecs.capability.external" | "ecs.capability.task-eni"))
}

fn key_values(tags: Option<Vec<t::Tag>>) -> Vec<i::KeyValue> {
    each_with_id(tags, |x| {
        let read = x.key.as_deref().is_some_and(|k| TAGS_READ.contains(&k));
        read.then_some(i::KeyValue { key: x.key, value: x.value })
    })
}

fn pairs(pairs: Option<Vec<t::KeyValuePair>>) -> Vec<i::NameValue> {
    each(pairs, |p| i::NameValue { name: p.name, value: p.value })
}

fn strategy(items: Option<Vec<t::CapacityProviderStrategyItem>>) -> Vec<i::CapacityProviderStrategyItem> {
    each(items, |s| i::CapacityProviderStrategyItem { capacity_provider: Some(s.capacity_provider), weight: Some(s.weight), base: Some(s.base) })
}

fn network(configuration: Option<t::NetworkConfiguration>) -> Option<i::NetworkConfiguration> {
    configuration.map(|c| i::NetworkConfiguration {
        awsvpc_configuration: c.awsvpc_configuration.map(|a| i::AwsvpcConfiguration {
            assign_public_ip: wire(a.assign_public_ip),
            subnets: a.subnets,
            security_groups: a.security_groups.unwrap_or_default(),
        }),
    })
}

pub fn failure(x: t::Failure) -> i::Failure {
    i::Failure { arn: x.arn, reason: x.reason, detail: x.detail }
}

/// `counts` are those of the body.
pub fn cluster(x: t::Cluster, counts: Counts) -> Option<i::Cluster> {
    Some(i::Cluster {
        cluster_arn: x.cluster_arn?,
        cluster_name: x.cluster_name,
        status: x.status,
        registered_container_instances_count: counts.registered_container_instances_count,
        running_tasks_count: counts.running_tasks_count,
        pending_tasks_count: counts.pending_tasks_count,
        active_services_count: counts.active_services_count,
        configuration: x.configuration.map(|c| i::ClusterConfiguration {
            execute_command_configuration: c.execute_command_configuration.map(|e| i::ExecuteCommandConfiguration {
                kms_key_id: e.kms_key_id,
                logging: wire(e.logging),
                log_configuration: e.log_configuration.map(|l| i::ExecuteCommandLogConfiguration {
                    cloud_watch_log_group_name: l.cloud_watch_log_group_name,
                    cloud_watch_encryption_enabled: Some(l.cloud_watch_encryption_enabled),
                    s3_bucket_name: l.s3_bucket_name,
                    s3_encryption_enabled: Some(l.s3_encryption_enabled),
                    s3_key_prefix: l.s3_key_prefix,
                }),
            }),
        }),
        service_connect_defaults: x.service_connect_defaults.map(|d| i::ServiceConnectDefaults { namespace: d.namespace }),
        settings: each(x.settings, |s| i::NameValue { name: wire(s.name), value: s.value }),
        capacity_providers: x.capacity_providers.unwrap_or_default(),
        default_capacity_provider_strategy: strategy(x.default_capacity_provider_strategy),
        tags: key_values(x.tags),
    })
}

/// `cluster` is the one that was asked, by ARN or name. `agent_connected` is that of the body: the SDK's own is false where
/// the member was absent.
pub fn container_instance(x: t::ContainerInstance, cluster: &str, agent_connected: Option<bool>) -> Option<i::ContainerInstance> {
    let container_instance_arn = x.container_instance_arn?;
    Some(i::ContainerInstance {
        cluster_arn: cluster_arn(cluster, &container_instance_arn),
        container_instance_arn,
        ec2_instance_id: x.ec2_instance_id,
        capacity_provider_name: x.capacity_provider_name,
        version_info: x.version_info.map(|v| i::VersionInfo { agent_version: v.agent_version, agent_hash: v.agent_hash, docker_version: v.docker_version }),
        status: x.status,
        status_reason: x.status_reason,
        agent_connected,
        running_tasks_count: Some(x.running_tasks_count),
        agent_update_status: wire(x.agent_update_status),
        registered_at: time(x.registered_at),
        health_status: x.health_status.map(|h| i::HealthStatus {
            overall_status: wire(h.overall_status),
            details: each(h.details, |d| i::HealthDetail { r#type: wire(d.r#type), status: wire(d.status), last_updated: time(d.last_updated), last_status_change: time(d.last_status_change) }),
        }),
        attributes: each_with_id(x.attributes, |a| placement_attribute(&a.name).then_some(i::NameValue { name: Some(a.name), value: a.value })),
        tags: key_values(x.tags),
    })
}

/// The ARN of a cluster that may be given by name, made of the ARN of something in it.
fn cluster_arn(cluster: &str, member: &str) -> Option<String> {
    if cluster.starts_with("arn:") {
        return Some(cluster.to_owned());
    }
    let (account, _) = member.rsplit_once(':')?;
    Some(format!("{account}:cluster/{cluster}"))
}

pub fn service(x: t::Service) -> Option<i::Service> {
    Some(i::Service {
        service_arn: x.service_arn?,
        service_name: x.service_name,
        cluster_arn: x.cluster_arn,
        status: x.status,
        desired_count: Some(x.desired_count),
        running_count: Some(x.running_count),
        pending_count: Some(x.pending_count),
        launch_type: wire(x.launch_type),
        platform_version: x.platform_version,
        platform_family: x.platform_family,
        task_definition: x.task_definition,
        network_configuration: network(x.network_configuration),
        enable_execute_command: Some(x.enable_execute_command),
        scheduling_strategy: wire(x.scheduling_strategy),
        deployment_controller: x.deployment_controller.map(|c| i::DeploymentController { r#type: Some(c.r#type.as_str().to_owned()) }),
        created_at: time(x.created_at),
        role_arn: x.role_arn,
        capacity_provider_strategy: strategy(x.capacity_provider_strategy),
        deployments: each(x.deployments, deployment),
        task_sets: x.task_sets.map(|sets| each_with_id(Some(sets), task_set)),
        events: each(x.events, |e| i::ServiceEvent { id: e.id, created_at: time(e.created_at), message: e.message }),
    })
}

fn deployment(x: t::Deployment) -> i::Deployment {
    i::Deployment {
        id: x.id,
        status: x.status,
        task_definition: x.task_definition,
        desired_count: Some(x.desired_count),
        running_count: Some(x.running_count),
        pending_count: Some(x.pending_count),
        launch_type: wire(x.launch_type),
        platform_version: x.platform_version,
        platform_family: x.platform_family,
        network_configuration: network(x.network_configuration),
        service_connect_configuration: x.service_connect_configuration.map(|c| i::ServiceConnectConfiguration {
            enabled: Some(c.enabled),
            namespace: c.namespace,
            log_configuration: c.log_configuration.map(log_configuration),
            services: each(c.services, |s| i::ServiceConnectService { port_name: Some(s.port_name), tls: s.tls.map(|t| i::ServiceConnectTls { kms_key: t.kms_key, role_arn: t.role_arn }) }),
        }),
        rollout_state: wire(x.rollout_state),
        capacity_provider_strategy: strategy(x.capacity_provider_strategy),
    }
}

pub fn task_set(x: t::TaskSet) -> Option<i::TaskSet> {
    Some(i::TaskSet {
        task_set_arn: x.task_set_arn?,
        id: x.id,
        cluster_arn: x.cluster_arn,
        service_arn: x.service_arn,
        status: x.status,
        task_definition: x.task_definition,
        launch_type: wire(x.launch_type),
        platform_version: x.platform_version,
        platform_family: x.platform_family,
        network_configuration: network(x.network_configuration),
        running_count: Some(x.running_count),
        pending_count: Some(x.pending_count),
        computed_desired_count: Some(x.computed_desired_count),
        capacity_provider_strategy: strategy(x.capacity_provider_strategy),
    })
}

pub fn task(x: t::Task) -> Option<i::Task> {
    Some(i::Task {
        task_arn: x.task_arn?,
        cluster_arn: x.cluster_arn,
        container_instance_arn: x.container_instance_arn,
        task_definition_arn: x.task_definition_arn,
        group: x.group,
        started_by: x.started_by,
        launch_type: wire(x.launch_type),
        capacity_provider_name: x.capacity_provider_name,
        platform_version: x.platform_version,
        platform_family: x.platform_family,
        last_status: x.last_status,
        desired_status: x.desired_status,
        stop_code: wire(x.stop_code),
        stopped_reason: x.stopped_reason,
        stopped_at: time(x.stopped_at),
        created_at: time(x.created_at),
        started_at: time(x.started_at),
        pull_started_at: time(x.pull_started_at),
        connectivity: wire(x.connectivity),
        connectivity_at: time(x.connectivity_at),
        availability_zone: x.availability_zone,
        enable_execute_command: Some(x.enable_execute_command),
        attachments: each(x.attachments, |a| i::Attachment { id: a.id, r#type: a.r#type, status: a.status, details: pairs(a.details) }),
        containers: each(x.containers, container),
        attributes: each(x.attributes, |a| i::NameValue { name: Some(a.name), value: a.value }),
    })
}

fn container(x: t::Container) -> i::Container {
    i::Container {
        name: x.name,
        image: x.image,
        image_digest: x.image_digest,
        last_status: x.last_status,
        reason: x.reason,
        exit_code: x.exit_code,
        runtime_id: x.runtime_id,
        managed_agents: each(x.managed_agents, |m| i::ManagedAgent { name: wire(m.name), last_status: m.last_status, reason: m.reason, last_started_at: time(m.last_started_at) }),
        network_interfaces: each(x.network_interfaces, |n| i::ContainerNetworkInterface { attachment_id: n.attachment_id, private_ipv4_address: n.private_ipv4_address, ipv6_address: n.ipv6_address }),
    }
}

pub fn task_definition(x: t::TaskDefinition) -> Option<i::TaskDefinition> {
    Some(i::TaskDefinition {
        task_definition_arn: x.task_definition_arn?,
        family: x.family,
        revision: Some(x.revision),
        status: wire(x.status),
        network_mode: wire(x.network_mode),
        execution_role_arn: x.execution_role_arn,
        task_role_arn: x.task_role_arn,
        pid_mode: wire(x.pid_mode),
        runtime_platform: x.runtime_platform.map(|p| i::RuntimePlatform { operating_system_family: wire(p.operating_system_family), cpu_architecture: wire(p.cpu_architecture) }),
        proxy_configuration: x.proxy_configuration.map(|p| i::ProxyConfiguration { r#type: wire(p.r#type), container_name: Some(p.container_name) }),
        container_definitions: each(x.container_definitions, container_definition),
        requires_compatibilities: each(x.requires_compatibilities, |c| c.as_str().to_owned()),
        compatibilities: each(x.compatibilities, |c| c.as_str().to_owned()),
        volumes: each(x.volumes, volume),
    })
}

fn volume(x: t::Volume) -> i::Volume {
    i::Volume {
        name: x.name,
        efs_volume_configuration: x.efs_volume_configuration.map(|e| i::EfsVolume { file_system_id: Some(e.file_system_id), transit_encryption: wire(e.transit_encryption) }),
        fsx_windows_file_server_volume_configuration: x.fsx_windows_file_server_volume_configuration.map(|f| i::FsxVolume {
            file_system_id: Some(f.file_system_id),
            authorization_config: f.authorization_config.map(|a| i::FsxAuthorization { credentials_parameter: Some(a.credentials_parameter), domain: Some(a.domain) }),
        }),
        s3files_volume_configuration: x.s3files_volume_configuration.map(|s| i::S3FilesVolume { file_system_arn: Some(s.file_system_arn) }),
    }
}

fn secrets(secrets: Option<Vec<t::Secret>>) -> Vec<i::Secret> {
    each(secrets, |s| i::Secret { name: Some(s.name), value_from: Some(s.value_from) })
}

fn log_configuration(x: t::LogConfiguration) -> i::LogConfiguration {
    i::LogConfiguration { log_driver: Some(x.log_driver.as_str().to_owned()), options: x.options.map(|o| i::keep_log_options(o.into_iter().collect())), secret_options: secrets(x.secret_options) }
}

fn container_definition(x: t::ContainerDefinition) -> i::ContainerDefinition {
    let names: Vec<_> = x.environment.unwrap_or_default().into_iter().filter_map(|e| e.name).filter(|n| i::keep_environment_name(n)).map(|name| i::EnvironmentName { name }).collect();
    i::ContainerDefinition {
        name: x.name,
        image: x.image,
        essential: x.essential,
        log_configuration: x.log_configuration.map(log_configuration),
        repository_credentials: x.repository_credentials.map(|r| i::RepositoryCredentials { credentials_parameter: Some(r.credentials_parameter) }),
        firelens_configuration: x
            .firelens_configuration
            .map(|f| i::FirelensConfiguration { r#type: Some(f.r#type.as_str().to_owned()), options: f.options.map(|o| i::keep_firelens_options(o.into_iter().collect())) }),
        readonly_root_filesystem: x.readonly_root_filesystem,
        linux_parameters: x.linux_parameters.map(|l| i::LinuxParameters { init_process_enabled: l.init_process_enabled }),
        environment: (!names.is_empty()).then_some(names),
        secrets: secrets(x.secrets),
        environment_files: each(x.environment_files, |f| i::EnvironmentFile { value: Some(f.value), r#type: Some(f.r#type.as_str().to_owned()) }),
        dns_servers: x.dns_servers.unwrap_or_default(),
        credential_specs: x.credential_specs.unwrap_or_default(),
    }
}

pub fn capacity_provider(x: t::CapacityProvider) -> Option<i::CapacityProvider> {
    Some(i::CapacityProvider {
        capacity_provider_arn: x.capacity_provider_arn?,
        name: x.name,
        cluster: x.cluster,
        status: wire(x.status),
        r#type: wire(x.r#type),
        auto_scaling_group_provider: x.auto_scaling_group_provider.map(|a| i::AutoScalingGroupProvider { auto_scaling_group_arn: Some(a.auto_scaling_group_arn) }),
        managed_instances_provider: x.managed_instances_provider.map(|m| i::ManagedInstancesProvider {
            infrastructure_role_arn: m.infrastructure_role_arn,
            instance_launch_template: m.instance_launch_template.map(|l| i::InstanceLaunchTemplate {
                ec2_instance_profile_arn: Some(l.ec2_instance_profile_arn),
                network_configuration: l.network_configuration.map(|n| i::ManagedInstancesNetwork { subnets: n.subnets.unwrap_or_default(), security_groups: n.security_groups.unwrap_or_default() }),
                fips_enabled: l.fips_enabled,
            }),
        }),
    })
}

pub fn service_revision(x: t::ServiceRevision) -> Option<i::ServiceRevision> {
    Some(i::ServiceRevision { service_revision_arn: x.service_revision_arn?, service_arn: x.service_arn, task_definition: x.task_definition, guard_duty_enabled: Some(x.guard_duty_enabled) })
}

pub fn setting(x: t::Setting) -> i::Setting {
    i::Setting { name: wire(x.name), value: x.value, principal_arn: x.principal_arn }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_container_are_left_behind() {
        let pair = |name: &str, value: &str| t::KeyValuePair::builder().name(name).value(value).build();
        let log = t::LogConfiguration::builder().log_driver(t::LogDriver::Awslogs).options("awslogs-group", "web").options("splunk-token", "hush").build().unwrap();
        let container = t::ContainerDefinition::builder()
            .name("app")
            .environment(pair("PASSWORD", "hush"))
            .environment(pair("AWS_ACCESS_KEY_ID", "hush"))
            .command("--token=hush")
            .entry_point("hush")
            .docker_labels("label", "hush")
            .log_configuration(log)
            .build();
        let kept = container_definition(container);
        assert!(!format!("{kept:?}").contains("hush"));
        assert_eq!(kept.environment.as_deref(), Some(&[i::EnvironmentName { name: "AWS_ACCESS_KEY_ID".into() }][..]));
        assert_eq!(kept.log_configuration.unwrap().options.unwrap().get("awslogs-group").map(String::as_str), Some("web"));
    }

    #[test]
    fn a_cluster_asked_for_by_name_gets_its_arn() {
        let instance = "arn:aws:ecs:us-east-2:111122223333:container-instance/0a1b";
        assert_eq!(cluster_arn("web", instance).as_deref(), Some("arn:aws:ecs:us-east-2:111122223333:cluster/web"));
        assert_eq!(cluster_arn("arn:aws:ecs:us-east-2:111122223333:cluster/x", instance).as_deref(), Some("arn:aws:ecs:us-east-2:111122223333:cluster/x"));
    }

    #[test]
    fn attributes_that_place_an_instance_are_kept() {
        for (name, kept) in [
            ("ecs.vpc-id", true),
            ("ecs.os-type", true),
            ("ecs.capability.external", true),
            ("ecs.capability.task-eni", true),
            ("ecs.capability.docker-plugin.local", false),
            ("com.amazonaws.ecs.capability.ecr-auth", false),
        ] {
            assert_eq!(placement_attribute(name), kept, "{name}");
        }
    }
}
