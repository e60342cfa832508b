//! One test for each capability of the table, C01 to C37 (`rows`), and for each trap that a list of endpoints gets wrong, F1 to
//! F16 (`traps`, or beside the row).

mod rows;
mod traps;

use std::collections::BTreeSet;

use super::*;
use crate::analysis::testing::{ACCOUNT, REGION, SUBNET_A, Scene, arn, container, log, need, outline, pair, secret, text};
use crate::analysis::{Kind, Names};
use crate::inventory::{Answer, iam};

const EXECUTION: &str = "arn:aws:iam::111122223333:role/execution";
const TASK: &str = "arn:aws:iam::111122223333:role/task";

/// A Fargate service with one task of a definition that `change` made.
fn fargate(change: impl FnOnce(&mut ecs::TaskDefinition)) -> Scene {
    let mut s = Scene::new();
    let definition = s.definition("web", change);
    s.service("c", "web", &definition, "FARGATE", &[SUBNET_A]);
    s.fargate_task("c", "t", &definition, Some("web"), SUBNET_A);
    s
}

/// An EC2 service with one task, on an instance in the same subnet.
fn on_instance(mode: &str, change: impl FnOnce(&mut ecs::TaskDefinition)) -> Scene {
    let mut s = Scene::new();
    let instance = s.instance("c", "i", SUBNET_A);
    let definition = s.definition("web", |d| {
        d.network_mode = text(mode);
        change(d);
    });
    let own = mode == "awsvpc";
    s.service("c", "web", &definition, "EC2", if own { &[SUBNET_A] } else { &[] });
    s.instance_task("c", "t", &definition, Some("web"), &instance, own.then_some(SUBNET_A));
    s
}

fn services(s: &Scene, kind: Kind) -> Vec<String> {
    s.placements().iter().filter(|p| p.kind == kind).flat_map(|p| p.needs.iter().map(|n| n.service.clone())).collect()
}

fn one(s: &Scene, service: &str) -> Need {
    need(&s.placements(), service).unwrap_or_else(|| panic!("no need of {service}: {:?}", outline(&s.placements()))).clone()
}

fn has(s: &Scene, service: &str) -> bool {
    need(&s.placements(), service).is_some()
}

/// `action resource caller`, `!` before what blocks.
fn asks(n: &Need) -> Vec<String> {
    let caller = |c: &Caller| match c {
        Caller::Role(r) => r.rsplit('/').next().unwrap_or_default().to_owned(),
        Caller::InstanceProfile(_) => "instance".to_owned(),
        Caller::AwsOwned => "aws".to_owned(),
        Caller::Unknown => "?".to_owned(),
    };
    n.asks.iter().map(|a| format!("{}{} {} {}", if a.blocks { "!" } else { "" }, a.action, a.resource, caller(&a.caller))).collect()
}

fn owner(n: &Need) -> Vec<(&'static str, Severity)> {
    n.owners
        .iter()
        .map(|(o, s)| match o {
            Owner::Rule(r) => (*r, *s),
            Owner::Image => ("WL01", *s),
        })
        .collect()
}

fn hosts(n: &Need) -> Vec<&str> {
    n.hosts.iter().map(String::as_str).collect()
}

fn hint(s: &Scene, capability: &str) -> Vec<(String, bool)> {
    s.view(|v| v.hints.iter().filter(|h| h.capability == capability).map(|h| (h.service.clone(), h.undecided)).collect())
}

/// Exec on for service and task, with this configuration of the cluster.
fn exec(mut s: Scene, configuration: Option<ecs::ExecuteCommandConfiguration>) -> Scene {
    s.last_service().enable_execute_command = Some(true);
    s.last_task().enable_execute_command = Some(true);
    s.cluster_mut("c").configuration = Some(ecs::ClusterConfiguration { execute_command_configuration: configuration });
    s
}
