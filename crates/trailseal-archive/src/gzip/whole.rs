//! Inflating whole gzip files that are in memory, at the speed that a scan needs.
//!
//! libdeflate inflates half as fast again as the streaming reader ([`Inflater`](super::Inflater)), and needs
//! the whole file and room for the whole content. It says nothing about where damage is: a file for which
//! [`WholeInflater`] does not say [`Whole::Done`] is to be read anew with the streaming reader, which gives
//! every byte before the damage and the reason.
//!
//! ```
//! use trailseal_archive::gzip::{Ending, whole::{Whole, WholeInflater}};
//!
//! # use std::io::Write as _;
//! # let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
//! # encoder.write_all(b"{}")?;
//! # let file = encoder.finish()?;
//! let mut inflater = WholeInflater::new();
//! let mut output = Vec::new();
//! match inflater.inflate(&file, &mut output, 16 << 20) {
//!     Whole::Done { length, ending: Ending::Complete, .. } => assert_eq!(&output[..length], b"{}"),
//!     other => panic!("read it with the streaming reader: {other:?}"),
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
#![allow(unsafe_code)]

use std::{ffi::c_void, ptr::NonNull};

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE as INSUFFICIENT_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS as SUCCESS,
};

use super::{Ending, MEMBER_START};

#[cfg(test)]
mod tests;

/// The smallest step by which the output grows.
const FIRST_BYTES: usize = 64 * 1024;

/// Deflate cannot inflate to more than this many times its length (258 bytes for 2 bits).
const MAX_RATIO: usize = 1032;

/// What became of a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Every member was inflated, and its CRC-32 and length are right.
    Done {
        /// How many bytes of the output are the content.
        length: usize,
        /// How many gzip members there are.
        members: u32,
        /// How many bytes of the content come from the first member: all of them, unless there are several.
        first_member: usize,
        /// How many bytes of the file the first member takes.
        first_member_compressed: usize,
        /// [`Ending::Complete`], or [`Ending::TrailingData`] where no member follows the last one.
        ending: Ending,
    },
    /// The content is longer than the limit.
    TooLarge,
    /// The file is truncated or corrupt, or its header has a checksum of its own, which libdeflate leaves
    /// unchecked: the streaming reader tells.
    Damaged,
    /// The file does not begin with 1f 8b.
    NotGzip,
}

/// Inflates one whole file after the other. Make one per thread.
#[derive(Debug)]
pub struct WholeInflater {
    decompressor: NonNull<libdeflate_decompressor>,
}

// SAFETY: the decompressor is plain memory that is owned by this value alone and bound to no thread; every
// use takes `&mut self`.
unsafe impl Send for WholeInflater {}

impl Default for WholeInflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for WholeInflater {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `libdeflate_alloc_decompressor`, and is freed only here.
        unsafe { libdeflate_free_decompressor(self.decompressor.as_ptr()) }
    }
}

impl WholeInflater {
    /// An inflater.
    ///
    /// # Panics
    ///
    /// When there is no memory for it (about 12 KB).
    pub fn new() -> Self {
        // SAFETY: no arguments; a null pointer means that there is no memory.
        let decompressor = unsafe { libdeflate_alloc_decompressor() };
        Self { decompressor: NonNull::new(decompressor).expect("memory for a decompressor") }
    }

    /// Inflates all gzip members of `input` one after the other into the front of `output`.
    ///
    /// `output` is a buffer to use again and again: it only grows, up to `limit` bytes, and what of it is the
    /// content is said by [`Whole::Done`]; the rest is left over from earlier files.
    pub fn inflate(&mut self, input: &[u8], output: &mut Vec<u8>, limit: usize) -> Whole {
        if !input.starts_with(&MEMBER_START[..2]) {
            return Whole::NotGzip;
        }
        let most = input.len().saturating_mul(MAX_RATIO).min(limit);
        grow(output, stated_length(input).min(most));

        let (mut read, mut length, mut members) = (0, 0, 0_u32);
        let (mut first_member, mut first_member_compressed) = (0, 0);
        while members == 0 || input[read..].starts_with(&MEMBER_START) {
            if has_header_checksum(&input[read..]) {
                return Whole::Damaged;
            }
            let room = output.len().min(limit);
            match self.member(&input[read..], &mut output[length..room]) {
                Member::Done { taken, written } => {
                    read += taken;
                    length += written;
                    members = members.saturating_add(1);
                    if members == 1 {
                        (first_member, first_member_compressed) = (length, read);
                    }
                }
                Member::NoRoom if room < most => {
                    grow(output, room.saturating_mul(2).max(FIRST_BYTES).min(most));
                }
                Member::NoRoom => return Whole::TooLarge,
                Member::Damaged => return Whole::Damaged,
            }
        }
        let ending = match (input.len() - read) as u64 {
            0 => Ending::Complete,
            bytes => Ending::TrailingData { bytes },
        };
        Whole::Done { length, members, first_member, first_member_compressed, ending }
    }

    /// Inflates the member that `input` begins with.
    fn member(&mut self, input: &[u8], output: &mut [u8]) -> Member {
        let (mut taken, mut written) = (0, 0);
        // SAFETY: the decompressor is live and borrowed mutably; `input` and `output` are live slices that
        // cannot overlap, with their lengths; both counts are live and distinct. The call keeps no pointer.
        let result = unsafe {
            libdeflate_gzip_decompress_ex(
                self.decompressor.as_ptr(),
                input.as_ptr().cast::<c_void>(),
                input.len(),
                output.as_mut_ptr().cast::<c_void>(),
                output.len(),
                &raw mut taken,
                &raw mut written,
            )
        };
        match result {
            SUCCESS => Member::Done { taken, written },
            INSUFFICIENT_SPACE => Member::NoRoom,
            _ => Member::Damaged,
        }
    }
}

enum Member {
    Done { taken: usize, written: usize },
    NoRoom,
    Damaged,
}

/// What the trailer says of the content's length: a first guess, nothing more.
fn stated_length(input: &[u8]) -> usize {
    input.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

fn has_header_checksum(member: &[u8]) -> bool {
    member.get(3).is_some_and(|flags| flags & 0b10 != 0)
}

/// Makes the buffer at least `length` bytes long. Only what is new is set to 0, so that in a run over many
/// files nothing is.
fn grow(output: &mut Vec<u8>, length: usize) {
    if output.len() < length {
        output.resize(length, 0);
    }
}
