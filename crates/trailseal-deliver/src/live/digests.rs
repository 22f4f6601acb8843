//! The chains of digest files of a trail.

use std::path::Path;

use trailseal_archive::key::DigestName;
use trailseal_archive::{Timestamp, trail::DeliveredTrail};

use super::LiveError;
use super::keyring::SigningKeys;
use super::state::{Chain, Closing, LogRow, Previous, TrailState};
use crate::digest::{DigestDocument, DigestLogFile, HASH_ALGORITHM, sha256_hex};
use crate::journal::disk::Disk;
use crate::write::{Sidecar, gzip, sidecar_name};

/// Where digests are written, and by which keys they are signed.
pub(super) struct DigestWriter<'a> {
    pub(super) buckets: &'a Path,
    pub(super) gzip_level: u32,
    pub(super) disk: &'a Disk,
    pub(super) keys: &'a mut SigningKeys,
}

impl DigestWriter<'_> {
    /// Writes the starting digest of every chain that has none, and says how many. The windows of all
    /// chains meet at the same times, so a chain that begins later begins at the start of the window.
    pub(super) fn start_chains(&mut self, state: &mut TrailState) -> Result<u64, LiveError> {
        let Some(start) = state.window_start else { return Ok(0) };
        let mut written = 0;
        for (region, chain) in &mut state.chains {
            if chain.previous.is_none() {
                let spec = &state.spec;
                let key = digest_key(spec, region, start);
                let document = DigestDocument::starting(&spec.account, start, &spec.bucket, &key);
                chain.previous = Some(self.sign_and_write(region, document, start)?);
                written += 1;
            }
        }
        Ok(written)
    }

    /// Writes the digests of a window: what the chains' newest digests will then be. The same state gives
    /// the same digests.
    pub(super) fn close(
        &mut self,
        state: &TrailState,
        closing: Closing,
    ) -> Result<Vec<(String, Previous)>, LiveError> {
        let start = state.window_start.unwrap_or(closing.end);
        let mut newest = Vec::with_capacity(state.chains.len());
        for (region, chain) in &state.chains {
            let document = next(&state.spec, region, chain, start, closing.end);
            newest.push((region.clone(), self.sign_and_write(region, document, closing.end)?));
        }
        Ok(newest)
    }

    /// The sidecar is there before its digest: no digest is ever seen without a signature.
    fn sign_and_write(
        &mut self,
        region: &str,
        mut document: DigestDocument,
        end: Timestamp,
    ) -> Result<Previous, LiveError> {
        let key = self.keys.signing(region, end)?;
        key.fingerprint().clone_into(&mut document.public_key_fingerprint);
        let inflated = document.to_json(true);
        let signature = document.sign(&inflated, key)?;
        let compressed = gzip(&inflated, self.gzip_level);
        let sidecar = Sidecar::of_digest(&compressed, &signature, end).to_json();
        let path = self.buckets.join(&document.s3_bucket).join(&document.s3_object);
        let beside = self.buckets.join(&document.s3_bucket).join(sidecar_name(&document.s3_object));
        for (path, bytes) in [(&beside, sidecar.as_bytes()), (&path, &compressed)] {
            self.disk.replace(path, bytes, false).map_err(|source| LiveError::write(path, source))?;
        }
        Ok(Previous {
            bucket: document.s3_bucket,
            key: document.s3_object,
            hash: sha256_hex(&inflated),
            signature,
        })
    }
}

fn next(
    spec: &DeliveredTrail,
    region: &str,
    chain: &Chain,
    start: Timestamp,
    end: Timestamp,
) -> DigestDocument {
    let key = digest_key(spec, region, end);
    let mut document = DigestDocument::empty(&spec.account, start, end, &spec.bucket, &key);
    if let Some(previous) = &chain.previous {
        document.previous_s3_bucket = Some(previous.bucket.clone());
        document.previous_s3_object = Some(previous.key.clone());
        document.previous_hash_value = Some(previous.hash.clone());
        document.previous_hash_algorithm = Some(HASH_ALGORITHM.to_owned());
        document.previous_signature = Some(previous.signature.clone());
    }
    document.set_log_files(chain.sealed.iter().map(entry).collect());
    document
}

fn entry(row: &LogRow) -> DigestLogFile {
    DigestLogFile {
        s3_bucket: row.bucket.clone(),
        s3_object: row.key.clone(),
        hash_value: row.hash.clone(),
        hash_algorithm: HASH_ALGORITHM.to_owned(),
        newest_event_time: row.newest.to_string(),
        oldest_event_time: row.oldest.to_string(),
    }
}

fn digest_key(spec: &DeliveredTrail, region: &str, end: Timestamp) -> String {
    let name = DigestName {
        account: &spec.account,
        region,
        trail: &spec.name,
        home_region: &spec.home_region,
        end,
        backfill: false,
    };
    format!("{}{}/{}", spec.key_prefix("CloudTrail-Digest", region), end.date_folders(), name.file_name())
}
