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
