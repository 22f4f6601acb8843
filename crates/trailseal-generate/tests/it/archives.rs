//! Whole archives, read back by means that the generator does not use: `rsa` checks the signatures,
//! `serde_json` reads the digests, `flate2`'s reader inflates.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use trailseal_archive::Timestamp;
use trailseal_archive::key::{DigestName, KeyParts, ObjectKind, log_stamp};
use trailseal_generate::{Error, GenerationProgress, LoggingGap, Options, Summary, Tally, generate};

fn options() -> Options {
    Options {
        accounts: 2,
        regions: vec!["us-east-1".to_owned(), "eu-west-1".to_owned()],
        hours: 6,
        events_per_hour: 40,
        threads: 2,
        ..Options::default()
    }
}

/// All files below a folder: relative path and bytes.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

/// An archive read back.
struct Archive {
    _folder: tempfile::TempDir,
    out: PathBuf,
    summary: Summary,
    /// Key to bytes, of all objects in the bucket without the sidecars.
    objects: BTreeMap<String, Vec<u8>>,
    sidecars: BTreeMap<String, Value>,
    /// Fingerprint to key and validity, by region.
    keys: BTreeMap<String, BTreeMap<String, (RsaPublicKey, String, String)>>,
}

/// What [`Archive::check`] found.
#[derive(Default)]
struct Found {
    /// Digests by chain (key up to the region; backfill apart), in order of time.
    chains: BTreeMap<String, Vec<Value>>,
    backfill: Vec<Value>,
    /// All records, with their log's key.
    records: Vec<(String, Value)>,
    fingerprints: BTreeSet<String>,
}

impl Archive {
    fn new(options: &Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/out");
        let summary = generate(options, &out, &()).unwrap();
        let mut objects = tree(&out.join("archive").join(&options.bucket));
        let names: Vec<String> = objects.keys().filter(|k| k.ends_with(".metadata.json")).cloned().collect();
        let sidecars = names
            .iter()
            .map(|name| {
                let bytes = objects.remove(name).unwrap();
                let of = name.strip_suffix(".metadata.json").unwrap().to_owned();
                (of, serde_json::from_slice(&bytes).unwrap())
            })
            .collect();
        let mut keys: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        for region in &options.regions {
            let text = fs::read(out.join(format!("keys/public-keys-{region}.json"))).unwrap();
            let list: Value = serde_json::from_slice(&text).unwrap();
            for key in list["PublicKeyList"].as_array().unwrap() {
                let der =
                    base64::engine::general_purpose::STANDARD.decode(key["Value"].as_str().unwrap()).unwrap();
                let field = |name: &str| key[name].as_str().unwrap().replace("+00:00", "Z");
                let entry = (
                    RsaPublicKey::from_pkcs1_der(&der).unwrap(),
                    field("ValidityStartTime"),
                    field("ValidityEndTime"),
                );
                keys.entry(region.clone()).or_default().insert(field("Fingerprint"), entry);
            }
        }
        Self { _folder: folder, out, summary, objects, sidecars, keys }
    }

    fn digests(&self) -> impl Iterator<Item = (&str, Value)> {
        self.objects
            .iter()
            .filter(|(key, _)| key.contains("/CloudTrail-Digest/"))
            .map(|(key, bytes)| (key.as_str(), serde_json::from_slice(&inflate(bytes)).unwrap()))
    }

    /// Follows every digest to its logs, its predecessor and its key, and fails where anything is wrong.
    fn check(&self, options: &Options) -> Found {
        let mut found = Found::default();
        let mut named = HashSet::new();
        let mut ids = HashSet::new();
        for (key, digest) in self.digests() {
            let parts = KeyParts::parse(key).unwrap();
            let name = DigestName::parse(parts.file_name).unwrap();
            let text = |field: &str| digest[field].as_str().unwrap_or_else(|| panic!("{field} of {key}"));
            assert_eq!(parts.prefix.trim_end_matches('/'), options.prefix.as_deref().unwrap_or(""));
            assert_eq!(parts.organization, options.organization_id.as_deref());
            assert_eq!((text("digestS3Bucket"), text("digestS3Object")), (&*options.bucket, key));
            assert_eq!((text("awsAccountId"), name.account), (parts.account, parts.account));
            assert_eq!((name.trail, name.region), (&*options.trail, parts.region));
            assert_eq!(text("digestEndTime"), name.end.to_string());
            assert_eq!(parts.folders, name.end.date_folders());
            let start = Timestamp::parse_digest_field(text("digestStartTime")).unwrap();
            assert_eq!(name.end.since(start), 3600);
            self.check_signature(key, &digest, parts.region, name.backfill);
            found.fingerprints.insert(text("digestPublicKeyFingerprint").to_owned());

            let logs = digest["logFiles"].as_array().unwrap();
            let extremes =
                |field: &'static str| logs.iter().map(move |log| log[field].as_str().unwrap().to_owned());
            assert_eq!(
                digest["newestEventTime"].as_str().map(str::to_owned),
                extremes("newestEventTime").max()
            );
            assert_eq!(
                digest["oldestEventTime"].as_str().map(str::to_owned),
                extremes("oldestEventTime").min()
            );
            for log in logs {
                let log_key = log["s3Object"].as_str().unwrap();
                assert!(named.insert(log_key.to_owned()), "{log_key} is named twice");
                assert_eq!(
                    (&log["s3Bucket"], &log["hashAlgorithm"]),
                    (&digest["digestS3Bucket"], &"SHA-256".into())
                );
                let inflated = inflate(&self.objects[log_key]);
                assert_eq!(log["hashValue"], hex::encode(Sha256::digest(&inflated)).as_str());
                assert!(inflated.starts_with(br#"{"Records":[{"eventVersion""#) && inflated.ends_with(b"]}"));
                let log_parts = KeyParts::parse(log_key).unwrap();
                assert_eq!(
                    (log_parts.kind, log_parts.account, log_parts.region),
                    (ObjectKind::Log, parts.account, parts.region)
                );
                let stamp = log_stamp(log_parts.file_name).unwrap();
                assert_eq!(stamp.epoch() % 300, 0);
                assert!(stamp.since(start) > -360 && stamp.since(name.end) < 360, "{log_key} in {key}");
                assert_eq!(log_parts.folders, stamp.date_folders());
                self.check_records(log, &inflated, stamp, &mut ids, &mut found);
            }
            if name.backfill {
                found.backfill.push(digest);
            } else {
                let chain = format!("{}/{}/{}", parts.account, parts.region, name.home_region);
                found.chains.entry(chain).or_default().push(digest);
            }
        }
        let logs = self.objects.keys().filter(|key| key.contains("/CloudTrail/"));
        assert_eq!(
            logs.cloned().collect::<BTreeSet<_>>(),
            named.into_iter().collect(),
            "logs without digest"
        );
        self.check_links(&found);
        self.check_summary(&found);
        found
    }

    fn check_signature(&self, key: &str, digest: &Value, region: &str, backfill: bool) {
        let sidecar = &self.sidecars[key];
        let metadata = &sidecar["Metadata"];
        assert_eq!(metadata["signature-algorithm"], "SHA256withRSA");
        assert_eq!(sidecar["ContentLength"], self.objects[key].len());
        let signature = hex::decode(metadata["signature"].as_str().unwrap()).unwrap();
        let (public, from, to) = &self.keys[region][digest["digestPublicKeyFingerprint"].as_str().unwrap()];
        let signed = format!(
            "{}\n{}/{key}\n{}\n{}",
            digest["digestEndTime"].as_str().unwrap(),
            digest["digestS3Bucket"].as_str().unwrap(),
            hex::encode(Sha256::digest(inflate(&self.objects[key]))),
            digest["previousDigestSignature"].as_str().unwrap_or("null"),
        );
        let scheme = Pkcs1v15Sign {
            hash_len: Some(32),
            prefix: hex::decode("3031300d060960864801650304020105000420").unwrap().into(),
        };
        assert!(public.verify(scheme, &Sha256::digest(&signed), &signature).is_ok(), "{key}");
        let generated = metadata["backfill-generation-timestamp"].as_str();
        assert_eq!(generated.is_some(), backfill);
        let at = generated.or(digest["digestEndTime"].as_str()).unwrap();
        assert!(from.as_str() <= at && at <= to.as_str(), "{key} is signed outside its key's validity");
    }

    fn check_records(
        &self,
        log: &Value,
        inflated: &[u8],
        stamp: Timestamp,
        ids: &mut HashSet<String>,
        found: &mut Found,
    ) {
        let file: Value = serde_json::from_slice(inflated).unwrap();
        let records = file["Records"].as_array().unwrap();
        assert!(!records.is_empty());
        let times = || records.iter().map(|record| record["eventTime"].as_str().unwrap());
        assert_eq!(log["newestEventTime"].as_str(), times().max());
        assert_eq!(log["oldestEventTime"].as_str(), times().min());
        assert!(times().max().unwrap() <= stamp.to_string().as_str());
        assert!(times().min().unwrap() >= self.summary.start.to_string().as_str());
        for record in records {
            assert!(ids.insert(record["eventID"].as_str().unwrap().to_owned()), "an event id twice");
            found.records.push((log["s3Object"].as_str().unwrap().to_owned(), record.clone()));
        }
    }

    fn check_links(&self, found: &Found) {
        let previous = ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"];
        for digest in found.chains.values().flatten().chain(&found.backfill) {
            let nulls =
                previous.iter().filter(|field| digest[format!("previousDigest{field}")].is_null()).count();
            assert!(nulls == 0 || nulls == 5, "all or none of previousDigest*");
        }
        for chain in found.chains.values() {
            for pair in chain.windows(2) {
                let [before, after] = pair else { unreachable!() };
                if after["previousDigestS3Object"].is_null() {
                    assert!(after["digestStartTime"].as_str() > before["digestEndTime"].as_str());
                    continue;
                }
                let key = before["digestS3Object"].as_str().unwrap();
                assert_eq!(after["digestStartTime"], before["digestEndTime"]);
                assert_eq!(after["previousDigestS3Object"], key);
                assert_eq!(after["previousDigestS3Bucket"], before["digestS3Bucket"]);
                assert_eq!(after["previousDigestHashAlgorithm"], "SHA-256");
                let hash = hex::encode(Sha256::digest(inflate(&self.objects[key])));
                assert_eq!(after["previousDigestHashValue"], hash.as_str());
                assert_eq!(after["previousDigestSignature"], self.sidecars[key]["Metadata"]["signature"]);
            }
            let first = &chain[0];
            assert!(
                first["previousDigestSignature"].is_null() && first["logFiles"] == Value::Array(Vec::new())
            );
        }
    }

    fn check_summary(&self, found: &Found) {
        let Tally { log_files, events, inflated, compressed, digest_files, backfill_digest_files } =
            self.summary.written;
        let logs: Vec<&Vec<u8>> = self
            .objects
            .iter()
            .filter(|(key, _)| key.contains("/CloudTrail/"))
            .map(|(_, bytes)| bytes)
            .collect();
        assert_eq!(log_files, logs.len() as u64);
        assert_eq!(events, found.records.len() as u64);
        assert_eq!(inflated, logs.iter().map(|bytes| inflate(bytes).len() as u64).sum::<u64>());
        assert_eq!(compressed, logs.iter().map(|bytes| bytes.len() as u64).sum::<u64>());
        assert_eq!(digest_files, found.chains.values().map(|chain| chain.len() as u64).sum::<u64>());
        assert_eq!(backfill_digest_files, found.backfill.len() as u64);
        assert_eq!(self.summary.public_keys, self.keys.values().map(|keys| keys.len() as u64).sum::<u64>());
    }
}

#[test]
fn an_archive_is_linked_hashed_and_signed() {
    let archive = Archive::new(&options());
    let found = archive.check(&options());
    assert_eq!(found.chains.len(), 4);
    assert!(found.chains.values().all(|chain| chain.len() == 7), "a starting digest and six hours");
    let minutes: HashSet<&str> = found
        .chains
        .values()
        .flatten()
        .map(|digest| &digest["digestEndTime"].as_str().unwrap()[13..])
        .collect();
    assert_eq!(minutes.len(), 1, "all regions of a trail share minute and second");
    assert!(found.backfill.is_empty());
    assert!((600..1400).contains(&found.records.len()), "{} records", found.records.len());
    let raw = inflate(archive.objects.iter().find(|(key, _)| key.contains("Digest")).unwrap().1);
    assert!(String::from_utf8(raw).unwrap().contains(r"AWSLogs\/"), "slashes are escaped as AWS does");
}

#[test]
fn the_same_options_give_the_same_files_on_any_number_of_threads() {
    let options = Options { backfill: 2, gap: Some(LoggingGap { at_hour: 2, hours: 1 }), ..options() };
    let trees = [1, 2, 5].map(|threads| tree(&Archive::new(&Options { threads, ..options.clone() }).out));
    assert!(trees[0] == trees[1] && trees[1] == trees[2]);
    let other = tree(&Archive::new(&Options { seed: 2, ..options }).out);
    let same = other.iter().filter(|(key, bytes)| trees[0].get(*key) == Some(*bytes)).count();
    assert_eq!(same, 0, "another seed gives other files");
}

#[test]
fn organization_prefix_and_names_are_in_the_keys() {
    let options = Options {
        organization_id: Some("o-exampleorgid".to_owned()),
        prefix: Some("o-exampleorgid/deep".to_owned()),
        bucket: "my.bucket".to_owned(),
        trail: "t_us-east-1.x".to_owned(),
        home_region: Some("eu-west-1".to_owned()),
        hours: 2,
        ..options()
    };
    let found = Archive::new(&options).check(&options);
    assert!(found.chains.keys().all(|chain| chain.ends_with("/eu-west-1")), "{:?}", found.chains.keys());
    assert_eq!(found.chains.len(), 4);
}

#[test]
fn single_region_trails_are_at_home_where_they_record() {
    let options = Options { multi_region: false, hours: 1, ..options() };
    let found = Archive::new(&options).check(&options);
    for chain in found.chains.keys() {
        let (_, regions) = chain.split_once('/').unwrap();
        let (region, home) = regions.split_once('/').unwrap();
        assert_eq!(region, home);
    }
}

#[test]
fn a_gap_ends_a_chain_with_stop_logging_and_begins_another() {
    let options = Options { hours: 8, gap: Some(LoggingGap { at_hour: 3, hours: 2 }), ..options() };
    let found = Archive::new(&options).check(&options);
    for chain in found.chains.values() {
        assert_eq!(chain.len(), (1 + 3) + (1 + 3));
        let starts: Vec<bool> =
            chain.iter().map(|digest| digest["previousDigestSignature"].is_null()).collect();
        assert_eq!(starts, [true, false, false, false, true, false, false, false]);
        assert_eq!(chain[4]["logFiles"].as_array().unwrap().len(), 0);
        let time = |digest: &Value, field: &str| {
            Timestamp::parse_digest_field(digest[field].as_str().unwrap()).unwrap()
        };
        let restart = time(&chain[4], "digestEndTime").since(time(&chain[3], "digestEndTime"));
        assert!((2 * 3600..3 * 3600).contains(&restart) && restart % 3600 != 0);
    }
    let (end, restart) = {
        let chain = &found.chains["111122223333/us-east-1/us-east-1"];
        (chain[3]["digestEndTime"].as_str().unwrap(), chain[4]["digestEndTime"].as_str().unwrap())
    };
    assert!(found.records.iter().all(|(_, r)| {
        let time = r["eventTime"].as_str().unwrap();
        time < end || time >= restart
    }));
    let stops: Vec<_> = found.records.iter().filter(|(_, r)| r["eventName"] == "StopLogging").collect();
    assert_eq!(stops.len(), 2, "each account's trail is stopped where it is at home");
    for (log, stop) in stops {
        assert!(log.contains("/us-east-1/"));
        assert_eq!(stop["eventSource"], "cloudtrail.amazonaws.com");
        let account = stop["recipientAccountId"].as_str().unwrap();
        let arn = format!("arn:aws:cloudtrail:us-east-1:{account}:trail/audit");
        assert_eq!(stop["requestParameters"]["name"], arn);
        let newest =
            found.records.iter().map(|(_, r)| r["eventTime"].as_str().unwrap()).filter(|t| *t < end).max();
        assert_eq!(stop["eventTime"].as_str(), newest, "nothing is recorded after the stop");
    }
    let starts = found.records.iter().filter(|(_, r)| r["eventName"] == "StartLogging");
    assert_eq!(starts.count(), 4);
}

#[test]
fn only_the_management_account_stops_the_trail_of_an_organization() {
    let options = Options {
        organization_id: Some("o-exampleorgid".to_owned()),
        gap: Some(LoggingGap { at_hour: 1, hours: 1 }),
        hours: 3,
        ..options()
    };
    let found = Archive::new(&options).check(&options);
    let stops: Vec<_> = found.records.iter().filter(|(_, r)| r["eventName"] == "StopLogging").collect();
    assert_eq!(stops.len(), 1);
    assert_eq!(stops[0].1["recipientAccountId"], "111122223333");
}

#[test]
fn backfill_digests_name_logs_that_no_other_digest_names() {
    let options = Options { backfill: 5, rotate_keys_hours: 3, ..options() };
    let archive = Archive::new(&options);
    // that no log is named twice, and that each is named, is checked for every archive
    let found = archive.check(&options);
    assert_eq!(found.backfill.len(), 5);
    let standard: HashSet<&Value> =
        found.chains.values().flatten().map(|digest| &digest["digestPublicKeyFingerprint"]).collect();
    for digest in &found.backfill {
        assert!(!digest["logFiles"].as_array().unwrap().is_empty());
        assert!(!standard.contains(&digest["digestPublicKeyFingerprint"]), "signed by a later key");
    }
}

#[test]
fn keys_rotate_and_differ_by_region() {
    let options = Options { rotate_keys_hours: 2, ..options() };
    let archive = Archive::new(&options);
    let found = archive.check(&options);
    // seven digests: at hours 0 to 6 after the start
    assert_eq!(archive.keys.values().map(BTreeMap::len).collect::<Vec<_>>(), [4, 4]);
    assert_eq!(found.fingerprints.len(), 8);
    let one = Archive::new(&Options { rotate_keys_hours: 0, hours: 1, ..options });
    assert_eq!(one.summary.public_keys, 2);
}

#[test]
fn empty_hours_still_have_digests() {
    let options = Options { empty_every: 3, ..options() };
    let found = Archive::new(&options).check(&options);
    for chain in found.chains.values() {
        let empty: Vec<bool> =
            chain.iter().map(|digest| digest["logFiles"].as_array().unwrap().is_empty()).collect();
        assert_eq!(empty, [true, false, false, true, false, false, true]);
        assert!(chain[3]["newestEventTime"].is_null());
    }
    let none = Options { events_per_hour: 0, accounts: 1, hours: 30, ..options };
    let found = Archive::new(&none).check(&none);
    assert!(found.records.is_empty());
    assert_eq!(found.chains["111122223333/eu-west-1/us-east-1"].len(), 31);
}

#[test]
fn small_log_files_and_late_ones() {
    let options = Options { max_events_per_file: 1, events_per_hour: 200, hours: 4, ..options() };
    let archive = Archive::new(&options);
    let found = archive.check(&options);
    let scripted = 40;
    assert!(archive.summary.written.log_files + scripted >= archive.summary.written.events);
    let late = found
        .chains
        .values()
        .flatten()
        .filter(|d| d["oldestEventTime"].as_str() < d["digestStartTime"].as_str());
    assert!(late.filter(|digest| !digest["oldestEventTime"].is_null()).count() > 0);
}

#[test]
fn without_sidecars_there_are_none() {
    let options = Options { sidecars: false, hours: 1, ..options() };
    assert!(Archive::new(&options).sidecars.is_empty());
}

#[test]
fn a_folder_that_holds_something_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("evidence"), "x").unwrap();
    let error = generate(&options(), folder.path(), &()).unwrap_err();
    assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
    assert_eq!(tree(folder.path()).len(), 1);
    let file = generate(&options(), &folder.path().join("evidence"), &()).unwrap_err();
    assert!(matches!(file, Error::Write { .. }), "{file}");
    assert!(matches!(
        generate(&Options { hours: 0, ..options() }, folder.path(), &()),
        Err(Error::Options(_))
    ));
}

#[test]
fn progress_counts_every_hour_and_can_stop() {
    #[derive(Default)]
    struct Count {
        expected: AtomicU64,
        hours: AtomicU64,
        log_files: AtomicU64,
        stop_after: u64,
    }
    impl GenerationProgress for Count {
        fn begin(&self, hours: u64) {
            self.expected.store(hours, Ordering::Relaxed);
        }
        fn hour(&self, written: &Tally) {
            self.hours.fetch_add(1, Ordering::Relaxed);
            self.log_files.fetch_add(written.log_files, Ordering::Relaxed);
        }
        fn interrupted(&self) -> bool {
            self.stop_after > 0 && self.hours.load(Ordering::Relaxed) >= self.stop_after
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = Count::default();
    let summary = generate(&options(), &folder.path().join("whole"), &whole).unwrap();
    assert_eq!(whole.hours.into_inner(), 4 * 6);
    assert_eq!(whole.expected.into_inner(), 4 * 6);
    assert_eq!(whole.log_files.into_inner(), summary.written.log_files);
    let stopped = Count { stop_after: 3, ..Count::default() };
    let error = generate(&options(), &folder.path().join("part"), &stopped).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
}
