//! A request of `LookupEvents`, and what it selects (docs/spec/lookup-events.md 1.1).

use trailseal_archive::Timestamp;

use super::{
    page::Position,
    token::{Token, digest},
};
use crate::{
    category::Category,
    derived::Derived,
    path::FieldPath,
    predicate::{Literal, Operator, Predicate, Test, equals, field},
};

/// The rows of a page when `MaxResults` is absent.
pub const DEFAULT_MAX_RESULTS: usize = 50;

/// The most that `MaxResults` may ask for.
const MOST_RESULTS: i64 = 50;

/// Characters that an `AttributeValue` may have. The documented weights (two for `_`, space, comma and line break)
/// are not applied: the service does not, either.
const MAX_VALUE: usize = 2000;

/// The parameters as they are received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `LookupAttributes`
    pub attributes: Vec<Attribute>,
    /// `StartTime`, inclusive
    pub start_time: Option<Timestamp>,
    /// `EndTime`, inclusive
    pub end_time: Option<Timestamp>,
    /// `EventCategory`
    pub event_category: Option<String>,
    /// `MaxResults`
    pub max_results: Option<i64>,
    /// `NextToken`
    pub next_token: Option<String>,
    /// The region that answers: events of others are not found. `None` for all regions, which no service offers.
    pub region: Option<String>,
    /// What the service does not do.
    pub extensions: Extensions,
}

/// An item of `LookupAttributes`, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `AttributeKey`
    pub key: String,
    /// `AttributeValue`
    pub value: String,
}

/// What goes beyond the service; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Several attributes, which must all match.
    pub several_attributes: bool,
    /// Data events as well.
    pub data_events: bool,
    /// Network activity events as well.
    pub network_activity_events: bool,
    /// Only events of the last so many seconds; 90 days at the service, no limit here.
    pub window: Option<i64>,
}

/// The keys of `LookupAttributes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKey {
    /// `EventId`
    EventId,
    /// `EventName`
    EventName,
    /// `ReadOnly`
    ReadOnly,
    /// `Username`
    Username,
    /// `ResourceType`
    ResourceType,
    /// `ResourceName`
    ResourceName,
    /// `EventSource`
    EventSource,
    /// `AccessKeyId`
    AccessKeyId,
}

/// A request that can be answered.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// What events must be, but for their times.
    pub predicate: Predicate,
    /// The same of its attributes alone: for who knows the Region and the category of an event.
    pub attributes: Predicate,
    /// Not before this.
    pub start: Option<Timestamp>,
    /// Not after this.
    pub end: Option<Timestamp>,
    /// `MaxResults`, when the request has it.
    pub max_results: Option<usize>,
    /// The last row of the page before.
    pub after: Option<Position>,
    parameters: u64,
    fingerprint: u64,
}

/// Why a request is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// An `AttributeValue` is empty.
    #[error(
        "invalid length for parameter LookupAttributes[{index}].AttributeValue, value: 0, valid min length: 1"
    )]
    EmptyValue {
        /// The number of the attribute, from 0.
        index: usize,
    },
    /// `MaxResults` is less than 1.
    #[error("invalid value for parameter MaxResults, value: {value}, valid min value: 1")]
    TooFewResults {
        /// As received.
        value: i64,
    },
    /// More than one attribute.
    #[error("the list of lookup attributes can contain only one item, not {count}")]
    SeveralAttributes {
        /// So many.
        count: usize,
    },
    /// No such key.
    #[error(
        "{key:?} is no attribute key: they are EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource and AccessKeyId"
    )]
    UnknownKey {
        /// As received.
        key: String,
    },
    /// A value of `ReadOnly` that is neither `true` nor `false`.
    #[error("the value of ReadOnly is true or false, not {value:?}")]
    NotReadOnly {
        /// As received.
        value: String,
    },
    /// A value beyond the length that the service takes.
    #[error("an attribute value has at most {MAX_VALUE} characters, not {length}")]
    LongValue {
        /// In characters.
        length: usize,
    },
    /// Insights events have no such attribute.
    #[error("Insights events are looked up by EventId, EventName or EventSource, not by {}", .key.name())]
    NotOfInsights {
        /// The key.
        key: AttributeKey,
    },
    /// `EventCategory` is not `insight`.
    #[error("the only event category is insight, not {category:?}")]
    EventCategory {
        /// As received.
        category: String,
    },
    /// The start is after the end.
    #[error("the start time {start} is after the end time {end}")]
    StartAfterEnd {
        /// `StartTime`
        start: Timestamp,
        /// `EndTime`
        end: Timestamp,
    },
    /// The start is in the future, and there is no end.
    #[error("the start time {start} is in the future")]
    StartInFuture {
        /// `StartTime`
        start: Timestamp,
    },
    /// `MaxResults` is more than 50.
    #[error("the number of results is from 1 to {MOST_RESULTS}, not {value}")]
    TooManyResults {
        /// As received.
        value: i64,
    },
    /// The token is damaged or forged.
    #[error("the token is damaged or was made by something else")]
    DamagedToken,
    /// The token was made for other parameters.
    #[error("the token belongs to a request with other parameters")]
    TokenOfOtherRequest,
    /// The token was made over other files.
    #[error("the token belongs to other data: the files have changed since")]
    TokenOfOtherData,
}

impl RequestError {
    /// The service's code; `ParamValidation` for what the AWS CLI rejects by itself.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyValue { .. } | Self::TooFewResults { .. } => "ParamValidation",
            Self::SeveralAttributes { .. }
            | Self::UnknownKey { .. }
            | Self::NotReadOnly { .. }
            | Self::LongValue { .. }
            | Self::NotOfInsights { .. } => "InvalidLookupAttributesException",
            Self::EventCategory { .. } => "InvalidEventCategoryException",
            Self::StartAfterEnd { .. } | Self::StartInFuture { .. } => "InvalidTimeRangeException",
            Self::TooManyResults { .. } => "InvalidMaxResultsException",
            Self::DamagedToken | Self::TokenOfOtherRequest | Self::TokenOfOtherData => {
                "InvalidNextTokenException"
            }
        }
    }
}

/// Where an attribute's texts stand in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributePlace {
    /// All texts of a path.
    Path(FieldPath),
    /// What is derived for a member of the row.
    Derived(Derived),
}

impl AttributeKey {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::EventId,
        Self::EventName,
        Self::ReadOnly,
        Self::Username,
        Self::ResourceType,
        Self::ResourceName,
        Self::EventSource,
        Self::AccessKeyId,
    ];

    /// The key as the service spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EventId => "EventId",
            Self::EventName => "EventName",
            Self::ReadOnly => "ReadOnly",
            Self::Username => "Username",
            Self::ResourceType => "ResourceType",
            Self::ResourceName => "ResourceName",
            Self::EventSource => "EventSource",
            Self::AccessKeyId => "AccessKeyId",
        }
    }

    /// The key with this name, in this case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Whether Insights events can be looked up by it.
    pub fn is_of_insights(self) -> bool {
        matches!(self, Self::EventId | Self::EventName | Self::EventSource)
    }

    /// Where the texts of a record stand that the attribute's value is compared with: the one table of this, for the
    /// predicates of requests and for every index of what records can be looked up by.
    pub fn place(self, is_insight: bool) -> AttributePlace {
        let details = |name| FieldPath::new(["insightDetails", name]);
        let path = match self {
            Self::EventId => FieldPath::new(["eventID"]),
            Self::EventName if is_insight => details("eventName"),
            Self::EventName => FieldPath::new(["eventName"]),
            Self::EventSource if is_insight => details("eventSource"),
            Self::EventSource => FieldPath::new(["eventSource"]),
            Self::ReadOnly => FieldPath::new(["readOnly"]),
            Self::AccessKeyId => FieldPath::new(["userIdentity", "accessKeyId"]),
            Self::Username => return AttributePlace::Derived(Derived::Username),
            Self::ResourceType => return AttributePlace::Derived(Derived::ResourceType),
            Self::ResourceName => return AttributePlace::Derived(Derived::ResourceName),
        };
        AttributePlace::Path(path)
    }

    /// What a row's member must be.
    fn predicate(self, value: &str, is_insight: bool) -> Predicate {
        match self.place(is_insight) {
            AttributePlace::Path(path) => Predicate::Field(path, equals(value)),
            AttributePlace::Derived(member) => Predicate::Derived(member, equals(value)),
        }
    }
}

impl Request {
    /// Checks the request, at the time `now`, over the data set that `fingerprint` identifies.
    ///
    /// # Errors
    /// [`RequestError`] with the service's code.
    pub fn check(&self, now: Timestamp, fingerprint: u64) -> Result<Lookup, RequestError> {
        self.check_lengths()?;
        let is_insight = self.is_insight()?;
        let attributes = self.attributes(is_insight)?;
        self.check_times(now)?;
        let max_results = match self.max_results {
            Some(value) if value > MOST_RESULTS => return Err(RequestError::TooManyResults { value }),
            other => other.and_then(|value| usize::try_from(value).ok()),
        };
        let parameters = self.digest();
        Ok(Lookup {
            predicate: self.predicate(&attributes, is_insight),
            attributes: Predicate::All(predicates(&attributes, is_insight)),
            start: self.start_time.max(self.extensions.window.map(|seconds| now.plus(-seconds))),
            end: self.end_time,
            max_results,
            after: self.after(parameters, fingerprint)?,
            parameters,
            fingerprint,
        })
    }

    /// What clients reject before they send anything.
    fn check_lengths(&self) -> Result<(), RequestError> {
        if let Some(index) = self.attributes.iter().position(|attribute| attribute.value.is_empty()) {
            return Err(RequestError::EmptyValue { index });
        }
        match self.max_results {
            Some(value) if value < 1 => Err(RequestError::TooFewResults { value }),
            _ => Ok(()),
        }
    }

    fn is_insight(&self) -> Result<bool, RequestError> {
        match self.event_category.as_deref() {
            None => Ok(false),
            Some("insight") => Ok(true),
            Some(other) => Err(RequestError::EventCategory { category: other.to_owned() }),
        }
    }

    fn attributes(&self, is_insight: bool) -> Result<Vec<(AttributeKey, &str)>, RequestError> {
        let count = self.attributes.len();
        if count > 1 && !self.extensions.several_attributes {
            return Err(RequestError::SeveralAttributes { count });
        }
        let check = |attribute: &'_ Attribute| {
            let key = AttributeKey::from_name(&attribute.key)
                .ok_or_else(|| RequestError::UnknownKey { key: attribute.key.clone() })?;
            let length = attribute.value.chars().count();
            if length > MAX_VALUE {
                return Err(RequestError::LongValue { length });
            }
            if key == AttributeKey::ReadOnly && !matches!(attribute.value.as_str(), "true" | "false") {
                return Err(RequestError::NotReadOnly { value: attribute.value.clone() });
            }
            if is_insight && !key.is_of_insights() {
                return Err(RequestError::NotOfInsights { key });
            }
            Ok(key)
        };
        self.attributes.iter().map(|attribute| Ok((check(attribute)?, attribute.value.as_str()))).collect()
    }

    fn check_times(&self, now: Timestamp) -> Result<(), RequestError> {
        match (self.start_time, self.end_time) {
            (Some(start), Some(end)) if start > end => Err(RequestError::StartAfterEnd { start, end }),
            (Some(start), None) if start > now => Err(RequestError::StartInFuture { start }),
            _ => Ok(()),
        }
    }

    fn predicate(&self, attributes: &[(AttributeKey, &str)], is_insight: bool) -> Predicate {
        let mut parts = predicates(attributes, is_insight);
        if let Some(region) = &self.region {
            parts.push(field(&["awsRegion"], equals(region)));
        }
        parts.push(Predicate::Category(self.categories()));
        Predicate::All(parts)
    }

    /// The categories of events that it finds.
    pub fn categories(&self) -> Vec<Category> {
        if self.event_category.is_some() {
            return vec![Category::Insight];
        }
        let mut categories = vec![Category::Management];
        if self.extensions.data_events {
            categories.push(Category::Data);
        }
        if self.extensions.network_activity_events {
            categories.push(Category::NetworkActivity);
        }
        categories
    }

    fn after(&self, parameters: u64, fingerprint: u64) -> Result<Option<Position>, RequestError> {
        let Some(text) = &self.next_token else { return Ok(None) };
        let token = Token::decode(text).map_err(|_| RequestError::DamagedToken)?;
        if token.parameters != parameters {
            return Err(RequestError::TokenOfOtherRequest);
        }
        if token.fingerprint != fingerprint {
            return Err(RequestError::TokenOfOtherData);
        }
        Ok(Some(token.after))
    }

    /// Of everything but the token.
    fn digest(&self) -> u64 {
        let mut bytes = Vec::new();
        let mut add = |part: Option<&[u8]>| match part {
            None => bytes.push(0),
            Some(part) => {
                bytes.push(1);
                bytes.extend((part.len() as u64).to_be_bytes());
                bytes.extend_from_slice(part);
            }
        };
        let Self {
            attributes,
            start_time,
            end_time,
            event_category,
            max_results,
            next_token: _,
            region,
            extensions,
        } = self;
        for Attribute { key, value } in attributes {
            add(Some(key.as_bytes()));
            add(Some(value.as_bytes()));
        }
        add(None);
        for time in [start_time, end_time] {
            add(time.map(|time| time.epoch().to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
        }
        add(event_category.as_deref().map(str::as_bytes));
        add(max_results.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        add(region.as_deref().map(str::as_bytes));
        let Extensions { several_attributes, data_events, network_activity_events, window } = extensions;
        add(Some(&[*several_attributes, *data_events, *network_activity_events].map(u8::from)));
        add(window.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        digest(&bytes)
    }
}

/// What attributes ask for.
fn predicates(attributes: &[(AttributeKey, &str)], is_insight: bool) -> Vec<Predicate> {
    attributes.iter().map(|(key, value)| key.predicate(value, is_insight)).collect()
}

impl Lookup {
    /// What events must be, their times included.
    pub fn predicate_with_times(&self) -> Predicate {
        self.with_times(&self.predicate)
    }

    /// What events of the Region and the categories that are asked for must be, their times included.
    pub fn attributes_with_times(&self) -> Predicate {
        self.with_times(&self.attributes)
    }

    fn with_times(&self, predicate: &Predicate) -> Predicate {
        let time = |operator, time: Option<Timestamp>| {
            time.map(|time| field(&["eventTime"], Test::Compare(operator, Literal::Time(time))))
        };
        let bounds = [time(Operator::GreaterOrEqual, self.start), time(Operator::LessOrEqual, self.end)];
        bounds.into_iter().flatten().fold(predicate.clone(), Predicate::and)
    }

    /// The token of the page that follows this row.
    pub fn token(&self, after: Position) -> String {
        Token { parameters: self.parameters, fingerprint: self.fingerprint, after }.encode()
    }
}

#[cfg(test)]
mod tests;
