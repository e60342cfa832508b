//! What people start and change: services with their tasks, and tasks that stand alone.

use std::collections::{BTreeMap, BTreeSet};

use super::agents;
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::inventory::ecs::{CapacityProviderStrategyItem, ContainerDefinition, Service, Task, TaskDefinition};

/// A service with its live tasks, or a task that stands alone.
#[derive(Debug)]
pub struct Unit<'a> {
    /// ARN of the service or task.
    pub arn: &'a str,
    /// The service; `None`: a task alone.
    pub service: Option<&'a Service>,
    /// Live tasks.
    pub tasks: Vec<&'a Task>,
    /// Whether it runs on Fargate.
    pub fargate: bool,
}

impl<'a> Unit<'a> {
    /// ARNs of the task definitions that run or would be started.
    #[must_use]
    pub fn definition_arns(&self) -> BTreeSet<&'a str> {
        let of_service = self.service.into_iter().flat_map(|s| {
            let deployed = s.deployments.iter().filter(|d| !d.status.as_deref().is_some_and(|x| x.eq_ignore_ascii_case("INACTIVE")));
            s.task_definition.as_deref().into_iter().chain(deployed.filter_map(|d| d.task_definition.as_deref()))
        });
        of_service.chain(self.tasks.iter().filter_map(|t| t.task_definition_arn.as_deref())).collect()
    }

    /// Those of them that were seen, and whether all were.
    #[must_use]
    pub fn definitions(&self, view: &'a View<'_>) -> (Vec<&'a TaskDefinition>, BTreeSet<Unseen>) {
        let (mut found, mut unseen) = (Vec::new(), BTreeSet::new());
        for arn in self.definition_arns() {
            match view.region.task_definitions.get(arn).and_then(|a| a.output()) {
                Some(definition) => found.push(definition),
                None => {
                    unseen.insert(Unseen::Action(Action::DescribeTaskDefinition));
                }
            }
        }
        (found, unseen)
    }

    /// Whether Service Connect is on.
    #[must_use]
    pub fn connects(&self) -> bool {
        self.service.is_some_and(|s| s.deployments.iter().any(|d| d.service_connect_configuration.as_ref().is_some_and(|c| c.enabled == Some(true))))
    }

    /// Subnets in which it runs or may.
    #[must_use]
    pub fn subnets(&self) -> BTreeSet<&'a str> {
        let configured = self.service.into_iter().flat_map(|s| s.network_configuration.iter().chain(s.deployments.iter().filter_map(|d| d.network_configuration.as_ref())));
        let configured = configured.filter_map(|n| n.awsvpc_configuration.as_ref()).flat_map(|a| a.subnets.iter().map(String::as_str));
        let attached = self.tasks.iter().flat_map(|t| &t.attachments).flat_map(|a| &a.details).filter(|d| d.name.as_deref() == Some("subnetId")).filter_map(|d| d.value.as_deref());
        configured.chain(attached).collect()
    }

    /// Whether some of its subnets have IPv6 alone.
    #[must_use]
    pub fn ipv6_only(&self, view: &View<'_>) -> bool {
        self.subnets().iter().any(|s| view.index.subnets.get(s).is_some_and(|s| s.ipv6_native == Some(true)))
    }
}

/// All services and lone tasks in scope, sorted by ARN. Inactive services and stopped tasks are none.
#[must_use]
pub fn all<'a>(view: &'a View<'_>) -> Vec<Unit<'a>> {
    let region = view.region;
    let mut tasks_of: BTreeMap<(&str, &str), Vec<&Task>> = BTreeMap::new();
    let mut alone = Vec::new();
    let known: BTreeSet<(&str, &str)> = region.services.iter().filter_map(|s| Some((s.cluster_arn.as_deref()?, s.service_name.as_deref()?))).collect();
    for task in region.tasks.iter().filter(|t| is_live(t)) {
        match (task.cluster_arn.as_deref(), task.group.as_deref().and_then(|g| g.strip_prefix("service:"))) {
            (Some(cluster), Some(service)) if known.contains(&(cluster, service)) => tasks_of.entry((cluster, service)).or_default().push(task),
            _ => alone.push(task),
        }
    }
    let placed: Option<BTreeSet<&str>> = (!view.options.vpcs.is_empty()).then(|| {
        let here = view.placements.iter().flat_map(|p| p.workloads.iter().chain(&p.members).chain(p.needs.iter().flat_map(|n| n.workloads.iter())));
        here.map(String::as_str).collect()
    });
    let in_scope = |arn: &str, cluster: Option<&str>| agents::cluster_in_scope(view, cluster) && placed.as_ref().is_none_or(|p| p.contains(arn));
    let services = region
        .services
        .iter()
        .filter(|s| !s.status.as_deref().is_some_and(|x| x.eq_ignore_ascii_case("INACTIVE")))
        .filter(|s| in_scope(&s.service_arn, s.cluster_arn.as_deref()))
        .map(|s| {
            let tasks = s.cluster_arn.as_deref().zip(s.service_name.as_deref()).and_then(|key| tasks_of.remove(&key)).unwrap_or_default();
            let fargate = service_on_fargate(view, s) || tasks.iter().any(|t| on_fargate(t));
            Unit { arn: &s.service_arn, service: Some(s), tasks, fargate }
        })
        .collect::<Vec<_>>();
    let lone = alone.into_iter().filter(|t| in_scope(&t.task_arn, t.cluster_arn.as_deref())).map(|t| Unit { arn: &t.task_arn, service: None, tasks: vec![t], fargate: on_fargate(t) });
    let mut units: Vec<Unit<'a>> = services.into_iter().chain(lone).collect();
    units.sort_by(|a, b| a.arn.cmp(b.arn));
    units
}

fn is_live(task: &Task) -> bool {
    !task.last_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("STOPPED"))
}

fn is_fargate_provider(name: &str) -> bool {
    matches!(name, "FARGATE" | "FARGATE_SPOT")
}

/// Whether a task runs on Fargate.
#[must_use]
pub fn on_fargate(task: &Task) -> bool {
    task.launch_type.as_deref().is_some_and(|l| l.eq_ignore_ascii_case("FARGATE")) || task.capacity_provider_name.as_deref().is_some_and(is_fargate_provider)
}

fn service_on_fargate(view: &View<'_>, service: &Service) -> bool {
    let any = |strategy: &[CapacityProviderStrategyItem]| strategy.iter().filter_map(|i| i.capacity_provider.as_deref()).any(is_fargate_provider);
    if let Some(launch) = service.launch_type.as_deref().filter(|l| !l.is_empty()) {
        return launch.eq_ignore_ascii_case("FARGATE");
    }
    if !service.capacity_provider_strategy.is_empty() {
        return any(&service.capacity_provider_strategy);
    }
    service.cluster_arn.as_deref().and_then(|c| view.index.clusters.get(c)).is_some_and(|c| any(&c.default_capacity_provider_strategy))
}

/// How containers of a definition are called.
#[must_use]
pub fn container_name(container: &ContainerDefinition) -> &str {
    container.name.as_deref().unwrap_or("without a name")
}

/// How a Fargate platform version stands to 1.4.0, from which on tasks use an interface of their own for everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// 1.4.0 or newer, or Windows, which began with it.
    Current,
    /// 1.3.0 or older.
    Old,
    /// Not told, or in no form that is known.
    Unknown,
}

/// Reads a platform version.
#[must_use]
pub fn platform(version: Option<&str>, windows: bool) -> Platform {
    let Some(version) = version.map(str::trim).filter(|v| !v.is_empty()) else { return Platform::Unknown };
    if version.eq_ignore_ascii_case("LATEST") || windows {
        return Platform::Current;
    }
    let mut parts = version.split('.').map(str::parse::<u64>);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor)), Some(Ok(_)), None) => {
            if (major, minor) >= (1, 4) {
                Platform::Current
            } else {
                Platform::Old
            }
        }
        _ => Platform::Unknown,
    }
}

/// Whether a platform family, or the task definition's operating system, is Windows.
#[must_use]
pub fn is_windows(family: Option<&str>, definitions: &[&TaskDefinition]) -> bool {
    let starts = |text: &str| text.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("windows"));
    family.is_some_and(starts) || definitions.iter().any(|d| d.runtime_platform.as_ref().and_then(|r| r.operating_system_family.as_deref()).is_some_and(starts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_versions() {
        for (version, expected) in [
            (Some("1.4.0"), Platform::Current),
            (Some("LATEST"), Platform::Current),
            (Some("latest"), Platform::Current),
            (Some("1.10.0"), Platform::Current),
            (Some("1.3.0"), Platform::Old),
            (Some("1.0.0"), Platform::Old),
            (Some("1.4"), Platform::Unknown),
            (Some("new"), Platform::Unknown),
            (Some(""), Platform::Unknown),
            (None, Platform::Unknown),
        ] {
            assert_eq!(platform(version, false), expected, "{version:?}");
        }
        assert_eq!(platform(Some("1.0.0"), true), Platform::Current);
    }
}
