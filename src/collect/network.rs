//! The network of VPCs: what EC2 lists of them, in one round, each listing beside the others.
//!
//! Lists that are short in every account (VPCs, endpoints, gateways, peerings, transit gateways) are asked for whole, also
//! with a scope: that takes as many calls, and a hub VPC is then known at once. Subnets, tables, ACLs, groups, interfaces and
//! instances are filtered by VPC where there is a scope.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ec2::types::Filter;

use super::convert::ec2 as convert;
use super::work::{Page, Work, only_whole};
use super::{compute, scope};
use crate::actions::Action;
use crate::inventory::ec2;

/// Values that one filter takes.
const FILTER_VALUES: usize = 200;

/// A filter of EC2.
pub(super) fn filter(name: &str, values: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.to_vec())).build()
}

/// All pages of one EC2 listing: `listing!(work, Action, client.call().setters(), token setter; output field, conversion => inventory field)`.
macro_rules! listing {
    ($work:expr, $action:ident, $operation:ident $(.$set:ident($value:expr))*; $member:ident, $convert:path => $field:ident) => {
        if $work.wants(Action::$action) {
            let client = &$work.clients.ec2;
            $work
                .pages(
                    Action::$action,
                    None,
                    |token| client.$operation()$(.$set($value))*.set_next_token(token).send(),
                    |out| Some(Page::of(out.$member?, out.next_token, $convert)),
                    |items| $work.with(|r| r.$field.extend(items)),
                )
                .await
                .ok()
        } else {
            None
        }
    };
}

/// All VPCs.
pub(super) fn start_vpcs(work: &Arc<Work>) {
    let work = Arc::clone(work);
    Arc::clone(&work).start(async move {
        let _ = listing!(work, DescribeVpcs, describe_vpcs.max_results(1000); vpcs, convert::vpc => vpcs);
        work.end(Action::DescribeVpcs);
    });
}

/// Everything else that is asked for whole.
pub(super) fn start_whole(work: &Arc<Work>) {
    macro_rules! whole {
        ($($action:ident, $operation:ident $(.$set:ident($value:expr))*; $member:ident, $convert:path => $field:ident;)*) => { $(
            let job = Arc::clone(work);
            work.start(async move {
                let _ = listing!(job, $action, $operation $(.$set($value))*; $member, $convert => $field);
                job.end(Action::$action);
            });
        )* };
    }
    let association = |x| Some(convert::security_group_vpc_association(x));
    whole! {
        DescribeDhcpOptions, describe_dhcp_options.max_results(1000); dhcp_options, convert::dhcp_options => dhcp_options;
        DescribeVpcEndpoints, describe_vpc_endpoints.max_results(1000); vpc_endpoints, convert::vpc_endpoint => vpc_endpoints;
        DescribeNatGateways, describe_nat_gateways.max_results(1000); nat_gateways, convert::nat_gateway => nat_gateways;
        DescribeInternetGateways, describe_internet_gateways.max_results(1000); internet_gateways, convert::internet_gateway => internet_gateways;
        DescribeEgressOnlyInternetGateways, describe_egress_only_internet_gateways.max_results(255); egress_only_internet_gateways, convert::egress_only_internet_gateway => egress_only_internet_gateways;
        DescribeManagedPrefixLists, describe_managed_prefix_lists.max_results(100); prefix_lists, convert::managed_prefix_list => managed_prefix_lists;
        DescribePrefixLists, describe_prefix_lists.max_results(1000); prefix_lists, convert::prefix_list => prefix_lists;
        DescribeVpcPeeringConnections, describe_vpc_peering_connections.max_results(1000); vpc_peering_connections, convert::peering => vpc_peering_connections;
        DescribeTransitGatewayVpcAttachments, describe_transit_gateway_vpc_attachments.max_results(1000); transit_gateway_vpc_attachments, convert::transit_gateway_vpc_attachment => transit_gateway_vpc_attachments;
        DescribeTransitGatewayAttachments, describe_transit_gateway_attachments.max_results(1000); transit_gateway_attachments, convert::transit_gateway_attachment => transit_gateway_attachments;
        DescribeVpcBlockPublicAccessExclusions, describe_vpc_block_public_access_exclusions.max_results(1000); vpc_block_public_access_exclusions, convert::block_public_access_exclusion => block_public_access_exclusions;
        DescribeSecurityGroupVpcAssociations, describe_security_group_vpc_associations.max_results(1000); security_group_vpc_associations, association => security_group_vpc_associations;
    }
    work.start(block_public_access(Arc::clone(work)));
}

type Job = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// One listing under a filter.
type Listing = fn(Arc<Work>, Option<Filter>) -> Job;

/// The listings that are filtered by VPC, but for interfaces.
const FILTERED: [(Action, Listing); 4] = [
    (Action::DescribeSubnets, |w, f| Box::pin(subnets(w, f))),
    (Action::DescribeRouteTables, |w, f| Box::pin(route_tables(w, f))),
    (Action::DescribeNetworkAcls, |w, f| Box::pin(network_acls(w, f))),
    (Action::DescribeSecurityGroups, |w, f| Box::pin(security_groups(w, f))),
];

/// Everything that is filtered by VPC where there is a scope.
pub(super) fn start_filtered(work: &Arc<Work>, vpcs: Option<&[String]>) {
    let vpcs = vpcs.map(<[String]>::to_vec);
    for (action, job) in FILTERED {
        let (work, filters) = (Arc::clone(work), filters(vpcs.as_deref()));
        Arc::clone(&work).start(async move {
            for filter in filters {
                job(Arc::clone(&work), filter).await;
            }
            work.end(action);
        });
    }
    work.start(compute::interfaces(Arc::clone(work), vpcs));
}

/// The same for VPCs that the scope leads to, and then what these lead to in turn. Nobody waits for the end of it.
pub(super) fn start_hubs(work: &Arc<Work>, vpcs: Vec<String>) {
    let work = Arc::clone(work);
    Arc::clone(&work).start(async move {
        // The first round ends first, so that "ended" keeps meaning the scope's own.
        work.ended(&[Action::DescribeSubnets, Action::DescribeRouteTables, Action::DescribeSecurityGroups, Action::DescribePrefixLists]).await;
        let each = |job: Listing| {
            let work = Arc::clone(&work);
            let filters = filters(Some(&vpcs));
            async move {
                for filter in filters {
                    job(Arc::clone(&work), filter).await;
                }
            }
        };
        let [subnets, tables, acls, groups] = FILTERED.map(|(_, job)| each(job));
        tokio::join!(subnets, tables, acls, groups, compute::interfaces(Arc::clone(&work), Some(vpcs.clone())));
        prefix_list_entries(&work);
    });
}

/// The filters that select some VPCs, or the one that selects all.
fn filters(vpcs: Option<&[String]>) -> Vec<Option<Filter>> {
    vpcs.map_or_else(|| vec![None], |vpcs| vpcs.chunks(FILTER_VALUES).map(|c| Some(filter("vpc-id", c))).collect())
}

async fn subnets(work: Arc<Work>, filter: Option<Filter>) {
    let _ = listing!(work, DescribeSubnets, describe_subnets.max_results(1000).set_filters(filter.clone().map(|f| vec![f])); subnets, convert::subnet => subnets);
}

async fn route_tables(work: Arc<Work>, filter: Option<Filter>) {
    let _ = listing!(work, DescribeRouteTables, describe_route_tables.max_results(100).set_filters(filter.clone().map(|f| vec![f])); route_tables, convert::route_table => route_tables);
}

async fn network_acls(work: Arc<Work>, filter: Option<Filter>) {
    let _ = listing!(work, DescribeNetworkAcls, describe_network_acls.max_results(1000).set_filters(filter.clone().map(|f| vec![f])); network_acls, convert::network_acl => network_acls);
}

async fn security_groups(work: Arc<Work>, filter: Option<Filter>) {
    let _ =
        listing!(work, DescribeSecurityGroups, describe_security_groups.max_results(1000).set_filters(filter.clone().map(|f| vec![f])); security_groups, convert::security_group => security_groups);
}

async fn block_public_access(work: Arc<Work>) {
    if !work.wants(Action::DescribeVpcBlockPublicAccessOptions) {
        return;
    }
    let client = &work.clients.ec2;
    let options = work
        .ask(
            Action::DescribeVpcBlockPublicAccessOptions,
            &[],
            || client.describe_vpc_block_public_access_options().send(),
            |out| Some(convert::block_public_access_options(out.vpc_block_public_access_options?)),
        )
        .await;
    work.with(|r| r.block_public_access_options = options.ok());
}

/// Both DNS attributes of a VPC, one call each.
pub(super) fn vpc_attributes(work: &Arc<Work>, vpc: &str) {
    use aws_sdk_ec2::types::VpcAttributeName;
    if !work.first(Action::DescribeVpcAttribute, vpc) {
        return;
    }
    for attribute in [VpcAttributeName::EnableDnsSupport, VpcAttributeName::EnableDnsHostnames] {
        let (work, vpc) = (Arc::clone(work), vpc.to_owned());
        Arc::clone(&work).start(async move {
            let client = &work.clients.ec2;
            let support = attribute == VpcAttributeName::EnableDnsSupport;
            let answer = work
                .ask(
                    Action::DescribeVpcAttribute,
                    &[&vpc],
                    || client.describe_vpc_attribute().vpc_id(&vpc).attribute(attribute.clone()).send(),
                    |out| convert::vpc_attribute(out).filter(|a| if support { a.enable_dns_support.is_some() } else { a.enable_dns_hostnames.is_some() }),
                )
                .await;
            if let Ok(answer) = answer {
                work.with(|r| merge_attribute(&mut r.vpc_attributes, answer));
            }
        });
    }
}

fn merge_attribute(all: &mut Vec<ec2::VpcAttribute>, new: ec2::VpcAttribute) {
    match all.iter_mut().find(|a| a.vpc_id == new.vpc_id) {
        None => all.push(new),
        Some(old) => {
            old.enable_dns_support = old.enable_dns_support.take().or(new.enable_dns_support);
            old.enable_dns_hostnames = old.enable_dns_hostnames.take().or(new.enable_dns_hostnames);
        }
    }
}

/// Entries of the prefix lists that groups and routes refer to, but for those whose ranges DescribePrefixLists gave.
pub(super) async fn prefix_lists(work: Arc<Work>) {
    work.ended(&[Action::DescribeSecurityGroups, Action::DescribeRouteTables, Action::DescribePrefixLists]).await;
    prefix_list_entries(&work);
}

/// The same, for what was collected so far.
pub(super) fn prefix_list_entries(work: &Arc<Work>) {
    let lists: BTreeSet<String> = work.with(|r| {
        let permissions = r.security_groups.iter().flat_map(|g| g.ip_permissions.iter().chain(&g.ip_permissions_egress));
        let of_groups = permissions.flat_map(|p| &p.prefix_list_ids).filter_map(|p| p.prefix_list_id.as_ref());
        let of_routes = r.route_tables.iter().flat_map(|t| &t.routes).filter_map(|route| route.destination_prefix_list_id.as_ref());
        let known: BTreeSet<&String> = r.prefix_lists.iter().filter(|l| !l.cidrs.is_empty()).map(|l| &l.prefix_list_id).collect();
        of_groups.chain(of_routes).filter(|id| !known.contains(id)).cloned().collect()
    });
    for list in lists {
        if !work.first(Action::GetManagedPrefixListEntries, &list) {
            continue;
        }
        let work = Arc::clone(work);
        Arc::clone(&work).start(async move {
            let client = &work.clients.ec2;
            let answer = work
                .keyed(
                    Action::GetManagedPrefixListEntries,
                    &list,
                    &[],
                    |token| client.get_managed_prefix_list_entries().prefix_list_id(&list).max_results(100).set_next_token(token).send(),
                    |out| Some(Page::new(out.entries?.into_iter().map(convert::prefix_list_entry).collect(), out.next_token)),
                    |entries, whole| whole.then_some(ec2::PrefixListEntries { entries }),
                )
                .await;
            // Half a list would look like a narrow one: it counts as not seen.
            work.keep(&list, only_whole(answer), |r| &mut r.prefix_list_entries);
        });
    }
}

/// Route tables of the transit gateways that routes lead to.
pub(super) async fn transit_gateways(work: Arc<Work>) {
    work.ended(&[Action::DescribeTransitGatewayAttachments, Action::DescribeRouteTables]).await;
    let (tables, unassociated) = work.with(|r| {
        let in_use: BTreeSet<&String> = r.route_tables.iter().flat_map(|t| &t.routes).filter_map(|route| route.transit_gateway_id.as_ref()).collect();
        let attached = r.transit_gateway_attachments.iter().filter(|a| a.transit_gateway_id.as_ref().is_some_and(|id| in_use.contains(id)));
        let of_vpcs: Vec<_> = attached.filter(|a| a.resource_type.as_deref() == Some("vpc")).map(|a| a.association.as_ref().and_then(|s| s.transit_gateway_route_table_id.clone())).collect();
        let unassociated = of_vpcs.iter().any(Option::is_none);
        (of_vpcs.into_iter().flatten().collect::<BTreeSet<String>>(), unassociated)
    });
    for table in tables {
        if work.first(Action::SearchTransitGatewayRoutes, &table) {
            work.start(transit_gateway_routes(Arc::clone(&work), table.clone()));
        }
        // The attachments name their tables themselves; only where one does not, the tables are asked for their attachments.
        if unassociated && work.first(Action::GetTransitGatewayRouteTableAssociations, &table) {
            work.start(transit_gateway_associations(Arc::clone(&work), table));
        }
    }
}

async fn transit_gateway_routes(work: Arc<Work>, table: String) {
    let client = &work.clients.ec2;
    let more = std::sync::atomic::AtomicBool::new(false);
    let answer = work
        .keyed(
            Action::SearchTransitGatewayRoutes,
            &table,
            &[],
            |token| {
                let state = filter("state", &["active".to_owned(), "blackhole".to_owned()]);
                client.search_transit_gateway_routes().transit_gateway_route_table_id(&table).filters(state).max_results(1000).set_next_token(token).send()
            },
            |out| {
                let last = out.next_token.as_ref().is_none_or(String::is_empty);
                more.store(last && out.additional_routes_available == Some(true), std::sync::atomic::Ordering::Relaxed);
                Some(Page::new(out.routes?.into_iter().map(convert::transit_gateway_route).collect(), out.next_token))
            },
            |routes, whole| ec2::TransitGatewayRoutes { additional_routes_available: (!whole || more.load(std::sync::atomic::Ordering::Relaxed)).then_some(true), routes },
        )
        .await;
    if more.load(std::sync::atomic::Ordering::Relaxed) {
        work.book(|b| b.left_out(Action::SearchTransitGatewayRoutes, [table.clone()], "AdditionalRoutesAvailable: AWS lists no more than a part of this table"));
    }
    work.keep(&table, answer, |r| &mut r.transit_gateway_routes);
}

async fn transit_gateway_associations(work: Arc<Work>, table: String) {
    let client = &work.clients.ec2;
    let answer = work
        .keyed(
            Action::GetTransitGatewayRouteTableAssociations,
            &table,
            &[],
            |token| client.get_transit_gateway_route_table_associations().transit_gateway_route_table_id(&table).max_results(1000).set_next_token(token).send(),
            |out| Some(Page::new(out.associations?.into_iter().map(convert::transit_gateway_table_association).collect(), out.next_token)),
            |associations, whole| whole.then_some(ec2::TransitGatewayAssociations { associations }),
        )
        .await;
    work.keep(&table, only_whole(answer), |r| &mut r.transit_gateway_associations);
}

/// The services that endpoints can be made for: the region's list, then by name those that have an endpoint and are not on
/// it (AWS leaves some of its own out of the list).
pub(super) async fn endpoint_services(work: Arc<Work>) {
    if !work.wants(Action::DescribeVpcEndpointServices) {
        return;
    }
    let client = &work.clients.ec2;
    let listed = work
        .pages(
            Action::DescribeVpcEndpointServices,
            None,
            |token| client.describe_vpc_endpoint_services().max_results(1000).set_next_token(token).send(),
            |out| {
                let names = out.service_names?;
                let details: Vec<_> = out.service_details?.into_iter().filter_map(convert::service_detail).collect();
                Some(Page::new(vec![(names, details)], out.next_token))
            },
            |pages| {
                work.with(|r| {
                    for (names, details) in pages {
                        r.service_names.extend(names);
                        r.service_details.extend(details);
                    }
                });
            },
        )
        .await;
    work.with(|r| r.service_listing_full = listed.is_ok());
    work.ended(&[Action::DescribeVpcEndpoints]).await;
    let unlisted: Vec<String> = work.with(|r| {
        let known: BTreeSet<&String> = r.service_details.iter().map(|d| &d.service_name).collect();
        let here = r.vpc_endpoints.iter().filter(|e| e.service_region.as_ref().is_none_or(|s| *s == work.region)).filter_map(|e| e.service_name.as_ref());
        let aws = here.filter(|n| !n.contains(".vpce-svc-") && n.split('.').any(|part| part == work.region));
        aws.filter(|n| !known.contains(n)).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    });
    if listed.is_err() || unlisted.is_empty() {
        return;
    }
    // One unknown name fails the whole call: then each is asked for alone.
    if !services_by_name(&work, &unlisted).await && unlisted.len() > 1 {
        for name in &unlisted {
            services_by_name(&work, std::slice::from_ref(name)).await;
        }
    }
}

async fn services_by_name(work: &Arc<Work>, names: &[String]) -> bool {
    let client = &work.clients.ec2;
    let action = Action::DescribeVpcEndpointServices;
    let answer = work.ask_quietly(action, || client.describe_vpc_endpoint_services().set_service_names(Some(names.to_vec())).send(), |out| out.service_details).await;
    match answer {
        Ok(details) => {
            work.with(|r| r.service_details.extend(details.into_iter().filter_map(convert::service_detail)));
            true
        }
        Err(error) if error.code == "InvalidServiceName" => {
            if let [name] = names {
                work.with(|r| r.invalid_service_names.insert(name.clone()));
            }
            false
        }
        Err(error) => {
            work.book(|b| b.failed(action, &error, names.iter().map(String::as_str)));
            true
        }
    }
}

/// Follows what the listings lead to.
pub(super) fn start_following(work: &Arc<Work>) {
    work.start(prefix_lists(Arc::clone(work)));
    work.start(transit_gateways(Arc::clone(work)));
    work.start(endpoint_services(Arc::clone(work)));
    work.start(scope::joined_vpcs(Arc::clone(work)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_one_vpc_are_merged() {
        let value = |v| Some(ec2::AttributeValue { value: Some(v) });
        let mut all = Vec::new();
        merge_attribute(&mut all, ec2::VpcAttribute { vpc_id: "vpc-1".into(), enable_dns_support: value(true), ..Default::default() });
        merge_attribute(&mut all, ec2::VpcAttribute { vpc_id: "vpc-1".into(), enable_dns_hostnames: value(false), ..Default::default() });
        assert_eq!(all, [ec2::VpcAttribute { vpc_id: "vpc-1".into(), enable_dns_support: value(true), enable_dns_hostnames: value(false) }]);
    }

    #[test]
    fn filters_hold_no_more_values_than_ec2_takes() {
        let vpcs: Vec<String> = (0..401).map(|n| format!("vpc-{n}")).collect();
        let sizes: Vec<_> = filters(Some(&vpcs)).into_iter().map(|f| f.map(|f| f.values.unwrap_or_default().len())).collect();
        assert_eq!(sizes, [Some(200), Some(200), Some(1)]);
        assert_eq!(filters(None), [None]);
    }
}
