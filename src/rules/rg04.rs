//! RG04: A needed endpoint cannot be made as named.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoints::{self, Usage, Use};
use super::{Outcome, Rule, from_paths, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::path::fips;
use crate::analysis::{Need, Unseen, View, services};
use crate::finding::{Confidence, Evidence, Severity};

/// A needed endpoint cannot be made as named.
pub static RULE: Rule = Rule {
    id: "RG04",
    name: "service-not-offered",
    title: "A needed endpoint cannot be made as named",
    severity: Severity::Medium,
    why: "Not every service has an endpoint in every region, and partitions name them differently. A name that the region does not offer cannot be created, and \
          a FIPS host needs the FIPS endpoint.",
    mend: "Provide another way for this service, or create the endpoint under the name that the region offers.",
    sources: &[pages::AWS_SERVICES],
    reads: reads::NEEDS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    // Services that the region does not offer: the paths blame them in the place of the missing endpoint.
    from_paths::check(view, outcome);
    if !view.region.service_listing_full {
        for (unseen, affects) in view.unseen_needs.values() {
            outcome.unseen(unseen.iter().cloned(), affects.iter().cloned());
        }
    }
    let usage = Usage::new(view);
    for vpc in &view.vpcs {
        let mut open: BTreeSet<&str> = BTreeSet::new();
        let mut uses: Vec<Use<'_>> = Vec::new();
        for (service, of) in usage.needs(vpc).filter(|(service, _)| !service.starts_with("registry:")) {
            // An endpoint that is there could be made.
            let made = || view.index.endpoints.values().any(|e| endpoints::short(e) == Some(service) && endpoints::region_of(e).is_none_or(|r| r == view.region.region));
            match services::offered(view.region, service) {
                Some(true) => outcome.pass(),
                None if made() => outcome.pass(),
                None => {
                    open.insert(service);
                    uses.extend(of);
                }
                Some(false) => {}
            }
        }
        if !open.is_empty() {
            let unseen = if view.seen(Action::DescribeVpcEndpointServices) {
                Unseen::Datum(format!("whether {} offers {}", view.region.region, text::list(&open)))
            } else {
                Unseen::Action(Action::DescribeVpcEndpointServices)
            };
            outcome.unseen([unseen], endpoints::workloads(view, &uses));
        }
        lacking(view, outcome, &usage, vpc);
    }
}

/// An image under a FIPS hostname of its registry.
fn names_fips(need: &Need) -> Option<Evidence> {
    let host = need.hosts.iter().find(|h| h.contains(".ecr-fips.") || h.contains(".dkr-ecr-fips."))?;
    Some(Evidence::new(Action::DescribeTaskDefinition, "containerDefinitions[].image", host.as_str(), "a FIPS hostname"))
}

/// Workloads that have to use FIPS endpoints, in a VPC that has the plain ones alone.
fn lacking(view: &View<'_>, outcome: &mut Outcome<'_>, usage: &Usage<'_>, vpc: &str) {
    let mut missing: BTreeMap<&'static str, Vec<Use<'_>>> = BTreeMap::new();
    let mut evidence: BTreeSet<Evidence> = BTreeSet::new();
    let mut undecided: Vec<Use<'_>> = Vec::new();
    for (service, uses) in usage.needs(vpc) {
        let Some((plain, twin)) = fips::lacking(view, vpc, service) else { continue };
        for using in uses {
            if let Some(why) = fips::mode(view, using.placement).or_else(|| names_fips(using.need)) {
                evidence.insert(why);
                evidence.insert(Evidence::new(Action::DescribeVpcEndpoints, "ServiceName", plain.service_name.as_deref().unwrap_or_default(), format!("no endpoint of {twin}")));
                missing.entry(twin).or_default().push(*using);
            } else if using.placement.fargate && !view.seen(Action::ListAccountSettings) {
                undecided.push(*using);
            }
        }
    }
    if !undecided.is_empty() {
        outcome.unseen([Unseen::Action(Action::ListAccountSettings)], endpoints::workloads(view, &undecided));
    }
    if missing.is_empty() {
        return;
    }
    let message = format!(
        "Workloads in {vpc} have to use FIPS endpoints, and the VPC has the plain ones alone: {} missing. Their FIPS names lead to public addresses.",
        match missing.len() {
            1 => format!("{} is", text::list(missing.keys())),
            _ => format!("{} are", text::list(missing.keys())),
        }
    );
    let uses: Vec<Use<'_>> = missing.values().flatten().copied().collect();
    let finding = outcome.fail(subject::of(view, vpc), "fips", message);
    finding.confidence = Confidence::Medium;
    finding.affects = endpoints::workloads(view, &uses);
    finding.evidence = evidence.into_iter().collect();
    finding.remediation.text = "Create the FIPS endpoints that are named, with private DNS.".to_owned();
    finding.remediation.commands = missing
        .keys()
        .map(|twin| {
            text::aws(
                &view.region.region,
                &format!("ec2 create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Interface --service-name {} --private-dns-enabled", services::full_name_in(view.region, twin)),
            )
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{assert_whole, from, only};
    use super::super::{RuleResult, run};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::testing::{REGION, SUBNET_A, Scene, VPC, log};
    use crate::finding::{Severity, Verdict};

    /// An isolated Fargate task that logs, in a region that offers these services.
    fn scene(offered: &[&str], full: bool) -> Scene {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |d| {
            for container in &mut d.container_definitions {
                container.log_configuration = Some(log("awslogs", &[("awslogs-group", "/web")]));
            }
        });
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        for service in ["ecr.api", "ecr.dkr", "s3"] {
            scene.interface_endpoint(service);
        }
        scene.region.service_names = offered.iter().map(|s| format!("com.amazonaws.{REGION}.{s}")).collect();
        scene.region.service_listing_full = full;
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    fn ep09(scene: &Scene) -> Verdict {
        scene.view(|view| run(&super::super::ep09::RULE, view).verdict)
    }

    #[test]
    fn an_offered_service_passes_and_its_absence_is_its_own_rules() {
        let scene = scene(&["ecr.api", "ecr.dkr", "s3", "logs"], true);
        assert_eq!((judged(&scene).verdict, ep09(&scene)), (Verdict::Pass, Verdict::Fail));
    }

    #[test]
    fn a_service_that_the_region_lacks_is_this_rules() {
        let scene = scene(&["ecr.api", "ecr.dkr", "s3"], true);
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Fail, Severity::Medium, Some(VPC)));
        assert!(finding.message.contains("logs"), "{}", finding.message);
        assert_eq!(ep09(&scene), Verdict::NotApplicable);
    }

    #[test]
    fn an_invalid_name_says_the_same() {
        let mut scene = scene(&["ecr.api", "ecr.dkr", "s3"], false);
        assert_eq!((judged(&scene).verdict, ep09(&scene)), (Verdict::Unknown, Verdict::Fail));
        scene.region.invalid_service_names.insert(format!("com.amazonaws.{REGION}.logs"));
        assert_eq!((judged(&scene).verdict, ep09(&scene)), (Verdict::Fail, Verdict::NotApplicable));
    }

    #[test]
    fn without_the_listing_it_is_unknown_and_the_absence_stays() {
        let scene = scene(&[], false).lacking(Action::DescribeVpcEndpointServices);
        let result = judged(&scene);
        assert_eq!((result.verdict, ep09(&scene)), (Verdict::Unknown, Verdict::Fail));
        assert!(only(&result).message.contains("ec2:DescribeVpcEndpointServices"));
    }

    #[test]
    fn fips_mode_asks_for_fips_endpoints() {
        let mut scene = scene(&["ecr.api", "ecr.dkr", "s3", "logs"], true);
        scene.interface_endpoint("logs");
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
        scene.region.account_settings = vec![from(json!({"name": "fargateFIPSMode", "value": "enabled"}))];
        let result = judged(&scene);
        let [fail, unknown] = result.findings.as_slice() else { panic!("{:?}", result.findings) };
        assert!(fail.message.contains("ecr-fips.api and ecr-fips.dkr are missing"), "{}", fail.message);
        // Of logs and S3 no FIPS endpoint is known that could be named as missing: what they are called by nobody tells.
        assert_eq!((unknown.verdict, unknown.severity), (Verdict::Unknown, Severity::Info));
        assert!(unknown.message.contains("hostnames of logs") && unknown.message.contains("hostnames of s3") && !unknown.message.contains("ecr"), "{}", unknown.message);
        let unsettled = |scene: &Scene| scene.view(|view| view.paths.iter().filter(|p| p.verdict != crate::analysis::Tri::Pass).count());
        assert_eq!(unsettled(&scene), 4, "none passes by the plain names alone");
        scene.interface_endpoint("ecr-fips.api");
        scene.interface_endpoint("ecr-fips.dkr");
        assert_eq!((judged(&scene).verdict, only(&judged(&scene)).severity, unsettled(&scene)), (Verdict::Unknown, Severity::Info, 2));
    }

    #[test]
    fn account_settings_that_were_not_seen_may_ask_for_fips() {
        let mut scene = scene(&["ecr.api", "ecr.dkr", "s3", "logs"], true).lacking(Action::ListAccountSettings);
        let result = judged(&scene);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Medium));
        assert!(only(&result).message.contains("ecs:ListAccountSettings"));
        scene.interface_endpoint("ecr-fips.api");
        scene.interface_endpoint("ecr-fips.dkr");
        assert_eq!(judged(&scene).verdict, Verdict::Pass, "they would do for either mode");
    }

    #[test]
    fn without_the_listing_only_what_is_there_is_known_to_be_offered() {
        let mut unseen = scene(&[], false).lacking(Action::DescribeVpcEndpointServices);
        assert_eq!(judged(&unseen).verdict, Verdict::Unknown);
        unseen.interface_endpoint("logs");
        assert_eq!(judged(&unseen).verdict, Verdict::Pass);
        // Endpoints that may be there show nothing, and no path blames their absence.
        unseen.region.vpc_endpoints.clear();
        let unseen = unseen.lacking(Action::DescribeVpcEndpoints);
        assert_eq!(judged(&unseen).verdict, Verdict::Unknown);
    }

    #[test]
    fn an_image_under_a_fips_hostname_asks_for_the_fips_endpoint() {
        let mut scene = scene(&["ecr.api", "ecr.dkr", "s3", "logs"], true);
        scene.interface_endpoint("logs");
        for answer in scene.region.task_definitions.values_mut() {
            let crate::inventory::Answer::Output(definition) = answer else { continue };
            definition.container_definitions[0].image = Some(format!("111122223333.dkr.ecr-fips.{REGION}.amazonaws.com/web:1"));
        }
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref(), finding.affects.len()), (Severity::Medium, Some(VPC), 1));
        assert!(finding.message.contains("ecr-fips.dkr is missing"), "{}", finding.message);
        assert!(finding.evidence.iter().any(|e| e.value.as_deref() == Some("111122223333.dkr.ecr-fips.us-east-2.amazonaws.com")), "{:?}", finding.evidence);
        scene.interface_endpoint("ecr-fips.dkr");
        assert_ne!(judged(&scene).verdict, Verdict::Fail);
    }
}
