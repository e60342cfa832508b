//! How AWS CLI output maps to Rust: one macro for the structs, tolerant readers for lists, times and policies.
//!
//! Every struct here is an allow-list: a key that is not a field is dropped on reading and never written.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Declares structs in the shape of AWS CLI output.
///
/// Three groups of fields, in this order, each of which may be empty: `id` (required strings), `opt` (absent and `null`
/// are `None`), `list` (absent and `null` are empty). `$case` is serde's `rename_all`.
macro_rules! shapes {
    ($case:literal; $(
        $(#[$meta:meta])*
        $name:ident {
            id: $($(#[$im:meta])* $i:ident),* ;
            opt: $($(#[$om:meta])* $o:ident : $ot:ty),* ;
            list: $($(#[$lm:meta])* $l:ident : $lt:ty),* ;
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = $case)]
        pub struct $name {
            $($(#[$im])* #[doc = "AWS's field of this name."] pub $i: String,)*
            $($(#[$om])* #[doc = "AWS's field of this name."] #[serde(default, skip_serializing_if = "Option::is_none")] pub $o: Option<$ot>,)*
            $($(#[$lm])* #[doc = "AWS's field of this name."] #[serde(default, deserialize_with = "crate::inventory::shape::list")] pub $l: Vec<$lt>,)*
        }
    )* };
}
pub(crate) use shapes;

/// Reads a list of which AWS may send nothing, `null` or `[]`: all three are empty.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(d)?.unwrap_or_default())
}

/// Reads a time of AWS's; text that is no time is `None`: unknown, which decides nothing, rather than the end of the audit.
///
/// # Errors
/// Neither text nor a number.
pub fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Time>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a time (RFC 3339 or epoch seconds)")]
    enum Form {
        Text(String),
        Seconds(f64),
    }
    Ok(match Option::<Form>::deserialize(d)? {
        None => None,
        Some(Form::Text(text)) => Time::parse(&text).ok(),
        Some(Form::Seconds(seconds)) => Time::from_epoch(seconds).ok(),
    })
}

/// A point in time: RFC 3339 with any offset, or epoch seconds (whole or with a fraction), as the AWS CLI prints either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub Timestamp);

impl Time {
    /// Parses the text forms that the AWS CLI and `--now` use.
    ///
    /// # Errors
    /// What is neither a time with an offset nor a number of seconds.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(seconds) = text.parse::<f64>() {
            return Self::from_epoch(seconds);
        }
        text.parse::<Timestamp>().map(Self).map_err(|_| format!("`{text}` is no time (RFC 3339 such as 2026-01-31T12:00:00Z, or epoch seconds)"))
    }

    /// From epoch seconds.
    ///
    /// # Errors
    /// A number outside the years that can be represented.
    pub fn from_epoch(seconds: f64) -> Result<Self, String> {
        let millis = (seconds * 1000.0).round();
        if !millis.is_finite() || millis.abs() > 2.0e14 {
            return Err(format!("{seconds} is no time in epoch seconds"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        Timestamp::from_millisecond(millis as i64).map(Self).map_err(|_| format!("{seconds} is no time in epoch seconds"))
    }

    /// Seconds from `earlier` to this, negative if it lies before.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.0.as_second() - earlier.0.as_second()
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Time;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time (RFC 3339 or epoch seconds)")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Time, E> {
                Time::parse(v).map_err(E::custom)
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Time, E> {
                Time::from_epoch(v).map_err(E::custom)
            }
            #[expect(clippy::cast_precision_loss, reason = "epoch seconds lie far below 2^52")]
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Time, E> {
                Time::from_epoch(v as f64).map_err(E::custom)
            }
            #[expect(clippy::cast_precision_loss, reason = "epoch seconds lie far below 2^52")]
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Time, E> {
                Time::from_epoch(v as f64).map_err(E::custom)
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// A policy document as JSON text: the CLI prints endpoint policies as a string and IAM policies as an object; the wire
/// form of IAM is percent-encoded, which is the collector's business.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyText(pub String);

impl Serialize for PolicyText {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PolicyText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(match serde_json::Value::deserialize(d)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}
