//! Ctrl-C and SIGTERM in the middle of a run.
#![cfg(target_os = "linux")]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::demo::{Demo, Run};

/// A log file that takes long to hash, and no disk to store.
fn slow_log(demo: &Demo) {
    fs::File::create(demo.a_log()).unwrap().set_len(3 << 30).unwrap();
}

/// Waits until the process reads the file.
fn wait_until_open(child: &mut Child, path: &Path) {
    let wanted = fs::canonicalize(path).unwrap();
    let is_open = |id: u32| {
        let Ok(files) = fs::read_dir(format!("/proc/{id}/fd")) else { return false };
        files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|open| open == wanted))
    };
    while !is_open(child.id()) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before the slow file was read");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn an_interrupt_leaves_nothing_that_looks_whole() {
    let demo = Demo::new();
    slow_log(&demo);
    for (signal, format) in [("-INT", "text"), ("-TERM", "json"), ("-INT", "jsonl"), ("-INT", "aws")] {
        let arguments = ["verify", "archive", "--keys", "keys", "--report", "report.json", "-t", format];
        let mut child =
            demo.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until_open(&mut child, &demo.a_log());
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let run = Run::new(format, &child.wait_with_output().unwrap());
        assert_eq!(run.status, Some(2), "{run}");
        assert!(
            run.stderr.starts_with("error: interrupted: the run did not finish, so nothing is proven\n"),
            "{run}"
        );
        assert!(!run.stdout.contains("summary") && !run.stdout.contains("VERIFIED"), "{run}");
        assert!(matches!(format, "jsonl" | "aws") || run.stdout.is_empty(), "{run}");
        let left: Vec<_> =
            fs::read_dir(demo.path("")).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left.len(), 2, "only the archive and the keys are there: {left:?}");
    }
}

#[test]
fn an_interrupted_query_leaves_no_file() {
    let demo = Demo::new();
    let arguments = ["query", "-", "-o", "events.jsonl"];
    let mut child = demo
        .command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody writes anything, so that the run waits.
    let stdin = child.stdin.take().unwrap();
    let names = || -> Vec<String> {
        let entries = fs::read_dir(demo.path("")).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    while names().iter().all(|name| !name.ends_with(".unfinished")) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its input");
        thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let run = Run::new("query", &child.wait_with_output().unwrap());
    drop(stdin);
    assert_eq!(run.status, Some(2), "{run}");
    assert!(run.stderr.starts_with("error: interrupted: not everything was read"), "{run}");
    assert_eq!(names().len(), 2, "only the archive and the keys are there: {:?}", names());
}
