//! The promise: what could not be seen is never a pass, never "does not apply", and nothing that was wrong goes away.
//!
//! Each operation in turn is denied, or answered by nothing, or by somebody else's page, and the report is held against the
//! one in which everything was seen.

use std::collections::BTreeMap;

use audit::actions::Action;
use serde_json::Value;

use crate::support::server::{Fault, Script, Server};
use crate::support::{Ran, answers, run, run_at};

fn audit(scene: &str, region: &str, fault: Option<(&str, Fault)>) -> (Ran, Server) {
    let mut script = Script::new(&answers(scene));
    if let Some((action, fault)) = fault {
        script = script.fault(action, fault);
    }
    let server = Server::start(script);
    // CloudTrail answers two calls a second and no more, so that it is asked only where it matters.
    let evidence: &[&str] = if fault.is_some_and(|(action, _)| action == "cloudtrail:LookupEvents") { &["--evidence"] } else { &[] };
    (run_at(&server.url, &[&["--region", region, "--format", "json"], evidence].concat()), server)
}

fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    report["rules"].as_array().unwrap().iter().map(|r| (text(&r["id"]), text(&r["verdict"]))).collect()
}

/// The worst verdict by subnet, groups and service: without its tasks, a service is judged by its whole subnet.
fn paths(report: &Value) -> BTreeMap<String, String> {
    let placements: BTreeMap<&str, String> = report["placements"].as_array().unwrap().iter().map(|p| (p["id"].as_str().unwrap(), format!("{} {}", p["subnet"], p["security_groups"]))).collect();
    let key = |p: &Value| format!("{} {}:{}", placements[p["placement"].as_str().unwrap()], p["service"], p["port"]);
    let mut worst = BTreeMap::new();
    for path in report["paths"].as_array().unwrap() {
        let verdict = path["verdict"].as_str().unwrap();
        let entry = worst.entry(key(path)).or_insert_with(|| verdict.to_owned());
        if verdict == "fail" || (verdict == "unknown" && entry != "fail") {
            *entry = verdict.to_owned();
        }
    }
    worst
}

/// Whether a verdict may become another when less is seen.
fn less_seen(before: &str, after: &str) -> bool {
    after == "unknown" || before == after
}

fn walk(scene: &str, region: &str, fault: Fault) {
    let (whole, _) = audit(scene, region, None);
    let whole_report = whole.report();
    let (rules, ways) = (verdicts(&whole_report), paths(&whole_report));
    let (mut asked, mut problems) = (0, Vec::new());
    for action in Action::ALL {
        let name = action.name();
        let (ran, server) = audit(scene, region, Some((name, fault)));
        let mut wrong = |what: String| problems.push(format!("{name} {fault:?}: {what}"));
        if server.count(name) == 0 {
            if ran.report() != whole_report {
                wrong("was not asked for, and yet changes the report".to_owned());
            }
            continue;
        }
        asked += 1;
        let report = ran.report();
        let entry = report["completeness"].as_array().unwrap().iter().find(|c| c["action"] == name);
        match entry {
            None => wrong("is not listed".to_owned()),
            Some(entry) => {
                let error = entry["error"].as_str().unwrap_or_default();
                if entry["state"] == "complete" || error.is_empty() {
                    wrong(format!("is listed as {} ({error})", entry["state"]));
                }
                let lower = error.to_lowercase();
                if lower.contains("recorded") || lower.contains("127.0.0.1") {
                    wrong(format!("the error names more than code and message: {error}"));
                }
            }
        }
        let fails = report["summary"]["fail"].as_object().unwrap().iter().any(|(severity, n)| !["low", "info"].contains(&severity.as_str()) && n != 0);
        // The caller's identity is not needed where ARNs tell the account.
        if report["complete"] != false || ran.status != if fails { 1 } else { 3 } {
            wrong(format!("complete is {}, status {}", report["complete"], ran.status));
        }
        for (rule, now) in verdicts(&report) {
            if !less_seen(&rules[&rule], &now) {
                wrong(format!("{rule} was {} and is {now}", rules[&rule]));
            }
        }
        let now = paths(&report);
        for (path, verdict) in &now {
            // A path whose placement or need is only guessed at now may be new, and is unknown.
            if !less_seen(ways.get(path).map_or("unknown", String::as_str), verdict) {
                wrong(format!("{path} was {:?} and is {verdict}", ways.get(path)));
            }
        }
        for (path, verdict) in &ways {
            // A path may only go where the workload itself, or what it needs, was not seen.
            let seen = !name.starts_with("ecs:") && !name.starts_with("iam:") && name != "ec2:DescribeSubnets" && name != "ec2:DescribeInstances";
            if verdict == "fail" && !now.contains_key(path) && seen {
                wrong(format!("{path} failed and is gone"));
            }
        }
    }
    assert!(asked > 30, "only {asked} operations were asked for");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn each_operation_denied_in_a_vpc_with_mistakes() {
    walk("demo", "eu-west-1", Fault::Denied);
}

#[test]
fn each_operation_denied_in_a_vpc_without() {
    walk("isolated", "ap-southeast-2", Fault::Denied);
}

#[test]
fn each_operation_denied_behind_a_hub() {
    walk("hub", "ca-central-1", Fault::Denied);
}

#[test]
fn each_operation_answered_by_nothing() {
    walk("demo", "eu-west-1", Fault::Empty);
}

#[test]
fn each_operation_answered_by_somebody_else() {
    walk("demo", "eu-west-1", Fault::Foreign);
}

#[test]
fn what_was_never_asked_is_not_listed_as_complete() {
    for (scene, region) in [("demo", "eu-west-1"), ("isolated", "ap-southeast-2"), ("bare", "eu-north-1")] {
        let (live, server) = audit(scene, region, None);
        let report = live.report();
        let listed: Vec<&str> = report["completeness"].as_array().unwrap().iter().map(|c| c["action"].as_str().unwrap()).collect();
        let asked = server.calls.lock().unwrap().iter().map(|(action, _)| action.clone()).collect::<std::collections::BTreeSet<_>>();
        // Whether a rule applies without a single cluster follows from these, which rules need although there is nobody to ask about.
        let needed = |action: &str| scene == "bare" && action.starts_with("ecs:");
        let never: Vec<_> = listed.iter().filter(|a| !asked.contains(**a) && !needed(a)).collect();
        assert!(never.is_empty(), "{scene}: {never:?}");
        let silent: Vec<_> = asked.iter().filter(|a| !listed.contains(&a.as_str())).collect();
        assert!(silent.is_empty(), "{scene}: asked for, and not listed: {silent:?}");
        assert!(listed.len() < Action::ALL.len() - 2, "{scene}: something is never asked for here");

        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("recorded");
        let recorded = run_at(&server.url, &["record", "--region", region, "--out", folder.to_str().unwrap()]);
        assert_eq!(recorded.status, 0, "{}", recorded.stderr);
        let replayed = run(&["--snapshot", folder.to_str().unwrap(), "--format", "json"]).report();
        assert_eq!(replayed["completeness"], report["completeness"], "{scene}: the recording tells the same");
    }
}

#[test]
fn everything_denied_is_incomplete_and_says_what_to_allow() {
    let mut script = Script::new(&answers("demo"));
    for action in Action::ALL {
        script = script.fault(action.name(), Fault::Denied);
    }
    let server = Server::start(script);
    for arguments in [&["--region", "eu-west-1"][..], &["--region", "eu-west-1", "--vpc", "vpc-0a0a0a0a0a0a0a0a0"]] {
        let ran = run_at(&server.url, &[arguments, &["--format", "json"]].concat());
        assert_eq!(ran.status, 3, "{}", ran.stderr);
        let report = ran.report();
        let seen: Vec<_> = verdicts(&report).into_iter().filter(|(_, verdict)| verdict != "unknown").collect();
        // CloudTrail was not asked, and without --evidence these two do not apply.
        assert!(seen.iter().all(|(rule, verdict)| rule.starts_with("EV") && verdict == "not_applicable"), "{seen:?}");
        assert_eq!(ran.stdout, run_at(&server.url, &[arguments, &["--format", "json"]].concat()).stdout, "errors are byte-identical too");
        let allowed = run_at(&server.url, &[arguments, &["--allow-incomplete"]].concat());
        assert_eq!(allowed.status, 0, "{}", allowed.stderr);
    }
}
