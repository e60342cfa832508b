//! Domain names as text: normal form, ancestors, wildcards, AWS's names for endpoints.

use crate::analysis::services;

/// Lower case, without the final dot, `*` for Route 53's `\052`.
pub(super) fn normal(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase().replace("\\052", "*")
}

/// Labels of a normal name; the root has none.
pub(super) fn depth(name: &str) -> usize {
    if name.is_empty() { 0 } else { name.split('.').count() }
}

/// Whether `zone` is `name` or an ancestor of it. The root is an ancestor of all.
pub(super) fn covers(zone: &str, name: &str) -> bool {
    zone.is_empty() || name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether `pattern`, a name or `*.` and a name, stands for `name`; the star is one label.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => name.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => pattern == name,
    }
}

/// The short name of an endpoint service of `region`: `ecr.api` of `com.amazonaws.us-east-2.ecr.api`, whatever the prefix.
/// `None` for services of another region and for those that are not AWS's.
pub(super) fn short<'n>(service_name: &'n str, region: &str) -> Option<&'n str> {
    services::parse(service_name).filter(|n| n.region == Some(region)).map(|n| n.short)
}

/// The endpoint id and zone in a name that AWS gave an endpoint: `vpce-0a1b-c2d3[-us-east-2a].ecs.us-east-2.vpce.amazonaws.com`,
/// S3's with a label before it.
pub(super) fn endpoint_name(name: &str) -> Option<(String, Option<String>)> {
    if !name.contains(".vpce.") {
        return None;
    }
    let label = name.split('.').take(2).find(|l| l.starts_with("vpce-"))?;
    let mut parts = label.splitn(4, '-');
    let (_, id) = (parts.next()?, parts.next()?);
    let _hash = parts.next()?;
    Some((format!("vpce-{id}"), parts.next().map(str::to_owned)))
}

/// Whether the public DNS has IPv6 addresses for a name: AWS's dual-stack names do, its classic ones do not.
pub(super) fn public_has_ipv6(name: &str) -> bool {
    name.ends_with(".api.aws") || name.ends_with(".on.aws") || name.split('.').any(|l| l == "dualstack")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_label_by_label() {
        assert_eq!(normal("\\052.Dkr.ECR.us-east-2.amazonaws.com."), "*.dkr.ecr.us-east-2.amazonaws.com");
        assert!(covers("amazonaws.com", "ecs.us-east-2.amazonaws.com"));
        assert!(covers("ecs.us-east-2.amazonaws.com", "ecs.us-east-2.amazonaws.com"));
        assert!(covers("", "docker.io"), "the root is above every name");
        assert!(!covers("s3.us-east-2.amazonaws.com", "ecs3.us-east-2.amazonaws.com"));
        assert!(!covers("a.b", "b"));
        assert_eq!([depth(""), depth("com"), depth("a.b.c")], [0, 1, 3]);
    }

    #[test]
    fn a_star_is_one_label() {
        assert!(matches("*.dkr.ecr.r", "111.dkr.ecr.r"));
        assert!(!matches("*.dkr.ecr.r", "a.111.dkr.ecr.r"), "nothing deeper");
        assert!(!matches("*.dkr.ecr.r", "dkr.ecr.r"), "not the name itself");
        assert!(matches("dkr.ecr.r", "dkr.ecr.r"));
    }

    #[test]
    fn short_names_do_not_depend_on_the_prefix() {
        for (name, short_name) in [
            ("com.amazonaws.us-east-2.ecr.api", Some("ecr.api")),
            ("cn.com.amazonaws.cn-north-1.ecr.dkr", None),
            ("aws.api.us-east-2.s3files", Some("s3files")),
            ("com.amazonaws.vpce.us-east-2.vpce-svc-0123456789abcdef0", None),
            ("com.amazonaws.us-west-2.ecs", None),
        ] {
            assert_eq!(short(name, "us-east-2"), short_name, "{name}");
        }
        assert_eq!(short("cn.com.amazonaws.cn-north-1.ecr.dkr", "cn-north-1"), Some("ecr.dkr"));
    }

    #[test]
    fn endpoint_names_give_id_and_zone() {
        let name = |n: &str| endpoint_name(n).map(|(id, zone)| (id, zone.unwrap_or_default()));
        assert_eq!(name("vpce-0a1-b2c.ecs.us-east-2.vpce.amazonaws.com"), Some(("vpce-0a1".into(), String::new())));
        assert_eq!(name("vpce-0a1-b2c-us-east-2a.ecr.api.us-east-2.vpce.amazonaws.com"), Some(("vpce-0a1".into(), "us-east-2a".into())));
        assert_eq!(name("*.vpce-0a1-b2c.s3.us-east-2.vpce.amazonaws.com"), Some(("vpce-0a1".into(), String::new())));
        assert_eq!(name("internal-web-1.us-east-2.elb.amazonaws.com"), None);
        assert_eq!(name("vpce-0a1.example.com"), None);
    }
}
