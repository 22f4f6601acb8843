use super::source::HEAD_BYTES;

/// What a stream holds, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detected {
    /// No bytes at all.
    Empty,
    /// A gzip member.
    Gzip,
    /// A zip archive.
    Zip,
    /// A tar archive.
    Tar,
    /// A zstd frame, or a skippable one.
    Zstd,
    /// A bzip2 stream.
    Bzip2,
    /// An xz stream.
    Xz,
    /// UTF-16, low byte first.
    Utf16Le {
        /// The length of the byte order mark: 2 or 0.
        bom: usize,
    },
    /// UTF-16, high byte first.
    Utf16Be {
        /// The length of the byte order mark: 2 or 0.
        bom: usize,
    },
    /// Anything else, which is taken as UTF-8 text whatever it is.
    Text {
        /// The length of the byte order mark: 3 or 0.
        bom: usize,
    },
    /// The other half of a file that macOS keeps apart: its attributes.
    ResourceFork,
    /// A format that holds no text that can be read here; its name.
    Unsupported(&'static str),
}

/// Formats that are named and not read, by their first bytes.
const UNSUPPORTED: [(&[u8], &str); 9] = [
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PAR1", "Parquet"),
    (b"PARE", "Parquet (encrypted)"),
    (b"ORC", "ORC"),
    (b"SQLite format 3\0", "SQLite"),
    (b"Obj\x01", "Avro"),
    // events that came in, delivered or not; read as text it would be damaged
    (b"trailsj1", "journal of `trailseal serve`"),
];

/// Says what a stream holds that begins with `head`: its first [`HEAD_BYTES`] bytes, or all if it has fewer.
///
/// A name is never looked at. Text that an attacker could choose (a log file holds a good deal of it) is not
/// mistaken for an archive: what counts stands at the very beginning, or comes with bytes that no text has.
pub fn detect(head: &[u8]) -> Detected {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if let Some((_, name)) = UNSUPPORTED.iter().find(|(magic, _)| starts(magic)) {
        return Detected::Unsupported(name);
    }
    match head {
        [] => Detected::Empty,
        // a gzip file cut after its first byte is likelier than a text of one control character
        [0x1f] | [0x1f, 0x8b, ..] => Detected::Gzip,
        // a local header, the end of an empty archive, the mark of a split archive that is one piece
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] => {
            Detected::Zip
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Detected::Zstd,
        // the first block, or the end of an empty stream
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, b'r', b'E', b'8', b'P', 0x90, ..] => Detected::Bzip2,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Detected::Xz,
        [0, 5, 0x16, 7, ..] => Detected::ResourceFork,
        _ if is_tar(head) => Detected::Tar,
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Detected::Unsupported("UTF-32"),
        [0xff, 0xfe, ..] => Detected::Utf16Le { bom: 2 },
        [0xfe, 0xff, ..] => Detected::Utf16Be { bom: 2 },
        [0xef, 0xbb, 0xbf, ..] => Detected::Text { bom: 3 },
        _ => unmarked(head),
    }
}

/// JSON without a byte order mark: the NUL bytes around its first character give UTF-16 away.
fn unmarked(head: &[u8]) -> Detected {
    for pair in head.chunks_exact(2) {
        match pair {
            [b' ' | b'\t' | b'\r' | b'\n', 0] | [0, b' ' | b'\t' | b'\r' | b'\n'] => {}
            [b'{' | b'[', 0] => return Detected::Utf16Le { bom: 0 },
            [0, b'{' | b'['] => return Detected::Utf16Be { bom: 0 },
            _ => break,
        }
    }
    Detected::Text { bom: 0 }
}

/// Whether `head` begins with a tar header: one whose checksum is right, or that is marked as one.
///
/// The fields after the name are padded with NUL bytes, which JSON text never has: without these, an attacker's
/// user agent at the right place could turn a log file into an archive of nothing.
fn is_tar(head: &[u8]) -> bool {
    head.len() >= HEAD_BYTES
        && head[100..257].contains(&0)
        && (&head[257..262] == b"ustar" || checksum_matches(head))
}

/// Whether a block is a header: the sum of its bytes, the checksum taken as spaces, is what it states.
pub(super) fn checksum_matches(block: &[u8]) -> bool {
    let sum = |signed: bool| {
        block[..HEAD_BYTES].iter().enumerate().fold(0_i64, |sum, (at, &byte)| {
            let byte = if (148..156).contains(&at) { b' ' } else { byte };
            // some old archives were summed with signed bytes
            sum + if signed { i64::from(byte as i8) } else { i64::from(byte) }
        })
    };
    number(&block[148..156])
        .and_then(|stated| i64::try_from(stated).ok())
        .is_some_and(|stated| stated != 8 * 32 && (stated == sum(false) || stated == sum(true)))
}

/// An octal number between spaces and NUL bytes, or a binary one marked by the first bit.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] & 0x40 != 0 {
            return None;
        }
        let first = u64::from(field[0] & 0x3f);
        return field[1..].iter().try_fold(first, |value, &byte| {
            value.checked_mul(256).and_then(|value| value.checked_add(byte.into()))
        });
    }
    let start = field.iter().position(|&byte| byte != b' ')?;
    let digits = &field[start..];
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    let padding = &digits[end..];
    if !padding.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return None;
    }
    digits[..end].iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 8)?;
        value.checked_mul(8)?.checked_add(digit.into())
    })
}
