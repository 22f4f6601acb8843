//! The structure of JSON, 64 bytes at a time: what lies outside strings, and which brackets open and close.
//!
//! With AVX-512 or AVX2 and carry-less multiplication where the processor has them, else in portable code; all
//! give the same answers.

// Vector instructions; this is the only unsafe code of the crate. It reads arrays of 64 bytes and nothing else.
#![allow(unsafe_code)]

/// Bytes looked at together.
pub(crate) const BLOCK: usize = 64;

/// One bit a byte of a block, the first byte in the lowest bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Masks {
    quotes: u64,
    backslashes: u64,
    opens: u64,
    closes: u64,
    controls: u64,
}

/// The structure of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Structure {
    /// `{` and `[` outside strings.
    pub(crate) opens: u64,
    /// `}` and `]` outside strings.
    pub(crate) closes: u64,
    /// Control characters inside strings, which JSON forbids.
    pub(crate) controls: u64,
    /// Backslashes.
    pub(crate) backslashes: u64,
    /// Quotes that begin or end a string.
    pub(crate) quotes: u64,
}

/// What one block hands to the next.
#[derive(Clone, Copy, Debug, Default)]
struct Carry {
    /// All ones within a string.
    in_string: u64,
    /// One when the first byte is escaped.
    escaped: u64,
}

/// Something that looks at the structure of consecutive blocks.
pub(crate) trait Visitor {
    /// `at` is the place of the block's first byte; false ends the walk. The last block may be filled up with
    /// spaces.
    fn block(&mut self, at: usize, structure: Structure) -> bool;
}

/// Shows a visitor the structure of `bytes` from `from` on, where no string may be open.
#[inline]
pub(crate) fn walk<V: Visitor>(bytes: &[u8], from: usize, visitor: &mut V) {
    #[cfg(target_arch = "x86_64")]
    match Level::of_processor() {
        // SAFETY: the processor has what the function needs.
        Level::Avx512 => return unsafe { walk_avx512(bytes, from, visitor) },
        // SAFETY: the processor has what the function needs.
        Level::Avx2 => return unsafe { walk_avx2(bytes, from, visitor) },
        Level::None => {}
    }
    walk_with(Portable, bytes, from, visitor);
}

/// Whether brackets are balanced up to the end of the bracket that opens at `start`: the place behind it.
pub(crate) fn end_of_bracketed(bytes: &[u8], start: usize) -> Option<usize> {
    let mut finder = EndFinder { depth: 0, end: None };
    walk(bytes, start, &mut finder);
    finder.end
}

/// How many more brackets open than close from `from` to `to`; both must lie outside strings.
pub(crate) fn depth_between(bytes: &[u8], from: usize, to: usize) -> i64 {
    let mut counter = DepthCounter { depth: 0 };
    walk(&bytes[..to], from, &mut counter);
    counter.depth
}

struct EndFinder {
    depth: u32,
    end: Option<usize>,
}

impl Visitor for EndFinder {
    #[inline(always)]
    fn block(&mut self, at: usize, structure: Structure) -> bool {
        let Structure { opens, closes, .. } = structure;
        if closes.count_ones() < self.depth {
            self.depth = self.depth + opens.count_ones() - closes.count_ones();
            return true;
        }
        let mut brackets = opens | closes;
        while brackets != 0 {
            let bit = brackets.trailing_zeros();
            brackets &= brackets - 1;
            if opens >> bit & 1 == 1 {
                self.depth += 1;
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end = Some(at + bit as usize + 1);
                    return false;
                }
            }
        }
        true
    }
}

struct DepthCounter {
    depth: i64,
}

impl Visitor for DepthCounter {
    #[inline(always)]
    fn block(&mut self, _: usize, structure: Structure) -> bool {
        self.depth += i64::from(structure.opens.count_ones()) - i64::from(structure.closes.count_ones());
        true
    }
}

/// A way to find the bytes that matter.
trait Classify: Copy {
    fn masks(self, block: &[u8; BLOCK]) -> Masks;
    /// Every bit becomes the exclusive or of itself and all lower ones.
    fn prefix_xor(self, bits: u64) -> u64;
}

#[inline(always)]
fn walk_with<C: Classify, V: Visitor>(classify: C, bytes: &[u8], from: usize, visitor: &mut V) {
    let mut carry = Carry::default();
    let (blocks, rest) = bytes[from..].as_chunks::<BLOCK>();
    let mut at = from;
    for block in blocks {
        if !visitor.block(at, structure(classify, block, &mut carry)) {
            return;
        }
        at += BLOCK;
    }
    if !rest.is_empty() {
        let mut block = [b' '; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        visitor.block(at, structure(classify, &block, &mut carry));
    }
}

#[inline(always)]
fn structure<C: Classify>(classify: C, block: &[u8; BLOCK], carry: &mut Carry) -> Structure {
    let masks = classify.masks(block);
    let escaped = if masks.backslashes == 0 {
        std::mem::take(&mut carry.escaped)
    } else {
        escaped(masks.backslashes, &mut carry.escaped)
    };
    let quotes = masks.quotes & !escaped;
    let in_string = classify.prefix_xor(quotes) ^ carry.in_string;
    carry.in_string = 0_u64.wrapping_sub(in_string >> 63);
    Structure {
        opens: masks.opens & !in_string,
        closes: masks.closes & !in_string,
        controls: masks.controls & in_string,
        backslashes: masks.backslashes,
        quotes,
    }
}

/// The bytes that a backslash escapes.
#[inline]
fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    let mut escaped = *carry;
    let mut left = backslashes & !escaped;
    *carry = 0;
    while left != 0 {
        let at = left.trailing_zeros();
        if at == 63 {
            *carry = 1;
            break;
        }
        escaped |= 2 << at;
        // neither this one nor, should it be a backslash, the one that it escapes
        left &= !(3 << at);
    }
    escaped
}

#[derive(Clone, Copy)]
struct Portable;

impl Classify for Portable {
    #[inline(always)]
    fn masks(self, block: &[u8; BLOCK]) -> Masks {
        let mut masks = Masks::default();
        for (at, byte) in block.iter().enumerate() {
            let bit = |is: bool| u64::from(is) << at;
            masks.quotes |= bit(*byte == b'"');
            masks.backslashes |= bit(*byte == b'\\');
            masks.opens |= bit(*byte | 0x20 == b'{');
            masks.closes |= bit(*byte | 0x20 == b'}');
            masks.controls |= bit(*byte < 0x20);
        }
        masks
    }

    #[inline(always)]
    fn prefix_xor(self, mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }
}

/// The vector instructions that there are.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    None,
    Avx2,
    Avx512,
}

#[cfg(target_arch = "x86_64")]
impl Level {
    #[inline]
    fn of_processor() -> Self {
        let has_avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1");
        match has_avx2 {
            true if is_x86_feature_detected!("avx512bw") => Self::Avx512,
            true => Self::Avx2,
            false => Self::None,
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1")]
fn walk_avx2<V: Visitor>(bytes: &[u8], from: usize, visitor: &mut V) {
    walk_with(x86_64::Avx2, bytes, from, visitor);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx2,pclmulqdq,popcnt,bmi1")]
fn walk_avx512<V: Visitor>(bytes: &[u8], from: usize, visitor: &mut V) {
    walk_with(x86_64::Avx512, bytes, from, visitor);
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{
        __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8, _mm256_cmpeq_epi8,
        _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
        _mm512_cmpeq_epi8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512, _mm512_or_si512,
        _mm512_set1_epi8,
    };

    use super::{BLOCK, Classify, Masks};

    /// May only be used where [`Level`](super::Level) says so.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2;

    impl Classify for Avx2 {
        #[inline(always)]
        fn masks(self, block: &[u8; BLOCK]) -> Masks {
            // SAFETY: whoever makes an `Avx2` has seen that the processor has AVX2; the two loads, which need
            // no alignment, read the 64 bytes of the block.
            unsafe {
                let low = _mm256_loadu_si256(block.as_ptr().cast());
                let high = _mm256_loadu_si256(block.as_ptr().add(32).cast());
                let quote = _mm256_set1_epi8(b'"'.cast_signed());
                let backslash = _mm256_set1_epi8(b'\\'.cast_signed());
                let open = _mm256_set1_epi8(b'{'.cast_signed());
                let close = _mm256_set1_epi8(b'}'.cast_signed());
                let case = _mm256_set1_epi8(0x20);
                let control = _mm256_set1_epi8(0x1f);
                let equal = |wanted: __m256i, low: __m256i, high: __m256i| {
                    let bits = |half| {
                        u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(half, wanted)).cast_unsigned())
                    };
                    bits(low) | bits(high) << 32
                };
                // `[` and `{`, `]` and `}` differ in this bit alone
                let (low_case, high_case) = (_mm256_or_si256(low, case), _mm256_or_si256(high, case));
                let is_control = |half| {
                    u64::from(
                        _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(half, control), half))
                            .cast_unsigned(),
                    )
                };
                Masks {
                    quotes: equal(quote, low, high),
                    backslashes: equal(backslash, low, high),
                    opens: equal(open, low_case, high_case),
                    closes: equal(close, low_case, high_case),
                    controls: is_control(low) | is_control(high) << 32,
                }
            }
        }

        #[inline(always)]
        fn prefix_xor(self, bits: u64) -> u64 {
            // SAFETY: as above.
            unsafe { prefix_xor(bits) }
        }
    }

    /// May only be used where [`Level`](super::Level) says so.
    #[derive(Clone, Copy)]
    pub(super) struct Avx512;

    impl Classify for Avx512 {
        #[inline(always)]
        fn masks(self, block: &[u8; BLOCK]) -> Masks {
            // SAFETY: whoever makes an `Avx512` has seen that the processor has AVX-512BW; the load, which needs
            // no alignment, reads the 64 bytes of the block.
            unsafe {
                let bytes = _mm512_loadu_si512(block.as_ptr().cast());
                // `[` and `{`, `]` and `}` differ in this bit alone
                let any_case = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
                let equal =
                    |bytes, wanted: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(wanted.cast_signed()));
                Masks {
                    quotes: equal(bytes, b'"'),
                    backslashes: equal(bytes, b'\\'),
                    opens: equal(any_case, b'{'),
                    closes: equal(any_case, b'}'),
                    controls: _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)),
                }
            }
        }

        #[inline(always)]
        fn prefix_xor(self, bits: u64) -> u64 {
            // SAFETY: as above.
            unsafe { prefix_xor(bits) }
        }
    }

    /// Multiplying by all ones without carries is the prefix sum without carries. Needs carry-less
    /// multiplication.
    #[inline(always)]
    unsafe fn prefix_xor(bits: u64) -> u64 {
        // SAFETY: the caller has seen that the processor has the instruction.
        unsafe {
            let product = _mm_clmulepi64_si128(_mm_set_epi64x(0, bits.cast_signed()), _mm_set1_epi8(-1), 0);
            _mm_cvtsi128_si64(product).cast_unsigned()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default, PartialEq, Debug)]
    struct Collect(Vec<(usize, Structure)>);

    impl Visitor for Collect {
        fn block(&mut self, at: usize, structure: Structure) -> bool {
            self.0.push((at, structure));
            true
        }
    }

    /// Bracket places outside strings, byte by byte. A backslash takes the meaning of a quote or backslash
    /// wherever it stands; outside strings it is no JSON.
    fn brackets(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let (mut opens, mut closes, mut in_string, mut is_escaped) = (vec![], vec![], false, false);
        for (at, byte) in bytes.iter().enumerate() {
            let was_escaped = std::mem::take(&mut is_escaped);
            match byte {
                b'\\' => is_escaped = !was_escaped,
                b'"' if !was_escaped => in_string = !in_string,
                b'{' | b'[' if !in_string => opens.push(at),
                b'}' | b']' if !in_string => closes.push(at),
                _ => {}
            }
        }
        (opens, closes)
    }

    fn places(collected: &Collect, mask: fn(&Structure) -> u64) -> Vec<usize> {
        let bits = |(at, s): &(usize, Structure)| {
            let (at, mask) = (*at, mask(s));
            (0..64).filter(move |bit| mask >> bit & 1 == 1).map(move |bit| at + bit)
        };
        collected.0.iter().flat_map(bits).collect()
    }

    #[test]
    fn brackets_are_matched_across_blocks() {
        let inner = format!("{{\"a\":\"{}}}\\\"]\",\"b\":[{{}}]}}", "x".repeat(100));
        let text = format!("{inner},{{}}");
        assert_eq!(end_of_bracketed(text.as_bytes(), 0), Some(inner.len()));
        assert_eq!(end_of_bracketed(text.as_bytes(), inner.len() + 1), Some(text.len()));
        assert_eq!(end_of_bracketed(b"{\"a\":{}", 0), None);
        assert_eq!(depth_between(text.as_bytes(), 1, inner.len() - 2), 1);
    }

    proptest! {
        #[test]
        fn all_ways_see_what_a_plain_reader_sees(text in "[\\\\\"{}\\[\\]a\u{1}]{0,300}") {
            let bytes = text.as_bytes();
            let (mut fast, mut portable) = (Collect::default(), Collect::default());
            walk(bytes, 0, &mut fast);
            walk_with(Portable, bytes, 0, &mut portable);
            prop_assert_eq!(&fast, &portable);
            #[cfg(target_arch = "x86_64")]
            if Level::of_processor() != Level::None {
                let mut avx2 = Collect::default();
                // SAFETY: the processor has what the function needs.
                unsafe { walk_avx2(bytes, 0, &mut avx2) };
                prop_assert_eq!(&fast, &avx2);
            }
            let (opens, closes) = brackets(bytes);
            prop_assert_eq!(places(&fast, |s| s.opens), opens);
            prop_assert_eq!(places(&fast, |s| s.closes), closes);
        }
    }
}
