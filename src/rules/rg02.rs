//! RG02: A newer region lacks its own ECS endpoints.

use std::collections::BTreeSet;

use super::agents::{TRIO, holds_agents, trio_of};
use super::endpoints::{self, Usage, Use};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Tri, Unseen, View, Way, services};
use crate::finding::{Evidence, Severity};

/// A newer region lacks its own ECS endpoints.
pub static RULE: Rule = Rule {
    id: "RG02",
    name: "new-region-trio-missing",
    title: "A newer region lacks its own ECS endpoints",
    severity: Severity::Critical,
    why: "In regions opened since 23 December 2023, ECS traffic uses the endpoints only if all three of the region exist. With one of them missing all of it \
          leaves over the public endpoints.",
    mend: "Create ecs-agent, ecs-telemetry and ecs of this region, and delete those of the region that a template was copied from.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::AGENTS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let late = services::opened_lately(&view.region.region);
    if late == Some(false) {
        outcome.reason("the region is older than 23 December 2023");
        return;
    }
    let usage = Usage::new(view);
    let vpcs: BTreeSet<&str> = view.placements.iter().filter(|p| holds_agents(p)).filter_map(|p| p.vpc.as_deref()).filter(|v| view.vpcs.iter().any(|x| x == v)).collect();
    for vpc in vpcs {
        let local = trio_of(view, vpc);
        let agents: Vec<Use<'_>> = TRIO.iter().flat_map(|t| usage.need(vpc, t)).copied().filter(|u| holds_agents(u.placement)).collect();
        let missing: Vec<&str> =
            TRIO.iter().zip(local).filter(|(short, here)| here.is_none() && !agents.iter().any(|u| u.need.service == **short && u.path.way == Way::RemoteEndpoint)).map(|(short, _)| *short).collect();
        if missing.is_empty() {
            outcome.pass();
        } else if !view.seen(Action::DescribeVpcEndpoints) {
            outcome.unseen([Unseen::Action(Action::DescribeVpcEndpoints)], endpoints::workloads(view, &agents));
        } else if late.is_none() {
            let message = format!(
                "Whether {} needs all three ECS endpoints cannot be told: the region is in no table of this audit. {} {} missing in {vpc}.",
                view.region.region,
                text::list(&missing),
                are(&missing)
            );
            let finding = outcome.fail(subject::of(view, vpc), "", message);
            finding.severity = Severity::Info;
        } else if agents.iter().flat_map(|u| &u.path.causes).any(|c| c.rule == "EP01" && c.verdict == Tri::Fail) {
            outcome.reason("the missing endpoints are EP01's");
        } else if missing.len() == TRIO.len() {
            // Where the traffic goes without them was not seen, or EP01 would fail.
            let unseen: BTreeSet<Unseen> = agents.iter().flat_map(|u| &u.path.causes).flat_map(|c| c.unseen.iter().cloned()).collect();
            let unseen = if unseen.is_empty() { BTreeSet::from([Unseen::Datum(format!("how agents in {vpc} reach ECS"))]) } else { unseen };
            outcome.unseen(unseen, endpoints::workloads(view, &agents));
        } else {
            let message = format!(
                "In {vpc} {} {} missing, and {} is a region where ECS uses its endpoints only if all three are there. Until then all agent traffic takes the public endpoints.",
                text::list(&missing),
                are(&missing),
                view.region.region
            );
            let finding = outcome.fail(subject::of(view, vpc), "", message);
            finding.affects = endpoints::workloads(view, &agents);
            finding.evidence =
                local.iter().flatten().map(|e| Evidence::new(Action::DescribeVpcEndpoints, "ServiceName", e.service_name.as_deref().unwrap_or_default(), e.vpc_endpoint_id.as_str())).collect();
            finding.evidence.extend(missing.iter().map(|m| Evidence::new(Action::DescribeVpcEndpoints, "ServiceName", services::full_name_in(view.region, m), format!("not in {vpc}"))));
            let like = local.iter().flatten().next();
            let subnets = like.map(|e| e.subnet_ids.join(" ")).unwrap_or_default();
            let groups = like.map(|e| e.groups.iter().filter_map(|g| g.group_id.as_deref()).collect::<Vec<_>>().join(" ")).unwrap_or_default();
            finding.remediation.commands = missing
                .iter()
                .map(|m| {
                    let service = services::full_name_in(view.region, m);
                    text::aws(
                        &view.region.region,
                        &format!(
                            "ec2 create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Interface --service-name {service} --subnet-ids {subnets} --security-group-ids {groups} --private-dns-enabled"
                        ),
                    )
                })
                .collect();
        }
    }
}

fn are(missing: &[&str]) -> &'static str {
    if missing.len() == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Scene, VPC, assert_whole, only};
    use super::RULE;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const MADE: &str = "2026-01-01T00:00:00Z";
    const INSTANCE: &str = "arn:aws:ecs:ca-west-1:111122223333:container-instance/web/a";

    /// Agents with these endpoints in a region; all paths of this way and verdict.
    fn scene(region: &str, endpoints: &[&str], way: Way, verdict: Tri) -> Scene {
        let mut scene = Scene::new();
        scene.region.region = region.into();
        for service in endpoints {
            scene.endpoint(service, MADE, json!({"ServiceName": format!("com.amazonaws.{region}.{service}")}));
        }
        scene.placement(Kind::ContainerInstance, &[INSTANCE], &["ecs", "ecs-agent", "ecs-telemetry"].map(|s| (s, way, verdict)));
        scene
    }

    #[test]
    fn older_regions_do_not_ask_for_it() {
        let result = scene("us-east-2", &["ecs"], Way::Internet, Tri::Pass).run(&RULE);
        assert_eq!(result.verdict, Verdict::NotApplicable);
        assert!(result.reason.contains("2023"));
    }

    #[test]
    fn all_three_pass_here_or_in_a_hub() {
        assert_eq!(scene("ca-west-1", &["ecs", "ecs-agent", "ecs-telemetry"], Way::InterfaceEndpoint, Tri::Pass).run(&RULE).verdict, Verdict::Pass);
        assert_eq!(scene("ca-west-1", &[], Way::RemoteEndpoint, Tri::Pass).run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn where_ep01_fails_it_stays_silent() {
        let mut scene = scene("ca-west-1", &["ecs"], Way::None, Tri::Fail);
        scene.cause("ecs-agent", "EP01", Tri::Fail, Severity::Critical, VPC);
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_part_of_the_trio_fails_where_ep01_cannot_tell() {
        let mut scene = scene("ca-west-1", &["ecs"], Way::Unknown, Tri::Unknown);
        scene.cause("ecs-agent", "EP01", Tri::Unknown, Severity::Critical, VPC);
        let result = scene.run(&RULE);
        assert_whole(&result);
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::Critical, Some(VPC)));
        assert!(finding.message.contains("ecs-agent and ecs-telemetry are missing"), "{}", finding.message);
        assert_eq!(finding.remediation.commands.len(), 2);
    }

    #[test]
    fn none_of_them_behind_an_unseen_way_is_unknown() {
        assert_eq!(scene("ca-west-1", &[], Way::Unknown, Tri::Unknown).run(&RULE).verdict, Verdict::Unknown);
    }

    #[test]
    fn an_unheard_of_region_is_worth_knowing() {
        let result = scene("zz-north-9", &["ecs"], Way::Internet, Tri::Pass).run(&RULE);
        assert_eq!(only(&result).severity, Severity::Info);
    }

    #[test]
    fn without_agents_it_does_not_apply() {
        let mut scene = Scene::new();
        scene.region.region = "ca-west-1".into();
        scene.placement(Kind::FargateTask, &["arn:aws:ecs:ca-west-1:111122223333:task/web/t"], &[]);
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }
}
