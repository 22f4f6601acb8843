//! What can be made of a digest in memory: other contents that nobody signs, and its metadata.

use serde_json::Value;
use trailseal_deliver::{DigestDocument, write::Sidecar};

use crate::{
    gzip::{corrupt_deflate, gzip_member},
    model::ModelDigest,
};

/// Other ways to write the same JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Over many lines.
    Pretty,
    /// Members in the order of the alphabet.
    Sorted,
    /// `/` not written as `\/`.
    PlainSlashes,
}

impl Style {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pretty, Self::Sorted, Self::PlainSlashes];
}

/// What can be wrong with a digest file so that it holds no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MalformedDigest {
    /// No bytes.
    Empty,
    /// A gzip member without content.
    EmptyMember,
    /// Gzip data that end in the middle.
    Cut,
    /// JSON that ends in the middle, in an intact gzip member.
    CutJson,
    /// Words.
    NotJson,
    /// A number where text belongs.
    WrongType,
    /// A time that is none.
    WrongTime,
    /// A member that every digest has is not there.
    MissingMember,
    /// `{}`.
    EmptyObject,
    /// `[]`.
    Array,
    /// A Latin-1 byte in a string.
    NotUtf8,
    /// Bytes that are neither gzip nor JSON.
    NotGzip,
    /// Broken deflate data.
    Corrupt,
    /// A digest's JSON and something after it.
    TwoValues,
}

/// All of them, each with a word of the reason that must be given for it.
pub const MALFORMED: [(MalformedDigest, &str); 14] = [
    (MalformedDigest::Empty, "empty"),
    (MalformedDigest::EmptyMember, "no content"),
    (MalformedDigest::Cut, "cut short"),
    (MalformedDigest::CutJson, "EOF"),
    (MalformedDigest::NotJson, "expected"),
    (MalformedDigest::WrongType, "invalid type"),
    (MalformedDigest::WrongTime, "time"),
    (MalformedDigest::MissingMember, "missing field"),
    (MalformedDigest::EmptyObject, "missing field"),
    (MalformedDigest::Array, "invalid"),
    (MalformedDigest::NotUtf8, "UTF-8"),
    (MalformedDigest::NotGzip, "UTF-8"),
    (MalformedDigest::Corrupt, "damaged"),
    (MalformedDigest::TwoValues, "trailing"),
];

impl ModelDigest {
    /// The file as it is delivered.
    pub fn stored(&self) -> Vec<u8> {
        gzip_member(&self.inflated, 6)
    }

    /// The content with a change, not signed again.
    pub fn edited(&self, change: impl FnOnce(&mut DigestDocument)) -> Vec<u8> {
        let mut document = self.document.clone();
        change(&mut document);
        document.to_json(true)
    }

    /// The content's JSON value, written in another way.
    pub fn reserialised(&self, style: Style) -> Vec<u8> {
        let value: Value = serde_json::from_slice(&self.inflated).unwrap();
        let bytes = match style {
            Style::Pretty => serde_json::to_vec_pretty(&value).unwrap(),
            // The map of serde_json is ordered.
            Style::Sorted => serde_json::to_vec(&value).unwrap(),
            Style::PlainSlashes => self.document.to_json(false),
        };
        assert_ne!(bytes, self.inflated);
        bytes
    }

    /// A file, as stored, that holds no digest.
    pub fn malformed(&self, how: MalformedDigest) -> Vec<u8> {
        let json = &self.inflated;
        let text = String::from_utf8(json.clone()).unwrap();
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from));
            text.replacen(from, to, 1).into_bytes()
        };
        let account = format!("\"{}\"", self.document.aws_account_id);
        let content = match how {
            MalformedDigest::Empty => return Vec::new(),
            MalformedDigest::Cut => {
                let stored = self.stored();
                return stored[..stored.len() / 2].to_vec();
            }
            MalformedDigest::Corrupt => return corrupt_deflate(self.stored()),
            MalformedDigest::NotGzip => return b"\x89PNG\r\n\x1a\n\xff\xfe".to_vec(),
            MalformedDigest::EmptyMember => Vec::new(),
            MalformedDigest::CutJson => json[..json.len() / 2].to_vec(),
            MalformedDigest::NotJson => b"nothing to see here".to_vec(),
            MalformedDigest::WrongType => changed(&account, "111122223333"),
            MalformedDigest::WrongTime => changed("\"digestEndTime\":\"2", "\"digestEndTime\":\"x"),
            MalformedDigest::MissingMember => changed("\"logFiles\"", "\"logfiles\""),
            MalformedDigest::EmptyObject => b"{}".to_vec(),
            MalformedDigest::Array => b"[]".to_vec(),
            MalformedDigest::NotUtf8 => {
                let mut bytes = json.clone();
                bytes[40] = 0xe9;
                bytes
            }
            MalformedDigest::TwoValues => [json.as_slice(), b"{}"].concat(),
        };
        gzip_member(&content, 6)
    }

    /// The signature with one bit flipped, counted from the first.
    pub fn flipped_signature(&self, bit: usize) -> String {
        let mut bytes = hex::decode(&self.signature).expect("signatures are hex");
        bytes[bit / 8] ^= 0x80 >> (bit % 8);
        hex::encode(bytes)
    }

    /// What `head-object` says of it: delivered half an hour after its window.
    pub fn sidecar(&self) -> Sidecar {
        let delivered = self.generated.unwrap_or_else(|| self.end().plus(1800));
        let mut sidecar = Sidecar::of_digest(&self.stored(), &self.signature, delivered);
        sidecar.backfill_generation = self.generated;
        sidecar
    }

    /// Its line of a metadata manifest.
    pub(crate) fn manifest_line(&self) -> String {
        let metadata = serde_json::json!({
            "x-amz-meta-signature": self.signature,
            "x-amz-meta-signature-algorithm": "SHA256withRSA",
        });
        let bucket = &self.document.s3_bucket;
        format!("{}\n", serde_json::json!({ "bucket": bucket, "key": self.object(), "metadata": metadata }))
    }
}
