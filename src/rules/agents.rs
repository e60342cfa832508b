//! Container instances and their agents, as the agent rules see them: where they are, which version they run, whether they
//! have picked up the endpoints.

mod pickup;
mod version;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::actions::Action;
use crate::analysis::{Kind, Path, Placement, Tri, Unseen, View, services};
use crate::inventory::{ec2, ecs};
pub use pickup::{Pickup, picked_up};
pub use version::{Compared, Version};

/// The three endpoints of the agent, in the order in which they should be made.
pub const TRIO: [&str; 3] = ["ecs-agent", "ecs-telemetry", "ecs"];

/// The computer below a container instance.
#[derive(Debug, Clone, Copy)]
pub enum Machine<'a> {
    /// In a network of one's own (ECS Anywhere).
    External,
    /// An EC2 instance.
    Seen(&'a ec2::Instance),
    /// No EC2 instance of this id is left, or it lies outside of what was asked.
    Gone,
    /// DescribeInstances did not answer for it.
    Unseen,
}

/// A container instance in scope.
#[derive(Debug, Clone, Copy)]
pub struct Agent<'a> {
    /// What ECS says of it.
    pub instance: &'a ecs::ContainerInstance,
    /// What EC2 says of it.
    pub machine: Machine<'a>,
    /// Its VPC, if it was seen.
    pub vpc: Option<&'a str>,
}

impl<'a> Agent<'a> {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> &'a str {
        &self.instance.container_instance_arn
    }

    /// Whether it runs Windows.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        attribute(self.instance, "ecs.os-type").is_some_and(|v| v.eq_ignore_ascii_case("windows"))
            || matches!(self.machine, Machine::Seen(m) if m.platform.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("windows")))
    }

    /// Whether its EC2 instance runs; `None`: not seen. An external one is taken to run.
    #[must_use]
    pub fn runs(&self) -> Option<bool> {
        match self.machine {
            Machine::External => Some(true),
            Machine::Gone => Some(false),
            Machine::Unseen => None,
            Machine::Seen(m) => Some(m.state.as_ref().and_then(|s| s.name.as_deref()).is_none_or(|s| s.eq_ignore_ascii_case("running") || s.eq_ignore_ascii_case("pending"))),
        }
    }

    /// Whether ECS counts on it.
    #[must_use]
    pub fn in_service(&self) -> bool {
        self.instance.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("ACTIVE") || s.eq_ignore_ascii_case("DRAINING"))
    }
}

/// An attribute of a container instance.
#[must_use]
pub fn attribute<'a>(instance: &'a ecs::ContainerInstance, name: &str) -> Option<&'a str> {
    instance.attributes.iter().find(|a| a.name.as_deref() == Some(name)).map(|a| a.value.as_deref().unwrap_or_default())
}

/// Whether a container instance is one of ECS Anywhere
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html>).
#[must_use]
pub fn is_external(instance: &ecs::ContainerInstance) -> bool {
    instance.ec2_instance_id.as_deref().is_some_and(|id| id.starts_with("mi-")) || attribute(instance, "ecs.capability.external").is_some()
}

/// The VPC of a container instance: as EC2 says, else as the agent registered it.
#[must_use]
pub fn vpc_of<'a>(view: &'a View<'_>, instance: &'a ecs::ContainerInstance) -> Option<&'a str> {
    let machine = instance.ec2_instance_id.as_deref().and_then(|id| view.index.instances.get(id));
    machine
        .and_then(|m| m.vpc_id.as_deref())
        .or_else(|| attribute(instance, "ecs.vpc-id"))
        .or_else(|| view.index.subnets.get(attribute(instance, "ecs.subnet-id")?).map(|s| s.vpc_id.as_str()))
        .filter(|v| !v.is_empty())
}

/// The cluster of a container instance, by ARN.
#[must_use]
pub fn cluster_of(view: &View<'_>, instance: &ecs::ContainerInstance) -> Option<String> {
    instance.cluster_arn.clone().or_else(|| {
        let mut parts = instance.container_instance_arn.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(_), Some(cluster), Some(_)) => Some(view.index.arn("ecs", &format!("cluster/{cluster}"))),
            _ => None,
        }
    })
}

/// Whether the cluster is asked for and alive.
#[must_use]
pub fn cluster_in_scope(view: &View<'_>, cluster: Option<&str>) -> bool {
    let Some(cluster) = cluster else { return true };
    let name = cluster.rsplit('/').next().unwrap_or(cluster);
    let wanted = &view.options.clusters;
    (wanted.is_empty() || wanted.contains(cluster) || wanted.contains(name)) && view.index.clusters.get(cluster).is_none_or(|c| c.status.as_deref().is_none_or(|s| !s.eq_ignore_ascii_case("INACTIVE")))
}

/// All container instances in scope that are not on their way out, sorted by ARN. External ones only where no VPC was asked for.
#[must_use]
pub fn all<'a>(view: &'a View<'_>) -> Vec<Agent<'a>> {
    let mut agents: Vec<Agent<'a>> = view
        .region
        .container_instances
        .iter()
        .filter(|i| !i.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("INACTIVE") || s.eq_ignore_ascii_case("DEREGISTERING")))
        .filter(|i| cluster_in_scope(view, cluster_of(view, i).as_deref()))
        .map(|instance| {
            let machine = if is_external(instance) {
                Machine::External
            } else {
                match instance.ec2_instance_id.as_deref().and_then(|id| view.index.instances.get(id)) {
                    Some(m) => Machine::Seen(m),
                    None if instance.ec2_instance_id.is_some() && view.seen(Action::DescribeInstances) => Machine::Gone,
                    None => Machine::Unseen,
                }
            };
            Agent { instance, machine, vpc: vpc_of(view, instance) }
        })
        .filter(|a| match a.machine {
            Machine::External => view.options.vpcs.is_empty(),
            _ => a.vpc.is_none_or(|v| view.vpcs.iter().any(|x| x == v)),
        })
        .collect();
    agents.sort_by(|a, b| a.arn().cmp(b.arn()));
    agents
}

/// Agents by the ARN of their cluster; by their own ARN where it is not known.
#[must_use]
pub fn by_cluster<'a>(view: &View<'_>, agents: Vec<Agent<'a>>) -> BTreeMap<String, Vec<Agent<'a>>> {
    let mut clusters: BTreeMap<String, Vec<Agent<'a>>> = BTreeMap::new();
    for agent in agents {
        let cluster = cluster_of(view, agent.instance).unwrap_or_else(|| agent.arn().to_owned());
        clusters.entry(cluster).or_default().push(agent);
    }
    clusters
}

/// The endpoints of the agent in a VPC that are usable, in the order of [`TRIO`]. Of several, the one with private DNS, then the
/// oldest.
#[must_use]
pub fn trio_of<'a>(view: &'a View<'_>, vpc: &str) -> [Option<&'a ec2::VpcEndpoint>; 3] {
    let region = &view.region.region;
    TRIO.map(|short| {
        view.index
            .endpoints_of_vpc
            .get(vpc)
            .into_iter()
            .flatten()
            .copied()
            .filter(|e| e.service_name.as_deref().is_some_and(|n| services::is_service(n, region, short)) && e.service_region.as_ref().is_none_or(|r| r == region))
            .filter(|e| e.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("available")))
            .min_by_key(|e| (e.private_dns_enabled != Some(true), e.creation_timestamp, e.vpc_endpoint_id.as_str()))
    })
}

/// Which paths a workload has, by its ARN.
#[derive(Debug)]
pub struct Ways<'a> {
    placements: &'a [Placement],
    of_member: HashMap<&'a str, Vec<usize>>,
    of_placement: HashMap<usize, Vec<&'a Path>>,
}

impl<'a> Ways<'a> {
    /// Indexes all paths of a view.
    #[must_use]
    pub fn new(view: &'a View<'_>) -> Self {
        let mut of_member: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, placement) in view.placements.iter().enumerate() {
            for member in &placement.members {
                of_member.entry(member).or_default().push(i);
            }
        }
        let mut of_placement: HashMap<usize, Vec<&Path>> = HashMap::new();
        for path in &view.paths {
            of_placement.entry(path.placement).or_default().push(path);
        }
        Self { placements: &view.placements, of_member, of_placement }
    }

    /// The placements of a workload.
    pub fn placements(&self, member: &str) -> impl Iterator<Item = &'a Placement> {
        self.of_member.get(member).into_iter().flatten().filter_map(|i| self.placements.get(*i))
    }

    /// The paths of a workload to services for which `wanted` holds, with the service's short name.
    pub fn paths(&self, member: &str, wanted: impl Fn(&str) -> bool) -> Vec<(&'a str, &'a Path)> {
        let placements = self.of_member.get(member).into_iter().flatten();
        placements
            .flat_map(|i| self.of_placement.get(i).into_iter().flatten())
            .filter_map(|p| Some((self.placements.get(p.placement)?.needs.get(p.need)?.service.as_str(), *p)))
            .filter(|(service, _)| wanted(service))
            .collect()
    }

    /// The paths of an agent to its three endpoints.
    #[must_use]
    pub fn control(&self, instance: &str) -> Vec<(&'a str, &'a Path)> {
        self.paths(instance, |s| TRIO.contains(&s))
    }
}

/// What was not seen of paths that are unknown.
#[must_use]
pub fn unseen_of(paths: &[(&str, &Path)]) -> BTreeSet<Unseen> {
    let mut unseen: BTreeSet<Unseen> = paths.iter().filter(|(_, p)| p.verdict == Tri::Unknown).flat_map(|(_, p)| &p.causes).flat_map(|c| c.unseen.iter().cloned()).collect();
    if unseen.is_empty() {
        unseen.insert(Unseen::Datum("the paths of the agents to their endpoints".to_owned()));
    }
    unseen
}

/// Whether a placement holds agents.
#[must_use]
pub const fn holds_agents(placement: &Placement) -> bool {
    matches!(placement.kind, Kind::ContainerInstance | Kind::ManagedInstance)
}
