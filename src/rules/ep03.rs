//! EP03: The ECS endpoints serve nobody in this VPC.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Kind, View};
use crate::finding::{Confidence, Evidence, Severity};

/// The ECS endpoints serve nobody in this VPC.
pub static RULE: Rule = Rule {
    id: "EP03",
    name: "ecs-endpoints-unused",
    title: "The ECS endpoints serve nobody in this VPC",
    severity: Severity::Info,
    why: "Fargate tasks do not use ecs, ecs-agent and ecs-telemetry: AWS runs the agent on its own side. In a VPC where nothing but Fargate runs, these three \
          endpoints cost money in every zone without carrying anything.",
    mend: "Delete the endpoints that nothing uses. Keep ecs-agent where Service Connect is on, and ecs where your own code calls the ECS API.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::WORKLOADS_AND_ENDPOINTS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let usage = Usage::new(view);
    for vpc in &view.vpcs {
        let mut here = view.placements.iter().filter(|p| p.vpc.as_ref() == Some(vpc) && p.kind != Kind::Query).peekable();
        if here.peek().is_none() || here.any(|p| !p.fargate) {
            continue;
        }
        let idle: Vec<_> = usage
            .endpoints
            .iter()
            .filter(|e| e.vpc_id.as_ref() == Some(vpc) && endpoints::is_state(e, "available") && endpoints::region_of(e).is_none_or(|r| r == view.region.region))
            .filter(|e| endpoints::short(e).is_some_and(|s| super::agents::TRIO.contains(&s) && usage.need(vpc, s).is_empty()))
            .collect();
        if idle.is_empty() {
            outcome.pass();
            outcome.reason("Fargate alone runs here, and no ECS endpoint stands idle");
            continue;
        }
        if RULE.reads.iter().any(|a| !view.seen(*a) && reads::matters(view, *a)) {
            continue; // What was not seen may use them: unknown, by what the rule reads.
        }
        let homeless: Vec<_> = view.placements.iter().filter(|p| p.vpc.is_none()).collect();
        if !homeless.is_empty() {
            // Those may stand here and need them.
            outcome.unseen(homeless.iter().filter_map(|p| p.place_unseen.clone()), homeless.iter().flat_map(|p| p.workloads.iter().cloned()));
            continue;
        }
        if groups_may_launch(view) {
            outcome.reason("an Auto Scaling group may launch instances with agents here");
            continue;
        }
        let names = text::list(idle.iter().filter_map(|e| endpoints::short(e)));
        let message =
            format!("Nothing in {vpc} that ECS runs uses the endpoints {names}. Fargate alone runs here, and AWS runs its agent elsewhere; keep ecs only if your own code calls the ECS API.");
        let finding = outcome.fail(subject::of(view, vpc), "", message);
        finding.confidence = Confidence::Medium;
        finding.evidence = idle.iter().map(|e| Evidence::new(Action::DescribeVpcEndpoints, "ServiceName", e.service_name.as_deref().unwrap_or_default(), e.vpc_endpoint_id.as_str())).collect();
        let ids: Vec<&str> = idle.iter().map(|e| e.vpc_endpoint_id.as_str()).collect();
        finding.remediation.commands = vec![text::aws(&view.region.region, &format!("ec2 delete-vpc-endpoints --vpc-endpoint-ids {}", ids.join(" ")))];
    }
}

/// Whether a capacity provider may launch instances with agents, in subnets that ECS does not tell.
fn groups_may_launch(view: &View<'_>) -> bool {
    view.region.capacity_providers.iter().any(|p| {
        p.auto_scaling_group_provider.is_some()
            && p.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("ACTIVE"))
            && p.name.as_ref().is_some_and(|n| view.region.clusters.iter().any(|c| c.capacity_providers.contains(n)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Scene, VPC, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Unseen, Way};
    use crate::finding::{Severity, Verdict};

    const TASK: &str = "arn:aws:ecs:us-east-2:111122223333:task/web/t";
    const MADE: [&str; 3] = ["2026-01-01T00:00:00Z"; 3];

    #[test]
    fn fargate_alone_without_the_endpoints_passes() {
        let mut scene = Scene::new();
        scene.placement(Kind::FargateTask, &[TASK], &[("logs", Way::InterfaceEndpoint, Tri::Pass)]);
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn fargate_alone_with_them_is_worth_knowing() {
        let mut scene = Scene::new();
        scene.trio(MADE).placement(Kind::FargateTask, &[TASK], &[]);
        let result = scene.run(&RULE);
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::Info, Some(VPC)));
        assert!(finding.remediation.commands[0].contains("vpce-ecs-agent vpce-ecs-telemetry"));
    }

    #[test]
    fn service_connect_keeps_ecs_agent() {
        let mut scene = Scene::new();
        scene.trio(MADE).placement(Kind::FargateTask, &[TASK], &[("ecs-agent", Way::InterfaceEndpoint, Tri::Pass)]);
        assert!(!only(&scene.run(&RULE)).remediation.commands[0].contains("vpce-ecs-agent"));
    }

    #[test]
    fn with_agents_it_does_not_apply() {
        let mut scene = Scene::new();
        scene.trio(MADE).placement(Kind::FargateTask, &[TASK], &[]).placement(Kind::ContainerInstance, &["arn:aws:ecs:us-east-2:111122223333:container-instance/web/a"], &[]);
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        let mut scene = Scene::new();
        scene.trio(MADE).placement(Kind::FargateTask, &[TASK], &[]);
        scene.region.clusters[0].capacity_providers = vec!["asg".into()];
        scene.region.capacity_providers =
            vec![from(json!({"capacityProviderArn": "arn:aws:ecs:us-east-2:111122223333:capacity-provider/asg", "name": "asg", "status": "ACTIVE", "autoScalingGroupProvider": {}}))];
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_workload_of_an_unseen_vpc_leaves_it_open() {
        let mut scene = Scene::new();
        scene.trio(MADE).placement(Kind::FargateTask, &[TASK], &[]).placement(Kind::ContainerInstance, &["arn:aws:ecs:us-east-2:111122223333:container-instance/web/a"], &[]);
        scene.placements[1].vpc = None;
        scene.placements[1].place_unseen = Some(Unseen::Action(Action::DescribeInstances));
        let result = scene.run(&RULE);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Info));
    }
}
