//! The side of a path where the connection is opened.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::net::{IpSet, PortSet};
use crate::analysis::{Family, Os, Placement, View};
use crate::inventory::ec2::Subnet;

/// Addresses, subnet and groups of the connections that a placement opens.
#[derive(Debug)]
pub struct Source<'v> {
    /// The placement.
    pub placement: &'v Placement,
    /// Its VPC.
    pub vpc: Option<&'v str>,
    /// Its subnet id.
    pub subnet_id: Option<&'v str>,
    /// Its subnet, if it was seen.
    pub subnet: Option<&'v Subnet>,
    /// Members' addresses, or the whole subnet where nothing runs yet.
    pub addresses: IpSet,
    /// Every address that the subnet could give a member.
    pub range: IpSet,
    /// Security groups, as a set.
    pub groups: BTreeSet<String>,
    /// Ports on which replies come back: they must be open.
    pub replies: PortSet,
}

impl<'v> Source<'v> {
    /// The source of a placement's connections.
    pub fn new(view: &'v View<'_>, placement: &'v Placement) -> Self {
        let subnet = placement.subnet.as_deref().and_then(|s| view.index.subnets.get(s)).copied();
        let range = subnet.map(subnet_range).unwrap_or_default();
        let addresses = if placement.addresses.is_empty() { range.clone() } else { IpSet::of_addresses(placement.addresses.iter().copied()) };
        Self {
            placement,
            vpc: placement.vpc.as_deref().or_else(|| subnet.map(|s| s.vpc_id.as_str())),
            subnet_id: placement.subnet.as_deref(),
            subnet,
            addresses,
            range,
            groups: placement.security_groups.iter().cloned().collect(),
            replies: match placement.os {
                Os::Linux => PortSet::linux_ephemeral(),
                Os::Windows => PortSet::windows_ephemeral(),
            },
        }
    }

    /// Whether the placement is judged by its whole subnet, because nothing runs there yet.
    pub fn is_whole_subnet(&self) -> bool {
        self.placement.addresses.is_empty()
    }

    /// The address family that the placement connects by: IPv4 unless it has none.
    pub fn family(&self) -> Family {
        if self.subnet.is_some_and(|s| s.ipv6_native == Some(true)) { Family::V6 } else { Family::V4 }
    }

    /// The families that the placement has addresses of.
    pub fn families(&self) -> crate::analysis::dns::Families {
        let v6 = !self.range.v6().is_empty();
        let v4 = self.subnet.is_none_or(|s| s.ipv6_native != Some(true));
        crate::analysis::dns::Families { v4, v6 }
    }

    /// The source addresses of one family.
    pub fn of_family(&self, family: Family) -> IpSet {
        let of = |set: &IpSet| match family {
            Family::V4 => set.v4(),
            Family::V6 => set.v6(),
        };
        let own = of(&self.addresses);
        if own.is_empty() { of(&self.range) } else { own }
    }

    /// The whole subnet in one family.
    pub fn range_of_family(&self, family: Family) -> IpSet {
        match family {
            Family::V4 => self.range.v4(),
            Family::V6 => self.range.v6(),
        }
    }
}

/// Every address of a subnet.
pub fn subnet_range(subnet: &Subnet) -> IpSet {
    let v6 = subnet.ipv6_cidr_block_association_set.iter().filter_map(|c| c.ipv6_cidr_block.as_deref());
    let mut set = IpSet::default();
    for cidr in subnet.cidr_block.as_deref().into_iter().chain(v6) {
        if let Some(part) = IpSet::parse(cidr) {
            set = set.union(&part);
        }
    }
    set
}

/// The family of one address.
pub const fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// Every address of a VPC.
pub fn vpc_range(vpc: &crate::inventory::ec2::Vpc) -> IpSet {
    let v4 = vpc.cidr_block_association_set.iter().filter_map(|c| c.cidr_block.as_deref());
    let v6 = vpc.ipv6_cidr_block_association_set.iter().filter_map(|c| c.ipv6_cidr_block.as_deref());
    let mut set = IpSet::default();
    for part in vpc.cidr_block.as_deref().into_iter().chain(v4).chain(v6).filter_map(IpSet::parse) {
        set = set.union(&part);
    }
    set
}
