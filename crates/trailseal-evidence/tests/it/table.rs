//! That no situation of the table was forgotten.

const SOURCES: [&str; 15] = [
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
    include_str!("../../../trailseal/tests/it/situations.rs"),
];

#[test]
fn every_situation_has_a_test() {
    let tests: Vec<&str> = SOURCES
        .iter()
        .flat_map(|source| source.split("#[test]\nfn ").skip(1))
        .filter_map(|test| test.split('(').next())
        .collect();
    for situation in 1..=97 {
        let prefix = format!("s{situation:02}_");
        assert!(tests.iter().any(|test| test.starts_with(&prefix)), "no test {prefix}…");
    }
    for test in tests {
        let number = test.get(1..3).and_then(|digits| digits.parse::<u32>().ok());
        assert!(number.is_some_and(|number| (1..=97).contains(&number)), "{test} belongs to no situation");
    }
}
