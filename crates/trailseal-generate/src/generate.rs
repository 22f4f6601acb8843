//! Fills a folder with a signed archive.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;
use trailseal_archive::Timestamp;
use trailseal_archive::key::DigestName;
use trailseal_deliver::keys::KeyError;
use trailseal_deliver::write::{PublishedKey, Sidecar, gzip, public_keys_json, sidecar_name};
use trailseal_deliver::{DigestDocument, DigestLogFile, SigningKey};

use crate::logs::{HourOfLogs, LogWriter, Scratch};
use crate::options::{Options, OptionsError};
use crate::plan::{Chain, Plan, Segment};
use crate::random::{Rng, derive, derive_u64};
use crate::records::Records;

/// So many hours of one chain are written in parallel before their digests are signed in order.
const BATCH: u32 = 64;
/// So many chains are written in parallel.
const GROUP: usize = 32;

/// Hears how generation goes, and may end it. `()` hears nothing.
pub trait GenerationProgress: Sync {
    /// Called once, before the first hour: so many hours of chains will be written.
    fn begin(&self, hours: u64) {
        let _ = hours;
    }

    /// Called from any thread when the log files of an hour of a chain are written, with their number and
    /// size. The hour's digest is signed later, in the order of the chain.
    fn hour(&self, written: &Tally) {
        let _ = written;
    }

    /// Asked often, from any thread; `true` ends generation with [`Error::Interrupted`].
    fn interrupted(&self) -> bool {
        false
    }
}

impl GenerationProgress for () {}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Log files.
    pub log_files: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes of log files, inflated.
    pub inflated: u64,
    /// Bytes of log files, compressed.
    pub compressed: u64,
    /// Standard digest files, starting digests included.
    pub digest_files: u64,
    /// Backfill digest files.
    pub backfill_digest_files: u64,
}

impl Tally {
    fn add(mut self, other: &Self) -> Self {
        self.log_files += other.log_files;
        self.events += other.events;
        self.inflated += other.inflated;
        self.compressed += other.compressed;
        self.digest_files += other.digest_files;
        self.backfill_digest_files += other.backfill_digest_files;
        self
    }
}

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What was written, over all.
    pub written: Tally,
    /// Chains of standard digests, counted as account times region.
    pub chains: u64,
    /// Public keys in the key files.
    pub public_keys: u64,
    /// The account ids.
    pub accounts: Vec<String>,
    /// When logging first started: the end of the first starting digests.
    pub start: Timestamp,
    /// The end of the last digest's window.
    pub end: Timestamp,
    /// `OUT/archive`: the folder that holds the bucket's folder.
    pub archive: PathBuf,
    /// `OUT/keys`: the folder of the public key files.
    pub keys: PathBuf,
}

/// Why an archive was not generated, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option that cannot be.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// Files could be mixed with others.
    #[error("{} is not empty; generate writes into a new or an empty folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key could not be made or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The worker threads could not be started.
    #[error("cannot start threads: {reason}")]
    Threads {
        /// What rayon says.
        reason: String,
    },
    /// [`GenerationProgress::interrupted`] said so. What was written so far stays; it is not a whole archive.
    #[error("interrupted; the archive is not complete")]
    Interrupted,
}

/// Writes `OUT/archive/<bucket>/…` and `OUT/keys/public-keys-<region>.json`.
///
/// The same options give the same inflated bytes, keys, signatures and names, and, for the same version of
/// the gzip library, the same files, on any number of threads.
///
/// # Errors
/// [`Error`]; after an error `out` may hold a part of an archive.
pub fn generate(options: &Options, out: &Path, progress: &dyn GenerationProgress) -> Result<Summary, Error> {
    options.check()?;
    refuse_what_is_there(out)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|error| Error::Threads { reason: error.to_string() })?;
    pool.install(|| Generator::new(options, out, progress)?.run())
}

fn refuse_what_is_there(out: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: out.to_owned(), source };
    match fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(Error::NotEmpty { path: out.to_owned() }),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(out).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

struct Generator<'a> {
    options: &'a Options,
    plan: Plan,
    records: Records,
    /// Region and number of the key.
    keys: BTreeMap<(usize, i64), SigningKey>,
    out: &'a Path,
    bucket: PathBuf,
    /// Buffers that wait for the next log file; never more than there are threads.
    scratch: Mutex<Vec<Scratch>>,
    progress: &'a dyn GenerationProgress,
}

/// What the next digest of a chain needs of the one before.
struct Previous {
    document: DigestDocument,
    inflated: Vec<u8>,
    signature: String,
}

impl<'a> Generator<'a> {
    fn new(options: &'a Options, out: &'a Path, progress: &'a dyn GenerationProgress) -> Result<Self, Error> {
        let plan = Plan::new(options);
        let wanted: Vec<(usize, i64)> = (0..options.regions.len())
            .flat_map(|region| plan.keys_of(region).into_iter().map(move |key| (region, key)))
            .collect();
        let keys = wanted
            .into_par_iter()
            .map(|(region, number)| {
                if progress.interrupted() {
                    return Err(Error::Interrupted);
                }
                let path = ["key", &options.regions[region], &number.to_string()];
                Ok(((region, number), SigningKey::from_seed(derive(options.seed, &path))?))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            records: Records::new(options.seed, &plan.accounts),
            options,
            plan,
            keys,
            out,
            bucket: out.join("archive").join(&options.bucket),
            scratch: Mutex::default(),
            progress,
        })
    }

    fn run(&self) -> Result<Summary, Error> {
        let keys = self.write_keys()?;
        create(&self.bucket)?;
        self.progress.begin(self.plan.hours().count() as u64 * self.plan.chains.len() as u64);
        let mut written = Tally::default();
        // A thread that waits for the hours of its chain may begin another chain meanwhile; groups bound how
        // many can be under way.
        for group in self.plan.chains.chunks(GROUP) {
            let of_group = group
                .par_iter()
                .map(|chain| self.write_chain(chain))
                .try_reduce(Tally::default, |a, b| Ok(a.add(&b)))?;
            written = written.add(&of_group);
        }
        let last = self.plan.segments.last().map_or(self.plan.first, |s| s.window(s.hours));
        Ok(Summary {
            written,
            chains: self.plan.chains.len() as u64,
            public_keys: self.keys.len() as u64,
            accounts: self.plan.accounts.clone(),
            start: self.plan.first,
            end: last,
            archive: self.out.join("archive"),
            keys,
        })
    }

    fn write_keys(&self) -> Result<PathBuf, Error> {
        let folder = self.out.join("keys");
        create(&folder)?;
        for (at, region) in self.options.regions.iter().enumerate() {
            let keys: Vec<PublishedKey> = self
                .keys
                .range((at, i64::MIN)..=(at, i64::MAX))
                .map(|((_, number), key)| {
                    let (from, to) = self.plan.validity(*number);
                    PublishedKey::of(key, from, to)
                })
                .collect();
            let path = folder.join(format!("public-keys-{region}.json"));
            write(&path, public_keys_json(&keys).as_bytes())?;
        }
        Ok(folder)
    }

    fn write_chain(&self, chain: &Chain) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        for segment in &self.plan.segments {
            let mut previous = self.write_starting_digest(chain, segment, &mut tally)?;
            for batch in (0..segment.hours).step_by(BATCH as usize) {
                let hours: Vec<(HourOfLogs, Tally)> = (batch..segment.hours.min(batch + BATCH))
                    .into_par_iter()
                    .map(|hour| self.write_logs(chain, segment, hour))
                    .collect::<Result<_, Error>>()?;
                for (hour, (logs, mut written)) in (batch..).zip(hours) {
                    if self.progress.interrupted() {
                        return Err(Error::Interrupted);
                    }
                    if let Some(generated) = logs.backfill_generated {
                        self.write_backfill_digest(chain, segment, hour, logs.late, generated)?;
                        written.backfill_digest_files += 1;
                    }
                    previous = self.write_next_digest(chain, segment, hour, logs.logs, &previous)?;
                    written.digest_files += 1;
                    tally = tally.add(&written);
                }
            }
        }
        Ok(tally)
    }

    fn write_logs(&self, chain: &Chain, segment: &Segment, hour: u32) -> Result<(HourOfLogs, Tally), Error> {
        if self.progress.interrupted() {
            return Err(Error::Interrupted);
        }
        let spare = self.scratch.lock().ok().and_then(|mut spare| spare.pop());
        let mut scratch = spare.unwrap_or_else(|| Scratch::new(self.options.gzip_level));
        let writer = LogWriter { options: self.options, plan: &self.plan, records: &self.records, chain };
        let mut tally = Tally::default();
        let prefix = self.key_prefix(chain, "CloudTrail");
        let logs =
            writer.hour(segment, hour, &prefix, &mut scratch, |key, events, inflated, compressed| {
                tally.log_files += 1;
                tally.events += events;
                tally.inflated += inflated.len() as u64;
                tally.compressed += compressed.len() as u64;
                if self.progress.interrupted() {
                    return Err(Error::Interrupted);
                }
                write(&self.bucket.join(key), compressed)
            })?;
        if let Ok(mut spare) = self.scratch.lock() {
            spare.push(scratch);
        }
        self.progress.hour(&tally);
        Ok((logs, tally))
    }

    fn write_starting_digest(
        &self,
        chain: &Chain,
        segment: &Segment,
        tally: &mut Tally,
    ) -> Result<Previous, Error> {
        let end = segment.start;
        let key = self.digest_key(chain, end, false);
        let account = &self.plan.accounts[chain.account];
        let document = DigestDocument::starting(account, end, &self.options.bucket, &key);
        tally.digest_files += 1;
        self.sign_and_write(chain, document, end, None)
    }

    fn write_next_digest(
        &self,
        chain: &Chain,
        segment: &Segment,
        hour: u32,
        logs: Vec<DigestLogFile>,
        previous: &Previous,
    ) -> Result<Previous, Error> {
        let (start, end) = (segment.window(hour), segment.window(hour + 1));
        let mut document = self.document(chain, start, end, false);
        document.link_to(&previous.document, &previous.inflated, &previous.signature);
        document.set_log_files(logs);
        self.sign_and_write(chain, document, end, None)
    }

    /// Whether backfill digests link to one another is not documented (docs/spec/format.md 1.7); these do not.
    fn write_backfill_digest(
        &self,
        chain: &Chain,
        segment: &Segment,
        hour: u32,
        logs: Vec<DigestLogFile>,
        generated: Timestamp,
    ) -> Result<(), Error> {
        let (start, end) = (segment.window(hour), segment.window(hour + 1));
        let mut document = self.document(chain, start, end, true);
        document.set_log_files(logs);
        self.sign_and_write(chain, document, end, Some(generated)).map(drop)
    }

    fn document(&self, chain: &Chain, start: Timestamp, end: Timestamp, backfill: bool) -> DigestDocument {
        let key = self.digest_key(chain, end, backfill);
        DigestDocument::empty(&self.plan.accounts[chain.account], start, end, &self.options.bucket, &key)
    }

    fn sign_and_write(
        &self,
        chain: &Chain,
        mut document: DigestDocument,
        end: Timestamp,
        generated: Option<Timestamp>,
    ) -> Result<Previous, Error> {
        let number = self.plan.key_at(generated.unwrap_or(end));
        // `keys_of` lists every time that something is signed at
        let key = self.keys.get(&(chain.region, number)).ok_or(KeyError::Signing)?;
        key.fingerprint().clone_into(&mut document.public_key_fingerprint);
        let inflated = document.to_json(true);
        let signature = document.sign(&inflated, key)?;
        let compressed = gzip(&inflated, self.options.gzip_level);
        let path = self.bucket.join(&document.s3_object);
        write(&path, &compressed)?;
        if self.options.sidecars {
            let lag =
                Rng::new(derive_u64(self.options.seed, &["lag", &document.s3_object])).between(1500, 1840);
            let delivered = generated.map_or(end.plus(lag), |time| time.plus(lag / 100));
            let mut sidecar = Sidecar::of_digest(&compressed, &signature, delivered);
            sidecar.backfill_generation = generated;
            let name = sidecar_name(&document.s3_object);
            write(&self.bucket.join(name), sidecar.to_json().as_bytes())?;
        }
        Ok(Previous { document, inflated, signature })
    }

    /// The key up to and with the region's `/` (docs/spec/format.md 1.1).
    fn key_prefix(&self, chain: &Chain, kind: &str) -> String {
        let part = |text: &Option<String>| text.as_ref().map_or(String::new(), |text| format!("{text}/"));
        format!(
            "{}AWSLogs/{}{}/{kind}/{}/",
            part(&self.options.prefix),
            part(&self.options.organization_id),
            self.plan.accounts[chain.account],
            self.options.regions[chain.region],
        )
    }

    fn digest_key(&self, chain: &Chain, end: Timestamp, backfill: bool) -> String {
        let name = DigestName {
            account: &self.plan.accounts[chain.account],
            region: &self.options.regions[chain.region],
            trail: &self.options.trail,
            home_region: &chain.home,
            end,
            backfill,
        };
        format!("{}{}/{}", self.key_prefix(chain, "CloudTrail-Digest"), end.date_folders(), name.file_name())
    }
}

fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })
}

/// Writes a file; its folder is made when it turns out to be missing, which costs nothing when it is not.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = match fs::write(path, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path.parent().unwrap_or(path))?;
            fs::write(path, bytes)
        }
        written => written,
    };
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}
