//! A trail's event selectors, basic or advanced: which events would that trail have logged?
//! (docs/spec/selectors-and-insights.md 3.1 to 3.3)
//!
//! ```
//! use trailseal_query::{Record, selectors::Selectors};
//!
//! let selectors = Selectors::parse(br#"{"EventSelectors":[{"ReadWriteType":"WriteOnly"}]}"#)?;
//! let record = Record::new(br#"{"eventCategory":"Management","eventName":"RunInstances","readOnly":false}"#);
//! assert!(selectors.predicate().matches(&record));
//! # Ok::<(), trailseal_query::selectors::SelectorError>(())
//! ```
//!
//! The predicate is unknown where a record does not say what a selector asks: records without `readOnly` (2017
//! and before), data events without `resources`. Which accounts and regions a trail covers
//! (docs/spec/selectors-and-insights.md 3.3, item 6) is no matter of its selectors and left to the caller. Insights events are governed by
//! other settings; no selector logs them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trailseal_archive::key::{is_account_id, is_region_like};

use crate::{
    path::FieldPath,
    predicate::{Literal, Predicate, Test, TextTest, equals, field},
};

mod advanced;
mod basic;
#[cfg(test)]
mod tests;

pub use advanced::{AdvancedEventSelector, AdvancedFieldSelector};
pub use basic::{DataResource, EventSelector};

/// The selectors of one trail; valid ones, by CloudTrail's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selectors {
    /// `TrailARN` or `TrailName`, where the text says it.
    pub trail: Option<String>,
    /// The selectors.
    pub rules: Rules,
}

/// A trail has selectors of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rules {
    /// `EventSelectors`
    Basic(Vec<EventSelector>),
    /// `AdvancedEventSelectors`
    Advanced(Vec<AdvancedEventSelector>),
}

/// Why a text holds no valid selectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// It is no JSON, or its members are of other types.
    #[error("the event selectors cannot be read: {reason}")]
    Json {
        /// What was expected and found, and where.
        reason: String,
    },
    /// It has neither kind.
    #[error("there are neither EventSelectors nor AdvancedEventSelectors")]
    Neither,
    /// It has both kinds.
    #[error("a trail has either EventSelectors or AdvancedEventSelectors, not both")]
    Both,
    /// There are too few or too many selectors.
    #[error("a trail has 1 to {limit} of these selectors, not {count}")]
    Count {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// There are too many values in all advanced selectors together.
    #[error("all selectors together may have {limit} values, and have {count}")]
    Values {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// All selectors together name too many resources.
    #[error("all selectors together may name {limit} resources, and name {count}")]
    Resources {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// One selector is not valid.
    #[error("selector {number}: {fault}")]
    Selector {
        /// From 1.
        number: usize,
        /// What is wrong with it.
        fault: SelectorFault,
    },
}

/// What is wrong with a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorFault {
    /// A value that the member of a basic selector cannot have.
    #[error("{:?} is no value for {member}; {expected}", shorten(.value))]
    Value {
        /// The member.
        member: &'static str,
        /// The value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// Neither management nor data events.
    #[error("IncludeManagementEvents is false and DataResources is empty, so that it selects nothing")]
    Nothing,
    /// The name of an advanced selector is too long.
    #[error("Name has {length} characters; it takes up to {limit}")]
    Name {
        /// Its characters.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A field that every selector of its category needs is missing.
    #[error("the field {field} is required")]
    Required {
        /// The field.
        field: &'static str,
    },
    /// A field that selectors of its category do not have.
    #[error("trails have no field {:?} in selectors of {category} events", shorten(.field))]
    Field {
        /// The field.
        field: String,
        /// The category.
        category: &'static str,
    },
    /// Two conditions on one field.
    #[error("the field {field} is selected twice")]
    Twice {
        /// The field.
        field: &'static str,
    },
    /// A condition that has no operator.
    #[error("the field {field} has no operator; it takes one or more")]
    NoOperator {
        /// The field.
        field: &'static str,
    },
    /// An operator that the field does not take.
    #[error("the field {field} takes {expected}, not {operator}")]
    Operator {
        /// The field.
        field: &'static str,
        /// The operator.
        operator: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// An operator that must have as many values as this does not.
    #[error("{operator} of {field} has {count} values; it takes {expected}")]
    Length {
        /// The field.
        field: &'static str,
        /// The operator.
        operator: &'static str,
        /// How many there are.
        count: usize,
        /// How many it takes.
        expected: &'static str,
    },
    /// A value that the field cannot be compared with.
    #[error("{:?} is no value for {operator} of {field}; {expected}", shorten(.value))]
    FieldValue {
        /// The field.
        field: &'static str,
        /// The operator.
        operator: &'static str,
        /// The value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// Functions are compared as a whole with what is no ARN of one.
    #[error("{:?} is no ARN of a function without a version or alias", shorten(.arn))]
    Function {
        /// What stands for the ARN.
        arn: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "TrailARN")]
    trail_arn: Option<String>,
    trail_name: Option<String>,
    event_selectors: Option<Vec<EventSelector>>,
    advanced_event_selectors: Option<Vec<AdvancedEventSelector>>,
}

impl Selectors {
    /// Reads what `aws cloudtrail get-event-selectors` prints, what `put-event-selectors` takes as JSON, or a
    /// bare array of selectors.
    ///
    /// # Errors
    /// [`SelectorError`] for what CloudTrail would not have accepted, naming the selector and the value.
    pub fn parse(json: &[u8]) -> Result<Self, SelectorError> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let document: Value = serde_json::from_slice(json).map_err(unreadable)?;
        let document = match document {
            Value::Array(selectors) => {
                let is_advanced = selectors.iter().any(|one| one.get("FieldSelectors").is_some());
                let name = if is_advanced { "AdvancedEventSelectors" } else { "EventSelectors" };
                serde_json::json!({ name: selectors })
            }
            other => other,
        };
        let document: Document = serde_json::from_value(document).map_err(unreadable)?;
        let rules = match (document.event_selectors, document.advanced_event_selectors) {
            (Some(basic), None) => Rules::Basic(basic),
            (None, Some(advanced)) => Rules::Advanced(advanced),
            (None, None) => return Err(SelectorError::Neither),
            // one of them is written and empty
            (Some(basic), Some(advanced)) if advanced.is_empty() => Rules::Basic(basic),
            (Some(basic), Some(advanced)) if basic.is_empty() => Rules::Advanced(advanced),
            (Some(_), Some(_)) => return Err(SelectorError::Both),
        };
        rules.validate()?;
        Ok(Self { trail: document.trail_arn.or(document.trail_name), rules })
    }

    /// What an event must be for the trail to have logged it: any of the selectors selects it.
    pub fn predicate(&self) -> Predicate {
        Predicate::any(match &self.rules {
            Rules::Basic(selectors) => selectors.iter().map(EventSelector::predicate).collect(),
            Rules::Advanced(selectors) => selectors.iter().map(AdvancedEventSelector::predicate).collect(),
        })
    }
}

impl Rules {
    /// CloudTrail accepts them for a trail. Types of resources in advanced selectors are not looked at: there are
    /// new ones every month.
    ///
    /// # Errors
    /// [`SelectorError`]: the first thing that is wrong.
    pub fn validate(&self) -> Result<(), SelectorError> {
        match self {
            Self::Basic(selectors) => basic::validate(selectors),
            Self::Advanced(selectors) => advanced::validate(selectors),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn unreadable(error: serde_json::Error) -> SelectorError {
    SelectorError::Json { reason: error.to_string() }
}

/// Checks each selector by itself.
fn validate_each<T>(
    selectors: &[T],
    one: impl Fn(&T) -> Result<(), SelectorFault>,
) -> Result<(), SelectorError> {
    selectors.iter().enumerate().try_for_each(|(index, selector)| {
        one(selector).map_err(|fault| SelectorError::Selector { number: index + 1, fault })
    })
}

/// All selectors of a trail together name as many resources.
const MAX_RESOURCES: usize = 250;
/// A value has as many characters.
const MAX_VALUE: usize = 2_048;

/// What a message shows of what was received.
fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The last part of an ARN of this service, if the parts before have the form of one: the Region and the account are
/// there, or neither.
fn resource_of<'a>(arn: &'a str, service: &str, is_placed: bool) -> Option<&'a str> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", partition, of, region, account, resource] = parts.as_slice() else { return None };
    let place = if is_placed {
        is_region_like(region) && is_account_id(account)
    } else {
        region.is_empty() && account.is_empty()
    };
    (is_partition(partition) && *of == service && place).then_some(*resource)
}

fn is_partition(text: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    text == "aws"
        || text.strip_prefix("aws-").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_plain))
}

fn one_of(texts: &[String]) -> Test {
    Test::In(texts.iter().cloned().map(Literal::Text).collect())
}

fn prefix(text: &str) -> Test {
    Test::Text(TextTest::prefix(text, false))
}

/// One of the record's resources is of this type, and its ARN is like this; the prefix of an ARN stands for the
/// ARN where a resource has no other (`ListObjects`).
fn resource(kind: &str, arn: Option<&dyn Fn(&str) -> Predicate>) -> Predicate {
    let mut element = field(&["type"], equals(kind));
    if let Some(arn) = arn {
        let has_arn = || field(&["ARN"], Test::Exists);
        element =
            element.and(Predicate::Any(vec![has_arn().and(arn("ARN")), (!has_arn()).and(arn("ARNPrefix"))]));
    }
    Predicate::Element(FieldPath::new(["resources"]), Box::new(element))
}
