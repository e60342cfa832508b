//! HY01: Endpoints could be more robust or cheaper.

use std::collections::BTreeSet;

use super::endpoints::{self, Usage};
use super::{Outcome, Rule, pages, reads, subject, text};
use crate::actions::Action;
use crate::analysis::{Kind, View};
use crate::finding::{Evidence, Severity};
use crate::inventory::ec2::{SecurityGroup, VpcEndpoint};
use crate::policy::{self, Document};

/// Endpoints could be more robust or cheaper.
pub static RULE: Rule = Rule {
    id: "HY01",
    name: "endpoint-hygiene",
    title: "Endpoints could be more robust or cheaper",
    severity: Severity::Low,
    why: "An endpoint in a single zone, with the default security group or without anybody who uses it works today, and costs money or fails at the worst \
          moment.",
    mend: "Span the zones of the workloads, use a group made for the endpoint, and delete endpoints without users.",
    sources: &[pages::INTERFACE_ENDPOINTS, pages::ENDPOINT_QUOTAS],
    reads: reads::WORKLOADS_AND_ENDPOINTS,
    check,
};

/// Interface endpoints that a VPC may have unless AWS raised it.
const QUOTA: usize = 50;
/// Free addresses below which a subnet is short.
const FEW: i32 = 8;
/// Services whose endpoint policy keeps data in.
const SENSITIVE: [&str; 4] = ["kms", "s3", "secretsmanager", "ssm"];
/// Services that hardly anything but ECS uses: their endpoints stand idle where ECS does not need them.
const OURS: [&str; 6] = ["ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "ssmmessages"];

fn check(view: &View<'_>, outcome: &mut Outcome<'_>) {
    let usage = Usage::new(view);
    let local = |e: &&&VpcEndpoint| e.vpc_id.as_ref().is_some_and(|v| view.vpcs.contains(v)) && endpoints::is_state(e, "available");
    for endpoint in usage.endpoints.iter().filter(local) {
        outcome.pass();
        if endpoints::is_interface(endpoint) {
            zones(view, outcome, &usage, endpoint);
            groups(view, outcome, endpoint);
            interfaces(view, outcome, endpoint);
        }
        idle(view, outcome, &usage, endpoint);
    }
    open_groups(view, outcome, &usage);
    for vpc in &view.vpcs {
        quota(view, outcome, vpc);
        full_access(view, outcome, &usage, vpc);
    }
    subnets(view, outcome, &usage);
}

/// a: an endpoint spans fewer zones than those who use it.
fn zones(view: &View<'_>, outcome: &mut Outcome<'_>, usage: &Usage<'_>, endpoint: &VpcEndpoint) {
    let zone = |subnet: &str| view.index.subnets.get(subnet).and_then(|s| s.availability_zone.as_deref());
    let own: BTreeSet<&str> = endpoint.subnet_ids.iter().filter_map(|s| zone(s)).collect();
    let uses = usage.of(endpoint);
    let offered: BTreeSet<&str> = endpoint.service_name.as_deref().and_then(|n| view.index.service_details.get(n)).into_iter().flat_map(|d| d.availability_zones.iter().map(String::as_str)).collect();
    let missing: BTreeSet<&str> = uses.iter().filter_map(|u| zone(u.placement.subnet.as_deref()?)).filter(|z| !own.contains(z) && (offered.is_empty() || offered.contains(z))).collect();
    if own.is_empty() || missing.is_empty() {
        return;
    }
    let message = format!("{} has no interface in {}, where workloads use it. If the zones that it has fail, they lose it.", endpoints::title(endpoint), text::list(&missing));
    let affected: Vec<_> = uses.iter().copied().filter(|u| u.placement.subnet.as_deref().and_then(zone).is_some_and(|z| missing.contains(z))).collect();
    let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "a", message);
    finding.affects = endpoints::workloads(view, &affected);
    finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "SubnetIds", endpoint.subnet_ids.join(", "), format!("zones {}", text::list(&own)))];
    finding.remediation.text = "Add a subnet of each zone to the endpoint.".to_owned();
    let add: BTreeSet<&str> = missing.iter().filter_map(|z| affected.iter().filter_map(|u| u.placement.subnet.as_deref()).find(|s| zone(s) == Some(z))).collect();
    finding.remediation.commands =
        vec![text::aws(&view.region.region, &format!("ec2 modify-vpc-endpoint --vpc-endpoint-id {} --add-subnet-ids {}", endpoint.vpc_endpoint_id, add.into_iter().collect::<Vec<_>>().join(" ")))];
}

/// b: the default group of the VPC is on an endpoint.
fn groups(view: &View<'_>, outcome: &mut Outcome<'_>, endpoint: &VpcEndpoint) {
    let default = endpoint.vpc_id.as_deref().and_then(|v| view.index.default_group_of_vpc.get(v)).map(|g| g.group_id.as_str());
    if default.is_some() && endpoint.groups.iter().any(|g| g.group_id.as_deref() == default) {
        let group = default.unwrap_or_default();
        let finding = outcome.fail(
            subject::of(view, &endpoint.vpc_endpoint_id),
            "b",
            format!("{} uses {group}, the default group of its VPC. A change made for something else closes it.", endpoints::title(endpoint)),
        );
        finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "Groups", group, "default")];
        finding.remediation.text = "Make a security group for endpoints and use it in place of the default one.".to_owned();
    }
}

/// c: an endpoint that nothing of ECS uses. Others may, so it is only worth knowing.
fn idle(view: &View<'_>, outcome: &mut Outcome<'_>, usage: &Usage<'_>, endpoint: &VpcEndpoint) {
    let fargate_alone = view.placements.iter().filter(|p| p.vpc == endpoint.vpc_id).all(|p| p.fargate);
    let Some(service) = endpoints::short(endpoint).filter(|s| OURS.contains(s)) else { return };
    // Where Fargate alone runs, the agent's endpoints are EP03's.
    if !usage.of(endpoint).is_empty() || fargate_alone && super::agents::TRIO.contains(&service) || endpoints::region_of(endpoint).is_some_and(|r| r != view.region.region) {
        return;
    }
    // Needs that were not seen may be its use.
    let unseen: Vec<_> = view.unseen_needs.values().flat_map(|(unseen, _)| unseen.iter().cloned()).collect();
    if !unseen.is_empty() {
        outcome.unseen(unseen, Vec::<String>::new());
        return;
    }
    let finding = outcome.fail(subject::of(view, &endpoint.vpc_endpoint_id), "c", format!("Nothing that ECS runs in this VPC uses {}. It costs money in each zone.", endpoints::title(endpoint)));
    finding.severity = Severity::Info;
    finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "ServiceName", endpoint.service_name.as_deref().unwrap_or_default(), "")];
    finding.remediation.text = "Delete it, unless something else uses it.".to_owned();
}

/// d: the quota of endpoints is near.
fn quota(view: &View<'_>, outcome: &mut Outcome<'_>, vpc: &str) {
    let counted = view.index.endpoints_of_vpc.get(vpc).into_iter().flatten().filter(|e| !endpoints::is_gateway(e) && !endpoints::is_state(e, "deleted")).count();
    if counted * 10 >= QUOTA * 9 {
        let finding = outcome.fail(subject::of(view, vpc), "d", format!("{vpc} has {counted} interface endpoints of {QUOTA} that a VPC may have by default. The next one may be refused."));
        finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "VpcEndpoints", counted.to_string(), "")];
        finding.remediation.text = "Ask for a higher quota, or delete endpoints that nothing uses.".to_owned();
    }
}

/// e: policies that allow everything, where they could keep data in.
fn full_access(view: &View<'_>, outcome: &mut Outcome<'_>, usage: &Usage<'_>, vpc: &str) {
    let open = |e: &&&VpcEndpoint| e.policy_document.as_ref().is_some_and(|p| Document::parse(p.0.as_bytes()).is_ok_and(|d| policy::is_full_access(&d)));
    let found: Vec<String> = usage
        .endpoints
        .iter()
        .filter(|e| e.vpc_id.as_deref() == Some(vpc) && endpoints::short(e).is_some_and(|s| SENSITIVE.contains(&s)) && endpoints::is_state(e, "available"))
        .filter(open)
        .map(|e| endpoints::title(e))
        .collect();
    if !found.is_empty() {
        let finding = outcome.fail(subject::of(view, vpc), "e", format!("Endpoint policies in {vpc} allow everything: {}. They could keep data in your own account.", text::some(&found)));
        finding.severity = Severity::Info;
        finding.evidence = vec![Evidence::new(Action::DescribeVpcEndpoints, "PolicyDocument", "full access", text::some(&found))];
        finding.remediation.text = "Narrow the policies; at S3, keep the layer bucket of ECR allowed.".to_owned();
    }
}

/// f: groups of endpoints that admit everybody.
fn open_groups(view: &View<'_>, outcome: &mut Outcome<'_>, usage: &Usage<'_>) {
    let ids: BTreeSet<&str> = usage.endpoints.iter().filter(|e| e.vpc_id.as_ref().is_some_and(|v| view.vpcs.contains(v))).flat_map(|e| e.groups.iter().filter_map(|g| g.group_id.as_deref())).collect();
    for id in ids {
        let Some(range) = view.index.security_groups.get(id).and_then(|g| everybody(g)) else { continue };
        let finding = outcome.fail(subject::of(view, id), "f", format!("{id} admits {range} to an endpoint. Whoever reaches the VPC, over peering or VPN too, may use it."));
        finding.evidence = vec![Evidence::new(Action::DescribeSecurityGroups, "IpPermissions", range, "TCP 443")];
        finding.remediation.text = "Admit the ranges or groups of the workloads in place of everybody.".to_owned();
        finding.remediation.commands = vec![text::aws(&view.region.region, &format!("ec2 describe-security-group-rules --filters Name=group-id,Values={id}"))];
    }
}

fn everybody(group: &SecurityGroup) -> Option<&'static str> {
    let https = |p: &&crate::inventory::ec2::IpPermission| match p.ip_protocol.as_deref() {
        Some("-1") => true,
        Some("tcp" | "6") => p.from_port.is_none_or(|f| f <= 443) && p.to_port.is_none_or(|t| t >= 443),
        _ => false,
    };
    let permissions = || group.ip_permissions.iter().filter(https);
    if permissions().any(|p| p.ip_ranges.iter().any(|r| r.cidr_ip.as_deref() == Some("0.0.0.0/0"))) {
        return Some("0.0.0.0/0");
    }
    permissions().any(|p| p.ipv6_ranges.iter().any(|r| r.cidr_ipv6.as_deref() == Some("::/0"))).then_some("::/0")
}

/// g: subnets that are short of addresses.
fn subnets(view: &View<'_>, outcome: &mut Outcome<'_>, usage: &Usage<'_>) {
    let own_interface = |k: Kind| matches!(k, Kind::FargateTask | Kind::AwsvpcTask | Kind::Service);
    let of_tasks = view.placements.iter().filter(|p| own_interface(p.kind)).filter_map(|p| p.subnet.as_deref());
    let of_endpoints = usage.endpoints.iter().flat_map(|e| e.subnet_ids.iter().map(String::as_str));
    let ids: BTreeSet<&str> = of_tasks.chain(of_endpoints).collect();
    for subnet in ids.into_iter().filter_map(|id| view.index.subnets.get(id)).filter(|s| view.vpcs.contains(&s.vpc_id)) {
        let Some(free) = subnet.available_ip_address_count.filter(|n| *n < FEW && subnet.ipv6_native != Some(true)) else { continue };
        let finding = outcome.fail(subject::of(view, &subnet.subnet_id), "g", format!("{} has {free} free addresses left. The next tasks or endpoint interfaces may find none.", subnet.subnet_id));
        finding.affects = view.placements.iter().filter(|p| own_interface(p.kind) && p.subnet.as_ref() == Some(&subnet.subnet_id)).flat_map(|p| p.workloads.iter().cloned()).collect();
        finding.evidence = vec![Evidence::new(Action::DescribeSubnets, "AvailableIpAddressCount", free.to_string(), "")];
        finding.remediation.text = "Add subnets to the services, or move to larger ones.".to_owned();
    }
}

/// h: interfaces of an endpoint that are not in use.
fn interfaces(view: &View<'_>, outcome: &mut Outcome<'_>, endpoint: &VpcEndpoint) {
    let odd = |id: &&String| view.index.interfaces.get(id.as_str()).and_then(|i| i.status.as_deref()).is_some_and(|s| !s.eq_ignore_ascii_case("in-use"));
    let odd: Vec<&str> = endpoint.network_interface_ids.iter().filter(odd).map(String::as_str).collect();
    if !odd.is_empty() {
        let finding = outcome.fail(
            subject::of(view, &endpoint.vpc_endpoint_id),
            "h",
            format!("Interfaces of {} are not in use: {}. Names may still lead to them.", endpoints::title(endpoint), text::some(&odd)),
        );
        finding.evidence = vec![Evidence::new(Action::DescribeNetworkInterfaces, "Status", "not in-use", text::some(&odd))];
        finding.remediation.text = "Look again in a few minutes; if it stays, take the subnet off the endpoint and add it again.".to_owned();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleResult;
    use super::super::testing::{Scene, VPC, from};
    use super::RULE;
    use crate::actions::Action;
    use crate::analysis::{Kind, Tri, Way};
    use crate::finding::{Severity, Verdict};

    const MADE: &str = "2026-01-01T00:00:00Z";

    /// A logs endpoint in one zone, and a task beside it that uses it.
    fn scene(fields: Value) -> Scene {
        let mut scene = Scene::new();
        scene.region.subnets = ["1", "2"].map(|n| from(json!({"SubnetId": format!("subnet-{n}"), "VpcId": VPC, "AvailabilityZone": format!("us-east-2{n}"), "AvailableIpAddressCount": 200}))).into();
        let mut all = json!({"SubnetIds": ["subnet-1"], "Groups": [{"GroupId": "sg-1"}]});
        if let (Value::Object(all), Value::Object(fields)) = (&mut all, fields) {
            all.extend(fields);
        }
        scene.endpoint("logs", MADE, all);
        scene.region.security_groups = vec![from(
            json!({"GroupId": "sg-1", "GroupName": "endpoints", "VpcId": VPC, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]}),
        )];
        scene.placement(Kind::FargateTask, &["arn:aws:ecs:us-east-2:111122223333:task/web/t"], &[("logs", Way::InterfaceEndpoint, Tri::Pass)]);
        scene
    }

    fn found(result: &RuleResult) -> Vec<(&str, Severity)> {
        result.findings.iter().map(|f| (f.resource.id.as_deref().unwrap_or_default(), f.severity)).collect()
    }

    #[test]
    fn a_tidy_endpoint_passes_and_without_endpoints_it_does_not_apply() {
        assert_eq!(scene(json!({})).run(&RULE).verdict, Verdict::Pass);
        assert_eq!(Scene::new().run(&RULE).verdict, Verdict::NotApplicable);
        assert_eq!(Scene::new().deny(Action::DescribeVpcEndpoints).run(&RULE).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_fewer_zones_than_users() {
        let mut scene = scene(json!({}));
        scene.placements[0].subnet = Some("subnet-2".into());
        let result = scene.run(&RULE);
        assert_eq!(found(&result), [("vpce-logs", Severity::Low)]);
        assert!(result.findings[0].remediation.commands[0].contains("--add-subnet-ids subnet-2"));
        // Where the service itself is not there, nothing can be done.
        scene.region.service_details = vec![from(json!({"ServiceName": "com.amazonaws.us-east-2.logs", "AvailabilityZones": ["us-east-21"]}))];
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn b_the_default_group() {
        let mut scene = scene(json!({}));
        scene.region.security_groups[0].group_name = Some("default".into());
        assert_eq!(found(&scene.run(&RULE)), [("vpce-logs", Severity::Low)]);
    }

    #[test]
    fn c_an_endpoint_without_users() {
        let mut scene = scene(json!({}));
        scene.endpoint("ecr.api", MADE, json!({}));
        assert_eq!(found(&scene.run(&RULE)), [("vpce-ecr.api", Severity::Info)]);
        // The agent's endpoints beside Fargate alone are EP03's.
        scene.region.vpc_endpoints[1].service_name = Some("com.amazonaws.us-east-2.ecs".into());
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn d_the_quota_is_near() {
        let mut scene = scene(json!({}));
        for n in 0..44 {
            scene.endpoint("lambda", MADE, json!({"VpcEndpointId": format!("vpce-{n}")}));
        }
        assert_eq!(found(&scene.run(&RULE)), [(VPC, Severity::Low)]);
        scene.region.vpc_endpoints.pop();
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn e_full_access_where_data_could_be_kept_in() {
        let mut scene = scene(json!({}));
        scene.endpoint("secretsmanager", MADE, json!({}));
        assert_eq!(found(&scene.run(&RULE)), [(VPC, Severity::Info)]);
    }

    #[test]
    fn f_a_group_that_admits_everybody() {
        for (range, kind) in [("0.0.0.0/0", "IpRanges"), ("::/0", "Ipv6Ranges")] {
            let mut scene = scene(json!({}));
            let key = if kind == "IpRanges" { "CidrIp" } else { "CidrIpv6" };
            scene.region.security_groups[0].ip_permissions = vec![from(json!({"IpProtocol": "-1", kind: [{key: range}]}))];
            assert_eq!(found(&scene.run(&RULE)), [("sg-1", Severity::Low)], "{range}");
            scene.region.security_groups[0].ip_permissions[0].ip_protocol = Some("udp".into());
            assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
        }
    }

    #[test]
    fn g_a_subnet_short_of_addresses() {
        let mut scene = scene(json!({}));
        scene.region.subnets[0].available_ip_address_count = Some(7);
        assert_eq!(found(&scene.run(&RULE)), [("subnet-1", Severity::Low)]);
        scene.region.subnets[0].available_ip_address_count = Some(8);
        assert_eq!(scene.run(&RULE).verdict, Verdict::Pass);
    }

    #[test]
    fn h_an_interface_that_is_not_in_use() {
        let mut scene = scene(json!({}));
        scene.region.network_interfaces = vec![from(json!({"NetworkInterfaceId": "eni-logs", "Status": "pending"}))];
        assert_eq!(found(&scene.run(&RULE)), [("vpce-logs", Severity::Low)]);
    }
}
