//! What is saved loads as it was, and nothing half-written stays.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::filler::{TEXT, filled};
use super::*;
use crate::inventory::shape::PolicyText;
use crate::inventory::{Answer, ApiError, Completeness, Keyed, Source, Status, Time};
use crate::snapshot::{check_target, save, save_unless};

fn one<T: serde::de::DeserializeOwned>() -> Vec<T> {
    vec![filled()]
}

fn keyed<T: serde::de::DeserializeOwned>(key: &str) -> Keyed<T> {
    let gone = ApiError { code: "NoSuchEntity".to_owned(), message: Some("gone".to_owned()) };
    BTreeMap::from([(key.to_owned(), Answer::Output(filled())), ("gone".to_owned(), Answer::Error(gone))])
}

/// A region with every field of every type filled.
fn everything() -> Region {
    let prefix = "arn:aws:ecs:us-east-2:111122223333";
    let mut r = Region {
        partition: "aws".to_owned(),
        account: "111122223333".to_owned(),
        region: "us-east-2".to_owned(),
        source: Source::Snapshot,
        taken_at: Time::parse("2026-11-20T12:00:00.123Z").ok(),
        vpc_scope: Some(BTreeSet::from(["vpc-1".to_owned()])),
        asked_vpcs: Some(BTreeSet::from(["vpc-1".to_owned()])),
        completeness: Completeness(Action::ALL.iter().map(|a| (*a, Status::complete())).collect()),
        vpcs: one(),
        vpc_attributes: one(),
        dhcp_options: one(),
        subnets: one(),
        route_tables: one(),
        network_acls: one(),
        security_groups: one(),
        security_group_vpc_associations: one(),
        vpc_endpoints: one(),
        service_names: vec!["com.amazonaws.us-east-2.ecs".to_owned()],
        service_details: one(),
        invalid_service_names: BTreeSet::from(["com.amazonaws.us-east-2.ecs-x".to_owned()]),
        service_listing_full: true,
        network_interfaces: one(),
        instances: one(),
        nat_gateways: one(),
        internet_gateways: one(),
        egress_only_internet_gateways: one(),
        managed_prefix_lists: one(),
        prefix_list_entries: keyed("pl-1"),
        prefix_lists: one(),
        vpc_peering_connections: one(),
        transit_gateway_vpc_attachments: one(),
        transit_gateway_attachments: one(),
        transit_gateway_associations: keyed("tgw-rtb-1"),
        transit_gateway_routes: keyed("tgw-rtb-1"),
        block_public_access_options: Some(filled()),
        block_public_access_exclusions: one(),
        clusters: one(),
        container_instances: one(),
        // Only folders hold several looks, and no recording is made of a folder.
        agent_looks: std::collections::BTreeMap::new(),
        services: one(),
        tasks: one(),
        task_definitions: BTreeMap::from([(format!("{prefix}:task-definition/gone:1"), Answer::Error(ApiError { code: "NoSuchThing".to_owned(), message: None }))]),
        capacity_providers: one(),
        task_sets: one(),
        service_revisions: one(),
        account_settings: one(),
        hosted_zones: keyed("vpc-1"),
        record_sets: keyed("Z1"),
        resolver_rules: one(),
        resolver_rule_associations: one(),
        resolver_endpoints: one(),
        resolver_endpoint_addresses: keyed("rslvr-in-1"),
        firewall_associations: one(),
        firewall_rules: keyed("rslvr-frg-1"),
        firewall_domain_lists: one(),
        firewall_domains: keyed("rslvr-fdl-1"),
        firewall_configs: one(),
        profile_associations: one(),
        instance_profiles: keyed(TEXT),
        roles: keyed(TEXT),
        attached_role_policies: keyed("web"),
        role_policy_names: keyed("web"),
        role_policies: keyed(&format!("{TEXT}:{TEXT}")),
        policies: keyed(TEXT),
        policy_versions: keyed("arn:aws:iam::aws:policy/a/b:v1"),
        pull_through_cache_rules: one(),
        repository_images: keyed(TEXT),
        detector_ids: vec!["d1".to_owned()],
        detectors: keyed("d1"),
        cloudtrail_events: one(),
    };
    let mut definition: crate::inventory::ecs::TaskDefinition = filled();
    definition.task_definition_arn = format!("{prefix}:task-definition/web:1");
    r.task_definitions.insert(definition.task_definition_arn.clone(), Answer::Output(definition));
    let cluster = format!("{prefix}:cluster/web");
    r.clusters[0].cluster_arn.clone_from(&cluster);
    r.services[0].service_arn = format!("{prefix}:service/web/web");
    r.tasks[0].task_arn = format!("{prefix}:task/web/1");
    r.container_instances[0].container_instance_arn = format!("{prefix}:container-instance/1");
    r.container_instances[0].cluster_arn = Some(cluster.clone());
    r.services[0].cluster_arn = Some(cluster.clone());
    r.tasks[0].cluster_arn = Some(cluster);
    // What a key or a flag of the output says is part of the answer; what is cut short is partial.
    for action in [
        Action::SearchTransitGatewayRoutes,
        Action::ListHostedZonesByVpc,
        Action::ListResourceRecordSets,
        Action::ListResolverEndpointIpAddresses,
        Action::ListFirewallRules,
        Action::ListFirewallDomains,
        Action::ListAttachedRolePolicies,
        Action::ListRolePolicies,
    ] {
        r.completeness.0.insert(action, Status::of(State::Partial, "cut short"));
    }
    r
}

/// What a page token was says nothing; that there was one does.
fn comparable(mut r: Region) -> Region {
    for answer in r.hosted_zones.values_mut() {
        if let Answer::Output(o) = answer {
            o.next_token = o.next_token.as_ref().map(|_| "t".to_owned());
        }
    }
    for answer in r.resolver_endpoint_addresses.values_mut() {
        if let Answer::Output(o) = answer {
            o.next_token = o.next_token.as_ref().map(|_| "t".to_owned());
        }
    }
    for answer in r.firewall_rules.values_mut() {
        if let Answer::Output(o) = answer {
            o.next_token = o.next_token.as_ref().map(|_| "t".to_owned());
        }
    }
    for answer in r.firewall_domains.values_mut() {
        if let Answer::Output(o) = answer {
            o.next_token = o.next_token.as_ref().map(|_| "t".to_owned());
        }
    }
    r
}

fn round_trip(region: &Region) -> Region {
    let out = Folder::bare();
    let dir = out.path().join("s");
    save(&Inventory { regions: vec![region.clone()] }, &dir).map_err(|e| e.to_string()).unwrap();
    let mut regions = load(&dir, &LoadOptions::default()).map_err(|e| e.to_string()).unwrap().regions;
    assert_eq!(regions.len(), 1);
    regions.remove(0)
}

#[test]
fn every_field_comes_back() {
    let region = everything();
    let back = comparable(round_trip(&region));
    let region = comparable(region);
    assert_eq!(back.completeness, region.completeness);
    assert_eq!(back, region);
}

#[test]
fn the_filler_fills_what_it_is_meant_to() {
    let region = everything();
    assert!(region.vpc_endpoints[0].creation_timestamp.is_some());
    let definition = region.task_definitions.values().find_map(Answer::output).unwrap();
    let container = &definition.container_definitions[0];
    assert!(container.environment.is_some());
    assert_eq!(container.log_configuration.as_ref().unwrap().options.as_ref().unwrap().len(), 1);
    assert_eq!(container.firelens_configuration.as_ref().unwrap().options.as_ref().unwrap().len(), 1);
}

#[test]
fn states_errors_and_ids_come_back() {
    let mut region = everything();
    // What goes on could not be complete.
    region.record_sets.clear();
    region.attached_role_policies.clear();
    for (n, action) in Action::ALL.iter().enumerate() {
        let status = match n % 5 {
            0 => Status { ids: BTreeSet::from(["id-1".to_owned(), "id-2".to_owned()]), ..Status::of(State::Partial, "Throttling: slow down") },
            1 => Status::of(State::Missing, "AccessDenied: no"),
            2 => Status::of(State::NotCollected, "not asked"),
            3 => Status::of(State::Assumed, "taken as off"),
            _ => Status::complete(),
        };
        region.completeness.0.insert(*action, status);
    }
    assert_eq!(round_trip(&region).completeness, region.completeness);
    region.completeness.0.retain(|_, status| status.state == State::Complete);
    let back = round_trip(&region).completeness;
    let added: Vec<_> = back.0.iter().filter(|(action, _)| !region.completeness.0.contains_key(action)).collect();
    assert!(added.iter().all(|(a, s)| a.name().contains("BlockPublicAccess") && s.state == State::Assumed || a.name().starts_with("ecs:List") && s.state == State::Complete), "{added:?}");
}

#[test]
fn a_partial_recording_stays_partial_without_its_manifest() {
    let mut region = everything();
    for action in Action::ALL {
        region.completeness.0.insert(*action, Status { ids: BTreeSet::from([format!("{TEXT}-2")]), ..Status::of(State::Partial, "Throttling: slow down") });
    }
    let out = Folder::bare();
    let dir = out.path().join("s");
    save(&Inventory { regions: vec![region] }, &dir).unwrap();
    fs::remove_file(dir.join("audit-snapshot.json")).unwrap();
    let regions = load(&dir, &LoadOptions { regions: vec!["us-east-2".to_owned()] }).map_err(|e| e.to_string()).unwrap().regions;
    for action in Action::ALL {
        let is_list = matches!(action, Action::ListClusters | Action::ListServices | Action::ListTasks | Action::ListContainerInstances | Action::GetCallerIdentity);
        if !is_list && *action != Action::DescribeVpcBlockPublicAccessOptions {
            assert_eq!(state(&regions[0], *action), State::Partial, "{action}");
        }
    }
}

#[test]
fn several_regions_and_accounts_get_folders() {
    let region = |account: &str, name: &str| Region { account: account.to_owned(), region: name.to_owned(), ..everything() };
    let tree = |regions: Vec<Region>| {
        let out = Folder::bare();
        let dir = out.path().join("s");
        save(&Inventory { regions: regions.clone() }, &dir).unwrap();
        let loaded = load(&dir, &LoadOptions::default()).map_err(|e| e.to_string()).unwrap();
        assert_eq!(loaded.regions.iter().map(|r| (&r.account, &r.region)).collect::<Vec<_>>(), regions.iter().map(|r| (&r.account, &r.region)).collect::<Vec<_>>());
        let mut names: Vec<String> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(tree(vec![region("111122223333", "eu-west-1"), region("111122223333", "us-east-2")]), ["eu-west-1", "us-east-2"]);
    assert_eq!(tree(vec![region("111122223333", "us-east-2"), region("444455556666", "us-east-2")]), ["111122223333", "444455556666"]);
    assert!(tree(vec![region("111122223333", "us-east-2")]).contains(&"audit-snapshot.json".to_owned()));
    assert!(tree(vec![region("", "us-east-2")]).contains(&"audit-snapshot.json".to_owned()), "an account that could not be learnt");
}

#[test]
fn files_look_like_those_of_the_aws_cli() {
    let out = Folder::bare();
    let dir = out.path().join("s");
    let mut region = everything();
    let document = |text: &str| crate::inventory::iam::RolePolicy { role_name: Some("r".to_owned()), policy_name: Some("p".to_owned()), policy_document: Some(PolicyText(text.to_owned())) };
    region.role_policies = BTreeMap::from([("r:p".to_owned(), Answer::Output(document(r#"{"Statement":[]}"#)))]);
    save(&Inventory { regions: vec![region] }, &dir).unwrap();
    let json = |name: &str| serde_json::from_str::<serde_json::Value>(&fs::read_to_string(dir.join(name)).unwrap()).unwrap();
    assert_eq!(json("ec2.describe-vpcs.json")["Vpcs"][0]["VpcId"], TEXT);
    assert_eq!(json("ec2.describe-instances.json")["Reservations"][0]["Instances"][0]["InstanceId"], TEXT);
    assert!(json("ecs.describe-services.json")["services"][0]["networkConfiguration"]["awsvpcConfiguration"]["subnets"].is_array());
    assert!(json("ecs.describe-container-instances.json")["containerInstances"][0].get("clusterArn").is_none(), "AWS's answer does not name the cluster");
    assert!(json("ecs.list-container-instances.json")["arn:aws:ecs:us-east-2:111122223333:cluster/web"]["containerInstanceArns"].is_array(), "so the list does, for short ARNs");
    assert!(json("ec2.describe-vpc-endpoints.json")["VpcEndpoints"][0]["PolicyDocument"].is_string());
    assert!(json("iam.get-role-policy.json")[0]["PolicyDocument"]["Statement"].is_array(), "IAM policies are objects");
    assert!(json("route53.list-hosted-zones-by-vpc.json")["vpc-1"]["HostedZoneSummaries"].is_array());
    assert_eq!(json("audit-snapshot.json")["schema"], "audit-snapshot/1");
    assert!(!dir.join("ecs.list-services.json").exists());
}

#[test]
fn policies_whose_text_an_object_would_change_stay_text() {
    for text in ["{ \"Statement\": [] }", r#"{"Statement":[],"Statement":[{}]}"#, "not JSON", r#"{"b":1,"a":2}"#] {
        let mut region = everything();
        let Some(Answer::Output(policy)) = region.role_policies.values_mut().find(|a| a.output().is_some()) else { unreachable!() };
        policy.policy_document = Some(PolicyText(text.to_owned()));
        let back = round_trip(&region);
        let policy = back.role_policies.values().find_map(Answer::output).unwrap();
        assert_eq!(policy.policy_document.as_ref().unwrap().0, text);
    }
}

#[test]
fn two_recordings_are_byte_identical_whatever_the_order() {
    let mut one = everything();
    one.vpcs = ["a", "b", "c"].map(|id| crate::inventory::ec2::Vpc { vpc_id: id.to_owned(), ..Default::default() }).to_vec();
    let mut two = one.clone();
    two.vpcs.reverse();
    let bytes = |region: Region| {
        let out = Folder::bare();
        save(&Inventory { regions: vec![region] }, &out.path().join("s")).unwrap();
        fs::read_dir(out.path().join("s")).unwrap().map(|e| e.unwrap().path()).map(|p| (p.file_name().unwrap().to_owned(), fs::read(&p).unwrap())).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(bytes(one), bytes(two));
}

#[test]
fn the_target_is_new_or_empty() {
    let out = Folder::bare();
    let inventory = Inventory { regions: vec![everything()] };
    let entries = |path: PathBuf| fs::read_dir(path).unwrap().count();
    fs::create_dir(out.path().join("empty")).unwrap();
    assert!(check_target(&out.path().join("empty")).is_ok());
    save(&inventory, &out.path().join("empty")).unwrap();
    assert!(load(&out.path().join("empty"), &LoadOptions::default()).is_ok());
    assert!(!fs::read_dir(out.path().join("empty")).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().starts_with('.')), "no temporary folder stays");
    assert!(check_target(&out.path().join("new")).is_ok());
    save(&inventory, &out.path().join("deep/new")).unwrap();

    let before = entries(out.path().join("empty"));
    let message = save(&inventory, &out.path().join("empty")).unwrap_err().to_string();
    assert!(message.contains("not empty"), "{message}");
    assert_eq!(entries(out.path().join("empty")), before);
    out.file("file", "x");
    assert!(matches!(save(&inventory, &out.path().join("file")), Err(SnapshotError::Occupied { .. })));
    assert!(matches!(save(&inventory, &out.path().join("file/in")), Err(SnapshotError::Write { .. } | SnapshotError::Occupied { .. })));
}

#[test]
fn an_interruption_leaves_nothing() {
    let inventory = Inventory { regions: vec![everything()] };
    // The number of questions differs from target to target; each must leave nothing when it is the last.
    for last in 0..150 {
        for existing in [false, true] {
            let out = Folder::bare();
            let dir = out.path().join("s");
            if existing {
                fs::create_dir(&dir).unwrap();
            }
            let asked = Cell::new(0);
            let result = save_unless(&inventory, &dir, &|| {
                asked.set(asked.get() + 1);
                asked.get() > last
            });
            if asked.get() > last {
                assert!(matches!(result, Err(SnapshotError::Interrupted)), "{result:?}");
                assert_eq!(fs::read_dir(out.path()).unwrap().count(), usize::from(existing));
                assert!(!existing || fs::read_dir(&dir).unwrap().next().is_none());
            } else {
                assert!(result.is_ok());
            }
        }
    }
}
