//! SHA-256 (FIPS 180-4) of several independent streams at once.
//!
//! One stream cannot keep a core's SHA unit busy: every round waits for the one before. Two to four streams
//! whose rounds alternate on one core hash 1.3 to 1.7 times the bytes in the same time. A [`Hasher`] is one
//! stream; [`update_lanes`] and [`advance_lanes`] feed several. [`Lanes`] says, call by call, whether to
//! interleave; everything else, and every processor without the instructions, goes through the `sha2` crate,
//! and the digest is the same.
//!
//! ```
//! use trailseal_sha256::{Hasher, Lanes, digest, update_lanes};
//!
//! let (mut one, mut two) = (Hasher::new(), Hasher::new());
//! update_lanes(&mut [(&mut one, b"a log file"), (&mut two, b"another")], Lanes::Interleaved);
//! assert_eq!(one.finalize(), digest(b"a log file"));
//! assert_eq!(two.finalize(), digest(b"another"));
//! ```

mod shani;

use self::shani::ShaNi;
use sha2::block_api::compress256;

/// Bytes in a block of SHA-256.
const BLOCK: usize = 64;

/// The most streams that are interleaved; more are taken in groups of this many.
pub const MAX_LANES: usize = 4;

/// The hash value before the first block (FIPS 180-4 section 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A stream and the bytes that it still has to take in; the functions that hash them move the slice on.
pub type Lane<'hasher, 'bytes> = (&'hasher mut Hasher, &'bytes [u8]);

/// How the streams of one call share the core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lanes {
    /// Interleaved where the processor has the instructions (SHA, SSE4.1 and SSSE3 of `x86_64`, looked for at
    /// run time), else as [`Lanes::Portable`].
    #[default]
    Interleaved,
    /// One stream after the other, through the `sha2` crate.
    Portable,
}

impl Lanes {
    /// How many streams a caller should feed at a time: 3 where they will be interleaved, else 1.
    ///
    /// Measured: two streams reach 1.32 and three 1.35 times the bytes of one on an Intel Xeon with AMX, whose
    /// SHA unit is then busy to 98 % (a fourth gains nothing), and 1.5 and 1.7 times on an AMD EPYC (Zen 5).
    pub fn width(self) -> usize {
        if self.instructions().is_some() { 3 } else { 1 }
    }

    fn instructions(self) -> Option<ShaNi> {
        match self {
            Self::Interleaved => ShaNi::detect(),
            Self::Portable => None,
        }
    }
}

/// The SHA-256 state of one stream of bytes.
#[derive(Clone, Debug)]
pub struct Hasher {
    state: [u32; 8],
    /// The start of a block whose rest has not come yet: the first `length % BLOCK` bytes.
    partial: [u8; BLOCK],
    /// Bytes taken in so far.
    length: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Hasher {
    /// The state before the first byte.
    pub const fn new() -> Self {
        Self { state: INITIAL, partial: [0; BLOCK], length: 0 }
    }

    /// Takes in the stream's next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let bytes = self.fill_partial(bytes);
        let (blocks, rest) = bytes.as_chunks();
        compress256(&mut self.state, blocks);
        self.length += (blocks.len() * BLOCK) as u64;
        self.fill_partial(rest);
    }

    /// The digest of all bytes taken in.
    pub fn finalize(mut self) -> [u8; 32] {
        // FIPS 180-4 section 5.1.1: one 1 bit, zeros, and the length in bits in the last 8 bytes of a block.
        let used = self.buffered();
        let bits = self.length.wrapping_mul(8).to_be_bytes();
        let mut last = [[0; BLOCK]; 2];
        last[0][..used].copy_from_slice(&self.partial[..used]);
        last[0][used] = 0x80;
        let blocks = if used < BLOCK - bits.len() { &mut last[..1] } else { &mut last[..] };
        let flat = blocks.as_flattened_mut();
        let length_at = flat.len() - bits.len();
        flat[length_at..].copy_from_slice(&bits);
        compress256(&mut self.state, blocks);

        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    /// Bytes of an unfinished block; always less than [`BLOCK`].
    fn buffered(&self) -> usize {
        (self.length % BLOCK as u64) as usize
    }

    /// Adds bytes to the unfinished block, if there is one or `bytes` are less than a block, and compresses it
    /// when full. Returns the bytes not taken; unless they are none, the stream is then at a block boundary.
    fn fill_partial<'bytes>(&mut self, bytes: &'bytes [u8]) -> &'bytes [u8] {
        let used = self.buffered();
        if used == 0 && bytes.len() >= BLOCK {
            return bytes;
        }
        let (taken, rest) = bytes.split_at(bytes.len().min(BLOCK - used));
        self.partial[used..used + taken.len()].copy_from_slice(taken);
        self.length += taken.len() as u64;
        if used + taken.len() == BLOCK {
            compress256(&mut self.state, &[self.partial]);
        }
        rest
    }
}

/// The SHA-256 of `bytes`.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finalize()
}

/// The SHA-256 of each of several texts, as many of them at a time as are worth it.
pub fn digests(texts: &[&[u8]], how: Lanes) -> Vec<[u8; 32]> {
    let mut hashers = vec![Hasher::new(); texts.len()];
    let mut waiting: Vec<Lane> = hashers.iter_mut().zip(texts.iter().copied()).collect();
    // the longest first, so that none is left alone at the end
    waiting.sort_by_key(|(_, bytes)| bytes.len());
    let mut lanes: Vec<Lane> = Vec::with_capacity(how.width());
    loop {
        lanes.retain(|(_, bytes)| !bytes.is_empty());
        while lanes.len() < how.width()
            && let Some(next) = waiting.pop()
        {
            lanes.push(next);
        }
        if lanes.is_empty() {
            break;
        }
        advance_lanes(&mut lanes, how);
    }
    hashers.into_iter().map(Hasher::finalize).collect()
}

/// Takes in all bytes of every lane; the slices are empty afterwards.
///
/// The lanes are hashed together as long as there are several with bytes left, so lanes of equal length gain
/// most. Use [`advance_lanes`] where a lane that runs out can be given more.
pub fn update_lanes(lanes: &mut [Lane], how: Lanes) {
    for group in lanes.chunks_mut(MAX_LANES) {
        while group.iter().any(|(_, bytes)| !bytes.is_empty()) {
            advance_lanes(group, how);
        }
    }
}

/// Takes in bytes of every lane until a lane that had some has none left, and moves the slices on: the caller
/// can refill that lane, or give it the next stream, and go on with all lanes busy.
///
/// Lanes without bytes are passed over; without any bytes nothing happens. More lanes may be emptied than one.
/// Of more than [`MAX_LANES`] lanes, each group of that many is treated so by itself.
pub fn advance_lanes(lanes: &mut [Lane], how: Lanes) {
    let Some(instructions) = how.instructions() else {
        for (hasher, bytes) in lanes {
            hasher.update(std::mem::take(bytes));
        }
        return;
    };
    for group in lanes.chunks_mut(MAX_LANES) {
        advance_group(group, instructions);
    }
}

/// [`advance_lanes`] for at most [`MAX_LANES`].
fn advance_group(group: &mut [Lane], instructions: ShaNi) {
    let mut emptied = false;
    for (hasher, bytes) in group.iter_mut().filter(|(_, bytes)| !bytes.is_empty()) {
        *bytes = hasher.fill_partial(bytes);
        emptied |= bytes.is_empty();
    }
    if emptied {
        return;
    }
    let busy = || group.iter().filter(|(_, bytes)| !bytes.is_empty());
    let common = busy().map(|(_, bytes)| bytes.len() / BLOCK).min().unwrap_or(0);
    match busy().count() {
        2 => compress_common::<2>(group, common, instructions),
        3 => compress_common::<3>(group, common, instructions),
        4 => compress_common::<4>(group, common, instructions),
        // One stream is no faster here than in sha2.
        _ => group.iter_mut().for_each(|(hasher, bytes)| hasher.update(std::mem::take(bytes))),
    }
    // What is left of the shortest lane is less than a block: with it the lane is empty.
    for (hasher, bytes) in group.iter_mut().filter(|(_, bytes)| bytes.len() < BLOCK) {
        *bytes = hasher.fill_partial(bytes);
    }
}

/// Compresses the first `common` blocks of the `N` lanes that have bytes left; all are at a block boundary.
fn compress_common<const N: usize>(group: &mut [Lane], common: usize, instructions: ShaNi) {
    let mut busy = group.iter_mut().filter(|(_, bytes)| !bytes.is_empty());
    let lanes: [&mut Lane; N] = std::array::from_fn(|_| busy.next().expect("the caller counted N of them"));
    let blocks = lanes.each_ref().map(|(_, bytes)| &bytes.as_chunks().0[..common]);
    let states = lanes.map(|(hasher, bytes)| {
        *bytes = &bytes[common * BLOCK..];
        hasher.length += (common * BLOCK) as u64;
        &mut hasher.state
    });
    instructions.compress(states, blocks);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use sha2::Digest;

    fn reference(bytes: &[u8]) -> [u8; 32] {
        sha2::Sha256::digest(bytes).into()
    }

    /// Bytes that differ from block to block and from seed to seed.
    fn bytes(seed: u64, length: usize) -> Vec<u8> {
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let next = || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 56) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    #[test]
    fn known_vectors() {
        let million_a = vec![b'a'; 1_000_000];
        let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        for (message, expected) in [
            (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (two_blocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (&million_a, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] {
            assert_eq!(hex::encode(digest(message)), expected);
            for how in [Lanes::Interleaved, Lanes::Portable] {
                for count in 1..=MAX_LANES + 1 {
                    let mut hashers = vec![Hasher::new(); count];
                    let mut lanes: Vec<Lane> = hashers.iter_mut().map(|hasher| (hasher, message)).collect();
                    update_lanes(&mut lanes, how);
                    assert!(lanes.iter().all(|(_, bytes)| bytes.is_empty()));
                    for hasher in hashers {
                        assert_eq!(hex::encode(hasher.finalize()), expected, "{how:?}, {count} lanes");
                    }
                }
            }
        }
    }

    /// Every length around the padding's edges, with another stream of another length beside it.
    #[test]
    fn lengths_around_block_boundaries() {
        for length in 0..=2 * BLOCK + 1 {
            let (one, two) = (bytes(1, length), bytes(2, 2 * BLOCK + 1 - length));
            assert_eq!(digest(&one), reference(&one));
            let (mut first, mut second) = (Hasher::new(), Hasher::new());
            update_lanes(&mut [(&mut first, &one), (&mut second, &two)], Lanes::Interleaved);
            assert_eq!(first.finalize(), reference(&one), "length {length}");
            assert_eq!(second.finalize(), reference(&two), "length {}", two.len());
        }
    }

    fn compress_equals_sha2<const N: usize>(instructions: ShaNi) {
        let data: [Vec<u8>; N] = std::array::from_fn(|lane| bytes(lane as u64, 9 * BLOCK));
        // Any words are a valid state; high bits set show a wrong sign or place.
        let before: [[u32; 8]; N] =
            std::array::from_fn(|lane| std::array::from_fn(|word| !((lane * 8 + word) as u32 * 0x0101_0107)));
        let mut states = before;
        instructions.compress(states.each_mut(), data.each_ref().map(|data| data.as_chunks().0));
        for lane in 0..N {
            let mut expected = before[lane];
            compress256(&mut expected, data[lane].as_chunks().0);
            assert_eq!(states[lane], expected, "lane {lane} of {N}");
        }
    }

    /// The compression function itself; empty where the processor has no SHA instructions.
    #[test]
    fn interleaved_compression_equals_sha2() {
        if let Some(instructions) = ShaNi::detect() {
            compress_equals_sha2::<1>(instructions);
            compress_equals_sha2::<2>(instructions);
            compress_equals_sha2::<3>(instructions);
            compress_equals_sha2::<4>(instructions);
        }
    }

    #[test]
    fn width_follows_the_switch_and_the_processor() {
        assert_eq!(Lanes::Portable.width(), 1);
        assert_eq!(Lanes::Interleaved.width(), if ShaNi::detect().is_some() { 3 } else { 1 });
    }

    #[test]
    fn digests_are_those_of_each_alone() {
        let texts: Vec<Vec<u8>> =
            [0, 1000, 64, 0, 63, 70_000, 128, 1].map(|length| bytes(length as u64, length)).to_vec();
        for how in [Lanes::Interleaved, Lanes::Portable] {
            for count in 0..=texts.len() {
                let texts: Vec<&[u8]> = texts[..count].iter().map(Vec::as_slice).collect();
                let expected: Vec<_> = texts.iter().map(|text| digest(text)).collect();
                assert_eq!(digests(&texts, how), expected);
            }
        }
    }

    #[test]
    fn advance_stops_at_the_shortest_lane_and_skips_empty_ones() {
        let data = [bytes(1, 1000), bytes(2, 300), bytes(3, 0)];
        let mut hashers = [const { Hasher::new() }; 3];
        let mut lanes: Vec<Lane> =
            hashers.iter_mut().zip(&data).map(|(hasher, data)| (hasher, &data[..])).collect();
        advance_lanes(&mut lanes, Lanes::Interleaved);
        assert!(lanes[1].1.is_empty());
        if ShaNi::detect().is_some() {
            // The common whole blocks of both, no more.
            assert_eq!(lanes[0].1.len(), 1000 - 300 / BLOCK * BLOCK);
        }
        advance_lanes(&mut lanes, Lanes::Interleaved);
        advance_lanes(&mut lanes, Lanes::Interleaved);
        assert!(lanes.iter().all(|(_, bytes)| bytes.is_empty()));
        for (hasher, data) in hashers.into_iter().zip(&data) {
            assert_eq!(hasher.finalize(), reference(data));
        }
    }

    #[test]
    fn advance_stops_at_a_lane_that_ends_within_a_block() {
        let (short, long) = (bytes(1, 10), bytes(2, 1000));
        let (mut one, mut two) = (Hasher::new(), Hasher::new());
        let mut lanes: [Lane; 2] = [(&mut one, &short), (&mut two, &long)];
        advance_lanes(&mut lanes, Lanes::Interleaved);
        assert!(lanes[0].1.is_empty());
        if ShaNi::detect().is_some() {
            assert_eq!(lanes[1].1.len(), 1000, "the second waits for the first to be refilled");
        }
    }

    /// What one stream gets in one call: mostly a few blocks, often ending inside one.
    fn chunk() -> impl Strategy<Value = usize> {
        prop_oneof![0..=3 * BLOCK, (0..=20_usize).prop_map(|blocks| blocks * BLOCK), 0..=5000_usize]
    }

    proptest! {
        #[test]
        fn lanes_equal_sha2(
            rounds in (1..=6_usize).prop_flat_map(|lanes| vec(vec(chunk(), lanes), 0..=6)),
            seed: u64,
            interleaved: bool,
        ) {
            let how = if interleaved { Lanes::Interleaved } else { Lanes::Portable };
            let count = rounds.first().map_or(1, Vec::len);
            let total = |lane: usize| rounds.iter().map(|round| round[lane]).sum();
            let data: Vec<Vec<u8>> =
                (0..count).map(|lane| bytes(seed.wrapping_add(lane as u64), total(lane))).collect();
            let mut hashers = vec![Hasher::new(); count];
            let mut rest: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
            for round in &rounds {
                let mut lanes: Vec<Lane> = Vec::new();
                for ((hasher, rest), length) in hashers.iter_mut().zip(&mut rest).zip(round) {
                    let (now, later) = rest.split_at(*length);
                    *rest = later;
                    lanes.push((hasher, now));
                }
                update_lanes(&mut lanes, how);
                prop_assert!(lanes.iter().all(|(_, bytes)| bytes.is_empty()));
            }
            for (hasher, data) in hashers.into_iter().zip(&data) {
                prop_assert_eq!(hasher.finalize(), reference(data));
            }
        }

        /// Lanes are refilled as they run out, each from its own chunks, until all are done.
        #[test]
        fn refilled_lanes_equal_sha2(
            streams in vec(vec(chunk(), 0..=6), 1..=MAX_LANES),
            seed: u64,
            interleaved: bool,
        ) {
            let how = if interleaved { Lanes::Interleaved } else { Lanes::Portable };
            let data: Vec<Vec<u8>> = streams
                .iter()
                .enumerate()
                .map(|(lane, chunks)| bytes(seed.wrapping_add(lane as u64), chunks.iter().sum()))
                .collect();
            let mut hashers = vec![Hasher::new(); streams.len()];
            let mut rest: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
            let mut chunks: Vec<_> = streams.iter().map(|chunks| chunks.iter()).collect();
            let mut lanes: Vec<Lane> = hashers.iter_mut().map(|hasher| (hasher, &[][..])).collect();
            loop {
                for (lane, (_, window)) in lanes.iter_mut().enumerate() {
                    while window.is_empty() && let Some(length) = chunks[lane].next() {
                        (*window, rest[lane]) = rest[lane].split_at(*length);
                    }
                }
                let busy = |lanes: &[Lane]| lanes.iter().filter(|(_, window)| !window.is_empty()).count();
                let before = busy(&lanes);
                if before == 0 {
                    break;
                }
                advance_lanes(&mut lanes, how);
                prop_assert!(busy(&lanes) < before, "a lane is emptied by every call");
            }
            for (hasher, data) in hashers.into_iter().zip(&data) {
                prop_assert_eq!(hasher.finalize(), reference(data));
            }
        }
    }
}
