//! The catalogue. A rule is one file: id, name, title, severity, why, how to mend, AWS source, what it reads, a pure check,
//! its tests.

use std::collections::BTreeSet;

use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::{Confidence, Evidence, Finding, Remediation, Resource, Severity, Verdict, fingerprint};

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Id, such as `EP01`.
    pub id: &'static str,
    /// Kebab-case name of what is wrong.
    pub name: &'static str,
    /// One line.
    pub title: &'static str,
    /// Severity of a failure without another way.
    pub severity: Severity,
    /// Why it matters.
    pub why: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// AWS pages behind it, https.
    pub sources: &'static [&'static str],
    /// What decides whether the rule applies at all: one of these not seen makes the rule unknown by itself.
    pub reads: &'static [Action],
    /// The check.
    pub check: fn(&View<'_>, &mut Outcome<'_>),
}

/// What a rule finds in one region. Collects findings; unknown ones for the same lack are merged into one.
#[derive(Debug)]
pub struct Outcome<'a> {
    rule: &'static Rule,
    view: &'a View<'a>,
    findings: Vec<Finding>,
    passed: bool,
    reason: Option<String>,
    unseen: BTreeSet<Unseen>,
    unseen_affects: BTreeSet<String>,
}

/// The result of one rule over one region.
#[derive(Debug)]
pub struct RuleResult {
    /// The rule.
    pub rule: &'static Rule,
    /// Fails and unknowns.
    pub findings: Vec<Finding>,
    /// Worst of all.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub reason: String,
}

impl Outcome<'_> {
    /// Something was judged and is fine.
    pub fn pass(&mut self) {
        self.passed = true;
    }

    /// Why the rule passes or does not apply, for `rules[].reason`.
    pub fn reason(&mut self, reason: impl Into<String>) {
        self.reason.get_or_insert_with(|| reason.into());
    }

    /// A failure on `resource`; `discriminator` tells findings on the same resource apart (usually the AWS service).
    /// Returns the finding to be filled in: severity, confidence, evidence, affects, commands.
    pub fn fail(&mut self, resource: Resource, discriminator: &str, message: impl Into<String>) -> &mut Finding {
        self.push(Verdict::Fail, resource, discriminator, message.into())
    }

    /// An unknown of its own on `resource` (several for one denied action are a mistake: use [`Outcome::unseen`]).
    pub fn unknown(&mut self, resource: Resource, discriminator: &str, message: impl Into<String>) -> &mut Finding {
        self.push(Verdict::Unknown, resource, discriminator, message.into())
    }

    /// The rule could not judge `affects` for want of an action or datum. All such become one finding.
    pub fn unseen(&mut self, what: impl IntoIterator<Item = Unseen>, affects: impl IntoIterator<Item = String>) {
        self.unseen.extend(what);
        self.unseen_affects.extend(affects);
    }

    fn push(&mut self, verdict: Verdict, resource: Resource, discriminator: &str, message: String) -> &mut Finding {
        let rule = self.rule;
        self.findings.push(Finding {
            rule: rule.id.to_owned(),
            verdict,
            severity: rule.severity,
            confidence: Confidence::High,
            fingerprint: fingerprint(rule.id, &resource, discriminator),
            resource,
            title: rule.title.to_owned(),
            message,
            evidence: Vec::new(),
            affects: BTreeSet::new(),
            remediation: Remediation { text: rule.mend.to_owned(), ..Remediation::default() },
            references: rule.sources.iter().map(|s| (*s).to_owned()).collect(),
            status: None,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    fn finish(mut self) -> RuleResult {
        let completeness = &self.view.region.completeness;
        let lacking: BTreeSet<Unseen> = self.rule.reads.iter().copied().filter(|a| !completeness.seen(*a)).map(Unseen::Action).collect();
        self.unseen.extend(lacking);
        if !self.unseen.is_empty() {
            let (actions, data): (Vec<_>, Vec<_>) = self.unseen.iter().partition(|u| matches!(u, Unseen::Action(_)));
            let named: Vec<String> = self
                .unseen
                .iter()
                .map(|u| match u {
                    Unseen::Action(a) => format!("{a} ({})", completeness.why(*a)),
                    Unseen::Datum(d) => d.clone(),
                })
                .collect();
            let evidence: Vec<Evidence> = actions.iter().filter_map(|u| if let Unseen::Action(a) = u { Some(Evidence::new(*a, "state", completeness.why(*a), "not seen")) } else { None }).collect();
            let permissions: Vec<String> = actions.iter().filter_map(|u| if let Unseen::Action(a) = u { Some(a.name().to_owned()) } else { None }).collect();
            let affects = std::mem::take(&mut self.unseen_affects);
            let resource = scope_resource(self.view);
            let only_data = permissions.is_empty() && !data.is_empty();
            let finding = self.push(Verdict::Unknown, resource, "unseen", format!("Could not be judged: not seen was {}.", named.join("; ")));
            finding.evidence = evidence;
            finding.affects = affects;
            if only_data {
                finding.severity = Severity::Info;
                "No API call of the audit can tell this; check it by hand.".clone_into(&mut finding.remediation.text);
            } else {
                finding.remediation.text = format!("Let the audit read {} and run it again.", permissions.join(", "));
            }
        }
        let worst = self.findings.iter().map(|f| f.verdict).max();
        let verdict = worst.unwrap_or(if self.passed { Verdict::Pass } else { Verdict::NotApplicable });
        let reason = self.reason.unwrap_or_else(|| match verdict {
            Verdict::Pass => "everything that was judged is fine".to_owned(),
            Verdict::NotApplicable => "nothing here to judge".to_owned(),
            Verdict::Fail | Verdict::Unknown => self.findings.iter().find(|f| f.verdict == verdict).map(|f| f.message.clone()).unwrap_or_default(),
        });
        RuleResult { rule: self.rule, findings: self.findings, verdict, reason }
    }
}

/// The account and region as a resource, for what concerns no single object.
#[must_use]
pub fn scope_resource(view: &View<'_>) -> Resource {
    let region = view.region;
    Resource {
        arn: Some(format!("arn:{}:ec2:{}:{}:vpc/*", region.partition, region.region, region.account)),
        r#type: Some("AWS::Account".to_owned()),
        id: Some(region.account.clone()),
        name: None,
        account: Some(region.account.clone()),
        region: Some(region.region.clone()),
        vpc: None,
    }
}

/// Runs one rule over one region.
#[must_use]
pub fn run<'a>(rule: &'static Rule, view: &'a View<'a>) -> RuleResult {
    let mut outcome = Outcome { rule, view, findings: Vec::new(), passed: false, reason: None, unseen: BTreeSet::new(), unseen_affects: BTreeSet::new() };
    (rule.check)(view, &mut outcome);
    outcome.finish()
}

/// Every rule, sorted by id.
pub static ALL: &[&Rule] = &[];

/// The rule with this id or name.
#[must_use]
pub fn find(id_or_name: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|r| r.id.eq_ignore_ascii_case(id_or_name) || r.name == id_or_name)
}
