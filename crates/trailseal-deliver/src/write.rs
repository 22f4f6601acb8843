//! Content into what lies in a bucket: names, gzip, object metadata sidecars, public key files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::{Compress, Compression, FlushCompress, Status};
use md5::{Digest as _, Md5};
use trailseal_archive::Timestamp;

use crate::digest::SIGNATURE_ALGORITHM;
use crate::keys::{SigningKey, fingerprint};

/// How hard files are compressed unless told otherwise: of the levels that leave a wide margin over
/// 150 MB/s on two cores, the one with the smallest files (6 is another 6 % smaller and 30 % slower).
pub const DEFAULT_GZIP_LEVEL: u32 = 4;

/// The largest window that gzip knows: 2 to the power of 15 bytes.
const WINDOW_BITS: u8 = 15;

/// Compresses to gzip, reusing its state from one file to the next.
///
/// The bytes depend on content and level alone: the header holds no name and no time.
pub struct GzipWriter {
    state: Compress,
}

impl GzipWriter {
    /// A writer of a level from 0 (stored) to 9; higher numbers count as 9.
    pub fn new(level: u32) -> Self {
        Self { state: Compress::new_gzip(Compression::new(level.min(9)), WINDOW_BITS) }
    }

    /// Compresses `inflated` into one gzip member, which replaces the content of `out`.
    pub fn compress(&mut self, inflated: &[u8], out: &mut Vec<u8>) {
        out.clear();
        self.state.reset();
        loop {
            let rest = &inflated[self.state.total_in() as usize..];
            // deflate never grows its input by more than a thousandth and a few bytes; most logs shrink to
            // a tenth.
            out.reserve((rest.len() / 8).max(1 << 12));
            match self.state.compress_vec(rest, out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return,
                Ok(Status::Ok | Status::BufError) => {}
                // Only a state that was not set up gives this, and `new` sets it up.
                Err(error) => unreachable!("deflate of bytes in memory: {error}"),
            }
        }
    }
}

/// `inflated` as one gzip member.
pub fn gzip(inflated: &[u8], level: u32) -> Vec<u8> {
    let mut out = Vec::new();
    GzipWriter::new(level).compress(inflated, &mut out);
    out
}

/// The metadata of a digest object, as `aws s3api head-object` prints it (docs/spec/format.md 1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// `LastModified`: when the object was delivered.
    pub last_modified: Timestamp,
    /// `ContentLength`: compressed bytes.
    pub content_length: u64,
    /// `ETag` without its quotes: MD5 of the compressed bytes, lower-case hex.
    pub etag: String,
    /// User metadata `signature`: lower-case hex; left out when `None`.
    pub signature: Option<String>,
    /// User metadata `signature-algorithm`; left out when `None`.
    pub signature_algorithm: Option<String>,
    /// User metadata `backfill-generation-timestamp`; only backfill digests have it.
    pub backfill_generation: Option<Timestamp>,
}

impl Sidecar {
    /// The sidecar of a signed digest whose object is `compressed`.
    pub fn of_digest(compressed: &[u8], signature: &str, last_modified: Timestamp) -> Self {
        Self {
            last_modified,
            content_length: compressed.len() as u64,
            etag: hex::encode(Md5::digest(compressed)),
            signature: Some(signature.to_owned()),
            signature_algorithm: Some(SIGNATURE_ALGORITHM.to_owned()),
            backfill_generation: None,
        }
    }

    /// The file's text: indented by four, as the AWS CLI prints, with a final newline.
    pub fn to_json(&self) -> String {
        let metadata: Vec<String> = [
            self.backfill_generation.map(|time| ("backfill-generation-timestamp", time.to_string())),
            self.signature.clone().map(|signature| ("signature", signature)),
            self.signature_algorithm.clone().map(|algorithm| ("signature-algorithm", algorithm)),
        ]
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("\n        {}: {}", quoted(name), quoted(&value)))
        .collect();
        let metadata =
            if metadata.is_empty() { String::new() } else { format!("{}\n    ", metadata.join(",")) };
        format!(
            r#"{{
    "AcceptRanges": "bytes",
    "LastModified": "{}",
    "ContentLength": {},
    "ETag": {},
    "ContentEncoding": "gzip",
    "ContentType": "application/json",
    "ServerSideEncryption": "AES256",
    "Metadata": {{{metadata}}}
}}
"#,
            offset_time(self.last_modified),
            self.content_length,
            quoted(&format!("\"{}\"", self.etag)),
        )
    }
}

/// The name of a log file (docs/spec/format.md 1.1): whose and of which region, the time of its delivery to the
/// minute, and 16 letters and digits, which 16 random bytes decide.
pub fn log_file_name(account: &str, region: &str, delivered: Timestamp, random: [u8; 16]) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let unique = random.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let stamp = delivered.minute_stamp();
    format!("{account}_CloudTrail_{region}_{stamp}_{}.json.gz", String::from_iter(unique))
}

/// The name of the sidecar that lies beside a file: `<name>.metadata.json`.
pub fn sidecar_name(file_name: &str) -> String {
    format!("{file_name}.metadata.json")
}

/// A public key as `ListPublicKeys` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// The decoded `Value`: DER, PKCS#1 as a rule.
    pub der: Vec<u8>,
    /// `ValidityStartTime`.
    pub validity_start: Timestamp,
    /// `ValidityEndTime`.
    pub validity_end: Timestamp,
    /// `Fingerprint`.
    pub fingerprint: String,
}

impl PublishedKey {
    /// Publishes a key's PKCS#1 form.
    pub fn of(key: &SigningKey, validity_start: Timestamp, validity_end: Timestamp) -> Self {
        let der = key.public_pkcs1_der().to_vec();
        let fingerprint = fingerprint(&der);
        Self { der, validity_start, validity_end, fingerprint }
    }
}

/// The text of a public key file: what `aws cloudtrail list-public-keys` prints (docs/spec/format.md 1.6).
pub fn public_keys_json(keys: &[PublishedKey]) -> String {
    let entries: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                r#"
        {{
            "Value": "{}",
            "ValidityStartTime": "{}",
            "ValidityEndTime": "{}",
            "Fingerprint": {}
        }}"#,
                BASE64.encode(&key.der),
                offset_time(key.validity_start),
                offset_time(key.validity_end),
                quoted(&key.fingerprint),
            )
        })
        .collect();
    format!("{{\n    \"PublicKeyList\": [{}\n    ]\n}}\n", entries.join(","))
}

/// The AWS CLI's way of writing a time: `2024-03-01T02:54:32+00:00`.
fn offset_time(time: Timestamp) -> String {
    time.to_string().replace('Z', "+00:00")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn gzip_inflates_to_what_it_was_and_the_state_is_reusable() {
        let texts = [
            Vec::new(),
            b"x".to_vec(),
            b"{\"Records\":[]}".repeat(50_000),
            (0..=255).cycle().take(70_001).collect(),
        ];
        for level in [0, 1, 3, 6, 9, 77] {
            let mut writer = GzipWriter::new(level);
            for text in texts.iter().chain(&texts) {
                let mut out = b"old".to_vec();
                writer.compress(text, &mut out);
                assert_eq!(out, gzip(text, level));
                let mut back = Vec::new();
                flate2::read::GzDecoder::new(&out[..]).read_to_end(&mut back).unwrap();
                assert_eq!(&back, text);
            }
        }
    }

    #[test]
    fn incompressible_bytes_fit() {
        let noise: Vec<u8> =
            (0u64..40_000).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()).collect();
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&gzip(&noise, 9)[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, noise);
    }

    #[test]
    fn a_log_file_is_named_by_account_region_minute_and_something_unique() {
        let time = Timestamp::parse_digest_field("2024-03-01T02:54:32Z").unwrap();
        let random = [0, 9, 10, 35, 36, 61, 62, 123, 124, 255, 1, 2, 3, 4, 5, 6];
        assert_eq!(
            log_file_name("111122223333", "eu-west-1", time, random),
            "111122223333_CloudTrail_eu-west-1_20240301T0254Z_09AZaz0z07123456.json.gz"
        );
    }

    #[test]
    fn a_sidecar_is_what_head_object_prints() {
        let time = Timestamp::parse_digest_field("2024-03-01T02:54:32Z").unwrap();
        let mut sidecar = Sidecar::of_digest(b"", "00ff", time);
        let value: serde_json::Value = serde_json::from_str(&sidecar.to_json()).unwrap();
        let expected = serde_json::json!({
            "AcceptRanges": "bytes", "LastModified": "2024-03-01T02:54:32+00:00", "ContentLength": 0,
            "ETag": "\"d41d8cd98f00b204e9800998ecf8427e\"", "ContentEncoding": "gzip",
            "ContentType": "application/json", "ServerSideEncryption": "AES256",
            "Metadata": {"signature": "00ff", "signature-algorithm": "SHA256withRSA"}
        });
        assert_eq!(value, expected);
        sidecar.backfill_generation = Some(time);
        let value: serde_json::Value = serde_json::from_str(&sidecar.to_json()).unwrap();
        assert_eq!(value["Metadata"]["backfill-generation-timestamp"], "2024-03-01T02:54:32Z");
        let bare =
            Sidecar { signature: None, signature_algorithm: None, backfill_generation: None, ..sidecar };
        let value: serde_json::Value = serde_json::from_str(&bare.to_json()).unwrap();
        assert_eq!(value["Metadata"], serde_json::json!({}));
    }

    #[test]
    fn a_key_file_is_what_list_public_keys_prints() {
        let time = Timestamp::parse_digest_field("2024-03-01T00:00:00Z").unwrap();
        let key = PublishedKey {
            der: vec![1, 2, 3],
            validity_start: time,
            validity_end: time.plus(86_400),
            fingerprint: fingerprint(&[1, 2, 3]),
        };
        let value: serde_json::Value = serde_json::from_str(&public_keys_json(&[key.clone(), key])).unwrap();
        assert_eq!(value["PublicKeyList"][1]["Value"], "AQID");
        assert_eq!(value["PublicKeyList"][1]["ValidityEndTime"], "2024-03-02T00:00:00+00:00");
        assert_eq!(value["PublicKeyList"][0]["Fingerprint"].as_str().unwrap().len(), 32);
        assert_eq!(public_keys_json(&[]), "{\n    \"PublicKeyList\": [\n    ]\n}\n");
    }
}
