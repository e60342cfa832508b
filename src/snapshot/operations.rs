//! The table: operation → form of its files → field of [`Region`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::error::{SnapshotError, in_words};
use super::read::{Document, Form, Items, One, Output, Slot, document};
use super::slots::{ArnsSlot, AttributeSlot, DetectorSlot, EventLine, IdentitySlot, RolePolicySlot, ServicesSlot, TaskDefinitionSlot};
use crate::actions::Action;
use crate::inventory::dns::{FirewallDomains, FirewallRules, HostedZonesByVpc, ResolverEndpointIpAddresses, ResourceRecordSets};
use crate::inventory::ec2::{PrefixListEntries, TransitGatewayAssociations, TransitGatewayRoutes};
use crate::inventory::iam::{AttachedRolePolicies, RolePolicies};
use crate::inventory::{Answer, ApiError, Keyed, Region, State, Status, ec2, ecs, iam};

/// A file of an operation and the part of its name between operation and `.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    pub path: PathBuf,
    pub tail: Option<String>,
}

/// The cluster that a list was asked for, as key or file name give it, and the ARNs in it.
pub(super) type List = (Option<String>, Vec<String>);

/// What files tell beyond the fields of [`Region`].
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The manifest says that the account is not known.
    pub account_unknown: bool,
    /// From GetCallerIdentity.
    pub identity: Option<IdentitySlot>,
    /// What the answers of `ecs list-*` hold.
    pub lists: BTreeMap<Action, Vec<List>>,
    /// Cluster of what a list names, as its key or file name give it.
    pub listed: BTreeMap<String, String>,
    /// Cluster of what an ECS describe answered, as key or file name give it.
    pub clusters: BTreeMap<String, String>,
}

/// How an operation was answered, over all its files.
#[derive(Debug, Default)]
struct Tally {
    answers: usize,
    errors: BTreeSet<String>,
    ids: BTreeSet<String>,
}

impl Tally {
    fn fault(&mut self, id: Option<&String>, text: String) {
        self.errors.insert(text);
        self.ids.extend(id.cloned());
    }

    fn part<S>(&mut self, output: &Output<S>, id: Option<&String>) {
        if let Some(member) = output.more {
            self.fault(id, format!("cut short: `{member}` says that there is more than was recorded"));
        }
        for failure in &output.failures {
            let id = failure.arn.clone().unwrap_or_default();
            self.fault(Some(&id), format!("failures: {id} {}", failure.reason.as_deref().unwrap_or("without a reason")));
        }
    }

    fn status(self) -> Status {
        if self.errors.is_empty() {
            return Status::complete();
        }
        let error = self.errors.into_iter().collect::<Vec<_>>().join("; ");
        let state = if self.answers == 0 { State::Missing } else { State::Partial };
        Status { ids: self.ids, ..Status::of(state, error) }
    }
}

/// An error's code and message without request id.
fn text_of(error: &ApiError) -> String {
    let text = error.text();
    match text.to_lowercase().find("request id").or_else(|| text.to_lowercase().find("requestid")) {
        Some(at) => text.get(..at).unwrap_or_default().trim_end_matches([' ', '(', '[', ',', ';', ':', '.']).to_owned(),
        None => text,
    }
}

fn each_document<S: Slot, F: Fn() -> S + Copy>(files: &[Recorded], form: Form<F>, mut take: impl FnMut(&Recorded, Document<S>) -> Result<(), SnapshotError>) -> Result<(), SnapshotError> {
    for file in files {
        take(file, document(&file.path, file.tail.as_deref(), form)?)?;
    }
    Ok(())
}

fn form<F>(make: F) -> Form<F> {
    Form { make, wrapper: None, id_member: None }
}

/// Plain outputs; several are merged.
fn plain<S: Slot, F: Fn() -> S + Copy>(files: &[Recorded], member: &str, make: F, mut each: impl FnMut(S, Option<String>)) -> Result<Tally, SnapshotError> {
    let mut tally = Tally::default();
    each_document(files, form(make), |file, document| {
        if document.list && !document.outputs.iter().any(|o| o.present || o.error.is_some()) {
            return Err(SnapshotError::malformed(&file.path, format!("is a list, where the AWS CLI prints an object with `{member}`; record it again without `--query`")));
        }
        for output in document.outputs {
            if let Some(error) = &output.error {
                tally.fault(None, text_of(error));
            } else if output.present {
                tally.answers += 1;
                tally.part(&output, None);
                each(output.slot, output.id);
            } else {
                tally.fault(None, format!("malformed answer: no `{member}` in it"));
            }
        }
        Ok(())
    })?;
    Ok(tally)
}

/// A plain list.
fn list<T: DeserializeOwned>(files: &[Recorded], member: &'static str, into: &mut Vec<T>) -> Result<Tally, SnapshotError> {
    plain(
        files,
        member,
        || Items::of(member),
        |slot, _| {
            if into.is_empty() {
                *into = slot.items;
            } else {
                into.extend(slot.items);
            }
        },
    )
}

/// A plain list of ECS, whose file may tell the cluster.
fn of_cluster<T: DeserializeOwned>(files: &[Recorded], member: &'static str, into: &mut Vec<T>, arn: impl Fn(&T) -> &str, clusters: &mut BTreeMap<String, String>) -> Result<Tally, SnapshotError> {
    plain(
        files,
        member,
        || Items::of(member),
        |slot, id| {
            if let Some(id) = id {
                clusters.extend(slot.items.iter().map(|item| (arn(item).to_owned(), id.clone())));
            }
            into.extend(slot.items);
        },
    )
}

/// Outputs by the id of their subject. `own` tells the id out of the output; `id` brings it into one spelling.
fn keyed<S: Slot, F: Fn() -> S + Copy>(
    files: &[Recorded],
    subject: &str,
    form: Form<F>,
    own: impl Fn(&S) -> Option<String>,
    id: impl Fn(&str) -> String,
    mut each: impl FnMut(String, Answer<S>, bool) -> Result<(), String>,
) -> Result<Tally, SnapshotError> {
    let mut tally = Tally::default();
    each_document(files, form, |file, document| {
        if document.empty {
            tally.answers += 1;
        }
        for mut output in document.outputs {
            if document.empty {
                continue;
            }
            let key = own(&output.slot).or(output.id.take()).map(|key| id(&key));
            if let Some(error) = output.error.take() {
                if let (true, Some(key)) = (error.is_answer(), &key) {
                    tally.answers += 1;
                    each(key.clone(), Answer::Error(error), false).map_err(|reason| SnapshotError::malformed(&file.path, reason))?;
                } else {
                    tally.fault(key.as_ref(), text_of(&error));
                }
                continue;
            }
            if !output.present {
                tally.fault(key.as_ref(), "malformed answer: no result in it".to_owned());
                continue;
            }
            let Some(key) = key else {
                return Err(SnapshotError::malformed(
                    &file.path,
                    format!("does not tell the {subject} it is about; write `{{\"<{subject}>\": output}}`, or put the {subject} into the file's name before `.json`"),
                ));
            };
            tally.answers += 1;
            tally.part(&output, Some(&key));
            each(key, Answer::Output(output.slot), output.more.is_some()).map_err(|reason| SnapshotError::malformed(&file.path, reason))?;
        }
        Ok(())
    })?;
    Ok(tally)
}

/// Puts an answer under its id. Outputs of one id are merged, and an output wins over an error.
fn put<T>(map: &mut Keyed<T>, key: String, answer: Answer<T>, merge: impl FnOnce(&mut T, T)) {
    match (map.get_mut(&key), answer) {
        (Some(Answer::Output(old)), Answer::Output(new)) => merge(old, new),
        (Some(Answer::Output(_)), Answer::Error(_)) => {}
        (_, answer) => {
            map.insert(key, answer);
        }
    }
}

/// Keyed outputs with one list, and where the type has one, a flag that there is more.
macro_rules! by_id {
    ($files:expr, $subject:literal, $member:literal => $map:expr, $ty:ident { $list:ident $(, $flag:ident = $mark:expr)? }) => {
        by_id!($files, $subject, form(|| Items::of($member)) => $map, $ty { $list $(, $flag = $mark)? })
    };
    ($files:expr, $subject:literal, $form:expr => $map:expr, $ty:ident { $list:ident $(, $flag:ident = $mark:expr)? }) => {
        keyed($files, $subject, $form, |_| None, last_part, |key, answer, more| {
            let _ = more;
            put(&mut $map, key, answer.map(|slot| $ty { $list: slot.items, $($flag: more.then(|| $mark),)? }), |old, new| {
                old.$list.extend(new.$list);
                $(old.$flag = old.$flag.take().or(new.$flag);)?
            });
            Ok(())
        })
    };
}

/// The id itself: `/hostedzone/Z1` → `Z1`, a role's ARN or path → its name. ARNs that are ids stay whole.
fn last_part(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_owned()
}

fn whole(id: &str) -> String {
    id.to_owned()
}

/// Reads all files of one action into the region.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn load(action: Action, files: &[Recorded], region: &mut Region, facts: &mut Facts) -> Result<Status, SnapshotError> {
    use Action as A;
    let r = region;
    let tally = match action {
        A::DescribeVpcs => list(files, "Vpcs", &mut r.vpcs)?,
        A::DescribeVpcAttribute => attributes(files, r)?,
        A::DescribeDhcpOptions => list(files, "DhcpOptions", &mut r.dhcp_options)?,
        A::DescribeSubnets => list(files, "Subnets", &mut r.subnets)?,
        A::DescribeRouteTables => list(files, "RouteTables", &mut r.route_tables)?,
        A::DescribeNetworkAcls => list(files, "NetworkAcls", &mut r.network_acls)?,
        A::DescribeSecurityGroups => list(files, "SecurityGroups", &mut r.security_groups)?,
        A::DescribeSecurityGroupVpcAssociations => list(files, "SecurityGroupVpcAssociations", &mut r.security_group_vpc_associations)?,
        A::DescribeVpcEndpoints => list(files, "VpcEndpoints", &mut r.vpc_endpoints)?,
        A::DescribeVpcEndpointServices => services(files, r)?,
        A::DescribeNetworkInterfaces => list(files, "NetworkInterfaces", &mut r.network_interfaces)?,
        A::DescribeInstances => {
            let mut reservations: Vec<ec2::Reservation> = Vec::new();
            let tally = list(files, "Reservations", &mut reservations)?;
            r.instances.extend(reservations.into_iter().flat_map(|x| x.instances));
            tally
        }
        A::DescribeNatGateways => list(files, "NatGateways", &mut r.nat_gateways)?,
        A::DescribeInternetGateways => list(files, "InternetGateways", &mut r.internet_gateways)?,
        A::DescribeEgressOnlyInternetGateways => list(files, "EgressOnlyInternetGateways", &mut r.egress_only_internet_gateways)?,
        A::DescribeManagedPrefixLists => list(files, "PrefixLists", &mut r.managed_prefix_lists)?,
        A::GetManagedPrefixListEntries => {
            let form = Form { make: || Items::of("Entries"), wrapper: Some("PrefixLists"), id_member: Some("PrefixListId") };
            by_id!(files, "prefix list", form => r.prefix_list_entries, PrefixListEntries { entries })?
        }
        A::DescribePrefixLists => list(files, "PrefixLists", &mut r.prefix_lists)?,
        A::DescribeVpcPeeringConnections => list(files, "VpcPeeringConnections", &mut r.vpc_peering_connections)?,
        A::DescribeTransitGatewayVpcAttachments => list(files, "TransitGatewayVpcAttachments", &mut r.transit_gateway_vpc_attachments)?,
        A::DescribeTransitGatewayAttachments => list(files, "TransitGatewayAttachments", &mut r.transit_gateway_attachments)?,
        A::GetTransitGatewayRouteTableAssociations => by_id!(files, "transit gateway route table", "Associations" => r.transit_gateway_associations, TransitGatewayAssociations { associations })?,
        A::SearchTransitGatewayRoutes => by_id!(files, "transit gateway route table", "Routes" => r.transit_gateway_routes, TransitGatewayRoutes { routes, additional_routes_available = true })?,
        A::DescribeVpcBlockPublicAccessOptions => plain(files, "VpcBlockPublicAccessOptions", || One::of("VpcBlockPublicAccessOptions"), |slot, _| r.block_public_access_options = slot.value)?,
        A::DescribeVpcBlockPublicAccessExclusions => list(files, "VpcBlockPublicAccessExclusions", &mut r.block_public_access_exclusions)?,
        A::ListClusters => arns(action, files, "clusterArns", facts)?,
        A::ListContainerInstances => arns(action, files, "containerInstanceArns", facts)?,
        A::ListServices => arns(action, files, "serviceArns", facts)?,
        A::ListTasks => arns(action, files, "taskArns", facts)?,
        A::DescribeClusters => list(files, "clusters", &mut r.clusters)?,
        A::DescribeContainerInstances => of_cluster(files, "containerInstances", &mut r.container_instances, |x| &x.container_instance_arn, &mut facts.clusters)?,
        A::DescribeServices => of_cluster(files, "services", &mut r.services, |x| &x.service_arn, &mut facts.clusters)?,
        A::DescribeTasks => of_cluster(files, "tasks", &mut r.tasks, |x| &x.task_arn, &mut facts.clusters)?,
        A::DescribeTaskDefinition => task_definitions(files, r)?,
        A::DescribeCapacityProviders => list(files, "capacityProviders", &mut r.capacity_providers)?,
        A::DescribeTaskSets => list(files, "taskSets", &mut r.task_sets)?,
        A::DescribeServiceRevisions => list(files, "serviceRevisions", &mut r.service_revisions)?,
        A::ListAccountSettings => list(files, "settings", &mut r.account_settings)?,
        A::ListHostedZonesByVpc => {
            let only = if let [vpc] = r.vpcs.as_slice() { Some(vpc.vpc_id.clone()) } else { None };
            let files: Vec<Recorded> = files.iter().map(|f| Recorded { path: f.path.clone(), tail: f.tail.clone().or_else(|| only.clone()) }).collect();
            by_id!(&files, "VPC", "HostedZoneSummaries" => r.hosted_zones, HostedZonesByVpc { hosted_zone_summaries, next_token = token() })?
        }
        A::ListResourceRecordSets => by_id!(files, "hosted zone", "ResourceRecordSets" => r.record_sets, ResourceRecordSets { resource_record_sets, is_truncated = true })?,
        A::ListResolverRules => list(files, "ResolverRules", &mut r.resolver_rules)?,
        A::ListResolverRuleAssociations => list(files, "ResolverRuleAssociations", &mut r.resolver_rule_associations)?,
        A::ListResolverEndpoints => list(files, "ResolverEndpoints", &mut r.resolver_endpoints)?,
        A::ListResolverEndpointIpAddresses => by_id!(files, "Resolver endpoint", "IpAddresses" => r.resolver_endpoint_addresses, ResolverEndpointIpAddresses { ip_addresses, next_token = token() })?,
        A::ListFirewallRuleGroupAssociations => list(files, "FirewallRuleGroupAssociations", &mut r.firewall_associations)?,
        A::ListFirewallRules => by_id!(files, "rule group", "FirewallRules" => r.firewall_rules, FirewallRules { firewall_rules, next_token = token() })?,
        A::ListFirewallDomainLists => list(files, "FirewallDomainLists", &mut r.firewall_domain_lists)?,
        A::ListFirewallDomains => by_id!(files, "domain list", "Domains" => r.firewall_domains, FirewallDomains { domains, next_token = token() })?,
        A::ListFirewallConfigs => list(files, "FirewallConfigs", &mut r.firewall_configs)?,
        A::ListProfileAssociations => list(files, "ProfileAssociations", &mut r.profile_associations)?,
        A::GetInstanceProfile => one(files, "instance profile", "InstanceProfile", &mut r.instance_profiles, |p: &iam::InstanceProfile| p.instance_profile_name.clone(), last_part)?,
        A::GetRole => one(files, "role", "Role", &mut r.roles, |role: &iam::Role| Some(role.role_name.clone()), last_part)?,
        A::ListAttachedRolePolicies => by_id!(files, "role", "AttachedPolicies" => r.attached_role_policies, AttachedRolePolicies { attached_policies, is_truncated = true })?,
        A::ListRolePolicies => by_id!(files, "role", "PolicyNames" => r.role_policy_names, RolePolicies { policy_names, is_truncated = true })?,
        A::GetRolePolicy => role_policies(files, r)?,
        A::GetPolicy => one(files, "policy ARN", "Policy", &mut r.policies, |p: &iam::Policy| p.arn.clone(), whole)?,
        A::GetPolicyVersion => one(files, "policy ARN and version", "PolicyVersion", &mut r.policy_versions, |_: &iam::PolicyVersion| None, whole)?,
        A::DescribePullThroughCacheRules => list(files, "pullThroughCacheRules", &mut r.pull_through_cache_rules)?,
        A::DescribeImages => {
            let own = |slot: &Items<iam::ImageDetail>| slot.items.first().and_then(|image| image.repository_name.clone());
            keyed(files, "repository", form(|| Items::of("imageDetails")), own, whole, |key, answer, _| {
                put(&mut r.repository_images, key, answer.map(|slot| iam::RepositoryImages { image_details: slot.items }), |old, new| old.image_details.extend(new.image_details));
                Ok(())
            })?
        }
        A::ListDetectors => list(files, "DetectorIds", &mut r.detector_ids)?,
        A::GetDetector => keyed(
            files,
            "detector",
            form(DetectorSlot::default),
            |_| None,
            whole,
            |key, answer, _| {
                put(&mut r.detectors, key, answer.map(|slot| slot.0), |old, new| *old = new);
                Ok(())
            },
        )?,
        A::LookupEvents => {
            let mut lines: Vec<EventLine> = Vec::new();
            let tally = list(files, "Events", &mut lines)?;
            r.cloudtrail_events.extend(lines.into_iter().map(iam::CloudTrailEvent::from));
            tally
        }
        A::GetCallerIdentity => plain(files, "Account", IdentitySlot::default, |slot, _| facts.identity = Some(slot))?,
    };
    Ok(tally.status())
}

/// A page token where one was: its value says nothing.
fn token() -> String {
    "more".to_owned()
}

/// Outputs of one object each, which may tell their own id.
fn one<T: DeserializeOwned>(
    files: &[Recorded],
    subject: &str,
    member: &'static str,
    into: &mut Keyed<T>,
    own: impl Fn(&T) -> Option<String>,
    id: impl Fn(&str) -> String,
) -> Result<Tally, SnapshotError> {
    keyed(
        files,
        subject,
        form(|| One::of(member)),
        |slot: &One<T>| slot.value.as_ref().and_then(&own),
        id,
        |key, answer, _| {
            let answer = match answer {
                Answer::Output(slot) => Answer::Output(slot.value.ok_or_else(|| format!("{key}: `{member}` is null"))?),
                Answer::Error(error) => Answer::Error(error),
            };
            put(into, key, answer, |old, new| *old = new);
            Ok(())
        },
    )
}

/// DescribeVpcAttribute: any mix of attributes, merged by VPC.
fn attributes(files: &[Recorded], region: &mut Region) -> Result<Tally, SnapshotError> {
    let mut by_vpc: BTreeMap<String, ec2::VpcAttribute> = BTreeMap::new();
    let form = Form { make: AttributeSlot::default, wrapper: Some("VpcAttributes"), id_member: None };
    // A file's name may say VPC and attribute: ec2.describe-vpc-attribute.vpc-1.enableDnsSupport.json.
    let id = |id: &str| id.split('.').find(|part| part.starts_with("vpc-")).unwrap_or(id).to_owned();
    let tally = keyed(
        files,
        "VPC",
        form,
        |slot| slot.vpc.clone(),
        id,
        |vpc, answer, _| {
            if let Answer::Output(slot) = answer {
                let entry = by_vpc.entry(vpc.clone()).or_insert_with(|| ec2::VpcAttribute { vpc_id: vpc, ..Default::default() });
                entry.enable_dns_support = slot.support.or(entry.enable_dns_support.take());
                entry.enable_dns_hostnames = slot.hostnames.or(entry.enable_dns_hostnames.take());
            }
            Ok(())
        },
    )?;
    region.vpc_attributes = by_vpc.into_values().collect();
    Ok(tally)
}

/// DescribeVpcEndpointServices: names that are offered, and names that AWS does not know.
fn services(files: &[Recorded], region: &mut Region) -> Result<Tally, SnapshotError> {
    let mut tally = Tally::default();
    each_document(files, form(ServicesSlot::default), |file, document| {
        if document.list && !document.outputs.iter().any(|o| o.present || o.error.is_some()) {
            return Err(SnapshotError::malformed(&file.path, "is a list, where the AWS CLI prints an object with `ServiceNames` and `ServiceDetails`"));
        }
        for output in document.outputs {
            match &output.error {
                Some(error) if error.code == "InvalidServiceName" => {
                    let named: Vec<String> = output.id.iter().filter(|id| is_service_name(id)).cloned().chain(service_names_in(error.message.as_deref().unwrap_or_default())).collect();
                    if named.is_empty() {
                        tally.fault(None, text_of(error));
                    } else {
                        tally.answers += 1;
                        region.invalid_service_names.extend(named);
                    }
                }
                Some(error) => tally.fault(None, text_of(error)),
                None if output.present => {
                    tally.answers += 1;
                    tally.part(&output, None);
                    let ServicesSlot { names, details } = output.slot;
                    region.service_names.extend(names.unwrap_or_else(|| details.iter().map(|d| d.service_name.clone()).collect()));
                    region.service_details.extend(details);
                }
                None => tally.fault(None, "malformed answer: neither `ServiceNames` nor `ServiceDetails` in it".to_owned()),
            }
        }
        Ok(())
    })?;
    region.service_names.sort();
    region.service_names.dedup();
    region.service_listing_full = tally.errors.is_empty() && looks_full(&region.service_names);
    Ok(tally)
}

/// Whether names look like the listing of a whole region, and not like an answer to a question about some services: every
/// region has both gateway services, and nobody asks for DynamoDB to learn of ECS. Absence from what is not full proves nothing.
fn looks_full(names: &[String]) -> bool {
    let has = |service: &str| names.iter().any(|name| name.rsplit('.').next() == Some(service));
    has("s3") && has("dynamodb") && names.len() >= 10
}

/// Whether text is the name of an endpoint service, and so fit for a file's name.
pub(super) fn is_service_name(text: &str) -> bool {
    text.contains("amazonaws.") && text.split('.').count() >= 4 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_')
}

fn service_names_in(message: &str) -> impl Iterator<Item = String> + '_ {
    message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_')).map(|word| word.trim_end_matches('.')).filter(|word| is_service_name(word)).map(str::to_owned)
}

/// An `ecs list-*`.
fn arns(action: Action, files: &[Recorded], member: &'static str, facts: &mut Facts) -> Result<Tally, SnapshotError> {
    let lists = facts.lists.entry(action).or_default();
    let mut tally = Tally::default();
    each_document(files, form(|| ArnsSlot::of(member)), |_, document| {
        if document.empty {
            tally.answers += 1;
        }
        for output in document.outputs {
            if let Some(error) = &output.error {
                tally.fault(output.id.as_ref(), text_of(error));
            } else if output.present {
                tally.answers += 1;
                tally.part(&output, output.id.as_ref());
                let Output { slot, id, .. } = output;
                if let Some(cluster) = &id {
                    facts.listed.extend(slot.arns.iter().map(|arn| (arn.clone(), cluster.clone())));
                }
                for (cluster, arns) in slot.by_cluster {
                    facts.listed.extend(arns.into_iter().map(|arn| (arn, cluster.clone())));
                }
                lists.push((id, slot.arns));
            } else if !document.empty {
                tally.fault(output.id.as_ref(), format!("malformed answer: no `{member}` in it"));
            }
        }
        Ok(())
    })?;
    Ok(tally)
}

/// DescribeTaskDefinition, by ARN.
fn task_definitions(files: &[Recorded], region: &mut Region) -> Result<Tally, SnapshotError> {
    let form = Form { make: TaskDefinitionSlot::default, wrapper: Some("taskDefinitions"), id_member: None };
    let own = |slot: &TaskDefinitionSlot| match &slot.value {
        Some(definition) => Some(definition.task_definition_arn.clone()),
        None => slot.bare.get("taskDefinitionArn").and_then(|arn| arn.as_str()).map(str::to_owned),
    };
    keyed(files, "task definition", form, own, whole, |key, answer, _| {
        let answer = match answer {
            Answer::Error(error) => Answer::Error(error),
            Answer::Output(TaskDefinitionSlot { value: Some(definition), .. }) => Answer::Output(definition),
            Answer::Output(TaskDefinitionSlot { value: None, bare }) => {
                let value = serde_json::Value::Object(bare);
                Answer::Output(serde_path_to_error::deserialize(value).map_err(|e| format!("{key}: {}: {}", e.path(), in_words(&e.inner().to_string())))?)
            }
        };
        put(&mut region.task_definitions, key, answer, |old, new: ecs::TaskDefinition| *old = new);
        Ok(())
    })
}

/// GetRolePolicy, by `role:policy`.
fn role_policies(files: &[Recorded], region: &mut Region) -> Result<Tally, SnapshotError> {
    let own = |slot: &RolePolicySlot| Some(format!("{}:{}", slot.0.role_name.as_deref()?, slot.0.policy_name.as_deref()?));
    keyed(files, "role:policy", form(RolePolicySlot::default), own, last_part, |key, answer, _| {
        let mut answer = answer.map(|slot| slot.0);
        if let (Answer::Output(policy), Some((role, name))) = (&mut answer, key.split_once(':')) {
            policy.role_name.get_or_insert_with(|| role.to_owned());
            policy.policy_name.get_or_insert_with(|| name.to_owned());
        }
        put(&mut region.role_policies, key, answer, |old, new| *old = new);
        Ok(())
    })
}
