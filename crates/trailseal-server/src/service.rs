//! What stands behind the API.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use crate::{
    api::{ApiError, Caller, Context, Operation},
    audit::AuditEvents,
    objects::Buckets,
};

/// Answers calls, on several threads at once. May block.
pub trait Service: Send + Sync {
    /// Answers one call, and records it where calls are recorded. `input` is an object without `null` members.
    ///
    /// # Errors
    /// [`ApiError`], which goes to the client as it is.
    fn call(
        &self,
        context: &Context,
        caller: &Caller,
        operation: Operation,
        input: Value,
    ) -> Result<CallAnswer, ApiError>;

    /// The trails at home in the Region of a call, with their tags. Nothing of it is recorded.
    fn tagged_trails(&self, caller: &Caller) -> Vec<TaggedResource> {
        let _ = caller;
        Vec::new()
    }

    /// The Regions of which it knows something.
    fn regions(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

/// What a call is answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAnswer {
    /// A JSON object.
    Value(Value),
    /// The text of one, which was made at once: large answers are not built twice.
    Text(Vec<u8>),
}

impl From<Value> for CallAnswer {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl CallAnswer {
    /// As a value; `null` for a text that is no JSON.
    pub fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Text(text) => serde_json::from_slice(&text).unwrap_or_default(),
        }
    }
}

/// A resource and its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedResource {
    /// Its ARN.
    pub arn: String,
    /// Keys and values; of a key without a value the empty text.
    pub tags: Vec<(String, String)>,
}

/// The services of a server.
#[derive(Clone)]
pub struct Services {
    /// The CloudTrail API.
    pub cloudtrail: Arc<dyn Service>,
    /// The CloudTrail Data API, if there is one.
    pub audit: Option<Arc<dyn AuditEvents>>,
    /// The buckets that S3's reading operations see, where the API is or on a listener of its own.
    pub s3: Option<Arc<Buckets>>,
}
