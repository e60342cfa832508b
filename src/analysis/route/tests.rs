use serde_json::{Value, json};

use super::*;
use crate::inventory::{Answer, Completeness, Region, State, Status};

fn region() -> Region {
    let mut region =
        Region { region: "us-east-2".into(), account: "111122223333".into(), completeness: Completeness(Action::ALL.iter().map(|a| (*a, Status::complete())).collect()), ..Region::default() };
    region.vpc_endpoints = serde_json::from_value(json!([{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway"}, {"VpcEndpointId": "vpce-fw", "VpcEndpointType": "GatewayLoadBalancer"}])).unwrap();
    region.managed_prefix_lists = serde_json::from_value(json!([{"PrefixListId": "pl-s3", "PrefixListName": "com.amazonaws.us-east-2.s3"}])).unwrap();
    region
}

fn table(routes: Value) -> RouteTable {
    serde_json::from_value(json!({"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": routes})).unwrap()
}

fn local() -> Value {
    json!({"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"})
}

fn to(destination: &str, key: &str, target: &str) -> Value {
    let field = if destination.starts_with("pl-") {
        "DestinationPrefixListId"
    } else if destination.contains(':') {
        "DestinationIpv6CidrBlock"
    } else {
        "DestinationCidrBlock"
    };
    json!({field: destination, key: target, "Origin": "CreateRoute", "State": "active"})
}

fn propagated(destination: &str) -> Value {
    json!({"DestinationCidrBlock": destination, "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation", "State": "active"})
}

/// What decides, in words.
fn ask(region: &Region, routes: Value, address: &str) -> String {
    let table = table(routes);
    match choose(&Index::new(region), &table, address.parse().unwrap()) {
        Choice::Route(choice) => format!("{} {}", choice.destination, choice.target.describe()),
        Choice::None => "none".to_owned(),
        Choice::Unknown(unseen, detail) => {
            assert!(!detail.is_empty());
            format!("unknown {unseen:?}")
        }
    }
}

fn entries(region: &mut Region, list: &str, cidrs: &[&str]) {
    let output = json!({"Entries": cidrs.iter().map(|c| json!({"Cidr": c})).collect::<Vec<_>>()});
    region.prefix_list_entries.insert(list.to_owned(), Answer::Output(serde_json::from_value(output).unwrap()));
}

#[test]
fn the_longest_prefix_wins() {
    let routes = json!([local(), to("0.0.0.0/0", "NatGatewayId", "nat-1"), to("10.0.5.0/24", "NetworkInterfaceId", "eni-fw"), to("172.31.0.0/16", "VpcPeeringConnectionId", "pcx-1")]);
    assert_eq!(ask(&region(), routes.clone(), "10.0.1.1"), "10.0.0.0/16 the VPC itself");
    // A middlebox: a route for one subnet is more specific than `local`.
    assert_eq!(ask(&region(), routes.clone(), "10.0.5.1"), "10.0.5.0/24 network interface eni-fw");
    assert_eq!(ask(&region(), routes.clone(), "172.31.9.9"), "172.31.0.0/16 peering connection pcx-1");
    assert_eq!(ask(&region(), routes.clone(), "8.8.8.8"), "0.0.0.0/0 NAT gateway nat-1");
    // The families are independent of each other.
    assert_eq!(ask(&region(), routes, "2600::1"), "none");
}

#[test]
fn a_propagated_route_never_beats_local_and_loses_ties() {
    let routes = json!([
        local(),
        propagated("10.0.5.0/24"),
        propagated("172.31.0.0/24"),
        to("172.31.0.0/24", "GatewayId", "igw-1"),
        propagated("192.168.0.0/24"),
        to("192.168.0.0/16", "TransitGatewayId", "tgw-1")
    ]);
    assert_eq!(ask(&region(), routes.clone(), "10.0.5.1"), "10.0.0.0/16 the VPC itself");
    assert_eq!(ask(&region(), routes.clone(), "172.31.0.1"), "172.31.0.0/24 internet gateway igw-1");
    assert_eq!(ask(&region(), routes, "192.168.0.1"), "192.168.0.0/24 virtual private gateway vgw-1", "more specific is more specific");
}

#[test]
fn prefix_lists_stand_between_static_and_propagated_routes() {
    let mut region = region();
    entries(&mut region, "pl-own", &["192.168.0.0/24", "192.168.1.0/24"]);
    let with = |extra: Value| json!([local(), to("pl-own", "TransitGatewayId", "tgw-1"), extra]);
    assert_eq!(ask(&region, with(to("192.168.0.0/24", "VpcPeeringConnectionId", "pcx-1")), "192.168.0.9"), "192.168.0.0/24 peering connection pcx-1");
    assert_eq!(ask(&region, with(propagated("192.168.0.0/24")), "192.168.0.9"), "pl-own transit gateway tgw-1");
    // Each entry has its own length, although the two entries together make up a /23.
    assert_eq!(ask(&region, with(to("192.168.0.0/23", "VpcPeeringConnectionId", "pcx-1")), "192.168.0.9"), "pl-own transit gateway tgw-1");
}

#[test]
fn overlapping_lists_that_lead_apart_are_a_matter_of_chance() {
    let mut region = region();
    entries(&mut region, "pl-a", &["192.168.0.0/16"]);
    entries(&mut region, "pl-b", &["192.168.3.0/24"]);
    let apart = json!([local(), to("pl-a", "TransitGatewayId", "tgw-1"), to("pl-b", "VpcPeeringConnectionId", "pcx-1")]);
    assert!(ask(&region, apart.clone(), "192.168.3.1").starts_with("unknown Datum"));
    assert_eq!(ask(&region, apart, "192.168.4.1"), "pl-a transit gateway tgw-1");
    let alike = json!([local(), to("pl-a", "TransitGatewayId", "tgw-1"), to("pl-b", "TransitGatewayId", "tgw-1")]);
    assert_eq!(ask(&region, alike, "192.168.3.1"), "pl-b transit gateway tgw-1");
}

#[test]
fn an_unseen_list_is_a_doubt_where_it_could_reach() {
    let unseen = "unknown Action(GetManagedPrefixListEntries)";
    let own = json!([local(), to("10.0.1.4/32", "NetworkInterfaceId", "eni-1"), to("pl-own", "TransitGatewayId", "tgw-1")]);
    assert_eq!(ask(&region(), own.clone(), "10.0.2.1"), unseen);
    assert_eq!(ask(&region(), own, "10.0.1.4"), "10.0.1.4/32 network interface eni-1", "nothing is more specific than one address");
    // A gateway endpoint's list holds no private address, so it need not be seen for one.
    let s3 = json!([local(), to("pl-s3", "GatewayId", "vpce-s3"), to("0.0.0.0/0", "NatGatewayId", "nat-1")]);
    assert_eq!(ask(&region(), s3.clone(), "10.0.2.1"), "10.0.0.0/16 the VPC itself");
    assert_eq!(ask(&region(), s3, "52.219.80.1"), unseen);
    // Where the list leads to where the packet goes anyway, it does not matter.
    let same = json!([local(), to("pl-own", "NatGatewayId", "nat-1"), to("0.0.0.0/0", "NatGatewayId", "nat-1")]);
    assert_eq!(ask(&region(), same, "8.8.8.8"), "0.0.0.0/0 NAT gateway nat-1");
}

#[test]
fn endpoints_of_firewalls_are_no_gateway_endpoints() {
    let fw = json!([local(), to("10.0.5.0/24", "GatewayId", "vpce-fw")]);
    assert_eq!(ask(&region(), fw, "10.0.5.1"), "10.0.5.0/24 vpce-fw");
    let index_region = region();
    let index = Index::new(&index_region);
    let target = |route: Value| target_of(&index, &serde_json::from_value(route).unwrap());
    assert_eq!(target(to("pl-s3", "GatewayId", "vpce-s3")), Target::GatewayEndpoint("vpce-s3".into()));
    assert_eq!(target(to("10.0.5.0/24", "GatewayId", "vpce-fw")), Target::Other("vpce-fw".into()));
    // An endpoint that was not listed: by the list of S3 a gateway endpoint, else not known.
    assert_eq!(target(to("pl-s3", "GatewayId", "vpce-9")), Target::GatewayEndpoint("vpce-9".into()));
    assert_eq!(target(to("pl-own", "GatewayId", "vpce-9")), Target::Other("vpce-9".into()));
    assert_eq!(target(to("0.0.0.0/0", "LocalGatewayId", "lgw-1")), Target::Other("lgw-1".into()));
    assert_eq!(target(to("0.0.0.0/0", "CoreNetworkArn", "arn:core")), Target::Other("arn:core".into()));
    // AWS lists an instance together with its interface.
    let both = json!({"DestinationCidrBlock": "0.0.0.0/0", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1", "State": "active"});
    assert_eq!(target(both), Target::Interface("eni-1".into()));
    assert_eq!(target(json!({"DestinationCidrBlock": "0.0.0.0/0", "State": "blackhole"})), Target::Blackhole(Box::new(Target::Other("an unknown target".into()))));
}

#[test]
fn blackholes_still_attract_and_filtered_routes_do_not() {
    let gone = json!([local(), json!({"DestinationCidrBlock": "192.168.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "blackhole"}), to("0.0.0.0/0", "NatGatewayId", "nat-1")]);
    assert_eq!(ask(&region(), gone, "192.168.0.1"), "192.168.0.0/16 peering connection pcx-1, which is gone (blackhole)");
    let filtered = json!([local(), json!({"DestinationCidrBlock": "192.168.0.0/16", "NetworkInterfaceId": "eni-1", "State": "filtered"}), to("0.0.0.0/0", "NatGatewayId", "nat-1")]);
    assert_eq!(ask(&region(), filtered, "192.168.0.1"), "0.0.0.0/0 NAT gateway nat-1");
}

#[test]
fn malformed_routes_are_doubts_of_their_family() {
    let broken = json!([local(), json!({"DestinationCidrBlock": "300.0.0.0/8", "NatGatewayId": "nat-1", "State": "active"}), to("::/0", "EgressOnlyInternetGatewayId", "eigw-1")]);
    assert!(ask(&region(), broken.clone(), "10.0.0.1").starts_with("unknown Elsewhere"));
    assert_eq!(ask(&region(), broken, "2600::1"), "::/0 egress-only internet gateway eigw-1");
    let stateless = json!([local(), json!({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"})]);
    assert!(ask(&region(), stateless.clone(), "8.8.8.8").starts_with("unknown Elsewhere"));
    assert_eq!(ask(&region(), stateless, "10.0.0.1"), "10.0.0.0/16 the VPC itself");
}

#[test]
fn parts_follow_the_deciding_route() {
    let mut region = region();
    entries(&mut region, "pl-s3", &["52.219.80.0/20", "3.5.128.0/22"]);
    let table = table(json!([local(), to("pl-s3", "GatewayId", "vpce-s3"), to("52.219.80.0/21", "TransitGatewayId", "tgw-1")]));
    let index = Index::new(&region);
    let s3 = IpSet::parse_all(["52.219.80.0/20", "3.5.128.0/22", "8.8.8.8"]).unwrap();
    let parts: Vec<(String, String)> =
        partition(&index, &table, &s3).into_iter().map(|(part, choice)| (part.to_string(), if let Choice::Route(c) = choice { c.target.describe() } else { "none".to_owned() })).collect();
    let expected = [("3.5.128.0/22, 52.219.88.0/21", "gateway endpoint vpce-s3"), ("8.8.8.8", "none"), ("52.219.80.0/21", "transit gateway tgw-1")];
    assert_eq!(parts, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert!(partition(&index, &table, &IpSet::empty()).is_empty());
}

#[test]
fn what_was_filtered_out_was_not_listed() {
    let mut region = region();
    assert!(listed(&Index::new(&region), Action::DescribeNatGateways, Some("vpc-1")));
    region.vpc_scope = Some(["vpc-1".to_owned()].into());
    assert!(listed(&Index::new(&region), Action::DescribeNatGateways, Some("vpc-1")));
    assert!(!listed(&Index::new(&region), Action::DescribeNatGateways, Some("vpc-2")));
    assert!(!listed(&Index::new(&region), Action::DescribeNatGateways, None));
    region.completeness.record(Action::DescribeNatGateways, Status::of(State::Partial, "cut off"));
    assert!(!listed(&Index::new(&region), Action::DescribeNatGateways, Some("vpc-1")));
}

#[test]
fn an_assumption_takes_the_internet_away() {
    let table = table(json!([
        local(),
        to("0.0.0.0/0", "TransitGatewayId", "tgw-1"),
        to("52.0.0.0/8", "NatGatewayId", "nat-1"),
        json!({"DestinationCidrBlock": "53.0.0.0/8", "GatewayId": "igw-1", "State": "blackhole"})
    ]));
    let region = region();
    let options = Options { no_internet: true, ..Options::default() };
    let compiled = Compiled::new(&Index::new(&region), &table, &options);
    for address in ["52.1.1.1", "53.1.1.1"] {
        // The wider route takes over.
        assert!(matches!(compiled.choose(address.parse().unwrap()), Choice::Route(c) if c.target == Target::TransitGateway("tgw-1".into())));
    }
    assert_eq!(compiled.routes().count(), 2);
}
