//! Egress: a packet to the internet, followed from the workload's subnet to the last gateway.

use audit::actions::Action;
use audit::analysis::{Egress, Family, Index, Options, Tri, egress::egress};
use audit::inventory::Region;
use audit::inventory::ec2::{
    BlockPublicAccessExclusion, BlockPublicAccessOptions, EgressOnlyInternetGateway, InternetGateway, InternetGatewayAttachment, NatGateway, Route, RouteTable, RouteTableAssociation, Subnet, Vpc,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::{config, forget, seen_region};

/// A network with a workload's subnet and a NAT gateway's subnet.
#[derive(Debug, Clone)]
struct Net {
    /// Default target of the workload's table, and whether it is gone.
    work: (&'static str, bool),
    /// Default target of the NAT gateway's table, and whether it is gone.
    nat_side: (&'static str, bool),
    nat_listed: bool,
    nat_state: &'static str,
    nat_kind: &'static str,
    nat_mode: &'static str,
    igw: Option<(&'static str, &'static str)>,
    eigw: Option<(&'static str, &'static str)>,
    block: &'static str,
    /// What is excluded, how, in which state.
    exclusion: Option<(&'static str, &'static str, &'static str)>,
    public_ip: bool,
    v6: bool,
    no_internet: bool,
}

/// What a packet meets.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Class(Egress),
    /// Dead by Block Public Access.
    Blocked,
    Unclear,
}

fn excluded(net: &Net, subnet: &str) -> Option<&'static str> {
    let (what, how, state) = net.exclusion?;
    let counts = matches!(state, "create-complete" | "update-complete");
    (counts && (what == subnet || what == "vpc-1")).then_some(how)
}

/// Whether Block Public Access lets out what goes straight (or over a NAT or egress-only gateway) to the internet.
fn let_out(net: &Net, subnet: &str, outwards_only: bool) -> bool {
    match (net.block, excluded(net, subnet)) {
        ("off", _) | (_, Some("allow-bidirectional")) => true,
        ("block-ingress", _) => outwards_only,
        (_, Some("allow-egress")) => outwards_only,
        _ => false,
    }
}

fn up(gateway: Option<(&str, &str)>) -> bool {
    matches!(gateway, Some(("vpc-1", "available" | "attached")))
}

fn walk(net: &Net) -> Fate {
    let (target, gone) = net.work;
    let is_internet = |t: &str| t.starts_with("nat") || t.starts_with("igw") || t.starts_with("eigw");
    if target.is_empty() || (net.no_internet && is_internet(target)) {
        return Fate::Class(Egress::Isolated);
    }
    if gone {
        return Fate::Class(Egress::Dead);
    }
    match target {
        "igw-1" if !up(net.igw) => Fate::Class(Egress::Dead),
        "igw-1" if !let_out(net, "subnet-w", false) => Fate::Blocked,
        "igw-1" if net.v6 || net.public_ip => Fate::Class(Egress::Igw),
        "igw-1" => Fate::Class(Egress::NoPublicIp),
        "eigw-1" if !net.v6 => Fate::Class(Egress::Isolated),
        "eigw-1" if !up(net.eigw) => Fate::Class(Egress::Dead),
        "eigw-1" if !let_out(net, "subnet-w", true) => Fate::Blocked,
        "eigw-1" => Fate::Class(Egress::EgressOnly),
        // A NAT gateway does not carry IPv6 to IPv6.
        "nat-1" if net.v6 => Fate::Class(Egress::Isolated),
        "nat-1" => walk_nat(net),
        _ => Fate::Class(Egress::Indirect),
    }
}

fn walk_nat(net: &Net) -> Fate {
    if !net.nat_listed || net.nat_state != "available" {
        return Fate::Class(Egress::Dead);
    }
    let (target, gone) = net.nat_side;
    if net.nat_kind == "private" {
        return Fate::Class(if gone || matches!(target, "" | "igw-1" | "eigw-1") { Egress::Isolated } else { Egress::Indirect });
    }
    let faces = if net.nat_mode == "regional" { "subnet-w" } else { "subnet-n" };
    if net.nat_mode != "regional" {
        match target {
            _ if gone => return Fate::Class(Egress::Dead),
            "" | "eigw-1" => return Fate::Class(Egress::Dead),
            "igw-1" => {}
            _ => return Fate::Class(Egress::Indirect),
        }
    }
    if !up(net.igw) {
        return Fate::Class(Egress::Dead);
    }
    if let_out(net, faces, true) {
        Fate::Class(Egress::Nat)
    } else if let_out(net, "subnet-w", true) {
        Fate::Unclear
    } else {
        Fate::Blocked
    }
}

fn nets() -> impl Strategy<Value = Net> {
    let target = || (select(vec!["", "igw-1", "igw-1", "nat-1", "nat-1", "nat-1", "eigw-1", "tgw-1", "pcx-1", "eni-1"]), prop::bool::weighted(0.12));
    let gateway = || prop::option::weighted(0.85, (select(vec!["vpc-1", "vpc-1", "vpc-1", "vpc-2"]), select(vec!["available", "attached", "available", "detached", "detaching"])));
    let nat = (
        prop::bool::weighted(0.9),
        select(vec!["available", "available", "available", "failed", "deleted", "pending"]),
        select(vec!["public", "public", "private"]),
        select(vec!["", "zonal", "regional"]),
    );
    let exclusion = (
        select(vec!["vpc-1", "subnet-w", "subnet-n", "vpc-2"]),
        select(vec!["allow-bidirectional", "allow-egress"]),
        select(vec!["create-complete", "update-complete", "delete-complete", "create-failed"]),
    );
    let block = (select(vec!["off", "off", "block-bidirectional", "block-ingress"]), prop::option::of(exclusion));
    (target(), target(), nat, gateway(), gateway(), block, any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.15)).prop_map(
        |(work, nat_side, (nat_listed, nat_state, nat_kind, nat_mode), igw, eigw, (block, exclusion), public_ip, v6, no_internet)| Net {
            work,
            // The NAT gateway's own table leading to itself is no scene of its own.
            nat_side: if nat_side.0 == "nat-1" { ("igw-1", nat_side.1) } else { nat_side },
            nat_listed,
            nat_state,
            nat_kind,
            nat_mode,
            igw,
            eigw,
            block,
            exclusion,
            public_ip,
            v6,
            no_internet,
        },
    )
}

fn table(id: &str, subnet: &str, (target, gone): (&str, bool), v6: bool) -> RouteTable {
    let mut routes = vec![Route { destination_cidr_block: Some("10.0.0.0/16".into()), gateway_id: Some("local".into()), state: Some("active".into()), ..Route::default() }];
    if !target.is_empty() {
        let mut route = Route { state: Some(if gone { "blackhole" } else { "active" }.into()), origin: Some("CreateRoute".into()), ..Route::default() };
        if v6 {
            route.destination_ipv6_cidr_block = Some("::/0".into())
        } else {
            route.destination_cidr_block = Some("0.0.0.0/0".into())
        }
        let id = Some(target.to_owned());
        match target.split_once('-').map(|(kind, _)| kind) {
            Some("nat") => route.nat_gateway_id = id,
            Some("eigw") => route.egress_only_internet_gateway_id = id,
            Some("tgw") => route.transit_gateway_id = id,
            Some("pcx") => route.vpc_peering_connection_id = id,
            Some("eni") => route.network_interface_id = id,
            _ => route.gateway_id = id,
        }
        routes.push(route);
    }
    let associations = vec![RouteTableAssociation { subnet_id: Some(subnet.into()), ..RouteTableAssociation::default() }];
    RouteTable { route_table_id: id.into(), vpc_id: Some("vpc-1".into()), associations, routes, ..RouteTable::default() }
}

fn build(net: &Net) -> Region {
    let mut region = seen_region();
    region.vpcs.push(Vpc { vpc_id: "vpc-1".into(), owner_id: Some("111122223333".into()), ..Vpc::default() });
    for id in ["subnet-w", "subnet-n"] {
        region.subnets.push(Subnet { subnet_id: id.into(), vpc_id: "vpc-1".into(), ..Subnet::default() });
    }
    region.route_tables = vec![table("rtb-w", "subnet-w", net.work, net.v6), table("rtb-n", "subnet-n", net.nat_side, false)];
    if net.nat_listed {
        region.nat_gateways.push(NatGateway {
            nat_gateway_id: "nat-1".into(),
            vpc_id: Some("vpc-1".into()),
            subnet_id: (net.nat_mode != "regional" || net.nat_kind == "private").then(|| "subnet-n".into()),
            state: Some(net.nat_state.into()),
            connectivity_type: Some(net.nat_kind.into()),
            availability_mode: Some(net.nat_mode.to_owned()).filter(|m| !m.is_empty()),
            ..NatGateway::default()
        });
    }
    let attachment = |(vpc, state): (&str, &str)| vec![InternetGatewayAttachment { vpc_id: Some(vpc.into()), state: Some(state.into()) }];
    if let Some(at) = net.igw {
        region.internet_gateways.push(InternetGateway { internet_gateway_id: "igw-1".into(), attachments: attachment(at), ..InternetGateway::default() });
    }
    if let Some(at) = net.eigw {
        region.egress_only_internet_gateways.push(EgressOnlyInternetGateway { egress_only_internet_gateway_id: "eigw-1".into(), attachments: attachment(at), ..EgressOnlyInternetGateway::default() });
    }
    region.block_public_access_options = Some(BlockPublicAccessOptions { internet_gateway_block_mode: Some(net.block.into()), ..BlockPublicAccessOptions::default() });
    if let Some((what, how, state)) = net.exclusion {
        let kind = what.split_once('-').map_or("", |(kind, _)| kind);
        region.block_public_access_exclusions.push(BlockPublicAccessExclusion {
            exclusion_id: "vpcbpa-exclude-1".into(),
            internet_gateway_exclusion_mode: Some(how.into()),
            resource_arn: Some(format!("arn:aws:ec2:us-east-2:111122223333:{kind}/{what}")),
            state: Some(state.into()),
        });
    }
    region
}

fn ask(net: &Net, region: &Region) -> audit::analysis::egress::EgressAnswer {
    let options = Options { no_internet: net.no_internet, ..Options::default() };
    egress(&Index::new(region), &options, "subnet-w", if net.v6 { Family::V6 } else { Family::V4 }, Some(net.public_ip))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_agrees_with_the_walk(net in nets()) {
        let answer = ask(&net, &build(&net));
        let fate = match (answer.class, answer.block_public_access) {
            (Some(Egress::Dead), true) => Fate::Blocked,
            (Some(class), _) => Fate::Class(class),
            (None, _) => Fate::Unclear,
        };
        prop_assert_eq!(&fate, &walk(&net), "{:?}", answer);
        let verdict = match fate {
            Fate::Class(Egress::Nat | Egress::Igw | Egress::EgressOnly) => Tri::Pass,
            Fate::Class(Egress::Indirect) | Fate::Unclear => Tri::Unknown,
            _ => Tri::Fail,
        };
        prop_assert_eq!(answer.decision.verdict, verdict);
        prop_assert_eq!(answer.decision.unseen.is_empty(), verdict != Tri::Unknown);
        let dead = match fate { Fate::Blocked => Some("vpc-1"), Fate::Class(Egress::Dead) => Some("rtb-w"), _ => None };
        prop_assert_eq!(answer.dead_object.as_deref(), dead);
        prop_assert_eq!(answer.table.as_deref(), Some("rtb-w"));
    }

    #[test]
    fn what_is_hidden_changes_no_class_but_to_unknown(net in nets(), hide in 0..6_usize) {
        let region = build(&net);
        let before = ask(&net, &region);
        let mut hidden = region;
        match hide {
            0 => { hidden.nat_gateways.clear(); forget(&mut hidden, Action::DescribeNatGateways); }
            1 => { hidden.internet_gateways.clear(); forget(&mut hidden, Action::DescribeInternetGateways); }
            2 => { hidden.egress_only_internet_gateways.clear(); forget(&mut hidden, Action::DescribeEgressOnlyInternetGateways); }
            3 => { hidden.route_tables.pop(); forget(&mut hidden, Action::DescribeRouteTables); }
            4 => { hidden.block_public_access_options = None; forget(&mut hidden, Action::DescribeVpcBlockPublicAccessOptions); }
            _ => { hidden.block_public_access_exclusions.clear(); forget(&mut hidden, Action::DescribeVpcBlockPublicAccessExclusions); }
        }
        let after = ask(&net, &hidden);
        prop_assert!(after.class.is_none() || after.class == before.class, "{:?} {:?}", before, after);
        prop_assert!(after.class.is_some() || after.decision.verdict == Tri::Unknown);
    }
}
