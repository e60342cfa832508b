//! The command line: clap definitions and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit::FailOn;
use crate::output::Target;
use crate::report::Format;

/// Does Amazon ECS really work through AWS PrivateLink here?
///
/// Reads an account (or a recorded snapshot of one) and says which workload needs which AWS service, whether it gets there,
/// at which hop it is blocked if not, and what mends it. It only reads.
#[derive(Debug, Parser)]
#[command(name = "audit", version, about, long_about, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do instead of an audit.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The audit itself.
    #[command(flatten)]
    pub audit: AuditArgs,
    /// Messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

const EXAMPLES: &str = "\
Examples:
  audit --demo                                     see a report without an AWS account
  audit --region us-east-2 --vpc vpc-123           audit one VPC
  audit record --region us-east-2 --out DIR        collect now, audit later
  audit --snapshot DIR --format sarif              the same audit, offline
  audit explain EP01                               one rule in full

Exit status: 0 fine, 1 failures at or above --fail-on, 2 wrong usage or input, 3 incomplete, 4 nothing could be audited.";

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect only: write a snapshot folder.
    Record(RecordArgs),
    /// One question, hop by hop: does SOURCE reach DEST.
    Path(PathArgs),
    /// Endpoint policies: check a request, or test a draft against ECS's own actions.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Compare two JSON reports.
    Diff(DiffArgs),
    /// Render an earlier JSON report in another format.
    Convert(ConvertArgs),
    /// List the catalogue of rules.
    Rules,
    /// Explain one rule in full.
    Explain {
        /// Id or name of the rule.
        rule: String,
    },
    /// Print the IAM policy that the audit needs, and no more.
    Permissions {
        /// How to print it.
        #[arg(long, value_enum, default_value_t = PermissionsFormat::Text)]
        format: PermissionsFormat,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where to look.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Scope")]
pub struct ScopeArgs {
    /// Region to audit (repeatable; default: the SDK's own).
    #[arg(long = "region", value_name = "REGION")]
    pub regions: Vec<String>,
    /// Only this VPC (repeatable; default: every VPC that ECS uses).
    #[arg(long = "vpc", value_name = "VPC")]
    pub vpcs: Vec<String>,
    /// Only this cluster, by name or ARN (repeatable).
    #[arg(long = "cluster", value_name = "NAME|ARN")]
    pub clusters: Vec<String>,
    /// Profile of the AWS configuration files.
    #[arg(long)]
    pub profile: Option<String>,
    /// Endpoint to ask in place of AWS's own.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

/// How to speak.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Messages")]
pub struct MessageArgs {
    /// Say more on standard error (-vv: every API call).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Say less on standard error: errors alone.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Colour.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub color: Color,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The audit.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditArgs {
    /// Scope.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Audit this recorded folder instead of a live account.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["demo", "profile", "endpoint_url"])]
    pub snapshot: Option<PathBuf>,
    /// Audit recorded answers that are part of the program: no account needed.
    #[arg(long, conflicts_with_all = ["profile", "endpoint_url"])]
    pub demo: bool,
    /// Report.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Gate.
    #[command(flatten)]
    pub gate: GateArgs,
    /// Rules.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Assumptions.
    #[command(flatten)]
    pub assume: AssumeArgs,
    /// Ask CloudTrail through which endpoints calls really came.
    #[arg(long)]
    pub evidence: bool,
    /// Stop collecting after this many seconds; what was not seen by then is unknown.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_time: Option<u64>,
}

/// What is printed.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Report")]
pub struct ReportArgs {
    /// Format on standard output (default: table).
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Also write the report to a file (repeatable); fix=FILE.tf writes Terraform in place of a script.
    #[arg(long = "output", value_name = "FORMAT=PATH")]
    pub outputs: Vec<Target>,
    /// Show hops and evidence.
    #[arg(long)]
    pub details: bool,
    /// Point SARIF results at source lines: a JSON object of resource id or ARN to "file:line".
    #[arg(long, value_name = "FILE")]
    pub source_map: Option<PathBuf>,
}

/// What decides the exit status.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Gate")]
pub struct GateArgs {
    /// Least severity of a failure that gives exit status 1 (default: medium).
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Exit with 0, not 3, where the audit is incomplete.
    #[arg(long)]
    pub allow_incomplete: bool,
    /// An earlier JSON report: findings are marked new or unchanged.
    #[arg(long, value_name = "OLD.json")]
    pub baseline: Option<PathBuf>,
    /// Only new failures give exit status 1.
    #[arg(long, requires = "baseline")]
    pub fail_on_new: bool,
    /// Configuration (default: audit.toml here or above).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which rules run.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rules")]
pub struct RuleArgs {
    /// Run only this rule, by id or name (repeatable).
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not run this rule, by id or name (repeatable).
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
}

/// What if.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What if")]
pub struct AssumeArgs {
    /// Audit as if something were so (repeatable).
    #[arg(long = "assume", value_enum, value_name = "WHAT")]
    pub assumptions: Vec<Assumption>,
    /// A way over the internet counts as none.
    #[arg(long)]
    pub require_private: bool,
    /// The clock of a snapshot that has none (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = crate::inventory::Time::parse)]
    pub now: Option<crate::inventory::Time>,
}

/// An assumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Assumption {
    /// As if every NAT, internet and egress-only gateway were gone.
    NoInternet,
    /// As if what was not seen of hosted zones, Resolver rules, DNS Firewall and Profiles did not exist.
    PlainDns,
}

/// `audit record`.
#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// Scope.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Folder to write: new or empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Record the demo's answers.
    #[arg(long, conflicts_with_all = ["profile", "endpoint_url"])]
    pub demo: bool,
    /// Exit with 0, not 3, where the recording is incomplete.
    #[arg(long)]
    pub allow_incomplete: bool,
    /// Record CloudTrail events too.
    #[arg(long)]
    pub evidence: bool,
    /// Stop collecting after this many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_time: Option<u64>,
}

/// `audit path`.
#[derive(Debug, Clone, Args)]
pub struct PathArgs {
    /// subnet-…[,sg-…]… | eni-… | i-… | container-instance, task or service ARN.
    #[arg(long, value_name = "SOURCE")]
    pub from: String,
    /// Short service name (ecr.api) | vpce-… | eni-… | IPv4 or IPv6 address.
    #[arg(long, value_name = "DEST")]
    pub to: String,
    /// TCP port (default 443; needed for eni-… and addresses).
    #[arg(long)]
    pub port: Option<u16>,
    /// A bare subnet's workload has a public address.
    #[arg(long)]
    pub public_ip: bool,
    /// Scope.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Ask this recorded folder instead of a live account.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["demo", "profile", "endpoint_url"])]
    pub snapshot: Option<PathBuf>,
    /// Ask the demo's answers.
    #[arg(long, conflicts_with_all = ["profile", "endpoint_url"])]
    pub demo: bool,
    /// Assumptions.
    #[command(flatten)]
    pub assume: AssumeArgs,
    /// Format.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table)]
    pub format: PlainFormat,
    /// Stop collecting after this many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_time: Option<u64>,
}

/// Text or JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PlainFormat {
    #[default]
    Table,
    Json,
}

/// `audit policy …`.
#[derive(Debug, Clone, Subcommand)]
pub enum PolicyCommand {
    /// Does a policy document let a request through.
    Check(PolicyCheckArgs),
    /// Does a draft let ECS's own actions through.
    Test(PolicyTestArgs),
}

/// `audit policy check`.
#[derive(Debug, Clone, Args)]
pub struct PolicyCheckArgs {
    /// Policy documents; the worst decides the exit status.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Action, such as ecr:BatchGetImage.
    #[arg(long)]
    pub action: String,
    /// Resource ARN.
    #[arg(long)]
    pub resource: Option<String>,
    /// Principal ARN, account, or * for anonymous.
    #[arg(long)]
    pub principal: Option<String>,
    /// A condition key and its value (repeatable; a key may have several).
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    /// A condition key that the request does not have (repeatable).
    #[arg(long, value_name = "KEY")]
    pub absent: Vec<String>,
    /// Service of the endpoint.
    #[arg(long)]
    pub service: Option<String>,
    /// Kind of endpoint.
    #[arg(long, value_enum)]
    pub endpoint_type: Option<EndpointType>,
    /// Format.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table)]
    pub format: PlainFormat,
}

/// Kind of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum EndpointType {
    Interface,
    Gateway,
}

/// `audit policy test`.
#[derive(Debug, Clone, Args)]
pub struct PolicyTestArgs {
    /// Policy documents; the worst decides the exit status.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Short name of the service: ecs, ecr.api, s3 …
    #[arg(long)]
    pub service: String,
    /// Kind of endpoint.
    #[arg(long, value_enum)]
    pub endpoint_type: Option<EndpointType>,
    /// Format.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table)]
    pub format: PlainFormat,
}

/// `audit diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// The earlier report.
    #[arg(value_name = "OLD.json")]
    pub old: PathBuf,
    /// The later report.
    #[arg(value_name = "NEW.json")]
    pub new: PathBuf,
    /// Least severity of a new failure that gives exit status 1 (default: medium).
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Format.
    #[arg(long, value_enum, default_value_t = PlainFormat::Table)]
    pub format: PlainFormat,
}

/// `audit convert`.
#[derive(Debug, Clone, Args)]
pub struct ConvertArgs {
    /// A JSON report.
    #[arg(value_name = "REPORT.json")]
    pub report: PathBuf,
    /// When the findings were made, for ocsf and asff (RFC 3339; default: when the report's file was written).
    #[arg(long, value_name = "TIME", value_parser = crate::inventory::Time::parse)]
    pub now: Option<crate::inventory::Time>,
    /// What is printed.
    #[command(flatten)]
    pub output: ReportArgs,
}

/// `audit permissions --format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PermissionsFormat {
    #[default]
    Text,
    Json,
    Terraform,
    Cloudformation,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
