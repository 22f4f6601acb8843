//! Copies of what AWS signed, and what could not be one: situations 65, 69, 93, 95.

use std::{fs, path::Path};

use trailseal_evidence::{
    Silent,
    ledger::{Integrity, Ledger},
};
use trailseal_testkit::{Archive, Metadata, Plan, gzip_member};
use trailseal_verify::Severity;

use crate::{
    agreement::read,
    support::{Run, options, options_for, run, run_with, small},
};

#[test]
fn s65_what_is_appended_to_one_of_two_digest_files() {
    for is_member in [false, true] {
        let archive = small();
        let key = archive.digest(3).to_owned();
        let clean = archive.content(&key);
        if is_member {
            archive.append_member(&key, b"{\"Records\":[]}");
        } else {
            archive.append(&key, b"{}");
        }
        archive.write_object("audit-logs", key.strip_suffix(".gz").unwrap(), &clean);
        let run = run(&archive);
        run.status(1).finds_at_least(&["V digest_trailing_data"]);
        let finding = run.the("digest_trailing_data");
        assert_eq!(finding.path.as_deref(), Some(&*archive.path(&key).display().to_string()));
        run.log_totals([12, 12, 0, 0, 0]);
    }
}

#[test]
fn s65_what_is_appended_to_one_of_two_log_files() {
    for (is_member, code) in [(false, "V log_trailing_data"), (true, "V log_extra_member")] {
        for beside in [true, false] {
            let archive = small();
            let key = archive.log(3, 0).to_owned();
            let copy = archive.copy_bucket("copy");
            let clean = archive.content(&key);
            if is_member {
                archive.append_member(&key, b"{\"Records\":[]}");
            } else {
                archive.append(&key, b"{}");
            }
            let mut roots = vec![archive.root()];
            if beside {
                archive.write_object("audit-logs", key.strip_suffix(".gz").unwrap(), &clean);
            } else {
                roots.insert(0, copy);
            }
            let run = run_with(&options_for(&roots, &archive.keys()));
            run.status(1).finds_at_least(&[code]);
            let finding = run.the(&code[2..]);
            assert_eq!(finding.path.as_deref(), Some(&*archive.path(&key).display().to_string()));
        }
    }
}

#[test]
fn s65_what_is_appended_to_the_digest_of_a_second_root() {
    for order in [[0, 1], [1, 0]] {
        let archive = small();
        let roots = [archive.root(), archive.copy_bucket("copy")];
        fs::write(roots[1].join(archive.digest(3)), {
            [archive.read(archive.digest(3)), gzip_member(b"{\"Records\":[]}", 6)].concat()
        })
        .unwrap();
        let run = run_with(&options_for(&order.map(|at| roots[at].clone()), &archive.keys()));
        run.status(1).finds_at_least(&["V digest_trailing_data"]);
    }
}

/// Both paths stand in the finding.
#[track_caller]
fn names_both(run: &Run, archive: &Archive, copy: &Path, original: &str) {
    let finding = run.the("copy_of_verified");
    assert_eq!(finding.severity, Severity::Note);
    let text = serde_json::to_string(finding).unwrap();
    for path in [copy.display().to_string(), archive.path(original).display().to_string()] {
        assert!(text.contains(&path), "{path} in {text}");
    }
}

#[track_caller]
fn label_of(archive: &Archive, roots: &[std::path::PathBuf], path: &Path) -> Integrity {
    let options = options_for(roots, &archive.keys());
    let ledger = Ledger::load(&options, &Silent).unwrap();
    let seen = read(path, &options);
    ledger.entry(path).expect("the ledger knows it").label(seen.as_ref().map_err(|error| error as _)).0
}

#[test]
fn s69_one_copy_of_a_log() {
    let name = |archive: &Archive, new: &dyn Fn(&str) -> String| new(archive.log(3, 0));
    let names: [&dyn Fn(&str) -> String; 5] = [
        &|key| key.replace(".json.gz", " (1).json.gz"),
        &|key| key.replace(".json.gz", "-v2024-03-09-010203-000.json.gz"),
        &|key| key.replace(".json.gz", " (copy).json.gz"),
        &|key| key.replace("/2024/03/01/", "/2024/03/02/"),
        &|key| key.replace("AWSLogs/", "replica/AWSLogs/"),
    ];
    for new in names {
        let archive = small();
        let copy = name(&archive, new);
        let path = archive.duplicate(archive.log(3, 0), &copy);
        let run = run(&archive);
        run.notes(&["copy_of_verified"]).log_totals([12, 12, 0, 0, 0]).unnamed_totals([0, 0, 0]);
        names_both(&run, &archive, &path, archive.log(3, 0));
        assert_eq!(label_of(&archive, &[archive.root()], &path), Integrity::Verified, "{copy}");
    }
}

#[test]
fn s69_a_log_inflated_beside_itself() {
    let archive = small();
    let copy = archive.log(3, 0).strip_suffix(".gz").unwrap().to_owned();
    let path = archive.write_object("audit-logs", &copy, &archive.content(archive.log(3, 0)));
    let run = run(&archive);
    run.notes(&["copy_of_verified"]).log_totals([12, 12, 0, 0, 0]);
    names_both(&run, &archive, &path, archive.log(3, 0));
    assert_eq!(label_of(&archive, &[archive.root()], &path), Integrity::Verified);
    assert_eq!(label_of(&archive, &[archive.root()], &archive.path(archive.log(3, 0))), Integrity::Verified);
}

#[test]
fn s69_one_log_in_a_second_root() {
    let archive = small();
    let second = archive.folder().join("second");
    let path = second.join(archive.log(3, 0));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(archive.path(archive.log(3, 0)), &path).unwrap();
    let roots = [archive.root(), second];
    let run = run_with(&options_for(&roots, &archive.keys()));
    run.notes(&["copy_of_verified"]).log_totals([12, 12, 0, 0, 0]);
    assert_eq!(label_of(&archive, &roots, &path), Integrity::Verified);
}

#[test]
fn s69_a_copy_of_a_digest() {
    let names: [fn(&str) -> String; 3] = [
        |key| key.replace(".json.gz", " (1).json.gz"),
        |key| key.replace(".json.gz", "-v2024-03-09-010203-000.json.gz"),
        |key| key.replace("AWSLogs/", "replica/AWSLogs/"),
    ];
    for name in names {
        for position in [0, 3, 6] {
            let archive = small();
            let copy = name(archive.digest(position));
            let path = archive.duplicate(archive.digest(position), &copy);
            let run = run(&archive);
            run.status(0).lacks(&["location_mismatch", "name_mismatch"]);
            run.notes(&["copy_of_verified"]).digest_totals([7, 7, 0, 0, 0]);
            names_both(&run, &archive, &path, archive.digest(position));
        }
    }
}

#[test]
fn s69_a_narrower_scope_knows_the_copies_too() {
    let archive = small();
    archive.duplicate(archive.log(3, 0), archive.log(3, 0).replace(".json.gz", " (1).json.gz"));
    archive.duplicate(archive.digest(3), archive.digest(3).replace(".json.gz", " (1).json.gz"));
    for trail in [None, Some("audit")] {
        let mut options = options(&archive);
        options.policy.start = Some(archive.chain().digests[2].start());
        options.policy.trails = trail.map(str::to_owned).into_iter().collect();
        run_with(&options).notes(&["copy_of_verified"]);
    }
}

#[test]
fn s69_a_copy_that_differs_is_none() {
    let archive = small();
    let copy = archive.log(3, 0).replace(".json.gz", " (1).json.gz");
    let path = archive.duplicate(archive.log(3, 0), &copy);
    archive.alter_log(&copy);
    run(&archive).status(3).finds(&["U log_unreferenced"]).names(&path, &copy);
    // What lies behind the signed content is not signed.
    for tail in [&b"x"[..], &gzip_member(b"{\"Records\":[]}", 6)] {
        let archive = small();
        let path = archive.duplicate(archive.log(3, 0), &copy);
        archive.append(&copy, tail);
        let run = run(&archive);
        assert_ne!(run.report.exit_status, 0, "{}", run.list());
        run.names(&path, &copy);
    }
}

#[test]
fn s69_a_copy_of_what_only_an_unproven_digest_names_is_none() {
    let archive = small();
    archive.remove_sidecar(archive.digest(6));
    let copy = archive.log(6, 0).replace(".json.gz", " (1).json.gz");
    let path = archive.duplicate(archive.log(6, 0), &copy);
    let run = run(&archive);
    run.status(3).lacks(&["copy_of_verified"]).names(&path, &copy);
}

#[test]
fn s69_the_copy_of_a_log_that_is_missing_is_found_elsewhere() {
    let archive = small();
    let copy = archive.log(3, 0).replace(".json.gz", " (1).json.gz");
    archive.rename(archive.log(3, 0), &copy);
    run(&archive).status(1).finds(&["V log_missing", "N log_found_elsewhere"]);
}

/// All files of the bucket in one folder.
fn flat(metadata: Metadata) -> Archive {
    let archive = Plan::default().model().write_with(metadata);
    archive.rearrange(|path| Some(format!("flat/{}", path.rsplit('/').next().unwrap())));
    archive
}

#[test]
fn s93_all_files_in_one_folder() {
    for metadata in [Metadata::Sidecars, Metadata::NewestSidecar] {
        let archive = flat(metadata);
        let run = run(&archive);
        run.notes(&["layout_lost"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
        run.unnamed_totals([0, 0, 0]);
    }
}

#[test]
fn s93_digests_and_logs_in_common_date_folders() {
    let archive = small();
    archive.rearrange(|path| {
        let (_, rest) = path.split_once("/eu-west-1/").unwrap();
        Some(format!("audit-logs/{rest}"))
    });
    run(&archive).notes(&["layout_lost"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s93_two_accounts_and_regions_in_one_folder() {
    let archive = Plan::wide().model().write();
    archive.rearrange(|path| Some(format!("flat/{}", path.rsplit('/').next().unwrap())));
    run(&archive).notes(&["layout_lost"]).digest_totals([28, 28, 0, 0, 0]).log_totals([48, 48, 0, 0, 0]);
}

#[test]
fn s93_what_is_done_to_a_flat_folder_is_found() {
    let file =
        |archive: &Archive, key: &str| archive.root().join("flat").join(key.rsplit('/').next().unwrap());
    let archive = flat(Metadata::Sidecars);
    fs::write(file(&archive, archive.log(3, 0)), gzip_member(b"{\"Records\":[]}", 6)).unwrap();
    run(&archive).status(1).finds_at_least(&["V log_altered"]);
    let archive = flat(Metadata::Sidecars);
    fs::remove_file(file(&archive, archive.log(3, 0))).unwrap();
    let run_missing = run(&archive);
    assert_ne!(run_missing.report.exit_status, 0, "{}", run_missing.list());
    assert!(run_missing.list().contains(archive.log(3, 0)), "{}", run_missing.list());
    let archive = flat(Metadata::Sidecars);
    fs::remove_file(file(&archive, archive.digest(3))).unwrap();
    run(&archive).status(1).finds_at_least(&["V digest_missing"]);
    let archive = flat(Metadata::Sidecars);
    let stamp = archive.chain().digests[3].start().plus(1800);
    let planted = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx");
    let path = archive.root().join("flat").join(planted.rsplit('/').next().unwrap());
    fs::write(&path, gzip_member(b"{\"Records\":[{}]}", 6)).unwrap();
    let run = run(&archive);
    run.status(3).names(&path, &planted);
}

/// Account B (chains 2 and 3) is the intruder's own: its tree lies in the archive, genuine and signed.
fn with_own_account() -> Archive {
    Plan { logs_per_hour: 2, ..Plan::wide() }.model().write()
}

#[test]
fn s95_a_genuine_log_of_another_place_under_a_name_of_this_one() {
    // Of another account, of another region.
    for chain in [2, 1] {
        let archive = with_own_account();
        let victim = archive.chain();
        let stamp = victim.digests[4].start().plus(1800);
        let key = victim.log_key(stamp, "PLANTEDxPLANTEDx");
        let genuine = archive.model.chains[chain].digests[3].logs[0].key.clone();
        let path = archive.duplicate(genuine, &key);
        let run = run(&archive);
        run.status(3).finds(&["U log_unreferenced"]).names(&path, &key);
        assert_ne!(label_of(&archive, &[archive.root()], &path), Integrity::Verified);
    }
}

#[test]
fn s95_a_genuine_log_of_another_account_under_its_own_name_in_this_ones_folder() {
    let archive = with_own_account();
    let genuine = archive.model.chains[2].digests[3].logs[0].key.clone();
    let key = genuine.replace("/444455556666/", "/111122223333/");
    let path = archive.duplicate(&genuine, &key);
    let run = run(&archive);
    assert_ne!(run.report.exit_status, 1, "{}", run.list());
    // Its name says whose it is: whatever is said, its rows are not this account's proven ones.
    if run.report.exit_status == 0 {
        run.notes(&["copy_of_verified"]);
    } else {
        run.names(&path, &key);
    }
}

#[test]
fn s95_a_genuine_digest_of_another_chain_under_a_name_of_this_one() {
    let plan = Plan { trails: vec!["audit".to_owned(), "other".to_owned()], ..Plan::wide() };
    // Of another trail, region, account.
    for chain in [1, 2, 4] {
        let archive = plan.clone().model().write();
        let key = archive.digest(3).replace("20240301T031352Z", "20240301T034500Z");
        archive.duplicate(archive.model.chains[chain].digests[3].object(), &key);
        let run = run(&archive);
        run.status(1).lacks(&["copy_of_verified"]);
        let is_said = ["location_mismatch", "name_mismatch"].iter().any(|code| !run.coded(code).is_empty());
        assert!(is_said, "{}", run.list());
    }
}
