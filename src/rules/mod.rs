//! The catalogue. A rule is one file: id, name, title, severity, why, how to mend, AWS source, what it reads, a pure check,
//! its tests.

pub mod ag01;
pub mod ag02;
pub mod ag03;
pub mod ag04;
pub mod ag05;
pub mod agents;
pub mod change;
pub mod co01;
pub mod co02;
pub mod dn01;
pub mod dn02;
pub mod dn03;
pub mod dn04;
pub mod dn05;
pub mod dn06;
pub mod dn07;
pub mod dn08;
pub mod dn09;
pub mod endpoints;
pub mod ep01;
pub mod ep02;
pub mod ep03;
pub mod ep04;
pub mod ep05;
pub mod ep06;
pub mod ep07;
pub mod ep08;
pub mod ep09;
pub mod ep10;
pub mod ep11;
pub mod ep12;
pub mod ep13;
pub mod ev01;
pub mod ev02;
pub mod from_paths;
pub mod hy01;
pub mod nw01;
pub mod nw02;
pub mod nw03;
pub mod nw04;
pub mod nw05;
pub mod nw06;
pub mod nw07;
pub mod nw08;
pub mod nw09;
pub mod nw10;
pub mod pages;
pub mod po01;
pub mod po02;
pub mod po03;
pub mod po04;
pub mod po05;
pub mod po06;
pub mod po07;
pub mod po08;
mod policies;
mod proof;
pub mod reads;
pub mod reality;
pub mod remedy;
pub mod rg01;
pub mod rg02;
pub mod rg03;
pub mod rg04;
pub mod roles;
pub mod subject;
#[cfg(test)]
pub mod testing;
pub mod text;
pub mod units;
pub mod v601;
pub mod wl01;
pub mod wl02;
pub mod wl03;
pub mod wl04;
pub mod wl05;
pub mod wl06;

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
    /// What all other rules found, where they ran before.
    others: Option<&'a [RuleResult]>,
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
    /// What was not seen and would have mattered.
    pub unseen: BTreeSet<Unseen>,
}

impl Outcome<'_> {
    /// The rule that is being checked.
    #[must_use]
    pub const fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// What each other rule did not see: of those that ran before, else of all.
    fn unseen_of_others(&self) -> Vec<(&'static Rule, BTreeSet<Unseen>)> {
        match self.others {
            Some(results) => results.iter().map(|r| (r.rule, r.unseen.clone())).collect(),
            None => ALL.iter().filter(|r| r.id != self.rule.id).map(|r| (*r, run(r, self.view).unseen)).collect(),
        }
    }

    /// Whether the check came to any result so far.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.passed || !self.findings.is_empty() || !self.unseen.is_empty()
    }

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
        self.findings.push_mut(Finding {
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
        })
    }

    fn finish(mut self) -> RuleResult {
        let completeness = &self.view.region.completeness;
        let lacking: BTreeSet<Unseen> = self.rule.reads.iter().copied().filter(|a| !completeness.seen(*a) && reads::matters(self.view, *a)).map(Unseen::Action).collect();
        self.unseen.extend(lacking);
        if !self.is_judged() {
            self.unseen.extend(reads::scope_unseen(self.view, self.rule.reads));
        }
        if !self.unseen.is_empty() {
            let only_data = self.unseen.iter().all(|u| matches!(u, Unseen::Datum(_)));
            let actions: Vec<&Unseen> = self.unseen.iter().filter(|u| matches!(u, Unseen::Action(_))).collect();
            let named: Vec<String> = self
                .unseen
                .iter()
                .map(|u| match u {
                    Unseen::Action(a) => match completeness.why(*a) {
                        why if why.is_empty() => format!("{a} (nothing for what is asked about)"),
                        why => format!("{a} ({why})"),
                    },
                    Unseen::Elsewhere(d) | Unseen::Datum(d) => d.clone(),
                })
                .collect();
            let evidence: Vec<Evidence> = actions.iter().filter_map(|u| if let Unseen::Action(a) = u { Some(Evidence::new(*a, "state", completeness.why(*a), "not seen")) } else { None }).collect();
            let permissions: Vec<String> = actions.iter().filter_map(|u| if let Unseen::Action(a) = u { Some(a.name().to_owned()) } else { None }).collect();
            let affects = std::mem::take(&mut self.unseen_affects);
            let resource = scope_resource(self.view);
            let finding = self.push(Verdict::Unknown, resource, "unseen", format!("Could not be judged: not seen was {}.", named.join("; ")));
            finding.evidence = evidence;
            finding.affects = affects;
            if only_data {
                finding.severity = Severity::Info;
                "No API call of the audit can tell this; check it by hand.".clone_into(&mut finding.remediation.text);
            } else if permissions.is_empty() {
                "Look at what is named with credentials that can see it, and run the audit again.".clone_into(&mut finding.remediation.text);
            } else {
                finding.remediation.text = format!("Let the audit read {} and run it again.", permissions.join(", "));
            }
        }
        for f in self.findings.iter_mut().filter(|f| f.verdict == Verdict::Fail) {
            f.remediation.proof.get_or_insert_with(|| proof::NOT_MODELLED.to_owned());
            safe(&mut f.remediation);
        }
        let worst = self.findings.iter().map(|f| f.verdict).max();
        let verdict = worst.unwrap_or(if self.passed { Verdict::Pass } else { Verdict::NotApplicable });
        let reason = self.reason.filter(|_| matches!(verdict, Verdict::Pass | Verdict::NotApplicable)).unwrap_or_else(|| match verdict {
            Verdict::Pass => "everything that was judged is fine".to_owned(),
            Verdict::NotApplicable => "nothing here to judge".to_owned(),
            Verdict::Fail | Verdict::Unknown => self.findings.iter().find(|f| f.verdict == verdict).map(|f| f.message.clone()).unwrap_or_default(),
        });
        RuleResult { rule: self.rule, findings: self.findings, verdict, reason, unseen: self.unseen }
    }
}

/// Takes out what would do more than it says where an id is no id.
fn safe(remediation: &mut Remediation) {
    let all = remediation.commands.len();
    remediation.commands.retain(|c| !c.starts_with("aws ") || crate::finding::runs_as_written(c));
    if remediation.commands.len() < all {
        remediation.text.push_str(" No command is shown: an id or name in it holds characters that those of AWS do not have.");
    }
    for block in [&mut remediation.terraform, &mut remediation.cloudformation] {
        block.take_if(|b| !crate::finding::reads_as_written(b));
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
    run_after(rule, view, None)
}

fn run_after<'a>(rule: &'static Rule, view: &'a View<'a>, others: Option<&'a [RuleResult]>) -> RuleResult {
    let mut outcome = Outcome { rule, view, findings: Vec::new(), passed: false, reason: None, unseen: BTreeSet::new(), unseen_affects: BTreeSet::new(), others };
    (rule.check)(view, &mut outcome);
    let result = outcome.finish();
    #[cfg(test)]
    testing::keep(&result);
    result
}

/// Runs rules over one region, in their order. CO01 tells what the others missed, so it runs last.
#[must_use]
pub fn run_all<'a>(rules: &[&'static Rule], view: &'a View<'a>) -> Vec<RuleResult> {
    let mut results: Vec<RuleResult> = rules.iter().filter(|r| r.id != co01::RULE.id).map(|r| run(r, view)).collect();
    if rules.iter().any(|r| r.id == co01::RULE.id) {
        let all = results.len() + 1 == ALL.len();
        let last = run_after(&co01::RULE, view, all.then_some(&results));
        results.push(last);
        results.sort_by_key(|r| r.rule.id);
    }
    results
}

/// Every rule, sorted by id.
pub static ALL: &[&Rule] = &[
    &ag01::RULE,
    &ag02::RULE,
    &ag03::RULE,
    &ag04::RULE,
    &ag05::RULE,
    &co01::RULE,
    &co02::RULE,
    &dn01::RULE,
    &dn02::RULE,
    &dn03::RULE,
    &dn04::RULE,
    &dn05::RULE,
    &dn06::RULE,
    &dn07::RULE,
    &dn08::RULE,
    &dn09::RULE,
    &ep01::RULE,
    &ep02::RULE,
    &ep03::RULE,
    &ep04::RULE,
    &ep05::RULE,
    &ep06::RULE,
    &ep07::RULE,
    &ep08::RULE,
    &ep09::RULE,
    &ep10::RULE,
    &ep11::RULE,
    &ep12::RULE,
    &ep13::RULE,
    &ev01::RULE,
    &ev02::RULE,
    &hy01::RULE,
    &nw01::RULE,
    &nw02::RULE,
    &nw03::RULE,
    &nw04::RULE,
    &nw05::RULE,
    &nw06::RULE,
    &nw07::RULE,
    &nw08::RULE,
    &nw09::RULE,
    &nw10::RULE,
    &po01::RULE,
    &po02::RULE,
    &po03::RULE,
    &po04::RULE,
    &po05::RULE,
    &po06::RULE,
    &po07::RULE,
    &po08::RULE,
    &rg01::RULE,
    &rg02::RULE,
    &rg03::RULE,
    &rg04::RULE,
    &v601::RULE,
    &wl01::RULE,
    &wl02::RULE,
    &wl03::RULE,
    &wl04::RULE,
    &wl05::RULE,
    &wl06::RULE,
];

/// The rule with this id or name.
#[must_use]
pub fn find(id_or_name: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|r| r.id.eq_ignore_ascii_case(id_or_name) || r.name == id_or_name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Family and number of rules in it.
    const FAMILIES: [(&str, usize); 11] = [("CO", 2), ("EP", 13), ("AG", 5), ("DN", 9), ("NW", 10), ("V6", 1), ("PO", 8), ("RG", 4), ("WL", 6), ("EV", 2), ("HY", 1)];

    #[test]
    fn the_catalogue_is_whole_sorted_and_without_doubles() {
        let ids: Vec<&str> = ALL.iter().map(|r| r.id).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1]), "not sorted, or one id twice: {ids:?}");
        let mut expected: Vec<String> = FAMILIES.iter().flat_map(|(family, n)| (1..=*n).map(move |i| format!("{family}{i:02}"))).collect();
        expected.sort();
        assert_eq!(ids, expected);
        assert_eq!(ids.len(), 61);
        let names: BTreeSet<&str> = ALL.iter().map(|r| r.name).collect();
        assert_eq!(names.len(), ALL.len(), "one name twice");
    }

    #[test]
    fn every_entry_can_be_shown() {
        for rule in ALL {
            assert!(rule.name.split('-').all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())), "{}: {}", rule.id, rule.name);
            for text in [rule.title, rule.why, rule.mend] {
                assert!(text.starts_with(|c: char| !c.is_whitespace()) && !text.contains("  ") && !text.contains('\n'), "{}: {text:?}", rule.id);
            }
            assert!(!rule.title.ends_with('.') && rule.title.len() <= 80, "{}: {}", rule.id, rule.title);
            assert!(rule.why.ends_with('.') && rule.mend.ends_with('.'), "{}", rule.id);
            assert!(!rule.sources.is_empty() && rule.sources.iter().all(|s| s.starts_with("https://docs.aws.amazon.com/")), "{}", rule.id);
        }
        let titles: BTreeMap<&str, &str> = ALL.iter().map(|r| (r.title, r.id)).collect();
        assert_eq!(titles.len(), ALL.len(), "one title twice");
    }

    #[test]
    fn a_rule_is_found_by_id_in_any_case_and_by_name() {
        assert_eq!(find("ep01").map(|r| r.id), Some("EP01"));
        assert_eq!(find("private-dns-off").map(|r| r.id), Some("DN01"));
        assert!(find("EP99").is_none());
    }

    #[test]
    fn each_rule_has_its_own_file() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
        for rule in ALL {
            let text = std::fs::read_to_string(here.join(format!("{}.rs", rule.id.to_lowercase()))).unwrap_or_default();
            assert!(text.contains(&format!("id: \"{}\"", rule.id)), "{} is not in a file of its own", rule.id);
        }
    }
}

#[cfg(test)]
mod misconceptions;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod seed;
