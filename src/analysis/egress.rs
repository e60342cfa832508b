//! How a subnet's traffic to the public internet leaves: NAT, internet and egress-only gateways, Block Public Access.
//!
//! Pages: `vpc/latest/userguide/VPC_Internet_Gateway.html`, `vpc-nat-gateway.html`, `nat-gateway-nat64-dns64.html`,
//! `egress-only-internet-gateway.html`, `security-vpc-bpa.html`.

mod block;
mod nat;

use super::net::{IpSet, PortSet, public_space};
use super::route::{Choice, Compiled, RouteChoice, Target, listed, table_of};
use super::{Decision, Egress, Family, Index, Options, Unseen};
use crate::actions::Action;
use crate::finding::Evidence;
use crate::inventory::ec2::{InternetGatewayAttachment, RouteTable};
pub use block::{BlockMode, block_mode};
pub use nat::{NatFilter, nat_filters};

/// How a subnet's traffic to some public addresses leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct EgressAnswer {
    /// The class; `None`: not to be told.
    pub class: Option<Egress>,
    /// As a hop `route`: pass over a NAT, internet or egress-only gateway; fail where there is no way; unknown where it leads
    /// out of sight.
    pub decision: Decision,
    /// Where the deciding route leads. A gateway endpoint takes the addresses of its service: `isolated` (nothing leaves over
    /// the internet), with a decision that passes.
    pub target: Option<Target>,
    /// Class `dead`: the object whose dead route it is, the route table, or the VPC for Block Public Access.
    pub dead_object: Option<String>,
    /// Class `dead` by Block Public Access.
    pub block_public_access: bool,
    /// The subnet's route table, if it was seen.
    pub table: Option<String>,
    /// Destination of the deciding route as it is written.
    pub destination: Option<String>,
}

impl EgressAnswer {
    fn new(class: Option<Egress>, decision: Decision) -> Self {
        Self { class, decision, target: None, dead_object: None, block_public_access: false, table: None, destination: None }
    }

    fn unknown(object: Option<&str>, detail: impl Into<String>, unseen: Unseen) -> Self {
        Self::new(None, Decision::unknown(object, detail, unseen))
    }
}

/// What the classes of one subnet are judged with.
#[derive(Clone, Copy)]
struct Context<'a> {
    index: &'a Index<'a>,
    options: &'a Options,
    subnet: &'a str,
    vpc: Option<&'a str>,
    table: &'a RouteTable,
    family: Family,
    public_ip: Option<bool>,
}

/// How the subnet's default route of a family leaves.
///
/// `public_ip`: whether the workload has a public IPv4 address; matters beside an internet gateway alone. IPv6 without `::/0`
/// counts NAT64 (a route of `64:ff9b::/96` to a NAT gateway, with DNS64 on) as its way.
#[must_use]
pub fn egress(index: &Index<'_>, options: &Options, subnet: &str, family: Family, public_ip: Option<bool>) -> EgressAnswer {
    with_context(index, options, subnet, family, public_ip, |context| {
        let compiled = Compiled::new(index, context.table, options);
        let answer = judge_default(context, compiled);
        if family == Family::V6 && answer.class == Some(Egress::Isolated) && answer.target.is_none() {
            return nat64_of(context, &Compiled::new(index, context.table, options)).unwrap_or(answer);
        }
        answer
    })
}

/// The way of an IPv6-only subnet to IPv4 addresses, by DNS64 and NAT64: class `nat` where it works. `None`: it is not set up.
#[must_use]
pub fn nat64(index: &Index<'_>, options: &Options, subnet: &str) -> Option<EgressAnswer> {
    let table = match table_of(index, subnet) {
        Ok(table) => table,
        Err(unseen) => return Some(EgressAnswer::unknown(None, format!("the route table of {subnet} was not seen"), unseen)),
    };
    let vpc = index.subnets.get(subnet).map(|s| s.vpc_id.as_str()).or(table.vpc_id.as_deref());
    let context = Context { index, options, subnet, vpc, table, family: Family::V6, public_ip: None };
    nat64_of(context, &Compiled::new(index, table, options)).map(|answer| stamp(context, answer))
}

/// The destinations cut by the route that decides for each, with how that leaves: any route to public space narrower than the
/// default is judged for the addresses that it covers. Asked about all of public space, gateway endpoints whose list was not
/// seen are left out: only paths to their service need it.
#[must_use]
pub fn ways(index: &Index<'_>, options: &Options, subnet: &str, family: Family, public_ip: Option<bool>, destinations: &IpSet) -> Vec<(IpSet, EgressAnswer)> {
    let destinations = destinations.family(family);
    let table = match table_of(index, subnet) {
        Ok(table) => table,
        Err(unseen) => return vec![(destinations, EgressAnswer::unknown(None, format!("the route table of {subnet} was not seen"), unseen))],
    };
    let vpc = index.subnets.get(subnet).map(|s| s.vpc_id.as_str()).or(table.vpc_id.as_deref());
    let context = Context { index, options, subnet, vpc, table, family, public_ip };
    let mut compiled = Compiled::new(index, table, options);
    if destinations.contains(&public_space(family)) {
        // Of all that is public, a gateway endpoint takes its own service's part, which such a question is not about.
        compiled = compiled.without_gateway_endpoints(true);
    }
    let parts = compiled.partition(&destinations);
    parts.into_iter().map(|(part, choice)| (part, stamp(context, judge_choice(context, &choice)))).collect()
}

fn with_context(index: &Index<'_>, options: &Options, subnet: &str, family: Family, public_ip: Option<bool>, judge: impl FnOnce(Context<'_>) -> EgressAnswer) -> EgressAnswer {
    let table = match table_of(index, subnet) {
        Ok(table) => table,
        Err(unseen) => return EgressAnswer::unknown(None, format!("the route table of {subnet} was not seen"), unseen),
    };
    let vpc = index.subnets.get(subnet).map(|s| s.vpc_id.as_str()).or(table.vpc_id.as_deref());
    let context = Context { index, options, subnet, vpc, table, family, public_ip };
    stamp(context, judge(context))
}

/// Fills in what every answer of a subnet has.
fn stamp(context: Context<'_>, mut answer: EgressAnswer) -> EgressAnswer {
    answer.table = Some(context.table.route_table_id.clone());
    if answer.class == Some(Egress::Dead) && answer.dead_object.is_none() {
        answer.dead_object.clone_from(&answer.table);
    }
    answer
}

/// Judges the default route; without one, public space as a whole, if one and the same way takes all of it.
fn judge_default(context: Context<'_>, compiled: Compiled<'_>) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    // What a gateway endpoint takes says nothing of the rest of the internet.
    let compiled = compiled.without_gateway_endpoints(false);
    match compiled.default_route(context.family) {
        Choice::None => {}
        choice => return judge_choice(context, &choice),
    }
    let mut answers: Vec<EgressAnswer> = Vec::new();
    for (_, choice) in compiled.partition(&public_space(context.family)) {
        let answer = judge_choice(context, &choice);
        if !answers.iter().any(|a| a.class == answer.class) {
            answers.push(answer);
        }
    }
    match answers.len() {
        1 => answers.remove(0),
        _ => isolated(context, format!("{rtb} has no default route")),
    }
}

fn judge_choice(context: Context<'_>, choice: &Choice<'_>) -> EgressAnswer {
    match choice {
        Choice::None => isolated(context, format!("no route of {} leads there", context.table.route_table_id)),
        Choice::Unknown(unseen, detail) => EgressAnswer::unknown(Some(&context.table.route_table_id), detail.clone(), unseen.clone()),
        Choice::Route(route) => {
            let mut answer = judge_route(context, route);
            answer.target = Some(route.target.clone());
            answer.destination = Some(route.destination.clone());
            answer
        }
    }
}

fn isolated(context: Context<'_>, detail: String) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    let evidence = Evidence::new(Action::DescribeRouteTables, "Routes", "no route", detail.clone());
    EgressAnswer::new(Some(Egress::Isolated), Decision::fail(Some(rtb), detail).because(evidence))
}

/// Judges where a route leads.
fn judge_route(context: Context<'_>, route: &RouteChoice<'_>) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    let to = format!("{} of {rtb} leads to {}", route.destination, route.target.describe());
    let evidence = || Evidence::new(Action::DescribeRouteTables, "Routes", format!("{} {}", route.destination, route.target.describe()), rtb);
    let class = |class: Egress, detail: String| {
        let decision = match class {
            Egress::Nat | Egress::Igw | Egress::EgressOnly => Decision::pass(Some(rtb), detail),
            Egress::Isolated | Egress::Dead | Egress::NoPublicIp => Decision::fail(Some(rtb), detail),
            Egress::Indirect => Decision::unknown(Some(rtb), detail, Unseen::Datum(format!("what lies behind {}", route.target.describe()))),
        };
        EgressAnswer::new(Some(class), decision.because(evidence()))
    };
    match &route.target {
        Target::Blackhole(_) => class(Egress::Dead, to),
        Target::GatewayEndpoint(_) => EgressAnswer::new(Some(Egress::Isolated), Decision::pass(Some(rtb), to).because(evidence())),
        Target::Local => class(Egress::Isolated, format!("{to}, where no public address lives")),
        Target::TransitGateway(_) | Target::Peering(_) | Target::Interface(_) | Target::VpnGateway(_) | Target::Other(_) => class(Egress::Indirect, format!("{to}, behind which nothing was seen")),
        Target::InternetGateway(id) => match internet_gateway(context, id) {
            Gateway::Up => beside_internet_gateway(context, id, &to, class),
            Gateway::Down(why) => class(Egress::Dead, format!("{to}, which {why}")),
            Gateway::Unseen(unseen) => EgressAnswer::unknown(Some(rtb), format!("{to}, which was not seen"), unseen),
        },
        Target::EgressOnly(id) => match egress_only_gateway(context, id) {
            _ if context.family == Family::V4 => class(Egress::Isolated, format!("{to}, which carries IPv6 alone")),
            Gateway::Up => match open(context, context.subnet, BlockMode::egress_blocked) {
                Open::Yes => class(Egress::EgressOnly, to),
                Open::No => blocked(context, class(Egress::Dead, format!("{to}, and Block Public Access stops it"))),
                Open::Unseen(unseen) => EgressAnswer::unknown(Some(rtb), format!("{to}, and whether Block Public Access stops it was not seen"), unseen),
            },
            Gateway::Down(why) => class(Egress::Dead, format!("{to}, which {why}")),
            Gateway::Unseen(unseen) => EgressAnswer::unknown(Some(rtb), format!("{to}, which was not seen"), unseen),
        },
        Target::Nat(_) if context.family == Family::V6 && !is_nat64(&route.destination) => class(Egress::Isolated, format!("{to}, which carries IPv6 to 64:ff9b::/96 alone")),
        Target::Nat(id) => nat::judge(context, id, &to, &class),
    }
}

fn is_nat64(destination: &str) -> bool {
    IpSet::parse("64:ff9b::/96").zip(IpSet::parse(destination)).is_some_and(|(wide, narrow)| wide.contains(&narrow))
}

fn beside_internet_gateway(context: Context<'_>, id: &str, to: &str, class: impl Fn(Egress, String) -> EgressAnswer) -> EgressAnswer {
    let rtb = context.table.route_table_id.as_str();
    match open(context, context.subnet, BlockMode::internet_gateway_blocked) {
        Open::Yes => {}
        Open::No => return blocked(context, class(Egress::Dead, format!("{to}, and Block Public Access stops it"))),
        Open::Unseen(unseen) => return EgressAnswer::unknown(Some(rtb), format!("{to}, and whether Block Public Access stops it was not seen"), unseen),
    }
    match (context.family, context.public_ip) {
        (Family::V6, _) => class(Egress::Igw, to.to_owned()),
        (_, Some(true)) => class(Egress::Igw, format!("{to}, and there is a public address")),
        (_, Some(false)) => class(Egress::NoPublicIp, format!("{to}, but there is no public address")),
        (_, None) => {
            EgressAnswer::unknown(Some(rtb), format!("{to}, and whether there is a public address was not seen"), Unseen::Elsewhere(format!("whether the workload has a public address beside {id}")))
        }
    }
}

/// Marks an answer as dead by Block Public Access: the VPC is what to change.
fn blocked(context: Context<'_>, mut answer: EgressAnswer) -> EgressAnswer {
    answer.block_public_access = true;
    answer.dead_object = context.vpc.map(str::to_owned);
    answer.decision.object = context.vpc.map(str::to_owned);
    answer.decision.evidence.extend(block::evidence(context.index, context.subnet));
    answer
}

/// Whether Block Public Access leaves something open.
enum Open {
    Yes,
    No,
    Unseen(Unseen),
}

fn open(context: Context<'_>, subnet: &str, stops: fn(BlockMode) -> bool) -> Open {
    match block_mode(context.index, subnet) {
        Ok(mode) if stops(mode) => Open::No,
        Ok(_) => Open::Yes,
        Err(unseen) => Open::Unseen(unseen),
    }
}

/// State of a gateway.
enum Gateway {
    Up,
    /// Why not, after "which".
    Down(String),
    Unseen(Unseen),
}

fn internet_gateway(context: Context<'_>, id: &str) -> Gateway {
    let attachments = context.index.internet_gateways.get(id).map(|g| g.attachments.as_slice());
    attached(context, id, Action::DescribeInternetGateways, attachments)
}

fn egress_only_gateway(context: Context<'_>, id: &str) -> Gateway {
    let attachments = context.index.egress_only_gateways.get(id).map(|g| g.attachments.as_slice());
    attached(context, id, Action::DescribeEgressOnlyInternetGateways, attachments)
}

fn attached(context: Context<'_>, id: &str, action: Action, attachments: Option<&[InternetGatewayAttachment]>) -> Gateway {
    let Some(attachments) = attachments else {
        return if listed(context.index, action, context.vpc) { Gateway::Down("does not exist".to_owned()) } else { Gateway::Unseen(Unseen::Action(action)) };
    };
    let Some(vpc) = context.vpc else { return Gateway::Unseen(Unseen::Action(Action::DescribeSubnets)) };
    match attachments.iter().find(|a| a.vpc_id.as_deref() == Some(vpc)).map(|a| a.state.as_deref()) {
        // AWS prints `available`, its model says `attached`.
        Some(Some(state)) if state.eq_ignore_ascii_case("available") || state.eq_ignore_ascii_case("attached") => Gateway::Up,
        Some(Some(state)) => Gateway::Down(format!("is {state}")),
        Some(None) => Gateway::Unseen(Unseen::Elsewhere(format!("the state of {id}"))),
        None => Gateway::Down(format!("is not attached to {vpc}")),
    }
}

/// NAT64, if the subnet and its table are set up for it.
fn nat64_of(context: Context<'_>, compiled: &Compiled<'_>) -> Option<EgressAnswer> {
    if context.index.subnets.get(context.subnet).and_then(|s| s.enable_dns64) != Some(true) {
        return None;
    }
    let range = IpSet::parse("64:ff9b::/96")?;
    let parts = compiled.partition(&range);
    let nat = parts.iter().any(|(_, choice)| matches!(choice, Choice::Route(route) if matches!(route.target.named(), Target::Nat(_)) && is_nat64(&route.destination)));
    if !nat {
        return None;
    }
    let mut answers = parts.iter().map(|(_, choice)| judge_choice(context, choice));
    let first = answers.next()?;
    // A part that is taken elsewhere is the worse part.
    Some(answers.fold(first, |worst, next| if next.decision.verdict > worst.decision.verdict { next } else { worst }))
}

/// The ports that a NAT gateway opens connections from.
fn nat_ports() -> PortSet {
    PortSet::wide_ephemeral()
}

#[cfg(test)]
mod tests;
