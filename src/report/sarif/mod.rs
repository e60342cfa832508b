//! SARIF 2.1.0 as GitHub code scanning takes it.
//!
//! GitHub reads the severity from the rule, so there is one reporting descriptor for each rule and severity in use. It wants
//! a file and a line for each result, which a live network does not have: each resource stands as a virtual file under
//! `aws/<account>/<region>/…`, unless `--source-map` knows its line. It shows everything that it is sent as an alert, so
//! only failures are sent; what was not seen is a notification of the run. Each VPC is a run of its own, with a category of
//! its own, so that auditing one does not close the alerts of another.
//!
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

mod model;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use model::*;

use super::text::{clean, cut, first_sentence, markdown};
use super::{Options, PathLine, Report, SourceMap, view};
use crate::analysis::Tri;
use crate::finding::{Confidence, Finding, Resource, Severity, Verdict};

/// GitHub keeps the 5,000 most severe results; a run with more would lose an arbitrary part.
const RESULTS: usize = 5_000;
/// GitHub takes at most 20 runs a file.
const RUNS: usize = 20;
/// Code flows of one result. GitHub shows them all; a few tell the story.
const FLOWS: usize = 5;
/// Where a reader learns more about the tool.
const HOME: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html";

fn plain(text: impl Into<String>) -> Text {
    Text { text: text.into(), markdown: None }
}

/// Renders SARIF.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    let mut fails: Vec<&Finding> = report.findings.iter().filter(|f| f.verdict == Verdict::Fail).collect();
    fails.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let left_out = fails.len().saturating_sub(RESULTS);
    fails.truncate(RESULTS);
    let categories = categories(report);
    let mut by_category: BTreeMap<String, Vec<&Finding>> = categories.into_iter().map(|c| (c, Vec::new())).collect();
    for f in fails {
        let category = category_of(&by_category, &f.resource);
        by_category.entry(category).or_default().push(f);
    }
    let links = view::Links::new(report);
    let runs = by_category.into_iter().map(|(id, findings)| run(report, options, &links, id, &findings, left_out)).collect();
    super::json::pretty(&Log { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs })
}

/// The categories of a report: one a VPC, and one an account and region for what stands in none; where that would be more
/// runs than GitHub takes, one an account and region; else one for all. They follow from the scope, never from what was
/// found, so that a run without results closes the alerts of the run before.
fn categories(report: &Report) -> BTreeSet<String> {
    let place = |s: &super::Scope| format!("ecs-privatelink/{}/{}/", segment(s.account.as_deref().unwrap_or("unknown")), segment(&s.region));
    let regions: BTreeSet<String> = report.scope.iter().map(place).collect();
    let vpcs = report.scope.iter().flat_map(|s| s.vpcs.iter().map(move |v| format!("{}{}/", place(s), segment(v))));
    let all: BTreeSet<String> = vpcs.chain(regions.iter().cloned()).collect();
    let single = || BTreeSet::from(["ecs-privatelink/".to_owned()]);
    [all, regions].into_iter().find(|c| !c.is_empty() && c.len() <= RUNS).unwrap_or_else(single)
}

/// The narrowest category that a resource belongs to.
fn category_of(categories: &BTreeMap<String, Vec<&Finding>>, resource: &Resource) -> String {
    let account = segment(resource.account.as_deref().unwrap_or("unknown"));
    let region = format!("ecs-privatelink/{account}/{}/", segment(resource.region.as_deref().unwrap_or("unknown")));
    let vpc = resource.vpc.as_deref().map(|v| format!("{region}{}/", segment(v)));
    let known = vpc.into_iter().chain([region, "ecs-privatelink/".to_owned()]).find(|c| categories.contains_key(c));
    // A resource outside every region of the scope (a role, a zone): the account's first region, else the first run.
    known.or_else(|| categories.keys().find(|c| c.starts_with(&format!("ecs-privatelink/{account}/"))).cloned()).or_else(|| categories.keys().next().cloned()).unwrap_or_default()
}

fn run(report: &Report, options: &Options, links: &view::Links<'_>, id: String, findings: &[&Finding], left_out: usize) -> Run {
    let mut keys: Vec<(String, Severity)> = findings.iter().map(|f| (f.rule.clone(), f.severity)).collect();
    keys.sort_by(|a, b| (&a.0, std::cmp::Reverse(a.1)).cmp(&(&b.0, std::cmp::Reverse(b.1))));
    keys.dedup();
    let rules: Vec<Descriptor> = keys.iter().filter_map(|(rule, severity)| findings.iter().find(|f| f.rule == *rule && f.severity == *severity)).map(|f| descriptor(report, f)).collect();
    let results = findings
        .iter()
        .map(|f| {
            let index = keys.iter().position(|k| k.0 == f.rule && k.1 == f.severity).unwrap_or(0);
            result(report, options, links, f, index)
        })
        .collect();
    let notifications = notifications(report, left_out);
    Run {
        tool: Tool {
            driver: Driver {
                name: "audit".to_owned(),
                full_name: format!("audit {}: does Amazon ECS work through AWS PrivateLink here", clean(&report.tool.version)),
                semantic_version: clean(&report.tool.version),
                version: clean(&report.tool.version),
                information_uri: HOME,
                rules,
                notifications: if notifications.is_empty() { Vec::new() } else { vec![incomplete_descriptor()] },
            },
        },
        invocations: vec![Invocation { execution_successful: report.complete, tool_execution_notifications: notifications }],
        automation_details: AutomationDetails { id },
        column_kind: "unicodeCodePoints",
        results,
    }
}

/// `EP04`, or `EP04/low` where the severity is not the rule's own.
fn rule_id(f: &Finding) -> String {
    match crate::rules::find(&f.rule) {
        Some(rule) if rule.severity != f.severity => format!("{}/{}", rule.id, f.severity.name()),
        _ => clean(&f.rule),
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// Inside GitHub's bands: critical above 9.0, high from 7.0, medium from 4.0, low below.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
        Severity::Info => "0.1",
    }
}

const fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "very-high",
        Confidence::Medium => "high",
        Confidence::Low => "medium",
    }
}

fn descriptor(report: &Report, f: &Finding) -> Descriptor {
    let rule = crate::rules::find(&f.rule);
    let line = report.rules.iter().find(|r| r.id == f.rule);
    let name = rule.map_or_else(|| line.map_or_else(|| clean(&f.rule), |l| clean(&l.name)), |r| r.name.to_owned());
    let title = rule.map_or_else(|| clean(&f.title), |r| r.title.to_owned());
    let why = rule.map_or_else(|| clean(&f.title), |r| r.why.to_owned());
    let mend = rule.map_or_else(|| clean(&f.remediation.text), |r| r.mend.to_owned());
    let sources: Vec<String> = rule.map_or_else(|| f.references.iter().map(|r| clean(r)).collect(), |r| r.sources.iter().map(|s| (*s).to_owned()).collect());
    let sources: Vec<String> = sources.into_iter().filter(|s| s.starts_with("https://")).collect();
    let mut text = why.clone();
    let mut rich = format!("**Why it matters.** {}\n", markdown(&why));
    if !mend.is_empty() {
        text.push_str(&format!("\n\nHow to mend it: {mend}"));
        rich.push_str(&format!("\n**How to mend it.** {}\n", markdown(&mend)));
    }
    if !sources.is_empty() {
        text.push_str(&format!("\n\nSources: {}", sources.join(" ")));
        rich.push_str("\n**Sources**\n\n");
        for s in &sources {
            rich.push_str(&format!("- <{s}>\n"));
        }
    }
    Descriptor {
        id: rule_id(f),
        name: Some(pascal(&name)),
        short_description: plain(sentence(&cut(&title, 1_000))),
        full_description: plain(sentence(&cut(&why, 1_000))),
        help: Text { text: sentence(&text), markdown: Some(rich) },
        help_uri: sources.into_iter().next(),
        default_configuration: Configuration { level: level(f.severity) },
        properties: Some(Properties {
            tags: vec!["security".to_owned(), "aws".to_owned(), "ecs".to_owned(), "privatelink".to_owned()],
            precision: precision(f.confidence),
            security_severity: security_severity(f.severity),
            problem_severity: match level(f.severity) {
                "error" => "error",
                "warning" => "warning",
                _ => "recommendation",
            },
        }),
    }
}

/// `ecr-api-missing` as `EcrApiMissing`, the form that SARIF wants for the name of a rule.
fn pascal(name: &str) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in name.chars().take(200) {
        if !c.is_ascii_alphanumeric() {
            start = true;
        } else if start {
            out.push(c.to_ascii_uppercase());
            start = false;
        } else {
            out.push(c);
        }
    }
    if out.is_empty() { "Rule".to_owned() } else { out }
}

/// Ends with a full stop, as SARIF asks of its messages; never empty.
fn sentence(text: &str) -> String {
    let text = text.trim();
    match text.chars().next_back() {
        None => "No text.".to_owned(),
        Some('.' | '!' | '?') => text.to_owned(),
        Some(_) => format!("{text}."),
    }
}

fn result(report: &Report, options: &Options, links: &view::Links<'_>, f: &Finding, index: usize) -> SarifResult {
    let message = clean(&f.message);
    let first = sentence(first_sentence(if message.trim().is_empty() { &f.title } else { &message }));
    let rest = message.get(first_sentence(&message).len()..).unwrap_or_default().trim();
    let mut text = clean(&first);
    for part in [rest.to_owned(), affected(f), fix(f)] {
        if !part.trim().is_empty() {
            text.push(' ');
            text.push_str(&sentence(&part));
        }
    }
    let flows = links.paths_of(f, FLOWS).into_iter().filter_map(|i| report.paths.get(i)).filter_map(|p| flow(report, p, &options.sources)).collect();
    SarifResult {
        rule_id: rule_id(f),
        rule_index: index,
        level: level(f.severity),
        message: plain(cut(&escape_brackets(&text), 8_000)),
        locations: vec![location(&f.resource, &options.sources)],
        partial_fingerprints: BTreeMap::from([("primaryLocationLineHash", line_hash(f))]),
        code_flows: flows,
        baseline_state: match f.status.as_deref() {
            Some("new") => Some("new"),
            Some("unchanged") => Some("unchanged"),
            _ => None,
        },
    }
}

/// In a SARIF message `[text](n)` is a link; a name from the account must not become one.
fn escape_brackets(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

fn affected(f: &Finding) -> String {
    let names = view::affected(f, 10);
    if names.is_empty() { String::new() } else { format!("Hits {names}") }
}

fn fix(f: &Finding) -> String {
    let text = clean(&f.remediation.text);
    if text.is_empty() { String::new() } else { format!("Fix: {text}") }
}

/// What GitHub tells alerts apart by. It follows from the finding's fingerprint alone.
fn line_hash(f: &Finding) -> String {
    let hash = Sha256::digest(f.fingerprint.as_bytes());
    format!("{}:1", hash.iter().take(8).map(|b| format!("{b:02x}")).collect::<String>())
}

fn location(resource: &Resource, sources: &SourceMap) -> Location {
    let (uri, line) = sources.find(resource).map_or_else(|| (uri(resource), 1), |p| (p.file.split('/').map(segment).collect::<Vec<_>>().join("/"), p.line));
    let name = resource.arn.as_deref().or(resource.id.as_deref()).map(clean);
    Location {
        physical_location: PhysicalLocation { artifact_location: ArtifactLocation { uri }, region: Region { start_line: line, start_column: 1, end_line: line, end_column: 2 } },
        logical_locations: name
            .into_iter()
            .map(|fully_qualified_name| LogicalLocation { name: resource.name.as_deref().or(resource.id.as_deref()).map(clean), fully_qualified_name, kind: "resource" })
            .collect(),
        message: None,
    }
}

/// The virtual file of a resource: relative, stable, one a resource.
#[must_use]
pub fn uri(resource: &Resource) -> String {
    let mut parts = vec!["aws".to_owned(), segment(resource.account.as_deref().unwrap_or("unknown")), segment(resource.region.as_deref().unwrap_or("global"))];
    parts.extend(resource.vpc.as_deref().map(segment));
    let name = resource.arn.as_deref().filter(|a| a.starts_with("arn:")).and_then(|a| {
        let mut fields = a.splitn(6, ':');
        let service = fields.nth(2)?;
        Some((service, fields.nth(2)?))
    });
    match name {
        Some((service, tail)) => {
            parts.push(segment(service));
            parts.extend(tail.split(['/', ':']).filter(|p| !p.is_empty()).map(segment));
        }
        None => parts.push(segment(resource.id.as_deref().unwrap_or("resource"))),
    }
    parts.join("/") + ".json"
}

/// One part of a path: letters, digits, `-`, `_`, `.`; anything else percent-encoded. Never `.` or `..`.
fn segment(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || (b == b'.' && !matches!(text, "." | "..")) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    if out.is_empty() { "unknown".to_owned() } else { out }
}

/// The hops of a path as a code flow.
fn flow(report: &Report, path: &PathLine, sources: &SourceMap) -> Option<CodeFlow> {
    let placement = report.placements.iter().find(|p| p.id == path.placement)?;
    let at = |object: Option<&str>| Resource {
        id: Some(object.unwrap_or("network").to_owned()),
        account: placement.account.clone(),
        region: placement.region.clone(),
        vpc: placement.vpc.clone(),
        ..Resource::default()
    };
    let step = |object: Option<&str>, text: String, importance| {
        let mut location = location(&at(object), sources);
        location.message = Some(plain(sentence(&cut(&escape_brackets(&text), 1_000))));
        ThreadFlowLocation { location, importance }
    };
    let who = placement.subnet.as_deref().map_or_else(|| view::kind_words(placement.kind).to_owned(), |s| format!("{} in {}", view::kind_words(placement.kind), clean(s)));
    let mut locations = vec![step(placement.subnet.as_deref(), who.clone(), "important")];
    locations.extend(path.hops.iter().map(|hop| {
        let detail = hop.detail.as_deref().map(|d| format!(": {}", clean(d))).unwrap_or_default();
        let text = format!("{} {}{detail}", view::hop_name(hop.hop), view::tri_name(hop.verdict));
        step(hop.object.as_deref(), text, if hop.verdict == Tri::Pass { "unimportant" } else { "essential" })
    }));
    let message = format!("From {who} to {} on port {}.", clean(&path.service), path.port);
    Some(CodeFlow { message: plain(escape_brackets(&message)), thread_flows: vec![ThreadFlow { locations }] })
}

fn incomplete_descriptor() -> Descriptor {
    Descriptor {
        id: "incomplete".to_owned(),
        name: None,
        short_description: plain("Something that the audit needs was not seen."),
        full_description: plain("An action was denied, failed or was not collected, or a rule could not be judged: what depends on it is unknown, and no all-clear."),
        help: plain("Give the audit the permissions that `audit permissions` prints, and run it again."),
        help_uri: None,
        default_configuration: Configuration { level: "warning" },
        properties: None,
    }
}

fn notifications(report: &Report, left_out: usize) -> Vec<Notification> {
    let note = |level, text: String| Notification { descriptor: Reference { id: "incomplete", index: 0 }, level, message: plain(sentence(&cut(&escape_brackets(&text), 2_000))) };
    let mut out: Vec<Notification> = view::gaps(report).into_iter().map(|g| note("warning", format!("Not seen: {g}"))).collect();
    for f in report.findings.iter().filter(|f| f.verdict == Verdict::Unknown) {
        let level = if f.severity > Severity::Info { "warning" } else { "note" };
        out.push(note(level, format!("{} could not be judged: {}", clean(&f.rule), clean(&f.message))));
    }
    if left_out > 0 {
        out.push(note("warning", format!("{left_out} less severe results were left out: code scanning keeps {RESULTS}")));
    }
    out.truncate(1_000);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::{sample, text};

    fn parsed(report: &Report) -> Value {
        serde_json::from_slice(&render(report, &Options::default())).unwrap()
    }

    fn results(log: &Value) -> Vec<&Value> {
        log["runs"].as_array().unwrap().iter().flat_map(|r| r["results"].as_array().unwrap()).collect()
    }

    /// What GitHub refuses or misreads, and the validator does not flag.
    fn holds_githubs_rules(log: &Value) {
        assert!(log["runs"].as_array().unwrap().len() <= RUNS);
        let mut categories = BTreeSet::new();
        for run in log["runs"].as_array().unwrap() {
            assert!(categories.insert(run["automationDetails"]["id"].as_str().unwrap()), "one run a category");
            let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
            let ids: BTreeSet<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), rules.len(), "one descriptor a rule and severity");
            for rule in rules {
                for (key, most) in [("shortDescription", 1024), ("fullDescription", 1024)] {
                    let text = rule[key]["text"].as_str().unwrap();
                    assert!(!text.is_empty() && text.len() <= most);
                }
                assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
                assert!(!rule["help"]["markdown"].as_str().unwrap().is_empty());
                let score: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
                assert!(score > 0.0 && score <= 10.0);
                assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 10);
            }
            for result in run["results"].as_array().unwrap() {
                let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
                assert_eq!(rules[index]["id"], result["ruleId"]);
                assert_eq!(rules[index]["defaultConfiguration"]["level"], result["level"]);
                assert!(result.get("kind").is_none() && result.get("suppressions").is_none());
                let hash = result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap();
                assert!(hash.ends_with(":1") && hash.len() == 18);
                let flows = result["codeFlows"].as_array().cloned().unwrap_or_default();
                let inner = flows.iter().flat_map(|f| f["threadFlows"][0]["locations"].as_array().unwrap()).map(|l| &l["location"]);
                for location in result["locations"].as_array().unwrap().iter().chain(inner) {
                    let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
                    assert!(!uri.is_empty() && !uri.starts_with('/') && !uri.contains(':') && !uri.contains("//") && !uri.contains(".."), "{uri}");
                    assert!(uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./%".contains(&b)), "{uri}");
                    let region = &location["physicalLocation"]["region"];
                    assert!(region["startLine"].as_u64().unwrap() >= 1 && region["endColumn"].as_u64().unwrap() >= 1);
                }
            }
        }
    }

    #[test]
    fn failures_alone_are_results_each_with_a_file_a_line_and_a_hash() {
        let report = sample::report();
        let log = parsed(&report);
        holds_githubs_rules(&log);
        assert_eq!(results(&log).len(), report.findings.iter().filter(|f| f.verdict == Verdict::Fail).count());
        let closed = results(&log).into_iter().find(|r| r["ruleId"].as_str().unwrap().starts_with("NW01")).unwrap();
        assert_eq!(closed["level"], "error");
        assert_eq!(closed["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "aws/123456789012/us-east-2/vpc-0a1b2c3d4e5f60718/ec2/security-group/sg-0endpoint.json");
        assert_eq!(closed["locations"][0]["logicalLocations"][0]["kind"], "resource");
        let flow = &closed["codeFlows"][0]["threadFlows"][0]["locations"];
        assert!(flow.as_array().unwrap().iter().any(|l| l["importance"] == "essential" && l["location"]["message"]["text"].as_str().unwrap().starts_with("dest-sg fail")));
    }

    #[test]
    fn what_was_not_seen_is_a_notification_of_the_run() {
        let log = parsed(&sample::report());
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        let texts: Vec<&str> = invocation["toolExecutionNotifications"].as_array().unwrap().iter().map(|n| n["message"]["text"].as_str().unwrap()).collect();
        assert!(texts.iter().any(|t| t.contains("route53:ListHostedZonesByVPC")), "{texts:?}");
        assert!(texts.iter().any(|t| t.starts_with("DN05 could not be judged")), "{texts:?}");
    }

    #[test]
    fn each_vpc_is_a_run_and_what_stands_in_none_has_its_own() {
        let log = parsed(&sample::report());
        let ids: Vec<&str> = log["runs"].as_array().unwrap().iter().map(|r| r["automationDetails"]["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["ecs-privatelink/123456789012/us-east-2/", "ecs-privatelink/123456789012/us-east-2/vpc-0a1b2c3d4e5f60718/"]);
        let agents: Vec<&str> = log["runs"][0]["results"].as_array().unwrap().iter().map(|r| r["ruleId"].as_str().unwrap()).collect();
        assert!(agents.iter().all(|r| r.starts_with("AG01")), "the cluster stands in no VPC");
        let mut many = sample::passing();
        many.scope[0].vpcs = (0..40).map(|n| format!("vpc-{n}")).collect();
        assert_eq!(parsed(&many)["runs"].as_array().unwrap().len(), 1, "more VPCs than GitHub takes runs");
        many.scope.clear();
        assert_eq!(parsed(&many)["runs"][0]["automationDetails"]["id"], "ecs-privatelink/");
    }

    #[test]
    fn a_source_map_points_at_the_line() {
        let options = Options { sources: SourceMap::parse(br#"{"sg-0endpoint": "net/my groups.tf:12"}"#).unwrap(), ..Options::default() };
        let log: Value = serde_json::from_slice(&render(&sample::report(), &options)).unwrap();
        holds_githubs_rules(&log);
        let closed = results(&log).into_iter().find(|r| r["ruleId"].as_str().unwrap().starts_with("NW01")).unwrap();
        let place = &closed["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "net/my%20groups.tf");
        assert_eq!(place["region"]["startLine"], 12);
    }

    #[test]
    fn only_the_most_severe_five_thousand_are_sent() {
        let mut report = sample::large(10);
        let one = report.findings[0].clone();
        report.findings = (0..RESULTS + 7).map(|n| Finding { fingerprint: format!("{n:032x}"), severity: if n < 7 { Severity::Low } else { Severity::High }, ..one.clone() }).collect();
        let log = parsed(&report);
        let all = results(&log);
        assert_eq!(all.len(), RESULTS);
        assert!(all.iter().all(|r| r["level"] == "error"), "the low ones are left out");
        assert!(log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap().starts_with("7 less severe"));
    }

    #[test]
    fn text_from_the_account_stays_text() {
        let report = sample::hostile();
        let bytes = render(&report, &Options::default());
        let log: Value = serde_json::from_slice(&bytes).unwrap();
        holds_githubs_rules(&log);
        let raw = String::from_utf8(bytes).unwrap();
        assert!(!raw.chars().any(|c| c != '\n' && text::is_treacherous(c)));
        for result in results(&log) {
            assert!(!result["message"]["text"].as_str().unwrap().contains("[x](javascript"), "no link");
        }
        for run in log["runs"].as_array().unwrap() {
            for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
                let markdown = rule["help"]["markdown"].as_str().unwrap();
                assert!(!markdown.contains("<script") && !markdown.contains("[x](javascript"), "{markdown}");
            }
        }
    }
}
