//! Object metadata that lies beside a digest file: where S3 keeps the signature (docs/spec/format.md 1.3).
//!
//! Copying an object to a disk loses its S3 user metadata, so the signature comes from one of three places
//! (docs/spec/verification.md 1): a sidecar file ([`parse_sidecar`]), a [`Manifest`] of many objects, or the
//! extended attributes of the file ([`read_xattrs`]). Nothing here is trusted: a signature is only a candidate
//! until a key verifies it.

use std::io;
use std::path::Path;

use thiserror::Error;

mod json;
mod manifest;
#[cfg(test)]
mod tests;

use json::Node;
pub use manifest::Manifest;

/// The largest sidecar that is read; S3 allows 2 KB of user metadata, and `head-object` adds little.
pub const MAX_SIDECAR_BYTES: usize = 1024 * 1024;

/// What the metadata of a digest object says, as text that has not been checked.
///
/// Space around a value is dropped, and an empty value counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectMetadata {
    /// `signature`: hex of the RSA signature.
    pub signature: Option<String>,
    /// `signature-algorithm`: `SHA256withRSA`.
    pub signature_algorithm: Option<String>,
    /// `backfill-generation-timestamp`: when a backfill digest was made, `2025-09-01T00:00:00Z`.
    pub backfill_generation_timestamp: Option<String>,
}

/// Why object metadata could not be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataError {
    /// A sidecar is larger than any that AWS tools write.
    #[error("{bytes} bytes are too many for object metadata (at most {limit})")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// [`MAX_SIDECAR_BYTES`].
        limit: usize,
    },
    /// The text is not JSON, or not of a shape that is known here.
    #[error("line {line}: {reason}")]
    Malformed {
        /// The line where reading stopped, from 1.
        line: usize,
        /// What was wrong with it.
        reason: String,
    },
    /// A member that must hold metadata is not a JSON object.
    #[error("`{name}` is not an object")]
    NotAnObject {
        /// The member.
        name: String,
    },
    /// A metadata value is not a string.
    #[error("the value of `{name}` is not a string")]
    NotAString {
        /// The metadata name.
        name: String,
    },
    /// One object is given two different values for one name.
    #[error("two different values for `{name}`")]
    Conflict {
        /// The metadata name.
        name: String,
    },
    /// A manifest entry does not say which object it speaks of.
    #[error("no object key (a `key`, `s3_key` or `path` member with text)")]
    NoKey,
    /// An entry of a manifest is wrong.
    #[error("{place}: {error}")]
    InManifest {
        /// Where: `line 3`, `element 3` (from 1), or the key.
        place: String,
        /// What is wrong with it.
        error: Box<MetadataError>,
    },
}

/// Reads the sidecar of one digest file: the JSON that `aws s3api head-object` or `get-object` prints, or a
/// flat object that holds the names themselves.
///
/// Names are matched without regard to case, with or without `x-amz-meta-`. Where none is there, all fields
/// of the result are `None`.
///
/// # Errors
///
/// `TooLarge`, `Malformed` (also for JSON that is nested too deeply), or that a value is unusable.
pub fn parse_sidecar(bytes: &[u8]) -> Result<ObjectMetadata, MetadataError> {
    if bytes.len() > MAX_SIDECAR_BYTES {
        return Err(MetadataError::TooLarge { bytes: bytes.len(), limit: MAX_SIDECAR_BYTES });
    }
    match json::parse(bytes)? {
        Node::Object(members) => ObjectMetadata::from_members(&members),
        _ => Err(MetadataError::Malformed { line: 1, reason: "not a JSON object".into() }),
    }
}

/// Reads the extended attributes of a file: `user.signature`, `user.signature-algorithm` and
/// `user.backfill-generation-timestamp`, which win over the same names with `user.x-amz-meta-`.
///
/// `None` when the file has none of them, or when the file system or platform has no extended attributes.
/// A symbolic link is not followed. Bytes that are no UTF-8 are replaced, so that such a signature is
/// found malformed later rather than absent.
///
/// # Errors
///
/// What the operating system says, for example that there is no such file.
pub fn read_xattrs(path: &Path) -> io::Result<Option<ObjectMetadata>> {
    let names = match xattr::list(path) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut known: Vec<(Field, String)> = names
        .filter_map(|name| {
            let name = name.into_string().ok()?;
            Some((Field::named(name.strip_prefix("user.").unwrap_or(&name))?, name))
        })
        .collect();
    // the short names first, whatever the order in which the file system lists them
    known.sort_by(|(_, a), (_, b)| (a.len(), a).cmp(&(b.len(), b)));

    let mut metadata = ObjectMetadata::default();
    for (field, name) in known {
        if field.of(&mut metadata).is_none()
            && let Some(value) = xattr::get(path, &name)?
        {
            *field.of(&mut metadata) = tidy(&String::from_utf8_lossy(&value));
        }
    }
    Ok(Some(metadata).filter(|metadata| *metadata != ObjectMetadata::default()))
}

impl ObjectMetadata {
    /// Collects the names from an object that holds them itself, in a `Metadata` member, or both.
    fn from_members(members: &[(String, Node)]) -> Result<Self, MetadataError> {
        let mut metadata = Self::default();
        for (name, value) in members {
            match value {
                _ if !is_metadata(name) => metadata.apply(name, value)?,
                Node::Null => {}
                Node::Object(inner) => {
                    inner.iter().try_for_each(|(name, value)| metadata.apply(name, value))?;
                }
                _ => return Err(MetadataError::NotAnObject { name: name.clone() }),
            }
        }
        Ok(metadata)
    }

    /// Takes over one member if its name is known.
    fn apply(&mut self, name: &str, value: &Node) -> Result<(), MetadataError> {
        let Some(field) = Field::named(name) else { return Ok(()) };
        match value {
            Node::Null => Ok(()),
            Node::Text(text) => self.set(field, tidy(text)),
            _ => Err(MetadataError::NotAString { name: name.to_owned() }),
        }
    }

    /// Takes over what `other` says and this does not.
    fn merge(&mut self, mut other: Self) -> Result<(), MetadataError> {
        Field::ALL.into_iter().try_for_each(|field| self.set(field, field.of(&mut other).take()))
    }

    fn set(&mut self, field: Field, value: Option<String>) -> Result<(), MetadataError> {
        let slot = field.of(self);
        match (&*slot, value) {
            (_, None) => {}
            (None, value) => *slot = value,
            (Some(held), Some(value)) if *held == value => {}
            _ => return Err(MetadataError::Conflict { name: field.name().to_owned() }),
        }
        Ok(())
    }
}

/// One of the metadata names.
#[derive(Clone, Copy)]
enum Field {
    Signature,
    Algorithm,
    BackfillTime,
}

impl Field {
    const ALL: [Self; 3] = [Self::Signature, Self::Algorithm, Self::BackfillTime];

    fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Algorithm => "signature-algorithm",
            Self::BackfillTime => "backfill-generation-timestamp",
        }
    }

    /// The field of this name, in any case, with or without `x-amz-meta-`.
    fn named(name: &str) -> Option<Self> {
        const PREFIX: &str = "x-amz-meta-";
        let short = match name.get(..PREFIX.len()) {
            Some(start) if start.eq_ignore_ascii_case(PREFIX) => &name[PREFIX.len()..],
            _ => name,
        };
        Self::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(short))
    }

    fn of(self, metadata: &mut ObjectMetadata) -> &mut Option<String> {
        match self {
            Self::Signature => &mut metadata.signature,
            Self::Algorithm => &mut metadata.signature_algorithm,
            Self::BackfillTime => &mut metadata.backfill_generation_timestamp,
        }
    }
}

fn is_metadata(name: &str) -> bool {
    name.eq_ignore_ascii_case("metadata")
}

/// The value without the space and NULs that tools leave around it.
fn tidy(value: &str) -> Option<String> {
    let value = value.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0');
    (!value.is_empty()).then(|| value.to_owned())
}
