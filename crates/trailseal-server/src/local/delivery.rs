//! What is delivered for which trails, and what becomes of it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::Value;
use trailseal_archive::trail::DeliveredTrail;
use trailseal_deliver::{
    journal::{Journal, JournalError, JournalPosition},
    live::{Deliverer, Due, LiveError, PublishedKeys, RegionKeys, Round},
};
use trailseal_query::{Predicate, Record, category::category, predicate::Truth, selectors::Selectors};
use trailseal_trails::{DeliveryKind, NoteError, Store};
use trailseal_verify::{KeyFile, PublicKey};

use crate::api::{Timestamp, second};

/// Milliseconds after which the same error is told, and noted, again.
const AGAIN: i64 = 30_000;

/// What could not be delivered, and why; for whoever runs the server, since it may name paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {reason}; it will be tried again")]
pub struct Trouble {
    /// The trail's ARN and what of it, or the part of the data folder.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What a call did.
pub(super) struct Done {
    /// Events before it are delivered wherever they are wanted.
    pub(super) delivered: JournalPosition,
    pub(super) log_files: u64,
    pub(super) digest_files: u64,
    pub(super) failures: u64,
    pub(super) trouble: Vec<Trouble>,
}

#[derive(Debug)]
pub(super) struct Delivery {
    deliverer: Deliverer,
    wanted: ReadySelectors,
    /// Errors that were told, and when, by what they are about.
    told: BTreeMap<String, (String, i64)>,
    /// What nobody has heard yet.
    left: Vec<Trouble>,
}

impl Delivery {
    pub(super) fn new(deliverer: Deliverer) -> Self {
        Self { deliverer, wanted: ReadySelectors::default(), told: BTreeMap::new(), left: Vec::new() }
    }

    pub(super) fn tick(&mut self, journal: &Journal, store: &Store, now: Timestamp, due: Due) -> Done {
        // what is delivered is durable in the journal; what could not be made so waits
        let synced = journal.sync();
        let unsynced = synced.err().and_then(|error| self.tell("the journal", &error, now));
        // first this, then the trails: no event is decided upon without a trail that was started before it came
        let until = journal.durable();
        let trails = store.delivered_trails();
        let round = Round { journal, until, trails: &trails, now: second(now), due };
        let wanted = &self.wanted;
        let outcome = self.deliverer.tick(&round, &|spec, event| wanted.has(spec, event));
        self.wanted.keep(&trails);
        let mut done = Done {
            delivered: outcome.delivered,
            log_files: 0,
            digest_files: 0,
            failures: 0,
            trouble: std::mem::take(&mut self.left).into_iter().chain(unsynced).collect(),
        };
        for trail in outcome.trails {
            done.log_files += trail.log_files;
            done.digest_files += trail.digests;
            let attempts = [
                (DeliveryKind::Log, "log files", trail.latest_delivery, trail.delivery_error),
                (DeliveryKind::Digest, "digest files", trail.latest_digest_delivery, trail.digest_error),
            ];
            for (kind, what, delivered, error) in attempts {
                let about = format!("{what} of {}", trail.arn);
                done.failures += u64::from(error.is_some());
                let result = match error {
                    Some(error) if self.is_told(&about, &error.to_string(), now) => continue,
                    Some(error) => {
                        done.trouble.push(Trouble { what: about, reason: error.to_string() });
                        Err(code(&error).to_owned())
                    }
                    None if delivered.is_some() => {
                        self.told.remove(&about);
                        Ok(())
                    }
                    None => continue,
                };
                match store.note_delivery(&trail.arn, kind, now, result) {
                    // a trail that was deleted meanwhile
                    Ok(()) | Err(NoteError::NoTrail { .. }) => {}
                    Err(error) => done.trouble.extend(self.tell("the status of trails", &error, now)),
                }
            }
        }
        done
    }

    /// What was told may be told again.
    pub(super) fn tell_all_again(&mut self) {
        self.told.clear();
    }

    /// Trouble that the next call is to tell.
    pub(super) fn leave(&mut self, trouble: Vec<Trouble>) {
        self.left.extend(trouble);
    }

    /// What is to be told of an old part of the journal that could not be removed.
    pub(super) fn note_release(&mut self, error: &JournalError, now: Timestamp) -> Option<Trouble> {
        self.tell("the journal", error, now)
    }

    fn tell(&mut self, what: &str, error: &dyn std::error::Error, now: Timestamp) -> Option<Trouble> {
        let reason = error.to_string();
        let is_new = !self.is_told(what, &reason, now);
        is_new.then(|| Trouble { what: what.to_owned(), reason })
    }

    /// Whether this was told a moment ago; from now on it is.
    fn is_told(&mut self, what: &str, reason: &str, now: Timestamp) -> bool {
        if let Some((before, at)) = self.told.get(what)
            && before == reason
            && (0..AGAIN).contains(&(now.millis() - at))
        {
            return true;
        }
        self.told.insert(what.to_owned(), (reason.to_owned(), now.millis()));
        false
    }
}

/// The public keys of a deliverer as those of key files, read again when there are others.
#[derive(Debug)]
pub(super) struct DeliveryKeys {
    published: PublishedKeys,
    read: RwLock<(Arc<RegionKeys>, Arc<Vec<PublicKey>>)>,
}

impl DeliveryKeys {
    pub(super) fn new(published: PublishedKeys) -> Self {
        let now = published.now();
        let read = Arc::new(public_keys(&now));
        Self { published, read: RwLock::new((now, read)) }
    }

    pub(super) fn now(&self) -> Arc<Vec<PublicKey>> {
        let now = self.published.now();
        {
            let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&read.0, &now) {
                return Arc::clone(&read.1);
            }
        }
        let keys = Arc::new(public_keys(&now));
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = (now, Arc::clone(&keys));
        keys
    }
}

fn public_keys(published: &RegionKeys) -> Vec<PublicKey> {
    let mut keys = Vec::new();
    for (region, key) in published {
        let json = trailseal_deliver::write::public_keys_json(std::slice::from_ref(key));
        for key in KeyFile::parse("public-keys.json", json.as_bytes()).keys {
            // of one whose file is lost, the Region is not known
            keys.push(PublicKey { region: Some(region.clone()).filter(|region| !region.is_empty()), ..key });
        }
    }
    keys
}

/// The selectors of trails, made ready once.
#[derive(Debug, Default)]
struct ReadySelectors(RefCell<HashMap<String, (Value, Predicate)>>);

impl ReadySelectors {
    /// Whether a trail's selectors select an event. One that does not say what they ask (no `readOnly`, say) is
    /// delivered, so that nothing is lost; one of a category that trails do not log is not.
    fn has(&self, spec: &DeliveredTrail, event: &[u8]) -> bool {
        let mut ready = self.0.borrow_mut();
        let is_ready = ready.get(&spec.arn).is_some_and(|(selectors, _)| *selectors == spec.selectors);
        if !is_ready {
            ready.insert(spec.arn.clone(), (spec.selectors.clone(), predicate(&spec.selectors)));
        }
        let record = Record::new(event);
        category(&record).is_some()
            && ready.get(&spec.arn).is_some_and(|(_, wanted)| wanted.evaluate(&record) != Truth::False)
    }

    /// Forgets the trails that are not there any more.
    fn keep(&mut self, trails: &[DeliveredTrail]) {
        self.0.get_mut().retain(|arn, _| trails.iter().any(|trail| trail.arn == *arn));
    }
}

fn predicate(selectors: &Value) -> Predicate {
    // The rules have accepted them. Should they ever be read otherwise, too much is delivered, and nothing lost.
    let selectors = Selectors::parse(selectors.to_string().as_bytes());
    selectors.map_or(Predicate::Constant(true), |selectors| selectors.predicate())
}

/// As `GetTrailStatus` names an error: S3's own codes where there are some.
fn code(error: &LiveError) -> &'static str {
    match error {
        LiveError::Write { source, .. } | LiveError::Read { source, .. } => match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "AccessDenied",
            // the last one: something that is no folder stands where the bucket should be
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                "NoSuchBucket"
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "StorageFull",
            _ => "InternalError",
        },
        _ => "InternalError",
    }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use super::*;

    #[test]
    fn errors_of_the_disk_have_s3_s_names() {
        for (kind, name) in [
            (io::ErrorKind::PermissionDenied, "AccessDenied"),
            (io::ErrorKind::NotFound, "NoSuchBucket"),
            (io::ErrorKind::AlreadyExists, "NoSuchBucket"),
            (io::ErrorKind::StorageFull, "StorageFull"),
            (io::ErrorKind::Other, "InternalError"),
        ] {
            let source = Arc::new(io::Error::from(kind));
            assert_eq!(code(&LiveError::Write { path: PathBuf::from("bucket"), source }), name);
        }
        assert_eq!(code(&LiveError::Random), "InternalError");
    }
}
