//! Which paths a finding explains. The report names no such link: it follows from the objects at which paths stop, and from
//! the services and subnets that a finding names.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{PathLine, Report};
use crate::analysis::{HopName, Tri};
use crate::finding::{Finding, Verdict};

/// Which paths which findings explain, looked up by what they stop at.
#[derive(Debug, Default)]
pub struct Links<'a> {
    report: Option<&'a Report>,
    /// Paths by verdict and by the object of a hop of that verdict.
    objects: BTreeMap<(Tri, &'a str), Vec<usize>>,
    /// Paths that lack an endpoint, a name or a route, by verdict and VPC.
    lacking: BTreeMap<(Tri, &'a str), Vec<usize>>,
    /// Subnets of placements.
    subnets: BTreeMap<&'a str, &'a str>,
}

impl<'a> Links<'a> {
    /// Prepares the look-ups.
    #[must_use]
    pub fn new(report: &'a Report) -> Self {
        let vpcs: BTreeMap<&str, &str> = report.placements.iter().filter_map(|p| Some((p.id.as_str(), p.vpc.as_deref()?))).collect();
        let subnets = report.placements.iter().filter_map(|p| Some((p.id.as_str(), p.subnet.as_deref()?))).collect();
        let mut links = Self { report: Some(report), subnets, ..Self::default() };
        for (i, path) in report.paths.iter().enumerate().filter(|(_, p)| p.verdict != Tri::Pass) {
            let objects: BTreeSet<&str> = path.hops.iter().filter(|h| h.verdict == path.verdict).filter_map(|h| h.object.as_deref()).collect();
            for object in objects {
                links.objects.entry((path.verdict, object)).or_default().push(i);
            }
            let lacks = path.blocked_at.is_none_or(|b| matches!(b, HopName::Endpoint | HopName::Dns | HopName::Route));
            if let Some(vpc) = vpcs.get(path.placement.as_str()).filter(|_| lacks) {
                links.lacking.entry((path.verdict, vpc)).or_default().push(i);
            }
        }
        links
    }

    /// Indices of the paths that a finding explains: failing ones (unknown for an unknown finding) that stop at its
    /// resource, or, where the finding is about what is lacking, lack it for a service that the finding names. At most `most`.
    #[must_use]
    pub fn paths_of(&self, finding: &Finding, most: usize) -> Vec<usize> {
        let wanted = if finding.verdict == Verdict::Fail { Tri::Fail } else { Tri::Unknown };
        let names = || [finding.resource.id.as_deref(), finding.resource.arn.as_deref()].into_iter().flatten();
        let mut out: BTreeSet<usize> = names().filter_map(|n| self.objects.get(&(wanted, n))).flatten().copied().collect();
        let is_vpc = finding.resource.r#type.as_deref() == Some("AWS::EC2::VPC");
        if !is_vpc && !out.is_empty() {
            return out.into_iter().take(most).collect();
        }
        // Findings about what is lacking (an endpoint, a name, a route) name the services, and those on a route table or a
        // workload the subnets too.
        let Some(report) = self.report else { return Vec::new() };
        let mut named: BTreeMap<&str, bool> = BTreeMap::new();
        let mut names = |path: &'a PathLine| *named.entry(&path.service).or_insert_with(|| names_service(finding, &path.service));
        let lacking: Vec<usize> = match finding.resource.vpc.as_deref().or(finding.resource.id.as_deref().filter(|_| is_vpc)) {
            Some(vpc) => self.lacking.get(&(wanted, vpc)).cloned().unwrap_or_default(),
            None => self.lacking.iter().filter(|(k, _)| k.0 == wanted).flat_map(|(_, v)| v).copied().collect(),
        };
        let from = |path: &PathLine| self.subnets.get(path.placement.as_str()).is_some_and(|s| finding.message.contains(s));
        let found: BTreeSet<usize> = lacking.into_iter().filter(|i| report.paths.get(*i).is_some_and(|p| names(p) && (is_vpc || from(p)))).collect();
        // A path that stops at the VPC for a service that the finding does not name is another finding's.
        if !found.is_empty() {
            out.retain(|i| report.paths.get(*i).is_some_and(&mut names));
        }
        out.extend(found);
        out.into_iter().take(most).collect()
    }
}

/// Whether a finding's words name a service as a word of its own.
pub(super) fn names_service(finding: &Finding, service: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    [&finding.title, &finding.message].into_iter().any(|text| {
        text.match_indices(service).any(|(at, _)| {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            let mut after = text.get(at + service.len()..).unwrap_or_default().chars();
            let next = after.next();
            let inside = next.is_some_and(part) || (next == Some('.') && after.next().is_some_and(part));
            !before.is_some_and(|c| part(c) || c == '.') && !inside
        })
    })
}
