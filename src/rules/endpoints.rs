//! Endpoints as rules see them: which are in scope, what service they serve, who uses them.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{Need, Path, Placement, View, services};
use crate::inventory::ec2::VpcEndpoint;
use crate::policy::{self, ContextValue, Document, EndpointType, Principal, Request};

/// Services that ECS or what it runs may use: an endpoint of another service is none of the audit's business, unless something
/// needs it.
const KNOWN: &[&str] = &[
    "appmesh-envoy-management",
    "ec2messages",
    "ecr-fips.api",
    "ecr-fips.dkr",
    "ecr.api",
    "ecr.dkr",
    "ecs",
    "ecs-agent",
    "ecs-fips",
    "ecs-telemetry",
    "fsx",
    "guardduty-data",
    "kinesis-firehose",
    "kinesis-streams",
    "kms",
    "logs",
    "monitoring",
    "s3",
    "secretsmanager",
    "ssm",
    "ssmmessages",
    "sts",
    "xray",
];

/// One path with who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// Who asks.
    pub placement: &'a Placement,
    /// For what.
    pub need: &'a Need,
    /// How it goes.
    pub path: &'a Path,
}

/// Who uses which endpoint.
#[derive(Debug)]
pub struct Usage<'a> {
    region: &'a str,
    by_service: BTreeMap<&'a str, BTreeMap<&'a str, Vec<Use<'a>>>>,
    by_endpoint: BTreeMap<&'a str, Vec<Use<'a>>>,
    /// Endpoints in scope, by id.
    pub endpoints: Vec<&'a VpcEndpoint>,
}

impl<'a> Usage<'a> {
    /// Indexes the paths of a view. In scope are the interface and gateway endpoints of audited VPCs, and those elsewhere that a
    /// path names, as far as their service matters to ECS.
    #[must_use]
    pub fn new(view: &'a View<'_>) -> Self {
        let mut usage = Self { region: &view.region.region, by_service: BTreeMap::new(), by_endpoint: BTreeMap::new(), endpoints: Vec::new() };
        for path in &view.paths {
            let Some(placement) = view.placements.get(path.placement) else { continue };
            let Some(need) = placement.needs.get(path.need) else { continue };
            let using = Use { placement, need, path };
            if let (Some(vpc), None) = (placement.vpc.as_deref(), &need.region) {
                usage.by_service.entry(vpc).or_default().entry(need.service.as_str()).or_default().push(using);
            }
            let named = path.hops.iter().filter_map(|h| h.object.as_deref()).chain(path.causes.iter().map(|c| c.object.as_str()));
            for id in named.filter(|o| o.starts_with("vpce-")).collect::<BTreeSet<_>>() {
                usage.by_endpoint.entry(id).or_default().push(using);
            }
        }
        let needed: BTreeSet<&str> = usage.by_service.values().flat_map(|s| s.keys().copied()).collect();
        usage.endpoints = view
            .index
            .endpoints
            .values()
            .copied()
            .filter(|e| is_interface(e) || is_gateway(e))
            .filter(|e| usage.by_endpoint.contains_key(e.vpc_endpoint_id.as_str()) || e.vpc_id.as_ref().is_some_and(|v| view.vpcs.contains(v)))
            .filter(|e| short(e).is_some_and(|s| KNOWN.contains(&s) || needed.contains(s)))
            .collect();
        usage
    }

    /// Those who need the endpoint's service in its VPC, and those whose path names it.
    #[must_use]
    pub fn of(&self, endpoint: &VpcEndpoint) -> Vec<Use<'a>> {
        let local = match (endpoint.vpc_id.as_deref(), short(endpoint)) {
            (Some(vpc), Some(service)) if region_of(endpoint).is_none_or(|r| r == self.region) => self.need(vpc, service),
            _ => &[],
        };
        let mut all = local.to_vec();
        for using in self.by_endpoint.get(endpoint.vpc_endpoint_id.as_str()).into_iter().flatten() {
            if !all.iter().any(|u| std::ptr::eq(u.path, using.path)) {
                all.push(*using);
            }
        }
        all
    }

    /// The services that are needed in a VPC, with who needs them.
    pub fn needs(&self, vpc: &str) -> impl Iterator<Item = (&'a str, &[Use<'a>])> {
        self.by_service.get(vpc).into_iter().flatten().map(|(service, uses)| (*service, uses.as_slice()))
    }

    /// Those who need a service in a VPC.
    #[must_use]
    pub fn need(&self, vpc: &str, service: &str) -> &[Use<'a>] {
        self.by_service.get(vpc).and_then(|s| s.get(service)).map_or(&[], Vec::as_slice)
    }
}

/// The workloads behind uses; tasks of a service too where only some of them are hit.
#[must_use]
pub fn workloads(view: &View<'_>, uses: &[Use<'_>]) -> BTreeSet<String> {
    view.roster.affected(&view.placements, uses.iter().map(|u| (u.path.placement, Some(u.path.need))))
}

/// The short name of the endpoint's service.
#[must_use]
pub fn short(endpoint: &VpcEndpoint) -> Option<&str> {
    endpoint.service_name.as_deref().and_then(services::short_name)
}

/// The region that the endpoint serves, where it is said.
#[must_use]
pub fn region_of(endpoint: &VpcEndpoint) -> Option<&str> {
    endpoint.service_region.as_deref().filter(|r| !r.is_empty()).or_else(|| services::parse(endpoint.service_name.as_deref()?)?.region)
}

/// Whether the state is this one; AWS spells states in several ways.
#[must_use]
pub fn is_state(endpoint: &VpcEndpoint, state: &str) -> bool {
    endpoint.state.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(state))
}

/// Whether it has network interfaces.
#[must_use]
pub fn is_interface(endpoint: &VpcEndpoint) -> bool {
    endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("interface"))
}

/// Whether it is a route target.
#[must_use]
pub fn is_gateway(endpoint: &VpcEndpoint) -> bool {
    endpoint.vpc_endpoint_type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("gateway"))
}

/// How messages call an endpoint: `vpce-1 (ecr.api)`.
#[must_use]
pub fn title(endpoint: &VpcEndpoint) -> String {
    format!("{} ({})", endpoint.vpc_endpoint_id, short(endpoint).or(endpoint.service_name.as_deref()).unwrap_or("no service"))
}

/// Whether the endpoint's service takes policies; `None`: its listing was not seen.
#[must_use]
pub fn takes_policy(view: &View<'_>, endpoint: &VpcEndpoint) -> Option<bool> {
    view.index.service_details.get(endpoint.service_name.as_deref()?)?.vpc_endpoint_policy_supported
}

/// The policy of an available endpoint whose service is known to take policies, if it can be read and does not allow everything.
#[must_use]
pub fn narrow_policy(view: &View<'_>, endpoint: &VpcEndpoint) -> Option<Document> {
    if !is_state(endpoint, "available") || takes_policy(view, endpoint) != Some(true) {
        return None;
    }
    Document::parse(endpoint.policy_document.as_ref()?.0.as_bytes()).ok().filter(|d| !policy::is_full_access(d))
}

/// A call through an endpoint from its own VPC; `*` in the resource stands for what is not known of it.
#[must_use]
pub fn request(endpoint: &VpcEndpoint, action: &str, caller: Principal, resource: &str) -> Request {
    let kind = if is_gateway(endpoint) { EndpointType::Gateway } else { EndpointType::Interface };
    let resource = match resource {
        "*" => policy::Resource::Known("*".to_owned()),
        r if r.contains(['*', '?']) => policy::Resource::Like(vec![r.to_owned()]),
        r => policy::Resource::Known(r.to_owned()),
    };
    let known = |value: &str| ContextValue::Known(vec![value.to_owned()]);
    Request::new(action, kind)
        .principal(caller)
        .resource(resource)
        .context("aws:SourceVpce", known(&endpoint.vpc_endpoint_id))
        .context("aws:SourceVpc", endpoint.vpc_id.as_deref().map_or(ContextValue::Unknown, known))
}

/// The command that makes an endpoint like this one anew.
#[must_use]
pub fn create_again(view: &View<'_>, endpoint: &VpcEndpoint) -> String {
    let (vpc, service) = (endpoint.vpc_id.as_deref().unwrap_or_default(), endpoint.service_name.as_deref().unwrap_or_default());
    let mut command = format!("ec2 create-vpc-endpoint --vpc-id {vpc} --service-name {service}");
    let mut add = |option: &str, values: Vec<&str>| {
        if !values.is_empty() {
            command.push_str(&format!(" {option} {}", values.join(" ")));
        }
    };
    if is_gateway(endpoint) {
        add("--vpc-endpoint-type", vec!["Gateway"]);
        add("--route-table-ids", endpoint.route_table_ids.iter().map(String::as_str).collect());
    } else {
        add("--vpc-endpoint-type", vec!["Interface"]);
        add("--subnet-ids", endpoint.subnet_ids.iter().map(String::as_str).collect());
        add("--security-group-ids", endpoint.groups.iter().filter_map(|g| g.group_id.as_deref()).collect());
        add("--private-dns-enabled", vec![""]);
    }
    super::text::aws(&view.region.region, command.trim_end())
}
