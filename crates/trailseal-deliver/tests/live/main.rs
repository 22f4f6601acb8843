//! The journal and the deliverer together, judged by `verify` and by reading back what lies in the buckets.
#![allow(clippy::unwrap_used)]

mod crash;
mod kill;
mod plain;
mod random;
mod support;
