//! The whole way of a scan (cutting, looking for texts beforehand, finding members by their bytes) beside a
//! reader that parses every record and looks at all of them.

use proptest::{collection::vec, prelude::*};
use serde_json::Value;
use trailseal_query::{Filter, Predicate, Record};

use crate::{generate, targets::scan};

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

fn normal<T: AsRef<[u8]>>(records: &[T]) -> Vec<Value> {
    records.iter().map(|record| serde_json::from_slice(record.as_ref()).unwrap()).collect()
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
                let (found, is_damaged) = scan(&filter, content.as_bytes(), step);
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
        let (found, _) = scan(&filter, content.as_bytes(), usize::MAX);
        for record in &found {
            let record = std::str::from_utf8(record).unwrap();
            // what a table calls so is written anew with CloudTrail's names, where the damage took the version
            prop_assert!(content.contains(record) || content.contains("\"eventname\""), "{}", record);
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(record);
            prop_assert!(parsed.is_ok(), "{}", record);
        }
        // what lies before the damaged record is found all the same
        let mut before = 12;
        let whole = records.iter().take_while(|record| { before += record.len() + 1; before <= at });
        let wanted = whole.filter(|record| filter.matches(&Record::new(record.as_bytes()))).count();
        prop_assert!(found.len() >= wanted, "{} of {} in {}", found.len(), wanted, content);
    }

    #[test]
    fn a_broken_record_does_not_hide_the_others(
        count in 2_usize..7,
        broken in any::<prop::sample::Index>(),
        kind in 0..4,
        step in 1_usize..200,
    ) {
        let record = |n: usize, text: &str| {
            format!(r#"{{"eventVersion":"1.08","eventName":"E{n}","x":{{"y":["{text}"]}},"eventID":"{n}"}}"#)
        };
        let broken = broken.index(count);
        let written = |n: usize| match kind {
            _ if n != broken => record(n, "fine"),
            0 => record(n, "a raw\nbreak"),
            1 => record(n, "an end\"that is none"),
            2 => record(n, "z").replace("[\"z", "[}\"z"),
            _ => record(n, "z").replacen('{', "nonsense {", 1),
        };
        let records: Vec<String> = (0..count).map(written).collect();
        let content = format!("{{\"Records\":[{}]}}", records.join(",\n"));
        let filter = Filter::new(Predicate::Constant(true));
        for step in [usize::MAX, step] {
            let (found, is_damaged) = scan(&filter, content.as_bytes(), step);
            let whole = (0..count).filter(|n| *n != broken).map(|n| record(n, "fine"));
            for record in whole {
                prop_assert!(found.contains(&record.clone().into_bytes()), "{record} of {content}");
            }
            prop_assert!(is_damaged, "{content}");
        }
    }
}
