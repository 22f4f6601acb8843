//! One trail: its turns, and what is on the disk before each.

use std::path::{Path, PathBuf};

use trailseal_archive::{Timestamp, trail::DeliveredTrail};

use super::digests::DigestWriter;
use super::keyring::SigningKeys;
use super::logs::{self, gather};
use super::rebuild::{DeliveredEvents, delivered_events};
use super::state::{Chain, Closing, Delivery, TrailState};
use super::{Context, Due, LiveError, TrailOutcome, second_of};
use crate::journal::disk::Disk;

/// After a pause of more windows than these, the first digest covers all but so many of them: a digest an
/// hour is wanted, but not ten thousand after a year.
const CATCH_UP: i64 = 48;

/// A trail that logs, or did.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) state: TrailState,
    path: PathBuf,
    /// The position in the state's file; entries from there on may be wanted again after a crash.
    pub(super) saved: Option<u64>,
    is_dirty: bool,
    /// When the last delivery was tried, by the clock as it was given.
    last_try: Option<Timestamp>,
    /// What lies in the bucket, where the state was lost and is compared with that.
    delivered: Option<DeliveredEvents>,
}

impl Trail {
    pub(super) fn new(state: TrailState, path: PathBuf, is_saved: bool) -> Self {
        let saved = is_saved.then_some(state.position);
        Self { state, path, saved, is_dirty: !is_saved, last_try: None, delivered: None }
    }

    /// One whose state was lost.
    pub(super) fn rebuilt(state: TrailState, path: PathBuf, delivered: DeliveredEvents) -> Self {
        Self { delivered: Some(delivered), ..Self::new(state, path, false) }
    }

    /// Goes back to the end of a journal; where it was, if that was behind it.
    pub(super) fn follow_journal(&mut self, end: u64) -> Option<u64> {
        let planned = self.state.delivering.as_mut().map(|plan| &mut plan.to);
        let furthest = planned.as_deref().copied().unwrap_or_default().max(self.state.position);
        if furthest <= end {
            return None;
        }
        if let Some(to) = planned {
            *to = (*to).min(end);
        }
        self.state.position = self.state.position.min(end);
        self.is_dirty = true;
        Some(furthest)
    }

    /// Whether entries must be kept for it.
    pub(super) fn is_busy(&self) -> bool {
        self.state.active || self.state.delivering.is_some() || self.state.closing.is_some()
    }

    /// Does what is due. `spec` is the trail as it is now, `None` if it does not log any more.
    pub(super) fn run(
        &mut self,
        spec: Option<&DeliveredTrail>,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) {
        let is_due = cx.round.due == Due::Everything || self.is_delivery_due(cx);
        let changed = self.resume(cx, keys, out) && self.follow(spec, cx, keys, out);
        if self.state.active && cx.round.due != Due::Turns {
            if let Err(error) = self.keep_digests(cx, keys, out) {
                out.digest_error = Some(error);
            }
            if changed && is_due {
                self.last_try = Some(cx.round.now);
                if let Err(error) = self.deliver(None, cx, out) {
                    out.delivery_error = Some(error);
                } else if let Err(error) = self.start_chains(cx, keys, out) {
                    out.digest_error = Some(error);
                } else if cx.round.due == Due::Everything
                    && let Err(error) = self.sign_what_is_there(cx, keys, out)
                {
                    out.digest_error = Some(error);
                }
            }
        }
        if let Err(error) = self.commit(&cx.options.disk) {
            out.delivery_error.get_or_insert(error);
        }
        out.is_finished = !self.is_busy();
    }

    fn is_delivery_due(&self, cx: &Context<'_>) -> bool {
        let passed = |last: Timestamp| cx.round.now.since(last);
        // a clock that went back must not put deliveries off
        self.last_try.is_none_or(|last| passed(last) < 0 || passed(last) >= cx.options.delivery_interval)
    }

    /// Ends what a crash or an error interrupted; whether entries can be delivered now.
    fn resume(&mut self, cx: &Context<'_>, keys: &mut SigningKeys, out: &mut TrailOutcome) -> bool {
        // begun chains too: a change of the trail could give their first digests another place
        let signed = self.start_chains(cx, keys, out).and_then(|()| self.finish_closing(cx, keys, out));
        out.digest_error = signed.err();
        let delivered = self.finish_delivery(cx, out);
        out.delivery_error = delivered.err();
        out.delivery_error.is_none()
    }

    /// Brings the state to what the trail is now; false when that has to be tried again.
    fn follow(
        &mut self,
        spec: Option<&DeliveredTrail>,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> bool {
        if let Some(reason) = spec.and_then(|spec| spec.check().err()) {
            // what it was before is delivered on
            out.delivery_error = Some(LiveError::Trail { reason });
            return self.state.active;
        }
        if self.state.active {
            let old = &self.state.spec;
            let stop = match spec {
                None => Some(None),
                Some(new) if new.logging_since != old.logging_since => Some(Some(new.logging_since)),
                Some(new) => new.logging_until.map(Some),
            };
            if let Some(limit) = stop {
                if !self.stop(limit, cx, keys, out) {
                    return false;
                }
            } else if let Some(new) = spec.filter(|new| **new != *old) {
                return self.change(new, cx, keys, out);
            }
        }
        match spec {
            Some(new) if !self.state.active && self.is_unfinished(new) => {
                self.start(new, cx);
                match new.logging_until {
                    Some(limit) => self.stop(Some(limit), cx, keys, out),
                    None => true,
                }
            }
            _ => true,
        }
    }

    /// Whether a run of a trail that is not active is still to be delivered: one that goes on, or one that
    /// began and ended between two calls.
    fn is_unfinished(&self, spec: &DeliveredTrail) -> bool {
        spec.logging_until.is_none() || self.state.finished != Some(spec.logging_since)
    }

    fn start(&mut self, spec: &DeliveredTrail, cx: &Context<'_>) {
        let state = &mut self.state;
        state.spec = DeliveredTrail { logging_until: None, ..spec.clone() };
        state.active = true;
        state.position = state.position.max(cx.round.journal.first().0);
        state.skip_before = Some(spec.logging_since);
        if spec.validation {
            self.open_windows(second_of(spec.logging_since), cx);
        }
        self.is_dirty = true;
    }

    fn open_windows(&mut self, at: Timestamp, cx: &Context<'_>) {
        let state = &mut self.state;
        state.window_start = Some(state.chain_start(at));
        state.chains.insert(state.spec.home_region.clone(), Chain::default());
        if state.spec.multi_region {
            for region in &cx.options.regions {
                state.chains.insert(region.clone(), Chain::default());
            }
        }
        self.is_dirty = true;
    }

    /// Delivers the rest and the final digests; false when that has to be tried again.
    fn stop(
        &mut self,
        limit: Option<i64>,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> bool {
        // the final digest is only of the window in which it ends
        if let Err(error) = self.close_windows(cx.clock.plus(-1), cx, keys, out) {
            out.digest_error = Some(error);
            return false;
        }
        if let Err(error) = self.deliver(limit, cx, out) {
            out.delivery_error = Some(error);
            return false;
        }
        if let Err(error) = self.end_chains(cx, keys, out) {
            out.digest_error = Some(error);
            return false;
        }
        self.state.active = false;
        self.state.finished = Some(self.state.spec.logging_since);
        self.is_dirty = true;
        true
    }

    /// Delivers as the trail was, up to the change; false when that has to be tried again.
    fn change(
        &mut self,
        new: &DeliveredTrail,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> bool {
        if let Err(error) = self.deliver(Some(new.changed), cx, out) {
            out.delivery_error = Some(error);
            return false;
        }
        if !new.validation
            && let Err(error) = self.end_chains(cx, keys, out)
        {
            out.digest_error = Some(error);
            return false;
        }
        if self.state.closing.is_some() {
            // digests that are being written belong to the old bucket and prefix
            return false;
        }
        self.state.spec = new.clone();
        self.is_dirty = true;
        if new.validation && self.state.window_start.is_none() {
            self.open_windows(second_of(new.changed), cx);
        }
        true
    }

    /// Starting digests, and those of windows that are over.
    fn keep_digests(
        &mut self,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        self.start_chains(cx, keys, out)?;
        self.close_windows(cx.clock, cx, keys, out)
    }

    /// The digests of all windows that end by a time.
    fn close_windows(
        &mut self,
        by: Timestamp,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        let interval = cx.options.digest_interval.max(1);
        while let Some(start) = self.state.window_start {
            let over = by.since(start) / interval;
            if over < 1 || self.state.closing.is_some() {
                break;
            }
            let end = start.plus(interval * (over - CATCH_UP + 1).max(1));
            self.begin_closing(Closing { end, is_final: false });
            self.finish_closing(cx, keys, out)?;
        }
        Ok(())
    }

    fn start_chains(
        &mut self,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        if self.state.window_start.is_none() || self.state.chains.values().all(|c| c.previous.is_some()) {
            return Ok(());
        }
        self.commit(&cx.options.disk)?;
        let started = writer(cx, keys).start_chains(&mut self.state);
        self.is_dirty = true;
        out.note_digests(started?, cx);
        self.commit(&cx.options.disk)
    }

    /// Ends the window before its time if log files are there that no digest names yet.
    fn sign_what_is_there(
        &mut self,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        let Some(start) = self.state.window_start else { return Ok(()) };
        if self.state.chains.values().all(|chain| chain.logs.is_empty()) {
            return Ok(());
        }
        self.close_now(start, false, cx, keys, out)
    }

    /// The final digests, if chains run.
    fn end_chains(
        &mut self,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        self.start_chains(cx, keys, out)?;
        self.finish_closing(cx, keys, out)?;
        let Some(start) = self.state.window_start else { return Ok(()) };
        self.close_now(start, true, cx, keys, out)
    }

    /// Ends the window that began at `start`, whatever the interval.
    fn close_now(
        &mut self,
        start: Timestamp,
        is_final: bool,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        self.begin_closing(Closing { end: cx.clock.max(start.plus(1)), is_final });
        self.finish_closing(cx, keys, out)
    }

    fn begin_closing(&mut self, closing: Closing) {
        for chain in self.state.chains.values_mut() {
            chain.sealed.append(&mut chain.logs);
        }
        self.state.closing = Some(closing);
        self.is_dirty = true;
    }

    fn finish_closing(
        &mut self,
        cx: &Context<'_>,
        keys: &mut SigningKeys,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        let Some(closing) = self.state.closing else { return Ok(()) };
        self.start_chains(cx, keys, out)?;
        self.commit(&cx.options.disk)?;
        let newest = writer(cx, keys).close(&self.state, closing)?;
        out.note_digests(newest.len() as u64, cx);
        let state = &mut self.state;
        for (region, previous) in newest {
            if let Some(chain) = state.chains.get_mut(&region) {
                chain.previous = Some(previous);
                chain.sealed.clear();
            }
        }
        state.last_end = Some(closing.end);
        state.window_start = Some(closing.end);
        state.closing = None;
        if closing.is_final {
            state.window_start = None;
            state.chains.clear();
        }
        self.is_dirty = true;
        self.commit(&cx.options.disk)
    }

    /// Delivers all entries that are there, up to the first one received at `limit` or later.
    fn deliver(
        &mut self,
        limit: Option<i64>,
        cx: &Context<'_>,
        out: &mut TrailOutcome,
    ) -> Result<(), LiveError> {
        loop {
            self.finish_delivery(cx, out)?;
            self.prepare_comparison(cx)?;
            let delivered = self.delivered.get_or_insert_default();
            let gathered = gather(&self.state, limit, delivered, cx)?;
            for (event, count) in gathered.left_out {
                delivered.entry(event).and_modify(|left| *left = left.saturating_sub(count));
            }
            self.state.skip_before = gathered.skip_before;
            if !gathered.files.is_empty() {
                self.state.delivering = Some(Delivery { to: gathered.to, files: gathered.files });
                self.is_dirty = true;
                self.finish_delivery(cx, out)?;
            } else if gathered.to != self.state.position {
                self.state.position = gathered.to;
                self.is_dirty = true;
            }
            if gathered.is_all {
                return self.commit(&cx.options.disk);
            }
        }
    }

    /// Reads what lies in the bucket, if it is to be compared and was not read yet.
    fn prepare_comparison(&mut self, cx: &Context<'_>) -> Result<(), LiveError> {
        let state = &mut self.state;
        if state.compare_until.is_some_and(|until| until <= state.position) {
            state.compare_until = None;
            self.delivered = None;
            self.is_dirty = true;
        }
        if state.compare_until.is_some() && self.delivered.is_none() {
            let buckets = &cx.options.folders.buckets;
            self.delivered = Some(delivered_events(&state.spec, cx.round.journal, buckets)?);
        }
        Ok(())
    }

    fn finish_delivery(&mut self, cx: &Context<'_>, out: &mut TrailOutcome) -> Result<(), LiveError> {
        if self.state.delivering.is_none() {
            return Ok(());
        }
        let disk = &cx.options.disk;
        self.commit(disk)?;
        let Some(plan) = &mut self.state.delivering else { return Ok(()) };
        let mut is_whole = true;
        for file in plan.files.iter_mut().filter(|file| !file.is_written) {
            let path = cx.options.folders.buckets.join(&file.row.bucket).join(&file.row.key);
            let failed = |source| LiveError::write(&path, source);
            if let Some(content) = &file.content {
                disk.replace(&path, content, false).map_err(failed)?;
                file.is_written = true;
                file.content = None;
            } else if logs::is_there(&path, &file.row)? {
                // after a restart: it was written, and its name may not be durable yet
                disk.sync_folder(path.parent().unwrap_or(&path)).map_err(failed)?;
                file.is_written = true;
            } else {
                disk.remove(&path).map_err(failed)?;
                disk.remove(&crate::journal::disk::temporary_name(&path)).map_err(failed)?;
                is_whole = false;
            }
        }
        let Some(plan) = self.state.delivering.take() else { return Ok(()) };
        for file in plan.files.into_iter().filter(|file| file.is_written) {
            out.note_log(file.events, cx);
            if self.state.window_start.is_some() {
                self.state.chains.entry(file.region).or_default().logs.push(file.row);
            }
        }
        if is_whole {
            self.state.position = plan.to;
        }
        self.is_dirty = true;
        self.commit(disk)
    }

    /// Saves the state if it changed. Nothing is written into a bucket before this has succeeded.
    fn commit(&mut self, disk: &Disk) -> Result<(), LiveError> {
        if self.is_dirty {
            self.state.save(&self.path, disk)?;
            self.is_dirty = false;
            self.saved = Some(self.state.position);
        }
        Ok(())
    }
}

fn writer<'a>(cx: &'a Context<'_>, keys: &'a mut SigningKeys) -> DigestWriter<'a> {
    let buckets: &Path = &cx.options.folders.buckets;
    DigestWriter { buckets, gzip_level: cx.options.gzip_level, disk: &cx.options.disk, keys }
}
