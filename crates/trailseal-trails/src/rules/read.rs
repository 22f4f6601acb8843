//! `DescribeTrails`, `GetTrail`, `ListTrails`, `GetTrailStatus` (docs/spec/wire-protocol.md 4.3).
//!
//! Ours (I): trails that are named are described in the order of the request and once, an empty list of names is no
//! list, and `ListTrails` has one page and ignores tokens (it declares no error for them).

use super::{Call, Outcome, find::TrailId};
use crate::{
    answer::{Body, OperationAnswer, TrailAnswer, TrailInfo},
    error::ApiError,
    state::Trail,
    status::Status,
};

impl Call<'_> {
    pub(super) fn describe_trails(self) -> Result<Outcome, ApiError> {
        let names = self.input.texts("trailNameList")?.unwrap_or_default();
        let with_shadows = self.input.flag("includeShadowTrails")?.unwrap_or(true);
        let is_wanted = |trail: &Trail| with_shadows || trail.home_region == self.caller.region;
        let ids: Vec<_> = names.iter().map(|name| TrailId::parse(name)).collect::<Result<_, _>>()?;
        let found: Vec<_> = if ids.is_empty() {
            self.account.visible_in(&self.caller.region).collect()
        } else {
            // one of another account is as unknown as any
            ids.into_iter().filter_map(|id| self.find(id).ok().flatten()).collect()
        };
        let mut trails: Vec<TrailAnswer> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for trail in found {
            if is_wanted(trail) && seen.insert(trail.arn()) {
                trails.push(TrailAnswer::full(trail));
            }
        }
        Ok((OperationAnswer(Body::DescribeTrails { trails }), None))
    }

    pub(super) fn trail(self) -> Result<Outcome, ApiError> {
        let trail = Box::new(TrailAnswer::full(self.named_trail("Name")?));
        Ok((OperationAnswer(Body::GetTrail { trail }), None))
    }

    pub(super) fn list_trails(self) -> Result<Outcome, ApiError> {
        self.input.text("NextToken")?;
        let info = |trail: &Trail| TrailInfo {
            trail_arn: trail.arn(),
            name: trail.name.clone(),
            home_region: trail.home_region.clone(),
        };
        let trails = self.account.trails().map(|trail| info(trail)).collect();
        Ok((OperationAnswer(Body::ListTrails { trails }), None))
    }

    pub(super) fn trail_status(self) -> Result<Outcome, ApiError> {
        let status = Status::of(self.named_trail_by_arn("Name")?);
        Ok((OperationAnswer(Body::Status(Box::new(status))), None))
    }
}
