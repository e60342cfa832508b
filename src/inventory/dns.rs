//! What `aws route53`, `route53resolver` and `route53profiles` print, as far as the audit models it.

use super::shape::shapes;

shapes! { "PascalCase";
    /// The hosted zones that one VPC uses (ListHostedZonesByVPC).
    HostedZonesByVpc { id: ; opt: next_token: String; list: hosted_zone_summaries: HostedZoneSummary; }
    /// A hosted zone that a VPC uses.
    HostedZoneSummary { id: hosted_zone_id; opt: name: String, owner: HostedZoneOwner; list: ; }
    /// Who owns a hosted zone: an account or an AWS service.
    HostedZoneOwner { id: ; opt: owning_account: String, owning_service: String; list: ; }
    /// The records of one hosted zone.
    ResourceRecordSets { id: ; opt: is_truncated: bool; list: resource_record_sets: ResourceRecordSet; }
    /// A record set. `*` may be written `\052`, and names end in a dot.
    ResourceRecordSet { id: name; opt: r#type: String, alias_target: AliasTarget, weight: i64, set_identifier: String, region: String, failover: String, health_check_id: String; list: resource_records: ResourceRecord; }
    /// The value of a record.
    ResourceRecord { id: ; opt: value: String; list: ; }
    /// Where an alias record leads.
    AliasTarget { id: ; opt: hosted_zone_id: String, #[serde(rename = "DNSName")] dns_name: String; list: ; }
    /// A Resolver rule.
    ResolverRule { id: id; opt: domain_name: String, rule_type: String, resolver_endpoint_id: String, status: String, owner_id: String, name: String; list: target_ips: TargetAddress; }
    /// A server that a FORWARD rule sends queries to.
    TargetAddress { id: ; opt: ip: String, ipv6: String, port: i32; list: ; }
    /// A Resolver rule in use by a VPC.
    ResolverRuleAssociation { id: ; opt: id: String, resolver_rule_id: String, #[serde(rename = "VPCId")] vpc_id: String, status: String; list: ; }
    /// A Resolver endpoint.
    ResolverEndpoint { id: id; opt: direction: String, #[serde(rename = "HostVPCId")] host_vpc_id: String, status: String, name: String; list: security_group_ids: String; }
    /// The addresses of one Resolver endpoint.
    ResolverEndpointIpAddresses { id: ; opt: next_token: String; list: ip_addresses: ResolverIpAddress; }
    /// An address of a Resolver endpoint.
    ResolverIpAddress { id: ; opt: ip: String, ipv6: String, subnet_id: String, status: String; list: ; }
    /// A DNS Firewall rule group in use by a VPC.
    FirewallRuleGroupAssociation { id: ; opt: id: String, firewall_rule_group_id: String, vpc_id: String, priority: i32, status: String, managed_owner_name: String; list: ; }
    /// The rules of one DNS Firewall rule group.
    FirewallRules { id: ; opt: next_token: String; list: firewall_rules: FirewallRule; }
    /// A DNS Firewall rule.
    FirewallRule { id: ; opt: firewall_rule_group_id: String, firewall_domain_list_id: String, name: String, priority: i32, action: String, block_response: String, block_override_domain: String,
        firewall_domain_redirection_action: String, qtype: String, dns_threat_protection: String; list: ; }
    /// The domains of one DNS Firewall domain list.
    FirewallDomains { id: ; opt: next_token: String; list: domains: String; }
    /// A DNS Firewall domain list.
    FirewallDomainList { id: id; opt: name: String, managed_owner_name: String; list: ; }
    /// DNS Firewall configuration of a VPC.
    FirewallConfig { id: ; opt: resource_id: String, firewall_fail_open: String; list: ; }
    /// A Route 53 Profile in use by a VPC.
    ProfileAssociation { id: ; opt: id: String, profile_id: String, resource_id: String, status: String; list: ; }
}
