use serde_json::{Value, json};

use super::*;
use crate::analysis::Tri::{self, Fail, Pass, Unknown};
use crate::inventory::{Completeness, Region, State, Status};

fn entry(number: i32, egress: bool, action: &str, protocol: &str, cidr: &str, ports: Option<(i32, i32)>) -> Value {
    let key = if cidr.contains(':') { "Ipv6CidrBlock" } else { "CidrBlock" };
    let mut entry = json!({"RuleNumber": number, "Egress": egress, "RuleAction": action, "Protocol": protocol});
    entry[key] = json!(cidr);
    if let Some((from, to)) = ports {
        entry["PortRange"] = json!({"From": from, "To": to});
    }
    entry
}

fn acl(entries: Vec<Value>) -> NetworkAcl {
    serde_json::from_value(json!({"NetworkAclId": "acl-1", "Entries": entries})).unwrap()
}

fn ask(acl: &NetworkAcl, egress: bool, remote: &str, ports: (u16, u16)) -> Decision {
    admits(acl, egress, &IpSet::parse(remote).unwrap(), &PortSet::range(ports.0, ports.1))
}

#[test]
fn the_default_acl_allows_all_of_ipv4() {
    // As AWS makes it: rule 100 allows, the asterisk denies.
    let acl = acl(vec![entry(100, true, "allow", "-1", "0.0.0.0/0", None), entry(32767, true, "deny", "-1", "0.0.0.0/0", None)]);
    let out = ask(&acl, true, "10.0.2.0/24", (443, 443));
    assert_eq!(out.verdict, Pass);
    assert_eq!(out.detail, "outbound entry 100 allows tcp 443 to 10.0.2.0/24");
    assert_eq!(out.evidence[0].source, "ec2:DescribeNetworkAcls");
    let inwards = ask(&acl, false, "10.0.2.0/24", (443, 443));
    assert_eq!(inwards.detail, "no inbound entry allows tcp 443 from 10.0.2.0/24", "the other direction has entries of its own");
    assert_eq!(ask(&acl, true, "2600::/64", (443, 443)).verdict, Fail, "and IPv6 too");
}

#[test]
fn the_lowest_number_decides_and_is_named() {
    let acl =
        acl(vec![entry(100, true, "allow", "6", "10.0.0.0/16", Some((443, 443))), entry(90, true, "deny", "6", "10.0.2.0/24", Some((0, 65535))), entry(32767, true, "deny", "-1", "0.0.0.0/0", None)]);
    let denied = ask(&acl, true, "10.0.2.0/24", (443, 443));
    assert_eq!((denied.verdict, denied.partial), (Fail, false));
    assert_eq!(denied.detail, "outbound entry 90 denies tcp 443 to 10.0.2.0/24");
    assert_eq!(ask(&acl, true, "10.0.3.0/24", (443, 443)).verdict, Pass);
    let part = ask(&acl, true, "10.0.2.0/23", (443, 443));
    assert!(part.verdict == Fail && part.partial);
    assert_eq!(part.detail, "outbound entry 90 denies tcp 443 to 10.0.2.0/24 (the rest is allowed)");
}

#[test]
fn replies_need_the_whole_ephemeral_range() {
    // facts 10.2, scene 18: Linux's range is open, Windows's only in part.
    let acl = acl(vec![entry(100, false, "allow", "6", "10.0.0.0/16", Some((32768, 60999)))]);
    assert_eq!(admits(&acl, false, &IpSet::parse("10.0.2.0/24").unwrap(), &PortSet::linux_ephemeral()).verdict, Pass);
    let windows = admits(&acl, false, &IpSet::parse("10.0.2.0/24").unwrap(), &PortSet::windows_ephemeral());
    assert!(windows.verdict == Fail && windows.partial);
    assert_eq!(windows.detail, "no inbound entry allows tcp 61000-65535 from 10.0.2.0/24 (the rest is allowed)");
}

#[test]
fn a_deny_of_one_port_after_an_allow_of_another_does_not_matter() {
    let acl = acl(vec![entry(10, true, "allow", "6", "0.0.0.0/0", Some((443, 443))), entry(20, true, "deny", "6", "0.0.0.0/0", Some((0, 65535)))]);
    assert_eq!(ask(&acl, true, "10.0.2.7", (443, 443)).verdict, Pass);
    assert!(ask(&acl, true, "10.0.2.7", (443, 444)).partial);
}

#[test]
fn other_protocols_do_not_count() {
    let acl = acl(vec![entry(10, true, "deny", "17", "0.0.0.0/0", None), entry(15, true, "deny", "1", "0.0.0.0/0", None), entry(20, true, "allow", "6", "0.0.0.0/0", None)]);
    assert_eq!(ask(&acl, true, "10.0.2.7", (443, 443)).verdict, Pass);
}

#[test]
fn what_cannot_be_read_decides_nothing() {
    let broken = json!({"RuleNumber": 50, "Egress": true, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "10.0.2.0/33"});
    let unreadable = acl(vec![broken.clone(), entry(100, true, "deny", "-1", "0.0.0.0/0", None)]);
    let decision = ask(&unreadable, true, "10.0.2.0/24", (443, 443));
    assert_eq!(decision.verdict, Unknown);
    assert_eq!(decision.unseen.into_iter().collect::<Vec<_>>(), [Unseen::Elsewhere("entry 50 of acl-1".to_owned())]);
    // An earlier entry decides before it.
    assert_eq!(ask(&acl(vec![entry(10, true, "deny", "-1", "10.0.0.0/8", None), broken.clone()]), true, "10.0.2.0/24", (443, 443)).verdict, Fail);
    assert_eq!(ask(&acl(vec![entry(10, true, "allow", "-1", "10.0.0.0/8", None), broken]), true, "10.0.2.0/24", (443, 443)).verdict, Pass);
    // Where a part is denied for sure, the rest does not matter.
    let both = acl(vec![entry(10, true, "deny", "-1", "10.0.2.0/25", None), json!({"RuleNumber": 20, "Egress": true, "Protocol": "6", "CidrBlock": "10.0.0.0/8"})]);
    assert_eq!(ask(&both, true, "10.0.2.0/24", (443, 443)).verdict, Fail);
}

#[test]
fn an_empty_question_is_not_a_pass() {
    let open = acl(vec![entry(1, true, "allow", "-1", "0.0.0.0/0", None)]);
    assert_eq!(admits(&open, true, &IpSet::empty(), &PortSet::port(443)).verdict, Unknown);
    assert_eq!(admits(&open, true, &IpSet::parse("10.0.0.0/8").unwrap(), &PortSet::range(2, 1)).verdict, Unknown);
}

#[test]
fn the_acl_of_a_subnet() {
    let mut region = Region { completeness: Completeness(Action::ALL.iter().map(|a| (*a, Status::complete())).collect()), ..Region::default() };
    region.subnets = serde_json::from_value(json!([{"SubnetId": "subnet-1", "VpcId": "vpc-1"}, {"SubnetId": "subnet-2", "VpcId": "vpc-1"}, {"SubnetId": "subnet-3", "VpcId": "vpc-2"}])).unwrap();
    region.network_acls = serde_json::from_value(json!([
        {"NetworkAclId": "acl-own", "VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-1"}]}, {"NetworkAclId": "acl-default", "VpcId": "vpc-1", "IsDefault": true}]))
    .unwrap();
    let found = |region: &Region, subnet: &str| acl_of(&Index::new(region), subnet).map(|a| a.network_acl_id.clone());
    let unseen = Err(Unseen::Action(Action::DescribeNetworkAcls));
    assert_eq!(found(&region, "subnet-1"), Ok("acl-own".to_owned()));
    assert_eq!(found(&region, "subnet-2"), Ok("acl-default".to_owned()));
    assert_eq!(found(&region, "subnet-3"), unseen);
    assert_eq!(found(&region, "subnet-9"), unseen);
    // A list that was cut off: what it names counts, what it does not name is not known.
    region.completeness.record(Action::DescribeNetworkAcls, Status::of(State::Partial, "cut off"));
    assert_eq!(found(&region, "subnet-1"), Ok("acl-own".to_owned()));
    assert_eq!(found(&region, "subnet-2"), unseen);
    let tri: Tri = ask(&region.network_acls[0], true, "10.0.0.1", (443, 443)).verdict;
    assert_eq!(tri, Fail, "an ACL without entries denies");
}
