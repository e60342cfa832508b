//! The report for people at a terminal: the answer first, then the matrix, then the findings with their fixes.
//!
//! Colour only repeats what glyphs and words say. Whatever grows with the account is grouped and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::text::{clean, clean_lines, count, list, thousands, width, wrap};
use super::view::{self, Ground, Matrix, Reach, Row};
use super::{Options, Report, SourceName};
use crate::analysis::Tri;
use crate::finding::{Finding, Severity, Verdict};

/// Columns without a terminal.
const WIDTH: usize = 100;
/// Troubles in the summary, rows in the matrix, findings of one rule in full, objects in a list, paths with their hops.
const TROUBLES: usize = 8;
const ROWS: usize = 24;
const FULL: usize = 3;
const ITEMS: usize = 5;
const PATHS: usize = 60;
/// Commands of a finding.
const COMMANDS: usize = 6;
/// Columns of a matrix cell where the service's name can be broken, and at most.
const CELL: usize = 9;
const LONGEST: usize = 16;

/// Renders the table.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    let mut page = Page { out: String::new(), columns: options.width.unwrap_or(WIDTH).clamp(40, 240), color: options.color };
    let matrix = view::matrix(report);
    summary(&mut page, report, &matrix, options);
    reachability(&mut page, report, &matrix);
    findings(&mut page, report, options.details);
    if options.details {
        hops(&mut page, report);
    }
    page.out.into_bytes()
}

/// What has been written, how wide it may be, and whether in colour.
struct Page {
    out: String,
    columns: usize,
    color: bool,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A paragraph, wrapped, its first line behind `first` and the others behind `rest`.
    fn paragraph(&mut self, text: &str, first: &str, rest: &str) {
        let text = wrap(text, self.columns, first, rest);
        self.line(&text);
    }

    fn heading(&mut self, text: &str) {
        let styled = self.paint(Style::new().bold(), text);
        self.line("");
        self.line(&styled);
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

const fn reach_style(reach: Reach) -> Style {
    let color = match reach {
        Reach::Private => AnsiColor::Green,
        Reach::Internet => AnsiColor::Cyan,
        Reach::Unknown => AnsiColor::Yellow,
        Reach::Blocked => AnsiColor::Red,
    };
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

const fn severity_style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical | Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Cyan,
        Severity::Info => AnsiColor::BrightBlack,
    };
    let style = Style::new().fg_color(Some(anstyle::Color::Ansi(color)));
    if matches!(severity, Severity::Critical) { style.bold() } else { style }
}

/// What was audited, the answer, who is cut off, how complete this is, how many findings.
fn summary(page: &mut Page, report: &Report, matrix: &Matrix, options: &Options) {
    let scope: Vec<String> = report.scope.iter().map(scope_words).collect();
    page.paragraph(&format!("audit {} of {}", clean(&report.tool.version), if scope.is_empty() { "nothing".to_owned() } else { list(&scope, 3) }), "", "  ");
    page.line("");
    let worst = matrix.rows.iter().map(Row::worst).max();
    let style = worst.map_or_else(Style::new, reach_style).bold();
    let lines = wrap(&view::headline(report, matrix), page.columns, "", "");
    for line in lines.lines() {
        let line = page.paint(style, line);
        page.line(&line);
    }
    for reach in [Reach::Blocked, Reach::Unknown] {
        let troubles = view::troubles(report, matrix, reach);
        for t in troubles.iter().take(TROUBLES) {
            page.paragraph(&format!("{}{}", t.who(), t.what()), &format!("  {} ", reach.glyph()), "    ");
        }
        if troubles.len() > TROUBLES {
            page.line(&format!("    and {} more of this kind", thousands(troubles.len() - TROUBLES)));
        }
    }
    page.line("");
    completeness(page, report);
    for note in &options.notes {
        page.paragraph(&clean(note), "Note: ", "  ");
    }
    let s = &report.summary;
    let fails = [(s.fail.critical, "critical"), (s.fail.high, "high"), (s.fail.medium, "medium"), (s.fail.low, "low"), (s.fail.info, "info")];
    let mut parts: Vec<String> = fails.iter().filter(|(n, _)| *n > 0).map(|(n, w)| format!("{} {w}", thousands(*n))).collect();
    if parts.is_empty() {
        parts.push("none".to_owned());
    }
    if s.unknown > 0 {
        parts.push(format!("{} unknown", thousands(s.unknown)));
    }
    let rules = format!("Of {}, {} pass and {} do not apply.", count(report.rules.len(), "rule"), s.pass, s.not_applicable);
    page.paragraph(&format!("{}. {rules}", parts.join(", ")), "Findings: ", "  ");
    suppressions(page, report);
}

fn scope_words(scope: &super::Scope) -> String {
    let vpcs: Vec<String> = scope.vpcs.iter().map(|v| clean(v)).collect();
    let vpcs = if vpcs.is_empty() { "no VPC that ECS uses".to_owned() } else { list(&vpcs, 3) };
    let source = if scope.source == SourceName::Snapshot { ", from a snapshot" } else { "" };
    format!("{} in {}, account {}{source}", vpcs, clean(&scope.region), clean(scope.account.as_deref().unwrap_or("not known")))
}

fn completeness(page: &mut Page, report: &Report) {
    let gaps = view::gaps(report);
    let all = report.completeness.len();
    if report.complete {
        page.line(&format!("Complete: {}.", if gaps.is_empty() { format!("all {} were seen", count(all, "answer")) } else { "everything that decides was seen".to_owned() }));
    } else if gaps.is_empty() {
        let shown = report.findings.iter().any(|f| f.verdict == Verdict::Unknown && f.severity > Severity::Info);
        page.line(&format!("Incomplete: every answer was seen, but some rules could not be judged; {}.", if shown { "see the findings" } else { "what says so is suppressed" }));
    } else {
        let word = page.paint(reach_style(Reach::Unknown).bold(), "Incomplete:");
        let text = wrap(&format!("{} of {} not seen: {}.", gaps.len(), count(all, "answer"), list(&gaps, ITEMS)), page.columns, "Incomplete: ", "  ");
        page.line(&text.replacen("Incomplete:", &word, 1));
    }
    if let Some(hint) = view::names_hint(report) {
        page.paragraph(&hint, "  ", "  ");
    }
    for a in &report.assume {
        page.paragraph(&view::assumption(a), "Assumed: ", "  ");
    }
    let assumed = view::assumed(report);
    if !assumed.is_empty() {
        page.paragraph(&format!("not seen, taken as said: {}", list(&assumed, ITEMS)), "Assumed: ", "  ");
    }
}

fn suppressions(page: &mut Page, report: &Report) {
    let (applied, idle): (Vec<_>, Vec<_>) = report.suppressed.iter().partition(|s| s.fingerprint.is_some());
    if !applied.is_empty() {
        let names: Vec<String> = applied.iter().map(|s| format!("{} ({})", clean(&s.rule), clean(s.reason.as_deref().unwrap_or("no reason")))).collect();
        page.paragraph(&format!("{}: {}.", count(applied.len(), "finding"), list(&names, ITEMS)), "Suppressed: ", "  ");
    }
    for s in idle.iter().take(ITEMS) {
        page.paragraph(&format!("the entry for {} ({}): expired, or without a match", clean(&s.rule), clean(s.reason.as_deref().unwrap_or("no reason"))), "Suppresses nothing: ", "  ");
    }
}

/// The matrix, one for each VPC; VPCs in which everything passes come down to a line once space is short.
fn reachability(page: &mut Page, report: &Report, matrix: &Matrix) {
    if matrix.rows.is_empty() {
        return;
    }
    let mut grounds: BTreeMap<&Ground, Vec<&Row>> = BTreeMap::new();
    for row in &matrix.rows {
        grounds.entry(&row.ground).or_default().push(row);
    }
    page.heading("REACHABILITY");
    let mut order: Vec<(&Ground, Vec<&Row>)> = grounds.into_iter().collect();
    let worst = |rows: &[&Row]| rows.iter().map(|r| r.worst()).max();
    order.sort_by(|a, b| worst(&b.1).cmp(&worst(&a.1)).then(a.0.cmp(b.0)));
    let (many, mut left) = (matrix.rows.len() > ROWS, ROWS);
    for (ground, rows) in order {
        let name = report.topology.vpcs.iter().find(|v| v.id == ground.vpc).and_then(|v| v.name.as_deref()).map(|n| format!(" ({})", clean(n))).unwrap_or_default();
        let title = format!("{}{name}, {}, account {}", ground.vpc, ground.region, ground.account);
        let fine = rows.iter().all(|r| r.worst() <= Reach::Internet);
        if left == 0 || (many && fine) {
            let bad = rows.iter().filter(|r| r.worst() > Reach::Internet).count();
            let what = if bad == 0 { "nothing is blocked or unknown".to_owned() } else { format!("{} blocked or unknown", thousands(bad)) };
            page.paragraph(&format!("{title}: {}, {what}", count(rows.len(), "workload")), "", "  ");
            continue;
        }
        page.paragraph(&title, "", "  ");
        let lines = fold(&rows);
        let shown = lines.len().min(left);
        grid(page, matrix, lines.get(..shown).unwrap_or_default());
        left -= shown;
        if lines.len() > shown {
            let rest: usize = lines.iter().skip(shown).map(|l| l.count).sum();
            page.line(&format!("and {} more; --format html or json shows them all", count(rest, "workload")));
        }
    }
    let legend: Vec<String> = [Reach::Private, Reach::Internet, Reach::Blocked, Reach::Unknown].iter().map(|r| format!("{} {} {}", r.glyph(), r.word(), r.meaning())).collect();
    let mut line = String::new();
    for item in legend.iter().map(String::as_str).chain(["· not needed"]) {
        if !line.is_empty() && width(&line) + 3 + width(item) > page.columns {
            page.line(&std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push_str("   ");
        }
        line.push_str(item);
    }
    page.line(&line);
}

/// A line of the matrix: one workload, or several whose cells read the same.
struct Line<'a> {
    label: String,
    count: usize,
    row: &'a Row,
}

/// Folds rows that read the same into one where there are more than a few.
fn fold<'a>(rows: &[&'a Row]) -> Vec<Line<'a>> {
    let mut groups: Vec<Vec<&'a Row>> = Vec::new();
    let mut at: BTreeMap<Vec<(&str, String)>, usize> = BTreeMap::new();
    for row in rows.iter().copied() {
        let cells: Vec<(&str, String)> = row.cells.iter().map(|(s, c)| (s.as_str(), c.text())).collect();
        let i = *at.entry(cells).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(i) {
            group.push(row);
        }
    }
    let mut lines = Vec::new();
    for members in groups {
        if rows.len() > ROWS / 2 && members.len() > FULL {
            let names: Vec<String> = members.iter().map(|r| r.label()).collect();
            lines.extend(members.first().map(|row| Line { label: list(&names, 2), count: members.len(), row }));
        } else {
            lines.extend(members.iter().map(|row| Line { label: row.label(), count: 1, row }));
        }
    }
    lines
}

/// The lines as tables of as many services as fit side by side.
fn grid(page: &mut Page, matrix: &Matrix, lines: &[Line<'_>]) {
    let services: Vec<&String> = matrix.services.iter().filter(|s| lines.iter().any(|l| l.row.cells.contains_key(*s))).collect();
    let first = lines.iter().map(|l| width(&l.label)).max().unwrap_or(0).clamp(8, (page.columns / 3).max(16));
    let cell = |line: &Line<'_>, service: &str| line.row.cells.get(service).map_or_else(|| "·".to_owned(), view::Cell::text);
    let mut rest: &[&String] = &services;
    while !rest.is_empty() {
        let mut used = first + 3;
        let mut widths = Vec::new();
        for service in rest {
            let content = lines.iter().map(|l| width(&cell(l, service))).max().unwrap_or(0);
            let w = content.max(break_name(service, CELL).split(' ').map(width).max().unwrap_or(0)).min(LONGEST);
            if !widths.is_empty() && used + w + 4 > page.columns {
                break;
            }
            used += w + 3;
            widths.push(w);
        }
        let (now, later) = rest.split_at(widths.len().min(rest.len()));
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(std::iter::once("workload".to_owned()).chain(now.iter().map(|s| break_name(s, CELL))));
        for line in lines {
            table.add_row(std::iter::once(line.label.clone()).chain(now.iter().map(|s| cell(line, s))));
        }
        table.set_width(u16::try_from(used + 1).unwrap_or(u16::MAX));
        let fixed = |w: usize| ColumnConstraint::Absolute(Width::Fixed(u16::try_from(w + 2).unwrap_or(u16::MAX)));
        table.set_constraints(std::iter::once(fixed(first)).chain(widths.iter().map(|w| fixed(*w))));
        let mut text = table.trim_fmt();
        if page.color {
            for reach in [Reach::Private, Reach::Internet, Reach::Unknown, Reach::Blocked] {
                let plain = format!("{} {}", reach.glyph(), reach.word());
                text = text.replace(&plain, &page.paint(reach_style(reach), &plain));
            }
        }
        page.line(&text);
        rest = later;
    }
}

/// Breaks a service's name at a dot, dash or colon where it would not fit its column, so that no word is torn there.
fn break_name(name: &str, columns: usize) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let mut out = String::new();
    for part in name.split_inclusive(['-', '.', ':', '/']) {
        let last = out.rsplit(' ').next().map_or(0, width);
        if last > 0 && last + width(part) > columns {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}

/// The findings: failures by severity, several of one rule grouped; then what could not be judged.
fn findings(page: &mut Page, report: &Report, details: bool) {
    let (fails, unknowns): (Vec<&Finding>, Vec<&Finding>) = report.findings.iter().partition(|f| f.verdict == Verdict::Fail);
    let links = details.then(|| view::Links::new(report));
    if !fails.is_empty() {
        page.heading("FINDINGS");
    }
    let mut seen: BTreeMap<(&str, Severity, &str), usize> = BTreeMap::new();
    let mut order: Vec<Vec<&Finding>> = Vec::new();
    for f in fails {
        let at = *seen.entry((&f.rule, f.severity, &f.title)).or_insert_with(|| {
            order.push(Vec::new());
            order.len() - 1
        });
        if let Some(group) = order.get_mut(at) {
            group.push(f);
        }
    }
    for group in order {
        let full = if group.len() > FULL + 1 { FULL } else { group.len() };
        for f in group.iter().take(full) {
            one(page, f, links.as_ref());
        }
        if group.len() > full {
            let names: Vec<String> = group.iter().skip(full).map(|f| view::object(f)).collect();
            let rule = group.first().map(|f| clean(&f.rule)).unwrap_or_default();
            page.line("");
            page.paragraph(&format!("{} more of {rule}: {}", thousands(names.len()), list(&names, ITEMS)), "  ", "  ");
        }
    }
    if unknowns.is_empty() {
        return;
    }
    page.heading("COULD NOT BE JUDGED");
    for f in &unknowns {
        let lead = format!("? {} {}: ", clean(&f.rule), clean(&f.title));
        page.paragraph(&format!("{}{}", clean(&f.message), hits(f)), &lead, "  ");
    }
    let mut ways: Vec<String> = unknowns.iter().map(|f| clean(&f.remediation.text)).filter(|t| !t.is_empty()).collect();
    ways.sort();
    ways.dedup();
    for way in ways.iter().take(ITEMS) {
        page.paragraph(way, "  Way out: ", "    ");
    }
}

fn hits(f: &Finding) -> String {
    let names = view::affected(f, ITEMS);
    if names.is_empty() { String::new() } else { format!(" Hits {names}.") }
}

fn one(page: &mut Page, f: &Finding, links: Option<&view::Links<'_>>) {
    page.line("");
    let severity = page.paint(severity_style(f.severity), &f.severity.name().to_uppercase());
    let status = f.status.as_deref().map(|s| format!(" [{}]", clean(s))).unwrap_or_default();
    let head = wrap(&format!("{} {}: {}{status}", clean(&f.rule), clean(&f.title), view::object(f)), page.columns.saturating_sub(f.severity.name().len()), " ", "  ");
    page.line(&format!("{severity}{head}"));
    page.paragraph(&clean(&f.message), "  ", "  ");
    let names = view::affected(f, ITEMS);
    if !names.is_empty() {
        page.paragraph(&names, "  Hits: ", "    ");
    }
    if !f.remediation.text.is_empty() {
        page.paragraph(&format!("{}{}", clean(&f.remediation.text), view::proof(f)), "  Fix: ", "    ");
    }
    // Commands are never wrapped: what is copied must run.
    for command in f.remediation.commands.iter().take(COMMANDS) {
        page.line(&format!("    $ {}", clean_lines(command).replace('\n', "\n      ")));
    }
    if f.remediation.commands.len() > COMMANDS {
        page.line(&format!("    and {} more; --format fix prints them all", count(f.remediation.commands.len() - COMMANDS, "command")));
    }
    if let Some(links) = links {
        detail(page, links, f);
    }
}

fn detail(page: &mut Page, links: &view::Links<'_>, f: &Finding) {
    for e in &f.evidence {
        let field = e.field.as_deref().map(|x| format!(" {}", clean(x))).unwrap_or_default();
        let value = e.value.as_deref().map(|x| format!(" = {}", clean(x))).unwrap_or_default();
        let note = e.note.as_deref().map(|x| format!(" ({})", clean(x))).unwrap_or_default();
        page.paragraph(&format!("{}{field}{value}{note}", clean(&e.source)), "  Evidence: ", "    ");
    }
    let paths = links.paths_of(f, usize::MAX);
    if !paths.is_empty() {
        page.line(&format!("  Explains: {}", count(paths.len(), "path")));
    }
    for r in f.references.iter().filter(|r| r.starts_with("https://")) {
        page.line(&format!("  See: {}", clean(r)));
    }
    page.paragraph(&format!("{}. Fingerprint: {}", view::confidence_name(f.confidence), clean(&f.fingerprint)), "  Confidence: ", "    ");
    page.line("  To accept it, in audit.toml:");
    for line in crate::governance::suppress::lines(f).lines() {
        page.line(&format!("    {line}"));
    }
}

/// Every path with its hops, the failing ones first; paths that read the same are shown once and counted.
fn hops(page: &mut Page, report: &Report) {
    type Key = (std::cmp::Reverse<Tri>, String, String);
    let mut groups: BTreeMap<Key, (usize, Vec<usize>, BTreeSet<String>)> = BTreeMap::new();
    let index: BTreeMap<&str, usize> = report.placements.iter().enumerate().map(|(i, p)| (p.id.as_str(), i)).collect();
    for path in &report.paths {
        let mut text = String::new();
        for hop in &path.hops {
            let reach = match hop.verdict {
                Tri::Pass => Reach::Private,
                Tri::Unknown => Reach::Unknown,
                Tri::Fail => Reach::Blocked,
            };
            let object = hop.object.as_deref().map(|o| format!(" {}", clean(o))).unwrap_or_default();
            let detail = hop.detail.as_deref().map(|d| format!(": {}", clean(d))).unwrap_or_default();
            let _ = writeln!(text, "{} {}{object}{detail}", reach.glyph(), view::hop_name(hop.hop));
        }
        let head = format!("{} port {} by {}: {}", clean(&path.service), path.port, view::way_name(path.way), view::tri_name(path.verdict));
        let group = groups.entry((std::cmp::Reverse(path.verdict), head, text)).or_default();
        group.0 += 1;
        group.2.extend(path.because.iter().map(|b| clean(b)));
        group.1.extend(index.get(path.placement.as_str()));
    }
    if groups.is_empty() {
        return;
    }
    page.heading("PATHS");
    let all = groups.len();
    for ((_, head, text), (n, placements, because)) in groups.into_iter().take(PATHS) {
        let places = view::places(report, placements);
        let because: Vec<String> = because.into_iter().collect();
        page.paragraph(&format!("{head}; {} in {}; needed by {}", count(n, "placement"), list(&places, 4), list(&because, 2)), "", "  ");
        for line in text.lines() {
            page.paragraph(line, "  ", "      ");
        }
    }
    if all > PATHS {
        page.line(&format!("and {} more that read differently; --format json has them all", thousands(all - PATHS)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{sample, text::is_treacherous};

    fn at(report: &Report, width: usize, details: bool) -> String {
        String::from_utf8(render(report, &Options { width: Some(width), details, ..Options::default() })).unwrap()
    }

    #[test]
    fn the_answer_comes_first() {
        let text = at(&sample::report(), 100, false);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("audit 0.1.0 of vpc-0a1b2c3d4e5f60718"), "{}", lines[0]);
        assert_eq!(lines[2], "1 of 3 workloads cannot start tasks. 1 more could not be judged.");
        assert!(lines[3].starts_with("  ✗ web (Fargate) in us-east-2"), "{}", lines[3]);
        let order: Vec<usize> = ["Incomplete:", "Findings: 2 critical, 1 high, 1 low, 1 unknown", "REACHABILITY", "FINDINGS", "COULD NOT BE JUDGED"]
            .iter()
            .map(|w| text.find(w).unwrap_or_else(|| panic!("{w}: {text}")))
            .collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn lines_keep_to_the_terminal_but_for_what_must_stay_whole() {
        for width in [60, 80, 100, 140] {
            for report in [sample::report(), sample::passing(), sample::large(300)] {
                for line in at(&report, width, true).lines() {
                    let whole = line.trim_start().starts_with("$ ") || line.contains("https://") || line.starts_with("    resource = ") || line.starts_with("    fingerprint = ");
                    assert!(whole || super::width(line) <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn ten_thousand_workloads_are_counted_and_no_wall() {
        let report = sample::large(10_000);
        let text = at(&report, 100, false);
        assert!(text.contains("1,000 of 10,000 workloads cannot start tasks"), "{text}");
        assert!(text.lines().count() < 80, "{} lines", text.lines().count());
        assert!(text.contains("997 more of WL03"));
        assert!(at(&report, 100, true).lines().count() < 400);
    }

    #[test]
    fn colour_repeats_what_words_say() {
        let report = sample::report();
        let colored = String::from_utf8(render(&report, &Options { width: Some(100), color: true, ..Options::default() })).unwrap();
        assert!(colored.contains('\u{1b}'));
        let mut plain = String::new();
        let mut rest = colored.as_str();
        while let Some(i) = rest.find('\u{1b}') {
            plain.push_str(&rest[..i]);
            rest = &rest[i..][rest[i..].find('m').unwrap() + 1..];
        }
        plain.push_str(rest);
        assert_eq!(plain, at(&report, 100, false));
    }

    #[test]
    fn details_show_hops_evidence_and_the_way_to_accept() {
        let text = at(&sample::report(), 100, true);
        for words in ["✗ dest-sg sg-0endpoint: no rule allows TCP 443", "Evidence: ec2:DescribeSecurityGroups", "[[suppress]]", "See: https://"] {
            assert!(text.contains(words), "{words}");
        }
        assert!(!at(&sample::report(), 100, false).contains("[[suppress]]"));
    }

    #[test]
    fn everything_passes_and_nothing_here_are_said_plainly() {
        let text = at(&sample::passing(), 80, false);
        assert!(text.contains("Both workloads reach every AWS service that they need."));
        assert!(text.contains("Complete: all 5 answers were seen."));
        assert!(!text.contains("FINDINGS\n"));
        let mut none = sample::passing();
        none.placements.clear();
        none.paths.clear();
        assert!(at(&none, 80, false).contains("No ECS workload here"));
    }

    #[test]
    fn nothing_from_the_account_steers_the_terminal() {
        for details in [false, true] {
            let text = at(&sample::hostile(), 100, details);
            assert!(text.contains("\\u{1b}[31m"), "it is shown, not hidden");
            assert!(!text.chars().any(|c| c != '\n' && is_treacherous(c)));
        }
    }
}
