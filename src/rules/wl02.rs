//! WL02: An image in ECR still needs the internet.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::image::Image;
use crate::analysis::needs::Hint;
use crate::analysis::{Family, Level, Os, Placement, Unseen, View, egress};
use crate::finding::{Evidence, Severity};
use crate::inventory::Answer;

/// An image in ECR still needs the internet.
pub static RULE: Rule = Rule {
    id: "WL02",
    name: "image-needs-internet",
    title: "An image in ECR still needs the internet",
    severity: Severity::High,
    why: "The first pull of a pull-through cache fetches the image from its upstream, over the internet. Windows base layers come from Microsoft unless they \
          were pushed with the image.",
    mend: "Pull the tag once from where the internet is reachable, or push the image itself; push Windows base layers with it.",
    sources: &[pages::PULL_THROUGH, pages::ECR_ENDPOINTS],
    reads: reads::NEEDS,
    check,
};

/// Whether the image of a pull-through cache is there.
enum Cached {
    Yes,
    No(String),
    Unseen,
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    if let Some((unseen, affects)) = view.unseen_needs.get(RULE.id) {
        outcome.unseen(unseen.iter().cloned(), affects.iter().cloned());
    }
    let pulling: Vec<&Placement> = view.placements.iter().filter(|p| p.needs.iter().any(|n| n.service == "ecr.dkr")).collect();
    if pulling.is_empty() {
        return;
    }
    outcome.pass();
    let cut_off: Vec<&Placement> = pulling.into_iter().filter(|p| is_hard(view, outcome, p)).collect();
    if cut_off.is_empty() {
        outcome.reason("what pulls from ECR has a way to the internet too");
        return;
    }
    if !view.seen(Action::DescribePullThroughCacheRules) {
        outcome.unseen([Unseen::Action(Action::DescribePullThroughCacheRules)], cut_off.iter().flat_map(|p| p.workloads.iter().cloned()));
    }
    // By task definition and kind: two containers of one image are one finding.
    let mut through: BTreeMap<&str, Vec<&Hint>> = BTreeMap::new();
    let mut windows: BTreeMap<&str, Vec<&Hint>> = BTreeMap::new();
    for hint in &view.hints {
        let Some(definition) = hint.definition.as_deref() else { continue };
        let here = |p: &&&Placement| p.needs.iter().any(|n| n.service == "ecr.dkr" && n.definitions.contains_key(definition));
        if cut_off.iter().find(here).is_none() {
            continue;
        }
        match hint.capability {
            "C10" => through.entry(definition).or_default().push(hint),
            "C11" => windows.entry(definition).or_default().push(hint),
            _ => {}
        }
    }
    // Instances and platforms tell of Windows too, where the task definition does not.
    let mut by_place: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for placement in cut_off.iter().filter(|p| p.os == Os::Windows) {
        for need in placement.needs.iter().filter(|n| n.service == "ecr.dkr") {
            for (definition, names) in need.definitions.iter().filter(|(d, _)| !windows.contains_key(d.as_str())) {
                let (because, workloads) = by_place.entry(definition).or_default();
                because.extend(need.because.iter().map(String::as_str).filter(|b| b.starts_with(&format!("{},", text::last(definition)))));
                workloads.extend(names.iter().cloned());
            }
        }
    }
    for (definition, (because, workloads)) in by_place {
        on_windows(view, outcome, definition, because, workloads);
    }
    for (definition, hints) in &through {
        pull_through(view, outcome, definition, hints);
    }
    for (definition, hints) in &windows {
        let because = hints.iter().flat_map(|h| h.because.iter().map(String::as_str)).collect();
        on_windows(view, outcome, definition, because, hints.iter().flat_map(|h| h.workloads.iter().cloned()).collect());
    }
}

/// Base layers of Windows images that nothing private may serve.
fn on_windows(view: &View<'_>, outcome: &mut Outcome<'_>, definition: &str, because: BTreeSet<&str>, workloads: BTreeSet<String>) {
    let images = text::some(because.iter().filter_map(|b| b.rsplit_once("image ")).map(|(_, image)| image));
    let message = format!("Windows images of {} may still need the internet: {images}. Their base layers come from Microsoft unless they were pushed with the image.", text::last(definition));
    let finding = outcome.fail(subject::of(view, definition), "windows", message);
    finding.severity = Severity::Medium;
    finding.affects = workloads;
    finding.evidence = because.iter().take(text::SHOWN).map(|b| Evidence::new(Action::DescribeTaskDefinition, "containerDefinitions[].image", *b, "on Windows")).collect();
    finding.remediation.text = "Push the image with its base layers (Docker's option allow-nondistributable-artifacts), to each registry that is used.".to_owned();
}

fn pull_through(view: &View<'_>, outcome: &mut Outcome<'_>, definition: &str, hints: &[&Hint]) {
    for hint in hints {
        let affects = || hint.workloads.iter().cloned();
        let (severity, message) = match cached(view, &hint.service) {
            Cached::Unseen => {
                outcome.unseen([Unseen::Action(Action::DescribeImages)], affects());
                continue;
            }
            Cached::No(why) => (
                RULE.severity,
                format!(
                    "The image {} of {} is not cached yet ({why}). Its first pull goes to the upstream registry, over the internet, which cannot be reached from where it runs.",
                    hint.service,
                    text::last(definition)
                ),
            ),
            Cached::Yes => {
                (Severity::Low, format!("The image {} of {} is cached, and will not be refreshed. ECR looks upstream once a day, and needs the internet for it.", hint.service, text::last(definition)))
            }
        };
        let finding = outcome.fail(subject::of(view, definition), &hint.service, message);
        finding.severity = severity;
        finding.affects = affects().collect();
        finding.evidence = hint.because.iter().map(|b| Evidence::new(Action::DescribeTaskDefinition, "containerDefinitions[].image", b.as_str(), "")).collect();
        finding.evidence.push(Evidence::new(Action::DescribePullThroughCacheRules, "ecrRepositoryPrefix", prefix_of(view, &hint.service), "a pull-through cache"));
        let (repository, reference) = hint.service.split_once(':').unwrap_or((&hint.service, "latest"));
        let separator = if reference.contains(':') { '@' } else { ':' };
        let region = view.region;
        let suffix = crate::analysis::services::partition_of(&region.region).dns_suffix;
        finding.remediation.commands = vec![format!("docker pull {}.dkr.ecr.{}.{suffix}/{repository}{separator}{reference}", region.account, region.region)];
    }
}

fn prefix_of<'a>(view: &'a View<'_>, image: &str) -> &'a str {
    let prefixes = view.region.pull_through_cache_rules.iter().filter_map(|r| r.ecr_repository_prefix.as_deref());
    prefixes.filter(|p| *p != "ROOT" && image.starts_with(p)).max_by_key(|p| p.len()).unwrap_or("ROOT")
}

fn cached(view: &View<'_>, image: &str) -> Cached {
    let (repository, reference) = image.split_once(':').unwrap_or((image, "latest"));
    match view.region.repository_images.get(repository) {
        None => Cached::Unseen,
        Some(Answer::Error(error)) if error.code.ends_with("NotFoundException") || error.code.ends_with("NotFound") => Cached::No(error.code.clone()),
        Some(Answer::Error(_)) => Cached::Unseen,
        Some(Answer::Output(images)) => {
            let is = |i: &crate::inventory::iam::ImageDetail| i.image_digest.as_deref() == Some(reference) || i.image_tags.iter().any(|t| t == reference);
            if images.image_details.iter().any(is) {
                Cached::Yes
            } else if view.region.completeness.state(Action::DescribeImages) == crate::inventory::State::Partial {
                Cached::Unseen
            } else {
                Cached::No(format!("{repository} has no such tag"))
            }
        }
    }
}

/// Whether a placement has no way to the internet. Where it cannot be told, what was not seen is noted.
fn is_hard(view: &View<'_>, outcome: &mut Outcome<'_>, placement: &Placement) -> bool {
    let Some(subnet) = placement.subnet.as_deref() else { return false };
    let answer = egress::egress(&view.index, view.options, subnet, Family::V4, placement.public_ip);
    match answer.class.map(|c| c.level(view.options.require_private)) {
        Some(level) => level == Level::Hard,
        None => {
            // Only what may be such an image minds.
            if view.hints.iter().any(|h| matches!(h.capability, "C10" | "C11")) {
                outcome.unseen(answer.decision.unseen, placement.workloads.iter().cloned());
            }
            false
        }
    }
}

/// Whether a task definition's image comes from a private ECR repository.
#[must_use]
pub fn is_private_ecr(image: &str) -> bool {
    matches!(Image::parse(image), Image::EcrPrivate(_))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{assert_whole, from, only};
    use super::super::{RuleResult, run};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::testing::{ACCOUNT, REGION, SUBNET_A, Scene};
    use crate::finding::{Severity, Verdict};
    use crate::inventory::{Answer, ApiError};

    const DEFINITION: &str = "arn:aws:ecs:us-east-2:111122223333:task-definition/web:1";

    /// An isolated Fargate task with an image of this repository, and a pull-through cache for `hub/`.
    fn scene(image: &str) -> Scene {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |d| {
            for container in &mut d.container_definitions {
                container.image = Some(format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{image}"));
            }
        });
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        scene.region.pull_through_cache_rules = vec![from(json!({"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}))];
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.view(|view| run(&RULE, view));
        assert_whole(&result);
        result
    }

    #[test]
    fn an_image_of_ones_own_passes() {
        assert_eq!(judged(&scene("app:1")).verdict, Verdict::Pass);
        assert_eq!(judged(&Scene::new()).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn one_that_is_not_cached_yet_is_high() {
        let mut scene = scene("hub/library/nginx:1.27");
        scene.region.repository_images.insert("hub/library/nginx".into(), Answer::Error(ApiError { code: "RepositoryNotFoundException".into(), message: None }));
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::High, Some(DEFINITION)));
        assert!(!finding.affects.is_empty());
        assert_eq!(finding.remediation.commands, ["docker pull 111122223333.dkr.ecr.us-east-2.amazonaws.com/hub/library/nginx:1.27"]);
    }

    #[test]
    fn one_that_is_cached_is_low_and_another_tag_is_not() {
        let mut scene = scene("hub/library/nginx:1.27");
        let images = |tag: &str| Answer::Output(from(json!({"imageDetails": [{"imageDigest": "sha256:1", "imageTags": [tag]}]})));
        scene.region.repository_images.insert("hub/library/nginx".into(), images("1.27"));
        assert_eq!(only(&judged(&scene)).severity, Severity::Low);
        scene.region.repository_images.insert("hub/library/nginx".into(), images("1.26"));
        assert_eq!(only(&judged(&scene)).severity, Severity::High);
    }

    #[test]
    fn what_was_not_asked_is_unknown() {
        let result = judged(&scene("hub/library/nginx:1.27"));
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::High));
        assert!(only(&result).message.contains("ecr:DescribeImages"));
        let result = judged(&scene("app:1").lacking(Action::DescribePullThroughCacheRules));
        assert!(only(&result).message.contains("ecr:DescribePullThroughCacheRules"));
    }

    #[test]
    fn an_instance_tells_of_windows_where_the_task_definition_does_not() {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |_| {});
        let instance = scene.instance("web", "a", SUBNET_A);
        scene.instance_task("web", "t1", &definition, None, &instance, None);
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
        scene.region.container_instances[0].attributes[0].value = Some("windows".into());
        scene.region.instances[0].platform = Some("windows".into());
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::Medium, Some(definition.as_str())));
        assert!(finding.message.contains("111122223333.dkr.ecr.us-east-2.amazonaws.com/app:1"), "{}", finding.message);
    }

    #[test]
    fn windows_images_are_medium() {
        let mut scene = scene("app:1");
        if let Some(Answer::Output(definition)) = scene.region.task_definitions.get_mut(DEFINITION) {
            definition.runtime_platform = from(json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}));
        }
        scene.last_task().platform_family = Some("WINDOWS_SERVER_2022_CORE".into());
        let result = judged(&scene);
        assert_eq!(only(&result).severity, Severity::Medium);
        assert!(only(&result).message.contains("Microsoft"));
    }

    #[test]
    fn with_a_way_to_the_internet_nothing_is_lost() {
        let mut scene = scene("hub/library/nginx:1.27");
        let routes = &mut scene.region.route_tables[0].routes;
        routes.push(from(json!({"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1", "State": "active"})));
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
    }
}
