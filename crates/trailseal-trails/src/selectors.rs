//! Event selectors: which events a trail logs (docs/spec/selectors-and-insights.md 3.1, 3.2).
//!
//! Their types and rules are those of [`trailseal_query::selectors`], which evaluates them. Here are what a request
//! of `PutEventSelectors` is read to, the service's messages, and what is answered.
//!
//! Known messages (N, R): the number of selectors and of values, values of a basic selector, nothing selected, both
//! kinds, required fields, `resources.type`, ARNs of functions. The others follow them and are ours (I). So are that
//! a field is named once in a selector, and that a network activity selector compares `eventSource` with `Equals`
//! only. Which types of resources there are, the environment says.

use serde::Serialize;
use serde_json::Value;
use trailseal_query::{
    category::Category,
    selectors::{
        AdvancedEventSelector, AdvancedFieldSelector, DataResource, EventSelector, Rules, SelectorError,
        SelectorFault,
    },
};

use crate::{
    error::{ApiError, ErrorCode},
    input::Input,
    resource_types,
};

#[cfg(test)]
mod tests;

/// Which events of a category are logged, at least in part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) reads: bool,
    pub(crate) writes: bool,
}

/// The selectors of a trail in the form of `GetEventSelectors`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SelectorsDocument {
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_selectors: Option<Vec<EventSelector>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_event_selectors: Option<Vec<AdvancedEventSelector>>,
}

impl SelectorsDocument {
    pub(crate) fn of(trail_arn: String, selectors: &Rules) -> Self {
        let (event_selectors, advanced_event_selectors) = match selectors {
            Rules::Basic(basic) => (Some(basic.clone()), None),
            Rules::Advanced(advanced) => (None, Some(advanced.clone())),
        };
        Self { trail_arn, event_selectors, advanced_event_selectors }
    }
}

/// Of a new trail: all management events.
pub(crate) fn of_new_trail() -> Rules {
    Rules::Basic(vec![filled(EventSelector::default())])
}

/// What `GetEventSelectors` answers of a trail whose selectors are known by a request alone.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectorsAnswer {
    /// The answer.
    pub answer: Value,
    /// Whether they differ from those of a new trail.
    pub is_custom: bool,
}

impl SelectorsAnswer {
    /// Of a trail whose selectors a request of `PutEventSelectors` has set, whatever types of resources it names.
    ///
    /// # Errors
    /// Those of `PutEventSelectors`, for a request that cannot have set any.
    pub fn after(trail_arn: &str, request: &Value) -> Result<Self, ApiError> {
        Ok(Self::of(trail_arn, &read(Input::new(request)?, &resource_types::is_well_formed)?))
    }

    /// Of a new trail.
    pub fn of_new_trail(trail_arn: &str) -> Self {
        Self::of(trail_arn, &of_new_trail())
    }

    fn of(trail_arn: &str, rules: &Rules) -> Self {
        let document = SelectorsDocument::of(trail_arn.to_owned(), &sorted(rules));
        let answer = serde_json::to_value(document).expect("lists and texts are JSON");
        Self { answer, is_custom: *rules != of_new_trail() }
    }
}

/// Those of a request of `PutEventSelectors`, if every type of resources in it is taken. An empty list beside one that is
/// not is taken for absent (I).
pub(crate) fn read(input: Input<'_>, takes: &dyn Fn(&str) -> bool) -> Result<Rules, ApiError> {
    let basic = input.structures("EventSelectors", basic)?;
    let advanced = input.structures("AdvancedEventSelectors", advanced)?;
    let rules = match (basic, advanced) {
        (Some(basic), Some(advanced)) if !basic.is_empty() && !advanced.is_empty() => {
            return Err(invalid(
                "You can select events by using either EventSelectors or AdvancedEventSelectors, but not both.",
            ));
        }
        (basic, Some(advanced)) if !advanced.is_empty() || basic.is_none() => Rules::Advanced(advanced),
        (basic, _) => Rules::Basic(basic.unwrap_or_default().into_iter().map(filled).collect()),
    };
    rules.validate().map_err(|error| refusal(&rules, &error))?;
    match rules {
        Rules::Advanced(selectors)
            if !selectors
                .iter()
                .filter_map(|selector| first(selector, "resources.type"))
                .all(|kind| resource_types::is_well_formed(kind) && takes(kind)) =>
        {
            Err(invalid(WRONG_TYPE))
        }
        rules => Ok(rules),
    }
}

/// As `GetEventSelectors` shows them: fields sorted by name (N).
#[must_use]
pub(crate) fn sorted(rules: &Rules) -> Rules {
    let mut rules = rules.clone();
    if let Rules::Advanced(selectors) = &mut rules {
        for selector in selectors {
            selector.field_selectors.sort_by(|a, b| a.field.cmp(&b.field));
        }
    }
    rules
}

/// Which events of a category they select.
pub(crate) fn coverage(rules: &Rules, category: Category) -> Coverage {
    let all: Vec<(bool, Option<&str>)> = match rules {
        Rules::Basic(selectors) => {
            selectors.iter().map(|selector| basic_coverage(selector, category)).collect()
        }
        Rules::Advanced(selectors) => {
            let of = |selector| {
                let kind = match first(selector, "readOnly") {
                    Some("true") => "ReadOnly",
                    Some(_) => "WriteOnly",
                    None => "All",
                };
                (first(selector, "eventCategory") == Some(category.name()), Some(kind))
            };
            selectors.iter().map(of).collect()
        }
    };
    let logs = |other: &str| all.iter().any(|(has_any, kind)| *has_any && *kind != Some(other));
    Coverage { reads: logs("WriteOnly"), writes: logs("ReadOnly") }
}

fn basic_coverage(selector: &EventSelector, category: Category) -> (bool, Option<&str>) {
    let mut resources = selector.data_resources.iter().flatten();
    let has_any = match category {
        Category::Management => selector.include_management_events != Some(false),
        Category::Data => resources.any(|resource| !resource.values.is_empty()),
        Category::NetworkActivity | Category::Insight | Category::Aggregated => false,
    };
    (has_any, selector.read_write_type.as_deref())
}

/// The first value that a field must equal.
fn first<'a>(selector: &'a AdvancedEventSelector, field: &str) -> Option<&'a str> {
    let condition = selector.field_selectors.iter().find(|selector| selector.field == field)?;
    condition.equals.iter().flatten().next().map(String::as_str)
}

/// With the defaults of what it does not say, as it is answered.
fn filled(selector: EventSelector) -> EventSelector {
    EventSelector {
        read_write_type: selector.read_write_type.or_else(|| Some("All".to_owned())),
        include_management_events: selector.include_management_events.or(Some(true)),
        data_resources: Some(selector.data_resources.unwrap_or_default()),
        exclude_management_event_sources: Some(selector.exclude_management_event_sources.unwrap_or_default()),
    }
}

fn basic(input: Input<'_>) -> Result<EventSelector, ApiError> {
    let resource = |input: Input<'_>| {
        Ok(DataResource {
            kind: input.text("Type")?.unwrap_or_default().to_owned(),
            values: input.texts("Values")?.unwrap_or_default(),
        })
    };
    Ok(EventSelector {
        read_write_type: input.text("ReadWriteType")?.map(str::to_owned),
        include_management_events: input.flag("IncludeManagementEvents")?,
        data_resources: input.structures("DataResources", resource)?,
        exclude_management_event_sources: input.texts("ExcludeManagementEventSources")?,
    })
}

fn advanced(input: Input<'_>) -> Result<AdvancedEventSelector, ApiError> {
    let field = |input: Input<'_>| {
        Ok(AdvancedFieldSelector {
            field: input.text("Field")?.unwrap_or_default().to_owned(),
            equals: input.texts("Equals")?,
            starts_with: input.texts("StartsWith")?,
            ends_with: input.texts("EndsWith")?,
            not_equals: input.texts("NotEquals")?,
            not_starts_with: input.texts("NotStartsWith")?,
            not_ends_with: input.texts("NotEndsWith")?,
        })
    };
    Ok(AdvancedEventSelector {
        name: input.text("Name")?.map(str::to_owned),
        field_selectors: input.structures("FieldSelectors", field)?.unwrap_or_default(),
    })
}

const WRONG_TYPE: &str = "The resources.type field value is not valid.";

/// What the service says of it.
fn refusal(rules: &Rules, error: &SelectorError) -> ApiError {
    let message = match (error, rules) {
        (SelectorError::Count { .. }, Rules::Basic(_)) => {
            "Specify a valid number of selectors (1 to 5) for your trail".to_owned()
        }
        (SelectorError::Count { .. } | SelectorError::Values { .. }, _) => {
            "Specify between 1 and 500 selectors for your trail.".to_owned()
        }
        (SelectorError::Resources { .. }, _) => {
            "Specify a valid number of DataResources.Values (0 to 250) for all your selectors".to_owned()
        }
        (SelectorError::Selector { fault, .. }, _) => fault_message(fault),
        (other, _) => other.to_string(),
    };
    invalid(message)
}

fn fault_message(fault: &SelectorFault) -> String {
    match fault {
        SelectorFault::Value { member: "DataResources.Type", .. } => WRONG_TYPE.to_owned(),
        SelectorFault::Value { member, value, .. } => {
            format!("Value {} for {member} is invalid.", shorten(value))
        }
        SelectorFault::Nothing => {
            "Invalid combination of parameters in EventSelectors. When includeManagementEvents is false, DataResources must not be empty".to_owned()
        }
        SelectorFault::Name { limit, .. } => format!("The selector name can have at most {limit} characters."),
        SelectorFault::Required { field } => format!("The following fields are required: [{field}]."),
        SelectorFault::Field { field, .. } => format!("The {} field is not valid.", shorten(field)),
        SelectorFault::Twice { field } => format!("The {field} field is specified more than once."),
        SelectorFault::NoOperator { field } => {
            format!("Specify at least one operator for the {field} field.")
        }
        SelectorFault::Operator { field, operator, .. } => {
            format!("The {operator} operator is not valid for the {field} field.")
        }
        SelectorFault::Length { field, .. } | SelectorFault::FieldValue { field, .. } => {
            format!("The {field} field value is not valid.")
        }
        SelectorFault::Function { arn } => format!(
            "The specified ARN {} is not valid. Verify that the ARN is properly formatted.",
            shorten(arn)
        ),
        other => other.to_string(),
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidEventSelectorsException, message)
}

/// At most 2048 characters of what was received, for a message.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(2_048).collect()
}
