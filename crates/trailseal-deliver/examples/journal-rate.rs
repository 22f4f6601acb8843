//! How many events a second a journal makes durable: `cargo run --release --example journal-rate -- FOLDER
//! [EVENTS] [BATCH] [THREADS]`.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use trailseal_deliver::journal::{Journal, JournalEntry, JournalOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("a folder is needed")?);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (events, batch, threads) = (number(100_000)?, number(100)?, number(4)?);
    let journal = Journal::open(&folder, JournalOptions::default())?;
    let event = format!(r#"{{"eventTime":"2024-03-01T00:00:00Z","pad":"{}"}}"#, "x".repeat(1400));
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..events / threads / batch {
                    let entry = || JournalEntry::new("111122223333", "eu-west-1", 0, event.as_bytes());
                    let entries: Result<Vec<_>, _> = (0..batch).map(|_| entry()).collect();
                    journal.append(&entries.expect("an event")).expect("a durable batch");
                }
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let done = journal.end().0;
    println!("{done} events in {seconds:.2} s: {:.0} a second", done as f64 / seconds);
    Ok(())
}
