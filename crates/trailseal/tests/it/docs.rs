//! The documents say what the command does.

use std::{fs, process::Command};

use trailseal_verify::{Code, Severity};

use crate::demo::{Demo, list, workspace};

#[test]
fn the_reference_of_the_command_line_is_up_to_date() {
    let demo = Demo::new();
    let help = |arguments: &str| {
        let run = demo.run(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run}");
        run.stdout.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
    };
    let mut text = String::from(
        "# The command line\n\nMade from `--help` by `TRAILSEAL_UPDATE=1 cargo test -p trailseal --test it docs`; a test \
         compares.\n",
    );
    for command in [
        "",
        "verify",
        "index",
        "info",
        "query",
        "follow",
        "lookup-events",
        "serve",
        "record",
        "keys",
        "generate",
        "completions",
        "man",
    ] {
        let name = format!("trailseal {command}");
        let help = help(format!("{command} --help").trim_start());
        text = format!("{text}\n## {}\n\n```text\n{help}```\n", name.trim_end());
    }
    let path = workspace().join("docs/cli.md");
    if std::env::var_os("TRAILSEAL_UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let current = fs::read_to_string(path).unwrap_or_default();
    assert!(current == text, "the help has changed; if that is meant, run again with TRAILSEAL_UPDATE=1");
}

#[test]
fn the_version_is_told() {
    assert_eq!(Demo::new().run("--version").stdout, format!("trailseal {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_page_on_reports_knows_every_code() {
    let page = fs::read_to_string(workspace().join("docs/formats/report.md")).unwrap();
    for code in Code::ALL {
        let letter = match code.severity() {
            Severity::Violation => "V",
            Severity::Unproven => "U",
            Severity::Note => "N",
        };
        let row = format!("| `{}` | {letter} |", code.text());
        assert!(page.contains(&row), "docs/formats/report.md has no row that begins with {row}");
    }
    let table = page.split("\n## Codes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let told: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.text()).collect();
    assert_eq!(told, known, "the table of docs/formats/report.md has other codes, or in another order");
}

const GENERATE: &str = "generate testdata/demo --accounts 2 --regions us-east-1,eu-west-1 --hours 12 --events-per-hour 20 --seed 1";

#[test]
fn the_demo_archive_is_what_generate_writes() {
    let page = fs::read_to_string(workspace().join("testdata/README.md")).unwrap();
    assert!(page.contains(GENERATE), "testdata/README.md must show the command: {GENERATE}");

    let demo = Demo::new();
    fs::create_dir(demo.path("testdata")).unwrap();
    let run = demo.run(GENERATE);
    assert_eq!(run.status, Some(0), "{run}");
    let tree = |root: &std::path::Path| {
        let mut files = Vec::new();
        list(root, &mut files);
        files.sort();
        files.into_iter().map(|file| file.strip_prefix(root).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (ours, theirs) = (workspace().join("testdata/demo"), demo.path("testdata/demo"));
    assert_eq!(tree(&ours), tree(&theirs));
    for file in tree(&ours) {
        // Compressed bytes may differ with the processor and the version of the library; what is signed may not.
        let read = |root: &std::path::Path| {
            let bytes = fs::read(root.join(&file)).unwrap();
            if file.extension().is_none_or(|extension| extension != "gz") {
                return bytes;
            }
            let mut inflated = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&*bytes), &mut inflated)
                .unwrap();
            inflated
        };
        assert!(read(&ours) == read(&theirs), "{} differs", file.display());
    }
}

#[test]
fn the_readme_shows_what_a_newcomer_sees() {
    let page = fs::read_to_string(workspace().join("README.md")).unwrap();
    let arguments = "verify testdata/demo/archive --keys testdata/demo/keys";
    assert!(page.contains(&format!("cargo run --release -- {arguments}\n")));
    let words: Vec<&str> = arguments.split(' ').collect();
    let output = Demo::new().command(&words).current_dir(workspace()).output().unwrap();
    let seen = format!("```text\n{}```\n", String::from_utf8(output.stdout).unwrap());
    assert!(page.contains(&seen), "README.md does not show this:\n{seen}");

    // The damaged byte: as the page does it.
    let demo = Demo::new();
    let log = &demo.files("/111122223333/CloudTrail/us-east-1/")[29];
    let mut bytes = fs::read(log).unwrap();
    bytes[300] = b'X';
    fs::write(log, bytes).unwrap();
    let run = demo.verify("");
    let (_, what) = run.stdout.lines().next().unwrap().split_once("archive/").unwrap();
    let verdict = run.stdout.lines().last().unwrap();
    for text in [what, verdict] {
        assert!(page.contains(text), "README.md does not show this:\n{text}");
    }
}

#[test]
fn completions_and_manual_pages_are_written() {
    let demo = Demo::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = demo.run(&format!("completions {shell}"));
        assert_eq!(run.status, Some(0), "{run}");
        assert!(run.stdout.contains("validate-logs") && run.stdout.contains("max-digest-size"), "{shell}");
    }
    if Command::new("bash").arg("--version").output().is_ok() {
        fs::write(demo.path("completions.bash"), demo.run("completions bash").stdout).unwrap();
        let status =
            Command::new("bash").args(["-n", "completions.bash"]).current_dir(demo.path("")).status();
        assert!(status.unwrap().success());
    }
    assert_eq!(demo.run("man pages").status, Some(0));
    let mut pages: Vec<_> =
        fs::read_dir(demo.path("pages")).unwrap().map(|page| page.unwrap().file_name()).collect();
    pages.sort();
    let expected = [
        "-completions",
        "-follow",
        "-generate",
        "-index",
        "-info",
        "-keys",
        "-lookup-events",
        "-man",
        "-query",
        "-record",
        "-serve",
        "-verify",
        "",
    ];
    assert_eq!(pages, expected.map(|command| std::ffi::OsString::from(format!("trailseal{command}.1"))));
}
