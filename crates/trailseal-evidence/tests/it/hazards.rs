//! Evidence is only read, nothing outside the roots is opened, and a run can be ended at any time.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use trailseal_evidence::{Error, Progress, verify};
use trailseal_testkit::{Plan, Snapshot, gzip_member};
use trailseal_verify::Code;

use crate::agreement::FilesSeen;
use crate::support::{options, run, run_with, small, try_verify};

#[test]
fn evidence_is_never_written_to() {
    let archive = Plan { backfills: vec![2], ..Plan::wide() }.model().write();
    archive.alter_log(archive.log(1, 0));
    archive.rename(archive.log(2, 0), "elsewhere/x.json.gz");
    archive.malform(archive.digest(4), trailseal_testkit::MalformedDigest::CutJson);
    archive.make_unreadable(archive.log(5, 0));
    let before = Snapshot::of(archive.folder());
    run(&archive).finds_at_least(&["V log_altered", "N log_found_elsewhere"]);
    assert_eq!(Snapshot::of(archive.folder()), before);
}

#[test]
fn nothing_outside_the_roots_is_opened() {
    // Whoever opens a pipe without a writer hangs: this test ends because nobody does.
    let outside = tempfile::tempdir().unwrap();
    let pipe = outside.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let archive = small();
    let (log, digest) = (archive.log(2, 0), archive.digest(4));
    for key in [log, digest] {
        archive.delete(key);
        archive.symlink(key, &pipe);
    }
    let sidecar = archive.sidecar(archive.digest(6));
    fs::remove_file(&sidecar).unwrap();
    std::os::unix::fs::symlink(&pipe, &sidecar).unwrap();
    archive.symlink("AWSLogs/111122223333/CloudTrail/eu-west-1/2024/03/02", outside.path());
    archive.symlink("AWSLogs/111122223333/Config", outside.path());
    // The search for what is missing goes through all files of the roots.
    archive.delete(archive.log(1, 0));
    let run = run(&archive);
    run.finds_at_least(&["U log_unreadable", "U digest_unreadable", "U sidecar_malformed", "V log_missing"]);
    assert_eq!(run.all(Code::SymlinkNotFollowed).len(), 5);
}

#[test]
fn a_log_that_shrinks_and_grows_while_it_is_hashed() {
    let mut model = Plan { hours: 2, logs_per_hour: 1, ..Plan::default() }.model();
    let chain = &mut model.chains[0];
    // Text that hardly shrinks, so that reading it takes several reads.
    let mut state = 7_u64;
    let content: Vec<u8> = (0..1_500_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b' ' + (state >> 58) as u8
        })
        .collect();
    chain.digests[1].logs[0].content = content.clone();
    chain.digests[1].name_logs();
    chain.seal_from(1);
    let archive = model.write();
    let path = archive.path(archive.log(1, 0));
    let whole = gzip_member(&content, 6);
    let options = options(&archive);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut length = whole.len() as u64;
            while !is_over.load(Ordering::Relaxed) {
                length = (length * 7 + 13) % (whole.len() as u64 * 2);
                let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(length).unwrap();
                file.seek(SeekFrom::Start(0)).unwrap();
                file.write_all(&whole[..whole.len().min(length as usize)]).unwrap();
            }
        });
        for _ in 0..20 {
            let run = try_verify(&options, &mut FilesSeen::default()).unwrap();
            // Whatever it was at that moment; the rest is as good as ever.
            run.digest_totals([3, 3, 0, 0, 0]);
            assert!(run.report.totals.logs.verified >= 1, "the other log is verified");
            let key = Some(archive.log(1, 0));
            assert!(run.report.findings.iter().all(|finding| finding.key.as_deref() == key));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    fs::write(&path, &whole).unwrap();
    run_with(&options).finds(&[]);
}

/// Counts, and interrupts after so many files.
struct Counter {
    added: AtomicU64,
    done: AtomicU64,
    bytes: [AtomicU64; 2],
    stop_after: u64,
}

impl Counter {
    fn stopping_after(files: u64) -> Self {
        let zero = || AtomicU64::new(0);
        Self { added: zero(), done: zero(), bytes: [zero(), zero()], stop_after: files }
    }
}

impl Progress for Counter {
    fn add(&self, files: u64, bytes: u64) {
        self.added.fetch_add(files, Ordering::Relaxed);
        self.bytes[0].fetch_add(bytes, Ordering::Relaxed);
    }
    fn done(&self, files: u64, bytes: u64) {
        self.done.fetch_add(files, Ordering::Relaxed);
        self.bytes[1].fetch_add(bytes, Ordering::Relaxed);
    }
    fn is_interrupted(&self) -> bool {
        self.done.load(Ordering::Relaxed) >= self.stop_after
    }
}

#[test]
fn a_run_ends_when_it_is_interrupted() {
    let archive = Plan::wide().model().write();
    archive.delete(archive.log(1, 0));
    // 28 digests and 47 logs: before the first file, among the digests, among the logs.
    for files in [0, 1, 14, 28, 29, 60] {
        let counter = Counter::stopping_after(files);
        let result = verify(&options(&archive), &counter, &mut |_| std::ops::ControlFlow::Continue(()));
        assert!(matches!(result, Err(Error::Interrupted)), "after {files}: {result:?}");
    }
    let counter = Counter::stopping_after(u64::MAX);
    assert!(verify(&options(&archive), &counter, &mut |_| std::ops::ControlFlow::Continue(())).is_ok());
}

#[test]
fn progress_adds_up() {
    let archive = Plan::wide().model().write();
    archive.cut_end(archive.log(2, 0), 4);
    archive.append(archive.log(2, 1), b"x");
    archive.make_unreadable(archive.log(3, 0));
    let counter = Counter::stopping_after(u64::MAX);
    verify(&options(&archive), &counter, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    assert_eq!(count(&counter.added), count(&counter.done));
    assert_eq!(count(&counter.added), 28 + 47, "what cannot be read is not counted");
    assert!(count(&counter.bytes[1]) <= count(&counter.bytes[0]));
}
