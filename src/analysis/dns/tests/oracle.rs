//! An independent resolver over random worlds, written from AWS's words with none of the engine's code: names are compared as
//! text, worlds are small, and everything was seen.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::json;

use super::super::{Families, NameTarget};
use super::world::{ACCOUNT, World, cases, full, own_name};

/// Hosts, with the service that each belongs to.
pub const HOSTS: [(&str, &str); 6] = [("ecs", "ecs"), ("ecs-a", "ecs-agent"), ("api.ecr", "ecr.api"), ("111122223333.dkr.ecr", "ecr.dkr"), ("bucket.s3", "s3"), ("logs", "logs")];

/// Names that a service's private DNS takes, a star for one label.
const TAKEN: [(&str, &[&str]); 6] = [("ecs", &["ecs"]), ("ecs-agent", &["ecs-a"]), ("ecr.api", &["api.ecr"]), ("ecr.dkr", &["dkr.ecr", "*.dkr.ecr"]), ("s3", &["s3", "*.s3"]), ("logs", &["logs"])];

/// Domains of zones and rules; a final dot: not below the region.
const DOMAINS: [&str; 14] =
    ["com.", "amazonaws.com.", "us-east-2.amazonaws.com.", "ecs", "ecs-a", "ecr", "api.ecr", "dkr.ecr", "111122223333.dkr.ecr", "s3", "bucket.s3", "logs", "ecr.api", "example.com."];
/// Owners of records.
const OWNERS: [&str; 12] = ["ecs", "ecs-a", "api.ecr", "dkr.ecr", "*.dkr.ecr", "111122223333.dkr.ecr", "x.111122223333.dkr.ecr", "bucket.s3", "*.s3", "*.us-east-2.amazonaws.com.", "logs", "*.ecr"];
/// Entries of domain lists.
const ENTRIES: [&str; 9] = [
    "*",
    "*.amazonaws.com",
    "*.us-east-2.amazonaws.com",
    "ecs.us-east-2.amazonaws.com",
    "*.dkr.ecr.us-east-2.amazonaws.com",
    "logs.us-east-2.amazonaws.com",
    "amazonaws.com",
    "*.vpce.amazonaws.com",
    "example.com",
];

const VPCS: [&str; 2] = ["vpc-a", "vpc-hub"];
const OUTSIDE: &str = "192.168.0.53";
/// Address of an inbound Resolver endpoint, by VPC.
const INBOUND: [&str; 2] = ["10.0.0.10", "10.1.0.10"];

#[derive(Debug, Clone)]
pub struct EndpointSpec {
    vpc: usize,
    service: usize,
    private_dns: bool,
    available: bool,
    inbound_only: bool,
    interfaces: u8,
}

#[derive(Debug, Clone)]
enum Value {
    /// Alias to the name of an endpoint, by number; beyond those there are: of one that is gone.
    Endpoint(usize),
    /// CNAME to the name of an endpoint.
    Redirect(usize),
    /// CNAME to a host.
    Name(usize),
    /// Some addresses of an endpoint (a bit each), and one that nobody has.
    Addresses(usize, u8, bool),
    /// No address: a TXT record.
    Text,
}

#[derive(Debug, Clone)]
struct ZoneSpec {
    domain: usize,
    vpcs: [bool; 2],
    records: Vec<(usize, Value)>,
}

#[derive(Debug, Clone)]
enum Target {
    Outside,
    Inbound(usize),
    System,
}

/// Action and entries of a firewall rule.
type Wall = (usize, Vec<usize>);

#[derive(Debug, Clone, Default)]
pub struct Spec {
    attributes: [Option<(bool, bool)>; 2],
    /// Amazon's, an inbound endpoint (by VPC), the outside server.
    servers: Vec<Target>,
    endpoints: Vec<EndpointSpec>,
    zones: Vec<ZoneSpec>,
    rules: Vec<(usize, usize, Target)>,
    /// VPC, priority, rules: action and entries.
    walls: Vec<(usize, i32, Vec<Wall>)>,
    joined: bool,
}

pub fn specs() -> impl Strategy<Value = Spec> {
    let attributes = prop_oneof![6 => Just(None), 1 => (any::<bool>(), any::<bool>()).prop_map(Some)];
    let server = || prop_oneof![4 => Just(Target::System), 2 => (0..2usize).prop_map(Target::Inbound), 1 => Just(Target::Outside)];
    let target = prop_oneof![2 => (0..2usize).prop_map(Target::Inbound), 1 => Just(Target::Outside), 1 => Just(Target::System)];
    let endpoint = (0..2usize, 0..TAKEN.len(), prop::bool::weighted(0.6), prop::bool::weighted(0.9), prop::bool::weighted(0.2), 1..3u8)
        .prop_map(|(vpc, service, private_dns, available, inbound_only, interfaces)| EndpointSpec { vpc, service, private_dns, available, inbound_only, interfaces });
    let value = prop_oneof![
        4 => (0..7usize).prop_map(Value::Endpoint),
        1 => (0..7usize).prop_map(Value::Redirect),
        1 => (0..HOSTS.len()).prop_map(Value::Name),
        3 => (0..6usize, 1..4u8, prop::bool::weighted(0.2)).prop_map(|(e, bits, stranger)| Value::Addresses(e, bits, stranger)),
        1 => Just(Value::Text),
    ];
    let zone = (0..DOMAINS.len(), any::<[bool; 2]>(), prop::collection::vec((0..OWNERS.len(), value), 0..5)).prop_map(|(domain, vpcs, records)| ZoneSpec { domain, vpcs, records });
    let wall = (0..2usize, 0..4i32, prop::collection::vec((0..3usize, prop::collection::vec(0..ENTRIES.len(), 1..3)), 0..3));
    (
        [attributes.clone(), attributes],
        prop_oneof![5 => Just(vec![]), 3 => prop::collection::vec(server(), 1..3)],
        prop::collection::vec(endpoint, 0..6),
        prop::collection::vec(zone, 0..4),
        prop::collection::vec((0..2usize, 0..DOMAINS.len(), target), 0..3),
        prop::collection::vec(wall, 0..3),
        any::<bool>(),
    )
        .prop_map(|(attributes, servers, mut endpoints, mut zones, mut rules, mut walls, joined)| {
            // AWS refuses what would be ambiguous: two private DNS of one service, two zones or rules of one name, two records
            // of one name, two groups of one priority.
            let mut seen = BTreeSet::new();
            endpoints.iter_mut().for_each(|e| e.private_dns &= !e.available || seen.insert((e.vpc, e.service)));
            let mut names = BTreeSet::new();
            zones.retain(|z| names.insert(z.domain));
            for zone in &mut zones {
                let mut owners = BTreeSet::new();
                let apex = full(DOMAINS[zone.domain]).trim_end_matches('.').to_owned();
                zone.records.retain(|(o, _)| within(&apex, full(OWNERS[*o]).trim_end_matches('.')) && owners.insert(*o));
                // The apex has an SOA and can be no CNAME.
                zone.records.retain(|(o, v)| !(matches!(v, Value::Redirect(_) | Value::Name(_)) && full(OWNERS[*o]).trim_end_matches('.') == apex));
            }
            let mut domains = BTreeSet::new();
            rules.retain(|(vpc, domain, _)| domains.insert((*vpc, *domain)));
            let mut priorities = BTreeSet::new();
            walls.retain(|(vpc, priority, _)| priorities.insert((*vpc, *priority)));
            Spec { attributes, servers, endpoints, zones, rules, walls, joined }
        })
}

fn within(zone: &str, name: &str) -> bool {
    name == zone || name.ends_with(&format!(".{zone}"))
}

impl Spec {
    fn address(&self, endpoint: usize, interface: u8) -> IpAddr {
        format!("10.{}.{endpoint}.{}", self.endpoints[endpoint].vpc, 100 + interface).parse().unwrap()
    }

    fn addresses(&self, endpoint: usize) -> BTreeSet<IpAddr> {
        (0..self.endpoints[endpoint].interfaces).map(|i| self.address(endpoint, i)).collect()
    }

    fn id(&self, endpoint: usize) -> String {
        format!("vpce-{endpoint}")
    }

    /// Addresses of a record: those of an endpoint that there is, by bits, and a stranger in the endpoint's VPC (or ours).
    fn listed(&self, endpoint: usize, bits: u8, stranger: bool) -> BTreeSet<IpAddr> {
        let mut out = BTreeSet::new();
        let vpc = self.endpoints.get(endpoint).map_or(0, |e| e.vpc);
        if let Some(e) = self.endpoints.get(endpoint) {
            out.extend((0..e.interfaces).filter(|i| bits & (1 << i) != 0).map(|i| self.address(endpoint, i)));
        }
        if stranger || out.is_empty() {
            out.insert(format!("10.{vpc}.200.200").parse().unwrap());
        }
        out
    }

    pub fn world(&self) -> World {
        let mut world =
            World::new().vpc("vpc-hub", "10.1.0.0/16").resolver_endpoint("rslvr-in-0", "vpc-a", "INBOUND", &[INBOUND[0]]).resolver_endpoint("rslvr-in-1", "vpc-hub", "INBOUND", &[INBOUND[1]]);
        world = world.resolver_endpoint("rslvr-out", "vpc-hub", "OUTBOUND", &["10.1.0.20"]);
        for (vpc, attributes) in VPCS.iter().zip(self.attributes) {
            if let Some((support, hostnames)) = attributes {
                world = world.attributes(vpc, Some(support), Some(hostnames));
            }
        }
        if !self.servers.is_empty() {
            let servers: Vec<&str> = self
                .servers
                .iter()
                .map(|s| match s {
                    Target::System => "AmazonProvidedDNS",
                    Target::Inbound(vpc) => INBOUND[*vpc],
                    Target::Outside => OUTSIDE,
                })
                .collect();
            world = world.servers("vpc-a", &servers);
        }
        for (n, e) in self.endpoints.iter().enumerate() {
            let addresses: Vec<String> = self.addresses(n).iter().map(ToString::to_string).collect();
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            let fields = json!({"PrivateDnsEnabled": e.private_dns, "State": if e.available { "available" } else { "failed" }, "DnsOptions": {"DnsRecordIpType": "ipv4", "PrivateDnsOnlyForInboundResolverEndpoint": e.inbound_only && TAKEN[e.service].0 == "s3"}});
            world = world.endpoint_with(&self.id(n), VPCS[e.vpc], TAKEN[e.service].0, &addresses, fields);
        }
        for (n, zone) in self.zones.iter().enumerate() {
            let vpcs: Vec<&str> = VPCS.iter().zip(zone.vpcs).filter(|(_, used)| *used).map(|(v, _)| *v).collect();
            let records: Vec<(String, &str, String)> = zone
                .records
                .iter()
                .map(|(owner, value)| {
                    let owner = full(OWNERS[*owner]);
                    match value {
                        Value::Endpoint(e) => (owner, "A", self.own_name(*e)),
                        Value::Redirect(e) => (owner, "CNAME", self.own_name(*e)),
                        Value::Name(h) => (owner, "CNAME", full(HOSTS[*h].0)),
                        Value::Addresses(e, bits, stranger) => (owner, "A", self.listed(*e, *bits, *stranger).iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
                        Value::Text => (owner, "TXT", "10.0.0.1".into()),
                    }
                })
                .collect();
            let records: Vec<(&str, &str, &str)> = records.iter().map(|(o, k, v)| (o.as_str(), *k, v.as_str())).collect();
            world = world.zone(&format!("Z{n}"), full(DOMAINS[zone.domain]).trim_end_matches('.'), &vpcs, &records);
        }
        for (n, (vpc, domain, target)) in self.rules.iter().enumerate() {
            let (kind, targets) = match target {
                Target::Outside => ("FORWARD", vec![OUTSIDE]),
                Target::Inbound(to) => ("FORWARD", vec![INBOUND[*to]]),
                Target::System => ("SYSTEM", vec![]),
            };
            world = world.rule(&format!("rslvr-rr-{n}"), VPCS[*vpc], full(DOMAINS[*domain]).trim_end_matches('.'), kind, &targets);
        }
        for (n, (vpc, priority, rules)) in self.walls.iter().enumerate() {
            let entries: Vec<Vec<&str>> = rules.iter().map(|(_, entries)| entries.iter().map(|e| ENTRIES[*e]).collect()).collect();
            let rules: Vec<(i32, &str, &[&str])> = rules.iter().zip(&entries).enumerate().map(|(i, ((action, _), e))| (i as i32, ["BLOCK", "ALLOW", "ALERT"][*action], e.as_slice())).collect();
            world = world.firewall(&format!("g{n}"), VPCS[*vpc], *priority, &rules);
        }
        if self.joined { world.peering("vpc-a", "vpc-hub", ACCOUNT) } else { world }
    }

    fn own_name(&self, endpoint: usize) -> String {
        match self.endpoints.get(endpoint) {
            Some(e) => own_name(&self.id(endpoint), TAKEN[e.service].0),
            None => own_name("vpce-gone", "ecs"),
        }
    }
}

/// What the oracle says: possible targets, and whether anything else is possible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Said(BTreeSet<NameTarget>, bool);

impl Said {
    fn one(target: NameTarget) -> Self {
        Self(BTreeSet::from([target]), false)
    }

    fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        Self(self.0, self.1 || other.1)
    }
}

struct Oracle<'s> {
    spec: &'s Spec,
    host: String,
    service: &'s str,
}

impl Oracle<'_> {
    fn asked(&self) -> Said {
        let amazon = || self.amazon(0, false, &[]);
        if self.spec.servers.is_empty() {
            return amazon();
        }
        self.spec.servers.iter().fold(Said::default(), |said, server| {
            said.or(match server {
                Target::System => amazon(),
                Target::Inbound(vpc) => self.amazon(*vpc, true, &[]),
                Target::Outside => self.stranger(amazon(), 0),
            })
        })
    }

    /// A server of which it is not known what it does: it may forward here, ask the public DNS, or know an endpoint elsewhere.
    fn stranger(&self, here: Said, vpc: usize) -> Said {
        let led = !here.1 && here.0.iter().all(|t| matches!(t, NameTarget::Endpoint { .. } | NameTarget::Remote { .. }));
        let mut said = here.or(Said::one(NameTarget::Public));
        if !led && self.spec.joined {
            for (n, e) in self.spec.endpoints.iter().enumerate() {
                if e.vpc != vpc && e.available && TAKEN[e.service].0 == self.service {
                    said.0.insert(self.at(n, None));
                }
            }
        }
        said
    }

    /// An endpoint as `vpc-a` sees it.
    fn at(&self, endpoint: usize, addresses: Option<BTreeSet<IpAddr>>) -> NameTarget {
        let id = self.spec.id(endpoint);
        if self.spec.endpoints[endpoint].vpc == 0 { NameTarget::Endpoint { id, addresses } } else { NameTarget::Remote { id, addresses } }
    }

    fn amazon(&self, vpc: usize, inbound: bool, before: &[(usize, bool)]) -> Said {
        if before.contains(&(vpc, inbound)) {
            return Said(BTreeSet::from([NameTarget::Nothing]), true);
        }
        let trail = [before, &[(vpc, inbound)]].concat();
        if self.spec.attributes[vpc].is_some_and(|(support, _)| !support) {
            return Said::one(NameTarget::Nothing);
        }
        let blocked = self.blocked(vpc, &self.host);
        if blocked && !inbound {
            return Said::one(NameTarget::Nothing);
        }
        let said = self.decide(vpc, inbound, &trail);
        if blocked { said.or(Said::one(NameTarget::Nothing)) } else { said }
    }

    fn blocked(&self, vpc: usize, host: &str) -> bool {
        let mut rules: Vec<(i32, usize, usize, &[usize])> = Vec::new();
        for (_, priority, group) in self.spec.walls.iter().filter(|(v, ..)| *v == vpc) {
            rules.extend(group.iter().enumerate().map(|(i, (action, entries))| (*priority, i, *action, entries.as_slice())));
        }
        rules.sort();
        let hit = |entries: &&[usize]| {
            entries.iter().map(|e| ENTRIES[*e]).any(|entry| match entry.split_once('*') {
                Some((_, tail)) => host.ends_with(tail),
                None => host == entry,
            })
        };
        rules.iter().find(|(.., entries)| hit(entries)).is_some_and(|(_, _, action, _)| *action == 0)
    }

    /// The longest domain among rules, zones and the endpoints' own zones decides; of equal ones the rule, then the endpoint.
    fn decide(&self, vpc: usize, inbound: bool, trail: &[(usize, bool)]) -> Said {
        let rules = self.spec.rules.iter().filter(|(v, domain, _)| *v == vpc && within(&Self::domain(*domain), &self.host));
        let rule = rules.max_by_key(|(_, domain, _)| Self::domain(*domain).len());
        let local = || self.zones_and_endpoints(vpc, inbound, &self.host, 0);
        let longest = self.longest(vpc, inbound, &self.host);
        match rule {
            Some((_, domain, target)) if Self::domain(*domain).len() >= longest => match target {
                Target::System => local(),
                Target::Outside => self.stranger(local(), vpc),
                Target::Inbound(to) => self.amazon(*to, true, trail),
            },
            _ => local(),
        }
    }

    fn domain(n: usize) -> String {
        full(DOMAINS[n]).trim_end_matches('.').to_owned()
    }

    /// Length of the longest zone for a name, of either kind.
    fn longest(&self, vpc: usize, inbound: bool, host: &str) -> usize {
        if self.spec.attributes[vpc].is_some_and(|(_, hostnames)| !hostnames) {
            return 0;
        }
        let zone = self.zone(vpc, host).map_or(0, |z| Self::domain(z.domain).len());
        zone.max(self.taker(vpc, inbound, host).map_or(0, |(length, _)| length))
    }

    fn zone(&self, vpc: usize, host: &str) -> Option<&ZoneSpec> {
        self.spec.zones.iter().filter(|z| z.vpcs[vpc] && within(&Self::domain(z.domain), host)).max_by_key(|z| Self::domain(z.domain).len())
    }

    /// The endpoint that takes the name, and the length of its zone's name.
    fn taker(&self, vpc: usize, inbound: bool, host: &str) -> Option<(usize, usize)> {
        self.spec
            .endpoints
            .iter()
            .enumerate()
            .filter(|(_, e)| e.vpc == vpc && e.private_dns && e.available)
            .filter(|(_, e)| !(e.inbound_only && TAKEN[e.service].0 == "s3") || inbound)
            .flat_map(|(n, e)| TAKEN[e.service].1.iter().map(move |name| (n, full(name))))
            .filter_map(|(n, name)| match name.strip_prefix("*.") {
                Some(parent) => host.strip_suffix(parent).and_then(|l| l.strip_suffix('.')).filter(|l| !l.is_empty() && !l.contains('.')).map(|_| (parent.len(), n)),
                None => (name == host).then_some((name.len(), n)),
            })
            .max()
    }

    fn zones_and_endpoints(&self, vpc: usize, inbound: bool, host: &str, hops: usize) -> Said {
        if hops > 4 {
            return Said(BTreeSet::new(), true);
        }
        if self.spec.attributes[vpc].is_some_and(|(_, hostnames)| !hostnames) {
            return Said::one(NameTarget::Public);
        }
        let zone = self.zone(vpc, host);
        match self.taker(vpc, inbound, host) {
            Some((length, endpoint)) if zone.is_none_or(|z| length >= Self::domain(z.domain).len()) => self.endpoint(endpoint),
            _ => match zone {
                None => Said::one(NameTarget::Public),
                Some(zone) => self.record(vpc, inbound, zone, host, hops),
            },
        }
    }

    fn record(&self, vpc: usize, inbound: bool, zone: &ZoneSpec, host: &str, hops: usize) -> Said {
        let owners: Vec<(String, &Value)> = zone.records.iter().map(|(o, v)| (full(OWNERS[*o]).trim_end_matches('.').to_owned(), v)).collect();
        let exists = |name: &str| name == Self::domain(zone.domain) || owners.iter().any(|(o, _)| within(name, o));
        let mut wanted = host.to_owned();
        if !exists(host) {
            let mut above = host;
            while !exists(above) {
                above = above.split_once('.').unwrap().1;
            }
            wanted = format!("*.{above}");
        }
        match owners.iter().find(|(o, _)| *o == wanted) {
            None => Said::one(NameTarget::Nothing),
            Some((_, value)) => self.value(vpc, inbound, value, hops),
        }
    }

    fn value(&self, vpc: usize, inbound: bool, value: &Value, hops: usize) -> Said {
        match value {
            Value::Text => Said::one(NameTarget::Nothing),
            Value::Endpoint(e) => self.endpoint(*e),
            Value::Redirect(e) => {
                let name = self.spec.own_name(*e);
                if self.blocked(vpc, &name) { Said(BTreeSet::from([NameTarget::Nothing]), inbound) } else { self.endpoint(*e) }
            }
            Value::Name(h) => {
                let name = full(HOSTS[*h].0);
                if self.blocked(vpc, &name) {
                    return Said(BTreeSet::from([NameTarget::Nothing]), inbound);
                }
                let longest = self.longest(vpc, inbound, &name);
                let rules = self.spec.rules.iter().filter(|(v, domain, _)| *v == vpc && within(&Self::domain(*domain), &name));
                let rule = rules.max_by_key(|(_, domain, _)| Self::domain(*domain).len()).filter(|(_, domain, t)| Self::domain(*domain).len() >= longest && !matches!(t, Target::System));
                let Said(mut targets, mut open) = self.zones_and_endpoints(vpc, inbound, &name, hops + 1);
                open |= targets.remove(&NameTarget::Public) || rule.is_some();
                Said(targets, open)
            }
            Value::Addresses(e, bits, stranger) => {
                let listed = self.spec.listed(*e, *bits, *stranger);
                let own: BTreeSet<IpAddr> = self.spec.endpoints.get(*e).map(|_| self.spec.addresses(*e)).unwrap_or_default();
                let nobodys: BTreeSet<IpAddr> = listed.difference(&own).copied().collect();
                if !nobodys.is_empty() {
                    return Said::one(NameTarget::Private(nobodys));
                }
                if TAKEN[self.spec.endpoints[*e].service].0 != self.service {
                    return Said::one(NameTarget::Private(listed));
                }
                Said::one(self.at(*e, (listed != own).then_some(listed)))
            }
        }
    }

    fn endpoint(&self, e: usize) -> Said {
        Said::one(match self.spec.endpoints.get(e) {
            None => NameTarget::Nothing,
            Some(found) if TAKEN[found.service].0 != self.service => NameTarget::Private(self.spec.addresses(e)),
            Some(_) => self.at(e, None),
        })
    }
}

fn differences(spec: &Spec) -> Vec<String> {
    let world = spec.world();
    let mut out = Vec::new();
    for (host, service) in HOSTS {
        let names = world.resolve("vpc-a", &full(host), service, Families::V4);
        let engine = Said(names.answers.iter().map(|a| a.target.clone()).collect(), !names.certain);
        let mut oracle = Oracle { spec, host: full(host), service }.asked();
        if oracle.0.is_empty() {
            oracle.0.insert(NameTarget::Private(BTreeSet::new()));
        }
        if engine != oracle {
            out.push(format!("{host}: engine {engine:?}, oracle {oracle:?}"));
        }
        if (names.answers.len() > 1 || !names.certain) && names.unseen.is_empty() && world.region.dhcp_options.len() == 1 {
            out.push(format!("{host}: several answers, and nothing named that was not seen: {engine:?}"));
        }
    }
    out
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn the_engine_agrees_with_the_oracle(spec in specs()) {
        let found = differences(&spec);
        prop_assert!(found.is_empty(), "{}\n{:#?}", found.join("\n"), spec);
    }
}
