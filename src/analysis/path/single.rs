//! Single questions: one placement, one destination, without names where the destination is no service.

use std::net::IpAddr;

use super::endpoint::{self, Target};
use super::leg::Leg;
use super::source::{Source, family_of};
use super::{Engine, finish, public};
use crate::actions::Action;
use crate::analysis::net::IpSet;
use crate::analysis::{Decision, HopName, Need, Path, Placement, Unseen, View, Way};

/// Where a single question leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// An AWS service, by short name.
    Service(String),
    /// An endpoint, by id.
    Endpoint(String),
    /// A network interface, by id.
    Interface(String),
    /// An address.
    Address(IpAddr),
}

/// The path from a placement to a destination.
#[must_use]
pub fn ask(view: &View<'_>, placement: &Placement, need: &Need, destination: &Destination) -> Path {
    let engine = Engine::new(view);
    let source = Source::new(view, placement);
    let leg = match destination {
        Destination::Service(_) => engine.need(&source, need),
        Destination::Endpoint(id) => engine.endpoint(&source, need, id),
        Destination::Interface(id) => interface(view, &source, id, need.port),
        Destination::Address(address) => by_address(view, &source, *address, need.port),
    };
    finish(0, 0, leg)
}

fn interface(view: &View<'_>, source: &Source<'_>, id: &str, port: u16) -> Leg {
    let address = view.index.interfaces.get(id).and_then(|eni| endpoint::address_of(eni, source.family()).or_else(|| endpoint::address_of(eni, crate::analysis::Family::V4)));
    match address {
        Some(address) => by_address(view, source, address, port),
        None => {
            let mut leg = Leg::new(Way::Unknown);
            leg.hop(HopName::Route, &Decision::unknown(Some(id), format!("{id} has no address that was seen"), Unseen::Action(Action::DescribeNetworkInterfaces)));
            leg
        }
    }
}

fn by_address(view: &View<'_>, source: &Source<'_>, address: IpAddr, port: u16) -> Leg {
    let destination = IpSet::of_addresses([address]);
    let has = |eni: &&crate::inventory::ec2::NetworkInterface| {
        let text = address.to_string();
        eni.private_ip_address.as_deref() == Some(&text)
            || eni.private_ip_addresses.iter().any(|a| a.private_ip_address.as_deref() == Some(&text))
            || eni.ipv6_addresses.iter().any(|a| a.ipv6_address.as_deref().and_then(|a| a.parse::<IpAddr>().ok()) == Some(address))
    };
    // The VPC of the source first: ranges may repeat in others.
    let mut owners: Vec<_> = view.region.network_interfaces.iter().filter(has).collect();
    owners.sort_by_key(|eni| (eni.vpc_id.as_deref() != source.vpc, eni.network_interface_id.clone()));
    if let Some(eni) = owners.first() {
        let groups: Vec<String> = eni.groups.iter().filter_map(|g| g.group_id.clone()).collect();
        let serves = view.region.vpc_endpoints.iter().find(|e| e.network_interface_ids.contains(&eni.network_interface_id));
        let way = match serves {
            Some(e) if e.vpc_id.as_deref() == source.vpc => Way::InterfaceEndpoint,
            Some(_) => Way::RemoteEndpoint,
            None => Way::Local,
        };
        return to(view, source, way, &Target { address, subnet: eni.subnet_id.as_deref(), vpc: eni.vpc_id.as_deref(), groups: Some(&groups) }, port);
    }
    let subnet = view.region.subnets.iter().filter(|s| super::source::subnet_range(s).contains_ip(address)).min_by_key(|s| (Some(s.vpc_id.as_str()) != source.vpc, s.subnet_id.clone()));
    if let Some(subnet) = subnet {
        return to(view, source, Way::Local, &Target { address, subnet: Some(&subnet.subnet_id), vpc: Some(&subnet.vpc_id), groups: None }, port);
    }
    // Ranges of VPCs that are joined do not overlap; an address in the own range is meant here.
    let holds = |v: &&str| view.index.vpcs.get(v).is_some_and(|v| super::source::vpc_range(v).contains_ip(address));
    let vpc = source.vpc.filter(holds).or_else(|| super::remote::vpc_of(view, address).filter(holds));
    if let Some(vpc) = vpc.filter(|v| crate::analysis::route::listed(&view.index, Action::DescribeSubnets, Some(v))) {
        let mut leg = Leg::new(Way::Local);
        leg.hop(HopName::Route, &Decision::fail(None, format!("{address} lies in the range of {vpc} but in none of its subnets")));
        return leg;
    }
    if public::public_space(family_of(address)).contains_ip(address) {
        return public::to_addresses(view, source, &destination, port);
    }
    to(view, source, Way::Local, &Target { address, subnet: None, vpc: super::remote::vpc_of(view, address), groups: None }, port)
}

fn to(view: &View<'_>, source: &Source<'_>, way: Way, target: &Target<'_>, port: u16) -> Leg {
    let mut leg = Leg::new(way);
    for step in endpoint::to_address(view, source, target, port) {
        leg.hop(step.hop, &step.decision);
    }
    leg.hops.sort_by_key(|h| h.hop);
    leg
}
