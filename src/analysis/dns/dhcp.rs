//! Which DNS servers a VPC hands out (<https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSet.html>).

use std::net::IpAddr;

use crate::actions::Action;
use crate::analysis::{Unseen, View};

/// The DNS servers of a VPC.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Servers {
    /// Amazon's resolver is among them.
    pub amazon: bool,
    /// Other servers, in order.
    pub own: Vec<String>,
    /// The set of DHCP options that names them.
    pub options: Option<String>,
    /// Why they could not be told; Amazon's resolver is then a guess.
    pub unseen: Option<Unseen>,
}

/// The servers that `vpc` hands out. Neither Amazon's nor others: none at all.
pub(super) fn servers(view: &View<'_>, vpc: &str) -> Servers {
    let guess = |unseen| Servers { amazon: true, unseen: Some(unseen), ..Servers::default() };
    let Some(object) = view.index.vpcs.get(vpc) else { return guess(Unseen::Action(Action::DescribeVpcs)) };
    let Some(id) = object.dhcp_options_id.as_deref() else { return guess(Unseen::Elsewhere(format!("the DHCP options of {vpc}"))) };
    if id == "default" {
        return Servers { options: Some(id.to_owned()), ..Servers::default() };
    }
    let Some(options) = view.index.dhcp_options.get(id) else { return guess(Unseen::Action(Action::DescribeDhcpOptions)) };
    let mut servers = Servers { options: Some(id.to_owned()), ..Servers::default() };
    let values = options.dhcp_configurations.iter().filter(|c| c.key.as_deref() == Some("domain-name-servers")).flat_map(|c| &c.values);
    for value in values.filter_map(|v| v.value.as_deref()).flat_map(|v| v.split(',')).map(str::trim).filter(|v| !v.is_empty()) {
        if is_amazon(view, vpc, value) {
            servers.amazon = true;
        } else if !servers.own.iter().any(|s| s == value) {
            servers.own.push(value.to_owned());
        }
    }
    servers
}

/// Whether `server`, as seen from `vpc`, is Amazon's resolver: by name, by its fixed addresses, or two above the VPC's base.
pub(super) fn is_amazon(view: &View<'_>, vpc: &str, server: &str) -> bool {
    if server.eq_ignore_ascii_case("AmazonProvidedDNS") {
        return true;
    }
    let Ok(address) = server.parse::<IpAddr>() else { return false };
    match address {
        IpAddr::V4(v4) => v4.octets() == [169, 254, 169, 253] || base_plus_two(view, vpc) == Some(address),
        IpAddr::V6(v6) => v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253],
    }
}

fn base_plus_two(view: &View<'_>, vpc: &str) -> Option<IpAddr> {
    let range: ipnet::Ipv4Net = view.index.vpcs.get(vpc)?.cidr_block.as_deref()?.parse().ok()?;
    Some(IpAddr::V4(u32::from(range.network()).checked_add(2)?.into()))
}
