//! The check of every rule whose findings are causes of paths: one finding an object, with everything that it hits.

use std::collections::{BTreeMap, BTreeSet};

use super::reality::{Contradiction, Reality};
use super::{Outcome, ev02, remedy, subject};
use crate::actions::Action;
use crate::analysis::{Cause, HopName, Need, Owner, Path, Placement, Tri, Unseen, View, Way, path};
use crate::finding::{Confidence, Evidence, Severity};

/// What one finding stands on.
#[derive(Debug, Default)]
pub struct Group<'v> {
    /// Worst severity of its causes.
    pub severity: Option<Severity>,
    /// What the causes say, the most frequent first.
    pub details: Vec<String>,
    /// Endpoint services that are hit.
    pub services: BTreeSet<&'v str>,
    /// Placements and needs that are hit.
    pub hits: Vec<(&'v Placement, &'v Need)>,
    /// Their indices.
    pub indices: Vec<(usize, usize)>,
    /// Fields that decided.
    pub evidence: BTreeSet<Evidence>,
    /// What was observed of those whose paths fail.
    pub contradiction: Contradiction<'v>,
}

/// Turns the causes that this rule owns into findings, one an object.
pub fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    check_but(view, outcome, |_| false);
}

/// The same, without the causes that the rule tells by itself.
pub fn check_but(view: &View<'_>, outcome: &mut Outcome<'_>, told: impl Fn(&Cause) -> bool) {
    let rule = outcome.rule().id;
    let mut groups: BTreeMap<(String, String), Group<'_>> = BTreeMap::new();
    let reality = Reality::new(view);
    for found in &view.paths {
        let Some((place, need)) = path::need_of(view, found) else { continue };
        if found.passed.contains(rule) || need.also.iter().any(|(o, _)| *o == Owner::Rule(rule)) && found.verdict == Tri::Pass {
            outcome.pass();
        } else if (judges(rule, need) || need.owners.iter().any(|(o, _)| *o == Owner::Rule(rule))) && !found.causes.iter().any(|c| c.rule == rule) {
            // A hop that was not reached for want of something is not one that does not apply.
            let about = |u: &&Unseen| match u {
                Unseen::Datum(_) => false,
                // How the subnet leaves.
                Unseen::Action(a) if rule == "WL03" => matches!(a, Action::DescribeRouteTables | Action::DescribeInternetGateways | Action::DescribeSubnets | Action::DescribeVpcs),
                Unseen::Elsewhere(_) if rule == "WL03" => false,
                // Of the ways to S3, those by a NAT gateway, whose own ACL it is then.
                u if need.service == "s3" && matches!(rule, "NW04" | "NW05") => matches!(u, Unseen::Action(Action::DescribeRouteTables | Action::DescribeSubnets | Action::DescribeNatGateways)),
                Unseen::Action(_) | Unseen::Elsewhere(_) => true,
            };
            let unseen: Vec<Unseen> = found.unjudged.iter().filter(about).cloned().collect();
            if !unseen.is_empty() && on_the_way(view, rule, found) {
                outcome.unseen(unseen, affected(view, [(found.placement, found.need)]));
            }
        }
        for cause in found.causes.iter().filter(|c| c.rule == rule && !told(c)) {
            if cause.verdict != Tri::Fail {
                outcome.unseen(cause.unseen.iter().cloned(), affected(view, [(found.placement, found.need)]));
                continue;
            }
            let group = groups.entry((cause.object.clone(), discriminator(rule, need))).or_default();
            group.severity = group.severity.max(Some(cause.severity));
            if !group.details.contains(&cause.detail) {
                group.details.push(cause.detail.clone());
            }
            group.services.insert(&need.service);
            group.hits.push((place, need));
            group.indices.push((found.placement, found.need));
            group.evidence.extend(cause.evidence.iter().cloned());
            if found.verdict == Tri::Fail {
                reality.compare(place, need, &mut group.contradiction);
            }
        }
    }
    let failed = if groups.is_empty() { BTreeSet::new() } else { ev02::failed_by_rule(view).remove(rule).unwrap_or_default() };
    for ((object, discriminator), group) in &groups {
        report(view, outcome, object, discriminator, group, &failed);
    }
    if let Some((unseen, affects)) = view.unseen_needs.get(rule) {
        outcome.unseen(unseen.iter().cloned(), affects.iter().cloned());
    }
    whole_vpc(view, outcome, rule);
    if !outcome.is_judged() {
        undecided(view, outcome, rule);
    }
}

/// A rule that no path came to is not beside the point where paths stopped short of it for want of what was not seen.
fn undecided(view: &View<'_>, outcome: &mut Outcome<'_>, rule: &'static str) {
    let concerns = |service: &str| match rule {
        "PO03" => service == "ecs",
        "PO04" => matches!(service, "ecs-agent" | "ecs-telemetry"),
        "PO05" | "NW07" | "NW08" | "NW09" => service == "s3",
        "PO06" => matches!(service, "ecr.api" | "ecr.dkr"),
        "PO07" => !matches!(service, "ecs" | "ecs-agent" | "ecs-telemetry" | "ecr.api" | "ecr.dkr" | "s3"),
        "DN01" | "DN03" | "NW01" | "NW02" | "NW03" | "NW04" | "NW05" | "NW10" => true,
        _ => false,
    };
    for found in view.paths.iter().filter(|p| p.verdict == Tri::Unknown) {
        let Some((_, need)) = path::need_of(view, found) else { continue };
        let owns = need.owners.iter().chain(&need.also).any(|(o, _)| *o == Owner::Rule(rule));
        if need.service.starts_with("registry:") || !(owns || concerns(&need.service) && on_the_way(view, rule, found)) {
            continue;
        }
        let unseen: BTreeSet<Unseen> = found.causes.iter().flat_map(|c| &c.unseen).filter(|u| !matches!(u, Unseen::Datum(_))).cloned().collect();
        if !unseen.is_empty() {
            outcome.unseen(unseen, affected(view, [(found.placement, found.need)]));
        }
    }
}

/// Whether a rule about a hop may have to do with the way of a path, as far as that is known: what leaves by a public name meets
/// no endpoint, and what stays in the VPC crosses into no other.
fn on_the_way(view: &View<'_>, rule: &str, path: &Path) -> bool {
    let named = path.hops.iter().any(|h| h.hop == HopName::Dns && h.verdict == Tri::Pass);
    let endpoint = matches!(rule, "DN01" | "DN03" | "DN07" | "NW01" | "NW03");
    let policy = rule.starts_with("PO");
    let gateway = matches!(rule, "NW07" | "NW08" | "NW09");
    match path.way {
        Way::InterfaceEndpoint => rule != "NW10" && !gateway,
        // Whether an endpoint of the VPC itself was meant to have the name.
        Way::RemoteEndpoint if matches!(rule, "DN01" | "DN03") => path::need_of(view, path).is_some_and(|(place, need)| {
            let own = place.vpc.as_deref().and_then(|v| view.index.endpoints_of_vpc.get(v)).into_iter().flatten();
            own.filter_map(|e| crate::analysis::services::short_name(e.service_name.as_deref()?)).any(|s| s == need.service)
        }),
        Way::RemoteEndpoint => !gateway,
        Way::GatewayEndpoint => !endpoint && !matches!(rule, "NW02" | "NW04" | "NW05" | "NW10"),
        Way::Internet => !endpoint && !policy && !matches!(rule, "NW07" | "NW10"),
        Way::Unknown if named => !endpoint && !policy && !matches!(rule, "NW07" | "NW10"),
        Way::Unknown | Way::Local | Way::None => true,
    }
}

/// Whom these placements' needs stand for.
fn affected(view: &View<'_>, hits: impl IntoIterator<Item = (usize, usize)>) -> BTreeSet<String> {
    view.roster.affected(&view.placements, hits.into_iter().map(|(placement, need)| (placement, Some(need))))
}

/// Whether a rule is about a hop that a path of this need may have.
fn judges(rule: &str, need: &Need) -> bool {
    let service = need.service.as_str();
    if service.starts_with("registry:") || need.region.is_some() {
        return false;
    }
    match rule {
        "WL03" => true,
        "NW07" | "NW08" | "NW09" | "PO05" => service == "s3",
        "NW04" | "NW05" => true,
        "DN01" | "DN03" | "DN07" | "NW01" | "NW02" | "NW03" | "NW10" => service != "s3",
        "PO03" => service == "ecs",
        "PO04" => matches!(service, "ecs-agent" | "ecs-telemetry"),
        "PO06" => service.starts_with("ecr"),
        "PO07" => !matches!(service, "s3" | "ecs" | "ecs-agent" | "ecs-telemetry") && !service.starts_with("ecr"),
        _ => false,
    }
}

/// What tells findings of one rule on one object apart: the service, where the rule is about several. An image in another
/// region is one cause, though three services bring it.
fn discriminator(rule: &str, need: &Need) -> String {
    match rule {
        "RG03" if need.service.starts_with("ecr.") || need.service == "s3" && need.because.iter().any(|b| b.contains("image")) => "ecr.dkr".to_owned(),
        "EP13" | "RG03" | "WL01" => need.service.clone(),
        _ => String::new(),
    }
}

fn report(view: &View<'_>, outcome: &mut Outcome<'_>, object: &str, discriminator: &str, group: &Group<'_>, failed: &BTreeSet<String>) {
    let rule = outcome.rule();
    let resource = subject::of(view, object);
    let affects = match rule.id {
        "WL03" => BTreeSet::from([object.to_owned()]),
        "WL01" | "RG03" => {
            let of = view.roster.affected_by_definition(&view.placements, object, group.indices.iter().copied());
            if of.is_empty() { affected(view, group.indices.iter().copied()) } else { of }
        }
        _ => affected(view, group.indices.iter().copied()),
    };
    let severity = group.severity.unwrap_or(rule.severity);
    let message = message(rule.id, object, group, affects.len());
    let remediation = remedy::remedy(view, rule, object, group);
    let finding = outcome.fail(resource, discriminator, message);
    finding.severity = severity;
    finding.evidence = group.evidence.iter().cloned().collect();
    if finding.evidence.is_empty() {
        finding.evidence.push(Evidence { source: Action::DescribeVpcEndpoints.name().to_owned(), field: None, value: None, note: group.details.first().cloned() });
    }
    if group.hits.iter().any(|(p, _)| p.kind == crate::analysis::Kind::ManagedInstance) && rule.id == "EP01" {
        finding.confidence = Confidence::Medium;
    }
    group.contradiction.tell(finding);
    // Where what is said of the path was observed, it is no mere prediction.
    let observed: Vec<&str> = affects.iter().filter(|a| failed.contains(*a)).map(String::as_str).collect();
    if severity >= Severity::Medium && !observed.is_empty() {
        finding.message.push_str(&format!(" Observed: {} lately failed to start in a way that this explains (EV02).", super::text::some(observed.iter().map(|a| super::text::last(a)))));
    }
    finding.affects = affects;
    finding.remediation = remediation;
    if severity == Severity::Low {
        finding.title = format!("{} (works over the internet)", rule.title);
    }
}

/// The first sentence says what is wrong; the second whom it hits.
fn message(rule: &str, object: &str, group: &Group<'_>, affected: usize) -> String {
    let first = group.details.first().map_or_else(|| object.to_owned(), |d| sentence(d));
    let more = match group.details.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more like it)", n - 1),
    };
    let services: Vec<&str> = group.services.iter().copied().collect();
    let subnets: BTreeSet<&str> = group.hits.iter().filter_map(|(p, _)| p.subnet.as_deref()).collect();
    let from = match subnets.len() {
        0 => String::new(),
        1..=3 => format!(" from {}", subnets.into_iter().collect::<Vec<_>>().join(", ")),
        n => format!(" from {n} subnets"),
    };
    let low = group.severity <= Some(Severity::Low);
    let effect = match (rule, low) {
        ("NW06" | "WL03", _) => format!("Lost are {}{from}; endpoints of these services would do.", services.join(", ")),
        (_, true) => format!("This is about {}{from}.", services.join(", ")),
        _ => format!("Out of reach: {}{from}.", services.join(", ")),
    };
    let whom = if affected == 1 { "1 workload".to_owned() } else { format!("{affected} workloads") };
    format!("{first}{more}. {effect} Affects {whom}.")
}

fn sentence(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    // Ids stay as they are; only a plain word gets a capital.
    match chars.next() {
        Some(c) if !text.split(' ').next().unwrap_or_default().contains('-') => c.to_uppercase().chain(chars).collect(),
        _ => text.trim_end_matches('.').to_owned(),
    }
}

/// Rules about a whole VPC pass where what they read was seen and no path found fault with it.
fn whole_vpc(view: &View<'_>, outcome: &mut Outcome<'_>, rule: &str) {
    let reads: &[Action] = match rule {
        "DN02" => &[Action::DescribeVpcAttribute],
        "DN04" => &[Action::DescribeDhcpOptions],
        "DN05" => &[Action::ListHostedZonesByVpc],
        "DN08" => &[Action::ListResolverRuleAssociations, Action::ListFirewallRuleGroupAssociations, Action::ListProfileAssociations],
        "NW06" => &[Action::DescribeRouteTables],
        "DN09" => &[Action::ListHostedZonesByVpc],
        "DN06" => &[Action::DescribeVpcEndpoints],
        _ => return,
    };
    if view.paths.is_empty() {
        return;
    }
    // An attribute that is off is nothing to pass, even where there is no endpoint that would need it.
    let off = |v: &Option<crate::inventory::ec2::AttributeValue>| v.as_ref().and_then(|v| v.value) == Some(false);
    if rule == "DN02" && view.vpcs.iter().filter_map(|v| view.index.vpc_attributes.get(v.as_str())).any(|a| off(&a.enable_dns_support) || off(&a.enable_dns_hostnames)) {
        return;
    }
    let unseen: Vec<_> = reads.iter().copied().filter(|a| !view.seen(*a)).map(Unseen::Action).collect();
    if unseen.is_empty() {
        outcome.pass();
        // What the AWS page promises, shown for this VPC: no gateway to the internet, no NAT device, no VPN.
        let private = |p: &Path| p.verdict == Tri::Pass && p.way != Way::Internet;
        if rule == "NW06" && view.paths.iter().all(private) {
            outcome.reason("every path works without an internet gateway, a NAT device or a VPN");
        }
    } else {
        let all: Vec<String> = view.placements.iter().flat_map(|p| p.workloads.iter().cloned()).collect();
        outcome.unseen(unseen, all);
    }
}
