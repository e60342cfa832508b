//! The way through an interface endpoint, in the VPC of the workload or in another one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::leg::{Leg, fail, of_decision, unknown};
use super::remote;
use super::source::{Source, family_of};
use crate::actions::Action;
use crate::analysis::net::{IpSet, PortSet};
use crate::analysis::sg::{self, Direction, Peer};
use crate::analysis::{Cause, Decision, Family, HopName, Tri, Unseen, View, Way, dns, nacl, route};
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::{NetworkInterface, VpcEndpoint};

/// Which rule judges a hop, with its severity and that of a block in part.
pub const fn rule_of(hop: HopName) -> Option<(&'static str, Severity, Severity)> {
    match hop {
        HopName::SourceSg => Some(("NW02", Severity::Critical, Severity::Medium)),
        HopName::SourceNaclOut | HopName::DestNaclIn => Some(("NW04", Severity::Critical, Severity::Medium)),
        HopName::Route => Some(("NW10", Severity::High, Severity::High)),
        HopName::DestSg => Some(("NW01", Severity::Critical, Severity::Medium)),
        HopName::DestNaclOut | HopName::SourceNaclIn => Some(("NW05", Severity::Critical, Severity::High)),
        HopName::Endpoint | HopName::Dns | HopName::Policy => None,
    }
}

/// One decision on the way to an address.
#[derive(Debug)]
pub struct Step {
    /// The hop that it belongs to.
    pub hop: HopName,
    /// The rule that owns it, where that is not the hop's own.
    pub rule: Option<&'static str>,
    /// The decision.
    pub decision: Decision,
}

impl Step {
    const fn new(hop: HopName, decision: Decision) -> Self {
        Self { hop, rule: None, decision }
    }

    /// The finding that it is, if it is one.
    fn cause(&self, fallback: &str) -> Option<Cause> {
        let (rule, severity, partial) = match self.rule {
            None => rule_of(self.hop)?,
            Some("NW04") => rule_of(HopName::SourceNaclOut)?,
            Some("NW05") => rule_of(HopName::SourceNaclIn)?,
            Some(rule) => (rule, Severity::High, Severity::High),
        };
        of_decision(rule, severity, partial, &self.decision, fallback)
    }
}

/// One interface, judged: its hops and whether it can be reached.
struct Judged {
    steps: Vec<Step>,
}

impl Judged {
    fn verdict(&self) -> Tri {
        self.steps.iter().map(|s| s.decision.verdict).max().unwrap_or(Tri::Unknown)
    }
}

/// The hops from a placement to the interfaces of an endpoint, without name and policy.
///
/// `records` are the families that the name has addresses of; `only` restricts to these addresses, where a record of a zone
/// names only some.
pub fn leg(view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, records: dns::Families, only: Option<&BTreeSet<IpAddr>>, port: u16) -> Leg {
    let local = endpoint.vpc_id.as_deref() == source.vpc;
    let mut leg = Leg::new(if local { Way::InterfaceEndpoint } else { Way::RemoteEndpoint });
    let id = endpoint.vpc_endpoint_id.as_str();
    let Some(family) = common_family(source, endpoint, records) else {
        if source.subnet.is_some_and(|s| s.ipv6_native == Some(true)) && super::public::has_nat64(view, source) {
            // DNS64 makes an IPv6 address of the endpoint's, and the NAT gateway connects from its own.
            let unseen = Unseen::Datum(format!("whether {id} is reached by DNS64 and NAT64"));
            let detail = format!("{id} has IPv4 addresses alone, to which DNS64 and a NAT gateway may lead");
            leg.hop(HopName::Route, &Decision::unknown(Some(id), detail.clone(), unseen.clone()));
            leg.cause(unknown("V601", Severity::High, id, detail, BTreeSet::from([unseen])));
            return leg;
        }
        let detail = format!("{id} answers with addresses of another family than {} has", source.subnet_id.unwrap_or("the subnet"));
        leg.hop(HopName::Dns, &Decision::fail(Some(id), detail.clone()));
        let evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "IpAddressType", endpoint.ip_address_type.as_deref().unwrap_or("ipv4"), "address families of the endpoint")];
        leg.cause(fail("V601", Severity::High, id, detail, evidence));
        return leg;
    };
    if !source.range.v6().is_empty() || dns::record_families(endpoint).v6 {
        leg.passed.insert("V601");
    }
    let interfaces: Vec<(&NetworkInterface, IpAddr)> = endpoint
        .network_interface_ids
        .iter()
        .filter_map(|eni| view.index.interfaces.get(eni.as_str()))
        .filter_map(|eni| Some((*eni, address_of(eni, family)?)))
        .filter(|(_, address)| only.is_none_or(|o| o.contains(address)))
        .collect();
    if interfaces.is_empty() || (only.is_none() && interfaces.len() < endpoint.network_interface_ids.len()) {
        let unseen = Unseen::Action(Action::DescribeNetworkInterfaces);
        leg.hop(HopName::Route, &Decision::unknown(Some(id), format!("the addresses of {id} were not seen"), unseen.clone()));
        leg.cause(unknown("NW03", Severity::High, id, format!("the network interfaces of {id} were not seen"), BTreeSet::from([unseen.clone()])));
        leg.unjudged.insert(unseen);
        if interfaces.is_empty() {
            return leg;
        }
    }
    let judged: Vec<Judged> = interfaces.iter().map(|(eni, address)| judge(view, source, endpoint, eni, *address, port)).collect();
    for step in judged.iter().flat_map(|j| &j.steps) {
        leg.hop(step.hop, &step.decision);
        if step.decision.verdict == Tri::Pass
            && let Some((rule, ..)) = rule_of(step.hop)
            && (rule != "NW10" || !local)
        {
            leg.passed.insert(rule);
        }
    }
    leg.hops.sort_by_key(|h| h.hop);
    let blocked = judged.iter().filter(|j| j.verdict() == Tri::Fail).count();
    let some = blocked > 0 && blocked < judged.len();
    if some {
        leg.cause(some_blocked(endpoint, &interfaces, &judged));
    } else if judged.iter().all(|j| j.verdict() != Tri::Unknown) {
        leg.passed.insert("NW03");
    } else if judged.len() > 1 {
        // What was not seen may block one of them alone.
        let unseen = judged.iter().flat_map(|j| &j.steps).flat_map(|s| s.decision.unseen.iter().cloned()).collect();
        leg.cause(unknown("NW03", Severity::High, id, format!("whether every interface of {id} can be reached was not seen"), unseen));
    }
    // Where some are blocked, NW03 owns that; what was not seen leaves the other rules unknown all the same.
    for step in judged.iter().flat_map(|j| &j.steps).filter(|s| !some || s.decision.verdict != Tri::Fail) {
        if let Some(cause) = step.cause(id) {
            leg.cause(cause);
        }
    }
    if leg.verdict() == Tri::Pass {
        for cause in tomorrow(view, source, endpoint, &interfaces, port) {
            leg.cause(cause);
        }
    }
    leg
}

/// The finding for an endpoint of which some interfaces are reached and others are not: names take turns.
fn some_blocked(endpoint: &VpcEndpoint, interfaces: &[(&NetworkInterface, IpAddr)], judged: &[Judged]) -> Cause {
    let id = endpoint.vpc_endpoint_id.as_str();
    let mut evidence = Vec::new();
    let mut blocked = Vec::new();
    for ((eni, address), judged) in interfaces.iter().zip(judged) {
        if let Some(Step { hop, decision, .. }) = judged.steps.iter().find(|s| s.decision.verdict == Tri::Fail) {
            let zone = eni.availability_zone.as_deref().unwrap_or("an unknown zone");
            blocked.push(format!("{address} in {zone} ({}: {})", hop_name(*hop), decision.detail));
            evidence.extend(decision.evidence.iter().cloned());
        }
    }
    let detail = format!("{} of {} interfaces of {id} cannot be reached, and the name leads to each in turn: {}", blocked.len(), interfaces.len(), blocked.join("; "));
    fail("NW03", Severity::High, id, detail, evidence)
}

/// The contract's name of a hop.
pub fn hop_name(hop: HopName) -> &'static str {
    match hop {
        HopName::Endpoint => "endpoint",
        HopName::Dns => "dns",
        HopName::SourceSg => "source-sg",
        HopName::SourceNaclOut => "source-nacl-out",
        HopName::Route => "route",
        HopName::DestNaclIn => "dest-nacl-in",
        HopName::DestSg => "dest-sg",
        HopName::DestNaclOut => "dest-nacl-out",
        HopName::SourceNaclIn => "source-nacl-in",
        HopName::Policy => "policy",
    }
}

/// The family in which both sides can talk by a name with these records, IPv4 first; `None` if there is none.
pub fn common_family(source: &Source<'_>, endpoint: &VpcEndpoint, records: dns::Families) -> Option<Family> {
    let dns::Families { v4, v6 } = dns::record_families(endpoint).and(records);
    let own_v4 = source.subnet.is_none_or(|s| s.ipv6_native != Some(true));
    let own_v6 = !source.range.v6().is_empty();
    if v4 && own_v4 {
        Some(Family::V4)
    } else if v6 && own_v6 {
        Some(Family::V6)
    } else {
        None
    }
}

/// The address of an interface in a family.
pub fn address_of(eni: &NetworkInterface, family: Family) -> Option<IpAddr> {
    match family {
        Family::V4 => eni.private_ip_address.as_deref()?.parse().ok(),
        Family::V6 => eni.ipv6_addresses.iter().find_map(|a| a.ipv6_address.as_deref()?.parse().ok()),
    }
}

fn judge(view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, eni: &NetworkInterface, address: IpAddr, port: u16) -> Judged {
    let groups: Vec<String> = if eni.groups.is_empty() { endpoint.groups.iter().filter_map(|g| g.group_id.clone()).collect() } else { eni.groups.iter().filter_map(|g| g.group_id.clone()).collect() };
    let subnet = eni.subnet_id.as_deref();
    Judged { steps: to_address(view, source, &Target { address, subnet, vpc: eni.vpc_id.as_deref().or(endpoint.vpc_id.as_deref()), groups: Some(&groups) }, port) }
}

/// A private address that a connection goes to.
pub struct Target<'a> {
    /// The address.
    pub address: IpAddr,
    /// Its subnet.
    pub subnet: Option<&'a str>,
    /// Its VPC.
    pub vpc: Option<&'a str>,
    /// Groups on its interface; `None`: no interface was seen.
    pub groups: Option<&'a [String]>,
}

/// The steps from a source to one private address, in the order of the way.
pub fn to_address(view: &View<'_>, source: &Source<'_>, target: &Target<'_>, port: u16) -> Vec<Step> {
    let mut steps = Vec::new();
    let ports = PortSet::port(port);
    let destination = IpSet::of_addresses([target.address]);
    let from = source.of_family(family_of(target.address));
    let same_vpc = target.vpc == source.vpc;
    let same_subnet = same_vpc && target.subnet.is_some() && target.subnet == source.subnet_id;
    let their_groups: BTreeSet<String> = target.groups.unwrap_or_default().iter().cloned().collect();
    let link = if same_vpc { remote::Link::SameVpc } else { remote::link(view, source, target.vpc) };
    let (forth, back) = if same_vpc {
        (remote::Crossing::default(), remote::Crossing::default())
    } else {
        let near = remote::End { vpc: source.vpc, subnet: source.subnet_id, addresses: &from };
        let far = remote::End { vpc: target.vpc, subnet: target.subnet, addresses: &destination };
        (remote::crossing(view, near, far, &ports, "NW04"), remote::crossing(view, far, near, &source.replies, "NW05"))
    };

    steps.push(Step::new(HopName::SourceSg, source_sg(view, source, &destination, &their_groups, &link, port)));
    if !same_subnet {
        steps.push(Step::new(HopName::SourceNaclOut, acl(view, source.subnet_id, true, &destination, &ports)));
    }
    steps.push(Step::new(
        HopName::Route,
        if same_subnet {
            Decision::pass(source.subnet_id, "both lie in the same subnet")
        } else if same_vpc {
            local_route(view, source, target, &from)
        } else {
            remote::route(view, source, target, &from)
        },
    ));
    steps.extend(forth.stops.into_iter().chain(back.stops).map(|(rule, decision)| Step { hop: HopName::Route, rule: Some(rule), decision }));
    if target.groups.is_some() || target.subnet.is_some() {
        if !same_subnet && !forth.unfiltered {
            steps.push(Step::new(HopName::DestNaclIn, acl(view, target.subnet, false, &from, &ports)));
        }
        steps.push(Step::new(
            HopName::DestSg,
            match target.groups {
                Some(groups) => admitted(view, groups, Direction::Ingress, &from, &source.groups, &link, port),
                None => Decision::unknown(None, format!("no interface with address {} was seen", target.address), Unseen::Datum(format!("what answers at {}", target.address))),
            },
        ));
        if !same_subnet {
            steps.push(Step::new(HopName::DestNaclOut, acl(view, target.subnet, true, &from, &source.replies)));
        }
    }
    if !same_subnet && !back.unfiltered {
        steps.push(Step::new(HopName::SourceNaclIn, acl(view, source.subnet_id, false, &destination, &source.replies)));
    }
    steps
}

/// The workload's own groups, outwards.
pub fn source_sg(view: &View<'_>, source: &Source<'_>, destination: &IpSet, their_groups: &BTreeSet<String>, link: &remote::Link, port: u16) -> Decision {
    if let Some(unseen) = &source.placement.groups_unseen {
        return Decision::unknown(None, "the security groups of the workload were not seen", unseen.clone());
    }
    admitted(view, &source.placement.security_groups, Direction::Egress, destination, their_groups, link, port)
}

/// Security groups against a peer, where references to the peer's groups count only as far as the link carries them.
fn admitted(view: &View<'_>, groups: &[String], direction: Direction, addresses: &IpSet, peer_groups: &BTreeSet<String>, link: &remote::Link, port: u16) -> Decision {
    let none = BTreeSet::new();
    let ask = |groups_of_peer| sg::admits(&view.index, groups, direction, &Peer { addresses, groups: groups_of_peer, prefix_list: None }, port).decision;
    match link {
        remote::Link::SameVpc | remote::Link::Peering(_) => ask(peer_groups),
        remote::Link::TransitGateway(tgw) => {
            let plain = ask(&none);
            if plain.verdict == Tri::Fail && !remote::drops_group_references(view, tgw) && ask(peer_groups).verdict == Tri::Pass {
                return Decision::unknown(
                    plain.object.as_deref(),
                    format!("a rule names a group of the other VPC, which counts only if {tgw} carries security group references"),
                    Unseen::Elsewhere(format!("whether {tgw} supports security group referencing")),
                );
            }
            plain
        }
        remote::Link::Unseen(action) => {
            let plain = ask(&none);
            if plain.verdict == Tri::Fail && ask(peer_groups).verdict == Tri::Pass {
                return Decision::unknown(plain.object.as_deref(), "a rule names a group of the other VPC, and what links the two was not seen", Unseen::Action(*action));
            }
            plain
        }
        remote::Link::None => ask(&none),
    }
}

/// One direction of the ACL of a subnet.
pub fn acl(view: &View<'_>, subnet: Option<&str>, egress: bool, peer: &IpSet, ports: &PortSet) -> Decision {
    let Some(subnet) = subnet else {
        return Decision::unknown(None, "the subnet was not seen", Unseen::Action(Action::DescribeSubnets));
    };
    match nacl::acl_of(&view.index, subnet) {
        Ok(acl) => nacl::admits(acl, egress, peer, ports),
        Err(unseen) => Decision::unknown(None, format!("the network ACL of {subnet} was not seen"), unseen),
    }
}

/// Both directions inside one VPC: `local`, unless a more specific route diverts them.
fn local_route(view: &View<'_>, source: &Source<'_>, target: &Target<'_>, from: &IpSet) -> Decision {
    let destination = IpSet::of_addresses([target.address]);
    let there = local_direction(view, source.subnet_id, &destination);
    if there.verdict != Tri::Pass {
        return there;
    }
    let back = local_direction(view, target.subnet, from);
    if back.verdict == Tri::Pass { there } else { back }
}

/// One direction inside a VPC, from a subnet: `local`, unless a more specific route diverts it.
pub fn local_direction(view: &View<'_>, subnet: Option<&str>, destination: &IpSet) -> Decision {
    let Some(subnet) = subnet else {
        return Decision::unknown(None, "the subnet was not seen", Unseen::Action(Action::DescribeSubnets));
    };
    let table = match route::table_of(&view.index, subnet) {
        Ok(table) => table,
        Err(unseen) => return Decision::unknown(None, format!("the route table of {subnet} was not seen"), unseen),
    };
    let id = Some(table.route_table_id.as_str());
    let mut worst = Decision::pass(id, "local");
    for (part, choice) in route::Compiled::new(&view.index, table, view.options).partition(destination) {
        let decision = match choice {
            route::Choice::Route(choice) => match &choice.target {
                route::Target::Local => continue,
                route::Target::Blackhole(_) => Decision::fail(id, format!("the route to {} leads nowhere (blackhole)", choice.destination)).because(Evidence::new(
                    Action::DescribeRouteTables,
                    "Routes[].State",
                    "blackhole",
                    format!("{} in {}", choice.destination, table.route_table_id),
                )),
                other => Decision::unknown(
                    id,
                    format!("the route to {} diverts {part} to {}", choice.destination, other.describe()),
                    Unseen::Datum(format!("what {} does with traffic inside the VPC", other.describe())),
                ),
            },
            route::Choice::None => Decision::fail(id, format!("{} has no route to {part}", table.route_table_id)),
            route::Choice::Unknown(unseen, detail) => Decision::unknown(id, detail, unseen),
        };
        if decision.verdict > worst.verdict {
            worst = decision;
        }
    }
    worst
}

/// What holds for today's addresses but not for those that the next task may get: NW01 and NW04 warn, and NW05 on Fargate,
/// whose kernel may use lower ports.
fn tomorrow(view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, interfaces: &[(&NetworkInterface, IpAddr)], port: u16) -> Vec<Cause> {
    let mut causes = Vec::new();
    let id = endpoint.vpc_endpoint_id.as_str();
    let renewed = !source.is_whole_subnet() && source.placement.workloads.iter().any(|w| w.contains(":service/") || w.contains(":capacity-provider/"));
    for (eni, address) in interfaces {
        let family = family_of(*address);
        let same_subnet = eni.subnet_id.as_deref() == source.subnet_id && eni.vpc_id.as_deref() == source.vpc;
        let range = source.range_of_family(family);
        if renewed && !range.is_empty() {
            let groups: Vec<String> = eni.groups.iter().filter_map(|g| g.group_id.clone()).collect();
            let link = if eni.vpc_id.as_deref() == source.vpc { remote::Link::SameVpc } else { remote::link(view, source, eni.vpc_id.as_deref()) };
            let later = admitted(view, &groups, Direction::Ingress, &range, &source.groups, &link, port);
            if later.verdict == Tri::Fail {
                let detail = format!("{}; the members of today are admitted, the next may get an address that is not", later.detail);
                causes.push(fail("NW01", Severity::Medium, later.object.as_deref().unwrap_or(id), detail, later.evidence));
            }
            if !same_subnet {
                let later = acl(view, eni.subnet_id.as_deref(), false, &range, &PortSet::port(port));
                if later.verdict == Tri::Fail {
                    let detail = format!("{}; the members of today pass, the next may get an address that does not", later.detail);
                    causes.push(fail("NW04", Severity::Medium, later.object.as_deref().unwrap_or(id), detail, later.evidence));
                }
            }
        }
        if source.placement.fargate && !same_subnet {
            let from = source.of_family(family);
            let there = IpSet::of_addresses([*address]);
            for later in [acl(view, eni.subnet_id.as_deref(), true, &from, &PortSet::wide_ephemeral()), acl(view, source.subnet_id, false, &there, &PortSet::wide_ephemeral())] {
                if later.verdict == Tri::Fail {
                    let detail = format!("{}; Fargate may use any port from 1024 on for replies", later.detail);
                    causes.push(fail("NW05", Severity::Medium, later.object.as_deref().unwrap_or(id), detail, later.evidence));
                }
            }
        }
    }
    causes
}
