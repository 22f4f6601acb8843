//! `cargo bench -p trailseal-bench --bench query [-- RUNS]`: scans beside a bare loop that reads, inflates with
//! the same library and looks for one text, over the same files, both in one run, interleaved.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use trailseal_bench::{Data, bare_search, inflated, median, medium, peak_memory, time};
use trailseal_evidence::{
    Silent,
    inputs::Inputs,
    scan::{Batch, Fold, Row, ScanOptions, fold, stream},
};
use trailseal_query::{
    Filter, Predicate,
    path::FieldPath,
    predicate::{Literal, Operator, Test},
    scan::{Found, Next, Scanner},
};

fn main() {
    let runs = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(7);
    let data = Data::named("medium", &medium()).expect("the archive can be generated");
    let logs = data.logs().expect("the archive can be listed");
    for threads in [1, 2] {
        let mut bare = Vec::new();
        let mut times: Vec<(&str, Vec<Duration>, u64)> =
            questions().iter().map(|question| (question.name, Vec::new(), 0)).collect();
        let mut bytes = 0;
        bare_search(&logs, threads, RARE);
        for _ in 0..runs {
            let ((inflated, _), elapsed) = time(|| bare_search(&logs, threads, RARE));
            bytes = inflated;
            bare.push(elapsed);
            for (question, (_, times, rows)) in questions().iter().zip(&mut times) {
                let (found, elapsed) = time(|| question.ask(&data.archive, threads));
                *rows = found;
                times.push(elapsed);
            }
        }
        let bare = median(&mut bare).as_secs_f64();
        let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
        println!(
            "{threads} threads, {} logs, {:.1} MB inflated, median of {runs}:",
            logs.len(),
            bytes as f64 / 1e6
        );
        println!("  bare loop (read, libdeflate, one text)   {bare:.3} s  {:>5.0} MB/s", rate(bare));
        for (name, mut times, rows) in times {
            let seconds = median(&mut times).as_secs_f64();
            let share = bare / seconds * 100.0;
            println!(
                "  {name:<40} {seconds:.3} s  {:>5.0} MB/s  {share:.0} % of the bare loop  {rows} rows",
                rate(seconds)
            );
        }
    }
    scan_alone(&logs, runs);
    println!("peak memory of this process: {:.1} MiB", peak_memory());
}

/// One thread, content that is inflated already: what the scan itself takes.
fn scan_alone(logs: &[(PathBuf, u64)], runs: usize) {
    // little enough to stay in the cache, where inflating leaves it
    const ROUNDS: usize = 200;
    let contents = inflated(&logs[logs.len() / 2..], 1_000_000);
    let bytes: usize = ROUNDS * contents.iter().map(Vec::len).sum::<usize>();
    println!("1 thread, {} files inflated beforehand, {ROUNDS} times, median of {runs}:", contents.len());
    for question in questions() {
        let filter = Filter::new(question.predicate.clone());
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..runs {
            let mut scanner = Scanner::new(&filter, matches!(question.kind, Kind::Lines));
            let mut seen = 0_u64;
            let ((), elapsed) = time(|| {
                for content in contents.iter().cycle().take(ROUNDS * contents.len()) {
                    scanner.start();
                    scanner.feed(content, Next::End, &mut |found| {
                        if let Found::Match { record, .. } = found {
                            seen += match &question.kind {
                                Kind::Lines => record.line().len() as u64,
                                Kind::CountBy(path) => record.text(path).map_or(0, |text| text.len() as u64),
                            };
                        }
                    });
                }
            });
            std::hint::black_box(seen);
            times.push(elapsed);
        }
        let seconds = median(&mut times).as_secs_f64();
        println!("  {:<40} {:.1} GB/s", question.name, bytes as f64 / 1e9 / seconds);
    }
}

/// An event name of few records, and one of many.
const RARE: &str = "\"ListTags\"";

struct Question {
    name: &'static str,
    predicate: Predicate,
    kind: Kind,
}

enum Kind {
    /// Rows as JSON Lines, thrown away.
    Lines,
    /// Counts by the text of a field.
    CountBy(FieldPath),
}

fn questions() -> Vec<Question> {
    let equals = |path: &str, text: &str| {
        let path = FieldPath::parse(path).expect("a path");
        Predicate::Field(path, Test::Compare(Operator::Equal, Literal::Text(text.to_owned())))
    };
    let count_by = |path: &str| Kind::CountBy(FieldPath::parse(path).expect("a path"));
    let lines = |name, predicate| Question { name, predicate, kind: Kind::Lines };
    vec![
        lines("Q1 rare eventName", equals("eventName", "ListTags")),
        lines("Q2 common eventName", equals("eventName", "AssumeRole")),
        lines("Q4 eventID", equals("eventID", "00000000-0000-0000-0000-000000000000")),
        Question {
            name: "Q5 count by eventName",
            predicate: Predicate::Constant(true),
            kind: count_by("eventName"),
        },
        Question {
            name: "Q6 AccessDenied by userIdentity.arn",
            predicate: equals("errorCode", "AccessDenied"),
            kind: count_by("userIdentity.arn"),
        },
    ]
}

/// Formatted events.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    rows: u64,
}

impl Batch for Lines {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.rows = 0;
    }
}

/// Events by value.
#[derive(Default)]
struct Tally(HashMap<String, u64>);

impl Fold for Tally {
    fn merge(&mut self, Self(other): Self) {
        for (key, count) in other {
            *self.0.entry(key).or_default() += count;
        }
    }
}

impl Question {
    /// The rows, or groups.
    fn ask(&self, archive: &Path, threads: usize) -> u64 {
        let filter = Filter::new(self.predicate.clone());
        let check = matches!(self.kind, Kind::Lines);
        let inputs = Inputs::open(&[archive.to_owned()]).expect("an archive");
        let options = ScanOptions { threads, check_json: check, stat_files: false, ..ScanOptions::default() };
        match &self.kind {
            Kind::Lines => {
                let mut rows = 0;
                let write = |lines: &mut Lines, row: &Row<'_>| {
                    lines.bytes.extend_from_slice(&row.record.line());
                    lines.bytes.push(b'\n');
                    lines.rows += 1;
                };
                stream(&inputs, &options, &filter, &Silent, &write, &mut |lines: &mut Lines| {
                    rows += lines.rows;
                    std::ops::ControlFlow::Continue(())
                })
                .expect("an archive");
                rows
            }
            Kind::CountBy(path) => {
                let count = |Tally(counts): &mut Tally, row: &Row<'_>| {
                    let text = row.record.text(path).unwrap_or_default();
                    if let Some(count) = counts.get_mut(&*text) {
                        *count += 1;
                    } else {
                        counts.insert(text.into_owned(), 1);
                    }
                    std::ops::ControlFlow::Continue(())
                };
                let (Tally(all), _) =
                    fold(&inputs, &options, &filter, &Silent, &Tally::default, &count).expect("an archive");
                all.len() as u64
            }
        }
    }
}
