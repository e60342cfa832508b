//! Cases worked by hand from the documentation.

use super::super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/ecsInstanceRole";
const INSTANCE: &str = "arn:aws:ecs:us-east-2:111122223333:container-instance/prod/1";

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes()).expect("a policy")
}

/// An agent's Poll at an interface endpoint.
fn poll() -> Request {
    Request::new("ecs:Poll", EndpointType::Interface)
        .principal(Principal::Role(ROLE.into()))
        .resource(Resource::Known(INSTANCE.into()))
        .context("aws:SourceVpc", ContextValue::Known(vec!["vpc-1".into()]))
        .context("aws:SourceVpce", ContextValue::Known(vec!["vpce-1".into()]))
}

fn known(value: &str) -> ContextValue {
    ContextValue::Known(vec![value.to_owned()])
}

/// `allow 0`, `deny 1`, `deny -`, or `unknown` with the keys.
fn word(document: &str, request: &Request) -> String {
    match evaluate(&parse(document), request).decision {
        Decision::Allow { statement } => format!("allow {statement}"),
        Decision::Deny { statement: Some(statement) } => format!("deny {statement}"),
        Decision::Deny { statement: None } => "deny -".to_owned(),
        Decision::Unknown(unknown) => format!("unknown {}", unknown.keys.join(" ")).trim_end().to_owned(),
    }
}

/// A document of 2012-10-17 with these statements, Principal and Resource `*` where they say nothing else.
fn policy(statements: &[&str]) -> String {
    let statements: Vec<String> = statements
        .iter()
        .map(|statement| {
            let mut text = (*statement).to_owned();
            for element in ["Principal", "Resource", "Action"] {
                if !text.contains(&format!("{element}\"")) {
                    text = format!(r#""{element}":"*",{text}"#);
                }
            }
            format!("{{{text}}}")
        })
        .collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

const ALLOW: &str = r#""Effect":"Allow""#;

fn allow_if(condition: &str) -> String {
    policy(&[&format!(r#"{ALLOW},"Condition":{condition}"#)])
}

#[test]
fn the_default_policy_allows_everything() {
    let default = r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;
    assert_eq!(word(default, &Request::new("ecs:Poll", EndpointType::Interface)), "allow 0");
    assert_eq!(word(default, &poll()), "allow 0");
}

#[test]
fn an_explicit_deny_wins_in_any_order_and_nothing_allowed_is_denied() {
    let deny = r#""Effect":"Deny","Action":"ecs:P*""#;
    assert_eq!(word(&policy(&[ALLOW, deny]), &poll()), "deny 1");
    assert_eq!(word(&policy(&[deny, ALLOW]), &poll()), "deny 0");
    assert_eq!(word(&policy(&[r#""Effect":"Allow","Action":"ecs:ListClusters""#]), &poll()), "deny -");
}

#[test]
fn a_policy_of_denies_alone_denies_what_it_does_not_name_too() {
    // Known from a module's users, who took the policy for "everything but".
    let text = policy(&[r#""Effect":"Deny","Action":"s3:*""#]);
    let judgement = evaluate(&parse(&text), &poll());
    assert_eq!(judgement.decision, Decision::Deny { statement: None });
    assert!(judgement.reason.contains("only Deny statements"), "{}", judgement.reason);
}

#[test]
fn actions_fold_case_and_arns_do_not() {
    assert_eq!(word(&policy(&[r#""Effect":"Allow","Action":"ECS:poll""#]), &poll()), "allow 0");
    let resource = INSTANCE.replace("prod", "PROD");
    assert_eq!(word(&policy(&[&format!(r#""Effect":"Allow","Resource":"{resource}""#)]), &poll()), "deny -");
}

#[test]
fn not_forms_are_the_complement() {
    assert_eq!(word(&policy(&[r#""Effect":"Allow","NotAction":"s3:*""#]), &poll()), "allow 0");
    assert_eq!(word(&policy(&[r#""Effect":"Allow","NotAction":["s3:*","ecs:Poll"]"#]), &poll()), "deny -");
    let not = r#""Effect":"Deny","NotResource":"arn:aws:ecs:*:111122223333:*""#;
    assert_eq!(word(&policy(&[ALLOW, not]), &poll()), "allow 0");
    assert_eq!(word(&policy(&[ALLOW, &not.replace("1111", "4444")]), &poll()), "deny 1");
    assert_eq!(word(&policy(&[r#""Effect":"Allow","NotPrincipal":{"AWS":"444455556666"}"#]), &poll()), "allow 0");
}

#[test]
fn get_authorization_token_needs_the_star() {
    // The action has no resource type, so the request's resource is `*`, which no ARN matches.
    let token = Request::new("ecr:GetAuthorizationToken", EndpointType::Interface).resource(Resource::Known("*".into()));
    let statement = r#""Effect":"Allow","Action":"ecr:*","Resource":"arn:aws:ecr:us-east-2:111122223333:repository/*""#;
    assert_eq!(word(&policy(&[statement]), &token), "deny -");
    assert_eq!(word(&policy(&[statement, r#""Effect":"Allow","Action":"ecr:GetAuthorizationToken""#]), &token), "allow 1");
    let all = policy(&[&statement.replace("arn:aws:ecr:us-east-2:111122223333:repository/*", "*")]);
    assert_eq!(word(&all, &token), "allow 0");
}

#[test]
fn unknown_only_where_it_depends() {
    let org = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
    assert_eq!(word(&allow_if(org), &poll()), "unknown aws:PrincipalOrgID");
    // A second Allow without the condition makes the key irrelevant.
    assert_eq!(word(&policy(&[&format!(r#"{ALLOW},"Condition":{org}"#), ALLOW]), &poll()), "allow 1");
    // A Deny that may match caps the result, unless nothing allows anyway.
    let deny = format!(r#""Effect":"Deny","Condition":{org}"#);
    assert_eq!(word(&policy(&[ALLOW, &deny]), &poll()), "unknown aws:PrincipalOrgID");
    assert_eq!(word(&policy(&[&deny]), &poll()), "deny -");
    // A condition that fails for sure hides one that is unknown.
    let both = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1","aws:SourceVpc":"vpc-2"}}"#;
    assert_eq!(word(&allow_if(both), &poll()), "deny -");
}

#[test]
fn the_same_unknown_is_the_same_everywhere() {
    let equal = format!(r#"{ALLOW},"Condition":{{"StringEquals":{{"aws:PrincipalTag/team":"a"}}}}"#);
    let other = format!(r#"{ALLOW},"Condition":{{"StringNotEquals":{{"aws:principaltag/TEAM":"a"}}}}"#);
    assert!(evaluate(&parse(&policy(&[&equal, &other])), &poll()).decision.is_allow());
    // One statement that asks for both can never match.
    let never = r#"{"StringEquals":{"aws:PrincipalTag/team":"a"},"StringNotEquals":{"aws:PrincipalTag/team":"a"}}"#;
    assert_eq!(word(&allow_if(never), &poll()), "deny -");
    // Patterns: what starts with "ab" starts with "a".
    let wide = format!(r#"{ALLOW},"Condition":{{"StringLike":{{"k:x":"a*"}}}}"#);
    let narrow = r#""Effect":"Deny","Condition":{"StringNotLike":{"k:x":"a*"},"StringLike":{"k:x":"ab*"}}"#;
    assert_eq!(word(&policy(&[ALLOW, narrow]), &poll()), "allow 0");
    assert_eq!(word(&policy(&[&wide]), &poll()), "unknown k:x");
    // Null true and Null false cover everything.
    let absent = format!(r#"{ALLOW},"Condition":{{"Null":{{"k:x":"true"}}}}"#);
    let present = format!(r#"{ALLOW},"Condition":{{"Null":{{"k:x":false}}}}"#);
    assert!(evaluate(&parse(&policy(&[&absent, &present])), &poll()).decision.is_allow());
}

#[test]
fn an_explicit_deny_by_one_statement_or_the_other() {
    // Whatever the tag is, one of the two denies: denied, explicitly, by the first of them.
    let text = policy(&[ALLOW, r#""Effect":"Deny","Condition":{"StringEquals":{"aws:PrincipalTag/a":"1"}}"#, r#""Effect":"Deny","Condition":{"StringNotEquals":{"aws:PrincipalTag/a":"1"}}"#]);
    assert_eq!(word(&text, &poll()), "deny 1");
}

#[test]
fn all_deciding_keys_are_named_and_no_others() {
    let text = allow_if(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1","aws:PrincipalTag/a":"1"},"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#);
    assert_eq!(word(&text, &poll()), "unknown aws:PrincipalOrgID aws:PrincipalTag/a");
    let request = Request::new("ecs:Poll", EndpointType::Interface);
    let text = policy(&[r#""Effect":"Allow","Principal":{"AWS":"111122223333"},"Resource":"arn:aws:ecs:*:*:container-instance/*""#]);
    assert_eq!(word(&text, &request), "unknown principal resource");
}

#[test]
fn keys_that_follow_from_the_request_are_worked_out() {
    for (condition, expected) in [
        (r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#, "allow 0"),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ecs*"}}"#, "allow 0"),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/other"}}"#, "deny -"),
        (r#"{"StringEquals":{"aws:ResourceAccount":"444455556666"}}"#, "deny -"),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, "allow 0"),
        (r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#, "deny -"),
        (r#"{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-2"]}}"#, "allow 0"),
        // No address stands in aws:SourceIp behind an endpoint.
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, "deny -"),
        (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, "allow 0"),
        (r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}"#, "unknown aws:VpcSourceIp"),
    ] {
        assert_eq!(word(&allow_if(condition), &poll()), expected, "{condition}");
    }
}

#[test]
fn addresses_that_are_one_of_many() {
    let text = allow_if(r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.1.0/24"}}"#);
    let within = |block: &str| poll().context("aws:VpcSourceIp", ContextValue::Within(block.parse().expect("a block")));
    assert_eq!(word(&text, &within("10.0.1.128/25")), "allow 0");
    assert_eq!(word(&text, &within("10.0.0.0/16")), "unknown aws:VpcSourceIp");
    assert_eq!(word(&text, &within("10.0.2.0/24")), "deny -");
    let one_of = |addresses: &[&str]| {
        let all = addresses.iter().map(|address| (*address).to_owned()).collect();
        poll().context("aws:VpcSourceIp", ContextValue::OneOf(all))
    };
    assert_eq!(word(&text, &one_of(&["10.0.1.4", "10.0.1.5"])), "allow 0");
    assert_eq!(word(&text, &one_of(&["10.0.1.4", "10.0.2.5"])), "unknown aws:VpcSourceIp");
}

#[test]
fn malformed_statements_never_allow_and_may_deny() {
    let sample = r#"{"Statement":[{"Effect":"Allow","Action":["ecs:CreateCluster","ecs:ListClusters"],"Resource":["*"]}]}"#;
    let create = Request::new("ecs:CreateCluster", EndpointType::Interface);
    assert_eq!(word(sample, &create), "deny -", "an Allow without Principal matches nobody");
    let deny = |statement: &str| format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}},{statement}]}}"#);
    for statement in [
        r#"{"Effect":"Deny","Action":"ecs:Poll","Resource":"*"}"#,
        r#"{"Effect":"deny","Principal":"*","Action":"ecs:Poll","Resource":"*"}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"ecs:Poll","Resource":"*","Condition":{"StringsEqual":{"a:b":"c"}}}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"ecs:Poll","Resource":"*","Condtion":{}}"#,
        r#"{"Principal":"*","Action":"ecs:Poll","Resource":"*"}"#,
        r#"{"Effect":"Deny","Principal":"*","Resource":"*"}"#,
        "7",
    ] {
        assert_eq!(word(&deny(statement), &poll()), "unknown", "{statement}");
    }
    // What a readable part rules out, the rest cannot bring back.
    assert_eq!(word(&deny(r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#), &poll()), "allow 0");
    // Malformed Allows add nothing.
    for statement in [
        r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":[]}}"#,
        r#"{"Effect":"Allow","Principal":"*","Action":"*","NotAction":"s3:*","Resource":"*"}"#,
        r#"{"Effect":"ALLOW","Principal":"*","Action":"*","Resource":"*"}"#,
        r#"{"Effect":"Allow","Principal":"*","NotAction":"s3","Resource":"*"}"#,
    ] {
        assert_eq!(word(&format!(r#"{{"Statement":[{statement}]}}"#), &poll()), "deny -", "{statement}");
    }
    let version = r#"{"Version":"2026-01-01","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    assert_eq!(word(version, &poll()), "unknown", "AWS would refuse the document");
}

#[test]
fn gateway_endpoints_know_an_account_as_its_root_user() {
    let get = Request::new("s3:GetObject", EndpointType::Gateway).principal(Principal::Role(ROLE.into())).resource(Resource::Known("arn:aws:s3:::mine/k".into()));
    let text = policy(&[r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}"#]);
    assert_eq!(word(&text, &get), "deny -");
    assert_eq!(word(&policy(&[&format!(r#""Effect":"Allow","Principal":{{"AWS":"{ROLE}"}}"#)]), &get), "unknown");
    assert_eq!(word(&allow_if(&format!(r#"{{"ArnEquals":{{"aws:PrincipalArn":"{ROLE}"}}}}"#)), &get), "allow 0");
}

/// A GET of a layer: signed by ECR's own identity, from a bucket that AWS owns.
fn layer() -> Request {
    Request::new("s3:GetObject", EndpointType::Gateway)
        .principal(Principal::AwsOwned)
        .resource(Resource::Like(vec!["arn:aws:s3:::prod-us-east-2-starport-layer-bucket/*".into()]))
        .context("aws:ResourceAccount", ContextValue::AwsOwned)
        .context("s3:ResourceAccount", ContextValue::AwsOwned)
        .context("aws:ResourceOrgID", ContextValue::AwsOwned)
}

#[test]
fn image_layers_are_nobodys_of_the_customer() {
    let bucket = r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::prod-us-east-2-starport-layer-bucket/*""#;
    assert_eq!(word(&policy(&[bucket]), &layer()), "allow 0");
    assert_eq!(word(&policy(&[&bucket.replace("prod-us-east-2-starport-layer-bucket/*", "mine/*")]), &layer()), "deny -");
    for condition in [
        r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
        r#"{"StringEquals":{"aws:PrincipalOrgID":"o-mine"}}"#,
        r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}"#,
        r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#,
        r#"{"StringEquals":{"aws:ResourceOrgID":"o-mine"}}"#,
        r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#,
    ] {
        assert_eq!(word(&allow_if(condition), &layer()), "deny -", "{condition}");
    }
    // The usual perimeter: Deny to all outside the organization.
    let perimeter = r#""Effect":"Deny","Condition":{"StringNotEquals":{"aws:ResourceOrgID":"o-mine"}}"#;
    assert_eq!(word(&policy(&[ALLOW, perimeter]), &layer()), "deny 1");
    // A role of any account is one of the things that the caller may be.
    assert_eq!(word(&allow_if(r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#), &layer()), "unknown aws:PrincipalArn");
    assert_eq!(word(&allow_if(r#"{"StringLike":{"aws:PrincipalArn":"*"}}"#), &layer()), "allow 0");
}

#[test]
fn partial_resources_are_allowed_only_if_all_of_them_are() {
    let secret = Request::new("secretsmanager:GetSecretValue", EndpointType::Interface)
        .principal(Principal::Role(ROLE.into()))
        .resource(Resource::Like(vec!["arn:aws:secretsmanager:us-east-2:111122223333:secret:db-??????".into()]));
    let on = |pattern: &str| policy(&[&format!(r#""Effect":"Allow","Resource":"arn:aws:secretsmanager:us-east-2:111122223333:secret:{pattern}""#)]);
    assert_eq!(word(&on("db-??????"), &secret), "allow 0");
    assert_eq!(word(&on("db-*"), &secret), "allow 0");
    assert_eq!(word(&on("*"), &secret), "allow 0");
    assert_eq!(word(&on("db-AbCdEf"), &secret), "unknown resource");
    assert_eq!(word(&on("web-*"), &secret), "deny -");
    // No suffix at all is another secret.
    assert_eq!(word(&on("db"), &secret), "deny -");
}

#[test]
fn variables_take_the_value_of_their_key() {
    let tags = |value: &str| poll().context("aws:PrincipalTag/team", known(value)).context("k:team", known("blue"));
    let text = allow_if(r#"{"StringEquals":{"k:team":"${aws:PrincipalTag/team}"}}"#);
    assert_eq!(word(&text, &tags("blue")), "allow 0");
    assert_eq!(word(&text, &tags("red")), "deny -");
    // A value with a star is that star, not a wildcard.
    let like = allow_if(r#"{"StringLike":{"k:team":"${aws:PrincipalTag/team}"}}"#);
    assert_eq!(word(&like, &tags("*")), "deny -");
    assert_eq!(word(&text, &poll().context("k:team", known("blue"))), "unknown aws:PrincipalTag/team");
    assert_eq!(word(&text, &poll().context("aws:PrincipalTag/team", known("blue"))), "unknown k:team");
    assert_eq!(word(&text, &poll()), "unknown aws:PrincipalTag/team k:team");
    let absent = poll().context("k:team", known("blue")).context("aws:PrincipalTag/team", ContextValue::Absent);
    assert_eq!(word(&text, &absent), "deny -");
    let default = allow_if(r#"{"StringEquals":{"k:team":"${aws:PrincipalTag/team, 'blue'}"}}"#);
    assert_eq!(word(&default, &absent), "allow 0");
    // Without the Version of variables the text is taken as it stands.
    let old = text.replace("2012-10-17", "2008-10-17");
    assert_eq!(word(&old, &tags("blue")), "deny -");
    assert_eq!(word(&old, &poll().context("k:team", known("${aws:PrincipalTag/team}"))), "allow 0");
    let resource = policy(&[r#""Effect":"Allow","Resource":"arn:aws:ecs:us-east-2:111122223333:container-instance/${k:team}/*""#]);
    assert_eq!(word(&resource, &poll().context("k:team", known("prod"))), "allow 0");
    assert_eq!(word(&resource, &poll().context("k:team", known("test"))), "deny -");
    assert_eq!(word(&resource, &poll()), "unknown k:team");
    assert_eq!(word(&resource.replace("container-instance", "cluster"), &poll()), "deny -");
}

#[test]
fn several_unknown_principals_and_their_known_account() {
    let text = policy(&[&format!(r#""Effect":"Allow","Principal":{{"AWS":"{ROLE}"}}"#)]);
    let request = Request::new("ecs:Poll", EndpointType::Interface);
    assert_eq!(word(&text, &request), "unknown principal");
    assert_eq!(word(&text, &request.clone().principal(Principal::SomeRole { account: Some("444455556666".into()) })), "deny -");
    assert_eq!(word(&text, &request.clone().context("aws:PrincipalAccount", known("444455556666"))), "deny -");
    assert_eq!(word(&text, &request.principal(Principal::Anonymous)), "deny -");
}

#[test]
fn a_wildcard_that_would_have_to_cross_a_colon_is_left_open() {
    let text = policy(&[r#""Effect":"Allow","Resource":"arn:aws:logs:*:*:log-group:/a*z:*""#]);
    let put = |group: &str| Request::new("logs:PutLogEvents", EndpointType::Interface).resource(Resource::Known(format!("arn:aws:logs:us-east-2:111122223333:log-group:{group}:log-stream:s")));
    assert_eq!(word(&text, &put("/a-z")), "allow 0");
    assert_eq!(word(&text, &put("/a:z")), "unknown");
    assert_eq!(word(&text, &put("/b-z")), "deny -");
}

#[test]
fn examples_of_an_unknown_lead_to_the_two_outcomes() {
    let text = allow_if(r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#);
    let Decision::Unknown(unknown) = evaluate(&parse(&text), &poll()).decision else { panic!("depends on the organization") };
    let Some(Example::Values(values)) = unknown.allowed_with.get("aws:PrincipalOrgID") else { panic!("an organization") };
    assert_eq!(word(&text, &poll().context("aws:PrincipalOrgID", ContextValue::Known(values.clone()))), "allow 0");
    assert_eq!(unknown.denied_with.get("aws:PrincipalOrgID"), Some(&Example::Absent));
}

#[test]
fn more_unknowns_than_can_be_tried_end_in_unknown() {
    // Thirty statements that each depend on a key of their own, under a Deny that depends on all.
    let mut statements: Vec<String> = (0..30).map(|n| format!(r#"{ALLOW},"Condition":{{"StringEquals":{{"aws:PrincipalTag/t{n}":"1"}}}}"#)).collect();
    for n in 0..30 {
        statements.push(format!(r#""Effect":"Deny","Condition":{{"StringEquals":{{"aws:PrincipalTag/t{n}":"1","aws:PrincipalTag/t{}":"2"}}}}"#, (n + 7) % 30));
    }
    let texts: Vec<&str> = statements.iter().map(String::as_str).collect();
    assert!(word(&policy(&texts), &poll()).starts_with("unknown aws:PrincipalTag/t0"));
}
