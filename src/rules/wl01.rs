//! WL01: An image comes from a registry without a private way.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, Rule, endpoints, from_paths, pages, reads, text};
use crate::actions::Action;
use crate::analysis::{Tri, View, path, route};
use crate::finding::{Confidence, Evidence, Severity, Verdict};
use crate::inventory::ec2::VpcEndpoint;
use crate::policy::{self, Document, Principal};

/// An image comes from a registry without a private way.
pub static RULE: Rule = Rule {
    id: "WL01",
    name: "image-not-private",
    title: "An image comes from a registry without a private way",
    severity: Severity::Critical,
    why: "PrivateLink serves private ECR repositories. Docker Hub, public.ecr.aws and other registries are on the internet, and a subnet without it cannot pull \
          from them.",
    mend: "Copy the image into a private ECR repository, or use a pull-through cache, and name that repository in the task definition.",
    sources: &[pages::PULL_THROUGH, pages::ECR_ENDPOINTS],
    reads: reads::NEEDS,
    check,
};

/// Registries that keep layers in buckets of S3, where the policy of a gateway endpoint gates them.
const IN_S3: [&str; 3] = ["registry:docker.io", "registry:quay.io", "registry:registry.k8s.io"];

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let refused = refused(view);
    for finding in outcome.findings.iter_mut().filter(|f| f.verdict == Verdict::Fail && f.severity == Severity::Low) {
        let Some(gates) = finding.resource.arn.as_deref().and_then(|definition| refused.get(definition)) else { continue };
        finding.severity = Severity::Medium;
        RULE.title.clone_into(&mut finding.title);
        finding.confidence = finding.confidence.min(Confidence::Medium);
        finding.message.push_str(&format!(" Its layers may lie in S3 of this region, and the policy of {} would refuse them.", text::some(gates)));
        finding.evidence.extend(gates.iter().map(|g| Evidence::new(Action::DescribeVpcEndpoints, "PolicyDocument", *g, "allows no bucket of the registry")));
    }
}

/// Task definitions with images of such registries, each with the gateway endpoints whose policy would refuse the layers.
fn refused<'a>(view: &'a View<'_>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut out: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let gates: Vec<(&VpcEndpoint, bool)> = view
        .index
        .endpoints
        .values()
        .filter(|e| endpoints::is_gateway(e) && endpoints::short(e) == Some("s3"))
        .map(|e| (*e, endpoints::narrow_policy(view, e).is_some_and(|document| denies(view, e, &document))))
        .collect();
    for found in view.paths.iter().filter(|p| p.verdict == Tri::Pass) {
        let Some((placement, need)) = path::need_of(view, found).filter(|(_, n)| IN_S3.contains(&n.service.as_str())) else { continue };
        let Some(table) = placement.subnet.as_deref().and_then(|s| route::table_of(&view.index, s).ok()) else { continue };
        for (gate, _) in gates.iter().filter(|(gate, denies)| *denies && gate.route_table_ids.contains(&table.route_table_id)) {
            for definition in need.definitions.keys() {
                out.entry(definition).or_default().insert(&gate.vpc_endpoint_id);
            }
        }
    }
    out
}

/// Whether the policy refuses an object of a bucket that it does not name, to a caller that it does not know.
fn denies(view: &View<'_>, endpoint: &VpcEndpoint, document: &Document) -> bool {
    let object = format!("arn:{}:s3:::layers-of-a-public-registry/layer", view.region.partition);
    policy::evaluate(document, &endpoints::request(endpoint, "s3:GetObject", Principal::AwsOwned, &object)).decision.is_deny()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{assert_whole, from, only};
    use super::super::{RuleResult, run};
    use super::*;
    use crate::analysis::testing::{SUBNET_A, Scene, VPC, text};
    use crate::inventory::ec2;

    /// A Fargate task with a public address and this image, beside a gateway endpoint for S3 that allows these objects.
    fn judged(image: &str, allowed: &str) -> RuleResult {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |d| d.container_definitions[0].image = text(image));
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        let interface = scene.region.network_interfaces.last_mut().expect("the task's");
        interface.association = Some(ec2::Association { public_ip: text("203.0.113.9"), ..Default::default() });
        let attachments = vec![ec2::InternetGatewayAttachment { vpc_id: text(VPC), state: text("available") }];
        scene.region.internet_gateways = vec![ec2::InternetGateway { internet_gateway_id: "igw-1".into(), attachments, ..Default::default() }];
        let routes = &mut scene.region.route_tables[0].routes;
        routes.push(ec2::Route { destination_cidr_block: text("0.0.0.0/0"), gateway_id: text("igw-1"), state: text("active"), ..Default::default() });
        let service = "com.amazonaws.us-east-2.s3";
        let policy = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": allowed}]});
        scene.s3_gateway(&policy.to_string());
        scene.region.service_details.push(from(json!({"ServiceName": service, "VpcEndpointPolicySupported": true})));
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    #[test]
    fn a_public_image_over_the_internet_is_low() {
        let result = judged("nginx", "*");
        assert_eq!(only(&result).severity, Severity::Low);
    }

    #[test]
    fn its_layers_may_be_refused_by_the_policy_of_s3() {
        let result = judged("nginx", "arn:aws:s3:::mine/*");
        assert_eq!(only(&result).severity, Severity::Medium);
        assert!(only(&result).message.contains("the policy of vpce-s3 would refuse them"), "{}", only(&result).message);
        assert_eq!(only(&judged("ghcr.io/x/y:1", "arn:aws:s3:::mine/*")).severity, Severity::Low, "not kept in S3");
    }
}
