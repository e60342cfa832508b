//! CO01: Part of the account could not be read.

use std::collections::{BTreeMap, BTreeSet};

use super::{Outcome, Rule, RuleResult, pages, reads, scope_resource, text};
use crate::actions::Action;
use crate::analysis::{Unseen, View};
use crate::finding::{Evidence, Severity};
use crate::inventory::State;

/// Part of the account could not be read.
pub static RULE: Rule = Rule {
    id: "CO01",
    name: "input-incomplete",
    title: "Part of the account could not be read",
    severity: Severity::Medium,
    why: "A check can only say \"fine\" about what it has seen. Where an API call was denied, failed or was never made, the rules that stand on it are unknown, \
          and a green report would be worth nothing.",
    mend: "Grant the actions that are named (`audit permissions` prints the whole read-only policy) or add the missing files to the snapshot, and run the audit \
          again.",
    sources: &[pages::ECS_ENDPOINTS],
    reads: reads::NOTHING,
    check,
};

/// The actions that rules need in this scene: what decides whether they apply, and what they or the paths missed. With the
/// actions that were asked they make the report's list of completeness.
#[must_use]
pub fn needed_actions(view: &View<'_>, results: &[RuleResult]) -> BTreeSet<Action> {
    let missed = results.iter().flat_map(|r| &r.unseen).filter_map(|u| if let Unseen::Action(a) = u { Some(*a) } else { None });
    let read = results.iter().flat_map(|r| r.rule.reads).copied().filter(|a| reads::matters(view, *a));
    read.chain(missed).collect()
}

/// Which rules each lack makes unknown, in whole or in part, with their worst severity.
type Disabled = BTreeMap<Action, BTreeSet<(&'static str, Severity)>>;

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let completeness = &view.region.completeness;
    let mut disabled: Disabled = BTreeMap::new();
    for (rule, missed) in outcome.unseen_of_others() {
        for unseen in missed {
            if let Unseen::Action(action) = unseen {
                disabled.entry(action).or_default().insert((rule.id, rule.severity));
            }
        }
    }
    // What was asked and failed counts even if no rule minds here; what was not asked counts only where something needs it.
    let asked = completeness.0.iter().filter(|(_, s)| matches!(s.state, State::Partial | State::Missing)).map(|(a, _)| *a);
    let incomplete: BTreeSet<Action> = asked.chain(disabled.keys().copied()).filter(|a| !completeness.seen(*a)).collect();
    if incomplete.is_empty() {
        outcome.pass();
        outcome.reason("everything that the rules need here was read");
        return;
    }
    let rules: BTreeSet<(&str, Severity)> = incomplete.iter().filter_map(|a| disabled.get(a)).flatten().copied().collect();
    let told: Vec<String> = incomplete
        .iter()
        .map(|a| {
            let ids: Vec<&str> = disabled.get(a).into_iter().flatten().map(|(id, _)| *id).collect();
            let what = if ids.is_empty() { "nothing here depends on it".to_owned() } else { format!("makes {} unknown", text::list(ids)) };
            format!("{a} ({}) {what}", completeness.why(*a))
        })
        .collect();
    let message = format!(
        "{} could not be read in full, and {} of the rules cannot be judged for it. {}.",
        text::count(incomplete.len(), "API action"),
        if rules.is_empty() { "none".to_owned() } else { rules.len().to_string() },
        told.join("; ")
    );
    let severity = if rules.iter().any(|(_, s)| *s == Severity::Critical) { Severity::Medium } else { Severity::Info };
    let finding = outcome.unknown(scope_resource(view), "", message);
    finding.severity = severity;
    finding.evidence = incomplete.iter().map(|a| Evidence::new(*a, "state", state_name(completeness.state(*a)), completeness.why(*a))).collect();
    finding.remediation.text =
        format!("Let the audit read {} (`audit permissions` prints the whole policy), or add the files to the snapshot; then run it again.", text::list(incomplete.iter().map(|a| a.name())));
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Complete => "complete",
        State::Assumed => "assumed",
        State::Partial => "partial",
        State::Missing => "missing",
        State::NotCollected => "not_collected",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Scene, only};
    use super::super::{ALL, run};
    use super::{RULE, needed_actions};
    use crate::actions::Action;
    use crate::finding::{Severity, Verdict};
    use crate::inventory::{State, Status};

    #[test]
    fn everything_read_passes() {
        assert_eq!(Scene::new().run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn a_denied_action_is_named_with_its_error_and_the_rules_it_disables() {
        let mut scene = Scene::new();
        scene.deny(Action::DescribeContainerInstances);
        let result = scene.run(&RULE);
        let finding = only(&result);
        // AG01 among them is critical.
        assert_eq!((finding.verdict, finding.severity), (Verdict::Unknown, Severity::Medium));
        for part in ["ecs:DescribeContainerInstances", "AccessDenied", "AG01", "EP01"] {
            assert!(finding.message.contains(part), "{part}: {}", finding.message);
        }
        assert!(!finding.message.contains("CO01") && !finding.message.contains("CO02"));
    }

    #[test]
    fn what_was_asked_and_failed_counts_even_if_nothing_here_needs_it() {
        let mut scene = Scene::new();
        scene.deny(Action::DescribeTaskSets);
        let result = scene.run(&RULE);
        assert_eq!((result.verdict, only(&result).severity), (Verdict::Unknown, Severity::Info));
        assert!(only(&result).message.contains("nothing here depends on it"), "{}", only(&result).message);
    }

    #[test]
    fn what_was_not_collected_counts_only_where_something_needs_it() {
        let mut scene = Scene::new();
        for action in [Action::DescribeTaskSets, Action::DescribeCapacityProviders, Action::LookupEvents] {
            scene.region.completeness.0.insert(action, Status::of(State::NotCollected, "no file"));
        }
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
        scene.region.clusters[0].capacity_providers = vec!["FARGATE".into(), "own".into()];
        let result = scene.run(&RULE);
        assert!(only(&result).message.contains("ecs:DescribeCapacityProviders") && !only(&result).message.contains("TaskSets"), "{}", only(&result).message);
    }

    #[test]
    fn an_assumption_is_no_lack() {
        let mut scene = Scene::new();
        scene.region.completeness.0.insert(Action::ListHostedZonesByVpc, Status::of(State::Assumed, "--assume plain-dns"));
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn needed_are_what_rules_read_here_and_what_they_missed() {
        let mut scene = Scene::new();
        scene.region.completeness.0.remove(&Action::DescribeVpcEndpointServices);
        scene.endpoint("logs", "2026-01-01T00:00:00Z", json!({"PolicyDocument": r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"logs:*","Resource":"*"}]}"#}));
        let needed = |ids: &[&str]| {
            scene.with(|view| {
                let results: Vec<_> = ALL.iter().filter(|r| ids.contains(&r.id)).map(|r| run(r, view)).collect();
                needed_actions(view, &results)
            })
        };
        assert!(needed(&["PO02"]).is_superset(&[Action::DescribeVpcEndpoints, Action::DescribeVpcEndpointServices].into()));
        assert_eq!(needed(&["CO02"]), [Action::DescribeVpcs].into());
        assert!(!needed(&["EP01"]).contains(&Action::DescribeCapacityProviders), "no capacity provider is in use");
    }
}
