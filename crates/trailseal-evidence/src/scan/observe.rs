//! Hashing a whole file as verification does, before it is scanned.

use std::io::{self, Read};

use trailseal_archive::gzip::{Ending, Inflater};
use trailseal_sha256::Hasher;
use trailseal_verify::Observation;

/// Inflated bytes that are hashed at a time.
const WINDOW: usize = 256 * 1024;

/// Reads a file to its end, or as far as `limit` bytes of content go.
pub(super) fn observe(file: &mut impl Read, limit: u64) -> io::Result<Observation> {
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
    // what follows the damage may be read, too
    if matches!(inflater.ending(), Ending::Corrupt { .. }) {
        io::copy(file, &mut io::sink())?;
    }
    Ok(Observation {
        sha256: hasher.finalize(),
        inflated: inflater.inflated(),
        form: inflater.form(),
        ending: inflater.ending().clone(),
    })
}
