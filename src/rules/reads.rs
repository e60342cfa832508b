//! What decides whether a rule applies: sets of actions that rules name under `reads`, and which of them matter in a scene.

use std::collections::BTreeSet;

use crate::actions::Action::{
    self, DescribeCapacityProviders, DescribeClusters, DescribeContainerInstances, DescribeRouteTables, DescribeServices, DescribeSubnets, DescribeTaskDefinition, DescribeTasks, DescribeVpcEndpoints,
    DescribeVpcs, ListClusters, ListContainerInstances, ListHostedZonesByVpc, ListServices, ListTasks,
};
use crate::analysis::{Unseen, View};

/// The rule decides by itself what it needs.
pub const NOTHING: &[Action] = &[];
/// VPCs.
pub const VPCS: &[Action] = &[DescribeVpcs];
/// Endpoints.
pub const ENDPOINTS: &[Action] = &[DescribeVpcEndpoints];
/// Container instances.
pub const AGENTS_SEEN: &[Action] = &[ListClusters, DescribeClusters, ListContainerInstances, DescribeContainerInstances];
/// Container instances, and where capacity providers would launch more.
pub const AGENTS: &[Action] = &[ListClusters, DescribeClusters, ListContainerInstances, DescribeContainerInstances, DescribeCapacityProviders];
/// All that runs or may run.
pub const WORKLOADS: &[Action] =
    &[ListClusters, DescribeClusters, ListContainerInstances, DescribeContainerInstances, ListServices, DescribeServices, ListTasks, DescribeTasks, DescribeCapacityProviders];
/// All that runs or may run, and endpoints.
pub const WORKLOADS_AND_ENDPOINTS: &[Action] =
    &[ListClusters, DescribeClusters, ListContainerInstances, DescribeContainerInstances, ListServices, DescribeServices, ListTasks, DescribeTasks, DescribeCapacityProviders, DescribeVpcEndpoints];
/// All that runs, and what it needs.
pub const NEEDS: &[Action] =
    &[ListClusters, DescribeClusters, ListContainerInstances, DescribeContainerInstances, ListServices, DescribeServices, ListTasks, DescribeTasks, DescribeTaskDefinition, DescribeCapacityProviders];

/// All that runs, what it needs, and subnets.
pub const NEEDS_AND_SUBNETS: &[Action] = &[
    ListClusters,
    DescribeClusters,
    ListContainerInstances,
    DescribeContainerInstances,
    ListServices,
    DescribeServices,
    ListTasks,
    DescribeTasks,
    DescribeTaskDefinition,
    DescribeCapacityProviders,
    DescribeSubnets,
];
/// All that runs, what it needs, and routes.
pub const NEEDS_AND_ROUTES: &[Action] = &[
    ListClusters,
    DescribeClusters,
    ListContainerInstances,
    DescribeContainerInstances,
    ListServices,
    DescribeServices,
    ListTasks,
    DescribeTasks,
    DescribeTaskDefinition,
    DescribeCapacityProviders,
    DescribeRouteTables,
];
/// All that runs, what it needs, and private zones.
pub const NEEDS_AND_ZONES: &[Action] = &[
    ListClusters,
    DescribeClusters,
    ListContainerInstances,
    DescribeContainerInstances,
    ListServices,
    DescribeServices,
    ListTasks,
    DescribeTasks,
    DescribeTaskDefinition,
    DescribeCapacityProviders,
    ListHostedZonesByVpc,
];

/// Which VPCs are audited follows from what ECS uses, unless it was asked for: where none is known, what was not seen of that.
#[must_use]
pub fn scope_unseen(view: &View<'_>, reads: &[Action]) -> BTreeSet<Unseen> {
    if !view.vpcs.is_empty() || !reads.iter().any(|a| matches!(a, DescribeVpcs | DescribeVpcEndpoints)) {
        return BTreeSet::new();
    }
    WORKLOADS.iter().copied().filter(|a| !view.seen(*a) && matters(view, *a)).map(Unseen::Action).collect()
}

/// Whether `action` can decide anything in this scene.
///
/// VPCs and endpoints matter where ECS uses a VPC; capacity providers of one's own only where a cluster, a service, a task or an instance names one; which task
/// definitions there are is told by services and tasks.
#[must_use]
pub fn matters(view: &View<'_>, action: Action) -> bool {
    let region = view.region;
    match action {
        // Without a VPC in use nothing stands in one.
        DescribeSubnets | DescribeRouteTables | ListHostedZonesByVpc => !view.paths.is_empty(),
        DescribeVpcs | DescribeVpcEndpoints => !view.vpcs.is_empty() || !view.seen(DescribeClusters),
        DescribeCapacityProviders => {
            let ours = |name: &str| !matches!(name, "FARGATE" | "FARGATE_SPOT" | "");
            !view.seen(DescribeClusters)
                || region.clusters.iter().flat_map(|c| &c.capacity_providers).any(|n| ours(n))
                || region.services.iter().flat_map(|s| &s.capacity_provider_strategy).filter_map(|s| s.capacity_provider.as_deref()).any(ours)
                || region.tasks.iter().filter_map(|t| t.capacity_provider_name.as_deref()).any(ours)
                || region.container_instances.iter().filter_map(|i| i.capacity_provider_name.as_deref()).any(ours)
        }
        DescribeTaskDefinition => {
            !view.seen(DescribeServices)
                || !view.seen(DescribeTasks)
                || region
                    .services
                    .iter()
                    .any(|s| s.task_definition.is_some() || s.deployments.iter().any(|d| d.task_definition.is_some()) || s.task_sets.iter().flatten().any(|t| t.task_definition.is_some()))
                || region.tasks.iter().any(|t| t.task_definition_arn.is_some())
        }
        _ => true,
    }
}
