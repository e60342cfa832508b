//! DN06: S3 private DNS serves inbound resolvers alone.

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::View;
use crate::finding::{Evidence, Severity};

/// S3 private DNS serves inbound resolvers alone.
pub static RULE: Rule = Rule {
    id: "DN06",
    name: "s3-private-dns-inbound-only",
    title: "S3 private DNS serves inbound resolvers alone",
    severity: Severity::Medium,
    why: "With \"only for inbound Resolver endpoint\" the S3 interface endpoint takes over the name for queries from outside the VPC alone. Inside the VPC, S3 \
          goes by the gateway endpoint, which then has to exist.",
    mend: "Keep the setting where a gateway endpoint serves the VPC; else turn it off or create the gateway endpoint.",
    sources: &[pages::S3_INTERFACE],
    reads: reads::ENDPOINTS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let usage = Usage::new(view);
    let s3 = || usage.endpoints.iter().filter(|e| endpoints::short(e) == Some("s3") && endpoints::is_state(e, "available"));
    for endpoint in s3().filter(|e| endpoints::is_interface(e) && e.private_dns_enabled == Some(true)) {
        if endpoint.dns_options.as_ref().and_then(|o| o.private_dns_only_for_inbound_resolver_endpoint) != Some(true) {
            outcome.pass();
            continue;
        }
        let Some(gateway) = s3().find(|e| endpoints::is_gateway(e) && e.vpc_id == endpoint.vpc_id) else {
            outcome.reason("without a gateway endpoint the missing way to S3 is EP06's");
            continue;
        };
        let message = format!("{} serves S3's name to inbound resolvers alone. Inside the VPC S3 goes by {}: that is intended, and works.", endpoints::title(endpoint), gateway.vpc_endpoint_id);
        let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "", message);
        finding.severity = Severity::Info;
        finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint", "true", "")];
        finding.remediation.text = "Nothing has to be done. To let the interface endpoint serve the VPC too, turn the setting off.".to_owned();
        finding.remediation.commands =
            vec![text::aws(&view.region.region, &format!("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --dns-options PrivateDnsOnlyForInboundResolverEndpoint=false", endpoint.vpc_endpoint_id))];
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Scene, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::finding::{Severity, Verdict};

    const MADE: &str = "2026-01-01T00:00:00Z";

    fn scene(inbound_only: bool, gateway: bool) -> Scene {
        let mut scene = Scene::new();
        scene.endpoint("s3", MADE, json!({"DnsOptions": {"PrivateDnsOnlyForInboundResolverEndpoint": inbound_only}}));
        if gateway {
            scene.endpoint("s3", MADE, json!({"VpcEndpointId": "vpce-gw", "VpcEndpointType": "Gateway"}));
        }
        scene
    }

    #[test]
    fn for_inbound_resolvers_beside_a_gateway_is_worth_knowing() {
        let result = scene(true, true).run(&RULE);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::Info, Some("vpce-s3")));
        assert!(finding.message.contains("vpce-gw"));
    }

    #[test]
    fn without_a_gateway_the_missing_way_is_another_rules() {
        assert_eq!(scene(true, false).run(&RULE).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn for_everybody_passes_and_without_s3_it_does_not_apply() {
        assert_eq!(scene(false, true).run(&RULE).verdict, Verdict::Pass);
        let mut scene = Scene::new();
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
        scene.deny(Action::DescribeVpcEndpoints);
        assert_eq!(scene.run(&RULE).verdict, Verdict::Unknown);
    }
}
