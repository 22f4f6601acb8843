//! `StartLogging` and `StopLogging`: repeated calls succeed (docs/spec/wire-protocol.md 4.4), and change nothing (I).
//!
//! Stopping disables Insights (D, docs/spec/selectors-and-insights.md 3.4); that the selectors are gone then, and that
//! starting again does not bring them back, is our reading of it (I).

use super::{Call, Outcome};
use crate::{
    answer::OperationAnswer,
    error::ApiError,
    state::{Change, Trail},
};

impl Call<'_> {
    pub(super) fn start_logging(self) -> Result<Outcome, ApiError> {
        let trail = self.named_trail_at_home("Name")?;
        if trail.logging.is_on {
            return Ok((OperationAnswer::empty(), None));
        }
        let mut trail = Trail::clone(trail);
        trail.logging.is_on = true;
        trail.logging.started = Some(self.caller.now);
        Ok((OperationAnswer::empty(), Some(Change::put(trail))))
    }

    pub(super) fn stop_logging(self) -> Result<Outcome, ApiError> {
        let trail = self.named_trail_at_home("Name")?;
        if !trail.logging.is_on {
            return Ok((OperationAnswer::empty(), None));
        }
        let mut trail = Trail::clone(trail);
        trail.logging.is_on = false;
        trail.logging.stopped = Some(self.caller.now);
        trail.insights = Vec::new();
        Ok((OperationAnswer::empty(), Some(Change::put(trail))))
    }
}
