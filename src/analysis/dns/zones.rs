//! Private hosted zones: which zone of a VPC decides a name, and what its records say. A zone that covers a name and lacks it
//! answers NXDOMAIN: nobody asks the public DNS
//! (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html>).

use std::collections::{HashMap, HashSet};

use super::name;
use super::resolver::Resolver;
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::inventory::Answer;
use crate::inventory::dns::{HostedZoneSummary, ResourceRecordSet, ResourceRecordSets};

/// A zone of users (no service's own), with its normal name.
#[derive(Debug, Clone)]
pub(super) struct Zone<'v> {
    pub id: &'v str,
    pub name: String,
    pub summary: &'v HostedZoneSummary,
}

/// What a zone's records say about a name.
#[derive(Debug)]
pub(super) enum Node<'v> {
    /// Record sets of the name or of the wildcard that stands for it; empty: the name exists without any.
    Sets(Vec<&'v ResourceRecordSet>),
    /// No such name.
    Absent,
    /// A part of the zone with this name is delegated.
    Delegated(String),
}

/// A zone's id as other operations spell it.
pub(super) fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The zones that one VPC's listing names, services' own left out.
pub(super) fn user_zones(listing: &[HostedZoneSummary]) -> Vec<Zone<'_>> {
    let mut zones: Vec<Zone<'_>> = listing
        .iter()
        .filter(|z| z.owner.as_ref().is_none_or(|o| o.owning_service.is_none()))
        .filter_map(|z| Some(Zone { id: bare(&z.hosted_zone_id), name: name::normal(z.name.as_deref()?), summary: z }))
        .collect();
    zones.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    zones
}

impl<'v> Resolver<'v> {
    /// The most specific zones of `vpc` that cover a normal name (one, but for zones of the same name), with their depth.
    pub(super) fn zones_for(&self, vpc: &str, host: &str) -> (usize, Vec<&Zone<'v>>) {
        let covering = || self.zones_of_vpc.get(vpc).into_iter().flatten().filter(|z| name::covers(&z.name, host));
        let depth = covering().map(|z| name::depth(&z.name)).max().unwrap_or_default();
        (depth, covering().filter(|z| name::depth(&z.name) == depth).collect())
    }

    /// Why the zones of `vpc` may be more than those seen.
    pub(super) fn zones_unseen(&self, vpc: &str) -> Option<Unseen> {
        let action = Action::ListHostedZonesByVpc;
        match self.view.region.hosted_zones.get(vpc) {
            Some(Answer::Output(listing)) if listing.hosted_zone_summaries.iter().any(|z| z.name.is_none()) => Some(Unseen::Elsewhere(format!("the names of the hosted zones of {vpc}"))),
            Some(Answer::Output(listing)) if listing.next_token.is_none() => None,
            _ if self.view.options.plain_dns => None,
            _ => Some(Unseen::Action(action)),
        }
    }

    /// The records of a zone, or why they are not to be had.
    pub(super) fn records(&self, zone: &Zone<'v>) -> Result<&ZoneRecords<'v>, Unseen> {
        if let Some(records) = self.records_of_zone.get(zone.id) {
            return Ok(records);
        }
        match zone.summary.owner.as_ref().and_then(|o| o.owning_account.as_deref()) {
            Some(owner) if owner != self.view.region.account => Err(Unseen::Elsewhere(format!("the records of hosted zone {}, which account {owner} owns", zone.id))),
            _ => Err(Unseen::Action(Action::ListResourceRecordSets)),
        }
    }
}

/// The records of one zone by name.
#[derive(Debug)]
pub(super) struct ZoneRecords<'v> {
    /// There are more records than were seen.
    pub truncated: bool,
    sets: HashMap<String, Vec<&'v ResourceRecordSet>>,
    /// Every name that exists: owners of records and all names above them.
    nodes: HashSet<String>,
}

impl<'v> ZoneRecords<'v> {
    pub(super) fn new(records: &'v ResourceRecordSets) -> Self {
        let mut out = Self { truncated: records.is_truncated == Some(true), sets: HashMap::new(), nodes: HashSet::new() };
        for record in &records.resource_record_sets {
            let owner = name::normal(&record.name);
            let mut node = owner.as_str();
            while !node.is_empty() && out.nodes.insert(node.to_owned()) {
                node = node.split_once('.').map_or("", |(_, parent)| parent);
            }
            out.sets.entry(owner).or_default().push(record);
        }
        out
    }

    /// Names of the records, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.sets.keys().map(String::as_str)
    }

    fn sets(&self, name: &str) -> Vec<&'v ResourceRecordSet> {
        self.sets.get(name).cloned().unwrap_or_default()
    }

    /// Looks a normal name up that the zone `apex` covers: the name itself, else the wildcard at its closest ancestor that
    /// exists (RFC 4592).
    pub(super) fn look_up(&self, apex: &str, host: &str) -> Node<'v> {
        let mut path = vec![host];
        while let Some(parent) = path.last().filter(|n| **n != apex).and_then(|n| n.split_once('.')).map(|(_, parent)| parent) {
            path.push(parent);
        }
        let is_cut = |n: &&&str| **n != apex && self.sets.get(**n).is_some_and(|s| s.iter().any(|r| r.r#type.as_deref() == Some("NS")));
        if let Some(cut) = path.iter().rev().find(is_cut) {
            return Node::Delegated((*cut).to_owned());
        }
        if self.nodes.contains(host) {
            return Node::Sets(self.sets(host));
        }
        let closest = path.iter().find(|n| self.nodes.contains(**n)).copied().unwrap_or(apex);
        let wildcard = self.sets(&format!("*.{closest}"));
        if wildcard.is_empty() { Node::Absent } else { Node::Sets(wildcard) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(names: &[(&str, &str)]) -> Vec<ResourceRecordSet> {
        names.iter().map(|(n, t)| ResourceRecordSet { name: (*n).into(), r#type: Some((*t).into()), ..ResourceRecordSet::default() }).collect()
    }

    fn found(names: &[(&str, &str)], host: &str) -> String {
        let answer = ResourceRecordSets { resource_record_sets: records(names), ..ResourceRecordSets::default() };
        match ZoneRecords::new(&answer).look_up("r", host) {
            Node::Sets(sets) => sets.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(","),
            Node::Absent => "absent".into(),
            Node::Delegated(at) => format!("delegated at {at}"),
        }
    }

    #[test]
    fn the_wildcard_at_the_closest_encloser_answers() {
        let zone = [("r.", "SOA"), ("\\052.dkr.r.", "A"), ("\\052.r.", "AAAA"), ("a.b.r.", "A")];
        assert_eq!(found(&zone, "1.dkr.r"), "\\052.dkr.r.");
        assert_eq!(found(&zone, "2.1.dkr.r"), "\\052.dkr.r.", "a DNS wildcard stands for any depth");
        assert_eq!(found(&zone, "x.r"), "\\052.r.");
        assert_eq!(found(&zone, "dkr.r"), "", "dkr.r exists, since a name below it does: no data, and no wildcard");
        assert_eq!(found(&zone, "c.b.r"), "absent", "b.r exists and has no wildcard, so that of r does not reach below");
        assert_eq!(found(&zone, "a.b.r"), "a.b.r.");
        assert_eq!(found(&zone, "r"), "r.");
    }

    #[test]
    fn a_zone_without_the_name_has_no_such_name() {
        assert_eq!(found(&[("r.", "SOA"), ("api.r.", "A")], "dkr.r"), "absent");
    }

    #[test]
    fn a_delegated_part_is_not_answered_here() {
        assert_eq!(found(&[("r.", "NS"), ("sub.r.", "NS"), ("\\052.r.", "A")], "x.sub.r"), "delegated at sub.r");
        assert_eq!(found(&[("r.", "NS"), ("r.", "A")], "r"), "r.,r.", "the apex's own NS is no delegation");
    }
}
