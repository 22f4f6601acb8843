//! Times are said in one way: every option that takes one takes the same forms, and says the same of what is none.

use crate::demo::{Demo, Run};

/// Every option that takes a time, after what makes its command stop right behind the arguments, without reading anything;
/// and its alias.
const OPTIONS: [(&[&str], &str, Option<&str>); 11] = [
    (&["verify", "none", "--keys", "keys"], "--from", Some("--start-time")),
    (&["verify", "none", "--keys", "keys"], "--to", Some("--end-time")),
    (&["verify", "none", "--keys", "keys"], "--as-of", None),
    (&["query", "none"], "--from", Some("--start-time")),
    (&["query", "none"], "--to", Some("--end-time")),
    (&["query", "none"], "--expect-until", None),
    (&["follow", "AKIAIOSFODNN7EXAMPLE", "none"], "--from", Some("--start-time")),
    (&["follow", "AKIAIOSFODNN7EXAMPLE", "none"], "--to", Some("--end-time")),
    (&["lookup-events", "none"], "--from", Some("--start-time")),
    (&["lookup-events", "none"], "--to", Some("--end-time")),
    (&["generate", "archive"], "--start", None),
];

const GOOD: [&str; 24] = [
    "2024-03-08",
    "20260308",
    "2024-03-08T05:46:00Z",
    "2024-03-08T05:46:00.5+01:00",
    "2024-03-08T05:46Z",
    "2024-03-08 05:46",
    "20240308T0546Z",
    "20240308T054600Z",
    "1709876760",
    "1709876760.75",
    "1709876760750",
    "now",
    "-7d",
    "-24h",
    "-1d12h",
    "now-90m",
    "T-7d",
    "-7y",
    "-3mo",
    "-1y2mo3d",
    "today",
    "yesterday",
    "March 8, 2024 5:46 am",
    "03/08/2024",
];

const BAD: [&str; 9] = [
    "tomorrow",
    "7d",
    "-7dy",
    "-7d ago",
    "now+1h",
    "99999999",
    "2024-02-30",
    "10:00",
    "2024-03-08T10:00 CET",
];

fn run(demo: &Demo, command: &[&str], option: &str, text: &str) -> Run {
    let arguments = [command, &[option, text]].concat();
    Run::new(&arguments.join(" "), &demo.command(&arguments).output().unwrap())
}

#[test]
fn no_option_that_takes_a_time_is_missing_here() {
    let demo = Demo::new();
    let mut found = Vec::new();
    for command in ["verify", "query", "follow", "lookup-events", "serve", "record", "keys", "generate"] {
        let help = demo.run(&format!("{command} --help")).stdout;
        let options = help.lines().filter_map(|line| line.trim().strip_suffix(" <TIME>"));
        found.extend(options.map(|option| (command.to_owned(), option.to_owned())));
    }
    let known = OPTIONS.map(|(command, option, _)| (command[0].to_owned(), option.to_owned()));
    assert_eq!(found, known);
}

#[test]
fn every_option_takes_every_form() {
    let demo = Demo::new();
    for (command, option, alias) in OPTIONS {
        let first = run(&demo, command, option, GOOD[0]);
        assert_eq!(first.status, Some(2), "{first}");
        assert!(["none", "archive"].iter().any(|what| first.stderr.contains(what)), "{first}");
        for option in [Some(option), alias].into_iter().flatten() {
            for text in GOOD {
                let run = run(&demo, command, option, text);
                assert_eq!((run.status, &run.stderr), (first.status, &first.stderr), "{run}");
            }
        }
    }
}

#[test]
fn every_option_says_the_same_of_what_is_no_time() {
    let demo = Demo::new();
    for text in BAD {
        let mut words = Vec::new();
        for (command, option, alias) in OPTIONS {
            for typed in [Some(option), alias].into_iter().flatten() {
                let run = run(&demo, command, typed, text);
                let start = format!("error: invalid value '{text}' for '{option} <TIME>': ");
                let said = run.stderr.strip_prefix(&start).unwrap_or_else(|| panic!("no {start}: {run}"));
                assert!(said.contains("2024-03-01") && said.contains("-7d"), "{run}");
                assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
                words.push(said.to_owned());
            }
        }
        words.dedup();
        assert_eq!(words.len(), 1, "{words:?}");
    }
}

/// To the AWS CLI, it is a day of that month: the one that it is today.
#[test]
fn a_month_is_no_time_to_lookup_events_alone() {
    let demo = Demo::new();
    for (command, option, alias) in OPTIONS {
        for typed in [Some(option), alias].into_iter().flatten() {
            let run = run(&demo, command, typed, "2024-03");
            let is_refused = run.stderr.contains("invalid value '2024-03'");
            assert_eq!(is_refused, command[0] == "lookup-events", "{run}");
        }
    }
}

/// `-7d` was an error in `verify` and `lookup-events`.
#[test]
fn times_count_back_from_now() {
    let demo = Demo::new();
    // the demo archive is of March 2024
    for command in ["query archive -t jsonl -q", "lookup-events archive --region us-east-1 --output jsonl -q"]
    {
        let out = |more: &str| demo.run(&format!("{command} {more}")).stdout;
        let all = out("");
        assert!(!all.is_empty());
        for same in ["--from -20000d", "--from now-20000d --to now", "--to -1s", "--end-time -0s"] {
            assert_eq!(out(same), all, "{command} {same}");
        }
        for nothing in ["--to -20000d", "--from -7d", "--from=-7d --to=now", "--start-time now"] {
            assert_eq!(out(nothing), "", "{command} {nothing}");
        }
    }
    let codes = |more: &str| {
        let run = demo.verify(&format!("-t json {more}"));
        let findings = run.json()["findings"].as_array().unwrap().clone();
        (run.status, findings.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    assert!(codes("--from -20000d --to now").1.contains(&"coverage_ends_early".to_owned()));
    assert!(codes("--as-of -7d").1.contains(&"head_stale".to_owned()));
    assert_eq!(codes("--as-of -20000d"), (Some(0), vec![]));
}

/// Numbers of seconds with a sign or an exponent are the AWS CLI's, for its own options; elsewhere `-7` is a unit forgotten.
#[test]
fn numbers_that_only_the_aws_cli_takes_are_refused_elsewhere() {
    let demo = Demo::new();
    for (command, option, alias) in OPTIONS {
        let is_of_aws = alias.is_some() && matches!(command[0], "verify" | "lookup-events");
        for text in ["-86400", "1e9"] {
            let run = run(&demo, command, option, text);
            assert_eq!(run.stderr.contains("is no time"), !is_of_aws, "{run}");
        }
    }
}
