//! Whether an agent has picked the endpoints up
//! (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html>: restart the agents after the endpoints were
//! made). An agent keeps the hosts that DiscoverPollEndpoint gave it for 12 hours, before 1.59.0 for 20 minutes, and moves to
//! others when its connection is renewed, at least every 35 minutes.

use std::collections::BTreeSet;

use super::{Agent, Machine, TRIO, Version, Ways, trio_of, unseen_of};
use crate::actions::Action;
use crate::analysis::{Tri, Unseen, View, Way};
use crate::inventory::Time;
use crate::inventory::ec2::VpcEndpoint;

/// An agent with the long cache has moved by itself after this many seconds.
const LONG: i64 = 13 * 3600;
/// One with the short cache after this many.
const SHORT: i64 = 3600;
/// The first agent with the long cache.
const LONG_SINCE: [u64; 3] = [1, 59, 0];

/// What is known of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pickup {
    /// Its VPC has not all three endpoints, or its machine does not run: there is nothing to pick up.
    Aside,
    /// It started after the endpoints were there.
    Started,
    /// CloudTrail saw it call through the ecs endpoint.
    Observed,
    /// It has been connected for longer than it keeps host names.
    Likely,
    /// CloudTrail saw it call past the endpoint.
    Bypasses,
    /// Nothing shows that it was restarted.
    NotShown {
        /// When the last endpoint was made.
        since: Time,
    },
    /// Not to be told, and why.
    Unknown(BTreeSet<Unseen>),
    /// A field that AWS always gives is missing: which, and of what.
    NoTime(String),
}

/// Judges one agent; the first step that matches wins.
#[must_use]
pub fn picked_up(view: &View<'_>, ways: &Ways<'_>, agent: &Agent<'_>) -> Pickup {
    let unseen = |action| Pickup::Unknown(BTreeSet::from([Unseen::Action(action)]));
    match (agent.runs(), agent.vpc) {
        (Some(false), _) => return Pickup::Aside,
        (None, _) | (_, None) if !matches!(agent.machine, Machine::External) => return unseen(Action::DescribeInstances),
        _ => {}
    }
    let Some(vpc) = agent.vpc else { return Pickup::Aside };
    let trio = trio_of(view, vpc);
    let [Some(_), Some(_), Some(ecs)] = trio else {
        // Endpoints that were not all seen may be there; which ones are missing is another rule's.
        return if view.seen(Action::DescribeVpcEndpoints) { Pickup::Aside } else { unseen(Action::DescribeVpcEndpoints) };
    };
    let complete = match last_made(trio) {
        Ok(time) => time,
        Err(endpoint) => return Pickup::NoTime(format!("CreationTimestamp of {endpoint}")),
    };
    let registered = agent.instance.registered_at;
    let launched = if let Machine::Seen(machine) = agent.machine { machine.launch_time } else { None };
    if registered.is_some_and(|t| t > complete) || launched.is_some_and(|t| t > complete) {
        return Pickup::Started;
    }
    if let Some(observed) = observed(view, agent, ecs, complete) {
        return observed;
    }
    if registered.is_none() {
        return Pickup::NoTime(format!("registeredAt of {}", agent.arn()));
    }
    let paths = ways.control(agent.arn());
    let reachable = TRIO.iter().map(|t| paths.iter().find(|(service, _)| service == t).map_or(Tri::Unknown, |(_, p)| p.verdict)).max().unwrap_or(Tri::Unknown);
    if agent.instance.agent_connected == Some(false) || reachable == Tri::Fail {
        return Pickup::NotShown { since: complete };
    }
    let Some(now) = view.now else {
        return Pickup::Unknown(BTreeSet::from([Unseen::Datum("the time of the recording (give it with --now)".to_owned())]));
    };
    let keeps = match agent.instance.version_info.as_ref().and_then(|v| v.agent_version.as_deref()).and_then(Version::parse) {
        Some(version) if version.number < LONG_SINCE => SHORT,
        _ => LONG,
    };
    if now.seconds_since(complete) <= keeps {
        return Pickup::NotShown { since: complete };
    }
    if agent.instance.agent_connected.is_none() {
        return Pickup::NoTime(format!("agentConnected of {}", agent.arn()));
    }
    match reachable {
        Tri::Unknown => Pickup::Unknown(unseen_of(&paths)),
        // Names that lead past the endpoints are the finding; no restart would change them.
        _ if paths.iter().any(|(_, p)| p.way == Way::Internet) => Pickup::Aside,
        _ => Pickup::Likely,
    }
}

/// When the last of the three was made; the id of one whose time is missing.
fn last_made(trio: [Option<&VpcEndpoint>; 3]) -> Result<Time, &str> {
    let mut last: Option<Time> = None;
    for endpoint in trio.into_iter().flatten() {
        let time = endpoint.creation_timestamp.ok_or(endpoint.vpc_endpoint_id.as_str())?;
        last = last.max(Some(time));
    }
    last.ok_or("the endpoints")
}

/// What CloudTrail saw last of the agent's own calls to ecs after the endpoints were there. The session of an instance role bears
/// the id of the instance.
fn observed(view: &View<'_>, agent: &Agent<'_>, ecs: &VpcEndpoint, since: Time) -> Option<Pickup> {
    let id = agent.instance.ec2_instance_id.as_deref()?;
    let event = view
        .region
        .cloudtrail_events
        .iter()
        .filter(|e| matches!(e.event_name.as_deref(), Some("DiscoverPollEndpoint" | "RegisterContainerInstance")))
        .filter(|e| e.username.as_deref() == Some(id) && e.event_time.is_some_and(|t| t > since))
        .max_by_key(|e| (e.event_time, e.event_id.as_deref()))?;
    match event.vpc_endpoint_id.as_deref() {
        Some(endpoint) if endpoint == ecs.vpc_endpoint_id => Some(Pickup::Observed),
        None | Some("") => Some(Pickup::Bypasses),
        Some(_) => None,
    }
}
