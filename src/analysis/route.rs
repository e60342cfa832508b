//! Route tables: which route decides for a destination, and where it leads.
//!
//! Pages: `vpc/latest/userguide/VPC_Route_Tables.html`, `route-tables-priority.html`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::net::{IpSet, family_of, parse_cidr, prefix_list, public_space};
use super::{Family, Index, Options, Unseen};
use crate::actions::Action;
use crate::inventory::ec2::{Route, RouteTable};

/// Whether what an answer does not list does not exist: the action is complete, and the VPC was not filtered out.
#[must_use]
pub fn listed(index: &Index<'_>, action: Action, vpc: Option<&str>) -> bool {
    let in_scope = match (&index.region.vpc_scope, vpc) {
        (None, _) => true,
        (Some(scope), Some(vpc)) => scope.contains(vpc),
        (Some(_), None) => false,
    };
    in_scope && index.region.completeness.seen(action)
}

/// The route table of a subnet: the one explicitly associated, else the main one of its VPC.
///
/// # Errors
/// It was not seen. An association that was seen counts even where the list is cut off; the main table only where it is not.
pub fn table_of<'a>(index: &Index<'a>, subnet: &str) -> Result<&'a RouteTable, Unseen> {
    if let Some(table) = index.table_of_subnet.get(subnet) {
        return Ok(table);
    }
    let vpc = index.subnets.get(subnet).map(|s| s.vpc_id.as_str()).ok_or(Unseen::Action(Action::DescribeSubnets))?;
    if !listed(index, Action::DescribeRouteTables, Some(vpc)) {
        return Err(Unseen::Action(Action::DescribeRouteTables));
    }
    index.main_table_of_vpc.get(vpc).copied().ok_or(Unseen::Action(Action::DescribeRouteTables))
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is what it says, with its id")]
pub enum Target {
    Local,
    InternetGateway(String),
    Nat(String),
    EgressOnly(String),
    TransitGateway(String),
    Peering(String),
    GatewayEndpoint(String),
    /// A network interface, or an instance.
    Interface(String),
    VpnGateway(String),
    /// An appliance behind a Gateway Load Balancer endpoint, a local or carrier gateway, Cloud WAN, or what is not known.
    Other(String),
    /// The route is there, but its target is gone: packets are dropped.
    Blackhole(Box<Target>),
}

impl Target {
    /// The target itself, whether or not it is still there.
    #[must_use]
    pub fn named(&self) -> &Self {
        match self {
            Self::Blackhole(inner) => inner.named(),
            other => other,
        }
    }

    /// Whether it is a NAT, internet or egress-only gateway, there or gone.
    #[must_use]
    pub fn is_internet(&self) -> bool {
        matches!(self.named(), Self::Nat(_) | Self::InternetGateway(_) | Self::EgressOnly(_))
    }

    /// For people: `NAT gateway nat-…`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Local => "the VPC itself".to_owned(),
            Self::InternetGateway(id) => format!("internet gateway {id}"),
            Self::Nat(id) => format!("NAT gateway {id}"),
            Self::EgressOnly(id) => format!("egress-only internet gateway {id}"),
            Self::TransitGateway(id) => format!("transit gateway {id}"),
            Self::Peering(id) => format!("peering connection {id}"),
            Self::GatewayEndpoint(id) => format!("gateway endpoint {id}"),
            Self::Interface(id) if id.starts_with("i-") => format!("instance {id}"),
            Self::Interface(id) => format!("network interface {id}"),
            Self::VpnGateway(id) => format!("virtual private gateway {id}"),
            Self::Other(id) => id.clone(),
            Self::Blackhole(inner) => format!("{}, which is gone (blackhole)", inner.describe()),
        }
    }
}

/// A route and where it leads.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteChoice<'a> {
    /// The route.
    pub route: &'a Route,
    /// Its destination as it is written: a CIDR or the id of a prefix list.
    pub destination: String,
    /// Where it leads.
    pub target: Target,
}

/// Which route decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice<'a> {
    /// This one.
    Route(RouteChoice<'a>),
    /// None: packets are dropped.
    None,
    /// Not to be told: what was not seen, and why it matters, for people.
    Unknown(Unseen, String),
}

/// How strong a route is among those with the same prefix length: the greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Propagated,
    PrefixList,
    Static,
}

/// One destination block of one route.
#[derive(Debug, Clone)]
struct Block {
    addresses: IpSet,
    length: u8,
    rank: Rank,
    /// Index into [`Compiled::routes`].
    route: usize,
}

/// A route whose reach could not be read in full.
#[derive(Debug, Clone)]
struct Shadow {
    possible: IpSet,
    /// How long its prefix is; `None`: that was not seen either.
    length: Option<u8>,
    rank: Rank,
    route: usize,
    unseen: Unseen,
    detail: String,
}

/// A route table, read once: its routes with their blocks.
#[derive(Debug)]
pub struct Compiled<'a> {
    routes: Vec<RouteChoice<'a>>,
    blocks: Vec<Block>,
    shadows: Vec<Shadow>,
}

impl<'a> Compiled<'a> {
    /// Reads a table. With `--assume no-internet` the routes to NAT, internet and egress-only gateways are left out.
    #[must_use]
    pub fn new(index: &Index<'_>, table: &'a RouteTable, options: &Options) -> Self {
        let mut compiled = Self { routes: Vec::new(), blocks: Vec::new(), shadows: Vec::new() };
        for route in &table.routes {
            // A filtered route is not in force.
            if route.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("filtered")) {
                continue;
            }
            let target = target_of(index, route);
            if options.no_internet && target.is_internet() {
                continue;
            }
            compiled.add(index, table, route, target);
        }
        compiled
    }

    fn add(&mut self, index: &Index<'_>, table: &RouteTable, route: &'a Route, target: Target) {
        let number = self.routes.len();
        let rtb = &table.route_table_id;
        let destination = route.destination_cidr_block.as_deref().or(route.destination_ipv6_cidr_block.as_deref()).or(route.destination_prefix_list_id.as_deref()).unwrap_or("?").to_owned();
        let rank = if route.origin.as_deref().is_some_and(|o| o.eq_ignore_ascii_case("EnableVgwRoutePropagation") || o.eq_ignore_ascii_case("Advertisement")) {
            Rank::Propagated
        } else if route.destination_prefix_list_id.is_some() {
            Rank::PrefixList
        } else {
            Rank::Static
        };
        let shadow = |possible: IpSet, length: Option<u8>, unseen: Unseen, detail: String| Shadow { possible, length, rank, route: number, unseen, detail };
        let malformed = || Unseen::Elsewhere(format!("a malformed route of {rtb}"));
        let (known, more) = if let Some(list) = route.destination_prefix_list_id.as_deref() {
            let listing = prefix_list(index, list);
            let unseen = listing.unseen.map(|unseen| {
                let whole = listing.known.union(&listing.possible);
                // The list of a gateway endpoint's service holds public addresses only.
                let reach = if matches!(target.named(), Target::GatewayEndpoint(_)) { whole.intersect(&public_space(Family::V4).union(&public_space(Family::V6))) } else { whole };
                shadow(reach, None, unseen, format!("the entries of {list}, to which {rtb} has a route, were not seen"))
            });
            (listing.entries, unseen)
        } else {
            let (cidr, family) = match (route.destination_cidr_block.as_deref(), route.destination_ipv6_cidr_block.as_deref()) {
                (Some(cidr), None) => (Some(cidr), IpSet::all(Family::V4)),
                (None, Some(cidr)) => (Some(cidr), IpSet::all(Family::V6)),
                _ => (None, IpSet::everything()),
            };
            match cidr.and_then(parse_cidr) {
                Some(net) => (vec![net], None),
                None => (Vec::new(), Some(shadow(family, None, malformed(), format!("a route of {rtb} has no readable destination")))),
            }
        };
        if target != Target::Local && state_is_odd(route) {
            let odd = |net: IpNet| shadow(net.into(), Some(net.prefix_len()), malformed(), format!("the route of {rtb} to {destination} is in no known state"));
            self.shadows.extend(known.into_iter().map(odd));
        } else {
            self.blocks.extend(known.into_iter().map(|net| Block { addresses: net.into(), length: net.prefix_len(), rank, route: number }));
        }
        self.shadows.extend(more);
        self.routes.push(RouteChoice { route, destination, target });
    }

    /// The same table without its gateway endpoints, which say nothing of the internet at large; `unseen`: only without
    /// those whose list was not seen.
    #[must_use]
    pub fn without_gateway_endpoints(mut self, unseen: bool) -> Self {
        let is_gateway = |n: usize| self.routes.get(n).is_some_and(|r| matches!(r.target.named(), Target::GatewayEndpoint(_)));
        self.shadows.retain(|s| !is_gateway(s.route));
        if !unseen {
            self.blocks.retain(|b| !is_gateway(b.route));
        }
        self
    }

    /// The route that decides for an address.
    #[must_use]
    pub fn choose(&self, address: IpAddr) -> Choice<'a> {
        let mut covering: Vec<&Block> = self.blocks.iter().filter(|b| b.addresses.contains_ip(address)).collect();
        // A propagated route never wins over the local one, however specific it is.
        if covering.iter().any(|b| self.target(b) == Some(&Target::Local)) {
            covering.retain(|b| b.rank != Rank::Propagated);
        }
        let best = covering.iter().copied().max_by_key(|b| (b.length, b.rank));
        let best_target = best.and_then(|b| self.target(b));
        // Lists that overlap and lead apart: AWS picks one of them, and does not say which.
        if let Some(best) = best.filter(|b| b.rank == Rank::PrefixList)
            && let Some(other) = covering.iter().find(|b| b.rank == Rank::PrefixList && self.target(b) != best_target)
        {
            let names: BTreeSet<&str> = [best, other].into_iter().filter_map(|b| self.routes.get(b.route)).map(|r| r.destination.as_str()).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(" and ");
            return Choice::Unknown(Unseen::Datum(format!("which of the overlapping prefix lists {names} decides")), format!("{names} overlap and lead to different targets"));
        }
        // Equal blocks of two propagated (or malformed duplicate) routes that lead apart.
        if let Some(best) = best
            && let Some(other) = covering.iter().find(|b| b.length == best.length && b.rank == best.rank && self.target(b) != best_target)
        {
            let names: BTreeSet<String> = [best, other].into_iter().filter_map(|b| self.routes.get(b.route)).map(|r| r.target.describe()).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(" or ");
            return Choice::Unknown(Unseen::Datum(format!("which of several equal routes decides: {names}")), format!("equal routes lead to {names}"));
        }
        let bits = if family_of(address) == Family::V4 { 32 } else { 128 };
        let local = covering.iter().any(|b| self.target(b) == Some(&Target::Local));
        let shadow = self.shadows.iter().filter(|s| s.possible.contains_ip(address) && !(local && s.rank == Rank::Propagated)).find(|s| {
            let target = self.routes.get(s.route).map(|r| &r.target);
            let wins = best.is_none_or(|b| (s.length.unwrap_or(bits), s.rank) >= (b.length, b.rank));
            let list = s.rank == Rank::PrefixList;
            // Another way to the same target changes nothing, unless it makes lists overlap that lead apart.
            target != best_target && (wins || list && best.is_some_and(|b| b.rank == Rank::PrefixList))
                || list && wins && covering.iter().any(|b| b.rank == Rank::PrefixList && self.target(b) != target)
        });
        if let Some(shadow) = shadow {
            return Choice::Unknown(shadow.unseen.clone(), shadow.detail.clone());
        }
        best.and_then(|b| self.routes.get(b.route)).cloned().map_or(Choice::None, Choice::Route)
    }

    /// Cuts a set of destinations by the route that decides, in order of address; equal neighbours are one part.
    #[must_use]
    pub fn partition(&self, destinations: &IpSet) -> Vec<(IpSet, Choice<'a>)> {
        // Within one piece every block and every shadow covers all or nothing, so one address speaks for it.
        let mut pieces = vec![destinations.clone()];
        for cut in self.blocks.iter().map(|b| &b.addresses).chain(self.shadows.iter().map(|s| &s.possible)) {
            pieces = pieces.into_iter().flat_map(|piece| [piece.intersect(cut), piece.difference(cut)]).filter(|piece| !piece.is_empty()).collect();
        }
        let mut parts: Vec<(IpSet, Choice<'a>)> = Vec::new();
        for piece in pieces {
            let Some(address) = piece.first() else { continue };
            let choice = self.choose(address);
            match parts.iter_mut().find(|(_, other)| same(other, &choice)) {
                Some((set, _)) => *set = set.union(&piece),
                None => parts.push((piece, choice)),
            }
        }
        parts.sort_by_key(|(set, _)| set.first());
        parts
    }

    /// The default route of a family: what decides for the whole of it where nothing narrower does.
    #[must_use]
    pub fn default_route(&self, family: Family) -> Choice<'a> {
        let all = IpSet::all(family);
        let defaults: Vec<&Block> = self.blocks.iter().filter(|b| b.length == 0 && b.addresses == all).collect();
        let narrow = self.shadows.iter().find(|s| s.possible.contains(&all));
        let best = defaults.iter().copied().max_by_key(|b| b.rank);
        let best_target = best.and_then(|b| self.target(b));
        if best.is_none_or(|b| b.rank != Rank::Static)
            && let Some(shadow) = narrow.filter(|s| self.routes.get(s.route).map(|r| &r.target) != best_target)
        {
            return Choice::Unknown(shadow.unseen.clone(), shadow.detail.clone());
        }
        if let Some(best) = best
            && let Some(other) = defaults.iter().find(|b| b.rank == best.rank && self.target(b) != best_target)
        {
            let names: BTreeSet<String> = [best, other].into_iter().filter_map(|b| self.routes.get(b.route)).map(|r| r.target.describe()).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(" or ");
            return Choice::Unknown(Unseen::Datum(format!("which of several equal routes decides: {names}")), format!("equal routes lead to {names}"));
        }
        best.and_then(|b| self.routes.get(b.route)).cloned().map_or(Choice::None, Choice::Route)
    }

    /// Every route, in the order of the table.
    pub fn routes(&self) -> impl Iterator<Item = &RouteChoice<'a>> {
        self.routes.iter()
    }

    fn target(&self, block: &Block) -> Option<&Target> {
        self.routes.get(block.route).map(|r| &r.target)
    }
}

/// The route of a table that decides for an address.
#[must_use]
pub fn choose<'a>(index: &Index<'_>, table: &'a RouteTable, dst: IpAddr) -> Choice<'a> {
    Compiled::new(index, table, &Options::default()).choose(dst)
}

/// A set of destinations cut by the route that decides for it.
#[must_use]
pub fn partition<'a>(index: &Index<'_>, table: &'a RouteTable, dst: &IpSet) -> Vec<(IpSet, Choice<'a>)> {
    Compiled::new(index, table, &Options::default()).partition(dst)
}

/// Whether two parts are one: the same route, or the same reason for not knowing.
fn same(a: &Choice<'_>, b: &Choice<'_>) -> bool {
    match (a, b) {
        (Choice::None, Choice::None) => true,
        (Choice::Route(a), Choice::Route(b)) => std::ptr::eq(a.route, b.route),
        (Choice::Unknown(_, a), Choice::Unknown(_, b)) => a == b,
        _ => false,
    }
}

/// A state that is neither active nor blackhole.
fn state_is_odd(route: &Route) -> bool {
    !route.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("active") || s.eq_ignore_ascii_case("blackhole"))
}

/// Where a route leads.
fn target_of(index: &Index<'_>, route: &Route) -> Target {
    let some = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
    let target = if let Some(id) = some(&route.nat_gateway_id) {
        Target::Nat(id)
    } else if let Some(id) = some(&route.transit_gateway_id) {
        Target::TransitGateway(id)
    } else if let Some(id) = some(&route.vpc_peering_connection_id) {
        Target::Peering(id)
    } else if let Some(id) = some(&route.egress_only_internet_gateway_id) {
        Target::EgressOnly(id)
    } else if let Some(id) = some(&route.local_gateway_id).or_else(|| some(&route.carrier_gateway_id)).or_else(|| some(&route.core_network_arn)).or_else(|| some(&route.odb_network_arn)) {
        Target::Other(id)
    } else if let Some(id) = some(&route.gateway_id) {
        gateway(index, route, id)
    } else if let Some(id) = some(&route.network_interface_id).or_else(|| some(&route.instance_id)) {
        Target::Interface(id)
    } else {
        Target::Other("an unknown target".to_owned())
    };
    let gone = route.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("blackhole"));
    if gone { Target::Blackhole(Box::new(target)) } else { target }
}

/// What the id in `GatewayId` is.
fn gateway(index: &Index<'_>, route: &Route, id: String) -> Target {
    match id.split_once('-').map(|(kind, _)| kind) {
        _ if id.eq_ignore_ascii_case("local") => Target::Local,
        Some("igw") => Target::InternetGateway(id),
        Some("vgw") => Target::VpnGateway(id),
        Some("nat") => Target::Nat(id),
        Some("eigw") => Target::EgressOnly(id),
        Some("tgw") => Target::TransitGateway(id),
        Some("vpce") => match index.endpoints.get(id.as_str()).and_then(|e| e.vpc_endpoint_type.as_deref()) {
            Some(kind) if kind.eq_ignore_ascii_case("Gateway") => Target::GatewayEndpoint(id),
            Some(_) => Target::Other(id),
            // Not listed: gateway endpoints are routed to by the list of their service, and by nothing else.
            None if route.destination_prefix_list_id.as_deref().is_some_and(|list| super::net::of_gateway_service(index, list)) => Target::GatewayEndpoint(id),
            None => Target::Other(id),
        },
        _ => Target::Other(id),
    }
}

#[cfg(test)]
mod tests;
