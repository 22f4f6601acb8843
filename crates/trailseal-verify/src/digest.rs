//! The content of a digest file (docs/spec/format.md 1.2), parsed once and typed.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, de};
use serde_json::json;
use trailseal_archive::Timestamp;

use crate::limits::Limits;

/// The one signature algorithm, as digests and metadata name it.
pub(crate) const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
/// The one hash algorithm, as digests name it.
pub(crate) const HASH_ALGORITHM: &str = "SHA-256";

/// A digest file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// `awsAccountId`.
    pub account: String,
    /// `digestStartTime`: start of the delivery-time window.
    pub start: Timestamp,
    /// `digestEndTime`: end of the window.
    pub end: Timestamp,
    /// `digestS3Bucket`.
    pub bucket: String,
    /// `digestS3Object`.
    pub object: String,
    /// `digestPublicKeyFingerprint`.
    pub fingerprint: String,
    /// `digestSignatureAlgorithm`.
    pub signature_algorithm: String,
    /// Newest event time in the logs, if any.
    pub newest_event: Option<Timestamp>,
    /// Oldest event time in the logs, if any.
    pub oldest_event: Option<Timestamp>,
    /// The predecessor; `None` in a starting digest.
    pub previous: Option<Previous>,
    /// `previousDigestSignature`, verbatim: it is part of the signed string.
    pub previous_signature: Option<String>,
    /// `logFiles`.
    pub logs: Vec<NamedLog>,
}

/// What a digest says of its predecessor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// `previousDigestS3Bucket`.
    pub bucket: String,
    /// `previousDigestS3Object`.
    pub object: String,
    /// `previousDigestHashValue`; `None` when it is null.
    pub hash: Option<[u8; 32]>,
    /// Whether `previousDigestHashAlgorithm` is SHA-256.
    pub hash_supported: bool,
}

/// A log file as a digest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLog {
    /// `s3Bucket`; the logs of a digest share it.
    pub bucket: Arc<str>,
    /// `s3Object`.
    pub object: ObjectKey,
    /// `hashValue`; `None` when the algorithm is not SHA-256.
    pub hash: Option<[u8; 32]>,
    /// `oldestEventTime`.
    pub oldest_event: Option<Timestamp>,
    /// `newestEventTime`.
    pub newest_event: Option<Timestamp>,
}

impl NamedLog {
    fn to_json(&self) -> String {
        let (bucket, object) = (json!(&*self.bucket), json!(self.object.to_string()));
        let hash = self.hash.map(hex::encode).unwrap_or_default();
        let (newest, oldest) = (json!(self.newest_event), json!(self.oldest_event));
        format!(
            "{{\"s3Bucket\":{bucket},\"s3Object\":{object},\"hashValue\":\"{hash}\",\
             \"hashAlgorithm\":\"{HASH_ALGORITHM}\",\"newestEventTime\":{newest},\"oldestEventTime\":{oldest}}}"
        )
    }
}

/// An S3 key that shares its folder with its neighbours: archives name millions of objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Up to and with the last `/`.
    folder: Arc<str>,
    name: Box<str>,
}

impl ObjectKey {
    /// The key `text`, sharing the folder of `neighbour` if it is the same.
    fn beside(text: &str, neighbour: Option<&Self>) -> Self {
        let (folder, name) = text.split_at(text.rfind('/').map_or(0, |slash| slash + 1));
        let shared = neighbour.map(|other| &other.folder).filter(|other| &***other == folder);
        Self { folder: shared.map_or_else(|| folder.into(), Arc::clone), name: name.into() }
    }
}

impl ObjectKey {
    /// The last component.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.folder)?;
        f.write_str(&self.name)
    }
}

/// Why bytes are not a digest's content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// Not the JSON of a digest; `serde_json`'s words say where and why.
    #[error("{0}")]
    Malformed(String),
    /// Larger, deeper or longer than allowed.
    #[error("{0}")]
    Limit(String),
}

impl Digest {
    /// Parses the inflated bytes of a digest file.
    ///
    /// # Errors
    /// [`DigestError::Malformed`] when they are not a digest, [`DigestError::Limit`] when they exceed
    /// `limits` or name objects no bucket can hold.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, DigestError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| DigestError::Malformed(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        if nesting(bytes) > MAX_NESTING {
            return Err(DigestError::Limit(format!("JSON nested deeper than {MAX_NESTING}")));
        }
        if bytes.is_empty() {
            return Err(DigestError::Malformed("no content".to_owned()));
        }
        let raw = RawDigest::parse(text, limits.max_log_files)?;
        let unsafe_name = raw.names().find(|name| !is_safe_name(name)).map(shorten);
        if let Some(shown) = unsafe_name.or(raw.log_files.unsafe_name.clone()) {
            return Err(DigestError::Limit(format!("an object name that no download can hold: \"{shown}\"")));
        }
        raw.try_into().map_err(DigestError::Malformed)
    }

    /// The digest as CloudTrail would write it: one line, the documented order of members, `/` escaped or
    /// not. Equal to the original bytes unless those held more members or another spelling.
    pub fn to_json(&self, escape_slashes: bool) -> Vec<u8> {
        let previous = self.previous.as_ref();
        let hash = previous.and_then(|p| p.hash).map(hex::encode);
        let members = [
            ("awsAccountId", json!(self.account)),
            ("digestStartTime", json!(self.start)),
            ("digestEndTime", json!(self.end)),
            ("digestS3Bucket", json!(self.bucket)),
            ("digestS3Object", json!(self.object)),
            ("digestPublicKeyFingerprint", json!(self.fingerprint)),
            ("digestSignatureAlgorithm", json!(self.signature_algorithm)),
            ("newestEventTime", json!(self.newest_event)),
            ("oldestEventTime", json!(self.oldest_event)),
            ("previousDigestS3Bucket", json!(previous.map(|p| &p.bucket))),
            ("previousDigestS3Object", json!(previous.map(|p| &p.object))),
            ("previousDigestHashValue", json!(hash)),
            ("previousDigestHashAlgorithm", json!(hash.as_ref().map(|_| HASH_ALGORITHM))),
            ("previousDigestSignature", json!(self.previous_signature)),
        ];
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let logs: Vec<String> = self.logs.iter().map(NamedLog::to_json).collect();
        let text = format!("{{{},\"logFiles\":[{}]}}", members.join(","), logs.join(","));
        let text = if escape_slashes { text.replace('/', "\\/") } else { text };
        text.into_bytes()
    }

    /// Whether this is a starting digest: it names no predecessor.
    pub fn is_starting(&self) -> bool {
        self.previous.is_none()
    }
}

const MAX_NESTING: usize = 32;

/// The depth of arrays and objects; strings are skipped.
fn nesting(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0usize, 0, 0);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at += string_length(&bytes[at..]),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The bytes of a string after its first quotation mark, with its last one if there is one.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if rest[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    rest.len()
}

/// Whether a bucket or key is one that a download can hold: no NUL, no `.` or `..` component, not over
/// S3's 1,024 bytes.
fn is_safe_name(name: &str) -> bool {
    name.len() <= 1024 && !name.contains('\0') && name.split('/').all(|part| part != "." && part != "..")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDigest {
    aws_account_id: String,
    #[serde(deserialize_with = "time")]
    digest_start_time: Timestamp,
    #[serde(deserialize_with = "time")]
    digest_end_time: Timestamp,
    #[serde(rename = "digestS3Bucket")]
    digest_s3_bucket: String,
    #[serde(rename = "digestS3Object")]
    digest_s3_object: String,
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: String,
    #[serde(deserialize_with = "optional_time")]
    newest_event_time: Option<Timestamp>,
    #[serde(deserialize_with = "optional_time")]
    oldest_event_time: Option<Timestamp>,
    #[serde(rename = "previousDigestS3Bucket", deserialize_with = "present")]
    previous_digest_s3_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object", deserialize_with = "present")]
    previous_digest_s3_object: Option<String>,
    #[serde(deserialize_with = "optional_hash")]
    previous_digest_hash_value: Option<[u8; 32]>,
    #[serde(deserialize_with = "present")]
    previous_digest_hash_algorithm: Option<String>,
    #[serde(deserialize_with = "present")]
    previous_digest_signature: Option<String>,
    #[serde(deserialize_with = "log_files")]
    log_files: LogFiles,
}

/// The entries of `logFiles`, each taken over as soon as it is read: a hostile digest has a million of them.
#[derive(Default)]
struct LogFiles {
    named: Vec<NamedLog>,
    /// The first name that no download can hold, for a message.
    unsafe_name: Option<String>,
    /// What is wrong with the first hash that is none.
    wrong_hash: Option<String>,
}

fn log_files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogFiles, D::Error> {
    struct Entries;

    impl<'de> de::Visitor<'de> for Entries {
        type Value = LogFiles;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of log files")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut entries: A) -> Result<LogFiles, A::Error> {
            let mut files = LogFiles::default();
            while let Some(log) = entries.next_element::<RawLog<'de>>()? {
                if files.unsafe_name.is_none() {
                    let names = [&*log.s3_bucket, &*log.s3_object];
                    files.unsafe_name = names.into_iter().find(|name| !is_safe_name(name)).map(shorten);
                }
                match log.named_beside(files.named.last()) {
                    Ok(named) => files.named.push(named),
                    Err(reason) => files.wrong_hash = files.wrong_hash.or(Some(reason)),
                }
            }
            files.named.shrink_to_fit();
            Ok(files)
        }
    }

    deserializer.deserialize_seq(Entries)
}

/// The beginning of a hostile name, for a message.
fn shorten(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_default).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLog<'a> {
    #[serde(rename = "s3Bucket", borrow)]
    s3_bucket: Cow<'a, str>,
    #[serde(rename = "s3Object", borrow)]
    s3_object: Cow<'a, str>,
    #[serde(borrow)]
    hash_value: Cow<'a, str>,
    #[serde(borrow)]
    hash_algorithm: Cow<'a, str>,
    #[serde(default, deserialize_with = "optional_time")]
    newest_event_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "optional_time")]
    oldest_event_time: Option<Timestamp>,
}

/// A string that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl RawDigest {
    fn parse(text: &str, max_log_files: usize) -> Result<Self, DigestError> {
        // Each entry of logFiles has one hashValue: a cheap count before anything is allocated for them.
        let mut entries = memchr::memmem::find_iter(text.as_bytes(), "\"hashValue\"");
        if entries.nth(max_log_files).is_some() {
            return Err(DigestError::Limit(format!("more than {max_log_files} log files named")));
        }
        let raw: Self =
            serde_json::from_str(text).map_err(|error| DigestError::Malformed(describe(&error)))?;
        if raw.log_files.named.len() > max_log_files {
            return Err(DigestError::Limit(format!("more than {max_log_files} log files named")));
        }
        Ok(raw)
    }

    /// Every bucket and key in it but those of log files.
    fn names(&self) -> impl Iterator<Item = &str> {
        let own = [&self.digest_s3_bucket, &self.digest_s3_object].map(String::as_str);
        let previous =
            [&self.previous_digest_s3_bucket, &self.previous_digest_s3_object].map(Option::as_deref);
        own.into_iter().chain(previous.into_iter().flatten())
    }
}

impl TryFrom<RawDigest> for Digest {
    type Error = String;

    fn try_from(raw: RawDigest) -> Result<Self, String> {
        let previous = match (raw.previous_digest_s3_bucket, raw.previous_digest_s3_object) {
            (Some(bucket), Some(object)) => Some(Previous {
                bucket,
                object,
                hash: raw.previous_digest_hash_value,
                hash_supported: raw.previous_digest_hash_algorithm.as_deref() == Some(HASH_ALGORITHM),
            }),
            (None, None) => None,
            _ => {
                return Err(
                    "only one of previousDigestS3Bucket and previousDigestS3Object is null".to_owned()
                );
            }
        };
        let LogFiles { named: logs, wrong_hash, .. } = raw.log_files;
        if let Some(reason) = wrong_hash {
            return Err(reason);
        }
        Ok(Self {
            account: raw.aws_account_id,
            start: raw.digest_start_time,
            end: raw.digest_end_time,
            bucket: raw.digest_s3_bucket,
            object: raw.digest_s3_object,
            fingerprint: raw.digest_public_key_fingerprint,
            signature_algorithm: raw.digest_signature_algorithm,
            newest_event: raw.newest_event_time,
            oldest_event: raw.oldest_event_time,
            previous,
            previous_signature: raw.previous_digest_signature,
            logs,
        })
    }
}

impl RawLog<'_> {
    fn named_beside(self, neighbour: Option<&NamedLog>) -> Result<NamedLog, String> {
        let supported = *self.hash_algorithm == *HASH_ALGORITHM;
        let hash = match parse_hash(&self.hash_value) {
            Some(hash) if supported => Some(hash),
            None if supported => return Err(format!("hashValue of {} is not 64 hex digits", self.s3_object)),
            _ => None,
        };
        let shared = neighbour.map(|other| &other.bucket).filter(|other| ***other == *self.s3_bucket);
        Ok(NamedLog {
            bucket: shared.map_or_else(|| (*self.s3_bucket).into(), Arc::clone),
            object: ObjectKey::beside(&self.s3_object, neighbour.map(|other| &other.object)),
            hash,
            oldest_event: self.oldest_event_time,
            newest_event: self.newest_event_time,
        })
    }
}

/// 64 hex digits in either case.
pub(crate) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

/// `serde_json`'s message, bounded: it may quote hostile text.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.chars().count() <= 200 { text } else { text.chars().take(200).chain(['…']).collect() }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let Text(text) = Text::deserialize(deserializer)?;
    Timestamp::parse_digest_field(&text).map_err(de::Error::custom)
}

fn optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<Text<'_>>::deserialize(deserializer)?;
    text.map(|Text(text)| Timestamp::parse_digest_field(&text).map_err(de::Error::custom)).transpose()
}

fn optional_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[u8; 32]>, D::Error> {
    let text = Option::<Text<'_>>::deserialize(deserializer)?;
    let wrong = || de::Error::custom("a hash that is not 64 hex digits");
    text.map(|Text(text)| parse_hash(&text).ok_or_else(wrong)).transpose()
}

/// May be null but must be there: a custom function takes serde's default for absent options away.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

#[cfg(test)]
mod tests;
