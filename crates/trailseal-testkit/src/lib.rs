//! trailseal-testkit
