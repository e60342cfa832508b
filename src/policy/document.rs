//! The policy document: a tolerant reader that keeps what it can and lists what is wrong.
//!
//! AWS refuses malformed documents when they are saved; a draft, or a copy, may hold anything. What cannot be
//! read is kept as such, so that the evaluation never grants by it: see [`Statement`].
//! Grammar: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use super::condition::{Condition, Operator};
use super::json::Json;
use super::matching::{Pattern, Template};
use super::principal::{Entry, account_like};

/// The quota of an endpoint policy, in characters.
/// <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html>
pub const MAX_CHARACTERS: usize = 20_480;

/// A policy document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Whether `${…}` stands for context keys: Version 2012-10-17.
    pub variables: bool,
    /// The statements in order, those that cannot be read too.
    pub statements: Vec<Statement>,
    /// All that is wrong, document first, then by statement.
    pub problems: Vec<Problem>,
    /// Something outside the statements is wrong: AWS would refuse the document, so nothing is granted for sure.
    pub doubtful: bool,
}

/// One statement. An element that is missing or unreadable is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Position in the document, from 0.
    pub index: usize,
    /// The Sid, for messages.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Principal or NotPrincipal.
    pub principal: Option<Element<Entry>>,
    /// Patterns in lower case.
    pub(crate) action: Option<Element<Pattern>>,
    pub(crate) resource: Option<Element<Template>>,
    /// All must hold. Without those that cannot be read.
    pub conditions: Vec<Condition>,
    /// Some part is missing, unreadable or unknown: if this is an Allow, it grants nothing; if it is not, it
    /// may deny whatever its readable parts match.
    pub malformed: bool,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`, also in another case: then the statement is malformed and grants nothing.
    Allow,
    /// `Deny`
    Deny,
    /// No Effect, or none that is known: it may be a Deny.
    Unreadable,
}

/// A list that must, or (`not`) must not, hold what the request has.
#[derive(Clone, Debug, PartialEq)]
pub struct Element<T> {
    /// NotPrincipal, NotAction, NotResource.
    pub not: bool,
    /// What it lists; never empty.
    pub values: Vec<T>,
}

/// Something wrong in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The statement, from 0; `None`: the document itself.
    pub statement: Option<usize>,
    /// Its kind.
    pub kind: ProblemKind,
    /// What is wrong, as a phrase: `no Principal`.
    pub text: String,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// Not JSON, or no JSON object.
    Syntax,
    /// No Statement, or an empty one.
    NoStatement,
    /// A Version that does not exist.
    Version,
    /// A required element is missing.
    Missing,
    /// An element and its Not form together, or one twice.
    Conflict,
    /// An element that policies do not have.
    UnknownElement,
    /// An element's value is not of a form that AWS takes.
    Value,
    /// A condition operator that does not exist.
    Operator,
    /// A gateway endpoint's Principal that is not `*`.
    GatewayPrincipal,
    /// Longer than [`MAX_CHARACTERS`]. A warning: it can be no attached policy.
    TooLong,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.statement {
            Some(index) => write!(f, "statement {index}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl Document {
    /// Reads a document, with or without a byte-order mark.
    ///
    /// # Errors
    /// There is no policy in it: not JSON, no object, or no Statement. All else is in `problems`.
    pub fn parse(bytes: &[u8]) -> Result<Document, Problem> {
        let fail = |kind, text| Problem { statement: None, kind, text };
        let json = Json::parse(bytes).map_err(|error| fail(ProblemKind::Syntax, format!("invalid JSON: {error}")))?;
        let Json::Object(members) = json else {
            return Err(fail(ProblemKind::Syntax, format!("{} where a policy document should be", json.kind())));
        };
        let mut reader = Reader::default();
        let mut versions = Vec::new();
        let mut bodies = Vec::new();
        for (name, value) in &members {
            match name.to_ascii_lowercase().as_str() {
                "version" => versions.push(value),
                "statement" => bodies.push(value),
                "id" => {}
                _ => reader.report(ProblemKind::UnknownElement, format!("unknown element `{name}`")),
            }
        }
        if bodies.iter().all(|body| **body == Json::Null) {
            return Err(fail(ProblemKind::NoStatement, "no Statement".to_owned()));
        }
        if bodies.len() > 1 {
            reader.report(ProblemKind::Conflict, "Statement stands more than once".to_owned());
        }
        if versions.len() > 1 {
            reader.report(ProblemKind::Conflict, "Version stands more than once".to_owned());
        }
        let variables = match versions.first() {
            None => false,
            Some(Json::Text(version)) if version == "2012-10-17" => true,
            Some(Json::Text(version)) if version == "2008-10-17" => false,
            Some(other) => {
                let text = match other {
                    Json::Text(version) => format!("unknown Version `{version}`"),
                    _ => format!("Version is {}", other.kind()),
                };
                reader.report(ProblemKind::Version, text);
                true
            }
        };
        let mut found: Vec<&Json> = Vec::new();
        for body in bodies {
            match body {
                Json::Array(items) => found.extend(items),
                other => found.push(other),
            }
        }
        if found.is_empty() {
            reader.report(ProblemKind::NoStatement, "Statement is empty".to_owned());
        }
        let doubtful = !reader.problems.is_empty();
        let statements = found.into_iter().enumerate().map(|(index, json)| reader.statement(index, json, variables)).collect();
        Ok(Document { variables, statements, problems: reader.problems, doubtful })
    }
}

impl Document {
    /// The texts of all Resource and NotResource elements, variables as `$`.
    pub(crate) fn resource_texts(&self) -> Vec<String> {
        let element = |statement: &Statement| statement.resource.clone();
        self.statements.iter().filter_map(element).flat_map(|element| element.values).map(|t| t.to_string()).collect()
    }
}

/// Reads statements and collects problems.
#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
    statement: Option<usize>,
}

impl Reader {
    fn report(&mut self, kind: ProblemKind, text: String) {
        self.problems.push(Problem { statement: self.statement, kind, text });
    }

    fn statement(&mut self, index: usize, json: &Json, variables: bool) -> Statement {
        self.statement = Some(index);
        let before = self.problems.len();
        let mut statement = Statement { index, sid: None, effect: Effect::Unreadable, principal: None, action: None, resource: None, conditions: Vec::new(), malformed: true };
        let Json::Object(members) = json else {
            self.report(ProblemKind::Value, format!("{} where an object should be", json.kind()));
            return statement;
        };
        for (name, value) in members {
            match name.to_ascii_lowercase().as_str() {
                "sid" => match value {
                    Json::Text(sid) => statement.sid = Some(sid.clone()),
                    other => self.report(ProblemKind::Value, format!("Sid is {}", other.kind())),
                },
                "effect" | "principal" | "notprincipal" | "action" | "notaction" | "resource" | "notresource" | "condition" => {}
                _ => self.report(ProblemKind::UnknownElement, format!("unknown element `{name}`")),
            }
        }
        statement.effect = self.effect(members);
        statement.principal = self.element(members, "Principal", |reader, value| reader.entries(value));
        statement.action = self.element(members, "Action", |reader, value| reader.list(value, "Action", action));
        statement.resource = self.element(members, "Resource", |reader, value| reader.list(value, "Resource", |t| resource(t, variables)));
        statement.conditions = self.conditions(members, variables);
        statement.malformed = self.problems.len() > before;
        statement
    }

    fn effect(&mut self, members: &[(String, Json)]) -> Effect {
        let mut all = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Effect"));
        let Some((_, value)) = all.next() else {
            self.report(ProblemKind::Missing, "no Effect".to_owned());
            return Effect::Unreadable;
        };
        if all.next().is_some() {
            self.report(ProblemKind::Conflict, "Effect stands more than once".to_owned());
            return Effect::Unreadable;
        }
        match value {
            Json::Text(effect) if effect == "Allow" => Effect::Allow,
            Json::Text(effect) if effect == "Deny" => Effect::Deny,
            Json::Text(effect) => {
                self.report(ProblemKind::Value, format!("unknown Effect `{effect}`"));
                // Wrong in its case alone: what was meant is plain, and an Allow of this kind grants nothing.
                if effect.trim().eq_ignore_ascii_case("Allow") { Effect::Allow } else { Effect::Unreadable }
            }
            other => {
                self.report(ProblemKind::Value, format!("Effect is {}", other.kind()));
                Effect::Unreadable
            }
        }
    }

    /// Reads an element or its Not form, exactly one of which must stand.
    fn element<T>(&mut self, members: &[(String, Json)], name: &str, read: impl FnOnce(&mut Reader, &Json) -> Option<Vec<T>>) -> Option<Element<T>> {
        let negated = format!("Not{name}");
        let mut found: Vec<(bool, &Json)> = Vec::new();
        for (member, value) in members {
            if member.eq_ignore_ascii_case(name) {
                found.push((false, value));
            } else if member.eq_ignore_ascii_case(&negated) {
                found.push((true, value));
            }
        }
        match found.as_slice() {
            [] => {
                self.report(ProblemKind::Missing, format!("no {name}"));
                None
            }
            [(not, value)] => read(self, value).map(|values| Element { not: *not, values }),
            [(first, _), rest @ ..] => {
                let text =
                    if rest.iter().any(|(not, _)| not != first) { format!("both {name} and {negated}") } else { format!("{} stands more than once", if *first { negated.as_str() } else { name }) };
                self.report(ProblemKind::Conflict, text);
                None
            }
        }
    }

    /// A string or an array of strings, each read by `read`. All or nothing.
    fn list<T>(&mut self, value: &Json, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let before = self.problems.len();
        let mut list = Vec::new();
        let items = match value {
            Json::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        if items.is_empty() {
            self.report(ProblemKind::Value, format!("{name} is empty"));
        }
        for item in items {
            match item {
                Json::Text(text) => match read(text) {
                    Ok(value) => list.push(value),
                    Err(problem) => self.report(ProblemKind::Value, problem),
                },
                other => self.report(ProblemKind::Value, format!("{name} holds {}", other.kind())),
            }
        }
        (self.problems.len() == before).then_some(list)
    }

    fn entries(&mut self, value: &Json) -> Option<Vec<Entry>> {
        let Json::Object(kinds) = value else {
            return match value {
                Json::Text(text) if text == "*" => Some(vec![Entry::Anyone]),
                Json::Text(text) => {
                    self.report(ProblemKind::Value, format!("Principal `{text}` is neither `*` nor an object"));
                    None
                }
                other => {
                    self.report(ProblemKind::Value, format!("Principal is {}", other.kind()));
                    None
                }
            };
        };
        let before = self.problems.len();
        let mut entries = Vec::new();
        if kinds.is_empty() {
            self.report(ProblemKind::Value, "Principal is empty".to_owned());
        }
        for (kind, values) in kinds {
            let read: fn(&str) -> Result<Entry, String> = match kind.to_ascii_lowercase().as_str() {
                "aws" => Entry::parse,
                "service" => |name| match name.contains(['*', '?']) {
                    true => Err(format!("`{name}` is no service principal")),
                    false => Ok(Entry::Service(name.to_owned())),
                },
                "federated" => |name| Ok(Entry::Federated(name.to_owned())),
                "canonicaluser" => |name| Ok(Entry::Canonical(name.to_owned())),
                _ => {
                    self.report(ProblemKind::Value, format!("unknown kind of Principal `{kind}`"));
                    continue;
                }
            };
            entries.extend(self.list(values, "Principal", read).unwrap_or_default());
        }
        (self.problems.len() == before).then_some(entries)
    }

    fn conditions(&mut self, members: &[(String, Json)], variables: bool) -> Vec<Condition> {
        let mut blocks = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Condition"));
        let Some((_, block)) = blocks.next() else {
            return Vec::new();
        };
        if blocks.next().is_some() {
            self.report(ProblemKind::Conflict, "Condition stands more than once".to_owned());
            return Vec::new();
        }
        let Json::Object(operators) = block else {
            self.report(ProblemKind::Value, format!("Condition is {}", block.kind()));
            return Vec::new();
        };
        let mut conditions: Vec<Condition> = Vec::new();
        for (name, keys) in operators {
            let Some(operator) = Operator::parse(name) else {
                self.report(ProblemKind::Operator, format!("unknown condition operator `{name}`"));
                continue;
            };
            let Json::Object(keys) = keys else {
                self.report(ProblemKind::Value, format!("condition {name} is {}", keys.kind()));
                continue;
            };
            if operators.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count() > 1 {
                self.report(ProblemKind::Conflict, format!("condition {name} stands more than once"));
            }
            for (key, values) in keys {
                if keys.iter().filter(|(other, _)| other.eq_ignore_ascii_case(key)).count() > 1 {
                    self.report(ProblemKind::Conflict, format!("condition {name} names {key} more than once"));
                }
                if let Some(values) = self.values(operator, name, key, values, variables) {
                    conditions.push(Condition { operator, key: key.clone(), values });
                }
            }
        }
        conditions
    }

    fn values(&mut self, operator: Operator, name: &str, key: &str, values: &Json, variables: bool) -> Option<Vec<super::condition::Value>> {
        let before = self.problems.len();
        let items = match values {
            Json::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        if items.is_empty() {
            self.report(ProblemKind::Value, format!("condition {name} on {key} has no value"));
        }
        let mut read = Vec::new();
        for item in items {
            let text = match item {
                Json::Text(text) => text.clone(),
                Json::Number(number) => number.clone(),
                Json::Bool(value) => value.to_string(),
                other => {
                    self.report(ProblemKind::Value, format!("condition {name} on {key} holds {}", other.kind()));
                    continue;
                }
            };
            match operator.value(&text, variables) {
                Ok(value) => read.push(value),
                Err(problem) => {
                    self.report(ProblemKind::Value, format!("condition {name} on {key}: {problem}"));
                }
            }
        }
        (self.problems.len() == before).then_some(read)
    }
}

/// An action pattern, in lower case: `*`, or a service and a name.
fn action(text: &str) -> Result<Pattern, String> {
    let wrong = || Err(format!("`{text}` is no action: `service:Name` or `*`"));
    if text.is_empty() {
        return wrong();
    }
    if text.chars().any(|c| c != '*') {
        match text.split_once(':') {
            Some((service, name)) if !service.is_empty() && !name.is_empty() => {
                if service != "*" && service.contains(['*', '?']) {
                    return wrong();
                }
            }
            _ => return wrong(),
        }
    }
    Ok(Pattern::glob(&text.to_ascii_lowercase()))
}

/// A resource pattern: `*` or an ARN.
fn resource(text: &str, variables: bool) -> Result<Template, String> {
    let all = !text.is_empty() && text.chars().all(|c| c == '*');
    if !all && !text.starts_with("arn:") {
        return Err(format!("`{text}` is no resource: an ARN or `*`"));
    }
    Ok(Template::parse(text, true, variables))
}

impl Entry {
    /// Reads a value of `Principal.AWS`.
    fn parse(text: &str) -> Result<Entry, String> {
        let wrong = || format!("`{text}` is no principal");
        if text == "*" {
            return Ok(Entry::Anyone);
        }
        if account_like(text) {
            return Ok(Entry::Account { partition: None, account: text.to_owned() });
        }
        // What is left of a principal that was deleted: its unique id.
        if text.len() >= 16 && text.starts_with('A') && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            return Ok(Entry::Deleted(text.to_owned()));
        }
        if text.contains(['*', '?']) {
            return Err(format!("{}: it cannot hold wildcards", wrong()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, name] = parts.as_slice() else {
            return Err(wrong());
        };
        if !account_like(account) {
            return Err(wrong());
        }
        match (*service, name.split_once('/')) {
            ("iam", None) if *name == "root" => Ok(Entry::Account { partition: Some((*partition).to_owned()), account: (*account).to_owned() }),
            ("iam", Some(("role" | "user", rest))) if !rest.is_empty() => Ok(Entry::Arn(text.to_owned())),
            ("sts", Some(("assumed-role" | "federated-user", rest))) if !rest.is_empty() => Ok(Entry::Arn(text.to_owned())),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document {
        Document::parse(text.as_bytes()).expect("a policy")
    }

    fn texts(text: &str) -> Vec<String> {
        parse(text).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_statement_and_scalars_read_as_lists_of_one() {
        let single = parse(r#"{"statement":{"effect":"Allow","PRINCIPAL":"*","action":"ecs:Poll","resource":"*"}}"#);
        let list = parse(r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":["ecs:Poll"],"Resource":["*"]}]}"#);
        assert_eq!(single, list);
        assert!(single.problems.is_empty());
    }

    #[test]
    fn the_page_sample_lacks_a_principal() {
        let text = r#"{"Statement":[{"Effect":"Allow","Action":["ecs:CreateCluster","ecs:ListClusters"],"Resource":["*"]}]}"#;
        assert_eq!(texts(text), ["statement 0: no Principal"]);
        let statement = &parse(text).statements[0];
        assert!(statement.malformed && statement.principal.is_none());
        assert!(statement.action.is_some(), "the rest is kept");
    }

    #[test]
    fn no_policy_at_all() {
        for (text, kind) in
            [("", ProblemKind::Syntax), ("[]", ProblemKind::Syntax), ("{}", ProblemKind::NoStatement), (r#"{"Statement":null}"#, ProblemKind::NoStatement), (r#"{"Statement":[}"#, ProblemKind::Syntax)]
        {
            assert_eq!(Document::parse(text.as_bytes()).expect_err("no policy").kind, kind, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_listed_by_statement() {
        for (statement, expected) in [
            (r#"{"Principal":"*","Action":"*","Resource":"*"}"#, "no Effect"),
            (r#"{"Effect":"allow","Principal":"*","Action":"*","Resource":"*"}"#, "unknown Effect `allow`"),
            (r#"{"Effect":"Deny","Principal":"*","Resource":"*"}"#, "no Action"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"*"}"#, "no Resource"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"*","NotAction":"a:b","Resource":"*"}"#, "both Action and NotAction"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"*","Action":"a:b","Resource":"*"}"#, "Action stands more than once"),
            (r#"{"Effect":"Deny","Principal":"*","Action":[],"Resource":"*"}"#, "Action is empty"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"Poll","Resource":"*"}"#, "`Poll` is no action: `service:Name` or `*`"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"mine"}"#, "`mine` is no resource: an ARN or `*`"),
            (r#"{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"*","Resource":"*"}"#, "`arn:aws:iam::111122223333:role/*` is no principal: it cannot hold wildcards"),
            (r#"{"Effect":"Deny","Principal":{"Role":"x"},"Action":"*","Resource":"*"}"#, "unknown kind of Principal `Role`"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condtion":{}}"#, "unknown element `Condtion`"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringSame":{"a:b":"c"}}}"#, "unknown condition operator `StringSame`"),
            (r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":"c"}}}"#, "condition Bool on a:b: `c` is neither true nor false"),
            ("42", "a number where an object should be"),
        ] {
            let found = texts(&format!(r#"{{"Statement":[{statement}]}}"#));
            assert_eq!(found, [format!("statement 0: {expected}")], "{statement}");
        }
        assert_eq!(texts(r#"{"Version":"2026-01-01","Statement":[]}"#), ["unknown Version `2026-01-01`", "Statement is empty"]);
    }

    #[test]
    fn every_form_of_principal() {
        let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":{
            "AWS":["*","111122223333","arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/p/r",
                   "arn:aws:iam::111122223333:user/u","arn:aws:sts::111122223333:assumed-role/r/s","AROAEXAMPLEEXAMPLE123"],
            "Service":"ecs.amazonaws.com","Federated":["x"],"CanonicalUser":"79a5"}}}"#;
        let document = parse(text);
        assert!(document.problems.is_empty(), "{:?}", document.problems);
        let principal = document.statements[0].principal.as_ref().expect("readable");
        assert_eq!(principal.values.len(), 10);
        assert_eq!(principal.values[6], Entry::Deleted("AROAEXAMPLEEXAMPLE123".to_owned()));
    }
}
