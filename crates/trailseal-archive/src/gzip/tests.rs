use std::io::{self, BufReader, Read, Write};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use proptest::prelude::*;

use super::{Ending, Form, GzipReader, Inflater, inflate_all};

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    gzip_at(content, Compression::default())
}

fn gzip_at(content: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A member with every optional header field, its header checksum included.
pub(super) fn gzip_with_full_header(content: &[u8]) -> Vec<u8> {
    let encoder = GzBuilder::new().extra("extra").filename("name").comment("comment").mtime(1);
    let mut plain = encoder.write(Vec::new(), Compression::fast());
    plain.write_all(content).unwrap();
    let plain = plain.finish().unwrap();

    let header_length = 10 + 2 + "extra".len() + "name\0".len() + "comment\0".len();
    let mut file = plain[..header_length].to_vec();
    file[3] |= 1 << 1;
    let checksum = crc32fast::hash(&file) as u16;
    file.extend(checksum.to_le_bytes());
    file.extend(&plain[header_length..]);
    file
}

/// Content that looks like a log file: repetitive, yet not trivial.
pub(super) fn log_like(records: usize) -> Vec<u8> {
    let record = |n: usize| {
        let hash = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            r#"{{"eventVersion":"1.08","eventID":"{hash:016x}","eventName":"GetObject","readOnly":true}}"#
        )
    };
    format!(r#"{{"Records":[{}]}}"#, (0..records).map(record).collect::<Vec<_>>().join(",")).into_bytes()
}

fn inflate(file: &[u8]) -> (Vec<u8>, Form, Ending) {
    inflate_all(file, u64::MAX).unwrap()
}

fn ending(file: &[u8]) -> Ending {
    inflate(file).2
}

#[track_caller]
fn assert_corrupt(file: &[u8], what: &str) {
    match ending(file) {
        Ending::Corrupt { reason } => assert!(reason.contains(what), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// Returns at most `step` bytes per read, and an interruption before each.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
    interrupted: bool,
}

impl<'a> Trickle<'a> {
    fn new(bytes: &'a [u8], step: usize) -> Self {
        Self { bytes, step, interrupted: false }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = self.step.min(out.len());
        self.bytes.read(&mut out[..length])
    }
}

/// Reads in steps of `step` bytes, through windows of `window` bytes, checking that all but the last are full.
fn inflate_in_steps(inflater: &mut Inflater, file: &[u8], step: usize, window: usize) -> (Vec<u8>, Ending) {
    let mut input = Trickle::new(file, step);
    let mut content = Vec::new();
    let mut out = vec![0; window];
    inflater.start(u64::MAX);
    loop {
        let length = inflater.fill(&mut input, &mut out).unwrap();
        content.extend(&out[..length]);
        if length < window {
            break;
        }
    }
    assert_eq!(inflater.fill(&mut input, &mut out).unwrap(), 0, "nothing comes after the end");
    assert_eq!(inflater.inflated(), content.len() as u64);
    (content, inflater.ending().clone())
}

#[test]
fn whole_file_is_complete() {
    let content = log_like(5_000);
    for level in [Compression::none(), Compression::fast(), Compression::best()] {
        let file = gzip_at(&content, level);
        let mut inflater = Inflater::new();
        let whole = inflater.inflate_all(&mut &file[..], u64::MAX).unwrap();
        assert_eq!(whole, (content.clone(), Form::Gzip, Ending::Complete));
        assert_eq!(inflater.inflated(), content.len() as u64);
        assert_eq!(inflater.compressed(), file.len() as u64);
    }
}

#[test]
fn empty_content_is_complete() {
    assert_eq!(inflate(&gzip(b"")), (vec![], Form::Gzip, Ending::Complete));
}

#[test]
fn optional_header_fields_are_read() {
    let content = log_like(3);
    assert_eq!(inflate(&gzip_with_full_header(&content)), (content, Form::Gzip, Ending::Complete));
}

#[test]
fn long_header_fields_span_reads() {
    let name = vec![b'n'; 200_000];
    let mut encoder =
        GzBuilder::new().extra(vec![7; 65_535]).filename(name).write(Vec::new(), Compression::fast());
    encoder.write_all(b"content").unwrap();
    let file = encoder.finish().unwrap();
    assert_eq!(inflate(&file), (b"content".to_vec(), Form::Gzip, Ending::Complete));
    for cut in [70_000, 265_000] {
        assert_eq!(ending(&file[..cut]), Ending::Truncated);
    }
}

#[test]
fn inflated_content_is_passed_through() {
    let content = log_like(5_000);
    assert_eq!(inflate(&content), (content, Form::Inflated, Ending::Complete));
    for odd in [&b"{"[..], b"\x1f\x8a", b"\x8b\x1f"] {
        assert_eq!(inflate(odd), (odd.to_vec(), Form::Inflated, Ending::Complete));
    }
}

#[test]
fn nothing_is_empty() {
    assert_eq!(inflate(b""), (vec![], Form::Gzip, Ending::Empty));
}

#[test]
fn second_member_is_told_and_not_inflated() {
    let mut file = gzip(b"first");
    let second = gzip(b"second");
    file.extend(&second);
    let bytes = second.len() as u64;
    assert_eq!(inflate(&file), (b"first".to_vec(), Form::Gzip, Ending::ExtraMember { bytes }));
    // even when only the beginning of a member is there
    let cut = file.len() - second.len() + 3;
    assert_eq!(ending(&file[..cut]), Ending::ExtraMember { bytes: 3 });
    // however little is read at a time
    let (_, ending) = inflate_in_steps(&mut Inflater::new(), &file, 1, 3);
    assert_eq!(ending, Ending::ExtraMember { bytes });
}

#[test]
fn trailing_data_is_counted() {
    let member = gzip(b"content");
    for rest in [&[0; 8][..], b"junk", b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x07", &vec![b'x'; 200_000]] {
        let file = [&member, rest].concat();
        let bytes = rest.len() as u64;
        assert_eq!(inflate(&file), (b"content".to_vec(), Form::Gzip, Ending::TrailingData { bytes }));
    }
}

#[test]
fn any_cut_is_truncated() {
    let content = log_like(40);
    for file in [gzip(&content), gzip_with_full_header(&content), gzip_at(&content, Compression::none())] {
        assert_eq!(ending(&file[..0]), Ending::Empty);
        for cut in 1..file.len() {
            assert_eq!(ending(&file[..cut]), Ending::Truncated, "cut at {cut} of {}", file.len());
        }
    }
}

#[test]
fn content_before_a_cut_is_kept() {
    let content = log_like(1_000);
    let file = gzip(&content);
    let (kept, _, ending) = inflate(&file[..file.len() - 1]);
    assert_eq!((kept, ending), (content, Ending::Truncated));
}

#[test]
fn damaged_files_are_corrupt() {
    let content = log_like(100);
    let file = gzip(&content);
    let with = |at: usize, value: u8| {
        let mut damaged = file.clone();
        damaged[at] = value;
        damaged
    };
    assert_corrupt(&with(2, 7), "compression method 7");
    assert_corrupt(&with(3, 0b0010_0000), "reserved flags");
    assert_corrupt(&with(10, 0xff), "not valid");
    assert_corrupt(&with(file.len() - 8, !file[file.len() - 8]), "CRC-32");
    assert_corrupt(&with(file.len() - 4, !file[file.len() - 4]), "bytes of content");

    let mut bad_header_checksum = gzip_with_full_header(&content);
    bad_header_checksum[4] ^= 1;
    assert_corrupt(&bad_header_checksum, "checksum");
}

#[test]
fn limit_is_exact() {
    let content = log_like(2_000);
    for file in [gzip(&content), gzip_at(&content, Compression::none()), content.clone()] {
        let length = content.len() as u64;
        let (whole, _, ending) = inflate_all(&file[..], length).unwrap();
        assert_eq!((whole.len() as u64, ending), (length, Ending::Complete));
        for limit in [0, 1, length - 1] {
            let (part, _, ending) = inflate_all(&file[..], limit).unwrap();
            assert_eq!(ending, Ending::LimitExceeded { limit });
            assert_eq!(part, content[..limit as usize]);
        }
    }
}

#[test]
fn bomb_stops_at_the_limit() {
    let file = gzip(&vec![0; 50_000_000]);
    let (content, _, ending) = inflate_all(&file[..], 100_000).unwrap();
    assert_eq!((content.len(), ending), (100_000, Ending::LimitExceeded { limit: 100_000 }));
}

#[test]
fn read_errors_are_errors_and_stay() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let file = gzip(&log_like(100));
    for cut in [0, 1, 5, 100, file.len() - 2, file.len()] {
        let mut inflater = Inflater::new();
        let mut input = file[..cut].chain(Broken);
        let mut out = vec![0; 1 << 20];
        let error = inflater.fill(&mut input, &mut out).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        inflater.fill(&mut input, &mut out).unwrap_err();
        assert_ne!(inflater.ending(), &Ending::Complete);

        inflater.start(u64::MAX);
        inflater.fill(&mut &file[..], &mut out).unwrap();
        assert_eq!(inflater.ending(), &Ending::Complete, "usable again");
    }
}

#[test]
fn one_inflater_serves_many_files() {
    let first = log_like(500);
    let good = gzip(&first);
    let mut inflater = Inflater::new();
    let damaged = [&good[..50], &gzip(&log_like(300))[20..]].concat();
    for bad in [&damaged[..], &good[..20], &good[..good.len() - 3], b"", b"plain", b"\x1f\x8b\x08\xff"] {
        inflater.inflate_all(&mut { bad }, 1 << 20).unwrap();
        let (content, form, ending) = inflater.inflate_all(&mut &good[..], 1 << 20).unwrap();
        assert_eq!((form, ending), (Form::Gzip, Ending::Complete));
        assert_eq!(content, first);
    }
}

#[test]
fn reader_feeds_a_parser() {
    let file = gzip(&log_like(500));
    let mut inflater = Inflater::new();
    let mut reader = BufReader::new(GzipReader::new(&mut inflater, &file[..], u64::MAX));
    let value: serde_json::Value = serde_json::from_reader(&mut reader).unwrap();
    assert_eq!(value["Records"].as_array().unwrap().len(), 500);
    assert_eq!(reader.get_ref().inflater().ending(), &Ending::Complete);
}

#[test]
fn dyn_readers_are_accepted() {
    let file = gzip(b"content");
    let mut input: Box<dyn Read> = Box::new(&file[..]);
    let mut out = [0; 16];
    assert_eq!(Inflater::new().fill(input.as_mut(), &mut out).unwrap(), 7);
}

#[test]
fn inflater_moves_between_threads() {
    let mut inflater = Inflater::new();
    let content =
        std::thread::spawn(move || inflater.inflate_all(&mut &gzip(b"content")[..], 7)).join().unwrap();
    assert_eq!(content.unwrap().0, b"content");
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2_000),
        (0..2_000_usize).prop_map(log_like),
        (0..300_000_usize, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ]
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1..10_usize, 1..1_000_usize, 1..300_000_usize]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_chunking_gives_the_same_bytes(
        content in content(), level in 0..10_u32, step in size(), window in size(), rest in 0..5_usize
    ) {
        let mut file = gzip_at(&content, Compression::new(level));
        file.extend(vec![b'x'; rest]);
        let ending = match rest {
            0 => Ending::Complete,
            rest => Ending::TrailingData { bytes: rest as u64 },
        };
        let mut inflater = Inflater::new();
        let read = inflate_in_steps(&mut inflater, &file, step, window);
        prop_assert!(read == (content, ending), "{:?}", read.1);
        prop_assert_eq!(inflater.compressed(), file.len() as u64);
    }

    #[test]
    fn any_cut_in_any_steps_is_truncated(
        content in content(), at in any::<prop::sample::Index>(), step in size(), window in size()
    ) {
        let file = gzip(&content);
        let cut = 1 + at.index(file.len() - 1);
        let (kept, ending) = inflate_in_steps(&mut Inflater::new(), &file[..cut], step, window);
        prop_assert_eq!(ending, Ending::Truncated);
        prop_assert!(content.starts_with(&kept));
    }

    #[test]
    fn flipped_byte_never_passes_as_other_content(
        content in content(), at in any::<prop::sample::Index>(), flip in 1..=u8::MAX, full in any::<bool>()
    ) {
        let mut file = if full { gzip_with_full_header(&content) } else { gzip(&content) };
        let at = at.index(file.len());
        file[at] ^= flip;
        let (read, form, ending) = inflate(&file);
        if form == Form::Gzip && !matches!(ending, Ending::Truncated | Ending::Corrupt { .. }) {
            prop_assert!(read == content, "byte {at}");
            prop_assert_eq!(ending, Ending::Complete);
        }
        prop_assert!(form == Form::Gzip || at < 2);
    }

    #[test]
    fn any_bytes_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..500), is_gzip in any::<bool>()) {
        if is_gzip {
            bytes.splice(0..0, [0x1f, 0x8b, 8]);
        }
        let (content, form, ending) = inflate_all(&bytes[..], 1_000).unwrap();
        prop_assert!(content.len() <= 1_000);
        if form == Form::Inflated {
            prop_assert_eq!((content, ending), (bytes, Ending::Complete));
        }
    }
}
