//! Metadata of many objects in one file.

use std::cmp::Reverse;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::json::{self, Node};
use super::{Field, MetadataError, ObjectMetadata, is_metadata};

/// Metadata of many objects, to be asked by bucket and key.
#[derive(Debug, Default)]
pub struct Manifest {
    /// Sorted by file name, then key, then bucket; one for each bucket and key.
    entries: Vec<Entry>,
    without_signature: usize,
}

#[derive(Debug)]
struct Entry {
    bucket: Option<Box<str>>,
    /// The key, or the end of it, or a path that ends in it.
    key: Box<str>,
    metadata: ObjectMetadata,
}

impl Manifest {
    /// Reads a manifest. The shapes (docs/spec/verification.md 1):
    ///
    /// - JSON Lines: on each line an object with the object's key (`key`, `s3_key` or `path`), optionally its
    ///   `bucket`, and its `metadata` (or the metadata names directly);
    /// - a JSON array of such objects, as `rclone lsjson --metadata` prints;
    /// - one JSON object whose members are keys, and their values metadata.
    ///
    /// Names are matched without regard to case. A key may be `s3://bucket/key`, `bucket/key`, a key, the end
    /// of one, or a path that ends in one. Members that are not known are ignored; entries without a signature
    /// are only counted.
    ///
    /// # Errors
    ///
    /// `Malformed` or `InManifest` for the first thing that is wrong, with its place; `Conflict` where two
    /// entries for the same bucket and key differ. Nothing is skipped in silence.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let text = json::text(bytes)?;
        let mut builder = Builder::default();
        match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => {}
            Some(b'[') => builder.read_array(text)?,
            Some(_) => builder.read_objects(text)?,
        }
        builder.finish()
    }

    /// The metadata of an object.
    ///
    /// An entry speaks of the object when its key is the end of the object's key or the other way round, by
    /// whole path components. Of several, the one that has most components in common wins, the bucket being
    /// one of them; then one that names no other bucket; then the one without further components (an exact
    /// match); then the first in the order of keys and buckets. A bucket that is not known is the empty string.
    pub fn lookup(&self, bucket: &str, key: &str) -> Option<&ObjectMetadata> {
        let name = file_name(key);
        let first = self.entries.partition_point(|entry| entry.file_name() < name);
        let named = self.entries[first..].iter().take_while(|entry| entry.file_name() == name);
        let fits = named.filter_map(|entry| Some((entry.fit(bucket, key)?, entry)));
        let best = fits.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        Some(&best.1.metadata)
    }

    /// How many objects the manifest has a signature for.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the manifest has no signature at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries of the file had no signature and were left out.
    pub fn without_signature(&self) -> usize {
        self.without_signature
    }
}

/// How well an entry fits an object; more is better.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    common_components: usize,
    names_no_other_bucket: bool,
    further_components: Reverse<usize>,
}

impl Entry {
    fn file_name(&self) -> &str {
        file_name(&self.key)
    }

    fn fit(&self, bucket: &str, key: &str) -> Option<Fit> {
        let mut ours = components(&self.key).rev();
        let mut asked = components(key).rev();
        let mut common = 0;
        let bucket_here = loop {
            match (ours.next(), asked.next()) {
                (Some(our), Some(theirs)) if our == theirs => common += 1,
                (Some(_), Some(_)) => return None,
                // beyond the key, a path may go on with the bucket
                (Some(our), None) => break Some(our),
                (None, Some(_)) => return Some(self.fit_of(common, false, bucket, 0)),
                (None, None) => break self.bucket.as_deref(),
            }
        };
        let in_bucket = bucket_here == Some(bucket);
        let further = components(&self.key).count() - common;
        Some(self.fit_of(common, in_bucket, bucket, further.saturating_sub(usize::from(in_bucket))))
    }

    fn fit_of(&self, common: usize, in_bucket: bool, bucket: &str, further: usize) -> Fit {
        Fit {
            common_components: common + usize::from(in_bucket),
            names_no_other_bucket: self.bucket.as_deref().is_none_or(|ours| ours == bucket),
            further_components: Reverse(further),
        }
    }
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !matches!(*component, "" | "."))
}

/// The last component; empty when there is none.
fn file_name(path: &str) -> &str {
    components(path).next_back().unwrap_or_default()
}

/// Gathers entries while a manifest is read, so that only what is kept takes memory.
#[derive(Default)]
struct Builder {
    entries: Vec<Entry>,
    without_signature: usize,
}

impl Builder {
    fn read_array(&mut self, text: &[u8]) -> Result<(), MetadataError> {
        let mut failure = None;
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let elements = Elements { builder: self, failure: &mut failure };
        let outcome = deserializer.deserialize_seq(elements).and_then(|()| deserializer.end());
        match (failure, outcome) {
            (Some(failure), _) => Err(failure),
            (None, outcome) => outcome.map_err(|error| json::malformed(&error)),
        }
    }

    /// One object, or one after the other.
    fn read_objects(&mut self, text: &[u8]) -> Result<(), MetadataError> {
        let mut stream = serde_json::Deserializer::from_slice(text).into_iter::<ManifestObject>();
        let mut lines = LineCounter { text, at: 0, line: 1 };
        let Some(first) = stream.next() else { return Ok(()) };
        let first = first.map_err(|error| json::malformed(&error))?;
        let mut end = stream.byte_offset();

        let first_line = lines.line_of_text_at(0);
        let Some(second) = stream.next() else {
            // alone: an entry, or a map of them
            return if first.key().is_some() {
                self.add(first).map_err(|error| at(format!("line {first_line}"), error))
            } else {
                first.members.into_iter().try_for_each(|(key, value)| self.add_member(key, value))
            };
        };
        // when something that is no object follows, the fault lies there and not in the first object
        let mut next = Some(Ok(second.map_err(|error| json::malformed(&error))?));
        self.add(first).map_err(|error| at(format!("line {first_line}"), error))?;
        while let Some(record) = next {
            let record = record.map_err(|error| json::malformed(&error))?;
            let line = lines.line_of_text_at(end);
            self.add(record).map_err(|error| at(format!("line {line}"), error))?;
            end = stream.byte_offset();
            next = stream.next();
        }
        Ok(())
    }

    /// Adds an object that names its key itself.
    fn add(&mut self, record: ManifestObject) -> Result<(), MetadataError> {
        let key = record.key().ok_or(MetadataError::NoKey)?.to_owned();
        let bucket = record.text(&["bucket", "s3_bucket"]).map(str::to_owned);
        let mut metadata = ObjectMetadata::default();
        for (name, value) in record.members {
            match value {
                Value::Metadata(inner) if is_metadata(&name) => metadata.merge(inner?)?,
                Value::Null => {}
                _ if is_metadata(&name) => return Err(MetadataError::NotAnObject { name }),
                Value::Text(text) => metadata.apply(&name, &Node::Text(text))?,
                _ if Field::named(&name).is_some() => return Err(MetadataError::NotAString { name }),
                _ => {}
            }
        }
        self.push(bucket, &key, metadata)
    }

    /// Adds a member of the object that maps keys to metadata.
    fn add_member(&mut self, key: String, value: Value) -> Result<(), MetadataError> {
        let added = match value {
            Value::Null => Ok(ObjectMetadata::default()),
            Value::Metadata(metadata) => metadata,
            _ => return Err(MetadataError::NotAnObject { name: key }),
        };
        added
            .and_then(|metadata| self.push(None, &key, metadata))
            .map_err(|error| at(format!("{key:?}"), error))
    }

    fn push(
        &mut self,
        bucket: Option<String>,
        key: &str,
        metadata: ObjectMetadata,
    ) -> Result<(), MetadataError> {
        let (bucket, key) = match key.strip_prefix("s3://") {
            Some(rest) => {
                let (bucket, key) = rest.split_once('/').ok_or(MetadataError::NoKey)?;
                (Some(bucket.into()), key)
            }
            None => (bucket.map(Into::into), key),
        };
        if file_name(key).is_empty() {
            return Err(MetadataError::NoKey);
        }
        if metadata.signature.is_some() {
            self.entries.push(Entry { bucket, key: key.into(), metadata });
        } else {
            self.without_signature += 1;
        }
        Ok(())
    }

    fn finish(self) -> Result<Manifest, MetadataError> {
        let Self { mut entries, without_signature } = self;
        entries.sort_by(|a, b| (a.file_name(), &a.key, &a.bucket).cmp(&(b.file_name(), &b.key, &b.bucket)));
        let mut failure = None;
        entries.dedup_by(|next, kept| {
            let same = (&next.key, &next.bucket) == (&kept.key, &kept.bucket);
            if same && let Err(error) = kept.metadata.merge(std::mem::take(&mut next.metadata)) {
                failure.get_or_insert_with(|| at(format!("{:?}", kept.key), error));
            }
            same
        });
        match failure {
            Some(failure) => Err(failure),
            None => Ok(Manifest { entries, without_signature }),
        }
    }
}

fn at(place: String, error: MetadataError) -> MetadataError {
    MetadataError::InManifest { place, error: Box::new(error) }
}

/// Counts lines up to places that only go forward.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl LineCounter<'_> {
    /// The line, from 1, of the first text at or after `offset`.
    fn line_of_text_at(&mut self, offset: usize) -> usize {
        let blank = self.text[offset..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let to = offset + blank;
        self.line += self.text[self.at..to].split(|byte| *byte == b'\n').count() - 1;
        self.at = to;
        self.line
    }
}

/// An object of a manifest, its values reduced to what can be of use.
struct ManifestObject {
    members: Vec<(String, Value)>,
}

enum Value {
    Null,
    Text(String),
    /// An object: the metadata in it.
    Metadata(Result<ObjectMetadata, MetadataError>),
    Other,
}

impl ManifestObject {
    fn key(&self) -> Option<&str> {
        self.text(&["key", "s3_key", "path"])
    }

    /// The text under the first of these names that has one.
    fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|wanted| {
            self.members.iter().find_map(|(name, value)| match value {
                Value::Text(text) if name.eq_ignore_ascii_case(wanted) => Some(&**text),
                _ => None,
            })
        })
    }
}

impl From<Node> for Value {
    fn from(node: Node) -> Self {
        match node {
            Node::Null => Self::Null,
            Node::Text(text) => Self::Text(text),
            Node::Object(members) => Self::Metadata(ObjectMetadata::from_members(&members)),
            Node::Other => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for ManifestObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecordVisitor;

        impl<'de> Visitor<'de> for RecordVisitor {
            type Value = ManifestObject;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ManifestObject, A::Error> {
                let mut members = Vec::new();
                while let Some((name, node)) = entries.next_entry::<String, Node>()? {
                    members.push((name, node.into()));
                }
                Ok(ManifestObject { members })
            }
        }

        deserializer.deserialize_map(RecordVisitor)
    }
}

/// Adds each element of an array as it is read.
struct Elements<'a> {
    builder: &'a mut Builder,
    failure: &'a mut Option<MetadataError>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of JSON objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut number = 0_usize;
        while let Some(record) = elements.next_element()? {
            number += 1;
            if let Err(error) = self.builder.add(record) {
                *self.failure = Some(at(format!("element {number}"), error));
                return Err(A::Error::custom("an element is wrong"));
            }
        }
        Ok(())
    }
}
