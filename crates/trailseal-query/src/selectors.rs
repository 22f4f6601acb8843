//! Trails' event selectors.
