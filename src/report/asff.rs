//! AWS Security Finding Format: a JSON array for `aws securityhub batch-import-findings` (at most 100 findings a call; the
//! tool itself sends nothing). Texts keep to the limits of the format, so that no finding is refused.
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>

use std::collections::BTreeMap;

use serde::Serialize;

use super::text::{clean, cut};
use super::{Options, Report, view};
use crate::finding::{Confidence, Finding, Severity, Verdict};

/// Resources of one finding.
const RESOURCES: usize = 32;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Asff {
    schema_version: &'static str,
    id: String,
    product_arn: String,
    product_name: &'static str,
    company_name: &'static str,
    region: String,
    generator_id: String,
    aws_account_id: String,
    types: [&'static str; 1],
    created_at: String,
    updated_at: String,
    severity: AsffSeverity,
    confidence: u8,
    title: String,
    description: String,
    remediation: Remediation,
    product_fields: BTreeMap<String, String>,
    resources: Vec<Resource>,
    compliance: Compliance,
    workflow: Workflow,
    record_state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AsffSeverity {
    label: &'static str,
    original: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Remediation {
    recommendation: Recommendation,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Recommendation {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    kind: &'static str,
    id: String,
    partition: String,
    region: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Compliance {
    status: &'static str,
    security_control_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    status_reasons: Vec<StatusReason>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatusReason {
    reason_code: &'static str,
    description: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Workflow {
    status: &'static str,
}

/// Renders the findings. Their time is the options' clock (a report holds none): whoever renders always knows one, if only
/// when the report was written.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    let time = options.now.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |t| t.to_string());
    let findings: Vec<Asff> = report.findings.iter().map(|f| asff(report, f, &time)).collect();
    super::json::pretty(&findings)
}

fn asff(report: &Report, f: &Finding, time: &str) -> Asff {
    let scope = report.scope.iter().find(|s| s.account == f.resource.account).or(report.scope.first());
    let partition = scope.map_or("aws", |s| s.partition.as_str());
    let account = f.resource.account.as_deref().or_else(|| scope.and_then(|s| s.account.as_deref())).filter(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit())).unwrap_or("000000000000");
    let region = f.resource.region.as_deref().or(scope.map(|s| s.region.as_str())).unwrap_or("us-east-1");
    let (partition, region) = (clean(partition), clean(region));
    let unknown = f.verdict == Verdict::Unknown;
    let resource = |kind, id: &str| Resource { kind, id: cut(&clean(id), 512), partition: partition.clone(), region: region.clone() };
    let own = resource(kind(f.resource.r#type.as_deref()), f.resource.arn.as_deref().or(f.resource.id.as_deref()).unwrap_or("unknown"));
    let affected = f.affects.iter().map(|arn| resource(kind_of_arn(arn), arn)).filter(|r| r.id != own.id).take(RESOURCES - 1).collect::<Vec<_>>();
    Asff {
        schema_version: "2018-10-08",
        id: format!("{region}/{account}/audit/{}", clean(&f.fingerprint)),
        product_arn: format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        product_name: "audit",
        company_name: "audit",
        generator_id: cut(&format!("audit/{}", clean(&f.rule)), 512),
        aws_account_id: account.to_owned(),
        types: ["Software and Configuration Checks/AWS Security Best Practices/Network Reachability"],
        created_at: time.to_owned(),
        updated_at: time.to_owned(),
        severity: AsffSeverity {
            label: match f.severity {
                Severity::Critical => "CRITICAL",
                Severity::High => "HIGH",
                Severity::Medium => "MEDIUM",
                Severity::Low => "LOW",
                Severity::Info => "INFORMATIONAL",
            },
            original: f.severity.name(),
        },
        confidence: match f.confidence {
            Confidence::High => 99,
            Confidence::Medium => 66,
            Confidence::Low => 33,
        },
        title: cut(&format!("{} {}: {}", clean(&f.rule), clean(&f.title), view::object(f)), 256),
        description: cut(&filled(&clean(&f.message), &f.title), 1_024),
        remediation: Remediation { recommendation: Recommendation { text: recommendation(f), url: f.references.iter().find(|r| r.starts_with("https://")).map(|r| clean(r)) } },
        product_fields: product_fields(f),
        resources: std::iter::once(own).chain(affected).collect(),
        compliance: Compliance {
            status: if unknown { "NOT_AVAILABLE" } else { "FAILED" },
            security_control_id: cut(&clean(&f.rule), 64),
            status_reasons: if unknown { vec![StatusReason { reason_code: "CONFIG_EVALUATIONS_EMPTY", description: cut(&filled(&clean(&f.message), "not seen"), 2_048) }] } else { Vec::new() },
        },
        workflow: Workflow { status: "NEW" },
        record_state: "ACTIVE",
        region,
    }
}

/// The text, or another where it is empty: the format refuses empty texts.
fn filled(text: &str, other: &str) -> String {
    let text = if text.trim().is_empty() { clean(other) } else { text.to_owned() };
    if text.trim().is_empty() { "no text".to_owned() } else { text }
}

/// The remedy in words, and the commands as far as they fit.
fn recommendation(f: &Finding) -> String {
    let mut text = filled(&clean(&f.remediation.text), "See the reference.");
    for c in &f.remediation.commands {
        let more = format!(" `{}`", clean(c));
        if text.len() + more.len() > 512 {
            break;
        }
        text.push_str(&more);
    }
    cut(&text, 512)
}

fn product_fields(f: &Finding) -> BTreeMap<String, String> {
    let mut out = BTreeMap::from([("audit/Rule".to_owned(), clean(&f.rule)), ("audit/Verdict".to_owned(), view::verdict_name(f.verdict).to_owned())]);
    for (i, e) in f.evidence.iter().take(10).enumerate() {
        let value = [e.field.as_deref(), e.value.as_deref(), e.note.as_deref()].into_iter().flatten().map(clean).collect::<Vec<_>>().join(": ");
        out.insert(format!("audit/Evidence/{i}"), cut(&format!("{} {value}", clean(&e.source)), 2_000));
    }
    for (i, c) in f.remediation.commands.iter().take(20).enumerate() {
        out.insert(format!("audit/Command/{i:02}"), cut(&clean(c), 2_000));
    }
    out.retain(|_, v| !v.trim().is_empty());
    out
}

/// Security Hub's name of a CloudFormation type, where it has one.
fn kind(cloudformation: Option<&str>) -> &'static str {
    match cloudformation {
        Some("AWS::EC2::VPC") => "AwsEc2Vpc",
        Some("AWS::EC2::Subnet") => "AwsEc2Subnet",
        Some("AWS::EC2::SecurityGroup") => "AwsEc2SecurityGroup",
        Some("AWS::EC2::NetworkAcl") => "AwsEc2NetworkAcl",
        Some("AWS::EC2::RouteTable") => "AwsEc2RouteTable",
        Some("AWS::ECS::Cluster") => "AwsEcsCluster",
        Some("AWS::ECS::Service") => "AwsEcsService",
        Some("AWS::ECS::TaskDefinition") => "AwsEcsTaskDefinition",
        Some("AWS::ECS::Task") => "AwsEcsTask",
        Some("AWS::IAM::Role") => "AwsIamRole",
        Some("AWS::Account") => "AwsAccount",
        _ => "Other",
    }
}

fn kind_of_arn(arn: &str) -> &'static str {
    match arn.splitn(6, ':').nth(5).and_then(|t| t.split('/').next()) {
        Some("service") => "AwsEcsService",
        Some("task") => "AwsEcsTask",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::sample;

    fn findings(report: &Report) -> Vec<Value> {
        serde_json::from_slice(&render(report, &Options::default())).unwrap()
    }

    fn length(value: &Value, pointer: &str) -> usize {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {value}")).len()
    }

    #[test]
    fn every_text_keeps_to_its_limit() {
        let mut long = sample::hostile();
        for f in &mut long.findings {
            f.message = "é".repeat(5_000);
            f.title = "t".repeat(500);
            f.remediation.text = "x".repeat(2_000);
            f.affects = (0..100).map(|n| format!("arn:aws:ecs:us-east-2:123456789012:service/prod/{n}")).collect();
            f.evidence = vec![f.evidence.first().cloned().unwrap_or_else(|| crate::finding::Evidence { source: "s".to_owned(), field: None, value: None, note: None }); 100];
        }
        for report in [sample::report(), sample::hostile(), long] {
            for f in findings(&report) {
                for (pointer, most) in [("/Title", 256), ("/Description", 1_024), ("/Remediation/Recommendation/Text", 512), ("/GeneratorId", 512), ("/Id", 512)] {
                    assert!((1..=most).contains(&length(&f, pointer)), "{pointer}");
                }
                let resources = f["Resources"].as_array().unwrap();
                assert!((1..=RESOURCES).contains(&resources.len()));
                assert!(resources.iter().all(|r| (1..=512).contains(&length(r, "/Id"))));
                let fields = f["ProductFields"].as_object().unwrap();
                assert!(fields.len() <= 50 && fields.iter().all(|(k, v)| k.len() <= 128 && v.as_str().unwrap().len() <= 2_048));
                assert!(f.to_string().len() < 240_000);
                assert_eq!(f["AwsAccountId"], "123456789012");
            }
        }
    }

    #[test]
    fn an_unknown_is_not_available_and_ids_are_stable() {
        let report = sample::report();
        for (f, own) in findings(&report).iter().zip(&report.findings) {
            let want = if own.verdict == Verdict::Unknown { "NOT_AVAILABLE" } else { "FAILED" };
            assert_eq!(f["Compliance"]["Status"], want);
            assert_eq!(f["Id"], format!("us-east-2/123456789012/audit/{}", own.fingerprint));
            assert_eq!(f["ProductArn"], "arn:aws:securityhub:us-east-2:123456789012:product/123456789012/default");
        }
    }
}
