//! An endpoint in a hub VPC, behind a private zone, over a peering connection or a transit gateway.

use serde_json::{Value, json};

use super::*;
use crate::rules::testing::from;

/// [`whole`], but `logs` is served from `vpc-hub` (10.1.0.0/16), which has an endpoint interface in each of two zones.
/// Nothing leads there yet. The instances of both VPCs share open ACLs: `acl-1` and `acl-hub`.
fn hub() -> Scene {
    let mut scene = whole();
    remove(&mut scene, "logs");
    let region = &mut scene.region;
    region.vpcs.push(from(json!({"VpcId": "vpc-hub", "OwnerId": ACCOUNT, "CidrBlock": "10.1.0.0/16", "DhcpOptionsId": "dopt-1", "State": "available"})));
    region.vpc_attributes.push(from(json!({"VpcId": "vpc-hub", "EnableDnsSupport": {"Value": true}, "EnableDnsHostnames": {"Value": true}})));
    region.hosted_zones.insert("vpc-hub".to_owned(), Answer::Output(dns::HostedZonesByVpc::default()));
    for (id, cidr, zone) in [("hub-a", "10.1.1.0/24", "us-east-2a"), ("hub-b", "10.1.2.0/24", "us-east-2b")] {
        region.subnets.push(from(json!({"SubnetId": id, "VpcId": "vpc-hub", "CidrBlock": cidr, "AvailabilityZone": zone, "OwnerId": ACCOUNT, "State": "available"})));
    }
    region.route_tables.push(from(json!({"RouteTableId": "rtb-hub", "VpcId": "vpc-hub", "Associations": [{"Main": true}],
        "Routes": [{"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "local", "State": "active"}]})));
    region.network_acls.push(acl("acl-hub", "vpc-hub", &["hub-a", "hub-b"], &[]));
    let everything = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    region.security_groups.push(from(json!({"GroupId": "sg-hub", "VpcId": "vpc-hub", "OwnerId": ACCOUNT, "IpPermissions": everything, "IpPermissionsEgress": everything})));
    for (id, subnet, address, zone) in [("eni-hub-a", "hub-a", "10.1.1.10", "us-east-2a"), ("eni-hub-b", "hub-b", "10.1.2.10", "us-east-2b")] {
        region.network_interfaces.push(from(json!({"NetworkInterfaceId": id, "SubnetId": subnet, "VpcId": "vpc-hub", "PrivateIpAddress": address, "AvailabilityZone": zone,
            "InterfaceType": "vpc_endpoint", "Groups": [{"GroupId": "sg-hub"}]})));
    }
    region.vpc_endpoints.push(from(
        json!({"VpcEndpointId": "vpce-hub", "VpcEndpointType": "Interface", "VpcId": "vpc-hub", "ServiceName": format!("com.amazonaws.{REGION}.logs"), "State": "available",
        "IpAddressType": "ipv4", "PrivateDnsEnabled": false, "OwnerId": ACCOUNT, "SubnetIds": ["hub-a", "hub-b"], "Groups": [{"GroupId": "sg-hub"}], "NetworkInterfaceIds": ["eni-hub-a", "eni-hub-b"],
        "DnsEntries": [{"DnsName": format!("vpce-hub-x.logs.{REGION}.vpce.amazonaws.com"), "HostedZoneId": "Z1"}],
        "PolicyDocument": r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#}),
    ));
    let name = format!("logs.{REGION}.amazonaws.com.");
    let zones = from(json!({"HostedZoneSummaries": [{"HostedZoneId": "Zlogs", "Name": name, "Owner": {"OwningAccount": ACCOUNT}}]}));
    region.hosted_zones.insert(VPC.to_owned(), Answer::Output(zones));
    let records = from(json!({"ResourceRecordSets": [{"Name": name, "Type": "A", "ResourceRecords": [{"Value": "10.1.1.10"}, {"Value": "10.1.2.10"}]}]}));
    region.record_sets.insert("Zlogs".to_owned(), Answer::Output(records));
    scene
}

/// An ACL that is open but for what `shut` denies before: outbound or inbound, range, first and last port.
fn acl(id: &str, vpc: &str, subnets: &[&str], shut: &[(bool, &str, i32, i32)]) -> ec2::NetworkAcl {
    let entry = |number: i32, egress: bool, action: &str, cidr: &str| json!({"RuleNumber": number, "Egress": egress, "Protocol": "-1", "RuleAction": action, "CidrBlock": cidr});
    let mut entries: Vec<Value> = [true, false].into_iter().map(|egress| entry(100, egress, "allow", "0.0.0.0/0")).collect();
    for (number, (egress, cidr, first, last)) in (10..).zip(shut) {
        entries.push(json!({"RuleNumber": number, "Egress": egress, "Protocol": "6", "RuleAction": "deny", "CidrBlock": cidr, "PortRange": {"From": first, "To": last}}));
    }
    let associations: Vec<Value> = subnets.iter().map(|s| json!({"SubnetId": s, "NetworkAclId": id})).collect();
    from(json!({"NetworkAclId": id, "VpcId": vpc, "OwnerId": ACCOUNT, "Associations": associations, "Entries": entries}))
}

fn route(scene: &mut Scene, table: &str, destination: &str, set: impl FnOnce(&mut ec2::Route)) {
    let mut route = ec2::Route { destination_cidr_block: text(destination), state: text("active"), origin: text("CreateRoute"), ..Default::default() };
    set(&mut route);
    scene.region.route_tables.iter_mut().find(|t| t.route_table_id == table).unwrap().routes.push(route);
}

/// The hub over a peering connection, with routes on both sides.
pub(super) fn peered() -> Scene {
    let mut scene = hub();
    scene.region.vpc_peering_connections.push(from(json!({"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "active"},
        "RequesterVpcInfo": {"VpcId": VPC, "CidrBlock": "10.0.0.0/16"}, "AccepterVpcInfo": {"VpcId": "vpc-hub", "CidrBlock": "10.1.0.0/16"}})));
    route(&mut scene, "rtb-main", "10.1.0.0/16", |r| r.vpc_peering_connection_id = text("pcx-1"));
    route(&mut scene, "rtb-hub", "10.0.0.0/16", |r| r.vpc_peering_connection_id = text("pcx-1"));
    scene
}

/// The hub over a transit gateway that is attached to subnets of its own in both zones, with ACLs of their own
/// (`acl-tgw`, `acl-hub-tgw`) that deny what is given.
pub(super) fn attached(near: &[(bool, &str, i32, i32)], far: &[(bool, &str, i32, i32)]) -> Scene {
    let mut scene = hub();
    let region = &mut scene.region;
    for (id, vpc, cidr, zone) in [
        ("tgw-a", VPC, "10.0.8.0/28", "us-east-2a"),
        ("tgw-b", VPC, "10.0.8.16/28", "us-east-2b"),
        ("hub-tgw-a", "vpc-hub", "10.1.8.0/28", "us-east-2a"),
        ("hub-tgw-b", "vpc-hub", "10.1.8.16/28", "us-east-2b"),
    ] {
        region.subnets.push(from(json!({"SubnetId": id, "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": zone, "OwnerId": ACCOUNT, "State": "available"})));
    }
    region.network_acls.push(acl("acl-tgw", VPC, &["tgw-a", "tgw-b"], near));
    region.network_acls.push(acl("acl-hub-tgw", "vpc-hub", &["hub-tgw-a", "hub-tgw-b"], far));
    let mut routes = Vec::new();
    for (id, vpc, cidr, subnets) in [("tgw-attach-1", VPC, "10.0.0.0/16", ["tgw-a", "tgw-b"]), ("tgw-attach-2", "vpc-hub", "10.1.0.0/16", ["hub-tgw-a", "hub-tgw-b"])] {
        region
            .transit_gateway_vpc_attachments
            .push(from(json!({"TransitGatewayAttachmentId": id, "TransitGatewayId": "tgw-1", "VpcId": vpc, "VpcOwnerId": ACCOUNT, "State": "available", "SubnetIds": subnets})));
        region.transit_gateway_attachments.push(from(json!({"TransitGatewayAttachmentId": id, "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "ResourceId": vpc, "State": "available",
            "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}})));
        routes.push(
            json!({"DestinationCidrBlock": cidr, "Type": "propagated", "State": "active", "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": id, "ResourceId": vpc, "ResourceType": "vpc"}]}),
        );
    }
    region.transit_gateway_routes.insert("tgw-rtb-1".to_owned(), Answer::Output(from(json!({"Routes": routes, "AdditionalRoutesAvailable": false}))));
    route(&mut scene, "rtb-main", "10.1.0.0/16", |r| r.transit_gateway_id = text("tgw-1"));
    route(&mut scene, "rtb-hub", "10.0.0.0/16", |r| r.transit_gateway_id = text("tgw-1"));
    scene
}

fn logs(report: &Report) -> Vec<(Way, Tri, Option<HopName>)> {
    paths(report, "logs")
}

const REACHED: [(Way, Tri, Option<HopName>); 1] = [(Way::RemoteEndpoint, Tri::Pass, None)];
const NO_ROUTE: [(Way, Tri, Option<HopName>); 1] = [(Way::RemoteEndpoint, Tri::Fail, Some(HopName::Route))];

#[test]
fn a_hub_is_reached_over_a_peering_connection_with_routes_both_ways() {
    assert_eq!(logs(&expect(&peered(), &[])), REACHED);

    let mut forth = peered();
    forth.region.route_tables[0].routes.retain(|r| r.vpc_peering_connection_id.is_none());
    assert_eq!(logs(&expect(&forth, &["NW10 high rtb-main"])), NO_ROUTE, "no route to the hub");

    let mut back = peered();
    back.region.route_tables.iter_mut().filter(|t| t.route_table_id == "rtb-hub").for_each(|t| t.routes.retain(|r| r.vpc_peering_connection_id.is_none()));
    assert_eq!(logs(&expect(&back, &["NW10 high rtb-hub"])), NO_ROUTE, "no route back");

    let mut pending = peered();
    pending.region.vpc_peering_connections[0].status = from(json!({"Code": "pending-acceptance"}));
    assert_eq!(logs(&expect(&pending, &["NW10 high rtb-main"])), NO_ROUTE);
}

#[test]
fn a_hub_is_reached_over_a_transit_gateway() {
    assert_eq!(logs(&expect(&attached(&[], &[]), &[])), REACHED);

    let mut unrouted = attached(&[], &[]);
    let Some(Answer::Output(routes)) = unrouted.region.transit_gateway_routes.get_mut("tgw-rtb-1") else { panic!() };
    routes.routes.retain(|r| r.destination_cidr_block.as_deref() != Some("10.1.0.0/16"));
    assert_eq!(logs(&expect(&unrouted, &["NW10 high rtb-main"])), NO_ROUTE, "the gateway's own table has no route to the hub");

    let mut unseen = attached(&[], &[]);
    unseen.region.transit_gateway_routes.clear();
    assert_eq!(logs(&report(&unseen)), [(Way::RemoteEndpoint, Tri::Unknown, None)]);
}

/// AWS's page on network ACLs for transit gateways, direction by direction.
#[test]
fn the_acls_of_the_subnets_that_a_transit_gateway_is_attached_to_are_on_the_way() {
    let requests = |range: &'static str, egress: bool| (egress, range, 443, 443);
    let replies = |range: &'static str, egress: bool| (egress, range, 1024, 65535);
    // From the workloads into the gateway, and out of it towards the endpoint.
    assert_eq!(logs(&expect(&attached(&[requests("10.0.0.0/16", false)], &[]), &["NW04 critical acl-tgw"])), NO_ROUTE);
    assert_eq!(logs(&expect(&attached(&[], &[requests("10.1.0.0/16", true)]), &["NW04 critical acl-hub-tgw"])), NO_ROUTE);
    // The replies, from the endpoint into the gateway, and out of it towards the workloads.
    assert_eq!(logs(&expect(&attached(&[], &[replies("10.1.0.0/16", false)]), &["NW05 critical acl-hub-tgw"])), NO_ROUTE);
    assert_eq!(logs(&expect(&attached(&[replies("10.0.0.0/16", true)], &[]), &["NW05 critical acl-tgw"])), NO_ROUTE);
    // What goes into the gateway is not asked outwards, nor what comes out of it inwards.
    let other_way = attached(&[requests("10.1.0.0/16", true), replies("10.1.0.0/16", false)], &[requests("10.0.0.0/16", false), replies("10.0.0.0/16", true)]);
    assert_eq!(logs(&expect(&other_way, &[])), REACHED);

    let mut unseen = attached(&[], &[]);
    unseen.region.network_acls.retain(|a| a.network_acl_id != "acl-hub-tgw");
    assert_eq!(logs(&report(&unseen)), [(Way::RemoteEndpoint, Tri::Unknown, None)], "no ACL of the hub's attached subnets, and no default one");
}

#[test]
fn packets_that_leave_a_transit_gateway_in_the_subnet_that_they_are_for_meet_no_acl() {
    // Both VPCs are attached with the subnets that the workloads and the endpoint lie in.
    let shared = |near: &[(bool, &str, i32, i32)], far: &[(bool, &str, i32, i32)]| {
        let mut scene = attached(&[], &[]);
        scene.region.transit_gateway_vpc_attachments[0].subnet_ids = vec![SUBNET_A.into(), SUBNET_B.into()];
        scene.region.transit_gateway_vpc_attachments[1].subnet_ids = vec!["hub-a".into(), "hub-b".into()];
        for (id, shut) in [("acl-1", near), ("acl-hub", far)] {
            let found = scene.region.network_acls.iter_mut().find(|a| a.network_acl_id == id).unwrap();
            found.entries = acl(id, "", &[], shut).entries;
        }
        scene
    };
    // From the workload in zone a to the endpoint's interface in zone a nothing is asked inwards; between zones it is.
    let crossed = shared(&[], &[(false, "10.0.0.0/24", 443, 443)]);
    let report = report(&crossed);
    let hops = |subnet: &str| -> Vec<String> {
        let place = report.placements.iter().find(|p| p.subnet.as_deref() == Some(subnet)).unwrap();
        let path = report.paths.iter().find(|p| p.placement == place.id && p.service == "logs").unwrap();
        path.hops.iter().filter(|h| h.verdict == Tri::Fail).map(|h| format!("{:?} {}", h.hop, h.object.as_deref().unwrap_or_default())).collect()
    };
    assert_eq!(hops(SUBNET_A), ["DestNaclIn acl-hub"], "at the interface in the other zone alone");
    let blocked = failures(&report);
    assert_eq!(blocked, ["NW03 high vpce-hub"], "one of the two interfaces is reached");
    assert_eq!(logs(&expect(&shared(&[], &[]), &[])), REACHED);
}

#[test]
fn a_route_of_an_attached_subnet_may_take_packets_elsewhere() {
    let mut scene = attached(&[], &[]);
    scene.region.route_tables.push(from(json!({"RouteTableId": "rtb-inspect", "VpcId": "vpc-hub", "Associations": [{"SubnetId": "hub-tgw-a"}, {"SubnetId": "hub-tgw-b"}],
        "Routes": [{"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "local", "State": "active"}, {"DestinationCidrBlock": "10.1.1.0/24", "NetworkInterfaceId": "eni-firewall", "State": "active"}]})));
    assert_eq!(logs(&report(&scene)), [(Way::RemoteEndpoint, Tri::Unknown, None)], "a firewall, of which nothing is known");
}

/// The endpoint's side is shut in zone b alone: what comes from zone a leaves the gateway in zone a, unless appliance mode sends it
/// to any.
#[test]
fn appliance_mode_takes_packets_out_of_their_zone() {
    let shut_in_b = || {
        let mut scene = attached(&[], &[]);
        scene.region.network_acls.iter_mut().filter(|a| a.network_acl_id == "acl-hub-tgw").for_each(|a| a.associations.retain(|s| s.subnet_id.as_deref() == Some("hub-tgw-a")));
        scene.region.network_acls.push(acl("acl-b", "vpc-hub", &["hub-tgw-b"], &[(true, "10.1.0.0/16", 443, 443)]));
        scene
    };
    let verdict_from = |scene: &Scene, subnet: &str| {
        let report = report(scene);
        let place = report.placements.iter().find(|p| p.subnet.as_deref() == Some(subnet)).unwrap();
        report.paths.iter().find(|p| p.placement == place.id && p.service == "logs").unwrap().verdict
    };
    let plain = shut_in_b();
    assert_eq!((verdict_from(&plain, SUBNET_A), verdict_from(&plain, SUBNET_B)), (Tri::Pass, Tri::Fail));
    let mut mode = shut_in_b();
    mode.region.transit_gateway_vpc_attachments[1].options = from(json!({"ApplianceModeSupport": "enable"}));
    assert_eq!((verdict_from(&mode, SUBNET_A), verdict_from(&mode, SUBNET_B)), (Tri::Unknown, Tri::Unknown));
}

#[test]
fn an_attachment_without_its_subnets_was_not_seen_in_full() {
    let mut scene = attached(&[], &[]);
    scene.region.transit_gateway_vpc_attachments[1].subnet_ids.clear();
    let report = report(&scene);
    assert_eq!(logs(&report), [(Way::RemoteEndpoint, Tri::Unknown, None)]);
    assert!(!report.complete, "DescribeTransitGatewayVpcAttachments tells them");
}

#[test]
fn what_was_not_seen_stays_named_beside_an_unknown_zone() {
    let mut scene = attached(&[], &[]);
    scene.region.transit_gateway_vpc_attachments[1].options = from(json!({"ApplianceModeSupport": "enable"}));
    scene.region.network_acls.retain(|a| a.network_acl_id != "acl-hub-tgw");
    scene.region.network_acls.push(acl("acl-a", "vpc-hub", &["hub-tgw-a"], &[(true, "10.1.0.0/16", 443, 443)]));
    let report = report(&scene);
    let told = report.findings.iter().find(|f| f.rule == "NW04").map(|f| f.message.clone()).unwrap_or_default();
    assert!(told.contains(Action::DescribeNetworkAcls.name()), "{told}");
}
