//! The object that a finding is about, from its id: what the mend changes.

use crate::analysis::View;
use crate::finding::Resource;
use crate::inventory::ec2::{Tag, name_of};

/// The resource with this id or ARN: `vpc-…`, `vpce-…`, `sg-…`, `acl-…`, `rtb-…`, `subnet-…`, `eni-…`, `i-…`, a hosted zone id, or
/// the ARN of a role or of an object of ECS (whose id is its ARN); for anything else, the account.
#[must_use]
pub fn of(view: &View<'_>, id: &str) -> Resource {
    if id.starts_with("arn:") {
        return by_arn(view, id);
    }
    let index = &view.index;
    let ec2 = |kind: &str, r#type: &str, owner: Option<&String>, vpc: Option<&String>, tags: &[Tag]| {
        let region = view.region;
        let account = owner.unwrap_or(&region.account);
        Resource {
            arn: Some(format!("arn:{}:ec2:{}:{account}:{kind}/{id}", region.partition, region.region)),
            r#type: Some(r#type.to_owned()),
            id: Some(id.to_owned()),
            name: name_of(tags).map(str::to_owned),
            account: Some(account.clone()),
            region: Some(region.region.clone()),
            vpc: vpc.cloned(),
        }
    };
    match id.split_once('-').map(|(kind, _)| kind) {
        Some("vpc") => {
            let vpc = index.vpcs.get(id).copied();
            ec2("vpc", "AWS::EC2::VPC", vpc.and_then(|v| v.owner_id.as_ref()), Some(&id.to_owned()), vpc.map_or(&[], |v| v.tags.as_slice()))
        }
        Some("vpce") => {
            let endpoint = index.endpoints.get(id).copied();
            ec2("vpc-endpoint", "AWS::EC2::VPCEndpoint", endpoint.and_then(|e| e.owner_id.as_ref()), endpoint.and_then(|e| e.vpc_id.as_ref()), endpoint.map_or(&[], |e| e.tags.as_slice()))
        }
        Some("sg") => {
            let group = index.security_groups.get(id).copied();
            let mut resource =
                ec2("security-group", "AWS::EC2::SecurityGroup", group.and_then(|g| g.owner_id.as_ref()), group.and_then(|g| g.vpc_id.as_ref()), group.map_or(&[], |g| g.tags.as_slice()));
            resource.name = resource.name.or_else(|| group.and_then(|g| g.group_name.clone()));
            resource
        }
        Some("acl") => {
            let acl = index.network_acls.get(id).copied();
            ec2("network-acl", "AWS::EC2::NetworkAcl", acl.and_then(|a| a.owner_id.as_ref()), acl.and_then(|a| a.vpc_id.as_ref()), acl.map_or(&[], |a| a.tags.as_slice()))
        }
        Some("rtb") => {
            let table = index.route_tables.get(id).copied();
            ec2("route-table", "AWS::EC2::RouteTable", table.and_then(|t| t.owner_id.as_ref()), table.and_then(|t| t.vpc_id.as_ref()), table.map_or(&[], |t| t.tags.as_slice()))
        }
        Some("subnet") => {
            let subnet = index.subnets.get(id).copied();
            ec2("subnet", "AWS::EC2::Subnet", subnet.and_then(|s| s.owner_id.as_ref()), subnet.map(|s| &s.vpc_id), subnet.map_or(&[], |s| s.tags.as_slice()))
        }
        Some("eni") => {
            let eni = index.interfaces.get(id).copied();
            ec2("network-interface", "AWS::EC2::NetworkInterface", eni.and_then(|e| e.owner_id.as_ref()), eni.and_then(|e| e.vpc_id.as_ref()), eni.map_or(&[], |e| e.tag_set.as_slice()))
        }
        Some("i") => {
            let instance = index.instances.get(id).copied();
            ec2("instance", "AWS::EC2::Instance", None, instance.and_then(|i| i.vpc_id.as_ref()), instance.map_or(&[], |i| i.tags.as_slice()))
        }
        Some("tgw") => ec2("transit-gateway", "AWS::EC2::TransitGateway", None, None, &[]),
        Some("pcx") => ec2("vpc-peering-connection", "AWS::EC2::VPCPeeringConnection", None, None, &[]),
        _ if id.starts_with('Z') || id.starts_with("/hostedzone/") => zone(view, id),
        _ => super::scope_resource(view),
    }
}

/// A private hosted zone, by its id with or without `/hostedzone/`.
fn zone(view: &View<'_>, id: &str) -> Resource {
    let region = view.region;
    let id = id.trim_start_matches("/hostedzone/");
    let name = region
        .hosted_zones
        .values()
        .filter_map(|answer| answer.output())
        .flat_map(|zones| &zones.hosted_zone_summaries)
        .find(|z| z.hosted_zone_id.trim_start_matches("/hostedzone/") == id)
        .and_then(|z| z.name.clone());
    Resource {
        arn: Some(format!("arn:{}:route53:::hostedzone/{id}", region.partition)),
        r#type: Some("AWS::Route53::HostedZone".to_owned()),
        id: Some(id.to_owned()),
        name,
        account: Some(region.account.clone()),
        region: Some(region.region.clone()),
        vpc: None,
    }
}

fn by_arn(view: &View<'_>, arn: &str) -> Resource {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, _region, account, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (kind, name) = rest.split_once('/').unwrap_or((rest, rest));
    let r#type = match (service, kind) {
        ("iam", "role") => "AWS::IAM::Role",
        ("ecs", "cluster") => "AWS::ECS::Cluster",
        ("ecs", "service") => "AWS::ECS::Service",
        ("ecs", "task") => "AWS::ECS::Task",
        ("ecs", "container-instance") => "AWS::ECS::ContainerInstance",
        ("ecs", "task-definition") => "AWS::ECS::TaskDefinition",
        ("ecs", "capacity-provider") => "AWS::ECS::CapacityProvider",
        _ => "AWS::Resource",
    };
    let last = name.rsplit('/').next().unwrap_or(name);
    let vpc = view.index.container_instances.get(arn).and_then(|i| super::agents::vpc_of(view, i)).map(str::to_owned);
    Resource {
        arn: Some(arn.to_owned()),
        r#type: Some(r#type.to_owned()),
        id: Some(arn.to_owned()),
        name: Some(last.to_owned()),
        account: Some(if account.is_empty() { view.region.account.clone() } else { account.to_owned() }),
        region: Some(view.region.region.clone()),
        vpc,
    }
}
