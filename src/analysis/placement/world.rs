//! What of the inventory counts: clusters that are asked for and alive, their services, tasks and instances, and how each is
//! launched.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::actions::Action;
use crate::analysis::View;
use crate::inventory::{Answer, Region, ecs};

/// VPCs that are asked for, or that the inventory was collected for or filtered by; `None`: all.
pub(super) fn scope<'a>(view: &'a View<'_>) -> Option<&'a BTreeSet<String>> {
    if view.options.vpcs.is_empty() { view.region.asked_vpcs.as_ref().or(view.region.vpc_scope.as_ref()) } else { Some(&view.options.vpcs) }
}

/// How tasks of a service, or a task, are launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Launch<'a> {
    /// On Fargate.
    Fargate,
    /// On instances outside AWS.
    External,
    /// On any container instance of the account's own in the cluster.
    Instances,
    /// On any Managed Instance of the cluster.
    Managed,
    /// On instances of these capacity providers.
    Providers(Vec<&'a str>),
}

/// One way in which a service would start tasks: an active deployment, a task set, or the service's own settings.
#[derive(Debug, Clone)]
pub(super) struct Plan<'a> {
    pub service: &'a ecs::Service,
    pub cluster: &'a str,
    pub definition: &'a str,
    pub launch: Launch<'a>,
    pub network: Option<&'a ecs::AwsvpcConfiguration>,
    pub platform_version: Option<&'a str>,
    pub platform_family: Option<&'a str>,
    pub connect: Option<&'a ecs::ServiceConnectConfiguration>,
}

/// What counts.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub view: &'a View<'a>,
    pub region: &'a Region,
    pub scope: Option<&'a BTreeSet<String>>,
    /// Live services, by ARN.
    pub services: Vec<&'a ecs::Service>,
    /// Live tasks, by ARN.
    pub tasks: Vec<&'a ecs::Task>,
    /// Container instances in AWS, by ARN, each with its cluster's ARN.
    pub instances: Vec<(&'a ecs::ContainerInstance, Option<&'a str>)>,
    /// Container instances outside AWS.
    pub external: Vec<&'a ecs::ContainerInstance>,
    external_arns: HashSet<&'a str>,
    services_by_name: HashMap<(&'a str, &'a str), &'a ecs::Service>,
    /// Task definitions that were not seen, made of the images of their running containers.
    stand_ins: BTreeMap<&'a str, ecs::TaskDefinition>,
    /// Services by ARN whose revision tells whether GuardDuty watches them.
    pub guarded: HashMap<&'a str, bool>,
    /// Clusters by ARN.
    clusters: HashMap<&'a str, &'a ecs::Cluster>,
}

/// The last part of an ARN: the name of a cluster or service.
pub(super) fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn is(value: Option<&str>, word: &str) -> bool {
    value.is_some_and(|v| v.eq_ignore_ascii_case(word))
}

impl<'a> World<'a> {
    pub fn new(view: &'a View<'a>) -> Self {
        let region = view.region;
        let clusters: HashMap<&str, &ecs::Cluster> = region.clusters.iter().map(|c| (c.cluster_arn.as_str(), c)).collect();
        let wanted = &view.options.clusters;
        let counts = |arn: Option<&str>| match arn {
            Some(arn) => (wanted.is_empty() || wanted.contains(arn) || wanted.contains(name_of(arn))) && clusters.get(arn).is_none_or(|c| !is(c.status.as_deref(), "INACTIVE")),
            None => true,
        };
        let mut services: Vec<_> = region.services.iter().filter(|s| counts(s.cluster_arn.as_deref()) && !is(s.status.as_deref(), "INACTIVE")).collect();
        services.sort_by(|a, b| a.service_arn.cmp(&b.service_arn));
        let stopped = |t: &ecs::Task| is(t.last_status.as_deref(), "STOPPED") || is(t.desired_status.as_deref(), "STOPPED");
        let mut tasks: Vec<_> = region.tasks.iter().filter(|t| counts(t.cluster_arn.as_deref()) && !stopped(t)).collect();
        tasks.sort_by(|a, b| a.task_arn.cmp(&b.task_arn));
        tasks.dedup_by(|a, b| a.task_arn == b.task_arn);

        let arn_of: HashMap<&str, &str> = clusters.keys().copied().chain(region.tasks.iter().filter_map(|t| t.cluster_arn.as_deref())).map(|arn| (name_of(arn), arn)).collect();
        let mut by_task: HashMap<&str, &str> = HashMap::new();
        for task in &region.tasks {
            if let (Some(instance), Some(cluster)) = (task.container_instance_arn.as_deref(), task.cluster_arn.as_deref()) {
                by_task.entry(instance).and_modify(|c| *c = cluster.min(*c)).or_insert(cluster);
            }
        }
        let only = if clusters.len() == 1 { clusters.keys().next().copied() } else { None };
        let mut instances = Vec::new();
        let mut external = Vec::new();
        let mut sorted: Vec<_> = region.container_instances.iter().collect();
        sorted.sort_by(|a, b| a.container_instance_arn.cmp(&b.container_instance_arn));
        sorted.dedup_by(|a, b| a.container_instance_arn == b.container_instance_arn);
        for instance in sorted {
            let arn = instance.container_instance_arn.as_str();
            let named = cluster_in(arn).map(|name| arn_of.get(name).copied().unwrap_or(name));
            let cluster = instance.cluster_arn.as_deref().or(named).or_else(|| by_task.get(arn).copied()).or(only);
            if !counts(cluster) || is(instance.status.as_deref(), "INACTIVE") {
                continue;
            }
            if is_external(instance) {
                external.push(instance);
            } else {
                instances.push((instance, cluster));
            }
        }
        let services_by_name = services.iter().filter_map(|s| Some(((s.cluster_arn.as_deref()?, s.service_name.as_deref().unwrap_or_else(|| name_of(&s.service_arn))), *s))).collect();
        let external_arns = external.iter().map(|i| i.container_instance_arn.as_str()).collect();
        let stand_ins = stand_ins(region, &tasks);
        let guarded = region.service_revisions.iter().filter_map(|r| Some((r.service_arn.as_deref()?, r.guard_duty_enabled?))).collect();
        Self { view, region, scope: scope(view), services, tasks, instances, external, external_arns, services_by_name, stand_ins, guarded, clusters }
    }

    /// Whether a VPC is asked for. One that was not seen may be.
    pub fn in_scope(&self, vpc: Option<&str>) -> bool {
        vpc.is_none_or(|vpc| self.scope.is_none_or(|scope| scope.contains(vpc)))
    }

    /// The clusters that count, by ARN.
    pub fn clusters(&self) -> impl Iterator<Item = &'a ecs::Cluster> + '_ {
        let wanted = &self.view.options.clusters;
        self.region.clusters.iter().filter(|c| !is(c.status.as_deref(), "INACTIVE")).filter(|c| wanted.is_empty() || wanted.contains(&c.cluster_arn) || wanted.contains(name_of(&c.cluster_arn)))
    }

    pub fn cluster(&self, arn: &str) -> Option<&'a ecs::Cluster> {
        self.clusters.get(arn).copied()
    }

    /// The task definition, and whether it is the real one.
    pub fn definition(&self, arn: &'a str) -> (Option<&ecs::TaskDefinition>, bool) {
        match self.region.task_definitions.get(arn).and_then(Answer::output) {
            Some(definition) => (Some(definition), true),
            None => (self.stand_ins.get(arn), false),
        }
    }

    /// The live service that a task belongs to.
    pub fn service_of(&self, task: &ecs::Task) -> Option<&'a ecs::Service> {
        let name = task.group.as_deref()?.strip_prefix("service:")?;
        self.services_by_name.get(&(task.cluster_arn.as_deref()?, name)).copied()
    }

    /// The ARN that stands for a task under `affects`: its service's, else its own. A service that was not seen still has a name.
    pub fn workload_of(&self, task: &ecs::Task) -> String {
        if let Some(service) = self.service_of(task) {
            return service.service_arn.clone();
        }
        let Some(name) = task.group.as_deref().and_then(|g| g.strip_prefix("service:")) else { return task.task_arn.clone() };
        // arn:…:task/CLUSTER/ID, or without the cluster in the old form.
        match (task.task_arn.split_once(":task/"), task.task_arn.matches('/').count()) {
            (Some((head, tail)), 2) => format!("{head}:service/{}/{name}", tail.split('/').next().unwrap_or_default()),
            (Some((head, _)), _) => format!("{head}:service/{name}"),
            (None, _) => task.task_arn.clone(),
        }
    }

    /// Whether a task runs outside AWS.
    pub fn is_external_task(&self, task: &ecs::Task) -> bool {
        is(task.launch_type.as_deref(), "EXTERNAL") || task.container_instance_arn.as_deref().is_some_and(|arn| self.external_arns.contains(arn))
    }

    /// A capacity provider of a cluster: those of Managed Instances belong to one cluster and may share a name.
    pub fn provider(&self, cluster: &str, name: &str) -> Option<&'a ecs::CapacityProvider> {
        let ours = |p: &ecs::CapacityProvider| p.cluster.as_deref().is_none_or(|c| c == cluster || c == name_of(cluster));
        match self.view.index.capacity_providers.get(name).copied().filter(|p| ours(p)) {
            Some(provider) => Some(provider),
            None => self.region.capacity_providers.iter().find(|p| ours(p) && (p.name.as_deref() == Some(name) || p.capacity_provider_arn == name)),
        }
    }

    /// Whether instances of a capacity provider are Managed Instances.
    pub fn is_managed(&self, cluster: &str, provider: Option<&str>) -> bool {
        provider.and_then(|name| self.provider(cluster, name)).is_some_and(|p| p.managed_instances_provider.is_some() || is(p.r#type.as_deref(), "MANAGED_INSTANCES"))
    }

    /// How a launch type or a strategy launches.
    fn launch(&self, cluster: &str, launch_type: Option<&'a str>, strategy: &'a [ecs::CapacityProviderStrategyItem]) -> Option<Launch<'a>> {
        let names: Vec<&str> = strategy.iter().filter_map(|s| s.capacity_provider.as_deref()).collect();
        if !names.is_empty() {
            let fargate = names.iter().all(|n| matches!(*n, "FARGATE" | "FARGATE_SPOT"));
            return Some(if fargate { Launch::Fargate } else { Launch::Providers(names) });
        }
        match launch_type?.to_ascii_uppercase().as_str() {
            "FARGATE" => Some(Launch::Fargate),
            "EXTERNAL" => Some(Launch::External),
            "MANAGED_INSTANCES" => Some(Launch::Managed),
            "EC2" => Some(Launch::Instances),
            _ => None,
        }
        .or_else(|| self.cluster(cluster).and_then(|c| self.launch(cluster, None, &c.default_capacity_provider_strategy)))
    }

    /// The ways in which a service would start tasks now. A service that is being deleted starts none.
    pub fn plans(&self, service: &'a ecs::Service) -> Vec<Plan<'a>> {
        if is(service.status.as_deref(), "DRAINING") {
            return Vec::new();
        }
        let cluster = service.cluster_arn.as_deref().unwrap_or_default();
        let own_network = service.network_configuration.as_ref().and_then(|n| n.awsvpc_configuration.as_ref());
        let launch = |launch_type: Option<&'a str>, strategy: &'a [ecs::CapacityProviderStrategyItem]| {
            self.launch(cluster, launch_type, strategy)
                .or_else(|| self.launch(cluster, service.launch_type.as_deref(), &service.capacity_provider_strategy))
                .or_else(|| self.cluster(cluster).and_then(|c| self.launch(cluster, None, &c.default_capacity_provider_strategy)))
                .unwrap_or(Launch::Instances)
        };
        let mut out: Vec<Plan<'a>> = Vec::new();
        for d in service.deployments.iter().filter(|d| !is(d.status.as_deref(), "INACTIVE")) {
            let Some(definition) = d.task_definition.as_deref().or(service.task_definition.as_deref()) else { continue };
            out.push(Plan {
                service,
                cluster,
                definition,
                launch: launch(d.launch_type.as_deref(), &d.capacity_provider_strategy),
                network: d.network_configuration.as_ref().and_then(|n| n.awsvpc_configuration.as_ref()).or(own_network),
                platform_version: d.platform_version.as_deref().or(service.platform_version.as_deref()),
                platform_family: d.platform_family.as_deref().or(service.platform_family.as_deref()),
                connect: d.service_connect_configuration.as_ref().filter(|c| c.enabled == Some(true)),
            });
        }
        let sets = self.task_sets(service);
        for t in sets.iter().flatten().filter(|t| !is(t.status.as_deref(), "DRAINING")) {
            let Some(definition) = t.task_definition.as_deref() else { continue };
            out.push(Plan {
                service,
                cluster,
                definition,
                launch: launch(t.launch_type.as_deref(), &t.capacity_provider_strategy),
                network: t.network_configuration.as_ref().and_then(|n| n.awsvpc_configuration.as_ref()).or(own_network),
                platform_version: t.platform_version.as_deref().or(service.platform_version.as_deref()),
                platform_family: t.platform_family.as_deref().or(service.platform_family.as_deref()),
                connect: None,
            });
        }
        // Its own settings start nothing where task sets do, and an external controller has no other way.
        if is_controlled(service, "EXTERNAL") || sets.is_some_and(|s| !s.is_empty()) {
            return out;
        }
        let covered = out.iter().any(|p| p.network == own_network);
        if let Some(definition) = service.task_definition.as_deref().or_else(|| out.first().map(|p| p.definition)).filter(|_| out.is_empty() || !covered) {
            out.push(Plan {
                service,
                cluster,
                definition,
                launch: launch(None, &[]),
                network: own_network,
                platform_version: service.platform_version.as_deref(),
                platform_family: service.platform_family.as_deref(),
                connect: out.first().and_then(|p| p.connect),
            });
        }
        out
    }

    /// The task sets of a service, each once, by ARN; `None`: not told. An empty list in the service's own description is all
    /// there is, and so is the absence from a listing that was seen.
    pub fn task_sets(&self, service: &'a ecs::Service) -> Option<Vec<&'a ecs::TaskSet>> {
        let listed = self.region.task_sets.iter().filter(|t| t.service_arn.as_deref() == Some(&service.service_arn));
        let by_arn: BTreeMap<&str, &ecs::TaskSet> = service.task_sets.iter().flatten().chain(listed).map(|t| (t.task_set_arn.as_str(), t)).collect();
        let told = service.task_sets.is_some() || !by_arn.is_empty() || self.view.seen(Action::DescribeTaskSets);
        told.then(|| by_arn.into_values().collect())
    }

    /// Whether tasks of a plan may be placed on an instance.
    pub fn fits(plan: &Plan<'_>, provider: Option<&str>, managed: bool) -> bool {
        match &plan.launch {
            Launch::Fargate | Launch::External => false,
            Launch::Instances => !managed,
            Launch::Managed => managed,
            Launch::Providers(names) => provider.is_some_and(|p| names.contains(&p)),
        }
    }
}

/// The cluster's name in the ARN of a container instance, task or service of the long form.
fn cluster_in(arn: &str) -> Option<&str> {
    let mut parts = arn.split('/');
    let (_, cluster, id) = (parts.next()?, parts.next()?, parts.next());
    id.map(|_| cluster)
}

/// Whether a service is rolled out by that controller.
pub(super) fn is_controlled(service: &ecs::Service, by: &str) -> bool {
    is(service.deployment_controller.as_ref().and_then(|c| c.r#type.as_deref()), by)
}

fn is_external(instance: &ecs::ContainerInstance) -> bool {
    instance.ec2_instance_id.as_deref().is_some_and(|id| id.starts_with("mi-")) || instance.attributes.iter().any(|a| a.name.as_deref() == Some("ecs.capability.external"))
}

/// Value of an attribute.
pub(super) fn attribute<'a>(instance: &'a ecs::ContainerInstance, name: &str) -> Option<&'a str> {
    instance.attributes.iter().find(|a| a.name.as_deref() == Some(name)).and_then(|a| a.value.as_deref())
}

/// What running containers tell of task definitions that were not seen: their images, and whether tasks have an interface.
fn stand_ins<'a>(region: &'a Region, tasks: &[&'a ecs::Task]) -> BTreeMap<&'a str, ecs::TaskDefinition> {
    let mut out: BTreeMap<&str, ecs::TaskDefinition> = BTreeMap::new();
    for task in tasks {
        let Some(arn) = task.task_definition_arn.as_deref().filter(|arn| region.task_definitions.get(*arn).and_then(Answer::output).is_none()) else { continue };
        let definition = out.entry(arn).or_insert_with(|| ecs::TaskDefinition { task_definition_arn: arn.to_owned(), ..Default::default() });
        if task.attachments.iter().any(|a| is(a.r#type.as_deref(), "ElasticNetworkInterface")) {
            definition.network_mode = Some("awsvpc".to_owned());
        }
        for c in &task.containers {
            if definition.container_definitions.iter().all(|d| d.name != c.name || d.image != c.image) {
                definition.container_definitions.push(ecs::ContainerDefinition { name: c.name.clone(), image: c.image.clone(), ..Default::default() });
            }
        }
    }
    out
}
