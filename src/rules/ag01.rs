//! AG01: A container agent is too old.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::{self, Agent, Compared, Version};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::View;
use crate::finding::Severity;

/// A container agent is too old.
pub static RULE: Rule = Rule {
    id: "AG01",
    name: "agent-too-old",
    title: "A container agent is too old",
    severity: Severity::Critical,
    why: "Agents before 1.25.1 use host names of ECR that PrivateLink does not serve, so images cannot be pulled privately. Later features have minimum versions \
          of their own.",
    mend: "Update the agent (`aws ecs update-container-agent`), or replace the instance by one with a current ECS-optimized image.",
    sources: &[pages::ECS_ENDPOINTS, pages::AGENT_UPDATE],
    reads: reads::AGENTS_SEEN,
    check,
};

/// The first version that uses the host names that PrivateLink serves.
const MINIMUM: [u64; 3] = [1, 25, 1];

/// A version that something in use needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    minimum: [u64; 3],
    what: &'static str,
}

/// What one agent lacks.
struct Lack<'a> {
    agent: &'a Agent<'a>,
    raw: &'a str,
    wanted: Wanted,
    severity: Severity,
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let features = features(view);
    for (cluster, agents) in agents::by_cluster(view, agents::all(view)) {
        let agents: Vec<Agent<'_>> = agents.into_iter().filter(|a| !matches!(a.machine, agents::Machine::External)).collect();
        let mut lacks: Vec<Lack<'_>> = Vec::new();
        let mut unclear: Vec<(&Agent<'_>, &str)> = Vec::new();
        for agent in &agents {
            let raw = agent.instance.version_info.as_ref().and_then(|v| v.agent_version.as_deref()).unwrap_or_default();
            let Some(version) = Version::parse(raw) else {
                unclear.push((agent, raw));
                continue;
            };
            let base = [(Wanted { minimum: MINIMUM, what: "PrivateLink" }, Severity::Critical)];
            let used = features.get(agent.arn()).into_iter().flatten().map(|w| (Wanted { minimum: if agent.is_windows() { windows(*w) } else { w.minimum }, ..*w }, Severity::High));
            let ipv6 = ipv6_only(view, agent).then_some((Wanted { minimum: [1, 99, 1], what: "IPv6-only subnets" }, Severity::High));
            // The worst lack of an agent says what has to be done; the others go with it.
            let all: Vec<_> = base.into_iter().chain(used).chain(ipv6).map(|(w, s)| (version.compare(w.minimum), w, s)).collect();
            if let Some((_, wanted, severity)) = all.iter().find(|(c, _, _)| *c == Compared::Older) {
                lacks.push(Lack { agent, raw, wanted: *wanted, severity: *severity });
            } else if all.iter().any(|(c, _, _)| *c == Compared::Unclear) {
                unclear.push((agent, raw));
            } else {
                outcome.pass();
            }
        }
        report_old(view, outcome, &cluster, &lacks, agents.len());
        report_unclear(view, outcome, &cluster, &unclear);
    }
}

fn report_old(view: &View<'_>, outcome: &mut Outcome<'_>, cluster: &str, lacks: &[Lack<'_>], of: usize) {
    let Some(worst) = lacks.iter().map(|l| l.severity).max() else { return };
    let mut reasons: BTreeMap<Wanted, Vec<String>> = BTreeMap::new();
    for lack in lacks {
        reasons.entry(lack.wanted).or_default().push(format!("{} ({})", text::last(lack.agent.arn()), lack.raw));
    }
    let told: Vec<String> =
        reasons.iter().map(|(w, who)| format!("{} needs {} or newer, and {} {} older", w.what, dotted(w.minimum), text::some(who), if who.len() == 1 { "is" } else { "are" })).collect();
    let message = format!("{} of {of} in cluster {} {} too old. {}.", text::count(lacks.len(), "agent"), text::last(cluster), if lacks.len() == 1 { "is" } else { "are" }, told.join("; "));
    let region = &view.region.region;
    let finding = outcome.fail(subject::of(view, cluster), "", message);
    finding.severity = worst;
    finding.evidence = text::evidence(Action::DescribeContainerInstances, "versionInfo.agentVersion", lacks.iter().map(|l| (l.agent.arn(), l.raw.to_owned())));
    finding.affects = lacks.iter().map(|l| l.agent.arn().to_owned()).collect();
    finding.remediation.commands =
        lacks.iter().take(text::SHOWN).map(|l| text::aws(region, &format!("ecs update-container-agent --cluster {cluster} --container-instance {}", l.agent.arn()))).collect();
}

fn report_unclear(view: &View<'_>, outcome: &mut Outcome<'_>, cluster: &str, unclear: &[(&Agent<'_>, &str)]) {
    if unclear.is_empty() {
        return;
    }
    let shown = |raw: &str| if raw.is_empty() { "no version".to_owned() } else { format!("`{raw}`") };
    let who: Vec<String> = unclear.iter().map(|(a, raw)| format!("{} ({})", text::last(a.arn()), shown(raw))).collect();
    let message = format!(
        "The agent version of {} in cluster {} cannot be judged. It says nothing, or is a build of its own: {}.",
        text::count(unclear.len(), "container instance"),
        text::last(cluster),
        text::some(who)
    );
    let finding = outcome.unknown(subject::of(view, cluster), "version", message);
    finding.evidence = text::evidence(Action::DescribeContainerInstances, "versionInfo.agentVersion", unclear.iter().map(|(a, raw)| (a.arn(), (*raw).to_owned())));
    finding.affects = unclear.iter().map(|(a, _)| a.arn().to_owned()).collect();
    "Look at the version on the instance (`curl -s 127.0.0.1:51678/v1/metadata`); an agent that never connected tells ECS none.".clone_into(&mut finding.remediation.text);
}

/// What the tasks of each container instance use, by ARN. Minimums: ECS Exec 1.50.2, Service Connect 1.67.2.
fn features<'a>(view: &View<'a>) -> BTreeMap<&'a str, BTreeSet<Wanted>> {
    let connected: BTreeSet<(&str, &str)> = view
        .region
        .services
        .iter()
        .filter(|s| s.deployments.iter().any(|d| d.service_connect_configuration.as_ref().is_some_and(|c| c.enabled == Some(true))))
        .filter_map(|s| Some((s.cluster_arn.as_deref()?, s.service_name.as_deref()?)))
        .collect();
    let mut features: BTreeMap<&str, BTreeSet<Wanted>> = BTreeMap::new();
    for task in view.region.tasks.iter().filter(|t| !t.last_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("STOPPED"))) {
        let Some(instance) = task.container_instance_arn.as_deref() else { continue };
        let entry = features.entry(instance).or_default();
        if task.enable_execute_command == Some(true) {
            entry.insert(Wanted { minimum: [1, 50, 2], what: "ECS Exec" });
        }
        if let (Some(cluster), Some(service)) = (task.cluster_arn.as_deref(), task.group.as_deref().and_then(|g| g.strip_prefix("service:")))
            && connected.contains(&(cluster, service))
        {
            entry.insert(Wanted { minimum: [1, 67, 2], what: "Service Connect" });
        }
    }
    features
}

fn windows(wanted: Wanted) -> [u64; 3] {
    if wanted.what == "ECS Exec" { [1, 56, 0] } else { wanted.minimum }
}

fn ipv6_only(view: &View<'_>, agent: &Agent<'_>) -> bool {
    let subnet = match agent.machine {
        agents::Machine::Seen(m) => m.subnet_id.as_deref(),
        _ => agents::attribute(agent.instance, "ecs.subnet-id"),
    };
    subnet.and_then(|s| view.index.subnets.get(s)).is_some_and(|s| s.ipv6_native == Some(true))
}

fn dotted(version: [u64; 3]) -> String {
    version.map(|n| n.to_string()).join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{CLUSTER, Scene, arn, assert_whole, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::finding::{Severity, Verdict};

    fn with_version(version: serde_json::Value) -> super::super::RuleResult {
        let mut scene = Scene::new();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"versionInfo": version}));
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn versions_of_the_agent() {
        for (version, verdict) in [
            ("1.25.0", Verdict::Fail),
            ("1.25.1", Verdict::Pass),
            ("1.9.0", Verdict::Fail),
            ("1.105.1", Verdict::Pass),
            ("v1.25.1-dev", Verdict::Unknown),
            ("junk", Verdict::Unknown),
            ("", Verdict::Unknown),
        ] {
            let result = with_version(json!({"agentVersion": version}));
            assert_eq!(result.verdict, verdict, "{version:?}");
            if verdict != Verdict::Pass {
                let finding = only(&result);
                assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::Critical, Some(CLUSTER)), "{version:?}");
                assert!(finding.affects.contains(&arn("container-instance", "a")));
                assert!(finding.message.contains(if version.is_empty() { "no version" } else { version }), "{}", finding.message);
            }
        }
        assert_eq!(with_version(json!({})).verdict, Verdict::Unknown);
        assert_eq!(with_version(json!(null)).verdict, Verdict::Unknown);
    }

    #[test]
    fn one_finding_a_cluster_names_the_old_agents_alone() {
        let mut scene = Scene::new();
        for (name, version) in [("a", "1.24.0"), ("b", "1.105.1"), ("c", "1.25.0")] {
            scene.instance(name, "2026-01-01T00:00:00Z", json!({"versionInfo": {"agentVersion": version}}));
        }
        let result = scene.run(&RULE);
        let finding = only(&result);
        assert_eq!(finding.affects, [arn("container-instance", "a"), arn("container-instance", "c")].into());
        assert!(finding.message.starts_with("2 agents of 3 in cluster web are too old."), "{}", finding.message);
        assert_eq!(finding.remediation.commands.len(), 2);
        assert!(finding.remediation.commands[0].contains("update-container-agent") && finding.remediation.commands[0].contains(&arn("container-instance", "a")));
    }

    #[test]
    fn features_in_use_raise_the_minimum() {
        let mut scene = Scene::new();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"versionInfo": {"agentVersion": "1.50.1"}}));
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
        scene
            .region
            .tasks
            .push(from(json!({"taskArn": arn("task", "t"), "clusterArn": CLUSTER, "containerInstanceArn": arn("container-instance", "a"), "lastStatus": "RUNNING", "enableExecuteCommand": true})));
        let result = scene.run(&RULE);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Fail, Severity::High));
        assert!(only(&result).message.contains("ECS Exec needs 1.50.2"), "{}", only(&result).message);
    }

    #[test]
    fn service_connect_and_windows_have_minimums_of_their_own() {
        let mut scene = Scene::new();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"versionInfo": {"agentVersion": "1.67.1"}}));
        scene.region.services.push(from(json!({"serviceArn": arn("service", "s"), "serviceName": "s", "clusterArn": CLUSTER, "deployments": [{"serviceConnectConfiguration": {"enabled": true}}]})));
        scene
            .region
            .tasks
            .push(from(json!({"taskArn": arn("task", "t"), "clusterArn": CLUSTER, "containerInstanceArn": arn("container-instance", "a"), "lastStatus": "RUNNING", "group": "service:s"})));
        assert!(only(&scene.run(&RULE)).message.contains("Service Connect needs 1.67.2"));

        let mut scene = Scene::new();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"versionInfo": {"agentVersion": "1.55.0"}, "attributes": [{"name": "ecs.os-type", "value": "windows"}]}));
        scene
            .region
            .tasks
            .push(from(json!({"taskArn": arn("task", "t"), "clusterArn": CLUSTER, "containerInstanceArn": arn("container-instance", "a"), "lastStatus": "RUNNING", "enableExecuteCommand": true})));
        assert!(only(&scene.run(&RULE)).message.contains("ECS Exec needs 1.56.0"));
    }

    #[test]
    fn without_instances_it_does_not_apply_and_unseen_it_is_unknown() {
        let mut scene = Scene::new();
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.deny(Action::DescribeContainerInstances);
        let result = scene.run(&RULE);
        assert_eq!(result.verdict, Verdict::Unknown);
        assert!(only(&result).message.contains("ecs:DescribeContainerInstances") && only(&result).message.contains("AccessDenied"));
    }

    #[test]
    fn external_and_other_clusters_are_left_out() {
        let mut scene = Scene::new();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"versionInfo": {"agentVersion": "1.9.0"}, "ec2InstanceId": "mi-1"}));
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        let mut scene = Scene::new();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"versionInfo": {"agentVersion": "1.9.0"}}));
        scene.options.clusters.insert("other".into());
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }
}
