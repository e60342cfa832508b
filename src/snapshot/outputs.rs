//! The table the other way: field of [`Region`] → the output that the AWS CLI would have printed.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::slots::{EventIdentity, EventRecord};
use super::whose::arn;
use super::write::Json;
use crate::actions::Action;
use crate::inventory::shape::{PolicyText, Time};
use crate::inventory::{Answer, ApiError, Keyed, Region, State, Status, ecs, iam};

/// Whether an action's answers are written. Lists of ARNs are not: descriptions are taken as all there is. The exception
/// are container instances whose short ARNs do not tell their cluster.
pub(super) fn has_file(action: Action, region: &Region) -> bool {
    match action {
        Action::ListClusters | Action::ListServices | Action::ListTasks | Action::GetCallerIdentity => false,
        Action::ListContainerInstances => region.container_instances.iter().any(|x| is_short(&x.container_instance_arn)),
        _ => true,
    }
}

/// Whether an ARN is of the old kind, `container-instance/ID`, without its cluster.
fn is_short(text: &str) -> bool {
    arn(text).is_none_or(|a| a.resource.split('/').count() < 3)
}

/// A plain output: a list under its member, in order of id.
struct Plain<'a, T> {
    member: &'static str,
    items: Vec<&'a T>,
    status: Option<&'a Status>,
    ecs: bool,
}

impl<T: Serialize> Serialize for Plain<'_, T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry(self.member, &self.items)?;
        let partial = self.status.filter(|status| status.state == State::Partial);
        if self.ecs {
            let failures = partial.into_iter().flat_map(|status| &status.ids);
            map.serialize_entry("failures", &failures.map(|id| ecs::Failure { arn: Some(id.clone()), reason: Some("NOT_COLLECTED".to_owned()), detail: None }).collect::<Vec<_>>())?;
        }
        // Also without its manifest, a folder must not pass for more than was seen.
        if partial.is_some_and(|status| !self.ecs || status.ids.is_empty()) {
            map.serialize_entry(if self.ecs { "nextToken" } else { "NextToken" }, "not collected")?;
        }
        map.end()
    }
}

/// Outputs by id, with an error in the place of each that was asked and not answered.
struct ById<'a, T, F> {
    answers: &'a Keyed<T>,
    status: Option<&'a Status>,
    output: F,
}

/// What stands in the place of an output.
#[derive(Serialize)]
struct Failed<'a> {
    #[serde(rename = "Error")]
    error: &'a ApiError,
}

impl<'a, T, O: Serialize, F: Fn(&'a T) -> O> Serialize for ById<'a, T, F> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for (id, answer) in self.answers {
            match answer {
                Answer::Output(output) => map.serialize_entry(id, &(self.output)(output))?,
                Answer::Error(error) => map.serialize_entry(id, &Failed { error })?,
            }
        }
        let error = ApiError { code: "NotCollected".to_owned(), message: self.status.and_then(|s| s.error.clone()) };
        for id in self.unanswered() {
            map.serialize_entry(id, &Failed { error: &error })?;
        }
        map.end()
    }
}

impl<'a, T, F> ById<'a, T, F> {
    fn unanswered(&self) -> impl Iterator<Item = &'a String> + '_ {
        self.status.into_iter().filter(|s| s.state == State::Partial).flat_map(|s| &s.ids).filter(|id| !self.answers.contains_key(*id))
    }
}

/// Outputs that name their subject, as a list; by id where an error needs the id, or an output would lose it.
struct Listed<'a, T, F, I> {
    by_id: ById<'a, T, F>,
    own: I,
}

impl<'a, T, O: Serialize, F: Fn(&'a T) -> O, I: Fn(&T) -> Option<String>> Serialize for Listed<'a, T, F, I> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let named = self.by_id.answers.iter().all(|(id, answer)| answer.output().and_then(&self.own).as_ref() == Some(id));
        if !named || self.by_id.unanswered().next().is_some() {
            return self.by_id.serialize(s);
        }
        let mut list = s.serialize_seq(None)?;
        for output in self.by_id.answers.values().filter_map(Answer::output) {
            list.serialize_element(&(self.by_id.output)(output))?;
        }
        list.end()
    }
}

/// An object under its member.
struct Member<T>(&'static str, T);

impl<T: Serialize> Serialize for Member<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

/// An IAM policy as the CLI prints it, an object, if nothing of its text is lost by that.
fn document(text: &PolicyText) -> serde_json::Value {
    match serde_json::from_str::<serde_json::Value>(&text.0) {
        Ok(value) if serde_json::to_string(&value).is_ok_and(|compact| compact == text.0) => value,
        _ => serde_json::Value::String(text.0.clone()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RolePolicyOutput {
    role_name: Option<String>,
    policy_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_document: Option<serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyVersionOutput {
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventOutput<'a> {
    event_id: &'a Option<String>,
    event_name: &'a Option<String>,
    event_time: &'a Option<Time>,
    event_source: &'a Option<String>,
    username: &'a Option<String>,
    cloud_trail_event: String,
}

impl<'a> EventOutput<'a> {
    fn of(event: &'a iam::CloudTrailEvent) -> serde_json::Result<Self> {
        let record =
            EventRecord { vpc_endpoint_id: event.vpc_endpoint_id.clone(), error_code: event.error_code.clone(), user_identity: event.source_arn.clone().map(|arn| EventIdentity { arn: Some(arn) }) };
        Ok(Self {
            event_id: &event.event_id,
            event_name: &event.event_name,
            event_time: &event.event_time,
            event_source: &event.event_source,
            username: &event.username,
            cloud_trail_event: serde_json::to_string(&record)?,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ServicesOutput<'a> {
    service_names: &'a [String],
    service_details: Vec<&'a crate::inventory::ec2::ServiceDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'static str>,
}

fn sorted<'a, T, K: Ord>(items: &'a [T], id: impl Fn(&'a T) -> K) -> Vec<&'a T> {
    let mut items: Vec<&T> = items.iter().collect();
    items.sort_by_key(|item| id(item));
    items
}

/// Writes one action's answers.
///
/// # Errors
/// Those of the file.
pub(super) fn write(action: Action, region: &Region, json: &mut Json<'_>) -> serde_json::Result<()> {
    use Action as A;
    let r = region;
    let status = r.completeness.0.get(&action);
    macro_rules! plain {
        ($member:literal, $field:ident, $id:expr) => {
            Plain { member: $member, items: sorted(&r.$field, $id), status, ecs: false }.serialize(json).map(drop)
        };
    }
    macro_rules! ecs {
        ($member:literal, $field:ident, $id:ident) => {
            Plain { member: $member, items: sorted(&r.$field, |x| &x.$id), status, ecs: true }.serialize(json).map(drop)
        };
    }
    macro_rules! by_id {
        ($field:ident) => {
            ById { answers: &r.$field, status, output: |x| x }.serialize(json).map(drop)
        };
        ($field:ident, $output:expr) => {
            ById { answers: &r.$field, status, output: $output }.serialize(json).map(drop)
        };
    }
    macro_rules! listed {
        ($field:ident, $output:expr, $own:expr) => {
            Listed { by_id: ById { answers: &r.$field, status, output: $output }, own: $own }.serialize(json).map(drop)
        };
    }
    match action {
        A::DescribeVpcs => plain!("Vpcs", vpcs, |x| &x.vpc_id),
        A::DescribeVpcAttribute => {
            let answers: Keyed<_> = r.vpc_attributes.iter().map(|x| (x.vpc_id.clone(), Answer::Output(x.clone()))).collect();
            Listed { by_id: ById { answers: &answers, status, output: |x| x }, own: |x: &crate::inventory::ec2::VpcAttribute| Some(x.vpc_id.clone()) }.serialize(json).map(drop)
        }
        A::DescribeDhcpOptions => plain!("DhcpOptions", dhcp_options, |x| &x.dhcp_options_id),
        A::DescribeSubnets => plain!("Subnets", subnets, |x| &x.subnet_id),
        A::DescribeRouteTables => plain!("RouteTables", route_tables, |x| &x.route_table_id),
        A::DescribeNetworkAcls => plain!("NetworkAcls", network_acls, |x| &x.network_acl_id),
        A::DescribeSecurityGroups => plain!("SecurityGroups", security_groups, |x| &x.group_id),
        A::DescribeSecurityGroupVpcAssociations => plain!("SecurityGroupVpcAssociations", security_group_vpc_associations, |x| (&x.group_id, &x.vpc_id)),
        A::DescribeVpcEndpoints => plain!("VpcEndpoints", vpc_endpoints, |x| &x.vpc_endpoint_id),
        A::DescribeVpcEndpointServices => write_services(r, status, json),
        A::DescribeNetworkInterfaces => plain!("NetworkInterfaces", network_interfaces, |x| &x.network_interface_id),
        A::DescribeInstances => {
            let instances = Member("Instances", sorted(&r.instances, |x| &x.instance_id));
            let reservations = if r.instances.is_empty() { vec![] } else { vec![&instances] };
            Plain { member: "Reservations", items: reservations, status, ecs: false }.serialize(json).map(drop)
        }
        A::DescribeNatGateways => plain!("NatGateways", nat_gateways, |x| &x.nat_gateway_id),
        A::DescribeInternetGateways => plain!("InternetGateways", internet_gateways, |x| &x.internet_gateway_id),
        A::DescribeEgressOnlyInternetGateways => plain!("EgressOnlyInternetGateways", egress_only_internet_gateways, |x| &x.egress_only_internet_gateway_id),
        A::DescribeManagedPrefixLists => plain!("PrefixLists", managed_prefix_lists, |x| &x.prefix_list_id),
        A::GetManagedPrefixListEntries => by_id!(prefix_list_entries),
        A::DescribePrefixLists => plain!("PrefixLists", prefix_lists, |x| &x.prefix_list_id),
        A::DescribeVpcPeeringConnections => plain!("VpcPeeringConnections", vpc_peering_connections, |x| &x.vpc_peering_connection_id),
        A::DescribeTransitGatewayVpcAttachments => plain!("TransitGatewayVpcAttachments", transit_gateway_vpc_attachments, |x| &x.transit_gateway_attachment_id),
        A::DescribeTransitGatewayAttachments => plain!("TransitGatewayAttachments", transit_gateway_attachments, |x| &x.transit_gateway_attachment_id),
        A::GetTransitGatewayRouteTableAssociations => by_id!(transit_gateway_associations),
        A::SearchTransitGatewayRoutes => by_id!(transit_gateway_routes),
        A::DescribeVpcBlockPublicAccessOptions => Member("VpcBlockPublicAccessOptions", &r.block_public_access_options).serialize(json).map(drop),
        A::DescribeVpcBlockPublicAccessExclusions => plain!("VpcBlockPublicAccessExclusions", block_public_access_exclusions, |x| &x.exclusion_id),
        A::DescribeClusters => ecs!("clusters", clusters, cluster_arn),
        A::ListContainerInstances => write_instance_lists(r, json),
        A::DescribeContainerInstances => ecs!("containerInstances", container_instances, container_instance_arn),
        A::DescribeServices => ecs!("services", services, service_arn),
        A::DescribeTasks => ecs!("tasks", tasks, task_arn),
        A::DescribeTaskDefinition => listed!(task_definitions, |x| Member("taskDefinition", x), |x: &ecs::TaskDefinition| Some(x.task_definition_arn.clone())),
        A::DescribeCapacityProviders => ecs!("capacityProviders", capacity_providers, capacity_provider_arn),
        A::DescribeTaskSets => ecs!("taskSets", task_sets, task_set_arn),
        A::DescribeServiceRevisions => ecs!("serviceRevisions", service_revisions, service_revision_arn),
        A::ListAccountSettings => plain!("settings", account_settings, |x| (&x.name, &x.principal_arn)),
        A::ListHostedZonesByVpc => by_id!(hosted_zones),
        A::ListResourceRecordSets => by_id!(record_sets),
        A::ListResolverRules => plain!("ResolverRules", resolver_rules, |x| &x.id),
        A::ListResolverRuleAssociations => plain!("ResolverRuleAssociations", resolver_rule_associations, |x| (&x.id, &x.vpc_id)),
        A::ListResolverEndpoints => plain!("ResolverEndpoints", resolver_endpoints, |x| &x.id),
        A::ListResolverEndpointIpAddresses => by_id!(resolver_endpoint_addresses),
        A::ListFirewallRuleGroupAssociations => plain!("FirewallRuleGroupAssociations", firewall_associations, |x| (&x.id, &x.vpc_id)),
        A::ListFirewallRules => by_id!(firewall_rules),
        A::ListFirewallDomainLists => plain!("FirewallDomainLists", firewall_domain_lists, |x| &x.id),
        A::ListFirewallDomains => by_id!(firewall_domains),
        A::ListFirewallConfigs => plain!("FirewallConfigs", firewall_configs, |x| &x.resource_id),
        A::ListProfileAssociations => plain!("ProfileAssociations", profile_associations, |x| (&x.id, &x.resource_id)),
        A::GetInstanceProfile => listed!(instance_profiles, |x| Member("InstanceProfile", x), |x: &iam::InstanceProfile| x.instance_profile_name.clone()),
        A::GetRole => listed!(roles, |x| Member("Role", x), |x: &iam::Role| Some(x.role_name.clone())),
        A::ListAttachedRolePolicies => by_id!(attached_role_policies),
        A::ListRolePolicies => by_id!(role_policy_names),
        A::GetRolePolicy => {
            let output = |x: &'_ iam::RolePolicy| RolePolicyOutput { role_name: x.role_name.clone(), policy_name: x.policy_name.clone(), policy_document: x.policy_document.as_ref().map(document) };
            listed!(role_policies, output, |x: &iam::RolePolicy| Some(format!("{}:{}", x.role_name.as_deref()?, x.policy_name.as_deref()?)))
        }
        A::GetPolicy => listed!(policies, |x| Member("Policy", x), |x: &iam::Policy| x.arn.clone()),
        A::GetPolicyVersion => {
            by_id!(policy_versions, |x: &iam::PolicyVersion| Member("PolicyVersion", PolicyVersionOutput { version_id: x.version_id.clone(), document: x.document.as_ref().map(document) }))
        }
        A::DescribePullThroughCacheRules => plain!("pullThroughCacheRules", pull_through_cache_rules, |x| &x.ecr_repository_prefix),
        A::DescribeImages => by_id!(repository_images),
        A::ListDetectors => plain!("DetectorIds", detector_ids, |x| x),
        A::GetDetector => by_id!(detectors),
        A::LookupEvents => {
            let events = sorted(&r.cloudtrail_events, |x| (x.event_time, &x.event_id)).into_iter().map(EventOutput::of).collect::<Result<Vec<_>, _>>()?;
            Plain { member: "Events", items: events.iter().collect(), status, ecs: false }.serialize(json).map(drop)
        }
        A::ListClusters | A::ListServices | A::ListTasks | A::GetCallerIdentity => Ok(()),
    }
}

/// Names and details.
fn write_services(r: &Region, status: Option<&Status>, json: &mut Json<'_>) -> serde_json::Result<()> {
    let output = ServicesOutput {
        service_names: &r.service_names,
        service_details: sorted(&r.service_details, |x| &x.service_name),
        next_token: status.is_some_and(|s| s.state == State::Partial).then_some("not collected"),
    };
    output.serialize(json).map(drop)
}

/// The answer about the name of a service that AWS does not know, as it stands in a file of its own.
///
/// # Errors
/// Those of the file.
pub(super) fn write_invalid_service(name: &str, json: &mut Json<'_>) -> serde_json::Result<()> {
    let error = ApiError { code: "InvalidServiceName".to_owned(), message: Some(format!("The Vpc Endpoint Service '{name}' does not exist")) };
    Failed { error: &error }.serialize(json).map(drop)
}

/// Container instances by cluster, for ARNs that do not tell it.
fn write_instance_lists(r: &Region, json: &mut Json<'_>) -> serde_json::Result<()> {
    let mut by_cluster: BTreeMap<&str, BTreeSet<&str>> = r.clusters.iter().map(|c| (c.cluster_arn.as_str(), BTreeSet::new())).collect();
    for instance in &r.container_instances {
        if let Some(cluster) = &instance.cluster_arn {
            by_cluster.entry(cluster).or_default().insert(&instance.container_instance_arn);
        }
    }
    let lists: BTreeMap<&str, Member<BTreeSet<&str>>> = by_cluster.into_iter().map(|(cluster, arns)| (cluster, Member("containerInstanceArns", arns))).collect();
    lists.serialize(json).map(drop)
}
