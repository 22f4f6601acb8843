//! That no situation of the table (docs/spec/verification.md 5) was forgotten: `s37_…` guards its row 37.

const PAGE: &str = include_str!("../../../../docs/spec/verification.md");

const SOURCES: [&str; 16] = [
    include_str!("anchors.rs"),
    include_str!("chains.rs"),
    include_str!("copies.rs"),
    include_str!("digests.rs"),
    include_str!("edges.rs"),
    include_str!("expectations.rs"),
    include_str!("explanations.rs"),
    include_str!("links.rs"),
    include_str!("logs.rs"),
    include_str!("moved_chains.rs"),
    include_str!("places.rs"),
    include_str!("scopes.rs"),
    include_str!("signatures.rs"),
    include_str!("strays.rs"),
    include_str!("../../../trailseal/tests/it/packed.rs"),
    include_str!("../../../trailseal/tests/it/situations.rs"),
];

#[test]
fn every_situation_has_a_test() {
    let tests: Vec<&str> = SOURCES
        .iter()
        .flat_map(|source| source.split("#[test]\nfn ").skip(1))
        .filter_map(|test| test.split('(').next())
        .collect();
    let situations = situations();
    assert!(situations.len() > 90, "the table of the page is not understood");
    for situation in &situations {
        let prefix = format!("s{situation:02}_");
        assert!(tests.iter().any(|test| test.starts_with(&prefix)), "no test {prefix}…");
    }
    for test in tests {
        let number = test.get(1..3).and_then(|digits| digits.parse().ok());
        assert!(number.is_some_and(|number| situations.contains(&number)), "{test} belongs to no situation");
    }
}

/// The numbers of the rows of the table.
fn situations() -> Vec<u32> {
    let table = PAGE.split("\n## 5. ").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect()
}
