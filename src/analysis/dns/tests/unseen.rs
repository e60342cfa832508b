//! What was not seen is unknown, whatever it would have said; and what does not matter changes nothing.

use proptest::prelude::*;

use serde_json::json;

use super::super::{Families, NameTarget, Names, PRESENCE};
use super::oracle::{HOSTS, Spec, specs};
use super::world::{OTHER_ACCOUNT, READS, World, cases, full};
use crate::actions::Action;
use crate::analysis::Unseen;
use crate::inventory::{State, Status};

fn ecs() -> World {
    World::new().endpoint("vpce-1", "vpc-a", "ecs", &["10.0.1.5"])
}

#[test]
fn each_listing_that_is_missing_is_named() {
    for (action, says) in [
        (Action::DescribeVpcs, "endpoint vpce-1 | ?"),
        (Action::DescribeVpcAttribute, "endpoint vpce-1 | public [DN02 vpc-a] | nothing [DN02 vpc-a]"),
        (Action::DescribeDhcpOptions, "endpoint vpce-1 | ?"),
        (Action::DescribeVpcEndpoints, "public | ?"),
        (Action::ListHostedZonesByVpc, "endpoint vpce-1 | ?"),
        (Action::ListResolverRuleAssociations, "endpoint vpce-1 | ?"),
        (Action::ListFirewallRuleGroupAssociations, "endpoint vpce-1 | nothing [DN08 vpc-a]"),
        (Action::ListProfileAssociations, "endpoint vpce-1 | ?"),
    ] {
        let world = ecs().without(action);
        assert_eq!(world.says("ecs", "ecs"), says, "{action}");
        assert!(world.unseen("ecs", "ecs").contains(&action.name().to_owned()), "{action} is named");
    }
}

#[test]
fn each_doubt_has_the_rule_that_does_not_know() {
    for (action, rule) in [
        (Action::DescribeVpcAttribute, "DN02"),
        (Action::DescribeDhcpOptions, "DN04"),
        (Action::DescribeVpcEndpoints, PRESENCE),
        (Action::ListHostedZonesByVpc, "DN05"),
        (Action::ListResolverRuleAssociations, "DN08"),
        (Action::ListFirewallRuleGroupAssociations, "DN08"),
        (Action::ListProfileAssociations, "DN08"),
    ] {
        let names = ecs().without(action).resolve("vpc-a", &full("ecs"), "ecs", Families::V4);
        assert!(names.doubts.iter().any(|d| (d.rule, d.object.as_str(), &d.unseen) == (rule, "vpc-a", &Unseen::Action(action))), "{action}: {:?}", names.doubts);
        assert_eq!(names.doubts.iter().map(|d| &d.unseen).collect::<Vec<_>>(), names.unseen.iter().collect::<Vec<_>>());
    }
    let doubts = |world: World| world.resolve("vpc-a", &full("ecs"), "ecs", Families::V4).doubts.into_iter().map(|d| (d.rule, d.object)).collect::<Vec<_>>();
    let zone = |name: &str| World::new().zone_of("Z1", name, &["vpc-a"], json!({"OwningAccount": OTHER_ACCOUNT}));
    assert_eq!(doubts(zone(&full("ecs"))), [("DN07", "Z1".to_owned())]);
    assert_eq!(doubts(zone("amazonaws.com")), [("DN05", "Z1".to_owned())]);
    assert_eq!(doubts(World::new().servers("vpc-a", &["10.0.9.9"])), [("DN04", "vpc-a".to_owned())]);
    assert_eq!(doubts(World::new().endpoint_with("vpce-1", "vpc-a", "ecs", &[], json!({"State": "recovering"}))), [("EP02", "vpce-1".to_owned())]);
}

#[test]
fn listings_that_nothing_here_needs_are_not_missed() {
    for action in [
        Action::DescribeNetworkInterfaces,
        Action::ListResourceRecordSets,
        Action::ListResolverRules,
        Action::ListResolverEndpoints,
        Action::ListResolverEndpointIpAddresses,
        Action::ListFirewallRules,
        Action::ListFirewallDomainLists,
        Action::ListFirewallDomains,
    ] {
        assert_eq!(ecs().without(action).says("ecs", "ecs"), "endpoint vpce-1", "{action}");
        assert!(ecs().without(action).unseen("ecs", "ecs").is_empty(), "{action}");
    }
}

#[test]
fn what_is_in_use_needs_what_it_is_made_of() {
    let rule = ecs().rule("rslvr-rr-1", "vpc-a", "example.com", "FORWARD", &["192.168.0.53"]).without(Action::ListResolverRules);
    assert_eq!(rule.says("ecs", "ecs"), "endpoint vpce-1 | ?");
    assert_eq!(rule.unseen("ecs", "ecs"), ["route53resolver:ListResolverRules"]);
    let wall = |action| ecs().firewall("g1", "vpc-a", 1, &[(1, "BLOCK", &["example.com"])]).without(action);
    for action in [Action::ListFirewallRules, Action::ListFirewallDomains] {
        assert_eq!(wall(action).says("ecs", "ecs"), "endpoint vpce-1 | nothing [DN08 vpc-a]", "{action}");
        assert_eq!(wall(action).unseen("ecs", "ecs"), [action.name()]);
    }
    let both = ecs().firewall("g1", "vpc-a", 1, &[(1, "BLOCK", &["*"]), (2, "ALLOW", &["*"])]);
    let mut hidden = both.clone();
    hidden.region.firewall_domains.remove("list-g1-1");
    assert_eq!(hidden.says("ecs", "ecs"), "endpoint vpce-1 | nothing [DN08 vpc-a]", "the hidden list may hold the name");
    hidden.region.firewall_domains.insert("list-g1-1".into(), both.region.firewall_domains["list-g1-1"].clone());
    hidden.region.firewall_domains.remove("list-g1-2");
    assert_eq!(hidden.says("ecs", "ecs"), "nothing [DN08 vpc-a]", "what comes after a sure block does not matter");
}

#[test]
fn plain_dns_takes_the_unseen_groups_for_empty() {
    let groups = [Action::ListHostedZonesByVpc, Action::ListResolverRuleAssociations, Action::ListFirewallRuleGroupAssociations, Action::ListProfileAssociations];
    let blind = groups.into_iter().fold(ecs(), World::without);
    assert_eq!(blind.says("ecs", "ecs"), "endpoint vpce-1 | nothing [DN08 vpc-a] | ?");
    assert_eq!(blind.clone().plain_dns().says("ecs", "ecs"), "endpoint vpce-1");
    assert!(blind.plain_dns().unseen("ecs", "ecs").is_empty());
    let seen = ecs().firewall("g1", "vpc-a", 1, &[(1, "BLOCK", &["*"])]).plain_dns();
    assert_eq!(seen.says("ecs", "ecs"), "nothing [DN08 vpc-a]", "what was seen stands");
    for action in [Action::DescribeVpcs, Action::DescribeDhcpOptions, Action::DescribeVpcEndpoints] {
        assert!(ecs().without(action).plain_dns().says("ecs", "ecs").ends_with('?'), "{action} is not assumed");
    }
}

#[test]
fn a_part_of_a_listing_counts_but_not_its_absences() {
    let mut world = ecs();
    world.region.completeness.record(Action::DescribeVpcEndpoints, Status::of(State::Partial, "page 2 failed"));
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1 | ?");
    let mut page = ecs();
    if let Some(crate::inventory::Answer::Output(listing)) = page.region.hosted_zones.get_mut("vpc-a") {
        listing.next_token = Some("more".into());
    }
    assert_eq!(page.says("ecs", "ecs"), "endpoint vpce-1 | ?");
}

#[test]
fn a_zone_listing_is_kept_by_vpc() {
    let mut world = ecs().vpc("vpc-b", "10.1.0.0/16");
    world.region.hosted_zones.remove("vpc-b");
    assert_eq!(world.says("ecs", "ecs"), "endpoint vpce-1");
    assert!(!world.resolve("vpc-b", &full("ecs"), "ecs", Families::V4).certain);
}

#[test]
fn endpoints_of_a_shared_vpc_are_the_owners_to_list() {
    let world = World::new().owner("vpc-a", OTHER_ACCOUNT);
    assert_eq!(world.says("ecs", "ecs"), "public | ?");
    assert_eq!(world.unseen("ecs", "ecs"), [format!("the endpoints of vpc-a, which its owner {OTHER_ACCOUNT} alone can list")]);
    let mut scoped = ecs();
    scoped.region.vpc_scope = Some(["vpc-b".to_owned()].into());
    assert_eq!(scoped.says("ecs", "ecs"), "endpoint vpce-1 | ?", "endpoints outside the VPCs that were asked about");
}

#[test]
fn what_is_blocked_for_certain_stays_so_whatever_else_is_unseen() {
    let blind = |world: World| READS.into_iter().filter(|a| ![Action::DescribeVpcs, Action::DescribeVpcAttribute, Action::DescribeDhcpOptions].contains(a)).fold(world, World::without);
    assert_eq!(blind(ecs().attributes("vpc-a", Some(false), None)).says("ecs", "ecs"), "nothing [DN02 vpc-a]");
    assert_eq!(blind(ecs().dhcp("vpc-a", Some("default"))).says("ecs", "ecs"), "nothing [DN04 vpc-a]");
}

#[test]
fn an_unknown_vpc_is_unknown() {
    let names = ecs().resolve("vpc-x", &full("ecs"), "ecs", Families::V4);
    assert!(!names.certain && !names.answers.is_empty());
    assert!(names.unseen.contains(&Unseen::Action(Action::DescribeVpcs)));
}

/// The targets, and whether there can be no other.
fn gist(names: &Names) -> (Vec<NameTarget>, bool) {
    (names.answers.iter().map(|a| a.target.clone()).collect(), names.certain)
}

proptest! {
    #![proptest_config(cases(1000))]

    /// Whatever is forgotten, the answers that were possible stay possible: a wrong name never becomes another certain one.
    #[test]
    fn forgetting_never_settles_anything(spec in specs(), forgotten in 0..READS.len()) {
        let world = spec.world();
        let blind = world.clone().without(READS[forgotten]);
        for (host, service) in HOSTS {
            let before = world.resolve("vpc-a", &full(host), service, Families::V4);
            let after = blind.resolve("vpc-a", &full(host), service, Families::V4);
            let (targets, _) = gist(&before);
            let (left, certain) = gist(&after);
            if certain && before.certain {
                for target in targets {
                    // The addresses of a wrong target may be among what was forgotten.
                    let blurred = matches!(target, NameTarget::Private(_)) && left.contains(&NameTarget::Private(Default::default()));
                    prop_assert!(blurred || left.contains(&target), "{host}: {} forgotten, {target:?} no longer possible, {left:?}", READS[forgotten]);
                }
            }
            if certain && !before.certain {
                // Only a step before what was in doubt can settle it: no resolver, or none of it asked.
                prop_assert!(false, "{host}: {} forgotten makes it certain: {left:?}", READS[forgotten]);
            }
        }
    }

    /// A zone, rule, firewall or endpoint that has nothing to do with the name changes nothing.
    #[test]
    fn strangers_change_nothing(spec in specs()) {
        let world = spec.world();
        let more = world.clone()
            .zone("ZX", "example.org", &["vpc-a"], &[("example.org", "A", "10.0.3.3")])
            .rule("rslvr-rr-x", "vpc-a", "example.net", "FORWARD", &["192.168.0.99"])
            .firewall("gx", "vpc-a", 0, &[(1, "BLOCK", &["*.example.org", "example.net"])])
            .endpoint("vpce-x", "vpc-a", "sqs", &["10.0.250.5"])
            .vpc("vpc-x", "10.99.0.0/16")
            .endpoint("vpce-y", "vpc-x", "sqs", &["10.99.0.5"]);
        for (host, service) in HOSTS {
            prop_assert_eq!(world.resolve("vpc-a", &full(host), service, Families::V4), more.resolve("vpc-a", &full(host), service, Families::V4));
        }
    }

    /// The order of what was listed does not matter.
    #[test]
    fn order_does_not_matter(spec in specs()) {
        let world = spec.world();
        let mut turned = world.clone();
        let r = &mut turned.region;
        r.vpc_endpoints.reverse();
        r.resolver_rules.reverse();
        r.resolver_rule_associations.reverse();
        r.firewall_associations.reverse();
        r.network_interfaces.reverse();
        for answer in r.hosted_zones.values_mut() {
            if let crate::inventory::Answer::Output(listing) = answer {
                listing.hosted_zone_summaries.reverse();
            }
        }
        for answer in r.firewall_rules.values_mut() {
            if let crate::inventory::Answer::Output(rules) = answer {
                rules.firewall_rules.reverse();
            }
        }
        for (host, service) in HOSTS {
            prop_assert_eq!(world.resolve("vpc-a", &full(host), service, Families::V4), turned.resolve("vpc-a", &full(host), service, Families::V4));
        }
    }
}

#[test]
fn a_spec_can_be_empty() {
    assert_eq!(Spec::default().world().says("ecs", "ecs"), "public");
}
