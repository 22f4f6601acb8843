//! Archives and pieces that others wrote: the golden archive and what AWS published. They lie beside the
//! project, not in it; without them there is nothing to test here.

use std::{fs, path::PathBuf};

use serde_json::Value;
use trailseal_evidence::keys;
use trailseal_evidence::report::Verdict;
use trailseal_verify::{
    Digest, KeyEncoding, KeyRing, Limits, Signature, SignatureCheck, SignatureSource, check_signature,
};

use crate::support::{options_for, run_with};

/// A folder beside the project, if it is there.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: ../shared is not there");
    None
}

#[test]
fn the_golden_archive_of_another_writer_is_verified() {
    let Some(golden) = shared("golden") else { return };
    let mut options =
        options_for(&[golden.join("golden-audit-logs")], &golden.join("public-keys-us-east-1.json"));
    let both = ["us-east-1", "eu-west-1"].map(|region| golden.join(format!("public-keys-{region}.json")));
    options.keys = KeyRing::new(keys::load(&both).unwrap().content.keys);
    let run = run_with(&options);
    run.finds(&[]).digest_totals([32, 32, 0, 0, 0]).log_totals([246, 246, 0, 0, 0]).unnamed_totals([0, 0, 0]);
    assert_eq!(run.report.verdict, Verdict::Verified);
    assert_eq!(run.report.chains.len(), 4);
    assert!(run.report.chains.iter().all(|chain| chain.digests == 8 && chain.gaps.is_empty()));
    // From the folder above, where the bucket, the keys and a manifest lie side by side.
    options.roots = vec![golden];
    run_with(&options).finds(&[]).digest_totals([32, 32, 0, 0, 0]).log_totals([246, 246, 0, 0, 0]);
}

fn real_keys() -> Option<(PathBuf, KeyRing)> {
    let folder = shared("real")?;
    let loaded = keys::load(&[folder.join("known-public-keys.json")]).unwrap();
    assert_eq!(loaded.content.defects, [], "every fingerprint is the label that AWS gave");
    Some((folder, KeyRing::new(loaded.content.keys)))
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_keys_that_aws_published_parse() {
    let Some((folder, ring)) = real_keys() else { return };
    let published = json(folder.join("known-public-keys.json"));
    let published = published["PublicKeyList"].as_array().unwrap();
    assert_eq!((published.len(), ring.iter().count()), (5, 5));
    for key in published {
        let key = &ring.find(key["Fingerprint"].as_str().unwrap())[0];
        assert_eq!(key.bits, 2048);
        let (start, end) = (key.validity_start.unwrap(), key.validity_end.unwrap());
        assert_eq!(end.since(start), 30 * 24 * 3600, "whatever form the times are written in");
    }
    let encodings = ring.iter().filter(|key| key.encoding == KeyEncoding::SubjectPublicKeyInfo);
    assert_eq!(encodings.count(), 1);
}

#[test]
fn the_signatures_that_aws_published_were_made_by_those_keys() {
    let Some((folder, ring)) = real_keys() else { return };
    let body = fs::read(folder.join("llm-guard_ap-northeast-1_20231015T230404Z.digest.json")).unwrap();
    let digest = Digest::parse(&body, &Limits::default()).unwrap();
    let mut made = 0;
    for known in json(folder.join("known-signatures.json")).as_array().unwrap() {
        let fingerprint = known["digestPublicKeyFingerprint"].as_str().unwrap();
        let of_key = Digest { fingerprint: fingerprint.to_owned(), ..digest.clone() };
        let hex = known["signature"].as_str().unwrap().to_owned();
        let signature = Signature { source: SignatureSource::Sidecar, hex, algorithm: None };
        match check_signature(&of_key, &[0; 32], &signature, &ring) {
            // Nobody published the whole signed content, but the key made this PKCS#1 block.
            SignatureCheck::OtherContent => made += 1,
            other => assert_eq!((other, ring.find(fingerprint).len()), (SignatureCheck::KeyUnknown, 0)),
        }
        // No other key made it.
        for key in ring.iter().filter(|key| key.fingerprint != fingerprint) {
            let of_other = Digest { fingerprint: key.fingerprint.clone(), ..digest.clone() };
            assert_eq!(check_signature(&of_other, &[0; 32], &signature, &ring), SignatureCheck::NotBySuchKey);
        }
    }
    assert_eq!(made, 3);
}

#[test]
fn the_digest_that_was_published_whole_parses_and_is_written_back_byte_for_byte() {
    let Some(folder) = shared("real") else { return };
    let body = fs::read(folder.join("llm-guard_ap-northeast-1_20231015T230404Z.digest.json")).unwrap();
    let digest = Digest::parse(&body, &Limits::default()).unwrap();
    assert_eq!(digest.end.to_string(), "2023-10-15T23:04:04Z");
    assert_eq!(digest.account, "327878933619");
    assert!(!digest.logs.is_empty() && digest.logs.iter().all(|log| log.hash.is_some()));
    assert_eq!(String::from_utf8(digest.to_json(true)), String::from_utf8(body));
}

#[test]
fn the_starting_digest_and_its_successor_parse() {
    let Some(folder) = shared("real") else { return };
    let published = json(folder.join("stackd_us-east-1_20260922.json"));
    let signature = &published["metadata"]["Metadata"]["signature"];
    assert!(signature.is_string());
    assert_eq!(&published["successor"]["previousDigestSignature"], signature);
    let parse =
        |name: &str| Digest::parse(published[name].to_string().as_bytes(), &Limits::default()).unwrap();
    let (starting, successor) = (parse("document"), parse("successor"));
    assert!(starting.is_starting() && starting.logs.is_empty());
    assert_eq!(successor.previous.unwrap().object, starting.object);
    assert_eq!(successor.start, starting.end);
}
