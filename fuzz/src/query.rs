//! Targets of the query engine: records in content of any shape, containers, conditions.

use std::ops::ControlFlow;

use trailseal_archive::content::{ContentError, ContentLimits, detect, read_stream};
use trailseal_query::{
    Filter, Predicate, Record, expression,
    path::FieldPath,
    predicate::{Literal, Operator, Test, TextTest},
    scan::{Found, Next, Scanner},
};

use pieces::in_pieces;

#[path = "../../crates/trailseal-query/src/scan/pieces.rs"]
mod pieces;

/// Records: never a panic; the cut of the stream changes nothing; looking for texts beforehand loses nothing;
/// what matches is valid JSON.
pub fn records(data: &[u8]) {
    let everything = Filter::new(Predicate::Constant(true));
    let (all, is_damaged) = scan(&everything, data, usize::MAX);
    for step in [1, 7, 64] {
        let (pieces, is_also_damaged) = scan(&everything, data, step);
        assert!(is_damaged || is_also_damaged || pieces == all);
    }
    for predicate in predicates() {
        let filter = Filter::new(predicate.clone());
        let wanted: Vec<&Vec<u8>> =
            all.iter().filter(|bytes| predicate.matches(&Record::new(bytes))).collect();
        let (found, _) = scan(&filter, data, usize::MAX);
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{predicate:?}");
    }
    for bytes in &all {
        let record = Record::new(bytes);
        assert_eq!(record.check(), Ok(()));
        assert_eq!(Record::new(&record.line()).check(), Ok(()));
        let _ = (record.time(), record.plain_text());
    }
}

fn predicates() -> Vec<Predicate> {
    let field = |test| Predicate::Field(FieldPath::new(["eventName"]), test);
    let nested = FieldPath::new(["userIdentity", "arn"]);
    vec![
        field(Test::Compare(Operator::Equal, Literal::Text("A/b".into()))),
        field(Test::Text(TextTest::contains("a:b", false))),
        field(Test::In(vec![Literal::Text("1".into()), Literal::Text("{}".into())])),
        Predicate::Field(nested, Test::Text(TextTest::prefix("arn:", false))),
        Predicate::Anywhere(TextTest::contains("\":\"A", false)),
        !field(Test::Exists),
    ]
}

/// The records that pass a filter, and whether anything was damaged, of content that comes in pieces of `step`
/// bytes.
pub fn scan(filter: &Filter, content: &[u8], step: usize) -> (Vec<Vec<u8>>, bool) {
    let mut scanner = Scanner::new(filter, true);
    scanner.start();
    let (mut found, mut is_damaged) = (Vec::new(), false);
    in_pieces(content, step, usize::MAX, |buffer, next| {
        scanner.feed(buffer, next, &mut |piece| match piece {
            Found::Match { record, at, .. } => {
                // where a record is said to lie, it does
                if let Some(at) = at {
                    assert!(content[at as usize..].starts_with(record.bytes()), "{at}");
                }
                found.push(record.bytes().to_vec());
            }
            Found::Damage { .. } => is_damaged = true,
        })
    });
    assert_eq!(scanner.counts().matched, found.len() as u64);
    (found, is_damaged)
}

/// Containers: never a panic; what a reader yields is bounded, and an end without an error is a true end.
pub fn content(data: &[u8]) {
    const LIMIT: u64 = 1 << 20;
    let limits = ContentLimits {
        max_entry: LIMIT,
        max_depth: 4,
        max_entries: 50,
        max_total: 8 << 20,
        ..ContentLimits::default()
    };
    let _ = detect(data);
    let mut given = 0;
    let outcome = read_stream("input", data, &limits, &mut |name, reader| {
        let mut text = Vec::new();
        if let Err(error) = reader.read_to_end(&mut text) {
            assert!(ContentError::of(&error).is_some(), "{error}");
        }
        // UTF-16 may take half as much again as UTF-8
        assert!(text.len() as u64 <= 2 * LIMIT, "{name}");
        given += text.len() as u64;
        ControlFlow::Continue(())
    });
    assert_eq!(outcome.bytes_given, given);
    assert!(outcome.bytes_read <= data.len() as u64);
}

/// Conditions: never a panic; what is accepted prints to something that parses to the same.
pub fn expression(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(predicate) = expression::parse(text) else { return };
    let record =
        Record::new(br#"{"eventName":"A","userIdentity":{"type":"Root"},"resources":[{"ARN":"x"}]}"#);
    let truth = predicate.evaluate(&record);
    let printed = predicate.to_string();
    // literals of several kinds beside one field cannot be written in SQL as they are
    if printed.contains("CAST") {
        return;
    }
    let again = expression::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(again.evaluate(&record), truth, "{printed}");
    assert_eq!(again.to_string(), printed);
}
