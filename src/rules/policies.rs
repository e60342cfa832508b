//! The endpoint policy that would let ECS through: the one that is there, its statements completed where they name nobody, and
//! one statement more for what ECS calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::change::Change;
use super::{po01, proof};
use crate::analysis::path::need_of;
use crate::analysis::{Need, Placement, Tri, View, services};
use crate::inventory::ec2::VpcEndpoint;
use crate::policy::{self, Document, EndpointType};

/// What the proposed document is, for the words of the remedy.
pub const KEPT: &str = "The command keeps the statements that do something and adds one for what ECS calls here; the callers' own IAM policies still decide who may.";

/// Characters of a document that still make a command to be read; AWS takes 20,480.
const LONGEST: usize = 2_000;
/// The id of the statement that is added.
const SID: &str = "EcsThroughThisEndpoint";

/// The document in place of the endpoint's own: `None` where nothing that ECS runs calls through it, where the document cannot
/// be completed, or would be too long for a command.
#[must_use]
pub fn change(view: &View<'_>, endpoint: &str) -> Option<Change> {
    let found = view.index.endpoints.get(endpoint).copied()?;
    completed(found, added(view, found)?)
}

/// The endpoint's document with a statement more that grants an action on a resource to everybody: `None` as with [`change`].
#[must_use]
pub fn granting(endpoint: &VpcEndpoint, action: &str, resource: &str) -> Option<Change> {
    completed(endpoint, vec![json!({"Sid": SID, "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource})])
}

fn completed(found: &VpcEndpoint, added: Vec<Value>) -> Option<Change> {
    let mut document: Value = serde_json::from_str(document_text(found)?).ok()?;
    let statements = match document.get_mut("Statement")?.take() {
        Value::Array(all) => all,
        one @ Value::Object(_) => vec![one],
        _ => return None,
    };
    let idle = match (Document::parse(document_text(found)?.as_bytes()), endpoint_prefixes(found)) {
        (Ok(document), Some(own)) => po01::idle(&document, own),
        _ => BTreeSet::new(),
    };
    let statements = statements.into_iter().enumerate().filter(|(i, _)| !idle.contains(i)).map(|(_, s)| s);
    let mut statements: Vec<Value> = statements.filter(|s| !s["Sid"].as_str().is_some_and(|id| id.starts_with(SID))).collect();
    for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
        if !statement.contains_key("Principal") && !statement.contains_key("NotPrincipal") {
            statement.insert("Principal".to_owned(), json!("*"));
        }
    }
    statements.extend(added);
    document.as_object_mut()?.insert("Statement".to_owned(), Value::Array(statements));
    let document = document.to_string();
    let kind = if is_gateway(found) { EndpointType::Gateway } else { EndpointType::Interface };
    let fine = document.len() <= LONGEST && policy::problems(document.as_bytes(), kind).is_empty();
    fine.then(|| Change::Policy { endpoint: found.vpc_endpoint_id.clone(), document })
}

fn document_text(endpoint: &VpcEndpoint) -> Option<&str> {
    endpoint.policy_document.as_ref().map(|p| p.0.trim_start_matches('\u{feff}'))
}

fn endpoint_prefixes(endpoint: &VpcEndpoint) -> Option<&'static [&'static str]> {
    po01::prefixes(services::short_name(endpoint.service_name.as_deref()?)?)
}

/// The same, with the proof that it does.
#[must_use]
pub fn proven(view: &View<'_>, endpoint: &str) -> Option<(Change, String)> {
    let change = change(view, endpoint)?;
    let stopped = |p: &&crate::analysis::Path| p.verdict == Tri::Fail && p.causes.iter().any(|c| c.object == endpoint);
    let hits: Vec<(&Placement, &Need)> = view.paths.iter().filter(stopped).filter_map(|p| need_of(view, p)).collect();
    let proof = proof::prove(view, std::slice::from_ref(&change), "", endpoint, &hits);
    (proof == "verified").then_some((change, proof))
}

fn is_gateway(endpoint: &VpcEndpoint) -> bool {
    endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("gateway"))
}

/// One statement for each set of resources. Actions of S3 are granted on what they are called on, since objects are data; those
/// of other services on everything, so that the next cluster or repository is not shut out.
fn added(view: &View<'_>, endpoint: &VpcEndpoint) -> Option<Vec<Value>> {
    let service = endpoint.service_name.as_deref().and_then(services::short_name)?;
    let mut actions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for placement in &view.placements {
        for ask in placement.needs.iter().filter(|n| n.service == service && n.region.is_none()).flat_map(|n| &n.asks) {
            let resource = if service == "s3" { ask.resource.clone() } else { "*".to_owned() };
            actions.entry(ask.action).or_default().insert(resource);
        }
    }
    let mut by_resources: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
    for (action, resources) in actions {
        by_resources.entry(resources.into_iter().collect()).or_default().push(action);
    }
    let one = by_resources.len() == 1;
    let statement = |(i, (resources, actions)): (usize, (Vec<String>, Vec<&str>))| {
        let sid = if one { SID.to_owned() } else { format!("{SID}{}", i + 1) };
        let resource = if resources.len() == 1 { json!(resources.first()) } else { json!(resources) };
        json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resource})
    };
    let statements: Vec<Value> = by_resources.into_iter().enumerate().map(statement).collect();
    (!statements.is_empty()).then_some(statements)
}
