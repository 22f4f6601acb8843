use std::{
    fs,
    io::{self, Read, Write},
    ops::ControlFlow,
};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

mod archives;
mod shapes;
mod zips;

/// What the visitor saw of one entry: name, text, and the error at its end.
type Seen = (String, Vec<u8>, Option<ContentError>);

fn log(records: usize) -> Vec<u8> {
    let records: Vec<_> = (0..records).map(|n| format!(r#"{{"n":{n},"eventName":"GetObject"}}"#)).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn collect(seen: &mut Vec<Seen>, name: &EntryName, reader: &mut dyn Read) -> ControlFlow<()> {
    let mut text = Vec::new();
    let error = reader.read_to_end(&mut text).err();
    let error = error.map(|error| ContentError::of(&error).expect("a content error").clone());
    if let Some(error) = &error {
        assert_eq!(error.offset, text.len() as u64, "every byte before the damage was yielded");
        let again = reader.read(&mut [0; 8]).unwrap_err();
        assert_eq!(ContentError::of(&again), Some(error), "the error stays");
    } else {
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0, "the end stays");
    }
    seen.push((name.to_string(), text, error));
    ControlFlow::Continue(())
}

fn walk_within(bytes: &[u8], limits: &ContentLimits) -> (Vec<Seen>, Outcome) {
    let mut seen = Vec::new();
    let outcome = read_stream("f", bytes, limits, &mut |name, reader| collect(&mut seen, name, reader));

    // the same as a file, and however little comes at a time
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let mut from_file = Vec::new();
    let of_file = read_file("f", file, limits, &mut |name, reader| collect(&mut from_file, name, reader));
    assert_eq!(from_file, seen);
    assert_eq!(
        (&of_file.problems, of_file.skipped, of_file.entries, of_file.bytes_given),
        (&outcome.problems, outcome.skipped, outcome.entries, outcome.bytes_given)
    );
    if bytes.len() < 2_000 {
        let mut slowly = Vec::new();
        let of_slow = read_stream("f", Slow(bytes, false), limits, &mut |name, reader| {
            collect(&mut slowly, name, reader)
        });
        assert_eq!(slowly, seen);
        assert_eq!(of_slow, outcome);
    }

    assert_eq!(outcome.entries, seen.len() as u64);
    assert_eq!(outcome.unfinished, 0);
    assert_eq!(outcome.bytes_given, seen.iter().map(|(_, text, _)| text.len() as u64).sum::<u64>());
    for (name, _, error) in &seen {
        if let Some(error) = error {
            let told =
                |problem: &ContentProblem| problem.name.to_string() == *name && problem.error == *error;
            assert!(outcome.problems.iter().any(told), "{name}: {error}");
        }
    }
    (seen, outcome)
}

fn walk(bytes: &[u8]) -> (Vec<Seen>, Outcome) {
    walk_within(bytes, &ContentLimits::default())
}

/// Names and texts of a file that has nothing wrong.
#[track_caller]
fn intact(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (seen, outcome) = walk(bytes);
    assert_eq!(outcome.problems, []);
    assert_eq!(outcome.bytes_read, bytes.len() as u64, "every byte was looked at");
    seen.into_iter().map(|(name, text, _)| (name, text)).collect()
}

/// The one text of a file, and what is wrong with it.
#[track_caller]
fn single(bytes: &[u8]) -> (Vec<u8>, Option<Reason>) {
    let (mut seen, outcome) = walk(bytes);
    assert_eq!(seen.len(), 1, "{:?}", outcome.problems);
    let (_, text, error) = seen.remove(0);
    (text, error.map(|error| error.reason))
}

fn problems(outcome: &Outcome) -> Vec<(String, u64, String)> {
    let problem = |problem: &ContentProblem| {
        (problem.name.to_string(), problem.error.offset, problem.error.reason.to_string())
    };
    outcome.problems.iter().map(problem).collect()
}

/// Gives one byte per read, after an interruption.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = out.len().min(1);
        self.0.read(&mut out[..length])
    }
}

#[test]
fn visitor_stops_the_walk() {
    for archive in [tar(&[("a", b"{}"), ("b", b"{}")]), zips::zip(&[("a", b"{}"), ("b", b"{}")])] {
        let mut names = Vec::new();
        let outcome = read_stream("f", &archive[..], &ContentLimits::default(), &mut |name, _| {
            names.push(name.to_string());
            ControlFlow::Break(())
        });
        assert_eq!(names, ["f!a"]);
        assert!(outcome.stopped);
        assert_eq!((outcome.entries, outcome.unfinished, outcome.problems.len()), (1, 1, 0));
    }
}

#[test]
fn entry_left_early_is_counted_and_the_rest_goes_on() {
    let archive = gzip(&tar(&[("a", &log(9_000)), ("b", &gzip(&log(9_000))), ("c", b"{}")]));
    let mut names = Vec::new();
    let outcome = read_stream("f", &archive[..], &ContentLimits::default(), &mut |name, reader| {
        reader.read_exact(&mut [0; 2]).unwrap();
        names.push(name.to_string());
        ControlFlow::Continue(())
    });
    assert_eq!(names, ["f!a", "f!b", "f!c"]);
    assert_eq!((outcome.entries, outcome.unfinished, outcome.problems.len()), (3, 3, 0));
}

#[test]
fn read_errors_are_told_with_what_came_before() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "no more"))
        }
    }
    let content = log(2_000);
    for (file, cut) in [(content.clone(), 20_000), (gzip(&content), 2_000), (tar(&[("a", &content)]), 20_000)]
    {
        let mut seen = Vec::new();
        let outcome =
            read_stream("f", file[..cut].chain(Broken), &ContentLimits::default(), &mut |name, reader| {
                collect(&mut seen, name, reader)
            });
        let (_, text, error) = seen.remove(0);
        assert!(content.starts_with(&text) && text.len() > 10_000, "{}", text.len());
        let reason = Reason::Read { kind: io::ErrorKind::PermissionDenied, message: "no more".into() };
        assert_eq!(error.unwrap().reason, reason);
        assert_eq!(outcome.problems.len(), 1);
        assert_eq!(outcome.bytes_read, cut as u64);
    }
}

#[test]
fn folder_opened_as_a_file_is_a_read_error() {
    let folder = fs::File::open(".").unwrap();
    let outcome = read_file("f", folder, &ContentLimits::default(), &mut |_, _| ControlFlow::Continue(()));
    assert!(matches!(outcome.problems[0].error.reason, Reason::Read { .. }), "{outcome:?}");
}

#[test]
fn limit_of_an_entry_is_exact() {
    let content = log(1_000);
    let length = content.len() as u64;
    let archives = [
        content.clone(),
        gzip(&content),
        tar(&[("a", &content)]),
        zips::zip(&[("a", &content)]),
        gzip(&tar(&[("a", &gzip(&content))])),
    ];
    for file in archives {
        let limits = |max_entry| ContentLimits { max_entry, ..ContentLimits::default() };
        assert_eq!(walk_within(&file, &limits(length.max(file.len() as u64))).1.problems, []);
        let (seen, _) = walk_within(&file, &limits(length - 1));
        let (_, text, error) = &seen[0];
        assert!(text == &content[..content.len() - 1]);
        assert_eq!(error.as_ref().unwrap().reason, Reason::EntryTooLarge { limit: length - 1 });
    }
}

#[test]
fn nested_bomb_stops_at_the_total() {
    let mut file = vec![0; 50_000_000];
    for _ in 0..3 {
        file = gzip(&file);
    }
    let limits = ContentLimits { max_total: 1_000_000, ..ContentLimits::default() };
    let (seen, outcome) = walk_within(&file, &limits);
    let error = seen[0].2.as_ref().unwrap();
    assert_eq!(error.reason, Reason::TotalTooLarge { limit: 1_000_000 });
    assert_eq!(outcome.problems.len(), 1);
}

#[test]
fn skipping_costs_as_much_as_reading() {
    // nobody reads the folder's content, but it has to be inflated
    let mut archive = tar(&[("a", &vec![0; 5_000_000]), ("b", b"{}")]);
    archive[156] = b'V';
    let sum: u32 = archive[..148].iter().chain(&archive[156..512]).map(|&byte| u32::from(byte)).sum();
    archive[148..155].copy_from_slice(format!("{:06o}\0", sum + 256).as_bytes());
    let limits = ContentLimits { max_total: 1_000_000, ..ContentLimits::default() };
    let (seen, outcome) = walk_within(&gzip(&archive), &limits);
    assert_eq!(seen, []);
    assert!(problems(&outcome)[0].2.contains("in all"), "{:?}", outcome.problems);
}

#[test]
fn depth_has_a_limit() {
    let limits = ContentLimits { max_depth: 3, ..ContentLimits::default() };
    let archive = gzip(&tar(&[("plain", b"{}"), ("gz", &gzip(b"{}")), ("gzgz", &gzip(&gzip(b"{}")))]));
    let (seen, outcome) = walk_within(&archive, &limits);
    assert_eq!(seen.len(), 2);
    assert_eq!(
        problems(&outcome),
        [("f!gzgz".into(), 0, "containers are nested deeper than the limit of 3 levels".into())]
    );
    let zip = zips::zip(&[("a", b"{}")]);
    let none = ContentLimits { max_depth: 0, ..ContentLimits::default() };
    assert!(problems(&walk_within(&zip, &none).1)[0].2.contains("nested deeper"));
}

#[test]
fn number_of_entries_has_a_limit() {
    let members: &[(&str, &[u8])] = &[("a", b"{}"), ("b", b"{}"), ("c", b"{}")];
    for archive in [tar(members), zips::zip(members)] {
        let limits = |max_entries| ContentLimits { max_entries, ..ContentLimits::default() };
        assert_eq!(walk_within(&archive, &limits(3)).1.problems, []);
        let (seen, outcome) = walk_within(&archive, &limits(2));
        assert_eq!(seen.len(), 2);
        assert_eq!(
            problems(&outcome),
            [("f".into(), 0, "the file has more than the limit of 2 entries".into())]
        );
    }
}

#[test]
fn problems_beyond_a_thousand_are_counted() {
    let names: Vec<String> = (0..1_200).map(|n| n.to_string()).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"PAR1"[..])).collect();
    let outcome = walk(&tar(&members)).1;
    assert_eq!((outcome.problems.len(), outcome.more_problems), (1_000, 200));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_do_no_harm(
        start in prop::sample::select(vec![
            &b""[..], b"\x1f\x8b\x08\0", b"PK\x03\x04", b"PK\x05\x06", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18",
            b"\xff\xfe", b"\xfe\xff", b"{\0",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..700),
    ) {
        let limits = ContentLimits { max_entry: 10_000, max_total: 100_000, max_entries: 100, max_depth: 4, ..ContentLimits::default() };
        let (_, outcome) = walk_within(&[start, &rest].concat(), &limits);
        prop_assert!(outcome.bytes_given <= 1_000_000);
    }

    #[test]
    fn any_damage_does_no_harm(
        which in 0..6_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let content = log(30);
        let members: &[(&str, &[u8])] = &[("a", &content), ("b/c", &gzip(&content)), ("d", b"{}")];
        let mut file = match which {
            0 => gzip(&content),
            1 => tar(members),
            2 => gzip(&tar(members)),
            3 => zips::zip(members),
            4 => include_bytes!("testdata/log.json.zst").to_vec(),
            _ => tar(&[("zip", &zips::zip(members)), ("gz", &gzip(&content))]),
        };
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        let limits = ContentLimits { max_entry: 1_000_000, max_total: 10_000_000, max_entries: 100, max_depth: 6, ..ContentLimits::default() };
        walk_within(&file, &limits);
    }
}
