//! Two links of a chain, verified in memory: what the crate takes, and what it gives.
//!
//! ```text
//! cargo run -p trailseal-verify --example two-links
//! ```
//!
//! It prints what becomes of a starting digest and the hourly one that names it: as they were delivered, with one byte of the
//! older one flipped, and without it.
#![allow(clippy::print_stdout, reason = "it is a program")]

use trailseal_archive::gzip::{Ending, Form};
use trailseal_testkit::{ModelDigest, Plan};
use trailseal_verify::{
    DigestFile, DigestRow, FoundAt, FoundLog, KeyFile, KeyRing, Limits, Observation, Policy, Signature,
    SignatureSource, assess, examine, judge_log,
};

/// Step 2: the inflated bytes of one digest file and the signature that S3 keeps beside it become a row, alone.
fn link(digest: &ModelDigest, content: &[u8], keys: &KeyRing) -> DigestRow {
    let file = DigestFile {
        content: Ok(content),
        form: Form::Gzip,
        ending: &Ending::Complete,
        signatures: vec![Signature {
            source: SignatureSource::Sidecar,
            hex: digest.signature.clone(),
            algorithm: Some("SHA256withRSA".to_owned()),
        }],
        backfill_generated: None,
        metadata_problem: None,
    };
    let row = examine(file, keys, &Limits::default());
    // Where a file lies is known to whoever found it.
    let (key, bucket) = (digest.object().to_owned(), digest.document.s3_bucket.clone());
    row.at(FoundAt { path: format!("copy/{key}"), bucket: Some(bucket), key })
}

/// Step 3: the rows of one account and region are judged together.
fn show(title: &str, rows: &[DigestRow], keys: &KeyRing) {
    println!("{title}");
    let assessment = assess(rows, keys, &Policy::default(), &|_bucket, _key| true);
    for (row, judgement) in rows.iter().zip(&assessment.judgements) {
        let name = row.found.key.rsplit('/').next().unwrap_or_default();
        println!("  {name} {:?} by {:?}", judgement.status(), judgement.evidence());
    }
    for finding in &assessment.findings {
        println!("  {:?} {}: {}", finding.severity, finding.code.text(), finding.message);
    }
    // Step 4: a log is held against the digest that names it. This one reads as it was signed.
    for (row, judgement) in rows.iter().zip(&assessment.judgements) {
        for log in row.digest().map_or(&[][..], |digest| &digest.logs) {
            let read = Observation {
                sha256: log.hash.unwrap_or_default(),
                inflated: 1,
                form: Form::Gzip,
                ending: Ending::Complete,
            };
            let verdict = judge_log(log.hash, judgement.vouched(), FoundLog::Read(&read));
            println!("  {} {:?}", log.object.name(), verdict.status());
        }
    }
}

fn main() {
    // A test kit stands in for AWS: it makes keys, digests and signatures.
    let model = Plan { hours: 1, logs_per_hour: 1, ..Plan::default() }.model();
    let [older, newer] = &model.chains[0].digests[..] else {
        unreachable!("one hour after the starting digest")
    };

    // Step 1: what `aws cloudtrail list-public-keys` prints is what the user trusts.
    let file = KeyFile::parse("public-keys-eu-west-1.json", model.public_keys(&[0], None).as_bytes());
    assert!(file.defects.is_empty());
    let keys = KeyRing::new(file.keys);

    let link_of = |digest: &ModelDigest| link(digest, &digest.inflated, &keys);
    show("As they were delivered:", &[link_of(older), link_of(newer)], &keys);

    let mut content = older.inflated.clone();
    // A digit of the time at which its window starts: ...:52Z becomes ...:53Z.
    let second = content.windows(3).position(|bytes| bytes == b"52Z").expect("digests state times") + 1;
    content[second] ^= 1;
    show("A byte of the older one flipped:", &[link(older, &content, &keys), link_of(newer)], &keys);

    show("The older one deleted:", &[link_of(newer)], &keys);
}
