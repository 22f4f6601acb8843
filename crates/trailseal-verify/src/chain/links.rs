//! How the digests of a chain follow one another, and what is missing between them.

use std::collections::BTreeSet;

use trailseal_archive::Timestamp;

use crate::{
    chain::{Chain, HOUR, Work, gap::Gap, is_standard, named_chain},
    chain_id::ChainId,
    digest::{Digest, Previous},
    finding::{Code, Finding, Severity},
};

/// What lies before a digest in its chain.
struct Step {
    /// The end of the newest older digest that can be relied on.
    older: Option<Timestamp>,
    /// Whether the digest itself can be.
    is_firm: bool,
}

impl<'a> Work<'a> {
    /// Orders the rows of each chain and judges every step from one digest to the next.
    pub(super) fn link(&mut self) {
        for index in 0..self.rows.len() {
            let row = &self.rows[index];
            let Some(id) = self.ids[index].clone() else { continue };
            if self.copies.contains_key(&index)
                || !self.policy.wants_chain(&id)
                || self.is_foreign(index, &id)
            {
                continue;
            }
            let new = Chain {
                id: id.clone(),
                rows: Vec::new(),
                unusable: Vec::new(),
                gaps: Vec::new(),
                missing: 0,
            };
            let chain = self.chains.entry(id).or_insert(new);
            let rows = if row.digest().is_some() { &mut chain.rows } else { &mut chain.unusable };
            rows.push(index);
        }
        let ids: Vec<ChainId> = self.chains.keys().cloned().collect();
        for id in &ids {
            let mut rows = std::mem::take(&mut self.chains.get_mut(id).expect("a key of the map").rows);
            rows.sort_by_key(|index| {
                let window = self.judgements[*index].window.map(|window| (window.end, window.start));
                (window, &self.rows[*index].found.path)
            });
            // What nothing proves ends no gap and begins none (row 88), unless nothing is proven at all.
            let is_authentic = |row: &usize| self.judgements[*row].is_authentic();
            let has_proof = rows.iter().any(is_authentic);
            let is_firm = |row: &usize| !has_proof || is_authentic(row);
            let firm: BTreeSet<Timestamp> = rows
                .iter()
                .filter(|row| is_firm(row))
                .filter_map(|row| Some(self.rows[*row].digest()?.end))
                .collect();
            for index in &rows {
                let digest = self.rows[*index].digest().expect("only digests are in chains");
                if self.is_in_scope(*index) {
                    let is_end = !self.successors.contains_key(&(&digest.bucket, &digest.object));
                    self.judge_window(*index, digest, id, is_end);
                }
                let older = firm.range(..digest.end).next_back().copied();
                let is_firm = !has_proof || self.judgements[*index].is_authentic();
                self.judge_step(*index, digest, id, &Step { older, is_firm });
            }
            self.chains.get_mut(id).expect("a key of the map").rows = rows;
        }
        self.report_holes_before_unusable();
    }

    fn judge_window(&mut self, index: usize, digest: &Digest, id: &ChainId, is_end: bool) {
        let length = digest.end.since(digest.start);
        let message = if length <= 0 {
            "its window ends before it starts".to_owned()
        } else if is_standard(id) && (length > HOUR + 60 || (length < HOUR - 60 && !is_end)) {
            format!("its window is {length} seconds long, not an hour")
        } else {
            return;
        };
        let finding = self.about(index, Code::WindowAnomaly, message);
        self.push(finding);
    }

    /// The step from a digest to its predecessor. What lies between them is in scope if either the digest or the
    /// span between is: a narrower scope hides nothing that the whole run finds in it.
    fn judge_step(&mut self, index: usize, digest: &'a Digest, id: &ChainId, step: &Step) {
        let is_in_scope = self.is_in_scope(index);
        let Some(previous) = &digest.previous else {
            if let Some(older) = step.older.filter(|_| is_standard(id) && step.is_firm)
                && (is_in_scope || self.policy.overlaps(older, digest.end))
            {
                self.report_gap(id, older, digest);
            }
            return;
        };
        if !is_in_scope && !step.is_firm {
            return;
        }
        let place = (previous.bucket.as_str(), previous.object.as_str());
        let claimants = self.claims.get(&place).map_or(&[][..], Vec::as_slice);
        let authentic = claimants.iter().find(|row| self.judgements[**row].is_authentic());
        let Some(predecessor) = authentic.or(claimants.first()).copied() else {
            if !self.is_occupied(place) {
                self.report_missing(index, digest, previous, id, step.older);
            }
            return;
        };
        // A file that claims the place and is not authentic has a finding of its own.
        if let Some(older) = self.rows[predecessor].digest()
            && (authentic.is_some() || !self.judgements[index].is_authentic())
            && (is_in_scope || self.policy.overlaps(older.end, digest.start))
        {
            self.judge_windows_meet(index, digest, older, id);
        }
    }

    /// Whether a file that is no digest, or could not be read, lies in this place.
    fn is_occupied(&self, (bucket, key): (&str, &str)) -> bool {
        let inflated = key.strip_suffix(".gz").unwrap_or(key);
        [key, inflated].iter().filter_map(|key| self.unusable_places.get(key)).flatten().any(|index| {
            let found = &self.rows[*index].found;
            found.bucket.as_deref().is_none_or(|found| found == bucket)
        })
    }

    fn judge_windows_meet(&mut self, index: usize, digest: &Digest, older: &Digest, id: &ChainId) {
        let distance = digest.start.since(older.end);
        // A window that runs backwards is an anomaly of its own; what it leaves open says nothing.
        let runs_backwards = digest.end <= digest.start || older.end <= older.start;
        if distance > 0 && is_standard(id) && !runs_backwards {
            let message =
                format!("{distance} seconds lie between this digest's window and its predecessor's");
            let finding =
                self.about(index, Code::WindowDiscontinuity, message).spanning(older.end, digest.start);
            self.push(finding);
            self.add_gap(id, older.end, digest.start, Code::WindowDiscontinuity, false);
        } else if distance < 0 && is_standard(id) {
            let message = format!("its window overlaps its predecessor's by {} seconds", -distance);
            let finding = self.about(index, Code::WindowAnomaly, message);
            self.push(finding);
        }
    }

    /// From the end of the chain to the start of the starting digest (row 33), whose own hour may have been without logging
    /// as well (row 66): who asks for that alone is told of the gap too.
    fn report_gap(&mut self, id: &ChainId, start: Timestamp, starting: &Digest) {
        let end = starting.start.max(start);
        let message = format!("the chain ends at {start}, and logging started anew at {}", starting.end);
        let finding = Finding::new(Code::Gap, message)
            .of_chain(id)
            .about(Some(&starting.bucket), &starting.object)
            .spanning(start, end);
        self.push(finding);
        self.add_gap(id, start, end, Code::Gap, false);
    }

    fn report_missing(
        &mut self,
        index: usize,
        digest: &Digest,
        previous: &Previous,
        id: &ChainId,
        older: Option<Timestamp>,
    ) {
        let end = named_chain(&previous.object).map_or(digest.start, |(_, end)| end);
        let start = older.map_or(end.plus(-HOUR), |older| older.max(end.plus(-HOUR)).min(end));
        let is_mapped = (self.is_mapped)(&previous.bucket, &previous.object);
        let is_before_scope = self.policy.start.is_some_and(|start| end <= start);
        let is_asked = |from, to| self.policy.overlaps(from, to);
        if !self.is_in_scope(index)
            && !is_asked(start, end)
            && !older.is_some_and(|older| is_asked(older, start))
        {
            return;
        }
        let code = match older {
            _ if !is_mapped => Code::DigestNotInArchive,
            None if is_standard(id) => Code::TailCut,
            _ => Code::DigestMissing,
        };
        let message = match code {
            Code::DigestNotInArchive => {
                "the predecessor lies in a bucket or prefix that is not part of the archive"
            }
            Code::TailCut => {
                "the oldest digest names a predecessor that is not there: deleted, expired, archived or not copied (a later --from leaves it out)"
            }
            _ => "a digest that its successor names is not there: deleted, expired, archived or not copied",
        };
        let mut finding = Finding::new(code, message)
            .about(Some(&previous.bucket), &previous.object)
            .of_chain(id)
            .said_by(&digest.object)
            .spanning(start, end);
        // What an unproven digest says of its predecessor is no proof.
        if !self.judgements[index].is_authentic() || is_before_scope {
            finding = finding.weighing(Severity::Unproven);
        }
        let is_violation = finding.severity == Severity::Violation;
        self.push(finding);
        if code == Code::DigestNotInArchive || is_before_scope {
            return;
        }
        self.add_gap(id, start, end, code, is_violation);
        self.add_missing(id, 1);
        if let Some(older) = older {
            self.report_hole(id, older, start, digest, is_violation);
        }
    }

    /// What lies before a missing digest: further missing ones if whole hours fit, else a gap.
    fn report_hole(&mut self, id: &ChainId, from: Timestamp, to: Timestamp, by: &Digest, proven: bool) {
        let seconds = to.since(from);
        if seconds <= 0 || !is_standard(id) || !self.policy.overlaps(from, to) {
            return;
        }
        if seconds % HOUR != 0 {
            let message = "no digest covers this span, and it is not one of whole hours";
            self.push(Finding::new(Code::Gap, message).of_chain(id).said_by(&by.object).spanning(from, to));
            return self.add_gap(id, from, to, Code::Gap, false);
        }
        let unusable = self.unusable_ends(id).iter().filter(|end| **end > from && **end <= to).count() as i64;
        let count = (seconds / HOUR - unusable).max(0) as u64;
        if count == 0 {
            return;
        }
        let severity = if proven { Severity::Violation } else { Severity::Unproven };
        let message = format!("{count} more digests are missing: the windows on both sides fit whole hours");
        let finding = Finding::new(Code::DigestsMissingInferred, message)
            .weighing(severity)
            .of_chain(id)
            .said_by(&by.object)
            .spanning(from, to)
            .counting(count);
        self.push(finding);
        self.add_gap(id, from, to, Code::DigestsMissingInferred, proven);
        self.add_missing(id, count);
    }

    /// The ends that the names of files without a usable digest state, for one chain.
    fn unusable_ends(&self, id: &ChainId) -> BTreeSet<Timestamp> {
        self.unusable_ends.get(id).cloned().unwrap_or_default()
    }

    /// A file that holds no digest names no predecessor: the hole before it is only a gap.
    fn report_holes_before_unusable(&mut self) {
        let ids: Vec<ChainId> = self.chains.keys().filter(|id| is_standard(id)).cloned().collect();
        for id in &ids {
            let unusable = self.unusable_ends(id);
            let rows = self.chains[id].rows.iter().filter_map(|row| self.rows[*row].digest());
            let mut ends: BTreeSet<Timestamp> = rows.map(|digest| digest.end).collect();
            let newest = ends.last().copied();
            ends.extend(&unusable);
            // Beyond the newest digest a name proves nothing: anybody can write one for the far future.
            let inside = unusable.iter().filter(|end| newest.is_some_and(|newest| **end < newest));
            for start in inside.map(|end| end.plus(-HOUR)) {
                let Some(older) = ends.range(..start.plus(HOUR)).next_back().copied() else { continue };
                let reported = self.chains[id].gaps.iter().any(|gap| gap.start <= older && gap.end >= start);
                if older < start && !reported && self.policy.overlaps(older, start) {
                    let message = "no digest covers this span, and the next digest file holds none";
                    self.push(Finding::new(Code::Gap, message).of_chain(id).spanning(older, start));
                    self.add_gap(id, older, start, Code::Gap, false);
                }
            }
        }
    }

    fn add_gap(&mut self, id: &ChainId, start: Timestamp, end: Timestamp, code: Code, is_violation: bool) {
        if let Some(chain) = self.chains.get_mut(id) {
            let gap = Gap { start, end, code, is_violation };
            if let Err(at) = chain.gaps.binary_search(&gap) {
                chain.gaps.insert(at, gap);
            }
        }
    }

    fn add_missing(&mut self, id: &ChainId, count: u64) {
        if let Some(chain) = self.chains.get_mut(id) {
            chain.missing += count;
        }
    }
}
