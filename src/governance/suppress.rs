//! Suppressions: which finding they match, and the lines that would suppress one.

use crate::finding::Finding;

/// The lines of `audit.toml` that would suppress this finding.
#[must_use]
pub fn lines(finding: &Finding) -> String {
    let mut out = format!("[[suppress]]\nrule = {}\n", toml_string(&finding.rule));
    if let Some(resource) = finding.resource.id.as_deref().or(finding.resource.arn.as_deref()) {
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
            c if crate::report::text::is_treacherous(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
