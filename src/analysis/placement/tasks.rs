//! Tasks with an interface of their own, and subnets of services in which none of their tasks runs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::deriver::{Connect, Deriver, Flavour};
use super::group::{Groups, Part, Place};
use super::unseen::{Ledger, Placeless, guard_duty};
use super::world::{Launch, Plan, World};
use crate::actions::Action;
use crate::analysis::needs::Platform;
use crate::analysis::{Kind, Os, Unseen};
use crate::inventory::ecs;

/// What tasks bring to the instance that they run on: by container instance, the derived needs and the workload behind each.
pub(super) type Riders<'a> = HashMap<&'a str, BTreeSet<(Rider<'a>, String)>>;

/// A task on an instance, as far as its needs depend on it; the instance's own profile is filled in later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Rider<'a> {
    pub definition: &'a str,
    pub cluster: &'a str,
    pub exec: bool,
    /// Index of the plan that Service Connect comes from, in [`World::plans`] of the service.
    pub connect: Option<(&'a str, usize)>,
}

/// `ElasticNetworkInterface` attachment of a task.
struct Interface<'a> {
    id: Option<&'a str>,
    subnet: Option<&'a str>,
    addresses: Vec<IpAddr>,
}

fn interface(task: &ecs::Task) -> Option<Interface<'_>> {
    let attachment = task.attachments.iter().find(|a| a.r#type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("ElasticNetworkInterface") || t.eq_ignore_ascii_case("eni")))?;
    let detail = |name: &str| attachment.details.iter().find(|d| d.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name))).and_then(|d| d.value.as_deref());
    let mut addresses: Vec<IpAddr> = ["privateIPv4Address", "ipv6Address", "privateIPv6Address"].iter().filter_map(|n| detail(n)?.parse().ok()).collect();
    for c in task.containers.iter().flat_map(|c| &c.network_interfaces) {
        addresses.extend([&c.private_ipv4_address, &c.ipv6_address].into_iter().flatten().filter_map(|a| a.parse::<IpAddr>().ok()));
    }
    addresses.sort();
    addresses.dedup();
    Some(Interface { id: detail("networkInterfaceId"), subnet: detail("subnetId"), addresses })
}

/// Whether a platform version is that of old Linux platforms; `None`: not told.
pub(super) fn is_old(version: Option<&str>, windows: bool) -> Option<bool> {
    if windows {
        return Some(false);
    }
    let version = version?.trim();
    if version.eq_ignore_ascii_case("LATEST") {
        return Some(false);
    }
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let major = numbers.next()?.ok()?;
    let minor = numbers.next()?.ok()?;
    Some((major, minor) < (1, 4))
}

fn is_windows(world: &World<'_>, family: Option<&str>, definition: &str) -> bool {
    let starts = |text: &str| text.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("windows"));
    let defined = world.region.task_definitions.get(definition).and_then(|a| a.output()).and_then(|d| d.runtime_platform.as_ref()).and_then(|r| r.operating_system_family.as_deref());
    family.is_some_and(starts) || defined.is_some_and(starts)
}

/// Whether a task runs on Fargate.
fn on_fargate(task: &ecs::Task) -> bool {
    task.container_instance_arn.is_none()
        && (task.launch_type.as_deref().is_some_and(|l| l.eq_ignore_ascii_case("FARGATE")) || task.capacity_provider_name.as_deref().is_some_and(|c| matches!(c, "FARGATE" | "FARGATE_SPOT")))
}

/// The subnet's VPC, and why it is not known.
fn vpc_of(world: &World<'_>, subnet: Option<&str>, interface: Option<&str>) -> (Option<String>, Option<Unseen>) {
    let index = &world.view.index;
    let by_subnet = subnet.and_then(|s| index.subnets.get(s)).map(|s| s.vpc_id.clone());
    let vpc = by_subnet.or_else(|| interface.and_then(|i| index.interfaces.get(i)).and_then(|i| i.vpc_id.clone()));
    let unseen = match (&vpc, subnet) {
        (Some(_), _) => None,
        (None, Some(subnet)) if world.view.seen(Action::DescribeSubnets) => Some(Unseen::Elsewhere(format!("VPC of subnet {subnet}, which DescribeSubnets does not name"))),
        (None, Some(_)) => Some(Unseen::Action(Action::DescribeSubnets)),
        (None, None) => Some(Unseen::Action(Action::DescribeTasks)),
    };
    (vpc, unseen)
}

/// Whether a place lies outside of what was asked for. A subnet that a filtered listing does not name lies in another VPC.
pub(super) fn outside(world: &World<'_>, vpc: Option<&str>, subnet: Option<&str>) -> bool {
    if vpc.is_some() {
        return !world.in_scope(vpc);
    }
    world.region.vpc_scope.is_some() && subnet.is_some() && world.view.seen(Action::DescribeSubnets)
}

/// Groups that were configured; none is the VPC's default group.
pub(super) fn configured_groups(world: &World<'_>, named: &[String], vpc: Option<&str>) -> (Vec<String>, Option<Unseen>) {
    let mut groups = named.to_vec();
    groups.sort();
    groups.dedup();
    if !groups.is_empty() {
        return (groups, None);
    }
    match vpc.and_then(|v| world.view.index.default_group_of_vpc.get(v)) {
        Some(group) => (vec![group.group_id.clone()], None),
        None if world.view.seen(Action::DescribeSecurityGroups) => (Vec::new(), Some(Unseen::Elsewhere(format!("the default security group of {}", vpc.unwrap_or("a VPC that was not seen"))))),
        None => (Vec::new(), Some(Unseen::Action(Action::DescribeSecurityGroups))),
    }
}

/// What watches tasks beside what their task definition names.
pub(super) fn riding_along(world: &World<'_>, definition: &str, tasks: &HashMap<&str, Vec<&ecs::Task>>) -> Vec<(String, String)> {
    let guard = |name: &str, image: &str| name.starts_with("aws-guardduty-agent") || image.contains("aws-guardduty-agent");
    let named: HashSet<&str> =
        world.region.task_definitions.get(definition).and_then(|a| a.output()).into_iter().flat_map(|d| d.container_definitions.iter().filter_map(|c| c.name.as_deref())).collect();
    let mut out: Vec<(String, String)> = tasks
        .get(definition)
        .into_iter()
        .flatten()
        .flat_map(|t| &t.containers)
        .filter_map(|c| Some((c.name.as_deref().unwrap_or_default(), c.image.as_deref()?)))
        .filter(|(name, image)| guard(name, image) && !named.contains(name))
        // The name ends in an id of its own for each task.
        .map(|(_, image)| ("aws-guardduty-agent".to_owned(), image.to_owned()))
        .collect();
    out.sort();
    out.dedup();
    out
}

/// A way in which tasks run on Fargate.
#[derive(Debug, Clone, Copy)]
struct Running<'a> {
    definition: &'a str,
    cluster: &'a str,
    old: Option<bool>,
    exec: bool,
    connect: Option<&'a ecs::ServiceConnectConfiguration>,
    service: Option<&'a str>,
}

/// What of Fargate tasks their task definition does not tell, by task definition.
struct Fargates<'a> {
    by_definition: HashMap<&'a str, Vec<&'a ecs::Task>>,
    watched: HashMap<&'a str, Vec<(String, String)>>,
}

impl<'a> Fargates<'a> {
    fn new(world: &World<'a>) -> Self {
        let mut by_definition: HashMap<&str, Vec<&ecs::Task>> = HashMap::new();
        for task in world.tasks.iter().copied().filter(|t| on_fargate(t)) {
            by_definition.entry(task.task_definition_arn.as_deref().unwrap_or_default()).or_default().push(task);
        }
        Self { by_definition, watched: HashMap::new() }
    }

    fn flavour(&mut self, world: &World<'a>, run: Running<'a>) -> Flavour<'a> {
        let by_definition = &self.by_definition;
        let sidecars = self.watched.entry(run.definition).or_insert_with(|| riding_along(world, run.definition, by_definition)).clone();
        let guard_duty = if sidecars.is_empty() { guard_duty(world, run.cluster, true, run.service) } else { Some("GuardDuty's agent in its tasks".to_owned()) };
        Flavour {
            definition: run.definition,
            cluster: run.cluster,
            platform: Platform::Fargate { old: run.old },
            exec: run.exec,
            connect: Connect(run.connect),
            instance_profile: None,
            guard_duty,
            sidecars,
        }
    }

    fn of_plan(&mut self, world: &World<'a>, plan: &Plan<'a>) -> Flavour<'a> {
        let windows = is_windows(world, plan.platform_family, plan.definition);
        // A service without a platform version runs on the latest.
        let old = is_old(plan.platform_version.or(Some("LATEST")), windows);
        let service = plan.service;
        let exec = service.enable_execute_command == Some(true);
        self.flavour(world, Running { definition: plan.definition, cluster: plan.cluster, old, exec, connect: plan.connect, service: Some(&service.service_arn) })
    }
}

/// Places live tasks; hands back what those on instances bring there.
pub(super) fn place<'a>(world: &'a World<'a>, deriver: &mut Deriver<'a>, groups: &mut Groups, ledger: &mut Ledger) -> Riders<'a> {
    let plans: HashMap<&str, Vec<Plan<'a>>> = world.services.iter().map(|s| (s.service_arn.as_str(), world.plans(s))).collect();
    let known: HashSet<&str> = world.instances.iter().map(|(i, _)| i.container_instance_arn.as_str()).collect();
    let mut placer = Placer { world, deriver, groups, ledger, fargates: Fargates::new(world), riders: Riders::new(), known };
    for task in world.tasks.iter().copied().filter(|t| !world.is_external_task(t)) {
        let Some(definition) = task.task_definition_arn.as_deref() else { continue };
        let service = world.service_of(task);
        let plans = service.and_then(|s| plans.get(s.service_arn.as_str())).map_or(&[][..], Vec::as_slice);
        let live = Live { task, definition, cluster: task.cluster_arn.as_deref().unwrap_or_default(), service, plans, workload: world.workload_of(task) };
        if on_fargate(task) {
            placer.fargate(&live);
        } else {
            placer.on_instance(&live);
        }
    }
    placer.riders
}

/// The flavour of a task on an instance.
pub(super) fn instance_flavour<'a>(rider: Rider<'a>, plans: &[Plan<'a>], instance_profile: Option<&'a str>) -> Flavour<'a> {
    let connect = rider.connect.and_then(|(_, i)| plans.get(i)).and_then(|p| p.connect);
    Flavour {
        definition: rider.definition,
        cluster: rider.cluster,
        platform: Platform::Instance,
        exec: rider.exec,
        connect: Connect(connect),
        instance_profile,
        guard_duty: None,
        sidecars: Vec::new(),
    }
}

/// A live task with what is known of it.
struct Live<'p, 'a> {
    task: &'a ecs::Task,
    definition: &'a str,
    cluster: &'a str,
    service: Option<&'a ecs::Service>,
    /// How its service starts tasks now.
    plans: &'p [Plan<'a>],
    /// ARN that stands for it.
    workload: String,
}

impl Live<'_, '_> {
    /// The plan that Service Connect of the task comes from.
    fn connected(&self) -> Option<usize> {
        self.plans.iter().position(|p| p.definition == self.definition && p.connect.is_some())
    }

    fn exec(&self) -> bool {
        self.task.enable_execute_command == Some(true)
    }
}

/// Places tasks one by one.
struct Placer<'w, 'a> {
    world: &'a World<'a>,
    deriver: &'w mut Deriver<'a>,
    groups: &'w mut Groups,
    ledger: &'w mut Ledger,
    fargates: Fargates<'a>,
    riders: Riders<'a>,
    /// Container instances that are placed.
    known: HashSet<&'a str>,
}

impl<'a> Placer<'_, 'a> {
    fn on_instance(&mut self, live: &Live<'_, 'a>) {
        let world = self.world;
        let task = live.task;
        let connect = live.connected().and_then(|i| Some((live.service?.service_arn.as_str(), i)));
        let rider = Rider { definition: live.definition, cluster: live.cluster, exec: live.exec(), connect };
        match task.container_instance_arn.as_deref() {
            Some(instance) if self.known.contains(instance) => {
                self.riders.entry(instance).or_default().insert((rider, live.workload.clone()));
            }
            // Its service is placed wherever an instance could take it.
            None if live.service.is_some() => return,
            on => {
                let unseen = match on {
                    Some(_) if !world.view.seen(Action::DescribeContainerInstances) => Unseen::Action(Action::DescribeContainerInstances),
                    Some(instance) => Unseen::Elsewhere(format!("container instance {instance}")),
                    None => Unseen::Datum(format!("the instance that {} will run on", task.task_arn)),
                };
                let derived = self.deriver.id(instance_flavour(rider, live.plans, None));
                self.ledger.placeless.push(Placeless { derived, workloads: BTreeSet::from([live.workload.clone()]), unseen });
            }
        }
        if let Some(interface) = interface(task) {
            let profile = super::instances::profile_of(world, task.container_instance_arn.as_deref());
            let derived = self.deriver.id(instance_flavour(rider, live.plans, profile));
            if !self.deriver.get(derived).task.is_empty() {
                self.add(live, &interface, Kind::AwsvpcTask, vec![Part::Task(derived)]);
            }
        }
    }

    fn fargate(&mut self, live: &Live<'_, 'a>) {
        let world = self.world;
        let task = live.task;
        let windows = is_windows(world, task.platform_family.as_deref(), live.definition);
        let planned = live.plans.iter().find(|p| p.definition == live.definition).and_then(|p| p.platform_version);
        let run = Running {
            definition: live.definition,
            cluster: live.cluster,
            old: is_old(task.platform_version.as_deref().or(planned), windows),
            exec: live.exec(),
            connect: live.connected().and_then(|i| live.plans.get(i)).and_then(|p| p.connect),
            service: live.service.map(|s| s.service_arn.as_str()),
        };
        let mut parts = vec![Part::Task(self.deriver.id(self.fargates.flavour(world, run)))];
        let Some(interface) = interface(task) else {
            // A standalone task without an interface is yet to be placed; a service is placed in its subnets.
            if live.service.is_none() {
                self.add(live, &Interface { id: None, subnet: None, addresses: Vec::new() }, Kind::FargateTask, parts);
            }
            return;
        };
        // A deployment under way whose tasks do not come up needs what it needs in the same subnets.
        for plan in live.plans.iter().filter(|p| p.launch == Launch::Fargate && uses(p, interface.subnet)) {
            parts.push(Part::Task(self.deriver.id(self.fargates.of_plan(world, plan))));
        }
        self.add(live, &interface, Kind::FargateTask, parts);
    }

    fn add(&mut self, live: &Live<'_, 'a>, interface: &Interface<'_>, kind: Kind, parts: Vec<Part>) {
        let world = self.world;
        let task = live.task;
        let seen = interface.id.and_then(|id| world.view.index.interfaces.get(id));
        let subnet = interface.subnet.or_else(|| seen.and_then(|i| i.subnet_id.as_deref()));
        let (vpc, place_unseen) = vpc_of(world, subnet, interface.id);
        if outside(world, vpc.as_deref(), subnet) {
            return;
        }
        let network = live.plans.iter().find(|p| uses(p, subnet)).and_then(|p| p.network);
        let fargate = kind == Kind::FargateTask;
        let (groups, groups_unseen) = match (seen, network) {
            (Some(i), _) if !i.groups.is_empty() => configured_groups(world, &i.groups.iter().filter_map(|g| g.group_id.clone()).collect::<Vec<_>>(), vpc.as_deref()),
            (_, Some(network)) => configured_groups(world, &network.security_groups, vpc.as_deref()),
            _ => (Vec::new(), Some(Unseen::Action(Action::DescribeNetworkInterfaces))),
        };
        let public_ip = match (fargate, seen) {
            // Tasks on instances never get one.
            (false, _) => Some(false),
            (true, Some(i)) => Some(i.association.as_ref().is_some_and(|a| a.public_ip.is_some())),
            (true, None) => network.map(assigned),
        };
        let mut addresses = interface.addresses.clone();
        if let Some(i) = seen {
            addresses.extend(i.private_ip_address.iter().chain(i.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.as_ref())).filter_map(|a| a.parse::<IpAddr>().ok()));
            addresses.sort();
            addresses.dedup();
        }
        let os = if is_windows(world, task.platform_family.as_deref(), live.definition) { Os::Windows } else { Os::Linux };
        let place = Place { kind, vpc, subnet: subnet.map(str::to_owned), place_unseen, groups, groups_unseen, public_ip, os, fargate };
        let profile = self.groups.profile(self.deriver, parts.clone());
        self.groups.add(place, profile, Some(&task.task_arn), &addresses, None, parts.into_iter().map(|p| (p, live.workload.clone())));
    }
}

/// Whether a plan may start tasks in a subnet.
fn uses(plan: &Plan<'_>, subnet: Option<&str>) -> bool {
    plan.network.is_some_and(|n| subnet.is_some_and(|s| n.subnets.iter().any(|x| x == s)))
}

fn assigned(network: &ecs::AwsvpcConfiguration) -> bool {
    network.assign_public_ip.as_deref().is_some_and(|a| a.eq_ignore_ascii_case("ENABLED"))
}

/// Places services in those of their subnets in which none of their tasks runs.
pub(super) fn place_services<'a>(world: &'a World<'a>, deriver: &mut Deriver<'a>, groups: &mut Groups, ledger: &mut Ledger) {
    let mut busy: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for task in &world.tasks {
        if let Some(service) = world.service_of(task)
            && let Some(subnet) = interface(task).and_then(|i| i.subnet.or_else(|| i.id.and_then(|id| world.view.index.interfaces.get(id)).and_then(|i| i.subnet_id.as_deref())))
        {
            busy.entry(service.service_arn.as_str()).or_default().insert(subnet);
        }
    }
    let mut fargates = Fargates::new(world);
    let none = BTreeSet::new();
    for service in world.services.iter().copied() {
        let busy = busy.get(service.service_arn.as_str()).unwrap_or(&none);
        // One placement a subnet and configuration, with the needs of all plans that share it.
        let mut spots: BTreeMap<Place, Vec<Part>> = BTreeMap::new();
        for plan in world.plans(service) {
            let fargate = plan.launch == Launch::Fargate;
            if plan.launch == Launch::External {
                continue;
            }
            let derived = if fargate {
                deriver.id(fargates.of_plan(world, &plan))
            } else {
                let rider = Rider { definition: plan.definition, cluster: plan.cluster, exec: service.enable_execute_command == Some(true), connect: Some((&service.service_arn, 0)) };
                deriver.id(instance_flavour(rider, std::slice::from_ref(&plan), None))
            };
            let Some(network) = plan.network else {
                if fargate && busy.is_empty() {
                    let what = Unseen::Elsewhere(format!("network configuration of {}", service.service_arn));
                    ledger.placeless.push(Placeless { derived, workloads: BTreeSet::from([service.service_arn.clone()]), unseen: what });
                }
                continue;
            };
            if !fargate && deriver.get(derived).task.is_empty() {
                continue;
            }
            for subnet in network.subnets.iter().filter(|s| !busy.contains(s.as_str())) {
                let (vpc, place_unseen) = vpc_of(world, Some(subnet), None);
                if outside(world, vpc.as_deref(), Some(subnet)) {
                    continue;
                }
                let (security_groups, groups_unseen) = configured_groups(world, &network.security_groups, vpc.as_deref());
                let os = if is_windows(world, plan.platform_family, plan.definition) { Os::Windows } else { Os::Linux };
                let public_ip = Some(fargate && assigned(network));
                let place = Place { kind: Kind::Service, vpc, subnet: Some(subnet.clone()), place_unseen, groups: security_groups, groups_unseen, public_ip, os, fargate };
                spots.entry(place).or_default().push(Part::Task(derived));
            }
        }
        for (place, parts) in spots {
            let profile = groups.profile(deriver, parts.clone());
            groups.add(place, profile, None, &[], None, parts.into_iter().map(|p| (p, service.service_arn.clone())));
        }
    }
}
