//! Paths: for each placement and each service that it needs, the way, the verdict, and the hop at which it stops.
//!
//! Names come first: a hostname resolves to a set of possible answers, each answer is one way, and each way is judged hop by
//! hop, past the first block. The path passes if every possible answer passes and fails if every one fails.

mod combine;
mod endpoint;
pub mod fips;
mod leg;
mod ownership;
mod policy;
mod public;
mod remote;
mod single;
mod source;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::dns::{self, Families, NameAnswer, NameTarget, Names};
use super::net::IpSet;
use super::{Decision, HopName, Level, Need, Owner, Path, Placement, Tri, Unseen, View, Way, image, services};
use crate::actions::Action;
use crate::finding::Severity;
use crate::inventory::ec2::VpcEndpoint;
use combine::{combine, with_causes};
use leg::Leg;
use source::Source;

pub use endpoint::hop_name;
pub use ownership::TRIO;
pub use single::{Destination, ask};

/// The public addresses of a gateway service such as S3 in this region, as far as they were seen.
#[must_use]
pub fn service_ranges(view: &View<'_>, service: &str) -> Option<IpSet> {
    public::service_ranges(view, service).0
}

/// All paths of the region, sorted by placement and service.
#[must_use]
pub fn paths(view: &View<'_>) -> Vec<Path> {
    let engine = Engine::new(view);
    let mut paths = Vec::new();
    for (p, placement) in view.placements.iter().enumerate() {
        let source = Source::new(view, placement);
        for (n, need) in placement.needs.iter().enumerate() {
            let leg = engine.need(&source, need);
            paths.push(finish(p, n, leg));
        }
    }
    paths
}

fn finish(placement: usize, need: usize, leg: Leg) -> Path {
    let verdict = leg.verdict();
    let mut hops = leg.hops.clone();
    if verdict == Tri::Unknown {
        hops.retain(|h| h.verdict != Tri::Fail);
    }
    Path { placement, need, way: leg.way, verdict, blocked_at: if verdict == Tri::Fail { leg.blocked_at() } else { None }, hops, causes: leg.causes, passed: leg.passed, unjudged: leg.unjudged }
}

/// Endpoints of one service in one VPC, by what can be said of their state.
#[derive(Debug, Default)]
pub struct Candidates<'v> {
    /// Interface endpoints in state `available`.
    pub interfaces: Vec<&'v VpcEndpoint>,
    /// Gateway endpoints in state `available`.
    pub gateways: Vec<&'v VpcEndpoint>,
    /// Endpoints in a state in which they do not work.
    pub unusable: Vec<&'v VpcEndpoint>,
    /// Endpoints in a state that is not known.
    pub unrecognised: Vec<&'v VpcEndpoint>,
}

impl<'v> Candidates<'v> {
    /// The endpoints of `service` of this region in `vpc`.
    #[must_use]
    pub fn of(view: &'v View<'_>, vpc: &str, service: &str) -> Self {
        let mut found = Self::default();
        for endpoint in view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().copied() {
            let name = endpoint.service_name.as_deref().unwrap_or_default();
            if services::short_name(name) != Some(service) || endpoint_region(endpoint).is_some_and(|r| r != view.region.region) {
                continue;
            }
            match State::of(endpoint) {
                State::Usable if endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("gateway")) => found.gateways.push(endpoint),
                State::Usable => found.interfaces.push(endpoint),
                State::Unusable => found.unusable.push(endpoint),
                State::Unrecognised => found.unrecognised.push(endpoint),
            }
        }
        found
    }

    /// Whether any works.
    #[must_use]
    pub fn usable(&self) -> bool {
        !self.interfaces.is_empty() || !self.gateways.is_empty()
    }
}

/// The region whose service an endpoint is for: named, or part of the service's name.
#[must_use]
pub fn endpoint_region(endpoint: &VpcEndpoint) -> Option<&str> {
    endpoint.service_region.as_deref().or_else(|| services::parse(endpoint.service_name.as_deref()?)?.region)
}

/// What the state of an endpoint means. On the wire states are lower camel case, in the model Pascal case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// `available`, and `partial`, in which some interfaces serve.
    Usable,
    /// Known, and of no use.
    Unusable,
    /// Not among the documented ones, or absent.
    Unrecognised,
}

impl State {
    /// Of an endpoint. An interface endpoint without any interface serves nobody.
    #[must_use]
    pub fn of(endpoint: &VpcEndpoint) -> Self {
        let state = endpoint.state.as_deref().unwrap_or_default().to_ascii_lowercase();
        let interface = endpoint.vpc_endpoint_type.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("interface"));
        match state.as_str() {
            "available" | "partial" if interface && endpoint.network_interface_ids.is_empty() => Self::Unusable,
            "available" | "partial" => Self::Usable,
            "pendingacceptance" | "pending" | "deleting" | "deleted" | "rejected" | "failed" | "expired" => Self::Unusable,
            _ => Self::Unrecognised,
        }
    }
}

/// What was worked out once, by VPC and what else it depends on.
type Memo<K, V> = RefCell<HashMap<K, Rc<V>>>;

struct Engine<'v> {
    view: &'v View<'v>,
    resolver: dns::Resolver<'v>,
    names: Memo<(String, String, String, Families), Names>,
    candidates: Memo<(String, String), Candidates<'v>>,
    policies: policy::Policies,
}

impl<'v> Engine<'v> {
    fn new(view: &'v View<'v>) -> Self {
        Self { view, resolver: dns::Resolver::new(view), names: RefCell::default(), candidates: RefCell::default(), policies: policy::Policies::default() }
    }

    fn resolve(&self, vpc: &str, host: &str, service: &str, consumer: Families) -> Rc<Names> {
        let key = (vpc.to_owned(), host.to_owned(), service.to_owned(), consumer);
        if let Some(names) = self.names.borrow().get(&key) {
            return Rc::clone(names);
        }
        let names = Rc::new(self.resolver.resolve(vpc, host, service, consumer));
        self.names.borrow_mut().insert(key, Rc::clone(&names));
        names
    }

    fn candidates(&self, vpc: &str, service: &str) -> Rc<Candidates<'v>> {
        let key = (vpc.to_owned(), service.to_owned());
        if let Some(found) = self.candidates.borrow().get(&key) {
            return Rc::clone(found);
        }
        let found = Rc::new(Candidates::of(self.view, vpc, service));
        self.candidates.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// One need of a placement: the worst of its hostnames.
    fn need(&self, source: &Source<'_>, need: &Need) -> Leg {
        let first_rule = need.owners.first().map_or("EP13", |(o, _)| if let Owner::Rule(r) = o { r } else { "WL01" });
        let severity = need.owners.iter().map(|(_, s)| *s).max().unwrap_or(Severity::High);
        let Some(vpc) = source.vpc else {
            let unseen = BTreeSet::from([source.placement.place_unseen.clone().unwrap_or(Unseen::Action(Action::DescribeSubnets))]);
            return public::not_seen(first_rule, severity, source.subnet_id.unwrap_or("the subnet"), HopName::Route, "the subnet and VPC of the workload were not seen", unseen);
        };
        if !need.unsure.is_empty() {
            let detail = format!("whether {} is needed was not seen", need.service);
            return public::not_seen(first_rule, severity, vpc, HopName::Endpoint, &detail, need.unsure.clone());
        }
        let leg = self
            .worst(source, need, vpc, &need.hosts)
            .unwrap_or_else(|| public::not_seen(first_rule, severity, vpc, HopName::Dns, "no hostname is known", BTreeSet::from([Unseen::Datum(format!("the hostname of {}", need.service))])));
        let mut leg = self.in_fips_mode(source, need, vpc, leg);
        if need.service == "ecr.dkr" {
            leg.passed.insert("WL01"); // An image that an endpoint could serve.
        }
        if self.has_endpoint(vpc, need) || matches!(leg.way, Way::RemoteEndpoint | Way::InterfaceEndpoint | Way::GatewayEndpoint) {
            leg.passed.extend(need.owners.iter().chain(&need.also).filter_map(|(o, _)| if let Owner::Rule(r) = o { Some(*r) } else { None }));
            leg.passed.insert("EP02");
        } else if let Some(unseen) = self.resolver.endpoints_unseen(vpc) {
            // Whatever blocks the path already, an endpoint may be there.
            leg.unjudged.insert(unseen);
        }
        leg
    }

    /// The worst of several hostnames, with what is wrong with any; `None` without any.
    fn worst(&self, source: &Source<'_>, need: &Need, vpc: &str, hosts: &BTreeSet<String>) -> Option<Leg> {
        let mut worst: Option<Leg> = None;
        let mut passed = BTreeSet::new();
        for host in hosts {
            let leg = self.host(source, need, vpc, host);
            passed.extend(leg.passed.iter().copied());
            worst = match worst {
                None => Some(leg),
                Some(old) if leg.verdict() > old.verdict() => Some(with_causes(leg, old)),
                Some(old) => Some(with_causes(old, leg)),
            };
        }
        worst.map(|leg| Leg { passed, ..leg })
    }

    fn host(&self, source: &Source<'_>, need: &Need, vpc: &str, host: &str) -> Leg {
        if let Some(registry) = need.service.strip_prefix("registry:") {
            return self.registry(source, need, vpc, registry);
        }
        let names = self.resolve(vpc, host, if need.region.is_some() { "" } else { &need.service }, source.families());
        let legs: Vec<Leg> = names.answers.iter().map(|answer| self.answer(source, need, vpc, host, answer)).collect();
        combine(legs, &names, vpc, need, &self.candidates(vpc, &need.service))
    }

    /// One endpoint by its id, without its name.
    fn endpoint(&self, source: &Source<'_>, need: &Need, id: &str) -> Leg {
        let view = self.view;
        let Some(endpoint) = view.index.endpoints.get(id).copied() else {
            return public::not_seen("EP02", Severity::Critical, id, HopName::Endpoint, &format!("{id} was not seen"), BTreeSet::from([Unseen::Action(Action::DescribeVpcEndpoints)]));
        };
        let state = endpoint.state.as_deref().unwrap_or("absent");
        match State::of(endpoint) {
            State::Usable => {}
            State::Unusable => return public::no_way(HopName::Endpoint, Some(id), format!("{id} is {state}")),
            State::Unrecognised => return unrecognised(need, endpoint, source.vpc.unwrap_or_default()),
        }
        let gateway = endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("gateway"));
        let mut leg = if gateway {
            let service = endpoint.service_name.as_deref().and_then(services::short_name).unwrap_or_default();
            if endpoint.vpc_id.as_deref() != source.vpc {
                return public::no_way(HopName::Route, Some(id), format!("{id} is a gateway endpoint, which serves its own VPC alone"));
            }
            match public::gateway(view, source, &[endpoint], service, need.port) {
                public::Gateway::Routed(_, leg) => leg,
                public::Gateway::NotRouted(_, table, decision) => return public::no_way(HopName::Route, table.as_deref(), decision.detail),
                public::Gateway::Unseen(_, decision) => return public::not_seen("NW07", Severity::Critical, id, HopName::Route, &decision.detail, decision.unseen),
                public::Gateway::None => return public::no_way(HopName::Endpoint, Some(id), format!("{id} is no gateway endpoint")),
            }
        } else {
            endpoint::leg(view, source, endpoint, Families::BOTH, None, need.port)
        };
        leg.hop(HopName::Endpoint, &Decision::pass(Some(id), format!("{id} is {state}")));
        self.policies.hop(view, source, endpoint, need, &mut leg);
        leg.hops.sort_by_key(|h| h.hop);
        leg
    }

    /// One possible answer of a name.
    fn answer(&self, source: &Source<'_>, need: &Need, vpc: &str, host: &str, answer: &NameAnswer) -> Leg {
        let view = self.view;
        let name_hop = Decision::pass(answer.object.as_deref(), answer.detail.clone());
        match &answer.target {
            NameTarget::Endpoint { id, addresses } | NameTarget::Remote { id, addresses } => {
                let Some(endpoint) = view.index.endpoints.get(id.as_str()).copied() else {
                    let unseen = BTreeSet::from([Unseen::Action(Action::DescribeVpcEndpoints)]);
                    return public::not_seen("DN07", Severity::Critical, id, HopName::Dns, &format!("{host} leads to {id}, which was not seen"), unseen);
                };
                match State::of(endpoint) {
                    State::Usable => {}
                    State::Unusable => return unusable(endpoint, vpc, host, answer),
                    State::Unrecognised => return unrecognised(need, endpoint, vpc),
                }
                if let Some(leg) = other_family(view, source, endpoint, host, answer) {
                    return leg;
                }
                let mut leg = endpoint::leg(view, source, endpoint, answer.records, addresses.as_ref(), need.port);
                let state = endpoint.state.clone().unwrap_or_default();
                leg.hop(HopName::Endpoint, &Decision::pass(Some(id), format!("{id} is {state}")));
                if !leg.hops.iter().any(|h| h.hop == HopName::Dns) {
                    leg.hop(HopName::Dns, &name_hop);
                }
                self.policies.hop(view, source, endpoint, need, &mut leg);
                leg.hops.sort_by_key(|h| h.hop);
                self.by_name(answer, &mut leg);
                if endpoint.vpc_id.as_deref() == Some(vpc) && answer.cause.is_none() {
                    leg.passed.extend(["DN01", "DN03"]);
                } else if answer.cause.is_none() {
                    leg.passed.insert("DN07");
                }
                if let (Some(listed), Some(zone)) = (addresses, answer.object.as_deref())
                    && listed.len() < endpoint.network_interface_ids.len()
                {
                    let detail = format!("the record for {host} leads to {} of the {} interfaces of {id}", listed.len(), endpoint.network_interface_ids.len());
                    public::blame(&mut leg, "DN07", Severity::Medium, zone, detail, answer.evidence.clone());
                }
                if need.service == "s3" && self.candidates(vpc, "s3").gateways.is_empty() && leg.way == Way::InterfaceEndpoint && leg.verdict() == Tri::Pass {
                    let detail = format!("S3 is reached through the interface endpoint {id} alone; older AWS pages say that ECR's layers need a gateway endpoint");
                    public::blame(&mut leg, "EP06", Severity::Medium, vpc, detail, Vec::new());
                }
                leg
            }
            NameTarget::Public => self.public(source, need, vpc, host, answer),
            NameTarget::Private(addresses) => self.private(source, need, vpc, host, answer, addresses),
            NameTarget::Nothing => {
                // Where there is no endpoint to be found, and no other way, the name is not what is wrong.
                let mut undecided = BTreeSet::new();
                if answer.cause.as_ref().is_none_or(|c| matches!(c.rule, "DN05" | "DN08")) {
                    match self.no_endpoint(source, need, vpc) {
                        Ok(leg) => return leg,
                        Err(unseen) => undecided = unseen,
                    }
                }
                let mut leg = public::no_way(HopName::Dns, answer.object.as_deref(), answer.detail.clone());
                leg.unjudged = undecided;
                match &answer.cause {
                    Some(cause) => public::blame(&mut leg, cause.rule, ownership::severity_of_name_rule(cause.rule), &cause.object, cause.detail.clone(), answer.evidence.clone()),
                    None => public::blame(&mut leg, "DN08", Severity::High, vpc, answer.detail.clone(), answer.evidence.clone()),
                }
                leg
            }
        }
    }

    /// Whether there is an endpoint of the service that may work, here or where a name could lead to.
    fn knows_endpoint(&self, vpc: &str, need: &Need) -> bool {
        let candidates = self.candidates(vpc, &need.service);
        let works = |id: &String| self.view.index.endpoints.get(id.as_str()).is_none_or(|e| State::of(e) != State::Unusable);
        candidates.usable() || !candidates.unrecognised.is_empty() || self.resolver.known_endpoints(vpc, &need.service).iter().any(works)
    }

    /// Whether an endpoint of the service that works is known, here or where a name leads to.
    fn has_endpoint(&self, vpc: &str, need: &Need) -> bool {
        let works = |id: &String| self.view.index.endpoints.get(id.as_str()).is_some_and(|e| State::of(e) == State::Usable);
        self.candidates(vpc, &need.service).usable() || need.region.is_none() && self.resolver.known_endpoints(vpc, &need.service).iter().any(works)
    }

    /// Endpoints of the service, here or where a name could lead to, in a state in which they do not work.
    fn unusable(&self, vpc: &str, need: &Need) -> Vec<String> {
        let known = self.resolver.known_endpoints(vpc, &need.service);
        let dead = known.iter().filter_map(|id| self.view.index.endpoints.get(id.as_str())).filter(|e| State::of(e) == State::Unusable);
        let all: BTreeSet<&str> = self.candidates(vpc, &need.service).unusable.iter().copied().chain(dead.copied()).map(|e| e.vpc_endpoint_id.as_str()).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    /// The way of a service that has no endpoint at all and cannot be reached over the internet either. Else what was not
    /// seen of whether that is so.
    fn no_endpoint(&self, source: &Source<'_>, need: &Need, vpc: &str) -> Result<Leg, BTreeSet<Unseen>> {
        if need.region.is_some() || self.knows_endpoint(vpc, need) {
            return Err(BTreeSet::new());
        }
        if let Some(unseen) = self.resolver.endpoints_unseen(vpc) {
            return Err(BTreeSet::from([unseen]));
        }
        let unusable = self.unusable(vpc, need);
        let (_, exit) = public::internet(self.view, source, source.family(), &need.service, need.port);
        let level = ownership::level(self.view, &exit);
        if level != Some(Level::Hard) {
            return Err(exit.decision.unseen);
        }
        let mut leg = public::no_way(HopName::Endpoint, None, format!("no endpoint of {}, and {}", need.service, exit.decision.detail));
        ownership::missing(source, need, &exit, level, &unusable, self.trio_in_part(vpc), &mut leg);
        Ok(leg)
    }

    /// A cause that a name has although it leads to an endpoint: a mixed set of resolvers, for one.
    fn by_name(&self, answer: &NameAnswer, leg: &mut Leg) {
        if let Some(cause) = &answer.cause {
            let severity = if leg.verdict() == Tri::Fail { ownership::severity_of_name_rule(cause.rule) } else { Severity::Medium };
            public::blame(leg, cause.rule, severity, &cause.object, cause.detail.clone(), answer.evidence.clone());
        }
    }

    /// The public address: a gateway endpoint, the internet, or nothing.
    fn public(&self, source: &Source<'_>, need: &Need, vpc: &str, host: &str, answer: &NameAnswer) -> Leg {
        let view = self.view;
        let candidates = self.candidates(vpc, &need.service);
        let foreign = need.region.is_some();
        let mut not_routed = None;
        if !foreign {
            match public::gateway(view, source, &candidates.gateways, &need.service, need.port) {
                public::Gateway::None => {}
                public::Gateway::Routed(endpoint, mut leg) => {
                    if source.family() == super::Family::V6 {
                        leg = gateway_of_family(endpoint);
                    }
                    leg.hop(HopName::Endpoint, &Decision::pass(Some(&endpoint.vpc_endpoint_id), format!("{} is available", endpoint.vpc_endpoint_id)));
                    leg.hop(HopName::Dns, &Decision::pass(answer.object.as_deref(), answer.detail.clone()));
                    self.policies.hop(view, source, endpoint, need, &mut leg);
                    leg.hops.sort_by_key(|h| h.hop);
                    return leg;
                }
                public::Gateway::NotRouted(endpoint, table, decision) => not_routed = Some((endpoint, table, decision)),
                public::Gateway::Unseen(endpoint, decision) => {
                    return public::not_seen("NW07", Severity::Critical, &endpoint.vpc_endpoint_id, HopName::Route, &decision.detail, decision.unseen);
                }
            }
            if !candidates.unrecognised.is_empty()
                && let Some(endpoint) = candidates.unrecognised.first()
            {
                return unrecognised(need, endpoint, vpc);
            }
        }
        if !foreign
            && candidates.gateways.is_empty()
            && matches!(need.service.as_str(), "s3" | "dynamodb")
            && let Some(unseen) = self.resolver.endpoints_unseen(vpc)
        {
            let (rule, severity) = need.owners.iter().find_map(|(o, s)| if let Owner::Rule(r) = o { Some((*r, *s)) } else { None }).unwrap_or(("EP06", Severity::Critical));
            let detail = format!("whether {vpc} has a gateway endpoint of {} was not seen", need.service);
            return public::not_seen(rule, severity, vpc, HopName::Endpoint, &detail, BTreeSet::from([unseen]));
        }
        // Classic hostnames have IPv4 addresses alone: `::/0` never helps them.
        let family = if answer.records.v6 { source.family() } else { super::Family::V4 };
        let (mut leg, exit) = if source.family() == super::Family::V6 && family == super::Family::V4 {
            public::by_nat64(view, source, need.port)
        } else {
            public::internet(view, source, family, if foreign { "" } else { &need.service }, need.port)
        };
        let level = ownership::level(view, &exit);
        leg.hop(HopName::Dns, &Decision::pass(answer.object.as_deref(), answer.detail.clone()));
        leg.hops.sort_by_key(|h| h.hop);
        let unusable = if foreign { Vec::new() } else { self.unusable(vpc, need) };
        // Attributes, servers and rules take a name away from an endpoint only where there is one.
        let taken = answer.cause.as_ref().is_some_and(|c| match c.rule {
            "DN02" | "DN04" | "DN05" | "DN08" => self.knows_endpoint(vpc, need) || self.resolver.endpoints_unseen(vpc).is_some(),
            _ => true,
        });
        let selectable = !foreign && (!candidates.interfaces.is_empty() || taken);
        match level {
            Some(Level::Soft) => {}
            Some(Level::Hard) => {
                leg = if let Some((_, table, decision)) = &not_routed {
                    public::no_way(HopName::Route, table.as_deref(), decision.detail.clone())
                } else if selectable {
                    let mut leg = public::no_way(HopName::Dns, answer.object.as_deref(), format!("{}; the public address is not reachable: {}", answer.detail, exit.decision.detail));
                    leg.way = Way::InterfaceEndpoint;
                    leg
                } else {
                    public::no_way(HopName::Endpoint, None, format!("no endpoint of {}, and {}", need.service, exit.decision.detail))
                };
            }
            Some(Level::Undecided) | None => leg.way = Way::Unknown,
        }
        if let Some((endpoint, table, decision)) = not_routed {
            let object = table.unwrap_or_else(|| endpoint.vpc_endpoint_id.clone());
            ownership::not_selected("NW07", &object, &decision.detail, decision.evidence, level, &mut leg);
        } else if selectable {
            let (rule, object, detail) = match &answer.cause {
                Some(cause) => (cause.rule, cause.object.clone(), cause.detail.clone()),
                None if need.service == "s3" => ("EP06", vpc.to_owned(), format!("the S3 interface endpoint has no name that {host} leads to")),
                None => ("DN01", candidates.interfaces.first().map(|e| e.vpc_endpoint_id.clone()).unwrap_or_default(), format!("{host} does not lead to the endpoint")),
            };
            ownership::not_selected(rule, &object, &detail, answer.evidence.clone(), level, &mut leg);
        } else {
            ownership::missing(source, need, &exit, level, &unusable, self.trio_in_part(vpc), &mut leg);
            ownership::not_offered(view.region, need, &mut leg);
        }
        if matches!(level, Some(Level::Undecided) | None) && leg.verdict() != Tri::Fail && !leg.causes.iter().any(|c| c.verdict == Tri::Unknown) {
            leg.cause(leg::unknown("NW06", Severity::Critical, exit.decision.object.as_deref().unwrap_or(vpc), exit.decision.detail.clone(), exit.decision.unseen.clone()));
        }
        leg
    }

    /// A private address that belongs to no endpoint that was seen.
    fn private(&self, source: &Source<'_>, need: &Need, vpc: &str, host: &str, answer: &NameAnswer, addresses: &BTreeSet<std::net::IpAddr>) -> Leg {
        let listed: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let cause = answer.cause.as_ref();
        let rule = cause.map_or("DN07", |c| c.rule);
        let object = cause.map(|c| c.object.clone()).or_else(|| answer.object.clone()).unwrap_or_else(|| vpc.to_owned());
        let detail = format!("{host} leads to {}, which is no endpoint of {} that was seen", listed.join(", "), need.service);
        // An answer with a cause is wrong for certain; without one somebody unseen may have the address.
        if cause.is_some() {
            let mut leg = public::no_way(HopName::Dns, answer.object.as_deref(), detail.clone());
            leg.way = Way::Local;
            public::blame(&mut leg, rule, ownership::severity_of_name_rule(rule), &object, cause.map_or(detail, |c| c.detail.clone()), answer.evidence.clone());
            return leg;
        }
        let _ = source;
        public::not_seen(rule, ownership::severity_of_name_rule(rule), &object, HopName::Dns, &detail, BTreeSet::from([Unseen::Datum(format!("what answers at {}", listed.join(", ")))]))
    }

    /// A registry that is no ECR endpoint.
    fn registry(&self, source: &Source<'_>, need: &Need, vpc: &str, registry: &str) -> Leg {
        if !image::is_public_registry(registry) {
            let detail = format!("{registry} may be a private registry, of which nothing was seen");
            let objects = if need.definitions.is_empty() { vec![vpc.to_owned()] } else { need.definitions.keys().cloned().collect() };
            let unseen = BTreeSet::from([Unseen::Datum(format!("where {registry} is"))]);
            let mut leg = public::not_seen("WL01", Severity::Info, objects.first().map_or(vpc, String::as_str), HopName::Route, &detail, unseen.clone());
            for object in objects.iter().skip(1) {
                leg.cause(leg::unknown("WL01", Severity::Info, object, detail.clone(), unseen.clone()));
            }
            return leg;
        }
        let (mut leg, exit) = public::internet(self.view, source, source.family(), "", need.port);
        let level = ownership::level(self.view, &exit);
        let names = self.resolve(vpc, registry, "", source.families());
        if names.answers.iter().all(|a| a.target == NameTarget::Nothing) {
            let answer = names.answers.first();
            let mut leg = public::no_way(HopName::Dns, answer.and_then(|a| a.object.as_deref()), answer.map(|a| a.detail.clone()).unwrap_or_default());
            if let Some(cause) = answer.and_then(|a| a.cause.as_ref()) {
                public::blame(&mut leg, cause.rule, ownership::severity_of_name_rule(cause.rule), &cause.object, cause.detail.clone(), Vec::new());
            }
            return leg;
        }
        match level {
            Some(Level::Soft) => {
                leg.hop(HopName::Dns, &Decision::pass(None, "a public name"));
                leg.hops.sort_by_key(|h| h.hop);
            }
            Some(Level::Hard) => leg = public::no_way(HopName::Route, exit.decision.object.as_deref(), format!("{registry} is reached over the internet alone, and {}", exit.decision.detail)),
            Some(Level::Undecided) | None => leg.way = Way::Unknown,
        }
        ownership::missing(source, need, &exit, level, &[], false, &mut leg);
        leg
    }

    /// Whether some but not all of the agent's three endpoints can be used from a VPC.
    fn trio_in_part(&self, vpc: &str) -> bool {
        let there = TRIO.iter().filter(|service| {
            self.candidates(vpc, service).usable()
                || services::hostnames(&self.view.region.region, service)
                    .iter()
                    .any(|host| self.resolve(vpc, host, service, Families::BOTH).answers.iter().any(|a| matches!(a.target, NameTarget::Remote { .. })))
        });
        matches!(there.count(), 1 | 2)
    }
}

/// An endpoint that a name leads to and that answers nobody. Private DNS is the endpoint's own, and there is no other way; a zone
/// leads to the wrong place.
fn unusable(endpoint: &VpcEndpoint, vpc: &str, host: &str, answer: &NameAnswer) -> Leg {
    let id = endpoint.vpc_endpoint_id.as_str();
    let state = endpoint.state.as_deref().unwrap_or("unknown");
    let bare = endpoint.network_interface_ids.is_empty() && state.eq_ignore_ascii_case("available");
    let (field, value) = if bare { ("NetworkInterfaceIds", "none") } else { ("State", state) };
    let detail = format!("{host} leads to {id}, which {}", if bare { "has no network interface".to_owned() } else { format!("is {state}") });
    let own = answer.object.as_deref() == Some(id);
    let mut leg = public::no_way(if own { HopName::Endpoint } else { HopName::Dns }, Some(id), detail.clone());
    if !own {
        leg.way = if endpoint.vpc_id.as_deref() == Some(vpc) { Way::InterfaceEndpoint } else { Way::RemoteEndpoint };
    }
    let evidence = vec![crate::finding::Evidence::new(Action::DescribeVpcEndpoints, field, value, "not usable")];
    public::blame(&mut leg, "EP02", Severity::Critical, id, detail, evidence);
    leg
}

/// A zone that captures a name without a record of any family that workload and endpoint share: nothing else answers for it.
fn other_family(view: &View<'_>, source: &Source<'_>, endpoint: &VpcEndpoint, host: &str, answer: &NameAnswer) -> Option<Leg> {
    let family = endpoint::common_family(source, endpoint, Families::BOTH)?;
    if endpoint::common_family(source, endpoint, answer.records).is_some() || family == super::Family::V6 && public::has_nat64(view, source) {
        return None;
    }
    let kind = if family == super::Family::V4 { "A" } else { "AAAA" };
    let object = answer.object.as_deref().unwrap_or(&endpoint.vpc_endpoint_id);
    let detail = format!("{host} has no {kind} record in {object}, and {} asks for one", source.subnet_id.unwrap_or("the subnet"));
    let mut leg = public::no_way(HopName::Dns, Some(object), detail.clone());
    leg.way = if endpoint.vpc_id.as_deref() == source.vpc { Way::InterfaceEndpoint } else { Way::RemoteEndpoint };
    public::blame(&mut leg, "DN07", Severity::Critical, object, detail, answer.evidence.clone());
    Some(leg)
}

/// A gateway endpoint for a subnet that has IPv6 alone: the type of the endpoint decides, and what no field tells is not known.
fn gateway_of_family(endpoint: &VpcEndpoint) -> Leg {
    let id = endpoint.vpc_endpoint_id.as_str();
    let mut leg = Leg::new(Way::GatewayEndpoint);
    match endpoint.ip_address_type.as_deref() {
        Some(kind) if kind.eq_ignore_ascii_case("ipv4") => {
            let detail = format!("{id} carries IPv4 alone, and the subnet has IPv6 alone");
            leg.hop(HopName::Dns, &Decision::fail(Some(id), detail.clone()));
            let evidence = vec![crate::finding::Evidence::new(Action::DescribeVpcEndpoints, "IpAddressType", kind, "address families of the endpoint")];
            public::blame(&mut leg, "V601", Severity::High, id, detail, evidence);
        }
        _ => {
            let unseen = Unseen::Elsewhere(format!("whether names and routes of {id} carry IPv6"));
            let detail = format!("whether {id} serves a subnet with IPv6 alone was not seen");
            leg.hop(HopName::Route, &Decision::unknown(Some(id), detail.clone(), unseen.clone()));
            leg.cause(leg::unknown("V601", Severity::High, id, detail, BTreeSet::from([unseen])));
        }
    }
    leg
}

fn unrecognised(need: &Need, endpoint: &VpcEndpoint, vpc: &str) -> Leg {
    let state = endpoint.state.as_deref().unwrap_or("absent");
    let detail = format!("{} is in state `{state}`, which is not known", endpoint.vpc_endpoint_id);
    let unseen = BTreeSet::from([Unseen::Elsewhere(format!("what the state `{state}` of {} means", endpoint.vpc_endpoint_id))]);
    let mut owners = need.owners.iter().filter_map(|(o, s)| if let Owner::Rule(r) = o { Some((*r, *s)) } else { None });
    let (rule, severity) = owners.next().unwrap_or(("EP02", Severity::Critical));
    let mut leg = public::not_seen(rule, severity, vpc, HopName::Endpoint, &detail, unseen.clone());
    leg.cause(leg::unknown("EP02", Severity::Critical, &endpoint.vpc_endpoint_id, detail, unseen));
    // It was seen, and what its state means is the presence rules' to say.
    leg.unjudged.clear();
    leg
}

/// The need of a path.
#[must_use]
pub fn need_of<'v>(view: &'v View<'_>, path: &Path) -> Option<(&'v Placement, &'v Need)> {
    let placement = view.placements.get(path.placement)?;
    Some((placement, placement.needs.get(path.need)?))
}
