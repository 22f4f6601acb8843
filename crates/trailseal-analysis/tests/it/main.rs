//! Questions about the events of files, from the outside: options in, tables and rows out.

#![allow(clippy::unwrap_used, reason = "tests")]

mod by_index;

use std::{fs, io, path::Path};

use trailseal_analysis::{
    Question, Sameness,
    count::Counted,
    fields::{Field, Fields},
    groups::{self, GroupTable, GroupsAsked},
    near::{self, AskedValues},
    row_format::RowFormat,
    rows::{self, RowOrder, RowSink, RowsAsked},
    wanted::Wanted,
};
use trailseal_evidence::{Progress, inputs::Inputs, scan::ScanOptions};
use trailseal_query::{Filter, aggregate::Order};

pub(crate) struct Silent;

impl Progress for Silent {
    fn add(&self, _: u64, _: u64) {}

    fn done(&self, _: u64, _: u64) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Lines of JSON in a file, and what is asked of them.
struct Events {
    folder: tempfile::TempDir,
}

impl Events {
    fn of(lines: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.jsonl"), lines.join("\n")).unwrap();
        Self { folder }
    }

    fn ask<T>(&self, same: Option<Sameness>, wanted: &Wanted, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        let inputs = Inputs::open(&[Path::new(self.folder.path()).to_owned()]).unwrap();
        let filter = Filter::new(wanted.condition().unwrap().predicate);
        ask(&Question {
            files: &inputs,
            options: &ScanOptions { threads: 2, ..ScanOptions::default() },
            filter: &filter,
            progress: &Silent,
            dedupe: same,
            fingerprinter: trailseal_query::aggregate::Fingerprinter::default(),
        })
    }

    fn groups(&self, same: Option<Sameness>, asked: &GroupsAsked) -> Counted<GroupTable> {
        self.ask(same, &Wanted::default(), |question| groups::groups(question, asked).unwrap())
    }

    fn rows(&self, order: RowOrder) -> Vec<String> {
        let asked = RowsAsked { order, limit: None, sort_memory: 1 << 20, spill: None };
        let fields = Some(Fields::parse("eventID").unwrap());
        let format = RowFormat::Json { fields, provenance: false, integrity: false, is_element: false };
        let mut sink = Sink(Vec::new());
        self.ask(None, &Wanted::default(), |question| {
            rows::rows(question, &asked, &format, &mut sink).unwrap();
        });
        String::from_utf8(sink.0)
            .unwrap()
            .lines()
            .map(|line| line.replace("{\"eventID\":", "").replace('}', ""))
            .collect()
    }
}

struct Sink(Vec<u8>);

impl RowSink for Sink {
    fn takes_single_rows(&self) -> bool {
        false
    }

    fn take(&mut self, rows: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(rows);
        Ok(())
    }

    fn pause(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn is_gone(&self) -> bool {
        false
    }
}

fn event(id: &str, members: &str) -> String {
    format!(r#"{{"eventVersion":"1.08","eventName":"A","eventID":"{id}",{members}}}"#)
}

fn by(fields: &str) -> GroupsAsked {
    GroupsAsked {
        keys: Fields::parse(fields).unwrap().iter().cloned().collect(),
        sum: None,
        distinct: None,
        only_keys: false,
        order: Order::Count,
        top: None,
        min_count: 1,
        min_distinct: 0,
    }
}

/// The keys and counts of groups, as `key=count`.
fn counts(table: &GroupTable, keys: usize) -> Vec<String> {
    let row = |row: &Vec<trailseal_analysis::table::Cell>| {
        let texts: Vec<_> = row[..=keys].iter().map(|cell| cell.plain().into_owned()).collect();
        texts.join("=")
    };
    table.table.rows.iter().map(row).collect()
}

#[test]
fn an_event_counts_once_for_each_value_of_a_list_2_8() {
    // docs/spec/records.md 2.8
    let events = Events::of(&[
        event("1", r#""requestParameters":{"names":["a","b","a",null],"n":[1,"2"]}"#),
        event("2", r#""requestParameters":{"names":"b","n":3}"#),
        event("3", r#""requestParameters":{"names":[]}"#),
    ]);
    let groups = events.groups(None, &by("requestParameters.names"));
    assert_eq!(counts(&groups.tally, 1), ["b=2", "[]=1", "a=1"]);
    let sum = GroupsAsked { sum: Some(Field::parse("requestParameters.n").unwrap()), ..by("eventName") };
    let summed = events.groups(None, &sum);
    assert_eq!(summed.tally.table.rows[0][2].plain(), "6");
}

#[test]
fn one_field_has_no_limit_and_products_tell_theirs() {
    let list = |name: &str, count: usize| {
        let values: Vec<String> = (0..count).map(|at| format!("\"{name}{at}\"")).collect();
        format!("\"{name}\":[{}]", values.join(","))
    };
    let members = format!("\"requestParameters\":{{{},{}}}", list("a", 5_000), list("b", 50));
    let events = Events::of(&[event("1", &members)]);
    let one = events.groups(None, &by("requestParameters.a"));
    assert_eq!((one.tally.all, one.clipped), (5_000, 0));
    let both = events.groups(None, &by("requestParameters.a,requestParameters.b"));
    assert_eq!((both.tally.all, both.clipped), (100_000, 1));
}

#[test]
fn what_several_accounts_recorded_of_one_action_is_one() {
    let shared = r#""sharedEventID":"s""#;
    let events =
        Events::of(&[event("1", shared), event("2", shared), event("2", shared), event("s", r#""x":1"#)]);
    let count = |same| events.groups(same, &by("eventName")).kept;
    assert_eq!(count(None), 4);
    assert_eq!(count(Some(Sameness::EventId)), 3);
    assert_eq!(count(Some(Sameness::SharedEventId)), 2, "an id of one kind is none of the other");
}

#[test]
fn groups_of_too_few_different_values_are_left_out() {
    let login = |id: &str, from: &str, user: &str| {
        event(
            id,
            &format!(r#""sourceIPAddress":"{from}","userIdentity":{{"type":"IAMUser","userName":"{user}"}}"#),
        )
    };
    let events = Events::of(&[
        login("1", "203.0.113.9", "a"),
        login("2", "203.0.113.9", "b"),
        login("3", "198.51.100.1", "a"),
        login("4", "198.51.100.1", "a"),
        login("5", "198.51.100.1", "a"),
    ]);
    let asked = GroupsAsked {
        distinct: Some(Field::parse("username").unwrap()),
        min_distinct: 2,
        ..by("sourceIPAddress")
    };
    assert_eq!(counts(&events.groups(None, &asked).tally, 1), ["203.0.113.9=2"]);
}

#[test]
fn fractions_of_a_second_order_events() {
    let at = |id: &str, time: &str| event(id, &format!(r#""eventTime":"{time}""#));
    let events = Events::of(&[
        at("late", "2024-03-01T10:00:00.9Z"),
        at("early", "2024-03-01T10:00:00.10Z"),
        at("none", "soon"),
        at("first", "2024-03-01T10:00:00Z"),
    ]);
    assert_eq!(events.rows(RowOrder::Oldest), [r#""first""#, r#""early""#, r#""late""#, r#""none""#]);
    assert_eq!(events.rows(RowOrder::Newest), [r#""late""#, r#""early""#, r#""first""#, r#""none""#]);
}

#[test]
fn what_may_have_been_meant_is_found() {
    let events = Events::of(&[event("1", r#""eventSource":"s3.amazonaws.com""#), event("2", r#""x":1"#)]);
    let asked = |field: &str, value: &str| AskedValues {
        field: Field::parse(field).unwrap(),
        values: vec![value.to_owned()],
    };
    let near = events.ask(None, &Wanted::default(), |question| {
        near::near(question, &[asked("eventName", "a"), asked("eventSource", "S3"), asked("eventID", "x")])
            .unwrap()
    });
    let told: Vec<_> = near.iter().map(|near| (near.asked, near.found.as_str(), near.count)).collect();
    assert_eq!(told, [(0, "A", 2), (1, "s3.amazonaws.com", 1)]);
}
