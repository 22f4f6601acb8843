//! trailseal-evidence
