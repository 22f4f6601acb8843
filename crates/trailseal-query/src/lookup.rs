//! `LookupEvents`: what its requests select, and its pages (docs/spec/lookup-events.md). Its rows are derived from
//! records by [`row`](crate::row).

mod page;
mod request;
mod token;

pub use page::{Limit, Page, Place, Position};
pub use request::{Attribute, AttributeKey, DEFAULT_MAX_RESULTS, Extensions, Lookup, Request, RequestError};
pub use token::{InvalidToken, Token};
