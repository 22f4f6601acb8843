//! That no situation of the table (docs/spec/verification.md 5) which this crate decides was forgotten: `s37_…` guards its
//! row 37.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/spec/verification.md");

const SOURCES: [&str; 7] = [
    include_str!("chains.rs"),
    include_str!("digests.rs"),
    include_str!("keys.rs"),
    include_str!("logs.rs"),
    include_str!("places.rs"),
    include_str!("scopes.rs"),
    include_str!("signatures.rs"),
];

/// The rows that need more than the digests of one account and region, or what stands around them. The tests of
/// `trailseal-evidence` and of the command guard them all.
const ELSEWHERE: [(&[u32], &str); 6] = [
    (&[8, 9, 54, 70, 85, 91, 96], "all files of an archive, by content: logs, strays, leftovers, links"),
    (
        &[28, 29, 31, 35, 51, 76, 79, 82, 86, 87],
        "the conclusion over all accounts and regions, and what the user expects",
    ),
    (&[59, 60, 61, 72, 94], "what the events in verified logs explain"),
    (&[32, 64, 75, 83, 97, 98], "roots and paths"),
    (&[63, 67, 74, 84], "names of files that are no digests"),
    (&[58, 68, 78, 80, 89, 90], "reports, commands and what they cost"),
];

#[test]
fn every_situation_is_decided_here_or_elsewhere() {
    let table = PAGE.split("\n## 5. ").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let situations: BTreeSet<u32> =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    assert!(situations.len() > 90, "the table of the page is not understood");
    let here: BTreeSet<u32> = SOURCES
        .iter()
        .flat_map(|source| source.split("#[test]\nfn s").skip(1))
        .filter_map(|test| test.split_once('_')?.0.parse().ok())
        .collect();
    let elsewhere: BTreeSet<u32> = ELSEWHERE.iter().flat_map(|(rows, _)| rows.iter().copied()).collect();
    assert_eq!(here.intersection(&elsewhere).collect::<Vec<_>>(), [&0; 0], "in both");
    assert_eq!(here.union(&elsewhere).copied().collect::<BTreeSet<_>>(), situations);
}
