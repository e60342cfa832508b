//! Tried as a new user would try it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use audit::actions::Action;

use crate::support::server::{Fault, Script, Server};
use crate::support::{Ran, answers, at, audit, fixture, run, run_at};

fn timed(within: Duration, run: impl FnOnce() -> Ran) -> Ran {
    let began = Instant::now();
    let ran = run();
    assert!(began.elapsed() < within, "took {:?}: {}", began.elapsed(), ran.stderr);
    ran
}

fn refuses(ran: &Ran, status: i32, words: &[&str]) {
    assert_eq!(ran.status, status, "{}{}", ran.stderr, ran.stdout);
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in: {}", ran.stderr);
    }
    assert_eq!(ran.stdout, "", "nothing on standard output");
}

#[test]
fn without_credentials_it_says_how_to_get_some() {
    let ran = timed(Duration::from_secs(5), || run(&["--region", "eu-west-1"]));
    refuses(&ran, 4, &["aws configure", "aws sso login", "--profile"]);
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    refuses(&run(&["--region", "eu-west-1", "--profile", "nobody"]), 4, &["nobody"]);
}

#[test]
fn what_is_not_there_is_named() {
    let server = Server::start(Script::new(&answers("demo")));
    refuses(&run_at(&server.url, &["--region", "eu-west-1", "--vpc", "vpc-0123456789abcdef0"]), 2, &["vpc-0123456789abcdef0", "eu-west-1"]);
    refuses(&run_at(&server.url, &["--region", "eu-west-1", "--cluster", "nothing"]), 2, &["nothing"]);
    refuses(&run_at(&server.url, &["--region", "EU West"]), 2, &["EU West"]);
    refuses(&run(&["--snapshot", "/nonexistent/folder"]), 2, &["/nonexistent/folder"]);
    refuses(&run(&["--no-such-flag"]), 2, &["--no-such-flag"]);
}

#[test]
fn a_region_that_cannot_be_reached_is_named_soon() {
    // A port on which nobody listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = timed(Duration::from_secs(20), || run_at(&format!("http://{free}"), &["--region", "eu-west-1"]));
    refuses(&ran, 4, &["eu-west-1"]);
}

#[test]
fn credentials_that_aws_refuses_are_said_to_be_refused() {
    let mut script = Script::new("");
    script.recording = audit::demo::Recording::default();
    let server = Server::start(Script { denial: Some("AuthFailure"), ..script });
    let ran = timed(Duration::from_secs(10), || run_at(&server.url, &["--region", "eu-west-1"]));
    refuses(&ran, 4, &["AWS refused the credentials", "AWS_ACCESS_KEY_ID"]);
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let (mut command, _home) = audit();
    let mut child = command.args(["--demo", "--details", "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{errors}");
    assert_eq!(errors, "");
}

#[test]
fn a_full_disk_is_no_success() {
    let (mut command, _home) = audit();
    let ran = Ran::of(command.arg("--demo").stdout(File::options().write(true).open("/dev/full").unwrap()).output().unwrap());
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("standard output"), "{}", ran.stderr);
    refuses(&run(&["--demo", "--output", "json=/dev/full"]), 2, &["/dev/full"]);
    refuses(&run(&["--demo", "--output", "json=/nonexistent/report.json"]), 2, &["/nonexistent/report.json"]);
}

#[test]
fn the_version_needs_no_time() {
    let ran = timed(Duration::from_secs(1), || run(&["--version"]));
    assert_eq!((ran.status, ran.stdout.as_str()), (0, concat!("audit ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn recordings_go_to_a_new_or_empty_folder() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    refuses(&run(&["record", "--demo", "--out", dir.path().to_str().unwrap()]), 2, &[dir.path().to_str().unwrap()]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "and nothing else is touched");
}

/// A run that waits for an answer that never comes.
fn waiting(server: &Server, dir: &Path, arguments: &[&str]) -> std::process::Child {
    let (mut command, _home) = audit();
    let child = at(&mut command, &server.url).current_dir(dir).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while server.count("ec2:DescribeSubnets") == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "the run has begun to ask");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn signals_end_it_at_once_and_leave_nothing_behind() {
    let server = Server::start(Script::new(&answers("demo")).fault("ec2:DescribeSubnets", Fault::Silent));
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("report.json"), "earlier").unwrap();
        for arguments in [&["--region", "eu-west-1", "--output", "json=report.json"][..], &["record", "--region", "eu-west-1", "--out", "recorded"]] {
            server.calls.lock().unwrap().clear();
            let child = waiting(&server, dir.path(), arguments);
            let began = Instant::now();
            assert!(Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap().success());
            let ran = Ran::of(child.wait_with_output().unwrap());
            assert!(began.elapsed() < Duration::from_secs(2), "SIG{signal} took {:?}", began.elapsed());
            assert_eq!((ran.status, ran.stdout.as_str()), (status, ""), "{}", ran.stderr);
            assert_eq!(std::fs::read_to_string(dir.path().join("report.json")).unwrap(), "earlier");
            let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).filter(|n| n != "report.json").collect();
            assert_eq!(names, Vec::<std::ffi::OsString>::new(), "nothing else is left");
        }
    }
}

fn signal(child: &std::process::Child, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_recording_that_is_interrupted_while_it_is_written_leaves_nothing() {
    for existing in [false, true] {
        for _ in 0..4 {
            let dir = tempfile::tempdir().unwrap();
            let out = dir.path().join("recorded");
            if existing {
                std::fs::create_dir(&out).unwrap();
            }
            let home = if existing { &out } else { dir.path() };
            let names = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
            let (mut command, _home) = audit();
            let mut child = command.args(["record", "--demo", "--out"]).arg(&out).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            while child.try_wait().unwrap().is_none() && !names(home).iter().any(|n| n.starts_with(".audit-record-")) {}
            if child.try_wait().unwrap().is_none() {
                signal(&child, "TERM");
            }
            let ran = Ran::of(child.wait_with_output().unwrap());
            assert_eq!(ran.stdout, "");
            let left = names(home);
            // The recording may have been quicker than the signal: then it is there, and whole.
            let whole = if existing { left.iter().any(|n| n == "audit-snapshot.json") } else { out.join("audit-snapshot.json").exists() };
            assert!(!left.iter().any(|n| n.starts_with(".audit-record-")), "{left:?}");
            assert!(ran.status == 143 || (ran.status == 0 && whole), "{} {}", ran.status, ran.stderr);
            assert!(whole || left.is_empty(), "{left:?}");
        }
    }
}

#[test]
fn whoever_waits_for_standard_input_ends_with_the_status_of_the_signal() {
    for arguments in [&["convert", "-"][..], &["policy", "check", "-", "--action", "s3:GetObject"]] {
        for (name, status) in [("INT", 130), ("TERM", 143)] {
            let (mut command, _home) = audit();
            let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // Kept open: an end of the input would be an answer of its own.
            let input = child.stdin.take();
            std::thread::sleep(Duration::from_millis(300));
            signal(&child, name);
            assert_eq!(child.wait_with_output().unwrap().status.code(), Some(status), "{arguments:?}: an exit, not a death by the signal");
            drop(input);
        }
    }
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    refuses(&run_at("localhost:4566", &["--region", "eu-west-1"]), 2, &["localhost:4566", "AWS_ENDPOINT_URL", "http://"]);
    for bad in ["", "localhost:4566", "http://a b"] {
        refuses(&run(&["--region", "eu-west-1", "--endpoint-url", bad]), 2, &["--endpoint-url", bad]);
    }
}

#[test]
fn a_key_of_the_context_has_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("policy.json");
    std::fs::write(&policy, r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}"#).unwrap();
    let check = |more: &[&str]| run(&[&["policy", "check", policy.to_str().unwrap(), "--action", "s3:GetObject"], more].concat());
    refuses(&check(&["--context", "=x"]), 2, &["`=x` names no key"]);
    refuses(&check(&["--context", "x"]), 2, &["`x` has no `=`"]);
    refuses(&check(&["--absent", ""]), 2, &["names no key"]);
    assert_eq!(check(&["--context", "aws:SourceVpce="]).status, 0, "an empty value is a value");
}

#[test]
fn a_question_about_what_could_not_be_listed_is_unknown() {
    let subnet = "subnet-0123456789abcdef0";
    let seen = Server::start(Script::new(&answers("isolated")));
    let question = ["path", "--region", "ap-southeast-2", "--from", subnet, "--to", "ecs"];
    refuses(&run_at(&seen.url, &question), 2, &["--from", subnet]);
    refuses(&run_at(&seen.url, &["path", "--region", "ap-southeast-2", "--from", "x", "--to", "ecs"]), 2, &["--from x"]);
    let denied = Server::start(Script::new(&answers("isolated")).fault("ec2:DescribeSubnets", Fault::Denied));
    let ran = run_at(&denied.url, &question);
    assert_eq!(ran.status, 3, "{}{}", ran.stderr, ran.stdout);
    assert!(ran.stdout.contains("ec2:DescribeSubnets"), "{}", ran.stdout);
}

#[test]
fn when_time_is_up_what_was_not_seen_is_unknown() {
    let server = Server::start(Script::new(&answers("isolated")).fault("ec2:DescribeNetworkAcls", Fault::Silent));
    let ran = timed(Duration::from_secs(8), || run_at(&server.url, &["--region", "ap-southeast-2", "--max-time", "2", "--format", "json"]));
    assert_eq!(ran.status, 3, "{}", ran.stderr);
    let report = ran.report();
    let missing: Vec<&str> = report["completeness"].as_array().unwrap().iter().filter(|c| c["state"] != "complete").map(|c| c["action"].as_str().unwrap()).collect();
    assert_eq!(missing, ["ec2:DescribeNetworkAcls"]);
}

#[test]
fn a_table_fits_into_eighty_columns() {
    // Without a terminal the width is fixed, and there is neither colour nor progress.
    let ran = run(&["--demo"]);
    let long: Vec<&str> = ran.stdout.lines().filter(|l| l.chars().count() > 100 && !l.trim_start().starts_with('$')).collect();
    assert_eq!(long, Vec::<&str>::new());
    assert!(!ran.stdout.contains('\u{1b}') && ran.stderr.is_empty(), "{}", ran.stderr);
}

/// The demo's answers with a secret in each place where an account may hold one: environment variables and all tags.
fn answers_with_secrets() -> String {
    let tag = r#"{"key": "db-password", "value": "hunter2-hunter2"}"#;
    let planted = [
        (r#""environment": []"#, r#""environment": [{"name": "TOKEN", "value": "hunter2-hunter2"}]"#.to_owned()),
        (r#""tags": []"#, format!(r#""tags": [{tag}]"#)),
        ("<tagSet>", "<tagSet><item><key>db-password</key><value>hunter2-hunter2</value></item>".to_owned()),
    ];
    planted.into_iter().fold(answers("demo"), |text, (place, secret)| {
        assert!(text.contains(place), "{place} is in no answer");
        text.replace(place, &secret)
    })
}

const FORMATS: [&str; 11] = ["table", "json", "sarif", "html", "markdown", "junit", "github", "ocsf", "asff", "csv", "fix"];

#[test]
fn secrets_are_neither_recorded_nor_logged_nor_reported() {
    let server = Server::start(Script::new(&answers_with_secrets()));
    let (mut command, home) = audit();
    let out = home.path().join("recorded");
    let ran = Ran::of(at(&mut command, &server.url).env("RUST_LOG", "trace").args(["record", "-vv", "--region", "eu-west-1", "--out", out.to_str().unwrap()]).output().unwrap());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter2") && !ran.stdout.contains("hunter2"));
    let files = walk(&out);
    assert!(files.len() > 30, "{files:?}");
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("db-password"), "{}", file.display());
    }
    let names: String = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    assert!(names.contains("orders-igw"), "names are read, and kept");
    for format in FORMATS {
        let ran = run_at(&server.url, &["--region", "eu-west-1", "--details", "-vv", "--format", format]);
        assert_eq!(ran.status, 1, "{format}: {}", ran.stderr);
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{format}");
    }
}

#[test]
fn secrets_of_a_folder_made_by_hand_are_not_reported() {
    let dir = tempfile::tempdir().unwrap();
    let mut planted = 0;
    for file in walk(&fixture("snapshots/broken")) {
        let text = std::fs::read_to_string(&file).unwrap();
        // The AWS CLI prints the tags of an object, and the environment of a container, even if there are none.
        let secret = text
            .replace(r#""Tags": ["#, r#""Tags": [{"Key": "db-password", "Value": "hunter2"}, "#)
            .replace(r#""tags": ["#, r#""tags": [{"key": "db-password", "value": "hunter2"}, "#)
            .replace(r#""environment": ["#, r#""environment": [{"name": "TOKEN", "value": "hunter2"}, "#)
            .replace(", ]", "]");
        planted += secret.matches("hunter2").count();
        std::fs::write(dir.path().join(file.file_name().unwrap()), secret).unwrap();
    }
    assert!(planted > 20, "{planted}");
    for format in FORMATS {
        let ran = run(&["--snapshot", dir.path().to_str().unwrap(), "--details", "-vv", "--format", format]);
        assert_eq!(ran.status, 1, "{format}: {}", ran.stderr);
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{format}");
    }
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}

#[test]
fn every_fixture_is_a_form_that_the_reader_takes() {
    for scene in ["isolated", "broken", "hub", "bare"] {
        let folder = fixture(&format!("snapshots/{scene}"));
        let files = walk(&folder).iter().filter_map(|p| p.file_name()?.to_str()?.strip_suffix(".json").map(str::to_owned)).collect::<Vec<_>>();
        for file in files.iter().filter(|f| *f != "audit-snapshot") {
            assert!(Action::of_operation(file).is_some(), "{scene}: {file} is no operation of the table");
        }
    }
}
