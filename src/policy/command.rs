//! `audit policy check` and `audit policy test`, from texts to answers: no files, no arguments, no printing.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::document::{Document, Problem};
use super::ecs_actions::{self, CallerRole, EcsAction, Need};
use super::evaluate::{Decision, Judgement, evaluate};
use super::principal::Principal;
use super::request::{ContextValue, EndpointType, Request, Resource};

/// A policy file: its name for messages, and what is in it.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// Path or other name, for messages.
    pub name: String,
    /// The content as read.
    pub bytes: Vec<u8>,
}

/// The options of `audit policy check`, as typed.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// `service:Name`.
    pub action: String,
    /// An ARN, `*` and `?` in it for what is not known; `*` for actions without a resource type.
    pub resource: Option<String>,
    /// As [`Principal::parse`] reads it.
    pub principal: Option<String>,
    /// `KEY=VALUE`, split at the first `=`; a key given again has several values.
    pub context: Vec<String>,
    /// Keys that the request does not have.
    pub absent: Vec<String>,
    /// The service behind the endpoint, short or in full.
    pub service: Option<String>,
    /// Without it: gateway for S3 and DynamoDB, else interface.
    pub endpoint_type: Option<EndpointType>,
}

/// The options of `audit policy test`. What is not given is taken from the document where its ARNs agree.
#[derive(Clone, Debug, Default)]
pub struct TestOptions {
    /// The service behind the endpoint, short or in full.
    pub service: String,
    /// As in [`CheckOptions`].
    pub endpoint_type: Option<EndpointType>,
    /// `aws`, `aws-cn` …
    pub partition: Option<String>,
    /// The endpoint's region.
    pub region: Option<String>,
    /// The account of the roles and clusters.
    pub account: Option<String>,
    /// As in [`CheckOptions`].
    pub context: Vec<String>,
    /// As in [`CheckOptions`].
    pub absent: Vec<String>,
}

/// Wrong usage or a file that holds no policy: exit status 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file holds no policy.
    #[error("{file}: {problem}")]
    NoPolicy {
        /// The file's name.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// Not one concrete action.
    #[error("`{0}` is no action: write it as `service:Name`, like ecs:Poll")]
    Action(String),
    /// Neither an ARN nor `*`.
    #[error("`{0}` is no resource: write an ARN, or `*` for an action without a resource type")]
    Resource(String),
    /// No principal that AWS knows.
    #[error("`{0}` is no principal: write the ARN of a role, role session or user, an account, a service like ecs.amazonaws.com, or `anonymous`")]
    Principal(String),
    /// No KEY=VALUE.
    #[error("`{0}` has no `=`: write the context as KEY=VALUE")]
    Context(String),
    /// A context without the name of a key.
    #[error("`{0}` names no key of the context: write KEY=VALUE after --context, KEY after --absent")]
    NoKey(String),
    /// A key with a value that is absent, too.
    #[error("{0} is given with a value and as absent: drop one of the two")]
    Contradiction(String),
    /// A service of which ECS asks nothing.
    #[error("ECS sends nothing through the endpoint of `{service}`; services with actions: {known}")]
    Service {
        /// As given.
        service: String,
        /// Those that have actions.
        known: String,
    },
    /// Nothing to judge.
    #[error("no policy file given")]
    NoFile,
}

/// The answer for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The file's name.
    pub file: String,
    /// The answer.
    pub judgement: Judgement,
    /// What is wrong with the document.
    pub problems: Vec<Problem>,
}

/// The answers of `audit policy check`, one a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// In the order given.
    pub files: Vec<Checked>,
}

/// The answer for one of ECS's actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The row of the table.
    pub action: &'static EcsAction,
    /// The resource that was asked for.
    pub resource: String,
    /// The answer.
    pub judgement: Judgement,
}

/// The answers of `audit policy test` for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestedFile {
    /// The file's name.
    pub file: String,
    /// Those always needed first.
    pub actions: Vec<Tested>,
    /// What is wrong with the document.
    pub problems: Vec<Problem>,
}

/// The answers of `audit policy test`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// Short name of the service.
    pub service: String,
    /// In the order given.
    pub files: Vec<TestedFile>,
}

/// Exit status of a decision.
fn status(decision: &Decision) -> u8 {
    match decision {
        Decision::Allow { .. } => 0,
        Decision::Deny { .. } => 1,
        Decision::Unknown(_) => 3,
    }
}

/// Worst first: deny, unknown, allow.
fn rank(decision: &Decision) -> u8 {
    match decision {
        Decision::Deny { .. } => 0,
        Decision::Unknown(_) => 1,
        Decision::Allow { .. } => 2,
    }
}

/// The word for a decision in JSON.
fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allow { .. } => "allow",
        Decision::Deny { .. } => "deny",
        Decision::Unknown(_) => "unknown",
    }
}

/// The object of schema audit-policy/1 for one decision.
fn object(judgement: &Judgement) -> Value {
    let (statement, keys) = match &judgement.decision {
        Decision::Allow { statement } => (Some(*statement), Vec::new()),
        Decision::Deny { statement } => (*statement, Vec::new()),
        Decision::Unknown(unknown) => (None, unknown.keys.clone()),
    };
    json!({
        "schema": SCHEMA,
        "decision": word(&judgement.decision),
        "statement": statement,
        "reason": judgement.reason,
        "unknown_keys": keys,
    })
}

const SCHEMA: &str = "audit-policy/1";

impl CheckReport {
    /// The worst decision decides: 1 deny, 3 unknown, 0 allow.
    pub fn exit_status(&self) -> u8 {
        self.worst().map_or(2, |checked| status(&checked.judgement.decision))
    }

    fn worst(&self) -> Option<&Checked> {
        self.files.iter().min_by_key(|checked| rank(&checked.judgement.decision))
    }

    /// One object of schema audit-policy/1; for several files that of the worst, with all of them under `files`.
    pub fn json(&self) -> Value {
        let mut value = self.worst().map_or(Value::Null, |checked| object(&checked.judgement));
        if let (true, Value::Object(members)) = (self.files.len() > 1, &mut value) {
            let files = self.files.iter().map(|checked| {
                let mut file = object(&checked.judgement);
                if let Value::Object(members) = &mut file {
                    members.remove("schema");
                    members.insert("file".to_owned(), json!(checked.file));
                }
                file
            });
            members.insert("files".to_owned(), files.collect());
        }
        value
    }

    /// A line a file, with what else is wrong in it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for checked in &self.files {
            let _ = writeln!(text, "{}: {}: {}", checked.file, word(&checked.judgement.decision), checked.judgement.reason);
            problem_lines(&mut text, &checked.problems);
        }
        text
    }
}

fn problem_lines(text: &mut String, problems: &[Problem]) {
    for problem in problems {
        let _ = writeln!(text, "  malformed: {problem}");
    }
}

impl TestedFile {
    /// The worst answer among the actions that are always needed; among all, if none is.
    fn worst(&self) -> Option<&Tested> {
        let always = self.actions.iter().filter(|tested| tested.action.need == Need::Always);
        always.min_by_key(|tested| rank(&tested.judgement.decision)).or_else(|| self.actions.iter().min_by_key(|tested| rank(&tested.judgement.decision)))
    }
}

impl TestReport {
    /// The worst answer decides, features left aside: 1 deny, 3 unknown, 0 allow.
    pub fn exit_status(&self) -> u8 {
        self.worst().map_or(2, |tested| status(&tested.judgement.decision))
    }

    fn worst(&self) -> Option<&Tested> {
        self.files.iter().filter_map(TestedFile::worst).min_by_key(|tested| rank(&tested.judgement.decision))
    }

    /// The object of the worst answer in schema audit-policy/1, with every action under `actions`.
    pub fn json(&self) -> Value {
        let mut value = self.worst().map_or(Value::Null, |tested| object(&tested.judgement));
        if let Value::Object(members) = &mut value {
            members.insert("service".to_owned(), json!(self.service));
            let actions = self.files.iter().flat_map(|file| {
                file.actions.iter().map(|tested| {
                    let mut action = object(&tested.judgement);
                    if let Value::Object(members) = &mut action {
                        members.remove("schema");
                        members.insert("file".to_owned(), json!(file.file));
                        members.insert("action".to_owned(), json!(tested.action.action));
                        members.insert("resource".to_owned(), json!(tested.resource));
                        members.insert("required".to_owned(), json!(tested.action.need == Need::Always));
                        members.insert("only_for".to_owned(), json!(feature(tested.action)));
                    }
                    action
                })
            });
            members.insert("actions".to_owned(), actions.collect());
        }
        value
    }

    /// A line an action.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for file in &self.files {
            let _ = writeln!(text, "{}: endpoint {}", file.file, self.service);
            for tested in &file.actions {
                let note = feature(tested.action).map(|feature| format!(" [only for {feature}]")).unwrap_or_default();
                let _ = writeln!(text, "  {:<8}{} on {}: {}{note}", word(&tested.judgement.decision), tested.action.action, tested.resource, tested.judgement.reason);
            }
            problem_lines(&mut text, &file.problems);
        }
        text
    }
}

fn feature(action: &EcsAction) -> Option<&'static str> {
    match action.need {
        Need::Always => None,
        Need::With(feature) => Some(feature),
    }
}

fn read(file: &PolicyFile) -> Result<Document, PolicyError> {
    Document::parse(&file.bytes).map_err(|problem| PolicyError::NoPolicy { file: file.name.clone(), problem: problem.to_string() })
}

/// The endpoint type that is meant where none is given: S3 and DynamoDB have gateway endpoints.
fn endpoint_type(given: Option<EndpointType>, service: Option<&str>) -> EndpointType {
    given.unwrap_or(match service {
        Some("s3" | "dynamodb") => EndpointType::Gateway,
        _ => EndpointType::Interface,
    })
}

/// `ecr.api` of `com.amazonaws.us-east-2.ecr.api`, whatever the prefix of the partition, or the name as it is. A FIPS endpoint
/// carries what its plain twin does.
fn short_name(service: &str) -> String {
    let service = service.trim().to_ascii_lowercase();
    let after_region = service.char_indices().filter(|(_, c)| *c == '.').map(|(i, _)| i + 1).find_map(|start| {
        let (label, rest) = service.get(start..)?.split_once('.')?;
        is_region(label).then(|| rest.to_owned())
    });
    let name = after_region.unwrap_or(service);
    match name.replace("-fips", "") {
        plain if ecs_actions::of_service(&name).is_empty() && !ecs_actions::of_service(&plain).is_empty() => plain,
        _ => name,
    }
}

/// Whether a label looks like a region: `us-east-2`, `eusc-de-east-1`.
fn is_region(label: &str) -> bool {
    let mut words = label.rsplit('-');
    let number = words.next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<&str> = words.collect();
    number && words.len() >= 2 && words.iter().all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Adds what is given of the context to a request.
fn with_context(mut request: Request, context: &[String], absent: &[String]) -> Result<Request, PolicyError> {
    let mut keys: Vec<(String, Vec<String>)> = Vec::new();
    for pair in context {
        let (key, value) = pair.split_once('=').ok_or_else(|| PolicyError::Context(pair.clone()))?;
        if key.trim().is_empty() {
            return Err(PolicyError::NoKey(pair.clone()));
        }
        match keys.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(key)) {
            Some((_, values)) => values.push(value.to_owned()),
            None => keys.push((key.to_owned(), vec![value.to_owned()])),
        }
    }
    for key in absent {
        if key.trim().is_empty() {
            return Err(PolicyError::NoKey(key.clone()));
        }
        if keys.iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            return Err(PolicyError::Contradiction(key.clone()));
        }
        request = request.context(key, ContextValue::Absent);
    }
    for (key, values) in keys {
        request = request.context(&key, ContextValue::Known(values));
    }
    Ok(request)
}

/// The resource as a user writes it.
fn resource(text: &str) -> Result<Resource, PolicyError> {
    if text == "*" {
        return Ok(Resource::Known(text.to_owned()));
    }
    if !text.starts_with("arn:") || text.splitn(6, ':').count() < 6 {
        return Err(PolicyError::Resource(text.to_owned()));
    }
    Ok(match text.contains(['*', '?']) {
        true => Resource::Like(vec![text.to_owned()]),
        false => Resource::Known(text.to_owned()),
    })
}

/// Judges one request by each file.
///
/// # Errors
/// Wrong usage, or a file without a policy.
pub fn check(files: &[PolicyFile], options: &CheckOptions) -> Result<CheckReport, PolicyError> {
    let action = options.action.trim();
    match action.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() && !action.contains(['*', '?', ' ']) && !name.contains(':') => {}
        _ => return Err(PolicyError::Action(options.action.clone())),
    }
    let service = options.service.as_deref().map(short_name);
    let mut request = Request::new(action, endpoint_type(options.endpoint_type, service.as_deref()));
    if let Some(text) = &options.resource {
        request = request.resource(resource(text)?);
    }
    if let Some(text) = &options.principal {
        request = request.principal(Principal::parse(text).ok_or_else(|| PolicyError::Principal(text.clone()))?);
    }
    let request = with_context(request, &options.context, &options.absent)?;
    let mut checked = Vec::new();
    for file in files {
        let document = read(file)?;
        let judgement = evaluate(&document, &request);
        checked.push(Checked { file: file.name.clone(), judgement, problems: document.problems });
    }
    if checked.is_empty() {
        return Err(PolicyError::NoFile);
    }
    Ok(CheckReport { files: checked })
}

/// Judges by each file what ECS itself sends through an endpoint of the service.
///
/// The caller is some role of unknown name, for image layers AWS's own identity. Where no region, partition or
/// account is given, those of the document's own ARNs are taken if they agree: a draft is tested for the place
/// that it was written for.
///
/// # Errors
/// A service through which ECS sends nothing, wrong usage, or a file without a policy.
pub fn test(files: &[PolicyFile], options: &TestOptions) -> Result<TestReport, PolicyError> {
    let service = short_name(&options.service);
    let actions = ecs_actions::of_service(&service);
    if actions.is_empty() {
        return Err(PolicyError::Service { service: options.service.clone(), known: ecs_actions::services().join(", ") });
    }
    let endpoint = endpoint_type(options.endpoint_type, Some(&service));
    let mut tested = Vec::new();
    for file in files {
        let document = read(file)?;
        let place = Place::of(options, &document);
        let mut results = Vec::new();
        for action in &actions {
            let text = action.resource_in(place.partition.as_deref(), place.region.as_deref(), place.account.as_deref());
            let resource = match text.contains('*') && !action.without_resource_type() {
                true => Resource::Like(vec![text.clone()]),
                false => Resource::Known(text.clone()),
            };
            let mut request = Request::new(action.action, endpoint).resource(resource);
            request = match action.caller {
                CallerRole::AwsOwned => request
                    .principal(Principal::AwsOwned)
                    .context("aws:ResourceAccount", ContextValue::AwsOwned)
                    .context("s3:ResourceAccount", ContextValue::AwsOwned)
                    .context("aws:ResourceOrgID", ContextValue::AwsOwned)
                    .context("aws:ResourceOrgPaths", ContextValue::AwsOwned),
                CallerRole::Instance | CallerRole::Execution | CallerRole::Task => request.principal(Principal::SomeRole { account: place.account.clone() }),
            };
            if let Some(region) = &place.region {
                request = request.context("aws:RequestedRegion", ContextValue::Known(vec![region.clone()]));
            }
            let request = with_context(request, &options.context, &options.absent)?;
            results.push(Tested { action, resource: text, judgement: evaluate(&document, &request) });
        }
        tested.push(TestedFile { file: file.name.clone(), actions: results, problems: document.problems });
    }
    if tested.is_empty() {
        return Err(PolicyError::NoFile);
    }
    Ok(TestReport { service, files: tested })
}

/// Where a draft is for.
#[derive(Default)]
struct Place {
    partition: Option<String>,
    region: Option<String>,
    account: Option<String>,
}

impl Place {
    fn of(options: &TestOptions, document: &Document) -> Place {
        let arns: Vec<String> = document.resource_texts();
        let part = |n: usize| {
            let mut found: Vec<&str> =
                arns.iter().filter(|arn| arn.starts_with("arn:")).filter_map(|arn| arn.split(':').nth(n)).filter(|part| !part.is_empty() && !part.contains(['*', '?', '$'])).collect();
            found.sort_unstable();
            found.dedup();
            match found.as_slice() {
                [one] => Some((*one).to_owned()),
                _ => None,
            }
        };
        let layers = || {
            let mut regions: Vec<&str> = arns
                .iter()
                .filter_map(|arn| arn.split_once(":::prod-")?.1.split_once("-starport-layer-bucket"))
                .map(|(region, _)| region)
                .filter(|region| !region.is_empty() && !region.contains(['*', '?', '$']))
                .collect();
            regions.sort_unstable();
            regions.dedup();
            match regions.as_slice() {
                [one] => Some((*one).to_owned()),
                _ => None,
            }
        };
        Place { partition: options.partition.clone().or_else(|| part(1)), region: options.region.clone().or_else(|| part(3)).or_else(layers), account: options.account.clone().or_else(|| part(4)) }
    }
}
