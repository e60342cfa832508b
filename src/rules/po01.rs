//! PO01: An endpoint policy is malformed.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, pages, policies, reads, subject, text};
use crate::actions::Action;
use crate::analysis::View;
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::VpcEndpoint;
use crate::policy::{self, Document, EndpointType, ProblemKind};

/// An endpoint policy is malformed.
pub static RULE: Rule = Rule {
    id: "PO01",
    name: "policy-malformed",
    title: "An endpoint policy is malformed",
    severity: Severity::High,
    why: "A statement without a principal, an action or a resource matches nobody, so that what it means to allow is denied. The sample policy on older versions \
          of the AWS page lacks its principal.",
    mend: "Complete the policy: each statement needs Effect, Principal, Action and Resource; at a gateway endpoint the principal has to be `*`.",
    sources: &[pages::ENDPOINT_POLICIES, pages::ECS_ENDPOINTS],
    reads: reads::WORKLOADS_AND_ENDPOINTS,
    check,
};

/// The default policy, for the commands.
pub const FULL_ACCESS: &str = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let usage = Usage::new(view);
    for endpoint in usage.endpoints.iter().filter(|e| !endpoints::is_state(e, "deleted") && !endpoints::is_state(e, "deleting")) {
        // Where policies have no effect a malformed one breaks nothing: PO02 tells.
        if endpoints::takes_policy(view, endpoint) == Some(false) {
            continue;
        }
        let affects = endpoints::workloads(view, &usage.of(endpoint));
        let Some(text) = endpoint.policy_document.as_ref().map(|p| p.0.as_str()).filter(|t| !t.trim().is_empty()) else {
            let finding = outcome.unknown(
                subject::of(view, &endpoint.vpc_endpoint_id),
                "absent",
                format!("The policy of {} was not in the answer. Whether it lets anything through cannot be told.", endpoints::title(endpoint)),
            );
            finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "PolicyDocument", "", "absent")];
            finding.affects = affects;
            continue;
        };
        judge(view, outcome, endpoint, text, affects);
    }
}

fn judge(view: &View<'_>, outcome: &mut Outcome<'_>, endpoint: &VpcEndpoint, text: &str, affects: std::collections::BTreeSet<String>) {
    let kind = if endpoints::is_gateway(endpoint) { EndpointType::Gateway } else { EndpointType::Interface };
    let problems = policy::problems(text.as_bytes(), kind);
    let document = Document::parse(text.as_bytes()).ok();
    let foreign = document.as_ref().map(|d| foreign(d, endpoint)).unwrap_or_default();
    let (mut told, mut severity) = (Vec::new(), None);
    for problem in &problems {
        let this = if problem.kind == ProblemKind::TooLong { Severity::Medium } else { RULE.severity };
        severity = severity.max(Some(this));
        told.push(problem.to_string());
    }
    if let Some((worth, what)) = foreign {
        severity = severity.max(Some(worth));
        told.push(what);
    }
    let Some(severity) = severity else {
        outcome.pass();
        return;
    };
    let only_foreign = problems.is_empty();
    let mut message = if only_foreign {
        format!("The policy of {} names actions that do nothing there: {}.", endpoints::title(endpoint), text::some(told))
    } else {
        format!("The policy of {} is malformed: {}.", endpoints::title(endpoint), text::some(told))
    };
    if document.as_ref().is_some_and(policy::matches_published_sample) {
        message.push_str(" It is the sample of the AWS page: older copies of it lack the principal, and in any form it admits no agent (PO03).");
    }
    let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "", message);
    finding.severity = severity;
    finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "PolicyDocument", shortened(text), "")];
    finding.affects = affects;
    if only_foreign {
        // What calls it denies is another rule's; idle actions are for their author to take out or to replace.
        "Replace the actions that do nothing here by those that the endpoint's own service has, or take them out.".clone_into(&mut finding.remediation.text);
    } else if let Some((change, proof)) = policies::proven(view, &endpoint.vpc_endpoint_id) {
        // The whole document as ECS needs it, where that can be made of this one; else the default.
        finding.remediation.commands = vec![change.command(view.region)];
        finding.remediation.proof = Some(proof);
        finding.remediation.text.push_str(&format!(" {}", policies::KEPT));
    } else {
        finding.remediation.commands = vec![text::aws(&view.region.region, &format!("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --policy-document '{FULL_ACCESS}'", endpoint.vpc_endpoint_id))];
        finding.remediation.text.push_str(" The command puts the default back, which allows everything; narrow it from there.");
    }
}

/// Actions of other services than the endpoint's in its Allow statements: medium where no action is left that does something
/// here, low where a policy is shared by several endpoints.
fn foreign(document: &Document, endpoint: &VpcEndpoint) -> Option<(Severity, String)> {
    let own = prefixes(endpoints::short(endpoint)?)?;
    let foreign = policy::foreign_actions(document, own);
    if foreign.is_empty() {
        return None;
    }
    let names: Vec<&str> = foreign.iter().map(|(_, a)| a.as_str()).collect();
    Some((if !idle(document, own).is_empty() { Severity::Medium } else { Severity::Low }, format!("{} of other services", text::some(names))))
}

/// The Allow statements of which no action does anything at an endpoint with actions of these prefixes.
pub(super) fn idle(document: &Document, own: &[&str]) -> std::collections::BTreeSet<usize> {
    let (foreign, all) = (policy::foreign_actions(document, own), policy::foreign_actions(document, &[]));
    let of = |list: &[(usize, String)], index: usize| list.iter().filter(|(i, _)| *i == index).count();
    let idle = |index: usize| of(&foreign, index) > 0 && of(&foreign, index) == of(&all, index);
    document.statements.iter().filter(|s| s.effect == policy::Effect::Allow && idle(s.index)).map(|s| s.index).collect()
}

/// Prefixes of the actions that an endpoint carries; `None`: not known.
pub(super) fn prefixes(service: &str) -> Option<&'static [&'static str]> {
    Some(match service {
        "ecs" | "ecs-agent" | "ecs-telemetry" | "ecs-fips" => &["ecs"],
        "ecr.api" | "ecr.dkr" | "ecr-fips.api" | "ecr-fips.dkr" => &["ecr"],
        "s3" => &["s3", "s3express", "s3-object-lambda", "s3-outposts"],
        "logs" => &["logs"],
        "secretsmanager" => &["secretsmanager"],
        "ssm" => &["ssm"],
        "ssmmessages" => &["ssmmessages"],
        "ec2messages" => &["ec2messages"],
        "kms" => &["kms"],
        "sts" => &["sts"],
        "xray" => &["xray"],
        "monitoring" => &["cloudwatch"],
        "kinesis-firehose" => &["firehose"],
        "kinesis-streams" => &["kinesis"],
        "guardduty-data" => &["guardduty"],
        "fsx" => &["fsx"],
        "appmesh-envoy-management" => &["appmesh"],
        _ => return None,
    })
}

/// A document on one line, cut after 300 characters.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{Scene, assert_whole, from, only};
    use super::{FULL_ACCESS, RULE};
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const TASK: &str = "arn:aws:ecs:us-east-2:111122223333:task/web/t";

    fn judged(service: &str, policy: Value, more: Value) -> RuleResult {
        let mut scene = Scene::new();
        let mut fields = json!({"PolicyDocument": policy});
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
            fields.extend(more);
        }
        scene.endpoint(service, "2026-01-01T00:00:00Z", fields);
        scene.placement(Kind::FargateTask, &[TASK], &[(service, Way::InterfaceEndpoint, Tri::Pass)]);
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn the_default_and_a_narrow_policy_pass() {
        assert_eq!(judged("ecs", json!(FULL_ACCESS), json!({})).verdict, Verdict::Pass);
        let narrow = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["ecs:Poll"],"Resource":"*"}}"#;
        assert_eq!(judged("ecs", json!(narrow), json!({})).verdict, Verdict::Pass);
    }

    #[test]
    fn the_sample_of_the_page_lacks_its_principal() {
        let sample = r#"{"Statement":[{"Effect":"Allow","Action":["ecs:CreateCluster","ecs:ListClusters"],"Resource":["*"]}]}"#;
        let result = judged("ecs", json!(sample), json!({}));
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::High, Some("vpce-ecs")));
        assert!(finding.message.contains("sample of the AWS page") && finding.message.contains("PO03"), "{}", finding.message);
        assert!(finding.affects.contains(TASK) && finding.evidence[0].value.as_deref() == Some(sample));
        // With its principal the same sample is no longer malformed; that it admits no agent is PO03's.
        assert_eq!(judged("ecs", json!(sample.replace(r#""Effect""#, r#""Principal":"*","Effect""#)), json!({})).verdict, Verdict::Pass);
    }

    #[test]
    fn what_cannot_be_read_or_lacks_an_element_fails() {
        for text in [
            "{",
            "[]",
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":[{"Principal":"*","Action":"*","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*"}]}"#,
        ] {
            let result = judged("ecs", json!(text), json!({}));
            assert_eq!((result.verdict, only(&result).severity), (Verdict::Fail, Severity::High), "{text}");
        }
    }

    #[test]
    fn a_gateway_takes_no_principal_but_everybody() {
        let policy = FULL_ACCESS.replace(r#""Principal":"*""#, r#""Principal":{"AWS":"111122223333"}"#);
        assert_eq!(judged("s3", json!(policy), json!({})).verdict, Verdict::Pass);
        assert_eq!(judged("s3", json!(policy), json!({"VpcEndpointType": "Gateway"})).verdict, Verdict::Fail);
    }

    #[test]
    fn actions_of_other_services_do_nothing() {
        let policy = |actions: &str| json!(format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":[{actions}],"Resource":"*"}}]}}"#));
        let all = judged("ecs", policy(r#""ec2:DescribeVpcs""#), json!({}));
        assert_eq!(only(&all).severity, Severity::Medium);
        let some = judged("ecr.dkr", policy(r#""ecr:BatchGetImage","s3:GetObject""#), json!({}));
        assert_eq!(only(&some).severity, Severity::Low);
        assert!(only(&some).message.contains("s3:getobject"), "{}", only(&some).message);
        assert_eq!(judged("ecr.dkr", policy(r#""*""#), json!({})).verdict, Verdict::Pass);
    }

    #[test]
    fn too_long_is_medium() {
        let result = judged("ecs", json!(format!("{FULL_ACCESS}{}", " ".repeat(20_480))), json!({}));
        assert_eq!(only(&result).severity, Severity::Medium);
        assert!(only(&result).evidence[0].value.as_ref().is_some_and(|v| v.len() < 400));
    }

    #[test]
    fn an_absent_document_is_unknown() {
        let result = judged("ecs", Value::Null, json!({}));
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::High));
    }

    #[test]
    fn where_policies_have_no_effect_a_malformed_one_breaks_nothing() {
        let mut scene = Scene::new();
        scene.endpoint("ecs", "2026-01-01T00:00:00Z", json!({"PolicyDocument": "{"}));
        scene.region.service_details = vec![from(json!({"ServiceName": "com.amazonaws.us-east-2.ecs", "VpcEndpointPolicySupported": false}))];
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }
}
