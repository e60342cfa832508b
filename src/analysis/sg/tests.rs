use serde_json::{Value, json};

use super::*;
use crate::analysis::Tri;
use crate::inventory::{Completeness, Region, State, Status};

/// A region with these groups; everything else was answered in full, and is empty.
fn region(groups: Value) -> Region {
    let completeness = Completeness(Action::ALL.iter().map(|a| (*a, Status::complete())).collect());
    Region { region: "us-east-2".into(), account: "111122223333".into(), completeness, security_groups: serde_json::from_value(groups).unwrap(), ..Region::default() }
}

fn ask(region: &Region, groups: &[&str], direction: Direction, peer: &[&str], carried: &[&str]) -> GroupAnswer {
    let addresses = IpSet::parse_all(peer.iter().copied()).unwrap();
    let carried = carried.iter().map(|g| (*g).to_owned()).collect();
    let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
    admits(&Index::new(region), &groups, direction, &Peer { addresses: &addresses, groups: &carried, prefix_list: None }, 443)
}

fn ingress(rule: &Value) -> Region {
    region(json!([{"GroupId": "sg-1", "IpPermissions": [rule]}]))
}

#[test]
fn the_usual_rule_passes_and_says_why() {
    let region = ingress(&json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}));
    let answer = ask(&region, &["sg-1"], Direction::Ingress, &["10.0.1.0/24"], &[]);
    assert_eq!(answer.decision.verdict, Tri::Pass);
    assert_eq!(answer.decision.object.as_deref(), Some("sg-1"));
    assert_eq!(answer.decision.detail, "sg-1 admits tcp 443 from 10.0.0.0/16");
    assert_eq!(answer.decision.evidence[0].source, "ec2:DescribeSecurityGroups");
    assert_eq!(answer.decision.evidence[0].field.as_deref(), Some("IpPermissions"));
}

#[test]
fn no_rule_at_all_closes_both_directions() {
    // A group whose outbound rules were all removed lets nothing out.
    let region = region(json!([{"GroupId": "sg-2"}, {"GroupId": "sg-1"}]));
    for (direction, word) in [(Direction::Ingress, "from"), (Direction::Egress, "to")] {
        let answer = ask(&region, &["sg-2", "sg-1"], direction, &["10.0.1.0/24"], &[]);
        assert_eq!((answer.decision.verdict, answer.decision.partial), (Tri::Fail, false));
        assert_eq!(answer.decision.object.as_deref(), Some("sg-1"), "the first, whatever the order");
        assert_eq!(answer.decision.detail, format!("no rule of sg-1, sg-2 admits tcp 443 {word} 10.0.1.0/24"));
        assert_eq!(answer.decision.evidence.len(), 2);
    }
}

#[test]
fn groups_are_joined() {
    // Each admits one half; together they admit the subnet.
    let half = |id: &str, cidr: &str| json!({"GroupId": id, "IpPermissions": [{"IpProtocol": "6", "FromPort": 400, "ToPort": 500, "IpRanges": [{"CidrIp": cidr}]}]});
    let region = region(json!([half("sg-1", "10.0.1.0/25"), half("sg-2", "10.0.1.128/25")]));
    assert_eq!(ask(&region, &["sg-1", "sg-2"], Direction::Ingress, &["10.0.1.0/24"], &[]).decision.verdict, Tri::Pass);
    let one = ask(&region, &["sg-1"], Direction::Ingress, &["10.0.1.0/24"], &[]);
    assert!(one.decision.verdict == Tri::Fail && one.decision.partial);
    assert_eq!(one.admitted, IpSet::parse("10.0.1.0/25").unwrap());
    assert_eq!(one.decision.detail, "sg-1 admits tcp 443 from 10.0.1.0/25, but not from 10.0.1.128/25");
}

#[test]
fn protocols_and_ports() {
    let all = |extra: Value| {
        let mut rule = json!({"IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
        rule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ask(&ingress(&rule), &["sg-1"], Direction::Ingress, &["10.0.1.4"], &[]).decision.verdict
    };
    use Tri::{Fail, Pass, Unknown};
    assert_eq!(all(json!({"IpProtocol": "-1"})), Pass);
    // For all protocols the ports do not count.
    assert_eq!(all(json!({"IpProtocol": "-1", "FromPort": 80, "ToPort": 80})), Pass);
    assert_eq!(all(json!({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535})), Pass);
    assert_eq!(all(json!({"IpProtocol": "tcp", "FromPort": -1, "ToPort": -1})), Pass);
    assert_eq!(all(json!({"IpProtocol": "TCP", "FromPort": 443, "ToPort": 443})), Pass);
    assert_eq!(all(json!({"IpProtocol": "tcp", "FromPort": 444, "ToPort": 65535})), Fail);
    assert_eq!(all(json!({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 442})), Fail);
    assert_eq!(all(json!({"IpProtocol": "udp", "FromPort": 443, "ToPort": 443})), Fail);
    assert_eq!(all(json!({"IpProtocol": "17", "FromPort": 443, "ToPort": 443})), Fail);
    assert_eq!(all(json!({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1})), Fail);
    assert_eq!(all(json!({"IpProtocol": "50"})), Fail);
    assert_eq!(all(json!({"FromPort": 443, "ToPort": 443})), Unknown);
    assert_eq!(all(json!({"IpProtocol": "tcp", "FromPort": 443})), Unknown);
}

#[test]
fn references_match_the_groups_of_the_peer_alone() {
    let pair = |extra: Value| {
        let mut pair = json!({"GroupId": "sg-app", "UserId": "111122223333"});
        pair.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        ingress(&json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [pair]}))
    };
    use Tri::{Fail, Pass, Unknown};
    let plain = pair(json!({}));
    assert_eq!(ask(&plain, &["sg-1"], Direction::Ingress, &["10.0.1.4"], &["sg-app", "sg-other"]).decision.verdict, Pass);
    assert_eq!(ask(&plain, &["sg-1"], Direction::Ingress, &["10.0.1.4"], &["sg-other"]).decision.verdict, Fail);
    // Behind a NAT gateway the peer's groups are lost.
    let nat = ask(&plain, &["sg-1"], Direction::Ingress, &["10.0.1.4"], &[]);
    assert_eq!(nat.decision.verdict, Fail);
    assert_eq!(nat.references, BTreeSet::from(["sg-app".to_owned()]));
    // Across a peering connection, as long as that is there.
    let peered = |status: &str| pair(json!({"VpcPeeringConnectionId": "pcx-1", "PeeringStatus": status, "VpcId": "vpc-2", "UserId": "999999999999"}));
    assert_eq!(ask(&peered("active"), &["sg-1"], Direction::Ingress, &["10.9.1.4"], &["sg-app"]).decision.verdict, Pass);
    assert_eq!(ask(&peered("deleted"), &["sg-1"], Direction::Ingress, &["10.9.1.4"], &["sg-app"]).decision.verdict, Fail, "a stale rule");
    // Ids are unique: groups that were seen and are others decide, of whatever account the rule speaks.
    assert_eq!(ask(&peered("active"), &["sg-1"], Direction::Ingress, &["10.9.1.4"], &["sg-other"]).decision.verdict, Fail);
    assert_eq!(ask(&peered("active"), &["sg-1"], Direction::Ingress, &["10.9.1.4"], &[]).decision.verdict, Unknown);
}

#[test]
fn groups_that_were_not_seen_are_unknown_unless_a_seen_one_admits() {
    let mut region = ingress(&json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.1.0/24"}]}));
    let answer = ask(&region, &["sg-1", "sg-foreign"], Direction::Ingress, &["10.0.1.0/24"], &[]);
    assert_eq!(answer.decision.verdict, Tri::Pass);
    let answer = ask(&region, &["sg-1", "sg-foreign"], Direction::Ingress, &["10.0.0.0/23"], &[]);
    assert_eq!(answer.decision.verdict, Tri::Unknown);
    assert_eq!(answer.decision.object.as_deref(), Some("sg-foreign"));
    assert!(matches!(answer.decision.unseen.first(), Some(Unseen::Elsewhere(d)) if d.contains("sg-foreign")), "listed in full: it belongs to another account");
    region.completeness.record(Action::DescribeSecurityGroups, Status::of(State::Missing, "UnauthorizedOperation"));
    let answer = ask(&region, &["sg-foreign"], Direction::Ingress, &["10.0.0.0/23"], &[]);
    assert_eq!(answer.decision.unseen, BTreeSet::from([Unseen::Action(Action::DescribeSecurityGroups)]));
    assert_eq!(ask(&region, &[], Direction::Ingress, &["10.0.0.0/23"], &[]).decision.verdict, Tri::Unknown, "no interface is without a group");
    assert_eq!(ask(&region, &["sg-1"], Direction::Ingress, &[], &[]).decision.verdict, Tri::Unknown, "nothing was asked about");
}

fn list_rule(cidrs: &[&str], lists: &[&str]) -> Value {
    json!({"GroupId": "sg-1", "IpPermissionsEgress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
        "IpRanges": cidrs.iter().map(|c| json!({"CidrIp": c})).collect::<Vec<_>>(), "PrefixListIds": lists.iter().map(|l| json!({"PrefixListId": l})).collect::<Vec<_>>()}]})
}

#[test]
fn prefix_lists_are_expanded() {
    use Tri::{Fail, Pass, Unknown};
    let mut region = region(json!([list_rule(&[], &["pl-own"])]));
    let out = |region: &Region, peer: &[&str]| ask(region, &["sg-1"], Direction::Egress, peer, &[]).decision;
    let unseen = out(&region, &["10.0.1.4"]);
    assert_eq!(unseen.verdict, Unknown);
    assert_eq!(unseen.unseen, BTreeSet::from([Unseen::Action(Action::GetManagedPrefixListEntries)]));
    region.prefix_list_entries.insert("pl-own".into(), crate::inventory::Answer::Output(serde_json::from_value(json!({"Entries": [{"Cidr": "10.0.0.0/16"}]})).unwrap()));
    assert_eq!(out(&region, &["10.0.1.4"]).verdict, Pass);
    assert_eq!(out(&region, &["10.1.0.4"]).verdict, Fail);
}

#[test]
fn an_unseen_list_of_s3_is_no_doubt_about_a_private_address() {
    // The one rule names S3's list, whose entries were not seen: towards an endpoint's interface it surely does not help.
    let mut region = region(json!([list_rule(&[], &["pl-s3"])]));
    region.managed_prefix_lists = serde_json::from_value(json!([{"PrefixListId": "pl-s3", "PrefixListName": "com.amazonaws.us-east-2.s3", "AddressFamily": "IPv4"}])).unwrap();
    assert_eq!(ask(&region, &["sg-1"], Direction::Egress, &["10.0.1.4"], &[]).decision.verdict, Tri::Fail);
    assert_eq!(ask(&region, &["sg-1"], Direction::Egress, &["52.219.80.1"], &[]).decision.verdict, Tri::Unknown);
}

#[test]
fn towards_a_list_its_name_or_its_ranges_must_be_admitted() {
    use Tri::{Fail, Pass, Unknown};
    let to_s3 = |rule: Value, entries: &[&str]| {
        let region = region(json!([rule]));
        let addresses = IpSet::parse_all(entries.iter().copied()).unwrap();
        admits(&Index::new(&region), &["sg-1".to_owned()], Direction::Egress, &Peer { addresses: &addresses, groups: &BTreeSet::new(), prefix_list: Some("pl-s3") }, 443).decision
    };
    let ranges = ["52.219.80.0/20", "3.5.128.0/22"];
    assert_eq!(to_s3(list_rule(&[], &["pl-s3"]), &ranges).verdict, Pass);
    assert_eq!(to_s3(list_rule(&["0.0.0.0/0"], &[]), &ranges).verdict, Pass);
    // Guardbench's case: egress to the VPC alone leaves S3 out.
    assert_eq!(to_s3(list_rule(&["10.0.0.0/16"], &[]), &ranges).verdict, Fail);
    let part = to_s3(list_rule(&["52.0.0.0/8"], &[]), &ranges);
    assert!(part.verdict == Fail && part.partial);
    // The entries were not seen: by name, or by all of public space, or not to be told.
    assert_eq!(to_s3(list_rule(&[], &["pl-s3"]), &[]).verdict, Pass);
    assert_eq!(to_s3(list_rule(&["0.0.0.0/0"], &[]), &[]).verdict, Pass);
    assert_eq!(to_s3(list_rule(&["10.0.0.0/16"], &[]), &[]).verdict, Fail, "no public address is admitted, so none of the list's");
    let open = to_s3(list_rule(&["52.0.0.0/8"], &[]), &[]);
    assert_eq!(open.verdict, Unknown);
    assert_eq!(open.unseen, BTreeSet::from([Unseen::Action(Action::GetManagedPrefixListEntries)]));
}

#[test]
fn ipv6_peers_need_ipv6_ranges() {
    let rule = json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "2600:1f16::/56"}]});
    let region = ingress(&rule);
    assert_eq!(ask(&region, &["sg-1"], Direction::Ingress, &["10.0.1.4", "2600:1f16::5"], &[]).decision.verdict, Tri::Pass);
    let other = ask(&region, &["sg-1"], Direction::Ingress, &["10.0.1.4", "2600:1f17::5"], &[]).decision;
    assert!(other.verdict == Tri::Fail && other.partial);
}

#[test]
fn two_doubts_may_be_one_answer() {
    // Neither of two unseen lists could admit both families, but the two together could.
    let mut region = region(json!([list_rule(&[], &["pl-four", "pl-six"])]));
    region.managed_prefix_lists = serde_json::from_value(json!([{"PrefixListId": "pl-four", "AddressFamily": "IPv4"}, {"PrefixListId": "pl-six", "AddressFamily": "IPv6"}])).unwrap();
    assert_eq!(ask(&region, &["sg-1"], Direction::Egress, &["10.0.1.4", "2600::1"], &[]).decision.verdict, Tri::Unknown);
    region.managed_prefix_lists.pop();
    region.security_groups[0].ip_permissions_egress[0].prefix_list_ids.pop();
    assert_eq!(ask(&region, &["sg-1"], Direction::Egress, &["10.0.1.4", "2600::1"], &[]).decision.verdict, Tri::Fail, "IPv6 is closed whatever the list holds");
}
