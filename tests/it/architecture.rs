//! What may know what. Data flows in one direction, so each module imports only from those that come before it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules, each with those that it may import from.
const MAY_IMPORT: [(&str, &str); 22] = [
    ("actions", ""),
    ("permissions", "actions"),
    ("policy", ""),
    ("inventory", "actions"),
    ("finding", "actions"),
    ("aws", "actions"),
    ("collect", "actions inventory aws"),
    ("snapshot", "actions inventory"),
    ("demo", "inventory aws"),
    ("analysis", "actions inventory finding policy"),
    ("rules", "actions inventory finding policy analysis"),
    // A suppressed finding is shown with its reason.
    ("report", "inventory finding analysis rules governance"),
    ("output", "report"),
    ("exit", "finding report"),
    ("governance", "inventory finding analysis rules report exit"),
    ("audit", "actions inventory finding analysis rules report"),
    ("query", "actions inventory finding policy analysis report"),
    ("signals", "exit output"),
    ("cli", "inventory report output exit"),
    ("live", "actions inventory collect demo exit cli"),
    ("lib", "*"),
    ("run", "*"),
];

/// Files that only tests compile.
fn is_test(path: &Path) -> bool {
    let names: Vec<&str> = path.components().filter_map(|c| c.as_os_str().to_str()).collect();
    let folder = names.iter().any(|n| ["tests", "scenes"].contains(n));
    folder || names.last().is_some_and(|n| ["tests.rs", "testing.rs", "scenes.rs", "seed.rs", "misconceptions.rs", "golden.rs", "sample.rs"].contains(n))
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Path below `src`, and the code that is no test and no comment.
fn code() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    let read = |path: PathBuf| {
        let below = path.strip_prefix(&root).unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().map(|l| l.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
        (below, text)
    };
    files.into_iter().map(read).filter(|(p, _)| !is_test(p)).collect()
}

fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The names after each `crate::`.
fn imports(text: &str) -> BTreeSet<String> {
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_').collect::<String>();
    text.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            None => vec![word(rest)],
            // Names at the depth of the list itself.
            Some(list) => {
                let mut depth = 0;
                let mut names = vec![String::new()];
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(String::new()),
                        _ => names.last_mut().unwrap().push(c),
                    }
                }
                names.iter().map(|n| word(n.trim())).collect()
            }
        })
        .filter(|n| !n.is_empty())
        .collect()
}

#[test]
fn modules_import_only_what_comes_before_them() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = MAY_IMPORT.iter().map(|(module, before)| (*module, before.split(' ').collect())).collect();
    let mut edges = 0;
    for (path, text) in code() {
        let own = module(&path);
        if own == "main" {
            continue;
        }
        let before = allowed.get(own.as_str()).unwrap_or_else(|| panic!("{own} is not in the table of modules"));
        for import in imports(&text) {
            edges += 1;
            assert!(import == own || before.contains("*") || before.contains(import.as_str()), "{} imports crate::{import}, which may know {own}", path.display());
        }
    }
    assert!(edges > 100, "the test really reads imports: {edges}");
}

#[test]
fn lists_of_imports_are_read() {
    let text = "use crate::{demo, exit::{A, B}};\nuse crate::report::Format; crate::rules::find(x)";
    assert_eq!(imports(text), BTreeSet::from(["demo", "exit", "report", "rules"].map(str::to_owned)));
}

#[test]
fn only_the_collector_names_the_sdk() {
    for (path, text) in code() {
        let own = module(&path);
        if own != "aws" && own != "collect" {
            for name in ["aws_sdk_", "aws_config", "aws_types", "aws_credential_types", "aws_smithy_"] {
                assert!(!text.contains(name), "{} names {name}", path.display());
            }
        }
    }
}

#[test]
fn only_the_edges_touch_the_process() {
    // The SDK's own chain reads the environment, and the messages about it have to as well.
    let edges = ["run.rs", "main.rs", "output.rs", "aws/session.rs"];
    for (path, text) in code() {
        if edges.iter().any(|e| path.ends_with(e)) {
            continue;
        }
        for name in ["std::env", "io::stdout", "println!", "eprintln!", "SystemTime::now"] {
            assert!(!text.contains(name), "{} uses {name}", path.display());
        }
    }
}

#[test]
fn analysis_and_rules_know_no_clock_and_do_no_io() {
    for (path, text) in code() {
        if ["analysis", "rules", "report", "policy", "finding", "audit", "query"].contains(&module(&path).as_str()) {
            for name in ["tokio", "std::fs", "std::net::Tcp", "Timestamp::now", "Instant::now"] {
                assert!(!text.contains(name), "{} uses {name}", path.display());
            }
        }
    }
}
