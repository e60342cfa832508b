//! Resolver rules: which of those in use by a VPC decides a name
//! (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-overview-forward-vpc-to-network-using-rules.html>).
//! The most specific wins; a rule beats a private zone of the same name.

use std::collections::BTreeSet;

use super::firewall::in_force;
use super::name;
use super::resolver::Resolver;
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::inventory::dns::ResolverRule;

/// The rules that may decide a name.
#[derive(Debug, Default)]
pub(super) struct Choice<'v> {
    /// FORWARD rules, each with the depth of its domain.
    pub forward: Vec<(usize, &'v ResolverRule)>,
    /// Amazon's own resolution may hold: no FORWARD rule, or a SYSTEM rule that restores it.
    pub amazon: bool,
    /// Why several are possible.
    pub doubts: BTreeSet<Unseen>,
    /// Why anything is possible.
    pub open: BTreeSet<Unseen>,
}

impl<'v> Resolver<'v> {
    /// The rules of `vpc` for a normal name.
    pub(super) fn rule_for(&self, vpc: &str, host: &str) -> Choice<'v> {
        let mut choice = Choice::default();
        let (associations, rules) = (Action::ListResolverRuleAssociations, Action::ListResolverRules);
        if !self.view.seen(associations) && !self.view.options.plain_dns {
            choice.open.insert(Unseen::Action(associations));
        }
        let mut matching: Vec<(usize, bool, &ResolverRule)> = Vec::new();
        for association in self.rules_of_vpc.get(vpc).into_iter().flatten() {
            let Some(id) = association.resolver_rule_id.as_deref() else { continue };
            let Some(rule) = self.rules.get(id) else {
                // Amazon's own rule for everything else shows among the associations, and changes nothing.
                if !id.starts_with("rslvr-autodefined-") {
                    choice.open.insert(if self.view.seen(rules) { Unseen::Datum(format!("Resolver rule {id}, which {vpc} uses")) } else { Unseen::Action(rules) });
                }
                continue;
            };
            let Some(domain) = rule.domain_name.as_deref().map(name::normal) else {
                choice.open.insert(Unseen::Datum(format!("the domain of Resolver rule {id}")));
                continue;
            };
            if name::covers(&domain, host) {
                let sure = in_force(association.status.as_deref(), "COMPLETE") && in_force(rule.status.as_deref(), "COMPLETE");
                if !sure {
                    choice.doubts.insert(Unseen::Datum(format!("whether Resolver rule {id} is in force")));
                }
                matching.push((name::depth(&domain), sure, rule));
            }
        }
        matching.sort_by_key(|(depth, _, rule)| (std::cmp::Reverse(*depth), rule.id.as_str()));
        let mut settled: Option<usize> = None;
        for (depth, sure, rule) in matching {
            if settled.is_some_and(|s| s > depth) {
                break;
            }
            match rule.rule_type.as_deref().unwrap_or_default().to_ascii_uppercase().as_str() {
                "FORWARD" => choice.forward.push((depth, rule)),
                "SYSTEM" | "RECURSIVE" => choice.amazon = true,
                other => {
                    choice.open.insert(Unseen::Datum(format!("where Resolver rule {} of type {other:?} leads", rule.id)));
                }
            }
            if sure {
                settled = Some(depth);
            }
        }
        choice.amazon |= settled.is_none();
        choice
    }
}
