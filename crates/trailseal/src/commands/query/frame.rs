//! Rows on their way from the threads that find them to the one that puts them out: each with what is needed to
//! sort, count and choose among them.

use trailseal_archive::Timestamp;

/// What is known of a row beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its event time.
    pub(crate) time: Option<Timestamp>,
    /// The fingerprint of its eventID; 0 for none.
    pub(crate) id: u128,
    /// The place of its label among all, if it has one.
    pub(crate) label: Option<usize>,
}

const NO_TIME: i64 = i64::MIN;
const NO_LABEL: u8 = u8::MAX;
const LENGTH: usize = 8 + 16 + 1 + 8;

/// Appends a row whose bytes are what `write` appends.
pub(crate) fn push(to: &mut Vec<u8>, head: Head, write: impl FnOnce(&mut Vec<u8>)) {
    to.extend_from_slice(&head.time.map_or(NO_TIME, Timestamp::epoch).to_le_bytes());
    to.extend_from_slice(&head.id.to_le_bytes());
    to.push(head.label.map_or(NO_LABEL, |label| label as u8));
    let at = to.len();
    to.extend_from_slice(&[0; 8]);
    write(to);
    let length = (to.len() - at - 8) as u64;
    to[at..at + 8].copy_from_slice(&length.to_le_bytes());
}

/// The rows that were pushed.
pub(crate) fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (Head, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<LENGTH>()?;
        let (time, after) = head.split_first_chunk::<8>()?;
        let (id, after) = after.split_first_chunk::<16>()?;
        let (label, length) = after.split_first()?;
        let length = u64::from_le_bytes(length.try_into().ok()?) as usize;
        let payload = rest.get(..length)?;
        bytes = &rest[length..];
        let head = Head {
            time: Timestamp::from_epoch(i64::from_le_bytes(*time)),
            id: u128::from_le_bytes(*id),
            label: (*label != NO_LABEL).then_some(usize::from(*label)),
        };
        Some((head, payload))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let rows = [
            (Head { time: Timestamp::from_epoch(5), id: 7, label: Some(2) }, &b"abc"[..]),
            (Head { time: None, id: 0, label: None }, b""),
            (Head { time: Timestamp::from_epoch(-1), id: u128::MAX, label: Some(0) }, b"{}\n"),
        ];
        let mut bytes = Vec::new();
        for (head, payload) in rows {
            push(&mut bytes, head, |to| to.extend_from_slice(payload));
        }
        assert_eq!(frames(&bytes).collect::<Vec<_>>(), rows);
    }
}
