//! What was not seen must never look seen.

use super::*;
use crate::inventory::Answer;

const ARN: &str = "arn:aws:ecs:us-east-2:111122223333";

#[test]
fn what_goes_on_is_partial() {
    let r = Folder::new()
        .file("ec2.describe-vpcs.json", r#"{"Vpcs": [{"VpcId": "vpc-1"}], "NextToken": "abc"}"#)
        .file("ec2.describe-subnets.json", r#"{"Subnets": [], "NextToken": ""}"#)
        .file("ec2.describe-route-tables.json", r#"{"RouteTables": [], "NextToken": null}"#)
        .file("ecs.list-account-settings.json", r#"{"settings": [], "nextToken": "x"}"#)
        .file("route53.list-resource-record-sets.json", r#"{"Z1": {"ResourceRecordSets": [], "IsTruncated": true}, "Z2": {"ResourceRecordSets": [], "IsTruncated": false}}"#)
        .file("ec2.search-transit-gateway-routes.json", r#"{"tgw-rtb-1": {"Routes": [], "AdditionalRoutesAvailable": true}}"#)
        .file("route53.list-hosted-zones-by-vpc.json", r#"{"vpc-1": {"HostedZoneSummaries": [], "NextToken": "more"}}"#)
        .region();
    assert_eq!(r.vpcs.len(), 1, "the items load");
    assert_eq!(state(&r, Action::DescribeVpcs), State::Partial);
    assert_eq!(state(&r, Action::DescribeSubnets), State::Complete, "an empty token is none");
    assert_eq!(state(&r, Action::DescribeRouteTables), State::Complete);
    assert_eq!(state(&r, Action::ListAccountSettings), State::Partial);
    assert_eq!(state(&r, Action::ListResourceRecordSets), State::Partial);
    assert_eq!(r.completeness.0[&Action::ListResourceRecordSets].ids.iter().collect::<Vec<_>>(), ["Z1"]);
    assert_eq!(r.record_sets["Z1"].output().unwrap().is_truncated, Some(true), "the zone itself tells that it goes on");
    assert_eq!(r.record_sets["Z2"].output().unwrap().is_truncated, None);
    assert_eq!(r.transit_gateway_routes["tgw-rtb-1"].output().unwrap().additional_routes_available, Some(true));
    assert!(r.hosted_zones["vpc-1"].output().unwrap().next_token.is_some());
    assert!(r.completeness.why(Action::DescribeVpcs).contains("NextToken"));
}

#[test]
fn an_error_in_place_of_a_plain_output_is_a_missing_answer() {
    let denied = r#"{"Error": {"Code": "UnauthorizedOperation", "Message": "You are not authorized (Request ID: 0a1b)"}}"#;
    let r = Folder::new().file("ec2.describe-network-acls.json", denied).file("ec2.describe-vpcs.a.json", denied).file("ec2.describe-vpcs.b.json", r#"{"Vpcs": [{"VpcId": "vpc-1"}]}"#).region();
    assert_eq!(state(&r, Action::DescribeNetworkAcls), State::Missing);
    assert_eq!(r.completeness.why(Action::DescribeNetworkAcls), "UnauthorizedOperation: You are not authorized", "no request id");
    assert_eq!(state(&r, Action::DescribeVpcs), State::Partial, "one of two answers is there");
}

#[test]
fn errors_by_id_are_answers_or_gaps() {
    let r = Folder::new()
        .file("iam.list-role-policies.json", r#"{"a": {"PolicyNames": []}, "b": {"Error": {"Code": "AccessDenied", "Message": "no"}}, "c": {"Error": {"Code": "NoSuchEntity"}}, "d": {}}"#)
        .file("iam.list-attached-role-policies.json", r#"{"a": {"Error": {"Code": "AccessDenied"}}}"#)
        .file("iam.get-role.json", r#"{"Error": {"Code": "NoSuchEntity"}}"#)
        .region();
    assert_eq!(r.role_policy_names.keys().collect::<Vec<_>>(), ["a", "c"], "b was refused and d is malformed: neither was collected");
    assert!(matches!(r.role_policy_names["c"], Answer::Error(_)));
    assert_eq!(state(&r, Action::ListRolePolicies), State::Partial);
    assert_eq!(r.completeness.0[&Action::ListRolePolicies].ids.iter().collect::<Vec<_>>(), ["b", "d"]);
    assert_eq!(state(&r, Action::ListAttachedRolePolicies), State::Missing);
    assert_eq!(state(&r, Action::GetRole), State::Missing, "an error needs the key");
}

#[test]
fn failures_are_gaps() {
    let r = Folder::new().file("ecs.describe-services.json", format!(r#"{{"services": [], "failures": [{{"arn": "{ARN}:service/web/x", "reason": "MISSING"}}]}}"#)).region();
    assert_eq!(state(&r, Action::DescribeServices), State::Partial);
    assert_eq!(r.completeness.0[&Action::DescribeServices].ids.iter().collect::<Vec<_>>(), [&format!("{ARN}:service/web/x")]);
    assert!(r.completeness.why(Action::DescribeServices).contains("MISSING"));
}

#[test]
fn descriptions_alone_are_all_there_is() {
    let r = Folder::new()
        .file("ecs.describe-clusters.json", r#"{"clusters": []}"#)
        .file("ecs.describe-services.json", r#"{"services": []}"#)
        .file("ecs.describe-tasks.json", r#"{"Error": {"Code": "AccessDeniedException"}}"#)
        .region();
    assert_eq!(state(&r, Action::ListClusters), State::Complete);
    assert_eq!(state(&r, Action::ListServices), State::Complete);
    assert_eq!(state(&r, Action::ListTasks), State::NotCollected);
    assert_eq!(state(&r, Action::ListContainerInstances), State::NotCollected);
    assert_eq!(state(&r, Action::DescribeContainerInstances), State::NotCollected);
}

#[test]
fn what_is_listed_and_not_described_is_unknown() {
    let r = Folder::new()
        .file("ecs.list-clusters.json", format!(r#"{{"clusterArns": ["{ARN}:cluster/a", "{ARN}:cluster/b"]}}"#))
        .file("ecs.describe-clusters.json", format!(r#"{{"clusters": [{{"clusterArn": "{ARN}:cluster/a"}}]}}"#))
        .file("ecs.list-services.json", format!(r#"{{"a": {{"serviceArns": ["{ARN}:service/a/x"]}}, "b": {{"serviceArns": []}}}}"#))
        .file("ecs.list-tasks.json", r#"{"a": {"taskArns": []}, "b": {"taskArns": []}}"#)
        .file("ecs.list-container-instances.json", r#"{"a": {"containerInstanceArns": []}}"#)
        .region();
    assert_eq!(state(&r, Action::DescribeClusters), State::Partial);
    assert_eq!(r.completeness.0[&Action::DescribeClusters].ids.iter().collect::<Vec<_>>(), [&format!("{ARN}:cluster/b")]);
    assert_eq!(state(&r, Action::DescribeServices), State::NotCollected, "a list alone describes nothing");
    assert_eq!(state(&r, Action::DescribeTasks), State::Complete, "all lists are empty: there is nothing to describe");
    assert_eq!(state(&r, Action::ListContainerInstances), State::Partial, "cluster b was not asked");
    assert_eq!(state(&r, Action::DescribeContainerInstances), State::NotCollected);
}

#[test]
fn lists_in_the_form_with_clusters_beside_the_whole() {
    let r = Folder::new()
        .file("ecs.list-clusters.json", format!(r#"{{"clusterArns": ["{ARN}:cluster/a"]}}"#))
        .file("ecs.list-tasks.json", format!(r#"{{"byCluster": {{"a": ["{ARN}:task/1"]}}, "taskArns": ["{ARN}:task/1"]}}"#))
        .file("ecs.describe-tasks.json", format!(r#"{{"tasks": [{{"taskArn": "{ARN}:task/1"}}]}}"#))
        .region();
    assert_eq!((state(&r, Action::ListTasks), state(&r, Action::DescribeTasks)), (State::Complete, State::Complete));
    assert_eq!(r.tasks[0].cluster_arn, Some(format!("{ARN}:cluster/a")));
}

#[test]
fn service_listings() {
    let names = |list: &[&str]| list.iter().map(|n| format!("\"com.amazonaws.us-east-2.{n}\"")).collect::<Vec<_>>().join(",");
    let whole = names(&["ec2", "ecr.api", "ecr.dkr", "ecs", "s3", "dynamodb", "logs", "sts", "ssm", "kms", "sqs"]);
    let asked = names(&["ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "s3", "logs", "secretsmanager", "ssm", "ssmmessages", "kms"]);
    let listing = |content: &str| Folder::new().file("ec2.describe-vpc-endpoint-services.json", content).region();
    let full = listing(&format!(r#"{{"ServiceNames": [{whole}], "ServiceDetails": []}}"#));
    assert!(full.service_listing_full && full.service_names.len() == 11);
    assert!(!listing(&format!(r#"{{"ServiceNames": [{asked}], "ServiceDetails": []}}"#)).service_listing_full, "an answer about the services of interest proves nothing of others");
    assert!(!listing(&format!(r#"{{"ServiceNames": [{whole}], "NextToken": "x"}}"#)).service_listing_full);

    let r = Folder::new()
        .file("ec2.describe-vpc-endpoint-services.json", format!(r#"{{"ServiceNames": [{asked}], "ServiceDetails": [{{"ServiceName": "com.amazonaws.us-east-2.s3", "ServiceType": [{{"ServiceType": "Interface"}}]}}, {{"ServiceName": "com.amazonaws.us-east-2.s3", "ServiceType": [{{"ServiceType": "Gateway"}}]}}]}}"#))
        .file("ec2.describe-vpc-endpoint-services.x.json", r#"{"Error": {"Code": "InvalidServiceName", "Message": "The Vpc Endpoint Service 'com.amazonaws.us-east-2.ecs-z' does not exist"}}"#)
        .file("ec2.describe-vpc-endpoint-services.com.amazonaws.us-east-2.ecs-y.json", r#"{"Error": {"Code": "InvalidServiceName"}}"#)
        .region();
    assert_eq!(r.invalid_service_names.iter().collect::<Vec<_>>(), ["com.amazonaws.us-east-2.ecs-y", "com.amazonaws.us-east-2.ecs-z"]);
    assert_eq!(r.service_details.len(), 2, "one service may have both variants");
    assert_eq!(state(&r, Action::DescribeVpcEndpointServices), State::Complete, "that a name does not exist is an answer");
    let r = listing(r#"{"Error": {"Code": "InvalidServiceName", "Message": "no name"}}"#);
    assert_eq!(state(&r, Action::DescribeVpcEndpointServices), State::Missing, "an answer about nothing that can be named");
}

#[test]
fn block_public_access_is_assumed_only_where_nothing_was_said() {
    let (options, exclusions) = (Action::DescribeVpcBlockPublicAccessOptions, Action::DescribeVpcBlockPublicAccessExclusions);
    let vpcs = r#"{"Vpcs": [{"VpcId": "vpc-1"}]}"#;
    let r = Folder::new().file("ec2.describe-vpcs.json", vpcs).region();
    assert_eq!((state(&r, options), state(&r, exclusions)), (State::Assumed, State::Assumed));
    assert_eq!(r.completeness.why(options), "not collected: taken as off");
    let r = Folder::new().file("ec2.describe-vpcs.json", r#"{"Vpcs": [{"VpcId": "vpc-1", "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"}}]}"#).region();
    assert!(r.completeness.why(options).contains("BlockPublicAccessStates"));
    let r = Folder::new().file("ec2.describe-vpc-block-public-access-options.json", r#"{"Error": {"Code": "UnauthorizedOperation"}}"#).region();
    assert_eq!((state(&r, options), state(&r, exclusions)), (State::Missing, State::Assumed), "asked and refused is not the same as not asked");
    let blocked = r#"{"VpcBlockPublicAccessOptions": {"State": "update-complete", "InternetGatewayBlockMode": "block-bidirectional"}}"#;
    let r = Folder::new().file("ec2.describe-vpc-block-public-access-options.json", blocked).file("ec2.describe-subnets.json", r#"{"Subnets": [{"SubnetId": "s", "VpcId": "v"}]}"#).region();
    assert_eq!((state(&r, options), state(&r, exclusions)), (State::Complete, State::NotCollected), "with a block in force its exclusions decide");
}

#[test]
fn the_manifest_says_what_files_cannot() {
    let r = Folder::bare()
        .file(
            "audit-snapshot.json",
            r#"{"schema": "audit-snapshot/1", "partition": "aws", "account": "111122223333", "region": "us-east-2", "taken_at": 1795176000, "vpcs": ["vpc-1"], "new-key": 1, "service_listing_full": false,
               "completeness": {"ec2:DescribeVpcs": {"state": "partial", "error": "page 2: Throttling", "ids": ["x"]}, "ec2:DescribeSubnets": {"state": "complete"}, "ec2:DescribeNetworkAcls": {"state": "missing", "error": "UnauthorizedOperation"},
                                "ecs:ListClusters": {"state": "complete"}, "ec2:DescribeVpcEndpoints": {"state": "missing", "error": "timeout"}, "sts:GetCallerIdentity": {"state": "complete"}, "x:Unheard": {"state": "complete"}}}"#,
        )
        .file("ec2.describe-vpcs.json", r#"{"Vpcs": [{"VpcId": "vpc-1"}]}"#)
        .file("ec2.describe-vpc-endpoints.json", r#"{"VpcEndpoints": []}"#)
        .region();
    assert_eq!(r.taken_at.map(|t| t.to_string()).as_deref(), Some("2026-11-20T12:00:00Z"));
    assert_eq!(r.vpc_scope.as_ref().map(|v| v.iter().map(String::as_str).collect::<Vec<_>>()), Some(vec!["vpc-1"]));
    assert_eq!((state(&r, Action::DescribeVpcs), r.completeness.why(Action::DescribeVpcs).as_str()), (State::Partial, "page 2: Throttling"));
    assert_eq!(state(&r, Action::DescribeSubnets), State::NotCollected, "its file is gone");
    assert_eq!(state(&r, Action::DescribeNetworkAcls), State::Missing);
    assert_eq!(state(&r, Action::ListClusters), State::Complete, "lists have no file");
    assert_eq!(state(&r, Action::DescribeVpcEndpoints), State::Complete, "somebody collected it later");
    assert_eq!(state(&r, Action::GetCallerIdentity), State::Complete);
}
