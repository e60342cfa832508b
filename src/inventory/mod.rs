//! What was seen of the accounts: plain data in the JSON shapes of the AWS CLI, with how complete each answer is.
//! No behaviour beyond look-ups.

pub mod dns;
pub mod ec2;
pub mod ecs;
pub mod iam;
pub mod shape;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::actions::Action;
pub use shape::Time;

/// Everything that an audit stands on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    /// One entry an account and region, sorted by both.
    pub regions: Vec<Region>,
}

/// Where an inventory came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Asked of AWS.
    #[default]
    Live,
    /// Read from a folder.
    Snapshot,
}

/// An error that AWS answered with, in the place of an output: an answer too (NoSuchEntity, InvalidServiceName).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiError {
    /// AWS's error code.
    pub code: String,
    /// AWS's message, without request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ApiError {
    /// Whether the error is an answer about its subject (it does not exist) and not a failure to answer.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.code == "InvalidServiceName" || self.code.starts_with("NoSuch") || self.code.contains("NotFound")
    }

    /// Code and message, for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self.message.as_deref().filter(|m| !m.is_empty()) {
            Some(message) => format!("{}: {message}", self.code),
            None => self.code.clone(),
        }
    }
}

/// One answer: an output, or an error that is an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T> {
    /// The output.
    Output(T),
    /// The error in its place.
    Error(ApiError),
}

impl<T> Answer<T> {
    /// The same answer about a part or a transformation of the output.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Output(t) => Answer::Output(f(t)),
            Self::Error(e) => Answer::Error(e),
        }
    }

    /// The output, unless it is an error.
    pub const fn output(&self) -> Option<&T> {
        match self {
            Self::Output(t) => Some(t),
            Self::Error(_) => None,
        }
    }
}

/// Answers by the id of their subject. An id without an entry was not collected: not asked, or asked and refused (then the
/// action is partial, and the id among its ids). An error here is an answer about the subject: see [`ApiError::is_answer`].
pub type Keyed<T> = BTreeMap<String, Answer<T>>;

/// One account in one region.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is named after the operation that fills it")]
pub struct Region {
    pub partition: String,
    pub account: String,
    pub region: String,
    pub source: Source,
    /// When it was taken: the clock of everything that has an age.
    pub taken_at: Option<Time>,
    /// The VPCs that operations were filtered by: those asked for and those that they lead to. What lies outside was not
    /// collected. `None`: not filtered.
    pub vpc_scope: Option<BTreeSet<String>>,
    /// The VPCs that were asked for, where the collection was for some alone; they are the default scope of an audit.
    pub asked_vpcs: Option<BTreeSet<String>>,
    /// How complete the answer of each action is.
    pub completeness: Completeness,

    pub vpcs: Vec<ec2::Vpc>,
    /// Merged: one entry a VPC.
    pub vpc_attributes: Vec<ec2::VpcAttribute>,
    pub dhcp_options: Vec<ec2::DhcpOptions>,
    pub subnets: Vec<ec2::Subnet>,
    pub route_tables: Vec<ec2::RouteTable>,
    pub network_acls: Vec<ec2::NetworkAcl>,
    pub security_groups: Vec<ec2::SecurityGroup>,
    pub security_group_vpc_associations: Vec<ec2::SecurityGroupVpcAssociation>,
    pub vpc_endpoints: Vec<ec2::VpcEndpoint>,
    /// Names of the services that the region offers, where an unfiltered listing was seen.
    pub service_names: Vec<String>,
    pub service_details: Vec<ec2::ServiceDetail>,
    /// Service names that AWS answered InvalidServiceName for: not offered in the region.
    pub invalid_service_names: BTreeSet<String>,
    /// Whether `service_names` is the full list of the region, so that absence from it means "not offered".
    pub service_listing_full: bool,
    pub network_interfaces: Vec<ec2::NetworkInterface>,
    pub instances: Vec<ec2::Instance>,
    pub nat_gateways: Vec<ec2::NatGateway>,
    pub internet_gateways: Vec<ec2::InternetGateway>,
    pub egress_only_internet_gateways: Vec<ec2::EgressOnlyInternetGateway>,
    pub managed_prefix_lists: Vec<ec2::ManagedPrefixList>,
    pub prefix_list_entries: Keyed<ec2::PrefixListEntries>,
    pub prefix_lists: Vec<ec2::PrefixList>,
    pub vpc_peering_connections: Vec<ec2::VpcPeeringConnection>,
    pub transit_gateway_vpc_attachments: Vec<ec2::TransitGatewayVpcAttachment>,
    pub transit_gateway_attachments: Vec<ec2::TransitGatewayAttachment>,
    /// By transit gateway route table.
    pub transit_gateway_associations: Keyed<ec2::TransitGatewayAssociations>,
    /// By transit gateway route table.
    pub transit_gateway_routes: Keyed<ec2::TransitGatewayRoutes>,
    pub block_public_access_options: Option<ec2::BlockPublicAccessOptions>,
    pub block_public_access_exclusions: Vec<ec2::BlockPublicAccessExclusion>,

    pub clusters: Vec<ecs::Cluster>,
    pub container_instances: Vec<ecs::ContainerInstance>,
    /// What further answers said of the `agentConnected` of a container instance, by its ARN: a folder may hold several looks.
    pub agent_looks: BTreeMap<String, Vec<bool>>,
    pub services: Vec<ecs::Service>,
    pub tasks: Vec<ecs::Task>,
    /// By ARN.
    pub task_definitions: BTreeMap<String, Answer<ecs::TaskDefinition>>,
    pub capacity_providers: Vec<ecs::CapacityProvider>,
    pub task_sets: Vec<ecs::TaskSet>,
    pub service_revisions: Vec<ecs::ServiceRevision>,
    pub account_settings: Vec<ecs::Setting>,

    /// By VPC.
    pub hosted_zones: Keyed<dns::HostedZonesByVpc>,
    /// By zone id, without `/hostedzone/`.
    pub record_sets: Keyed<dns::ResourceRecordSets>,
    pub resolver_rules: Vec<dns::ResolverRule>,
    pub resolver_rule_associations: Vec<dns::ResolverRuleAssociation>,
    pub resolver_endpoints: Vec<dns::ResolverEndpoint>,
    /// By Resolver endpoint.
    pub resolver_endpoint_addresses: Keyed<dns::ResolverEndpointIpAddresses>,
    pub firewall_associations: Vec<dns::FirewallRuleGroupAssociation>,
    /// By rule group.
    pub firewall_rules: Keyed<dns::FirewallRules>,
    pub firewall_domain_lists: Vec<dns::FirewallDomainList>,
    /// By domain list.
    pub firewall_domains: Keyed<dns::FirewallDomains>,
    pub firewall_configs: Vec<dns::FirewallConfig>,
    pub profile_associations: Vec<dns::ProfileAssociation>,

    /// By instance profile name.
    pub instance_profiles: Keyed<iam::InstanceProfile>,
    /// By role name.
    pub roles: Keyed<iam::Role>,
    /// By role name.
    pub attached_role_policies: Keyed<iam::AttachedRolePolicies>,
    /// By role name.
    pub role_policy_names: Keyed<iam::RolePolicies>,
    /// By `role:policy`.
    pub role_policies: Keyed<iam::RolePolicy>,
    /// By policy ARN.
    pub policies: Keyed<iam::Policy>,
    /// By `ARN:version`.
    pub policy_versions: Keyed<iam::PolicyVersion>,
    pub pull_through_cache_rules: Vec<iam::PullThroughCacheRule>,
    /// By repository name.
    pub repository_images: Keyed<iam::RepositoryImages>,
    pub detector_ids: Vec<String>,
    /// By detector.
    pub detectors: Keyed<iam::Detector>,
    pub cloudtrail_events: Vec<iam::CloudTrailEvent>,
}

/// How complete the answer of one action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All of it was seen.
    Complete,
    /// Not seen, but set by an assumption.
    Assumed,
    /// Some pages or items are missing: what is there counts, absence does not.
    Partial,
    /// Asked, and no usable answer came.
    Missing,
    /// Not asked.
    NotCollected,
}

/// State of one action, and why it is not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state.
    pub state: State,
    /// Code and message; always there unless complete. No request id, no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Partial: the ids that no answer came for, where they are known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ids: BTreeSet<String>,
    /// Complete without a call: all that would have named a subject was seen, and named none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
}

impl Status {
    /// All of it was seen.
    #[must_use]
    pub const fn complete() -> Self {
        Self { state: State::Complete, error: None, ids: BTreeSet::new(), unasked: false }
    }

    /// There was nothing to ask about.
    #[must_use]
    pub const fn unasked() -> Self {
        Self { state: State::Complete, error: None, ids: BTreeSet::new(), unasked: true }
    }

    /// Not complete, and why.
    #[must_use]
    pub fn of(state: State, error: impl Into<String>) -> Self {
        Self { state, error: Some(error.into()), ids: BTreeSet::new(), unasked: false }
    }
}

/// The state of every action that was asked or is known not to have been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completeness(pub BTreeMap<Action, Status>);

impl Completeness {
    /// The state of an action; what is not recorded was not collected.
    #[must_use]
    pub fn state(&self, action: Action) -> State {
        self.0.get(&action).map_or(State::NotCollected, |s| s.state)
    }

    /// Whether absence from the answer means absence in the account.
    #[must_use]
    pub fn seen(&self, action: Action) -> bool {
        matches!(self.state(action), State::Complete | State::Assumed)
    }

    /// Whether anything of the answer can be used.
    #[must_use]
    pub fn usable(&self, action: Action) -> bool {
        matches!(self.state(action), State::Complete | State::Assumed | State::Partial)
    }

    /// Why the action is not complete, for people.
    #[must_use]
    pub fn why(&self, action: Action) -> String {
        match self.0.get(&action) {
            Some(Status { error: Some(error), .. }) => error.clone(),
            Some(_) => String::new(),
            None => "not collected".to_owned(),
        }
    }

    /// Records a state; the worse of two stays, with its error and all ids.
    pub fn record(&mut self, action: Action, status: Status) {
        match self.0.get_mut(&action) {
            None => {
                self.0.insert(action, status);
            }
            Some(old) => {
                let mut ids = std::mem::take(&mut old.ids);
                ids.extend(status.ids.iter().cloned());
                if status.state > old.state {
                    *old = status;
                }
                old.ids = ids;
            }
        }
    }
}
