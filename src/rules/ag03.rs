//! AG03: A container agent is not connected.

use super::agents::{self, Agent, Machine, Ways};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Tri, Unseen, View};
use crate::finding::{Confidence, Evidence, Severity};
use crate::inventory::ecs::ServiceEvent;

/// A container agent is not connected.
pub static RULE: Rule = Rule {
    id: "AG03",
    name: "agent-disconnected",
    title: "A container agent is not connected",
    severity: Severity::Critical,
    why: "A disconnected agent gets no orders: tasks on its instance are neither started nor stopped, and their credentials are no longer renewed. Agents \
          reconnect several times an hour, so one look can catch a healthy one.",
    mend: "Mend the path that is named as probable cause, or look at /var/log/ecs/ecs-agent.log on the instance, then restart the agent.",
    sources: &[pages::CONTAINER_INSTANCE, pages::CONNECTIVITY],
    reads: reads::AGENTS_SEEN,
    check,
};

/// Two looks that lie this far apart, in seconds, are two: agents reconnect several times an hour, each time within seconds.
const APART: i64 = 3 * 60;
/// An earlier look of this age, in seconds, says nothing of now.
const FORGOTTEN: i64 = 3600;

/// How often an agent was looked at, and what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// One look.
    Once,
    /// Connected in one look and not in another.
    Flapped,
    /// Not connected in two looks or more.
    Twice,
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let ways = Ways::new(view);
    for (cluster, agents) in agents::by_cluster(view, agents::all(view)) {
        let (mut gone, mut silent, mut unseen) = (Vec::new(), Vec::new(), Vec::new());
        for agent in agents.iter().filter(|a| a.in_service() && !matches!(a.machine, Machine::Gone)) {
            let others = view.region.agent_looks.get(agent.arn()).map_or(&[][..], Vec::as_slice);
            match (agent.instance.agent_connected, agent.runs()) {
                (_, Some(false)) => {}
                (Some(true), runs) if others.contains(&false) => match runs {
                    Some(_) => gone.push((agent, Look::Flapped)),
                    None => unseen.push(agent.arn().to_owned()),
                },
                (Some(true), _) => outcome.pass(),
                (Some(false), Some(true)) if others.contains(&true) => gone.push((agent, Look::Flapped)),
                (Some(false), Some(true)) if !others.is_empty() || told_before(view, agent).is_some() => gone.push((agent, Look::Twice)),
                (Some(false), Some(true)) => gone.push((agent, Look::Once)),
                (Some(false), None) => unseen.push(agent.arn().to_owned()),
                (None, _) => silent.push(agent),
            }
        }
        if !unseen.is_empty() {
            outcome.unseen([Unseen::Action(Action::DescribeInstances)], unseen);
        }
        report(view, outcome, &ways, &cluster, &gone);
        if !silent.is_empty() {
            let who = text::some(silent.iter().map(|a| text::last(a.arn())));
            let message = format!(
                "ECS does not say whether {} in cluster {} {} connected. The field agentConnected is missing: {who}.",
                text::count(silent.len(), "agent"),
                text::last(&cluster),
                if silent.len() == 1 { "is" } else { "are" }
            );
            let finding = outcome.unknown(subject::of(view, &cluster), "agentConnected", message);
            finding.affects = silent.iter().map(|a| a.arn().to_owned()).collect();
        }
    }
}

/// An earlier look that ECS itself took: a service event that names the instance as one whose agent was disconnected
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>).
fn told_before<'a>(view: &'a View<'_>, agent: &Agent<'_>) -> Option<&'a ServiceEvent> {
    let (now, id) = (view.now?, text::last(agent.arn()));
    let cluster = agents::cluster_of(view, agent.instance);
    let services = view.region.services.iter().filter(|s| s.cluster_arn == cluster);
    services.flat_map(|s| &s.events).find(|e| {
        let names = e.message.as_deref().is_some_and(|m| m.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|w| w == id) && (m.contains("\"AGENT\"") || m.contains("'AGENT'")));
        names && e.created_at.is_some_and(|t| (APART..=FORGOTTEN).contains(&now.seconds_since(t)))
    })
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, ways: &Ways<'_>, cluster: &str, found: &[(&Agent<'_>, Look)]) {
    let Some(look) = found.iter().map(|(_, look)| *look).max() else { return };
    let gone: Vec<&Agent<'_>> = found.iter().map(|(a, _)| *a).collect();
    let of = |look: Look| found.iter().filter(|(_, l)| *l == look).count();
    let seen = match look {
        Look::Once => "Seen once: agents reconnect several times an hour, so look again before you act.".to_owned(),
        Look::Twice if of(Look::Twice) == found.len() => "Seen twice, so this is no mere reconnection.".to_owned(),
        Look::Flapped if of(Look::Flapped) == found.len() => "The connection flapped: one look found it, another did not.".to_owned(),
        _ => format!("Seen twice for {}, connected in another look for {}, seen once for {}.", of(Look::Twice), of(Look::Flapped), of(Look::Once)),
    };
    let mut message = format!("{} in cluster {} {} not connected to ECS. {seen}", text::count(gone.len(), "agent"), text::last(cluster), if gone.len() == 1 { "was" } else { "were" });
    let causes = causes(ways, &gone);
    let open = gone.iter().any(|a| ways.control(a.arn()).iter().any(|(_, p)| p.verdict == Tri::Unknown));
    if causes.is_empty() && open {
        message.push_str(" Whether the paths of these instances to ECS are open could not be told.");
    } else if causes.is_empty() {
        message.push_str(" No path of these instances to ECS is seen to fail: look for a stopped agent, a proxy, a firewall on the host or the instance role.");
    } else {
        message.push_str(&format!(" Probable cause: {}.", text::some(causes)));
    }
    // Where the agents use the endpoints, a lasting disconnection is what this audit is about.
    let in_use = |a: &&Agent<'_>| a.vpc.is_some_and(|v| agents::trio_of(view, v).iter().any(Option::is_some));
    let lasting = found.iter().filter(|(_, l)| *l == Look::Twice).map(|(a, _)| *a).any(|a| in_use(&a));
    let finding = outcome.fail(subject::of(view, cluster), "", message);
    finding.severity = if lasting { Severity::Critical } else { Severity::Medium };
    finding.confidence = if look == Look::Twice { Confidence::High } else { Confidence::Medium };
    finding.evidence = text::evidence(Action::DescribeContainerInstances, "agentConnected", gone.iter().map(|a| (a.arn(), "false".to_owned())));
    let told = gone.iter().filter_map(|a| told_before(view, a)).take(text::SHOWN);
    finding
        .evidence
        .extend(told.map(|e| Evidence::new(Action::DescribeServices, "events[].message", e.message.as_deref().unwrap_or_default(), e.created_at.map(|t| t.to_string()).unwrap_or_default())));
    let states = gone.iter().filter_map(|a| if let Machine::Seen(m) = a.machine { Some((m.instance_id.as_str(), m.state.as_ref()?.name.clone()?)) } else { None });
    let states: Vec<Evidence> = text::evidence(Action::DescribeInstances, "State.Name", states);
    finding.evidence.extend(states);
    finding.affects = gone.iter().map(|a| a.arn().to_owned()).collect();
    finding.remediation.commands = super::ag02::restart(&view.region.region, gone.iter().copied());
}

/// What stops the agents' paths, each cause once: the first failing hop of the first failing path of each agent.
fn causes(ways: &Ways<'_>, gone: &[&Agent<'_>]) -> std::collections::BTreeSet<String> {
    gone.iter()
        .filter_map(|agent| {
            let paths = ways.control(agent.arn());
            let (service, path) = agents::TRIO.iter().rev().find_map(|t| paths.iter().find(|(s, p)| s == t && p.verdict == Tri::Fail))?;
            let cause = path.causes.iter().filter(|c| c.verdict == Tri::Fail).max_by_key(|c| c.severity);
            Some(match cause {
                Some(cause) => format!("the path to {service} stops at {} ({}: {})", cause.object, cause.rule, cause.detail),
                None => format!("the path to {service} fails"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{CLUSTER, Scene, arn, assert_whole, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Confidence, Severity, Verdict};

    fn scene(connected: serde_json::Value) -> Scene {
        let mut scene = Scene::new();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"agentConnected": connected}));
        scene
    }

    #[test]
    fn connected_passes_and_silence_is_unknown() {
        assert_eq!(scene(json!(true)).run(&RULE).verdict, Verdict::Pass);
        let result = scene(json!(null)).run(&RULE);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Critical));
    }

    #[test]
    fn seen_once_is_medium_and_not_sure() {
        let result = scene(json!(false)).run(&RULE);
        assert_whole(&result);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.confidence, finding.resource.id.as_deref()), (Severity::Medium, Confidence::Medium, Some(CLUSTER)));
        assert!(finding.message.to_lowercase().contains("seen once"), "{}", finding.message);
        assert!(finding.message.contains("No path"), "{}", finding.message);
        assert_eq!(finding.affects, [arn("container-instance", "a")].into());
    }

    #[test]
    fn the_failing_path_is_the_probable_cause() {
        let mut scene = scene(json!(false));
        let member = arn("container-instance", "a");
        scene.placement(Kind::ContainerInstance, &[&member], &[("ecs", Way::InterfaceEndpoint, Tri::Pass), ("ecs-agent", Way::InterfaceEndpoint, Tri::Fail)]);
        scene.cause("ecs-agent", "DN01", Tri::Fail, Severity::Critical, "vpce-9");
        let result = scene.run(&RULE);
        let message = &only(&result).message;
        assert!(message.contains("Probable cause: the path to ecs-agent stops at vpce-9 (DN01: for a test)"), "{message}");
    }

    #[test]
    fn an_instance_that_does_not_run_cannot_be_connected() {
        let mut scene = scene(json!(false));
        scene.region.instances[0].state = from(json!({"Name": "stopped"}));
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.region.instances.clear();
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.deny(Action::DescribeInstances);
        let result = scene.run(&RULE);
        assert_eq!(result.verdict, Verdict::Unknown);
        assert!(only(&result).message.contains("ec2:DescribeInstances") && only(&result).affects.contains(&arn("container-instance", "a")));
    }

    #[test]
    fn one_that_is_still_registering_is_left_out() {
        let mut scene = scene(json!(false));
        scene.region.container_instances[0].status = Some("REGISTERING".into());
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn seen_twice_is_critical_where_the_endpoints_are_in_use() {
        let mut scene = scene(json!(false));
        scene.region.agent_looks.insert(arn("container-instance", "a"), vec![false]);
        let result = scene.run(&RULE);
        assert_eq!((only(&result).severity, only(&result).confidence), (Severity::Medium, Confidence::High), "no endpoint: nothing that PrivateLink broke");
        assert!(only(&result).message.contains("Seen twice"), "{}", only(&result).message);
        scene.trio(["2025-12-01T00:00:00Z"; 3]);
        let result = scene.run(&RULE);
        assert_whole(&result);
        assert_eq!((only(&result).severity, only(&result).confidence), (Severity::Critical, Confidence::High));
    }

    #[test]
    fn a_connection_that_comes_and_goes_is_medium() {
        for (now, before) in [(true, false), (false, true)] {
            let mut scene = scene(json!(now));
            scene.trio(["2025-12-01T00:00:00Z"; 3]);
            scene.region.agent_looks.insert(arn("container-instance", "a"), vec![before]);
            let result = scene.run(&RULE);
            assert_eq!((only(&result).severity, only(&result).confidence), (Severity::Medium, Confidence::Medium));
            assert!(only(&result).message.contains("flapped"), "{}", only(&result).message);
        }
        let mut scene = scene(json!(true));
        scene.region.agent_looks.insert(arn("container-instance", "a"), vec![true]);
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn an_event_of_a_service_is_an_earlier_look() {
        let event = |at: &str, id: &str, error: &str| {
            let mut scene = Scene::new();
            scene.instance("0f1e", "2026-01-01T00:00:00Z", json!({"agentConnected": false}));
            scene.trio(["2025-12-01T00:00:00Z"; 3]);
            let message = format!(
                "(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance {id}) encountered error \"{error}\"."
            );
            scene.region.services =
                vec![from(json!({"serviceArn": arn("service", "web"), "serviceName": "web", "clusterArn": CLUSTER, "status": "ACTIVE", "events": [{"id": "e", "createdAt": at, "message": message}]}))];
            only(&scene.run(&RULE)).severity
        };
        // The scene is taken at noon.
        assert_eq!(event("2026-01-10T11:57:00Z", "0f1e", "AGENT"), Severity::Critical);
        assert_eq!(event("2026-01-10T11:58:00Z", "0f1e", "AGENT"), Severity::Medium, "too near to be a second look");
        assert_eq!(event("2026-01-10T10:59:00Z", "0f1e", "AGENT"), Severity::Medium, "too long ago");
        assert_eq!(event("2026-01-10T11:50:00Z", "0f1e5", "AGENT"), Severity::Medium, "another instance");
        assert_eq!(event("2026-01-10T11:50:00Z", "0f1e", "CPU"), Severity::Medium, "another error");
    }
}
