//! Event categories: management, data, network activity, insight (docs/spec/selectors-and-insights.md 3.3).

use std::ops::ControlFlow;

use crate::{json::Value, path::FieldPath, record::Record};

/// The category of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// `Management`
    Management,
    /// `Data`
    Data,
    /// `NetworkActivity`
    NetworkActivity,
    /// `Insight`
    Insight,
    /// `Aggregated`: no event, but what CloudTrail counts of data events (docs/spec/records.md 2.5)
    Aggregated,
}

impl Category {
    /// All that events have.
    pub const ALL: [Self; 4] = [Self::Management, Self::Data, Self::NetworkActivity, Self::Insight];

    /// As CloudTrail writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Management => "Management",
            Self::Data => "Data",
            Self::NetworkActivity => "NetworkActivity",
            Self::Insight => "Insight",
            Self::Aggregated => "Aggregated",
        }
    }

    /// The category of this name, in any case, with or without signs between its words: `network-activity`.
    pub fn from_name(name: &str) -> Option<Self> {
        let bare = name.replace(['-', '_'], "");
        Self::all().find(|category| category.name().eq_ignore_ascii_case(&bare))
    }

    fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain([Self::Aggregated])
    }
}

/// The APIs whose calls were data events before records said so (versions up to 1.05): source, type of the
/// resource that they name, and names.
const DATA_APIS: [(&str, &str, &[&str]); 3] = [
    (
        "s3.amazonaws.com",
        "AWS::S3::Object",
        &[
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "DeleteObject",
            "DeleteObjectTagging",
            "DeleteObjects",
            "GetObject",
            "GetObjectAcl",
            "GetObjectAttributes",
            "GetObjectLegalHold",
            "GetObjectRetention",
            "GetObjectTagging",
            "GetObjectTorrent",
            "HeadBucket",
            "HeadObject",
            "ListMultipartUploads",
            "ListObjectVersions",
            "ListObjects",
            "ListParts",
            "PostObject",
            "PutObject",
            "PutObjectAcl",
            "PutObjectLegalHold",
            "PutObjectRetention",
            "PutObjectTagging",
            "RestoreObject",
            "SelectObjectContent",
            "UploadPart",
            "UploadPartCopy",
        ],
    ),
    ("lambda.amazonaws.com", "AWS::Lambda::Function", &["Invoke", "InvokeExecution"]),
    (
        "dynamodb.amazonaws.com",
        "AWS::DynamoDB::Table",
        &[
            "BatchExecuteStatement",
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "ExecuteStatement",
            "ExecuteTransaction",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
            "UpdateItem",
        ],
    ),
];

/// The category of a record: what it says, else what its other fields imply; `None` when neither does.
///
/// `eventCategory` (from 1.07) counts; without it `managementEvent` (from 1.06), which may be a string; without
/// either, Insights and VPC endpoint events are known by their type, calls of data APIs by source, name and a
/// resource of the API's type, and all other calls are management events. A category of another name
/// is none of these.
pub fn category(record: &Record<'_>) -> Option<Category> {
    let text = |name: &str| record.member(name).and_then(|value| value.text());
    match record.member("eventCategory") {
        None | Some(Value::Null) => {}
        Some(stated) => {
            return Category::all().find(|c| stated.as_str().as_deref() == Some(c.name()));
        }
    }
    match text("managementEvent").as_deref() {
        Some("true") => return Some(Category::Management),
        Some("false") => return Some(Category::Data),
        _ => {}
    }
    match text("eventType").as_deref() {
        Some("AwsCloudTrailInsight") => return Some(Category::Insight),
        Some("AwsVpceEvent" | "AwsVpceEvents") => return Some(Category::NetworkActivity),
        Some("AwsAggregatedEvent") => return Some(Category::Aggregated),
        _ => {}
    }
    let (source, name) = (text("eventSource"), text("eventName"));
    if source.is_none() && name.is_none() {
        return record.member("insightDetails").filter(|v| *v != Value::Null).map(|_| Category::Insight);
    }
    let data_api = DATA_APIS.iter().find(|(of, _, names)| {
        source.as_deref() == Some(of) && name.as_deref().is_some_and(|name| names.contains(&name))
    });
    let is_data = data_api.is_some_and(|(_, kind, _)| names_resource(record, kind));
    Some(if is_data { Category::Data } else { Category::Management })
}

fn names_resource(record: &Record<'_>, kind: &str) -> bool {
    let mut is_found = false;
    let _ = record.visit(&FieldPath::new(["resources", "type"]), &mut |found| {
        is_found = found.value().as_str().is_some_and(|found| found == kind);
        if is_found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    is_found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_all_versions_have_a_category() {
        use Category::{Data, Insight, Management, NetworkActivity};
        let object = r#""resources":[{"type":"AWS::S3::Bucket"},{"type":"AWS::S3::Object"}]"#;
        let get = r#""eventSource":"s3.amazonaws.com","eventName":"GetObject""#;
        for (members, expected) in [
            (r#""eventCategory":"Data","managementEvent":true"#.to_owned(), Some(Data)),
            (r#""eventCategory":"NetworkActivity""#.to_owned(), Some(NetworkActivity)),
            (r#""eventCategory":"Insight""#.to_owned(), Some(Insight)),
            (format!(r#""eventCategory":"Aggregated",{get}"#), Some(Category::Aggregated)),
            (format!(r#""eventCategory":7,{get}"#), None),
            (format!(r#""eventCategory":null,"managementEvent":false,{get}"#), Some(Data)),
            (r#""managementEvent":true"#.to_owned(), Some(Management)),
            (r#""managementEvent":"true""#.to_owned(), Some(Management)),
            (r#""managementEvent":"false""#.to_owned(), Some(Data)),
            (format!("{get},{object}"), Some(Data)),
            (get.to_owned(), Some(Management)),
            (
                format!(r#""eventSource":"s3.amazonaws.com","eventName":"PutBucketAcl",{object}"#),
                Some(Management),
            ),
            (
                format!(r#""eventSource":"ec2.amazonaws.com","eventName":"GetObject",{object}"#),
                Some(Management),
            ),
            (r#""eventType":"AwsCloudTrailInsight","insightDetails":{}"#.to_owned(), Some(Insight)),
            (r#""insightDetails":{}"#.to_owned(), Some(Insight)),
            (r#""eventType":"AwsVpceEvent","eventName":"x""#.to_owned(), Some(NetworkActivity)),
            (
                r#""eventType":"AwsAggregatedEvent","eventSource":"s3.amazonaws.com""#.to_owned(),
                Some(Category::Aggregated),
            ),
            (r#""x":1"#.to_owned(), None),
        ] {
            let record = format!("{{{members}}}");
            assert_eq!(category(&Record::new(record.as_bytes())), expected, "{record}");
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        for one in Category::ALL {
            assert_eq!(Category::from_name(&one.name().to_uppercase()), Some(one));
        }
        assert_eq!(Category::from_name("aggregated"), Some(Category::Aggregated));
        assert_eq!(Category::from_name("events"), None);
    }
}
