//! The forms that one file may have.

use super::*;
use crate::inventory::{Answer, Time};

const CLUSTER: &str = "arn:aws:ecs:us-east-2:111122223333:cluster/web";

#[test]
fn plain_output_with_unknown_keys_and_null_lists() {
    let r = Folder::new()
        .file(
            "ec2.describe-vpcs.json",
            r#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "Tags": null, "Novel": {"Deep": [1]}}], "ResponseMetadata": {"HTTPStatusCode": 200}, "Other": {"Vpcs": [{"VpcId": "vpc-no"}]}}"#,
        )
        .file("ec2.describe-subnets.json", r#"{"Subnets": null}"#)
        .region();
    assert_eq!(r.vpcs.iter().map(|v| v.vpc_id.as_str()).collect::<Vec<_>>(), ["vpc-1"], "a member wins over what merely looks like it deeper down");
    assert_eq!(r.vpcs[0].cidr_block.as_deref(), Some("10.0.0.0/16"));
    assert_eq!(state(&r, Action::DescribeVpcs), State::Complete);
    assert_eq!(state(&r, Action::DescribeSubnets), State::Complete, "null is an empty list");
    assert_eq!(state(&r, Action::DescribeNetworkAcls), State::NotCollected);
}

#[test]
fn files_of_one_operation_are_merged_once_each() {
    let r = Folder::new()
        .file("ec2.describe-vpcs.2.json", r#"{"Vpcs": [{"VpcId": "vpc-2"}, {"VpcId": "vpc-1"}]}"#)
        .file("ec2.describe-vpcs.1.json", r#"[{"Vpcs": [{"VpcId": "vpc-3"}]}, {"Vpcs": [{"VpcId": "vpc-1"}]}]"#)
        .region();
    assert_eq!(r.vpcs.iter().map(|v| v.vpc_id.as_str()).collect::<Vec<_>>(), ["vpc-1", "vpc-2", "vpc-3"]);
}

#[test]
fn keyed_outputs_in_one_file_or_one_file_an_id() {
    let r = Folder::new()
        .file("ec2.get-managed-prefix-list-entries.json", r#"{"pl-1": {"Entries": [{"Cidr": "10.0.0.0/8"}]}}"#)
        .file("ec2.get-managed-prefix-list-entries.pl-2.json", r#"{"Entries": [{"Cidr": "10.1.0.0/16"}]}"#)
        .file(
            "ec2.get-managed-prefix-list-entries.more.json",
            r#"{"PrefixLists": [{"PrefixListId": "pl-3", "Entries": [{"Cidr": "10.2.0.0/16"}]}, {"PrefixListId": "pl-1", "Entries": [{"Cidr": "10.3.0.0/16"}]}]}"#,
        )
        .region();
    let cidrs = |id: &str| r.prefix_list_entries[id].output().unwrap().entries.iter().map(|e| e.cidr.clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(cidrs("pl-1"), ["10.0.0.0/8", "10.3.0.0/16"], "merged over files");
    assert_eq!(cidrs("pl-2"), ["10.1.0.0/16"]);
    assert_eq!(cidrs("pl-3"), ["10.2.0.0/16"]);
    assert!(!r.prefix_list_entries.contains_key("pl-4"), "an id without a key was not collected");
    assert_eq!(state(&r, Action::GetManagedPrefixListEntries), State::Complete);
}

#[test]
fn every_keyed_operation_of_the_contract() {
    let r = Folder::new()
        .file("ec2.search-transit-gateway-routes.json", r#"{"tgw-rtb-1": {"Routes": [{"DestinationCidrBlock": "10.0.0.0/8"}], "AdditionalRoutesAvailable": false}}"#)
        .file("ec2.get-transit-gateway-route-table-associations.json", r#"{"tgw-rtb-1": {"Associations": []}}"#)
        .file("route53.list-hosted-zones-by-vpc.json", r#"{"vpc-1": {"HostedZoneSummaries": [{"HostedZoneId": "Z1", "Name": "a."}], "MaxItems": "100"}}"#)
        .file("route53.list-resource-record-sets.json", r#"{"/hostedzone/Z1": {"ResourceRecordSets": [{"Name": "a.", "Type": "A"}], "IsTruncated": false}}"#)
        .file("route53resolver.list-resolver-endpoint-ip-addresses.json", r#"{"rslvr-in-1": {"IpAddresses": [{"Ip": "10.0.0.2"}]}}"#)
        .file("route53resolver.list-firewall-rules.json", r#"{"rslvr-frg-1": {"FirewallRules": []}}"#)
        .file("route53resolver.list-firewall-domains.json", r#"{"rslvr-fdl-1": {"Domains": ["a.example."]}}"#)
        .file("iam.list-attached-role-policies.json", r#"{"web": {"AttachedPolicies": [], "IsTruncated": false}}"#)
        .file("iam.list-role-policies.json", r#"{"web": {"PolicyNames": ["inline"]}}"#)
        .file("iam.get-policy-version.json", r#"{"arn:aws:iam::aws:policy/service-role/X:v1": {"PolicyVersion": {"VersionId": "v1", "Document": {"Statement": []}}}}"#)
        .file("guardduty.get-detector.json", r#"{"d1": {"Status": "ENABLED", "Features": [], "DataSources": {"Status": "x"}, "Tags": {"Status": "y"}}}"#)
        .file("ecr.describe-images.json", r#"{"hub/nginx": {"imageDetails": []}}"#)
        .region();
    assert!(r.transit_gateway_routes["tgw-rtb-1"].output().is_some());
    assert!(r.transit_gateway_associations["tgw-rtb-1"].output().is_some());
    assert_eq!(r.hosted_zones["vpc-1"].output().unwrap().hosted_zone_summaries[0].hosted_zone_id, "Z1");
    assert!(r.record_sets.contains_key("Z1"), "zones are known by their bare id");
    assert!(r.resolver_endpoint_addresses.contains_key("rslvr-in-1"));
    assert!(r.firewall_rules.contains_key("rslvr-frg-1"));
    assert_eq!(r.firewall_domains["rslvr-fdl-1"].output().unwrap().domains, ["a.example."]);
    assert!(r.attached_role_policies.contains_key("web") && r.role_policy_names.contains_key("web"));
    assert_eq!(r.policy_versions["arn:aws:iam::aws:policy/service-role/X:v1"].output().unwrap().document.as_ref().unwrap().0, r#"{"Statement":[]}"#);
    assert_eq!(r.detectors.keys().collect::<Vec<_>>(), ["d1"]);
    assert_eq!(r.detectors["d1"].output().unwrap().status.as_deref(), Some("ENABLED"));
    assert!(r.repository_images.contains_key("hub/nginx"), "a repository's name may have slashes");
    assert!(r.completeness.0.iter().all(|(a, s)| s.state == State::Complete || a.name().contains("BlockPublicAccess")), "{:?}", r.completeness);
}

#[test]
fn an_empty_object_is_no_ids_for_keyed_and_malformed_for_plain() {
    let r = Folder::new()
        .file("route53.list-resource-record-sets.json", "{}")
        .file("iam.get-role.json", "[]")
        .file("ec2.describe-vpcs.json", "{}")
        .file("ec2.describe-subnets.json", r#"{"Foo": 1}"#)
        .region();
    assert_eq!(state(&r, Action::ListResourceRecordSets), State::Complete);
    assert_eq!(state(&r, Action::GetRole), State::Complete);
    assert_eq!(state(&r, Action::DescribeVpcs), State::Missing, "an answer without its result member is not an empty one");
    assert_eq!(state(&r, Action::DescribeSubnets), State::Missing);
    assert!(r.completeness.why(Action::DescribeSubnets).contains("`Subnets`"));
}

#[test]
fn lists_of_outputs_in_all_their_forms() {
    let r = Folder::new()
        .file("ec2.describe-vpc-attribute.json", r#"[{"VpcId": "vpc-1", "EnableDnsSupport": {"Value": true}}, {"VpcId": "vpc-1", "EnableDnsHostnames": {"Value": false}}]"#)
        .file("ec2.describe-vpc-attribute.vpc-2.enableDnsSupport.json", r#"{"VpcId": "vpc-2", "EnableDnsSupport": {"Value": false}}"#)
        .file("ec2.describe-vpc-attribute.wrapped.json", r#"{"VpcAttributes": [{"VpcId": "vpc-3", "EnableDnsSupport": {"Value": true}, "EnableDnsHostnames": {"Value": true}}]}"#)
        .file(
            "ec2.describe-vpc-attribute.keyed.json",
            r#"{"vpc-4": {"EnableDnsHostnames": {"Value": true}}, "vpc-5": [{"EnableDnsHostnames": {"Value": true}}, {"EnableDnsSupport": {"Value": true}}]}"#,
        )
        .region();
    let values: Vec<_> = r.vpc_attributes.iter().map(|a| (a.vpc_id.as_str(), a.enable_dns_support.as_ref().and_then(|v| v.value), a.enable_dns_hostnames.as_ref().and_then(|v| v.value))).collect();
    assert_eq!(values, [("vpc-1", Some(true), Some(false)), ("vpc-2", Some(false), None), ("vpc-3", Some(true), Some(true)), ("vpc-4", None, Some(true)), ("vpc-5", Some(true), Some(true))]);

    let definition =
        |revision: u8| format!(r#"{{"taskDefinitionArn": "arn:aws:ecs:us-east-2:111122223333:task-definition/web:{revision}", "containerDefinitions": [{{"name": "app", "image": "nginx"}}]}}"#);
    let r = Folder::new()
        .file("ecs.describe-task-definition.json", format!(r#"[{{"taskDefinition": {}, "tags": [{{"key": "a", "value": "b"}}]}}]"#, definition(1)))
        .file("ecs.describe-task-definition.2.json", format!(r#"{{"taskDefinition": {}, "tags": []}}"#, definition(2)))
        .file("ecs.describe-task-definition.3.json", format!(r#"{{"taskDefinitions": [{}, {{"taskDefinition": {}}}]}}"#, definition(3), definition(4)))
        .file(
            "ecs.describe-task-definition.4.json",
            format!(r#"{{"arn:aws:ecs:us-east-2:111122223333:task-definition/web:5": {{"taskDefinition": {}}}, "web:6": {{"Error": {{"Code": "NoSuchThing"}}}}}}"#, definition(5)),
        )
        .region();
    let arns: Vec<_> = r.task_definitions.keys().map(|a| a.rsplit('/').next().unwrap()).collect();
    assert_eq!(arns, ["web:1", "web:2", "web:3", "web:4", "web:5", "web:6"]);
    assert!(r.task_definitions.values().take(5).all(|a| a.output().unwrap().container_definitions.len() == 1));

    let r = Folder::new()
        .file("iam.get-role.json", r#"[{"Role": {"RoleName": "a", "Arn": "arn:aws:iam::111122223333:role/a"}}]"#)
        .file("iam.get-role.one.json", r#"{"Role": {"RoleName": "b"}}"#)
        .file("iam.get-role.keyed.json", r#"{"c": {"Role": {"RoleName": "c"}}, "d": {"Error": {"Code": "NoSuchEntity", "Message": "gone"}}}"#)
        .file("iam.get-role-policy.json", r#"[{"RoleName": "a", "PolicyName": "p", "PolicyDocument": {"Statement": []}}]"#)
        .file("iam.get-role-policy.keyed.json", r#"{"b:q": {"PolicyDocument": "{}"}, "c:r": {"Error": {"Code": "NoSuchEntity"}}}"#)
        .file("iam.get-instance-profile.json", r#"[{"InstanceProfile": {"InstanceProfileName": "ip", "Roles": [{"RoleName": "a"}]}}]"#)
        .file("iam.get-policy.json", r#"{"Policy": {"Arn": "arn:aws:iam::aws:policy/X", "DefaultVersionId": "v2"}}"#)
        .region();
    assert_eq!(r.roles.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert!(matches!(&r.roles["d"], Answer::Error(e) if e.code == "NoSuchEntity"), "that a role does not exist is an answer");
    assert_eq!(r.role_policies.keys().collect::<Vec<_>>(), ["a:p", "b:q", "c:r"]);
    assert_eq!(r.role_policies["b:q"].output().unwrap().policy_name.as_deref(), Some("q"));
    assert!(r.instance_profiles.contains_key("ip"));
    assert_eq!(r.policies["arn:aws:iam::aws:policy/X"].output().unwrap().default_version_id.as_deref(), Some("v2"));
    assert!([Action::GetRole, Action::GetRolePolicy, Action::GetInstanceProfile, Action::GetPolicy].iter().all(|a| state(&r, *a) == State::Complete));
}

#[test]
fn what_does_not_tell_its_subject_is_refused_with_the_way_out() {
    let message = Folder::new().file("iam.list-role-policies.json", r#"{"PolicyNames": []}"#).error();
    assert!(message.contains("iam.list-role-policies.json") && message.contains("the role it is about"), "{message}");
    let r = Folder::new().file("ec2.describe-vpcs.json", r#"{"Vpcs": [{"VpcId": "vpc-1"}]}"#).file("route53.list-hosted-zones-by-vpc.json", r#"{"HostedZoneSummaries": []}"#).region();
    assert!(r.hosted_zones.contains_key("vpc-1"), "the only VPC is the one asked about");
}

#[test]
fn clusters_of_short_arns() {
    let short = |id: u8| format!("arn:aws:ecs:us-east-2:111122223333:container-instance/{id}");
    let clusters = format!(r#"{{"clusters": [{{"clusterArn": "{CLUSTER}"}}, {{"clusterArn": "{CLUSTER}-2"}}]}}"#);
    let r = Folder::new()
        .file("ecs.describe-clusters.json", &clusters)
        .file("ecs.list-container-instances.json", format!(r#"{{"web-2": {{"containerInstanceArns": ["{}"]}}, "web": {{"containerInstanceArns": ["{}"]}}}}"#, short(1), short(2)))
        .file("ecs.describe-container-instances.web.json", format!(r#"{{"containerInstances": [{{"containerInstanceArn": "{}"}}, {{"containerInstanceArn": "{}"}}]}}"#, short(2), short(3)))
        .file(
            "ecs.describe-container-instances.json",
            format!(r#"{{"containerInstances": [{{"containerInstanceArn": "{}"}}, {{"containerInstanceArn": "{}"}}, {{"containerInstanceArn": "arn:aws:ecs:us-east-2:111122223333:container-instance/web-2/9"}}]}}"#, short(1), short(4)),
        )
        .region();
    let of = |id: &str| r.container_instances.iter().find(|i| i.container_instance_arn.ends_with(id)).unwrap().cluster_arn.clone();
    assert_eq!(of("/1"), Some(format!("{CLUSTER}-2")), "the keyed list");
    assert_eq!(of("/2"), Some(CLUSTER.to_owned()), "both agree");
    assert_eq!(of("/3"), Some(CLUSTER.to_owned()), "the file's name");
    assert_eq!(of("/4"), None, "nothing tells");
    assert_eq!(of("/9"), Some(format!("{CLUSTER}-2")), "a long ARN tells itself");

    let r = Folder::new()
        .file("ecs.list-clusters.json", format!(r#"{{"clusterArns": ["{CLUSTER}"]}}"#))
        .file("ecs.describe-container-instances.part1.json", format!(r#"{{"containerInstances": [{{"containerInstanceArn": "{}"}}]}}"#, short(1)))
        .file("ecs.describe-tasks.json", r#"{"tasks": [{"taskArn": "arn:aws:ecs:us-east-2:111122223333:task/1"}, {"taskArn": "arn:aws:ecs:us-east-2:111122223333:task/web/2", "clusterArn": null}]}"#)
        .region();
    assert_eq!(r.container_instances[0].cluster_arn.as_deref(), Some(CLUSTER), "the only cluster");
    assert!(r.tasks.iter().all(|t| t.cluster_arn.as_deref() == Some(CLUSTER)));
}

#[test]
fn times_with_any_offset_epoch_seconds_and_junk() {
    let time = |text: &str| {
        let r = Folder::new().file("ec2.describe-vpc-endpoints.json", format!(r#"{{"VpcEndpoints": [{{"VpcEndpointId": "vpce-1", "CreationTimestamp": {text}}}]}}"#)).region();
        r.vpc_endpoints[0].creation_timestamp
    };
    let noon = Time::parse("2026-11-20T12:00:00Z").ok();
    assert_eq!(time(r#""2026-11-20T12:00:00.000Z""#), noon);
    assert_eq!(time(r#""2026-11-20T07:00:00-05:00""#), noon);
    assert_eq!(time(r#""2026-11-20T17:30:00+05:30""#), noon);
    assert_eq!(time("1795176000"), noon);
    assert_eq!(time("1795176000.0"), noon);
    assert_eq!(time(r#""timestamp""#), None, "a placeholder is an unknown time, not the end of the audit");
    assert_eq!(time("null"), None);
    assert_eq!(time("1e300"), None);
}

#[test]
fn byte_order_marks() {
    let text = r#"{"Vpcs": [{"VpcId": "vpc-1", "Tags": [{"Key": "Name", "Value": "Grün 🚀"}]}]}"#;
    let utf16 = |unit: fn(u16) -> [u8; 2]| std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect::<Vec<u8>>();
    for bytes in [text.as_bytes().to_vec(), [b"\xEF\xBB\xBF", text.as_bytes()].concat(), utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
        let r = Folder::new().file("ec2.describe-vpcs.json", bytes).region();
        assert_eq!(r.vpcs[0].tags[0].value.as_deref(), Some("Grün 🚀"));
    }
}

#[test]
fn events_of_cloudtrail_keep_the_call_and_its_way() {
    let record = r#"{\"vpcEndpointId\": \"vpce-1\", \"userIdentity\": {\"arn\": \"arn:aws:sts::111122223333:assumed-role/r/i-1\"}, \"requestParameters\": {\"password\": \"hunter2\"}}"#;
    let r = Folder::new()
        .file(
            "cloudtrail.lookup-events.json",
            format!(r#"{{"Events": [{{"EventId": "e", "EventName": "DiscoverPollEndpoint", "EventTime": "2026-11-20T12:00:00Z", "CloudTrailEvent": "{record}"}}]}}"#),
        )
        .region();
    let event = &r.cloudtrail_events[0];
    assert_eq!((event.event_name.as_deref(), event.vpc_endpoint_id.as_deref()), (Some("DiscoverPollEndpoint"), Some("vpce-1")));
    assert!(!format!("{event:?}").contains("hunter2"));
}

#[test]
fn instances_come_out_of_their_reservations() {
    let r = Folder::new().file("ec2.describe-instances.json", r#"{"Reservations": [{"Instances": [{"InstanceId": "i-2"}]}, {"Instances": [{"InstanceId": "i-1"}]}]}"#).region();
    assert_eq!(r.instances.iter().map(|i| i.instance_id.as_str()).collect::<Vec<_>>(), ["i-1", "i-2"]);
}

#[test]
fn names_that_are_no_operation_are_ignored() {
    let r = Folder::new()
        .file("ec2.describe-vpcs.json", r#"{"Vpcs": []}"#)
        .file("ec2.describe-vpcs.json.bak", "junk")
        .file("ec2.describe-flow-logs.json", "junk")
        .file("._ec2.describe-vpcs.json", "junk")
        .file("notes.txt", "junk")
        .file("moon-base-1x/ec2.describe-vpcs.json", "junk")
        .file("12345/ec2.describe-vpcs.json", "junk")
        .region();
    assert_eq!(state(&r, Action::DescribeVpcs), State::Complete);
}

#[test]
fn bad_input_names_file_position_and_reason() {
    let error = |name: &str, content: &[u8]| {
        let message = Folder::new().file(name, content).error();
        assert!(message.contains(name), "{message}");
        message.split_once(name).unwrap().1.to_owned()
    };
    assert_eq!(error("ec2.describe-vpcs.json", b"{\n \"Vpcs\": [{\"VpcId\": 5}]}"), ":2:22: Vpcs[0].VpcId: expected a string, found a number");
    assert_eq!(error("ec2.describe-vpcs.json", b"{\"Vpcs\": [{}]}"), ":1:12: Vpcs[0]: missing field `VpcId`");
    assert!(error("ec2.describe-vpcs.json", b"{\"Vpcs\": {}}").contains("expected a list, found an object"));
    assert!(error("ec2.describe-vpcs.json", b"{\"Vpcs\": [").contains("ends in the middle"));
    assert!(error("ec2.describe-vpcs.json", b"{\"Vpcs\": []} {}").contains(":1:14: trailing characters"));
    assert!(error("ec2.describe-vpcs.json", b"\"text\"").contains("expected an object as the AWS CLI prints it, found a string"));
    assert!(error("ec2.describe-vpcs.json", b"null").contains("found null"));
    assert!(error("ec2.describe-vpcs.json", b"[]").contains("is a list"));
    assert!(error("ec2.describe-vpcs.json", b"[{\"VpcId\": \"vpc-1\"}]").contains("is a list"));
    assert!(error("ec2.describe-vpcs.json", b"").contains("is empty"));
    assert!(error("ec2.describe-vpcs.json", b"{\"Vpcs\": [{\"VpcId\": \"\xFF\xFE\"}]}").contains("not UTF-8"));
    assert!(error("us-west-2/ec2.describe-vpcs.json", b"Unable to locate credentials").contains(":1:1"));
    assert!(
        error("ecs.describe-task-definition.json", br#"{"taskDefinitions": [{"taskDefinitionArn": "a", "containerDefinitions": [{"image": 1}]}]}"#)
            .contains("containerDefinitions[0].image: expected a string")
    );
    assert!(Folder::new().file("ec2.describe-vpcs.x.json/file", "").error().contains("ec2.describe-vpcs.x.json: is a folder"));
    let deep = format!("{{\"Vpcs\": [{{\"VpcId\": {}", "[".repeat(100_000));
    assert!(error("ec2.describe-vpcs.json", deep.as_bytes()).contains("expected a string, found a list"));
    let deep = format!("{{\"PolicyVersion\": {{\"Document\": {}", "[".repeat(100_000));
    assert!(error("iam.get-policy-version.x.json", deep.as_bytes()).contains("recursion limit"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = Folder::new();
    let path = folder.path().join("ec2.describe-vpcs.json");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(folder.error().contains("is no regular file"));
}

#[test]
fn no_folder_and_nothing_in_it() {
    let folder = Folder::bare();
    assert!(folder.error().contains("holds no recorded answer"));
    assert!(folder.file("README.md", "x").error().contains("holds no recorded answer"));
    let missing = load(&folder.path().join("nowhere"), &LoadOptions::default()).unwrap_err().to_string();
    assert!(missing.contains("nowhere") && missing.contains("no such folder"), "{missing}");
    let file = load(&folder.path().join("README.md"), &LoadOptions::default()).unwrap_err().to_string();
    assert!(file.contains("is no folder"), "{file}");
    assert!(folder.file("audit-snapshot.json", r#"{"schema": "audit-snapshot/2"}"#).error().contains("audit-snapshot/2"));
}

#[test]
fn two_looks_at_one_agent_are_both_kept_and_a_repeated_answer_is_one() {
    let look = |connected: bool, updated: &str| {
        format!(
            r#"{{"containerInstances": [{{"containerInstanceArn": "arn:aws:ecs:us-east-2:111122223333:container-instance/web/a", "agentConnected": {connected},
                "healthStatus": {{"overallStatus": "OK", "details": [{{"type": "CONTAINER_RUNTIME", "lastUpdated": "{updated}"}}]}}}}]}}"#
        )
    };
    let looks = |files: &[String]| {
        let folder = Folder::new();
        for (i, file) in files.iter().enumerate() {
            folder.file(&format!("ecs.describe-container-instances.{i}.json"), file);
        }
        let r = folder.region();
        assert_eq!(r.container_instances.len(), 1);
        (r.container_instances[0].agent_connected, r.agent_looks.into_values().flatten().collect::<Vec<_>>())
    };
    let (early, late) = ("2026-11-20T11:50:00Z", "2026-11-20T11:55:00Z");
    assert_eq!(looks(&[look(false, early), look(false, late)]), (Some(false), vec![false]));
    assert_eq!(looks(&[look(true, early), look(false, early)]), (Some(true), vec![false]));
    assert_eq!(looks(&[look(false, early), look(false, early)]), (Some(false), vec![]));
}
