//! Suppressions: which finding they match, what they hide, and the lines that would suppress one.

use super::config::Suppression;
use crate::finding::Finding;
use crate::inventory::Time;
use crate::report::source_map::glob;
use crate::report::text::{clean, is_treacherous};
use crate::report::{Report, Suppressed};

/// Takes what is suppressed out of the findings and names it under `suppressed`; an entry that has expired or matches
/// nothing stands there too, without a fingerprint. Without a clock no entry expires (nothing fails by age), which is
/// warned of. Counts are left to the caller.
pub fn apply(report: &mut Report, entries: &[Suppression], now: Option<Time>) -> Vec<String> {
    let today = now.map(|t| t.0.to_zoned(jiff::tz::TimeZone::UTC).date());
    let expired = |e: &Suppression| matches!((e.expires, today), (Some(last), Some(today)) if today > last);
    let mut warnings = Vec::new();
    let mut used = vec![false; entries.len()];
    let mut hidden = Vec::new();
    report.findings.retain(|f| {
        let mut hide = false;
        for (entry, used) in entries.iter().zip(&mut used) {
            if expired(entry) || !matches(entry, f) {
                continue;
            }
            *used = true;
            if !hide {
                hidden.push(line(entry, Some(f.fingerprint.clone())));
            }
            hide = true;
        }
        !hide
    });
    for (entry, used) in entries.iter().zip(used) {
        let name = describe(entry);
        if expired(entry) {
            let last = entry.expires.map(|d| d.to_string()).unwrap_or_default();
            warnings.push(format!("{name} has expired on {last} and suppresses nothing any more; renew or remove it"));
        } else if !used {
            let why = if crate::rules::find(&entry.rule).is_none() { "there is no such rule" } else { "no finding matches it" };
            warnings.push(format!("{name} suppresses nothing: {why}; remove it"));
        } else if entry.expires.is_some() && today.is_none() {
            warnings.push(format!("{name} has an expiry, but there is no clock to hold it against: taken as still valid (give --now)"));
        }
        if expired(entry) || !used {
            hidden.push(line(entry, None));
        }
    }
    report.suppressed.extend(hidden);
    report.suppressed.sort();
    warnings
}

fn line(entry: &Suppression, fingerprint: Option<String>) -> Suppressed {
    Suppressed { rule: entry.rule.clone(), fingerprint, reason: Some(entry.reason.clone()), owner: entry.owner.clone(), expires: entry.expires.map(|d| d.to_string()) }
}

fn describe(entry: &Suppression) -> String {
    let object = entry.resource.as_deref().or(entry.fingerprint.as_deref()).unwrap_or_default();
    format!("the suppression of {} on {} (line {})", clean(&entry.rule), clean(object), entry.line)
}

/// Whether an entry is about this finding: the same rule, and whatever else it says.
#[must_use]
pub fn matches(entry: &Suppression, f: &Finding) -> bool {
    let resource = |pattern: &str| {
        let id = f.resource.id.as_deref();
        [f.resource.arn.as_deref(), id, id.map(|i| i.trim_start_matches("/hostedzone/"))].into_iter().flatten().any(|name| glob(pattern, name))
    };
    entry.rule.eq_ignore_ascii_case(&f.rule) && entry.resource.as_deref().is_none_or(resource) && entry.fingerprint.as_deref().is_none_or(|p| p == f.fingerprint)
}

/// The lines of `audit.toml` that would suppress this finding.
#[must_use]
pub fn lines(finding: &Finding) -> String {
    let mut out = format!("[[suppress]]\nrule = {}\n", toml_string(&finding.rule));
    // A `*` in an id would be read as a pattern: then the fingerprint alone says which finding is meant.
    if let Some(resource) = finding.resource.id.as_deref().or(finding.resource.arn.as_deref()).filter(|r| !r.contains('*')) {
        out.push_str(&format!("resource = {}\n", toml_string(resource)));
    }
    out.push_str(&format!("fingerprint = {}\nreason = \"why this is accepted\"\n", toml_string(&finding.fingerprint)));
    out
}

/// A TOML basic string. Characters that could steer a terminal or reorder a line stand as escapes.
#[must_use]
pub fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_treacherous(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Severity, Verdict};
    use crate::governance::{Config, config};
    use crate::report::sample;

    fn now(text: &str) -> Option<Time> {
        Some(Time::parse(text).unwrap())
    }

    fn entry(resource: &str) -> Suppression {
        Suppression { rule: "NW01".to_owned(), resource: Some(resource.to_owned()), reason: "known".to_owned(), line: 1, ..Suppression::default() }
    }

    #[test]
    fn a_hidden_unknown_leaves_the_report_incomplete() {
        let mut report = sample::report();
        report.completeness.iter_mut().for_each(|line| line.state = crate::inventory::State::Complete);
        report.findings.truncate(1);
        let unknown = &mut report.findings[0];
        (unknown.rule, unknown.verdict, unknown.severity) = ("NW01".to_owned(), Verdict::Unknown, Severity::High);
        let fingerprint = unknown.fingerprint.clone();
        report.recount();
        assert!(!report.complete && report.summary.unknown == 1);
        let hide = Suppression { resource: None, fingerprint: Some(fingerprint), ..entry("") };
        let warnings = crate::governance::apply(&mut report, &Config { suppress: vec![hide], ..Config::default() }, now("2026-01-01T00:00:00Z"));
        assert!(warnings.is_empty() && report.findings.is_empty(), "{warnings:?} {:?}", report.findings);
        assert!(!report.complete, "nobody saw more");
        let status = |allowed| crate::exit::status(&report, crate::exit::FailOn::Medium, allowed, false);
        assert_eq!((status(false), status(true)), (crate::exit::INCOMPLETE, crate::exit::OK));
    }

    #[test]
    fn a_match_is_hidden_counted_and_named() {
        for resource in ["sg-0endpoint", "arn:aws:ec2:us-east-2:123456789012:security-group/sg-0endpoint", "arn:aws:ec2:*:security-group/*"] {
            let mut report = sample::report();
            let (before, named) = (report.summary.clone(), report.suppressed.len());
            let config = Config { suppress: vec![entry(resource)], ..Config::default() };
            let warnings = crate::governance::apply(&mut report, &config, now("2026-01-01T00:00:00Z"));
            assert!(warnings.is_empty(), "{warnings:?}");
            assert!(report.findings.iter().all(|f| f.rule != "NW01"));
            assert_eq!(report.summary.fail.critical, before.fail.critical - 1);
            assert_eq!(report.summary.suppressed, before.suppressed + 1);
            assert_eq!(report.suppressed.len(), named + 1);
            let rule = report.rules.iter().find(|r| r.id == "NW01").unwrap();
            assert_eq!((rule.verdict, rule.findings), (Verdict::Fail, 0), "a hidden failure makes no pass");
        }
    }

    #[test]
    fn the_last_day_counts_and_the_next_does_not() {
        let mut e = entry("sg-0endpoint");
        e.expires = Some(jiff::civil::date(2026, 3, 1));
        let left = |clock: Option<Time>| {
            let mut report = sample::report();
            let warnings = apply(&mut report, &[e.clone()], clock);
            (report.findings.iter().any(|f| f.rule == "NW01"), warnings, report.suppressed.iter().filter(|s| s.rule == "NW01").map(|s| s.fingerprint.is_some()).collect::<Vec<_>>())
        };
        let (stands, warnings, named) = left(now("2026-03-01T23:59:59Z"));
        assert!(!stands && warnings.is_empty() && named == [true]);
        let (stands, warnings, named) = left(now("2026-03-02T00:00:00Z"));
        assert!(stands && named == [false]);
        assert!(warnings[0].contains("has expired on 2026-03-01"), "{warnings:?}");
        let (stands, warnings, _) = left(None);
        assert!(!stands);
        assert!(warnings[0].contains("no clock"), "{warnings:?}");
    }

    #[test]
    fn what_matches_nothing_is_named() {
        let mut report = sample::report();
        let mut wrong_print = entry("sg-0endpoint");
        wrong_print.fingerprint = Some("00".repeat(16));
        let before = report.findings.len();
        let warnings = apply(&mut report, &[entry("sg-other"), entry("sg-0end"), wrong_print], now("2026-01-01T00:00:00Z"));
        assert_eq!(report.findings.len(), before);
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert_eq!(report.suppressed.iter().filter(|s| s.rule == "NW01" && s.fingerprint.is_none()).count(), 3);
    }

    #[test]
    fn a_severity_never_touches_an_unknown() {
        let mut report = sample::report();
        let config = Config { severity: [("DN05".to_owned(), Severity::Info), ("AG01".to_owned(), Severity::Info)].into(), ..Config::default() };
        crate::governance::apply(&mut report, &config, None);
        assert_eq!(report.findings.iter().find(|f| f.rule == "DN05").unwrap().severity, Severity::High);
        assert_eq!(report.findings.iter().find(|f| f.rule == "AG01").unwrap().severity, Severity::Info);
        assert_eq!((report.summary.fail.high, report.summary.fail.info), (0, 1));
        assert!(!report.complete);
        assert!(report.findings.windows(2).all(|w| w[0].severity >= w[1].severity), "sorted anew");
    }

    #[test]
    fn the_lines_shown_for_a_finding_suppress_it_and_it_alone() {
        let hostile = sample::hostile();
        for (i, f) in hostile.findings.iter().enumerate() {
            let config = config::parse(&lines(f)).unwrap_or_else(|e| panic!("{e}\n{}", lines(f)));
            let hit: Vec<usize> = hostile.findings.iter().enumerate().filter(|(_, f)| matches(&config.suppress[0], f)).map(|(i, _)| i).collect();
            assert_eq!(hit, [i]);
            assert!(!lines(f).chars().any(|c| c != '\n' && is_treacherous(c)));
        }
    }
}
