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
    ) -> Result<Value, ApiError>;

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
