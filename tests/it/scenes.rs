//! Whole scenes: the same report from live answers, on pages of one and of many, and from the recording of either; and in
//! each scene the findings that it deserves.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::server::{Script, Server};
use crate::support::{Ran, answers, findings, fixture, run, run_at};

const SCENES: [(&str, &str); 5] = [("demo", "eu-west-1"), ("isolated", "ap-southeast-2"), ("broken", "sa-east-1"), ("hub", "ca-central-1"), ("bare", "eu-north-1")];

fn from_folder(scene: &str) -> Ran {
    run(&["--snapshot", fixture(&format!("snapshots/{scene}")).to_str().unwrap(), "--format", "json"])
}

/// What does not depend on the moment at which a live run is made: AWS's answers have no date that would.
fn same(name: &str, one: &Ran, other: &Ran) {
    assert_eq!(one.status, other.status, "{name}: {}{}", one.stderr, other.stderr);
    let (a, b) = (one.report(), other.report());
    for key in a.as_object().unwrap().keys() {
        assert_eq!(a[key], b[key], "{name}: {key}");
    }
}

/// The same, of a folder that holds answers which a live run did not need to ask for: they are complete, and change nothing else.
fn same_as_folder(name: &str, folder: &Ran, live: &Ran) {
    assert_eq!(folder.status, live.status, "{name}: {}{}", folder.stderr, live.stderr);
    let (mut a, mut b) = (folder.report(), live.report());
    let (more, asked) = (a["completeness"].take(), b["completeness"].take());
    assert_eq!(a, b, "{name}");
    let (more, asked) = (more.as_array().unwrap(), asked.as_array().unwrap());
    assert!(asked.iter().all(|entry| more.contains(entry)), "{name}: {asked:?}");
    assert!(more.iter().filter(|entry| !asked.contains(entry)).all(|entry| entry["state"] == "complete"), "{name}: {more:?}");
}

#[test]
fn live_answers_and_folders_give_the_same_report() {
    for (scene, region) in SCENES {
        let folder = from_folder(scene);
        let server = Server::start(Script::new(&answers(scene)));
        let live = run_at(&server.url, &["--region", region, "--format", "json"]);
        same_as_folder(scene, &folder, &live);
    }
}

#[test]
fn a_recording_says_what_the_live_run_said() {
    for (scene, region) in SCENES {
        let server = Server::start(Script::new(&answers(scene)));
        let live = run_at(&server.url, &["--region", region, "--format", "json"]);
        let out = tempfile::tempdir().unwrap();
        let folder = out.path().join("recorded");
        let recorded = run_at(&server.url, &["record", "--region", region, "--out", folder.to_str().unwrap()]);
        assert_eq!(recorded.status, 0, "{}", recorded.stderr);
        same(scene, &live, &run(&["--snapshot", folder.to_str().unwrap(), "--format", "json"]));
    }
}

#[test]
fn pages_of_one_give_the_same_report() {
    for (scene, region) in SCENES {
        let whole = Server::start(Script::new(&answers(scene)));
        let mut script = Script::new(&answers(scene));
        script.recording = script.recording.with_pages_of(1);
        let pages = Server::start(script);
        let arguments = ["--region", region, "--format", "json"];
        same(scene, &run_at(&whole.url, &arguments), &run_at(&pages.url, &arguments));
        let calls = |s: &Server| s.calls.lock().unwrap().len();
        assert!(calls(&pages) > calls(&whole), "{scene}: the pages were really small");
    }
}

#[test]
fn the_demo_is_the_live_run_over_its_answers() {
    let demo = run(&["--demo", "--format", "json"]);
    assert_eq!(demo.status, 1, "{}", demo.stderr);
    assert_eq!(demo.report()["complete"], true);
    same_as_folder("demo", &from_folder("demo"), &demo);
    assert_eq!(demo.stdout, run(&["--demo", "--format", "json"]).stdout, "two runs are byte-identical");
}

#[test]
fn calls_only_read() {
    let server = Server::start(Script::new(&answers("demo")));
    run_at(&server.url, &["--region", "eu-west-1", "--evidence"]);
    let known: BTreeSet<&str> = audit::actions::Action::ALL.iter().map(|a| a.name()).collect();
    let calls = server.calls.lock().unwrap();
    assert!(calls.len() > 40);
    for (action, _) in calls.iter() {
        let operation = action.split(':').nth(1).unwrap();
        assert!(["Describe", "List", "Get", "Search", "Lookup"].iter().any(|verb| operation.starts_with(verb)), "{action} may change something");
        assert!(known.contains(action.as_str()), "{action} is not in the table of actions");
    }
}

/// (rule, verdict, name of the resource), in the order of the report.
fn deserves(scene: &str, status: i32, expected: &[(&str, &str, &str)]) {
    let ran = from_folder(scene);
    assert_eq!(ran.status, status, "{scene}: {}", ran.stderr);
    let found = findings(&ran.report());
    let found: Vec<(&str, &str, &str)> = found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(found, expected, "{scene}");
}

#[test]
fn the_demo_has_its_six_mistakes() {
    deserves(
        "demo",
        1,
        &[
            // batch-1 runs 1.24.0, which cannot use the endpoints.
            ("AG01", "fail", "orders"),
            // The endpoints' group admits app-a and batch-c; app-b is behind the same private names, so NAT does not help.
            ("NW01", "fail", "endpoints"),
            // The isolated subnet's table lacks the gateway endpoint.
            ("NW07", "fail", "orders-batch"),
            // No logs endpoint: cut off in batch-c, over NAT elsewhere.
            ("EP09", "fail", "orders"),
            // orders-2 sits in app-b.
            ("AG03", "fail", "orders"),
            // Over NAT in spite of the endpoint.
            ("DN01", "fail", "secretsmanager"),
            // For information: policies of S3 and Secrets Manager allow everything, as they do unless somebody writes one.
            ("HY01", "fail", "orders"),
        ],
    );
}

#[test]
fn an_isolated_vpc_with_every_endpoint_has_nothing_to_mend() {
    // For information alone: the policies are AWS's own.
    deserves("isolated", 0, &[("HY01", "fail", "ledger")]);
    let report = from_folder("isolated").report();
    let paths = report["paths"].as_array().unwrap();
    assert!(paths.len() >= 10 && paths.iter().all(|p| p["verdict"] == "pass" && p["way"] != "internet"), "{paths:?}");
    assert_eq!(report["complete"], true);
}

#[test]
fn broken_ways_each_have_their_cause() {
    deserves(
        "broken",
        1,
        &[
            // claims-a and claims-b are isolated, and nothing serves ecr.dkr.
            ("EP05", "fail", "claims"),
            // Replies from the endpoints cannot come back into claims-b.
            ("NW05", "fail", "closed"),
            // claims-scan would reach ecr.dkr over the NAT gateway that is gone.
            ("NW06", "fail", "claims-scan"),
            // Nor can those of S3.
            ("NW09", "fail", "closed"),
            // The endpoints that there are have one zone; workloads are in three.
            ("HY01", "fail", "logs"),
            ("HY01", "fail", "ecr.api"),
            // Only Fargate runs here.
            ("EP03", "fail", "claims"),
            ("HY01", "fail", "claims"),
        ],
    );
    let report = from_folder("broken").report();
    let subnet = |id: &Value| report["topology"]["subnets"].as_array().unwrap().iter().find(|s| s["id"] == *id).unwrap()["name"].clone();
    let placement = |id: &Value| report["placements"].as_array().unwrap().iter().find(|p| p["id"] == *id).unwrap()["subnet"].clone();
    let mut blocked: Vec<(String, String, String)> = Vec::new();
    for path in report["paths"].as_array().unwrap().iter().filter(|p| p["verdict"] == "fail") {
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        blocked.push((text(&subnet(&placement(&path["placement"]))), text(&path["service"]), text(&path["blocked_at"])));
    }
    blocked.sort();
    let expected = [
        ("claims-a", "ecr.dkr", "endpoint"),
        ("claims-b", "ecr.api", "source-nacl-in"),
        ("claims-b", "ecr.dkr", "endpoint"),
        ("claims-b", "logs", "source-nacl-in"),
        ("claims-b", "s3", "source-nacl-in"),
        ("claims-scan", "ecr.dkr", "endpoint"),
    ];
    assert_eq!(blocked.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn a_hub_serves_what_its_zones_name() {
    // No zone leads to the hub's ecs-telemetry endpoint: for the spoke there is none.
    deserves("hub", 1, &[("EP01", "fail", "spoke"), ("HY01", "fail", "spoke")]);
    let report = from_folder("hub").report();
    let ways: BTreeSet<(&str, &str)> = report["paths"].as_array().unwrap().iter().map(|p| (p["service"].as_str().unwrap(), p["way"].as_str().unwrap())).collect();
    assert!(ways.contains(&("ecs", "remote-endpoint")) && ways.contains(&("ecs-telemetry", "none")) && ways.contains(&("s3", "gateway-endpoint")), "{ways:?}");
}

#[test]
fn where_ecs_has_nothing_the_report_says_so() {
    deserves("bare", 0, &[]);
    let table = run(&["--snapshot", fixture("snapshots/bare").to_str().unwrap()]);
    assert!(table.stdout.contains("No ECS workload here"), "{}", table.stdout);
    // With --vpc as well: the VPC exists.
    let vpc = from_folder("bare").report();
    assert_eq!(vpc["placements"].as_array().unwrap().len(), 0);
}

#[test]
fn a_region_without_anything_is_complete() {
    let empty: String = answers("bare")
        .split("\n@ ")
        .map(|answer| {
            // Every list without its items.
            let lines: Vec<&str> = answer.lines().collect();
            let keep = |i: usize| i < 2 || i + 1 == lines.len() || !lines[1].ends_with("Set>");
            lines.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, l)| *l).collect::<Vec<_>>().join("\n")
        })
        .collect::<Vec<_>>()
        .join("\n@ ");
    let server = Server::start(Script::new(&empty));
    let ran = run_at(&server.url, &["--region", "eu-north-1", "--format", "json"]);
    assert_eq!((ran.status, &ran.report()["complete"]), (0, &Value::Bool(true)), "{}", ran.stderr);
    let table = run_at(&server.url, &["--region", "eu-north-1"]);
    assert!(table.stdout.contains("No ECS workload here"), "{}", table.stdout);
}
