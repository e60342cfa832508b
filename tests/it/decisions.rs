//! What a team decides about findings, and where reports go, through the program: `audit.toml`, baselines, differences,
//! conversions, output files.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, audit, run};

/// Runs the demo in a folder.
fn demo_in(folder: &Path, arguments: &[&str]) -> Ran {
    let (mut command, _home) = audit();
    Ran::of(command.current_dir(folder).arg("--demo").args(arguments).output().unwrap())
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", ran.stdout, ran.stderr))
}

/// The failures of a report at medium or above.
fn failures(report: &Value) -> Vec<&Value> {
    report["findings"].as_array().unwrap().iter().filter(|f| f["verdict"] == "fail" && ["critical", "high", "medium"].contains(&f["severity"].as_str().unwrap())).collect()
}

fn suppression(finding: &Value, more: &str) -> String {
    format!("[[suppress]]\nrule = {}\nresource = {}\nreason = \"known\"\n{more}\n", finding["rule"], finding["resource"]["id"])
}

#[test]
fn what_is_suppressed_is_hidden_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let before = json(&demo_in(dir.path(), &["--format", "json"]));
    let all: String = failures(&before).iter().map(|f| suppression(f, "")).collect();
    fs::write(dir.path().join("audit.toml"), &all).unwrap();
    let inner = dir.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();

    let ran = demo_in(&inner, &["--format", "json"]);
    assert_eq!(ran.status, 0, "a file above the working directory holds: {}", ran.stderr);
    let after = json(&ran);
    assert_eq!(after["summary"]["suppressed"].as_u64().unwrap() as usize, failures(&before).len());
    assert!(failures(&after).is_empty());
    assert_eq!(after["summary"]["pass"], before["summary"]["pass"], "no rule passes for it");
    let table = demo_in(&inner, &[]);
    assert!(table.stdout.contains("audit.toml was used: it hid"), "{}", table.stdout);

    let named = dir.path().join("other.toml");
    fs::write(&named, "fail-on = \"never\"\n").unwrap();
    let ran = demo_in(&inner, &["--config", named.to_str().unwrap(), "--format", "json"]);
    assert_eq!((ran.status, json(&ran)["summary"]["suppressed"].as_u64()), (0, Some(0)), "the named file alone");
    assert_eq!(demo_in(&inner, &["--config", named.to_str().unwrap(), "--fail-on", "medium"]).status, 1, "the command line wins");
}

#[test]
fn expired_and_idle_entries_are_named_and_hide_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let before = json(&demo_in(dir.path(), &["--format", "json"]));
    let first = failures(&before)[0];
    let idle = "[[suppress]]\nrule = \"NW06\"\nresource = \"rtb-none\"\nreason = \"once\"\n";
    fs::write(dir.path().join("audit.toml"), suppression(first, "expires = 2001-01-31\n") + idle).unwrap();
    let ran = demo_in(dir.path(), &["--format", "json"]);
    assert_eq!(ran.status, 1);
    let after = json(&ran);
    assert_eq!(after["findings"], before["findings"]);
    assert_eq!(after["summary"]["suppressed"], 0);
    let listed = after["suppressed"].as_array().unwrap();
    assert!(listed.len() == 2 && listed.iter().all(|s| s["fingerprint"].is_null()), "{listed:?}");
    assert!(ran.stderr.contains("has expired on 2001-01-31") && ran.stderr.contains("suppresses nothing"), "{}", ran.stderr);
}

#[test]
fn a_wrong_configuration_stops_before_anything_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    for (text, word) in [("colour = 1\n", "line 1, column 1"), ("[[suppress]]\nrule = \"NW01\"\nreason = \"x\"\n", "resource"), ("ignore = [\"NW1\"]\n", "NW1")] {
        fs::write(dir.path().join("audit.toml"), text).unwrap();
        let ran = demo_in(dir.path(), &[]);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains("audit.toml") && ran.stderr.contains(word), "{}", ran.stderr);
    }
    let ran = demo_in(dir.path(), &["--config", "nowhere.toml"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("nowhere.toml"), "{}", ran.stderr);
}

#[test]
fn a_baseline_lets_only_new_findings_fail_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old.json");
    let file = old.to_str().unwrap();
    let ran = demo_in(dir.path(), &["--format", "json", "--output", &format!("json={file}")]);
    assert_eq!(fs::read_to_string(&old).unwrap(), ran.stdout, "the file is what standard output shows");

    let same = demo_in(dir.path(), &["--baseline", file, "--fail-on-new", "--format", "json"]);
    assert_eq!(same.status, 0, "{}", same.stderr);
    assert!(json(&same)["findings"].as_array().unwrap().iter().all(|f| f["status"] == "unchanged"));
    assert_eq!(demo_in(dir.path(), &["--baseline", file]).status, 1, "without --fail-on-new all count");

    let mut less: Value = serde_json::from_str(&ran.stdout).unwrap();
    less["findings"].as_array_mut().unwrap().remove(0);
    fs::write(&old, less.to_string()).unwrap();
    let more = demo_in(dir.path(), &["--baseline", file, "--fail-on-new", "--format", "json"]);
    assert_eq!(more.status, 1);
    assert_eq!(json(&more)["findings"].as_array().unwrap().iter().filter(|f| f["status"] == "new").count(), 1);

    let missing = demo_in(dir.path(), &["--baseline", "none.json", "--fail-on-new"]);
    assert_eq!(missing.status, 1, "compared with nothing, all are new");
    assert!(missing.stderr.contains("none.json"), "{}", missing.stderr);
    fs::write(&old, "{").unwrap();
    assert_eq!(demo_in(dir.path(), &["--baseline", file]).status, 2);
}

#[test]
fn reports_can_be_converted_and_compared() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let formats = ["json", "table", "sarif", "html", "markdown", "junit", "github", "csv", "fix"];
    let outputs: Vec<String> = formats.iter().map(|f| format!("{f}={}", at(f))).collect();
    let mut arguments = vec!["-q"];
    outputs.iter().for_each(|o| arguments.extend(["--output", o.as_str()]));
    assert_eq!(demo_in(dir.path(), &arguments).status, 1);
    for format in formats {
        let ran = run(&["convert", &at("json"), "--format", format]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert_eq!(ran.stdout, fs::read_to_string(at(format)).unwrap(), "{format}: an earlier report gives the same");
    }
    assert_eq!(run(&["diff", &at("json"), &at("json")]).status, 0);
    let mut less: Value = serde_json::from_str(&fs::read_to_string(at("json")).unwrap()).unwrap();
    less["findings"].as_array_mut().unwrap().remove(0);
    fs::write(dir.path().join("less.json"), less.to_string()).unwrap();
    let worse = run(&["diff", &at("less.json"), &at("json")]);
    assert_eq!(worse.status, 1);
    assert!(worse.stdout.starts_with("Findings: 1 new"), "{}", worse.stdout);
    assert_eq!(run(&["diff", &at("json"), &at("less.json")]).status, 0, "what is gone fails nothing");
    assert_eq!(run(&["diff", &at("json"), &at("html")]).status, 2, "no report");
}

#[test]
fn output_files_are_whole_or_not_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.json"), "earlier").unwrap();
    let ran = demo_in(dir.path(), &["--output", "json=a.json", "--output", "sarif=no/such/folder/b.sarif"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("no/such/folder/b.sarif") && ran.stderr.contains("there is no folder"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(dir.path().join("a.json")).unwrap(), "earlier");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    let ran = demo_in(dir.path(), &["--output", "json=/dev/full"]);
    assert_eq!(ran.status, 2, "a full disk: {}", ran.stderr);
    assert!(ran.stderr.contains("/dev/full"));
    let ran = demo_in(dir.path(), &["--format", "csv", "--output", "json=/dev/null"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.starts_with("\"severity\""));
    let ran = demo_in(dir.path(), &["--output", "fix=mend.tf", "--output", "fix=mend.sh", "-q"]);
    assert_eq!(ran.status, 1);
    assert!(fs::read_to_string(dir.path().join("mend.tf")).unwrap().contains("resource \"aws_"));
    assert!(fs::read_to_string(dir.path().join("mend.sh")).unwrap().starts_with("#!/usr/bin/env bash"));
}
