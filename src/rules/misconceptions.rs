//! What lists of endpoints get wrong, one test each, F1 to F21. Those about needs alone (F1, F2, F6, F8, F9, F12 to F16) stand with
//! the needs.

use super::scenes::{agents, endpoint, expect, failures, nat, paths, remove, report, whole};
use crate::analysis::testing::{SUBNET_A, SUBNET_B, Scene, VPC, log, text};
use crate::analysis::{HopName, Tri, Way};
use crate::finding::{Severity, Verdict};
use crate::inventory::{ec2, ecs, shape};
use crate::report::Report;

fn verdict(report: &Report, rule: &str) -> Verdict {
    report.rules.iter().find(|r| r.id == rule).map(|r| r.verdict).unwrap()
}

/// Attaches a policy to an endpoint of a service that takes them, or not.
fn policy(scene: &mut Scene, id: &str, document: &str, supported: bool) {
    endpoint(scene, id).policy_document = Some(shape::PolicyText(document.to_owned()));
    let service = endpoint(scene, id).service_name.clone().unwrap();
    scene.region.service_details.push(ec2::ServiceDetail { service_name: service, vpc_endpoint_policy_supported: Some(supported), ..Default::default() });
}

#[test]
fn f1_fargate_does_without_the_trio_and_agents_need_all_of_it() {
    assert_eq!(verdict(&expect(&whole(), &[]), "EP01"), Verdict::NotApplicable);
    let mut scene = agents();
    remove(&mut scene, "ecs-telemetry");
    expect(&scene, &["EP01 critical vpc-1"]);
}

#[test]
fn f2_old_fargate_platforms_need_no_ecr_api() {
    let mut scene = whole();
    remove(&mut scene, "ecr.api");
    remove(&mut scene, "secretsmanager");
    for task in &mut scene.region.tasks {
        task.platform_version = text("1.3.0");
    }
    scene.last_service().platform_version = text("1.3.0");
    scene.last_service().deployments[0].platform_version = text("1.3.0");
    let report = report(&scene);
    assert_eq!((verdict(&report, "EP04"), verdict(&report, "EP07")), (Verdict::NotApplicable, Verdict::NotApplicable));
    assert_eq!((verdict(&report, "EP05"), verdict(&report, "WL04")), (Verdict::Pass, Verdict::Fail));
}

#[test]
fn f3_newer_regions_need_all_three_at_every_egress() {
    let lonely = |region: &str| {
        let mut scene = Scene::new();
        scene.region.region = region.into();
        scene.instance("web", "a", SUBNET_A);
        scene.interface_endpoint("ecs");
        nat(&mut scene);
        endpoint(&mut scene, "vpce-ecs").service_name = text(format!("com.amazonaws.{region}.ecs"));
        report(&scene)
    };
    assert_eq!(verdict(&lonely("us-east-2"), "RG02"), Verdict::NotApplicable);
    let newer = lonely("mx-central-1");
    // One cause, one finding: the trio in part is EP01's, and RG02 says so.
    assert!(failures(&newer).iter().any(|f| f.starts_with("EP01 medium")) && verdict(&newer, "RG02") != Verdict::Pass, "{:?}", failures(&newer));
}

#[test]
fn f4_layers_come_from_s3_and_an_interface_endpoint_for_it_is_minded() {
    let mut scene = whole();
    remove(&mut scene, "s3");
    expect(&scene, &["EP06 critical vpc-1"]);
    scene.interface_endpoint("s3");
    expect(&scene, &["EP06 medium vpc-1"]);
}

#[test]
fn f5_egress_to_the_endpoint_group_is_not_egress_to_s3() {
    let mut scene = whole();
    let tasks = scene.region.security_groups.iter_mut().find(|g| g.group_id == "sg-tasks").unwrap();
    tasks.ip_permissions_egress = vec![ec2::IpPermission {
        ip_protocol: text("tcp"),
        from_port: Some(443),
        to_port: Some(443),
        user_id_group_pairs: vec![ec2::UserIdGroupPair { group_id: text("sg-endpoints"), ..Default::default() }],
        ..Default::default()
    }];
    expect(&scene, &["NW08 critical sg-tasks"]);
    let tasks = scene.region.security_groups.iter_mut().find(|g| g.group_id == "sg-tasks").unwrap();
    tasks.ip_permissions_egress[0].prefix_list_ids = vec![ec2::PrefixListId { prefix_list_id: text("pl-s3") }];
    expect(&scene, &[]);
}

#[test]
fn f6_a_condition_on_the_account_keeps_layers_out() {
    let mut scene = whole();
    let document = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}]}"#;
    policy(&mut scene, "vpce-s3", document, true);
    expect(&scene, &["PO05 critical vpce-s3"]);
}

#[test]
fn f7_a_policy_of_denials_alone_denies_everything() {
    let mut scene = whole();
    let document = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"*"}]}"#;
    policy(&mut scene, "vpce-ecr.dkr", document, true);
    let found = failures(&report(&scene));
    assert!(found.contains(&"PO06 critical vpce-ecr.dkr".to_owned()), "{found:?}");
}

#[test]
fn f8_a_token_on_a_repository_is_no_token() {
    let mut scene = whole();
    let document = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:*","Resource":"arn:aws:ecr:us-east-2:111122223333:repository/*"}]}"#;
    policy(&mut scene, "vpce-ecr.api", document, true);
    expect(&scene, &["PO06 critical vpce-ecr.api"]);
}

#[test]
fn f9_without_private_dns_ecr_dkr_is_of_no_use() {
    let mut scene = whole();
    endpoint(&mut scene, "vpce-ecr.dkr").private_dns_enabled = Some(false);
    endpoint(&mut scene, "vpce-ecr.dkr").dns_entries.truncate(1);
    expect(&scene, &["DN01 critical vpce-ecr.dkr"]);
}

#[test]
fn f10_servers_of_ones_own_have_to_forward() {
    let mut scene = whole();
    scene.region.dhcp_options[0].dhcp_configurations[0].values[0].value = text("10.0.0.53");
    let report = report(&scene);
    assert_eq!(verdict(&report, "DN04"), Verdict::Unknown);
    assert!(report.paths.iter().filter(|p| p.service == "logs").all(|p| p.verdict == Tri::Unknown));
}

#[test]
fn f11_a_broken_endpoint_breaks_what_went_by_nat() {
    let mut scene = whole();
    nat(&mut scene);
    remove(&mut scene, "logs");
    expect(&scene, &["EP09 low vpc-1"]);
    scene.interface_endpoint("logs");
    scene.region.security_groups.iter_mut().find(|g| g.group_id == "sg-endpoints").unwrap().ip_permissions.clear();
    let report = expect(&scene, &["NW01 critical sg-endpoints"]);
    assert_eq!(paths(&report, "logs"), [(Way::InterfaceEndpoint, Tri::Fail, Some(HopName::DestSg))]);
}

#[test]
fn f17_no_endpoint_in_a_shared_vpc_is_unknown() {
    let mut scene = whole();
    scene.region.vpcs[0].owner_id = text("999988887777");
    scene.region.vpc_endpoints.clear();
    let report = expect(&scene, &[]);
    assert_eq!((verdict(&report, "CO02"), verdict(&report, "EP04"), report.complete), (Verdict::Unknown, Verdict::Unknown, false));
}

#[test]
fn f18_another_zone_is_reached_and_only_less_robust() {
    let mut scene = whole();
    let logs = endpoint(&mut scene, "vpce-logs");
    logs.subnet_ids = vec![SUBNET_B.into()];
    logs.network_interface_ids = vec![format!("eni-logs-{SUBNET_B}")];
    let report = expect(&scene, &[]);
    assert!(report.paths.iter().filter(|p| p.service == "logs").all(|p| p.verdict == Tri::Pass));
    let hygiene: Vec<_> = report.findings.iter().filter(|f| f.rule == "HY01" && f.resource.id.as_deref() == Some("vpce-logs")).map(|f| f.severity).collect();
    assert_eq!(hygiene, [Severity::Low]);
}

#[test]
fn f19_a_policy_counts_only_where_the_service_takes_one() {
    let nothing = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;
    let mut scene = whole();
    policy(&mut scene, "vpce-logs", nothing, false);
    let report = expect(&scene, &["PO02 low vpce-logs"]);
    assert_eq!(verdict(&report, "PO07"), Verdict::Pass, "secretsmanager's own");
    let mut scene = whole();
    policy(&mut scene, "vpce-logs", nothing, true);
    expect(&scene, &["PO07 high vpce-logs"]);
}

#[test]
fn f20_agents_have_to_be_new_enough_and_restarted() {
    let mut scene = agents();
    scene.region.container_instances[0].version_info = Some(ecs::VersionInfo { agent_version: text("1.9.0"), ..Default::default() });
    // Made half an hour ago, while the agents were running.
    for made in scene.region.vpc_endpoints.iter_mut().map(|e| &mut e.creation_timestamp) {
        *made = shape::Time::parse("2026-11-20T11:30:00Z").ok();
    }
    let report = report(&scene);
    assert_eq!((verdict(&report, "AG01"), verdict(&report, "AG02")), (Verdict::Fail, Verdict::Fail));
}

#[test]
fn f21_a_start_failure_is_tied_to_path_or_policy() {
    let reason = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: api.ecr.us-east-2.amazonaws.com";
    let stopped = |mut scene: Scene| {
        let task = scene.last_task();
        task.last_status = text("STOPPED");
        task.stop_code = text("TaskFailedToStart");
        task.stopped_reason = text(reason);
        let report = report(&scene);
        // What explains the failure says in its turn that it was observed.
        let explaining = report.findings.iter().find(|f| f.message.contains(" Observed: web lately failed to start in a way that this explains (EV02).")).map(|f| f.rule.clone());
        (report.findings.iter().find(|f| f.rule == "EV02").map(|f| f.message.clone()).unwrap(), explaining)
    };
    let mut network = whole();
    remove(&mut network, "ecr.api");
    let (message, explaining) = stopped(network);
    assert!(message.contains("Explained by EP04 on vpc-1") && explaining.as_deref() == Some("EP04"), "{message}");
    let mut denied = whole();
    policy(&mut denied, "vpce-ecr.api", r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage","Resource":"*"}]}"#, true);
    let (message, explaining) = stopped(denied);
    assert!(message.contains("Explained by PO06 on vpce-ecr.api") && explaining.as_deref() == Some("PO06"), "{message}");
    let (unexplained, explaining) = stopped(whole());
    assert!(explaining.is_none() && unexplained.contains("the role"), "the same text stands for a role that may not: {unexplained}");
}

#[test]
fn what_is_used_decides_and_no_fixed_list() {
    // F12: without secrets and logs none of their endpoints is asked for.
    let mut scene = Scene::new();
    let definition = scene.definition("web", |d| d.container_definitions[0].log_configuration = Some(log("json-file", &[])));
    scene.service("web", "web", &definition, "FARGATE", &[SUBNET_A]);
    let needed: Vec<String> = report(&scene).paths.iter().map(|p| p.service.clone()).collect();
    assert_eq!(needed, ["ecr.api", "ecr.dkr", "s3"], "of {VPC}");
}
