//! What desktops, copies and archives leave behind among the files of a tree: `._NAME`, `.DS_Store`, `Thumbs.db`,
//! `@eaDir/`, checksum lists and their like.
//!
//! They are no evidence and no logs. But a name proves nothing, and whoever plants events may call them what he
//! likes: a name (or a folder's) only makes a file a candidate ([`Leftover::named`]), and its content decides
//! ([`Leftover::is_content`], [`Leftover::is_in`]). Whatever a reader of logs could take for events is refused.
//!
//! ```
//! use std::path::Path;
//! use trailseal_archive::leftover::Leftover;
//!
//! let kind = Leftover::named(Path::new("AWSLogs"), ".DS_Store").expect("a candidate");
//! assert_eq!(kind, Leftover::FinderFolder);
//! assert!(kind.is_content(b"\0\0\0\x01Bud1\0\0\x10\0", true));
//! assert!(!kind.is_content(br#"{"Records":[{"eventName":"DeleteUser"}]}"#, true));
//! ```

use std::{
    borrow::Cow,
    io::{self, Read},
    path::{Component, Path},
};

use crate::content::{Detected, detect};

/// A kind of file that is left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Leftover {
    /// `._NAME`, or a file below `__MACOSX/` or `.AppleDouble/`: the attributes of another file, as macOS writes
    /// them where it cannot keep them.
    AppleDouble,
    /// `.DS_Store`: how a folder looks in the Finder.
    FinderFolder,
    /// `Thumbs.db`, `ehthumbs.db`: pictures of the files in a folder.
    Thumbnails,
    /// `desktop.ini`, `.directory`: how a folder looks in the Explorer and in KDE.
    FolderSettings,
    /// `NAME:Zone.Identifier`: where Windows downloaded a file from, where the file system has no streams.
    DownloadMark,
    /// Below `@eaDir/` (Synology) and `.@__thumb/` (QNAP).
    ExtendedAttributes,
    /// Below `.Spotlight-V100/`, `.fseventsd/` and `System Volume Information/`: what systems keep on a disk.
    VolumeIndex,
    /// `.NAME.crc`: the checksums that Hadoop keeps of a file.
    Checksum,
    /// `SHA256SUMS`, `NAME.md5` and the like: lines of checksums and names.
    ChecksumList,
    /// A file that says all by its name and holds nothing: `NAME_$folder$`, `_SUCCESS`, `.localized`, `.gitkeep`.
    Marker,
}

/// Longest line of a checksum list: a digest and a path.
const MAX_LINE: usize = 8 * 1024;

/// Bytes that the name of a member takes at most, in 16 bits and with what stands before it.
const LONGEST_NAME: usize = 32;

/// What begins a file of the kind.
const APPLE_DOUBLE: &[u8] = b"\x00\x05\x16\x07";
const APPLE_SINGLE: &[u8] = b"\x00\x05\x16\x00";
const FINDER_FOLDER: &[u8] = b"\x00\x00\x00\x01Bud1";
const OLE2: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const THUMBNAIL_CACHE: &[u8] = b"CMMM";
const HADOOP_CRC: &[u8] = b"crc\0";
const FS_EVENTS: [&[u8]; 3] = [b"1SLD", b"2SLD", b"3SLD"];

/// Names of lists of checksums, in lower case.
const LIST_NAMES: [&str; 5] = ["md5sums", "sha1sums", "sha256sums", "sha512sums", "checksums"];
const LIST_STEMS: [&str; 7] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b"];

/// Members of event records and of what holds them: no leftover has them.
const OF_EVENTS: [&str; 6] = ["Records", "eventVersion", "eventTime", "eventName", "eventSource", "eventID"];

impl Leftover {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AppleDouble,
        Self::FinderFolder,
        Self::Thumbnails,
        Self::FolderSettings,
        Self::DownloadMark,
        Self::ExtendedAttributes,
        Self::VolumeIndex,
        Self::Checksum,
        Self::ChecksumList,
        Self::Marker,
    ];

    /// Bytes from a file's beginning that show what it is, but for lists of checksums.
    pub const HEAD: usize = 64 << 10;

    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AppleDouble => "apple_double",
            Self::FinderFolder => "finder_folder",
            Self::Thumbnails => "thumbnails",
            Self::FolderSettings => "folder_settings",
            Self::DownloadMark => "download_mark",
            Self::ExtendedAttributes => "extended_attributes",
            Self::VolumeIndex => "volume_index",
            Self::Checksum => "checksum",
            Self::ChecksumList => "checksum_list",
            Self::Marker => "marker",
        }
    }

    /// What a file could be by its name and the components of its folder; no more than a candidate.
    pub fn named(folder: &Path, name: &str) -> Option<Self> {
        Self::of(Self::in_folder(folder), name)
    }

    /// [`Leftover::named`] for many files of one folder, of which [`Leftover::in_folder`] said what it is.
    pub fn of(in_folder: Option<Self>, name: &str) -> Option<Self> {
        match in_folder {
            // what lies there has any name
            Some(Self::ExtendedAttributes | Self::VolumeIndex) => in_folder,
            _ => Self::by_name(name).or(in_folder),
        }
    }

    /// What files in a folder could be, whatever their names, by the folder's components.
    pub fn in_folder(folder: &Path) -> Option<Self> {
        let names = folder.components().filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        names.rev().find_map(|name| match name {
            "@eaDir" | ".@__thumb" => Some(Self::ExtendedAttributes),
            ".Spotlight-V100" | ".fseventsd" | "System Volume Information" => Some(Self::VolumeIndex),
            "__MACOSX" | ".AppleDouble" => Some(Self::AppleDouble),
            _ => None,
        })
    }

    fn by_name(name: &str) -> Option<Self> {
        // nearly all names: those of logs and digests
        if name.as_bytes().ends_with(b".gz") && name.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        // `._SUCCESS.crc` is of Hadoop's `_SUCCESS`
        if name.starts_with('.') && name.as_bytes().ends_with(b".crc") {
            return Some(Self::Checksum);
        }
        if name.starts_with("._") {
            return Some(Self::AppleDouble);
        }
        if name.ends_with("_$folder$") {
            return Some(Self::Marker);
        }
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            ".ds_store" => return Some(Self::FinderFolder),
            "thumbs.db" | "ehthumbs.db" | "ehthumbs_vista.db" => return Some(Self::Thumbnails),
            "desktop.ini" | ".directory" => return Some(Self::FolderSettings),
            "_success" | ".localized" | "icon\r" | ".gitkeep" | ".keep" | ".metadata_never_index" => {
                return Some(Self::Marker);
            }
            _ => {}
        }
        // `$DATA` where the whole name of the stream was kept, U+F03A and U+F022 where `:` may not stand in names
        let stream = name.strip_suffix(":$data").unwrap_or(&name);
        if let Some(file) = stream.strip_suffix("zone.identifier")
            && file.ends_with([':', '\u{f03a}', '\u{f022}'])
        {
            return Some(Self::DownloadMark);
        }
        Self::is_list_name(&name).then_some(Self::ChecksumList)
    }

    /// Whether a name in lower case is that of a list of checksums: `SHA256SUMS`, `sha256sum.txt`, `x.tar.sha256`,
    /// and the manifests of a `BagIt` bag.
    fn is_list_name(name: &str) -> bool {
        let stem = name.strip_suffix(".txt").unwrap_or(name);
        let manifest = stem.strip_prefix("tag").unwrap_or(stem).strip_prefix("manifest-");
        if LIST_NAMES.contains(&stem) || manifest.is_some_and(|of| LIST_STEMS.contains(&of)) {
            return true;
        }
        let last = stem.rsplit('.').next().unwrap_or(stem);
        let (is_end, sum) = (last.len() < stem.len(), last.strip_suffix("sum"));
        (is_end && LIST_STEMS.contains(&last)) || sum.is_some_and(|of| LIST_STEMS.contains(&of))
    }

    /// Whether a file that holds `content` is what its name promises: its first [`Leftover::HEAD`] bytes, or the
    /// whole of it, which `is_whole` says. A file of no bytes is.
    ///
    /// What is text is only told by the whole, and events may follow behind the beginning of anything else: to know,
    /// ask [`Leftover::is_in`].
    pub fn is_content(self, content: &[u8], is_whole: bool) -> bool {
        if content.is_empty() {
            return is_whole;
        }
        if names_events(content) {
            return false;
        }
        let starts = |magic: &[u8]| content.starts_with(magic);
        match self {
            Self::AppleDouble => starts(APPLE_DOUBLE) || starts(APPLE_SINGLE),
            Self::FinderFolder => starts(FINDER_FOLDER),
            Self::Thumbnails => starts(OLE2) || starts(THUMBNAIL_CACHE),
            Self::Checksum => starts(HADOOP_CRC) || starts(APPLE_DOUBLE),
            Self::ExtendedAttributes => is_opaque(content, is_whole),
            Self::VolumeIndex => is_opaque(content, is_whole) || is_fs_events(content),
            Self::FolderSettings | Self::DownloadMark => is_whole && lines_are(content, is_setting),
            Self::ChecksumList => is_whole && lines_are(content, is_sum),
            Self::Marker => false,
        }
    }

    /// Whether what `reader` yields, from a file's beginning, is what the name promises. Unless it shows before, all is
    /// read: readers of logs find events behind whatever else a file holds.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn is_in(self, reader: &mut dyn Read) -> io::Result<bool> {
        let mut window = Vec::new();
        reader.take(Self::HEAD as u64 + 1).read_to_end(&mut window)?;
        if window.len() <= Self::HEAD {
            return Ok(self.is_content(&window, true));
        }
        if self == Self::ChecksumList {
            return self.is_list(window, reader);
        }
        if !self.is_content(&window, false) {
            return Ok(false);
        }
        loop {
            // a name may begin in one window and end in the next
            window.drain(..window.len() - LONGEST_NAME);
            if reader.take(Self::HEAD as u64).read_to_end(&mut window)? == 0 {
                return Ok(true);
            }
            if names_events(&window) {
                return Ok(false);
            }
        }
    }

    /// Whether a list of checksums is one line by line, none of them longer than a digest and a path.
    fn is_list(self, mut window: Vec<u8>, reader: &mut dyn Read) -> io::Result<bool> {
        loop {
            let lines = window.iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1);
            if window.len() - lines > MAX_LINE || !self.is_content(&window[..lines], true) {
                return Ok(false);
            }
            window.drain(..lines);
            if reader.take(Self::HEAD as u64).read_to_end(&mut window)? == 0 {
                return Ok(self.is_content(&window, true));
            }
        }
    }
}

/// Whether names of members of events stand in the bytes, as text of 8 or 16 bits, or letters are escaped as JSON does.
pub fn names_events(content: &[u8]) -> bool {
    let holds = |(at, first): (usize, &u8)| {
        let rest = &content[at + 1..];
        match first {
            b'"' => OF_EVENTS.iter().any(|name| begins(rest, name)),
            b'\\' => begins(rest, "u00"),
            _ => false,
        }
    };
    content.iter().enumerate().any(holds)
}

/// Whether bytes go on with a text, of which the character before it was the last seen.
fn begins(rest: &[u8], text: &str) -> bool {
    let of_16_bits = || rest.chunks_exact(2).zip(text.bytes()).all(|(unit, c)| *unit == [0, c]);
    rest.starts_with(text.as_bytes()) || (rest.len() >= 2 * text.len() && of_16_bits())
}

/// Whether nothing that can hold events is in sight: no archive, no compressed data, no text with JSON in it.
fn is_opaque(content: &[u8], is_whole: bool) -> bool {
    match detect(content) {
        Detected::Empty | Detected::ResourceFork => true,
        Detected::Text { .. } => {
            let is_binary = content.contains(&0);
            is_binary || (is_whole && may_be_no_json(content) && !is_json_like(content))
        }
        _ => false,
    }
}

/// Whether the first character that is no space begins an object or a list.
fn is_json_like(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    content.trim_ascii_start().starts_with(b"{") || content.trim_ascii_start().starts_with(b"[")
}

/// Whether no object with members can stand in the text.
fn may_be_no_json(text: &[u8]) -> bool {
    !(text.contains(&b'{') && text.contains(&b'"'))
}

/// Whether it is a log of what changed on a disk, of which the first bytes are inflated.
fn is_fs_events(content: &[u8]) -> bool {
    let mut magic = [0; 4];
    let is_read = flate2::read::GzDecoder::new(content).read_exact(&mut magic).is_ok();
    is_read && FS_EVENTS.contains(&magic.as_slice())
}

/// Whether content is text, and each of its lines, without spaces at its ends, is empty or passes.
fn lines_are(content: &[u8], is_line: fn(&[u8]) -> bool) -> bool {
    let Some(text) = text_of(content) else { return false };
    let is_shown = |c: &u8| *c >= b' ' || *c == b'\t';
    text.split(|c| *c == b'\n')
        .map(<[u8]>::trim_ascii)
        .all(|line| line.is_empty() || (line.iter().all(is_shown) && may_be_no_json(line) && is_line(line)))
}

/// Text as 8 bits a character, whatever the code page; UTF-16 is decoded.
fn text_of(content: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (pairs, is_big_endian) = match content {
        [0xff, 0xfe, rest @ ..] => (rest, false),
        [0xfe, 0xff, rest @ ..] => (rest, true),
        [first, 0, ..] if *first != 0 => (content, false),
        [0xef, 0xbb, 0xbf, rest @ ..] => return Some(Cow::Borrowed(rest)),
        _ => return Some(Cow::Borrowed(content)),
    };
    let units = pairs.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if is_big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    if pairs.len() % 2 == 0 { Some(Cow::Owned(text.ok()?.into_bytes())) } else { None }
}

/// `; comment`, `# comment`, `[section]`, `key=value`.
fn is_setting(line: &[u8]) -> bool {
    let is_in_section = |c: &u8| !matches!(c, b'"' | b'[' | b']');
    match line {
        [b';' | b'#', ..] => true,
        [b'[', name @ .., b']'] => name.iter().all(is_in_section),
        _ => line.iter().position(|c| *c == b'=').is_some_and(|at| {
            at > 0 && line[..at].iter().all(|c| !matches!(c, b'"' | b'{' | b'}' | b'[' | b']'))
        }),
    }
}

/// `HEX`, `HEX  NAME`, `HEX *NAME`, `SHA256 (NAME) = HEX`, `# comment`.
fn is_sum(line: &[u8]) -> bool {
    let is_hex = |text: &[u8]| {
        matches!(text.len(), 32 | 40 | 56 | 64 | 96 | 128) && text.iter().all(u8::is_ascii_hexdigit)
    };
    if line.starts_with(b"#") || line.starts_with(b";") {
        return true;
    }
    // GNU marks a line whose name is escaped
    let line = line.strip_prefix(b"\\").unwrap_or(line);
    let first = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let last = line.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let is_bsd = || line.ends_with(&[b") = ".as_slice(), last].concat()) && line.contains(&b'(');
    is_hex(first) || (is_hex(last) && is_bsd())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const EVENTS: &[u8] = br#"{"Records":[{"eventVersion":"1.08","eventName":"DeleteUser"}]}"#;
    /// No name of a member stands in it as it is read.
    const ESCAPED: &[u8] = br#"{"\u0052ecords":[{"\u0065ventName":"DeleteUser","x":"a=b"}]}"#;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn named(path: &str) -> Option<Leftover> {
        let path = Path::new(path);
        Leftover::named(path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap())
    }

    fn utf16(text: &str) -> Vec<u8> {
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    const LOG: &str = "111122223333_CloudTrail_us-east-1_20240301T0000Z_AAAAAAAAAAAAAAAA.json.gz";

    #[test]
    fn names_make_candidates() {
        for (path, expected) in [
            ("day/._x.json.gz", Some(Leftover::AppleDouble)),
            ("__MACOSX/AWSLogs/day/y.json.gz", Some(Leftover::AppleDouble)),
            ("__MACOSX/AWSLogs/.DS_Store", Some(Leftover::FinderFolder)),
            ("day/.AppleDouble/x.json.gz", Some(Leftover::AppleDouble)),
            (".DS_Store", Some(Leftover::FinderFolder)),
            ("day/Thumbs.db", Some(Leftover::Thumbnails)),
            ("day/Desktop.ini", Some(Leftover::FolderSettings)),
            ("day/x.json.gz:Zone.Identifier", Some(Leftover::DownloadMark)),
            ("day/@eaDir/x.json.gz/SYNO@.fileindexdb", Some(Leftover::ExtendedAttributes)),
            ("day/@eaDir/._x", Some(Leftover::ExtendedAttributes)),
            (".fseventsd/0000000000a1b2c3", Some(Leftover::VolumeIndex)),
            ("day/.x.json.gz.crc", Some(Leftover::Checksum)),
            ("SHA256SUMS", Some(Leftover::ChecksumList)),
            ("sha512sum.txt", Some(Leftover::ChecksumList)),
            ("day/archive.tar.gz.sha256", Some(Leftover::ChecksumList)),
            ("tagmanifest-sha256.txt", Some(Leftover::ChecksumList)),
            ("day_$folder$", Some(Leftover::Marker)),
            ("Icon\r", Some(Leftover::Marker)),
            ("day/x.crc", None),
            ("day/sha256", None),
            ("day/x.txt", None),
            ("Thumbs/x.json", None),
            ("lost+found/#123", None),
            (".Trashes/501/x.json.gz", None),
        ] {
            assert_eq!(named(path), expected, "{path}");
        }
        assert_eq!(named(&format!("AWSLogs/{LOG}")), None);
        assert_eq!(named(&format!("AWSLogs/{LOG}.md5")), Some(Leftover::ChecksumList));
    }

    #[test]
    fn content_is_told_by_what_each_kind_begins_with() {
        let sum = "d41d8cd98f00b204e9800998ecf8427e";
        let sha = sum.repeat(2);
        let settings =
            "\r\n; x\r\n[.ShellClassInfo]\r\nIconResource=C:\\i.ico,0\r\n[{F29F85E0-4FF9}]\r\nProp2=31,a\r\n";
        let many = format!("{sha}  AWSLogs/{LOG}\n{sha} *x y\n\\{sha}  a\\nb\n# by hand\n\n");
        let good: [(Leftover, Vec<u8>); 17] = [
            (Leftover::AppleDouble, b"\0\x05\x16\x07\0\x02\0\0Mac OS X        \0\x02".to_vec()),
            (Leftover::AppleDouble, b"\0\x05\x16\0\0\x02\0\0".to_vec()),
            (Leftover::FinderFolder, b"\0\0\0\x01Bud1\0\0\x10\0".to_vec()),
            (Leftover::Thumbnails, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0".to_vec()),
            (Leftover::FolderSettings, settings.into()),
            (Leftover::FolderSettings, utf16(settings)),
            (Leftover::FolderSettings, utf16(settings)[2..].to_vec()),
            (Leftover::FolderSettings, b"\xef\xbb\xbf[Desktop Entry]\nIcon=folder\nName=M\xfcll\n".to_vec()),
            (Leftover::DownloadMark, b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://x/?a=b\r\n".to_vec()),
            (Leftover::Checksum, b"crc\0\0\0\x02\0\x12\x34\x56\x78".to_vec()),
            (Leftover::ChecksumList, many.clone().into()),
            (Leftover::ChecksumList, utf16(&many)),
            (Leftover::ChecksumList, format!("SHA256 (a (1).json.gz) = {sha}").into()),
            (Leftover::ChecksumList, sum.into()),
            (Leftover::ExtendedAttributes, b"\xff\xd8\xff\xe0\0\x10JFIF{\"\0".to_vec()),
            (Leftover::VolumeIndex, gzip(b"2SLD\0\0\0\0")),
            (Leftover::VolumeIndex, b"7B3A0A1C-5A7E-4D0C-9E0F-111122223333".to_vec()),
        ];
        for (kind, content) in good {
            assert!(kind.is_content(&content, true), "{kind:?}: {}", content.escape_ascii());
            assert!(kind.is_in(&mut content.as_slice()).unwrap(), "{kind:?}");
        }
        for kind in Leftover::ALL {
            assert!(kind.is_content(b"", true), "{kind:?}");
        }
    }

    #[test]
    fn events_are_refused_whatever_the_name() {
        let list = format!("{}  x\n", "0".repeat(64));
        let contents: Vec<Vec<u8>> = vec![
            EVENTS.to_vec(),
            ESCAPED.to_vec(),
            gzip(EVENTS),
            utf16(std::str::from_utf8(EVENTS).unwrap()),
            utf16(std::str::from_utf8(ESCAPED).unwrap()),
            [b"[", EVENTS, b"]"].concat(),
            [b"; ", ESCAPED, b"\n"].concat(),
            [b"key=", ESCAPED].concat(),
            [list.as_bytes(), EVENTS].concat(),
            [list.trim_end().as_bytes(), ESCAPED].concat(),
            b"PK\x03\x04".to_vec(),
            b"\x28\xb5\x2f\xfd\0".to_vec(),
            b"BZh91AY&SY".to_vec(),
        ];
        for kind in Leftover::ALL {
            for content in &contents {
                assert!(!kind.is_content(content, true), "{kind:?}: {}", content.escape_ascii());
                assert!(!kind.is_in(&mut content.as_slice()).unwrap(), "{kind:?}");
            }
            for magic in [APPLE_DOUBLE, FINDER_FOLDER, OLE2, HADOOP_CRC, b"\xff\xd8\xff\0"] {
                assert!(!kind.is_content(&[magic, EVENTS].concat(), true), "{kind:?}");
            }
        }
    }

    #[test]
    fn gzipped_events_under_the_names_that_desktops_leave_are_no_leftovers() {
        for name in [
            &format!("._{LOG}"),
            ".DS_Store",
            "Thumbs.db",
            "desktop.ini",
            "SHA256SUMS",
            ".x.json.gz.crc",
            "@eaDir/x.json.gz",
            "__MACOSX/y.json.gz",
        ] {
            let kind = named(&format!("AWSLogs/111122223333/CloudTrail/us-east-1/{name}")).unwrap();
            assert!(!kind.is_content(&gzip(EVENTS), true), "{name}");
            assert!(!kind.is_content(EVENTS, true), "{name}");
        }
    }

    #[test]
    fn events_behind_the_beginning_of_something_else_are_found() {
        let beginnings: [(Leftover, &[u8]); 5] = [
            (Leftover::AppleDouble, APPLE_DOUBLE),
            (Leftover::FinderFolder, FINDER_FOLDER),
            (Leftover::Thumbnails, OLE2),
            (Leftover::Checksum, HADOOP_CRC),
            (Leftover::ExtendedAttributes, b"\xff\xd8\xff\0"),
        ];
        for (kind, magic) in beginnings {
            for padding in [0, 100, Leftover::HEAD - 20, Leftover::HEAD, 3 * Leftover::HEAD - 25] {
                let padded = [magic, &vec![b'\xee'; padding]].concat();
                assert!(kind.is_in(&mut padded.as_slice()).unwrap(), "{kind:?} {padding}");
                for events in [EVENTS.to_vec(), ESCAPED.to_vec(), utf16(std::str::from_utf8(EVENTS).unwrap())]
                {
                    let content = [&padded, b"\n".as_slice(), &events].concat();
                    assert!(!kind.is_in(&mut content.as_slice()).unwrap(), "{kind:?} {padding}");
                }
            }
        }
    }

    #[test]
    fn a_long_list_is_read_to_its_end() {
        let kind = Leftover::ChecksumList;
        let line = format!("{}  AWSLogs/{LOG}\n", "ab".repeat(32));
        let long = line.repeat(3000);
        assert!(long.len() > 4 * Leftover::HEAD);
        assert!(kind.is_in(&mut long.as_bytes()).unwrap());
        assert!(kind.is_in(&mut long.trim_end().as_bytes()).unwrap());
        assert!(!kind.is_content(&long.as_bytes()[..Leftover::HEAD], false));
        for planted in [EVENTS.to_vec(), gzip(EVENTS), b"x\n".to_vec(), [b' '; MAX_LINE + 1].to_vec()] {
            let content = [long.as_bytes(), &planted].concat();
            assert!(!kind.is_in(&mut content.as_slice()).unwrap(), "{}", planted.escape_ascii());
            let content = [long.as_bytes(), &planted, b"\n", long.as_bytes()].concat();
            let is_blank = planted.iter().all(|c| *c == b' ');
            assert!(is_blank || !kind.is_in(&mut content.as_slice()).unwrap());
        }
        assert!(!Leftover::FolderSettings.is_in(&mut "[a]\n".repeat(Leftover::HEAD).as_bytes()).unwrap());
    }
}
