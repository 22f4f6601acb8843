//! Insight selectors (docs/spec/selectors-and-insights.md 3.4).
//!
//! The texts of `InvalidInsightSelectorsException` and `InsightNotEnabledException` are ours (I); so are that a type
//! is named once, and that absent `EventCategories`, which stand for management events, are not filled in.

use serde::{Deserialize, Serialize};
use trailseal_query::{category::Category, selectors::Rules};

use crate::{
    error::{ApiError, ErrorCode},
    input::Input,
    selectors::{Coverage, coverage, shorten},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InsightSelector {
    insight_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    event_categories: Option<Vec<String>>,
}

/// As received; a type may be missing.
pub(crate) struct Received {
    insight_type: Option<String>,
    event_categories: Option<Vec<String>>,
}

impl Received {
    pub(crate) fn read(input: Input<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            insight_type: input.text("InsightType")?.map(str::to_owned),
            event_categories: input.texts("EventCategories")?,
        })
    }
}

const CALL_RATE: &str = "ApiCallRateInsight";
const ERROR_RATE: &str = "ApiErrorRateInsight";

/// The selectors of a trail that logs what these say, if it can have them.
pub(crate) fn validate(received: Vec<Received>, logged: &Rules) -> Result<Vec<InsightSelector>, ApiError> {
    let mut selectors: Vec<InsightSelector> = Vec::new();
    for Received { insight_type, event_categories } in received {
        let insight_type = insight_type.unwrap_or_default();
        if ![CALL_RATE, ERROR_RATE].contains(&insight_type.as_str()) {
            return Err(invalid(format!("Value {} for InsightType is invalid.", shorten(&insight_type))));
        }
        if selectors.iter().any(|before| before.insight_type == insight_type) {
            return Err(invalid(format!("InsightType {insight_type} is specified more than once.")));
        }
        let wrong = |category: &&String| !["Management", "Data"].contains(&category.as_str());
        if let Some(category) = event_categories.iter().flatten().find(wrong) {
            return Err(invalid(format!("Value {} for EventCategories is invalid.", shorten(category))));
        }
        if event_categories.as_ref().is_some_and(|categories| categories.len() > 2) {
            return Err(invalid("EventCategories can have at most 2 values."));
        }
        let selector = InsightSelector { insight_type, event_categories };
        selector.check(logged)?;
        selectors.push(selector);
    }
    Ok(selectors)
}

impl InsightSelector {
    /// What it analyses must be logged: write management events for the rate of calls, any for that of errors;
    /// data events of both kinds, or any (docs/spec/selectors-and-insights.md 3.4).
    fn check(&self, logged: &Rules) -> Result<(), ApiError> {
        let is_call_rate = self.insight_type == CALL_RATE;
        let categories = match self.event_categories.as_deref() {
            None | Some([]) => vec![Category::Management],
            Some(categories) => categories.iter().filter_map(|name| Category::from_name(name)).collect(),
        };
        for category in categories {
            let Coverage { reads, writes } = coverage(logged, category);
            let is_enough = match (is_call_rate, category) {
                (true, Category::Management) => writes,
                (true, _) => reads && writes,
                (false, _) => reads || writes,
            };
            if !is_enough {
                return Err(invalid(format!(
                    "The trail does not log the {} events that {} analyzes.",
                    category.name(),
                    self.insight_type
                )));
            }
        }
        Ok(())
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInsightSelectorsException, message)
}
