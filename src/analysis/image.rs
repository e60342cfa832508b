//! Image references: which registry serves an image, and whether an endpoint can.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html>,
//! <https://docs.aws.amazon.com/AmazonECR/latest/public/public-registries.html>.

use super::services::PARTITIONS;

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Image {
    /// A private registry of Amazon ECR.
    EcrPrivate(EcrPrivate),
    /// Amazon ECR Public: no endpoint serves its images.
    EcrPublic(Reference),
    /// Docker Hub.
    DockerHub(Reference),
    /// A registry that is known to be reached over the internet alone.
    KnownPublic(Registry),
    /// Any other host; it may be private.
    Other(Registry),
    /// The host's own loopback: nothing leaves the instance.
    Loopback(Registry),
}

/// What is asked of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Repository, which may hold `/`.
    pub repository: String,
    /// Tag or digest.
    pub reference: Option<String>,
}

/// A registry by host, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Registry {
    /// Hostname, lower case, without port.
    pub host: String,
    /// Port, 443 unless given.
    pub port: u16,
    /// What is asked.
    pub reference: Reference,
}

/// A private registry of Amazon ECR, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EcrPrivate {
    /// Account that owns the registry.
    pub account: String,
    /// Region of the registry.
    pub region: String,
    /// A FIPS hostname.
    pub fips: bool,
    /// A dual-stack hostname (`….dkr-ecr.REGION.on.aws`), which the classic private names do not cover.
    pub dual_stack: bool,
    /// Hostname, lower case.
    pub host: String,
    /// What is asked.
    pub reference: Reference,
}

/// Registries that serve the public internet alone, beside Docker Hub and ECR Public. A leading `*` stands for what a host may begin with.
const KNOWN_PUBLIC: &[&str] = &[
    "*-docker.pkg.dev",
    "asia.gcr.io",
    "cgr.dev",
    "container-registry.oracle.com",
    "docker.elastic.co",
    "docker.io",
    "docker.n8n.io",
    "docker.pkg.github.com",
    "eu.gcr.io",
    "gcr.io",
    "ghcr.io",
    "k8s.gcr.io",
    "lscr.io",
    "mcr.microsoft.com",
    "nvcr.io",
    "public.ecr.aws",
    "quay.io",
    "registry.access.redhat.com",
    "registry.gitlab.com",
    "registry.hub.docker.com",
    "registry.k8s.io",
    "registry.redhat.io",
    "us.gcr.io",
];

/// Hosts that are Docker Hub.
const DOCKER_HUB: &[&str] = &["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

impl Image {
    /// Classifies an image reference as a container definition has it. Any text has an answer: what names no host is Docker Hub's.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let (first, rest) = match text.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first.eq_ignore_ascii_case("localhost") => (first, rest),
            _ => return Self::DockerHub(Reference::parse(text)),
        };
        let reference = Reference::parse(rest);
        let first = first.to_ascii_lowercase();
        let (host, port) = match first.rsplit_once(':') {
            Some((host, port)) => (host.to_owned(), port.parse().unwrap_or(443)),
            None => (first, 443),
        };
        if DOCKER_HUB.contains(&host.as_str()) {
            return Self::DockerHub(reference);
        }
        if host == "public.ecr.aws" {
            return Self::EcrPublic(reference);
        }
        if let Some((account, region, fips, dual_stack)) = ecr_host(&host) {
            return Self::EcrPrivate(EcrPrivate { account, region, fips, dual_stack, host, reference });
        }
        let public = is_public_registry(&host);
        let registry = Registry { host, port, reference };
        match registry.host.as_str() {
            "localhost" | "127.0.0.1" => Self::Loopback(registry),
            _ if public => Self::KnownPublic(registry),
            _ => Self::Other(registry),
        }
    }

    /// The path's name for the registry, where no endpoint serves it: `registry:docker.io`.
    #[must_use]
    pub fn registry(&self) -> Option<String> {
        match self {
            Self::EcrPrivate(_) | Self::Loopback(_) => None,
            Self::EcrPublic(_) => Some("registry:public.ecr.aws".to_owned()),
            Self::DockerHub(_) => Some("registry:docker.io".to_owned()),
            Self::KnownPublic(r) | Self::Other(r) => Some(format!("registry:{}", r.host)),
        }
    }

    /// Repository and reference.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        match self {
            Self::EcrPrivate(e) => &e.reference,
            Self::EcrPublic(r) | Self::DockerHub(r) => r,
            Self::KnownPublic(r) | Self::Other(r) | Self::Loopback(r) => &r.reference,
        }
    }
}

impl Reference {
    /// Parts repository from tag or digest; a digest wins over a tag beside it.
    fn parse(text: &str) -> Self {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let slash = name.rfind('/').map_or(0, |i| i + 1);
        let (repository, tag) = match name.get(slash..).and_then(|last| last.find(':')) {
            Some(colon) => (name.get(..slash + colon).unwrap_or(name), name.get(slash + colon + 1..)),
            None => (name, None),
        };
        Self { repository: repository.to_owned(), reference: digest.or(tag).filter(|r| !r.is_empty()).map(str::to_owned) }
    }
}

/// Whether a registry is known to serve the public internet alone, so that no private address can stand for it.
#[must_use]
pub fn is_public_registry(host: &str) -> bool {
    KNOWN_PUBLIC.iter().any(|known| match known.strip_prefix('*') {
        Some(tail) => host.strip_suffix(tail).is_some_and(|head| !head.is_empty() && !head.contains('.')),
        None => host == *known,
    })
}

/// Hosts that a pull from a registry needs.
#[must_use]
pub fn hosts_of(image: &Image) -> Vec<String> {
    match image {
        Image::EcrPrivate(e) => vec![e.host.clone()],
        Image::EcrPublic(_) => vec!["public.ecr.aws".to_owned()],
        // Manifests and tokens; blobs come from a content network with names of its own.
        Image::DockerHub(_) => vec!["auth.docker.io".to_owned(), "registry-1.docker.io".to_owned()],
        Image::KnownPublic(r) | Image::Other(r) => vec![r.host.clone()],
        Image::Loopback(_) => Vec::new(),
    }
}

/// Account, region, FIPS, dual-stack of a private ECR hostname.
fn ecr_host(host: &str) -> Option<(String, String, bool, bool)> {
    let (account, rest) = host.split_once('.')?;
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (fips, dual_stack, rest) = [("dkr.ecr.", false, false), ("dkr.ecr-fips.", true, false), ("dkr-ecr.", false, true), ("dkr-ecr-fips.", true, true)]
        .into_iter()
        .find_map(|(kind, fips, dual)| Some((fips, dual, rest.strip_prefix(kind)?)))?;
    let (region, suffix) = rest.split_once('.')?;
    let known = PARTITIONS.iter().any(|p| suffix == if dual_stack { p.on_suffix } else { p.dns_suffix });
    let shaped = !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (known && shaped).then(|| (account.to_owned(), region.to_owned(), fips, dual_stack))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ecr(text: &str) -> EcrPrivate {
        match Image::parse(text) {
            Image::EcrPrivate(e) => e,
            other => unreachable!("{text} is {other:?}"),
        }
    }

    #[test]
    fn private_ecr_hosts_of_every_form() {
        let plain = ecr("111122223333.dkr.ecr.us-east-2.amazonaws.com/team/web:1.4");
        assert_eq!((plain.account.as_str(), plain.region.as_str(), plain.fips, plain.dual_stack), ("111122223333", "us-east-2", false, false));
        assert_eq!(plain.reference, Reference { repository: "team/web".into(), reference: Some("1.4".into()) });
        assert!(ecr("111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web").fips);
        let dual = ecr("111122223333.dkr-ecr.us-west-2.on.aws/web@sha256:abc");
        assert!(dual.dual_stack && dual.reference.reference.as_deref() == Some("sha256:abc"));
        for (host, region) in [
            ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            ("111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            ("111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
            ("111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"),
            ("111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"),
        ] {
            assert_eq!(ecr(&format!("{host}/a/b/c:t")).region, region);
        }
        assert_eq!(ecr("111122223333.dkr.ecr.us-east-2.amazonaws.com:443/web").host, "111122223333.dkr.ecr.us-east-2.amazonaws.com");
    }

    #[test]
    fn what_only_looks_like_ecr_is_another_host() {
        for text in [
            "11112222333.dkr.ecr.us-east-2.amazonaws.com/web",
            "111122223333.dkr.ecr.us-east-2.amazonaws.com.evil.example/web",
            "111122223333.ecr.us-east-2.amazonaws.com/web",
            "111122223333.dkr.ecr.amazonaws.com/web",
        ] {
            assert!(matches!(Image::parse(text), Image::Other(_)), "{text}");
        }
    }

    #[test]
    fn names_without_a_host_are_docker_hubs() {
        for (text, repository, reference) in [
            ("nginx", "nginx", None),
            ("nginx:1.27", "nginx", Some("1.27")),
            ("bitnami/redis@sha256:00", "bitnami/redis", Some("sha256:00")),
            ("docker.io/library/nginx:1", "library/nginx", Some("1")),
        ] {
            let image = Image::parse(text);
            assert_eq!(image, Image::DockerHub(Reference { repository: repository.into(), reference: reference.map(str::to_owned) }), "{text}");
            assert_eq!(image.registry().as_deref(), Some("registry:docker.io"));
        }
    }

    #[test]
    fn other_registries_are_public_or_may_be_private() {
        assert!(matches!(Image::parse("public.ecr.aws/nginx/nginx:latest"), Image::EcrPublic(_)));
        for host in ["ghcr.io", "quay.io", "registry.k8s.io", "mcr.microsoft.com", "europe-west1-docker.pkg.dev"] {
            assert!(matches!(Image::parse(&format!("{host}/a/b")), Image::KnownPublic(_)), "{host}");
        }
        let Image::Other(own) = Image::parse("Registry.Corp.Example:5000/a/b:1") else { unreachable!() };
        assert_eq!((own.host.as_str(), own.port), ("registry.corp.example", 5000));
        assert!(matches!(Image::parse("localhost:5000/a"), Image::Loopback(_)));
        assert!(!is_public_registry("evil-ghcr.io") && !is_public_registry("a.b-docker.pkg.dev"));
    }

    proptest! {
        #[test]
        fn any_text_is_classified(text in "\\PC*") {
            let image = Image::parse(&text);
            prop_assert!(image.registry().is_none_or(|r| r.starts_with("registry:")));
        }

        #[test]
        fn any_bytes_are_classified(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&bytes);
            let image = Image::parse(&text);
            // Either no endpoint serves it and its registry has a name, or it is private ECR or the loopback; hosts are lower case.
            prop_assert_eq!(image.registry().is_none(), matches!(image, Image::EcrPrivate(_) | Image::Loopback(_)));
            prop_assert_eq!(hosts_of(&image).is_empty(), matches!(image, Image::Loopback(_)));
            prop_assert!(hosts_of(&image).iter().all(|h| !h.bytes().any(|b| b.is_ascii_uppercase())));
            prop_assert!(image.reference().reference.as_deref() != Some(""));
        }

        #[test]
        fn what_nearly_looks_like_ecr_is_private_only_with_account_region_and_suffix(
            account in "[0-9]{11,13}", kind in "(dkr\\.ecr|dkr\\.ecr-fips|dkr-ecr|dkr-ecr-fips|ecr|dkr)", region in "[a-z0-9.-]{0,12}", suffix in "(amazonaws\\.com|amazonaws\\.com\\.cn|on\\.aws|example\\.com)"
        ) {
            let text = format!("{account}.{kind}.{region}.{suffix}/web:1");
            if let Image::EcrPrivate(found) = Image::parse(&text) {
                prop_assert_eq!(&found.account, &account);
                prop_assert!(found.account.len() == 12 && found.region == region && !region.is_empty() && !region.contains('.'));
                prop_assert_eq!((found.fips, found.dual_stack), (kind.ends_with("-fips"), kind.starts_with("dkr-ecr")));
                prop_assert_eq!(found.dual_stack, suffix == "on.aws");
            }
        }

        #[test]
        fn a_well_formed_private_reference_comes_apart(account in "[0-9]{12}", region in "(us|eu|ap)-(east|west)-[1-9]", repository in "[a-z]{1,8}(/[a-z]{1,8}){0,3}", tag in "[a-z0-9.]{1,8}") {
            let found = ecr(&format!("{account}.dkr.ecr.{region}.amazonaws.com/{repository}:{tag}"));
            prop_assert_eq!((found.account, found.region, found.reference.repository, found.reference.reference), (account, region, repository, Some(tag)));
        }
    }
}
