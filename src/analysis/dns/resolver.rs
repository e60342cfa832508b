//! The look-ups behind name resolution, and its first step: which server is asked.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::answer::{Doubt, Families, NameAnswer, Names, Set};
use super::dhcp::{self, Servers};
use super::endpoints::{addresses_of, is_interface};
use super::firewall::{DomainList, in_force};
use super::name;
use super::zones::{Zone, ZoneRecords, user_zones};
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::Evidence;
use crate::inventory::dns::{FirewallRuleGroupAssociation, ResolverRule, ResolverRuleAssociation};

/// Name resolution over one region, with its look-ups built once. Ask it once a VPC and host.
#[derive(Debug)]
pub struct Resolver<'v> {
    pub(super) view: &'v View<'v>,
    pub(super) rules: HashMap<&'v str, &'v ResolverRule>,
    pub(super) rules_of_vpc: HashMap<&'v str, Vec<&'v ResolverRuleAssociation>>,
    /// In order of priority.
    pub(super) firewall_of_vpc: HashMap<&'v str, Vec<&'v FirewallRuleGroupAssociation>>,
    /// Domain lists that AWS manages.
    pub(super) managed_lists: HashSet<&'v str>,
    pub(super) domain_lists: HashMap<&'v str, DomainList>,
    pub(super) zones_of_vpc: HashMap<&'v str, Vec<Zone<'v>>>,
    pub(super) records_of_zone: HashMap<&'v str, ZoneRecords<'v>>,
    /// Endpoints that the records of a zone lead to, by zone.
    pub(super) endpoints_of_zone: HashMap<&'v str, BTreeSet<&'v str>>,
    /// Interface endpoints by address.
    pub(super) endpoint_addresses: HashMap<IpAddr, Vec<&'v str>>,
    /// Inbound Resolver endpoints by address: VPC, and whether they work for certain.
    pub(super) inbound: HashMap<IpAddr, BTreeSet<(&'v str, bool)>>,
    /// VPCs of Resolver endpoints, by id.
    pub(super) vpc_of_resolver_endpoint: HashMap<&'v str, &'v str>,
    /// Private names by short name of the service, as the region lists them.
    pub(super) listed_names: HashMap<&'v str, BTreeSet<String>>,
    pub(super) profiles_of_vpc: HashMap<&'v str, BTreeSet<&'v str>>,
}

/// One question to Amazon's resolver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    /// The VPC whose resolver is asked.
    pub vpc: &'q str,
    /// Normal name.
    pub host: &'q str,
    /// The name that was asked first: what a record redirects to must serve it.
    pub asked: &'q str,
    /// Short name of the service that the host belongs to, or nothing.
    pub service: &'q str,
    pub consumer: Families,
    /// It came in over an inbound Resolver endpoint.
    pub inbound: bool,
    /// Names redirected through so far.
    pub redirections: usize,
}

impl<'q> Question<'q> {
    /// The same about another name, to which a record redirects.
    pub(super) fn about(&self, host: &'q str) -> Self {
        Self { host, redirections: self.redirections + 1, ..*self }
    }

    /// The same to the resolver of another VPC.
    pub(super) const fn to(&self, vpc: &'q str, inbound: bool) -> Self {
        Self { vpc, inbound, ..*self }
    }
}

fn group<'v, T>(items: impl IntoIterator<Item = T>, vpc: impl Fn(&T) -> Option<&'v str>) -> HashMap<&'v str, Vec<T>> {
    let mut out: HashMap<&str, Vec<T>> = HashMap::new();
    for item in items {
        if let Some(vpc) = vpc(&item) {
            out.entry(vpc).or_default().push(item);
        }
    }
    out
}

impl<'v> Resolver<'v> {
    /// Builds the look-ups; cost is linear in the inventory.
    #[must_use]
    pub fn new(view: &'v View<'v>) -> Self {
        let region = view.region;
        let mut firewall: Vec<&FirewallRuleGroupAssociation> = region.firewall_associations.iter().collect();
        firewall.sort_by_key(|a| (a.priority, a.firewall_rule_group_id.as_deref()));
        let mut endpoint_addresses: HashMap<IpAddr, Vec<&str>> = HashMap::new();
        for endpoint in view.index.endpoints.values().filter(|e| is_interface(e)) {
            let interfaces = endpoint.network_interface_ids.iter().filter_map(|id| view.index.interfaces.get(id.as_str()));
            let addresses: BTreeSet<IpAddr> = interfaces.flat_map(|i| addresses_of(i)).collect();
            for address in addresses {
                endpoint_addresses.entry(address).or_default().push(&endpoint.vpc_endpoint_id);
            }
        }
        let mut inbound: HashMap<IpAddr, BTreeSet<(&str, bool)>> = HashMap::new();
        for endpoint in region.resolver_endpoints.iter().filter(|e| e.direction.as_deref().is_some_and(|d| d.eq_ignore_ascii_case("INBOUND"))) {
            let Some(vpc) = endpoint.host_vpc_id.as_deref() else { continue };
            let works = in_force(endpoint.status.as_deref(), "OPERATIONAL");
            let addresses = region.resolver_endpoint_addresses.get(&endpoint.id).and_then(|a| a.output()).map(|a| a.ip_addresses.as_slice()).unwrap_or_default();
            for address in addresses.iter().flat_map(|a| a.ip.iter().chain(&a.ipv6)).filter_map(|a| a.parse().ok()) {
                inbound.entry(address).or_default().insert((vpc, works));
            }
        }
        let mut listed_names: HashMap<&str, BTreeSet<String>> = HashMap::new();
        for detail in &region.service_details {
            if let Some(short) = name::short(&detail.service_name, &region.region) {
                listed_names.entry(short).or_default().extend(detail.private_dns_names.iter().filter_map(|n| n.private_dns_name.as_deref()).map(name::normal));
            }
        }
        let mut profiles_of_vpc: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for association in &region.profile_associations {
            profiles_of_vpc.entry(association.resource_id.as_deref().unwrap_or_default()).or_default().insert(association.profile_id.as_deref().unwrap_or_default());
        }
        let mut out = Self {
            view,
            rules: region.resolver_rules.iter().map(|r| (r.id.as_str(), r)).collect(),
            rules_of_vpc: group(&region.resolver_rule_associations, |a| a.vpc_id.as_deref()),
            firewall_of_vpc: group(firewall, |a| a.vpc_id.as_deref()),
            managed_lists: region.firewall_domain_lists.iter().filter(|l| l.managed_owner_name.as_deref().is_some_and(|o| !o.is_empty())).map(|l| l.id.as_str()).collect(),
            domain_lists: region.firewall_domains.iter().filter_map(|(id, answer)| Some((id.as_str(), DomainList::new(answer.output()?)))).collect(),
            zones_of_vpc: region.hosted_zones.iter().filter_map(|(vpc, answer)| Some((vpc.as_str(), user_zones(&answer.output()?.hosted_zone_summaries)))).collect(),
            records_of_zone: region.record_sets.iter().filter_map(|(id, answer)| Some((id.as_str(), ZoneRecords::new(answer.output()?)))).collect(),
            endpoints_of_zone: HashMap::new(),
            endpoint_addresses,
            inbound,
            vpc_of_resolver_endpoint: region.resolver_endpoints.iter().filter_map(|e| Some((e.id.as_str(), e.host_vpc_id.as_deref()?))).collect(),
            listed_names,
            profiles_of_vpc,
        };
        out.endpoints_of_zone = out.targets_of_zones();
        out
    }

    fn targets_of_zones(&self) -> HashMap<&'v str, BTreeSet<&'v str>> {
        let mut out: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for (zone, answer) in &self.view.region.record_sets {
            let records = answer.output().map(|r| r.resource_record_sets.as_slice()).unwrap_or_default();
            let values = records.iter().flat_map(|r| r.alias_target.iter().filter_map(|t| t.dns_name.as_deref()).chain(r.resource_records.iter().filter_map(|v| v.value.as_deref())));
            for value in values {
                if let Some((id, _)) = name::endpoint_name(&name::normal(value)) {
                    out.entry(zone).or_default().extend(self.view.index.endpoints.get_key_value(id.as_str()).map(|(id, _)| *id));
                } else if let Some(ids) = value.trim().parse::<IpAddr>().ok().and_then(|a| self.endpoint_addresses.get(&a)) {
                    out.entry(zone).or_default().extend(ids);
                }
            }
        }
        out
    }

    /// What `host` resolves to from `vpc`; see [`super::resolve`].
    #[must_use]
    pub fn resolve(&self, vpc: &str, host: &str, service: &str, consumer: Families) -> Names {
        let host = name::normal(host);
        let question = Question { vpc, host: &host, asked: &host, service, consumer, inbound: false, redirections: 0 };
        let servers = dhcp::servers(self.view, vpc);
        if !servers.amazon && servers.own.is_empty() {
            let id = servers.options.as_deref().unwrap_or_default();
            let detail = format!("the DHCP options {id} of {vpc} hand out no DNS server, so that {host} does not resolve");
            let answer = NameAnswer::nothing(servers.options.as_deref(), detail).owned("DN04", vpc);
            return Set::from(answer.because(Evidence::new(Action::DescribeVpcs, "DhcpOptionsId", id, "no DNS server"))).finish();
        }
        let mut set = if servers.amazon { self.amazon(&question, &mut Vec::new()) } else { Set::default() };
        for server in &servers.own {
            set.join(self.own_server(&question, &servers, server));
        }
        if servers.amazon && !servers.own.is_empty() {
            set.doubt(Doubt::new("DN04", vpc, Unseen::Datum(format!("which of the DNS servers that {vpc} hands out a query goes to"))));
        }
        if let Some(unseen) = servers.unseen {
            set.open(Doubt::new("DN04", vpc, unseen));
        }
        set.finish()
    }

    /// A server that is not Amazon's resolver of this VPC: an inbound Resolver endpoint, else one whose forwarding is not seen.
    fn own_server<'t>(&'t self, question: &Question<'t>, servers: &Servers, server: &str) -> Set {
        let (vpc, options) = (question.vpc, servers.options.as_deref());
        let hosts = server.parse().map(|a| self.inbound_at(vpc, a)).unwrap_or_default();
        let mut set = Set::default();
        for (host_vpc, works) in &hosts {
            set.join(self.rebased(self.amazon(&question.to(host_vpc, true), &mut Vec::new()), vpc, host_vpc));
            if !works {
                set.add(NameAnswer::nothing(options, format!("the Resolver endpoint at {server} does not answer")).owned("DN04", vpc));
                set.doubt(Doubt::new("DN04", vpc, Unseen::Elsewhere(format!("whether the Resolver endpoint at {server} works"))));
            }
        }
        if hosts.is_empty() {
            let detail = format!("{vpc} hands out the DNS server {server}, which asks the public DNS for {}, unless it forwards the name to Amazon's resolver", question.host);
            let evidence = Evidence::new(Action::DescribeDhcpOptions, "domain-name-servers", servers.own.join(" "), "no resolver of Amazon's");
            // With Amazon's resolver off there is nothing to forward to: the attribute has to be on first.
            let off = self.view.index.vpc_attributes.get(vpc).and_then(|a| a.enable_dns_support.as_ref()?.value) == Some(false);
            let rule = if off { "DN02" } else { "DN04" };
            set = self.unseen_forwarding(question, server, self.amazon(question, &mut Vec::new()), Self::public(question, options, detail).owned(rule, vpc).because(evidence), &mut Vec::new());
            set.doubt(Doubt::new(rule, vpc, Unseen::Datum(format!("where the DNS server {server} of {vpc} forwards names of AWS"))));
        }
        set
    }
}
