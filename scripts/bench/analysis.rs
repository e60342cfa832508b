//! How the time of the analysis grows with the number of container instances: 1,000, 10,000 and 100,000 in 200 subnets.
//!
//! `cargo bench --bench analysis`. Each size is analysed three times; the best time counts, and the exponent tells the growth
//! (1: twice the instances, twice the time).
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::allow_attributes, reason = "a benchmark")]

use std::path::Path;
use std::time::Instant;

use audit::analysis::Options;
use audit::audit::{Plan, audit};
use audit::inventory::{Inventory, Region};
use audit::snapshot::{LoadOptions, load};

const SUBNETS: usize = 200;

/// The isolated scene with more of everything: each subnet has a range, a table and an ACL as the first has.
fn region(instances: usize) -> Region {
    let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/snapshots/isolated");
    let mut region = load(&scene, &LoadOptions::default()).unwrap().regions.remove(0);
    let subnet = region.subnets.first().unwrap().clone();
    let container_instance = region.container_instances.first().unwrap().clone();
    let host = region.instances.iter().find(|i| Some(&i.instance_id) == container_instance.ec2_instance_id.as_ref()).unwrap().clone();
    for vpc in &mut region.vpcs {
        vpc.cidr_block_association_set.iter_mut().for_each(|a| a.cidr_block = Some("10.0.0.0/8".to_owned()));
        vpc.cidr_block = Some("10.0.0.0/8".to_owned());
    }
    for table in &mut region.route_tables {
        table.routes.iter_mut().filter(|r| r.gateway_id.as_deref() == Some("local")).for_each(|r| r.destination_cidr_block = Some("10.0.0.0/8".to_owned()));
    }
    let id = |n: usize| format!("subnet-{n:017x}");
    for n in 0..SUBNETS {
        let mut new = subnet.clone();
        new.subnet_id = id(n);
        new.cidr_block = Some(format!("10.{}.0.0/16", n + 1 + usize::from(n >= 59)));
        region.subnets.push(new);
        for table in &mut region.route_tables {
            let old = table.associations.iter().find(|a| a.subnet_id.as_ref() == Some(&subnet.subnet_id)).cloned();
            table.associations.extend(old.map(|mut a| {
                a.subnet_id = Some(id(n));
                a
            }));
        }
        for acl in &mut region.network_acls {
            let old = acl.associations.iter().find(|a| a.subnet_id.as_ref() == Some(&subnet.subnet_id)).cloned();
            acl.associations.extend(old.map(|mut a| {
                a.subnet_id = Some(id(n));
                a
            }));
        }
    }
    for n in 0..instances {
        let (place, number) = (n % SUBNETS, n / SUBNETS + 10);
        let address = format!("10.{}.{}.{}", place + 1 + usize::from(place >= 59), number / 256, number % 256);
        let mut host = host.clone();
        host.instance_id = format!("i-{n:017x}");
        host.subnet_id = Some(id(place));
        host.private_ip_address = Some(address.clone());
        for interface in &mut host.network_interfaces {
            interface.network_interface_id = Some(format!("eni-{n:017x}"));
            interface.subnet_id = Some(id(place));
            interface.private_ip_address = Some(address.clone());
            interface.private_ip_addresses.iter_mut().for_each(|a| a.private_ip_address = Some(address.clone()));
        }
        let mut registered = container_instance.clone();
        registered.container_instance_arn = format!("arn:aws:ecs:ap-southeast-2:444455556666:container-instance/ledger/{n:032x}");
        registered.ec2_instance_id = Some(host.instance_id.clone());
        region.container_instances.push(registered);
        region.instances.push(host);
    }
    region
}

/// The most memory that this process ever had, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn main() {
    // `cargo test --benches` runs this too: then one small size is enough.
    let sizes: &[usize] = if std::env::args().any(|a| a == "--bench") { &[1_000, 10_000, 100_000] } else { &[1_000] };
    let mut before: Option<(usize, f64)> = None;
    for &size in sizes {
        let region = region(size);
        let mut best = f64::MAX;
        let (mut placements, mut paths) = (0, 0);
        for _ in 0..3 {
            let inventory = Inventory { regions: vec![region.clone()] };
            let plan = Plan { options: Options::default(), rules: audit::rules::ALL.to_vec() };
            let began = Instant::now();
            let report = audit(inventory, &plan);
            best = best.min(began.elapsed().as_secs_f64());
            (placements, paths) = (report.placements.len(), report.paths.len());
        }
        let exponent = before.map_or(String::new(), |(n, t)| format!(", exponent {:.2}", (best / t).ln() / (size as f64 / n as f64).ln()));
        println!("{size} instances: {:.0} ms, {placements} placements, {paths} paths, {} MB{exponent}", best * 1000.0, peak());
        before = Some((size, best));
    }
}
