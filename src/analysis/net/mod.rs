//! Sets of addresses and ports, exact: what a CIDR, a prefix list or a port range covers, and what is left of it.
//! Nothing here panics or gives up precision: every operation is on ranges, never on single members.

mod prefix_list;
mod ranges;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Family;
pub use prefix_list::{Listing, of_gateway_service, prefix_list};
pub use ranges::{Point, Ranges};

/// A set of TCP ports.
pub type PortSet = Ranges<u16>;

/// Ports that Linux opens connections from.
pub const LINUX: (u16, u16) = (32768, 60999);
/// Ports that Windows opens connections from.
pub const WINDOWS: (u16, u16) = (49152, 65535);
/// Ports that NAT gateways open connections from, and that any kernel may be set to.
pub const WIDE: (u16, u16) = (1024, 65535);

impl PortSet {
    /// One port.
    #[must_use]
    pub fn port(port: u16) -> Self {
        Self::range(port, port)
    }

    /// What Linux opens connections from.
    #[must_use]
    pub fn linux_ephemeral() -> Self {
        Self::range(LINUX.0, LINUX.1)
    }

    /// What Windows opens connections from.
    #[must_use]
    pub fn windows_ephemeral() -> Self {
        Self::range(WINDOWS.0, WINDOWS.1)
    }

    /// What NAT gateways open connections from, and what any kernel may be set to.
    #[must_use]
    pub fn wide_ephemeral() -> Self {
        Self::range(WIDE.0, WIDE.1)
    }

    /// All ports.
    #[must_use]
    pub fn all_ports() -> Self {
        Self::range(0, u16::MAX)
    }
}

impl std::fmt::Display for PortSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("no port");
        }
        for (n, (first, last)) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            if first == last { write!(f, "{first}")? } else { write!(f, "{first}-{last}")? }
        }
        Ok(())
    }
}

/// A set of addresses of both families.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpSet {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl IpSet {
    /// No address.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every address of a family.
    #[must_use]
    pub fn all(family: Family) -> Self {
        match family {
            Family::V4 => Self { v4: Ranges::range(0, u32::MAX), ..Self::default() },
            Family::V6 => Self { v6: Ranges::range(0, u128::MAX), ..Self::default() },
        }
    }

    /// Every address of both families.
    #[must_use]
    pub fn everything() -> Self {
        Self::all(Family::V4).union(&Self::all(Family::V6))
    }

    /// From the text of a CIDR or of a single address; bits of the host part are ignored, as AWS does. `None`: neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_cidr(text).map(Self::from)
    }

    /// From the texts of several CIDRs. `None` if one of them is none.
    pub fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        texts.into_iter().try_fold(Self::empty(), |all, text| Some(all.union(&Self::parse(text)?)))
    }

    /// From addresses.
    pub fn of_addresses(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                IpAddr::V4(a) => v4.push((u32::from(a), u32::from(a))),
                IpAddr::V6(a) => v6.push((u128::from(a), u128::from(a))),
            }
        }
        Self { v4: Ranges::from_ranges(v4), v6: Ranges::from_ranges(v6) }
    }

    /// From ranges of both families, in any order, overlapping or not; a range that ends before it begins is empty.
    #[must_use]
    pub fn of_ranges(v4: Vec<(u32, u32)>, v6: Vec<(u128, u128)>) -> Self {
        Self { v4: Ranges::from_ranges(v4), v6: Ranges::from_ranges(v6) }
    }

    /// The IPv4 part.
    #[must_use]
    pub fn v4(&self) -> Self {
        Self { v4: self.v4.clone(), v6: Ranges::default() }
    }

    /// The IPv6 part.
    #[must_use]
    pub fn v6(&self) -> Self {
        Self { v4: Ranges::default(), v6: self.v6.clone() }
    }

    /// The part of one family.
    #[must_use]
    pub fn family(&self, family: Family) -> Self {
        match family {
            Family::V4 => self.v4(),
            Family::V6 => self.v6(),
        }
    }

    /// IPv4 ranges, first and last address, sorted, apart from each other.
    #[must_use]
    pub const fn ranges_v4(&self) -> &Ranges<u32> {
        &self.v4
    }

    /// IPv6 ranges, first and last address, sorted, apart from each other.
    #[must_use]
    pub const fn ranges_v6(&self) -> &Ranges<u128> {
        &self.v6
    }

    /// All ranges, IPv4 first.
    pub fn ranges(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let v4 = self.v4.iter().map(|(a, b)| (IpAddr::V4(Ipv4Addr::from(a)), IpAddr::V4(Ipv4Addr::from(b))));
        let v6 = self.v6.iter().map(|(a, b)| (IpAddr::V6(Ipv6Addr::from(a)), IpAddr::V6(Ipv6Addr::from(b))));
        v4.chain(v6)
    }

    /// The first address, IPv4 before IPv6.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        self.ranges().next().map(|(first, _)| first)
    }

    /// Whether there is no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    /// What is in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self { v4: self.v4.intersect(&other.v4), v6: self.v6.intersect(&other.v6) }
    }

    /// What is in this and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { v4: self.v4.difference(&other.v4), v6: self.v6.difference(&other.v6) }
    }

    /// Whether some address is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.v4.overlaps(&other.v4) || self.v6.overlaps(&other.v6)
    }

    /// Whether all of `other` is in this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.v4.contains(&other.v4) && self.v6.contains(&other.v6)
    }

    /// Whether the address is in this.
    #[must_use]
    pub fn contains_ip(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(a) => self.v4.contains_point(u32::from(a)),
            IpAddr::V6(a) => self.v6.contains_point(u128::from(a)),
        }
    }

    /// The fewest CIDRs that make up the set, IPv4 first, in order.
    pub fn cidrs(&self) -> impl Iterator<Item = IpNet> {
        let v4 = self.v4.blocks().filter_map(|(a, len)| Ipv4Net::new(Ipv4Addr::from(a), len).ok().map(IpNet::V4));
        let v6 = self.v6.blocks().filter_map(|(a, len)| Ipv6Net::new(Ipv6Addr::from(a), len).ok().map(IpNet::V6));
        v4.chain(v6)
    }
}

impl From<IpNet> for IpSet {
    fn from(net: IpNet) -> Self {
        match net {
            IpNet::V4(n) => Self { v4: Ranges::range(u32::from(n.network()), u32::from(n.broadcast())), ..Self::default() },
            IpNet::V6(n) => Self { v6: Ranges::range(u128::from(n.network()), u128::from(n.broadcast())), ..Self::default() },
        }
    }
}

impl From<IpAddr> for IpSet {
    fn from(address: IpAddr) -> Self {
        Self::of_addresses([address])
    }
}

impl FromIterator<IpAddr> for IpSet {
    fn from_iter<I: IntoIterator<Item = IpAddr>>(addresses: I) -> Self {
        Self::of_addresses(addresses)
    }
}

impl FromIterator<Self> for IpSet {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for set in sets {
            v4.extend(set.v4.iter());
            v6.extend(set.v6.iter());
        }
        Self::of_ranges(v4, v6)
    }
}

/// How many CIDRs a set shows to people before it says how many more there are.
const SHOWN: usize = 4;

impl std::fmt::Display for IpSet {
    /// For people: the first CIDRs, a single address without its `/32` or `/128`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("no address");
        }
        let mut rest = 0_usize;
        for (n, net) in self.cidrs().enumerate() {
            if n >= SHOWN {
                rest += 1;
                continue;
            }
            if n > 0 {
                f.write_str(", ")?;
            }
            if net.prefix_len() == net.max_prefix_len() { write!(f, "{}", net.addr())? } else { write!(f, "{net}")? }
        }
        if rest > 0 { write!(f, " and {rest} more") } else { Ok(()) }
    }
}

/// A CIDR, or an address as the CIDR of that one address, from text; the host part is cut off. `None`: neither.
#[must_use]
pub fn parse_cidr(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(|net| net.trunc())
}

/// The family of an address.
#[must_use]
pub const fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// IPv4 space that is never routed on the internet (RFC 6890), and IPv6 space outside the global unicast range.
const SPECIAL: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
];

/// What can be a public address at all: all but private, shared, link-local, documentation and multicast space.
#[must_use]
pub fn public_space(family: Family) -> IpSet {
    let special = IpSet::parse_all(SPECIAL).unwrap_or_default();
    IpSet::all(family).difference(&special)
}

#[cfg(test)]
mod tests;
