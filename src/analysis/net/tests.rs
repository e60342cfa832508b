use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn set(texts: &[&str]) -> IpSet {
    IpSet::parse_all(texts.iter().copied()).unwrap()
}

#[test]
fn host_bits_are_cut_and_nonsense_is_nothing() {
    assert_eq!(IpSet::parse("10.0.0.77/24"), IpSet::parse("10.0.0.0/24"));
    assert_eq!(IpSet::parse(" 10.0.0.1 "), IpSet::parse("10.0.0.1/32"));
    assert_eq!(IpSet::parse("2600:1f16::5/64"), IpSet::parse("2600:1f16::/64"));
    for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "pl-1", "10.0.0.0/-1", "sg-0/24"] {
        assert_eq!(IpSet::parse(bad), None, "{bad}");
    }
}

#[test]
fn equal_sets_are_equal_values_and_show_as_few_cidrs() {
    assert_eq!(set(&["10.0.0.0/25", "10.0.0.128/25"]), set(&["10.0.0.0/24"]));
    assert_eq!(set(&["10.0.0.0/25", "10.0.0.128/25"]).to_string(), "10.0.0.0/24");
    assert_eq!(set(&["10.0.0.0/8"]).difference(&set(&["10.0.0.0/9"])).to_string(), "10.128.0.0/9");
    assert_eq!(set(&["10.0.0.1/32", "::1/128"]).to_string(), "10.0.0.1, ::1");
    assert_eq!(IpSet::everything().to_string(), "0.0.0.0/0, ::/0");
    assert_eq!(IpSet::empty().to_string(), "no address");
    assert_eq!(set(&["10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9", "10.0.0.11"]).to_string(), "10.0.0.1, 10.0.0.3, 10.0.0.5, 10.0.0.7 and 2 more");
}

#[test]
fn families_stay_apart() {
    let both = set(&["10.0.0.0/8", "2600::/16"]);
    assert_eq!(both.v4().union(&both.v6()), both);
    assert!(!both.v4().overlaps(&both.v6()));
    assert!(!IpSet::all(Family::V4).contains_ip("::1".parse().unwrap()));
    assert_eq!(both.first(), Some("10.0.0.0".parse().unwrap()));
    assert_eq!(both.ranges().count(), 2);
}

#[test]
fn public_space_leaves_out_what_is_never_routed_on_the_internet() {
    let public = public_space(Family::V4);
    for private in ["10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.253", "127.0.0.1", "224.0.0.1", "0.0.0.0"] {
        assert!(!public.contains_ip(private.parse().unwrap()), "{private}");
    }
    for address in ["52.219.80.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "1.0.0.0"] {
        assert!(public.contains_ip(address.parse().unwrap()), "{address}");
    }
    assert_eq!(public_space(Family::V6), set(&["2000::/3"]));
}

#[test]
fn ports_read_as_ranges() {
    assert_eq!(PortSet::port(443).union(&PortSet::range(444, 500)).to_string(), "443-500");
    assert_eq!(PortSet::all_ports().difference(&PortSet::port(443)).to_string(), "0-442, 444-65535");
    assert_eq!(PortSet::range(5, 4).to_string(), "no port");
    assert!(PortSet::wide_ephemeral().contains(&PortSet::linux_ephemeral().union(&PortSet::windows_ephemeral())));
    assert!(!PortSet::linux_ephemeral().contains(&PortSet::windows_ephemeral()));
}

#[test]
fn a_list_that_was_seen_in_part_may_hold_more() {
    use crate::actions::Action;
    use crate::analysis::{Index, Unseen};
    use crate::inventory::{Region, State, Status};
    let mut region: Region = Region { region: "us-east-2".into(), ..Region::default() };
    region.prefix_lists = serde_json::from_str(
        r#"[{"PrefixListId":"pl-s3","PrefixListName":"com.amazonaws.us-east-2.s3","Cidrs":["52.219.80.0/20"]},{"PrefixListId":"pl-ddb","PrefixListName":"com.amazonaws.us-east-2.dynamodb"}]"#,
    )
    .unwrap();
    region.prefix_list_entries = [("pl-own".to_owned(), crate::inventory::Answer::Output(serde_json::from_str(r#"{"Entries":[{"Cidr":"10.0.0.0/25"},{"Cidr":"10.0.0.128/25"}]}"#).unwrap()))].into();
    let index = Index::new(&region);

    let s3 = prefix_list(&index, "pl-s3");
    assert!(s3.complete() && s3.known == set(&["52.219.80.0/20"]), "DescribePrefixLists alone tells AWS's own lists");

    let own = prefix_list(&index, "pl-own");
    assert_eq!(own.known, set(&["10.0.0.0/24"]));
    assert_eq!(own.entries.iter().map(IpNet::prefix_len).collect::<Vec<_>>(), [25, 25], "what decides among routes is each entry's own length");

    let dynamodb = prefix_list(&index, "pl-ddb");
    assert_eq!(dynamodb.unseen, Some(Unseen::Action(Action::GetManagedPrefixListEntries)));
    assert!(!dynamodb.possible.contains_ip("10.0.0.1".parse().unwrap()), "a gateway service has public addresses");
    assert!(dynamodb.possible.contains_ip("52.94.4.1".parse().unwrap()));
    assert!(prefix_list(&index, "pl-else").possible.contains_ip("10.0.0.1".parse().unwrap()));

    // The action is partial: of which list, is not known.
    region.completeness.record(Action::GetManagedPrefixListEntries, Status::of(State::Partial, "cut off"));
    let cut = prefix_list(&Index::new(&region), "pl-own");
    assert!(!cut.complete() && cut.known == set(&["10.0.0.0/24"]) && !cut.possible.overlaps(&cut.known));
    // Only another list is missing.
    let mut status = Status::of(State::Partial, "denied");
    status.ids.insert("pl-else".to_owned());
    region.completeness = crate::inventory::Completeness::default();
    region.completeness.record(Action::GetManagedPrefixListEntries, status);
    assert!(prefix_list(&Index::new(&region), "pl-own").complete());
}

/// Sets of small numbers, as ranges and one by one.
fn pieces() -> impl Strategy<Value = (Ranges<u16>, BTreeSet<u16>)> {
    let edge = prop_oneof![0..40_u16, 65500..=65535_u16];
    prop::collection::vec((edge, 0..6_u16), 0..6).prop_map(|pairs| {
        let ranges: Vec<(u16, u16)> = pairs.into_iter().map(|(first, more)| (first, first.saturating_add(more))).collect();
        let single = ranges.iter().flat_map(|(first, last)| *first..=*last).collect();
        (Ranges::from_ranges(ranges), single)
    })
}

fn single(ranges: &Ranges<u16>) -> BTreeSet<u16> {
    ranges.iter().flat_map(|(first, last)| first..=last).collect()
}

proptest! {
    #[test]
    fn set_algebra_is_that_of_single_numbers((a, sa) in pieces(), (b, sb) in pieces(), point: u16) {
        prop_assert_eq!(single(&a.union(&b)), &sa | &sb);
        prop_assert_eq!(single(&a.intersect(&b)), &sa & &sb);
        prop_assert_eq!(single(&a.difference(&b)), &sa - &sb);
        prop_assert_eq!(a.contains(&b), sb.is_subset(&sa));
        prop_assert_eq!(a.overlaps(&b), !sa.is_disjoint(&sb));
        prop_assert_eq!(a.contains_point(point), sa.contains(&point));
        prop_assert_eq!(a.is_empty(), sa.is_empty());
        prop_assert_eq!(a.complement().complement(), a.clone());
        // Sorted, and never touching.
        let ranges: Vec<_> = a.union(&b).iter().collect();
        prop_assert!(ranges.windows(2).all(|w| u32::from(w[0].1) + 1 < u32::from(w[1].0)));
    }

    #[test]
    fn blocks_are_aligned_and_make_up_the_set((a, sa) in pieces()) {
        let mut all = BTreeSet::new();
        let blocks: Vec<(u16, u8)> = a.blocks().collect();
        for (first, length) in &blocks {
            let size = 1_u32 << (16 - length);
            prop_assert_eq!(u32::from(*first) % size, 0);
            all.extend((0..size).map(|n| u16::try_from(u32::from(*first) + n).unwrap()));
        }
        prop_assert_eq!(all, sa);
        // No two neighbours could be one block.
        for pair in blocks.windows(2) {
            let size = 1_u32 << (16 - pair[0].1);
            let joined = pair[0].1 == pair[1].1 && u32::from(pair[0].0) + size == u32::from(pair[1].0) && u32::from(pair[0].0) % (2 * size) == 0;
            prop_assert!(!joined);
        }
    }

    #[test]
    fn cidr_text_never_panics(text in "[0-9a-f:./ -]{0,20}") {
        if let Some(parsed) = IpSet::parse(&text) {
            prop_assert_eq!(parsed.cidrs().count(), 1);
            prop_assert_eq!(parsed.cidrs().map(IpSet::from).collect::<IpSet>(), parsed);
        }
    }
}
