//! Content that comes in pieces, for tests; the fuzz targets include this file.

use super::Next;

/// Gives `content` to `feed` in pieces of at most `step` bytes, as a reader with a buffer of `room` bytes does:
/// what a call did not consume stands in front of the next one's bytes. Ends with the first [`Next::End`].
pub(crate) fn in_pieces(
    content: &[u8],
    step: usize,
    room: usize,
    mut feed: impl FnMut(&[u8], Next) -> usize,
) {
    let (mut buffer, mut rest) = (Vec::new(), content);
    loop {
        let (now, later) = rest.split_at(step.min(rest.len()).min(room.saturating_sub(buffer.len())));
        buffer.extend_from_slice(now);
        rest = later;
        let next = match () {
            () if rest.is_empty() => Next::End,
            () if buffer.len() >= room => Next::Full,
            () => Next::More,
        };
        let consumed = feed(&buffer, next);
        if next == Next::End {
            return;
        }
        assert!(next != Next::Full || consumed > 0, "no progress");
        buffer.drain(..consumed);
    }
}
