//! Segments of an index: whatever their bytes are, asking them ends, and says nothing of files that are not there.

use std::{
    fs::{self, File},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use trailseal_archive::stamp::FileStamp;
use trailseal_index::{
    ColumnGroup, Extractor, FileAnswer, FileEntry, LEFT_OUT, Segment, SegmentWriter, StoredFacts,
    StoredHashes, ValueSet,
};
use trailseal_query::{Filter, expression};

/// Bytes of a header, of which the last four are its checksum; then where the lengths of sections begin, and how many there are.
const HEADER: usize = 244;
const LENGTHS: usize = 24;
const SECTIONS: usize = 18;

const CONDITIONS: [&str; 6] = [
    "eventName = 'GetObject' AND errorCode IS NULL",
    "username LIKE 'a%' OR sourceIPAddress = '203.0.113.9'",
    "eventTime > '2024-03-01T00:00:00Z'",
    "requestParameters.bucketName = 'b'",
    "resource_name = 'b' AND NOT userIdentity.accessKeyId = 'AKIA1'",
    "requestParameters.n = '7'",
];

/// Takes the input for a segment, and for changes of a sound one whose checksums are put right afterwards.
pub fn segment(data: &[u8]) {
    ask(data);
    let mut bytes = sound();
    for change in data.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] = change[2];
    }
    seal(&mut bytes);
    ask(&bytes);
}

/// A segment of two files.
fn sound() -> Vec<u8> {
    let (mut writer, mut extractor) = (SegmentWriter::default(), Extractor::default());
    for file in 0..2 {
        let (mut entry, mut values) = (FileEntry::default(), ValueSet::default());
        for n in 0..3 {
            let record = format!(
                r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","userName":"a{n}","accessKeyId":"AKIA{file}"}},
                "eventTime":"2024-03-01T00:00:0{n}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject",
                "sourceIPAddress":"203.0.113.{n}","requestParameters":{{"bucketName":"b","n":{n}}}}}"#
            );
            let record = values.add(record.as_bytes()).expect("valid JSON");
            let time = extractor.extract(&record, &mut |group, number, value| {
                writer.value(&mut entry, group, Some(number), value);
            });
            entry.time(time.expect("an ordinary record"));
        }
        let mut filter = Vec::new();
        values.finish(&mut filter).expect("a filter");
        let stamp = FileStamp { length: 1, modified: 2, changed: 3, inode: 4 };
        let facts = StoredFacts {
            stamp,
            checksum: 8,
            trailer: 9,
            inflated: 7,
            is_gzip: true,
            records: 3,
            left_out: [0; LEFT_OUT],
            span: entry.span(),
        };
        let path = format!("/a/b/file-{file}.json.gz");
        let hashes = StoredHashes { stored: [5; 32], content: [6; 32] };
        writer.add(Path::new(&path), (&facts, &hashes), &entry, &filter).expect("it fits");
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("memory takes it");
    bytes
}

/// Puts all checksums right.
fn seal(bytes: &mut [u8]) {
    let mut start = HEADER;
    for section in 0..SECTIONS {
        let at = LENGTHS + 12 * section;
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
        let Some(content) = end.and_then(|end| bytes.get(start..end)) else { return };
        let checksum = crc32fast::hash(content);
        start += content.len();
        bytes[at + 8..at + 12].copy_from_slice(&checksum.to_le_bytes());
    }
    let checksum = crc32fast::hash(&bytes[..HEADER - 4]);
    bytes[HEADER - 4..HEADER].copy_from_slice(&checksum.to_le_bytes());
}

fn ask(bytes: &[u8]) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("trailseal-segment-{}-{number}", std::process::id()));
    fs::write(&path, bytes).expect("a file for the segment");
    let file = File::open(&path);
    fs::remove_file(&path).expect("the file is there");
    let Ok(segment) = Segment::open(file.expect("the file is there")) else { return };
    for file in 0..segment.len() {
        let _ = (segment.hashes(file), segment.facts(file), segment.rows_of(file));
    }
    let _ = segment.each_path(&mut |_, _| {});
    for condition in CONDITIONS {
        let filter = Filter::new(expression::parse(condition).expect("a condition"));
        if let Ok(answers) = segment.answers(&filter) {
            let beyond = answers.of(segment.len());
            assert_eq!(beyond, FileAnswer::Unclear, "of a file that is not there nothing is known");
        }
    }
    if let Ok(columns) = segment.columns(&ColumnGroup::ALL) {
        assert_eq!(columns.times().len(), segment.rows());
        for group in ColumnGroup::ALL {
            let numbers = columns.numbers(group);
            assert_eq!(numbers.len(), segment.rows());
            assert!(numbers.iter().all(|number| columns.value(group, *number).is_some()));
        }
    }
}
