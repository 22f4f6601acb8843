//! What a person sees: whole runs on terminals of 80 and of 200 columns.

use std::{fs, process::Command};

use insta::assert_snapshot;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::demo::Demo;

/// What a command writes to a terminal of so many columns and lines (that of util-linux's `script`): stdout without colours,
/// and stderr.
fn screen(demo: &Demo, columns: u16, lines: u16, arguments: &str) -> (String, String) {
    let run = demo.command(&[]);
    let program = run.get_program().to_str().unwrap();
    let line = format!("stty cols {columns} rows {lines}; exec '{program}' {arguments} 2>stderr.txt");
    let mut command = Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .current_dir(run.get_current_dir().unwrap());
    for (name, _) in run.get_envs() {
        command.env_remove(name);
    }
    let output = command.stdin(std::process::Stdio::null()).output().expect("`script` of util-linux");
    let text = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
    let stderr = fs::read_to_string(demo.path("stderr.txt")).unwrap();
    (anstream::adapter::strip_str(&text).to_string(), stderr)
}

fn query(demo: &Demo, columns: u16, arguments: &str) -> (String, String) {
    screen(demo, columns, if columns < 100 { 24 } else { 50 }, &format!("query {arguments}"))
}

#[test]
fn an_attack_on_both_screens() {
    let demo = Demo::new();
    for (name, arguments) in [
        ("timeline", "archive --source-ip 192.0.2.66 --timeline"),
        ("table", "archive --source-ip 192.0.2.66"),
        ("counts", "archive --count-by userIdentity.arn,sourceIPAddress --top 5"),
        ("histogram", "archive --histogram 2h --by eventName"),
    ] {
        for columns in [80, 200] {
            let (text, _) = query(&demo, columns, arguments);
            assert!(text.lines().all(|line| line.width() <= usize::from(columns)), "{text}");
            assert_snapshot!(format!("{name}_{columns}"), text);
        }
    }
}

/// Events in a file, the newest first.
fn write_events(demo: &Demo, count: u32) {
    let events: Vec<_> = (0..count)
        .rev()
        .map(|at| {
            let time = format!("2024-03-{:02}T{:02}:{:02}:00Z", 1 + at / 1440, at / 60 % 24, at % 60);
            json!({"eventVersion": "1.10", "eventTime": time, "eventName": "GetObject", "eventID": at.to_string(),
                   "eventSource": "s3.amazonaws.com", "sourceIPAddress": "192.0.2.66", "awsRegion": "us-east-1"})
        })
        .collect();
    fs::write(demo.path("many.json"), json!({ "Records": events }).to_string()).unwrap();
}

#[test]
fn a_terminal_shows_a_thousand_events_and_counts_all() {
    let demo = Demo::new();
    write_events(&demo, 1_234);
    let rows = |text: &str| text.lines().filter(|line| line.contains("GetObject")).count();
    for (arguments, shown, more, first) in [
        ("many.json", 1_000, Some("… 234 more: -n, -o FILE, | less"), "00:00:00"),
        ("many.json --timeline", 1_000, Some("… 234 more: -n, -o FILE, | less"), "00:00:00"),
        ("many.json --sort none", 1_000, Some("… 234 more: -n, -o FILE, | less"), "20:33:00"),
        ("many.json --sort -time", 1_000, Some("… 234 more: -n, -o FILE, | less"), "20:33:00"),
        ("many.json -n 1100", 1_100, None, "00:00:00"),
        ("many.json -n 5000", 1_234, None, "00:00:00"),
    ] {
        let (text, summary) = query(&demo, 80, arguments);
        assert_eq!(rows(&text), shown, "{arguments}");
        assert_eq!(text.lines().last().filter(|line| line.starts_with('…')), more, "{arguments}");
        let row = text.lines().find(|line| line.contains("GetObject")).unwrap();
        assert!(row.starts_with(first), "{arguments}: {row}");
        assert!(summary.starts_with("1,234 of 1,234 events matched"), "{arguments}: {summary}");
    }
    let piped = demo.run("query many.json -t table");
    assert_eq!(rows(&piped.stdout), 1_234, "elsewhere nothing is left out");
    assert!(
        piped.stdout.lines().nth(1).unwrap().starts_with("2024-03-01T20:33:00Z"),
        "and the order is the file's"
    );
}

#[test]
fn names_addresses_and_errors_are_whole_whatever_stands_beside_them() {
    let demo = Demo::new();
    let names = ["AssumeRoleWithWebIdentity", "CreateFunction20150331", "GetObject"];
    let addresses = ["2001:db8:1234:5678:9abc:def0:1234:5678", "192.0.2.66", "cloudformation.amazonaws.com"];
    let users = [
        "日本語のとても長い利用者の名前です",
        "🦀🦀🦀 long-session-name-of-a-role",
        "a\u{202e}b\u{1b}[2J",
        "x",
    ];
    let errors = ["Client.UnauthorizedOperation", "AccessDenied"];
    let mut events = Vec::new();
    for at in 0..48_usize {
        let mut event = json!({
            "eventVersion": "1.10", "eventTime": format!("2024-03-01T04:19:{at:02}Z"), "eventName": names[at % 3],
            "eventSource": "elasticloadbalancing.amazonaws.com", "sourceIPAddress": addresses[at / 3 % 3],
            "awsRegion": "ap-northeast-1", "eventID": at.to_string(),
            "userIdentity": {"type": "IAMUser", "userName": users[at % 4], "accessKeyId": "AKIA7IJJZMRIRPG24F2U"},
            "resources": [{"ARN": format!("arn:aws:s3:::bucket/{}/{at}", "写真".repeat(at)), "type": "AWS::S3::Object"}],
        });
        if at % 5 == 0 {
            event["errorCode"] = json!(errors[at % 2]);
        }
        events.push(event);
    }
    fs::write(demo.path("odd.json"), json!({ "Records": events }).to_string()).unwrap();
    for columns in [80, 200] {
        for arguments in [
            "odd.json --timeline",
            "odd.json",
            "odd.json --fields eventTime,eventName,userIdentity.accessKeyId,sourceIPAddress,error,resource_name",
            "odd.json --count-by eventName,username,sourceIPAddress",
            "odd.json --histogram 1m --by sourceIPAddress",
        ] {
            let (text, _) = query(&demo, columns, arguments);
            assert!(text.lines().all(|line| line.width() <= usize::from(columns)), "{arguments}\n{text}");
            assert!(
                !text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')),
                "{arguments}\n{text}"
            );
            let is_counted = arguments.contains("by");
            let expected = |text: &str| {
                if is_counted { 1 } else { events.iter().filter(|e| e.to_string().contains(text)).count() }
            };
            let is_table_of = |what: &str| !is_counted || arguments.contains(what);
            for name in names.iter().filter(|_| is_table_of("eventName")) {
                assert!(
                    text.matches(name).count() >= expected(&format!("\"eventName\":\"{name}\"")),
                    "{arguments} {name}\n{text}"
                );
            }
            for address in addresses {
                let told = expected(&format!("\"sourceIPAddress\":\"{address}\""));
                assert!(text.matches(address).count() >= told, "{arguments} {address}\n{text}");
            }
            for error in errors.iter().filter(|_| !is_counted) {
                assert!(
                    text.matches(error).count() >= expected(&format!("\"errorCode\":\"{error}\"")),
                    "{arguments} {error}\n{text}"
                );
            }
        }
    }
}

#[test]
fn keys_fit_the_screen() {
    let demo = Demo::new();
    for columns in [80, 200] {
        let (text, _) = screen(&demo, columns, 24, "keys keys");
        assert!(text.lines().all(|line| line.width() <= usize::from(columns)), "{text}");
        assert_snapshot!(format!("keys_{columns}"), text);
    }
}

#[test]
fn a_verdict_fits_the_screen() {
    let demo = Demo::new();
    for columns in [80, 200] {
        let (text, _) = screen(&demo, columns, 24, "verify archive --keys keys");
        assert!(text.lines().all(|line| line.width() <= usize::from(columns)), "{text}");
        assert!(text.contains("(sha256"), "{text}");
    }
}
