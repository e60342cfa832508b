//! NAT gateways: whether one works, and the network ACL of its own subnet.

use super::block::BlockMode;
use super::{Context, EgressAnswer, Gateway, Open, blocked, internet_gateway, nat_ports, open};
use crate::actions::Action;
use crate::analysis::nacl;
use crate::analysis::net::{IpSet, PortSet};
use crate::analysis::route::{Choice, Compiled, Target, listed, table_of};
use crate::analysis::{Decision, Egress, Family, Index, Unseen};
use crate::finding::Evidence;
use crate::inventory::ec2::NatGateway;

/// Judges a route to a NAT gateway. `to` says which route it is; `class` makes an answer on the workload's own table.
pub(super) fn judge(context: Context<'_>, id: &str, to: &str, class: &dyn Fn(Egress, String) -> EgressAnswer) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    let unknown = |why: &str, unseen: Unseen| EgressAnswer::unknown(Some(rtb), format!("{to}, {why}"), unseen);
    let Some(nat) = context.index.nat_gateways.get(id).copied() else {
        return if listed(context.index, Action::DescribeNatGateways, context.vpc) {
            class(Egress::Dead, format!("{to}, which does not exist"))
        } else {
            unknown("which was not seen", Unseen::Action(Action::DescribeNatGateways))
        };
    };
    let evidence = |field: &str, value: &str| Evidence::new(Action::DescribeNatGateways, field, value, id);
    match nat.state.as_deref() {
        Some(state) if state.eq_ignore_ascii_case("available") => {}
        Some(state) if ["pending", "failed", "deleting", "deleted"].iter().any(|s| state.eq_ignore_ascii_case(s)) => {
            let mut answer = class(Egress::Dead, format!("{to}, which is {state}"));
            answer.decision.evidence.push(evidence("State", state));
            return answer;
        }
        _ => return unknown("whose state is not known", Unseen::Elsewhere(format!("the state of {id}"))),
    }
    let private = match nat.connectivity_type.as_deref() {
        // Public is AWS's default.
        None => false,
        Some(kind) if kind.eq_ignore_ascii_case("public") => false,
        Some(kind) if kind.eq_ignore_ascii_case("private") => true,
        Some(_) => return unknown("whose connectivity type is not known", Unseen::Elsewhere(format!("the connectivity type of {id}"))),
    };
    if private {
        return judge_private(context, nat, to, class);
    }
    if nat.availability_mode.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("regional")) {
        return judge_regional(context, to, class);
    }
    let Some(subnet) = nat.subnet_id.as_deref() else { return unknown("whose subnet was not seen", Unseen::Elsewhere(format!("the subnet of {id}"))) };
    let table = match table_of(context.index, subnet) {
        Ok(table) => table,
        Err(unseen) => return unknown(&format!("and the route table of its subnet {subnet} was not seen"), unseen),
    };
    let behind = table.route_table_id.as_str();
    let with_table = |mut answer: EgressAnswer, value: String| {
        answer.decision.evidence.push(Evidence::new(Action::DescribeRouteTables, "Routes", value, format!("{behind}, the route table of {id}")));
        answer
    };
    let choice = Compiled::new(context.index, table, context.options).default_route(Family::V4);
    match choice {
        Choice::None => with_table(class(Egress::Dead, format!("{to}, whose own subnet {subnet} has no default route in {behind}")), "no default route".to_owned()),
        Choice::Unknown(unseen, detail) => unknown(&format!("and of its own subnet {detail}"), unseen),
        Choice::Route(route) => match &route.target {
            Target::InternetGateway(igw) => match internet_gateway(context, igw) {
                Gateway::Up => through_block(context, subnet, id, to, class),
                Gateway::Down(why) => with_table(class(Egress::Dead, format!("{to}, whose own subnet {subnet} leads to {igw}, which {why}")), format!("{} {igw}", route.destination)),
                Gateway::Unseen(unseen) => unknown(&format!("and {igw} behind it was not seen"), unseen),
            },
            Target::Blackhole(gone) => {
                with_table(class(Egress::Dead, format!("{to}, whose own subnet {subnet} leads to {}, which is gone", gone.describe())), format!("{} blackhole", route.destination))
            }
            Target::Local | Target::GatewayEndpoint(_) | Target::EgressOnly(_) => with_table(
                class(Egress::Dead, format!("{to}, whose own subnet {subnet} leads to no internet gateway but {}", route.target.describe())),
                format!("{} {}", route.destination, route.target.describe()),
            ),
            Target::Nat(next) if in_a_circle(context, id, next) => {
                with_table(class(Egress::Dead, format!("{to}, whose own subnet {subnet} leads back to it")), format!("{} {}", route.destination, route.target.describe()))
            }
            // A firewall between the NAT gateway and the internet, or a way through another network.
            other => {
                let mut answer = class(Egress::Indirect, format!("{to}, whose own subnet {subnet} leads to {}", other.describe()));
                answer.decision.unseen = [Unseen::Datum(format!("what lies behind {}", other.describe()))].into();
                answer
            }
        },
    }
}

/// Whether the default routes of NAT gateways' own subnets lead from `next` on through NAT gateways alone and back to one of them.
fn in_a_circle(context: Context<'_>, id: &str, next: &str) -> bool {
    let mut passed = vec![id.to_owned()];
    let mut next = next.to_owned();
    while !passed.contains(&next) {
        let subnet = context.index.nat_gateways.get(next.as_str()).and_then(|n| n.subnet_id.as_deref());
        let Some(Ok(table)) = subnet.map(|s| table_of(context.index, s)) else { return false };
        let Choice::Route(route) = Compiled::new(context.index, table, context.options).default_route(Family::V4) else { return false };
        let Target::Nat(further) = &route.target else { return false };
        passed.push(std::mem::replace(&mut next, further.clone()));
    }
    true
}

/// Block Public Access on the way through a NAT gateway, whose own subnet is what faces the internet gateway.
fn through_block(context: Context<'_>, subnet: &str, id: &str, to: &str, class: &dyn Fn(Egress, String) -> EgressAnswer) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    match (open(context, subnet, BlockMode::egress_blocked), open(context, context.subnet, BlockMode::egress_blocked)) {
        (Open::Yes, _) => class(Egress::Nat, to.to_owned()),
        (Open::No, Open::No) => blocked(context, class(Egress::Dead, format!("{to}, and Block Public Access stops it"))),
        (Open::Unseen(unseen), _) | (_, Open::Unseen(unseen)) => EgressAnswer::unknown(Some(rtb), format!("{to}, and whether Block Public Access stops it was not seen"), unseen),
        // AWS speaks of excluded subnets with access to a NAT gateway, not of one that is not excluded itself.
        (Open::No, Open::Yes) => EgressAnswer::unknown(
            Some(rtb),
            format!("{to}, and Block Public Access excludes {} but not {subnet}", context.subnet),
            Unseen::Datum(format!("whether excluding {} from Block Public Access lets it out through {id} in {subnet}", context.subnet)),
        ),
    }
}

/// A regional NAT gateway has no subnet; it uses the internet gateway of its VPC.
fn judge_regional(context: Context<'_>, to: &str, class: &dyn Fn(Egress, String) -> EgressAnswer) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    let attached = context.index.region.internet_gateways.iter().any(|g| matches!(internet_gateway(context, &g.internet_gateway_id), Gateway::Up));
    if !attached {
        return if listed(context.index, Action::DescribeInternetGateways, context.vpc) {
            class(Egress::Dead, format!("{to}, and no internet gateway is attached to the VPC"))
        } else {
            EgressAnswer::unknown(Some(rtb), format!("{to}, and the internet gateway behind it was not seen"), Unseen::Action(Action::DescribeInternetGateways))
        };
    }
    match open(context, context.subnet, BlockMode::egress_blocked) {
        Open::Yes => class(Egress::Nat, to.to_owned()),
        Open::No => blocked(context, class(Egress::Dead, format!("{to}, and Block Public Access stops it"))),
        Open::Unseen(unseen) => EgressAnswer::unknown(Some(rtb), format!("{to}, and whether Block Public Access stops it was not seen"), unseen),
    }
}

/// A private NAT gateway reaches other networks, never the internet by itself: what comes to an internet gateway from it is dropped.
fn judge_private(context: Context<'_>, nat: &NatGateway, to: &str, class: &dyn Fn(Egress, String) -> EgressAnswer) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    let to = format!("{to}, a private one");
    let Some(subnet) = nat.subnet_id.as_deref() else {
        return EgressAnswer::unknown(Some(rtb), format!("{to}, whose subnet was not seen"), Unseen::Elsewhere(format!("the subnet of {}", nat.nat_gateway_id)));
    };
    let table = match table_of(context.index, subnet) {
        Ok(table) => table,
        Err(unseen) => return EgressAnswer::unknown(Some(rtb), format!("{to}, and the route table of its subnet {subnet} was not seen"), unseen),
    };
    match Compiled::new(context.index, table, context.options).default_route(Family::V4) {
        Choice::Unknown(unseen, detail) => EgressAnswer::unknown(Some(rtb), format!("{to}, and of its own subnet {detail}"), unseen),
        Choice::None => class(Egress::Isolated, format!("{to}, whose own subnet {subnet} leads nowhere on")),
        Choice::Route(route) => match &route.target {
            Target::InternetGateway(_) | Target::Local | Target::GatewayEndpoint(_) | Target::EgressOnly(_) | Target::Blackhole(_) => {
                class(Egress::Isolated, format!("{to}, whose own subnet {subnet} leads to {}, where its traffic is dropped", route.target.describe()))
            }
            other => {
                let mut answer = class(Egress::Indirect, format!("{to}, whose own subnet {subnet} leads to {}", other.describe()));
                answer.decision.unseen = [Unseen::Datum(format!("what lies behind {}", other.describe()))].into();
                answer
            }
        },
    }
}

/// What the network ACL of a NAT gateway's own subnet says in one direction, to one end.
#[derive(Debug)]
pub struct NatFilter {
    /// NW04 (request) or NW05 (reply).
    pub rule: &'static str,
    /// What it says.
    pub decision: Decision,
    /// Whether the other end is the remote one, else it is the workload.
    pub of_remote: bool,
}

/// The network ACL of a NAT gateway's own subnet, as NW04 (towards the remote end) and NW05 (replies): in from the workload and
/// out to the remote end on `port`; back in to the ports that the NAT gateway opens connections from, and out to the
/// workload's `replies`. What stays inside one subnet is not filtered. Empty where no subnet is concerned (a regional one).
#[must_use]
pub fn nat_filters(index: &Index<'_>, nat: &str, subnet: Option<&str>, from: &IpSet, replies: &PortSet, remote: &IpSet, port: u16) -> Vec<NatFilter> {
    let unseen = |rule, decision| NatFilter { rule, decision, of_remote: false };
    let Some(gateway) = index.nat_gateways.get(nat) else {
        return vec![unseen("NW04", Decision::unknown(None, format!("{nat} was not seen"), Unseen::Action(Action::DescribeNatGateways)))];
    };
    let Some(own) = gateway.subnet_id.as_deref() else { return Vec::new() };
    let acl = match nacl::acl_of(index, own) {
        Ok(acl) => acl,
        Err(action) => {
            let decision = || Decision::unknown(None, format!("the network ACL of {own}, the subnet of {nat}, was not seen"), action.clone());
            return vec![unseen("NW04", decision()), unseen("NW05", decision())];
        }
    };
    let request = PortSet::port(port);
    let mut legs = Vec::new();
    if subnet != Some(own) {
        legs.push(("NW04", false, nacl::admits(acl, false, from, &request)));
    }
    legs.push(("NW04", true, nacl::admits(acl, true, remote, &request)));
    legs.push(("NW05", true, nacl::admits(acl, false, remote, &nat_ports())));
    if subnet != Some(own) {
        legs.push(("NW05", false, nacl::admits(acl, true, from, replies)));
    }
    legs.into_iter()
        .map(|(rule, of_remote, mut decision)| {
            decision.detail = format!("{} (the subnet of {nat})", decision.detail);
            NatFilter { rule, decision, of_remote }
        })
        .collect()
}
