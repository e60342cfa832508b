//! Against moto, with the scenes of `localstack/`: what the collectors make of somebody else's idea of AWS.
//!
//! Needs `localstack/setup.sh` once (`scripts/test.sh` runs it). Without it these tests fail.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::support::server::{Server, Tape};
use crate::support::{findings, run, run_at};

/// A server that ends when its standard input does, and that does with this process.
struct Moto {
    url: String,
    _input: ChildStdin,
}

#[expect(clippy::zombie_processes, reason = "the server ends with its standard input, and with this process")]
fn start(arguments: &[&str]) -> Moto {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("localstack");
    let mut child = Command::new(home.join(".venv/bin/python"))
        .arg(home.join("serve.py"))
        .arg("--until-eof")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("moto does not start ({e}): run localstack/setup.sh, or scripts/test.sh, which does"));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("moto did not get ready: {line}"));
    Moto { url: ready["url"].as_str().unwrap().to_owned(), _input: child.stdin.take().unwrap() }
}

fn moto() -> &'static str {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    &MOTO.get_or_init(|| start(&[])).url
}

fn moto_on_pages_of_one() -> &'static str {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    &MOTO.get_or_init(|| start(&["--page", "1"])).url
}

const SHOP: [&str; 4] = ["--region", "us-east-2", "--format", "json"];

#[test]
fn the_shop_has_the_findings_that_it_deserves() {
    let ran = run_at(moto(), &SHOP);
    let report = ran.report();
    assert_eq!((ran.status, &report["complete"]), (1, &Value::Bool(true)), "{} {}", ran.stderr, report["completeness"]);
    let found = findings(&report);
    let found: Vec<(&str, &str, &str)> = found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(
        found,
        [
            // An agent of 1.24.0.
            ("AG01", "fail", "shop"),
            // app_b is not in the endpoints' group.
            ("NW01", "fail", "endpoints"),
            // Nor is the third agent, which sits there, connected.
            ("AG03", "fail", "shop"),
            // S3 is reached over NAT from app_b.
            ("NW07", "fail", "shop-app_b"),
            // For information: S3's policy is AWS's own.
            ("HY01", "fail", "shop"),
        ]
    );
}

#[test]
fn live_replay_and_snapshot_agree() {
    let tape = Arc::new(Tape::of(moto()));
    let server = Server::tape(Arc::clone(&tape));
    let live = run_at(&server.url, &SHOP);
    tape.replay.store(true, Ordering::Relaxed);
    let replayed = run_at(&server.url, &SHOP);
    assert_eq!(replayed.stdout, live.stdout, "the same answers, whatever their order");

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("recorded");
    let recorded = run_at(&server.url, &["record", "--region", "us-east-2", "--out", folder.to_str().unwrap()]);
    assert_eq!(recorded.status, 0, "{}", recorded.stderr);
    let offline = run(&["--snapshot", folder.to_str().unwrap(), "--format", "json"]);
    assert_eq!((offline.status, offline.report()), (live.status, live.report()));
}

#[test]
fn an_isolated_vpc_of_moto_is_clean() {
    let ran = run_at(moto(), &["--region", "eu-central-1", "--format", "json"]);
    let report = ran.report();
    // For information alone: S3's policy is AWS's own.
    let rules: Vec<String> = findings(&report).into_iter().map(|(rule, _, _)| rule).collect();
    assert_eq!((ran.status, rules), (0, vec!["HY01".to_owned()]), "{} {}", ran.stderr, report["findings"]);
    assert_eq!(report["paths"].as_array().unwrap().len(), 4, "ecr.api, ecr.dkr, s3 and logs from the one subnet");
}

#[test]
fn a_region_without_ecs_says_so() {
    // moto has a default VPC in every region.
    let ran = run_at(moto(), &["--region", "eu-west-3"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("No ECS workload here"), "{}", ran.stdout);
}

#[test]
fn pages_of_one_find_the_same() {
    // Ids differ from server to server, names and verdicts do not.
    let one = run_at(moto_on_pages_of_one(), &SHOP);
    let whole = run_at(moto(), &SHOP);
    assert_eq!(findings(&one.report()), findings(&whole.report()), "{}", one.stderr);
    let count = |report: &Value, key: &str| report[key].as_array().unwrap().len();
    for key in ["placements", "paths", "completeness"] {
        assert_eq!(count(&one.report(), key), count(&whole.report(), key), "{key}");
    }
}

#[test]
fn one_vpc_by_name_is_the_same_audit() {
    let all = run_at(moto(), &SHOP).report();
    let vpc = all["scope"][0]["vpcs"][0].as_str().unwrap();
    let one = run_at(moto(), &["--region", "us-east-2", "--vpc", vpc, "--format", "json"]).report();
    for key in ["rules", "findings", "placements", "paths", "summary"] {
        assert_eq!(one[key], all[key], "{key}");
    }
}
