//! ECS clusters, and which of their lists are worth asking for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::convert::ecs as convert;
use super::convert::ecs::Counts;
use super::work::{Ends, LOST, Page, Work};
use super::{compute, workloads};
use crate::actions::Action;

/// Up to so many clusters their lists are asked for beside their counts, which saves a round; beyond it the counts come
/// first, so that empty lists cost nothing.
const FEW: usize = 5;

/// Names and ARNs that one DescribeClusters takes.
const BATCH: usize = 100;

/// Shared by the jobs of all clusters: each action ends with the last job that holds it.
#[derive(Clone)]
struct EcsEnds {
    _clusters: Arc<Ends>,
    instances: Arc<Ends>,
    services: Arc<Ends>,
    tasks: Arc<Ends>,
    definitions: Arc<Ends>,
}

/// What the jobs of services, or of tasks, hold open until the last of them is done.
#[derive(Clone)]
pub(super) struct Held {
    pub _own: Arc<Ends>,
    pub definitions: Arc<Ends>,
}

/// Everything of ECS.
pub(super) fn start(work: &Arc<Work>) {
    let ends = EcsEnds {
        _clusters: Ends::new(work, Action::DescribeClusters),
        instances: Ends::new(work, Action::DescribeContainerInstances),
        services: Ends::new(work, Action::DescribeServices),
        tasks: Ends::new(work, Action::DescribeTasks),
        definitions: Ends::new(work, Action::DescribeTaskDefinition),
    };
    work.start(list(Arc::clone(work), ends));
    work.start(settings(Arc::clone(work)));
    work.start(workloads::capacity_providers(Arc::clone(work)));
}

async fn list(work: Arc<Work>, ends: EcsEnds) {
    let asked: Vec<String> = work.request.clusters.iter().filter(|c| of_region(c, &work.region)).cloned().collect();
    if !work.request.clusters.is_empty() {
        batches(&work, &ends, &asked, asked.len() <= FEW);
        return;
    }
    if !work.wants(Action::ListClusters) {
        return;
    }
    let client = work.clients.ecs.clone();
    let mut first = true;
    // The names of clusters are all that this listing has, so that nothing of it is kept but what is described.
    let _ = work
        .pages(
            Action::ListClusters,
            None,
            |token| client.list_clusters().max_results(100).set_next_token(token).send(),
            |out| {
                let more = out.next_token.as_ref().is_some_and(|t| !t.is_empty());
                Some(Page::new(vec![(out.cluster_arns?, more)], out.next_token))
            },
            |pages| {
                for (arns, more) in pages {
                    if let Some(arn) = arns.first() {
                        note_account(&work, arn);
                    }
                    let few = std::mem::take(&mut first) && !more && arns.len() <= FEW;
                    batches(&work, &ends, &arns, few);
                }
            },
        )
        .await;
}

/// Describes clusters, and asks for their lists now (`few`) or when their counts are known.
fn batches(work: &Arc<Work>, ends: &EcsEnds, clusters: &[String], few: bool) {
    let described = work.wants(Action::DescribeClusters);
    for batch in clusters.chunks(BATCH).filter(|_| described) {
        work.start(describe(Arc::clone(work), ends.clone(), batch.to_vec(), !few));
    }
    if few || !described {
        for cluster in clusters {
            lists(work, ends, cluster, Counts::default());
        }
    }
}

async fn describe(work: Arc<Work>, ends: EcsEnds, clusters: Vec<String>, then_lists: bool) {
    use aws_sdk_ecs::types::ClusterField;
    let client = work.clients.ecs.clone();
    let subjects: Vec<&str> = clusters.iter().map(String::as_str).collect();
    let answer = work
        .ask_body(
            Action::DescribeClusters,
            &subjects,
            true,
            || {
                let fields = [ClusterField::Settings, ClusterField::Configurations, ClusterField::Tags];
                client.describe_clusters().set_clusters(Some(clusters.clone())).set_include(Some(fields.into())).send()
            },
            |out, body| Some((out.clusters?, out.failures.unwrap_or_default(), counts(body))),
        )
        .await;
    let mut counted: BTreeMap<String, (Counts, bool)> = BTreeMap::new();
    if let Ok((described, failures, counts)) = answer {
        workloads::note_failures(&work, Action::DescribeClusters, failures);
        for cluster in described {
            let of_this = cluster.cluster_arn.as_ref().and_then(|arn| counts.get(arn)).copied().unwrap_or_default();
            if let Some(cluster) = convert::cluster(cluster, of_this) {
                note_account(&work, &cluster.cluster_arn);
                let alive = !cluster.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("INACTIVE"));
                counted.insert(cluster.cluster_arn.clone(), (of_this, alive));
                work.with(|r| r.clusters.push(cluster));
            } else {
                work.book(|b| b.left_out(Action::DescribeClusters, [], LOST));
            }
        }
    }
    if then_lists {
        // A cluster that was not described may have anything; one that was asked for by name has its ARN now.
        for cluster in &clusters {
            let found = counted.iter().find(|(arn, _)| *arn == cluster || arn.rsplit('/').next() == Some(cluster)).map(|(_, c)| *c);
            match found {
                Some((_, false)) => {}
                Some((counts, true)) => lists(&work, &ends, cluster, counts),
                None => lists(&work, &ends, cluster, Counts::default()),
            }
        }
    }
}

/// The lists of one cluster that its counts do not show to be empty. Stopped tasks are in no count.
fn lists(work: &Arc<Work>, ends: &EcsEnds, cluster: &str, counts: Counts) {
    let some = |count: Option<i32>| count != Some(0);
    if some(counts.registered_container_instances_count) {
        work.start(compute::container_instances(Arc::clone(work), Arc::clone(&ends.instances), cluster.to_owned()));
    }
    if some(counts.active_services_count) {
        work.start(workloads::services(Arc::clone(work), Held { _own: Arc::clone(&ends.services), definitions: Arc::clone(&ends.definitions) }, cluster.to_owned()));
    }
    let running = some(counts.running_tasks_count) || some(counts.pending_tasks_count);
    work.start(workloads::tasks(Arc::clone(work), Held { _own: Arc::clone(&ends.tasks), definitions: Arc::clone(&ends.definitions) }, cluster.to_owned(), running));
}

async fn settings(work: Arc<Work>) {
    if work.wants(Action::ListAccountSettings) {
        let client = work.clients.ecs.clone();
        let _ = work
            .pages(
                Action::ListAccountSettings,
                None,
                |token| client.list_account_settings().effective_settings(true).max_results(10).set_next_token(token).send(),
                |out| Some(Page::new(out.settings?.into_iter().map(convert::setting).collect(), out.next_token)),
                |settings| {
                    if let Some(arn) = settings.iter().find_map(|s| s.principal_arn.as_deref()) {
                        note_account(&work, arn);
                    }
                    work.with(|r| r.account_settings.extend(settings));
                },
            )
            .await;
    }
    work.end(Action::ListAccountSettings);
}

/// Remembers the account that an ARN of its own names.
fn note_account(work: &Work, arn: &str) {
    let account = arn.split(':').nth(4).filter(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit()));
    if let Some(account) = account {
        let _ = work.found.account.set(account.to_owned());
        let _ = work.account().found.account.set(account.to_owned());
    }
}

/// Whether a cluster may be in the region: an ARN says so, a name may be anywhere.
fn of_region(cluster: &str, region: &str) -> bool {
    !cluster.starts_with("arn:") || cluster.split(':').nth(3) == Some(region)
}

/// The counts in a body of DescribeClusters, by ARN.
fn counts(body: &[u8]) -> BTreeMap<String, Counts> {
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(default)]
        clusters: Vec<One>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct One {
        cluster_arn: Option<String>,
        #[serde(flatten)]
        counts: Counts,
    }
    let body: Option<Body> = serde_json::from_slice(body).ok();
    body.map(|b| b.clusters).unwrap_or_default().into_iter().filter_map(|c| Some((c.cluster_arn?, c.counts))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_count_is_not_zero() {
        let body = br#"{"clusters":[{"clusterArn":"a","activeServicesCount":0,"runningTasksCount":3},{"clusterArn":"b"}],"failures":[]}"#;
        let counts = counts(body);
        assert_eq!(counts["a"], Counts { active_services_count: Some(0), running_tasks_count: Some(3), ..Counts::default() });
        assert_eq!(counts["b"], Counts::default());
    }

    #[test]
    fn an_arn_belongs_to_its_region_and_a_name_to_any() {
        assert!(of_region("web", "us-east-2"));
        assert!(of_region("arn:aws:ecs:us-east-2:111122223333:cluster/web", "us-east-2"));
        assert!(!of_region("arn:aws:ecs:eu-west-1:111122223333:cluster/web", "us-east-2"));
    }
}
