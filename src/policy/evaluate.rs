//! The decision of a policy on one request: allow, deny, or unknown where it really depends on what is not
//! known.
//!
//! Logic: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use std::collections::{BTreeMap, BTreeSet};

use super::build::Builder;
use super::document::Document;
use super::request::Request;
use super::search::{Leaf, Model};

/// What a policy says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed, by this statement among others.
    Allow {
        /// Its position, from 0.
        statement: usize,
    },
    /// Denied: by this statement's Deny, or (`None`) because no statement allows it.
    Deny {
        /// The position of the Deny, from 0.
        statement: Option<usize>,
    },
    /// It depends on what is not known.
    Unknown(Unknown),
}

/// Why a decision is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Unknown {
    /// The unknowns of which some value alone can turn the decision: context keys as the policy spells them,
    /// `principal` and `resource`. Sorted.
    pub keys: Vec<String>,
    /// Statements that cannot be judged whatever the request holds: malformed, or in a form whose effect AWS
    /// does not document.
    pub statements: Vec<usize>,
    /// Values of the unknowns under which the request is allowed; those left out do not matter.
    pub allowed_with: BTreeMap<String, Example>,
    /// The same for a denial.
    pub denied_with: BTreeMap<String, Example>,
}

/// An example of what an unknown may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Example {
    /// The request has no such key.
    Absent,
    /// These values.
    Values(Vec<String>),
    /// Any that the policy does not name.
    Other,
}

/// A decision with its reason in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Allow, deny or unknown.
    pub decision: Decision,
    /// Why, without a full stop.
    pub reason: String,
}

impl Decision {
    /// Allowed for sure.
    pub fn is_allow(&self) -> bool {
        matches!(self, Decision::Allow { .. })
    }

    /// Denied for sure.
    pub fn is_deny(&self) -> bool {
        matches!(self, Decision::Deny { .. })
    }

    /// Denied for sure, by a Deny statement.
    pub fn is_explicit_deny(&self) -> bool {
        matches!(self, Decision::Deny { statement: Some(_) })
    }
}

/// Judges one request.
///
/// The request passes an endpoint only if its policy allows it. An unknown is taken to be the same wherever
/// the policy asks for it, so a policy that allows `k = a` and `k != a` allows. Malformed statements never
/// allow, and may deny.
pub fn evaluate(document: &Document, request: &Request) -> Judgement {
    let builder = Builder::build(document, request);
    let found = builder.model.outcomes();
    match (found.allowed, found.denied) {
        (Some(_), None) if !found.cut_short && document.doubtful => {
            let decision = Decision::Unknown(Unknown::default());
            let problem = document.problems.iter().find(|problem| problem.statement.is_none());
            let text = problem.map_or("it is malformed", |problem| problem.text.as_str());
            Judgement { decision, reason: format!("the document would be refused as it is: {text}") }
        }
        (Some(_), None) if !found.cut_short => {
            let statement = always(&builder.model, false).or_else(|| found.leaves.iter().find_map(|leaf| if let Leaf::Allow(index) = leaf { Some(*index) } else { None })).unwrap_or_default();
            let reason = format!("{} allows {}", name(document, statement), request.action);
            Judgement { decision: Decision::Allow { statement }, reason }
        }
        (None, Some(_)) if !found.cut_short => {
            let first = found.leaves.iter().find_map(|leaf| if let Leaf::Explicit(index) = leaf { Some(*index) } else { None });
            let statement = always(&builder.model, true).or_else(|| first.filter(|_| !found.leaves.contains(&Leaf::Implicit)));
            let reason = match statement {
                Some(index) => format!("{} denies {}", name(document, index), request.action),
                None => builder.nothing_allows(),
            };
            Judgement { decision: Decision::Deny { statement }, reason }
        }
        (allowed, denied) => {
            let deciding = builder.model.deciding();
            let mut unknown = Unknown::default();
            let mut keys = BTreeSet::new();
            let mut statements = BTreeSet::new();
            for dimension in deciding {
                if let Some(origin) = builder.origins.get(dimension) {
                    keys.extend(origin.names.iter().cloned());
                    statements.extend(origin.doubt);
                }
            }
            unknown.keys = keys.into_iter().collect();
            unknown.statements = statements.into_iter().collect();
            if let Some(allowed) = allowed {
                unknown.allowed_with = builder.example(&allowed);
            }
            if let Some(denied) = denied {
                unknown.denied_with = builder.example(&denied);
            }
            let reason = unknown_reason(document, request, &unknown);
            Judgement { decision: Decision::Unknown(unknown), reason }
        }
    }
}

/// The first statement of a kind that matches whatever the unknowns are.
fn always(model: &Model, deny: bool) -> Option<usize> {
    model.rules.iter().find(|rule| rule.deny == deny && rule.literals.is_empty()).map(|rule| rule.index)
}

/// A statement as messages name it.
pub(crate) fn name(document: &Document, index: usize) -> String {
    match document.statements.get(index).and_then(|statement| statement.sid.as_deref()) {
        Some(sid) if !sid.is_empty() => format!("statement {index} ({sid})"),
        _ => format!("statement {index}"),
    }
}

fn unknown_reason(document: &Document, request: &Request, unknown: &Unknown) -> String {
    let mut parts = Vec::new();
    if !unknown.keys.is_empty() {
        parts.push(format!("{} depends on {}", request.action, list(&unknown.keys)));
    }
    if !unknown.statements.is_empty() {
        let names: Vec<String> = unknown.statements.iter().map(|index| name(document, *index)).collect();
        let problems: Vec<&str> = document.problems.iter().filter(|problem| problem.statement.is_some_and(|index| unknown.statements.contains(&index))).map(|problem| problem.text.as_str()).collect();
        let why = if problems.is_empty() { "AWS does not document what its form does here".to_owned() } else { problems.join(", ") };
        parts.push(format!("{} cannot be judged: {why}", list(&names)));
    }
    if parts.is_empty() { "too much is unknown to decide".to_owned() } else { parts.join("; ") }
}

fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}
