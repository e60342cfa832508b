//! DHCP options.

use serde_json::json;

use super::super::{Families, known_endpoints};
use super::world::{World, full};

fn ecs() -> World {
    World::new().endpoint("vpce-1", "vpc-a", "ecs", &["10.0.1.5"])
}

#[test]
fn amazons_resolver_has_four_forms() {
    for server in ["AmazonProvidedDNS", "amazonprovideddns", "169.254.169.253", "fd00:ec2::253", "10.0.0.2"] {
        let world = ecs().servers("vpc-a", &[server]);
        assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1", "{server}");
        assert!(world.unseen("ecs", "ecs").is_empty(), "{server}");
    }
    assert_eq!(ecs().servers("vpc-a", &["AmazonProvidedDNS", "10.0.0.2"]).says("ecs", "ecs"), "endpoint vpce-1");
}

#[test]
fn without_a_server_nothing_resolves() {
    assert_eq!(ecs().dhcp("vpc-a", Some("default")).says("ecs", "ecs"), "nothing [DN04 vpc-a]", "`default` is no set of options at all");
    assert_eq!(ecs().servers("vpc-a", &[]).says("ecs", "ecs"), "nothing [DN04 vpc-a]");
    let mut world = ecs().servers("vpc-a", &["10.0.9.9"]);
    world.region.dhcp_options.iter_mut().for_each(|o| o.dhcp_configurations.clear());
    assert_eq!(world.says("ecs", "ecs"), "nothing [DN04 vpc-a]", "a set without servers");
}

#[test]
fn a_server_of_ones_own_may_forward_or_not() {
    let world = ecs().servers("vpc-a", &["10.0.9.9"]);
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1 | public [DN04 vpc-a]");
    assert_eq!(world.unseen("ecs", "ecs"), ["where the DNS server 10.0.9.9 of vpc-a forwards names of AWS"]);
    assert_eq!(world.says("logs", "logs"), "public", "without an endpoint both come to the same");
    let zone = World::new().servers("vpc-a", &["10.0.9.9"]).zone("Z1", "us-east-2.amazonaws.com", &["vpc-a"], &[]);
    assert_eq!(zone.says("ecs", "ecs"), "public [DN04 vpc-a] | nothing [DN05 Z1]");
}

#[test]
fn base_plus_two_of_another_vpc_is_no_resolver_here() {
    assert_eq!(ecs().vpc("vpc-b", "10.1.0.0/16").servers("vpc-a", &["10.1.0.2"]).says("ecs", "ecs"), "endpoint vpce-1 | public [DN04 vpc-a]");
}

#[test]
fn a_mixed_set_has_the_answers_of_both() {
    let world = ecs().servers("vpc-a", &["AmazonProvidedDNS", "10.0.9.9"]);
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1 | public [DN04 vpc-a]");
    assert_eq!(world.unseen("ecs", "ecs"), ["where the DNS server 10.0.9.9 of vpc-a forwards names of AWS", "which of the DNS servers that vpc-a hands out a query goes to"]);
}

#[test]
fn with_amazons_resolver_off_other_servers_know_public_names_or_nothing() {
    let world = ecs().attributes("vpc-a", Some(false), Some(true)).servers("vpc-a", &["10.0.9.9"]);
    assert_eq!(world.says("ecs", "ecs"), "public [DN02 vpc-a] | nothing [DN02 vpc-a]");
    assert_eq!(ecs().attributes("vpc-a", Some(false), Some(true)).servers("vpc-a", &["169.254.169.253"]).says("ecs", "ecs"), "nothing [DN02 vpc-a]");
}

#[test]
fn an_inbound_resolver_endpoint_answers_as_its_vpc_does() {
    let hub = World::new().vpc("vpc-hub", "10.1.0.0/16").resolver_endpoint("rslvr-in", "vpc-hub", "INBOUND", &["10.1.0.10", "10.1.1.10"]).servers("vpc-a", &["10.1.0.10", "10.1.1.10"]);
    let served = hub.clone().endpoint("vpce-h", "vpc-hub", "ecs", &["10.1.0.5"]);
    assert_eq!(served.says("ecs", "ecs"), "remote vpce-h");
    assert!(served.unseen("ecs", "ecs").is_empty(), "several inbound addresses of one VPC say one thing");
    assert_eq!(served.with(|v| known_endpoints(v, "vpc-a", "ecs")).len(), 1);
    let own = served.clone().endpoint("vpce-1", "vpc-a", "ecs", &["10.0.0.5"]);
    assert_eq!(own.says("ecs", "ecs"), "remote vpce-h", "private DNS here is not asked: the queries go to the hub");
    let back =
        hub.clone().endpoint_with("vpce-1", "vpc-a", "ecs", &["10.0.0.5"], json!({})).zone("Z1", "ecs.us-east-2.amazonaws.com", &["vpc-hub"], &[("ecs.us-east-2.amazonaws.com.", "A", "10.0.0.5")]);
    assert_eq!(back.says("ecs", "ecs"), "endpoint vpce-1", "the hub's zone leads back to the endpoint of the VPC itself");
    assert_eq!(hub.clone().attributes("vpc-hub", Some(false), Some(true)).says("ecs", "ecs"), "nothing [DN02 vpc-hub]");
    let mut ill = served.clone();
    ill.region.resolver_endpoints.iter_mut().for_each(|e| e.status = Some("ACTION_NEEDED".into()));
    assert_eq!(ill.says("ecs", "ecs"), "remote vpce-h | nothing [DN04 vpc-a]");
    let outbound = served.clone().resolver_endpoint("rslvr-out", "vpc-hub", "OUTBOUND", &["10.1.0.20"]).servers("vpc-a", &["10.1.0.20"]);
    assert_eq!(outbound.says("ecs", "ecs"), "public", "an outbound endpoint answers nobody: a server like any other");
}

#[test]
fn an_inbound_address_is_the_vpcs_own_where_ranges_overlap() {
    let world = World::new()
        .vpc("vpc-hub", "10.0.0.0/16")
        .resolver_endpoint("rslvr-in", "vpc-hub", "INBOUND", &["10.0.0.10"])
        .endpoint("vpce-h", "vpc-hub", "ecs", &["10.0.0.5"])
        .servers("vpc-a", &["10.0.0.10"]);
    assert_eq!(world.says("ecs", "ecs"), "public", "10.0.0.10 is an address of vpc-a itself, and no endpoint of Resolver there");
}

#[test]
fn the_hubs_firewall_may_filter_what_comes_in() {
    let world = World::new()
        .vpc("vpc-hub", "10.1.0.0/16")
        .resolver_endpoint("rslvr-in", "vpc-hub", "INBOUND", &["10.1.0.10"])
        .endpoint("vpce-h", "vpc-hub", "ecs", &["10.1.0.5"])
        .servers("vpc-a", &["10.1.0.10"])
        .firewall("g1", "vpc-hub", 1, &[(1, "BLOCK", &["*"])]);
    assert_eq!(world.says("ecs", "ecs"), "remote vpce-h | nothing [DN08 vpc-hub]");
    let here = World::new().servers("vpc-a", &["10.1.0.10"]).vpc("vpc-hub", "10.1.0.0/16").resolver_endpoint("rslvr-in", "vpc-hub", "INBOUND", &["10.1.0.10"]).firewall(
        "g1",
        "vpc-a",
        1,
        &[(1, "BLOCK", &["*"])],
    );
    assert_eq!(here.says("ecs", "ecs"), "public", "the firewall of vpc-a filters Amazon's resolver of vpc-a alone");
}

#[test]
fn a_server_that_inbound_endpoints_were_not_seen_for_names_the_listing() {
    let world = ecs().servers("vpc-a", &["10.0.9.9"]).without(crate::actions::Action::ListResolverEndpoints);
    assert!(world.unseen("ecs", "ecs").contains(&"route53resolver:ListResolverEndpoints".to_owned()));
}

#[test]
fn a_host_is_asked_for_in_any_spelling() {
    let names = ecs().resolve("vpc-a", "ECS.us-east-2.amazonaws.com.", "ecs", Families::V4);
    assert_eq!(names, ecs().resolve("vpc-a", &full("ecs"), "ecs", Families::V4));
}
