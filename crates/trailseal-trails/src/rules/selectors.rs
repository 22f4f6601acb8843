//! Event selectors and insight selectors of a trail (docs/spec/selectors-and-insights.md 3.1, 3.2, 3.4).
//!
//! There are no event data stores here: naming one is an `UnsupportedOperationException`, naming one beside a trail
//! an `InvalidParameterCombinationException` (I).

use super::{Call, Outcome};
use crate::{
    answer::{Body, OperationAnswer},
    error::{ApiError, ErrorCode},
    insights,
    selectors::{self, SelectorsDocument},
    state::{Change, Trail},
};

impl Call<'_> {
    pub(super) fn event_selectors(self) -> Result<Outcome, ApiError> {
        let trail = self.named_trail_by_arn("TrailName")?;
        let answer = SelectorsDocument::of(trail.arn(), &selectors::sorted(&trail.selectors));
        Ok((OperationAnswer(Body::EventSelectors(answer)), None))
    }

    pub(super) fn put_event_selectors(self) -> Result<Outcome, ApiError> {
        let before = self.named_trail_at_home("TrailName")?;
        let mut trail = Trail::clone(before);
        trail.selectors = selectors::read(self.input, &|kind| self.environment.takes_resource_type(kind))?;
        trail.note_change(before, self.caller.now);
        let answer = SelectorsDocument::of(trail.arn(), &trail.selectors);
        Ok((OperationAnswer(Body::EventSelectors(answer)), Some(Change::put(trail))))
    }

    pub(super) fn insight_selectors(self) -> Result<Outcome, ApiError> {
        self.check_no_event_data_store()?;
        let trail = self.named_trail("TrailName")?;
        if trail.insights.is_empty() {
            return Err(ApiError::new(
                ErrorCode::InsightNotEnabledException,
                format!(
                    "Trail {} does not have Insights enabled. Edit the trail settings to enable Insights, and then try the operation again.",
                    trail.arn()
                ),
            ));
        }
        Ok((OperationAnswer(insights_of(trail)), None))
    }

    pub(super) fn put_insight_selectors(self) -> Result<Outcome, ApiError> {
        self.check_no_event_data_store()?;
        let trail = self.named_trail_at_home("TrailName")?;
        let received = self.input.structures("InsightSelectors", insights::Received::read)?;
        let received = received.ok_or_else(|| insights::invalid("InsightSelectors are required."))?;
        let mut trail = Trail::clone(trail);
        trail.insights = insights::validate(received, &trail.selectors)?;
        if !trail.insights.is_empty() {
            self.write_marker(&trail, "CloudTrail-Insight")?;
        }
        Ok((OperationAnswer(insights_of(&trail)), Some(Change::put(trail))))
    }

    fn check_no_event_data_store(self) -> Result<(), ApiError> {
        let store = self.input.text("EventDataStore")?.or(self.input.text("InsightsDestination")?);
        match (self.input.text("TrailName")?, store) {
            (Some(_), Some(_)) => Err(ApiError::new(
                ErrorCode::InvalidParameterCombinationException,
                "You cannot specify TrailName together with EventDataStore or InsightsDestination.",
            )),
            (None, Some(_)) => Err(ApiError::new(
                ErrorCode::UnsupportedOperationException,
                "Event data stores are not supported.",
            )),
            (None, None) => Err(ApiError::new(
                ErrorCode::InvalidParameterException,
                "Specify either TrailName or EventDataStore.",
            )),
            (Some(_), None) => Ok(()),
        }
    }
}

fn insights_of(trail: &Trail) -> Body {
    Body::InsightSelectors { trail_arn: trail.arn(), selectors: trail.insights.clone() }
}
