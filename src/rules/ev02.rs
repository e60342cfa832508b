//! EV02: Tasks failed to start for a network reason.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, Rule, agents, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Tri, View};
use crate::finding::{Evidence, Severity};
use crate::inventory::ecs::Task;

/// Tasks failed to start for a network reason.
pub static RULE: Rule = Rule {
    id: "EV02",
    name: "start-failure-observed",
    title: "Tasks failed to start for a network reason",
    severity: Severity::High,
    why: "Stopped tasks and service events name what failed last. Where that matches a finding, the prediction is proven; where it matches none, the cause lies \
          outside of what the audit sees.",
    mend: "Mend the findings that are named; without any, look for a proxy, a firewall on the host, IAM or a quota.",
    sources: &[pages::RESOURCE_INIT, pages::PULL_ERRORS],
    reads: reads::WORKLOADS,
    check,
};

/// Stopped tasks are kept by ECS for an hour; older ones in a recording tell of other times. In seconds.
const RECENT: i64 = 2 * 3600;

/// A symptom: all of `all` and one of `any` stand in the text; `rules` own what may be behind it.
struct Symptom {
    id: &'static str,
    what: &'static str,
    all: &'static [&'static str],
    any: &'static [&'static str],
    rules: &'static [&'static str],
}

/// What a blocked connection looks like.
const NETWORK: &[&str] = &[
    "dial tcp",
    "dial udp",
    "i/o timeout",
    "tls handshake timeout",
    "connection timed out",
    "client.timeout exceeded",
    "request canceled while waiting for connection",
    "context deadline exceeded",
    "signal: killed",
];

/// Symptoms, the most telling first: a text counts for the first that fits.
const SYMPTOMS: &[Symptom] = &[
    Symptom {
        id: "layers",
        what: "image layers did not come from S3",
        all: &[],
        any: &["starport-layer-bucket", "httpreaderseeker", "invalid memory address"],
        rules: &["EP06", "NW04", "NW05", "NW06", "NW07", "NW08", "NW09", "PO05", "WL03", "DN05", "DN08"],
    },
    Symptom {
        id: "environment",
        what: "environment files did not come from S3",
        all: &[],
        any: &["environment variable files", "environment files"],
        rules: &["EP06", "NW06", "NW07", "NW08", "NW09", "PO05", "RG03", "WL03"],
    },
    Symptom { id: "refused", what: "a pull was refused", all: &["cannotpull"], any: &["403 forbidden", "accessdenied", "access denied"], rules: &["PO05", "PO06", "PO08"] },
    Symptom { id: "credentials", what: "the registry got no credentials", all: &[], any: &["no basic auth credentials"], rules: &["AG01", "EP04", "PO06"] },
    Symptom {
        id: "name",
        what: "a name did not resolve",
        all: &["lookup "],
        any: &["no such host", "server misbehaving", "i/o timeout"],
        rules: &["DN01", "DN02", "DN03", "DN04", "DN05", "DN07", "DN08"],
    },
    Symptom {
        id: "secrets",
        what: "a secret or parameter could not be fetched",
        all: &["unable to pull secrets or registry auth"],
        any: &["secretsmanager", "ssm.", "parameter"],
        rules: &["EP07", "EP08", "WL04", "NW01", "NW02", "NW03", "NW04", "NW05", "NW06", "WL03", "DN01", "DN02", "DN04", "DN05", "DN07", "DN08", "PO07"],
    },
    Symptom {
        id: "login",
        what: "no login to the image registry",
        all: &["unable to pull secrets or registry auth"],
        any: &[""],
        rules: &["EP04", "NW01", "NW02", "NW03", "NW04", "NW05", "NW06", "WL03", "DN01", "DN02", "DN03", "DN04", "DN05", "DN07", "DN08", "PO06"],
    },
    Symptom {
        id: "logs",
        what: "the log driver could not start",
        all: &[],
        any: &["failed to initialize logging driver", "cannot find the amazon cloudwatch log group"],
        rules: &["EP09", "RG03", "NW01", "NW02", "NW03", "NW04", "NW05", "NW06", "WL03", "DN01", "DN02", "DN04", "DN05", "DN07", "DN08", "PO07"],
    },
    Symptom { id: "efs", what: "a file system could not be mounted", all: &[], any: &["efs utils commands"], rules: &["EP13", "DN02", "DN04"] },
    Symptom {
        id: "pull",
        what: "an image could not be pulled",
        all: &["cannotpull"],
        any: NETWORK,
        rules: &["EP05", "WL01", "WL02", "RG03", "NW01", "NW02", "NW03", "NW04", "NW05", "NW06", "WL03", "DN01", "DN02", "DN03", "DN04", "DN05", "DN07", "DN08", "PO06"],
    },
    Symptom {
        id: "docker",
        what: "Docker gave up after its timeout",
        all: &[],
        any: &["dockertimeouterror"],
        rules: &["EP04", "EP05", "EP06", "EP07", "EP08", "EP09", "NW01", "NW02", "NW03", "NW04", "NW05", "NW06", "NW07", "NW08", "NW09", "WL01", "WL03", "DN01", "DN02", "DN04"],
    },
    Symptom {
        id: "network",
        what: "a connection did not come about",
        all: &["resourceinitializationerror"],
        any: NETWORK,
        rules: &["EP04", "EP05", "EP06", "EP07", "EP08", "EP09", "NW01", "NW02", "NW03", "NW04", "NW05", "NW06", "NW07", "NW08", "NW09", "WL03", "DN01", "DN02", "DN04", "DN05", "DN07", "DN08"],
    },
];

fn symptom(text: &str) -> Option<&'static Symptom> {
    let text = text.to_ascii_lowercase();
    SYMPTOMS.iter().find(|s| s.all.iter().all(|a| text.contains(a)) && s.any.iter().any(|a| text.contains(a)))
}

/// The general symptom, for what kept a task from starting and looks like a blocked connection.
fn tell_tale(text: &str) -> Option<&'static Symptom> {
    let text = text.to_ascii_lowercase();
    SYMPTOMS.iter().find(|s| s.id == "network").filter(|s| s.any.iter().any(|a| text.contains(a)))
}

/// Where a text was read.
struct Seen<'a> {
    action: Action,
    field: &'static str,
    text: &'a str,
    object: &'a str,
}

/// Failures by service or lone task and by symptom.
type Observed<'a> = BTreeMap<(String, &'static str), Vec<Seen<'a>>>;

/// What stopped tasks and events tell, and whether there were any to look at.
fn observed<'a>(view: &'a View<'_>) -> (Observed<'a>, bool) {
    let mut found = Observed::new();
    let mut looked = false;
    let stopped = |t: &&Task| t.last_status.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("STOPPED"));
    let recent = |t: &&Task| t.stopped_at.zip(view.now).is_none_or(|(at, now)| now.seconds_since(at) <= RECENT);
    for task in view.region.tasks.iter().filter(stopped).filter(recent).filter(|t| agents::cluster_in_scope(view, t.cluster_arn.as_deref())) {
        looked = true;
        let own = task.stopped_reason.as_deref().map(|t| ("stoppedReason", t));
        let of_containers = task.containers.iter().filter_map(|c| c.reason.as_deref()).map(|t| ("containers[].reason", t));
        // One task fails for one reason: the first text that tells.
        let failed_to_start = task.stop_code.as_deref().is_some_and(|c| c.eq_ignore_ascii_case("TaskFailedToStart"));
        let told = own.into_iter().chain(of_containers).find_map(|(field, t)| Some((symptom(t).or_else(|| if failed_to_start { tell_tale(t) } else { None })?, field, t)));
        if let Some((symptom, field, text)) = told {
            let seen = Seen { action: Action::DescribeTasks, field, text, object: &task.task_arn };
            found.entry((unit_of(view, task), symptom.id)).or_default().push(seen);
        }
    }
    for service in view.region.services.iter().filter(|s| agents::cluster_in_scope(view, s.cluster_arn.as_deref())) {
        looked = true;
        // What lies before the last steady state is over.
        let steady = service.events.iter().filter(|e| e.message.as_deref().is_some_and(|m| m.contains("has reached a steady state"))).filter_map(|e| e.created_at).max();
        for event in service.events.iter().filter(|e| steady.is_none_or(|s| e.created_at.is_some_and(|t| t > s))) {
            if let Some((symptom, text)) = event.message.as_deref().and_then(|m| Some((symptom(m)?, m))) {
                let seen = Seen { action: Action::DescribeServices, field: "events[].message", text, object: &service.service_arn };
                found.entry((service.service_arn.clone(), symptom.id)).or_default().push(seen);
            }
        }
    }
    (found, looked)
}

/// The services and lone tasks of which a failure was observed that a rule may be behind, by rule.
#[must_use]
pub fn failed_by_rule(view: &View<'_>) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut out: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (unit, id) in observed(view).0.into_keys() {
        for rule in SYMPTOMS.iter().filter(|s| s.id == id).flat_map(|s| s.rules) {
            out.entry(rule).or_default().insert(unit.clone());
        }
    }
    out
}

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let (found, looked) = observed(view);
    if looked && found.is_empty() {
        outcome.pass();
        outcome.reason("no task that stopped lately, and no event of a service, tells of a network failure");
    }
    for ((unit, id), seen) in &found {
        if let Some(symptom) = SYMPTOMS.iter().find(|s| s.id == *id) {
            report(view, outcome, unit, symptom, seen);
        }
    }
}

/// The service that a task belonged to, or the task itself.
fn unit_of(view: &View<'_>, task: &Task) -> String {
    let service = task
        .group
        .as_deref()
        .and_then(|g| g.strip_prefix("service:"))
        .and_then(|name| view.region.services.iter().find(|s| s.service_name.as_deref() == Some(name) && s.cluster_arn == task.cluster_arn));
    service.map_or_else(|| task.task_arn.clone(), |s| s.service_arn.clone())
}

/// Failures of the linked rules on paths of the service or task, as `EP04 on vpc-1`.
fn explained(view: &View<'_>, unit: &str, rules: &[&str]) -> BTreeSet<String> {
    let of = |p: &&crate::analysis::Path| {
        view.placements
            .get(p.placement)
            .is_some_and(|place| place.workloads.contains(unit) || place.members.iter().any(|m| m == unit) || place.needs.get(p.need).is_some_and(|n| n.workloads.contains(unit)))
    };
    let causes = view.paths.iter().filter(of).flat_map(|p| &p.causes).filter(|c| c.verdict == Tri::Fail && c.severity >= Severity::Medium && rules.contains(&c.rule));
    causes.map(|c| format!("{} on {}", c.rule, text::last(&c.object))).collect()
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, unit: &str, symptom: &Symptom, seen: &[Seen<'_>]) {
    let why = explained(view, unit, symptom.rules);
    let times = if seen.len() == 1 { "once".to_owned() } else { format!("{} times", seen.len()) };
    let mut message = format!("{} failed to start: {} (seen {times}).", text::last(unit), symptom.what);
    if why.is_empty() {
        message.push_str(" No finding explains it: look for a proxy, a firewall on the host, the role, a quota, or a change since.");
    } else {
        message.push_str(&format!(" Explained by {}.", text::some(&why)));
    }
    let finding = outcome.fail(subject::of(view, unit), symptom.id, message);
    if why.is_empty() {
        finding.severity = Severity::Medium;
    }
    finding.affects = BTreeSet::from([unit.to_owned()]);
    finding.evidence = seen.iter().take(text::SHOWN).map(|s| Evidence::new(s.action, s.field, cut(s.text), text::last(s.object))).collect();
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(400) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{CLUSTER, Scene, VPC, arn, assert_whole, from, only};
    use super::{RULE, symptom};
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const LOGIN: &str = "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. RequestError: send request failed caused by: Post \"https://api.ecr.us-east-2.amazonaws.com/\": dial tcp 52.95.1.1:443: i/o timeout";

    fn scene(task: Value) -> Scene {
        let mut scene = Scene::new();
        scene.region.services = vec![from(json!({"serviceArn": arn("service", "s"), "serviceName": "s", "clusterArn": CLUSTER, "status": "ACTIVE"}))];
        let mut fields =
            json!({"taskArn": arn("task", "t"), "clusterArn": CLUSTER, "group": "service:s", "lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedAt": "2026-01-10T11:50:00Z"});
        if let (Value::Object(fields), Value::Object(task)) = (&mut fields, task) {
            fields.extend(task);
        }
        scene.region.tasks = vec![from(fields)];
        scene
    }

    fn judged(scene: &Scene) -> RuleResult {
        let result = scene.run(&RULE);
        assert_whole(&result);
        result
    }

    #[test]
    fn a_tell_tale_counts_where_it_kept_a_task_from_starting() {
        let reason = "CannotStartContainerError: failed to create task: dial tcp 10.0.0.7:443: i/o timeout";
        assert_eq!(judged(&scene(json!({"stoppedReason": reason}))).verdict, Verdict::Fail);
        assert_eq!(judged(&scene(json!({"stoppedReason": reason, "stopCode": "EssentialContainerExited"}))).verdict, Verdict::Pass, "what the application says is its own affair");
    }

    #[test]
    fn texts_are_told_apart() {
        for (text, expected) in [
            (LOGIN, Some("login")),
            (
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: ... https://secretsmanager.us-east-2.amazonaws.com/: context deadline exceeded",
                Some("secrets"),
            ),
            (
                "CannotPullContainerError: Error response from daemon: Get \"https://111122223333.dkr.ecr.us-east-2.amazonaws.com/v2/\": net/http: request canceled while waiting for connection",
                Some("pull"),
            ),
            (
                "CannotPullContainerError: failed to copy: httpReaderSeeker: failed open: Get \"https://prod-us-east-2-starport-layer-bucket.s3.us-east-2.amazonaws.com/x\": dial tcp: i/o timeout",
                Some("layers"),
            ),
            ("CannotPullContainerError: pull command failed: panic: runtime error: invalid memory address or nil pointer dereference", Some("layers")),
            ("CannotPullContainerError: unexpected status 403 Forbidden", Some("refused")),
            ("CannotPullContainerError: dial tcp: lookup api.ecr.us-east-2.amazonaws.com on 10.0.0.2:53: no such host", Some("name")),
            ("failed to initialize logging driver: failed to create Cloudwatch log stream", Some("logs")),
            ("ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes", Some("efs")),
            ("DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s", Some("docker")),
            ("ResourceInitializationError: failed to download env files: can't download the environment variable files from Amazon S3", Some("environment")),
            ("no basic auth credentials", Some("credentials")),
            ("Essential container in task exited", None),
            ("Scaling activity initiated by deployment", None),
        ] {
            assert_eq!(symptom(text).map(|s| s.id), expected, "{text}");
        }
    }

    #[test]
    fn a_failure_that_a_finding_explains_is_high() {
        let mut scene = scene(json!({"stoppedReason": LOGIN}));
        let service = arn("service", "s");
        scene.placement(Kind::Service, &[], &[("ecr.api", Way::None, Tri::Fail)]);
        scene.placements[0].workloads = std::sync::Arc::new([service.clone()].into());
        scene.cause("ecr.api", "EP04", Tri::Fail, Severity::Critical, VPC);
        let result = judged(&scene);
        let finding = only(&result);
        assert_eq!((finding.severity, finding.resource.id.as_deref()), (Severity::High, Some(service.as_str())));
        assert!(finding.message.contains("EP04 on vpc-1"), "{}", finding.message);
        assert!(finding.evidence[0].value.as_ref().is_some_and(|v| v.contains("api.ecr")));
    }

    #[test]
    fn one_that_nothing_explains_is_medium() {
        let result = judged(&scene(json!({"stoppedReason": LOGIN})));
        assert_eq!(only(&result).severity, Severity::Medium);
        assert!(only(&result).message.contains("proxy"));
    }

    #[test]
    fn reasons_of_containers_count_and_tasks_of_one_service_are_one_finding() {
        let mut scene = scene(json!({"stoppedReason": "Task failed to start", "containers": [{"name": "app", "reason": LOGIN}]}));
        let mut second = scene.region.tasks[0].clone();
        second.task_arn = arn("task", "u");
        scene.region.tasks.push(second);
        let result = judged(&scene);
        assert!(only(&result).message.contains("seen 2 times"), "{}", only(&result).message);
    }

    #[test]
    fn what_is_long_past_or_healed_does_not_count() {
        assert_eq!(judged(&scene(json!({"stoppedReason": LOGIN, "stoppedAt": "2026-01-10T08:00:00Z"}))).verdict, Verdict::Pass);
        let mut scene = scene(json!({"lastStatus": "RUNNING"}));
        let event = |at: &str, message: &str| from(json!({"createdAt": at, "message": message}));
        scene.region.services[0].events = vec![event("2026-01-10T10:00:00Z", "(service s) has reached a steady state."), event("2026-01-10T09:00:00Z", LOGIN)];
        assert_eq!(judged(&scene).verdict, Verdict::Pass);
        scene.region.services[0].events.insert(0, event("2026-01-10T11:00:00Z", LOGIN));
        assert_eq!(judged(&scene).verdict, Verdict::Fail);
    }

    #[test]
    fn nothing_to_look_at_and_nothing_seen() {
        assert_eq!(judged(&Scene::new()).verdict, Verdict::NotApplicable);
        assert_eq!(judged(Scene::new().deny(Action::DescribeTasks)).verdict, Verdict::Unknown);
    }
}
