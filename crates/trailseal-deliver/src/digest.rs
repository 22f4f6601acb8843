//! A digest file's content, the bytes that are signed for it, and the signature (docs/spec/format.md 1.2, 1.4).

use sha2::{Digest as _, Sha256};
use trailseal_archive::Timestamp;

use crate::keys::{KeyError, SigningKey};

/// The value of `digestSignatureAlgorithm` and of the `signature-algorithm` metadata.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";

/// The value of `hashAlgorithm` and `previousDigestHashAlgorithm`.
pub const HASH_ALGORITHM: &str = "SHA-256";

/// One entry of a digest's `logFiles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestLogFile {
    /// `s3Bucket`.
    pub s3_bucket: String,
    /// `s3Object`: the log file's key.
    pub s3_object: String,
    /// `hashValue`: SHA-256 of the inflated log, lower-case hex.
    pub hash_value: String,
    /// `hashAlgorithm`: [`HASH_ALGORITHM`].
    pub hash_algorithm: String,
    /// `newestEventTime`: `YYYY-MM-DDTHH:MM:SSZ`.
    pub newest_event_time: String,
    /// `oldestEventTime`.
    pub oldest_event_time: String,
}

/// The content of a digest file, field by field as in docs/spec/format.md 1.2.
///
/// All fields are text and nothing is checked, so that tests can also write what CloudTrail never would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestDocument {
    /// `awsAccountId`: 12 digits.
    pub aws_account_id: String,
    /// `digestStartTime`: `YYYY-MM-DDTHH:MM:SSZ`, start of the delivery window.
    pub start_time: String,
    /// `digestEndTime`; also the first line of the signed string.
    pub end_time: String,
    /// `digestS3Bucket`.
    pub s3_bucket: String,
    /// `digestS3Object`: the digest's own key.
    pub s3_object: String,
    /// `digestPublicKeyFingerprint`.
    pub public_key_fingerprint: String,
    /// `digestSignatureAlgorithm`: [`SIGNATURE_ALGORITHM`].
    pub signature_algorithm: String,
    /// `newestEventTime`; null in an empty digest.
    pub newest_event_time: Option<String>,
    /// `oldestEventTime`; null in an empty digest.
    pub oldest_event_time: Option<String>,
    /// `previousDigestS3Bucket`; null, like the next four, in a starting digest.
    pub previous_s3_bucket: Option<String>,
    /// `previousDigestS3Object`.
    pub previous_s3_object: Option<String>,
    /// `previousDigestHashValue`: SHA-256 of the previous digest's inflated bytes, lower-case hex.
    pub previous_hash_value: Option<String>,
    /// `previousDigestHashAlgorithm`: [`HASH_ALGORITHM`].
    pub previous_hash_algorithm: Option<String>,
    /// `previousDigestSignature`: lower-case hex.
    pub previous_signature: Option<String>,
    /// `logFiles`, in the order in which they are written.
    pub log_files: Vec<DigestLogFile>,
}

impl DigestDocument {
    /// A starting digest (docs/spec/format.md 1.7): empty, all `previousDigest*` null, its window the hour
    /// before logging started. The fingerprint is left empty.
    pub fn starting(account: &str, logging_start: Timestamp, bucket: &str, key: &str) -> Self {
        Self::empty(account, logging_start.plus(-3600), logging_start, bucket, key)
    }

    /// A digest of a window without log files and without a predecessor; the fingerprint is left empty.
    pub fn empty(account: &str, start: Timestamp, end: Timestamp, bucket: &str, key: &str) -> Self {
        Self {
            aws_account_id: account.to_owned(),
            start_time: start.to_string(),
            end_time: end.to_string(),
            s3_bucket: bucket.to_owned(),
            s3_object: key.to_owned(),
            public_key_fingerprint: String::new(),
            signature_algorithm: SIGNATURE_ALGORITHM.to_owned(),
            newest_event_time: None,
            oldest_event_time: None,
            previous_s3_bucket: None,
            previous_s3_object: None,
            previous_hash_value: None,
            previous_hash_algorithm: None,
            previous_signature: None,
            log_files: Vec::new(),
        }
    }

    /// Sets the five `previousDigest*` fields: to the digest `previous`, its inflated bytes and signature
    /// (lower-case hex).
    pub fn link_to(&mut self, previous: &Self, previous_inflated: &[u8], previous_signature: &str) {
        self.previous_s3_bucket = Some(previous.s3_bucket.clone());
        self.previous_s3_object = Some(previous.s3_object.clone());
        self.previous_hash_value = Some(sha256_hex(previous_inflated));
        self.previous_hash_algorithm = Some(HASH_ALGORITHM.to_owned());
        self.previous_signature = Some(previous_signature.to_owned());
    }

    /// Sets `logFiles`, and from it `newestEventTime` and `oldestEventTime`.
    pub fn set_log_files(&mut self, log_files: Vec<DigestLogFile>) {
        self.newest_event_time = log_files.iter().map(|log| log.newest_event_time.clone()).max();
        self.oldest_event_time = log_files.iter().map(|log| log.oldest_event_time.clone()).min();
        self.log_files = log_files;
    }

    /// The inflated bytes of the digest file: one line, fields in the documented order, no whitespace.
    ///
    /// With `escape_slashes` every `/` is written `\/`, as AWS does.
    pub fn to_json(&self, escape_slashes: bool) -> Vec<u8> {
        let mut out =
            JsonLine { bytes: Vec::with_capacity(1400 + 520 * self.log_files.len()), escape_slashes };
        out.field('{', "awsAccountId", Some(&self.aws_account_id));
        out.field(',', "digestStartTime", Some(&self.start_time));
        out.field(',', "digestEndTime", Some(&self.end_time));
        out.field(',', "digestS3Bucket", Some(&self.s3_bucket));
        out.field(',', "digestS3Object", Some(&self.s3_object));
        out.field(',', "digestPublicKeyFingerprint", Some(&self.public_key_fingerprint));
        out.field(',', "digestSignatureAlgorithm", Some(&self.signature_algorithm));
        out.field(',', "newestEventTime", self.newest_event_time.as_deref());
        out.field(',', "oldestEventTime", self.oldest_event_time.as_deref());
        out.field(',', "previousDigestS3Bucket", self.previous_s3_bucket.as_deref());
        out.field(',', "previousDigestS3Object", self.previous_s3_object.as_deref());
        out.field(',', "previousDigestHashValue", self.previous_hash_value.as_deref());
        out.field(',', "previousDigestHashAlgorithm", self.previous_hash_algorithm.as_deref());
        out.field(',', "previousDigestSignature", self.previous_signature.as_deref());
        out.bytes.extend_from_slice(b",\"logFiles\":[");
        for (at, log) in self.log_files.iter().enumerate() {
            if at > 0 {
                out.bytes.push(b',');
            }
            out.field('{', "s3Bucket", Some(&log.s3_bucket));
            out.field(',', "s3Object", Some(&log.s3_object));
            out.field(',', "hashValue", Some(&log.hash_value));
            out.field(',', "hashAlgorithm", Some(&log.hash_algorithm));
            out.field(',', "newestEventTime", Some(&log.newest_event_time));
            out.field(',', "oldestEventTime", Some(&log.oldest_event_time));
            out.bytes.push(b'}');
        }
        out.bytes.extend_from_slice(b"]}");
        out.bytes
    }

    /// Signs the digest whose inflated bytes are `inflated`; the signature as lower-case hex, the value of
    /// the `signature` metadata.
    ///
    /// # Errors
    /// [`KeyError::Signing`].
    pub fn sign(&self, inflated: &[u8], key: &SigningKey) -> Result<String, KeyError> {
        Ok(hex::encode(key.sign(&string_to_sign(self, inflated))?))
    }
}

/// The bytes that are signed (docs/spec/format.md 1.4): end time, `bucket/key`, SHA-256 of the inflated digest
/// and the previous signature, or the word `null`, with a line feed between each.
pub fn string_to_sign(document: &DigestDocument, inflated: &[u8]) -> Vec<u8> {
    format!(
        "{}\n{}/{}\n{}\n{}",
        document.end_time,
        document.s3_bucket,
        document.s3_object,
        sha256_hex(inflated),
        document.previous_signature.as_deref().unwrap_or("null")
    )
    .into_bytes()
}

/// SHA-256 as lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

struct JsonLine {
    bytes: Vec<u8>,
    escape_slashes: bool,
}

impl JsonLine {
    fn field(&mut self, before: char, name: &str, value: Option<&str>) {
        self.bytes.push(before as u8);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
        match value {
            Some(text) => self.string(text),
            None => self.bytes.extend_from_slice(b"null"),
        }
    }

    fn string(&mut self, text: &str) {
        self.bytes.push(b'"');
        for &byte in text.as_bytes() {
            match byte {
                b'/' if self.escape_slashes => self.bytes.extend_from_slice(b"\\/"),
                b'"' | b'\\' => self.bytes.extend_from_slice(&[b'\\', byte]),
                0..=0x1f => self.bytes.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.bytes.push(byte),
            }
        }
        self.bytes.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_digest_field(text).unwrap()
    }

    fn starting() -> DigestDocument {
        DigestDocument::starting("111122223333", time("2024-03-01T00:13:52Z"), "bucket", "a/b")
    }

    #[test]
    fn a_starting_digest_is_written_byte_for_byte() {
        let expected = concat!(
            r#"{"awsAccountId":"111122223333","digestStartTime":"2024-02-29T23:13:52Z","#,
            r#""digestEndTime":"2024-03-01T00:13:52Z","digestS3Bucket":"bucket","digestS3Object":"a\/b","#,
            r#""digestPublicKeyFingerprint":"","digestSignatureAlgorithm":"SHA256withRSA","#,
            r#""newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null,"#,
            r#""previousDigestS3Object":null,"previousDigestHashValue":null,"#,
            r#""previousDigestHashAlgorithm":null,"previousDigestSignature":null,"logFiles":[]}"#
        );
        assert_eq!(String::from_utf8(starting().to_json(true)).unwrap(), expected);
        assert_eq!(String::from_utf8(starting().to_json(false)).unwrap(), expected.replace("\\/", "/"));
    }

    #[test]
    fn the_signed_string_has_four_lines_and_the_word_null_without_a_predecessor() {
        let mut digest = starting();
        let hash_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = format!("2024-03-01T00:13:52Z\nbucket/a/b\n{hash_of_abc}\nnull");
        assert_eq!(string_to_sign(&digest, b"abc"), expected.as_bytes());
        let first = starting();
        digest.link_to(&first, b"abc", "00ff");
        assert_eq!(digest.previous_hash_value.as_deref(), Some(hash_of_abc));
        assert_eq!(string_to_sign(&digest, b"abc"), expected.replace("null", "00ff").as_bytes());
    }

    #[test]
    fn every_text_survives_json() {
        let mut digest = starting();
        digest.s3_object = "p\"\\/\u{1}\u{7f}é\u{2028}/x".to_owned();
        digest.set_log_files(vec![
            DigestLogFile {
                s3_bucket: "b".into(),
                s3_object: digest.s3_object.clone(),
                hash_value: "00".into(),
                hash_algorithm: HASH_ALGORITHM.into(),
                newest_event_time: "2024-03-01T00:00:09Z".into(),
                oldest_event_time: "2024-03-01T00:00:02Z".into(),
            };
            2
        ]);
        for escape in [false, true] {
            let value: serde_json::Value = serde_json::from_slice(&digest.to_json(escape)).unwrap();
            assert_eq!(value["digestS3Object"], digest.s3_object.as_str());
            assert_eq!(value["logFiles"][1]["s3Object"], digest.s3_object.as_str());
            assert_eq!(value["oldestEventTime"], "2024-03-01T00:00:02Z");
            assert_eq!(value["newestEventTime"], "2024-03-01T00:00:09Z");
        }
    }
}
