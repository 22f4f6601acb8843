//! `LookupEvents`: what its requests select, and its pages (docs/spec/lookup-events.md). Its rows are derived from
//! records by [`row`](crate::row).

mod page;
mod request;
mod source;
mod token;

pub use page::{Limit, Page, Position, RecordPlace};
pub use request::{
    Attribute, AttributeKey, AttributePlace, DEFAULT_MAX_RESULTS, Extensions, Lookup, Request, RequestError,
};
pub use source::{AskedPage, FoundRecord, LookupAnswer, LookupScope, LookupSource, RecordPage, answer};
pub use token::{InvalidToken, Token};
