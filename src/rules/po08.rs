//! PO08: A role's condition names the wrong VPC or endpoint.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::roles::{Policies, role_of};
use super::units::{self, Platform};
use super::{Outcome, Rule, endpoints, ev01, pages, reads, subject, text, wl02};
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
    way: Known,
}

/// What is known of the way of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    /// Endpoint, or that there is none on the way.
    Told,
    /// Not known by which endpoint.
    Open,
    /// From an interface of AWS's own: Fargate before platform version 1.4.0 gets its tokens there.
    Aside,
    /// By the configuration through an endpoint, but CloudTrail saw it come without one.
    Bypassed,
}

/// Calls, each with the workloads behind it.
type Calls<'a> = BTreeMap<Call<'a>, BTreeSet<&'a str>>;

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let (roles, lost) = calls(view);
    for (unseen, affects) in lost {
        outcome.unseen([unseen], affects);
    }
    for (arn, calls) in &roles {
        let policies = Policies::of(view, text::last(arn));
        let affects = || calls.values().flatten().map(|w| (*w).to_owned());
        if policies.gone {
            continue;
        }
        outcome.unseen(policies.unseen.clone(), affects());
        if !KEYS.iter().any(|k| policies.names(k)) {
            continue;
        }
        layers(view, outcome, arn, &policies, affects().collect());
        let mut wrong = Calls::new();
        let mut unclear = BTreeSet::new();
        for (call, workloads) in calls {
            match judge(arn, &policies, call) {
                Some(Tri::Pass) => outcome.pass(),
                Some(Tri::Fail) => {
                    wrong.entry(call.clone()).or_default().extend(workloads);
                }
                Some(Tri::Unknown) => unclear.extend(workloads.iter().map(|w| (*w).to_owned())),
                None => {}
            }
        }
        if !unclear.is_empty() && policies.unseen.is_empty() {
            outcome.unseen([Unseen::Datum(format!("what else the conditions of role {} ask of a call", text::last(arn)))], unclear);
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
                        roles.entry(arn).or_default().entry(call).or_default().extend(need.workloads.iter().map(String::as_str));
                    }
                }
                Ok(None) => {}
                Err(unseen) => lost.entry(unseen).or_default().extend(need.workloads.iter().cloned()),
            }
        }
    }
    for (arn, vpc, workload) in old_tokens(view) {
        let call = Call { action: "ecr:GetAuthorizationToken", resource: "*", service: "ecr.api", vpc, endpoint: None, way: Known::Aside };
        roles.entry(arn.to_owned()).or_default().entry(call).or_default().insert(workload);
    }
    (roles, lost)
}

/// Execution roles that get tokens for ECR from an interface of AWS's own, with a VPC and the workload.
fn old_tokens<'a>(view: &'a View<'_>) -> BTreeSet<(&'a str, &'a str, &'a str)> {
    let mut out = BTreeSet::new();
    for unit in units::all(view).iter().filter(|u| u.fargate) {
        let asked = unit.service.map(|s| (s.platform_version.as_deref(), s.platform_family.as_deref(), s.task_definition.as_deref()));
        let running = unit.tasks.iter().filter(|t| units::on_fargate(t)).map(|t| (t.platform_version.as_deref(), t.platform_family.as_deref(), t.task_definition_arn.as_deref()));
        let Some(vpc) = unit.subnets().iter().find_map(|s| view.index.subnets.get(s)).map(|s| s.vpc_id.as_str()) else { continue };
        for (version, family, definition) in asked.into_iter().chain(running) {
            let Some(definition) = definition.and_then(|d| view.region.task_definitions.get(d)).and_then(|a| a.output()) else { continue };
            if units::platform(version, units::is_windows(family, &[definition])) != Platform::Old {
                continue;
            }
            let private = definition.container_definitions.iter().any(|c| c.image.as_deref().is_some_and(wl02::is_private_ecr));
            if let (true, Some(role)) = (private, definition.execution_role_arn.as_deref()) {
                out.insert((role, vpc, unit.arn));
            }
        }
    }
    out
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
    let way = match endpoint {
        _ if public => Known::Told,
        Some(_) if ev01::bypassed(view, placement, path, ask.action) => Known::Bypassed,
        Some(_) => Known::Told,
        None => Known::Open,
    };
    Some(Call { action: ask.action, resource: &ask.resource, service: &need.service, vpc, endpoint: if public || way == Known::Bypassed { None } else { endpoint }, way })
}

/// `Fail`: a condition on VPC or endpoint refuses the call that other values of these keys would let through; `None`: the role
/// could not make the call from anywhere, which is another problem than its conditions.
fn judge(role: &str, policies: &Policies, call: &Call<'_>) -> Option<Tri> {
    let resource = match call.resource {
        "*" => Resource::Known("*".to_owned()),
        r if r.contains(['*', '?']) => Resource::Like(vec![r.to_owned()]),
        r => Resource::Known(r.to_owned()),
    };
    let base = Request::new(call.action, EndpointType::Interface).principal(Principal::Role(role.to_owned())).resource(resource);
    let of = |value: Option<&str>| value.map_or(ContextValue::Absent, |v| ContextValue::Known(vec![v.to_owned()]));
    let actual = match call.way {
        Known::Open => base.clone().context("aws:SourceVpc", ContextValue::Known(vec![call.vpc.to_owned()])),
        _ => base.clone().context("aws:SourceVpc", of(call.endpoint.map(|e| e.1))).context("aws:SourceVpce", of(call.endpoint.map(|e| e.0))),
    };
    let verdict = match (policies.judge(&actual), call.way) {
        // The interface of AWS's own may lie in a VPC of AWS's own: what only an absent key lets through is not sure.
        (Tri::Pass, Known::Aside) => policies.judge(&base.clone().context("aws:SourceVpc", of(Some("vpc-of-aws"))).context("aws:SourceVpce", ContextValue::Absent)).min(Tri::Unknown),
        (verdict, _) => verdict,
    };
    (verdict != Tri::Fail || policies.judge(&base) != Tri::Fail).then_some(verdict)
}

/// A condition on the bucket of image layers is told, because nothing comes of it: the URL of a layer is signed by ECR, so that
/// S3 never looks at the role.
fn layers(view: &View<'_>, outcome: &mut Outcome<'_>, arn: &str, policies: &Policies, affects: BTreeSet<String>) {
    let named: BTreeSet<&str> = policies.texts.iter().filter(|(_, text)| speaks_of_layers(text)).map(|(name, _)| text::last(name)).collect();
    if named.is_empty() {
        return;
    }
    let message = format!(
        "Role {} has a condition on the bucket of image layers (policy {}), which nothing asks. ECR signs the URL of a layer, so S3 looks at the policy of the endpoint and never at the role.",
        text::last(arn),
        text::list(&named)
    );
    let finding = outcome.fail(subject::of(view, arn), "layers", message);
    finding.severity = Severity::Info;
    finding.affects = affects;
    finding.evidence = vec![Evidence::new(Action::GetRolePolicy, "Resource", "starport-layer-bucket", text::list(&named))];
    finding.remediation.text = "Leave the statement out, or keep it for its looks; the policy of the endpoint for S3 decides about layers.".to_owned();
}

/// Whether a statement of a policy names the layer bucket and has a condition on VPC or endpoint.
fn speaks_of_layers(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let statements = match document.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    statements.iter().any(|statement| {
        let part = |name: &str| statement.get(name).map(|v| v.to_string().to_ascii_lowercase()).unwrap_or_default();
        part("Resource").contains("starport-layer-bucket") && KEYS.iter().any(|k| part("Condition").contains(&format!("\"{k}\"")))
    })
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
    let way = |way: Known| wrong.keys().any(|c| c.endpoint.is_none() && c.way == way);
    if way(Known::Told) {
        message.push_str(" The calls leave past the endpoints, so they carry neither key.");
    }
    if way(Known::Bypassed) {
        message.push_str(" CloudTrail saw the calls come without an endpoint, so they carry neither key.");
    }
    if way(Known::Aside) {
        message.push_str(" On Fargate platform version 1.3.0 and earlier the token comes over an interface of AWS, so the call carries neither key.");
    }
    if !faults.is_empty() {
        message.push_str(&format!(" It names {}.", text::some(&faults)));
    }
    message.push_str(" Service control and resource control policies are out of sight.");
    let finding = outcome.fail(subject::of(view, arn), "", message);
    finding.affects = wrong.values().flatten().map(|w| (*w).to_owned()).collect();
    finding.evidence = vec![Evidence::new(Action::GetRolePolicy, "Condition", ids.iter().cloned().collect::<Vec<_>>().join(", "), "ids under aws:SourceVpc and aws:SourceVpce")];
    let right: BTreeSet<String> = wrong.keys().filter_map(|c| c.endpoint).map(|(id, vpc)| format!("{id} in {vpc}")).collect();
    if wrong.keys().all(|c| c.way == Known::Aside) {
        "Take the condition off ecr:GetAuthorizationToken, or move the service to platform version LATEST with an endpoint of ecr.api.".clone_into(&mut finding.remediation.text);
    }
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

    /// The task, on this platform version, whose execution role may get tokens under a condition.
    fn tokens(version: &str, condition: Value) -> Scene {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}]});
        let mut scene = scene(policy);
        scene.interface_endpoint("ecr.api");
        scene.interface_endpoint("ecr.dkr");
        scene.last_task().platform_version = Some(version.to_owned());
        scene
    }

    #[test]
    fn a_token_of_an_old_platform_comes_over_an_interface_of_aws() {
        let named = json!({"StringEquals": {"aws:SourceVpc": VPC}});
        assert_eq!(judged(&tokens("1.4.0", named.clone())).verdict, Verdict::Pass);
        let result = judged(&tokens("1.3.0", named));
        let finding = only(&result);
        assert_eq!((finding.severity, finding.affects.len()), (Severity::High, 1));
        assert!(finding.message.contains("refuses ecr:GetAuthorizationToken") && finding.message.contains("1.3.0 and earlier"), "{}", finding.message);
        assert!(finding.remediation.text.contains("LATEST"), "{}", finding.remediation.text);
        // An absent key would pass, but the interface may lie in a VPC of AWS's own.
        let result = judged(&tokens("1.3.0", json!({"StringEqualsIfExists": {"aws:SourceVpc": VPC}})));
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Info));
    }

    #[test]
    fn a_condition_on_layers_is_only_told() {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::prod-us-east-2-starport-layer-bucket/*", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-s3"}}}]});
        let result = judged(&scene(policy));
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::Info, Some("arn:aws:iam::111122223333:role/execution")));
        assert!(finding.message.contains("layers"), "{}", finding.message);
    }

    #[test]
    fn a_call_that_cloudtrail_saw_bypass_the_endpoint_carries_no_key() {
        let mut scene = scene(when(json!({"StringEquals": {"aws:SourceVpc": VPC}})));
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
        let event = |endpoint: Value| vec![from(json!({"EventId": "e", "EventName": "GetSecretValue", "Username": "t1", "EventTime": "2026-01-01T02:00:00Z", "VpcEndpointId": endpoint}))];
        scene.region.cloudtrail_events = event(json!("vpce-secretsmanager"));
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
        scene.region.cloudtrail_events = event(json!(null));
        let result = judged(&scene);
        assert!(only(&result).message.contains("CloudTrail saw"), "{}", only(&result).message);
    }

    #[test]
    fn what_else_a_condition_asks_may_not_be_seen() {
        let both = json!({"StringEquals": {"aws:SourceVpc": VPC, "aws:PrincipalTag/team": "web"}});
        let result = judged(&scene(when(both)));
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Info));
    }
}
