//! An archive proven, and then asked: every failed call, with what the digests prove of the file that holds it.
//!
//! ```text
//! cargo run -p trailseal-evidence --example proven-events testdata/demo/archive testdata/demo/keys
//! ```
//!
//! It prints the verdict of the whole, a line a finding, and then a line an event.

use std::{
    error::Error,
    io::{self, Write as _},
    ops::ControlFlow,
    path::PathBuf,
};

use trailseal_evidence::{
    Completeness, Options, Silent,
    inputs::Inputs,
    keys,
    ledger::{Integrity, Ledger},
    scan::{self, ScanOptions},
    verify,
};
use trailseal_query::{Filter, Predicate, path::FieldPath, predicate::Test};
use trailseal_verify::KeyRing;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout();
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(archive), Some(key_folder)) = (paths.next(), paths.next()) else {
        return Err("usage: proven-events ARCHIVE KEYS".into());
    };

    // Step 1: what the user trusts. A file that is no key file is a defect of the result, not an error.
    let loaded = keys::load(&[key_folder])?;
    let options = Options {
        roots: vec![archive.clone()],
        keys: KeyRing::new(loaded.content.keys),
        ..Options::default()
    };

    // Step 2: the whole archive is judged; every account and region is shown on the way.
    let report = verify(&options, &Silent, &mut |_region| ControlFlow::Continue(()))?;
    writeln!(out, "{:?}", report.verdict)?;
    for finding in &report.findings {
        writeln!(out, "  {}: {}", finding.code.text(), finding.message)?;
    }

    // Step 3: a query needs the digests alone; each file is judged when it is read.
    let ledger = Ledger::load(&options, &Silent)?;
    let scan_options = ScanOptions { ledger: Some(&ledger), ..ScanOptions::default() };
    let filter = Filter::new(Predicate::Field(FieldPath::new(["errorCode"]), Test::Exists));
    let summary = scan::stream(
        &Inputs::open(&[archive])?,
        &scan_options,
        &filter,
        &Silent,
        &|lines: &mut Vec<u8>, row| {
            let integrity = row.file.integrity.map_or("", Integrity::as_str);
            lines.extend_from_slice(format!("{integrity} {}#{} ", row.file.shown, row.number).as_bytes());
            lines.extend_from_slice(row.record.bytes());
            lines.push(b'\n');
        },
        // Batches come in the order of the archive, whatever the number of threads.
        &mut |lines| {
            // whoever reads them may have seen enough
            if out.write_all(lines).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    )?;

    // Step 4: whether that is all there was to find.
    writeln!(out, "{} events of {}", summary.counts.matched, summary.counts.records)?;
    let completeness = Completeness::of(&scan_options, &summary, &summary.row_labels);
    if !completeness.is_complete() {
        writeln!(out, "There may be more: {completeness:?}")?;
    }
    Ok(())
}
