//! The answer in words: who is cut off and where, how complete the audit was, what it assumed.

use std::collections::{BTreeMap, BTreeSet};

use super::super::text::{clean, count, list, thousands};
use super::super::{PathLine, Report};
use super::{Ground, Matrix, OBJECT, Reach, Row, kind_words, places, service_rank, state_name, stop_parts};
use crate::analysis::{HopName, Kind, Tri};
use crate::finding::{Severity, Verdict};
use crate::inventory::State;

/// Whether only some interfaces of the endpoint stop the path, so that it fails now and then.
#[must_use]
pub fn intermittent(path: &PathLine) -> bool {
    path.blocked_at.is_some_and(|b| path.hops.iter().any(|h| h.hop == b && h.verdict == Tri::Pass))
}

/// What a workload loses with a service, in the words of who runs it.
fn consequence(kind: Kind, service: &str, now_and_then: bool) -> &'static str {
    let instance = matches!(kind, Kind::ContainerInstance | Kind::ManagedInstance);
    match (service, now_and_then) {
        ("ecs" | "ecs-agent" | "ecs-telemetry", false) if instance => "agents cannot register or stay connected",
        ("ecs" | "ecs-agent" | "ecs-telemetry", true) if instance => "agents lose their connection now and then",
        ("ssmmessages", _) => "ECS Exec does not work",
        ("ecr.api" | "ecr.dkr" | "s3" | "secretsmanager" | "ssm", true) => "tasks fail to start now and then",
        ("ecr.api" | "ecr.dkr" | "secretsmanager" | "ssm", false) => "tasks cannot start",
        ("logs", false) if kind == Kind::FargateTask => "tasks cannot start",
        (s, _) if s.starts_with("registry:") => "tasks cannot start",
        _ => "a feature in use does not work",
    }
}

/// One line of the summary: a workload, what it cannot reach, where that stops, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Trouble {
    pub workloads: Vec<String>,
    pub places: Vec<String>,
    pub services: Vec<String>,
    pub stop: String,
    pub consequence: String,
    /// The VPC, where the report covers several.
    pub vpc: Option<String>,
}

impl Trouble {
    /// Who is hit, the first few by name.
    #[must_use]
    pub fn who(&self) -> String {
        list(&self.workloads, 3)
    }

    /// What follows the name: where, which services, where that stops, what is lost.
    #[must_use]
    pub fn what(&self) -> String {
        let vpc = self.vpc.as_deref().map(|v| format!(" of {v}")).unwrap_or_default();
        let places = if self.places.is_empty() { String::new() } else { format!(" in {}{vpc}", list(&self.places, 4)) };
        let then = if self.consequence.is_empty() { String::new() } else { format!(": {}", self.consequence) };
        format!("{places}: {}: {}{then}", list(&self.services, 8), self.stop)
    }
}

/// The troubles (`Blocked` or `Unknown`) of a matrix, one for each place of stopping, the most paths first.
#[must_use]
pub fn troubles(report: &Report, matrix: &Matrix, which: Reach) -> Vec<Trouble> {
    // By where it stops: the workloads, places, services and consequences there, and how many paths.
    type Group = (BTreeSet<String>, BTreeSet<usize>, BTreeSet<(usize, String)>, BTreeSet<&'static str>, BTreeSet<String>, usize);
    let index: BTreeMap<&str, usize> = report.placements.iter().enumerate().map(|(i, p)| (p.id.as_str(), i)).collect();
    let mut groups: BTreeMap<(Ground, String), Group> = BTreeMap::new();
    for row in &matrix.rows {
        for path in row.cells.values().flat_map(|c| &c.paths).filter_map(|p| report.paths.get(*p)).filter(|p| Reach::of(p) == which) {
            let Some((at, placement)) = index.get(path.placement.as_str()).and_then(|i| Some((*i, report.placements.get(*i)?))) else { continue };
            let (words, object) = stop_parts(path);
            let group = groups.entry((row.ground.clone(), words)).or_default();
            group.4.extend(object);
            group.0.insert(row.label());
            group.1.insert(at);
            group.2.insert((service_rank(&path.service), clean(&path.service)));
            let kind = if row.kind == kind_words(Kind::FargateTask) { Kind::FargateTask } else { placement.kind };
            group.3.insert(consequence(kind, &path.service, intermittent(path)));
            group.5 += 1;
        }
    }
    let several = matrix.rows.first().is_some_and(|first| matrix.rows.iter().any(|r| r.ground != first.ground));
    let mut out: Vec<(usize, Trouble)> = groups
        .into_iter()
        .map(|((ground, stop), (who, places_of, services, consequences, objects, n))| {
            let trouble = Trouble {
                workloads: who.into_iter().collect(),
                places: places(report, places_of),
                services: services.into_iter().map(|(_, s)| s).collect(),
                stop: stop.replace(OBJECT, &list(&objects.into_iter().collect::<Vec<_>>(), 3)),
                consequence: if which == Reach::Blocked { consequences.into_iter().collect::<Vec<_>>().join(", ") } else { String::new() },
                vpc: several.then_some(ground.vpc),
            };
            (n, trouble)
        })
        .collect();
    out.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    out.into_iter().map(|(_, t)| t).collect()
}

/// Whether a workload has a place from which nothing that it needs is blocked.
fn partly(report: &Report, row: &Row) -> bool {
    let blocked: BTreeSet<&str> = row.cells.values().flat_map(|c| &c.paths).filter_map(|p| report.paths.get(*p)).filter(|p| Reach::of(p) == Reach::Blocked).map(|p| p.placement.as_str()).collect();
    row.placements.iter().filter_map(|i| report.placements.get(*i)).any(|p| !blocked.contains(p.id.as_str()))
}

/// The answer in one sentence.
#[must_use]
pub fn headline(report: &Report, matrix: &Matrix) -> String {
    let all = matrix.rows.len();
    let of = |reach: Reach| matrix.rows.iter().filter(|r| r.worst() == reach).count();
    let (blocked, unknown, internet) = (of(Reach::Blocked), of(Reach::Unknown), of(Reach::Internet));
    let bad = report.findings.iter().filter(|f| f.verdict == Verdict::Fail && f.severity >= Severity::Medium).count();
    if report.scope.is_empty() {
        return "Nothing was audited: no account and region was in scope.".to_owned();
    }
    if all == 0 {
        return if report.complete {
            format!(
                "No ECS workload here: {} no service, task or container instance that needs anything. Nothing to judge.",
                if report.scope.len() == 1 { "this region has" } else { "these regions have" }
            )
        } else {
            "No ECS workload was seen, but not everything could be read: this is no all-clear.".to_owned()
        };
    }
    let is = |n: usize| format!("{} of", thousands(n));
    let total = count(all, "workload");
    if blocked > 0 {
        let more = if unknown > 0 { format!(" {} more could not be judged.", thousands(unknown)) } else { String::new() };
        let who = if all == 1 { "The one workload here".to_owned() } else { format!("{} {total}", is(blocked)) };
        let part = if matrix.rows.iter().filter(|r| r.worst() == Reach::Blocked).all(|r| partly(report, r)) { ", in some subnets, " } else { " " };
        let what = if blocked == 1 { ("is", "it needs") } else { ("are", "they need") };
        return format!("{who} {} cut off{part}from AWS services that {}.{more}", what.0, what.1);
    }
    if unknown > 0 {
        return format!("Nothing that was seen is blocked, but {} {total} could not be fully judged: this is no all-clear.", is(unknown));
    }
    let over = if internet > 0 { format!(", {} over the internet at least in part", is(internet).trim_end_matches(" of")) } else { String::new() };
    let tail = match (bad, report.complete) {
        (0, true) => String::new(),
        (0, false) => " But not everything could be read: this is no all-clear.".to_owned(),
        (1, _) => " But 1 finding at medium or above stands.".to_owned(),
        (n, _) => format!(" But {} at medium or above stand.", count(n, "finding")),
    };
    let who = if all == 1 { "The one workload here reaches every AWS service that it needs".to_owned() } else { format!("All {total} reach every AWS service that they need") };
    format!("{who}{over}.{tail}")
}

/// What was asked and not seen, in one line an action: `ec2:DescribeNetworkAcls (not collected)`.
#[must_use]
pub fn gaps(report: &Report) -> Vec<String> {
    let mut by_action: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in report.completeness.iter().filter(|l| !matches!(l.state, State::Complete | State::Assumed)) {
        *by_action.entry((clean(&line.action), clean(line.error.as_deref().unwrap_or(state_name(line.state))))).or_default() += 1;
    }
    by_action.into_iter().map(|((action, error), n)| if n > 1 { format!("{action} ({error}, in {n} places)") } else { format!("{action} ({error})") }).collect()
}

/// Actions that were set by an assumption in place of being seen.
#[must_use]
pub fn assumed(report: &Report) -> Vec<String> {
    report.completeness.iter().filter(|l| l.state == State::Assumed).map(|l| clean(&l.action)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What to do about names: how many unknown paths have their name undecided because an action that decides names was not
/// read, which actions those are, and that `--assume plain-dns` takes them to have answered nothing.
#[must_use]
pub fn names_hint(report: &Report) -> Option<String> {
    let missing: BTreeSet<String> = report.completeness.iter().filter(|l| l.action.starts_with("route53") && !matches!(l.state, State::Complete | State::Assumed)).map(|l| clean(&l.action)).collect();
    let n = report.paths.iter().filter(|p| p.verdict == Tri::Unknown && p.hops.iter().any(|h| h.hop == HopName::Dns && h.verdict == Tri::Unknown)).count();
    if missing.is_empty() || n == 0 || report.assume.iter().any(|a| a == "plain-dns") {
        return None;
    }
    let missing: Vec<String> = missing.into_iter().collect();
    let (paths, is) = if n == 1 { ("1 path".to_owned(), "its name leads") } else { (count(n, "path"), "their names lead") };
    Some(format!("For {paths} it is not known where {is}: let the audit read {}, or take what was not seen to be absent with --assume plain-dns.", list(&missing, 6)))
}

/// An assumption in words.
#[must_use]
pub fn assumption(name: &str) -> String {
    match name {
        "no-internet" => "no-internet: as if every NAT and internet gateway, and the routes to them, were gone".to_owned(),
        "plain-dns" => "plain-dns: as if hosted zones, Resolver rules, DNS Firewall and Profiles that were not seen did not exist".to_owned(),
        "require-private" => "require-private: a way over the internet counts as none".to_owned(),
        other => clean(other),
    }
}
