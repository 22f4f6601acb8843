//! Tar archives, and one archive within another.

use super::*;

fn truncated(bytes: &[u8]) -> Vec<(String, u64, String)> {
    problems(&walk(bytes).1)
}

/// Writes the checksum of the header at `at`.
fn seal(archive: &mut [u8], at: usize) {
    let header = &mut archive[at..at + 512];
    let sum: u32 = header[..148].iter().chain(&header[156..]).map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{:06o}\0 ", sum + 256).as_bytes());
}

#[test]
fn tar_members_come_in_order() {
    let long = "folder/".repeat(40) + "file.json";
    let archive = tar(&[("a.json", &log(2_000)), (&long, b"{}"), ("c", &gzip(&log(9)))]);
    let expected = [
        ("f!a.json".to_owned(), log(2_000)),
        (format!("f!{long}"), b"{}".to_vec()),
        ("f!c".to_owned(), log(9)),
    ];
    for file in [&archive, &gzip(&archive)] {
        assert!(intact(file) == expected);
    }
}

#[test]
fn posix_names_have_a_prefix() {
    let mut archive = tar(&[("b.json", b"{}")]);
    archive[257..265].copy_from_slice(b"ustar\x0000");
    archive[345..348].copy_from_slice(b"a/x");
    seal(&mut archive, 0);
    assert_eq!(intact(&archive)[0].0, "f!a/x/b.json");
}

#[test]
fn pax_records_name_the_member_after_them() {
    let mut builder = ::tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("comment", &b"x"[..]), ("path", "Zürich.json".as_bytes())]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(2);
    builder.append_data(&mut header, "short", &b"{}"[..]).unwrap();
    builder.append_data(&mut header, "next", &b"[]"[..]).unwrap();
    let archive = builder.into_inner().unwrap();
    let expected = [("f!Zürich.json".into(), b"{}".to_vec()), ("f!next".into(), b"[]".to_vec())];
    assert_eq!(intact(&archive), expected);
}

#[test]
fn pax_size_replaces_the_header_s() {
    let mut builder = ::tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("size", &b"600"[..])]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(600);
    builder.append_data(&mut header, "a", &[b' '; 600][..]).unwrap();
    let mut archive = builder.into_inner().unwrap();
    archive[1024 + 124..1024 + 136].copy_from_slice(b"00000000000\0");
    seal(&mut archive, 1024);
    assert_eq!(intact(&archive), [("f!a".into(), vec![b' '; 600])]);
}

#[test]
fn binary_sizes_are_read() {
    let mut archive = tar(&[("a", b"{}")]);
    archive[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x02");
    seal(&mut archive, 0);
    assert_eq!(intact(&archive), [("f!a".into(), b"{}".to_vec())]);
}

#[test]
fn what_has_no_content_is_counted() {
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(0);
    for kind in [::tar::EntryType::Directory, ::tar::EntryType::Symlink, ::tar::EntryType::Fifo] {
        header.set_entry_type(kind);
        builder.append_data(&mut header, "x", &b""[..]).unwrap();
    }
    header.set_entry_type(::tar::EntryType::Regular);
    builder.append_data(&mut header, "AWSLogs/1/CloudTrail/", &b""[..]).unwrap();
    builder.append_data(&mut header, "empty", &b""[..]).unwrap();
    header.set_size(26);
    builder.append_data(&mut header, "._a", &b"\0\x05\x16\x07 attributes of a file"[..]).unwrap();
    let outcome = walk(&builder.into_inner().unwrap()).1;
    let skipped = SkippedMembers { directories: 2, empty: 1, resource_forks: 1, others: 2 };
    assert_eq!((outcome.skipped, outcome.entries, outcome.problems), (skipped, 0, vec![]));
}

#[test]
fn sparse_members_are_told() {
    let mut archive = tar(&[("holes", b"{}"), ("b", b"{}")]);
    archive[156] = b'S';
    seal(&mut archive, 0);
    let (seen, outcome) = walk(&archive);
    assert_eq!(seen.len(), 1);
    assert_eq!(problems(&outcome), [("f!holes".into(), 0, "unsupported: a sparse tar member".into())]);
}

#[test]
fn any_cut_of_a_tar_is_told_once() {
    let content = log(60);
    let archive = tar(&[("a", &content), ("b", &gzip(&content)), ("c", b"{}")]);
    let end = archive.len() - 1024;
    for cut in (512..archive.len()).step_by(37) {
        let (seen, outcome) = walk(&archive[..cut]);
        assert!(seen.iter().all(|(name, text, _)| name == "f!c" || content.starts_with(text)));
        if cut >= end + 512 {
            assert_eq!(problems(&outcome), []);
        } else {
            assert_eq!(outcome.problems.len(), 1, "cut at {cut}: {:?}", outcome.problems);
        }
    }
    // even where a member ends
    assert_eq!(truncated(&archive[..end])[0].2, "the data ends within the tar archive, before its end mark");
    assert_eq!(
        truncated(&archive[..1000]),
        [("f!a".into(), 488, "the data ends within a tar member".into())]
    );
}

#[test]
fn any_cut_of_a_compressed_tar_is_told() {
    let content = log(60);
    let archive = gzip(&tar(&[("a", &content), ("b", &gzip(&content)), ("c", b"{}")]));
    for cut in 20..archive.len() {
        let (seen, outcome) = walk(&archive[..cut]);
        // with less than a header, it is no tar archive yet
        assert!(seen.iter().all(|(name, text, _)| match name.as_str() {
            "f" => text.len() < 512,
            "f!c" => b"{}".starts_with(text),
            _ => content.starts_with(text),
        }));
        assert_eq!(outcome.problems.len(), 1, "cut at {cut}: {:?}", outcome.problems);
        assert!(problems(&outcome)[0].2.contains("within the gzip data"));
    }
}

#[test]
fn members_after_a_damaged_header_are_found() {
    let mut archive = tar(&[("a", b"{}"), ("b", &log(100)), ("c", b"[]")]);
    archive[1024 + 3] ^= 1;
    let (seen, outcome) = walk(&archive);
    let names: Vec<_> = seen.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["f!a", "f!c"]);
    let bytes = 512 + log(100).len().next_multiple_of(512);
    let reason = format!("{bytes} bytes at byte 1024 of the tar archive are no tar member");
    assert_eq!(problems(&outcome)[0].2, reason);
    assert_eq!(outcome.problems.len(), 1);
}

#[test]
fn nothing_hides_behind_the_end_mark() {
    let archive = [tar(&[("a", b"{}")]), vec![0; 5_000 / 512 * 512], tar(&[("b", b"[]")])].concat();
    assert_eq!(intact(&archive).len(), 2);
    let (seen, outcome) = walk(&[&archive[..], &[b'x'; 700]].concat());
    assert_eq!(seen.len(), 2);
    assert_eq!(outcome.problems.len(), 1);
}

#[test]
fn endless_names_are_cut_off() {
    let name = vec![b'n'; 3_000_000];
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(::tar::EntryType::GNULongName);
    header.set_size(name.len() as u64);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend(&name);
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive.extend(tar(&[("a", b"{}")]));
    let found = intact(&archive);
    assert_eq!((found[0].0.len(), &found[0].1[..]), ("f!".len() + (1 << 20), &b"{}"[..]));
}

#[test]
fn archives_are_walked_within_archives() {
    let zip = zips::zip(&[("in zip.json", &log(3)), ("deep.tar", &tar(&[("x.json.gz", &gzip(&log(4)))]))]);
    let archive =
        gzip(&tar(&[("1.json.gz", &gzip(&log(1))), ("2.zip", &zip), ("3.json.gz", &gzip(&log(5)))]));
    let expected = [
        ("f!1.json.gz".into(), log(1)),
        ("f!2.zip!in zip.json".into(), log(3)),
        ("f!2.zip!deep.tar!x.json.gz".into(), log(4)),
        ("f!3.json.gz".into(), log(5)),
    ];
    assert_eq!(intact(&archive), expected);
}

#[test]
fn damage_within_an_archive_stays_there() {
    let mut gz = gzip(&log(500));
    let at = gz.len() - 8;
    gz[at] ^= 1;
    let archive = gzip(&tar(&[("a", &gz[..]), ("b", &gz[..600]), ("c", &gzip(&log(500)))]));
    let (seen, outcome) = walk(&archive);
    assert_eq!(seen.len(), 3);
    assert!(seen[0].1 == log(500) && seen[2].1 == log(500));
    let names: Vec<_> = problems(&outcome).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["f!a", "f!b"]);
}
