//! Whole paths: a name is resolved, and single packets walk from a workload to every interface or address that the name may
//! mean and back, by the words of AWS's pages and of the README, with none of the engine's code. The engine must come to the
//! same way, verdict and hop.

use std::collections::BTreeSet;
use std::net::IpAddr;

use audit::analysis::path::{Destination, ask};
use audit::analysis::{HopName, Kind, Need, Options, Os, Owner, Placement, Tri, View, Way};
use audit::finding::Severity;
use audit::inventory::Region;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{config_of, holds, seen_region};

const WORKLOAD: &str = "10.0.0.4";
const S3: [&str; 2] = ["52.219.80.0/21", "52.219.88.0/21"];
/// One address in each range of S3, and two that are not of S3: narrower routes and rules know one of them.
const S3_ADDRESSES: [&str; 2] = ["52.219.80.9", "52.219.88.9"];
const NARROW: &str = "44.44.44.44";
const ELSEWHERE: &str = "33.33.33.33";

/// Who may be named in a rule of a group.
type Peer = &'static str;

#[derive(Debug, Clone)]
struct Rule {
    protocol: &'static str,
    ports: (u16, u16),
    peer: Peer,
}

/// `number, allow, protocol, ports, cidr`.
#[derive(Debug, Clone)]
struct Entry {
    number: i32,
    allow: bool,
    protocol: &'static str,
    ports: (u16, u16),
    cidr: &'static str,
}

#[derive(Debug, Clone)]
struct Acl {
    inwards: Vec<Entry>,
    outwards: Vec<Entry>,
}

/// `destination, target, gone`.
type Hop = (&'static str, &'static str, bool);

/// An interface endpoint: its interfaces, each with subnet, address and group.
#[derive(Debug, Clone)]
struct Endpoint {
    state: &'static str,
    private_dns: bool,
    interfaces: Vec<(&'static str, &'static str, &'static str)>,
    deny_all: bool,
}

/// Where the record of a private zone for the name leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    None,
    /// To the endpoint of the other VPC, by its name.
    Alias,
    /// To the first address of that endpoint alone.
    OneAddress,
    /// There is no record for the name.
    Empty,
    /// To an address of the own VPC that nobody has.
    Nobody,
}

#[derive(Debug, Clone)]
struct World {
    s3: bool,
    support: bool,
    hostnames: bool,
    /// Besides Amazon's resolver none, or one whose forwarding nobody sees, in its place.
    own_resolver: bool,
    public_ip: bool,
    workload_groups: Vec<&'static str>,
    /// Outward rules of `sg-w`, inward rules of `sg-e`.
    out: Vec<Rule>,
    admit: Vec<Rule>,
    /// ACLs of `w`, `e`, `n`, `r`.
    acls: [Acl; 4],
    /// Routes of `w`, `e`, `n`, `r` beside `local`.
    routes: [Vec<Hop>; 4],
    local: Option<Endpoint>,
    remote: Option<Endpoint>,
    gateway: Option<(&'static str, bool)>,
    zone: Zone,
    nat: &'static str,
    igw: bool,
    peering: &'static str,
    no_internet: bool,
    require_private: bool,
}

const SUBNETS: [(&str, &str, &str); 4] = [("w", "vpc-1", "10.0.0.0/28"), ("e", "vpc-1", "10.0.0.16/28"), ("n", "vpc-1", "10.0.0.32/28"), ("r", "vpc-2", "10.1.0.0/28")];

fn place(subnet: &str) -> usize {
    SUBNETS.iter().position(|(name, ..)| *name == subnet).unwrap()
}

fn vpc_of(subnet: &str) -> &'static str {
    SUBNETS[place(subnet)].1
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

// ---------------------------------------------------------------------------------------------------------------- the walker

/// What came of one hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Through,
    OutOfSight,
    Blocked,
}

/// What is said of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    way: Way,
    verdict: Tri,
    at: Option<HopName>,
}

/// The hops of one way with their fates.
#[derive(Debug, Default)]
struct Walk(Vec<(HopName, Fate)>);

impl Walk {
    fn met(&mut self, hop: HopName, fate: Fate) {
        self.0.push((hop, fate));
    }

    fn ends(&self, way: Way) -> Told {
        let at = self.0.iter().filter(|(_, f)| *f == Fate::Blocked).map(|(h, _)| *h).min();
        let verdict = match self.0.iter().map(|(_, f)| *f).max() {
            Some(Fate::Blocked) => Tri::Fail,
            Some(Fate::Through) => Tri::Pass,
            _ => Tri::Unknown,
        };
        Told { way, verdict, at }
    }
}

fn passed(yes: bool) -> Fate {
    if yes { Fate::Through } else { Fate::Blocked }
}

fn is_tcp(protocol: &str) -> bool {
    matches!(protocol, "-1" | "6" | "tcp")
}

/// One group's rules against one packet to or from `peer`, who carries `groups`.
fn rule_lets(rules: &[Rule], port: u16, peer: IpAddr, groups: &[&str]) -> bool {
    rules.iter().any(|r| {
        let about = is_tcp(r.protocol) && (r.protocol == "-1" || (r.ports.0 <= port && port <= r.ports.1));
        let names = match r.peer {
            "pl-s3" => S3.iter().any(|c| holds(c, peer) == Some(true)),
            group if group.starts_with("sg-") => groups.contains(&group),
            cidr => holds(cidr, peer) == Some(true),
        };
        about && names
    })
}

/// The entries of one direction against one packet.
fn acl_lets(entries: &[Entry], port: u16, peer: IpAddr) -> bool {
    let mut in_order: Vec<&Entry> = entries.iter().collect();
    in_order.sort_by_key(|e| e.number);
    let first = in_order.into_iter().find(|e| is_tcp(e.protocol) && (e.protocol == "-1" || (e.ports.0 <= port && port <= e.ports.1)) && holds(e.cidr, peer) == Some(true));
    first.is_some_and(|e| e.allow)
}

/// Ports that tell all that the entries of the pool could tell apart.
fn reply_ports() -> impl Iterator<Item = u16> {
    [32768, 39999, 40000, 50000, 50001, 60999].into_iter()
}

/// The longest prefix that holds an address, of a table with its local route; the target and whether it is gone.
fn looked_up(world: &World, subnet: &str, to: IpAddr) -> Option<(&'static str, bool)> {
    let local = if vpc_of(subnet) == "vpc-1" { "10.0.0.0/24" } else { "10.1.0.0/24" };
    let own = &world.routes[place(subnet)];
    let gateway = world.gateway.filter(|(_, routed)| *routed && subnet == "w");
    let mut best: Option<(u8, &'static str, bool)> = None;
    let mut offer = |cidr: &str, target: &'static str, gone: bool, list: bool| {
        if holds(cidr, to) != Some(true) {
            return;
        }
        let length: u8 = cidr.rsplit('/').next().unwrap().parse().unwrap();
        // A CIDR beats a list of equal length.
        if best.is_none_or(|(l, ..)| length > l || (length == l && !list)) {
            best = Some((length, target, gone));
        }
    };
    if gateway.is_some() {
        for cidr in S3 {
            offer(cidr, "gateway", false, true);
        }
    }
    offer(local, "local", false, false);
    for (cidr, target, gone) in own {
        let internet = matches!(*target, "nat" | "igw");
        if !(world.no_internet && internet) {
            offer(cidr, target, *gone, false);
        }
    }
    best.map(|(_, target, gone)| (target, gone))
}

/// How a packet to a public address leaves the workload's subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Out,
    OverNat,
    ByGateway,
    Lost,
    OutOfSight,
}

fn exit(world: &World, to: IpAddr) -> Exit {
    match looked_up(world, "w", to) {
        None => Exit::Lost,
        Some((_, true)) => Exit::Lost,
        Some(("gateway", _)) => Exit::ByGateway,
        Some(("igw", _)) => {
            if world.igw && world.public_ip {
                Exit::Out
            } else {
                Exit::Lost
            }
        }
        Some(("nat", _)) => match (world.nat, looked_up(world, "n", ip(ELSEWHERE))) {
            ("available", Some(("igw", false))) if world.igw => Exit::OverNat,
            // What stands between a NAT gateway and the internet was not seen.
            ("available", Some(("tgw" | "eni", false))) => Exit::OutOfSight,
            _ => Exit::Lost,
        },
        Some(("tgw" | "eni" | "pcx", _)) => Exit::OutOfSight,
        Some(_) => Exit::Lost,
    }
}

/// The packets of the workload to a peer and back at its own door. `list`: what the peer's range is called.
fn own_door(world: &World, walk: &mut Walk, to: &[IpAddr], groups: &[&str], inside: bool) {
    for to in to {
        let out = world.workload_groups.iter().any(|g| *g == "sg-w" && rule_lets(&world.out, 443, *to, groups));
        walk.met(HopName::SourceSg, passed(out));
        if !inside {
            walk.met(HopName::SourceNaclOut, passed(acl_lets(&world.acls[0].outwards, 443, *to)));
            walk.met(HopName::SourceNaclIn, passed(reply_ports().all(|p| acl_lets(&world.acls[0].inwards, p, *to))));
        }
    }
}

/// One direction between subnets: whether the table of `from` brings a packet for `to`, who is in the VPC of `subnet`.
fn carried(world: &World, from: &str, to: IpAddr, subnet: &str) -> Fate {
    let same = vpc_of(from) == vpc_of(subnet);
    match looked_up(world, from, to) {
        None | Some((_, true)) => Fate::Blocked,
        Some(("local", _)) => passed(same),
        Some(("pcx", _)) if same => Fate::OutOfSight,
        Some(("pcx", _)) => passed(world.peering == "active"),
        Some(("igw" | "nat" | "gateway", _)) if !same => Fate::Blocked,
        Some(("tgw", _)) if !same => Fate::Blocked,
        Some(_) => Fate::OutOfSight,
    }
}

/// To one endpoint's interfaces, of which `only` may be handed out, and back.
fn to_endpoint(world: &World, endpoint: &Endpoint, only: Option<&str>, way: Way) -> Told {
    let mut walk = Walk::default();
    walk.met(HopName::Dns, Fate::Through);
    for (subnet, address, group) in endpoint.interfaces.iter().filter(|(_, a, _)| only.is_none_or(|o| o == *a)) {
        let inside = *subnet == "w";
        let at = place(subnet);
        let (here, there) = (ip(WORKLOAD), ip(address));
        // A rule may name a group of a VPC that an active peering connection joins.
        let linked = way == Way::InterfaceEndpoint || world.peering == "active";
        let theirs: &[&str] = if linked { &[group] } else { &[] };
        let ours: &[&str] = if linked { &world.workload_groups } else { &[] };
        own_door(world, &mut walk, &[there], theirs, inside);
        if !inside {
            let (forth, back) = (carried(world, "w", there, subnet), carried(world, subnet, here, "w"));
            walk.met(HopName::Route, forth.max(back));
            walk.met(HopName::DestNaclIn, passed(acl_lets(&world.acls[at].inwards, 443, here)));
            walk.met(HopName::DestNaclOut, passed(reply_ports().all(|p| acl_lets(&world.acls[at].outwards, p, here))));
        }
        walk.met(HopName::DestSg, passed(*group == "sg-e" && rule_lets(&world.admit, 443, here, ours)));
    }
    walk.met(HopName::Policy, passed(!endpoint.deny_all));
    walk.ends(way)
}

/// To the public address of the name.
fn to_public(world: &World) -> Told {
    let none = |way, at| Told { way, verdict: Tri::Fail, at: Some(at) };
    let targets: Vec<IpAddr> = if world.s3 { S3_ADDRESSES.map(ip).to_vec() } else { vec![ip(ELSEWHERE)] };
    let gateway = world.gateway.filter(|(state, _)| world.s3 && *state == "available");
    let exits: Vec<Exit> = targets.iter().map(|t| exit(world, *t)).collect();
    let hard = |e: &Exit| matches!(e, Exit::Lost | Exit::ByGateway) || (world.require_private && matches!(e, Exit::Out | Exit::OverNat));
    if let Some((_, true)) = gateway {
        let mut walk = Walk::default();
        own_door(world, &mut walk, &targets, &[], false);
        // What a narrower route takes to a NAT gateway passes by that one's subnet.
        nat_doors(world, &mut walk, &targets, true);
        for e in &exits {
            walk.met(
                HopName::Route,
                if *e == Exit::ByGateway || !hard(e) && *e != Exit::OutOfSight {
                    Fate::Through
                } else if *e == Exit::OutOfSight {
                    Fate::OutOfSight
                } else {
                    Fate::Blocked
                },
            );
        }
        return walk.ends(Way::GatewayEndpoint);
    }
    if !world.s3 {
        // Any route narrower than the default may hold addresses of the service, or none.
        let narrow: Vec<Exit> = [NARROW].iter().map(|a| exit(world, ip(a))).filter(|e| *e != Exit::ByGateway).collect();
        let kind = |e: &Exit| match e {
            Exit::Out | Exit::OverNat => 0,
            Exit::OutOfSight => 1,
            _ => 2,
        };
        if kind(&exits[0]) != 1 && narrow.iter().any(|e| kind(e) != kind(&exits[0])) {
            return unclear_way(world, &targets);
        }
    }
    if exits.iter().any(hard) {
        return match gateway {
            Some(_) => none(Way::None, HopName::Route),
            None if world.local.as_ref().is_some_and(|l| l.state == "available") || selectable(world) => none(Way::InterfaceEndpoint, HopName::Dns),
            None => none(Way::None, HopName::Endpoint),
        };
    }
    if exits.contains(&Exit::OutOfSight) {
        let mut walk = Walk::default();
        nat_doors(world, &mut walk, &meant(world), world.s3);
        doors_of_public(world, &mut walk, &targets);
        walk.met(HopName::Route, Fate::OutOfSight);
        return walk.ends(Way::Unknown);
    }
    let mut walk = Walk::default();
    doors_of_public(world, &mut walk, &targets);
    nat_doors(world, &mut walk, &meant(world), world.s3);
    walk.ends(Way::Internet)
}

/// Whether DNS names an endpoint that the name would lead to, were an attribute on or Amazon's resolver asked.
fn selectable(world: &World) -> bool {
    (!world.hostnames || world.own_resolver) && matches!(world.zone, Zone::Alias | Zone::OneAddress) && world.remote.as_ref().is_some_and(|r| r.state == "available")
}

/// A name may lead to any public address, so that what is open to some alone is not known.
fn doors_of_public(world: &World, walk: &mut Walk, targets: &[IpAddr]) {
    if world.s3 {
        own_door(world, walk, targets, &[], false);
        return;
    }
    let samples = meant(world);
    let mut one = |hop, fates: Vec<bool>| {
        let fate = if fates.iter().all(|f| *f) {
            Fate::Through
        } else if fates.iter().any(|f| *f) {
            Fate::OutOfSight
        } else {
            Fate::Blocked
        };
        walk.met(hop, fate);
    };
    one(HopName::SourceSg, samples.iter().map(|t| world.workload_groups.contains(&"sg-w") && rule_lets(&world.out, 443, *t, &[])).collect());
    one(HopName::SourceNaclOut, samples.iter().map(|t| acl_lets(&world.acls[0].outwards, 443, *t)).collect());
    // Replies come back on any of the ports.
    one(HopName::SourceNaclIn, samples.iter().map(|t| reply_ports().all(|p| acl_lets(&world.acls[0].inwards, p, *t))).collect());
}

/// The addresses that go by the NAT gateway.
fn by_nat(world: &World, targets: &[IpAddr]) -> Vec<IpAddr> {
    targets.iter().copied().filter(|a| looked_up(world, "w", *a).is_some_and(|(t, gone)| t == "nat" && !gone)).collect()
}

/// The addresses that the name may mean: of S3 all, else any but those, which AWS lists as S3's.
fn meant(world: &World) -> Vec<IpAddr> {
    if world.s3 { S3_ADDRESSES.map(ip).to_vec() } else { vec![ip(NARROW), ip(ELSEWHERE)] }
}

/// The ACL of the NAT gateway's own subnet, which is met by those packets that go by it. `sure`: all of `targets` are in use;
/// else the name means one of them, and what the others meet instead counts as well.
fn nat_doors(world: &World, walk: &mut Walk, targets: &[IpAddr], sure: bool) {
    let acl = &world.acls[place("n")];
    let here = ip(WORKLOAD);
    let nat_ports = [1024, 32767, 32768, 39999, 40000, 50000, 50001, 60999, 61000, 65535];
    let over = by_nat(world, targets);
    if over.is_empty() {
        return;
    }
    let doors: [&dyn Fn(IpAddr) -> bool; 4] = [&|_| acl_lets(&acl.inwards, 443, here), &|to| acl_lets(&acl.outwards, 443, to), &|to| nat_ports.iter().all(|p| acl_lets(&acl.inwards, *p, to)), &|_| {
        reply_ports().all(|p| acl_lets(&acl.outwards, p, here))
    }];
    for door in doors {
        let through: Vec<bool> = targets.iter().filter(|t| !sure || over.contains(t)).map(|t| if over.contains(t) { door(*t) } else { exit(world, *t) != Exit::Lost }).collect();
        walk.met(
            HopName::Route,
            if through.iter().all(|t| *t) || over.iter().all(|t| door(*t)) {
                Fate::Through
            } else if !sure && through.contains(&true) {
                Fate::OutOfSight
            } else {
                Fate::Blocked
            },
        );
    }
}

/// The route leads out of sight: only what is shut at the own door is known.
fn unclear_way(world: &World, targets: &[IpAddr]) -> Told {
    let mut walk = Walk::default();
    doors_of_public(world, &mut walk, targets);
    walk.met(HopName::Route, Fate::OutOfSight);
    walk.ends(Way::Unknown)
}

/// What Amazon's resolver makes of the name, and where that leads.
fn by_amazon(world: &World) -> Told {
    let at_dns = |way| Told { way, verdict: Tri::Fail, at: Some(HopName::Dns) };
    if !world.support {
        return at_dns(Way::None);
    }
    if world.hostnames {
        if let Some(local) = world.local.as_ref().filter(|l| l.private_dns && l.state == "available") {
            return to_endpoint(world, local, None, Way::InterfaceEndpoint);
        }
        match (world.zone, &world.remote) {
            (Zone::None, _) => {}
            (Zone::Alias, Some(remote)) if remote.state == "available" => return to_endpoint(world, remote, None, Way::RemoteEndpoint),
            (Zone::OneAddress, Some(remote)) if remote.state == "available" => return to_endpoint(world, remote, Some(remote.interfaces[0].1), Way::RemoteEndpoint),
            (Zone::Alias | Zone::OneAddress, Some(_)) => return at_dns(Way::RemoteEndpoint),
            (Zone::Nobody, _) => return at_dns(Way::Local),
            _ => return at_dns(Way::None),
        }
    }
    to_public(world)
}

fn walked(world: &World) -> Told {
    if !world.own_resolver {
        return by_amazon(world);
    }
    // The server may forward to Amazon's resolver, ask the public DNS, or lead to an endpoint of a VPC that is joined.
    let mut told = vec![by_amazon(world), to_public(world)];
    let by_name = world.support && world.hostnames && (world.local.as_ref().is_some_and(|l| l.private_dns && l.state == "available") || matches!(world.zone, Zone::Alias | Zone::OneAddress));
    if let Some(remote) = world.remote.as_ref().filter(|r| !by_name && r.state == "available" && world.peering == "active") {
        told.push(to_endpoint(world, remote, None, Way::RemoteEndpoint));
    }
    let ways: BTreeSet<Way> = told.iter().map(|t| t.way).collect();
    let verdicts: BTreeSet<Tri> = told.iter().map(|t| t.verdict).collect();
    let way = if ways.len() == 1 { told[0].way } else { Way::Unknown };
    let verdict = if verdicts.len() == 1 { told[0].verdict } else { Tri::Unknown };
    Told { way, verdict, at: None }
}

// ------------------------------------------------------------------------------------------------- the inventory of a world

fn table(world: &World, subnet: &str) -> Value {
    let (name, vpc, _) = SUBNETS[place(subnet)];
    let local = if vpc == "vpc-1" { "10.0.0.0/24" } else { "10.1.0.0/24" };
    let mut routes = vec![json!({"DestinationCidrBlock": local, "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"})];
    for (cidr, target, gone) in &world.routes[place(subnet)] {
        let (key, id) = match *target {
            "nat" => ("NatGatewayId", "nat-1"),
            "igw" => ("GatewayId", "igw-1"),
            "tgw" => ("TransitGatewayId", "tgw-1"),
            "pcx" => ("VpcPeeringConnectionId", "pcx-1"),
            _ => ("NetworkInterfaceId", "eni-appliance"),
        };
        routes.push(json!({"DestinationCidrBlock": cidr, key: id, "Origin": "CreateRoute", "State": if *gone { "blackhole" } else { "active" }}));
    }
    if subnet == "w" && world.gateway.is_some_and(|(_, routed)| routed) {
        routes.push(json!({"DestinationPrefixListId": "pl-s3", "GatewayId": "vpce-gateway", "Origin": "CreateRoute", "State": "active"}));
    }
    json!({"RouteTableId": format!("rtb-{name}"), "VpcId": vpc, "Routes": routes, "Associations": [{"RouteTableId": format!("rtb-{name}"), "SubnetId": format!("subnet-{name}"), "AssociationState": {"State": "associated"}}]})
}

fn acl(world: &World, subnet: &str) -> Value {
    let (name, vpc, _) = SUBNETS[place(subnet)];
    let own = &world.acls[place(subnet)];
    let entry = |e: &Entry, egress: bool| {
        let ports = if e.protocol == "-1" { Value::Null } else { json!({"From": e.ports.0, "To": e.ports.1}) };
        json!({"Egress": egress, "Protocol": e.protocol, "RuleAction": if e.allow { "allow" } else { "deny" }, "RuleNumber": e.number, "CidrBlock": e.cidr, "PortRange": ports})
    };
    let last = |egress| json!({"Egress": egress, "Protocol": "-1", "RuleAction": "deny", "RuleNumber": 32767, "CidrBlock": "0.0.0.0/0"});
    let entries: Vec<Value> = own.inwards.iter().map(|e| entry(e, false)).chain(own.outwards.iter().map(|e| entry(e, true))).chain([last(true), last(false)]).collect();
    json!({"NetworkAclId": format!("acl-{name}"), "VpcId": vpc, "Entries": entries, "Associations": [{"NetworkAclId": format!("acl-{name}"), "SubnetId": format!("subnet-{name}")}]})
}

fn permissions(rules: &[Rule]) -> Vec<Value> {
    let one = |r: &Rule| {
        let ports = |p: u16| if r.protocol == "-1" { Value::Null } else { json!(p) };
        let (mut ranges, mut groups, mut lists) = (vec![], vec![], vec![]);
        match r.peer {
            "pl-s3" => lists.push(json!({"PrefixListId": "pl-s3"})),
            group if group.starts_with("sg-") => groups.push(json!({"GroupId": group, "UserId": "111122223333"})),
            cidr => ranges.push(json!({"CidrIp": cidr})),
        }
        json!({"IpProtocol": r.protocol, "FromPort": ports(r.ports.0), "ToPort": ports(r.ports.1), "IpRanges": ranges, "UserIdGroupPairs": groups, "PrefixListIds": lists})
    };
    rules.iter().map(one).collect()
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn endpoint(id: &str, vpc: &str, service: &str, endpoint: &Endpoint, region: &mut Region) {
    let mut ids = Vec::new();
    for (n, (subnet, address, group)) in endpoint.interfaces.iter().enumerate() {
        let eni = format!("eni-{id}-{n}");
        region.network_interfaces.push(read(json!({
            "NetworkInterfaceId": eni, "SubnetId": format!("subnet-{subnet}"), "VpcId": vpc, "PrivateIpAddress": address, "InterfaceType": "vpc_endpoint", "Status": "in-use",
            "AvailabilityZone": "us-east-2a", "Groups": [{"GroupId": group}]
        })));
        ids.push(eni);
    }
    let mut names = vec![json!({"DnsName": format!("{id}-abcdefgh.{service}.us-east-2.vpce.amazonaws.com"), "HostedZoneId": "Z1"})];
    if endpoint.private_dns {
        names.push(json!({"DnsName": format!("{service}.us-east-2.amazonaws.com"), "HostedZoneId": "Z2"}));
    }
    let effect = if endpoint.deny_all { "Deny" } else { "Allow" };
    region.vpc_endpoints.push(read(json!({
        "VpcEndpointId": id, "VpcEndpointType": "Interface", "VpcId": vpc, "ServiceName": format!("com.amazonaws.us-east-2.{service}"), "State": endpoint.state, "IpAddressType": "ipv4",
        "PrivateDnsEnabled": endpoint.private_dns, "NetworkInterfaceIds": ids, "OwnerId": "111122223333", "Groups": [{"GroupId": "sg-e"}], "DnsEntries": names,
        "PolicyDocument": format!(r#"{{"Statement":[{{"Effect":"{effect}","Principal":"*","Action":"*","Resource":"*"}}]}}"#)
    })));
}

fn inventory(world: &World) -> Region {
    let mut region = seen_region();
    for (id, cidr) in [("vpc-1", "10.0.0.0/24"), ("vpc-2", "10.1.0.0/24")] {
        region.vpcs.push(read(json!({"VpcId": id, "CidrBlock": cidr, "OwnerId": "111122223333", "State": "available", "DhcpOptionsId": format!("dopt-{id}"),
            "CidrBlockAssociationSet": [{"CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}]})));
        let own = id == "vpc-1";
        region.vpc_attributes.push(read(json!({"VpcId": id, "EnableDnsSupport": {"Value": !own || world.support}, "EnableDnsHostnames": {"Value": !own || world.hostnames}})));
        let server = if own && world.own_resolver { "192.168.7.7" } else { "AmazonProvidedDNS" };
        region.dhcp_options.push(read(json!({"DhcpOptionsId": format!("dopt-{id}"), "DhcpConfigurations": [{"Key": "domain-name-servers", "Values": [{"Value": server}]}]})));
    }
    for (name, vpc, cidr) in SUBNETS {
        region.subnets.push(read(json!({"SubnetId": format!("subnet-{name}"), "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": "us-east-2a", "OwnerId": "111122223333", "State": "available"})));
        region.route_tables.push(read(table(world, name)));
        region.network_acls.push(read(acl(world, name)));
    }
    for (id, vpc, out, admit) in [("sg-w", "vpc-1", &world.out, &vec![]), ("sg-e", "vpc-1", &vec![], &world.admit), ("sg-x", "vpc-1", &vec![], &vec![]), ("sg-shut", "vpc-1", &vec![], &vec![])] {
        region.security_groups.push(read(json!({"GroupId": id, "VpcId": vpc, "OwnerId": "111122223333", "IpPermissions": permissions(admit), "IpPermissionsEgress": permissions(out)})));
    }
    let service = if world.s3 { "s3" } else { "logs" };
    if let Some(local) = &world.local {
        endpoint("vpce-0000000000000local", "vpc-1", service, local, &mut region);
    }
    if let Some(remote) = &world.remote {
        endpoint(REMOTE, "vpc-2", service, remote, &mut region);
    }
    if let Some((state, routed)) = world.gateway {
        let tables: &[&str] = if routed { &["rtb-w"] } else { &[] };
        region.vpc_endpoints.push(read(json!({"VpcEndpointId": "vpce-gateway", "VpcEndpointType": "Gateway", "VpcId": "vpc-1", "ServiceName": "com.amazonaws.us-east-2.s3", "State": state,
            "RouteTableIds": tables, "PrivateDnsEnabled": false, "OwnerId": "111122223333", "PolicyDocument": r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#})));
    }
    region.service_details.push(read(json!({"ServiceName": format!("com.amazonaws.us-east-2.{service}"), "VpcEndpointPolicySupported": true})));
    region.prefix_lists.push(read(json!({"PrefixListId": "pl-s3", "PrefixListName": "com.amazonaws.us-east-2.s3", "Cidrs": S3})));
    region.nat_gateways.push(read(json!({"NatGatewayId": "nat-1", "VpcId": "vpc-1", "SubnetId": "subnet-n", "State": world.nat, "ConnectivityType": "public"})));
    let attachments = if world.igw { json!([{"VpcId": "vpc-1", "State": "available"}]) } else { json!([]) };
    region.internet_gateways.push(read(json!({"InternetGatewayId": "igw-1", "Attachments": attachments})));
    region.vpc_peering_connections.push(read(json!({"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": world.peering},
        "RequesterVpcInfo": {"VpcId": "vpc-1", "OwnerId": "111122223333", "CidrBlock": "10.0.0.0/24"}, "AccepterVpcInfo": {"VpcId": "vpc-2", "OwnerId": "111122223333", "CidrBlock": "10.1.0.0/24"}})));
    let summaries = if world.zone == Zone::None { json!([]) } else { json!([{"HostedZoneId": "ZPRIVATE", "Name": format!("{}.", host(world)), "Owner": {"OwningAccount": "111122223333"}}]) };
    region.hosted_zones.insert("vpc-1".into(), audit::inventory::Answer::Output(read(json!({"HostedZoneSummaries": summaries}))));
    region.hosted_zones.insert("vpc-2".into(), audit::inventory::Answer::Output(read(json!({"HostedZoneSummaries": []}))));
    let name = format!("{}.", host(world));
    let alias = format!("{REMOTE}-abcdefgh.{service}.us-east-2.vpce.amazonaws.com.");
    let records = match world.zone {
        Zone::None | Zone::Empty => json!([]),
        Zone::Alias => json!([{"Name": name, "Type": "A", "AliasTarget": {"DNSName": alias, "HostedZoneId": "Z1"}}]),
        Zone::OneAddress => json!([{"Name": name, "Type": "A", "ResourceRecords": [{"Value": world.remote.as_ref().map_or("10.1.0.9", |r| r.interfaces[0].1)}]}]),
        Zone::Nobody => json!([{"Name": name, "Type": "A", "ResourceRecords": [{"Value": "10.0.0.14"}]}]),
    };
    region.record_sets.insert("ZPRIVATE".into(), audit::inventory::Answer::Output(read(json!({"ResourceRecordSets": records}))));
    region
}

const REMOTE: &str = "vpce-0123456789abcdef0";

fn host(world: &World) -> String {
    format!("{}.us-east-2.amazonaws.com", if world.s3 { "s3" } else { "logs" })
}

fn judged(world: &World, region: &Region) -> Told {
    let options = Options { no_internet: world.no_internet, require_private: world.require_private, ..Options::default() };
    let view = View::new(region, &options);
    let placement = Placement {
        id: "p".into(),
        kind: Kind::Query,
        vpc: Some("vpc-1".into()),
        subnet: Some("subnet-w".into()),
        security_groups: world.workload_groups.iter().map(|g| (*g).to_owned()).collect(),
        place_unseen: None,
        groups_unseen: None,
        members: vec!["arn:aws:ecs:us-east-2:111122223333:task/c/t".into()],
        addresses: BTreeSet::from([ip(WORKLOAD)]),
        public_ip: Some(world.public_ip),
        os: Os::Linux,
        fargate: false,
        needs: Vec::new(),
        workloads: Default::default(),
    };
    let service = if world.s3 { "s3" } else { "logs" };
    let owner = if world.s3 { "EP06" } else { "EP09" };
    let ask_for = audit::analysis::Ask {
        action: if world.s3 { "s3:GetObject" } else { "logs:PutLogEvents" },
        caller: audit::analysis::Caller::Role("arn:aws:iam::111122223333:role/r".into()),
        resource: "*".into(),
        blocks: true,
    };
    let need = Need {
        service: service.into(),
        region: None,
        hosts: BTreeSet::from([host(world)]),
        port: 443,
        because: BTreeSet::new(),
        owners: BTreeSet::from([(Owner::Rule(owner), Severity::Critical)]),
        also: BTreeSet::new(),
        asks: BTreeSet::from([ask_for]),
        workloads: Default::default(),
        units: Default::default(),
        definitions: Default::default(),
        unsure: BTreeSet::new(),
    };
    let path = ask(&view, &placement, &need, &Destination::Service(service.into()));
    let bad = path.hops.iter().find(|h| (path.verdict == Tri::Pass && h.verdict != Tri::Pass) || (path.verdict == Tri::Unknown && h.verdict == Tri::Fail));
    assert!(bad.is_none(), "{bad:?} on a path that is {:?}", path.verdict);
    Told { way: path.way, verdict: path.verdict, at: path.blocked_at }
}

// ------------------------------------------------------------------------------------------------------------------- worlds

fn rules(peers: &'static [Peer]) -> impl Strategy<Value = Vec<Rule>> {
    let ports = select(vec![(443, 443), (0, 65535), (400, 500), (444, 500), (80, 80)]);
    let one = (select(vec!["-1", "tcp", "tcp", "6", "udp"]), ports, select(peers)).prop_map(|(protocol, ports, peer)| Rule { protocol, ports, peer });
    let open = Just(Rule { protocol: "-1", ports: (0, 65535), peer: "0.0.0.0/0" });
    prop_oneof![3 => open.prop_map(|r| vec![r]), 4 => prop::collection::vec(one, 0..4)]
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let cidrs = select(vec!["0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/24", "10.0.0.16/28", "10.0.0.4/32", "10.1.0.0/24", "52.219.80.0/21", "44.44.44.0/24", "10.0.0.18/32"]);
    let ports = select(vec![(0, 65535), (443, 443), (1024, 65535), (32768, 60999), (40000, 50000), (32768, 39999), (444, 65535)]);
    let one =
        (1..200_i32, prop::bool::weighted(0.6), select(vec!["-1", "6", "6", "17"]), ports, cidrs).prop_map(|(number, allow, protocol, ports, cidr)| Entry { number, allow, protocol, ports, cidr });
    let open = || Entry { number: 1000, allow: true, protocol: "-1", ports: (0, 65535), cidr: "0.0.0.0/0" };
    (prop::collection::btree_map(1..200_i32, one, 0..3), prop::bool::weighted(0.85)).prop_map(move |(chosen, rest)| {
        let mut all: Vec<Entry> = chosen.into_iter().map(|(number, e)| Entry { number, ..e }).collect();
        if rest {
            all.push(open());
        }
        all
    })
}

fn acls() -> impl Strategy<Value = Acl> {
    let open = || vec![Entry { number: 100, allow: true, protocol: "-1", ports: (0, 65535), cidr: "0.0.0.0/0" }];
    prop_oneof![
        3 => Just(()).prop_map(move |()| Acl { inwards: open(), outwards: open() }),
        2 => (entries(), entries()).prop_map(|(inwards, outwards)| Acl { inwards, outwards }),
    ]
}

fn hops(of: &'static str) -> impl Strategy<Value = Vec<Hop>> {
    let everything = prop::option::weighted(0.6, (select(vec!["nat", "nat", "igw", "igw", "tgw", "eni"]), prop::bool::weighted(0.1)));
    let other = prop::option::weighted(if of == "w" || of == "r" || of == "e" { 0.8 } else { 0.2 }, (select(vec!["pcx", "pcx", "pcx", "tgw", "nat"]), prop::bool::weighted(0.1)));
    let s3 = prop::option::weighted(0.15, (select(vec!["nat", "igw", "tgw"]), prop::bool::weighted(0.2)));
    let narrow = select(vec!["52.219.80.0/21", "52.219.80.0/21", "44.44.44.0/24"]);
    let inside = prop::option::weighted(0.08, (Just("eni"), prop::bool::weighted(0.2)));
    (everything, other, s3, narrow, inside).prop_map(move |(everything, other, s3, narrow, inside)| {
        let mut all: Vec<Hop> = Vec::new();
        let across = if of == "r" { "10.0.0.0/24" } else { "10.1.0.0/24" };
        // A NAT gateway's own table does not lead back to it.
        let sane = |t: &'static str| if of == "n" && t == "nat" { "igw" } else { t };
        all.extend(everything.map(|(t, gone)| ("0.0.0.0/0", sane(t), gone)));
        all.extend(other.map(|(t, gone)| (across, if of == "n" && t == "nat" { "pcx" } else { t }, gone)));
        if of == "w" {
            all.extend(s3.map(|(t, gone)| (narrow, t, gone)));
            all.extend(inside.map(|(t, gone)| ("10.0.0.16/28", t, gone)));
        }
        all
    })
}

fn endpoints(local: bool) -> impl Strategy<Value = Option<Endpoint>> {
    let group = || select(vec!["sg-e", "sg-e", "sg-e", "sg-e", "sg-shut"]);
    let interfaces = if local {
        (group(), group(), 1..4_usize).prop_map(|(a, b, n)| [vec![("e", "10.0.0.18", a)], vec![("w", "10.0.0.9", b)], vec![("e", "10.0.0.18", a), ("w", "10.0.0.9", b)]][n - 1].clone()).boxed()
    } else {
        (group(), group(), 1..3_usize).prop_map(|(a, b, n)| vec![("r", "10.1.0.5", a), ("r", "10.1.0.6", b)][..n].to_vec()).boxed()
    };
    let state = select(vec!["available", "available", "available", "Available", "pendingAcceptance", "failed"]);
    let one = (state, prop::bool::weighted(if local { 0.7 } else { 0.0 }), interfaces, prop::bool::weighted(0.1)).prop_map(|(state, private_dns, interfaces, deny_all)| Endpoint {
        // Upper or lower case: both are written.
        state: if state == "Available" { "available" } else { state },
        private_dns,
        interfaces,
        deny_all,
    });
    prop::option::weighted(0.6, one)
}

fn worlds() -> impl Strategy<Value = World> {
    const OUT: &[Peer] = &["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.18/32", "10.1.0.0/24", "sg-e", "sg-shut", "sg-w", "pl-s3", "52.219.80.0/21", "44.44.44.0/24"];
    const ADMIT: &[Peer] = &["0.0.0.0/0", "10.0.0.0/28", "10.0.0.4/32", "10.0.0.5/32", "10.1.0.0/24", "sg-w", "sg-x", "sg-e"];
    let flags = (any::<bool>(), prop::bool::weighted(0.93), prop::bool::weighted(0.85), prop::bool::weighted(0.12), any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    let groups = select(vec![vec!["sg-w"], vec!["sg-w"], vec!["sg-w", "sg-x"], vec!["sg-x"]]);
    let filters = ([acls(), acls(), acls(), acls()], (hops("w"), hops("e"), hops("n"), hops("r")).prop_map(|(w, e, n, r)| [w, e, n, r]));
    let gateway = prop::option::weighted(0.6, (select(vec!["available", "available", "available", "failed"]), prop::bool::weighted(0.7)));
    let zone = select(vec![Zone::None, Zone::None, Zone::Alias, Zone::Alias, Zone::OneAddress, Zone::Empty, Zone::Nobody]);
    let outside = (select(vec!["available", "available", "available", "deleted"]), prop::bool::weighted(0.85), select(vec!["active", "active", "active", "deleted"]));
    (flags, groups, (rules(OUT), rules(ADMIT)), filters, (endpoints(true), endpoints(false), gateway, zone), outside).prop_map(
        |((s3, support, hostnames, own_resolver, public_ip, no_internet, require_private), workload_groups, (out, admit), (acls, routes), (mut local, remote, gateway, zone), (nat, igw, peering))| {
            let mut zone = zone;
            // AWS refuses an endpoint with private DNS beside a zone of the same name; and S3 beyond this has a page of its own.
            if s3 {
                local = None;
            }
            if local.as_ref().is_some_and(|l| l.private_dns) {
                zone = Zone::None;
            }
            if remote.is_none() && matches!(zone, Zone::Alias | Zone::OneAddress) {
                zone = Zone::None;
            }
            let gateway = gateway.filter(|_| s3);
            World { s3, support, hostnames, own_resolver, public_ip, workload_groups, out, admit, acls, routes, local, remote, gateway, zone, nat, igw, peering, no_internet, require_private }
        },
    )
}

proptest! {
    #![proptest_config(config_of(1000))]

    /// The engine says of every path what a packet would meet.
    #[test]
    fn a_whole_path_is_what_packets_meet(world in worlds()) {
        let region = inventory(&world);
        let (mut judged, mut walked) = (judged(&world, &region), walked(&world));
        if world.own_resolver {
            // Two answers that both fail may fail at different hops.
            judged.at = None;
            walked.at = None;
        }
        prop_assert_eq!(judged, walked);
    }

    /// Taking an allowing rule or entry away opens nothing.
    #[test]
    fn less_allowed_never_opens(world in worlds(), pick in any::<prop::sample::Index>()) {
        let before = judged(&world, &inventory(&world));
        let mut less = world.clone();
        let acls = less.acls.iter_mut().flat_map(|a| [&mut a.inwards, &mut a.outwards]);
        let mut lists: Vec<&mut Vec<Entry>> = acls.collect();
        let n = pick.index(lists.len() + 2);
        match n.checked_sub(2) {
            None if n == 0 => { less.out.pop(); }
            None => { less.admit.pop(); }
            Some(n) => lists[n].retain(|e| !e.allow),
        }
        let after = judged(&less, &inventory(&less));
        prop_assert!(after.verdict != Tri::Pass || before.verdict == Tri::Pass, "{:?} became {:?}", before, after);
    }

    /// One more denying entry opens nothing.
    #[test]
    fn more_denied_never_opens(world in worlds(), pick in 0..8_usize, number in 1..50_i32, cidr in select(vec!["0.0.0.0/0", "10.0.0.0/24", "52.219.80.0/21"])) {
        let before = judged(&world, &inventory(&world));
        let mut more = world.clone();
        let acl = &mut more.acls[pick / 2];
        let list = if pick % 2 == 0 { &mut acl.inwards } else { &mut acl.outwards };
        list.retain(|e| e.number != number);
        let kept = list.len() == if pick % 2 == 0 { world.acls[pick / 2].inwards.len() } else { world.acls[pick / 2].outwards.len() };
        list.push(Entry { number, allow: false, protocol: "6", ports: (400, 45000), cidr });
        let after = judged(&more, &inventory(&more));
        prop_assert!(!kept || after.verdict != Tri::Pass || before.verdict == Tri::Pass, "{:?} became {:?}", before, after);
    }

    /// A section of the inventory that is forgotten makes no pass of what was none.
    #[test]
    fn what_is_forgotten_never_passes(world in worlds(), which in 0..SECTIONS.len()) {
        let mut region = inventory(&world);
        let before = judged(&world, &region);
        let (action, forget) = SECTIONS[which];
        forget(&mut region);
        super::forget(&mut region, action);
        let after = judged(&world, &region);
        prop_assert!(after.verdict != Tri::Pass || before.verdict == Tri::Pass, "without {action}: {:?} became {:?}", before, after);
        prop_assert!(after.verdict != Tri::Fail || before.verdict != Tri::Pass, "without {action}: {:?} became {:?}", before, after);
    }

    /// Another VPC with the same ranges changes nothing.
    #[test]
    fn an_unrelated_vpc_changes_nothing(world in worlds()) {
        let mut region = inventory(&world);
        let before = judged(&world, &region);
        region.vpcs.push(read(json!({"VpcId": "vpc-9", "CidrBlock": "172.20.0.0/24", "OwnerId": "111122223333", "DhcpOptionsId": "dopt-vpc-2"})));
        region.subnets.push(read(json!({"SubnetId": "subnet-9", "VpcId": "vpc-9", "CidrBlock": "172.20.0.0/28", "AvailabilityZone": "us-east-2a"})));
        region.route_tables.push(read(json!({"RouteTableId": "rtb-9", "VpcId": "vpc-9", "Associations": [{"Main": true}], "Routes": [{"DestinationCidrBlock": "172.20.0.0/24", "GatewayId": "local", "State": "active"}]})));
        region.network_interfaces.push(read(json!({"NetworkInterfaceId": "eni-9", "SubnetId": "subnet-9", "VpcId": "vpc-9", "PrivateIpAddress": "172.20.0.9", "Groups": [{"GroupId": "sg-9"}]})));
        region.security_groups.push(read(json!({"GroupId": "sg-9", "VpcId": "vpc-9"})));
        for service in ["logs", "s3"] {
            region.vpc_endpoints.push(read(json!({"VpcEndpointId": format!("vpce-9{service}"), "VpcEndpointType": "Interface", "VpcId": "vpc-9", "ServiceName": format!("com.amazonaws.us-east-2.{service}"),
                "State": "available", "PrivateDnsEnabled": true, "NetworkInterfaceIds": ["eni-9"], "Groups": [{"GroupId": "sg-9"}]})));
        }
        region.internet_gateways.push(read(json!({"InternetGatewayId": "igw-9", "Attachments": [{"VpcId": "vpc-9", "State": "available"}]})));
        region.hosted_zones.insert("vpc-9".into(), audit::inventory::Answer::Output(read(json!({"HostedZoneSummaries": []}))));
        prop_assert_eq!(judged(&world, &region), before);
    }
}

type Forget = fn(&mut Region);

const SECTIONS: &[(audit::actions::Action, Forget)] = &[
    (audit::actions::Action::DescribeVpcEndpoints, |r| r.vpc_endpoints.clear()),
    (audit::actions::Action::DescribeSecurityGroups, |r| r.security_groups.clear()),
    (audit::actions::Action::DescribeNetworkAcls, |r| r.network_acls.clear()),
    (audit::actions::Action::DescribeRouteTables, |r| r.route_tables.clear()),
    (audit::actions::Action::DescribeSubnets, |r| r.subnets.clear()),
    (audit::actions::Action::DescribeNetworkInterfaces, |r| r.network_interfaces.clear()),
    (audit::actions::Action::DescribeNatGateways, |r| r.nat_gateways.clear()),
    (audit::actions::Action::DescribeInternetGateways, |r| r.internet_gateways.clear()),
    (audit::actions::Action::DescribeVpcPeeringConnections, |r| r.vpc_peering_connections.clear()),
    (audit::actions::Action::DescribePrefixLists, |r| r.prefix_lists.clear()),
    (audit::actions::Action::DescribeVpcAttribute, |r| r.vpc_attributes.clear()),
    (audit::actions::Action::DescribeDhcpOptions, |r| r.dhcp_options.clear()),
    (audit::actions::Action::DescribeVpcs, |r| r.vpcs.clear()),
    (audit::actions::Action::ListHostedZonesByVpc, |r| r.hosted_zones.clear()),
    (audit::actions::Action::ListResourceRecordSets, |r| r.record_sets.clear()),
];
