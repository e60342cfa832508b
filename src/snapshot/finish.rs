//! What follows from all files of a region together: clusters of short ARNs, lists against descriptions, defaults, order.

use std::collections::BTreeSet;

use super::operations::Facts;
use super::whose::{Arn, arn};
use crate::actions::Action;
use crate::inventory::{Completeness, Region, State, Status};

/// The describe operation that answers for what a list names, and the word in its ARNs.
const LISTED: [(Action, Action); 4] = [
    (Action::ListClusters, Action::DescribeClusters),
    (Action::ListContainerInstances, Action::DescribeContainerInstances),
    (Action::ListServices, Action::DescribeServices),
    (Action::ListTasks, Action::DescribeTasks),
];

/// Completes a region after its files were read.
pub(super) fn finish(region: &mut Region, facts: &Facts, manifest: &Completeness) {
    attribute_clusters(region, facts);
    resolve_task_definitions(region);
    merge_manifest(region, manifest);
    compare_lists(region, facts);
    default_block_public_access(region);
    sort(region);
}

/// Known clusters, described or listed.
fn known_clusters(region: &Region, facts: &Facts) -> BTreeSet<String> {
    let listed = facts.lists.get(&Action::ListClusters).into_iter().flatten().flat_map(|(_, arns)| arns.iter().cloned());
    region.clusters.iter().map(|c| c.cluster_arn.clone()).chain(listed).collect()
}

/// Finds clusters by what keys, file names and ARNs say of them.
struct Clusters {
    known: BTreeSet<String>,
    prefix: String,
}

impl Clusters {
    /// The ARN of a cluster that is named by ARN, name, or a file name that begins with the name.
    fn named(&self, hint: &str) -> Option<String> {
        if arn(hint).is_some() {
            return Some(hint.to_owned());
        }
        let by_name = |name: &str| self.known.iter().find(|c| c.rsplit('/').next() == Some(name)).cloned();
        by_name(hint).or_else(|| by_name(hint.split('.').next()?)).or_else(|| if self.known.is_empty() { Some(format!("{}{hint}", self.prefix)) } else { None })
    }

    /// The cluster in a long ARN: `…:task/CLUSTER/ID`.
    fn of_long(text: &str) -> Option<String> {
        let Arn { partition, region, account, resource, .. } = arn(text)?;
        let mut parts = resource.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(_), Some(cluster), Some(_)) => Some(format!("arn:{partition}:ecs:{region}:{account}:cluster/{cluster}")),
            _ => None,
        }
    }
}

/// Fills in clusters that answers leave out: the ARN itself, else the keyed list, the file's name, or the only cluster.
fn attribute_clusters(region: &mut Region, facts: &Facts) {
    let clusters = Clusters { known: known_clusters(region, facts), prefix: format!("arn:{}:ecs:{}:{}:cluster/", region.partition, region.region, region.account) };
    let only = if clusters.known.len() == 1 { clusters.known.first().cloned() } else { None };
    let find = |own: &Option<String>, id: &str| {
        let own = own.clone().filter(|c| !c.is_empty());
        own.or_else(|| Clusters::of_long(id)).or_else(|| clusters.named(facts.listed.get(id)?)).or_else(|| clusters.named(facts.clusters.get(id)?)).or_else(|| only.clone())
    };
    for x in &mut region.container_instances {
        x.cluster_arn = find(&x.cluster_arn, &x.container_instance_arn);
    }
    for x in &mut region.services {
        x.cluster_arn = find(&x.cluster_arn, &x.service_arn);
    }
    for x in &mut region.tasks {
        x.cluster_arn = find(&x.cluster_arn, &x.task_arn);
    }
}

/// Errors may be keyed by `family:revision`; everything else is keyed by ARN.
fn resolve_task_definitions(region: &mut Region) {
    let short: Vec<String> = region.task_definitions.keys().filter(|key| arn(key).is_none()).cloned().collect();
    for key in short {
        if let Some(answer) = region.task_definitions.remove(&key) {
            let long = format!("arn:{}:ecs:{}:{}:task-definition/{key}", region.partition, region.region, region.account);
            region.task_definitions.entry(long).or_insert(answer);
        }
    }
}

/// Brings together what the files show and what the manifest says. A file that is there counts; one that is gone was not
/// collected, unless the operation has no file of its own.
fn merge_manifest(region: &mut Region, manifest: &Completeness) {
    let read = std::mem::take(&mut region.completeness);
    for action in Action::ALL {
        let recorded = manifest.0.get(action);
        let without_file = LISTED.iter().any(|(list, _)| list == action) || *action == Action::GetCallerIdentity;
        let status = match (read.0.get(action), recorded) {
            (Some(_), Some(recorded)) if recorded.state == State::Partial => Some(recorded.clone()),
            (Some(read), Some(recorded)) if recorded.unasked && read.state == State::Complete => Some(recorded.clone()),
            (Some(read), _) => Some(read.clone()),
            (None, Some(recorded)) if recorded.state == State::Complete && !without_file => None,
            (None, Some(recorded)) if recorded.state == State::Partial && !without_file => {
                Some(Status::of(State::Missing, recorded.error.clone().unwrap_or_else(|| "the recorded file is gone".to_owned())))
            }
            (None, recorded) => recorded.cloned(),
        };
        if let Some(status) = status {
            region.completeness.0.insert(*action, status);
        }
    }
    // Only where it was asked does the identity belong to the report; a file that tells the account is no question.
    if !manifest.0.contains_key(&Action::GetCallerIdentity) {
        region.completeness.0.remove(&Action::GetCallerIdentity);
    }
}

/// What a list names and no description answers for is unknown; a description alone is taken as all there is.
fn compare_lists(region: &mut Region, facts: &Facts) {
    let clusters = known_clusters(region, facts);
    for (list, describe) in LISTED {
        let described: BTreeSet<&str> = match describe {
            Action::DescribeClusters => region.clusters.iter().map(|x| x.cluster_arn.as_str()).collect(),
            Action::DescribeContainerInstances => region.container_instances.iter().map(|x| x.container_instance_arn.as_str()).collect(),
            Action::DescribeServices => region.services.iter().map(|x| x.service_arn.as_str()).collect(),
            _ => region.tasks.iter().map(|x| x.task_arn.as_str()).collect(),
        };
        let Some(lists) = facts.lists.get(&list) else {
            let usable = matches!(region.completeness.state(describe), State::Complete | State::Partial);
            if usable && !region.completeness.0.contains_key(&list) {
                region.completeness.0.insert(list, Status::complete());
            }
            continue;
        };
        let lacking: BTreeSet<String> = lists.iter().flat_map(|(_, arns)| arns).filter(|arn| !described.contains(arn.as_str())).cloned().collect();
        if list != Action::ListClusters && lists.iter().all(|(cluster, arns)| cluster.is_some() || arns.is_empty()) && lists.iter().any(|(cluster, _)| cluster.is_some()) {
            let named: BTreeSet<&str> = lists.iter().filter_map(|(cluster, _)| cluster.as_deref()).map(|c| c.rsplit('/').next().unwrap_or(c)).collect();
            let unasked: BTreeSet<String> =
                clusters.iter().filter(|c| !named.iter().any(|n| c.rsplit('/').next().is_some_and(|name| name == *n || n.split('.').next() == Some(name)))).cloned().collect();
            if let Some(first) = unasked.first() {
                let error = format!("not collected for {} of the clusters, {first} among them", unasked.len());
                region.completeness.record(list, Status { ids: unasked, ..Status::of(State::Partial, error) });
            }
        }
        if let Some(first) = lacking.first() {
            if region.completeness.usable(describe) {
                let error = format!("{} listed and not described, {first} among them", lacking.len());
                region.completeness.record(describe, Status { ids: lacking, ..Status::of(State::Partial, error) });
            }
        } else if region.completeness.state(list) == State::Complete && !region.completeness.0.contains_key(&describe) {
            // Every list was seen and is empty: there was nothing to describe, and the CLI cannot describe nothing.
            region.completeness.0.insert(describe, Status::complete());
        }
    }
}

/// Without the answers about Block Public Access, what VPCs and subnets say of it decides, and else it is off.
fn default_block_public_access(region: &mut Region) {
    let said = region.vpcs.iter().any(|v| v.block_public_access_states.is_some()) || region.subnets.iter().any(|s| s.block_public_access_states.is_some());
    let error = if said { "not collected: BlockPublicAccessStates of VPCs and subnets decide" } else { "not collected: taken as off" };
    let blocks = region.block_public_access_options.as_ref().and_then(|o| o.internet_gateway_block_mode.as_deref()).is_some_and(|mode| !mode.eq_ignore_ascii_case("off"));
    let all_said = region.subnets.iter().all(|s| s.block_public_access_states.is_some());
    for action in [Action::DescribeVpcBlockPublicAccessOptions, Action::DescribeVpcBlockPublicAccessExclusions] {
        // With a block in force, an exclusion that was not collected decides, unless each subnet tells what holds for it.
        let open = action == Action::DescribeVpcBlockPublicAccessExclusions && blocks && !all_said;
        if region.completeness.state(action) == State::NotCollected && !open {
            region.completeness.0.insert(action, Status::of(State::Assumed, error));
        }
    }
}

/// Keeps what repeated looks at one container instance say of its agent: two answers that differ were given at two times.
fn keep_looks(region: &mut Region) {
    region.container_instances.sort_by(|a, b| a.container_instance_arn.cmp(&b.container_instance_arn));
    let looks = &mut region.agent_looks;
    region.container_instances.dedup_by(|later, first| {
        let same = later.container_instance_arn == first.container_instance_arn;
        if same {
            later.cluster_arn.clone_from(&first.cluster_arn);
            if let (true, Some(connected)) = (*later != *first, later.agent_connected) {
                looks.entry(first.container_instance_arn.clone()).or_default().push(connected);
            }
        }
        same
    });
}

/// Sorts by id, and drops what several files repeat.
fn sort(region: &mut Region) {
    keep_looks(region);
    macro_rules! by {
        ($($field:ident . $id:ident),* $(,)?) => { $(
            region.$field.sort_by(|a, b| a.$id.cmp(&b.$id));
            region.$field.dedup_by(|a, b| a.$id == b.$id);
        )* };
    }
    by!(
        vpcs.vpc_id,
        vpc_attributes.vpc_id,
        dhcp_options.dhcp_options_id,
        subnets.subnet_id,
        route_tables.route_table_id,
        network_acls.network_acl_id,
        security_groups.group_id,
        vpc_endpoints.vpc_endpoint_id,
        network_interfaces.network_interface_id,
        instances.instance_id,
        nat_gateways.nat_gateway_id,
        internet_gateways.internet_gateway_id,
        egress_only_internet_gateways.egress_only_internet_gateway_id,
        managed_prefix_lists.prefix_list_id,
        prefix_lists.prefix_list_id,
        vpc_peering_connections.vpc_peering_connection_id,
        transit_gateway_vpc_attachments.transit_gateway_attachment_id,
        transit_gateway_attachments.transit_gateway_attachment_id,
        block_public_access_exclusions.exclusion_id,
        clusters.cluster_arn,
        container_instances.container_instance_arn,
        services.service_arn,
        tasks.task_arn,
        capacity_providers.capacity_provider_arn,
        task_sets.task_set_arn,
        service_revisions.service_revision_arn,
        resolver_rules.id,
        resolver_endpoints.id,
        firewall_domain_lists.id,
    );
    // These have no id of their own: one service may have an interface and a gateway variant.
    macro_rules! whole {
        ($($field:ident by $key:expr),* $(,)?) => { $(
            region.$field.sort_by_cached_key($key);
            region.$field.dedup();
        )* };
    }
    whole!(
        service_details by |x| (x.service_name.clone(), x.service_type.iter().filter_map(|t| t.service_type.clone()).collect::<Vec<_>>()),
        security_group_vpc_associations by |x| (x.group_id.clone(), x.vpc_id.clone()),
        account_settings by |x| (x.name.clone(), x.principal_arn.clone(), x.value.clone()),
        resolver_rule_associations by |x| (x.id.clone(), x.vpc_id.clone(), x.resolver_rule_id.clone()),
        firewall_associations by |x| (x.id.clone(), x.vpc_id.clone(), x.firewall_rule_group_id.clone()),
        firewall_configs by |x| x.resource_id.clone(),
        profile_associations by |x| (x.id.clone(), x.resource_id.clone(), x.profile_id.clone()),
        pull_through_cache_rules by |x| (x.ecr_repository_prefix.clone(), x.upstream_registry_url.clone()),
        detector_ids by String::clone,
        cloudtrail_events by |x| (x.event_time, x.event_id.clone()),
    );
}
