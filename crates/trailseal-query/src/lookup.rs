//! `LookupEvents`: what its requests select, how its rows are derived from records, and its pages
//! (docs/spec/lookup-events.md).

mod page;
mod request;
mod resources;
mod row;
mod table;
mod token;
mod top;
mod tree;
mod username;

pub use page::{Limit, Page, Place, Position};
pub use request::{Attribute, AttributeKey, DEFAULT_MAX_RESULTS, Extensions, Lookup, Request, RequestError};
pub use resources::{Resource, Rule, resources};
pub use row::{LookupRow, TimeFormat};
pub use token::{InvalidToken, Token};
pub use username::username;
