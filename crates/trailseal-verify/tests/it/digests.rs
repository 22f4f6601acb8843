//! What a digest file can hold instead of what was signed.

use trailseal_archive::gzip::{Ending, Form, inflate_all};
use trailseal_testkit::{MALFORMED, MalformedDigest, Style, gzip, gzip_member, sha256_hex};
use trailseal_verify::{Code, DigestContent, DigestFile, KeyRing, Limits, Trailing, examine};

use crate::case::{Case, check, hour, hours, plan, sidecar};

#[test]
fn s05_a_digest_gzipped_again() {
    let mut case = hours(2);
    let again = gzip(&case.digest(1).inflated);
    let file = case.file("1");
    assert_ne!(file.stored.as_ref(), Ok(&again));
    file.stored = Ok(again);
    check(case, "vvv", &[]);
}

#[test]
fn s06_a_digest_stored_inflated_under_either_name() {
    let case = hours(2);
    let (content, key) = (case.digest(1).inflated.clone(), case.key(1));
    let case = case.at(1, |file| file.stored = Ok(content));
    let seen = check(case.clone(), "vvv", &[]);
    assert_eq!([0, 1, 2].map(|index| seen.rows[index].is_stored_inflated), [false, true, false]);
    check(case.move_to(1, key.strip_suffix(".gz").unwrap()), "vvv", &[]);
}

#[test]
fn s21_a_digest_edited() {
    let case = hours(3).edit(2, |document| document.log_files[0].hash_value = sha256_hex(b"altered"));
    let expected = case.digest(2).inflated.clone();
    let seen = check(case, "vvxv", &["V digest_altered 2 1..2 by 3"]);
    seen.proven_by("shp sp 0 s").says("digest_altered", "the digest file was altered");
    let finding = seen.finding("digest_altered");
    assert_eq!(finding.expected.as_deref(), Some(sha256_hex(&expected).as_str()));
    assert_eq!(finding.actual.as_deref(), Some(hex::encode(seen.rows[2].sha256).as_str()));
}

#[test]
fn s21_the_newest_digest_edited() {
    let case = hours(3).edit(3, |document| document.log_files.clear());
    check(case, "vvvx", &["V digest_altered 3 2..3"]).says("digest_altered", "the digest file was altered");
}

#[test]
fn s21_a_digest_signed_by_an_intruder() {
    // With a key that nobody trusts: the successor still names the hash of what AWS signed.
    let case = hours(3).resign(2, 1);
    check(case, "vvxv", &["V digest_altered 2 1..2 by 3"]);
    let case = hours(3).resign(3, 1);
    check(case, "vvvu", &["U key_unknown 3 2..3"]);
}

#[test]
fn s22_a_digest_written_anew() {
    for style in Style::ALL {
        let case = hours(3);
        let (inner, newest) = (case.digest(2).reserialised(style), case.digest(3).reserialised(style));
        check(case.clone().content(2, inner), "vvxv", &["V digest_altered 2 1..2 by 3"])
            .says("digest_altered", "its JSON value is the same");
        check(case.content(3, newest), "vvvx", &["V digest_altered 3 2..3"])
            .says("digest_altered", "its JSON value is the same");
    }
}

#[test]
fn s22_a_starting_digest_written_anew() {
    let case = hours(1);
    let again = case.digest(0).reserialised(Style::Pretty);
    check(case.content(0, again), "xv", &["V digest_altered 0 -1..0 by 1"])
        .says("digest_altered", "its JSON value is the same");
}

#[test]
fn s23_bytes_or_a_member_appended_to_a_digest() {
    let seen = check(hours(2).append(1, b"\0\0\0\0"), "vxv", &["V digest_trailing_data 1 0..1"]);
    seen.says("digest_trailing_data", "data of 4 bytes");
    assert_eq!(seen.rows[1].trailing, Some(Trailing { bytes: 4, is_member: false }));
    let member = gzip_member(b"{}", 6);
    let seen = check(hours(2).append(1, &member), "vxv", &["V digest_trailing_data 1 0..1"]);
    seen.says("digest_trailing_data", "a further gzip member of ");
    assert_eq!(seen.rows[1].trailing, Some(Trailing { bytes: member.len() as u64, is_member: true }));
}

#[test]
fn s24_no_digest_at_all() {
    for (how, word) in MALFORMED {
        let case = hours(2);
        let stored = case.digest(1).malformed(how);
        let is_read = how != MalformedDigest::NotGzip;
        let seen = check(case.at(1, |file| file.stored = Ok(stored)), "vxv", &["V digest_malformed 1 0..1"]);
        seen.says("digest_malformed", word).says("digest_malformed", "the digest file holds no digest");
        assert!(seen.rows[1].is_malformed() && !seen.rows[0].is_malformed(), "{how:?}");
        assert_eq!(seen.rows[1].is_stored_inflated, !is_read, "{how:?}");
        assert_eq!(seen.assessment.chains[0].unusable, [1]);
    }
}

#[test]
fn s24_its_object_must_be_the_key_of_a_digest() {
    let case = hours(2);
    for object in ["", "x", "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/03/01/x.json.gz"] {
        let content = case.digest(1).edited(|document| object.clone_into(&mut document.s3_object));
        let seen = check(case.clone().content(1, content), "vxv", &["V digest_malformed 1 0..1"]);
        seen.says("digest_malformed", "not the key of a digest");
    }
    // Its name alone, outside the folders of a digest.
    let name = case.key(1).rsplit('/').next().unwrap().to_owned();
    let content = case.digest(1).edited(|document| document.s3_object = name);
    check(case.content(1, content), "vxv", &["V digest_malformed 1 0..1"]);
}

#[test]
fn s24_a_hole_before_a_file_that_holds_no_digest_is_a_gap() {
    // It names no predecessor, so that nothing proves that there was one.
    let case = hours(5).content(4, "{").remove(3).remove(2);
    let seen = check(case, "vv--xv", &["U gap 1..3", "V digest_malformed 4 3..4"]);
    seen.leaves(&["1..3 gap"]).says("gap", "the next digest file holds none");
    // Not where the file is the oldest, nor past the newest digest, where a name proves nothing.
    check(hours(3).remove(0).content(1, "{"), "-xvv", &["V digest_malformed 1 0..1"]).leaves(&[]);
    check(hours(3).content(3, "{").remove(2), "vv-x", &["V digest_malformed 3 2..3"]).leaves(&[]);
    // Nor where it was not asked for.
    let case = hours(5).content(3, "{").remove(2);
    check(case.clone().from(2), "..-xvv", &["V digest_malformed 3 2..3"]).leaves(&[]);
    check(case.clone().from(1), "..-xvv", &["U gap 1..2", "V digest_malformed 3 2..3"]);
    check(case.clone().to(1), "vv-...", &[]);
    check(case.to(2), "vv-...", &["U gap 1..2"]);
}

#[test]
fn s24_of_two_such_files_in_a_row_each_hole_is_told_once() {
    let case = hours(7).remove(2).content(3, "{").remove(4).content(5, "{");
    let expected = ["U gap 1..2", "U gap 3..4", "V digest_malformed 3 2..3", "V digest_malformed 5 4..5"];
    check(case, "vv-x-xvv", &expected).leaves(&["1..2 gap", "3..4 gap"]);
    // A gap that is known already is not told again.
    let case = hours(5).remove(4).content(3, "{").remove(2);
    let seen = case.judge();
    assert_eq!(seen.gaps(), ["1..3 digests_missing_inferred!", "3..4 digest_missing!", "2 missing"]);
}

#[test]
fn s24_a_file_that_cannot_be_read_occupies_its_place() {
    let unread = |case: Case| case.at(2, |file| file.stored = Err("permission denied".to_owned()));
    let seen = check(unread(hours(3)), "vvuv", &["U digest_unreadable 2 1..2"]);
    seen.says("digest_unreadable", "cannot be read: permission denied").leaves(&[]);
    assert!(!seen.rows[2].is_malformed());
    // Under its name without `.gz`, too, and where the bucket is not known; in another bucket it is not the one.
    let key = hours(3).key(2);
    let case = unread(hours(3)).move_to(2, key.strip_suffix(".gz").unwrap());
    assert_eq!(case.judge().states(), "vvuv");
    check(unread(hours(3)).at(2, |file| file.found.bucket = None), "vvuv", &["U digest_unreadable 2 1..2"]);
    let elsewhere = unread(hours(3)).at(2, |file| file.found.bucket = Some("other".to_owned()));
    let expected = ["U digest_unreadable 2 1..2", "V digest_missing 2 1..2 by 3"];
    check(elsewhere, "vvuv", &expected);
}

#[test]
fn s57_a_bomb() {
    let mut case = hours(2).content(1, vec![b' '; 70_000]);
    case.limits.max_inflated_digest = 65_536;
    let seen = check(case, "vxv", &["V limit_exceeded 1 0..1"]);
    seen.says("limit_exceeded", "the digest file exceeds a limit: it inflates to more than 65536 bytes");
    assert_eq!(seen.rows[1].inflated, 65_536);
}

#[test]
fn s57_a_list_of_more_logs_than_may_be() {
    let entry = |case: &Case| case.digest(1).document.log_files[0].clone();
    let mut case = hours(2);
    let more = vec![entry(&case); 3];
    case = case.edit(1, |document| document.log_files = more);
    case.limits.max_log_files = 3;
    check(case.clone(), "vxv", &["V digest_altered 1 0..1 by 2"]);
    case.limits.max_log_files = 2;
    check(case, "vxv", &["V limit_exceeded 1 0..1"]).says("limit_exceeded", "more than 2 log files named");
}

#[test]
fn s57_json_that_is_too_deep() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let seen = check(hours(2).content(1, nested(32)), "vxv", &["V limit_exceeded 1 0..1"]);
    seen.says("limit_exceeded", "deeper than 32");
    check(hours(2).content(1, nested(31)), "vxv", &["V digest_malformed 1 0..1"]);
}

#[test]
fn s57_names_that_no_download_can_hold() {
    for name in ["../x", "a/./b", "a/../b", "a\0b", &"x".repeat(1025)] {
        let case = hours(2).edit(1, |document| document.log_files[0].s3_object = name.to_owned());
        check(case, "vxv", &["V limit_exceeded 1 0..1"]).says("limit_exceeded", "no download can hold");
        let case = hours(2).edit(1, |document| document.previous_s3_object = Some(name.to_owned()));
        check(case, "vxv", &["V limit_exceeded 1 0..1"]);
    }
}

#[test]
fn s65_something_appended_to_a_copy_beside_a_clean_one() {
    let case = hours(2);
    let name = format!("{} (1).json.gz", case.key(1).strip_suffix(".json.gz").unwrap());
    let mut case = case.copy(1, &name);
    case.file("p0").stored.as_mut().unwrap().extend_from_slice(b"more");
    let expected = ["N copy_of_verified 1 @p0 0..1", "V digest_trailing_data 1 @p0 0..1"];
    check(case, "vvv X", &expected);
    // The clean copy speaks, wherever the other one lies.
    let mut case = hours(2).copy(1, &name).append(1, b"more");
    case.file("p0").signatures = vec![sidecar(&case.digest(1).signature.clone())];
    let expected = ["V digest_trailing_data 1 0..1"];
    let seen = check(case, "vxv .", &[expected[0], "N copy_of_verified 1 @p0 0..1"]);
    seen.proven_by("shp shp s");
}

#[test]
fn s69_a_copy_of_a_digest_elsewhere() {
    let case = hours(2);
    let (key, name) =
        (case.key(1), "111122223333_CloudTrail-Digest_eu-west-1_audit_us-east-1_20240301T011352Z");
    let folder = key.rsplit_once('/').unwrap().0.to_owned();
    for place in [
        format!("{folder}/{name} (1).json.gz"),
        format!("{folder}/{name}-v1.json.gz"),
        format!("{folder}/copy.json"),
        format!("replica/{key}"),
        format!("some folder/{name}.json.gz"),
    ] {
        let seen = check(case.clone().copy(1, &place), "vvv .", &["N copy_of_verified 1 @p0 0..1"]);
        seen.says("copy_of_verified", &format!("a copy of the digest file {key}"));
        assert_eq!(seen.assessment.chains[0].rows, [0, 1, 2], "a copy is no link");
    }
}

#[test]
fn s69_the_copy_with_its_signature_speaks_for_both() {
    // The one in its place, though it has no signature; of others the one that has.
    let case = hours(2);
    let place = format!("a/{}", case.key(2));
    let mut case = case.copy(2, &place);
    case.file("p0").signatures = vec![sidecar(&case.digest(2).signature.clone())];
    check(case.clone(), "vvv .", &["N copy_of_verified 2 @p0 1..2"]);
    let other = format!("b/{}", case.key(2));
    let case = case.move_to(2, &other).unsigned(2);
    check(case, "vv. v", &["N copy_of_verified 2 @2 1..2"]);
}

#[test]
fn s69_a_copy_of_what_is_not_proven_is_no_finding_of_its_own() {
    let case = hours(2).unsigned(2);
    let place = format!("replica/{}", case.key(2));
    check(case.copy(2, &place), "vvu .", &["U signature_unavailable 2 1..2"]);
}

#[test]
fn metadata_that_cannot_be_read_are_told_of_every_copy() {
    let case = hours(2).at(1, |file| {
        file.signatures.clear();
        file.metadata_problem = Some("no JSON".to_owned());
    });
    let seen = check(case.clone(), "vvv", &["U sidecar_malformed 1 0..1"]);
    seen.says("sidecar_malformed", "its metadata cannot be read: no JSON");
    let place = format!("replica/{}", case.key(1));
    let expected =
        ["N copy_of_verified 1 @p0 0..1", "U sidecar_malformed 1 0..1", "U sidecar_malformed 1 @p0 0..1"];
    check(case.copy(1, &place), "vvv .", &expected);
}

#[test]
fn a_row_says_what_was_read() {
    let case = plan(trailseal_testkit::Plan { hours: 2, backfills: vec![1], ..Default::default() });
    let digest = &case.model.chains[1].digests[0];
    let (content, form, ending) = inflate_all(digest.stored().as_slice(), 1 << 20).unwrap();
    let file = DigestFile {
        content: Ok(&content),
        form,
        ending: &ending,
        signatures: vec![sidecar(&digest.signature)],
        backfill_generated: Some("2024-03-03T01:13:52Z".to_owned()),
        metadata_problem: Some("why".to_owned()),
    };
    let row = examine(file.clone(), &case.ring(), &Limits::default());
    assert_eq!(hex::encode(row.sha256), sha256_hex(&content));
    assert_eq!((row.inflated, row.is_stored_inflated, row.trailing), (content.len() as u64, false, None));
    assert_eq!(row.backfill_generated, Some(hour(49)));
    assert_eq!(row.metadata_problem.as_deref(), Some("why"));
    assert_eq!(row.digest().unwrap().end, hour(1));
    assert_eq!(row.chain().unwrap().kind, trailseal_verify::ChainKind::Backfill);
    assert!(row.signatures()[0].1.is_genuine());
    // Bytes as they lie on the disk are a digest as well, and what is cut short is none, whatever was read of it.
    let inflated = DigestFile { form: Form::Inflated, ..file.clone() };
    assert!(examine(inflated, &case.ring(), &Limits::default()).is_stored_inflated);
    let cut = DigestFile { ending: &Ending::Truncated, ..file };
    let row = examine(cut, &KeyRing::default(), &Limits::default());
    assert!(
        matches!(&row.content, DigestContent::Unusable(Code::DigestMalformed, reason) if reason.contains("cut short"))
    );
    assert!(row.digest().is_none() && row.chain().is_none());
}
