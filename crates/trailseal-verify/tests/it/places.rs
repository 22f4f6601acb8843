//! Where digests lie, and where they say that they do.

use trailseal_testkit::Plan;

use crate::case::{Case, check, hour, hours, plan, sidecar};

/// The key of digest 3 with a part replaced.
fn renamed(case: &Case, from: &str, to: &str) -> String {
    let key = case.key(3);
    assert!(key.contains(from));
    key.replacen(from, to, 1)
}

#[test]
fn s39_two_validly_signed_digests_of_one_place() {
    let case = hours(5);
    let mut twin = case.digest(3).clone();
    twin.document.log_files.clear();
    twin.seal();
    let mut planted = case.clone().plant(&twin);
    planted.file("p0").found.path = "other/copy".to_owned();
    let seen = check(
        planted,
        "vvvxvv x",
        &["U signature_sources_disagree 3 @copy 2..3", "V fork 3 2..3", "V fork 3 @copy 2..3"],
    );
    let hashes: Vec<_> =
        seen.assessment.findings.iter().filter_map(|finding| finding.actual.clone()).collect();
    assert_eq!(hashes, [3, 6].map(|index| hex::encode(seen.rows[index].sha256)));
    // The other one put in the place of the first: its successor means another, and AWS signed both.
    let alone = case.at(3, |file| {
        file.stored = Ok(twin.stored());
        file.signatures = vec![sidecar(&twin.signature)];
    });
    check(alone, "vvvxvv", &["U signature_sources_disagree 3 2..3", "V fork 3 2..3"])
        .proven_by("shp shp shp s shp s");
}

#[test]
fn s39_two_validly_signed_successors_of_one_digest() {
    let case = hours(5);
    let mut chain = case.model.chains[0].clone();
    chain.set_window(4, hour(3), hour(4).plus(-600));
    chain.digests[4].seal();
    let seen = check(
        case.plant(&chain.digests[4]),
        "vvvvxv x",
        &["N window_anomaly 5 4..5", "V fork 4 3..4", "V fork p0 3..3+3000s"][1..],
    );
    assert_eq!(seen.assessment.chains[0].rows.len(), 7);
}

#[test]
fn s39_an_unsigned_rival_makes_no_fork() {
    let case = hours(3);
    let mut twin = case.digest(3).clone();
    twin.document.log_files.clear();
    twin.seal();
    let mut planted = case.plant(&twin);
    planted.file("p0").signatures.clear();
    check(planted, "vvvv u", &["U signature_unavailable 3 2..3"]);
}

#[test]
fn s39_one_that_was_not_asked_for_makes_no_fork() {
    let case = hours(5);
    let mut twin = case.digest(1).clone();
    twin.document.log_files.clear();
    twin.seal();
    check(case.plant(&twin).from(2), "...vvv .", &[]);
}

#[test]
fn s44_an_old_digest_over_a_newer_one() {
    let case = hours(4).replay(1, 3);
    let expected = ["V digest_missing 3 2..3 by 4", "V location_mismatch 1 @3 0..1"];
    let seen = check(case, "vvvXv", &expected);
    seen.says("location_mismatch", "a copy of a digest lies in a place that is not its own");
    let finding = seen.finding("location_mismatch");
    assert_eq!(finding.expected.as_deref(), Some(seen.case.key(1).as_str()));
    assert_eq!(finding.actual.as_deref(), Some(seen.case.key(3).as_str()));
}

#[test]
fn s44_over_the_newest_one() {
    // No successor names it: its signature lies beside the replay, or its hour is the next of the chain.
    let expected = ["V digest_missing 4 3..4", "V location_mismatch 1 @4 0..1"];
    let seen = check(hours(4).replay(1, 4), "vvvvX", &expected);
    seen.says("digest_missing", "another digest lies in this one's place");
    check(hours(4).replay(1, 4).unsigned(4), "vvvvX", &expected);
    let seen = check(hours(4).replay(1, 4).remove(3), "vvv-X", &expected);
    let finding = seen.finding("digest_missing");
    assert_eq!(finding.trail.as_deref(), Some("audit"));
    // Neither: a name alone proves nothing.
    let case = hours(4).replay(1, 4).unsigned(4).remove(3);
    check(case, "vvv-X", &["V location_mismatch 1 @4 0..1"]);
    let case = hours(2);
    let (far, other) =
        (case.model.chains[0].digest_key(hour(9)), case.key(2).replace("_audit_", "_tribute_"));
    check(case.clone().copy(1, &far), "vvv X", &["V location_mismatch 1 @p0 0..1"]);
    check(case.copy(1, &other), "vvv X", &["V location_mismatch 1 @p0 0..1"]);
}

#[test]
fn s44_moved_over_another_one() {
    // Digest 2 is not where it belongs any more, and lies where 3 was.
    let case = hours(4);
    let key = case.key(3);
    let case = case.remove(3).move_to(2, &key);
    let expected = ["V digest_missing 3 2..3 by 4", "V location_mismatch 2 @3 1..2"];
    check(case, "vvx-v", &expected).says("location_mismatch", "a digest lies in a place that is not its own");
    // Two in each other's places: none is missing.
    let case = hours(4).swap(2, 3);
    let expected = [
        "U signature_sources_disagree 2 @3 1..2",
        "U signature_sources_disagree 3 @2 2..3",
        "V location_mismatch 2 @3 1..2",
        "V location_mismatch 3 @2 2..3",
    ];
    check(case, "vvxxv", &expected);
}

#[test]
fn s49_an_object_with_a_stamp_of_the_far_future() {
    let case = hours(2);
    let key = case.model.chains[0].digest_key(hour(90_000));
    let mut case = case.copy(2, &key);
    case.file("p0").stored = Ok(b"{".to_vec());
    let seen = check(case, "vvv x", &["V digest_malformed p0 89999..90000"]);
    seen.leaves(&[]);
    assert_eq!(seen.assessment.chains[0].unusable, [3]);
}

#[test]
fn s49_an_object_whose_name_is_not_a_digests() {
    let case = hours(2);
    let folder = case.key(2).rsplit_once('/').unwrap().0.to_owned();
    for key in [format!("{folder}/20249999T999999Z.json.gz"), "elsewhere/notes.txt".to_owned()] {
        let mut case = case.clone().copy(2, &key);
        case.file("p0").stored = Ok(b"{".to_vec());
        let seen = check(case, "vvv .", &["U stray_object p0"]);
        seen.says("stray_object", "an object among the digests that is none");
        assert!(seen.assessment.chains.iter().all(|chain| chain.unusable.is_empty()));
    }
    // A digest's name outside of the folders of digests makes it none (row 85).
    let name = case.key(2).rsplit_once('/').unwrap().1.to_owned();
    let mut named = case.clone().copy(2, &format!("elsewhere/{name}"));
    named.file("p0").stored = Ok(b"{".to_vec());
    check(named, "vvv .", &["U stray_object p0 1..2"]);
    // What is too large, or cannot be read, is told under any name.
    let mut unread = case.copy(2, "elsewhere/x");
    unread.file("p0").stored = Err("it is a pipe".to_owned());
    check(unread, "vvv u", &["U digest_unreadable p0"]);
}

#[test]
fn s50_a_name_or_folder_that_disagrees_with_the_content() {
    let case = hours(4);
    for (from, to, field) in [
        ("_audit_", "_tribute_", "the trail"),
        ("us-east-1", "us-east-2", "the home region"),
        ("111122223333_", "444455556666_", "the account"),
        ("_eu-west-1_", "_eu-west-2_", "the region"),
        ("T031352Z", "T031353Z", "the end time"),
        ("Z.json", "Z_backfill.json", "the kind of digest"),
        ("2024/03/01", "2024/03/02", "the date folders"),
        ("CloudTrail-Digest/", "CloudTrail/", "the kind of object"),
        ("AWSLogs/", "AWSLogs/o-abc1/", "the organization"),
    ] {
        let key = renamed(&case, from, to);
        let seen = case.clone().move_to(3, &key).judge();
        let finding = seen.finding("name_mismatch");
        assert!(finding.message.ends_with(&format!(" in: {field}")), "{}", finding.message);
        assert_eq!(
            (finding.expected.as_deref(), finding.actual.as_deref()),
            (Some(&*case.key(3)), Some(&*key))
        );
        assert_eq!(seen.states(), "vvvxv", "{key}");
        assert_eq!(seen.lines().len(), 1, "{:?}", seen.lines());
    }
}

#[test]
fn s50_every_field_that_disagrees_is_named_once() {
    let case = hours(4);
    let key =
        renamed(&case, "AWSLogs/111122223333", "new/AWSLogs/444455556666").replace("_audit_", "_tribute_");
    let key = key.replace("/111122223333_", "/444455556666_").replace("eu-west-1", "eu-west-2");
    let seen = case.move_to(3, &key).judge();
    seen.says("name_mismatch", " in: the prefix, the account, the region, the trail");
}

#[test]
fn s50_a_name_that_is_no_digests() {
    let case = hours(4);
    let key = renamed(&case, "111122223333_CloudTrail-Digest", "x");
    let seen = check(case.clone().move_to(3, &key), "vvvxv", &["V name_mismatch 3 @3 2..3"]);
    seen.says("name_mismatch", " in: the file name");
    let seen = check(case.move_to(3, "somewhere/x.json.gz"), "vvvxv", &["V name_mismatch 3 @3 2..3"]);
    seen.says("name_mismatch", " in: the folder");
}

#[test]
fn s50_keys_that_mean_the_same_and_are_spelled_in_another_way() {
    // Signed with a key that has no `.gz`, and found with one.
    let case = hours(1).signed(|chain| {
        let object = &mut chain.digests[1].document.s3_object;
        object.truncate(object.len() - ".gz".len());
        chain.digests[1].seal();
    });
    let key = format!("{}.gz", case.key(1));
    check(case.clone(), "vv", &[]);
    let seen = check(case.move_to(1, &key), "vx", &["V name_mismatch 1 @1 0..1"]);
    seen.says("name_mismatch", " in: the spelling");
}

#[test]
fn s50_a_digest_that_contradicts_itself() {
    type Change = fn(&mut trailseal_testkit::DigestDocument);
    let changes: [(&str, Change); 4] = [
        ("awsAccountId", |document| document.aws_account_id = "444455556666".to_owned()),
        ("awsAccountId", |document| {
            document.s3_object =
                document.s3_object.replacen("AWSLogs/111122223333", "AWSLogs/444455556666", 1);
        }),
        ("digestEndTime", |document| document.end_time = hour(2).plus(1).to_string()),
        ("the region", |document| {
            document.s3_object = document.s3_object.replacen("/eu-west-1/", "/eu-west-2/", 1);
        }),
    ];
    for (field, change) in changes {
        let case = hours(2).signed(|chain| {
            change(&mut chain.digests[2].document);
            chain.digests[2].seal();
        });
        let seen = case.judge();
        assert_eq!(seen.states(), "vvx", "{field}");
        seen.says("name_mismatch", &format!("contradicts itself: {field} and digestS3Object disagree"));
    }
}

#[test]
fn s92_what_stands_before_the_keys_own_path_belongs_to_the_copy() {
    let case = hours(2).signed(|chain| chain.change_place(0, |chain| chain.prefix = "Audit/".into()));
    let tail = case.key(1).strip_prefix("Audit/").unwrap().to_owned();
    for place in
        [tail.clone(), format!("audit/{tail}"), format!("audit/{}", tail.strip_suffix(".gz").unwrap())]
    {
        check(case.clone().move_to(1, &place), "vvv", &[]);
    }
    check(case.clone().at(1, |file| file.found.bucket = Some("other".to_owned())), "vvv", &[]);
    check(case.at(1, |file| file.found.bucket = None), "vvv", &[]);
}

#[test]
fn s93_a_name_to_which_something_was_added() {
    let case = hours(4);
    let key = case.key(3);
    let (folder, name) = key.rsplit_once('/').unwrap();
    let stem = name.strip_suffix(".json.gz").unwrap();
    for place in [
        format!("{folder}/{stem} (1).json.gz"),
        format!("{folder}/{stem}-v2.json.gz"),
        format!("{folder}/more/{name}"),
        format!("all in one/{stem} (1).json.gz"),
        format!("all in one/{name}"),
    ] {
        let seen = check(case.clone().move_to(3, &place), "vvvvv", &["N layout_lost 3 @3 2..3"]);
        seen.says("layout_lost", "to whose name something was added");
    }
    // Not under another digest's name, nor in another account's or region's folder.
    for place in [
        key.replace("eu-west-1/2024", "eu-west-2/2024"),
        key.replace("AWSLogs/111122223333", "AWSLogs/444455556666"),
        format!("{folder}/{stem}_backfill.json.gz"),
    ] {
        assert_ne!(place, key);
        let seen = case.clone().move_to(3, &place).judge();
        assert_eq!((seen.states().as_str(), seen.lines().len()), ("vvvxv", 1), "{place}: {:?}", seen.lines());
        seen.says("name_mismatch", "its name or folder disagrees");
    }
}

#[test]
fn s95_a_copy_under_another_digests_name_or_in_anothers_folders() {
    let case = hours(3);
    let key = case.key(1);
    for place in [
        key.replace("eu-west-1/2024", "eu-west-2/2024"),
        key.replace("AWSLogs/111122223333", "AWSLogs/444455556666"),
        key.replace("_audit_", "_tribute_"),
        case.model.chains[0].digest_key(hour(9)),
    ] {
        let seen = check(case.clone().copy(1, &place), "vvvv X", &["V location_mismatch 1 @p0 0..1"]);
        assert_eq!(seen.finding("location_mismatch").actual.as_deref(), Some(place.as_str()));
    }
}

#[test]
fn a_digest_in_anothers_folders_links_to_nothing() {
    // Judged where it lies, and no chain of that place has it.
    let other = plan(Plan { hours: 2, regions: vec!["eu-west-2".to_owned()], ..Plan::default() });
    let case = hours(2).with(other);
    let key = case.model.chains[1].digests[1].object().replace("eu-west-2", "eu-west-1");
    let mut case = case;
    case.file("b1").lay(&key);
    let seen = case.judge();
    assert_eq!(seen.states(), "vvv vxv");
    let rows: Vec<&[usize]> = seen.assessment.chains.iter().map(|chain| chain.rows.as_slice()).collect();
    assert_eq!(rows, [&[0, 1, 2][..], &[3, 5]]);
}

#[test]
fn a_signed_digest_whose_key_is_no_delivery_s_belongs_to_no_chain() {
    let case = hours(2).signed(|chain| {
        chain.digests[2].document.s3_object = "elsewhere/digest.json.gz".to_owned();
        chain.digests[2].seal();
    });
    check(case, "vv.", &["U stray_object 2"]);
}
