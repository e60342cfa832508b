//! What the zones, rules and endpoints of a VPC show by themselves, beside the answers: for the DNS rules.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoints::{Usable, is_interface, of_service, private_dns, short_of, usable};
use super::name;
use super::resolver::Resolver;
use super::zones::{Zone, ZoneRecords};
use crate::analysis::{Unseen, View, services};

/// A private zone named after an endpoint service, and not after the names that the service answers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WrongZone {
    /// Zone id.
    pub zone: String,
    /// Its name, such as `ecr.api.us-east-2.amazonaws.com`.
    pub name: String,
    /// Short name of the service that it was meant for.
    pub service: String,
    /// The zones that it should have been.
    pub right: Vec<String>,
    /// Endpoints of the service that its records lead to.
    pub endpoints: BTreeSet<String>,
}

/// A private zone for the numbered hosts of the ECS agent (`ecs-a-1`, `ecs-t-2`), which no endpoint serves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberedZone {
    /// Zone id.
    pub zone: String,
    /// Name of the zone.
    pub name: String,
    /// The numbered host: the zone itself, or a record of it.
    pub host: String,
}

/// Several interface endpoints of one service in one VPC, of which at most one can have private DNS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duplicate {
    /// Short name of the service.
    pub service: String,
    /// Endpoints with private DNS.
    pub selected: Vec<String>,
    /// Endpoints without.
    pub others: Vec<String>,
}

/// Private zones that `vpc` uses and that are named after a service in place of its hosts, sorted.
#[must_use]
pub fn wrongly_named_zones(view: &View<'_>, vpc: &str) -> Vec<WrongZone> {
    Resolver::new(view).wrongly_named_zones(vpc)
}

/// Private zones that `vpc` uses and that hold numbered hosts of the ECS agent, sorted.
#[must_use]
pub fn numbered_zones(view: &View<'_>, vpc: &str) -> Vec<NumberedZone> {
    Resolver::new(view).numbered_zones(vpc)
}

/// Services of which `vpc` has several usable interface endpoints, sorted.
#[must_use]
pub fn duplicates(view: &View<'_>, vpc: &str) -> Vec<Duplicate> {
    let mut by_service: BTreeMap<&str, Duplicate> = BTreeMap::new();
    for endpoint in view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().filter(|e| is_interface(e) && usable(e) == Usable::Yes) {
        let Some(service) = short_of(view, endpoint) else { continue };
        let entry = by_service.entry(service).or_insert_with(|| Duplicate { service: service.to_owned(), selected: Vec::new(), others: Vec::new() });
        let side = if private_dns(endpoint) == Some(true) { &mut entry.selected } else { &mut entry.others };
        side.push(endpoint.vpc_endpoint_id.clone());
    }
    by_service.into_values().filter(|d| d.selected.len() + d.others.len() > 1).collect()
}

/// The DNS servers of one's own that `vpc` hands out beside Amazon's resolver, inbound Resolver endpoints left out; empty where
/// it does not hand out both.
#[must_use]
pub fn servers_beside_amazons(view: &View<'_>, vpc: &str) -> Vec<String> {
    let servers = super::dhcp::servers(view, vpc);
    let resolver = Resolver::new(view);
    let inbound = |server: &str| server.parse().is_ok_and(|a| !resolver.inbound_at(vpc, a).is_empty());
    if servers.amazon && servers.unseen.is_none() { servers.own.into_iter().filter(|s| !inbound(s)).collect() } else { Vec::new() }
}

/// Interface endpoints of `service` that `vpc` has, or that a zone, a Resolver rule or the DNS servers of `vpc` can lead to, in
/// any state, sorted. An endpoint of another VPC that no name leads to is none.
#[must_use]
pub fn known_endpoints(view: &View<'_>, vpc: &str, service: &str) -> BTreeSet<String> {
    Resolver::new(view).known_endpoints(vpc, service)
}

/// Why the zones of `vpc` may hold more for names of AWS than was seen: its listing, or the records of zones above such names.
#[must_use]
pub fn zones_unseen(view: &View<'_>, vpc: &str) -> BTreeSet<Unseen> {
    let resolver = Resolver::new(view);
    let region = services::suffix_of(&view.region.region);
    let unreadable = resolver.zones_of_vpc.get(vpc).into_iter().flatten().filter(|z| name::covers(&z.name, &region) || name::covers(&region, &z.name)).filter_map(|z| resolver.records(z).err());
    unreadable.chain(resolver.zones_unseen(vpc)).collect()
}

/// Domain lists that AWS manages and that a BLOCK rule of DNS Firewall in use by `vpc` names, sorted.
#[must_use]
pub fn managed_block_lists(view: &View<'_>, vpc: &str) -> BTreeSet<String> {
    let resolver = Resolver::new(view);
    let groups = resolver.firewall_of_vpc.get(vpc).into_iter().flatten().filter_map(|a| a.firewall_rule_group_id.as_deref());
    let rules = groups.filter_map(|g| view.region.firewall_rules.get(g)?.output()).flat_map(|r| &r.firewall_rules);
    let blocking = rules.filter(|r| r.action.as_deref().is_some_and(|a| a.eq_ignore_ascii_case("BLOCK")));
    blocking.filter_map(|r| r.firewall_domain_list_id.as_deref()).filter(|l| resolver.managed_lists.contains(l)).map(str::to_owned).collect()
}

impl<'v> Resolver<'v> {
    /// See [`wrongly_named_zones`].
    #[must_use]
    pub fn wrongly_named_zones(&self, vpc: &str) -> Vec<WrongZone> {
        self.zones_of_vpc.get(vpc).into_iter().flatten().filter_map(|z| self.wrong_zone(z)).collect()
    }

    fn wrong_zone(&self, zone: &Zone<'v>) -> Option<WrongZone> {
        let tail = format!(".{}", services::suffix_of(&self.view.region.region));
        let service = zone.name.strip_suffix(&tail)?;
        let names = self.service_names(service);
        let right: BTreeSet<&str> = names.iter().map(|n| n.strip_prefix("*.").unwrap_or(n)).collect();
        if right.is_empty() || right.iter().any(|n| name::covers(&zone.name, n)) {
            return None;
        }
        let right = right.into_iter().map(str::to_owned).collect();
        Some(WrongZone { zone: zone.id.to_owned(), name: zone.name.clone(), service: service.to_owned(), right, endpoints: self.led_to(zone, service).collect() })
    }

    /// See [`numbered_zones`].
    #[must_use]
    pub fn numbered_zones(&self, vpc: &str) -> Vec<NumberedZone> {
        let mut out = BTreeSet::new();
        for zone in self.zones_of_vpc.get(vpc).into_iter().flatten() {
            let records = self.records(zone).into_iter().flat_map(ZoneRecords::names);
            for host in records.chain([zone.name.as_str()]).filter(|n| self.is_numbered(n)) {
                out.insert(NumberedZone { zone: zone.id.to_owned(), name: zone.name.clone(), host: host.to_owned() });
            }
        }
        out.into_iter().collect()
    }

    fn is_numbered(&self, host: &str) -> bool {
        let host = host.strip_prefix("*.").unwrap_or(host);
        let region = services::suffix_of(&self.view.region.region);
        host.split_once('.').is_some_and(|(label, parent)| parent == region && (label.starts_with("ecs-a-") || label.starts_with("ecs-t-")))
    }

    /// See [`known_endpoints`].
    #[must_use]
    pub fn known_endpoints(&self, vpc: &str, service: &str) -> BTreeSet<String> {
        let own = |v: &str| -> Vec<String> { self.endpoints_of(v).filter(|e| is_interface(e) && of_service(self.view, e, service)).map(|e| e.vpc_endpoint_id.clone()).collect() };
        let mut out: BTreeSet<String> = own(vpc).into_iter().collect();
        for resolver_vpc in self.asked_vpcs(vpc, service) {
            out.extend(own(resolver_vpc));
            for zone in self.zones_of_vpc.get(resolver_vpc).into_iter().flatten() {
                out.extend(self.led_to(zone, service));
            }
        }
        out
    }

    /// Endpoints of a service that the records of a zone lead to.
    fn led_to(&self, zone: &Zone<'v>, service: &str) -> impl Iterator<Item = String> + use<'_, 'v> {
        let ids = self.endpoints_of_zone.get(zone.id);
        let service = service.to_owned();
        ids.into_iter().flatten().filter(move |id| self.view.index.endpoints.get(**id).is_some_and(|e| of_service(self.view, e, &service))).map(|id| (*id).to_owned())
    }
}
