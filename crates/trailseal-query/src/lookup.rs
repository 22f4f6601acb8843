//! `LookupEvents`: how the members of its rows are derived from records (spec/lookup-events.md).

use std::borrow::Cow;

use crate::record::Record;

/// One item of a row's `Resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// `ResourceType`; CloudTrail leaves it out for some.
    pub resource_type: Option<Cow<'a, str>>,
    /// `ResourceName`.
    pub name: Cow<'a, str>,
}

/// The `Username` of a record's row; `None` when the row has none.
pub fn username<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    record.member("userIdentity")?.member("userName")?.as_str()
}

/// The `Resources` of a record's row.
pub fn resources<'a>(_record: &Record<'a>) -> Vec<Resource<'a>> {
    Vec::new()
}
