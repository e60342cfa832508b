//! What each command does: reads input, calls the pure parts, writes output, and gives the exit status.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use clap::{CommandFactory, Parser};

use crate::analysis::{Options, Tri, View};
use crate::audit::{self, Plan};
use crate::cli::{
    AssumeArgs, Assumption, AuditArgs, Cli, Color, Command, ConvertArgs, DiffArgs, EndpointType, MessageArgs, PathArgs, PermissionsFormat, PlainFormat, PolicyCommand, RecordArgs, RuleArgs, ScopeArgs,
};
use crate::governance::{self, baseline, config, diff};
use crate::inventory::{Inventory, Time};
use crate::live::{self, Live};
use crate::report::{self, Format, Report};
use crate::{exit, output, permissions, query, rules, signals, snapshot};

/// Wrong usage or input, a report that cannot be written: exit status 2. Nothing could be audited: 4.
#[derive(Debug)]
struct Failure {
    status: i32,
    message: String,
}

impl Failure {
    fn usage(message: impl std::fmt::Display) -> Self {
        Self { status: exit::USAGE, message: message.to_string() }
    }
}

impl From<snapshot::SnapshotError> for Failure {
    fn from(error: snapshot::SnapshotError) -> Self {
        Self::usage(error)
    }
}

impl From<output::OutputError> for Failure {
    fn from(error: output::OutputError) -> Self {
        Self::usage(error)
    }
}

/// Parses the command line and runs it. Returns the exit status.
#[must_use]
pub fn main() -> i32 {
    signals::watch();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let printed = status_of(error.print());
            return if printed == exit::OK { error.exit_code() } else { printed };
        }
    };
    tracing_to_stderr(&cli.messages);
    match dispatch(cli) {
        Ok(status) => status,
        // Whatever a signal cut short is no failure of its own.
        Err(_) if signals::stopping() => signals::wait_for_the_end(),
        Err(failure) => {
            complain(&format!("audit: {}", failure.message));
            failure.status
        }
    }
}

fn dispatch(cli: Cli) -> Result<i32, Failure> {
    let messages = &cli.messages;
    match &cli.command {
        None => run_audit(&cli.audit, messages),
        Some(Command::Record(args)) => record(args, messages),
        Some(Command::Path(args)) => path(args, messages),
        Some(Command::Policy(command)) => policy(command),
        Some(Command::Diff(args)) => compare(args),
        Some(Command::Convert(args)) => convert(args, messages),
        Some(Command::Rules) => Ok(print(report::explain::rules_table(width()).as_bytes())),
        Some(Command::Explain { rule }) => {
            let found = rules::find(rule).ok_or_else(|| Failure::usage(report::explain::unknown_rule(rule)))?;
            Ok(print(report::explain::explain(found, width()).as_bytes()))
        }
        Some(Command::Permissions { format }) => {
            let text = match format {
                PermissionsFormat::Text => permissions::text(),
                PermissionsFormat::Json => permissions::policy_json(),
                PermissionsFormat::Terraform => permissions::terraform(),
                PermissionsFormat::Cloudformation => permissions::cloudformation(),
            };
            Ok(print(text.as_bytes()))
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "audit", &mut script);
            Ok(print(&script))
        }
    }
}

/// The audit itself.
fn run_audit(args: &AuditArgs, messages: &MessageArgs) -> Result<i32, Failure> {
    let settings = configuration(args.gate.config.as_deref())?;
    let rules = select(&args.rules, &settings)?;
    let sources = source_map(args.report.source_map.as_deref())?;
    if let Some(path) = &args.gate.baseline {
        baseline::check(path).map_err(Failure::usage)?;
    }
    let inventory = inventory(&args.scope, args.snapshot.as_deref(), Live { demo: args.demo, evidence: args.evidence, max_time: args.max_time, ..Live::default() }, messages)?;
    let plan = Plan { options: options(&args.assume, &args.scope), rules };
    let clock = inventory.regions.iter().filter_map(|r| r.taken_at).max().or(args.assume.now);
    let mut report = audit::audit(inventory, &plan);
    let mut warnings = governance::apply(&mut report, &settings, clock);
    let mut notes: Vec<String> = governance::note(&report, &settings).into_iter().collect();
    if let Some(path) = &args.gate.baseline {
        let compared = baseline::apply(&mut report, path).map_err(Failure::usage)?;
        notes.push(compared.note());
        warnings.extend(compared.warnings);
    }
    if !messages.quiet {
        warnings.iter().for_each(|w| complain(&format!("audit: warning: {w}")));
    }
    notes.extend(warnings);
    let now = clock.or_else(|| written(args.snapshot.as_deref()?));
    let options = report::Options { width: None, color: false, details: args.report.details, notes, now, sources, ..report::Options::default() };
    let printed = write_reports(&report, args.report.format.unwrap_or(Format::Table), &args.report.outputs, options, messages)?;
    let fail_on = args.gate.fail_on.or(settings.fail_on).unwrap_or_default();
    Ok(printed.unwrap_or_else(|| exit::status(&report, fail_on, args.gate.allow_incomplete, args.gate.fail_on_new)))
}

/// The configuration: the file that was named, else the nearest `audit.toml` upwards, else none.
fn configuration(named: Option<&Path>) -> Result<config::Config, Failure> {
    let found = named.map(Path::to_owned).or_else(|| config::find(&std::env::current_dir().ok()?));
    found.map_or_else(|| Ok(config::Config::default()), |path| config::load(&path).map_err(Failure::usage))
}

/// Writes the files first, so that a reader of standard output that goes away loses none.
///
/// `Some(status)`: standard output could not be written, and that decides the exit status.
fn write_reports(report: &Report, format: Format, targets: &[output::Target], plain: report::Options, messages: &MessageArgs) -> Result<Option<i32>, Failure> {
    let own = |t: &output::Target| report::Options { terraform: t.path.extension().is_some_and(|e| e == "tf"), ..plain.clone() };
    let files: Vec<_> = targets.iter().map(|t| (t.path.clone(), report::render(report, t.format, &own(t)))).collect();
    output::write_all(&files)?;
    let terminal = std::io::stdout().is_terminal();
    let shown = report::Options { width: if terminal { Some(width()) } else { None }, color: color(messages, terminal), ..plain };
    let status = print(&report::render(report, format, &shown));
    Ok((status != exit::OK).then_some(status))
}

/// The inventory that an audit, a recording or a question stands on.
fn inventory(scope: &ScopeArgs, snapshot: Option<&Path>, live: Live, messages: &MessageArgs) -> Result<Inventory, Failure> {
    if let Some(dir) = snapshot {
        let inventory = snapshot::load(dir, &snapshot::LoadOptions { regions: scope.regions.clone() })?;
        let inventory = snapshot::choose(inventory, &scope.regions, &scope.vpcs)?;
        known_clusters(&inventory, &scope.clusters)?;
        return Ok(inventory);
    }
    let progress = !messages.quiet && std::io::stderr().is_terminal();
    live::inventory(scope, Live { progress, ..live }).map_err(|(status, message)| Failure { status, message })
}

/// A cluster that no region has is a mistake of the caller.
fn known_clusters(inventory: &Inventory, clusters: &[String]) -> Result<(), Failure> {
    use crate::actions::Action;
    for cluster in clusters {
        let here = |r: &crate::inventory::Region| r.clusters.iter().any(|c| &c.cluster_arn == cluster || c.cluster_name.as_ref() == Some(cluster)) || !r.completeness.seen(Action::DescribeClusters);
        if !inventory.regions.iter().any(here) {
            return Err(Failure::usage(format!("--cluster {cluster}: no such cluster in {}", names(inventory))));
        }
    }
    Ok(())
}

fn names(inventory: &Inventory) -> String {
    let regions: BTreeSet<&str> = inventory.regions.iter().map(|r| r.region.as_str()).collect();
    regions.into_iter().collect::<Vec<_>>().join(", ")
}

fn options(assume: &AssumeArgs, scope: &ScopeArgs) -> Options {
    Options {
        no_internet: assume.assumptions.contains(&Assumption::NoInternet),
        plain_dns: assume.assumptions.contains(&Assumption::PlainDns),
        require_private: assume.require_private,
        now: assume.now,
        vpcs: scope.vpcs.iter().cloned().collect(),
        clusters: scope.clusters.iter().cloned().collect(),
    }
}

/// The rules that run: those selected, without those ignored. The command line goes before the configuration.
fn select(args: &RuleArgs, settings: &config::Config) -> Result<Vec<&'static rules::Rule>, Failure> {
    let find = |names: &[String], from: &str| -> Result<BTreeSet<&'static str>, Failure> {
        names.iter().map(|n| rules::find(n).map(|r| r.id).ok_or_else(|| Failure::usage(format!("{from} {n}: {}", report::explain::unknown_rule(n))))).collect()
    };
    let selected = if args.select.is_empty() { find(&settings.select, "select in the configuration:")? } else { find(&args.select, "--select")? };
    let ignored = if args.ignore.is_empty() { find(&settings.ignore, "ignore in the configuration:")? } else { find(&args.ignore, "--ignore")? };
    let chosen: Vec<_> = rules::ALL.iter().copied().filter(|r| (selected.is_empty() || selected.contains(r.id)) && !ignored.contains(r.id)).collect();
    if chosen.is_empty() {
        return Err(Failure::usage("--select and --ignore leave no rule to run"));
    }
    Ok(chosen)
}

fn record(args: &RecordArgs, messages: &MessageArgs) -> Result<i32, Failure> {
    snapshot::check_target(&args.out)?;
    let inventory = inventory(&args.scope, None, Live { demo: args.demo, evidence: args.evidence, max_time: args.max_time, ..Live::default() }, messages)?;
    let tidy = signals::hold();
    snapshot::save_unless(&inventory, &args.out, &signals::stopping)?;
    drop(tidy);
    let missing: BTreeSet<String> = inventory
        .regions
        .iter()
        .flat_map(|r| {
            r.completeness
                .0
                .iter()
                .filter(|(_, s)| !matches!(s.state, crate::inventory::State::Complete | crate::inventory::State::Assumed | crate::inventory::State::NotCollected))
                .map(move |(a, s)| format!("{a} in {}: {}", r.region, s.error.as_deref().unwrap_or("incomplete")))
        })
        .collect();
    if !messages.quiet {
        complain(&format!("audit: recorded {} in {}", names(&inventory), args.out.display()));
        missing.iter().for_each(|m| complain(&format!("audit: incomplete: {m}")));
    }
    Ok(if missing.is_empty() || args.allow_incomplete { exit::OK } else { exit::INCOMPLETE })
}

fn path(args: &PathArgs, messages: &MessageArgs) -> Result<i32, Failure> {
    let also = vec![args.from.clone(), args.to.clone()];
    let inventory = inventory(&args.scope, args.snapshot.as_deref(), Live { demo: args.demo, max_time: args.max_time, also, ..Live::default() }, messages)?;
    let options = Options { vpcs: BTreeSet::new(), ..options(&args.assume, &args.scope) };
    let inventory = audit::with_assumptions(inventory, &options);
    let question = query::Question { from: &args.from, to: &args.to, port: args.port, public_ip: args.public_ip };
    let mut refused = None;
    // First whoever knows the source, then whoever could not tell.
    for ask in [query::ask, query::ask_unseen] {
        for region in &inventory.regions {
            match ask(&View::new(region, &options), &question) {
                Ok(None) => {}
                Err(error) => refused = Some(error),
                Ok(Some(answer)) => return Ok(show_answer(&answer, args.format, messages)),
            }
        }
    }
    Err(Failure::usage(refused.map_or_else(|| format!("--from {}: nothing of that name in {}", args.from, names(&inventory)), |e| e.to_string())))
}

fn show_answer(answer: &query::Answer, format: PlainFormat, messages: &MessageArgs) -> i32 {
    let terminal = std::io::stdout().is_terminal();
    let printed = match format {
        PlainFormat::Json => print(&report::json::pretty(answer)),
        PlainFormat::Table => print(report::question::render(answer.verdict, &answer.placements, &answer.paths, if terminal { width() } else { 100 }, color(messages, terminal)).as_bytes()),
    };
    match answer.verdict {
        _ if printed != exit::OK => printed,
        Tri::Pass => exit::OK,
        Tri::Fail => exit::FAILURES,
        Tri::Unknown => exit::INCOMPLETE,
    }
}

fn policy(command: &PolicyCommand) -> Result<i32, Failure> {
    use crate::policy::{EndpointType as Kind, command};
    let files = |paths: &[std::path::PathBuf]| -> Result<Vec<command::PolicyFile>, Failure> {
        paths.iter().map(|p| Ok(command::PolicyFile { name: p.display().to_string(), bytes: read(p).map_err(Failure::usage)? })).collect()
    };
    let kind = |k: EndpointType| match k {
        EndpointType::Interface => Kind::Interface,
        EndpointType::Gateway => Kind::Gateway,
    };
    let (status, json, text, format) = match command {
        PolicyCommand::Check(args) => {
            let options = command::CheckOptions {
                action: args.action.clone(),
                resource: args.resource.clone(),
                principal: args.principal.clone(),
                context: args.context.clone(),
                absent: args.absent.clone(),
                service: args.service.clone(),
                endpoint_type: args.endpoint_type.map(kind),
            };
            let report = command::check(&files(&args.files)?, &options).map_err(Failure::usage)?;
            (report.exit_status(), report.json(), report.text(), args.format)
        }
        PolicyCommand::Test(args) => {
            let options = command::TestOptions { service: args.service.clone(), endpoint_type: args.endpoint_type.map(kind), ..command::TestOptions::default() };
            let report = command::test(&files(&args.files)?, &options).map_err(Failure::usage)?;
            (report.exit_status(), report.json(), report.text(), args.format)
        }
    };
    let printed = match format {
        PlainFormat::Json => print(&report::json::pretty(&json)),
        PlainFormat::Table => print(text.as_bytes()),
    };
    Ok(if printed == exit::OK { i32::from(status) } else { printed })
}

fn compare(args: &DiffArgs) -> Result<i32, Failure> {
    let old = read_report(&args.old)?;
    let new = read_report(&args.new)?;
    let difference = diff::compare(&old, &new);
    let text = match args.format {
        PlainFormat::Json => difference.json(),
        PlainFormat::Table => difference.text(width()),
    };
    let printed = print(&text);
    let status = difference.status(args.fail_on.unwrap_or_default());
    Ok(if printed == exit::OK { status } else { printed })
}

fn convert(args: &ConvertArgs, messages: &MessageArgs) -> Result<i32, Failure> {
    let report = read_report(&args.report)?;
    let sources = source_map(args.output.source_map.as_deref())?;
    let now = args.now.or_else(|| written(&args.report));
    let options = report::Options { details: args.output.details, now, sources, ..report::Options::default() };
    Ok(write_reports(&report, args.output.format.unwrap_or(Format::Table), &args.output.outputs, options, messages)?.unwrap_or(exit::OK))
}

/// When what lies at a path was written, the newest file of a folder (links to folders are not followed, they may lead round): the time of findings (OCSF, ASFF) where nothing tells a
/// better one. Standard input is being written now. No rule sees this time.
fn written(path: &Path) -> Option<Time> {
    let whole = |time: std::time::SystemTime| {
        let seconds = time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        Time::parse(&seconds.to_string()).ok()
    };
    if path == Path::new("-") {
        return whole(std::time::SystemTime::now());
    }
    if path.is_dir() {
        return std::fs::read_dir(path).ok()?.filter_map(Result::ok).filter(|e| !e.path().is_dir() || e.file_type().is_ok_and(|t| t.is_dir())).filter_map(|e| written(&e.path())).max();
    }
    whole(std::fs::metadata(path).ok()?.modified().ok()?)
}

fn read_report(path: &Path) -> Result<Report, Failure> {
    report::json::parse(&read(path).map_err(Failure::usage)?).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}

fn source_map(path: Option<&Path>) -> Result<report::SourceMap, Failure> {
    match path {
        None => Ok(report::SourceMap::default()),
        Some(path) => report::SourceMap::parse(&read(path).map_err(Failure::usage)?).map_err(|e| Failure::usage(format!("--source-map {}: {e}", path.display()))),
    }
}

/// Reads a file; `-` is standard input.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        return std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes).map_err(|e| format!("standard input: {e}"));
    }
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Writes to standard output. A reader that goes away changes no status; another failure does.
fn print(bytes: &[u8]) -> i32 {
    if signals::stopping() {
        signals::wait_for_the_end();
    }
    let mut out = std::io::stdout().lock();
    status_of(out.write_all(bytes).and_then(|()| out.flush()))
}

fn status_of(written: std::io::Result<()>) -> i32 {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let reason = if error.kind() == std::io::ErrorKind::StorageFull { "the disk is full".to_owned() } else { error.to_string() };
            complain(&format!("audit: cannot write to standard output: {reason}"));
            exit::USAGE
        }
        _ => exit::OK,
    }
}

fn complain(message: &str) {
    let clean = report::text::clean_lines(message);
    let _ = writeln!(std::io::stderr().lock(), "{clean}");
}

/// Columns of the terminal, 100 without one.
fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(w, _)| usize::from(w.0))
}

fn color(messages: &MessageArgs, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    match messages.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb"),
    }
}

/// Logs go to standard error; RUST_LOG goes before -v and -q. Of what the SDK and its libraries log, nothing finer than
/// `info` is let through, whatever RUST_LOG says: their finer logs hold whole answers, and those hold secrets.
fn tracing_to_stderr(messages: &MessageArgs) {
    use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    use tracing_subscriber::{EnvFilter, Layer};
    let default = match (messages.quiet, messages.verbose) {
        (true, _) => "error",
        (false, 0) => "audit=warn,error",
        (false, 1) => "audit=info,warn",
        (false, _) => "audit=debug,warn",
    };
    let chosen = std::env::var("RUST_LOG").ok().and_then(|f| f.parse().ok()).unwrap_or_else(|| EnvFilter::new(default));
    let own = filter_fn(|m| m.target() == "audit" || m.target().starts_with("audit::") || *m.level() <= LevelFilter::INFO);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(color(messages, std::io::stderr().is_terminal())).without_time().with_filter(chosen.and(own));
    let _ = tracing_subscriber::registry().with(layer).try_init();
}
