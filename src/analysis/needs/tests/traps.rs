//! Traps, partitions, and what holds for any task definition.

use proptest::prelude::*;

use super::*;

#[test]
fn f3_regions_that_opened_lately_are_data() {
    assert_eq!(crate::analysis::services::opened_lately("mx-central-1"), Some(true));
}

#[test]
fn f6_layers_are_fetched_as_nobody_of_the_account() {
    assert!(one(&fargate(|_| {}), "s3").asks.iter().all(|a| a.caller == Caller::AwsOwned));
}

#[test]
fn f8_actions_without_a_resource_ask_for_all() {
    for s in [exec(on_instance("bridge", |_| {}), None)] {
        for p in s.placements() {
            for ask in p.needs.iter().flat_map(|n| &n.asks) {
                let free = ["ecr:GetAuthorizationToken", "ecs:DiscoverPollEndpoint"].contains(&ask.action) || ask.action.starts_with("ssmmessages:");
                assert_eq!(free, ask.resource == "*", "{ask:?}");
            }
        }
    }
}

#[test]
fn f9_the_hosts_are_those_that_clients_ask_for() {
    let s = fargate(|_| {});
    assert_eq!(hosts(&one(&s, "ecr.api")), ["api.ecr.us-east-2.amazonaws.com"]);
    assert!(hosts(&one(&s, "ecr.dkr"))[0].ends_with(".dkr.ecr.us-east-2.amazonaws.com"));
}

#[test]
fn f16_dual_stack_and_fips_registries_are_names_of_their_own() {
    for host in ["111122223333.dkr-ecr.us-east-2.on.aws", "111122223333.dkr.ecr-fips.us-east-2.amazonaws.com"] {
        let s = fargate(|d| d.container_definitions[0].image = text(format!("{host}/app:1")));
        assert_eq!(hosts(&one(&s, "ecr.dkr")), [host]);
        assert!(has(&s, "ecr.api") && has(&s, "s3"));
    }
}

#[test]
fn images_of_another_region_are_another_regions_needs() {
    let s = fargate(|d| {
        let mut far = container("far");
        far.image = text("111122223333.dkr.ecr.eu-west-1.amazonaws.com/far:1");
        d.container_definitions.push(far);
    });
    let placements = s.placements();
    assert_eq!(outline(&placements), ["FargateTask subnet-a: ecr.api ecr.api@eu-west-1 ecr.dkr ecr.dkr@eu-west-1 s3 s3@eu-west-1"]);
    for n in placements[0].needs.iter().filter(|n| n.region.is_some()) {
        assert_eq!(owner(n), [("RG03", Severity::High)]);
        assert!(n.hosts.iter().all(|h| h.contains(".eu-west-1.")), "{:?}", n.hosts);
        assert!(n.because.iter().all(|b| b.contains("container far")));
    }
}

#[test]
fn other_partitions_have_their_own_names() {
    let mut s = Scene::new();
    s.region.partition = "aws-cn".into();
    s.region.region = "cn-north-1".into();
    s.instance("c", "i", SUBNET_A);
    let definition = s.definition("web", |d| {
        d.container_definitions[0].image = text("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/app:1");
        d.container_definitions[0].secrets = vec![secret("x")];
    });
    s.service("c", "web", &definition, "EC2", &[]);
    let all: Vec<String> = s.placements().iter().flat_map(|p| p.needs.iter().flat_map(|n| n.hosts.clone())).collect();
    assert!(all.iter().all(|h| h.ends_with(".cn-north-1.amazonaws.com.cn")), "{all:?}");
    assert!(s.placements().iter().flat_map(|p| p.needs.clone()).flat_map(|n| n.asks).all(|a| a.resource == "*" || a.resource.starts_with("arn:aws-cn:")));
}

#[test]
fn the_table_names_real_rules_and_services() {
    for row in TABLES.iter().copied().flatten() {
        assert!(row.capability.starts_with('C') && !row.what.is_empty());
        match row.owner {
            Owner::Rule(rule) => assert!(crate::rules::find(rule).is_some(), "{rule}"),
            Owner::Image => assert!(row.service.is_empty()),
        }
        for act in row.actions {
            assert!(act.action.contains(':'), "{}", act.action);
        }
    }
    for row in agent::ROWS {
        assert!(matches!(row.owner, Owner::Rule(rule) if crate::rules::find(rule).is_some()));
    }
}

/// A container definition of arbitrary texts in every field that rows read.
fn any_container() -> impl Strategy<Value = ecs::ContainerDefinition> {
    let value = || {
        prop_oneof![
            Just("arn:aws:secretsmanager:us-east-2:111122223333:secret:x-AbCdEf".to_owned()),
            Just("arn:aws:ssm:eu-west-1:111122223333:parameter/x".to_owned()),
            Just("arn:aws:s3:::bucket/key".to_owned()),
            Just("111122223333.dkr.ecr.us-east-2.amazonaws.com/app:1".to_owned()),
            Just("nginx".to_owned()),
            "\\PC{0,30}",
        ]
    };
    let options =
        proptest::collection::btree_map(prop_oneof![Just("Name".to_owned()), Just("region".to_owned()), Just("awslogs-region".to_owned()), Just("bucket".to_owned()), "\\PC{0,9}"], value(), 0..4);
    let driver = prop_oneof![Just("awslogs".to_owned()), Just("awsfirelens".to_owned()), "\\PC{0,9}"];
    (proptest::option::of(value()), proptest::collection::vec(value(), 0..3), driver, options, value(), value(), value()).prop_map(|(image, secrets, driver, options, credentials, file, spec)| {
        ecs::ContainerDefinition {
            name: Some("c".into()),
            image,
            secrets: secrets.iter().map(|s| secret(s)).collect(),
            log_configuration: Some(ecs::LogConfiguration { log_driver: Some(driver), options: Some(options), secret_options: Vec::new() }),
            repository_credentials: Some(ecs::RepositoryCredentials { credentials_parameter: Some(credentials) }),
            environment_files: vec![ecs::EnvironmentFile { value: Some(file), r#type: None }],
            credential_specs: vec![spec],
            ..Default::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_need_without_a_reason_and_no_order_in_it(containers in proptest::collection::vec(any_container(), 0..4), mode in prop_oneof![Just("awsvpc"), Just("bridge")], exec: bool) {
        let inventory = Region { partition: "aws".into(), account: ACCOUNT.into(), region: REGION.into(), ..Region::default() };
        let run = |containers: Vec<ecs::ContainerDefinition>, platform| {
            let definition = ecs::TaskDefinition {
                task_definition_arn: arn("ecs", "task-definition/web:1"),
                network_mode: text(mode),
                execution_role_arn: text(EXECUTION),
                task_role_arn: text(TASK),
                container_definitions: containers,
                ..Default::default()
            };
            derive(&Subject {
                inventory: &inventory,
                definition: &definition,
                seen: true,
                cluster: "c",
                platform,
                exec,
                exec_configuration: None,
                service_connect: None,
                instance_profile: None,
                guard_duty: None,
                sidecars: &[],
            })
        };
        for platform in [Platform::Instance, Platform::Fargate { old: Some(false) }, Platform::Fargate { old: None }] {
            let found = run(containers.clone(), platform);
            for n in found.task.iter().chain(&found.instance) {
                prop_assert!(!n.because.is_empty() && n.because.iter().all(|b| b.starts_with("web:1, ")));
                prop_assert!(!n.hosts.is_empty() && !n.owners.is_empty() && n.workloads == Names::default());
                prop_assert!(n.region.as_deref() != Some(REGION));
            }
            for h in &found.hints {
                prop_assert!(!h.because.is_empty());
            }
            prop_assert!(found.instance.is_empty() || platform == Platform::Instance);
            let mut turned = containers.clone();
            turned.reverse();
            let back = run(turned, platform);
            prop_assert_eq!((&found.task, &found.instance, &found.hints), (&back.task, &back.instance, &back.hints));
        }
    }
}
