//! AG04: The ECS endpoints were made in the wrong order.

use std::collections::BTreeSet;

use super::agents::{self, Agent, Pickup, Ways, picked_up, trio_of};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::{Evidence, Severity};
use crate::inventory::Time;
use crate::inventory::ec2::VpcEndpoint;

/// The ECS endpoints were made in the wrong order.
pub static RULE: Rule = Rule {
    id: "AG04",
    name: "endpoints-created-out-of-order",
    title: "The ECS endpoints were made in the wrong order",
    severity: Severity::Medium,
    why: "The ecs endpoint is the switch: from the moment it exists, agents are told to use names that ecs-agent and ecs-telemetry serve. Made before those two, \
          under running instances, it sends agents to names that are not there yet.",
    mend: "Restart the agents of the instances that are named. Recreate the ecs endpoint last only if that does not help.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::AGENTS_SEEN,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let all = agents::all(view);
    let ways = Ways::new(view);
    let vpcs: BTreeSet<&str> = all.iter().filter_map(|a| a.vpc).collect();
    if !vpcs.is_empty() && !view.seen(Action::DescribeVpcEndpoints) {
        outcome.unseen([Unseen::Action(Action::DescribeVpcEndpoints)], all.iter().map(|a| a.arn().to_owned()));
    }
    for vpc in vpcs {
        let here: Vec<&Agent<'_>> = all.iter().filter(|a| a.vpc == Some(vpc)).collect();
        if let [Some(agent), Some(telemetry), Some(ecs)] = trio_of(view, vpc) {
            judge(view, outcome, &ways, vpc, [agent, telemetry, ecs], &here);
        }
    }
    // An instance whose VPC was not seen may stand behind any of them.
    let lost: Vec<String> = all.iter().filter(|a| a.vpc.is_none() && matches!(a.machine, agents::Machine::Unseen)).map(|a| a.arn().to_owned()).collect();
    if !lost.is_empty() {
        outcome.unseen([Unseen::Action(Action::DescribeInstances)], lost);
    }
}

/// Whether `a` was made before `b`. Within a second the order is taken as kept: one template made both.
fn before(a: Time, b: Time) -> bool {
    b.0.as_millisecond() - a.0.as_millisecond() > 1000
}

fn judge(view: &View<'_>, outcome: &mut Outcome<'_>, ways: &Ways<'_>, vpc: &str, trio: [&VpcEndpoint; 3], here: &[&Agent<'_>]) {
    let names = || here.iter().map(|a| a.arn().to_owned()).collect();
    let [Some(agent), Some(telemetry), Some(ecs)] = trio.map(|e| e.creation_timestamp) else {
        let finding = outcome.unknown(
            subject::of(view, vpc),
            "times",
            "The order in which the ECS endpoints were made cannot be told. A creation time is missing; one that was made anew hides what was before.",
        );
        finding.affects = names();
        return;
    };
    let switched_early = before(ecs, agent) || before(ecs, telemetry);
    if !switched_early && !before(telemetry, agent) {
        outcome.pass();
        return;
    }
    let (mut older, mut undated) = (Vec::new(), Vec::new());
    for a in here.iter().filter(|a| a.in_service() && a.runs() != Some(false)) {
        match a.instance.registered_at {
            Some(t) if t < ecs => older.push(*a),
            Some(_) => {}
            None => undated.push(a.arn().to_owned()),
        }
    }
    if !undated.is_empty() {
        let finding = outcome.unknown(subject::of(view, vpc), "registeredAt", "Whether instances were there before the ECS endpoints cannot be told. The time of their registration is missing.");
        finding.affects = undated.into_iter().collect();
    }
    if older.is_empty() {
        outcome.reason("no instance is older than the ecs endpoint");
        outcome.pass();
        return;
    }
    let evidence: Vec<Evidence> = trio
        .iter()
        .filter_map(|e| {
            Some(Evidence::new(
                Action::DescribeVpcEndpoints,
                "CreationTimestamp",
                e.creation_timestamp?.to_string(),
                format!("{} {}", e.service_name.as_deref().unwrap_or_default(), e.vpc_endpoint_id),
            ))
        })
        .collect();
    let mut stale = BTreeSet::new();
    if switched_early {
        let mut unsure = (BTreeSet::new(), Vec::new());
        for a in &older {
            match picked_up(view, ways, a) {
                Pickup::Bypasses | Pickup::NotShown { .. } => {
                    stale.insert(a.arn().to_owned());
                }
                Pickup::Unknown(what) => {
                    unsure.0.extend(what);
                    unsure.1.push(a.arn().to_owned());
                }
                Pickup::NoTime(what) => {
                    unsure.0.insert(Unseen::Datum(what));
                    unsure.1.push(a.arn().to_owned());
                }
                Pickup::Aside | Pickup::Started | Pickup::Observed | Pickup::Likely => {}
            }
        }
        let undecided = !unsure.1.is_empty();
        outcome.unseen(unsure.0, unsure.1);
        if undecided && stale.is_empty() {
            return;
        }
    }
    let history = "An endpoint that was made anew has a new time, so the order may once have been another.";
    if stale.is_empty() {
        let message = format!("The ECS endpoints of {vpc} were not made in the order ecs-agent, ecs-telemetry, ecs. No agent is seen to suffer from it. {history}");
        let finding = outcome.fail(subject::of(view, vpc), "", message);
        finding.severity = Severity::Info;
        finding.evidence = evidence;
        return;
    }
    let who = text::some(stale.iter().map(|a| text::last(a)));
    let message = format!(
        "In {vpc} the ecs endpoint was made before ecs-agent and ecs-telemetry were both there, under running instances. {} not shown to have restarted since: {who}. {history}",
        match stale.len() {
            1 => "1 agent is".to_owned(),
            n => format!("{n} agents are"),
        }
    );
    let finding = outcome.fail(subject::of(view, vpc), "", message);
    finding.evidence = evidence;
    finding.evidence.extend(text::evidence(
        Action::DescribeContainerInstances,
        "registeredAt",
        older.iter().filter(|a| stale.contains(a.arn())).filter_map(|a| Some((a.arn(), a.instance.registered_at?.to_string()))),
    ));
    finding.remediation.commands = super::ag02::restart(&view.region.region, older.iter().copied().filter(|a| stale.contains(a.arn())));
    finding.affects = stale;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleResult;
    use super::super::testing::{Scene, VPC, arn, assert_whole, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const OLD: &str = "2025-06-01T00:00:00Z";

    fn judged(made: [&str; 3], registered: &str, with: impl FnOnce(&mut Scene)) -> RuleResult {
        let mut scene = Scene::new();
        scene.trio(made).instance("a", registered, json!({}));
        let member = arn("container-instance", "a");
        scene.placement(Kind::ContainerInstance, &[&member], &["ecs", "ecs-agent", "ecs-telemetry"].map(|s| (s, Way::InterfaceEndpoint, Tri::Pass)));
        with(&mut scene);
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    /// ecs-agent, ecs-telemetry, ecs; ecs first.
    const WRONG: [&str; 3] = ["2026-01-10T11:20:00Z", "2026-01-10T11:15:00Z", "2026-01-10T11:00:00Z"];

    #[test]
    fn kept_order_passes() {
        assert_eq!(judged(["2026-01-10T11:00:00Z", "2026-01-10T11:10:00Z", "2026-01-10T11:20:00Z"], OLD, |_| {}).verdict, Verdict::Pass);
    }

    #[test]
    fn ecs_first_under_running_agents_fails() {
        let result = judged(WRONG, OLD, |_| {});
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::Medium, Some(VPC)));
        assert_eq!(finding.affects, [arn("container-instance", "a")].into());
        assert!(!finding.remediation.commands.is_empty());
    }

    #[test]
    fn ecs_before_telemetry_alone_fails_too() {
        assert_eq!(judged(["2026-01-10T11:00:00Z", "2026-01-10T11:20:00Z", "2026-01-10T11:10:00Z"], OLD, |_| {}).verdict, Verdict::Fail);
    }

    #[test]
    fn a_tie_within_a_second_is_order() {
        assert_eq!(judged(["2026-01-10T11:00:01Z", "2026-01-10T11:00:00.5Z", "2026-01-10T11:00:00Z"], OLD, |_| {}).verdict, Verdict::Pass);
        assert_eq!(judged(["2026-01-10T11:00:01.2Z", "2026-01-10T11:00:00Z", "2026-01-10T11:00:00Z"], OLD, |_| {}).verdict, Verdict::Fail);
    }

    #[test]
    fn younger_instances_do_not_mind() {
        assert_eq!(judged(WRONG, "2026-01-10T11:05:00Z", |_| {}).verdict, Verdict::Pass);
    }

    #[test]
    fn telemetry_before_agent_is_only_worth_knowing() {
        let result = judged(["2026-01-10T11:15:00Z", "2026-01-10T11:10:00Z", "2026-01-10T11:20:00Z"], OLD, |_| {});
        assert_eq!(only(&result).severity, Severity::Info);
        assert!(only(&result).affects.is_empty());
    }

    #[test]
    fn agents_that_have_moved_since_make_it_info() {
        let result = judged(["2026-01-09T21:20:00Z", "2026-01-09T21:15:00Z", "2026-01-09T21:00:00Z"], OLD, |_| {});
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Fail, Severity::Info));
        let restarted = judged(WRONG, OLD, |s| s.region.instances[0].launch_time = Some(super::super::testing::time("2026-01-10T11:30:00Z")));
        assert_eq!(only(&restarted).severity, Severity::Info);
    }

    #[test]
    fn without_a_clock_it_is_unknown() {
        assert_eq!(judged(WRONG, OLD, |s| s.region.taken_at = None).verdict, Verdict::Unknown);
    }

    #[test]
    fn missing_times_are_unknown() {
        let result = judged(WRONG, OLD, |s| s.region.vpc_endpoints[0].creation_timestamp = None);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Medium));
        assert!(only(&result).message.contains("made anew"));
        assert_eq!(judged(WRONG, OLD, |s| s.region.container_instances[0].registered_at = None).verdict, Verdict::Unknown);
    }

    #[test]
    fn without_the_trio_it_does_not_apply_and_unseen_it_is_unknown() {
        assert_eq!(judged(WRONG, OLD, |s| s.region.vpc_endpoints.clear()).verdict, Verdict::NotApplicable);
        let denied = |s: &mut Scene| {
            s.region.vpc_endpoints.clear();
            s.deny(Action::DescribeVpcEndpoints);
        };
        assert_eq!(judged(WRONG, OLD, denied).verdict, Verdict::Unknown);
    }
}
