//! What the script of the page needs: rows, paths and hops, with every text once.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::text::clean;
use super::super::view::{self, Links, Matrix, Reach};
use super::super::{PathLine, Report};
use crate::analysis::Tri;

/// Findings whose paths are listed, and paths of one finding.
const FINDINGS: usize = 2_000;
const PATHS: usize = 200;

#[derive(Serialize)]
struct Data {
    services: Vec<String>,
    rows: Vec<RowData>,
    /// Where placements are: zone, subnet, groups.
    places: Vec<String>,
    paths: Vec<PathData>,
    /// Hops of paths; paths with the same hops share one entry.
    hops: Vec<Vec<HopData>>,
    because: Vec<String>,
    /// Paths of findings, by the findings' number.
    findings: BTreeMap<usize, Vec<usize>>,
    titles: BTreeMap<usize, String>,
}

#[derive(Serialize)]
struct RowData {
    /// Name, and the words beside it.
    n: String,
    k: String,
    v: String,
    /// Worst state.
    w: usize,
    /// Text, state and paths of each cell, by the service's number.
    c: BTreeMap<usize, (String, usize, Vec<usize>)>,
}

#[derive(Serialize)]
struct PathData {
    /// Row, place, service, port, way, state, where it stops, hops, reason.
    r: usize,
    p: usize,
    s: usize,
    o: u16,
    y: &'static str,
    w: usize,
    x: String,
    h: usize,
    b: usize,
}

/// State, name, object, detail.
type HopData = (usize, &'static str, String, String);

/// Keeps each text once and gives its number.
#[derive(Default)]
struct Pool<T: Ord + Clone> {
    at: BTreeMap<T, usize>,
    all: Vec<T>,
}

impl<T: Ord + Clone> Pool<T> {
    fn put(&mut self, item: T) -> usize {
        let next = self.all.len();
        let at = *self.at.entry(item.clone()).or_insert(next);
        if at == next {
            self.all.push(item);
        }
        at
    }
}

const fn number(reach: Reach) -> usize {
    match reach {
        Reach::Private => 0,
        Reach::Internet => 1,
        Reach::Unknown => 2,
        Reach::Blocked => 3,
    }
}

/// The data as JSON without `<`, `>` and `&`.
pub fn json(report: &Report, matrix: &Matrix, links: &Links<'_>) -> String {
    let service: BTreeMap<&str, usize> = matrix.services.iter().enumerate().map(|(i, s)| (s.as_str(), i)).collect();
    let placement: BTreeMap<&str, usize> = report.placements.iter().enumerate().map(|(i, p)| (p.id.as_str(), i)).collect();
    let zone: BTreeMap<&str, &str> = report.topology.subnets.iter().filter_map(|s| Some((s.id.as_str(), s.az.as_deref()?))).collect();
    let (mut places, mut hops, mut because) = (Pool::<String>::default(), Pool::<Vec<HopData>>::default(), Pool::<String>::default());
    let mut paths: BTreeMap<usize, PathData> = BTreeMap::new();
    let mut rows = Vec::new();
    for (r, row) in matrix.rows.iter().enumerate() {
        let mut cells = BTreeMap::new();
        for (name, cell) in &row.cells {
            let Some(s) = service.get(name.as_str()).copied() else { continue };
            cells.insert(s, (cell.text(), number(cell.worst()), cell.paths.clone()));
            for i in &cell.paths {
                let Some(path) = report.paths.get(*i) else { continue };
                let place = placement.get(path.placement.as_str()).and_then(|p| report.placements.get(*p)).map_or_else(String::new, |p| {
                    let subnet = p.subnet.as_deref().unwrap_or("subnet not seen");
                    let az = zone.get(subnet).map(|z| format!("{z}, ")).unwrap_or_default();
                    clean(&format!("{az}{subnet}, {}", p.security_groups.join(" ")))
                });
                let reasons: Vec<String> = path.because.iter().take(5).map(|b| clean(b)).collect();
                let data = PathData {
                    r,
                    p: places.put(place),
                    s,
                    o: path.port,
                    y: view::way_name(path.way),
                    w: number(Reach::of(path)),
                    x: view::stop(path),
                    h: hops.put(path.hops.iter().map(|h| hop(path, h)).collect()),
                    b: because.put(reasons.join("; ")),
                };
                paths.insert(*i, data);
            }
        }
        rows.push(RowData { n: row.name.clone(), k: super::row_words(row), v: row.ground.vpc.clone(), w: number(row.worst()), c: cells });
    }
    // Numbers of paths as the page knows them: a path without a row has none.
    let order: BTreeMap<usize, usize> = paths.keys().enumerate().map(|(new, old)| (*old, new)).collect();
    for row in &mut rows {
        for cell in row.c.values_mut() {
            cell.2 = cell.2.iter().filter_map(|i| order.get(i)).copied().collect();
        }
    }
    let mut explained = BTreeMap::new();
    let mut titles = BTreeMap::new();
    for (i, f) in report.findings.iter().enumerate().take(FINDINGS) {
        let own: Vec<usize> = links.paths_of(f, PATHS).iter().filter_map(|p| order.get(p)).copied().collect();
        if !own.is_empty() {
            explained.insert(i, own);
            titles.insert(i, clean(&format!("{} {}: {}", f.rule, f.title, view::object(f))));
        }
    }
    let data = Data { services: matrix.services.clone(), rows, places: places.all, paths: paths.into_values().collect(), hops: hops.all, because: because.all, findings: explained, titles };
    super::super::json::compact(&data).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn hop(path: &PathLine, hop: &super::super::HopLine) -> HopData {
    let state = match hop.verdict {
        Tri::Pass if path.verdict == Tri::Pass => number(Reach::of(path)),
        Tri::Pass => 0,
        Tri::Unknown => 2,
        Tri::Fail => 3,
    };
    (state, view::hop_name(hop.hop), hop.object.as_deref().map(clean).unwrap_or_default(), hop.detail.as_deref().map(clean).unwrap_or_default())
}
