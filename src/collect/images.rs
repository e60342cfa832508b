//! What is known of images: hosts of registries, and repositories that ECR fills from elsewhere at the first pull.

use std::sync::Arc;

use super::convert::other as convert;
use super::dns;
use super::work::{Page, Work, only_whole};
use crate::actions::Action;
use crate::inventory::{ecs::TaskDefinition, iam};

/// The pull-through cache rules of the region.
pub(super) async fn pull_through_cache(work: Arc<Work>) {
    if work.wants(Action::DescribePullThroughCacheRules) {
        let client = &work.clients.ecr;
        let _ = work
            .pages(
                Action::DescribePullThroughCacheRules,
                None,
                |token| client.describe_pull_through_cache_rules().max_results(1000).set_next_token(token).send(),
                |out| Some(Page::new(out.pull_through_cache_rules?.into_iter().map(convert::pull_through_cache_rule).collect(), out.next_token)),
                |rules| work.with(|r| r.pull_through_cache_rules.extend(rules)),
            )
            .await;
    }
    work.end(Action::DescribePullThroughCacheRules);
}

/// What the images of a task definition lead to.
pub(super) fn follow(work: &Arc<Work>, definition: &TaskDefinition) {
    for image in definition.container_definitions.iter().filter_map(|c| c.image.as_deref()) {
        match registry(image) {
            Registry::Ecr { account, region, repository } => {
                // Images of another account's registry cannot be listed.
                if region == work.region && work.found.account.get().is_none_or(|own| *own == account) {
                    cached(work, repository);
                }
            }
            Registry::Other(hosts) => hosts.iter().for_each(|host| dns::registry(work, host)),
        }
    }
}

/// Lists the images of a repository, if a pull-through cache rule fills it.
fn cached(work: &Arc<Work>, repository: String) {
    if !work.first(Action::DescribeImages, &repository) {
        return;
    }
    let work = Arc::clone(work);
    Arc::clone(&work).start(async move {
        work.ended(&[Action::DescribePullThroughCacheRules]).await;
        let filled = work.with(|r| r.pull_through_cache_rules.iter().any(|rule| rule.ecr_repository_prefix.as_deref().is_some_and(|p| fills(p, &repository))));
        if !filled {
            return;
        }
        let client = &work.clients.ecr;
        let answer = work
            .keyed(
                Action::DescribeImages,
                &repository,
                &["RepositoryNotFoundException"],
                |token| client.describe_images().repository_name(&repository).max_results(1000).set_next_token(token).send(),
                |out| Some(Page::new(out.image_details?.into_iter().map(convert::image).collect(), out.next_token)),
                |images, whole| whole.then_some(iam::RepositoryImages { image_details: images }),
            )
            .await;
        work.keep(&repository, only_whole(answer), |r| &mut r.repository_images);
    });
}

/// Whether a rule's prefix covers a repository; `ROOT` covers all.
fn fills(prefix: &str, repository: &str) -> bool {
    prefix == "ROOT" || repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

/// Where an image comes from.
#[derive(Debug, PartialEq, Eq)]
enum Registry {
    /// A private registry of ECR.
    Ecr { account: String, region: String, repository: String },
    /// The hosts of another registry.
    Other(Vec<String>),
}

fn registry(image: &str) -> Registry {
    let (host, path) = match image.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        // Docker Hub: a name without a host.
        _ => ("docker.io", image),
    };
    let host = host.split(':').next().unwrap_or(host);
    let labels: Vec<&str> = host.split('.').collect();
    let ecr = match labels.as_slice() {
        [account, "dkr", "ecr" | "ecr-fips", region, ..] | [account, "dkr-ecr" | "dkr-ecr-fips", region, ..] => Some((*account, *region)),
        _ => None,
    };
    if let Some((account, region)) = ecr {
        let name = path.split('@').next().unwrap_or(path);
        let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
        return Registry::Ecr { account: account.to_owned(), region: region.to_owned(), repository: name.to_owned() };
    }
    let hosts = if host == "docker.io" { ["docker.io", "registry-1.docker.io", "auth.docker.io"].map(str::to_owned).into() } else { vec![host.to_owned()] };
    Registry::Other(hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_name_their_registry() {
        let ecr = |repository: &str| Registry::Ecr { account: "111122223333".into(), region: "us-east-2".into(), repository: repository.into() };
        assert_eq!(registry("111122223333.dkr.ecr.us-east-2.amazonaws.com/hub/library/nginx:1.27"), ecr("hub/library/nginx"));
        assert_eq!(registry("111122223333.dkr-ecr.us-east-2.on.aws/web@sha256:00"), ecr("web"));
        assert_eq!(registry("public.ecr.aws/nginx/nginx:1"), Registry::Other(vec!["public.ecr.aws".into()]));
        assert_eq!(registry("registry.corp.example:5000/a/b:1"), Registry::Other(vec!["registry.corp.example".into()]));
        assert!(matches!(registry("nginx:1"), Registry::Other(hosts) if hosts.contains(&"registry-1.docker.io".to_owned())));
        assert!(matches!(registry("library/nginx"), Registry::Other(hosts) if hosts.contains(&"docker.io".to_owned())));
    }

    #[test]
    fn a_prefix_covers_whole_path_parts() {
        assert!(fills("hub", "hub/library/nginx"));
        assert!(!fills("hub", "hubcap/nginx"));
        assert!(fills("ROOT", "anything"));
    }
}
