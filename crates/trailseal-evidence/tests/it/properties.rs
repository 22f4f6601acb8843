//! What holds for any archive and any damage.

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index};
use trailseal_archive::metadata::parse_sidecar;
use trailseal_evidence::report::Verdict;
use trailseal_testkit::{Archive, MalformedDigest, Plan, Style, gunzip};
use trailseal_verify::Severity;

use crate::support::{Run, options, run, run_with};

fn tiny() -> Archive {
    Plan { hours: 2, logs_per_hour: 1, ..Plan::default() }.model().write()
}

/// Every file of the archive, by key.
fn files(archive: &Archive) -> Vec<String> {
    let mut keys = Vec::new();
    for digest in archive.model.chains.iter().flat_map(|chain| &chain.digests) {
        keys.push(digest.object().to_owned());
        keys.push(format!("{}.metadata.json", digest.object()));
        keys.extend(digest.logs.iter().map(|log| log.key.clone()));
    }
    keys
}

/// A file was changed, and nothing was found: then it must mean the same as before.
fn is_harmless(archive: &Archive, key: &str, before: &[u8], after: &[u8]) -> bool {
    if !key.ends_with(".metadata.json") {
        return std::panic::catch_unwind(|| gunzip(after)).is_ok_and(|content| content == gunzip(before));
    }
    let (Ok(before), Ok(after)) = (parse_sidecar(before), parse_sidecar(after)) else { return false };
    let is_head = key.starts_with(archive.chain().digests.last().unwrap().object());
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_ascii_lowercase());
    // Before the head the chain proves what the sidecar would have proven.
    lower(&before.signature) == lower(&after.signature) || (!is_head && after.signature.is_none())
}

/// Changes a byte, verifies, and puts the byte back.
fn flip_and_check(archive: &Archive, key: &str, byte: usize, bit: u8) -> Result<Run, String> {
    let before = archive.read(key);
    archive.flip(key, byte, bit);
    let after = archive.read(key);
    let run = run(archive);
    archive.replace(key, &before);
    let named = archive.path(key.strip_suffix(".metadata.json").unwrap_or(key)).display().to_string();
    let is_found = run
        .report
        .findings
        .iter()
        .any(|finding| finding.severity != Severity::Note && finding.path.as_deref() == Some(&*named));
    let what = format!("bit {bit} of byte {byte} of {key}: {}", run.json());
    if run.report.verdict == Verdict::Verified {
        return if is_harmless(archive, key, &before, &after) { Ok(run) } else { Err(what) };
    }
    if is_found { Ok(run) } else { Err(what) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_is_found_or_harmless(
        places in prop::collection::vec((any::<Index>(), any::<Index>(), 0..8_u8), 60)
    ) {
        let archive = tiny();
        let files = files(&archive);
        for (file, byte, bit) in places {
            let key = file.get(&files);
            let byte = byte.index(archive.read(key).len());
            if let Err(what) = flip_and_check(&archive, key, byte, bit) {
                prop_assert!(false, "{}", what);
            }
        }
    }
}

#[test]
fn every_bit_of_a_gzip_header_is_accounted_for() {
    let archive = tiny();
    for key in [archive.log(2, 0), archive.digest(1)] {
        for byte in 0..10 {
            for bit in 0..8 {
                let run = flip_and_check(&archive, key, byte, bit).unwrap();
                // Time, extra flags and system say nothing about the content.
                let is_free = byte >= 4 || (byte == 3 && bit == 0);
                assert_eq!(
                    run.report.verdict == Verdict::Verified,
                    is_free,
                    "bit {bit} of byte {byte} of {key}"
                );
            }
        }
    }
}

#[test]
fn every_byte_of_a_log_cut_off_is_found() {
    let archive = tiny();
    let key = archive.log(1, 0);
    let whole = archive.read(key);
    for length in (0..whole.len()).step_by(7) {
        archive.replace(key, &whole[..length]);
        let expected = match length {
            0 => "V log_empty",
            // What does not begin like gzip is taken for content.
            1 => "V log_altered",
            _ => "V log_truncated",
        };
        run(&archive).finds(&[expected]);
    }
}

/// Something that can be done to an archive; each takes the number of an object.
const DAMAGES: [fn(&Archive, usize); 18] = [
    |archive, n| with_log(archive, n, |key| archive.alter_log(key)),
    |archive, n| with_log(archive, n, |key| archive.gzip_again(key)),
    |archive, n| with_log(archive, n, |key| archive.delete(key)),
    |archive, n| with_log(archive, n, |key| archive.append(key, b"tail")),
    |archive, n| with_log(archive, n, |key| archive.append_member(key, b"{}")),
    |archive, n| with_log(archive, n, |key| archive.cut_end(key, 20)),
    |archive, n| with_log(archive, n, |key| archive.empty(key)),
    |archive, n| with_log(archive, n, |key| archive.rename(key, format!("elsewhere/{n}.json.gz"))),
    |archive, n| with_log(archive, n, |key| archive.replace(key, b"{\"Records\":[]}")),
    |archive, n| with_digest(archive, n, |key| archive.delete(key)),
    |archive, n| with_digest(archive, n, |key| archive.edit_digest(key, |d| d.log_files.clear())),
    |archive, n| with_digest(archive, n, |key| archive.reserialise(key, Style::Pretty)),
    |archive, n| with_digest(archive, n, |key| archive.malform(key, MalformedDigest::NotJson)),
    |archive, n| with_digest(archive, n, |key| archive.replay(archive.digest(0), key)),
    |archive, n| with_digest(archive, n, |key| archive.flip_signature(key, n % 2048)),
    |archive, n| with_digest(archive, n, |key| archive.set_signature(key, "no hex")),
    |archive, n| with_digest(archive, n, |key| archive.append(key, b"tail")),
    |archive, n| {
        let chain = &archive.model.chains[n % archive.model.chains.len()];
        archive.plant(chain, chain.digests[0].end().plus(n as i64 % 40_000));
    },
];

fn with_log(archive: &Archive, n: usize, damage: impl Fn(&str)) {
    let digests = archive.model.chains.iter().flat_map(|chain| &chain.digests);
    let logs: Vec<_> = digests.flat_map(|digest| &digest.logs).collect();
    let key = &logs[n % logs.len()].key;
    // Damaged once is enough: some damages need an intact file.
    if archive.path(key).exists() && archive.read(key) == gzip_of(&logs[n % logs.len()].content) {
        damage(key);
    }
}

fn with_digest(archive: &Archive, n: usize, damage: impl Fn(&str)) {
    let digests: Vec<_> = archive.model.chains.iter().flat_map(|chain| &chain.digests).collect();
    let digest = digests[n % digests.len()];
    let key = digest.object();
    let first = archive.path(archive.digest(0));
    if first.exists() && archive.path(key).exists() && archive.read(key) == gzip_of(&digest.inflated) {
        damage(key);
    }
}

fn gzip_of(content: &[u8]) -> Vec<u8> {
    trailseal_testkit::gzip_member(content, 6)
}

/// Writes all files of a tree anew, the last first.
fn rewrite_backwards(root: &Path) {
    let mut folders = vec![root.to_owned()];
    let mut contents = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                contents.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    fs::remove_dir_all(root).unwrap();
    contents.sort();
    for (path, content) in contents.into_iter().rev() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_report_depends_on_the_archive_alone(
        damages in prop::collection::vec((0..DAMAGES.len(), any::<usize>()), 0..8),
        rotate in prop::option::of(1..4_usize),
    ) {
        let archive = Plan { hours: 4, rotate, regions: Plan::wide().regions, ..Plan::default() }.model().write();
        for (damage, object) in damages {
            DAMAGES[damage](&archive, object);
        }
        let mut options = options(&archive);
        options.threads = 1;
        let first = run_with(&options).json();
        for threads in [2, 4] {
            options.threads = threads;
            prop_assert_eq!(&run_with(&options).json(), &first, "{} threads", threads);
        }
        options.portable_hash = true;
        prop_assert_eq!(&run_with(&options).json(), &first, "portable hash");
        rewrite_backwards(&archive.root());
        prop_assert_eq!(&run_with(&options).json(), &first, "files in another order");
    }
}
