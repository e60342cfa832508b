//! Reads one file into the outputs it holds, streaming, whichever of the forms it has: one output, a list of outputs,
//! outputs by the id of their subject, or an error in the place of an output.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de::DeserializeOwned};

use super::error::SnapshotError;
use crate::inventory::{ApiError, ecs::Failure};

/// An output that is filled member by member.
pub(super) trait Slot {
    /// Takes the value of `key` if it is a modelled member; `false` leaves it for others.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// An output whose one member is a list.
#[derive(Debug)]
pub(super) struct Items<T> {
    member: &'static str,
    pub items: Vec<T>,
}

impl<T> Items<T> {
    pub const fn of(member: &'static str) -> Self {
        Self { member, items: Vec::new() }
    }
}

impl<T: DeserializeOwned> Slot for Items<T> {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key != self.member {
            return Ok(false);
        }
        map.next_value_seed(Extend(&mut self.items))?;
        Ok(true)
    }
}

/// An output whose one member is an object.
#[derive(Debug)]
pub(super) struct One<T> {
    member: &'static str,
    pub value: Option<T>,
}

impl<T> One<T> {
    pub const fn of(member: &'static str) -> Self {
        Self { member, value: None }
    }
}

impl<T: DeserializeOwned> Slot for One<T> {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        if key != self.member {
            return Ok(false);
        }
        self.value = map.next_value()?;
        Ok(true)
    }
}

/// Appends the elements of a list, or nothing for `null`, to a vector without an intermediate one.
pub(super) struct Extend<'a, T>(pub &'a mut Vec<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Extend<'_, T> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Extend<'_, T> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element()? {
            self.0.push(item);
        }
        Ok(())
    }
}

/// One output, or what stands in its place.
#[derive(Debug)]
pub(super) struct Output<S> {
    /// The subject, where key, file name or the output itself tells it.
    pub id: Option<String>,
    pub slot: S,
    /// Whether the result member was there.
    pub present: bool,
    /// An error in its place.
    pub error: Option<ApiError>,
    /// The member that says that more exists than is here.
    pub more: Option<&'static str>,
    /// Subjects that the call could not answer for.
    pub failures: Vec<Failure>,
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Document<S> {
    pub outputs: Vec<Output<S>>,
    /// Whether its root is a list.
    pub list: bool,
    /// Whether its root has nothing in it.
    pub empty: bool,
}

/// How to tell the forms of one operation apart.
#[derive(Clone, Copy)]
pub(super) struct Form<F> {
    /// Makes an empty output.
    pub make: F,
    /// A member that holds a list of outputs: `VpcAttributes`, `taskDefinitions`, `PrefixLists`.
    pub wrapper: Option<&'static str>,
    /// A member by which an output names its subject.
    pub id_member: Option<&'static str>,
}

/// Reads a file.
///
/// # Errors
/// What cannot be opened, is no JSON, or holds something else than outputs; with position.
pub(super) fn document<S: Slot, F: Fn() -> S + Copy>(path: &Path, tail: Option<&str>, form: Form<F>) -> Result<Document<S>, SnapshotError> {
    let mut document = Document { outputs: Vec::new(), list: false, empty: true };
    let seed = Outputs { form, id: tail.map(str::to_owned), depth: 0, strict: true, into: &mut document };
    json(path, seed)?;
    Ok(document)
}

/// Reads a file as one JSON document by a seed.
pub(super) fn json<'de, T: DeserializeSeed<'de>>(path: &Path, seed: T) -> Result<T::Value, SnapshotError> {
    let mut json = serde_json::Deserializer::from_reader(open(path)?);
    let mut track = serde_path_to_error::Track::new();
    let value = match seed.deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track)) {
        Ok(value) => value,
        Err(error) => return Err(SnapshotError::json(path, &track.path().to_string(), &error)),
    };
    json.end().map_err(|error| SnapshotError::json(path, "", &error))?;
    Ok(value)
}

/// A seed for any owned type.
pub(super) fn of<T>() -> PhantomData<T> {
    PhantomData
}

/// Opens a file as UTF-8 without byte-order mark; UTF-16 with one, as some shells write it, is converted.
pub(super) fn open(path: &Path) -> Result<BufReader<Box<dyn Read>>, SnapshotError> {
    let unreadable = |source| SnapshotError::Unreadable { path: path.to_owned(), source };
    // Asked before opening: to open a pipe is to wait for its writer.
    let kind = std::fs::metadata(path).map_err(unreadable)?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "is a folder" } else { "is no regular file" };
        return Err(SnapshotError::malformed(path, format!("{what}, where the output of an operation is expected")));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let mut start = Vec::new();
    file.by_ref().take(3).read_to_end(&mut start).map_err(unreadable)?;
    let reader: Box<dyn Read> = match start.as_slice() {
        [] => return Err(SnapshotError::malformed(path, "is empty: the command that should have written it probably failed; record it again, or delete it if it was not collected")),
        [0xEF, 0xBB, 0xBF] => Box::new(file),
        [0xFF, 0xFE, ..] => Box::new(std::io::Cursor::new(utf16(path, file, u16::from_le_bytes)?)),
        [0xFE, 0xFF, ..] => Box::new(std::io::Cursor::new(utf16(path, file, u16::from_be_bytes)?)),
        _ => Box::new(std::io::Cursor::new(start).chain(file)),
    };
    Ok(BufReader::with_capacity(1 << 16, reader))
}

fn utf16(path: &Path, mut file: File, unit: fn([u8; 2]) -> u16) -> Result<String, SnapshotError> {
    let unreadable = |source| SnapshotError::Unreadable { path: path.to_owned(), source };
    file.seek(SeekFrom::Start(2)).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    let units = bytes.chunks_exact(2).map(|pair| unit([pair.first().copied().unwrap_or_default(), pair.get(1).copied().unwrap_or_default()]));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| SnapshotError::malformed(path, "is neither UTF-8 nor UTF-16; save it as UTF-8"))
}

/// Visits a document, or a part of one, for outputs.
struct Outputs<'a, S, F> {
    form: Form<F>,
    id: Option<String>,
    /// 0: the root. Ids stand at the root, outputs at most two levels below it.
    depth: u8,
    /// Whether anything else than outputs is an error.
    strict: bool,
    into: &'a mut Document<S>,
}

impl<'de, S: Slot, F: Fn() -> S + Copy> DeserializeSeed<'de> for Outputs<'_, S, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<S: Slot, F: Fn() -> S + Copy> Outputs<'_, S, F> {
    fn scalar<E: de::Error>(self, found: de::Unexpected<'_>) -> Result<(), E> {
        if self.strict { Err(E::invalid_type(found, &self)) } else { Ok(()) }
    }

    fn output(&self) -> Output<S> {
        Output { id: self.id.clone(), slot: (self.form.make)(), present: false, error: None, more: None, failures: Vec::new() }
    }
}

impl<'de, S: Slot, F: Fn() -> S + Copy> Visitor<'de> for Outputs<'_, S, F> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object as the AWS CLI prints it")
    }
    fn visit_bool<E: de::Error>(self, v: bool) -> Result<(), E> {
        self.scalar(de::Unexpected::Bool(v))
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<(), E> {
        self.scalar(de::Unexpected::Signed(v))
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<(), E> {
        self.scalar(de::Unexpected::Unsigned(v))
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<(), E> {
        self.scalar(de::Unexpected::Float(v))
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<(), E> {
        self.scalar(de::Unexpected::Str(v))
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.scalar(de::Unexpected::Unit)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.depth == 0 {
            self.into.list = true;
        }
        loop {
            let part = Outputs { form: self.form, id: self.id.clone(), depth: self.depth.max(1), strict: self.strict, into: &mut *self.into };
            if seq.next_element_seed(part)?.is_none() {
                return Ok(());
            }
            self.into.empty = false;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut output = self.output();
        let mut inside = Document { outputs: Vec::new(), list: false, empty: true };
        let mut wrapped = false;
        while let Some(key) = map.next_key::<String>()? {
            self.into.empty = false;
            match key.as_str() {
                "NextToken" | "nextToken" => output.more = output.more.or(map.next_value::<Option<Token>>()?.filter(|t| t.0).map(|_| "NextToken")),
                "IsTruncated" | "AdditionalRoutesAvailable" => {
                    let name = if key.starts_with('I') { "IsTruncated" } else { "AdditionalRoutesAvailable" };
                    output.more = output.more.or(map.next_value::<Option<bool>>()?.filter(|more| *more).map(|_| name));
                }
                "Error" => output.error = map.next_value()?,
                "failures" => map.next_value_seed(Extend(&mut output.failures))?,
                "ResponseMetadata" => {
                    map.next_value::<IgnoredAny>()?;
                }
                key if self.depth == 0 && self.form.wrapper == Some(key) => {
                    map.next_value_seed(Outputs { form: self.form, id: None, depth: 1, strict: true, into: &mut inside })?;
                    wrapped = true;
                }
                key if self.form.id_member == Some(key) => output.id = map.next_value::<Option<String>>()?.or(output.id),
                key => {
                    if output.slot.take(key, &mut map)? {
                        output.present = true;
                    } else if self.depth == 0 {
                        map.next_value_seed(Outputs { form: self.form, id: Some(key.to_owned()), depth: 1, strict: false, into: &mut inside })?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
        }
        if output.present || output.error.is_some() || (inside.outputs.is_empty() && !wrapped) {
            self.into.outputs.push(output);
        } else {
            let more = output.more;
            self.into.outputs.extend(inside.outputs.into_iter().map(|mut o| {
                o.more = o.more.or(more);
                o
            }));
        }
        Ok(())
    }
}

/// Whether a page token is one: a string that is not empty, or any other value but `null`.
struct Token(bool);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(!matches!(serde_json::Value::deserialize(d)?, serde_json::Value::String(text) if text.is_empty())))
    }
}
