//! `trailseal index`: what is said with an index is what is said without.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::demo::{Demo, list};

const QUESTIONS: [&str; 21] = [
    "query archive --event-name ConsoleLogin -t jsonl",
    "query archive --error=AccessDenied* --count-by username,eventName",
    "query archive --where userIdentity.type='Root' --provenance",
    "query archive --event-id 00000000-0000-0000-0000-000000000000",
    "query archive --source-ip 192.0.2.0/24 --timeline",
    "query archive --count-by eventName",
    "query archive --count-by username,eventName,error -t csv",
    "query archive --count-by category,weekday -t json",
    "query archive --count-by userIdentity.type --distinct sourceIPAddress --sum recipientAccountId -t jsonl",
    "query archive --histogram 1h --by eventName",
    "query archive --keys keys --count-by awsRegion,hour -t csv",
    "query archive --keys keys --verified-only --error=* --count-by userIdentity.arn",
    "query archive --event-name consolelogin",
    "query archive --event-name consolelogin --region us-east --count-by eventName",
    "query archive --from 2024-03-01T03:00:00Z --to 2024-03-01T04:00:00Z --histogram 1h",
    "query archive --keys keys --event-name AssumeRole -t csv",
    "query archive --verified-only --keys keys --event-source iam --count-by eventName",
    "lookup-events archive --region us-east-1 --lookup-attributes AttributeKey=EventName,AttributeValue=CreateUser",
    "follow AKIA7IJJZMRIRPG24F2U archive -t json",
    "follow archive --source-ip 192.0.2.66 --keys keys -t csv",
    "follow AKIA66YDPJ6BJQZF5XAK archive -t timeline",
];

fn indexed() -> Demo {
    let demo = Demo::new();
    let run = demo.run("index archive");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(run.stdout.starts_with("533 files read and taken in"), "{run}");
    demo
}

/// What is told but for the line of the index.
fn told(stderr: &str) -> String {
    stderr.lines().filter(|line| !line.starts_with("index: answered for")).collect::<Vec<_>>().join("\n")
}

/// Asks all questions with the index and without; says how many were answered by it in part.
fn agrees(demo: &Demo) -> usize {
    let mut answered = 0;
    for question in QUESTIONS {
        let with = demo.run(question);
        let without = demo.run(&format!("{question} --no-index"));
        assert_eq!(with.stdout, without.stdout, "{with}{without}");
        assert_eq!(told(&with.stderr), told(&without.stderr), "{with}{without}");
        assert_eq!(with.status, without.status, "{with}{without}");
        answered += usize::from(with.stderr.contains("index: answered for"));
    }
    answered
}

#[test]
fn answers_are_the_same_and_most_files_are_not_read() {
    let demo = indexed();
    assert!(agrees(&demo) >= 14);
    let again = demo.run("index archive");
    assert!(again.stdout.starts_with("0 files read and taken in (0 B), 533 known before"), "{again}");
    let status = demo.run("index archive --status");
    assert!(status.stdout.contains(": 533 files, "), "{status}");
    // nothing of it lies below the archive
    let mut files = Vec::new();
    list(&demo.path("archive"), &mut files);
    assert_eq!(files.len(), 533);
    // a part of what is indexed, too
    let part = demo.run("query archive/example-audit-logs/AWSLogs/111122223333 --event-name NoSuchEvent");
    assert!(part.stderr.contains("index: answered for"), "{part}");
    let removed = demo.run("index archive --remove");
    assert_eq!((removed.status, removed.stdout.starts_with("removed: ")), (Some(0), true), "{removed}");
    let none = demo.run("index archive --status");
    assert_eq!(none.status, Some(2), "{none}");
    assert_eq!(agrees(&demo), 0);
}

#[test]
fn a_report_is_the_same_but_for_what_it_says_of_the_index() {
    let demo = Demo::new();
    let with = demo.verify("--index -t json");
    assert_eq!(with.status, Some(0), "{with}");
    let mut report = with.json();
    let index = report["scope"].as_object_mut().unwrap().remove("index").unwrap();
    assert_eq!(index[0]["files"], 429, "{index}");
    assert_eq!(report, demo.verify("--no-index -t json").json());
    let text = demo.verify("");
    assert!(text.stdout.contains("by index     429 log files, whose stored bytes were hashed"), "{text}");
    // a byte that changes is found, whatever the clock says
    let log = demo.a_log();
    let time = fs::metadata(&log).unwrap().modified().unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::File::options().write(true).open(&log).unwrap().write_all(&bytes).unwrap();
    fs::File::options().write(true).open(&log).unwrap().set_modified(time).unwrap();
    assert_eq!(demo.verify("").status, Some(1));
}

#[test]
fn whoever_is_killed_while_it_is_made_leaves_the_one_before() {
    let demo = indexed();
    let expected =
        demo.run("query archive --error=AccessDenied* --count-by username,eventName --no-index").stdout;
    let begun = Instant::now();
    for round in 0..24_u64 {
        // something to do, and another moment each time
        for log in demo.files("/CloudTrail/").iter().skip(round as usize).step_by(24) {
            let bytes = fs::read(log).unwrap();
            fs::write(log, bytes).unwrap();
        }
        let mut child = demo.command(&["index", "archive", "-q"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(55 + round * 7 % 60));
        let _ = child.kill();
        let _ = child.wait();
        let run = demo.run("query archive --error=AccessDenied* --count-by username,eventName");
        assert_eq!(run.stdout, expected, "round {round} after {:?}: {run}", begun.elapsed());
        assert!(!run.stderr.contains("an index is not used"), "{run}");
    }
    let whole = demo.run("index archive");
    assert_eq!(whole.status, Some(0), "{whole}");
    agrees(&demo);
    let mut left: Vec<PathBuf> = Vec::new();
    list(&demo.path("cache"), &mut left);
    assert!(left.iter().all(|path| path.extension().is_none_or(|ending| ending != "new")), "{left:?}");
}

#[test]
fn what_cannot_be_used_is_told_and_files_are_read() {
    let demo = indexed();
    let mut files: Vec<PathBuf> = Vec::new();
    list(&demo.path("cache"), &mut files);
    let segment =
        files.iter().find(|path| path.extension().is_some_and(|ending| ending == "segment")).unwrap();
    fs::File::options().write(true).open(segment).unwrap().set_len(300).unwrap();
    let run = demo.run("query archive --event-name ConsoleLogin --count-by eventName");
    assert!(run.stderr.contains("an index is not used, and files are read instead"), "{run}");
    assert_eq!(run.status, Some(0), "{run}");
    assert_eq!(
        run.stdout,
        demo.run("query archive --event-name ConsoleLogin --count-by eventName --no-index").stdout
    );
    for (arguments, said) in [
        ("index archive --index-dir archive/index", "nothing is written there"),
        ("index - ", "only files and folders are indexed"),
        ("index nowhere", "no such file or folder"),
        ("index keys --status", "there is no index of what was given"),
        ("index archive --status --remove", "cannot be used with"),
    ] {
        let run = demo.run(arguments);
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains(said), "{run}");
    }
}
