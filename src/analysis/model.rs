//! The words of the analysis: placement, need, hop, way, path, cause.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::actions::Action;
use crate::finding::{Evidence, Severity};

/// Three-valued answer of every analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tri {
    /// Allowed, reachable, fine.
    Pass,
    /// Cannot be told from what was seen.
    Unknown,
    /// Blocked.
    Fail,
}

/// What was not seen and would have decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unseen {
    /// An action that was denied, failed or not collected (or a part of its answer).
    Action(Action),
    /// A datum that other credentials or another service would tell ("the endpoints of vpc-…, which its owner alone can list").
    Elsewhere(String),
    /// A datum that no API call could tell, in words ("what lies behind transit gateway tgw-…").
    Datum(String),
}

/// The answer of one evaluator, with the object that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub verdict: Tri,
    /// Id of the object that decided (`sg-…`, `acl-…`, `rtb-…`, `vpce-…`), where there is one.
    pub object: Option<String>,
    /// Why, for people, in one sentence fragment.
    pub detail: String,
    /// `Fail` only: some of it is open, so that the failure is intermittent or hits only some.
    pub partial: bool,
    /// `Fail` in part only: the closed part hits every address of the other end (a range of ports), so that none is spared.
    pub every: bool,
    /// `Unknown` only: what was not seen.
    pub unseen: BTreeSet<Unseen>,
    /// The fields that decided.
    pub evidence: Vec<Evidence>,
}

impl Decision {
    /// Allowed by `object`.
    pub fn pass(object: Option<&str>, detail: impl Into<String>) -> Self {
        Self::new(Tri::Pass, object, detail)
    }

    /// Blocked by `object`.
    pub fn fail(object: Option<&str>, detail: impl Into<String>) -> Self {
        Self::new(Tri::Fail, object, detail)
    }

    /// Not to be told, for want of `unseen`.
    pub fn unknown(object: Option<&str>, detail: impl Into<String>, unseen: Unseen) -> Self {
        let mut decision = Self::new(Tri::Unknown, object, detail);
        decision.unseen.insert(unseen);
        decision
    }

    fn new(verdict: Tri, object: Option<&str>, detail: impl Into<String>) -> Self {
        Self { verdict, object: object.map(str::to_owned), detail: detail.into(), partial: false, every: false, unseen: BTreeSet::new(), evidence: Vec::new() }
    }

    /// Whether some addresses of the other end are open in full, so that it matters which one is meant.
    #[must_use]
    pub const fn spares(&self) -> bool {
        self.partial && !self.every
    }

    /// The same, with a field that decided.
    #[must_use]
    pub fn because(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }
}

/// A set of ARNs that several holders share: the needs of one placement mostly name the same workloads.
pub type Names = Arc<BTreeSet<String>>;

/// What kind of workloads a placement holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// EC2 container instances: platform needs of all their tasks, and all needs of bridge and host tasks.
    ContainerInstance,
    /// Managed Instances, running or where a capacity provider would launch them.
    ManagedInstance,
    /// Tasks with an interface of their own on EC2: Exec, FireLens.
    AwsvpcTask,
    /// Tasks on the interface of their instance.
    HostTask,
    /// Fargate tasks.
    FargateTask,
    /// A subnet that a service may use and in which none of its tasks runs.
    Service,
    /// A single question.
    Query,
}

/// Operating system, as far as it decides the ephemeral ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Os {
    /// 32768-60999.
    Linux,
    /// 49152-65535.
    Windows,
}

/// Workloads that the network cannot tell apart: same subnet, groups, kind, needs.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Stable id, unique in the report.
    pub id: String,
    /// Kind.
    pub kind: Kind,
    /// VPC; `None` if it was not seen.
    pub vpc: Option<String>,
    /// Subnet; `None` if it was not seen.
    pub subnet: Option<String>,
    /// Security groups, sorted. Already the VPC's default group where none was named.
    pub security_groups: Vec<String>,
    /// Subnet or VPC could not be seen, and why.
    pub place_unseen: Option<Unseen>,
    /// Security groups could not be seen, and why.
    pub groups_unseen: Option<Unseen>,
    /// ARNs of container instances or tasks, sorted.
    pub members: Vec<String>,
    /// Addresses of the members (IPv4 and IPv6); empty: judge by the whole subnet.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether the members have a public IPv4 address. `None`: not seen.
    pub public_ip: Option<bool>,
    /// Operating system.
    pub os: Os,
    /// Fargate: the kernel is not known, so that 1024-32767 matters too.
    pub fargate: bool,
    /// What they need, sorted by service, port and foreign region, one each.
    pub needs: Vec<Need>,
    /// ARNs to name under `affects` for the placement as a whole: service, container instance, standalone task or capacity
    /// provider. Which tasks of a service are hit where only some are: [`super::placement::Roster::affected`].
    pub workloads: Names,
}

/// Which rule owns the absence of an endpoint for a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A rule of the endpoint-presence family, such as `EP04`.
    Rule(&'static str),
    /// An image that no endpoint serves: WL01.
    Image,
}

/// Who makes the calls of a need.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// A role, by ARN.
    Role(String),
    /// The role of an instance profile, by the profile's ARN; the role itself may not be seen.
    InstanceProfile(String),
    /// An identity of an account that AWS owns (ECR layer downloads).
    AwsOwned,
    /// Not seen.
    Unknown,
}

/// One call that must pass the endpoint's policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// IAM action, such as `ecr:BatchGetImage`.
    pub action: &'static str,
    /// Who calls.
    pub caller: Caller,
    /// Resource ARN; `*` in it stands for a part that is not known; `*` alone: the action has no resource.
    pub resource: String,
    /// Whether a denial blocks the path (contract 5, `policy`), or fails the rule alone.
    pub blocks: bool,
}

/// One service that a placement needs, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Short name of the endpoint service (`ecr.api`), or `registry:HOST`.
    pub service: String,
    /// Another region, whose service it is: no endpoint of this region serves it, and its owner is RG03. `None`: this region.
    pub region: Option<String>,
    /// Hostnames that must resolve and be reached, sorted; the worst counts.
    pub hosts: BTreeSet<String>,
    /// TCP port.
    pub port: u16,
    /// What made it necessary: task definition, container, field.
    pub because: BTreeSet<String>,
    /// The rule that owns the absence of an endpoint, with its severity at a HARD place (several severities of one rule: EP09).
    /// The same rule for every need of this service in the VPC, so that one cause gives one finding.
    pub owners: BTreeSet<(Owner, Severity)>,
    /// Other rules that the need matters to (Service Connect beside container instances: EP12), for whether they apply at all.
    pub also: BTreeSet<(Owner, Severity)>,
    /// Calls to hold against the endpoint's policy.
    pub asks: BTreeSet<Ask>,
    /// ARNs to name under `affects` for this need.
    pub workloads: Names,
    /// Services, tasks or container instances of which it is one finding each (WL03).
    pub units: Names,
    /// Task definitions that ask for it, each with the services and standalone tasks that run it (WL01, RG03). Whom to name for
    /// one of them: [`super::placement::Roster::affected_by_definition`].
    pub definitions: BTreeMap<String, Names>,
    /// The need itself is not sure: what was not seen.
    pub unsure: BTreeSet<Unseen>,
}

/// How a path leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Interface endpoint of the same VPC.
    InterfaceEndpoint,
    /// Gateway endpoint.
    GatewayEndpoint,
    /// Endpoint in another VPC.
    RemoteEndpoint,
    /// NAT or internet gateway, to the public address.
    Internet,
    /// A private address that is no endpoint.
    Local,
    /// No way.
    None,
    /// Depends on what was not seen.
    Unknown,
}

/// Where a path can stop, in the order of `blocked_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum HopName {
    Endpoint,
    Dns,
    SourceSg,
    SourceNaclOut,
    Route,
    DestNaclIn,
    DestSg,
    DestNaclOut,
    SourceNaclIn,
    Policy,
}

/// One hop of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Which hop.
    pub hop: HopName,
    /// What it says.
    pub verdict: Tri,
    /// The object that decided.
    pub object: Option<String>,
    /// Why.
    pub detail: Option<String>,
}

/// Why a path fails, is unknown, or works in a way that a rule minds: what becomes a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Rule that owns it.
    pub rule: &'static str,
    /// `Fail` or `Unknown`.
    pub verdict: Tri,
    /// Severity.
    pub severity: Severity,
    /// Id (or ARN) of the object whose change mends it.
    pub object: String,
    /// Why, for people.
    pub detail: String,
    /// What decided.
    pub evidence: Vec<Evidence>,
    /// `Unknown`: what was not seen.
    pub unseen: BTreeSet<Unseen>,
}

/// One path: a placement, a service, a port.
#[derive(Debug, Clone)]
pub struct Path {
    /// Index into the placements.
    pub placement: usize,
    /// Index into that placement's needs.
    pub need: usize,
    /// Way.
    pub way: Way,
    /// Verdict.
    pub verdict: Tri,
    /// Where it stops.
    pub blocked_at: Option<HopName>,
    /// Hops of the way taken, in order.
    pub hops: Vec<Hop>,
    /// What findings it gives rise to.
    pub causes: Vec<Cause>,
    /// Rules that were judged on it and found nothing.
    pub passed: BTreeSet<&'static str>,
    /// What was not seen and keeps hops from being judged at all, so that rules about them do not know.
    pub unjudged: BTreeSet<Unseen>,
}

/// How a subnet's traffic to the public internet leaves, for one address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum Egress {
    Isolated,
    Dead,
    NoPublicIp,
    Nat,
    Igw,
    EgressOnly,
    Indirect,
}

/// How much a missing endpoint hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No other way.
    Hard,
    /// Another way, over the internet.
    Soft,
    /// Leads where nothing was seen.
    Undecided,
}

impl Egress {
    /// HARD, SOFT or UNDECIDED (contract 6).
    #[must_use]
    pub const fn level(self, require_private: bool) -> Level {
        match self {
            Self::Isolated | Self::Dead | Self::NoPublicIp => Level::Hard,
            Self::Nat | Self::Igw | Self::EgressOnly => {
                if require_private {
                    Level::Hard
                } else {
                    Level::Soft
                }
            }
            Self::Indirect => Level::Undecided,
        }
    }
}

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What the caller of the program assumes and asks for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--assume no-internet`.
    pub no_internet: bool,
    /// `--assume plain-dns`.
    pub plain_dns: bool,
    /// `--require-private`.
    pub require_private: bool,
    /// `--now`: the clock of an inventory without one.
    pub now: Option<crate::inventory::Time>,
    /// `--vpc`: only these.
    pub vpcs: BTreeSet<String>,
    /// `--cluster`: only these, by name or ARN.
    pub clusters: BTreeSet<String>,
}
