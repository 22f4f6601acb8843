//! The law is in the house: every rule that code, tests and pages cite stands in `docs/spec`.
//!
//! A citation is `docs/spec/PAGE.md`, and after it, as far as they are needed, numbers of sections (`1.2, 1.5`,
//! `3.1 to 3.3`) and of rows (`5, row 81`; `5, rows 74, 85 and 96`). `row N` alone, and a test's name that begins with
//! `sNN_`, mean the table of situations: docs/spec/verification.md 5. A test's name that ends in `_1_3` means that
//! section of a page that its file cites.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::demo::workspace;

const SITUATIONS: &str = "verification.md";

/// The pages by name, each with the numbers of its headings.
struct Pages {
    sections: BTreeMap<String, BTreeSet<String>>,
    situations: BTreeSet<u32>,
}

impl Pages {
    fn read() -> Self {
        let mut sections = BTreeMap::new();
        for entry in fs::read_dir(workspace().join("docs/spec")).unwrap() {
            let path = entry.unwrap().path();
            let page = fs::read_to_string(&path).unwrap();
            let numbers = page
                .lines()
                .filter_map(|line| line.strip_prefix('#')?.trim_start_matches('#').split_whitespace().next())
                .map(|number| number.trim_end_matches('.').to_owned())
                .filter(|number| number.starts_with(|c: char| c.is_ascii_digit()))
                .collect();
            sections.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), numbers);
        }
        let page = fs::read_to_string(workspace().join("docs/spec").join(SITUATIONS)).unwrap();
        let table = page.split("\n## 5. ").nth(1).unwrap().split("\n## ").next().unwrap();
        let situations = table
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
            .collect();
        Self { sections, situations }
    }

    /// What is wrong with the citation that follows the name of a page, if anything is.
    fn why_not(&self, page: &str, rest: &str) -> Option<String> {
        let Some(sections) = self.sections.get(page) else { return Some(format!("no page {page}")) };
        let (numbers, rest) = numbers(rest.strip_prefix('`').unwrap_or(rest));
        for number in numbers {
            if !sections.contains(number) {
                return Some(format!("{page} has no section {number}"));
            }
        }
        let rest = rest.strip_prefix(',').unwrap_or(rest);
        let rest = rest.strip_prefix(" rows").or_else(|| rest.strip_prefix(" row"))?;
        self.no_situation(rest)
    }

    fn no_situation(&self, rest: &str) -> Option<String> {
        let missing = |number: &&str| !number.parse().is_ok_and(|number| self.situations.contains(&number));
        Some(format!("no situation {}", numbers(rest).0.into_iter().find(missing)?))
    }
}

/// The numbers at the beginning of a text, after a space each, with `,`, `and` or `to` between them; and what follows.
fn numbers(text: &str) -> (Vec<&str>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let after = if found.is_empty() {
            Some(rest)
        } else {
            [",", " and", " to"].into_iter().find_map(|word| rest.strip_prefix(word))
        };
        let Some(after) = after.and_then(|after| after.strip_prefix(' ')) else { return (found, rest) };
        let length = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
        let number = after[..length].trim_end_matches('.');
        if number.is_empty() {
            return (found, rest);
        }
        found.push(number);
        rest = &after[number.len()..];
    }
}

/// The files of the project that are text of ours, with what they hold.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in ["crates", "docs", "fuzz", "interop", "benches", "testdata"] {
        collect(&workspace().join(folder), &mut found);
    }
    for file in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deny.toml", ".ci/run"] {
        let path = workspace().join(file);
        found.push((path.clone(), fs::read_to_string(path).unwrap()));
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") && !path.ends_with("AWSLogs") {
                collect(&path, found);
            }
        } else if ["rs", "md", "py", "toml", "sh"].contains(&extension) && !path.ends_with("citations.rs") {
            found.push((path.clone(), fs::read_to_string(path).unwrap()));
        }
    }
}

/// The text without line breaks and the marks of comments, so that a citation may be broken across lines.
fn on_one_line(source: &str) -> String {
    source
        .lines()
        .map(|line| line.trim_start().trim_start_matches(['/', '!', '#']).trim())
        .collect::<Vec<_>>()
        .join(" ")
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap().display().to_string()
}

#[test]
fn every_citation_names_a_page_and_a_heading() {
    let pages = Pages::read();
    let mut wrong = Vec::new();
    let mut resolved = 0;
    for (path, source) in sources() {
        let text = on_one_line(&source);
        for (at, _) in text.match_indices("spec/") {
            let rest = &text[at + "spec/".len()..];
            let Some(end) = rest.find(".md") else { continue };
            if !rest[..end].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
                continue;
            }
            let page = &rest[..end + ".md".len()];
            let why = if text[..at].ends_with("docs/") {
                pages.why_not(page, &rest[page.len()..])
            } else {
                Some(format!("spec/{page} is docs/spec/{page}"))
            };
            resolved += usize::from(why.is_none());
            wrong.extend(why.map(|why| format!("{}: {why}", shown(&path))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(resolved > 100, "only {resolved} citations were found: the test does not see them");
}

#[test]
fn every_row_that_a_comment_names_is_a_situation() {
    let pages = Pages::read();
    let mut wrong = Vec::new();
    let mut resolved = 0;
    for (path, source) in sources() {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let comments: String = source.lines().filter(|line| line.trim_start().starts_with("//")).collect();
        let text = on_one_line(&comments.replace("//", "\n//"));
        for word in ["(row", "(rows", "situation", "situations"] {
            for (at, _) in text.match_indices(&format!("{word} ")) {
                let why = pages.no_situation(&text[at + word.len()..]);
                resolved += 1;
                wrong.extend(why.map(|why| format!("{}: {why}", shown(&path))));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(resolved > 30, "only {resolved} rows were found: the test does not see them");
}

#[test]
fn every_name_of_a_test_leads_to_the_sentence_that_it_guards() {
    let pages = Pages::read();
    let mut wrong = Vec::new();
    let (mut rows, mut headings) = (0, 0);
    for (path, source) in sources() {
        let names =
            source.split("#[test]").skip(1).filter_map(|test| test.split_once("fn ")?.1.split('(').next());
        for name in names {
            if let Some(row) = situation(name) {
                rows += 1;
                if !pages.situations.contains(&row) {
                    wrong.push(format!("{}: {name}: no situation {row}", shown(&path)));
                }
            }
            if let Some(section) = section(name) {
                headings += 1;
                let is_cited = pages.sections.iter().any(|(page, sections)| {
                    sections.contains(&section) && source.contains(&format!("docs/spec/{page}"))
                });
                if !is_cited {
                    wrong.push(format!("{}: {name}: the file cites no page with {section}", shown(&path)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        rows > 200 && headings > 20,
        "only {rows} and {headings} names were found: the test does not see them"
    );
}

/// The number of the situation, if the name of a test begins with one: `s37_…`.
fn situation(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('s')?.split('_').next()?;
    (digits.len() == 2).then(|| digits.parse().ok())?
}

/// The section of a page, if the name of a test ends in one: `…_1_3`.
fn section(name: &str) -> Option<String> {
    let mut words = name.rsplit('_');
    let (minor, major) = (words.next()?, words.next()?);
    let is_number =
        |word: &str| word.len() <= 2 && !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(minor)).then(|| format!("{major}.{minor}"))
}
