//! What Route 53, its Resolver and Profiles, IAM, ECR, GuardDuty and CloudTrail answer.

use aws_sdk_cloudtrail::types as trail;
use aws_sdk_ecr::types as ecr;
use aws_sdk_guardduty::types as guard;
use aws_sdk_iam::types as iam;
use aws_sdk_route53::types as zone;
use aws_sdk_route53profiles::types as profile;
use aws_sdk_route53resolver::types as resolver;

use super::{each, each_with_id, time, wire};
use crate::aws::replay::percent_decode;
use crate::inventory::shape::PolicyText;
use crate::inventory::{dns as d, iam as i};

/// What the SDK makes of a required text that an answer lacks.
fn present(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

pub fn hosted_zone(x: zone::HostedZoneSummary) -> Option<d::HostedZoneSummary> {
    present(x.hosted_zone_id.clone())?;
    Some(d::HostedZoneSummary {
        hosted_zone_id: zone_id(&x.hosted_zone_id),
        name: Some(x.name),
        owner: x.owner.map(|o| d::HostedZoneOwner { owning_account: o.owning_account, owning_service: o.owning_service }),
    })
}

/// The id of a zone without the path that some answers put before it.
pub fn zone_id(id: &str) -> String {
    id.strip_prefix("/hostedzone/").unwrap_or(id).to_owned()
}

pub fn record_set(x: zone::ResourceRecordSet) -> Option<d::ResourceRecordSet> {
    Some(d::ResourceRecordSet {
        name: present(x.name)?,
        r#type: Some(x.r#type.as_str().to_owned()),
        alias_target: x.alias_target.map(|a| d::AliasTarget { hosted_zone_id: Some(a.hosted_zone_id), dns_name: Some(a.dns_name) }),
        weight: x.weight,
        set_identifier: x.set_identifier,
        region: wire(x.region),
        failover: wire(x.failover),
        health_check_id: x.health_check_id,
        resource_records: each(x.resource_records, |r| d::ResourceRecord { value: Some(r.value) }),
    })
}

pub fn resolver_rule(x: resolver::ResolverRule) -> Option<d::ResolverRule> {
    Some(d::ResolverRule {
        id: x.id?,
        domain_name: x.domain_name,
        rule_type: wire(x.rule_type),
        resolver_endpoint_id: x.resolver_endpoint_id,
        status: wire(x.status),
        owner_id: x.owner_id,
        name: x.name,
        target_ips: each(x.target_ips, |a| d::TargetAddress { ip: a.ip, ipv6: a.ipv6, port: a.port }),
    })
}

pub fn resolver_rule_association(x: resolver::ResolverRuleAssociation) -> d::ResolverRuleAssociation {
    d::ResolverRuleAssociation { id: x.id, resolver_rule_id: x.resolver_rule_id, vpc_id: x.vpc_id, status: wire(x.status) }
}

pub fn resolver_endpoint(x: resolver::ResolverEndpoint) -> Option<d::ResolverEndpoint> {
    Some(d::ResolverEndpoint {
        id: x.id?,
        direction: wire(x.direction),
        host_vpc_id: x.host_vpc_id,
        status: wire(x.status),
        name: x.name,
        security_group_ids: x.security_group_ids.unwrap_or_default(),
    })
}

pub fn resolver_address(x: resolver::IpAddressResponse) -> d::ResolverIpAddress {
    d::ResolverIpAddress { ip: x.ip, ipv6: x.ipv6, subnet_id: x.subnet_id, status: wire(x.status) }
}

pub fn firewall_association(x: resolver::FirewallRuleGroupAssociation) -> d::FirewallRuleGroupAssociation {
    d::FirewallRuleGroupAssociation {
        id: x.id,
        firewall_rule_group_id: x.firewall_rule_group_id,
        vpc_id: x.vpc_id,
        priority: x.priority,
        status: wire(x.status),
        managed_owner_name: x.managed_owner_name,
    }
}

pub fn firewall_rule(x: resolver::FirewallRule) -> d::FirewallRule {
    d::FirewallRule {
        firewall_rule_group_id: x.firewall_rule_group_id,
        firewall_domain_list_id: x.firewall_domain_list_id,
        name: x.name,
        priority: x.priority,
        action: wire(x.action),
        block_response: wire(x.block_response),
        block_override_domain: x.block_override_domain,
        firewall_domain_redirection_action: wire(x.firewall_domain_redirection_action),
        qtype: x.qtype,
        dns_threat_protection: wire(x.dns_threat_protection),
    }
}

pub fn firewall_domain_list(x: resolver::FirewallDomainListMetadata) -> Option<d::FirewallDomainList> {
    Some(d::FirewallDomainList { id: x.id?, name: x.name, managed_owner_name: x.managed_owner_name })
}

pub fn firewall_config(x: resolver::FirewallConfig) -> d::FirewallConfig {
    d::FirewallConfig { resource_id: x.resource_id, firewall_fail_open: wire(x.firewall_fail_open) }
}

pub fn profile_association(x: profile::ProfileAssociation) -> d::ProfileAssociation {
    d::ProfileAssociation { id: x.id, profile_id: x.profile_id, resource_id: x.resource_id, status: wire(x.status) }
}

pub fn role(x: iam::Role) -> Option<i::Role> {
    Some(i::Role {
        role_name: present(x.role_name)?,
        arn: present(x.arn),
        permissions_boundary: x.permissions_boundary.map(|b| i::PermissionsBoundary { permissions_boundary_arn: b.permissions_boundary_arn }),
    })
}

pub fn instance_profile(x: iam::InstanceProfile) -> Option<i::InstanceProfile> {
    Some(i::InstanceProfile { instance_profile_name: Some(present(x.instance_profile_name)?), arn: present(x.arn), roles: each_with_id(Some(x.roles), role) })
}

pub fn attached_policy(x: iam::AttachedPolicy) -> i::AttachedPolicy {
    i::AttachedPolicy { policy_name: x.policy_name, policy_arn: x.policy_arn }
}

pub fn policy(x: iam::Policy) -> i::Policy {
    i::Policy { arn: x.arn, default_version_id: x.default_version_id }
}

/// A document of IAM, which comes percent-encoded; laid out as the text of a document in a snapshot is.
pub fn document(text: &str) -> PolicyText {
    let text = percent_decode(text);
    PolicyText(serde_json::from_str::<serde_json::Value>(&text).map_or(text, |json| json.to_string()))
}

pub fn policy_version(x: iam::PolicyVersion) -> i::PolicyVersion {
    i::PolicyVersion { version_id: x.version_id, document: x.document.as_deref().map(document) }
}

pub fn pull_through_cache_rule(x: ecr::PullThroughCacheRule) -> i::PullThroughCacheRule {
    i::PullThroughCacheRule { ecr_repository_prefix: x.ecr_repository_prefix, upstream_registry_url: x.upstream_registry_url, registry_id: x.registry_id }
}

pub fn image(x: ecr::ImageDetail) -> i::ImageDetail {
    i::ImageDetail { registry_id: x.registry_id, repository_name: x.repository_name, image_digest: x.image_digest, image_tags: x.image_tags.unwrap_or_default() }
}

pub fn detector(x: aws_sdk_guardduty::operation::get_detector::GetDetectorOutput) -> Option<i::Detector> {
    let status = x.status?.as_str().to_owned();
    // The SDK's word for a status that the answer lacks.
    if status == "no value was set" {
        return None;
    }
    Some(i::Detector {
        status: Some(status),
        features: each(x.features, |f: guard::DetectorFeatureConfigurationResult| i::DetectorFeature {
            name: wire(f.name),
            status: wire(f.status),
            additional_configuration: each(f.additional_configuration, |a| i::DetectorFeature { name: wire(a.name), status: wire(a.status), additional_configuration: Vec::new() }),
        }),
    })
}

/// Of the record itself only the way, the error and who called are kept.
pub fn event(x: trail::Event) -> i::CloudTrailEvent {
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Record {
        vpc_endpoint_id: Option<String>,
        error_code: Option<String>,
        user_identity: Option<Identity>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Identity {
        arn: Option<String>,
    }
    let record: Record = x.cloud_trail_event.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    i::CloudTrailEvent {
        event_id: x.event_id,
        event_name: x.event_name,
        event_time: time(x.event_time),
        event_source: x.event_source,
        username: x.username,
        vpc_endpoint_id: record.vpc_endpoint_id,
        error_code: record.error_code,
        source_arn: record.user_identity.and_then(|u| u.arn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_lose_their_path_and_documents_their_escapes() {
        assert_eq!(zone_id("/hostedzone/Z123"), "Z123");
        assert_eq!(zone_id("Z123"), "Z123");
        assert_eq!(document("%7B%22Statement%22%3A%20%5B%5D%7D").0, r#"{"Statement":[]}"#);
    }

    #[test]
    fn an_event_keeps_its_way_and_nothing_of_its_parameters() {
        let record = r#"{"vpcEndpointId":"vpce-1","errorCode":"AccessDenied","userIdentity":{"arn":"arn:aws:sts::1:assumed-role/r/i-1","accessKeyId":"hush"},"requestParameters":{"secretId":"hush"}}"#;
        let kept = event(trail::Event::builder().event_name("GetSecretValue").cloud_trail_event(record).build());
        assert_eq!(kept.vpc_endpoint_id.as_deref(), Some("vpce-1"));
        assert_eq!(kept.source_arn.as_deref(), Some("arn:aws:sts::1:assumed-role/r/i-1"));
        assert!(!format!("{kept:?}").contains("hush"));
    }
}
