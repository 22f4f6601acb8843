//! What a file holds that lies among logs and digests and is neither by its name: names say nothing
//! (docs/spec/verification.md 5, rows 63, 70, 74, 85 and 96).

use std::{
    io::{self, Read, Seek},
    ops::ControlFlow,
};

use memchr::memmem;
use trailseal_archive::{
    content::{ContentLimits, read_stream},
    leftover::{Leftover, names_events},
    metadata::{self, MAX_SIDECAR_BYTES, ObjectMetadata},
    open::OpenFile,
    walk::Roots,
};
use trailseal_query::{
    Filter, Predicate,
    scan::{Found, Next, Scanner},
};
use trailseal_verify::KeyFile;

use crate::files::FileRef;

/// Bytes of a file among the logs that may be a key file.
const MAX_KEY_FILE: u64 = 1 << 20;

/// Content beyond this is not looked through: no settings, metadata or keys are as large.
const MAX_LOOK: u64 = 4 << 20;

/// Nothing that desktops leave behind among files is larger.
const MAX_LEFTOVER: u64 = 64 << 20;

/// Whether `query` would read event records from these bytes, or might.
pub(crate) fn holds_events(bytes: &[u8]) -> bool {
    !is_text_without_events(bytes) && scan_finds_events(bytes)
}

fn scan_finds_events(bytes: &[u8]) -> bool {
    let (found, problems) = scan(bytes, MAX_LOOK, &|content| look(content).0);
    found || problems.iter().any(|offset| *offset > 0)
}

/// Whether events may stand anywhere in bytes that claim to be something else: also behind what is no JSON, in what
/// cannot be read, and deeper than any query looks.
fn may_hide_events(bytes: &[u8]) -> bool {
    let is_suspect = |content: &[u8]| names_events(content) || look(content).0;
    let (found, problems) = scan(bytes, MAX_LEFTOVER, &is_suspect);
    found || !problems.is_empty() || is_suspect(bytes)
}

/// Whether anything that bytes hold is such, and the places of what cannot be read.
fn scan(bytes: &[u8], limit: u64, is_such: &dyn Fn(&[u8]) -> bool) -> (bool, Vec<u64>) {
    let mut found = false;
    let limits =
        ContentLimits { max_entry: limit, max_total: limit, max_held: limit, ..ContentLimits::default() };
    let outcome = read_stream("file", bytes, &limits, &mut |_, entry| {
        let mut content = Vec::new();
        // What cannot be read to its end may hold anything.
        found |= entry.read_to_end(&mut content).is_err() || is_such(&content);
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (found, outcome.problems.iter().map(|problem| problem.error.offset).collect())
}

/// Whether text holds event records, and whether something in it could not be read.
fn look(content: &[u8]) -> (bool, bool) {
    let filter = Filter::new(Predicate::Constant(true));
    let mut scanner = Scanner::new(&filter, false);
    let mut is_damaged = false;
    scanner.start();
    scanner.feed(content, Next::End, &mut |found| is_damaged |= matches!(found, Found::Damage { .. }));
    (scanner.counts().records > 0, is_damaged)
}

/// Whether bytes are text in which no name stands that an event has, or what holds an event in base64: told of a
/// sidecar in a hundredth of the time that a scan takes. A letter can be written otherwise only by `\u`.
fn is_text_without_events(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 4] = [b"event", b"\"data", b"\\u", b"\0"];
    bytes.first() == Some(&b'{') && MARKS.iter().all(|mark| memmem::find(bytes, mark).is_none())
}

/// The metadata of an object, if bytes are that and nothing else: the output of `head-object` or the like.
pub(crate) fn metadata_alone(bytes: &[u8]) -> Option<ObjectMetadata> {
    let parsed = metadata::parse_sidecar(bytes).ok()?;
    // In JSON as a whole only what wraps more can be damaged, or be nested too deeply.
    let is_alone = || is_text_without_events(bytes) || (!scan_finds_events(bytes) && !look(bytes).1);
    ((parsed.signature.is_some() || says_metadata(bytes)) && is_alone()).then_some(parsed)
}

/// Whether bytes are the metadata of an object and say something.
pub(crate) fn is_saved_metadata(bytes: &[u8]) -> bool {
    let says = serde_json::from_slice(bytes).is_ok_and(|value: serde_json::Map<_, _>| !value.is_empty());
    says && metadata_alone(bytes).is_some()
}

/// Members of object metadata, in lower case and without dashes, of which one is there.
const KNOWN: [&str; 6] = ["metadata", "etag", "contenttype", "contentlength", "lastmodified", "signature"];

/// Whether a JSON object has a member that the metadata of an object have, whether or not it is signed.
fn says_metadata(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(bytes) else { return false };
    members.is_empty()
        || members.keys().any(|name| {
            let plain: String = name.to_ascii_lowercase().replace("x-amz-meta-", "").replace('-', "");
            KNOWN.contains(&plain.as_str())
        })
}

/// Whether a file holds public keys and nothing else.
pub(crate) fn holds_keys(roots: &Roots, file: &FileRef<'_>) -> bool {
    read_bounded(roots, file, MAX_KEY_FILE)
        .is_some_and(|bytes| !KeyFile::parse("", &bytes).keys.is_empty() && !may_hide_events(&bytes))
}

/// Whether a file is what its name says that desktops, copies and archives leave behind.
/// [`Leftover::in_folder`] said what its folder is.
pub(crate) fn leftover(roots: &Roots, in_folder: Option<Leftover>, file: &FileRef<'_>) -> Option<Leftover> {
    let kind = Leftover::of(in_folder, &file.file.name)?;
    is_leftover(kind, &mut file.open(roots).ok()?).ok()?.then_some(kind)
}

/// Whether a file is what its name promises, and no event is in it.
pub(crate) fn is_leftover(kind: Leftover, file: &mut OpenFile) -> io::Result<bool> {
    if file.length() > MAX_LEFTOVER {
        return Ok(false);
    }
    // What a NAS notes of files has no form; that it holds no event is enough.
    if !kind.is_in(file)? && kind != Leftover::ExtendedAttributes {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(MAX_LEFTOVER + 1).read_to_end(&mut bytes)?;
    Ok(bytes.len() as u64 <= MAX_LEFTOVER && !may_hide_events(&bytes))
}

/// The metadata that a file holds, and nothing else.
pub(crate) fn metadata_in(roots: &Roots, file: &FileRef<'_>) -> Option<ObjectMetadata> {
    metadata_alone(&read_bounded(roots, file, MAX_SIDECAR_BYTES as u64)?)
}

/// Whether a file may hold event records.
pub(crate) fn may_hold_events(roots: &Roots, file: &FileRef<'_>) -> bool {
    read_bounded(roots, file, MAX_LOOK).is_none_or(|bytes| holds_events(&bytes))
}

/// A file's bytes, unless there are more than `limit` or it cannot be read.
fn read_bounded(roots: &Roots, file: &FileRef<'_>, limit: u64) -> Option<Vec<u8>> {
    file.open(roots).ok()?.read_bounded(limit).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of sidecars, of events, of what wraps them, and of how either can be written otherwise.
    const PIECES: [&str; 22] = [
        r#"{"Metadata":{"signature":"ab01"}}"#,
        r#"{"ETag":"\"9b\"","Metadata":{}}"#,
        r#"{"eventVersion":"1.08","userIdentity":{}}"#,
        r#"{"\u0065ventVersion":"1"}"#,
        r#"{"Records":[{"eventName":"A","eventID":"1"}]}"#,
        r#"{"Message":"{\"eventVersion\":\"1\",\"eventName\":\"A\"}"}"#,
        r#"{"body":"{\"\\u0065ventVersion\":\"1\",\"eventName\":\"A\"}"}"#,
        r#"{"kinesis":{"data":"eyJldmVudFZlcnNpb24iOiIxIiwiZXZlbnROYW1lIjoiQSJ9"}}"#,
        r#"{"body":"{\"awslogs\":{\"data\":\"eyJldmVudFZlcnNpb24iOiIxIiwiZXZlbnROYW1lIjoiQSJ9\"}}"}"#,
        r#"{"\u0064ata":"eyJldmVudFZlcnNpb24iOiIxIiwiZXZlbnROYW1lIjoiQSJ9"}"#,
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\n",
        " ",
        "\0",
        "\u{feff}",
    ];

    proptest! {
        #[test]
        fn what_is_told_at_a_glance_the_scan_tells_too(picks in prop::collection::vec(0..PIECES.len(), 0..6)) {
            let text: String = picks.iter().map(|&pick| PIECES[pick]).collect();
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            for bytes in [text.as_bytes(), &wide] {
                prop_assert!(!is_text_without_events(bytes) || !scan_finds_events(bytes), "{text:?}");
            }
        }
    }

    #[test]
    fn a_sidecar_is_told_at_a_glance_and_every_event_is_found() {
        assert!(PIECES[..2].iter().all(|sidecar| is_text_without_events(sidecar.as_bytes())));
        for event in &PIECES[2..10] {
            assert!(holds_events(event.as_bytes()), "{event}");
        }
    }
}
