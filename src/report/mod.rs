//! The report as data (contract: schema `audit-report/1`), and one file a format.

use serde::{Deserialize, Serialize};

use crate::analysis::{Egress, HopName, Kind, Tri, Way};
use crate::finding::{Finding, Verdict};
use crate::inventory::{Source, State};

/// Schema of the JSON report.
pub const SCHEMA: &str = "audit-report/1";

/// A whole report: what every format is rendered from, and what `--format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Report {
    pub schema: String,
    pub tool: Tool,
    pub assume: Vec<String>,
    pub scope: Vec<Scope>,
    pub complete: bool,
    pub summary: Summary,
    pub rules: Vec<RuleLine>,
    pub findings: Vec<Finding>,
    pub suppressed: Vec<Suppressed>,
    pub placements: Vec<PlacementLine>,
    pub paths: Vec<PathLine>,
    pub topology: Topology,
    pub completeness: Vec<CompletenessLine>,
}

/// Who made the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// One account and region of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Scope {
    pub partition: String,
    pub account: Option<String>,
    pub region: String,
    pub vpcs: Vec<String>,
    pub source: SourceName,
}

/// `live` or `snapshot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceName {
    /// Asked of AWS.
    Live,
    /// Read from a folder.
    Snapshot,
}

impl From<Source> for SourceName {
    fn from(source: Source) -> Self {
        match source {
            Source::Live => Self::Live,
            Source::Snapshot => Self::Snapshot,
        }
    }
}

/// Counts: findings by severity and unknown ones, rules that pass or do not apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Summary {
    pub fail: FailCounts,
    pub unknown: usize,
    pub pass: usize,
    pub not_applicable: usize,
    pub suppressed: usize,
}

/// Failing findings by severity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct FailCounts {
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub low: usize,
    pub info: usize,
}

/// One rule of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct RuleLine {
    pub id: String,
    pub name: String,
    pub verdict: Verdict,
    pub reason: String,
    pub findings: usize,
}

/// A suppression that applied (with fingerprint), or did not (without).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Suppressed {
    pub rule: String,
    pub fingerprint: Option<String>,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub expires: Option<String>,
}

/// A placement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct PlacementLine {
    pub id: String,
    pub kind: Kind,
    pub account: Option<String>,
    pub region: Option<String>,
    pub vpc: Option<String>,
    pub subnet: Option<String>,
    pub security_groups: Vec<String>,
    pub members: Vec<String>,
    pub member_count: usize,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct PathLine {
    pub placement: String,
    pub service: String,
    pub port: u16,
    pub because: Vec<String>,
    pub way: Way,
    pub verdict: Tri,
    pub blocked_at: Option<HopName>,
    pub hops: Vec<HopLine>,
}

/// A hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct HopLine {
    pub hop: HopName,
    pub verdict: Tri,
    pub object: Option<String>,
    pub detail: Option<String>,
}

/// What the network looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Topology {
    pub vpcs: Vec<TopologyVpc>,
    pub subnets: Vec<TopologySubnet>,
    pub endpoints: Vec<TopologyEndpoint>,
    pub gateways: Vec<TopologyGateway>,
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologyVpc {
    pub id: String,
    pub name: Option<String>,
    pub cidrs: Vec<String>,
    pub owner: Option<String>,
    pub account: String,
    pub region: String,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologySubnet {
    pub id: String,
    pub vpc: String,
    pub az: Option<String>,
    pub name: Option<String>,
    pub cidr: Option<String>,
    pub egress: Option<Egress>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologyEndpoint {
    pub id: String,
    pub vpc: Option<String>,
    pub service: Option<String>,
    pub r#type: Option<String>,
    pub state: Option<String>,
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologyGateway {
    pub id: String,
    pub r#type: Option<String>,
    pub vpc: Option<String>,
}

/// How complete the answer of an action is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct CompletenessLine {
    pub account: Option<String>,
    pub region: Option<String>,
    pub action: String,
    pub state: State,
    pub error: Option<String>,
}
