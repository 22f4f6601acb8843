//! Which chain and hour a row speaks of, and whether it was asked for.
//!
//! An authentic digest is believed. What any other file says of itself, whoever wrote it may have chosen so that
//! nobody looks at it: then what its place says counts as well (docs/spec/verification.md 5, row 81).

use std::collections::HashMap;

use trailseal_archive::{
    Timestamp,
    key::{DigestName, KeyParts},
};

use crate::{
    chain::{HOUR, Work, digests, named_predecessor},
    chain_id::{ChainId, Interval},
    examine::{DigestContent, named_chain},
};

const DAY: i64 = 24 * HOUR;

impl Work<'_> {
    /// Says of every row which chain and which window it speaks of.
    pub(super) fn place_rows(&mut self) {
        self.ids = (0..self.rows.len()).map(|index| self.chain_of(index)).collect();
        self.join_chains();
        for index in 0..self.rows.len() {
            self.judgements[index].window = self.window_of(index);
        }
    }

    fn chain_of(&self, index: usize) -> Option<ChainId> {
        let row = &self.rows[index];
        let by_place = || named_chain(&row.found.key).map(|(id, _)| id);
        match &row.content {
            DigestContent::Digest(_, id) if self.judgements[index].is_authentic() => Some(id.clone()),
            DigestContent::Digest(_, id) => Some(by_place().unwrap_or_else(|| id.clone())),
            DigestContent::Unusable(..) => by_place(),
        }
    }

    fn window_of(&self, index: usize) -> Option<Interval> {
        let row = &self.rows[index];
        let by_place =
            || named_chain(&row.found.key).map(|(_, end)| Interval { start: end.plus(-HOUR), end });
        let DigestContent::Digest(digest, id) = &row.content else { return by_place() };
        let says = Interval { start: digest.start, end: digest.end };
        if self.judgements[index].is_authentic() {
            return Some(says);
        }
        let differs =
            |place: &Interval| place.end != says.end || says.start >= says.end || !self.is_of(index, id);
        by_place().filter(differs).or(Some(says))
    }

    /// Whether a row speaks of this chain, whatever the organization: it changes with the trail.
    fn is_of(&self, index: usize, id: &ChainId) -> bool {
        self.ids[index].as_ref().is_some_and(|own| own.is_same_but_organization(id))
    }

    /// A trail that becomes an organization's, or stops being one, goes on with its chain in other folders: a
    /// signed pointer makes one chain of both (row 71). The newest digest gives it its name.
    fn join_chains(&mut self) {
        let mut newer: HashMap<ChainId, (ChainId, Timestamp)> = HashMap::new();
        for (index, digest) in digests(self.rows) {
            let Some((place, hash)) = named_predecessor(&self.rows[index]) else { continue };
            let Some(id) = self.ids[index].as_ref().filter(|_| self.judgements[index].is_authentic()) else {
                continue;
            };
            for older in self.claims.get(&place).into_iter().flatten() {
                let Some(of) = &self.ids[*older] else { continue };
                let is_crossing = of != id && of.is_same_but_organization(id);
                if self.rows[*older].sha256 == hash && is_crossing {
                    let known = newer.entry(of.clone()).or_insert_with(|| (id.clone(), digest.end));
                    if known.1 < digest.end {
                        *known = (id.clone(), digest.end);
                    }
                }
            }
        }
        for id in self.ids.iter_mut().flatten() {
            // From one step to the next the pointers are younger, so that this ends.
            let mut since = None;
            while let Some((next, end)) = newer.get(id).filter(|(_, end)| since < Some(*end)) {
                (*id, since) = (next.clone(), Some(*end));
            }
        }
    }

    /// Whether a row is judged at all: in the asked span, and of an asked trail.
    pub(super) fn is_in_scope(&self, index: usize) -> bool {
        let row = &self.rows[index];
        let DigestContent::Digest(digest, id) = &row.content else {
            return self.is_place_in_scope(&row.found.key);
        };
        let says = self.policy.wants_chain(id) && self.policy.overlaps(digest.start, digest.end);
        if self.judgements[index].is_authentic() && self.is_in_place(index, digest) {
            return says;
        }
        says || self.is_place_in_scope(&row.found.key) || self.is_place_in_scope(&digest.object)
    }

    /// Whether what lies in a place may be of what was asked for, as far as folders and name tell.
    fn is_place_in_scope(&self, key: &str) -> bool {
        let policy = self.policy;
        let folders = KeyParts::parse(key);
        let name = key.rsplit('/').next().and_then(|name| DigestName::parse(name).ok());
        let says = [
            folders.as_ref().map(|parts| policy.wants_place(parts.account, parts.region)),
            named_chain(key).map(|(id, _)| policy.wants_chain(&id)),
        ];
        let is_asked = says.iter().flatten().any(|wanted| *wanted) || says.iter().all(Option::is_none);
        let is_of_other_trail = name.as_ref().is_some_and(|name| {
            !policy.trails.is_empty() && policy.trails.iter().all(|trail| trail != name.trail)
        });
        let stamp = name.as_ref().map(|name| name.end);
        let day = folders.and_then(|parts| parts.day());
        // A stamp of its folder's day says the hour; one of another day says nothing.
        let is_of_day = |stamp: Timestamp, day: Timestamp| (0..DAY).contains(&stamp.since(day));
        let is_dated = stamp.zip(day).is_some_and(|(stamp, day)| is_of_day(stamp, day));
        let by_stamp = stamp.map(|stamp| policy.overlaps(stamp.plus(-HOUR), stamp));
        let by_day = day.filter(|_| !is_dated).map(|day| policy.overlaps(day, day.plus(DAY)));
        let is_then = match (by_stamp, by_day) {
            (None, None) => true,
            (by_stamp, by_day) => by_stamp == Some(true) || by_day == Some(true),
        };
        is_asked && !is_of_other_trail && is_then
    }
}
