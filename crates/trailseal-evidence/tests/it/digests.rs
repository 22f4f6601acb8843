//! What was done to the content of digest files: situations 21 to 24, 27, 52 to 55.

use trailseal_evidence::report::{ChainKind, Verdict};
use trailseal_testkit::{Archive, MALFORMED, MalformedDigest, Plan, Style};
use trailseal_verify::{Code, Evidence, SignatureSource, Status};

use crate::support::{run, small, window};

#[test]
fn s21_a_digest_edited_to_hide_an_altered_log() {
    let archive = small();
    archive.alter_log_and_digest(archive.digest(3), 1);
    let run = run(&archive);
    run.finds(&["V digest_altered", "U log_unproven x2"]);
    run.digest_totals([7, 6, 1, 0, 0]).log_totals([12, 10, 0, 2, 0]);
    run.all_digests_verified_but(&archive, &[archive.digest(3)]);
    let finding = run.one(Code::DigestAltered);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(3)));
    assert_eq!(finding.digest.as_deref(), Some(archive.digest(4)), "its successor says so");
    assert_eq!((finding.start, finding.end), window(&archive, 3));
    assert_eq!(finding.expected, archive.chain().digests[4].document.previous_hash_value);
    assert_ne!(finding.expected, finding.actual);
    assert!(!finding.message.contains("same"), "{}", finding.message);
    // The logs were hashed all the same, and what that showed is said.
    assert!(run.all(Code::LogUnproven).iter().all(|log| log.actual.is_some() && log.digest == finding.key));
    assert!(
        run.all(Code::LogUnproven).iter().all(|log| log.message.contains("the one that the digest names"))
    );
}

#[test]
fn s21_the_newest_digest_edited() {
    let archive = small();
    archive.alter_log_and_digest(archive.digest(6), 0);
    let run = run(&archive);
    run.finds(&["V digest_altered", "U log_unproven x2"]).digest_totals([7, 6, 1, 0, 0]);
    assert_eq!(run.one(Code::DigestAltered).key.as_deref(), Some(archive.digest(6)));
}

#[test]
fn s21_a_log_of_an_edited_digest_that_is_not_what_it_says() {
    let archive = small();
    archive.edit_digest(archive.digest(3), |document| document.newest_event_time = None);
    archive.alter_log(archive.log(3, 0));
    let run = run(&archive);
    run.finds(&["V digest_altered", "U log_unproven x2"]).log_totals([12, 10, 0, 2, 0]);
    let logs = run.all(Code::LogUnproven);
    let altered = logs.iter().find(|log| log.key.as_deref() == Some(archive.log(3, 0))).unwrap();
    assert!(altered.message.contains("not the one that was signed"), "{}", altered.message);
    assert_ne!(altered.expected, altered.actual);
}

#[test]
fn s21_an_edited_digest_without_a_sidecar_of_its_own() {
    let archive = small();
    archive.alter_log_and_digest(archive.digest(3), 1);
    archive.remove_sidecar(archive.digest(3));
    archive.remove_sidecar(archive.digest(2));
    let run = run(&archive);
    run.finds(&["V digest_altered", "U log_unproven x2"]).digest_totals([7, 6, 1, 0, 0]);
    // Its predecessor is proven by the signature that the edited digest still holds.
    let seen = &run.digests[archive.digest(2)];
    assert_eq!(
        (seen.evidence.as_slice(), seen.source),
        (&[Evidence::SuccessorSignature][..], Some(SignatureSource::Successor))
    );
}

#[test]
fn s22_a_digest_serialised_anew() {
    for style in Style::ALL {
        for position in [0, 3, 6] {
            let archive = small();
            archive.reserialise(archive.digest(position), style);
            let run = run(&archive);
            let logs: &[&str] = if position == 0 { &[] } else { &["U log_unproven x2"] };
            run.finds(&[&["V digest_altered"], logs].concat()).digest_totals([7, 6, 1, 0, 0]);
            let finding = run.one(Code::DigestAltered);
            assert_eq!(finding.key.as_deref(), Some(archive.digest(position)));
            assert!(finding.message.contains("JSON value is the same"), "{style:?}: {}", finding.message);
        }
    }
}

#[test]
fn s23_bytes_or_a_member_appended_to_a_digest() {
    for position in [3, 6] {
        for is_member in [false, true] {
            let archive = small();
            if is_member {
                archive.append_member(archive.digest(position), b"{}");
            } else {
                archive.append(archive.digest(position), b"{}");
            }
            let run = run(&archive);
            // What AWS signed is still there and still proves the logs.
            run.finds(&["V digest_trailing_data"])
                .digest_totals([7, 6, 1, 0, 0])
                .log_totals([12, 12, 0, 0, 0]);
            let finding = run.one(Code::DigestTrailingData);
            assert_eq!(finding.key.as_deref(), Some(archive.digest(position)));
            assert_eq!(finding.message.contains("member"), is_member, "{}", finding.message);
        }
    }
}

fn malformed(archive: &Archive, position: usize, how: MalformedDigest, reason: &str, logs: &str) {
    let key = archive.digest(position);
    archive.malform(key, how);
    let run = run(archive);
    run.finds(&["V digest_malformed", logs]).digest_totals([7, 6, 1, 0, 0]).log_totals([10, 10, 0, 0, 0]);
    run.all_digests_verified_but(archive, &[key]);
    let finding = run.one(Code::DigestMalformed);
    assert_eq!(finding.key.as_deref(), Some(key));
    assert_eq!(finding.path.as_deref(), Some(&*archive.path(key).display().to_string()));
    assert!(finding.message.contains(reason), "{how:?}: {}", finding.message);
}

#[test]
fn s24_a_malformed_digest() {
    for (how, reason) in MALFORMED {
        malformed(&small(), 3, how, reason, "U log_outside_coverage x2");
    }
}

#[test]
fn s24_a_malformed_newest_digest() {
    for (how, reason) in MALFORMED {
        malformed(&small(), 6, how, reason, "U log_pending x2");
    }
}

#[test]
fn s24_a_malformed_starting_digest() {
    let archive = small();
    archive.malform(archive.digest(0), MalformedDigest::EmptyObject);
    let run = run(&archive);
    run.finds(&["V digest_malformed"]).digest_totals([7, 6, 1, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s24_a_signed_document_that_is_no_digest_of_any_place() {
    for object in ["x/y.json.gz", "AWSLogs/111122223333/CloudTrail/eu-west-1/2024/03/01/x.json.gz", ""] {
        let mut model = Plan::default().model();
        let mut digest = model.chains[0].digests.pop().unwrap();
        let place = digest.object().to_owned();
        object.clone_into(&mut digest.document.s3_object);
        digest.seal();
        digest.logs.clear();
        let archive = model.write();
        archive.write_digest(&digest, &place);
        run(&archive).finds(&["V digest_malformed"]).digest_totals([7, 6, 1, 0, 0]);
    }
}

#[test]
fn s24_two_malformed_digests_side_by_side() {
    let archive = small();
    archive.malform(archive.digest(3), MalformedDigest::NotJson);
    archive.malform(archive.digest(4), MalformedDigest::Empty);
    let run = run(&archive);
    run.finds(&["V digest_malformed x2", "U log_outside_coverage x4"]).digest_totals([7, 5, 2, 0, 0]);
}

#[test]
fn s27_a_digest_edited_and_its_predecessor_deleted() {
    let archive = small();
    archive.alter_log_and_digest(archive.digest(4), 0);
    archive.delete_digest(archive.digest(3));
    let run = run(&archive);
    // That digest 3 is missing is said by one that is itself altered: no proof, but reported.
    run.finds(&["V digest_altered", "U digest_missing", "U log_unproven x2", "U log_outside_coverage x2"]);
    assert_eq!(run.one(Code::DigestAltered).key.as_deref(), Some(archive.digest(4)));
    assert_eq!(run.one(Code::DigestMissing).key.as_deref(), Some(archive.digest(3)));
    assert_eq!(run.one(Code::DigestMissing).digest.as_deref(), Some(archive.digest(4)));
    run.digest_totals([6, 5, 1, 0, 1])
        .all_digests_verified_but(&archive, &[archive.digest(3), archive.digest(4)]);
}

#[test]
fn s52_a_backfill_digest_without_its_generation_time() {
    let archive = Plan { backfills: vec![2], ..Plan::default() }.model().write();
    let key = archive.model.chains[1].digests[0].object();
    archive.edit_sidecar(key, |sidecar| sidecar.backfill_generation = None);
    let run = run(&archive);
    run.finds(&["N backfill_time_unknown"]).digest_totals([8, 8, 0, 0, 0]).log_totals([13, 13, 0, 0, 0]);
    assert_eq!(run.report.verdict, Verdict::Verified);
    assert_eq!(run.one(Code::BackfillTimeUnknown).key.as_deref(), Some(key));
    assert_eq!(run.digests[key].status, Status::Verified);
}

#[test]
fn s53_a_backfill_digest_deleted() {
    let archive = Plan { backfills: vec![2], ..Plan::default() }.model().write();
    archive.delete_digest(archive.model.chains[1].digests[0].object());
    let run = run(&archive);
    run.status(3).finds(&["U log_unreferenced"]).digest_totals([7, 7, 0, 0, 0]).unnamed_totals([1, 0, 0]);
    let finding = run.one(Code::LogUnreferenced);
    assert_eq!(finding.key.as_ref(), Some(&archive.model.chains[1].digests[0].logs[0].key));
    assert!(finding.message.contains("backfill"), "the hint: {}", finding.message);
}

#[test]
fn s54_a_log_named_twice_with_one_hash() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let entry = chain.digests[2].document.log_files[1].clone();
    chain.digests[3].document.log_files.push(entry);
    chain.seal_from(3);
    let archive = model.write();
    let run = run(&archive);
    run.finds(&["N log_named_twice"]).digest_totals([7, 7, 0, 0, 0]).log_totals([13, 13, 0, 0, 0]);
    assert_eq!(run.report.verdict, Verdict::Verified);
    let finding = run.one(Code::LogNamedTwice);
    assert_eq!(finding.key.as_deref(), Some(archive.log(2, 1)));
    let named = format!("{} {}", finding.digest.as_deref().unwrap(), finding.message);
    assert!(
        named.contains(archive.digest(2)) && named.contains(archive.digest(3)),
        "both digests are named: {named}"
    );
}

#[test]
fn s54_a_log_named_by_a_digest_and_a_backfill_digest() {
    let mut model = Plan { backfills: vec![2], ..Plan::default() }.model();
    let entry = model.chains[0].digests[2].document.log_files[0].clone();
    model.chains[1].digests[0].document.log_files.push(entry);
    model.chains[1].seal_from(0);
    run(&model.write()).finds(&["N log_named_twice"]).log_totals([14, 14, 0, 0, 0]);
}

#[test]
fn s54_a_log_named_with_two_hashes() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let mut entry = chain.digests[2].document.log_files[1].clone();
    entry.hash_value = "ab".repeat(32);
    chain.digests[3].document.log_files.push(entry);
    chain.seal_from(3);
    let archive = model.write();
    let run = run(&archive);
    // The log is what one of the two says: which of them is false is all that is known.
    run.finds(&["V digest_conflict"]).digest_totals([7, 7, 0, 0, 0]).log_totals([13, 12, 1, 0, 0]);
    let finding = run.one(Code::DigestConflict);
    assert_eq!(finding.key.as_deref(), Some(archive.log(2, 1)));
    assert_ne!(finding.expected, finding.actual);
}

#[test]
fn s55_another_hash_algorithm() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let entry = &mut chain.digests[3].document.log_files[0];
    entry.hash_algorithm = "SHA-512".to_owned();
    entry.hash_value = "00".repeat(64);
    chain.seal_from(3);
    let archive = model.write();
    let run = run(&archive);
    run.finds(&["U algorithm_unsupported"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 11, 0, 1, 0]);
    assert_eq!(run.one(Code::AlgorithmUnsupported).key.as_deref(), Some(archive.log(3, 0)));
}

#[test]
fn s55_another_hash_algorithm_for_the_predecessor() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    chain.digests[3].document.previous_hash_algorithm = Some("SHA-1".to_owned());
    chain.seal_from(3);
    let archive = model.write();
    let run = run(&archive);
    run.finds(&["U algorithm_unsupported"]).digest_totals([7, 7, 0, 0, 0]);
    assert_eq!(run.one(Code::AlgorithmUnsupported).key.as_deref(), Some(archive.digest(3)));
    assert!(!run.digests[archive.digest(2)].evidence.contains(&Evidence::HashChain));
}

#[test]
fn s55_hex_in_upper_case() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    for entry in &mut chain.digests[3].document.log_files {
        entry.hash_value.make_ascii_uppercase();
    }
    let document = &mut chain.digests[3].document;
    document.previous_hash_value.as_mut().unwrap().make_ascii_uppercase();
    document.previous_signature.as_mut().unwrap().make_ascii_uppercase();
    chain.seal_from(3);
    chain.digests[6].signature.make_ascii_uppercase();
    let run = run(&model.write());
    run.finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert!(run.report.chains.iter().all(|chain| chain.id.kind == ChainKind::Standard));
}
