//! The public keys that the user trusts (docs/spec/format.md 1.6, docs/spec/verification.md 1).

use std::collections::BTreeMap;

use base64::Engine as _;
use md5::Digest as _;
use serde::Serialize;
use serde_json::Value;
use trailseal_archive::{Timestamp, key::is_region_like};

use crate::der;

/// How the bytes of a key were encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum KeyEncoding {
    /// `RSAPublicKey`, what `ListPublicKeys` documents.
    #[serde(rename = "PKCS#1")]
    Pkcs1,
    /// X.509 `SubjectPublicKeyInfo`, which AWS has published too.
    #[serde(rename = "SubjectPublicKeyInfo")]
    SubjectPublicKeyInfo,
}

/// One RSA public key, parsed and usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Lower-case hex MD5 of the bytes as given.
    pub fingerprint: String,
    /// The fingerprint of the same key in the other encoding.
    pub other_fingerprint: String,
    /// The key as PKCS#1 DER.
    pub pkcs1: Vec<u8>,
    /// Bits of the modulus.
    pub bits: u32,
    /// How the key was encoded.
    pub encoding: KeyEncoding,
    /// The region, where the file or its name states one.
    pub region: Option<String>,
    /// Start of the validity that AWS states.
    pub validity_start: Option<Timestamp>,
    /// End of the validity that AWS states.
    pub validity_end: Option<Timestamp>,
    /// The file it came from.
    pub file: String,
    /// SHA-256 of that file.
    pub file_sha256: [u8; 32],
}

impl PublicKey {
    /// Whether `time` lies in the stated validity; `true` where none is stated.
    pub fn is_valid_at(&self, time: Timestamp) -> bool {
        self.validity_start.is_none_or(|start| start <= time)
            && self.validity_end.is_none_or(|end| time <= end)
    }
}

/// Why an entry of a key file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {reason}", entry.map(|n| format!(", entry {n}")).unwrap_or_default())]
pub struct KeyDefect {
    /// The key file.
    pub file: String,
    /// Which entry of it, counted from 1; `None` when the file as a whole is meant.
    pub entry: Option<usize>,
    /// What is wrong, in words.
    pub reason: KeyDefectReason,
}

/// What can be wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyDefectReason {
    /// No form of key file was recognised.
    #[error("is no key file: {0}")]
    NotAKeyFile(String),
    /// A member that every key has is absent or of another type.
    #[error("{0} is missing or has the wrong type")]
    Member(&'static str),
    /// `Value` is not base64.
    #[error("the key is not base64")]
    Base64,
    /// The bytes are no RSA public key in either encoding.
    #[error("the bytes are no RSA public key ({0})")]
    Der(&'static str),
    /// The label is not the MD5 of the bytes.
    #[error("the fingerprint is stated as {stated}, but that of the bytes is {actual}")]
    Fingerprint {
        /// What the file says.
        stated: String,
        /// What the bytes say.
        actual: String,
    },
    /// Below 2048 or above 8192 bits.
    #[error("the key has {0} bits; from 2048 to 8192 can be used")]
    Bits(u32),
    /// A validity that is no time.
    #[error("{member}: {reason}")]
    Time {
        /// `ValidityStartTime` or `ValidityEndTime`.
        member: &'static str,
        /// Why.
        reason: String,
    },
}

/// What one key file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFile {
    /// The usable keys.
    pub keys: Vec<PublicKey>,
    /// What could not be used.
    pub defects: Vec<KeyDefect>,
}

impl KeyFile {
    /// Parses a key file: `list-public-keys` JSON in all its text forms, PEM, DER or bare base64.
    ///
    /// `file` names it in keys and defects; a region is taken from the JSON, else from a file name like
    /// `public-keys-eu-west-1.json`. Never fails as a whole: what is wrong is in `defects`.
    pub fn parse(file: &str, bytes: &[u8]) -> Self {
        let source = Source { file, sha256: trailseal_sha256::digest(bytes), region: region_in_name(file) };
        let text = std::str::from_utf8(bytes).ok().map(|t| t.trim_start_matches('\u{feff}').trim());
        match text {
            Some(t) if t.starts_with('{') || t.starts_with('[') => source.json(t),
            Some(t) if t.contains("-----BEGIN") => source.pem(t),
            Some(t) if !t.is_empty() && t.bytes().all(is_base64_byte) => {
                source.collect([source.base64(None, t)])
            }
            _ if bytes.first() == Some(&0x30) => source.collect([source.key(None, bytes)]),
            _ => source.not_a_key_file("neither JSON, PEM, DER nor base64"),
        }
    }
}

/// The trusted keys, found by fingerprint.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: BTreeMap<String, Vec<PublicKey>>,
}

impl KeyRing {
    /// A ring of these keys.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let mut ring = Self::default();
        for key in keys {
            for fingerprint in [key.fingerprint.clone(), key.other_fingerprint.clone()] {
                let same = ring.keys.entry(fingerprint).or_default();
                if !same.contains(&key) {
                    same.push(key.clone());
                }
            }
        }
        ring
    }

    /// All entries for a fingerprint (more than one when several files state the same key); the key
    /// itself is the same in all of them.
    pub fn find(&self, fingerprint: &str) -> &[PublicKey] {
        self.keys.get(fingerprint).map_or(&[], Vec::as_slice)
    }

    /// Every key once, ordered by fingerprint and file.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().flat_map(|(print, keys)| keys.iter().filter(move |key| key.fingerprint == *print))
    }
}

struct Source<'a> {
    file: &'a str,
    sha256: [u8; 32],
    region: Option<String>,
}

impl Source<'_> {
    fn json(&self, text: &str) -> KeyFile {
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return self.not_a_key_file(&format!("JSON: {error}")),
        };
        let region = member(&value, "Region").and_then(Value::as_str).map(str::to_owned);
        let source =
            Self { file: self.file, sha256: self.sha256, region: region.or_else(|| self.region.clone()) };
        let single;
        let entries = match (member(&value, "PublicKeyList"), &value) {
            (Some(Value::Array(entries)), _) | (None, Value::Array(entries)) => entries,
            (None, Value::Object(_)) if member(&value, "Value").is_some() => {
                single = vec![value.clone()];
                &single
            }
            _ => return self.not_a_key_file("JSON without PublicKeyList"),
        };
        source.collect(entries.iter().enumerate().map(|(n, entry)| source.entry(n + 1, entry)))
    }

    fn entry(&self, number: usize, entry: &Value) -> Result<PublicKey, KeyDefect> {
        let defect = |reason| self.defect(Some(number), reason);
        let value = member(entry, "Value").and_then(Value::as_str);
        let value = value.ok_or_else(|| defect(KeyDefectReason::Member("Value")))?;
        let mut key = self.base64(Some(number), value)?;
        match member(entry, "Fingerprint") {
            Some(Value::String(stated)) if stated.eq_ignore_ascii_case(&key.fingerprint) => {}
            Some(Value::String(stated)) => {
                let stated = stated.chars().take(64).collect();
                return Err(defect(KeyDefectReason::Fingerprint { stated, actual: key.fingerprint }));
            }
            None => {}
            Some(_) => return Err(defect(KeyDefectReason::Member("Fingerprint"))),
        }
        let time = |name: &'static str| match member(entry, name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => validity(value)
                .map(Some)
                .map_err(|reason| defect(KeyDefectReason::Time { member: name, reason })),
        };
        key.validity_start = time("ValidityStartTime")?;
        key.validity_end = time("ValidityEndTime")?;
        if let Some(region) = member(entry, "Region").and_then(Value::as_str) {
            key.region = Some(region.to_owned());
        }
        Ok(key)
    }

    fn pem(&self, text: &str) -> KeyFile {
        let blocks = text.split("-----BEGIN ").skip(1).enumerate().map(|(n, block)| {
            let wrong =
                || self.defect(Some(n + 1), KeyDefectReason::NotAKeyFile("PEM that is no public key".into()));
            let (label, rest) = block.split_once("-----").ok_or_else(wrong)?;
            let (body, _) = rest.split_once("-----END ").ok_or_else(wrong)?;
            let known = label == "PUBLIC KEY" || label == "RSA PUBLIC KEY";
            if known { self.base64(Some(n + 1), body) } else { Err(wrong()) }
        });
        self.collect(blocks)
    }

    fn base64(&self, number: Option<usize>, text: &str) -> Result<PublicKey, KeyDefect> {
        let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(compact)
            .map_err(|_| self.defect(number, KeyDefectReason::Base64))?;
        self.key(number, &bytes)
    }

    fn key(&self, number: Option<usize>, bytes: &[u8]) -> Result<PublicKey, KeyDefect> {
        let parsed = der::RsaPublicKey::parse(bytes)
            .map_err(|reason| self.defect(number, KeyDefectReason::Der(reason)))?;
        let bits = parsed.bits();
        if !(2048..=8192).contains(&bits) {
            return Err(self.defect(number, KeyDefectReason::Bits(bits)));
        }
        let other = if parsed.is_spki { parsed.pkcs1.to_vec() } else { der::spki(parsed.pkcs1) };
        Ok(PublicKey {
            fingerprint: md5_hex(bytes),
            other_fingerprint: md5_hex(&other),
            pkcs1: parsed.pkcs1.to_vec(),
            bits,
            encoding: if parsed.is_spki { KeyEncoding::SubjectPublicKeyInfo } else { KeyEncoding::Pkcs1 },
            region: self.region.clone(),
            validity_start: None,
            validity_end: None,
            file: self.file.to_owned(),
            file_sha256: self.sha256,
        })
    }

    fn collect(&self, results: impl IntoIterator<Item = Result<PublicKey, KeyDefect>>) -> KeyFile {
        let mut file = KeyFile::default();
        for result in results {
            match result {
                Ok(key) => file.keys.push(key),
                Err(defect) => file.defects.push(defect),
            }
        }
        if file.keys.is_empty() && file.defects.is_empty() {
            return self.not_a_key_file("it holds no key");
        }
        file
    }

    fn not_a_key_file(&self, why: &str) -> KeyFile {
        let defect = self.defect(None, KeyDefectReason::NotAKeyFile(why.to_owned()));
        KeyFile { keys: Vec::new(), defects: vec![defect] }
    }

    fn defect(&self, entry: Option<usize>, reason: KeyDefectReason) -> KeyDefect {
        KeyDefect { file: self.file.to_owned(), entry, reason }
    }
}

/// A member by its name in any case: the documentation's sample writes `publicKeyList`.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn validity(value: &Value) -> Result<Timestamp, String> {
    match value {
        Value::String(text) => Timestamp::parse_loose(text).map_err(|error| error.to_string()),
        Value::Number(number) => {
            Timestamp::parse_epoch(&number.to_string()).map_err(|error| error.to_string())
        }
        _ => Err("neither text nor a number".to_owned()),
    }
}

/// The region in a name like `public-keys-eu-west-1.json`.
fn region_in_name(file: &str) -> Option<String> {
    let name = file.rsplit(['/', '\\']).next()?;
    let stem = name.split('.').next()?;
    let parts: Vec<&str> = stem.split(['-', '_']).collect();
    (0..parts.len()).find_map(|at| {
        let tail = parts[at..].join("-");
        let ends_in_number = parts.last().is_some_and(|p| p.len() == 1 && p.as_bytes()[0].is_ascii_digit());
        let starts_like_one =
            ["af", "ap", "ca", "cn", "eu", "il", "me", "mx", "sa", "us"].contains(&parts[at]);
        (ends_in_number && starts_like_one && is_region_like(&tail)).then_some(tail)
    })
}

fn is_base64_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=\r\n\t ".contains(&byte)
}

fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(md5::Md5::digest(bytes))
}

#[cfg(test)]
mod tests;
