//! The service over an archive and local trails: one account that has the trails of both.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    api::{ApiError, Caller, Context, ErrorCode, Operation},
    archive::Archive,
    local::Local,
    service::Service,
};

/// Answers for the local trails of a data folder and the trails of an archive, of which only the first can be changed.
/// Every call is recorded as an event.
#[derive(Debug)]
pub struct Joined {
    archive: Archive,
    local: Arc<Local>,
}

impl Joined {
    /// The archive, which may be empty, answers `LookupEvents` for both.
    pub fn new(archive: Archive, local: Arc<Local>) -> Self {
        Self { archive, local }
    }

    fn answer(&self, caller: &Caller, operation: Operation, input: &Value) -> Result<Value, ApiError> {
        let archived = || self.archive.answer(caller, operation, input);
        let local = || self.local.call(caller, operation, input);
        match operation {
            Operation::LookupEvents => archived(),
            Operation::ListPublicKeys => {
                self.archive.list_public_keys(&self.local.public_keys(), caller, input)
            }
            Operation::DescribeTrails => Ok(appended(local()?, archived()?, "trailList")),
            Operation::ListTrails => Ok(appended(local()?, archived()?, "Trails")),
            Operation::CreateTrail if self.is_archived(caller, input) => {
                let message = "The archive that this server serves has a trail of this name.";
                Err(ApiError::new(ErrorCode::TrailAlreadyExistsException, message))
            }
            Operation::CreateTrail => local(),
            _ => match local() {
                // what is not known here may be a trail of the archive, which says what it cannot do
                Err(error) if is_unknown(error.code) && self.is_archived(caller, input) => archived(),
                answer => answer,
            },
        }
    }

    /// Whether the call names a trail of the archive.
    fn is_archived(&self, caller: &Caller, input: &Value) -> bool {
        let names = ["Name", "TrailName", "ResourceId"].into_iter().filter_map(|member| input.get(member));
        let listed = input.get("ResourceIdList").and_then(Value::as_array).into_iter().flatten();
        names.chain(listed).filter_map(Value::as_str).any(|name| self.archive.has_trail(caller, name))
    }
}

impl Service for Joined {
    fn call(&self, caller: &Caller, operation: Operation, input: Value) -> Result<Value, ApiError> {
        self.answer(caller, operation, &input)
    }

    fn call_in(
        &self,
        context: &Context,
        caller: &Caller,
        operation: Operation,
        input: Value,
    ) -> Result<Value, ApiError> {
        let turn = self.local.turn(caller, operation);
        let result = self.answer(caller, operation, &input);
        let recorded = self.local.record_call(context, caller, operation, &input, &result);
        if let Some(turn) = turn {
            turn.end(caller.now);
        }
        match recorded {
            // what only reads must answer even when nothing can be written: it may tell why
            Err(_) if !operation.is_read_only() && result.is_ok() => {
                let message = "The call was carried out, but its event could not be written to the disk.";
                Err(ApiError::new(ErrorCode::InternalFailure, message))
            }
            _ => result,
        }
    }
}

/// Whether an error may mean a trail that is not local; those of an archive's organization may be of other accounts.
fn is_unknown(code: ErrorCode) -> bool {
    use ErrorCode::{CloudTrailARNInvalidException, ResourceNotFoundException, TrailNotFoundException};
    matches!(code, TrailNotFoundException | ResourceNotFoundException | CloudTrailARNInvalidException)
}

/// The first answer with the items of the second behind its own.
fn appended(mut one: Value, mut other: Value, member: &str) -> Value {
    let more = other.get_mut(member).and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    if let Some(items) = one.get_mut(member).and_then(Value::as_array_mut) {
        items.extend(more);
    }
    one
}
