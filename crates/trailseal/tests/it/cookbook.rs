//! The cookbook: every command of it runs, and says what it said before.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::Path,
    process::{Command, Output},
};

use insta::assert_snapshot;

use crate::demo::{Demo, workspace};

const QUESTIONS: usize = 24;
/// The one of the evidence itself.
const EVIDENCE: usize = 23;
const NOTHING: &str = "# nothing in the demo";
/// What the snapshots keep of one answer.
const LINES: usize = 12;
const COLUMNS: usize = 140;

/// A line of a `sh` block.
struct Recipe {
    /// The number of the question; 0 before the first.
    question: usize,
    line: String,
    /// The page says that the demo has no such events.
    is_empty: bool,
}

impl Recipe {
    fn needs_jq(&self) -> bool {
        self.line.contains("jq ")
    }

    /// A header alone is no answer.
    fn is_answered_by(&self, stdout: &str) -> bool {
        let header = ["-t csv", "-t table"].iter().any(|format| self.line.contains(format));
        stdout.lines().count() > usize::from(header)
    }
}

fn page() -> String {
    fs::read_to_string(workspace().join("docs/cookbook.md")).unwrap()
}

fn question(heading: &str) -> Option<usize> {
    heading.strip_prefix("## ")?.split_once(". ")?.0.parse().ok()
}

fn recipes(page: &str) -> Vec<Recipe> {
    let (mut recipes, mut number, mut in_block, mut is_empty) = (Vec::new(), 0, false, false);
    for line in page.lines() {
        match line {
            "```sh" => in_block = true,
            "```" => in_block = false,
            NOTHING if in_block => is_empty = true,
            _ if in_block => {
                recipes.push(Recipe { question: number, line: line.to_owned(), is_empty });
                is_empty = false;
            }
            _ => number = question(line).unwrap_or(number),
        }
    }
    recipes
}

/// Says it past the harness, which keeps what is printed to itself.
fn skipped(what: &str) {
    let _ = io::Write::write_all(&mut io::stderr(), format!("skipped: {what}\n").as_bytes());
}

fn is_there(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    if !there {
        skipped(&format!("commands of docs/cookbook.md that need {tool}, which is absent"));
    }
    there
}

/// Runs a line with bash as a reader would, in a folder that holds `archive` (and `keys`).
fn run(recipe: &Recipe, folder: &Path) -> Output {
    let binary = Path::new(assert_cmd::cargo::cargo_bin!("trailseal")).parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap();
    let path = env::join_paths(std::iter::once(binary).chain(env::split_paths(&path))).unwrap();
    let mut command = Command::new("bash");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM", "RUST_BACKTRACE", "BASH_ENV"] {
        command.env_remove(name);
    }
    command.env("PATH", path).env("LC_ALL", "C").current_dir(folder);
    let output = command.args(["-c", &format!("set -o pipefail\n{}", recipe.line)]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "question {}: {}\n{stderr}", recipe.question, recipe.line);
    output
}

/// Runs recipes in the demo; what they say, cut to what shows a change.
fn answers(recipes: &[&Recipe]) -> String {
    let demo = Demo::new();
    let mut answers = String::new();
    for recipe in recipes {
        let output = run(recipe, &demo.path(""));
        let stdout = String::from_utf8(output.stdout).unwrap();
        let Recipe { question, line, is_empty } = recipe;
        assert_eq!(
            recipe.is_answered_by(&stdout),
            !is_empty,
            "question {question}: {line}\nis marked with `{NOTHING}`: {is_empty}; it says:\n{stdout}"
        );
        writeln!(answers, "\n[{question}] $ {line}").unwrap();
        for line in stdout.lines().take(LINES) {
            let cut: String = line.chars().take(COLUMNS).collect();
            let more = if cut.len() < line.len() { "…" } else { "" };
            writeln!(answers, "{cut}{more}").unwrap();
        }
        match stdout.lines().count().saturating_sub(LINES) {
            0 => {}
            more => writeln!(answers, "({more} more lines)").unwrap(),
        }
    }
    answers
}

#[test]
fn every_question_has_its_heading_its_words_and_a_command() {
    let page = page();
    let numbers: Vec<usize> = page.lines().filter_map(question).collect();
    assert_eq!(numbers, (1..=QUESTIONS).collect::<Vec<_>>());
    let recipes = recipes(&page);
    // the last one is for who reads buckets, and asks nothing
    let is_question = |section: &&str| !section.starts_with("Clients of S3\n");
    for section in page.split("\n## ").skip(2).filter(is_question) {
        let (heading, text) = section.split_once('\n').unwrap();
        let words = text.split("```sh").next().unwrap().trim();
        assert!(heading.ends_with('?') && words.ends_with('.'), "{heading}: {words}");
    }
    for number in numbers {
        let of_it = || recipes.iter().filter(|recipe| recipe.question == number);
        assert!(of_it().next().is_some(), "question {number} has no command");
        for line in of_it().map(|recipe| &recipe.line) {
            assert!(line.starts_with("trailseal "), "question {number}: {line}");
        }
    }
    let last: Vec<&str> =
        recipes.iter().filter(|recipe| recipe.question == EVIDENCE).map(|recipe| &*recipe.line).collect();
    assert!(last.iter().any(|line| line.starts_with("trailseal verify ")), "{last:?}");
    assert!(last.iter().any(|line| line.contains("query") && line.contains("--keys")), "{last:?}");
}

#[test]
fn every_command_of_the_cookbook_answers() {
    if !is_there("bash") {
        return;
    }
    let recipes = recipes(&page());
    let (jq, alone): (Vec<&Recipe>, Vec<&Recipe>) = recipes.iter().partition(|recipe| recipe.needs_jq());
    assert_snapshot!("alone", answers(&alone));
    if is_there("jq") {
        assert_snapshot!("jq", answers(&jq));
    }
}

/// Real records have what the demo lacks: sign-ins, stopped trails, opened buckets; no use of root.
#[cfg(unix)]
#[test]
fn what_the_demo_lacks_is_found_in_real_records() {
    let samples = workspace().join("../shared/samples");
    if !samples.is_dir() {
        skipped(&format!("{} is absent", samples.display()));
        return;
    }
    if !is_there("bash") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(samples.canonicalize().unwrap(), folder.path().join("archive")).unwrap();
    let recipes = recipes(&page());
    let jq = is_there("jq");
    let unanswered: Vec<usize> = recipes
        .iter()
        .filter(|recipe| recipe.is_empty && (jq || !recipe.needs_jq()))
        .filter(|recipe| run(recipe, folder.path()).stdout.is_empty())
        .map(|recipe| recipe.question)
        .collect();
    assert_eq!(unanswered, [8]);
}
