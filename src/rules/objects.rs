//! The resource of a finding, from the id of the object whose change mends it.

use crate::analysis::View;
use crate::finding::Resource;
use crate::inventory::ec2;

/// The resource with this id (or ARN) in a region.
#[must_use]
pub fn resource(view: &View<'_>, rule: &str, object: &str) -> Resource {
    let index = &view.index;
    let tags = |t: &[ec2::Tag]| ec2::name_of(t).map(str::to_owned);
    let (kind, path, name, vpc): (&str, String, Option<String>, Option<String>) = if object.starts_with("vpce-") {
        let endpoint = index.endpoints.get(object);
        ("AWS::EC2::VPCEndpoint", format!("vpc-endpoint/{object}"), endpoint.and_then(|e| tags(&e.tags)), endpoint.and_then(|e| e.vpc_id.clone()))
    } else if object.starts_with("vpc-") {
        ("AWS::EC2::VPC", format!("vpc/{object}"), index.vpcs.get(object).and_then(|v| tags(&v.tags)), Some(object.to_owned()))
    } else if object.starts_with("subnet-") {
        let subnet = index.subnets.get(object);
        ("AWS::EC2::Subnet", format!("subnet/{object}"), subnet.and_then(|s| tags(&s.tags)), subnet.map(|s| s.vpc_id.clone()))
    } else if object.starts_with("sg-") {
        let group = index.security_groups.get(object);
        ("AWS::EC2::SecurityGroup", format!("security-group/{object}"), group.and_then(|g| tags(&g.tags).or_else(|| g.group_name.clone())), group.and_then(|g| g.vpc_id.clone()))
    } else if object.starts_with("acl-") {
        let acl = index.network_acls.get(object);
        ("AWS::EC2::NetworkAcl", format!("network-acl/{object}"), acl.and_then(|a| tags(&a.tags)), acl.and_then(|a| a.vpc_id.clone()))
    } else if object.starts_with("rtb-") {
        let table = index.route_tables.get(object);
        ("AWS::EC2::RouteTable", format!("route-table/{object}"), table.and_then(|t| tags(&t.tags)), table.and_then(|t| t.vpc_id.clone()))
    } else if object.starts_with("arn:") {
        return by_arn(view, object);
    } else if object.starts_with('Z') || rule.starts_with("DN") {
        let name = view.region.hosted_zones.values().filter_map(|a| a.output()).flat_map(|z| &z.hosted_zone_summaries).find(|z| z.hosted_zone_id == object).and_then(|z| z.name.clone());
        return Resource {
            arn: Some(format!("arn:{}:route53:::hostedzone/{object}", view.region.partition)),
            r#type: Some("AWS::Route53::HostedZone".to_owned()),
            id: Some(object.to_owned()),
            name,
            account: Some(view.region.account.clone()),
            region: Some(view.region.region.clone()),
            vpc: None,
        };
    } else {
        return super::scope_resource(view);
    };
    Resource {
        arn: Some(index.arn("ec2", &path)),
        r#type: Some(kind.to_owned()),
        id: Some(object.to_owned()),
        name,
        account: Some(view.region.account.clone()),
        region: Some(view.region.region.clone()),
        vpc,
    }
}

/// An object that is named by its ARN: ECS objects and roles.
fn by_arn(view: &View<'_>, arn: &str) -> Resource {
    let tail = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let (what, rest) = tail.split_once('/').unwrap_or((tail, ""));
    let kind = match what {
        "cluster" => "AWS::ECS::Cluster",
        "service" => "AWS::ECS::Service",
        "task" => "AWS::ECS::Task",
        "container-instance" => "AWS::ECS::ContainerInstance",
        "task-definition" => "AWS::ECS::TaskDefinition",
        "capacity-provider" => "AWS::ECS::CapacityProvider",
        "role" => "AWS::IAM::Role",
        _ => "AWS::Resource",
    };
    Resource {
        arn: Some(arn.to_owned()),
        r#type: Some(kind.to_owned()),
        id: Some(arn.to_owned()),
        name: Some(rest.rsplit('/').next().unwrap_or(rest).to_owned()).filter(|n| !n.is_empty()),
        account: Some(view.region.account.clone()),
        region: Some(view.region.region.clone()),
        vpc: None,
    }
}
