//! CO02: The VPC is shared from another account.

use std::collections::BTreeSet;

use super::{Outcome, Rule, pages, reads, subject};
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::{Evidence, Severity};

/// The VPC is shared from another account.
pub static RULE: Rule = Rule {
    id: "CO02",
    name: "vpc-of-another-account",
    title: "The VPC is shared from another account",
    severity: Severity::Medium,
    why: "A participant of a shared VPC cannot list the endpoints that the owner made there. An empty list then means \"not visible\", not \"missing\", so nothing \
          that depends on endpoints can be judged from this account.",
    mend: "Run the audit with a read-only role of the account that owns the VPC, or let the owner record a snapshot of it.",
    sources: &[pages::VPC_SHARING, pages::INTERFACE_ENDPOINTS],
    reads: reads::VPCS,
    check,
};

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    for id in &view.vpcs {
        let affects = || -> BTreeSet<String> { view.placements.iter().filter(|p| p.vpc.as_ref() == Some(id)).flat_map(|p| p.workloads.iter().cloned()).collect() };
        let Some(vpc) = view.index.vpcs.get(id.as_str()) else {
            // Not there at all: rules that need it say so. Seen elsewhere than in the scope of the recording, its owner is open.
            if view.seen(Action::DescribeVpcs) {
                outcome.unseen([Unseen::Datum(format!("{id}, which lies outside of what was read"))], affects());
            }
            continue;
        };
        match vpc.owner_id.as_deref().filter(|o| !o.is_empty()) {
            Some(owner) if owner == view.region.account => outcome.pass(),
            Some(owner) => {
                let message = format!(
                    "{id} belongs to account {owner}, and its endpoints cannot be listed from {}. A participant of a shared VPC does not see them, so nothing that depends on them is judged.",
                    view.region.account
                );
                let finding = outcome.unknown(subject::of(view, id), "", message);
                finding.evidence = vec![Evidence::new(Action::DescribeVpcs, "OwnerId", owner, "the account that shares the VPC")];
                finding.affects = affects();
            }
            None => outcome.unseen([Unseen::Datum(format!("the owner of {id}"))], affects()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scene, VPC, only};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::Kind;
    use crate::finding::{Severity, Verdict};

    #[test]
    fn own_vpc_passes_and_without_a_vpc_it_does_not_apply() {
        let mut scene = Scene::new();
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
        scene.options.vpcs.clear();
        assert_eq!(scene.run(&RULE).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_shared_vpc_is_unknown_never_a_failure() {
        let mut scene = Scene::new();
        scene.region.vpcs[0].owner_id = Some("999988887777".into());
        scene.placement(Kind::FargateTask, &["arn:aws:ecs:us-east-2:111122223333:task/web/t"], &[]);
        let result = scene.run(&RULE);
        let finding = only(&result);
        assert_eq!((finding.verdict, finding.severity, finding.resource.id.as_deref()), (Verdict::Unknown, Severity::Medium, Some(VPC)));
        assert!(finding.message.contains("999988887777") && finding.affects.len() == 1);
        assert_eq!(finding.resource.account.as_deref(), Some("999988887777"));
    }

    #[test]
    fn an_owner_that_is_not_told_is_unknown() {
        let mut scene = Scene::new();
        scene.region.vpcs[0].owner_id = None;
        assert_eq!(only(&scene.run(&RULE)).severity, Severity::Info);
        scene.region.vpcs.clear();
        assert_eq!(scene.run(&RULE).verdict, Verdict::Unknown);
        scene.deny(Action::DescribeVpcs);
        let result = scene.run(&RULE);
        assert!(only(&result).message.contains("ec2:DescribeVpcs"));
        assert_eq!(only(&result).severity, Severity::Medium);
    }
}
