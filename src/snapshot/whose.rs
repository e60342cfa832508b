//! Which account, region and partition a folder was recorded in, where neither manifest nor folder name says so.

use std::collections::BTreeSet;
use std::io::Read;

use super::error::SnapshotError;
use super::layout::{Unit, is_account, is_region};
use super::operations::Facts;
use super::read::open;
use crate::inventory::Region;

/// What ARNs tell: partition, service, region and account, in that order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

/// Splits an ARN.
pub(super) fn arn(text: &str) -> Option<Arn<'_>> {
    let mut parts = text.splitn(6, ':');
    match (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?) {
        ("arn", partition, service, region, account, resource) if partition.starts_with("aws") => Some(Arn { partition, service, region, account, resource }),
        _ => None,
    }
}

/// The region of a zone: `us-east-2a`, `us-west-2-lax-1a`, `us-east-1-wl1-bos-wlz-1`.
fn region_of_zone(zone: &str) -> Option<String> {
    let mut region: Vec<&str> = Vec::new();
    for part in zone.split('-') {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        if digits > 0 {
            region.push(part.get(..digits)?);
            break;
        }
        region.push(part);
    }
    let region = region.join("-");
    is_region(&region).then_some(region)
}

/// The partition of a region, by its name.
pub(super) fn partition_of(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 8] =
        [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-iso-", "aws-iso"), ("us-isob-", "aws-iso-b"), ("us-isof-", "aws-iso-f"), ("eu-isoe-", "aws-iso-e"), ("eusc-", "aws-eusc"), ("", "aws")];
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// ARNs of ECS resources that the answers themselves are about.
fn ecs_arns<'a>(region: &'a Region, facts: &'a Facts) -> impl Iterator<Item = Arn<'a>> {
    let described = region
        .clusters
        .iter()
        .map(|x| &x.cluster_arn)
        .chain(region.container_instances.iter().map(|x| &x.container_instance_arn))
        .chain(region.services.iter().map(|x| &x.service_arn))
        .chain(region.services.iter().filter_map(|x| x.cluster_arn.as_ref()))
        .chain(region.tasks.iter().map(|x| &x.task_arn))
        .chain(region.tasks.iter().filter_map(|x| x.cluster_arn.as_ref()))
        .chain(region.task_definitions.keys());
    described.chain(facts.lists.values().flatten().flat_map(|(_, arns)| arns)).filter_map(|text| arn(text)).filter(|a| a.service == "ecs")
}

fn zones(region: &Region) -> impl Iterator<Item = String> + '_ {
    region
        .subnets
        .iter()
        .filter_map(|x| x.availability_zone.as_deref())
        .chain(region.network_interfaces.iter().filter_map(|x| x.availability_zone.as_deref()))
        .chain(region.tasks.iter().filter_map(|x| x.availability_zone.as_deref()))
        .filter_map(region_of_zone)
}

/// Sets account, region and partition from what was read, where they are still empty.
///
/// # Errors
/// No answer, or several accounts in a flat folder.
pub(super) fn tell(unit: &Unit, region: &mut Region, facts: &Facts, asked: &[String], others: &BTreeSet<String>) -> Result<(), SnapshotError> {
    let whose = |reason: String| SnapshotError::Whose { path: unit.folder.clone(), reason };
    let ecs_accounts: BTreeSet<String> = ecs_arns(region, facts).map(|a| a.account.to_owned()).filter(|a| is_account(a)).collect();
    if unit.flat && ecs_accounts.len() > 1 {
        return Err(whose(format!(
            "holds answers of several accounts ({}); put each account's files into a folder of its own, `{}/REGION/`",
            ecs_accounts.iter().cloned().collect::<Vec<_>>().join(", "),
            ecs_accounts.first().map_or("123456789012", String::as_str)
        )));
    }
    let mut arns = None;
    if region.region.is_empty() {
        let from_zones: BTreeSet<String> = zones(region).collect();
        let from_ecs: BTreeSet<String> = ecs_arns(region, facts).map(|a| a.region.to_owned()).filter(|r| is_region(r)).collect();
        let mut found = only(&from_zones).or_else(|| only(&from_ecs));
        let mut seen: BTreeSet<String> = from_zones.union(&from_ecs).cloned().collect();
        if found.is_none() {
            let raw = arns.get_or_insert(arns_of(unit)?);
            let regions: BTreeSet<String> = raw.iter().filter_map(|a| arn(a)).map(|a| a.region.to_owned()).filter(|r| is_region(r)).collect();
            if seen.is_empty() {
                found = only(&regions);
            }
            seen.extend(regions);
        }
        region.region = match (found, asked) {
            (Some(region), _) => region,
            (None, [one]) => one.clone(),
            (None, _) if seen.is_empty() => {
                return Err(whose(
                    "no zone and no ARN in it tells the region; name it with --region, name the folder after it (`us-east-2/`), or write an `audit-snapshot.json` with `region`".to_owned(),
                ));
            }
            (None, _) => {
                return Err(whose(format!(
                    "its answers are of several regions ({}); put each region's files into a folder named after it, or say which with one --region",
                    seen.into_iter().collect::<Vec<_>>().join(", ")
                )));
            }
        };
    }
    if region.account.is_empty() && !facts.account_unknown {
        let from_identity = facts.identity.as_ref().and_then(|i| i.account.clone().or_else(|| arn(i.arn.as_deref()?).map(|a| a.account.to_owned()))).filter(|a| is_account(a));
        let mut found = from_identity.or_else(|| only(&ecs_accounts));
        if found.is_none() {
            let raw = arns.get_or_insert(arns_of(unit)?);
            let accounts: BTreeSet<String> = raw.iter().filter_map(|a| arn(a)).map(|a| a.account.to_owned()).filter(|a| is_account(a)).collect();
            found = only(&accounts);
        }
        region.account = found.or_else(|| only(others)).ok_or_else(|| {
            whose(
                "nothing in it tells the account; add `sts.get-caller-identity.json`, name a folder after the account (`123456789012/us-east-2/`), or write an `audit-snapshot.json` with `account`"
                    .to_owned(),
            )
        })?;
    }
    if region.partition.is_empty() {
        let from_arns = ecs_arns(region, facts).next().map(|a| a.partition.to_owned());
        region.partition = from_arns.unwrap_or_else(|| partition_of(&region.region).to_owned());
    }
    Ok(())
}

fn only(set: &BTreeSet<String>) -> Option<String> {
    if set.len() == 1 { set.first().cloned() } else { None }
}

/// ARNs under keys that end in `Arn`, modelled or not: a pass over the raw files, for folders without ECS.
fn arns_of(unit: &Unit) -> Result<BTreeSet<String>, SnapshotError> {
    let mut found = BTreeSet::new();
    for file in unit.files.values().flatten() {
        let unreadable = |source| SnapshotError::Unreadable { path: file.path.clone(), source };
        let mut scan = Scan::default();
        for byte in open(&file.path)?.bytes() {
            if let Some(arn) = scan.next(byte.map_err(unreadable)?) {
                // The resource says nothing here; without it the set stays small.
                found.insert(arn.splitn(6, ':').take(5).map(|part| format!("{part}:")).collect());
            }
        }
    }
    Ok(found)
}

/// Longest string that is looked at; longer ones are neither keys nor ARNs.
const LONGEST: usize = 512;

/// Tells strings apart in JSON text, well-formed or not.
#[derive(Default)]
struct Scan {
    inside: bool,
    escaped: bool,
    text: Vec<u8>,
    key: Vec<u8>,
}

impl Scan {
    fn next(&mut self, byte: u8) -> Option<String> {
        match (self.inside, byte) {
            (true, _) if self.escaped => self.escaped = false,
            (true, b'\\') => self.escaped = true,
            (true, b'"') => {
                self.inside = false;
                if self.key.to_ascii_lowercase().ends_with(b"arn") && self.text.starts_with(b"arn:") && self.text.len() < LONGEST {
                    return String::from_utf8(std::mem::take(&mut self.text)).ok();
                }
            }
            (true, _) if self.text.len() < LONGEST => self.text.push(byte),
            (true, _) => {}
            (false, b'"') => {
                self.inside = true;
                self.text.clear();
            }
            (false, b':') => self.key = std::mem::take(&mut self.text),
            (false, _) => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_all_kinds_of_zones() {
        assert_eq!(region_of_zone("us-east-2a").as_deref(), Some("us-east-2"));
        assert_eq!(region_of_zone("us-west-2-lax-1a").as_deref(), Some("us-west-2"));
        assert_eq!(region_of_zone("us-east-1-wl1-bos-wlz-1").as_deref(), Some("us-east-1"));
        assert_eq!(region_of_zone("us-gov-west-1b").as_deref(), Some("us-gov-west-1"));
        assert_eq!(region_of_zone("usw2-az3"), None, "a zone id is no zone name");
        assert_eq!(region_of_zone("a"), None);
    }

    #[test]
    fn partitions_by_prefix() {
        assert_eq!(partition_of("cn-north-1"), "aws-cn");
        assert_eq!(partition_of("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition_of("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition_of("eusc-de-east-1"), "aws-eusc");
        assert_eq!(partition_of("us-east-2"), "aws");
    }

    #[test]
    fn only_values_of_arn_keys_are_looked_at() {
        let text = br#"{"SubnetArn": "arn:aws:ec2:us-west-2:644160558196:subnet/s", "Description": "arn:aws:ecs:eu-west-1:111111111111:attachment/x", "Q\"Arn": "arn:aws:x:y:z:\"w"}"#;
        let mut scan = Scan::default();
        let found: Vec<String> = text.iter().filter_map(|b| scan.next(*b)).collect();
        assert_eq!(found.first().map(String::as_str), Some("arn:aws:ec2:us-west-2:644160558196:subnet/s"));
        assert!(!found.iter().any(|a| a.contains("attachment")));
    }
}
