//! Where what was observed contradicts a path that is said to fail: an agent is connected all the same, a task has started
//! although what it needs for that cannot be fetched. The verdict stays; the finding is less sure and says what that may mean.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{Kind, Need, Owner, Placement, View};
use crate::finding::{Confidence, Finding, Severity};
use crate::inventory::ecs::Task;

/// What ECS says of agents and tasks, for look-ups.
#[derive(Debug)]
pub struct Reality<'a> {
    /// Whether each agent is connected, where ECS says so.
    agents: BTreeMap<&'a str, bool>,
    /// Live tasks by their own ARN and by that of their container instance.
    tasks: BTreeMap<&'a str, Vec<&'a Task>>,
}

/// The agents and tasks that a failing path concerns, and those of them that show otherwise.
#[derive(Debug, Default)]
pub struct Contradiction<'a> {
    concerned: BTreeSet<&'a str>,
    connected: BTreeSet<&'a str>,
    started: BTreeSet<&'a str>,
    on_instances: bool,
}

impl<'a> Reality<'a> {
    /// Indexes what was observed.
    #[must_use]
    pub fn new(view: &'a View<'_>) -> Self {
        let agents = view.region.container_instances.iter().filter_map(|i| Some((i.container_instance_arn.as_str(), i.agent_connected?))).collect();
        let mut tasks: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
        for task in view.region.tasks.iter().filter(|t| !t.last_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("STOPPED"))) {
            for key in [Some(task.task_arn.as_str()), task.container_instance_arn.as_deref()].into_iter().flatten() {
                tasks.entry(key).or_default().push(task);
            }
        }
        Self { agents, tasks }
    }

    /// Adds what was observed of those whom one failing path concerns.
    pub fn compare(&self, placement: &'a Placement, need: &Need, into: &mut Contradiction<'a>) {
        if matches!(need.service.as_str(), "ecs" | "ecs-agent") && matches!(placement.kind, Kind::ContainerInstance | Kind::ManagedInstance) {
            for member in &placement.members {
                if let Some(connected) = self.agents.get(member.as_str()) {
                    into.concerned.insert(member);
                    if *connected {
                        into.connected.insert(member);
                    }
                }
            }
        }
        if !is_for_start(need) {
            return;
        }
        for task in placement.members.iter().filter_map(|m| self.tasks.get(m.as_str())).flatten() {
            if !task.task_definition_arn.as_ref().is_some_and(|d| need.definitions.contains_key(d)) {
                continue;
            }
            into.concerned.insert(&task.task_arn);
            if has_started(task) {
                into.started.insert(&task.task_arn);
                into.on_instances |= task.container_instance_arn.is_some();
            }
        }
    }
}

impl Contradiction<'_> {
    /// Lowers the confidence of a finding that is contradicted, and says by what and what that may mean.
    pub fn tell(&self, finding: &mut Finding) {
        let against = self.connected.len() + self.started.len();
        if against == 0 {
            return;
        }
        let floor = if against < self.concerned.len() { Confidence::Medium } else { Confidence::Low };
        finding.confidence = finding.confidence.min(floor);
        let mut seen = Vec::new();
        let mut may = vec!["a proxy", "a way that is not visible to the audit"];
        if !self.connected.is_empty() {
            seen.push(format!("{} connected", count(self.connected.len(), "agent is", "agents are")));
            may.push("a connection older than the change");
        }
        if !self.started.is_empty() {
            seen.push(format!("{} started", count(self.started.len(), "task has", "tasks have")));
            may.push("a start before the change");
        }
        if self.on_instances {
            may.push("an image that was on the instance already");
        }
        let last = may.pop().unwrap_or_default();
        finding.message.push_str(&format!(" Yet {}: that may mean {} or {last}.", seen.join(" and "), may.join(", ")));
    }
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Whether a task cannot have started without this need.
fn is_for_start(need: &Need) -> bool {
    match need.service.as_str() {
        "ecr.api" | "ecr.dkr" | "secretsmanager" | "ssm" => true,
        // Layers and environment files, not what Exec or a log router writes.
        "s3" => need.asks.iter().any(|a| a.action == "s3:GetObject"),
        // A driver that cannot start keeps the task from starting; one that drops lines does not.
        "logs" => need.owners.contains(&(Owner::Rule("EP09"), Severity::Critical)),
        service => service.starts_with("registry:"),
    }
}

fn has_started(task: &Task) -> bool {
    task.started_at.is_some() || task.last_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("RUNNING"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_whole, only};
    use super::super::{ep01, ep04, ep09, run, wl01};
    use super::*;
    use crate::analysis::testing::{SUBNET_A, Scene, log};
    use crate::finding::Verdict;
    use crate::rules::Rule;

    fn judged(scene: &Scene, rule: &'static Rule) -> Finding {
        let result = scene.view(|view| run(rule, view));
        assert_whole(&result);
        let finding = only(&result).clone();
        assert_eq!((finding.verdict, finding.severity), (Verdict::Fail, rule.severity), "what was observed changes neither");
        finding
    }

    /// Two agents in a subnet without endpoints and without a way out.
    fn agents(connected: [Option<bool>; 2]) -> Finding {
        let mut scene = Scene::new();
        for (name, connected) in ["a", "b"].into_iter().zip(connected) {
            scene.instance("web", name, SUBNET_A);
            scene.region.container_instances.last_mut().expect("just added").agent_connected = connected;
        }
        judged(&scene, &ep01::RULE)
    }

    #[test]
    fn connected_agents_contradict_a_missing_endpoint() {
        let all = agents([Some(true), Some(true)]);
        assert_eq!(all.confidence, Confidence::Low);
        assert!(all.message.contains("Yet 2 agents are connected: that may mean a proxy, a way that is not visible to the audit or a connection older than the change."), "{}", all.message);
        assert_eq!(agents([Some(true), Some(false)]).confidence, Confidence::Medium, "one of two");
        for silent in [agents([Some(false), Some(false)]), agents([None, None])] {
            assert_eq!(silent.confidence, Confidence::High);
            assert!(!silent.message.contains("Yet"), "{}", silent.message);
        }
    }

    /// A Fargate task in the same place, whose image is of this registry.
    fn task(status: &str, image: Option<&str>, logs: bool) -> Scene {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |d| {
            for container in &mut d.container_definitions {
                container.image = image.map(str::to_owned).or_else(|| container.image.take());
                container.log_configuration = logs.then(|| log("awslogs", &[("awslogs-group", "/web")]));
            }
        });
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        scene.last_task().last_status = Some(status.to_owned());
        scene
    }

    #[test]
    fn a_started_task_contradicts_what_it_could_not_have_started_without() {
        for (rule, image) in [(&ep04::RULE, None), (&ep09::RULE, None), (&wl01::RULE, Some("nginx"))] {
            let running = judged(&task("RUNNING", image, true), rule);
            assert_eq!(running.confidence, Confidence::Low, "{}", rule.id);
            assert!(running.message.contains("Yet 1 task has started: that may mean"), "{}", running.message);
            assert!(!running.message.contains("on the instance"), "Fargate keeps no images: {}", running.message);
            let pending = judged(&task("PENDING", image, true), rule);
            assert_eq!(pending.confidence, Confidence::High, "{}", rule.id);
        }
    }

    #[test]
    fn on_an_instance_the_image_may_have_been_there() {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |_| {});
        let instance = scene.instance("web", "a", SUBNET_A);
        scene.instance_task("web", "t1", &definition, None, &instance, Some(SUBNET_A));
        let finding = judged(&scene, &ep04::RULE);
        assert!(finding.message.contains("or an image that was on the instance already."), "{}", finding.message);
        // What was there is no agent's connection.
        assert!(!finding.message.contains("connected"), "{}", finding.message);
    }
}
