//! What can be done to digests and their metadata.

use std::fs;

use serde_json::Value;
use trailseal_deliver::{DigestDocument, write::Sidecar};

use crate::{
    archive::{Archive, sidecar},
    damage::gzip_member,
    model::Digest,
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
pub enum Malformed {
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
pub const MALFORMED: [(Malformed, &str); 14] = [
    (Malformed::Empty, "empty"),
    (Malformed::EmptyMember, "no content"),
    (Malformed::Cut, "cut short"),
    (Malformed::CutJson, "EOF"),
    (Malformed::NotJson, "expected"),
    (Malformed::WrongType, "invalid type"),
    (Malformed::WrongTime, "time"),
    (Malformed::MissingMember, "missing field"),
    (Malformed::EmptyObject, "missing field"),
    (Malformed::Array, "invalid"),
    (Malformed::NotUtf8, "UTF-8"),
    (Malformed::NotGzip, "UTF-8"),
    (Malformed::Corrupt, "damaged"),
    (Malformed::TwoValues, "trailing"),
];

impl Archive {
    /// The digest with this key, as it was sealed.
    pub fn sealed(&self, key: &str) -> &Digest {
        let mut digests = self.model.chains.iter().flat_map(|chain| &chain.digests);
        digests.find(|digest| digest.object() == key).expect("a digest of the model")
    }

    /// Changes a digest without signing it again.
    pub fn edit_digest(&self, key: &str, change: impl FnOnce(&mut DigestDocument)) {
        let mut document = self.sealed(key).document.clone();
        change(&mut document);
        self.replace(key, &gzip_member(&document.to_json(true), 6));
    }

    /// Alters a log and puts its new hash into the digest that names it.
    pub fn alter_log_and_digest(&self, digest: &str, log: usize) {
        let key = self.sealed(digest).logs[log].key.clone();
        self.alter_log(&key);
        let hash = trailseal_deliver::digest::sha256_hex(&self.content(&key));
        self.edit_digest(digest, |document| {
            let entry = document.log_files.iter_mut().find(|entry| entry.s3_object == key);
            entry.expect("the digest names its logs").hash_value = hash;
        });
    }

    /// Writes a digest's JSON in another way.
    pub fn reserialise(&self, key: &str, style: Style) {
        let sealed = self.sealed(key);
        let value: Value = serde_json::from_slice(&sealed.inflated).unwrap();
        let bytes = match style {
            Style::Pretty => serde_json::to_vec_pretty(&value).unwrap(),
            // The map of serde_json is ordered.
            Style::Sorted => serde_json::to_vec(&value).unwrap(),
            Style::PlainSlashes => sealed.document.to_json(false),
        };
        assert_ne!(bytes, sealed.inflated);
        self.replace(key, &gzip_member(&bytes, 6));
    }

    /// Makes a file of a digest that holds none.
    pub fn malform(&self, key: &str, how: Malformed) {
        let json = &self.sealed(key).inflated;
        let text = String::from_utf8(json.clone()).unwrap();
        let changed = |from: &str, to: &str| {
            assert!(text.contains(from));
            text.replacen(from, to, 1).into_bytes()
        };
        let account = format!("\"{}\"", self.sealed(key).document.aws_account_id);
        let content = match how {
            Malformed::Empty => return self.empty(key),
            Malformed::Cut => return self.cut(key, self.read(key).len() / 2),
            Malformed::Corrupt => return self.corrupt_deflate(key),
            Malformed::NotGzip => return self.replace(key, b"\x89PNG\r\n\x1a\n\xff\xfe"),
            Malformed::EmptyMember => Vec::new(),
            Malformed::CutJson => json[..json.len() / 2].to_vec(),
            Malformed::NotJson => b"nothing to see here".to_vec(),
            Malformed::WrongType => changed(&account, "111122223333"),
            Malformed::WrongTime => changed("\"digestEndTime\":\"2", "\"digestEndTime\":\"x"),
            Malformed::MissingMember => changed("\"logFiles\"", "\"logfiles\""),
            Malformed::EmptyObject => b"{}".to_vec(),
            Malformed::Array => b"[]".to_vec(),
            Malformed::NotUtf8 => {
                let mut bytes = json.clone();
                bytes[40] = 0xe9;
                bytes
            }
            Malformed::TwoValues => [json.as_slice(), b"{}"].concat(),
        };
        self.replace(key, &gzip_member(&content, 6));
    }

    /// Copies an older digest's file over another one's; the sidecars stay.
    pub fn replay(&self, from: &str, over: &str) {
        let bytes = self.read(from);
        self.replace(over, &bytes);
    }

    /// Changes the sidecar of a digest.
    pub fn edit_sidecar(&self, key: &str, change: impl FnOnce(&mut Sidecar)) {
        let mut metadata = sidecar(self.sealed(key));
        change(&mut metadata);
        fs::write(self.sidecar(key), metadata.to_json()).unwrap();
    }

    /// Puts another text in the place of the signature in a sidecar.
    pub fn set_signature(&self, key: &str, signature: &str) {
        self.edit_sidecar(key, |sidecar| sidecar.signature = Some(signature.to_owned()));
    }

    /// Flips a bit of the signature in a sidecar, counted from the first.
    pub fn flip_signature(&self, key: &str, bit: usize) {
        let flipped = flipped(&self.sealed(key).signature, bit);
        self.set_signature(key, &flipped);
    }

    /// Removes the sidecar of a digest.
    pub fn remove_sidecar(&self, key: &str) {
        fs::remove_file(self.sidecar(key)).expect("the sidecar was there");
    }

    /// Renames a digest and its sidecar.
    pub fn rename_digest(&self, from: &str, to: &str) {
        let sidecar = self.sidecar(from);
        self.rename(from, to);
        fs::rename(sidecar, self.sidecar(to)).expect("the sidecar was there");
    }

    /// Deletes a digest, and its sidecar if it has one.
    pub fn delete_digest(&self, key: &str) {
        self.delete(key);
        let _ = fs::remove_file(self.sidecar(key));
    }
}

/// A hex text with one bit flipped.
fn flipped(text: &str, bit: usize) -> String {
    let mut bytes = hex::decode(text).expect("signatures are hex");
    bytes[bit / 8] ^= 0x80 >> (bit % 8);
    hex::encode(bytes)
}
