//! The two subcommands, from texts to answers.

use serde_json::json;

use super::super::EndpointType;
use super::super::command::{CheckOptions, PolicyError, PolicyFile, TestOptions, check, test};

fn file(text: &str) -> PolicyFile {
    PolicyFile { name: "p.json".into(), bytes: text.as_bytes().to_vec() }
}

const SAMPLE: &str = r#"{"Statement":[{"Effect":"Allow","Action":["ecs:CreateCluster","ecs:ListClusters"],"Resource":["*"]}]}"#;

fn options(action: &str) -> CheckOptions {
    CheckOptions { action: action.into(), ..CheckOptions::default() }
}

#[test]
fn the_page_sample_denies_and_says_why() {
    let report = check(&[file(SAMPLE)], &options("ecs:CreateCluster")).expect("a policy");
    assert_eq!(report.exit_status(), 1);
    assert_eq!(
        report.json(),
        json!({"schema":"audit-policy/1","decision":"deny","statement":null,"unknown_keys":[],
               "reason":"no statement allows ecs:CreateCluster: statement 0 allows nothing (no Principal)"})
    );
    let mended = SAMPLE.replace(r#""Effect""#, r#""Principal":"*","Effect""#);
    let report = check(&[file(&mended)], &options("ecs:CreateCluster")).expect("a policy");
    assert_eq!(report.exit_status(), 0);
    let report = test(&[file(&mended)], &TestOptions { service: "ecs".into(), ..TestOptions::default() });
    assert_eq!(report.expect("a policy").exit_status(), 1, "the agents are shut out");
}

#[test]
fn what_is_not_given_is_unknown_and_named() {
    let text = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}}"#;
    let mut options = options("ecs:Poll");
    let report = check(&[file(text)], &options).expect("a policy");
    assert_eq!(report.exit_status(), 3);
    assert_eq!(report.json()["unknown_keys"], json!(["aws:PrincipalOrgID"]));
    options.context = vec!["aws:principalorgid=o-1".into()];
    assert_eq!(check(&[file(text)], &options).expect("a policy").exit_status(), 0);
    options.context.clear();
    options.absent = vec!["aws:PrincipalOrgID".into()];
    assert_eq!(check(&[file(text)], &options).expect("a policy").exit_status(), 1);
}

#[test]
fn the_worst_of_several_files() {
    let allow = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    let unknown = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}}"#;
    let options = options("ecs:Poll");
    let status = |texts: &[&str]| {
        let files: Vec<PolicyFile> = texts.iter().map(|text| file(text)).collect();
        check(&files, &options).expect("policies").exit_status()
    };
    assert_eq!(status(&[allow]), 0);
    assert_eq!(status(&[allow, unknown]), 3);
    assert_eq!(status(&[allow, unknown, SAMPLE]), 1);
    let files = [file(allow), file(unknown)];
    let value = check(&files, &options).expect("policies").json();
    assert_eq!(value["decision"], "unknown");
    assert_eq!(value["files"][0]["decision"], "allow");
    assert_eq!(value["files"][1]["unknown_keys"], json!(["principal"]));
}

#[test]
fn wrong_usage() {
    let full = file(r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#);
    let run = |options: CheckOptions| check(std::slice::from_ref(&full), &options).expect_err("wrong usage").to_string();
    assert!(run(options("Poll")).contains("`Poll` is no action"));
    assert!(run(options("ecs:*")).contains("is no action"));
    assert!(run(CheckOptions { principal: Some("bob".into()), ..options("ecs:Poll") }).contains("`bob`"));
    assert!(run(CheckOptions { resource: Some("bucket".into()), ..options("ecs:Poll") }).contains("`bucket`"));
    assert!(run(CheckOptions { context: vec!["k".into()], ..options("ecs:Poll") }).contains("KEY=VALUE"));
    let both = CheckOptions { context: vec!["k=v".into()], absent: vec!["K".into()], ..options("ecs:Poll") };
    assert!(run(both).contains("drop one"));
    let error = check(&[file("{}")], &options("ecs:Poll")).expect_err("no policy");
    assert_eq!(error.to_string(), "p.json: no Statement");
    let error = test(&[full], &TestOptions { service: "lambda".into(), ..TestOptions::default() });
    assert!(error.expect_err("no such service").to_string().contains("ecs-agent"));
}

#[test]
fn context_splits_at_the_first_equals_sign_and_repeats() {
    let text = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
        "Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a=b","c"]}}}}"#;
    let run = |context: &[&str]| {
        let context = context.iter().map(|pair| (*pair).to_owned()).collect();
        check(&[file(text)], &CheckOptions { context, ..options("ecs:TagResource") }).expect("a policy").exit_status()
    };
    assert_eq!(run(&["aws:TagKeys=a=b", "aws:tagkeys=c"]), 0);
    assert_eq!(run(&["aws:TagKeys=a=b", "aws:TagKeys=d"]), 1);
    assert_eq!(run(&[]), 3);
}

#[test]
fn the_endpoint_type_follows_the_service() {
    let text = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}}"#;
    let run = |service: &str, endpoint_type| {
        let options = CheckOptions { service: Some(service.into()), endpoint_type, principal: Some("arn:aws:iam::111122223333:role/r".into()), ..options("s3:GetObject") };
        check(&[file(text)], &options).expect("a policy").exit_status()
    };
    assert_eq!(run("s3", None), 1, "at a gateway endpoint an account is its root user");
    assert_eq!(run("com.amazonaws.eu-west-1.dynamodb", None), 1);
    assert_eq!(run("s3", Some(EndpointType::Interface)), 0);
    assert_eq!(run("ecs", None), 0);
}

#[test]
fn drafts_for_the_layer_bucket() {
    let run = |condition: &str| {
        let text = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::prod-us-east-2-starport-layer-bucket/*"{condition}}}}}"#
        );
        test(&[file(&text)], &TestOptions { service: "s3".into(), ..TestOptions::default() }).expect("a policy")
    };
    assert_eq!(run("").exit_status(), 0, "AWS's own example");
    for key in ["aws:PrincipalAccount", "aws:ResourceAccount", "s3:ResourceAccount"] {
        let report = run(&format!(r#","Condition":{{"StringEquals":{{"{key}":"111122223333"}}}}"#));
        assert_eq!(report.exit_status(), 1, "{key} is never the customer's for layers");
    }
    let org = run(r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}"#);
    assert_eq!(org.exit_status(), 1);
}

#[test]
fn a_draft_for_one_region_and_account_is_tested_there() {
    let text = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":["ecs:Poll"],
        "Resource":"arn:aws:ecs:us-east-2:111122223333:container-instance/*"}}"#;
    let run = |options| test(&[file(text)], &options).expect("a policy");
    let report = run(TestOptions { service: "ecs-agent".into(), ..TestOptions::default() });
    assert_eq!(report.exit_status(), 0);
    assert!(report.text().contains("deny    ecs:Poll on arn:aws:ecs:us-east-2:111122223333:task-set/*"), "{}", report.text());
    let elsewhere = TestOptions { service: "ecs-agent".into(), region: Some("eu-west-1".into()), ..TestOptions::default() };
    assert_eq!(run(elsewhere).exit_status(), 1);
    let one = text.replace("container-instance/*", "container-instance/prod/*");
    let report = test(&[file(&one)], &TestOptions { service: "ecs-agent".into(), ..TestOptions::default() });
    assert_eq!(report.expect("a policy").exit_status(), 3, "the cluster is not known");
}

#[test]
fn services_are_known_by_short_and_full_names_of_every_partition() {
    let file = || [PolicyFile { name: "p".into(), bytes: br#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#.to_vec() }];
    for (name, short) in [
        ("ecr.api", "ecr.api"),
        ("S3", "s3"),
        ("com.amazonaws.us-east-2.ecr.api", "ecr.api"),
        ("cn.com.amazonaws.cn-north-1.ecr.dkr", "ecr.dkr"),
        ("eu.amazonaws.eusc-de-east-1.ecr.api", "ecr.api"),
        ("gov.ic.c2s.us-iso-east-1.ecr.dkr", "ecr.dkr"),
        ("com.amazonaws.us-gov-west-1.ecr-fips.api", "ecr.api"),
        ("ecs-fips", "ecs"),
        ("com.amazonaws.us-east-1.kms-fips", "kms"),
    ] {
        let report = test(&file(), &TestOptions { service: name.into(), ..TestOptions::default() });
        assert_eq!(report.map(|r| (r.service.clone(), r.exit_status())), Ok((short.to_owned(), 0)), "{name}");
    }
    assert!(matches!(test(&file(), &TestOptions { service: "com.amazonaws.us-east-2.sqs".into(), ..TestOptions::default() }), Err(PolicyError::Service { .. })));
}
