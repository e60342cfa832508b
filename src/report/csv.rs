//! CSV (RFC 4180): one line a finding, for spreadsheets.
//!
//! Every field is quoted, and one that a spreadsheet would take for a formula starts with an apostrophe. None is longer than
//! a cell of a spreadsheet may be; `affected` tells how many there are where `affects` does not name them all.

use super::text::{clean, cut};
use super::{Report, view};
use crate::finding::Finding;

/// Characters of a cell, of which Excel takes 32,767: quotes are doubled, and the apostrophe comes on top.
const CELL: usize = 32_000;

const HEADER: [&str; 21] = [
    "severity",
    "verdict",
    "rule",
    "title",
    "resource_id",
    "resource_name",
    "resource_type",
    "resource_arn",
    "account",
    "region",
    "vpc",
    "message",
    "affected",
    "affects",
    "fix",
    "commands",
    "proof",
    "references",
    "confidence",
    "status",
    "fingerprint",
];

/// Renders CSV with a header line and CRLF line ends.
#[must_use]
pub fn render(report: &Report) -> Vec<u8> {
    let mut out = String::new();
    line(&mut out, HEADER.iter().map(|h| (*h).to_owned()));
    for f in &report.findings {
        line(&mut out, fields(f).into_iter());
    }
    out.into_bytes()
}

fn fields(f: &Finding) -> [String; 21] {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let r = &f.resource;
    [
        f.severity.name().to_owned(),
        view::verdict_name(f.verdict).to_owned(),
        f.rule.clone(),
        f.title.clone(),
        text(&r.id),
        text(&r.name),
        text(&r.r#type),
        text(&r.arn),
        text(&r.account),
        text(&r.region),
        text(&r.vpc),
        f.message.clone(),
        f.affects.len().to_string(),
        joined(f.affects.iter().map(String::as_str), " "),
        f.remediation.text.clone(),
        joined(f.remediation.commands.iter().map(String::as_str), " ; "),
        text(&f.remediation.proof),
        joined(f.references.iter().map(String::as_str), " "),
        view::confidence_name(f.confidence).to_owned(),
        text(&f.status),
        f.fingerprint.clone(),
    ]
}

fn line(out: &mut String, fields: impl Iterator<Item = String>) {
    for (i, field) in fields.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push('"');
        out.push_str(&guard(&cut(&clean(&field), CELL)).replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}

/// As many items as fit a cell, whole, and how many more there are.
fn joined<'a>(items: impl Iterator<Item = &'a str>, between: &str) -> String {
    let mut out = String::new();
    let mut left = 0;
    for item in items {
        if left > 0 || out.len() + item.len() + 40 > CELL {
            left += 1;
        } else {
            if !out.is_empty() {
                out.push_str(between);
            }
            out.push_str(item);
        }
    }
    if left > 0 {
        out.push_str(&format!("{between}and {left} more"));
    }
    out
}

/// A text that no spreadsheet reads as a formula.
fn guard(text: &str) -> String {
    match text.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn no_cell_is_longer_than_a_spreadsheet_takes() {
        let mut report = sample::report();
        let arns = (0..1_000).map(|n| format!("arn:aws:ecs:us-east-2:123456789012:service/production/a-service-{n:05}"));
        report.findings[0].affects = arns.collect();
        report.findings[0].message = "x".repeat(100_000);
        let text = String::from_utf8(render(&report)).unwrap();
        let longest = text.split("\",\"").map(|c| c.chars().count()).max().unwrap();
        assert!((20_000..=32_767).contains(&longest), "{longest}");
        // Each ARN that is there is whole, and the rest is counted.
        let named = text.matches("service/production/a-service-").count();
        assert!(text.contains(&format!(" and {} more\"", 1_000 - named)), "{named} are named");
    }

    /// RFC 4180, strictly: every field quoted, CRLF, the same number of fields in each line.
    fn rows(report: &Report) -> Vec<Vec<String>> {
        let text = String::from_utf8(render(report)).unwrap();
        let lines: Vec<&str> = text.strip_suffix("\r\n").unwrap().split("\r\n").collect();
        let line = |l: &str| {
            let inner = l.strip_prefix('"').and_then(|l| l.strip_suffix('"')).unwrap_or_else(|| panic!("not quoted: {l}"));
            let fields: Vec<String> = inner.split("\",\"").map(|f| f.replace("\"\"", "\u{0}")).collect();
            assert!(fields.iter().all(|f| !f.contains(['"', '\r', '\n'])), "{l}");
            assert_eq!(fields.len(), HEADER.len(), "{l}");
            fields.into_iter().map(|f| f.replace('\u{0}', "\"")).collect()
        };
        lines.into_iter().map(line).collect()
    }

    #[test]
    fn each_finding_is_one_line_of_the_same_fields() {
        let report = sample::report();
        let rows = rows(&report);
        assert_eq!(rows.len(), report.findings.len() + 1);
        assert_eq!(rows[0], HEADER);
        let closed = rows.iter().find(|r| r[2] == "NW01").unwrap();
        assert_eq!((closed[0].as_str(), closed[4].as_str(), closed[12].as_str()), ("critical", "sg-0endpoint", "3"));
    }

    #[test]
    fn nothing_becomes_a_formula_and_no_text_breaks_a_line() {
        let report = sample::hostile();
        let rows = rows(&report);
        assert_eq!(rows.len(), report.findings.len() + 1, "line feeds in texts make no lines");
        for field in rows.iter().flatten() {
            assert!(!field.trim_start().starts_with(['=', '+', '-', '@', '\t']), "{field}");
        }
        assert!(rows.iter().any(|r| r[3].starts_with("'=")), "the formula is shown as text");
    }
}
