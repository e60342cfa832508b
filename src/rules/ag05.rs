//! AG05: An instance registers or reports badly.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::{self, Agent, Machine, Ways};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Egress, Family, Tri, Unseen, View, egress, services};
use crate::finding::{Confidence, Evidence, Severity};
use crate::inventory::{ec2, ecs};

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
        health(view, outcome, &ways, &cluster, &agents);
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
            _ if s3_fails && at_home => cut_off.push(agent),
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
    let home = services::agent_bucket_region(&view.region.region).unwrap_or("another region");
    let message = format!(
        "The agent update of {} in cluster {} failed, and the bucket that updates come from cannot be reached: {who}. The bucket lies in {home}{}",
        text::count(cut_off.len(), "instance"),
        text::last(cluster),
        if at_home { ", and the path to S3 fails." } else { ", where no endpoint for S3 of this region leads, and the instances have no way to the internet." }
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

fn health(view: &View<'_>, outcome: &mut Outcome<'_>, ways: &Ways<'_>, cluster: &str, agents: &[&Agent<'_>]) {
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
            "{} in cluster {} {} no current health: {who}. Health goes by ecs-telemetry; {}.",
            text::count(stale.len(), "connected agent"),
            text::last(cluster),
            if stale.len() == 1 { "reports" } else { "report" },
            telemetry(ways, stale.iter().map(|(a, ..)| **a))
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

/// What the audit says of the path by which health goes.
fn telemetry<'a>(ways: &Ways<'_>, agents: impl Iterator<Item = &'a Agent<'a>>) -> String {
    let paths: Vec<_> = agents.flat_map(|a| ways.paths(a.arn(), |s| s == "ecs-telemetry")).map(|(_, p)| p).collect();
    let blame = |p: &&crate::analysis::Path| p.causes.iter().filter(|c| c.verdict == Tri::Fail).max_by_key(|c| c.severity).map(|c| format!("that path stops at {} ({})", c.object, c.rule));
    match paths.iter().map(|p| p.verdict).max() {
        Some(Tri::Fail) => paths.iter().filter(|p| p.verdict == Tri::Fail).find_map(blame).unwrap_or_else(|| "that path fails".to_owned()),
        Some(Tri::Pass) => "that path is open by the configuration, so restart the agent and look for a proxy".to_owned(),
        _ => "whether that path is open could not be told".to_owned(),
    }
}

/// What an instance's tags say of the cluster that it is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Meant<'a> {
    /// ARN of the cluster.
    cluster: &'a str,
    /// Its Auto Scaling group, where it has one.
    group: Option<&'a str>,
    /// ARN of the capacity provider of that group, where one was seen.
    provider: Option<&'a str>,
}

/// Which cluster an instance was launched for: that of the capacity provider of its Auto Scaling group, or the one that a tag names,
/// or the only one there is, where a tag says that ECS manages the group.
fn meant<'a>(view: &'a View<'_>, instance: &'a ec2::Instance) -> Option<Meant<'a>> {
    let region = view.region;
    let tag = |key: &str| instance.tags.iter().find(|t| t.key == key);
    let in_scope = |c: &&ecs::Cluster| agents::cluster_in_scope(view, Some(&c.cluster_arn)) && !c.status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("INACTIVE"));
    let group = tag("aws:autoscaling:groupName").and_then(|t| t.value.as_deref());
    let of_group = |p: &&ecs::CapacityProvider| {
        let arn = p.auto_scaling_group_provider.as_ref().and_then(|a| a.auto_scaling_group_arn.as_deref());
        group.zip(arn).is_some_and(|(group, arn)| arn.rsplit_once("autoScalingGroupName/").is_some_and(|(_, name)| name == group))
    };
    let provider = region.capacity_providers.iter().find(of_group);
    if let Some(provider) = provider {
        let uses = |c: &&ecs::Cluster| provider.name.as_ref().is_some_and(|n| c.capacity_providers.contains(n));
        let cluster = region.clusters.iter().find(|c| uses(c) && in_scope(c))?;
        return Some(Meant { cluster: &cluster.cluster_arn, group, provider: Some(&provider.capacity_provider_arn) });
    }
    let cluster = if let Some(named) = tag("aws:ecs:clusterName").and_then(|t| t.value.as_deref()) {
        region.clusters.iter().find(|c| (c.cluster_arn == named || text::last(&c.cluster_arn) == named) && in_scope(c))?
    } else {
        tag(ec2::ECS_MANAGED)?;
        // Of several clusters nobody tells which.
        let [cluster] = region.clusters.as_slice() else { return None };
        Some(cluster).filter(in_scope)?
    };
    Some(Meant { cluster: &cluster.cluster_arn, group, provider: None })
}

/// Instances that were launched for a cluster, run, and are not known to ECS.
fn never_registered(view: &View<'_>, outcome: &mut Outcome<'_>) {
    if !view.seen(Action::DescribeContainerInstances) || !view.seen(Action::ListContainerInstances) {
        return;
    }
    let known: BTreeSet<&str> = view.region.container_instances.iter().filter_map(|i| i.ec2_instance_id.as_deref()).collect();
    let mut missing: BTreeMap<Meant<'_>, Vec<&ec2::Instance>> = BTreeMap::new();
    for instance in &view.region.instances {
        let running = instance.state.as_ref().and_then(|s| s.name.as_deref()).is_some_and(|s| s.eq_ignore_ascii_case("running"));
        let late = match (view.now, instance.launch_time) {
            (Some(now), Some(launched)) => now.seconds_since(launched) > JOINING,
            // Without its age it may have come a moment ago.
            _ => true,
        };
        let here = instance.vpc_id.as_ref().is_some_and(|v| view.vpcs.contains(v));
        if running
            && late
            && here
            && !known.contains(instance.instance_id.as_str())
            && let Some(meant) = meant(view, instance)
        {
            missing.entry(meant).or_default().push(instance);
        }
    }
    for (meant, instances) in missing {
        let of = meant.group.map_or_else(|| "tagged for ECS".to_owned(), |g| format!("of Auto Scaling group {g}"));
        if view.now.is_none() || instances.iter().all(|i| i.launch_time.is_none()) {
            let what = if view.now.is_none() { "the time of the recording (give it with --now)".to_owned() } else { format!("when the instances {of} were launched") };
            outcome.unseen([Unseen::Datum(what)], meant.provider.map(str::to_owned));
            continue;
        }
        let instances: Vec<&ec2::Instance> = instances.into_iter().filter(|i| i.launch_time.is_some()).collect();
        let ids: Vec<&str> = instances.iter().map(|i| i.instance_id.as_str()).collect();
        let message = format!(
            "{} {of} never registered in cluster {}: {}. They have run for more than 15 minutes; the way to ecs, the instance role or the agent's configuration may be at fault.",
            text::count(ids.len(), "instance"),
            text::last(meant.cluster),
            text::some(&ids)
        );
        let finding = outcome.fail(subject::of(view, meant.cluster), &format!("never {}", meant.group.unwrap_or_default()), message);
        finding.severity = Severity::Medium;
        finding.confidence = Confidence::Medium;
        finding.affects = meant.provider.map(str::to_owned).into_iter().collect();
        finding.evidence = text::evidence(Action::DescribeInstances, "LaunchTime", instances.iter().filter_map(|i| Some((i.instance_id.as_str(), i.launch_time?.to_string()))));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{CLUSTER, Scene, VPC, arn, assert_whole, from, only, time};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const OLD: &str = "2026-01-01T00:00:00Z";

    fn scene(fields: Value) -> Scene {
        let mut scene = Scene::new();
        scene.instance("a", OLD, fields);
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn a_healthy_agent_passes_and_none_do_not_apply() {
        assert_eq!(judged(&scene(json!({}))).verdict, Verdict::Pass);
        assert_eq!(judged(&Scene::new()).verdict, Verdict::NotApplicable);
        assert_eq!(judged(Scene::new().deny(Action::DescribeContainerInstances)).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_failed_registration_is_high_with_its_reason() {
        let result = judged(&scene(json!({"status": "REGISTRATION_FAILED", "statusReason": "no such role"})));
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::High, Some(CLUSTER)));
        assert!(finding.message.contains("no such role") && finding.affects.contains(&arn("container-instance", "a")));
    }

    #[test]
    fn stale_health_is_medium_by_the_clock() {
        for health in [json!({"overallStatus": "INSUFFICIENT_DATA", "details": []}), json!({"overallStatus": "OK", "details": [{"type": "CONTAINER_RUNTIME", "lastUpdated": "2026-01-10T11:29:00Z"}]})]
        {
            let result = judged(&scene(json!({"healthStatus": health})));
            assert_eq!((result.verdict, only(&result).severity), (Verdict::Fail, Severity::Medium), "{health}");
            assert!(only(&result).message.contains("ecs-telemetry"));
        }
        assert_eq!(judged(&scene(json!({"healthStatus": {"overallStatus": "OK", "details": [{"lastUpdated": "2026-01-10T11:31:00Z"}]}}))).verdict, Verdict::Pass);
        let mut timeless = scene(json!({}));
        timeless.region.taken_at = None;
        assert_eq!(only(&judged(&timeless)).severity, Severity::Info);
    }

    #[test]
    fn health_that_was_not_asked_for_is_unknown_and_of_the_disconnected_it_does_not_matter() {
        let result = judged(&scene(json!({"healthStatus": null})));
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::High));
        assert!(only(&result).message.contains("CONTAINER_INSTANCE_HEALTH"));
        assert_eq!(judged(&scene(json!({"healthStatus": null, "agentConnected": false}))).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_failed_update_matters_where_its_bucket_cannot_be_reached() {
        let isolated = |region: &str| {
            let mut scene = scene(json!({"agentUpdateStatus": "FAILED"}));
            scene.region.region = region.into();
            scene.region.subnets = vec![from(json!({"SubnetId": "subnet-1", "VpcId": VPC, "CidrBlock": "10.0.0.0/24"}))];
            scene.region.route_tables = vec![from(
                json!({"RouteTableId": "rtb-1", "VpcId": VPC, "Associations": [{"Main": true}], "Routes": [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}]}),
            )];
            scene
        };
        let result = judged(&isolated("us-east-2"));
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Fail, Severity::High));
        assert!(only(&result).message.contains("us-east-1"), "{}", only(&result).message);
        // The bucket's own region: a gateway endpoint leads there, unless S3 fails.
        let mut home = isolated("us-east-1");
        assert_eq!(judged(&home).verdict, Verdict::Pass);
        let member = arn("container-instance", "a");
        home.placement(Kind::ContainerInstance, &[&member], &[("s3", Way::GatewayEndpoint, Tri::Fail)]);
        assert!(only(&judged(&home)).message.ends_with("The bucket lies in us-east-1, and the path to S3 fails."), "{}", only(&judged(&home)).message);
        // Where the route was not seen, nobody knows.
        let mut unseen = isolated("us-east-2");
        unseen.region.route_tables.clear();
        unseen.deny(Action::DescribeRouteTables);
        assert_eq!(judged(&unseen).verdict, Verdict::Unknown);
    }

    #[test]
    fn an_instance_of_the_group_that_never_registered() {
        let mut scene = scene(json!({}));
        scene.region.clusters[0].capacity_providers = vec!["asg".into()];
        let provider = "arn:aws:ecs:us-east-2:111122223333:capacity-provider/asg";
        scene.region.capacity_providers = vec![from(
            json!({"capacityProviderArn": provider, "name": "asg", "autoScalingGroupProvider": {"autoScalingGroupArn": "arn:aws:autoscaling:us-east-2:111122223333:autoScalingGroup:1:autoScalingGroupName/web"}}),
        )];
        let tags = json!([{"Key": "aws:autoscaling:groupName", "Value": "web"}]);
        scene.region.instances.push(from(json!({"InstanceId": "i-lost", "VpcId": VPC, "State": {"Name": "running"}, "LaunchTime": "2026-01-10T11:44:00Z", "Tags": tags})));
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::Medium, Some(CLUSTER)));
        assert!(finding.message.contains("i-lost") && finding.affects.contains(provider));
        scene.region.instances[1].launch_time = Some(time("2026-01-10T11:50:00Z"));
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
    }

    #[test]
    fn stale_health_names_what_the_path_of_telemetry_is() {
        let told = |verdict: Option<Tri>| {
            let mut scene = scene(json!({"healthStatus": {"overallStatus": "INSUFFICIENT_DATA"}}));
            let member = arn("container-instance", "a");
            if let Some(verdict) = verdict {
                scene.placement(Kind::ContainerInstance, &[&member], &[("ecs-telemetry", Way::InterfaceEndpoint, verdict)]);
                scene.cause("ecs-telemetry", "NW01", verdict, Severity::Critical, "sg-9");
            }
            only(&judged(&scene)).message.clone()
        };
        assert!(told(Some(Tri::Fail)).contains("1 connected agent in cluster web reports no current health: a. Health goes by ecs-telemetry; that path stops at sg-9 (NW01)."));
        assert!(told(Some(Tri::Pass)).contains("that path is open by the configuration"));
        assert!(told(Some(Tri::Unknown)).contains("could not be told") && told(None).contains("could not be told"));
    }

    #[test]
    fn an_instance_that_a_tag_says_to_be_for_ecs_and_that_never_registered() {
        let lost = |tags: Value| json!({"InstanceId": "i-lost", "VpcId": VPC, "State": {"Name": "running"}, "LaunchTime": "2026-01-10T11:00:00Z", "Tags": tags});
        let with = |tags: Value| {
            let mut scene = scene(json!({}));
            scene.region.instances.push(from(lost(tags)));
            scene
        };
        // No capacity provider was seen: the tags alone tell.
        for tags in [json!([{"Key": "AmazonECSManaged", "Value": ""}, {"Key": "aws:autoscaling:groupName", "Value": "grp"}]), json!([{"Key": "aws:ecs:clusterName", "Value": "web"}])] {
            let result = judged(&with(tags.clone()));
            let finding = only(&result);
            assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::Medium, Some(CLUSTER)), "{tags}");
            assert!(finding.message.contains("i-lost"), "{}", finding.message);
        }
        for tags in [json!([{"Key": "aws:autoscaling:groupName", "Value": "grp"}]), json!([{"Key": "aws:ecs:clusterName", "Value": "another"}]), json!([{"Key": "Name", "Value": "web"}])] {
            assert_eq!(judged(&with(tags.clone())).verdict, Verdict::Pass, "{tags}");
        }
        let mut young = with(json!([{"Key": "aws:ecs:clusterName", "Value": "web"}]));
        young.region.instances[1].launch_time = Some(time("2026-01-10T11:46:00Z"));
        assert_eq!(judged(&young).verdict, Verdict::Pass, "it may be about to register");
        let mut two = with(json!([{"Key": "AmazonECSManaged"}]));
        two.region.clusters.push(from(json!({"clusterArn": "arn:aws:ecs:us-east-2:111122223333:cluster/other", "clusterName": "other", "status": "ACTIVE"})));
        assert_eq!(judged(&two).verdict, Verdict::Pass, "which of two clusters nobody tells");
    }

    #[test]
    fn an_unregistered_instance_without_an_age_is_unknown() {
        let mut scene = scene(json!({"healthStatus": {"overallStatus": "OK"}}));
        scene.region.clusters[0].capacity_providers = vec!["asg".into()];
        scene.region.capacity_providers = vec![from(json!({"capacityProviderArn": "arn:aws:ecs:us-east-2:111122223333:capacity-provider/asg", "name": "asg",
            "autoScalingGroupProvider": {"autoScalingGroupArn": "arn:aws:autoscaling:us-east-2:111122223333:autoScalingGroup:1:autoScalingGroupName/web"}}))];
        scene.region.instances.push(from(json!({"InstanceId": "i-lost", "VpcId": VPC, "State": {"Name": "running"}, "Tags": [{"Key": "aws:autoscaling:groupName", "Value": "web"}]})));
        let result = judged(&scene);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Info));
        scene.region.instances[1].launch_time = Some(time("2026-01-10T11:44:00Z"));
        scene.region.taken_at = None;
        assert_eq!(judged(&scene).verdict, Verdict::Unknown);
    }
}
