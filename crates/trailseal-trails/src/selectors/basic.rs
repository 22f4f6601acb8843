//! Basic event selectors (spec/selectors-and-insights.md 3.1).
//!
//! The message on a source that cannot be excluded follows that on values and is ours (I).

use serde::{Deserialize, Serialize};

use super::{Coverage, MAX_RESOURCES, TOO_MANY_RESOURCES, WRONG_TYPE, invalid, shorten};
use crate::{
    error::ApiError,
    input::Input,
    names::{Arn, is_account, is_region},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct EventSelector {
    read_write_type: ReadWriteType,
    include_management_events: bool,
    data_resources: Vec<DataResource>,
    exclude_management_event_sources: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ReadWriteType {
    ReadOnly,
    WriteOnly,
    All,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataResource {
    #[serde(rename = "Type")]
    kind: String,
    values: Vec<String>,
}

/// As received.
pub(super) struct Received {
    read_write_type: Option<String>,
    include_management_events: Option<bool>,
    data_resources: Option<Vec<DataResource>>,
    exclude_management_event_sources: Option<Vec<String>>,
}

impl Default for EventSelector {
    fn default() -> Self {
        Self {
            read_write_type: ReadWriteType::All,
            include_management_events: true,
            data_resources: Vec::new(),
            exclude_management_event_sources: Vec::new(),
        }
    }
}

impl Received {
    pub(super) fn read(input: Input<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            read_write_type: input.text("ReadWriteType")?.map(str::to_owned),
            include_management_events: input.flag("IncludeManagementEvents")?,
            data_resources: input.structures("DataResources", DataResource::read)?,
            exclude_management_event_sources: input.texts("ExcludeManagementEventSources")?,
        })
    }
}

const MAX_SELECTORS: usize = 5;
/// Of a value, in bytes; no ARN of these resources is longer.
const MAX_VALUE: usize = 2_048;
const SOURCES: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

pub(super) fn validate(received: Vec<Received>) -> Result<Vec<EventSelector>, ApiError> {
    if !(1..=MAX_SELECTORS).contains(&received.len()) {
        return Err(invalid("Specify a valid number of selectors (1 to 5) for your trail"));
    }
    let selectors: Vec<_> = received.into_iter().map(EventSelector::validate).collect::<Result<_, _>>()?;
    let resources = selectors.iter().flat_map(|selector| &selector.data_resources);
    let count: usize = resources.map(DataResource::count).sum();
    if count > MAX_RESOURCES {
        return Err(invalid(TOO_MANY_RESOURCES));
    }
    Ok(selectors)
}

impl EventSelector {
    fn validate(received: Received) -> Result<Self, ApiError> {
        let read_write_type = match received.read_write_type.as_deref() {
            None | Some("All") => ReadWriteType::All,
            Some("ReadOnly") => ReadWriteType::ReadOnly,
            Some("WriteOnly") => ReadWriteType::WriteOnly,
            Some(other) => {
                return Err(invalid(format!("Value {} for ReadWriteType is invalid.", shorten(other))));
            }
        };
        let selector = Self {
            read_write_type,
            include_management_events: received.include_management_events.unwrap_or(true),
            data_resources: received.data_resources.unwrap_or_default(),
            exclude_management_event_sources: received.exclude_management_event_sources.unwrap_or_default(),
        };
        let wrong = |source: &&String| !SOURCES.contains(&source.as_str());
        if let Some(source) = selector.exclude_management_event_sources.iter().find(wrong) {
            let source = shorten(source);
            return Err(invalid(format!("Value {source} for ExcludeManagementEventSources is invalid.")));
        }
        if !selector.include_management_events && selector.data_resources.is_empty() {
            return Err(invalid(
                "Invalid combination of parameters in EventSelectors. When includeManagementEvents is false, DataResources must not be empty",
            ));
        }
        selector.data_resources.iter().try_for_each(DataResource::validate)?;
        Ok(selector)
    }

    pub(super) fn coverage(&self, category: &str) -> Coverage {
        let has_any = match category {
            "Management" => self.include_management_events,
            _ => self.data_resources.iter().any(|resource| !resource.values.is_empty()),
        };
        Coverage {
            reads: has_any && self.read_write_type != ReadWriteType::WriteOnly,
            writes: has_any && self.read_write_type != ReadWriteType::ReadOnly,
        }
    }
}

impl DataResource {
    fn read(input: Input<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            kind: input.text("Type")?.unwrap_or_default().to_owned(),
            values: input.texts("Values")?.unwrap_or_default(),
        })
    }

    fn service(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "AWS::S3::Object" => Some("s3"),
            "AWS::Lambda::Function" => Some("lambda"),
            "AWS::DynamoDB::Table" => Some("dynamodb"),
            _ => None,
        }
    }

    fn validate(&self) -> Result<(), ApiError> {
        let service = self.service().ok_or_else(|| invalid(WRONG_TYPE))?;
        match self.values.iter().find(|value| !is_valid(service, value)) {
            Some(value) => {
                Err(invalid(format!("Value {} for DataResources.Values is invalid.", shorten(value))))
            }
            None => Ok(()),
        }
    }

    /// The values that the limit counts: those for all resources do not.
    fn count(&self) -> usize {
        let service = self.service().unwrap_or_default();
        self.values.iter().filter(|value| !is_everything(service, value)).count()
    }
}

/// `arn:aws:s3`, and what old documentation wrote, `arn:aws:s3:::`.
fn is_everything(service: &str, value: &str) -> bool {
    match value.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, of] => is_partition(partition) && *of == service,
        ["arn", partition, "s3", "", "", ""] => is_partition(partition) && service == "s3",
        _ => false,
    }
}

fn is_valid(service: &str, value: &str) -> bool {
    if is_everything(service, value) {
        return true;
    }
    let Some(arn) = Arn::parse(value).filter(|arn| is_partition(arn.partition) && arn.service == service)
    else {
        return false;
    };
    let is_placed = is_region(arn.region) && is_account(arn.account);
    let names = |start: &str| arn.resource.strip_prefix(start).is_some_and(|name| !name.is_empty());
    value.len() <= MAX_VALUE
        && !value.contains('*')
        && match service {
            "s3" => {
                let bucket = arn.resource.split_once('/').map(|(bucket, _)| bucket);
                arn.region.is_empty() && arn.account.is_empty() && bucket.is_some_and(|name| !name.is_empty())
            }
            "lambda" => is_placed && names("function:"),
            _ => is_placed && names("table/"),
        }
}

pub(super) fn is_partition(text: &str) -> bool {
    text == "aws" || text.strip_prefix("aws-").is_some_and(|rest| !rest.is_empty() && !rest.contains('*'))
}
