//! An archive in memory: chains of sealed digests and the logs that they name.

use serde_json::Value;
use trailseal_archive::{
    Timestamp,
    key::{DigestName, ObjectKind},
};
use trailseal_deliver::{
    DigestDocument, DigestLogFile,
    digest::{HASH_ALGORITHM, sha256_hex},
    write::{PublishedKey, public_keys_json},
};

use crate::{
    keys::signing_key,
    plan::{Plan, partition, record, records},
};

const DAY: i64 = 24 * 3600;

/// An archive before it is written.
#[derive(Clone, Debug)]
pub struct Model {
    /// What it was made of.
    pub plan: Plan,
    /// Its chains: accounts, then regions, then trails, in the order of the plan; backfill chains after
    /// the standard ones.
    pub chains: Vec<ModelChain>,
}

/// One digest chain. Its fields say how new keys are formed; changing them changes no digest.
#[derive(Clone, Debug)]
pub struct ModelChain {
    /// The account.
    pub account: String,
    /// The source region.
    pub region: String,
    /// The trail.
    pub trail: String,
    /// The trail's home region.
    pub home_region: String,
    /// The organization, of an organization trail.
    pub organization: Option<String>,
    /// The key prefix, empty or ending in `/`.
    pub prefix: String,
    /// The bucket.
    pub bucket: String,
    /// Whether it holds backfill digests.
    pub is_backfill: bool,
    /// Its digests, oldest first.
    pub digests: Vec<ModelDigest>,
}

/// A digest, sealed: its bytes and signature belong to its document.
#[derive(Clone, Debug)]
pub struct ModelDigest {
    /// Its content.
    pub document: DigestDocument,
    /// The number of the key that signs it.
    pub key: usize,
    /// The logs that are written with it; [`ModelDigest::name_logs`] puts them into the document.
    pub logs: Vec<Log>,
    /// The inflated bytes.
    pub inflated: Vec<u8>,
    /// The signature, lower-case hex.
    pub signature: String,
    /// When a backfill digest was generated.
    pub generated: Option<Timestamp>,
}

/// A log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The inflated content.
    pub content: Vec<u8>,
    /// Time of its oldest event.
    pub oldest: Timestamp,
    /// Time of its newest event.
    pub newest: Timestamp,
}

impl Model {
    /// This archive and another one in one; the plan stays this one's.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.chains.extend(other.chains);
        self
    }

    /// The digest with this key.
    pub fn sealed(&self, key: &str) -> &ModelDigest {
        let mut digests = self.chains.iter().flat_map(|chain| &chain.digests);
        digests.find(|digest| digest.object() == key).expect("a digest of the model")
    }

    /// The numbers of the keys that signed something.
    pub fn used_keys(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> =
            self.chains.iter().flat_map(|chain| &chain.digests).map(|digest| digest.key).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// A key file with these keys. Their validity is 30 days from the day before the plan starts, unless another
    /// is given.
    pub fn public_keys(&self, numbers: &[usize], validity: Option<(Timestamp, Timestamp)>) -> String {
        let first = self.plan.start.plus(-DAY);
        let (from, to) = validity.unwrap_or((first, first.plus(30 * DAY)));
        let keys: Vec<PublishedKey> =
            numbers.iter().map(|number| PublishedKey::of(signing_key(*number), from, to)).collect();
        public_keys_json(&keys)
    }
}

impl Log {
    /// The entry that names this log.
    pub fn entry(&self) -> DigestLogFile {
        DigestLogFile {
            s3_bucket: self.bucket.clone(),
            s3_object: self.key.clone(),
            hash_value: sha256_hex(&self.content),
            hash_algorithm: HASH_ALGORITHM.to_owned(),
            newest_event_time: self.newest.to_string(),
            oldest_event_time: self.oldest.to_string(),
        }
    }
}

impl ModelDigest {
    /// A digest of a document, sealed with a key.
    pub fn new(document: DigestDocument, key: usize, logs: Vec<Log>) -> Self {
        let mut digest = Self::unsealed(document, key, logs);
        digest.seal();
        digest
    }

    /// A digest of a document, which names these logs; to be sealed.
    pub(crate) fn unsealed(document: DigestDocument, key: usize, logs: Vec<Log>) -> Self {
        let mut digest =
            Self { document, key, logs, inflated: Vec::new(), signature: String::new(), generated: None };
        digest.name_logs();
        digest
    }

    /// Its own key in S3.
    pub fn object(&self) -> &str {
        &self.document.s3_object
    }

    /// Start of the window.
    pub fn start(&self) -> Timestamp {
        Timestamp::parse_digest_field(&self.document.start_time).expect("windows are times")
    }

    /// End of the window.
    pub fn end(&self) -> Timestamp {
        Timestamp::parse_digest_field(&self.document.end_time).expect("windows are times")
    }

    /// Names in the document the logs that are there.
    pub fn name_logs(&mut self) {
        self.document.set_log_files(self.logs.iter().map(Log::entry).collect());
    }

    /// Writes the document's bytes and signs them; the fingerprint becomes that of the key.
    pub fn seal(&mut self) {
        let key = signing_key(self.key);
        key.fingerprint().clone_into(&mut self.document.public_key_fingerprint);
        self.inflated = self.document.to_json(true);
        self.signature = self.document.sign(&self.inflated, key).expect("a key signs");
    }

    /// Names a sealed digest as the predecessor; the digest itself must be sealed afterwards.
    pub fn link_to(&mut self, previous: &Self) {
        self.document.link_to(&previous.document, &previous.inflated, &previous.signature);
    }
}

impl ModelChain {
    /// Seals the digest at `index` as its document stands, and links and seals the later ones anew.
    pub fn seal_from(&mut self, index: usize) {
        self.digests[index].seal();
        for later in index + 1..self.digests.len() {
            let (older, newer) = self.digests.split_at_mut(later);
            if newer[0].document.previous_s3_object.is_some() {
                newer[0].link_to(&older[later - 1]);
            }
            newer[0].seal();
        }
    }

    /// From a digest on the trail delivers elsewhere: to another prefix, bucket, or as another
    /// organization's. The chain goes on, as it does at AWS.
    pub fn change_place(&mut self, from: usize, change: impl FnOnce(&mut Self)) {
        change(self);
        for position in from..self.digests.len() {
            let object = self.digest_key(self.digests[position].end());
            let logs: Vec<Log> = self.digests[position].logs.iter().map(|log| self.placed(log)).collect();
            let digest = &mut self.digests[position];
            digest.document.s3_bucket.clone_from(&self.bucket);
            digest.document.s3_object = object;
            digest.logs = logs;
            digest.name_logs();
        }
        self.seal_from(from);
    }

    /// A log as it would have been delivered to the place that the chain delivers to now.
    pub fn placed(&self, log: &Log) -> Log {
        let (_, rest) = log.key.split_once("/CloudTrail/").expect("a log's key");
        let key = format!("{}/CloudTrail/{rest}", self.account_folder());
        Log { bucket: self.bucket.clone(), key, ..log.clone() }
    }

    /// Adds a record to a log: one of this account and region, of the time of the log's newest event, with
    /// the members of `event` put over it. Signed times, hashes and the chain follow.
    pub fn add_event(&mut self, position: usize, log: usize, event: &Value) {
        let mut added = record(self, self.digests[position].logs[log].newest, "StopLogging", "added");
        for (name, value) in event.as_object().expect("an event is an object") {
            added[name] = value.clone();
        }
        let time = added["eventTime"].as_str().expect("a time is text");
        let time = Timestamp::parse_digest_field(time).expect("a time");
        let log = &mut self.digests[position].logs[log];
        let mut content: Value = serde_json::from_slice(&log.content).expect("logs are JSON");
        let list = content["Records"].as_array_mut().expect("logs hold records");
        list.push(added);
        log.content = records(list);
        (log.oldest, log.newest) = (log.oldest.min(time), log.newest.max(time));
        self.digests[position].name_logs();
        self.seal_from(position);
    }

    /// A digest of this chain that names no predecessor, and these logs. It is sealed, but nobody writes its
    /// signature down: what can be planted without a key.
    pub fn unlinked(&self, start: Timestamp, end: Timestamp, logs: Vec<DigestLogFile>) -> ModelDigest {
        let object = self.digest_key(end);
        let mut document = DigestDocument::empty(&self.account, start, end, &self.bucket, &object);
        document.set_log_files(logs);
        let mut digest = ModelDigest {
            document,
            key: 0,
            logs: Vec::new(),
            inflated: Vec::new(),
            signature: String::new(),
            generated: None,
        };
        digest.seal();
        digest
    }

    /// The trail's ARN, of the chain's own account.
    pub fn arn(&self) -> String {
        let (home, account, trail) = (&self.home_region, &self.account, &self.trail);
        format!("arn:{}:cloudtrail:{home}:{account}:trail/{trail}", partition(home))
    }

    /// Moves a digest's window and gives the digest the key that belongs to the new end; not sealed.
    pub fn set_window(&mut self, index: usize, start: Timestamp, end: Timestamp) {
        let object = self.digest_key(end);
        let document = &mut self.digests[index].document;
        (document.start_time, document.end_time) = (start.to_string(), end.to_string());
        document.s3_object = object;
    }

    /// The key of a digest of this chain whose window ends at `end`.
    pub fn digest_key(&self, end: Timestamp) -> String {
        let name = DigestName {
            account: &self.account,
            region: &self.region,
            trail: &self.trail,
            home_region: &self.home_region,
            end,
            backfill: self.is_backfill,
        };
        format!("{}/{}", self.folder(ObjectKind::Digest, end), name.file_name())
    }

    /// The key of a log of this account and region that was delivered at about `stamp`.
    pub fn log_key(&self, stamp: Timestamp, unique: &str) -> String {
        self.key_of_kind(ObjectKind::Log, stamp, unique)
    }

    /// As [`ModelChain::log_key`], for another kind of object (`CloudTrail-Insight` …).
    pub fn key_of_kind(&self, kind: ObjectKind, stamp: Timestamp, unique: &str) -> String {
        let (account, region, name) = (&self.account, &self.region, kind.folder());
        let file = format!("{account}_{name}_{region}_{}_{unique}.json.gz", stamp.minute_stamp());
        format!("{}/{file}", self.folder(kind, stamp))
    }

    fn folder(&self, kind: ObjectKind, time: Timestamp) -> String {
        let (region, kind) = (&self.region, kind.folder());
        format!("{}/{kind}/{region}/{}", self.account_folder(), time.date_folders())
    }

    /// The folder of the account below the prefix.
    pub fn account_folder(&self) -> String {
        let organization = self.organization.as_ref().map(|id| format!("{id}/")).unwrap_or_default();
        format!("{}AWSLogs/{organization}{}", self.prefix, self.account)
    }
}
