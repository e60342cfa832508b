//! `audit path`: one question, hop by hop. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::actions::Action;
use crate::analysis::path::{self, Destination};
use crate::analysis::{Ask, Caller, Kind, Need, Os, Owner, Placement, Tri, Unseen, View, services};
use crate::finding::Severity;
use crate::policy::ecs_actions;
use crate::report::{HopLine, PathLine, PlacementLine};

/// The answer of `audit path`: schema `audit-path/1`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// `audit-path/1`.
    pub schema: String,
    /// The worst of all paths.
    pub verdict: Tri,
    /// Where it was asked from.
    pub placements: Vec<PlacementLine>,
    /// One path a placement.
    pub paths: Vec<PathLine>,
}

/// A question that cannot be asked: an unknown id, service or form. Exit status 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QueryError(pub String);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// `subnet-…[,sg-…]…`, `eni-…`, `i-…`, or the ARN of a container instance, task or service.
    pub from: &'a str,
    /// Short service name, `vpce-…`, `eni-…`, or an address.
    pub to: &'a str,
    /// TCP port.
    pub port: Option<u16>,
    /// A bare subnet's workload has a public address.
    pub public_ip: bool,
}

/// Asks one question of one region. `Ok(None)`: the source is not in this region.
///
/// # Errors
/// An unknown destination, a form that is none, or a missing port; names the option.
pub fn ask(view: &View<'_>, question: &Question<'_>) -> Result<Option<Answer>, QueryError> {
    asked(view, question, |destination| sources(view, question, destination).map_err(|e| e.about("--from", question.from)))
}

/// Asks of a region that could not tell whether the source is in it: the answer is unknown, and names what was not seen.
/// `Ok(None)`: the region told, and it is not there.
///
/// # Errors
/// As [`ask`].
pub fn ask_unseen(view: &View<'_>, question: &Question<'_>) -> Result<Option<Answer>, QueryError> {
    asked(view, question, |_| Ok(unlisted(view, question.from).map(|p| vec![p])))
}

impl QueryError {
    fn about(self, option: &str, value: &str) -> Self {
        Self(format!("{option} {value}: {self}"))
    }
}

/// A source that a listing should name, where that listing was not seen.
fn unlisted(view: &View<'_>, from: &str) -> Option<Placement> {
    let id = from.split(',').next().unwrap_or_default().trim();
    let lists: &[Action] = match id {
        _ if id.starts_with("subnet-") => &[Action::DescribeSubnets],
        _ if id.starts_with("eni-") => &[Action::DescribeNetworkInterfaces],
        _ if id.starts_with("i-") => &[Action::DescribeInstances],
        _ if id.contains(":container-instance/") => &[Action::ListClusters, Action::ListContainerInstances, Action::DescribeContainerInstances],
        _ if id.contains(":service/") => &[Action::ListClusters, Action::ListServices, Action::DescribeServices],
        _ if id.contains(":task/") => &[Action::ListClusters, Action::ListTasks, Action::DescribeTasks],
        _ => return None,
    };
    let lacking = Unseen::Action(lists.iter().copied().find(|a| !view.seen(*a))?);
    let mut placement = blank(None, id.starts_with("subnet-").then(|| id.to_owned()));
    placement.place_unseen = Some(lacking.clone());
    placement.groups_unseen = Some(lacking);
    Some(placement)
}

fn asked(view: &View<'_>, question: &Question<'_>, sources: impl FnOnce(&Destination) -> Result<Option<Vec<Placement>>, QueryError>) -> Result<Option<Answer>, QueryError> {
    let destination = destination(view, question).map_err(|e| e.about("--to", question.to))?;
    let port = match (&destination, question.port) {
        (_, Some(port)) => port,
        (Destination::Service(_) | Destination::Endpoint(_), None) => 443,
        (Destination::Interface(_) | Destination::Address(_), None) => {
            return Err(QueryError("it needs a port: add --port, such as --port 443".to_owned()).about("--to", question.to));
        }
    };
    let Some(sources) = sources(&destination)? else { return Ok(None) };
    let mut placements = Vec::new();
    let mut paths = Vec::new();
    for (n, mut placement) in sources.into_iter().enumerate() {
        let need = need(view, &placement, &destination, port);
        placement.kind = Kind::Query;
        placement.id = format!("query/{}{}", placement.subnet.as_deref().unwrap_or("unknown"), if n == 0 { String::new() } else { format!("/{n}") });
        let found = path::ask(view, &placement, &need, &destination);
        placements.push(PlacementLine {
            id: placement.id.clone(),
            kind: placement.kind,
            account: Some(view.region.account.clone()),
            region: Some(view.region.region.clone()),
            vpc: placement.vpc.clone(),
            subnet: placement.subnet.clone(),
            security_groups: placement.security_groups.clone(),
            member_count: placement.members.len(),
            members: placement.members.clone(),
        });
        paths.push(PathLine {
            placement: placement.id.clone(),
            service: need.service.clone(),
            port,
            because: Vec::new(),
            way: found.way,
            verdict: found.verdict,
            blocked_at: found.blocked_at,
            hops: found.hops.into_iter().map(|h| HopLine { hop: h.hop, verdict: h.verdict, object: h.object, detail: h.detail }).collect(),
        });
    }
    let verdict = paths.iter().map(|p| p.verdict).max().unwrap_or(Tri::Unknown);
    Ok(Some(Answer { schema: "audit-path/1".to_owned(), verdict, placements, paths }))
}

fn destination(view: &View<'_>, question: &Question<'_>) -> Result<Destination, QueryError> {
    let to = question.to;
    if let Ok(address) = to.parse::<IpAddr>() {
        return Ok(Destination::Address(address));
    }
    if to.starts_with("vpce-") {
        return if view.index.endpoints.contains_key(to) || !view.seen(Action::DescribeVpcEndpoints) {
            Ok(Destination::Endpoint(to.to_owned()))
        } else {
            Err(QueryError(format!("no such endpoint in {} (its owner may be another account)", view.region.region)))
        };
    }
    if to.starts_with("eni-") {
        return if view.index.interfaces.contains_key(to) || !view.seen(Action::DescribeNetworkInterfaces) {
            Ok(Destination::Interface(to.to_owned()))
        } else {
            Err(QueryError(format!("no such network interface in {}", view.region.region)))
        };
    }
    let short = services::short_name(to).unwrap_or(to).to_owned();
    let offered =
        view.region.service_names.iter().map(String::as_str).chain(view.region.service_details.iter().map(|d| d.service_name.as_str())).any(|n| services::short_name(n) == Some(short.as_str()));
    let present = view.region.vpc_endpoints.iter().filter_map(|e| e.service_name.as_deref()).any(|n| services::short_name(n) == Some(short.as_str()));
    if offered || present || crate::policy::ecs_actions::services().contains(&short.as_str()) {
        Ok(Destination::Service(short))
    } else {
        Err(QueryError("it is no service that endpoints are known for (such as ecr.api, s3, logs), no vpce-…, eni-… or address".to_owned()))
    }
}

/// The placements that a source stands for.
fn sources(view: &View<'_>, question: &Question<'_>, destination: &Destination) -> Result<Option<Vec<Placement>>, QueryError> {
    let from = question.from;
    if from.starts_with("subnet-") {
        return from_subnet(view, from, question.public_ip);
    }
    if from.starts_with("eni-") {
        return Ok(view.index.interfaces.get(from).map(|eni| {
            let addresses = eni.private_ip_address.iter().chain(eni.private_ip_addresses.iter().filter_map(|a| a.private_ip_address.as_ref())).filter_map(|a| a.parse().ok());
            let v6 = eni.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.as_deref()?.parse().ok());
            let mut placement = blank(eni.vpc_id.clone(), eni.subnet_id.clone());
            placement.security_groups = sorted(eni.groups.iter().filter_map(|g| g.group_id.clone()));
            placement.addresses = addresses.chain(v6).collect();
            placement.public_ip = Some(eni.association.as_ref().is_some_and(|a| a.public_ip.is_some()));
            vec![placement]
        }));
    }
    if from.starts_with("i-") {
        return Ok(from_instance(view, from).map(|p| vec![p]));
    }
    if from.starts_with("arn:") {
        return from_arn(view, from, destination);
    }
    Err(QueryError("it is no subnet-…, eni-…, i-… and no ARN of a container instance, task or service".to_owned()))
}

fn from_subnet(view: &View<'_>, from: &str, public_ip: bool) -> Result<Option<Vec<Placement>>, QueryError> {
    let mut parts = from.split(',').map(str::trim);
    let id = parts.next().unwrap_or_default();
    let Some(subnet) = view.index.subnets.get(id) else { return Ok(None) };
    let mut placement = blank(Some(subnet.vpc_id.clone()), Some(id.to_owned()));
    for group in parts {
        if !group.starts_with("sg-") {
            return Err(QueryError(format!("`{group}` is no security group (sg-…)")));
        }
        if !view.index.security_groups.contains_key(group) && view.seen(Action::DescribeSecurityGroups) {
            return Err(QueryError(format!("{group}: no such security group in {}", view.region.region)));
        }
        placement.security_groups.push(group.to_owned());
    }
    if placement.security_groups.is_empty() {
        match view.index.default_group_of_vpc.get(subnet.vpc_id.as_str()) {
            Some(group) => placement.security_groups.push(group.group_id.clone()),
            None => placement.groups_unseen = Some(Unseen::Action(Action::DescribeSecurityGroups)),
        }
    }
    placement.security_groups.sort();
    placement.security_groups.dedup();
    placement.public_ip = Some(public_ip);
    Ok(Some(vec![placement]))
}

fn from_instance(view: &View<'_>, id: &str) -> Option<Placement> {
    let instance = view.index.instances.get(id)?;
    let primary = instance.network_interfaces.iter().find(|n| n.attachment.as_ref().is_none_or(|a| a.device_index.unwrap_or(0) == 0 && a.network_card_index.unwrap_or(0) == 0));
    let mut placement = blank(instance.vpc_id.clone(), primary.and_then(|p| p.subnet_id.clone()).or_else(|| instance.subnet_id.clone()));
    let groups = primary.map_or(&instance.security_groups, |p| &p.groups);
    placement.security_groups = sorted(groups.iter().filter_map(|g| g.group_id.clone()));
    let v4 = primary.and_then(|p| p.private_ip_address.clone()).or_else(|| instance.private_ip_address.clone());
    let v6 = primary.into_iter().flat_map(|p| p.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.clone()));
    placement.addresses = v4.into_iter().chain(v6).filter_map(|a| a.parse().ok()).collect();
    placement.public_ip = Some(instance.public_ip_address.is_some() || primary.is_some_and(|p| p.association.as_ref().is_some_and(|a| a.public_ip.is_some())));
    if instance.platform.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("windows")) {
        placement.os = Os::Windows;
    }
    Some(placement)
}

/// Tasks ask from the interface that opens the connection to that service, for other destinations from their own.
fn from_arn(view: &View<'_>, arn: &str, destination: &Destination) -> Result<Option<Vec<Placement>>, QueryError> {
    let kind = arn.splitn(6, ':').nth(5).and_then(|t| t.split('/').next()).unwrap_or_default();
    let known = match kind {
        "container-instance" => view.index.container_instances.contains_key(arn),
        "service" => view.index.services.contains_key(arn),
        "task" => view.region.tasks.iter().any(|t| t.task_arn == arn),
        _ => return Err(QueryError("it is the ARN of no container instance, task or service".to_owned())),
    };
    if !known {
        return Ok(None);
    }
    if kind == "container-instance" {
        let instance = view.index.container_instances.get(arn).and_then(|c| c.ec2_instance_id.as_deref());
        let mut own: Vec<Placement> = view.placements.iter().filter(|p| p.members.iter().any(|m| m == arn)).cloned().collect();
        if own.is_empty()
            && let Some(placement) = instance.and_then(|i| from_instance(view, i))
        {
            own.push(placement);
        }
        let Some(single) = instance.and_then(|i| from_instance(view, i)) else { return Ok(Some(unseen_place(own))) };
        for placement in &mut own {
            placement.addresses.clone_from(&single.addresses);
            placement.members = vec![arn.to_owned()];
        }
        return Ok(Some(own));
    }
    let tasks: Vec<_> = view
        .region
        .tasks
        .iter()
        .filter(|t| {
            if kind == "task" {
                t.task_arn == arn
            } else {
                view.index.services.get(arn).is_some_and(|s| t.cluster_arn == s.cluster_arn && t.group.as_deref() == s.service_name.as_ref().map(|n| format!("service:{n}")).as_deref())
            }
        })
        .collect();
    let hosts: BTreeSet<&str> = tasks.iter().filter_map(|t| t.container_instance_arn.as_deref()).collect();
    let wanted = match destination {
        Destination::Service(service) => Some(service.as_str()),
        _ => None,
    };
    let stands = |p: &&Placement| {
        let own = p.members.iter().any(|m| m == arn || tasks.iter().any(|t| &t.task_arn == m)) || (kind == "service" && p.kind == Kind::Service && p.workloads.contains(arn));
        let host = p.members.iter().any(|m| hosts.contains(m.as_str()));
        match wanted {
            Some(service) => (own || host) && p.needs.iter().any(|n| n.service == service && (own || n.workloads.contains(arn) || kind == "task")),
            None => own,
        }
    };
    let mut found: Vec<Placement> = view.placements.iter().filter(stands).cloned().collect();
    if found.is_empty() {
        // Nothing that runs needs this service: ask from the task's own interface, or from its instance without one.
        for task in &tasks {
            let eni = task.attachments.iter().flat_map(|a| &a.details).find(|d| d.name.as_deref() == Some("networkInterfaceId")).and_then(|d| d.value.as_deref());
            let platform = task.container_instance_arn.is_some() && wanted.is_some_and(|s| s != "ssmmessages");
            let own = match eni {
                Some(eni) if !platform => sources(view, &Question { from: eni, to: "", port: None, public_ip: false }, destination)?,
                _ => None,
            };
            let host = || task.container_instance_arn.as_deref().and_then(|c| view.index.container_instances.get(c)).and_then(|c| c.ec2_instance_id.as_deref()).and_then(|i| from_instance(view, i));
            found.extend(own.unwrap_or_else(|| host().into_iter().collect()));
        }
    }
    if kind == "task" {
        for placement in &mut found {
            if placement.members.iter().any(|m| m == arn) {
                placement.members = vec![arn.to_owned()];
            }
        }
    }
    Ok(Some(unseen_place(found)))
}

/// A placement of which nothing was seen stands for sources whose place is not known.
fn unseen_place(mut found: Vec<Placement>) -> Vec<Placement> {
    if found.is_empty() {
        found.push(blank(None, None));
    }
    found
}

fn blank(vpc: Option<String>, subnet: Option<String>) -> Placement {
    Placement {
        id: String::new(),
        kind: Kind::Query,
        vpc,
        subnet,
        security_groups: Vec::new(),
        place_unseen: None,
        groups_unseen: None,
        members: Vec::new(),
        addresses: BTreeSet::new(),
        public_ip: Some(false),
        os: Os::Linux,
        fargate: false,
        needs: Vec::new(),
        workloads: Arc::default(),
    }
}

fn need(view: &View<'_>, placement: &Placement, destination: &Destination, port: u16) -> Need {
    let service = match destination {
        Destination::Service(service) => service.clone(),
        Destination::Endpoint(id) => {
            let name = view.index.endpoints.get(id.as_str()).and_then(|e| e.service_name.as_deref()).unwrap_or_default();
            services::short_name(name).unwrap_or_default().to_owned()
        }
        Destination::Interface(id) => id.clone(),
        Destination::Address(address) => address.to_string(),
    };
    let existing = placement.needs.iter().find(|n| n.service == service && n.port == port && n.region.is_none());
    let region = view.region;
    let asks = || {
        let actions = ecs_actions::of_service(&service).into_iter().filter(|a| a.need == ecs_actions::Need::Always);
        actions
            .map(|a| Ask {
                action: a.action,
                caller: if a.caller == ecs_actions::CallerRole::AwsOwned { Caller::AwsOwned } else { Caller::Unknown },
                resource: a.resource_in(Some(&region.partition), Some(&region.region), Some(&region.account)),
                blocks: true,
            })
            .collect()
    };
    let (hosts, asks) = match existing {
        Some(need) => (need.hosts.clone(), need.asks.clone()),
        None => (services::hostnames(&region.region, &service), asks()),
    };
    Need {
        // Endpoints, interfaces and addresses are named as they were asked for.
        service: match destination {
            Destination::Endpoint(id) => id.clone(),
            _ => service,
        },
        region: None,
        hosts,
        port,
        because: BTreeSet::new(),
        owners: BTreeSet::from([(Owner::Rule("EP13"), Severity::High)]),
        also: BTreeSet::new(),
        asks,
        workloads: Arc::default(),
        units: Arc::default(),
        definitions: BTreeMap::new(),
        unsure: BTreeSet::new(),
    }
}

fn sorted(items: impl Iterator<Item = String>) -> Vec<String> {
    items.collect::<BTreeSet<_>>().into_iter().collect()
}
