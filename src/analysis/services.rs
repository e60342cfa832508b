//! Endpoint services as data: partitions, service names and their prefixes, hostnames, FIPS twins, regions.
//!
//! What `DescribeVpcEndpointServices` said of a region wins over the tables wherever an inventory is at hand
//! ([`full_name_in`], [`hostnames_in`]).
//!
//! Sources: <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html>,
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html>.

use std::collections::BTreeSet;

use crate::actions::Action;
use crate::inventory::Region;

/// A group of regions with one set of suffixes.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// As ARNs spell it: `aws`, `aws-cn` …
    pub id: &'static str,
    /// What follows the region in a classic hostname.
    pub dns_suffix: &'static str,
    /// What follows the region in a dual-stack hostname of an API.
    pub dual_stack_suffix: &'static str,
    /// What follows the region in a dual-stack registry hostname of ECR.
    pub on_suffix: &'static str,
    /// How its region names begin.
    region_prefixes: &'static [&'static str],
    /// Prefix of those endpoint services that do not use `com.amazonaws`.
    own_prefix: Option<&'static str>,
    /// Those services, by short name.
    own_prefix_services: &'static [&'static str],
    /// The region of the bucket that agent updates come from.
    agent_bucket_region: Option<&'static str>,
}

const ECR: &[&str] = &["ecr.api", "ecr.dkr"];

/// Interface services that have the prefix `cn.com.amazonaws` in China, as far as ECS workloads meet them.
const CHINA: &[&str] = &[
    "application-autoscaling",
    "appmesh-envoy-management",
    "autoscaling",
    "cloudformation",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "elasticfilesystem",
    "fsx",
    "kinesis-streams",
    "lambda",
    "monitoring",
    "s3",
    "sqs",
    "states",
    "sts",
    "xray",
];

/// Every partition. Prefixes of region names are tried in this order, so that the narrower comes first.
pub static PARTITIONS: &[Partition] = &[
    Partition {
        id: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        dual_stack_suffix: "api.amazonwebservices.com.cn",
        on_suffix: "on.amazonwebservices.com.cn",
        region_prefixes: &["cn-"],
        own_prefix: Some("cn.com.amazonaws"),
        own_prefix_services: CHINA,
        agent_bucket_region: Some("cn-north-1"),
    },
    Partition {
        id: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        dual_stack_suffix: "api.aws",
        on_suffix: "on.aws",
        region_prefixes: &["us-gov-"],
        own_prefix: None,
        own_prefix_services: &[],
        agent_bucket_region: Some("us-gov-west-1"),
    },
    Partition {
        id: "aws-iso-f",
        dns_suffix: "csp.hci.ic.gov",
        dual_stack_suffix: "api.aws.hci.ic.gov",
        on_suffix: "on.aws.hci.ic.gov",
        region_prefixes: &["us-isof-"],
        own_prefix: Some("gov.ic.hci.csp"),
        own_prefix_services: ECR,
        agent_bucket_region: None,
    },
    Partition {
        id: "aws-iso-b",
        dns_suffix: "sc2s.sgov.gov",
        dual_stack_suffix: "api.aws.scloud",
        on_suffix: "on.aws.scloud",
        region_prefixes: &["us-isob-"],
        own_prefix: Some("gov.sgov.sc2s"),
        own_prefix_services: ECR,
        agent_bucket_region: None,
    },
    Partition {
        id: "aws-iso",
        dns_suffix: "c2s.ic.gov",
        dual_stack_suffix: "api.aws.ic.gov",
        on_suffix: "on.aws.ic.gov",
        region_prefixes: &["us-iso-"],
        own_prefix: Some("gov.ic.c2s"),
        own_prefix_services: ECR,
        agent_bucket_region: None,
    },
    Partition {
        id: "aws-iso-e",
        dns_suffix: "cloud.adc-e.uk",
        dual_stack_suffix: "api.cloud-aws.adc-e.uk",
        on_suffix: "on.cloud-aws.adc-e.uk",
        region_prefixes: &["eu-isoe-"],
        own_prefix: Some("uk.adc-e.cloud"),
        own_prefix_services: ECR,
        agent_bucket_region: None,
    },
    Partition {
        id: "aws-eusc",
        dns_suffix: "amazonaws.eu",
        dual_stack_suffix: "api.amazonwebservices.eu",
        on_suffix: "on.amazonwebservices.eu",
        region_prefixes: &["eusc-"],
        own_prefix: Some("eu.amazonaws"),
        own_prefix_services: ECR,
        agent_bucket_region: None,
    },
    Partition {
        id: "aws",
        dns_suffix: "amazonaws.com",
        dual_stack_suffix: "api.aws",
        on_suffix: "on.aws",
        region_prefixes: &[""],
        own_prefix: None,
        own_prefix_services: &[],
        agent_bucket_region: Some("us-east-1"),
    },
];

/// Prefixes of endpoint service names, the longest first.
const PREFIXES: &[&str] = &["gov.ic.hci.csp", "cn.com.amazonaws", "uk.adc-e.cloud", "gov.sgov.sc2s", "gov.ic.c2s", "com.amazonaws", "eu.amazonaws", "aws.api", "api.aws"];

/// Services whose first labels in a hostname differ from their short name. `*` is any one label.
const LABELS: &[(&str, &[&str])] = &[
    ("ecs-agent", &["ecs-a"]),
    ("ecs-telemetry", &["ecs-t"]),
    ("ecr.api", &["api.ecr"]),
    ("ecr.dkr", &["*.dkr.ecr", "dkr.ecr"]),
    ("ecr-fips.api", &["ecr-fips"]),
    ("ecr-fips.dkr", &["*.dkr.ecr-fips", "dkr.ecr-fips"]),
    ("s3", &["*.s3", "s3"]),
    ("kinesis-firehose", &["firehose"]),
    ("kinesis-streams", &["kinesis"]),
];

/// FIPS twins of the services that ECS workloads use, where one is known. `ecs-agent` and `ecs-telemetry` have none.
const FIPS: &[(&str, &str)] = &[
    ("ecs", "ecs-fips"),
    ("ecr.api", "ecr-fips.api"),
    ("ecr.dkr", "ecr-fips.dkr"),
    ("elasticfilesystem", "elasticfilesystem-fips"),
    ("fsx", "fsx-fips"),
    ("guardduty-data", "guardduty-data-fips"),
    ("kms", "kms-fips"),
    ("servicediscovery", "servicediscovery-fips"),
    ("ssm", "ssm-fips"),
];

/// Regions opened on or after 2023-12-23, in which agents need all three ECS endpoints.
const NEWER: &[&str] = &["ap-east-2", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eusc-de-east-1", "me-west-1", "mx-central-1", "sa-west-1"];

/// Regions that were open before.
const OLDER: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// The partition of a region, by how its name begins; what fits nothing is taken for commercial AWS.
#[must_use]
pub fn partition_of(region: &str) -> &'static Partition {
    PARTITIONS.iter().find(|p| p.region_prefixes.iter().any(|prefix| region.starts_with(prefix))).unwrap_or(COMMERCIAL)
}

static COMMERCIAL: &Partition = match PARTITIONS.last() {
    Some(last) => last,
    None => &Partition { id: "aws", dns_suffix: "", dual_stack_suffix: "", on_suffix: "", region_prefixes: &[], own_prefix: None, own_prefix_services: &[], agent_bucket_region: None },
};

/// The classic hostname suffix of a region: `us-east-2.amazonaws.com`.
#[must_use]
pub fn suffix_of(region: &str) -> String {
    format!("{region}.{}", partition_of(region).dns_suffix)
}

/// Whether a region opened on or after 2023-12-23 (RG02). `None`: a region that no table has.
#[must_use]
pub fn opened_lately(region: &str) -> Option<bool> {
    if NEWER.contains(&region) { Some(true) } else { OLDER.contains(&region).then_some(false) }
}

/// Whether a text has the form of a region name: `us-east-2`, `us-gov-west-1`, `eusc-de-east-1`.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let words: Vec<&str> = words.split('-').collect();
    words.len() >= 2 && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && words.iter().all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
}

/// The region of the bucket that agent updates come from: a gateway endpoint elsewhere does not lead there.
#[must_use]
pub fn agent_bucket_region(region: &str) -> Option<&'static str> {
    partition_of(region).agent_bucket_region
}

/// A service name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceName<'a> {
    /// `com.amazonaws`, `cn.com.amazonaws`, `aws.api` …
    pub prefix: &'a str,
    /// Region in the name; `None` for services without one.
    pub region: Option<&'a str>,
    /// What is left: `ecr.api`.
    pub short: &'a str,
}

/// Takes the name of an AWS endpoint service apart. `None`: no service of AWS (`com.amazonaws.vpce.…` is a customer's).
#[must_use]
pub fn parse(full: &str) -> Option<ServiceName<'_>> {
    let (prefix, rest) = PREFIXES.iter().find_map(|p| Some((full.get(..p.len())?, full.strip_prefix(p)?.strip_prefix('.')?)))?;
    let (region, short) = match rest.split_once('.') {
        Some((first, rest)) if is_region(first) => (Some(first), rest),
        _ => (None, rest),
    };
    if short.is_empty() || short.starts_with("vpce.") || short.contains("vpce-svc-") {
        return None;
    }
    Some(ServiceName { prefix, region, short })
}

/// The short name of an AWS endpoint service: `ecr.api` of `com.amazonaws.us-east-2.ecr.api`.
#[must_use]
pub fn short_name(full: &str) -> Option<&str> {
    parse(full).map(|name| name.short)
}

/// The full name of an interface service, by the tables.
#[must_use]
pub fn full_name(region: &str, short: &str) -> String {
    let partition = partition_of(region);
    let prefix = match partition.own_prefix {
        Some(own) if partition.own_prefix_services.contains(&short) => own,
        _ if short == "s3files" => "aws.api",
        _ => "com.amazonaws",
    };
    format!("{prefix}.{region}.{short}")
}

/// The full name of a gateway service (`s3`, `dynamodb`): always under `com.amazonaws`.
#[must_use]
pub fn gateway_name(region: &str, short: &str) -> String {
    format!("com.amazonaws.{region}.{short}")
}

/// The full name of an interface service in the inventory's region: as AWS listed it, else by the tables.
#[must_use]
pub fn full_name_in(inventory: &Region, short: &str) -> String {
    let region = inventory.region.as_str();
    let table = full_name(region, short);
    let listed: BTreeSet<&str> =
        inventory.service_details.iter().map(|d| d.service_name.as_str()).chain(inventory.service_names.iter().map(String::as_str)).filter(|n| is_service(n, region, short)).collect();
    if listed.contains(table.as_str()) { table } else { listed.first().map_or(table, |n| (*n).to_owned()) }
}

/// Whether a full service name is this service in this region.
#[must_use]
pub fn is_service(full: &str, region: &str, short: &str) -> bool {
    parse(full).is_some_and(|n| n.short == short && n.region == Some(region))
}

/// Whether the inventory's region offers endpoints of a service; `None`: not to be told from what was seen.
#[must_use]
pub fn offered(inventory: &Region, short: &str) -> Option<bool> {
    let region = inventory.region.as_str();
    let of = |name: &str| is_service(name, region, short);
    if inventory.service_names.iter().any(|n| of(n)) || inventory.service_details.iter().any(|d| of(&d.service_name)) {
        return Some(true);
    }
    let seen = inventory.completeness.seen(Action::DescribeVpcEndpointServices);
    (seen && inventory.service_listing_full || inventory.invalid_service_names.iter().any(|n| of(n))).then_some(false)
}

/// The classic hostnames of a service in a region; `*.` stands for any one label.
#[must_use]
pub fn hostnames(region: &str, short: &str) -> BTreeSet<String> {
    let suffix = suffix_of(region);
    match LABELS.iter().find(|(name, _)| *name == short) {
        Some((_, labels)) => labels.iter().map(|l| format!("{l}.{suffix}")).collect(),
        None => BTreeSet::from([format!("{short}.{suffix}")]),
    }
}

/// The hostname that callers of a service use, where there is one for all of them: no wildcard.
#[must_use]
pub fn hostname(region: &str, short: &str) -> String {
    hostnames(region, short).into_iter().find(|h| !h.starts_with('*')).unwrap_or_else(|| format!("{short}.{}", suffix_of(region)))
}

/// The dual-stack hostnames of a service in a region, where it has any.
#[must_use]
pub fn dual_stack_hostnames(region: &str, short: &str) -> BTreeSet<String> {
    let partition = partition_of(region);
    let api = partition.dual_stack_suffix;
    let on = partition.on_suffix;
    match short {
        "ecr.dkr" => BTreeSet::from([format!("*.dkr-ecr.{region}.{on}"), format!("dkr-ecr.{region}.{on}")]),
        "ecr.api" => BTreeSet::from([format!("ecr.{region}.{api}")]),
        "s3" => BTreeSet::from([format!("*.s3.dualstack.{}", suffix_of(region)), format!("s3.dualstack.{}", suffix_of(region))]),
        "kinesis-firehose" => BTreeSet::from([format!("firehose.{region}.{api}")]),
        "kinesis-streams" => BTreeSet::from([format!("kinesis.{region}.{api}")]),
        // Agents reach these two by the addresses that DiscoverPollEndpoint names; there is no second form of them.
        "ecs-agent" | "ecs-telemetry" => BTreeSet::new(),
        _ => BTreeSet::from([format!("{short}.{region}.{api}")]),
    }
}

/// The private names that an endpoint of a service takes over in the inventory's region: as AWS listed them, else by the tables.
#[must_use]
pub fn hostnames_in(inventory: &Region, short: &str) -> BTreeSet<String> {
    let live: BTreeSet<String> = inventory
        .service_details
        .iter()
        .filter(|d| is_service(&d.service_name, &inventory.region, short))
        .flat_map(|d| d.private_dns_names.iter().filter_map(|p| p.private_dns_name.clone()).chain(d.private_dns_name.clone()))
        .collect();
    if live.is_empty() { hostnames(&inventory.region, short) } else { live }
}

/// The FIPS twin of a service, where one is known.
#[must_use]
pub fn fips_twin(short: &str) -> Option<&'static str> {
    FIPS.iter().find(|(plain, _)| *plain == short).map(|(_, fips)| *fips)
}

/// The service that a FIPS twin is the twin of.
#[must_use]
pub fn plain_of_fips(short: &str) -> Option<&'static str> {
    FIPS.iter().find(|(_, fips)| *fips == short).map(|(plain, _)| *plain)
}

/// The bucket that ECR serves image layers of a region from.
#[must_use]
pub fn layer_bucket(region: &str) -> String {
    format!("prod-{region}-starport-layer-bucket")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn service_names_of_every_partition_come_apart() {
        for (full, prefix, region, short) in [
            ("com.amazonaws.us-east-2.ecr.api", "com.amazonaws", Some("us-east-2"), "ecr.api"),
            ("cn.com.amazonaws.cn-north-1.ecr.dkr", "cn.com.amazonaws", Some("cn-north-1"), "ecr.dkr"),
            ("com.amazonaws.cn-north-1.ecs-agent", "com.amazonaws", Some("cn-north-1"), "ecs-agent"),
            ("eu.amazonaws.eusc-de-east-1.ecr.api", "eu.amazonaws", Some("eusc-de-east-1"), "ecr.api"),
            ("gov.ic.c2s.us-iso-east-1.ecr.api", "gov.ic.c2s", Some("us-iso-east-1"), "ecr.api"),
            ("aws.api.us-west-2.s3files", "aws.api", Some("us-west-2"), "s3files"),
            ("api.aws.us-west-2.thing", "api.aws", Some("us-west-2"), "thing"),
            ("com.amazonaws.us-gov-west-1.ecs-fips", "com.amazonaws", Some("us-gov-west-1"), "ecs-fips"),
            ("com.amazonaws.iam", "com.amazonaws", None, "iam"),
        ] {
            assert_eq!(parse(full), Some(ServiceName { prefix, region, short }), "{full}");
        }
        assert_eq!(parse("com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"), None, "a customer's own service");
        assert_eq!(parse("com.amazonaws."), None);
        assert_eq!(parse("com.example.us-east-1.ecs"), None);
    }

    #[test]
    fn a_name_made_by_the_tables_comes_apart_into_what_it_was_made_of() {
        for region in NEWER.iter().chain(OLDER) {
            for short in ["ecs", "ecs-agent", "ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager"] {
                let full = full_name(region, short);
                assert!(is_service(&full, region, short), "{full}");
            }
            assert!(is_region(region));
            assert!(opened_lately(region).is_some());
        }
    }

    #[test]
    fn china_has_its_own_prefix_for_ecr_but_not_for_ecs() {
        assert_eq!(full_name("cn-north-1", "ecr.api"), "cn.com.amazonaws.cn-north-1.ecr.api");
        assert_eq!(full_name("cn-north-1", "ecs-agent"), "com.amazonaws.cn-north-1.ecs-agent");
        assert_eq!(gateway_name("cn-north-1", "s3"), "com.amazonaws.cn-north-1.s3");
        assert_eq!(hostname("cn-north-1", "ecr.api"), "api.ecr.cn-north-1.amazonaws.com.cn");
        assert_eq!(partition_of("us-isob-east-1").id, "aws-iso-b");
        assert_eq!(partition_of("us-iso-east-1").id, "aws-iso");
        assert_eq!(partition_of("us-gov-east-1").id, "aws-us-gov");
        assert_eq!(partition_of("eusc-de-east-1").dns_suffix, "amazonaws.eu");
        assert_eq!(partition_of("us-east-1").id, "aws");
    }

    #[test]
    fn hostnames_differ_from_short_names_where_aws_says_so() {
        let names = |short| hostnames("us-east-2", short).into_iter().collect::<Vec<_>>();
        assert_eq!(names("ecs-agent"), ["ecs-a.us-east-2.amazonaws.com"]);
        assert_eq!(names("ecs-telemetry"), ["ecs-t.us-east-2.amazonaws.com"]);
        assert_eq!(names("ecr.dkr"), ["*.dkr.ecr.us-east-2.amazonaws.com", "dkr.ecr.us-east-2.amazonaws.com"]);
        assert_eq!(names("kinesis-firehose"), ["firehose.us-east-2.amazonaws.com"]);
        assert_eq!(names("logs"), ["logs.us-east-2.amazonaws.com"]);
        assert_eq!(dual_stack_hostnames("us-east-2", "ecr.api").into_iter().collect::<Vec<_>>(), ["ecr.us-east-2.api.aws"]);
        assert!(dual_stack_hostnames("us-east-2", "ecs-agent").is_empty());
    }

    #[test]
    fn what_aws_listed_wins_over_the_tables() {
        use crate::inventory::ec2::{PrivateDnsName, ServiceDetail};
        let mut inventory = Region { region: "us-east-2".into(), partition: "aws".into(), ..Region::default() };
        assert_eq!(full_name_in(&inventory, "logs"), "com.amazonaws.us-east-2.logs");
        inventory.service_names = vec!["api.aws.us-east-2.logs".into(), "com.amazonaws.us-west-2.logs".into()];
        assert_eq!(full_name_in(&inventory, "logs"), "api.aws.us-east-2.logs");
        inventory.service_details = vec![ServiceDetail {
            service_name: "com.amazonaws.us-east-2.logs".into(),
            private_dns_names: vec![PrivateDnsName { private_dns_name: Some("logs.us-east-2.api.aws".into()) }],
            ..ServiceDetail::default()
        }];
        assert_eq!(full_name_in(&inventory, "logs"), "com.amazonaws.us-east-2.logs");
        assert_eq!(hostnames_in(&inventory, "logs").into_iter().collect::<Vec<_>>(), ["logs.us-east-2.api.aws"]);
        assert_eq!(hostnames_in(&inventory, "ssm").into_iter().collect::<Vec<_>>(), ["ssm.us-east-2.amazonaws.com"]);
    }

    #[test]
    fn newer_regions_are_told_from_older_and_unknown_ones() {
        assert_eq!(opened_lately("ca-west-1"), Some(true));
        assert_eq!(opened_lately("us-east-2"), Some(false));
        assert_eq!(opened_lately("xx-north-9"), None);
        assert_eq!(agent_bucket_region("eu-west-1"), Some("us-east-1"));
        assert_eq!(agent_bucket_region("cn-northwest-1"), Some("cn-north-1"));
        assert_eq!(agent_bucket_region("us-gov-east-1"), Some("us-gov-west-1"));
    }

    #[test]
    fn fips_twins_are_data() {
        assert_eq!(fips_twin("ecr.dkr"), Some("ecr-fips.dkr"));
        assert_eq!(plain_of_fips("ecs-fips"), Some("ecs"));
        assert_eq!(fips_twin("ecs-agent"), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_be_taken_apart(text in ".*") {
            if let Some(name) = parse(&text) {
                prop_assert!(text.ends_with(name.short) && text.starts_with(name.prefix));
            }
            let _ = is_region(&text);
            prop_assert!(!partition_of(&text).id.is_empty());
        }
    }
}
