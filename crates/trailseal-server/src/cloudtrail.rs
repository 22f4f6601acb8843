//! The CloudTrail API over an archive, over local trails, or over both as one account that has the trails of both.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::{Value, json};
use trailseal_trails::Input;

use crate::{
    api::{ApiError, Caller, Context, ErrorCode, Operation},
    archive::{ArchiveTrails, MAX_TAGGED, keys},
    local::Local,
    lookup::Lookups,
    service::{CallAnswer, Service, TaggedResource},
};

/// Answers for the trails of an archive and the local trails of a data folder, of which only the latter can be changed,
/// and for the events of both. Where there are local trails, every call is recorded as an event.
#[derive(Debug)]
pub struct CloudTrail {
    lookups: Lookups,
    /// What is served of an archive, until it is read again.
    archive: RwLock<Option<Arc<ArchiveTrails>>>,
    local: Option<Arc<Local>>,
}

impl CloudTrail {
    /// Answers `LookupEvents` by `lookups`, and of trails what there is: of an archive, local ones, or none.
    pub fn new(lookups: Lookups, archive: Option<ArchiveTrails>, local: Option<Arc<Local>>) -> Self {
        Self { lookups, archive: RwLock::new(archive.map(Arc::new)), local }
    }

    /// Takes the trails of an archive that was read again.
    pub fn replace_archive(&self, archive: ArchiveTrails) {
        *self.archive.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(archive));
    }

    fn archive(&self) -> Option<Arc<ArchiveTrails>> {
        self.archive.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, caller: &Caller, operation: Operation, input: &Value) -> Result<CallAnswer, ApiError> {
        let answer = match operation {
            Operation::LookupEvents => return self.lookups.answer(caller, input).map(CallAnswer::Text),
            Operation::ListPublicKeys => self.list_public_keys(caller, input),
            _ => match (&self.local, self.archive()) {
                (Some(local), Some(archive)) => of_both(local, &archive, caller, operation, input),
                (Some(local), None) => local.call(caller, operation, input),
                (None, Some(archive)) => archive.answer(caller, operation, input),
                (None, None) => {
                    let message =
                        format!("This server has no trails: {} is not permitted.", operation.as_str());
                    Err(ApiError::new(ErrorCode::OperationNotPermittedException, message))
                }
            },
        };
        answer.map(CallAnswer::Value)
    }

    fn list_public_keys(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let local = self.local.as_ref().map(|local| local.public_keys());
        let archive = self.archive();
        let archived = archive.iter().flat_map(|archive| archive.public_keys());
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
    let own = || local.call(caller, operation, input);
    match operation {
        Operation::DescribeTrails => Ok(appended(own()?, archived()?, "trailList")),
        Operation::ListTrails => Ok(appended(own()?, archived()?, "Trails")),
        Operation::CreateTrail if is_archived(archive, caller, input) => {
            let message = "The archive that this server serves has a trail of this name.";
            Err(ApiError::new(ErrorCode::TrailAlreadyExistsException, message))
        }
        Operation::CreateTrail => own(),
        Operation::ListTags => tags_of_both(local, archive, caller, input),
        _ => match own() {
            // what is not known here may be a trail of the archive, which says what it cannot do
            Err(error) if is_unknown(error.code) && is_archived(archive, caller, input) => archived(),
            answer => answer,
        },
    }
}

/// The tags of trails of both, in the order in which they are asked for.
fn tags_of_both(
    local: &Local,
    archive: &ArchiveTrails,
    caller: &Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let own = |input: &Value| local.call(caller, Operation::ListTags, input);
    let archived = |input: &Value| archive.answer(caller, Operation::ListTags, input);
    let ids = Input::new(input)?.texts("ResourceIdList")?.unwrap_or_default();
    let (theirs, ours): (Vec<&String>, Vec<&String>) =
        ids.iter().partition(|id| archive.has_trail(caller, id));
    if theirs.is_empty() || ids.len() > MAX_TAGGED {
        return own(input);
    }
    if ours.is_empty() {
        return archived(input);
    }
    let of = |ids: Vec<&String>| {
        let mut input = input.clone();
        input["ResourceIdList"] = ids.into_iter().map(String::as_str).collect();
        input
    };
    let mut all = appended(own(&of(ours))?, archived(&of(theirs))?, "ResourceTagList");
    if let Some(items) = all.get_mut("ResourceTagList").and_then(Value::as_array_mut) {
        items.sort_by_key(|item| ids.iter().position(|id| item["ResourceId"] == **id));
    }
    Ok(all)
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
    ) -> Result<CallAnswer, ApiError> {
        let Some(local) = &self.local else { return self.answer(caller, operation, &input) };
        local.admit(caller)?;
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

    fn tagged_trails(&self, caller: &Caller) -> Vec<TaggedResource> {
        let ask = |operation, input: Value| {
            self.answer(caller, operation, &input).map(CallAnswer::into_value).unwrap_or_default()
        };
        let trails = ask(Operation::ListTrails, json!({}));
        let texts = |item: &Value, member: &str| item[member].as_str().unwrap_or_default().to_owned();
        let here = trails["Trails"].as_array().into_iter().flatten();
        let here = here.filter(|trail| texts(trail, "HomeRegion") == caller.region);
        here.map(|trail| {
            let arn = texts(trail, "TrailARN");
            let found = ask(Operation::ListTags, json!({ "ResourceIdList": [arn] }));
            let tags = found["ResourceTagList"][0]["TagsList"].as_array().into_iter().flatten();
            let tags = tags.map(|tag| (texts(tag, "Key"), texts(tag, "Value"))).collect();
            TaggedResource { arn, tags }
        })
        .collect()
    }

    fn regions(&self) -> BTreeSet<String> {
        self.archive().as_deref().map(ArchiveTrails::regions).unwrap_or_default()
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
