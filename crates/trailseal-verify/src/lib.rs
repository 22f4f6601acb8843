//! trailseal-verify
