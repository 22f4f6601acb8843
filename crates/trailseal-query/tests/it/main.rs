//! The engine against slow and obvious evaluators of the same conditions.
#![allow(clippy::unwrap_used)]

mod agreement;
mod generate;
mod scanning;
mod selectors;
mod slow;
