//! JSON: the report itself. Byte-stable, one trailing newline.

use serde::Serialize;

use super::text::is_treacherous;
use super::{Report, SCHEMA};

/// The report as pretty JSON.
#[must_use]
pub fn render(report: &Report) -> Vec<u8> {
    pretty(report)
}

/// Reads a report of this schema back.
///
/// # Errors
/// What is no JSON, another schema, or lacks a key of this one; the text says where.
pub fn parse(bytes: &[u8]) -> Result<Report, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| format!("is no JSON: {e}"))?;
    match schema_of(&value) {
        Some(SCHEMA) => {}
        Some(other) => return Err(format!("has the schema `{}`, and this program reads `{SCHEMA}`", super::text::clean(other))),
        None => return Err(format!("is no report: it has no key `schema` (this program reads `{SCHEMA}`)")),
    }
    serde_path_to_error::deserialize(value).map_err(|e| format!("is no report of schema `{SCHEMA}`: at `{}`: {}", e.path(), e.inner()))
}

/// The schema that a JSON document says it has.
#[must_use]
pub fn schema_of(value: &serde_json::Value) -> Option<&str> {
    value.get("schema").and_then(serde_json::Value::as_str)
}

/// Any document as pretty JSON with one trailing newline, in which no character can steer a terminal or reorder a line:
/// such characters stand as `\u` escapes, which every parser reads as the characters themselves.
#[must_use]
pub fn pretty<T: Serialize>(document: &T) -> Vec<u8> {
    // Maps with string keys and plain data alone: serialising cannot fail.
    let mut text = escape(&serde_json::to_string_pretty(document).unwrap_or_default());
    text.push('\n');
    text.into_bytes()
}

/// The same on one line, without a newline.
#[must_use]
pub fn compact<T: Serialize>(document: &T) -> String {
    escape(&serde_json::to_string(document).unwrap_or_default())
}

/// Escapes treacherous characters. They can only stand inside strings: outside, JSON knows blanks and line feeds.
fn escape(json: &str) -> String {
    let treacherous = |c: char| c != '\n' && is_treacherous(c);
    if !json.contains(treacherous) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if treacherous(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_report_survives_the_way_there_and_back() {
        let report = sample::report();
        let bytes = render(&report);
        assert_eq!(parse(&bytes).unwrap(), report);
        assert_eq!(bytes, render(&report), "two runs give the same bytes");
        assert!(bytes.ends_with(b"}\n") && !bytes.ends_with(b"\n\n"));
    }

    #[test]
    fn every_key_is_there_even_where_nothing_fits() {
        let value: serde_json::Value = serde_json::from_slice(&render(&sample::hostile())).unwrap();
        for key in ["schema", "tool", "assume", "scope", "complete", "summary", "rules", "findings", "suppressed", "placements", "paths", "topology", "completeness"] {
            assert!(value.get(key).is_some(), "{key}");
        }
        assert!(value["findings"][0]["status"].is_null());
        assert!(value["paths"][0].get("blocked_at").is_some());
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped_and_reads_back_the_same() {
        let bad = "\u{1b}]0;x\u{7} \u{9b}31m \u{202e} \u{e0041} é";
        let text = String::from_utf8(pretty(&bad)).unwrap();
        assert!(!text.trim_end().contains(is_treacherous));
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), bad);
    }

    #[test]
    fn foreign_documents_say_what_is_wrong() {
        assert!(parse(b"{").unwrap_err().starts_with("is no JSON: "));
        assert!(parse(b"[]").unwrap_err().contains("no key `schema`"));
        assert!(parse(br#"{"schema":"audit-report/2"}"#).unwrap_err().contains("`audit-report/2`"));
        let mut value = serde_json::to_value(sample::report()).unwrap();
        value["paths"][0]["port"] = "x".into();
        assert!(parse(value.to_string().as_bytes()).unwrap_err().contains("at `paths[0].port`"));
    }
}
