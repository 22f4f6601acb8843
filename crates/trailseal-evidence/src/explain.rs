//! Why a chain ends, or pauses: events in verified logs that say who stopped the trail
//! (docs/spec/verification.md 5, rows 33, 59 to 61, 72 and 94).
//!
//! `verify` and the ledger of `query` and `follow` ask here, and nowhere else. An explanation proves nothing about the
//! hours that it explains: a gap stays unproven. It proves that a chain ended, which is then no sign of a loss.

use std::collections::{BTreeMap, BTreeSet};

use trailseal_archive::Timestamp;
use trailseal_verify::{Code, HOUR, NamedLog, Unnamed};

use crate::{
    driver::judge_digests,
    error::Error,
    options::{Options, Progress},
    outcome::RegionOutcome,
    report::{ChainId, ChainKind},
    run::{Run, Signatures},
    stage::Matched,
    survey::Opened,
    trail_id::trail_of,
};

mod events;

use events::Call;

/// Logs of an account and region that are searched for one chain's end, from two hours before it on.
const MAX_LOGS: usize = 2000;

/// The digest that covers a stop is the last one; it comes within the hour, and a quarter for its delivery.
const LAST_DIGEST: i64 = HOUR + 15 * 60;

/// Seconds before a chain's end in which the event that ended it may lie.
const BEFORE: i64 = 2 * HOUR;

/// Seconds after it in which a new start is looked for: a month.
const AFTER: i64 = 31 * 24 * HOUR;

/// Where calls of AWS Organizations are logged, in each partition.
const ORGANIZATIONS: [&str; 3] = ["us-east-1", "cn-northwest-1", "us-gov-west-1"];

/// What a call changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// The trail logs no more: `StopLogging`, `DeleteTrail`.
    Stopped,
    /// It logs, and writes no digests any more.
    ValidationEnded,
    /// It logs again: `StartLogging`.
    Started,
    /// A trail delivers there from now on; in the bucket as before where none is said.
    Delivers { bucket: Option<String>, prefix: String, is_new: bool, validates: bool, is_multi_region: bool },
    /// An account is in its organization no more; `None` for that of the event.
    Left { account: Option<String> },
}

/// A call in a verified log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrailChange {
    call: Call,
    /// The account, organization and region of the digest that names the log.
    account: String,
    organization: Option<String>,
    region: String,
    /// The key of the log.
    log: String,
}

/// Which trail without validation delivers here since a time?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrailDelivery {
    account: String,
    /// The oldest log that no digest names.
    since: Timestamp,
}

/// Why does this chain end here?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    id: ChainId,
    /// The end of its last authentic digest.
    end: Timestamp,
    /// When it started anew, if it did.
    until: Option<Timestamp>,
    /// When it had started.
    since: Option<Timestamp>,
}

impl Question {
    pub(crate) fn new(id: &ChainId, end: Timestamp, until: Option<Timestamp>, runs: &[Timestamp]) -> Self {
        let since = runs.iter().copied().filter(|start| *start <= end).max();
        Self { id: id.clone(), end, until, since }
    }

    /// When the events lie that may be an answer, or tell that there is none.
    fn span(&self) -> (Timestamp, Timestamp) {
        (self.end.plus(-BEFORE), self.until.unwrap_or(self.end.plus(AFTER)).max(self.end.plus(LAST_DIGEST)))
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explanations {
    changes: Vec<TrailChange>,
    questions: BTreeSet<Question>,
    deliveries: BTreeSet<TrailDelivery>,
    /// Until when trails logged, as the newest authentic digests of their chains say, and the names of those of chains
    /// that were not asked for.
    logged: Vec<(ChainId, Timestamp)>,
    /// Buckets and prefixes of the archive's digests.
    places: BTreeSet<(String, String)>,
}

impl Explanations {
    /// Searches the verified logs near the ends that are asked about, whatever the run was narrowed to.
    pub(crate) fn search(
        questions: Vec<Question>,
        outcomes: &[RegionOutcome],
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let places = outcomes.iter().flat_map(|unit| &unit.mappings);
        let places = places.map(|place| (place.bucket.clone(), place.prefix.clone())).collect();
        let deliveries = outcomes.iter().filter_map(TrailDelivery::of).collect();
        let known = outcomes.iter().flat_map(|unit| &unit.chains);
        let known = known.filter_map(|chain| Some((chain.report.id.clone(), chain.last_end?)));
        let peers = outcomes.iter().flat_map(|unit| unit.peers.iter().cloned());
        let logged = known.chain(peers).filter(|(id, _)| id.kind == ChainKind::Standard).collect();
        let questions = questions.into_iter().collect();
        let mut explanations = Self { questions, deliveries, logged, places, ..Self::default() };
        if explanations.questions.is_empty() && explanations.deliveries.is_empty() {
            return Ok(explanations);
        }
        let everything = trailseal_verify::Policy::default();
        let opened = Opened::new(options, &everything)?;
        let run = opened.run(options, &everything, progress, Signatures::Heads);
        let (questions, deliveries) = (explanations.questions.clone(), explanations.deliveries.clone());
        let is_asked = |account: &str, region: &str| {
            questions.iter().any(|question| question.may_be_answered_in(account, region))
                || deliveries.iter().any(|delivery| delivery.account == account)
        };
        opened.each_batch(&run, &is_asked, &mut |batch| {
            for unit in &judge_digests(batch, &run)? {
                explanations.changes.extend(changes_in(unit, &questions, &deliveries, &run));
                explanations.logged.extend(logged_in(unit));
                run.check_interrupt()?;
            }
            Ok(())
        })?;
        explanations.changes.sort();
        Ok(explanations)
    }

    /// Which trail without validation a verified log shows to deliver into a bucket of the archive (row 17).
    pub(crate) fn of_unreferenced(&self, unit: &RegionOutcome) -> Option<String> {
        let delivery = TrailDelivery::of(unit)?;
        let of_account = self.changes.iter().filter(|change| change.account == delivery.account);
        let mut new = of_account.filter_map(|change| match &change.call.change {
            Change::Delivers { bucket: Some(bucket), prefix, validates: false, is_multi_region, .. }
                if self.is_place(bucket, prefix)
                    && (*is_multi_region
                        || change.call.region.as_ref().is_none_or(|home| *home == unit.region)) =>
            {
                Some((change, change.call.trail.as_deref()?))
            }
            _ => None,
        });
        let (change, trail) = new.next()?;
        let TrailChange { call, log, .. } = change;
        Some(format!(
            "{} at {} in the verified log {log} lets trail {trail} deliver here, without validation",
            call.name, call.time
        ))
    }

    /// Whether digests of the archive say that a trail delivers to a bucket, below a prefix.
    fn is_place(&self, bucket: &str, prefix: &str) -> bool {
        let is = |place: &(String, String)| {
            place.0 == bucket && place.1.trim_end_matches('/') == prefix.trim_end_matches('/')
        };
        self.places.iter().any(is)
    }

    /// Whether a verified log contradicts the user's statement that no other trail delivers here.
    pub(crate) fn contradict_statement(&self, outcomes: &[RegionOutcome]) -> bool {
        outcomes.iter().any(|unit| self.of_unreferenced(unit).is_some())
    }

    /// What is to be said of a gap beside that it is one.
    pub(crate) fn of_gap(&self, question: &Question) -> Option<String> {
        let of_trail: Vec<&TrailChange> =
            self.changes.iter().filter(|change| self.is_of(change, question)).collect();
        let until = question.until.unwrap_or(question.end);
        let in_time = |change: &&&TrailChange| {
            change.call.change != Change::Started
                && question.is_in_time(change.call.time)
                && change.call.time <= until.max(question.end.plus(LAST_DIGEST))
        };
        let told = |change: &TrailChange| {
            let TrailChange { call, log, .. } = change;
            format!("{} at {} in the verified log {log}", call.name, call.time)
        };
        if let Some(cause) = of_trail.iter().find(in_time) {
            return Some(format!("{} explains it", told(cause)));
        }
        let is_later = |change: &&&TrailChange| {
            let stops = !matches!(change.call.change, Change::Started);
            stops && change.call.time > question.end && change.call.time <= until
        };
        let later = of_trail.iter().find(is_later)?;
        Some(format!("{} explains it not: logging seems to have gone on until then", told(later)))
    }

    /// Whether a chain ended here because its trail was stopped or deleted, or its account left (rows 72 and 94).
    pub(crate) fn has_ended(&self, question: &Question) -> bool {
        let of_trail = || self.changes.iter().filter(|change| self.is_of(change, question));
        let ends = |change: &&TrailChange| {
            matches!(change.call.change, Change::Stopped | Change::Left { .. })
                && question.is_in_time(change.call.time)
        };
        let Some(end) = of_trail().filter(ends).max_by_key(|change| change.call.time) else { return false };
        let time = end.call.time;
        let was_started =
            |change: &TrailChange| change.call.change == Change::Started && change.call.time >= time;
        // Whoever stopped the trail stopped it everywhere: where it goes on elsewhere, it should here, and the event is
        // another trail's of that name.
        let goes_on = || {
            let trail = trail_of(&question.id);
            let last = time.plus(LAST_DIGEST);
            self.logged.iter().any(|(id, moment)| *moment > last && trail_of(id) == trail)
        };
        let is_refuted = of_trail().any(was_started) || (end.call.change == Change::Stopped && goes_on());
        !is_refuted
    }

    /// Whether a change concerns the chain of a question (row 61).
    fn is_of(&self, change: &TrailChange, question: &Question) -> bool {
        let TrailChange { call, account, organization, region, .. } = change;
        let id = &question.id;
        match &call.change {
            Change::Left { account: Some(left) } => {
                return id.organization.is_some() && id.organization == *organization && *left == id.account;
            }
            Change::Left { account: None } => {
                return id.organization.is_some()
                    && id.organization == *organization
                    && *account == id.account;
            }
            Change::Delivers { is_new: true, .. } => return false,
            Change::Delivers { bucket, prefix, .. } => {
                // Where it went is in the archive, so that its digests should be too.
                let any_bucket = self.places.iter().filter(|_| bucket.is_none()).map(|place| &place.0);
                if bucket.iter().chain(any_bucket).any(|bucket| self.is_place(bucket, prefix)) {
                    return false;
                }
            }
            Change::Stopped | Change::ValidationEnded | Change::Started => {}
        }
        let Some(trail) = &call.trail else { return false };
        let called_in = call.region.as_deref().unwrap_or(region);
        let (owner, home, name) = match arn_of(trail) {
            Some(arn) => arn,
            None => (account.as_str(), called_in, trail.as_str()),
        };
        if name != id.trail || home != id.home_region {
            return false;
        }
        match &id.organization {
            None => owner == id.account && *account == id.account,
            // An organization's trail is its management account's. Digests do not name that one; it is believed of an
            // account whose own chain of the trail ends with the others.
            Some(_) if call.change == Change::Started => id.organization == *organization,
            Some(_) => id.organization == *organization && self.stops_itself(owner, question, call.time),
        }
    }

    /// Whether an account's own chain of an organization's trail ends with a stop.
    fn stops_itself(&self, owner: &str, question: &Question, time: Timestamp) -> bool {
        let id = &question.id;
        let mut own = self.questions.iter().filter(|other| {
            other.id.account == owner
                && other.id.organization == id.organization
                && other.id.trail == id.trail
                && other.id.home_region == id.home_region
        });
        own.any(|own| own.is_in_time(time))
    }
}

impl TrailDelivery {
    /// The logs of an account and region that may be another trail's.
    fn of(unit: &RegionOutcome) -> Option<Self> {
        let logs = unit.unnamed.iter().filter(|log| {
            matches!(log.meaning, Unnamed::Unreferenced | Unnamed::Planted) && log.is_in_scope && !log.is_copy
        });
        let since = logs.filter_map(|log| log.stamp).chain(unit.unclaimed_since).min()?;
        Some(Self { account: unit.account.clone(), since })
    }

    /// When the event may lie that made the trail: logs are delivered as soon as it was started.
    fn span(&self) -> (Timestamp, Timestamp) {
        (self.since.plus(-BEFORE), self.since.plus(LAST_DIGEST))
    }
}

impl Question {
    /// Whether the digest that covers a moment would have been the chain's last (row 59), in the run that ends here.
    fn is_in_time(&self, time: Timestamp) -> bool {
        time.plus(-LAST_DIGEST) <= self.end
            && time >= self.end.plus(-BEFORE)
            && self.since.is_none_or(|since| time >= since)
    }

    /// Whether the log of the event may lie in an account's and region's folders.
    fn may_be_answered_in(&self, account: &str, region: &str) -> bool {
        let is_of_organization = self.id.organization.is_some();
        let is_there = region == self.id.home_region
            || region == self.id.region
            || (is_of_organization && ORGANIZATIONS.contains(&region));
        is_there && (is_of_organization || account == self.id.account)
    }
}

/// Owner, home region and name in a trail's ARN.
fn arn_of(trail: &str) -> Option<(&str, &str, &str)> {
    let mut parts = trail.splitn(6, ':');
    let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (home, owner, name) = (parts.next()?, parts.next()?, parts.next()?.strip_prefix("trail/")?);
    (arn == "arn" && service == "cloudtrail").then_some((owner, home, name))
}

/// The changes in an account's and region's verified logs near the ends that are asked about.
fn changes_in(
    unit: &Matched,
    questions: &BTreeSet<Question>,
    deliveries: &BTreeSet<TrailDelivery>,
    run: &Run<'_>,
) -> Vec<TrailChange> {
    let mut spans: BTreeMap<Timestamp, Timestamp> = BTreeMap::new();
    let asked = questions.iter().filter(|q| q.may_be_answered_in(&unit.key.account, &unit.key.region));
    let made = deliveries.iter().filter(|delivery| delivery.account == unit.key.account);
    for (from, to) in asked.map(Question::span).chain(made.map(TrailDelivery::span)) {
        let end = spans.entry(from).or_insert(to);
        *end = (*end).max(to);
    }
    let mut changes = BTreeSet::new();
    let mut read = BTreeSet::new();
    for (from, to) in spans {
        let mut near: Vec<(usize, usize, &NamedLog)> = logs_between(unit, from, to).collect();
        near.sort_by_key(|(row, log, named)| (named.oldest_event, *row, *log));
        for (row, log, named) in
            near.into_iter().take(MAX_LOGS).filter(|(row, log, _)| read.insert((*row, *log)))
        {
            let Some(id) = unit.rows[row].chain() else { continue };
            for call in calls_in(unit, (row, log), named, run) {
                // An event is of the account that the digest is of.
                if call.account.as_ref().is_none_or(|account| *account == id.account) {
                    changes.insert(TrailChange {
                        call,
                        account: id.account.clone(),
                        organization: id.organization.clone(),
                        region: id.region.clone(),
                        log: named.object.to_string(),
                    });
                }
            }
        }
    }
    changes.into_iter().collect()
}

/// The end of the newest digest of each chain of an account and region.
fn logged_in(unit: &Matched) -> BTreeMap<ChainId, Timestamp> {
    let mut newest: BTreeMap<ChainId, Timestamp> = BTreeMap::new();
    for row in unit.authentic_rows() {
        let (Some(digest), Some(id)) = (unit.rows[row].digest(), unit.rows[row].chain()) else { continue };
        if id.kind == ChainKind::Standard {
            let known = newest.entry(id.clone()).or_insert(digest.end);
            *known = digest.end.max(*known);
        }
    }
    newest
}

/// The logs of authentic digests that hold events of a span, by what AWS signed about them.
fn logs_between(
    unit: &Matched,
    from: Timestamp,
    to: Timestamp,
) -> impl Iterator<Item = (usize, usize, &NamedLog)> {
    let rows = unit.authentic_rows().filter_map(|row| Some((row, unit.rows[row].digest()?)));
    let logs = rows
        .flat_map(|(row, digest)| digest.logs.iter().enumerate().map(move |(log, named)| (row, log, named)));
    logs.filter(move |(.., named)| {
        named.oldest_event.is_none_or(|oldest| oldest <= to)
            && named.newest_event.is_none_or(|newest| newest >= from)
    })
}

fn calls_in(unit: &Matched, (row, log): (usize, usize), named: &NamedLog, run: &Run<'_>) -> Vec<Call> {
    let (Some(expected), Ok(mut files)) = (named.hash, unit.files_of(row, log)) else { return Vec::new() };
    let limit = run.options.limits.max_inflated_log;
    let calls = |id| {
        let input = unit.files.get(id).open(run.roots).ok()?;
        events::read(input, expected, limit).ok().filter(|calls| !calls.is_empty())
    };
    files.find_map(calls).unwrap_or_default()
}

/// The gaps of all chains, as questions, each with its chain.
pub(crate) fn gaps(outcomes: &[RegionOutcome]) -> Vec<Question> {
    let chains = outcomes.iter().flat_map(|unit| &unit.chains);
    let gaps = chains.filter(|chain| chain.report.id.kind == ChainKind::Standard).flat_map(|chain| {
        let gaps = chain.report.gaps.iter().filter(|gap| gap.code == Code::Gap);
        gaps.map(|gap| Question::new(&chain.report.id, gap.start, Some(gap.end), &chain.run_starts))
    });
    gaps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_whole() {
        let arn = "arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/a:b";
        assert_eq!(arn_of(arn), Some(("111122223333", "us-gov-west-1", "a:b")));
        for text in ["audit", "arn:aws:s3:::bucket", "arn:aws:cloudtrail:us-east-1:111122223333:channel/x"] {
            assert_eq!(arn_of(text), None, "{text}");
        }
    }
}
