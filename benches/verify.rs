//! `cargo bench -p trailseal-bench --bench verify [-- RUNS]`: the verifier beside a bare loop that inflates
//! with the same library and hashes, over the same files, both in one run, interleaved.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::Duration;

use trailseal_bench::{Data, bare_loop, median, medium, peak_memory, time};
use trailseal_evidence::report::Verdict;
use trailseal_evidence::{Options, Silent, keys, verify};
use trailseal_verify::KeyRing;

fn main() {
    let runs = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(7);
    let data = Data::named("medium", &medium()).expect("the archive can be generated");
    let logs = data.logs().expect("the archive can be listed");
    let loaded = keys::load(std::slice::from_ref(&data.keys)).expect("the keys can be read");
    for threads in [1, 2] {
        let options = |portable_hash| Options {
            roots: vec![data.archive.clone()],
            keys: KeyRing::new(loaded.content.keys.clone()),
            threads,
            portable_hash,
            ..Options::default()
        };
        let (interleaved, portable) = (options(false), options(true));
        let run = |options: &Options| {
            let (report, elapsed) = time(|| {
                verify(options, &Silent, &mut |_| std::ops::ControlFlow::Continue(())).expect("an archive")
            });
            assert_eq!(report.verdict, Verdict::Verified);
            elapsed
        };
        let mut times: [Vec<Duration>; 3] = Default::default();
        let mut bytes = bare_loop(&logs, threads);
        for _ in 0..runs {
            let (inflated, elapsed) = time(|| bare_loop(&logs, threads));
            bytes = inflated;
            times[0].push(elapsed);
            times[1].push(run(&interleaved));
            times[2].push(run(&portable));
        }
        let [bare, ours, one_stream] = times.map(|mut times| median(&mut times).as_secs_f64());
        let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
        println!(
            "{threads} threads, {} logs, {:.1} MB inflated, median of {runs}:\n  \
             bare loop (zlib-rs, sha2)    {bare:.3} s  {:.0} MB/s\n  \
             verify                       {ours:.3} s  {:.0} MB/s  {:.0} % of the bare loop\n  \
             verify --portable-hash       {one_stream:.3} s  {:.0} MB/s  {:.0} % of the bare loop",
            logs.len(),
            bytes as f64 / 1e6,
            rate(bare),
            rate(ours),
            bare / ours * 100.0,
            rate(one_stream),
            bare / one_stream * 100.0,
        );
    }
    println!("peak memory of this process: {:.1} MiB", peak_memory());
}
