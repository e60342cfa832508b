//! `audit rules` and `audit explain`: the catalogue for people.

use std::fmt::Write as _;

use super::text::wrap;
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
        paragraph("Reads", &rule.reads.iter().map(|a| a.name()).collect::<Vec<_>>().join(", "));
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

#[cfg(test)]
mod tests {
    use super::*;

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
