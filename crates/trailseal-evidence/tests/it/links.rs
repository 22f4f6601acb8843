//! Links that lead up, aside, or out: situations 91, 97.

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use trailseal_evidence::{Progress, verify};
use trailseal_testkit::{Archive, Plan};

use crate::support::{options, options_for, run, run_with, small};

/// An alias as somebody sets it: where, and what it leads to, both below the bucket.
fn aliases() -> Vec<(&'static str, String, String)> {
    let archive = small();
    let digest = archive.digest(6).to_owned();
    let (digests, _) = digest.split_once("/2024/").unwrap();
    let log = archive.log(6, 1).to_owned();
    let (logs, _) = log.split_once("/2024/").unwrap();
    let account = "AWSLogs/111122223333";
    vec![
        ("the newest digest", format!("{digests}/latest.json.gz"), digest.clone()),
        ("the newest digest, in its folder", format!("{digests}/2024/03/01/latest.json.gz"), digest.clone()),
        ("the newest log", format!("{logs}/latest.json.gz"), log.clone()),
        ("a day", format!("{logs}/today"), format!("{logs}/2024/03/01")),
        ("a day among digests", format!("{digests}/today"), format!("{digests}/2024/03/01")),
        ("a region", format!("{account}/CloudTrail/main"), logs.to_owned()),
        ("an account", "AWSLogs/prod".to_owned(), account.to_owned()),
        ("an account outside", "prod".to_owned(), account.to_owned()),
    ]
}

#[test]
fn s91_a_link_that_is_another_name() {
    for (what, at, to) in aliases() {
        let archive = small();
        archive.symlink(&at, archive.path(&to));
        let run = run(&archive);
        assert_eq!(run.report.exit_status, 0, "{what}: {}", run.list());
        run.notes(&["symlink_alias"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
        run.unnamed_totals([0, 0, 0]);
        let link = archive.path(&at).display().to_string();
        assert_eq!(run.the("symlink_alias").path.as_deref(), Some(&*link), "{what}");
    }
}

#[test]
fn s91_a_link_that_is_another_name_of_a_bucket() {
    let archive = small();
    symlink(archive.root().join("audit-logs"), archive.root().join("latest")).unwrap();
    run(&archive).notes(&["symlink_alias"]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn s91_relative_links_and_hard_links() {
    let archive = small();
    let (folder, name) = archive.digest(6).rsplit_once('/').unwrap();
    archive.symlink(format!("{folder}/latest.json.gz"), name);
    run(&archive).notes(&["symlink_alias"]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn s91_two_circles_are_two_notes() {
    let archive = small();
    let folder = archive.log(1, 0).rsplit_once('/').unwrap().0.to_owned();
    archive.symlink(format!("{folder}/up"), "..");
    archive.symlink("AWSLogs/self", ".");
    archive.symlink("AWSLogs/top", archive.root());
    let run = run(&archive);
    run.status(0).log_totals([12, 12, 0, 0, 0]).digest_totals([7, 7, 0, 0, 0]);
    run.finds(&["N symlink_loop x3"]);
}

#[test]
fn s91_an_alias_does_not_hide_what_is_wrong() {
    for (what, at, to) in aliases() {
        let archive = small();
        archive.symlink(&at, archive.path(&to));
        archive.alter_log(archive.log(6, 1));
        archive.delete_digest(archive.digest(3));
        let run = run(&archive);
        assert_eq!(run.report.exit_status, 1, "{what}: {}", run.list());
        run.finds_at_least(&["V log_altered", "V digest_missing"]);
        assert_eq!(run.coded("log_altered").len(), 1, "{what}: one real file is one file");
    }
}

#[test]
fn s91_the_real_file_is_where_only_a_link_shows_it_to_be_a_log() {
    // As annexes store: contents by their hash, and links in the places.
    let archive = small();
    for log in archive.chain().digests.iter().flat_map(|digest| &digest.logs) {
        let store = format!("annex/{}", trailseal_testkit::sha256_hex(log.key.as_bytes()));
        archive.rename(&log.key, &store);
        archive.symlink(&log.key, archive.path(&store));
    }
    let run = run(&archive);
    run.status(0).accuses_nobody().log_totals([12, 12, 0, 0, 0]).unnamed_totals([0, 0, 0]);
    let only = ["symlink_alias", "copy_of_verified"];
    assert!(run.report.findings.iter().all(|finding| only.contains(&finding.code.text())), "{}", run.list());
}

#[test]
fn s91_a_planted_file_behind_a_link_is_named() {
    let archive = small();
    let stamp = archive.chain().digests[3].start().plus(1800);
    let key = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx");
    archive.plant_at(archive.chain(), stamp, "store/planted");
    archive.symlink(&key, archive.path("store/planted"));
    let run = run(&archive);
    run.status(3).names(&archive.path(&key), &key);
}

#[test]
fn s91_a_link_to_a_log_of_another_account_under_a_name_of_this_one() {
    let archive = Plan::wide().model().write();
    let stamp = archive.chain().digests[3].start().plus(1800);
    let key = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx");
    let other = archive.model.chains[2].digests[3].logs[0].key.clone();
    archive.symlink(&key, archive.path(&other));
    let run = run(&archive);
    // One real file: that of the other account. It is no log of this one, by whatever name.
    run.accuses_nobody().log_totals([48, 48, 0, 0, 0]);
    assert!(run.list().contains(&archive.path(&key).display().to_string()), "{}", run.list());
}

/// Replaces a folder by a link out of the root as soon as something was read.
struct Swap {
    folder: PathBuf,
    outside: PathBuf,
    is_done: AtomicBool,
    lock: Mutex<()>,
}

impl Progress for Swap {
    fn add(&self, _: u64, _: u64) {}
    fn done(&self, _: u64, _: u64) {
        let _guard = self.lock.lock().unwrap();
        if !self.is_done.swap(true, Ordering::SeqCst) {
            fs::rename(&self.folder, &self.outside).unwrap();
            symlink(&self.outside, &self.folder).unwrap();
        }
    }
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Verifies while the folder of the logs moves out of the root and a link takes its place.
fn swapped(levels: usize) -> (Archive, trailseal_evidence::report::Report) {
    let archive = small();
    let outside = archive.folder().join("outside");
    let mut folder = archive.path(archive.log(3, 0)).parent().unwrap().to_owned();
    (0..levels).for_each(|_| assert!(folder.pop()));
    let swap = Swap { folder, outside, is_done: AtomicBool::new(false), lock: Mutex::new(()) };
    let mut options = options(&archive);
    options.threads = 1;
    let report = verify(&options, &swap, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(swap.is_done.load(Ordering::SeqCst), "the folder was replaced");
    (archive, report)
}

#[test]
fn s97_a_folder_that_becomes_a_link_out_of_the_root() {
    // The day's folder, the region's.
    for levels in [0, 3] {
        let (_archive, report) = swapped(levels);
        // Digests are read first: not one of the logs was open yet. What lies outside is genuine, and yet not
        // looked at.
        assert_eq!(report.totals.logs.verified, 0, "{levels}: {:?}", report.totals);
        assert_eq!(report.totals.digests.verified, 7);
        assert_ne!(report.exit_status, 0);
    }
}

#[test]
fn s97_a_link_inside_the_root_is_read_as_ever() {
    let archive = small();
    let folder = archive.path(archive.log(3, 0)).parent().unwrap().to_owned();
    let store = archive.root().join("store");
    fs::rename(&folder, &store).unwrap();
    symlink(&store, &folder).unwrap();
    let run = run_with(&options_for(&[archive.root()], &archive.keys()));
    run.status(0).log_totals([12, 12, 0, 0, 0]);
}
