//! Whole archives, verified: every situation of spec/verification.md 5, and what must hold for all of them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod agreement;
mod anchors;
mod chains;
mod digests;
mod events;
mod hazards;
mod ledger;
mod logs;
mod moved;
mod places;
mod properties;
mod real;
mod recent;
mod regressions;
mod scan;
mod shape;
mod signatures;
mod support;
mod table;
mod tampering;
