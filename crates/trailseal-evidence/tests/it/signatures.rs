//! Signatures and keys: situations 2, 3, 40 to 43, 45 to 47.

use std::{fs, path::PathBuf};

use trailseal_archive::metadata::Manifest;
use trailseal_evidence::keys;
use trailseal_evidence::report::Verdict;
use trailseal_testkit::{Metadata, Plan, Stop, signing_key};
use trailseal_verify::{Code, Evidence, KeyDefectReason, KeyRing, SignatureSource, Status};

use crate::support::{HOUR, options, run, run_with, small, window};

#[test]
fn s02_no_signatures_at_all() {
    let archive = Plan::default().model().write_with(Metadata::Nowhere);
    let run = run(&archive);
    run.finds(&["U signature_unavailable", "U log_unproven x2"]).digest_totals([7, 6, 0, 1, 0]);
    run.log_totals([12, 10, 0, 2, 0]).all_digests_verified_but(&archive, &[archive.digest(6)]);
    assert_eq!(run.one(Code::SignatureUnavailable).key.as_deref(), Some(archive.digest(6)));
    for position in 0..6 {
        let seen = &run.digests[archive.digest(position)];
        assert!(seen.evidence.contains(&Evidence::SuccessorSignature), "{seen:?}");
        assert!(!seen.evidence.contains(&Evidence::Signature), "{seen:?}");
        assert_eq!(seen.source, Some(SignatureSource::Successor));
    }
    // The newest proves nothing, not even by the hash that it names.
    assert_eq!(run.digests[archive.digest(5)].evidence, [Evidence::SuccessorSignature]);
    assert_eq!(run.report.chains[0].head.as_ref().unwrap().key, archive.digest(5));
    assert_eq!(Some(run.report.chains[0].proven[0].end), window(&archive, 5).1);
}

#[test]
fn s02_every_chain_end_needs_a_signature() {
    let stops = vec![Stop { after: 3, pause: 5 * HOUR + 427, event: None }];
    let archive = Plan { stops, ..Plan::wide() }.model().write_with(Metadata::Nowhere);
    let run = run(&archive);
    run.finds(&["U signature_unavailable x8", "U log_unproven x16", "U gap x4"]);
    run.digest_totals([32, 24, 0, 8, 0]);
}

#[test]
fn s02_neither_signatures_nor_keys() {
    let archive = Plan::default().model().write_with(Metadata::Nowhere);
    let mut options = options(&archive);
    options.keys = KeyRing::default();
    let run = run_with(&options);
    run.finds(&["U signature_unavailable", "U key_unknown x6", "U log_unproven x12"]);
    run.digest_totals([7, 0, 0, 7, 0]).log_totals([12, 0, 0, 12, 0]);
}

#[test]
fn s03_one_sidecar_and_one_key_prove_the_whole_chain() {
    let archive = Plan { rotate: Some(2), ..Plan::default() }.model().write_with(Metadata::NewestSidecar);
    archive.write_keys(&[3], None);
    let run = run(&archive);
    run.finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert_eq!(run.digests[archive.digest(6)].evidence, [Evidence::Signature]);
    for position in 0..6 {
        assert_eq!(run.digests[archive.digest(position)].evidence, [Evidence::HashChain]);
    }
}

#[test]
fn s03_manifests_and_extended_attributes_are_sources_too() {
    let archive = Plan::default().model().write_with(Metadata::Manifest);
    let mut with_manifest = options(&archive);
    with_manifest.manifest = Some(Manifest::parse(&fs::read(archive.manifest()).unwrap()).unwrap());
    let run = run_with(&with_manifest);
    run.finds(&[]);
    assert_eq!(run.digests[archive.digest(6)].source, Some(SignatureSource::Manifest));

    let archive = Plan::default().model().write_with(Metadata::Attributes);
    if trailseal_archive::metadata::read_xattrs(&archive.path(archive.digest(6))).unwrap().is_none() {
        return println!("skipped: the file system of the temporary folder has no extended attributes");
    }
    let run = crate::support::run(&archive);
    run.finds(&[]);
    assert_eq!(run.digests[archive.digest(6)].source, Some(SignatureSource::ExtendedAttribute));
}

#[test]
fn s03_the_key_in_every_encoding() {
    let archive = small();
    let key = signing_key(0);
    for (name, bytes) in [("a.der", key.public_pkcs1_der()), ("b.der", key.public_spki_der())] {
        let file = archive.folder().join(name);
        fs::write(&file, bytes).unwrap();
        let run = run_with(&crate::support::options_for(&[archive.root()], &file));
        run.finds(&[]).digest_totals([7, 7, 0, 0, 0]);
        assert_eq!(run.report.scope.keys.len(), 1);
    }
}

#[test]
fn s40_the_sidecar_and_the_successor_disagree() {
    let archive = small();
    archive.flip_signature(archive.digest(3), 1000);
    let run = run(&archive);
    run.finds(&["U signature_sources_disagree"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    let finding = run.one(Code::SignatureSourcesDisagree);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(3)));
    assert!(finding.message.contains("that of the successor verifies"), "{}", finding.message);
    assert!(finding.message.contains("that of the sidecar does not"), "{}", finding.message);
    assert_eq!(run.digests[archive.digest(3)].source, Some(SignatureSource::Successor));
}

#[test]
fn s40_the_successor_is_the_one_that_is_wrong() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let other = chain.digests[1].signature.clone();
    chain.digests[4].document.previous_signature = Some(other);
    chain.seal_from(4);
    let archive = model.write();
    let run = run(&archive);
    run.finds(&["U signature_sources_disagree"]).digest_totals([7, 7, 0, 0, 0]);
    let finding = run.one(Code::SignatureSourcesDisagree);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(3)));
    assert!(finding.message.contains("that of the sidecar verifies"), "{}", finding.message);
    assert_eq!(run.digests[archive.digest(3)].source, Some(SignatureSource::Sidecar));
}

#[test]
fn s40_no_signature_verifies_but_the_hash_chain_does() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let other = chain.digests[1].signature.clone();
    chain.digests[4].document.previous_signature = Some(other);
    chain.seal_from(4);
    let archive = model.write();
    archive.remove_sidecar(archive.digest(3));
    let run = run(&archive);
    run.finds(&["U signature_sources_disagree"]).digest_totals([7, 7, 0, 0, 0]);
    assert_eq!(run.digests[archive.digest(3)].evidence, [Evidence::HashChain]);
}

#[test]
fn s40_two_signatures_and_no_key_to_tell_which() {
    let archive = Plan { rotate: Some(3), ..Plan::default() }.model().write();
    archive.write_keys(&[2], None);
    archive.flip_signature(archive.digest(1), 1000);
    let run = run(&archive);
    run.finds(&["U signature_sources_disagree"]).digest_totals([7, 7, 0, 0, 0]);
    assert_eq!(run.one(Code::SignatureSourcesDisagree).key.as_deref(), Some(archive.digest(1)));
    assert_eq!(run.digests[archive.digest(1)].evidence, [Evidence::HashChain]);
}

#[test]
fn s41_a_flipped_bit_in_the_only_signature() {
    for bit in [0, 1, 7, 1024, 2047] {
        let archive = small();
        archive.flip_signature(archive.digest(6), bit);
        let run = run(&archive);
        run.finds(&["V signature_mismatch", "U log_unproven x2"]).digest_totals([7, 6, 1, 0, 0]);
        run.log_totals([12, 10, 0, 2, 0]).all_digests_verified_but(&archive, &[archive.digest(6)]);
        assert_eq!(run.one(Code::SignatureMismatch).key.as_deref(), Some(archive.digest(6)));
    }
}

#[test]
fn s41_the_signature_of_another_digest() {
    // The key made it, but not over this content: that is an altered digest, by what can be known.
    let archive = small();
    let other = archive.chain().digests[5].signature.clone();
    archive.set_signature(archive.digest(6), &other);
    run(&archive).finds(&["V digest_altered", "U log_unproven x2"]);
}

#[test]
fn s42_what_is_no_signature() {
    let long = "ab".repeat(300);
    let short = "ab".repeat(128);
    for text in ["not hex", "abc", "ab", &short, &long, "ähnlich", "null"] {
        let archive = small();
        archive.set_signature(archive.digest(6), text);
        let run = run(&archive);
        run.finds(&["V signature_malformed", "U log_unproven x2"]).digest_totals([7, 6, 1, 0, 0]);
        assert_eq!(run.one(Code::SignatureMalformed).key.as_deref(), Some(archive.digest(6)));
    }
}

#[test]
fn s42_with_another_signature_at_hand_it_only_disagrees() {
    let archive = small();
    archive.set_signature(archive.digest(3), "not hex");
    run(&archive).finds(&["U signature_sources_disagree"]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn s42_metadata_that_cannot_be_read() {
    let archive = small();
    for (position, text) in [(3, "{"), (5, "[]")] {
        fs::write(archive.sidecar(archive.digest(position)), text).unwrap();
    }
    let interior = run(&archive);
    interior.finds(&["U sidecar_malformed x2"]).digest_totals([7, 7, 0, 0, 0]);
    fs::write(archive.sidecar(archive.digest(6)), "\u{1}").unwrap();
    run(&archive).finds(&["U sidecar_malformed x3", "U signature_unavailable", "U log_unproven x2"]);
}

#[test]
fn s42_an_empty_signature_is_none() {
    let archive = small();
    archive.set_signature(archive.digest(6), "");
    run(&archive).finds(&["U signature_unavailable", "U log_unproven x2"]);
}

#[test]
fn s43_another_algorithm_in_the_digest() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    chain.digests[6].document.signature_algorithm = "SHA512withRSA".to_owned();
    chain.seal_from(6);
    let archive = model.write();
    let run = run(&archive);
    run.finds(&["U algorithm_unsupported", "U log_unproven x2"]).digest_totals([7, 6, 0, 1, 0]);
    let finding = run.one(Code::AlgorithmUnsupported);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(6)));
    assert!(finding.message.contains("SHA512withRSA"), "{}", finding.message);
}

#[test]
fn s43_another_algorithm_in_the_metadata() {
    let other = |archive: &trailseal_testkit::Archive, position: usize| {
        archive.edit_sidecar(archive.digest(position), |sidecar| {
            sidecar.signature_algorithm = Some("SHA1withRSA".to_owned());
        });
    };
    let archive = small();
    other(&archive, 6);
    run(&archive).finds(&["U algorithm_unsupported", "U log_unproven x2"]).digest_totals([7, 6, 0, 1, 0]);
    // In the middle of a chain the hash of its successor proves it.
    let archive = small();
    other(&archive, 3);
    let run = run(&archive);
    run.finds(&["U algorithm_unsupported"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert_eq!(run.one(Code::AlgorithmUnsupported).key.as_deref(), Some(archive.digest(3)));
}

#[test]
fn s45_the_key_is_not_at_hand() {
    let archive = Plan { rotate: Some(3), ..Plan::default() }.model().write();
    archive.remove_key(2);
    let run = run(&archive);
    // Digest 6 alone is signed by key 2; the rest has its own signatures.
    run.finds(&["U key_unknown", "U log_unproven x2"]).digest_totals([7, 6, 0, 1, 0]);
    let finding = run.one(Code::KeyUnknown);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(6)));
    for word in [signing_key(2).fingerprint(), "eu-west-1", "2024-03-01T06:13:52Z"] {
        assert!(finding.message.contains(word), "{word} in {}", finding.message);
    }
    assert_eq!(finding.expected.as_deref(), Some(signing_key(2).fingerprint()));
}

#[test]
fn s45_an_old_key_that_is_not_needed() {
    let archive = Plan { rotate: Some(3), ..Plan::default() }.model().write();
    archive.write_keys(&[2], None);
    let run = run(&archive);
    run.finds(&[]).digest_totals([7, 7, 0, 0, 0]);
    assert_eq!(run.digests[archive.digest(2)].evidence, [Evidence::HashChain]);
    assert_eq!(run.digests[archive.digest(2)].source, None);
}

#[test]
fn s45_no_key_of_the_archive_at_all() {
    let archive = small();
    archive.write_keys(&[1], None);
    let run = run(&archive);
    run.finds(&["U key_unknown x7", "U log_unproven x12"]).digest_totals([7, 0, 0, 7, 0]);
    assert_eq!((run.report.verdict, run.report.exit_status), (Verdict::Unproven, 3));
    assert_eq!(run.report.chains[0].proven, []);
    assert_eq!(run.report.chains[0].head, None);
}

#[test]
fn s45_keys_in_the_archive_are_not_picked_up() {
    let archive = small();
    let key_file = fs::read(archive.keys().join("public-keys-eu-west-1.json")).unwrap();
    let folder = archive.digest(3).rsplit_once('/').unwrap().0;
    archive.write_object("audit-logs", &format!("{folder}/public-keys-eu-west-1.json"), &key_file);
    archive.write_keys(&[1], None);
    let run = run(&archive);
    run.finds(&["U key_unknown x7", "U log_unproven x12"]);
    assert_eq!(run.report.scope.keys.len(), 1);
}

fn defects(text: &str) -> Vec<trailseal_verify::KeyDefect> {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("public-keys-eu-west-1.json");
    fs::write(&file, text).unwrap();
    let loaded = keys::load(std::slice::from_ref(&file)).unwrap();
    for defect in &loaded.content.defects {
        assert!(defect.to_string().contains(&file.display().to_string()), "{defect} names the file");
    }
    loaded.content.defects
}

#[test]
fn s46_a_key_whose_label_is_not_its_md5() {
    let archive = Plan { rotate: Some(3), ..Plan::default() }.model().write();
    let text = fs::read_to_string(archive.keys().join("public-keys-eu-west-1.json")).unwrap();
    assert_eq!(defects(&text), []);
    let wrong = text.replace(signing_key(1).fingerprint(), signing_key(0).fingerprint());
    let defects = defects(&wrong);
    assert_eq!(defects.len(), 1);
    assert_eq!(defects[0].entry, Some(2));
    let expected = KeyDefectReason::Fingerprint {
        stated: signing_key(0).fingerprint().to_owned(),
        actual: signing_key(1).fingerprint().to_owned(),
    };
    assert_eq!(defects[0].reason, expected);
}

#[test]
fn s46_a_key_that_does_not_parse() {
    let archive = small();
    let text = fs::read_to_string(archive.keys().join("public-keys-eu-west-1.json")).unwrap();
    let value = text.split("\"Value\": \"").nth(1).unwrap().split('"').next().unwrap();
    for broken in ["", "!!!!", "AAAA", &value[..value.len() - 8]] {
        let defects = defects(&text.replace(value, broken));
        assert_eq!((defects.len(), defects[0].entry), (1, Some(1)), "{broken:?}: {defects:?}");
    }
    for broken in ["", "{}", "words", "{\"PublicKeyList\": 7}"] {
        assert_eq!(defects(broken).len(), 1, "{broken:?}");
    }
}

#[test]
fn s46_a_folder_without_key_files() {
    let archive = small();
    let loaded = keys::load(&[archive.root()]).unwrap();
    assert!(loaded.content.keys.is_empty() && loaded.content.defects.len() == 1);
    assert!(keys::load(&[archive.folder().join("missing")]).unwrap_err().to_string().contains("missing"));
}

#[test]
fn s47_a_digest_outside_the_validity_of_its_key() {
    let archive = small();
    let end = archive.chain().digests[3].end();
    archive.write_keys(&[0], Some((archive.model.plan.start.plus(-HOUR), end)));
    let run = run(&archive);
    run.finds(&["N key_outside_validity"]).digest_totals([7, 7, 0, 0, 0]);
    assert_eq!(run.report.verdict, Verdict::Verified);
    let note = run.one(Code::KeyOutsideValidity);
    assert_eq!(note.count, Some(3), "the end of the validity still belongs to it");
    assert_eq!(note.key.as_deref(), Some(archive.digest(4)));
    assert!(note.message.contains(signing_key(0).fingerprint()), "{}", note.message);
}

#[test]
fn s47_backfill_digests_are_signed_with_the_key_of_their_generation() {
    let archive = Plan { backfills: vec![2], ..Plan::default() }.model().write();
    let generated = archive.model.chains[1].digests[0].generated.unwrap();
    archive.write_keys(&[0], Some((generated.plus(-HOUR), generated.plus(HOUR))));
    let run = run(&archive);
    run.finds(&["N key_outside_validity"]);
    assert_eq!(run.one(Code::KeyOutsideValidity).count, Some(7), "the hourly ones only");
    assert_eq!(run.digests[archive.digest(1)].status, Status::Verified);
}
