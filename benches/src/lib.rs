//! What the benches share: the data, a bare loop as the limit, and memory.
//!
//! Figures and the commands that make them are in `benches/README.md`.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use sha2::Digest as _;
use trailseal_archive::gzip::whole::{Whole, WholeInflater};
use trailseal_generate::generate;

/// A generated archive and its keys, made once below `target/bench`.
pub struct Data {
    /// The root that `verify` is given.
    pub archive: PathBuf,
    /// The key folder.
    pub keys: PathBuf,
}

impl Data {
    /// The archive with this name, generated if it is not there.
    ///
    /// # Errors
    /// What generating it says.
    pub fn named(name: &str, options: &trailseal_generate::Options) -> io::Result<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        let folder = target.join(name);
        if !folder.join("keys").is_dir() {
            let partial = target.join(format!("{name}.partial"));
            let _ = fs::remove_dir_all(&partial);
            fs::create_dir_all(&target)?;
            generate(options, &partial, &()).map_err(io::Error::other)?;
            fs::rename(&partial, &folder)?;
        }
        Ok(Self { archive: folder.join("archive"), keys: folder.join("keys") })
    }

    /// The log files, with their sizes, largest first.
    ///
    /// # Errors
    /// What listing the folder says.
    pub fn logs(&self) -> io::Result<Vec<(PathBuf, u64)>> {
        let mut logs = Vec::new();
        let mut folders = vec![self.archive.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    if entry.file_name() != "CloudTrail-Digest" {
                        folders.push(entry.path());
                    }
                } else {
                    logs.push((entry.path(), entry.metadata()?.len()));
                }
            }
        }
        logs.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(logs)
    }
}

/// About 1.6 GB inflated in 9,500 log files, a million events.
pub fn medium() -> trailseal_generate::Options {
    trailseal_generate::Options {
        accounts: 2,
        regions: ["us-east-1", "eu-west-1", "ap-southeast-2"].map(str::to_owned).to_vec(),
        hours: 132,
        events_per_hour: 1_300,
        seed: 7,
        ..trailseal_generate::Options::default()
    }
}

/// The limit of a query: threads that only read, inflate (libdeflate, whole files) and look for a text.
///
/// Returns the inflated bytes and how often the text was found.
pub fn bare_search(logs: &[(PathBuf, u64)], threads: usize, text: &str) -> (u64, u64) {
    let next = AtomicUsize::new(0);
    let work = || {
        let finder = memchr::memmem::Finder::new(text);
        let (mut inflater, mut input, mut output) = (WholeInflater::new(), Vec::new(), Vec::new());
        let (mut bytes, mut found) = (0, 0);
        while let Some((path, length)) = logs.get(next.fetch_add(1, Ordering::Relaxed)) {
            input.clear();
            input.reserve(*length as usize + 1);
            let mut file = File::open(path).expect("a file that was just listed");
            file.read_to_end(&mut input).expect("a file that was just listed");
            let Whole::Done { length, .. } = inflater.inflate(&input, &mut output, 1 << 30) else { continue };
            bytes += length as u64;
            found += finder.find_iter(&output[..length]).count() as u64;
        }
        (bytes, found)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("the loop does not panic"))
            .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
    })
}

/// The content of log files, about so many bytes in all.
pub fn inflated(logs: &[(PathBuf, u64)], bytes: usize) -> Vec<Vec<u8>> {
    let (mut inflater, mut output) = (WholeInflater::new(), Vec::new());
    let mut contents: Vec<Vec<u8>> = Vec::new();
    let mut sum = 0;
    for (path, _) in logs {
        let input = fs::read(path).expect("a file that was just listed");
        let Whole::Done { length, .. } = inflater.inflate(&input, &mut output, 1 << 30) else { continue };
        contents.push(output[..length].to_vec());
        sum += length;
        if sum >= bytes {
            break;
        }
    }
    contents
}

/// The limit: threads that only inflate (flate2 with zlib-rs) and hash (sha2), file after file.
///
/// Returns the inflated bytes.
pub fn bare_loop(logs: &[(PathBuf, u64)], threads: usize) -> u64 {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut window = vec![0; 256 * 1024];
        let mut bytes = 0;
        while let Some((path, _)) = logs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let file = File::open(path).expect("a file that was just listed");
            let input = BufReader::with_capacity(64 * 1024, file);
            let mut inflater = flate2::bufread::GzDecoder::new(input);
            let mut hasher = sha2::Sha256::new();
            loop {
                let length = inflater.read(&mut window).expect("a file that was just generated");
                if length == 0 {
                    break;
                }
                hasher.update(&window[..length]);
                bytes += length as u64;
            }
            std::hint::black_box(hasher.finalize());
        }
        bytes
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("the loop does not panic")).sum()
    })
}

/// The middle one.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How long something took.
pub fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The peak memory of this process in MiB, from `/proc`; 0 where there is none.
pub fn peak_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default();
    kib / 1024.0
}
