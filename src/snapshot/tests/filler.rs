//! A deserializer without input that fills every field of any type, so that a test covers fields that do not exist yet.

use serde::de::value::Error;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// A value with every optional field there and one element in every list.
pub(super) fn filled<T: DeserializeOwned>() -> T {
    T::deserialize(Filler { depth: 0 }).unwrap()
}

/// The text of every string: an environment name that is kept.
pub(super) const TEXT: &str = "AWS_ACCESS_KEY";

/// Keys of every map: options that are kept, of log drivers and of FireLens.
const KEYS: [&str; 2] = ["awslogs-group", "config-file-type"];

/// What types of several forms get: a time, which is a string as well.
const ANY: &str = "2026-11-20T12:00:00Z";

#[derive(Clone, Copy)]
struct Filler {
    depth: u8,
}

impl Filler {
    const fn inside(self) -> Self {
        Self { depth: self.depth + 1 }
    }

    /// Types that hold themselves end somewhere.
    const fn ends(self) -> bool {
        self.depth > 16
    }
}

impl<'de> Deserializer<'de> for Filler {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        v.visit_str(ANY)
    }
    fn deserialize_string<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        v.visit_str(TEXT)
    }
    fn deserialize_bool<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        v.visit_bool(true)
    }
    fn deserialize_i32<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        v.visit_i32(7)
    }
    fn deserialize_i64<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        v.visit_i64(7)
    }
    fn deserialize_option<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        if self.ends() { v.visit_none() } else { v.visit_some(self.inside()) }
    }
    fn deserialize_seq<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        v.visit_seq(Once { filler: self.inside(), left: usize::from(!self.ends()) })
    }
    fn deserialize_map<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Error> {
        v.visit_map(Fields { filler: self.inside(), keys: KEYS.iter() })
    }
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], v: V) -> Result<V::Value, Error> {
        v.visit_map(Fields { filler: self.inside(), keys: fields.iter() })
    }
    forward_to_deserialize_any! { i8 i16 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct enum identifier ignored_any }
}

struct Once {
    filler: Filler,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Once {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.filler).map(Some)
    }
}

struct Fields<I> {
    filler: Filler,
    keys: I,
}

impl<'de, I: Iterator<Item = &'static &'static str>> de::MapAccess<'de> for Fields<I> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.keys.next().map(|key| seed.deserialize(de::value::StrDeserializer::new(key))).transpose()
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.filler)
    }
}
