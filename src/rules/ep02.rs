//! EP02: An endpoint exists but is not usable.

use std::collections::BTreeSet;

use super::change::Change;
use super::endpoints::{self, Usage, Use};
use super::{Outcome, Rule, pages, proof, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Tri, Unseen, View, Way};
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::VpcEndpoint;

/// An endpoint exists but is not usable.
pub static RULE: Rule = Rule {
    id: "EP02",
    name: "endpoint-not-usable",
    title: "An endpoint exists but is not usable",
    severity: Severity::Critical,
    why: "An endpoint that is rejected, failed, expired, being deleted or without a network interface answers nobody, yet it looks present in most inventories.",
    mend: "Read the reason that AWS gives for the state, remove it (accept the connection, free addresses in the subnets), and create the endpoint anew if it \
          stays unusable.",
    sources: &[pages::INTERFACE_ENDPOINTS],
    reads: reads::WORKLOADS_AND_ENDPOINTS,
    check,
};

/// A new endpoint may take so long to come up, in seconds.
const PENDING: i64 = 15 * 60;

/// What a state means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It answers.
    Fine,
    /// It answers in part, or will soon.
    Passing(&'static str),
    /// It does not answer.
    Dead(&'static str),
    /// A state that AWS's pages do not tell.
    Foreign,
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let usage = Usage::new(view);
    for endpoint in &usage.endpoints {
        let uses = usage.of(endpoint);
        match state(view, endpoint) {
            State::Fine => outcome.pass(),
            State::Foreign => {
                let raw = endpoint.state.as_deref().unwrap_or_default();
                let shown = if raw.is_empty() { "no state".to_owned() } else { format!("the state `{raw}`") };
                let finding = outcome.unknown(
                    subject::of(view, &endpoint.vpc_endpoint_id),
                    "",
                    format!("{} has {shown}, which this audit does not know. Whether it answers cannot be told.", endpoints::title(endpoint)),
                );
                finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "State", raw, "")];
                finding.affects = endpoints::workloads(view, &uses);
            }
            State::Passing(what) => report(view, outcome, endpoint, &uses, what, true),
            State::Dead(what) => report(view, outcome, endpoint, &uses, what, false),
        }
    }
}

fn state(view: &View<'_>, endpoint: &VpcEndpoint) -> State {
    match endpoint.state.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("available") if endpoints::is_interface(endpoint) && endpoint.network_interface_ids.is_empty() => State::Dead("has no network interface"),
        Some("available") => State::Fine,
        Some("partial") => State::Passing("came up in some of its subnets only"),
        Some("pending") => {
            // Without a clock it may be new: it does not answer either way, and counts as the lesser fault.
            let age = view.now.zip(endpoint.creation_timestamp).map(|(now, made)| now.seconds_since(made));
            if age.is_some_and(|a| a > PENDING) { State::Dead("has been pending for more than 15 minutes") } else { State::Passing("is still pending") }
        }
        Some("deleting") => State::Dead("is being deleted"),
        Some("deleted") => State::Dead("is deleted"),
        Some("failed") => State::Dead("could not be made"),
        Some("rejected") => State::Dead("was rejected by the owner of the service"),
        Some("expired") => State::Dead("expired before the owner of the service accepted it"),
        Some("pendingacceptance") => State::Dead("waits for the owner of the service to accept it"),
        _ => State::Foreign,
    }
}

/// Another endpoint of the same service in the same VPC that answers.
fn stand_in<'a>(view: &'a View<'_>, endpoint: &VpcEndpoint) -> Option<&'a str> {
    let others = view.index.endpoints_of_vpc.get(endpoint.vpc_id.as_deref()?)?;
    let like = |o: &VpcEndpoint| o.vpc_endpoint_id != endpoint.vpc_endpoint_id && endpoints::short(o) == endpoints::short(endpoint) && endpoints::region_of(o) == endpoints::region_of(endpoint);
    others.iter().copied().find(|o| like(o) && state(view, o) == State::Fine).map(|o| o.vpc_endpoint_id.as_str())
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, endpoint: &VpcEndpoint, uses: &[Use<'_>], what: &str, passing: bool) {
    let other = stand_in(view, endpoint);
    if other.is_some() && endpoints::is_state(endpoint, "deleted") {
        return;
    }
    let (severity, unseen) = match (other, passing && endpoints::is_state(endpoint, "partial")) {
        (Some(_), _) => (Some(Severity::Medium), BTreeSet::new()),
        (None, true) => (Some(if uses.is_empty() { Severity::Info } else { Severity::Medium }), BTreeSet::new()),
        (None, false) => how_bad(endpoint, uses),
    };
    let Some(severity) = severity else {
        // How much it matters depends on where the traffic goes without it.
        let unseen =
            if unseen.is_empty() { BTreeSet::from([Unseen::Datum(format!("how {} is reached without {}", endpoints::short(endpoint).unwrap_or_default(), endpoint.vpc_endpoint_id))]) } else { unseen };
        outcome.unseen(unseen, endpoints::workloads(view, uses));
        return;
    };
    let mut message = format!("{} {what}.", endpoints::title(endpoint));
    if let Some(reason) = reason(endpoint) {
        message.push_str(&format!(" AWS says: {}.", reason.trim_end_matches('.')));
    }
    match other {
        Some(other) => message.push_str(&format!(" {other} serves the same service in this VPC.")),
        None if uses.is_empty() => message.push_str(" Nothing that ECS runs in this VPC needs it."),
        None => {}
    }
    let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "", message);
    finding.severity = if passing { severity.min(Severity::Medium) } else { severity };
    finding.evidence = evidence(endpoint);
    finding.affects = endpoints::workloads(view, uses);
    let region = &view.region.region;
    if passing {
        finding.remediation.commands = vec![text::aws(region, &format!("ec2 describe-vpc-endpoints --vpc-endpoint-ids {}", endpoint.vpc_endpoint_id))];
    } else {
        if !endpoints::is_state(endpoint, "deleted") && !endpoints::is_state(endpoint, "deleting") {
            finding.remediation.commands.push(text::aws(region, &format!("ec2 delete-vpc-endpoints --vpc-endpoint-ids {}", endpoint.vpc_endpoint_id)));
        }
        if other.is_none() {
            finding.remediation.commands.push(endpoints::create_again(view, endpoint));
            finding.remediation.proof = Some(proof(view, endpoint, uses));
        }
    }
}

/// Whether the endpoint made anew, as it was, would do.
fn proof(view: &View<'_>, endpoint: &VpcEndpoint, uses: &[Use<'_>]) -> String {
    let (Some(vpc), Some(service)) = (endpoint.vpc_id.clone(), endpoints::short(endpoint).map(str::to_owned)) else { return proof::NOT_MODELLED.to_owned() };
    let again = if endpoints::is_gateway(endpoint) {
        Change::GatewayEndpoint { vpc, service, tables: endpoint.route_table_ids.clone() }
    } else {
        let groups = endpoint.groups.iter().filter_map(|g| g.group_id.clone()).collect();
        Change::InterfaceEndpoint { vpc, service, subnets: endpoint.subnet_ids.clone(), groups }
    };
    let hits: Vec<_> = uses.iter().map(|u| (u.placement, u.need)).collect();
    proof::prove(view, &[Change::DeleteEndpoint { endpoint: endpoint.vpc_endpoint_id.clone() }, again], RULE.id, &endpoint.vpc_endpoint_id, &hits)
}

/// How bad it is that the endpoint does not answer: as bad as its service's absence, by what the paths say. `None`: not to be
/// told.
fn how_bad(endpoint: &VpcEndpoint, uses: &[Use<'_>]) -> (Option<Severity>, BTreeSet<Unseen>) {
    let causes = || uses.iter().flat_map(|u| &u.path.causes).filter(|c| c.rule == RULE.id && c.object == endpoint.vpc_endpoint_id);
    if let Some(worst) = causes().filter(|c| c.verdict == Tri::Fail).map(|c| c.severity).max() {
        return (Some(worst), BTreeSet::new());
    }
    if causes().next().is_some() {
        return (None, causes().flat_map(|c| c.unseen.iter().cloned()).collect());
    }
    let trio = endpoints::short(endpoint).is_some_and(|s| super::agents::TRIO.contains(&s));
    let worst = uses.iter().map(|u| match (u.path.verdict, u.path.way) {
        (Tri::Fail, _) => Severity::Critical,
        (Tri::Pass, Way::Internet) if trio => Severity::Medium,
        (Tri::Pass, Way::Internet) => Severity::Low,
        _ => Severity::Info,
    });
    (Some(worst.max().unwrap_or(Severity::Info)), BTreeSet::new())
}

fn reason(endpoint: &VpcEndpoint) -> Option<&str> {
    endpoint.last_error.as_ref().and_then(|e| e.message.as_deref()).or(endpoint.failure_reason.as_deref()).filter(|m| !m.is_empty())
}

fn evidence(endpoint: &VpcEndpoint) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "State", endpoint.state.as_deref().unwrap_or_default(), "")];
    if endpoints::is_interface(endpoint) && endpoint.network_interface_ids.is_empty() {
        evidence.push(Evidence::new(Action::DescribeVpcEndpoints, "NetworkInterfaceIds", "[]", "an interface endpoint answers at its network interfaces"));
    }
    evidence.extend(reason(endpoint).map(|r| Evidence::new(Action::DescribeVpcEndpoints, "LastError.Message", r, "")));
    evidence
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{Scene, assert_whole, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const MADE: &str = "2026-01-10T10:00:00Z";
    const TASK: &str = "arn:aws:ecs:us-east-2:111122223333:task/web/t";

    /// A logs endpoint in this state, needed by a task whose path fails for it.
    fn scene(fields: Value) -> Scene {
        let mut scene = Scene::new();
        scene.endpoint("logs", MADE, fields);
        scene.placement(Kind::FargateTask, &[TASK], &[("logs", Way::None, Tri::Fail)]);
        scene.cause("logs", "EP02", Tri::Fail, Severity::Critical, "vpce-logs");
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn states_in_any_case() {
        for (state, expected) in [
            ("available", None),
            ("Available", None),
            ("AVAILABLE", None),
            ("failed", Some(Severity::Critical)),
            ("Rejected", Some(Severity::Critical)),
            ("expired", Some(Severity::Critical)),
            ("deleted", Some(Severity::Critical)),
            ("deleting", Some(Severity::Critical)),
            ("pendingAcceptance", Some(Severity::Critical)),
            ("PendingAcceptance", Some(Severity::Critical)),
            // Two hours after it was made.
            ("pending", Some(Severity::Critical)),
            ("partial", Some(Severity::Medium)),
        ] {
            let result = judged(&scene(json!({"State": state})));
            assert_eq!(result.findings.first().map(|f| f.severity), expected, "{state}");
            if expected.is_some() {
                assert_eq!((only(&result).verdict, only(&result).resource.id.as_deref()), (Verdict::Fail, Some("vpce-logs")), "{state}");
                assert_eq!(only(&result).affects, [TASK.to_owned()].into(), "{state}");
            }
        }
    }

    #[test]
    fn an_unheard_of_state_is_unknown() {
        for state in [json!("resting"), json!(""), json!(null)] {
            let result = judged(&scene(json!({"State": state})));
            assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Critical), "{state}");
        }
    }

    #[test]
    fn pending_is_given_fifteen_minutes() {
        let at = |made: &str| scene(json!({"State": "pending", "CreationTimestamp": made}));
        assert_eq!(only(&judged(&at("2026-01-10T11:50:00Z"))).severity, Severity::Medium);
        assert_eq!(only(&judged(&at("2026-01-10T11:44:59Z"))).severity, Severity::Critical);
        // It fails either way, but without a clock not for its age.
        let mut timeless = at("2026-01-10T10:00:00Z");
        timeless.region.taken_at = None;
        assert_eq!(only(&judged(&timeless)).severity, Severity::Medium);
    }

    #[test]
    fn an_interface_endpoint_needs_interfaces_and_a_gateway_does_not() {
        let result = judged(&scene(json!({"NetworkInterfaceIds": []})));
        assert!(only(&result).message.contains("no network interface"));
        let gateway = scene(json!({"NetworkInterfaceIds": [], "VpcEndpointType": "Gateway", "ServiceName": "com.amazonaws.us-east-2.s3"}));
        assert_eq!(judged(&gateway).verdict, Verdict::Pass);
    }

    #[test]
    fn a_stand_in_makes_it_medium_and_a_deleted_one_history() {
        let mut with = scene(json!({"State": "deleting"}));
        with.endpoint("logs", MADE, json!({"VpcEndpointId": "vpce-new"}));
        let result = judged(&with);
        assert_eq!(only(&result).severity, Severity::Medium);
        assert!(only(&result).message.contains("vpce-new"));
        with.region.vpc_endpoints[0].state = Some("deleted".into());
        assert_eq!(judged(&with).verdict, Verdict::Pass);
    }

    #[test]
    fn nobody_minds_an_endpoint_that_nobody_needs() {
        let mut scene = Scene::new();
        scene.endpoint("logs", MADE, json!({"State": "failed"}));
        assert_eq!(only(&judged(&scene)).severity, Severity::Info);
        scene.endpoint("lambda", MADE, json!({"State": "failed"}));
        assert_eq!(judged(&scene).findings.len(), 1);
    }

    #[test]
    fn severity_follows_the_way_that_is_left() {
        for (service, expected) in [("logs", Severity::Low), ("ecs-agent", Severity::Medium)] {
            let mut scene = Scene::new();
            scene.endpoint(service, MADE, json!({"State": "failed"}));
            scene.placement(Kind::FargateTask, &[TASK], &[(service, Way::Internet, Tri::Pass)]);
            assert_eq!(only(&judged(&scene)).severity, expected, "{service}");
        }
        let mut undecided = scene(json!({"State": "failed"}));
        undecided.paths[0].causes[0].verdict = Tri::Unknown;
        assert_eq!(judged(&undecided).verdict, Verdict::Unknown);
    }

    #[test]
    fn the_reason_of_aws_is_told_and_the_commands_make_it_anew() {
        let result = judged(&scene(
            json!({"State": "failed", "LastError": {"Code": "InsufficientFreeAddressesInSubnet", "Message": "No free addresses."}, "SubnetIds": ["subnet-1"], "Groups": [{"GroupId": "sg-9"}]}),
        ));
        let finding = only(&result);
        assert!(finding.message.contains("No free addresses."), "{}", finding.message);
        assert_eq!(finding.remediation.commands.len(), 2);
        assert!(
            finding.remediation.commands[1]
                .contains("--service-name com.amazonaws.us-east-2.logs --vpc-endpoint-type Interface --subnet-ids subnet-1 --security-group-ids sg-9 --private-dns-enabled --region us-east-2"),
            "{:?}",
            finding.remediation.commands
        );
    }

    #[test]
    fn unseen_endpoints_make_it_unknown_and_other_vpcs_do_not_count() {
        let mut scene = Scene::new();
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.region.vpc_endpoints.push(from(json!({"VpcEndpointId": "vpce-x", "VpcEndpointType": "Interface", "VpcId": "vpc-2", "ServiceName": "com.amazonaws.us-east-2.logs", "State": "failed"})));
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.deny(Action::DescribeVpcEndpoints);
        assert_eq!(scene.run(&RULE).verdict, Verdict::Unknown);
    }
}
