//! Network ACLs: one packet after another down the numbered list, the first entry that matches decides.

use std::net::IpAddr;

use audit::analysis::Tri;
use audit::analysis::nacl::admits;
use audit::analysis::net::PortSet;
use audit::inventory::ec2::{NetworkAcl, NetworkAclEntry, PortRange};
use proptest::prelude::*;
use proptest::sample::select;

use super::{addresses, cidr, config, holds, set, sum};

/// One packet against the list. What cannot be read may match or not, so that it decides nothing, and nothing after it does.
fn packet(acl: &NetworkAcl, egress: bool, address: IpAddr, port: u16) -> Tri {
    let mut entries: Vec<&NetworkAclEntry> = acl.entries.iter().collect();
    // Entries without a number may stand anywhere: ask them first.
    entries.sort_by_key(|e| (e.rule_number.is_some(), e.rule_number));
    for entry in entries {
        // For each part of an entry: does it match (yes, no, cannot be told)?
        let direction = entry.egress.map(|e| e == egress);
        let protocol = match entry.protocol.as_deref() {
            Some("-1" | "6" | "tcp") => Some(true),
            Some("17" | "1" | "58") => Some(false),
            _ => None,
        };
        let place = match (&entry.cidr_block, &entry.ipv6_cidr_block) {
            (Some(c), None) | (None, Some(c)) => holds(c, address),
            _ => None,
        };
        let ports = match &entry.port_range {
            _ if entry.protocol.as_deref() == Some("-1") => Some(true),
            None => Some(true),
            Some(PortRange { from: Some(from), to: Some(to) }) if from <= to && *from >= 0 && *to <= 65535 => Some((*from..=*to).contains(&i32::from(port))),
            Some(_) => None,
        };
        let parts = [direction, protocol, place, ports];
        if parts.contains(&Some(false)) {
            continue;
        }
        if parts.contains(&None) || entry.rule_number.is_none() {
            return Tri::Unknown;
        }
        return match entry.rule_action.as_deref() {
            Some("allow") => Tri::Pass,
            Some("deny") => Tri::Fail,
            _ => Tri::Unknown,
        };
    }
    Tri::Fail
}

fn entry(broken: u32) -> impl Strategy<Value = NetworkAclEntry> {
    let protocol = prop_oneof![10 => Just(Some("6")), 4 => Just(Some("-1")), 2 => Just(Some("17")), 1 => Just(Some("tcp")), broken => Just(None), broken => Just(Some("x"))];
    let range = |from, to| Just(Some(PortRange { from, to }));
    let ports = prop_oneof![
        3 => Just(None), 4 => range(Some(443), Some(443)), 3 => range(Some(440), Some(445)), 2 => range(Some(444), Some(447)), 2 => range(Some(0), Some(65535)), broken => range(Some(443), None), broken => range(Some(446), Some(443)),
        broken => range(Some(-1), Some(-1))
    ];
    let action = prop_oneof![8 => Just(Some("allow")), 6 => Just(Some("deny")), broken => Just(None), broken => Just(Some("maybe"))];
    let place = prop_oneof![20 => cidr().prop_map(Some), broken => Just(None), broken => Just(Some("10.0.0.0".to_owned() + "/99"))];
    let egress = prop_oneof![10 => Just(Some(true)), 10 => Just(Some(false)), broken => Just(None)];
    (protocol, ports, action, place, egress, prop::bool::weighted(f64::from(broken) * 0.02)).prop_map(|(protocol, port_range, action, place, egress, numberless)| {
        let six = place.as_deref().is_some_and(|p| p.contains(':'));
        NetworkAclEntry {
            cidr_block: place.clone().filter(|_| !six),
            ipv6_cidr_block: place.filter(|_| six),
            egress,
            protocol: protocol.map(Into::into),
            rule_action: action.map(Into::into),
            rule_number: (!numberless).then_some(0),
            port_range,
            icmp_type_code: None,
        }
    })
}

/// An ACL whose numbers do not follow the order in which it is listed.
fn acl(broken: u32) -> impl Strategy<Value = NetworkAcl> {
    (prop::collection::vec(entry(broken), 0..7), Just((1..=7).collect::<Vec<i32>>()).prop_shuffle()).prop_map(|(mut entries, numbers)| {
        for (entry, number) in entries.iter_mut().zip(numbers) {
            entry.rule_number = entry.rule_number.map(|_| number * 10);
        }
        NetworkAcl { network_acl_id: "acl-1".into(), entries, ..NetworkAcl::default() }
    })
}

fn ports() -> impl Strategy<Value = (u16, u16)> {
    select(vec![(443, 443), (440, 447), (442, 444), (445, 460), (430, 441)])
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_agrees_with_single_packets(acl in prop_oneof![acl(0), acl(1)], egress: bool, peers in addresses(), (from, to) in ports()) {
        let decision = admits(&acl, egress, &set(&peers), &PortSet::range(from, to));
        let single = peers.iter().flat_map(|a| (from..=to).map(|p| packet(&acl, egress, *a, p)));
        let (verdict, partial) = sum(single);
        prop_assert_eq!(decision.verdict, verdict, "{:?}", decision);
        prop_assert_eq!(decision.partial, partial, "{:?}", decision);
        prop_assert_eq!(decision.object.as_deref(), Some("acl-1"));
        prop_assert_eq!(decision.unseen.is_empty(), verdict != Tri::Unknown);
    }

    #[test]
    fn only_numbers_order(acl in acl(0), egress: bool, peers in addresses(), (from, to) in ports()) {
        let ports = PortSet::range(from, to);
        let mut turned = acl.clone();
        turned.entries.reverse();
        prop_assert_eq!(admits(&acl, egress, &set(&peers), &ports), admits(&turned, egress, &set(&peers), &ports));
    }

    #[test]
    fn removing_an_allow_never_opens(acl in prop_oneof![acl(0), acl(1)], egress: bool, peers in addresses(), (from, to) in ports(), which in 0..7_usize) {
        let ports = PortSet::range(from, to);
        let before = admits(&acl, egress, &set(&peers), &ports);
        let mut less = acl.clone();
        if let Some(at) = less.entries.iter().enumerate().filter(|(_, e)| e.rule_action.as_deref() == Some("allow") && e.rule_number.is_some()).map(|(n, _)| n).nth(which) {
            // What cannot be read may be a block as well as an opening: only a plain allow is taken away.
            let entry = &less.entries[at];
            let plain = entry.egress.is_some() && matches!(entry.protocol.as_deref(), Some("6" | "-1" | "tcp")) && packet(&NetworkAcl { entries: vec![NetworkAclEntry { rule_action: Some("allow".into()), ..entry.clone() }], ..NetworkAcl::default() }, egress, "10.0.0.0".parse().unwrap(), 443) != Tri::Unknown;
            prop_assume!(plain);
            less.entries.remove(at);
        }
        let after = admits(&less, egress, &set(&peers), &ports);
        prop_assert!(after.verdict >= before.verdict, "{:?} {:?}", before, after);
    }

    #[test]
    fn adding_a_deny_never_opens(acl in prop_oneof![acl(0), acl(1)], egress: bool, peers in addresses(), (from, to) in ports(), place in cidr(), number in 0..75_i32) {
        let ports = PortSet::range(from, to);
        let before = admits(&acl, egress, &set(&peers), &ports);
        let mut more = acl.clone();
        prop_assume!(more.entries.iter().all(|e| e.rule_number != Some(number)));
        let six = place.contains(':');
        more.entries.push(NetworkAclEntry {
            cidr_block: (!six).then(|| place.clone()),
            ipv6_cidr_block: six.then_some(place),
            egress: Some(egress),
            protocol: Some("-1".into()),
            rule_action: Some("deny".into()),
            rule_number: Some(number),
            port_range: None,
            icmp_type_code: None,
        });
        let after = admits(&more, egress, &set(&peers), &ports);
        prop_assert!(after.verdict >= before.verdict, "{:?} {:?}", before, after);
    }
}
