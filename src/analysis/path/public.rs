//! Ways to a public address: a gateway endpoint (S3), or the internet over a NAT, internet or egress-only gateway.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoint::{acl, source_sg};
use super::leg::{Leg, fail, of_decision, unknown};
use super::remote::Link;
use super::source::Source;
use crate::actions::Action;
pub use crate::analysis::net::public_space;
use crate::analysis::net::{IpSet, PortSet, prefix_list};
use crate::analysis::{Decision, Egress, Family, HopName, Tri, Unseen, View, Way, egress, route, services, sg};
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::VpcEndpoint;

/// How the placement leaves towards the public internet, for the destinations of one need.
#[derive(Debug)]
pub struct Exit {
    /// The class that decides; `None`: not seen.
    pub class: Option<Egress>,
    /// Why.
    pub decision: Decision,
    /// The object whose dead route it is: a route table, or the VPC for Block Public Access.
    pub dead: Option<String>,
    /// NAT gateways on the way.
    pub nats: Vec<OnTheWay>,
}

/// A NAT gateway that some destinations go by.
#[derive(Debug)]
pub struct OnTheWay {
    /// Its id.
    pub nat: String,
    /// Whether a connection is sure to go by it, or only where the name means one of these addresses.
    pub sure: bool,
    /// What goes by it.
    pub destinations: IpSet,
}

/// How a placement leaves for `destinations`, each of which is judged by the route that covers it.
///
/// `exact`: all of them are really used (S3's list), so that the worst part decides, whatever the default route is. Else they
/// are all that a name may lead to: the default route decides, unless a narrower route leaves in another way.
pub fn exit(view: &View<'_>, source: &Source<'_>, family: Family, destinations: &IpSet, exact: bool) -> Exit {
    let Some(subnet) = source.subnet_id else {
        let decision = Decision::unknown(None, "the subnet was not seen", Unseen::Action(Action::DescribeSubnets));
        return Exit { class: None, decision, dead: None, nats: Vec::new() };
    };
    let public = source.placement.public_ip;
    let mut parts = egress::ways(&view.index, view.options, subnet, family, public, destinations);
    if !exact {
        // Routes are read for all that is public; what they do with addresses that the name cannot mean does not matter.
        let meant = other_space(view, family);
        parts = parts.into_iter().map(|(part, answer)| (part.intersect(&meant), answer)).filter(|(part, _)| !part.is_empty()).collect();
    }
    let mut by_nat: BTreeMap<String, IpSet> = BTreeMap::new();
    for (part, answer) in &parts {
        if let Some(route::Target::Nat(nat)) = &answer.target {
            let all = by_nat.entry(nat.clone()).or_default();
            *all = all.union(part);
        }
    }
    let nats = |sure: &dyn Fn(&String) -> bool| by_nat.iter().map(|(nat, part)| OnTheWay { nat: nat.clone(), sure: sure(nat), destinations: part.clone() }).collect::<Vec<_>>();
    // Where a name may lead, beside what is lost and what a gateway endpoint takes for its own service.
    let other_ways: Vec<Option<route::Target>> =
        parts.iter().filter(|(_, p)| p.decision.verdict != Tri::Fail && !matches!(p.target, Some(route::Target::GatewayEndpoint(_)))).map(|(_, p)| p.target.clone()).collect();
    let worst = if exact {
        // A gateway endpoint that takes part of them is none that works: that one would be the way. And what must stay private
        // does not leave over the internet.
        let taken = |mut part: egress::EgressAnswer| {
            if part.class.is_some_and(|c| c.level(view.options.require_private) == crate::analysis::Level::Hard) {
                part.decision.verdict = Tri::Fail;
            }
            part
        };
        let worst = parts.into_iter().map(|(_, part)| taken(part)).reduce(|worst, part| if part.decision.verdict > worst.decision.verdict { part } else { worst });
        worst.unwrap_or_else(|| egress::egress(&view.index, view.options, subnet, family, public))
    } else {
        let whole = egress::egress(&view.index, view.options, subnet, family, public);
        // What a gateway endpoint takes is the addresses of its own service.
        let other = |(_, part): &&(IpSet, egress::EgressAnswer)| part.decision.verdict != whole.decision.verdict && !matches!(part.target, Some(route::Target::GatewayEndpoint(_)));
        match parts.iter().find(other) {
            Some((_, part)) if whole.class.is_some() && whole.class != Some(Egress::Indirect) => {
                let detail = format!("{}, while {}", whole.decision.detail, part.decision.detail);
                let decision = Decision::unknown(whole.decision.object.as_deref(), detail, Unseen::Datum("which public addresses the name leads to".to_owned()));
                return Exit { class: None, decision, dead: None, nats: nats(&|_| false) };
            }
            _ => whole,
        }
    };
    let nats = nats(&|n| exact || matches!(&worst.target, Some(route::Target::Nat(own)) if own == n) && other_ways.iter().all(|t| matches!(t, Some(route::Target::Nat(own)) if own == n)));
    Exit { class: worst.class, decision: worst.decision, dead: worst.dead_object, nats }
}

/// The addresses of a gateway service such as S3 in this region, and the id of its prefix list.
pub fn service_ranges(view: &View<'_>, service: &str) -> (Option<IpSet>, Option<String>) {
    let Some(id) = view.index.service_prefix_lists.get(service).copied() else { return (None, None) };
    let listing = prefix_list(&view.index, id);
    // A list that was cut off would hide the addresses that are closed.
    let ranges = (listing.complete() && !listing.known.is_empty()).then_some(listing.known);
    (ranges, Some(id.to_owned()))
}

/// Judges the workload's own groups and ACLs towards public addresses. `exact`: all of `destinations` are really used (S3's
/// list); else they are all that a name may lead to, so that "some" is not known rather than blocked.
fn own_filters(view: &View<'_>, source: &Source<'_>, leg: &mut Leg, destinations: &IpSet, list: Option<&str>, exact: bool, port: u16) {
    let (group_rule, out_rule, back_rule) = if exact { ("NW08", "NW09", "NW09") } else { ("NW02", "NW04", "NW05") };
    let acl_severity = if exact { Severity::High } else { Severity::Critical };
    let replies = &source.replies;
    let groups = match list {
        Some(list) if source.placement.groups_unseen.is_none() => {
            let none = BTreeSet::new();
            let peer = sg::Peer { addresses: destinations, groups: &none, prefix_list: Some(list) };
            sg::admits(&view.index, &source.placement.security_groups, sg::Direction::Egress, &peer, port).decision
        }
        _ => source_sg(view, source, destinations, &BTreeSet::new(), &Link::None, port),
    };
    let out = acl(view, source.subnet_id, true, destinations, &PortSet::port(port));
    let back = acl(view, source.subnet_id, false, destinations, replies);
    for (hop, rule, severity, decision) in
        [(HopName::SourceSg, group_rule, Severity::Critical, groups), (HopName::SourceNaclOut, out_rule, acl_severity, out), (HopName::SourceNaclIn, back_rule, acl_severity, back)]
    {
        let decision = if !exact && decision.spares() {
            let mut open = Decision::unknown(
                decision.object.as_deref(),
                format!("{}, and the name may lead to any of them", decision.detail),
                Unseen::Datum("which public addresses the name leads to".to_owned()),
            );
            open.evidence = decision.evidence;
            open
        } else {
            decision
        };
        leg.hop(hop, &decision);
        if decision.verdict == Tri::Pass {
            leg.passed.insert(rule);
        }
        if let Some(cause) = of_decision(rule, severity, if matches!(rule, "NW05" | "NW09") { Severity::High } else { Severity::Medium }, &decision, source.subnet_id.unwrap_or_default()) {
            leg.cause(cause);
        }
    }
}

/// Where a name may lead that is none of S3's or DynamoDB's in this region: their addresses, as far as AWS lists them, are nobody
/// else's.
fn other_space(view: &View<'_>, family: Family) -> IpSet {
    let listed = ["s3", "dynamodb"].iter().filter_map(|service| service_ranges(view, service).0);
    listed.fold(public_space(family), |space, ranges| space.difference(&ranges))
}

/// The way over the internet. Its `route` hop fails where there is none.
pub fn internet(view: &View<'_>, source: &Source<'_>, family: Family, service: &str, port: u16) -> (Leg, Exit) {
    let (ranges, list) = if family == Family::V4 { service_ranges(view, service) } else { (None, None) };
    let exact = ranges.is_some();
    let destinations = ranges.unwrap_or_else(|| public_space(family));
    let mut exit = exit(view, source, family, &destinations, exact);
    if !exact && let Some(endpoint) = gateway_in_table(view, source, service) {
        // Its list was not seen, and what it takes does not leave over the internet.
        let detail = format!("{endpoint} takes addresses of {service} that were not seen");
        let object = exit.decision.object.clone();
        exit = Exit { class: None, decision: Decision::unknown(object.as_deref(), detail, Unseen::Action(Action::DescribePrefixLists)), dead: None, nats: Vec::new() };
    }
    let mut leg = Leg::new(Way::Internet);
    let meant = if exact { destinations } else { other_space(view, family) };
    own_filters(view, source, &mut leg, &meant, list.as_deref(), exact, port);
    leg.hop(HopName::Route, &exit.decision);
    nat_hops(view, source, &mut leg, &exit, Family::V4, exact, port);
    leg.hops.sort_by_key(|h| h.hop);
    (leg, exit)
}

/// A gateway endpoint of the service, working or not, to which the route table of the workload leads.
fn gateway_in_table<'v>(view: &'v View<'_>, source: &Source<'_>, service: &str) -> Option<&'v str> {
    let table = route::table_of(&view.index, source.subnet_id?).ok()?;
    table
        .routes
        .iter()
        .filter_map(|r| r.gateway_id.as_deref())
        .filter_map(|id| view.index.endpoints.get(id))
        .find_map(|e| (e.service_name.as_deref().and_then(services::short_name) == Some(service)).then_some(e.vpc_endpoint_id.as_str()))
}

/// The network ACLs around the NAT gateways of a way, as part of its `route` hop. `from`: the family that the workload speaks.
fn nat_hops(view: &View<'_>, source: &Source<'_>, leg: &mut Leg, exit: &Exit, from: Family, exact: bool, port: u16) {
    for OnTheWay { nat, sure, destinations } in &exit.nats {
        for egress::NatFilter { rule, decision, of_remote } in egress::nat_filters(&view.index, nat, source.subnet_id, &source.of_family(from), &source.replies, destinations, port) {
            let decision = if !sure && decision.verdict == Tri::Fail || !exact && of_remote && decision.spares() {
                Decision::unknown(decision.object.as_deref(), decision.detail, Unseen::Datum("which public addresses the name leads to".to_owned()))
            } else {
                decision
            };
            if decision.verdict != Tri::Pass {
                leg.hop(HopName::Route, &decision);
            }
            if let Some(cause) = of_decision(rule, Severity::Critical, Severity::High, &decision, nat) {
                leg.cause(cause);
            }
        }
    }
}

/// The network ACLs around a NAT gateway's own subnet.
fn nat_acl(view: &View<'_>, source: &Source<'_>, nat: &str, destinations: &IpSet, port: u16) -> Vec<egress::NatFilter> {
    let from = source.of_family(Family::V4);
    egress::nat_filters(&view.index, nat, source.subnet_id, &from, &source.replies, destinations, port)
}

/// The way through a gateway endpoint, if this subnet's route table has it.
pub enum Gateway<'v> {
    /// No gateway endpoint of the service in the VPC, as far as was seen.
    None,
    /// There is one, and the route table of the subnet does not lead to it.
    NotRouted(&'v VpcEndpoint, Option<String>, Decision),
    /// There is one, and the route table leads to it.
    Routed(&'v VpcEndpoint, Leg),
    /// Whether the route table leads to it was not seen.
    Unseen(&'v VpcEndpoint, Decision),
}

/// Looks for a gateway endpoint of a service in the source's VPC and judges the way through it.
pub fn gateway<'v>(view: &'v View<'_>, source: &Source<'_>, endpoints: &[&'v VpcEndpoint], service: &str, port: u16) -> Gateway<'v> {
    let Some(first) = endpoints.first().copied() else { return Gateway::None };
    let Some(subnet) = source.subnet_id else {
        return Gateway::Unseen(first, Decision::unknown(None, "the subnet was not seen", Unseen::Action(Action::DescribeSubnets)));
    };
    let table = match route::table_of(&view.index, subnet) {
        Ok(table) => table,
        Err(unseen) => return Gateway::Unseen(first, Decision::unknown(None, format!("the route table of {subnet} was not seen"), unseen)),
    };
    let id = table.route_table_id.as_str();
    let Some(endpoint) = endpoints.iter().copied().find(|e| e.route_table_ids.iter().any(|t| t == id) || table.routes.iter().any(|r| r.gateway_id.as_deref() == Some(&e.vpc_endpoint_id))) else {
        let evidence = Evidence::new(Action::DescribeVpcEndpoints, "RouteTableIds", first.route_table_ids.join(", "), format!("{id} is not among them"));
        let decision = Decision::fail(Some(id), format!("{} is not in {id}, the route table of {subnet}", first.vpc_endpoint_id)).because(evidence);
        return Gateway::NotRouted(first, Some(id.to_owned()), decision);
    };
    let mut leg = Leg::new(Way::GatewayEndpoint);
    let (ranges, list) = service_ranges(view, service);
    let (mut decision, filters) = gateway_route(view, source, table, endpoint, ranges.as_ref(), port);
    if ranges.is_none() && decision.verdict == Tri::Pass {
        let unseen = [Action::DescribePrefixLists, Action::GetManagedPrefixListEntries].into_iter().find(|a| !view.seen(*a));
        let unseen = unseen.map_or_else(|| Unseen::Elsewhere(format!("the addresses of {service}")), Unseen::Action);
        decision = Decision::unknown(Some(id), format!("the addresses behind {} were not seen", endpoint.vpc_endpoint_id), unseen);
    }
    match &ranges {
        Some(ranges) => own_filters(view, source, &mut leg, ranges, list.as_deref(), true, port),
        None => unseen_ranges(view, source, &mut leg, service, list.as_deref(), port),
    }
    leg.hop(HopName::Route, &decision);
    match of_decision("NW07", Severity::Critical, Severity::Critical, &decision, id) {
        None => {
            leg.passed.insert("NW07");
        }
        Some(cause) => leg.cause(cause),
    }
    for (rule, filter) in filters {
        leg.hop(HopName::Route, &filter);
        if let Some(cause) = of_decision(rule, Severity::Critical, Severity::High, &filter, id) {
            leg.cause(cause);
        }
    }
    leg.hops.sort_by_key(|h| h.hop);
    Gateway::Routed(endpoint, leg)
}

/// The route to the service's list, and narrower routes that take parts of it elsewhere: those parts are as good as the way
/// that they take. Beside it, by NW04 and NW05, what does not pass the network ACL of a NAT gateway that takes a part.
fn gateway_route(
    view: &View<'_>,
    source: &Source<'_>,
    table: &crate::inventory::ec2::RouteTable,
    endpoint: &VpcEndpoint,
    ranges: Option<&IpSet>,
    port: u16,
) -> (Decision, Vec<(&'static str, Decision)>) {
    let id = table.route_table_id.as_str();
    let own = table.routes.iter().find(|r| r.gateway_id.as_deref() == Some(&endpoint.vpc_endpoint_id));
    if let Some(state) = own.and_then(|r| r.state.as_deref())
        && state.eq_ignore_ascii_case("blackhole")
    {
        let evidence = Evidence::new(Action::DescribeRouteTables, "Routes[].State", state, &endpoint.vpc_endpoint_id);
        return (Decision::fail(Some(id), format!("the route of {id} to {} is a blackhole", endpoint.vpc_endpoint_id)).because(evidence), Vec::new());
    }
    let whole = Decision::pass(Some(id), format!("{} is in {id}", endpoint.vpc_endpoint_id));
    let Some(subnet) = source.subnet_id else { return (whole, Vec::new()) };
    let mut filters = Vec::new();
    // Where the ranges were not seen, a route to any public range may take part of them.
    let anything = public_space(Family::V4);
    let mut worst = whole;
    for (part, answer) in egress::ways(&view.index, view.options, subnet, Family::V4, source.placement.public_ip, ranges.unwrap_or(&anything)) {
        // The list of the endpoint is narrower than a default route, also where the route to it was left out of the answer.
        let narrower = answer.destination.as_deref().is_some_and(|d| d != "0.0.0.0/0");
        let unsure = answer.target.is_none() && answer.class.is_none();
        if matches!(answer.target, Some(route::Target::GatewayEndpoint(_))) || !(narrower || unsure) {
            continue;
        }
        let mut decision = answer.decision;
        if answer.class.is_some_and(|c| c.level(view.options.require_private) == crate::analysis::Level::Hard) && decision.verdict != Tri::Fail {
            decision.verdict = Tri::Fail;
        }
        let unlisted = |decision: Decision| match ranges {
            None if decision.verdict == Tri::Fail => Decision::unknown(decision.object.as_deref(), decision.detail, Unseen::Action(Action::DescribePrefixLists)),
            _ => decision,
        };
        // What the route already stops meets no ACL.
        if let Some(route::Target::Nat(nat)) = answer.target.as_ref().filter(|_| decision.verdict != Tri::Fail) {
            filters.extend(nat_acl(view, source, nat, &part, port).into_iter().map(|f| (f.rule, unlisted(f.decision))).filter(|(_, filter)| filter.verdict != Tri::Pass));
        }
        decision = unlisted(decision);
        decision.object = Some(id.to_owned());
        decision.detail = format!("a narrower route of {id} takes {part} from {}: {}", endpoint.vpc_endpoint_id, decision.detail);
        if decision.verdict > worst.verdict {
            worst = decision;
        }
    }
    (worst, filters)
}

/// Groups and ACLs where the service's ranges were not seen: what is open to everything is open to them.
fn unseen_ranges(view: &View<'_>, source: &Source<'_>, leg: &mut Leg, service: &str, list: Option<&str>, port: u16) {
    let everything = public_space(Family::V4);
    let unseen = Unseen::Action(Action::DescribePrefixLists);
    let soften = |decision: Decision| match decision.verdict {
        Tri::Fail if decision.partial => Decision::unknown(decision.object.as_deref(), format!("the ranges of {service} were not seen; {}", decision.detail), unseen.clone()),
        _ => decision,
    };
    let none = BTreeSet::new();
    let groups = match &source.placement.groups_unseen {
        Some(unseen) => Decision::unknown(None, "the security groups of the workload were not seen", unseen.clone()),
        None => {
            let peer = sg::Peer { addresses: &everything, groups: &none, prefix_list: list };
            soften(sg::admits(&view.index, &source.placement.security_groups, sg::Direction::Egress, &peer, port).decision)
        }
    };
    let out = soften(acl(view, source.subnet_id, true, &everything, &PortSet::port(port)));
    let back = soften(acl(view, source.subnet_id, false, &everything, &source.replies));
    for (hop, rule, severity, decision) in
        [(HopName::SourceSg, "NW08", Severity::Critical, groups), (HopName::SourceNaclOut, "NW09", Severity::High, out), (HopName::SourceNaclIn, "NW09", Severity::High, back)]
    {
        leg.hop(hop, &decision);
        if decision.verdict == Tri::Pass {
            leg.passed.insert(rule);
        }
        if let Some(cause) = of_decision(rule, severity, if rule == "NW09" { Severity::High } else { Severity::Medium }, &decision, source.subnet_id.unwrap_or_default()) {
            leg.cause(cause);
        }
    }
}

/// A failing leg without a way.
pub fn no_way(hop: HopName, object: Option<&str>, detail: String) -> Leg {
    let mut leg = Leg::new(Way::None);
    leg.hop(hop, &Decision::fail(object, detail));
    leg
}

/// An unknown leg, owned by a rule.
pub fn not_seen(rule: &'static str, severity: Severity, object: &str, hop: HopName, detail: &str, unseen: BTreeSet<Unseen>) -> Leg {
    let mut leg = Leg::new(Way::Unknown);
    let mut decision = Decision::unknown(None, detail, Unseen::Datum(detail.to_owned()));
    decision.unseen.clone_from(&unseen);
    leg.hop(hop, &decision);
    leg.cause(unknown(rule, severity, object, detail, unseen.clone()));
    leg.unjudged = unseen;
    leg
}

/// A failing cause on a leg.
pub fn blame(leg: &mut Leg, rule: &'static str, severity: Severity, object: &str, detail: impl Into<String>, evidence: Vec<Evidence>) {
    leg.cause(fail(rule, severity, object, detail, evidence));
}

/// The way to exact public addresses: through a gateway endpoint whose list holds them, or the internet.
pub fn to_addresses(view: &View<'_>, source: &Source<'_>, destinations: &IpSet, port: u16) -> Leg {
    let family = if destinations.v4().is_empty() { Family::V6 } else { Family::V4 };
    let table = source.subnet_id.and_then(|s| route::table_of(&view.index, s).ok());
    let gateway = table.is_some_and(|t| {
        route::Compiled::new(&view.index, t, view.options).partition(destinations).iter().all(|(_, c)| matches!(c, route::Choice::Route(r) if matches!(r.target, route::Target::GatewayEndpoint(_))))
    });
    let mut leg = Leg::new(if gateway { Way::GatewayEndpoint } else { Way::Internet });
    own_filters(view, source, &mut leg, destinations, None, true, port);
    if gateway {
        leg.hop(HopName::Route, &Decision::pass(table.map(|t| t.route_table_id.as_str()), "a gateway endpoint holds the address"));
    } else {
        let exit = exit(view, source, family, destinations, true);
        leg.hop(HopName::Route, &exit.decision);
        nat_hops(view, source, &mut leg, &exit, family, true, port);
        if exit.class.is_some_and(|c| c.level(view.options.require_private) == crate::analysis::Level::Hard) {
            leg.way = Way::None;
            leg.hop(HopName::Route, &Decision::fail(exit.decision.object.as_deref(), exit.decision.detail.clone()));
        }
    }
    leg.hops.sort_by_key(|h| h.hop);
    leg
}

/// The way of an IPv6-only subnet to an IPv4 address: DNS64 makes an address of 64:ff9b::/96 of it, to which a route to a NAT
/// gateway has to lead.
pub fn by_nat64(view: &View<'_>, source: &Source<'_>, port: u16) -> (Leg, Exit) {
    let mut leg = Leg::new(Way::Internet);
    let answer = source.subnet_id.and_then(|s| egress::nat64(&view.index, view.options, s));
    let exit = match answer {
        Some(answer) => {
            let nats = if let Some(route::Target::Nat(nat)) = &answer.target { vec![OnTheWay { nat: nat.clone(), sure: true, destinations: public_space(Family::V4) }] } else { Vec::new() };
            Exit { class: answer.class, decision: answer.decision, dead: answer.dead_object, nats }
        }
        None => {
            let subnet = source.subnet_id.unwrap_or("the subnet");
            let decision = Decision::fail(source.subnet_id, format!("{subnet} has IPv6 alone, and neither DNS64 nor a route to 64:ff9b::/96 to reach IPv4 addresses"));
            Exit { class: Some(Egress::Isolated), decision, dead: None, nats: Vec::new() }
        }
    };
    let translated = IpSet::parse("64:ff9b::/96").unwrap_or_default();
    own_filters(view, source, &mut leg, &translated, None, false, port);
    leg.hop(HopName::Route, &exit.decision);
    nat_hops(view, source, &mut leg, &exit, Family::V6, false, port);
    leg.hops.sort_by_key(|h| h.hop);
    (leg, exit)
}

/// Whether an IPv6-only subnet reaches IPv4 addresses by DNS64 and a NAT gateway.
pub fn has_nat64(view: &View<'_>, source: &Source<'_>) -> bool {
    source.subnet_id.and_then(|s| egress::nat64(&view.index, view.options, s)).is_some_and(|a| a.class == Some(Egress::Nat))
}
