//! The event that a call of this server becomes (docs/spec/records.md 2.1).
//!
//! The identity is that of the access key: of its owner, where the file of access keys names one, else of a user of
//! its name.

use serde::Serialize;
use serde_json::{Map, Value};

use super::event::{self, EVENT_VERSION};
use crate::{
    api::{ApiError, Caller, Context, Operation},
    identity::UserIdentity,
    service::CallAnswer,
    uuid,
};

/// Longer ones are left out (docs/spec/records.md 2.1: 100 KB).
const MAX_MEMBERS: usize = 100 << 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    event_version: &'static str,
    user_identity: UserIdentity<'a>,
    event_time: String,
    event_source: &'static str,
    event_name: &'static str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Value,
    response_elements: Value,
    #[serde(rename = "requestID")]
    request_id: &'a str,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: &'a str,
    event_category: &'static str,
}

/// The event of a call.
pub(super) fn of_call(
    context: &Context,
    caller: &Caller,
    operation: Operation,
    input: &Value,
    result: &Result<CallAnswer, ApiError>,
) -> Vec<u8> {
    // what a read answered is not recorded
    let answer = match result {
        Ok(CallAnswer::Value(answer)) if !operation.is_read_only() => Some(answer),
        _ => None,
    };
    let error = result.as_ref().err();
    let event = Fields {
        event_version: EVENT_VERSION,
        user_identity: context.identity.user_identity(context.access_key.as_deref()),
        event_time: event::time(caller.now),
        event_source: "cloudtrail.amazonaws.com",
        event_name: operation.as_str(),
        aws_region: &caller.region,
        source_ip_address: context.source.to_string(),
        user_agent: context.user_agent.as_deref(),
        error_code: error.map(|error| error.code.as_str()),
        error_message: error.map(|error| shorten(&error.message)),
        request_parameters: members(input),
        response_elements: answer.map_or(Value::Null, members),
        request_id: &context.request_id,
        event_id: uuid::random(),
        read_only: operation.is_read_only(),
        event_type: "AwsApiCall",
        management_event: true,
        recipient_account_id: &caller.account,
        event_category: "Management",
    };
    // numbers, texts and what was JSON before: nothing that could fail
    serde_json::to_vec(&event).unwrap_or_default()
}

/// Members as records have them, their names beginning with a small letter; `null` for none.
fn members(value: &Value) -> Value {
    if value.as_object().is_none_or(Map::is_empty) {
        return Value::Null;
    }
    let members = recase(value);
    if members.to_string().len() > MAX_MEMBERS {
        return serde_json::json!({ "omitted": true });
    }
    members
}

fn recase(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (uncapitalized(name), recase(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(recase).collect()),
        other => other.clone(),
    }
}

fn uncapitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// At most 1 KB (docs/spec/records.md 2.1).
fn shorten(text: &str) -> &str {
    &text[..text.floor_char_boundary(1024)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        api::{ErrorCode, Timestamp},
        identity::CallerIdentity,
    };

    fn record(operation: Operation, input: &Value, result: &Result<Value, ApiError>) -> Value {
        let context = Context {
            request_id: "the-request".to_owned(),
            access_key: Some("AKIAEXAMPLEEXAMPLE01".to_owned()),
            identity: CallerIdentity::of_key(Some("AKIAEXAMPLEEXAMPLE01"), "111122223333", "eu-west-1"),
            user_agent: None,
            source: [192, 0, 2, 1].into(),
        };
        let caller = Caller {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            now: Timestamp::from_millis(1_709_294_400_999),
        };
        let result = result.clone().map(CallAnswer::Value);
        serde_json::from_slice(&of_call(&context, &caller, operation, input, &result)).unwrap()
    }

    #[test]
    fn a_call_that_changes_something_is_recorded_with_what_it_answered() {
        let input =
            json!({"Name": "audit", "S3BucketName": "logs", "TagsList": [{"Key": "K", "Value": "V"}]});
        let answer = json!({"Name": "audit", "TrailARN": "arn", "IsMultiRegionTrail": false});
        let record = record(Operation::CreateTrail, &input, &Ok(answer));
        let mut expected = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "",
                "arn": "arn:aws:iam::111122223333:user/AKIAEXAMPLEEXAMPLE01",
                "accountId": "111122223333",
                "accessKeyId": "AKIAEXAMPLEEXAMPLE01",
                "userName": "AKIAEXAMPLEEXAMPLE01",
            },
            "eventTime": "2024-03-01T12:00:00Z",
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": "CreateTrail",
            "awsRegion": "eu-west-1",
            "sourceIPAddress": "192.0.2.1",
            "requestParameters": {
                "name": "audit", "s3BucketName": "logs", "tagsList": [{"key": "K", "value": "V"}],
            },
            "responseElements": {"name": "audit", "trailARN": "arn", "isMultiRegionTrail": false},
            "requestID": "the-request",
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management",
        });
        expected["eventID"] = record["eventID"].clone();
        expected["userIdentity"]["principalId"] = record["userIdentity"]["principalId"].clone();
        assert_eq!(record, expected);
        assert_eq!(record["eventID"].as_str().unwrap().len(), 36);
    }

    #[test]
    fn a_call_that_reads_is_recorded_without_its_answer() {
        let record = record(Operation::ListTrails, &json!({}), &Ok(json!({"Trails": []})));
        assert_eq!((&record["readOnly"], &record["responseElements"]), (&json!(true), &Value::Null));
        assert_eq!(record["requestParameters"], Value::Null);
        assert!(record.get("errorCode").is_none());
    }

    #[test]
    fn a_call_that_failed_is_recorded_with_its_error() {
        // a message is cut between characters
        let error = ApiError::new(ErrorCode::TrailNotFoundException, "é".repeat(1000));
        let record = record(Operation::DeleteTrail, &json!({"Name": "x"}), &Err(error));
        assert_eq!(record["errorCode"], "TrailNotFoundException");
        assert_eq!(record["errorMessage"].as_str(), Some("é".repeat(512).as_str()));
        assert_eq!(record["requestParameters"], json!({"name": "x"}));
        assert_eq!(record["responseElements"], Value::Null);
    }

    #[test]
    fn parameters_of_more_than_100_kb_are_left_out() {
        let input = json!({"Name": "x".repeat(MAX_MEMBERS)});
        let record = record(Operation::GetTrail, &input, &Ok(json!({})));
        assert_eq!(record["requestParameters"], json!({"omitted": true}));
    }
}
