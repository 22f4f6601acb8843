//! The whole way of a scan (cutting, looking for texts beforehand, finding members by their bytes) beside a
//! reader that parses every record and looks at all of them.

use proptest::{collection::vec, prelude::*};
use serde_json::Value;
use trailseal_query::{
    Filter, Record,
    scan::{Found, Next, Scanner},
};

use crate::generate;

/// The records that a scan lets through, and whether it met damage.
fn scan(filter: &Filter, content: &str, step: usize) -> (Vec<String>, bool) {
    let mut scanner = Scanner::new(filter, true);
    scanner.start();
    let (mut found, mut is_damaged, mut buffer, mut rest) =
        (Vec::new(), false, Vec::new(), content.as_bytes());
    loop {
        let (now, later) = rest.split_at(step.min(rest.len()));
        buffer.extend_from_slice(now);
        rest = later;
        let next = if rest.is_empty() { Next::End } else { Next::More };
        let consumed = scanner.feed(&buffer, next, &mut |piece| match piece {
            Found::Match { record, .. } => found.push(String::from_utf8(record.bytes().to_vec()).unwrap()),
            Found::Damage { .. } => is_damaged = true,
        });
        buffer.drain(..consumed);
        if next == Next::End {
            return (found, is_damaged);
        }
    }
}

/// Records as files have them: with the fields by which they are known.
fn with_version(record: &str) -> String {
    let rest = record.trim_start().strip_prefix('{').unwrap();
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{{\"eventVersion\":\"1.08\"{comma}{rest}").trim_end().to_owned()
}

/// The shapes in which the same records lie in files.
fn shapes(records: &[String]) -> Vec<String> {
    let lines = |records: &[String]| records.iter().map(|r| one_line(r)).collect::<Vec<_>>().join("\n");
    vec![
        format!("{{\"Records\":[{}]}}", records.join(",")),
        format!(" [\n{}\n]\n", records.join(" ,\n ")),
        lines(records),
        records.iter().map(|record| format!("{{\"Records\":[{record}]}}")).collect::<Vec<_>>().join("\n"),
    ]
}

/// JSON Lines cannot hold a record that spans lines.
fn one_line(record: &str) -> String {
    String::from_utf8(Record::new(record.as_bytes()).line().into_owned()).unwrap()
}

fn normal(records: &[String]) -> Vec<Value> {
    records.iter().map(|record| serde_json::from_str(record).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_finds_what_reading_every_record_finds(
        records in vec(prop_oneof![generate::record(), generate::event()], 0..8),
        plan in generate::plan(),
        step in 1_usize..200,
    ) {
        let predicate = plan.build();
        let filter = Filter::new(predicate.clone());
        let records: Vec<String> = records.iter().map(|record| with_version(record)).collect();
        let wanted: Vec<String> =
            records.iter().filter(|record| predicate.matches(&Record::new(record.as_bytes()))).cloned().collect();
        for content in shapes(&records) {
            for step in [usize::MAX, step] {
                let (found, is_damaged) = scan(&filter, &content, step);
                prop_assert!(!is_damaged, "{}", content);
                prop_assert_eq!(normal(&found), normal(&wanted), "{} in {}", predicate, content);
            }
        }
    }

    #[test]
    fn damaged_content_gives_nothing_that_is_not_in_it(
        records in vec(generate::event(), 1..5),
        plan in generate::plan(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let filter = Filter::new(plan.build());
        let records: Vec<String> = records.iter().map(|record| with_version(record)).collect();
        let mut content = shapes(&records)[0].clone().into_bytes();
        let at = at.index(content.len());
        content[at] = byte;
        let content = String::from_utf8_lossy(&content).into_owned();
        let (found, _) = scan(&filter, &content, usize::MAX);
        for record in &found {
            prop_assert!(content.contains(record.as_str()));
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(record);
            prop_assert!(parsed.is_ok(), "{}", record);
        }
        // what lies before the damaged record is found all the same
        let mut before = 12;
        let whole = records.iter().take_while(|record| { before += record.len() + 1; before <= at });
        let wanted = whole.filter(|record| filter.matches(&Record::new(record.as_bytes()))).count();
        prop_assert!(found.len() >= wanted, "{} of {} in {}", found.len(), wanted, content);
    }
}
