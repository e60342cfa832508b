//! Needs of task definitions and agents, derived once for each way in which they run.

use std::collections::HashMap;
use std::ptr;

use super::world::{World, name_of};
use crate::analysis::Need;
use crate::analysis::needs::agent::{self, Agent};
use crate::analysis::needs::{self, Derived, Platform, Subject};
use crate::inventory::ecs;

/// One way in which a task definition runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Flavour<'a> {
    pub definition: &'a str,
    /// ARN of the cluster.
    pub cluster: &'a str,
    pub platform: Platform,
    pub exec: bool,
    pub connect: Connect<'a>,
    pub instance_profile: Option<&'a str>,
    pub guard_duty: Option<String>,
    pub sidecars: Vec<(String, String)>,
}

/// Service Connect of a deployment, compared by identity: deployments are few.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connect<'a>(pub Option<&'a ecs::ServiceConnectConfiguration>);

impl Connect<'_> {
    fn address(self) -> usize {
        self.0.map_or(0, |c| ptr::from_ref(c).addr())
    }
}

impl PartialEq for Connect<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Connect<'_> {}

impl std::hash::Hash for Connect<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// An agent's cluster, kind, instance profile, and why GuardDuty watches it.
type AgentKey<'a> = (&'a str, bool, Option<&'a str>, Option<String>);

/// Derives and remembers.
#[derive(Debug)]
pub(super) struct Deriver<'a> {
    world: &'a World<'a>,
    ids: HashMap<Flavour<'a>, usize>,
    all: Vec<(Derived, &'a str)>,
    agent_ids: HashMap<AgentKey<'a>, usize>,
    agents: Vec<Vec<Need>>,
}

static NOTHING: Derived = Derived { task: Vec::new(), instance: Vec::new(), hints: Vec::new(), unseen: std::collections::BTreeMap::new() };

impl<'a> Deriver<'a> {
    pub fn new(world: &'a World<'a>) -> Self {
        Self { world, ids: HashMap::new(), all: Vec::new(), agent_ids: HashMap::new(), agents: Vec::new() }
    }

    /// The id of what a task definition needs in this flavour.
    pub fn id(&mut self, flavour: Flavour<'a>) -> usize {
        if let Some(id) = self.ids.get(&flavour) {
            return *id;
        }
        let (definition, seen) = self.world.definition(flavour.definition);
        let blank = ecs::TaskDefinition { task_definition_arn: flavour.definition.to_owned(), ..Default::default() };
        let derived = needs::derive(&Subject {
            inventory: self.world.region,
            definition: definition.unwrap_or(&blank),
            seen,
            cluster: name_of(flavour.cluster),
            platform: flavour.platform,
            exec: flavour.exec,
            exec_configuration: self.world.cluster(flavour.cluster).and_then(|c| c.configuration.as_ref()).and_then(|c| c.execute_command_configuration.as_ref()),
            service_connect: flavour.connect.0,
            instance_profile: flavour.instance_profile,
            guard_duty: flavour.guard_duty.as_deref(),
            sidecars: &flavour.sidecars,
        });
        let id = self.all.len();
        self.all.push((derived, flavour.definition));
        self.ids.insert(flavour, id);
        id
    }

    /// The id of what an agent needs.
    pub fn agent(&mut self, cluster: &'a str, managed: bool, instance_profile: Option<&'a str>, guard_duty: Option<String>) -> usize {
        let key = (cluster, managed, instance_profile, guard_duty);
        if let Some(id) = self.agent_ids.get(&key) {
            return *id;
        }
        let found = agent::needs(&Agent { inventory: self.world.region, cluster: name_of(cluster), managed, instance_profile, guard_duty: key.3.as_deref() });
        let id = self.agents.len();
        self.agents.push(found);
        self.agent_ids.insert(key, id);
        id
    }

    pub fn get(&self, id: usize) -> &Derived {
        self.all.get(id).map_or(&NOTHING, |(derived, _)| derived)
    }

    /// ARN of the task definition that was derived from.
    pub fn definition(&self, id: usize) -> &'a str {
        self.all.get(id).map_or("", |(_, arn)| arn)
    }

    pub fn agent_needs(&self, id: usize) -> &[Need] {
        self.agents.get(id).map_or(&[], Vec::as_slice)
    }
}
