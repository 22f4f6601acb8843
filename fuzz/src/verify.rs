//! Targets of the verifier: digests, keys, metadata, gzip, names.

use trailseal_archive::{
    Timestamp,
    gzip::{Ending, Form, Inflater, inflate_all},
    key::{DigestName, KeyParts, log_stamp},
    metadata::{Manifest, parse_sidecar},
};
use trailseal_verify::{
    Digest, DigestContent, DigestFile, KeyFile, KeyRing, Limits, Signature, SignatureSource, examine,
};

/// Digest JSON: never a panic; what is accepted prints and parses to the same digest.
pub fn digest(data: &[u8]) {
    let limits = Limits { max_log_files: 1000, ..Limits::default() };
    let parsed = Digest::parse(data, &limits);
    if let Ok(digest) = &parsed {
        let has_hashes = digest.logs.iter().all(|log| log.hash.is_some())
            && digest
                .previous
                .as_ref()
                .is_none_or(|previous| previous.hash.is_some() && previous.hash_supported);
        if has_hashes {
            for escape in [true, false] {
                let printed = digest.to_json(escape);
                assert_eq!(Digest::parse(&printed, &limits).as_ref(), Ok(digest));
            }
        }
    }
    let signature = Signature { source: SignatureSource::Sidecar, hex: "00".repeat(256), algorithm: None };
    let file = DigestFile {
        content: Ok(data),
        form: Form::Gzip,
        ending: &Ending::Complete,
        signatures: vec![signature],
        backfill_generated: None,
        metadata_problem: None,
    };
    let row = examine(file, &KeyRing::default(), &limits);
    assert!(parsed.is_ok() || matches!(row.content, DigestContent::Unusable(..)));
}

/// Key files of any form: never a panic; every usable key is found again by its fingerprint.
pub fn keys(data: &[u8]) {
    let file = KeyFile::parse("public-keys-eu-west-1.json", data);
    assert!(!file.keys.is_empty() || !file.defects.is_empty());
    let ring = KeyRing::new(file.keys.clone());
    for key in &file.keys {
        assert!(ring.find(&key.fingerprint).iter().any(|found| found.pkcs1 == key.pkcs1));
        assert!((2048..=8192).contains(&key.bits));
        let again = KeyFile::parse("k.der", &key.pkcs1);
        assert_eq!(again.keys[0].pkcs1, key.pkcs1);
    }
    for defect in &file.defects {
        assert!(!defect.to_string().is_empty());
    }
}

/// Sidecars and manifests: never a panic.
pub fn metadata(data: &[u8]) {
    if let Ok(metadata) = parse_sidecar(data) {
        assert!(metadata.signature.is_none_or(|signature| !signature.is_empty()));
    }
    if let Ok(manifest) = Manifest::parse(data) {
        assert_eq!(manifest.is_empty(), manifest.is_empty());
        let _ = manifest.lookup("bucket", "AWSLogs/a/b.json.gz");
        let _ = manifest.lookup("", "");
    }
}

/// The gzip container: the same bytes and ending whatever the windows; bounded output.
pub fn gzip(data: &[u8]) {
    const LIMIT: u64 = 1 << 20;
    let Ok((whole, form, ending)) = inflate_all(data, LIMIT) else { return };
    assert!(whole.len() as u64 <= LIMIT);
    let mut inflater = Inflater::new();
    inflater.start(LIMIT);
    let mut input = data;
    let mut pieces = Vec::new();
    let mut window = [0; 61];
    loop {
        let length = inflater.fill(&mut input, &mut window).expect("memory can be read");
        pieces.extend_from_slice(&window[..length]);
        if length < window.len() {
            break;
        }
    }
    assert_eq!((form, &ending), (inflater.form(), inflater.ending()));
    if !matches!(ending, Ending::LimitExceeded { .. }) {
        assert_eq!(pieces, whole);
    }
    if form == Form::Inflated && ending == Ending::Complete {
        assert_eq!(whole, data);
    }
}

/// S3 keys, digest names and times: never a panic; what is accepted prints and parses to the same.
pub fn object_key(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(parts) = KeyParts::parse(text) {
        assert!(text.starts_with(parts.prefix) && text.ends_with(parts.file_name));
    }
    if let Ok(name) = DigestName::parse(text) {
        assert_eq!(DigestName::parse(&name.file_name()).as_ref(), Ok(&name));
    }
    let _ = log_stamp(text);
    let times = [
        Timestamp::parse_loose(text).ok(),
        Timestamp::parse_written(text).ok(),
        Timestamp::parse_digest_field(text).ok(),
        Timestamp::parse_stamp(text).ok(),
        Timestamp::parse_minute_stamp(text).ok(),
    ];
    for time in times.into_iter().flatten() {
        assert_eq!(Timestamp::parse_digest_field(&time.to_string()), Ok(time));
    }
}
