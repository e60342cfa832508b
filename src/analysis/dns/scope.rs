//! What of a VPC and its surroundings was seen, and how VPCs are joined, as far as names need it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::answer::{NameTarget, Set};
use super::dhcp;
use super::name;
use super::resolver::Resolver;
use crate::actions::Action;
use crate::analysis::{Unseen, services};
use crate::inventory::dns::ResolverRule;
use crate::inventory::ec2::{VpcEndpoint, VpcPeeringConnection};

impl<'v> Resolver<'v> {
    pub(super) fn endpoints_of(&self, vpc: &str) -> impl Iterator<Item = &'v VpcEndpoint> + use<'_, 'v> {
        self.view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().copied()
    }

    /// Why a VPC may have endpoints that were not seen: the answer is not complete, or somebody else owns the VPC.
    pub(in crate::analysis) fn endpoints_unseen(&self, vpc: &str) -> Option<Unseen> {
        let action = Action::DescribeVpcEndpoints;
        if !self.view.seen(action) || self.view.region.vpc_scope.as_ref().is_some_and(|s| !s.contains(vpc)) {
            return Some(Unseen::Action(action));
        }
        let Some(object) = self.view.index.vpcs.get(vpc) else { return Some(Unseen::Action(Action::DescribeVpcs)) };
        object.owner_id.as_deref().filter(|o| *o != self.view.region.account).map(|owner| Unseen::Elsewhere(format!("the endpoints of {vpc}, which its owner {owner} alone can list")))
    }

    /// Why there may be endpoints outside what was seen that `vpc` can reach: a part was not asked for, or the VPC is joined
    /// to other accounts.
    pub(super) fn outside(&self, vpc: &str) -> Option<Unseen> {
        if let Some(unseen) = self.endpoints_unseen(vpc) {
            return Some(unseen);
        }
        let region = self.view.region;
        if region.vpc_scope.is_some() {
            return Some(Unseen::Action(Action::DescribeVpcEndpoints));
        }
        let is_foreign = |owner: Option<&str>| owner.is_some_and(|o| o != region.account);
        let peered = region.vpc_peering_connections.iter().filter_map(sides).any(|((a, a_owner), (b, b_owner))| (a == vpc && is_foreign(b_owner)) || (b == vpc && is_foreign(a_owner)));
        let gateways = region.transit_gateway_vpc_attachments.iter().any(|a| is_foreign(a.vpc_owner_id.as_deref()))
            || region.transit_gateway_attachments.iter().any(|a| is_foreign(a.resource_owner_id.as_deref()));
        (peered || gateways).then(|| Unseen::Elsewhere(format!("endpoints of the other accounts that {vpc} is joined to")))
    }

    /// Whether two VPCs are joined by peering or a transit gateway.
    pub(super) fn joined(&self, a: &str, b: &str) -> bool {
        let attached = |vpc: &str| -> BTreeSet<&str> {
            let attachments = self.view.region.transit_gateway_vpc_attachments.iter().filter(|t| t.vpc_id.as_deref() == Some(vpc));
            attachments.filter_map(|t| t.transit_gateway_id.as_deref()).collect()
        };
        let peered = self.view.region.vpc_peering_connections.iter().filter_map(sides).any(|((x, _), (y, _))| (x, y) == (a, b) || (y, x) == (a, b));
        peered || !attached(a).is_disjoint(&attached(b))
    }

    /// Whether an address lies in a range of the VPC.
    pub(super) fn contains(&self, vpc: &str, address: IpAddr) -> bool {
        let Some(object) = self.view.index.vpcs.get(vpc) else { return false };
        let v4 = object.cidr_block.as_deref().into_iter().chain(object.cidr_block_association_set.iter().filter_map(|a| a.cidr_block.as_deref()));
        let v6 = object.ipv6_cidr_block_association_set.iter().filter_map(|a| a.ipv6_cidr_block.as_deref());
        v4.chain(v6).filter_map(|c| c.parse::<ipnet::IpNet>().ok()).any(|n| n.contains(&address))
    }

    /// Private names of a service: what the region lists, and what AWS's pages tell.
    pub(super) fn service_names(&self, service: &str) -> BTreeSet<String> {
        if service.is_empty() {
            return BTreeSet::new();
        }
        let mut names = self.listed_names.get(service).cloned().unwrap_or_default();
        names.extend(services::hostnames(&self.view.region.region, service));
        names
    }

    /// VPCs of the inbound Resolver endpoints at an address, as seen from `vpc`; of VPCs that were seen.
    pub(super) fn inbound_at(&self, vpc: &str, address: IpAddr) -> Vec<(&'v str, bool)> {
        let local = self.contains(vpc, address);
        self.inbound.get(&address).into_iter().flatten().filter(|(host, _)| self.view.index.vpcs.contains_key(host) && local == (*host == vpc)).copied().collect()
    }

    /// The VPC from which a rule's queries leave.
    pub(super) fn outbound_vpc(&self, rule: &ResolverRule) -> Option<&'v str> {
        self.vpc_of_resolver_endpoint.get(rule.resolver_endpoint_id.as_deref()?).copied()
    }

    /// VPCs whose resolvers the names of a service can come to from `vpc`: its own, and those of the Resolver endpoints that its
    /// DNS servers and FORWARD rules are.
    pub(super) fn asked_vpcs(&self, vpc: &str, service: &str) -> BTreeSet<&'v str> {
        let names = self.service_names(service);
        let mut out: BTreeSet<&str> = self.view.index.vpcs.get_key_value(vpc).map(|(v, _)| *v).into_iter().collect();
        let at = |vpc: &str, server: &str| server.parse().map(|a| self.inbound_at(vpc, a)).unwrap_or_default().into_iter().map(|(host, _)| host);
        for server in dhcp::servers(self.view, vpc).own {
            out.extend(at(vpc, &server));
        }
        for rule in self.rules_of_vpc.get(vpc).into_iter().flatten().filter_map(|a| self.rules.get(a.resolver_rule_id.as_deref()?)) {
            let domain = name::normal(rule.domain_name.as_deref().unwrap_or_default());
            if !names.is_empty() && !names.iter().any(|n| name::covers(&domain, n) || name::covers(n.strip_prefix("*.").unwrap_or(n), &domain)) {
                continue;
            }
            let outbound = self.outbound_vpc(rule);
            for target in rule.target_ips.iter().filter_map(|t| t.ip.as_deref().or(t.ipv6.as_deref())) {
                out.extend(at(outbound.unwrap_or(vpc), target));
                out.extend(outbound.filter(|o| dhcp::is_amazon(self.view, o, target)));
            }
        }
        out
    }

    /// Answers of another VPC's resolver as seen from `vpc`: what is its own endpoint is remote here, and the other way round.
    pub(super) fn rebased(&self, set: Set, vpc: &str, answered: &str) -> Set {
        if vpc == answered {
            return set;
        }
        let local = |id: &str| self.view.index.endpoints.get(id).and_then(|e| e.vpc_id.as_deref()) == Some(vpc);
        set.map(|mut answer| {
            answer.detail = format!("by the resolver of {answered}: {}", answer.detail);
            answer.target = match answer.target {
                NameTarget::Endpoint { id, addresses } | NameTarget::Remote { id, addresses } if local(&id) => NameTarget::Endpoint { id, addresses },
                NameTarget::Endpoint { id, addresses } => NameTarget::Remote { id, addresses },
                other => other,
            };
            answer
        })
    }
}

type Side<'p> = (&'p str, Option<&'p str>);

/// VPC and owner of both sides of a peering connection that is not known to be gone.
fn sides(peering: &VpcPeeringConnection) -> Option<(Side<'_>, Side<'_>)> {
    let gone = |code: &str| ["deleted", "deleting", "rejected", "expired", "failed"].contains(&code.to_ascii_lowercase().as_str());
    if peering.status.as_ref().and_then(|s| s.code.as_deref()).is_some_and(gone) {
        return None;
    }
    let (a, b) = (peering.requester_vpc_info.as_ref()?, peering.accepter_vpc_info.as_ref()?);
    Some(((a.vpc_id.as_deref()?, a.owner_id.as_deref()), (b.vpc_id.as_deref()?, b.owner_id.as_deref())))
}
