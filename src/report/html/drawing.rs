//! The drawing of a VPC as SVG: zones side by side, subnets in them, workloads in those; endpoints and gateways to the
//! right; a line from a workload to each service that it needs, ending where the path stops.

use std::collections::BTreeMap;

use super::super::text::{clean, count, shorten};
use super::super::view::{self, Ground, Matrix, Reach};
use super::super::{PathLine, Report, TopologySubnet};
use super::{class, escape};
use crate::analysis::{HopName, Way};

/// Workloads drawn in a subnet, subnets, lines.
const CHIPS: usize = 8;
const SUBNETS: usize = 60;
const LINES: usize = 1_500;

/// Sizes in units of the drawing.
const ZONE: usize = 250;
const GAP: usize = 16;
const HEAD: usize = 46;
const CHIP: usize = 24;
const SIDE: usize = 250;
const BETWEEN: usize = 150;

/// A workload in a subnet.
struct Chip {
    row: usize,
    placements: Vec<usize>,
    members: usize,
    worst: Reach,
}

/// What lines lead to: an endpoint, a gateway, or the place where one is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    /// Endpoints first, then what is missing or unknown, then gateways.
    rank: u8,
    name: String,
    note: String,
    there: bool,
}

/// Draws one VPC.
pub fn draw(out: &mut String, report: &Report, matrix: &Matrix, ground: &Ground, rows: &[usize]) {
    let by_subnet = chips(report, matrix, rows);
    let zones = zones(report, ground, &by_subnet);
    let paths_of: BTreeMap<&str, Vec<usize>> = report.paths.iter().enumerate().fold(BTreeMap::new(), |mut map: BTreeMap<&str, Vec<usize>>, (i, p)| {
        map.entry(p.placement.as_str()).or_default().push(i);
        map
    });
    // Targets: every endpoint and gateway of the VPC, and what paths lead to beside.
    let mut targets: BTreeMap<Target, usize> = BTreeMap::new();
    for e in report.topology.endpoints.iter().filter(|e| e.vpc.as_deref() == Some(&ground.vpc)) {
        targets.insert(endpoint_target(e), 0);
    }
    for g in report.topology.gateways.iter().filter(|g| g.vpc.as_deref() == Some(&ground.vpc)) {
        targets.insert(gateway_target(&g.id, g.r#type.as_deref()), 0);
    }
    let mut lines: Vec<(usize, usize, Target, Reach, usize, &PathLine)> = Vec::new();
    for (s, (_, chips)) in by_subnet.iter().enumerate() {
        for (c, chip) in chips.iter().enumerate().take(CHIPS) {
            let mut own: BTreeMap<Target, (Reach, usize, &PathLine)> = BTreeMap::new();
            for path in chip.placements.iter().filter_map(|p| report.placements.get(*p)).filter_map(|p| paths_of.get(p.id.as_str())).flatten().filter_map(|i| report.paths.get(*i)) {
                let reach = Reach::of(path);
                let entry = own.entry(target(report, ground, path)).or_insert((reach, 0, path));
                entry.1 += 1;
                if reach > entry.0 {
                    (entry.0, entry.2) = (reach, path);
                }
            }
            for (t, (reach, n, path)) in own {
                targets.entry(t.clone()).or_insert(0);
                lines.push((s, c, t, reach, n, path));
            }
        }
    }
    // The bad ones are drawn last, on top; too many of the good ones are left out.
    lines.sort_by_key(|l| l.3);
    let skip = lines.len().saturating_sub(LINES);

    let mut spots: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut body = String::new();
    let mut height = 0;
    for (z, (zone, subnets)) in zones.iter().enumerate() {
        let x = GAP + z * (ZONE + GAP);
        let mut y = GAP + 24;
        body.push_str(&format!("<text class=\"zone\" x=\"{x}\" y=\"{}\">{}</text>\n", GAP + 10, escape(zone)));
        for (s, subnet) in subnets {
            spots.insert(*s, (x, y));
            y += subnet_box(&mut body, matrix, subnet, by_subnet.get(*s).map_or(&[], |b| b.1.as_slice()), x, y) + GAP;
        }
        height = height.max(y);
    }
    let side = GAP + zones.len() * (ZONE + GAP) + BETWEEN;
    let mut y = GAP + 24;
    let mut at: BTreeMap<Target, (usize, usize)> = BTreeMap::new();
    for t in targets.keys() {
        at.insert(t.clone(), (side, y));
        target_box(&mut body, t, side, y);
        y += 40;
    }
    let height = height.max(y) + GAP;
    let width = side + SIDE + GAP;
    let name = super::title(report, ground);
    let (blocked, unknown) = rows.iter().filter_map(|i| matrix.rows.get(*i)).fold((0, 0), |(b, u), r| (b + usize::from(r.worst() == Reach::Blocked), u + usize::from(r.worst() == Reach::Unknown)));
    let words = format!("{name}: {} in {}, {blocked} cut off, {unknown} not judged", count(rows.len(), "workload"), count(by_subnet.len(), "subnet"));
    out.push_str(&format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Drawing\"><svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"group\" aria-label=\"{}\">\n",
        escape(&words)
    ));
    out.push_str(&format!("<rect class=\"frame\" x=\"4\" y=\"4\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n", width - 8, height - 8));
    let mut strokes = String::new();
    for (s, c, t, reach, n, path) in lines.iter().skip(skip) {
        let (Some((x, y)), Some((tx, ty))) = (spots.get(s), at.get(t)) else { continue };
        let Some(chip) = by_subnet.get(*s).and_then(|b| b.1.get(*c)) else { continue };
        let from = (x + ZONE - 10, y + HEAD + c * (CHIP + 4) + CHIP / 2);
        stroke(&mut strokes, matrix, chip, from, (*tx, ty + 15), *reach, *n, path);
    }
    out.push_str(&strokes);
    out.push_str(&body);
    out.push_str("</svg></div>\n");
    if skip > 0 {
        out.push_str(&format!("<p class=\"hint\">{} that work are not drawn.</p>\n", count(skip, "way")));
    }
}

/// The workloads of each subnet, the worst first.
fn chips(report: &Report, matrix: &Matrix, rows: &[usize]) -> Vec<(String, Vec<Chip>)> {
    let mut reach: BTreeMap<&str, Reach> = BTreeMap::new();
    for p in &report.paths {
        let own = reach.entry(p.placement.as_str()).or_insert(Reach::Private);
        *own = (*own).max(Reach::of(p));
    }
    let mut map: BTreeMap<String, BTreeMap<usize, Chip>> = BTreeMap::new();
    for i in rows {
        let Some(row) = matrix.rows.get(*i) else { continue };
        for p in &row.placements {
            let Some(placement) = report.placements.get(*p) else { continue };
            let subnet = placement.subnet.clone().unwrap_or_else(|| "subnet not seen".to_owned());
            let chip = map.entry(subnet).or_default().entry(*i).or_insert(Chip { row: *i, placements: Vec::new(), members: 0, worst: Reach::Private });
            chip.placements.push(*p);
            chip.members += placement.member_count;
            chip.worst = chip.worst.max(reach.get(placement.id.as_str()).copied().unwrap_or(Reach::Private));
        }
    }
    let mut out: Vec<(String, Vec<Chip>)> = map
        .into_iter()
        .map(|(subnet, chips)| {
            let mut chips: Vec<Chip> = chips.into_values().collect();
            chips.sort_by_key(|c| (std::cmp::Reverse(c.worst), c.row));
            (subnet, chips)
        })
        .collect();
    let worst = |chips: &[Chip]| chips.iter().map(|c| c.worst).max();
    out.sort_by(|a, b| worst(&b.1).cmp(&worst(&a.1)).then_with(|| a.0.cmp(&b.0)));
    out.truncate(SUBNETS);
    out
}

type Zones<'a> = Vec<(String, Vec<(usize, SubnetWords<'a>)>)>;

/// A subnet in words.
struct SubnetWords<'a> {
    id: &'a str,
    known: Option<&'a TopologySubnet>,
}

/// Zones with the subnets that hold workloads, by number in `by_subnet`; the subnets in the order of their zone's name.
fn zones<'a>(report: &'a Report, ground: &Ground, by_subnet: &'a [(String, Vec<Chip>)]) -> Zones<'a> {
    let mut map: BTreeMap<String, Vec<(usize, SubnetWords<'a>)>> = BTreeMap::new();
    for (s, (id, _)) in by_subnet.iter().enumerate() {
        let known = report.topology.subnets.iter().find(|t| t.id == *id && t.vpc == ground.vpc).or_else(|| report.topology.subnets.iter().find(|t| t.id == *id));
        let zone = known.and_then(|k| k.az.as_deref()).map_or_else(|| "zone not seen".to_owned(), clean);
        map.entry(zone).or_default().push((s, SubnetWords { id, known }));
    }
    map.into_iter().collect()
}

/// Draws a subnet with its workloads; its height.
fn subnet_box(out: &mut String, matrix: &Matrix, subnet: &SubnetWords<'_>, chips: &[Chip], x: usize, y: usize) -> usize {
    let shown = chips.len().min(CHIPS);
    let more = chips.len() - shown;
    let height = HEAD + (shown + usize::from(more > 0)) * (CHIP + 4) + 6;
    let egress = subnet.known.and_then(|k| k.egress).and_then(|e| serde_json::to_value(e).ok()).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_else(|| "egress not known".to_owned());
    let name = subnet.known.and_then(|k| k.name.as_deref()).unwrap_or(subnet.id);
    let cidr = subnet.known.and_then(|k| k.cidr.as_deref()).unwrap_or_default();
    out.push_str(&format!("<g class=\"subnet\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{ZONE}\" height=\"{height}\" rx=\"6\"/>", escape(&format!("{} {cidr}, {egress}", subnet.id))));
    out.push_str(&format!("<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>", x + 10, y + 18, escape(&shorten(&clean(name), 30))));
    out.push_str(&format!("<text class=\"small\" x=\"{}\" y=\"{}\">{}</text></g>\n", x + 10, y + 35, escape(&shorten(&clean(&format!("{cidr} · {egress}")), 38))));
    for (c, chip) in chips.iter().take(CHIPS).enumerate() {
        let Some(row) = matrix.rows.get(chip.row) else { continue };
        let top = y + HEAD + c * (CHIP + 4);
        let n = if chip.members > 1 { format!(" ×{}", chip.members) } else { String::new() };
        let words = format!("{} ({}){n}: {}", row.name, row.kind, chip.worst.meaning());
        out.push_str(&format!(
            "<g class=\"chip {}\" role=\"button\" tabindex=\"0\" data-row=\"{}\" aria-label=\"{}\"><title>{1}</title><rect x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{CHIP}\" rx=\"4\"/><text x=\"{}\" y=\"{}\">{} {}</text></g>\n",
            class(chip.worst),
            chip.row,
            escape(&words),
            x + 10,
            ZONE - 20,
            x + 18,
            top + 16,
            chip.worst.glyph(),
            escape(&format!("{}{n}", shorten(&format!("{} ({})", row.name, row.kind), 30 - n.len().min(10))))
        ));
    }
    if more > 0 {
        let top = y + HEAD + shown * (CHIP + 4);
        let worst = chips.iter().skip(CHIPS).map(|c| c.worst).max().unwrap_or(Reach::Private);
        out.push_str(&format!("<text class=\"small\" x=\"{}\" y=\"{}\">{} and {} more, at worst {}</text>\n", x + 18, top + 16, worst.glyph(), more, worst.word()));
    }
    height
}

fn target_box(out: &mut String, t: &Target, x: usize, y: usize) {
    let kind = if t.there { "target" } else { "target gone" };
    out.push_str(&format!("<g class=\"{kind}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{SIDE}\" height=\"32\" rx=\"6\"/>", escape(&format!("{}: {}", t.name, t.note))));
    out.push_str(&format!(
        "<text class=\"name\" x=\"{}\" y=\"{}\">{}</text><text class=\"small\" x=\"{}\" y=\"{}\">{}</text></g>\n",
        x + 10,
        y + 14,
        escape(&shorten(&t.name, 32)),
        x + 10,
        y + 27,
        escape(&shorten(&t.note, 37))
    ));
}

/// `ecr.api` of `com.amazonaws.us-east-2.ecr.api`.
fn short_service(service: &str) -> String {
    let tail = service.split('.').skip_while(|p| *p != "amazonaws").skip(2).collect::<Vec<_>>().join(".");
    clean(if tail.is_empty() { service } else { &tail })
}

fn endpoint_target(e: &super::super::TopologyEndpoint) -> Target {
    let state = e.state.as_deref().map_or_else(|| "state not seen".to_owned(), |s| clean(s).to_lowercase());
    let kind = e.r#type.as_deref().map_or_else(|| "endpoint".to_owned(), |t| clean(t).to_lowercase());
    let nets = if e.subnets.is_empty() { String::new() } else { format!(", {}", count(e.subnets.len(), "subnet")) };
    Target { rank: 0, name: e.service.as_deref().map_or_else(|| "service not seen".to_owned(), short_service), note: format!("{} {kind}, {state}{nets}", clean(&e.id)), there: state == "available" }
}

fn gateway_target(id: &str, kind: Option<&str>) -> Target {
    let name = match kind {
        Some("nat") => "NAT gateway".to_owned(),
        Some("internet") => "internet gateway".to_owned(),
        Some("egress-only" | "egress-only-internet") => "egress-only internet gateway".to_owned(),
        Some(other) => clean(other),
        None => "gateway".to_owned(),
    };
    Target { rank: 2, name, note: clean(id), there: true }
}

/// Where a path's line leads.
fn target(report: &Report, ground: &Ground, path: &PathLine) -> Target {
    let objects = || path.hops.iter().filter_map(|h| h.object.as_deref());
    let service = clean(&path.service);
    let absent = |note: &str| Target { rank: 1, name: service.clone(), note: note.to_owned(), there: false };
    match path.way {
        Way::InterfaceEndpoint | Way::GatewayEndpoint | Way::Unknown | Way::None => {
            let here = || report.topology.endpoints.iter().filter(|e| e.vpc.as_deref() == Some(&ground.vpc));
            let named = objects().find_map(|o| here().find(|e| e.id == o));
            let same = || here().find(|e| e.service.as_deref().is_some_and(|s| short_service(s) == service));
            match (named.or_else(same), path.way) {
                (Some(e), _) => endpoint_target(e),
                (None, Way::Unknown) => absent("which way it takes is not known"),
                (None, _) => absent("no endpoint, and no other way"),
            }
        }
        Way::RemoteEndpoint => Target { rank: 1, name: service, note: "by an endpoint of another VPC".to_owned(), there: true },
        Way::Local => Target { rank: 1, name: service, note: "at a private address".to_owned(), there: true },
        Way::Internet => {
            let gateway = objects().find_map(|o| report.topology.gateways.iter().find(|g| g.id == o && g.vpc.as_deref() == Some(&ground.vpc)));
            gateway.map_or_else(|| Target { rank: 2, name: "the internet".to_owned(), note: "by a gateway".to_owned(), there: true }, |g| gateway_target(&g.id, g.r#type.as_deref()))
        }
    }
}

/// How much of its line a path gets along, in sixteenths.
const fn progress(path: &PathLine) -> u32 {
    match path.blocked_at {
        None => 16,
        Some(HopName::SourceSg) => 3,
        Some(HopName::SourceNaclOut | HopName::SourceNaclIn) => 5,
        Some(HopName::Dns) => 7,
        Some(HopName::Route) => 9,
        Some(HopName::DestNaclIn | HopName::DestNaclOut) => 11,
        Some(HopName::DestSg) => 13,
        Some(HopName::Endpoint | HopName::Policy) => 15,
    }
}

#[expect(clippy::too_many_arguments, reason = "one line of a drawing is that many things")]
fn stroke(out: &mut String, matrix: &Matrix, chip: &Chip, from: (usize, usize), to: (usize, usize), reach: Reach, n: usize, path: &PathLine) {
    let whole = |v: usize| f64::from(u32::try_from(v).unwrap_or(u32::MAX));
    let (a, d) = ((whole(from.0), whole(from.1)), (whole(to.0), whole(to.1)));
    let middle = f64::midpoint(a.0, d.0).max(d.0 - whole(BETWEEN));
    let (b, c) = ((middle, a.1), (middle, d.1));
    // The part of the curve that the path gets along, by de Casteljau.
    let t = f64::from(progress(path)) / 16.0;
    let mix = |p: (f64, f64), q: (f64, f64)| (p.0 + (q.0 - p.0) * t, p.1 + (q.1 - p.1) * t);
    let (ab, bc, cd) = (mix(a, b), mix(b, c), mix(c, d));
    let (abc, bcd) = (mix(ab, bc), mix(bc, cd));
    let end = mix(abc, bcd);
    // The middle of the whole curve: an eighth of each end, three of each handle.
    let half = ((a.0 + 3.0 * (b.0 + c.0) + d.0) / 8.0, (a.1 + 3.0 * (b.1 + c.1) + d.1) / 8.0);
    let Some(service) = matrix.services.iter().position(|s| *s == clean(&path.service)) else { return };
    let row = matrix.rows.get(chip.row);
    let name = row.map(|r| r.name.clone()).unwrap_or_default();
    let stop = view::stop(path);
    let words = format!("{name} to {}: {}{}", path.service, reach.meaning(), if stop.is_empty() { String::new() } else { format!(", {stop}") });
    let more = if n > 1 { format!(" ({})", count(n, "path")) } else { String::new() };
    out.push_str(&format!("<g class=\"way {}\" data-row=\"{}\" data-service=\"{service}\"><title>{}</title>", class(reach), chip.row, escape(&format!("{words}{more}"))));
    out.push_str(&format!("<path d=\"M{:.0} {:.0}C{:.0} {:.0} {:.0} {:.0} {:.0} {:.0}\"/>", a.0, a.1, ab.0, ab.1, abc.0, abc.1, end.0, end.1));
    match reach {
        Reach::Blocked => out.push_str(&format!("<circle cx=\"{0:.0}\" cy=\"{1:.0}\" r=\"8\"/><text class=\"stop\" x=\"{0:.0}\" y=\"{2:.0}\">✗</text>", end.0, end.1, end.1 + 4.0)),
        Reach::Unknown => out.push_str(&format!("<circle cx=\"{0:.0}\" cy=\"{1:.0}\" r=\"8\"/><text class=\"stop\" x=\"{0:.0}\" y=\"{2:.0}\">?</text>", half.0, half.1, half.1 + 4.0)),
        Reach::Private | Reach::Internet => {}
    }
    out.push_str("</g>\n");
}
