//! HTML: one self-contained page. It loads nothing: its Content-Security-Policy forbids everything but its own style and
//! script, by their hashes.
//!
//! What is read is there without the script: the answer, the drawings, the matrices, the findings. The script adds hops on a
//! cell, filters, copying, and the theme. Text of the account reaches the page through `escape` or as JSON that the script
//! puts in as text.

mod data;
mod drawing;

use sha2::{Digest, Sha256};

use super::text::{clean, clean_lines, count, list, thousands};
use super::view::{self, Ground, Links, Matrix, Reach, Row};
use super::{Options, Report};
use crate::finding::{Finding, Verdict};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Rows of one matrix that stand in the page itself; the script shows the others on demand.
const ROWS: usize = 200;
/// Findings on the page, drawings of VPCs.
const FINDINGS: usize = 2_000;
const DRAWINGS: usize = 30;
/// Troubles in the summary, names in a list.
const TROUBLES: usize = 6;
const NAMES: usize = 20;

/// Renders the page.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    let matrix = view::matrix(report);
    let links = Links::new(report);
    let mut out = String::new();
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str(&format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n",
        hash(STYLE),
        hash(SCRIPT)
    ));
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    out.push_str(&format!("<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n", escape(&format!("audit: {}", view::headline(report, &matrix)))));
    out.push_str("<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n");
    header(&mut out, report, &matrix, options);
    out.push_str("<main>\n");
    filters(&mut out, report);
    drawings(&mut out, report, &matrix);
    matrices(&mut out, report, &matrix);
    findings(&mut out, report, &links);
    completeness(&mut out, report);
    out.push_str("</main>\n");
    out.push_str("<aside id=\"hops\" hidden tabindex=\"-1\" aria-labelledby=\"hops-title\"><div class=\"bar\"><h2 id=\"hops-title\">Hops</h2><button type=\"button\" id=\"hops-close\" aria-label=\"Close the hops\">✕</button></div><div id=\"hops-body\"></div></aside>\n");
    out.push_str("<div id=\"tip\" role=\"tooltip\" hidden></div>\n<div id=\"said\" class=\"quiet\" role=\"status\" aria-live=\"polite\"></div>\n");
    // A block of data is no script: the policy does not concern it. `<` cannot stand in it, so nothing ends it early.
    out.push_str(&format!("<script type=\"application/json\" id=\"data\">{}</script>\n", data::json(report, &matrix, &links)));
    out.push_str(&format!("<script>{SCRIPT}</script>\n</body>\n</html>\n"));
    out.into_bytes()
}

/// Text for an element or an attribute in double quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// SHA-256 in base64, as a policy names a style or script.
fn hash(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(text.as_bytes());
    let mut out = String::new();
    for chunk in digest.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |acc, b| (acc << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let six = usize::try_from((bits >> (18 - 6 * i)) & 63).unwrap_or(0);
            out.push(if i > chunk.len() { '=' } else { ALPHABET.get(six).copied().map_or('=', char::from) });
        }
    }
    out
}

/// Class of a state, in the style sheet.
const fn class(reach: Reach) -> &'static str {
    match reach {
        Reach::Private => "ok",
        Reach::Internet => "net",
        Reach::Unknown => "unk",
        Reach::Blocked => "bad",
    }
}

fn header(out: &mut String, report: &Report, matrix: &Matrix, options: &Options) {
    let worst = matrix.rows.iter().map(Row::worst).max();
    let mark = worst.map_or(String::new(), |r| format!("<span class=\"mark\" aria-hidden=\"true\">{}</span> ", r.glyph()));
    out.push_str("<header>\n<div class=\"bar\"><p class=\"tool\">audit: Amazon ECS over AWS PrivateLink</p><button type=\"button\" id=\"theme\" aria-label=\"Switch between light and dark\">◐ theme</button></div>\n");
    out.push_str(&format!("<h1 class=\"{}\">{mark}{}</h1>\n", worst.map_or("none", class), escape(&view::headline(report, matrix))));
    let scope: Vec<String> = report
        .scope
        .iter()
        .map(|s| format!("{} in {}, account {}", if s.vpcs.is_empty() { "no VPC that ECS uses".to_owned() } else { list(&s.vpcs, 5) }, s.region, s.account.as_deref().unwrap_or("not known")))
        .collect();
    out.push_str(&format!("<p>Audited: {}.</p>\n", escape(&list(&scope, 10))));
    let mut items = String::new();
    for reach in [Reach::Blocked, Reach::Unknown] {
        let troubles = view::troubles(report, matrix, reach);
        for t in troubles.iter().take(TROUBLES) {
            items.push_str(&format!("<li class=\"{}\"><span aria-hidden=\"true\">{}</span> <b>{}</b>{}</li>\n", class(reach), reach.glyph(), escape(&t.who()), escape(&t.what())));
        }
        if troubles.len() > TROUBLES {
            items.push_str(&format!("<li>and {} more</li>\n", troubles.len() - TROUBLES));
        }
    }
    if !items.is_empty() {
        out.push_str(&format!("<ul class=\"troubles\">\n{items}</ul>\n"));
    }
    let s = &report.summary;
    out.push_str("<ul class=\"counts\">\n");
    for (n, word) in [
        (s.fail.critical, "critical"),
        (s.fail.high, "high"),
        (s.fail.medium, "medium"),
        (s.fail.low, "low"),
        (s.fail.info, "info"),
        (s.unknown, "unknown"),
        (s.pass, "rules pass"),
        (s.not_applicable, "do not apply"),
        (s.suppressed, "suppressed"),
    ] {
        out.push_str(&format!("<li class=\"{}\"><b>{}</b> {word}</li>\n", if n == 0 { "zero" } else { word.split(' ').next().unwrap_or_default() }, thousands(n)));
    }
    out.push_str("</ul>\n");
    let gaps = view::gaps(report);
    if report.complete {
        out.push_str("<p>Complete: everything that decides was seen.</p>\n");
    } else {
        let what = if gaps.is_empty() { "some rules could not be judged".to_owned() } else { format!("{} not seen: {}", count(gaps.len(), "answer"), list(&gaps, 5)) };
        out.push_str(&format!("<p class=\"unk\"><span aria-hidden=\"true\">?</span> <b>Incomplete</b>: {}. This is no all-clear.</p>\n", escape(&what)));
    }
    if let Some(hint) = view::names_hint(report) {
        out.push_str(&format!("<p>{}</p>\n", escape(&hint)));
    }
    for a in &report.assume {
        out.push_str(&format!("<p>Assumed: {}.</p>\n", escape(&view::assumption(a))));
    }
    for note in &options.notes {
        out.push_str(&format!("<p>Note: {}</p>\n", escape(note)));
    }
    out.push_str("</header>\n");
}

fn filters(out: &mut String, report: &Report) {
    if report.findings.is_empty() && report.paths.is_empty() {
        return;
    }
    out.push_str("<form id=\"filters\" role=\"search\" aria-label=\"Filter workloads and findings\">\n<label>Search <input type=\"search\" id=\"q\" autocomplete=\"off\" placeholder=\"workload, service, id, rule\"></label>\n");
    out.push_str("<label>Workloads <select id=\"state\"><option value=\"\">all</option><option value=\"3\">✗ blocked</option><option value=\"2\">? unknown or worse</option><option value=\"1\">↗ internet or worse</option></select></label>\n");
    out.push_str("<label>Findings <select id=\"severity\"><option value=\"\">all</option><option value=\"4\">critical</option><option value=\"3\">high and worse</option><option value=\"2\">medium and worse</option><option value=\"1\">low and worse</option><option value=\"u\">unknown</option></select></label>\n");
    let vpcs: Vec<&str> = report.scope.iter().flat_map(|s| &s.vpcs).map(String::as_str).collect();
    if vpcs.len() > 1 {
        out.push_str("<label>VPC <select id=\"vpc\"><option value=\"\">all</option>");
        for v in vpcs {
            out.push_str(&format!("<option>{}</option>", escape(v)));
        }
        out.push_str("</select></label>\n");
    }
    out.push_str("<button type=\"reset\">Reset</button>\n</form>\n");
}

/// The grounds of a matrix with their rows' numbers, the worst first.
fn grounds(matrix: &Matrix) -> Vec<(&Ground, Vec<usize>)> {
    let mut map: std::collections::BTreeMap<&Ground, Vec<usize>> = std::collections::BTreeMap::new();
    for (i, row) in matrix.rows.iter().enumerate() {
        map.entry(&row.ground).or_default().push(i);
    }
    let mut out: Vec<(&Ground, Vec<usize>)> = map.into_iter().collect();
    let worst = |rows: &[usize]| rows.iter().filter_map(|i| matrix.rows.get(*i)).map(Row::worst).max();
    out.sort_by(|a, b| worst(&b.1).cmp(&worst(&a.1)).then(a.0.cmp(b.0)));
    out
}

fn title(report: &Report, ground: &Ground) -> String {
    let name = report.topology.vpcs.iter().find(|v| v.id == ground.vpc).and_then(|v| v.name.as_deref()).map(|n| format!(" ({n})")).unwrap_or_default();
    format!("{}{name}, {}, account {}", ground.vpc, ground.region, ground.account)
}

fn drawings(out: &mut String, report: &Report, matrix: &Matrix) {
    let grounds = grounds(matrix);
    if grounds.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"drawing-title\">\n<h2 id=\"drawing-title\">The network</h2>\n<p class=\"hint\">Each workload in its subnet, and the way to each AWS service. A line that ends in ✗ stops there. Choose a workload to see its ways alone, and a line for its hops.</p>\n<label class=\"toggle\"><input type=\"checkbox\" id=\"working\"> show the ways that work</label>\n");
    for (i, (ground, rows)) in grounds.iter().take(DRAWINGS).enumerate() {
        let open = if i == 0 { " open" } else { "" };
        out.push_str(&format!("<details class=\"vpc\" data-vpc=\"{}\"{open}><summary>{}</summary>\n", escape(&ground.vpc), escape(&title(report, ground))));
        drawing::draw(out, report, matrix, ground, rows);
        out.push_str("</details>\n");
    }
    if grounds.len() > DRAWINGS {
        out.push_str(&format!("<p>{} are not drawn; the matrix below has them.</p>\n", count(grounds.len() - DRAWINGS, "more VPC")));
    }
    out.push_str("</section>\n");
}

fn matrices(out: &mut String, report: &Report, matrix: &Matrix) {
    out.push_str("<section aria-labelledby=\"matrix-title\">\n<h2 id=\"matrix-title\">Reachability</h2>\n");
    if matrix.rows.is_empty() {
        out.push_str(&format!("<p>{}</p>\n</section>\n", escape(&view::headline(report, matrix))));
        return;
    }
    out.push_str("<p class=\"hint\">Choose a cell for its hops. Arrow keys move between cells, Enter opens one, Escape closes.</p>\n<ul class=\"legend\">\n");
    for r in [Reach::Private, Reach::Internet, Reach::Blocked, Reach::Unknown] {
        out.push_str(&format!("<li class=\"{}\">{} {}: {}</li>\n", class(r), r.glyph(), r.word(), r.meaning()));
    }
    out.push_str("<li>·: not needed</li>\n</ul>\n");
    for (ground, rows) in grounds(matrix) {
        let services: Vec<(usize, &String)> = matrix.services.iter().enumerate().filter(|(_, s)| rows.iter().filter_map(|i| matrix.rows.get(*i)).any(|r| r.cells.contains_key(*s))).collect();
        let columns: Vec<String> = services.iter().map(|(i, _)| i.to_string()).collect();
        let numbers: Vec<String> = rows.iter().map(ToString::to_string).collect();
        out.push_str(&format!("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\" data-vpc=\"{1}\"><table class=\"matrix\" data-services=\"{2}\" data-rows=\"{3}\">\n<caption>{0}</caption>\n<thead><tr><th scope=\"col\">workload</th>", escape(&title(report, ground)), escape(&ground.vpc), columns.join(" "), numbers.join(" ")));
        for (_, s) in &services {
            out.push_str(&format!("<th scope=\"col\"><span>{}</span></th>", escape(s).replace('-', "-<wbr>").replace('.', ".<wbr>")));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for (n, i) in rows.iter().take(ROWS).enumerate() {
            let Some(row) = matrix.rows.get(*i) else { continue };
            out.push_str(&format!("<tr><th scope=\"row\">{} <small>{}</small></th>", escape(&row.name), escape(&row_words(row))));
            let mut first = n == 0;
            for (s, service) in &services {
                match row.cells.get(*service) {
                    None => out.push_str("<td><span class=\"off\">·</span></td>"),
                    Some(cell) => {
                        let stop = if first { "0" } else { "-1" };
                        first = false;
                        out.push_str(&format!(
                            "<td><button type=\"button\" class=\"cell {}\" data-row=\"{i}\" data-service=\"{s}\" tabindex=\"{stop}\">{}</button></td>",
                            class(cell.worst()),
                            escape(&cell.text())
                        ));
                    }
                }
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table>");
        if rows.len() > ROWS {
            out.push_str(&format!("<p class=\"more\"><button type=\"button\" class=\"more\">Show {}</button></p>", count(rows.len() - ROWS, "more workload")));
        }
        out.push_str("</div>\n");
    }
    out.push_str("</section>\n");
}

/// Kind, cluster and number of members of a row.
fn row_words(row: &Row) -> String {
    let cluster = row.cluster.as_deref().filter(|c| *c != row.name).map(|c| format!(", cluster {c}")).unwrap_or_default();
    let members = if row.members > 0 { format!(", {}", thousands(row.members)) } else { String::new() };
    let hosted: Vec<String> = row.hosted.iter().cloned().collect();
    let hosted = if hosted.is_empty() { String::new() } else { format!(": {}", list(&hosted, 4)) };
    format!("{}{cluster}{members}{hosted}", row.kind)
}

fn findings(out: &mut String, report: &Report, links: &Links<'_>) {
    // Many findings are laid out as they come into view.
    let many = if report.findings.len() > 200 { " class=\"many\"" } else { "" };
    out.push_str(&format!("<section aria-labelledby=\"findings\"{many}>\n<h2 id=\"findings\" tabindex=\"-1\">Findings</h2>\n"));
    if report.findings.is_empty() {
        out.push_str("<p>None.</p>\n");
    }
    for (i, f) in report.findings.iter().enumerate().take(FINDINGS) {
        finding(out, links, i, f);
    }
    if report.findings.len() > FINDINGS {
        out.push_str(&format!("<p>{} left out here; the JSON report holds them all.</p>\n", count(report.findings.len() - FINDINGS, "finding")));
    }
    out.push_str("<p id=\"no-match\" hidden>No finding matches the filter.</p>\n</section>\n");
}

fn finding(out: &mut String, links: &Links<'_>, i: usize, f: &Finding) {
    let unknown = f.verdict == Verdict::Unknown;
    let (label, tag) = if unknown { ("unknown", "u".to_owned()) } else { (f.severity.name(), (f.severity as usize).to_string()) };
    let status = f.status.as_deref().map(|s| format!(" <span class=\"status\">{}</span>", escape(s))).unwrap_or_default();
    let open = if i < 20 && !unknown && f.severity >= crate::finding::Severity::Medium { " open" } else { "" };
    out.push_str(&format!("<details class=\"finding {label}\" id=\"f{i}\" data-severity=\"{tag}\" data-vpc=\"{}\"{open}>\n", escape(f.resource.vpc.as_deref().unwrap_or_default())));
    out.push_str(&format!(
        "<summary><span class=\"severity\">{}</span> <b>{}</b> {} <span class=\"on\">on {}</span>{status}</summary>\n",
        label.to_uppercase(),
        escape(&f.rule),
        escape(&f.title),
        escape(&view::object(f))
    ));
    out.push_str(&format!("<p>{}</p>\n", escape(&f.message)));
    let names = view::affected(f, NAMES);
    if !names.is_empty() {
        out.push_str(&format!("<p><b>Hits</b> {}</p>\n", escape(&names)));
    }
    if !f.remediation.text.is_empty() || !f.remediation.commands.is_empty() {
        out.push_str(&format!("<p><b>Fix</b>{} {}</p>\n", escape(&view::proof(f)), escape(&f.remediation.text)));
    }
    let commands: Vec<String> = f.remediation.commands.iter().map(|c| clean_lines(c)).collect();
    for (name, code) in
        [("Commands", Some(commands.join("\n"))), ("Terraform", f.remediation.terraform.as_deref().map(clean_lines)), ("CloudFormation", f.remediation.cloudformation.as_deref().map(clean_lines))]
    {
        if let Some(code) = code.filter(|c| !c.trim().is_empty()) {
            let lines: Vec<String> = code.lines().map(escape).collect();
            out.push_str(&format!(
                "<div class=\"code\"><div class=\"bar\"><span>{name}</span><button type=\"button\" class=\"copy\">Copy</button></div><pre tabindex=\"0\">{}</pre></div>\n",
                lines.join("\n")
            ));
        }
    }
    let mut more = String::new();
    for e in &f.evidence {
        let part = |lead: &str, t: &Option<String>| t.as_deref().map(|t| format!("{lead}{t}")).unwrap_or_default();
        let note = e.note.as_deref().map(|n| format!(" ({n})")).unwrap_or_default();
        more.push_str(&format!("<li><code>{}</code></li>\n", escape(&format!("{}{}{}{note}", e.source, part(" ", &e.field), part(" = ", &e.value)))));
    }
    if !more.is_empty() {
        out.push_str(&format!("<p><b>Evidence</b> (confidence {})</p>\n<ul>\n{more}</ul>\n", view::confidence_name(f.confidence)));
    }
    let paths = links.paths_of(f, usize::MAX);
    if !paths.is_empty() {
        out.push_str(&format!(
            "<p><button type=\"button\" class=\"explains\" data-finding=\"{i}\">Show the hops of {}</button></p>\n",
            if paths.len() == 1 { "the path".to_owned() } else { format!("{} paths", thousands(paths.len())) }
        ));
    }
    let links: Vec<String> = f.references.iter().filter(|r| safe_link(r)).map(|r| format!("<a href=\"{0}\" rel=\"noreferrer noopener\" target=\"_blank\">{0}</a>", escape(r))).collect();
    if !links.is_empty() {
        out.push_str(&format!("<p class=\"refs\">{}</p>\n", links.join("<br>")));
    }
    let lines: Vec<String> = crate::governance::suppress::lines(f).lines().map(escape).collect();
    out.push_str(&format!("<details class=\"accept\"><summary>Accept it in audit.toml</summary><div class=\"code\"><div class=\"bar\"><span>audit.toml</span><button type=\"button\" class=\"copy\">Copy</button></div><pre tabindex=\"0\">{}</pre></div></details>\n</details>\n", lines.join("\n")));
}

fn completeness(out: &mut String, report: &Report) {
    out.push_str("<section aria-labelledby=\"seen-title\">\n<h2 id=\"seen-title\">What was seen</h2>\n");
    out.push_str(&format!(
        "<p>{} asked or needed; {}.</p>\n",
        count(report.completeness.len(), "answer"),
        match view::gaps(report).len() {
            0 => "all were seen or are taken as said".to_owned(),
            1 => "1 was not seen in full".to_owned(),
            n => format!("{} were not seen in full", thousands(n)),
        }
    ));
    let rows: Vec<_> = report.completeness.iter().filter(|c| c.state != crate::inventory::State::Complete).take(500).collect();
    if !rows.is_empty() {
        out.push_str("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"What was not seen\"><table>\n<thead><tr><th scope=\"col\">action</th><th scope=\"col\">region</th><th scope=\"col\">state</th><th scope=\"col\">why</th></tr></thead>\n<tbody>\n");
        for c in rows {
            out.push_str(&format!(
                "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(&c.action),
                escape(c.region.as_deref().unwrap_or_default()),
                view::state_name(c.state),
                escape(c.error.as_deref().unwrap_or_default())
            ));
        }
        out.push_str("</tbody></table></div>\n");
    }
    if !report.suppressed.is_empty() {
        out.push_str("<h3>Suppressed</h3>\n<ul>\n");
        for s in report.suppressed.iter().take(500) {
            let idle = if s.fingerprint.is_none() { " (suppresses nothing: expired, or without a match)" } else { "" };
            let owner = s.owner.as_deref().map(|o| format!(", {o}")).unwrap_or_default();
            let until = s.expires.as_deref().map(|e| format!(", until {e}")).unwrap_or_default();
            out.push_str(&format!("<li>{}</li>\n", escape(&format!("{}: {}{owner}{until}{idle}", s.rule, s.reason.as_deref().unwrap_or("no reason")))));
        }
        out.push_str("</ul>\n");
    }
    out.push_str(&format!("<p class=\"hint\">Made by audit {}. Schema {}.</p>\n</section>\n", escape(&report.tool.version), escape(&report.schema)));
}

/// An https address of plain characters.
fn safe_link(link: &str) -> bool {
    link.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/?#&=%+:".contains(&b)))
}

#[cfg(test)]
mod tests;
