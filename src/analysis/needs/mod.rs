//! Which services a workload needs, and why: one table of capabilities, each with how it is detected, which service it
//! calls, as whom, with which actions, and which rule owns its absence.
//!
//! What a task needs follows from its task definition and from how it runs ([`Subject`]); what an agent needs follows from
//! its cluster ([`agent`]). Where a need stands on EC2, at the instance or at the task's own interface, is part of its row.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html>,
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html>.

pub mod agent;
pub mod exec;
pub mod features;
pub mod hints;
pub mod logs;
pub mod pull;
pub mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::services;
use crate::analysis::{Ask, Caller, Need, Owner, Unseen};
use crate::finding::Severity;
use crate::inventory::{Answer, Region, ecs};

#[cfg(test)]
mod tests;

pub use hints::Hint;

/// What runs a task, as far as it decides whose interface and whose role a call uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// Fargate. `old`: Linux platform version 1.3.0 or earlier, whose logins and secrets go by an interface of AWS's own;
    /// `None`: not told.
    Fargate {
        /// See above.
        old: Option<bool>,
    },
    /// A container instance, of the account or of a Managed Instances capacity provider.
    Instance,
}

/// A task definition in one of the ways in which it runs.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The inventory.
    pub inventory: &'a Region,
    /// The task definition. Only images are in it if it was not `seen`.
    pub definition: &'a ecs::TaskDefinition,
    /// Whether the task definition itself was seen, and not only the images of its running containers.
    pub seen: bool,
    /// Name of the cluster.
    pub cluster: &'a str,
    /// What runs it.
    pub platform: Platform,
    /// ECS Exec is on.
    pub exec: bool,
    /// How the cluster lets ECS Exec encrypt and log.
    pub exec_configuration: Option<&'a ecs::ExecuteCommandConfiguration>,
    /// Service Connect of the deployment, where it is on.
    pub service_connect: Option<&'a ecs::ServiceConnectConfiguration>,
    /// Instance profile of the instance, where one was seen.
    pub instance_profile: Option<&'a str>,
    /// Why GuardDuty is taken to watch the tasks.
    pub guard_duty: Option<&'a str>,
    /// Containers that the task definition does not name but that run in the tasks: name and image.
    pub sidecars: &'a [(String, String)],
}

impl Subject<'_> {
    /// `web:3`.
    #[must_use]
    pub fn label(&self) -> &str {
        label(&self.definition.task_definition_arn)
    }

    /// Whether calls that platform 1.4.0 moved to the task's interface are made there; `None`: not told.
    #[must_use]
    pub const fn modern(&self) -> Option<bool> {
        match self.platform {
            Platform::Fargate { old: Some(old) } => Some(!old),
            Platform::Fargate { old: None } => None,
            Platform::Instance => Some(true),
        }
    }

    const fn fargate(&self) -> bool {
        matches!(self.platform, Platform::Fargate { .. })
    }

    /// A reason: task definition, container, field.
    fn because(&self, container: &ecs::ContainerDefinition, field: impl std::fmt::Display) -> String {
        format!("{}, container {}, {field}", self.label(), container.name.as_deref().unwrap_or("without a name"))
    }

    /// An ARN of the inventory's account and region.
    fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        let i = self.inventory;
        format!("arn:{}:{service}:{}:{}:{resource}", i.partition, i.region, i.account)
    }

    /// Hits of a call that old Fargate platforms make from an interface of AWS's own.
    fn unless_old(&self, hits: Vec<Hit>) -> Vec<Hit> {
        match self.modern() {
            Some(true) => hits,
            Some(false) => Vec::new(),
            None => hits.into_iter().map(|h| h.unsure(Unseen::Datum(format!("platform version of tasks of {}", self.label())))).collect(),
        }
    }
}

/// `web:3` of a task definition's ARN.
#[must_use]
pub fn label(definition_arn: &str) -> &str {
    definition_arn.rsplit('/').next().unwrap_or(definition_arn)
}

/// Where a need stands when the task runs on an instance. On Fargate all stand at the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Agent or container runtime call: at the instance, whatever the network mode.
    Instance,
    /// Processes in the task call: at the task's interface in network mode awsvpc, else at the instance.
    Task,
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Execution role, on instances else their role.
    Execution,
    /// Execution role alone.
    ExecutionOnly,
    /// Task role, on instances else their role.
    Task,
    /// Role of the instance.
    Instance,
    /// An identity of AWS's own account.
    Aws,
    /// Not known.
    Unknown,
}

/// What a call acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Actions without a resource.
    Star,
    /// The resource of the hit.
    It,
    /// The bucket of the object that the hit names.
    Bucket,
    /// The cluster.
    Cluster,
    /// Container instances of the cluster.
    ContainerInstances,
    /// Task sets of the cluster.
    TaskSets,
}

/// One action that a call needs.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    /// IAM name.
    pub action: &'static str,
    /// What it acts on.
    pub on: On,
    /// Whether a denial by the endpoint's policy blocks the path.
    pub blocks: bool,
}

/// An action whose denial blocks the path.
const fn must(action: &'static str, on: On) -> Act {
    Act { action, on, blocks: true }
}

/// An action whose denial a rule minds, but no path.
const fn may(action: &'static str, on: On) -> Act {
    Act { action, on, blocks: false }
}

/// One row of the table: a capability and a service that it calls. `D` is how it is detected.
#[derive(Debug)]
pub struct Row<D> {
    /// Number of the capability: `C05`.
    pub capability: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Short name of the endpoint service; empty where the hit names it.
    pub service: &'static str,
    /// The rule that owns its absence.
    pub owner: Owner,
    /// Severity at a place without another way, unless the hit has one of its own.
    pub severity: Severity,
    /// Where it stands.
    pub stands: Stands,
    /// Who calls.
    pub who: Who,
    /// What is called.
    pub actions: &'static [Act],
    /// Finds it.
    pub detect: D,
}

/// How a row finds its capability in a task definition.
pub type Detect = fn(&Subject<'_>) -> Vec<Hit>;

/// A capability found.
#[derive(Debug, Clone)]
pub struct Hit {
    because: String,
    region: Option<String>,
    service: Option<String>,
    host: Option<String>,
    port: u16,
    resource: Option<String>,
    severity: Option<Severity>,
    unsure: BTreeSet<Unseen>,
}

impl Hit {
    /// Found for this reason.
    fn new(because: String) -> Self {
        Self { because, region: None, service: None, host: None, port: 443, resource: None, severity: None, unsure: BTreeSet::new() }
    }

    /// In that region.
    fn in_region(mut self, region: Option<&str>) -> Self {
        self.region = region.filter(|r| !r.is_empty()).map(str::to_owned);
        self
    }

    /// At that service in place of the row's.
    fn at(mut self, service: String) -> Self {
        self.service = Some(service);
        self
    }

    /// By that hostname in place of the service's.
    fn host(mut self, host: String) -> Self {
        self.host = Some(host.to_ascii_lowercase());
        self
    }

    /// To that port in place of 443.
    fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// On that resource.
    fn on(mut self, resource: String) -> Self {
        self.resource = Some(resource);
        self
    }

    /// With that severity in place of the row's.
    fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Perhaps not, for want of that.
    fn unsure(mut self, what: Unseen) -> Self {
        self.unsure.insert(what);
        self
    }
}

/// Every row that reads a task definition, one table a group.
pub static TABLES: &[&[Row<Detect>]] = &[pull::ROWS, logs::ROWS, secrets::ROWS, exec::ROWS, features::ROWS];

/// What one task definition needs in one of the ways in which it runs. Workloads are not filled in: they depend on who runs it.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    /// Needs at the task's own interface.
    pub task: Vec<Need>,
    /// Needs at the instance.
    pub instance: Vec<Need>,
    /// What is no path but matters to rules.
    pub hints: Vec<Hint>,
    /// Rules whose needs could not be told, and for want of what.
    pub unseen: BTreeMap<&'static str, BTreeSet<Unseen>>,
}

/// What identifies a need within a placement.
pub type Key = (String, u16, Option<String>);

/// Derives everything that a task definition needs.
#[must_use]
pub fn derive(subject: &Subject<'_>) -> Derived {
    let own_interface = subject.fargate() || subject.definition.network_mode.as_deref() == Some("awsvpc");
    let mut at_task = BTreeMap::new();
    let mut at_instance = BTreeMap::new();
    for row in TABLES.iter().copied().flatten() {
        let stands_at_task = subject.fargate() || (own_interface && row.stands == Stands::Task);
        let place = if stands_at_task { &mut at_task } else { &mut at_instance };
        for hit in (row.detect)(subject) {
            merge(place, need_of(row, hit, &Context::of(subject)));
        }
    }
    Derived { task: at_task.into_values().collect(), instance: at_instance.into_values().collect(), hints: hints::hints(subject), unseen: unseen(subject) }
}

/// Rules that judge what task definitions ask for.
pub const DEFINITION_RULES: &[&str] = &["EP04", "EP05", "EP06", "EP07", "EP08", "EP09", "EP13", "RG03", "WL01", "WL02"];

fn unseen(subject: &Subject<'_>) -> BTreeMap<&'static str, BTreeSet<Unseen>> {
    use crate::actions::Action;
    let mut out: BTreeMap<&'static str, BTreeSet<Unseen>> = BTreeMap::new();
    if !subject.seen {
        let arn = &subject.definition.task_definition_arn;
        let unseen = match subject.inventory.task_definitions.get(arn) {
            // AWS was asked and does not tell: no permission would help.
            Some(Answer::Error(error)) => Unseen::Datum(format!("task definition {}, which AWS answers {} for", label(arn), error.code)),
            _ => Unseen::Action(Action::DescribeTaskDefinition),
        };
        for rule in DEFINITION_RULES {
            out.entry(rule).or_default().insert(unseen.clone());
        }
    }
    if subject.exec && subject.exec_configuration.is_none() && !subject.inventory.completeness.seen(Action::DescribeClusters) {
        for rule in ["EP06", "EP09", "EP11"] {
            out.entry(rule).or_default().insert(Unseen::Action(Action::DescribeClusters));
        }
    }
    out
}

/// Adds a need to those of a place, joining it with one for the same service.
pub fn merge(place: &mut BTreeMap<Key, Need>, need: Need) {
    match place.entry((need.service.clone(), need.port, need.region.clone())) {
        std::collections::btree_map::Entry::Vacant(slot) => {
            slot.insert(need);
        }
        std::collections::btree_map::Entry::Occupied(mut slot) => {
            let old = slot.get_mut();
            old.hosts.extend(need.hosts);
            old.because.extend(need.because);
            old.owners.extend(need.owners);
            old.also.extend(need.also);
            old.asks.extend(need.asks);
            // Sure as soon as one reason is.
            if need.unsure.is_empty() || old.unsure.is_empty() {
                old.unsure.clear();
            } else {
                old.unsure.extend(need.unsure);
            }
        }
    }
}

/// What rows need to know to turn a hit into a need.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    inventory: &'a Region,
    cluster: &'a str,
    execution_role: Option<&'a str>,
    task_role: Option<&'a str>,
    /// Whether the absence of a role means that there is none.
    roles_seen: bool,
    /// `None`: no instance makes the call.
    instance: Option<Option<&'a str>>,
}

impl<'a> Context<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        Self {
            inventory: subject.inventory,
            cluster: subject.cluster,
            execution_role: subject.definition.execution_role_arn.as_deref(),
            task_role: subject.definition.task_role_arn.as_deref(),
            roles_seen: subject.seen,
            instance: (!subject.fargate()).then_some(subject.instance_profile),
        }
    }

    fn caller(&self, who: Who) -> Caller {
        let instance = || match self.instance {
            Some(Some(profile)) => Caller::InstanceProfile(profile.to_owned()),
            _ => Caller::Unknown,
        };
        let or_instance = |role: Option<&str>| match role.filter(|r| !r.is_empty()) {
            Some(role) => Caller::Role(self.role_arn(role)),
            None if self.roles_seen => instance(),
            None => Caller::Unknown,
        };
        match who {
            Who::Execution => or_instance(self.execution_role),
            Who::ExecutionOnly => self.execution_role.filter(|r| !r.is_empty()).map_or(Caller::Unknown, |r| Caller::Role(self.role_arn(r))),
            Who::Task => or_instance(self.task_role),
            Who::Instance => instance(),
            Who::Aws => Caller::AwsOwned,
            Who::Unknown => Caller::Unknown,
        }
    }

    /// Task definitions may hold the bare name of a role.
    fn role_arn(&self, role: &str) -> String {
        if role.starts_with("arn:") { role.to_owned() } else { format!("arn:{}:iam::{}:role/{role}", self.inventory.partition, self.inventory.account) }
    }

    fn resource(&self, on: On, it: Option<&str>) -> String {
        let i = self.inventory;
        let ecs = |resource: String| format!("arn:{}:ecs:{}:{}:{resource}", i.partition, i.region, i.account);
        match on {
            On::Star => "*".to_owned(),
            On::It => it.unwrap_or("*").to_owned(),
            On::Bucket => it.map_or("*", |arn| arn.split('/').next().unwrap_or(arn)).to_owned(),
            On::Cluster => ecs(format!("cluster/{}", self.cluster)),
            On::ContainerInstances => ecs(format!("container-instance/{}/*", self.cluster)),
            On::TaskSets => ecs(format!("task-set/{}/*", self.cluster)),
        }
    }
}

fn need_of<D>(row: &Row<D>, hit: Hit, context: &Context<'_>) -> Need {
    let here = context.inventory.region.as_str();
    let foreign = hit.region.filter(|r| r != here);
    let region = foreign.as_deref().unwrap_or(here);
    let service = hit.service.unwrap_or_else(|| row.service.to_owned());
    let host = hit.host.unwrap_or_else(|| services::hostname(region, &service));
    let caller = context.caller(row.who);
    let asks = row.actions.iter().map(|act| Ask { action: act.action, caller: caller.clone(), resource: context.resource(act.on, hit.resource.as_deref()), blocks: act.blocks }).collect();
    let owner = if foreign.is_some() { (Owner::Rule("RG03"), Severity::High) } else { (row.owner, hit.severity.unwrap_or(row.severity)) };
    Need {
        service,
        region: foreign,
        hosts: BTreeSet::from([host]),
        port: hit.port,
        because: BTreeSet::from([hit.because]),
        owners: BTreeSet::from([owner]),
        also: BTreeSet::new(),
        asks,
        workloads: Default::default(),
        units: Default::default(),
        definitions: BTreeMap::new(),
        unsure: hit.unsure,
    }
}

/// Region and resource of an ARN: `arn:partition:service:region:account:resource`.
struct Arn<'a> {
    service: &'a str,
    region: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, _, service, region, _, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (arn == "arn").then_some(Self { service, region, resource })
    }
}

/// Hostname of a bucket: its own, or the region's where dots in its name would not fit a certificate.
fn bucket_host(region: &str, bucket: &str) -> String {
    let suffix = services::suffix_of(region);
    if bucket.is_empty() || bucket.contains(['.', '*']) { format!("s3.{suffix}") } else { format!("{bucket}.s3.{suffix}") }
}

/// Bucket of an object's or bucket's ARN.
fn bucket_of(arn: &str) -> Option<&str> {
    let arn = Arn::parse(arn)?;
    (arn.service == "s3").then(|| arn.resource.split('/').next().unwrap_or(arn.resource)).filter(|b| !b.is_empty())
}
