//! Markdown for job summaries and pull-request comments, in GitHub's dialect.
//!
//! A job summary may have 1 MiB and a comment 65,536 characters; both by construction: each text is cut, and findings stop
//! where the budget ends, with a count of what is left out.

use std::collections::BTreeMap;

use super::text::{clean, clean_lines, count, cut, list, markdown, markdown_code};
use super::view::{self, Ground, Matrix, Reach, Row};
use super::{Options, Report};
use crate::finding::{Finding, Verdict};

/// Bytes of a whole report: within a comment of GitHub, with room for what a workflow adds.
const BUDGET: usize = 60_000;
/// Bytes of one text, rows of one matrix, troubles of the summary, names in a list.
const TEXT: usize = 2_000;
const ROWS: usize = 40;
const TROUBLES: usize = 10;
const NAMES: usize = 10;

/// Renders Markdown.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    let matrix = view::matrix(report);
    let mut out = String::new();
    summary(&mut out, report, &matrix, options);
    reachability(&mut out, report, &matrix);
    findings(&mut out, report);
    out.into_bytes()
}

/// A text of the account, escaped and cut.
fn text(t: &str) -> String {
    markdown(&cut(&clean(t), TEXT))
}

fn summary(out: &mut String, report: &Report, matrix: &Matrix, options: &Options) {
    let worst = matrix.rows.iter().map(Row::worst).max().unwrap_or(Reach::Private);
    let mark = if matrix.rows.is_empty() { String::new() } else { format!("{} ", worst.glyph()) };
    out.push_str(&format!("## audit: ECS over PrivateLink\n\n**{mark}{}**\n\n", text(&view::headline(report, matrix))));
    for reach in [Reach::Blocked, Reach::Unknown] {
        let troubles = view::troubles(report, matrix, reach);
        for t in troubles.iter().take(TROUBLES) {
            out.push_str(&format!("- {} **{}**{}\n", reach.glyph(), text(&t.who()), text(&t.what())));
        }
        if troubles.len() > TROUBLES {
            out.push_str(&format!("- and {} more\n", troubles.len() - TROUBLES));
        }
    }
    let s = &report.summary;
    out.push_str("\n| critical | high | medium | low | info | unknown | rules that pass | suppressed |\n| --: | --: | --: | --: | --: | --: | --: | --: |\n");
    out.push_str(&format!("| {} | {} | {} | {} | {} | {} | {} | {} |\n\n", s.fail.critical, s.fail.high, s.fail.medium, s.fail.low, s.fail.info, s.unknown, s.pass, s.suppressed));
    let scope: Vec<String> = report
        .scope
        .iter()
        .map(|x| format!("{} in {}, account {}", if x.vpcs.is_empty() { "no VPC that ECS uses".to_owned() } else { list(&x.vpcs, 5) }, x.region, x.account.as_deref().unwrap_or("not known")))
        .collect();
    out.push_str(&format!("Audited: {}.\n", text(&list(&scope, 10))));
    let gaps = view::gaps(report);
    if report.complete {
        out.push_str("Complete: everything that decides was seen.\n");
    } else if gaps.is_empty() {
        out.push_str("**Incomplete**: some rules could not be judged.\n");
    } else {
        out.push_str(&format!("**Incomplete**: {} not seen: {}.\n", count(gaps.len(), "answer"), text(&list(&gaps, NAMES))));
    }
    if let Some(hint) = view::names_hint(report) {
        out.push_str(&format!("{}\n", text(&hint)));
    }
    for a in &report.assume {
        out.push_str(&format!("Assumed: {}.\n", text(&view::assumption(a))));
    }
    for note in &options.notes {
        out.push_str(&format!("Note: {}\n", text(note)));
    }
    out.push('\n');
}

fn reachability(out: &mut String, report: &Report, matrix: &Matrix) {
    let mut grounds: BTreeMap<&Ground, Vec<&Row>> = BTreeMap::new();
    for row in &matrix.rows {
        grounds.entry(&row.ground).or_default().push(row);
    }
    let mut order: Vec<(&Ground, Vec<&Row>)> = grounds.into_iter().collect();
    let worst = |rows: &[&Row]| rows.iter().map(|r| r.worst()).max();
    order.sort_by(|a, b| worst(&b.1).cmp(&worst(&a.1)).then(a.0.cmp(b.0)));
    for (ground, rows) in order {
        let name = report.topology.vpcs.iter().find(|v| v.id == ground.vpc).and_then(|v| v.name.as_deref()).map(|n| format!(" ({n})")).unwrap_or_default();
        let mut part = format!("### {}\n\n", text(&format!("{}{name}, {}, account {}", ground.vpc, ground.region, ground.account)));
        let services: Vec<&String> = matrix.services.iter().filter(|s| rows.iter().any(|r| r.cells.contains_key(*s))).collect();
        part.push_str("| workload |");
        for s in &services {
            part.push_str(&format!(" {} |", text(s)));
        }
        part.push_str(&format!("\n| --- |{}\n", " --- |".repeat(services.len())));
        for row in rows.iter().take(ROWS) {
            part.push_str(&format!("| {} |", text(&row.label())));
            for s in &services {
                part.push_str(&format!(" {} |", row.cells.get(*s).map_or_else(|| "·".to_owned(), view::Cell::text)));
            }
            part.push('\n');
        }
        if rows.len() > ROWS {
            part.push_str(&format!("\nand {} more.\n", count(rows.len() - ROWS, "workload")));
        }
        part.push('\n');
        // The matrices take at most half of the budget.
        if out.len() + part.len() > BUDGET / 2 {
            part = format!("### {}\n\n{}; its matrix is left out here.\n\n", text(&ground.vpc), count(rows.len(), "workload"));
            if out.len() + part.len() > BUDGET / 2 {
                out.push_str("More VPCs are left out here.\n\n");
                break;
            }
        }
        out.push_str(&part);
    }
    if !matrix.rows.is_empty() {
        let legend: Vec<String> = [Reach::Private, Reach::Internet, Reach::Blocked, Reach::Unknown].iter().map(|r| format!("{} {} {}", r.glyph(), r.word(), r.meaning())).collect();
        out.push_str(&format!("{}; · not needed\n\n", legend.join("; ")));
    }
}

fn findings(out: &mut String, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    out.push_str("### Findings\n\n");
    for (i, f) in report.findings.iter().enumerate() {
        let part = finding(f);
        if out.len() + part.len() > BUDGET - 200 {
            out.push_str(&format!("{} left out here; the JSON and HTML reports hold them all.\n", count(report.findings.len() - i, "finding")));
            return;
        }
        out.push_str(&part);
    }
}

fn finding(f: &Finding) -> String {
    let severity = if f.verdict == Verdict::Unknown { "UNKNOWN".to_owned() } else { f.severity.name().to_uppercase() };
    let status = f.status.as_deref().map(|s| format!(" [{s}]")).unwrap_or_default();
    let mut out = format!("<details><summary><b>{severity}</b> {}</summary>\n\n", text(&format!("{} {}: {}{status}", f.rule, f.title, view::object(f))));
    out.push_str(&format!("{}\n\n", text(&f.message)));
    let names = view::affected(f, NAMES);
    if !names.is_empty() {
        out.push_str(&format!("Hits: {}\n\n", text(&names)));
    }
    for e in f.evidence.iter().take(5) {
        let part = |lead: &str, t: &Option<String>| t.as_deref().map(|t| format!("{lead}{}", cut(t, 300))).unwrap_or_default();
        out.push_str(&format!("- {}\n", markdown_code(&format!("{}{}{}{}", e.source, part(" ", &e.field), part(" = ", &e.value), part(" (", &e.note) + if e.note.is_some() { ")" } else { "" }))));
    }
    if !f.remediation.text.is_empty() {
        out.push_str(&format!("\nFix: {}{}\n", text(&f.remediation.text), text(&view::proof(f))));
    }
    let commands: Vec<String> = f.remediation.commands.iter().take(10).map(|c| clean_lines(c)).filter(|c| c.len() <= TEXT).collect();
    if !commands.is_empty() {
        out.push_str(&fenced("sh", &commands.join("\n")));
    }
    if f.remediation.commands.len() > commands.len() {
        out.push_str(&format!("\n{} left out here.\n", count(f.remediation.commands.len() - commands.len(), "command")));
    }
    let links: Vec<String> = f.references.iter().filter(|r| safe_link(r)).take(3).map(|r| format!("<{r}>")).collect();
    if !links.is_empty() {
        out.push_str(&format!("\n{}\n", links.join(" ")));
    }
    out.push_str("\n</details>\n\n");
    out
}

/// A block of code that no text in it ends.
fn fenced(language: &str, code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n{fence}{language}\n{code}\n{fence}\n")
}

/// An https address of plain characters.
fn safe_link(link: &str) -> bool {
    link.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/?#&=%+:".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn of(report: &Report) -> String {
        String::from_utf8(render(report, &Options::default())).unwrap()
    }

    #[test]
    fn the_answer_the_matrix_and_the_fixes_are_there() {
        let text = of(&sample::report());
        for words in [
            "**✗ 1 of 3 workloads cannot start tasks",
            "| workload | ecs-agent |",
            "| web \\(Fargate\\) |",
            " ✗ 1 of 2 |",
            "<b>CRITICAL</b> NW01",
            "```sh\naws ec2 authorize-security-group-ingress --region us-east-2",
            "**Incomplete**: 1 answer not seen",
            "<https://docs.aws.amazon.com/",
        ] {
            assert!(text.contains(words), "{words}:\n{text}");
        }
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }

    #[test]
    fn it_keeps_to_its_budget_whatever_the_account_holds() {
        let mut huge = sample::large(10_000);
        for f in &mut huge.findings {
            f.message = "<".repeat(100_000);
            f.remediation.commands = vec!["x".repeat(100_000); 50];
        }
        huge.scope = vec![huge.scope[0].clone(); 500];
        huge.scope.iter_mut().for_each(|s| s.region = "<".repeat(5_000));
        let mut wide = sample::large(300);
        for (i, p) in wide.placements.iter_mut().enumerate() {
            p.vpc = Some(format!("vpc-{i}"));
        }
        for report in [huge, wide, sample::large(1)] {
            let text = of(&report);
            assert!(text.len() <= 65_536, "{}", text.len());
        }
        assert!(of(&sample::large(10_000)).contains("left out here"));
    }

    #[test]
    fn text_of_the_account_is_text() {
        let mut report = sample::hostile();
        for f in &mut report.findings {
            f.message.push_str("@team #1 ![i](http://x) https://evil.example www.evil.example | ``` <details> \n# title\n- item");
            f.remediation.commands.push("``````\n</details><img src=x>".to_owned());
        }
        let text = of(&report);
        assert!(!text.chars().any(|c| c != '\n' && super::super::text::is_treacherous(c)));
        // Outside code, nothing that Markdown or GitHub acts on is left bare.
        let mut fence: Option<String> = None;
        for line in text.lines() {
            if let Some(open) = &fence {
                if line == open {
                    fence = None;
                }
                continue;
            }
            if line.starts_with("```") {
                fence = Some(line.trim_end_matches("sh").to_owned());
                continue;
            }
            if line.starts_with("- `") || line.starts_with("<https://docs.aws.amazon.com/") {
                continue;
            }
            for bad in ["<script", "<img", "</td", "@team", "#1", "](", "https://evil", "www.evil", " | ```"] {
                assert!(!line.contains(bad), "{bad} in {line}");
            }
        }
        assert!(fence.is_none());
        assert_eq!(text.matches("\n<details>").count(), report.findings.len());
    }

    #[test]
    fn links_are_plain_https() {
        for (link, want) in [("https://docs.aws.amazon.com/a_b#c", true), ("https://", false), ("http://x", false), ("javascript:x", false), ("https://x>y", false), ("https://x y", false)] {
            assert_eq!(safe_link(link), want, "{link}");
        }
    }
}
