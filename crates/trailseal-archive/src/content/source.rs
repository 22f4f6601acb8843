//! What every layer reads from: a stream whose first bytes have been looked at, and whose errors wait until
//! all bytes before them have been used.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

use super::Reason;

/// How many bytes [`detect`](super::detect) looks at: a tar header.
pub const HEAD_BYTES: usize = 512;

/// A stream, with its first bytes at hand.
pub(super) struct Source<'a> {
    inner: &'a mut dyn Read,
    head: [u8; HEAD_BYTES],
    unread: std::ops::Range<usize>,
    ended: bool,
    failure: Option<Reason>,
}

impl<'a> Source<'a> {
    /// Reads as many first bytes as there are, up to [`HEAD_BYTES`].
    pub(super) fn new(inner: &'a mut dyn Read) -> Self {
        let mut source = Self { inner, head: [0; HEAD_BYTES], unread: 0..0, ended: false, failure: None };
        let mut head = [0; HEAD_BYTES];
        let length = source.read_full(&mut head);
        source.head = head;
        source.unread = 0..length;
        source
    }

    /// The first bytes that are not yet read.
    pub(super) fn head(&self) -> &[u8] {
        &self.head[self.unread.clone()]
    }

    /// Leaves out `length` of the first bytes.
    pub(super) fn skip_head(&mut self, length: usize) {
        self.unread.start = self.unread.end.min(self.unread.start + length);
    }

    /// Reads some bytes; 0 at the end, which a failure is, too.
    pub(super) fn read_some(&mut self, out: &mut [u8]) -> usize {
        if !self.unread.is_empty() {
            let length = out.len().min(self.unread.len());
            out[..length].copy_from_slice(&self.head()[..length]);
            self.unread.start += length;
            return length;
        }
        if out.is_empty() {
            return 0;
        }
        while !self.ended {
            match self.inner.read(out) {
                Ok(0) => self.ended = true,
                // never more than there is room for, whatever a reader says
                Ok(length) => return length.min(out.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(error.into());
                }
            }
        }
        0
    }

    /// Fills `out` unless the stream ends.
    pub(super) fn read_full(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            match self.read_some(&mut out[filled..]) {
                0 => break,
                length => filled += length,
            }
        }
        filled
    }

    /// Why the stream ended before its end.
    pub(super) fn failure(&self) -> Option<&Reason> {
        self.failure.as_ref()
    }

    /// The failure of the stream, or else the reason that its early end is for the layer above.
    pub(super) fn failure_or(&self, reason: Reason) -> Reason {
        self.failure.clone().unwrap_or(reason)
    }

    /// The same stream for readers that would lose bytes over an error: it ends instead.
    pub(super) fn quiet(&mut self) -> Quiet<'_, 'a> {
        Quiet(self)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match (self.read_some(out), &self.failure) {
            (0, Some(reason)) => Err(reason.clone().at(0).into()),
            (length, _) => Ok(length),
        }
    }
}

/// See [`Source::quiet`].
pub(super) struct Quiet<'s, 'a>(&'s mut Source<'a>);

impl Read for Quiet<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.read_some(out))
    }
}

/// How many bytes a file may still inflate to, over all its layers and entries.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    left: Rc<Cell<u64>>,
    limit: u64,
}

impl Allowance {
    pub(super) fn new(limit: u64) -> Self {
        Self { left: Rc::new(Cell::new(limit)), limit }
    }

    /// Takes `bytes` off; the reason to stop when there are not as many left.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Reason> {
        let left = self.left.get().checked_sub(bytes as u64);
        self.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(Reason::TotalTooLarge { limit: self.limit })
    }

    pub(super) fn spent(&self) -> u64 {
        self.limit - self.left.get()
    }
}
