//! The last touches on a region: order, no doubles, what the regions of an account share, and whose it is.

use std::collections::BTreeMap;

use crate::inventory::Region;

/// Sorts every list by its ids, so that the order of answers leaves no trace, and drops doubles.
pub(super) fn sort(region: &mut Region) {
    fn by<T, K: Ord>(list: &mut Vec<T>, key: impl Fn(&T) -> K) {
        list.sort_by_cached_key(&key);
        list.dedup_by(|a, b| key(a) == key(b));
    }
    let r = region;
    by(&mut r.vpcs, |x| x.vpc_id.clone());
    by(&mut r.vpc_attributes, |x| x.vpc_id.clone());
    by(&mut r.dhcp_options, |x| x.dhcp_options_id.clone());
    by(&mut r.subnets, |x| x.subnet_id.clone());
    by(&mut r.route_tables, |x| x.route_table_id.clone());
    by(&mut r.network_acls, |x| x.network_acl_id.clone());
    by(&mut r.security_groups, |x| x.group_id.clone());
    by(&mut r.security_group_vpc_associations, |x| (x.group_id.clone(), x.vpc_id.clone()));
    by(&mut r.vpc_endpoints, |x| x.vpc_endpoint_id.clone());
    by(&mut r.service_names, Clone::clone);
    by(&mut r.service_details, |x| (x.service_name.clone(), x.service_region.clone(), x.service_type.iter().map(|t| t.service_type.clone()).collect::<Vec<_>>()));
    by(&mut r.network_interfaces, |x| x.network_interface_id.clone());
    by(&mut r.instances, |x| x.instance_id.clone());
    by(&mut r.nat_gateways, |x| x.nat_gateway_id.clone());
    by(&mut r.internet_gateways, |x| x.internet_gateway_id.clone());
    by(&mut r.egress_only_internet_gateways, |x| x.egress_only_internet_gateway_id.clone());
    by(&mut r.managed_prefix_lists, |x| x.prefix_list_id.clone());
    by(&mut r.prefix_lists, |x| x.prefix_list_id.clone());
    by(&mut r.vpc_peering_connections, |x| x.vpc_peering_connection_id.clone());
    by(&mut r.transit_gateway_vpc_attachments, |x| x.transit_gateway_attachment_id.clone());
    by(&mut r.transit_gateway_attachments, |x| x.transit_gateway_attachment_id.clone());
    by(&mut r.block_public_access_exclusions, |x| x.exclusion_id.clone());
    by(&mut r.clusters, |x| x.cluster_arn.clone());
    by(&mut r.container_instances, |x| x.container_instance_arn.clone());
    by(&mut r.services, |x| x.service_arn.clone());
    by(&mut r.tasks, |x| x.task_arn.clone());
    by(&mut r.capacity_providers, |x| x.capacity_provider_arn.clone());
    by(&mut r.task_sets, |x| x.task_set_arn.clone());
    by(&mut r.service_revisions, |x| x.service_revision_arn.clone());
    by(&mut r.account_settings, |x| (x.name.clone(), x.principal_arn.clone(), x.value.clone()));
    by(&mut r.resolver_rules, |x| x.id.clone());
    by(&mut r.resolver_rule_associations, |x| (x.id.clone(), x.resolver_rule_id.clone(), x.vpc_id.clone()));
    by(&mut r.resolver_endpoints, |x| x.id.clone());
    by(&mut r.firewall_associations, |x| (x.id.clone(), x.firewall_rule_group_id.clone(), x.vpc_id.clone()));
    by(&mut r.firewall_domain_lists, |x| x.id.clone());
    by(&mut r.firewall_configs, |x| x.resource_id.clone());
    by(&mut r.profile_associations, |x| (x.id.clone(), x.profile_id.clone(), x.resource_id.clone()));
    by(&mut r.pull_through_cache_rules, |x| (x.ecr_repository_prefix.clone(), x.registry_id.clone()));
    by(&mut r.detector_ids, Clone::clone);
    by(&mut r.cloudtrail_events, |x| (x.event_time, x.event_id.clone(), x.event_name.clone()));
}

/// Adds what was asked once for all regions.
pub(super) fn add_shared(region: &mut Region, shared: Region) {
    region.record_sets.extend(shared.record_sets);
    region.instance_profiles.extend(shared.instance_profiles);
    region.roles.extend(shared.roles);
    region.attached_role_policies.extend(shared.attached_role_policies);
    region.role_policy_names.extend(shared.role_policy_names);
    region.role_policies.extend(shared.role_policies);
    region.policies.extend(shared.policies);
    region.policy_versions.extend(shared.policy_versions);
}

/// The partition: that of the region's own ARNs, else the one that its name belongs to.
pub(super) fn partition<'a>(name: &str, region: &'a Region) -> &'a str {
    let arns = region.clusters.iter().map(|c| &c.cluster_arn).chain(region.task_definitions.keys()).chain(region.account_settings.iter().filter_map(|s| s.principal_arn.as_ref()));
    if let Some(partition) = arns.filter_map(|arn| arn.strip_prefix("arn:")?.split(':').next()).next() {
        return partition;
    }
    let known = [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-isob-", "aws-iso-b"), ("us-isof-", "aws-iso-f"), ("us-iso-", "aws-iso"), ("eu-isoe-", "aws-iso-e"), ("eusc-", "aws-eusc")];
    known.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// The account that owns most of what was seen, where no ARN tells; empty if nothing does.
pub(super) fn owner(region: &Region) -> String {
    let mut owners: BTreeMap<&String, usize> = BTreeMap::new();
    let groups = region.security_groups.iter().filter_map(|g| g.owner_id.as_ref());
    let vpcs = region.vpcs.iter().filter_map(|v| v.owner_id.as_ref());
    for owner in groups.chain(vpcs) {
        *owners.entry(owner).or_default() += 1;
    }
    owners.into_iter().max_by_key(|(_, n)| *n).map(|(owner, _)| owner.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::ec2::Vpc;
    use crate::inventory::ecs::Cluster;

    #[test]
    fn order_and_doubles_leave_no_trace() {
        let vpc = |id: &str| Vpc { vpc_id: id.into(), ..Default::default() };
        let mut region = Region { vpcs: ["b", "a", "b"].map(vpc).into(), ..Default::default() };
        sort(&mut region);
        assert_eq!(region.vpcs.iter().map(|v| v.vpc_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn partitions_follow_arns_and_then_names() {
        let empty = Region::default();
        for (name, expected) in
            [("us-east-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-iso-east-1", "aws-iso"), ("us-isob-east-1", "aws-iso-b"), ("eusc-de-east-1", "aws-eusc")]
        {
            assert_eq!(partition(name, &empty), expected, "{name}");
        }
        let cluster = Cluster { cluster_arn: "arn:aws-cn:ecs:cn-north-1:1:cluster/x".into(), ..Default::default() };
        assert_eq!(partition("somewhere-new-1", &Region { clusters: vec![cluster], ..Default::default() }), "aws-cn");
    }
}
