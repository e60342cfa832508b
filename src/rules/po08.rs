//! PO08: A role's condition names the wrong VPC or endpoint.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoints;
use super::roles::{Policies, role_of};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Ask, Need, Path, Placement, Tri, Unseen, View, Way};
use crate::finding::{Evidence, Severity};
use crate::policy::{ContextValue, EndpointType, Principal, Request, Resource};

/// A role's condition names the wrong VPC or endpoint.
pub static RULE: Rule = Rule {
    id: "PO08",
    name: "role-condition-wrong",
    title: "A role's condition names the wrong VPC or endpoint",
    severity: Severity::High,
    why: "A condition on aws:SourceVpc or aws:SourceVpce lets a call through only from that VPC or endpoint. After an endpoint is made anew its id is another, \
          and the role is refused everywhere.",
    mend: "Put the ids of the VPC and the endpoints in use into the condition.",
    sources: &[pages::EXECUTION_ROLE, pages::CONDITION_KEYS],
    reads: reads::NEEDS,
    check,
};

/// The keys that this rule is about, in lower case.
const KEYS: [&str; 2] = ["aws:sourcevpc", "aws:sourcevpce"];

/// How a call leaves, as a condition sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call<'a> {
    action: &'static str,
    resource: &'a str,
    service: &'a str,
    vpc: &'a str,
    /// Endpoint and the endpoint's VPC; `None`: past every endpoint.
    endpoint: Option<(&'a str, &'a str)>,
    /// Not known by which endpoint.
    open: bool,
}

/// Calls, each with the workloads behind it.
type Calls<'a> = BTreeMap<Call<'a>, BTreeSet<String>>;

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let (roles, lost) = calls(view);
    for (unseen, affects) in lost {
        outcome.unseen([unseen], affects);
    }
    for (arn, calls) in &roles {
        let policies = Policies::of(view, text::last(arn));
        let affects = || calls.values().flatten().cloned();
        if policies.gone {
            continue;
        }
        outcome.unseen(policies.unseen.clone(), affects());
        if !KEYS.iter().any(|k| policies.names(k)) {
            continue;
        }
        let mut wrong = Calls::new();
        for (call, workloads) in calls {
            match judge(arn, &policies, call) {
                Tri::Pass => outcome.pass(),
                Tri::Fail => {
                    wrong.entry(call.clone()).or_default().extend(workloads.iter().cloned());
                }
                Tri::Unknown => {}
            }
        }
        report(view, outcome, arn, &policies, &wrong);
    }
}

/// The calls of each role, with the workloads behind them; and instance profiles that were not seen.
fn calls<'a>(view: &'a View<'_>) -> (BTreeMap<String, Calls<'a>>, BTreeMap<Unseen, BTreeSet<String>>) {
    let mut roles: BTreeMap<String, Calls<'a>> = BTreeMap::new();
    let mut lost: BTreeMap<Unseen, BTreeSet<String>> = BTreeMap::new();
    for path in &view.paths {
        let Some(placement) = view.placements.get(path.placement) else { continue };
        let Some(need) = placement.needs.get(path.need) else { continue };
        for ask in &need.asks {
            match role_of(view, &ask.caller) {
                Ok(Some(arn)) => {
                    if let Some(call) = call(view, placement, need, path, ask) {
                        roles.entry(arn).or_default().entry(call).or_default().extend(need.workloads.iter().cloned());
                    }
                }
                Ok(None) => {}
                Err(unseen) => lost.entry(unseen).or_default().extend(need.workloads.iter().cloned()),
            }
        }
    }
    (roles, lost)
}

fn call<'a>(view: &'a View<'_>, placement: &'a Placement, need: &'a Need, path: &'a Path, ask: &'a Ask) -> Option<Call<'a>> {
    let vpc = placement.vpc.as_deref()?;
    let named = path.hops.iter().filter_map(|h| h.object.as_deref()).find(|o| o.starts_with("vpce-"));
    // A path that fails on the way tells no endpoint: the only one of the service in the VPC would be it.
    let only = || {
        let mut of = view.index.endpoints_of_vpc.get(vpc)?.iter().filter(|e| endpoints::short(e) == Some(need.service.as_str()));
        of.next().filter(|_| of.next().is_none()).map(|e| e.vpc_endpoint_id.as_str())
    };
    let endpoint = named.or_else(only).map(|id| (id, view.index.endpoints.get(id).and_then(|e| e.vpc_id.as_deref()).unwrap_or(vpc)));
    let public = path.way == Way::Internet && path.verdict == Tri::Pass;
    Some(Call { action: ask.action, resource: &ask.resource, service: &need.service, vpc, endpoint: if public { None } else { endpoint }, open: !public && endpoint.is_none() })
}

/// `Fail`: a condition on VPC or endpoint refuses the call that other values of these keys would let through.
fn judge(role: &str, policies: &Policies, call: &Call<'_>) -> Tri {
    let resource = match call.resource {
        "*" => Resource::Known("*".to_owned()),
        r if r.contains(['*', '?']) => Resource::Like(vec![r.to_owned()]),
        r => Resource::Known(r.to_owned()),
    };
    let base = Request::new(call.action, EndpointType::Interface).principal(Principal::Role(role.to_owned())).resource(resource);
    let of = |value: Option<&str>| value.map_or(ContextValue::Absent, |v| ContextValue::Known(vec![v.to_owned()]));
    let actual = if call.open {
        base.clone().context("aws:SourceVpc", ContextValue::Known(vec![call.vpc.to_owned()]))
    } else {
        base.clone().context("aws:SourceVpc", of(call.endpoint.map(|e| e.1))).context("aws:SourceVpce", of(call.endpoint.map(|e| e.0)))
    };
    match policies.judge(&actual) {
        // A role that could not make the call from anywhere has another problem than its conditions.
        Tri::Fail if policies.judge(&base) == Tri::Fail => Tri::Unknown,
        verdict => verdict,
    }
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, arn: &str, policies: &Policies, wrong: &Calls<'_>) {
    if wrong.is_empty() {
        return;
    }
    let ids: BTreeSet<String> = policies.texts.iter().flat_map(|(_, text)| ids_in(text)).collect();
    let vpcs: BTreeSet<&str> = wrong.keys().map(|c| c.vpc).collect();
    let services: BTreeSet<&str> = wrong.keys().map(|c| c.service).collect();
    let faults: Vec<String> = ids.iter().filter_map(|id| fault(view, id, &vpcs, &services)).collect();
    let actions: BTreeSet<&str> = wrong.keys().map(|c| c.action).collect();
    let mut message = format!("A condition of role {} refuses {} from {}.", text::last(arn), text::some(&actions), text::some(&vpcs));
    if wrong.keys().any(|c| c.endpoint.is_none() && !c.open) {
        message.push_str(" The calls leave past the endpoints, so they carry neither key.");
    }
    if !faults.is_empty() {
        message.push_str(&format!(" It names {}.", text::some(&faults)));
    }
    message.push_str(" Service control and resource control policies are out of sight.");
    let finding = outcome.fail(subject::of(view, arn), "", message);
    finding.affects = wrong.values().flatten().cloned().collect();
    finding.evidence = vec![Evidence::new(Action::GetRolePolicy, "Condition", ids.iter().cloned().collect::<Vec<_>>().join(", "), "ids under aws:SourceVpc and aws:SourceVpce")];
    let right: BTreeSet<String> = wrong.keys().filter_map(|c| c.endpoint).map(|(id, vpc)| format!("{id} in {vpc}")).collect();
    if !right.is_empty() {
        finding.remediation.text.push_str(&format!(" In use {}: {}.", if right.len() == 1 { "is" } else { "are" }, text::some(&right)));
    }
    finding.remediation.commands = policies
        .texts
        .iter()
        .filter(|(_, text)| KEYS.iter().any(|k| text.to_ascii_lowercase().contains(k)))
        .map(|(name, _)| {
            if name.starts_with("arn:") {
                format!("aws iam create-policy-version --policy-arn {name} --policy-document file://policy.json --set-as-default")
            } else {
                format!("aws iam put-role-policy --role-name {} --policy-name {name} --policy-document file://policy.json", text::last(arn))
            }
        })
        .collect();
}

/// What is wrong with an id that a condition names; `None`: nothing that can be told.
fn fault(view: &View<'_>, id: &str, vpcs: &BTreeSet<&str>, services: &BTreeSet<&str>) -> Option<String> {
    let region = view.region;
    if id.starts_with("vpce-") {
        let Some(endpoint) = view.index.endpoints.get(id) else {
            // Filtered by VPC, others were not collected.
            return (view.seen(Action::DescribeVpcEndpoints) && region.vpc_scope.is_none()).then(|| format!("{id}, which does not exist in {}", region.region));
        };
        if !endpoint.vpc_id.as_deref().is_some_and(|v| vpcs.contains(v)) {
            return Some(format!("{id}, which is in {}", endpoint.vpc_id.as_deref().unwrap_or("another VPC")));
        }
        let service = endpoints::short(endpoint)?;
        return (!services.contains(service)).then(|| format!("{id}, which serves {service}"));
    }
    if view.index.vpcs.contains_key(id) {
        return (!vpcs.contains(id)).then(|| format!("{id}, from which nothing with this role calls"));
    }
    (view.seen(Action::DescribeVpcs) && region.vpc_scope.is_none()).then(|| format!("{id}, which does not exist in {}", region.region))
}

/// Ids of VPCs and endpoints in a text.
fn ids_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|w| w.starts_with("vpc-") || w.starts_with("vpce-")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{assert_whole, from, only};
    use super::super::{RuleResult, run};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::testing::{ACCOUNT, REGION, SUBNET_A, Scene, VPC, secret};
    use crate::finding::{Severity, Verdict};
    use crate::inventory::Answer;

    /// A Fargate task that gets a secret with its execution role, whose policy is this.
    fn scene(policy: Value) -> Scene {
        let mut scene = Scene::new();
        scene.interface_endpoint("secretsmanager");
        scene.interface_endpoint("logs");
        let definition = scene.definition("web", |d| {
            for container in &mut d.container_definitions {
                container.secrets.push(secret(&format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf")));
            }
        });
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        scene.region.role_policy_names.insert("execution".into(), Answer::Output(from(json!({"PolicyNames": ["p"]}))));
        scene.region.role_policies.insert("execution:p".into(), Answer::Output(from(json!({"PolicyDocument": policy}))));
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    fn when(condition: Value) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*", "Condition": condition}]})
    }

    #[test]
    fn no_such_condition_does_not_apply() {
        let open = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        assert_eq!(judged(&scene(open)).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn the_right_vpc_or_endpoint_passes() {
        for condition in [
            json!({"StringEquals": {"aws:SourceVpc": VPC}}),
            json!({"StringEquals": {"aws:sourceVpce": "vpce-secretsmanager"}}),
            json!({"StringEquals": {"aws:SourceVpc": ["vpc-of-another-region", VPC]}}),
        ] {
            assert_eq!(judged(&scene(when(condition.clone()))).verdict, Verdict::Pass, "{condition}");
        }
    }

    #[test]
    fn what_does_not_exist_is_elsewhere_or_serves_another_service_is_high() {
        for (condition, told) in [
            (json!({"StringEquals": {"aws:SourceVpc": "vpc-0123gone"}}), "vpc-0123gone, which does not exist in us-east-2"),
            (json!({"StringEquals": {"aws:SourceVpce": "vpce-0123old"}}), "vpce-0123old, which does not exist in us-east-2"),
            (json!({"StringEquals": {"aws:SourceVpce": "vpce-logs"}}), "vpce-logs, which serves logs"),
        ] {
            let result = judged(&scene(when(condition)));
            let finding = only(&result);
            assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::High, Some("arn:aws:iam::111122223333:role/execution")));
            assert!(finding.message.contains(told), "{}", finding.message);
            assert!(finding.remediation.text.contains("vpce-secretsmanager") && !finding.affects.is_empty());
        }
    }

    #[test]
    fn a_deny_counts_as_well() {
        let deny = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"},
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-0123old"}}}]});
        assert_eq!(judged(&scene(deny)).verdict, Verdict::Fail);
    }

    #[test]
    fn a_role_that_may_not_call_at_all_has_another_problem() {
        let other = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-gone"}}}]});
        assert_eq!(judged(&scene(other)).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn unseen_policies_are_unknown() {
        let mut scene = scene(when(json!({"StringEquals": {"aws:SourceVpc": VPC}})));
        scene.region.role_policies.clear();
        let result = judged(&scene);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::High));
        assert!(only(&result).message.contains(Action::GetRolePolicy.name()));
    }
}
