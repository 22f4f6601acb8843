//! Scans: shapes, damage, time, order, and that threads change nothing.

use std::{
    fs,
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Mutex,
};

use flate2::{Compression, write::GzEncoder};
use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Silent,
    inputs::Inputs,
    ledger::Integrity,
    scan::{FileEnd, Fold, Row, ScanOptions, Skipped, Summary, fold, stream},
};
use trailseal_query::{
    Filter, Predicate,
    path::FieldPath,
    predicate::{Literal, Operator, Test},
    scan::LeftOut,
};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn record(id: u32) -> String {
    let name = if id.is_multiple_of(3) { "Rare" } else { "Common" };
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root"}},"eventTime":"2024-03-01T00:00:{:02}Z","eventName":"{name}","eventID":"id-{id}","x":"{}"}}"#,
        id % 60,
        "y".repeat(id as usize % 700)
    )
}

fn log(ids: std::ops::Range<u32>) -> String {
    format!("{{\"Records\":[{}]}}", ids.map(record).collect::<Vec<_>>().join(","))
}

fn everything() -> Filter {
    Filter::new(Predicate::Constant(true))
}

fn rare() -> Filter {
    let path = FieldPath::new(["eventName"]);
    Filter::new(Predicate::Field(path, Test::Compare(Operator::Equal, Literal::Text("Rare".into()))))
}

fn opened(inputs: &[&Path]) -> Inputs {
    Inputs::open(&inputs.iter().map(|input| input.to_path_buf()).collect::<Vec<_>>()).unwrap()
}

fn options() -> ScanOptions<'static> {
    ScanOptions { threads: 2, ..ScanOptions::default() }
}

fn ids(inputs: &Inputs, options: &ScanOptions<'_>, filter: &Filter) -> (Vec<String>, Summary) {
    let mut out = Vec::new();
    let write = |to: &mut Vec<u8>, row: &Row<'_>| {
        to.extend_from_slice(row.record.text(&FieldPath::new(["eventID"])).unwrap().as_bytes());
        to.push(b'\n');
    };
    let summary = stream(inputs, options, filter, &Silent, &write, &mut |bytes| {
        out.extend_from_slice(bytes);
        ControlFlow::Continue(())
    })
    .unwrap();
    (String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(), summary)
}

fn numbered(ids: std::ops::Range<u32>) -> Vec<String> {
    ids.map(|id| format!("id-{id}")).collect()
}

fn files(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn rows_come_in_archive_order_whatever_the_number_of_threads() {
    let names: Vec<String> = (0..50).map(|n| format!("2024/{:02}/x{n:03}.json.gz", n / 10)).collect();
    let contents: Vec<(&str, Vec<u8>)> = (0..50_u32)
        .map(|n| (names[n as usize].as_str(), gzip(log(n * 20..n * 20 + 20).as_bytes())))
        .collect();
    let folder = files(&contents);
    for threads in [1, 2, 5] {
        let inputs = opened(&[folder.path()]);
        let options = ScanOptions { threads, ..options() };
        let (found, summary) = ids(&inputs, &options, &everything());
        assert_eq!(found, numbered(0..1000));
        assert_eq!((summary.files, summary.counts.records, summary.counts.matched), (50, 1000, 1000));
        assert_eq!(summary.damages, 0);
        let (found, summary) = ids(&inputs, &options, &rare());
        assert_eq!(found.len(), 334);
        assert_eq!((summary.counts.records, summary.counts.matched), (1000, 334));
    }
}

#[test]
fn a_large_file_goes_through_a_window_and_gives_the_same_rows() {
    let content = log(0..60_000);
    assert!(content.len() > 20 << 20);
    let folder = files(&[("a.json.gz", gzip(content.as_bytes())), ("b.json", content.into_bytes())]);
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!(found, [numbered(0..60_000), numbered(0..60_000)].concat());
    assert_eq!(summary.damages, 0);
    let inputs = opened(&[folder.path()]);
    let hashed = ScanOptions { hash_files: true, ..options() };
    let hashes = Mutex::new(std::collections::BTreeSet::new());
    fold(&inputs, &hashed, &rare(), &Silent, &|| (), &|(), row| {
        hashes.lock().unwrap().insert(row.file.sha256);
        ControlFlow::Continue(())
    })
    .unwrap();
    // both files have the same content
    assert_eq!(hashes.into_inner().unwrap().len(), 1);
}

#[test]
fn every_record_before_damage_is_used_and_the_place_is_said() {
    let content = log(0..100);
    let whole = gzip(content.as_bytes());
    for cut in [1, 10, 50, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let folder =
            files(&[("a.json.gz", whole[..cut].to_vec()), ("b.json.gz", gzip(log(100..101).as_bytes()))]);
        let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
        let (last, before) = found.split_last().unwrap();
        assert_eq!(last, "id-100");
        assert_eq!(before, &numbered(0..100)[..before.len()]);
        assert!(cut < whole.len() / 2 || before.len() > 40, "{cut}: {}", before.len());
        assert_eq!(summary.damages, 1, "{cut}: {:?}", summary.damage);
        assert!(summary.damage[0].shown.ends_with("a.json.gz"), "{:?}", summary.damage);
    }
    let broken = content.replace("\"id-50\"", "oops");
    let folder = files(&[("a.json", broken.clone().into_bytes()), ("b.json.gz", gzip(broken.as_bytes()))]);
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!(found.len(), 2 * 99);
    let offset = broken.find("oops").unwrap() as u64;
    assert!(summary.damage.iter().all(|damage| damage.offset == Some(offset)), "{:?}", summary.damage);
    assert_eq!(summary.damages, 2);
}

#[test]
fn what_holds_no_events_is_counted_and_left_out() {
    let folder = files(&[
        ("AWSLogs/111122223333/CloudTrail/marker", Vec::new()),
        ("README.md", b"# hello".to_vec()),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0".to_vec()),
        ("config.json", b"{\"fileVersion\":\"1.0\",\"configurationItems\":[{\"a\":1},{\"b\":2}]}".to_vec()),
        ("digest.json.gz", gzip(b"{\"digestS3Object\":\"x\",\"logFiles\":[{\"s3Bucket\":\"b\"}]}")),
        ("log.json.gz", gzip(log(0..2).as_bytes())),
        ("emptied.json.gz", Vec::new()),
    ]);
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!(found, numbered(0..2));
    let skipped = |why: Skipped| summary.skipped[why.index()].0;
    assert_eq!((skipped(Skipped::Empty), skipped(Skipped::NotJson)), (1, 2));
    let left_out =
        |kind| summary.counts.left_out[LeftOut::ALL.iter().position(|other| *other == kind).unwrap()];
    assert_eq!((left_out(LeftOut::Digest), left_out(LeftOut::Foreign)), (1, 1));
    assert_eq!(summary.files, 3);
    let damaged: Vec<&str> =
        summary.damage.iter().map(|damage| damage.shown.rsplit('/').next().unwrap()).collect();
    assert_eq!(damaged, ["emptied.json.gz"]);
}

#[test]
fn files_of_another_time_are_not_opened() {
    let name =
        |stamp: &str| format!("AWSLogs/1/111122223333_CloudTrail_us-east-1_{stamp}_abcdefghijklmnop.json.gz");
    let (early, just, late, later, renamed) = (
        name("20240229T2344Z"),
        name("20240229T2350Z"),
        name("20240301T2300Z"),
        name("20240302T0106Z"),
        "renamed.json.gz".to_owned(),
    );
    let log = |id| gzip(log(id..id + 1).as_bytes());
    let folder =
        files(&[(&early, log(0)), (&just, log(1)), (&late, log(2)), (&later, log(3)), (&renamed, log(4))]);
    let time = |text| Timestamp::parse_loose(text).ok();
    let inputs = opened(&[folder.path()]);
    let options =
        ScanOptions { from: time("2024-03-01T00:00:00Z"), to: time("2024-03-01T01:00:00Z"), ..options() };
    let (found, summary) = ids(&inputs, &options, &everything());
    assert_eq!(found, ["id-4", "id-1", "id-2"]);
    let skipped = |why: Skipped| summary.skipped[why.index()].0;
    assert_eq!((skipped(Skipped::EarlierTime), skipped(Skipped::LaterTime)), (1, 1));
}

#[test]
fn files_and_folders_count_once_and_standard_errors_are_errors() {
    let folder = files(&[("a/x.json", log(0..2).into_bytes()), ("b/y.json", log(2..3).into_bytes())]);
    let (root, inner, file) = (folder.path(), folder.path().join("a"), folder.path().join("b/y.json"));
    for inputs in [vec![root, &inner, &file], vec![&*file, root], vec![&*inner, &file, &inner, &file]] {
        let (found, _) = ids(&opened(&inputs), &options(), &everything());
        assert_eq!(found.len(), 3, "{inputs:?}");
    }
    let missing: PathBuf = root.join("missing");
    let error = Inputs::open(&[missing]).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn a_reader_that_has_enough_ends_the_scan() {
    let names: Vec<String> = (0..200).map(|n| format!("x{n:03}.json")).collect();
    let contents: Vec<(&str, Vec<u8>)> =
        names.iter().map(|name| (name.as_str(), log(0..50).into_bytes())).collect();
    let folder = files(&contents);
    let mut rows = 0;
    let write = |to: &mut Vec<u8>, _: &Row<'_>| {
        to.push(b'x');
    };
    let summary =
        stream(&opened(&[folder.path()]), &options(), &everything(), &Silent, &write, &mut |found| {
            rows += found.len();
            ControlFlow::Break(())
        })
        .unwrap();
    assert!(rows >= 1 && summary.files < 200, "{rows} {}", summary.files);
    // more files than wait in the queue: whoever finds them must not wait for readers that have left
    let names: Vec<String> = (0..3000).map(|n| format!("x{n:04}.json")).collect();
    let contents: Vec<(&str, Vec<u8>)> =
        names.iter().map(|name| (name.as_str(), log(0..1).into_bytes())).collect();
    let folder = files(&contents);
    for _ in 0..20 {
        stream(&opened(&[folder.path()]), &options(), &everything(), &Silent, &write, &mut |_| {
            ControlFlow::Break(())
        })
        .unwrap();
    }
}

#[test]
fn a_row_that_breaks_ends_the_scan_and_is_no_error() {
    let names: Vec<String> = (0..3000).map(|n| format!("x{n:04}.json")).collect();
    let contents: Vec<(&str, Vec<u8>)> =
        names.iter().map(|name| (name.as_str(), log(0..50).into_bytes())).collect();
    let folder = files(&contents);
    for threads in [1, 4] {
        let (inputs, options) = (opened(&[folder.path()]), ScanOptions { threads, ..options() });
        let (rows, summary) = fold(&inputs, &options, &everything(), &Silent, &Vec::new, &|rows, row| {
            rows.push(row.number);
            ControlFlow::Break(())
        })
        .unwrap();
        // Of each thread at most that which it had in hand.
        assert!((1..=threads).contains(&rows.len()), "{rows:?}");
        assert!(summary.files < 3000, "{}", summary.files);
    }
}

#[test]
fn a_row_says_where_in_its_file_it_lies() {
    let quoted = serde_json::Value::from(record(7)).to_string();
    let utf16: Vec<u8> = log(0..3).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut tar = tar_header("a.json", log(0..2).as_bytes());
    tar.extend([0; 1024]);
    let lines = (0..90).map(record).collect::<Vec<_>>().join("\n");
    // Name, content, and how many of its rows lie there as they are.
    let contents: [(&str, Vec<u8>, usize); 9] = [
        ("array.json", format!("[{},\n {}]", record(1), record(2)).into_bytes(), 2),
        ("bom.json", [b"\xef\xbb\xbf", log(0..4).as_bytes()].concat(), 4),
        ("bridge.json", format!(r#"{{"detail-type":"x","detail":{}}}"#, record(3)).into_bytes(), 0),
        ("lines.jsonl", lines.into_bytes(), 90),
        ("log.json", log(0..5).into_bytes(), 5),
        ("lookup.json", format!(r#"{{"Events":[{{"CloudTrailEvent":{quoted}}}]}}"#).into_bytes(), 0),
        ("member.tar", tar, 0),
        ("packed.json.gz", gzip(log(0..60).as_bytes()), 60),
        ("wide.json", utf16, 0),
    ];
    let folder =
        files(&contents.iter().map(|(name, content, _)| (*name, content.clone())).collect::<Vec<_>>());
    for (name, on_disk, expected) in contents {
        let path = folder.path().join(name);
        let mut content = Vec::new();
        if std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&*on_disk), &mut content)
            .is_err()
        {
            content = on_disk;
        }
        let (places, summary) =
            fold(&opened(&[&path]), &options(), &everything(), &Silent, &Vec::new, &|places, row| {
                if let Some(at) = row.at {
                    assert!(content[at as usize..].starts_with(row.record.bytes()), "{name}: {at}");
                }
                places.push(row.at);
                ControlFlow::Continue(())
            })
            .unwrap();
        let placed = places.iter().flatten().count();
        assert!(!places.is_empty() && summary.damages == 0, "{name}: {:?}", summary.damage);
        assert_eq!(placed, expected, "{name}");
    }
}

#[test]
fn archives_within_archives_are_read() {
    let mut tar = tar_header("logs/a.json.gz", &gzip(log(0..3).as_bytes()));
    tar.extend(tar_header("logs/b.json", log(3..5).as_bytes()));
    tar.extend([0; 1024]);
    let folder = files(&[("evidence.tar.gz", gzip(&tar))]);
    let shown = Mutex::new(Vec::new());
    let ((), summary) = fold(
        &opened(&[folder.path()]),
        &ScanOptions { hash_files: true, ..options() },
        &everything(),
        &Silent,
        &|| (),
        &|(), row| {
            shown.lock().unwrap().push((row.file.shown.clone(), row.number, row.file.sha256.is_some()));
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(summary.damages, 0, "{:?}", summary.damage);
    let shown = shown.into_inner().unwrap();
    let ends: Vec<(&str, u64)> =
        shown.iter().map(|(shown, number, _)| (shown.rsplit('!').next().unwrap(), *number)).collect();
    let a = "logs/a.json.gz";
    assert_eq!(ends, [(a, 1), (a, 2), (a, 3), ("logs/b.json", 1), ("logs/b.json", 2)]);
    assert!(shown.iter().all(|(.., is_hashed)| *is_hashed));
}

#[test]
fn a_spool_below_an_input_is_not_used() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("log.json", stored).unwrap();
    writer.write_all(log(0..4).as_bytes()).unwrap();
    writer.write_all(&vec![b' '; 17 << 20]).unwrap();
    let packed = writer.finish().unwrap().into_inner();
    let folder = files(&[("evidence.zip.gz", gzip(&packed))]);
    let elsewhere = tempfile::tempdir().unwrap();
    let read = |spool: &Path| {
        let inputs = opened(&[folder.path()]);
        let options = ScanOptions { spool: Some(spool.to_owned()), ..options() };
        let summary = ids(&inputs, &options, &everything()).1;
        (summary.damages, summary.damage.iter().map(|damage| damage.reason.clone()).collect::<String>())
    };
    assert_eq!(read(elsewhere.path()).0, 0);
    let (damages, reasons) = read(folder.path());
    assert!(damages > 0 && reasons.contains("a folder for temporary files"), "{reasons}");
}

/// A tar member.
fn tar_header(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

#[test]
fn labels_and_reasons_stand_where_their_index_says() {
    assert!(Skipped::ALL.iter().enumerate().all(|(at, why)| why.index() == at));
    assert!(Integrity::ALL.iter().enumerate().all(|(at, label)| label.index() == at));
}

#[test]
fn links_in_an_archive_hide_nothing_and_count_nothing_twice() {
    use std::os::unix::fs::symlink;

    let folder =
        files(&[("2024/03/a.json", log(0..2).into_bytes()), ("2024/04/b.json", log(2..3).into_bytes())]);
    let at = |name: &str| folder.path().join(name);
    for (to, link) in [
        ("..", "2024/up"),
        (".", "self"),
        ("b", "a"),
        ("a", "b"),
        ("2024/03", "today"),
        ("2024/04/b.json", "latest.json"),
        ("b.json", "2024/04/a.json"),
    ] {
        symlink(to, at(link)).unwrap();
    }
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!(found, numbered(0..3));
    assert_eq!((summary.files, summary.damages), (2, 0));
    // what may hide something is told
    let outside = files(&[("c.json", log(3..4).into_bytes())]);
    symlink(outside.path(), at("out")).unwrap();
    symlink(outside.path().join("c.json"), at("2024/03/c.json")).unwrap();
    symlink("nowhere", at("broken")).unwrap();
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!(found, numbered(0..3));
    assert_eq!(summary.damages, 3);
    // a link that the user named is read
    assert_eq!(ids(&opened(&[&at("latest.json")]), &options(), &everything()).0, ["id-2"]);
}

#[test]
fn a_folder_that_becomes_a_link_out_of_the_root_is_not_read_through() {
    let outside = files(&[("b/y.json", log(7..8).into_bytes())]);
    let folder = files(&[("a/x.json", log(0..1).into_bytes()), ("b/y.json", log(1..2).into_bytes())]);
    let many: Vec<_> = (0..3000).map(|n| folder.path().join(format!("a/x{n:04}.json"))).collect();
    for path in many {
        fs::write(path, log(0..1)).unwrap();
    }
    let inputs = opened(&[folder.path()]);
    let options = ScanOptions { threads: 1, ..options() };
    let (replaced, found) = (std::sync::Once::new(), Mutex::new(Vec::new()));
    let ((), summary) = fold(&inputs, &options, &everything(), &Silent, &|| (), &|(), row| {
        // while the first file is read, all are listed or will be
        replaced.call_once(|| {
            fs::rename(folder.path().join("b"), folder.path().join("c")).unwrap();
            std::os::unix::fs::symlink(outside.path().join("b"), folder.path().join("b")).unwrap();
        });
        found.lock().unwrap().push(row.record.text(&FieldPath::new(["eventID"])).unwrap().into_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(!found.lock().unwrap().contains(&"id-7".to_owned()));
    assert!(summary.damages >= 1, "{summary:?}");
}

/// Rows of a large file that is written anew while it is scanned; `pack` says how it lies on disk.
fn rewritten(pack: &dyn Fn(&[u8]) -> Vec<u8>, threads: usize) -> (Vec<String>, Summary) {
    let genuine = log(0..60_000);
    // the last event becomes another one of the same length
    let forged = genuine.replace("\"id-59999\"", "\"mallory!\"");
    assert!(genuine.len() > 16 << 20 && genuine.len() == forged.len() && genuine != forged);
    let (genuine, forged) = (pack(genuine.as_bytes()), pack(forged.as_bytes()));
    let folder = files(&[("large.json", genuine)]);
    let path = folder.path().join("large.json");
    let changed = fs::metadata(&path).unwrap().modified().unwrap();
    let inputs = opened(&[folder.path()]);
    let options = ScanOptions { hash_files: true, threads, ..options() };
    let forge = std::sync::Once::new();
    let (found, summary) = fold(&inputs, &options, &everything(), &Silent, &Vec::new, &|ids, row| {
        // it was hashed, and rows of its beginning are given out: now nobody would look again
        forge.call_once(|| {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &forged, 0).unwrap();
            file.set_len(forged.len() as u64).unwrap();
            file.set_modified(changed).unwrap();
        });
        assert!(row.file.sha256.is_some());
        ids.push(row.record.text(&FieldPath::new(["eventID"])).unwrap().into_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    (found, summary)
}

#[test]
fn rows_come_from_the_bytes_that_were_hashed() {
    let stored = |content: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    for (pack, threads) in
        [(&(|content: &[u8]| content.to_vec()) as &dyn Fn(&[u8]) -> Vec<u8>, 1), (&stored, 2)]
    {
        let (ids, summary) = rewritten(pack, threads);
        assert!(ids.len() > 1000, "{}", ids.len());
        assert_eq!(ids, numbered(0..ids.len() as u32));
        assert!(ids.len() < 60_000);
        let reasons: Vec<&str> = summary.damage.iter().map(|damage| damage.reason.as_str()).collect();
        assert!(
            reasons.iter().any(|reason| reason.contains("the file changed while it was read")),
            "{reasons:?}"
        );
    }
}

#[test]
fn a_large_zip_that_is_hashed_is_read_in_place() {
    let content = log(0..40_000);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [("a.json", content.as_str()), ("b.json", &log(40_000..40_002))] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    assert!(zip.len() > 9 << 20);
    let folder = files(&[("large.zip", zip.clone())]);
    let inputs = opened(&[folder.path()]);
    let options = ScanOptions { hash_files: true, ..options() };
    let (found, summary) = ids(&inputs, &options, &everything());
    assert_eq!((found, summary.damages, summary.bytes), (numbered(0..40_002), 0, zip.len() as u64));
}

/// What macOS, Windows and a copy leave among logs, by name.
fn leftovers() -> Vec<(&'static str, Vec<u8>)> {
    let sum = format!("{}  a.json.gz\n", "0a".repeat(32));
    vec![
        ("a/._x.json.gz", b"\0\x05\x16\x07\0\x02\0\0Mac OS X        \0\x02".to_vec()),
        ("__MACOSX/a/._x.json.gz", b"\0\x05\x16\x07\0\x02\0\0Mac OS X        \0\x02".to_vec()),
        ("a/.DS_Store", b"\0\0\0\x01Bud1\0\0\x10\0".to_vec()),
        ("a/Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0".to_vec()),
        ("a/desktop.ini", b"[.ShellClassInfo]\r\nIconIndex=0\r\n".to_vec()),
        ("a/@eaDir/x.json.gz@SynoEAStream", b"\0\x05\x16\x07\0\x02\0\0".to_vec()),
        ("a/.x.json.gz.crc", b"crc\0\0\0\x02\0\x12\x34\x56\x78".to_vec()),
        ("SHA256SUMS", sum.clone().into_bytes()),
        ("b.json.gz.sha256", sum.into_bytes()),
        ("a/._empty.json.gz", Vec::new()),
    ]
}

#[test]
fn leftovers_of_desktops_and_copies_are_no_damage() {
    let mut all = leftovers();
    let count = all.len() as u64;
    all.push(("a/x.json.gz", gzip(log(0..2).as_bytes())));
    let folder = files(&all);
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!(found, numbered(0..2));
    assert_eq!((summary.files, summary.damages), (1, 0), "{:?}", summary.damage);
    assert_eq!(summary.skipped[Skipped::Leftover.index()].0, count);
}

#[test]
fn events_are_read_under_the_names_that_desktops_leave() {
    let names: Vec<&str> = leftovers().into_iter().map(|(name, _)| name).collect();
    let contents = (0..).map(|id| gzip(log(id..id + 1).as_bytes()));
    let all: Vec<_> = names.iter().copied().zip(contents).collect();
    let folder = files(&all);
    let (mut found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    found.sort();
    assert_eq!(found, numbered(0..all.len() as u32));
    assert_eq!(summary.skipped[Skipped::Leftover.index()].0, 0);
    // and attributes under the name of a log are damage
    let folder =
        files(&[("x.json.gz", b"\0\x05\x16\x07\0\x02\0\0".to_vec()), ("x", b"\0\x05\x16\x07\0".to_vec())]);
    let (_, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!((summary.files, summary.damages, summary.skipped[Skipped::NotJson.index()].0), (1, 1, 1));
}

#[test]
fn leftovers_in_an_archive_file_are_no_damage() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut add = |name: &str, content: &[u8]| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    };
    for (name, content) in leftovers() {
        add(name, &content);
    }
    add("a/x.json", log(0..2).as_bytes());
    add("b/.DS_Store", log(2..3).as_bytes());
    // more than is looked at before it is scanned
    let large = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &vec![0xee; 3 << 20]].concat();
    add("c/Thumbs.db", &large);
    let folder = files(&[("evidence.zip", zip.finish().unwrap().into_inner())]);
    // given by name, everything in it is meant
    let (found, summary) = ids(&opened(&[&folder.path().join("evidence.zip")]), &options(), &everything());
    assert_eq!(found, numbered(0..3));
    assert_eq!((summary.files, summary.damages), (1, 0), "{:?}", summary.damage);
    assert!(summary.skipped[Skipped::Leftover.index()].0 >= 7);
}

#[test]
fn events_behind_what_begins_as_a_leftover_are_read() {
    let beginning = [b"\0\0\0\x01Bud1".as_slice(), &vec![0xee; 100 << 10], b"\n"].concat();
    let folder = files(&[("a/.DS_Store", [beginning, log(0..2).into_bytes()].concat())]);
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!((found, summary.skipped[Skipped::Leftover.index()].0), (numbered(0..2), 0));
}

#[test]
fn of_names_that_are_no_utf8_those_of_files_are_refused() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let folder = files(&[("a/x.json", log(0..1).into_bytes())]);
    let odd = folder.path().join(OsStr::from_bytes(b"\xe0"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("y.json"), log(1..2)).unwrap();
    fs::write(folder.path().join("a").join(OsStr::from_bytes(b"\xe1.json")), log(2..3)).unwrap();
    let (found, summary) = ids(&opened(&[folder.path()]), &options(), &everything());
    assert_eq!(found, numbered(0..2));
    assert_eq!(summary.damages, 1);
    assert_eq!(summary.damage[0].reason, "its name is not UTF-8");
}

/// A file that was told: its path, records, digest documents, members, damages, why it was not read.
type ToldFile = (String, u64, u64, u64, u64, Option<Skipped>);

#[derive(Default)]
struct Ends {
    rows: u64,
    files: Vec<ToldFile>,
}

impl Fold for Ends {
    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.files.extend(other.files);
    }

    fn file(&mut self, end: &FileEnd<'_>) {
        let FileEnd { shown, counts, members, damages, skipped, .. } = *end;
        let told =
            (shown.to_owned(), counts.records, end.left_out(LeftOut::Digest), members, damages, skipped);
        self.files.push(told);
    }
}

#[test]
fn every_file_and_every_member_is_told_once_with_what_became_of_it() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in
        [("x/a.json", log(0..3)), ("b.txt", "no".to_owned()), ("c.json", log(3..4) + "{\"")]
    {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    let digest = r#"{"digestS3Object":"x","logFiles":[]}"#;
    let folder = files(&[
        ("a.json.gz", gzip(log(4..9).as_bytes())),
        ("b.zip", zip.finish().unwrap().into_inner()),
        ("c.json", digest.into()),
        ("d.json", b"{".into()),
        ("e.bin", b"\x01\x02".into()),
        ("f.json", Vec::new()),
        ("g", Vec::new()),
    ]);
    let told = |threads: usize| {
        let options = ScanOptions { threads, ..options() };
        let add = |ends: &mut Ends, _: &Row<'_>| {
            ends.rows += 1;
            ControlFlow::Continue(())
        };
        let inputs = opened(&[folder.path()]);
        let (mut ends, summary) =
            fold(&inputs, &options, &everything(), &Silent, &Ends::default, &add).unwrap();
        ends.files.sort_by(|a, b| a.0.cmp(&b.0));
        let root = format!("{}/", folder.path().display());
        ends.files.iter_mut().for_each(|file| file.0 = file.0.replace(&root, ""));
        let whole = ends.files.iter().filter(|file| !file.0.contains('!'));
        assert_eq!(whole.clone().map(|file| file.1).sum::<u64>(), summary.counts.records);
        assert_eq!(whole.map(|file| file.4).sum::<u64>(), summary.damages);
        assert_eq!(ends.rows, summary.counts.matched);
        ends.files
    };
    let file = |name: &str, records, digests, members, damages, skipped| {
        (name.to_owned(), records, digests, members, damages, skipped)
    };
    let expected = [
        file("a.json.gz", 5, 0, 0, 0, None),
        file("b.zip", 4, 0, 3, 1, Some(Skipped::NotJson)),
        file("b.zip!b.txt", 0, 0, 0, 0, Some(Skipped::NotJson)),
        file("b.zip!c.json", 1, 0, 0, 1, None),
        file("b.zip!x/a.json", 3, 0, 0, 0, None),
        file("c.json", 0, 1, 0, 0, None),
        file("d.json", 0, 0, 0, 1, None),
        file("e.bin", 0, 0, 0, 0, Some(Skipped::NotJson)),
        file("f.json", 0, 0, 0, 1, None),
        file("g", 0, 0, 0, 0, Some(Skipped::Empty)),
    ];
    assert_eq!(told(1), expected);
    assert_eq!(told(3), expected);
}
