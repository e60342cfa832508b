//! RG01: An endpoint serves another region.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::View;
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::VpcEndpoint;

/// An endpoint serves another region.
pub static RULE: Rule = Rule {
    id: "RG01",
    name: "endpoint-of-another-region",
    title: "An endpoint serves another region",
    severity: Severity::High,
    why: "The endpoints of ECS have to be in the region whose API is called. One that a copied template left behind serves a region that nobody here talks to.",
    mend: "Create the endpoint of this region, and delete the one that is left over.",
    sources: &[pages::ECS_ENDPOINTS, pages::CROSS_REGION],
    reads: reads::WORKLOADS_AND_ENDPOINTS,
    check,
};

/// Services that AWS lets endpoints of another region serve
/// (<https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-cross-region-privatelink-support.html>), but for ECS itself,
/// whose three cannot be complete that way. What stands here may be meant.
const CROSS_REGION: [&str; 5] = ["ecr.api", "ecr.dkr", "kinesis-firehose", "kms", "s3"];

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let usage = Usage::new(view);
    let ours = view.region.region.as_str();
    for endpoint in usage.endpoints.iter().filter(|e| !endpoints::is_state(e, "deleted") && !endpoints::is_state(e, "deleting")) {
        match endpoints::region_of(endpoint) {
            Some(region) if region == ours => outcome.pass(),
            Some(region) => report(view, outcome, &usage, endpoint, region),
            None => {}
        }
    }
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, usage: &Usage<'_>, endpoint: &VpcEndpoint, region: &str) {
    let ours = view.region.region.as_str();
    let service = endpoints::short(endpoint).unwrap_or_default();
    // Whoever needs the service here is not served by it.
    let users = endpoint.vpc_id.as_deref().map(|vpc| endpoints::workloads(view, usage.need(vpc, service))).unwrap_or_default();
    let trio = super::agents::TRIO.contains(&service);
    let mut message = format!("{} serves {region}, and this VPC is in {ours}.", endpoints::title(endpoint));
    message.push_str(if trio {
        " Agents here talk to ECS of their own region and never use it; a copied template may have left it behind."
    } else {
        " It carries calls to that region alone, none of this one."
    });
    let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "", message);
    if CROSS_REGION.contains(&service) {
        finding.severity = Severity::Medium;
    }
    finding.affects = users;
    finding.evidence = vec![
        Evidence::new(Action::DescribeVpcEndpoints, "ServiceName", endpoint.service_name.as_deref().unwrap_or_default(), ""),
        Evidence::new(Action::DescribeVpcEndpoints, "ServiceRegion", region, format!("the VPC is in {ours}")),
    ];
    let create = format!(
        "ec2 create-vpc-endpoint --vpc-id {} --vpc-endpoint-type Interface --service-name {} --subnet-ids {} --private-dns-enabled",
        endpoint.vpc_id.as_deref().unwrap_or_default(),
        crate::analysis::services::full_name_in(view.region, service),
        endpoint.subnet_ids.join(" ")
    );
    let served = view.index.endpoints.values().any(|e| e.vpc_id == endpoint.vpc_id && endpoints::short(e) == Some(service) && endpoints::region_of(e) == Some(ours));
    if !served {
        finding.remediation.commands.push(text::aws(ours, &create));
    }
    finding.remediation.commands.push(text::aws(ours, &format!("ec2 delete-vpc-endpoints --vpc-endpoint-ids {}", endpoint.vpc_endpoint_id)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Scene, assert_whole, only};
    use super::RULE;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const MADE: &str = "2026-01-01T00:00:00Z";

    #[test]
    fn endpoints_of_this_region_pass() {
        let mut scene = Scene::new();
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.trio([MADE; 3]);
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn a_leftover_of_the_trio_is_high() {
        let mut scene = Scene::new();
        scene.endpoint("ecs", MADE, json!({"ServiceName": "com.amazonaws.us-east-1.ecs", "SubnetIds": ["subnet-1"]}));
        scene.placement(Kind::ContainerInstance, &["arn:aws:ecs:us-east-2:111122223333:container-instance/web/a"], &[("ecs", Way::None, Tri::Fail)]);
        let result = scene.run(&RULE);
        assert_whole(&result);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref(), finding.affects.len()), (Severity::High, Some("vpce-ecs"), 1));
        assert!(finding.remediation.commands[0].contains("create-vpc-endpoint") && finding.remediation.commands[0].contains("com.amazonaws.us-east-2.ecs "));
    }

    #[test]
    fn the_field_wins_over_the_name_and_other_services_are_medium() {
        let mut scene = Scene::new();
        scene.endpoint("ecr.api", MADE, json!({"ServiceRegion": "eu-west-1"}));
        let result = scene.run(&RULE);
        assert_eq!(only(&result).severity, Severity::Medium);
        assert!(only(&result).message.contains("eu-west-1"));
    }

    #[test]
    fn what_ecs_does_not_use_and_what_is_gone_are_left_out() {
        let mut scene = Scene::new();
        scene.endpoint("lambda", MADE, json!({"ServiceName": "com.amazonaws.eu-west-1.lambda"}));
        scene.endpoint("ecs", MADE, json!({"ServiceName": "com.amazonaws.us-east-1.ecs", "State": "deleted"}));
        scene.endpoint("own", MADE, json!({"ServiceName": "com.amazonaws.vpce.eu-west-1.vpce-svc-0123"}));
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }
}
