//! What was not seen makes those rules unknown that it could decide, and no others.

use super::*;
use crate::finding::Verdict;
use crate::inventory::{State, Status};

/// An action that was denied, and what it would have brought.
fn deny(scene: &mut Scene, action: Action, forget: impl FnOnce(&mut crate::inventory::Region)) {
    scene.region.completeness.0.insert(action, Status::of(State::Missing, "AccessDenied: not authorized"));
    forget(&mut scene.region);
}

fn verdicts<'r>(report: &'r Report, rules: &[&'r str]) -> Vec<(&'r str, Verdict)> {
    rules.iter().map(|id| (*id, report.rules.iter().find(|r| r.id == *id).unwrap().verdict)).collect()
}

fn all<'r>(rules: &[&'r str], verdict: Verdict) -> Vec<(&'r str, Verdict)> {
    rules.iter().map(|id| (*id, verdict)).collect()
}

#[test]
fn unseen_acls_of_a_vpc_without_endpoints_say_nothing_of_endpoints() {
    let mut scene = whole();
    nat(&mut scene);
    for service in ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "s3"] {
        remove(&mut scene, service);
    }
    deny(&mut scene, Action::DescribeNetworkAcls, |r| r.network_acls.clear());
    let report = report(&scene);
    let (own, endpoints) = (["NW04", "NW05", "NW09"], ["DN01", "DN03", "NW01", "NW03", "NW07", "NW10", "PO03", "PO04", "PO05", "PO06", "PO07"]);
    assert_eq!(verdicts(&report, &own), all(&own, Verdict::Unknown));
    assert_eq!(verdicts(&report, &endpoints), all(&endpoints, Verdict::NotApplicable));
}

#[test]
fn a_policy_that_was_not_seen_is_no_way_to_another_vpc() {
    let mut scene = whole();
    endpoint(&mut scene, "vpce-logs").policy_document = None;
    let report = report(&scene);
    assert_eq!(verdicts(&report, &["NW10", "PO07"]), [("NW10", Verdict::NotApplicable), ("PO07", Verdict::Unknown)]);
}

#[test]
fn unseen_zones_may_lead_to_another_vpc() {
    let mut scene = whole();
    remove(&mut scene, "logs");
    deny(&mut scene, Action::ListHostedZonesByVpc, |r| r.hosted_zones.clear());
    let report = report(&scene);
    let open = ["NW10", "DN07", "NW01", "PO07", "EP09"];
    let found = verdicts(&report, &open);
    assert_eq!(found.iter().find(|(r, _)| *r == "NW10"), Some(&("NW10", Verdict::Unknown)), "{found:?}");
    assert_eq!(found.iter().find(|(r, _)| *r == "EP09"), Some(&("EP09", Verdict::Unknown)), "{found:?}");
}

#[test]
fn an_unseen_gateway_says_nothing_of_names_and_endpoints() {
    let mut scene = whole();
    nat(&mut scene);
    remove(&mut scene, "logs");
    deny(&mut scene, Action::DescribeNatGateways, |r| r.nat_gateways.clear());
    let report = report(&scene);
    let others = ["DN01", "DN03", "NW01", "NW03", "PO06"];
    assert_eq!(verdicts(&report, &others), all(&others, Verdict::Pass), "the other endpoints were judged");
    assert_eq!(verdicts(&report, &["DN07", "NW10"]), all(&["DN07", "NW10"], Verdict::NotApplicable));
    assert_eq!(verdicts(&report, &["EP09"]), all(&["EP09"], Verdict::Unknown));
}

#[test]
fn an_unseen_way_to_a_hub_says_nothing_of_private_dns() {
    let mut scene = hub::attached(&[], &[]);
    deny(&mut scene, Action::SearchTransitGatewayRoutes, |r| r.transit_gateway_routes.clear());
    let report = report(&scene);
    assert_eq!(verdicts(&report, &["DN01", "DN03", "NW10"]), [("DN01", Verdict::Pass), ("DN03", Verdict::Pass), ("NW10", Verdict::Unknown)]);
}

#[test]
fn mount_targets_are_not_read_so_that_a_file_system_leaves_the_report_incomplete() {
    let mut scene = whole();
    assert!(report(&scene).complete);
    for answer in scene.region.task_definitions.values_mut() {
        let volume = serde_json::json!({"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}});
        let Answer::Output(definition) = answer else { continue };
        definition.volumes.push(crate::rules::testing::from(volume));
    }
    let report = report(&scene);
    let found = report.findings.iter().find(|f| f.rule == "EP13").map(|f| (f.verdict, f.severity));
    assert_eq!(found, Some((Verdict::Unknown, crate::finding::Severity::High)));
    assert!(!report.complete);
}
