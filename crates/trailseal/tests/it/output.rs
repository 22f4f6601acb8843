//! Where output goes: colours, pipes, files.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::demo::{Demo, Run};

#[test]
fn colours_heed_the_wishes() {
    let demo = Demo::new();
    let arguments = ["verify", "archive", "--keys", "keys"];
    let has_colours = |more: &[&str], variables: &[(&str, &str)]| {
        let mut command = demo.command(&arguments);
        command.args(more).envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap().contains('\x1b')
    };
    assert!(!has_colours(&[], &[]), "not in a pipe");
    assert!(has_colours(&["--color", "always"], &[]));
    assert!(has_colours(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!has_colours(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!has_colours(&["-K"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!has_colours(&["--color", "always", "-t", "json"], &[]), "data have none");
}

#[test]
fn colours_carry_no_meaning_of_their_own() {
    let demo = Demo::new();
    fs::remove_file(demo.a_log()).unwrap();
    let coloured = demo.verify("--color always").stdout;
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), demo.verify("").stdout);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let demo = Demo::new();
    for format in ["text", "json", "jsonl", "aws"] {
        let arguments = ["verify", "archive", "--keys", "keys", "-v", "-t", format];
        let mut child =
            demo.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        drop(reader);
        let run = Run::new(format, &child.wait_with_output().unwrap());
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let demo = Demo::new();
    for format in ["text", "json", "jsonl", "aws"] {
        let mut command = demo.command(&["verify", "archive", "--keys", "keys", "-t", format]);
        let run = Run::new(format, &command.stdout(fs::File::create("/dev/full").unwrap()).output().unwrap());
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains("cannot write the output"), "{run}");
    }
}

#[test]
fn a_report_is_written_beside_the_screen() {
    let demo = Demo::new();
    fs::remove_file(demo.a_log()).unwrap();
    let run = demo.verify("--report report.json");
    assert_eq!(run.status, Some(1), "{run}");
    assert_eq!(fs::read_to_string(demo.path("report.json")).unwrap(), demo.verify("-t json").stdout);
    let again = demo.verify("--report report.json");
    assert_eq!((again.status, again.stdout.as_str()), (Some(2), ""), "{again}");
    assert!(again.stderr.contains("--clobber"), "{again}");
    fs::write(demo.path("report.json"), "old").unwrap();
    assert_eq!(demo.verify("--report report.json -C").status, Some(1));
    assert!(fs::read_to_string(demo.path("report.json")).unwrap().starts_with("{\n  \"schema\""));
    assert_eq!(fs::read_dir(demo.path("")).unwrap().count(), 3, "nothing unfinished is left behind");
}

#[test]
fn evidence_is_never_written_to() {
    let demo = Demo::new();
    fs::create_dir(demo.path("archive/empty")).unwrap();
    for place in ["archive/report.json", "archive/example-audit-logs/r.json", "archive/empty/../r.json"] {
        let run = demo.verify(&format!("--report {place}"));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        assert!(run.stderr.contains("evidence is never written to"), "{run}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(demo.path("archive/empty"), demo.path("outside")).unwrap();
        let run = demo.verify("--report outside/report.json");
        assert!(run.stderr.contains("evidence is never written to"), "{run}");
        std::os::unix::fs::symlink(demo.path("archive/r.json"), demo.path("link.json")).unwrap();
        let run = demo.verify("--clobber --report link.json");
        assert!(run.stderr.contains("not a regular file"), "{run}");
    }
    let mut files = Vec::new();
    crate::demo::list(&demo.path("archive"), &mut files);
    assert!(!files.iter().any(|file| file.ends_with("r.json") || file.ends_with("report.json")));
}

#[test]
fn a_place_that_is_no_file_is_not_replaced() {
    let demo = Demo::new();
    fs::create_dir(demo.path("folder")).unwrap();
    for place in ["folder", "nowhere/report.json"] {
        let run = demo.verify(&format!("--clobber --report {place}"));
        assert_eq!(run.status, Some(2), "{run}");
    }
}
