//! Security groups: all rules of all groups of an interface together; a packet that one of them admits gets through.

use std::collections::BTreeSet;
use std::net::IpAddr;

use audit::actions::Action;
use audit::analysis::sg::{Direction, Peer, admits};
use audit::analysis::{Index, Tri};
use audit::inventory::ec2::{IpPermission, IpRange, Ipv6Range, ManagedPrefixList, PrefixListEntries, PrefixListEntry, PrefixListId, SecurityGroup, UserIdGroupPair};
use audit::inventory::{Answer, ApiError, Region};
use proptest::prelude::*;
use proptest::sample::select;

use super::{addresses, cidr, config, forget, holds, is_public, seen_region, set, small_cidr, sum};

const PORT: u16 = 443;
const OWN: &str = "111122223333";

/// One packet against one interface.
fn packet(region: &Region, groups: &[String], egress: bool, address: IpAddr, carried: &BTreeSet<String>, list: Option<&str>) -> Tri {
    let mut answer = Tri::Fail;
    let mut heard = |said: Tri| answer = answer.min(said);
    for id in groups {
        let Some(group) = region.security_groups.iter().find(|g| &g.group_id == id) else {
            heard(Tri::Unknown);
            continue;
        };
        for rule in if egress { &group.ip_permissions_egress } else { &group.ip_permissions } {
            let on_port = match (rule.ip_protocol.as_deref(), rule.from_port, rule.to_port) {
                (Some("-1"), _, _) => Tri::Pass,
                (Some("tcp" | "6"), None | Some(-1), None | Some(-1)) => Tri::Pass,
                (Some("tcp" | "6"), Some(from), Some(to)) if from >= 0 && from <= to => {
                    if from <= 443 && to >= 443 {
                        Tri::Pass
                    } else {
                        Tri::Fail
                    }
                }
                (Some("tcp" | "6"), _, _) | (None, _, _) | (Some("?"), _, _) => Tri::Unknown,
                _ => Tri::Fail,
            };
            if on_port == Tri::Unknown {
                heard(Tri::Unknown);
            }
            if on_port != Tri::Pass {
                continue;
            }
            for range in rule.ip_ranges.iter().map(|r| &r.cidr_ip).chain(rule.ipv6_ranges.iter().map(|r| &r.cidr_ipv6)) {
                heard(match range.as_deref().and_then(|text| holds(text, address)) {
                    Some(true) => Tri::Pass,
                    Some(false) => Tri::Fail,
                    None => Tri::Unknown,
                });
            }
            for pair in &rule.user_id_group_pairs {
                if pair.peering_status.as_deref().is_some_and(|s| s != "active") {
                    continue;
                }
                let Some(named) = &pair.group_id else { continue };
                if carried.contains(named) {
                    heard(Tri::Pass);
                } else if pair.user_id.as_deref().is_some_and(|u| u != OWN) && carried.is_empty() {
                    heard(Tri::Unknown);
                }
            }
            for named in rule.prefix_list_ids.iter().filter_map(|p| p.prefix_list_id.as_deref()) {
                if list == Some(named) {
                    heard(Tri::Pass);
                }
                heard(in_list(region, named, address));
            }
        }
    }
    answer
}

/// Whether an address is in a prefix list.
fn in_list(region: &Region, id: &str, address: IpAddr) -> Tri {
    let about = region.managed_prefix_lists.iter().find(|l| l.prefix_list_id == id);
    if let Some(Answer::Output(output)) = region.prefix_list_entries.get(id) {
        if output.entries.iter().any(|e| e.cidr.as_deref().and_then(|c| holds(c, address)) == Some(true)) {
            return Tri::Pass;
        }
        if region.completeness.seen(Action::GetManagedPrefixListEntries) {
            return Tri::Fail;
        }
    }
    if about.and_then(|l| l.prefix_list_name.as_deref()).is_some_and(|n| n.ends_with(".s3")) && !is_public(address) {
        return Tri::Fail;
    }
    match about.and_then(|l| l.address_family.as_deref()) {
        Some("IPv4") if address.is_ipv6() => Tri::Fail,
        Some("IPv6") if address.is_ipv4() => Tri::Fail,
        _ => Tri::Unknown,
    }
}

fn permission() -> impl Strategy<Value = IpPermission> {
    let protocol = prop_oneof![
        6 => Just(Some("tcp")), 3 => Just(Some("6")), 3 => Just(Some("-1")), 1 => Just(Some("udp")), 1 => Just(Some("17")), 1 => Just(Some("?")), 1 => Just(None)
    ];
    let ports = prop_oneof![
        4 => Just((Some(443), Some(443))), 2 => Just((Some(0), Some(65535))), 1 => Just((None, None)), 1 => Just((Some(-1), Some(-1))), 1 => Just((Some(80), Some(80))),
        1 => Just((Some(400), Some(442))), 1 => Just((Some(444), Some(500))), 1 => Just((Some(443), None)), 1 => Just((Some(500), Some(400)))
    ];
    let range = prop_oneof![12 => cidr(), 1 => Just("10.0.0/8".to_owned())];
    let pair = (select(vec!["sg-1", "sg-2", "sg-9", "sg-x"]), select(vec![OWN, OWN, "999999999999"]), select(vec![None, None, Some("active"), Some("deleted")]))
        .prop_map(|(group, user, status)| UserIdGroupPair { group_id: Some(group.into()), user_id: Some(user.into()), peering_status: status.map(Into::into), ..UserIdGroupPair::default() });
    (protocol, ports, prop::collection::vec(range, 0..3), prop::collection::vec(pair, 0..2), prop::collection::vec(select(vec!["pl-1", "pl-2", "pl-s3"]), 0..2)).prop_map(
        |(protocol, (from_port, to_port), ranges, user_id_group_pairs, lists)| IpPermission {
            ip_protocol: protocol.map(Into::into),
            from_port,
            to_port,
            ip_ranges: ranges.iter().filter(|r| !r.contains(':')).map(|r| IpRange { cidr_ip: Some(r.clone()) }).collect(),
            ipv6_ranges: ranges.iter().filter(|r| r.contains(':')).map(|r| Ipv6Range { cidr_ipv6: Some(r.clone()) }).collect(),
            user_id_group_pairs,
            prefix_list_ids: lists.into_iter().map(|id| PrefixListId { prefix_list_id: Some(id.into()) }).collect(),
        },
    )
}

/// A network of three groups and three prefix lists, not all of which were seen.
fn network() -> impl Strategy<Value = Region> {
    let group = || prop::collection::vec(permission(), 0..4);
    let groups = prop::collection::vec(prop::option::weighted(0.85, (group(), group())), 3);
    let list = prop_oneof![5 => prop::collection::vec(small_cidr(), 0..4).prop_map(|c| Some(Some(c))), 1 => Just(Some(None)), 2 => Just(None)];
    let families = prop::collection::vec(select(vec![None, Some("IPv4"), Some("IPv6")]), 3);
    (groups, prop::collection::vec(list, 3), families, any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(groups, lists, families, named, complete)| {
        let mut region = seen_region();
        for (n, group) in groups.into_iter().enumerate() {
            if let Some((ip_permissions, ip_permissions_egress)) = group {
                region.security_groups.push(SecurityGroup { group_id: format!("sg-{}", n + 1), ip_permissions, ip_permissions_egress, ..SecurityGroup::default() });
            }
        }
        for ((id, list), family) in ["pl-1", "pl-2", "pl-s3"].into_iter().zip(lists).zip(families) {
            let s3 = named && id == "pl-s3";
            // A list holds one family, and S3's holds public addresses.
            let fits = |c: &String| {
                let six = c.contains(':');
                family.is_none_or(|f| (f == "IPv6") == six) && (!s3 || !c.starts_with("10."))
            };
            let list = list.map(|l| l.map(|cidrs: Vec<String>| cidrs.into_iter().filter(fits).collect::<Vec<_>>()));
            let answer = match list {
                Some(Some(cidrs)) => Answer::Output(PrefixListEntries { entries: cidrs.into_iter().map(|c| PrefixListEntry { cidr: Some(c) }).collect() }),
                Some(None) => Answer::Error(ApiError { code: "UnauthorizedOperation".into(), message: None }),
                None => continue,
            };
            region.prefix_list_entries.insert(id.into(), answer);
            let name = if s3 { "com.amazonaws.us-east-2.s3" } else { id };
            region.managed_prefix_lists.push(ManagedPrefixList {
                prefix_list_id: id.into(),
                prefix_list_name: Some(name.into()),
                address_family: family.map(Into::into),
                ..ManagedPrefixList::default()
            });
        }
        if !complete {
            region.completeness.0.insert(Action::GetManagedPrefixListEntries, audit::inventory::Status::of(audit::inventory::State::Partial, "cut off"));
        }
        region
    })
}

fn groups_on() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(vec!["sg-1".to_owned(), "sg-2".to_owned(), "sg-3".to_owned()], 1..=3)
}

fn carried() -> impl Strategy<Value = BTreeSet<String>> {
    prop::sample::subsequence(vec!["sg-1".to_owned(), "sg-9".to_owned(), "sg-8".to_owned()], 0..=2).prop_map(|v| v.into_iter().collect())
}

fn direction(egress: bool) -> Direction {
    if egress { Direction::Egress } else { Direction::Ingress }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_agrees_with_single_packets(region in network(), groups in groups_on(), egress: bool, peers in addresses(), carried in carried(), list in select(vec![None, None, None, Some("pl-1"), Some("pl-s3")])) {
        let index = Index::new(&region);
        let peer_set = set(&peers);
        let answer = admits(&index, &groups, direction(egress), &Peer { addresses: &peer_set, groups: &carried, prefix_list: list }, PORT);
        let single: Vec<(IpAddr, Tri)> = peers.iter().map(|a| (*a, packet(&region, &groups, egress, *a, &carried, list))).collect();
        let (verdict, partial) = sum(single.iter().map(|(_, t)| *t));
        prop_assert_eq!(answer.decision.verdict, verdict, "{:?} {:?}", answer.decision, single);
        prop_assert_eq!(answer.decision.partial, partial);
        let open: BTreeSet<IpAddr> = single.iter().filter(|(_, t)| *t == Tri::Pass).map(|(a, _)| *a).collect();
        prop_assert_eq!(answer.admitted, set(&open));
        prop_assert_eq!(answer.decision.unseen.is_empty(), verdict != Tri::Unknown);
        prop_assert!(!answer.decision.detail.is_empty());
    }

    #[test]
    fn order_never_matters(region in network(), groups in groups_on(), egress: bool, peers in addresses(), carried in carried()) {
        let peer_set = set(&peers);
        let peer = Peer { addresses: &peer_set, groups: &carried, prefix_list: None };
        let first = admits(&Index::new(&region), &groups, direction(egress), &peer, PORT);
        let mut turned = region.clone();
        turned.security_groups.reverse();
        for group in &mut turned.security_groups {
            group.ip_permissions.reverse();
            group.ip_permissions_egress.reverse();
        }
        let backwards: Vec<String> = groups.iter().rev().cloned().collect();
        let second = admits(&Index::new(&turned), &backwards, direction(egress), &peer, PORT);
        prop_assert_eq!((first.decision.verdict, first.decision.partial, first.admitted, first.decision.unseen), (second.decision.verdict, second.decision.partial, second.admitted, second.decision.unseen));
    }

    #[test]
    fn removing_an_allow_never_opens(region in network(), groups in groups_on(), egress: bool, peers in addresses(), carried in carried(), which in 0..6_usize) {
        let peer_set = set(&peers);
        let peer = Peer { addresses: &peer_set, groups: &carried, prefix_list: None };
        let before = admits(&Index::new(&region), &groups, direction(egress), &peer, PORT);
        let mut less = region.clone();
        let rules = less.security_groups.iter_mut().flat_map(|g| {
            let id = g.group_id.clone();
            [(id.clone(), &mut g.ip_permissions), (id, &mut g.ip_permissions_egress)]
        });
        if let Some((_, list)) = rules.filter(|(_, r)| !r.is_empty()).nth(which) {
            list.remove(0);
        }
        let after = admits(&Index::new(&less), &groups, direction(egress), &peer, PORT);
        prop_assert!(after.decision.verdict >= before.decision.verdict);
        prop_assert!(before.admitted.contains(&after.admitted));
    }

    #[test]
    fn what_is_hidden_changes_no_answer_but_to_unknown(region in network(), groups in groups_on(), egress: bool, peers in addresses(), carried in carried(), hide in 0..4_usize) {
        let peer_set = set(&peers);
        let peer = Peer { addresses: &peer_set, groups: &carried, prefix_list: None };
        let before = admits(&Index::new(&region), &groups, direction(egress), &peer, PORT);
        let mut hidden = region.clone();
        match hide {
            0 => { hidden.prefix_list_entries.clear(); forget(&mut hidden, Action::GetManagedPrefixListEntries); }
            1 => { hidden.security_groups.clear(); forget(&mut hidden, Action::DescribeSecurityGroups); }
            2 => { hidden.security_groups.pop(); forget(&mut hidden, Action::DescribeSecurityGroups); }
            _ => { hidden.managed_prefix_lists.clear(); forget(&mut hidden, Action::DescribeManagedPrefixLists); }
        }
        let after = admits(&Index::new(&hidden), &groups, direction(egress), &peer, PORT);
        prop_assert!(after.decision.verdict == Tri::Unknown || after.decision.verdict == before.decision.verdict, "{:?} {:?}", before.decision, after.decision);
    }
}
