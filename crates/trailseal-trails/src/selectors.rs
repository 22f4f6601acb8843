//! Event selectors: which events a trail logs (spec/selectors-and-insights.md 3.1, 3.2).
//!
//! What is accepted here is accepted by `trailseal_query::selectors::Selectors::parse`, which evaluates it; this
//! side has the service's messages, and rejects more.

use serde::{Deserialize, Serialize};

use crate::{
    error::{ApiError, ErrorCode},
    input::Input,
};

mod advanced;
mod basic;
#[cfg(test)]
mod tests;

pub(crate) use advanced::AdvancedEventSelector;
pub(crate) use basic::EventSelector;

/// A trail has selectors of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EventSelectors {
    Basic(Vec<EventSelector>),
    Advanced(Vec<AdvancedEventSelector>),
}

/// Which events of a category are logged, at least in part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) reads: bool,
    pub(crate) writes: bool,
}

impl Default for EventSelectors {
    /// Of a new trail: all management events.
    fn default() -> Self {
        Self::Basic(vec![EventSelector::default()])
    }
}

impl EventSelectors {
    /// Those of a request of `PutEventSelectors`. An empty list beside one that is not is taken for absent (I).
    pub(crate) fn read(input: Input<'_>) -> Result<Self, ApiError> {
        let basic = input.structures("EventSelectors", basic::Received::read)?;
        let advanced = input.structures("AdvancedEventSelectors", advanced::Received::read)?;
        match (basic, advanced) {
            (Some(basic), Some(advanced)) if !basic.is_empty() && !advanced.is_empty() => Err(invalid(
                "You can select events by using either EventSelectors or AdvancedEventSelectors, but not both.",
            )),
            (basic, Some(advanced)) if !advanced.is_empty() || basic.is_none() => {
                advanced::validate(advanced).map(Self::Advanced)
            }
            (basic, _) => basic::validate(basic.unwrap_or_default()).map(Self::Basic),
        }
    }

    /// As `GetEventSelectors` shows them: fields sorted by name (N).
    #[must_use]
    pub(crate) fn sorted(&self) -> Self {
        match self {
            Self::Basic(basic) => Self::Basic(basic.clone()),
            Self::Advanced(advanced) => {
                Self::Advanced(advanced.iter().map(AdvancedEventSelector::sorted).collect())
            }
        }
    }

    /// Which events of a category (`Management` or `Data`) they select.
    pub(crate) fn coverage(&self, category: &str) -> Coverage {
        let all: Vec<Coverage> = match self {
            Self::Basic(basic) => basic.iter().map(|selector| selector.coverage(category)).collect(),
            Self::Advanced(advanced) => advanced.iter().map(|selector| selector.coverage(category)).collect(),
        };
        Coverage {
            reads: all.iter().any(|coverage| coverage.reads),
            writes: all.iter().any(|coverage| coverage.writes),
        }
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidEventSelectorsException, message)
}

const TOO_MANY_RESOURCES: &str =
    "Specify a valid number of DataResources.Values (0 to 250) for all your selectors";
const WRONG_TYPE: &str = "The resources.type field value is not valid.";
const MAX_RESOURCES: usize = 250;

/// At most 2048 characters of what was received, for a message.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(2_048).collect()
}
