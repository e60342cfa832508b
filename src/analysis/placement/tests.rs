//! Placements, each by a small scene.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::actions::Action;
use crate::analysis::testing::{ACCOUNT, REGION, SUBNET_A, SUBNET_B, Scene, VPC, arn, log, need, outline, pair, secret, text};
use crate::analysis::{Caller, Kind, Os, Owner, Unseen};
use crate::inventory::{Answer, ec2, ecs};

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// A cluster with two instances and a bridge service with logs and secrets, one task on the first instance.
fn fleet() -> Scene {
    let mut s = Scene::new();
    let first = s.instance("web", "a", SUBNET_A);
    s.instance("web", "b", SUBNET_B);
    let definition = s.definition("web", |d| {
        d.network_mode = text("bridge");
        d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-group", "/ecs/web"), ("awslogs-region", REGION)]));
        d.container_definitions[0].secrets = vec![secret(&arn("secretsmanager", "secret:db-AbCdEf")), secret("app/url")];
    });
    s.service("web", "web", &definition, "EC2", &[]);
    s.instance_task("web", "t1", &definition, Some("web"), &first, None);
    s
}

const FLEET: &str = "ecr.api ecr.dkr ecs ecs-agent ecs-telemetry logs s3 secretsmanager ssm";

#[test]
fn instances_carry_the_needs_of_their_agent_and_of_the_services_of_their_cluster() {
    let s = fleet();
    let placements = s.placements();
    assert_eq!(outline(&placements), [format!("ContainerInstance subnet-a: {FLEET}"), format!("ContainerInstance subnet-b: {FLEET}")]);
    for p in &placements {
        assert_eq!((p.vpc.as_deref(), p.security_groups.as_slice(), p.public_ip, p.os, p.fargate), (Some(VPC), ["sg-instances".to_owned()].as_slice(), Some(false), Os::Linux, false));
        assert_eq!(p.addresses.len(), 1);
        for n in &p.needs {
            assert!(!n.because.is_empty() && n.port == 443 && n.unsure.is_empty(), "{n:?}");
            let trio = n.service.starts_with("ecs");
            assert_eq!(n.workloads.iter().any(|w| w.contains(":service/")), !trio, "{n:?}");
            assert!(p.members.iter().all(|m| n.workloads.contains(m)));
            assert_eq!(*n.units, p.members.iter().cloned().collect::<BTreeSet<_>>());
        }
    }
    let secrets = need(&placements, "secretsmanager").unwrap();
    assert_eq!(secrets.because, set(["web:1, container app, secrets[0]"]));
    assert_eq!(
        secrets.asks.iter().map(|a| (a.action, a.resource.as_str(), &a.caller)).collect::<Vec<_>>(),
        [("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-2:111122223333:secret:db-AbCdEf", &Caller::Role(format!("arn:aws:iam::{ACCOUNT}:role/execution")))]
    );
    let agent = need(&placements, "ecs").unwrap();
    assert!(agent.asks.iter().all(|a| a.caller == Caller::InstanceProfile(format!("arn:aws:iam::{ACCOUNT}:instance-profile/ecsInstanceRole"))));
}

#[test]
fn instances_of_one_subnet_are_one_placement() {
    let mut s = fleet();
    for n in 0..20 {
        s.instance("web", &format!("more{n}"), SUBNET_A);
    }
    let placements = s.placements();
    assert_eq!(placements.len(), 2);
    assert_eq!(placements.iter().map(|p| p.members.len()).sum::<usize>(), 22);
    assert_eq!(placements.iter().map(|p| p.id.as_str()).collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn a_secondary_interface_of_an_instance_does_not_count() {
    let mut s = fleet();
    let second = ec2::InstanceNetworkInterface {
        subnet_id: text(SUBNET_B),
        vpc_id: text(VPC),
        private_ip_address: text("10.0.1.99"),
        attachment: Some(ec2::Attachment { device_index: Some(1), ..Default::default() }),
        groups: vec![ec2::GroupIdentifier { group_id: text("sg-other"), ..Default::default() }],
        ..Default::default()
    };
    s.region.instances[0].network_interfaces.insert(0, second);
    let placements = s.placements();
    assert_eq!(placements[0].subnet.as_deref(), Some(SUBNET_A));
    assert_eq!(placements[0].security_groups, ["sg-instances"]);
}

/// A Fargate service in both subnets with one task in the first.
fn fargate() -> Scene {
    let mut s = Scene::new();
    let definition = s.definition("shop", |d| d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-region", REGION)])));
    s.service("shop", "shop", &definition, "FARGATE", &[SUBNET_A, SUBNET_B]);
    s.fargate_task("shop", "t1", &definition, Some("shop"), SUBNET_A);
    s
}

#[test]
fn fargate_tasks_stand_at_their_interface_and_services_where_none_of_their_tasks_runs() {
    let placements = fargate().placements();
    assert_eq!(outline(&placements), ["FargateTask subnet-a: ecr.api ecr.dkr logs s3", "Service subnet-b: ecr.api ecr.dkr logs s3"]);
    let task = placements.iter().find(|p| p.kind == Kind::FargateTask).unwrap();
    assert_eq!(*task.workloads, set(["arn:aws:ecs:us-east-2:111122223333:service/shop/shop"]));
    assert_eq!(task.members, ["arn:aws:ecs:us-east-2:111122223333:task/shop/t1"]);
    assert_eq!((task.addresses.len(), task.public_ip, task.fargate), (1, Some(false), true));
    let service = placements.iter().find(|p| p.kind == Kind::Service).unwrap();
    assert!(service.members.is_empty() && service.addresses.is_empty() && service.fargate);
    assert_eq!(service.security_groups, ["sg-tasks"]);
}

#[test]
fn a_service_with_a_desired_count_of_zero_still_stands_in_its_subnets() {
    let mut s = fargate();
    s.region.tasks.clear();
    s.last_service().desired_count = Some(0);
    assert_eq!(outline(&s.placements()), ["Service subnet-a: ecr.api ecr.dkr logs s3", "Service subnet-b: ecr.api ecr.dkr logs s3"]);
}

#[test]
fn what_is_inactive_or_stopped_needs_nothing() {
    let mut s = fargate();
    s.last_task().desired_status = text("STOPPED");
    assert!(s.placements().iter().all(|p| p.kind == Kind::Service), "a stopped task leaves its subnet to the service");
    s.last_service().status = text("INACTIVE");
    assert_eq!(outline(&s.placements()), Vec::<String>::new());
    let mut s = fargate();
    s.cluster_mut("shop").status = text("INACTIVE");
    assert_eq!(outline(&s.placements()), Vec::<String>::new());
}

#[test]
fn a_service_being_deleted_keeps_its_tasks_and_gets_no_new_ones() {
    let mut s = fargate();
    s.last_service().status = text("DRAINING");
    assert_eq!(outline(&s.placements()), ["FargateTask subnet-a: ecr.api ecr.dkr logs s3"]);
}

#[test]
fn no_group_named_is_the_default_group() {
    let mut s = fargate();
    let service = s.last_service();
    for network in [&mut service.network_configuration, &mut service.deployments[0].network_configuration] {
        network.as_mut().unwrap().awsvpc_configuration.as_mut().unwrap().security_groups.clear();
    }
    s.region.network_interfaces.clear();
    let placements = s.placements();
    assert!(placements.iter().all(|p| p.security_groups == ["sg-default"] && p.groups_unseen.is_none()));
}

#[test]
fn groups_of_a_standalone_task_need_its_interface() {
    let mut s = Scene::new();
    let definition = s.definition("job", |_| {});
    let task = s.fargate_task("jobs", "t1", &definition, None, SUBNET_A);
    assert_eq!(s.placements()[0].security_groups, ["sg-tasks"]);
    assert_eq!(*s.placements()[0].workloads, set([&task]));
    s.region.network_interfaces.clear();
    let mut s = s.lacking(Action::DescribeNetworkInterfaces);
    assert_eq!(s.placements()[0].groups_unseen, Some(Unseen::Action(Action::DescribeNetworkInterfaces)));
    assert_eq!(s.placements()[0].public_ip, None);
    s.region.subnets.clear();
    let s = s.lacking(Action::DescribeSubnets);
    s.view(|v| {
        assert_eq!((v.placements[0].vpc.as_deref(), &v.placements[0].place_unseen), (None, &Some(Unseen::Action(Action::DescribeSubnets))));
        assert!(v.unseen_needs["EP05"].0.contains(&Unseen::Action(Action::DescribeSubnets)));
        assert!(v.unseen_needs["EP05"].1.contains(&task));
    });
}

#[test]
fn tasks_with_an_interface_on_instances_stand_twice_where_exec_is_on() {
    let mut s = Scene::new();
    let instance = s.instance("web", "a", SUBNET_A);
    let definition = s.definition("web", |_| {});
    s.service("web", "web", &definition, "EC2", &[SUBNET_B]);
    s.instance_task("web", "t1", &definition, Some("web"), &instance, Some(SUBNET_B));
    assert_eq!(outline(&s.placements()), ["ContainerInstance subnet-a: ecr.api ecr.dkr ecs ecs-agent ecs-telemetry s3"]);
    s.last_task().enable_execute_command = Some(true);
    let placements = s.placements();
    assert_eq!(outline(&placements), ["AwsvpcTask subnet-b: ssmmessages", "ContainerInstance subnet-a: ecr.api ecr.dkr ecs ecs-agent ecs-telemetry s3"]);
    let task = placements.iter().find(|p| p.kind == Kind::AwsvpcTask).unwrap();
    assert_eq!((task.public_ip, task.security_groups.as_slice()), (Some(false), ["sg-tasks".to_owned()].as_slice()));
    // With Exec on at the service, its other subnet counts too.
    s.last_service().enable_execute_command = Some(true);
    s.last_service().deployments[0].network_configuration.as_mut().unwrap().awsvpc_configuration.as_mut().unwrap().subnets.push(SUBNET_A.into());
    assert!(outline(&s.placements()).contains(&"Service subnet-a: ssmmessages".to_owned()));
}

#[test]
fn exec_of_bridge_tasks_stands_at_the_instance() {
    let mut s = fleet();
    s.last_task().enable_execute_command = Some(true);
    let placements = s.placements();
    assert!(outline(&placements).iter().any(|o| o.starts_with("ContainerInstance subnet-a") && o.contains("ssmmessages")));
    assert!(!outline(&placements).iter().any(|o| o.starts_with("ContainerInstance subnet-b") && o.contains("ssmmessages")), "no task with Exec runs there");
}

#[test]
fn external_instances_are_no_placement() {
    let mut s = Scene::new();
    s.instance("edge", "mi", SUBNET_A);
    s.region.container_instances[0].ec2_instance_id = text("mi-0123456789abcdef0");
    s.view(|v| {
        assert!(v.placements.is_empty());
        assert_eq!(v.hints.len(), 1);
        assert_eq!((v.hints[0].capability, v.hints[0].undecided), ("C04", true));
        assert_eq!(*v.hints[0].workloads, set([&arn("ecs", "container-instance/edge/mi")]));
    });
}

/// A Managed Instances capacity provider with one configured subnet in use.
fn managed() -> Scene {
    let mut s = Scene::new();
    s.cluster_mut("mi").capacity_providers = vec!["mi-provider".into()];
    let cluster = s.cluster("mi");
    s.region.capacity_providers.push(ecs::CapacityProvider {
        capacity_provider_arn: arn("ecs", "capacity-provider/mi-provider"),
        name: text("mi-provider"),
        cluster: Some(cluster),
        status: text("ACTIVE"),
        r#type: text("MANAGED_INSTANCES"),
        managed_instances_provider: Some(ecs::ManagedInstancesProvider {
            instance_launch_template: Some(ecs::InstanceLaunchTemplate {
                ec2_instance_profile_arn: text("arn:aws:iam::111122223333:instance-profile/mi"),
                network_configuration: Some(ecs::ManagedInstancesNetwork { subnets: vec![SUBNET_A.into(), SUBNET_B.into()], security_groups: vec!["sg-instances".into()] }),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    });
    s
}

#[test]
fn managed_instances_stand_in_the_subnets_of_their_provider() {
    let mut s = managed();
    let placements = s.placements();
    assert_eq!(outline(&placements), ["ManagedInstance subnet-a: ecs ecs-agent ecs-telemetry", "ManagedInstance subnet-b: ecs ecs-agent ecs-telemetry"]);
    assert!(placements.iter().all(|p| *p.workloads == set([&arn("ecs", "capacity-provider/mi-provider")]) && p.members.is_empty()));
    assert!(need(&placements, "ecs-telemetry").unwrap().asks.iter().any(|a| a.action == "ecs:PutSystemLogEvents" && !a.blocks));
    s.instance("mi", "m", SUBNET_A);
    s.region.container_instances[0].capacity_provider_name = text("mi-provider");
    let definition = s.definition("web", |d| d.network_mode = text("host"));
    s.service("mi", "web", &definition, "", &[]);
    s.last_service().capacity_provider_strategy = vec![ecs::CapacityProviderStrategyItem { capacity_provider: text("mi-provider"), ..Default::default() }];
    s.last_service().deployments[0].launch_type = None;
    let placements = s.placements();
    assert_eq!(placements.iter().filter(|p| p.kind == Kind::ManagedInstance).count(), 2);
    assert_eq!(placements.iter().filter(|p| p.members.len() == 1).count(), 1);
    assert!(placements.iter().all(|p| p.needs.iter().any(|n| n.service == "ecr.dkr")));
}

#[test]
fn a_capacity_provider_without_instances_has_no_subnet_to_see() {
    let mut s = Scene::new();
    s.cluster_mut("web").capacity_providers = vec!["asg".into()];
    s.region.capacity_providers.push(ecs::CapacityProvider {
        capacity_provider_arn: arn("ecs", "capacity-provider/asg"),
        name: text("asg"),
        auto_scaling_group_provider: Some(ecs::AutoScalingGroupProvider::default()),
        ..Default::default()
    });
    let definition = s.definition("web", |d| d.network_mode = text("bridge"));
    let service = s.service("web", "web", &definition, "EC2", &[]);
    s.view(|v| {
        assert!(v.placements.is_empty());
        let (what, who) = &v.unseen_needs["EP01"];
        // Another call would tell, so it is no matter of information alone.
        assert!(what.iter().all(|u| matches!(u, Unseen::Elsewhere(t) if t.contains("cluster web") && t.contains("autoscaling:DescribeAutoScalingGroups"))), "{what:?}");
        assert_eq!(*who, set([&arn("ecs", "capacity-provider/asg"), &service]));
        assert_eq!(v.unseen_needs["EP05"], (what.clone(), set([&service])));
    });
    // Nothing is wanted: it stays said, but no gate need mind.
    s.last_service().desired_count = Some(0);
    s.view(|v| assert!(v.unseen_needs.values().flat_map(|(what, _)| what).all(|u| matches!(u, Unseen::Datum(_))), "{:?}", v.unseen_needs));
    s.region.services.clear();
    s.view(|v| {
        assert_eq!(v.unseen_needs.keys().copied().collect::<Vec<_>>(), ["EP01"]);
        assert!(v.unseen_needs["EP01"].0.iter().all(|u| matches!(u, Unseen::Datum(_))));
    });
    s.region.capacity_providers.clear();
    s.cluster_mut("web").capacity_providers.clear();
    s.view(|v| assert_eq!(v.unseen_needs, Default::default(), "an empty cluster leaves nothing open"));
}

#[test]
fn guard_duty_that_was_not_seen_matters_only_where_it_could_watch() {
    let unseen = |s: &Scene| s.view(|v| v.unseen_needs.get("EP13").is_some_and(|(what, _)| what.contains(&Unseen::Action(Action::ListDetectors))));
    let off = |s: &mut Scene| {
        let setting = pair("guardDutyActivate", "off");
        s.region.account_settings.push(ecs::Setting { name: setting.name, value: setting.value, principal_arn: None });
    };
    let mut tasks = fargate().lacking(Action::ListDetectors);
    assert!(unseen(&tasks));
    off(&mut tasks);
    assert!(!unseen(&tasks), "the setting says that it watches no task on Fargate");
    let mut instances = fleet().lacking(Action::ListDetectors);
    off(&mut instances);
    assert!(unseen(&instances), "the setting is not about what runs on instances");
    instances.cluster_mut("web").tags.push(ecs::KeyValue { key: text("GuardDutyManaged"), value: text("false") });
    assert!(!unseen(&instances), "the cluster is left alone");
    assert!(!unseen(&Scene::new().lacking(Action::ListDetectors)), "there is nothing to watch");
}

#[test]
fn instances_that_were_not_seen_are_unknown_and_not_absent() {
    let mut s = fleet();
    s.region.instances.clear();
    s.view(|v| {
        assert_eq!(v.placements.len(), 1, "their agents are connected, so they run on something that is hidden");
        assert!(matches!(v.placements[0].place_unseen, Some(Unseen::Elsewhere(_))), "{:?}", v.placements[0].place_unseen);
    });
    let connected = s.region.container_instances.clone();
    s.region.container_instances.iter_mut().for_each(|i| i.agent_connected = Some(false));
    assert!(s.placements().is_empty(), "a whole listing without them: terminated");
    s.region.container_instances = connected;
    let s = s.lacking(Action::DescribeInstances);
    s.view(|v| {
        assert_eq!(v.placements.len(), 1);
        let p = &v.placements[0];
        assert_eq!((p.subnet.as_deref(), p.vpc.as_deref(), p.public_ip), (None, None, None));
        assert_eq!((p.place_unseen.clone(), p.groups_unseen.clone()), (Some(Unseen::Action(Action::DescribeInstances)), Some(Unseen::Action(Action::DescribeInstances))));
        assert!(v.unseen_needs["EP01"].0.contains(&Unseen::Action(Action::DescribeInstances)));
        assert!(v.unseen_needs["EP07"].1.contains(&arn("ecs", "service/web/web")));
    });
}

#[test]
fn the_listing_of_interfaces_stands_in_for_that_of_instances() {
    let mut s = fleet();
    s.region.instances.clear();
    s.region.network_interfaces.push(ec2::NetworkInterface {
        network_interface_id: "eni-a".into(),
        subnet_id: text(SUBNET_A),
        vpc_id: text(VPC),
        private_ip_address: text("10.0.0.11"),
        attachment: Some(ec2::Attachment { instance_id: text("i-a"), device_index: Some(0), ..Default::default() }),
        groups: vec![ec2::GroupIdentifier { group_id: text("sg-instances"), ..Default::default() }],
        ..Default::default()
    });
    let s = s.lacking(Action::DescribeInstances);
    let placements = s.placements();
    let found = placements.iter().find(|p| p.subnet.as_deref() == Some(SUBNET_A)).unwrap();
    assert_eq!((found.security_groups.as_slice(), found.place_unseen.is_none()), (["sg-instances".to_owned()].as_slice(), true));
}

#[test]
fn needs_of_a_task_definition_that_was_not_seen_are_unknown_but_for_its_images() {
    let mut s = fargate();
    s.region.task_definitions.clear();
    s.last_task().containers = vec![ecs::Container { name: text("app"), image: text("111122223333.dkr.ecr.us-east-2.amazonaws.com/shop:1"), ..Default::default() }];
    s.view(|v| {
        assert!(outline(&v.placements).contains(&"FargateTask subnet-a: ecr.api ecr.dkr s3".to_owned()));
        for rule in ["EP04", "EP07", "EP08", "EP09", "EP13", "WL01"] {
            assert_eq!(v.unseen_needs[rule].0, BTreeSet::from([Unseen::Action(Action::DescribeTaskDefinition)]), "{rule}");
            assert_eq!(v.unseen_needs[rule].1, set([&arn("ecs", "service/shop/shop")]));
        }
        assert!(v.placements.iter().flat_map(|p| &p.needs).flat_map(|n| &n.asks).all(|a| matches!(a.caller, Caller::Unknown | Caller::AwsOwned)), "roles were not seen");
    });
}

#[test]
fn lists_that_were_not_seen_make_their_rules_unknown() {
    let unseen = |action| fleet().lacking(action).view(|v| v.unseen_needs.iter().filter(|(_, (what, _))| what.contains(&Unseen::Action(action))).map(|(rule, _)| *rule).collect::<Vec<_>>());
    assert_eq!(unseen(Action::DescribeServices), ["EP04", "EP05", "EP06", "EP07", "EP08", "EP09", "EP10", "EP11", "EP12", "EP13", "RG03", "WL01", "WL02"]);
    assert_eq!(unseen(Action::DescribeTasks), ["EP04", "EP05", "EP06", "EP07", "EP08", "EP09", "EP10", "EP11", "EP13", "RG03", "WL01", "WL02"]);
    assert_eq!(unseen(Action::DescribeContainerInstances), ["EP01"]);
    assert_eq!(unseen(Action::DescribeClusters), ["EP01"]);
    assert_eq!(unseen(Action::ListDetectors), ["EP13"]);
    assert_eq!(unseen(Action::DescribeSubnets), Vec::<&str>::new(), "instances name their VPC");
    assert!(fleet().view(|v| v.unseen_needs.is_empty()));
}

#[test]
fn a_count_of_zero_is_as_good_as_an_empty_list() {
    let mut s = fargate();
    s.cluster_mut("shop").registered_container_instances_count = Some(0);
    let s = s.lacking(Action::DescribeContainerInstances);
    assert!(s.view(|v| !v.unseen_needs.contains_key("EP01")));
}

#[test]
fn scope_chooses_vpcs_and_clusters() {
    let mut s = fargate();
    s.options.vpcs = set(["vpc-other"]);
    s.view(|v| {
        assert!(v.placements.is_empty());
        assert_eq!(v.vpcs, ["vpc-other"]);
    });
    s.options.vpcs = set([VPC]);
    assert_eq!(s.placements().len(), 2);
    s.options.vpcs.clear();
    assert_eq!(s.view(|v| v.vpcs.clone()), [VPC]);
    s.options.clusters = set(["other"]);
    assert!(s.placements().is_empty());
    s.options.clusters = set([&arn("ecs", "cluster/shop")]);
    assert_eq!(s.placements().len(), 2);
    s.options.clusters.clear();
    // A recording of another VPC: what lies outside was not collected, and is not asked for.
    s.region.vpc_scope = Some(set(["vpc-other"]));
    s.region.subnets.clear();
    s.region.network_interfaces.clear();
    assert!(s.placements().is_empty());
}

#[test]
fn a_deployment_under_way_needs_what_its_own_definition_names() {
    let mut s = fargate();
    let next = s.definition("shop-next", |d| d.container_definitions[0].secrets = vec![secret("url")]);
    let mut deployment = s.last_service().deployments[0].clone();
    deployment.task_definition = text(next.clone());
    s.last_service().deployments[0].status = text("ACTIVE");
    s.last_service().deployments.push(deployment);
    let placements = s.placements();
    assert_eq!(outline(&placements), ["FargateTask subnet-a: ecr.api ecr.dkr logs s3 ssm", "Service subnet-b: ecr.api ecr.dkr logs s3 ssm"]);
    let parameters = need(&placements, "ssm").unwrap();
    assert_eq!(parameters.definitions.keys().collect::<Vec<_>>(), [&next]);
}

#[test]
fn instances_that_drain_keep_the_needs_of_their_tasks_alone() {
    let mut s = fleet();
    s.region.container_instances[1].status = text("DRAINING");
    assert_eq!(outline(&s.placements())[1], "ContainerInstance subnet-b: ecs ecs-agent ecs-telemetry");
    s.region.container_instances[0].status = text("DRAINING");
    assert_eq!(outline(&s.placements())[0], format!("ContainerInstance subnet-a: {FLEET}"));
}

#[test]
fn windows_instances_take_windows_tasks_alone() {
    let mut s = fleet();
    s.region.container_instances[1].attributes = vec![pair("ecs.os-type", "windows")];
    let definition = s.definition("iis", |d| {
        d.network_mode = None;
        d.runtime_platform = Some(ecs::RuntimePlatform { operating_system_family: text("WINDOWS_SERVER_2022_CORE"), cpu_architecture: None });
        d.container_definitions[0].image = text("public.ecr.aws/iis/iis:1");
    });
    s.service("web", "iis", &definition, "EC2", &[]);
    let placements = s.placements();
    let on = |subnet| placements.iter().find(|p| p.subnet.as_deref() == Some(subnet)).unwrap();
    assert_eq!((on(SUBNET_A).os, on(SUBNET_B).os), (Os::Linux, Os::Windows));
    assert!(on(SUBNET_B).needs.iter().any(|n| n.service == "registry:public.ecr.aws"));
    assert!(!on(SUBNET_A).needs.iter().any(|n| n.service == "registry:public.ecr.aws"));
}

#[test]
fn one_rule_owns_a_service_of_a_vpc() {
    let mut s = fargate();
    s.last_service().deployments[0].service_connect_configuration = Some(ecs::ServiceConnectConfiguration { enabled: Some(true), ..Default::default() });
    let owners = |s: &Scene| s.placements().iter().flat_map(|p| p.needs.clone()).filter(|n| n.service == "ecs-agent").flat_map(|n| n.owners).map(|(o, _)| o).collect::<BTreeSet<_>>();
    assert_eq!(owners(&s), BTreeSet::from([Owner::Rule("EP12")]));
    s.instance("web", "a", SUBNET_A);
    assert_eq!(owners(&s), BTreeSet::from([Owner::Rule("EP01")]), "EP01 names both");
    assert!(s.placements().iter().flat_map(|p| p.needs.clone()).any(|n| n.also.iter().any(|(o, _)| *o == Owner::Rule("EP12"))));
}

#[test]
fn tasks_are_named_where_only_some_of_a_service_are_hit() {
    let mut s = fargate();
    let definition = arn("ecs", "task-definition/shop:1");
    let second = s.fargate_task("shop", "t2", &definition, Some("shop"), SUBNET_B);
    let service = arn("ecs", "service/shop/shop");
    s.view(|v| {
        let hit = v.placements.iter().position(|p| p.subnet.as_deref() == Some(SUBNET_B)).unwrap();
        assert_eq!(v.roster.affected(&v.placements, [(hit, Some(0))]), set([&service, &second]));
        assert_eq!(v.roster.affected(&v.placements, [(0, Some(0)), (1, Some(0))]), set([&service]));
        assert_eq!(v.roster.affected(&v.placements, [(0, None), (1, None)]), set([&service]));
    });
    fleet().view(|v| {
        let hit = v.placements.iter().position(|p| p.subnet.as_deref() == Some(SUBNET_A)).unwrap();
        let secrets = v.placements[hit].needs.iter().position(|n| n.service == "secretsmanager").unwrap();
        assert_eq!(v.roster.affected(&v.placements, [(hit, Some(secrets))]), set([&arn("ecs", "service/web/web"), &arn("ecs", "container-instance/web/a")]), "its only task is there");
    });
}

#[test]
fn order_of_the_inventory_does_not_matter() {
    let mut s = fleet();
    let definition = s.definition("shop", |d| d.container_definitions[0].secrets = vec![secret("x")]);
    s.service("web", "shop", &definition, "FARGATE", &[SUBNET_A, SUBNET_B]);
    s.fargate_task("web", "f1", &definition, Some("shop"), SUBNET_A);
    s.fargate_task("web", "f2", &definition, None, SUBNET_B);
    s.service("web", "again", &definition, "EC2", &[SUBNET_A]);
    let forward = format!("{:?}", s.placements());
    let r = &mut s.region;
    r.container_instances.reverse();
    r.instances.reverse();
    r.services.reverse();
    r.tasks.reverse();
    r.network_interfaces.reverse();
    r.subnets.reverse();
    r.clusters.reverse();
    r.security_groups.reverse();
    assert_eq!(forward, format!("{:?}", s.placements()));
}

#[test]
fn a_task_definition_that_aws_does_not_tell_is_beyond_any_permission() {
    let mut s = fargate();
    let gone = crate::inventory::ApiError { code: "ClientException".into(), message: None };
    s.region.task_definitions.insert(arn("ecs", "task-definition/shop:1"), Answer::Error(gone));
    s.view(|v| assert!(v.unseen_needs["EP07"].0.iter().all(|u| matches!(u, Unseen::Datum(d) if d.contains("shop:1")))));
}

#[test]
fn a_service_with_task_sets_that_were_not_seen_is_unknown() {
    let mut s = fargate();
    s.region.tasks.clear();
    let service = s.last_service();
    service.task_definition = None;
    service.deployments.clear();
    service.deployment_controller = Some(ecs::DeploymentController { r#type: text("EXTERNAL") });
    assert!(s.view(|v| v.unseen_needs.is_empty()), "it has none");
    let mut s = s.lacking(Action::DescribeTaskSets);
    s.view(|v| {
        assert_eq!(v.unseen_needs["EP05"].0, BTreeSet::from([Unseen::Action(Action::DescribeTaskSets)]));
        assert_eq!(v.unseen_needs["EP05"].1, set([&arn("ecs", "service/shop/shop")]));
    });
    // Once they are told, they are what the service starts.
    let network = s.region.services[0].network_configuration.clone();
    s.region.task_sets.push(ecs::TaskSet {
        task_set_arn: arn("ecs", "task-set/shop/shop/1"),
        service_arn: text(arn("ecs", "service/shop/shop")),
        status: text("PRIMARY"),
        task_definition: text(arn("ecs", "task-definition/shop:1")),
        launch_type: text("FARGATE"),
        network_configuration: network,
        ..Default::default()
    });
    assert_eq!(outline(&s.placements()), ["Service subnet-a: ecr.api ecr.dkr logs s3", "Service subnet-b: ecr.api ecr.dkr logs s3"]);
}

/// A cluster with one instance and a service that an outside controller runs on Fargate through one task set.
fn controlled(by: &str) -> Scene {
    let mut s = Scene::new();
    s.instance("shop", "i", SUBNET_A);
    let definition = s.definition("shop", |_| ());
    s.service("shop", "shop", &definition, "FARGATE", &[SUBNET_B]);
    let network = s.last_service().network_configuration.take();
    let service = s.last_service();
    service.deployments.clear();
    service.deployment_controller = Some(ecs::DeploymentController { r#type: text(by) });
    service.launch_type = text("EC2");
    service.platform_version = None;
    if by == "EXTERNAL" {
        service.task_definition = None;
    }
    let service_arn = text(service.service_arn.clone());
    service.task_sets = Some(vec![ecs::TaskSet {
        task_set_arn: arn("ecs", "task-set/shop/shop/1"),
        service_arn,
        status: text("PRIMARY"),
        task_definition: text(definition),
        launch_type: text("FARGATE"),
        network_configuration: network,
        ..Default::default()
    }]);
    s
}

#[test]
fn task_sets_alone_decide_where_a_controlled_service_runs() {
    for by in ["EXTERNAL", "CODE_DEPLOY"] {
        let mut s = controlled(by);
        // The instance carries its agent alone: no task of the service may run there, whatever the service's own launch type says.
        let expected = ["ContainerInstance subnet-a: ecs ecs-agent ecs-telemetry", "Service subnet-b: ecr.api ecr.dkr s3"];
        assert_eq!(outline(&s.placements()), expected, "{by}");
        s.view(|v| assert_eq!(v.unseen_needs, Default::default(), "{by}"));
        // A strategy in place of the launch type, and told by the listing in place of the service.
        let mut set = s.last_service().task_sets.take().unwrap().remove(0);
        set.launch_type = None;
        set.capacity_provider_strategy = vec![ecs::CapacityProviderStrategyItem { capacity_provider: text("FARGATE_SPOT"), ..Default::default() }];
        s.region.task_sets.push(set.clone());
        assert_eq!(outline(&s.placements()), expected, "{by}");
        // Told by both, it is one.
        s.last_service().task_sets = Some(vec![set]);
        assert_eq!(outline(&s.placements()), expected, "{by}");
        // On EC2 its pulls are the instance's.
        s.region.task_sets.clear();
        for set in s.last_service().task_sets.iter_mut().flatten() {
            set.capacity_provider_strategy.clear();
            set.launch_type = text("EC2");
        }
        assert_eq!(outline(&s.placements()), ["ContainerInstance subnet-a: ecr.api ecr.dkr ecs ecs-agent ecs-telemetry s3"], "{by}");
        // A set that drains starts nothing.
        for set in s.last_service().task_sets.iter_mut().flatten() {
            set.status = text("DRAINING");
        }
        assert_eq!(outline(&s.placements()), ["ContainerInstance subnet-a: ecs ecs-agent ecs-telemetry"], "{by}");
        s.view(|v| assert_eq!(v.unseen_needs, Default::default(), "{by}"));
    }
}

#[test]
fn an_empty_list_of_task_sets_is_empty_and_an_absent_one_is_not_told() {
    let mut s = controlled("EXTERNAL").lacking(Action::DescribeTaskSets);
    s.last_service().task_sets = Some(Vec::new());
    assert_eq!(outline(&s.placements()), ["ContainerInstance subnet-a: ecs ecs-agent ecs-telemetry"]);
    s.view(|v| assert_eq!(v.unseen_needs, Default::default()));
    s.last_service().task_sets = None;
    s.view(|v| assert_eq!(v.unseen_needs["EP05"].0, BTreeSet::from([Unseen::Action(Action::DescribeTaskSets)])));
}

/// One change to a scene, by number.
fn grow(s: &mut Scene, n: usize, what: u8) {
    let subnet = if what & 1 == 0 { SUBNET_A } else { SUBNET_B };
    let cluster = if what & 2 == 0 { "one" } else { "two" };
    let mode = if what & 4 == 0 { "awsvpc" } else { "bridge" };
    let definition = s.definition(&format!("d{}", what % 5), |d| {
        d.network_mode = text(mode);
        if what & 8 == 0 {
            d.container_definitions[0].secrets = vec![secret("x")];
        }
        if what & 64 == 0 {
            d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-region", if what & 128 == 0 { REGION } else { "eu-west-1" })]));
        }
    });
    match (what >> 3) % 5 {
        0 => drop(s.service(cluster, &format!("s{n}"), &definition, "FARGATE", &[SUBNET_A, SUBNET_B])),
        1 => drop(s.service(cluster, &format!("s{n}"), &definition, "EC2", if mode == "awsvpc" { &[SUBNET_B] } else { &[] })),
        2 => drop(s.instance(cluster, &format!("n{n}"), subnet)),
        3 => {
            let service = s.region.services.last().and_then(|x| x.service_name.clone());
            s.fargate_task(cluster, &format!("t{n}"), &definition, service.as_deref(), subnet);
        }
        _ => {
            let instance = s.region.container_instances.last().map_or_else(|| arn("ecs", "container-instance/one/gone"), |i| i.container_instance_arn.clone());
            s.instance_task(cluster, &format!("t{n}"), &definition, None, &instance, (mode == "awsvpc").then_some(subnet));
            s.last_task().enable_execute_command = Some(what & 32 == 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn placements_of_any_scene_are_whole_and_in_no_order(steps in proptest::collection::vec(any::<u8>(), 1..14), turn in 0usize..7) {
        let mut s = Scene::new();
        for (n, what) in steps.iter().enumerate() {
            grow(&mut s, n, *what);
        }
        let all = |s: &Scene| s.view(|v| format!("{:?} {:?} {:?}", v.placements, v.hints, v.unseen_needs));
        let before = all(&s);
        let placements = s.placements();
        let ids: BTreeSet<&str> = placements.iter().map(|p| p.id.as_str()).collect();
        prop_assert_eq!(ids.len(), placements.len());
        for p in &placements {
            prop_assert!(p.members.is_sorted() && p.security_groups.is_sorted() && !p.workloads.is_empty());
            prop_assert!(!p.members.is_empty() || matches!(p.kind, Kind::Service | Kind::ManagedInstance));
            let keys: Vec<_> = p.needs.iter().map(|n| (&n.service, n.port, &n.region)).collect();
            prop_assert!(keys.is_sorted_by(|a, b| a < b));
            for n in &p.needs {
                prop_assert!(!n.because.is_empty() && !n.workloads.is_empty() && !n.units.is_empty() && n.owners.len() <= 2);
                prop_assert!(n.workloads.is_subset(&p.workloads), "{:?}", n);
                prop_assert_eq!(n.owners.iter().map(|(o, _)| *o).collect::<BTreeSet<_>>().len(), 1);
            }
        }
        // Every live task and instance is in a placement, or its needs are known to be unseen.
        let placed: BTreeSet<&String> = placements.iter().flat_map(|p| p.workloads.iter().chain(&p.members)).collect();
        for i in &s.region.container_instances {
            prop_assert!(placed.contains(&i.container_instance_arn));
        }
        for t in s.region.tasks.iter().filter(|t| t.launch_type.as_deref() == Some("FARGATE")) {
            prop_assert!(placed.contains(&t.task_arn));
        }
        let r = &mut s.region;
        macro_rules! rotate { ($($field:ident)*) => { $( if !r.$field.is_empty() { let by = turn % r.$field.len(); r.$field.rotate_left(by); r.$field.reverse(); } )* } }
        rotate!(clusters container_instances services tasks instances network_interfaces subnets security_groups);
        prop_assert_eq!(before, all(&s));
    }
}
