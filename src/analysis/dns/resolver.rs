//! The resolution itself: DHCP options, then Amazon's resolver with firewall, rules and zones.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::answer::{Families, NameAnswer, NameTarget, Names, Set};
use super::dhcp::{self, Servers};
use super::endpoints::{Hold, PrivateNames, Usable, addresses_of, is_interface, names_of, of_service, usable};
use super::firewall::{Block, Query};
use super::name;
use super::rules::Choice;
use super::zones::{Node, Zone, look_up, user_zones};
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::Evidence;
use crate::inventory::dns::{FirewallRuleGroupAssociation, ResolverRule, ResolverRuleAssociation};
use crate::inventory::ec2::VpcEndpoint;

/// How many names a record may lead through.
const REDIRECTIONS: usize = 4;

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
    pub(super) zones_of_vpc: HashMap<&'v str, Vec<Zone<'v>>>,
    /// Interface endpoints by address.
    pub(super) endpoint_addresses: HashMap<IpAddr, Vec<&'v str>>,
    /// Inbound Resolver endpoints by address: VPC, and whether they work for certain.
    inbound: HashMap<IpAddr, BTreeSet<(&'v str, bool)>>,
    /// VPCs of Resolver endpoints, by id.
    outbound: HashMap<&'v str, &'v str>,
    /// Endpoints that the records of a zone lead to, by zone.
    pub(super) endpoints_of_zone: HashMap<&'v str, BTreeSet<&'v str>>,
    /// Private names by short name of the service, as the region lists them.
    listed_names: HashMap<&'v str, BTreeSet<String>>,
    profiles_of_vpc: HashMap<&'v str, BTreeSet<&'v str>>,
}

/// One question to Amazon's resolver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    /// The VPC whose resolver is asked.
    pub vpc: &'q str,
    /// Normal name.
    pub host: &'q str,
    /// Short name of the service that the host belongs to, or nothing.
    pub service: &'q str,
    pub consumer: Families,
    /// It came in over an inbound Resolver endpoint.
    pub inbound: bool,
    /// Names redirected through so far.
    redirections: usize,
}

impl<'q> Question<'q> {
    /// The same about another name.
    pub(super) fn of(&self, host: &'q str) -> Self {
        Self { host, redirections: self.redirections + 1, ..*self }
    }
}

/// VPCs whose resolvers were asked on the way, and whether over an inbound endpoint.
type Trail<'t> = Vec<(&'t str, bool)>;

impl<'v> Resolver<'v> {
    /// Builds the look-ups; cost is linear in the inventory.
    #[must_use]
    pub fn new(view: &'v View<'v>) -> Self {
        let region = view.region;
        let mut rules_of_vpc: HashMap<&str, Vec<_>> = HashMap::new();
        for association in &region.resolver_rule_associations {
            rules_of_vpc.entry(association.vpc_id.as_deref().unwrap_or_default()).or_default().push(association);
        }
        let mut firewall: Vec<&FirewallRuleGroupAssociation> = region.firewall_associations.iter().collect();
        firewall.sort_by_key(|a| (a.priority, a.firewall_rule_group_id.as_deref()));
        let mut firewall_of_vpc: HashMap<&str, Vec<_>> = HashMap::new();
        for association in firewall {
            firewall_of_vpc.entry(association.vpc_id.as_deref().unwrap_or_default()).or_default().push(association);
        }
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
            let works = super::firewall::in_force(endpoint.status.as_deref(), "OPERATIONAL");
            let addresses = region.resolver_endpoint_addresses.get(&endpoint.id).and_then(|a| a.output()).map(|a| a.ip_addresses.as_slice()).unwrap_or_default();
            for address in addresses.iter().flat_map(|a| a.ip.iter().chain(&a.ipv6)).filter_map(|a| a.parse().ok()) {
                inbound.entry(address).or_default().insert((vpc, works));
            }
        }
        let mut endpoints_of_zone: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for (zone, answer) in &region.record_sets {
            let records = answer.output().map(|r| r.resource_record_sets.as_slice()).unwrap_or_default();
            let led_to = records.iter().flat_map(|r| r.alias_target.iter().filter_map(|t| t.dns_name.as_deref()).chain(r.resource_records.iter().filter_map(|v| v.value.as_deref())));
            for value in led_to {
                let entry = endpoints_of_zone.entry(zone).or_default();
                if let Some((id, _)) = name::endpoint_name(&name::normal(value)) {
                    entry.extend(view.index.endpoints.get_key_value(id.as_str()).map(|(id, _)| *id));
                } else if let Ok(address) = value.trim().parse::<IpAddr>() {
                    entry.extend(endpoint_addresses.get(&address).into_iter().flatten());
                }
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
        Self {
            view,
            rules: region.resolver_rules.iter().map(|r| (r.id.as_str(), r)).collect(),
            rules_of_vpc,
            firewall_of_vpc,
            managed_lists: region.firewall_domain_lists.iter().filter(|l| l.managed_owner_name.as_deref().is_some_and(|o| !o.is_empty())).map(|l| l.id.as_str()).collect(),
            zones_of_vpc: region.hosted_zones.iter().filter_map(|(vpc, answer)| Some((vpc.as_str(), user_zones(&answer.output()?.hosted_zone_summaries)))).collect(),
            endpoint_addresses,
            inbound,
            outbound: region.resolver_endpoints.iter().filter_map(|e| Some((e.id.as_str(), e.host_vpc_id.as_deref()?))).collect(),
            endpoints_of_zone,
            listed_names,
            profiles_of_vpc,
        }
    }

    /// What `host` resolves to from `vpc`; see [`super::resolve`].
    #[must_use]
    pub fn resolve(&self, vpc: &str, host: &str, service: &str, consumer: Families) -> Names {
        let host = name::normal(host);
        let question = Question { vpc, host: &host, service, consumer, inbound: false, redirections: 0 };
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
            set.doubt(Unseen::Datum(format!("which of the DNS servers that {vpc} hands out a query goes to")));
        }
        if let Some(unseen) = servers.unseen {
            set.open(unseen);
        }
        set.finish()
    }

    /// A server that is not Amazon's resolver of this VPC: an inbound Resolver endpoint, else one whose forwarding is not seen.
    fn own_server(&self, question: &Question<'_>, servers: &Servers, server: &str) -> Set {
        let vpc = question.vpc;
        let hosts = server.parse().map(|a| self.inbound_at(vpc, a)).unwrap_or_default();
        let mut set = Set::default();
        for (host_vpc, works) in &hosts {
            set.join(self.rebased(self.amazon(&Question { vpc: host_vpc, inbound: true, ..*question }, &mut Vec::new()), vpc, host_vpc));
            if !works {
                set.add(NameAnswer::nothing(servers.options.as_deref(), format!("the Resolver endpoint at {server} does not answer")).owned("DN04", vpc));
                set.doubt(Unseen::Datum(format!("whether the Resolver endpoint at {server} works")));
            }
        }
        if hosts.is_empty() {
            let options = servers.options.as_deref();
            let detail = format!("{vpc} hands out the DNS server {server}, which asks the public DNS for {}, unless it forwards the name to Amazon's resolver", question.host);
            let evidence = Evidence::new(Action::DescribeDhcpOptions, "domain-name-servers", servers.own.join(" "), "no resolver of Amazon's");
            set = self.unseen_forwarding(question, self.amazon(question, &mut Vec::new()), self.public(question, options, detail).owned("DN04", vpc).because(evidence));
            for action in [Action::ListResolverEndpoints, Action::ListResolverEndpointIpAddresses] {
                if !self.view.seen(action) && !self.view.options.plain_dns {
                    set.doubt(Unseen::Action(action));
                }
            }
            set.doubt(Unseen::Datum(format!("where the DNS server {server} of {vpc} forwards names of AWS")));
        }
        set
    }

    /// A server that may forward to Amazon's resolver here, may ask the public DNS, or may lead to an endpoint elsewhere that
    /// this VPC is joined to.
    fn unseen_forwarding(&self, question: &Question<'_>, amazon: Set, public: NameAnswer) -> Set {
        let mut set = amazon;
        let known = set.answers().any(|a| matches!(a.target, NameTarget::Endpoint { .. } | NameTarget::Remote { .. }));
        set.add(public);
        if !known && !question.service.is_empty() {
            for endpoint in self.view.index.endpoints.values() {
                let Some(other) = endpoint.vpc_id.as_deref() else { continue };
                if other != question.vpc && is_interface(endpoint) && usable(endpoint) != Usable::No && of_service(self.view, endpoint, question.service) && self.joined(question.vpc, other) {
                    let id = endpoint.vpc_endpoint_id.clone();
                    let detail = format!("a DNS server whose forwarding was not seen may send {} to {id}", question.host);
                    set.add(NameAnswer::new(NameTarget::Remote { id, addresses: None }, super::record_families(endpoint), None, detail));
                }
            }
        }
        set
    }

    /// Amazon's resolver of a VPC.
    fn amazon<'t>(&'t self, question: &Question<'t>, trail: &mut Trail<'t>) -> Set {
        let (vpc, host) = (question.vpc, question.host);
        if trail.contains(&(vpc, question.inbound)) {
            let mut set: Set = NameAnswer::nothing(Some(vpc), format!("Resolver rules send {host} round in a circle")).owned("DN08", vpc).into();
            set.open(Unseen::Datum(format!("what becomes of a query that Resolver rules of {vpc} send round in a circle")));
            return set;
        }
        trail.push((vpc, question.inbound));
        let attributes = self.view.index.vpc_attributes.get(vpc);
        let support = attributes.and_then(|a| a.enable_dns_support.as_ref()?.value);
        let mut set = Set::default();
        if support != Some(false) {
            set.join(self.filtered(question, trail));
        }
        if support != Some(true) {
            let detail = format!("enableDnsSupport of {vpc} is off: Amazon's resolver answers nothing there");
            let evidence = Evidence::new(Action::DescribeVpcAttribute, "EnableDnsSupport", "false", "");
            set.add(NameAnswer::nothing(Some(vpc), detail).owned("DN02", vpc).because(evidence));
        }
        if support.is_none() {
            set.doubt(Unseen::Action(Action::DescribeVpcAttribute));
        }
        trail.pop();
        set
    }

    /// DNS Firewall, then rules and zones.
    fn filtered<'t>(&'t self, question: &Question<'t>, trail: &mut Trail<'t>) -> Set {
        let (vpc, host) = (question.vpc, question.host);
        let asked: Vec<(Query, Families)> =
            [(question.consumer.v4, Query::A, Families::V4), (question.consumer.v6, Query::Aaaa, Families::V6)].into_iter().filter(|(asks, ..)| *asks).map(|(_, q, f)| (q, f)).collect();
        let filters: Vec<_> = asked.iter().map(|(query, families)| (self.filter(vpc, host, *query), *families)).collect();
        let mut set = Set::default();
        if filters.is_empty() || filters.iter().any(|(f, _)| f.passes) {
            let shut = filters.iter().filter(|(f, _)| !f.passes).fold(Families::NONE, |all, (_, f)| all.or(*f));
            let open = Families { v4: !shut.v4, v6: !shut.v6 };
            set.join(self.ruled(question, trail).map(|mut answer| {
                answer.records = answer.records.and(open);
                answer
            }));
        }
        if !filters.is_empty() && filters.iter().all(|(f, _)| f.blocked.is_some()) {
            for (filter, _) in &filters {
                if let Some(block) = &filter.blocked {
                    set.add(blocked(question, block));
                }
            }
            filters.into_iter().flat_map(|(f, _)| f.unseen).for_each(|u| set.doubt(u));
        }
        set
    }

    /// A name that a record of a zone redirects to is filtered as well, unless the rule that let the query pass trusts it.
    /// `Some`: blocked for certain, or possibly.
    pub(super) fn redirection_filtered(&self, question: &Question<'_>, target: &str) -> Option<Set> {
        let queries = [(question.consumer.v4, Query::A), (question.consumer.v6, Query::Aaaa)];
        let mut set = Set::default();
        for (_, query) in queries.into_iter().filter(|(asks, _)| *asks) {
            if self.filter(question.vpc, question.host, query).trusts_redirection {
                return None;
            }
            let filter = self.filter(question.vpc, target, query);
            let block = filter.blocked?;
            set.add(blocked(&question.of(target), &block));
            if filter.passes {
                filter.unseen.into_iter().for_each(|u| set.open(u));
            }
        }
        (!set.is_empty()).then_some(set)
    }

    /// Resolver rules, then zones.
    fn ruled<'t>(&'t self, question: &Question<'t>, trail: &mut Trail<'t>) -> Set {
        let Choice { forward, amazon, doubts, open } = self.rule_for(question.vpc, question.host);
        let mut set = Set::default();
        let zone_depth = self.zone_depth(question);
        // A rule for the very name of a zone beats it, a less specific one does not.
        let (forward, beaten): (Vec<_>, Vec<_>) = forward.into_iter().partition(|(depth, _)| zone_depth.is_none_or(|z| *depth >= z));
        if amazon || !beaten.is_empty() || forward.is_empty() {
            set.join(self.local(question));
        }
        for (_, rule) in forward {
            set.join(self.forwarded(question, rule, trail));
        }
        doubts.into_iter().for_each(|u| set.doubt(u));
        open.into_iter().for_each(|u| set.open(u));
        set
    }

    /// Where a FORWARD rule sends a query: resolvers of Amazon's that were seen, else servers whose forwarding was not.
    fn forwarded<'t>(&'t self, question: &Question<'t>, rule: &'t ResolverRule, trail: &mut Trail<'t>) -> Set {
        let vpc = question.vpc;
        let outbound = self.outbound_vpc(rule);
        let mut set = Set::default();
        for target in rule.target_ips.iter().filter_map(|t| t.ip.as_deref().or(t.ipv6.as_deref())) {
            let hosts = target.parse().map(|a| self.inbound_at(outbound.unwrap_or(vpc), a)).unwrap_or_default();
            for (host_vpc, works) in &hosts {
                set.join(self.rebased(self.amazon(&Question { vpc: host_vpc, inbound: true, ..*question }, trail), vpc, host_vpc));
                if !works {
                    set.add(NameAnswer::nothing(Some(&rule.id), format!("the Resolver endpoint at {target} does not answer")).owned("DN08", vpc));
                    set.doubt(Unseen::Datum(format!("whether the Resolver endpoint at {target} works")));
                }
            }
            if let Some(outbound) = outbound
                && hosts.is_empty()
                && dhcp::is_amazon(self.view, outbound, target)
            {
                set.join(self.rebased(self.amazon(&Question { vpc: outbound, inbound: false, ..*question }, trail), vpc, outbound));
            } else if hosts.is_empty() {
                let domain = rule.domain_name.as_deref().unwrap_or_default();
                let detail = format!("Resolver rule {} sends {} to {target}, which asks the public DNS, unless it forwards the name back", rule.id, question.host);
                let evidence = Evidence::new(Action::ListResolverRules, "DomainName", domain, format!("forwarded to {target}"));
                let public = self.public(question, Some(&rule.id), detail).owned("DN08", vpc).because(evidence);
                set.join(self.unseen_forwarding(question, self.local(question), public));
                for action in [Action::ListResolverEndpoints, Action::ListResolverEndpointIpAddresses] {
                    if !self.view.seen(action) && !self.view.options.plain_dns {
                        set.doubt(Unseen::Action(action));
                    }
                }
                set.doubt(Unseen::Datum(format!("where the server {target} of Resolver rule {} forwards names of AWS", rule.id)));
            }
        }
        if rule.target_ips.is_empty() {
            set.open(Unseen::Datum(format!("the servers of Resolver rule {}", rule.id)));
        }
        set
    }

    /// VPCs of the inbound Resolver endpoints at an address, as seen from `vpc`.
    fn inbound_at(&self, vpc: &str, address: IpAddr) -> Vec<(&'v str, bool)> {
        let local = self.contains(vpc, address);
        self.inbound.get(&address).into_iter().flatten().filter(|(host, _)| self.view.index.vpcs.contains_key(host) && local == (*host == vpc)).copied().collect()
    }

    /// Depth of the most specific zone for a name, an endpoint's managed zone included.
    fn zone_depth(&self, question: &Question<'_>) -> Option<usize> {
        let hostnames = self.view.index.vpc_attributes.get(question.vpc).and_then(|a| a.enable_dns_hostnames.as_ref()?.value);
        if hostnames == Some(false) {
            return None;
        }
        let (depth, zones) = self.zones_for(question.vpc, question.host);
        let managed = self.endpoints_of(question.vpc).filter_map(|e| match self.hold(e, question.host, question.service, question.inbound) {
            Hold::Takes(d) | Hold::MayTake(d, _) => Some(d),
            _ => None,
        });
        managed.chain((!zones.is_empty()).then_some(depth)).max()
    }

    /// Zones and endpoints of the VPC, else the public DNS.
    pub(super) fn local(&self, question: &Question<'_>) -> Set {
        let (vpc, host) = (question.vpc, question.host);
        let mut set = Set::default();
        if question.redirections > REDIRECTIONS {
            set.open(Unseen::Datum(format!("where {host} leads, after {REDIRECTIONS} redirections")));
            return set;
        }
        let hostnames = self.view.index.vpc_attributes.get(vpc).and_then(|a| a.enable_dns_hostnames.as_ref()?.value);
        if hostnames != Some(false) {
            set.join(self.zoned(question));
        }
        if hostnames != Some(true) {
            let lost = self.zoned(question);
            let named = lost.answers().find(|a| a.target != NameTarget::Public).cloned();
            let cause = lost.answers().find(|a| a.target == NameTarget::Public).and_then(|a| a.cause.clone());
            let detail = format!("enableDnsHostnames of {vpc} is off: neither private DNS of endpoints nor private zones work there, and {host} resolves to its public address");
            let mut answer = self.public(question, Some(vpc), detail);
            if named.is_some() {
                answer = answer.owned("DN02", vpc).because(Evidence::new(Action::DescribeVpcAttribute, "EnableDnsHostnames", "false", ""));
            } else {
                answer.cause = cause;
            }
            set.add(answer);
        }
        if hostnames.is_none() {
            set.doubt(Unseen::Action(Action::DescribeVpcAttribute));
        }
        let profiles = Action::ListProfileAssociations;
        if !self.view.seen(profiles) && !self.view.options.plain_dns {
            set.open(Unseen::Action(profiles));
        }
        for profile in self.profiles_of_vpc.get(vpc).into_iter().flatten() {
            set.open(Unseen::Datum(format!("what Route 53 Profile {profile} brings to {vpc}")));
        }
        set
    }

    /// The most specific of private zones and the endpoints' managed zones, with both attributes on.
    fn zoned(&self, question: &Question<'_>) -> Set {
        let (vpc, host) = (question.vpc, question.host);
        let mut set = Set::default();
        if let Some(unseen) = self.endpoints_unseen(vpc) {
            set.open(unseen);
        }
        if let Some(unseen) = self.zones_unseen(vpc) {
            set.open(unseen);
        }
        let (zone_depth, zones) = self.zones_for(vpc, host);
        let mut takers: Vec<(usize, &VpcEndpoint, Option<Unseen>)> = Vec::new();
        let mut bystanders = Vec::new();
        for endpoint in self.endpoints_of(vpc) {
            match self.hold(endpoint, host, question.service, question.inbound) {
                Hold::Takes(depth) => takers.push((depth, endpoint, None)),
                Hold::MayTake(depth, unseen) => takers.push((depth, endpoint, Some(unseen))),
                Hold::Apart => {}
                other => bystanders.push((endpoint, other)),
            }
        }
        takers.retain(|(depth, ..)| zones.is_empty() || *depth >= zone_depth);
        let best = takers.iter().filter(|(.., doubt)| doubt.is_none()).map(|(depth, ..)| *depth).max();
        takers.retain(|(depth, ..)| best.is_none_or(|b| *depth >= b));
        let sure = best.is_some();
        for (_, endpoint, doubt) in takers {
            let id = &endpoint.vpc_endpoint_id;
            let answer = NameAnswer::new(NameTarget::Endpoint { id: id.clone(), addresses: None }, super::record_families(endpoint), Some(id), format!("{host} resolves to {id} by its private DNS"));
            set.add(answer.because(Evidence::new(Action::DescribeVpcEndpoints, "PrivateDnsEnabled", "true", format!("of {id}"))));
            if let Some(unseen) = doubt {
                set.doubt(unseen);
            }
        }
        if sure {
            return set;
        }
        if zones.is_empty() {
            set.add(self.passed_by(question, &bystanders));
        }
        for zone in zones {
            set.join(self.by_zone(question, zone));
        }
        set
    }

    /// What one private zone says.
    fn by_zone(&self, question: &Question<'_>, zone: &Zone<'_>) -> Set {
        let host = question.host;
        let records = match self.records(zone) {
            Ok(records) => records,
            Err(unseen) => {
                let detail = format!("hosted zone {} ({}) decides {host}, and its records were not seen", zone.name, zone.id);
                let mut set: Set = NameAnswer::new(NameTarget::Private(BTreeSet::new()), Families::BOTH, Some(zone.id), detail).into();
                set.open(unseen);
                return set;
            }
        };
        let truncated = records.is_truncated == Some(true);
        let node = look_up(&records.resource_record_sets, &zone.name, host);
        let mut set = match node {
            Node::Delegated(at) => {
                let mut set: Set = NameAnswer::new(NameTarget::Private(BTreeSet::new()), Families::BOTH, Some(zone.id), format!("hosted zone {} delegates {at}", zone.name)).into();
                set.open(Unseen::Datum(format!("where hosted zone {} delegates {at} to", zone.id)));
                set
            }
            Node::Sets(sets) => self.record_targets(question, zone, &sets),
            Node::Absent => Set::default(),
        };
        if set.is_empty() {
            // The zone of the service's own name is wrong (DN07); one above it shadows names that it does not know (DN05).
            let of_service = zone.name == host || self.service_names(question.service).iter().any(|n| n.strip_prefix("*.").unwrap_or(n) == zone.name);
            let rule = if of_service { "DN07" } else { "DN05" };
            let detail = format!("hosted zone {} ({}) takes {host} and has no address for it: the name does not resolve, nor is the public DNS asked", zone.name, zone.id);
            let evidence = Evidence::new(Action::ListResourceRecordSets, "Name", host, format!("not in hosted zone {}", zone.id));
            set.add(NameAnswer::nothing(Some(zone.id), detail).owned(rule, zone.id).because(evidence));
        }
        if truncated {
            set.open(Unseen::Action(Action::ListResourceRecordSets));
        }
        set
    }

    /// The public answer, with the rule that owns it where an endpoint or zone was meant to take the name.
    fn passed_by(&self, question: &Question<'_>, bystanders: &[(&VpcEndpoint, Hold)]) -> NameAnswer {
        let (vpc, host) = (question.vpc, question.host);
        if let Some(wrong) = self.wrongly_named_zones(vpc).into_iter().find(|w| w.service == question.service) {
            let detail = format!("hosted zone {} stands for no name of {}, so that {host} resolves to its public address; the zone should be {}", wrong.name, wrong.service, wrong.right.join(", "));
            let evidence = Evidence::new(Action::ListHostedZonesByVpc, "Name", &wrong.name, format!("of {}", wrong.zone));
            return self.public(question, Some(&wrong.zone), detail).owned("DN07", &wrong.zone).because(evidence);
        }
        // The rule on S3's gateway endpoint judges S3 as a whole, its interface endpoints included.
        let judged = question.service != "s3";
        let off = bystanders.iter().find(|(_, h)| judged && matches!(h, Hold::Off));
        let uncovered = bystanders.iter().find(|(_, h)| judged && matches!(h, Hold::Uncovered));
        if let Some((endpoint, _)) = uncovered {
            let id = &endpoint.vpc_endpoint_id;
            let PrivateNames { names, .. } = names_of(self.view, endpoint);
            let detail = format!("{host} is none of the names that {id} takes over, and resolves to its public address");
            return self.public(question, Some(id), detail).owned("DN03", id).because(Evidence::new(Action::DescribeVpcEndpoints, "DnsEntries", names.join(" "), format!("of {id}")));
        }
        if let Some((endpoint, _)) = off {
            let id = &endpoint.vpc_endpoint_id;
            let detail = format!("private DNS of {id} is off, so that {host} resolves to its public address");
            return self.public(question, Some(id), detail).owned("DN01", id).because(Evidence::new(Action::DescribeVpcEndpoints, "PrivateDnsEnabled", "false", format!("of {id}")));
        }
        if let Some((endpoint, _)) = bystanders.iter().find(|(_, h)| matches!(h, Hold::InboundOnly)) {
            let id = &endpoint.vpc_endpoint_id;
            let detail = format!("private DNS of {id} is for inbound Resolver endpoints alone, so that {host} resolves to its public address in {vpc}");
            return self.public(question, Some(id), detail).because(Evidence::new(Action::DescribeVpcEndpoints, "PrivateDnsOnlyForInboundResolverEndpoint", "true", format!("of {id}")));
        }
        self.public(question, None, format!("nothing in {vpc} takes {host}: it resolves to its public address"))
    }

    /// The public address.
    fn public(&self, question: &Question<'_>, object: Option<&str>, detail: impl Into<String>) -> NameAnswer {
        NameAnswer::new(NameTarget::Public, Families { v4: true, v6: name::public_has_ipv6(question.host) }, object, detail)
    }

    pub(super) fn endpoints_of(&self, vpc: &str) -> impl Iterator<Item = &'v VpcEndpoint> + use<'_, 'v> {
        self.view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().copied()
    }

    /// Why a VPC may have endpoints that were not seen: the answer is not complete, or somebody else owns the VPC.
    pub(super) fn endpoints_unseen(&self, vpc: &str) -> Option<Unseen> {
        let action = Action::DescribeVpcEndpoints;
        if !self.view.seen(action) || self.view.region.vpc_scope.as_ref().is_some_and(|s| !s.contains(vpc)) {
            return Some(Unseen::Action(action));
        }
        let Some(object) = self.view.index.vpcs.get(vpc) else { return Some(Unseen::Action(Action::DescribeVpcs)) };
        object.owner_id.as_deref().filter(|o| *o != self.view.region.account).map(|owner| Unseen::Elsewhere(format!("the endpoints of {vpc}, which its owner {owner} alone can list")))
    }

    /// Why there may be endpoints outside what was seen that `vpc` can reach: a part was not asked for, or the VPC is joined
    /// to other accounts.
    pub(super) fn outside(&self, vpc: &str) -> Option<Unseen> {
        if let Some(unseen) = self.endpoints_unseen(vpc) {
            return Some(unseen);
        }
        if self.view.region.vpc_scope.is_some() {
            return Some(Unseen::Action(Action::DescribeVpcEndpoints));
        }
        let account = self.view.region.account.as_str();
        let is_foreign = |owner: Option<&str>| owner.is_some_and(|o| o != account);
        let peered = self
            .view
            .region
            .vpc_peering_connections
            .iter()
            .filter_map(|p| Some((p.requester_vpc_info.as_ref()?, p.accepter_vpc_info.as_ref()?)))
            .any(|(a, b)| (a.vpc_id.as_deref() == Some(vpc) && is_foreign(b.owner_id.as_deref())) || (b.vpc_id.as_deref() == Some(vpc) && is_foreign(a.owner_id.as_deref())));
        let gateways = self.view.region.transit_gateway_vpc_attachments.iter().any(|a| is_foreign(a.vpc_owner_id.as_deref()))
            || self.view.region.transit_gateway_attachments.iter().any(|a| is_foreign(a.resource_owner_id.as_deref()));
        (peered || gateways).then(|| Unseen::Elsewhere(format!("endpoints of the other accounts that {vpc} is joined to")))
    }

    /// Whether two VPCs are joined by peering or a transit gateway.
    fn joined(&self, a: &str, b: &str) -> bool {
        let sides = |p: &crate::inventory::ec2::VpcPeeringConnection| {
            let (x, y) = (p.requester_vpc_info.as_ref().and_then(|v| v.vpc_id.as_deref()), p.accepter_vpc_info.as_ref().and_then(|v| v.vpc_id.as_deref()));
            (x == Some(a) && y == Some(b)) || (x == Some(b) && y == Some(a))
        };
        let attached = |vpc: &str| -> BTreeSet<&str> {
            let attachments = self.view.region.transit_gateway_vpc_attachments.iter().filter(|t| t.vpc_id.as_deref() == Some(vpc));
            attachments.filter_map(|t| t.transit_gateway_id.as_deref()).collect()
        };
        self.view.region.vpc_peering_connections.iter().any(sides) || !attached(a).is_disjoint(&attached(b))
    }

    /// Whether an address lies in a range of the VPC.
    pub(super) fn contains(&self, vpc: &str, address: IpAddr) -> bool {
        let Some(object) = self.view.index.vpcs.get(vpc) else { return false };
        let v4 = object.cidr_block.as_deref().into_iter().chain(object.cidr_block_association_set.iter().filter_map(|a| a.cidr_block.as_deref()));
        let v6 = object.ipv6_cidr_block_association_set.iter().filter_map(|a| a.ipv6_cidr_block.as_deref());
        v4.chain(v6).filter_map(|c| c.parse::<ipnet::IpNet>().ok()).any(|n| n.contains(&address))
    }

    /// Private names of a service: by any listing of the region, else by AWS's pages.
    pub(super) fn service_names(&self, service: &str) -> Vec<String> {
        if service.is_empty() {
            return Vec::new();
        }
        let mut names = self.listed_names.get(service).cloned().unwrap_or_default();
        names.extend(name::private_names(service, &self.view.region.region, &self.view.region.partition));
        names.into_iter().collect()
    }

    /// Whether the endpoint's service has the name, private DNS on or off.
    pub(super) fn stands_behind(&self, endpoint: &VpcEndpoint, host: &str) -> bool {
        names_of(self.view, endpoint).names.iter().any(|n| name::matches(n, host))
    }

    /// VPCs whose resolvers the names of a service can come to from `vpc`: its own, and those of the Resolver endpoints that its
    /// DNS servers and FORWARD rules are.
    pub(super) fn asked_vpcs(&self, vpc: &str, service: &str) -> BTreeSet<&'v str> {
        let names = self.service_names(service);
        let mut out: BTreeSet<&str> = self.view.index.vpcs.get_key_value(vpc).map(|(v, _)| *v).into_iter().collect();
        for server in dhcp::servers(self.view, vpc).own {
            out.extend(server.parse().map(|a| self.inbound_at(vpc, a)).unwrap_or_default().into_iter().map(|(host, _)| host));
        }
        let rules = self.rules_of_vpc.get(vpc).into_iter().flatten().filter_map(|a| self.rules.get(a.resolver_rule_id.as_deref()?));
        for rule in rules {
            let domain = name::normal(rule.domain_name.as_deref().unwrap_or_default());
            if names.is_empty() || names.iter().any(|n| name::covers(&domain, n) || name::covers(n.strip_prefix("*.").unwrap_or(n), &domain)) {
                let outbound = self.outbound_vpc(rule);
                for target in rule.target_ips.iter().filter_map(|t| t.ip.as_deref().or(t.ipv6.as_deref())) {
                    out.extend(target.parse().map(|a| self.inbound_at(outbound.unwrap_or(vpc), a)).unwrap_or_default().into_iter().map(|(host, _)| host));
                    out.extend(outbound.filter(|o| dhcp::is_amazon(self.view, o, target)));
                }
            }
        }
        out
    }

    /// An answer of another VPC's resolver as seen from `vpc`: what is its own endpoint is remote here, and the other way round.
    fn rebased(&self, set: Set, vpc: &str, answered: &str) -> Set {
        if vpc == answered {
            return set;
        }
        let local = |id: &str| self.view.index.endpoints.get(id).and_then(|e| e.vpc_id.as_deref()) == Some(vpc);
        set.map(|mut answer| {
            answer.detail = format!("by the resolver of {answered}: {}", answer.detail);
            answer.target = match answer.target {
                NameTarget::Endpoint { id, addresses } | NameTarget::Remote { id, addresses } if local(&id) => NameTarget::Endpoint { id, addresses },
                NameTarget::Endpoint { id, addresses } => NameTarget::Remote { id, addresses },
                other => other,
            };
            answer
        })
    }

    /// The VPC from which a rule's queries leave.
    fn outbound_vpc(&self, rule: &ResolverRule) -> Option<&'v str> {
        self.outbound.get(rule.resolver_endpoint_id.as_deref()?).copied()
    }
}

/// A query that DNS Firewall blocks.
fn blocked(question: &Question<'_>, block: &Block) -> NameAnswer {
    let (vpc, host, group) = (question.vpc, question.host, block.group.as_str());
    if block.response.is_empty() {
        return NameAnswer::nothing((!group.is_empty()).then_some(group), format!("DNS Firewall of {vpc} may block {host}")).owned("DN08", vpc);
    }
    let detail = format!("rule {:?} of DNS Firewall rule group {group} blocks {host} in {vpc} ({})", block.rule, block.response);
    NameAnswer::nothing(Some(group), detail).owned("DN08", vpc).because(Evidence::new(Action::ListFirewallRules, "Action", "BLOCK", format!("of rule {:?} in {group}", block.rule)))
}
