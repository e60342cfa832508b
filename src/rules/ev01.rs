//! EV01: Calls were seen to bypass the endpoint.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::agents::Ways;
use super::endpoints;
use super::{Outcome, Rule, pages, reads, scope_resource, subject, text};
use crate::actions::Action;
use crate::analysis::{Path, Placement, Tri, Unseen, View, Way};
use crate::finding::{Confidence, Evidence, Severity};
use crate::inventory::State;
use crate::inventory::iam::CloudTrailEvent;

/// Calls were seen to bypass the endpoint.
pub static RULE: Rule = Rule {
    id: "EV01",
    name: "public-path-observed",
    title: "Calls were seen to bypass the endpoint",
    severity: Severity::High,
    why: "CloudTrail records through which endpoint a call came. A call without one proves that it went over the public path, whatever the configuration \
          promises.",
    mend: "Look for a proxy, a NO_PROXY setting, DNS servers of one's own, or an agent that was not restarted.",
    sources: &[pages::CLOUDTRAIL, pages::CLOUDTRAIL_RECORD],
    reads: reads::NOTHING,
    check,
};

/// A new endpoint takes all calls after this many seconds.
const SETTLING: i64 = 3600;

/// Which service carries a call.
fn service_of(event: &str) -> Option<&'static str> {
    Some(match event {
        "DiscoverPollEndpoint" | "RegisterContainerInstance" | "SubmitTaskStateChange" => "ecs",
        "GetAuthorizationToken" => "ecr.api",
        "BatchGetImage" | "GetDownloadUrlForLayer" => "ecr.dkr",
        "GetSecretValue" => "secretsmanager",
        "GetParameters" => "ssm",
        "CreateLogStream" => "logs",
        _ => return None,
    })
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    match view.region.completeness.state(Action::LookupEvents) {
        State::NotCollected => return outcome.reason("CloudTrail is asked with --evidence alone"),
        State::Missing => return outcome.unseen([Unseen::Action(Action::LookupEvents)], []),
        State::Complete | State::Assumed | State::Partial => {}
    }
    let callers = callers(view);
    // The latest call of each caller and API: what came before may be mended.
    let mut latest: BTreeMap<(&str, &str), &CloudTrailEvent> = BTreeMap::new();
    for event in &view.region.cloudtrail_events {
        let (Some(name), Some(user)) = (event.event_name.as_deref(), event.username.as_deref()) else { continue };
        if service_of(name).is_none() || !callers.contains_key(user) || event.vpc_endpoint_id.as_deref() == Some("AWS Internal") {
            continue;
        }
        let entry = latest.entry((user, name)).or_insert(event);
        if (event.event_time, event.event_id.as_deref()) > (entry.event_time, entry.event_id.as_deref()) {
            *entry = event;
        }
    }
    if latest.is_empty() {
        if view.placements.is_empty() {
            return;
        }
        return outcome.unseen([Unseen::Datum("any call of these workloads in CloudTrail".to_owned())], []);
    }
    let ways = Ways::new(view);
    let mut bypassed: BTreeMap<&str, Vec<(&CloudTrailEvent, &str)>> = BTreeMap::new();
    let mut foreign: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for ((user, name), event) in latest {
        let (Some(member), Some(service)) = (callers.get(user), service_of(name)) else { continue };
        match event.vpc_endpoint_id.as_deref().filter(|e| !e.is_empty()) {
            Some(id) if view.index.endpoints.contains_key(id) => outcome.pass(),
            Some(id) => {
                foreign.entry(id).or_default().insert((*member).to_owned());
            }
            None => {
                if let Some(endpoint) = promised(view, &ways, member, service, event) {
                    bypassed.entry(endpoint).or_default().push((event, member));
                }
            }
        }
    }
    for (endpoint, events) in &bypassed {
        report(view, outcome, endpoint, events);
    }
    for (id, members) in foreign {
        let message = format!("Calls came through {id}, which is not among the endpoints that were read. It may belong to another account or a hub VPC.");
        let finding = outcome.fail(scope_resource(view), id, message);
        finding.severity = Severity::Medium;
        finding.evidence = vec![Evidence::new(Action::LookupEvents, "vpcEndpointId", id, "")];
        finding.affects = affects(view, members.iter().map(String::as_str));
        finding.remediation.text = "Give the audit the account or VPC of that endpoint too.".to_owned();
    }
}

/// Session names of roles, with the workload that has them: the id of an instance, or of a task.
fn callers<'a>(view: &'a View<'_>) -> HashMap<&'a str, &'a str> {
    let instances = view.region.container_instances.iter().filter_map(|i| Some((i.ec2_instance_id.as_deref()?, i.container_instance_arn.as_str())));
    instances.chain(view.region.tasks.iter().map(|t| (text::last(&t.task_arn), t.task_arn.as_str()))).collect()
}

fn affects<'a>(view: &View<'_>, members: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    members.map(|m| view.roster.service_of(m).unwrap_or(m).to_owned()).collect()
}

/// Whether the latest call of this action by someone of a placement came without an endpoint, though by the configuration the path
/// leads through one that was there long enough.
#[must_use]
pub fn bypassed(view: &View<'_>, placement: &Placement, path: &Path, action: &str) -> bool {
    let Some((_, name)) = action.split_once(':') else { return false };
    let events = view.region.cloudtrail_events.iter().filter(|e| e.event_name.as_deref() == Some(name) && e.vpc_endpoint_id.as_deref() != Some("AWS Internal"));
    let mut events = events.peekable();
    if service_of(name).is_none() || events.peek().is_none() {
        return false;
    }
    let callers = callers(view);
    let of_placement = events.filter(|e| e.username.as_deref().and_then(|u| callers.get(u)).is_some_and(|member| placement.members.iter().any(|m| m == member)));
    let Some(latest) = of_placement.max_by_key(|e| (e.event_time, e.event_id.as_deref())) else { return false };
    latest.vpc_endpoint_id.as_deref().is_none_or(str::is_empty) && service_of(name).is_some_and(|service| endpoint_of(view, path, service, latest).is_some())
}

/// The endpoint that the call should have used, if it was there long enough.
fn promised<'a>(view: &'a View<'_>, ways: &Ways<'a>, member: &str, service: &str, event: &CloudTrailEvent) -> Option<&'a str> {
    let paths = ways.paths(member, |s| s == service);
    paths.iter().find_map(|(_, path)| endpoint_of(view, path, service, event))
}

fn endpoint_of<'a>(view: &'a View<'_>, path: &Path, service: &str, event: &CloudTrailEvent) -> Option<&'a str> {
    if path.verdict != Tri::Pass || !matches!(path.way, Way::InterfaceEndpoint | Way::RemoteEndpoint) {
        return None;
    }
    let named = path.hops.iter().filter_map(|h| h.object.as_deref()).find(|o| o.starts_with("vpce-"));
    let vpc = view.placements.get(path.placement)?.vpc.as_deref()?;
    let local = || view.index.endpoints_of_vpc.get(vpc)?.iter().find(|e| endpoints::short(e) == Some(service) && endpoints::is_state(e, "available")).map(|e| e.vpc_endpoint_id.as_str());
    let endpoint = view.index.endpoints.get(named.or_else(local)?)?;
    let late = event.event_time?.seconds_since(endpoint.creation_timestamp?) > SETTLING;
    late.then_some(endpoint.vpc_endpoint_id.as_str())
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, endpoint: &str, events: &[(&CloudTrailEvent, &str)]) {
    let names: BTreeSet<&str> = events.iter().filter_map(|(e, _)| e.event_name.as_deref()).collect();
    let who: BTreeSet<&str> = events.iter().map(|(_, m)| text::last(m)).collect();
    let service = view.index.endpoints.get(endpoint).and_then(|e| endpoints::short(e)).unwrap_or_default();
    let message = format!(
        "CloudTrail saw calls to {service} pass by {endpoint}, though by the configuration they should use it: {} of {}. Prediction and reality disagree; a proxy, DNS servers of your own or an agent that was not restarted may be behind it.",
        text::list(&names),
        text::some(&who)
    );
    let finding = outcome.fail(subject::of(view, endpoint), "", message);
    finding.confidence = Confidence::Medium;
    finding.affects = affects(view, events.iter().map(|(_, m)| *m));
    finding.evidence = events
        .iter()
        .take(text::SHOWN)
        .map(|(e, m)| {
            Evidence::new(
                Action::LookupEvents,
                "vpcEndpointId",
                "none",
                format!("{} of {} at {}", e.event_name.as_deref().unwrap_or_default(), text::last(m), e.event_time.map(|t| t.to_string()).unwrap_or_default()),
            )
        })
        .collect();
    finding.remediation.commands =
        vec![text::aws(&view.region.region, &format!("cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue={}", names.first().unwrap_or(&"DiscoverPollEndpoint")))];
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{Scene, arn, assert_whole, from, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};
    use crate::inventory::Status;

    fn judged(way: Way, event: Value) -> RuleResult {
        let mut scene = Scene::new();
        scene.endpoint("ecs", "2026-01-10T08:00:00Z", json!({})).instance("a", "2026-01-01T00:00:00Z", json!({}));
        let member = arn("container-instance", "a");
        scene.placement(Kind::ContainerInstance, &[&member], &[("ecs", way, Tri::Pass)]);
        scene.region.completeness.record(Action::LookupEvents, Status::complete());
        let mut fields = json!({"EventId": "1", "EventName": "DiscoverPollEndpoint", "EventTime": "2026-01-10T11:00:00Z", "Username": "i-a"});
        if let (Value::Object(fields), Value::Object(event)) = (&mut fields, event) {
            fields.extend(event);
        }
        scene.region.cloudtrail_events = vec![from(fields)];
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn it_does_not_apply_unless_asked_for() {
        assert_eq!(Scene::new().run(&RULE).verdict, Verdict::NotApplicable);
        let result = Scene::new().deny(Action::LookupEvents).run(&RULE);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::High));
    }

    #[test]
    fn a_call_through_the_endpoint_is_proof() {
        assert_eq!(judged(Way::InterfaceEndpoint, json!({"VpcEndpointId": "vpce-ecs"})).verdict, Verdict::Pass);
    }

    #[test]
    fn a_call_past_a_usable_endpoint_contradicts_the_prediction() {
        let result = judged(Way::InterfaceEndpoint, json!({}));
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::High, Some("vpce-ecs")));
        assert!(finding.affects.contains(&arn("container-instance", "a")));
        // Within the hour after it was made, a call may still go the old way.
        assert_eq!(judged(Way::InterfaceEndpoint, json!({"EventTime": "2026-01-10T08:59:00Z"})).verdict, Verdict::NotApplicable);
        // Where the path is public by prediction there is nothing to contradict.
        assert_eq!(judged(Way::Internet, json!({})).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn an_unseen_endpoint_is_medium_and_calls_of_aws_are_none() {
        assert_eq!(only(&judged(Way::InterfaceEndpoint, json!({"VpcEndpointId": "vpce-hub"}))).severity, Severity::Medium);
        for event in [json!({"VpcEndpointId": "AWS Internal"}), json!({"Username": "somebody"}), json!({"EventName": "ListClusters"})] {
            let result = judged(Way::InterfaceEndpoint, event);
            assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Info));
        }
    }
}
