//! The bytes of a segment.
//!
//! ```text
//! segment: "trailsj1" · first sequence u64 · salt u64 · CRC-32 of the 24 bytes before · 0 u32 · record…
//! record:  marker 4 bytes (of the salt) · length u32 · sequence u64 · group u64 · CRC-32 · payload
//! payload: received i64 · account length u8 · account · Region length u8 · Region · event
//! ```
//!
//! Numbers are little-endian. The CRC of a record covers the salt, the fields before it and the payload. The
//! group is the sequence before which all records were durable when this one was written. So where a record
//! cannot be read, a good record of a later group behind it proves that it could be read once. The salt is
//! random: who sends events cannot send any that look like records.

use super::JournalEntry;

pub(super) const MAGIC: &[u8; 8] = b"trailsj1";
pub(super) const SEGMENT_HEADER: usize = 32;
pub(super) const RECORD_HEADER: usize = 28;
/// No record is longer, whatever the options say.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) first: u64,
    pub(super) salt: u64,
}

impl SegmentHeader {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let header = bytes.get(..SEGMENT_HEADER).ok_or("the segment's header is cut")?;
        if &header[..8] != MAGIC {
            return Err("the file does not begin as a segment does");
        }
        if crc32fast::hash(&header[..24]).to_le_bytes() != header[24..28] {
            return Err("the checksum of the segment's header does not fit");
        }
        Ok(Self::unchecked(header))
    }

    /// What the bytes of a header say, whatever its checksum is.
    pub(super) fn unchecked(header: &[u8]) -> Self {
        Self { first: u64_at(header, 8), salt: u64_at(header, 16) }
    }

    /// The header that these bytes were before one of them changed.
    pub(super) fn mended(bytes: &[u8]) -> Option<Self> {
        let mut header: [u8; SEGMENT_HEADER] = *bytes.first_chunk()?;
        for at in 0..28 {
            let found = header[at];
            for byte in 0..=u8::MAX {
                header[at] = byte;
                if let Ok(mended) = Self::decode(&header) {
                    return Some(mended);
                }
            }
            header[at] = found;
        }
        None
    }

    pub(super) fn marker(self) -> [u8; 4] {
        let bytes = self.salt.to_le_bytes();
        [bytes[0], bytes[1], bytes[2], bytes[3]]
    }
}

/// Where a record lies in a group, before it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) length: usize,
    pub(super) sequence: u64,
    pub(super) group: u64,
    crc: u32,
}

impl RecordHeader {
    pub(super) fn decode(bytes: &[u8], segment: SegmentHeader) -> Result<Self, &'static str> {
        let header = bytes.get(..RECORD_HEADER).ok_or("the record's header is cut")?;
        if header[..4] != segment.marker() {
            return Err("no record begins here");
        }
        let length = u32_at(header, 4) as usize;
        if length > MAX_PAYLOAD {
            return Err("the record's length cannot be");
        }
        let crc = u32_at(header, 24);
        Ok(Self { length, sequence: u64_at(header, 8), group: u64_at(header, 16), crc })
    }

    pub(super) fn check(&self, payload: &[u8], segment: SegmentHeader) -> Result<(), &'static str> {
        let expected = crc(segment, self.length as u32, self.sequence, self.group, payload);
        (self.crc == expected).then_some(()).ok_or("the record's checksum does not fit")
    }
}

/// Reads the record at the beginning of `bytes`: its header and payload.
pub(super) fn record_at(bytes: &[u8], segment: SegmentHeader) -> Result<(RecordHeader, &[u8]), &'static str> {
    let header = RecordHeader::decode(bytes, segment)?;
    let payload =
        bytes.get(RECORD_HEADER..RECORD_HEADER + header.length).ok_or("the record's payload is cut")?;
    header.check(payload, segment)?;
    Ok((header, payload))
}

/// The first good record that begins at `at` or behind it, with a sequence of at least `least`: where it begins, its header
/// and its payload.
pub(super) fn next_record(
    bytes: &[u8],
    mut at: usize,
    segment: SegmentHeader,
    least: u64,
) -> Option<(usize, RecordHeader, &[u8])> {
    let marker = segment.marker();
    // chance finds few markers in a segment, and the salt keeps senders from placing any
    loop {
        at += bytes.get(at..)?.windows(4).position(|window| window == marker)?;
        match record_at(&bytes[at..], segment) {
            Ok((record, payload)) if record.sequence >= least => return Some((at, record, payload)),
            _ => at += 1,
        }
    }
}

pub(super) fn write_record(
    out: &mut Vec<u8>,
    segment: SegmentHeader,
    sequence: u64,
    group: u64,
    payload: &[u8],
) {
    let length = payload.len() as u32;
    out.extend_from_slice(&segment.marker());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&crc(segment, length, sequence, group, payload).to_le_bytes());
    out.extend_from_slice(payload);
}

fn crc(segment: SegmentHeader, length: u32, sequence: u64, group: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.salt.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(&sequence.to_le_bytes());
    hasher.update(&group.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// How many bytes [`write_payload`] writes for an entry.
pub(super) fn payload_length(entry: &JournalEntry) -> usize {
    10 + entry.account.len() + entry.region.len() + entry.event.len()
}

/// Accounts and Regions of an [`JournalEntry`] are short, so a byte holds their lengths.
pub(super) fn write_payload(out: &mut Vec<u8>, entry: &JournalEntry) {
    out.extend_from_slice(&entry.received.to_le_bytes());
    for text in [&entry.account, &entry.region] {
        out.push(text.len() as u8);
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(&entry.event);
}

pub(super) fn received(payload: &[u8]) -> i64 {
    payload.first_chunk().copied().map_or(0, i64::from_le_bytes)
}

pub(super) fn set_received(payload: &mut [u8], received: i64) {
    if let Some(start) = payload.first_chunk_mut() {
        *start = received.to_le_bytes();
    }
}

pub(super) fn read_payload(payload: &[u8]) -> Option<JournalEntry> {
    let (received, rest) = payload.split_first_chunk::<8>()?;
    let (account, rest) = short_text(rest)?;
    let (region, event) = short_text(rest)?;
    Some(JournalEntry { account, region, received: i64::from_le_bytes(*received), event: event.to_vec() })
}

fn short_text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(text).ok()?.to_owned(), rest))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u64::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_le_bytes)
}
