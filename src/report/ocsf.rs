//! OCSF 1.5 Compliance Findings (class 2003), one a finding, as a JSON array.
//!
//! OCSF's compliance status has a value for what could not be judged: 2, Warning, "the compliance check did not yield a
//! result due to missing information". An unknown is that, and never a pass. <https://schema.ocsf.io/classes/compliance_finding>

use serde::Serialize;
use serde_json::{Map, Value};

use super::text::{clean, clean_lines};
use super::{Options, Report, view};
use crate::finding::{Finding, Severity, Verdict};

/// Version of the schema.
const VERSION: &str = "1.5.0";

#[derive(Serialize)]
struct Event {
    activity_id: u8,
    activity_name: &'static str,
    category_uid: u8,
    category_name: &'static str,
    class_uid: u16,
    class_name: &'static str,
    type_uid: u32,
    type_name: &'static str,
    time: i64,
    severity_id: u8,
    severity: &'static str,
    status_id: u8,
    status: &'static str,
    confidence_id: u8,
    confidence: &'static str,
    message: String,
    metadata: Metadata,
    cloud: Cloud,
    finding_info: FindingInfo,
    compliance: Compliance,
    resources: Vec<ResourceDetails>,
    remediation: Remediation,
    unmapped: Value,
}

#[derive(Serialize)]
struct Metadata {
    version: &'static str,
    profiles: [&'static str; 2],
    event_code: String,
    product: Product,
}

#[derive(Serialize)]
struct Product {
    name: &'static str,
    uid: &'static str,
    vendor_name: &'static str,
    version: String,
}

#[derive(Serialize)]
struct Cloud {
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
}

#[derive(Serialize)]
struct Account {
    uid: String,
    #[serde(rename = "type")]
    kind: &'static str,
    type_id: u8,
}

#[derive(Serialize)]
struct FindingInfo {
    uid: String,
    title: String,
    desc: String,
    types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    src_url: Option<String>,
}

#[derive(Serialize)]
struct Compliance {
    standards: [&'static str; 1],
    control: String,
    requirements: Vec<String>,
    status_id: u8,
    status: &'static str,
    status_details: Vec<String>,
}

#[derive(Serialize)]
struct ResourceDetails {
    uid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    cloud_partition: String,
}

#[derive(Serialize)]
struct Remediation {
    desc: String,
    references: Vec<String>,
}

/// Renders the findings. The time is the options' clock (a report holds none): whoever renders always knows one, if only when
/// the report was written.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    let time = options.now.map_or(0, |t| t.0.as_millisecond());
    let events: Vec<Event> = report.findings.iter().map(|f| event(report, f, time)).collect();
    super::json::pretty(&events)
}

fn event(report: &Report, f: &Finding, time: i64) -> Event {
    let unknown = f.verdict == Verdict::Unknown;
    let (severity_id, severity) = match f.severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    };
    let (confidence_id, confidence) = match f.confidence {
        crate::finding::Confidence::Low => (1, "Low"),
        crate::finding::Confidence::Medium => (2, "Medium"),
        crate::finding::Confidence::High => (3, "High"),
    };
    let references: Vec<String> = f.references.iter().filter(|r| r.starts_with("https://")).map(|r| clean(r)).collect();
    let r = &f.resource;
    let partition = report.scope.iter().find(|s| s.account == r.account).or(report.scope.first()).map_or_else(|| "aws".to_owned(), |s| clean(&s.partition));
    let affected = f.affects.iter().map(|arn| ResourceDetails {
        uid: clean(arn),
        name: Some(super::text::short_arn(arn)),
        kind: None,
        region: r.region.as_deref().map(clean),
        cloud_partition: partition.clone(),
    });
    let own = ResourceDetails {
        uid: r.arn.as_deref().or(r.id.as_deref()).map_or_else(|| "unknown".to_owned(), clean),
        name: r.name.as_deref().or(r.id.as_deref()).map(clean),
        kind: r.r#type.as_deref().map(clean),
        region: r.region.as_deref().map(clean),
        cloud_partition: partition.clone(),
    };
    Event {
        activity_id: 1,
        activity_name: "Create",
        category_uid: 2,
        category_name: "Findings",
        class_uid: 2003,
        class_name: "Compliance Finding",
        type_uid: 200_301,
        type_name: "Compliance Finding: Create",
        time,
        severity_id,
        severity,
        status_id: 1,
        status: "New",
        confidence_id,
        confidence,
        message: clean(&f.message),
        metadata: Metadata {
            version: VERSION,
            profiles: ["cloud", "datetime"],
            event_code: clean(&f.rule),
            product: Product { name: "audit", uid: "audit", vendor_name: "audit", version: clean(&report.tool.version) },
        },
        cloud: Cloud { provider: "AWS", region: r.region.as_deref().map(clean), account: r.account.as_deref().map(|uid| Account { uid: clean(uid), kind: "AWS Account", type_id: 10 }) },
        finding_info: FindingInfo {
            uid: format!("audit-{}", clean(&f.fingerprint)),
            title: clean(&f.title),
            desc: clean(&f.message),
            types: ["Network Reachability"],
            src_url: references.first().cloned(),
        },
        compliance: Compliance {
            standards: ["Amazon ECS interface VPC endpoints (AWS PrivateLink)"],
            control: clean(&f.rule),
            requirements: references.clone(),
            status_id: if unknown { 2 } else { 3 },
            status: if unknown { "Warning" } else { "Fail" },
            status_details: f.evidence.iter().map(evidence).collect(),
        },
        resources: std::iter::once(own).chain(affected.take(500)).collect(),
        remediation: Remediation { desc: if f.remediation.text.is_empty() { "See the references.".to_owned() } else { clean(&f.remediation.text) }, references },
        unmapped: unmapped(f),
    }
}

fn evidence(e: &crate::finding::Evidence) -> String {
    let part = |lead: &str, t: &Option<String>| t.as_deref().map(|t| format!("{lead}{}", clean(t))).unwrap_or_default();
    format!("{}{}{}{}", clean(&e.source), part(" ", &e.field), part(" = ", &e.value), part(": ", &e.note))
}

fn unmapped(f: &Finding) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<Value>| value.map(|v| out.insert(key.to_owned(), v));
    put("verdict", Some(view::verdict_name(f.verdict).into()));
    put("vpc", f.resource.vpc.as_deref().map(|v| clean(v).into()));
    put("commands", Some(f.remediation.commands.iter().map(|c| Value::from(clean_lines(c))).collect()));
    put("proof", f.remediation.proof.as_deref().map(|p| clean(p).into()));
    put("baseline_status", f.status.as_deref().map(|s| clean(s).into()));
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Time;
    use crate::report::sample;

    fn events(report: &Report) -> Vec<Value> {
        let options = Options { now: Some(Time::parse("2026-03-01T12:00:00Z").unwrap()), ..Options::default() };
        serde_json::from_slice(&render(report, &options)).unwrap()
    }

    #[test]
    fn an_unknown_is_a_warning_and_a_failure_a_fail() {
        let report = sample::report();
        let events = events(&report);
        assert_eq!(events.len(), report.findings.len());
        for (event, f) in events.iter().zip(&report.findings) {
            let want = if f.verdict == Verdict::Unknown { 2 } else { 3 };
            assert_eq!(event["compliance"]["status_id"], want, "{}", f.rule);
            assert_eq!(event["type_uid"].as_u64().unwrap(), event["class_uid"].as_u64().unwrap() * 100 + event["activity_id"].as_u64().unwrap());
            assert_eq!(event["time"], 1_772_366_400_000_i64);
        }
        assert_eq!(events[0]["severity_id"], 5);
    }

    #[test]
    fn what_the_class_requires_is_there() {
        for event in events(&sample::hostile()) {
            for key in ["activity_id", "category_uid", "class_uid", "compliance", "finding_info", "metadata", "severity_id", "time", "type_uid", "cloud"] {
                assert!(event.get(key).is_some(), "{key}");
            }
            assert!(!event["resources"][0]["uid"].as_str().unwrap().is_empty());
            assert!(event["finding_info"]["uid"].as_str().unwrap().starts_with("audit-"));
            assert!(event["remediation"]["references"].as_array().unwrap().iter().all(|r| r.as_str().unwrap().starts_with("https://")));
        }
    }
}
