//! `audit path` for people: every hop in order, with the object that decided.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::text::{clean, wrap};
use super::{HopLine, PathLine, PlacementLine};
use crate::analysis::{Tri, path::hop_name};

/// Renders the placements and paths of a question.
#[must_use]
pub fn render(verdict: Tri, placements: &[PlacementLine], paths: &[PathLine], columns: usize, color: bool) -> String {
    let mut out = String::new();
    for path in paths {
        let place = placements.iter().find(|p| p.id == path.placement);
        let from = place.map_or_else(|| "an unknown place".to_owned(), |p| format!("{} ({})", p.subnet.as_deref().unwrap_or("an unknown subnet"), p.security_groups.join(", ")));
        let _ = writeln!(out, "{} from {} to {} port {}", paint(color, path.verdict), clean(&from), clean(&path.service), path.port);
        let way = serde_json::to_value(path.way).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let stop = path.blocked_at.map_or_else(String::new, |h| format!(", blocked at {}", hop_name(h)));
        let _ = writeln!(out, "  way: {way}{stop}");
        for hop in &path.hops {
            line(&mut out, hop, columns, color);
        }
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "{}",
        match verdict {
            Tri::Pass => "The connection works.",
            Tri::Fail => "The connection does not work.",
            Tri::Unknown => "Whether the connection works could not be seen.",
        }
    );
    out
}

fn line(out: &mut String, hop: &HopLine, columns: usize, color: bool) {
    let detail = hop.detail.as_deref().unwrap_or_default();
    let object = hop.object.as_deref().filter(|o| !detail.contains(o)).map_or_else(String::new, |o| format!("{o}: "));
    let text = clean(&format!("{object}{detail}"));
    let name = format!("  {} {:<16}", paint(color, hop.verdict), hop_name(hop.hop));
    let pad = " ".repeat(26);
    // The painted word is as wide as the plain one to the eye alone, so the text is wrapped behind blanks and the head put in front.
    let wrapped = wrap(&text, columns, &pad, &pad);
    let _ = writeln!(out, "{name} {}", wrapped.trim_start());
}

/// The verdict as a word of seven columns.
fn paint(color: bool, verdict: Tri) -> String {
    let (word, style) = match verdict {
        Tri::Pass => ("pass   ", AnsiColor::Green),
        Tri::Fail => ("FAIL   ", AnsiColor::Red),
        Tri::Unknown => ("unknown", AnsiColor::Yellow),
    };
    if color {
        let style = Style::new().fg_color(Some(style.into())).bold();
        format!("{style}{word}{style:#}")
    } else {
        word.to_owned()
    }
}
