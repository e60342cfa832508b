//! The promise: what could not be seen is never a pass, never "does not apply", and nothing that was wrong goes away.
//!
//! Each operation in turn is denied, fails, is throttled to the end, or is answered by nothing, by half of it or by somebody
//! else's page, and the report is held against the one in which everything was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use audit::actions::Action;
use audit::analysis::Options;
use audit::audit::Plan;
use audit::aws::replay::{Answers, Asked, Reply};
use audit::collect::{Request, collect};
use audit::demo::Recording;
use audit::inventory::Time;
use audit::{exit, rules};
use serde_json::Value;

use crate::support::server::{Fault, Script, Server};
use crate::support::{answers, run, run_at};

/// Scripted answers in the place of the network, and which operations were asked for.
#[derive(Debug)]
struct Scripted {
    script: Script,
    asked: Mutex<BTreeSet<String>>,
}

impl Answers for Scripted {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        self.asked.lock().unwrap().insert(format!("{}:{}", asked.service, Recording::operation(asked)));
        self.script.reply(asked)
    }
}

/// What a live run over scripted answers comes to, without a process and a socket for each: there are hundreds.
struct Live {
    report: Value,
    status: i32,
    asked: BTreeSet<String>,
}

fn live(recording: &Recording, region: &str, fault: Option<(&str, Fault)>) -> Live {
    let script = Script { recording: recording.clone(), ..Script::default() };
    let script = fault.into_iter().fold(script, |script, (action, fault)| script.fault(action, fault));
    let answers = Arc::new(Scripted { script, asked: Mutex::default() });
    // CloudTrail answers two calls a second and no more, so that it is asked only where it matters.
    let evidence = fault.is_some_and(|(action, _)| action == "cloudtrail:LookupEvents");
    let request = Request { regions: vec![region.to_owned()], evidence, answers: Some(Arc::clone(&answers) as Arc<dyn Answers>), ..Request::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let now = || Time::parse(recording.taken_at().unwrap()).unwrap();
    let inventory = runtime.block_on(collect(request, Arc::new(()), now)).unwrap();
    let report = audit::audit::audit(inventory, &Plan { options: Options::default(), rules: rules::ALL.to_vec() });
    let status = exit::status(&report, exit::FailOn::default(), false, false);
    let asked = std::mem::take(&mut *answers.asked.lock().unwrap());
    Live { report: serde_json::to_value(report).unwrap(), status, asked }
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

/// What is wrong with a run in which `name` had no usable answer, held against the run in which it had.
fn held_against(whole: &Live, name: &str, faulty: &Live) -> Vec<String> {
    let mut problems = Vec::new();
    let mut wrong = |what: String| problems.push(format!("{name}: {what}"));
    let (rules, ways) = (verdicts(&whole.report), paths(&whole.report));
    let report = &faulty.report;
    match report["completeness"].as_array().unwrap().iter().find(|c| c["action"] == name) {
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
    if report["complete"] != false || faulty.status != if fails { 1 } else { 3 } {
        wrong(format!("complete is {}, status {}", report["complete"], faulty.status));
    }
    for (rule, now) in verdicts(report) {
        if !less_seen(&rules[&rule], &now) {
            wrong(format!("{rule} was {} and is {now}", rules[&rule]));
        }
    }
    let now = paths(report);
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
    problems
}

/// Each operation that a scene asks for goes wrong in turn.
fn walk(scene: &str, region: &str, fault: Fault) {
    let recording = Recording::parse(&answers(scene));
    let whole = live(&recording, region, None);
    // What is never asked for cannot go wrong.
    let names: Vec<&str> = Action::ALL.iter().map(|a| a.name()).filter(|name| whole.asked.contains(*name) || *name == "cloudtrail:LookupEvents").collect();
    assert!(names.len() > 30, "only {} operations are asked for", names.len());
    // Mostly they wait between attempts, so that many go side by side.
    let next = AtomicUsize::new(0);
    let work = || {
        let mut problems = Vec::new();
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let faulty = live(&recording, region, Some((name, fault)));
            assert!(faulty.asked.contains(*name), "{name} is asked for whatever goes wrong with it");
            problems.extend(held_against(&whole, name, &faulty));
        }
        problems
    };
    let problems: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = names.iter().map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    assert!(problems.is_empty(), "{fault:?}: {} problems:\n{}", problems.len(), problems.join("\n"));
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
fn each_operation_cut_off() {
    walk("demo", "eu-west-1", Fault::Cut);
}

#[test]
fn each_operation_failing_on_the_side_of_aws() {
    walk("demo", "eu-west-1", Fault::Failure);
}

#[test]
fn each_operation_throttled_to_the_end() {
    walk("demo", "eu-west-1", Fault::Throttled);
}

#[test]
fn what_was_never_asked_is_not_listed_as_complete() {
    for (scene, region) in [("demo", "eu-west-1"), ("isolated", "ap-southeast-2"), ("bare", "eu-north-1")] {
        let server = Server::start(Script::new(&answers(scene)));
        let report = run_at(&server.url, &["--region", region, "--format", "json"]).report();
        let listed: Vec<&str> = report["completeness"].as_array().unwrap().iter().map(|c| c["action"].as_str().unwrap()).collect();
        let asked = server.calls.lock().unwrap().iter().map(|(action, _)| action.clone()).collect::<BTreeSet<_>>();
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
