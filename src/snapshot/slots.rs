//! Outputs with more than one member that matters.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::MapAccess;

use super::read::{Extend, Slot};
use crate::inventory::shape::{PolicyText, Time, time};
use crate::inventory::{ec2, ecs, iam};

/// DescribeVpcAttribute: one attribute, or both.
#[derive(Debug, Default)]
pub(super) struct AttributeSlot {
    pub vpc: Option<String>,
    pub support: Option<ec2::AttributeValue>,
    pub hostnames: Option<ec2::AttributeValue>,
}

impl Slot for AttributeSlot {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "VpcId" => self.vpc = map.next_value()?,
            "EnableDnsSupport" => self.support = map.next_value()?,
            "EnableDnsHostnames" => self.hostnames = map.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// DescribeVpcEndpointServices: names and details.
#[derive(Debug, Default)]
pub(super) struct ServicesSlot {
    /// `None`: no such member.
    pub names: Option<Vec<String>>,
    pub details: Vec<ec2::ServiceDetail>,
}

impl Slot for ServicesSlot {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "ServiceNames" => map.next_value_seed(Extend(self.names.get_or_insert_default()))?,
            "ServiceDetails" => map.next_value_seed(Extend(&mut self.details))?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// GetRolePolicy, which names its role and policy.
#[derive(Debug, Default)]
pub(super) struct RolePolicySlot(pub iam::RolePolicy);

impl Slot for RolePolicySlot {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "RoleName" => self.0.role_name = map.next_value()?,
            "PolicyName" => self.0.policy_name = map.next_value()?,
            "PolicyDocument" => self.0.policy_document = map.next_value::<Option<PolicyText>>()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// GetDetector.
#[derive(Debug, Default)]
pub(super) struct DetectorSlot(pub iam::Detector);

impl Slot for DetectorSlot {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "Status" => self.0.status = map.next_value()?,
            "Features" => map.next_value_seed(Extend(&mut self.0.features))?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// GetCallerIdentity, of which the account and the partition matter.
#[derive(Debug, Default)]
pub(super) struct IdentitySlot {
    pub account: Option<String>,
    pub arn: Option<String>,
}

impl Slot for IdentitySlot {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "Account" => self.account = map.next_value()?,
            "Arn" => self.arn = map.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// An `ecs list-*`: ARNs, and in some hand-made files the same by cluster.
#[derive(Debug)]
pub(super) struct ArnsSlot {
    member: &'static str,
    pub arns: Vec<String>,
    pub by_cluster: BTreeMap<String, Vec<String>>,
}

impl ArnsSlot {
    pub const fn of(member: &'static str) -> Self {
        Self { member, arns: Vec::new(), by_cluster: BTreeMap::new() }
    }
}

impl Slot for ArnsSlot {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key == self.member {
            map.next_value_seed(Extend(&mut self.arns))?;
        } else if key == "byCluster" {
            self.by_cluster = map.next_value::<Option<_>>()?.unwrap_or_default();
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// DescribeTaskDefinition; inside `taskDefinitions` a definition may stand without its envelope.
#[derive(Debug, Default)]
pub(super) struct TaskDefinitionSlot {
    pub value: Option<ecs::TaskDefinition>,
    pub bare: serde_json::Map<String, serde_json::Value>,
}

/// The members of a task definition that are modelled.
const TASK_DEFINITION: [&str; 14] = [
    "taskDefinitionArn",
    "family",
    "revision",
    "status",
    "networkMode",
    "executionRoleArn",
    "taskRoleArn",
    "pidMode",
    "runtimePlatform",
    "proxyConfiguration",
    "containerDefinitions",
    "requiresCompatibilities",
    "compatibilities",
    "volumes",
];

impl Slot for TaskDefinitionSlot {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key == "taskDefinition" {
            self.value = map.next_value()?;
        } else if TASK_DEFINITION.contains(&key) {
            self.bare.insert(key.to_owned(), map.next_value()?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// An event as `aws cloudtrail lookup-events` prints it: the record itself is JSON text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventLine {
    event_id: Option<String>,
    event_name: Option<String>,
    #[serde(default, deserialize_with = "time")]
    event_time: Option<Time>,
    event_source: Option<String>,
    username: Option<String>,
    cloud_trail_event: Option<String>,
}

/// What is kept of the record.
#[derive(Debug, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_identity: Option<EventIdentity>,
}

/// Who made a call.
#[derive(Debug, Default, Deserialize, serde::Serialize)]
#[serde(default)]
pub(super) struct EventIdentity {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
}

impl From<EventLine> for iam::CloudTrailEvent {
    fn from(line: EventLine) -> Self {
        // A record that is no JSON says nothing about the way of the call; the event itself still counts.
        let record = line.cloud_trail_event.as_deref().and_then(|text| serde_json::from_str::<EventRecord>(text).ok()).unwrap_or_default();
        Self {
            event_id: line.event_id,
            event_name: line.event_name,
            event_time: line.event_time,
            event_source: line.event_source,
            username: line.username,
            vpc_endpoint_id: record.vpc_endpoint_id,
            error_code: record.error_code,
            source_arn: record.user_identity.and_then(|i| i.arn),
        }
    }
}
