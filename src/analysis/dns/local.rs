//! Private hosted zones and the endpoints' managed zones of a VPC, else the public DNS.

use std::collections::BTreeSet;

use super::answer::{Doubt, Families, NameAnswer, NameTarget, PRESENCE, Set};
use super::endpoints::{Hold, names_of, record_families};
use super::name;
use super::resolver::{Question, Resolver};
use super::zones::{Node, Zone};
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::finding::Evidence;
use crate::inventory::ec2::VpcEndpoint;

/// How many names a record may lead through.
const REDIRECTIONS: usize = 4;

/// How the endpoints of a VPC stand to a name.
#[derive(Debug, Default)]
struct Standing<'v> {
    /// Those whose private DNS takes the name or may: depth of their zone, and the doubt.
    takers: Vec<(usize, &'v VpcEndpoint, Option<Doubt>)>,
    /// Those that were meant to.
    bystanders: Vec<(&'v VpcEndpoint, Hold)>,
    /// Those of kinds whose names are not modelled.
    unmodelled: Vec<Doubt>,
}

/// How specific the zones for a name are: the most specific that is there for certain, and that may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Depths {
    pub sure: Option<usize>,
    pub possible: Option<usize>,
}

impl<'v> Resolver<'v> {
    fn hostnames(&self, vpc: &str) -> Option<bool> {
        self.view.index.vpc_attributes.get(vpc).and_then(|a| a.enable_dns_hostnames.as_ref()?.value)
    }

    fn standing(&self, question: &Question<'_>) -> Standing<'v> {
        let mut out = Standing::default();
        for endpoint in self.endpoints_of(question.vpc) {
            match self.hold(endpoint, question.host, question.service, question.inbound) {
                Hold::Takes(depth) => out.takers.push((depth, endpoint, None)),
                Hold::MayTake(depth, doubt) => out.takers.push((depth, endpoint, Some(doubt))),
                Hold::Unmodelled(doubt) => out.unmodelled.push(doubt),
                Hold::Apart => {}
                other => out.bystanders.push((endpoint, other)),
            }
        }
        out
    }

    /// Depth of the most specific zones for a name, the endpoints' managed zones included.
    pub(super) fn zone_depths(&self, question: &Question<'_>) -> Depths {
        let hostnames = self.hostnames(question.vpc);
        if hostnames == Some(false) {
            return Depths { sure: None, possible: None };
        }
        let (depth, zones) = self.zones_for(question.vpc, question.host);
        let zone = (!zones.is_empty()).then_some(depth);
        let takers = self.standing(question).takers;
        let possible = takers.iter().map(|(d, ..)| *d).chain(zone).max();
        let sure = takers.iter().filter(|(.., doubt)| doubt.is_none()).map(|(d, ..)| *d).chain(zone).max();
        Depths { sure: sure.filter(|_| hostnames == Some(true)), possible }
    }

    /// Why more zones and endpoints may decide a name than were seen. None of them works with enableDnsHostnames off.
    pub(super) fn unseen_here(&self, vpc: &str) -> Vec<Doubt> {
        if self.hostnames(vpc) == Some(false) {
            return Vec::new();
        }
        let endpoints = self.endpoints_unseen(vpc).map(|u| Doubt::new(PRESENCE, vpc, u));
        endpoints.into_iter().chain(self.zones_unseen(vpc).map(|u| Doubt::new("DN05", vpc, u))).collect()
    }

    /// What Route 53 Profiles may bring to a VPC: rules, zones and firewall rules, none of which show in the VPC's own lists.
    pub(super) fn profiles(&self, vpc: &str) -> Vec<Doubt> {
        let action = Action::ListProfileAssociations;
        let unseen = (!self.view.seen(action) && !self.view.options.plain_dns).then_some(Unseen::Action(action));
        let brought = self.profiles_of_vpc.get(vpc).into_iter().flatten().map(|profile| Unseen::Elsewhere(format!("what Route 53 Profile {profile} brings to {vpc}")));
        brought.chain(unseen).map(|u| Doubt::new("DN08", vpc, u)).collect()
    }

    /// What zones and endpoints of the VPC say, else the public DNS.
    pub(super) fn local(&self, question: &Question<'_>) -> Set {
        let (vpc, host) = (question.vpc, question.host);
        let mut set = Set::default();
        if question.redirections > REDIRECTIONS {
            set.open(Doubt::new("DN05", vpc, Unseen::Elsewhere(format!("where {host} leads, after {REDIRECTIONS} redirections"))));
            return set;
        }
        let hostnames = self.hostnames(vpc);
        let zoned = self.zoned(question);
        let without = (hostnames != Some(true)).then(|| self.without_zones(question, &zoned));
        // What was seen of zones and endpoints says more than an attribute that was not seen.
        if hostnames != Some(false) {
            set.join(zoned);
        }
        without.into_iter().for_each(|answer| set.add(answer));
        if hostnames.is_none() {
            set.doubt(Doubt::new("DN02", vpc, Unseen::Action(Action::DescribeVpcAttribute)));
        }
        set
    }

    /// The answer with enableDnsHostnames off, or with what it would be if it is: the public one, owned by DN02 if a zone or endpoint would else take the name.
    fn without_zones(&self, question: &Question<'_>, zoned: &Set) -> NameAnswer {
        let vpc = question.vpc;
        let off = self.hostnames(vpc) == Some(false);
        let known = if off { format!("enableDnsHostnames of {vpc} is off:") } else { format!("if enableDnsHostnames of {vpc}, which was not seen, is off,") };
        let detail = format!("{known} neither private DNS of endpoints nor private zones work there, and {} resolves to its public address", question.host);
        let mut answer = Self::public(question, Some(vpc), detail);
        // Endpoints that cannot be listed would take it too, if they were meant to.
        let hidden = !question.service.is_empty() && question.service != "s3" && self.endpoints_unseen(vpc).is_some();
        if hidden || zoned.answers().any(|a| a.target != NameTarget::Public) {
            let answer = answer.owned("DN02", vpc);
            return if off { answer.because(Evidence::new(Action::DescribeVpcAttribute, "EnableDnsHostnames", "false", "")) } else { answer };
        }
        answer.cause = zoned.answers().find_map(|a| a.cause.clone());
        answer
    }

    /// The most specific of private zones and the endpoints' managed zones, with both attributes on.
    fn zoned(&self, question: &Question<'_>) -> Set {
        let (vpc, host) = (question.vpc, question.host);
        let mut set = Set::default();
        let Standing { mut takers, bystanders, unmodelled } = self.standing(question);
        self.unseen_here(vpc).into_iter().chain(unmodelled).for_each(|u| set.open(u));
        let (zone_depth, zones) = self.zones_for(vpc, host);
        // Of the same name, the endpoint's zone was there first: AWS lets neither be made beside the other.
        takers.retain(|(depth, ..)| zones.is_empty() || *depth >= zone_depth);
        let best = takers.iter().filter(|(.., doubt)| doubt.is_none()).map(|(depth, ..)| *depth).max();
        takers.retain(|(depth, ..)| best.is_none_or(|b| *depth >= b));
        if let [_, _, ..] = takers.as_slice() {
            set.doubt(Doubt::new("DN05", vpc, Unseen::Elsewhere(format!("which of several endpoints of {vpc} takes {host}"))));
        }
        for (_, endpoint, doubt) in takers {
            let id = &endpoint.vpc_endpoint_id;
            let target = NameTarget::Endpoint { id: id.clone(), addresses: None };
            let answer = NameAnswer::new(target, record_families(endpoint), Some(id), format!("{host} resolves to {id} by its private DNS"));
            set.add(answer.because(Evidence::new(Action::DescribeVpcEndpoints, "PrivateDnsEnabled", "true", format!("of {id}"))));
            doubt.into_iter().for_each(|u| set.doubt(u));
        }
        if best.is_some() {
            return set;
        }
        if zones.is_empty() {
            set.add(self.passed_by(question, &bystanders));
        }
        if let [first, second, ..] = zones.as_slice() {
            set.doubt(Doubt::new("DN05", first.id, Unseen::Elsewhere(format!("which of the hosted zones {} and {} of one name answers", first.id, second.id))));
        }
        for zone in zones {
            set.join(self.by_zone(question, zone));
        }
        set
    }

    /// What one private zone says.
    fn by_zone(&self, question: &Question<'_>, zone: &Zone<'v>) -> Set {
        let host = question.host;
        // The zone of the service's own name is wrong (DN07); one above it shadows names that it does not know (DN05).
        let own = zone.name == host || self.service_names(question.service).iter().any(|n| n.strip_prefix("*.").unwrap_or(n) == zone.name);
        let rule = if own { "DN07" } else { "DN05" };
        let hidden = |detail: String, unseen: Unseen| {
            let mut set: Set = NameAnswer::new(NameTarget::Private(BTreeSet::new()), Families::BOTH, Some(zone.id), detail).into();
            set.open(Doubt::new(rule, zone.id, unseen));
            set
        };
        let records = match self.records(zone) {
            Ok(records) => records,
            Err(unseen) => return hidden(format!("hosted zone {} ({}) decides {host}, and its records were not seen", zone.name, zone.id), unseen),
        };
        let mut set = match records.look_up(&zone.name, host) {
            Node::Delegated(at) => hidden(format!("hosted zone {} delegates {at}", zone.name), Unseen::Elsewhere(format!("where hosted zone {} delegates {at} to", zone.id))),
            Node::Sets(sets) => self.record_targets(question, zone, &sets),
            Node::Absent => Set::default(),
        };
        if set.is_empty() {
            let detail = format!("hosted zone {} ({}) takes {host} and has no address for it: the name does not resolve, nor is the public DNS asked", zone.name, zone.id);
            let evidence = Evidence::new(Action::ListResourceRecordSets, "Name", host, format!("not in hosted zone {}", zone.id));
            set.add(NameAnswer::nothing(Some(zone.id), detail).owned(rule, zone.id).because(evidence));
        }
        if records.truncated {
            set.open(Doubt::new(rule, zone.id, Unseen::Action(Action::ListResourceRecordSets)));
        }
        set
    }

    /// The public answer, with the rule that owns it where an endpoint or zone was meant to take the name.
    fn passed_by(&self, question: &Question<'_>, bystanders: &[(&VpcEndpoint, Hold)]) -> NameAnswer {
        let (vpc, host) = (question.vpc, question.host);
        if let Some(wrong) = self.wrongly_named_zones(vpc).into_iter().find(|w| w.service == question.service) {
            let detail = format!("hosted zone {} stands for no name of {}, so that {host} resolves to its public address; the zone should be {}", wrong.name, wrong.service, wrong.right.join(", "));
            let evidence = Evidence::new(Action::ListHostedZonesByVpc, "Name", &wrong.name, format!("of {}", wrong.zone));
            return Self::public(question, Some(&wrong.zone), detail).owned("DN07", &wrong.zone).because(evidence);
        }
        // One rule judges the ways to S3 together: its interface endpoints have no finding of their own.
        let judged = question.service != "s3";
        let first = |is: fn(&Hold) -> bool| bystanders.iter().find(|(_, h)| is(h)).map(|(e, _)| *e);
        if let Some(endpoint) = first(|h| matches!(h, Hold::Uncovered)) {
            let id = &endpoint.vpc_endpoint_id;
            let detail = format!("{host} is none of the names that {id} takes over, and resolves to its public address");
            let answer = Self::public(question, Some(id), detail).because(Evidence::new(Action::DescribeVpcEndpoints, "DnsEntries", names_of(self.view, endpoint).names.join(" "), format!("of {id}")));
            return if judged { answer.owned("DN03", id) } else { answer };
        }
        if let Some(endpoint) = first(|h| matches!(h, Hold::Off)) {
            let id = &endpoint.vpc_endpoint_id;
            let detail = format!("private DNS of {id} is off, so that {host} resolves to its public address");
            let answer = Self::public(question, Some(id), detail).because(Evidence::new(Action::DescribeVpcEndpoints, "PrivateDnsEnabled", "false", format!("of {id}")));
            return if judged { answer.owned("DN01", id) } else { answer };
        }
        if let Some(endpoint) = first(|h| matches!(h, Hold::InboundOnly)) {
            let id = &endpoint.vpc_endpoint_id;
            let detail = format!("private DNS of {id} is for inbound Resolver endpoints alone, so that {host} resolves to its public address in {vpc}");
            return Self::public(question, Some(id), detail).because(Evidence::new(Action::DescribeVpcEndpoints, "PrivateDnsOnlyForInboundResolverEndpoint", "true", format!("of {id}")));
        }
        Self::public(question, None, format!("nothing in {vpc} takes {host}: it resolves to its public address"))
    }

    /// The public address.
    pub(super) fn public(question: &Question<'_>, object: Option<&str>, detail: impl Into<String>) -> NameAnswer {
        NameAnswer::new(NameTarget::Public, Families { v4: true, v6: name::public_has_ipv6(question.host) }, object, detail)
    }
}
