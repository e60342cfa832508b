//! PO06: The policy on an ECR endpoint keeps pulls out.

use std::collections::BTreeSet;

use super::endpoints::{self, Usage, Use};
use super::{Outcome, Rule, from_paths, pages, reads, roles, subject, text};
use crate::actions::Action;
use crate::analysis::{Tri, View};
use crate::finding::{Evidence, Severity, Verdict};
use crate::policy::{self, Principal};

/// The policy on an ECR endpoint keeps pulls out.
pub static RULE: Rule = Rule {
    id: "PO06",
    name: "ecr-policy-blocks-pulls",
    title: "The policy on an ECR endpoint keeps pulls out",
    severity: Severity::Critical,
    why: "A pull needs GetAuthorizationToken on ecr.api, and BatchGetImage and GetDownloadUrlForLayer on ecr.dkr. A policy that lacks one of them ends it with \
          403.",
    mend: "Give both ECR endpoints one policy that allows the pull actions; GetAuthorizationToken on `*`.",
    sources: &[pages::ECR_ENDPOINTS],
    reads: reads::NEEDS,
    check,
};

/// What AWS advises to allow at both endpoints of ECR.
const PULL: [&str; 2] = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// Pulls that ecr.dkr lets through and that ecr.api would not: AWS advises one policy for both.
fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let usage = Usage::new(view);
    for endpoint in usage.endpoints.iter().filter(|e| endpoints::short(e) == Some("ecr.api")) {
        let Some(vpc) = endpoint.vpc_id.as_deref() else { continue };
        let Some(document) = endpoints::narrow_policy(view, endpoint) else { continue };
        if outcome.findings.iter().any(|f| f.verdict == Verdict::Fail && f.resource.id.as_deref() == Some(&endpoint.vpc_endpoint_id)) {
            continue;
        }
        let through = |u: &&Use<'_>| !u.path.causes.iter().any(|c| c.rule == RULE.id && c.verdict == Tri::Fail);
        let uses: Vec<Use<'_>> = usage.need(vpc, "ecr.dkr").iter().filter(through).copied().collect();
        let asks: BTreeSet<_> = uses.iter().flat_map(|u| &u.need.asks).filter(|a| PULL.contains(&a.action)).collect();
        let refused: BTreeSet<&str> = asks
            .into_iter()
            .filter(|ask| {
                let caller = roles::role_of(view, &ask.caller).ok().flatten().map_or(Principal::Unknown, Principal::Role);
                policy::evaluate(&document, &endpoints::request(endpoint, ask.action, caller, &ask.resource)).decision.is_deny()
            })
            .map(|ask| ask.action)
            .collect();
        if refused.is_empty() {
            continue;
        }
        let message = format!(
            "The policy of {} does not let through {}, which the policy of ecr.dkr does. Pulls go by ecr.dkr today; AWS advises one policy for both endpoints.",
            endpoints::title(endpoint),
            text::list(&refused)
        );
        let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "pull", message);
        finding.severity = Severity::Medium;
        finding.affects = endpoints::workloads(view, &uses);
        finding.evidence = refused.iter().map(|a| Evidence::new(Action::DescribeVpcEndpoints, "PolicyDocument", *a, "not allowed here")).collect();
        finding.remediation.text = "Give ecr.api the policy of ecr.dkr as well, with GetAuthorizationToken on `*`.".to_owned();
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

    const TOKEN: &str = "ecr:GetAuthorizationToken";

    /// A Fargate task that pulls, with endpoints whose policies allow these actions.
    fn judged(api: &[&str], dkr: &[&str]) -> RuleResult {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |_| {});
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        for (service, actions) in [("ecr.api", api), ("ecr.dkr", dkr)] {
            scene.interface_endpoint(service);
            let allow: Value = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": "*"}]});
            let endpoint = scene.region.vpc_endpoints.last_mut().expect("just added");
            endpoint.policy_document = Some(PolicyText(allow.to_string()));
            scene.region.service_details.push(from(json!({"ServiceName": endpoint.service_name, "VpcEndpointPolicySupported": true})));
        }
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    #[test]
    fn one_policy_for_both_passes() {
        let all = [TOKEN, PULL[0], PULL[1]];
        assert_eq!(judged(&all, &all).verdict, Verdict::Pass);
        assert_eq!(judged(&all, &PULL).verdict, Verdict::Pass, "tokens come from ecr.api alone");
    }

    #[test]
    fn what_the_carrying_endpoint_denies_is_critical() {
        for (api, dkr, id) in [(&PULL[..], &PULL[..], "vpce-ecr.api"), (&[TOKEN, PULL[0], PULL[1]], &PULL[..1], "vpce-ecr.dkr")] {
            let result = judged(api, dkr);
            assert_eq!((only(&result).severity, only(&result).resource.id.as_deref()), (Severity::Critical, Some(id)));
        }
    }

    #[test]
    fn the_pull_set_on_one_alone_is_medium() {
        let result = judged(&[TOKEN], &PULL);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref(), finding.affects.len()), (Severity::Medium, Some("vpce-ecr.api"), 1));
        assert!(finding.message.contains("ecr:BatchGetImage and ecr:GetDownloadUrlForLayer"), "{}", finding.message);
    }
}
