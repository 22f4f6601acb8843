//! Hashing a whole file as verification does, before it is scanned.

use std::{
    fs::File,
    io::{self, Seek},
};

use trailseal_archive::gzip::Inflater;
use trailseal_sha256::Hasher;
use trailseal_verify::logs::Observation;

/// Inflated bytes that are hashed at a time.
const WINDOW: usize = 256 * 1024;

/// Reads a file to its end and back to its beginning.
pub(super) fn observe(file: &mut File, limit: u64) -> io::Result<Observation> {
    let mut inflater = Inflater::new();
    let mut hasher = Hasher::new();
    let mut window = vec![0; WINDOW];
    inflater.start(limit);
    loop {
        let length = inflater.fill(file, &mut window)?;
        hasher.update(&window[..length]);
        if length < window.len() {
            break;
        }
    }
    file.rewind()?;
    Ok(Observation {
        sha256: hasher.finalize(),
        inflated: inflater.inflated(),
        form: inflater.form(),
        ending: inflater.ending().clone(),
    })
}
