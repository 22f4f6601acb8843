//! Copies that gave files other names, or saved more beside them.

use std::fs;

use super::{base_name, folder, is_clean, says};
use crate::support::{options, run, run_with, small};

/// What a tool makes of an object's path.
type Rename = fn(&str) -> String;

const RENAMED: [(&str, Rename); 7] = [
    ("a version behind the key", |path| format!("{path}.3sL4kqtJlcpXroDTDmJ")),
    ("a version below the key", |path| format!("{path}/3sL4kqtJlcpXroDTDmJ")),
    ("a version above the name", |path| format!("{}3sL4kqtJlcpXroDTDmJ/{}", folder(path), base_name(path))),
    ("a download's number", |path| path.replace(".json.gz", " (1).json.gz")),
    ("a key in one name", |path| path.replace('/', "_")),
    ("a key in one name, for the web", |path| path.replace('/', "%2F")),
    ("a key in one name, by a Windows tool", |path| path.replace('/', "\\")),
];

/// An object's path, whether it is the object's or that of its metadata.
fn renamed(path: &str, rename: Rename) -> String {
    match path.strip_suffix(".metadata.json") {
        Some(object) => format!("{}.metadata.json", rename(object)),
        None => rename(path),
    }
}

#[test]
fn names_that_a_copy_added_something_to() {
    for (what, rename) in RENAMED {
        let archive = small();
        archive.rearrange(|path| {
            let (bucket, key) = path.split_once('/')?;
            Some(format!("{bucket}/{}", renamed(key, rename)))
        });
        let run = run(&archive);
        eprintln!("{what}");
        says(&run, 0, &["layout_lost"]);
    }
}

#[test]
fn digests_in_the_layout_and_logs_in_folders_of_another() {
    let layouts: [Rename; 3] = [
        |path| format!("logs/{}", base_name(path)),
        |path| format!("logs/2024-03-01/{}", base_name(path)),
        |path| format!("logs/account=111122223333/year=2024/month=03/{}", base_name(path)),
    ];
    for layout in layouts {
        let archive = small();
        archive.rearrange(|path| {
            Some(if path.contains("/CloudTrail/") { layout(path) } else { path.to_owned() })
        });
        says(&run(&archive), 0, &["layout_lost"]);
    }
}

/// The output of `head-object`, with or without the signature.
fn saved(archive: &trailseal_testkit::Archive, key: &str, is_signed: bool) -> String {
    let signed = fs::read_to_string(archive.sidecar(key)).unwrap();
    let plain = r#"{"ETag":"\"9b2\"","ContentLength":812,"ContentType":"application/json","Metadata":{}}"#;
    if is_signed { signed } else { plain.to_owned() }
}

#[test]
fn metadata_of_every_digest_in_a_tree_of_its_own() {
    for ending in [".json.gz", ".json"] {
        for is_signed in [false, true] {
            let archive = small();
            for position in 0..=6 {
                let key = archive.digest(position);
                let to = format!("heads/{}", key.replace(".json.gz", ending));
                let text = saved(&archive, key, is_signed);
                archive.write_object("audit-logs", &to, text.as_bytes());
            }
            is_clean(&run(&archive));
        }
    }
}

#[test]
fn metadata_without_a_signature_beside_digests_and_logs() {
    let archive = small();
    for position in 1..=6 {
        for key in [archive.digest(position), archive.log(position, 0)] {
            let text = saved(&archive, archive.digest(position), false);
            archive.write_object("audit-logs", &key.replace(".json.gz", ".json"), text.as_bytes());
        }
    }
    is_clean(&run(&archive));
    let mut options = options(&archive);
    options.statement = Some(trailseal_evidence::TrailStatement::SoleTrail);
    is_clean(&run_with(&options));
}

#[test]
fn what_hadoop_and_spark_leave_beside_their_output() {
    let archive = small();
    let day = folder(archive.log(3, 0)).to_owned();
    archive.write_object("audit-logs", &format!("{day}_SUCCESS"), b"");
    archive.write_object("audit-logs", &format!("{day}._SUCCESS.crc"), b"crc\0\0\0\x02\0");
    says(&run(&archive), 0, &["leftover"]);
}
