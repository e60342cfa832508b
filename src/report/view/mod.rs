//! What formats for people share: the reachability matrix, who is cut off and where, and how complete the audit was.

mod links;
mod summary;

pub use links::Links;
pub use summary::*;

use std::collections::{BTreeMap, BTreeSet};

use super::text::{clean, list, short_arn};
use super::{PathLine, PlacementLine, Report};
use crate::analysis::{HopName, Kind, Tri, Way};
use crate::finding::{Confidence, Finding, Verdict};
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

/// One workload: a service, tasks of a task definition without one, or the instances of a cluster, in all their subnets of one VPC.
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
    /// Services that run there, where the row is not a service itself.
    pub hosted: BTreeSet<String>,
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

    /// Name and kind, and the services that run there.
    #[must_use]
    pub fn label(&self) -> String {
        self.label_for(&self.hosted)
    }

    /// The same, with these alone of the services that run there.
    fn label_for(&self, hosted: &BTreeSet<String>) -> String {
        let hosted: Vec<String> = hosted.iter().cloned().collect();
        let hosted = if hosted.is_empty() { String::new() } else { format!(": {}", list(&hosted, 3)) };
        format!("{} ({}{hosted})", self.name, self.kind)
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
        let row = rows.entry((ground.clone(), name.clone(), kind, cluster.clone())).or_insert_with(|| Row {
            ground,
            name,
            kind,
            cluster,
            hosted: BTreeSet::new(),
            placements: Vec::new(),
            members: 0,
            cells: BTreeMap::new(),
        });
        row.placements.push(i);
        row.members += placement.member_count;
        if matches!(placement.kind, Kind::ContainerInstance | Kind::ManagedInstance) {
            row.hosted.extend(services_of(&lines));
        }
        for p in own {
            let Some(line) = report.paths.get(p) else { continue };
            let cell = row.cells.entry(clean(&line.service)).or_default();
            cell.paths.push(p);
            *cell.counts.entry(Reach::of(line)).or_default() += 1;
        }
    }
    let mut rows: Vec<Row> = join(rows.into_values().collect());
    rows.sort_by(|a, b| (&a.ground, std::cmp::Reverse(a.worst()), &a.name, a.kind, &a.cluster).cmp(&(&b.ground, std::cmp::Reverse(b.worst()), &b.name, b.kind, &b.cluster)));
    Matrix { services: services.into_iter().map(|(_, s)| s).collect(), rows }
}

/// Makes the places in which a workload may run, and does not, part of the one row that has its name, so that it is
/// counted once.
fn join(rows: Vec<Row>) -> Vec<Row> {
    let idle = kind_words(Kind::Service);
    let hosts = [kind_words(Kind::ContainerInstance), kind_words(Kind::ManagedInstance)];
    let (spare, mut rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|r| r.kind == idle);
    for row in spare {
        let mut same = rows.iter_mut().filter(|r| r.ground == row.ground && r.name == row.name && r.kind != idle && !hosts.contains(&r.kind));
        match (same.next(), same.next()) {
            (Some(home), None) => {
                home.placements.extend(row.placements);
                for (service, cell) in row.cells {
                    let own = home.cells.entry(service).or_default();
                    own.paths.extend(cell.paths);
                    for (reach, n) in cell.counts {
                        *own.counts.entry(reach).or_default() += n;
                    }
                }
            }
            _ => rows.push(row),
        }
    }
    rows
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

/// The services that paths are needed by, without their cluster; what makes a path necessary names them.
fn services_of(paths: &[&PathLine]) -> BTreeSet<String> {
    let names = paths.iter().flat_map(|p| &p.because).filter_map(|b| b.strip_prefix("service "));
    names.map(|name| clean(name.rsplit('/').next().unwrap_or(name))).collect()
}

/// What people call a placement: its cluster for instances, else its services, else the task definitions that its needs come
/// from.
fn name_of(placement: &PlacementLine, paths: &[&PathLine]) -> String {
    let services: Vec<String> = services_of(paths).into_iter().collect();
    let families: BTreeSet<String> = paths.iter().flat_map(|p| &p.because).filter_map(|b| family(b)).collect();
    let families: Vec<&str> = families.iter().map(String::as_str).collect();
    match placement.kind {
        Kind::ContainerInstance | Kind::ManagedInstance => cluster_of(placement).unwrap_or_else(|| "instances".to_owned()),
        Kind::Query => placement.subnet.as_deref().map_or_else(|| clean(&placement.id), clean),
        _ if !services.is_empty() => list(&services, 2),
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
    let (words, object) = stop_parts(path);
    words.replace(OBJECT, &object.unwrap_or_default())
}

/// Stands for the object in the words of [`stop_parts`].
const OBJECT: &str = "\u{0}";

/// Where a path stops in words, with [`OBJECT`] in the place of the object that decides, and that object.
fn stop_parts(path: &PathLine) -> (String, Option<String>) {
    let wanted = if path.verdict == Tri::Fail { Tri::Fail } else { Tri::Unknown };
    let hop = path.hops.iter().filter(|h| h.verdict == wanted).find(|h| path.blocked_at.is_none_or(|b| b == h.hop));
    let Some(name) = path.blocked_at.or(hop.map(|h| h.hop)) else {
        return (if path.verdict == Tri::Unknown { "not everything that decides was seen" } else { "" }.to_owned(), None);
    };
    let known = hop.and_then(|h| h.object.as_deref()).filter(|o| !o.is_empty()).map(short_arn);
    let object = if known.is_some() { format!(" {OBJECT}") } else { String::new() };
    if path.verdict == Tri::Unknown {
        let words = match name {
            HopName::Endpoint => "the endpoints were not seen".to_owned(),
            HopName::Dns => "where its name leads was not seen".to_owned(),
            HopName::SourceSg => format!("the workload's security group{object} was not fully seen"),
            HopName::DestSg => format!("the endpoint's security group{object} was not fully seen"),
            HopName::SourceNaclOut | HopName::SourceNaclIn | HopName::DestNaclIn | HopName::DestNaclOut => format!("network ACL{object} was not fully seen"),
            HopName::Route => format!("the route{object} was not fully seen"),
            HopName::Policy => format!("what the policy of{object} allows could not be decided"),
        };
        return (words, known);
    }
    let words = match name {
        HopName::Endpoint => "there is no usable endpoint, and no other way".to_owned(),
        HopName::Dns if known.as_deref().is_some_and(|o| o.starts_with("vpce-")) => format!("its name does not lead to the endpoint{object}"),
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
    };
    (words, known)
}

#[cfg(test)]
mod tests {
    use super::links::names_service;
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
    fn rows_bear_the_names_of_services_and_hosts_say_what_runs_there() {
        let mut report = sample::report();
        for path in &mut report.paths {
            let service = if path.because.iter().any(|b| b.starts_with("web:")) { "service prod/shop-front" } else { "service prod/jobs" };
            path.because.push(service.to_owned());
        }
        for (i, p) in report.placements.iter_mut().enumerate().filter(|(_, p)| p.id == "p-instances" || p.kind == Kind::ContainerInstance) {
            p.kind = Kind::ContainerInstance;
            p.members = vec![format!("arn:aws:ecs:us-east-2:123456789012:container-instance/prod/{i}")];
        }
        let labels: Vec<String> = matrix(&report).rows.iter().map(Row::label).collect();
        assert!(labels.contains(&"shop-front (Fargate)".to_owned()), "the service, not the family: {labels:?}");
        assert!(labels.iter().any(|l| l.starts_with("prod (EC2 instances: ") && l.contains("jobs")), "{labels:?}");
    }

    #[test]
    fn a_workload_is_told_only_of_what_it_needs() {
        let mut report = sample::report();
        // The instances' paths stop at the same group as the Fargate tasks', on services of their own.
        for path in report.paths.iter_mut().filter(|p| p.service == "ecs-agent") {
            path.verdict = Tri::Fail;
            path.blocked_at = Some(HopName::DestSg);
            path.hops.retain(|h| h.hop != HopName::DestSg);
            path.hops.push(crate::report::HopLine { hop: HopName::DestSg, verdict: Tri::Fail, object: Some("sg-0endpoint".to_owned()), detail: None });
        }
        for trouble in troubles(&report, &matrix(&report), Reach::Blocked) {
            let fargate = trouble.workloads.iter().any(|w| w.contains("Fargate"));
            assert!(!(fargate && trouble.services.contains(&"ecs-agent".to_owned())), "{trouble:?}");
        }
    }

    #[test]
    fn a_place_without_a_task_belongs_to_its_workload() {
        let mut report = sample::report();
        for p in report.placements.iter_mut().filter(|p| p.id == "p-web-b") {
            p.kind = Kind::Service;
            p.members.clear();
        }
        let matrix = matrix(&report);
        assert_eq!(matrix.rows.iter().filter(|r| r.name == "web").count(), 1);
        assert_eq!(matrix.rows.iter().find(|r| r.name == "web").unwrap().cells["ecr.api"].text(), "✗ 1 of 2");
        assert!(matrix.rows.iter().any(|r| r.label() == "worker (no task there)"), "one without any task stays a row");
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
        assert_eq!(headline(&passing, &matrix(&passing)), "Both workloads reach every AWS service that they need.");
    }
}
