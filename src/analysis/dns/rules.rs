//! Resolver rules: which of those in use by a VPC decides a name
//! (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-overview-forward-vpc-to-network-using-rules.html>).
//! The most specific wins; a rule beats a private zone of the same name.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::amazon::Trail;
use super::answer::{Doubt, NameAnswer, NameTarget, Set};
use super::dhcp;
use super::endpoints::{Usable, is_interface, of_service, record_families, usable};
use super::firewall::in_force;
use super::name;
use super::resolver::{Question, Resolver};
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::finding::Evidence;
use crate::inventory::dns::ResolverRule;

/// The rules that may decide a name.
#[derive(Debug, Default)]
pub(super) struct Choice<'v> {
    /// FORWARD rules, each with the depth of its domain.
    pub forward: Vec<(usize, &'v ResolverRule)>,
    /// Amazon's own resolution may hold: no FORWARD rule, or a SYSTEM rule that restores it.
    pub amazon: bool,
    /// Why several are possible.
    pub doubts: BTreeSet<Unseen>,
    /// Why anything is possible.
    pub open: BTreeSet<Unseen>,
}

impl<'v> Resolver<'v> {
    /// The rules of `vpc` for a normal name.
    pub(super) fn rule_for(&self, vpc: &str, host: &str) -> Choice<'v> {
        let mut choice = Choice::default();
        let (associations, rules) = (Action::ListResolverRuleAssociations, Action::ListResolverRules);
        if !self.view.seen(associations) && !self.view.options.plain_dns {
            choice.open.insert(Unseen::Action(associations));
        }
        let mut matching: Vec<(usize, bool, &ResolverRule)> = Vec::new();
        for association in self.rules_of_vpc.get(vpc).into_iter().flatten() {
            let Some(id) = association.resolver_rule_id.as_deref() else { continue };
            let Some(rule) = self.rules.get(id) else {
                // Amazon's own rule for everything else shows among the associations, and changes nothing.
                if !id.starts_with("rslvr-autodefined-") {
                    choice.open.insert(if self.view.seen(rules) { Unseen::Elsewhere(format!("Resolver rule {id}, which {vpc} uses")) } else { Unseen::Action(rules) });
                }
                continue;
            };
            let Some(domain) = rule.domain_name.as_deref().map(name::normal) else {
                choice.open.insert(Unseen::Elsewhere(format!("the domain of Resolver rule {id}")));
                continue;
            };
            if name::covers(&domain, host) {
                let sure = in_force(association.status.as_deref(), "COMPLETE") && in_force(rule.status.as_deref(), "COMPLETE");
                if !sure {
                    choice.doubts.insert(Unseen::Elsewhere(format!("whether Resolver rule {id} is in force")));
                }
                matching.push((name::depth(&domain), sure, rule));
            }
        }
        matching.sort_by_key(|(depth, _, rule)| (std::cmp::Reverse(*depth), rule.id.as_str()));
        let mut settled: Option<usize> = None;
        for (depth, sure, rule) in matching {
            if settled.is_some_and(|s| s > depth) {
                break;
            }
            match rule.rule_type.as_deref().unwrap_or_default().to_ascii_uppercase().as_str() {
                "FORWARD" => choice.forward.push((depth, rule)),
                "SYSTEM" | "RECURSIVE" => choice.amazon = true,
                other => {
                    choice.open.insert(Unseen::Elsewhere(format!("where Resolver rule {} of type {other:?} leads", rule.id)));
                }
            }
            if sure {
                settled = Some(depth);
            }
        }
        choice.amazon |= settled.is_none();
        choice
    }

    /// Resolver rules, then zones. A rule for the very name of a zone beats it, a less specific one does not.
    pub(super) fn ruled<'t>(&'t self, question: &Question<'t>, trail: &mut Trail<'t>) -> Set {
        let Choice { forward, mut amazon, doubts, open } = self.rule_for(question.vpc, question.host);
        let depths = self.zone_depths(question);
        amazon |= forward.is_empty() || forward.iter().any(|(depth, _)| depths.possible.is_some_and(|p| *depth < p));
        let mut set = if amazon { self.local(question) } else { Set::default() };
        for (_, rule) in forward.iter().filter(|(depth, _)| depths.sure.is_none_or(|s| *depth >= s)) {
            set.join(self.forwarded(question, rule, trail));
        }
        doubts.into_iter().for_each(|u| set.doubt(Doubt::new("DN08", question.vpc, u)));
        let open = open.into_iter().map(|u| Doubt::new("DN08", question.vpc, u));
        open.chain(self.unseen_here(question.vpc)).chain(self.profiles(question.vpc)).for_each(|d| set.open(d));
        set
    }

    /// The FORWARD rule that may decide a name here, if there is one.
    pub(super) fn forwarding_rule(&self, question: &Question<'_>) -> Option<&'v ResolverRule> {
        let depths = self.zone_depths(question);
        self.rule_for(question.vpc, question.host).forward.into_iter().find(|(depth, _)| depths.sure.is_none_or(|s| *depth >= s)).map(|(_, rule)| rule)
    }

    /// Where a FORWARD rule sends a query: resolvers of Amazon's that were seen, else servers whose forwarding was not.
    fn forwarded<'t>(&'t self, question: &Question<'t>, rule: &'t ResolverRule, trail: &mut Trail<'t>) -> Set {
        let vpc = question.vpc;
        let outbound = self.outbound_vpc(rule);
        let mut set = Set::default();
        for target in rule.target_ips.iter().filter_map(|t| t.ip.as_deref().or(t.ipv6.as_deref())) {
            let hosts = target.parse().map(|a| self.inbound_at(outbound.unwrap_or(vpc), a)).unwrap_or_default();
            for (host_vpc, works) in &hosts {
                set.join(self.rebased(self.amazon(&question.to(host_vpc, true), trail), vpc, host_vpc));
                if !works {
                    set.add(NameAnswer::nothing(Some(&rule.id), format!("the Resolver endpoint at {target} does not answer")).owned("DN08", vpc));
                    set.doubt(Doubt::new("DN08", vpc, Unseen::Elsewhere(format!("whether the Resolver endpoint at {target} works"))));
                }
            }
            match outbound {
                _ if !hosts.is_empty() => {}
                Some(outbound) if dhcp::is_amazon(self.view, outbound, target) => set.join(self.rebased(self.amazon(&question.to(outbound, false), trail), vpc, outbound)),
                _ => {
                    let detail = format!("Resolver rule {} sends {} to {target}, which asks the public DNS, unless it forwards the name back", rule.id, question.host);
                    let evidence = Evidence::new(Action::ListResolverRules, "DomainName", rule.domain_name.as_deref().unwrap_or_default(), format!("forwarded to {target}"));
                    let public = Self::public(question, Some(&rule.id), detail).owned("DN08", vpc).because(evidence);
                    set.join(self.unseen_forwarding(question, target, self.local(question), public, trail));
                    set.doubt(Doubt::new("DN08", vpc, Unseen::Datum(format!("where the server {target} of Resolver rule {} forwards names of AWS", rule.id))));
                }
            }
        }
        if rule.target_ips.is_empty() {
            set.open(Doubt::new("DN08", vpc, Unseen::Elsewhere(format!("the servers of Resolver rule {}", rule.id))));
        }
        set
    }

    /// A server that may forward to Amazon's resolver here, may ask the public DNS, or may lead to an endpoint elsewhere that
    /// this VPC is joined to.
    pub(super) fn unseen_forwarding<'t>(&'t self, question: &Question<'t>, server: &str, amazon: Set, public: NameAnswer, trail: &mut Trail<'t>) -> Set {
        let mut set = amazon;
        let rule = public.cause.as_ref().map_or("DN08", |c| c.rule);
        let known = set.is_closed() && set.answers().all(|a| matches!(a.target, NameTarget::Endpoint { .. } | NameTarget::Remote { .. }));
        set.add(public);
        // Whether VPCs are joined is known only where both kinds of links were listed.
        let links_unseen = [Action::DescribeVpcPeeringConnections, Action::DescribeTransitGatewayVpcAttachments].iter().any(|a| !self.view.seen(*a));
        if !known && !question.service.is_empty() {
            if !self.view.seen(Action::DescribeVpcEndpoints) {
                set.open(Doubt::new(rule, question.vpc, Unseen::Action(Action::DescribeVpcEndpoints)));
            }
            for endpoint in self.view.index.endpoints.values() {
                let Some(other) = endpoint.vpc_id.as_deref() else { continue };
                if other != question.vpc
                    && is_interface(endpoint)
                    && usable(endpoint) != Usable::No
                    && of_service(self.view, endpoint, question.service)
                    && (self.joined(question.vpc, other) || links_unseen)
                {
                    let id = endpoint.vpc_endpoint_id.clone();
                    let detail = format!("a DNS server whose forwarding was not seen may send {} to {id}", question.host);
                    set.add(NameAnswer::new(NameTarget::Remote { id, addresses: None }, record_families(endpoint), None, detail));
                }
            }
        }
        for action in [Action::ListResolverEndpoints, Action::ListResolverEndpointIpAddresses] {
            if self.view.seen(action) || self.view.options.plain_dns {
                continue;
            }
            // It may be an inbound Resolver endpoint: of this VPC if it has an address here, else of any other that is joined.
            match server.parse::<IpAddr>() {
                Ok(address) if self.contains(question.vpc, address) => {
                    set.join(self.amazon(&question.to(question.vpc, true), trail));
                    set.doubt(Doubt::new(rule, question.vpc, Unseen::Action(action)));
                }
                Ok(IpAddr::V4(v4)) if !v4.is_private() => set.doubt(Doubt::new(rule, question.vpc, Unseen::Action(action))),
                _ => set.open(Doubt::new(rule, question.vpc, Unseen::Action(action))),
            }
        }
        set
    }
}
