//! Everything that lies in the folders is accounted for: situations 63, 64, 67, 70, 83, 85, 96.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use trailseal_evidence::Error;
use trailseal_testkit::{
    APPLE_DOUBLE, Archive, DESKTOP_INI, DS_STORE, HADOOP_CRC, Plan, THUMBS_DB, gzip_member, record, records,
    sha256_hex,
};
use trailseal_verify::Severity;

use crate::{
    agreement::FilesSeen,
    support::{HOUR, Run, options, options_for, run, run_with, small, try_run, try_verify},
};

/// The folder of an object, with its final slash.
fn folder(key: &str) -> &str {
    &key[..=key.rfind('/').unwrap()]
}

/// What an intruder wants to have read: a made-up event of a proven hour.
fn events(archive: &Archive) -> Vec<u8> {
    let chain = archive.chain();
    records(&[record(chain, chain.digests[4].start().plus(900), "GetObject", "planted")])
}

#[track_caller]
fn is_stray(archive: &Archive, path: &Path) {
    for narrowed in [false, true] {
        let mut options = options(archive);
        if narrowed {
            options.policy.start = Some(archive.chain().digests[2].start());
            options.policy.accounts = vec![archive.chain().account.clone()];
        }
        let run = run_with(&options);
        run.status(3).lacks(&["leftover"]);
        let finding = run.the("stray_object");
        assert_eq!(finding.severity, Severity::Unproven);
        assert_eq!(finding.path.as_deref(), Some(&*path.display().to_string()));
    }
}

#[test]
fn s63_events_in_files_that_are_named_like_sidecars() {
    for is_compressed in [false, true] {
        for beside in ["log", "digest", "nothing"] {
            let archive = small();
            let key = match beside {
                "log" => format!("{}.metadata.json", archive.log(3, 0)),
                "digest" => format!("{}x.metadata.json", folder(archive.digest(3))),
                _ => format!("{}events.json.metadata.json", folder(archive.log(3, 0))),
            };
            let content = events(&archive);
            let bytes = if is_compressed { gzip_member(&content, 6) } else { content };
            let path = archive.write_object("audit-logs", &key, &bytes);
            is_stray(&archive, &path);
        }
    }
}

/// An object of JSON with the members of another one added.
fn with_records(archive: &Archive, text: &[u8]) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(text).unwrap();
    let planted: Value = serde_json::from_slice(&events(archive)).unwrap();
    value["Records"] = planted["Records"].clone();
    value.to_string().into_bytes()
}

#[test]
fn s63_events_in_a_sidecar_beside_its_signature() {
    let archive = small();
    let path = archive.sidecar(archive.digest(3));
    fs::write(&path, with_records(&archive, &fs::read(&path).unwrap())).unwrap();
    is_stray(&archive, &path);
}

#[test]
fn s63_events_in_a_key_file() {
    for beside in ["log", "digest"] {
        let archive = small();
        let keys = fs::read(archive.keys().join("public-keys-eu-west-1.json")).unwrap();
        let key = if beside == "log" { archive.log(3, 0) } else { archive.digest(3) };
        let key = format!("{}public-keys-x.json", folder(key));
        let path = archive.write_object("audit-logs", &key, &with_records(&archive, &keys));
        is_stray(&archive, &path);
    }
}

#[test]
fn s63_events_in_files_that_are_named_like_folder_markers() {
    for name in ["CloudTrail", "2024_$folder$", "eu-west-1"] {
        let archive = small();
        let key = format!("{}{name}", folder(archive.log(3, 0)));
        let path = archive.write_object("audit-logs", &key, &events(&archive));
        is_stray(&archive, &path);
    }
}

#[test]
fn s63_files_below_a_prefix_that_differs_in_case() {
    for (from, to) in [("AWSLogs/", "awslogs/"), ("/CloudTrail/", "/cloudtrail/"), ("AWSLogs/", "AWSLOGS/")] {
        let archive = small();
        let key = format!("{}events.json", folder(archive.log(3, 0))).replace(from, to);
        let path = archive.write_object("audit-logs", &key, &events(&archive));
        is_stray(&archive, &path);
    }
}

#[test]
fn s63_a_layout_whose_folder_was_renamed_holds_strays_all_the_same() {
    let archive = small();
    archive.rearrange(|path| Some(path.replacen("AWSLogs", "awslogs", 1)));
    let key = format!("{}events.json", folder(archive.log(3, 0))).replace("AWSLogs", "awslogs");
    let path = archive.write_object("audit-logs", &key, &events(&archive));
    run(&archive).status(3).names(&path, &key);
}

#[test]
fn s63_what_sidecars_and_key_files_are_is_no_stray() {
    let archive = small();
    let keys = fs::read(archive.keys().join("public-keys-eu-west-1.json")).unwrap();
    for key in [archive.log(3, 0), archive.digest(3)] {
        archive.write_object("audit-logs", &format!("{}public-keys-x.json", folder(key)), &keys);
    }
    // `head-object` of a log: it has no signature, and no user metadata.
    for log in &archive.chain().digests[3].logs {
        let head = json!({ "ContentType": "application/json", "ContentEncoding": "gzip", "Metadata": {} });
        archive.write_object(
            "audit-logs",
            &format!("{}.metadata.json", log.key),
            head.to_string().as_bytes(),
        );
    }
    run(&archive).status(0).finds(&[]);
}

/// Two copies of the bucket in folders whose names are told apart by one byte that is no text.
fn with_latin_1_folders() -> (Archive, [PathBuf; 2]) {
    let archive = small();
    let folders = [&b"bucket-\xe0"[..], b"bucket-\xe1"].map(|name| {
        let copy = archive.copy_bucket("copy");
        let folder = archive.root().join(OsStr::from_bytes(name));
        fs::rename(copy, &folder).unwrap();
        folder
    });
    fs::remove_dir_all(archive.root().join("audit-logs")).unwrap();
    (archive, folders)
}

fn run_unchecked(roots: &[PathBuf], archive: &Archive) -> Run {
    // Paths that are no text stand for no file: what the ledger says of them is compared elsewhere.
    try_verify(&options_for(roots, &archive.keys()), &mut FilesSeen::default()).unwrap()
}

#[test]
fn s64_two_folders_that_only_bytes_tell_apart() {
    let (archive, folders) = with_latin_1_folders();
    run_unchecked(&[archive.root()], &archive).status(0).digest_totals([7, 7, 0, 0, 0]);
    for folder in &folders {
        let stamp = archive.chain().digests[3].start().plus(1800);
        let planted = folder.join(archive.chain().log_key(stamp, "PLANTEDxPLANTEDx"));
        fs::write(&planted, gzip_member(&events(&archive), 6)).unwrap();
        run_unchecked(&[archive.root()], &archive).status(3).finds_at_least(&["U log_unreferenced"]);
        fs::remove_file(planted).unwrap();
        let log = folder.join(archive.log(4, 1));
        let sound = fs::read(&log).unwrap();
        fs::write(&log, gzip_member(&events(&archive), 6)).unwrap();
        run_unchecked(&[archive.root()], &archive).status(1).finds_at_least(&["V log_altered"]);
        fs::write(&log, sound).unwrap();
        let digest = folder.join(archive.digest(4));
        let sound = fs::read(&digest).unwrap();
        fs::write(&digest, b"{}").unwrap();
        run_unchecked(&[archive.root()], &archive).status(1).finds_at_least(&["V digest_malformed"]);
        fs::write(&digest, sound).unwrap();
    }
}

#[test]
fn s67_a_log_below_a_second_layout_inside_the_first() {
    let archive = small();
    let stamp = archive.chain().digests[3].start().plus(1800);
    let inner = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx");
    for outer in [folder(archive.log(3, 0)), folder(archive.digest(3)), "AWSLogs/111122223333/CloudTrail/"] {
        let archive = small();
        let key = format!("{outer}{inner}");
        let path = archive.plant_at(archive.chain(), stamp, &key);
        let run = run(&archive);
        run.status(3).finds_at_least(&["U log_unreferenced"]).names(&path, &key);
        run.digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    }
}

#[test]
fn s67_a_second_layout_to_which_a_trail_delivers_is_judged_by_its_digests() {
    // A prefix may look like anything.
    let inner = format!("AWSLogs/{}/CloudTrail/eu-west-1/2024/03/01/", "111122223333");
    let own = Plan { prefix: inner, trails: vec!["inner".to_owned()], ..Plan::default() };
    run(&Plan::default().model().with(own.model()).write()).status(0).finds(&[]);
}

/// What is left behind: name in the folder, content, and the kind by which it is counted.
fn leftovers(name: &str) -> Vec<(&'static str, String, Vec<u8>)> {
    let sums = format!("{}  {name}\n{} *other.json.gz\n", sha256_hex(b"a"), sha256_hex(b"b"));
    vec![
        ("AppleDouble", format!("._{name}"), APPLE_DOUBLE.to_vec()),
        (".DS_Store", ".DS_Store".to_owned(), DS_STORE.to_vec()),
        ("Thumbs.db", "Thumbs.db".to_owned(), THUMBS_DB.to_vec()),
        ("desktop.ini", "desktop.ini".to_owned(), DESKTOP_INI.to_vec()),
        ("@eaDir", format!("@eaDir/{name}@SynoEAStream"), APPLE_DOUBLE.to_vec()),
        (".crc", format!(".{name}.crc"), HADOOP_CRC.to_vec()),
        ("SHA256SUMS", "SHA256SUMS".to_owned(), sums.into_bytes()),
        ("__MACOSX", format!("__MACOSX/._{name}"), APPLE_DOUBLE.to_vec()),
    ]
}

fn base_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap()
}

#[test]
fn s70_one_of_each_kind_among_logs_and_digests() {
    for at in 0..leftovers("").len() {
        let archive = small();
        for key in [archive.log(3, 0), archive.digest(3)] {
            let (_, name, content) = &leftovers(base_name(key))[at];
            archive.write_object("audit-logs", &format!("{}{name}", folder(key)), content);
        }
        let kind = leftovers("")[at].0;
        let run = run(&archive);
        run.notes(&["leftover"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
        run.unnamed_totals([0, 0, 0]);
        let note = run.the("leftover");
        assert_eq!(note.count, Some(2), "{kind}: {}", run.list());
    }
}

#[test]
fn s70_all_kinds_at_once_are_counted_by_kind() {
    let archive = small();
    for log in archive.chain().digests[3].logs.iter().chain(&archive.chain().digests[5].logs) {
        for (_, name, content) in leftovers(base_name(&log.key)) {
            archive.write_object("audit-logs", &format!("{}{name}", folder(&log.key)), &content);
        }
    }
    let run = run(&archive);
    run.notes(&["leftover"]).unnamed_totals([0, 0, 0]);
    let counts: u64 = run.coded("leftover").iter().map(|note| note.count.unwrap_or(1)).sum();
    // Four logs in one folder: four of what has a log's name, one of what has a name of its own.
    assert_eq!(counts, 4 * 4 + 4, "{}", run.list());
    let notes = run.coded("leftover").len();
    assert!((7..=8).contains(&notes), "one for each kind: {}", run.list());
}

#[test]
fn s70_an_archive_of_a_mac() {
    // tar writes `._NAME` beside every file, sidecars too; zip repeats the tree below `__MACOSX`.
    let archive = small();
    for file in archive.files() {
        let name = format!("._{}", file.file_name().unwrap().to_str().unwrap());
        archive.put_beside(&file, &name, APPLE_DOUBLE);
    }
    let run_tar = run(&archive);
    run_tar.notes(&["leftover"]);
    assert_eq!(run_tar.the("leftover").count, Some(26));
    let archive = small();
    for file in archive.files() {
        let relative = file.strip_prefix(archive.root()).unwrap();
        let name = format!("._{}", relative.file_name().unwrap().to_str().unwrap());
        let target = archive.root().join("__MACOSX").join(relative).with_file_name(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, APPLE_DOUBLE).unwrap();
    }
    run(&archive).notes(&["leftover"]).unnamed_totals([0, 0, 0]);
}

#[test]
fn s96_events_in_files_that_are_named_like_leftovers() {
    for at in 0..leftovers("").len() {
        for is_compressed in [true, false] {
            for beside_digest in [false, true] {
                let archive = small();
                let key = if beside_digest { archive.digest(4) } else { archive.log(4, 0) }.to_owned();
                let (_, name, _) = &leftovers(base_name(&key))[at];
                let content = events(&archive);
                let bytes = if is_compressed { gzip_member(&content, 6) } else { content };
                let path = archive.write_object("audit-logs", &format!("{}{name}", folder(&key)), &bytes);
                is_stray(&archive, &path);
            }
        }
    }
}

#[test]
fn s96_a_genuine_leftover_does_not_excuse_the_other() {
    let archive = small();
    let key = format!("{}.DS_Store", folder(archive.log(3, 0)));
    archive.write_object("audit-logs", &key, DS_STORE);
    let key = format!("{}Thumbs.db", folder(archive.log(3, 0)));
    let path = archive.write_object("audit-logs", &key, &gzip_member(&events(&archive), 6));
    run(&archive).status(3).finds(&["N leftover", "U stray_object"]).names(&path, &key);
}

#[test]
fn s96_a_leftovers_head_before_events() {
    // The first bytes are those of a desktop's file, what follows is an event.
    for (name, head) in [("._x.json.gz", APPLE_DOUBLE), ("desktop.ini", DESKTOP_INI)] {
        let archive = small();
        let key = format!("{}{name}", folder(archive.log(3, 0)));
        let bytes = [head, b"\n", &events(&archive)].concat();
        let path = archive.write_object("audit-logs", &key, &bytes);
        let run = run(&archive);
        // No reader of logs takes events from it; but it is never taken for a log that is proven.
        run.accuses_nobody();
        assert!(run.list().contains(&path.display().to_string()) || !run.coded("leftover").is_empty());
    }
}

/// Account A in AWS's layout in one folder, B's folder of an account cut out of its tree in another.
fn two_trees() -> (Archive, [PathBuf; 2]) {
    let plan = Plan { regions: Plan::default().regions, ..Plan::wide() };
    let archive = plan.model().write();
    archive.rearrange(|path| {
        Some(match path.split_once("/AWSLogs/444455556666/") {
            Some((_, rest)) => format!("second/{rest}"),
            None => format!("first/{path}"),
        })
    });
    let roots = [archive.root().join("first"), archive.root().join("second")];
    (archive, roots)
}

/// The ways to give two trees: as two roots in either order, as one.
fn ways(archive: &Archive, [first, second]: &[PathBuf; 2]) -> Vec<Vec<PathBuf>> {
    vec![vec![first.clone(), second.clone()], vec![second.clone(), first.clone()], vec![archive.root()]]
}

#[test]
fn s83_roots_of_different_layouts_are_all_judged() {
    let (archive, trees) = two_trees();
    for roots in ways(&archive, &trees) {
        let run = run_with(&options_for(&roots, &archive.keys()));
        assert_eq!(run.report.exit_status, 0, "{roots:?}: {}", run.list());
        run.digest_totals([14, 14, 0, 0, 0]).log_totals([24, 24, 0, 0, 0]);
    }
}

type Damage<'a> = (&'a str, &'a dyn Fn(&Archive, &Path));

#[test]
fn s83_what_is_done_to_the_tree_without_the_layout_is_found() {
    let in_second = |key: &str| key.split_once("444455556666/").unwrap().1.to_owned();
    for way in 0..3 {
        let damages: [Damage; 4] = [
            ("V log_altered", &|archive, second| {
                let log = &archive.model.chains[1].digests[2].logs[0].key;
                fs::write(second.join(in_second(log)), gzip_member(&events(archive), 6)).unwrap();
            }),
            ("V log_missing", &|archive, second| {
                let log = &archive.model.chains[1].digests[2].logs[0].key;
                fs::remove_file(second.join(in_second(log))).unwrap();
            }),
            ("V digest_missing", &|archive, second| {
                let digest = archive.model.chains[1].digests[3].object();
                fs::remove_file(second.join(in_second(digest))).unwrap();
            }),
            ("U log_unreferenced", &|archive, second| {
                let chain = &archive.model.chains[1];
                let key = chain.log_key(chain.digests[3].start().plus(1800), "PLANTEDxPLANTEDx");
                fs::write(second.join(in_second(&key)), gzip_member(&events(archive), 6)).unwrap();
            }),
        ];
        for (code, damage) in damages {
            let (archive, trees) = two_trees();
            damage(&archive, &trees[1]);
            let roots = ways(&archive, &trees).swap_remove(way);
            let run = run_with(&options_for(&roots, &archive.keys()));
            run.status(if code.starts_with('V') { 1 } else { 3 }).finds_at_least(&[code]);
        }
    }
}

#[test]
fn s83_a_little_layout_does_not_hide_the_rest() {
    // One root: an account's folder cut out of its tree, a log replaced; and copies of the first three
    // digests and their logs in AWS's layout, all genuine.
    let archive = small();
    archive.rearrange(|path| Some(path.split_once("111122223333/").unwrap().1.to_owned()));
    run(&archive).status(0).digest_totals([7, 7, 0, 0, 0]);
    let altered = archive.root().join(archive.log(5, 0).split_once("111122223333/").unwrap().1);
    fs::write(&altered, gzip_member(&events(&archive), 6)).unwrap();
    run(&archive).status(1).finds(&["V log_altered"]);
    for digest in &archive.chain().digests[..3] {
        archive.write_digest(digest, digest.object());
        for log in &digest.logs {
            archive.write_object(&log.bucket, &log.key, &gzip_member(&log.content, 6));
        }
    }
    run(&archive).status(1).finds_at_least(&["V log_altered"]);
    // An empty folder of the layout neither.
    let archive = small();
    archive.rearrange(|path| Some(path.split_once("111122223333/").unwrap().1.to_owned()));
    fs::create_dir_all(archive.root().join("AWSLogs/111122223333/CloudTrail/us-east-1")).unwrap();
    run(&archive).status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s83_the_intruders_own_genuine_tree_does_not_hide_the_rest() {
    let stranger = Plan { accounts: vec!["999988887777".to_owned()], ..Plan::default() };
    let archive = Plan::default().model().with(stranger.model()).write();
    archive.rearrange(|path| {
        Some(match path.split_once("AWSLogs/111122223333/") {
            Some((_, rest)) => rest.to_owned(),
            None => path.to_owned(),
        })
    });
    run(&archive).status(0).digest_totals([14, 14, 0, 0, 0]);
    let log = archive.root().join(archive.log(5, 0).split_once("111122223333/").unwrap().1);
    fs::remove_file(log).unwrap();
    run(&archive).status(1).finds(&["V log_missing"]);
}

#[test]
fn s83_a_root_that_holds_nothing_is_refused() {
    let archive = small();
    let empty = archive.folder().join("empty");
    fs::create_dir_all(&empty).unwrap();
    for with_notes in [false, true] {
        if with_notes {
            fs::write(empty.join("notes.txt"), "hello").unwrap();
        }
        let roots = [archive.root(), empty.clone()];
        match try_run(&options_for(&roots, &archive.keys())).map(|run| run.report) {
            Err(Error::NothingToVerify(said)) => assert!(said.contains("empty"), "{said}"),
            Err(error) => assert!(error.to_string().contains("empty"), "{error}"),
            Ok(report) => panic!("{:?}", report.findings),
        }
    }
}

#[test]
fn s83_a_root_of_which_nothing_is_asked_for_is_said() {
    // It holds logs and digests, and nothing in the report comes from it.
    let (archive, trees) = two_trees();
    let mut options = options_for(&trees, &archive.keys());
    options.policy.accounts = vec!["111122223333".to_owned()];
    let run = run_with(&options);
    run.accuses_nobody().digest_totals([7, 7, 0, 0, 0]).finds(&["N root_adds_nothing"]);
    let said = serde_json::to_string(run.the("root_adds_nothing")).unwrap();
    assert!(said.contains(trees[1].to_str().unwrap()), "{said}");
}

#[test]
fn s83_every_file_is_counted_by_what_became_of_it() {
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[3].start().plus(1800));
    archive.plant(archive.chain(), archive.chain().digests[6].end().plus(HOUR));
    archive.duplicate(archive.log(3, 0), archive.log(3, 0).replace(".json.gz", " (1).json.gz"));
    archive.alter_log(archive.log(4, 0));
    archive.write_object("audit-logs", &format!("{}notes.txt", folder(archive.log(3, 0))), b"hello");
    archive.write_object("audit-logs", &format!("{}.DS_Store", folder(archive.log(3, 0))), DS_STORE);
    archive.write_object("audit-logs", "AWSLogs/111122223333/Config/eu-west-1/x.json.gz", b"x");
    archive.write_object("audit-logs", "readme.md", b"hello");
    let value = run(&archive).value();
    let files = value["totals"]["files"].as_object().expect("totals.files").clone();
    let counts: Vec<u64> = files.values().map(|count| count.as_u64().expect("a count")).collect();
    let (sum, most) = (counts.iter().sum::<u64>(), *counts.iter().max().unwrap());
    let there = archive.files().len() as u64;
    // Either one member is the sum of the others, or all of them together are the files that are there.
    assert!(sum == there || (most == there && sum == 2 * there), "{there}: {files:?}");
}

#[test]
fn s85_files_in_places_where_cloudtrail_puts_none() {
    let name = "111122223333_CloudTrail_eu-west-1_20240301T0345Z_PLANTEDxPLANTEDx.json.gz";
    let digest = "111122223333_CloudTrail-Digest_eu-west-1_audit_us-east-1_20240301T034500Z.json.gz";
    let insight = "111122223333_CloudTrail-Foo_eu-west-1_20240301T0345Z_PLANTEDxPLANTEDx.json.gz";
    for key in [
        // Outside AWSLogs.
        name.to_owned(),
        format!("logs/{name}"),
        format!("logs/eu-west-1/2024/03/01/{name}"),
        format!("CloudTrail/eu-west-1/2024/03/01/{name}"),
        digest.to_owned(),
        format!("digests/2024/03/01/{digest}"),
        // Below an account or a kind, but in no region's folder.
        "AWSLogs/111122223333/CloudTrail/x.json".to_owned(),
        "AWSLogs/111122223333/CloudTrail-Digest/x.json.gz".to_owned(),
        "AWSLogs/111122223333/x.json".to_owned(),
        format!("AWSLogs/111122223333/{name}"),
        format!("AWSLogs/111122223333/CloudTrail/{name}"),
        // Unknown regions and kinds.
        format!("AWSLogs/111122223333/CloudTrail/EU-WEST-1/2024/03/01/{name}"),
        format!("AWSLogs/111122223333/CloudTrail/somewhere/2024/03/01/{name}"),
        format!("AWSLogs/111122223333/CloudTrail-Foo/eu-west-1/2024/03/01/{insight}"),
        format!("AWSLogs/111122223333/CloudTrail-Foo/eu-west-1/2024/03/01/{name}"),
        "AWSLogs/111122223333/CloudTrail/US-EAST-1/2024/03/01/events.json".to_owned(),
    ] {
        let archive = small();
        let path = archive.write_object("audit-logs", &key, &gzip_member(&events(&archive), 6));
        let run = run(&archive);
        run.status(3).finds(&["U stray_object"]).names(&path, &key);
        assert_eq!(run.the("stray_object").path.as_deref(), Some(&*path.display().to_string()), "{key}");
    }
}

#[test]
fn s85_foreign_files_among_the_logs_of_a_cut_copy() {
    for cut in ["audit-logs/AWSLogs/", "audit-logs/AWSLogs/111122223333/"] {
        for name in ["events.json", "notes.txt", "x.json.gz"] {
            let archive = small();
            archive.rearrange(|path| Some(path.strip_prefix(cut).unwrap().to_owned()));
            run(&archive).status(0).finds(&[]);
            let log = format!("audit-logs/{}", archive.log(3, 0));
            let path = archive.root().join(folder(log.strip_prefix(cut).unwrap())).join(name);
            fs::write(&path, events(&archive)).unwrap();
            let run = run(&archive);
            run.status(3).finds(&["U stray_object"]).names(&path, "");
        }
    }
}

#[test]
fn s85_objects_of_other_services_are_not_judged() {
    let archive = small();
    for key in [
        "AWSLogs/111122223333/Config/eu-west-1/2024/3/1/ConfigHistory/111122223333_Config_eu-west-1_ConfigHistory_AWS__EC2__Instance_20240301T034500Z_20240301T034500Z_1.json.gz",
        "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2024/03/01/111122223333_vpcflowlogs_eu-west-1_fl-1234abcd_20240301T0345Z_fe123456.log.gz",
        "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/2024/03/01/111122223333_elasticloadbalancing_eu-west-1_app.my-lb.1234_20240301T0345Z_1.2.3.4_abc.log.gz",
        "AWSLogs/111122223333/ELBAccessLogTestFile",
        "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/01/abc/result_sign.json",
        "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/01/abc/result_1.csv.gz",
        "AWSLogs/111122223333/WAFLogs/cloudfront/acl/2024/03/01/03/45/x.log.gz",
        "readme.md",
    ] {
        archive.write_object("audit-logs", key, b"something else");
    }
    run(&archive).status(0).finds(&[]);
}
