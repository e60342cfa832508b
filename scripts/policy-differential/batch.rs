//! Development only: judges requests read from standard input, one JSON object a line, and prints one decision
//! a line. See `scripts/policy-differential.sh`.

use std::io::{BufRead, Write};

use audit::policy::command::{CheckOptions, PolicyFile, check};
use serde_json::Value;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| case.get(name).and_then(Value::as_str).map(str::to_owned);
        let list = |name: &str| case.get(name).and_then(Value::as_array).map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        let options = CheckOptions {
            action: text("action").unwrap_or_default(),
            resource: text("resource"),
            principal: text("principal"),
            context: list("context").unwrap_or_default(),
            absent: list("absent").unwrap_or_default(),
            ..CheckOptions::default()
        };
        let file = PolicyFile { name: "policy".into(), bytes: case.get("policy").map(Value::to_string).unwrap_or_default().into_bytes() };
        match check(&[file], &options) {
            Ok(report) => writeln!(out, "{}", report.json())?,
            Err(error) => writeln!(out, "{}", serde_json::json!({ "decision": "error", "reason": error.to_string() }))?,
        }
    }
    Ok(())
}
