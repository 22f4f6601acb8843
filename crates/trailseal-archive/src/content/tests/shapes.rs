//! Single streams: text in its encodings, gzip, zstd.

use super::*;

const ZSTD: &[u8] = include_bytes!("../testdata/log.json.zst");

/// What the zstd file holds; it was made by `zstd -19 --check` from a pipe.
fn zstd_content() -> Vec<u8> {
    let record = |n: u64| {
        let id = if n.is_multiple_of(20) { n * n * 7919 % 1_000_003 } else { 0 };
        format!(r#"{{"n":{n},"id":{id}}}"#)
    };
    let records: Vec<_> = (0..20_000).map(record).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes()
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

#[test]
fn first_bytes_tell_what_a_file_is() {
    let cases: &[(&[u8], Detected)] = &[
        (b"", Detected::Empty),
        (b"\x1f", Detected::Gzip),
        (b"\x1f\x8b\x08", Detected::Gzip),
        (b"\x1f\x8c", Detected::Text { bom: 0 }),
        (b"PK\x03\x04", Detected::Zip),
        (b"PK\x05\x06\0\0", Detected::Zip),
        (b"PK\x07\x08PK\x03\x04", Detected::Zip),
        (b"PK", Detected::Text { bom: 0 }),
        (b"\x28\xb5\x2f\xfd", Detected::Zstd),
        (b"\x5f\x2a\x4d\x18\0", Detected::Zstd),
        (b"\xff\xfe{\0", Detected::Utf16Le { bom: 2 }),
        (b"\xfe\xff\0{", Detected::Utf16Be { bom: 2 }),
        (b"{\0\"\0", Detected::Utf16Le { bom: 0 }),
        (b"\r\0\n\0 \0[\0", Detected::Utf16Le { bom: 0 }),
        (b"\0\n\0{", Detected::Utf16Be { bom: 0 }),
        (b"\xff\xfe\0\0", Detected::Unsupported("UTF-32")),
        (b"\xef\xbb\xbf{", Detected::Text { bom: 3 }),
        (b"{\"Records\":[]}", Detected::Text { bom: 0 }),
        (b" \n[", Detected::Text { bom: 0 }),
        (b"\0\0\0\0", Detected::Text { bom: 0 }),
        (b"BZh91AY&SY", Detected::Bzip2),
        (b"BZh, a text", Detected::Text { bom: 0 }),
        (b"\xfd7zXZ\0", Detected::Xz),
        (b"PAR1", Detected::Unsupported("Parquet")),
        (b"SQLite format 3\0", Detected::Unsupported("SQLite")),
        (b"trailsj1\0\0", Detected::Unsupported("journal of `trailseal serve`")),
        (b"trailsj", Detected::Text { bom: 0 }),
        (b"\0\x05\x16\x07\0", Detected::ResourceFork),
    ];
    for (head, expected) in cases {
        assert_eq!(detect(head), *expected, "{head:?}");
    }
    assert_eq!(detect(&tar(&[("a", b"{}")])), Detected::Tar);
}

#[test]
fn plain_text_passes_as_it_is() {
    for content in [&log(3)[..], &log(20_000), b"{", b"\xff\xff not a text"] {
        assert_eq!(intact(content), [("f".into(), content.to_vec())]);
    }
    assert_eq!(intact(&[b"\xef\xbb\xbf", &log(3)[..]].concat())[0].1, log(3));
    let bom_only = walk(b"\xef\xbb\xbf").1;
    assert_eq!((bom_only.entries, bom_only.problems.len()), (1, 0));
}

#[test]
fn nothing_is_skipped_as_empty() {
    for file in [&b""[..], &gzip(b""), &gzip(&gzip(b""))] {
        let (seen, outcome) = walk(file);
        assert_eq!(seen, []);
        assert_eq!((outcome.skipped.empty, outcome.problems), (1, vec![]));
    }
}

#[test]
fn known_formats_are_told_and_never_given_out() {
    for file in [&b"PAR1...."[..], &gzip(b"PAR1....")] {
        let (seen, outcome) = walk(file);
        assert_eq!(seen, []);
        assert_eq!(problems(&outcome), [("f".into(), 0, "unsupported: Parquet".into())]);
    }
}

#[test]
fn text_that_an_attacker_chose_is_no_tar() {
    let mut text = vec![b'{'; 1_000];
    text[257..263].copy_from_slice(b"ustar ");
    assert_eq!(detect(&text), Detected::Text { bom: 0 });
    // even with the right checksum
    let sum: u32 = text[..148].iter().chain(&text[156..512]).map(|&byte| u32::from(byte)).sum();
    text[148..156].copy_from_slice(format!("{:06o}  ", sum + 256).as_bytes());
    assert!(super::super::detect::checksum_matches(&text));
    assert_eq!(detect(&text), Detected::Text { bom: 0 });
}

#[test]
fn utf16_becomes_utf8() {
    let text = "{\"city\":\"Zürich 東京 🦀\"}\r\n".repeat(2_000);
    for big_endian in [false, true] {
        let bom = if big_endian { [0xfe, 0xff] } else { [0xff, 0xfe] };
        let file = utf16(&text, big_endian);
        for file in [[&bom[..], &file].concat(), file.clone(), gzip(&file)] {
            assert!(intact(&file)[0].1 == text.as_bytes());
        }
    }
}

#[test]
fn half_surrogates_are_replaced_and_half_units_told() {
    let units = |units: &[u16]| units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>();
    let file = units(&[0xfeff, 0xd83e, 0x61, 0xdd80, 0xd83e, 0xd83e, 0xdd80, 0xd83e]);
    assert_eq!(single(&file).0, "\u{fffd}a\u{fffd}\u{fffd}🦀\u{fffd}".as_bytes());

    let file = utf16("\u{feff}{}", false);
    assert_eq!(single(&file[..5]), (b"{".to_vec(), Some(Reason::Truncated { within: "a UTF-16 character" })));
}

#[test]
fn gzip_members_are_joined() {
    let file = [gzip(&log(500)), gzip(b""), gzip(b"\n"), gzip(&log(20_000))].concat();
    assert!(intact(&file)[0].1 == [log(500), b"\n".to_vec(), log(20_000)].concat());
}

#[test]
fn gzip_twice_is_inflated_twice() {
    assert_eq!(intact(&gzip(&gzip(&log(9)))), [("f".into(), log(9))]);
}

#[test]
fn bytes_after_gzip_are_told() {
    for rest in [&b"x"[..], &[0; 512], b"\x1f\x8b", b"{\"Records\":[]}"] {
        let bytes = rest.len() as u64;
        let (text, reason) = single(&[&gzip(&log(9)), rest].concat());
        assert_eq!(text, log(9));
        assert_eq!(reason, Some(Reason::TrailingData { bytes, after: "the gzip data" }));
    }
}

#[test]
fn damaged_gzip_gives_all_before_the_damage() {
    let content = log(3_000);
    let file = [gzip(&content), gzip(&log(9))].concat();
    let whole = [content.clone(), log(9)].concat();
    let second = file.len() - gzip(&log(9)).len();
    let mut longest = 0;
    for cut in (2..file.len()).step_by(97) {
        let (seen, outcome) = walk(&file[..cut]);
        if cut == second {
            continue;
        }
        let text = seen.first().map_or(&[][..], |(_, text, _)| text);
        assert!(whole.starts_with(text) && text.len() >= longest);
        longest = text.len();
        let bytes_after = cut.saturating_sub(second);
        let reason = match bytes_after {
            1 | 2 => Reason::TrailingData { bytes: bytes_after as u64, after: "the gzip data" },
            _ => Reason::Truncated { within: "the gzip data" },
        };
        assert_eq!(problems(&outcome), [("f".into(), longest as u64, reason.to_string())], "cut at {cut}");
    }
    assert!(longest > content.len());

    let mut bad_checksum = gzip(&content);
    let at = bad_checksum.len() - 8;
    bad_checksum[at] ^= 1;
    let (text, reason) = single(&bad_checksum);
    assert!(text == content);
    let reason = reason.unwrap();
    assert!(matches!(&reason, Reason::Checksum { what } if what.contains("CRC-32")), "{reason}");
    assert!(
        reason.to_string().ends_with("all of the content was used, but nothing vouches for it"),
        "{reason}"
    );

    // what follows is not read, so that it cannot be said that all was used
    let (text, reason) = single(&[&bad_checksum[..], &gzip(&content)].concat());
    assert!(text == content);
    assert!(matches!(reason, Some(Reason::Corrupt { .. })));
}

#[test]
fn second_member_has_its_own_length() {
    let mut file = [gzip(&log(9)), gzip(&log(7))].concat();
    let at = file.len() - 4;
    file[at] ^= 1;
    let reason = single(&file).1.unwrap();
    assert!(matches!(&reason, Reason::Checksum { what } if what.contains("bytes of content")), "{reason}");
}

#[test]
fn zstd_is_inflated() {
    let content = zstd_content();
    assert!(intact(ZSTD)[0].1 == content);
    // frames, and frames to skip
    let skip = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
    assert!(intact(&[skip, ZSTD, skip, ZSTD].concat())[0].1 == [&content[..], &content].concat());
    assert_eq!(walk(skip).1.skipped.empty, 1);
}

#[test]
fn zstd_made_elsewhere_is_inflated() {
    let content = log(20_000);
    let file = ruzstd::encoding::compress_to_vec(&content[..], ruzstd::encoding::CompressionLevel::Fastest);
    assert!(intact(&file)[0].1 == content);
}

#[test]
fn truncated_zstd_gives_all_blocks_before_the_cut() {
    let content = zstd_content();
    let mut longest = 0;
    for cut in (4..ZSTD.len()).step_by(211).chain(ZSTD.len() - 5..ZSTD.len()) {
        let (seen, outcome) = walk(&ZSTD[..cut]);
        let text = seen.first().map_or(&[][..], |(_, text, _)| text);
        assert!(content.starts_with(text), "cut at {cut}");
        longest = longest.max(text.len());
        let reason = "the data ends within the zstd data";
        assert_eq!(problems(&outcome), [("f".into(), text.len() as u64, reason.into())]);
        if cut > ZSTD.len() * 3 / 4 {
            assert!(text.len() >= 128 << 10, "cut at {cut}: {}", text.len());
        }
    }
    assert_eq!(longest, content.len(), "only the checksum was missing");
}

#[test]
fn damaged_zstd_is_told() {
    let content = zstd_content();
    let mut bad_checksum = ZSTD.to_vec();
    *bad_checksum.last_mut().unwrap() ^= 1;
    let (text, reason) = single(&bad_checksum);
    assert!(text == content);
    assert!(matches!(reason, Some(Reason::Checksum { .. })), "{reason:?}");
    let reason = single(&[&bad_checksum[..], ZSTD].concat()).1;
    assert!(matches!(reason, Some(Reason::Corrupt { .. })), "{reason:?}");

    assert_eq!(
        single(&[ZSTD, b"junk!"].concat()).1,
        Some(Reason::TrailingData { bytes: 5, after: "the zstd data" })
    );
    let mut told = 0;
    for at in (10..ZSTD.len()).step_by(501) {
        let mut file = ZSTD.to_vec();
        file[at] ^= 0x10;
        let (seen, outcome) = walk(&file);
        // a bit that means nothing
        let is_same = outcome.problems.is_empty() && seen[0].1 == content;
        assert!(is_same || outcome.problems.len() == 1, "byte {at}");
        told += outcome.problems.len();
    }
    assert!(told > 50, "{told}");
}

#[test]
fn large_zstd_window_is_refused() {
    // a window of 2^(10 + 31) bytes
    let (seen, outcome) = walk(b"\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00");
    assert_eq!(seen, []);
    assert!(problems(&outcome)[0].2.contains("window"), "{:?}", outcome.problems);
}

#[test]
fn zstd_bomb_stops_at_the_total() {
    let file = ruzstd::encoding::compress_to_vec(
        &vec![0; 5_000_000][..],
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    let limits = ContentLimits { max_total: 1_000_000, ..ContentLimits::default() };
    let (seen, _) = walk_within(&file, &limits);
    assert_eq!(seen[0].2.as_ref().unwrap().reason, Reason::TotalTooLarge { limit: 1_000_000 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_survives_utf16(text in "\\PC{0,300}", big_endian: bool) {
        let file = utf16(&format!("\u{feff}{text}"), big_endian);
        prop_assert_eq!(single(&file), (text.into_bytes(), None));
    }
}
