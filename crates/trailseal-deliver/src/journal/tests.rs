use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io, thread};

use proptest::prelude::*;

use super::disk::{DiskFault, DiskStep, Faults};
use super::*;

/// Fails the step with a number, and all after it if the disk stays broken.
struct FailAt {
    steps: AtomicUsize,
    at: usize,
    stays_broken: bool,
    partial: Option<usize>,
}

impl FailAt {
    fn new(at: usize, stays_broken: bool, partial: Option<usize>) -> Arc<Self> {
        Arc::new(Self { steps: AtomicUsize::new(0), at, stays_broken, partial })
    }
}

impl Faults for FailAt {
    fn before(&self, kind: DiskStep, _: &Path) -> DiskFault {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        match self.partial {
            _ if step < self.at || (step > self.at && !self.stays_broken) => match kind {
                // syncs take nearly all the time
                DiskStep::Sync | DiskStep::SyncFolder => DiskFault::Skip,
                _ => DiskFault::None,
            },
            Some(length) if step == self.at => DiskFault::After(length, full()),
            _ => DiskFault::Error(full()),
        }
    }
}

fn entry(number: u64) -> JournalEntry {
    let event = format!(r#"{{"eventID":"{number}","pad":"{}"}}"#, "x".repeat((number % 7) as usize * 11));
    JournalEntry::new("111122223333", "eu-west-1", number as i64, event.as_bytes()).unwrap()
}

fn entries(from: u64, to: u64) -> Vec<JournalEntry> {
    (from..to).map(entry).collect()
}

fn small() -> JournalOptions {
    JournalOptions { segment_bytes: 700, ..JournalOptions::default() }
}

fn all(journal: &Journal) -> Vec<JournalEntry> {
    journal.read_from(journal.first()).map(|read| read.unwrap().1).collect()
}

/// A journal of small segments with groups of so many entries, and how many these are.
fn written(folder: &Path, groups: &[u64]) -> (Journal, u64) {
    let journal = Journal::open(folder, small()).unwrap();
    let mut total = 0;
    for group in groups {
        journal.append(&entries(total, total + group)).unwrap();
        total += group;
    }
    (journal, total)
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    recover::list(folder).unwrap().0.into_iter().map(|(_, path)| path).collect()
}

#[test]
fn what_was_appended_is_read_back_from_anywhere_and_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), small()).unwrap();
    assert_eq!(journal.append(&[]).unwrap(), JournalPosition(0));
    for at in 0..20 {
        assert_eq!(journal.append(&entries(at * 3, at * 3 + 3)).unwrap(), JournalPosition(at * 3 + 3));
    }
    assert!(segments(folder.path()).len() > 5);
    for from in [0, 1, 13, 59, 60] {
        let read: Vec<_> = journal.read_from(JournalPosition(from)).map(Result::unwrap).collect();
        let expected: Vec<_> = (from..60).map(|at| (JournalPosition(at), entry(at))).collect();
        assert_eq!(read, expected);
    }
    assert!(matches!(Journal::open(folder.path(), small()), Err(JournalError::InUse { .. })));
    drop(journal);
    let journal = Journal::open(folder.path(), small()).unwrap();
    assert_eq!((all(&journal), journal.dropped()), (entries(0, 60), &[][..]));
}

#[test]
fn released_segments_are_gone_and_numbers_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), small()).unwrap();
    for at in 0..20 {
        journal.append(&entries(at * 3, at * 3 + 3)).unwrap();
    }
    journal.release(JournalPosition(31)).unwrap();
    let first = journal.first();
    assert!(first.0 > 0 && first.0 <= 31);
    assert_eq!(all(&journal), entries(first.0, 60));
    let error = journal.read_from(JournalPosition(0)).next().unwrap().unwrap_err();
    assert!(
        matches!(error, JournalError::Released { position: JournalPosition(0), first: at } if at == first)
    );
    journal.release(JournalPosition(60)).unwrap();
    assert_eq!(segments(folder.path()).len(), 1);
    drop(journal);
    let journal = Journal::open(folder.path(), small()).unwrap();
    assert_eq!(journal.append(&entries(60, 61)).unwrap(), JournalPosition(61));
}

#[test]
fn a_torn_tail_is_dropped_and_said_so_and_appending_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), JournalOptions::default()).unwrap();
    journal.append(&entries(0, 2)).unwrap();
    let durable = fs::metadata(&segments(folder.path())[0]).unwrap().len() as usize;
    journal.append(&entries(2, 5)).unwrap();
    drop(journal);
    let path = segments(folder.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let lengths: Vec<usize> =
        (2..5).map(|n| format::RECORD_HEADER + format::payload_length(&entry(n))).collect();
    for cut in durable..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut kept = 2;
        let mut end = durable;
        for length in &lengths {
            if end + length <= cut {
                end += length;
                kept += 1;
            }
        }
        let journal = Journal::open(folder.path(), JournalOptions::default()).unwrap();
        let dropped: u64 = journal.dropped().iter().map(|tail| tail.bytes).sum();
        assert_eq!((all(&journal), dropped), (entries(0, kept), (cut - end) as u64), "cut at {cut}");
        journal.append(&entries(kept, kept + 2)).unwrap();
        drop(journal);
        let journal = Journal::open(folder.path(), JournalOptions::default()).unwrap();
        assert_eq!((all(&journal), journal.dropped()), (entries(0, kept + 2), &[][..]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_changed_byte_is_damage_or_a_reported_tail(
        groups in prop::collection::vec(1_u64..4, 1..12), at in any::<prop::sample::Index>(), bit in 0_u32..8,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (journal, total) = written(folder.path(), &groups);
        let last_group = total - groups.last().unwrap();
        drop(journal);
        let paths = segments(folder.path());
        let mut files: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
        let bytes: usize = files.iter().map(Vec::len).sum();
        let mut place = at.index(bytes);
        let mut file = 0;
        while place >= files[file].len() {
            place -= files[file].len();
            file += 1;
        }
        files[file][place] ^= 1_u8 << bit;
        fs::write(&paths[file], &files[file]).unwrap();
        match Journal::open(folder.path(), small()) {
            Ok(journal) => {
                let read = all(&journal);
                // the last bytes of a segment's header mean nothing
                let is_padding = (28..32).contains(&place);
                prop_assert_eq!(journal.dropped().is_empty(), is_padding);
                let lost = total - read.len() as u64;
                // good entries behind the bad one are kept
                prop_assert!(lost <= u64::from(!is_padding));
                let numbers: Vec<u64> = read.iter().map(|entry| entry.received() as u64).collect();
                prop_assert!(numbers.is_sorted() && (0..last_group).all(|number| numbers.contains(&number)));
                drop(journal);
                let journal = Journal::open(folder.path(), small()).unwrap();
                prop_assert_eq!((all(&journal), journal.dropped()), (read, &[][..]));
            }
            Err(JournalError::Damaged { path, .. }) => {
                prop_assert_eq!(&path, &paths[file]);
                let to = tempfile::tempdir().unwrap();
                let journal = Journal::open(to.path(), small()).unwrap();
                let salvaged = salvage(folder.path(), &journal).unwrap();
                let read = all(&journal);
                // one byte is in one record, or in a header, which it does not make unreadable
                prop_assert!(read.len() as u64 >= total - 1, "{salvaged:?}");
                prop_assert_eq!(salvaged.kept, read.len() as u64);
                let is_header = place < format::SEGMENT_HEADER;
                prop_assert_eq!((salvaged.gaps.is_empty(), salvaged.mended.is_empty()), (is_header, !is_header));
                prop_assert_eq!(fs::read(&paths[file]).unwrap(), files[file].clone(), "nothing is changed");
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

#[test]
fn damage_before_acknowledged_entries_is_refused_with_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), JournalOptions::default()).unwrap();
    for at in 0..3 {
        journal.append(&entries(at, at + 1)).unwrap();
    }
    drop(journal);
    let path = segments(folder.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let second = SEGMENT_HEADER + format::RECORD_HEADER + format::payload_length(&entry(0));
    bytes[second + 40] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = Journal::open(folder.path(), JournalOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is damaged at byte {second}: the record's checksum does not fit", path.display())
    );
}

#[test]
fn a_missing_segment_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), small()).unwrap();
    for at in 0..20 {
        journal.append(&entries(at * 3, at * 3 + 3)).unwrap();
    }
    drop(journal);
    fs::remove_file(&segments(folder.path())[2]).unwrap();
    assert!(matches!(Journal::open(folder.path(), small()), Err(JournalError::Damaged { .. })));
}

/// Appends batches, at times in vain, and returns the numbers that were acknowledged.
fn append_all(journal: &Journal, acknowledged: &mut Vec<u64>, from: u64) -> usize {
    let mut failures = 0;
    for at in from..from + 12 {
        match journal.append(&entries(at * 2, at * 2 + 2)) {
            Ok(_) => acknowledged.extend([at * 2, at * 2 + 1]),
            Err(JournalError::Write { .. }) => failures += 1,
            Err(error) => panic!("{error}"),
        }
    }
    failures
}

fn numbers(journal: &Journal) -> Vec<u64> {
    let number = |entry: &JournalEntry| {
        let event: serde_json::Value = serde_json::from_slice(entry.event()).unwrap();
        event["eventID"].as_str().unwrap().parse().unwrap()
    };
    all(journal).iter().map(number).collect()
}

fn check_failures(stays_broken: bool, partial: Option<usize>) {
    for at in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let mut acknowledged = Vec::new();
        let faults = FailAt::new(at, stays_broken, partial);
        let options = JournalOptions { disk: Disk::with_faults(faults.clone()), ..small() };
        let mut failures = 1;
        if let Ok(journal) = Journal::open(folder.path(), options) {
            failures = append_all(&journal, &mut acknowledged, 0);
            if !stays_broken {
                assert!(failures <= 1, "step {at}: the journal is not usable again");
                assert_eq!(numbers(&journal), acknowledged, "step {at}");
            }
        }
        let journal = Journal::open(folder.path(), small()).unwrap();
        let found = numbers(&journal);
        let missing: Vec<_> = acknowledged.iter().filter(|number| !found.contains(number)).collect();
        assert!(missing.is_empty(), "step {at}: {missing:?} were acknowledged and are gone");
        append_all(&journal, &mut acknowledged, 100);
        assert!(acknowledged.iter().all(|number| numbers(&journal).contains(number)));
        if failures == 0 {
            assert!(at > 20, "only {at} steps were seen");
            return;
        }
    }
}

#[test]
fn a_step_that_fails_once_leaves_the_journal_usable() {
    check_failures(false, None);
    check_failures(false, Some(10));
    check_failures(false, Some(100_000));
}

#[test]
fn a_disk_that_breaks_at_any_step_takes_nothing_that_was_acknowledged() {
    check_failures(true, None);
    check_failures(true, Some(60));
    check_failures(true, Some(100_000));
}

/// Counts syncs, and makes them slow enough for others to wait meanwhile.
struct SlowSync(AtomicUsize);

impl Faults for SlowSync {
    fn before(&self, step: DiskStep, _: &Path) -> DiskFault {
        if step == DiskStep::Sync {
            self.0.fetch_add(1, Ordering::SeqCst);
            thread::sleep(std::time::Duration::from_millis(2));
        }
        DiskFault::None
    }
}

#[test]
fn concurrent_appends_share_syncs_and_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Arc::new(SlowSync(AtomicUsize::new(0)));
    let disk = Disk::with_faults(faults.clone());
    let journal = Journal::open(folder.path(), JournalOptions { disk, ..JournalOptions::default() }).unwrap();
    thread::scope(|scope| {
        for thread in 0..16_u64 {
            let journal = &journal;
            scope.spawn(move || {
                for at in 0..20 {
                    let number = thread * 1000 + at;
                    let end = journal.append(&[entry(number)]).unwrap();
                    let read = journal.read_from(JournalPosition(end.0 - 1)).next().unwrap().unwrap();
                    assert_eq!(read.1.event(), entry(number).event());
                }
            });
        }
    });
    let found = numbers(&journal);
    assert_eq!(found.len(), 320);
    for thread in 0..16 {
        let of: Vec<u64> = found.iter().copied().filter(|n| n / 1000 == thread).collect();
        assert_eq!(of, (thread * 1000..thread * 1000 + 20).collect::<Vec<_>>());
    }
    assert!(faults.0.load(Ordering::SeqCst) < 320);
}

#[test]
fn a_clock_that_goes_back_does_not_take_times_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |received| JournalEntry::new("111122223333", "eu-west-1", received, b"{}").unwrap();
    let journal = Journal::open(folder.path(), small()).unwrap();
    journal.append(&[at(50), at(20)]).unwrap();
    journal.append(&[at(30), at(60)]).unwrap();
    drop(journal);
    let journal = Journal::open(folder.path(), small()).unwrap();
    assert_eq!((journal.time(10), journal.time(70)), (60, 70));
    journal.append(&[at(10)]).unwrap();
    let times: Vec<i64> = all(&journal).iter().map(JournalEntry::received).collect();
    assert_eq!(times, [50, 50, 50, 60, 60]);
}

#[test]
fn what_could_not_be_delivered_is_no_entry() {
    let entry = |account: &str, region: &str, event: &[u8]| JournalEntry::new(account, region, 0, event);
    let (account, region) = ("111122223333", "eu-west-1");
    assert_eq!(entry("1", region, b"{}"), Err(EntryError::Account));
    assert_eq!(entry(account, "../../etc", b"{}"), Err(EntryError::Region));
    for event in [&b"[]"[..], b"", b"{}{}", b"{\"a\":}", b"{\"a\":\"\xff\"}", b"{},{}"] {
        assert_eq!(entry(account, region, event), Err(EntryError::Event), "{event:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let options = JournalOptions { max_entry_bytes: 100, ..small() };
    let journal = Journal::open(folder.path(), options).unwrap();
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(100));
    let batch = [entry(account, region, b"{}").unwrap(), entry(account, region, long.as_bytes()).unwrap()];
    assert!(matches!(journal.append(&batch), Err(JournalError::TooLong { limit: 100, .. })));
    assert_eq!(journal.end(), JournalPosition(0));
}

#[test]
fn what_is_not_synced_survives_a_kill_and_is_durable_after_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), small()).unwrap();
    for number in 0..30 {
        journal.append_unsynced(&[entry(number)]).unwrap();
    }
    assert!(segments(folder.path()).len() > 2);
    assert!(journal.durable() < journal.end(), "{:?}", journal.durable());
    journal.sync().unwrap();
    assert_eq!(journal.durable(), JournalPosition(30));
    journal.append_unsynced(&entries(30, 32)).unwrap();
    journal.append(&[entry(32)]).unwrap();
    assert_eq!(journal.durable(), JournalPosition(33));
    drop(journal);
    let journal = Journal::open(folder.path(), small()).unwrap();
    assert_eq!((all(&journal), journal.durable()), (entries(0, 33), JournalPosition(33)));
}

#[test]
fn what_was_never_synced_may_be_gone_in_the_middle_and_what_was_may_not() {
    let hole = |was_synced: bool| {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), JournalOptions::default()).unwrap();
        journal.append(&[entry(0)]).unwrap();
        journal.append_unsynced(&[entry(1)]).unwrap();
        if was_synced {
            journal.sync().unwrap();
        }
        journal.append_unsynced(&[entry(2)]).unwrap();
        drop(journal);
        let path = segments(folder.path()).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        // what a failure of the power leaves of a page that was not written
        let at = bytes.len() - format::payload_length(&entry(2)) - format::RECORD_HEADER - 20;
        bytes[at..at + 10].fill(0);
        fs::write(&path, bytes).unwrap();
        Journal::open(folder.path(), JournalOptions::default())
            .map(|journal| (all(&journal), journal.dropped().len()))
    };
    // what lies behind it is good, and may have been acknowledged
    assert_eq!(hole(false).unwrap(), (vec![entry(0), entry(2)], 1));
    assert!(matches!(hole(true), Err(JournalError::Damaged { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_is_good_before_and_behind_damage_is_salvaged_and_positions_follow(
        groups in prop::collection::vec(1_u64..9, 1..12),
        at in any::<prop::sample::Index>(),
        length in 1_usize..300,
        how in 0_u8..4,
        released in 0_u64..20,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (journal, total) = written(folder.path(), &groups);
        journal.release(JournalPosition(released)).unwrap();
        let first = journal.first().0;
        drop(journal);
        let paths = segments(folder.path());
        let path = &paths[at.index(paths.len())];
        let mut bytes = fs::read(path).unwrap();
        let from = format::SEGMENT_HEADER + at.index(bytes.len() - format::SEGMENT_HEADER);
        let to = (from + length).min(bytes.len());
        match how {
            0 => bytes[from..to].fill(0),
            1 => drop(bytes.drain(from..to)),
            2 => bytes.truncate(from),
            _ => bytes.clear(),
        }
        if how == 3 && bytes.is_empty() && paths.len() > 1 {
            fs::remove_file(path).unwrap();
        } else {
            fs::write(path, &bytes).unwrap();
        }
        let new = tempfile::tempdir().unwrap();
        let journal = Journal::open(new.path(), small()).unwrap();
        let salvaged = salvage(folder.path(), &journal).unwrap();
        let kept: Vec<u64> = all(&journal).iter().map(|entry| entry.received() as u64).collect();
        prop_assert!(kept.is_sorted_by(|one, two| one < two));
        // every entry is kept, or lost and told
        let is_told = |number: u64| salvaged.gaps.iter().any(|gap| {
            number >= gap.first.0 && gap.entries.is_none_or(|entries| number < gap.first.0 + entries)
        });
        let first = if how == 3 && paths.len() > 1 { first.max(*kept.first().unwrap_or(&total)) } else { first };
        for number in first..total {
            // where the last segment is cut or gone nothing says what was in it
            let is_end = number >= salvaged.end().0;
            prop_assert!(kept.contains(&number) != is_told(number) || is_end && !kept.contains(&number), "{number} {salvaged:?}");
        }
        for position in first..=total {
            let before = kept.iter().filter(|number| **number < position).count() as u64;
            prop_assert_eq!(salvaged.position(JournalPosition(position)), JournalPosition(before), "{}", position);
        }
    }
}
