//! WL05: An external instance lies outside what can be seen.

use std::collections::BTreeSet;

use super::agents::{self, Machine};
use super::{Outcome, Rule, endpoints, pages, reads, subject, text, units};
use crate::actions::Action;
use crate::analysis::{View, services};
use crate::finding::Severity;

/// An external instance lies outside what can be seen.
pub static RULE: Rule = Rule {
    id: "WL05",
    name: "external-instance",
    title: "An external instance lies outside what can be seen",
    severity: Severity::Info,
    why: "Instances of ECS Anywhere stand in a network of your own. AWS's APIs say nothing about its routes, firewalls and DNS.",
    mend: "On the instance, test TCP 443 to the host names that are named.",
    sources: &[pages::ANYWHERE],
    reads: reads::AGENTS_SEEN,
    check,
};

/// Services of which an endpoint would serve an external instance.
const SERVICES: [&str; 8] = ["ecs", "ecs-agent", "ecs-telemetry", "ssm", "ec2messages", "ssmmessages", "ecr.api", "logs"];

/// What tasks on these instances use though ECS Anywhere does not support it, each with the task definition.
fn unsupported(view: &View<'_>, instances: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let here = |arn: Option<&str>| arn.is_some_and(|a| instances.contains(a));
    for unit in units::all(view).iter().filter(|u| u.tasks.iter().any(|t| here(t.container_instance_arn.as_deref()))) {
        let (definitions, _) = unit.definitions(view);
        for definition in definitions {
            let label = text::last(&definition.task_definition_arn);
            if definition.network_mode.as_deref().is_some_and(|m| m.eq_ignore_ascii_case("awsvpc")) {
                out.insert(format!("network mode awsvpc ({label})"));
            }
            if definition.volumes.iter().any(|v| v.efs_volume_configuration.is_some()) {
                out.insert(format!("EFS volumes ({label})"));
            }
        }
        if unit.connects() {
            out.insert(format!("Service Connect ({})", text::last(unit.arn)));
        }
    }
    out
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let region = view.region.region.as_str();
    let suffix = services::suffix_of(region);
    for (cluster, agents) in agents::by_cluster(view, agents::all(view)) {
        let external: Vec<_> = agents.iter().filter(|a| matches!(a.machine, Machine::External)).collect();
        if external.is_empty() {
            continue;
        }
        let mut hosts: Vec<String> = vec![format!("ecs-a-*.{suffix}"), format!("ecs-t-*.{suffix}")];
        hosts.extend(["ecs", "ssm", "ec2messages", "ssmmessages", "ecr.api", "logs"].map(|s| services::hostname(region, s)));
        let mut message = format!(
            "{} of cluster {} {} in a network of your own, which no AWS API describes. Test TCP 443 from there to {}.",
            text::count(external.len(), "external instance"),
            text::last(&cluster),
            if external.len() == 1 { "stands" } else { "stand" },
            text::list(&hosts)
        );
        let connected = external.iter().filter(|a| a.instance.agent_connected == Some(true)).count();
        message.push_str(&format!(" {connected} of {} connected when they were looked at.", external.len()));
        if !view.region.resolver_endpoints.iter().any(|e| e.direction.as_deref().is_some_and(|d| d.eq_ignore_ascii_case("INBOUND"))) {
            message.push_str(" No inbound Resolver endpoint was seen, so the private names of endpoints lead nowhere from there.");
        }
        let there: Vec<&str> = SERVICES.into_iter().filter(|s| view.region.vpc_endpoints.iter().any(|e| endpoints::short(e) == Some(s) && endpoints::is_state(e, "available"))).collect();
        if !there.is_empty() {
            message.push_str(&format!(" Endpoints that they could use over VPN or Direct Connect exist for {}.", text::list(&there)));
        }
        let external_arns: BTreeSet<&str> = external.iter().map(|a| a.arn()).collect();
        let unsupported = unsupported(view, &external_arns);
        if !unsupported.is_empty() {
            message.push_str(&format!(" Not supported there, and in use: {}.", text::some(&unsupported)));
        }
        let finding = outcome.unknown(subject::of(view, &cluster), "", message);
        finding.affects = external.iter().map(|a| a.arn().to_owned()).collect();
        finding.evidence = text::evidence(Action::DescribeContainerInstances, "ec2InstanceId", external.iter().map(|a| (a.arn(), a.instance.ec2_instance_id.clone().unwrap_or_default())));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{CLUSTER, Scene, arn, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::finding::{Severity, Verdict};
    use crate::inventory::Answer;

    #[test]
    fn an_external_instance_is_never_judged() {
        let mut scene = Scene::new();
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.options.vpcs.clear();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"ec2InstanceId": "mi-0123"}));
        let result = scene.run(&RULE);
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Unknown, Severity::Info, Some(CLUSTER)));
        assert!(finding.affects.contains(&arn("container-instance", "a")));
        for host in ["ecs-a-*.us-east-2.amazonaws.com", "ecs.us-east-2.amazonaws.com", "ssmmessages.us-east-2.amazonaws.com", "api.ecr.us-east-2.amazonaws.com"] {
            assert!(finding.message.contains(host), "{host}: {}", finding.message);
        }
        assert!(finding.message.contains("No inbound Resolver endpoint"));
    }

    #[test]
    fn what_is_not_supported_there_and_what_would_serve_it_are_told() {
        let mut scene = Scene::new();
        scene.options.vpcs.clear();
        scene.instance("a", "2026-01-01T00:00:00Z", json!({"ec2InstanceId": "mi-0123"}));
        scene.endpoint("ecs", "2026-01-01T00:00:00Z", json!({}));
        let definition = "arn:aws:ecs:us-east-2:111122223333:task-definition/web:1";
        let volumes = json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]);
        scene.region.task_definitions.insert(definition.into(), Answer::Output(from(json!({"taskDefinitionArn": definition, "networkMode": "awsvpc", "volumes": volumes}))));
        let task = json!({"taskArn": arn("task", "t"), "clusterArn": CLUSTER, "lastStatus": "RUNNING", "containerInstanceArn": arn("container-instance", "a"), "taskDefinitionArn": definition});
        scene.region.tasks = vec![from(task)];
        let result = scene.run(&RULE);
        let message = &only(&result).message;
        assert!(message.contains("Endpoints that they could use over VPN or Direct Connect exist for ecs."), "{message}");
        assert!(message.contains("Not supported there, and in use: EFS volumes (web:1) and network mode awsvpc (web:1)."), "{message}");
    }

    #[test]
    fn unseen_instances_may_be_external() {
        assert_eq!(Scene::new().deny(Action::ListContainerInstances).run(&RULE).verdict, Verdict::Unknown);
    }
}
