//! Ranges narrower than a subnet that some rule, entry or route names: addresses on both sides of such a cut are told apart by
//! the network, so they are not of one placement.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::{Answer, Region};

/// The cuts of each subnet that has any.
#[derive(Debug, Default)]
pub(super) struct Cuts(HashMap<String, Vec<IpNet>>);

impl Cuts {
    /// Collects them; linear in rules, entries and routes.
    pub fn new(region: &Region) -> Self {
        let mut subnets: HashMap<IpNet, Vec<&str>> = HashMap::new();
        let mut lengths = BTreeSet::new();
        for subnet in &region.subnets {
            let v6 = subnet.ipv6_cidr_block_association_set.iter().filter_map(|c| c.ipv6_cidr_block.as_deref());
            for net in subnet.cidr_block.as_deref().into_iter().chain(v6).filter_map(|c| c.parse::<IpNet>().ok()) {
                lengths.insert((net.addr().is_ipv4(), net.prefix_len()));
                subnets.entry(net.trunc()).or_default().push(&subnet.subnet_id);
            }
        }
        let mut cuts: HashMap<String, BTreeSet<IpNet>> = HashMap::new();
        let named: BTreeSet<&str> = named(region).collect();
        for net in named.into_iter().filter_map(|c| c.parse::<IpNet>().ok()) {
            for (_, length) in lengths.iter().filter(|(v4, length)| *v4 == net.addr().is_ipv4() && *length < net.prefix_len()) {
                let Ok(around) = IpNet::new(net.addr(), *length) else { continue };
                for subnet in subnets.get(&around.trunc()).into_iter().flatten() {
                    cuts.entry((*subnet).to_owned()).or_default().insert(net.trunc());
                }
            }
        }
        Self(cuts.into_iter().map(|(subnet, nets)| (subnet, nets.into_iter().collect())).collect())
    }

    /// On which side of each cut of the subnet the addresses lie: equal for addresses that no rule tells apart.
    pub fn sides(&self, subnet: Option<&str>, addresses: &[IpAddr]) -> Vec<bool> {
        let cuts = subnet.and_then(|s| self.0.get(s)).map(Vec::as_slice).unwrap_or_default();
        cuts.iter().flat_map(|net| addresses.iter().filter(|a| a.is_ipv4() == net.addr().is_ipv4()).map(|a| net.contains(a))).collect()
    }
}

/// Every range that a rule, an entry, a route or a prefix list names.
fn named(region: &Region) -> impl Iterator<Item = &str> {
    let groups = region.security_groups.iter().flat_map(|g| g.ip_permissions.iter().chain(&g.ip_permissions_egress)).flat_map(|p| {
        let v4 = p.ip_ranges.iter().filter_map(|r| r.cidr_ip.as_deref());
        v4.chain(p.ipv6_ranges.iter().filter_map(|r| r.cidr_ipv6.as_deref()))
    });
    let acls = region.network_acls.iter().flat_map(|a| &a.entries).flat_map(|e| e.cidr_block.as_deref().into_iter().chain(e.ipv6_cidr_block.as_deref()));
    let routes = region.route_tables.iter().flat_map(|t| &t.routes).flat_map(|r| r.destination_cidr_block.as_deref().into_iter().chain(r.destination_ipv6_cidr_block.as_deref()));
    let lists = region.prefix_list_entries.values().filter_map(Answer::output).flat_map(|l| &l.entries).filter_map(|e| e.cidr.as_deref());
    let gateways = region.transit_gateway_routes.values().filter_map(Answer::output).flat_map(|t| &t.routes).filter_map(|r| r.destination_cidr_block.as_deref());
    groups.chain(acls).chain(routes).chain(lists).chain(gateways)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::ec2::{IpPermission, IpRange, SecurityGroup, Subnet};

    #[test]
    fn a_rule_for_half_a_subnet_tells_its_halves_apart() {
        let subnet = |id: &str, cidr: &str| Subnet { subnet_id: id.to_owned(), vpc_id: "vpc-1".to_owned(), cidr_block: Some(cidr.to_owned()), ..Subnet::default() };
        let rule = |cidr: &str| IpPermission { ip_ranges: vec![IpRange { cidr_ip: Some(cidr.to_owned()) }], ..IpPermission::default() };
        let group = SecurityGroup { group_id: "sg-1".to_owned(), ip_permissions: vec![rule("10.0.0.0/16"), rule("10.0.1.128/25")], ..SecurityGroup::default() };
        let region = Region { subnets: vec![subnet("subnet-a", "10.0.1.0/24"), subnet("subnet-b", "10.0.2.0/24")], security_groups: vec![group], ..Region::default() };
        let cuts = Cuts::new(&region);
        let side = |subnet: &str, address: &str| cuts.sides(Some(subnet), &[address.parse().unwrap()]);
        assert_ne!(side("subnet-a", "10.0.1.5"), side("subnet-a", "10.0.1.200"), "one is admitted by 10.0.1.128/25, the other is not");
        assert_eq!(side("subnet-a", "10.0.1.5"), side("subnet-a", "10.0.1.6"));
        assert_eq!(side("subnet-b", "10.0.2.5"), side("subnet-b", "10.0.2.200"), "no rule cuts this subnet");
    }
}
