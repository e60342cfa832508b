//! WL06: ECS Exec is on but cannot work.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::{self, Compared, Version};
use super::roles::Policies;
use super::units::{self, Platform, Unit};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Tri, Unseen, View};
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
        }
        return;
    };
    let name = text::last(arn);
    let policies = roles.entry(name.to_owned()).or_insert_with(|| Policies::of(view, name));
    if policies.gone {
        faults.add(Severity::High, false, format!("the task role {name} does not exist"), Evidence::new(Action::GetRole, "Error", "NoSuchEntity", name));
        return;
    }
    let request = |action: &str| Request::new(action, EndpointType::Interface).principal(Principal::Role(arn.to_owned())).resource(Resource::Known("*".to_owned()));
    let verdicts: Vec<(&str, Tri)> = CHANNELS.iter().map(|a| (*a, policies.judge(&request(a)))).collect();
    let denied: Vec<&str> = verdicts.iter().filter(|(_, v)| *v == Tri::Fail).map(|(a, _)| *a).collect();
    if !denied.is_empty() {
        let what = format!("the task role {name} does not allow {}", text::list(&denied));
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
