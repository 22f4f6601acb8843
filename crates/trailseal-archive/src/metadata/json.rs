//! JSON as members in their order, so that a name that stands twice is seen and not overwritten in silence.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::MetadataError;

/// A JSON value, without what is of no use here: numbers, truth values and the elements of arrays.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Text(String),
    Object(Vec<(String, Node)>),
    Other,
}

/// Parses one document. Nesting beyond `serde_json`'s limit of 128 is an error.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, MetadataError> {
    serde_json::from_slice(text(bytes)?).map_err(|error| malformed(&error))
}

/// The text behind a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&[u8], MetadataError> {
    const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        // what `>` writes in older versions of PowerShell
        return Err(MetadataError::Malformed { line: 1, reason: "UTF-16 text, not UTF-8".into() });
    }
    Ok(bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes))
}

pub(super) fn malformed(error: &serde_json::Error) -> MetadataError {
    let message = error.to_string();
    // the line is a field of its own
    let reason = message.rsplit_once(" at line ").map_or(&*message, |(reason, _)| reason);
    MetadataError::Malformed { line: error.line(), reason: reason.to_owned() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        while elements.next_element::<Node>()?.is_some() {}
        Ok(Node::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = entries.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}
