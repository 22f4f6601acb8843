//! All values of a file, whatever their fields, as a filter that says of a value that it is not there.

use trailseal_query::{
    needed::{Needed, is_whole},
    walk::{RecordWalker, ValueVisitor, WalkError, WalkedRecord},
};
use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter as _, FilterRef as _};

use crate::{distinct::DistinctHashes, hashing::hash};

/// Bytes of a filter before its fingerprints.
const DESCRIPTOR: usize = BinaryFuse8::DESCRIPTOR_LEN;

/// Stands for numbers that have other spellings.
const ODD_NUMBER: &[u8] = b"\0number";
/// Stands before the names of resources; no value of a record begins so but in an attack, which makes a file be read.
const RESOURCE: &[u8] = b"\0resource\0";

/// The hashes of the values of a file.
#[derive(Debug, Default)]
pub struct ValueSet {
    walker: RecordWalker,
    hashes: DistinctHashes,
    scratch: Vec<u8>,
}

impl ValueSet {
    /// Takes in the values of a record and says what it found on the way.
    ///
    /// # Errors
    /// [`WalkError`] where it is no valid JSON, or holds more than is looked for. Some of its values are then taken in.
    pub fn add<'a>(&mut self, record: &'a [u8]) -> Result<WalkedRecord<'a>, WalkError> {
        let Self { walker, hashes, scratch } = self;
        let walked = walker.walk(record, hashes)?;
        walked.resource_names(&mut |name| hashes.insert(of_resource(name, scratch)));
        Ok(walked)
    }

    /// Forgets what was taken in.
    pub fn clear(&mut self) {
        self.hashes.clear();
        self.walker.forget();
    }

    /// The filter of what was taken in since the last one; `None` when none can be made.
    pub fn finish(&mut self, to: &mut Vec<u8>) -> Option<()> {
        // in whatever order: the same values make the same filter
        let filter = self.hashes.all().and_then(|hashes| BinaryFuse8::try_from(hashes).ok());
        self.clear();
        let filter = filter?;
        let start = to.len();
        to.resize(start + DESCRIPTOR, 0);
        filter.dma_copy_descriptor_to(&mut to[start..]);
        to.extend_from_slice(filter.dma_fingerprints());
        Some(())
    }
}

impl ValueVisitor for DistinctHashes {
    #[inline]
    fn text(&mut self, characters: &[u8]) {
        self.insert(hash(characters));
    }

    #[inline]
    fn number(&mut self, number: &[u8]) {
        if !is_whole(number) {
            self.insert(hash(ODD_NUMBER));
        }
        self.insert(hash(number));
    }
}

fn of_resource(name: &str, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    scratch.extend_from_slice(RESOURCE);
    scratch.extend_from_slice(name.as_bytes());
    hash(scratch)
}

/// The filter of a file.
pub(crate) struct ValueFilter<'b>(BinaryFuse8Ref<'b>);

impl<'b> ValueFilter<'b> {
    /// Reads one; `None` if the bytes are none.
    pub(crate) fn read(bytes: &'b [u8]) -> Option<Self> {
        let (descriptor, fingerprints) = bytes.split_at_checked(DESCRIPTOR)?;
        let word = |at: usize| descriptor[at..].first_chunk().map(|word| u32::from_le_bytes(*word));
        let (length, mask, all) = (word(8)?, word(12)?, word(16)?);
        // a filter that looks beyond its end would end the program
        let is_sound = length.is_power_of_two()
            && length <= 1 << 24
            && mask == length - 1
            && all.is_multiple_of(length)
            && fingerprints.len() as u64 == u64::from(all) + 2 * u64::from(length);
        is_sound.then(|| Self(BinaryFuse8Ref::from_dma(descriptor, fingerprints)))
    }

    /// Whether the file may hold any of the values that have these [`hashes`]; if not, it holds none.
    pub(crate) fn may_hold_any(&self, hashes: &[u64]) -> bool {
        hashes.iter().any(|hash| self.0.contains(hash))
    }
}

/// The hashes of values, of which a file that holds any of them has one.
pub(crate) fn hashes(needed: &[Needed<'_>]) -> Vec<u64> {
    let mut hashes = Vec::new();
    for needed in needed {
        match needed {
            Needed::Value(text) => hashes.push(hash(text.as_bytes())),
            Needed::Number(text) => hashes.extend([hash(text.as_bytes()), hash(ODD_NUMBER)]),
            Needed::ResourceName(name) => hashes.push(of_resource(name, &mut Vec::new())),
        }
    }
    hashes
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, ops::ControlFlow};

    use proptest::prelude::*;
    use trailseal_query::{
        Record,
        needed::{WholeValue, resource_names, whole_values},
    };

    use super::*;

    fn may_hold(filter: &ValueFilter<'_>, needed: Needed<'_>) -> bool {
        filter.may_hold_any(&hashes(&[needed]))
    }

    fn filter(records: &[&str]) -> Vec<u8> {
        let (mut set, mut bytes) = (ValueSet::default(), Vec::new());
        for record in records {
            set.add(record.as_bytes()).unwrap();
        }
        set.finish(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn values_are_there_and_others_are_not() {
        let bytes = filter(&[r#"{"a":"x","b":{"c":[17,"y\"z"]},"d":2.5}"#]);
        let filter = ValueFilter::read(&bytes).unwrap();
        for value in ["x", "17", "y\"z", "2.5"] {
            assert!(may_hold(&filter, Needed::Value(value)), "{value}");
        }
        // of a number with another spelling nothing can be said
        assert!(may_hold(&filter, Needed::Number("18")));
        let missed = (0..1_000).filter(|n| may_hold(&filter, Needed::Value(&format!("other-{n}")))).count();
        assert!(missed < 50, "{missed}");
    }

    #[test]
    fn who_called_is_in_the_filter_of_every_file() {
        let arn = "arn:aws:sts::111122223333:assumed-role/a/b".repeat(4);
        let record = format!("{{\"userIdentity\":{{\"arn\":\"{arn}\",\"accessKeyId\":\"k\"}}}}");
        let mut set = ValueSet::default();
        for count in [1, 3, 2] {
            let mut bytes = Vec::new();
            for _ in 0..count {
                set.add(record.as_bytes()).unwrap();
            }
            set.finish(&mut bytes).unwrap();
            let filter = ValueFilter::read(&bytes).unwrap();
            assert!(may_hold(&filter, Needed::Value(&arn)) && may_hold(&filter, Needed::Value("k")));
        }
    }

    #[test]
    fn a_file_without_values_has_a_filter_too() {
        for records in [&[][..], &["{}"], &[r#"{"a":"x"}"#]] {
            assert!(ValueFilter::read(&filter(records)).is_some(), "{records:?}");
        }
    }

    /// What is in a filter of records, by walks for each thing.
    fn slowly(records: &[&str]) -> Vec<u64> {
        let mut hashes = BTreeSet::new();
        for record in records {
            let _ = whole_values(record.as_bytes(), &mut |value| {
                match value {
                    WholeValue::Text(text) => hashes.insert(hash(&text)),
                    WholeValue::Number(number) if is_whole(number) => hashes.insert(hash(number)),
                    WholeValue::Number(number) => {
                        hashes.insert(hash(ODD_NUMBER));
                        hashes.insert(hash(number))
                    }
                };
                ControlFlow::Continue(())
            });
            resource_names(&Record::new(record.as_bytes()), &mut |name| {
                hashes.insert(of_resource(name, &mut Vec::new()));
            });
        }
        hashes.into_iter().collect()
    }

    #[test]
    fn a_filter_is_that_of_the_values_whatever_their_order() {
        let names: Vec<String> = (0..3_000).map(|n| format!(r#"{{"n":"{}","x":"a"}}"#, n % 1_700)).collect();
        let mut records: Vec<&str> = names.iter().map(String::as_str).collect();
        records.push(r#"{"eventSource":"s3.amazonaws.com","eventName":"PutBucketAcl","requestParameters":{"bucketName":"b"},"y":[1.5,-3]}"#);
        for count in [1, 100, 3_001] {
            let records = &records[3_001 - count..];
            let found = filter(records);
            let expected = BinaryFuse8::try_from(&slowly(records)).unwrap();
            let mut bytes = vec![0; DESCRIPTOR];
            expected.dma_copy_descriptor_to(&mut bytes);
            bytes.extend_from_slice(expected.dma_fingerprints());
            assert_eq!(found, bytes, "{count}");
        }
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_filter_do_no_harm(
            change in proptest::option::of((0..64_usize, any::<u8>())),
            length in 0..64_usize,
        ) {
            let mut bytes = filter(&[r#"{"a":"x","b":"y","c":"z"}"#]);
            if let Some((at, byte)) = change && at < bytes.len() {
                bytes[at] = byte;
            } else {
                bytes.truncate(length);
            }
            if let Some(filter) = ValueFilter::read(&bytes) {
                for value in ["x", "q", "r", "s"] {
                    let _ = may_hold(&filter, Needed::Value(value));
                }
            }
        }
    }
}
