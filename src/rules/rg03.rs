//! RG03: A task definition uses a resource of another region.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, Rule, from_paths, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Owner, Tri, View, Way, path};
use crate::finding::{Evidence, Severity, Verdict};

/// A task definition uses a resource of another region.
pub static RULE: Rule = Rule {
    id: "RG03",
    name: "resource-in-another-region",
    title: "A task definition uses a resource of another region",
    severity: Severity::High,
    why: "Endpoints serve their own region. An image, log group, secret or parameter of another region has no private way, even where every endpoint of this \
          region is in place.",
    mend: "Replicate the resource into this region (ECR and Secrets Manager do so by themselves once configured), or provide a way out.",
    sources: &[pages::ECR_ENDPOINTS, pages::CROSS_REGION],
    reads: reads::NEEDS,
    check,
};

/// What one task definition uses through endpoints of another region.
#[derive(Default)]
struct Crossing<'a> {
    endpoints: BTreeSet<&'a str>,
    /// Placements and needs.
    hits: Vec<(usize, usize)>,
}

/// Beside what cannot be reached: what an endpoint of that region reaches. AWS's own pages disagree on whether that is meant.
fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    from_paths::check(view, outcome);
    let mut crossing: BTreeMap<&str, Crossing<'_>> = BTreeMap::new();
    for found in view.paths.iter().filter(|p| p.verdict == Tri::Pass && matches!(p.way, Way::InterfaceEndpoint | Way::RemoteEndpoint)) {
        let Some((_, need)) = path::need_of(view, found).filter(|(_, n)| n.owners.iter().any(|(o, _)| *o == Owner::Rule(RULE.id))) else { continue };
        for definition in need.definitions.keys() {
            let crossing = crossing.entry(definition).or_default();
            crossing.endpoints.extend(found.hops.iter().filter_map(|h| h.object.as_deref()).filter(|o| o.starts_with("vpce-")));
            crossing.hits.push((found.placement, found.need));
        }
    }
    for (definition, Crossing { endpoints, hits }) in crossing {
        // What cannot be reached of the same task definition is the worse of the two.
        if outcome.findings.iter().any(|f| f.verdict == Verdict::Fail && f.resource.arn.as_deref() == Some(definition)) {
            continue;
        }
        let affects = view.roster.affected_by_definition(&view.placements, definition, hits.iter().copied());
        let region = hits.iter().filter_map(|(p, n)| view.placements.get(*p)?.needs.get(*n)?.region.as_deref()).next().unwrap_or("another region");
        let message = format!(
            "{} uses resources of {region} through endpoints of that region ({}). AWS supports it for some services alone, and older pages of ECS rule it out.",
            text::last(definition),
            text::some(&endpoints)
        );
        let finding = outcome.fail(subject::of(view, definition), "cross", message);
        finding.severity = Severity::Medium;
        finding.affects = affects;
        finding.evidence = endpoints.iter().map(|e| Evidence::new(Action::DescribeVpcEndpoints, "ServiceRegion", region, *e)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_whole, only};
    use super::super::{RuleResult, run};
    use super::*;
    use crate::analysis::testing::{SUBNET_A, Scene, text};
    use crate::inventory::ec2;

    /// A Fargate task whose image lies in eu-west-1.
    fn scene() -> Scene {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |d| d.container_definitions[0].image = text("111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1"));
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    /// Makes the scene's endpoint of a service one of another region.
    fn cross(scene: &mut Scene, short: &str, names: &[&str]) {
        scene.interface_endpoint(short);
        let endpoint = scene.region.vpc_endpoints.last_mut().expect("just added");
        endpoint.service_name = text(format!("com.amazonaws.eu-west-1.{short}"));
        endpoint.service_region = text("eu-west-1");
        endpoint.dns_entries = names.iter().map(|n| ec2::DnsEntry { dns_name: text(*n), hosted_zone_id: text("Z9") }).collect();
    }

    #[test]
    fn an_image_of_another_region_is_high_where_nothing_leads_there() {
        let result = judged(&scene());
        assert_eq!((only(&result).severity, only(&result).resource.id.as_deref()), (Severity::High, Some("arn:aws:ecs:us-east-2:111122223333:task-definition/web:1")));
    }

    #[test]
    fn endpoints_of_that_region_make_it_medium() {
        let mut scene = scene();
        cross(&mut scene, "ecr.api", &["api.ecr.eu-west-1.amazonaws.com"]);
        cross(&mut scene, "ecr.dkr", &["*.dkr.ecr.eu-west-1.amazonaws.com", "dkr.ecr.eu-west-1.amazonaws.com"]);
        cross(&mut scene, "s3", &["*.s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"]);
        let result = judged(&scene);
        assert_eq!((only(&result).verdict, only(&result).severity, only(&result).affects.len()), (Verdict::Fail, Severity::Medium, 1));
        assert!(only(&result).message.contains("eu-west-1 through endpoints of that region (vpce-ecr.api, vpce-ecr.dkr and vpce-s3)"), "{}", only(&result).message);
    }
}
