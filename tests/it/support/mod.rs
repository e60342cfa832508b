//! Running the program as a user does, with nothing of this machine's own configuration.

pub mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Where a fixture lies.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The recorded answers of a scene.
pub fn answers(scene: &str) -> String {
    let file = if scene == "demo" { Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/demo.answers") } else { fixture(&format!("answers/{scene}.answers")) };
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The program without any environment but an empty home.
pub fn audit() -> (Command, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command.env_clear().current_dir(home.path()).env("HOME", home.path()).env("AWS_EC2_METADATA_DISABLED", "true").stdin(Stdio::null());
    (command, home)
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default());
        Self { status, stdout: String::from_utf8(output.stdout).unwrap(), stderr: String::from_utf8(output.stderr).unwrap() }
    }

    /// The JSON report, less what says where it is from.
    pub fn report(&self) -> Value {
        let mut report: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("no report ({e}); status {}, standard error: {}", self.status, self.stderr));
        for scope in report["scope"].as_array_mut().unwrap() {
            scope.as_object_mut().unwrap().remove("source").unwrap();
        }
        report
    }
}

/// Runs the program with arguments.
pub fn run(arguments: &[&str]) -> Ran {
    let (mut command, _home) = audit();
    Ran::of(command.args(arguments).output().unwrap())
}

/// Runs it against a server in the place of AWS, with keys that only such a server takes.
pub fn run_at(url: &str, arguments: &[&str]) -> Ran {
    let (mut command, _home) = audit();
    Ran::of(at(&mut command, url).args(arguments).output().unwrap())
}

/// Points a run at a server.
pub fn at<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command.env("AWS_ENDPOINT_URL", url).env("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST").env("AWS_SECRET_ACCESS_KEY", "test")
}

/// Rules that fail or are unknown, each with its verdict and the id of its resource.
pub fn findings(report: &Value) -> Vec<(String, String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    report["findings"].as_array().unwrap().iter().map(|f| (text(&f["rule"]), text(&f["verdict"]), text(&f["resource"]["name"]))).collect()
}
