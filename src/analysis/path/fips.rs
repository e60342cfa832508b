//! Workloads in FIPS mode: which of their calls go by FIPS hostnames is documented in part only, so both names are possible.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-fips-compliance.html>.

use std::collections::BTreeSet;

use super::combine::as_unknown;
use super::leg::{self, Leg};
use super::{Engine, Source};
use crate::actions::Action;
use crate::analysis::{Decision, HopName, Kind, Need, Placement, Tri, Unseen, View, Way, services};
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::VpcEndpoint;

/// Why the workloads of a placement run in FIPS mode, if they do.
#[must_use]
pub fn mode(view: &View<'_>, placement: &Placement) -> Option<Evidence> {
    let region = view.region;
    if placement.fargate {
        let on = |v: &str| v.eq_ignore_ascii_case("enabled") || v.eq_ignore_ascii_case("on");
        let setting = region.account_settings.iter().find(|s| s.name.as_deref() == Some("fargateFIPSMode") && s.value.as_deref().is_some_and(on))?;
        return Some(Evidence::new(Action::ListAccountSettings, "fargateFIPSMode", setting.value.as_deref().unwrap_or_default(), ""));
    }
    if placement.kind != Kind::ManagedInstance {
        return None;
    }
    let fips = |p: &&crate::inventory::ecs::CapacityProvider| p.managed_instances_provider.as_ref().and_then(|m| m.instance_launch_template.as_ref()).and_then(|t| t.fips_enabled) == Some(true);
    let provider = region.capacity_providers.iter().find(fips)?;
    let name = provider.capacity_provider_arn.rsplit('/').next().unwrap_or_default();
    Some(Evidence::new(Action::DescribeCapacityProviders, "fipsEnabled", "true", name))
}

/// The plain endpoint of a service in a VPC, and the FIPS endpoint that is missing beside it: the plain one answers to no FIPS name.
#[must_use]
pub fn lacking<'v>(view: &'v View<'_>, vpc: &str, service: &str) -> Option<(&'v VpcEndpoint, &'static str)> {
    let twin = services::fips_twin(service)?;
    let available = |e: &&&VpcEndpoint| e.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("available"));
    let here = |short: &str| view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().filter(available).find(|e| e.service_name.as_deref().and_then(services::short_name) == Some(short)).copied();
    let plain = here(service)?;
    (here(twin).is_none() && !serves_fips(view, plain)).then_some((plain, twin))
}

/// Whether a plain endpoint answers to FIPS names as well.
fn serves_fips(view: &View<'_>, endpoint: &VpcEndpoint) -> bool {
    let own = endpoint.dns_entries.iter().filter_map(|e| e.dns_name.as_deref());
    let listed = endpoint.service_name.as_deref().and_then(|n| view.index.service_details.get(n)).into_iter().flat_map(|d| d.private_dns_names.iter().filter_map(|n| n.private_dns_name.as_deref()));
    own.chain(listed).any(|n| n.contains("fips"))
}

/// The FIPS form of a hostname of a service; `None` where it has none, or is one.
fn fips_host(region: &str, service: &str, host: &str) -> Option<String> {
    // No FIPS endpoints of these two exist.
    if matches!(service, "ecs-agent" | "ecs-telemetry") || service.starts_with("registry:") || host.contains("-fips") {
        return None;
    }
    let mut labels: Vec<&str> = host.split('.').collect();
    let at = labels.iter().position(|l| *l == region)?;
    let at = if labels.get(at.checked_sub(1)?) == Some(&"dualstack") { at.checked_sub(2)? } else { at.checked_sub(1)? };
    let marked = format!("{}-fips", labels.get(at)?);
    *labels.get_mut(at)? = &marked;
    // The API of ECR loses a label: ecr-fips.REGION in place of api.ecr.REGION.
    if labels.starts_with(&["api", "ecr-fips"]) {
        labels.remove(0);
    }
    Some(labels.join("."))
}

impl Engine<'_> {
    /// What becomes of a need in FIPS mode, when `plain` is how it goes by its plain names.
    pub(super) fn in_fips_mode(&self, source: &Source<'_>, need: &Need, vpc: &str, plain: Leg) -> Leg {
        if need.region.is_some() || mode(self.view, source.placement).is_none() {
            return plain;
        }
        let region = &self.view.region.region;
        let hosts: BTreeSet<String> = need.hosts.iter().filter_map(|h| fips_host(region, &need.service, h)).collect();
        let Some(fips) = (!hosts.is_empty()).then(|| self.worst(source, need, vpc, &hosts)).flatten() else { return plain };
        let way = if plain.way == fips.way { plain.way } else { Way::Unknown };
        if plain.verdict() == fips.verdict() && plain.verdict() != Tri::Unknown {
            return Leg { way, ..plain };
        }
        let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let detail = format!("in FIPS mode calls may go to {} in place of the plain names, with another outcome", names.join(", "));
        let doubt = Unseen::Datum(format!("which hostnames of {} are called in FIPS mode", need.service));
        let mut open = Leg::new(way);
        open.hop(HopName::Dns, &Decision::unknown(Some(vpc), detail.clone(), doubt.clone()));
        let unsure = BTreeSet::from([doubt.clone()]);
        for cause in plain.causes {
            open.cause(as_unknown(cause, &unsure));
        }
        // A FIPS endpoint that is missing beside the plain one is told by the rule itself.
        if plain_passes(&plain.hops) && lacking(self.view, vpc, &need.service).is_some() {
            return Leg { passed: plain.passed, unjudged: plain.unjudged, ..open };
        }
        let mut unseen: BTreeSet<Unseen> = if fips.verdict() == Tri::Unknown { fips.causes.into_iter().flat_map(|c| c.unseen).collect() } else { BTreeSet::new() };
        unseen.insert(doubt);
        open.cause(leg::unknown("RG04", Severity::Medium, vpc, detail, unseen));
        Leg { passed: plain.passed, unjudged: plain.unjudged, ..open }
    }
}

fn plain_passes(hops: &[crate::analysis::Hop]) -> bool {
    hops.iter().all(|h| h.verdict == Tri::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Owner;
    use crate::analysis::testing::{REGION, SUBNET_A, Scene, arn, log, pair, secret};

    /// An isolated Fargate task that logs and has a secret, with the plain endpoints, in FIPS mode.
    fn scene() -> Scene {
        let mut scene = Scene::new();
        let definition = scene.definition("web", |d| {
            d.container_definitions[0].log_configuration = Some(log("awslogs", &[("awslogs-group", "/web")]));
            d.container_definitions[0].secrets = vec![secret(&arn("secretsmanager", "secret:db-AbCdEf"))];
        });
        scene.fargate_task("web", "t1", &definition, None, SUBNET_A);
        for service in ["ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager"] {
            scene.interface_endpoint(service);
        }
        let setting = pair("fargateFIPSMode", "enabled");
        scene.region.account_settings = vec![crate::inventory::ecs::Setting { name: setting.name, value: setting.value, principal_arn: None }];
        scene
    }

    fn verdicts(scene: &Scene) -> Vec<String> {
        scene.view(|v| v.paths.iter().filter_map(|p| Some(format!("{} {:?}", super::super::need_of(v, p)?.1.service, p.verdict))).collect())
    }

    #[test]
    fn fips_forms_of_hostnames() {
        let form = |service: &str, host: &str| fips_host("us-east-2", service, host);
        for (service, host, expected) in [
            ("ecr.api", "api.ecr.us-east-2.amazonaws.com", Some("ecr-fips.us-east-2.amazonaws.com")),
            ("ecr.dkr", "111122223333.dkr.ecr.us-east-2.amazonaws.com", Some("111122223333.dkr.ecr-fips.us-east-2.amazonaws.com")),
            ("ecr.dkr", "111122223333.dkr-ecr.us-east-2.on.aws", Some("111122223333.dkr-ecr-fips.us-east-2.on.aws")),
            ("ecr.dkr", "111122223333.dkr.ecr-fips.us-east-2.amazonaws.com", None),
            ("logs", "logs.us-east-2.amazonaws.com", Some("logs-fips.us-east-2.amazonaws.com")),
            ("s3", "b.s3.us-east-2.amazonaws.com", Some("b.s3-fips.us-east-2.amazonaws.com")),
            ("s3", "b.s3.dualstack.us-east-2.amazonaws.com", Some("b.s3-fips.dualstack.us-east-2.amazonaws.com")),
            ("ecs-agent", "ecs-a.us-east-2.amazonaws.com", None),
        ] {
            assert_eq!(form(service, host).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn nothing_passes_on_plain_names_alone() {
        let mut scene = scene();
        assert_eq!(verdicts(&scene), ["ecr.api Unknown", "ecr.dkr Unknown", "logs Unknown", "s3 Unknown", "secretsmanager Unknown"]);
        // A gateway carries all of S3, by whatever name; a plain endpoint may list its FIPS name; a twin answers to its own.
        for endpoint in &mut scene.region.vpc_endpoints {
            if endpoint.vpc_endpoint_id == "vpce-secretsmanager" {
                endpoint.dns_entries.push(crate::inventory::ec2::DnsEntry { dns_name: Some(format!("secretsmanager-fips.{REGION}.amazonaws.com")), hosted_zone_id: None });
            }
            if endpoint.vpc_endpoint_id == "vpce-s3" {
                endpoint.vpc_endpoint_type = Some("Gateway".into());
                endpoint.route_table_ids = vec!["rtb-main".into()];
                endpoint.network_interface_ids.clear();
                endpoint.dns_entries.clear();
            }
        }
        scene.region.route_tables[0].routes.push(crate::inventory::ec2::Route {
            destination_prefix_list_id: Some("pl-s3".into()),
            gateway_id: Some("vpce-s3".into()),
            state: Some("active".into()),
            ..Default::default()
        });
        scene.interface_endpoint("ecr-fips.api");
        scene.interface_endpoint("ecr-fips.dkr");
        assert_eq!(verdicts(&scene), ["ecr.api Pass", "ecr.dkr Pass", "logs Unknown", "s3 Pass", "secretsmanager Pass"]);
        // Without the mode the plain names are all there is.
        scene.region.account_settings.clear();
        assert_eq!(verdicts(&scene)[2], "logs Pass");
    }

    #[test]
    fn fips_endpoints_alone_do_not_make_the_path_a_failing_one() {
        let mut scene = scene();
        scene.region.vpc_endpoints.retain(|e| e.vpc_endpoint_id != "vpce-ecr.api");
        assert_eq!(verdicts(&scene)[0], "ecr.api Fail", "neither name leads anywhere");
        scene.interface_endpoint("ecr-fips.api");
        scene.view(|v| {
            let (path, need) = v.paths.iter().filter_map(|p| Some((p, super::super::need_of(v, p)?.1))).find(|(_, n)| n.service == "ecr.api").unwrap();
            assert_eq!((path.verdict, path.blocked_at), (Tri::Unknown, None));
            assert!(need.owners.iter().any(|(o, _)| *o == Owner::Rule("EP04")));
            assert!(path.causes.iter().all(|c| c.verdict == Tri::Unknown), "{:?}", path.causes);
            assert!(path.causes.iter().any(|c| c.rule == "RG04"));
        });
    }
}
