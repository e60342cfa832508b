//! The ownership table, line by line: each scene has one cause, and exactly the findings that it deserves.

use crate::actions::Action;
use crate::analysis::testing::{ACCOUNT, REGION, SUBNET_A, SUBNET_B, Scene, VPC, log, secret, text};
use crate::analysis::{HopName, Tri, Way};
use crate::audit::{Plan, audit};
use crate::inventory::{Answer, Inventory, dns, ec2, shape};
use crate::report::Report;

mod fixes;
mod forget;
mod hub;
mod names;
mod unseen;
mod ways;

/// A Fargate service with a task in each of two isolated subnets, and everything that it needs: image, logs, a secret.
pub(super) fn whole() -> Scene {
    let mut scene = Scene::new();
    let definition = scene.definition("web", |d| {
        if let Some(c) = d.container_definitions.first_mut() {
            c.log_configuration = Some(log("awslogs", &[("awslogs-group", "/ecs/web"), ("awslogs-region", REGION), ("awslogs-stream-prefix", "ecs")]));
            c.secrets.push(secret(&format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf")));
        }
    });
    scene.service("web", "web", &definition, "FARGATE", &[SUBNET_A, SUBNET_B]);
    scene.fargate_task("web", "t1", &definition, Some("web"), SUBNET_A);
    scene.fargate_task("web", "t2", &definition, Some("web"), SUBNET_B);
    for service in ["ecr.api", "ecr.dkr", "logs", "secretsmanager"] {
        scene.interface_endpoint(service);
    }
    gateway(&mut scene);
    scene.region.hosted_zones.insert(VPC.to_owned(), Answer::Output(dns::HostedZonesByVpc::default()));
    scene
}

/// Two container instances, one in each subnet, with the agent's endpoints beside what [`whole`] has.
pub(super) fn agents() -> Scene {
    let mut scene = whole();
    scene.instance("web", "a", SUBNET_A);
    scene.instance("web", "b", SUBNET_B);
    for service in ["ecs", "ecs-agent", "ecs-telemetry"] {
        scene.interface_endpoint(service);
    }
    // The endpoints were there before the instances registered.
    let time = |text: &str| shape::Time::parse(text).ok();
    scene.region.taken_at = time("2026-11-20T12:00:00Z");
    for endpoint in &mut scene.region.vpc_endpoints {
        endpoint.creation_timestamp = time("2026-09-01T00:00:00Z");
    }
    for instance in &mut scene.region.container_instances {
        instance.registered_at = time("2026-10-01T00:00:00Z");
    }
    scene
}

fn gateway(scene: &mut Scene) {
    scene.region.prefix_lists.push(ec2::PrefixList { prefix_list_id: "pl-s3".into(), prefix_list_name: text(format!("com.amazonaws.{REGION}.s3")), cidrs: vec!["52.219.80.0/20".into()] });
    scene.s3_gateway(super::po01::FULL_ACCESS);
}

/// A default route of the main table, with its target set by `set`.
pub(super) fn default_route(scene: &mut Scene, state: &str, set: impl FnOnce(&mut ec2::Route)) {
    let mut route = ec2::Route { destination_cidr_block: text("0.0.0.0/0"), state: text(state), origin: text("CreateRoute"), ..Default::default() };
    set(&mut route);
    scene.region.route_tables[0].routes.push(route);
}

/// A NAT gateway in a public subnet of its own, and the default route to it.
pub(super) fn nat(scene: &mut Scene) {
    scene.region.subnets.push(ec2::Subnet { subnet_id: "subnet-public".into(), vpc_id: VPC.into(), cidr_block: text("10.0.9.0/24"), availability_zone: text("us-east-2a"), ..Default::default() });
    scene.region.network_acls[0].associations.push(ec2::NetworkAclAssociation { subnet_id: text("subnet-public"), network_acl_id: text("acl-1") });
    scene.region.internet_gateways.push(ec2::InternetGateway {
        internet_gateway_id: "igw-1".into(),
        attachments: vec![ec2::InternetGatewayAttachment { vpc_id: text(VPC), state: text("available") }],
        ..Default::default()
    });
    let route = |cidr: &str, gateway: &str| ec2::Route { destination_cidr_block: text(cidr), gateway_id: text(gateway), state: text("active"), ..Default::default() };
    scene.region.route_tables.push(ec2::RouteTable {
        route_table_id: "rtb-public".into(),
        vpc_id: text(VPC),
        associations: vec![ec2::RouteTableAssociation { subnet_id: text("subnet-public"), ..Default::default() }],
        routes: vec![route("10.0.0.0/16", "local"), route("0.0.0.0/0", "igw-1")],
        ..Default::default()
    });
    scene.region.nat_gateways.push(ec2::NatGateway {
        nat_gateway_id: "nat-1".into(),
        vpc_id: text(VPC),
        subnet_id: text("subnet-public"),
        state: text("available"),
        connectivity_type: text("public"),
        nat_gateway_addresses: vec![ec2::NatGatewayAddress { private_ip: text("10.0.9.9"), public_ip: text("3.4.5.6"), ..Default::default() }],
        ..Default::default()
    });
    default_route(scene, "active", |r| r.nat_gateway_id = text("nat-1"));
}

pub(super) fn remove(scene: &mut Scene, service: &str) {
    scene.region.vpc_endpoints.retain(|e| !e.service_name.as_deref().is_some_and(|n| n.ends_with(&format!(".{service}"))));
    if service == "s3" {
        scene.region.route_tables[0].routes.retain(|r| r.gateway_id.as_deref() != Some("vpce-s3"));
    }
}

pub(super) fn endpoint<'a>(scene: &'a mut Scene, id: &str) -> &'a mut ec2::VpcEndpoint {
    scene.region.vpc_endpoints.iter_mut().find(|e| e.vpc_endpoint_id == id).unwrap()
}

pub(super) fn report(scene: &Scene) -> Report {
    let plan = Plan { options: scene.options.clone(), rules: super::ALL.to_vec() };
    audit(Inventory { regions: vec![scene.region.clone()] }, &plan)
}

/// `RULE severity object` of each failure at low or above, of the rules that paths give rise to.
pub(super) fn failures(report: &Report) -> Vec<String> {
    let hygiene = ["HY01", "AG02", "AG03", "AG04", "AG05"];
    let found = report.findings.iter().filter(|f| f.verdict == crate::finding::Verdict::Fail && f.severity > crate::finding::Severity::Info && !hygiene.contains(&f.rule.as_str()));
    found.map(|f| format!("{} {} {}", f.rule, f.severity.name(), f.resource.id.as_deref().unwrap_or_default())).collect()
}

/// How the paths to a service come out: way, verdict, hop.
pub(super) fn paths(report: &Report, service: &str) -> Vec<(Way, Tri, Option<HopName>)> {
    let mut found: Vec<_> = report.paths.iter().filter(|p| p.service == service).map(|p| (p.way, p.verdict, p.blocked_at)).collect();
    found.dedup();
    found
}

/// Checks the failures of a scene, and that every failing path stands under one at medium or above.
pub(super) fn expect(scene: &Scene, wanted: &[&str]) -> Report {
    let report = report(scene);
    assert_eq!(failures(&report), wanted, "{:#?}", report.findings.iter().map(|f| &f.message).collect::<Vec<_>>());
    for path in report.paths.iter().filter(|p| p.verdict == Tri::Fail) {
        let serious = report.findings.iter().filter(|f| f.verdict == crate::finding::Verdict::Fail && f.severity >= crate::finding::Severity::Medium);
        assert!(serious.clone().any(|f| !f.affects.is_empty()), "no finding for {} of {}", path.service, path.placement);
    }
    // Every network fix of every scene is proven: made in memory, it takes its cause away.
    for finding in report.findings.iter().filter(|f| f.verdict == crate::finding::Verdict::Fail && f.severity > crate::finding::Severity::Info) {
        let network = ["EP", "NW0", "DN01", "DN02", "WL03"].iter().any(|p| finding.rule.starts_with(p)) && !["NW03", "EP02", "EP03"].contains(&finding.rule.as_str());
        let proof = finding.remediation.proof.as_deref().unwrap_or_default();
        assert!(!network || proof == "verified" || proof.starts_with("mends this"), "{} on {:?}: {proof}", finding.rule, finding.resource.id);
    }
    report
}

#[test]
fn what_is_whole_has_no_failure() {
    let report = expect(&agents(), &[]);
    assert!(report.paths.iter().all(|p| p.verdict == Tri::Pass), "every path passes: {:?}", report.paths);
    let open: Vec<&str> = report.findings.iter().filter(|f| f.verdict == crate::finding::Verdict::Unknown).map(|f| f.message.as_str()).collect();
    assert!(report.complete, "{open:#?}");
}

#[test]
fn no_endpoint_in_an_isolated_subnet_is_its_presence_rule() {
    for (service, rule) in
        [("ecr.api", "EP04 critical vpc-1"), ("ecr.dkr", "EP05 critical vpc-1"), ("s3", "EP06 critical vpc-1"), ("secretsmanager", "EP07 critical vpc-1"), ("logs", "EP09 critical vpc-1")]
    {
        let mut scene = whole();
        remove(&mut scene, service);
        let report = expect(&scene, &[rule]);
        assert_eq!(paths(&report, service), [(Way::None, Tri::Fail, Some(HopName::Endpoint))], "{service}");
    }
}

#[test]
fn a_missing_trio_is_one_finding_and_names_its_order() {
    let mut scene = agents();
    for service in ["ecs", "ecs-agent", "ecs-telemetry"] {
        remove(&mut scene, service);
    }
    let report = expect(&scene, &["EP01 critical vpc-1"]);
    let commands = &report.findings.iter().find(|f| f.rule == "EP01").unwrap().remediation.commands;
    let order: Vec<usize> = [".ecs-agent ", ".ecs-telemetry ", ".ecs "].iter().map(|s| commands.iter().position(|c| c.contains(s)).unwrap()).collect();
    assert_eq!(order, [0, 1, 2], "AWS asks for this order while instances exist");
}

#[test]
fn behind_a_nat_gateway_a_missing_endpoint_is_low_and_a_trio_in_part_medium() {
    let mut scene = agents();
    nat(&mut scene);
    remove(&mut scene, "logs");
    remove(&mut scene, "ecs-agent");
    let report = expect(&scene, &["EP01 medium vpc-1", "EP09 low vpc-1"]);
    assert_eq!(paths(&report, "logs"), [(Way::Internet, Tri::Pass, None)]);
    scene.options.require_private = true;
    expect(&scene, &["EP01 critical vpc-1", "EP09 critical vpc-1"]);
}

#[test]
fn a_dead_default_route_owns_what_is_lost_behind_it() {
    let mut scene = whole();
    remove(&mut scene, "logs");
    default_route(&mut scene, "blackhole", |r| r.nat_gateway_id = text("nat-gone"));
    let report = expect(&scene, &["NW06 critical rtb-main"]);
    assert_eq!(paths(&report, "logs"), [(Way::None, Tri::Fail, Some(HopName::Endpoint))]);
    scene.options.no_internet = true;
    expect(&scene, &["EP09 critical vpc-1"]);
}

#[test]
fn no_public_address_beside_an_internet_gateway_is_the_services_own() {
    let mut scene = whole();
    remove(&mut scene, "logs");
    scene.region.internet_gateways.push(ec2::InternetGateway {
        internet_gateway_id: "igw-1".into(),
        attachments: vec![ec2::InternetGatewayAttachment { vpc_id: text(VPC), state: text("available") }],
        ..Default::default()
    });
    default_route(&mut scene, "active", |r| r.gateway_id = text("igw-1"));
    expect(&scene, &[&format!("WL03 critical arn:aws:ecs:{REGION}:{ACCOUNT}:service/web/web")]);
}

#[test]
fn an_endpoint_in_an_unusable_state_is_ep02_alone() {
    for state in ["pendingAcceptance", "failed", "Rejected", "deleting", "expired"] {
        let mut scene = whole();
        endpoint(&mut scene, "vpce-logs").state = text(state);
        expect(&scene, &["EP02 critical vpce-logs"]);
    }
    let mut scene = whole();
    endpoint(&mut scene, "vpce-logs").state = text("Available");
    expect(&scene, &[]);
}

#[test]
fn an_unrecognised_state_leaves_paths_unknown() {
    let mut scene = whole();
    endpoint(&mut scene, "vpce-logs").state = text("Hibernating");
    let report = expect(&scene, &[]);
    assert!(report.paths.iter().filter(|p| p.service == "logs").all(|p| p.verdict == Tri::Unknown), "{:?}", paths(&report, "logs"));
    assert!(!report.complete);
}

#[test]
fn an_endpoint_of_another_region_serves_nobody_here() {
    let mut scene = whole();
    let foreign = endpoint(&mut scene, "vpce-logs");
    foreign.service_name = text("com.amazonaws.us-west-2.logs");
    foreign.service_region = text("us-west-2");
    foreign.dns_entries.retain(|e| e.dns_name.as_deref().is_some_and(|n| n.contains("vpce")));
    let report = report(&scene);
    let found = failures(&report);
    assert!(found.contains(&"EP09 critical vpc-1".to_owned()), "{found:?}");
    assert!(!found.iter().any(|f| f.starts_with("DN")), "{found:?}");
}

#[test]
fn private_dns_off_is_dn01_by_the_second_column() {
    let mut scene = whole();
    let off = endpoint(&mut scene, "vpce-logs");
    off.private_dns_enabled = Some(false);
    off.dns_entries.truncate(1);
    let report = expect(&scene, &["DN01 critical vpce-logs"]);
    assert!(matches!(paths(&report, "logs").as_slice(), [(_, Tri::Fail, Some(HopName::Dns))]));
    nat(&mut scene);
    let report = expect(&scene, &["DN01 medium vpce-logs"]);
    assert_eq!(paths(&report, "logs"), [(Way::Internet, Tri::Pass, None)]);
}

#[test]
fn private_dns_captures_the_name_nat_or_not() {
    let mut scene = whole();
    nat(&mut scene);
    scene.region.security_groups.iter_mut().find(|g| g.group_id == "sg-endpoints").unwrap().ip_permissions.clear();
    let report = expect(&scene, &["NW01 critical sg-endpoints"]);
    assert_eq!(paths(&report, "logs"), [(Way::InterfaceEndpoint, Tri::Fail, Some(HopName::DestSg))], "a NAT gateway does not help");
}

#[test]
fn dns_support_off_is_critical_at_every_egress() {
    let mut scene = whole();
    scene.region.vpc_attributes[0].enable_dns_support = Some(ec2::AttributeValue { value: Some(false) });
    expect(&scene, &["DN02 critical vpc-1"]);
    nat(&mut scene);
    let report = expect(&scene, &["DN02 critical vpc-1"]);
    assert!(report.paths.iter().all(|p| p.blocked_at == Some(HopName::Dns)), "no name of AWS resolves");
}

#[test]
fn with_dns_support_off_a_resolver_of_ones_own_may_still_answer() {
    let mut scene = whole();
    nat(&mut scene);
    scene.region.vpc_attributes[0].enable_dns_support = Some(ec2::AttributeValue { value: Some(false) });
    scene.region.dhcp_options[0].dhcp_configurations[0].values = vec![ec2::DhcpValue { value: text("192.168.7.7") }];
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "logs"), [(Way::Unknown, Tri::Unknown, None)], "it forwards to Amazon's resolver, which is off, or asks the public DNS");
}

#[test]
fn dns_hostnames_off_follows_the_second_column() {
    let mut scene = whole();
    scene.region.vpc_attributes[0].enable_dns_hostnames = Some(ec2::AttributeValue { value: Some(false) });
    expect(&scene, &["DN02 critical vpc-1"]);
    nat(&mut scene);
    expect(&scene, &["DN02 medium vpc-1"]);
}

#[test]
fn groups_and_acls_own_what_they_close() {
    let mut scene = whole();
    let tasks = scene.region.security_groups.iter_mut().find(|g| g.group_id == "sg-tasks").unwrap();
    tasks.ip_permissions_egress[0].ip_ranges[0].cidr_ip = text("10.0.0.0/16");
    expect(&scene, &["NW08 critical sg-tasks"]);
    let tasks = scene.region.security_groups.iter_mut().find(|g| g.group_id == "sg-tasks").unwrap();
    tasks.ip_permissions_egress.clear();
    expect(&scene, &["NW02 critical sg-tasks", "NW08 critical sg-tasks"]);
}

#[test]
fn one_interface_that_is_blocked_is_intermittent() {
    let mut scene = whole();
    // The interface in subnet-b of the logs endpoint has a group of its own that admits nobody.
    scene.region.security_groups.push(ec2::SecurityGroup { group_id: "sg-shut".into(), vpc_id: text(VPC), ..Default::default() });
    let eni = scene.region.network_interfaces.iter_mut().find(|n| n.network_interface_id == "eni-logs-subnet-b").unwrap();
    eni.groups = vec![ec2::GroupIdentifier { group_id: text("sg-shut"), group_name: None }];
    let report = expect(&scene, &["NW03 high vpce-logs"]);
    assert_eq!(paths(&report, "logs"), [(Way::InterfaceEndpoint, Tri::Fail, Some(HopName::DestSg))]);
}

#[test]
fn a_reply_range_that_is_open_in_part_is_high() {
    let mut scene = whole();
    let acl = &mut scene.region.network_acls[0];
    let narrow = |egress| ec2::NetworkAclEntry {
        cidr_block: text("0.0.0.0/0"),
        egress: Some(egress),
        protocol: text("6"),
        rule_action: text("deny"),
        rule_number: Some(50),
        port_range: Some(ec2::PortRange { from: Some(40000), to: Some(50000) }),
        ..Default::default()
    };
    acl.entries.push(narrow(false));
    let report = report(&scene);
    let found = failures(&report);
    assert!(found.contains(&"NW05 high acl-1".to_owned()) || found.contains(&"NW03 high vpce-logs".to_owned()), "{found:?}");
    assert!(found.contains(&"NW09 high acl-1".to_owned()), "S3 on the same ACL: its own rule, in part: {found:?}");
}

#[test]
fn a_public_image_is_wl01_on_the_task_definition() {
    let mut scene = whole();
    for answer in scene.region.task_definitions.values_mut() {
        if let Answer::Output(definition) = answer {
            let mut sidecar = definition.container_definitions[0].clone();
            sidecar.name = text("sidecar");
            sidecar.image = text("nginx:1");
            sidecar.secrets.clear();
            sidecar.log_configuration = None;
            definition.container_definitions.push(sidecar);
        }
    }
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:1");
    let report = expect(&scene, &[&format!("WL01 critical {arn}")]);
    assert_eq!(paths(&report, "registry:docker.io"), [(Way::None, Tri::Fail, Some(HopName::Route))]);
    nat(&mut scene);
    let report = expect(&scene, &[&format!("WL01 low {arn}")]);
    assert_eq!(paths(&report, "registry:docker.io"), [(Way::Internet, Tri::Pass, None)]);
}

#[test]
fn what_was_not_seen_is_never_a_pass() {
    for action in [
        Action::DescribeVpcEndpoints,
        Action::DescribeNetworkAcls,
        Action::DescribeSecurityGroups,
        Action::DescribeRouteTables,
        Action::DescribeDhcpOptions,
        Action::DescribeVpcAttribute,
        Action::ListHostedZonesByVpc,
        Action::ListResolverRuleAssociations,
        Action::ListFirewallRuleGroupAssociations,
        Action::ListProfileAssociations,
        Action::DescribeNetworkInterfaces,
        Action::DescribeSubnets,
    ] {
        let mut scene = whole().lacking(action);
        match action {
            Action::DescribeVpcEndpoints => scene.region.vpc_endpoints.clear(),
            Action::DescribeNetworkAcls => scene.region.network_acls.clear(),
            Action::DescribeSecurityGroups => scene.region.security_groups.clear(),
            Action::DescribeRouteTables => scene.region.route_tables.clear(),
            Action::DescribeDhcpOptions => scene.region.dhcp_options.clear(),
            Action::DescribeVpcAttribute => scene.region.vpc_attributes.clear(),
            Action::ListHostedZonesByVpc => scene.region.hosted_zones.clear(),
            Action::DescribeNetworkInterfaces => scene.region.network_interfaces.clear(),
            Action::DescribeSubnets => scene.region.subnets.clear(),
            _ => {}
        }
        let report = report(&scene);
        let wrong: Vec<_> = report.paths.iter().filter(|p| p.service == "logs" && p.verdict != Tri::Unknown).collect();
        assert!(wrong.is_empty(), "{action} was not seen, and yet {wrong:?}");
        assert!(report.paths.iter().any(|p| p.service == "logs"), "{action}: the path is gone");
        assert!(!report.complete, "{action}");
        for path in report.paths.iter().filter(|p| p.verdict == Tri::Unknown) {
            assert!(report.findings.iter().any(|f| !f.affects.is_empty()), "{action}: {} is under no finding", path.service);
        }
    }
}

#[test]
fn a_shared_vpc_hides_its_endpoints() {
    let mut scene = whole();
    scene.region.vpcs[0].owner_id = text("999988887777");
    scene.region.vpc_endpoints.retain(|e| e.vpc_endpoint_id == "vpce-none");
    let report = expect(&scene, &[]);
    assert!(report.paths.iter().filter(|p| p.service == "logs").all(|p| p.verdict == Tri::Unknown), "endpoints of the owner cannot be listed");
    assert!(report.rules.iter().find(|r| r.id == "EP09").is_some_and(|r| r.verdict == crate::finding::Verdict::Unknown));
}
