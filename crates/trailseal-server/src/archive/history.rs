//! What events of an archive tell of its trails: calls of CloudTrail that made, changed, started and stopped them.
//!
//! Digests say that there is a trail and where it delivers. What it selects, since when it logs and how it is tagged,
//! no digest says; but whoever set it did so by a call, and that call may be among the archive's events
//! (docs/spec/wire-protocol.md 4.6). They are taken as they are: whether a log is what AWS signed is for `verify`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use trailseal_archive::Timestamp;
use trailseal_evidence::events::LookupError;
use trailseal_query::lookup::{Attribute, Extensions, LookupScope, LookupSource, Request, answer};
use trailseal_trails::{SelectorsAnswer, TrailId};

use super::discover::Trail;
use crate::api::Operation;

/// The calls that change what is asked of a trail.
const CALLS: [Operation; 9] = [
    Operation::AddTags,
    Operation::CreateTrail,
    Operation::DeleteTrail,
    Operation::PutEventSelectors,
    Operation::PutInsightSelectors,
    Operation::RemoveTags,
    Operation::StartLogging,
    Operation::StopLogging,
    Operation::UpdateTrail,
];

/// So many calls of a kind are looked at, newest first.
const MAX_CALLS: usize = 500;

/// The settings that a trail's answers have if a call that made or changed it said so.
const FLAGS: [&str; 2] = ["IncludeGlobalServiceEvents", "RecursiveLogging"];
const TEXTS: [&str; 5] =
    ["SnsTopicName", "SnsTopicARN", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "KmsKeyId"];

/// What is told of a trail.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TrailHistory {
    /// The last `StartLogging`.
    pub(super) started: Option<Timestamp>,
    /// The last `StopLogging`.
    pub(super) stopped: Option<Timestamp>,
    /// What the last `PutEventSelectors` has set; of a trail that was created since, those of a new one.
    pub(super) selectors: Option<SelectorsAnswer>,
    /// What the last `PutInsightSelectors` has set.
    pub(super) insights: Option<Vec<Value>>,
    /// By their keys, with their values where there are any.
    pub(super) tags: BTreeMap<String, Option<String>>,
    /// Members of a trail's answers.
    pub(super) settings: Map<String, Value>,
}

/// A call that was carried out.
#[derive(Debug)]
pub(super) struct ToldCall {
    operation: Operation,
    time: Timestamp,
    region: String,
    account: String,
    /// In the names of the API.
    request: Value,
    response: Value,
}

/// The calls that the events of a source tell, oldest first.
///
/// # Errors
/// [`LookupError`], when the source cannot read its events.
pub(super) fn calls(
    source: &dyn LookupSource<Error = LookupError>,
    now: Timestamp,
) -> Result<Vec<ToldCall>, LookupError> {
    let mut calls = Vec::new();
    for operation in CALLS {
        let attribute = |key: &str, value: &str| Attribute { key: key.to_owned(), value: value.to_owned() };
        let mut request = Request {
            attributes: vec![
                attribute("EventSource", "cloudtrail.amazonaws.com"),
                attribute("EventName", operation.as_str()),
            ],
            extensions: Extensions { several_attributes: true, ..Extensions::default() },
            ..Request::default()
        };
        let mut seen = 0;
        loop {
            let page = answer(&[source], &request, &LookupScope::default(), now)?;
            seen += page.records.len();
            calls.extend(page.records.iter().filter_map(|record| ToldCall::read(operation, record)));
            request.next_token = page.next_token;
            if request.next_token.is_none() || seen >= MAX_CALLS {
                break;
            }
        }
    }
    calls.sort_by_key(|call| call.time);
    Ok(calls)
}

impl ToldCall {
    /// Reads the event of a call; `None` for one that failed, or that does not say what it did.
    fn read(operation: Operation, record: &[u8]) -> Option<Self> {
        let mut record: Value = serde_json::from_slice(record).ok()?;
        if record.get("errorCode").is_some_and(|code| !code.is_null()) {
            return None;
        }
        let text = |member: &str| record.get(member).and_then(Value::as_str).map(str::to_owned);
        let (time, region) = (Timestamp::parse_digest_field(&text("eventTime")?).ok()?, text("awsRegion")?);
        let account = text("recipientAccountId").unwrap_or_default();
        let mut members = |member: &str| {
            let value = record.get_mut(member).map(Value::take).unwrap_or_default();
            if value.is_object() { capitalized(value) } else { Value::Object(Map::new()) }
        };
        let (request, response) = (members("requestParameters"), members("responseElements"));
        Some(Self { operation, time, region, account, request, response })
    }

    /// Whether it is about this trail.
    fn is_of(&self, trail: &Trail) -> bool {
        let named = ["Name", "TrailName", "ResourceId"].into_iter();
        let named = named.filter_map(|member| self.request.get(member)).chain(self.response.get("TrailARN"));
        let is_owner = |account: &str| trail.is_organization() || account == trail.account;
        named.filter_map(Value::as_str).filter_map(|id| TrailId::parse(id).ok()).any(|id| match id {
            TrailId::Arn { region, account, name } => {
                is_owner(account) && region == trail.home && name == trail.name
            }
            TrailId::Name(name) => is_owner(&self.account) && self.region == trail.home && name == trail.name,
        })
    }
}

impl TrailHistory {
    /// What calls, oldest first, tell of a trail.
    pub(super) fn of(trail: &Trail, calls: &[ToldCall]) -> Self {
        let own = calls.iter().filter(|call| call.is_of(trail));
        own.fold(Self::default(), |history, call| history.after(trail, call))
    }

    fn after(mut self, trail: &Trail, call: &ToldCall) -> Self {
        match call.operation {
            Operation::CreateTrail => {
                self = Self {
                    selectors: Some(SelectorsAnswer::of_new_trail(&trail.arn)),
                    insights: Some(Vec::new()),
                    ..Self::default()
                };
                self.set(call);
                self.add_tags(call);
            }
            Operation::DeleteTrail => self = Self::default(),
            Operation::UpdateTrail => self.set(call),
            Operation::StartLogging => self.started = Some(call.time),
            Operation::StopLogging => self.stopped = Some(call.time),
            // one that cannot be read says that what was known is so no more
            Operation::PutEventSelectors => {
                self.selectors = SelectorsAnswer::after(&trail.arn, &call.request).ok();
            }
            Operation::PutInsightSelectors => self.insights = insight_selectors(&call.request),
            Operation::AddTags => self.add_tags(call),
            Operation::RemoveTags => {
                for (key, _) in tags(&call.request) {
                    self.tags.remove(&key);
                }
            }
            _ => {}
        }
        self
    }

    /// Takes the settings that the answer of a call has, all of which it says; without one what was asked for.
    fn set(&mut self, call: &ToldCall) {
        let said = match &call.response {
            Value::Object(answered) if !answered.is_empty() => {
                self.settings.clear();
                &call.response
            }
            _ => &call.request,
        };
        for name in FLAGS.iter().chain(&TEXTS) {
            let value = said.get(*name).filter(|value| match value {
                Value::Bool(_) => FLAGS.contains(name),
                Value::String(text) => TEXTS.contains(name) && !text.is_empty(),
                _ => false,
            });
            if let Some(value) = value {
                self.settings.insert((*name).to_owned(), value.clone());
            }
        }
    }

    fn add_tags(&mut self, call: &ToldCall) {
        self.tags.extend(tags(&call.request));
    }
}

/// The tags of a request.
fn tags(request: &Value) -> Vec<(String, Option<String>)> {
    let items = request.get("TagsList").and_then(Value::as_array).into_iter().flatten();
    let text = |item: &Value, member: &str| item.get(member).and_then(Value::as_str).map(str::to_owned);
    items.filter_map(|item| Some((text(item, "Key")?, text(item, "Value")))).collect()
}

/// The insight selectors of a request, as `GetInsightSelectors` answers them; `None` if they are none.
fn insight_selectors(request: &Value) -> Option<Vec<Value>> {
    let selector = |item: &Value| {
        let mut selector = Map::new();
        selector.insert(
            "InsightType".to_owned(),
            item.get("InsightType").filter(|kind| kind.is_string())?.clone(),
        );
        if let Some(categories) = item.get("EventCategories").and_then(Value::as_array) {
            let are_texts = categories.iter().all(Value::is_string);
            selector.insert("EventCategories".to_owned(), are_texts.then(|| categories.clone().into())?);
        }
        Some(Value::Object(selector))
    };
    request.get("InsightSelectors")?.as_array()?.iter().map(selector).collect()
}

/// The names of the API, which records write with a small first letter.
fn capitalized(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let mut letters = name.chars();
                let first = letters.next().into_iter().flat_map(char::to_uppercase);
                (first.chain(letters).collect(), capitalized(value))
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(capitalized).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
