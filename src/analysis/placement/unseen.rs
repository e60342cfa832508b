//! Needs that could not be told: each makes its rule unknown, also where the endpoint exists.

use std::collections::BTreeSet;

use super::UnseenNeeds;
use super::deriver::Deriver;
use super::world::{World, is_controlled};
use crate::actions::Action;
use crate::analysis::needs::DEFINITION_RULES;
use crate::analysis::{Need, Owner, Placement, Unseen};
use crate::inventory::State;

/// Needs of a task definition that stand at no place that was seen.
#[derive(Debug)]
pub(super) struct Placeless {
    pub derived: usize,
    pub workloads: BTreeSet<String>,
    pub unseen: Unseen,
}

/// What was found missing along the way.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub placeless: Vec<Placeless>,
    rules: UnseenNeeds,
}

impl Ledger {
    pub fn note(&mut self, rule: &'static str, what: Unseen, affects: impl IntoIterator<Item = String>) {
        let entry = self.rules.entry(rule).or_default();
        entry.0.insert(what);
        entry.1.extend(affects);
    }
}

/// Whether a cluster's tag keeps GuardDuty away.
fn is_left_alone(world: &World<'_>, cluster: &str) -> bool {
    world.cluster(cluster).is_some_and(|c| c.tags.iter().any(|t| t.key.as_deref() == Some("GuardDutyManaged") && t.value.as_deref() == Some("false")))
}

/// Why GuardDuty is taken to watch tasks on Fargate, or instances, of a cluster.
pub(super) fn guard_duty(world: &World<'_>, cluster: &str, fargate: bool, service: Option<&str>) -> Option<String> {
    if let Some(service) = service {
        match world.guarded.get(service) {
            Some(true) => return Some("guardDutyEnabled of its service revision".to_owned()),
            Some(false) => return None,
            None => {}
        }
    }
    if is_left_alone(world, cluster) {
        return None;
    }
    let wanted = if fargate { "ECS_FARGATE_AGENT_MANAGEMENT" } else { "EC2_AGENT_MANAGEMENT" };
    let on = |status: Option<&str>| status.is_some_and(|s| s.eq_ignore_ascii_case("ENABLED"));
    let managed =
        world.region.detectors.values().filter_map(|d| d.output()).filter(|d| on(d.status.as_deref())).flat_map(|d| &d.features).any(|f| {
            f.name.as_deref() == Some("RUNTIME_MONITORING") && on(f.status.as_deref()) && f.additional_configuration.iter().any(|a| a.name.as_deref() == Some(wanted) && on(a.status.as_deref()))
        });
    managed.then(|| format!("GuardDuty Runtime Monitoring, {wanted}"))
}

/// Rules that own needs.
fn rules_of<'a>(needs: impl IntoIterator<Item = &'a Need>) -> BTreeSet<&'static str> {
    needs
        .into_iter()
        .flat_map(|n| n.owners.iter().chain(&n.also))
        .map(|(owner, _)| match owner {
            Owner::Rule(rule) => *rule,
            Owner::Image => "WL01",
        })
        .collect()
}

/// Everything that could not be told, by rule.
pub(super) fn needs(world: &World<'_>, deriver: &Deriver<'_>, users: &super::Users, placements: &[Placement], mut ledger: Ledger) -> UnseenNeeds {
    lists(world, &mut ledger);
    for (id, (workloads, _)) in users {
        for (rule, what) in &deriver.get(*id).unseen {
            for unseen in what {
                ledger.note(rule, unseen.clone(), workloads.iter().cloned());
            }
        }
    }
    for lost in std::mem::take(&mut ledger.placeless) {
        let derived = deriver.get(lost.derived);
        for rule in rules_of(derived.instance.iter().chain(&derived.task)) {
            ledger.note(rule, lost.unseen.clone(), lost.workloads.iter().cloned());
        }
    }
    for placement in placements {
        let Some(what) = &placement.place_unseen else { continue };
        for need in &placement.needs {
            for rule in rules_of([need]) {
                ledger.note(rule, what.clone(), need.workloads.iter().cloned());
            }
        }
    }
    ledger.rules
}

/// What the listings of clusters, services, tasks and instances leave open.
fn lists(world: &World<'_>, ledger: &mut Ledger) {
    let state = |action| world.region.completeness.state(action);
    // A description alone is taken for all there is; a list that was asked and failed is not.
    let failed = |action| matches!(state(action), State::Partial | State::Missing);
    let lacking = |list: Action, describe: Action| [list, describe].into_iter().filter(|a| if *a == list { failed(*a) } else { !world.view.seen(*a) }).collect::<Vec<_>>();
    let clusters_seen = world.view.seen(Action::DescribeClusters) && !failed(Action::ListClusters);
    // A count of zero says as much as an empty list.
    let none = |count: fn(&crate::inventory::ecs::Cluster) -> Option<i32>| clusters_seen && world.clusters().all(|c| count(c) == Some(0));

    for action in [Action::ListClusters].into_iter().filter(|a| failed(*a)).chain((!world.view.seen(Action::DescribeClusters)).then_some(Action::DescribeClusters)) {
        ledger.note("EP01", Unseen::Action(action), []);
    }
    if !none(|c| c.active_services_count) {
        for action in lacking(Action::ListServices, Action::DescribeServices) {
            for rule in DEFINITION_RULES.iter().chain(&["EP10", "EP11", "EP12"]) {
                ledger.note(rule, Unseen::Action(action), []);
            }
        }
    }
    if !none(|c| Some(c.running_tasks_count? + c.pending_tasks_count.unwrap_or(0))) {
        for action in lacking(Action::ListTasks, Action::DescribeTasks) {
            for rule in DEFINITION_RULES.iter().chain(&["EP10", "EP11"]) {
                ledger.note(rule, Unseen::Action(action), []);
            }
        }
    }
    if !none(|c| c.registered_container_instances_count) {
        for action in lacking(Action::ListContainerInstances, Action::DescribeContainerInstances) {
            ledger.note("EP01", Unseen::Action(action), []);
        }
    }
    for service in world.services.iter().filter(|s| !s.status.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("DRAINING")) && world.plans(s).is_empty()) {
        // A service without a task definition has task sets, or is not told in full.
        let external = is_controlled(service, "EXTERNAL");
        let draining = |t: &&crate::inventory::ecs::TaskSet| t.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("DRAINING"));
        if world.task_sets(service).is_some_and(|sets| (external || !sets.is_empty()) && sets.iter().all(draining)) {
            continue;
        }
        let action = if external { Action::DescribeTaskSets } else { Action::DescribeServices };
        for rule in DEFINITION_RULES {
            ledger.note(rule, Unseen::Action(action), [service.service_arn.clone()]);
        }
    }
    for task in world.tasks.iter().filter(|t| t.task_definition_arn.is_none()) {
        for rule in DEFINITION_RULES {
            ledger.note(rule, Unseen::Action(Action::DescribeTasks), [world.workload_of(task)]);
        }
    }
    guard_duty_unseen(world, ledger);
}

/// Fargate tasks are watched only where the account setting that GuardDuty keeps is on; instances whatever it says.
fn guard_duty_unseen(world: &World<'_>, ledger: &mut Ledger) {
    let off = world.region.account_settings.iter().any(|s| s.name.as_deref() == Some("guardDutyActivate") && s.value.as_deref().is_some_and(|v| v.eq_ignore_ascii_case("off")));
    let may = |cluster: Option<&str>| !cluster.is_some_and(|c| is_left_alone(world, c));
    let instances = world.instances.iter().any(|(i, cluster)| may(*cluster) && !world.is_managed(cluster.unwrap_or_default(), i.capacity_provider_name.as_deref()));
    let service = |s: &&crate::inventory::ecs::Service| may(s.cluster_arn.as_deref()) && world.guarded.get(s.service_arn.as_str()) != Some(&false);
    let task = |t: &&crate::inventory::ecs::Task| may(t.cluster_arn.as_deref()) && world.service_of(t).is_none_or(|s| service(&s)) && !world.is_external_task(t);
    let tasks = !off && (world.services.iter().any(service) || world.tasks.iter().any(task));
    if !instances && !tasks {
        return;
    }
    if !world.view.seen(Action::ListDetectors) {
        ledger.note("EP13", Unseen::Action(Action::ListDetectors), []);
    } else if world.region.detector_ids.iter().any(|id| !world.region.detectors.contains_key(id)) {
        ledger.note("EP13", Unseen::Action(Action::GetDetector), []);
    }
}
