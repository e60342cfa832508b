//! From the SDK's types to the inventory's, field by field: what has no field in the inventory is dropped here and never kept.
//!
//! States keep the text of the wire, also where the SDK's enum does not know it (`available` of endpoints and gateways).
//! An item without its id is no item: the readers give `None`, and the page counts it as lost.

pub mod ec2;
pub mod ecs;
pub mod other;

use aws_smithy_types::DateTime;

use crate::inventory::Time;

/// Converts an optional list; absent is empty.
fn each<A, B>(list: Option<Vec<A>>, convert: impl FnMut(A) -> B) -> Vec<B> {
    list.map_or_else(Vec::new, |list| tight(list.into_iter().map(convert).collect()))
}

/// Converts an optional list of items that need an id; those without are dropped.
fn each_with_id<A, B>(list: Option<Vec<A>>, convert: impl FnMut(A) -> Option<B>) -> Vec<B> {
    list.map_or_else(Vec::new, |list| tight(list.into_iter().filter_map(convert).collect()))
}

/// The list without spare room. Collecting one vector into another may keep the memory of the first, and the SDK's items are
/// far larger than ours.
fn tight<T>(mut list: Vec<T>) -> Vec<T> {
    list.shrink_to_fit();
    list
}

/// The text of an enum as it came over the wire.
fn wire<T: AsRef<str>>(value: Option<T>) -> Option<String> {
    value.map(|v| v.as_ref().to_owned())
}

/// A point in time, to the millisecond.
fn time(value: Option<DateTime>) -> Option<Time> {
    Time::from_epoch(value?.as_secs_f64()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_milliseconds() {
        let at = time(Some(DateTime::from_fractional_secs(1_700_000_000, 0.125))).unwrap();
        assert_eq!(at.to_string(), "2023-11-14T22:13:20.125Z");
    }

    #[test]
    fn an_enum_keeps_the_text_of_the_wire() {
        assert_eq!(wire(Some(aws_sdk_ec2::types::State::from("available"))).as_deref(), Some("available"));
        assert_eq!(wire(Some(aws_sdk_ec2::types::State::from("a state of next year"))).as_deref(), Some("a state of next year"));
    }
}
