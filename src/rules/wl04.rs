//! WL04: A Fargate platform version is too old.

use std::collections::BTreeSet;

use super::units::{self, Platform, Unit};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::View;
use crate::finding::{Evidence, Severity};
use crate::inventory::ecs::TaskDefinition;

/// A Fargate platform version is too old.
pub static RULE: Rule = Rule {
    id: "WL04",
    name: "platform-version-old",
    title: "A Fargate platform version is too old",
    severity: Severity::Medium,
    why: "Before platform version 1.4.0 ECR tokens and secrets came over an interface of AWS; since then they come over the task's own. An old version lacks \
          features, and a change of it brings new needs.",
    mend: "Move the service to platform version LATEST, after the endpoints that are named exist.",
    sources: &[pages::PLATFORM_VERSIONS, pages::FARGATE_NETWORKING],
    reads: reads::WORKLOADS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    for unit in units::all(view).iter().filter(|u| u.fargate) {
        let (definitions, unseen) = unit.definitions(view);
        let family = unit.service.and_then(|s| s.platform_family.as_deref()).or_else(|| unit.tasks.iter().find_map(|t| t.platform_family.as_deref()));
        let windows = units::is_windows(family, &definitions);
        let asked = unit.service.and_then(|s| s.platform_version.as_deref());
        let running = unit.tasks.iter().filter(|t| units::on_fargate(t)).map(|t| t.platform_version.as_deref());
        // A service that does not say its version runs what its tasks run.
        let versions: BTreeSet<Option<&str>> = match asked {
            Some(version) => BTreeSet::from([Some(version)]),
            None => running.collect(),
        };
        let of = |p: Platform| versions.iter().any(|v| units::platform(*v, windows) == p);
        if of(Platform::Old) {
            if !unseen.is_empty() {
                outcome.unseen(unseen, [unit.arn.to_owned()]);
            }
            report(view, outcome, unit, &definitions, versions.iter().flatten().copied().find(|v| units::platform(Some(v), windows) == Platform::Old).unwrap_or_default());
        } else if versions.is_empty() || of(Platform::Unknown) {
            let raw = versions.iter().flatten().copied().collect::<Vec<_>>();
            let shown = if raw.is_empty() { "says no Fargate platform version".to_owned() } else { format!("has a Fargate platform version that is not known ({})", text::list(&raw)) };
            let finding = outcome.unknown(subject::of(view, unit.arn), "", format!("{} {shown}. Which interface its secrets and image logins use cannot be told.", text::last(unit.arn)));
            finding.affects = BTreeSet::from([unit.arn.to_owned()]);
            finding.evidence = vec![Evidence::new(if unit.service.is_some() { Action::DescribeServices } else { Action::DescribeTasks }, "platformVersion", raw.join(" "), "")];
        } else {
            outcome.pass();
            outcome.reason("image logins, secrets and logs go by the tasks' own interfaces");
        }
    }
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, unit: &Unit<'_>, definitions: &[&TaskDefinition], version: &str) {
    let mut lacks = Vec::new();
    if unit.service.map_or_else(|| unit.tasks.iter().any(|t| t.enable_execute_command == Some(true)), |s| s.enable_execute_command == Some(true)) {
        lacks.push("ECS Exec");
    }
    if unit.connects() {
        lacks.push("Service Connect");
    }
    if definitions.iter().any(|d| d.volumes.iter().any(|v| v.efs_volume_configuration.is_some())) {
        lacks.push("EFS volumes");
    }
    if unit.ipv6_only(view) {
        lacks.push("IPv6-only subnets");
    }
    let coming = coming(definitions);
    let mut message = format!("{} runs on Fargate platform version {version}.", text::last(unit.arn));
    if !lacks.is_empty() {
        message.push_str(&format!(" It uses {}, which {} 1.4.0.", text::list(&lacks), if lacks.len() == 1 { "needs" } else { "need" }));
    }
    if coming.is_empty() {
        message.push_str(" Image logins and secrets go by an interface of AWS until it moves to 1.4.0.");
    } else {
        message.push_str(&format!(
            " Image logins and secrets go by an interface of AWS; after a move to 1.4.0 they use the task's own, and it needs {} ({}).",
            text::list(coming.iter().map(|(s, _)| *s)),
            text::list(coming.iter().map(|(_, r)| *r))
        ));
    }
    let finding = outcome.fail(subject::of(view, unit.arn), "", message);
    finding.affects = BTreeSet::from([unit.arn.to_owned()]);
    finding.evidence = vec![Evidence::new(if unit.service.is_some() { Action::DescribeServices } else { Action::DescribeTasks }, "platformVersion", version, "")];
    if let Some(service) = unit.service {
        finding.remediation.commands =
            vec![text::aws(&view.region.region, &format!("ecs update-service --cluster {} --service {} --platform-version LATEST", service.cluster_arn.as_deref().unwrap_or_default(), unit.arn))];
    }
}

/// Which endpoints begin to matter after a move to 1.4.0, and whose rule it is.
fn coming(definitions: &[&TaskDefinition]) -> BTreeSet<(&'static str, &'static str)> {
    let mut out = BTreeSet::new();
    for container in definitions.iter().flat_map(|d| &d.container_definitions) {
        if container.image.as_deref().is_some_and(super::wl02::is_private_ecr) {
            out.insert(("ecr.api", "EP04"));
        }
        let log_secrets = container.log_configuration.iter().flat_map(|l| &l.secret_options);
        let secrets = container.secrets.iter().chain(log_secrets).filter_map(|s| s.value_from.as_deref());
        for from in secrets.chain(container.repository_credentials.as_ref().and_then(|r| r.credentials_parameter.as_deref())) {
            out.insert(if from.contains(":secretsmanager:") { ("secretsmanager", "EP07") } else { ("ssm", "EP08") });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{CLUSTER, Scene, arn, assert_whole, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::finding::{Severity, Verdict};
    use crate::inventory::Answer;

    const DEFINITION: &str = "arn:aws:ecs:us-east-2:111122223333:task-definition/web:1";

    fn scene(service: Value, definition: Value) -> Scene {
        let mut scene = Scene::new();
        scene.options.vpcs.clear();
        let mut fields = json!({"serviceArn": arn("service", "s"), "serviceName": "s", "clusterArn": CLUSTER, "status": "ACTIVE", "launchType": "FARGATE", "platformVersion": "1.3.0", "taskDefinition": DEFINITION});
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, service) {
            fields.extend(more);
        }
        scene.region.services = vec![from(fields)];
        let mut fields = json!({"taskDefinitionArn": DEFINITION, "containerDefinitions": [{"name": "app", "image": "nginx"}]});
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, definition) {
            fields.extend(more);
        }
        scene.region.task_definitions.insert(DEFINITION.into(), Answer::Output(from(fields)));
        scene
    }

    fn judged(service: Value, definition: Value) -> RuleResult {
        let result = scene(service, definition).run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn current_versions_pass_and_unknown_ones_are_unknown() {
        for version in ["1.4.0", "LATEST"] {
            assert_eq!(judged(json!({"platformVersion": version}), json!({})).verdict, Verdict::Pass);
        }
        for version in [json!(null), json!("soon")] {
            let result = judged(json!({"platformVersion": version}), json!({}));
            assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Medium));
        }
        assert_eq!(judged(json!({"platformVersion": "1.0.0", "platformFamily": "WINDOWS_SERVER_2022_CORE"}), json!({})).verdict, Verdict::Pass);
    }

    #[test]
    fn a_service_that_says_nothing_runs_what_its_tasks_run() {
        let mut scene = scene(json!({"platformVersion": null}), json!({}));
        scene.region.tasks =
            vec![from(json!({"taskArn": arn("task", "t"), "clusterArn": CLUSTER, "group": "service:s", "launchType": "FARGATE", "lastStatus": "RUNNING", "platformVersion": "1.4.0"}))];
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn a_pinned_service_is_told_what_a_move_brings() {
        let containers = json!([{"name": "app", "image": "111122223333.dkr.ecr.us-east-2.amazonaws.com/app:1",
            "secrets": [{"name": "A", "valueFrom": "arn:aws:secretsmanager:us-east-2:111122223333:secret:a"}, {"name": "B", "valueFrom": "plain"}]}]);
        let result = judged(json!({}), json!({"containerDefinitions": containers}));
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::Medium, Some(arn("service", "s").as_str())));
        for part in ["EP04", "EP07", "EP08"] {
            assert!(finding.message.contains(part), "{part}: {}", finding.message);
        }
        assert!(finding.remediation.commands[0].contains("--platform-version LATEST"));
    }

    #[test]
    fn features_that_need_more_are_named() {
        let result = judged(json!({"enableExecuteCommand": true}), json!({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}));
        assert!(only(&result).message.contains("ECS Exec and EFS volumes, which need 1.4.0"), "{}", only(&result).message);
    }

    #[test]
    fn instances_do_not_mind() {
        assert_eq!(judged(json!({"launchType": "EC2", "platformVersion": null}), json!({})).verdict, Verdict::NotApplicable);
        assert_eq!(scene(json!({}), json!({})).deny(Action::DescribeTasks).run(&RULE).verdict, Verdict::Fail);
        assert_eq!(Scene::new().deny(Action::DescribeServices).run(&RULE).verdict, Verdict::Unknown);
    }

    #[test]
    fn an_unseen_definition_leaves_open_what_a_move_brings() {
        let mut scene = scene(json!({}), json!({}));
        scene.region.task_definitions.clear();
        let result = scene.run(&RULE);
        assert_eq!(result.findings.len(), 2);
        assert!(result.unseen.iter().any(|u| matches!(u, crate::analysis::Unseen::Action(Action::DescribeTaskDefinition))));
    }
}
