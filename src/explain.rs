//! `audit rules` and `audit explain RULE`: the catalogue in words, from the rules themselves.

use std::fmt::Write as _;

use crate::report::text::{clean, width, wrap};
use crate::rules::{self, Rule};

/// The catalogue: one rule a line, wrapped to `columns`.
#[must_use]
pub fn rules_table(columns: usize) -> String {
    let longest = rules::ALL.iter().map(|r| width(r.name)).max().unwrap_or(0);
    let mut out = String::new();
    for rule in rules::ALL {
        let lead = format!("{}  {:<8}  {:<longest$}  ", rule.id, rule.severity.name(), rule.name);
        let _ = if width(&lead) + 30 <= columns {
            writeln!(out, "{}", wrap(rule.title, columns, &lead, &" ".repeat(width(&lead))))
        } else {
            writeln!(out, "{}\n{}", lead.trim_end(), wrap(rule.title, columns, "      ", "      "))
        };
    }
    let _ = writeln!(out, "\n{} rules. `audit explain RULE` says more of one; --select and --ignore take ids and names.", rules::ALL.len());
    out
}

/// One rule in full.
///
/// # Errors
/// No rule has this id or name; the text names those that are near.
pub fn explain(id_or_name: &str, columns: usize) -> Result<String, String> {
    rules::find(id_or_name).map(|rule| page(rule, columns)).ok_or_else(|| {
        let near = near(id_or_name);
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
        format!("there is no rule `{}`{hint} (`audit rules` lists them all)", clean(id_or_name))
    })
}

fn page(rule: &Rule, columns: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", wrap(rule.title, columns, &format!("{}  ", rule.id), "      "));
    let _ = writeln!(out, "      {}, {} at its worst\n", rule.name, rule.severity.name());
    let mut part = |name: &str, text: &str| {
        let _ = writeln!(out, "{name}\n{}\n", wrap(text, columns, "  ", "  "));
    };
    part("Why it matters", rule.why);
    part("How to mend it", rule.mend);
    let _ = writeln!(out, "What it reads");
    for action in rule.reads {
        let _ = writeln!(out, "{}", wrap(action.purpose(), columns, &format!("  {}: ", action.name()), "    "));
    }
    if rule.reads.is_empty() {
        let _ = writeln!(out, "  nothing of its own");
    }
    let _ = writeln!(out, "{}\n", wrap("Where one of these was not seen and would decide, the rule is unknown, and never passes.", columns, "  ", "  "));
    let _ = writeln!(out, "Sources");
    for source in rule.sources {
        let _ = writeln!(out, "  {source}");
    }
    let _ = writeln!(out, "\nTo accept a finding, in audit.toml");
    let _ = writeln!(out, "  [[suppress]]\n  rule = \"{}\"\n  resource = \"…\"       # id, ARN, or ARN pattern with *", rule.id);
    let _ = writeln!(out, "  reason = \"…\"         # required\n  expires = 2030-12-31  # the last day on which it holds; optional");
    let _ = writeln!(out, "\nTo turn it off, in audit.toml\n  ignore = [\"{}\"]", rule.id);
    out
}

/// Rules whose id or name is close to what was written, at most three.
fn near(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let mut scored: Vec<(usize, &'static str)> = rules::ALL
        .iter()
        .map(|r| {
            let by_id = distance(&text, &r.id.to_lowercase());
            let by_name = if text.len() >= 4 && r.name.contains(&text) { 0 } else { distance(&text, r.name) };
            if by_id <= by_name { (by_id, r.id) } else { (by_name, r.name) }
        })
        .filter(|(d, _)| *d <= 2)
        .collect();
    scored.sort_unstable();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Edits that turn one text into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (corner + usize::from(x != *y)).min(above + 1).min(left + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_listed_and_explained() {
        for columns in [80, 100, 140] {
            let table = rules_table(columns);
            assert!(table.lines().all(|l| width(l) <= columns), "{columns}");
            for rule in rules::ALL {
                assert!(table.contains(&format!("{}  {}", rule.id, rule.severity.name())), "{}", rule.id);
                let text = explain(rule.id, columns).unwrap();
                assert_eq!(text, explain(rule.name, columns).unwrap(), "by name too");
                for words in ["Why it matters", "How to mend it", "Sources\n  https://", &format!("rule = \"{}\"", rule.id)] {
                    assert!(text.contains(words), "{}: {words}", rule.id);
                }
                assert!(rule.reads.iter().all(|a| text.contains(a.name())));
                assert!(text.lines().all(|l| width(l) <= columns || l.contains("https://")), "{}", rule.id);
            }
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_near_ones() {
        let error = explain("EP1O", 80).unwrap_err();
        assert!(error.starts_with("there is no rule `EP1O`; did you mean EP10"), "{error}");
        assert!(explain("\u{1b}[31m", 80).unwrap_err().starts_with("there is no rule `\\u{1b}[31m`"));
    }

    #[test]
    fn edits_are_counted() {
        for (a, b, n) in [("", "abc", 3), ("kitten", "sitting", 3), ("ep04", "ep04", 0), ("ep4", "ep04", 1)] {
            assert_eq!(distance(a, b), n, "{a} {b}");
        }
    }
}
