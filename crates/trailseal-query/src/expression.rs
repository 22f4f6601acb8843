//! `--where`: conditions in the syntax of SQL over CloudTrail's field paths.
//!
//! ```
//! use trailseal_query::{Record, expression};
//!
//! let wanted = expression::parse("eventName LIKE 'Get%' AND NOT cidr(sourceIPAddress, '10.0.0.0/8')")?;
//! assert!(wanted.matches(&Record::new(br#"{"eventName":"GetObject","sourceIPAddress":"203.0.113.7"}"#)));
//! # Ok::<(), trailseal_query::expression::ExpressionError>(())
//! ```
//!
//! - Fields are paths: `eventName`, `userIdentity.sessionContext.sessionIssuer.arn`,
//!   `requestParameters."x-amz-acl"`. Names are exact, but for the known ones, which may be in any case. SQL's own
//!   words need no quotes behind a dot (`requestParameters.key`). A path through a list, or to one, holds if any
//!   element does, and a path leads on into JSON that stands in a text (docs/spec/records.md 2.8); `element(resources, type = 'AWS::S3::Object' AND ARN LIKE '%/x')` asks
//!   for one element that fits by itself.
//! - `=`, `<>`, `<`, `<=`, `>`, `>=`, `[NOT] IN (…)`, `[NOT] BETWEEN … AND …`, `IS [NOT] NULL`,
//!   `IS [NOT] TRUE`, `IS [NOT] FALSE`, with a literal on either side, or between two fields. A field alone
//!   (`readOnly`) stands for `= true`.
//! - `[NOT] LIKE`, `[NOT] ILIKE`, each with `ESCAPE`; without it, no character escapes, as in Athena.
//! - `~`, `~*` (any case), `!~`, `!~*`, `RLIKE`, `REGEXP`, `regexp_like(field, 're')`: a regular expression
//!   that finds something.
//! - `starts_with`, `ends_with`, `contains`, `glob` `(field, 'text')`; `cidr(field, 'network', …)`;
//!   `anywhere('text')`, `ianywhere('text')` (any case), `anywhere_regex('re')` over the whole record.
//! - `lower(field)` and `upper(field)` make a test ignore case, on both sides.
//! - Names alone that stand for more than a field ([`Named`](crate::derived::Named)): `username`, `resource_name`,
//!   `resource_type` (also as functions), `principal`, `error`, `hour`, `day`, `file`, `sha256`, `integrity`; `category` (or
//!   `category()`): `Management`, `Data`, `NetworkActivity` or `Insight`. In quotes they are fields of the record.
//! - `<>` holds if any of a path's values differs; `NOT (a = 'x')`, `NOT LIKE`, `NOT IN`, `!~` and
//!   `lower(a) <> 'x'` hold if none passes.
//! - Times: `eventTime`, and whatever is compared by order or `BETWEEN` with a text that begins like a date
//!   (`'2024-03-01'`), with `TIMESTAMP '…'`, `DATE '…'` or `from_iso8601_timestamp('…')`, compares as a moment;
//!   a value that is none is neither before nor after. A date is its first second, a time without an offset is
//!   in UTC, fractions of a second are cut off. `CAST(field AS VARCHAR)` makes any test compare texts,
//!   `AS BIGINT` or `AS DOUBLE` numbers, `AS TIMESTAMP` moments; `eventTime::date` is the day in UTC. A quoted text
//!   that is a number in digits compares with numbers as a number.

use std::fmt;

use crate::predicate::Predicate;

mod fault;
mod functions;
mod leaf;
mod mismatch;
mod operand;
mod print;
mod suggest;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

pub use fault::Fault;
pub(crate) use functions::parse_networks;
pub use suggest::{UnknownField, suggestions, unknown_fields};

/// What helps with a field that is new.
pub const UNKNOWN_HINT: &str =
    "--allow-unknown-fields takes names that this version does not know; so do backticks in --where";

/// The longest expression that is read, in bytes.
pub const MAX_LENGTH: usize = 1 << 20;
/// How deep parentheses and `NOT` may nest.
pub const MAX_DEPTH: u32 = 128;
/// The regular expressions in one expression.
pub const MAX_REGEXES: usize = 100;
/// The `LIKE` and `glob` patterns in one expression that are more than a prefix, a suffix or a text within.
pub const MAX_PATTERNS: usize = 1_000;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    /// There is nothing in it.
    #[error("the condition is empty")]
    Empty,
    /// It is longer than [`MAX_LENGTH`].
    #[error("the condition has {length} bytes; up to {MAX_LENGTH} are read")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It nests deeper than [`MAX_DEPTH`], or than a single condition may.
    #[error("{place}: the condition nests too deeply")]
    TooDeep {
        /// Where.
        place: TextPlace,
    },
    /// It is not in the syntax of SQL.
    #[error("{place}: {detail}")]
    Syntax {
        /// Where.
        place: TextPlace,
        /// What was expected and found.
        detail: String,
        /// What to do about it.
        hint: Option<&'static str>,
    },
    /// It asks for a field that no event record has.
    #[error("event records have no field {written}")]
    UnknownField {
        /// The path.
        written: String,
        /// What may have been meant.
        better: Option<String>,
    },
    /// It is SQL, but not a condition over event records.
    #[error("{place}: {snippet:?}: {fault}")]
    Refused {
        /// Where the smallest condition that holds the fault begins.
        place: TextPlace,
        /// That condition, shortened.
        snippet: String,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// A place in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPlace {
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
}

/// Reads a condition (see the module's description).
///
/// # Errors
/// [`ExpressionError`] for anything that is not one, with its place.
pub fn parse(text: &str) -> Result<Predicate, ExpressionError> {
    parse_with_notes(text).map(|(condition, _)| condition)
}

/// Reads a condition, and says what is odd about it: what certainly does not mean what was written, and the
/// [`suggestions`]. Nothing of that changes what it means.
///
/// # Errors
/// As [`parse`].
pub fn parse_with_notes(text: &str) -> Result<(Predicate, Vec<String>), ExpressionError> {
    build(&read(text)?)
}

fn read(text: &str) -> Result<tokens::Tokens<'_>, ExpressionError> {
    if text.len() > MAX_LENGTH {
        return Err(ExpressionError::TooLong { length: text.len() });
    }
    tokens::Tokens::read(text)
}

fn build(tokens: &tokens::Tokens<'_>) -> Result<(Predicate, Vec<String>), ExpressionError> {
    let (condition, mut notes) = tree::build(tokens)?;
    notes.extend(suggestions(&condition));
    notes.truncate(suggest::MAX_NOTES);
    Ok((condition, notes))
}

/// The same, and a field that no event record has is an error; one in backticks is meant.
///
/// # Errors
/// As [`parse`], and [`ExpressionError::UnknownField`].
pub fn parse_strictly(text: &str) -> Result<(Predicate, Vec<String>), ExpressionError> {
    let tokens = read(text)?;
    let (predicate, notes) = build(&tokens)?;
    match unknown_fields(&predicate, &|name| tokens.is_in_backticks(name)).into_iter().next() {
        Some(UnknownField { written, better }) => Err(ExpressionError::UnknownField { written, better }),
        None => Ok((predicate, notes)),
    }
}

impl ExpressionError {
    /// What may help the one who wrote it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { hint, .. } => hint.map(str::to_owned),
            Self::Refused { fault, .. } => fault.hint(),
            Self::UnknownField { better: Some(better), .. } => Some(format!("CloudTrail writes {better}")),
            Self::UnknownField { better: None, .. } => Some(UNKNOWN_HINT.to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for TextPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 1 {
            write!(f, "line {}, ", self.line)?;
        }
        write!(f, "column {}", self.column)
    }
}
