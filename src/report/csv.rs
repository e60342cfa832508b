//! CSV (RFC 4180): one line a finding, for spreadsheets.
//!
//! Every field is quoted, and one that a spreadsheet would take for a formula starts with an apostrophe.

use super::text::clean;
use super::{Report, view};
use crate::finding::Finding;

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
        f.affects.iter().cloned().collect::<Vec<_>>().join(" "),
        f.remediation.text.clone(),
        f.remediation.commands.join(" ; "),
        text(&f.remediation.proof),
        f.references.join(" "),
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
        out.push_str(&guard(&clean(&field)).replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
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
