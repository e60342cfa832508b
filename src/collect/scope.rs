//! Which VPCs matter: those asked for or that ECS uses, and the hubs that their names and routes lead to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::work::{Work, lock};
use super::{dns, network};
use crate::actions::Action;
use crate::inventory::Region;

/// Up to so many VPCs behind a transit gateway are collected with a scope, also where nothing is known to be in them.
const FEW_NEIGHBOURS: usize = 20;

/// ECS runs in a VPC, or was asked to be looked at there: its DNS is needed.
pub(super) fn uses_vpc(work: &Arc<Work>, vpc: &str) {
    let scope = &work.request.vpcs;
    if scope.is_empty() || scope.iter().any(|v| v == vpc) {
        names_of(work, vpc);
    }
}

/// ECS uses these subnets; their VPCs follow once the subnets are listed.
pub(super) fn uses_subnets(work: &Arc<Work>, subnets: &[String]) {
    let new: Vec<String> = subnets.iter().filter(|s| work.first(Action::DescribeSubnets, s)).cloned().collect();
    if new.is_empty() {
        return;
    }
    let work = Arc::clone(work);
    Arc::clone(&work).start(async move {
        work.ended(&[Action::DescribeSubnets]).await;
        let vpcs: BTreeSet<String> = work.with(|r| r.subnets.iter().filter(|s| new.contains(&s.subnet_id)).map(|s| s.vpc_id.clone()).collect());
        for vpc in vpcs {
            uses_vpc(&work, &vpc);
        }
    });
}

/// DNS of one VPC: its attributes, its private zones, its firewall.
fn names_of(work: &Arc<Work>, vpc: &str) {
    network::vpc_attributes(work, vpc);
    dns::zones_of_vpc(work, vpc);
    dns::firewall_of_vpc(work, vpc);
}

/// Names lead to endpoints or resolvers in this VPC: its DNS decides too, and with a scope its network is collected.
pub(super) fn leads_to(work: &Arc<Work>, vpc: &str) {
    let known = work.with(|r| r.vpcs.iter().any(|v| v.vpc_id == vpc));
    if known {
        names_of(work, vpc);
        add_hubs(work, BTreeSet::from([vpc.to_owned()]));
    }
}

/// With a scope: the VPCs that are joined to it by peering or a transit gateway.
pub(super) async fn joined_vpcs(work: Arc<Work>) {
    if work.request.vpcs.is_empty() {
        return;
    }
    work.ended(&[Action::DescribeVpcs, Action::DescribeVpcEndpoints, Action::DescribeVpcPeeringConnections, Action::DescribeTransitGatewayVpcAttachments]).await;
    let hubs = work.with(|r| joined(r, &work.request.vpcs));
    add_hubs(&work, hubs);
}

/// VPCs of this region that are joined to those of `scope`. Behind a transit gateway with many, only those with endpoints.
fn joined(region: &Region, scope: &[String]) -> BTreeSet<String> {
    let ours = |vpc: &Option<String>| vpc.as_ref().is_some_and(|v| scope.contains(v));
    let mut hubs = BTreeSet::new();
    for peering in &region.vpc_peering_connections {
        let alive = peering.status.as_ref().and_then(|s| s.code.as_deref()).is_none_or(|c| c.eq_ignore_ascii_case("active"));
        let sides = [&peering.requester_vpc_info, &peering.accepter_vpc_info].map(|s| s.as_ref().and_then(|s| s.vpc_id.clone()));
        if alive && sides.iter().any(ours) {
            hubs.extend(sides.into_iter().flatten());
        }
    }
    let attachments = &region.transit_gateway_vpc_attachments;
    let gateways: BTreeSet<&String> = attachments.iter().filter(|a| ours(&a.vpc_id)).filter_map(|a| a.transit_gateway_id.as_ref()).collect();
    let neighbours: BTreeSet<&String> = attachments.iter().filter(|a| a.transit_gateway_id.as_ref().is_some_and(|g| gateways.contains(g))).filter_map(|a| a.vpc_id.as_ref()).collect();
    let with_endpoints: BTreeSet<&String> = region.vpc_endpoints.iter().filter(|e| e.vpc_endpoint_type.as_deref() == Some("Interface")).filter_map(|e| e.vpc_id.as_ref()).collect();
    let many = neighbours.len() > FEW_NEIGHBOURS;
    hubs.extend(neighbours.into_iter().filter(|v| !many || with_endpoints.contains(v)).cloned());
    hubs.retain(|v| !scope.contains(v) && region.vpcs.iter().any(|known| known.vpc_id == *v));
    hubs
}

/// Collects the networks of more VPCs, where a scope left them out so far.
fn add_hubs(work: &Arc<Work>, vpcs: BTreeSet<String>) {
    if work.request.vpcs.is_empty() {
        return;
    }
    let new: Vec<String> = {
        let mut hubs = lock(&work.found.hubs);
        vpcs.into_iter().filter(|v| !work.request.vpcs.contains(v)).filter(|v| hubs.insert(v.clone())).collect()
    };
    if !new.is_empty() {
        network::start_hubs(work, new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::ec2;

    fn vpc(id: &str) -> ec2::Vpc {
        ec2::Vpc { vpc_id: id.into(), ..Default::default() }
    }

    fn side(id: &str) -> Option<ec2::PeeringVpc> {
        Some(ec2::PeeringVpc { vpc_id: Some(id.into()), ..Default::default() })
    }

    fn attachment(id: &str, gateway: &str) -> ec2::TransitGatewayVpcAttachment {
        ec2::TransitGatewayVpcAttachment { vpc_id: Some(id.into()), transit_gateway_id: Some(gateway.into()), ..Default::default() }
    }

    #[test]
    fn hubs_are_those_joined_to_the_scope_in_this_region() {
        let peering = |a, b, code: &str| ec2::VpcPeeringConnection {
            status: Some(ec2::PeeringStatus { code: Some(code.into()) }),
            requester_vpc_info: side(a),
            accepter_vpc_info: side(b),
            ..Default::default()
        };
        let region = Region {
            vpcs: ["vpc-spoke", "vpc-peer", "vpc-gone", "vpc-hub", "vpc-stranger"].map(vpc).into(),
            vpc_peering_connections: vec![peering("vpc-peer", "vpc-spoke", "active"), peering("vpc-spoke", "vpc-gone", "deleted"), peering("vpc-spoke", "vpc-elsewhere", "active")],
            transit_gateway_vpc_attachments: vec![attachment("vpc-spoke", "tgw-1"), attachment("vpc-hub", "tgw-1"), attachment("vpc-stranger", "tgw-2")],
            ..Default::default()
        };
        assert_eq!(joined(&region, &["vpc-spoke".to_owned()]), BTreeSet::from(["vpc-hub".to_owned(), "vpc-peer".to_owned()]));
    }

    #[test]
    fn behind_a_busy_transit_gateway_only_vpcs_with_endpoints_count() {
        let ids: Vec<String> = (0..30).map(|n| format!("vpc-{n}")).collect();
        let region = Region {
            vpcs: ids.iter().map(|id| vpc(id)).collect(),
            transit_gateway_vpc_attachments: ids.iter().map(|id| attachment(id, "tgw-1")).collect(),
            vpc_endpoints: vec![ec2::VpcEndpoint { vpc_id: Some("vpc-7".into()), vpc_endpoint_type: Some("Interface".into()), ..Default::default() }],
            ..Default::default()
        };
        assert_eq!(joined(&region, &["vpc-0".to_owned()]), BTreeSet::from(["vpc-7".to_owned()]));
    }
}
