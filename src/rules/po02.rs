//! PO02: An endpoint policy has no effect.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::{Evidence, Severity};
use crate::policy::{self, Document};

/// An endpoint policy has no effect.
pub static RULE: Rule = Rule {
    id: "PO02",
    name: "policy-ignored",
    title: "An endpoint policy has no effect",
    severity: Severity::Low,
    why: "Some services do not evaluate endpoint policies. A document that is attached there restricts nothing, and whoever relies on it is mistaken.",
    mend: "Restrict access by IAM policies and security groups for this service, and put the full-access policy back.",
    sources: &[pages::ENDPOINT_POLICIES, pages::AWS_SERVICES],
    reads: reads::WORKLOADS_AND_ENDPOINTS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let usage = Usage::new(view);
    for endpoint in usage.endpoints.iter().filter(|e| endpoints::is_state(e, "available")) {
        let Some(document) = endpoint.policy_document.as_ref().map(|p| p.0.as_str()).filter(|t| !t.trim().is_empty()) else { continue };
        let open = Document::parse(document.as_bytes()).is_ok_and(|d| policy::is_full_access(&d));
        match endpoints::takes_policy(view, endpoint) {
            Some(true) => outcome.pass(),
            // What allows everything restricts nothing either way.
            _ if open => outcome.pass(),
            None => {
                let affects = endpoints::workloads(view, &usage.of(endpoint));
                if view.seen(Action::DescribeVpcEndpointServices) {
                    outcome.unseen([Unseen::Datum(format!("whether {} takes policies", endpoint.service_name.as_deref().unwrap_or_default()))], affects);
                } else {
                    outcome.unseen([Unseen::Action(Action::DescribeVpcEndpointServices)], affects);
                }
            }
            Some(false) => {
                let message = format!("The policy of {} has no effect: its service does not evaluate endpoint policies. What it seems to deny is allowed.", endpoints::title(endpoint));
                let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "", message);
                finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpointServices, "VpcEndpointPolicySupported", "false", endpoint.service_name.as_deref().unwrap_or_default())];
                finding.affects = endpoints::workloads(view, &usage.of(endpoint));
                finding.remediation.commands = vec![text::aws(&view.region.region, &format!("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --reset-policy", endpoint.vpc_endpoint_id))];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{Scene, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::finding::{Severity, Verdict};

    const NARROW: &str = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ecs:Poll","Resource":"*"}]}"#;

    fn judged(supported: Value, policy: &str) -> RuleResult {
        let mut scene = Scene::new();
        scene.endpoint("ecs-agent", "2026-01-01T00:00:00Z", json!({"PolicyDocument": policy}));
        scene.region.service_details = vec![from(json!({"ServiceName": "com.amazonaws.us-east-2.ecs-agent", "VpcEndpointPolicySupported": supported}))];
        scene.run(&RULE)
    }

    #[test]
    fn a_policy_without_effect_is_low() {
        let result = judged(json!(false), NARROW);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Fail, Severity::Low));
        assert!(only(&result).remediation.commands[0].contains("--reset-policy"));
    }

    #[test]
    fn one_that_takes_effect_or_restricts_nothing_passes() {
        assert_eq!(judged(json!(true), NARROW).verdict, Verdict::Pass);
        assert_eq!(judged(json!(false), super::super::po01::FULL_ACCESS).verdict, Verdict::Pass);
        assert_eq!(judged(json!(null), super::super::po01::FULL_ACCESS).verdict, Verdict::Pass);
    }

    #[test]
    fn an_unseen_listing_is_unknown_for_a_narrow_policy_alone() {
        let mut scene = Scene::new();
        scene.endpoint("ecs-agent", "2026-01-01T00:00:00Z", json!({"PolicyDocument": NARROW}));
        assert_eq!(scene.run(&RULE).verdict, Verdict::Unknown);
        scene.deny(Action::DescribeVpcEndpointServices);
        let result = scene.run(&RULE);
        assert!(only(&result).message.contains("ec2:DescribeVpcEndpointServices"));
        assert_eq!(Scene::new().run(&RULE).verdict, Verdict::NotApplicable);
    }
}
