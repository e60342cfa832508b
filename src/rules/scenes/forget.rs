//! What is not collected is unknown: in many scenes each file of the recording is taken away, one at a time. No rule and no
//! path gets better for it, none turns out not to apply, and no failure comes of it.

use super::*;
use crate::finding::{Severity, Verdict};
use crate::inventory::ecs;
use crate::snapshot;

type Made = (&'static str, Scene);

fn vary(name: &'static str, mut scene: Scene, change: impl FnOnce(&mut Scene)) -> Made {
    change(&mut scene);
    (name, scene)
}

fn group<'a>(scene: &'a mut Scene, id: &str) -> &'a mut ec2::SecurityGroup {
    scene.region.security_groups.iter_mut().find(|g| g.group_id == id).unwrap()
}

fn zone(scene: &mut Scene, id: &str, name: &str, records: Vec<dns::ResourceRecordSet>) {
    let summary = dns::HostedZoneSummary { hosted_zone_id: id.into(), name: text(name), owner: Some(dns::HostedZoneOwner { owning_account: text(ACCOUNT), owning_service: None }) };
    if let Some(Answer::Output(zones)) = scene.region.hosted_zones.get_mut(VPC) {
        zones.hosted_zone_summaries.push(summary);
    }
    scene.region.record_sets.insert(id.into(), Answer::Output(dns::ResourceRecordSets { resource_record_sets: records, ..Default::default() }));
}

fn private_dns_off(scene: &mut Scene) {
    let off = endpoint(scene, "vpce-logs");
    off.private_dns_enabled = Some(false);
    off.dns_entries.truncate(1);
}

fn deny(egress: bool, cidr: &str, ports: (i32, i32)) -> ec2::NetworkAclEntry {
    ec2::NetworkAclEntry {
        cidr_block: text(cidr),
        egress: Some(egress),
        protocol: text("6"),
        rule_action: text("deny"),
        rule_number: Some(50),
        port_range: Some(ec2::PortRange { from: Some(ports.0), to: Some(ports.1) }),
        ..Default::default()
    }
}

/// One scene for most lines of the ownership table.
fn scenes() -> Vec<Made> {
    let attribute = |value: bool| Some(ec2::AttributeValue { value: Some(value) });
    vec![
        vary("whole", whole(), |_| {}),
        vary("agents", agents(), |_| {}),
        vary("agents behind nat", agents(), nat),
        vary("no trio", agents(), |s| ["ecs", "ecs-agent", "ecs-telemetry"].iter().for_each(|e| remove(s, e))),
        vary("trio in part behind nat", agents(), |s| {
            nat(s);
            remove(s, "ecs-agent");
        }),
        vary("no logs", whole(), |s| remove(s, "logs")),
        vary("hub over peering", hub::peered(), |_| {}),
        vary("hub over a transit gateway", hub::attached(&[], &[]), |_| {}),
        vary("hub over a transit gateway, shut", hub::attached(&[(false, "10.0.0.0/16", 443, 443)], &[]), |_| {}),
        vary("no s3", whole(), |s| remove(s, "s3")),
        vary("no logs behind nat", whole(), |s| {
            nat(s);
            remove(s, "logs");
        }),
        vary("only s3 behind nat", whole(), |s| {
            nat(s);
            ["ecr.api", "ecr.dkr", "logs", "secretsmanager"].iter().for_each(|e| remove(s, e));
        }),
        vary("dead route", whole(), |s| {
            remove(s, "logs");
            default_route(s, "blackhole", |r| r.nat_gateway_id = text("nat-gone"));
        }),
        vary("no public address", whole(), |s| {
            remove(s, "logs");
            default_route(s, "active", |r| r.gateway_id = text("igw-1"));
            s.region.internet_gateways.push(ec2::InternetGateway {
                internet_gateway_id: "igw-1".into(),
                attachments: vec![ec2::InternetGatewayAttachment { vpc_id: text(VPC), state: text("available") }],
                ..Default::default()
            });
        }),
        vary("transit gateway", whole(), |s| {
            remove(s, "logs");
            default_route(s, "active", |r| r.transit_gateway_id = text("tgw-1"));
        }),
        vary("failed endpoint", whole(), |s| endpoint(s, "vpce-logs").state = text("failed")),
        vary("odd state", whole(), |s| endpoint(s, "vpce-logs").state = text("Hibernating")),
        vary("foreign region", whole(), |s| {
            let foreign = endpoint(s, "vpce-logs");
            foreign.service_name = text("com.amazonaws.us-west-2.logs");
            foreign.service_region = text("us-west-2");
        }),
        vary("private dns off", whole(), private_dns_off),
        vary("private dns off behind nat", whole(), |s| {
            nat(s);
            private_dns_off(s);
        }),
        vary("support off", whole(), |s| s.region.vpc_attributes[0].enable_dns_support = attribute(false)),
        vary("hostnames off", whole(), |s| s.region.vpc_attributes[0].enable_dns_hostnames = attribute(false)),
        vary("hostnames off behind nat", whole(), |s| {
            nat(s);
            s.region.vpc_attributes[0].enable_dns_hostnames = attribute(false);
        }),
        vary("own resolver", agents(), |s| s.region.dhcp_options[0].dhcp_configurations[0].values = vec![ec2::DhcpValue { value: text("192.168.7.7") }]),
        vary("no resolver", whole(), |s| s.region.dhcp_options[0].dhcp_configurations.clear()),
        vary("endpoints shut", whole(), |s| group(s, "sg-endpoints").ip_permissions.clear()),
        vary("tasks shut", whole(), |s| group(s, "sg-tasks").ip_permissions_egress.clear()),
        vary("tasks to the vpc alone", agents(), |s| group(s, "sg-tasks").ip_permissions_egress[0].ip_ranges[0].cidr_ip = text("10.0.0.0/16")),
        vary("one interface shut", whole(), |s| {
            s.region.security_groups.push(ec2::SecurityGroup { group_id: "sg-shut".into(), vpc_id: text(VPC), ..Default::default() });
            s.region.network_interfaces.iter_mut().find(|n| n.network_interface_id == "eni-logs-subnet-b").unwrap().groups = vec![ec2::GroupIdentifier { group_id: text("sg-shut"), group_name: None }];
        }),
        vary("replies in part", whole(), |s| s.region.network_acls[0].entries.push(deny(false, "0.0.0.0/0", (40000, 50000)))),
        vary("acl shuts requests", whole(), |s| s.region.network_acls[0].entries.push(deny(true, "10.0.0.0/16", (443, 443)))),
        vary("acl shuts s3", whole(), |s| s.region.network_acls[0].entries.push(deny(true, "52.219.0.0/16", (443, 443)))),
        vary("gateway in another table", whole(), |s| {
            endpoint(s, "vpce-s3").route_table_ids.clear();
            s.region.route_tables[0].routes.retain(|r| r.gateway_id.as_deref() != Some("vpce-s3"));
        }),
        vary("zone above", whole(), |s| {
            remove(s, "logs");
            zone(s, "ZABOVE", &format!("{REGION}.amazonaws.com."), Vec::new());
        }),
        vary("zone with a wrong name", whole(), |s| {
            private_dns_off(s);
            zone(s, "ZWRONG", &format!("ecr.api.{REGION}.amazonaws.com."), Vec::new());
        }),
        vary("zone with an address of nobody", whole(), |s| {
            private_dns_off(s);
            let value = dns::ResourceRecord { value: text("10.0.0.250") };
            let record = dns::ResourceRecordSet { name: format!("logs.{REGION}.amazonaws.com."), r#type: text("A"), resource_records: vec![value], ..Default::default() };
            zone(s, "ZNOBODY", &format!("logs.{REGION}.amazonaws.com."), vec![record]);
        }),
        vary("numbered zone", agents(), |s| zone(s, "ZNUMBER", &format!("ecs-a-1.{REGION}.amazonaws.com."), Vec::new())),
        vary("forward rule", agents(), |s| {
            s.region.resolver_rules.push(dns::ResolverRule {
                id: "rslvr-rr-1".into(),
                domain_name: text(format!("logs.{REGION}.amazonaws.com.")),
                rule_type: text("FORWARD"),
                status: text("COMPLETE"),
                target_ips: vec![dns::TargetAddress { ip: text("192.168.7.7"), ..Default::default() }],
                ..Default::default()
            });
            s.region.resolver_rule_associations.push(dns::ResolverRuleAssociation { id: text("rslvr-rrassoc-1"), resolver_rule_id: text("rslvr-rr-1"), vpc_id: text(VPC), status: text("COMPLETE") });
        }),
        vary("firewall", whole(), |s| {
            s.region.firewall_associations.push(dns::FirewallRuleGroupAssociation {
                id: text("rslvr-frgassoc-1"),
                firewall_rule_group_id: text("rslvr-frg-1"),
                vpc_id: text(VPC),
                priority: Some(101),
                status: text("COMPLETE"),
                ..Default::default()
            });
            let rule = dns::FirewallRule { firewall_domain_list_id: text("rslvr-fdl-1"), priority: Some(1), action: text("BLOCK"), block_response: text("NODATA"), ..Default::default() };
            s.region.firewall_rules.insert("rslvr-frg-1".into(), Answer::Output(dns::FirewallRules { firewall_rules: vec![rule], ..Default::default() }));
            s.region.firewall_domain_lists.push(dns::FirewallDomainList { id: "rslvr-fdl-1".into(), name: text("ours"), ..Default::default() });
            s.region.firewall_domains.insert("rslvr-fdl-1".into(), Answer::Output(dns::FirewallDomains { domains: vec![format!("logs.{REGION}.amazonaws.com.")], ..Default::default() }));
        }),
        vary("public image", whole(), |s| {
            for answer in s.region.task_definitions.values_mut() {
                if let Answer::Output(definition) = answer {
                    definition.container_definitions[0].image = text("nginx:1");
                }
            }
        }),
        vary("public image behind nat", whole(), |s| {
            nat(s);
            for answer in s.region.task_definitions.values_mut() {
                if let Answer::Output(definition) = answer {
                    definition.container_definitions[0].image = text("nginx:1");
                }
            }
        }),
        vary("half of s3 by nat", ways::half_by_nat(&[(true, "0.0.0.0/0", (443, 443))]), |_| {}),
        vary("fargate with the trio", whole(), |s| ["ecs", "ecs-agent", "ecs-telemetry"].iter().for_each(|e| drop(s.interface_endpoint(e)))),
        vary("closed policy", whole(), |s| {
            endpoint(s, "vpce-logs").policy_document = Some(shape::PolicyText(r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#.into()))
        }),
        vary("disconnected agent", agents(), |s| s.region.container_instances[0].agent_connected = Some(false)),
        vary("old agent", agents(), |s| s.region.container_instances[0].version_info = Some(ecs::VersionInfo { agent_version: text("1.20.0"), ..Default::default() })),
        vary("shared vpc", whole(), |s| {
            s.region.vpcs[0].owner_id = text("999988887777");
            s.region.vpc_endpoints.clear();
        }),
        vary("block public access", whole(), |s| {
            nat(s);
            remove(s, "logs");
            s.region.block_public_access_options = Some(ec2::BlockPublicAccessOptions { internet_gateway_block_mode: text("block-bidirectional"), ..Default::default() });
        }),
        vary("nothing runs", Scene::new(), |_| {}),
    ]
}

/// What is wrong with a report to which less was known than to another.
fn worse(before: &Report, after: &Report) -> Vec<String> {
    let mut found = Vec::new();
    for (was, is) in before.rules.iter().zip(&after.rules) {
        use Verdict::{Fail, NotApplicable, Pass, Unknown};
        let wrong = matches!((was.verdict, is.verdict), (Fail | Unknown, Pass) | (Fail | Unknown | Pass, NotApplicable) | (Pass | Unknown | NotApplicable, Fail));
        if wrong {
            found.push(format!("{} was {:?} and is {:?}", was.id, was.verdict, is.verdict));
        }
    }
    for finding in after.findings.iter().filter(|f| f.verdict == Verdict::Fail) {
        let old = before.findings.iter().find(|f| f.fingerprint == finding.fingerprint && f.verdict == Verdict::Fail);
        if old.is_none_or(|o| o.severity < finding.severity) {
            found.push(format!("{} {:?} on {:?} is new or worse: {}", finding.rule, finding.severity, finding.resource.id, finding.message));
        }
    }
    for path in &after.paths {
        let members = |r: &Report, p: &str| r.placements.iter().find(|l| l.id == p).map(|l| l.members.clone());
        let same = |p: &&crate::report::PathLine| p.placement == path.placement && p.service == path.service && p.port == path.port;
        if let Some(old) = before.paths.iter().find(same).filter(|_| members(before, &path.placement) == members(after, &path.placement))
            && old.verdict != path.verdict
            && path.verdict != Tri::Unknown
        {
            found.push(format!("path to {} was {:?} and is {:?}", path.service, old.verdict, path.verdict));
        }
        let named =
            after.findings.iter().any(|f| f.verdict == if path.verdict == Tri::Fail { Verdict::Fail } else { Verdict::Unknown } && (f.severity >= Severity::Medium || path.verdict == Tri::Unknown));
        if path.verdict != Tri::Pass && !named {
            found.push(format!("path to {} is {:?}, and no finding says so", path.service, path.verdict));
        }
    }
    if after.complete && !before.complete {
        found.push("it became complete".to_owned());
    }
    found
}

/// CloudTrail is asked on demand alone; and where the options of Block Public Access were not collected, they count as off.
fn kept_out(file: &str) -> bool {
    ["audit-snapshot.json", "cloudtrail.lookup-events.json", "ec2.describe-vpc-block-public-access-options.json"].contains(&file)
}

#[test]
fn what_is_forgotten_is_unknown() {
    let plan = |scene: &Scene| Plan { options: scene.options.clone(), rules: super::super::ALL.to_vec() };
    // Each scene loses a part of its files, each file in a part of the scenes; `FORGET_ALL=1`: every file in every scene.
    let share = if std::env::var_os("FORGET_ALL").is_some() { 1 } else { 8 };
    let (mut wrong, mut runs) = (Vec::new(), 0);
    for (number, (name, mut scene)) in scenes().into_iter().enumerate() {
        scene.region.taken_at = scene.region.taken_at.or_else(|| shape::Time::parse("2026-11-20T12:00:00Z").ok());
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().join("all");
        snapshot::save(&Inventory { regions: vec![scene.region.clone()] }, &all).unwrap();
        let load = |dir: &std::path::Path| audit(snapshot::load(dir, &snapshot::LoadOptions::default()).unwrap(), &plan(&scene));
        let before = load(&all);
        let mut names: Vec<String> = std::fs::read_dir(&all).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).filter(|f| !kept_out(f)).collect();
        names.sort();
        assert!(names.len() > 20, "{names:?}");
        for (_, file) in names.into_iter().enumerate().filter(|(n, _)| (n + number) % share == 0) {
            let (kept, away) = (all.join(&file), folder.path().join("away"));
            std::fs::rename(&kept, &away).unwrap();
            runs += 1;
            wrong.extend(worse(&before, &load(&all)).into_iter().map(|w| format!("{name}, without {file}: {w}")));
            std::fs::rename(&away, &kept).unwrap();
        }
    }
    assert!(runs > 1000 / share, "{runs}");
    assert!(wrong.is_empty(), "{} of {runs} runs:\n{}", wrong.len(), wrong.join("\n"));
}
