use serde_json::{Value, json};

use super::*;
use crate::analysis::Tri;
use crate::inventory::{Completeness, Region, State, Status};

/// A VPC with a workload's subnet and a public one that holds NAT gateway `nat-1`; everything was seen.
fn region(work: Value, public: Value) -> Region {
    let mut region =
        Region { region: "us-east-2".into(), account: "111122223333".into(), completeness: Completeness(Action::ALL.iter().map(|a| (*a, Status::complete())).collect()), ..Region::default() };
    region.vpcs = serde_json::from_value(json!([{"VpcId": "vpc-1", "OwnerId": "111122223333"}])).unwrap();
    region.subnets = serde_json::from_value(json!([
        {"SubnetId": "subnet-work", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}, {"SubnetId": "subnet-public", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"}]))
    .unwrap();
    region.route_tables = serde_json::from_value(json!([
        {"RouteTableId": "rtb-work", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-work"}], "Routes": work},
        {"RouteTableId": "rtb-public", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-public"}], "Routes": public}]))
    .unwrap();
    region.nat_gateways = serde_json::from_value(json!([{"NatGatewayId": "nat-1", "VpcId": "vpc-1", "SubnetId": "subnet-public", "State": "available", "ConnectivityType": "public"}])).unwrap();
    region.internet_gateways = serde_json::from_value(json!([{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}])).unwrap();
    region.block_public_access_options = serde_json::from_value(json!({"InternetGatewayBlockMode": "off"})).ok();
    region
}

fn route(destination: &str, key: &str, target: &str) -> Value {
    let field = if destination.starts_with("pl-") {
        "DestinationPrefixListId"
    } else if destination.contains(':') {
        "DestinationIpv6CidrBlock"
    } else {
        "DestinationCidrBlock"
    };
    json!({field: destination, key: target, "Origin": "CreateRoute", "State": "active"})
}

fn by_nat() -> Value {
    json!([route("0.0.0.0/0", "NatGatewayId", "nat-1")])
}

fn by_igw() -> Value {
    json!([route("0.0.0.0/0", "GatewayId", "igw-1")])
}

fn ask(region: &Region, public_ip: Option<bool>) -> EgressAnswer {
    egress(&Index::new(region), &Options::default(), "subnet-work", Family::V4, public_ip)
}

fn actions(answer: &EgressAnswer) -> Vec<Unseen> {
    answer.decision.unseen.iter().cloned().collect()
}

#[test]
fn nat_gateways_pass_as_long_as_all_behind_them_works() {
    let works = ask(&region(by_nat(), by_igw()), None);
    assert_eq!((works.class, works.decision.verdict), (Some(Egress::Nat), Tri::Pass));
    assert_eq!(works.decision.detail, "0.0.0.0/0 of rtb-work leads to NAT gateway nat-1");
    assert_eq!(works.target, Some(Target::Nat("nat-1".into())));
    assert_eq!(works.destination.as_deref(), Some("0.0.0.0/0"));

    let no_default = ask(&region(by_nat(), json!([])), None);
    assert_eq!((no_default.class, no_default.dead_object.as_deref()), (Some(Egress::Dead), Some("rtb-work")));
    assert_eq!(no_default.decision.object.as_deref(), Some("rtb-work"));
    assert!(!no_default.decision.evidence.is_empty());

    let mut deleted = region(by_nat(), by_igw());
    deleted.nat_gateways.clear();
    assert_eq!(ask(&deleted, None).class, Some(Egress::Dead), "a complete listing does not have it");
    deleted.completeness.record(Action::DescribeNatGateways, Status::of(State::Missing, "UnauthorizedOperation"));
    let unseen = ask(&deleted, None);
    assert_eq!((unseen.class, actions(&unseen)), (None, vec![Unseen::Action(Action::DescribeNatGateways)]));
    assert_eq!(unseen.target, Some(Target::Nat("nat-1".into())), "where it leads is known all the same");
}

#[test]
fn a_private_nat_gateway_is_no_way_to_the_internet() {
    let private = |public: Value| {
        let mut region = region(by_nat(), public);
        region.nat_gateways[0].connectivity_type = Some("private".into());
        ask(&region, None).class
    };
    // facts 10.2, scene 25: towards an internet gateway its packets are dropped.
    assert_eq!(private(by_igw()), Some(Egress::Isolated));
    assert_eq!(private(json!([])), Some(Egress::Isolated));
    assert_eq!(private(json!([route("0.0.0.0/0", "TransitGatewayId", "tgw-1")])), Some(Egress::Indirect));
    assert_eq!(private(json!([route("0.0.0.0/0", "GatewayId", "vgw-1")])), Some(Egress::Indirect));
}

#[test]
fn a_firewall_behind_the_nat_gateway_is_out_of_sight() {
    let answer = ask(&region(by_nat(), json!([route("0.0.0.0/0", "GatewayId", "vpce-fw")])), None);
    assert_eq!((answer.class, answer.decision.verdict), (Some(Egress::Indirect), Tri::Unknown));
    assert_eq!(actions(&answer), [Unseen::Datum("what lies behind vpce-fw".into())]);
}

#[test]
fn a_regional_nat_gateway_needs_no_subnet_but_an_internet_gateway() {
    let mut region = region(by_nat(), json!([]));
    region.nat_gateways[0].availability_mode = Some("regional".into());
    region.nat_gateways[0].subnet_id = None;
    assert_eq!(ask(&region, None).class, Some(Egress::Nat));
    region.internet_gateways[0].attachments.clear();
    assert_eq!(ask(&region, None).class, Some(Egress::Dead));
    region.completeness.record(Action::DescribeInternetGateways, Status::of(State::NotCollected, "not collected"));
    assert_eq!(ask(&region, None).class, None);
}

#[test]
fn beside_an_internet_gateway_the_public_address_decides() {
    let mut region = region(by_igw(), json!([]));
    assert_eq!(ask(&region, Some(true)).class, Some(Egress::Igw));
    let without = ask(&region, Some(false));
    assert_eq!((without.class, without.decision.verdict, without.dead_object), (Some(Egress::NoPublicIp), Tri::Fail, None));
    let unseen = ask(&region, None);
    assert_eq!((unseen.class, unseen.decision.verdict), (None, Tri::Unknown));
    // Both spellings of the state, and the wire's case.
    for (state, class) in [("attached", Egress::Igw), ("Available", Egress::Igw), ("detaching", Egress::Dead), ("detached", Egress::Dead)] {
        region.internet_gateways[0].attachments[0].state = Some(state.into());
        assert_eq!(ask(&region, Some(true)).class, Some(class), "{state}");
    }
    region.internet_gateways[0].attachments[0].vpc_id = Some("vpc-2".into());
    assert_eq!(ask(&region, None).class, Some(Egress::Dead), "attached to another VPC: an address would not help");
}

#[test]
fn routes_out_of_sight_are_indirect_and_gone_ones_dead() {
    for (key, target) in [
        ("TransitGatewayId", "tgw-1"),
        ("VpcPeeringConnectionId", "pcx-1"),
        ("GatewayId", "vgw-1"),
        ("NetworkInterfaceId", "eni-1"),
        ("InstanceId", "i-1"),
        ("GatewayId", "vpce-fw"),
        ("LocalGatewayId", "lgw-1"),
        ("CarrierGatewayId", "cagw-1"),
        ("CoreNetworkArn", "arn:aws:networkmanager::111122223333:core-network/c"),
    ] {
        let answer = ask(&region(json!([route("0.0.0.0/0", key, target)]), json!([])), Some(true));
        assert_eq!((answer.class, answer.decision.verdict), (Some(Egress::Indirect), Tri::Unknown), "{target}");
        assert!(matches!(answer.decision.unseen.first(), Some(Unseen::Datum(d)) if d.contains(target)));
        let mut gone = route("0.0.0.0/0", key, target);
        gone["State"] = json!("blackhole");
        let answer = ask(&region(json!([gone]), json!([])), Some(true));
        assert_eq!((answer.class, answer.dead_object.as_deref()), (Some(Egress::Dead), Some("rtb-work")), "{target}");
    }
    let none = ask(&region(json!([]), json!([])), None);
    assert_eq!((none.class, none.decision.verdict, none.target), (Some(Egress::Isolated), Tri::Fail, None));
}

#[test]
fn without_internet_everything_is_isolated_and_nothing_dead() {
    let options = Options { no_internet: true, ..Options::default() };
    let ask = |work: Value| egress(&Index::new(&region(work, by_igw())), &options, "subnet-work", Family::V4, Some(true)).class;
    let mut gone = route("0.0.0.0/0", "NatGatewayId", "nat-9");
    gone["State"] = json!("blackhole");
    for work in [by_nat(), by_igw(), json!([gone]), json!([])] {
        assert_eq!(ask(work), Some(Egress::Isolated));
    }
    assert_eq!(ask(json!([route("0.0.0.0/0", "TransitGatewayId", "tgw-1")])), Some(Egress::Indirect));
}

#[test]
fn narrower_routes_are_judged_for_what_they_cover() {
    // S3's ranges go to a NAT gateway, the rest nowhere; and a dead route takes a part of them.
    let mut dead = route("52.219.80.0/21", "NetworkInterfaceId", "eni-gone");
    dead["State"] = json!("blackhole");
    let region = region(json!([route("52.219.80.0/20", "NatGatewayId", "nat-1"), dead]), by_igw());
    assert_eq!(ask(&region, None).class, Some(Egress::Isolated), "there is no default route");
    let s3 = IpSet::parse_all(["52.219.80.0/20", "3.5.128.0/22", "2600::/64"]).unwrap();
    let parts: Vec<(String, Option<Egress>)> =
        ways(&Index::new(&region), &Options::default(), "subnet-work", Family::V4, None, &s3).into_iter().map(|(part, answer)| (part.to_string(), answer.class)).collect();
    assert_eq!(parts, [("3.5.128.0/22".to_owned(), Some(Egress::Isolated)), ("52.219.80.0/21".to_owned(), Some(Egress::Dead)), ("52.219.88.0/21".to_owned(), Some(Egress::Nat))]);
}

#[test]
fn a_gateway_endpoint_takes_its_addresses_off_the_internet() {
    let mut region = region(json!([route("0.0.0.0/0", "NatGatewayId", "nat-1"), route("pl-s3", "GatewayId", "vpce-s3")]), by_igw());
    region.prefix_lists = serde_json::from_value(json!([{"PrefixListId": "pl-s3", "PrefixListName": "com.amazonaws.us-east-2.s3", "Cidrs": ["52.219.80.0/20"]}])).unwrap();
    region.vpc_endpoints = serde_json::from_value(json!([{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway"}])).unwrap();
    let parts = ways(&Index::new(&region), &Options::default(), "subnet-work", Family::V4, None, &IpSet::parse("52.219.80.0/20").unwrap());
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].1.target, Some(Target::GatewayEndpoint("vpce-s3".into())));
    assert_eq!(parts[0].1.decision.verdict, Tri::Pass);
    assert_eq!(ask(&region, None).class, Some(Egress::Nat));
}

#[test]
fn two_halves_are_a_default_route() {
    let halves = region(json!([route("0.0.0.0/1", "NatGatewayId", "nat-1"), route("128.0.0.0/1", "NatGatewayId", "nat-1")]), by_igw());
    assert_eq!(ask(&halves, None).class, Some(Egress::Nat));
}

#[test]
fn an_unseen_list_could_hold_the_default_route() {
    let mut region = region(json!([route("pl-own", "TransitGatewayId", "tgw-1")]), json!([]));
    let answer = ask(&region, None);
    assert_eq!((answer.class, actions(&answer)), (None, vec![Unseen::Action(Action::GetManagedPrefixListEntries)]));
    // S3's list does not.
    region.route_tables[0].routes[0] = serde_json::from_value(route("pl-s3", "GatewayId", "vpce-s3")).unwrap();
    region.managed_prefix_lists = serde_json::from_value(json!([{"PrefixListId": "pl-s3", "PrefixListName": "com.amazonaws.us-east-2.s3"}])).unwrap();
    assert_eq!(ask(&region, None).class, Some(Egress::Isolated));
}

#[test]
fn unseen_tables_name_their_action() {
    let mut region = region(by_nat(), by_igw());
    region.route_tables.pop();
    let answer = ask(&region, None);
    assert_eq!((answer.class, actions(&answer)), (None, vec![Unseen::Action(Action::DescribeRouteTables)]), "the NAT gateway's own table");
    region.route_tables.clear();
    region.completeness.record(Action::DescribeRouteTables, Status::of(State::Missing, "UnauthorizedOperation"));
    let answer = ask(&region, None);
    assert_eq!((answer.class, answer.table.as_deref(), actions(&answer)), (None, None, vec![Unseen::Action(Action::DescribeRouteTables)]));
}

fn blocked_by(region: &mut Region, mode: &str, exclusions: Value) {
    region.block_public_access_options = serde_json::from_value(json!({"InternetGatewayBlockMode": mode})).ok();
    region.block_public_access_exclusions = serde_json::from_value(exclusions).unwrap();
}

fn exclusion(what: &str, how: &str, state: &str) -> Value {
    json!({"ExclusionId": "vpcbpa-exclude-1", "ResourceArn": format!("arn:aws:ec2:us-east-2:111122223333:{what}"), "InternetGatewayExclusionMode": how, "State": state})
}

#[test]
fn block_public_access_follows_awss_own_example() {
    let ask_both = |mode: &str, exclusions: Value| {
        let (mut nat, mut igw) = (region(by_nat(), by_igw()), region(by_igw(), json!([])));
        blocked_by(&mut nat, mode, exclusions.clone());
        blocked_by(&mut igw, mode, exclusions);
        (ask(&nat, None), ask(&igw, Some(true)))
    };
    let classes = |mode: &str, exclusions: Value| {
        let (nat, igw) = ask_both(mode, exclusions);
        (nat.class, igw.class)
    };
    let (dead, nat, igw) = (Some(Egress::Dead), Some(Egress::Nat), Some(Egress::Igw));
    // Scenario 2: bidirectional, both are cut off, and the VPC is what to change.
    let (by_nat, by_igw) = ask_both("block-bidirectional", json!([]));
    for answer in [by_nat, by_igw] {
        assert_eq!((answer.class, answer.block_public_access, answer.dead_object.as_deref(), answer.decision.object.as_deref()), (dead, true, Some("vpc-1"), Some("vpc-1")));
    }
    // Scenario 3: ingress alone, instances with a public address cannot even open connections.
    assert_eq!(classes("block-ingress", json!([])), (nat, dead));
    // Scenario 4: excluded in both directions.
    assert_eq!(classes("block-ingress", json!([exclusion("subnet/subnet-work", "allow-bidirectional", "create-complete")])), (nat, igw));
    // Scenario 5: an egress exclusion is ignored while only ingress is blocked.
    assert_eq!(classes("block-ingress", json!([exclusion("subnet/subnet-work", "allow-egress", "update-complete")])), (nat, dead));
    // Scenario 6: bidirectional with an egress exclusion lets out what has a NAT gateway, and nothing straight.
    assert_eq!(classes("block-bidirectional", json!([exclusion("vpc/vpc-1", "allow-egress", "create-complete")])), (nat, dead));
    // An exclusion of the VPC holds for its subnets; others do not.
    assert_eq!(classes("block-bidirectional", json!([exclusion("vpc/vpc-1", "allow-bidirectional", "create-complete")])), (nat, igw));
    assert_eq!(classes("block-bidirectional", json!([exclusion("vpc/vpc-2", "allow-bidirectional", "create-complete")])), (dead, dead));
    for state in ["create-failed", "delete-complete", "disable-complete"] {
        assert_eq!(classes("block-bidirectional", json!([exclusion("vpc/vpc-1", "allow-bidirectional", state)])), (dead, dead), "{state}");
    }
    // On its way in or out: not to be told.
    for state in ["create-in-progress", "delete-in-progress", "disable-in-progress"] {
        assert_eq!(classes("block-bidirectional", json!([exclusion("vpc/vpc-1", "allow-bidirectional", state)])), (None, None), "{state}");
    }
    // The NAT gateway's own subnet faces the internet gateway.
    assert_eq!(classes("block-bidirectional", json!([exclusion("subnet/subnet-public", "allow-egress", "create-complete")])), (nat, dead));
    assert_eq!(classes("block-bidirectional", json!([exclusion("subnet/subnet-work", "allow-egress", "create-complete")])), (None, dead));
}

#[test]
fn block_public_access_where_it_was_not_asked_for() {
    let mut region = region(by_igw(), json!([]));
    region.block_public_access_options = None;
    for action in [Action::DescribeVpcBlockPublicAccessOptions, Action::DescribeVpcBlockPublicAccessExclusions] {
        region.completeness.0.remove(&action);
    }
    assert_eq!(ask(&region, Some(true)).class, Some(Egress::Igw), "neither files nor states: off");
    let state = |mode: &str| serde_json::from_value(json!({"InternetGatewayBlockMode": mode})).ok();
    region.vpcs[0].block_public_access_states = state("block-bidirectional");
    assert_eq!(ask(&region, Some(true)).class, Some(Egress::Dead));
    region.subnets[0].block_public_access_states = state("off");
    assert_eq!(ask(&region, Some(true)).class, Some(Egress::Igw), "the subnet is excluded");
    // Asked and refused: what VPC and subnet say, else not to be told.
    region.completeness.record(Action::DescribeVpcBlockPublicAccessOptions, Status::of(State::Missing, "UnauthorizedOperation"));
    assert_eq!(ask(&region, Some(true)).class, Some(Egress::Igw));
    region.subnets[0].block_public_access_states = None;
    region.vpcs[0].block_public_access_states = None;
    let unseen = ask(&region, Some(true));
    assert_eq!((unseen.class, actions(&unseen)), (None, vec![Unseen::Action(Action::DescribeVpcBlockPublicAccessOptions)]));
    // The options were seen, the exclusions were not.
    region.block_public_access_options = serde_json::from_value(json!({"InternetGatewayBlockMode": "block-bidirectional"})).ok();
    let unseen = ask(&region, Some(true));
    assert_eq!((unseen.class, actions(&unseen)), (None, vec![Unseen::Action(Action::DescribeVpcBlockPublicAccessExclusions)]));
    // In a shared VPC the owner's settings hold, not ours.
    region.completeness.record(Action::DescribeVpcBlockPublicAccessExclusions, Status::complete());
    region.vpcs[0].owner_id = Some("999999999999".into());
    region.subnets[0].block_public_access_states = state("off");
    assert_eq!(ask(&region, Some(true)).class, Some(Egress::Igw));
}

fn six(region: &Region) -> EgressAnswer {
    egress(&Index::new(region), &Options::default(), "subnet-work", Family::V6, Some(false))
}

#[test]
fn ipv6_leaves_by_its_own_default_route() {
    let mut region = region(json!([route("0.0.0.0/0", "NatGatewayId", "nat-1"), route("::/0", "EgressOnlyInternetGatewayId", "eigw-1")]), by_igw());
    assert_eq!(six(&region).class, Some(Egress::Dead), "no such gateway");
    region.egress_only_internet_gateways = serde_json::from_value(json!([{"EgressOnlyInternetGatewayId": "eigw-1", "Attachments": [{"VpcId": "vpc-1", "State": "attached"}]}])).unwrap();
    assert_eq!(six(&region).class, Some(Egress::EgressOnly));
    region.egress_only_internet_gateways.clear();
    region.completeness.record(Action::DescribeEgressOnlyInternetGateways, Status::of(State::Missing, "UnauthorizedOperation"));
    assert_eq!(actions(&six(&region)), [Unseen::Action(Action::DescribeEgressOnlyInternetGateways)]);
    // An IPv6 address is public by itself.
    region.route_tables[0].routes[1] = serde_json::from_value(route("::/0", "GatewayId", "igw-1")).unwrap();
    assert_eq!(six(&region).class, Some(Egress::Igw));
    // A NAT gateway translates to IPv4 alone.
    region.route_tables[0].routes[1] = serde_json::from_value(route("::/0", "NatGatewayId", "nat-1")).unwrap();
    assert_eq!(six(&region).class, Some(Egress::Isolated));
}

#[test]
fn nat64_needs_the_route_and_dns64() {
    let mut region = region(json!([route("64:ff9b::/96", "NatGatewayId", "nat-1")]), by_igw());
    let ask = |region: &Region| nat64(&Index::new(region), &Options::default(), "subnet-work").map(|a| a.class);
    assert_eq!(ask(&region), None);
    assert_eq!(six(&region).class, Some(Egress::Isolated));
    region.subnets[0].enable_dns64 = Some(true);
    assert_eq!(ask(&region), Some(Some(Egress::Nat)));
    assert_eq!(six(&region).class, Some(Egress::Nat));
    region.nat_gateways[0].state = Some("failed".into());
    assert_eq!(ask(&region), Some(Some(Egress::Dead)));
    let options = Options { no_internet: true, ..Options::default() };
    assert_eq!(nat64(&Index::new(&region), &options, "subnet-work"), None);
    // `::/0` alone does not translate.
    region.route_tables[0].routes = vec![serde_json::from_value(route("::/0", "EgressOnlyInternetGatewayId", "eigw-1")).unwrap()];
    assert_eq!(ask(&region), None);
}

fn acl(region: &mut Region, entries: Value) {
    region.network_acls = serde_json::from_value(json!([{"NetworkAclId": "acl-public", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-public"}], "Entries": entries}])).unwrap();
}

fn allow(number: i32, egress: bool, cidr: &str, from: i32, to: i32) -> Value {
    json!({"RuleNumber": number, "Egress": egress, "RuleAction": "allow", "Protocol": "6", "CidrBlock": cidr, "PortRange": {"From": from, "To": to}})
}

#[test]
fn the_acl_around_a_nat_gateway_filters_both_sides_of_it() {
    let mut region = region(by_nat(), by_igw());
    let filters = |region: &Region, subnet: &str| {
        let set = |text: &str| IpSet::parse(text).unwrap();
        nat_filters(&Index::new(region), "nat-1", Some(subnet), &set("10.0.1.0/24"), &PortSet::linux_ephemeral(), &set("52.219.80.0/20"), 443)
            .into_iter()
            .map(|f| (f.rule, f.decision.verdict, f.decision.partial))
            .collect::<Vec<_>>()
    };
    // Exactly what it takes: in from the workload, out to the internet, back in to the gateway's ports, back to the workload's.
    let all = [allow(10, false, "10.0.1.0/24", 443, 443), allow(20, true, "0.0.0.0/0", 443, 443), allow(30, false, "0.0.0.0/0", 1024, 65535), allow(40, true, "10.0.1.0/24", 32768, 60999)];
    acl(&mut region, json!(all));
    let pass = |rule| (rule, Tri::Pass, false);
    assert_eq!(filters(&region, "subnet-work"), [pass("NW04"), pass("NW04"), pass("NW05"), pass("NW05")]);
    assert_eq!(filters(&region, "subnet-public").len(), 2, "inside one subnet nothing is filtered");
    for missing in 0..4 {
        let mut some = all.to_vec();
        some.remove(missing);
        acl(&mut region, json!(some));
        let verdicts = filters(&region, "subnet-work");
        assert_eq!(verdicts.iter().filter(|(_, v, _)| *v == Tri::Fail).count(), 1, "{missing}");
        // In the order of a packet: 0 in from the workload, 1 out, 2 back in, 3 back to the workload. Without the first, the
        // wide entry for replies does not admit port 443 either.
        assert_eq!(verdicts[missing].1, Tri::Fail, "{missing}");
    }
    // Linux's own range is too narrow for a NAT gateway.
    let mut narrow = all.to_vec();
    narrow[2] = allow(30, false, "0.0.0.0/0", 32768, 60999);
    acl(&mut region, json!(narrow));
    assert_eq!(filters(&region, "subnet-work")[2], ("NW05", Tri::Fail, true));
    // Not seen.
    region.network_acls.clear();
    region.completeness.record(Action::DescribeNetworkAcls, Status::of(State::Missing, "UnauthorizedOperation"));
    assert_eq!(filters(&region, "subnet-work"), [("NW04", Tri::Unknown, false), ("NW05", Tri::Unknown, false)]);
    // A regional one has no subnet.
    region.nat_gateways[0].subnet_id = None;
    assert!(filters(&region, "subnet-work").is_empty());
}

#[test]
fn an_unseen_list_of_s3_is_no_doubt_about_other_services() {
    let mut region = region(json!([route("0.0.0.0/0", "NatGatewayId", "nat-1"), route("pl-s3", "GatewayId", "vpce-s3")]), by_igw());
    region.vpc_endpoints = serde_json::from_value(json!([{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway"}])).unwrap();
    let classes = |destinations: IpSet| -> Vec<Option<Egress>> {
        ways(&Index::new(&region), &Options::default(), "subnet-work", Family::V4, None, &destinations).into_iter().map(|(_, answer)| answer.class).collect()
    };
    assert_eq!(ask(&region, None).class, Some(Egress::Nat));
    assert_eq!(classes(public_space(Family::V4)), [Some(Egress::Nat)]);
    // One address may be S3's.
    assert_eq!(classes(IpSet::parse("52.219.80.1").unwrap()), [None]);
}
