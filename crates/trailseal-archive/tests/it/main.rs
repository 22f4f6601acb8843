//! An archive on disk, from the outside: what lies where, and what the bytes of files hold.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, io::Read as _, ops::ControlFlow, path::Path};

use trailseal_archive::{
    content::{ContentLimits, read_stream},
    key::{KeyParts, log_stamp},
    walk::Roots,
};

/// What `bzip2` and `xz` made the bytes below of.
const TEXT: &str = "{\"eventVersion\":\"1.08\"}\n";

const BZIP2: &str = "425a6839314159265359e07ccbec00000b5b80001010016050010002219d0a2000229a066a03ca14d3231313113e9011018a\
    dd51f165da27f8bb9229c2848703e65f60";
const XZ: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a30100177b226576656e7456657273696f6e223a22312e3038227d\
    0a00b0fd7d1d93e31ca6000130188e1bacec1fb6f37d010000000004595a";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn texts(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let mut texts = Vec::new();
    let outcome = read_stream("f", bytes, &ContentLimits::default(), &mut |_, reader| {
        let mut text = String::new();
        let _ = reader.read_to_string(&mut text);
        texts.push(text);
        ControlFlow::Continue(())
    });
    (texts, outcome.problems.iter().map(|problem| problem.error.reason.to_string()).collect())
}

#[test]
fn content_is_found_in_every_packing() {
    for (name, packed) in [("bzip2", BZIP2), ("xz", XZ)] {
        let packed = hex(packed);
        assert_eq!(texts(&packed), (vec![TEXT.to_owned()], vec![]), "{name}");
        // several, one behind the other, are one content
        let twice = [&packed[..], &packed].concat();
        assert_eq!(texts(&twice), (vec![TEXT.repeat(2)], vec![]), "{name} twice");
    }
}

#[test]
fn damage_in_a_packing_is_told_and_never_a_panic() {
    for packed in [hex(BZIP2), hex(XZ)] {
        for cut in [packed.len() - 1, packed.len() / 2, 12] {
            let (_, problems) = texts(&packed[..cut]);
            assert!(!problems.is_empty(), "cut at {cut}");
        }
        let mut found = 0;
        for at in 0..packed.len() {
            let mut bytes = packed.clone();
            bytes[at] ^= 0x10;
            let (texts, problems) = texts(&bytes);
            found += usize::from(!problems.is_empty() || texts != [TEXT]);
        }
        assert!(found + 4 >= packed.len(), "flipped bits that nobody tells: {}", packed.len() - found);
    }
}

#[test]
fn a_folder_is_opened_once_and_its_files_are_read_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/01/111122223333_CloudTrail_us-east-1_20240301T0155Z_abcdefghijklmnop.json.gz";
    let file = folder.path().join(key);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, TEXT).unwrap();
    let roots = Roots::open(&[folder.path().to_owned()]).unwrap();
    let mut content = String::new();
    roots.open_file(&file).unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, TEXT);
    assert!(roots.open_file(Path::new("/etc/passwd")).is_err(), "nothing outside is opened");
    let parts = KeyParts::parse(key).unwrap();
    assert_eq!((parts.account, parts.region), ("111122223333", "us-east-1"));
    assert!(log_stamp(parts.file_name).is_some());
}
