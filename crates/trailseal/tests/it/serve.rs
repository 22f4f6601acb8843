//! What `serve` says of an archive when it starts, and of keys whose owners it cannot take.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use trailseal_testkit::{Archive, Plan};

use crate::server::{call, command, say, serving, serving_in};

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

#[test]
fn what_cannot_be_served_says_why_and_what_helps() {
    let archive = archive();
    fs::write(archive.folder().join("a.zip"), "PK\x03\x04").unwrap();
    let keys = archive.folder().join("access-keys");
    fs::write(&keys, "# ours\nAKONE secret username=ann\n").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let any = "--listen 127.0.0.1:0";
    for (arguments, why, help) in [
        (format!("archive --listen {taken}"), "cannot listen on 127.0.0.1:", "port 0"),
        (
            format!("archive --listen {taken} --s3-listen {taken}"),
            "cannot listen on 127.0.0.1:",
            "two options name it",
        ),
        ("archive --listen 0.0.0.0:0".into(), "can be reached from other machines", "--access-keys FILE"),
        ("archive --listen 4578".into(), "write an address and a port, as 127.0.0.1:4578", ""),
        ("archive --observe http://127.0.0.1:1".into(), "write an address and a port, as 127.0.0.1:4578", ""),
        ("archive --port 4578".into(), "there is no option --port", "--listen 127.0.0.1:4578"),
        (format!("archive --watch 5s {any}"), "cannot read 5s", "--watch=5s"),
        (
            format!("s3://logs/some {any}"),
            "no such file or folder",
            "aws s3 sync s3://logs/some/ archive/logs/some/",
        ),
        (
            format!("a.zip {any}"),
            "cannot serve a.zip: it is a file, and no folder",
            "trailseal lookup-events a.zip",
        ),
        (format!("--data-dir a.zip {any}"), "cannot use the data folder a.zip: it is a file", ""),
        (format!("--data-dir archive {any}"), "archive holds an archive", "--data-dir a folder of its own"),
        (format!("archive --access-keys access-keys {any}"), "the access keys access-keys: line 2: ", ""),
    ] {
        let run = say(&archive, &format!("serve {arguments}"));
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains(why) && run.stderr.contains(help), "{run}");
        assert!(help.is_empty() || run.stderr.contains("hint: "), "{run}");
    }
    assert!(!archive.root().join("_trailseal").exists(), "nothing is written beside evidence");
}

#[test]
fn what_an_archive_does_not_have_is_said_at_the_start() {
    let archive = archive();
    fs::create_dir(archive.folder().join("empty")).unwrap();
    serving(&archive, "--account 999999999999", |said, _| {
        assert!(said.contains("no folder of the archive is of account 999999999999"), "{said}");
        assert!(said.contains("they are of 111122223333"), "{said}");
    });
    serving_in(archive.folder(), "empty", |said, _| {
        assert!(said.contains("no event was found"), "{said}");
        assert!(said.contains("no bucket is known"), "{said}");
    });
    remove_digests(&archive.root());
    let mut inner = archive.root();
    while !inner.ends_with("CloudTrail") {
        let mut below =
            fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        inner = below.next().unwrap();
    }
    serving_in(inner.parent().unwrap(), "CloudTrail", |said, _| {
        assert!(said.contains("no bucket is known") && !said.contains("no event was found"), "{said}");
    });
}

#[test]
fn copies_are_answered_once_and_no_option_is_named_that_is_not_there() {
    let archive = archive();
    let copied =
        Command::new("cp").args(["-r", "archive", "copy"]).current_dir(archive.folder()).status().unwrap();
    assert!(copied.success());
    serving(&archive, "--archive copy", |said, _| {
        assert!(said.contains("each is answered once") && !said.contains("--dedupe"), "{said}");
    });
    let run = say(&archive, "lookup-events archive copy --region eu-west-1");
    assert!(run.stderr.contains("each is answered once") && !run.stderr.contains("--dedupe"), "{run}");
}

#[test]
fn two_signals_at_once_end_a_server_as_one_does_and_its_journal_is_no_evidence() {
    let archive = archive();
    let mut child = command(&archive, "serve --data-dir trails --listen 127.0.0.1:0")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let from = said.len();
        assert!(told.read_line(&mut said).unwrap() > 0, "{said}");
        if let Some((_, rest)) = said[from..].split_once("http://") {
            break rest.split(' ').next().unwrap().to_owned();
        }
    };
    call(&address, "CreateTrail", r#"{"Name":"mine","S3BucketName":"my-logs"}"#);
    call(&address, "StartLogging", r#"{"Name":"mine"}"#);
    let second = say(&archive, "serve --data-dir trails --listen 127.0.0.1:0");
    assert!(
        second.stderr.contains("is in use") && second.stderr.contains("hint: another `trailseal serve`"),
        "{second}"
    );
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id, &id]).status().unwrap().success());
    told.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(said.ends_with("note: stopped; all that trails had to deliver is delivered\n"), "{said}");
    // what lies beside the buckets is named, and not taken for damaged text
    let run = say(&archive, "query trails --count-by eventName -t jsonl");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stderr.contains("unsupported: journal of `trailseal serve`"), "{run}");
    assert!(!run.stderr.contains("control character") && run.stdout.contains("StartLogging"), "{run}");
}

#[test]
fn an_index_on_disk_is_used_and_changes_no_answer() {
    let archive = archive();
    let copied =
        Command::new("cp").args(["-rp", "archive", "copy"]).current_dir(archive.folder()).status().unwrap();
    assert!(copied.success());
    let run = say(&archive, "index archive copy --index-dir indexes");
    assert!(run.stdout.contains("indexes"), "{run}");
    let asked = |index: &str| {
        serving(&archive, &format!("--archive copy --region eu-west-1 {index}"), |said, address| {
            assert!(said.contains("each is answered once"), "{said}");
            (said.contains("index: answered for"), call(address, "LookupEvents", r#"{"MaxResults":1}"#))
        })
    };
    let (with, without) = (asked("--index-dir indexes"), asked("--no-index"));
    assert_eq!((with.0, without.0), (true, false));
    assert!(with.1["NextToken"].is_string(), "{}", with.1);
    assert_eq!(with.1, without.1);
}
