//! Container instances, EC2 instances and network interfaces.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::convert::{ec2 as convert, ecs};
use super::work::{Ends, LOST, Page, Work, lock};
use super::{iam, network, scope, workloads};
use crate::actions::Action;
use crate::inventory::{ec2, ecs::ContainerInstance};

/// Container instances that one DescribeContainerInstances takes.
const CONTAINER_INSTANCES: usize = 100;
/// Values that one filter of EC2 takes.
const FILTER_VALUES: usize = 200;
/// Items on one page of EC2.
const PAGE: i32 = 1000;
/// So many calls by id are better than an unknown number of pages.
const CALLS_BY_ID: usize = 10;

/// Which EC2 instances are container instances, and which were described.
#[derive(Debug, Default)]
pub(super) struct Instances {
    wanted: BTreeSet<String>,
    /// The VPC of each described instance.
    known: HashMap<String, Option<String>>,
}

impl Instances {
    fn missing(&self) -> Vec<String> {
        self.wanted.iter().filter(|id| !self.known.contains_key(*id)).cloned().collect()
    }
}

/// The container instances of a cluster.
pub(super) async fn container_instances(work: Arc<Work>, ends: Arc<Ends>, cluster: String) {
    if !work.wants(Action::ListContainerInstances) {
        return;
    }
    let client = work.clients.ecs.clone();
    let _ = work
        .pages(
            Action::ListContainerInstances,
            Some(&cluster),
            |token| client.list_container_instances().cluster(&cluster).max_results(100).set_next_token(token).send(),
            |out| Some(Page::new(out.container_instance_arns?, out.next_token)),
            |arns| {
                for batch in arns.chunks(CONTAINER_INSTANCES) {
                    work.start(describe_container_instances(Arc::clone(&work), Arc::clone(&ends), cluster.clone(), batch.to_vec()));
                }
            },
        )
        .await;
}

async fn describe_container_instances(work: Arc<Work>, _held: Arc<Ends>, cluster: String, arns: Vec<String>) {
    use aws_sdk_ecs::types::ContainerInstanceField;
    if !work.wants(Action::DescribeContainerInstances) {
        return;
    }
    let client = work.clients.ecs.clone();
    let subjects: Vec<&str> = arns.iter().map(String::as_str).collect();
    let answer = work
        .ask_body(
            Action::DescribeContainerInstances,
            &subjects,
            true,
            || {
                let fields = [ContainerInstanceField::ContainerInstanceHealth, ContainerInstanceField::Tags];
                client.describe_container_instances().cluster(&cluster).set_container_instances(Some(arns.clone())).set_include(Some(fields.into())).send()
            },
            |out, body| {
                let connected = connected(body);
                let instances = out.container_instances?;
                let all = instances.len();
                let instances: Vec<ContainerInstance> = instances
                    .into_iter()
                    .filter_map(|x| {
                        let connected = x.container_instance_arn.as_ref().and_then(|arn| connected.get(arn)).copied().flatten();
                        ecs::container_instance(x, &cluster, connected)
                    })
                    .collect();
                Some((all - instances.len(), instances, out.failures.unwrap_or_default()))
            },
        )
        .await;
    let Ok((lost, instances, failures)) = answer else { return };
    workloads::note_failures(&work, Action::DescribeContainerInstances, failures);
    if lost > 0 {
        work.book(|b| b.left_out(Action::DescribeContainerInstances, [], LOST));
    }
    for instance in &instances {
        place(&work, instance);
    }
    work.with(|r| r.container_instances.extend(instances));
}

/// Which agents a body of DescribeContainerInstances says to be connected, by ARN; absent is not false.
fn connected(body: &[u8]) -> HashMap<String, Option<bool>> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        #[serde(default)]
        container_instances: Vec<One>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct One {
        container_instance_arn: Option<String>,
        agent_connected: Option<bool>,
    }
    let body: Option<Body> = serde_json::from_slice(body).ok();
    body.map(|b| b.container_instances).unwrap_or_default().into_iter().filter_map(|c| Some((c.container_instance_arn?, c.agent_connected))).collect()
}

/// Tells where a container instance is: by its own attributes, or by its EC2 instance once that is described.
fn place(work: &Arc<Work>, instance: &ContainerInstance) {
    let attribute = |name: &str| instance.attributes.iter().find(|a| a.name.as_deref() == Some(name)).and_then(|a| a.value.clone());
    if let Some(vpc) = attribute("ecs.vpc-id") {
        scope::uses_vpc(work, &vpc);
    }
    if let Some(id) = instance.ec2_instance_id.as_ref().filter(|id| id.starts_with("i-")) {
        let mut instances = lock(&work.found.instances);
        instances.wanted.insert(id.clone());
        let vpc = instances.known.get(id).cloned().flatten();
        drop(instances);
        if let Some(vpc) = vpc {
            scope::uses_vpc(work, &vpc);
        }
    }
}

/// EC2 instances. With a scope: all of its VPCs. Else the account's first page, and then whichever takes fewer calls: the
/// other pages, or the container instances by id.
pub(super) async fn instances(work: Arc<Work>, vpcs: Option<Vec<String>>) {
    lock(&work.found.instances).wanted.extend(work.request.also.iter().filter(|id| id.starts_with("i-")).cloned());
    if work.wants(Action::DescribeInstances) {
        match vpcs {
            Some(vpcs) => {
                for vpcs in vpcs.chunks(FILTER_VALUES) {
                    list_instances(&work, "vpc-id", vpcs).await;
                }
            }
            None => as_needed(&work).await,
        }
    }
    work.end(Action::DescribeInstances);
}

async fn as_needed(work: &Arc<Work>) {
    let (mut token, mut pages) = (None, 0_usize);
    loop {
        match instances_page(work, None, token.take()).await {
            Some(Some(next)) => token = Some(next),
            Some(None) | None => return,
        }
        pages += 1;
        work.ended(&[Action::DescribeClusters]).await;
        let registered: Option<usize> = work.with(|r| r.clusters.iter().map(|c| c.registered_container_instances_count.and_then(|n| usize::try_from(n).ok())).sum());
        let all_known = work.has_ended(Action::DescribeContainerInstances);
        if !all_known && registered.is_some_and(|n| n > CALLS_BY_ID * FILTER_VALUES) {
            continue;
        }
        work.ended(&[Action::DescribeContainerInstances]).await;
        let (missing, hits) = {
            let instances = lock(&work.found.instances);
            let missing = instances.missing();
            let hits = instances.wanted.len() - missing.len();
            (missing, hits)
        };
        let pages_left = missing.len() * pages / hits.max(1);
        if missing.len().div_ceil(FILTER_VALUES) <= pages_left.max(1) {
            for ids in missing.chunks(FILTER_VALUES) {
                list_instances(work, "instance-id", ids).await;
            }
            return;
        }
    }
}

/// All pages of instances that a filter selects. A filter by id, unlike a list of ids, may name instances that are gone.
async fn list_instances(work: &Arc<Work>, filter: &str, values: &[String]) {
    let mut token = None;
    while let Some(Some(next)) = instances_page(work, Some((filter, values)), token.take()).await {
        token = Some(next);
    }
}

/// One page: its next token, or nothing if it failed.
async fn instances_page(work: &Arc<Work>, filter: Option<(&str, &[String])>, token: Option<String>) -> Option<Option<String>> {
    let client = work.clients.ec2.clone();
    let page = managed(
        work,
        Action::DescribeInstances,
        |managed| {
            let filters = filter.map(|(name, values)| vec![network::filter(name, values)]);
            client.describe_instances().set_include_managed_resources(managed.then_some(true)).max_results(PAGE).set_filters(filters).set_next_token(token.clone()).send()
        },
        |out| {
            let instances: Vec<_> = out.reservations?.into_iter().flat_map(|r| r.instances.unwrap_or_default()).collect();
            let all = instances.len();
            let instances: Vec<ec2::Instance> = instances.into_iter().filter_map(convert::instance).collect();
            Some((all - instances.len(), instances, out.next_token.filter(|t| !t.is_empty())))
        },
    )
    .await?;
    let (lost, instances, next) = page;
    if lost > 0 {
        work.book(|b| b.left_out(Action::DescribeInstances, [], LOST));
    }
    let mut vpcs = BTreeSet::new();
    {
        let mut found = lock(&work.found.instances);
        for instance in &instances {
            if found.wanted.contains(&instance.instance_id) {
                vpcs.extend(instance.vpc_id.clone());
            }
            found.known.insert(instance.instance_id.clone(), instance.vpc_id.clone());
        }
    }
    for vpc in vpcs {
        scope::uses_vpc(work, &vpc);
    }
    work.with(|r| r.instances.extend(instances));
    Some(next)
}

/// The roles of container instances, once both are known.
pub(super) async fn instance_roles(work: Arc<Work>) {
    work.ended(&[Action::DescribeInstances, Action::DescribeContainerInstances]).await;
    let profiles: BTreeSet<String> = {
        let found = lock(&work.found.instances);
        work.with(|r| {
            let of_containers = r.instances.iter().filter(|i| found.wanted.contains(&i.instance_id));
            of_containers.filter_map(|i| i.iam_instance_profile.as_ref()?.arn.clone()).collect()
        })
    };
    for profile in profiles {
        iam::instance_profile(&work, &profile);
    }
}

/// Network interfaces of some VPCs, or all.
pub(super) async fn interfaces(work: Arc<Work>, vpcs: Option<Vec<String>>) {
    if work.wants(Action::DescribeNetworkInterfaces) {
        match vpcs {
            None => list_interfaces(&work, None).await,
            Some(vpcs) => {
                for vpcs in vpcs.chunks(FILTER_VALUES) {
                    list_interfaces(&work, Some(vpcs)).await;
                }
            }
        }
    }
    work.end(Action::DescribeNetworkInterfaces);
}

async fn list_interfaces(work: &Arc<Work>, vpcs: Option<&[String]>) {
    let client = work.clients.ec2.clone();
    let mut token: Option<String> = None;
    loop {
        let page = managed(
            work,
            Action::DescribeNetworkInterfaces,
            |managed| {
                let filters = vpcs.map(|vpcs| vec![network::filter("vpc-id", vpcs)]);
                client.describe_network_interfaces().set_include_managed_resources(managed.then_some(true)).max_results(PAGE).set_filters(filters).set_next_token(token.clone()).send()
            },
            |out| {
                let interfaces = out.network_interfaces?;
                let all = interfaces.len();
                let interfaces: Vec<ec2::NetworkInterface> = interfaces.into_iter().filter_map(convert::network_interface).collect();
                Some((all - interfaces.len(), interfaces, out.next_token.filter(|t| !t.is_empty())))
            },
        )
        .await;
        let Some((lost, interfaces, next)) = page else { return };
        if lost > 0 {
            work.book(|b| b.left_out(Action::DescribeNetworkInterfaces, [], LOST));
        }
        work.with(|r| r.network_interfaces.extend(interfaces));
        if next.is_none() || next == token {
            return;
        }
        token = next;
    }
}

/// One call with managed resources included; where that parameter is not known, once more without it.
async fn managed<T, O, E, F, Fut>(work: &Arc<Work>, action: Action, send: F, read: impl Fn(O) -> Option<T>) -> Option<T>
where
    F: Fn(bool) -> Fut,
    Fut: Future<Output = Result<O, aws_smithy_runtime_api::client::result::SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>>>,
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
{
    match work.ask_quietly(action, || send(true), &read).await {
        Ok(value) => {
            work.book(|b| b.answered(action));
            Some(value)
        }
        Err(error) if ["UnknownParameter", "InvalidParameter", "UnsupportedOperation"].contains(&error.code.as_str()) => work.ask(action, &[], || send(false), &read).await.ok(),
        Err(error) => {
            work.book(|b| b.failed(action, &error, []));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_connection_is_not_a_lost_one() {
        let body = br#"{"containerInstances":[{"containerInstanceArn":"a","agentConnected":false},{"containerInstanceArn":"b","attributes":[{"name":"x"}]}]}"#;
        let connected = connected(body);
        assert_eq!(connected["a"], Some(false));
        assert_eq!(connected["b"], None);
    }
}
