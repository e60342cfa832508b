//! Route choice: all routes that match an address, then the order of precedence of AWS's page on route priority.

use std::net::IpAddr;

use audit::actions::Action;
use audit::analysis::Index;
use audit::analysis::route::{Choice, choose, partition, table_of};
use audit::inventory::ec2::{PrefixListEntries, PrefixListEntry, Route, RouteTable, RouteTableAssociation, Subnet, VpcEndpoint};
use audit::inventory::{Answer, Region};
use proptest::prelude::*;
use proptest::sample::select;

use super::{addresses, cidr, config, forget, holds, is_public, prefix_length, seen_region, set, small_cidr, universe};

/// Which route a single packet takes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    /// The route with this number.
    Route(usize),
    Nowhere,
    Unclear,
}

/// The target of a route as one string: equal targets are equal strings.
fn target(route: &Route) -> String {
    let ids = [&route.gateway_id, &route.nat_gateway_id, &route.transit_gateway_id, &route.network_interface_id];
    let gone = if route.state.as_deref() == Some("blackhole") { "gone " } else { "" };
    format!("{gone}{}", ids.into_iter().flatten().next().cloned().unwrap_or_default())
}

fn packet(region: &Region, table: &RouteTable, address: IpAddr) -> Taken {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    // (route, length, strength) of all that match for sure; then those that may match.
    let mut sure: Vec<(usize, u32, u32)> = Vec::new();
    let mut maybe: Vec<usize> = Vec::new();
    for (n, route) in table.routes.iter().enumerate() {
        if route.state.as_deref() == Some("filtered") {
            continue;
        }
        let local = route.gateway_id.as_deref() == Some("local");
        let readable = local || matches!(route.state.as_deref(), Some("active" | "blackhole"));
        let propagated = route.origin.as_deref() == Some("EnableVgwRoutePropagation");
        let (length, complete) = if let Some(list) = &route.destination_prefix_list_id {
            match region.prefix_list_entries.get(list) {
                Some(Answer::Output(output)) => {
                    let best = output.entries.iter().filter_map(|e| e.cidr.as_deref()).filter(|c| holds(c, address) == Some(true)).map(prefix_length).max();
                    (best, region.completeness.seen(Action::GetManagedPrefixListEntries))
                }
                _ => (None, false),
            }
        } else {
            let text = route.destination_cidr_block.as_deref().or(route.destination_ipv6_cidr_block.as_deref()).unwrap_or("");
            match holds(text, address) {
                Some(true) => (Some(prefix_length(text)), true),
                Some(false) => (None, true),
                None => (None, route.destination_cidr_block.is_some() && address.is_ipv6()),
            }
        };
        match length {
            Some(_) if !readable => maybe.push(n),
            Some(length) => sure.push((
                n,
                length,
                if propagated {
                    1
                } else if route.destination_prefix_list_id.is_some() {
                    2
                } else {
                    3
                },
            )),
            None => {}
        }
        if !complete {
            // Lists of gateway endpoints hold nothing private.
            let gateway = route.gateway_id.as_deref() == Some("vpce-gw");
            if !gateway || is_public(address) {
                maybe.push(n);
            }
        }
    }
    let is_local = |n: usize| table.routes[n].gateway_id.as_deref() == Some("local") && table.routes[n].state.as_deref() != Some("blackhole");
    if sure.iter().any(|(n, ..)| is_local(*n)) {
        sure.retain(|(_, _, strength)| *strength != 1);
    }
    let best = sure.iter().copied().max_by_key(|(_, length, strength)| (*length, *strength));
    let goal = |n: usize| target(&table.routes[n]);
    if let Some((n, length, strength)) = best {
        let rival = |m: usize, l: u32, s: u32| s == strength && goal(m) != goal(n) && (strength == 2 || l == length);
        if sure.iter().any(|(m, l, s)| rival(*m, *l, *s)) {
            return Taken::Unclear;
        }
    }
    let settled = |m: usize| {
        best.is_some_and(|(n, length, strength)| {
            let only_a_list = table.routes[m].destination_prefix_list_id.is_some();
            goal(n) == goal(m) || (strength == 3 && length == bits && (only_a_list || table.routes[m].origin.as_deref() == Some("EnableVgwRoutePropagation")))
        })
    };
    if maybe.iter().any(|m| !settled(*m)) {
        return Taken::Unclear;
    }
    best.map_or(Taken::Nowhere, |(n, ..)| Taken::Route(n))
}

fn route(odd: u32) -> impl Strategy<Value = Route> {
    let destination = prop_oneof![8 => cidr(), 4 => select(vec!["pl-1".to_owned(), "pl-2".to_owned(), "pl-3".to_owned()]), odd => Just("10.0.0/4".to_owned())];
    let target = select(vec!["local", "igw-1", "vgw-1", "nat-1", "tgw-1", "eni-1", "vpce-gw", "vpce-lb"]);
    let state = prop_oneof![12 => Just(Some("active")), 2 => Just(Some("blackhole")), 1 => Just(Some("filtered")), odd => Just(None), odd => Just(Some("new"))];
    (destination, target, state, prop::bool::weighted(0.25)).prop_map(|(destination, target, state, propagated)| {
        let mut route = Route { state: state.map(Into::into), origin: Some("CreateRoute".into()), ..Route::default() };
        // Only gateways propagate, and only plain blocks.
        let propagated = propagated && target == "vgw-1" && !destination.starts_with("pl-");
        if propagated {
            route.origin = Some("EnableVgwRoutePropagation".into());
        }
        // A gateway endpoint is routed to by the list of its service alone.
        let destination = if target == "vpce-gw" { "pl-3".to_owned() } else { destination };
        let to = Some(target.to_owned());
        match target {
            "nat-1" => route.nat_gateway_id = to,
            "tgw-1" => route.transit_gateway_id = to,
            "eni-1" => route.network_interface_id = to,
            _ => route.gateway_id = to,
        }
        match destination {
            list if list.starts_with("pl-") => route.destination_prefix_list_id = Some(list),
            v6 if v6.contains(':') => route.destination_ipv6_cidr_block = Some(v6),
            v4 => route.destination_cidr_block = Some(v4),
        }
        route
    })
}

fn network(odd: u32) -> impl Strategy<Value = (Region, RouteTable)> {
    let list = prop_oneof![4 => prop::collection::vec(small_cidr(), 0..4).prop_map(Some), odd => Just(None)];
    (prop::collection::vec(route(odd), 0..7), prop::collection::vec(list, 3)).prop_map(|(routes, lists)| {
        let mut region = seen_region();
        for (n, list) in lists.into_iter().enumerate() {
            if let Some(cidrs) = list {
                // The third list is a gateway service's, with public addresses.
                let entries = cidrs.into_iter().filter(|c| n < 2 || !c.starts_with("10.")).map(|c| PrefixListEntry { cidr: Some(c) }).collect();
                region.prefix_list_entries.insert(format!("pl-{}", n + 1), Answer::Output(PrefixListEntries { entries }));
            }
        }
        for (id, kind) in [("vpce-gw", "Gateway"), ("vpce-lb", "GatewayLoadBalancer")] {
            region.vpc_endpoints.push(VpcEndpoint { vpc_endpoint_id: id.into(), vpc_endpoint_type: Some(kind.into()), ..VpcEndpoint::default() });
        }
        (region, RouteTable { route_table_id: "rtb-1".into(), routes, ..RouteTable::default() })
    })
}

fn taken(table: &RouteTable, choice: &Choice<'_>) -> Taken {
    match choice {
        Choice::Route(c) => table.routes.iter().position(|r| std::ptr::eq(r, c.route)).map_or(Taken::Unclear, Taken::Route),
        Choice::None => Taken::Nowhere,
        Choice::Unknown(..) => Taken::Unclear,
    }
}

/// Equal but for which of several routes to one target it is.
fn agree(table: &RouteTable, a: &Taken, b: &Taken) -> bool {
    match (a, b) {
        (Taken::Route(n), Taken::Route(m)) => target(&table.routes[*n]) == target(&table.routes[*m]),
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_agrees_with_single_packets((region, table) in prop_oneof![network(0), network(1)], wanted in addresses()) {
        let index = Index::new(&region);
        for address in &wanted {
            let mine = packet(&region, &table, *address);
            let choice = choose(&index, &table, *address);
            prop_assert!(agree(&table, &taken(&table, &choice), &mine), "{address}: {:?} {:?}", choice, mine);
        }
        let parts = partition(&index, &table, &set(&wanted));
        let together = parts.iter().fold(audit::analysis::net::IpSet::empty(), |all, (part, _)| all.union(part));
        prop_assert_eq!(together, set(&wanted));
        for (n, (part, choice)) in parts.iter().enumerate() {
            prop_assert!(parts.iter().skip(n + 1).all(|(other, _)| !other.overlaps(part)));
            for address in universe().into_iter().filter(|a| part.contains_ip(*a)) {
                prop_assert!(agree(&table, &taken(&table, choice), &packet(&region, &table, address)));
            }
        }
    }

    #[test]
    fn order_never_matters((region, table) in network(1), wanted in addresses()) {
        let mut turned = table.clone();
        turned.routes.reverse();
        let index = Index::new(&region);
        for address in &wanted {
            let (a, b) = (choose(&index, &table, *address), choose(&index, &turned, *address));
            let text = |c: &Choice<'_>| match c { Choice::Route(c) => target(c.route), Choice::None => "none".into(), Choice::Unknown(..) => "unknown".into() };
            prop_assert_eq!(text(&a), text(&b));
        }
    }

    #[test]
    fn what_is_hidden_changes_no_choice_but_to_unknown((region, table) in network(0), wanted in addresses(), list in select(vec!["pl-1", "pl-2", "pl-3"])) {
        let mut hidden = region.clone();
        hidden.prefix_list_entries.remove(list);
        forget(&mut hidden, Action::GetManagedPrefixListEntries);
        for address in &wanted {
            let (before, after) = (choose(&Index::new(&region), &table, *address), choose(&Index::new(&hidden), &table, *address));
            prop_assert!(matches!(after, Choice::Unknown(..)) || agree(&table, &taken(&table, &before), &taken(&table, &after)), "{:?} {:?}", before, after);
        }
    }

    #[test]
    fn the_table_of_a_subnet_is_its_own_else_the_main_one(explicit in prop::option::of(0..3_usize), main in prop::option::of(0..3_usize), complete: bool, known: bool) {
        let mut region = seen_region();
        if !complete {
            region.completeness.0.insert(Action::DescribeRouteTables, audit::inventory::Status::of(audit::inventory::State::Partial, "cut off"));
        }
        if known {
            region.subnets.push(Subnet { subnet_id: "subnet-1".into(), vpc_id: "vpc-1".into(), ..Subnet::default() });
        }
        for n in 0..3 {
            let mut associations = Vec::new();
            if main == Some(n) {
                associations.push(RouteTableAssociation { main: Some(true), ..RouteTableAssociation::default() });
            }
            if explicit == Some(n) {
                associations.push(RouteTableAssociation { main: Some(false), subnet_id: Some("subnet-1".into()), ..RouteTableAssociation::default() });
            }
            region.route_tables.push(RouteTable { route_table_id: format!("rtb-{n}"), vpc_id: Some("vpc-1".into()), associations, ..RouteTable::default() });
        }
        let index = Index::new(&region);
        let found = table_of(&index, "subnet-1").ok().map(|t| t.route_table_id.clone());
        let expected = match (explicit, main) {
            (Some(n), _) => Some(format!("rtb-{n}")),
            (None, Some(n)) if complete && known => Some(format!("rtb-{n}")),
            _ => None,
        };
        prop_assert_eq!(found, expected);
    }
}
