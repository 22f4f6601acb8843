#![expect(clippy::needless_pass_by_value, reason = "requests are written where they are made")]

use std::cell::RefCell;

use serde_json::{Value, json};

use super::apply;
use crate::{
    Account, ApiError, BucketFault, Caller, DeliveryKind, Environment, KeyFault, Millis, OnDemand, Operation,
    Organization,
};

mod declared;
mod deletions;
mod limits;
mod reading;
mod writing;

const ACCOUNT: &str = "111122223333";

/// An account to which calls are made one after another.
struct Cloud {
    account: RefCell<Account>,
    environment: Box<dyn Environment>,
}

impl Cloud {
    fn new() -> Self {
        Self::with(OnDemand)
    }

    fn with(environment: impl Environment + 'static) -> Self {
        Self { account: RefCell::default(), environment: Box::new(environment) }
    }

    /// A call in a Region, at a second.
    fn at(&self, seconds: i64, region: &str, operation: Operation, input: &Value) -> Result<Value, ApiError> {
        let text = self.text_at(seconds, region, operation, input)?;
        Ok(serde_json::from_str(&text).unwrap())
    }

    fn text_at(
        &self,
        seconds: i64,
        region: &str,
        operation: Operation,
        input: &Value,
    ) -> Result<String, ApiError> {
        let now = Millis::from_millis(seconds * 1_000);
        let caller = Caller { account: ACCOUNT.to_owned(), region: region.to_owned(), now };
        let before = self.account.borrow().clone();
        let (answer, change) = apply(&before, &caller, operation, input, &*self.environment)?;
        if let Some(change) = change {
            *self.account.borrow_mut() = before.with(&change);
        }
        Ok(serde_json::to_string(&answer).unwrap())
    }

    fn call(&self, region: &str, operation: Operation, input: Value) -> Result<Value, ApiError> {
        let before = self.account.borrow().clone();
        let result = self.at(1_700_000_000, region, operation, &input);
        if result.is_err() || operation.is_read_only() {
            assert_eq!(before, *self.account.borrow(), "{operation:?} changed something");
        }
        result
    }

    fn ok(&self, region: &str, operation: Operation, input: Value) -> Value {
        self.call(region, operation, input).unwrap()
    }

    /// The name and the text of the error that a call ends with.
    fn error(&self, region: &str, operation: Operation, input: Value) -> (String, String) {
        let error = self.call(region, operation, input.clone()).expect_err(&input.to_string());
        (error.code.as_str().to_owned(), error.message)
    }

    fn code(&self, region: &str, operation: Operation, input: Value) -> String {
        self.error(region, operation, input).0
    }

    fn create(&self, region: &str, name: &str, is_multi_region: bool) -> Value {
        let input = json!({"Name": name, "S3BucketName": "logs", "IsMultiRegionTrail": is_multi_region});
        self.ok(region, Operation::CreateTrail, input)
    }
}

fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:cloudtrail:{region}:{ACCOUNT}:trail/{name}")
}

/// A request for a trail with these members beside its name and bucket.
fn with(members: Value) -> Value {
    let mut input = json!({"Name": "trail", "S3BucketName": "logs"});
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    input
}

/// Services that refuse what its members say.
#[derive(Default)]
struct Strict {
    bucket: Option<(&'static str, BucketFault)>,
    key: Option<KeyFault>,
    has_no_topics: bool,
    has_no_roles: bool,
    is_member: bool,
}

impl Environment for Strict {
    fn write_marker(&self, _: &Caller, _: &str, key: &str) -> Result<(), BucketFault> {
        match self.bucket {
            Some((end, fault)) if key.ends_with(end) => Err(fault),
            _ => Ok(()),
        }
    }

    fn may_publish(&self, _: &Caller, _: &str) -> bool {
        !self.has_no_topics
    }

    fn key(&self, _: &Caller, arn: &str) -> Result<String, KeyFault> {
        match self.key {
            Some(fault) => Err(fault),
            None if arn.contains(":alias/") => {
                Ok(format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"))
            }
            None => Ok(arn.to_owned()),
        }
    }

    fn may_write_events(&self, _: &Caller, _: &str, _: &str) -> bool {
        !self.has_no_roles
    }

    fn organization(&self, _: &Caller) -> Organization {
        if self.is_member { Organization::Member } else { Organization::Management }
    }
}

#[test]
fn a_caller_without_account_or_region_is_refused() {
    let caller = |account: &str, region: &str| Caller {
        account: account.to_owned(),
        region: region.to_owned(),
        now: Millis::from_millis(0),
    };
    for caller in [caller("1", "us-east-1"), caller(ACCOUNT, "nowhere"), caller(ACCOUNT, "")] {
        let result = apply(&Account::default(), &caller, Operation::ListTrails, &json!({}), &OnDemand);
        assert_eq!(result.unwrap_err().code.as_str(), "InvalidSignatureException");
    }
}

#[test]
fn operations_that_are_not_about_trails_are_unknown_here() {
    for operation in [Operation::LookupEvents, Operation::ListPublicKeys] {
        assert_eq!(Cloud::new().code("us-east-1", operation, json!({})), "UnknownOperationException");
    }
}

#[test]
fn values_of_the_wrong_type_are_refused_by_every_operation() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", false);
    let id = arn("us-east-1", "trail");
    for (operation, input) in [
        (Operation::AddTags, json!({"ResourceId": 1})),
        (Operation::AddTags, json!({"ResourceId": id, "TagsList": "x"})),
        (Operation::AddTags, json!({"ResourceId": id, "TagsList": [1]})),
        (Operation::AddTags, json!({"ResourceId": id, "TagsList": [{"Key": true}]})),
        (Operation::CreateTrail, json!({"Name": "new", "S3BucketName": "logs", "IsMultiRegionTrail": "x"})),
        (Operation::CreateTrail, json!({"Name": ["new"]})),
        (Operation::DeleteTrail, json!([])),
        (Operation::DescribeTrails, json!({"trailNameList": "trail"})),
        (Operation::DescribeTrails, json!({"includeShadowTrails": 1})),
        (Operation::GetEventSelectors, json!({"TrailName": {}})),
        (Operation::GetInsightSelectors, json!({"TrailName": 1})),
        (Operation::GetTrail, json!({"Name": 1})),
        (Operation::GetTrailStatus, json!("trail")),
        (Operation::ListTags, json!({"ResourceIdList": [1]})),
        (Operation::ListTrails, json!({"NextToken": 1})),
        (Operation::PutEventSelectors, json!({"TrailName": "trail", "EventSelectors": {}})),
        (Operation::PutEventSelectors, json!({"TrailName": "trail", "AdvancedEventSelectors": [[]]})),
        (Operation::PutInsightSelectors, json!({"TrailName": "trail", "InsightSelectors": [1]})),
        (Operation::RemoveTags, json!({"ResourceId": id, "TagsList": {}})),
        (Operation::StartLogging, json!({"Name": false})),
        (Operation::StopLogging, json!({"Name": 1.5})),
        (Operation::UpdateTrail, json!({"Name": "trail", "SnsTopicName": 1})),
    ] {
        assert_eq!(cloud.code("us-east-1", operation, input.clone()), "SerializationException", "{input}");
    }
}

#[test]
fn null_and_unknown_members_are_ignored() {
    let cloud = Cloud::new();
    let input = with(json!({"S3KeyPrefix": null, "IsMultiRegionTrail": null, "Colour": 1}));
    cloud.ok("us-east-1", Operation::CreateTrail, input);
    cloud.ok("us-east-1", Operation::DescribeTrails, json!({"trailNameList": null}));
}

#[test]
fn deliveries_show_in_the_status_of_a_trail() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", false);
    let status = |cloud: &Cloud| cloud.ok("us-east-1", Operation::GetTrailStatus, json!({"Name": "trail"}));
    let empty = json!({
        "IsLogging": false,
        "LatestDeliveryAttemptTime": "",
        "LatestNotificationAttemptTime": "",
        "LatestNotificationAttemptSucceeded": "",
        "LatestDeliveryAttemptSucceeded": "",
        "TimeLoggingStarted": "",
        "TimeLoggingStopped": "",
    });
    assert_eq!(status(&cloud), empty);

    cloud.at(1_000, "us-east-1", Operation::StartLogging, &json!({"Name": "trail"})).unwrap();
    let note = |kind, millis, result: Result<(), &str>| {
        let account = cloud.account.borrow().clone();
        let mut trail = (**account.trail("us-east-1", "trail").unwrap()).clone();
        trail.deliveries.note(kind, Millis::from_millis(millis), result.map_err(str::to_owned));
        *cloud.account.borrow_mut() = account.with(&crate::Change::put(trail));
    };
    note(DeliveryKind::Log, 1_100_250, Ok(()));
    note(DeliveryKind::Log, 1_200_000, Err("NoSuchBucket"));
    note(DeliveryKind::Digest, 1_300_500, Err("AccessDenied"));
    let after = status(&cloud);
    for (member, expected) in [
        ("IsLogging", json!(true)),
        ("LatestDeliveryError", json!("NoSuchBucket")),
        ("LatestDeliveryTime", json!(1100.25)),
        ("StartLoggingTime", json!(1000)),
        ("StopLoggingTime", Value::Null),
        ("LatestDigestDeliveryTime", Value::Null),
        ("LatestDigestDeliveryError", json!("AccessDenied")),
        ("LatestDeliveryAttemptTime", json!("1970-01-01T00:20:00Z")),
        ("LatestDeliveryAttemptSucceeded", json!("1970-01-01T00:18:20Z")),
        ("TimeLoggingStarted", json!("1970-01-01T00:16:40Z")),
        ("TimeLoggingStopped", json!("")),
    ] {
        assert_eq!(after[member], expected, "{member}");
    }

    note(DeliveryKind::Log, 1_400_000, Ok(()));
    note(DeliveryKind::Digest, 1_400_000, Ok(()));
    let after = status(&cloud);
    assert_eq!(after.get("LatestDeliveryError"), None);
    assert_eq!(after.get("LatestDigestDeliveryError"), None);
    assert_eq!(after["LatestDigestDeliveryTime"], 1400);
}
