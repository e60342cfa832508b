//! One way of one path: its hops in order, and the causes of what is wrong with it.

use std::collections::BTreeSet;

use crate::analysis::{Cause, Decision, Hop, HopName, Tri, Unseen, Way};
use crate::finding::{Evidence, Severity};

/// One way, judged.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The way.
    pub way: Way,
    /// Hops in the order of the way.
    pub hops: Vec<Hop>,
    /// What findings it gives rise to.
    pub causes: Vec<Cause>,
    /// Rules that were judged here and found nothing.
    pub passed: BTreeSet<&'static str>,
    /// What was not seen and keeps hops from being judged at all, so that rules about them do not know.
    pub unjudged: BTreeSet<Unseen>,
}

impl Leg {
    /// An empty way.
    pub const fn new(way: Way) -> Self {
        Self { way, hops: Vec::new(), causes: Vec::new(), passed: BTreeSet::new(), unjudged: BTreeSet::new() }
    }

    /// Adds a hop; the same hop, object and verdict is shown once.
    pub fn hop(&mut self, hop: HopName, decision: &Decision) {
        let line = Hop { hop, verdict: decision.verdict, object: decision.object.clone(), detail: Some(told(decision)) };
        if !self.hops.iter().any(|h| h.hop == hop && h.verdict == line.verdict && h.object == line.object && (line.verdict == Tri::Pass || h.detail == line.detail)) {
            self.hops.push(line);
        }
    }

    /// Fail beats unknown beats pass; a way without hops passes nothing.
    pub fn verdict(&self) -> Tri {
        self.hops.iter().map(|h| h.verdict).max().unwrap_or(Tri::Unknown)
    }

    /// The first failing hop in the order of `blocked_at`.
    pub fn blocked_at(&self) -> Option<HopName> {
        self.hops.iter().filter(|h| h.verdict == Tri::Fail).map(|h| h.hop).min()
    }

    /// Adds a cause; one for each rule and object.
    pub fn cause(&mut self, cause: Cause) {
        match self.causes.iter_mut().find(|c| c.rule == cause.rule && c.object == cause.object && c.verdict == cause.verdict) {
            None => self.causes.push(cause),
            Some(old) => {
                old.severity = old.severity.max(cause.severity);
                old.unseen.extend(cause.unseen);
            }
        }
    }
}

/// What a hop says: where it is unknown, with the actions that would have told.
fn told(decision: &Decision) -> String {
    let silent = |u: &Unseen| match u {
        Unseen::Action(action) if decision.verdict == Tri::Unknown && !decision.detail.contains(action.name()) => Some(action.name()),
        _ => None,
    };
    let actions: Vec<&str> = decision.unseen.iter().filter_map(silent).collect();
    if actions.is_empty() { decision.detail.clone() } else { format!("{} (not seen: {})", decision.detail, actions.join(", ")) }
}

/// A failing cause.
pub fn fail(rule: &'static str, severity: Severity, object: &str, detail: impl Into<String>, evidence: Vec<Evidence>) -> Cause {
    Cause { rule, verdict: Tri::Fail, severity, object: object.to_owned(), detail: detail.into(), evidence, unseen: BTreeSet::new() }
}

/// An unknown cause. What no API call could decide is unknown at info.
pub fn unknown(rule: &'static str, severity: Severity, object: &str, detail: impl Into<String>, unseen: BTreeSet<Unseen>) -> Cause {
    let severity = if unseen.iter().all(|u| matches!(u, Unseen::Datum(_))) { Severity::Info } else { severity };
    Cause { rule, verdict: Tri::Unknown, severity, object: object.to_owned(), detail: detail.into(), evidence: Vec::new(), unseen }
}

/// The cause that a decision of a hop is, if it is one.
pub fn of_decision(rule: &'static str, severity: Severity, partial: Severity, decision: &Decision, fallback: &str) -> Option<Cause> {
    let object = decision.object.as_deref().unwrap_or(fallback);
    match decision.verdict {
        Tri::Pass => None,
        Tri::Fail => Some(fail(rule, if decision.partial { partial } else { severity }, object, decision.detail.clone(), decision.evidence.clone())),
        Tri::Unknown => Some(unknown(rule, severity, object, decision.detail.clone(), decision.unseen.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Action;

    #[test]
    fn an_unknown_hop_names_the_action_once() {
        let detail = |text: &str, unseen: Unseen| {
            let mut leg = Leg::new(Way::Unknown);
            leg.hop(HopName::Route, &Decision::unknown(None, text, unseen));
            leg.hops.remove(0).detail.unwrap_or_default()
        };
        assert_eq!(detail("the route table was not seen", Unseen::Action(Action::DescribeRouteTables)), "the route table was not seen (not seen: ec2:DescribeRouteTables)");
        assert_eq!(detail("ec2:DescribeRouteTables is denied", Unseen::Action(Action::DescribeRouteTables)), "ec2:DescribeRouteTables is denied");
        assert_eq!(detail("nobody can tell", Unseen::Datum("x".into())), "nobody can tell");
    }
}
