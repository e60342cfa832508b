//! Private DNS of endpoints, the attributes of the VPC, rules, firewall, Profiles.

use serde_json::json;

use super::super::{Families, NameTarget, duplicates, known_endpoints, record_families, resolve};
use super::world::{World, own_name, short};

/// `vpc-a` with an endpoint of `ecs`.
fn ecs() -> World {
    World::new().endpoint("vpce-1", "vpc-a", "ecs", &["10.0.1.5", "10.0.2.5"])
}

#[test]
fn private_dns_captures_the_name_for_the_vpc() {
    assert_eq!(ecs().says("ecs", "ecs"), "endpoint vpce-1");
    assert_eq!(ecs().says("ecs-a", "ecs-agent"), "public", "a service without endpoint or zone is not a matter of names");
    assert_eq!(ecs().vpc("vpc-b", "10.1.0.0/16").resolve("vpc-b", &super::world::full("ecs"), "ecs", Families::V4).only().map(|a| a.target.clone()), Some(NameTarget::Public), "only in its own VPC");
}

#[test]
fn without_private_dns_the_endpoint_is_passed_by() {
    let world = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &["10.0.1.5"], json!({"PrivateDnsEnabled": false}));
    assert_eq!(world.says("ecs", "ecs"), "public [DN01 vpce-1]");
    let names = world.resolve("vpc-a", &super::world::full("ecs"), "ecs", Families::V4);
    assert_eq!(names.object.as_deref(), Some("vpce-1"));
    assert_eq!(names.answers.iter().flat_map(|a| &a.evidence).map(|e| e.field.as_deref().unwrap_or_default()).collect::<Vec<_>>(), ["PrivateDnsEnabled"]);
}

#[test]
fn of_two_endpoints_the_one_with_private_dns_wins() {
    let world = ecs().endpoint_with("vpce-0", "vpc-a", "ecs", &["10.0.3.5"], json!({"PrivateDnsEnabled": false}));
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1");
    let found = world.with(|view| duplicates(view, "vpc-a"));
    assert_eq!(found.iter().map(|d| (d.service.as_str(), d.selected.as_slice(), d.others.as_slice())).collect::<Vec<_>>(), [("ecs", &["vpce-1".to_owned()][..], &["vpce-0".to_owned()][..])]);
    assert!(ecs().with(|view| duplicates(view, "vpc-a")).is_empty());
}

#[test]
fn an_endpoint_that_is_not_up_takes_no_name() {
    for state in ["pendingAcceptance", "Pending", "failed", "rejected", "deleting", "deleted", "expired"] {
        let world = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"State": state}));
        assert_eq!(world.says("ecs", "ecs"), "public", "{state}: the rule on endpoint states owns it");
    }
    assert_eq!(World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"State": "Available"})).says("ecs", "ecs"), "endpoint vpce-1", "states compare without case");
    assert_eq!(World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"State": "partial"})).says("ecs", "ecs"), "endpoint vpce-1", "some of its interfaces serve");
    let strange = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"State": "recovering"}));
    assert_eq!(strange.says("ecs", "ecs"), "endpoint vpce-1 | public", "a state of which nothing is known leaves both");
    assert_eq!(strange.unseen("ecs", "ecs"), ["what the state \"recovering\" of vpce-1 means"]);
}

#[test]
fn names_come_from_the_endpoint_then_from_the_service_then_from_the_pages() {
    let entries = |names: &[&str]| json!({"DnsEntries": names.iter().map(|n| json!({"DnsName": n})).collect::<Vec<_>>()});
    let own = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], entries(&[&own_name("vpce-1", "ecs"), "ecs.us-east-2.amazonaws.com", "ecs.us-east-2.api.aws"]));
    assert_eq!(own.says("ecs", "ecs"), "endpoint vpce-1");
    assert_eq!(own.says("ecs.us-east-2.api.aws.", "ecs"), "endpoint vpce-1", "a second name that the endpoint lists");
    assert_eq!(own.says("ecs-fips", "ecs"), "public [DN03 vpce-1]", "a name of the service that it does not list");

    let mut listed = ecs();
    listed.region.service_details.push(serde_json::from_value(json!({"ServiceName": "com.amazonaws.us-east-2.ecs", "PrivateDnsNames": [{"PrivateDnsName": "ecs.us-east-2.amazonaws.com"}]})).unwrap());
    assert_eq!(listed.says("ecs", "ecs"), "endpoint vpce-1");
    assert_eq!(listed.says("ecs.us-east-2.api.aws.", "ecs"), "public [DN03 vpce-1]");

    assert_eq!(ecs().says("ecs.us-east-2.api.aws.", "ecs"), "endpoint vpce-1 | public", "neither list was seen, so the endpoint may have the name");
    assert_eq!(ecs().unseen("ecs.us-east-2.api.aws.", "ecs"), ["ec2:DescribeVpcEndpointServices"]);
}

#[test]
fn the_wildcard_of_ecr_is_one_label() {
    let world =
        World::new().endpoint_with("vpce-1", "vpc-a", "ecr.dkr", &[], json!({"DnsEntries": [{"DnsName": "dkr.ecr.us-east-2.amazonaws.com"}, {"DnsName": "*.dkr.ecr.us-east-2.amazonaws.com"}]}));
    assert_eq!(world.says("111122223333.dkr.ecr", "ecr.dkr"), "endpoint vpce-1");
    assert_eq!(world.says("dkr.ecr", "ecr.dkr"), "endpoint vpce-1");
    assert_eq!(world.says("a.111122223333.dkr.ecr", "ecr.dkr"), "public [DN03 vpce-1]");
    assert_eq!(world.says("111122223333.dkr-ecr.us-east-2.on.aws.", "ecr.dkr"), "public [DN03 vpce-1]", "the dual-stack host is another name");
}

#[test]
fn an_endpoint_of_another_region_is_none() {
    let world = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"ServiceName": "com.amazonaws.us-west-2.ecs", "PrivateDnsEnabled": false}));
    assert_eq!(world.says("ecs", "ecs"), "public", "nothing here stands for the name, so no DNS rule owns it");
    let across = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"ServiceRegion": "us-west-2"}));
    assert_eq!(across.says("ecs-fips", "ecs"), "public");
}

#[test]
fn private_dns_that_was_not_told_is_read_from_the_entries() {
    let silent = |entries: serde_json::Value| World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"PrivateDnsEnabled": null, "DnsEntries": entries}));
    assert_eq!(silent(json!([{"DnsName": own_name("vpce-1", "ecs")}, {"DnsName": "ecs.us-east-2.amazonaws.com"}])).says("ecs", "ecs"), "endpoint vpce-1");
    assert_eq!(silent(json!([{"DnsName": own_name("vpce-1", "ecs")}])).says("ecs", "ecs"), "public [DN01 vpce-1]");
    assert_eq!(silent(json!([])).says("ecs", "ecs"), "endpoint vpce-1 | public");
}

#[test]
fn an_s3_interface_endpoint_is_judged_with_the_gateway() {
    let s3 = |fields: serde_json::Value| World::new().endpoint_with("vpce-1", "vpc-a", "s3", &[], fields);
    let host = "prod-us-east-2-starport-layer-bucket.s3";
    assert_eq!(s3(json!({})).says(host, "s3"), "endpoint vpce-1");
    assert_eq!(s3(json!({"PrivateDnsEnabled": false})).says(host, "s3"), "public");
    let inbound_only = s3(json!({"DnsOptions": {"PrivateDnsOnlyForInboundResolverEndpoint": true}}));
    assert_eq!(inbound_only.says(host, "s3"), "public", "inside the VPC the name stays public, for the gateway endpoint to take");
    assert_eq!(s3(json!({})).attributes("vpc-a", Some(true), Some(false)).says(host, "s3"), "public [DN02 vpc-a]");
}

#[test]
fn an_endpoint_of_a_kind_that_is_not_modelled_leaves_its_names_open() {
    let resource = |name: &str| World::new().endpoint_with("vpce-1", "vpc-a", "x", &[], json!({"VpcEndpointType": "Resource", "DnsEntries": [{"DnsName": name}]}));
    assert_eq!(resource("registry.example.com").says("registry.example.com.", ""), "public | ?");
    assert_eq!(resource("db.example.com").says("registry.example.com.", ""), "public");
}

#[test]
fn attributes_switch_names_off() {
    assert_eq!(ecs().attributes("vpc-a", Some(false), Some(true)).says("ecs", "ecs"), "nothing [DN02 vpc-a]", "no resolver at all");
    assert_eq!(ecs().attributes("vpc-a", Some(false), Some(true)).says("docker.io.", ""), "nothing [DN02 vpc-a]", "for public names either");
    assert_eq!(ecs().attributes("vpc-a", Some(true), Some(false)).says("ecs", "ecs"), "public [DN02 vpc-a]", "private DNS needs both");
    assert_eq!(ecs().attributes("vpc-a", Some(true), Some(false)).says("logs", "logs"), "public", "nothing was lost for a service without an endpoint");
    let zone = World::new().zone("Z1", "ecs.us-east-2.amazonaws.com", &["vpc-a"], &[]);
    assert_eq!(zone.attributes("vpc-a", Some(true), Some(false)).says("ecs", "ecs"), "public [DN02 vpc-a]", "private zones need both as well, also one without the record");
    let off = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"PrivateDnsEnabled": false}));
    assert_eq!(off.attributes("vpc-a", Some(true), Some(false)).says("ecs", "ecs"), "public [DN01 vpce-1]", "the attribute alone would not mend it");
}

#[test]
fn attributes_that_were_not_seen_leave_both_answers() {
    let world = ecs().attributes("vpc-a", None, Some(true));
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1 | nothing [DN02 vpc-a]");
    assert_eq!(world.unseen("ecs", "ecs"), ["ec2:DescribeVpcAttribute"]);
    assert_eq!(ecs().attributes("vpc-a", Some(true), None).says("ecs", "ecs"), "endpoint vpce-1 | public [DN02 vpc-a]");
    assert_eq!(ecs().attributes("vpc-a", Some(false), None).says("ecs", "ecs"), "nothing [DN02 vpc-a]", "the other attribute cannot help");
    assert_eq!(World::new().attributes("vpc-a", Some(true), None).says("ecs", "ecs"), "public", "nothing to lose");
}

#[test]
fn a_less_specific_forward_rule_leaves_the_endpoint_alone() {
    for domain in ["", "com", "amazonaws.com", "us-east-2.amazonaws.com"] {
        let world = ecs().rule("rslvr-rr-1", "vpc-a", domain, "FORWARD", &["192.168.0.53"]);
        assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1", "{domain}");
    }
}

#[test]
fn a_forward_rule_for_the_very_name_beats_endpoint_and_zone() {
    let rule = |world: World| world.rule("rslvr-rr-1", "vpc-a", "ecs.us-east-2.amazonaws.com", "FORWARD", &["192.168.0.53"]);
    assert_eq!(rule(ecs()).says("ecs", "ecs"), "endpoint vpce-1 | public [DN08 vpc-a]", "where the server forwards was not seen: it may come back");
    assert_eq!(rule(ecs()).unseen("ecs", "ecs"), ["where the server 192.168.0.53 of Resolver rule rslvr-rr-1 forwards names of AWS"]);
    let zone = World::new().zone("Z1", "ecs.us-east-2.amazonaws.com", &["vpc-a"], &[]);
    assert_eq!(rule(zone).says("ecs", "ecs"), "public [DN08 vpc-a] | nothing [DN07 Z1]");
    assert_eq!(rule(World::new()).says("ecs", "ecs"), "public", "no endpoint that it could come back to");
}

#[test]
fn a_forward_rule_above_a_name_without_a_zone_decides_it() {
    let world = World::new().rule("rslvr-rr-1", "vpc-a", "amazonaws.com", "FORWARD", &["192.168.0.53"]);
    assert_eq!(world.says("ecs", "ecs"), "public");
    assert_eq!(world.unseen("ecs", "ecs").len(), 1, "though what the server answers was not seen");
    let hub = world.vpc("vpc-hub", "10.1.0.0/16").endpoint("vpce-h", "vpc-hub", "ecs", &["10.1.0.5"]);
    assert_eq!(hub.says("ecs", "ecs"), "public", "an endpoint in a VPC that this one is not joined to");
    assert_eq!(hub.peering("vpc-a", "vpc-hub", super::world::ACCOUNT).says("ecs", "ecs"), "remote vpce-h | public", "the server may lead to an endpoint that this VPC can reach");
}

#[test]
fn a_forward_rule_to_an_inbound_endpoint_is_answered_there() {
    let hub = |world: World| {
        world.vpc("vpc-hub", "10.1.0.0/16").resolver_endpoint("rslvr-in", "vpc-hub", "INBOUND", &["10.1.0.10", "10.1.1.10"]).resolver_endpoint("rslvr-out", "vpc-hub", "OUTBOUND", &["10.1.0.20"])
    };
    let rule = |world: World, targets: &[&str]| hub(world).rule("rslvr-rr-1", "vpc-a", "us-east-2.amazonaws.com", "FORWARD", targets);
    let served = rule(World::new(), &["10.1.0.10", "10.1.1.10"]).endpoint("vpce-h", "vpc-hub", "ecs", &["10.1.0.5"]);
    assert_eq!(served.says("ecs", "ecs"), "remote vpce-h");
    assert_eq!(served.with(|v| known_endpoints(v, "vpc-a", "ecs")).into_iter().collect::<Vec<_>>(), ["vpce-h"]);
    assert_eq!(rule(World::new(), &["10.1.0.10"]).says("ecs", "ecs"), "public", "the hub has no endpoint either");
    let mixed = rule(World::new(), &["10.1.0.10", "192.168.0.53"]).endpoint("vpce-h", "vpc-hub", "ecs", &[]);
    assert_eq!(mixed.says("ecs", "ecs"), "remote vpce-h | public", "the second server was not seen; without it the name is public here");
    let own = rule(World::new(), &["10.1.0.2"]).endpoint("vpce-h", "vpc-hub", "ecs", &[]);
    assert_eq!(own.says("ecs", "ecs"), "remote vpce-h", "two above the base of the outbound endpoint's VPC is Amazon's resolver of it");
    let s3 = rule(World::new(), &["10.1.0.10"]).endpoint_with("vpce-h", "vpc-hub", "s3", &[], json!({"DnsOptions": {"PrivateDnsOnlyForInboundResolverEndpoint": true}}));
    assert_eq!(s3.says("s3", "s3"), "remote vpce-h", "the query came in over a Resolver endpoint");
    let off = rule(World::new(), &["10.1.0.10"]).endpoint("vpce-h", "vpc-hub", "ecs", &[]).attributes("vpc-hub", Some(true), Some(false));
    assert_eq!(off.says("ecs", "ecs"), "public [DN02 vpc-hub]", "the hub's attributes count where the hub answers");
}

#[test]
fn an_inbound_endpoint_of_an_unseen_vpc_is_any_server() {
    let world = World::new().resolver_endpoint("rslvr-in", "vpc-gone", "INBOUND", &["10.1.0.10"]).rule("rslvr-rr-1", "vpc-a", "ecs.us-east-2.amazonaws.com", "FORWARD", &["10.1.0.10"]);
    assert_eq!(world.says("ecs", "ecs"), "public");
    assert_eq!(world.unseen("ecs", "ecs").len(), 1);
}

#[test]
fn rules_that_send_a_query_round_settle_nothing() {
    let world = ecs().resolver_endpoint("rslvr-in", "vpc-a", "INBOUND", &["10.0.0.10"]).rule("rslvr-rr-1", "vpc-a", "ecs.us-east-2.amazonaws.com", "FORWARD", &["10.0.0.10"]);
    assert_eq!(world.says("ecs", "ecs"), "nothing [DN08 vpc-a] | ?");
}

#[test]
fn system_rules_restore_amazons_resolution() {
    let world = ecs().rule("rslvr-rr-1", "vpc-a", "us-east-2.amazonaws.com", "FORWARD", &["192.168.0.53"]).rule("rslvr-rr-2", "vpc-a", "logs.us-east-2.amazonaws.com", "SYSTEM", &[]);
    assert_eq!(world.says("logs", "logs"), "public");
    assert!(world.unseen("logs", "logs").is_empty(), "Amazon's own answer, for certain");
    assert!(!world.unseen("ssm", "ssm").is_empty(), "while its sibling is forwarded");
    let autodefined = {
        let mut world = ecs();
        world.region.resolver_rule_associations.push(serde_json::from_value(json!({"ResolverRuleId": "rslvr-autodefined-rr-internet-resolver", "VPCId": "vpc-a"})).unwrap());
        world.rule("rslvr-rr-3", "vpc-a", "", "RECURSIVE", &[])
    };
    assert_eq!(autodefined.says("logs", "logs"), "public", "Amazon's own rule changes nothing");
}

#[test]
fn a_rule_that_is_not_in_force_for_certain_leaves_both() {
    let mut world = ecs().rule("rslvr-rr-1", "vpc-a", "ecs.us-east-2.amazonaws.com", "FORWARD", &["192.168.0.53"]);
    world.region.resolver_rule_associations.iter_mut().for_each(|a| a.status = Some("DELETING".into()));
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1 | public [DN08 vpc-a]");
    let delegate = ecs().rule("rslvr-rr-1", "vpc-a", "ecs.us-east-2.amazonaws.com", "DELEGATE", &[]);
    assert_eq!(delegate.says("ecs", "ecs"), "endpoint vpce-1 | ?", "where it leads was not seen");
}

#[test]
fn rules_of_other_vpcs_do_nothing() {
    let world = ecs()
        .vpc("vpc-b", "10.1.0.0/16")
        .rule("rslvr-rr-1", "vpc-b", "ecs.us-east-2.amazonaws.com", "FORWARD", &["192.168.0.53"])
        .firewall("g", "vpc-b", 1, &[(1, "BLOCK", &["*"])])
        .profile("rp-1", "vpc-b");
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1");
    assert!(world.unseen("ecs", "ecs").is_empty());
}

#[test]
fn the_firewall_blocks_names_of_endpoints_too() {
    let wall = |rules: &[(i32, &str, &[&str])]| ecs().firewall("g1", "vpc-a", 100, rules);
    assert_eq!(wall(&[(1, "BLOCK", &["*.amazonaws.com"])]).says("ecs", "ecs"), "nothing [DN08 vpc-a]");
    assert_eq!(wall(&[(1, "ALLOW", &["*.us-east-2.amazonaws.com"]), (2, "BLOCK", &["*"])]).says("ecs", "ecs"), "endpoint vpce-1", "an earlier ALLOW settles it");
    assert_eq!(wall(&[(2, "ALLOW", &["*.us-east-2.amazonaws.com"]), (1, "BLOCK", &["*"])]).says("ecs", "ecs"), "nothing [DN08 vpc-a]", "priority, not order, counts");
    assert_eq!(wall(&[(1, "ALERT", &["*"]), (2, "BLOCK", &["*"])]).says("ecs", "ecs"), "endpoint vpce-1", "ALERT lets pass, and settles it");
    assert_eq!(wall(&[(1, "BLOCK", &["amazonaws.com", "logs.us-east-2.amazonaws.com"])]).says("ecs", "ecs"), "endpoint vpce-1", "an entry without a star is one name");
    let names = wall(&[(1, "BLOCK", &["*"])]).resolve("vpc-a", &super::world::full("ecs"), "ecs", Families::V4);
    assert_eq!((names.object.as_deref(), names.certain), (Some("g1"), true));
}

#[test]
fn rule_groups_go_by_their_priority_in_the_vpc() {
    let world = |first: i32, second: i32| ecs().firewall("g1", "vpc-a", first, &[(1, "BLOCK", &["*"])]).firewall("g2", "vpc-a", second, &[(1, "ALLOW", &["*.amazonaws.com"])]);
    assert_eq!(world(200, 100).says("ecs", "ecs"), "endpoint vpce-1");
    assert_eq!(world(100, 200).says("ecs", "ecs"), "nothing [DN08 vpc-a]");
}

#[test]
fn lists_that_aws_manages_hold_no_name_of_aws() {
    let mut world = ecs().firewall("g1", "vpc-a", 100, &[(1, "BLOCK", &["*"])]);
    world.region.firewall_domain_lists.iter_mut().for_each(|l| l.managed_owner_name = Some("Route 53 Resolver DNS Firewall".into()));
    world.region.firewall_domains.clear();
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1");
    assert!(world.unseen("ecs", "ecs").is_empty());
}

#[test]
fn a_firewall_rule_for_one_type_of_query_leaves_the_other() {
    let world = |qtype: &str| {
        let mut world = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"IpAddressType": "dualstack"})).firewall("g1", "vpc-a", 1, &[(1, "BLOCK", &["*"])]);
        for answer in world.region.firewall_rules.values_mut() {
            if let crate::inventory::Answer::Output(rules) = answer {
                rules.firewall_rules.iter_mut().for_each(|r| r.qtype = Some(qtype.into()));
            }
        }
        move |consumer| {
            let names = world.resolve("vpc-a", &super::world::full("ecs"), "ecs", consumer);
            (short(&names), names.answers.first().map(|a| a.records))
        }
    };
    assert_eq!(world("AAAA")(Families::V4), ("endpoint vpce-1".into(), Some(Families::BOTH)));
    assert_eq!(world("AAAA")(Families::BOTH), ("endpoint vpce-1".into(), Some(Families::V4)), "IPv4 is left");
    assert_eq!(world("AAAA")(Families::V6).0, "nothing [DN08 vpc-a]");
    assert_eq!(world("A")(Families::V4).0, "nothing [DN08 vpc-a]");
    assert_eq!(world("MX")(Families::BOTH), ("endpoint vpce-1".into(), Some(Families::BOTH)));
}

#[test]
fn a_block_of_the_one_family_that_has_records_is_the_firewalls() {
    let mut world = ecs().firewall("g1", "vpc-a", 1, &[(1, "BLOCK", &["*"])]);
    if let Some(crate::inventory::Answer::Output(rules)) = world.region.firewall_rules.get_mut("g1") {
        rules.firewall_rules.iter_mut().for_each(|r| r.qtype = Some("A".into()));
    }
    assert_eq!(short(&world.resolve("vpc-a", &super::world::full("ecs"), "ecs", Families::BOTH)), "nothing [DN08 vpc-a]", "AAAA passes and has nothing");
}

#[test]
fn profiles_bring_what_was_not_seen() {
    assert_eq!(ecs().profile("rp-1", "vpc-a").says("ecs", "ecs"), "endpoint vpce-1 | ?");
    assert_eq!(ecs().profile("rp-1", "vpc-a").unseen("ecs", "ecs"), ["what Route 53 Profile rp-1 brings to vpc-a"]);
}

#[test]
fn records_have_the_families_of_the_endpoint() {
    for (address, record, families) in [
        ("ipv4", None, Families::V4),
        ("ipv6", None, Families::V6),
        ("dualstack", None, Families::BOTH),
        ("dualstack", Some("ipv4"), Families::V4),
        ("dualstack", Some("ipv6"), Families::V6),
        ("dualstack", Some("service-defined"), Families::V4),
        ("ipv6", Some("service-defined"), Families::V6),
    ] {
        let world = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"IpAddressType": address, "DnsOptions": {"DnsRecordIpType": record}}));
        assert_eq!(record_families(&world.region.vpc_endpoints[0]), families, "{address} {record:?}");
        let names = world.with(|view| resolve(view, "vpc-a", &super::world::full("ecs"), "ecs", Families::V6));
        assert_eq!(names.answers.iter().map(|a| a.records).collect::<Vec<_>>(), [families], "the consumer's families are for the caller to compare");
    }
    let public = |host: &str| World::new().resolve("vpc-a", host, "ecs", Families::BOTH).answers[0].records;
    assert_eq!(public(&super::world::full("ecs")), Families::V4, "classic names have no IPv6");
    assert_eq!(public("ecs.us-east-2.api.aws"), Families::BOTH);
    assert_eq!(public("s3.dualstack.us-east-2.amazonaws.com"), Families::BOTH);
}
