//! Decides a policy whose outcome depends on unknowns: is there a way to fill them in that allows, and one
//! that denies, and which of them make the difference?
//!
//! Each unknown is a dimension with finitely many choices, as many as the policy can tell apart. The search
//! fills in one after the other and stops where the rest no longer matters. It does no more than a fixed
//! amount of work; beyond that the answer is "unknown".

use std::collections::BTreeSet;

/// What a literal is worth under one choice of its dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    No,
    Yes,
    /// As the dimension of this number decides, whose second choice is yes.
    Free(usize),
}

/// One condition of a rule: true or false by the choice of one dimension.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) dimension: usize,
    pub(crate) cells: Vec<Cell>,
}

/// A statement that may match, if all its literals are true.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) deny: bool,
    /// Position of the statement in the document.
    pub(crate) index: usize,
    pub(crate) literals: Vec<Literal>,
}

/// What is to be decided. A dimension is given by its number of choices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) dimensions: Vec<usize>,
    pub(crate) rules: Vec<Rule>,
}

/// One complete or partial filling-in.
pub(crate) type Assignment = Vec<Option<usize>>;

/// How a policy decides under one filling-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaf {
    Allow(usize),
    /// By the Deny of this statement.
    Explicit(usize),
    /// No Allow matches; a Deny may match as well.
    Implicit,
}

impl Leaf {
    fn allows(self) -> bool {
        matches!(self, Leaf::Allow(_))
    }
}

/// The result of a search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) leaves: BTreeSet<Leaf>,
    pub(crate) allowed: Option<Assignment>,
    pub(crate) denied: Option<Assignment>,
    /// The work was too much: there may be more.
    pub(crate) cut_short: bool,
}

/// Work in literals looked at, for one question.
const WORK: usize = 4_000_000;

impl Model {
    /// Looks for an outcome of each kind.
    pub(crate) fn outcomes(&self) -> Found {
        let mut found = Found::default();
        let mut assignment = vec![None; self.dimensions.len()];
        let mut work = WORK;
        self.explore(&mut assignment, &mut found, &mut work);
        found
    }

    /// The dimensions of which some change alone turns the decision, and whether the work sufficed to tell
    /// (else those that could not be excluded are in it).
    pub(crate) fn deciding(&self) -> BTreeSet<usize> {
        let mut used: BTreeSet<usize> = BTreeSet::new();
        for literal in self.rules.iter().flat_map(|rule| &rule.literals) {
            used.insert(literal.dimension);
            used.extend(literal.cells.iter().filter_map(|cell| match cell {
                Cell::Free(dimension) => Some(*dimension),
                Cell::No | Cell::Yes => None,
            }));
        }
        let mut work = WORK;
        let mut assignment = vec![None; self.dimensions.len()];
        used.into_iter().filter(|dimension| self.decides(*dimension, &mut assignment, &mut work).unwrap_or(true)).collect()
    }

    fn cost(&self) -> usize {
        1 + self.rules.iter().map(|rule| 1 + rule.literals.len()).sum::<usize>()
    }

    fn explore(&self, assignment: &mut Assignment, found: &mut Found, work: &mut usize) {
        if found.allowed.is_some() && found.denied.is_some() {
            return;
        }
        let cost = self.cost();
        if *work < cost {
            found.cut_short = true;
            return;
        }
        *work -= cost;
        match self.settle(assignment) {
            Ok(leaf) => {
                found.leaves.insert(leaf);
                let slot = if leaf.allows() { &mut found.allowed } else { &mut found.denied };
                if slot.is_none() {
                    *slot = Some(assignment.clone());
                }
            }
            Err(dimension) => {
                for choice in 0..self.dimensions.get(dimension).copied().unwrap_or_default() {
                    set(assignment, dimension, Some(choice));
                    self.explore(assignment, found, work);
                }
                set(assignment, dimension, None);
            }
        }
    }

    /// Whether two choices of `dimension` decide differently under some choice of the others; `None`: the
    /// work did not suffice.
    fn decides(&self, dimension: usize, assignment: &mut Assignment, work: &mut usize) -> Option<bool> {
        let choices = self.dimensions.get(dimension).copied().unwrap_or_default();
        let mut allows = None;
        let mut open = None;
        for choice in 0..choices {
            let cost = self.cost();
            if *work < cost {
                set(assignment, dimension, None);
                return None;
            }
            *work -= cost;
            set(assignment, dimension, Some(choice));
            match self.settle(assignment) {
                Ok(leaf) => match allows {
                    None => allows = Some(leaf.allows()),
                    Some(other) if other != leaf.allows() => {
                        set(assignment, dimension, None);
                        return Some(true);
                    }
                    Some(_) => {}
                },
                Err(other) => open = open.or(Some(other)),
            }
        }
        set(assignment, dimension, None);
        let Some(next) = open else { return Some(false) };
        let mut result = Some(false);
        for choice in 0..self.dimensions.get(next).copied().unwrap_or_default() {
            set(assignment, next, Some(choice));
            match self.decides(dimension, assignment, work) {
                Some(true) => {
                    result = Some(true);
                    break;
                }
                None => {
                    result = None;
                    break;
                }
                Some(false) => {}
            }
        }
        set(assignment, next, None);
        result
    }

    /// The decision, if what is not filled in no longer matters; else a dimension that does.
    fn settle(&self, assignment: &Assignment) -> Result<Leaf, usize> {
        let mut open_deny = None;
        for rule in self.rules.iter().filter(|rule| rule.deny) {
            match rule.matches(assignment) {
                Ok(true) => return Ok(Leaf::Explicit(rule.index)),
                Ok(false) => {}
                Err(dimension) => open_deny = open_deny.or(Some(dimension)),
            }
        }
        let mut open_allow = None;
        let mut allowed = None;
        for rule in self.rules.iter().filter(|rule| !rule.deny) {
            match rule.matches(assignment) {
                Ok(true) => {
                    allowed = Some(rule.index);
                    break;
                }
                Ok(false) => {}
                Err(dimension) => open_allow = open_allow.or(Some(dimension)),
            }
        }
        match (allowed, open_allow, open_deny) {
            (None, None, _) => Ok(Leaf::Implicit),
            (Some(index), _, None) => Ok(Leaf::Allow(index)),
            (_, _, Some(dimension)) | (None, Some(dimension), None) => Err(dimension),
        }
    }
}

impl Rule {
    /// Whether all literals are true; `Err`: that depends on this dimension.
    fn matches(&self, assignment: &Assignment) -> Result<bool, usize> {
        let mut open = None;
        for literal in &self.literals {
            match literal.holds(assignment) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(dimension) => open = open.or(Some(dimension)),
            }
        }
        open.map_or(Ok(true), Err)
    }
}

impl Literal {
    fn holds(&self, assignment: &Assignment) -> Result<bool, usize> {
        let chosen = |dimension: usize| assignment.get(dimension).copied().flatten().ok_or(dimension);
        match self.cells.get(chosen(self.dimension)?) {
            Some(Cell::Yes) => Ok(true),
            Some(Cell::Free(dimension)) => Ok(chosen(*dimension)? == 1),
            Some(Cell::No) | None => Ok(false),
        }
    }
}

fn set(assignment: &mut Assignment, dimension: usize, choice: Option<usize>) {
    if let Some(slot) = assignment.get_mut(dimension) {
        *slot = choice;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(deny: bool, index: usize, literals: &[(usize, &[Cell])]) -> Rule {
        let literals = literals.iter().map(|(dimension, cells)| Literal { dimension: *dimension, cells: cells.to_vec() }).collect();
        Rule { deny, index, literals }
    }

    use Cell::{No, Yes};

    #[test]
    fn the_same_unknown_counts_once() {
        // Allow if k, allow if not k: allowed whatever k is.
        let model = Model { dimensions: vec![2], rules: vec![rule(false, 0, &[(0, &[No, Yes])]), rule(false, 1, &[(0, &[Yes, No])])] };
        let found = model.outcomes();
        assert!(found.allowed.is_some() && found.denied.is_none());
        assert!(model.deciding().is_empty());
    }

    #[test]
    fn only_what_can_turn_the_decision_is_named() {
        // Allow if a; the second rule asks for b as well and so adds nothing.
        let model = Model { dimensions: vec![2, 2], rules: vec![rule(false, 0, &[(0, &[No, Yes])]), rule(false, 1, &[(0, &[No, Yes]), (1, &[No, Yes])])] };
        assert_eq!(model.deciding(), BTreeSet::from([0]));
    }

    #[test]
    fn too_many_unknowns_end_in_an_answer() {
        // Parity of forty unknowns: no shortcut, so the search must give up in bounded time.
        let rules = (0..40).map(|n| rule(n % 2 == 0, n, &[(n, &[No, Yes]), ((n + 1) % 40, &[Yes, No])])).collect();
        let model = Model { dimensions: vec![2; 40], rules };
        assert!(!model.outcomes().leaves.is_empty());
        assert!(!model.deciding().is_empty());
    }
}
