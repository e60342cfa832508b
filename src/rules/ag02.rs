//! AG02: An agent is not shown to use the endpoints yet.

use std::collections::BTreeSet;

use super::agents::{self, Agent, Pickup, Ways, picked_up};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::{Evidence, Severity};
use crate::inventory::Time;

/// An agent is not shown to use the endpoints yet.
pub static RULE: Rule = Rule {
    id: "AG02",
    name: "agent-not-restarted",
    title: "An agent is not shown to use the endpoints yet",
    severity: Severity::Medium,
    why: "An agent keeps the host names that it was given for up to twelve hours. Until it is restarted after the endpoints were made, its traffic may still \
          leave over the public ones, and it is cut off as soon as that way is closed.",
    mend: "Restart the agent (`sudo docker restart ecs-agent`, or `sudo systemctl restart ecs` on current images) or reboot the instance. Running tasks need not \
          be drained for it.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let ways = Ways::new(view);
    let (mut sure, mut likely) = (false, false);
    for (cluster, agents) in agents::by_cluster(view, agents::all(view)) {
        let mut stale: Vec<(&Agent<'_>, Option<Time>)> = Vec::new();
        let mut timeless: Vec<(&Agent<'_>, String)> = Vec::new();
        let mut unseen: BTreeSet<Unseen> = BTreeSet::new();
        let mut unseen_agents = Vec::new();
        for agent in agents.iter().filter(|a| a.in_service()) {
            match picked_up(view, &ways, agent) {
                Pickup::Aside => {}
                Pickup::Started | Pickup::Observed => {
                    sure = true;
                    outcome.pass();
                }
                Pickup::Likely => {
                    likely = true;
                    outcome.pass();
                }
                Pickup::Bypasses => stale.push((agent, None)),
                Pickup::NotShown { since } => stale.push((agent, Some(since))),
                Pickup::Unknown(what) => {
                    unseen.extend(what);
                    unseen_agents.push(agent.arn().to_owned());
                }
                Pickup::NoTime(what) => timeless.push((agent, what)),
            }
        }
        outcome.unseen(unseen, unseen_agents);
        report(view, outcome, &cluster, &stale);
        if !timeless.is_empty() {
            let what: BTreeSet<&str> = timeless.iter().map(|(_, w)| w.as_str()).collect();
            let message = format!("Whether agents in cluster {} use the endpoints cannot be told. Fields are missing: {}.", text::last(&cluster), text::some(&what));
            let finding = outcome.unknown(subject::of(view, &cluster), "times", message);
            finding.affects = timeless.iter().map(|(a, _)| a.arn().to_owned()).collect();
        }
    }
    if likely {
        outcome.reason("likely: agents that are connected keep their host names no longer than 13 hours, and the endpoints are older");
    } else if sure {
        outcome.reason("every agent that is judged started after its endpoints were there, or was seen to use them");
    }
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, cluster: &str, stale: &[(&Agent<'_>, Option<Time>)]) {
    if stale.is_empty() {
        return;
    }
    let bypassing: Vec<&str> = stale.iter().filter(|(_, since)| since.is_none()).map(|(a, _)| text::last(a.arn())).collect();
    let mut message = format!(
        "{} in cluster {} {} not shown to have restarted since the ECS endpoints were made. Until then an agent may go on using the public hosts that it was given before.",
        text::count(stale.len(), "agent"),
        text::last(cluster),
        if stale.len() == 1 { "is" } else { "are" }
    );
    if !bypassing.is_empty() {
        message.push_str(&format!(" CloudTrail saw {} call ECS past the endpoint afterwards.", text::some(bypassing)));
    }
    let mut evidence: Vec<Evidence> =
        text::evidence(Action::DescribeContainerInstances, "registeredAt", stale.iter().map(|(a, _)| (a.arn(), a.instance.registered_at.map_or_else(|| "none".to_owned(), |t| t.to_string()))));
    if let Some(since) = stale.iter().filter_map(|(_, since)| *since).max() {
        evidence.insert(0, Evidence::new(Action::DescribeVpcEndpoints, "CreationTimestamp", since.to_string(), "when the last of the three endpoints was made"));
    }
    if stale.iter().any(|(_, since)| since.is_none()) {
        evidence.push(Evidence::new(Action::LookupEvents, "vpcEndpointId", "none", "a call of the agent after the endpoints were made"));
    }
    let finding = outcome.fail(subject::of(view, cluster), "", message);
    finding.evidence = evidence;
    finding.affects = stale.iter().map(|(a, _)| a.arn().to_owned()).collect();
    finding.remediation.commands = restart(&view.region.region, stale.iter().map(|(a, _)| *a));
}

/// Commands that restart agents over Systems Manager, which takes 50 instances at once.
pub fn restart<'a>(region: &str, agents: impl Iterator<Item = &'a Agent<'a>>) -> Vec<String> {
    let (mut linux, mut windows) = (Vec::new(), Vec::new());
    for agent in agents {
        if let Some(id) = agent.instance.ec2_instance_id.as_deref() {
            if agent.is_windows() { windows.push(id) } else { linux.push(id) }
        }
    }
    let send = |ids: &[&str], document: &str, command: &str| {
        text::aws(region, &format!("ssm send-command --document-name {document} --parameters 'commands=[\"{command}\"]' --instance-ids {}", ids.join(" ")))
    };
    linux
        .chunks(50)
        .map(|ids| send(ids, "AWS-RunShellScript", "sudo systemctl restart ecs || sudo docker restart ecs-agent"))
        .chain(windows.chunks(50).map(|ids| send(ids, "AWS-RunPowerShellScript", "Restart-Service AmazonECS")))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleResult;
    use super::super::testing::{CLUSTER, Scene, arn, assert_whole, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};
    use crate::inventory::{State, Status};

    const OLD: &str = "2025-06-01T00:00:00Z";
    /// Half an hour before the recording.
    const JUST: [&str; 3] = ["2026-01-10T11:20:00Z", "2026-01-10T11:25:00Z", "2026-01-10T11:30:00Z"];
    /// Fourteen hours before it.
    const LONG_AGO: [&str; 3] = ["2026-01-09T21:50:00Z", "2026-01-09T21:55:00Z", "2026-01-09T22:00:00Z"];

    fn scene(made: [&str; 3], registered: &str) -> Scene {
        let mut scene = Scene::new();
        scene.trio(made).instance("a", registered, json!({}));
        let member = arn("container-instance", "a");
        scene.placement(Kind::ContainerInstance, &[&member], &["ecs", "ecs-agent", "ecs-telemetry"].map(|s| (s, Way::InterfaceEndpoint, Tri::Pass)));
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn registered_after_the_endpoints_is_fine() {
        assert_eq!(judged(&scene(JUST, "2026-01-10T11:31:00Z")).verdict, Verdict::Pass);
    }

    #[test]
    fn launched_after_the_endpoints_is_fine_though_registered_before() {
        let mut scene = scene(JUST, OLD);
        scene.region.instances[0].launch_time = Some(super::super::testing::time("2026-01-10T11:40:00Z"));
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
    }

    #[test]
    fn registered_in_the_very_second_is_not_after() {
        assert_eq!(judged(&scene(JUST, JUST[2])).verdict, Verdict::Fail);
    }

    #[test]
    fn not_restarted_fails_at_medium_on_the_cluster() {
        let result = judged(&scene(JUST, OLD));
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::Medium, Some(CLUSTER)));
        assert_eq!(finding.affects, [arn("container-instance", "a")].into());
        assert!(finding.message.contains("not shown to have restarted"), "{}", finding.message);
        assert!(finding.remediation.commands[0].contains("--instance-ids i-a --region us-east-2"), "{:?}", finding.remediation.commands);
    }

    #[test]
    fn after_thirteen_hours_a_connected_agent_has_likely_moved() {
        let result = judged(&scene(LONG_AGO, OLD));
        assert_eq!(result.verdict, Verdict::Pass);
        assert!(result.reason.contains("likely"), "{}", result.reason);
    }

    #[test]
    fn an_agent_of_before_1_59_moves_within_the_hour() {
        let mut scene = scene(["2026-01-10T10:00:00Z", "2026-01-10T10:00:00Z", "2026-01-10T10:30:00Z"], OLD);
        assert_eq!(judged(&scene).verdict, Verdict::Fail);
        scene.region.container_instances[0].version_info = from(json!({"agentVersion": "1.58.0"}));
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
    }

    #[test]
    fn age_clears_nobody_who_is_disconnected_or_cannot_get_through() {
        let mut disconnected = scene(LONG_AGO, OLD);
        disconnected.region.container_instances[0].agent_connected = Some(false);
        assert_eq!(judged(&disconnected).verdict, Verdict::Fail);
        let mut blocked = scene(LONG_AGO, OLD);
        blocked.paths[1].verdict = Tri::Fail;
        assert_eq!(judged(&blocked).verdict, Verdict::Fail);
        let mut unsure = scene(LONG_AGO, OLD);
        unsure.paths[1].verdict = Tri::Unknown;
        assert_eq!(judged(&unsure).verdict, Verdict::Unknown);
    }

    #[test]
    fn nothing_fails_by_age_without_a_clock() {
        let mut scene = scene(JUST, OLD);
        scene.region.taken_at = None;
        let result = judged(&scene);
        assert_eq!(result.verdict, Verdict::Unknown);
        assert!(only(&result).message.contains("--now"), "{}", only(&result).message);
        scene.options.now = Some(super::super::testing::time("2026-01-10T12:00:00Z"));
        assert_eq!(judged(&scene).verdict, Verdict::Fail);
    }

    #[test]
    fn missing_times_are_unknown() {
        let mut scene = scene(JUST, OLD);
        scene.region.container_instances[0].registered_at = None;
        scene.region.instances[0].launch_time = None;
        let result = judged(&scene);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Medium));
        assert!(only(&result).message.contains("registeredAt"));
        scene.region.vpc_endpoints[1].creation_timestamp = None;
        assert!(only(&judged(&scene)).message.contains("CreationTimestamp of vpce-ecs-telemetry"));
    }

    #[test]
    fn cloudtrail_proves_either_way() {
        let mut scene = scene(JUST, OLD);
        scene.region.completeness.record(Action::LookupEvents, Status::complete());
        scene.region.cloudtrail_events = vec![from(json!({"EventId": "1", "EventName": "DiscoverPollEndpoint", "EventTime": "2026-01-10T11:50:00Z", "Username": "i-a", "VpcEndpointId": "vpce-ecs"}))];
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
        scene.region.cloudtrail_events[0].vpc_endpoint_id = None;
        let result = judged(&scene);
        assert!(only(&result).message.contains("CloudTrail"), "{}", only(&result).message);
        // A call of before the endpoints proves nothing.
        scene.region.cloudtrail_events[0].event_time = Some(super::super::testing::time(JUST[0]));
        assert!(!only(&judged(&scene)).message.contains("CloudTrail"));
    }

    #[test]
    fn without_all_three_endpoints_there_is_nothing_to_pick_up() {
        let mut scene = scene(JUST, OLD);
        scene.region.vpc_endpoints.pop();
        assert_eq!(judged(&scene).verdict, Verdict::NotApplicable);
        scene.region.completeness.0.insert(Action::DescribeVpcEndpoints, Status::of(State::Partial, "throttled"));
        let result = judged(&scene);
        assert_eq!(result.verdict, Verdict::Unknown);
        assert!(only(&result).message.contains("ec2:DescribeVpcEndpoints"));
    }

    #[test]
    fn stopped_machines_are_left_out() {
        let mut scene = scene(JUST, OLD);
        scene.region.instances[0].state = from(json!({"Name": "stopped"}));
        assert_eq!(judged(&scene).verdict, Verdict::NotApplicable);
    }
}
