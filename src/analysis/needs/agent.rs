//! What the agent of a container instance needs: the three ECS endpoints (C01, C03), and GuardDuty's agent beside it (C27).

use std::collections::BTreeMap;

use super::{Context, Hit, On, Row, Stands, Who, may, merge, must, need_of};
use crate::analysis::{Need, Owner};
use crate::finding::Severity;
use crate::inventory::Region;

/// A container instance, as far as it decides what its agent needs.
#[derive(Debug, Clone, Copy)]
pub struct Agent<'a> {
    /// The inventory.
    pub inventory: &'a Region,
    /// Name of the cluster.
    pub cluster: &'a str,
    /// A Managed Instance.
    pub managed: bool,
    /// Instance profile, where one was seen.
    pub instance_profile: Option<&'a str>,
    /// Why GuardDuty is taken to watch the instance.
    pub guard_duty: Option<&'a str>,
}

/// When a row applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every agent.
    Always,
    /// Managed Instances.
    Managed,
    /// GuardDuty watches instances.
    GuardDuty,
}

const fn trio(capability: &'static str, service: &'static str, when: When, actions: &'static [super::Act]) -> Row<When> {
    Row { capability, what: "container agent", service, owner: Owner::Rule("EP01"), severity: Severity::Critical, stands: Stands::Instance, who: Who::Instance, actions, detect: when }
}

/// The table.
pub static ROWS: &[Row<When>] = &[
    trio(
        "C01",
        "ecs",
        When::Always,
        &[
            must("ecs:DiscoverPollEndpoint", On::Star),
            must("ecs:RegisterContainerInstance", On::Cluster),
            must("ecs:SubmitTaskStateChange", On::Cluster),
            must("ecs:SubmitAttachmentStateChanges", On::Cluster),
            may("ecs:UpdateContainerInstancesState", On::ContainerInstances),
            may("ecs:TagResource", On::ContainerInstances),
        ],
    ),
    trio("C01", "ecs-agent", When::Always, &[must("ecs:Poll", On::ContainerInstances)]),
    trio("C01", "ecs-telemetry", When::Always, &[must("ecs:Poll", On::ContainerInstances), must("ecs:StartTelemetrySession", On::ContainerInstances)]),
    trio("C03", "ecs-telemetry", When::Managed, &[may("ecs:PutSystemLogEvents", On::ContainerInstances)]),
    Row {
        capability: "C27",
        what: "GuardDuty's agent",
        service: "guardduty-data",
        owner: Owner::Rule("EP13"),
        severity: Severity::Medium,
        stands: Stands::Instance,
        who: Who::Instance,
        actions: &[may("guardduty:SendSecurityTelemetry", On::Star)],
        detect: When::GuardDuty,
    },
];

/// Needs of an agent, sorted.
#[must_use]
pub fn needs(agent: &Agent<'_>) -> Vec<Need> {
    let context = Context { inventory: agent.inventory, cluster: agent.cluster, execution_role: None, task_role: None, roles_seen: true, instance: Some(agent.instance_profile) };
    let mut out = BTreeMap::new();
    for row in ROWS {
        let because = match row.detect {
            When::Always | When::Managed if agent.managed => format!("container agent of cluster {}, managedInstancesProvider", agent.cluster),
            When::Always => format!("container agent of cluster {}, containerInstances", agent.cluster),
            When::GuardDuty if agent.guard_duty.is_some() => agent.guard_duty.unwrap_or_default().to_owned(),
            When::Managed | When::GuardDuty => continue,
        };
        merge(&mut out, need_of(row, Hit::new(because), &context));
    }
    out.into_values().collect()
}
