//! Where a record leads: names of endpoints, addresses of endpoints, other names, other addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::answer::{Families, NameAnswer, NameTarget, Set};
use super::endpoints::{deleted, is_interface, of_service, own_name_families};
use super::name;
use super::resolver::{Question, Resolver};
use super::zones::Zone;
use crate::actions::Action;
use crate::analysis::{Family, Unseen};
use crate::finding::Evidence;
use crate::inventory::dns::ResourceRecordSet;
use crate::inventory::ec2::VpcEndpoint;

/// What several record sets of one type say: the alternatives among which routing policies choose, and for each the targets
/// that one answer holds together.
pub(super) fn live_sets<'r>(sets: &[&'r ResourceRecordSet], kind: &str) -> Vec<&'r ResourceRecordSet> {
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
        let (a, aaaa) = (live_sets(sets, "A"), live_sets(sets, "AAAA"));
        // IPv4 and IPv6 are asked apart; one answer with both is the usual case and reads better as one.
        let mut both: BTreeMap<NameTarget, (Families, NameAnswer)> = BTreeMap::new();
        for (kind, family, these) in [("A", Family::V4, &a), ("AAAA", Family::V6, &aaaa)] {
            for set in these {
                let mut part = self.set_targets(question, zone, set, family);
                part = part
                    .map(|answer| answer.because(Evidence::new(Action::ListResourceRecordSets, format!("{} {kind}", name::normal(&set.name)), value_of(set), format!("in hosted zone {}", zone.id))));
                let (answers, unseen, open) = part.parts();
                for answer in answers {
                    both.entry(answer.target.clone()).and_modify(|(f, _)| *f = f.or(answer.records)).or_insert((answer.records, answer));
                }
                unseen.into_iter().for_each(|u| if open { out.open(u) } else { out.doubt(u) });
            }
            self.several(&mut out, zone, these);
        }
        let wanted = |f: Families| f.and(question.consumer).any();
        let fits = both.values().any(|(f, _)| wanted(*f));
        for (families, mut answer) in both.into_values() {
            if !fits || wanted(families) {
                answer.records = families;
                out.add(answer);
            }
        }
        out
    }

    /// Of several record sets one answers at a time.
    fn several(&self, out: &mut Set, zone: &Zone<'_>, sets: &[&ResourceRecordSet]) {
        if let [first, _, ..] = sets {
            out.doubt(Unseen::Datum(format!("which of the records {} of hosted zone {} answers", name::normal(&first.name), zone.id)));
        }
    }

    fn set_targets(&self, question: &Question<'_>, zone: &Zone<'_>, set: &ResourceRecordSet, family: Family) -> Set {
        let families = if family == Family::V4 { Families::V4 } else { Families::V6 };
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
        let inner = self.local(&question.of(&target));
        let (answers, unseen, open) = inner.parts();
        for mut answer in answers {
            if answer.target == NameTarget::Public {
                out.open(Unseen::Datum(format!("where {target} leads, to which hosted zone {} redirects", zone.id)));
                continue;
            }
            answer.records = answer.records.and(families);
            answer.detail = format!("{} of hosted zone {} leads to {target}; {}", question.host, zone.id, answer.detail);
            out.add(answer);
        }
        unseen.into_iter().for_each(|u| if open { out.open(u) } else { out.doubt(u) });
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
                    out.open(unseen);
                    out
                }
            };
        };
        if deleted(endpoint) {
            return NameAnswer::nothing(Some(zone.id), format!("hosted zone {} sends {host} to {id}, which is deleted", zone.name)).owned("DN07", zone.id).into();
        }
        let families = families.and(own_name_families(endpoint));
        let addresses = az.map(|az| self.addresses(endpoint, Some(az)));
        let listed = match addresses {
            Some(Some(found)) if !found.is_empty() => Some(found.into_iter().filter(|a| families_of(a).and(families).any()).collect()),
            _ => None,
        };
        self.towards(question, zone, endpoint, listed, families).into()
    }

    /// An answer that leads to an endpoint, or to a wrong one.
    fn towards(&self, question: &Question<'_>, zone: &Zone<'_>, endpoint: &VpcEndpoint, addresses: Option<BTreeSet<IpAddr>>, families: Families) -> NameAnswer {
        let (host, id) = (question.host, endpoint.vpc_endpoint_id.clone());
        if !is_interface(endpoint) || !(of_service(self.view, endpoint, question.service) || self.stands_behind(endpoint, host)) {
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
                out.doubt(Unseen::Datum(format!("which of the VPCs that use {address} the address of hosted zone {} means", zone.id)));
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
            self.foreign(question, zone, others, families, &mut out);
        }
        if values.is_empty() {
            out.add(NameAnswer::nothing(Some(zone.id), format!("hosted zone {} has no address for {}", zone.name, question.host)).owned("DN07", zone.id));
        }
        out
    }

    /// Addresses that no endpoint known here has: wrong for a service's name, unless somebody unseen may have them.
    fn foreign(&self, question: &Question<'_>, zone: &Zone<'_>, addresses: BTreeSet<IpAddr>, families: Families, out: &mut Set) {
        let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let answer =
            NameAnswer::new(NameTarget::Private(addresses.clone()), families, Some(zone.id), format!("hosted zone {} sends {} to {list}, which no endpoint known here has", zone.name, question.host));
        if question.service.is_empty() {
            out.add(answer);
            return;
        }
        match addresses.iter().find_map(|a| self.perhaps_elsewhere(question, *a)) {
            None => out.add(answer.owned("DN07", zone.id)),
            Some(unseen) => {
                out.add(answer);
                out.open(unseen);
            }
        }
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
        let whose = || Unseen::Datum(format!("who has the address {address}"));
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

    /// Endpoints that have an address, as seen from `vpc`: an address in its own range is local, whoever else uses it.
    fn owners(&self, vpc: &str, address: IpAddr) -> Vec<&str> {
        let local = self.contains(vpc, address);
        let all = self.endpoint_addresses.get(&address).into_iter().flatten();
        all.filter(|id| local == (self.view.index.endpoints.get(**id).and_then(|e| e.vpc_id.as_deref()) == Some(vpc))).copied().collect()
    }
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
