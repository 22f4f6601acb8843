//! A server over an archive that changes, and one whose data folder is damaged.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::server::{call, command_in};

/// A server that writes what it says into a file.
struct Running {
    child: Child,
    said: PathBuf,
    address: String,
}

impl Running {
    fn start(folder: &TempDir, arguments: &str) -> Self {
        let said = folder.path().join("said");
        let child = command_in(folder.path(), &format!("serve --listen 127.0.0.1:0 {arguments}"))
            .stdout(Stdio::null())
            .stderr(File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let mut running = Self { child, said, address: String::new() };
        let line = running.until("listening on http://");
        let (_, rest) = line.split_once("http://").unwrap();
        rest.split_whitespace().next().unwrap().clone_into(&mut running.address);
        running
    }

    /// What it said once this is among it.
    fn until(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let said = fs::read_to_string(&self.said).unwrap();
            if let Some(line) = said.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {said}");
            assert!(began.elapsed() < Duration::from_secs(40), "waited for {text:?}: {said}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn hang_up(&self) {
        let status = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// How many events there are, page by page, or the error.
    fn events(&self) -> Result<usize, String> {
        let (mut found, mut next) = (0, String::new());
        loop {
            let answer = call(&self.address, "LookupEvents", &format!("{{{next}}}"));
            let Some(events) = answer["Events"].as_array() else { return Err(answer.to_string()) };
            found += events.len();
            let Some(token) = answer["NextToken"].as_str() else { return Ok(found) };
            next = format!("\"NextToken\":\"{token}\"");
        }
    }

    /// Once it is what is expected, for a while at most.
    fn comes_to(&self, expected: usize) {
        let began = Instant::now();
        while self.events() != Ok(expected) {
            assert!(began.elapsed() < Duration::from_secs(40), "{expected}: {:?}", self.events());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(folder: &Path, number: usize, events: usize) -> PathBuf {
    let record = |event: usize| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2024-03-01T00:{number:02}:{event:02}Z","eventName":"N{number}","eventSource":"a","eventID":"{number}-{event}","awsRegion":"us-east-1","recipientAccountId":"111122223333"}}"#
        )
    };
    let records: Vec<String> = (0..events).map(record).collect();
    let path = folder.join(format!("log{number}.json"));
    fs::write(&path, format!(r#"{{"Records":[{}]}}"#, records.join(","))).unwrap();
    path
}

/// An archive of three files with 4 events each.
fn archive() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("events");
    fs::create_dir(&archive).unwrap();
    (0..3).for_each(|number| drop(write(&archive, number, 4)));
    (folder, archive)
}

#[test]
fn a_log_file_that_vanishes_makes_one_lookup_an_error_with_its_name() {
    let (folder, archive) = archive();
    let mut server = Running::start(&folder, "events");
    assert_eq!(server.events(), Ok(12));
    fs::remove_file(archive.join("log1.json")).unwrap();
    let error = server.events().unwrap_err();
    assert!(error.contains("InternalFailure") && error.contains("log1.json"), "{error}");
    // the very next one waits for what is there
    assert_eq!(server.events(), Ok(8));
    let told = server.until("read again");
    assert!(told.contains("1 file gone (events/log1.json)"), "{told}");
    fs::write(archive.join("log2.json"), b"{}").unwrap();
    assert!(server.events().unwrap_err().contains("log2.json"));
    server.comes_to(4);
}

#[test]
fn sighup_reads_what_came_and_tokens_of_before_are_refused() {
    let (folder, archive) = archive();
    let mut server = Running::start(&folder, "events");
    let first = call(&server.address, "LookupEvents", r#"{"MaxResults":5}"#);
    write(&archive, 7, 9);
    assert_eq!(server.events(), Ok(12), "nobody asked yet");
    server.hang_up();
    server.until("1 file new");
    assert_eq!(server.events(), Ok(21));
    let token = first["NextToken"].as_str().unwrap();
    let answer =
        call(&server.address, "LookupEvents", &format!(r#"{{"MaxResults":5,"NextToken":"{token}"}}"#));
    assert_eq!(answer["__type"], "InvalidNextTokenException", "{answer}");
}

#[test]
fn with_watch_files_that_come_go_and_change_are_seen() {
    let (folder, archive) = archive();
    let server = Running::start(&folder, "events --watch=1s");
    assert_eq!(server.events(), Ok(12));
    write(&archive, 7, 9);
    server.comes_to(21);
    write(&archive, 7, 2);
    server.comes_to(14);
    // the whole archive is away for a moment
    let away = folder.path().join("away");
    fs::rename(&archive, &away).unwrap();
    thread::sleep(Duration::from_millis(2500));
    fs::rename(&away, &archive).unwrap();
    fs::remove_file(archive.join("log0.json")).unwrap();
    server.comes_to(10);
}

#[test]
fn salvage_says_what_is_kept_and_what_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let output = command_in(folder.path(), arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    {
        let server = Running::start(&folder, "--data-dir trails");
        for name in ["one", "two", "three"] {
            let input = format!(r#"{{"Name":"{name}","S3BucketName":"logs"}}"#);
            assert!(call(&server.address, "CreateTrail", &input)["TrailARN"].is_string());
        }
    }
    let (status, said) = run("serve --salvage trails whole");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("kept: 3 events of the journal") && said.contains("kept: 3 trails"), "{said}");
    let journal = folder.path().join("trails/_trailseal/journal/00000000000000000000.journal");
    let mut bytes = fs::read(&journal).unwrap();
    bytes[100] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let (status, said) = run("serve --data-dir trails --listen 127.0.0.1:0");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("is damaged at byte 32") && said.contains("serve --salvage trails NEW"), "{said}");
    let (status, said) = run("serve --salvage trails new");
    assert_eq!(status, Some(3), "{said}");
    assert!(
        said.contains("kept: 2 events of the journal")
            && said.contains("LOST: ")
            && said.contains("event 0 is lost"),
        "{said}"
    );
    let (status, said) = run("serve --salvage trails new");
    assert_eq!(status, Some(2), "{said}");
    let server = Running::start(&folder, "--data-dir new");
    assert_eq!(call(&server.address, "ListTrails", "{}")["Trails"].as_array().unwrap().len(), 3);
}
