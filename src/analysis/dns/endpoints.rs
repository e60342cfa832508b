//! Which names the interface endpoints of a VPC take over by private DNS
//! (<https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html>).

use std::net::IpAddr;

use super::answer::{Doubt, Families};
use super::name;
use super::resolver::Resolver;
use crate::actions::Action;
use crate::analysis::{Unseen, View, services};
use crate::inventory::ec2::VpcEndpoint;

/// How an endpoint stands to a name.
#[derive(Debug)]
pub(super) enum Hold {
    /// Takes it, by a managed zone of this depth.
    Takes(usize),
    /// Takes it or not, for want of this.
    MayTake(usize, Doubt),
    /// Is of the name's service, but its private DNS is off.
    Off,
    /// Is of the name's service and has private DNS, but not for this name.
    Uncovered,
    /// S3's, for queries over inbound Resolver endpoints alone.
    InboundOnly,
    /// Is of a kind whose private names are not modelled, and has this one.
    Unmodelled(Doubt),
    /// Has nothing to do with it.
    Apart,
}

/// Whether an endpoint works, by its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usable {
    Yes,
    No,
    /// A state that AWS's pages do not tell, or none.
    Unsure,
}

pub(super) fn usable(endpoint: &VpcEndpoint) -> Usable {
    match endpoint.state.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("available" | "partial") => Usable::Yes,
        Some("pendingacceptance" | "pending" | "deleting" | "deleted" | "rejected" | "failed" | "expired") => Usable::No,
        _ => Usable::Unsure,
    }
}

/// Whether the endpoint is gone, or all but.
pub(super) fn deleted(endpoint: &VpcEndpoint) -> bool {
    endpoint.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("deleted") || s.eq_ignore_ascii_case("deleting"))
}

pub(super) fn is_interface(endpoint: &VpcEndpoint) -> bool {
    endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("interface"))
}

/// Which records an endpoint's private names have, by its DNS record type, else its address type.
#[must_use]
pub fn record_families(endpoint: &VpcEndpoint) -> Families {
    let addresses = address_families(endpoint);
    match dns_record_type(endpoint).as_deref() {
        Some("ipv4") => Families::V4,
        Some("ipv6") => Families::V6,
        Some("dualstack") => Families::BOTH,
        // The service's own choice: private names get A records where the endpoint has IPv4 addresses.
        Some("service-defined") if addresses.v4 => Families::V4,
        _ => addresses,
    }
}

/// Which records the names have that AWS gave the endpoint itself (`vpce-….vpce.amazonaws.com`).
pub(super) fn own_name_families(endpoint: &VpcEndpoint) -> Families {
    match dns_record_type(endpoint).as_deref() {
        Some("service-defined") => address_families(endpoint),
        _ => record_families(endpoint),
    }
}

fn dns_record_type(endpoint: &VpcEndpoint) -> Option<String> {
    endpoint.dns_options.as_ref()?.dns_record_ip_type.as_deref().map(str::to_ascii_lowercase)
}

fn address_families(endpoint: &VpcEndpoint) -> Families {
    match endpoint.ip_address_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("ipv6") => Families::V6,
        Some("dualstack") => Families::BOTH,
        _ => Families::V4,
    }
}

/// Whether the endpoint is of `service` in the inventory's region. Without a service, it is.
pub(super) fn of_service(view: &View<'_>, endpoint: &VpcEndpoint, service: &str) -> bool {
    service.is_empty() || short_of(view, endpoint) == Some(service)
}

/// Short name of the endpoint's service; `None` if it is of another region.
pub(super) fn short_of<'e>(view: &View<'_>, endpoint: &'e VpcEndpoint) -> Option<&'e str> {
    let region = &view.region.region;
    endpoint.service_region.as_ref().is_none_or(|r| r == region).then(|| name::short(endpoint.service_name.as_deref()?, region)).flatten()
}

/// The private names of an endpoint's service, and where they were read.
pub(super) struct PrivateNames {
    pub names: Vec<String>,
    pub listed: bool,
}

/// By its own DNS entries, else by the service's listing, else by AWS's pages (`listed` is false).
pub(super) fn names_of(view: &View<'_>, endpoint: &VpcEndpoint) -> PrivateNames {
    let own: Vec<String> = endpoint.dns_entries.iter().filter_map(|e| e.dns_name.as_deref()).map(name::normal).filter(|n| !n.contains(".vpce.")).collect();
    if !own.is_empty() {
        return PrivateNames { names: own, listed: true };
    }
    if let Some(detail) = endpoint.service_name.as_deref().and_then(|n| view.index.service_details.get(n)) {
        let listed = detail.private_dns_names.iter().filter_map(|n| n.private_dns_name.as_deref()).chain(detail.private_dns_name.as_deref());
        let names: Vec<String> = listed.map(name::normal).collect();
        if !names.is_empty() {
            return PrivateNames { names, listed: true };
        }
    }
    let names = short_of(view, endpoint).map(|s| services::hostnames(&view.region.region, s).into_iter().collect()).unwrap_or_default();
    PrivateNames { names, listed: false }
}

/// Whether private DNS is on; `None`: not seen.
pub(super) fn private_dns(endpoint: &VpcEndpoint) -> Option<bool> {
    endpoint.private_dns_enabled.or_else(|| {
        let private = |e: &crate::inventory::ec2::DnsEntry| e.dns_name.as_deref().is_some_and(|n| !n.contains(".vpce."));
        (!endpoint.dns_entries.is_empty()).then(|| endpoint.dns_entries.iter().any(private))
    })
}

/// Whether the endpoint serves another region than the one that `host` is of, whatever names it lists.
fn is_elsewhere(view: &View<'_>, endpoint: &VpcEndpoint, host: &str) -> bool {
    crate::analysis::path::endpoint_region(endpoint).is_some_and(|r| r != view.region.region && !host.split('.').any(|label| label == r))
}

impl Resolver<'_> {
    /// How `endpoint`, which is in the VPC that is asked, stands to a normal name; `inbound`: the query came in over a
    /// Resolver endpoint.
    pub(super) fn hold(&self, endpoint: &VpcEndpoint, host: &str, service: &str, inbound: bool) -> Hold {
        let id = &endpoint.vpc_endpoint_id;
        if !is_interface(endpoint) {
            let entries = endpoint.dns_entries.iter().filter_map(|e| e.dns_name.as_deref()).map(name::normal);
            let gateway = endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.to_ascii_lowercase().starts_with("gateway"));
            let takes = !gateway && usable(endpoint) != Usable::No && entries.into_iter().any(|n| !n.contains(".vpce.") && name::matches(&n, host));
            return if takes { Hold::Unmodelled(Doubt::new("DN05", id, Unseen::Elsewhere(format!("what {id}, which is no interface endpoint, does with {host}")))) } else { Hold::Apart };
        }
        let state = usable(endpoint);
        if state == Usable::No || is_elsewhere(self.view, endpoint, host) {
            return Hold::Apart;
        }
        let ours = !service.is_empty() && of_service(self.view, endpoint, service);
        let on = private_dns(endpoint);
        if on == Some(false) {
            return if ours && state == Usable::Yes { Hold::Off } else { Hold::Apart };
        }
        let PrivateNames { names, listed } = names_of(self.view, endpoint);
        let zone = names.iter().filter(|n| name::matches(n, host)).map(|n| name::depth(n.strip_prefix("*.").unwrap_or(n))).max();
        let inbound_only = endpoint.dns_options.as_ref().and_then(|o| o.private_dns_only_for_inbound_resolver_endpoint) == Some(true);
        if inbound_only && !inbound && (ours || zone.is_some()) {
            return Hold::InboundOnly;
        }
        let doubt = match (on, state) {
            (None, _) => Some(Doubt::new("DN01", id, Unseen::Elsewhere(format!("whether private DNS of {id} is on")))),
            (_, Usable::Unsure) => Some(Doubt::new("EP02", id, Unseen::Elsewhere(format!("what the state {:?} of {id} means", endpoint.state.as_deref().unwrap_or_default())))),
            _ => None,
        };
        match (zone, doubt) {
            (Some(depth), None) => Hold::Takes(depth),
            (Some(depth), Some(doubt)) => Hold::MayTake(depth, doubt),
            (None, _) if !ours => Hold::Apart,
            // No listing of its names was seen, so AWS may have given it this one as well.
            (None, _) if !listed => Hold::MayTake(name::depth(host), Doubt::new("DN03", id, Unseen::Action(Action::DescribeVpcEndpointServices))),
            (None, _) => Hold::Uncovered,
        }
    }

    /// Addresses of an endpoint, of the interfaces in `zone` alone if one is given. `None`: some were not seen.
    pub(super) fn addresses(&self, endpoint: &VpcEndpoint, zone: Option<&str>) -> Option<Vec<IpAddr>> {
        let mut all = Vec::new();
        for id in &endpoint.network_interface_ids {
            let interface = self.view.index.interfaces.get(id.as_str())?;
            if zone.is_none_or(|z| interface.availability_zone.as_deref() == Some(z)) {
                all.extend(addresses_of(interface));
            }
        }
        Some(all)
    }
}

/// Private addresses of an interface.
pub(super) fn addresses_of(interface: &crate::inventory::ec2::NetworkInterface) -> impl Iterator<Item = IpAddr> + '_ {
    let v4 = interface.private_ip_address.as_deref().into_iter().chain(interface.private_ip_addresses.iter().filter_map(|a| a.private_ip_address.as_deref()));
    let v6 = interface.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.as_deref());
    v4.chain(v6).filter_map(|a| a.parse().ok())
}
