//! ECS services, tasks, what they are defined by, and capacity providers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::clusters::Held;
use super::convert::ecs as convert;
use super::work::{Ends, LOST, Page, Work, lock};
use super::{iam, images, scope};
use crate::actions::Action;
use crate::inventory::ecs;

/// Services that one DescribeServices takes.
const SERVICES: usize = 10;
/// Tasks that one DescribeTasks takes.
const TASKS: usize = 100;
/// Capacity providers on one page.
const PROVIDERS: i32 = 10;
/// Service revisions that one DescribeServiceRevisions takes.
const REVISIONS: usize = 20;

/// Hands on whole batches as soon as they are full, and the rest in the end.
struct Batches {
    size: usize,
    rest: Vec<String>,
}

impl Batches {
    const fn of(size: usize) -> Self {
        Self { size, rest: Vec::new() }
    }

    fn add(&mut self, ids: Vec<String>) -> Vec<Vec<String>> {
        self.rest.extend(ids);
        let mut full = Vec::new();
        while self.rest.len() >= self.size {
            let more = self.rest.split_off(self.size);
            full.push(std::mem::replace(&mut self.rest, more));
        }
        full
    }

    fn rest(self) -> Option<Vec<String>> {
        Some(self.rest).filter(|r| !r.is_empty())
    }
}

/// `failures[]`: these ids are unknown, not absent.
pub(super) fn note_failures(work: &Work, action: Action, failures: Vec<aws_sdk_ecs::types::Failure>) {
    if failures.is_empty() {
        return;
    }
    let failures: Vec<ecs::Failure> = failures.into_iter().map(convert::failure).collect();
    let reasons: BTreeSet<&str> = failures.iter().filter_map(|f| f.reason.as_deref()).collect();
    let why = format!("failures: {}", if reasons.is_empty() { "no reason given".to_owned() } else { reasons.into_iter().collect::<Vec<_>>().join(", ") });
    work.book(|b| b.left_out(action, failures.iter().filter_map(|f| f.arn.clone()), &why));
}

/// The services of a cluster.
pub(super) async fn services(work: Arc<Work>, held: Held, cluster: String) {
    if !work.wants(Action::ListServices) {
        return;
    }
    let client = work.clients.ecs.clone();
    let mut batches = Batches::of(SERVICES);
    let describe = |batch| work.start(describe_services(Arc::clone(&work), held.clone(), cluster.clone(), batch));
    let _ = work
        .pages(
            Action::ListServices,
            Some(&cluster),
            |token| client.list_services().cluster(&cluster).max_results(100).set_next_token(token).send(),
            |out| Some(Page::new(out.service_arns?, out.next_token)),
            |arns| batches.add(arns).into_iter().for_each(&describe),
        )
        .await;
    batches.rest().into_iter().for_each(&describe);
}

async fn describe_services(work: Arc<Work>, held: Held, cluster: String, arns: Vec<String>) {
    if !work.wants(Action::DescribeServices) {
        return;
    }
    let client = work.clients.ecs.clone();
    let subjects: Vec<&str> = arns.iter().map(String::as_str).collect();
    let answer = work
        .ask(
            Action::DescribeServices,
            &subjects,
            || client.describe_services().cluster(&cluster).set_services(Some(arns.clone())).send(),
            |out| Some((out.services?, out.failures.unwrap_or_default())),
        )
        .await;
    let Ok((services, failures)) = answer else { return };
    note_failures(&work, Action::DescribeServices, failures);
    for service in services {
        if service.launch_type.as_ref().is_none_or(|l| l.as_str() != "EC2" && l.as_str() != "EXTERNAL") {
            let revisions = service.current_service_revisions.iter().flatten().filter_map(|r| r.arn.clone());
            lock(&work.found.revisions).extend(revisions);
        }
        let Some(service) = convert::service(service) else {
            work.book(|b| b.left_out(Action::DescribeServices, [], LOST));
            continue;
        };
        if !service.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("INACTIVE")) {
            follow_service(&work, &held, &cluster, &service);
        }
        work.with(|r| r.services.push(service));
    }
}

/// What a service leads to: its task definitions and subnets, in all of its deployments and task sets.
fn follow_service(work: &Arc<Work>, held: &Held, cluster: &str, service: &ecs::Service) {
    let definitions = service.deployments.iter().map(|d| &d.task_definition).chain(service.task_sets.iter().flatten().map(|t| &t.task_definition)).chain([&service.task_definition]);
    for arn in definitions.flatten() {
        task_definition(work, &held.definitions, arn);
    }
    let networks = service.deployments.iter().map(|d| &d.network_configuration).chain(service.task_sets.iter().flatten().map(|t| &t.network_configuration)).chain([&service.network_configuration]);
    for network in networks.flatten().filter_map(|n| n.awsvpc_configuration.as_ref()) {
        scope::uses_subnets(work, &network.subnets);
    }
    let own_sets = service.deployment_controller.as_ref().and_then(|c| c.r#type.as_deref()).is_some_and(|t| t == "EXTERNAL" || t == "CODE_DEPLOY");
    if own_sets && work.first(Action::DescribeTaskSets, &service.service_arn) {
        work.start(task_sets(Arc::clone(work), held.clone(), cluster.to_owned(), service.service_arn.clone()));
    }
}

/// The task sets of a service that ECS's own controller does not roll out.
async fn task_sets(work: Arc<Work>, held: Held, cluster: String, service: String) {
    let client = work.clients.ecs.clone();
    let answer = work
        .ask(Action::DescribeTaskSets, &[&service], || client.describe_task_sets().cluster(&cluster).service(&service).send(), |out| Some((out.task_sets?, out.failures.unwrap_or_default())))
        .await;
    let Ok((sets, failures)) = answer else { return };
    note_failures(&work, Action::DescribeTaskSets, failures);
    for set in sets.into_iter().filter_map(convert::task_set) {
        if let Some(arn) = &set.task_definition {
            task_definition(&work, &held.definitions, arn);
        }
        if let Some(network) = set.network_configuration.as_ref().and_then(|n| n.awsvpc_configuration.as_ref()) {
            scope::uses_subnets(&work, &network.subnets);
        }
        work.with(|r| r.task_sets.push(set));
    }
}

/// The tasks of a cluster: running ones unless the counts say that there are none, and those that stopped of late. What is
/// left over of both lists is described together.
pub(super) async fn tasks(work: Arc<Work>, held: Held, cluster: String, running: bool) {
    use aws_sdk_ecs::types::DesiredStatus;
    if !work.wants(Action::ListTasks) {
        return;
    }
    let batches = std::sync::Mutex::new(Batches::of(TASKS));
    let describe = |batch| work.start(describe_tasks(Arc::clone(&work), held.clone(), cluster.clone(), batch));
    let list = |status: DesiredStatus| {
        let client = work.clients.ecs.clone();
        let (work, cluster, batches, describe) = (&work, &cluster, &batches, &describe);
        async move {
            let _ = work
                .pages(
                    Action::ListTasks,
                    Some(cluster),
                    |token| client.list_tasks().cluster(cluster).desired_status(status.clone()).max_results(100).set_next_token(token).send(),
                    |out| Some(Page::new(out.task_arns?, out.next_token)),
                    |arns| {
                        let full = lock(batches).add(arns);
                        full.into_iter().for_each(describe);
                    },
                )
                .await;
        }
    };
    if running {
        tokio::join!(list(DesiredStatus::Running), list(DesiredStatus::Stopped));
    } else {
        list(DesiredStatus::Stopped).await;
    }
    let rest = batches.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).rest();
    rest.into_iter().for_each(describe);
}

async fn describe_tasks(work: Arc<Work>, held: Held, cluster: String, arns: Vec<String>) {
    if !work.wants(Action::DescribeTasks) {
        return;
    }
    let client = work.clients.ecs.clone();
    let subjects: Vec<&str> = arns.iter().map(String::as_str).collect();
    let answer =
        work.ask(Action::DescribeTasks, &subjects, || client.describe_tasks().cluster(&cluster).set_tasks(Some(arns.clone())).send(), |out| Some((out.tasks?, out.failures.unwrap_or_default()))).await;
    let Ok((tasks, failures)) = answer else { return };
    note_failures(&work, Action::DescribeTasks, failures);
    let all = tasks.len();
    let tasks: Vec<ecs::Task> = tasks.into_iter().filter_map(convert::task).collect();
    if tasks.len() < all {
        work.book(|b| b.left_out(Action::DescribeTasks, [], LOST));
    }
    for task in &tasks {
        if let Some(arn) = &task.task_definition_arn {
            task_definition(&work, &held.definitions, arn);
        }
        let subnets = task.attachments.iter().flat_map(|a| &a.details).filter(|d| d.name.as_deref() == Some("subnetId")).filter_map(|d| d.value.clone());
        scope::uses_subnets(&work, &subnets.collect::<Vec<_>>());
    }
    work.with(|r| r.tasks.extend(tasks));
}

/// Asks for a task definition once. One that AWS cannot describe any more is an answer.
fn task_definition(work: &Arc<Work>, ends: &Arc<Ends>, arn: &str) {
    if !work.first(Action::DescribeTaskDefinition, arn) {
        return;
    }
    let (work, ends, arn) = (Arc::clone(work), Arc::clone(ends), arn.to_owned());
    Arc::clone(&work).start(async move {
        let _held = ends;
        let client = work.clients.ecs.clone();
        let answer = work
            .ask_one(
                Action::DescribeTaskDefinition,
                &arn,
                &["ClientException"],
                || client.describe_task_definition().task_definition(&arn).send(),
                |out| convert::task_definition(out.task_definition?),
            )
            .await;
        if let Some(definition) = answer.as_ref().and_then(|a| a.output()) {
            for role in [&definition.execution_role_arn, &definition.task_role_arn].into_iter().flatten() {
                iam::role_of_arn(&work, role);
            }
            images::follow(&work, definition);
        }
        work.with(|r| {
            if let Some(answer) = answer {
                r.task_definitions.insert(arn, answer);
            }
        });
    });
}

/// All capacity providers of the account, then those of clusters (Managed Instances) that the account's list lacks.
pub(super) async fn capacity_providers(work: Arc<Work>) {
    if !work.wants(Action::DescribeCapacityProviders) {
        work.end(Action::DescribeCapacityProviders);
        return;
    }
    let client = work.clients.ecs.clone();
    let mut named = BTreeSet::new();
    // There is no paginator for this operation: the token goes round by hand like everywhere here.
    let _ = work
        .pages(
            Action::DescribeCapacityProviders,
            None,
            |token| client.describe_capacity_providers().max_results(PROVIDERS).set_next_token(token).send(),
            |out| Some(Page::of(out.capacity_providers?, out.next_token, convert::capacity_provider)),
            |providers| {
                named.extend(providers.iter().flat_map(|p| [Some(p.capacity_provider_arn.clone()), p.name.clone()]).flatten());
                keep_providers(&work, providers);
            },
        )
        .await;
    work.ended(&[Action::DescribeClusters, Action::DescribeServices]).await;
    let lacking = work.with(|r| {
        let mut lacking: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let strategies = r.services.iter().flat_map(|s| s.capacity_provider_strategy.iter().map(move |p| (s.cluster_arn.as_ref(), p.capacity_provider.as_ref())));
        let clusters = r.clusters.iter().flat_map(|c| c.capacity_providers.iter().map(move |p| (Some(&c.cluster_arn), Some(p))));
        for (cluster, provider) in clusters.chain(strategies) {
            if let (Some(cluster), Some(provider)) = (cluster, provider)
                && !named.contains(provider)
                && !provider.starts_with("FARGATE")
            {
                lacking.entry(cluster.clone()).or_default().insert(provider.clone());
            }
        }
        lacking
    });
    for (cluster, providers) in lacking {
        let providers: Vec<String> = providers.into_iter().collect();
        for batch in providers.chunks(usize::try_from(PROVIDERS).unwrap_or(1)) {
            let subjects: Vec<&str> = batch.iter().map(String::as_str).collect();
            let answer = work
                .ask(
                    Action::DescribeCapacityProviders,
                    &subjects,
                    || client.describe_capacity_providers().cluster(&cluster).set_capacity_providers(Some(batch.to_vec())).send(),
                    |out| Some((out.capacity_providers?, out.failures.unwrap_or_default())),
                )
                .await;
            if let Ok((found, failures)) = answer {
                note_failures(&work, Action::DescribeCapacityProviders, failures);
                keep_providers(&work, found.into_iter().filter_map(convert::capacity_provider).collect());
            }
        }
    }
    work.end(Action::DescribeCapacityProviders);
}

fn keep_providers(work: &Arc<Work>, providers: Vec<ecs::CapacityProvider>) {
    for template in providers.iter().filter_map(|p| p.managed_instances_provider.as_ref()?.instance_launch_template.as_ref()) {
        if let Some(profile) = &template.ec2_instance_profile_arn {
            iam::instance_profile(work, profile);
        }
        if let Some(network) = &template.network_configuration {
            scope::uses_subnets(work, &network.subnets);
        }
    }
    work.with(|r| r.capacity_providers.extend(providers));
}

/// The revisions of services that may run on Fargate, where GuardDuty may watch them.
pub(super) async fn service_revisions(work: Arc<Work>) {
    work.ended(&[Action::GetDetector, Action::DescribeServices]).await;
    let watched = |r: &crate::inventory::Region| {
        let on = |s: &Option<String>| s.as_deref() == Some("ENABLED");
        let detectors = r.detectors.values().filter_map(|d| d.output()).filter(|d| on(&d.status));
        detectors.flat_map(|d| &d.features).any(|f| on(&f.status) && f.name.as_deref().is_some_and(|n| n.contains("RUNTIME_MONITORING")))
    };
    let seen = work.whole(Action::ListDetectors) && work.with(|r| r.detector_ids.iter().all(|id| r.detectors.contains_key(id)));
    if !work.wants(Action::DescribeServiceRevisions) || (seen && !work.with(|r| watched(r))) {
        return;
    }
    let arns: Vec<String> = lock(&work.found.revisions).iter().cloned().collect();
    for batch in arns.chunks(REVISIONS) {
        let (work, batch) = (Arc::clone(&work), batch.to_vec());
        Arc::clone(&work).start(async move {
            let client = work.clients.ecs.clone();
            let subjects: Vec<&str> = batch.iter().map(String::as_str).collect();
            let answer = work
                .ask(
                    Action::DescribeServiceRevisions,
                    &subjects,
                    || client.describe_service_revisions().set_service_revision_arns(Some(batch.clone())).send(),
                    |out| Some((out.service_revisions?, out.failures.unwrap_or_default())),
                )
                .await;
            if let Ok((revisions, failures)) = answer {
                note_failures(&work, Action::DescribeServiceRevisions, failures);
                work.with(|r| r.service_revisions.extend(revisions.into_iter().filter_map(convert::service_revision)));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_batches_go_at_once_and_the_rest_together() {
        let mut batches = Batches::of(2);
        let ids = |range: std::ops::Range<u32>| range.map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(batches.add(ids(0..1)).len(), 0);
        assert_eq!(batches.add(ids(1..4)), vec![ids(0..2), ids(2..4)]);
        assert_eq!(batches.add(ids(4..5)).len(), 0);
        assert_eq!(batches.rest(), Some(ids(4..5)));
        assert_eq!(Batches::of(2).rest(), None);
    }
}
