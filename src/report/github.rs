//! Annotations of GitHub Actions: workflow commands on standard output.
//!
//! GitHub shows ten errors and ten warnings of a step, so the worst ten of each are commands and the rest plain log.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use super::text::{clean, cut};
use super::{Options, Report, view};
use crate::finding::{Finding, Severity, Verdict};

/// Annotations of one kind that GitHub shows of a step.
const SHOWN: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Notice,
}

/// Renders annotations, the worst first, then the rest in a group of the log.
#[must_use]
pub fn render(report: &Report, options: &Options) -> Vec<u8> {
    let mut out = String::new();
    let mut rest: Vec<&Finding> = Vec::new();
    for kind in [Kind::Error, Kind::Warning, Kind::Notice] {
        // An incomplete audit is worth a warning of its own, so it takes a place among the ten.
        let gap = kind == Kind::Warning && !report.complete;
        let (shown, more): (Vec<_>, Vec<_>) = report.findings.iter().filter(|f| kind_of(f) == kind).enumerate().partition(|(i, _)| i + usize::from(gap) < SHOWN);
        if gap {
            let gaps = view::gaps(report);
            let text = if gaps.is_empty() { "some rules could not be judged".to_owned() } else { format!("not seen: {}", gaps.join("; ")) };
            command(&mut out, kind, "The audit is incomplete", None, &text);
        }
        for (_, f) in shown {
            annotation(&mut out, kind, f, options);
        }
        rest.extend(more.into_iter().map(|(_, f)| f));
    }
    if !rest.is_empty() {
        out.push_str(&format!("::group::{} more\n", rest.len()));
        for f in rest {
            out.push_str(&format!("{}\n", plain(&format!("{} {}", label(f), title(f)))));
        }
        out.push_str("::endgroup::\n");
    }
    let matrix = view::matrix(report);
    command(&mut out, Kind::Notice, "audit", None, &view::headline(report, &matrix));
    out.into_bytes()
}

const fn kind_of(f: &Finding) -> Kind {
    match (f.verdict, f.severity) {
        (Verdict::Unknown, Severity::Info) => Kind::Notice,
        (Verdict::Unknown, _) | (_, Severity::Medium) => Kind::Warning,
        (_, Severity::Critical | Severity::High) => Kind::Error,
        (_, Severity::Low | Severity::Info) => Kind::Notice,
    }
}

fn label(f: &Finding) -> String {
    if f.verdict == Verdict::Unknown { "UNKNOWN".to_owned() } else { f.severity.name().to_uppercase() }
}

fn title(f: &Finding) -> String {
    format!("{} {}: {}", clean(&f.rule), clean(&f.title), view::object(f))
}

fn annotation(out: &mut String, kind: Kind, f: &Finding, options: &Options) {
    let mut text = format!("{}: {}", label(f), clean(&f.message));
    let names = view::affected(f, 5);
    if !names.is_empty() {
        text.push_str(&format!("\nHits {names}."));
    }
    if !f.remediation.text.is_empty() {
        text.push_str(&format!("\nFix: {}{}", clean(&f.remediation.text), view::proof(f)));
    }
    for c in &f.remediation.commands {
        text.push_str(&format!("\n  {}", clean(c)));
    }
    let place = options.sources.find(&f.resource).map(|p| (p.file.as_str(), p.line));
    command(out, kind, &title(f), place, &cut(&text, 4_000));
}

/// One workflow command. Line feeds of `text` are kept, encoded.
fn command(out: &mut String, kind: Kind, title: &str, place: Option<(&str, u64)>, text: &str) {
    let name = match kind {
        Kind::Error => "error",
        Kind::Warning => "warning",
        Kind::Notice => "notice",
    };
    out.push_str(&format!("::{name} title={}", property(&cut(title, 250))));
    if let Some((file, line)) = place {
        out.push_str(&format!(",file={},line={line}", property(file)));
    }
    out.push_str(&format!("::{}\n", data(text)));
}

/// The message of a command.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|l| clean(l).replace("##[", "## [").replace('%', "%25")).collect();
    lines.join("%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(&text.replace('\n', " ")).replace(':', "%3A").replace(',', "%2C")
}

/// A plain line of the log: no text at its start, and none within, is a command.
fn plain(text: &str) -> String {
    let text = clean(text).replace("##[", "## [");
    if text.trim_start().starts_with("::") { format!("| {text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{SourceMap, sample};

    fn lines(report: &Report, options: &Options) -> Vec<String> {
        String::from_utf8(render(report, options)).unwrap().lines().map(str::to_owned).collect()
    }

    type Command = (String, Vec<(String, String)>, String);

    /// As the runner reads a line: the command's name, its properties, its message.
    fn read(line: &str) -> Option<Command> {
        let (head, message) = line.trim_start().strip_prefix("::")?.split_once("::")?;
        let (name, rest) = head.split_once(' ').unwrap_or((head, ""));
        let undo = |t: &str| t.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
        let properties = rest.split(',').filter(|p| !p.is_empty()).map(|p| p.split_once('=').map(|(k, v)| (k.to_owned(), undo(v))).unwrap()).collect();
        Some((name.to_owned(), properties, undo(message)))
    }

    #[test]
    fn the_worst_come_first_and_at_most_ten_of_a_kind() {
        let lines = lines(&sample::large(400), &Options::default());
        let commands: Vec<_> = lines.iter().filter_map(|l| read(l)).collect();
        assert_eq!(commands.iter().filter(|c| c.0 == "error").count(), 10);
        assert!(commands.iter().any(|c| c.0 == "group" && c.2 == "30 more"));
        let last = commands.last().unwrap();
        assert_eq!((last.0.as_str(), last.2.as_str()), ("notice", "40 of 400 workloads cannot start tasks."));
    }

    #[test]
    fn an_annotation_says_cause_hits_and_fix_and_points_at_the_code() {
        let options = Options { sources: SourceMap::parse(br#"{"sg-0endpoint": "net/a,b.tf:7"}"#).unwrap(), ..Options::default() };
        let all: Vec<_> = lines(&sample::report(), &options).iter().filter_map(|l| read(l)).collect();
        let closed = all.iter().find(|c| c.1[0].1.starts_with("NW01")).unwrap();
        assert_eq!(closed.0, "error");
        assert_eq!(closed.1[1..], [("file".to_owned(), "net/a,b.tf".to_owned()), ("line".to_owned(), "7".to_owned())]);
        for words in ["CRITICAL: Security group", "\nHits web", "\nFix: Admit", "\n  aws ec2 authorize-security-group-ingress"] {
            assert!(closed.2.contains(words), "{words}: {}", closed.2);
        }
        assert!(all.iter().any(|c| c.0 == "warning" && c.1[0].1 == "The audit is incomplete" && c.2.contains("route53:ListHostedZonesByVPC")));
    }

    #[test]
    fn no_text_of_the_account_is_a_command() {
        let mut report = sample::hostile();
        for f in &mut report.findings {
            f.title = format!("::stop-commands::x ##[error]y {}", f.title);
            f.rule = "::set-output name=x::y".to_owned();
        }
        let more: Vec<Finding> = (0..30).map(|n| Finding { fingerprint: format!("{n:032x}"), ..report.findings[0].clone() }).collect();
        report.findings.extend(more);
        for line in lines(&report, &Options::default()) {
            assert!(!line.contains("##["), "{line}");
            assert!(!line.chars().any(crate::report::text::is_treacherous));
            if let Some((name, properties, _)) = read(&line) {
                assert!(["error", "warning", "notice", "group", "endgroup"].contains(&name.as_str()), "{name}");
                assert!(properties.iter().all(|(k, _)| k == "title"), "{properties:?}");
            }
        }
    }
}
