//! The journal and the deliverer together, judged by `verify` and by reading back what lies in the buckets.
#![allow(clippy::unwrap_used, clippy::assigning_clones, clippy::cloned_ref_to_slice_refs)]

mod crash;
mod kill;
mod lost;
mod plain;
mod random;
mod support;
