//! Signatures, the keys that made them, and what it means that one does not verify.

use trailseal_testkit::Plan;
use trailseal_verify::{Severity, Signature, SignatureCheck, SignatureSource};

use crate::case::{Case, check, hour, hours, plan, sidecar};

/// A signature beside digest `number`, in the place of its own.
fn signed_with(case: Case, number: usize, hex: &str) -> Case {
    case.at(number, |file| file.signatures = vec![sidecar(hex)])
}

fn flipped(case: &Case, number: usize) -> String {
    case.digest(number).flipped_signature(700)
}

#[test]
fn s40_the_signature_beside_it_differs_from_the_successors() {
    let case = hours(3);
    let wrong = flipped(&case, 2);
    let seen = check(signed_with(case, 2, &wrong), "vvvv", &["U signature_sources_disagree 2 1..2"]);
    seen.proven_by("shp shp hp s");
    seen.says("signature_sources_disagree", "that of the successor verifies, that of the sidecar does not");
    assert_eq!(seen.assessment.judgements[2].source(), Some(SignatureSource::Successor));
}

#[test]
fn s40_the_successors_is_the_wrong_one() {
    let case = hours(3);
    let wrong = flipped(&case, 2);
    let case = case.signed(|chain| {
        chain.digests[3].document.previous_signature = Some(wrong);
        chain.digests[3].seal();
    });
    let seen = check(case, "vvvv", &["U signature_sources_disagree 2 1..2"]);
    seen.says("signature_sources_disagree", "that of the sidecar verifies, that of the successor does not");
    seen.proven_by("shp shp sh s");
}

#[test]
fn s40_neither_verifies_and_the_hash_proves_it() {
    let case = hours(3);
    let wrong = flipped(&case, 2);
    let case = case.signed(|chain| {
        chain.digests[3].document.previous_signature = Some(wrong.clone());
        chain.digests[3].seal();
    });
    // The ledger, which computes the signatures of the last digests only, takes the word of AWS's digest for it.
    let seen = signed_with(case, 2, &wrong).judge();
    assert_eq!(
        (seen.states().as_str(), seen.lines()),
        ("vvvv", vec!["U signature_sources_disagree 2 1..2".to_owned()])
    );
    seen.says("signature_sources_disagree", "only the hash chain proves it").proven_by("shp shp h s");
    assert_eq!(seen.assessment.judgements[2].source(), None);
}

#[test]
fn s40_sources_that_say_the_same_in_another_case_agree() {
    let case = hours(2);
    let upper = case.digest(1).signature.to_uppercase();
    check(signed_with(case, 1, &upper), "vvv", &[]).proven_by("shp shp s");
}

#[test]
fn s40_two_that_differ_of_which_no_key_can_tell() {
    let case = plan(Plan { hours: 3, rotate: Some(3), ..Plan::default() });
    let wrong = flipped(&case, 2);
    // The first three are signed by a key that is not at hand.
    let case = signed_with(case, 2, &wrong).trusting(&[1]);
    let seen = check(case, "vvvv", &["U signature_sources_disagree 2 1..2"]);
    seen.proven_by("h h h s");
}

#[test]
fn s40_the_first_source_that_verifies_is_named() {
    let case = hours(2);
    let hex = case.digest(2).signature.clone();
    let from = |source| Signature { source, hex: hex.clone(), algorithm: None };
    let wrong = Signature { hex: flipped(&case, 2), ..from(SignatureSource::Sidecar) };
    let mut case = case;
    case.file("2").signatures =
        vec![wrong, from(SignatureSource::Manifest), from(SignatureSource::ExtendedAttribute)];
    let seen = check(case, "vvv", &["U signature_sources_disagree 2 1..2"]);
    assert_eq!(seen.assessment.judgements[2].source(), Some(SignatureSource::Manifest));
    seen.says("signature_sources_disagree", "that of the metadata manifest verifies");
    assert_eq!(SignatureSource::ExtendedAttribute.describe(), "extended attribute");
}

#[test]
fn s41_a_flipped_bit_in_the_only_signature() {
    let case = hours(2);
    for bit in [0, 7, 700, 2047] {
        let wrong = case.digest(2).flipped_signature(bit);
        let seen = check(signed_with(case.clone(), 2, &wrong), "vvx", &["V signature_mismatch 2 1..2"]);
        seen.says("signature_mismatch", "the signature of the sidecar is not one that key")
            .proven_by("shp sp 0");
    }
}

#[test]
fn s42_a_signature_that_is_none() {
    let case = hours(2);
    let short = case.digest(2).signature[2..].to_owned();
    for (hex, why) in [("signature", "not hex"), (&short, "not as long as the key"), ("", "not as long")] {
        let seen = check(signed_with(case.clone(), 2, hex), "vvx", &["V signature_malformed 2 1..2"]);
        seen.says("signature_malformed", why)
            .says("signature_malformed", "the signature of the sidecar is none");
    }
    // Not the only one: it disagrees with the successor's.
    check(signed_with(case, 1, "signature"), "vvv", &["U signature_sources_disagree 1 0..1"]);
}

#[test]
fn s43_another_algorithm_than_the_one() {
    let case = hours(3).signed(|chain| {
        chain.digests[3].document.signature_algorithm = "SHA512withRSA".to_owned();
        chain.digests[3].seal();
    });
    let seen = check(case, "vvvu", &["U algorithm_unsupported 3 2..3"]);
    seen.says("algorithm_unsupported", "stated as \"SHA512withRSA\", not SHA256withRSA");
    let stated =
        |number| hours(3).at(number, |file| file.signatures[0].algorithm = Some("SHA1withRSA".to_owned()));
    check(stated(3), "vvvu", &["U algorithm_unsupported 3 2..3"]);
    // Where the successor's signature of it verifies, the word of the metadata is told beside.
    let seen = check(stated(2), "vvvv", &["U algorithm_unsupported 2 1..2"]);
    seen.proven_by("shp shp hp s")
        .says("algorithm_unsupported", "the sidecar states the algorithm \"SHA1withRSA\"");
}

#[test]
fn s43_no_algorithm_stated_is_the_one() {
    check(hours(2).everywhere(|file| file.signatures[0].algorithm = None), "vvv", &[]).proven_by("shp shp s");
}

#[test]
fn s45_the_key_is_not_at_hand() {
    let case = hours(1).trusting(&[1]);
    let fingerprint = case.digest(1).document.public_key_fingerprint.clone();
    let seen = check(case, "uu", &["U key_unknown 0 -1..0", "U key_unknown 1 0..1"]);
    for finding in &seen.assessment.findings {
        assert_eq!(finding.expected.as_deref(), Some(fingerprint.as_str()));
        assert!(
            finding
                .message
                .starts_with(&format!("the public key {fingerprint} of eu-west-1, in use on 2024-03-01T0"))
        );
    }
    // Those before the key was changed are proven by the hash chain.
    let case = plan(Plan { hours: 3, rotate: Some(2), ..Plan::default() });
    check(case.clone().trusting(&[1]), "vvvv", &[]).proven_by("h h shp s");
    // Those after it are not, by nothing.
    let expected = ["U key_unknown 2 1..2", "U key_unknown 3 2..3"];
    check(case.trusting(&[0]), "vvuu", &expected).proven_by("shp sp 0 0");
}

#[test]
fn s47_digests_that_end_outside_their_keys_validity() {
    let all = hours(3).valid(hour(10), hour(20));
    check(all, "vvvv", &["N key_outside_validity 0 -1..0 x4"])
        .says("key_outside_validity", "4 digests signed by key");
    check(hours(3).valid(hour(1), hour(2)), "vvvv", &["N key_outside_validity 0 -1..0 x2"]);
    check(hours(3).valid(hour(-1), hour(2)), "vvvv", &["N key_outside_validity 3 2..3 x1"]);
    check(hours(3).valid(hour(0), hour(3)), "vvvv", &[]);
    // Only those that were asked for, and whose signature verifies.
    // The note names the oldest of them, wherever it lies.
    let moved = hours(3).valid(hour(1), hour(2));
    let key = format!("zzz/{}", moved.key(0));
    check(moved.move_to(0, &key), "vvvv", &["N key_outside_validity 0 @0 -1..0 x2"]);
    check(hours(3).valid(hour(10), hour(20)).from(2), "...v", &["N key_outside_validity 3 2..3 x1"]);
    check(
        hours(3).valid(hour(10), hour(20)).edit(3, |document| document.log_files.clear()),
        "vvvx",
        &["N key_outside_validity 0 -1..0 x3", "V digest_altered 3 2..3"],
    );
}

#[test]
fn s47_one_note_for_a_chain_and_a_key() {
    let case = plan(Plan { hours: 3, rotate: Some(2), ..Plan::default() }).valid(hour(10), hour(20));
    let expected = ["N key_outside_validity 0 -1..0 x2", "N key_outside_validity 2 1..2 x2"];
    check(case, "vvvv", &expected);
}

#[test]
fn s47_of_two_that_end_together_the_first_by_path_is_named() {
    let case = hours(1).unsigned(0).valid(hour(10), hour(20));
    let mut twin = case.digest(1).clone();
    twin.document.log_files.clear();
    twin.seal();
    let mut case = case.plant(&twin);
    case.file("0").stored = Err("why".to_owned());
    case.file("p0").found.path = "A/copy".to_owned();
    let expected = [
        "N key_outside_validity 1 @copy 0..1 x2",
        "U digest_unreadable 0 -1..0",
        "V fork 1 0..1",
        "V fork 1 @copy 0..1",
    ];
    check(case, "ux x", &expected);
}

#[test]
fn s47_a_backfill_digest_is_signed_when_it_is_generated() {
    let case = plan(Plan { hours: 2, backfills: vec![1], ..Plan::default() });
    check(case.clone().valid(hour(-1), hour(2)), "vvv v", &["N key_outside_validity b0 0..1 x1"]);
    check(case.valid(hour(-1), hour(49)), "vvv v", &[]);
}

#[test]
fn s55_the_predecessors_hash_is_not_stated_as_sha_256() {
    let case = hours(3).signed(|chain| {
        chain.digests[2].document.previous_hash_algorithm = Some("MD5".to_owned());
        chain.seal_from(3);
        chain.digests[2].seal();
        let (older, newer) = chain.digests.split_at_mut(3);
        newer[0].link_to(&older[2]);
        newer[0].seal();
    });
    let seen = check(case.clone(), "vvvv", &["U algorithm_unsupported 2 1..2"]);
    seen.says("algorithm_unsupported", "the hash of its predecessor").proven_by("shp sp shp s");
    // Nothing follows from it, not for an altered predecessor either.
    let case = case.edit(1, |document| document.log_files.clear());
    let seen = check(case, "vxvv", &["U algorithm_unsupported 2 1..2", "V digest_altered 1 0..1"]);
    assert_eq!(seen.finding("digest_altered").expected, None);
}

#[test]
fn s55_a_hash_in_upper_case_is_the_same() {
    let case = hours(2).signed(|chain| {
        let document = &mut chain.digests[2].document;
        document.previous_hash_value = document.previous_hash_value.take().map(|hash| hash.to_uppercase());
        chain.digests[2].seal();
    });
    check(case, "vvv", &[]).proven_by("shp shp s");
}

#[test]
fn what_a_check_says() {
    assert!(SignatureCheck::Verified.is_genuine() && SignatureCheck::Repeated.is_genuine());
    for check in [
        SignatureCheck::OtherContent,
        SignatureCheck::NotBySuchKey,
        SignatureCheck::Malformed("why"),
        SignatureCheck::KeyUnknown,
        SignatureCheck::AlgorithmUnsupported(String::new()),
    ] {
        assert!(!check.is_genuine());
    }
}

#[test]
fn only_the_signatures_of_the_last_digests_are_computed_by_heads() {
    // What an authentic successor repeats is not computed; where it holds another one, or none, it is.
    let case = hours(4);
    let wrong = flipped(&case, 2);
    let case = signed_with(case, 2, &wrong);
    let checks = case.by_heads();
    let genuine = |number: usize| checks[number][0].clone();
    assert_eq!(genuine(4), SignatureCheck::Verified);
    assert_eq!(genuine(3), SignatureCheck::Repeated);
    assert_eq!(genuine(2), SignatureCheck::NotBySuchKey);
    assert_eq!([genuine(1), genuine(0)], [SignatureCheck::Repeated, SignatureCheck::Repeated]);
    // An end without a signature vouches for nothing: then the one before it is computed.
    let checks = hours(3).unsigned(3).by_heads();
    assert_eq!(checks[2], [SignatureCheck::Verified]);
    assert_eq!(checks[1], [SignatureCheck::Repeated]);
    // Without the key, nothing is said to be the key's.
    let checks = plan(Plan { hours: 3, rotate: Some(2), ..Plan::default() }).trusting(&[1]).by_heads();
    assert_eq!(checks[1], [SignatureCheck::KeyUnknown]);
    assert_eq!(checks[2], [SignatureCheck::Repeated]);
    // Each of several starts.
    let trails = vec!["t1".to_owned(), "t2".to_owned()];
    let checks = plan(Plan { hours: 1, trails, ..Plan::default() }).by_heads();
    let computed = checks.iter().filter(|checks| **checks == [SignatureCheck::Verified]).count();
    assert_eq!((checks.len(), computed), (4, 2));
}

#[test]
fn an_unproven_end_weighs_what_its_code_weighs() {
    let seen = check(hours(1).unsigned(1), "vu", &["U signature_unavailable 1 0..1"]);
    assert_eq!(seen.finding("signature_unavailable").severity, Severity::Unproven);
    seen.says("signature_unavailable", "no signature is at hand");
}
