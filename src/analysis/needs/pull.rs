//! Images (C05 to C11, C13b): private ECR by its two endpoints and S3, everything else by no endpoint at all.

use super::{Detect, Hit, On, Row, Stands, Subject, Who, bucket_host, may, must};
use crate::analysis::Owner;
use crate::analysis::image::{EcrPrivate, Image};
use crate::analysis::services;
use crate::finding::Severity;

const fn row(capability: &'static str, what: &'static str, service: &'static str, owner: Owner, who: Who, actions: &'static [super::Act], detect: Detect) -> Row<Detect> {
    Row { capability, what, service, owner, severity: Severity::Critical, stands: Stands::Instance, who, actions, detect }
}

/// The table.
pub static ROWS: &[Row<Detect>] = &[
    row("C05", "login to a private registry of ECR", "ecr.api", Owner::Rule("EP04"), Who::Execution, &[must("ecr:GetAuthorizationToken", On::Star)], login),
    row(
        "C06",
        "manifests of a private registry of ECR",
        "ecr.dkr",
        Owner::Rule("EP05"),
        Who::Execution,
        &[must("ecr:BatchGetImage", On::It), must("ecr:GetDownloadUrlForLayer", On::It), may("ecr:BatchCheckLayerAvailability", On::It)],
        manifests,
    ),
    row("C07", "image layers of ECR", "s3", Owner::Rule("EP06"), Who::Aws, &[must("s3:GetObject", On::It)], layers),
    row("C08", "image of a registry that no endpoint serves", "", Owner::Image, Who::Unknown, &[], registries),
    row(
        "C10",
        "first pull through a pull-through cache",
        "ecr.dkr",
        Owner::Rule("EP05"),
        Who::Execution,
        &[may("ecr:BatchImportUpstreamImage", On::It), may("ecr:CreateRepository", On::It)],
        pull_through,
    ),
];

/// Images of the task definition and of the containers that ride along, each with its reason.
fn images(s: &Subject<'_>) -> Vec<(String, Image)> {
    let defined = s.definition.container_definitions.iter().filter_map(|c| {
        let text = c.image.as_deref().filter(|i| !i.trim().is_empty())?;
        Some((s.because(c, format_args!("image {text}")), Image::parse(text)))
    });
    let riding = s.sidecars.iter().map(|(name, text)| (format!("{}, container {name} of its tasks, image {text}", s.label()), Image::parse(text)));
    defined.chain(riding).collect()
}

fn ecr_images(s: &Subject<'_>) -> Vec<(String, EcrPrivate)> {
    images(s).into_iter().filter_map(|(because, image)| if let Image::EcrPrivate(e) = image { Some((because, e)) } else { None }).collect()
}

fn login(s: &Subject<'_>) -> Vec<Hit> {
    // Platform 1.3.0 and earlier logs in from an interface of AWS's own (F2).
    s.unless_old(ecr_images(s).into_iter().map(|(because, e)| Hit::new(because).in_region(Some(&e.region))).collect())
}

fn repository(s: &Subject<'_>, e: &EcrPrivate) -> String {
    format!("arn:{}:ecr:{}:{}:repository/{}", s.inventory.partition, e.region, e.account, e.reference.repository)
}

fn manifests(s: &Subject<'_>) -> Vec<Hit> {
    ecr_images(s).into_iter().map(|(because, e)| Hit::new(because).in_region(Some(&e.region)).on(repository(s, &e)).host(e.host)).collect()
}

fn layers(s: &Subject<'_>) -> Vec<Hit> {
    ecr_images(s)
        .into_iter()
        .map(|(because, e)| {
            let bucket = services::layer_bucket(&e.region);
            Hit::new(because).in_region(Some(&e.region)).on(format!("arn:{}:s3:::{bucket}/*", s.inventory.partition)).host(bucket_host(&e.region, &bucket))
        })
        .collect()
}

fn registries(s: &Subject<'_>) -> Vec<Hit> {
    images(s)
        .into_iter()
        .flat_map(|(because, image)| {
            let service = image.registry();
            let port = if let Image::Other(r) | Image::KnownPublic(r) = &image { r.port } else { 443 };
            crate::analysis::image::hosts_of(&image).into_iter().filter_map(move |host| Some(Hit::new(because.clone()).at(service.clone()?).host(host).port(port))).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether an image lies under the prefix of a pull-through cache rule of its registry.
#[must_use]
pub fn is_pull_through(s: &Subject<'_>, e: &EcrPrivate) -> bool {
    e.region == s.inventory.region
        && s.inventory.pull_through_cache_rules.iter().any(|rule| {
            let ours = rule.registry_id.as_deref().unwrap_or(&s.inventory.account) == e.account;
            // The prefix ROOT stands for every repository.
            let under = |prefix: &str| prefix == "ROOT" || e.reference.repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
            ours && rule.ecr_repository_prefix.as_deref().is_some_and(under)
        })
}

fn pull_through(s: &Subject<'_>) -> Vec<Hit> {
    ecr_images(s).into_iter().filter(|(_, e)| is_pull_through(s, e)).map(|(because, e)| Hit::new(because).on(repository(s, &e)).host(e.host)).collect()
}
