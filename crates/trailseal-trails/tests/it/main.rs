//! The store of trails under kills and on a full disk, and the selectors of trails against their specification.
#![allow(clippy::unwrap_used)]

mod crash;
mod selectors;
