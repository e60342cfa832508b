//! WL06: ECS Exec is on but cannot work.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::{self, Compared, Version};
use super::roles::{Policies, role_of};
use super::units::{self, Platform, Unit};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Caller, Tri, Unseen, View};
use crate::finding::{Confidence, Evidence, Severity};
use crate::inventory::ecs::{ContainerInstance, Task, TaskDefinition};
use crate::policy::{EndpointType, Principal, Request, Resource};

/// ECS Exec is on but cannot work.
pub static RULE: Rule = Rule {
    id: "WL06",
    name: "exec-not-ready",
    title: "ECS Exec is on but cannot work",
    severity: Severity::High,
    why: "ECS Exec needs more than the network: a platform or agent that is new enough, a task role that may open channels, a writable file system, and a start \
          after Exec was turned on.",
    mend: "Mend what is named, then start the tasks anew.",
    sources: &[pages::EXEC],
    reads: reads::NEEDS,
    check,
};

/// What a session of ECS Exec calls with the task's role.
const CHANNELS: [&str; 4] = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"];

/// One thing in the way.
struct Fault {
    severity: Severity,
    what: String,
    evidence: Evidence,
    /// A prediction that a running Exec agent contradicts.
    predicted: bool,
}

/// Faults of one service or task.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, severity: Severity, predicted: bool, what: impl Into<String>, evidence: Evidence) {
        self.0.push(Fault { severity, what: what.into(), evidence, predicted });
    }
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let mut roles: BTreeMap<String, Policies> = BTreeMap::new();
    for unit in units::all(view) {
        let on = unit.service.map_or_else(|| unit.tasks.iter().any(|t| t.enable_execute_command == Some(true)), |s| s.enable_execute_command == Some(true));
        if !on {
            continue;
        }
        let (definitions, unseen) = unit.definitions(view);
        outcome.unseen(unseen, [unit.arn.to_owned()]);
        let mut faults = Faults::default();
        platform(&unit, &definitions, &mut faults);
        agents_of(view, &unit, &mut faults);
        if unit.ipv6_only(view) {
            faults.add(Severity::High, true, "ECS Exec does not work in IPv6-only subnets", Evidence::new(Action::DescribeSubnets, "Ipv6Native", "true", ""));
        }
        for definition in &definitions {
            containers(definition, &mut faults);
            role(view, outcome, &unit, definition, &mut roles, &mut faults);
        }
        let runs = sessions(&unit, &mut faults);
        report(view, outcome, &unit, faults.0, runs);
    }
}

fn platform(unit: &Unit<'_>, definitions: &[&TaskDefinition], faults: &mut Faults) {
    if !unit.fargate {
        return;
    }
    let windows = units::is_windows(unit.service.and_then(|s| s.platform_family.as_deref()), definitions);
    let asked = unit.service.and_then(|s| s.platform_version.as_deref());
    let old = asked.into_iter().chain(unit.tasks.iter().filter_map(|t| t.platform_version.as_deref())).find(|v| units::platform(Some(v), windows) == Platform::Old);
    if let Some(version) = old {
        faults.add(Severity::High, true, format!("platform version {version} is older than 1.4.0"), Evidence::new(Action::DescribeServices, "platformVersion", version, ""));
    }
}

/// Agents of the instances that run the tasks.
fn agents_of(view: &View<'_>, unit: &Unit<'_>, faults: &mut Faults) {
    let instances: BTreeMap<&str, &ContainerInstance> =
        unit.tasks.iter().filter_map(|t| view.index.container_instances.get(t.container_instance_arn.as_deref()?)).map(|i| (i.container_instance_arn.as_str(), *i)).collect();
    for instance in instances.values() {
        let windows = agents::attribute(instance, "ecs.os-type").is_some_and(|v| v.eq_ignore_ascii_case("windows"));
        let minimum = if windows { [1, 56, 0] } else { [1, 50, 2] };
        let raw = instance.version_info.as_ref().and_then(|v| v.agent_version.as_deref()).unwrap_or_default();
        if Version::parse(raw).is_some_and(|v| v.compare(minimum) == Compared::Older) {
            let what = format!("agent {raw} on {} is older than {}", text::last(&instance.container_instance_arn), minimum.map(|n| n.to_string()).join("."));
            faults.add(Severity::High, true, what, Evidence::new(Action::DescribeContainerInstances, "versionInfo.agentVersion", raw, text::last(&instance.container_instance_arn)));
        }
    }
}

fn containers(definition: &TaskDefinition, faults: &mut Faults) {
    let label = text::last(&definition.task_definition_arn);
    let of = |field: &str, value: &str, container: &str| Evidence::new(Action::DescribeTaskDefinition, field, value, format!("{label}, container {container}"));
    for container in &definition.container_definitions {
        let name = units::container_name(container);
        if container.readonly_root_filesystem == Some(true) {
            faults.add(Severity::High, true, format!("container {name} of {label} has a read-only root file system"), of("readonlyRootFilesystem", "true", name));
        }
        if let Some(variable) = container.environment.iter().flatten().next() {
            let what = format!("container {name} of {label} sets {}, whose key the session would use", variable.name);
            faults.add(Severity::Medium, false, what, of("environment[].name", &variable.name, name));
        }
        if container.linux_parameters.as_ref().and_then(|l| l.init_process_enabled) != Some(true) && !units::is_windows(None, &[definition]) {
            faults.add(
                Severity::Medium,
                false,
                format!("container {name} of {label} has no init process, so ended sessions leave processes behind"),
                of("linuxParameters.initProcessEnabled", "false", name),
            );
        }
    }
    if definition.pid_mode.as_deref() == Some("task") && definition.container_definitions.len() > 1 {
        faults.add(
            Severity::Medium,
            false,
            format!("the containers of {label} share one process namespace, which takes one session at a time"),
            Evidence::new(Action::DescribeTaskDefinition, "pidMode", "task", label),
        );
    }
}

fn role(view: &View<'_>, outcome: &mut Outcome<'_>, unit: &Unit<'_>, definition: &TaskDefinition, roles: &mut BTreeMap<String, Policies>, faults: &mut Faults) {
    let label = text::last(&definition.task_definition_arn);
    let Some(arn) = definition.task_role_arn.as_deref().filter(|a| !a.is_empty()) else {
        // On instances the session falls back to the role of the instance.
        if unit.fargate {
            faults.add(Severity::High, false, format!("{label} has no task role, which has to open the channels"), Evidence::new(Action::DescribeTaskDefinition, "taskRoleArn", "none", label));
            return;
        }
        let (arns, unseen) = instance_roles(view, unit, definition);
        outcome.unseen(unseen, [unit.arn.to_owned()]);
        for arn in arns {
            channels(view, outcome, unit, (&arn, "role of the instance, which stands in for a task role,"), roles, faults);
        }
        return;
    };
    channels(view, outcome, unit, (arn, "task role"), roles, faults);
}

/// The roles of the instances that run the unit's tasks of a definition, and what of them was not seen.
fn instance_roles(view: &View<'_>, unit: &Unit<'_>, definition: &TaskDefinition) -> (BTreeSet<String>, BTreeSet<Unseen>) {
    let (mut found, mut unseen) = (BTreeSet::new(), BTreeSet::new());
    for task in unit.tasks.iter().filter(|t| t.task_definition_arn.as_ref() == Some(&definition.task_definition_arn)) {
        let instance = task.container_instance_arn.as_deref().and_then(|a| view.index.container_instances.get(a));
        let machine = instance.and_then(|i| view.index.instances.get(i.ec2_instance_id.as_deref()?));
        let Some(profile) = machine.and_then(|m| m.iam_instance_profile.as_ref()).and_then(|p| p.arn.clone()) else { continue };
        match role_of(view, &Caller::InstanceProfile(profile)) {
            Ok(role) => found.extend(role),
            Err(what) => {
                unseen.insert(what);
            }
        }
    }
    (found, unseen)
}

/// Whether a role may open the channels of a session.
fn channels(view: &View<'_>, outcome: &mut Outcome<'_>, unit: &Unit<'_>, (arn, which): (&str, &str), roles: &mut BTreeMap<String, Policies>, faults: &mut Faults) {
    let name = text::last(arn);
    let policies = roles.entry(name.to_owned()).or_insert_with(|| Policies::of(view, name));
    if policies.gone {
        faults.add(Severity::High, false, format!("the {which} {name} does not exist"), Evidence::new(Action::GetRole, "Error", "NoSuchEntity", name));
        return;
    }
    let request = |action: &str| Request::new(action, EndpointType::Interface).principal(Principal::Role(arn.to_owned())).resource(Resource::Known("*".to_owned()));
    let verdicts: Vec<(&str, Tri)> = CHANNELS.iter().map(|a| (*a, policies.judge(&request(a)))).collect();
    let denied: Vec<&str> = verdicts.iter().filter(|(_, v)| *v == Tri::Fail).map(|(a, _)| *a).collect();
    if !denied.is_empty() {
        let what = format!("the {which} {name} does not allow {}", text::list(&denied));
        faults.add(Severity::High, false, what, Evidence::new(Action::GetRolePolicy, "Action", denied.join(", "), format!("not allowed to {name}")));
    } else if verdicts.iter().any(|(_, v)| *v == Tri::Unknown) {
        let unseen = if policies.unseen.is_empty() { BTreeSet::from([Unseen::Datum(format!("whether the conditions of role {name} hold for ECS Exec"))]) } else { policies.unseen.clone() };
        outcome.unseen(unseen, [unit.arn.to_owned()]);
    }
}

/// What the running tasks show: those that began without Exec, those whose Exec agent does not run. True: it runs in all of them.
fn sessions(unit: &Unit<'_>, faults: &mut Faults) -> bool {
    let running: Vec<&&Task> = unit.tasks.iter().filter(|t| t.last_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("RUNNING"))).collect();
    let mut all = !running.is_empty();
    for task in running {
        let id = text::last(&task.task_arn);
        if task.enable_execute_command != Some(true) {
            all = false;
            faults.add(Severity::High, false, format!("task {id} started before Exec was turned on"), Evidence::new(Action::DescribeTasks, "enableExecuteCommand", "false", id));
            continue;
        }
        for container in task.containers.iter().filter(|c| c.last_status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("RUNNING"))) {
            let agent = container.managed_agents.iter().find(|m| m.name.as_deref() == Some("ExecuteCommandAgent"));
            let status = agent.and_then(|m| m.last_status.as_deref()).unwrap_or("absent");
            if status.eq_ignore_ascii_case("RUNNING") || status.eq_ignore_ascii_case("PENDING") {
                continue;
            }
            all = false;
            let reason = agent.and_then(|m| m.reason.as_deref()).map(|r| format!(" ({r})")).unwrap_or_default();
            let what = format!("the Exec agent in container {} of task {id} is {}{reason}", container.name.as_deref().unwrap_or("without a name"), status.to_lowercase());
            faults.add(Severity::High, false, what, Evidence::new(Action::DescribeTasks, "containers[].managedAgents[].lastStatus", status, id));
        }
    }
    all
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, unit: &Unit<'_>, mut faults: Vec<Fault>, runs: bool) {
    let Some(worst) = faults.iter().map(|f| f.severity).max() else {
        outcome.pass();
        if runs {
            outcome.reason("the Exec agent was seen running");
        }
        return;
    };
    faults.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let contradicted = runs && faults.iter().filter(|f| f.severity == worst).all(|f| f.predicted);
    let mut message = if worst >= Severity::High {
        format!("ECS Exec is on for {} and cannot work everywhere: {}.", text::last(unit.arn), text::some(faults.iter().map(|f| f.what.as_str())))
    } else {
        format!("ECS Exec of {} may surprise: {}.", text::last(unit.arn), text::some(faults.iter().map(|f| f.what.as_str())))
    };
    if contradicted {
        message.push_str(" Yet its agent was seen running in every task, so something here is not as it seems.");
    }
    let finding = outcome.fail(subject::of(view, unit.arn), "", message);
    finding.severity = worst;
    if contradicted {
        finding.confidence = Confidence::Low;
    }
    finding.affects = BTreeSet::from([unit.arn.to_owned()]);
    finding.evidence = faults.into_iter().take(2 * text::SHOWN).map(|f| f.evidence).collect();
    if let Some(service) = unit.service {
        let cluster = service.cluster_arn.as_deref().unwrap_or_default();
        finding.remediation.commands = vec![text::aws(&view.region.region, &format!("ecs update-service --cluster {cluster} --service {} --enable-execute-command --force-new-deployment", unit.arn))];
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{CLUSTER, Scene, arn, assert_whole, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::finding::{Confidence, Severity, Verdict};
    use crate::inventory::Answer;

    const DEFINITION: &str = "arn:aws:ecs:us-east-2:111122223333:task-definition/web:1";

    fn extend(into: &mut Value, more: Value) {
        if let (Value::Object(into), Value::Object(more)) = (into, more) {
            into.extend(more);
        }
    }

    /// A service on Fargate with Exec on, one running task whose Exec agent runs, and everything right.
    fn scene(task: Value, container: Value, definition: Value) -> Scene {
        let mut scene = Scene::new();
        scene.options.vpcs.clear();
        scene.region.services = vec![from(
            json!({"serviceArn": arn("service", "s"), "serviceName": "s", "clusterArn": CLUSTER, "status": "ACTIVE", "launchType": "FARGATE", "platformVersion": "1.4.0", "enableExecuteCommand": true, "taskDefinition": DEFINITION}),
        )];
        let mut fields = json!({"taskArn": arn("task", "t"), "clusterArn": CLUSTER, "group": "service:s", "launchType": "FARGATE", "lastStatus": "RUNNING", "platformVersion": "1.4.0", "enableExecuteCommand": true, "taskDefinitionArn": DEFINITION,
            "containers": [{"name": "app", "lastStatus": "RUNNING", "managedAgents": [{"name": "ExecuteCommandAgent", "lastStatus": "RUNNING"}]}]});
        extend(&mut fields, task);
        scene.region.tasks = vec![from(fields)];
        let mut app = json!({"name": "app", "image": "app", "linuxParameters": {"initProcessEnabled": true}});
        extend(&mut app, container);
        let mut fields = json!({"taskDefinitionArn": DEFINITION, "taskRoleArn": "arn:aws:iam::111122223333:role/task", "containerDefinitions": [app]});
        extend(&mut fields, definition);
        scene.region.task_definitions.insert(DEFINITION.into(), Answer::Output(from(fields)));
        scene.region.roles.insert("task".into(), Answer::Output(from(json!({"RoleName": "task"}))));
        scene.region.attached_role_policies.insert("task".into(), Answer::Output(from(json!({}))));
        scene.region.role_policy_names.insert("task".into(), Answer::Output(from(json!({"PolicyNames": ["exec"]}))));
        allow(&mut scene, "ssmmessages:*");
        scene
    }

    fn allow(scene: &mut Scene, action: &str) {
        scene
            .region
            .role_policies
            .insert("task:exec".into(), Answer::Output(from(json!({"PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}}))));
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn all_right_passes_by_what_was_seen_and_without_exec_it_does_not_apply() {
        let mut scene = scene(json!({}), json!({}), json!({}));
        let result = judged(&scene);
        assert_eq!(result.verdict, Verdict::Pass);
        assert!(result.reason.contains("seen running"));
        scene.region.services[0].enable_execute_command = Some(false);
        assert_eq!(judged(&scene).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn what_is_in_the_way_is_high() {
        for (task, container, definition, told) in [
            (json!({"enableExecuteCommand": false}), json!({}), json!({}), "started before Exec was turned on"),
            (json!({"containers": [{"name": "app", "lastStatus": "RUNNING"}]}), json!({}), json!({}), "is absent"),
            (
                json!({"containers": [{"name": "app", "lastStatus": "RUNNING", "managedAgents": [{"name": "ExecuteCommandAgent", "lastStatus": "STOPPED", "reason": "no network"}]}]}),
                json!({}),
                json!({}),
                "is stopped (no network)",
            ),
            (json!({}), json!({}), json!({"taskRoleArn": null}), "has no task role"),
        ] {
            let result = judged(&scene(task, container, definition));
            let finding = only(&result);
            assert_eq!((finding.severity, finding.confidence, finding.resource.id.as_deref()), (Severity::High, Confidence::High, Some(arn("service", "s").as_str())), "{told}");
            assert!(finding.message.contains(told), "{}", finding.message);
        }
    }

    #[test]
    fn a_prediction_that_a_running_agent_contradicts_is_less_sure() {
        let read_only = judged(&scene(json!({}), json!({"readonlyRootFilesystem": true}), json!({})));
        assert_eq!((only(&read_only).severity, only(&read_only).confidence), (Severity::High, Confidence::Low));
        let old = judged(&scene(json!({"platformVersion": "1.3.0"}), json!({}), json!({})));
        assert!(only(&old).message.contains("1.3.0 is older than 1.4.0"));
        let idle = judged(&scene(json!({"lastStatus": "PROVISIONING"}), json!({"readonlyRootFilesystem": true}), json!({})));
        assert_eq!(only(&idle).confidence, Confidence::High);
    }

    #[test]
    fn what_may_surprise_is_medium() {
        for (container, definition, told) in
            [(json!({"linuxParameters": null}), json!({}), "no init process"), (json!({"environment": [{"name": "AWS_ACCESS_KEY_ID", "value": "x"}]}), json!({}), "AWS_ACCESS_KEY_ID")]
        {
            let result = judged(&scene(json!({}), container, definition));
            assert_eq!(only(&result).severity, Severity::Medium, "{told}");
            assert!(only(&result).message.contains(told), "{}", only(&result).message);
        }
    }

    #[test]
    fn the_role_has_to_open_the_channels() {
        let mut scene = scene(json!({}), json!({}), json!({}));
        allow(&mut scene, "ssmmessages:Create*");
        let result = judged(&scene);
        assert!(only(&result).message.contains("ssmmessages:OpenControlChannel and ssmmessages:OpenDataChannel"), "{}", only(&result).message);
        scene.region.role_policies.clear();
        let result = judged(&scene);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::High));
        assert!(only(&result).message.contains("iam:GetRolePolicy"));
    }

    #[test]
    fn on_instances_the_agent_counts_and_no_task_role_is_needed() {
        let mut scene = scene(json!({"launchType": "EC2", "platformVersion": null, "containerInstanceArn": arn("container-instance", "a")}), json!({}), json!({"taskRoleArn": null}));
        scene.region.services[0].launch_type = Some("EC2".into());
        scene.options.vpcs.clear();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"versionInfo": {"agentVersion": "1.50.2"}}));
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
        scene.region.container_instances[0].version_info = from(json!({"agentVersion": "1.50.1"}));
        assert!(only(&judged(&scene)).message.contains("agent 1.50.1 on a is older than 1.50.2"));
    }

    #[test]
    fn on_instances_the_role_of_the_instance_stands_in_for_a_task_role() {
        let on = |action: &str| {
            let mut scene = scene(json!({"launchType": "EC2", "containerInstanceArn": arn("container-instance", "a")}), json!({}), json!({"taskRoleArn": null}));
            scene.region.services[0].launch_type = Some("EC2".into());
            scene.instance("a", "2026-01-01T00:00:00Z", json!({}));
            scene.region.instances[0].iam_instance_profile = from(json!({"Arn": "arn:aws:iam::111122223333:instance-profile/p"}));
            scene.region.instance_profiles.insert("p".into(), Answer::Output(from(json!({"Roles": [{"RoleName": "task", "Arn": "arn:aws:iam::111122223333:role/task"}]}))));
            allow(&mut scene, action);
            scene
        };
        assert_eq!(judged(&on("ssmmessages:*")).verdict, Verdict::Pass);
        let result = judged(&on("ssmmessages:Create*"));
        assert!(only(&result).message.contains("role of the instance, which stands in for a task role, task does not allow ssmmessages:OpenControlChannel"), "{}", only(&result).message);
        let mut unseen = on("ssmmessages:*");
        unseen.region.instance_profiles.clear();
        let result = judged(&unseen);
        assert_eq!(result.verdict, Verdict::Unknown);
        assert!(only(&result).message.contains("iam:GetInstanceProfile"), "{}", only(&result).message);
    }

    #[test]
    fn unseen_definitions_are_unknown() {
        let mut scene = scene(json!({}), json!({}), json!({}));
        scene.region.task_definitions.clear();
        let result = judged(&scene);
        assert!(only(&result).message.contains("ecs:DescribeTaskDefinition"));
        assert_eq!(judged(Scene::new().deny(Action::DescribeServices)).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_task_alone_is_judged_by_itself() {
        let mut scene = scene(json!({"group": "family:web"}), json!({}), json!({"taskRoleArn": null}));
        scene.region.services.clear();
        let result = judged(&scene);
        assert_eq!(only(&result).resource.id.as_deref(), Some(arn("task", "t").as_str()));
    }
}
