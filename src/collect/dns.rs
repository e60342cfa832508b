//! Names: private hosted zones and their records, Resolver rules and endpoints, DNS Firewall, Profiles.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::convert::other as convert;
use super::scope;
use super::work::{Page, Work, lock};
use crate::actions::Action;
use crate::inventory::{Answer, dns};

/// Parents of the names that AWS services have.
const AWS_DOMAINS: [&str; 6] = ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws", "on.aws", "api.amazonwebservices.com.cn"];

/// All pages of one listing that is asked for whole.
macro_rules! whole {
    ($work:ident, $client:ident; $($action:ident, $operation:ident $(.$set:ident($value:expr))*; $member:ident, $convert:expr => $field:ident;)*) => { $(
        let job = Arc::clone($work);
        $work.start(async move {
            if job.wants(Action::$action) {
                let client = &job.clients.$client;
                let _ = job
                    .pages(
                        Action::$action,
                        None,
                        |token| client.$operation()$(.$set($value))*.set_next_token(token).send(),
                        |out| Some(Page::of(out.$member?, out.next_token, $convert)),
                        |items| job.with(|r| r.$field.extend(items)),
                    )
                    .await;
            }
            job.end(Action::$action);
        });
    )* };
}

/// What needs no VPC: it is listed for the whole region, and is short.
pub(super) fn start(work: &Arc<Work>) {
    whole! { work, resolver;
        ListResolverRules, list_resolver_rules.max_results(100); resolver_rules, convert::resolver_rule => resolver_rules;
        ListResolverRuleAssociations, list_resolver_rule_associations.max_results(100); resolver_rule_associations, |x| Some(convert::resolver_rule_association(x)) => resolver_rule_associations;
        ListResolverEndpoints, list_resolver_endpoints.max_results(100); resolver_endpoints, convert::resolver_endpoint => resolver_endpoints;
        ListFirewallRuleGroupAssociations, list_firewall_rule_group_associations.max_results(100); firewall_rule_group_associations, |x| Some(convert::firewall_association(x)) => firewall_associations;
    }
    whole! { work, profiles;
        ListProfileAssociations, list_profile_associations.max_results(100); profile_associations, |x| Some(convert::profile_association(x)) => profile_associations;
    }
    work.start(resolver_addresses(Arc::clone(work)));
}

/// The private zones of one VPC, and the records of those that can hold a needed name.
pub(super) fn zones_of_vpc(work: &Arc<Work>, vpc: &str) {
    use aws_sdk_route53::types::VpcRegion;
    if !work.first(Action::ListHostedZonesByVpc, vpc) {
        return;
    }
    let (work, vpc) = (Arc::clone(work), vpc.to_owned());
    Arc::clone(&work).start(async move {
        let client = &work.clients.route53;
        let answer = work
            .keyed_member(
                Action::ListHostedZonesByVpc,
                &vpc,
                "HostedZoneSummaries",
                &[],
                |token| client.list_hosted_zones_by_vpc().vpc_id(&vpc).vpc_region(VpcRegion::from(work.region.as_str())).max_items(100).set_next_token(token).send(),
                |out| Page::of(out.hosted_zone_summaries, out.next_token, convert::hosted_zone),
                |zones, whole| dns::HostedZonesByVpc { next_token: (!whole).then(|| "more".to_owned()), hosted_zone_summaries: zones },
            )
            .await;
        work.keep(&vpc, answer, |r| &mut r.hosted_zones);
        records_of_zones(&work);
    });
}

/// An image comes from this host: a private zone may capture its name.
pub(super) fn registry(work: &Arc<Work>, host: &str) {
    if lock(&work.found.registries).insert(host.to_ascii_lowercase()) {
        records_of_zones(work);
    }
}

/// Asks for the records of every zone that was seen and matters.
fn records_of_zones(work: &Arc<Work>) {
    let registries = lock(&work.found.registries).clone();
    let own = work.found.account.get();
    let zones: BTreeSet<String> = work.with(|r| {
        let zones = r.hosted_zones.values().filter_map(Answer::output).flat_map(|z| &z.hosted_zone_summaries);
        zones.filter(|z| readable(z, own) && z.name.as_deref().is_some_and(|n| matters(n, &registries))).map(|z| z.hosted_zone_id.clone()).collect()
    });
    for zone in zones {
        if work.account().first(Action::ListResourceRecordSets, &zone) {
            work.start(records(Arc::clone(work), zone));
        }
    }
}

/// Whether the account itself can list the records: zones of AWS services and of other accounts cannot be read.
fn readable(zone: &dns::HostedZoneSummary, account: Option<&String>) -> bool {
    let owner = zone.owner.as_ref();
    let service = owner.is_some_and(|o| o.owning_service.is_some());
    let foreign = owner.and_then(|o| o.owning_account.as_ref()).is_some_and(|o| account.is_some_and(|a| a != o));
    !service && !foreign
}

/// Whether a zone can hold the name of an AWS service, or is a parent of a registry's name.
fn matters(zone: &str, registries: &BTreeSet<String>) -> bool {
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    let parent = |parent: &str, name: &str| parent.is_empty() || name == parent || name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    AWS_DOMAINS.iter().any(|domain| parent(&zone, domain) || parent(domain, &zone)) || registries.iter().any(|host| parent(&zone, host))
}

async fn records(work: Arc<Work>, zone: String) {
    let client = &work.clients.route53;
    // The token of this listing is a name, a type and a set identifier, which are kept as one line.
    let answer = work
        .account()
        .keyed_member(
            Action::ListResourceRecordSets,
            &zone,
            "ResourceRecordSets",
            &["NoSuchHostedZone"],
            |token| {
                let mut at = token.as_deref().unwrap_or_default().split('\n').filter(|t| !t.is_empty()).map(str::to_owned);
                let (name, kind, set) = (at.next(), at.next(), at.next());
                client
                    .list_resource_record_sets()
                    .hosted_zone_id(&zone)
                    .max_items(300)
                    .set_start_record_name(name)
                    .set_start_record_type(kind.map(|k| aws_sdk_route53::types::RrType::from(k.as_str())))
                    .set_start_record_identifier(set)
                    .send()
            },
            |out| {
                let next = out.is_truncated.then(|| {
                    let kind = out.next_record_type.as_ref().map_or("", |t| t.as_str());
                    format!("{}\n{kind}\n{}", out.next_record_name.as_deref().unwrap_or_default(), out.next_record_identifier.as_deref().unwrap_or_default())
                });
                Page::of(out.resource_record_sets, next, convert::record_set)
            },
            |records, whole| dns::ResourceRecordSets { is_truncated: (!whole).then_some(true), resource_record_sets: records },
        )
        .await;
    let targets = answer.as_ref().and_then(Answer::output).map(endpoints_named).unwrap_or_default();
    work.account().keep(&zone, answer, |r| &mut r.record_sets);
    if targets.is_empty() {
        return;
    }
    work.ended(&[Action::DescribeVpcEndpoints, Action::DescribeVpcs]).await;
    let vpcs: BTreeSet<String> = work.with(|r| r.vpc_endpoints.iter().filter(|e| targets.contains(&e.vpc_endpoint_id)).filter_map(|e| e.vpc_id.clone()).collect());
    for vpc in vpcs {
        scope::leads_to(&work, &vpc);
    }
}

/// The endpoints that records lead to by name: `vpce-….vpce.amazonaws.com`.
fn endpoints_named(records: &dns::ResourceRecordSets) -> BTreeSet<String> {
    let aliases = records.resource_record_sets.iter().filter_map(|r| r.alias_target.as_ref()?.dns_name.as_deref());
    let values = records.resource_record_sets.iter().flat_map(|r| &r.resource_records).filter_map(|r| r.value.as_deref());
    // The label holds the id and a suffix: `vpce-0123-abcd`, or `…-us-east-2a` for one zone.
    let labels = aliases.chain(values).flat_map(|name| name.split('.')).filter(|l| l.starts_with("vpce-"));
    labels.filter_map(|l| Some(format!("vpce-{}", l.strip_prefix("vpce-")?.split('-').next()?))).collect()
}

/// Addresses of inbound Resolver endpoints, where something forwards to addresses at all: a rule, or DNS servers of one's own.
async fn resolver_addresses(work: Arc<Work>) {
    work.ended(&[Action::ListResolverRules, Action::ListResolverEndpoints, Action::DescribeDhcpOptions, Action::DescribeVpcs]).await;
    let inbound: Vec<(String, Option<String>)> = work.with(|r| {
        let forwards = r.resolver_rules.iter().any(|rule| rule.rule_type.as_deref() == Some("FORWARD"));
        let in_use: BTreeSet<&String> = r.vpcs.iter().filter_map(|v| v.dhcp_options_id.as_ref()).collect();
        let options = r.dhcp_options.iter().filter(|o| in_use.contains(&o.dhcp_options_id)).flat_map(|o| &o.dhcp_configurations);
        let servers = options.filter(|c| c.key.as_deref() == Some("domain-name-servers")).flat_map(|c| &c.values).filter_map(|v| v.value.as_deref());
        let own_servers = servers.into_iter().any(|s| s != "AmazonProvidedDNS");
        let asked = forwards || own_servers || !(work.whole(Action::ListResolverRules) && work.whole(Action::DescribeDhcpOptions));
        let endpoints = r.resolver_endpoints.iter().filter(|e| asked && e.direction.as_deref().is_none_or(|d| d.starts_with("INBOUND")));
        endpoints.map(|e| (e.id.clone(), e.host_vpc_id.clone())).collect()
    });
    for (endpoint, vpc) in inbound {
        if work.first(Action::ListResolverEndpointIpAddresses, &endpoint) {
            work.start(addresses(Arc::clone(&work), endpoint, vpc));
        }
    }
}

async fn addresses(work: Arc<Work>, endpoint: String, vpc: Option<String>) {
    let client = &work.clients.resolver;
    let answer = work
        .keyed(
            Action::ListResolverEndpointIpAddresses,
            &endpoint,
            &[],
            |token| client.list_resolver_endpoint_ip_addresses().resolver_endpoint_id(&endpoint).max_results(100).set_next_token(token).send(),
            |out| Some(Page::new(out.ip_addresses?.into_iter().map(convert::resolver_address).collect(), out.next_token)),
            |addresses, whole| dns::ResolverEndpointIpAddresses { next_token: (!whole).then(|| "more".to_owned()), ip_addresses: addresses },
        )
        .await;
    let found: BTreeSet<String> = answer.as_ref().and_then(Answer::output).into_iter().flat_map(|a| &a.ip_addresses).flat_map(|a| [a.ip.clone(), a.ipv6.clone()]).flatten().collect();
    work.keep(&endpoint, answer, |r| &mut r.resolver_endpoint_addresses);
    // Only the VPC of an endpoint that something forwards to answers for us.
    let forwarded_to = work.with(|r| {
        let targets = r.resolver_rules.iter().flat_map(|rule| &rule.target_ips).flat_map(|t| [t.ip.as_ref(), t.ipv6.as_ref()]).flatten();
        let servers = r.dhcp_options.iter().flat_map(|o| &o.dhcp_configurations).flat_map(|c| &c.values).filter_map(|v| v.value.as_ref());
        targets.chain(servers).any(|a| found.contains(a))
    });
    if let (true, Some(vpc)) = (forwarded_to, vpc) {
        scope::leads_to(&work, &vpc);
    }
}

/// DNS Firewall of one VPC: the rules of its groups, and what they block.
pub(super) fn firewall_of_vpc(work: &Arc<Work>, vpc: &str) {
    let (work, vpc) = (Arc::clone(work), vpc.to_owned());
    Arc::clone(&work).start(async move {
        work.ended(&[Action::ListFirewallRuleGroupAssociations]).await;
        let groups: BTreeSet<String> = work.with(|r| r.firewall_associations.iter().filter(|a| a.vpc_id.as_ref() == Some(&vpc)).filter_map(|a| a.firewall_rule_group_id.clone()).collect());
        if !groups.is_empty() && work.first(Action::ListFirewallDomainLists, "") {
            let jobs = &work;
            whole! { jobs, resolver;
                ListFirewallDomainLists, list_firewall_domain_lists.max_results(100); firewall_domain_lists, convert::firewall_domain_list => firewall_domain_lists;
                ListFirewallConfigs, list_firewall_configs.max_results(10); firewall_configs, |x| Some(convert::firewall_config(x)) => firewall_configs;
            }
        }
        for group in groups {
            if work.first(Action::ListFirewallRules, &group) {
                work.start(firewall_rules(Arc::clone(&work), group));
            }
        }
    });
}

async fn firewall_rules(work: Arc<Work>, group: String) {
    let client = &work.clients.resolver;
    let answer = work
        .keyed(
            Action::ListFirewallRules,
            &group,
            &[],
            |token| client.list_firewall_rules().firewall_rule_group_id(&group).max_results(100).set_next_token(token).send(),
            |out| Some(Page::new(out.firewall_rules?.into_iter().map(convert::firewall_rule).collect(), out.next_token)),
            |rules, whole| dns::FirewallRules { next_token: (!whole).then(|| "more".to_owned()), firewall_rules: rules },
        )
        .await;
    let lists: BTreeSet<String> = answer.as_ref().and_then(Answer::output).into_iter().flat_map(|a| &a.firewall_rules).filter_map(|rule| rule.firewall_domain_list_id.clone()).collect();
    work.keep(&group, answer, |r| &mut r.firewall_rules);
    if work.wants(Action::ListFirewallDomainLists) {
        work.ended(&[Action::ListFirewallDomainLists]).await;
    }
    // AWS does not list the domains of its own lists.
    let managed: BTreeSet<String> = work.with(|r| r.firewall_domain_lists.iter().filter(|l| l.managed_owner_name.as_ref().is_some_and(|o| !o.is_empty())).map(|l| l.id.clone()).collect());
    for list in lists.difference(&managed) {
        if work.first(Action::ListFirewallDomains, list) {
            work.start(firewall_domains(Arc::clone(&work), list.clone()));
        }
    }
}

async fn firewall_domains(work: Arc<Work>, list: String) {
    let client = &work.clients.resolver;
    let answer = work
        .keyed(
            Action::ListFirewallDomains,
            &list,
            &[],
            |token| client.list_firewall_domains().firewall_domain_list_id(&list).max_results(5000).set_next_token(token).send(),
            |out| Some(Page::new(out.domains?, out.next_token)),
            |domains, whole| dns::FirewallDomains { next_token: (!whole).then(|| "more".to_owned()), domains },
        )
        .await;
    work.keep(&list, answer, |r| &mut r.firewall_domains);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_matter_above_and_below_the_names_of_aws() {
        let none = BTreeSet::new();
        for zone in ["ecs.us-east-2.amazonaws.com.", "us-east-2.amazonaws.com", "amazonaws.com.", "com.", ".", "dkr-ecr.us-east-2.on.aws.", "aws."] {
            assert!(matters(zone, &none), "{zone}");
        }
        for zone in ["corp.example.", "xamazonaws.com.", "local.", "internal.on.awsome."] {
            assert!(!matters(zone, &none), "{zone}");
        }
        let registries = BTreeSet::from(["registry.corp.example".to_owned()]);
        assert!(matters("corp.example.", &registries));
        assert!(!matters("x.registry.corp.example.", &registries), "a zone below the name cannot hold it");
    }

    #[test]
    fn records_name_endpoints_by_alias_and_by_value() {
        let alias = |name: &str| dns::ResourceRecordSet { alias_target: Some(dns::AliasTarget { dns_name: Some(name.into()), ..Default::default() }), ..Default::default() };
        let cname = |name: &str| dns::ResourceRecordSet { resource_records: vec![dns::ResourceRecord { value: Some(name.into()) }], ..Default::default() };
        let records = dns::ResourceRecordSets {
            resource_record_sets: vec![
                alias("vpce-0aa-1b2c.ecs.us-east-2.vpce.amazonaws.com."),
                cname("vpce-0bb-1b2c-us-east-2a.s3.us-east-2.vpce.amazonaws.com"),
                alias("*.vpce-0cc-xyz.s3.us-east-2.vpce.amazonaws.com."),
                cname("10.0.0.1"),
            ],
            ..Default::default()
        };
        assert_eq!(endpoints_named(&records), ["vpce-0aa", "vpce-0bb", "vpce-0cc"].map(str::to_owned).into());
    }

    #[test]
    fn zones_of_services_and_other_accounts_are_not_asked_for() {
        let zone = |account: Option<&str>, service: Option<&str>| dns::HostedZoneSummary {
            owner: Some(dns::HostedZoneOwner { owning_account: account.map(str::to_owned), owning_service: service.map(str::to_owned) }),
            ..Default::default()
        };
        let own = "111122223333".to_owned();
        assert!(readable(&zone(Some("111122223333"), None), Some(&own)));
        assert!(!readable(&zone(Some("444455556666"), None), Some(&own)));
        assert!(!readable(&zone(None, Some("vpce.amazonaws.com")), Some(&own)));
        assert!(readable(&zone(Some("444455556666"), None), None), "without knowing the own account, asking is the only way");
    }
}
