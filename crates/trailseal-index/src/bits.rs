//! Numbers in as few bits as the largest of them needs.

/// Bytes behind the last number, so that each can be read as one word.
const PADDING: usize = 8;
/// Numbers that are unpacked together.
const EIGHT: usize = 8;

/// How many bits hold every number up to this one.
pub(crate) fn width(largest: u32) -> u8 {
    (u32::BITS - largest.leading_zeros()) as u8
}

/// Writes numbers one behind the other in so many bits each.
pub(crate) fn pack(numbers: impl Iterator<Item = u32>, width: u8, to: &mut Vec<u8>) {
    let (mut word, mut used) = (0_u64, 0_u32);
    for number in numbers {
        word |= u64::from(number) << used;
        used += u32::from(width);
        while used >= 8 {
            to.push(word as u8);
            word >>= 8;
            used -= 8;
        }
    }
    if used > 0 {
        to.push(word as u8);
    }
    to.extend([0; PADDING]);
}

/// Numbers that were packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'b> {
    bytes: &'b [u8],
    width: u8,
}

impl<'b> Packed<'b> {
    /// `count` numbers in so many bits each; `None` if the bytes are not as many as that takes.
    pub(crate) fn new(bytes: &'b [u8], width: u8, count: usize) -> Option<Self> {
        let needed = count.checked_mul(usize::from(width))?.div_ceil(8).checked_add(PADDING)?;
        (width <= 32 && bytes.len() == needed).then_some(Self { bytes, width })
    }

    /// The number at a place below the count.
    pub(crate) fn get(&self, at: usize) -> u32 {
        let bit = at * usize::from(self.width);
        let word = self.bytes[bit / 8..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        (word >> (bit % 8)) as u32 & ((1_u64 << self.width) - 1) as u32
    }

    /// The first `count` numbers, which are not more than there are.
    pub(crate) fn unpack(&self, count: usize) -> Vec<u32> {
        let width = usize::from(self.width);
        let mask = ((1_u64 << width) - 1) as u32;
        let mut numbers = Vec::with_capacity(count + EIGHT);
        // eight of them are a whole number of bytes
        for start in (0..count.div_ceil(EIGHT)).map(|eight| eight * width) {
            let end = (start + width + PADDING).min(self.bytes.len());
            let bytes = &self.bytes[start.min(end)..end];
            numbers.extend((0..EIGHT).map(|at| {
                let bit = at * width;
                let word = bytes.get(bit / 8..bit / 8 + 8).and_then(|word| word.first_chunk());
                (word.map_or(0, |word| u64::from_le_bytes(*word)) >> (bit % 8)) as u32 & mask
            }));
        }
        numbers.truncate(count);
        numbers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(
            numbers in (0..=32_u32).prop_flat_map(|bits| {
                proptest::collection::vec(0..=(1_u64 << bits).saturating_sub(1) as u32, 0..200)
            }),
        ) {
            let width = width(numbers.iter().copied().max().unwrap_or(0));
            let mut bytes = Vec::new();
            pack(numbers.iter().copied(), width, &mut bytes);
            let packed = Packed::new(&bytes, width, numbers.len()).unwrap();
            let read: Vec<u32> = (0..numbers.len()).map(|at| packed.get(at)).collect();
            prop_assert_eq!(&read, &numbers);
            prop_assert_eq!(&packed.unpack(numbers.len()), &numbers);
            prop_assert!(Packed::new(&bytes[1..], width, numbers.len()).is_none());
        }
    }
}
