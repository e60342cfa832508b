//! Amazon's resolver of a VPC: is it on, does DNS Firewall let the query pass; then rules and zones.

use super::answer::{Doubt, Families, NameAnswer, Set};
use super::firewall::{Block, Filter, Query};
use super::resolver::{Question, Resolver};
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::finding::Evidence;

/// VPCs whose resolvers were asked on the way, and whether over an inbound endpoint.
pub(super) type Trail<'t> = Vec<(&'t str, bool)>;

impl Resolver<'_> {
    /// What Amazon's resolver of a VPC answers.
    pub(super) fn amazon<'t>(&'t self, question: &Question<'t>, trail: &mut Trail<'t>) -> Set {
        let (vpc, host) = (question.vpc, question.host);
        if trail.contains(&(vpc, question.inbound)) {
            let mut set: Set = NameAnswer::nothing(Some(vpc), format!("Resolver rules send {host} round in a circle")).owned("DN08", vpc).into();
            set.open(Doubt::new("DN08", vpc, Unseen::Elsewhere(format!("what becomes of a query that Resolver rules of {vpc} send round in a circle"))));
            return set;
        }
        trail.push((vpc, question.inbound));
        let support = self.view.index.vpc_attributes.get(vpc).and_then(|a| a.enable_dns_support.as_ref()?.value);
        let mut set = Set::default();
        if support != Some(false) {
            set.join(self.filtered(question, trail));
        }
        if support != Some(true) {
            let known = if support.is_some() { format!("enableDnsSupport of {vpc} is off:") } else { format!("if enableDnsSupport of {vpc}, which was not seen, is off,") };
            let answer = NameAnswer::nothing(Some(vpc), format!("{known} Amazon's resolver answers nothing there")).owned("DN02", vpc);
            set.add(if support.is_some() { answer.because(Evidence::new(Action::DescribeVpcAttribute, "EnableDnsSupport", "false", "")) } else { answer });
        }
        if support.is_none() {
            set.doubt(Doubt::new("DN02", vpc, Unseen::Action(Action::DescribeVpcAttribute)));
        }
        trail.pop();
        set
    }

    /// DNS Firewall, then rules and zones. A name does not resolve if the queries of every family that is asked are blocked.
    fn filtered<'t>(&'t self, question: &Question<'t>, trail: &mut Trail<'t>) -> Set {
        let filters = self.filters(question, question.host);
        let mut set = Set::default();
        let shut = filters.iter().filter(|(_, f)| !f.passes).fold(Families::NONE, |all, (f, _)| all.or(*f));
        if filters.is_empty() || filters.iter().any(|(_, f)| f.passes) {
            let open = Families { v4: !shut.v4, v6: !shut.v6 };
            let block = filters.iter().find(|(_, f)| !f.passes).and_then(|(_, f)| f.blocked.as_ref());
            set.join(self.ruled(question, trail).map(|mut answer| {
                let fitted = answer.records.and(question.consumer).any();
                answer.records = answer.records.and(open);
                match block {
                    // The one family that it has records of is the one that may not be asked for.
                    Some(block) if fitted && !answer.records.and(question.consumer).any() => blocked(question, block),
                    _ => answer,
                }
            }));
        }
        if !filters.is_empty() && filters.iter().all(|(_, f)| f.blocked.is_some()) {
            for (_, filter) in filters {
                if let Some(block) = &filter.blocked {
                    set.add(blocked(question, block));
                }
                filter.unseen.into_iter().for_each(|u| set.doubt(Doubt::new("DN08", question.vpc, u)));
            }
        }
        set
    }

    /// What becomes of the queries for `host`, one a family of the consumer.
    fn filters(&self, question: &Question<'_>, host: &str) -> Vec<(Families, Filter)> {
        let queries = [(question.consumer.v4, Families::V4, Query::A), (question.consumer.v6, Families::V6, Query::Aaaa)];
        let asked = queries.into_iter().filter(|(asks, ..)| *asks);
        asked
            .map(|(_, families, query)| {
                let mut filter = self.filter(question.vpc, host, query);
                if question.inbound && filter.blocked.is_some() && !filter.passes {
                    filter.passes = true;
                    filter.unseen.insert(Unseen::Datum(format!("whether DNS Firewall of {} filters what comes in over its Resolver endpoints", question.vpc)));
                }
                (families, filter)
            })
            .collect()
    }

    /// A name that a record redirects to is filtered as well, unless the rule that let the query pass trusts it. `Some` if it
    /// is blocked, or may be (the set is open then).
    pub(super) fn redirection_filtered(&self, question: &Question<'_>, target: &str) -> Option<Set> {
        if self.filters(question, question.host).iter().any(|(_, f)| f.trusts_redirection) {
            return None;
        }
        let filters = self.filters(question, target);
        if filters.is_empty() || filters.iter().any(|(_, f)| f.blocked.is_none()) {
            return None;
        }
        let mut set = Set::default();
        for (_, filter) in filters {
            if let Some(block) = &filter.blocked {
                set.add(blocked(&question.about(target), block));
            }
            filter.unseen.into_iter().for_each(|u| set.open(Doubt::new("DN08", question.vpc, u)));
        }
        Some(set)
    }
}

/// A query that DNS Firewall blocks.
fn blocked(question: &Question<'_>, block: &Block) -> NameAnswer {
    let (vpc, host, group) = (question.vpc, question.host, block.group.as_str());
    if block.response.is_empty() {
        return NameAnswer::nothing((!group.is_empty()).then_some(group), format!("DNS Firewall of {vpc} may block {host}")).owned("DN08", vpc);
    }
    let detail = format!("rule {:?} of DNS Firewall rule group {group} blocks {host} in {vpc} ({})", block.rule, block.response);
    NameAnswer::nothing(Some(group), detail).owned("DN08", vpc).because(Evidence::new(Action::ListFirewallRules, "Action", "BLOCK", format!("of rule {:?} in {group}", block.rule)))
}
