//! What `serve` says of an archive when it starts, and of keys whose owners it cannot take.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use trailseal_testkit::{Archive, Plan};

use crate::server::{call, say, serving};

/// Removes the folders of digests below a folder.
fn remove_digests(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("CloudTrail-Digest") {
            fs::remove_dir_all(path).unwrap();
        } else if path.is_dir() {
            remove_digests(&path);
        }
    }
}

/// The names of the buckets that S3 lists.
fn buckets(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split("<Name>").skip(1).filter_map(|part| part.split('<').next()).collect::<Vec<_>>().join(",")
}

fn archive() -> Archive {
    Plan::default().model().write()
}

#[test]
fn an_archive_without_digests_has_its_bucket_and_says_so() {
    let archive = archive();
    let with_digests = serving(&archive, "", |said, address| {
        assert!(!said.contains("no digest"), "{said}");
        assert!(
            said.contains("no event tells the event selectors of arn:aws:cloudtrail:us-east-1:"),
            "{said}"
        );
        buckets(address)
    });
    assert!(!with_digests.is_empty());
    remove_digests(&archive.root());
    serving(&archive, "", |said, address| {
        let found = buckets(address);
        assert!(!found.is_empty(), "{said}");
        assert!(said.contains("no digest file names a trail"), "{said}");
        let named = format!("bucket by the name of its folder, since no digest names them: {found}");
        assert!(said.contains(&named), "{said}");
        let answer = call(address, "DescribeTrails", "{}");
        assert_eq!(answer["trailList"].as_array().map(Vec::len), Some(0), "{answer}");
    });
}

#[test]
fn a_key_of_another_account_is_refused() {
    let archive = archive();
    let keys = archive.folder().join("access-keys");
    fs::write(&keys, "AKONE secret arn=arn:aws:iam::999999999999:user/ann\n").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let run = say(&archive, "serve archive --access-keys access-keys --listen 127.0.0.1:0");
    assert_eq!(run.status, Some(2), "{run}");
    assert!(run.stderr.contains("is of account 999999999999, and the server plays 111122223333"), "{run}");
}
