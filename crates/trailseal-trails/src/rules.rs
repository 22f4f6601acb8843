//! The rules of every operation, as functions of what is known of an account, of who calls, and of the request.
//!
//! No clock, no input or output but what an [`Environment`] does: the time is the caller's, and what a call
//! changes is returned, not done.

use serde_json::Value;

use crate::{
    Caller, Environment, Operation,
    answer::OperationAnswer,
    error::{ApiError, ErrorCode},
    input::Input,
    names::{is_account, is_region},
    state::{Account, Change},
};

mod find;
mod logging;
mod read;
mod selectors;
mod settings;
mod tags;
#[cfg(test)]
mod tests;
mod write;

pub use find::TrailId;

/// What a call does: the answer, and what it changes.
pub type Outcome = (OperationAnswer, Option<Change>);

/// One call. The account is the caller's.
///
/// # Errors
/// What the service answers instead. `LookupEvents` and `ListPublicKeys` are not about trails, and an
/// `UnknownOperationException` here.
pub fn apply(
    account: &Account,
    caller: &Caller,
    operation: Operation,
    input: &Value,
    environment: &dyn Environment,
) -> Result<Outcome, ApiError> {
    if !is_account(&caller.account) || !is_region(&caller.region) {
        return Err(ApiError::new(
            ErrorCode::InvalidSignatureException,
            "Credential should be scoped to a valid region.",
        ));
    }
    let call = Call { account, caller, input: Input::new(input)?, environment };
    match operation {
        Operation::AddTags => call.add_tags(),
        Operation::CreateTrail => call.create_trail(),
        Operation::DeleteTrail => call.delete_trail(),
        Operation::DescribeTrails => call.describe_trails(),
        Operation::GetEventSelectors => call.event_selectors(),
        Operation::GetInsightSelectors => call.insight_selectors(),
        Operation::GetTrail => call.trail(),
        Operation::GetTrailStatus => call.trail_status(),
        Operation::ListTags => call.list_tags(),
        Operation::ListTrails => call.list_trails(),
        Operation::PutEventSelectors => call.put_event_selectors(),
        Operation::PutInsightSelectors => call.put_insight_selectors(),
        Operation::RemoveTags => call.remove_tags(),
        Operation::StartLogging => call.start_logging(),
        Operation::StopLogging => call.stop_logging(),
        Operation::UpdateTrail => call.update_trail(),
        Operation::ListPublicKeys | Operation::LookupEvents => {
            Err(ApiError::new(ErrorCode::UnknownOperationException, ""))
        }
    }
}

/// A call and what it is about.
#[derive(Clone, Copy)]
struct Call<'a> {
    account: &'a Account,
    caller: &'a Caller,
    input: Input<'a>,
    environment: &'a dyn Environment,
}
