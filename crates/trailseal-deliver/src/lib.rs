//! trailseal-deliver
