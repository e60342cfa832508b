//! Arbitrary files load or are refused; nothing panics.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 14] = [
    "audit-snapshot.json",
    "ec2.describe-vpcs.json",
    "ec2.describe-vpc-attribute.json",
    "ec2.describe-vpc-endpoint-services.json",
    "ec2.get-managed-prefix-list-entries.x.json",
    "ec2.describe-vpc-block-public-access-options.json",
    "ecs.describe-services.json",
    "ecs.describe-task-definition.json",
    "ecs.list-tasks.json",
    "iam.get-role-policy.json",
    "guardduty.get-detector.json",
    "cloudtrail.lookup-events.json",
    "sts.get-caller-identity.json",
    "us-east-2/route53.list-resource-record-sets.json",
];

/// JSON made of the words that matter, in any arrangement.
fn json() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "Vpcs",
        "VpcId",
        "VpcAttributes",
        "EnableDnsSupport",
        "Value",
        "ServiceNames",
        "ServiceDetails",
        "PrefixLists",
        "PrefixListId",
        "Entries",
        "services",
        "serviceArn",
        "failures",
        "arn",
        "taskDefinitions",
        "taskDefinition",
        "taskDefinitionArn",
        "containerDefinitions",
        "taskArns",
        "byCluster",
        "RoleName",
        "PolicyName",
        "PolicyDocument",
        "Status",
        "Features",
        "Events",
        "CloudTrailEvent",
        "ResourceRecordSets",
        "IsTruncated",
        "NextToken",
        "Error",
        "Code",
        "schema",
        "completeness",
        "taken_at",
        "Account",
        "arn:aws:ecs:us-east-2:111122223333:task/a/b",
        "",
    ]);
    let leaf = prop_oneof![Just("null".to_owned()), Just("true".to_owned()), Just("-1e400".to_owned()), any::<i64>().prop_map(|n| n.to_string()), word.clone().prop_map(|w| format!("{w:?}"))];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((word.clone(), inner), 0..5).prop_map(|items| format!("{{{}}}", items.iter().map(|(k, v)| format!("{k:?}:{v}")).collect::<Vec<_>>().join(","))),
        ]
    })
}

fn check(files: &[(&str, Vec<u8>)]) {
    let folder = Folder::bare();
    for (name, content) in files {
        folder.file(name, content);
    }
    match folder.load_in(&["us-east-2"]) {
        Ok(inventory) => assert!(!inventory.regions.is_empty()),
        Err(error) => assert!(error.to_string().starts_with(&folder.path().display().to_string()), "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn raw_bytes(name in prop::sample::select(NAMES.to_vec()), content in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&[(name, content)]);
    }

    #[test]
    fn arrangements_of_known_words(files in prop::collection::vec((prop::sample::select(NAMES.to_vec()), json()), 1..4)) {
        check(&files.iter().map(|(name, text)| (*name, text.clone().into_bytes())).collect::<Vec<_>>());
    }

    #[test]
    fn cut_and_mangled_outputs(at in 0usize..400, byte in any::<u8>()) {
        let mut text = br#"[{"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:us-east-2:111122223333:task-definition/web:1", "containerDefinitions": [{"name": "app", "image": "nginx", "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}, "environment": [{"name": "A", "value": "b"}]}], "volumes": null, "revision": 1}}]"#.to_vec();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        check(&[("ecs.describe-task-definition.json", text.clone())]);
        text.truncate(at);
        check(&[("ecs.describe-task-definition.json", text)]);
    }
}
