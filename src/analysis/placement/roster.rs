//! Which task belongs to which service and runs on which instance, and who is hit by what.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::world::World;
use crate::analysis::{Kind, Placement};

/// Live tasks, by service and by instance.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// Service of each task that has one.
    service_of: HashMap<String, String>,
    /// How many live tasks each service has, as far as the service itself was seen.
    tasks_of: HashMap<String, usize>,
    /// Tasks on each container instance.
    on_instance: HashMap<String, Vec<String>>,
}

impl Roster {
    pub(super) fn new(world: &World<'_>) -> Self {
        let mut out = Self::default();
        let seen: HashSet<&str> = world.region.services.iter().map(|s| s.service_arn.as_str()).collect();
        for task in &world.tasks {
            let workload = world.workload_of(task);
            if workload != task.task_arn {
                if seen.contains(workload.as_str()) {
                    *out.tasks_of.entry(workload.clone()).or_default() += 1;
                }
                out.service_of.insert(task.task_arn.clone(), workload);
            }
            if let Some(instance) = &task.container_instance_arn {
                out.on_instance.entry(instance.clone()).or_default().push(task.task_arn.clone());
            }
        }
        out
    }

    /// The service that a task belongs to.
    #[must_use]
    pub fn service_of(&self, task: &str) -> Option<&str> {
        self.service_of.get(task).map(String::as_str)
    }

    /// Live tasks on a container instance.
    #[must_use]
    pub fn on_instance(&self, instance: &str) -> &[String] {
        self.on_instance.get(instance).map_or(&[], Vec::as_slice)
    }

    /// ARNs to name under `affects` for what hits these placements, each with the index of a need, or as a whole. A service
    /// stands for its tasks; where only some of them are hit, they are named beside it.
    #[must_use]
    pub fn affected(&self, placements: &[Placement], hits: impl IntoIterator<Item = (usize, Option<usize>)>) -> BTreeSet<String> {
        let mut found = Found::default();
        for (placement, need) in hits {
            let Some(placement) = placements.get(placement) else { continue };
            match need {
                Some(need) => {
                    if let Some(need) = placement.needs.get(need) {
                        self.hit(&mut found, placement, &need.workloads);
                    }
                }
                None => self.hit(&mut found, placement, &placement.workloads),
            }
        }
        self.named(found)
    }

    /// The same for what one task definition asks for: only those that run it, and the instances on which they do or may.
    #[must_use]
    pub fn affected_by_definition(&self, placements: &[Placement], definition: &str, hits: impl IntoIterator<Item = (usize, usize)>) -> BTreeSet<String> {
        let mut found = Found::default();
        for (placement, need) in hits {
            let Some(placement) = placements.get(placement) else { continue };
            let Some(names) = placement.needs.get(need).and_then(|n| n.definitions.get(definition)) else { continue };
            self.hit(&mut found, placement, names);
            if at_instance(placement) {
                found.names.extend(placement.members.iter().cloned());
            }
        }
        self.named(found)
    }

    fn hit<'a>(&'a self, found: &mut Found<'a>, placement: &'a Placement, names: &BTreeSet<String>) {
        found.names.extend(names.iter().cloned());
        for member in &placement.members {
            let here = if at_instance(placement) { self.on_instance(member) } else { std::slice::from_ref(member) };
            for task in here {
                if let Some(service) = self.service_of(task)
                    && names.contains(service)
                {
                    found.tasks.entry(service).or_default().insert(task);
                }
            }
        }
    }

    fn named(&self, found: Found<'_>) -> BTreeSet<String> {
        let mut out = found.names;
        for (service, hit) in found.tasks {
            // A service that was not seen is known by its tasks alone.
            if self.tasks_of.get(service).is_none_or(|all| hit.len() < *all) {
                out.extend(hit.into_iter().map(str::to_owned));
            }
        }
        out
    }
}

/// Who is hit so far.
#[derive(Default)]
struct Found<'a> {
    names: BTreeSet<String>,
    /// By service.
    tasks: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

const fn at_instance(placement: &Placement) -> bool {
    matches!(placement.kind, Kind::ContainerInstance | Kind::ManagedInstance)
}
