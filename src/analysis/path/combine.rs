//! Several ways of one path together: the hostnames of a service, of which the worst counts, and the possible answers of one name,
//! which decide only where they agree.

use std::collections::BTreeSet;

use super::leg::{self, Leg};
use super::{Candidates, ownership};
use crate::analysis::dns::{self, Names};
use crate::analysis::{Cause, Decision, HopName, Need, Owner, Tri, Unseen, Way};
use crate::finding::Severity;

/// The worse leg, with what the other one gives rise to as well.
pub fn with_causes(mut worse: Leg, other: Leg) -> Leg {
    for cause in other.causes {
        worse.cause(cause);
    }
    worse.unjudged.extend(other.unjudged);
    worse
}

/// All possible answers of a name together.
pub fn combine(mut legs: Vec<Leg>, names: &Names, vpc: &str, need: &Need, candidates: &Candidates<'_>) -> Leg {
    if names.certain
        && legs.len() == 1
        && let Some(leg) = legs.pop()
    {
        return leg;
    }
    let verdicts: BTreeSet<Tri> = legs.iter().map(Leg::verdict).collect();
    let ways: BTreeSet<Way> = legs.iter().map(|l| l.way).collect();
    let way = if ways.len() == 1 { ways.first().copied().unwrap_or(Way::Unknown) } else { Way::Unknown };
    let agreed = if names.certain && verdicts.len() == 1 { verdicts.first().copied() } else { None };
    // Where the name may lead to what was not seen, the groups and ACLs of the internet's way are not all that matter.
    let counts = |leg: &Leg, rule: &str| names.certain || !rule.starts_with("NW") || matches!(leg.way, Way::InterfaceEndpoint | Way::RemoteEndpoint | Way::GatewayEndpoint);
    let passed: BTreeSet<&'static str> = legs.iter().flat_map(|l| l.passed.iter().copied().filter(move |rule| counts(l, rule))).collect();
    let unjudged: BTreeSet<Unseen> = legs.iter().flat_map(|l| l.unjudged.iter().cloned()).collect();
    match agreed {
        Some(Tri::Pass) => {
            let mut all = Leg::new(way);
            // What one of several possible ways alone gives rise to is not known to be so.
            let unseen = if names.unseen.is_empty() { BTreeSet::from([Unseen::Datum(names.decision_detail.clone())]) } else { names.unseen.clone() };
            let shared: Vec<Cause> = legs.first().map(|l| l.causes.iter().filter(|c| legs.iter().all(|l| l.causes.iter().any(|o| same(c, o)))).cloned().collect()).unwrap_or_default();
            for leg in legs {
                for hop in leg.hops {
                    if !all.hops.contains(&hop) {
                        all.hops.push(hop);
                    }
                }
                for cause in leg.causes {
                    all.cause(if shared.iter().any(|s| same(s, &cause)) { cause } else { as_unknown(cause, &unseen) });
                }
            }
            all.hops.sort_by_key(|h| h.hop);
            all.passed = passed;
            all.unjudged = unjudged;
            all
        }
        Some(Tri::Fail) => {
            // What is blamed is rather what was seen.
            let doubted = |leg: &Leg| leg.causes.iter().any(|c| c.verdict == Tri::Fail && names.doubts.iter().any(|d| d.rule == c.rule && d.object == c.object));
            let mut first = legs.swap_remove(legs.iter().position(|leg| !doubted(leg)).unwrap_or(0));
            first.way = way;
            first.passed = passed;
            first.unjudged = unjudged;
            first.unjudged.extend(names.unseen.iter().filter(|u| matches!(u, Unseen::Action(_))).cloned());
            first
        }
        _ => {
            let mut open = Leg::new(if names.certain { way } else { Way::Unknown });
            let detail = if names.decision_detail.is_empty() { "the name may lead to several places".to_owned() } else { names.decision_detail.clone() };
            let mut decision = Decision::unknown(names.object.as_deref(), detail.clone(), Unseen::Datum(detail.clone()));
            if !names.unseen.is_empty() {
                decision.unseen.clone_from(&names.unseen);
            }
            open.hop(HopName::Dns, &decision);
            open.passed = passed;
            open.unjudged = unjudged;
            if !names.certain {
                // An action that was not seen hides all that it could tell; a datum of a zone hides no more than where it leads.
                let hides = |d: &&dns::Doubt| d.rule == dns::PRESENCE || matches!(d.unseen, Unseen::Action(_));
                open.unjudged.extend(names.doubts.iter().filter(hides).map(|d| d.unseen.clone()));
            }
            for (rule, severity, object, unseen) in name_rules(names, vpc, need, candidates) {
                open.cause(leg::unknown(rule, severity, &object, detail.clone(), unseen));
            }
            // What else was not seen on any way stays said; what is visibly blocked on one way is not known to be taken.
            for cause in legs.into_iter().flat_map(|l| l.causes) {
                open.cause(as_unknown(cause, &decision.unseen));
            }
            open
        }
    }
}

/// Whether two causes are one finding.
fn same(a: &Cause, b: &Cause) -> bool {
    (a.rule, &a.object, a.verdict) == (b.rule, &b.object, b.verdict)
}

/// The same cause, where it is not known whether it holds.
pub fn as_unknown(cause: Cause, unseen: &BTreeSet<Unseen>) -> Cause {
    if cause.verdict == Tri::Unknown {
        return cause;
    }
    leg::unknown(cause.rule, cause.severity, &cause.object, cause.detail, unseen.clone())
}

/// Which rules do not know, on which object, for what was not seen of names.
fn name_rules(names: &Names, vpc: &str, need: &Need, candidates: &Candidates<'_>) -> Vec<(&'static str, Severity, String, BTreeSet<Unseen>)> {
    let mut rules = Vec::new();
    for dns::Doubt { rule, object, unseen } in &names.doubts {
        let unseen = BTreeSet::from([unseen.clone()]);
        // Zones, rules and the like may lead to an endpoint that is not known here, if none is.
        if *rule == dns::PRESENCE || (matches!(*rule, "DN05" | "DN07" | "DN08") && !candidates.usable()) {
            rules.extend(need.owners.iter().filter_map(|(o, s)| if let Owner::Rule(r) = o { Some((*r, *s, vpc.to_owned(), unseen.clone())) } else { None }));
        }
        if *rule != dns::PRESENCE {
            rules.push((*rule, ownership::severity_of_name_rule(rule), object.clone(), unseen));
        }
    }
    if rules.is_empty() {
        let cause = names.answers.iter().find_map(|a| a.cause.as_ref());
        let (rule, object) = cause.map_or(("DN08", vpc.to_owned()), |c| (c.rule, c.object.clone()));
        rules.push((rule, ownership::severity_of_name_rule(rule), object, BTreeSet::from([Unseen::Datum(names.decision_detail.clone())])));
    }
    rules
}
