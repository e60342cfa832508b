//! Whose finding it is and how bad: the severity columns and the ownership table of the README's "What the verdicts mean".

use std::collections::BTreeSet;

use super::leg::{Leg, fail, unknown};
use super::public::Exit;
use super::source::Source;
use crate::actions::Action;
use crate::analysis::{Egress, Level, Need, Owner, Tri, Unseen, View, services};
use crate::finding::{Evidence, Severity};
use crate::inventory::Region;

/// The three endpoints of the container agent.
pub const TRIO: [&str; 3] = ["ecs", "ecs-agent", "ecs-telemetry"];

/// The severity of a name's rule where there is no other way.
pub fn severity_of_name_rule(rule: &str) -> Severity {
    match rule {
        "DN01" | "DN02" | "DN07" | "EP06" => Severity::Critical,
        "DN06" | "DN09" => Severity::Medium,
        _ => Severity::High,
    }
}

/// How much it hurts that there is no endpoint.
pub fn level(view: &View<'_>, exit: &Exit) -> Option<Level> {
    exit.class.map(|c| c.level(view.options.require_private))
}

/// The ids that a finding of `owner` stands on: the VPC, or for images the task definitions.
fn objects(source: &Source<'_>, need: &Need, owner: Owner) -> Vec<String> {
    match owner {
        Owner::Image | Owner::Rule("RG03") if !need.definitions.is_empty() => need.definitions.keys().cloned().collect(),
        _ => vec![source.vpc.unwrap_or_default().to_owned()],
    }
}

fn rule_of(owner: Owner) -> &'static str {
    match owner {
        Owner::Rule(rule) => rule,
        Owner::Image => "WL01",
    }
}

/// Blames the absence of an endpoint, by the first column. `unusable`: endpoints that exist in a state in which they do not
/// work, which then own it. `trio_in_part`: some but not all of the agent's endpoints are there.
pub fn missing(source: &Source<'_>, need: &Need, exit: &Exit, level: Option<Level>, unusable: &[String], trio_in_part: bool, leg: &mut Leg) {
    let public = exit.decision.detail.clone();
    let soft = |rule: &str| if trio_in_part && TRIO.contains(&need.service.as_str()) && matches!(rule, "EP01" | "EP02") { Severity::Medium } else { Severity::Low };
    let evidence = || vec![Evidence::new(Action::DescribeVpcEndpoints, "ServiceName", need.service.clone(), format!("no usable endpoint of {}", source.vpc.unwrap_or("the VPC")))];
    match level {
        Some(Level::Hard) if !unusable.is_empty() => {
            for id in unusable {
                leg.cause(fail("EP02", Severity::Critical, id, format!("{id} is not in a usable state and {public}"), evidence()));
            }
        }
        Some(Level::Soft) if !unusable.is_empty() => {
            for id in unusable {
                leg.cause(fail("EP02", soft("EP02"), id, format!("{id} is not in a usable state; traffic leaves over the internet"), evidence()));
            }
        }
        Some(Level::Hard) => {
            let image = need.owners.iter().any(|(o, _)| *o == Owner::Image);
            match exit.class {
                Some(Egress::Dead) if !image => {
                    let object = exit.dead.as_deref().or(exit.decision.object.as_deref()).unwrap_or_default();
                    leg.cause(fail("NW06", Severity::Critical, object, format!("{public}, and there is no endpoint of {}", need.service), exit.decision.evidence.clone()));
                }
                Some(Egress::NoPublicIp) if !image => {
                    for unit in need.units.iter() {
                        leg.cause(fail("WL03", Severity::Critical, unit, format!("{public}, and there is no endpoint of {}", need.service), exit.decision.evidence.clone()));
                    }
                }
                _ => {
                    for (owner, severity) in &need.owners {
                        for object in objects(source, need, *owner) {
                            leg.cause(fail(rule_of(*owner), *severity, &object, format!("there is no endpoint of {} and {public}", need.service), evidence()));
                        }
                    }
                }
            }
        }
        Some(Level::Soft) => {
            for (owner, _) in &need.owners {
                let rule = rule_of(*owner);
                for object in objects(source, need, *owner) {
                    leg.cause(fail(rule, soft(rule), &object, format!("there is no endpoint of {}, so its traffic leaves over the internet ({public})", need.service), evidence()));
                }
            }
        }
        Some(Level::Undecided) | None if !unusable.is_empty() => {
            let unseen = exit.decision.unseen.clone();
            for id in unusable {
                leg.cause(unknown("EP02", Severity::Critical, id, format!("{id} is not in a usable state and {public}"), unseen.clone()));
            }
            leg.cause(unknown("NW06", Severity::Critical, exit.decision.object.as_deref().unwrap_or_default(), public, unseen));
        }
        Some(Level::Undecided) | None => {
            let unseen: BTreeSet<Unseen> = if exit.decision.unseen.is_empty() {
                BTreeSet::from([Unseen::Datum(format!("what lies behind {}", exit.decision.object.as_deref().unwrap_or("the route")))])
            } else {
                exit.decision.unseen.clone()
            };
            for (owner, severity) in &need.owners {
                for object in objects(source, need, *owner) {
                    leg.cause(unknown(rule_of(*owner), *severity, &object, format!("there is no endpoint of {}, and {public}", need.service), unseen.clone()));
                }
            }
            leg.unjudged.extend(unseen.iter().cloned());
            leg.cause(unknown("NW06", Severity::Critical, exit.decision.object.as_deref().unwrap_or_default(), public, unseen));
        }
    }
}

/// Where the region does not offer the service, that is the cause, and no missing endpoint: RG04 in place of the need's owner.
pub fn not_offered(inventory: &Region, need: &Need, leg: &mut Leg) {
    if need.region.is_some() || need.service.starts_with("registry:") || services::offered(inventory, &need.service) != Some(false) {
        return;
    }
    let full = services::full_name(&inventory.region, &need.service);
    for cause in leg.causes.iter_mut().filter(|c| c.rule.starts_with("EP") && c.rule != "EP02") {
        cause.rule = "RG04";
        cause.severity = cause.severity.min(Severity::Medium);
        cause.detail = format!("{} offers no endpoint of {}, so none can be made", inventory.region, need.service);
        cause.evidence = vec![Evidence::new(Action::DescribeVpcEndpointServices, "ServiceNames", full.as_str(), "not among the services of the region")];
    }
}

/// Blames an endpoint that exists but that the name, or the route table, does not select: the second column.
pub fn not_selected(rule: &'static str, object: &str, detail: &str, evidence: Vec<Evidence>, level: Option<Level>, leg: &mut Leg) {
    let own = if rule == "NW07" { Severity::Critical } else { severity_of_name_rule(rule) };
    let severity = match level {
        Some(Level::Soft) if leg.verdict() != Tri::Fail => Severity::Medium,
        Some(Level::Undecided) | None => Severity::Medium,
        _ => own,
    };
    leg.cause(fail(rule, severity, object, detail, evidence));
}
