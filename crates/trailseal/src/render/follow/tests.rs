//! A key of a real account: 12,000 events of its owner, and 11 of somebody else.

use std::fmt::Write as _;

use trailseal_analysis::follow::{Followed, Starts, follow};
use trailseal_archive::Timestamp;
use trailseal_evidence::{Progress, inputs::Inputs, scan::ScanOptions};
use trailseal_query::Predicate;

use super::text;
use crate::render::zone::ShownZone;

struct Silent;

impl Progress for Silent {
    fn add(&self, _: u64, _: u64) {}

    fn done(&self, _: u64, _: u64) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

const KEY: &str = "AKIA7IJJZMRIRPG24F2U";
const NEW_KEY: &str = "AKIA66YDPJ6BJQZF5XAK";
const SESSION: &str = "ASIAFI42SPWVLL26UX74";
const OWNER: &str = "arn:aws:iam::111122223333:user/ci-deploy";
const KALI: &str = "Boto3/1.28.11 Python/3.11.2 Linux/6.1.0-kali9-amd64 Botocore/1.31.11";

/// Events as JSON Lines.
#[derive(Default)]
struct Lines(String, u32);

impl Lines {
    /// `more` are further members.
    fn event(&mut self, second: i64, key: &str, arn: &str, name: &str, from: (&str, &str), more: &str) {
        self.1 += 1;
        let time = Timestamp::from_epoch(1_709_251_200 + second).unwrap();
        let kind = if arn.contains("assumed-role") { "AssumedRole" } else { "IAMUser" };
        let (address, agent) = from;
        let _ = writeln!(
            self.0,
            r#"{{"eventVersion":"1.08","eventID":"{:08}","eventTime":"{time}","eventName":"{name}","eventSource":"iam.amazonaws.com","awsRegion":"us-east-1","sourceIPAddress":"{address}","userAgent":"{agent}","userIdentity":{{"type":"{kind}","arn":"{arn}","accountId":"111122223333","accessKeyId":"{key}"}}{more}}}"#,
            self.1
        );
    }
}

fn issues(key: &str) -> String {
    format!(r#","responseElements":{{"credentials":{{"accessKeyId":"{key}"}}}}"#)
}

/// Three days of the owner, who has three addresses, comes through services and now and then through another address, and
/// assumes roles; and on the second day an intruder.
fn archive() -> Lines {
    let mut lines = Lines::default();
    let agents = [
        "aws-cli/2.15.25 Python/3.11.8 Linux/5.15.0-97-generic exe/x86_64.ubuntu.22",
        "APN/1.0 HashiCorp/1.0 Terraform/1.7.4",
        "Boto3/1.26.165",
    ];
    let names = [
        "DescribeInstances",
        "Decrypt",
        "GetObject",
        "UpdateInstanceInformation",
        "DescribeInstanceStatus",
        "PutMetricData",
    ];
    for at in 0..12_000_i64 {
        let place = at as usize;
        let address = match at % 200 {
            7 => format!("10.0.{}.{}", at / 200, at % 251),
            9 => "s3.amazonaws.com".to_owned(),
            _ => ["203.0.113.60", "203.0.113.75", "2001:db8:acf::aef0"][place % 3].to_owned(),
        };
        let agent = if address.ends_with("amazonaws.com") { "s3.amazonaws.com" } else { agents[place % 3] };
        let error = match at % 40 {
            3 => r#","errorCode":"AccessDenied""#,
            19 => r#","errorCode":"Client.UnauthorizedOperation""#,
            _ => "",
        };
        let (name, more) = match at % 66 {
            5 => ("AssumeRole", issues(&format!("ASIA{at:016}"))),
            _ => (names[place % 6], error.to_owned()),
        };
        lines.event(at * 21, KEY, OWNER, name, (&address, agent), &more);
    }
    let bad = ("192.0.2.66", KALI);
    for at in 0..10 {
        let error = if at % 3 == 0 { r#","errorCode":"AccessDenied""# } else { "" };
        lines.event(101_000 + 9 * at, KEY, OWNER, "GetCallerIdentity", bad, error);
    }
    lines.event(101_079, KEY, OWNER, "CreateAccessKey", bad, &issues(NEW_KEY));
    let user = "arn:aws:iam::111122223333:user/backup-svc";
    lines.event(101_190, NEW_KEY, user, "ListBuckets", bad, "");
    let role = r#","requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/OrganizationAccountAccessRole","roleSessionName":"backup-svc"}"#;
    lines.event(101_260, NEW_KEY, user, "AssumeRole", bad, &format!("{role}{}", issues(SESSION)));
    let session = "arn:aws:sts::444455556666:assumed-role/OrganizationAccountAccessRole/backup-svc";
    for at in 0..8 {
        lines.event(101_275 + at, SESSION, session, "GetObject", bad, "");
    }
    lines
}

fn followed(lines: &Lines, keys: &[&str], source_ips: &[&str]) -> Followed {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    followed_from(lines, &Starts::new(owned(keys), Vec::new(), owned(source_ips)).unwrap())
}

fn followed_from(lines: &Lines, starts: &Starts) -> Followed {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("events.jsonl"), &lines.0).unwrap();
    let inputs = Inputs::open(&[folder.path().to_owned()]).unwrap();
    let options = ScanOptions { threads: 2, ..ScanOptions::default() };
    follow(starts, None, &Predicate::Constant(true), &inputs, &options, &Silent).unwrap().0
}

fn drawn(followed: &Followed, all: bool, width: Option<usize>) -> String {
    let mut out = Vec::new();
    text(followed, all, width, &ShownZone::utc(), &mut out).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

#[test]
fn the_intruder_stands_on_the_first_screen_and_the_usual_is_counted() {
    let followed = followed(&archive(), &[KEY], &[]);
    let tree = drawn(&followed, false, Some(80));
    let first: Vec<&str> = tree.lines().take(24).collect();
    for wanted in ["192.0.2.66  11 events, 2024-03-02 04:03:20 to 04:04:41, 4 failed", "kali", NEW_KEY] {
        assert!(first.iter().any(|line| line.contains(wanted)), "{wanted}\n{tree}");
    }
    let branch = first.iter().position(|line| line.starts_with(&format!("├─ {NEW_KEY}"))).expect("a branch");
    assert!(branch < 24 && tree.lines().count() < 50, "{tree}");
    for line in tree.lines() {
        assert!(line.chars().count() <= 80, "{line}\n{tree}");
    }
    let whole = tree.replace(['│', '\n'], " ");
    let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in [
        SESSION,
        "444455556666:role/OrganizationAccountAccessRole as backup-svc",
        "444455556666:assumed-role/OrganizationAccountAccessRole/ backup-svc",
        "65 addresses, 4 of them usual; new or brief:",
        "58 more, 58 events in all (--all)",
        "181 other keys, issued in the usual way by AssumeRole; none has an event here (--all)",
    ] {
        assert!(whole.contains(wanted), "{wanted}\n{tree}");
    }
    assert!(!tree.contains("203.0.113.60  "), "what is usual is not told one by one\n{tree}");
}

#[test]
fn with_all_every_key_and_address_is_drawn() {
    let followed = followed(&archive(), &[KEY], &[]);
    let tree = drawn(&followed, true, Some(200));
    assert_eq!(tree.matches("─ A").count(), followed.nodes.len() - 1);
    for origin in &followed.nodes[0].source_ips.values {
        assert!(tree.contains(&origin.value), "{}", origin.value);
    }
    assert!(!tree.contains("(--all)") && !tree.contains('…'), "{tree}");
}

#[test]
fn from_an_address_only_what_came_from_there_and_what_that_led_to() {
    let followed = followed(&archive(), &[], &["192.0.2.0/24"]);
    let told: Vec<(&str, u64, u64)> =
        followed.nodes.iter().map(|node| (node.key.as_str(), node.events, node.elsewhere)).collect();
    assert_eq!(told, [(NEW_KEY, 2, 0), (KEY, 11, 12_000), (SESSION, 8, 0)]);
    let tree = drawn(&followed, false, Some(80));
    assert!(tree.starts_with(KEY) && tree.contains(&format!("└─ {NEW_KEY}")), "{tree}");
    assert!(tree.contains("12,000 came from elsewhere"), "{tree}");
    assert!(followed.notes[0].starts_with("not followed: 12,000 events"), "{:?}", followed.notes);
}

#[test]
fn of_many_sessions_those_that_are_least_usual_are_drawn() {
    let mut lines = Lines::default();
    for at in 0..48_i64 {
        let (key, arn) = (format!("ASIA{at:016}"), format!("arn:aws:sts::1:assumed-role/Ops/s{at}"));
        for minute in 0..5 {
            lines.event(at * 3600 + minute * 60, &key, &arn, "A", ("198.51.100.1", "cli"), "");
        }
        let more = if at == 30 { issues(SESSION) } else { String::new() };
        lines.event(at * 3600, &key, &arn, "B", (&format!("10.0.0.{at}"), "cli"), &more);
    }
    lines.event(7, "ASIATAKEN", "arn:aws:sts::1:assumed-role/Ops/x", "C", ("192.0.2.66", KALI), "");
    lines.event(30 * 3600, SESSION, OWNER, "D", ("192.0.2.66", KALI), "");
    let starts = Starts::new(Vec::new(), vec!["Ops".to_owned()], Vec::new()).unwrap();
    let followed = followed_from(&lines, &starts);
    let tree = drawn(&followed, false, Some(80));
    let roots: Vec<&str> = tree.lines().filter(|line| line.starts_with("ASIA")).collect();
    assert_eq!(roots.len(), 20, "{tree}");
    assert!(roots[0].starts_with("ASIA0000000000000030") && roots[1].starts_with("ASIATAKEN"), "{tree}");
    assert!(tree.ends_with("\n29 more keys, less unusual (--all)\n"), "{tree}");
    let all = drawn(&followed, true, Some(80));
    assert_eq!(all.lines().filter(|line| line.starts_with("ASIA")).count(), 49);
}

#[test]
fn what_a_record_says_moves_no_cursor_and_is_cut_nowhere_it_matters() {
    let mut lines = Lines::default();
    let long = "x".repeat(300);
    for hour in 0..24 {
        lines.event(hour * 3600, KEY, OWNER, "A", ("198.51.100.1", "cli"), "");
    }
    lines.event(
        7,
        KEY,
        OWNER,
        "\\u001b[2J",
        ("\\u001b[1A", &format!("\\u202e{long}")),
        &issues("ASIA\\u001b1"),
    );
    let tree = drawn(&followed(&lines, &[KEY], &[]), false, Some(80));
    assert!(!tree.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{tree}");
    let session = "y".repeat(2_000_000);
    let role = format!(r#","requestParameters":{{"roleSessionName":"{session}"}}{}"#, issues("ASIA2"));
    lines.event(9, KEY, OWNER, "AssumeRole", ("198.51.100.1", "cli"), &role);
    let key = "ASIA2";
    lines.event(10, key, OWNER, "A", ("192.0.2.1", "cli"), "");
    let wide = drawn(&followed(&lines, &[KEY], &[]), false, Some(80));
    assert!(wide.lines().all(|line| line.chars().count() <= 80) && wide.len() > 2_000_000);
    assert!(tree.contains("ASIA\\u{1b}1") && tree.contains("\\u{1b}[1A") && !tree.contains(&long), "{tree}");
}
