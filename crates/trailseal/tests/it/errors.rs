//! What cannot be run: status 2, a message, and nothing on stdout.

use std::{fs, io::Write as _};

use insta::assert_snapshot;

use crate::demo::{Demo, Run};

#[test]
fn without_keys_the_way_to_get_them_is_told() {
    assert_snapshot!(Demo::new().run("verify archive"));
}

#[test]
fn without_keys_and_digests_there_is_no_date_to_tell() {
    let demo = Demo::new();
    fs::create_dir(demo.path("empty")).unwrap();
    assert_snapshot!(demo.run("verify empty"));
}

#[test]
fn a_key_that_is_not_what_it_says_is_refused() {
    let demo = Demo::new();
    let path = demo.path("keys/public-keys-eu-west-1.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["PublicKeyList"][0]["Fingerprint"] = "0123456789abcdef0123456789abcdef".into();
    fs::write(path, value.to_string()).unwrap();
    fs::write(demo.path("keys/broken.pem"), "no key").unwrap();
    let run = demo.verify("");
    assert!(run.stdout.is_empty());
    let actual = run.to_string();
    insta::with_settings!({filters => vec![(r"of the bytes is [0-9a-f]{32}", "of the bytes is [md5]")]}, {
        assert_snapshot!(actual);
    });
}

#[test]
fn what_is_no_key_file_by_its_name_is_noted() {
    let demo = Demo::new();
    fs::write(demo.path("keys/README.txt"), "x").unwrap();
    let run = demo.verify("-q");
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    assert_snapshot!(demo.verify("--format aws --account 444455556666 --region eu-west-1"));
}

#[test]
fn arguments_that_cannot_be_meant_are_refused() {
    let demo = Demo::new();
    for (name, arguments) in [
        ("no_root", "verify --keys keys"),
        ("wrong_root", "verify archives --keys keys"),
        ("file_as_root", "verify keys/public-keys-eu-west-1.json --keys keys"),
        ("no_key_file", "verify archive --keys key"),
        ("nothing_there", "verify keys --keys keys"),
        ("nothing_left", "verify archive --keys keys --account 000000000000 --from 2030-01-01"),
        ("unknown_flag", "verify archive --keys keys --fast"),
        ("unknown_command", "verfy archive"),
        ("unknown_code", "verify archive --keys keys --allow gpa"),
        ("violation_allowed", "verify archive --keys keys --allow log_altered"),
        ("bad_time", "verify archive --keys keys --from someday"),
        ("no_such_date", "verify archive --keys keys --to 99999999"),
        ("time_without_a_date", "verify archive --keys keys --as-of 10:00"),
        ("unknown_zone", "verify archive --keys keys --from 2024-03-01T10:00CET"),
        ("times_turned_around", "verify archive --keys keys --from 2024-03-02 --to 2024-03-01"),
        ("bad_size", "verify archive --keys keys --max-inflated-size 4X"),
        ("bad_map", "verify archive --keys keys --map s3://bucket/=nowhere"),
        ("no_baseline", "verify archive --keys keys --baseline none.json"),
        ("wrong_baseline", "verify archive --keys keys --baseline keys/public-keys-eu-west-1.json"),
        ("empty_metadata", "verify archive --keys keys --metadata /dev/null"),
        ("aws_as_of", "verify archive --keys keys --format aws --as-of 2024-03-01T12:00Z"),
        ("aws_baseline", "validate-logs archive --keys keys --format aws --baseline old.json"),
        ("aws_expect_account", "verify archive --keys keys -t aws --expect-account 111122223333"),
        ("aws_expect_region", "verify archive --keys keys -t aws --expect-region us-east-1 --quiet"),
        ("report_to_stdout", "verify archive --keys keys --report -"),
        ("report_of_another_kind", "verify archive --keys keys --report report.pdf"),
        ("clobber_alone", "verify archive --keys keys --clobber"),
    ] {
        let run = demo.run(arguments);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        assert_snapshot!(name, run);
    }
}

/// `20240302` was seconds of 1970: nothing was left out, or nothing found, in silence.
#[test]
fn a_time_is_the_same_in_every_command_and_form() {
    let demo = Demo::new();
    let forms = [
        "2024-03-01T10:00:00Z",
        "2024-03-01T10:00Z",
        "2024-03-01T11:00+01:00",
        "20240301T1000Z",
        "20240301T100000Z",
        "202403011000",
        "1709287200",
        "March 1, 2024 10:00:00 UTC",
        "1 Mar 2024 10am",
        "Fri, 01 Mar 2024 10:00:00 GMT",
        "03/01/2024 10:00",
        "2024.03.01 10h",
        "1-Mar-2024 10:00",
    ];
    let dates = ["2024-03-02", "20240302", "03/02/2024", "2 Mar 2024", "March 2, 2024", "2024.03.02"];
    let commands: [&[&str]; 5] = [
        &["verify", "archive", "--keys", "keys", "--format", "json", "--from"],
        &["validate-logs", "archive", "--keys", "keys", "--format", "json", "--end-time"],
        &["verify", "archive", "--keys", "keys", "--format", "json", "--as-of"],
        &["query", "archive", "--format", "jsonl", "--to"],
        &["lookup-events", "archive", "--region", "us-east-1", "--max-items", "5", "--end-time"],
    ];
    for command in commands {
        for forms in [&forms[..], &dates[..]] {
            let run =
                |form: &str| Run::new(form, &demo.command(&[command, &[form]].concat()).output().unwrap());
            let first = run(forms[0]);
            // not the refusal of an argument
            assert!(!first.stderr.contains("is no time"), "{command:?} {first}");
            for form in &forms[1..] {
                let run = run(form);
                assert_eq!((run.status, &run.stdout), (first.status, &first.stdout), "{command:?} {form}");
            }
        }
    }
}

#[test]
fn a_report_of_another_schema_is_no_baseline() {
    let demo = Demo::new();
    fs::write(demo.path("old.json"), r#"{"schema":"trailseal.verify/0","chains":[]}"#).unwrap();
    let run = demo.verify("--baseline old.json");
    assert_eq!(run.status, Some(2), "{run}");
    assert!(run.stderr.contains(r#"its schema is "trailseal.verify/0""#), "{run}");
}

/// A tar archive of one file, compressed with gzip.
fn tgz() -> Vec<u8> {
    let mut block = [0; 512];
    block[..11].copy_from_slice(b"AWSLogs/x.y");
    for (at, field) in
        [(100, "0000644"), (108, "0000000"), (116, "0000000"), (124, "00000000002"), (136, "00000000000")]
    {
        block[at..at + field.len()].copy_from_slice(field.as_bytes());
    }
    block[148..156].fill(b' ');
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&block).unwrap();
    // its content, and the end of the archive
    encoder.write_all(format!("{{}}{}", "\0".repeat(510 + 1024)).as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// "Not a directory" did not say what to do.
#[test]
fn who_gives_an_archive_of_files_is_told_how_to_unpack_it() {
    let demo = Demo::new();
    fs::create_dir_all(demo.path("case/inner")).unwrap();
    fs::write(demo.path("evidence.tgz"), tgz()).unwrap();
    fs::write(demo.path("case/inner/evidence 7.zip"), "PK\x03\x04").unwrap();
    fs::write(demo.path("case/notes.txt"), "see inner").unwrap();
    fs::copy(demo.a_log(), demo.path("log.json.gz")).unwrap();
    for (name, arguments) in [
        ("packed_root", "verify evidence.tgz --keys keys"),
        ("packed_root_without_keys", "validate-logs -d evidence.tgz"),
        ("packed_in_root", "verify case --keys keys"),
        ("packed_in_root_without_keys", "verify case"),
        ("packed_query", "query evidence.tgz --keys keys"),
        ("gzipped_log_as_root", "verify log.json.gz --keys keys"),
    ] {
        let run = demo.run(arguments);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        assert_snapshot!(name, run);
    }
    // the archive that is there is what counts, whatever lies beside it
    fs::copy(demo.path("evidence.tgz"), demo.path("archive/evidence.tgz")).unwrap();
    assert!(!demo.verify("").stderr.contains("unpack"));
    // by its content, not by its name; and what is in the way is not overwritten
    fs::rename(demo.path("evidence.tgz"), demo.path("copy.json.gz")).unwrap();
    fs::create_dir(demo.path("copy.json")).unwrap();
    let run = demo.run("query copy.json.gz --keys keys");
    assert!(run.stderr.contains("tar -xf copy.json.gz -C copy.json.gz-unpacked"), "{run}");
}
