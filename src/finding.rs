//! What rules say: findings with severity, evidence, remediation and a stable identity.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How bad a finding is. Ordered: `Info` is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Resilience, hygiene, or a way over the internet that works.
    Low,
    /// Intermittent, delayed, or silently public.
    Medium,
    /// A feature in use breaks.
    High,
    /// A workload cannot start, or an agent cannot register.
    Critical,
}

impl Severity {
    /// All, the worst first.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Contradicted by what was observed, or resting on thin sources.
    Low,
    /// Seen once, or inferred.
    Medium,
    /// Follows from what AWS documents and was seen.
    High,
}

/// The verdict of a rule. Ordered: the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing here to judge, and all that decides this was seen.
    NotApplicable,
    /// Judged, and fine.
    Pass,
    /// Could not be seen.
    Unknown,
    /// Broken.
    Fail,
}

/// The object that a finding is about: the one whose change mends it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resource {
    /// ARN.
    pub arn: Option<String>,
    /// CloudFormation type, such as `AWS::EC2::VPCEndpoint`.
    pub r#type: Option<String>,
    /// Id, or the ARN for ECS objects.
    pub id: Option<String>,
    /// `Name` tag or name.
    pub name: Option<String>,
    /// Account.
    pub account: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// VPC.
    pub vpc: Option<String>,
}

/// One datum that decided: where it was read, which field, what it said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// IAM name of the action, such as `ec2:DescribeVpcEndpoints`.
    pub source: String,
    /// Field of the answer.
    pub field: Option<String>,
    /// Its value, as text.
    pub value: Option<String>,
    /// What it means.
    pub note: Option<String>,
}

impl Evidence {
    /// A field of an answer and its value.
    pub fn new(source: crate::actions::Action, field: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Self {
        let note = note.into();
        Self { source: source.name().to_owned(), field: Some(field.into()), value: Some(value.into()), note: (!note.is_empty()).then_some(note) }
    }
}

/// How to mend a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remediation {
    /// In words.
    pub text: String,
    /// `aws` commands with the real ids, in order.
    pub commands: Vec<String>,
    /// A Terraform block.
    pub terraform: Option<String>,
    /// A CloudFormation snippet.
    pub cloudformation: Option<String>,
    /// `verified`, `not_modelled`, or what would still be blocked.
    pub proof: Option<String>,
}

/// One root cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Rule id.
    pub rule: String,
    /// `Fail` or `Unknown`.
    pub verdict: Verdict,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What to change.
    pub resource: Resource,
    /// One line.
    pub title: String,
    /// The whole story; its first sentence stands alone.
    pub message: String,
    /// What decided.
    pub evidence: Vec<Evidence>,
    /// ARNs of workloads that are hit, sorted.
    pub affects: BTreeSet<String>,
    /// How to mend it.
    pub remediation: Remediation,
    /// AWS pages.
    pub references: Vec<String>,
    /// Stable identity, see [`fingerprint`].
    pub fingerprint: String,
    /// Against a baseline: `new`, `unchanged` or nothing.
    pub status: Option<String>,
}

/// Stable identity of a finding: rule, resource ARN and the finding's own discriminator (usually the AWS service, or
/// nothing). Wording, order, time and severity do not enter.
#[must_use]
pub fn fingerprint(rule: &str, resource: &Resource, discriminator: &str) -> String {
    let mut hash = Sha256::new();
    for part in [rule, resource.arn.as_deref().or(resource.id.as_deref()).unwrap_or_default(), discriminator] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}
