//! AWS's page on ECS and interface endpoints, statement by statement: each is a rule that works.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html>

use super::scenes::{agents, default_route, endpoint, expect, failures, nat, paths, remove, report, whole};
use crate::analysis::testing::{ACCOUNT, REGION, Scene, VPC, text};
use crate::analysis::{HopName, Tri, Way};
use crate::finding::Verdict;
use crate::inventory::{Answer, ec2, ecs, shape};
use crate::report::Report;

fn verdict(report: &Report, rule: &str) -> Verdict {
    report.rules.iter().find(|r| r.id == rule).map(|r| r.verdict).unwrap()
}

fn policy(scene: &mut Scene, id: &str, document: &str) {
    endpoint(scene, id).policy_document = Some(shape::PolicyText(document.to_owned()));
    let service = endpoint(scene, id).service_name.clone().unwrap();
    scene.region.service_details.push(ec2::ServiceDetail { service_name: service, vpc_endpoint_policy_supported: Some(true), ..Default::default() });
}

fn containers(scene: &mut Scene, change: impl Fn(&mut ecs::ContainerDefinition)) {
    for answer in scene.region.task_definitions.values_mut() {
        if let Answer::Output(definition) = answer {
            definition.container_definitions.iter_mut().for_each(&change);
        }
    }
}

#[test]
fn no_internet_gateway_nat_device_or_virtual_private_gateway_is_needed() {
    let report = expect(&agents(), &[]);
    assert!(report.topology.subnets.iter().all(|s| s.egress == Some(crate::analysis::Egress::Isolated)));
    assert!(report.paths.iter().all(|p| p.verdict == Tri::Pass && p.way != Way::Internet));
}

#[test]
fn fargate_uses_the_ecr_endpoints_of_its_vpc() {
    let mut scene = whole();
    nat(&mut scene);
    let report = expect(&scene, &[]);
    for service in ["ecr.api", "ecr.dkr"] {
        assert_eq!(paths(&report, service), [(Way::InterfaceEndpoint, Tri::Pass, None)], "the endpoint is used although there is a NAT gateway");
    }
}

#[test]
fn fargate_tasks_do_not_need_the_ecs_endpoints() {
    let report = expect(&whole(), &[]);
    assert!(!report.paths.iter().any(|p| ["ecs", "ecs-agent", "ecs-telemetry"].contains(&p.service.as_str())));
    assert_eq!(verdict(&report, "EP01"), Verdict::NotApplicable);
}

#[test]
fn a_private_image_needs_both_ecr_endpoints() {
    let mut scene = whole();
    remove(&mut scene, "ecr.api");
    remove(&mut scene, "ecr.dkr");
    expect(&scene, &["EP04 critical vpc-1", "EP05 critical vpc-1"]);
}

#[test]
fn without_an_internet_gateway_image_layers_need_the_s3_gateway_endpoint() {
    let mut scene = whole();
    remove(&mut scene, "s3");
    let report = expect(&scene, &["EP06 critical vpc-1"]);
    assert_eq!(paths(&report, "s3"), [(Way::None, Tri::Fail, Some(HopName::Endpoint))]);
}

#[test]
fn an_s3_interface_endpoint_alone_is_minded() {
    let mut scene = whole();
    remove(&mut scene, "s3");
    scene.interface_endpoint("s3");
    let report = report(&scene);
    assert!(failures(&report).iter().any(|f| f.starts_with("EP06")), "{:?}", failures(&report));
}

#[test]
fn an_execution_role_may_be_bound_to_the_vpc_and_a_stale_binding_is_found() {
    use crate::inventory::iam;
    let mut scene = whole();
    scene.region.roles.insert("execution".into(), Answer::Output(iam::Role { role_name: "execution".into(), arn: text(format!("arn:aws:iam::{ACCOUNT}:role/execution")), ..Default::default() }));
    scene.region.attached_role_policies.insert("execution".into(), Answer::Output(iam::AttachedRolePolicies::default()));
    scene.region.role_policy_names.insert("execution".into(), Answer::Output(iam::RolePolicies { policy_names: vec!["pull".into()], ..Default::default() }));
    let bound = |vpc: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ecr:*","Resource":"*","Condition":{{"StringEquals":{{"aws:SourceVpc":"{vpc}"}}}}}}]}}"#);
    let put = |scene: &mut Scene, vpc: &str| {
        let inline = iam::RolePolicy { role_name: text("execution"), policy_name: text("pull"), policy_document: Some(shape::PolicyText(bound(vpc))) };
        scene.region.role_policies.insert("execution:pull".into(), Answer::Output(inline));
    };
    put(&mut scene, VPC);
    assert_ne!(verdict(&report(&scene), "PO08"), Verdict::Fail);
    put(&mut scene, "vpc-gone");
    assert_eq!(verdict(&report(&scene), "PO08"), Verdict::Fail);
}

#[test]
fn secrets_need_the_secrets_manager_endpoint_on_fargate_and_ec2() {
    let mut scene = whole();
    remove(&mut scene, "secretsmanager");
    expect(&scene, &["EP07 critical vpc-1"]);
}

#[test]
fn the_awslogs_driver_needs_the_logs_endpoint() {
    let mut scene = whole();
    remove(&mut scene, "logs");
    expect(&scene, &["EP09 critical vpc-1"]);
}

#[test]
fn endpoints_serve_their_own_region_alone() {
    let mut scene = agents();
    let foreign = endpoint(&mut scene, "vpce-ecs");
    foreign.service_name = text("com.amazonaws.us-west-2.ecs");
    foreign.service_region = text("us-west-2");
    foreign.dns_entries.truncate(1);
    let report = report(&scene);
    assert_eq!(verdict(&report, "RG01"), Verdict::Fail);
    assert_eq!(verdict(&report, "EP01"), Verdict::Fail, "ours is missing");
}

#[test]
fn only_dns_provided_by_amazon_or_conditional_forwarding_leads_to_endpoints() {
    let mut scene = whole();
    scene.region.dhcp_options[0].dhcp_configurations[0].values[0].value = text("10.0.0.53");
    let report = report(&scene);
    assert_eq!(verdict(&report, "DN04"), Verdict::Unknown, "forwarding is not visible");
    // S3's public name leads to the gateway endpoint whoever resolves it; the names of interface endpoints need the forwarding.
    assert!(report.paths.iter().all(|p| p.service == "s3" || p.verdict == Tri::Unknown), "{:?}", report.paths);
}

#[test]
fn the_endpoint_group_must_admit_443_from_the_private_subnets() {
    let mut scene = whole();
    let group = scene.region.security_groups.iter_mut().find(|g| g.group_id == "sg-endpoints").unwrap();
    group.ip_permissions =
        vec![ec2::IpPermission { ip_protocol: text("tcp"), from_port: Some(80), to_port: Some(80), ip_ranges: vec![ec2::IpRange { cidr_ip: text("10.0.0.0/16") }], ..Default::default() }];
    expect(&scene, &["NW01 critical sg-endpoints"]);
}

#[test]
fn service_connect_uses_ecs_agent() {
    let mut scene = whole();
    scene.last_service().deployments[0].service_connect_configuration = Some(ecs::ServiceConnectConfiguration { enabled: Some(true), ..Default::default() });
    expect(&scene, &["EP12 critical vpc-1"]);
    scene.interface_endpoint("ecs-agent");
    expect(&scene, &[]);
}

#[test]
fn instances_need_agent_1_25_1() {
    let mut scene = agents();
    let version = |scene: &mut Scene, v: &str| scene.region.container_instances[0].version_info = Some(ecs::VersionInfo { agent_version: text(v), ..Default::default() });
    version(&mut scene, "1.25.0");
    expect(&scene, &[&format!("AG01 critical arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/web")]);
    version(&mut scene, "1.25.1");
    expect(&scene, &[]);
}

/// The endpoints are younger than the instances, by an hour and more, and ecs is the oldest of them.
fn out_of_order() -> Scene {
    let mut scene = agents();
    let time = |t: &str| shape::Time::parse(t).ok();
    for (id, made) in [("vpce-ecs", "2026-11-20T10:00:00Z"), ("vpce-ecs-agent", "2026-11-20T11:00:00Z"), ("vpce-ecs-telemetry", "2026-11-20T11:10:00Z")] {
        endpoint(&mut scene, id).creation_timestamp = time(made);
    }
    for instance in &mut scene.region.instances {
        instance.launch_time = time("2026-10-01T00:00:00Z");
    }
    scene
}

#[test]
fn with_instances_the_endpoints_are_made_in_the_listed_order() {
    let report = report(&out_of_order());
    assert_eq!(verdict(&report, "AG04"), Verdict::Fail);
    let mut without = whole();
    for service in ["ecs", "ecs-agent", "ecs-telemetry"] {
        without.interface_endpoint(service);
    }
    assert_ne!(verdict(&super::scenes::report(&without), "AG04"), Verdict::Fail, "without instances any order does");
}

#[test]
fn existing_instances_are_rebooted_or_their_agents_restarted() {
    let mut scene = out_of_order();
    assert_eq!(verdict(&report(&scene), "AG02"), Verdict::Fail);
    for instance in &mut scene.region.instances {
        instance.launch_time = shape::Time::parse("2026-11-20T11:30:00Z").ok();
    }
    assert_eq!(verdict(&report(&scene), "AG02"), Verdict::Pass, "started after the endpoints were there");
}

#[test]
fn an_agent_is_restarted_by_stopping_and_starting_its_container() {
    let report = report(&out_of_order());
    let finding = report.findings.iter().find(|f| f.rule == "AG02").unwrap();
    assert!(finding.remediation.text.contains("docker restart ecs-agent") && finding.remediation.text.contains("systemctl restart ecs"), "{}", finding.remediation.text);
    let commands = finding.remediation.commands.join("\n");
    assert!(commands.contains("systemctl restart ecs || sudo docker restart ecs-agent") && commands.contains("i-a i-b"), "{commands}");
}

#[test]
fn after_a_restart_newly_started_tasks_use_the_endpoints() {
    // Registered and launched after the endpoints were there: nothing is left to restart, and every path of agents and tasks
    // goes through an endpoint.
    let report = expect(&agents(), &[]);
    assert_eq!((verdict(&report, "AG02"), verdict(&report, "DN04")), (Verdict::Pass, Verdict::Pass));
    assert!(report.paths.iter().all(|p| p.verdict == Tri::Pass && matches!(p.way, Way::InterfaceEndpoint | Way::GatewayEndpoint)));
    // What CloudTrail saw is the proof: with the endpoint, and past it.
    let seen = |endpoint: Option<&str>| {
        let mut scene = agents();
        scene.region.cloudtrail_events = vec![crate::inventory::iam::CloudTrailEvent {
            event_id: text("e"),
            event_name: text("DiscoverPollEndpoint"),
            event_time: shape::Time::parse("2026-11-20T11:00:00Z").ok(),
            username: text("i-a"),
            vpc_endpoint_id: endpoint.map(str::to_owned),
            ..Default::default()
        }];
        verdict(&super::scenes::report(&scene), "EV01")
    };
    assert_eq!((seen(Some("vpce-ecs")), seen(None)), (Verdict::Pass, Verdict::Fail));
}

#[test]
fn the_region_has_to_be_one_that_offers_the_service() {
    let mut scene = agents();
    remove(&mut scene, "ecs-telemetry");
    scene.region.service_listing_full = true;
    scene.region.service_names = ["ecs", "ecs-agent", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "s3"].iter().map(|s| format!("com.amazonaws.{REGION}.{s}")).collect();
    let report = report(&scene);
    assert_eq!((verdict(&report, "RG04"), verdict(&report, "EP01")), (Verdict::Fail, Verdict::Pass), "{:?}", failures(&report));
}

#[test]
fn the_three_services_are_named_after_their_region() {
    let report = report(&{
        let mut scene = agents();
        for service in ["ecs", "ecs-agent", "ecs-telemetry"] {
            remove(&mut scene, service);
        }
        scene
    });
    let commands = report.findings.iter().find(|f| f.rule == "EP01").map(|f| f.remediation.commands.join("\n")).unwrap();
    for service in ["ecs-agent", "ecs-telemetry", "ecs"] {
        assert!(commands.contains(&format!("com.amazonaws.{REGION}.{service} ")), "{commands}");
    }
}

#[test]
fn ecs_agent_carries_poll_and_ecs_telemetry_poll_and_start_telemetry_session() {
    let allow = |actions: &str| format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":[{actions}],"Resource":"*"}}]}}"#);
    let mut scene = agents();
    policy(&mut scene, "vpce-ecs-agent", &allow(r#""ecs:Poll""#));
    policy(&mut scene, "vpce-ecs-telemetry", &allow(r#""ecs:Poll","ecs:StartTelemetrySession""#));
    expect(&scene, &[]);
    policy(&mut scene, "vpce-ecs-telemetry", &allow(r#""ecs:Poll""#));
    assert_eq!(failures(&report(&scene)), ["PO04 medium vpce-ecs-telemetry"]);
}

#[test]
fn a_policy_names_principal_actions_and_resources_and_the_pages_sample_shuts_agents_out() {
    let mut scene = agents();
    policy(&mut scene, "vpce-ecs", r#"{"Statement":[{"Action":["ecs:CreateCluster","ecs:ListClusters"],"Effect":"Allow","Resource":["*"]}]}"#);
    let report = report(&scene);
    assert_eq!(failures(&report), ["PO03 critical vpce-ecs", "PO01 high vpce-ecs"]);
    for rule in ["PO01", "PO03"] {
        let trap = report.findings.iter().find(|f| f.rule == rule).unwrap();
        assert!(trap.message.contains("sample of the AWS page"), "{}", trap.message);
    }
    assert!(report.paths.iter().filter(|p| p.service == "ecs").all(|p| p.blocked_at == Some(HopName::Policy)));
}

#[test]
fn a_default_route_is_no_substitute_once_the_name_is_captured() {
    // What the page says of traffic staying on Amazon's network: the private name wins over the way out.
    let mut scene = whole();
    default_route(&mut scene, "active", |r| r.transit_gateway_id = text("tgw-1"));
    let report = report(&scene);
    assert_eq!(paths(&report, "logs"), [(Way::InterfaceEndpoint, Tri::Pass, None)]);
    containers(&mut scene, |c| c.image = text("nginx:1"));
    assert!(paths(&super::scenes::report(&scene), "registry:docker.io").iter().all(|p| p.1 == Tri::Unknown), "what lies behind the transit gateway is not seen");
}

#[test]
fn the_sample_of_the_newer_page_has_a_principal_and_still_shuts_agents_out() {
    let mut scene = agents();
    policy(&mut scene, "vpce-ecs", r#"{"Statement":[{"Principal":"*","Action":["ecs:CreateCluster","ecs:ListClusters"],"Effect":"Allow","Resource":["*"]}]}"#);
    expect(&scene, &["PO03 critical vpce-ecs"]);
}

#[test]
fn a_secret_of_an_instance_and_a_log_group_of_one_need_their_endpoints_too() {
    let mut scene = agents();
    let definition = scene.definition("batch", |d| {
        d.network_mode = text("bridge");
        d.container_definitions[0].secrets = vec![crate::analysis::testing::secret(&format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x-AbCdEf"))];
        d.container_definitions[0].log_configuration = Some(crate::analysis::testing::log("awslogs", &[("awslogs-group", "/batch")]));
    });
    let instance = scene.region.container_instances[0].container_instance_arn.clone();
    scene.region.services.clear();
    scene.region.tasks.clear();
    scene.instance_task("web", "b1", &definition, None, &instance, None);
    expect(&scene, &[]);
    remove(&mut scene, "secretsmanager");
    remove(&mut scene, "logs");
    expect(&scene, &["EP07 critical vpc-1", "EP09 high vpc-1"]);
}
