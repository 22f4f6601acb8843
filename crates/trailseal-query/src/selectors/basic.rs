//! Basic event selectors (docs/spec/selectors-and-insights.md 3.1).

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    MAX_RESOURCES, MAX_VALUE, SelectorError, SelectorFault, is_partition, one_of, prefix, resource,
    resource_of, validate_each,
};
use crate::{
    category::Category,
    predicate::{Predicate, equals, field},
};

/// One of a trail's `EventSelectors`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EventSelector {
    /// `ReadOnly`, `WriteOnly` or `All`, which it is when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_write_type: Option<String>,
    /// Whether management events are logged; they are when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_management_events: Option<bool>,
    /// The data events that are logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_resources: Option<Vec<DataResource>>,
    /// The sources whose management events are not logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_management_event_sources: Option<Vec<String>>,
}

/// The resources of one type whose data events are logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DataResource {
    /// `AWS::S3::Object`, `AWS::Lambda::Function` or `AWS::DynamoDB::Table`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Prefixes of ARNs.
    #[serde(default, deserialize_with = "null_is_none")]
    pub values: Vec<String>,
}

fn null_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

const MAX_SELECTORS: usize = 5;
const SOURCES: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

pub(super) fn validate(selectors: &[EventSelector]) -> Result<(), SelectorError> {
    if !(1..=MAX_SELECTORS).contains(&selectors.len()) {
        return Err(SelectorError::Count { count: selectors.len(), limit: MAX_SELECTORS });
    }
    validate_each(selectors, EventSelector::validate)?;
    let resources = selectors.iter().flat_map(EventSelector::data_resources);
    let values = resources.flat_map(|of| of.values.iter().map(move |value| (of, value)));
    let count = values.filter(|(of, value)| !of.is_everything(value)).count();
    if count > MAX_RESOURCES {
        return Err(SelectorError::Resources { count, limit: MAX_RESOURCES });
    }
    Ok(())
}

impl EventSelector {
    /// What an event must be to be selected.
    pub(super) fn predicate(&self) -> Predicate {
        let mut parts = Vec::new();
        if self.includes_management() {
            let management = Predicate::Category(vec![Category::Management]);
            let excluded = self.exclude_management_event_sources.as_deref().unwrap_or_default();
            parts.push(match excluded {
                [] => management,
                sources => management.and(!field(&["eventSource"], one_of(sources))),
            });
        }
        let resources: Vec<_> = self.data_resources().iter().flat_map(DataResource::predicates).collect();
        if !resources.is_empty() {
            parts.push(Predicate::Category(vec![Category::Data]).and(Predicate::any(resources)));
        }
        let selected = Predicate::any(parts);
        match self.read_write_type.as_deref() {
            Some("ReadOnly") => selected.and(field(&["readOnly"], equals("true"))),
            Some("WriteOnly") => selected.and(field(&["readOnly"], equals("false"))),
            _ => selected,
        }
    }

    fn includes_management(&self) -> bool {
        self.include_management_events != Some(false)
    }

    fn data_resources(&self) -> &[DataResource] {
        self.data_resources.as_deref().unwrap_or_default()
    }

    fn validate(&self) -> Result<(), SelectorFault> {
        let wrong = |member, value: &str, expected| SelectorFault::Value {
            member,
            value: value.to_owned(),
            expected,
        };
        if let Some(value) = &self.read_write_type
            && !["ReadOnly", "WriteOnly", "All"].contains(&value.as_str())
        {
            return Err(wrong("ReadWriteType", value, "ReadOnly, WriteOnly and All are"));
        }
        for source in self.exclude_management_event_sources.iter().flatten() {
            if !SOURCES.contains(&source.as_str()) {
                return Err(wrong(
                    "ExcludeManagementEventSources",
                    source,
                    "kms.amazonaws.com and rdsdata.amazonaws.com are",
                ));
            }
        }
        if !self.includes_management() && self.data_resources().is_empty() {
            return Err(SelectorFault::Nothing);
        }
        for resource in self.data_resources() {
            if resource.service().is_none() {
                return Err(wrong(
                    "DataResources.Type",
                    &resource.kind,
                    "AWS::S3::Object, AWS::Lambda::Function and AWS::DynamoDB::Table are",
                ));
            }
            if let Some(value) = resource.values.iter().find(|value| !resource.is_valid(value)) {
                return Err(wrong(
                    "DataResources.Values",
                    value,
                    "an ARN or arn:aws:SERVICE for all, without a *, is",
                ));
            }
        }
        Ok(())
    }
}

impl DataResource {
    fn service(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "AWS::S3::Object" => Some("s3"),
            "AWS::Lambda::Function" => Some("lambda"),
            "AWS::DynamoDB::Table" => Some("dynamodb"),
            _ => None,
        }
    }

    /// One for each value.
    fn predicates(&self) -> Vec<Predicate> {
        self.values
            .iter()
            .map(|value| resource(&self.kind, Some(&|member| self.names(value, member))))
            .collect()
    }

    /// The member of a resource is what this value stands for.
    fn names(&self, value: &str, member: &str) -> Predicate {
        let extended = match self.service() {
            _ if self.is_everything(value) => return field(&[member], prefix(value)),
            // a function with all its versions, a table with its indexes and streams, and no other whose name is
            // longer
            Some("lambda") => format!("{value}:"),
            Some("dynamodb") => format!("{value}/"),
            _ => return field(&[member], prefix(value)),
        };
        Predicate::Any(vec![field(&[member], equals(value)), field(&[member], prefix(&extended))])
    }

    /// Whether the value stands for all resources of the type: `arn:aws:s3`, and what old documentation wrote,
    /// `arn:aws:s3:::`.
    fn is_everything(&self, value: &str) -> bool {
        let parts: Vec<_> = value.split(':').collect();
        match parts.as_slice() {
            ["arn", partition, of] => is_partition(partition) && Some(*of) == self.service(),
            ["arn", partition, "s3", "", "", ""] => is_partition(partition) && self.service() == Some("s3"),
            _ => false,
        }
    }

    fn is_valid(&self, value: &str) -> bool {
        let Some(service) = self.service() else { return false };
        let Some(name) = resource_of(value, service, service != "s3") else {
            return self.is_everything(value);
        };
        let has_form = match service {
            // a bucket alone is none of its objects
            "s3" => name.is_empty() || name.split_once('/').is_some_and(|(bucket, _)| !bucket.is_empty()),
            "lambda" => name.strip_prefix("function:").is_some_and(|name| !name.is_empty()),
            _ => name.strip_prefix("table/").is_some_and(|name| !name.is_empty()),
        };
        has_form && !value.contains('*') && value.chars().count() <= MAX_VALUE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_arns_or_all_of_a_service() {
        let of = |kind: &str| DataResource { kind: kind.to_owned(), values: Vec::new() };
        let (s3, lambda, dynamodb) =
            (of("AWS::S3::Object"), of("AWS::Lambda::Function"), of("AWS::DynamoDB::Table"));
        for (resource, value, is_valid, is_everything) in [
            (&s3, "arn:aws:s3", true, true),
            (&s3, "arn:aws-cn:s3", true, true),
            (&s3, "arn:aws:s3:::", true, true),
            (&s3, "arn:aws:s3:::b/", true, false),
            (&s3, "arn:aws:s3:::b/p:q", true, false),
            (&s3, "arn:aws:s3:::*", false, false),
            (&s3, "arn:aws:lambda", false, false),
            (&s3, "b/", false, false),
            (&s3, "", false, false),
            (&lambda, "arn:aws:lambda", true, true),
            (&lambda, "arn:aws:lambda:eu-west-1:111111111111:function:f", true, false),
            (&lambda, "arn:aws:lambda:eu-west-1:111111111111:function:", false, false),
            (&lambda, "arn:aws:lambda:eu-west-1", false, false),
            (&dynamodb, "arn:aws:dynamodb", true, true),
            (&dynamodb, "arn:aws:dynamodb:eu-west-1:111111111111:table/t", true, false),
            (&dynamodb, "arn:aws:dynamodb:::table/t", false, false),
        ] {
            assert_eq!(resource.is_valid(value), is_valid, "{value}");
            assert_eq!(resource.is_everything(value), is_everything, "{value}");
        }
    }
}
