//! The report as data (contract: schema `audit-report/1`), and one file a format.
//!
//! A format is a pure function of the report and of [`Options`]: no clock, no environment, no files. What several formats
//! share (the matrix, who is cut off and where) is in [`view`]; how untrusted text is made safe in [`text`].

pub mod asff;
pub mod csv;
pub mod explain;
pub mod fix;
pub mod github;
#[cfg(test)]
mod golden;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod ocsf;
pub mod question;
#[cfg(test)]
pub mod sample;
pub mod sarif;
pub mod source_map;
pub mod table;
pub mod text;
pub mod view;

use serde::{Deserialize, Serialize};

pub use source_map::SourceMap;

use crate::analysis::{Egress, HopName, Kind, Tri, Way};
use crate::finding::{Finding, Severity, Verdict};
use crate::inventory::{Source, State};

/// Schema of the JSON report.
pub const SCHEMA: &str = "audit-report/1";

/// A format that a report can be rendered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Table,
    /// The report itself.
    Json,
    /// For GitHub code scanning.
    Sarif,
    /// One self-contained page.
    Html,
    /// For job summaries and pull-request comments.
    Markdown,
    /// For the test view of CI systems.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// OCSF Compliance Findings.
    Ocsf,
    /// AWS Security Finding Format, for Security Hub.
    Asff,
    /// For spreadsheets.
    Csv,
    /// A script of all commands that mend, in order (printed, never run).
    Fix,
}

impl Format {
    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Ocsf => "ocsf",
            Self::Asff => "asff",
            Self::Csv => "csv",
            Self::Fix => "fix",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = <Self as clap::ValueEnum>::value_variants();
        all.iter().copied().find(|f| f.name() == name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|f| f.name()).collect();
            format!("`{}` is no format; there are {}", text::clean(name), names.join(", "))
        })
    }
}

/// What a rendering depends on beside the report.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Columns of the terminal; `None` without one.
    pub width: Option<usize>,
    /// Whether the table may use colour. It never says anything that words do not say too.
    pub color: bool,
    /// Whether the table shows hops and evidence.
    pub details: bool,
    /// Lines about the run that belong in a report for people: which `audit.toml` was used, what it hid, what warned.
    pub notes: Vec<String>,
    /// The clock of formats that must have one (OCSF, ASFF): the recording's time, or the start of the run.
    pub now: Option<crate::inventory::Time>,
    /// Whether `fix` is to be one Terraform file in place of a script.
    pub terraform: bool,
    /// Where the code of a resource stands (`--source-map`).
    pub sources: SourceMap,
}

/// Renders a report.
#[must_use]
pub fn render(report: &Report, format: Format, options: &Options) -> Vec<u8> {
    match format {
        Format::Table => table::render(report, options),
        Format::Json => json::render(report),
        Format::Sarif => sarif::render(report, options),
        Format::Html => html::render(report, options),
        Format::Markdown => markdown::render(report, options),
        Format::Junit => junit::render(report),
        Format::Github => github::render(report, options),
        Format::Ocsf => ocsf::render(report, options),
        Format::Asff => asff::render(report, options),
        Format::Csv => csv::render(report),
        Format::Fix => fix::render(report, options),
    }
}

/// A whole report: what every format is rendered from, and what `--format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Report {
    pub schema: String,
    pub tool: Tool,
    pub assume: Vec<String>,
    pub scope: Vec<Scope>,
    pub complete: bool,
    pub summary: Summary,
    pub rules: Vec<RuleLine>,
    pub findings: Vec<Finding>,
    pub suppressed: Vec<Suppressed>,
    pub placements: Vec<PlacementLine>,
    pub paths: Vec<PathLine>,
    pub topology: Topology,
    pub completeness: Vec<CompletenessLine>,
}

/// Who made the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// One account and region of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Scope {
    pub partition: String,
    pub account: Option<String>,
    pub region: String,
    pub vpcs: Vec<String>,
    pub source: SourceName,
}

/// `live` or `snapshot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceName {
    /// Asked of AWS.
    Live,
    /// Read from a folder.
    Snapshot,
}

impl From<Source> for SourceName {
    fn from(source: Source) -> Self {
        match source {
            Source::Live => Self::Live,
            Source::Snapshot => Self::Snapshot,
        }
    }
}

/// Counts: findings by severity and unknown ones, rules that pass or do not apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Summary {
    pub fail: FailCounts,
    pub unknown: usize,
    pub pass: usize,
    pub not_applicable: usize,
    pub suppressed: usize,
}

/// Failing findings by severity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct FailCounts {
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub low: usize,
    pub info: usize,
}

impl Report {
    /// Sorts the findings, and sets what follows from them: the rules' counts, the summary, completeness. A rule keeps its
    /// verdict: what a suppression hides makes no pass.
    pub fn recount(&mut self) {
        self.findings.sort_by(|a, b| (std::cmp::Reverse(a.severity), &a.rule, &a.resource, &a.fingerprint).cmp(&(std::cmp::Reverse(b.severity), &b.rule, &b.resource, &b.fingerprint)));
        for line in &mut self.rules {
            line.findings = self.findings.iter().filter(|f| f.rule == line.id).count();
        }
        self.summary = Summary::count(&self.findings, &self.rules, &self.suppressed);
        let unseen = self.completeness.iter().any(|c| !matches!(c.state, State::Complete | State::Assumed));
        self.complete = !unseen && !self.findings.iter().any(|f| f.verdict == Verdict::Unknown && f.severity > Severity::Info);
    }
}

impl Summary {
    /// Counts findings by verdict and severity, rules by verdict, and suppressions that applied.
    #[must_use]
    pub fn count(findings: &[Finding], rules: &[RuleLine], suppressed: &[Suppressed]) -> Self {
        let fails = |severity| findings.iter().filter(|f| f.verdict == Verdict::Fail && f.severity == severity).count();
        let rules = |verdict| rules.iter().filter(|r| r.verdict == verdict).count();
        Self {
            fail: FailCounts { critical: fails(Severity::Critical), high: fails(Severity::High), medium: fails(Severity::Medium), low: fails(Severity::Low), info: fails(Severity::Info) },
            unknown: findings.iter().filter(|f| f.verdict == Verdict::Unknown).count(),
            pass: rules(Verdict::Pass),
            not_applicable: rules(Verdict::NotApplicable),
            suppressed: suppressed.iter().filter(|s| s.fingerprint.is_some()).count(),
        }
    }
}

/// One rule of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct RuleLine {
    pub id: String,
    pub name: String,
    pub verdict: Verdict,
    pub reason: String,
    pub findings: usize,
}

/// A suppression that applied (with fingerprint), or did not (without).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Suppressed {
    pub rule: String,
    pub fingerprint: Option<String>,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub expires: Option<String>,
}

/// A placement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct PlacementLine {
    pub id: String,
    pub kind: Kind,
    pub account: Option<String>,
    pub region: Option<String>,
    pub vpc: Option<String>,
    pub subnet: Option<String>,
    pub security_groups: Vec<String>,
    pub members: Vec<String>,
    pub member_count: usize,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct PathLine {
    pub placement: String,
    pub service: String,
    pub port: u16,
    pub because: Vec<String>,
    pub way: Way,
    pub verdict: Tri,
    pub blocked_at: Option<HopName>,
    pub hops: Vec<HopLine>,
}

/// A hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct HopLine {
    pub hop: HopName,
    pub verdict: Tri,
    pub object: Option<String>,
    pub detail: Option<String>,
}

/// What the network looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct Topology {
    pub vpcs: Vec<TopologyVpc>,
    pub subnets: Vec<TopologySubnet>,
    pub endpoints: Vec<TopologyEndpoint>,
    pub gateways: Vec<TopologyGateway>,
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologyVpc {
    pub id: String,
    pub name: Option<String>,
    pub cidrs: Vec<String>,
    pub owner: Option<String>,
    pub account: String,
    pub region: String,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologySubnet {
    pub id: String,
    pub vpc: String,
    pub az: Option<String>,
    pub name: Option<String>,
    pub cidr: Option<String>,
    pub egress: Option<Egress>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologyEndpoint {
    pub id: String,
    pub vpc: Option<String>,
    pub service: Option<String>,
    pub r#type: Option<String>,
    pub state: Option<String>,
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct TopologyGateway {
    pub id: String,
    pub r#type: Option<String>,
    pub vpc: Option<String>,
}

/// How complete the answer of an action is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub struct CompletenessLine {
    pub account: Option<String>,
    pub region: Option<String>,
    pub action: String,
    pub state: State,
    pub error: Option<String>,
}
