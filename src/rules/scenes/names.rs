//! What names lead to, and what keeps them from it.

use serde_json::json;

use super::*;
use crate::finding::{Severity, Verdict};
use crate::rules::testing::from;

const DEAD_NAME: [(Way, Tri, Option<HopName>); 1] = [(Way::RemoteEndpoint, Tri::Fail, Some(HopName::Dns))];

fn unknowns(report: &Report) -> Vec<(&str, Severity)> {
    report.findings.iter().filter(|f| f.verdict == Verdict::Unknown).map(|f| (f.rule.as_str(), f.severity)).collect()
}

/// The zone takes the name, and a query for another type of record is answered with nothing: nobody else is asked.
#[test]
fn a_zone_with_ipv6_records_alone_gives_ipv4_workloads_no_address() {
    let records = |scene: &mut Scene, record: serde_json::Value| {
        let sets = from(json!({"ResourceRecordSets": [record]}));
        scene.region.record_sets.insert("Zlogs".to_owned(), Answer::Output(sets));
    };
    let host = format!("logs.{REGION}.amazonaws.com.");
    let alias = format!("vpce-hub-x.logs.{REGION}.vpce.amazonaws.com");
    for kind in ["ipv4", "dualstack"] {
        for default in [false, true] {
            let mut scene = hub::peered();
            records(&mut scene, json!({"Name": host, "Type": "AAAA", "AliasTarget": {"HostedZoneId": "Z1", "DNSName": alias}}));
            endpoint(&mut scene, "vpce-hub").ip_address_type = text(kind);
            if default {
                nat(&mut scene);
            }
            assert_eq!(paths(&expect(&scene, &["DN07 critical Zlogs"]), "logs"), DEAD_NAME, "{kind}, NAT gateway: {default}");
        }
    }
    let mut scene = hub::peered();
    records(&mut scene, json!({"Name": host, "Type": "A", "AliasTarget": {"HostedZoneId": "Z1", "DNSName": alias}}));
    assert_eq!(paths(&expect(&scene, &[]), "logs"), [(Way::RemoteEndpoint, Tri::Pass, None)]);
}

#[test]
fn private_dns_of_an_endpoint_without_interfaces_is_no_way() {
    for default in [false, true] {
        let mut scene = whole();
        endpoint(&mut scene, "vpce-logs").network_interface_ids.clear();
        if default {
            nat(&mut scene);
        }
        let report = expect(&scene, &["EP02 critical vpce-logs"]);
        assert_eq!(paths(&report, "logs"), [(Way::None, Tri::Fail, Some(HopName::Endpoint))], "the name is taken, NAT gateway or not");
        let said = report.paths.iter().find(|p| p.service == "logs").and_then(|p| p.hops.first()?.detail.clone()).unwrap_or_default();
        assert!(said.contains("has no network interface"), "{said}");
    }
}

fn own_servers(scene: &mut Scene) {
    scene.region.dhcp_options[0].dhcp_configurations[0].values[0].value = text("10.9.9.9");
}

#[test]
fn forwarding_that_nobody_sees_is_unknown_at_every_egress() {
    for default in [false, true] {
        let mut scene = whole();
        own_servers(&mut scene);
        if default {
            nat(&mut scene);
        }
        let report = expect(&scene, &[]);
        let dn04 = unknowns(&report).into_iter().filter(|(r, _)| *r == "DN04").collect::<Vec<_>>();
        assert_eq!(dn04, [("DN04", Severity::Info)], "NAT gateway: {default}");
        assert!(report.complete, "no API call could tell");
    }
}

#[test]
fn with_the_resolver_off_there_is_nothing_to_forward_to() {
    let mut scene = whole();
    own_servers(&mut scene);
    scene.region.vpc_attributes[0].enable_dns_support = Some(ec2::AttributeValue { value: Some(false) });
    let report = report(&scene);
    assert!(failures(&report).contains(&"DN02 critical vpc-1".to_owned()), "{:?}", failures(&report));
    assert!(!failures(&report).iter().any(|f| f.starts_with("DN04")), "{:?}", failures(&report));
}

#[test]
fn lists_that_aws_manages_are_unknown_and_change_no_path() {
    let mut scene = whole();
    let region = &mut scene.region;
    region.firewall_associations.push(from(json!({"Id": "a", "FirewallRuleGroupId": "rslvr-frg-1", "VpcId": VPC, "Priority": 101, "Status": "COMPLETE"})));
    let rules = from(
        json!({"FirewallRules": [{"FirewallRuleGroupId": "rslvr-frg-1", "FirewallDomainListId": "rslvr-fdl-aws", "Name": "threats", "Priority": 1, "Action": "BLOCK", "BlockResponse": "NODATA"}]}),
    );
    region.firewall_rules.insert("rslvr-frg-1".to_owned(), Answer::Output(rules));
    region.firewall_domain_lists.push(from(json!({"Id": "rslvr-fdl-aws", "Name": "AWSManagedDomainsMalwareDomainList", "ManagedOwnerName": "Route 53 Resolver DNS Firewall"})));
    let report = expect(&scene, &[]);
    assert_eq!(unknowns(&report).into_iter().filter(|(r, _)| *r != "EV01").collect::<Vec<_>>(), [("DN08", Severity::Info)]);
    assert!(report.paths.iter().all(|p| p.verdict == Tri::Pass) && report.complete);
}

#[test]
fn an_unusable_endpoint_before_an_unseen_way_out_is_ep02_alone() {
    let mut scene = whole();
    default_route(&mut scene, "active", |r| r.transit_gateway_id = text("tgw-1"));
    endpoint(&mut scene, "vpce-logs").state = text("failed");
    let report = expect(&scene, &[]);
    let about = |rule: &str| report.findings.iter().find(|f| f.rule == rule).map(|f| f.verdict);
    assert_eq!((about("EP02"), about("EP09")), (Some(Verdict::Unknown), None));
}

#[test]
fn addresses_of_s3_that_were_not_seen_leave_its_way_unknown() {
    let mut scene = whole();
    scene.region.prefix_lists.clear();
    for action in [Action::DescribePrefixLists, Action::DescribeManagedPrefixLists, Action::GetManagedPrefixListEntries] {
        scene.region.completeness.0.remove(&action);
    }
    let report = expect(&scene, &[]);
    assert_eq!(paths(&report, "s3"), [(Way::GatewayEndpoint, Tri::Unknown, None)]);
    assert!(!report.complete);
}

#[test]
fn a_part_of_s3_that_an_acl_shuts_is_as_bad_as_all_of_it() {
    let mut scene = whole();
    scene.region.prefix_lists.iter_mut().for_each(|p| p.cidrs.push("16.15.176.0/20".to_owned()));
    let deny = ec2::NetworkAclEntry { rule_number: Some(10), cidr_block: text("16.15.176.0/20"), egress: Some(true), protocol: text("6"), rule_action: text("deny"), ..Default::default() };
    scene.region.network_acls[0].entries.push(ec2::NetworkAclEntry { port_range: Some(ec2::PortRange { from: Some(443), to: Some(443) }), ..deny });
    assert_eq!(paths(&expect(&scene, &["NW09 high acl-1"]), "s3"), [(Way::GatewayEndpoint, Tri::Fail, Some(HopName::SourceNaclOut))]);
}

#[test]
fn whether_a_service_takes_policies_is_part_of_the_policy_hop() {
    let mut scene = whole();
    scene.region.service_details.clear();
    scene.region.completeness.0.remove(&Action::DescribeVpcEndpointServices);
    let report = report(&scene);
    assert!(report.paths.iter().filter(|p| !p.service.starts_with("registry")).all(|p| p.verdict == Tri::Unknown), "{:?}", report.paths);
}
