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

/// A network ACL of its own around the NAT gateway, open but for what `shut` denies before.
fn nat_acl(scene: &mut Scene, shut: &[(bool, &str, (i32, i32))]) {
    scene.region.network_acls[0].associations.retain(|a| a.subnet_id.as_deref() != Some("subnet-public"));
    let entry = |number: i32, egress: bool, action: &str, cidr: &str, ports: Option<(i32, i32)>| ec2::NetworkAclEntry {
        cidr_block: text(cidr),
        egress: Some(egress),
        protocol: text(if ports.is_some() { "6" } else { "-1" }),
        rule_action: text(action),
        rule_number: Some(number),
        port_range: ports.map(|(from, to)| ec2::PortRange { from: Some(from), to: Some(to) }),
        ..Default::default()
    };
    let mut entries = vec![entry(100, true, "allow", "0.0.0.0/0", None), entry(100, false, "allow", "0.0.0.0/0", None)];
    entries.extend(shut.iter().zip(10..).map(|((egress, cidr, ports), number)| entry(number, *egress, "deny", cidr, Some(*ports))));
    scene.region.network_acls.push(ec2::NetworkAcl {
        network_acl_id: "acl-nat".into(),
        vpc_id: text(VPC),
        associations: vec![ec2::NetworkAclAssociation { subnet_id: text("subnet-public"), network_acl_id: text("acl-nat") }],
        entries,
        ..Default::default()
    });
}

/// The lower half of S3 goes by a NAT gateway, the upper half by the gateway endpoint.
pub(super) fn half_by_nat(shut: &[(bool, &str, (i32, i32))]) -> Scene {
    let mut scene = with_idle_nat();
    scene.region.prefix_lists.retain(|l| l.cidrs == ["52.219.80.0/20"]);
    narrow(&mut scene, "52.219.80.0/21", "active", |r| r.nat_gateway_id = text("nat-1"));
    nat_acl(&mut scene, shut);
    scene
}

#[test]
fn the_part_of_s3_that_goes_by_a_nat_gateway_meets_its_acl() {
    let https = (443, 443);
    for (shut, finding) in [
        // Out to S3, in from the workload: the request.
        ((true, "0.0.0.0/0", https), "NW04 critical acl-nat"),
        ((true, "52.219.80.0/21", https), "NW04 critical acl-nat"),
        ((false, "10.0.0.0/16", https), "NW04 critical acl-nat"),
        // Half of the part: some connections fail, some do not.
        ((true, "52.219.80.0/22", https), "NW04 high acl-nat"),
        // Back in to the ports of the NAT gateway, and out to those of the workload: the reply.
        ((false, "52.219.80.0/21", (1024, 65535)), "NW05 critical acl-nat"),
        ((false, "52.219.80.0/21", (1024, 2047)), "NW05 high acl-nat"),
        ((true, "10.0.0.0/16", (40000, 50000)), "NW05 high acl-nat"),
    ] {
        let report = expect(&half_by_nat(&[shut]), &[finding]);
        assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Fail, Some(HopName::Route))], "{shut:?}");
    }
}

#[test]
fn what_goes_by_another_way_does_not_meet_the_acl_of_a_nat_gateway() {
    // The upper half of S3 goes by the gateway endpoint.
    let upper = [(true, "52.219.88.0/21", (443, 443)), (false, "52.219.88.0/21", (1024, 65535))];
    let report = expect(&half_by_nat(&upper), &[]);
    assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Pass, None)]);

    // Without an endpoint both halves go by gateways of their own, and each ACL is asked for its own half.
    for (cidr, out) in [("52.219.88.0/21", Tri::Pass), ("52.219.80.0/21", Tri::Fail)] {
        let mut scene = half_by_nat(&[(true, cidr, (443, 443))]);
        remove(&mut scene, "s3");
        let mut second = scene.region.nat_gateways[0].clone();
        second.nat_gateway_id = "nat-2".into();
        second.subnet_id = text("subnet-public-2");
        scene.region.nat_gateways.push(second);
        let mut subnet = scene.region.subnets.iter().find(|s| s.subnet_id == "subnet-public").unwrap().clone();
        subnet.subnet_id = "subnet-public-2".into();
        subnet.cidr_block = text("10.0.10.0/24");
        scene.region.subnets.push(subnet);
        let public = scene.region.route_tables.iter_mut().find(|t| t.route_table_id == "rtb-public").unwrap();
        public.associations.push(ec2::RouteTableAssociation { subnet_id: text("subnet-public-2"), ..Default::default() });
        scene.region.network_acls[0].associations.push(ec2::NetworkAclAssociation { subnet_id: text("subnet-public-2"), network_acl_id: text("acl-1") });
        narrow(&mut scene, "52.219.88.0/21", "active", |r| r.nat_gateway_id = text("nat-2"));
        let wanted: &[&str] = if out == Tri::Fail { &["EP06 low vpc-1", "NW04 critical acl-nat"] } else { &["EP06 low vpc-1"] };
        let mut wanted: Vec<&str> = wanted.to_vec();
        wanted.sort_by_key(|f| f.contains("low"));
        let report = expect(&scene, &wanted);
        assert_eq!(paths(&report, "s3"), [(Way::Internet, out, (out == Tri::Fail).then_some(HopName::Route))], "{cidr}");
    }
}

#[test]
fn what_must_stay_private_does_not_go_by_a_nat_gateway_in_part() {
    let shut = [(true, "0.0.0.0/0", (443, 443))];
    for acl in [&shut[..], &[]] {
        let mut scene = half_by_nat(acl);
        scene.options.require_private = true;
        let report = expect(&scene, &["NW07 critical rtb-main"]);
        assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Fail, Some(HopName::Route))], "the route is the cause, whatever the ACL behind it says");
        // Nor where there is no endpoint at all.
        remove(&mut scene, "s3");
        narrow(&mut scene, "52.219.88.0/21", "active", |r| r.nat_gateway_id = text("nat-1"));
        let report = expect(&scene, &["EP06 critical vpc-1"]);
        assert_eq!(paths(&report, "s3"), [(Way::None, Tri::Fail, Some(HopName::Endpoint))]);
    }
    // Half over the internet is enough, though the other half leads out of sight.
    let mut scene = half_by_nat(&[]);
    remove(&mut scene, "s3");
    narrow(&mut scene, "52.219.88.0/21", "active", |r| r.transit_gateway_id = text("tgw-1"));
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "s3"), [(Way::Unknown, Tri::Unknown, None)]);
    scene.options.require_private = true;
    let report = expect(&scene, &["EP06 critical vpc-1"]);
    assert_eq!(paths(&report, "s3"), [(Way::None, Tri::Fail, Some(HopName::Endpoint))]);
}

#[test]
fn a_single_question_about_a_public_address_meets_the_acl_of_the_nat_gateway() {
    for (shut, verdict, at) in [("8.8.8.8/32", Tri::Fail, Some(HopName::Route)), ("8.8.4.4/32", Tri::Pass, None)] {
        let mut scene = whole();
        nat(&mut scene);
        nat_acl(&mut scene, &[(true, shut, (443, 443))]);
        let found = scene.view(|view| {
            let question = crate::query::Question { from: SUBNET_A, to: "8.8.8.8", port: Some(443), public_ip: false };
            crate::query::ask(view, &question).unwrap().unwrap()
        });
        assert_eq!(found.paths.iter().map(|p| (p.verdict, p.blocked_at)).collect::<Vec<_>>(), [(verdict, at)], "{shut}");
    }
}

/// Everything but `logs` is served in the VPC, and the group of the tasks admits the VPC and S3 alone: nothing of that is `logs`.
#[test]
fn a_group_that_admits_the_vpc_and_s3_alone_keeps_other_names_in() {
    let mut scene = whole();
    nat(&mut scene);
    remove(&mut scene, "logs");
    let narrow = ec2::IpPermission {
        ip_protocol: text("tcp"),
        from_port: Some(443),
        to_port: Some(443),
        ip_ranges: vec![ec2::IpRange { cidr_ip: text("10.0.0.0/16") }],
        prefix_list_ids: vec![ec2::PrefixListId { prefix_list_id: text("pl-s3") }],
        ..Default::default()
    };
    scene.region.security_groups.iter_mut().filter(|g| g.group_id == "sg-tasks").for_each(|g| g.ip_permissions_egress = vec![narrow.clone()]);
    let report = expect(&scene, &["NW02 critical sg-tasks", "EP09 low vpc-1"]);
    assert_eq!(paths(&report, "logs"), [(Way::Internet, Tri::Fail, Some(HopName::SourceSg))]);
    assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Pass, None)]);
}

/// The classic: a NAT gateway in the private subnet, whose own route table leads to it.
#[test]
fn a_nat_gateway_whose_subnet_leads_back_to_it_is_dead() {
    let mut scene = whole();
    nat(&mut scene);
    remove(&mut scene, "logs");
    let circle = |scene: &mut Scene, nat: &str| {
        let public = scene.region.route_tables.iter_mut().find(|t| t.route_table_id == "rtb-public").unwrap();
        public.routes.retain(|r| r.destination_cidr_block.as_deref() != Some("0.0.0.0/0"));
        public.routes.push(ec2::Route { destination_cidr_block: text("0.0.0.0/0"), nat_gateway_id: text(nat), state: text("active"), ..Default::default() });
    };
    circle(&mut scene, "nat-1");
    let report = expect(&scene, &["NW06 critical rtb-main"]);
    assert_eq!(paths(&report, "logs"), [(Way::None, Tri::Fail, Some(HopName::Endpoint))]);

    // Over another one, and back.
    let other = ec2::NatGateway { nat_gateway_id: "nat-2".into(), subnet_id: text(SUBNET_A), ..scene.region.nat_gateways[0].clone() };
    scene.region.nat_gateways.push(other);
    circle(&mut scene, "nat-2");
    expect(&scene, &["NW06 critical rtb-main"]);
}

#[test]
fn a_reply_range_that_is_open_in_part_fails_whatever_address_is_meant() {
    // No address of the logs service gets its replies back to ports 40000 to 50000.
    let mut scene = whole();
    nat(&mut scene);
    remove(&mut scene, "logs");
    let entry = ec2::NetworkAclEntry {
        cidr_block: text("0.0.0.0/0"),
        egress: Some(false),
        protocol: text("6"),
        rule_action: text("deny"),
        rule_number: Some(50),
        port_range: Some(ec2::PortRange { from: Some(40000), to: Some(50000) }),
        ..Default::default()
    };
    let mut own = scene.clone();
    nat_acl(&mut own, &[]);
    own.region.network_acls[0].entries.push(entry.clone());
    let report = report(&own);
    assert_eq!(paths(&report, "logs"), [(Way::Internet, Tri::Fail, Some(HopName::SourceNaclIn))]);
    assert!(failures(&report).contains(&"NW05 high acl-1".to_owned()), "{:?}", failures(&report));

    // The same on the NAT gateway's side.
    nat_acl(&mut scene, &[(false, "0.0.0.0/0", (40000, 50000))]);
    let report = expect(&scene, &["NW05 high acl-nat", "EP09 low vpc-1"]);
    assert_eq!(paths(&report, "logs"), [(Way::Internet, Tri::Fail, Some(HopName::Route))]);

    // Closed for some addresses alone: the name may mean others.
    nat_acl(&mut scene, &[(false, "9.9.9.0/24", (40000, 50000))]);
    let mut some = scene;
    some.region.network_acls.retain(|a| a.entries.iter().all(|e| e.cidr_block.as_deref() != Some("0.0.0.0/0") || e.rule_action.as_deref() != Some("deny") || e.rule_number == Some(32767)));
    assert_eq!(paths(&super::report(&some), "logs"), [(Way::Internet, Tri::Unknown, None)]);
}

#[test]
fn a_nat_gateway_that_only_some_addresses_go_by_blocks_none_for_certain() {
    // The logs service may live in 9.9.9.0/24, which goes by a transit gateway, and not by the NAT gateway and its closed ACL.
    let mut scene = whole();
    nat(&mut scene);
    remove(&mut scene, "logs");
    nat_acl(&mut scene, &[(true, "0.0.0.0/0", (443, 443))]);
    expect(&scene, &["NW04 critical acl-nat", "EP09 low vpc-1"]);
    scene.region.route_tables.iter_mut().find(|t| t.route_table_id == "rtb-public").unwrap().routes[1] =
        ec2::Route { destination_cidr_block: text("0.0.0.0/0"), transit_gateway_id: text("tgw-1"), state: text("active"), ..Default::default() };
    expect(&scene, &["NW04 critical acl-nat"]);
    narrow(&mut scene, "9.9.9.0/24", "active", |r| r.transit_gateway_id = text("tgw-1"));
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "logs"), [(Way::Unknown, Tri::Unknown, None)]);
}

#[test]
fn a_gateway_endpoint_that_failed_takes_what_its_unseen_list_holds() {
    let mut scene = whole();
    nat(&mut scene);
    endpoint(&mut scene, "vpce-s3").state = text("failed");
    let report = expect(&scene, &["EP02 critical vpce-s3"]);
    assert_eq!(paths(&report, "s3"), [(Way::None, Tri::Fail, Some(HopName::Endpoint))], "its route still takes S3 from the NAT gateway");
    let mut scene = scene.lacking(Action::DescribePrefixLists).lacking(Action::DescribeManagedPrefixLists);
    scene.region.prefix_lists.clear();
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "s3"), [(Way::Unknown, Tri::Unknown, None)], "which addresses it takes was not seen");
}
