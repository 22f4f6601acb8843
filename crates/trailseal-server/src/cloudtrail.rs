//! The CloudTrail API over an archive, over local trails, or over both as one account that has the trails of both.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    api::{ApiError, Caller, Context, ErrorCode, Operation},
    archive::{ArchiveTrails, keys},
    local::Local,
    lookup::Lookups,
    service::Service,
};

/// Answers for the trails of an archive and the local trails of a data folder, of which only the latter can be changed,
/// and for the events of both. Where there are local trails, every call is recorded as an event.
#[derive(Debug)]
pub struct CloudTrail {
    lookups: Lookups,
    archive: Option<ArchiveTrails>,
    local: Option<Arc<Local>>,
}

impl CloudTrail {
    /// Answers `LookupEvents` by `lookups`, and of trails what there is: of an archive, local ones, or none.
    pub fn new(lookups: Lookups, archive: Option<ArchiveTrails>, local: Option<Arc<Local>>) -> Self {
        Self { lookups, archive, local }
    }

    fn answer(&self, caller: &Caller, operation: Operation, input: &Value) -> Result<Value, ApiError> {
        match operation {
            Operation::LookupEvents => self.lookups.answer(caller, input),
            Operation::ListPublicKeys => self.list_public_keys(caller, input),
            _ => match (&self.local, &self.archive) {
                (Some(local), Some(archive)) => of_both(local, archive, caller, operation, input),
                (Some(local), None) => local.call(caller, operation, input),
                (None, Some(archive)) => archive.answer(caller, operation, input),
                (None, None) => {
                    let message =
                        format!("This server has no trails: {} is not permitted.", operation.as_str());
                    Err(ApiError::new(ErrorCode::OperationNotPermittedException, message))
                }
            },
        }
    }

    fn list_public_keys(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let local = self.local.as_ref().map(|local| local.public_keys());
        let archived = self.archive.iter().flat_map(ArchiveTrails::public_keys);
        keys::list(archived.chain(local.iter().flat_map(|keys| keys.iter())), caller, input)
    }
}

/// The answer of an account that has local trails and those of an archive.
fn of_both(
    local: &Local,
    archive: &ArchiveTrails,
    caller: &Caller,
    operation: Operation,
    input: &Value,
) -> Result<Value, ApiError> {
    let archived = || archive.answer(caller, operation, input);
    let local = || local.call(caller, operation, input);
    match operation {
        Operation::DescribeTrails => Ok(appended(local()?, archived()?, "trailList")),
        Operation::ListTrails => Ok(appended(local()?, archived()?, "Trails")),
        Operation::CreateTrail if is_archived(archive, caller, input) => {
            let message = "The archive that this server serves has a trail of this name.";
            Err(ApiError::new(ErrorCode::TrailAlreadyExistsException, message))
        }
        Operation::CreateTrail => local(),
        _ => match local() {
            // what is not known here may be a trail of the archive, which says what it cannot do
            Err(error) if is_unknown(error.code) && is_archived(archive, caller, input) => archived(),
            answer => answer,
        },
    }
}

/// Whether the call names a trail of the archive.
fn is_archived(archive: &ArchiveTrails, caller: &Caller, input: &Value) -> bool {
    let names = ["Name", "TrailName", "ResourceId"].into_iter().filter_map(|member| input.get(member));
    let listed = input.get("ResourceIdList").and_then(Value::as_array).into_iter().flatten();
    names.chain(listed).filter_map(Value::as_str).any(|name| archive.has_trail(caller, name))
}

impl Service for CloudTrail {
    fn call(
        &self,
        context: &Context,
        caller: &Caller,
        operation: Operation,
        input: Value,
    ) -> Result<Value, ApiError> {
        let Some(local) = &self.local else { return self.answer(caller, operation, &input) };
        let turn = local.turn(caller, operation);
        let result = self.answer(caller, operation, &input);
        let recorded = local.record_call(context, caller, operation, &input, &result);
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
