//! Turns a policy and a request into a [`Model`]: what is known is worked out, what is not becomes a dimension.

use std::collections::{BTreeMap, BTreeSet};

use super::choices::{Atom, Choice, PATTERN_STEPS, choices};
use super::condition::{Base, Bound, Condition, Truth, Value};
use super::document::{Document, Effect, Element, Statement};
use super::evaluate::{Example, name};
use super::matching::{Pattern, Piece, Reach, Template, Token, combinations};
use super::principal::{Caller, Entry};
use super::request::{KeyState, Request, Resource, single_valued};
use super::search::{Assignment, Cell, Literal, Model, Rule};

/// Where a dimension of the model comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) names: BTreeSet<String>,
    /// A statement that cannot be judged.
    pub(crate) doubt: Option<usize>,
    /// For each choice, what brings it about.
    examples: Vec<Option<Example>>,
}

/// How far the Allow statement that came closest got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Action,
    Malformed,
    Principal,
    Resource,
    Condition,
}

/// The model of a policy and a request, with what is needed to explain it.
pub(crate) struct Builder<'a> {
    document: &'a Document,
    request: &'a Request,
    action: String,
    pub(crate) model: Model,
    /// By dimension.
    pub(crate) origins: Vec<Origin>,
    callers: Vec<Caller>,
    /// The dimension of the caller, if there are several.
    caller_dimension: Option<usize>,
    /// Conditions on open keys: rule, operator and values, by key.
    open: BTreeMap<String, Vec<(usize, Atom)>>,
    /// Keys in the policy's own spelling.
    spelling: BTreeMap<String, String>,
    /// Resource elements on open resources: rule and patterns.
    open_resources: Vec<(usize, Element<Pattern>)>,
    /// Unknowns that stand for a whole element, so that the same element is the same unknown.
    shared: BTreeMap<String, usize>,
    nearest: Option<(Stage, usize)>,
}

impl<'a> Builder<'a> {
    /// Builds the whole model.
    pub(crate) fn build(document: &'a Document, request: &'a Request) -> Builder<'a> {
        let mut builder = Builder::new(document, request);
        for statement in &document.statements {
            builder.statement(statement);
        }
        builder.conditions();
        builder
    }

    fn new(document: &'a Document, request: &'a Request) -> Builder<'a> {
        let entries: Vec<&Entry> = document.statements.iter().filter_map(|statement| statement.principal.as_ref()).flat_map(|element| &element.values).collect();
        Builder {
            document,
            request,
            action: request.action.to_ascii_lowercase(),
            model: Model::default(),
            origins: Vec::new(),
            callers: request.caller().callers(&entries),
            caller_dimension: None,
            open: BTreeMap::new(),
            spelling: BTreeMap::new(),
            open_resources: Vec::new(),
            shared: BTreeMap::new(),
            nearest: None,
        }
    }

    fn dimension(&mut self, choices: usize, origin: Origin) -> usize {
        self.model.dimensions.push(choices);
        self.origins.push(origin);
        self.model.dimensions.len() - 1
    }

    /// A yes-or-no unknown.
    fn free(&mut self, names: BTreeSet<String>, doubt: Option<usize>) -> usize {
        self.dimension(2, Origin { names, doubt, examples: Vec::new() })
    }

    fn reached(&mut self, statement: &Statement, stage: Stage) {
        if statement.effect == Effect::Allow && self.nearest.is_none_or(|(best, _)| best < stage) {
            self.nearest = Some((stage, statement.index));
        }
    }

    /// Adds one statement to the model, unless it cannot match.
    fn statement(&mut self, statement: &Statement) {
        let allow = statement.effect == Effect::Allow;
        if let Some(action) = &statement.action {
            let listed = action.values.iter().any(|pattern| pattern.matches(&self.action));
            if listed == action.not {
                return self.reached(statement, Stage::Action);
            }
        }
        if allow && statement.malformed {
            return self.reached(statement, Stage::Malformed);
        }
        let rule = self.model.rules.len();
        let mut literals = Vec::new();
        if statement.malformed {
            let doubt = self.free(BTreeSet::new(), Some(statement.index));
            literals.push(yes_if_chosen(doubt));
        }
        if let Some(principal) = &statement.principal
            && !self.principal(principal, statement.index, &mut literals)
        {
            return self.reached(statement, Stage::Principal);
        }
        if let Some(resource) = &statement.resource
            && !self.resource(resource, statement.index, rule, &mut literals)
        {
            return self.reached(statement, Stage::Resource);
        }
        let mut waiting = Vec::new();
        for condition in &statement.conditions {
            if !self.condition(condition, statement.index, &mut literals, &mut waiting) {
                self.open_resources.retain(|(other, _)| *other != rule);
                return self.reached(statement, Stage::Condition);
            }
        }
        for (key, atom) in waiting {
            self.open.entry(key).or_default().push((rule, atom));
        }
        self.model.rules.push(Rule { deny: !allow, index: statement.index, literals });
    }

    /// Whether the caller may match; adds a literal if that is not sure.
    fn principal(&mut self, element: &Element<Entry>, index: usize, literals: &mut Vec<Literal>) -> bool {
        let truths: Vec<Truth> = self.callers.iter().map(|caller| caller.matches(element, self.request.endpoint)).collect();
        if truths.iter().all(|truth| *truth == Truth::No) {
            return false;
        }
        if truths.iter().all(|truth| *truth == Truth::Yes) {
            return true;
        }
        let cells = self.cells(&truths, index);
        let dimension = match (self.caller_dimension, self.callers.len()) {
            (Some(dimension), _) => dimension,
            (None, 1) => self.dimension(1, Origin::default()),
            (None, several) => {
                let examples = self.callers.iter().map(|caller| Some(caller.label().map_or(Example::Other, |label| Example::Values(vec![label])))).collect();
                let names = BTreeSet::from(["principal".to_owned()]);
                self.dimension(several, Origin { names, doubt: None, examples })
            }
        };
        self.caller_dimension = Some(dimension);
        literals.push(Literal { dimension, cells });
        true
    }

    /// Cells for truths; all doubts of one element are one unknown.
    fn cells(&mut self, truths: &[Truth], index: usize) -> Vec<Cell> {
        let doubt = truths.contains(&Truth::Doubt).then(|| self.free(BTreeSet::new(), Some(index)));
        truths
            .iter()
            .map(|truth| match (truth, doubt) {
                (Truth::Yes, _) => Cell::Yes,
                (Truth::Doubt, Some(dimension)) => Cell::Free(dimension),
                (Truth::No | Truth::Doubt, _) => Cell::No,
            })
            .collect()
    }

    /// Whether the resource may match; adds a literal if that is not sure, or leaves it for later.
    fn resource(&mut self, element: &Element<Template>, index: usize, rule: usize, literals: &mut Vec<Literal>) -> bool {
        let mut sure = Vec::new();
        let mut names = BTreeSet::new();
        let mut possible = Vec::new();
        let mut missing = false;
        for template in &element.values {
            match self.bind(template) {
                Binding::Sure(pattern) => sure.push(pattern),
                // It means no resource; what that makes of a NotResource, AWS does not say.
                Binding::Missing(pattern) if element.not => {
                    missing = true;
                    possible.push(pattern);
                }
                Binding::Missing(_) => {}
                Binding::Open(pattern, keys) => {
                    possible.push(pattern);
                    names.extend(keys);
                }
            }
        }
        if let Resource::Known(resource) = &self.request.resource {
            let truth = Truth::any(sure.iter().map(|pattern| resource_match(pattern, resource)));
            let open = possible.iter().any(|pattern| pattern.matches(resource));
            if truth == Truth::Yes || !open {
                return self.keep(if element.not { truth.not() } else { truth }, index, literals);
            }
        } else if possible.is_empty() {
            self.open_resources.push((rule, Element { not: element.not, values: sure }));
            return true;
        } else {
            names.insert("resource".to_owned());
        }
        if missing {
            let dimension = self.free(names, Some(index));
            literals.push(yes_if_chosen(dimension));
            return true;
        }
        // Resource and variables are unknown together: the element as a whole is one unknown.
        let dimension = self.whole(format!("resource {:?}", element.values), names);
        literals.push(Literal { dimension, cells: if element.not { vec![Cell::Yes, Cell::No] } else { vec![Cell::No, Cell::Yes] } });
        true
    }

    /// Whether a truth leaves the statement standing; a doubt becomes an unknown.
    fn keep(&mut self, truth: Truth, index: usize, literals: &mut Vec<Literal>) -> bool {
        if truth == Truth::Doubt {
            let dimension = self.free(BTreeSet::new(), Some(index));
            literals.push(yes_if_chosen(dimension));
        }
        truth != Truth::No
    }

    /// The unknown that stands for an element of this text.
    fn whole(&mut self, text: String, names: BTreeSet<String>) -> usize {
        if let Some(dimension) = self.shared.get(&text) {
            return *dimension;
        }
        let dimension = self.free(names, None);
        self.shared.insert(text, dimension);
        dimension
    }

    /// Whether a condition may hold; adds a literal if that is not sure, or what is to be judged later.
    fn condition(&mut self, condition: &Condition, index: usize, literals: &mut Vec<Literal>, waiting: &mut Vec<(String, Atom)>) -> bool {
        let key = condition.key.to_ascii_lowercase();
        let spelled = self.spell(&condition.key);
        let operator = condition.operator;
        let state = self.request.key(&key);
        let mut sure = Vec::new();
        let mut possible = Vec::new();
        let mut names = BTreeSet::new();
        let mut missing = false;
        for value in &condition.values {
            let template = match value {
                Value::Text(template) => template,
                Value::Number(number) => {
                    sure.push(Bound::Number(*number));
                    continue;
                }
                Value::Date(date) => {
                    sure.push(Bound::Date(*date));
                    continue;
                }
                Value::Net(net) => {
                    sure.push(Bound::Net(*net));
                    continue;
                }
                Value::Missing(missing) => {
                    sure.push(Bound::Missing(*missing));
                    continue;
                }
            };
            match self.bind(template) {
                Binding::Sure(pattern) => sure.push(Bound::Text(operator.shape(pattern))),
                // A value whose variable has no value agrees with nothing. What that makes of a negated
                // operator, AWS does not say.
                Binding::Missing(pattern) => {
                    if operator.negated() {
                        missing = true;
                        possible.push(Bound::Text(operator.shape(pattern)));
                    }
                }
                Binding::Open(pattern, keys) => {
                    possible.push(Bound::Text(operator.shape(pattern)));
                    names.extend(keys);
                }
            }
        }
        let given = match &state {
            KeyState::Known(values) => Some(values.as_slice()),
            KeyState::Absent => None,
            KeyState::Open(_) if possible.is_empty() => {
                waiting.push((key, Atom { operator, bounds: sure }));
                return true;
            }
            KeyState::Open(_) => {
                names.insert(spelled);
                return self.whole_condition(condition, names, missing.then_some(index), literals);
            }
        };
        // The more values of the policy agree, the truer (or, negated, the falser): the two ends suffice.
        let least = operator.judge(&sure, given);
        sure.extend(possible);
        let most = operator.judge(&sure, given);
        if least == most {
            return self.keep(least, index, literals);
        }
        if names.is_empty() || least == Truth::Doubt || most == Truth::Doubt {
            return self.keep(Truth::Doubt, index, literals);
        }
        self.whole_condition(condition, names, missing.then_some(index), literals)
    }

    fn whole_condition(&mut self, condition: &Condition, names: BTreeSet<String>, doubt: Option<usize>, literals: &mut Vec<Literal>) -> bool {
        let dimension = match doubt {
            Some(index) => self.free(names, Some(index)),
            None => {
                let (family, negated) = positive(condition);
                let dimension = self.whole(format!("{family} {} {:?}", condition.key.to_ascii_lowercase(), condition.values), names);
                if negated {
                    literals.push(Literal { dimension, cells: vec![Cell::Yes, Cell::No] });
                    return true;
                }
                dimension
            }
        };
        literals.push(yes_if_chosen(dimension));
        true
    }

    /// The spelling under which messages name a key: the first in the policy.
    fn spell(&mut self, key: &str) -> String {
        self.spelling.entry(key.to_ascii_lowercase()).or_insert_with(|| key.to_owned()).clone()
    }

    /// Fills in the variables of a text.
    fn bind(&mut self, template: &Template) -> Binding {
        let mut tokens = Vec::new();
        let mut open = BTreeSet::new();
        let mut missing = false;
        for piece in &template.0 {
            match piece {
                Piece::Char(c) => tokens.push(Token::Char(*c)),
                Piece::One => tokens.push(Token::One(Reach::Any)),
                Piece::Many => tokens.push(Token::Many(Reach::Any)),
                Piece::Variable { key, default } => {
                    let value = match (self.request.key(key), default) {
                        (KeyState::Known(values), _) if values.len() == 1 => values.into_iter().next(),
                        (KeyState::Open(_), _) => {
                            open.insert(self.spell(key));
                            None
                        }
                        (KeyState::Known(_) | KeyState::Absent, default) => {
                            missing |= default.is_none();
                            default.clone()
                        }
                    };
                    match value {
                        Some(value) => tokens.extend(value.chars().map(Token::Char)),
                        None => tokens.push(Token::Many(Reach::Any)),
                    }
                }
            }
        }
        let pattern = Pattern(tokens);
        match (missing, open.is_empty()) {
            (true, _) => Binding::Missing(pattern),
            (false, true) => Binding::Sure(pattern),
            (false, false) => Binding::Open(pattern, open),
        }
    }

    /// Turns what waits for open resources and keys into dimensions and literals.
    fn conditions(&mut self) {
        self.finish_resources();
        let open = std::mem::take(&mut self.open);
        for (key, uses) in open {
            let KeyState::Open(domain) = self.request.key(&key) else {
                continue;
            };
            let spelled = self.spell(&key);
            let names = BTreeSet::from([spelled]);
            let atoms: Vec<Atom> = uses.iter().map(|(_, atom)| atom.clone()).collect();
            let Some(all) = choices(&domain, !single_valued(&key), &atoms) else {
                for (rule, atom) in &uses {
                    let text = format!("{:?} {key} {:?}", atom.operator, atom.bounds);
                    let dimension = self.whole(text, names.clone());
                    self.push(*rule, yes_if_chosen(dimension));
                }
                continue;
            };
            let examples = all
                .iter()
                .map(|choice| {
                    Some(match &choice.values {
                        None => Example::Absent,
                        // A value that no policy can name.
                        Some(values) if values.iter().any(|value| value.contains('\u{1}')) => Example::Other,
                        Some(values) => Example::Values(values.clone()),
                    })
                })
                .collect();
            let dimension = self.dimension(all.len(), Origin { names, doubt: None, examples });
            for (place, (rule, _)) in uses.iter().enumerate() {
                let truths: Vec<Truth> = all.iter().map(|choice: &Choice| choice.truths.get(place).copied().unwrap_or(Truth::No)).collect();
                self.place(*rule, dimension, &truths);
            }
        }
        // A rule whose literals turned out never to hold, or always, is settled here.
        for rule in &mut self.model.rules {
            rule.literals.retain(|literal| literal.cells.iter().any(|cell| *cell != Cell::Yes));
        }
        let impossible: Vec<usize> = self.model.rules.iter().filter(|rule| rule.literals.iter().any(|literal| literal.cells.iter().all(|cell| *cell == Cell::No))).map(|rule| rule.index).collect();
        self.model.rules.retain(|rule| !impossible.contains(&rule.index));
        for index in impossible {
            if let Some(statement) = self.document.statements.get(index) {
                self.reached(statement, Stage::Condition);
            }
        }
    }

    fn push(&mut self, rule: usize, literal: Literal) {
        if let Some(rule) = self.model.rules.get_mut(rule) {
            rule.literals.push(literal);
        }
    }

    fn place(&mut self, rule: usize, dimension: usize, truths: &[Truth]) {
        let index = self.model.rules.get(rule).map(|rule| rule.index).unwrap_or_default();
        let cells = self.cells(truths, index);
        self.push(rule, Literal { dimension, cells });
    }

    /// Splits the resources that the request may have by the patterns that match them.
    fn finish_resources(&mut self) {
        let uses = std::mem::take(&mut self.open_resources);
        if uses.is_empty() {
            return;
        }
        let shapes = match &self.request.resource {
            Resource::Known(one) => vec![Pattern::literal(one)],
            // What is not known of an ARN stays inside its segment.
            Resource::Like(patterns) => patterns.iter().map(|pattern| Pattern::glob(pattern).by_segment().narrow()).collect(),
            // Any ARN, or none, which policies see as `*`.
            Resource::Unknown => vec![Pattern::glob("arn:*:*:*:*:?*").by_segment(), Pattern::literal("*")],
        };
        let mut patterns: Vec<Pattern> = Vec::new();
        for pattern in uses.iter().flat_map(|(_, element)| &element.values) {
            for reading in [pattern.clone(), pattern.strict()] {
                if !patterns.contains(&reading) {
                    patterns.push(reading);
                }
            }
        }
        let names = BTreeSet::from(["resource".to_owned()]);
        let Some(all) = combinations(&patterns, &shapes, PATTERN_STEPS) else {
            for (rule, element) in &uses {
                let dimension = self.whole(format!("{:?}", element.values), names.clone());
                let cells = if element.not { vec![Cell::Yes, Cell::No] } else { vec![Cell::No, Cell::Yes] };
                self.push(*rule, Literal { dimension, cells });
            }
            return;
        };
        let place_of = |pattern: &Pattern| patterns.iter().position(|other| other == pattern);
        let truth = |vector: &[bool], element: &Element<Pattern>| {
            let on = |pattern: &Pattern| place_of(pattern).and_then(|place| vector.get(place)) == Some(&true);
            let truth = Truth::any(element.values.iter().map(|pattern| match (on(&pattern.strict()), on(pattern)) {
                (true, _) => Truth::Yes,
                (false, true) => Truth::Doubt,
                (false, false) => Truth::No,
            }));
            if element.not { truth.not() } else { truth }
        };
        let mut rows: Vec<(Vec<Truth>, String)> = Vec::new();
        for (vector, text) in &all {
            let row: Vec<Truth> = uses.iter().map(|(_, element)| truth(vector, element)).collect();
            if rows.iter().all(|(other, _)| *other != row) {
                rows.push((row, text.clone()));
            }
        }
        let examples = rows.iter().map(|(_, text)| Some(Example::Values(vec![text.clone()]))).collect();
        let dimension = self.dimension(rows.len(), Origin { names, doubt: None, examples });
        for (place, (rule, _)) in uses.iter().enumerate() {
            let truths: Vec<Truth> = rows.iter().map(|(row, _)| row.get(place).copied().unwrap_or(Truth::No)).collect();
            self.place(*rule, dimension, &truths);
        }
    }

    /// What an assignment means, by name of the unknown.
    pub(crate) fn example(&self, assignment: &Assignment) -> BTreeMap<String, Example> {
        let mut examples = BTreeMap::new();
        for (origin, choice) in self.origins.iter().zip(assignment) {
            let example = choice.and_then(|choice| origin.examples.get(choice)).cloned().flatten();
            if let (Some(example), Some(name)) = (example, origin.names.first()) {
                examples.insert(name.clone(), example);
            }
        }
        examples
    }

    /// Why nothing allows the request, in a sentence.
    pub(crate) fn nothing_allows(&self) -> String {
        let action = &self.request.action;
        let statements = &self.document.statements;
        if !statements.is_empty() && statements.iter().all(|statement| statement.effect == Effect::Deny) {
            return "the document has only Deny statements, and what nothing allows is denied".to_owned();
        }
        let named = |index| name(self.document, index);
        match self.nearest {
            None | Some((Stage::Action, _)) => format!("no statement allows {action}"),
            Some((Stage::Malformed, index)) => {
                let problem = self.document.problems.iter().find(|problem| problem.statement == Some(index));
                let text = problem.map_or("malformed", |problem| problem.text.as_str());
                format!("no statement allows {action}: {} allows nothing ({text})", named(index))
            }
            Some((Stage::Principal, index)) => {
                format!("no statement allows {action} for {}: {} is for another Principal", self.request.caller_name(), named(index))
            }
            Some((Stage::Resource, index)) => {
                let resource = match &self.request.resource {
                    Resource::Known(resource) => resource.as_str(),
                    Resource::Like(patterns) => patterns.first().map_or("this resource", String::as_str),
                    Resource::Unknown => "this resource",
                };
                format!("no statement allows {action} on {resource}: {} names other resources", named(index))
            }
            Some((Stage::Condition, index)) => {
                format!("no statement allows {action}: the Condition of {} does not hold", named(index))
            }
        }
    }
}

/// A policy's text with its variables filled in.
enum Binding {
    Sure(Pattern),
    /// A variable has no value; the pattern is what the text would fit with any.
    Missing(Pattern),
    /// Variables of these keys are unknown; the pattern is what the text would fit with any value of them.
    Open(Pattern, BTreeSet<String>),
}

fn yes_if_chosen(dimension: usize) -> Literal {
    Literal { dimension, cells: vec![Cell::No, Cell::Yes] }
}

/// The operator that this one negates, as text, so that both share an unknown; whether it is negated.
/// Operators that treat a missing key in another way share nothing.
fn positive(condition: &Condition) -> (String, bool) {
    let mut operator = condition.operator;
    if operator.set.is_none()
        && !operator.if_exists
        && let Base::Text { kind, negated: true } = operator.base
    {
        operator.base = Base::Text { kind, negated: false };
        return (format!("{operator:?}"), true);
    }
    (format!("{operator:?}"), false)
}

/// Whether a resource pattern matches; a doubt where only the wide reading does (see [`Pattern::strict`]).
fn resource_match(pattern: &Pattern, resource: &str) -> Truth {
    if !pattern.matches(resource) {
        Truth::No
    } else if pattern.strict().matches(resource) {
        Truth::Yes
    } else {
        Truth::Doubt
    }
}
