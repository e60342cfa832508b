//! The commands of `--format fix` do what the findings say of them: carried out on the inventory, in their order, they take
//! every failure away that is called `verified`, and leave no path blocked but those whose findings say so.

use std::collections::BTreeMap;

use super::*;
use crate::finding::{Finding, Verdict};
use crate::rules::change::Change;

/// The `aws` commands of the fix script.
fn commands(report: &Report) -> Vec<String> {
    let text = String::from_utf8(crate::report::fix::script(report)).unwrap();
    text.lines().filter(|l| l.starts_with("aws ")).map(str::to_owned).collect()
}

/// The words of a command, as a shell reads the quotes that the tool writes.
fn words(command: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted, mut open) = (Vec::new(), String::new(), false, false);
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => (quoted, open) = (!quoted, true),
            '\\' if !quoted => word.extend(chars.next()),
            ' ' if !quoted => {
                if open || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                open = false;
            }
            c => word.push(c),
        }
    }
    out.push(word);
    out
}

/// What a command changes in the network; nothing for those that only look, or are about agents.
fn changes(command: &str) -> Vec<Change> {
    let words = words(command);
    let mut options: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut last = "";
    for word in words.iter().skip(3).map(String::as_str) {
        match word.strip_prefix("--") {
            Some(name) => {
                last = name;
                options.entry(name).or_default();
            }
            None => options.entry(last).or_default().push(word),
        }
    }
    let one = |name: &str| options.get(name).and_then(|v| v.first()).unwrap_or_else(|| panic!("--{name} in {command}")).to_string();
    let all = |name: &str| options.get(name).into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    let has = |name: &str| options.contains_key(name);
    let between = |text: &str, from: &str, to: &str| text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(found, _)| found.to_owned());
    let short = || crate::analysis::services::short_name(&one("service-name")).unwrap().to_owned();
    match words[2].as_str() {
        "authorize-security-group-ingress" => vec![Change::Ingress { group: one("group-id"), cidr: one("cidr"), port: one("port").parse().unwrap() }],
        "authorize-security-group-egress" => {
            let permission = one("ip-permissions");
            let port = between(&permission, "FromPort=", ",").unwrap().parse().unwrap();
            let group = one("group-id");
            vec![match (between(&permission, "CidrIp=", "}"), between(&permission, "PrefixListId=", "}")) {
                (Some(cidr), _) => Change::Egress { group, cidr, port },
                (_, Some(list)) => Change::EgressToList { group, list, port },
                _ => panic!("{command}"),
            }]
        }
        "create-vpc-endpoint" if one("vpc-endpoint-type") == "Gateway" => vec![Change::GatewayEndpoint { vpc: one("vpc-id"), service: short(), tables: all("route-table-ids") }],
        "create-vpc-endpoint" => vec![Change::InterfaceEndpoint { vpc: one("vpc-id"), service: short(), subnets: all("subnet-ids"), groups: all("security-group-ids") }],
        "delete-vpc-endpoints" => all("vpc-endpoint-ids").into_iter().map(|endpoint| Change::DeleteEndpoint { endpoint }).collect(),
        "modify-vpc-endpoint" => {
            let endpoint = one("vpc-endpoint-id");
            let tables = all("add-route-table-ids").into_iter().map(|table| Change::AddRouteTable { endpoint: endpoint.clone(), table });
            let mut found: Vec<Change> = tables.collect();
            found.extend(has("private-dns-enabled").then(|| Change::PrivateDns { endpoint: endpoint.clone() }));
            found.extend(has("policy-document").then(|| Change::Policy { endpoint: endpoint.clone(), document: one("policy-document") }));
            found
        }
        "modify-vpc-attribute" => vec![Change::DnsAttributes { vpc: one("vpc-id") }],
        "delete-route" => vec![Change::DeleteRoute { table: one("route-table-id"), destination: one("destination-cidr-block") }],
        "create-network-acl-entry" => {
            let range = one("port-range");
            vec![Change::AclEntry {
                acl: one("network-acl-id"),
                number: one("rule-number").parse().unwrap(),
                egress: has("egress"),
                from: between(&range, "From=", ",").unwrap().parse().unwrap(),
                to: range.split("To=").nth(1).unwrap().parse().unwrap(),
                cidr: one("cidr-block"),
            }]
        }
        "update-container-agent" | "send-command" => Vec::new(),
        look if look.starts_with("describe-") || look.starts_with("list-") => Vec::new(),
        other => panic!("{other} is not understood: {command}"),
    }
}

/// Carries out what a report proposes, and audits again.
fn carried_out(scene: &Scene, report: &Report) -> Report {
    let mut after = Scene::new();
    after.region.clone_from(&scene.region);
    after.options.clone_from(&scene.options);
    for command in commands(report) {
        for change in changes(&command) {
            assert!(change.apply(&mut after.region), "{command}");
        }
    }
    super::report(&after)
}

fn serious(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|f| f.verdict == Verdict::Fail && f.severity > crate::finding::Severity::Low).collect()
}

/// Says of a scene how its findings were proven, after the proof of the proof.
fn proven(name: &str, scene: &Scene) -> Vec<String> {
    let before = report(scene);
    let after = carried_out(scene, &before);
    for finding in serious(&before).into_iter().filter(|f| f.remediation.proof.as_deref() == Some("verified")) {
        let still = after.findings.iter().find(|f| f.fingerprint == finding.fingerprint && f.verdict == Verdict::Fail);
        assert!(still.is_none_or(|f| f.severity <= crate::finding::Severity::Low), "{name}: {} was called verified, and says still: {}", finding.rule, still.unwrap().message);
    }
    let proof = |f: &Finding| f.remediation.proof.clone().unwrap_or_default();
    if serious(&before).iter().all(|f| proof(f) == "verified" || proof(f).starts_with("mends this")) {
        let said = |service: &str| serious(&before).iter().any(|f| proof(f).starts_with(&format!("mends this, but {service} would")));
        let blocked: Vec<_> = after.paths.iter().filter(|p| p.verdict == Tri::Fail && !said(&p.service)).map(|p| (&p.service, p.blocked_at)).collect();
        assert!(blocked.is_empty(), "{name}: {blocked:?}");
    }
    // Nothing that was reached before is lost by the mends.
    for path in before.paths.iter().filter(|p| p.verdict == Tri::Pass) {
        let now = after.paths.iter().find(|p| p.placement == path.placement && p.service == path.service).unwrap();
        assert_ne!(now.verdict, Tri::Fail, "{name}: {} was reached before: {:?}", path.service, now.hops);
    }
    serious(&before).iter().map(|f| format!("{} {}", f.rule, f.remediation.proof.as_deref().unwrap_or_default())).collect()
}

fn group<'a>(scene: &'a mut Scene, id: &str) -> &'a mut ec2::SecurityGroup {
    scene.region.security_groups.iter_mut().find(|g| g.group_id == id).unwrap()
}

fn deny(scene: &mut Scene, egress: bool, ports: (i32, i32)) {
    scene.region.network_acls[0].entries.push(ec2::NetworkAclEntry {
        cidr_block: text("0.0.0.0/0"),
        egress: Some(egress),
        protocol: text("6"),
        rule_action: text("deny"),
        rule_number: Some(50),
        port_range: Some(ec2::PortRange { from: Some(ports.0), to: Some(ports.1) }),
        ..Default::default()
    });
}

fn policy(scene: &mut Scene, id: &str, document: &str) {
    endpoint(scene, id).policy_document = Some(shape::PolicyText(document.to_owned()));
    let service = endpoint(scene, id).service_name.clone().unwrap();
    scene.region.service_details.push(ec2::ServiceDetail { service_name: service, vpc_endpoint_policy_supported: Some(true), ..Default::default() });
}

/// Every single thing that can be wrong, and how its findings must be proven.
#[test]
fn what_is_called_verified_is_so() {
    type Break = fn(&mut Scene);
    let nothing = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecs:CreateCluster","Resource":"*"}]}"#;
    let sample = r#"{"Statement":[{"Action":["ecs:CreateCluster","ecs:ListClusters"],"Effect":"Allow","Resource":"*"}]}"#;
    let mut scenes: Vec<(String, Scene)> = Vec::new();
    for service in ["ecs", "ecs-agent", "ecs-telemetry", "ecr.api", "ecr.dkr", "s3", "logs", "secretsmanager"] {
        let mut scene = agents();
        remove(&mut scene, service);
        scenes.push((format!("without {service}"), scene));
        let mut scene = agents();
        endpoint(&mut scene, &format!("vpce-{service}")).state = text("failed");
        scenes.push((format!("{service} failed"), scene));
        if service != "s3" {
            let mut scene = agents();
            let off = endpoint(&mut scene, &format!("vpce-{service}"));
            off.private_dns_enabled = Some(false);
            off.dns_entries.truncate(1);
            scenes.push((format!("{service} without private DNS"), scene));
        }
        for document in [nothing, sample, r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::it's-mine/*"}]}"#] {
            let mut scene = agents();
            policy(&mut scene, &format!("vpce-{service}"), document);
            scenes.push((format!("{service} with {document}"), scene));
        }
    }
    let breaks: [(&str, Break); 12] = [
        ("no trio", |s| ["ecs", "ecs-agent", "ecs-telemetry"].iter().for_each(|t| remove(s, t))),
        ("no DNS support", |s| s.region.vpc_attributes[0].enable_dns_support = Some(ec2::AttributeValue { value: Some(false) })),
        ("no DNS hostnames", |s| s.region.vpc_attributes[0].enable_dns_hostnames = Some(ec2::AttributeValue { value: Some(false) })),
        ("the endpoints' group is shut", |s| group(s, "sg-endpoints").ip_permissions.clear()),
        ("the tasks' group is shut", |s| group(s, "sg-tasks").ip_permissions_egress.clear()),
        ("the instances' group is shut", |s| group(s, "sg-instances").ip_permissions_egress.clear()),
        ("the ACL denies requests out", |s| deny(s, true, (443, 443))),
        ("the ACL denies replies", |s| deny(s, false, (1024, 65535))),
        ("the ACL denies some replies", |s| deny(s, false, (40000, 50000))),
        ("S3 is not in the route table", |s| {
            endpoint(s, "vpce-s3").route_table_ids.clear();
            s.region.route_tables[0].routes.retain(|r| r.gateway_id.as_deref() != Some("vpce-s3"));
        }),
        ("a dead default route", |s| {
            remove(s, "logs");
            remove(s, "s3");
            default_route(s, "blackhole", |r| r.nat_gateway_id = text("nat-gone"));
        }),
        ("several at once", |s| {
            remove(s, "logs");
            remove(s, "ecs-agent");
            remove(s, "s3");
            group(s, "sg-endpoints").ip_permissions.clear();
            group(s, "sg-tasks").ip_permissions_egress.clear();
        }),
    ];
    for (name, make) in breaks {
        for with_nat in [false, true] {
            let mut scene = agents();
            if with_nat {
                nat(&mut scene);
            }
            make(&mut scene);
            scenes.push((format!("{name}{}", if with_nat { ", beside a NAT gateway" } else { "" }), scene));
        }
    }
    let mut open = Vec::new();
    for (name, scene) in &scenes {
        let proofs = proven(name, scene);
        open.extend(
            proofs
                .into_iter()
                .filter(|p| !(p.ends_with(" verified") || p.starts_with("AG") || p == "PO01 not_modelled" || name.starts_with("several") && p.contains(" mends this, but ")))
                .map(|p| format!("{name}: {p}")),
        );
    }
    assert_eq!(open, [""; 0], "each is verified, or listed here with what else is in the way");
}

/// The scenes that are recorded, each with mistakes of its own.
#[test]
fn what_is_called_verified_is_so_in_recorded_scenes() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/snapshots");
    let mut proofs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        for region in crate::snapshot::load(&path, &crate::snapshot::LoadOptions::default()).unwrap().regions {
            let mut scene = Scene::new();
            scene.region = region;
            proofs.extend(proven(&path.display().to_string(), &scene));
        }
    }
    let verified = proofs.iter().filter(|p| p.ends_with(" verified")).count();
    assert!(verified >= 7, "the folders are really read: {proofs:?}");
    let network = |p: &&String| ["EP0", "NW", "DN01", "DN02", "WL03", "PO"].iter().any(|r| p.starts_with(r)) && !p.starts_with("EP03");
    let open: Vec<&String> = proofs.iter().filter(network).filter(|p| !p.ends_with(" verified") && !p.contains(" mends this, but ")).collect();
    assert!(open.is_empty(), "{open:?}");
}
