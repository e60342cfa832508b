//! What formats for people share: the reachability matrix, who is cut off and where, and how complete the audit was.

use std::collections::{BTreeMap, BTreeSet};

use super::text::{clean, count, list, short_arn};
use super::{PathLine, PlacementLine, Report};
use crate::analysis::{HopName, Kind, Tri, Way};
use crate::finding::{Confidence, Finding, Severity, Verdict};
use crate::inventory::State;

/// The reachability matrix: workloads by AWS services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matrix {
    /// Services that some workload needs, in a fixed order.
    pub services: Vec<String>,
    /// Workloads by account, region and VPC; in each the worst first.
    pub rows: Vec<Row>,
}

/// Where a row stands: account, region, VPC.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Ground {
    pub account: String,
    pub region: String,
    pub vpc: String,
}

/// One workload: the tasks of a task definition, or the instances of a cluster, in all their subnets of one VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub ground: Ground,
    /// What people call it.
    pub name: String,
    /// `Fargate`, `EC2 instances` …
    pub kind: &'static str,
    /// Cluster, where a member tells it.
    pub cluster: Option<String>,
    /// Indices of its placements.
    pub placements: Vec<usize>,
    /// Tasks or instances.
    pub members: usize,
    /// Its cells by service; a service that it does not need has none.
    pub cells: BTreeMap<String, Cell>,
}

/// One cell: the paths of a workload to a service, one for each place it may run in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Indices of the paths.
    pub paths: Vec<usize>,
    /// How many are in each state.
    pub counts: BTreeMap<Reach, usize>,
}

/// What a path says, in one word. The worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// It works, privately.
    Private,
    /// It works, over a NAT or internet gateway.
    Internet,
    /// It could not be seen.
    Unknown,
    /// It stops.
    Blocked,
}

impl Reach {
    /// Of a path.
    #[must_use]
    pub fn of(path: &PathLine) -> Self {
        match (path.verdict, path.way) {
            (Tri::Fail, _) => Self::Blocked,
            (Tri::Unknown, _) => Self::Unknown,
            (Tri::Pass, Way::Internet) => Self::Internet,
            (Tri::Pass, _) => Self::Private,
        }
    }

    /// A sign for it, never without its [`word`](Self::word).
    #[must_use]
    pub const fn glyph(self) -> char {
        match self {
            Self::Private => '✓',
            Self::Internet => '↗',
            Self::Unknown => '?',
            Self::Blocked => '✗',
        }
    }

    /// A word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Private => "ok",
            Self::Internet => "net",
            Self::Unknown => "unknown",
            Self::Blocked => "FAIL",
        }
    }

    /// What the word means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Private => "reached privately",
            Self::Internet => "works, but over a NAT or internet gateway",
            Self::Unknown => "could not be seen",
            Self::Blocked => "blocked",
        }
    }
}

impl Cell {
    /// The worst of its paths.
    #[must_use]
    pub fn worst(&self) -> Reach {
        self.counts.keys().max().copied().unwrap_or(Reach::Private)
    }

    /// Glyph and word, with a count where only some of its places are so: `✗ 1 of 2`.
    #[must_use]
    pub fn text(&self) -> String {
        let worst = self.worst();
        let n = self.counts.get(&worst).copied().unwrap_or(0);
        let all = self.paths.len();
        if n < all { format!("{} {n} of {all}", worst.glyph()) } else { format!("{} {}", worst.glyph(), worst.word()) }
    }
}

impl Row {
    /// The worst of its cells; a workload without needs passes.
    #[must_use]
    pub fn worst(&self) -> Reach {
        self.cells.values().map(Cell::worst).max().unwrap_or(Reach::Private)
    }

    /// Name and kind.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.kind)
    }
}

/// Builds the matrix.
#[must_use]
pub fn matrix(report: &Report) -> Matrix {
    let index: BTreeMap<&str, usize> = report.placements.iter().enumerate().map(|(i, p)| (p.id.as_str(), i)).collect();
    let mut paths: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut services = BTreeSet::new();
    for (i, path) in report.paths.iter().enumerate() {
        if let Some(p) = index.get(path.placement.as_str()) {
            paths.entry(*p).or_default().push(i);
            services.insert((service_rank(&path.service), clean(&path.service)));
        }
    }
    let mut rows: BTreeMap<(Ground, String, &'static str, Option<String>), Row> = BTreeMap::new();
    for (i, placement) in report.placements.iter().enumerate() {
        let own: Vec<usize> = paths.remove(&i).unwrap_or_default();
        let lines: Vec<&PathLine> = own.iter().filter_map(|p| report.paths.get(*p)).collect();
        let ground = Ground {
            account: clean(placement.account.as_deref().unwrap_or("account not seen")),
            region: clean(placement.region.as_deref().unwrap_or("region not seen")),
            vpc: clean(placement.vpc.as_deref().unwrap_or("VPC not seen")),
        };
        let (name, cluster) = (name_of(placement, &lines), cluster_of(placement));
        let kind = kind_words(placement.kind);
        let row = rows.entry((ground.clone(), name.clone(), kind, cluster.clone())).or_insert_with(|| Row { ground, name, kind, cluster, placements: Vec::new(), members: 0, cells: BTreeMap::new() });
        row.placements.push(i);
        row.members += placement.member_count;
        for p in own {
            let Some(line) = report.paths.get(p) else { continue };
            let cell = row.cells.entry(clean(&line.service)).or_default();
            cell.paths.push(p);
            *cell.counts.entry(Reach::of(line)).or_default() += 1;
        }
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by(|a, b| (&a.ground, std::cmp::Reverse(a.worst()), &a.name, a.kind, &a.cluster).cmp(&(&b.ground, std::cmp::Reverse(b.worst()), &b.name, b.kind, &b.cluster)));
    Matrix { services: services.into_iter().map(|(_, s)| s).collect(), rows }
}

/// The order of services in a matrix: agents, images, secrets, logs, the rest, public registries.
fn service_rank(service: &str) -> usize {
    const ORDER: [&str; 11] = ["ecs-agent", "ecs-telemetry", "ecs", "ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager", "ssm", "ssmmessages", "kms"];
    ORDER.iter().position(|s| *s == service).unwrap_or(if service.starts_with("registry:") { ORDER.len() + 1 } else { ORDER.len() })
}

/// A kind of placement in words.
#[must_use]
pub const fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::ContainerInstance => "EC2 instances",
        Kind::ManagedInstance => "Managed Instances",
        Kind::AwsvpcTask => "tasks on EC2",
        Kind::HostTask => "host tasks",
        Kind::FargateTask => "Fargate",
        Kind::Service => "no task there",
        Kind::Query => "question",
    }
}

/// What people call a placement: its cluster for instances, else the task definitions that its needs come from.
fn name_of(placement: &PlacementLine, paths: &[&PathLine]) -> String {
    let families: BTreeSet<String> = paths.iter().flat_map(|p| &p.because).filter_map(|b| family(b)).collect();
    let families: Vec<&str> = families.iter().map(String::as_str).collect();
    match placement.kind {
        Kind::ContainerInstance | Kind::ManagedInstance => cluster_of(placement).unwrap_or_else(|| "instances".to_owned()),
        Kind::Query => placement.subnet.as_deref().map_or_else(|| clean(&placement.id), clean),
        _ if !families.is_empty() => list(&families, 2),
        _ => placement.members.first().map_or_else(|| clean(&placement.id), |m| short_arn(m)),
    }
}

/// The family in `web:3, container app, secrets[0]`, what makes a need necessary.
fn family(because: &str) -> Option<String> {
    let because = because.strip_prefix("taskdef ").unwrap_or(because);
    let (family, revision) = because.split([',', ' ']).next()?.rsplit_once(':')?;
    let whole = !family.is_empty() && !revision.is_empty() && revision.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| clean(family))
}

/// The cluster in the ARN of a member, `…:task/CLUSTER/ID`.
fn cluster_of(placement: &PlacementLine) -> Option<String> {
    let tail = placement.members.first()?.splitn(6, ':').nth(5)?;
    let mut parts = tail.split('/').skip(1);
    let cluster = parts.next()?;
    parts.next().map(|_| clean(cluster))
}

/// Availability zones (else subnets) of some placements, sorted.
#[must_use]
pub fn places(report: &Report, placements: impl IntoIterator<Item = usize>) -> Vec<String> {
    let subnets: BTreeMap<&str, Option<&str>> = report.topology.subnets.iter().map(|s| (s.id.as_str(), s.az.as_deref())).collect();
    let names: BTreeSet<String> = placements.into_iter().filter_map(|i| report.placements.get(i)?.subnet.as_deref()).map(|s| clean(subnets.get(s).copied().flatten().unwrap_or(s))).collect();
    names.into_iter().collect()
}

/// The name of a hop as the contract writes it.
#[must_use]
pub const fn hop_name(hop: HopName) -> &'static str {
    match hop {
        HopName::Endpoint => "endpoint",
        HopName::Dns => "dns",
        HopName::SourceSg => "source-sg",
        HopName::SourceNaclOut => "source-nacl-out",
        HopName::Route => "route",
        HopName::DestNaclIn => "dest-nacl-in",
        HopName::DestSg => "dest-sg",
        HopName::DestNaclOut => "dest-nacl-out",
        HopName::SourceNaclIn => "source-nacl-in",
        HopName::Policy => "policy",
    }
}

/// The name of a way as the contract writes it.
#[must_use]
pub const fn way_name(way: Way) -> &'static str {
    match way {
        Way::InterfaceEndpoint => "interface-endpoint",
        Way::GatewayEndpoint => "gateway-endpoint",
        Way::RemoteEndpoint => "remote-endpoint",
        Way::Internet => "internet",
        Way::Local => "local",
        Way::None => "none",
        Way::Unknown => "unknown",
    }
}

/// The name of a path's verdict as the contract writes it.
#[must_use]
pub const fn tri_name(tri: Tri) -> &'static str {
    match tri {
        Tri::Pass => "pass",
        Tri::Unknown => "unknown",
        Tri::Fail => "fail",
    }
}

/// The name of a verdict as the contract writes it.
#[must_use]
pub const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => "not_applicable",
        Verdict::Pass => "pass",
        Verdict::Unknown => "unknown",
        Verdict::Fail => "fail",
    }
}

/// The name of a state of completeness as the contract writes it.
#[must_use]
pub const fn state_name(state: State) -> &'static str {
    match state {
        State::Complete => "complete",
        State::Assumed => "assumed",
        State::Partial => "partial",
        State::Missing => "missing",
        State::NotCollected => "not_collected",
    }
}

/// The name of a confidence as the contract writes it.
#[must_use]
pub const fn confidence_name(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// Id and name of a finding's resource, as people call it.
#[must_use]
pub fn object(f: &Finding) -> String {
    let id = f.resource.id.as_deref().or(f.resource.arn.as_deref()).map_or_else(|| "this account".to_owned(), short_arn);
    match f.resource.name.as_deref().map(clean) {
        Some(name) if name != id && !name.is_empty() => format!("{id} ({name})"),
        _ => id,
    }
}

/// Whom a finding hits, at most `most` by name.
#[must_use]
pub fn affected(f: &Finding, most: usize) -> String {
    let names: Vec<String> = f.affects.iter().map(|a| short_arn(a)).collect();
    list(&names, most)
}

/// How far a remediation was proven, in brackets; nothing where nothing is known.
#[must_use]
pub fn proof(f: &Finding) -> String {
    match f.remediation.proof.as_deref() {
        Some("verified") => " (verified)".to_owned(),
        Some("not_modelled") | None => String::new(),
        Some(other) => format!(" ({})", clean(other)),
    }
}

/// Where a path stops, or why it is not known, in words with the object that decides.
#[must_use]
pub fn stop(path: &PathLine) -> String {
    let wanted = if path.verdict == Tri::Fail { Tri::Fail } else { Tri::Unknown };
    let hop = path.hops.iter().filter(|h| h.verdict == wanted).find(|h| path.blocked_at.is_none_or(|b| b == h.hop));
    let Some(name) = path.blocked_at.or(hop.map(|h| h.hop)) else {
        return if path.verdict == Tri::Unknown { "not everything that decides was seen".to_owned() } else { String::new() };
    };
    let object = hop.and_then(|h| h.object.as_deref()).map(|o| format!(" {}", short_arn(o))).unwrap_or_default();
    if path.verdict == Tri::Unknown {
        return match name {
            HopName::Endpoint => "the endpoints were not seen".to_owned(),
            HopName::Dns => "where its name leads was not seen".to_owned(),
            HopName::SourceSg => format!("the workload's security group{object} was not fully seen"),
            HopName::DestSg => format!("the endpoint's security group{object} was not fully seen"),
            HopName::SourceNaclOut | HopName::SourceNaclIn | HopName::DestNaclIn | HopName::DestNaclOut => format!("network ACL{object} was not fully seen"),
            HopName::Route => format!("the route{object} was not fully seen"),
            HopName::Policy => format!("what the policy of{object} allows could not be decided"),
        };
    }
    match name {
        HopName::Endpoint => "there is no usable endpoint, and no other way".to_owned(),
        HopName::Dns if object.trim_start().starts_with("vpce-") => format!("its name does not lead to the endpoint{object}"),
        HopName::Dns if object.is_empty() => "its name does not lead there".to_owned(),
        HopName::Dns => format!("its name does not lead there (see{object})"),
        HopName::SourceSg => format!("the workload's security group{object} does not let it out"),
        HopName::DestSg => format!("the endpoint's security group{object} does not let it in"),
        HopName::SourceNaclOut => format!("network ACL{object} of its subnet does not let it out"),
        HopName::SourceNaclIn => format!("network ACL{object} of its subnet does not let the answer in"),
        HopName::DestNaclIn => format!("network ACL{object} of the endpoint's subnet does not let it in"),
        HopName::DestNaclOut => format!("network ACL{object} of the endpoint's subnet does not let the answer out"),
        HopName::Route if object.is_empty() => "no route leads there".to_owned(),
        HopName::Route => format!("no route leads there (see{object})"),
        HopName::Policy => format!("the endpoint policy of{object} denies it"),
    }
}

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
    type Group = (BTreeSet<String>, BTreeSet<usize>, BTreeSet<(usize, String)>, BTreeSet<&'static str>, usize);
    let index: BTreeMap<&str, usize> = report.placements.iter().enumerate().map(|(i, p)| (p.id.as_str(), i)).collect();
    let mut groups: BTreeMap<(Ground, String), Group> = BTreeMap::new();
    for row in &matrix.rows {
        for path in row.cells.values().flat_map(|c| &c.paths).filter_map(|p| report.paths.get(*p)).filter(|p| Reach::of(p) == which) {
            let Some((at, placement)) = index.get(path.placement.as_str()).and_then(|i| Some((*i, report.placements.get(*i)?))) else { continue };
            let group = groups.entry((row.ground.clone(), stop(path))).or_default();
            group.0.insert(row.label());
            group.1.insert(at);
            group.2.insert((service_rank(&path.service), clean(&path.service)));
            group.3.insert(consequence(placement.kind, &path.service, intermittent(path)));
            group.4 += 1;
        }
    }
    let several = matrix.rows.first().is_some_and(|first| matrix.rows.iter().any(|r| r.ground != first.ground));
    let mut out: Vec<(usize, Trouble)> = groups
        .into_iter()
        .map(|((ground, stop), (who, places_of, services, consequences, n))| {
            let trouble = Trouble {
                workloads: who.into_iter().collect(),
                places: places(report, places_of),
                services: services.into_iter().map(|(_, s)| s).collect(),
                stop,
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
    let is = |n: usize| format!("{} of", super::text::thousands(n));
    let total = count(all, "workload");
    if blocked > 0 {
        let more = if unknown > 0 { format!(" {} more could not be judged.", super::text::thousands(unknown)) } else { String::new() };
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

/// Which paths which findings explain, looked up by what they stop at.
#[derive(Debug, Default)]
pub struct Links<'a> {
    report: Option<&'a Report>,
    /// Paths by verdict and by the object of a hop of that verdict.
    objects: BTreeMap<(Tri, &'a str), Vec<usize>>,
    /// Paths that lack an endpoint, a name or a route, by verdict and VPC.
    lacking: BTreeMap<(Tri, &'a str), Vec<usize>>,
    /// Subnets of placements.
    subnets: BTreeMap<&'a str, &'a str>,
}

impl<'a> Links<'a> {
    /// Prepares the look-ups.
    #[must_use]
    pub fn new(report: &'a Report) -> Self {
        let vpcs: BTreeMap<&str, &str> = report.placements.iter().filter_map(|p| Some((p.id.as_str(), p.vpc.as_deref()?))).collect();
        let subnets = report.placements.iter().filter_map(|p| Some((p.id.as_str(), p.subnet.as_deref()?))).collect();
        let mut links = Self { report: Some(report), subnets, ..Self::default() };
        for (i, path) in report.paths.iter().enumerate().filter(|(_, p)| p.verdict != Tri::Pass) {
            let objects: BTreeSet<&str> = path.hops.iter().filter(|h| h.verdict == path.verdict).filter_map(|h| h.object.as_deref()).collect();
            for object in objects {
                links.objects.entry((path.verdict, object)).or_default().push(i);
            }
            let lacks = path.blocked_at.is_none_or(|b| matches!(b, HopName::Endpoint | HopName::Dns | HopName::Route));
            if let Some(vpc) = vpcs.get(path.placement.as_str()).filter(|_| lacks) {
                links.lacking.entry((path.verdict, vpc)).or_default().push(i);
            }
        }
        links
    }

    /// Indices of the paths that a finding explains: failing ones (unknown for an unknown finding) that stop at its
    /// resource, or, where the finding is about what is lacking, lack it for a service that the finding names. At most `most`.
    #[must_use]
    pub fn paths_of(&self, finding: &Finding, most: usize) -> Vec<usize> {
        let wanted = if finding.verdict == Verdict::Fail { Tri::Fail } else { Tri::Unknown };
        let names = || [finding.resource.id.as_deref(), finding.resource.arn.as_deref()].into_iter().flatten();
        let mut out: BTreeSet<usize> = names().filter_map(|n| self.objects.get(&(wanted, n))).flatten().copied().collect();
        let is_vpc = finding.resource.r#type.as_deref() == Some("AWS::EC2::VPC");
        if !is_vpc && !out.is_empty() {
            return out.into_iter().take(most).collect();
        }
        // Findings about what is lacking (an endpoint, a name, a route) name the services, and those on a route table or a
        // workload the subnets too.
        let Some(report) = self.report else { return Vec::new() };
        let mut named: BTreeMap<&str, bool> = BTreeMap::new();
        let mut names = |path: &'a PathLine| *named.entry(&path.service).or_insert_with(|| names_service(finding, &path.service));
        let lacking: Vec<usize> = match finding.resource.vpc.as_deref().or(finding.resource.id.as_deref().filter(|_| is_vpc)) {
            Some(vpc) => self.lacking.get(&(wanted, vpc)).cloned().unwrap_or_default(),
            None => self.lacking.iter().filter(|(k, _)| k.0 == wanted).flat_map(|(_, v)| v).copied().collect(),
        };
        let from = |path: &PathLine| self.subnets.get(path.placement.as_str()).is_some_and(|s| finding.message.contains(s));
        let found: BTreeSet<usize> = lacking.into_iter().filter(|i| report.paths.get(*i).is_some_and(|p| names(p) && (is_vpc || from(p)))).collect();
        // A path that stops at the VPC for a service that the finding does not name is another finding's.
        if !found.is_empty() {
            out.retain(|i| report.paths.get(*i).is_some_and(&mut names));
        }
        out.extend(found);
        out.into_iter().take(most).collect()
    }
}

/// Whether a finding's words name a service as a word of its own.
fn names_service(finding: &Finding, service: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    [&finding.title, &finding.message].into_iter().any(|text| {
        text.match_indices(service).any(|(at, _)| {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            let mut after = text.get(at + service.len()..).unwrap_or_default().chars();
            let next = after.next();
            let inside = next.is_some_and(part) || (next == Some('.') && after.next().is_some_and(part));
            !before.is_some_and(|c| part(c) || c == '.') && !inside
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_workload_is_one_row_over_its_places() {
        let report = sample::report();
        let matrix = matrix(&report);
        let web = matrix.rows.iter().find(|r| r.name == "web").unwrap();
        assert_eq!(web.placements.len(), 2);
        assert_eq!(web.cells["ecr.api"].text(), "✗ 1 of 2");
        assert_eq!(web.cells["s3"].text(), "✓ ok");
        assert!(!web.cells.contains_key("ecs-agent"), "Fargate tasks have no agent of ours");
        assert_eq!(web.worst(), Reach::Blocked);
        assert_eq!(matrix.services.first().map(String::as_str), Some("ecs-agent"));
    }

    #[test]
    fn the_summary_says_who_what_and_where() {
        let report = sample::report();
        let matrix = matrix(&report);
        let troubles = troubles(&report, &matrix, Reach::Blocked);
        let first = troubles.iter().find(|t| t.stop.contains("sg-0endpoint")).unwrap();
        assert_eq!(first.workloads, ["web (Fargate)"]);
        assert_eq!(first.places, ["us-east-2b"]);
        assert!(first.services.contains(&"ecr.api".to_owned()));
        assert!(first.consequence.contains("tasks cannot start"), "{}", first.consequence);
    }

    #[test]
    fn findings_lead_to_the_paths_that_they_explain() {
        let report = sample::report();
        let closed = report.findings.iter().find(|f| f.rule == "NW01").unwrap();
        let links = Links::new(&report);
        let paths = links.paths_of(closed, 10);
        assert!(!paths.is_empty());
        assert!(paths.iter().all(|i| report.paths[*i].blocked_at == Some(HopName::DestSg)));
        let missing = report.findings.iter().find(|f| f.rule == "EP09").unwrap();
        assert_eq!(links.paths_of(missing, 10).len(), 2);
        assert!(links.paths_of(missing, 10).iter().all(|i| report.paths[*i].service == "logs"));
        assert_eq!(links.paths_of(closed, 1).len(), 1);
    }

    #[test]
    fn a_service_is_named_only_as_a_word_of_its_own() {
        let finding = |message: &str| Finding { title: String::new(), message: message.to_owned(), ..sample::report().findings[0].clone() };
        assert!(names_service(&finding("no endpoint for ecs."), "ecs"));
        assert!(names_service(&finding("ecs-agent, ecs and ecr.api"), "ecs"));
        assert!(!names_service(&finding("no endpoint for ecs-agent"), "ecs"));
        assert!(!names_service(&finding("com.amazonaws.us-east-2.ecr.api"), "ecr"));
    }

    #[test]
    fn headlines_never_promise_too_much() {
        let mut report = sample::report();
        report.placements.clear();
        report.paths.clear();
        report.complete = false;
        assert!(headline(&report, &matrix(&report)).contains("no all-clear"));
        report.complete = true;
        assert!(headline(&report, &matrix(&report)).starts_with("No ECS workload here"));
        report.scope.clear();
        assert!(headline(&report, &matrix(&report)).starts_with("Nothing was audited"));
        let passing = sample::passing();
        assert_eq!(headline(&passing, &matrix(&passing)), "All 2 workloads reach every AWS service that they need.");
    }
}
