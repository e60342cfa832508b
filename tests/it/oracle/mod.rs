//! An oracle for the network analysis: it walks single packets, address by address and port by port, through tiny networks,
//! by the words of AWS's pages and with none of the engine's code. The engine works on sets; the two must agree.
//!
//! `PROPTEST_CASES` raises the number of networks of every property.

mod egress;
mod nacl;
mod route;
mod sg;
mod whole;

use std::collections::BTreeSet;
use std::net::IpAddr;

use audit::actions::Action;
use audit::analysis::Tri;
use audit::analysis::net::IpSet;
use audit::inventory::{Completeness, Region, State, Status};
use proptest::prelude::*;

/// How many networks a property tries, unless `PROPTEST_CASES` says otherwise.
pub const CASES: u32 = 3000;

pub fn config() -> ProptestConfig {
    config_of(CASES)
}

/// The same for networks that take longer to judge: so many, unless `PROPTEST_CASES` says otherwise.
pub fn config_of(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

/// A region in which every action was answered in full.
pub fn seen_region() -> Region {
    let all = Action::ALL.iter().map(|a| (*a, Status::complete())).collect();
    Region { partition: "aws".into(), account: "111122223333".into(), region: "us-east-2".into(), completeness: Completeness(all), ..Region::default() }
}

/// Forgets an action.
pub fn forget(region: &mut Region, action: Action) {
    region.completeness.0.insert(action, Status::of(State::Missing, "AccessDenied"));
}

/// The addresses that exist in a tiny network: private, public and IPv6.
pub fn universe() -> Vec<IpAddr> {
    let v4 = |base: u32| (0..16).map(move |n| IpAddr::from(std::net::Ipv4Addr::from(base + n)));
    let v6 = (0..16_u128).map(|n| IpAddr::from(std::net::Ipv6Addr::from((0x2600 << 112) + n)));
    v4(0x0a00_0000).chain(v4(0x3400_0000)).chain(v6).collect()
}

/// A CIDR of a tiny network: around a few addresses, or wide.
pub fn cidr() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0..16_u8, 28..=32_u8).prop_map(|(host, len)| format!("10.0.0.{host}/{len}")),
        6 => (0..16_u8, 28..=32_u8).prop_map(|(host, len)| format!("52.0.0.{host}/{len}")),
        6 => (0..16_u8, 124..=128_u8).prop_map(|(host, len)| format!("2600::{host:x}/{len}")),
        1 => Just("10.0.0.0/8".to_owned()),
        1 => Just("0.0.0.0/0".to_owned()),
        1 => Just("::/0".to_owned()),
        1 => Just("0.0.0.0/1".to_owned()),
    ]
}

/// A CIDR that covers few enough addresses to list them all.
pub fn small_cidr() -> impl Strategy<Value = String> {
    cidr().prop_filter("small", |text| prefix_length(text) >= 28)
}

/// Some addresses of a tiny network, at least one.
pub fn addresses() -> impl Strategy<Value = BTreeSet<IpAddr>> {
    prop_oneof![prop::collection::btree_set(prop::sample::select(universe()), 1..6), small_cidr().prop_map(|c| members(&c)),]
}

/// Whether a CIDR, read bit by bit, holds an address. `None`: the text is no CIDR.
pub fn holds(cidr: &str, address: IpAddr) -> Option<bool> {
    let (base, length) = cidr.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let same = |a: u128, b: u128, bits: u32| (0..length).all(|n| (a >> (bits - 1 - n)) & 1 == (b >> (bits - 1 - n)) & 1);
    match (base.parse::<IpAddr>().ok()?, address) {
        (IpAddr::V4(b), IpAddr::V4(a)) if length <= 32 => Some(same(u128::from(u32::from(b)), u128::from(u32::from(a)), 32)),
        (IpAddr::V6(b), IpAddr::V6(a)) if length <= 128 => Some(same(u128::from(b), u128::from(a), 128)),
        (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => None,
        _ => Some(false),
    }
}

/// The number after the slash.
pub fn prefix_length(cidr: &str) -> u32 {
    cidr.split_once('/').and_then(|(_, length)| length.parse().ok()).unwrap_or(0)
}

/// The addresses of the tiny network in a CIDR.
pub fn members(cidr: &str) -> BTreeSet<IpAddr> {
    universe().into_iter().filter(|a| holds(cidr, *a) == Some(true)).collect()
}

pub fn set(addresses: &BTreeSet<IpAddr>) -> IpSet {
    addresses.iter().copied().collect()
}

/// Whether an address of a tiny network is public.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => !a.is_private(),
        IpAddr::V6(_) => true,
    }
}

/// What happens to single packets, put together: blocked if one is, else not to be told if one is not.
pub fn sum(single: impl IntoIterator<Item = Tri>) -> (Tri, bool) {
    let all: Vec<Tri> = single.into_iter().collect();
    let worst = all.iter().copied().max().unwrap_or(Tri::Unknown);
    (worst, worst == Tri::Fail && all.contains(&Tri::Pass))
}
