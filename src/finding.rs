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

/// Options of the AWS CLI that proposed commands use.
const OPTIONS: &str = "--add-route-table-ids --add-subnet-ids --cidr --cidr-block --cluster --container-instance --container-instances --destination-cidr-block \
    --dhcp-configurations --dhcp-options-id --dns-options --document-name --egress --enable-dns-hostnames --enable-dns-support --enable-execute-command --filters \
    --force-new-deployment --group-id --hosted-zone-id --include --ingress --instance-ids --ip-address-type --ip-permissions --lookup-attributes --network-acl-id \
    --output --parameters --platform-version --policy-arn --policy-document --policy-name --port --port-range --private-dns-enabled --protocol --query --region \
    --reset-policy --role-name --route-table-id --route-table-ids --rule-action --rule-number --security-group-ids --service --service-name --set-as-default \
    --source-group --subnet-ids --task-definition --vpc-endpoint-id --vpc-endpoint-ids --vpc-endpoint-type --vpc-id --protocols --service-names --actions --names";

/// Whether an `aws` command, given to a shell, does what it says and nothing else. Ids and names in it are the account's (or
/// those of a snapshot that somebody sent): one that would end its quotes, start another command, or add an option is no id.
#[must_use]
pub fn runs_as_written(command: &str) -> bool {
    // The two compounds that the tool writes: one command after another, and one that takes the id that another prints.
    if let Some((one, rest)) = command.split_once(" && ") {
        return runs_as_written(one) && runs_as_written(rest);
    }
    if let Some((head, rest)) = command.split_once("\"$(") {
        return rest.split_once(")\"").is_some_and(|(inner, tail)| runs_as_written(inner) && runs_as_written(&format!("{head}it{tail}")));
    }
    let Some(rest) = command.strip_prefix("aws ") else { return false };
    let (mut quoted, mut word, mut words) = (false, String::new(), Vec::new());
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => quoted = !quoted,
            c if c.is_control() => return false,
            c if quoted => word.push(c),
            ' ' => words.push(std::mem::take(&mut word)),
            // A quote inside of quotes is written `'\''`.
            '\\' if chars.next() == Some('\'') => word.push('\''),
            c if c.is_ascii_alphanumeric() || "-_.:/=,@+%".contains(c) => word.push(c),
            _ => return false,
        }
    }
    words.push(word);
    let options: Vec<&String> = words.iter().filter(|w| w.starts_with('-')).collect();
    let known = |o: &&String| OPTIONS.split_whitespace().any(|k| k == o.as_str());
    let once = options.iter().collect::<BTreeSet<_>>().len() == options.len();
    !quoted && once && options.iter().all(known)
}

/// Whether a block of Terraform or CloudFormation holds nothing that could be more than the ids and words that it shows.
#[must_use]
pub fn reads_as_written(block: &str) -> bool {
    block.lines().all(|line| {
        let plain = line.chars().all(|c| c.is_ascii_alphanumeric() || " -_./:=\"[]{},*".contains(c));
        let words = line.split(['"', ',']).filter(|w| !w.trim().is_empty()).count();
        plain && line.matches('"').count().is_multiple_of(2) && (words < 3 || line.trim_end().ends_with([']', '{', '}']))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_with_what_is_no_id_are_told_from_others() {
        let with = |id: &str| {
            [
                format!("aws ec2 modify-vpc-endpoint --vpc-endpoint-id {id} --private-dns-enabled --region us-east-2"),
                format!("aws ec2 authorize-security-group-egress --group-id sg-1 --ip-permissions 'IpProtocol=tcp,PrefixListIds=[{{PrefixListId={id}}}]' --region us-east-2"),
                format!("aws ec2 associate-dhcp-options --vpc-id vpc-1 --dhcp-options-id \"$(aws ec2 create-dhcp-options --dhcp-configurations Key=a,Values={id} --region r)\" --region r"),
                format!("aws ec2 modify-vpc-attribute --vpc-id {id} --enable-dns-support '{{\"Value\":true}}' --region r && aws ec2 modify-vpc-attribute --vpc-id {id} --enable-dns-hostnames '{{}}'"),
            ]
        };
        assert!(with("vpce-0123456789abcdef0").iter().all(|c| runs_as_written(c)));
        assert!(runs_as_written(r#"aws iam x --policy-document '{"Resource":"it'\''s"}'"#));
        for evil in ["a; id", "$(id)", "`id`", "a\nid", "a | id", "a && id", "a > b", "a\" b", "a & id", "$HOME", "a'", "a \\", "~", "a #", "*"] {
            // In single quotes most of these do nothing; outside of them all are refused.
            assert!(!runs_as_written(&with(evil)[0]), "{evil}");
            assert!(!runs_as_written(&with(evil)[2]), "{evil}");
            assert!(!runs_as_written(&with(evil)[3]), "{evil}");
        }
        assert!(!runs_as_written(&with("pl'; id; '")[1]));
        assert!(!runs_as_written(&with("vpce-1 --profile other")[0]) && !runs_as_written(&with("vpce-1 --region other")[0]), "an option more");
        assert!(!runs_as_written("rm -rf x"));
    }

    #[test]
    fn blocks_with_what_is_no_id_are_told_from_others() {
        let block = |id: &str| format!("resource \"aws_vpc_endpoint\" \"a\" {{\n  vpc_id     = \"{id}\"\n  subnet_ids = [\"subnet-1\", \"subnet-2\"]\n}}\n");
        assert!(reads_as_written(&block("vpc-1")) && reads_as_written("A:\n  Type: AWS::EC2::VPCEndpoint\n  Properties:\n    SubnetIds: [a, b]\n    Port: {From: 443, To: 443}\n"));
        for evil in ["${file(1)}", "a\" }", "%{ if }", "a\\", "a #", "a!b", "a&b"] {
            assert!(!reads_as_written(&block(evil)), "{evil}");
        }
    }
}
