//! Where a record leads: names of endpoints, addresses of endpoints, other names, other addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::answer::{Doubt, Families, NameAnswer, NameTarget, Set};
use super::endpoints::{deleted, is_interface, names_of, of_service, own_name_families};
use super::name;
use super::resolver::{Question, Resolver};
use super::zones::Zone;
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::finding::Evidence;
use crate::inventory::dns::ResourceRecordSet;
use crate::inventory::ec2::VpcEndpoint;

/// The record sets of one type among which routing policies choose.
fn live_sets<'r>(sets: &[&'r ResourceRecordSet], kind: &str) -> Vec<&'r ResourceRecordSet> {
    let of_kind: Vec<&ResourceRecordSet> = sets.iter().copied().filter(|s| s.r#type.as_deref() == Some(kind)).collect();
    // A weight of zero is never chosen beside a greater one.
    let weighted = of_kind.iter().any(|s| s.weight.is_some_and(|w| w > 0));
    of_kind.into_iter().filter(|s| !(weighted && s.weight == Some(0))).collect()
}

impl Resolver<'_> {
    /// Where the record sets of one name lead.
    pub(super) fn record_targets(&self, question: &Question<'_>, zone: &Zone<'_>, sets: &[&ResourceRecordSet]) -> Set {
        let mut out = Set::default();
        let aliases = live_sets(sets, "CNAME");
        if !aliases.is_empty() {
            for set in &aliases {
                for value in set.resource_records.iter().filter_map(|r| r.value.as_deref()) {
                    out.join(self.redirected(question, zone, value, true, Families::BOTH));
                }
            }
            self.several(&mut out, zone, &aliases);
            return out;
        }
        let by_family: Vec<(Families, Vec<NameAnswer>)> = [("A", Families::V4), ("AAAA", Families::V6)]
            .into_iter()
            .filter_map(|(kind, families)| {
                let live = live_sets(sets, kind);
                let mut possible = Set::default();
                for set in &live {
                    let evidence = || Evidence::new(Action::ListResourceRecordSets, format!("{} {kind}", name::normal(&set.name)), value_of(set), format!("in hosted zone {}", zone.id));
                    possible.join(self.set_targets(question, zone, set, families).map(|answer| answer.because(evidence())));
                }
                self.several(&mut possible, zone, &live);
                let answers = possible.take_answers();
                out.join(possible);
                (!live.is_empty()).then_some((families, answers))
            })
            .collect();
        for answer in together(by_family, question.consumer) {
            out.add(answer);
        }
        out
    }

    /// Of several record sets one answers at a time.
    fn several(&self, out: &mut Set, zone: &Zone<'_>, sets: &[&ResourceRecordSet]) {
        if let [first, _, ..] = sets {
            out.doubt(Doubt::new("DN07", zone.id, Unseen::Elsewhere(format!("which of the records {} of hosted zone {} answers", name::normal(&first.name), zone.id))));
        }
    }

    fn set_targets(&self, question: &Question<'_>, zone: &Zone<'_>, set: &ResourceRecordSet, families: Families) -> Set {
        if let Some(target) = set.alias_target.as_ref().and_then(|t| t.dns_name.as_deref()) {
            return self.redirected(question, zone, target, false, families);
        }
        let values: BTreeSet<IpAddr> = set.resource_records.iter().filter_map(|r| r.value.as_deref()?.trim().parse().ok()).collect();
        self.address_targets(question, zone, &values, families)
    }

    /// Where another name leads, to which a record of the zone leads.
    fn redirected(&self, question: &Question<'_>, zone: &Zone<'_>, target: &str, cname: bool, families: Families) -> Set {
        let target = name::normal(target);
        if cname && let Some(set) = self.redirection_filtered(question, &target) {
            return set;
        }
        if let Some((id, az)) = name::endpoint_name(&target) {
            return self.endpoint_target(question, zone, &target, &id, az.as_deref(), families);
        }
        let mut out = Set::default();
        let next = question.about(&target);
        if cname && let Some(rule) = self.forwarding_rule(&next) {
            out.open(Doubt::new("DN07", zone.id, Unseen::Elsewhere(format!("where Resolver rule {} sends {target}, to which hosted zone {} redirects", rule.id, zone.id))));
        }
        let mut inner = self.local(&next);
        for mut answer in inner.take_answers() {
            if answer.target == NameTarget::Public {
                out.open(Doubt::new("DN07", zone.id, Unseen::Elsewhere(format!("where {target} leads, to which hosted zone {} redirects", zone.id))));
                continue;
            }
            if let NameTarget::Endpoint { id, addresses } | NameTarget::Remote { id, addresses } = &answer.target
                && let Some(endpoint) = self.view.index.endpoints.get(id.as_str())
                && !self.serves(question, endpoint)
            {
                out.add(self.towards(question, zone, endpoint, addresses.clone(), answer.records.and(families)));
                continue;
            }
            answer.records = answer.records.and(families);
            answer.detail = format!("{} of hosted zone {} leads to {target}; {}", question.host, zone.id, answer.detail);
            out.add(answer);
        }
        out.join(inner);
        out
    }

    /// Where the name of an endpoint leads.
    fn endpoint_target(&self, question: &Question<'_>, zone: &Zone<'_>, target: &str, id: &str, az: Option<&str>, families: Families) -> Set {
        let host = question.host;
        let Some(endpoint) = self.view.index.endpoints.get(id) else {
            return match self.outside(question.vpc) {
                None => NameAnswer::nothing(Some(zone.id), format!("hosted zone {} sends {host} to {target}, but there is no endpoint {id}", zone.name)).owned("DN07", zone.id).into(),
                Some(unseen) => {
                    let mut out: Set =
                        NameAnswer::new(NameTarget::Private(BTreeSet::new()), families, Some(zone.id), format!("hosted zone {} sends {host} to {id}, which was not seen", zone.name)).into();
                    out.open(Doubt::new("DN07", zone.id, unseen));
                    out
                }
            };
        };
        if deleted(endpoint) {
            return NameAnswer::nothing(Some(zone.id), format!("hosted zone {} sends {host} to {id}, which is deleted", zone.name)).owned("DN07", zone.id).into();
        }
        let families = families.and(own_name_families(endpoint));
        let in_zone = az.and_then(|az| self.addresses(endpoint, Some(az)));
        if in_zone.as_ref().is_some_and(Vec::is_empty) && self.zones_known(endpoint) {
            return NameAnswer::nothing(Some(zone.id), format!("hosted zone {} sends {host} to {target}, and {id} has no interface there", zone.name)).owned("DN07", zone.id).into();
        }
        let listed = in_zone.filter(|found| !found.is_empty()).map(|found| found.into_iter().filter(|a| families_of(a).and(families).any()).collect());
        self.towards(question, zone, endpoint, listed, families).into()
    }

    /// An answer that leads to an endpoint, or to a wrong one.
    fn towards(&self, question: &Question<'_>, zone: &Zone<'_>, endpoint: &VpcEndpoint, addresses: Option<BTreeSet<IpAddr>>, families: Families) -> NameAnswer {
        let (host, id) = (question.host, endpoint.vpc_endpoint_id.clone());
        if !self.serves(question, endpoint) {
            let service = endpoint.service_name.as_deref().unwrap_or("another service");
            let all = addresses.or_else(|| self.addresses(endpoint, None).map(|a| a.into_iter().collect())).unwrap_or_default();
            return NameAnswer::new(NameTarget::Private(all), families, Some(zone.id), format!("hosted zone {} sends {host} to {id}, an endpoint of {service}", zone.name)).owned("DN07", zone.id);
        }
        let target = if endpoint.vpc_id.as_deref() == Some(question.vpc) { NameTarget::Endpoint { id: id.clone(), addresses } } else { NameTarget::Remote { id: id.clone(), addresses } };
        NameAnswer::new(target, families, Some(zone.id), format!("hosted zone {} sends {host} to {id}", zone.name))
    }

    /// Who has the addresses of one record set, all of which are handed out together.
    fn address_targets(&self, question: &Question<'_>, zone: &Zone<'_>, values: &BTreeSet<IpAddr>, families: Families) -> Set {
        let mut out = Set::default();
        let mut by_endpoint: BTreeMap<&str, BTreeSet<IpAddr>> = BTreeMap::new();
        let mut others = BTreeSet::new();
        for address in values {
            let owners = self.owners(question.vpc, *address);
            if let [_, _, ..] = owners.as_slice() {
                out.doubt(Doubt::new("DN07", zone.id, Unseen::Elsewhere(format!("which of the VPCs that use {address} the address of hosted zone {} means", zone.id))));
            }
            if owners.is_empty() {
                others.insert(*address);
            }
            for owner in owners {
                by_endpoint.entry(owner).or_default().insert(*address);
            }
        }
        for (id, listed) in by_endpoint {
            let Some(endpoint) = self.view.index.endpoints.get(id) else { continue };
            let all: Option<BTreeSet<IpAddr>> = self.addresses(endpoint, None).map(|a| a.into_iter().filter(|a| families_of(a).and(families).any()).collect());
            let listed = (all.as_ref() != Some(&listed)).then_some(listed);
            out.add(self.towards(question, zone, endpoint, listed, families));
        }
        if !others.is_empty() {
            let foreign = self.foreign(question, zone, others, families);
            if foreign.answers().any(|a| a.cause.is_some()) {
                // A client takes any of the addresses, and some lead nowhere.
                return foreign;
            }
            out.join(foreign);
        }
        if values.is_empty() {
            out.add(NameAnswer::nothing(Some(zone.id), format!("hosted zone {} has no address for {}", zone.name, question.host)).owned("DN07", zone.id));
        }
        out
    }

    /// Addresses that no endpoint known here has: wrong for a service's name, unless somebody unseen may have them.
    fn foreign(&self, question: &Question<'_>, zone: &Zone<'_>, addresses: BTreeSet<IpAddr>, families: Families) -> Set {
        let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let doubts: Vec<Option<Unseen>> = addresses.iter().map(|a| self.perhaps_elsewhere(question, *a)).collect();
        let answer = NameAnswer::new(NameTarget::Private(addresses), families, Some(zone.id), format!("hosted zone {} sends {} to {list}, which no endpoint known here has", zone.name, question.host));
        if question.service.is_empty() {
            return answer.into();
        }
        if doubts.contains(&None) {
            return answer.owned("DN07", zone.id).into();
        }
        let mut set: Set = answer.into();
        doubts.into_iter().flatten().for_each(|u| set.open(Doubt::new("DN07", zone.id, u)));
        set
    }

    /// Why an address that no known endpoint has may be an endpoint's all the same.
    fn perhaps_elsewhere(&self, question: &Question<'_>, address: IpAddr) -> Option<Unseen> {
        let (endpoints, interfaces) = (Action::DescribeVpcEndpoints, Action::DescribeNetworkInterfaces);
        if !self.view.seen(interfaces) {
            return Some(Unseen::Action(interfaces));
        }
        if !self.view.seen(endpoints) {
            return Some(Unseen::Action(endpoints));
        }
        let whose = || Unseen::Elsewhere(format!("who has the address {address}"));
        let same_service = || self.view.index.endpoints.values().filter(|e| of_service(self.view, e, question.service));
        if same_service().any(|e| self.addresses(e, None).is_none()) {
            return Some(Unseen::Action(interfaces));
        }
        if self.contains(question.vpc, address) {
            return self.endpoints_unseen(question.vpc);
        }
        let seen_range = self.view.index.vpcs.keys().any(|v| self.contains(v, address) && self.endpoints_unseen(v).is_none());
        if self.outside(question.vpc).is_some() || !(seen_range || same_service().next().is_some()) {
            return Some(whose());
        }
        None
    }

    /// Whether it was seen in which Availability Zone each interface of the endpoint is.
    fn zones_known(&self, endpoint: &VpcEndpoint) -> bool {
        !endpoint.network_interface_ids.is_empty() && endpoint.network_interface_ids.iter().all(|id| self.view.index.interfaces.get(id.as_str()).is_some_and(|i| i.availability_zone.is_some()))
    }

    /// Whether an endpoint is one for the name that was asked, private DNS on or off.
    fn serves(&self, question: &Question<'_>, endpoint: &VpcEndpoint) -> bool {
        is_interface(endpoint) && (of_service(self.view, endpoint, question.service) || names_of(self.view, endpoint).names.iter().any(|n| name::matches(n, question.asked)))
    }

    /// Endpoints that have an address, as seen from `vpc`: an address in its own range is local, whoever else uses it.
    fn owners(&self, vpc: &str, address: IpAddr) -> Vec<&str> {
        let of_vpc = |id: &&str| self.view.index.endpoints.get(*id).and_then(|e| e.vpc_id.as_deref()) == Some(vpc);
        let all = self.endpoint_addresses.get(&address).map(Vec::as_slice).unwrap_or_default();
        let (own, others): (Vec<&str>, Vec<&str>) = all.iter().copied().partition(|id| of_vpc(id));
        if own.is_empty() && !self.contains(vpc, address) { others } else { own }
    }
}

/// The answers to a consumer's queries of both families, each of which was looked up apart: a target has the records of both,
/// and nothing comes back only where nothing may come back in every family that the consumer asks for.
fn together(by_family: Vec<(Families, Vec<NameAnswer>)>, consumer: Families) -> Vec<NameAnswer> {
    let asked = |f: &Families| f.and(consumer).any();
    // Where no family fits, what the other one has tells why.
    let fits = by_family.iter().any(|(f, _)| asked(f));
    let picked = |f: &Families| asked(f) || !fits;
    let mut records: BTreeMap<NameTarget, Families> = BTreeMap::new();
    for answer in by_family.iter().flat_map(|(_, answers)| answers) {
        let entry = records.entry(answer.target.clone()).or_insert(Families::NONE);
        *entry = entry.or(answer.records);
    }
    let lacking = by_family.iter().filter(|(f, _)| picked(f)).all(|(f, answers)| answers.iter().any(|a| !a.records.and(*f).any()));
    let mut out: BTreeMap<NameTarget, NameAnswer> = BTreeMap::new();
    for (families, answers) in by_family.into_iter().filter(|(f, _)| picked(f)) {
        for mut answer in answers {
            if lacking || answer.records.and(families).any() {
                answer.records = records.get(&answer.target).copied().unwrap_or(answer.records);
                out.entry(answer.target.clone()).or_insert(answer);
            }
        }
    }
    out.into_values().collect()
}

fn families_of(address: &IpAddr) -> Families {
    if address.is_ipv4() { Families::V4 } else { Families::V6 }
}

fn value_of(set: &ResourceRecordSet) -> String {
    match set.alias_target.as_ref().and_then(|t| t.dns_name.as_deref()) {
        Some(name) => name.to_owned(),
        None => set.resource_records.iter().filter_map(|r| r.value.as_deref()).collect::<Vec<_>>().join(" "),
    }
}
