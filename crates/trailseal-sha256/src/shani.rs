//! The compression function of several streams at once, with the SHA extensions of `x86_64`.
//!
//! All unsafe code of the crate is here. Written from FIPS 180-4 and the semantics of `SHA256RNDS2`,
//! `SHA256MSG1` and `SHA256MSG2` in Intel's Software Developer's Manual.

#![allow(unsafe_code)]

use super::BLOCK;

/// Proof that this processor has the instructions used here; its only source is [`ShaNi::detect`].
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) struct ShaNi(());

impl ShaNi {
    /// The proof, where the running processor has SHA, SSE4.1 and SSSE3.
    ///
    /// The standard library asks the processor once; later calls cost one load.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn detect() -> Option<Self> {
        let present = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("sse4.1")
            && is_x86_feature_detected!("ssse3");
        present.then_some(Self(()))
    }

    /// Other architectures have no such proof.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn detect() -> Option<Self> {
        None
    }

    /// Compresses the blocks of `N` streams into their states, interleaved: the first
    /// `blocks[0].len()` blocks of each.
    ///
    /// # Panics
    /// When a stream has fewer blocks than the first one.
    #[allow(clippy::unused_self)] // holding it is the permission
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, clippy::needless_pass_by_value))]
    pub(super) fn compress<const N: usize>(self, states: [&mut [u32; 8]; N], blocks: [&[[u8; BLOCK]]; N]) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `self` exists, so `detect` found every feature that the function is compiled with.
        unsafe {
            x86::compress(states, blocks);
        }
        #[cfg(not(target_arch = "x86_64"))]
        unreachable!("detect() gives no ShaNi on this architecture");
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::BLOCK;
    use core::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi8,
        _mm_set_epi32, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
        _mm_shuffle_epi32,
    };

    /// FIPS 180-4 section 4.2.2, aligned so that four constants are one memory operand.
    #[repr(align(16))]
    struct RoundConstants([u32; 64]);

    #[rustfmt::skip]
    static K: RoundConstants = RoundConstants([
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]);

    /// See [`super::ShaNi::compress`].
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    pub(super) fn compress<const N: usize>(states: [&mut [u32; 8]; N], blocks: [&[[u8; BLOCK]]; N]) {
        let count = blocks.first().map_or(0, |first| first.len());
        // Equal lengths known before the loop spare it the bounds checks.
        let blocks = blocks.map(|lane| &lane[..count]);
        // The instructions want a, b, e, f in one register and c, d, g, h in the other, high word first.
        let mut abef: [__m128i; N] = core::array::from_fn(|lane| {
            let s = states[lane].map(u32::cast_signed);
            _mm_set_epi32(s[0], s[1], s[4], s[5])
        });
        let mut cdgh: [__m128i; N] = core::array::from_fn(|lane| {
            let s = states[lane].map(u32::cast_signed);
            _mm_set_epi32(s[2], s[3], s[6], s[7])
        });
        // Several slices at once: an index says it best.
        #[allow(clippy::needless_range_loop)]
        for index in 0..count {
            let (abef_before, cdgh_before) = (abef, cdgh);
            let mut w: [[__m128i; 4]; N] = core::array::from_fn(|lane| load_block(&blocks[lane][index]));
            for sixteen in 0..4 {
                for quad in 0..4 {
                    let k = load_constants(16 * sixteen + 4 * quad);
                    for lane in 0..N {
                        let wk = _mm_add_epi32(w[lane][quad], k);
                        // Two rounds each: what was a, b, e, f becomes c, d, g, h.
                        cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], wk);
                        let wk = _mm_shuffle_epi32::<0b00_00_11_10>(wk);
                        abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], wk);
                    }
                    if sixteen < 3 {
                        for w in &mut w {
                            w[quad] =
                                next_words(w[quad], w[(quad + 1) % 4], w[(quad + 2) % 4], w[(quad + 3) % 4]);
                        }
                    }
                }
            }
            for lane in 0..N {
                abef[lane] = _mm_add_epi32(abef[lane], abef_before[lane]);
                cdgh[lane] = _mm_add_epi32(cdgh[lane], cdgh_before[lane]);
            }
        }
        for (lane, state) in states.into_iter().enumerate() {
            let (abef, cdgh) = (abef[lane], cdgh[lane]);
            *state = [
                _mm_extract_epi32::<3>(abef),
                _mm_extract_epi32::<2>(abef),
                _mm_extract_epi32::<3>(cdgh),
                _mm_extract_epi32::<2>(cdgh),
                _mm_extract_epi32::<1>(abef),
                _mm_extract_epi32::<0>(abef),
                _mm_extract_epi32::<1>(cdgh),
                _mm_extract_epi32::<0>(cdgh),
            ]
            .map(i32::cast_unsigned);
        }
    }

    /// The next four words of the message schedule (FIPS 180-4 section 6.2.2, step 1) from the last sixteen,
    /// `a` the oldest four.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn next_words(a: __m128i, b: __m128i, c: __m128i, d: __m128i) -> __m128i {
        let w_7 = _mm_alignr_epi8::<4>(d, c);
        _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(a, b), w_7), d)
    }

    /// The sixteen big-endian words of a block, four to a register, the first in the lowest place.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn load_block(block: &[u8; BLOCK]) -> [__m128i; 4] {
        let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
        core::array::from_fn(|quad| {
            let quarter = &block[16 * quad..16 * (quad + 1)];
            // SAFETY: `quarter` is 16 readable bytes, and this load needs no alignment.
            let words = unsafe { _mm_loadu_si128(quarter.as_ptr().cast()) };
            _mm_shuffle_epi8(words, swap)
        })
    }

    /// Four round constants from number `first` on.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn load_constants(first: usize) -> __m128i {
        let four = &K.0[first..first + 4];
        // SAFETY: `four` is 16 readable bytes, and this load needs no alignment.
        unsafe { _mm_loadu_si128(four.as_ptr().cast()) }
    }
}
