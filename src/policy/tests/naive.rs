//! A second evaluator, written for clarity alone: two-valued, over a plain JSON tree, everything known.
//! It shares nothing with the real one but the generator's vocabulary.

use std::collections::BTreeMap;

use serde_json::Value;

/// A request of which everything is known. Keys in lower case; no key, or no value: absent.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) role: String,
    pub(super) context: BTreeMap<String, Vec<String>>,
}

/// Whether the policy allows.
pub(super) fn allows(policy: &Value, request: &Known) -> bool {
    let variables = policy["Version"] == "2012-10-17";
    let statements = many(&policy["Statement"]);
    let matching = |effect: &str| statements.iter().any(|s| s["Effect"] == effect && statement(s, request, variables));
    matching("Allow") && !matching("Deny")
}

fn many(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    }
}

fn texts(value: &Value) -> Vec<String> {
    many(value).iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
}

fn statement(s: &Value, request: &Known, variables: bool) -> bool {
    let pick = |name: &str, test: &dyn Fn(&str) -> bool| match s.get(name) {
        Some(list) => texts(list).iter().any(|v| test(v)),
        None => !texts(&s[format!("Not{name}")]).iter().any(|v| test(v)),
    };
    let action = pick("Action", &|v| glob(&v.to_lowercase(), &request.action.to_lowercase()));
    let resource = pick("Resource", &|v| fill(v, request, variables, true).is_some_and(|v| glob(&v, &request.resource)));
    let account = request.role.split(':').nth(4).unwrap_or_default();
    let principal = match &s["Principal"] {
        Value::String(star) => star == "*",
        map => texts(&map["AWS"]).iter().any(|v| v == "*" || v == account || *v == format!("arn:aws:iam::{account}:root") || *v == request.role),
    };
    let condition = s
        .get("Condition")
        .and_then(Value::as_object)
        .is_none_or(|operators| operators.iter().all(|(operator, keys)| keys.as_object().is_none_or(|keys| keys.iter().all(|(key, values)| holds(operator, key, &texts(values), request, variables)))));
    action && resource && principal && condition
}

fn holds(operator: &str, key: &str, values: &[String], request: &Known, variables: bool) -> bool {
    let given: Vec<String> = request.context.get(&key.to_lowercase()).cloned().unwrap_or_default();
    let (set, rest) = match operator.split_once(':') {
        Some((set, rest)) => (set, rest),
        None => ("", operator),
    };
    let (rest, if_exists) = match rest.strip_suffix("IfExists") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    if rest == "Null" {
        return values.iter().any(|v| (v == "true") == given.is_empty());
    }
    let negated = rest.contains("Not");
    if given.is_empty() {
        return if_exists || set == "ForAllValues" || (set.is_empty() && negated);
    }
    // One value of the request against all of the policy, negation included.
    let one = |g: &String| {
        let agrees = values.iter().any(|v| compare(&rest.replace("Not", ""), v, g, request, variables));
        agrees != negated
    };
    match set {
        "ForAllValues" => given.iter().all(one),
        "ForAnyValue" => given.iter().any(one),
        _ => given.len() == 1 && given.iter().all(one),
    }
}

fn compare(operator: &str, value: &str, given: &str, request: &Known, variables: bool) -> bool {
    let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
    match operator {
        "StringEquals" => fill(value, request, variables, false).is_some_and(|v| v == given),
        "StringEqualsIgnoreCase" => value.to_lowercase() == given.to_lowercase(),
        "StringLike" => fill(value, request, variables, true).is_some_and(|v| glob(&v, given)),
        "ArnEquals" | "ArnLike" => {
            let (pattern, arn): (Vec<&str>, Vec<&str>) = (value.splitn(6, ':').collect(), given.splitn(6, ':').collect());
            pattern.len() == 6 && arn.len() == 6 && pattern.iter().zip(&arn).all(|(p, a)| glob(p, a))
        }
        "Bool" => value.to_lowercase() == given.to_lowercase(),
        "NumericEquals" => number(given) == number(value),
        "NumericLessThan" => number(given) < number(value),
        "NumericGreaterThanEquals" => number(given) >= number(value),
        // The vocabulary's dates have one form, in which order is the order of text.
        "DateLessThan" => given < value,
        "DateGreaterThanEquals" => given >= value,
        "IpAddress" => in_block(value, given),
        other => unreachable!("{other} is not in the vocabulary"),
    }
}

fn in_block(block: &str, address: &str) -> bool {
    let bits = |text: &str| text.split('.').fold(0u64, |all, part| all * 256 + part.parse::<u64>().unwrap_or_default());
    let (network, length) = block.split_once('/').unwrap_or((block, "32"));
    let shift = 32 - length.parse::<u32>().unwrap_or_default();
    bits(network) >> shift == bits(address) >> shift
}

/// Fills in variables by plain replacement; the vocabulary's values hold no wildcards.
fn fill(text: &str, request: &Known, variables: bool, _wildcards: bool) -> Option<String> {
    if !variables {
        return Some(text.to_owned());
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        let (key, default) = match name.split_once(", '") {
            Some((key, default)) => (key, Some(default.trim_end_matches('\'').to_owned())),
            None => (name, None),
        };
        result.push_str(before);
        result.push_str(&request.context.get(&key.to_lowercase()).and_then(|v| v.first().cloned()).or(default)?);
        rest = after;
    }
    result.push_str(rest);
    Some(result)
}

fn glob(pattern: &str, text: &str) -> bool {
    let mut p = pattern.chars();
    match p.next() {
        None => text.is_empty(),
        Some('*') => (0..=text.len()).any(|n| text.is_char_boundary(n) && glob(p.as_str(), &text[n..])),
        Some(c) => text.chars().next().is_some_and(|t| (c == '?' || c == t) && glob(p.as_str(), &text[t.len_utf8()..])),
    }
}
