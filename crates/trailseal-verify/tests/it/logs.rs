//! Logs: is one what its digest names, and what does it mean that no digest names one.

use trailseal_archive::{
    Timestamp,
    gzip::{Ending, Form, inflate_all},
};
use trailseal_testkit::{Log, Plan, Stop, gzip, gzip_member};
use trailseal_verify::{
    Code, Covered, FoundLog, Interval, LogVerdict, Observation, Status, Unnamed, Vouched, judge_log,
    merge_intervals,
};

use crate::case::{Case, check, hour, hours, plan};

const LIMIT: u64 = 1 << 20;

/// What reading these stored bytes to their end shows.
fn observed(stored: &[u8]) -> Observation {
    let (content, form, ending) = inflate_all(stored, LIMIT).unwrap();
    let inflated = content.len() as u64;
    Observation { sha256: trailseal_sha256::digest(&content), inflated, form, ending }
}

/// The first log of the newest digest, and the hash that the digest states of it.
fn log(case: &Case) -> (Log, Option<[u8; 32]>) {
    let seen = case.clone().judge();
    let newest = seen.rows.last().unwrap().digest().unwrap();
    let log = case.model.chains.last().unwrap().digests.last().unwrap().logs[0].clone();
    let named = newest.logs.iter().find(|named| named.object.to_string() == log.key).unwrap();
    assert_eq!((named.oldest_event, named.newest_event), (Some(log.oldest), Some(log.newest)));
    (log, named.hash)
}

/// What is said of a log of these stored bytes, by a digest that is proven.
fn judged(stored: impl FnOnce(Vec<u8>) -> Vec<u8>) -> LogVerdict {
    let (log, hash) = log(&hours(1));
    let seen = observed(&stored(gzip_member(&log.content, 6)));
    judge_log(hash, Vouched::Proven, FoundLog::Read(&seen))
}

#[track_caller]
fn says(verdict: &LogVerdict, status: Status, code: Code, words: &str) {
    let (found, message) = verdict.finding().unwrap();
    assert_eq!((verdict.status(), found), (status, code), "{message}");
    assert!(message.contains(words), "{message:?} does not hold {words:?}");
    assert!(!verdict.is_stored_inflated());
}

#[track_caller]
fn is_verified(verdict: &LogVerdict, is_stored_inflated: bool) {
    assert_eq!((verdict.status(), verdict.finding()), (Status::Verified, None));
    assert_eq!(verdict.is_stored_inflated(), is_stored_inflated);
}

#[test]
fn s01_a_log_as_it_was_delivered() {
    is_verified(&judged(|stored| stored), false);
}

#[test]
fn s04_a_log_that_was_changed_and_gzipped_again() {
    let altered = judged(|stored| {
        let mut content = trailseal_testkit::gunzip(&stored);
        content[100] ^= 1;
        gzip(&content)
    });
    says(&altered, Status::Violated, Code::LogAltered, "is not the one that was signed");
}

#[test]
fn s05_a_log_gzipped_again() {
    is_verified(&judged(|stored| gzip(&trailseal_testkit::gunzip(&stored))), false);
}

#[test]
fn s06_a_log_stored_inflated() {
    is_verified(&judged(|stored| trailseal_testkit::gunzip(&stored)), true);
}

#[test]
fn s07_a_log_deleted() {
    let (_, hash) = log(&hours(1));
    let verdict = judge_log(hash, Vouched::Proven, FoundLog::Absent);
    says(&verdict, Status::Missing, Code::LogMissing, "is not there");
}

#[test]
fn s77_what_is_missing_was_there_and_nobody_is_accused() {
    let verdict = judge_log(Some([7; 32]), Vouched::Proven, FoundLog::Absent);
    let words = "deleted, expired by a lifecycle rule, archived or not copied";
    says(&verdict, Status::Missing, Code::LogMissing, words);
}

#[test]
fn s10_bytes_appended_to_a_log() {
    let appended = judged(|stored| [&stored[..], b"12345"].concat());
    let words = "5 bytes follow the log's gzip data; the content before them is the one that was signed";
    says(&appended, Status::Violated, Code::LogTrailingData, words);
    let altered = judged(|_| [&gzip_member(b"{}", 6)[..], b"12345"].concat());
    says(&altered, Status::Violated, Code::LogTrailingData, "is not the one that was signed either");
}

#[test]
fn s11_a_member_appended_to_a_log() {
    let member = gzip_member(b"{}", 6);
    let appended = judged(|stored| [&stored[..], &member].concat());
    let words =
        format!("a further gzip member ({} bytes) follows the log's; the content before", member.len());
    says(&appended, Status::Violated, Code::LogExtraMember, &words);
}

#[test]
fn s12_a_log_cut_in_the_middle() {
    let cut = judged(|stored| stored[..stored.len() / 2].to_vec());
    says(&cut, Status::Violated, Code::LogTruncated, "cut short");
}

#[test]
fn s13_the_trailer_of_a_log_cut() {
    for bytes in [1, 4, 8] {
        let cut = judged(|stored| stored[..stored.len() - bytes].to_vec());
        says(&cut, Status::Violated, Code::LogTruncated, "cut short");
    }
}

#[test]
fn s14_the_crc_of_a_log_corrupted() {
    let corrupt = judged(|mut stored| {
        let crc = stored.len() - 8;
        stored[crc] ^= 1;
        stored
    });
    says(&corrupt, Status::Violated, Code::LogCorrupt, "are damaged: ");
}

#[test]
fn s15_a_log_emptied() {
    says(&judged(|_| Vec::new()), Status::Violated, Code::LogEmpty, "is empty");
}

#[test]
fn s16_a_log_that_cannot_be_read() {
    let (_, hash) = log(&hours(1));
    let verdict =
        judge_log(hash, Vouched::Proven, FoundLog::Unreadable(&std::io::Error::other("permission denied")));
    says(&verdict, Status::Unproven, Code::LogUnreadable, "cannot be read: permission denied");
}

#[test]
fn s20_a_log_that_a_backfill_digest_names() {
    let case = plan(Plan { hours: 1, backfills: vec![1], ..Plan::default() });
    let seen = check(case.clone(), "vv v", &[]);
    let (log, hash) = log(&case);
    let vouched = seen.assessment.judgements[2].vouched();
    is_verified(&judge_log(hash, vouched, FoundLog::Read(&observed(&gzip(&log.content)))), false);
}

#[test]
fn s21_a_log_of_an_edited_digest() {
    let seen = hours(1).edit(1, |document| document.newest_event_time = None).judge();
    let vouched = seen.assessment.judgements[1].vouched();
    let (log, hash) = log(&hours(1));
    let as_named = observed(&gzip(&log.content));
    let verdict = judge_log(hash, vouched, FoundLog::Read(&as_named));
    says(
        &verdict,
        Status::Unproven,
        Code::LogUnproven,
        "not proven; its content is the one that the digest names",
    );
    let verdict = judge_log(Some([0; 32]), vouched, FoundLog::Read(&as_named));
    says(&verdict, Status::Unproven, Code::LogUnproven, "not proven; the log's content is not the one");
    // Nor is it said to be stored inflated: nothing is proven of it.
    let inflated = observed(&log.content);
    assert_eq!(inflated.form, Form::Inflated);
    says(&judge_log(hash, vouched, FoundLog::Read(&inflated)), Status::Unproven, Code::LogUnproven, "");
    says(&judge_log(hash, vouched, FoundLog::Absent), Status::Unproven, Code::LogUnproven, "is not there");
}

#[test]
fn s55_a_log_whose_hash_is_not_stated_as_sha_256() {
    let case = hours(1).signed(|chain| {
        chain.digests[1].document.log_files[0].hash_algorithm = "SHA-512".to_owned();
        chain.digests[1].seal();
    });
    let (log, hash) = log(&case);
    assert_eq!(hash, None);
    let seen = observed(&gzip(&log.content));
    let verdict = judge_log(hash, Vouched::Proven, FoundLog::Read(&seen));
    says(&verdict, Status::Unproven, Code::AlgorithmUnsupported, "another hash algorithm than SHA-256");
    // What no log can be is told all the same.
    let empty = observed(b"");
    says(&judge_log(hash, Vouched::Proven, FoundLog::Read(&empty)), Status::Violated, Code::LogEmpty, "");
    let cut = Observation { ending: Ending::Truncated, ..seen };
    let verdict = judge_log(hash, Vouched::Proven, FoundLog::Read(&cut));
    says(&verdict, Status::Unproven, Code::AlgorithmUnsupported, "");
}

#[test]
fn s55_the_hash_of_a_log_in_upper_case() {
    let case = hours(1).signed(|chain| {
        let entry = &mut chain.digests[1].document.log_files[0];
        entry.hash_value = entry.hash_value.to_uppercase();
        chain.digests[1].seal();
    });
    let (log, hash) = log(&case);
    is_verified(&judge_log(hash, Vouched::Proven, FoundLog::Read(&observed(&gzip(&log.content)))), false);
}

#[test]
fn s56_a_log_in_a_bucket_that_was_not_copied() {
    let (_, hash) = log(&hours(1));
    let verdict = judge_log(hash, Vouched::Proven, FoundLog::NotInArchive);
    says(&verdict, Status::Unproven, Code::LogNotInArchive, "not part of the archive");
}

#[test]
fn s57_a_log_that_is_a_bomb() {
    let bomb = judged(|_| gzip_member(&vec![0; LIMIT as usize + 1], 9));
    says(&bomb, Status::Violated, Code::LimitExceeded, "inflates to more than 1048576 bytes");
}

#[test]
fn s62_a_digest_that_nothing_proves_clears_no_log() {
    let seen = hours(1).without_signatures().judge();
    assert_eq!(seen.assessment.judgements[1].vouched(), Vouched::Claimed);
    assert_eq!(seen.assessment.judgements[0].vouched(), Vouched::Proven);
}

/// What it means that no digest names a log delivered at so many seconds after hour 0.
fn meaning(covered: &Covered, seconds: i64) -> Unnamed {
    covered.meaning(Some(hour(0).plus(seconds)))
}

/// Names tell a delivery to six minutes.
const TOLERANCE: i64 = 6 * 60;

#[test]
fn s17_an_extra_log_inside_a_proven_window() {
    let covered = check(hours(3), "vvvv", &[]).covered();
    assert_eq!(meaning(&covered, 2 * 3600), Unnamed::Unreferenced);
    assert_eq!(meaning(&covered, TOLERANCE), Unnamed::Unreferenced);
    assert_eq!(meaning(&covered, 3 * 3600 - TOLERANCE - 1), Unnamed::Unreferenced);
    assert_eq!(covered.meaning(None), Unnamed::Stray);
    assert_eq!(Unnamed::Planted.without_statement(), Unnamed::Unreferenced);
    assert_eq!(Unnamed::Pending.without_statement(), Unnamed::Pending);
}

#[test]
fn s18_an_extra_log_newer_than_the_newest_digest() {
    let covered = check(hours(3), "vvvv", &[]).covered();
    assert_eq!(covered.newest_end, Some(hour(3)));
    assert_eq!(meaning(&covered, 3 * 3600 - TOLERANCE), Unnamed::Unreferenced);
    assert_eq!(meaning(&covered, 3 * 3600 - TOLERANCE + 1), Unnamed::Pending);
    assert_eq!(meaning(&covered, 5 * 3600 - 1), Unnamed::Pending);
    assert_eq!(meaning(&covered, 5 * 3600), Unnamed::OutsideCoverage);
    // It is the newest of the proven ones that counts, where there are any.
    let covered = hours(3).unsigned(3).judge().covered();
    assert_eq!(covered.newest_end, Some(hour(2)));
    let covered = hours(3).trusting(&[]).judge().covered();
    assert_eq!(covered.newest_end, Some(hour(3)));
    assert_eq!(meaning(&covered, 3 * 3600), Unnamed::Pending);
    assert_eq!(meaning(&covered, 2 * 3600), Unnamed::OutsideCoverage);
    assert_eq!(meaning(&Covered::default(), 0), Unnamed::OutsideCoverage);
}

#[test]
fn s19_an_extra_log_before_the_first_digest_or_in_a_gap() {
    let stops = vec![Stop { after: 2, pause: 4 * 3600, event: None }];
    let case = plan(Plan { hours: 3, stops, ..Plan::default() });
    let covered = check(case, "vvvvv", &["U gap 3 2..5"]).covered();
    // Proven from 0 to 2 and, after the hour of the starting digest, from 6 to 7.
    for (seconds, expected) in [
        (TOLERANCE - 1, Unnamed::OutsideCoverage),
        (TOLERANCE, Unnamed::Unreferenced),
        (2 * 3600 - TOLERANCE, Unnamed::Unreferenced),
        (2 * 3600 - TOLERANCE + 1, Unnamed::OutsideCoverage),
        (4 * 3600, Unnamed::OutsideCoverage),
        (6 * 3600 + TOLERANCE - 1, Unnamed::OutsideCoverage),
        (6 * 3600 + TOLERANCE, Unnamed::Unreferenced),
        (7 * 3600, Unnamed::Pending),
    ] {
        assert_eq!(meaning(&covered, seconds), expected, "{seconds}");
    }
}

#[test]
fn s19_what_another_chain_may_have_named_is_not_unreferenced() {
    // Two trails deliver into one folder; of the second one, the first digests are gone, or begin later.
    let trails = vec!["t1".to_owned(), "t2".to_owned()];
    let case = plan(Plan { hours: 4, trails, ..Plan::default() });
    let covered = case.clone().judge().covered();
    assert_eq!(meaning(&covered, 5400), Unnamed::Unreferenced);
    let cut = case.clone().remove_labelled("b0").remove_labelled("b1").remove_labelled("b2");
    let covered = cut.judge().covered();
    assert_eq!(meaning(&covered, 5400), Unnamed::OutsideCoverage);
    assert_eq!(meaning(&covered, 3 * 3600), Unnamed::Unreferenced);
    // One that started later had named nothing before.
    let later = plan(Plan { hours: 2, trails: vec!["t3".to_owned()], start: hour(2), ..Plan::default() });
    let covered = hours(4).with(later).judge().covered();
    assert_eq!(meaning(&covered, 1800), Unnamed::Unreferenced);
    assert_eq!(meaning(&covered, 5400), Unnamed::OutsideCoverage, "the hour before it began logging");
    assert_eq!(meaning(&covered, 9000), Unnamed::Unreferenced);
    assert_eq!(covered.last_begin, Some(hour(1)));
    assert!(
        !covered.has_begun(Some(hour(1).plus(TOLERANCE - 1)))
            && covered.has_begun(Some(hour(1).plus(TOLERANCE)))
    );
    assert!(!covered.has_begun(None) && !Covered::default().has_begun(Some(hour(9))));
    // A chain that ended while the other one goes on.
    let ended = case.remove_labelled("b3").remove_labelled("b4");
    let covered = ended.judge().covered();
    assert_eq!(meaning(&covered, 5400), Unnamed::Unreferenced);
    assert_eq!(meaning(&covered, 3 * 3600), Unnamed::OutsideCoverage);
}

#[test]
fn s19_a_digest_missing_leaves_a_hole() {
    let covered = hours(4).remove(2).judge().covered();
    assert_eq!(meaning(&covered, 5400), Unnamed::OutsideCoverage);
    assert_eq!(meaning(&covered, 9000), Unnamed::Unreferenced);
    let covered = hours(4).edit(2, |document| document.log_files.clear()).judge().covered();
    assert_eq!(meaning(&covered, 5400), Unnamed::OutsideCoverage);
}

#[test]
fn s66_a_starting_digest_covers_nothing_before_its_end() {
    let covered = check(hours(2), "vvv", &[]).covered();
    assert_eq!(meaning(&covered, -1800), Unnamed::OutsideCoverage);
    assert_eq!(meaning(&covered, 1800), Unnamed::Unreferenced);
    let covered = check(hours(0), "v", &[]).covered();
    assert_eq!(meaning(&covered, -1800), Unnamed::OutsideCoverage);
    assert_eq!(covered.newest_end, Some(hour(0)));
}

#[test]
fn s53_backfill_digests_cover_nothing() {
    let case = plan(Plan { hours: 2, backfills: vec![2], ..Plan::default() }).remove(2);
    let covered = case.judge().covered();
    assert_eq!(covered.newest_end, Some(hour(1)));
    assert_eq!(meaning(&covered, 5400), Unnamed::Pending);
}

#[test]
fn what_was_not_wanted_and_what_runs_backwards_covers_nothing() {
    let seen = hours(2).judge();
    let covered = Covered::new(&seen.rows, &seen.assessment.judgements, |digest| digest.end < hour(2));
    assert_eq!(covered.newest_end, Some(hour(1)));
    let case = hours(2).signed(|chain| {
        chain.set_window(2, hour(4), hour(3));
        chain.seal_from(2);
    });
    assert_eq!(case.judge().covered().newest_end, Some(hour(1)));
    let case = hours(2).signed(|chain| {
        chain.set_window(2, hour(3), hour(3));
        chain.seal_from(2);
    });
    assert_eq!(case.judge().covered().newest_end, Some(hour(1)));
}

#[test]
fn spans_that_touch_or_overlap_become_one() {
    let spans = |list: &[(i64, i64)]| -> Vec<Interval> {
        list.iter().map(|(start, end)| Interval { start: hour(*start), end: hour(*end) }).collect()
    };
    assert_eq!(
        merge_intervals(spans(&[(4, 5), (0, 1), (1, 2), (6, 9), (7, 8)])),
        spans(&[(0, 2), (4, 5), (6, 9)])
    );
    assert_eq!(merge_intervals([]), []);
}

#[test]
fn a_moment_has_a_meaning_to_the_second() {
    // In digests of a chain that overlap, and at the ends of time.
    let covered = hours(1).judge().covered();
    for epoch in [-62_135_596_800, 0, 253_402_300_799] {
        assert_eq!(covered.meaning(Timestamp::from_epoch(epoch)), Unnamed::OutsideCoverage);
    }
}
