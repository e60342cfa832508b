//! Container instances at their primary interface, with the needs of their agents and of the tasks that run or may be placed
//! on them; and subnets in which Managed Instances would be launched.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::deriver::Deriver;
use super::group::{Groups, Part, Place};
use super::tasks::{Rider, Riders, configured_groups, instance_flavour, outside};
use super::unseen::{Ledger, Placeless};
use super::world::{Launch, Plan, World, attribute, name_of};
use crate::actions::Action;
use crate::analysis::needs::Hint;
use crate::analysis::{Kind, Os, Unseen};
use crate::inventory::{ec2, ecs};

/// What decides which needs all instances of a kind share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct BaseKey<'a> {
    cluster: &'a str,
    provider: Option<&'a str>,
    os: Os,
    profile: Option<&'a str>,
    draining: bool,
    managed: bool,
}

/// Needs that all instances of a kind share: agent, and services whose tasks may be placed there.
#[derive(Debug, Clone)]
struct Base {
    agent: Part,
    parts: Arc<BTreeMap<Part, BTreeSet<String>>>,
    shared: usize,
    profile: usize,
}

/// A plan that runs on instances, with its service's plans and its index there.
struct Hosted<'a> {
    plan: Plan<'a>,
    index: usize,
    windows: Option<bool>,
}

/// Plans that run on instances, by cluster, and which of them found an instance.
struct Hosting<'a> {
    by_cluster: BTreeMap<&'a str, Vec<Hosted<'a>>>,
    plans: HashMap<&'a str, Vec<Plan<'a>>>,
    bases: HashMap<BaseKey<'a>, Base>,
    found: HashSet<(&'a str, usize)>,
}

impl<'a> Hosting<'a> {
    fn new(world: &World<'a>) -> Self {
        let mut by_cluster: BTreeMap<&str, Vec<Hosted<'_>>> = BTreeMap::new();
        let mut plans = HashMap::new();
        for service in world.services.iter().copied() {
            let all = world.plans(service);
            for (index, plan) in all.iter().enumerate().filter(|(_, p)| !matches!(p.launch, Launch::Fargate | Launch::External)) {
                let family = world.region.task_definitions.get(plan.definition).and_then(|a| a.output()).and_then(|d| d.runtime_platform.as_ref()).and_then(|r| r.operating_system_family.as_deref());
                let windows = family.map(|f| f.to_ascii_uppercase().starts_with("WINDOWS"));
                by_cluster.entry(plan.cluster).or_default().push(Hosted { plan: plan.clone(), index, windows });
            }
            plans.insert(service.service_arn.as_str(), all);
        }
        Self { by_cluster, plans, bases: HashMap::new(), found: HashSet::new() }
    }

    /// The plans whose tasks may be placed on such an instance.
    fn fitting(&self, key: &BaseKey<'_>) -> Vec<&Hosted<'a>> {
        let all = self.by_cluster.get(key.cluster).into_iter().flatten();
        all.filter(|h| World::fits(&h.plan, key.provider, key.managed) && h.windows.is_none_or(|w| w == (key.os == Os::Windows))).collect()
    }

    /// Notes that such instances exist, wherever they are.
    fn note(&mut self, key: &BaseKey<'_>) {
        let found: Vec<(&'a str, usize)> = self.fitting(key).iter().map(|h| (h.plan.service.service_arn.as_str(), h.index)).collect();
        self.found.extend(found);
    }

    fn base(&mut self, world: &World<'a>, deriver: &mut Deriver<'a>, groups: &mut Groups, key: BaseKey<'a>) -> Base {
        if let Some(base) = self.bases.get(&key) {
            return base.clone();
        }
        self.note(&key);
        let agent = Part::Agent(deriver.agent(key.cluster, key.managed, key.profile, super::unseen::guard_duty(world, key.cluster, false, None)));
        let mut parts: BTreeMap<Part, BTreeSet<String>> = BTreeMap::from([(agent, BTreeSet::new())]);
        // A draining instance gets no new tasks.
        for hosted in if key.draining { Vec::new() } else { self.fitting(&key) } {
            let service = hosted.plan.service;
            let rider = Rider {
                definition: hosted.plan.definition,
                cluster: hosted.plan.cluster,
                exec: service.enable_execute_command == Some(true),
                connect: hosted.plan.connect.map(|_| (service.service_arn.as_str(), hosted.index)),
            };
            let all = self.plans.get(service.service_arn.as_str()).map_or(&[][..], Vec::as_slice);
            let derived = deriver.id(instance_flavour(rider, all, key.profile));
            parts.entry(Part::Instance(derived)).or_default().insert(service.service_arn.clone());
        }
        let profile = groups.profile(deriver, parts.keys().copied().collect());
        let parts = Arc::new(parts);
        let base = Base { agent, shared: groups.keep(parts.clone()), parts, profile };
        self.bases.insert(key, base.clone());
        base
    }
}

/// The primary interface of an instance, or what stands for it.
struct Located<'a> {
    place: Place,
    addresses: Vec<IpAddr>,
    profile: Option<&'a str>,
}

/// Where an instance is.
enum Found<'a> {
    At(Box<Located<'a>>),
    /// In a VPC that was not asked for.
    Outside,
    /// Terminated.
    Gone,
}

/// Interfaces of instances that the listing of interfaces alone shows.
fn primary_interfaces<'a>(world: &World<'a>) -> HashMap<&'a str, &'a ec2::NetworkInterface> {
    let primary = |i: &&ec2::NetworkInterface| i.attachment.as_ref().is_some_and(|a| a.device_index == Some(0) && a.network_card_index.is_none_or(|c| c == 0));
    world.region.network_interfaces.iter().filter(primary).filter_map(|i| Some((i.attachment.as_ref()?.instance_id.as_deref()?, i))).collect()
}

fn parse<'b>(texts: impl Iterator<Item = &'b String>) -> Vec<IpAddr> {
    texts.filter_map(|t| t.parse().ok()).collect()
}

fn locate<'a>(world: &World<'a>, instance: &'a ecs::ContainerInstance, managed: bool, interfaces: &HashMap<&str, &'a ec2::NetworkInterface>) -> Found<'a> {
    let id = instance.ec2_instance_id.as_deref().unwrap_or_default();
    let index = &world.view.index;
    let ec2 = index.instances.get(id).copied();
    let state = ec2.and_then(|i| i.state.as_ref()).and_then(|s| s.name.as_deref()).unwrap_or_default();
    if matches!(state, "terminated" | "shutting-down") {
        return Found::Gone;
    }
    let listed = interfaces.get(id).copied();
    let primary = ec2.and_then(|i| i.network_interfaces.iter().min_by_key(|n| n.attachment.as_ref().map_or((0, 0), |a| (a.network_card_index.unwrap_or(0), a.device_index.unwrap_or(0)))));
    let seen = world.view.seen(Action::DescribeInstances);
    // An agent that is connected runs somewhere: on what EC2 hides, or in another account.
    let lost = ec2.is_none() && listed.is_none() && seen && !managed;
    if lost && (instance.agent_connected != Some(true) || world.region.vpc_scope.is_some()) {
        // A filtered listing shows the instances of the VPCs that it was filtered by; a whole one shows every instance that there is.
        return if world.region.vpc_scope.is_some() { Found::Outside } else { Found::Gone };
    }
    let subnet = primary
        .and_then(|p| p.subnet_id.as_deref())
        .or_else(|| ec2.and_then(|i| i.subnet_id.as_deref()))
        .or_else(|| listed.and_then(|i| i.subnet_id.as_deref()))
        .or_else(|| attribute(instance, "ecs.subnet-id"));
    let vpc = primary
        .and_then(|p| p.vpc_id.clone())
        .or_else(|| ec2.and_then(|i| i.vpc_id.clone()))
        .or_else(|| listed.and_then(|i| i.vpc_id.clone()))
        .or_else(|| subnet.and_then(|s| index.subnets.get(s)).map(|s| s.vpc_id.clone()))
        .or_else(|| attribute(instance, "ecs.vpc-id").map(str::to_owned));
    if outside(world, vpc.as_deref(), subnet) {
        return Found::Outside;
    }
    let lack = || {
        if lost {
            Unseen::Elsewhere("EC2 instances that DescribeInstances does not list".to_owned())
        } else if managed && seen {
            Unseen::Elsewhere("interfaces of Managed Instances, which EC2 hides".to_owned())
        } else {
            Unseen::Action(Action::DescribeInstances)
        }
    };
    let named: Option<Vec<String>> = [primary.map(|p| &p.groups), ec2.map(|i| &i.security_groups), listed.map(|i| &i.groups)]
        .into_iter()
        .flatten()
        .find(|g| !g.is_empty())
        .map(|g| g.iter().filter_map(|x| x.group_id.clone()).collect());
    let (security_groups, groups_unseen) = match named {
        Some(named) => configured_groups(world, &named, vpc.as_deref()),
        None => (Vec::new(), Some(lack())),
    };
    let mut addresses = match (primary, listed) {
        (Some(p), _) => parse(p.private_ip_address.iter().chain(p.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.as_ref()))),
        (None, Some(i)) => parse(i.private_ip_address.iter().chain(i.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.as_ref()))),
        (None, None) => parse(ec2.and_then(|i| i.private_ip_address.as_ref()).into_iter()),
    };
    addresses.sort();
    let public = primary.and_then(|p| p.association.as_ref()).or_else(|| listed.and_then(|i| i.association.as_ref())).is_some_and(|a| a.public_ip.is_some())
        || ec2.is_some_and(|i| i.public_ip_address.as_deref().is_some_and(|a| !a.is_empty()));
    let public_ip = if public {
        Some(true)
    } else if matches!(state, "stopped" | "stopping") || (ec2.is_none() && listed.is_none()) {
        // A stopped instance has given its public address back.
        None
    } else {
        Some(false)
    };
    let windows = attribute(instance, "ecs.os-type").is_some_and(|t| t.eq_ignore_ascii_case("windows")) || ec2.and_then(|i| i.platform.as_deref()).is_some_and(|p| p.eq_ignore_ascii_case("windows"));
    let place_unseen = (vpc.is_none() || subnet.is_none()).then(lack);
    let place = Place {
        kind: if managed { Kind::ManagedInstance } else { Kind::ContainerInstance },
        vpc,
        subnet: subnet.map(str::to_owned),
        place_unseen,
        groups: security_groups,
        groups_unseen,
        public_ip,
        os: if windows { Os::Windows } else { Os::Linux },
        fargate: false,
    };
    Found::At(Box::new(Located { place, addresses, profile: ec2.and_then(|i| i.iam_instance_profile.as_ref()).and_then(|p| p.arn.as_deref()) }))
}

/// Instance profile of the EC2 instance behind a container instance.
pub(super) fn profile_of<'a>(world: &World<'a>, container_instance: Option<&str>) -> Option<&'a str> {
    let index = &world.view.index;
    let instance = index.container_instances.get(container_instance?)?;
    index.instances.get(instance.ec2_instance_id.as_deref()?)?.iam_instance_profile.as_ref()?.arn.as_deref()
}

/// Places container instances and Managed Instances.
pub(super) fn place<'a>(world: &'a World<'a>, deriver: &mut Deriver<'a>, groups: &mut Groups, ledger: &mut Ledger, riders: Riders<'a>) {
    let interfaces = primary_interfaces(world);
    let mut hosting = Hosting::new(world);
    let mut busy: HashSet<(&str, String)> = HashSet::new();
    let mut providers: HashSet<(&str, &str)> = HashSet::new();
    for (instance, cluster) in world.instances.iter().copied() {
        let arn = instance.container_instance_arn.as_str();
        let cluster = cluster.unwrap_or("*");
        let provider = instance.capacity_provider_name.as_deref();
        let managed = world.is_managed(cluster, provider);
        if let Some(provider) = provider {
            providers.insert((cluster, provider));
        }
        let draining = instance.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("DRAINING") || s.eq_ignore_ascii_case("DEREGISTERING"));
        let located = match locate(world, instance, managed, &interfaces) {
            Found::At(located) => *located,
            Found::Outside => {
                hosting.note(&BaseKey { cluster, provider, os: Os::Linux, profile: None, draining, managed });
                hosting.note(&BaseKey { cluster, provider, os: Os::Windows, profile: None, draining, managed });
                continue;
            }
            Found::Gone => continue,
        };
        if let Some(subnet) = located.place.subnet.clone().filter(|_| managed) {
            busy.insert((provider.unwrap_or_default(), subnet));
        }
        let base = hosting.base(world, deriver, groups, BaseKey { cluster, provider, os: located.place.os, profile: located.profile, draining, managed });
        let mut own = Vec::new();
        let mut extra = Vec::new();
        for (rider, workload) in riders.get(arn).into_iter().flatten() {
            let plans = rider.connect.and_then(|(service, _)| hosting.plans.get(service)).map_or(&[][..], Vec::as_slice);
            let part = Part::Instance(deriver.id(instance_flavour(*rider, plans, located.profile)));
            match base.parts.get(&part) {
                Some(workloads) if workloads.contains(workload) => {}
                Some(_) => own.push((part, workload.clone())),
                None => {
                    extra.push(part);
                    own.push((part, workload.clone()));
                }
            }
        }
        let profile = if extra.is_empty() { base.profile } else { groups.profile(deriver, base.parts.keys().copied().chain(extra).collect()) };
        groups.add(located.place, profile, Some(arn), &located.addresses, Some(base.shared), own);
    }
    place_managed(world, deriver, groups, &mut hosting, &busy);
    without_instances(world, deriver, ledger, &hosting, &providers);
}

/// Subnets in which a capacity provider would launch Managed Instances and has none.
fn place_managed<'a>(world: &'a World<'a>, deriver: &mut Deriver<'a>, groups: &mut Groups, hosting: &mut Hosting<'a>, busy: &HashSet<(&str, String)>) {
    for (cluster, provider) in managed_providers(world) {
        let Some(template) = provider.managed_instances_provider.as_ref().and_then(|m| m.instance_launch_template.as_ref()) else { continue };
        let Some(network) = template.network_configuration.as_ref() else { continue };
        let name = provider.name.as_deref().unwrap_or_else(|| name_of(&provider.capacity_provider_arn));
        let key = BaseKey { cluster, provider: Some(name), os: Os::Linux, profile: template.ec2_instance_profile_arn.as_deref(), draining: false, managed: true };
        hosting.note(&key);
        for subnet in network.subnets.iter().filter(|s| !busy.contains(&(name, (*s).clone()))) {
            let known = world.view.index.subnets.get(subnet.as_str());
            let vpc = known.map(|s| s.vpc_id.clone());
            if outside(world, vpc.as_deref(), Some(subnet)) {
                continue;
            }
            let place_unseen = vpc.is_none().then(|| {
                if world.view.seen(Action::DescribeSubnets) {
                    Unseen::Elsewhere(format!("VPC of subnet {subnet}, which DescribeSubnets does not name"))
                } else {
                    Unseen::Action(Action::DescribeSubnets)
                }
            });
            let (security_groups, groups_unseen) = configured_groups(world, &network.security_groups, vpc.as_deref());
            let place = Place {
                kind: Kind::ManagedInstance,
                vpc,
                subnet: Some(subnet.clone()),
                place_unseen,
                groups: security_groups,
                groups_unseen,
                public_ip: known.and_then(|s| s.map_public_ip_on_launch),
                os: Os::Linux,
                fargate: false,
            };
            let base = hosting.base(world, deriver, groups, key);
            groups.add(place, base.profile, None, &[], Some(base.shared), [(base.agent, provider.capacity_provider_arn.clone())]);
        }
    }
}

/// Active capacity providers of Managed Instances, each with its cluster's ARN.
fn managed_providers<'a>(world: &World<'a>) -> Vec<(&'a str, &'a ecs::CapacityProvider)> {
    let clusters: Vec<&'a ecs::Cluster> = world.clusters().collect();
    let mut out = Vec::new();
    let active = |p: &&ecs::CapacityProvider| p.managed_instances_provider.is_some() && p.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("ACTIVE"));
    for provider in world.region.capacity_providers.iter().filter(active) {
        match provider.cluster.as_deref() {
            Some(own) => {
                let wanted = &world.view.options.clusters;
                match clusters.iter().find(|c| c.cluster_arn == own || name_of(&c.cluster_arn) == own) {
                    Some(cluster) => out.push((cluster.cluster_arn.as_str(), provider)),
                    None if world.region.clusters.is_empty() && (wanted.is_empty() || wanted.contains(own) || wanted.contains(name_of(own))) => out.push((own, provider)),
                    None => {}
                }
            }
            None => {
                let uses = |c: &&&ecs::Cluster| c.capacity_providers.iter().any(|n| Some(n) == provider.name.as_ref() || *n == provider.capacity_provider_arn);
                out.extend(clusters.iter().filter(uses).map(|c| (c.cluster_arn.as_str(), provider)));
            }
        }
    }
    out.sort_by(|a, b| (a.0, &a.1.capacity_provider_arn).cmp(&(b.0, &b.1.capacity_provider_arn)));
    out
}

/// Services that no instance could run, and capacity providers without instances: Auto Scaling, which is not
/// asked, would tell where they would be. What wants no task leaves nothing open that a gate should mind.
fn without_instances<'a>(world: &'a World<'a>, deriver: &mut Deriver<'a>, ledger: &mut Ledger, hosting: &Hosting<'a>, providers: &HashSet<(&str, &str)>) {
    let seen = world.view.seen(Action::DescribeContainerInstances);
    let would_launch = |cluster: &str| Unseen::Elsewhere(format!("in which subnets instances of cluster {} would be launched, which autoscaling:DescribeAutoScalingGroups tells", name_of(cluster)));
    let mut wanting: BTreeSet<&str> = BTreeSet::new();
    for hosted in hosting.by_cluster.values().flatten() {
        let service = hosted.plan.service.service_arn.as_str();
        if hosting.found.contains(&(service, hosted.index)) {
            continue;
        }
        let rider = Rider {
            definition: hosted.plan.definition,
            cluster: hosted.plan.cluster,
            exec: hosted.plan.service.enable_execute_command == Some(true),
            connect: hosted.plan.connect.map(|_| (service, hosted.index)),
        };
        let derived = deriver.id(instance_flavour(rider, hosting.plans.get(service).map_or(&[], Vec::as_slice), None));
        let unseen = match hosted.plan.service.desired_count {
            _ if !seen => Unseen::Action(Action::DescribeContainerInstances),
            Some(0) => Unseen::Datum(format!("where instances that could run tasks of {service} would be")),
            _ => {
                let unseen = would_launch(hosted.plan.cluster);
                wanting.insert(hosted.plan.cluster);
                ledger.note("EP01", unseen.clone(), [service.to_owned()]);
                unseen
            }
        };
        ledger.placeless.push(Placeless { derived, workloads: BTreeSet::from([service.to_owned()]), unseen });
    }
    if !seen {
        return;
    }
    for cluster in world.clusters() {
        let arn = cluster.cluster_arn.as_str();
        for name in cluster.capacity_providers.iter().filter(|n| !matches!(n.as_str(), "FARGATE" | "FARGATE_SPOT")) {
            match world.provider(arn, name) {
                Some(provider) if !world.is_managed(arn, Some(name)) && !providers.contains(&(arn, name.as_str())) => {
                    let what =
                        if wanting.contains(arn) { would_launch(arn) } else { Unseen::Datum(format!("in which subnets capacity provider {name} of cluster {} would launch instances", name_of(arn))) };
                    ledger.note("EP01", what, [provider.capacity_provider_arn.clone()]);
                }
                Some(_) => {}
                None if providers.contains(&(arn, name.as_str())) => {}
                None => ledger.note("EP01", Unseen::Action(Action::DescribeCapacityProviders), []),
            }
        }
    }
}

/// Hints that instances give: External ones, whose way no API shows, and agents whose update failed.
pub(super) fn hints(world: &World<'_>, groups: &Groups) -> Vec<Hint> {
    let hint = |capability, service: &str, undecided, because: String, arn: &str, vpcs| Hint {
        capability,
        service: service.to_owned(),
        undecided,
        because: BTreeSet::from([because]),
        definition: None,
        workloads: Arc::new(BTreeSet::from([arn.to_owned()])),
        vpcs,
    };
    let mut out = Vec::new();
    for instance in &world.external {
        let id = instance.ec2_instance_id.as_deref().unwrap_or("without an id");
        out.push(hint("C04", "", true, format!("External instance, ec2InstanceId {id}"), &instance.container_instance_arn, BTreeSet::new()));
    }
    let placed = groups.vpcs();
    for (instance, _) in &world.instances {
        if instance.agent_update_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("FAILED")) {
            let vpc = instance.ec2_instance_id.as_deref().and_then(|id| world.view.index.instances.get(id)).and_then(|i| i.vpc_id.clone());
            if vpc.as_ref().is_none_or(|v| placed.contains(v)) {
                out.push(hint("C33", "s3", false, "agentUpdateStatus FAILED".to_owned(), &instance.container_instance_arn, vpc.into_iter().collect()));
            }
        }
    }
    out
}
