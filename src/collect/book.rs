//! How each action went, call by call, and the [`Status`] that follows from it in the end.
//!
//! The result does not depend on the order in which answers came: of several errors the first in the alphabet is shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Action;
use crate::aws::{CallError, Kind};
use crate::inventory::{Completeness, State, Status};

/// The notes of one region.
#[derive(Debug, Default)]
pub(super) struct Book {
    tallies: BTreeMap<Action, Tally>,
    /// How many calls ended in each kind of failure, with the first error in the alphabet.
    failures: BTreeMap<Kind, BTreeSet<String>>,
    answered: bool,
}

#[derive(Debug, Default)]
struct Tally {
    answered: bool,
    failed: bool,
    incomplete: bool,
    error: Option<String>,
    ids: BTreeSet<String>,
}

impl Tally {
    fn because(&mut self, error: String) {
        if self.error.as_ref().is_none_or(|old| error < *old) {
            self.error = Some(error);
        }
    }
}

impl Book {
    /// A call was answered, be it with an error that is an answer.
    pub fn answered(&mut self, action: Action) {
        self.answered = true;
        self.tallies.entry(action).or_default().answered = true;
    }

    /// A call had no usable answer. `subjects` are the ids that it asked about.
    pub fn failed<'a>(&mut self, action: Action, error: &CallError, subjects: impl IntoIterator<Item = &'a str>) {
        self.failures.entry(error.kind).or_default().insert(error.to_string());
        let tally = self.tallies.entry(action).or_default();
        tally.failed = true;
        tally.because(error.to_string());
        tally.ids.extend(subjects.into_iter().map(str::to_owned));
    }

    /// An answer left these ids out, or said why it could not tell of them.
    pub fn left_out(&mut self, action: Action, ids: impl IntoIterator<Item = String>, why: &str) {
        let tally = self.tallies.entry(action).or_default();
        tally.incomplete = true;
        tally.because(why.to_owned());
        tally.ids.extend(ids);
    }

    /// Whether a listing ended without any failure so far.
    pub fn whole(&self, action: Action) -> bool {
        self.tallies.get(&action).is_some_and(|t| t.answered && !t.failed && !t.incomplete)
    }

    /// The first error of an action.
    pub fn error(&self, action: Action) -> Option<String> {
        self.tallies.get(&action)?.error.clone()
    }

    /// Whether any call of an action had no usable answer.
    pub fn any_failed(&self, action: Action) -> bool {
        self.tallies.get(&action).is_some_and(|t| t.failed)
    }

    /// Adds the notes of what the regions of an account share.
    pub fn merge(&mut self, shared: &Self) {
        for (action, from) in &shared.tallies {
            let tally = self.tallies.entry(*action).or_default();
            tally.answered |= from.answered;
            tally.failed |= from.failed;
            tally.incomplete |= from.incomplete;
            tally.ids.extend(from.ids.iter().cloned());
            if let Some(error) = &from.error {
                tally.because(error.clone());
            }
        }
    }

    /// Actions that were asked.
    pub fn asked(&self) -> impl Iterator<Item = Action> {
        self.tallies.keys().copied()
    }

    /// If every call failed, and for reasons of these kinds: the first of those reasons, by the order of the kinds.
    pub fn only_of(&self, kinds: &[Kind]) -> Option<String> {
        if self.answered || self.failures.keys().any(|k| !kinds.contains(k)) {
            return None;
        }
        kinds.iter().find_map(|k| self.failures.get(k)?.first().cloned())
    }

    /// The state of every wanted action. What was never asked is complete where all that would have named a subject was seen
    /// and named none, else not collected.
    pub fn completeness(&self, wanted: &BTreeSet<Action>) -> Completeness {
        let mut all: BTreeMap<Action, Status> = BTreeMap::new();
        // Where an action was not asked: the first on the way to it that was, and failed.
        let mut roots: BTreeMap<Action, (Action, String)> = BTreeMap::new();
        for action in order(wanted) {
            let lacking = subjects_from(action).iter().find_map(|p| all.get(p).filter(|s| s.state != State::Complete).map(|s| (*p, s)));
            let status = match (self.tallies.get(&action), lacking) {
                (None, None) => Status::unasked(),
                (None, Some((parent, status))) => {
                    let root = roots.get(&parent).cloned().unwrap_or_else(|| (parent, status.error.clone().unwrap_or_default()));
                    let error = format!("not asked, for want of {} ({})", root.0, root.1);
                    roots.insert(action, root);
                    Status::of(State::NotCollected, error)
                }
                // A parent that lacks known ids alone has named all the others.
                (Some(tally), Some((parent, status))) if handed_down(action) && (status.state != State::Partial || status.ids.is_empty()) => {
                    tally.status(Some(format!("{parent}: {}", status.error.clone().unwrap_or_default())))
                }
                (Some(tally), _) => tally.status(None),
            };
            all.insert(action, status);
        }
        Completeness(all)
    }
}

impl Tally {
    fn status(&self, inherited: Option<String>) -> Status {
        let error = self.error.clone().or(inherited);
        let state = match (self.failed, self.answered) {
            (true, false) => State::Missing,
            (true, true) => State::Partial,
            _ if self.incomplete || error.is_some() => State::Partial,
            _ => return Status::complete(),
        };
        // Where nothing at all came, naming each id adds nothing.
        let ids = if state == State::Partial { self.ids.clone() } else { BTreeSet::new() };
        Status { state, error, ids, unasked: false }
    }
}

/// The actions whose answers name the subjects that this one asks about.
pub(super) const fn subjects_from(action: Action) -> &'static [Action] {
    use Action as A;
    match action {
        A::DescribeClusters | A::ListContainerInstances | A::ListServices | A::ListTasks => &[A::ListClusters],
        A::DescribeContainerInstances => &[A::ListContainerInstances],
        A::DescribeServices => &[A::ListServices],
        A::DescribeTasks => &[A::ListTasks],
        A::DescribeTaskSets | A::DescribeServiceRevisions => &[A::DescribeServices],
        A::DescribeTaskDefinition => &[A::DescribeServices, A::DescribeTasks],
        A::DescribeVpcAttribute | A::ListHostedZonesByVpc => &[A::DescribeVpcs, A::DescribeSubnets, A::DescribeServices, A::DescribeTasks, A::DescribeContainerInstances, A::DescribeInstances],
        A::ListResourceRecordSets => &[A::ListHostedZonesByVpc],
        A::GetManagedPrefixListEntries => &[A::DescribeSecurityGroups, A::DescribeRouteTables],
        A::SearchTransitGatewayRoutes | A::GetTransitGatewayRouteTableAssociations => &[A::DescribeTransitGatewayAttachments, A::DescribeTransitGatewayVpcAttachments],
        A::ListResolverEndpointIpAddresses => &[A::ListResolverEndpoints],
        A::ListFirewallRules | A::ListFirewallConfigs => &[A::ListFirewallRuleGroupAssociations],
        A::ListFirewallDomains | A::ListFirewallDomainLists => &[A::ListFirewallRules],
        A::GetInstanceProfile => &[A::DescribeInstances, A::DescribeContainerInstances, A::DescribeCapacityProviders],
        A::GetRole | A::ListAttachedRolePolicies | A::ListRolePolicies => &[A::DescribeTaskDefinition, A::GetInstanceProfile],
        A::GetRolePolicy => &[A::ListRolePolicies],
        A::GetPolicy => &[A::ListAttachedRolePolicies],
        A::GetPolicyVersion => &[A::GetPolicy],
        A::DescribeImages => &[A::DescribePullThroughCacheRules, A::DescribeTaskDefinition],
        A::GetDetector => &[A::ListDetectors],
        _ => &[],
    }
}

/// Whether a gap in the list of subjects is a gap here too. ECS's descriptions are one flat list, in which a cluster or
/// service that was never named cannot be missed; the answers of the others are kept by subject.
const fn handed_down(action: Action) -> bool {
    use Action as A;
    matches!(
        action,
        A::DescribeClusters
            | A::ListContainerInstances
            | A::ListServices
            | A::ListTasks
            | A::DescribeContainerInstances
            | A::DescribeServices
            | A::DescribeTasks
            | A::DescribeTaskSets
            | A::DescribeServiceRevisions
    )
}

/// Wanted actions, each after those that name its subjects.
fn order(wanted: &BTreeSet<Action>) -> Vec<Action> {
    fn visit(action: Action, wanted: &BTreeSet<Action>, seen: &mut BTreeSet<Action>, out: &mut Vec<Action>) {
        if wanted.contains(&action) && seen.insert(action) {
            for parent in subjects_from(action) {
                visit(*parent, wanted, seen, out);
            }
            out.push(action);
        }
    }
    let (mut seen, mut out) = (BTreeSet::new(), Vec::new());
    for action in wanted {
        visit(*action, wanted, &mut seen, &mut out);
    }
    out
}

/// A choice of actions, and all that they need to know their subjects.
pub(super) fn with_subjects(actions: impl IntoIterator<Item = Action>) -> BTreeSet<Action> {
    let mut all = BTreeSet::new();
    let mut todo: Vec<Action> = actions.into_iter().collect();
    while let Some(action) = todo.pop() {
        if all.insert(action) {
            todo.extend(subjects_from(action));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> CallError {
        CallError { kind: Kind::Denied, code: "AccessDenied".into(), message: "no".into() }
    }

    fn wanted() -> BTreeSet<Action> {
        Action::ALL.iter().copied().collect()
    }

    #[test]
    fn an_action_is_missing_if_all_calls_failed_and_partial_if_some() {
        let mut book = Book::default();
        book.failed(Action::DescribeServices, &denied(), ["a"]);
        let status = book.completeness(&wanted()).0[&Action::DescribeServices].clone();
        assert_eq!((status.state, status.error.as_deref()), (State::Missing, Some("AccessDenied: no")));
        assert!(status.ids.is_empty());
        book.answered(Action::DescribeServices);
        let status = book.completeness(&wanted()).0[&Action::DescribeServices].clone();
        assert_eq!(status.state, State::Partial);
        assert_eq!(status.ids, BTreeSet::from(["a".to_owned()]));
    }

    #[test]
    fn the_error_shown_does_not_depend_on_the_order() {
        let other = CallError { message: "a".into(), ..denied() };
        for errors in [[denied(), other.clone()], [other, denied()]] {
            let mut book = Book::default();
            for error in &errors {
                book.failed(Action::ListTasks, error, []);
            }
            assert_eq!(book.completeness(&wanted()).why(Action::ListTasks), "AccessDenied: a");
        }
    }

    #[test]
    fn nothing_to_ask_is_complete_and_nothing_known_to_ask_is_not_collected() {
        let mut book = Book::default();
        book.answered(Action::ListClusters);
        let completeness = book.completeness(&wanted());
        assert_eq!(completeness.0[&Action::DescribeTasks], Status::unasked(), "no cluster, so no task");
        assert_eq!(completeness.0[&Action::ListClusters], Status::complete());

        let mut book = Book::default();
        book.failed(Action::ListClusters, &denied(), []);
        let completeness = book.completeness(&wanted());
        assert_eq!(completeness.state(Action::DescribeTasks), State::NotCollected);
        for action in [Action::ListTasks, Action::DescribeTasks, Action::DescribeTaskDefinition] {
            assert_eq!(completeness.why(action), "not asked, for want of ecs:ListClusters (AccessDenied: no)", "{action}");
        }
    }

    #[test]
    fn a_list_that_broke_off_makes_what_it_names_partial() {
        let mut book = Book::default();
        for action in [Action::ListClusters, Action::ListServices, Action::DescribeServices, Action::DescribeClusters] {
            book.answered(action);
        }
        book.failed(Action::ListServices, &denied(), []);
        let completeness = book.completeness(&wanted());
        assert_eq!(completeness.state(Action::DescribeServices), State::Partial);
        assert_eq!(completeness.state(Action::DescribeClusters), State::Complete);
    }

    #[test]
    fn ids_left_out_make_partial_and_are_named() {
        let mut book = Book::default();
        book.answered(Action::DescribeServices);
        book.left_out(Action::DescribeServices, ["arn:x".to_owned()], "MISSING");
        let status = book.completeness(&wanted()).0[&Action::DescribeServices].clone();
        assert_eq!((status.state, status.error.as_deref(), status.ids.len()), (State::Partial, Some("MISSING"), 1));
    }

    #[test]
    fn subjects_are_part_of_every_choice() {
        let chosen = with_subjects([Action::DescribeTaskDefinition]);
        assert!(chosen.contains(&Action::ListClusters) && chosen.contains(&Action::ListTasks));
        assert!(!chosen.contains(&Action::DescribeInstances));
        assert_eq!(order(&chosen).len(), chosen.len());
    }

    #[test]
    fn one_kind_alone_is_told_from_a_mixture() {
        let mut book = Book::default();
        assert!(book.only_of(&[Kind::Credentials]).is_none());
        book.failed(Action::DescribeVpcs, &CallError { kind: Kind::Credentials, code: "ExpiredToken".into(), message: String::new() }, []);
        assert!(book.only_of(&[Kind::Credentials]).is_some());
        book.failed(Action::DescribeVpcs, &denied(), []);
        assert!(book.only_of(&[Kind::Credentials]).is_none());
    }

    #[test]
    fn whoever_never_answers_is_as_good_as_unreachable() {
        let lost = |kind, code: &str| CallError { kind, code: code.into(), message: String::new() };
        let dead = [Kind::Unreachable, Kind::NoAnswer];
        let mut book = Book::default();
        assert!(book.only_of(&dead).is_none());
        book.failed(Action::DescribeVpcs, &lost(Kind::NoAnswer, "Timeout"), []);
        book.failed(Action::DescribeSubnets, &lost(Kind::Unreachable, "Unreachable"), []);
        assert_eq!(book.only_of(&dead).as_deref(), Some("Unreachable"));
        book.failed(Action::DescribeSubnets, &lost(Kind::Deadline, "deadline"), []);
        assert!(book.only_of(&dead).is_none(), "a time limit says nothing about the region");
        let mut book = Book::default();
        book.failed(Action::DescribeVpcs, &lost(Kind::NoAnswer, "Timeout"), []);
        book.answered(Action::DescribeSubnets);
        assert!(book.only_of(&dead).is_none());
    }
}
