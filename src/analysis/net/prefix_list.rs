//! What a managed prefix list holds, as far as it was seen.

use ipnet::IpNet;

use super::{IpSet, parse_cidr, public_space};
use crate::actions::Action;
use crate::analysis::{Family, Index, Unseen};
use crate::inventory::{Answer, State};

/// The addresses of a prefix list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its entries, as far as they were seen: their length decides among routes.
    pub entries: Vec<IpNet>,
    /// Addresses that are in it for sure: those of the entries.
    pub known: IpSet,
    /// Addresses that may be in it besides; empty if all of it was seen.
    pub possible: IpSet,
    /// Why something may be in it besides.
    pub unseen: Option<Unseen>,
}

impl Listing {
    /// Whether all of it was seen.
    #[must_use]
    pub const fn complete(&self) -> bool {
        self.unseen.is_none()
    }
}

/// The addresses of a prefix list, from its entries (GetManagedPrefixListEntries), else from the list of AWS's own
/// (DescribePrefixLists). A list of a gateway service, such as S3, holds public addresses only.
#[must_use]
pub fn prefix_list(index: &Index<'_>, id: &str) -> Listing {
    let region = index.region;
    let mut entries: Vec<IpNet> = Vec::new();
    if let Some(Answer::Output(output)) = region.prefix_list_entries.get(id) {
        entries = output.entries.iter().filter_map(|e| parse_cidr(e.cidr.as_deref()?)).collect();
        // A list that was cut off says what is in it, not what is not. Where the ids without an answer are known, the others are whole.
        let whole = match region.completeness.0.get(&Action::GetManagedPrefixListEntries) {
            Some(status) if status.state == State::Partial => !status.ids.is_empty() && !status.ids.contains(id),
            _ => true,
        };
        if whole && entries.len() == output.entries.len() {
            return complete(entries);
        }
    }
    if let Some(list) = region.prefix_lists.iter().find(|l| l.prefix_list_id == id && !l.cidrs.is_empty())
        && let Some(cidrs) = list.cidrs.iter().map(|c| parse_cidr(c)).collect()
    {
        return complete(cidrs);
    }
    let known: IpSet = entries.iter().copied().map(IpSet::from).collect();
    let possible = possible(index, id).difference(&known);
    Listing { entries, known, possible, unseen: Some(Unseen::Action(Action::GetManagedPrefixListEntries)) }
}

fn complete(entries: Vec<IpNet>) -> Listing {
    let known = entries.iter().copied().map(IpSet::from).collect();
    Listing { entries, known, possible: IpSet::empty(), unseen: None }
}

/// What the list could hold, by its family and its owner.
fn possible(index: &Index<'_>, id: &str) -> IpSet {
    let family = index.region.managed_prefix_lists.iter().find(|l| l.prefix_list_id == id).and_then(|l| match l.address_family.as_deref() {
        Some(f) if f.eq_ignore_ascii_case("IPv4") => Some(Family::V4),
        Some(f) if f.eq_ignore_ascii_case("IPv6") => Some(Family::V6),
        _ => None,
    });
    let space = |family| if of_gateway_service(index, id) { public_space(family) } else { IpSet::all(family) };
    family.map_or_else(|| space(Family::V4).union(&space(Family::V6)), space)
}

/// Whether the list is one that AWS keeps for a service with gateway endpoints.
#[must_use]
pub fn of_gateway_service(index: &Index<'_>, id: &str) -> bool {
    ["s3", "dynamodb", "s3express"].into_iter().any(|service| index.service_prefix_lists.get(service) == Some(&id))
}
