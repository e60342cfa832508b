//! EP13: No endpoint for a service that a task definition uses.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, Rule, endpoints, from_paths, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Family, Level, Unseen, View, egress, services};
use crate::finding::{Confidence, Evidence, Severity};

/// No endpoint for a service that a task definition uses.
pub static RULE: Rule = Rule {
    id: "EP13",
    name: "feature-endpoint-missing",
    title: "No endpoint for a service that a task definition uses",
    severity: Severity::High,
    why: "Log routers, App Mesh, FSx volumes and GuardDuty bring needs of their own. Without a way to the service behind them the feature fails, often without a \
          clear message.",
    mend: "Create an interface endpoint for the service that is named, with private DNS, in the VPC of the workload.",
    sources: &[pages::ECS_ENDPOINTS, pages::AWS_SERVICES],
    reads: reads::NEEDS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    for hint in view.hints.iter().filter(|h| h.undecided) {
        let unseen = match hint.capability {
            "C13" => Unseen::Datum(format!("where the FireLens plugin {} sends logs to", if hint.service.is_empty() { "that no option names" } else { &hint.service })),
            // EFS could tell, and is not asked.
            "C24" => Unseen::Elsewhere(format!("whether the mount targets of {} are reached on port 2049 (`aws efs describe-mount-targets`, which this audit does not read)", hint.service)),
            "C25" => Unseen::Datum(format!("what mounting {} needs", hint.service)),
            _ => continue,
        };
        outcome.unseen([unseen], hint.workloads.iter().cloned());
    }
    sidecars(view, outcome);
}

/// Who calls a service, as an image tells: X-Ray daemon, OpenTelemetry collector, CloudWatch agent.
#[derive(Default)]
struct Told {
    level: Option<Level>,
    because: BTreeSet<String>,
    affects: BTreeSet<String>,
}

/// Services that images of sidecars tell of. A sidecar may be told to send elsewhere, so none of it is more than medium.
fn sidecars(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let mut missing: BTreeMap<(&str, &str), Told> = BTreeMap::new();
    for hint in view.hints.iter().filter(|h| matches!(h.capability, "C28" | "C29")) {
        let service = hint.service.as_str();
        for placement in view.placements.iter().filter(|p| p.workloads.iter().any(|w| hint.workloads.contains(w))) {
            let (Some(vpc), Some(subnet)) = (placement.vpc.as_deref(), placement.subnet.as_deref()) else { continue };
            // A need of the same service is judged with its path.
            if !view.vpcs.iter().any(|v| v == vpc) || placement.needs.iter().any(|n| n.service == service) {
                continue;
            }
            let present = view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().any(|e| endpoints::short(e) == Some(service) && endpoints::is_state(e, "available"));
            if present {
                outcome.pass();
                continue;
            }
            let affects = || placement.workloads.iter().filter(|w| hint.workloads.contains(*w)).cloned();
            if !view.seen(Action::DescribeVpcEndpoints) {
                outcome.unseen([Unseen::Action(Action::DescribeVpcEndpoints)], affects());
                continue;
            }
            let answer = egress::egress(&view.index, view.options, subnet, Family::V4, placement.public_ip);
            match answer.class.map(|c| c.level(view.options.require_private)) {
                Some(level @ (Level::Hard | Level::Soft)) => {
                    let told = missing.entry((vpc, service)).or_default();
                    // Hard is the first of the levels.
                    told.level = Some(told.level.map_or(level, |l| l.min(level)));
                    told.because.extend(hint.because.iter().cloned());
                    told.affects.extend(affects());
                }
                Some(Level::Undecided) | None if answer.decision.unseen.is_empty() => outcome.unseen([Unseen::Datum(format!("how {service} is reached from {subnet}"))], affects()),
                Some(Level::Undecided) | None => outcome.unseen(answer.decision.unseen, affects()),
            }
        }
    }
    for ((vpc, service), told) in missing {
        let hard = told.level == Some(Level::Hard);
        let message = format!(
            "There is no endpoint of {service} in {vpc}, and sidecars look as if they called it ({}). {}",
            text::some(&told.because),
            if hard { "Without another way what they send is lost; the application itself goes on." } else { "What they send leaves over the internet." }
        );
        let finding = outcome.fail(subject::of(view, vpc), service, message);
        finding.severity = if hard { Severity::Medium } else { Severity::Low };
        finding.confidence = Confidence::Medium;
        finding.affects = told.affects;
        finding.evidence = told.because.iter().take(text::SHOWN).map(|b| Evidence::new(Action::DescribeTaskDefinition, "containerDefinitions[].image", b.as_str(), "")).collect();
        finding.remediation.commands = vec![text::aws(
            &view.region.region,
            &format!("ec2 create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Interface --service-name {} --private-dns-enabled", services::full_name_in(view.region, service)),
        )];
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_whole, only};
    use super::super::{RuleResult, run};
    use super::*;
    use crate::analysis::testing::{SUBNET_A, Scene, VPC, container, text};
    use crate::finding::Verdict;
    use crate::inventory::ec2;

    /// An isolated Fargate task with a sidecar.
    fn scene(image: &str) -> Scene {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |d| {
            let mut sidecar = container("sidecar");
            sidecar.image = text(image);
            d.container_definitions.push(sidecar);
        });
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    #[test]
    fn an_x_ray_daemon_without_an_endpoint_is_medium_where_nothing_else_leads_there() {
        let mut scene = scene("111122223333.dkr.ecr.us-east-2.amazonaws.com/xray/aws-xray-daemon:3");
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref(), finding.affects.len()), (Severity::Medium, Some(VPC), 1));
        assert!(finding.message.contains("no endpoint of xray in vpc-1") && finding.message.contains("aws-xray-daemon"), "{}", finding.message);
        scene.interface_endpoint("xray");
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
    }

    #[test]
    fn a_collector_tells_of_three_services_and_over_a_transit_gateway_of_nothing() {
        let mut scene = scene("public.ecr.aws/aws-observability/aws-otel-collector:latest");
        assert_eq!(judged(&scene).findings.iter().filter(|f| f.verdict == Verdict::Fail).count(), 3);
        scene.region.route_tables[0].routes.push(ec2::Route { destination_cidr_block: text("0.0.0.0/0"), transit_gateway_id: text("tgw-1"), state: text("active"), ..Default::default() });
        let result = judged(&scene);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Info));
    }

    #[test]
    fn other_images_tell_nothing() {
        assert_eq!(judged(&scene("111122223333.dkr.ecr.us-east-2.amazonaws.com/proxy:1")).verdict, Verdict::NotApplicable);
    }
}
