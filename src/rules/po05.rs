//! PO05: The policy on S3 keeps image layers out.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, from_paths, pages, policies, reads, subject};
use crate::actions::Action;
use crate::analysis::{View, services};
use crate::finding::{Evidence, Finding, Severity, Verdict};
use crate::inventory::ec2::VpcEndpoint;
use crate::policy::{self, Principal};

/// The policy on S3 keeps image layers out.
pub static RULE: Rule = Rule {
    id: "PO05",
    name: "s3-policy-blocks-layers",
    title: "The policy on S3 keeps image layers out",
    severity: Severity::Critical,
    why: "Image layers come from a bucket that AWS owns, by URLs that ECR signs itself. A policy for your own buckets, or with a condition on your account or \
          organization, answers them with 403.",
    mend: "Allow s3:GetObject on the layer bucket of ECR for everybody, without a condition on account or organization.",
    sources: &[pages::ECR_ENDPOINTS, pages::S3_GATEWAY],
    reads: reads::NEEDS,
    check,
};

/// The bucket that agents are updated from, in one region of a partition.
const AGENT_BUCKET: &str = "amazon-ecs-agent";

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let usage = Usage::new(view);
    let region = view.region;
    let layers = format!("arn:{}:s3:::{}/*", region.partition, services::layer_bucket(&region.region));
    // Who pulls is told by all that runs; one that was not seen may.
    let all_seen = RULE.reads.iter().all(|a| view.seen(*a) || !reads::matters(view, *a)) && ["EP05", "EP06"].iter().all(|r| !view.unseen_needs.contains_key(r));
    let updates = format!("arn:{}:s3:::{AGENT_BUCKET}/*", region.partition);
    for endpoint in usage.endpoints.iter().filter(|e| endpoints::short(e) == Some("s3") && endpoints::region_of(e).is_none_or(|r| r == region.region)) {
        let Some(vpc) = endpoint.vpc_id.as_deref().filter(|v| view.vpcs.iter().any(|x| x == v)) else { continue };
        let Some(document) = endpoints::narrow_policy(view, endpoint) else { continue };
        let blamed = |outcome: &Outcome<'_>| outcome.findings.iter().any(|f| f.verdict == Verdict::Fail && f.resource.id.as_deref() == Some(&endpoint.vpc_endpoint_id));
        let denied = |caller: Principal, resource: &str| policy::evaluate(&document, &endpoints::request(endpoint, "s3:GetObject", caller, resource)).decision.is_deny();
        let pulls = usage.need(vpc, "s3").iter().any(|u| u.need.asks.iter().any(|a| a.resource == layers));
        if !pulls && all_seen && !blamed(outcome) && denied(Principal::AwsOwned, &layers) {
            let message = format!("The policy of {} keeps image layers of ECR out. Nothing in {vpc} pulls from ECR of this region yet; the first that does will get 403.", endpoints::title(endpoint));
            let finding = note(view, outcome, endpoint, "latent", message, &layers);
            finding.severity = Severity::Medium;
        }
        let agents = view.placements.iter().any(|p| p.vpc.as_deref() == Some(vpc) && super::agents::holds_agents(p));
        if agents && services::agent_bucket_region(&region.region) == Some(region.region.as_str()) && !blamed(outcome) && denied(Principal::Unknown, &updates) {
            let message = format!("The policy of {} keeps updates of the container agent out. They come from the bucket {AGENT_BUCKET} of this region.", endpoints::title(endpoint));
            let finding = note(view, outcome, endpoint, "agent", message, &updates);
            finding.severity = Severity::Info;
            finding.remediation.text = format!("Allow s3:GetObject on {updates}, if agents are updated in place.");
        }
    }
}

fn note<'o>(view: &View<'_>, outcome: &'o mut Outcome<'_>, endpoint: &VpcEndpoint, discriminator: &str, message: String, resource: &str) -> &'o mut Finding {
    let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), discriminator, message);
    finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "PolicyDocument", "s3:GetObject", format!("on {resource}"))];
    // What the policy keeps out otherwise stays out.
    finding.remediation.commands = policies::granting(endpoint, "s3:GetObject", resource).map(|c| c.command(view.region)).into_iter().collect();
    finding
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{assert_whole, from, only};
    use super::super::{RuleResult, run};
    use super::*;
    use crate::analysis::testing::{SUBNET_A, Scene, text};

    /// A gateway endpoint for S3 with this policy, beside an agent, and a task with this image.
    fn scene(resource: &str, image: Option<&str>) -> Scene {
        let mut scene = Scene::new();
        let instance = scene.instance("web", "a", SUBNET_A);
        if let Some(image) = image {
            let definition = scene.definition("web", |d| d.container_definitions[0].image = text(image));
            scene.instance_task("web", "t1", &definition, None, &instance, None);
        }
        let statement = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": resource}]});
        let service = "com.amazonaws.us-east-2.s3";
        scene.s3_gateway(&statement.to_string());
        scene.region.service_details.push(from(json!({"ServiceName": service, "VpcEndpointPolicySupported": true})));
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    #[test]
    fn own_buckets_alone_keep_layers_out() {
        let own = "arn:aws:s3:::mine/*";
        let ecr = judged(&scene(own, Some("111122223333.dkr.ecr.us-east-2.amazonaws.com/web:1")));
        assert_eq!(only(&ecr).severity, Severity::Critical);
        // Without anybody who pulls from ECR it is a trap that waits.
        for image in [None, Some("registry.example.com/web:1")] {
            let latent = judged(&scene(own, image));
            let finding = only(&latent);
            assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::Medium, Some("vpce-s3")));
            assert!(finding.message.contains("Nothing in vpc-1 pulls from ECR of this region yet"), "{}", finding.message);
            // The mend keeps what the policy is for, and adds the layers.
            let [command] = finding.remediation.commands.as_slice() else { panic!("{:?}", finding.remediation.commands) };
            assert!(command.contains(own) && command.contains("arn:aws:s3:::prod-us-east-2-starport-layer-bucket/*") && !command.contains(r#""Resource":"*""#), "{command}");
        }
        // A task definition that was not seen may pull.
        let mut unseen = scene(own, Some("registry.example.com/web:1")).lacking(Action::DescribeTaskDefinition);
        unseen.region.task_definitions.clear();
        assert!(judged(&unseen).findings.iter().all(|f| f.verdict == Verdict::Unknown));
        assert!(judged(&scene("*", None)).findings.is_empty());
        assert!(judged(&scene("arn:aws:s3:::prod-us-east-2-starport-layer-bucket/*", None)).findings.is_empty());
    }

    #[test]
    fn agent_updates_matter_in_the_region_of_their_bucket() {
        let layers = "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*";
        let mut home = scene(layers, None);
        home.region.region = "us-east-1".into();
        home.region.vpc_endpoints[0].service_name = text("com.amazonaws.us-east-1.s3");
        home.region.service_details[0].service_name = "com.amazonaws.us-east-1.s3".into();
        let result = judged(&home);
        assert_eq!(only(&result).severity, Severity::Info);
        assert!(only(&result).message.contains("amazon-ecs-agent"), "{}", only(&result).message);
    }
}
