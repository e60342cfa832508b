//! Routes to public addresses that are narrower than the default route: each is judged for the addresses that it covers.

use super::*;

/// A route of the main table, with its target set by `set`.
fn narrow(scene: &mut Scene, cidr: &str, state: &str, set: impl FnOnce(&mut ec2::Route)) {
    let mut route = ec2::Route { destination_cidr_block: text(cidr), state: text(state), origin: text("CreateRoute"), ..Default::default() };
    set(&mut route);
    scene.region.route_tables[0].routes.push(route);
}

/// Takes the default route away again; gateways stay.
fn no_default(scene: &mut Scene) {
    scene.region.route_tables[0].routes.retain(|r| r.destination_cidr_block.as_deref() != Some("0.0.0.0/0"));
}

/// [`whole`] with a NAT gateway to which nothing leads yet.
fn with_idle_nat() -> Scene {
    let mut scene = whole();
    nat(&mut scene);
    no_default(&mut scene);
    scene
}

#[test]
fn routes_of_s3s_own_ranges_are_a_way_without_a_default_route() {
    let mut scene = with_idle_nat();
    remove(&mut scene, "s3");
    let ranges: Vec<String> = scene.region.prefix_lists.iter().filter(|p| p.prefix_list_id == "pl-s3").flat_map(|p| p.cidrs.clone()).collect();
    for cidr in &ranges {
        narrow(&mut scene, cidr, "active", |r| r.nat_gateway_id = text("nat-1"));
    }
    let report = expect(&scene, &["EP06 low vpc-1"]);
    assert_eq!(paths(&report, "s3"), [(Way::Internet, Tri::Pass, None)], "every address of S3 leaves over the NAT gateway");
}

#[test]
fn a_narrower_route_takes_part_of_s3_from_the_gateway_endpoint() {
    let part = "52.219.80.0/21";
    // To a NAT gateway that is gone: those addresses are lost.
    let mut scene = with_idle_nat();
    narrow(&mut scene, part, "active", |r| r.nat_gateway_id = text("nat-1"));
    scene.region.nat_gateways[0].state = text("deleted");
    let report = expect(&scene, &["NW07 critical rtb-main"]);
    assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Fail, Some(HopName::Route))]);

    // To an internet gateway, without a public address.
    let mut scene = with_idle_nat();
    narrow(&mut scene, part, "active", |r| r.gateway_id = text("igw-1"));
    let report = expect(&scene, &["NW07 critical rtb-main"]);
    assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Fail, Some(HopName::Route))]);

    // To a transit gateway: what lies behind it was not seen.
    let mut scene = with_idle_nat();
    narrow(&mut scene, part, "active", |r| r.transit_gateway_id = text("tgw-1"));
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Unknown, None)]);

    // To a NAT gateway that works: all of S3 is reached, but not privately; and with the NAT gateway gone the route is gone.
    let mut scene = with_idle_nat();
    narrow(&mut scene, part, "active", |r| r.nat_gateway_id = text("nat-1"));
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Pass, None)]);
    scene.options.require_private = true;
    expect(&scene, &["NW07 critical rtb-main"]);
    scene.options.no_internet = true;
    expect(&scene, &[]);
}

#[test]
fn a_narrower_route_that_leaves_otherwise_makes_unknown_addresses_unknown() {
    // Which addresses the logs service has is not known: some of them may lie in the narrow range, or none.
    type Set = fn(&mut ec2::Route);
    let dead: Set = |r| r.vpc_peering_connection_id = text("pcx-gone");
    let elsewhere: Set = |r| r.transit_gateway_id = text("tgw-1");
    for (state, set) in [("blackhole", dead), ("active", elsewhere)] {
        let mut scene = whole();
        nat(&mut scene);
        remove(&mut scene, "logs");
        narrow(&mut scene, "9.9.9.0/24", state, set);
        let report = expect(&scene, &[]);
        assert_eq!(paths(&report, "logs"), [(Way::Unknown, Tri::Unknown, None)], "{state}");
    }
    let mut scene = with_idle_nat();
    remove(&mut scene, "logs");
    narrow(&mut scene, "9.9.9.0/24", "active", |r| r.nat_gateway_id = text("nat-1"));
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "logs"), [(Way::Unknown, Tri::Unknown, None)], "a NAT gateway for a range alone");
}
