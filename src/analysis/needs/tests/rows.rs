//! The rows of the table.

use super::*;
use crate::actions::Action;

#[test]
fn c01_and_f1_agents_need_the_trio() {
    let mut s = Scene::new();
    s.instance("c", "i", SUBNET_A);
    assert_eq!(services(&s, Kind::ContainerInstance), ["ecs", "ecs-agent", "ecs-telemetry"]);
    let control = one(&s, "ecs");
    assert_eq!(hosts(&control), ["ecs.us-east-2.amazonaws.com"]);
    assert_eq!(owner(&control), [("EP01", Severity::Critical)]);
    assert_eq!(control.because, BTreeSet::from(["container agent of cluster c, containerInstances".to_owned()]));
    assert_eq!(
        asks(&control),
        [
            "!ecs:DiscoverPollEndpoint * instance",
            "!ecs:RegisterContainerInstance arn:aws:ecs:us-east-2:111122223333:cluster/c instance",
            "!ecs:SubmitAttachmentStateChanges arn:aws:ecs:us-east-2:111122223333:cluster/c instance",
            "!ecs:SubmitTaskStateChange arn:aws:ecs:us-east-2:111122223333:cluster/c instance",
            "ecs:TagResource arn:aws:ecs:us-east-2:111122223333:container-instance/c/* instance",
            "ecs:UpdateContainerInstancesState arn:aws:ecs:us-east-2:111122223333:container-instance/c/* instance",
        ]
    );
    assert_eq!((hosts(&one(&s, "ecs-agent")), hosts(&one(&s, "ecs-telemetry"))), (vec!["ecs-a.us-east-2.amazonaws.com"], vec!["ecs-t.us-east-2.amazonaws.com"]));
    assert_eq!(asks(&one(&s, "ecs-agent")), ["!ecs:Poll arn:aws:ecs:us-east-2:111122223333:container-instance/c/* instance"]);
    assert_eq!(asks(&one(&s, "ecs-telemetry")).len(), 2);
}

#[test]
fn c02_and_f1_fargate_needs_none_of_the_trio() {
    assert_eq!(services(&fargate(|_| {}), Kind::FargateTask), ["ecr.api", "ecr.dkr", "s3"]);
}

#[test]
fn c03_managed_instances_need_the_trio_and_system_logs() {
    let mut s = Scene::new();
    s.cluster_mut("c").capacity_providers = vec!["managed".into()];
    s.region.capacity_providers.push(ecs::CapacityProvider {
        capacity_provider_arn: arn("ecs", "capacity-provider/managed"),
        name: text("managed"),
        cluster: text(arn("ecs", "cluster/c")),
        status: text("ACTIVE"),
        r#type: text("MANAGED_INSTANCES"),
        managed_instances_provider: Some(ecs::ManagedInstancesProvider {
            instance_launch_template: Some(ecs::InstanceLaunchTemplate {
                ec2_instance_profile_arn: text(format!("arn:aws:iam::{ACCOUNT}:instance-profile/ecsInstanceRole")),
                network_configuration: Some(ecs::ManagedInstancesNetwork { subnets: vec![SUBNET_A.into()], security_groups: vec!["sg-instances".into()] }),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    });
    assert_eq!(services(&s, Kind::ManagedInstance), ["ecs", "ecs-agent", "ecs-telemetry"]);
    let telemetry = one(&s, "ecs-telemetry");
    assert_eq!((owner(&telemetry), hosts(&telemetry), telemetry.port), (vec![("EP01", Severity::Critical)], vec!["ecs-t.us-east-2.amazonaws.com"], 443));
    assert_eq!(telemetry.because, BTreeSet::from(["container agent of cluster c, managedInstancesProvider".to_owned()]));
    let on = "arn:aws:ecs:us-east-2:111122223333:container-instance/c/* instance";
    assert_eq!(asks(&telemetry), [format!("!ecs:Poll {on}"), format!("ecs:PutSystemLogEvents {on}"), format!("!ecs:StartTelemetrySession {on}")]);
}

#[test]
fn c04_external_instances_stand_in_no_vpc_and_have_no_path() {
    let mut s = Scene::new();
    s.instance("c", "i", SUBNET_A);
    s.region.container_instances[0].ec2_instance_id = text("mi-0123");
    s.region.instances.clear();
    assert!(s.placements().is_empty());
    assert_eq!(hint(&s, "C04").iter().map(|(_, undecided)| *undecided).collect::<Vec<_>>(), [true]);
    // An agent may tell it by its capability alone.
    s.region.container_instances[0].ec2_instance_id = None;
    s.region.container_instances[0].attributes.push(pair("ecs.capability.external", ""));
    assert!(s.placements().is_empty() && hint(&s, "C04").len() == 1);
}

#[test]
fn c05_and_c07_an_image_of_private_ecr_needs_both_endpoints_and_the_layer_bucket() {
    for s in [fargate(|_| {}), on_instance("bridge", |_| {}), on_instance("awsvpc", |_| {})] {
        let (api, registry, layers) = (one(&s, "ecr.api"), one(&s, "ecr.dkr"), one(&s, "s3"));
        assert_eq!((hosts(&api), hosts(&registry)), (vec!["api.ecr.us-east-2.amazonaws.com"], vec!["111122223333.dkr.ecr.us-east-2.amazonaws.com"]));
        assert_eq!(hosts(&layers), ["prod-us-east-2-starport-layer-bucket.s3.us-east-2.amazonaws.com"]);
        assert_eq!((owner(&api), owner(&registry), owner(&layers)), (vec![("EP04", Severity::Critical)], vec![("EP05", Severity::Critical)], vec![("EP06", Severity::Critical)]));
        assert_eq!(asks(&api), ["!ecr:GetAuthorizationToken * execution"]);
        assert_eq!(
            asks(&registry),
            [
                "ecr:BatchCheckLayerAvailability arn:aws:ecr:us-east-2:111122223333:repository/app execution",
                "!ecr:BatchGetImage arn:aws:ecr:us-east-2:111122223333:repository/app execution",
                "!ecr:GetDownloadUrlForLayer arn:aws:ecr:us-east-2:111122223333:repository/app execution",
            ]
        );
        assert_eq!(asks(&layers), ["!s3:GetObject arn:aws:s3:::prod-us-east-2-starport-layer-bucket/* aws"]);
        assert_eq!(api.because, BTreeSet::from(["web:1, container app, image 111122223333.dkr.ecr.us-east-2.amazonaws.com/app:1".to_owned()]));
        assert_eq!(api.definitions.keys().map(String::as_str).collect::<Vec<_>>(), ["arn:aws:ecs:us-east-2:111122223333:task-definition/web:1"]);
    }
}

#[test]
fn c05_without_an_execution_role_the_instance_pulls() {
    let s = on_instance("bridge", |d| d.execution_role_arn = None);
    assert_eq!(asks(&one(&s, "ecr.api")), ["!ecr:GetAuthorizationToken * instance"]);
    assert_eq!(asks(&one(&fargate(|d| d.execution_role_arn = None), "ecr.api")), ["!ecr:GetAuthorizationToken * ?"]);
    assert_eq!(asks(&one(&fargate(|d| d.execution_role_arn = text("bare")), "ecr.api")), ["!ecr:GetAuthorizationToken * bare"]);
}

#[test]
fn c05_a_registry_of_another_account_is_a_host_of_its_own() {
    let s = fargate(|d| {
        let mut other = container("log");
        other.image = text("999988887777.dkr.ecr.us-east-2.amazonaws.com/log/router:2");
        d.container_definitions.push(other);
    });
    assert_eq!(hosts(&one(&s, "ecr.dkr")), ["111122223333.dkr.ecr.us-east-2.amazonaws.com", "999988887777.dkr.ecr.us-east-2.amazonaws.com"]);
    assert!(asks(&one(&s, "ecr.dkr")).contains(&"!ecr:BatchGetImage arn:aws:ecr:us-east-2:999988887777:repository/log/router execution".to_owned()));
}

#[test]
fn c06_and_f2_old_fargate_platforms_log_in_and_fetch_secrets_elsewhere() {
    let change = |d: &mut ecs::TaskDefinition| {
        d.container_definitions[0].secrets = vec![secret("x"), secret(&arn("secretsmanager", "secret:y-AbCdEf"))];
        d.container_definitions[0].log_configuration = Some(log("awslogs", &[]));
    };
    let mut s = fargate(change);
    let version = |s: &mut Scene, v: Option<&str>| {
        s.last_task().platform_version = v.map(str::to_owned);
        s.last_service().platform_version = v.map(str::to_owned);
        s.last_service().deployments[0].platform_version = v.map(str::to_owned);
    };
    version(&mut s, Some("1.3.0"));
    s.last_task().enable_execute_command = Some(true);
    assert_eq!(services(&s, Kind::FargateTask), ["ecr.dkr", "logs", "s3"]);
    for modern in ["1.4.0", "1.10.0", "LATEST"] {
        version(&mut s, Some(modern));
        assert_eq!(services(&s, Kind::FargateTask), ["ecr.api", "ecr.dkr", "logs", "s3", "secretsmanager", "ssm", "ssmmessages"], "{modern}");
    }
    // Windows platforms count from 1.0.0.
    version(&mut s, Some("1.0.0"));
    s.last_task().platform_family = text("Windows Server 2022 Core");
    s.last_service().deployments[0].platform_family = text("Windows Server 2022 Core");
    assert!(has(&s, "ecr.api"));
}

#[test]
fn c06_a_platform_version_that_is_not_told_leaves_the_need_unsure() {
    let mut s = Scene::new();
    let definition = s.definition("job", |_| {});
    s.fargate_task("c", "t", &definition, None, SUBNET_A);
    assert!(one(&s, "ecr.api").unsure.is_empty());
    s.last_task().platform_version = text("nonsense");
    assert!(matches!(one(&s, "ecr.api").unsure.iter().collect::<Vec<_>>()[..], [Unseen::Datum(_)]));
    assert!(one(&s, "ecr.dkr").unsure.is_empty(), "every platform pulls from the task's interface");
}

#[test]
fn c08_and_f14_ecr_public_is_served_by_no_endpoint() {
    let s = fargate(|d| d.container_definitions[0].image = text("public.ecr.aws/nginx/nginx:1"));
    assert_eq!(services(&s, Kind::FargateTask), ["registry:public.ecr.aws"]);
    let n = one(&s, "registry:public.ecr.aws");
    assert_eq!((owner(&n), hosts(&n), asks(&n).len()), (vec![("WL01", Severity::Critical)], vec!["public.ecr.aws"], 0));
}

#[test]
fn c09_other_registries_are_served_by_no_endpoint() {
    for (image, service, port) in [("nginx", "registry:docker.io", 443), ("ghcr.io/a/b:1", "registry:ghcr.io", 443), ("registry.corp.example:5000/a", "registry:registry.corp.example", 5000)] {
        let s = fargate(|d| d.container_definitions[0].image = text(image));
        let n = one(&s, service);
        assert_eq!((services(&s, Kind::FargateTask), n.port), (vec![service.to_owned()], port));
    }
    assert!(services(&fargate(|d| d.container_definitions[0].image = text("localhost:5000/a")), Kind::FargateTask).is_empty(), "the loopback leaves no host");
}

#[test]
fn c10_and_f13_a_pull_through_image_may_have_to_be_imported() {
    let mut s = fargate(|d| d.container_definitions[0].image = text("111122223333.dkr.ecr.us-east-2.amazonaws.com/hub/library/nginx:1"));
    s.region.pull_through_cache_rules.push(iam::PullThroughCacheRule { ecr_repository_prefix: text("hub"), upstream_registry_url: text("registry-1.docker.io"), registry_id: text(ACCOUNT) });
    assert_eq!(hint(&s, "C10"), [("hub/library/nginx:1".to_owned(), false)]);
    let n = one(&s, "ecr.dkr");
    assert!(asks(&n).iter().any(|a| a.starts_with("ecr:BatchImportUpstreamImage ")) && asks(&n).iter().any(|a| a.starts_with("ecr:CreateRepository ")));
    s.region.pull_through_cache_rules[0].ecr_repository_prefix = text("hu");
    assert!(hint(&s, "C10").is_empty(), "a prefix ends at a slash");
}

#[test]
fn c11_and_f15_windows_images_may_have_foreign_layers() {
    let s = fargate(|d| d.runtime_platform = Some(ecs::RuntimePlatform { operating_system_family: text("WINDOWS_SERVER_2022_CORE"), cpu_architecture: None }));
    assert_eq!(hint(&s, "C11"), [("app".to_owned(), false)]);
    assert!(hint(&fargate(|_| {}), "C11").is_empty());
}

#[test]
fn c12_and_f12_awslogs_needs_logs_by_its_platform_and_mode() {
    let options = [("awslogs-group", "/ecs/web"), ("awslogs-region", REGION), ("awslogs-stream-prefix", "ecs")];
    let set = |mode: Option<&'static str>| {
        let options: Vec<_> = options.into_iter().chain(mode.map(|m| ("mode", m))).collect();
        move |d: &mut ecs::TaskDefinition| d.container_definitions[0].log_configuration = Some(log("awslogs", &options))
    };
    let n = one(&fargate(set(None)), "logs");
    assert_eq!(owner(&n), [("EP09", Severity::Critical)], "the driver's start fails");
    assert_eq!((hosts(&n), n.because.iter().map(String::as_str).collect::<Vec<_>>()), (vec!["logs.us-east-2.amazonaws.com"], vec!["web:1, container app, logConfiguration awslogs"]));
    assert_eq!(
        asks(&n),
        [
            "!logs:CreateLogStream arn:aws:logs:us-east-2:111122223333:log-group:/ecs/web:log-stream:ecs/app/* execution",
            "!logs:PutLogEvents arn:aws:logs:us-east-2:111122223333:log-group:/ecs/web:log-stream:ecs/app/* execution",
        ]
    );
    assert_eq!(owner(&one(&on_instance("bridge", set(None)), "logs")), [("EP09", Severity::High)]);
    assert_eq!(owner(&one(&on_instance("bridge", set(Some("non-blocking"))), "logs")), [("EP09", Severity::High)]);
    assert_eq!(owner(&one(&on_instance("bridge", set(Some("blocking"))), "logs")), [("EP09", Severity::Critical)]);
    let mut s = on_instance("bridge", set(None));
    s.region.account_settings.push(ecs::Setting { name: text("defaultLogDriverMode"), value: text("blocking"), principal_arn: None });
    assert_eq!(owner(&one(&s, "logs")), [("EP09", Severity::Critical)], "the account's default decides without a mode");
    assert!(!has(&fargate(|d| d.container_definitions[0].log_configuration = Some(log("json-file", &[]))), "logs"));
}

#[test]
fn c12_a_driver_that_makes_its_group_asks_for_it() {
    let s = fargate(|d| d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-group", "g"), ("awslogs-create-group", "true")])));
    assert!(asks(&one(&s, "logs")).contains(&"!logs:CreateLogGroup arn:aws:logs:us-east-2:111122223333:log-group:g:log-stream: execution".to_owned()));
}

#[test]
fn c12_logs_of_another_region_are_another_regions_need() {
    let s = fargate(|d| d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-region", "eu-west-1")])));
    let n = one(&s, "logs");
    assert_eq!((n.region.as_deref(), hosts(&n), owner(&n)), (Some("eu-west-1"), vec!["logs.eu-west-1.amazonaws.com"], vec![("RG03", Severity::High)]));
    let s = fargate(|d| d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-endpoint", "https://vpce-1.logs.example:443/x")])));
    assert_eq!(hosts(&one(&s, "logs")), ["vpce-1.logs.example"]);
}

#[test]
fn c13_firelens_needs_what_its_plugin_sends_to() {
    for (plugin, service, host, action) in [
        ("cloudwatch", "logs", "logs.us-east-2.amazonaws.com", "!logs:PutLogEvents"),
        ("cloudwatch_logs", "logs", "logs.us-east-2.amazonaws.com", "!logs:CreateLogStream"),
        ("kinesis_firehose", "kinesis-firehose", "firehose.us-east-2.amazonaws.com", "firehose:PutRecordBatch"),
        ("firehose", "kinesis-firehose", "firehose.us-east-2.amazonaws.com", "firehose:PutRecordBatch"),
        ("kinesis_streams", "kinesis-streams", "kinesis.us-east-2.amazonaws.com", "kinesis:PutRecords"),
    ] {
        for name in ["Name", "name", "@type"] {
            let s = on_instance("awsvpc", |d| d.container_definitions[0].log_configuration = Some(log("awsfirelens", &[(name, plugin), ("delivery_stream", "d"), ("stream", "s")])));
            assert_eq!(services(&s, Kind::AwsvpcTask), [service], "the router is a container of the task");
            let n = one(&s, service);
            assert_eq!((hosts(&n), owner(&n)), (vec![host], vec![("EP13", Severity::High)]));
            assert!(asks(&n).iter().any(|a| a.starts_with(action) && a.ends_with(" task")), "{:?}", asks(&n));
        }
    }
    let s = on_instance("bridge", |d| d.container_definitions[0].log_configuration = Some(log("awsfirelens", &[("Name", "firehose")])));
    assert!(services(&s, Kind::ContainerInstance).contains(&"kinesis-firehose".to_owned()));
}

#[test]
fn c13_firelens_to_s3_is_the_gateways_need() {
    let s = fargate(|d| d.container_definitions[0].log_configuration = Some(log("awsfirelens", &[("Name", "s3"), ("bucket", "my-logs")])));
    let n = one(&s, "s3");
    assert!(hosts(&n).contains(&"my-logs.s3.us-east-2.amazonaws.com"));
    assert!(asks(&n).contains(&"!s3:PutObject arn:aws:s3:::my-logs/* task".to_owned()));
    assert_eq!(owner(&n).iter().map(|(r, _)| *r).collect::<BTreeSet<_>>(), BTreeSet::from(["EP06"]), "one cause, one rule");
    assert!(n.also.contains(&(Owner::Rule("EP13"), Severity::High)));
}

#[test]
fn c13_unknown_plugins_are_no_path() {
    let s = fargate(|d| {
        d.container_definitions[0].image = text("nginx");
        d.container_definitions[0].log_configuration = Some(log("awsfirelens", &[("Name", "datadog"), ("Host", "h")]));
    });
    assert_eq!(services(&s, Kind::FargateTask), ["registry:docker.io"]);
    assert_eq!(hint(&s, "C13"), [("datadog".to_owned(), true)]);
    assert_eq!(hint(&fargate(|d| d.container_definitions[0].log_configuration = Some(log("awsfirelens", &[]))), "C13"), [(String::new(), true)]);
}

#[test]
fn c13_firelens_configuration_may_lie_in_s3() {
    let s = on_instance("awsvpc", |d| {
        d.container_definitions[0].image = text("nginx");
        let options = [("config-file-type", "s3"), ("config-file-value", "arn:aws:s3:::conf/fluent.conf")];
        d.container_definitions[0].firelens_configuration =
            Some(ecs::FirelensConfiguration { r#type: text("fluentbit"), options: Some(options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()) });
    });
    assert!(services(&s, Kind::ContainerInstance).contains(&"s3".to_owned()), "the agent fetches it");
    assert_eq!(asks(&one(&s, "s3")), ["!s3:GetBucketLocation arn:aws:s3:::conf execution", "!s3:GetObject arn:aws:s3:::conf/fluent.conf execution"]);
}

#[test]
fn c13b_the_router_image_counts_as_any_other() {
    let s = fargate(|d| {
        let mut router = container("router");
        router.image = text("public.ecr.aws/aws-observability/aws-for-fluent-bit:stable");
        d.container_definitions.push(router);
    });
    assert!(has(&s, "registry:public.ecr.aws") && has(&s, "ecr.api"));
}

#[test]
fn c14_and_f12_service_connect_needs_ecs_agent() {
    let connect = || Some(ecs::ServiceConnectConfiguration { enabled: Some(true), log_configuration: Some(log("awslogs", &[])), ..Default::default() });
    let mut s = fargate(|_| {});
    s.last_service().deployments[0].service_connect_configuration = connect();
    let n = one(&s, "ecs-agent");
    assert_eq!(
        (owner(&n), hosts(&n), asks(&n)),
        (vec![("EP12", Severity::Critical)], vec!["ecs-a.us-east-2.amazonaws.com"], vec!["!ecs:Poll arn:aws:ecs:us-east-2:111122223333:task-set/c/* ?".to_owned()])
    );
    assert!(has(&s, "logs"), "its proxy has a log configuration of its own");
    let mut s = on_instance("awsvpc", |_| {});
    s.last_service().deployments[0].service_connect_configuration = connect();
    assert!(services(&s, Kind::AwsvpcTask).is_empty(), "a relay on the instance calls");
    let n = one(&s, "ecs-agent");
    assert_eq!(owner(&n), [("EP01", Severity::Critical)]);
    assert_eq!(n.also.iter().collect::<Vec<_>>(), [&(Owner::Rule("EP12"), Severity::Critical)]);
    assert!(asks(&n).contains(&"!ecs:Poll arn:aws:ecs:us-east-2:111122223333:task-set/c/* instance".to_owned()));
    let mut s = fargate(|_| {});
    s.last_service().deployments[0].service_connect_configuration = Some(ecs::ServiceConnectConfiguration { enabled: Some(false), ..Default::default() });
    assert!(!has(&s, "ecs-agent"));
}

#[test]
fn c14b_tls_of_service_connect_is_awss_own_business() {
    let mut s = fargate(|_| {});
    let services = vec![ecs::ServiceConnectService { port_name: text("http"), tls: Some(ecs::ServiceConnectTls { kms_key: text("k"), role_arn: None }) }];
    s.last_service().deployments[0].service_connect_configuration = Some(ecs::ServiceConnectConfiguration { enabled: Some(true), services, ..Default::default() });
    assert_eq!(hint(&s, "C14b"), [(String::new(), false)]);
    assert!(!has(&s, "acm-pca") && !has(&s, "kms"));
}

#[test]
fn c15_c16_c30_c31_c32_c34_and_c36_give_no_need() {
    // Cloud Map by DNS, task metadata, and what applications or hosts call on their own leave no trace in what is kept.
    let s = on_instance("bridge", |d| d.container_definitions[0].image = text("nginx"));
    assert_eq!(services(&s, Kind::ContainerInstance), ["ecs", "ecs-agent", "ecs-telemetry", "registry:docker.io"]);
    assert!(s.view(|v| v.hints.is_empty()));
}

#[test]
fn c17_secrets_of_every_kind_need_secretsmanager() {
    let plain = arn("secretsmanager", "secret:db-AbCdEf");
    let s = fargate(|d| {
        let c = &mut d.container_definitions[0];
        c.secrets = vec![secret(&format!("{plain}:key::"))];
        c.log_configuration = Some(ecs::LogConfiguration { secret_options: vec![secret(&arn("secretsmanager", "secret:splunk"))], ..log("splunk", &[]) });
        c.repository_credentials = Some(ecs::RepositoryCredentials { credentials_parameter: text("hub") });
        d.volumes = vec![ecs::Volume {
            name: text("share"),
            fsx_windows_file_server_volume_configuration: Some(ecs::FsxVolume {
                authorization_config: Some(ecs::FsxAuthorization { credentials_parameter: text(arn("secretsmanager", "secret:ad-AbCdEf")), domain: None }),
                ..Default::default()
            }),
            ..Default::default()
        }];
    });
    let n = one(&s, "secretsmanager");
    assert_eq!(owner(&n), [("EP07", Severity::Critical)]);
    let resources: Vec<_> = n.asks.iter().map(|a| a.resource.rsplit(':').next().unwrap_or_default()).collect();
    assert_eq!(resources, ["ad-AbCdEf", "db-AbCdEf", "hub-??????", "splunk-??????"], "JSON keys go, suffixes that are left out stay open");
    assert_eq!(
        n.because.iter().map(String::as_str).collect::<Vec<_>>(),
        ["web:1, container app, logConfiguration secretOptions[0]", "web:1, container app, repositoryCredentials", "web:1, container app, secrets[0]", "web:1, volume share, credentialsParameter"]
    );
    let s = on_instance("bridge", |d| {
        d.execution_role_arn = None;
        d.container_definitions[0].secrets = vec![secret(&plain)];
    });
    assert!(asks(&one(&s, "secretsmanager"))[0].ends_with(" ?"), "never the instance's role");
    let s = fargate(|d| d.container_definitions[0].secrets = vec![secret("arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-AbCdEf")]);
    assert_eq!(one(&s, "secretsmanager").region.as_deref(), Some("eu-west-1"));
}

#[test]
fn c18_parameters_need_ssm() {
    let s = on_instance("awsvpc", |d| d.container_definitions[0].secrets = vec![secret("/app/url"), secret(&arn("ssm", "parameter/app/key"))]);
    let n = one(&s, "ssm");
    assert_eq!(asks(&n), ["!ssm:GetParameters arn:aws:ssm:us-east-2:111122223333:parameter/app/key execution", "!ssm:GetParameters arn:aws:ssm:us-east-2:111122223333:parameter/app/url execution"]);
    assert_eq!(owner(&n), [("EP08", Severity::Critical)]);
    assert!(services(&s, Kind::AwsvpcTask).is_empty() && services(&s, Kind::ContainerInstance).contains(&"ssm".to_owned()), "the agent fetches them");
    let s = on_instance("bridge", |d| d.container_definitions[0].credential_specs = vec![format!("credentialspec:{}", arn("ssm", "parameter/gmsa"))]);
    assert!(has(&s, "ssm"));
    let s = on_instance("bridge", |d| {
        d.container_definitions[0].image = text("nginx");
        d.container_definitions[0].credential_specs = vec!["credentialspecdomainless:arn:aws:s3:::gmsa/spec.json".into()];
    });
    assert_eq!(asks(&one(&s, "s3")), ["!s3:GetObject arn:aws:s3:::gmsa/spec.json execution"]);
}

#[test]
fn c19_secrets_need_no_kms() {
    assert!(!has(&fargate(|d| d.container_definitions[0].secrets = vec![secret("x"), secret(&arn("secretsmanager", "secret:y"))]), "kms"));
}

#[test]
fn c20_and_f12_exec_needs_ssmmessages() {
    let s = exec(fargate(|_| {}), None);
    let n = one(&s, "ssmmessages");
    assert_eq!((owner(&n), n.because.iter().map(String::as_str).collect::<Vec<_>>()), (vec![("EP10", Severity::High)], vec!["web:1, enableExecuteCommand"]));
    assert_eq!(asks(&n), ["!ssmmessages:CreateControlChannel * task", "!ssmmessages:CreateDataChannel * task", "!ssmmessages:OpenControlChannel * task", "!ssmmessages:OpenDataChannel * task"]);
    assert!(!has(&s, "ssm") && !has(&s, "ec2messages") && !has(&s, "kms"));
    let s = exec(on_instance("bridge", |d| d.task_role_arn = None), None);
    assert!(asks(&one(&s, "ssmmessages")).iter().all(|a| a.ends_with(" instance")), "without a task role the instance's stands in");
    let s = exec(on_instance("awsvpc", |d| d.task_role_arn = None), None);
    assert_eq!(services(&s, Kind::AwsvpcTask), ["ssmmessages"]);
    assert!(asks(&one(&s, "ssmmessages")).iter().all(|a| a.ends_with(" instance")));
}

#[test]
fn c21_exec_with_a_customers_key_needs_kms() {
    let with = |key: &str| exec(on_instance("awsvpc", |_| {}), Some(ecs::ExecuteCommandConfiguration { kms_key_id: text(key), logging: text("NONE"), ..Default::default() }));
    let s = with("arn:aws:kms:us-east-2:111122223333:key/1234");
    assert_eq!(services(&s, Kind::AwsvpcTask), ["kms", "ssmmessages"]);
    assert_eq!((owner(&one(&s, "kms")), asks(&one(&s, "kms"))), (vec![("EP11", Severity::High)], vec!["!kms:Decrypt arn:aws:kms:us-east-2:111122223333:key/1234 task".to_owned()]));
    assert_eq!(asks(&one(&with("alias/exec"), "kms")), ["!kms:Decrypt arn:aws:kms:us-east-2:111122223333:key/* task"]);
    assert_eq!(asks(&one(&with("1234"), "kms")), ["!kms:Decrypt arn:aws:kms:us-east-2:111122223333:key/1234 task"]);
    let mut off = with("1234");
    off.last_service().enable_execute_command = Some(false);
    off.last_task().enable_execute_command = Some(false);
    assert!(!has(&off, "kms"), "no Exec, no key");
}

#[test]
fn c22_exec_logs_where_the_cluster_says() {
    let to = ecs::ExecuteCommandLogConfiguration { cloud_watch_log_group_name: text("/exec"), s3_bucket_name: text("exec.logs"), ..Default::default() };
    let configuration = |logging: &str| Some(ecs::ExecuteCommandConfiguration { logging: text(logging), log_configuration: Some(to.clone()), ..Default::default() });
    let s = exec(on_instance("awsvpc", |_| {}), configuration("OVERRIDE"));
    assert_eq!(services(&s, Kind::AwsvpcTask), ["logs", "s3", "ssmmessages"]);
    let at_task = |service: &str| s.placements().iter().filter(|p| p.kind == Kind::AwsvpcTask).flat_map(|p| p.needs.clone()).find(|n| n.service == service).unwrap();
    let (logs, s3) = (at_task("logs"), at_task("s3"));
    assert_eq!((owner(&logs), owner(&s3)), (vec![("EP09", Severity::High)], vec![("EP06", Severity::High)]));
    assert!(asks(&logs).contains(&"!logs:DescribeLogGroups * task".to_owned()) && asks(&logs).iter().any(|a| a.contains("log-group:/exec:log-stream:* task")));
    assert_eq!(hosts(&s3), ["s3.us-east-2.amazonaws.com"], "a bucket with dots in its name is asked for by path");
    assert_eq!(asks(&s3), ["!s3:GetBucketLocation arn:aws:s3:::exec.logs task", "!s3:GetEncryptionConfiguration arn:aws:s3:::exec.logs task", "!s3:PutObject arn:aws:s3:::exec.logs/* task"]);
    assert_eq!(services(&exec(on_instance("awsvpc", |_| {}), configuration("NONE")), Kind::AwsvpcTask), ["ssmmessages"]);
    // By default sessions go where the container's awslogs go, and nowhere without.
    assert_eq!(services(&exec(on_instance("awsvpc", |_| {}), configuration("DEFAULT")), Kind::AwsvpcTask), ["ssmmessages"]);
    let s = exec(on_instance("awsvpc", |d| d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-group", "g")]))), None);
    assert_eq!(services(&s, Kind::AwsvpcTask), ["logs", "ssmmessages"]);
}

#[test]
fn c22_a_cluster_that_was_not_seen_leaves_key_and_logging_open() {
    let mut s = exec(fargate(|_| {}), None);
    s.region.clusters.clear();
    let s = s.lacking(Action::DescribeClusters);
    s.view(|v| {
        for rule in ["EP06", "EP09", "EP11"] {
            assert!(v.unseen_needs[rule].0.contains(&Unseen::Action(Action::DescribeClusters)), "{rule}");
            assert_eq!(v.unseen_needs[rule].1, BTreeSet::from([arn("ecs", "service/c/web")]));
        }
    });
}

#[test]
fn c23_environment_files_need_s3() {
    let s = on_instance("awsvpc", |d| {
        d.container_definitions[0].image = text("nginx");
        d.container_definitions[0].environment_files = vec![ecs::EnvironmentFile { value: text("arn:aws:s3:::conf/web.env"), r#type: text("s3") }];
    });
    let n = one(&s, "s3");
    assert_eq!((hosts(&n), owner(&n)), (vec!["conf.s3.us-east-2.amazonaws.com"], vec![("EP06", Severity::Critical)]));
    assert_eq!(asks(&n), ["!s3:GetBucketLocation arn:aws:s3:::conf execution", "!s3:GetObject arn:aws:s3:::conf/web.env execution"]);
    assert_eq!(n.because, BTreeSet::from(["web:1, container app, environmentFiles[0]".to_owned()]));
    assert!(services(&s, Kind::AwsvpcTask).is_empty());
}

fn volume(change: impl FnOnce(&mut ecs::Volume)) -> Vec<ecs::Volume> {
    let mut v = ecs::Volume { name: text("data"), ..Default::default() };
    change(&mut v);
    vec![v]
}

#[test]
fn c24_efs_is_a_mount_and_no_endpoint() {
    let s = fargate(|d| d.volumes = volume(|v| v.efs_volume_configuration = Some(ecs::EfsVolume { file_system_id: text("fs-1"), ..Default::default() })));
    assert!(!has(&s, "elasticfilesystem"));
    assert_eq!(hint(&s, "C24"), [("fs-1".to_owned(), true)]);
}

#[test]
fn c25_s3_files_cannot_be_told() {
    let s = fargate(|d| d.volumes = volume(|v| v.s3files_volume_configuration = Some(ecs::S3FilesVolume { file_system_arn: text("arn:x") })));
    assert_eq!(hint(&s, "C25"), [("arn:x".to_owned(), true)]);
}

#[test]
fn c26_fsx_for_windows_needs_fsx() {
    let s = on_instance("default", |d| d.volumes = volume(|v| v.fsx_windows_file_server_volume_configuration = Some(ecs::FsxVolume::default())));
    assert_eq!((owner(&one(&s, "fsx")), asks(&one(&s, "fsx"))), (vec![("EP13", Severity::High)], vec!["fsx:DescribeFileSystems * execution".to_owned()]));
}

#[test]
fn c27_guardduty_needs_its_data_endpoint_and_its_image() {
    // Seen in the tasks.
    let mut s = fargate(|d| d.container_definitions[0].image = text("nginx"));
    s.last_task().containers =
        vec![ecs::Container { name: text("aws-guardduty-agent-1a2b3c"), image: text("593207742271.dkr.ecr.us-east-2.amazonaws.com/aws-guardduty-agent-fargate:v1"), ..Default::default() }];
    assert_eq!(services(&s, Kind::FargateTask), ["ecr.api", "ecr.dkr", "guardduty-data", "registry:docker.io", "s3"]);
    let n = one(&s, "guardduty-data");
    assert_eq!((owner(&n), hosts(&n)), (vec![("EP13", Severity::Medium)], vec!["guardduty-data.us-east-2.amazonaws.com"]), "its agent has another way too");
    assert_eq!(asks(&n), ["guardduty:SendSecurityTelemetry * execution"]);
    // Told by the detector.
    let feature = |name: &str| iam::DetectorFeature { name: text(name), status: text("ENABLED"), additional_configuration: Vec::new() };
    let detector = iam::Detector {
        status: text("ENABLED"),
        features: vec![iam::DetectorFeature { additional_configuration: vec![feature("ECS_FARGATE_AGENT_MANAGEMENT"), feature("EC2_AGENT_MANAGEMENT")], ..feature("RUNTIME_MONITORING") }],
    };
    let mut s = fargate(|_| {});
    s.instance("c", "i", SUBNET_A);
    s.region.detector_ids = vec!["d1".into()];
    assert!(s.view(|v| v.unseen_needs["EP13"].0.contains(&Unseen::Action(Action::GetDetector))));
    s.region.detectors.insert("d1".into(), Answer::Output(detector));
    assert!(services(&s, Kind::FargateTask).contains(&"guardduty-data".to_owned()) && services(&s, Kind::ContainerInstance).contains(&"guardduty-data".to_owned()));
    s.cluster_mut("c").tags = vec![ecs::KeyValue { key: text("GuardDutyManaged"), value: text("false") }];
    assert!(!has(&s, "guardduty-data"), "the cluster is left out");
    // Told by the service's revision.
    let mut s = fargate(|_| {});
    s.region.service_revisions.push(ecs::ServiceRevision { service_revision_arn: "r".into(), service_arn: text(arn("ecs", "service/c/web")), guard_duty_enabled: Some(true), ..Default::default() });
    assert!(has(&s, "guardduty-data"));
    // The account does not use it: nothing is left open.
    let mut s = fargate(|_| {}).lacking(Action::ListDetectors);
    assert!(s.view(|v| v.unseen_needs.contains_key("EP13")));
    s.region.account_settings.push(ecs::Setting { name: text("guardDutyActivate"), value: text("off"), principal_arn: None });
    assert!(!s.view(|v| v.unseen_needs.contains_key("EP13")));
}

#[test]
fn c28_and_c29_telling_images_are_hints() {
    let s = fargate(|d| {
        d.container_definitions[0].image = text("public.ecr.aws/xray/aws-xray-daemon:latest");
        let mut agent = container("cwagent");
        agent.image = text("public.ecr.aws/cloudwatch-agent/cloudwatch-agent:latest");
        d.container_definitions.push(agent);
    });
    assert_eq!(hint(&s, "C28"), [("xray".to_owned(), false)]);
    assert_eq!(hint(&s, "C29"), [("logs".to_owned(), false), ("monitoring".to_owned(), false)]);
    assert_eq!(services(&s, Kind::FargateTask), ["registry:public.ecr.aws"], "hints are no paths");
    let s = fargate(|d| d.container_definitions[0].image = text("public.ecr.aws/aws-observability/aws-otel-collector:latest"));
    assert_eq!(hint(&s, "C28").len(), 3);
}

#[test]
fn c29_container_insights_rides_on_telemetry() {
    let mut s = Scene::new();
    s.instance("c", "i", SUBNET_A);
    s.cluster_mut("c").settings = vec![pair("containerInsights", "enhanced")];
    assert_eq!(services(&s, Kind::ContainerInstance), ["ecs", "ecs-agent", "ecs-telemetry"]);
}

#[test]
fn c33_a_failed_agent_update_is_a_hint() {
    let mut s = Scene::new();
    s.instance("c", "i", SUBNET_A);
    s.region.container_instances[0].agent_update_status = text("FAILED");
    assert_eq!(hint(&s, "C33"), [("s3".to_owned(), false)]);
    assert_eq!(s.view(|v| v.hints[0].vpcs.len()), 1);
}

#[test]
fn c35_app_mesh_needs_envoy_management() {
    let s = on_instance("awsvpc", |d| d.proxy_configuration = Some(ecs::ProxyConfiguration { r#type: text("APPMESH"), container_name: text("envoy") }));
    assert_eq!(services(&s, Kind::AwsvpcTask), ["appmesh-envoy-management"]);
    let n = one(&s, "appmesh-envoy-management");
    assert_eq!((owner(&n), asks(&n)), (vec![("EP13", Severity::High)], vec!["appmesh:StreamAggregatedResources * task".to_owned()]));
}

#[test]
fn c37_daemons_need_what_their_definition_names() {
    let mut s = on_instance("host", |d| d.container_definitions[0].secrets = vec![secret("x")]);
    s.last_service().scheduling_strategy = text("DAEMON");
    assert!(services(&s, Kind::ContainerInstance).contains(&"ssm".to_owned()));
}
