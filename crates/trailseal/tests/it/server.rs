//! The command over archives of the test kit, and servers over them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use trailseal_testkit::Archive;

use crate::demo::Run;

/// The command, made ready in the folder that holds `archive` and `keys`.
pub(crate) fn command(archive: &Archive, arguments: &str) -> Command {
    command_in(archive.folder(), arguments)
}

/// The same in any folder.
pub(crate) fn command_in(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trailseal"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.args(arguments.split(' ').filter(|word| !word.is_empty())).current_dir(folder);
    command
}

/// What it says.
pub(crate) fn say(archive: &Archive, arguments: &str) -> Run {
    Run::new(arguments, &command(archive, arguments).output().unwrap())
}

/// A server over the archive, what it said at its start, and its address.
pub(crate) fn serving<T>(archive: &Archive, more: &str, then: impl FnOnce(&str, &str) -> T) -> T {
    serving_in(archive.folder(), &format!("--archive archive {more}"), then)
}

/// The same in any folder.
pub(crate) fn serving_in<T>(folder: &Path, more: &str, then: impl FnOnce(&str, &str) -> T) -> T {
    let mut child = command_in(folder, &format!("serve --listen 127.0.0.1:0 {more}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel::<String>();
    let pipes: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    for pipe in pipes {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    let (mut said, mut address) = (String::new(), None);
    let until = Instant::now() + Duration::from_secs(30);
    // A little longer than until the address is there: the order of the lines is not what is tested.
    while let Ok(line) = lines.recv_timeout(if address.is_none() {
        until.saturating_duration_since(Instant::now())
    } else {
        Duration::from_millis(500)
    }) {
        if let Some((_, rest)) = line.split_once("127.0.0.1:") {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            address.get_or_insert(format!("127.0.0.1:{port}"));
        }
        said += &line;
        said.push('\n');
    }
    let answer = address.as_ref().map(|address| then(&said, address));
    child.kill().unwrap();
    child.wait().unwrap();
    answer.unwrap_or_else(|| panic!("no address in {said}"))
}

/// One call of the API.
pub(crate) fn call(address: &str, operation: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: CloudTrail_20131101.{operation}\r\n\
         Content-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(&json[json.find('{').unwrap()..=json.rfind('}').unwrap()]).unwrap()
}
