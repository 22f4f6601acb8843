//! Keys are followed alike with an index and without.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, thread, time::Duration};

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Silent,
    index::{self, ArchiveIndex},
    inputs::{FileSource, Inputs},
    scan::ScanOptions,
};
use trailseal_query::Predicate;

use super::*;

/// Keys in an archive; few, so that there are circles, and keys that are issued twice.
const KEYS: u64 = 14;
const ADDRESSES: [&str; 3] = ["192.0.2.1", "192.0.2.2", "198.51.100.7"];
const PRINCIPALS: [&str; 3] = ["alice", "bob", "carol"];

/// Numbers that look random (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn is_one_of(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

fn key(number: u64) -> String {
    format!("ASIA{number}")
}

/// An event of some key, or of none, which may issue one or two; some are no JSON throughout.
fn event(numbers: &mut Numbers, chain: Option<u64>) -> String {
    let by = chain.unwrap_or_else(|| numbers.below(KEYS + 3));
    let to = key(chain.map_or_else(|| numbers.below(KEYS), |by| by + 1));
    let also = key(numbers.below(KEYS));
    let response = match numbers.below(8) {
        _ if chain.is_some() => format!(r#"{{"credentials":{{"accessKeyId":"{to}"}}}}"#),
        0 => format!(r#"{{"credentials":{{"accessKeyId":"{to}"}}}}"#),
        1 => format!(r#"{{"accessKey":{{"accessKeyId":"{to}"}}}}"#),
        2 => format!(
            r#"{{"credentialSet":[{{"credentials":{{"accessKeyId":"{to}"}}}},{{"credentials":{{"accessKeyId":"{also}"}}}}]}}"#
        ),
        3 => r#"{"credentials":{"accessKeyId":""}}"#.to_owned(),
        4 => format!(r#"{{"other":{{"accessKeyId":"{to}"}}}}"#),
        _ => "null".to_owned(),
    };
    let who = numbers.of(&PRINCIPALS);
    let access_key = match by {
        _ if by < KEYS || chain.is_some() => format!(r#","accessKeyId":"{}""#, key(by)),
        by if by == KEYS => r#","accessKeyId":"""#.to_owned(),
        _ => String::new(),
    };
    let (hour, minute, id) = (numbers.below(6), numbers.below(60), numbers.below(1000));
    let (address, agent) = (numbers.of(&ADDRESSES), numbers.of(&["cli", "sdk"]));
    format!(
        r#"{{"eventVersion":"1.08","eventID":"{id}","eventTime":"2024-03-01T{hour:02}:{minute:02}:00Z","eventName":"AssumeRole","eventSource":"sts.amazonaws.com","awsRegion":"us-east-1","sourceIPAddress":"{address}","userAgent":"{agent}","userIdentity":{{"type":"IAMUser","userName":"{who}","arn":"arn:aws:iam::1:user/{who}","accountId":"1"{access_key}}},"requestParameters":null,"responseElements":{response}}}"#
    )
}

/// Writes some files, of which a few are damaged.
fn write(folder: &Path, numbers: &mut Numbers, files: std::ops::Range<u64>) {
    for file in files {
        let events: Vec<String> = (0..=numbers.below(3)).map(|_| event(numbers, None)).collect();
        let mut text = format!(r#"{{"Records":[{}]}}"#, events.join(","));
        if numbers.is_one_of(8) {
            text = text.replace(r#""requestParameters":null"#, r#""requestParameters":nul"#);
        }
        fs::write(folder.join(format!("{file:03}.json")), text).unwrap();
    }
}

/// A chain of keys, longer than links are asked for one after the other, each in a file of its own.
fn write_chain(folder: &Path, numbers: &mut Numbers) {
    for by in KEYS..KEYS + 24 {
        let text = format!(r#"{{"Records":[{}]}}"#, event(numbers, Some(by)));
        fs::write(folder.join(format!("chain-{by}.json")), text).unwrap();
    }
}

/// An archive, an index of it as it was before some files came and others changed, and what is random in it.
struct Archive {
    folder: tempfile::TempDir,
    numbers: Numbers,
}

impl Archive {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (logs, base) = (folder.path().join("logs"), folder.path().join("index"));
        fs::create_dir(&logs).unwrap();
        write(&logs, &mut numbers, 0..40);
        write_chain(&logs, &mut numbers);
        thread::sleep(Duration::from_millis(80));
        let made =
            index::make(&base, &Inputs::open(std::slice::from_ref(&logs)).unwrap(), 1, &Silent).unwrap();
        assert!(made.taken > 40, "{made:?}");
        write(&logs, &mut numbers, 38..44);
        Self { folder, numbers }
    }

    /// Everything that is told of the keys.
    fn told(
        &self,
        starts: &Starts,
        depth: Option<u32>,
        span: [Option<Timestamp>; 2],
        is_indexed: bool,
    ) -> String {
        let logs = [self.folder.path().join("logs")];
        let index = ArchiveIndex::open(&self.folder.path().join("index"), &logs);
        let [from, to] = span;
        let index = is_indexed.then_some(&index).inspect(|index| assert!(!index.is_empty()));
        let options = ScanOptions { from, to, threads: 2, index, ..ScanOptions::default() };
        let inputs = Inputs::open(&logs).unwrap();
        let list = inputs.list();
        let files: &dyn FileSource = if is_indexed { &list } else { &inputs };
        let counted = Predicate::Constant(true);
        let (followed, summary) = follow(starts, depth, &counted, files, &options, &Silent).unwrap();
        let mut told = String::new();
        let Followed { keys, nodes, edges, notes, duplicates, narrowed, .. } = &followed;
        let narrowed: BTreeSet<&String> = narrowed.iter().collect();
        let nodes = nodes.iter().map(node).collect::<Vec<_>>().join("\n");
        write!(told, "{keys:?} {edges:?} {notes:?} {duplicates} {narrowed:?}\n{nodes}\n").unwrap();
        write!(told, "{:?} {} {:?}", summary.damage, summary.damages, summary.counts).unwrap();
        told
    }
}

fn node(node: &Node) -> String {
    let Node { key, depth, kind, identities, events, first, last, failed, elsewhere, usual, .. } = node;
    let origins = [&node.source_ips.values, &node.user_agents.values];
    format!(
        "{key} {depth} {kind} {identities:?} {events} {first:?} {last:?} {failed} {elsewhere} {usual} {origins:?}"
    )
}

fn starts(keys: &[String], principals: &[&str], addresses: &[&str]) -> Starts {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Starts::new(keys.to_vec(), owned(principals), owned(addresses)).unwrap()
}

#[test]
fn keys_are_followed_alike_with_an_index_and_without() {
    let hour = |hour: u64| Timestamp::parse_loose(&format!("2024-03-01T{hour:02}:30:00Z")).ok();
    let (mut deepest, mut damaged) = (0, 0);
    for seed in 1..=12 {
        let mut archive = Archive::new(seed);
        for _ in 0..12 {
            let numbers = &mut archive.numbers;
            let starts = match numbers.below(6) {
                0 => starts(&[key(numbers.below(KEYS)), key(numbers.below(KEYS))], &[], &[]),
                1 => starts(&[key(numbers.below(KEYS))], &[], &[numbers.of(&ADDRESSES)]),
                2 => starts(&[], &[numbers.of(&PRINCIPALS)], &[]),
                3 => starts(&[], &[], &[numbers.of(&ADDRESSES)]),
                4 => starts(&[key(KEYS)], &[], &[]),
                _ => starts(&[key(numbers.below(KEYS))], &[], &[]),
            };
            let depth = Some(numbers.below(4) as u32).filter(|depth| *depth < 3);
            let span = [hour(numbers.below(3)), hour(3 + numbers.below(3))]
                .map(|time| time.filter(|_| numbers.is_one_of(3)));
            let without = archive.told(&starts, depth, span, false);
            assert_eq!(archive.told(&starts, depth, span, true), without, "{starts:?} {depth:?} {span:?}");
            deepest = deepest.max(without.lines().count());
            damaged += usize::from(without.contains("Damage {"));
        }
    }
    assert!(deepest > 24 && damaged > 12, "{deepest} {damaged}");
}
