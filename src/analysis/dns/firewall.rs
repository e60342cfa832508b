//! DNS Firewall: whether a VPC's rule groups let a query pass
//! (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-dns-firewall.html>). It filters what goes through
//! Amazon's resolver, names of endpoints and private zones included. Groups by priority, in them rules by priority; the first
//! rule that matches decides.

use std::collections::{BTreeSet, HashSet};

use super::name;
use super::resolver::Resolver;
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::inventory::dns::{FirewallDomains, FirewallRule, FirewallRuleGroupAssociation};

/// Type of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Query {
    A,
    Aaaa,
}

/// What can become of a query.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// It may pass.
    pub passes: bool,
    /// It may be blocked: the rule group and what its rule says.
    pub blocked: Option<Block>,
    /// Passing rule trusts whatever the name is redirected to.
    pub trusts_redirection: bool,
    /// Why both are possible.
    pub unseen: BTreeSet<Unseen>,
}

/// The rule that blocks a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Rule group.
    pub group: String,
    /// Rule, by name.
    pub rule: String,
    /// NODATA, NXDOMAIN, or OVERRIDE with another name.
    pub response: String,
}

enum Match {
    Yes,
    No,
    Maybe(Unseen),
}

impl Resolver<'_> {
    /// Filters a query of `vpc` for a normal name.
    pub(super) fn filter(&self, vpc: &str, host: &str, query: Query) -> Filter {
        let mut filter = Filter::default();
        let action = Action::ListFirewallRuleGroupAssociations;
        if !self.view.seen(action) && !self.view.options.plain_dns {
            filter.maybe_blocked(Unseen::Action(action), "");
        }
        for association in self.firewall_of_vpc.get(vpc).into_iter().flatten() {
            if self.filter_group(association, host, query, &mut filter) {
                return filter;
            }
        }
        filter.passes = true;
        filter
    }

    /// Holds a query against one rule group; whether that settles it.
    fn filter_group(&self, association: &FirewallRuleGroupAssociation, host: &str, query: Query, filter: &mut Filter) -> bool {
        let Some(group) = association.firewall_rule_group_id.as_deref() else { return false };
        let in_force = in_force(association.status.as_deref(), "COMPLETE");
        if !in_force {
            filter.unseen.insert(Unseen::Elsewhere(format!("whether DNS Firewall rule group {group} is in force ({})", association.status.as_deref().unwrap_or_default())));
        }
        let Some(rules) = self.view.region.firewall_rules.get(group).and_then(|a| a.output()) else {
            filter.maybe_blocked(Unseen::Action(Action::ListFirewallRules), group);
            return false;
        };
        let mut ordered: Vec<&FirewallRule> = rules.firewall_rules.iter().filter(|r| queries(r, query)).collect();
        ordered.sort_by_key(|r| r.priority);
        for rule in ordered {
            let sure = match self.matches(rule, host) {
                Match::No => continue,
                Match::Yes => in_force,
                Match::Maybe(unseen) => {
                    filter.unseen.insert(unseen);
                    false
                }
            };
            match rule.action.as_deref().unwrap_or_default().to_ascii_uppercase().as_str() {
                "BLOCK" => filter.block(group, rule),
                "ALLOW" | "ALERT" => {
                    filter.passes = true;
                    filter.trusts_redirection |= sure && rule.firewall_domain_redirection_action.as_deref() == Some("TRUST_REDIRECTION_DOMAIN");
                }
                other => {
                    filter.unseen.insert(Unseen::Elsewhere(format!("what the action {other:?} of DNS Firewall rule group {group} does")));
                    filter.block(group, rule);
                    continue;
                }
            }
            if sure {
                return true;
            }
        }
        if rules.next_token.is_some() {
            filter.maybe_blocked(Unseen::Action(Action::ListFirewallRules), group);
        }
        false
    }

    fn matches(&self, rule: &FirewallRule, host: &str) -> Match {
        let Some(list) = rule.firewall_domain_list_id.as_deref() else {
            // Rules against algorithmically made names and tunnels carry no list; none of AWS's names is one.
            return if rule.dns_threat_protection.is_some() {
                Match::No
            } else {
                Match::Maybe(Unseen::Elsewhere(format!("what DNS Firewall rule {} matches", rule.name.as_deref().unwrap_or_default())))
            };
        };
        if self.managed_lists.contains(list) {
            return Match::No;
        }
        let Some(domains) = self.domain_lists.get(list) else {
            let lists = Action::ListFirewallDomainLists;
            return Match::Maybe(Unseen::Action(if self.view.seen(lists) { Action::ListFirewallDomains } else { lists }));
        };
        if domains.holds(host) {
            Match::Yes
        } else if domains.truncated {
            Match::Maybe(Unseen::Action(Action::ListFirewallDomains))
        } else {
            Match::No
        }
    }
}

impl Filter {
    fn block(&mut self, group: &str, rule: &FirewallRule) {
        let response = match (rule.block_response.as_deref(), rule.block_override_domain.as_deref()) {
            (Some("OVERRIDE"), Some(domain)) => format!("OVERRIDE with {domain}"),
            (Some(response), _) => response.to_owned(),
            (None, _) => "no answer".to_owned(),
        };
        self.blocked.get_or_insert(Block { group: group.to_owned(), rule: rule.name.clone().unwrap_or_default(), response });
    }

    /// It may be blocked by what was not seen.
    fn maybe_blocked(&mut self, unseen: Unseen, group: &str) {
        self.unseen.insert(unseen);
        self.blocked.get_or_insert(Block { group: group.to_owned(), rule: String::new(), response: String::new() });
    }
}

/// Whether a status means that the object works as it says; an absent one does.
pub(super) fn in_force(status: Option<&str>, working: &str) -> bool {
    status.is_none_or(|s| s.eq_ignore_ascii_case(working))
}

/// Whether a rule looks at queries of this type; without a type it looks at all.
fn queries(rule: &FirewallRule, query: Query) -> bool {
    let Some(qtype) = rule.qtype.as_deref().filter(|q| !q.is_empty()) else { return true };
    let (name, number) = match query {
        Query::A => ("A", "1"),
        Query::Aaaa => ("AAAA", "28"),
    };
    qtype.eq_ignore_ascii_case(name) || qtype == number || qtype.to_ascii_uppercase().strip_prefix("TYPE") == Some(number)
}

/// A domain list, ready to be asked.
#[derive(Debug)]
pub(super) struct DomainList {
    /// There are more domains than were seen.
    truncated: bool,
    exact: HashSet<String>,
    /// What follows a leading star; for any depth below.
    endings: HashSet<String>,
}

impl DomainList {
    pub(super) fn new(answer: &FirewallDomains) -> Self {
        let mut out = Self { truncated: answer.next_token.is_some(), exact: HashSet::new(), endings: HashSet::new() };
        for domain in &answer.domains {
            let domain = name::normal(domain);
            match domain.strip_prefix('*') {
                Some(ending) => out.endings.insert(ending.to_owned()),
                None => out.exact.insert(domain),
            };
        }
        out
    }

    /// Whether an entry stands for a normal name.
    fn holds(&self, host: &str) -> bool {
        self.exact.contains(host) || (1..=host.len()).filter_map(|at| host.get(at..)).any(|ending| self.endings.contains(ending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_match_exactly_or_by_a_leading_star() {
        for (entry, host, matches) in [
            ("ecs.us-east-2.amazonaws.com.", "ecs.us-east-2.amazonaws.com", true),
            ("amazonaws.com", "ecs.us-east-2.amazonaws.com", false),
            ("*.amazonaws.com", "ecs.us-east-2.amazonaws.com", true),
            ("*.ecs.us-east-2.amazonaws.com", "ecs.us-east-2.amazonaws.com", false),
            ("*", "ecs.us-east-2.amazonaws.com", true),
            ("ECS.us-east-2.amazonaws.com", "ecs.us-east-2.amazonaws.com", true),
        ] {
            let list = DomainList::new(&FirewallDomains { domains: vec![entry.to_owned()], ..FirewallDomains::default() });
            assert_eq!(list.holds(host), matches, "{entry}");
        }
    }

    #[test]
    fn a_rule_of_another_query_type_is_passed_over() {
        let rule = |qtype: Option<&str>| FirewallRule { qtype: qtype.map(str::to_owned), ..FirewallRule::default() };
        assert!(queries(&rule(None), Query::A) && queries(&rule(None), Query::Aaaa));
        assert!(queries(&rule(Some("A")), Query::A) && !queries(&rule(Some("A")), Query::Aaaa));
        assert!(queries(&rule(Some("TYPE28")), Query::Aaaa) && !queries(&rule(Some("TYPE28")), Query::A));
        assert!(!queries(&rule(Some("MX")), Query::A));
    }
}
