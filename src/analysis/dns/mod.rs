//! What a hostname resolves to from a VPC: the set of answers that what was seen allows.
//!
//! The order of events is Amazon's: the DHCP options name the servers; Amazon's resolver filters the query (DNS Firewall), then
//! lets the most specific of Resolver rules, private hosted zones and the managed zones of interface endpoints decide, and
//! asks the public DNS where none of them knows the name
//! (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>).
//! Each step that was not seen widens the set, and says what was not seen.

mod amazon;
mod answer;
mod checks;
mod dhcp;
mod endpoints;
mod firewall;
mod local;
mod name;
mod resolver;
mod rules;
mod scope;
mod target;
#[cfg(test)]
mod tests;
mod zones;

pub use answer::{Doubt, Families, NameAnswer, NameCause, NameTarget, Names, PRESENCE};
pub use checks::{Duplicate, NumberedZone, WrongZone, duplicates, known_endpoints, managed_block_lists, numbered_zones, servers_beside_amazons, wrongly_named_zones, zones_unseen};
pub use endpoints::record_families;
pub use resolver::Resolver;

use super::View;

/// What `host` resolves to from `vpc`.
///
/// `service` is the short name of the endpoint service that the host belongs to, empty for hosts of registries;
/// `consumer` are the address families of who asks. Callers with many names build one [`Resolver`] and ask it.
#[must_use]
pub fn resolve(view: &View<'_>, vpc: &str, host: &str, service: &str, consumer: Families) -> Names {
    Resolver::new(view).resolve(vpc, host, service, consumer)
}
