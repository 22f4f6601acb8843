use std::io::Write as _;

use ::{
    tar::EntryType::{Fifo, Link, Symlink},
    zip::write::SimpleFileOptions,
};

use super::*;

/// A folder with the archive in it, and another to unpack it into.
struct Case(tempfile::TempDir);

impl Case {
    fn new(archive: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("archive"), archive).unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        Self(folder)
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    fn unpack(&self) -> Result<Unpacked, UnpackError> {
        unpack(&self.0.path().join("archive"), &self.out(), &|_| true)
    }

    /// Everything that was written: files with their content, links with where they lead.
    fn written(&self) -> BTreeMap<String, Vec<u8>> {
        let mut written = BTreeMap::new();
        let mut left = vec![self.0.path().to_owned()];
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let content = match path.symlink_metadata().unwrap() {
                    found if found.is_symlink() => {
                        fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                    }
                    found if found.is_file() => fs::read(&path).unwrap(),
                    _ => {
                        left.push(path);
                        continue;
                    }
                };
                let name = path.strip_prefix(self.0.path()).unwrap().to_str().unwrap().to_owned();
                written.insert(name, content);
            }
        }
        written.remove("archive");
        written
    }
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A member with whatever name: the crate refuses some.
fn append(
    builder: &mut ::tar::Builder<Vec<u8>>,
    kind: ::tar::EntryType,
    name: &str,
    target: &str,
    content: &[u8],
) {
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

fn tar(members: &[(::tar::EntryType, &str, &str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (kind, name, target, content) in members {
        append(&mut builder, *kind, name, target, content);
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const FILE: ::tar::EntryType = ::tar::EntryType::Regular;

#[test]
fn members_are_files_as_they_were_packed() {
    let log = gzip(b"{\"Records\":[]}");
    let files: [(&str, &[u8]); 3] = [("a/AWSLogs/x.json.gz", &log), ("./b", b""), ("/c", b"text")];
    let expected = BTreeMap::from(
        [("out/a/AWSLogs/x.json.gz", &log[..]), ("out/b", b""), ("out/c", b"text")]
            .map(|(name, content)| (name.to_owned(), content.to_vec())),
    );
    let tar = tar(&files.map(|(name, content)| (FILE, name, "", content)));
    for archive in [zip(&files), gzip(&tar), tar] {
        let case = Case::new(&archive);
        let done = case.unpack().unwrap();
        assert_eq!(
            (done.files, done.bytes, done.twins.len(), done.unreadable.len()),
            (3, log.len() as u64 + 4, 0, 0)
        );
        assert_eq!(case.written(), expected);
    }
    // as Windows packs them
    let case = Case::new(&zip(&[("a\\AWSLogs\\x", b"1")]));
    case.unpack().unwrap();
    assert!(case.written().contains_key("out/a/AWSLogs/x"));
}

#[test]
fn nothing_is_written_outside() {
    for name in ["../x", "a/../../x", "a/..", "..", "", "a/../b"] {
        for archive in [tar(&[(FILE, "fine", "", b"1"), (FILE, name, "", b"2")]), zip(&[(name, b"2")])] {
            let case = Case::new(&archive);
            let error = case.unpack().unwrap_err();
            assert!(matches!(error, UnpackError::Outside { .. }), "{name}: {error}");
            assert!(case.written().keys().all(|name| name.starts_with("out/")));
        }
    }
    // a link, and a file or another link behind it
    for members in [
        &[(Symlink, "way", "..", &b""[..]), (FILE, "way/x", "", b"1")][..],
        &[(FILE, "y", "", b"1"), (Symlink, "way", "..", b""), (Symlink, "way/x", "y", b"")],
        &[(Symlink, "way", "../archive", b""), (FILE, "way", "", b"1")],
        &[(Symlink, "way", "..", b""), (Link, "way/x", "y", b"")],
        &[(FILE, "y", "", b"1"), (Link, "x", "../archive", b"")],
    ] {
        let case = Case::new(&tar(members));
        let before = fs::read(case.0.path().join("archive")).unwrap();
        let _ = case.unpack();
        assert!(case.written().keys().all(|name| name.starts_with("out/")), "{:?}", case.written());
        assert_eq!(fs::read(case.0.path().join("archive")).unwrap(), before);
    }
}

#[test]
fn links_lead_to_what_they_led_to() {
    let long = format!("{}/first", "folder".repeat(30));
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(1);
    builder.append_data(&mut header.clone(), &long, &b"1"[..]).unwrap();
    header.set_size(0);
    header.set_entry_type(Link);
    builder.append_link(&mut header, "second", &long).unwrap();
    append(&mut builder, Symlink, "third", "second", b"");
    append(&mut builder, Link, "fourth", "none", b"");
    append(&mut builder, Fifo, "pipe", "", b"");
    let case = Case::new(&builder.into_inner().unwrap());
    let done = case.unpack().unwrap();
    assert_eq!(done.others, 1);
    assert_eq!(done.unreadable.keys().collect::<Vec<_>>(), [&case.out().join("fourth")]);
    let written = case.written();
    assert_eq!(written["out/second"], b"1");
    assert_eq!(written["out/third"], b"second");
}

#[test]
fn of_two_members_with_one_name_both_are_kept() {
    let members =
        [(FILE, "a.json.gz", "", &b"1"[..]), (FILE, "a.json.gz", "", b"2"), (FILE, "a.json.gz", "", b"3")];
    let case = Case::new(&tar(&members));
    assert_eq!(case.unpack().unwrap().twins, ["a.json.gz"; 2]);
    let names = ["out/a (2).json.gz", "out/a (3).json.gz", "out/a.json.gz"];
    assert_eq!(case.written().into_keys().collect::<Vec<_>>(), names);
    // a file where another one needs a folder
    let case = Case::new(&tar(&[(FILE, "a", "", b"1"), (FILE, "a/b", "", b"2")]));
    assert!(matches!(case.unpack(), Err(UnpackError::Write { .. })));
}

/// Wherever an archive is cut, or a byte of it is another one: it is refused, or every file that is written is one of those
/// that were packed, or known as one that cannot be read.
#[test]
fn damage_never_looks_like_another_file() {
    let contents: Vec<Vec<u8>> = (0..6_u8).map(|file| vec![file; 700]).collect();
    let names: Vec<String> = (0..6).map(|file| format!("x/{file}.json")).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&contents).map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    let members: Vec<_> = files.iter().map(|(name, content)| (FILE, *name, "", *content)).collect();
    let check = |archive: &[u8], is_checked: bool, what: &str| {
        let case = Case::new(archive);
        let Ok(done) = case.unpack() else { return false };
        for (name, content) in case.written() {
            let place = case.0.path().join(&name);
            let known = names.iter().position(|known| name == format!("out/{known}"));
            let is_whole = known.is_none_or(|file| contents[file] == content);
            assert!(!is_checked || is_whole || done.unreadable.contains_key(&place), "{what}: {name}");
        }
        done.unreadable.is_empty() && case.written().len() == files.len()
    };
    let (plain, packed, zipped) = (tar(&members), gzip(&tar(&members)), zip(&files));
    for (archive, is_checked) in [(&packed, true), (&zipped, true), (&plain, false)] {
        assert!(check(archive, true, "whole"));
        for cut in (0..archive.len()).step_by(41) {
            // what follows the end of a tar archive is padding
            let is_padding = !is_checked && cut > archive.len() - 1024;
            assert!(!check(&archive[..cut], true, &format!("cut at {cut}")) || is_padding, "{cut}");
        }
        for at in (0..archive.len()).step_by(29) {
            let mut damaged = archive.clone();
            damaged[at] ^= 0x41;
            check(&damaged, is_checked, &format!("byte {at}"));
        }
    }
}

#[test]
fn what_is_no_archive_or_holds_nothing_is_refused() {
    for file in [&b"{}"[..], &gzip(b"{\"Records\":[]}"), b""] {
        assert!(Case::new(file).unpack().is_err());
    }
    assert!(matches!(Case::new(&zip(&[])).unpack(), Err(UnpackError::Empty)));
    let folder = tempfile::tempdir().unwrap();
    let absent = unpack(&folder.path().join("none"), folder.path(), &|_| true);
    assert!(matches!(absent, Err(UnpackError::Open(OpenError::Absent(_)))));
}

#[test]
fn a_bomb_is_not_unpacked_to_its_end() {
    let zeros = vec![0; 8 << 20];
    let members = [(FILE, "x", "", &zeros[..])];
    for bomb in [gzip(&tar(&members)), zip(&[("x", &zeros[..])])] {
        let case = Case::new(&bomb);
        let limit = bomb.len() as u64 * MAX_RATIO + 1000;
        assert!(limit < zeros.len() as u64);
        let error = unpack_within(1000, &case.0.path().join("archive"), &case.out(), &|_| true).unwrap_err();
        assert!(matches!(error, UnpackError::TooLarge { .. }), "{error}");
        assert!(case.written()["out/x"].len() as u64 <= limit);
        assert_eq!(case.unpack().unwrap().bytes, zeros.len() as u64);
    }
}

#[test]
fn it_ends_when_nobody_wants_more() {
    let case = Case::new(&zip(&[("a", &vec![1; 100_000]), ("b", b"2")]));
    let ended = unpack(&case.0.path().join("archive"), &case.out(), &|_| false);
    assert!(matches!(ended, Err(UnpackError::Interrupted)));
    assert_eq!(case.written().len(), 1);
}
