//! The way into another VPC and back: peering connections and transit gateways.
//!
//! A peering connection carries traffic between its two VPCs alone; a transit gateway sends what an attachment delivers by
//! the route table that the attachment is associated with.
//! <https://docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html>

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::endpoint::{Target, acl, local_direction};
use super::source::Source;
use crate::actions::Action;
use crate::analysis::net::{IpSet, PortSet};
use crate::analysis::{Decision, Tri, Unseen, View, route};
use crate::finding::Evidence;
use crate::inventory::Answer;

/// What links two VPCs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// They are one.
    SameVpc,
    /// A peering connection.
    Peering(String),
    /// A transit gateway.
    TransitGateway(String),
    /// Nothing.
    None,
    /// Nothing that was seen, and not all of it was.
    Unseen(Action),
}

/// The link between the source's VPC and another, as far as one is seen at all.
pub fn link(view: &View<'_>, source: &Source<'_>, other: Option<&str>) -> Link {
    let (Some(here), Some(there)) = (source.vpc, other) else { return Link::None };
    if let Some(peering) = view.region.vpc_peering_connections.iter().find(|p| joins(p, here, there) && is_active(p)) {
        return Link::Peering(peering.vpc_peering_connection_id.clone());
    }
    let gateways = |vpc: &str| -> Vec<String> {
        let own = view.region.transit_gateway_vpc_attachments.iter().filter(|a| a.vpc_id.as_deref() == Some(vpc)).filter_map(|a| a.transit_gateway_id.clone());
        let any = view.region.transit_gateway_attachments.iter().filter(|a| a.resource_id.as_deref() == Some(vpc)).filter_map(|a| a.transit_gateway_id.clone());
        own.chain(any).collect()
    };
    let theirs = gateways(there);
    if let Some(shared) = gateways(here).into_iter().find(|g| theirs.contains(g)) {
        return Link::TransitGateway(shared);
    }
    let unseen = [Action::DescribeVpcPeeringConnections, Action::DescribeTransitGatewayVpcAttachments].into_iter().find(|a| !view.seen(*a));
    unseen.map_or(Link::None, Link::Unseen)
}

/// A connection that is not active, or gone, joins nothing.
fn is_active(peering: &crate::inventory::ec2::VpcPeeringConnection) -> bool {
    peering.status.as_ref().and_then(|s| s.code.as_deref()).is_some_and(|c| c.eq_ignore_ascii_case("active"))
}

/// Whether an attachment to the transit gateway is known to carry no references to groups of other VPCs.
pub fn drops_group_references(view: &View<'_>, tgw: &str) -> bool {
    let support = |a: &crate::inventory::ec2::TransitGatewayVpcAttachment| a.options.as_ref().and_then(|o| o.security_group_referencing_support.clone());
    view.region.transit_gateway_vpc_attachments.iter().filter(|a| a.transit_gateway_id.as_deref() == Some(tgw)).any(|a| support(a).is_some_and(|s| s.eq_ignore_ascii_case("disable")))
}

fn joins(peering: &crate::inventory::ec2::VpcPeeringConnection, a: &str, b: &str) -> bool {
    let side = |s: &Option<crate::inventory::ec2::PeeringVpc>| s.as_ref().and_then(|s| s.vpc_id.clone());
    let (x, y) = (side(&peering.requester_vpc_info), side(&peering.accepter_vpc_info));
    (x.as_deref() == Some(a) && y.as_deref() == Some(b)) || (x.as_deref() == Some(b) && y.as_deref() == Some(a))
}

/// Both directions between a source and an address in another VPC.
pub fn route(view: &View<'_>, source: &Source<'_>, target: &Target<'_>, from: &IpSet) -> Decision {
    let destination = IpSet::of_addresses([target.address]);
    let (Some(here), Some(there)) = (source.vpc, target.vpc) else {
        return to_nowhere_seen(view, source, &destination).unwrap_or_else(|| {
            let unseen = if view.seen(Action::DescribeVpcs) { Unseen::Datum(format!("where {} is", target.address)) } else { Unseen::Action(Action::DescribeVpcs) };
            Decision::unknown(None, format!("in which VPC {} lies was not seen", target.address), unseen)
        });
    };
    let forth = one_way(view, here, source.subnet_id, there, &destination);
    if forth.verdict == Tri::Fail {
        return forth;
    }
    let back = match target.subnet {
        Some(subnet) => one_way(view, there, Some(subnet), here, from),
        None => Decision::unknown(None, format!("the subnet of {} was not seen, so the way back is not known", target.address), Unseen::Action(Action::DescribeSubnets)),
    };
    if back.verdict > forth.verdict { back } else { forth }
}

/// The block of a packet to an address of which nothing is known, where no route takes it out of the VPC.
fn to_nowhere_seen(view: &View<'_>, source: &Source<'_>, destination: &IpSet) -> Option<Decision> {
    let table = route::table_of(&view.index, source.subnet_id?).ok()?;
    let id = Some(table.route_table_id.as_str());
    route::partition(&view.index, table, destination).into_iter().find_map(|(part, choice)| match choice {
        route::Choice::None => Some(Decision::fail(id, format!("{} has no route to {part}", table.route_table_id))),
        route::Choice::Route(choice) if matches!(choice.target, route::Target::Blackhole(_)) => Some(Decision::fail(id, format!("the route to {} leads nowhere (blackhole)", choice.destination))),
        // The internet has no private addresses.
        route::Choice::Route(choice) if matches!(choice.target, route::Target::InternetGateway(_) | route::Target::EgressOnly(_)) => {
            Some(Decision::fail(id, format!("{} sends {part} to {}, behind which there are no private addresses", table.route_table_id, choice.target.describe())))
        }
        _ => None,
    })
}

/// One direction: from a subnet of `here` to addresses in `there`.
fn one_way(view: &View<'_>, here: &str, subnet: Option<&str>, there: &str, destination: &IpSet) -> Decision {
    let Some(subnet) = subnet else {
        return Decision::unknown(None, "the subnet was not seen", Unseen::Action(Action::DescribeSubnets));
    };
    let table = match route::table_of(&view.index, subnet) {
        Ok(table) => table,
        Err(unseen) => return Decision::unknown(None, format!("the route table of {subnet} was not seen"), unseen),
    };
    let id = Some(table.route_table_id.as_str());
    let mut worst: Option<Decision> = None;
    for (part, choice) in route::Compiled::new(&view.index, table, view.options).partition(destination) {
        let decision = match choice {
            route::Choice::None => Decision::fail(id, format!("{} has no route to {part} in {there}", table.route_table_id)).because(Evidence::new(
                Action::DescribeRouteTables,
                "Routes",
                part.to_string(),
                format!("no route of {} covers it", table.route_table_id),
            )),
            route::Choice::Unknown(unseen, detail) => Decision::unknown(id, detail, unseen),
            route::Choice::Route(choice) => match &choice.target {
                route::Target::Peering(pcx) => through_peering(view, id, pcx, here, there, &choice.destination),
                route::Target::TransitGateway(tgw) => through_transit_gateway(view, id, tgw, here, subnet, there, &part),
                route::Target::Blackhole(_) => Decision::fail(id, format!("the route to {} in {} leads nowhere (blackhole)", choice.destination, table.route_table_id)).because(Evidence::new(
                    Action::DescribeRouteTables,
                    "Routes[].State",
                    "blackhole",
                    choice.destination.clone(),
                )),
                route::Target::InternetGateway(_) | route::Target::Nat(_) | route::Target::EgressOnly(_) | route::Target::Local | route::Target::GatewayEndpoint(_) => Decision::fail(
                    id,
                    format!("{} sends {part} to {}, which does not lead to {there}", table.route_table_id, choice.target.describe()),
                )
                .because(Evidence::new(Action::DescribeRouteTables, "Routes", choice.destination.clone(), choice.target.describe())),
                other => Decision::unknown(id, format!("{part} goes by {}, behind which nothing was seen", other.describe()), Unseen::Datum(format!("what lies behind {}", other.describe()))),
            },
        };
        if worst.as_ref().is_none_or(|w| decision.verdict > w.verdict) {
            worst = Some(decision);
        }
    }
    worst.unwrap_or_else(|| Decision::unknown(id, "no address to route was seen", Unseen::Action(Action::DescribeSubnets)))
}

fn through_peering(view: &View<'_>, table: Option<&str>, pcx: &str, here: &str, there: &str, destination: &str) -> Decision {
    let Some(peering) = view.index.peerings.get(pcx) else {
        return if view.seen(Action::DescribeVpcPeeringConnections) {
            Decision::fail(table, format!("the route to {destination} names {pcx}, which is gone"))
        } else {
            Decision::unknown(table, format!("{pcx} was not seen"), Unseen::Action(Action::DescribeVpcPeeringConnections))
        };
    };
    let code = peering.status.as_ref().and_then(|s| s.code.as_deref()).unwrap_or("unknown");
    if !code.eq_ignore_ascii_case("active") {
        return Decision::fail(table, format!("{pcx} is {code}, not active")).because(Evidence::new(Action::DescribeVpcPeeringConnections, "Status.Code", code, pcx));
    }
    if joins(peering, here, there) { Decision::pass(table, format!("by {pcx}")) } else { Decision::fail(table, format!("{pcx} does not join {here} and {there}; peering is not transitive")) }
}

fn through_transit_gateway(view: &View<'_>, table: Option<&str>, tgw: &str, here: &str, subnet: &str, there: &str, destination: &IpSet) -> Decision {
    if !view.seen(Action::DescribeTransitGatewayVpcAttachments) {
        return Decision::unknown(table, format!("the attachments of {tgw} were not seen"), Unseen::Action(Action::DescribeTransitGatewayVpcAttachments));
    }
    let attachment = |vpc: &str| view.region.transit_gateway_vpc_attachments.iter().find(|a| a.transit_gateway_id.as_deref() == Some(tgw) && a.vpc_id.as_deref() == Some(vpc));
    let Some(ours) = attachment(here) else {
        return Decision::fail(table, format!("{here} is not attached to {tgw}"));
    };
    for (vpc, found) in [(here, Some(ours)), (there, attachment(there))] {
        let Some(found) = found else {
            // Attachments of other accounts are not listed here.
            return Decision::unknown(table, format!("whether {there} is attached to {tgw} was not seen"), Unseen::Elsewhere(format!("the attachments of {tgw} in other accounts")));
        };
        let state = found.state.as_deref().unwrap_or("unknown");
        if !state.eq_ignore_ascii_case("available") {
            return Decision::fail(table, format!("the attachment of {vpc} to {tgw} is {state}")).because(Evidence::new(
                Action::DescribeTransitGatewayVpcAttachments,
                "State",
                state,
                &found.transit_gateway_attachment_id,
            ));
        }
    }
    let zone = |s: &str| view.index.subnets.get(s).and_then(|s| s.availability_zone.as_deref());
    if let Some(own) = zone(subnet)
        && !ours.subnet_ids.is_empty()
        && ours.subnet_ids.iter().all(|s| zone(s).is_some_and(|z| z != own))
    {
        return Decision::fail(table, format!("the attachment of {here} to {tgw} has no subnet in {own}, so what runs there cannot use it"));
    }
    by_gateway_table(view, table, tgw, &ours.transit_gateway_attachment_id, there, destination)
}

/// One end of packets between two VPCs.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// Its VPC.
    pub vpc: Option<&'a str>,
    /// Its subnet.
    pub subnet: Option<&'a str>,
    /// Its addresses.
    pub addresses: &'a IpSet,
}

/// What the subnets of a transit gateway's attachments do to the packets of one direction.
#[derive(Debug, Default)]
pub struct Crossing {
    /// What stops them, or may: the rule that owns it, and why.
    pub stops: Vec<(&'static str, Decision)>,
    /// They come out of the gateway in the very subnet that they are for, whose network ACL is then not asked.
    pub unfiltered: bool,
}

/// Packets enter a transit gateway by its interface in the zone that they come from, past the inbound entries of that subnet's
/// network ACL. They leave it in the same zone where the other VPC has an attached subnet there and no appliance mode, past the
/// outbound entries and the route table of that one, unless it is the subnet that they are for. `rule` owns what an ACL blocks.
/// <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-nacls.html>,
/// <https://docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html>
pub fn crossing(view: &View<'_>, from: End<'_>, to: End<'_>, ports: &PortSet, rule: &'static str) -> Crossing {
    let mut crossing = Crossing::default();
    let (Some(here), Some(there), Some(subnet)) = (from.vpc, to.vpc, from.subnet) else { return crossing };
    let Some(tgw) = gateway_towards(view, subnet, to.addresses) else { return crossing };
    let zone = |s: &str| view.index.subnets.get(s).and_then(|s| s.availability_zone.as_deref());
    let attachments = |vpc: &str| view.region.transit_gateway_vpc_attachments.iter().filter(|a| a.transit_gateway_id.as_deref() == Some(&tgw) && a.vpc_id.as_deref() == Some(vpc)).collect::<Vec<_>>();
    let attached = |vpc: &str, anywhere: bool| -> Vec<&str> {
        let all: Vec<&str> = attachments(vpc).into_iter().flat_map(|a| a.subnet_ids.iter().map(String::as_str)).collect();
        let same: Vec<&str> = all.iter().copied().filter(|s| zone(s).is_some() && zone(s) == zone(subnet)).collect();
        if same.is_empty() || anywhere { all } else { same }
    };
    // Every attachment to a VPC has subnets; without them their ACLs are not known.
    for bare in [here, there].into_iter().flat_map(attachments).filter(|a| a.subnet_ids.is_empty()) {
        let id = &bare.transit_gateway_attachment_id;
        let unseen = Unseen::Elsewhere(format!("the subnets of {id}"));
        crossing.stops.push(("NW10", Decision::unknown(Some(id), format!("the subnets that {id} attaches to {tgw} were not seen"), unseen)));
    }
    let action = Action::DescribeTransitGatewayVpcAttachments;
    if !view.seen(action) && [here, there].iter().any(|v| attachments(v).is_empty()) {
        crossing.stops.push((rule, Decision::unknown(None, format!("the network ACLs of the subnets that {tgw} is attached to were not seen"), Unseen::Action(action))));
    }
    let into = attached(here, false).into_iter().map(|s| acl(view, Some(s), false, from.addresses, ports));
    crossing.stops.extend(agreed(into.collect(), &tgw).map(|d| (rule, d)));
    let mode = |a: &&crate::inventory::ec2::TransitGatewayVpcAttachment| a.options.as_ref().and_then(|o| o.appliance_mode_support.as_deref()).is_some_and(|m| m.eq_ignore_ascii_case("enable"));
    let out = attached(there, attachments(there).iter().any(mode));
    crossing.unfiltered = !out.is_empty() && out.iter().all(|s| Some(*s) == to.subnet);
    let others = || out.iter().copied().filter(|s| Some(*s) != to.subnet);
    crossing.stops.extend(agreed(others().map(|s| acl(view, Some(s), true, to.addresses, ports)).collect(), &tgw).map(|d| (rule, d)));
    crossing.stops.extend(agreed(others().map(|s| local_direction(view, Some(s), to.addresses)).collect(), &tgw).map(|d| ("NW10", d)));
    crossing
}

/// The transit gateway that the route table of a subnet sends any of these addresses to.
fn gateway_towards(view: &View<'_>, subnet: &str, addresses: &IpSet) -> Option<String> {
    let table = route::table_of(&view.index, subnet).ok()?;
    route::Compiled::new(&view.index, table, view.options).partition(addresses).into_iter().find_map(|(_, choice)| match choice {
        route::Choice::Route(choice) => match &choice.target {
            route::Target::TransitGateway(tgw) => Some(tgw.clone()),
            _ => None,
        },
        _ => None,
    })
}

/// What several subnets say, one of which is on the way: nothing where all let packets pass, and unknown where they differ.
fn agreed(decisions: Vec<Decision>, tgw: &str) -> Option<Decision> {
    let differ = decisions.iter().any(|d| d.verdict != Tri::Fail);
    let unseen: BTreeSet<Unseen> = decisions.iter().flat_map(|d| d.unseen.iter().cloned()).collect();
    let worst = decisions.into_iter().reduce(|worst, d| if d.verdict > worst.verdict { d } else { worst })?;
    match worst.verdict {
        Tri::Pass => None,
        Tri::Fail if differ => {
            let zone = Unseen::Datum(format!("in which zone packets leave {tgw}"));
            let mut open = Decision::unknown(worst.object.as_deref(), format!("{}, and in which zone packets leave {tgw} is not known", worst.detail), zone);
            open.unseen.extend(unseen);
            Some(open)
        }
        _ => Some(worst),
    }
}

/// What the transit gateway's own route table does with packets that an attachment delivers.
fn by_gateway_table(view: &View<'_>, table: Option<&str>, tgw: &str, attachment: &str, there: &str, destination: &IpSet) -> Decision {
    let direct = view
        .region
        .transit_gateway_attachments
        .iter()
        .find(|a| a.transit_gateway_attachment_id == attachment)
        .and_then(|a| a.association.as_ref())
        .filter(|a| a.state.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("associated")))
        .and_then(|a| a.transit_gateway_route_table_id.clone());
    let listed = || {
        view.region.transit_gateway_associations.iter().find_map(|(id, answer)| {
            answer.output()?.associations.iter().any(|a| a.transit_gateway_attachment_id.as_deref() == Some(attachment) && a.state.as_deref() == Some("associated")).then(|| id.clone())
        })
    };
    let Some(gateway_table) = direct.or_else(listed) else {
        return if view.seen(Action::DescribeTransitGatewayAttachments) && view.region.transit_gateway_attachments.iter().any(|a| a.transit_gateway_attachment_id == attachment) {
            Decision::fail(table, format!("{attachment} is associated with no route table of {tgw}"))
        } else {
            Decision::unknown(table, format!("which route table of {tgw} {attachment} uses was not seen"), Unseen::Action(Action::DescribeTransitGatewayAttachments))
        };
    };
    let routes = match view.region.transit_gateway_routes.get(&gateway_table) {
        Some(Answer::Output(routes)) => routes,
        Some(Answer::Error(_)) | None => return Decision::unknown(table, format!("the routes of {gateway_table} were not seen"), Unseen::Action(Action::SearchTransitGatewayRoutes)),
    };
    let partial = routes.additional_routes_available == Some(true);
    let nets: Vec<ipnet::IpNet> = routes.routes.iter().filter_map(|r| r.destination_cidr_block.as_deref()?.parse().ok()).collect();
    for (first, last) in destination.ranges() {
        for address in starts(first, last, &nets) {
            let best = routes
                .routes
                .iter()
                .filter_map(|r| {
                    let net: ipnet::IpNet = r.destination_cidr_block.as_deref()?.parse().ok()?;
                    net.contains(&address).then_some((net.prefix_len(), r))
                })
                .max_by_key(|(length, r)| (*length, r.r#type.as_deref() == Some("static")));
            let Some((_, best)) = best else {
                return if partial || routes.routes.iter().any(|r| r.destination_cidr_block.is_none()) {
                    Decision::unknown(table, format!("not all routes of {gateway_table} were seen"), Unseen::Action(Action::SearchTransitGatewayRoutes))
                } else {
                    gateway_fail(table, format!("{gateway_table} of {tgw} has no route to {address}"), &address)
                };
            };
            let state = best.state.as_deref().unwrap_or("unknown");
            if state != "active" {
                return gateway_fail(table, format!("the route of {gateway_table} to {address} is {state}"), &address);
            }
            if !best.transit_gateway_attachments.iter().any(|a| a.resource_id.as_deref() == Some(there)) {
                let to = best.transit_gateway_attachments.first().and_then(|a| a.resource_id.as_deref()).unwrap_or("elsewhere").to_owned();
                return Decision::unknown(table, format!("{gateway_table} sends {address} to {to}, not straight to {there}"), Unseen::Datum(format!("what {to} does with traffic for {there}")));
            }
        }
    }
    if partial {
        return Decision::unknown(table, format!("not all routes of {gateway_table} were seen"), Unseen::Action(Action::SearchTransitGatewayRoutes));
    }
    Decision::pass(table, format!("by {tgw} ({gateway_table})"))
}

/// The first address of every piece into which prefixes cut a range: what holds for it holds for the piece.
fn starts(first: IpAddr, last: IpAddr, nets: &[ipnet::IpNet]) -> Vec<IpAddr> {
    let inside = |a: &IpAddr| *a > first && *a <= last && a.is_ipv4() == first.is_ipv4();
    let after = nets.iter().filter_map(|n| match n.broadcast() {
        IpAddr::V4(a) => u32::from(a).checked_add(1).map(|n| IpAddr::from(std::net::Ipv4Addr::from(n))),
        IpAddr::V6(a) => u128::from(a).checked_add(1).map(|n| IpAddr::from(std::net::Ipv6Addr::from(n))),
    });
    let mut points: Vec<IpAddr> = nets.iter().map(ipnet::IpNet::network).chain(after).filter(inside).collect();
    points.push(first);
    points.sort();
    points.dedup();
    points
}

fn gateway_fail(table: Option<&str>, detail: String, address: &IpAddr) -> Decision {
    let evidence = Evidence::new(Action::SearchTransitGatewayRoutes, "Routes", address.to_string(), detail.clone());
    Decision::fail(table, detail).because(evidence)
}

/// The VPC whose range holds an address: the peer of a connection may be of another account and is known by its range alone.
pub fn vpc_of<'v>(view: &'v View<'_>, address: IpAddr) -> Option<&'v str> {
    let own = view.region.vpcs.iter().find(|v| super::source::vpc_range(v).contains_ip(address)).map(|v| v.vpc_id.as_str());
    own.or_else(|| {
        let sides = view.region.vpc_peering_connections.iter().flat_map(|p| [&p.requester_vpc_info, &p.accepter_vpc_info]).flatten();
        sides
            .filter(|s| {
                let set = s.cidr_block_set.iter().filter_map(|c| c.cidr_block.as_deref());
                s.cidr_block.as_deref().into_iter().chain(set).filter_map(|c| c.parse::<ipnet::IpNet>().ok()).any(|n| n.contains(&address))
            })
            .find_map(|s| s.vpc_id.as_deref())
    })
}
