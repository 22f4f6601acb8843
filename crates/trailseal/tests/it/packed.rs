//! `verify` over zip and tar files: what is said of them is what is said of the folder.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use serde_json::Value;
use zip::write::SimpleFileOptions;

use super::demo::{Demo, Run, flip, list};

/// The files below a folder of the demo with their names in it, in order.
fn files(demo: &Demo, folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = demo.path(folder);
    let mut paths = Vec::new();
    list(&root, &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A run with a folder for temporary files of its own, of which nothing may be left.
fn run(demo: &Demo, arguments: &[&str]) -> Run {
    let temporary = tempfile::tempdir().unwrap();
    let output = demo.command(arguments).env("TMPDIR", temporary.path()).output().unwrap();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    Run::new(&arguments.join(" "), &output)
}

/// The report, as if it were one of the folder.
fn report(run: &Run, archive: &str) -> Value {
    let inside = run.stdout.replace(&format!("{archive}!"), "archive/").replace(archive, "archive");
    serde_json::from_str(&inside).unwrap_or_else(|error| panic!("{error}: {run}"))
}

#[test]
fn s98_an_archive_file_is_judged_as_the_folder_is() {
    let demo = Demo::new();
    let log = demo.a_log();
    for damage in ["none", "altered", "removed", "planted"] {
        match damage {
            "altered" => flip(&log, 100),
            "removed" => fs::remove_file(&log).unwrap(),
            "planted" => {
                fs::copy(demo.files("/eu-west-1/")[0].clone(), log.with_file_name("planted.json.gz"))
                    .map(drop)
                    .unwrap();
            }
            _ => {}
        }
        let folder = demo.verify("-t json");
        let files = files(&demo, "archive");
        let tar = tar(&files);
        for (name, bytes) in [("case.tgz", gzip(&tar)), ("case.zip", zip(&files)), ("case.tar", tar)] {
            fs::write(demo.path(name), bytes).unwrap();
            let run = run(&demo, &["verify", name, "--keys", "keys", "-t", "json"]);
            assert_eq!(run.status, folder.status, "{damage} {name}: {}", run.stderr);
            assert_eq!(report(&run, name), folder.json(), "{damage} {name}");
            assert!(run.stderr.contains("is unpacked into"), "{run}");
        }
    }
}

#[test]
fn s98_what_is_packed_and_what_is_not_are_one_archive() {
    let demo = Demo::new();
    let all = files(&demo, "archive");
    let (digests, logs): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(name, _)| name.contains("CloudTrail-Digest"));
    fs::write(demo.path("logs.zip"), zip(&logs)).unwrap();
    for (name, _) in &logs {
        fs::remove_file(demo.path("archive").join(name)).unwrap();
    }
    assert!(!digests.is_empty());
    let run = run(&demo, &["verify", "archive", "logs.zip", "--keys", "keys", "-qq"]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""), "{run}");
}

#[test]
fn s98_what_is_missing_is_put_beside_what_was_unpacked() {
    let demo = Demo::new();
    let mut files = files(&demo, "archive");
    files.retain(|(name, _)| !name.ends_with(".metadata.json"));
    fs::write(demo.path("the case.zip"), zip(&files)).unwrap();
    let run = run(&demo, &["verify", "the case.zip", "--keys", "keys", "--what-is-missing"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[1], "unzip 'the case.zip' -d 'the case'", "{run}");
    let commands: Vec<&&str> =
        lines.iter().filter(|line| line.starts_with("aws s3api head-object")).collect();
    assert!(!commands.is_empty(), "{run}");
    assert!(commands.iter().all(|line| line.contains("> 'the case/") && !line.contains('!')), "{run}");
}

#[test]
fn s98_without_keys_the_archive_says_which_it_needs() {
    let demo = Demo::new();
    fs::write(demo.path("case.zip"), zip(&files(&demo, "archive"))).unwrap();
    let run = run(&demo, &["verify", "case.zip"]);
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("list-public-keys --region us-east-1"), "{run}");
    assert!(run.stderr.contains("then: trailseal verify case.zip --keys keys"), "{run}");
}

/// A member that cannot be read is no log that somebody altered or removed; and of an archive file that is not whole nothing is
/// judged.
#[test]
fn s98_damage_of_the_file_accuses_nobody() {
    let demo = Demo::new();
    let files = files(&demo, "archive");
    let whole = zip(&files);
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x55;
    fs::write(demo.path("case.zip"), &damaged).unwrap();
    let run_of = |name: &str| run(&demo, &["verify", name, "--keys", "keys", "-t", "json"]);
    let judged = run_of("case.zip");
    assert_eq!(judged.status, Some(3), "{judged}");
    let findings = judged.json()["findings"].as_array().unwrap().clone();
    let code = |finding: &Value| finding["code"].as_str().unwrap().to_owned();
    let codes: Vec<String> =
        findings.iter().filter(|finding| finding["severity"] != "note").map(code).collect();
    assert!(codes.iter().any(|code| code.ends_with("_unreadable")), "{codes:?}");

    let packed = gzip(&tar(&files));
    for cut in [packed.len() / 3, packed.len() / 2, packed.len() - 10] {
        fs::write(demo.path("case.tgz"), &packed[..cut]).unwrap();
        let refused = run_of("case.tgz");
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{refused}");
        assert!(refused.stderr.contains("the archive is damaged"), "{refused}");
    }
    fs::write(demo.path("cut.zip"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(run_of("cut.zip").status, Some(2));
}

#[test]
fn s98_a_name_that_leads_out_is_refused() {
    let demo = Demo::new();
    let mut files = files(&demo, "archive");
    files.push(("../../out.json.gz".to_owned(), b"x".to_vec()));
    fs::write(demo.path("case.zip"), zip(&files)).unwrap();
    let run = run(&demo, &["verify", "case.zip", "--keys", "keys"]);
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("\"../../out.json.gz\" does not lie in it"), "{run}");
}

/// Where temporary files would lie among the evidence, nothing is unpacked.
#[test]
fn s98_nothing_is_unpacked_into_the_archive() {
    let demo = Demo::new();
    fs::write(demo.path("case.zip"), zip(&files(&demo, "archive"))).unwrap();
    let arguments = ["verify", "case.zip", "archive", "--keys", "keys"];
    let before = files(&demo, "archive").len();
    let output = demo.command(&arguments).env("TMPDIR", demo.path("archive")).output().unwrap();
    let run = Run::new("", &output);
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("TMPDIR"), "{run}");
    assert_eq!(files(&demo, "archive").len(), before);
}
