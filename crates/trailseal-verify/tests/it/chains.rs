//! How digests follow one another, and what is missing between them.

use trailseal_testkit::{ModelChain, Plan, Stop};

use crate::case::{Case, check, hour, hours, plan};

/// Five hourly digests, of which the last three follow a pause: 3 is the starting digest of hour 5.
fn paused(pause: i64) -> Case {
    plan(Plan {
        hours: 4,
        logs_per_hour: 1,
        stops: vec![Stop { after: 2, pause, event: None }],
        ..Plan::default()
    })
}

fn moved(chain: &mut ModelChain, index: usize, start: i64, end: i64) {
    chain.set_window(index, hour(0).plus(start), hour(0).plus(end));
    chain.seal_from(index);
}

#[test]
fn s01_nothing_was_done() {
    let seen = check(hours(4), "vvvvv", &[]);
    seen.proven_by("shp shp shp shp s").leaves(&[]);
    let [chain] = &seen.assessment.chains[..] else { panic!("one chain") };
    assert_eq!(chain.rows, [0, 1, 2, 3, 4]);
    assert_eq!((chain.unusable.as_slice(), chain.missing), (&[][..], 0));
    let windows = seen.assessment.judgements.iter().map(|judgement| judgement.window().unwrap());
    assert!(windows.enumerate().all(|(at, window)| window.end == hour(at as i64)));
}

#[test]
fn s02_no_signatures_at_all() {
    let seen = check(hours(3).without_signatures(), "vvvu", &["U signature_unavailable 3 2..3"]);
    seen.proven_by("hp hp p 0");
    let judgements = &seen.assessment.judgements;
    assert_eq!(judgements[2].source(), Some(trailseal_verify::SignatureSource::Successor));
    assert_eq!(judgements[3].source(), None);
}

#[test]
fn s03_the_newest_signature_and_its_key_alone() {
    let case = plan(Plan { hours: 3, rotate: Some(2), ..Plan::default() }).trusting(&[1]);
    let case = case.unsigned(0).unsigned(1).unsigned(2);
    check(case, "vvvv", &[]).proven_by("h h hp s");
}

#[test]
fn s25_an_interior_digest_deleted() {
    let seen = check(hours(5).remove(3), "vvv-vv", &["V digest_missing 3 2..3 by 4"]);
    seen.leaves(&["2..3 digest_missing!", "1 missing"]).proven_by("shp shp s - shp s");
    seen.says("digest_missing", "a digest that its successor names is not there");
}

#[test]
fn s26_consecutive_digests_deleted() {
    let expected = ["V digest_missing 4 3..4 by 5", "V digests_missing_inferred 1..3 x2 by 5"];
    let seen = check(hours(5).remove(2).remove(3).remove(4), "vv---v", &expected);
    seen.leaves(&["1..3 digests_missing_inferred!", "3..4 digest_missing!", "3 missing"]);
    seen.says("digests_missing_inferred", "2 more digests are missing");
}

#[test]
fn s26_of_files_that_hold_no_digest_none_is_missing() {
    // Between 1 and 5 lie two names; what they hold is told of each.
    let case = hours(5).remove(4).content(3, "{").content(2, "{");
    let expected = ["V digest_malformed 2 1..2", "V digest_malformed 3 2..3", "V digest_missing 4 3..4 by 5"];
    check(case, "vvxx-v", &expected).leaves(&["3..4 digest_missing!", "1 missing"]);
    // One is gone beside the one that holds none.
    let case = hours(5).remove(4).content(3, "{").remove(2);
    let expected = [
        "V digest_malformed 3 2..3",
        "V digest_missing 4 3..4 by 5",
        "V digests_missing_inferred 1..3 x1 by 5",
    ];
    check(case, "vv-x-v", &expected);
}

#[test]
fn s26_a_file_without_a_digest_takes_no_place_but_its_own() {
    for elsewhere in [6, 1] {
        let case = hours(7).remove(3).remove(4).content(elsewhere, "{");
        let malformed = format!("V digest_malformed {elsewhere} {}..{elsewhere}", elsewhere - 1);
        let mut expected = vec![&*malformed, "V digest_missing 4 3..4 by 5"];
        let states = if elsewhere == 6 { "vvv--vxv" } else { "vxv--vvv" };
        expected.push("V digests_missing_inferred 2..3 x1 by 5");
        expected.sort_unstable();
        check(case, states, &expected);
    }
}

#[test]
fn s26_a_file_without_a_digest_under_the_name_of_one_that_is_there_takes_no_place() {
    let case = hours(5).remove(2).remove(3).remove(4);
    let elsewhere = case.key(1).replace("/2024/03/01/", "/2024/03/02/");
    let mut case = case.copy(1, &elsewhere);
    case.file("p0").stored = Ok(trailseal_testkit::gzip(b"{"));
    let expected = [
        "V digest_malformed p0 0..1",
        "V digest_missing 4 3..4 by 5",
        "V digests_missing_inferred 1..3 x2 by 5",
    ];
    check(case, "vv---v x", &expected);
}

#[test]
fn s26_a_predecessor_that_would_be_older_than_what_is_there_leaves_no_hole() {
    let case = hours(4).signed(|chain| {
        let key = chain.digests[4].document.previous_s3_object.clone().unwrap();
        let stamp = hour(3).to_string().replace(['-', ':'], "");
        let other = hour(1).plus(1800).to_string().replace(['-', ':'], "");
        chain.digests[4].document.previous_s3_object = Some(key.replace(&stamp, &other));
        chain.digests[4].seal();
    });
    let name = "111122223333_CloudTrail-Digest_eu-west-1_audit_us-east-1_20240301T014352Z.json.gz";
    let expected = format!("V digest_missing {name} 1+1800s..1+1800s by 4");
    check(case, "vvvvv", &[&expected]);
}

#[test]
fn s37_windows_that_nothing_proves_are_held_together_and_altered_ones_are_not() {
    let case = hours(3).signed(|chain| moved(chain, 3, 3 * 3600, 4 * 3600));
    let unknown: Vec<String> =
        ["0 -1..0", "1 0..1", "2 1..2", "3 3..4"].map(|at| format!("U key_unknown {at}")).to_vec();
    let expected = unknown.iter().map(String::as_str).chain(["U window_discontinuity 3 2..3"]);
    check(case.trusting(&[]), "uuuu", &expected.collect::<Vec<_>>());
    // What an edited digest says of its window is no finding about the authentic one that follows it.
    let case = hours(3).edit(2, |document| document.end_time = hour(2).plus(-600).to_string());
    let expected = ["N window_anomaly 2 1..2", "V digest_altered 2 1..2 by 3", "V name_mismatch 2 1..2"];
    check(case, "vvxv", &expected);
}

#[test]
fn s26_a_hole_that_is_not_of_whole_hours_is_a_gap() {
    let case = hours(5).signed(|chain| {
        for index in 3..=5 {
            moved(chain, index, index as i64 * 3600 - 3000, index as i64 * 3600 + 600);
        }
    });
    let expected = ["U gap 1..2+600s by 4", "V digest_missing 3 2+600s..3+600s by 4"];
    let seen = check(case.remove(2).remove(3), "vv--vv", &expected);
    seen.leaves(&["1..2+600s gap", "2+600s..3+600s digest_missing!", "1 missing"]);
}

#[test]
fn s27_a_digest_edited_and_its_predecessor_deleted() {
    let case = hours(5).edit(3, |document| document.log_files.clear()).remove(2);
    // What the edited digest says is no proof that there was a predecessor.
    let expected = ["U digest_missing 2 1..2 by 3", "V digest_altered 3 2..3 by 4"];
    check(case, "vv-xvv", &expected).leaves(&["1..2 digest_missing", "1 missing"]);
}

#[test]
fn s30_the_oldest_digests_deleted() {
    let seen = check(hours(4).remove(0).remove(1), "--vvv", &["V tail_cut 1 0..1 by 2"]);
    seen.leaves(&["0..1 tail_cut!", "1 missing"]);
    seen.says("tail_cut", "the oldest digest names a predecessor that is not there");
    // A predecessor that ends before what was asked for may be left out of a copy.
    let asked = hours(4).remove(0).remove(1).from(1);
    check(asked, "--vvv", &["U tail_cut 1 0..1 by 2"]).leaves(&[]);
    let asked = hours(4).remove(0).remove(1).from(0);
    check(asked, "--vvv", &["V tail_cut 1 0..1 by 2"]).leaves(&["0..1 tail_cut!", "1 missing"]);
}

#[test]
fn s30_an_unproven_digest_proves_no_predecessor() {
    let case = hours(2).remove(0).remove(1).unsigned(2);
    let expected = ["U signature_unavailable 2 1..2", "U tail_cut 1 0..1 by 2"];
    check(case, "--u", &expected).leaves(&["0..1 tail_cut", "1 missing"]);
}

#[test]
fn s33_logging_stopped_and_started() {
    let seen = check(paused(3 * 3600), "vvvvvv", &["U gap 3 2..4"]);
    seen.leaves(&["2..4 gap"]).says("gap", "the chain ends at 2024-03-01T02:13:52Z");
    seen.says("gap", "started anew at 2024-03-01T05:13:52Z");
    // Shorter than the starting digest's own window, which proves nothing of logging before its end.
    check(paused(600), "vvvvvv", &["U gap 3 2..2"]);
}

#[test]
fn s34_the_end_of_the_older_chain_deleted() {
    check(paused(3 * 3600).remove(2), "vv-vvv", &["U gap 3 1..4"]);
    let expected = ["U gap 3 1..4", "U signature_unavailable 2 1..2"];
    check(paused(3 * 3600).unsigned(2), "vvuvvv", &expected);
}

#[test]
fn s36_the_starting_digest_after_a_gap_deleted() {
    let case = paused(3 * 3600 + 420).remove(3);
    let expected = ["U gap 2..4+420s by 4", "V digest_missing 3 4+420s..5+420s by 4"];
    check(case, "vvv-vv", &expected).leaves(&[
        "2..4+420s gap",
        "4+420s..5+420s digest_missing!",
        "1 missing",
    ]);
}

#[test]
fn s36_a_predecessor_of_less_than_an_hour_reaches_to_the_end_before() {
    // Logging began 10 minutes after it had ended: what is missing is no more than these.
    let case = paused(600).remove(3);
    check(case, "vvv-vv", &["V digest_missing 3 2..2+600s by 4"])
        .leaves(&["2..2+600s digest_missing!", "1 missing"]);
}

#[test]
fn s37_a_hole_between_linked_digests() {
    let case = hours(3).signed(|chain| moved(chain, 3, 3 * 3600 - 1, 4 * 3600 - 1));
    let seen = check(case, "vvvv", &["U window_discontinuity 3 2..2+3599s"]);
    seen.leaves(&["2..2+3599s window_discontinuity"])
        .says("window_discontinuity", "3599 seconds lie between");
    let case = hours(3).signed(|chain| moved(chain, 3, 2 * 3600 + 1, 3 * 3600 + 1));
    check(case, "vvvv", &["U window_discontinuity 3 2..2+1s"]);
}

#[test]
fn s38_windows_that_overlap() {
    let case = hours(3).signed(|chain| moved(chain, 3, 2 * 3600 - 1, 3 * 3600 - 1));
    let seen = check(case, "vvvv", &["N window_anomaly 3 1+3599s..2+3599s"]);
    seen.leaves(&[]).says("window_anomaly", "overlaps its predecessor's by 1 seconds");
}

#[test]
fn s38_a_window_that_runs_backwards() {
    let case = hours(3).signed(|chain| moved(chain, 3, 3 * 3600, 3 * 3600 - 60));
    let seen = check(case, "vvvv", &["N window_anomaly 3 3..2+3540s"]);
    seen.leaves(&[]).says("window_anomaly", "ends before it starts");
    // Nor is a hole seen where the older one runs so, or has no length.
    for start in [2 * 3600, 2 * 3600 + 60] {
        let case = hours(3).signed(|chain| {
            moved(chain, 2, start, 2 * 3600);
            moved(chain, 3, 3 * 3600, 4 * 3600);
        });
        let seen = check(
            case,
            "vvvv",
            &[&format!("N window_anomaly 2 {}..2", if start == 7200 { "2" } else { "2+60s" })],
        );
        seen.leaves(&[]);
    }
    let case = hours(3).signed(|chain| moved(chain, 3, 3 * 3600, 3 * 3600));
    check(case, "vvvv", &["N window_anomaly 3 3..3"]).leaves(&[]);
}

#[test]
fn s38_windows_that_are_far_from_an_hour() {
    // Digest 1, and the one after it begins where it ends.
    let length = |seconds: i64| {
        hours(2).signed(|chain| {
            moved(chain, 1, 0, seconds);
            moved(chain, 2, seconds, seconds + 3600);
        })
    };
    for fits in [3540, 3600, 3660] {
        check(length(fits), "vvv", &[]);
    }
    check(length(3539), "vvv", &["N window_anomaly 1 0..0+3539s"])
        .says("window_anomaly", "its window is 3539 seconds long, not an hour");
    check(length(3661), "vvv", &["N window_anomaly 1 0..1+61s"]);
    // A final digest may be short, and is not to be long.
    let last = |seconds: i64| hours(1).signed(|chain| moved(chain, 1, 0, seconds));
    check(last(600), "vv", &[]);
    check(last(7200), "vv", &["N window_anomaly 1 0..2"]);
}

#[test]
fn s48_a_trail_whose_name_extends_another_ones() {
    let trails = vec!["t1".to_owned(), "t1_us-east-1_b".to_owned()];
    let case = plan(Plan { hours: 2, trails, ..Plan::default() });
    let seen = check(case.clone(), "vvv vvv", &[]);
    let names: Vec<&str> = seen.assessment.chains.iter().map(|chain| chain.id.trail.as_str()).collect();
    assert_eq!(names, ["t1", "t1_us-east-1_b"]);
    // Each is judged alone.
    let seen = check(case.remove(1), "v-v vvv", &["V digest_missing 1 0..1 by 2"]);
    assert_eq!([seen.assessment.chains[0].missing, seen.assessment.chains[1].missing], [1, 0]);
}

#[test]
fn s52_a_backfill_digest_without_its_generation_time() {
    let case = plan(Plan { hours: 2, backfills: vec![1, 2], ..Plan::default() });
    check(case.clone(), "vvv vv", &[]).leaves(&[]);
    let mut untold = case;
    untold.file("b0").generated = None;
    let seen = check(untold.clone(), "vvv vv", &["N backfill_time_unknown b0 0..1"]);
    assert_eq!(seen.assessment.chains.len(), 2);
    untold.file("b0").generated = Some("no time".to_owned());
    check(untold, "vvv vv", &["N backfill_time_unknown b0 0..1"]);
}

#[test]
fn s52_windows_of_backfill_digests_need_not_meet() {
    // How they name their predecessors is not documented: linked here, two hours apart, and of any length.
    let mut case = plan(Plan { hours: 4, backfills: vec![1, 4], ..Plan::default() });
    let chain = &mut case.model.chains[1];
    chain.set_window(1, hour(2), hour(5));
    let (older, newer) = chain.digests.split_at_mut(1);
    newer[0].link_to(&older[0]);
    newer[0].seal();
    let case = Case::of(case.model);
    check(case.clone(), "vvvvv vv", &[]).leaves(&[]);
    // Its predecessor deleted: the signed pointer proves it, and nothing more is inferred.
    let seen = check(case.remove_labelled("b0"), "vvvvv -v", &["V digest_missing b0 0..1 by b1"]);
    seen.leaves(&["0..1 digest_missing!", "1 missing"]);
}

#[test]
fn s52_overlapping_backfill_windows_and_several_successors_are_no_anomaly() {
    let mut case = plan(Plan { hours: 4, backfills: vec![2, 2, 3], ..Plan::default() });
    let chain = &mut case.model.chains[1];
    chain.set_window(1, hour(0), hour(3));
    chain.set_window(2, hour(1), hour(4));
    let (older, newer) = chain.digests.split_at_mut(1);
    for digest in newer {
        digest.link_to(&older[0]);
        digest.seal();
    }
    check(Case::of(case.model), "vvvvv vvv", &[]).leaves(&[]);
}

#[test]
fn s71_a_trail_becomes_an_organization_trail() {
    let case =
        hours(4).signed(|chain| chain.change_place(3, |chain| chain.organization = Some("o-abc1".into())));
    let seen = check(case, "vvvvv", &[]);
    let [chain] = &seen.assessment.chains[..] else { panic!("one chain") };
    assert_eq!(chain.id.organization.as_deref(), Some("o-abc1"));
    assert_eq!(chain.rows.len(), 5);
}

#[test]
fn s71_a_trail_becomes_one_and_is_one_no_more() {
    let case = hours(6).signed(|chain| {
        chain.change_place(2, |chain| chain.organization = Some("o-abc1".into()));
        chain.change_place(4, |chain| chain.organization = None);
    });
    let seen = check(case.clone(), "vvvvvvv", &[]);
    assert_eq!(seen.assessment.chains.len(), 1);
    // What is missing on either side is missing in the one chain.
    let seen = check(case.remove(2), "vv-vvvv", &["V digest_missing 2 1..2 by 3"]);
    assert_eq!(seen.assessment.chains.iter().map(|chain| chain.missing).sum::<u64>(), 1);
}

#[test]
fn s71_without_proof_two_chains_stay_two() {
    // The pointer across is not signed by a key at hand.
    let case =
        hours(3).signed(|chain| chain.change_place(2, |chain| chain.organization = Some("o-abc1".into())));
    let seen = case.trusting(&[]).judge();
    assert_eq!(seen.assessment.chains.len(), 2);
}

#[test]
fn s71_its_prefix_or_bucket_changed() {
    let case = hours(4).signed(|chain| chain.change_place(3, |chain| chain.prefix = "new/".into()));
    check(case, "vvvvv", &[]);
    let case = hours(4).signed(|chain| chain.change_place(3, |chain| chain.bucket = "new".into()));
    check(case, "vvvvv", &[]);
    // The older part was not copied.
    let case = hours(4).signed(|chain| chain.change_place(3, |chain| chain.prefix = "new/".into()));
    let case = case.remove(0).remove(1).remove(2).without_prefix("AWSLogs/");
    let seen = check(case, "---vv", &["U digest_not_in_archive 2 1..2 by 3"]);
    seen.leaves(&[]).says("digest_not_in_archive", "not part of the archive");
}

#[test]
fn s73_the_oldest_digest_of_a_partial_copy_points_before_it() {
    let case = hours(5).remove(0).remove(1).remove(2);
    check(case.clone().from(2), "---vvv", &["U tail_cut 2 1..2 by 3"]);
    check(case.from(3), "---.vv", &[]);
}

#[test]
fn s88_an_unsigned_digest_begins_no_gap() {
    // 3 starts anew, and nobody signed it: neither the gap nor the end before it is its word.
    let case = paused(3 * 3600);
    let forged = case.model.chains[0].unlinked(hour(2), hour(3), Vec::new());
    let mut planted = case.plant(&forged);
    planted.file("p0").signatures.clear();
    let seen = check(planted, "vvvvvv u", &["U gap 3 2..4", "U signature_unavailable p0 2..3"]);
    seen.leaves(&["2..4 gap"]);
}

#[test]
fn s88_where_nothing_is_proven_the_digests_word_has_to_do() {
    let case = paused(3 * 3600).trusting(&[]);
    let lines = case.judge().lines();
    assert!(lines.contains(&"U gap 3 2..4".to_owned()), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("U key_unknown")).count(), 6);
}

#[test]
fn s71_the_newest_step_of_several_names_the_chain() {
    let case = hours(8).signed(|chain| {
        chain.change_place(2, |chain| chain.organization = Some("o-abc1".into()));
        chain.change_place(4, |chain| chain.organization = None);
        chain.change_place(6, |chain| chain.organization = Some("o-abc1".into()));
    });
    let seen = check(case, "vvvvvvvvv", &[]);
    let [chain] = &seen.assessment.chains[..] else { panic!("one chain") };
    assert_eq!(chain.id.organization.as_deref(), Some("o-abc1"));
}

#[test]
fn s71_other_content_at_the_step_is_no_step() {
    let case =
        hours(4).signed(|chain| chain.change_place(3, |chain| chain.organization = Some("o-abc1".into())));
    let seen = case.edit(2, |document| document.log_files.clear()).judge();
    assert_eq!(seen.assessment.chains.len(), 2, "{:?}", seen.lines());
}

#[test]
fn s71_a_pointer_to_another_trail_joins_nothing() {
    let case = hours(3).with(hours(4).signed(|chain| {
        chain.trail = "other".to_owned();
        chain.change_place(0, |_| {});
    }));
    let seen = case.judge();
    assert_eq!(seen.assessment.chains.len(), 2, "{:?}", seen.lines());
    let mut model = seen.case.model;
    // Its window fits, and it is younger than any of the trail to which it points.
    let newest = model.chains[0].digests[3].clone();
    model.chains[1].digests[4].link_to(&newest);
    model.chains[1].seal_from(4);
    let seen = Case::of(model).judge();
    assert_eq!(seen.assessment.chains.len(), 2, "{:?}", seen.lines());
}

#[test]
fn the_window_of_what_nothing_proves_is_that_of_its_place_where_its_word_differs() {
    let window = |case: Case| {
        let seen = case.trusting(&[]).judge();
        assert_eq!(seen.assessment.chains.len(), 1, "{:?}", seen.lines());
        let window = seen.assessment.judgements[2].window().expect("it has a place");
        (window.start.since(hour(0)), window.end.since(hour(0)))
    };
    assert_eq!(window(hours(3)), (3600, 7200));
    // it says when its window began, which its name does not
    let begins = |seconds: i64| {
        hours(3).edit(2, move |document| document.start_time = hour(0).plus(seconds).to_string())
    };
    assert_eq!(window(begins(3000)), (3000, 7200));
    // a window without length, another end, another chain
    assert_eq!(window(begins(7200)), (3600, 7200));
    assert_eq!(window(begins(9000)), (3600, 7200));
    let edited = |change: fn(&mut trailseal_testkit::DigestDocument)| {
        hours(3).edit(2, move |document| {
            document.start_time = hour(0).plus(3000).to_string();
            change(document);
        })
    };
    assert_eq!(window(edited(|document| document.end_time = hour(3).to_string())), (3600, 7200));
    let other = |document: &mut trailseal_testkit::DigestDocument| {
        document.s3_object = document.s3_object.replace("_audit_", "_other_");
    };
    assert_eq!(window(edited(other)), (3600, 7200));
    assert_eq!(
        window(edited(|document| "444455556666".clone_into(&mut document.aws_account_id))),
        (3600, 7200)
    );
}

#[test]
fn s33_a_gap_is_told_once_whatever_lies_in_it() {
    let case = paused(3 * 3600);
    let inside = case.key(2).replace("T021352Z", "T041352Z");
    assert_ne!(inside, case.key(2));
    let mut case = case.copy(2, &inside);
    case.file("p0").stored = Ok(trailseal_testkit::gzip(b"{"));
    check(case, "vvvvvv x", &["U gap 3 2..4", "V digest_malformed p0 3..4"]).leaves(&["2..4 gap"]);
}
