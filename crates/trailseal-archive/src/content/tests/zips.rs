//! Zip archives.

use super::*;

/// An entry as it is written, right or wrong.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    data: Vec<u8>,
    crc: u32,
    size: u32,
}

impl Raw {
    fn new(name: &str, content: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        Self {
            name: name.into(),
            flags: 0,
            method: 8,
            data: encoder.finish().unwrap(),
            crc: crc32fast::hash(content),
            size: content.len() as u32,
        }
    }

    fn stored(name: &str, content: &[u8]) -> Self {
        Self { method: 0, data: content.to_vec(), ..Self::new(name, content) }
    }

    fn with_descriptor(self) -> Self {
        Self { flags: self.flags | 8, ..self }
    }

    fn sizes(&self) -> Vec<u8> {
        [self.crc, self.data.len() as u32, self.size].into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

/// Also the place of the central directory.
fn write(entries: &[Raw]) -> (Vec<u8>, usize) {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = file.len() as u32;
        let u16s = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let start = u16s(&[20, entry.flags, entry.method, 0, 33]);
        let has_descriptor = entry.flags & 8 != 0;
        let lengths = u16s(&[entry.name.len() as u16, 0]);

        file.extend(b"PK\x03\x04");
        file.extend(&start);
        file.extend(if has_descriptor { vec![0; 12] } else { entry.sizes() });
        file.extend(&lengths);
        file.extend(&entry.name);
        file.extend(&entry.data);
        if has_descriptor {
            file.extend(b"PK\x07\x08");
            file.extend(entry.sizes());
        }

        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&start);
        directory.extend(entry.sizes());
        directory.extend(&lengths);
        directory.extend(u16s(&[0, 0, 0, 0, 0]));
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let at = file.len();
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend((at as u32).to_le_bytes());
    file.extend([0, 0]);
    (file, at)
}

pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    write(&entries.iter().map(|(name, content)| Raw::new(name, content)).collect::<Vec<_>>()).0
}

fn names(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|(name, ..)| name.as_str()).collect()
}

/// Like `intact`, for archives of which not every byte is read in place.
#[track_caller]
fn intact(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (seen, outcome) = walk(file);
    assert_eq!(outcome.problems, []);
    seen.into_iter().map(|(name, text, _)| (name, text)).collect()
}

#[test]
fn entries_come_in_order() {
    let log = log(3_000);
    let expected = [("f!b.json".into(), log.clone()), ("f!a/x.gz".into(), b"{}".to_vec())];
    for make in [Raw::new, Raw::stored] {
        let entries = [make("b.json", &log), make("a/x.gz", &gzip(b"{}"))];
        assert!(intact(&write(&entries).0) == expected);
        let entries = entries.map(Raw::with_descriptor);
        assert!(intact(&write(&entries).0) == expected);
    }
}

#[test]
fn archives_of_the_library_are_read() {
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default().large_file(true);
    writer.add_directory("folder", options).unwrap();
    writer.start_file("folder/Zürich.json", options).unwrap();
    writer.write_all(&log(9)).unwrap();
    let file = writer.finish().unwrap().into_inner();
    assert_eq!(intact(&file), [("f!folder/Zürich.json".into(), log(9))]);
    let sequence = walk(&file[..file.len() - 1]);
    assert_eq!((names(&sequence.0), sequence.1.problems.len()), (vec!["f!folder/Zürich.json"], 1));
    assert_eq!(sequence.1.skipped.directories, 1);
}

#[test]
fn zips_in_a_stream_are_held_or_spooled_or_refused() {
    let entries = [("a", &*log(3_000)), ("b", b"{}".as_slice())];
    let file = write(&entries.map(|(name, content)| Raw::stored(name, content))).0;
    let folder = tempfile::tempdir().unwrap();
    let read = |max_held: u64, spool: Option<PathBuf>| {
        let mut names = Vec::new();
        let limits = ContentLimits { max_held, spool, ..ContentLimits::default() };
        let outcome = read_stream("f", &*file, &limits, &mut |name, reader| {
            names.push(name.to_string());
            let _ = io::copy(reader, &mut io::sink());
            ControlFlow::Continue(())
        });
        (names, outcome.problems)
    };
    let length = file.len() as u64;
    let all = (vec!["f!a".to_owned(), "f!b".to_owned()], Vec::new());
    assert_eq!(read(length, None), all);
    assert_eq!(read(length - 1, Some(folder.path().to_owned())), all);
    let (_, problems) = read(length - 1, None);
    let limit = length - 1;
    assert!(problems.iter().any(|problem| problem.error.reason == Reason::NoSpool { limit }), "{problems:?}");
    let (_, problems) = read(length - 1, Some(folder.path().join("absent")));
    let is_told = |reason: &Reason| matches!(reason, Reason::Read { .. });
    assert!(problems.iter().any(|problem| is_told(&problem.error.reason)), "{problems:?}");
}

#[test]
fn empty_archive_is_nothing() {
    let (seen, outcome) = walk(&zip(&[]));
    assert_eq!((seen, outcome.problems), (vec![], vec![]));
}

#[test]
fn entries_of_one_name_are_all_read() {
    let file = zip(&[("a", b"{}"), ("a", b"[]")]);
    assert_eq!(intact(&file), [("f!a".into(), b"{}".to_vec()), ("f!a".into(), b"[]".to_vec())]);
}

#[test]
fn what_has_no_content_is_counted() {
    let entries = [
        Raw::stored("AWSLogs/", b""),
        Raw::stored("empty", b""),
        Raw::new("__MACOSX/._a.json", b"\0\x05\x16\x07attributes"),
        // a name alone hides nothing
        Raw::new("__MACOSX/real.json", b"{}"),
    ];
    let (seen, outcome) = walk(&write(&entries).0);
    assert_eq!(names(&seen), ["f!__MACOSX/real.json"]);
    let skipped = SkippedMembers { directories: 1, empty: 1, resource_forks: 1, others: 0 };
    assert_eq!((outcome.skipped, outcome.problems), (skipped, vec![]));
}

#[test]
fn names_are_shown_and_nothing_more() {
    let mut odd = Raw::new("../../etc/passwd", b"{}");
    let mut file = write(&[odd.clone()]).0;
    assert_eq!(intact(&file)[0].0, "f!../../etc/passwd");
    odd.name = b"\xff\xfe\0.json".to_vec();
    file = write(&[odd]).0;
    assert_eq!(intact(&file).len(), 1);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_goes_on() {
    let plain = Raw::new("ok", b"{}");
    let entries = [
        Raw { flags: 1, ..Raw::new("secret", b"{}") },
        Raw { method: 14, ..Raw::new("lzma", b"{}") },
        Raw { method: 77, ..Raw::new("odd", b"{}") },
        Raw { crc: 1, ..Raw::new("crc", b"{}") },
        Raw { size: 3, ..Raw::new("short", b"{}") },
        Raw { size: 1, ..Raw::new("long", b"{}") },
        Raw { data: vec![0xff; 9], ..Raw::new("junk", b"{}") },
        plain,
    ];
    let expected = [
        ("f!secret", 0, "the entry is encrypted"),
        ("f!lzma", 0, "unsupported: zip compression method 14 (LZMA)"),
        ("f!odd", 0, "unsupported: zip compression method 77"),
        ("f!crc", 2, "the checksum is wrong: the archive states the CRC-32 00000001, but that of the content is a3a6bf43; all of the content was used, but nothing vouches for it"),
        ("f!short", 2, "the data ends within the zip entry"),
        ("f!long", 2, "the checksum is wrong: the archive states 1 bytes of content, but there are 2; all of the content was used, but nothing vouches for it"),
        ("f!junk", 0, "the compressed data is not valid"),
    ]
    .map(|(name, offset, reason)| (name.to_owned(), offset, reason.to_owned()));

    let (file, directory) = write(&entries);
    let (seen, outcome) = walk(&file);
    assert_eq!(problems(&outcome), expected);
    assert_eq!(names(&seen).last(), Some(&"f!ok"));
    // without the directory, the same and that
    let (seen, outcome) = walk(&file[..directory]);
    assert_eq!(problems(&outcome)[..7], expected);
    assert_eq!(names(&seen).last(), Some(&"f!ok"));
    assert_eq!(outcome.problems.len(), 8);
}

#[test]
fn truncated_archive_gives_all_before_the_cut() {
    let content = log(100);
    for descriptors in [false, true] {
        let mut entries = ["a", "b", "c"].map(|name| Raw::new(name, &content));
        if descriptors {
            entries = entries.map(Raw::with_descriptor);
        }
        let (file, directory) = write(&entries);
        let mut longest = 0;
        for cut in 4..file.len() - 1 {
            let (seen, outcome) = walk(&file[..cut]);
            assert!(seen.iter().all(|(_, text, _)| content.starts_with(text)), "cut at {cut}");
            let bytes = seen.iter().map(|(_, text, _)| text.len()).sum();
            assert!(bytes >= longest, "cut at {cut}");
            longest = bytes;
            // the entry that is cut, and the archive
            let count = outcome.problems.len();
            assert!(count == 2 || count == 1, "cut at {cut}: {:?}", outcome.problems);
            assert!(problems(&outcome)[count - 1].2.contains("no valid directory"));
            if cut >= directory {
                assert_eq!((longest, count), (3 * content.len(), 1));
            }
        }
    }
}

#[test]
fn damaged_directory_is_told() {
    let (mut file, directory) = write(&["a", "b"].map(|name| Raw::new(name, b"{}")));
    file[directory] = b'X';
    let (seen, outcome) = walk(&file);
    assert_eq!(names(&seen), ["f!a", "f!b"]);
    assert!(problems(&outcome)[0].2.contains("no valid directory"), "{:?}", outcome.problems);
}

#[test]
fn bytes_around_an_archive_are_told() {
    let file = zip(&[("a", b"{}")]);
    let (seen, outcome) = walk(&[&file[..], b"more"].concat());
    assert_eq!(names(&seen), ["f!a"]);
    assert_eq!(problems(&outcome), [("f".into(), 0, "4 bytes follow the zip archive".into())]);

    let two = [zip(&[("hidden", b"{}")]), file].concat();
    let (seen, outcome) = walk(&two);
    assert_eq!(names(&seen), ["f!a"]);
    assert!(problems(&outcome)[0].2.ends_with("bytes are not part of the zip archive"));
}

#[test]
fn entry_that_the_directory_leaves_out_is_told() {
    let (mut file, directory) = write(&["hidden", "b"].map(|name| Raw::new(name, b"{}")));
    let record = 46 + "hidden".len();
    file.drain(directory..directory + record);
    let end = file.len() - 22;
    file[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    let size = (end - directory) as u32;
    file[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    let (seen, outcome) = walk(&file);
    assert_eq!(names(&seen), ["f!b"]);
    let reason = "40 bytes of the zip archive belong to no entry in its directory";
    assert_eq!(problems(&outcome), [("f".into(), 0, reason.into())]);
}

#[test]
fn comment_is_part_of_an_archive() {
    let mut file = zip(&[("a", b"{}")]);
    let at = file.len() - 2;
    file[at] = 30;
    file.extend(b"a comment with PK\x05\x06 within.");
    file[at] = (file.len() - at - 2) as u8;
    assert_eq!(intact(&file).len(), 1);
}

#[test]
fn entry_whose_header_is_elsewhere_is_told() {
    let (mut file, directory) = write(&["a", "b"].map(|name| Raw::new(name, b"{}")));
    for (offset, what) in [(1, "is not where the directory says"), (u32::MAX - 1, "within a zip header")] {
        file[directory + 42..directory + 46].copy_from_slice(&offset.to_le_bytes());
        let (seen, outcome) = walk(&file);
        assert_eq!(names(&seen), ["f!b"]);
        assert!(problems(&outcome)[0].2.contains(what), "{:?}", outcome.problems);
    }
}

#[test]
fn more_than_65535_entries_are_read() {
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options =
        ::zip::write::SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
    for n in 0..65_600 {
        writer.start_file(format!("{n}"), options).unwrap();
    }
    writer.start_file("last", options).unwrap();
    writer.write_all(b"{}").unwrap();
    let file = writer.finish().unwrap().into_inner();
    let (seen, outcome) = walk(&file);
    assert_eq!((names(&seen), outcome.skipped.empty, outcome.problems), (vec!["f!last"], 65_600, vec![]));
}

#[test]
fn stored_entry_without_a_length_is_told() {
    let entries = [Raw::stored("a", b"{\"a\":1}").with_descriptor(), Raw::new("b", b"{}")];
    let (file, directory) = write(&entries);
    let (seen, outcome) = walk(&file[..directory]);
    assert_eq!(names(&seen), ["f!b"]);
    assert!(problems(&outcome)[0].2.contains("does not say its length"));
}

#[test]
fn wrong_descriptor_is_told_without_a_directory() {
    let entries = [Raw { crc: 1, ..Raw::new("a", b"{}") }.with_descriptor(), Raw::new("b", b"{}")];
    let (file, directory) = write(&entries);
    let (seen, outcome) = walk(&file[..directory]);
    assert_eq!(names(&seen), ["f!a", "f!b"]);
    assert!(problems(&outcome)[0].2.contains("CRC-32"));
    assert_eq!(outcome.problems.len(), 2);
}

#[test]
fn long_directory_is_read() {
    let name = "n".repeat(60_000);
    let entries: Vec<_> = (0..50).map(|n| Raw::stored(&format!("{n}{name}"), b"{}")).collect();
    let (seen, outcome) = walk(&write(&entries).0);
    assert_eq!((seen.len(), outcome.problems.len()), (50, 0));
}

#[test]
fn overlapping_entries_stop_at_the_total() {
    let content = vec![b' '; 100_000];
    let (file, directory) = write(&[Raw::new("a", &content)]);
    let record = &file[directory..file.len() - 22];
    let mut bomb = [&file[..directory], &record.repeat(100), &file[file.len() - 22..]].concat();
    let end = bomb.len() - 22;
    bomb[end + 8..end + 12].copy_from_slice(&[100, 0, 100, 0]);
    bomb[end + 12..end + 16].copy_from_slice(&(record.len() as u32 * 100).to_le_bytes());
    let limits = ContentLimits { max_total: 1_000_000, ..ContentLimits::default() };
    let (_, outcome) = walk_within(&bomb, &limits);
    assert!(outcome.bytes_given <= 2_000_000, "{}", outcome.bytes_given);
    assert!(!outcome.problems.is_empty());
}
