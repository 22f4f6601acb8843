//! One name for one thing in all commands, values in lists, files by their endings, and what scripts ask again and again.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::demo::{Demo, Run, workspace};

#[test]
fn an_option_has_the_same_name_in_all_commands() {
    let demo = Demo::new();
    for (one, other) in [
        ("query archive --keys keys -q", "query archive --verified-with keys -q"),
        ("query archive -q --region us-east-1", "query archive -q --aws-region us-east-1"),
        ("query archive -q -n 3", "query archive -q --max-items 3"),
        ("query archive -q -t json -n 3", "query archive -q --json -n 3"),
        ("query archive -q -t csv -n 3", "query archive -q --csv -n 3"),
        ("query archive -q -t jsonl -n 3", "query archive -q -t ndjson -n 3"),
        ("query archive -q --error=AccessDenied", "query archive -q --error-code AccessDenied"),
        ("verify archive --keys keys", "verify --keys keys archive"),
        (
            "verify archive --keys keys --trail audit",
            "verify archive --keys keys --trail-arn arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
        ),
        (
            "lookup-events archive --all-regions -n 3 -t text",
            "lookup-events archive --all-regions --max-items 3 --output text",
        ),
        (
            "lookup-events archive --all-regions --lookup-attributes AttributeKey=EventName,AttributeValue=CreateUser",
            "lookup-events --all-regions --lookup-attributes AttributeKey=EventName,AttributeValue=CreateUser archive",
        ),
    ] {
        let (one, other) = (demo.run(one), demo.run(other));
        assert!(!one.stdout.is_empty(), "{one}");
        assert_eq!((one.status, &one.stdout), (other.status, &other.stdout), "{one}\n{other}");
    }
}

#[test]
fn a_comma_separates_values_and_a_glob_is_one_in_every_filter() {
    let demo = Demo::new();
    let rows = |arguments: &str| demo.run(&format!("query archive -q {arguments}")).stdout;
    for (option, a, b, glob) in [
        ("event-name", "CreateUser", "AssumeRole", "CreateUse?"),
        ("event-source", "iam", "sts.amazonaws.com", "ia*"),
        ("username", "ci-deploy", "backup-svc", "ci-*"),
        ("access-key", "AKIA7IJJZMRIRPG24F2U", "ASIAFI42SPWVLL26UX74", "AKIA7IJJ*"),
        ("principal", "ci-deploy", "backup-svc", "ci-*"),
        ("source-ip", "192.0.2.66", "198.51.100.0/24", "192.0.2.*"),
        ("error-code", "AccessDenied", "NoSuchBucket", "AccessDen*"),
        ("account", "111122223333", "444455556666", "1111*"),
        ("region", "us-east-1", "eu-west-1", "us-*"),
    ] {
        let both = rows(&format!("--{option} {a},{b}"));
        assert_eq!(both, rows(&format!("--{option} {a} --{option} {b}")), "{option}");
        let one = rows(&format!("--{option} {a}"));
        assert!(!one.is_empty() && one.len() <= both.len(), "{option}");
        assert!(rows(&format!("--{option} {glob}")).contains(one.lines().next().unwrap()), "{option}");
    }
    let run = demo.run("query archive --event-name CreateUser,");
    assert_eq!(run.status, Some(2), "{run}");
}

#[test]
fn one_event_and_who_used_which_client_can_be_asked() {
    let demo = Demo::new();
    let row = demo.run("query archive -q -n 1").lines()[0].clone();
    let id = row["eventID"].as_str().unwrap();
    let found = demo.run(&format!("query archive -q --event-id {id}"));
    assert_eq!(found.lines(), [row]);
    let agents = demo.run("query archive -q --user-agent BOTO3 --fields userAgent");
    assert!(agents.lines().len() > 5, "{agents}");
    assert!(
        agents.lines().iter().all(|row| row["userAgent"].as_str().unwrap().contains("Boto3")),
        "{agents}"
    );
}

#[test]
fn a_key_of_another_length_is_told() {
    let run = Demo::new().run("query archive --access-key AKIA7IJJZMRIRPG24F2");
    assert!(run.stderr.contains("19 characters") && run.stderr.contains("20"), "{run}");
}

#[test]
fn a_pipe_is_read_without_a_root_and_nothing_is_not() {
    let demo = Demo::new();
    let log = fs::File::open(demo.a_log()).unwrap();
    let output = demo.command(&["query", "-q", "-n", "1"]).stdin(log).output().unwrap();
    assert_eq!(Run::new("< log", &output).lines().len(), 1);
    let mut piped = demo.command(&["lookup-events", "--all-regions"]);
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(demo.a_log()).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"{\n    \"Events\": ["));
    for command in ["query", "lookup-events --all-regions"] {
        let run = demo.run(command);
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains("no ROOT is given"), "{run}");
    }
}

#[test]
fn no_file_at_all_is_an_error_in_every_command() {
    let demo = Demo::new();
    fs::create_dir(demo.path("empty")).unwrap();
    for command in [
        "query empty",
        "query empty -q --fail-if-none",
        "follow AKIA7IJJZMRIRPG24F2U empty",
        "info empty",
        "lookup-events empty --all-regions",
        "verify empty --keys keys",
    ] {
        let run = demo.run(command);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        assert!(run.stderr.contains("nothing to"), "{run}");
    }
}

#[test]
fn the_ending_of_a_file_says_what_it_holds() {
    let demo = Demo::new();
    let content = |name: &str| {
        let run = demo.run(&format!("query archive -q --event-source iam -o {name}"));
        assert_eq!(run.status, Some(0), "{run}");
        fs::read(demo.path(name)).unwrap()
    };
    let direct =
        |form: &str| demo.run(&format!("query archive -q --event-source iam -t {form}")).stdout.into_bytes();
    for (name, form) in [
        ("x.jsonl", "jsonl"),
        ("x.ndjson", "jsonl"),
        ("x.json", "json"),
        ("x.csv", "csv"),
        ("x.TSV", "tsv"),
        ("x.txt", "table"),
        ("x", "jsonl"),
    ] {
        assert_eq!(content(name), direct(form), "{name}");
    }
    let mut inflated = Vec::new();
    flate2::read::GzDecoder::new(&*content("x.csv.gz")).read_to_end(&mut inflated).unwrap();
    assert_eq!(inflated, direct("csv"));
    assert!(content("x.jsonl.zst").starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
    let again = demo.run("query x.jsonl.zst -q");
    assert_eq!(again.stdout.into_bytes(), direct("jsonl"), "what one query writes another reads");
    for (name, hint) in [
        ("x.xlsx", "--for excel"),
        ("x.parquet", ".jsonl"),
        ("x.csv.bz2", ".csv"),
        ("json", "-t json"),
        ("table", "-t table"),
    ] {
        let run = demo.run(&format!("query archive -o {name}"));
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains(hint) && !demo.path(name).exists(), "{run}");
    }
    let run = demo.run("query archive -q -n 1 -t json -o x.anything");
    assert_eq!(run.status, Some(0), "a format that is asked for goes into a file of any name: {run}");
}

/// `-o FILE` is the same in every command that answers.
#[test]
fn every_answer_can_go_into_a_file() {
    let demo = Demo::new();
    for (command, forms) in [
        ("info archive -q", &[("x.json", "json"), ("y.txt", "text"), ("y", "text")][..]),
        (
            "lookup-events archive -q --all-regions -n 20",
            &[
                ("x.json", "json"),
                ("x.jsonl", "jsonl"),
                ("x.ndjson", "jsonl"),
                ("x.txt", "text"),
                ("x", "json"),
            ],
        ),
        ("follow AKIA7IJJZMRIRPG24F2U archive -q", &[("x.json", "json"), ("x.csv", "csv"), ("x", "text")]),
    ] {
        for (name, form) in forms {
            let direct = demo.run(&format!("{command} -t {form}"));
            let file = demo.run(&format!("{command} -o {name} -C"));
            assert_eq!((file.status, file.stdout.as_str()), (direct.status, ""), "{file}");
            assert_eq!(fs::read_to_string(demo.path(name)).unwrap(), direct.stdout, "{command} {name}");
        }
        let packed = demo.run(&format!("{command} -o x.json.gz -C"));
        let mut inflated = String::new();
        let file = fs::File::open(demo.path("x.json.gz")).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut inflated).unwrap();
        assert_eq!(inflated, demo.run(&format!("{command} -t json")).stdout, "{packed}");
        for (name, why) in
            [("x.json", "there already"), ("x.xlsx", "endings"), ("archive/x.json", "evidence")]
        {
            let run = demo.run(&format!("{command} -o {name}"));
            assert_eq!(run.status, Some(2), "{run}");
            assert!(run.stderr.contains(why), "{run}");
        }
    }
    let other = demo.run("lookup-events archive -q --all-regions -n 1 --output text --output-file -");
    assert_eq!(other.stdout.lines().next().map(|line| line.starts_with("EVENTS\t")), Some(true), "{other}");
}

#[test]
fn pipes_and_devices_are_written_to() {
    let demo = Demo::new();
    for device in ["/dev/null", "/dev/stderr"] {
        let run = demo.run(&format!("query archive -q -n 1 -o {device}"));
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{run}");
        assert_eq!(run.stderr.contains("eventVersion"), device == "/dev/stderr", "{run}");
    }
    let run = demo.run("query archive -q -n 1 -o /dev/stdout");
    assert_eq!(run.lines().len(), 1, "{run}");
    let fifo = demo.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = std::thread::spawn(move || fs::read(fifo).unwrap());
    let run = demo.run("query archive -q -o fifo");
    assert_eq!(run.status, Some(0), "{run}");
    assert_eq!(reader.join().unwrap(), demo.run("query archive -q").stdout.into_bytes());
}

#[test]
fn a_spreadsheet_gets_what_it_keeps() {
    let demo = Demo::new();
    let run = demo.run("query archive -q --for excel --fields eventTime,recipientAccountId,eventName -n 1");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "\u{feff}eventTime,recipientAccountId,eventName");
    let cells: Vec<&str> = lines[1].split(',').collect();
    assert!(cells[0].len() == 19 && cells[0].as_bytes()[10] == b' ', "{run}");
    assert!(cells[1].starts_with("\"=\"\"") && cells[1].ends_with("\"\"\""), "{run}");
    assert_eq!(demo.run("query archive --for excel -t json").status, Some(2));
}

#[test]
fn a_run_says_nothing_twice_of_what_it_has_read() {
    let demo = Demo::new();
    let ask = |more: &str| demo.run(&format!("query archive --since-state seen {more}"));
    let whole = demo.run("query archive -q --event-source iam");
    assert_eq!(ask("--event-source iam -q").stdout, whole.stdout);
    let nothing = ask("--event-source iam -qq");
    assert_eq!(
        (nothing.status, nothing.stdout.as_str(), nothing.stderr.as_str()),
        (Some(0), "", ""),
        "{nothing}"
    );
    // what is delivered late, and what was changed, is new
    let log = demo.a_log();
    let late = log.with_file_name(log.file_name().unwrap().to_str().unwrap().replace(".json", "x.json"));
    fs::copy(&log, late).unwrap();
    let again = ask("--event-source iam");
    assert!(again.stderr.contains("in 1 file") && again.stderr.contains("read by an earlier run"), "{again}");
    let other = ask("--event-source s3");
    assert_eq!(other.status, Some(2), "{other}");
    assert!(other.stderr.contains("another question"), "{other}");
    // an answer that did not come out whole leaves the state as it was
    let before = fs::read(demo.path("seen")).unwrap();
    let event = r#"{"eventVersion":"1.08","eventName":"A","eventSource":"iam.amazonaws.com","eventID":"x"}"#;
    fs::write(demo.path("archive/new.json"), event).unwrap();
    let failed = ask("--event-source iam -o /dev/full");
    assert_eq!(failed.status, Some(2), "{failed}");
    assert_eq!(fs::read(demo.path("seen")).unwrap(), before);
    for refused in ["-n 1", "--from -7d", "--to 2024-03-02", "-o seen", "--keys keys --verified-only"] {
        assert_eq!(
            ask(&format!("--event-source iam {refused}")).status,
            Some(2),
            "{refused} would leave something out"
        );
    }
    assert_eq!(
        demo.run("query archive --since-state archive/seen").status,
        Some(2),
        "evidence is never written to"
    );
}

#[test]
fn what_one_query_prints_another_reads() {
    let demo = Demo::new();
    let count = |arguments: &str| demo.run(arguments).lines()[0]["count"].as_u64().unwrap();
    let all = count(
        "query archive -q --source-ip 192.0.2.66 --error --sum additionalEventData.bytesTransferredOut",
    );
    for form in ["-t jsonl", "-t json", "-t lookup", "--provenance", "--keys keys"] {
        let run = demo.run(&format!("query archive -q {form} -o again.json -C"));
        assert_eq!(run.status, Some(0), "{run}");
        let again = "query again.json -q --source-ip 192.0.2.66 --error --sum additionalEventData.bytesTransferredOut";
        assert_eq!(count(again), all, "{form}");
    }
    let run = demo.run("lookup-events archive --all-regions --include-data-events");
    fs::write(demo.path("again.json"), &run.stdout).unwrap();
    assert_eq!(
        count(
            "query again.json -q --source-ip 192.0.2.66 --error --sum additionalEventData.bytesTransferredOut"
        ),
        all
    );
    let run =
        demo.run("query archive -q --keys keys --provenance --fields file,eventName,integrity -t csv -n 1");
    assert!(run.stdout.starts_with("file,eventName,integrity,record,sha256\r\n"), "{run}");
}

#[test]
fn a_zero_of_several_filters_says_what_each_finds() {
    let run = Demo::new().run("query archive --region eu-west-1 --event-name CreateUser");
    assert!(run.stderr.contains("--event-name CreateUser holds for 1 event by itself"), "{run}");
    assert!(!run.stderr.contains("no event has that"), "{run}");
    let run = Demo::new().run("query archive --where hour=4");
    assert!(run.stderr.contains("--hours 04:00-05:00"), "{run}");
}

#[test]
fn an_archive_that_ends_before_what_is_expected_is_told() {
    let demo = Demo::new();
    for keys in ["", "--keys keys"] {
        for (until, status) in [("2024-03-01T12:06:00Z", 0), ("2024-03-02", 3)] {
            let run = demo.run(&format!("query archive -q -n 1 --expect-until {until} {keys}"));
            assert_eq!(run.status, Some(status), "{run}");
            assert_eq!(run.stderr.contains("does not reach up to"), status == 3, "{run}");
        }
    }
}

#[test]
fn a_region_that_ends_before_the_others_is_told_where_it_is_asked_for() {
    let demo = Demo::new();
    for log in demo.files("/CloudTrail/eu-west-1/") {
        let name = log.file_name().unwrap().to_str().unwrap().to_owned();
        if name.split("_20240301T").nth(1).is_some_and(|rest| &rest[..4] > "0300") {
            fs::remove_file(log).unwrap();
        }
    }
    for (asked, status) in [
        ("--region us-east-1 --expect-until 2024-03-01T11:00", 0),
        ("--region eu-west-1 --expect-until 2024-03-01T11:00", 3),
        ("--region eu-* --expect-until 2024-03-01T11:00", 0),
        ("--expect-until 2024-03-01T11:00", 0),
        ("--region us-east-1 --from 2024-03-01T11:00", 0),
        ("--region eu-west-1 --from 2024-03-01T11:00", 3),
    ] {
        let run = demo.run(&format!("query archive -q --event-name ListUsers {asked}"));
        assert_eq!(run.status, Some(status), "{run}");
    }
}

#[test]
fn copies_of_log_files_are_noted() {
    let demo = Demo::new();
    let log = demo.a_log();
    fs::create_dir(demo.path("archive/again")).unwrap();
    fs::copy(&log, demo.path("archive/again").join(log.file_name().unwrap())).unwrap();
    let count = demo.run(&format!("query {} -q", log.display())).lines().len();
    let run = demo.run("query archive --count-by eventName");
    let note = |count: usize| format!("note: {count} of these lie in copies of files");
    assert!(run.stderr.contains(&note(count)), "{run}");
    // under another name, of whatever kind
    fs::copy(&log, demo.path("archive/saved")).unwrap();
    let export = demo.run("query archive -q -n 40 -t json").stdout;
    fs::write(demo.path("archive/export.json"), &export).unwrap();
    fs::write(demo.path("archive/export (copy).json"), &export).unwrap();
    for threads in ["1", "2", "7"] {
        let run = demo.run(&format!("query archive --count-by eventName --threads {threads}"));
        assert!(run.stderr.contains(&note(2 * count + 40)), "{run}");
    }
    // of another question only what answers it
    let run = demo.run("query archive --event-name NoSuchEvent");
    assert!(!run.stderr.contains("copies"), "{run}");
    let run = demo.run("query archive --count-by eventName --dedupe");
    assert!(!run.stderr.contains("lie in copies"), "{run}");
}

#[test]
fn what_is_missing_is_a_script_that_gets_it() {
    let demo = Demo::new();
    let sidecars = demo.path("sidecars");
    fs::create_dir(&sidecars).unwrap();
    let mut heads = 0;
    for digest in demo.files("CloudTrail-Digest") {
        let sidecar = format!("{}.metadata.json", digest.display());
        fs::rename(&sidecar, sidecars.join(Path::new(&sidecar).file_name().unwrap())).unwrap();
        heads += 1;
    }
    fs::rename(demo.path("keys"), demo.path("of-aws")).unwrap();
    let before = demo.run("verify archive --what-is-missing");
    assert!(heads > 0 && before.status == Some(3), "{before}");
    assert!(
        before.stdout.contains("aws s3api head-object") && before.stdout.contains("list-public-keys"),
        "{before}"
    );
    // an `aws` that gives what AWS would
    let aws = demo.path("bin/aws");
    fs::create_dir(demo.path("bin")).unwrap();
    fs::write(
        &aws,
        "#!/bin/sh\ncase $2 in\nhead-object) cat \"sidecars/${6##*/}.metadata.json\";;\nlist-public-keys) cat of-aws/public-keys-$4.json;;\nesac\n",
    )
    .unwrap();
    fs::set_permissions(&aws, fs::Permissions::from_mode(0o755)).unwrap();
    let path = env::join_paths(
        std::iter::once(demo.path("bin")).chain(env::split_paths(&env::var_os("PATH").unwrap())),
    );
    let mut shell = Command::new("sh");
    shell.args(["-ec", &before.stdout]).env("PATH", path.unwrap()).current_dir(demo.path(""));
    assert!(shell.status().unwrap().success(), "{before}");
    let after = demo.run("verify archive --keys keys");
    assert_eq!(after.status, Some(0), "{after}");
    assert_eq!(demo.run("verify archive --keys keys --what-is-missing").stdout, "");
    // a name that cannot be printed is in no command, and that is said
    let odd = demo.path("odd\nname");
    fs::rename(demo.path("archive"), &odd).unwrap();
    for digest in crate::demo::list_of(&odd, ".metadata.json") {
        fs::remove_file(digest).unwrap();
    }
    let output =
        demo.command(&["verify", "odd\nname", "--keys", "keys", "--what-is-missing"]).output().unwrap();
    let told = Run::new("verify", &output);
    assert!(told.stdout.contains("4 commands left out") && !told.stdout.contains("aws s3api"), "{told}");
}

#[test]
fn all_is_well_without_a_word() {
    let demo = Demo::new();
    let silent = demo.verify("-qq");
    assert_eq!(
        (silent.status, silent.stdout.as_str(), silent.stderr.as_str()),
        (Some(0), "", ""),
        "{silent}"
    );
    fs::remove_file(demo.a_log()).unwrap();
    let told = demo.verify("-qq");
    assert!(told.status == Some(1) && told.stdout.starts_with("VIOLATED"), "{told}");
    let relative = demo.verify("--as-of -3h -q");
    assert_eq!(relative.status, Some(1), "{relative}");
}

#[test]
fn aggregated_events_come_when_they_are_asked_for() {
    let demo = Demo::new();
    let event = r#"{"eventVersion":"1.0","accountId":"111122223333","eventId":"a","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-east-1","eventSource":"s3.amazonaws.com","timeWindow":{"windowStart":"2024-03-01T10:00:00Z"},"summary":{"primaryDimension":{"dimension":"resourceARN","statistics":[{"value":"bucket-x","count":3}]}}}"#;
    fs::write(demo.path("a.json"), format!(r#"{{"Records":[{event}]}}"#)).unwrap();
    let silent = demo.run("query a.json");
    assert!(silent.stdout.is_empty() && silent.stderr.contains("left out: 1 aggregated event"), "{silent}");
    let run = demo.run("query a.json --category aggregated");
    assert_eq!(run.stdout, format!("{event}\n"), "{run}");
    assert!(
        run.stderr.contains("0 of 0 events matched") && run.stderr.contains("besides: 1 aggregated event"),
        "{run}"
    );
    let fields = demo
        .run("query a.json -q --category aggregated -k bucket-x --fields timeWindow.windowStart,awsRegion");
    assert_eq!(
        fields.stdout, "{\"timeWindow.windowStart\":\"2024-03-01T10:00:00Z\",\"awsRegion\":\"us-east-1\"}\n",
        "{fields}"
    );
    assert_eq!(demo.run("query a.json -q --category aggregated -k bucket-y").stdout, "");
    assert_eq!(
        demo.run("query archive a.json -q --category aggregated,management").lines().len(),
        demo.run("query archive -q --category management").lines().len() + 1
    );
}

#[test]
fn events_in_the_form_of_ocsf_are_named() {
    let demo = Demo::new();
    let event = r#"{"class_uid":6003,"metadata":{"product":{"name":"CloudTrail","vendor_name":"AWS"}},"api":{"operation":"CreateUser"}}"#;
    fs::write(demo.path("o.json"), format!("{event}\n{event}\n")).unwrap();
    let run = demo.run("query o.json");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stderr.contains("OCSF"), "{run}");
}

/// The scripts of the cookbook for cron, by the name in their first line.
fn scripts() -> Vec<(String, String)> {
    let page = fs::read_to_string(workspace().join("docs/cookbook.md")).unwrap();
    let blocks = page.split("```bash\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned());
    blocks.map(|block| (block.lines().next().unwrap().trim_start_matches("# ").to_owned(), block)).collect()
}

#[test]
fn the_scripts_for_cron_are_silent_until_something_is_wrong() {
    let demo = Demo::new();
    fs::remove_dir_all(demo.path("archive")).unwrap();
    fs::remove_dir_all(demo.path("keys")).unwrap();
    let made = demo.run("generate new --from -5h --hours 5 --events-per-hour 20 -q");
    let made = if made.status == Some(0) {
        made
    } else {
        demo.run("generate new --from -5h --hours 5 --events-per-hour 20")
    };
    assert_eq!(made.status, Some(0), "{made}");
    for part in ["archive", "keys"] {
        fs::rename(demo.path("new").join(part), demo.path(part)).unwrap();
    }
    for folder in ["state", "bin"] {
        fs::create_dir(demo.path(folder)).unwrap();
    }
    let mail = demo.path("bin/mail");
    fs::write(&mail, "#!/bin/sh\n{ echo \"$2\"; cat; } >> sent\n").unwrap();
    fs::set_permissions(&mail, fs::Permissions::from_mode(0o755)).unwrap();
    let first = demo.run("verify archive --keys keys --report state/verify.json -q");
    assert_eq!(first.status, Some(0), "{first}");
    let scripts = scripts();
    assert_eq!(scripts.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["verify-hourly", "ask-hourly"]);
    let binary = Path::new(assert_cmd::cargo::cargo_bin!("trailseal")).parent().unwrap().to_owned();
    let sent = || {
        let path = env::split_paths(&env::var_os("PATH").unwrap()).collect::<Vec<_>>();
        let path = env::join_paths([demo.path("bin"), binary.clone()].into_iter().chain(path)).unwrap();
        for (name, script) in &scripts {
            let mut shell = Command::new("bash");
            shell.args(["-c", script]).env("PATH", &path).env_remove("BASH_ENV").current_dir(demo.path(""));
            let output = shell.output().unwrap();
            assert!(
                output.stdout.is_empty() && output.stderr.is_empty(),
                "{name}: {}",
                Run::new(name, &output)
            );
        }
        let text = fs::read_to_string(demo.path("sent")).unwrap_or_default();
        let _ = fs::remove_file(demo.path("sent"));
        text
    };
    assert_eq!((sent(), sent()), (String::new(), String::new()), "all is well");
    let log = &demo.files("/CloudTrail/")[2];
    let stopped = r#"{"Records":[{"eventVersion":"1.08","eventID":"s","eventTime":"2024-03-01T10:00:00Z","eventName":"StopLogging","eventSource":"cloudtrail.amazonaws.com"}]}"#;
    fs::write(log.with_file_name("late.json"), stopped).unwrap();
    let told = sent();
    assert!(told.contains("CloudTrail events: status 0") && told.contains("StopLogging"), "{told}");
    assert!(!sent().contains("CloudTrail events"), "it is told once");
    fs::remove_file(log).unwrap();
    let told = sent();
    assert!(told.contains("CloudTrail archive: status 1") && told.contains("VIOLATED"), "{told}");
}
