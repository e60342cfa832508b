//! The answer in words: who is cut off and where, how complete the audit was, what it assumed.

use std::collections::{BTreeMap, BTreeSet};

use super::super::text::{clean, count, list, thousands};
use super::super::{PathLine, Report};
use super::{Ground, Matrix, OBJECT, Reach, Row, kind_words, places, service_rank, state_name, stop_parts};
use crate::analysis::{HopName, Kind, Tri};
use crate::finding::{Finding, Severity, Verdict};
use crate::inventory::State;

/// Whether only some interfaces of the endpoint stop the path, so that it fails now and then.
#[must_use]
pub fn intermittent(path: &PathLine) -> bool {
    path.blocked_at.is_some_and(|b| path.hops.iter().any(|h| h.hop == b && h.verdict == Tri::Pass))
}

/// What follows from a blocked path, from what is mild to what is worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    Feature,
    Exec,
    Flaky,
    AgentFlaky,
    Agent,
    Tasks,
}

impl Loss {
    /// In the words of who runs it.
    const fn words(self) -> &'static str {
        match self {
            Self::Feature => "a feature in use does not work",
            Self::Exec => "ECS Exec does not work",
            Self::Flaky => "tasks fail to start now and then",
            Self::AgentFlaky => "agents lose their connection now and then",
            Self::Agent => "agents cannot register or stay connected",
            Self::Tasks => "tasks cannot start",
        }
    }

    /// Whether nothing new runs.
    const fn starts_nothing(self) -> bool {
        matches!(self, Self::Agent | Self::Tasks)
    }
}

/// What a workload loses with the service of a path that is blocked.
fn loss(kind: Kind, path: &PathLine) -> Loss {
    let instance = matches!(kind, Kind::ContainerInstance | Kind::ManagedInstance);
    let needed_by = |words: &[&str]| path.because.iter().any(|b| words.iter().any(|w| b.contains(w)));
    let starts = match path.service.as_str() {
        "ecs" | "ecs-agent" | "ecs-telemetry" if instance => return if intermittent(path) { Loss::AgentFlaky } else { Loss::Agent },
        "ssmmessages" => return Loss::Exec,
        "ecr.api" | "ecr.dkr" | "secretsmanager" | "ssm" => true,
        // Layers of images and environment files; logs of ECS Exec stop no task.
        "s3" => needed_by(&[", image ", "environmentFiles"]),
        // A container whose log driver cannot make its stream does not start.
        "logs" => path.because.iter().any(|b| !b.contains("xec") && !b.starts_with("service ")),
        service => service.starts_with("registry:"),
    };
    match (starts, intermittent(path)) {
        (false, _) => Loss::Feature,
        (true, true) => Loss::Flaky,
        (true, false) => Loss::Tasks,
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
        let services = list(&self.services, 8);
        if self.consequence.is_empty() {
            return format!("{places}: whether {services} can be reached is not known: {}", self.stop);
        }
        format!("{places} cannot reach {services}, so that {}: {}", self.consequence, self.stop)
    }
}

/// Services in the order of the matrix.
type Services = BTreeSet<(usize, String)>;

/// What stops at one place.
#[derive(Default)]
struct Stop {
    workloads: BTreeSet<String>,
    /// Services of one row that need what is stopped.
    hosted: BTreeSet<String>,
    places: BTreeSet<usize>,
    losses: BTreeSet<Loss>,
    objects: BTreeSet<String>,
    paths: usize,
}

impl Stop {
    fn join(&mut self, other: Self) {
        self.workloads.extend(other.workloads);
        self.places.extend(other.places);
        self.losses.extend(other.losses);
        self.objects.extend(other.objects);
        self.paths += other.paths;
    }
}

/// The kind of a row's workload: a place where no task runs counts as what runs elsewhere.
fn kind_of(row: &Row, placement: Kind) -> Kind {
    if row.kind == kind_words(Kind::FargateTask) { Kind::FargateTask } else { placement }
}

/// The troubles (`Blocked` or `Unknown`) of a matrix, one for each place of stopping, the most paths first.
#[must_use]
pub fn troubles(report: &Report, matrix: &Matrix, which: Reach) -> Vec<Trouble> {
    let index: BTreeMap<&str, usize> = report.placements.iter().enumerate().map(|(i, p)| (p.id.as_str(), i)).collect();
    let mut groups: BTreeMap<(Ground, String, Services), Stop> = BTreeMap::new();
    for row in &matrix.rows {
        // First by where its own paths stop: what does not stop there is not said of it.
        let mut own: BTreeMap<String, (Services, Stop)> = BTreeMap::new();
        for path in row.cells.values().flat_map(|c| &c.paths).filter_map(|p| report.paths.get(*p)).filter(|p| Reach::of(p) == which) {
            let Some((at, placement)) = index.get(path.placement.as_str()).and_then(|i| Some((*i, report.placements.get(*i)?))) else { continue };
            let (words, object) = stop_parts(path);
            let (services, stop) = own.entry(words).or_default();
            services.insert((service_rank(&path.service), clean(&path.service)));
            stop.objects.extend(object);
            stop.hosted.extend(super::services_of(&[path]).into_iter().filter(|s| row.hosted.contains(s)));
            stop.places.insert(at);
            stop.losses.insert(loss(kind_of(row, placement.kind), path));
            stop.paths += 1;
        }
        for (words, (services, mut stop)) in own {
            stop.workloads.insert(row.label_for(&stop.hosted));
            groups.entry((row.ground.clone(), words, services)).or_default().join(stop);
        }
    }
    let several = matrix.rows.first().is_some_and(|first| matrix.rows.iter().any(|r| r.ground != first.ground));
    let mut out: Vec<(usize, Trouble)> = groups
        .into_iter()
        .map(|((ground, words, services), stop)| {
            // The worst alone: who cannot start a task asks for no lesser loss.
            let consequence = stop.losses.iter().filter(|l| l.starts_nothing() || !stop.losses.iter().any(|o| o.starts_nothing())).map(|l| l.words());
            let trouble = Trouble {
                workloads: stop.workloads.into_iter().collect(),
                places: places(report, stop.places),
                services: services.into_iter().map(|(_, s)| s).collect(),
                stop: words.replace(OBJECT, &list(&stop.objects.into_iter().collect::<Vec<_>>(), 3)),
                consequence: if which == Reach::Blocked { list(&consequence.collect::<Vec<_>>(), 4) } else { String::new() },
                vpc: several.then_some(ground.vpc),
            };
            (stop.paths, trouble)
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
    let serious = |f: &&Finding| f.verdict == Verdict::Fail && f.severity >= Severity::Medium;
    let bad = report.findings.iter().filter(serious).count();
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
        let rows = || matrix.rows.iter().filter(|r| r.worst() == Reach::Blocked);
        let kinds: BTreeMap<&str, Kind> = report.placements.iter().map(|l| (l.id.as_str(), l.kind)).collect();
        let stuck = |r: &&Row| {
            let mut paths = r.cells.values().flat_map(|c| &c.paths).filter_map(|p| report.paths.get(*p)).filter(|p| Reach::of(p) == Reach::Blocked);
            let kind = |p: &PathLine| kinds.get(p.placement.as_str()).copied().unwrap_or(Kind::Service);
            paths.any(|p| loss(kind_of(r, kind(p)), p).starts_nothing())
        };
        let (stuck, other): (Vec<&Row>, Vec<&Row>) = rows().partition(stuck);
        let (shown, does) = if stuck.is_empty() { (other.len(), "cut off from AWS services that") } else { (stuck.len(), "cannot start tasks") };
        let part = if (if stuck.is_empty() { &other } else { &stuck }).iter().all(|r| partly(report, r)) { " in some subnets" } else { "" };
        let who = if all == 1 { "The one workload here".to_owned() } else { format!("{} {total}", is(shown)) };
        let first = match (stuck.is_empty(), shown == 1) {
            (false, _) => format!("{who} {does}{part}."),
            (true, true) => format!("{who} is {does} it needs{part}."),
            (true, false) => format!("{who} are {does} they need{part}."),
        };
        let more = match other.len() {
            n if n == 0 || stuck.is_empty() => String::new(),
            1 => " 1 more is cut off from AWS services that it needs.".to_owned(),
            n => format!(" {} more are cut off from AWS services that they need.", thousands(n)),
        };
        let open = if unknown > 0 { format!(" {} more could not be judged.", thousands(unknown)) } else { String::new() };
        return format!("{first}{more}{open}");
    }
    if unknown > 0 {
        let who = if all == 1 { "the one workload here".to_owned() } else { format!("{} {total}", is(unknown)) };
        return format!("Nothing that was seen is blocked, but {who} could not be fully judged: this is no all-clear.");
    }
    let over = if internet > 0 { format!(", {} over the internet at least in part", is(internet).trim_end_matches(" of")) } else { String::new() };
    let tail = match (bad, report.complete) {
        (0, true) => String::new(),
        (0, false) => " But not everything could be read: this is no all-clear.".to_owned(),
        (n, _) => {
            let worst: Vec<String> = report.findings.iter().filter(serious).map(|f| format!("{} ({})", clean(&f.title), clean(&f.rule))).collect();
            let mut titles: Vec<&str> = worst.iter().map(String::as_str).collect();
            titles.dedup();
            format!(" But {} at medium or above {}: {}.", count(n, "finding"), if n == 1 { "stands" } else { "stand" }, list(&titles, 2))
        }
    };
    let who = match all {
        1 => "The one workload here reaches every AWS service that it needs".to_owned(),
        2 => "Both workloads reach every AWS service that they need".to_owned(),
        _ => format!("All {total} reach every AWS service that they need"),
    };
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
