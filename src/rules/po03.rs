//! PO03: The policy on ecs keeps agents out.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, from_paths, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::View;
use crate::finding::{Evidence, Severity, Verdict};
use crate::policy;

/// The policy on ecs keeps agents out.
pub static RULE: Rule = Rule {
    id: "PO03",
    name: "ecs-policy-blocks-agents",
    title: "The policy on ecs keeps agents out",
    severity: Severity::Critical,
    why: "The agent registers, asks where to poll and reports task states through the ecs endpoint. A policy that does not allow these calls keeps instances out \
          of the cluster, as AWS's own sample policy does.",
    mend: "Allow DiscoverPollEndpoint, RegisterContainerInstance and the Submit actions on `*` for the instance roles.",
    sources: &[pages::ECS_ENDPOINTS, pages::INSTANCE_ROLE],
    reads: reads::NEEDS,
    check,
};

/// Actions of ECS without a resource type that no agent needs.
const WITHOUT_RESOURCE: [&str; 2] = ["ecs:CreateCluster", "ecs:ListClusters"];

/// Beside what agents need: actions that are granted on an ARN alone and ask for `*`, so that the grant is none.
fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let usage = Usage::new(view);
    for endpoint in usage.endpoints.iter().filter(|e| endpoints::short(e) == Some("ecs")) {
        let Some(document) = endpoints::narrow_policy(view, endpoint) else { continue };
        if outcome.findings.iter().any(|f| f.verdict == Verdict::Fail && f.resource.id.as_deref() == Some(&endpoint.vpc_endpoint_id)) {
            continue;
        }
        let idle: Vec<(&str, usize)> = WITHOUT_RESOURCE.iter().filter_map(|a| Some((*a, policy::granted_on_arns_only(&document, a)?))).collect();
        if idle.is_empty() {
            continue;
        }
        let names = text::list(idle.iter().map(|(a, _)| *a));
        let message = format!("The policy of {} grants {names} on an ARN alone, which grants nothing. These actions have no resource type and ask for `*`.", endpoints::title(endpoint));
        let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "arn", message);
        finding.severity = Severity::Medium;
        finding.evidence = idle.iter().map(|(a, s)| Evidence::new(Action::DescribeVpcEndpoints, format!("PolicyDocument.Statement[{s}].Resource"), *a, "has no resource type")).collect();
        finding.remediation.text = format!("Give {names} a statement of their own with Resource `*`, or leave them out.");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{assert_whole, from, only};
    use super::super::{RuleResult, run};
    use super::*;
    use crate::analysis::testing::{SUBNET_A, Scene};
    use crate::inventory::shape::PolicyText;

    fn judged(statements: Value) -> RuleResult {
        let mut scene = Scene::new();
        scene.instance("web", "a", SUBNET_A);
        for service in ["ecs-agent", "ecs-telemetry", "ecs"] {
            scene.interface_endpoint(service);
        }
        let endpoint = scene.region.vpc_endpoints.last_mut().expect("just added");
        endpoint.policy_document = Some(PolicyText(json!({"Statement": statements}).to_string()));
        scene.region.service_details.push(from(json!({"ServiceName": "com.amazonaws.us-east-2.ecs", "VpcEndpointPolicySupported": true})));
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    fn allow(actions: Value, resource: &str) -> Value {
        json!({"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resource})
    }

    #[test]
    fn a_mandatory_action_on_an_arn_alone_is_denied() {
        let result = judged(json!([allow(json!("ecs:*"), "arn:aws:ecs:*:*:*")]));
        assert_eq!(only(&result).severity, Severity::Critical);
        assert!(only(&result).message.contains("DiscoverPollEndpoint"), "{}", only(&result).message);
    }

    #[test]
    fn another_action_without_a_resource_type_on_an_arn_is_medium() {
        let agents = allow(json!(["ecs:DiscoverPollEndpoint", "ecs:RegisterContainerInstance", "ecs:Submit*", "ecs:Update*", "ecs:TagResource"]), "*");
        assert_eq!(judged(json!([agents])).verdict, Verdict::Pass);
        let result = judged(json!([agents, allow(json!("ecs:ListClusters"), "arn:aws:ecs:us-east-2:111122223333:cluster/web")]));
        assert_eq!(only(&result).severity, Severity::Medium);
        assert!(only(&result).message.contains("ecs:ListClusters on an ARN alone"), "{}", only(&result).message);
        assert_eq!(judged(json!([agents, allow(json!("ecs:ListClusters"), "*")])).verdict, Verdict::Pass);
    }

    #[test]
    fn what_agents_can_do_without_is_medium() {
        let result = judged(json!([allow(json!(["ecs:DiscoverPollEndpoint", "ecs:RegisterContainerInstance", "ecs:Submit*"]), "*")]));
        assert_eq!(only(&result).severity, Severity::Medium);
    }
}
