//! Properties over random policies.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::super::*;
use super::naive::{Known, allows};

const ROLE: &str = "arn:aws:iam::111122223333:role/agent";

/// Keys with every value that the vocabulary can tell apart; each may be absent as well.
const KEYS: [(&str, &[&str]); 6] = [
    ("aws:SourceVpc", &["vpc-1", "VPC-1", "vpc-12", "eni-1", "vpc-2", "blue", "red"]),
    ("aws:PrincipalTag/team", &["vpc-1", "blue", "red"]),
    ("k:number", &["4", "5", "7", "10", "11"]),
    ("k:date", &["2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"]),
    ("aws:VpcSourceIp", &["10.0.0.1", "10.1.0.1", "11.0.0.1"]),
    ("aws:SecureTransport", &["true", "false"]),
];

fn condition() -> impl Strategy<Value = (String, String, Value)> {
    let text = (
        select(vec!["aws:SourceVpc", "aws:PrincipalTag/team", "AWS:sourcevpc"]),
        select(vec!["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringNotEqualsIfExists", "ForAllValues:StringEquals", "ForAnyValue:StringNotEquals"]),
        subsequence(vec!["vpc-1", "blue"], 1..=2),
    )
        .prop_map(|(key, operator, values)| (operator.to_owned(), key.to_owned(), json!(values)));
    let like = (select(vec!["aws:SourceVpc"]), select(vec!["StringLike", "StringNotLike", "StringEqualsIgnoreCase", "ForAnyValue:StringLike"]), select(vec!["vpc-*", "vpc-1", "*-1", "vpc-1?"]))
        .prop_filter_map("a wildcard is none here", |(key, operator, value)| (operator != "StringEqualsIgnoreCase" || value == "vpc-1").then(|| (operator.to_owned(), key.to_owned(), json!(value))));
    let number = (select(vec!["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEqualsIfExists"]), select(vec![5, 10]))
        .prop_map(|(operator, value)| (operator.to_owned(), "k:number".to_owned(), json!(value)));
    let date = (select(vec!["DateLessThan", "DateGreaterThanEquals"]), Just("2026-01-01T00:00:00Z")).prop_map(|(operator, value)| (operator.to_owned(), "k:date".to_owned(), json!(value)));
    let address =
        (select(vec!["IpAddress", "NotIpAddress"]), select(vec!["10.0.0.0/8", "10.1.0.0/16"])).prop_map(|(operator, value)| (operator.to_owned(), "aws:VpcSourceIp".to_owned(), json!([value])));
    let other = (select(vec!["aws:SourceVpc", "aws:PrincipalTag/team", "k:number", "aws:SecureTransport"]), any::<bool>(), select(vec!["Null", "Bool"])).prop_map(|(key, value, operator)| {
        let key = if operator == "Bool" { "aws:SecureTransport" } else { key };
        (operator.to_owned(), key.to_owned(), json!(value))
    });
    prop_oneof![4 => text, 3 => like, 2 => number, 1 => date, 2 => address, 2 => other]
}

fn statement() -> impl Strategy<Value = Value> {
    (
        prop_oneof![3 => Just("Allow"), 2 => Just("Deny")],
        select(vec![("Action", json!("*")), ("Action", json!("ecs:*")), ("Action", json!(["s3:*", "ECS:P?ll"])), ("NotAction", json!("s3:*")), ("NotAction", json!("ecs:Poll"))]),
        select(vec![
            ("Resource", json!("*")),
            ("Resource", json!("arn:aws:ecs:*:111122223333:container-instance/*")),
            ("Resource", json!(["arn:aws:ecs:us-east-2:*:cluster/*", "arn:aws:s3:::b/*"])),
            ("NotResource", json!("arn:aws:ecs:*:*:cluster/*")),
        ]),
        select(vec![json!("*"), json!({"AWS": "*"}), json!({"AWS": ["444455556666", "111122223333"]}), json!({"AWS": "444455556666"}), json!({"AWS": ROLE}), json!({"Service": "ecs.amazonaws.com"})]),
        prop::collection::vec(condition(), 0..3),
    )
        .prop_map(|(effect, action, resource, principal, conditions)| {
            let mut block: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
            for (operator, key, value) in conditions {
                let keys = block.entry(operator).or_default();
                // AWS takes one key but once under an operator.
                if keys.keys().all(|other| !other.eq_ignore_ascii_case(&key)) {
                    keys.insert(key, value);
                }
            }
            let mut statement = json!({"Effect": effect, "Principal": principal, "Condition": block});
            statement[action.0] = action.1;
            statement[resource.0] = resource.1;
            statement
        })
}

fn policy() -> impl Strategy<Value = Value> {
    prop::collection::vec(statement(), 1..5).prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

/// For each key: absent (none), or the number of a value.
fn values() -> impl Strategy<Value = Vec<Option<usize>>> {
    KEYS.iter().map(|(_, values)| prop::option::of(0..values.len())).collect::<Vec<_>>()
}

fn question() -> impl Strategy<Value = (String, String)> {
    (select(vec!["ecs:Poll", "s3:GetObject"]), select(vec!["arn:aws:ecs:us-east-2:111122223333:container-instance/c/1", "arn:aws:ecs:us-east-2:111122223333:cluster/c", "arn:aws:s3:::b/k"]))
        .prop_map(|(action, resource)| (action.to_owned(), resource.to_owned()))
}

fn document(policy: &Value) -> Document {
    let document = Document::parse(policy.to_string().as_bytes()).expect("a policy");
    assert_eq!(document.problems, [], "{policy}");
    document
}

/// The request with the keys that are not in `open` filled in.
fn request(question: &(String, String), values: &[Option<usize>], open: &BTreeSet<usize>) -> Request {
    let mut request = Request::new(&question.0, EndpointType::Interface).principal(Principal::Role(ROLE.into())).resource(Resource::Known(question.1.clone()));
    for (place, (key, all)) in KEYS.iter().enumerate() {
        request = request.context(
            key,
            match values[place] {
                _ if open.contains(&place) => ContextValue::Unknown,
                None => ContextValue::Absent,
                Some(value) => ContextValue::Known(vec![all[value].to_owned()]),
            },
        );
    }
    request
}

fn known(question: &(String, String), values: &[Option<usize>]) -> Known {
    let context = KEYS.iter().zip(values).filter_map(|((key, all), value)| value.map(|value| (key.to_lowercase(), vec![all[value].to_owned()]))).collect();
    Known { action: question.0.clone(), resource: question.1.clone(), role: ROLE.to_owned(), context }
}

/// Every way to fill in the open keys.
fn fillings(values: &[Option<usize>], open: &BTreeSet<usize>) -> Vec<Vec<Option<usize>>> {
    let mut all = vec![values.to_vec()];
    for place in open {
        let choices = std::iter::once(None).chain((0..KEYS[*place].1.len()).map(Some));
        all = choices
            .flat_map(|choice| {
                all.iter().map(move |filling| {
                    let mut filling = filling.clone();
                    filling[*place] = choice;
                    filling
                })
            })
            .collect();
    }
    all
}

/// How open a decision is.
fn openness(decision: &Decision) -> u8 {
    match decision {
        Decision::Deny { .. } => 0,
        Decision::Unknown(_) => 1,
        Decision::Allow { .. } => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// With everything known the two evaluators agree.
    #[test]
    fn known_requests_agree_with_the_naive_evaluator(policy in policy(), question in question(), values in values()) {
        let decision = evaluate(&document(&policy), &request(&question, &values, &BTreeSet::new())).decision;
        let expected = allows(&policy, &known(&question, &values));
        prop_assert_eq!(decision.is_allow(), expected, "{:?}", decision);
        prop_assert_eq!(decision.is_deny(), !expected);
    }

    /// A decision is definite exactly if every way to fill in the unknowns decides alike, and the keys named
    /// are exactly those of which a change alone turns the decision somewhere.
    #[test]
    fn unknown_is_justified_and_definite_is_sound(
        policy in policy(), question in question(), values in values(),
        open in subsequence((0..KEYS.len()).collect::<Vec<_>>(), 1..=3),
    ) {
        let open: BTreeSet<usize> = open.into_iter().collect();
        let document = document(&policy);
        let decision = evaluate(&document, &request(&question, &values, &open)).decision;
        let outcomes: BTreeMap<Vec<Option<usize>>, bool> =
            fillings(&values, &open).into_iter().map(|filling| { let allowed = allows(&policy, &known(&question, &filling)); (filling, allowed) }).collect();
        let any = outcomes.values().any(|allowed| *allowed);
        let all = outcomes.values().all(|allowed| *allowed);
        match &decision {
            Decision::Allow { .. } => prop_assert!(all),
            Decision::Deny { .. } => prop_assert!(!any),
            Decision::Unknown(unknown) => {
                prop_assert!(any && !all, "{:?}", unknown);
                let mut deciding = BTreeSet::new();
                for (filling, allowed) in &outcomes {
                    for place in &open {
                        for other in fillings(filling, &BTreeSet::from([*place])) {
                            if outcomes.get(&other) != Some(allowed) {
                                deciding.insert(KEYS[*place].0.to_lowercase());
                            }
                        }
                    }
                }
                let named: BTreeSet<String> = unknown.keys.iter().map(|key| key.to_lowercase()).collect();
                prop_assert_eq!(named, deciding);
                // The examples lead where they say.
                for (examples, expected) in [(&unknown.allowed_with, true), (&unknown.denied_with, false)] {
                    let mut filled = request(&question, &values, &open);
                    for (key, example) in examples {
                        filled = filled.context(key, match example {
                            Example::Absent => ContextValue::Absent,
                            Example::Values(values) => ContextValue::Known(values.clone()),
                            Example::Other => ContextValue::Unknown,
                        });
                    }
                    let decision = evaluate(&document, &filled).decision;
                    prop_assert_eq!(decision.is_allow(), expected, "{:?} {:?}", examples, decision);
                    prop_assert_eq!(decision.is_deny(), !expected, "{:?} {:?}", examples, decision);
                }
            }
        }
    }

    /// One more Deny, or one Allow less, never opens anything; no more does knowing less.
    #[test]
    fn denies_and_missing_allows_never_open(
        policy in policy(), more in statement(), question in question(), values in values(), place in any::<prop::sample::Index>(),
        open in subsequence((0..KEYS.len()).collect::<Vec<_>>(), 0..=3),
    ) {
        let open: BTreeSet<usize> = open.into_iter().collect();
        let request = request(&question, &values, &open);
        let before = openness(&evaluate(&document(&policy), &request).decision);
        let mut tighter = policy.clone();
        let mut deny = more;
        deny["Effect"] = json!("Deny");
        let list = tighter["Statement"].as_array_mut().expect("a list");
        list.insert(place.index(list.len() + 1), deny);
        prop_assert!(openness(&evaluate(&document(&tighter), &request).decision) <= before);
        let mut fewer = policy.clone();
        let list = fewer["Statement"].as_array_mut().expect("a list");
        let removed = list.remove(place.index(list.len()));
        if removed["Effect"] == "Allow" && !list.is_empty() {
            prop_assert!(openness(&evaluate(&document(&fewer), &request).decision) <= before);
        }
    }

    /// A malformed Allow adds nothing, whatever is wrong with it.
    #[test]
    fn malformed_allows_never_open(policy in policy(), broken in statement(), question in question(), values in values(), place in select(vec!["Principal", "Action", "Resource", "Condition"])) {
        let request = request(&question, &values, &BTreeSet::new());
        let before = openness(&evaluate(&document(&policy), &request).decision);
        let mut longer = policy.clone();
        let mut broken = broken;
        broken["Effect"] = json!("Allow");
        for name in [place.to_owned(), format!("Not{place}")] {
            if broken.get(&name).is_some() {
                broken[name] = json!({"no": ["such", 1]});
            }
        }
        longer["Statement"].as_array_mut().expect("a list").push(broken);
        let document = Document::parse(longer.to_string().as_bytes()).expect("a policy");
        prop_assert!(!document.problems.is_empty());
        prop_assert_eq!(openness(&evaluate(&document, &request).decision), before);
    }

    /// Raw bytes are judged or refused, and nothing else.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let known = problems(&bytes, EndpointType::Gateway);
        if let Ok(document) = Document::parse(&bytes) {
            let decision = evaluate(&document, &Request::new("ecs:Poll", EndpointType::Interface)).decision;
            prop_assert!(known.is_empty() || !decision.is_allow() || document.problems.is_empty());
        } else {
            prop_assert!(!known.is_empty());
        }
    }

    /// Documents with a part replaced by anything are survived too, in reasonable time.
    #[test]
    fn mangled_documents_are_survived(policy in policy(), from in any::<prop::sample::Index>(), length in 0..30usize, junk in "[\\PC*?${}:,\"]{0,40}") {
        let mut text: Vec<char> = policy.to_string().chars().collect();
        let start = from.index(text.len());
        let end = (start + length).min(text.len());
        text.splice(start..end, junk.chars());
        let text: String = text.into_iter().collect();
        if let Ok(document) = Document::parse(text.as_bytes()) {
            let request = Request::new("ecs:Poll", EndpointType::Gateway).principal(Principal::SomeRole { account: None });
            let judgement = evaluate(&document, &request);
            prop_assert!(!judgement.reason.is_empty());
            prop_assert!(!(document.doubtful && judgement.decision.is_allow()));
        }
    }
}

#[test]
fn large_hostile_documents_do_not_stall() {
    let stars = "*a".repeat(200);
    let many: Vec<Value> = (0..60)
        .map(|n| {
            json!({"Effect": if n % 3 == 0 { "Deny" } else { "Allow" }, "Principal": {"AWS": format!("{n:012}")}, "Action": "*",
                "Resource": format!("arn:aws:s3:::{stars}{n}*"),
                "Condition": {"StringLike": {"k:x": [format!("*{n}*a*{stars}"), "*b*c*d*e*"], format!("k:{n}"): format!("*{n}*")}}})
        })
        .collect();
    let text = json!({"Version": "2012-10-17", "Statement": many}).to_string();
    let document = Document::parse(text.as_bytes()).expect("a policy");
    let start = std::time::Instant::now();
    let decision = evaluate(&document, &Request::new("s3:GetObject", EndpointType::Gateway)).decision;
    assert!(matches!(decision, Decision::Unknown(_)));
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}
