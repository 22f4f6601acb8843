use proptest::prelude::*;

use super::{
    super::{
        Form, Inflater,
        tests::{gzip, gzip_with_full_header, log_like},
    },
    *,
};

fn inflate(file: &[u8], limit: usize) -> (Whole, Vec<u8>) {
    let mut output = Vec::new();
    let whole = WholeInflater::new().inflate(file, &mut output, limit);
    if let Whole::Done { length, .. } = whole {
        output.truncate(length);
    }
    (whole, output)
}

/// What the streaming reader says of the same file.
fn stream(file: &[u8], limit: usize) -> (Vec<u8>, Ending, u64) {
    let mut inflater = Inflater::new();
    inflater.start_all_members(limit as u64);
    let mut content = vec![0; limit];
    let length = inflater.fill(&mut { file }, &mut content).unwrap();
    content.truncate(length);
    let mut input: &[u8] = &[];
    inflater.fill(&mut input, &mut [0]).unwrap();
    (content, inflater.ending().clone(), inflater.members())
}

#[test]
fn whole_file_is_done() {
    let content = log_like(3_000);
    let file = gzip(&content);
    let (whole, output) = inflate(&file, 1 << 20);
    let expected = Whole::Done {
        length: content.len(),
        members: 1,
        first_member: content.len(),
        first_member_compressed: file.len(),
        ending: Ending::Complete,
    };
    assert_eq!(whole, expected);
    assert!(output == content);
}

#[test]
fn members_are_joined_and_what_follows_is_counted() {
    let (first, second) = (log_like(3_000), log_like(10));
    let mut file = gzip(&first);
    let first_member_compressed = file.len();
    // the last trailer's length is far too small a guess
    for member in [&second[..], b"", b"x"] {
        file.extend(gzip(member));
    }
    for rest in [&b""[..], b"junk", b"\x1f\x8b", b"\x1f\x8b\x07...", &[0; 600]] {
        let (whole, output) = inflate(&[&file, rest].concat(), 1 << 20);
        let ending = match rest.len() as u64 {
            0 => Ending::Complete,
            bytes => Ending::TrailingData { bytes },
        };
        let length = first.len() + second.len() + 1;
        let first_member = first.len();
        assert_eq!(whole, Whole::Done { length, members: 4, first_member, first_member_compressed, ending });
        assert!(output == [&first[..], &second, b"x"].concat());
    }
}

#[test]
fn limit_is_exact() {
    let content = log_like(3_000);
    let file = gzip(&content);
    assert!(matches!(inflate(&file, content.len()).0, Whole::Done { .. }));
    for limit in [0, 1, content.len() - 1] {
        let (whole, output) = inflate(&file, limit);
        assert_eq!(whole, Whole::TooLarge);
        assert!(output.len() <= limit);
    }
    // also for a second member
    let file = [&file[..], &gzip(b"second")].concat();
    assert_eq!(inflate(&file, content.len()).0, Whole::TooLarge);
    assert_eq!(inflate(&gzip(b""), 0).0, inflate(&gzip(b""), 10).0);
}

#[test]
fn limit_holds_when_the_buffer_is_larger() {
    let content = log_like(3_000);
    let mut output = vec![0; 1 << 20];
    assert_eq!(WholeInflater::new().inflate(&gzip(&content), &mut output, 1000), Whole::TooLarge);
}

#[test]
fn stated_length_takes_no_memory() {
    let mut file = gzip(b"content");
    let at = file.len() - 4;
    file[at..].copy_from_slice(&u32::MAX.to_le_bytes());
    let (whole, output) = inflate(&file, usize::MAX);
    assert_eq!(whole, Whole::Damaged);
    assert!(output.len() <= file.len() * MAX_RATIO);
}

#[test]
fn what_is_no_gzip_file_is_told_apart() {
    for file in [&b""[..], b"\x1f", b"{\"Records\":[]}", b"PK\x03\x04"] {
        assert_eq!(inflate(file, 100).0, Whole::NotGzip);
    }
    assert_eq!(inflate(b"\x1f\x8b", 100).0, Whole::Damaged);
}

#[test]
fn header_checksum_is_left_to_the_streaming_reader() {
    let file = gzip_with_full_header(b"content");
    assert_eq!(inflate(&file, 100).0, Whole::Damaged);
    assert_eq!(stream(&file, 100).1, Ending::Complete);
}

#[test]
fn one_inflater_and_one_buffer_serve_many_files() {
    let (long, short) = (log_like(3_000), log_like(2));
    let mut inflater = WholeInflater::new();
    let mut output = Vec::new();
    for content in [&long, &short, &long, &short] {
        let file = gzip(content);
        let mut damaged = file.clone();
        damaged[20] ^= 0xff;
        assert_eq!(inflater.inflate(&damaged, &mut output, 1 << 20), Whole::Damaged);
        let Whole::Done { length, .. } = inflater.inflate(&file, &mut output, 1 << 20) else { panic!() };
        assert!(&output[..length] == content.as_slice());
    }
    assert_eq!(output.len(), long.len(), "grown once, never shrunk");
}

#[test]
fn inflater_moves_between_threads() {
    let mut inflater = WholeInflater::new();
    let whole = std::thread::spawn(move || inflater.inflate(&gzip(b"content"), &mut Vec::new(), 7)).join();
    assert!(matches!(whole.unwrap(), Whole::Done { length: 7, .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn agrees_with_the_streaming_reader(
        sizes in prop::collection::vec(0..300_usize, 1..4),
        rest in prop_oneof![Just(vec![]), prop::collection::vec(any::<u8>(), 0..20)],
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
        flip in prop::option::weighted(0.3, (any::<prop::sample::Index>(), 1..=u8::MAX)),
        limit in prop_oneof![Just(1_usize << 18), 0..60_000_usize],
    ) {
        let mut file: Vec<u8> = sizes.into_iter().flat_map(|records| gzip(&log_like(records))).collect();
        file.extend(rest);
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        if let Some((at, flip)) = flip && !file.is_empty() {
            let at = at.index(file.len());
            file[at] ^= flip;
        }
        let (content, ending, streamed) = stream(&file, limit);
        match inflate(&file, limit) {
            (Whole::Done { members, ending: whole, .. }, output) => {
                prop_assert!(output == content);
                prop_assert_eq!(whole, ending);
                prop_assert_eq!(u64::from(members), streamed);
            }
            (Whole::TooLarge, _) => {
                prop_assert!(!matches!(ending, Ending::Complete | Ending::TrailingData { .. }), "{ending:?}");
                prop_assert!(content.len() <= limit);
            }
            (Whole::Damaged, _) => prop_assert!(
                // damage that lies beyond the limit is seen by one of them only
                matches!(ending, Ending::Truncated | Ending::Corrupt { .. } | Ending::LimitExceeded { .. })
                    || file[3] & 2 != 0,
                "{ending:?}"
            ),
            (Whole::NotGzip, _) => {
                let form = Inflater::new().inflate_all(&mut &file[..], 1 << 20).unwrap().1;
                prop_assert!(form == Form::Inflated || file.len() < 2);
            }
        }
    }
}
