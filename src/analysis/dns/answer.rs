//! The words of name resolution: targets, answers, and sets of possible answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::analysis::Unseen;
use crate::finding::Evidence;

/// Address families that somebody speaks, or that an answer has records for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Families {
    /// IPv4: `A` records.
    pub v4: bool,
    /// IPv6: `AAAA` records.
    pub v6: bool,
}

impl Families {
    /// IPv4 alone.
    pub const V4: Self = Self { v4: true, v6: false };
    /// IPv6 alone.
    pub const V6: Self = Self { v4: false, v6: true };
    /// Both.
    pub const BOTH: Self = Self { v4: true, v6: true };
    /// Neither.
    pub const NONE: Self = Self { v4: false, v6: false };

    /// What both have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { v4: self.v4 && other.v4, v6: self.v6 && other.v6 }
    }

    /// What either has.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self { v4: self.v4 || other.v4, v6: self.v6 || other.v6 }
    }

    /// Whether there is any.
    #[must_use]
    pub const fn any(self) -> bool {
        self.v4 || self.v6
    }
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameTarget {
    /// An interface endpoint of the VPC itself, by its private DNS or by a zone that leads to it.
    Endpoint {
        /// Endpoint id.
        id: String,
        /// The addresses that the record lists, where they are not all of the endpoint's.
        addresses: Option<BTreeSet<IpAddr>>,
    },
    /// An interface endpoint of another VPC, by zone, alias or address.
    Remote {
        /// Endpoint id.
        id: String,
        /// The addresses that the record lists, where they are not all of the endpoint's.
        addresses: Option<BTreeSet<IpAddr>>,
    },
    /// The public address of the service or registry.
    Public,
    /// Addresses that no endpoint of the right service known here has. Empty: which ones was not seen.
    Private(BTreeSet<IpAddr>),
    /// No address: no such name, no record, no resolver, or the query is blocked.
    Nothing,
}

/// The rule that owns an answer, if the answer makes a path fail or pass by an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCause {
    /// `DN01` to `DN08`.
    pub rule: &'static str,
    /// Id of the object whose change mends it: endpoint, zone or VPC.
    pub object: String,
    /// Why, for people.
    pub detail: String,
}

/// Something that was not seen, and who does not know for want of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Doubt {
    /// A rule id, or [`PRESENCE`].
    pub rule: &'static str,
    /// Id of the object that the rule would name: endpoint, zone or VPC.
    pub object: String,
    /// What was not seen.
    pub unseen: Unseen,
}

/// In place of a rule: the one that owns the absence of an endpoint of the service.
pub const PRESENCE: &str = "EP";

impl Doubt {
    pub(super) fn new(rule: &'static str, object: &str, unseen: Unseen) -> Self {
        Self { rule, object: object.to_owned(), unseen }
    }
}

/// One possible answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAnswer {
    /// Where it leads.
    pub target: NameTarget,
    /// Which records there are. Of public names of registries, IPv6 is not known and given as absent.
    pub records: Families,
    /// Why, for people.
    pub detail: String,
    /// Id of the object that decided: endpoint, zone, rule, firewall rule group, DHCP options, VPC.
    pub object: Option<String>,
    /// Who owns it, where that is a DNS rule.
    pub cause: Option<NameCause>,
    /// The fields that decided.
    pub evidence: Vec<Evidence>,
}

impl NameAnswer {
    pub(super) fn new(target: NameTarget, records: Families, object: Option<&str>, detail: impl Into<String>) -> Self {
        Self { target, records, detail: detail.into(), object: object.map(str::to_owned), cause: None, evidence: Vec::new() }
    }

    /// No address.
    pub(super) fn nothing(object: Option<&str>, detail: impl Into<String>) -> Self {
        Self::new(NameTarget::Nothing, Families::NONE, object, detail)
    }

    /// The same, owned by `rule` on `object`, in the words of the answer.
    pub(super) fn owned(mut self, rule: &'static str, object: &str) -> Self {
        self.cause = Some(NameCause { rule, object: object.to_owned(), detail: self.detail.clone() });
        self
    }

    /// The same, with a field that decided.
    pub(super) fn because(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
}

/// What a name resolves to, by what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Every answer that is possible by what was seen, sorted by target, never empty.
    pub answers: Vec<NameAnswer>,
    /// Whether one of `answers` must hold. If not, what is `unseen` could lead anywhere.
    pub certain: bool,
    /// What was not seen and leaves several answers, or any.
    pub unseen: BTreeSet<Unseen>,
    /// The same, with the rules that do not know for want of it, sorted.
    pub doubts: BTreeSet<Doubt>,
    /// What decided, for people.
    pub decision_detail: String,
    /// Id of the object that decided, where all answers agree on it.
    pub object: Option<String>,
}

impl Names {
    /// The answer, where there can be no other.
    #[must_use]
    pub fn only(&self) -> Option<&NameAnswer> {
        match self.answers.as_slice() {
            [answer] if self.certain => Some(answer),
            _ => None,
        }
    }
}

/// A set of possible answers while it is being worked out.
#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    answers: BTreeMap<(NameTarget, Families), NameAnswer>,
    doubts: BTreeSet<Doubt>,
    open: bool,
}

impl From<NameAnswer> for Set {
    fn from(answer: NameAnswer) -> Self {
        let mut set = Self::default();
        set.add(answer);
        set
    }
}

impl Set {
    /// One more possible answer. Of two that lead to the same place the first stays.
    pub(super) fn add(&mut self, answer: NameAnswer) {
        self.answers.entry((answer.target.clone(), answer.records)).or_insert(answer);
    }

    /// All that `other` allows is possible too.
    pub(super) fn join(&mut self, other: Self) {
        for answer in other.answers.into_values() {
            self.add(answer);
        }
        self.doubts.extend(other.doubts);
        self.open |= other.open;
    }

    /// Names what was not seen and leaves several answers.
    pub(super) fn doubt(&mut self, doubt: Doubt) {
        self.doubts.insert(doubt);
    }

    /// Anything is possible, for want of something.
    pub(super) fn open(&mut self, doubt: Doubt) {
        self.doubts.insert(doubt);
        self.open = true;
    }

    /// Whether nothing is possible by what was seen, and nothing is left open.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty() && !self.open
    }

    /// Whether one of the answers must hold.
    pub(super) const fn is_closed(&self) -> bool {
        !self.open
    }

    /// Possible answers.
    pub(super) fn answers(&self) -> impl Iterator<Item = &NameAnswer> {
        self.answers.values()
    }

    /// Takes the answers out and leaves the doubts.
    pub(super) fn take_answers(&mut self) -> Vec<NameAnswer> {
        std::mem::take(&mut self.answers).into_values().collect()
    }

    /// The same answers, each changed.
    pub(super) fn map(self, mut change: impl FnMut(NameAnswer) -> NameAnswer) -> Self {
        let mut out = Self { answers: BTreeMap::new(), doubts: self.doubts, open: self.open };
        for answer in self.answers.into_values() {
            out.add(change(answer));
        }
        out
    }

    /// The finished result.
    pub(super) fn finish(self) -> Names {
        let mut answers: Vec<NameAnswer> = self.answers.into_values().collect();
        if answers.is_empty() {
            answers.push(NameAnswer::new(NameTarget::Private(BTreeSet::new()), Families::BOTH, None, "it could not be seen where the name leads"));
        }
        let mut details: Vec<&str> = Vec::new();
        for answer in &answers {
            if !details.contains(&answer.detail.as_str()) {
                details.push(&answer.detail);
            }
        }
        let decision_detail = details.join("; or ");
        let object = answers.first().and_then(|a| a.object.clone()).filter(|o| answers.iter().all(|a| a.object.as_ref() == Some(o)));
        Names { certain: !self.open, unseen: self.doubts.iter().map(|d| d.unseen.clone()).collect(), doubts: self.doubts, decision_detail, object, answers }
    }
}
