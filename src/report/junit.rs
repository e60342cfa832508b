//! JUnit XML: a suite for the rules, and one for each VPC with its workloads' services as cases.
//!
//! A failure is `failure`, what could not be judged is `error`, what does not apply or is suppressed is `skipped`. Names are
//! stable from run to run, so that CI systems show a history.

use super::text::{clean, first_sentence};
use super::view::{self, Reach};
use super::{Report, RuleLine};
use crate::finding::{Finding, Verdict};

/// One case and what became of it.
struct Case {
    class: String,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Pass,
    Failure { kind: String, message: String, body: String },
    Error { message: String, body: String },
    Skipped(String),
}

/// Renders JUnit XML.
#[must_use]
pub fn render(report: &Report) -> Vec<u8> {
    let mut suites = vec![("rules".to_owned(), report.rules.iter().map(|r| rule(report, r)).collect::<Vec<Case>>())];
    let matrix = view::matrix(report);
    for row in &matrix.rows {
        let name = format!("{}.{}.{}", row.ground.account, row.ground.region, row.ground.vpc);
        if suites.last().is_none_or(|(last, _)| *last != name) {
            suites.push((name.clone(), Vec::new()));
        }
        let cluster = row.cluster.as_deref().filter(|c| *c != row.name).map(|c| format!(" in {c}")).unwrap_or_default();
        let cases = row.cells.iter().map(|(service, cell)| Case { class: format!("{}{cluster}", row.label()), name: service.clone(), outcome: cell_outcome(report, cell) });
        if let Some((_, all)) = suites.last_mut() {
            all.extend(cases);
        }
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Case> = suites.iter().flat_map(|(_, c)| c).collect();
    // The root has no `skipped` in the schema that Jenkins holds.
    out.push_str(&format!("<testsuites name=\"audit\" {} time=\"0\">\n", totals(&all, false)));
    for (name, cases) in &suites {
        out.push_str(&format!("  <testsuite name=\"{}\" {}>\n", escape(name), totals(&cases.iter().collect::<Vec<_>>(), true) + " time=\"0\""));
        for case in cases {
            element(&mut out, case);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out.into_bytes()
}

fn totals(cases: &[&Case], with_skipped: bool) -> String {
    let of = |f: fn(&Outcome) -> bool| cases.iter().filter(|c| f(&c.outcome)).count();
    let (failures, errors, skipped) = (of(|o| matches!(o, Outcome::Failure { .. })), of(|o| matches!(o, Outcome::Error { .. })), of(|o| matches!(o, Outcome::Skipped(_))));
    let skipped = if with_skipped { format!(" skipped=\"{skipped}\"") } else { String::new() };
    format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"{skipped}", cases.len())
}

fn rule(report: &Report, line: &RuleLine) -> Case {
    let own: Vec<&Finding> = report.findings.iter().filter(|f| f.rule == line.id).collect();
    let fails: Vec<&Finding> = own.iter().copied().filter(|f| f.verdict == Verdict::Fail).collect();
    let hidden = report.suppressed.iter().filter(|s| s.rule == line.id && s.fingerprint.is_some()).count();
    let first = |f: &[&Finding]| f.first().map(|f| clean(first_sentence(&f.message))).unwrap_or_default();
    let outcome = if !fails.is_empty() {
        let worst = fails.iter().map(|f| f.severity).max().map_or("", crate::finding::Severity::name);
        Outcome::Failure { kind: worst.to_owned(), message: format!("{}: {}", super::text::count(fails.len(), "finding"), first(&fails)), body: body(&own) }
    } else if !own.is_empty() {
        Outcome::Error { message: first(&own), body: body(&own) }
    } else if hidden > 0 {
        Outcome::Skipped(format!("{} suppressed", super::text::count(hidden, "finding")))
    } else {
        match line.verdict {
            Verdict::Pass => Outcome::Pass,
            Verdict::NotApplicable => Outcome::Skipped(format!("does not apply: {}", clean(&line.reason))),
            Verdict::Fail => Outcome::Failure { kind: "fail".to_owned(), message: clean(&line.reason), body: String::new() },
            Verdict::Unknown => Outcome::Error { message: clean(&line.reason), body: String::new() },
        }
    };
    Case { class: "rules".to_owned(), name: format!("{} {}", clean(&line.id), clean(&line.name)), outcome }
}

fn body(findings: &[&Finding]) -> String {
    let mut out = String::new();
    for f in findings {
        out.push_str(&format!("{} {} on {}\n{}\n", view::verdict_name(f.verdict), f.severity.name(), view::object(f), clean(&f.message)));
        let names = view::affected(f, 10);
        if !names.is_empty() {
            out.push_str(&format!("Hits: {names}\n"));
        }
        if !f.remediation.text.is_empty() {
            out.push_str(&format!("Fix: {}{}\n", clean(&f.remediation.text), view::proof(f)));
        }
        for c in &f.remediation.commands {
            out.push_str(&format!("  {}\n", clean(c)));
        }
        out.push('\n');
    }
    out
}

fn cell_outcome(report: &Report, cell: &view::Cell) -> Outcome {
    let worst = cell.worst();
    let stops = || {
        let mut lines: Vec<String> = cell.paths.iter().filter_map(|p| report.paths.get(*p)).filter(|p| Reach::of(p) == worst).map(view::stop).collect();
        lines.sort();
        lines.dedup();
        (lines.first().cloned().unwrap_or_default(), lines.join("\n"))
    };
    match worst {
        Reach::Private | Reach::Internet => Outcome::Pass,
        Reach::Blocked => {
            let (message, body) = stops();
            Outcome::Failure { kind: "blocked".to_owned(), message: format!("{}: {message}", cell.text()), body }
        }
        Reach::Unknown => {
            let (message, body) = stops();
            Outcome::Error { message, body }
        }
    }
}

fn element(out: &mut String, case: &Case) {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", escape(&case.class), escape(&case.name));
    match &case.outcome {
        Outcome::Pass => out.push_str(&format!("{head}/>\n")),
        Outcome::Skipped(why) => out.push_str(&format!("{head}><skipped message=\"{}\"/></testcase>\n", escape(why))),
        Outcome::Failure { kind, message, body } => out.push_str(&format!("{head}><failure type=\"{}\" message=\"{}\">{}</failure></testcase>\n", escape(kind), escape(message), escape(body))),
        Outcome::Error { message, body } => out.push_str(&format!("{head}><error type=\"unknown\" message=\"{}\">{}</error></testcase>\n", escape(message), escape(body))),
    }
}

/// Text for an attribute or an element. What XML cannot hold is replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push('\n'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if super::text::is_treacherous(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn cases(xml: &str) -> Vec<(String, String, &'static str)> {
        let doc = roxmltree::Document::parse(xml).unwrap();
        doc.descendants()
            .filter(|n| n.has_tag_name("testcase"))
            .map(|n| {
                let outcome = ["failure", "error", "skipped"].into_iter().find(|t| n.children().any(|c| c.has_tag_name(*t))).unwrap_or("pass");
                (n.attribute("classname").unwrap().to_owned(), n.attribute("name").unwrap().to_owned(), outcome)
            })
            .collect()
    }

    #[test]
    fn rules_and_paths_are_cases_with_their_outcome() {
        let xml = String::from_utf8(render(&sample::report())).unwrap();
        let cases = cases(&xml);
        for (class, name, outcome) in [
            ("rules", "EP01 ecs-endpoints-missing", "pass"),
            ("rules", "EP03 ecs-endpoints-unused", "skipped"),
            ("rules", "DN05 zone-shadows-endpoint", "error"),
            ("rules", "NW01 endpoint-group-closed", "failure"),
            ("rules", "NW06 default-route-dead", "skipped"),
            ("web (Fargate) in prod", "ecr.api", "failure"),
            ("web (Fargate) in prod", "s3", "pass"),
            ("worker (no task there)", "ecr.api", "pass"),
            ("worker (no task there)", "secretsmanager", "error"),
        ] {
            assert!(cases.iter().any(|c| c.0 == class && c.1 == name && c.2 == outcome), "{class} {name} {outcome}: {cases:?}");
        }
        let doc = roxmltree::Document::parse(&xml).unwrap();
        let total = |a: &str| doc.root_element().attribute(a).unwrap().parse::<usize>().unwrap();
        assert_eq!(total("tests"), cases.len());
        assert_eq!(total("failures"), cases.iter().filter(|c| c.2 == "failure").count());
        assert_eq!(total("errors"), cases.iter().filter(|c| c.2 == "error").count());
        let names: std::collections::BTreeSet<_> = cases.iter().map(|c| (&c.0, &c.1)).collect();
        assert_eq!(names.len(), cases.len(), "no two cases of one name");
    }

    #[test]
    fn texts_of_the_account_add_no_elements() {
        let (plain, hostile) = (String::from_utf8(render(&sample::report())).unwrap(), String::from_utf8(render(&sample::hostile())).unwrap());
        let outcomes = |xml: &str| cases(xml).into_iter().map(|c| c.2).collect::<Vec<_>>();
        assert_eq!(outcomes(&plain).len(), outcomes(&hostile).len());
        assert!(!hostile.contains("<script") && !hostile.contains("]]>"));
        assert_eq!(escape("a\u{ffff}\u{1}<"), "a\u{fffd}\\u{1}&lt;");
    }
}
