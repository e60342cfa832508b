//! Proves a fix: makes its changes to a copy of the network and judges the same paths again.

use super::change::Change;
use crate::analysis::path::{hop_name, paths};
use crate::analysis::{Index, Need, Placement, Tri, View};
use crate::inventory::Region;

/// The change lies outside what can be made in memory.
pub const NOT_MODELLED: &str = "not_modelled";

/// `verified`: after the changes none of the paths of the finding (`hits`) has its cause any more, and none is blocked. Else what
/// would still be wrong, or `not_modelled`.
#[must_use]
pub fn prove(view: &View<'_>, changes: &[Change], rule: &str, object: &str, hits: &[(&Placement, &Need)]) -> String {
    if changes.is_empty() || hits.is_empty() {
        return NOT_MODELLED.to_owned();
    }
    let mut region = network(view.region);
    if !changes.iter().all(|c| c.apply(&mut region)) {
        return NOT_MODELLED.to_owned();
    }
    let mut placements: Vec<Placement> = Vec::new();
    for (place, need) in hits {
        match placements.iter_mut().find(|p| p.id == place.id) {
            Some(found) => found.needs.push((*need).clone()),
            None => placements.push(Placement { needs: vec![(*need).clone()], ..(*place).clone() }),
        }
    }
    let mut after = View {
        region: &region,
        index: Index::new(&region),
        options: view.options,
        now: view.now,
        vpcs: view.vpcs.clone(),
        placements,
        hints: Vec::new(),
        unseen_needs: std::collections::BTreeMap::new(),
        roster: crate::analysis::placement::Roster::default(),
        paths: Vec::new(),
    };
    after.paths = paths(&after);
    if let Some(cause) = after.paths.iter().flat_map(|p| &p.causes).find(|c| c.rule == rule && c.object == object && c.verdict == Tri::Fail) {
        return format!("still: {}", cause.detail);
    }
    let blocked = after.paths.iter().find_map(|p| {
        let hop = p.blocked_at?;
        let detail = p.hops.iter().find(|h| h.hop == hop && h.verdict == Tri::Fail).and_then(|h| h.detail.as_deref()).unwrap_or_default();
        let (_, need) = crate::analysis::path::need_of(&after, p)?;
        Some(format!("mends this, but {} would still be blocked at {}: {detail}", need.service, hop_name(hop)))
    });
    blocked.unwrap_or_else(|| "verified".to_owned())
}

/// The network without what runs in it: that is what changes touch and paths are judged by.
fn network(region: &Region) -> Region {
    let serving: std::collections::HashSet<&str> = region.vpc_endpoints.iter().flat_map(|e| e.network_interface_ids.iter().map(String::as_str)).collect();
    Region {
        partition: region.partition.clone(),
        account: region.account.clone(),
        region: region.region.clone(),
        completeness: region.completeness.clone(),
        vpcs: region.vpcs.clone(),
        vpc_attributes: region.vpc_attributes.clone(),
        dhcp_options: region.dhcp_options.clone(),
        subnets: region.subnets.clone(),
        route_tables: region.route_tables.clone(),
        network_acls: region.network_acls.clone(),
        security_groups: region.security_groups.clone(),
        security_group_vpc_associations: region.security_group_vpc_associations.clone(),
        vpc_endpoints: region.vpc_endpoints.clone(),
        service_names: region.service_names.clone(),
        service_details: region.service_details.clone(),
        network_interfaces: region.network_interfaces.iter().filter(|n| serving.contains(n.network_interface_id.as_str())).cloned().collect(),
        nat_gateways: region.nat_gateways.clone(),
        internet_gateways: region.internet_gateways.clone(),
        egress_only_internet_gateways: region.egress_only_internet_gateways.clone(),
        managed_prefix_lists: region.managed_prefix_lists.clone(),
        prefix_list_entries: region.prefix_list_entries.clone(),
        prefix_lists: region.prefix_lists.clone(),
        vpc_peering_connections: region.vpc_peering_connections.clone(),
        transit_gateway_vpc_attachments: region.transit_gateway_vpc_attachments.clone(),
        transit_gateway_attachments: region.transit_gateway_attachments.clone(),
        transit_gateway_associations: region.transit_gateway_associations.clone(),
        transit_gateway_routes: region.transit_gateway_routes.clone(),
        block_public_access_options: region.block_public_access_options.clone(),
        block_public_access_exclusions: region.block_public_access_exclusions.clone(),
        hosted_zones: region.hosted_zones.clone(),
        record_sets: region.record_sets.clone(),
        resolver_rules: region.resolver_rules.clone(),
        resolver_rule_associations: region.resolver_rule_associations.clone(),
        resolver_endpoints: region.resolver_endpoints.clone(),
        resolver_endpoint_addresses: region.resolver_endpoint_addresses.clone(),
        firewall_associations: region.firewall_associations.clone(),
        firewall_rules: region.firewall_rules.clone(),
        firewall_domain_lists: region.firewall_domain_lists.clone(),
        firewall_domains: region.firewall_domains.clone(),
        firewall_configs: region.firewall_configs.clone(),
        profile_associations: region.profile_associations.clone(),
        instance_profiles: region.instance_profiles.clone(),
        ..Region::default()
    }
}
