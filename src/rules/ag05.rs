//! AG05: An instance registers or reports badly.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::{self, Agent, Machine, Ways};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Egress, Family, Tri, Unseen, View, egress, services};
use crate::finding::{Confidence, Evidence, Severity};
use crate::inventory::ec2;

/// An instance registers or reports badly.
pub static RULE: Rule = Rule {
    id: "AG05",
    name: "registration-unhealthy",
    title: "An instance registers or reports badly",
    severity: Severity::High,
    why: "A failed registration, a failed agent update or stale health says that part of the traffic between agent and ECS does not come through, even while the \
          agent itself is connected.",
    mend: "Read the reason that ECS gives, mend the path to ecs or ecs-telemetry, and restart the agent.",
    sources: &[pages::CONTAINER_INSTANCE, pages::AGENT_UPDATE],
    reads: reads::AGENTS_SEEN,
    check,
};

/// Health of this age, in seconds, did not come through.
const STALE: i64 = 30 * 60;
/// A new instance has registered after this many seconds, or something is in its way.
const JOINING: i64 = 15 * 60;

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let ways = Ways::new(view);
    for (cluster, agents) in agents::by_cluster(view, agents::all(view)) {
        let agents: Vec<&Agent<'_>> = agents.iter().filter(|a| a.runs() != Some(false)).collect();
        registration(view, outcome, &cluster, &agents);
        updates(view, outcome, &ways, &cluster, &agents);
        health(view, outcome, &cluster, &agents);
    }
    never_registered(view, outcome);
}

fn registration(view: &View<'_>, outcome: &mut Outcome<'_>, cluster: &str, agents: &[&Agent<'_>]) {
    let failed: Vec<&&Agent<'_>> = agents.iter().filter(|a| a.instance.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("REGISTRATION_FAILED"))).collect();
    if failed.is_empty() {
        return;
    }
    let told: Vec<String> = failed.iter().map(|a| format!("{} ({})", text::last(a.arn()), a.instance.status_reason.as_deref().unwrap_or("no reason given"))).collect();
    let finding =
        outcome.fail(subject::of(view, cluster), "registration", format!("{} could not register in cluster {}: {}.", text::count(failed.len(), "instance"), text::last(cluster), text::some(told)));
    finding.affects = failed.iter().map(|a| a.arn().to_owned()).collect();
    finding.evidence = text::evidence(Action::DescribeContainerInstances, "statusReason", failed.iter().map(|a| (a.arn(), a.instance.status_reason.clone().unwrap_or_default())));
    finding.remediation.commands = vec![text::aws(
        &view.region.region,
        &format!("ecs describe-container-instances --cluster {cluster} --container-instances {}", failed.iter().take(text::SHOWN).map(|a| a.arn()).collect::<Vec<_>>().join(" ")),
    )];
}

/// Updates come from a bucket in one region of the partition, so that a gateway endpoint elsewhere does not lead there.
fn updates(view: &View<'_>, outcome: &mut Outcome<'_>, ways: &Ways<'_>, cluster: &str, agents: &[&Agent<'_>]) {
    let at_home = services::agent_bucket_region(&view.region.region) == Some(view.region.region.as_str());
    let mut cut_off = Vec::new();
    for agent in agents.iter().filter(|a| a.instance.agent_update_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("FAILED"))) {
        let s3_fails = ways.paths(agent.arn(), |s| s == "s3").iter().any(|(_, p)| p.verdict == Tri::Fail);
        match isolated(view, agent) {
            _ if s3_fails => cut_off.push(agent),
            Ok(true) if !at_home => cut_off.push(agent),
            Ok(_) => {}
            Err(_) if at_home => {}
            Err(unseen) => outcome.unseen(unseen, [agent.arn().to_owned()]),
        }
    }
    if cut_off.is_empty() {
        return;
    }
    let who = text::some(cut_off.iter().map(|a| text::last(a.arn())));
    let message = format!(
        "The agent update of {} in cluster {} failed, and the bucket that it comes from cannot be reached: {who}. It lies in {}.",
        text::count(cut_off.len(), "instance"),
        text::last(cluster),
        services::agent_bucket_region(&view.region.region).unwrap_or("another region")
    );
    let finding = outcome.fail(subject::of(view, cluster), "update", message);
    finding.affects = cut_off.iter().map(|a| a.arn().to_owned()).collect();
    finding.evidence = text::evidence(Action::DescribeContainerInstances, "agentUpdateStatus", cut_off.iter().map(|a| (a.arn(), "FAILED".to_owned())));
    finding.remediation.text = "Replace the instances by ones with a current ECS-optimized image, which needs no download; or give them a way to the bucket.".to_owned();
}

/// Whether the instance has no way to the internet.
fn isolated(view: &View<'_>, agent: &Agent<'_>) -> Result<bool, BTreeSet<Unseen>> {
    let Machine::Seen(machine) = agent.machine else { return Err(BTreeSet::from([Unseen::Action(Action::DescribeInstances)])) };
    let Some(subnet) = machine.subnet_id.as_deref() else { return Err(BTreeSet::from([Unseen::Action(Action::DescribeInstances)])) };
    let answer = egress::egress(&view.index, view.options, subnet, Family::V4, Some(machine.public_ip_address.is_some()));
    match answer.class {
        Some(class) => Ok(matches!(class, Egress::Isolated | Egress::Dead | Egress::NoPublicIp)),
        None => Err(answer.decision.unseen),
    }
}

fn health(view: &View<'_>, outcome: &mut Outcome<'_>, cluster: &str, agents: &[&Agent<'_>]) {
    let (mut silent, mut stale, mut ageless) = (Vec::new(), Vec::new(), Vec::new());
    for agent in agents.iter().filter(|a| a.instance.agent_connected == Some(true) && a.in_service() && !matches!(a.machine, Machine::External)) {
        let Some(health) = &agent.instance.health_status else {
            silent.push(agent);
            continue;
        };
        let updated = health.details.iter().filter_map(|d| d.last_updated).max();
        if health.overall_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("INSUFFICIENT_DATA")) {
            stale.push((agent, "overallStatus", "INSUFFICIENT_DATA".to_owned()));
        } else if let Some(updated) = updated {
            match view.now {
                None => ageless.push(agent.arn().to_owned()),
                Some(now) if now.seconds_since(updated) > STALE => stale.push((agent, "details[].lastUpdated", updated.to_string())),
                Some(_) => outcome.pass(),
            }
        } else {
            outcome.pass();
        }
    }
    if !ageless.is_empty() {
        outcome.unseen([Unseen::Datum("the time of the recording (give it with --now)".to_owned())], ageless);
    }
    if !silent.is_empty() {
        let who = text::some(silent.iter().map(|a| text::last(a.arn())));
        let message =
            format!("The health of {} in cluster {} was not in the answer: {who}. Ask for it with `--include CONTAINER_INSTANCE_HEALTH`.", text::count(silent.len(), "instance"), text::last(cluster));
        let finding = outcome.unknown(subject::of(view, cluster), "health", message);
        finding.affects = silent.iter().map(|a| a.arn().to_owned()).collect();
        finding.evidence = text::evidence(Action::DescribeContainerInstances, "healthStatus", silent.iter().map(|a| (a.arn(), "absent".to_owned())));
    }
    if !stale.is_empty() {
        let who = text::some(stale.iter().map(|(a, ..)| text::last(a.arn())));
        let message = format!(
            "{} in cluster {} {} connected and reports no current health: {who}. Health goes by ecs-telemetry, so look at that path first.",
            text::count(stale.len(), "agent"),
            text::last(cluster),
            if stale.len() == 1 { "is" } else { "are" }
        );
        let finding = outcome.fail(subject::of(view, cluster), "health", message);
        finding.severity = Severity::Medium;
        finding.confidence = Confidence::Medium;
        finding.affects = stale.iter().map(|(a, ..)| a.arn().to_owned()).collect();
        finding.evidence =
            stale.iter().take(text::SHOWN).map(|(a, field, value)| Evidence::new(Action::DescribeContainerInstances, format!("healthStatus.{field}"), value.as_str(), text::last(a.arn()))).collect();
        finding.remediation.commands = super::ag02::restart(&view.region.region, stale.iter().map(|(a, ..)| **a));
    }
}

/// Instances of a cluster's Auto Scaling group that run and that ECS does not know.
fn never_registered(view: &View<'_>, outcome: &mut Outcome<'_>) {
    if !view.seen(Action::DescribeContainerInstances) || !view.seen(Action::ListContainerInstances) {
        return;
    }
    let Some(now) = view.now else { return };
    let known: BTreeSet<&str> = view.region.container_instances.iter().filter_map(|i| i.ec2_instance_id.as_deref()).collect();
    let group = |i: &ec2::Instance| i.tags.iter().find(|t| t.key == "aws:autoscaling:groupName").and_then(|t| t.value.clone());
    let mut missing: BTreeMap<String, Vec<&ec2::Instance>> = BTreeMap::new();
    for instance in &view.region.instances {
        let running = instance.state.as_ref().and_then(|s| s.name.as_deref()).is_some_and(|s| s.eq_ignore_ascii_case("running"));
        let late = instance.launch_time.is_some_and(|t| now.seconds_since(t) > JOINING);
        let here = instance.vpc_id.as_ref().is_some_and(|v| view.vpcs.contains(v));
        if running
            && late
            && here
            && !known.contains(instance.instance_id.as_str())
            && let Some(group) = group(instance)
        {
            missing.entry(group).or_default().push(instance);
        }
    }
    for (group, instances) in missing {
        let suffix = format!("autoScalingGroupName/{group}");
        let provider = view.region.capacity_providers.iter().find(|p| p.auto_scaling_group_provider.as_ref().and_then(|a| a.auto_scaling_group_arn.as_deref()).is_some_and(|a| a.ends_with(&suffix)));
        let Some(provider) = provider else { continue };
        let cluster = view.region.clusters.iter().find(|c| provider.name.as_ref().is_some_and(|n| c.capacity_providers.contains(n)) && agents::cluster_in_scope(view, Some(&c.cluster_arn)));
        let Some(cluster) = cluster else { continue };
        let ids: Vec<&str> = instances.iter().map(|i| i.instance_id.as_str()).collect();
        let message = format!(
            "{} of Auto Scaling group {group} never registered in cluster {}: {}. They have run for more than 15 minutes; the way to ecs, the instance role or the agent's configuration may be at fault.",
            text::count(ids.len(), "instance"),
            text::last(&cluster.cluster_arn),
            text::some(&ids)
        );
        let finding = outcome.fail(subject::of(view, &cluster.cluster_arn), &format!("never {group}"), message);
        finding.severity = Severity::Medium;
        finding.confidence = Confidence::Medium;
        finding.affects = BTreeSet::from([provider.capacity_provider_arn.clone()]);
        finding.evidence = text::evidence(Action::DescribeInstances, "LaunchTime", instances.iter().filter_map(|i| Some((i.instance_id.as_str(), i.launch_time?.to_string()))));
    }
}
