//! `audit rules` and `audit explain`: the catalogue for people.

use std::fmt::Write as _;

use super::text::{clean, wrap};
use crate::rules::{ALL, Rule};

/// All rules, a line each.
#[must_use]
pub fn rules_table(columns: usize) -> String {
    let mut out = String::new();
    for rule in ALL {
        let head = format!("{:<5} {:<9}", rule.id, rule.severity.name());
        let _ = writeln!(out, "{}", wrap(&format!("{} ({})", rule.title, rule.name), columns, &format!("{head} "), &" ".repeat(head.len() + 1)));
    }
    let _ = writeln!(out, "\n{} rules. `audit explain RULE` tells one in full.", ALL.len());
    out
}

/// One rule in full.
#[must_use]
pub fn explain(rule: &Rule, columns: usize) -> String {
    let mut out = format!("{} {}\n", rule.id, rule.name);
    let mut paragraph = |title: &str, text: &str| {
        let _ = writeln!(out, "\n{title}\n{}", wrap(text, columns.min(100), "  ", "  "));
    };
    paragraph("What", rule.title);
    paragraph("Severity", &format!("{} where there is no other way; less where traffic can leave over the internet", rule.severity.name()));
    paragraph("Why", rule.why);
    paragraph("How to mend it", rule.mend);
    if !rule.reads.is_empty() {
        let names = rule.reads.iter().map(|a| a.name()).collect::<Vec<_>>().join(", ");
        // A rule about paths asks for what finds the workloads; each path then asks for what decides its hops.
        let paths = !rule.reads.iter().any(|a| a.name() == "ec2:DescribeVpcEndpoints");
        let more = if paths && ["DN", "EP", "NW", "PO", "WL", "V6"].iter().any(|p| rule.id.starts_with(p)) {
            "; and for each path what decides its hops: names, endpoints, groups, ACLs, routes and policies"
        } else {
            ""
        };
        paragraph("Reads", &format!("{names}{more}."));
    }
    out.push_str("\nSources\n");
    for source in rule.sources {
        let _ = writeln!(out, "  {source}");
    }
    let _ = write!(
        out,
        "\nTo accept it, in audit.toml:\n  [[suppress]]\n  rule = \"{}\"\n  resource = \"…\"      # id, ARN or pattern of the object\n  reason = \"…\"        # why it is accepted\n  expires = 2027-01-31  # the last day on which it holds\n",
        rule.id
    );
    out
}

/// What to say of a name that no rule has: those that are near.
#[must_use]
pub fn unknown_rule(name: &str) -> String {
    let near = near(name);
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    format!("there is no rule `{}`{hint} (`audit rules` lists them all)", clean(name))
}

/// Rules whose id or name is close to what was written, at most three.
fn near(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let mut scored: Vec<(usize, &'static str)> = ALL
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
    fn a_wrong_name_is_answered_with_near_ones() {
        let error = unknown_rule("EP1O");
        assert!(error.starts_with("there is no rule `EP1O`; did you mean EP10"), "{error}");
        assert!(unknown_rule("\u{1b}[31m").starts_with("there is no rule `\\u{1b}[31m` ("));
    }

    #[test]
    fn edits_are_counted() {
        for (a, b, n) in [("", "abc", 3), ("kitten", "sitting", 3), ("ep04", "ep04", 0), ("ep4", "ep04", 1)] {
            assert_eq!(distance(a, b), n, "{a} {b}");
        }
    }

    #[test]
    fn every_rule_stands_in_the_table_and_can_be_explained() {
        let table = rules_table(100);
        for rule in ALL {
            assert!(table.contains(rule.id) && table.contains(rule.name));
            let text = explain(rule, 80);
            assert!(rule.sources.iter().all(|s| text.contains(s)), "{}", rule.id);
            assert!(text.contains("[[suppress]]"));
        }
        assert!(table.lines().all(|l| l.chars().count() <= 100), "{table}");
    }
}
