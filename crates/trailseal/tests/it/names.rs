//! One name, one thing (CONTRIBUTING.md, "Style").

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::demo::workspace;

/// Names that a module's noun completes: `trailseal_generate::Options`, `commands::verify::Args`.
const COMPLETED: [&str; 5] = ["Args", "Error", "Options", "Outcome", "Summary"];

#[test]
fn a_type_name_stands_for_one_thing() {
    let mut public: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    let mut twice = Vec::new();
    let mut count = 0;
    for krate in fs::read_dir(workspace().join("crates")).unwrap() {
        let mut own: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
        for file in sources(&krate.unwrap().path().join("src")) {
            for (name, is_public) in types(&fs::read_to_string(&file).unwrap()) {
                count += 1;
                own.entry(name.clone()).or_default().insert(file.clone());
                if is_public {
                    public.entry(name).or_default().insert(file.clone());
                }
            }
        }
        twice.extend(several(own));
    }
    twice.extend(several(public));
    assert!(count > 500, "{count} types were found");
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

/// The names that stand in several files.
fn several(names: BTreeMap<String, BTreeSet<PathBuf>>) -> impl Iterator<Item = String> {
    let several =
        names.into_iter().filter(|(name, files)| files.len() > 1 && !COMPLETED.contains(&name.as_str()));
    several.map(|(name, files)| format!("{name} is several things: {files:?}"))
}

/// The source files below a folder, without those of tests.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The types that a module defines, not those inside functions and implementations, and whether they are public.
fn types(source: &str) -> Vec<(String, bool)> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    for line in source.lines() {
        let is_public = line.starts_with("pub ");
        let line = match line.strip_prefix("pub") {
            Some(rest) => rest.trim_start_matches(|c| c != ' ').trim_start(),
            None => line,
        };
        let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
        let Some(rest) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) else { continue };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        found.push((name, is_public));
    }
    found
}
