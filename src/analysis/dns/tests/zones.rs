//! Private hosted zones.

use serde_json::{Value, json};

use super::super::{Families, known_endpoints, numbered_zones, wrongly_named_zones, zones_unseen};
use super::world::{ACCOUNT, OTHER_ACCOUNT, R, World, full, own_name, short};

/// `vpc-a` and a hub with an endpoint of `service` without private DNS.
fn hub(service: &str) -> World {
    World::new().vpc("vpc-hub", "10.1.0.0/16").endpoint_with("vpce-h", "vpc-hub", service, &["10.1.1.5", "10.1.2.5"], json!({"PrivateDnsEnabled": false}))
}

fn zone(world: World, name: &str, records: &[(&str, &str, &str)]) -> World {
    world.zone("Z1", &full(name), &["vpc-a"], records)
}

#[test]
fn an_alias_leads_to_an_endpoint_elsewhere_or_here() {
    let host = full("ecs");
    let alias = own_name("vpce-h", "ecs");
    let remote = zone(hub("ecs"), "ecs", &[(&host, "A", &alias)]);
    assert_eq!(remote.says("ecs", "ecs"), "remote vpce-h");
    assert_eq!(remote.with(|v| known_endpoints(v, "vpc-a", "ecs")).into_iter().collect::<Vec<_>>(), ["vpce-h"]);
    assert!(hub("ecs").with(|v| known_endpoints(v, "vpc-a", "ecs")).is_empty(), "an endpoint in a hub that no name leads to is none");
    let here = zone(World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &["10.0.1.5"], json!({"PrivateDnsEnabled": false})), "ecs", &[(&host, "A", &own_name("vpce-1", "ecs"))]);
    assert_eq!(here.says("ecs", "ecs"), "endpoint vpce-1", "a right zone is as good as private DNS");
}

#[test]
fn names_are_compared_without_case_and_final_dot() {
    let world = zone(hub("ecr.dkr"), "dkr.ecr", &[("\\052.DKR.ecr.us-east-2.amazonaws.com.", "A", &format!("{}.", own_name("vpce-h", "ecr.dkr").to_uppercase()))]);
    assert_eq!(world.says("111122223333.dkr.ecr", "ecr.dkr"), "remote vpce-h");
}

#[test]
fn a_zone_of_the_registry_needs_the_wildcard() {
    let alias = own_name("vpce-h", "ecr.dkr");
    let apex = full("dkr.ecr");
    let without = zone(hub("ecr.dkr"), "dkr.ecr", &[(&apex, "A", &alias)]);
    assert_eq!(without.says("111122223333.dkr.ecr", "ecr.dkr"), "nothing [DN07 Z1]");
    assert_eq!(without.says("dkr.ecr", "ecr.dkr"), "remote vpce-h");
    let with = zone(hub("ecr.dkr"), "dkr.ecr", &[(&apex, "A", &alias), (&full("*.dkr.ecr"), "A", &alias)]);
    assert_eq!(with.says("111122223333.dkr.ecr", "ecr.dkr"), "remote vpce-h");
}

#[test]
fn a_zone_above_a_name_shadows_it() {
    for name in ["amazonaws.com", "us-east-2.amazonaws.com", "ecr.us-east-2.amazonaws.com"] {
        let world = World::new().zone("Z1", name, &["vpc-a"], &[]);
        assert_eq!(world.says("api.ecr", "ecr.api"), "nothing [DN05 Z1]", "{name}: NXDOMAIN, and nobody asks the public DNS");
    }
    let own = World::new().zone("Z1", &full("api.ecr"), &["vpc-a"], &[]);
    assert_eq!(own.says("api.ecr", "ecr.api"), "nothing [DN07 Z1]", "the service's own zone, empty");
    let aside = World::new().zone("Z1", "eu-west-1.amazonaws.com", &["vpc-a"], &[]);
    assert_eq!(aside.says("api.ecr", "ecr.api"), "public");
    let endpoint = World::new().endpoint("vpce-1", "vpc-a", "ecr.api", &[]).zone("Z1", "us-east-2.amazonaws.com", &["vpc-a"], &[]);
    assert_eq!(endpoint.says("api.ecr", "ecr.api"), "endpoint vpce-1", "the endpoint's own zone is more specific");
}

#[test]
fn the_most_specific_zone_wins() {
    let alias = own_name("vpce-h", "ecs");
    let host = full("ecs");
    let world = hub("ecs").zone("Z1", R, &["vpc-a"], &[(&host, "A", "10.9.9.9")]).zone("Z2", &host, &["vpc-a"], &[(&host, "A", &alias)]);
    assert_eq!(world.says("ecs", "ecs"), "remote vpce-h");
    let registry = World::new().endpoint("vpce-1", "vpc-a", "ecr.dkr", &[]).zone("Z1", &full("111122223333.dkr.ecr"), &["vpc-a"], &[]);
    assert_eq!(registry.says("111122223333.dkr.ecr", "ecr.dkr"), "nothing [DN07 Z1]", "a zone for one registry is below the endpoint's");
    assert_eq!(registry.says("999999999999.dkr.ecr", "ecr.dkr"), "endpoint vpce-1");
    let equal = World::new().endpoint("vpce-1", "vpc-a", "ecr.dkr", &[]).zone("Z1", &full("dkr.ecr"), &["vpc-a"], &[]);
    assert_eq!(equal.says("111122223333.dkr.ecr", "ecr.dkr"), "endpoint vpce-1", "of one name the endpoint's stands");
}

#[test]
fn zones_that_services_own_are_not_the_users() {
    let world = World::new().zone_of("ZS", &full("ecs"), &["vpc-a"], json!({"OwningService": "vpc.amazonaws.com"}));
    assert_eq!(world.says("ecs", "ecs"), "public");
}

#[test]
fn zones_of_other_vpcs_do_nothing() {
    let world = hub("ecs").zone("Z1", &full("ecs"), &["vpc-hub"], &[]);
    assert_eq!(world.says("ecs", "ecs"), "public");
}

#[test]
fn addresses_stand_for_the_endpoint_that_has_them() {
    let records = |addresses: &str| zone(hub("ecs"), "ecs", &[(&full("ecs"), "A", addresses)]);
    assert_eq!(records("10.1.1.5,10.1.2.5").says("ecs", "ecs"), "remote vpce-h");
    assert_eq!(records("10.1.2.5").says("ecs", "ecs"), "remote vpce-h 10.1.2.5", "some of the interfaces alone");
    let two = hub("ecs").endpoint_with("vpce-g", "vpc-hub", "ecs", &["10.1.3.5"], json!({"PrivateDnsEnabled": false}));
    assert_eq!(zone(two, "ecs", &[(&full("ecs"), "A", "10.1.1.5,10.1.2.5,10.1.3.5")]).says("ecs", "ecs"), "remote vpce-g | remote vpce-h");
}

#[test]
fn an_address_in_overlapping_ranges_is_the_vpcs_own() {
    let world = World::new().vpc("vpc-b", "10.0.0.0/16").endpoint_with("vpce-b", "vpc-b", "ecs", &["10.0.1.5"], json!({"PrivateDnsEnabled": false})).endpoint_with(
        "vpce-1",
        "vpc-a",
        "ecs",
        &["10.0.2.5"],
        json!({"PrivateDnsEnabled": false}),
    );
    assert_eq!(zone(world.clone(), "ecs", &[(&full("ecs"), "A", "10.0.2.5")]).says("ecs", "ecs"), "endpoint vpce-1");
    assert_eq!(zone(world, "ecs", &[(&full("ecs"), "A", "10.0.1.5")]).says("ecs", "ecs"), "private 10.0.1.5 [DN07 Z1]", "vpc-b's endpoint is not where packets to this address go");
}

#[test]
fn wrong_addresses_are_the_zones_fault() {
    let records = |addresses: &str| zone(hub("ecs"), "ecs", &[(&full("ecs"), "A", addresses)]);
    assert_eq!(records("10.0.7.7").says("ecs", "ecs"), "private 10.0.7.7 [DN07 Z1]", "in the range of the VPC itself, which has no such endpoint");
    assert_eq!(records("10.1.7.7").says("ecs", "ecs"), "private 10.1.7.7 [DN07 Z1]", "in the hub's range, all of which was seen");
    assert_eq!(records("172.16.0.1").says("ecs", "ecs"), "private 172.16.0.1 [DN07 Z1]", "the endpoint of the service is known, and this is not its address");
    assert_eq!(records("10.1.1.5,10.1.7.7").says("ecs", "ecs"), "private 10.1.7.7 [DN07 Z1]", "clients take either address, and one leads nowhere");
    let nobody = zone(World::new(), "ecs", &[(&full("ecs"), "A", "172.16.0.1")]);
    assert_eq!(nobody.says("ecs", "ecs"), "private 172.16.0.1 | ?", "perhaps an endpoint of an account that was not seen");
    assert_eq!(nobody.unseen("ecs", "ecs"), ["who has the address 172.16.0.1"]);
    let joined = records("172.16.0.1").peering("vpc-a", "vpc-far", OTHER_ACCOUNT);
    assert_eq!(joined.says("ecs", "ecs"), "private 172.16.0.1 | ?", "the VPC is joined to another account's, which may have it");
    let registry = World::new().zone("Z1", "registry.example.com", &["vpc-a"], &[("registry.example.com", "A", "10.0.7.7")]);
    assert_eq!(registry.says("registry.example.com.", ""), "private 10.0.7.7", "a registry of one's own is where its zone says");
}

#[test]
fn an_endpoint_of_another_service_is_a_wrong_target() {
    let alias = own_name("vpce-h", "logs");
    assert_eq!(zone(hub("logs"), "ecs", &[(&full("ecs"), "A", &alias)]).says("ecs", "ecs"), "private 10.1.1.5 10.1.2.5 [DN07 Z1]");
    assert_eq!(zone(hub("logs"), "ecs", &[(&full("ecs"), "A", "10.1.1.5")]).says("ecs", "ecs"), "private 10.1.1.5 [DN07 Z1]");
}

#[test]
fn an_alias_to_an_endpoint_that_is_gone_is_the_zones_fault() {
    let host = full("ecs");
    let gone = own_name("vpce-gone", "ecs");
    assert_eq!(zone(World::new(), "ecs", &[(&host, "A", &gone)]).says("ecs", "ecs"), "nothing [DN07 Z1]");
    let listed = World::new().endpoint_with("vpce-gone", "vpc-a", "ecs", &[], json!({"State": "deleted", "PrivateDnsEnabled": false}));
    assert_eq!(zone(listed, "ecs", &[(&host, "A", &gone)]).says("ecs", "ecs"), "nothing [DN07 Z1]");
    let joined = zone(World::new(), "ecs", &[(&host, "A", &gone)]).peering("vpc-a", "vpc-far", OTHER_ACCOUNT);
    assert_eq!(joined.says("ecs", "ecs"), "private | ?", "it may be an endpoint of the account that the VPC is joined to");
    let mut scoped = zone(World::new(), "ecs", &[(&host, "A", &gone)]);
    scoped.region.vpc_scope = Some(["vpc-a".to_owned()].into());
    assert_eq!(scoped.says("ecs", "ecs"), "private | ?", "or of a VPC that was not asked about");
    let failed = hub("ecs");
    let mut failed = zone(failed, "ecs", &[(&host, "A", &own_name("vpce-h", "ecs"))]);
    failed.region.vpc_endpoints.iter_mut().for_each(|e| e.state = Some("failed".into()));
    assert_eq!(failed.says("ecs", "ecs"), "remote vpce-h", "an endpoint that is there in a bad state is no fault of the zone");
}

#[test]
fn a_zonal_name_leads_to_one_interface() {
    let zonal = |az: &str| zone(hub("ecs"), "ecs", &[(&full("ecs"), "A", &format!("vpce-h-0f0f-{az}.ecs.us-east-2.vpce.amazonaws.com"))]);
    assert_eq!(zonal("us-east-2b").says("ecs", "ecs"), "remote vpce-h 10.1.2.5");
    assert_eq!(zonal("us-east-2d").says("ecs", "ecs"), "nothing [DN07 Z1]", "the endpoint has no interface there, hence no such name");
}

#[test]
fn records_that_were_not_seen_leave_anything_possible() {
    let foreign = hub("ecs").zone_of("Z1", &full("ecs"), &["vpc-a"], json!({"OwningAccount": OTHER_ACCOUNT}));
    assert_eq!(foreign.says("ecs", "ecs"), "private | ?");
    assert_eq!(foreign.unseen("ecs", "ecs"), [format!("the records of hosted zone Z1, which account {OTHER_ACCOUNT} owns")]);
    let missing = hub("ecs").zone_of("/hostedzone/Z1", &full("ecs"), &["vpc-a"], json!({"OwningAccount": ACCOUNT}));
    assert_eq!(missing.unseen("ecs", "ecs"), ["route53:ListResourceRecordSets"]);
    assert_eq!(missing.clone().plain_dns().says("ecs", "ecs"), "private | ?", "the zone was seen, and takes the name: it cannot be assumed away");
    assert_eq!(missing.says("ecs-a", "ecs-agent"), "public", "a zone beside the name does not matter");
    assert_eq!(missing.with(|v| zones_unseen(v, "vpc-a")).len(), 1);
    let mut cut = zone(hub("ecs"), "ecs", &[]);
    if let Some(crate::inventory::Answer::Output(records)) = cut.region.record_sets.get_mut("Z1") {
        records.is_truncated = Some(true);
    }
    assert_eq!(cut.says("ecs", "ecs"), "nothing [DN07 Z1] | ?", "the record may be on the next page");
}

#[test]
fn a_zone_id_may_be_spelled_with_its_path() {
    let world = hub("ecs").zone_of("/hostedzone/Z1", &full("ecs"), &["vpc-a"], json!({"OwningAccount": ACCOUNT})).records(
        "Z1",
        &full("ecs"),
        vec![json!({"Name": full("ecs"), "Type": "A", "AliasTarget": {"DNSName": own_name("vpce-h", "ecs")}})],
    );
    assert_eq!(world.says("ecs", "ecs"), "remote vpce-h");
}

#[test]
fn redirections_are_followed() {
    let alias = own_name("vpce-h", "ecs");
    assert_eq!(zone(hub("ecs"), R_SHORT, &[(&full("ecs"), "CNAME", &alias)]).says("ecs", "ecs"), "remote vpce-h");
    let through = zone(hub("ecs"), R_SHORT, &[(&full("ecs"), "CNAME", &full("other")), (&full("other"), "A", &alias)]);
    assert_eq!(through.says("ecs", "ecs"), "remote vpce-h");
    let same_zone = zone(hub("ecs"), R_SHORT, &[(&full("ecs"), "A", &full("other")), (&full("other"), "A", "10.1.1.5,10.1.2.5")]);
    assert_eq!(same_zone.says("ecs", "ecs"), "remote vpce-h");
    let balancer = zone(hub("ecs"), "ecs", &[(&full("ecs"), "A", "internal-proxy-1.us-east-2.elb.amazonaws.com")]);
    assert_eq!(balancer.says("ecs", "ecs"), "private | ?", "what is behind a load balancer was not seen");
    let circle = zone(hub("ecs"), R_SHORT, &[(&full("ecs"), "CNAME", &full("other")), (&full("other"), "CNAME", &full("ecs"))]);
    assert_eq!(circle.says("ecs", "ecs"), "private | ?");
    let dead = zone(hub("ecs"), R_SHORT, &[(&full("ecs"), "CNAME", &full("other"))]);
    assert_eq!(dead.says("ecs", "ecs"), "nothing [DN05 Z1]", "the zone lacks the second name");
}

/// The region's own domain as a zone: `full` of nothing.
const R_SHORT: &str = "us-east-2.amazonaws.com.";

#[test]
fn the_firewall_looks_at_what_a_name_redirects_to() {
    let world = |redirection: Option<&str>| {
        let mut world = zone(hub("ecs"), R_SHORT, &[(&full("ecs"), "CNAME", &own_name("vpce-h", "ecs"))]).firewall("g1", "vpc-a", 1, &[(1, "ALLOW", &[&full("ecs")]), (2, "BLOCK", &["*"])]);
        if let Some(crate::inventory::Answer::Output(rules)) = world.region.firewall_rules.get_mut("g1") {
            rules.firewall_rules.iter_mut().for_each(|r| r.firewall_domain_redirection_action = redirection.map(str::to_owned));
        }
        world
    };
    assert_eq!(world(None).says("ecs", "ecs"), "nothing [DN08 vpc-a]", "the endpoint's own name is not allowed");
    assert_eq!(world(Some("TRUST_REDIRECTION_DOMAIN")).says("ecs", "ecs"), "remote vpce-h");
}

#[test]
fn routing_policies_choose_one_of_several() {
    let set = |id: &str, weight: i64, alias: &str| json!({"Name": full("ecs"), "Type": "A", "SetIdentifier": id, "Weight": weight, "AliasTarget": {"DNSName": alias}});
    let sets = |a: i64, b: i64| vec![set("1", a, &own_name("vpce-h", "ecs")), set("2", b, &own_name("vpce-gone", "ecs"))];
    let world = |sets: Vec<Value>| hub("ecs").zone_of("Z1", &full("ecs"), &["vpc-a"], json!({})).records("Z1", &full("ecs"), sets);
    assert_eq!(world(sets(1, 1)).says("ecs", "ecs"), "remote vpce-h | nothing [DN07 Z1]");
    assert_eq!(world(sets(1, 1)).unseen("ecs", "ecs"), [format!("which of the records {} of hosted zone Z1 answers", full("ecs"))]);
    assert_eq!(world(sets(1, 0)).says("ecs", "ecs"), "remote vpce-h", "a weight of zero is never chosen");
    assert_eq!(world(sets(0, 0)).says("ecs", "ecs"), "remote vpce-h | nothing [DN07 Z1]", "unless all are zero");
}

#[test]
fn the_families_of_records_are_told() {
    let dual = |records: &[(&str, &str, &str)]| {
        let world = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &["10.0.1.5", "fd00::5"], json!({"PrivateDnsEnabled": false, "IpAddressType": "dualstack"}));
        let world = zone(world, "ecs", records);
        move |consumer| {
            let names = world.resolve("vpc-a", &full("ecs"), "ecs", consumer);
            (short(&names), names.answers[0].records)
        }
    };
    let (host, alias) = (full("ecs"), own_name("vpce-1", "ecs"));
    let both = dual(&[(&host, "A", &alias), (&host, "AAAA", &alias)]);
    assert_eq!(both(Families::V4), ("endpoint vpce-1".into(), Families::BOTH));
    let v4 = dual(&[(&host, "A", &alias)]);
    assert_eq!(v4(Families::V6), ("endpoint vpce-1".into(), Families::V4), "no AAAA: the caller sees that the family does not fit");
    let addresses = dual(&[(&host, "A", "10.0.1.5"), (&host, "AAAA", "fd00::5")]);
    assert_eq!(addresses(Families::BOTH), ("endpoint vpce-1".into(), Families::BOTH));
    let apart = dual(&[(&host, "A", "10.0.1.5"), (&host, "AAAA", "fd00::7")]);
    assert_eq!(apart(Families::V4), ("endpoint vpce-1".into(), Families::V4));
    assert_eq!(apart(Families::V6).0, "private fd00::7 [DN07 Z1]");
    assert_eq!(apart(Families::BOTH).0, "endpoint vpce-1 | private fd00::7 [DN07 Z1]", "each family leads elsewhere");
    let text = dual(&[(&host, "TXT", "10.0.0.1")]);
    assert_eq!(text(Families::V4), ("nothing [DN07 Z1]".into(), Families::NONE), "the name exists without an address");
    let v6_only = World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"PrivateDnsEnabled": false, "IpAddressType": "ipv6"}));
    assert_eq!(zone(v6_only, "ecs", &[(&host, "A", &alias)]).resolve("vpc-a", &host, "ecs", Families::V4).answers[0].records, Families::NONE, "an A alias to a name that has AAAA alone");
}

#[test]
fn a_delegated_name_is_answered_elsewhere() {
    let world = World::new().zone("Z1", R, &["vpc-a"], &[(&full("ecs"), "NS", "")]);
    assert_eq!(world.says("ecs", "ecs"), "private | ?");
    assert_eq!(world.says("logs", "logs"), "nothing [DN05 Z1]");
}

#[test]
fn a_zone_named_after_the_service_stands_for_no_name() {
    for (name, service, host, right) in [
        ("ecr.api", "ecr.api", "api.ecr", &["api.ecr"][..]),
        ("ecr.dkr", "ecr.dkr", "111122223333.dkr.ecr", &["dkr.ecr"]),
        ("ecs-agent", "ecs-agent", "ecs-a", &["ecs-a"]),
        ("ecs-telemetry", "ecs-telemetry", "ecs-t", &["ecs-t"]),
        ("kinesis-firehose", "kinesis-firehose", "firehose", &["firehose"]),
    ] {
        let world = zone(hub(service), name, &[(&full(name), "A", &own_name("vpce-h", service))]);
        assert_eq!(world.says(host, service), "public [DN07 Z1]", "{name}");
        let found = world.with(|v| wrongly_named_zones(v, "vpc-a"));
        assert_eq!(found.len(), 1, "{name}");
        let wrong = &found[0];
        assert_eq!((wrong.zone.as_str(), wrong.name.as_str(), wrong.service.as_str()), ("Z1", full(name).as_str(), service));
        assert_eq!(wrong.right, right.iter().map(|r| full(r)).collect::<Vec<_>>());
        assert!(wrong.endpoints.contains("vpce-h"));
        assert_eq!(world.with(|v| known_endpoints(v, "vpc-a", service)).len(), 1, "the endpoint is behind a zone that the VPC uses");
    }
    for name in ["api.ecr", "dkr.ecr", "ecr", "ecs-a", "ecs", "logs", "s3", "firehose", "ecr-fips", "example"] {
        assert!(zone(World::new(), name, &[]).with(|v| wrongly_named_zones(v, "vpc-a")).is_empty(), "{name} is right, or nothing to do with a service");
    }
    let beside = zone(hub("ecr.api"), "ecr.api", &[]).zone("Z2", &full("api.ecr"), &["vpc-a"], &[(&full("api.ecr"), "A", &own_name("vpce-h", "ecr.api"))]);
    assert_eq!(beside.says("api.ecr", "ecr.api"), "remote vpce-h", "beside the right zone it does no harm");
    let off = zone(World::new().endpoint_with("vpce-1", "vpc-a", "ecr.api", &[], json!({"PrivateDnsEnabled": false})), "ecr.api", &[]);
    assert_eq!(off.says("api.ecr", "ecr.api"), "public [DN07 Z1]", "the zone is the fault, not the endpoint without private DNS");
}

#[test]
fn a_hub_without_a_zone_for_one_service_is_a_missing_endpoint() {
    let world = zone(hub("ecs"), "ecs", &[(&full("ecs"), "A", &own_name("vpce-h", "ecs"))]);
    assert_eq!(world.says("ecs-a", "ecs-agent"), "public");
}

#[test]
fn zones_for_numbered_hosts_are_found() {
    let zone_itself = World::new().zone("Z1", &full("ecs-a-1"), &["vpc-a"], &[]);
    let record = World::new().zone("Z1", R, &["vpc-a"], &[(&full("ecs-t-12"), "A", "10.0.0.9"), (&full("ecs-a"), "A", "10.0.0.9")]);
    let found = |w: &World| w.with(|v| numbered_zones(v, "vpc-a")).into_iter().map(|n| (n.zone, n.host)).collect::<Vec<_>>();
    assert_eq!(found(&zone_itself), [("Z1".to_owned(), full("ecs-a-1"))]);
    assert_eq!(found(&record), [("Z1".to_owned(), full("ecs-t-12"))]);
    assert!(found(&World::new().zone("Z1", &full("ecs-a"), &["vpc-a"], &[(&full("ecs-a"), "A", "10.0.0.9")])).is_empty());
}
