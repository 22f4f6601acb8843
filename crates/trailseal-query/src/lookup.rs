//! `LookupEvents`: what its requests select, how its rows are derived from records, and its pages
//! (spec/lookup-events.md).

mod resources;
mod row;
mod table;
mod username;

pub use resources::{Resource, Rule, resources};
pub use row::{LookupRow, TimeFormat};
pub use username::username;
