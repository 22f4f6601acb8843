//! Local trails: what a data folder holds, and what is done with it.
//!
//! Events come in through [`Local::record_call`] (the server's own calls) and [`AuditEvents`]; they are answered once
//! they are in the journal. [`Local::tick`] delivers them for the trails that log, and is to be called about four
//! times a second by whoever has a clock.

mod buckets;
mod channel;
mod delivery;
mod event;
mod record;
mod regions;
mod salvage;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use trailseal_archive::key::is_region_like;
use trailseal_deliver::{
    journal::{DroppedTail, Journal, JournalEntry, JournalError, JournalOptions, JournalPosition},
    live::{Deliverer, Due, Folders, LiveError, LiveOptions, RebuiltTrail},
};
use trailseal_evidence::events::RecentEvents;
use trailseal_trails::{Store, StoreError};
use trailseal_verify::PublicKey;

use self::{
    buckets::LocalBuckets,
    delivery::{Delivery, DeliveryKeys},
    event::EventFault,
    regions::Regions,
};
pub use self::{
    delivery::Trouble,
    salvage::{Salvaged, salvage},
};
use crate::{
    api::{ApiError, Caller, Context, ErrorCode, Operation, Timestamp},
    audit::{AuditCall, AuditError, AuditEvents, Count},
    service::CallAnswer,
};

/// Of a `record` request's lines that are refused, so many are named.
const MAX_REFUSED: usize = 100;

/// What a data folder is opened with.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The folder; made if it is missing.
    pub folder: PathBuf,
    /// Seconds between deliveries of log files; 300 at AWS.
    pub delivery_interval: i64,
    /// Seconds that a digest covers; 3600 at AWS.
    pub digest_interval: i64,
    /// Bytes of the newest events that `LookupEvents` finds, in memory and on the disk.
    pub recent_bytes: usize,
    /// Buckets of archives, into which nothing may be delivered.
    pub archive_buckets: BTreeSet<String>,
    /// Whether event selectors may name types of resources that CloudTrail is not known to have.
    pub allows_unknown_resource_types: bool,
}

impl LocalOptions {
    /// The defaults for a folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            delivery_interval: 300,
            digest_interval: 3600,
            recent_bytes: 256 << 20,
            archive_buckets: BTreeSet::new(),
            allows_unknown_resource_types: false,
        }
    }
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The folder itself.
    #[error("cannot use the data folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The events that came in.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The trails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Deliveries and keys.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// There is nothing to salvage.
    #[error("{} is no data folder: there is no _trailseal in it", path.display())]
    NoDataFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A new data folder is only made where nothing is.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing is made in a damaged folder, or around it.
    #[error("{} and {} lie in one another", path.display(), folder.display())]
    Within {
        /// The new folder.
        path: PathBuf,
        /// The damaged one.
        folder: PathBuf,
    },
}

impl LocalError {
    /// Whether another process has the folder.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Journal(JournalError::InUse { .. }))
    }

    /// Whether what is there is damaged, so that [`salvage`] helps.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Journal(error) => matches!(error, JournalError::Damaged { .. }),
            Self::Store(error) => matches!(error, StoreError::Damaged { .. } | StoreError::Foreign { .. }),
            Self::Live(error) => matches!(error, LiveError::Damaged { .. }),
            _ => false,
        }
    }
}

/// An opened data folder; may be used by many threads.
#[derive(Debug)]
pub struct Local {
    folder: PathBuf,
    journal: Journal,
    store: Store,
    recent: Arc<RecentEvents>,
    delivery: Mutex<Delivery>,
    keys: DeliveryKeys,
    regions: Regions,
    /// How often a trail was started, stopped or deleted.
    turns: AtomicU64,
    /// Of those, how many the deliverer has seen, and has noted on the disk.
    seen_turns: AtomicU64,
    counts: Counts,
    notes: Vec<String>,
}

/// Since the folder was opened.
#[derive(Debug, Default)]
struct Counts {
    events: AtomicU64,
    /// Events to which something was added.
    completed: AtomicU64,
    log_files: AtomicU64,
    digest_files: AtomicU64,
    failures: AtomicU64,
}

impl Local {
    /// Opens a data folder. What it holds besides buckets lies in `_trailseal`, readable by its owner alone.
    ///
    /// # Errors
    /// [`LocalError`]: in use by another process, not readable, not writable, or damaged.
    pub fn open(options: &LocalOptions) -> Result<Self, LocalError> {
        let failed = |source| LocalError::Folder { path: options.folder.clone(), source };
        std::fs::create_dir_all(&options.folder).map_err(failed)?;
        let folder = options.folder.canonicalize().map_err(failed)?;
        let own = folder.join(Folders::OWN);
        // it holds the lock that keeps a second process out, and makes the folder private
        let journal = Journal::open(&own.join("journal"), JournalOptions::default())?;
        let environment = LocalBuckets::new(&folder, options);
        let store = Store::open_with(&own.join("trails.redb"), Box::new(environment))?;
        let mut live = LiveOptions::new(Folders::below(&folder));
        live.delivery_interval = options.delivery_interval;
        live.digest_interval = options.digest_interval;
        let mut deliverer = Deliverer::open(live)?;
        let mut notes: Vec<String> = journal.dropped().iter().map(tell_dropped).collect();
        for (arn, position) in deliverer.follow_journal(journal.end()) {
            notes.push(format!(
                "the journal ends at entry {}, but entries before {} were delivered for {arn}: it was cut or replaced; \
                 what comes in from now on is delivered",
                journal.end().0,
                position.0
            ));
        }
        let delivered: BTreeSet<String> = store.trails_with_deliveries().into_iter().collect();
        for trail in store.delivered_trails() {
            if delivered.contains(&trail.arn) && !deliverer.knows(&trail.arn) {
                notes.push(tell_rebuilt(&deliverer.rebuild(&trail, &journal)?));
            }
        }
        if let several @ 1.. = deliverer.orphaned_keys() {
            notes.push(format!(
                "{several} public keys have no file of their own any more: their private parts are lost, and the public ones \
                 are kept"
            ));
        }
        let known: BTreeSet<String> = store.delivered_trails().into_iter().map(|trail| trail.arn).collect();
        for arn in deliverer.active().filter(|arn| !known.contains(*arn)) {
            notes.push(format!(
                "{arn} was logging and is not among the trails any more: it was deleted, or {} was lost; its chain of \
                 digests ends",
                own.join("trails.redb").display()
            ));
        }
        let recent = RecentEvents::new(options.recent_bytes);
        let keys = DeliveryKeys::new(deliverer.public_keys());
        let mut regions: BTreeSet<String> = keys.now().iter().filter_map(|key| key.region.clone()).collect();
        for entry in journal.read_from(journal.first()) {
            let (position, entry) = entry?;
            if !regions.contains(entry.region()) {
                regions.insert(entry.region().to_owned());
            }
            recent.add(position.0, entry.event());
        }
        Ok(Self {
            folder,
            journal,
            store,
            recent: Arc::new(recent),
            delivery: Mutex::new(Delivery::new(deliverer)),
            keys,
            regions: Regions::new(regions),
            // before a crash, perhaps
            turns: AtomicU64::new(1),
            seen_turns: AtomicU64::new(0),
            counts: Counts::default(),
            notes,
        })
    }

    /// Whether a folder has been opened before: there is a folder in it that is no bucket, and has all else.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(Folders::OWN).exists()
    }

    /// The folder whose folders are buckets.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest events that came in.
    pub fn recent(&self) -> &Arc<RecentEvents> {
        &self.recent
    }

    /// What was not as it should be when the folder was opened.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How many trails log at the moment.
    pub fn logging_trails(&self) -> usize {
        self.store.delivered_trails().iter().filter(|trail| trail.logging_until.is_none()).count()
    }

    /// The public keys of what is delivered.
    pub(crate) fn public_keys(&self) -> Arc<Vec<PublicKey>> {
        self.keys.now()
    }

    /// Whether a call may be recorded in its Region.
    ///
    /// # Errors
    /// `OperationNotPermittedException`: events of too many others came in.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<(), ApiError> {
        // what is no Region is refused elsewhere, or makes no event
        if !is_region_like(&caller.region) || self.regions.admit(&caller.region) {
            return Ok(());
        }
        let fault = EventFault::TooManyRegions.to_string();
        Err(ApiError::new(ErrorCode::OperationNotPermittedException, fault))
    }

    /// One call of an operation that is about trails; nothing is recorded yet.
    pub(crate) fn call(
        &self,
        caller: &Caller,
        operation: Operation,
        input: &Value,
    ) -> Result<Value, ApiError> {
        let mut now = self.journal.time(caller.now.millis());
        if operation == Operation::StopLogging {
            // a trail logs the call that stops it
            now += 1;
        }
        let caller = Caller { now: Timestamp::from_millis(now), ..caller.clone() };
        let answer = self.store.call(&caller, operation, input)?;
        if matches!(operation, Operation::StartLogging | Operation::StopLogging | Operation::DeleteTrail) {
            self.turns.fetch_add(1, Ordering::SeqCst);
        }
        Ok(answer)
    }

    /// Records a call of this server as the event that CloudTrail makes of it; a kill does not undo it, and that of a
    /// call which changed something is durable when this returns.
    ///
    /// # Errors
    /// When it could not be written.
    pub(crate) fn record_call(
        &self,
        context: &Context,
        caller: &Caller,
        operation: Operation,
        input: &Value,
        result: &Result<CallAnswer, ApiError>,
    ) -> Result<(), JournalError> {
        let event = record::of_call(context, caller, operation, input, result);
        // the rules have refused an account or a Region that makes no entry already
        let Ok(entry) = JournalEntry::new(&caller.account, &caller.region, caller.now.millis(), &event)
        else {
            return Ok(());
        };
        // what only read need not wait for the disk: a kill takes nothing of it either
        let append = if operation.is_read_only() { Journal::append_unsynced } else { Journal::append };
        self.append(append, &[entry])
    }

    /// Delivers what is due. Says what could not be delivered; it is tried again by the next call.
    pub fn tick(&self, now: Timestamp) -> Vec<Trouble> {
        self.tick_with(&mut self.lock_delivery(), now, Due::ByTime)
    }

    /// Delivers and signs everything that came in, before the process ends; says what could not be.
    pub fn close(&self, now: Timestamp) -> Vec<Trouble> {
        let mut delivery = self.lock_delivery();
        delivery.tell_all_again();
        self.tick_with(&mut delivery, now, Due::Everything)
    }

    /// Before a call that begins or ends a run of a trail: such calls come one after the other, and nothing is delivered
    /// between the call and its event, which is of that run. `None` for other calls. [`TrailTransition::end`] goes on.
    pub(crate) fn turn(&self, caller: &Caller, operation: Operation) -> Option<TrailTransition<'_>> {
        if !operation.is_transition() {
            return None;
        }
        let mut delivery = self.lock_delivery();
        let forgets = operation != Operation::StopLogging;
        if forgets && self.turns.load(Ordering::SeqCst) != self.seen_turns.load(Ordering::SeqCst) {
            // the store knows only the last run of a trail: one before it is delivered first, whatever comes then
            let trouble = self.tick_with(&mut delivery, caller.now, Due::Turns);
            delivery.leave(trouble);
        }
        Some(TrailTransition { local: self, delivery, is_deletion: operation == Operation::DeleteTrail })
    }

    fn tick_with(&self, delivery: &mut Delivery, now: Timestamp, due: Due) -> Vec<Trouble> {
        let turns = self.turns.load(Ordering::SeqCst);
        let now = Timestamp::from_millis(self.journal.time(now.millis()));
        let done = delivery.tick(&self.journal, &self.store, now, due);
        self.seen_turns.store(turns, Ordering::SeqCst);
        self.counts.log_files.fetch_add(done.log_files, Ordering::Relaxed);
        self.counts.digest_files.fetch_add(done.digest_files, Ordering::Relaxed);
        self.counts.failures.fetch_add(done.failures, Ordering::Relaxed);
        let kept =
            self.recent.first().map_or(done.delivered, |first| done.delivered.min(JournalPosition(first)));
        let mut trouble = done.trouble;
        if let Err(error) = self.journal.release(kept) {
            trouble.extend(delivery.note_release(&error, now));
        }
        trouble
    }

    fn lock_delivery(&self) -> MutexGuard<'_, Delivery> {
        // the deliverer keeps its state on the disk and reads on from there
        self.delivery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts entries into the journal in one of its ways, and makes them findable.
    fn append(
        &self,
        append: fn(&Journal, &[JournalEntry]) -> Result<JournalPosition, JournalError>,
        batch: &[JournalEntry],
    ) -> Result<(), JournalError> {
        let end = append(&self.journal, batch)?;
        self.counts.events.fetch_add(batch.len() as u64, Ordering::Relaxed);
        let first = end.0.saturating_sub(batch.len() as u64);
        for (number, entry) in (first..).zip(batch) {
            self.recent.add(number, entry.event());
        }
        Ok(())
    }

    /// An event that was read, unless its Region is one too many.
    fn admitted(&self, read: Result<event::Event, EventFault>) -> Result<event::Event, EventFault> {
        read.and_then(|event| {
            let is_admitted = self.regions.admit(event.entry.region());
            is_admitted.then_some(event).ok_or(EventFault::TooManyRegions)
        })
    }

    fn take(&self, batch: &[JournalEntry]) -> Result<(), ApiError> {
        self.append(Journal::append, batch).map_err(|_| {
            let message = "The events could not be written to the disk; none of them was taken.";
            ApiError::new(ErrorCode::InternalFailure, message)
        })
    }
}

fn tell_dropped(tail: &DroppedTail) -> String {
    let kept = match tail.kept {
        0 => String::new(),
        several => format!(", and {several} good entries among them are kept"),
    };
    format!(
        "{}: its last {} bytes are no entries ({}), as a crash or a failure of the power leaves them; they are dropped{kept}",
        tail.path.display(),
        tail.bytes,
        tail.reason
    )
}

fn tell_rebuilt(rebuilt: &RebuiltTrail) -> String {
    let RebuiltTrail { arn, state, entries, delivered, log_files, pending, chains, unreadable } = rebuilt;
    let chains = match &chains[..] {
        [] => "digests begin a new chain".to_owned(),
        [one] => format!("its chain of digests goes on behind {one}"),
        [first, ..] => format!("its {} chains of digests go on, one of them behind {first}", chains.len()),
    };
    let unreadable = match &unreadable[..] {
        [] => String::new(),
        [first, ..] => format!(
            "; {} files could not be read ({}): their events may be delivered again",
            unreadable.len(),
            first.display()
        ),
    };
    format!(
        "{arn}: how far it was delivered is lost ({} is not there), and was told from its bucket: of {entries} events in the \
         journal {delivered} stand in its {log_files} log files and are not delivered again; {pending} log files had no digest \
         yet; {chains}{unreadable}",
        state.display()
    )
}

/// A run of a trail begins or ends; until it has, nothing is delivered.
pub(crate) struct TrailTransition<'a> {
    local: &'a Local,
    delivery: MutexGuard<'a, Delivery>,
    is_deletion: bool,
}

impl TrailTransition<'_> {
    /// The call is recorded.
    pub(crate) fn end(mut self, now: Timestamp) {
        if self.is_deletion {
            // when a trail was deleted is not kept: it is delivered up to this moment
            let trouble = self.local.tick_with(&mut self.delivery, now, Due::Turns);
            self.delivery.leave(trouble);
        }
    }
}

/// What was added to events that lacked it.
#[derive(Debug, Default)]
struct Additions {
    /// To how many.
    events: u64,
    /// How often each member.
    members: BTreeMap<&'static str, u64>,
}

impl Additions {
    fn count(&mut self, event: &event::Event) {
        self.events += u64::from(!event.added.is_empty());
        for member in &event.added {
            *self.members.entry(member).or_default() += 1;
        }
    }
}

impl AuditEvents for Local {
    fn put(&self, context: &Context, caller: &Caller, call: AuditCall) -> Result<Value, AuditError> {
        let events = channel::audit_events(&call, caller)?;
        let (mut batch, mut successful, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        let mut added = Additions::default();
        for audit in events {
            match self.admitted(audit.read(caller, context.source)) {
                Ok(event) => {
                    added.count(&event);
                    successful.push(json!({ "id": audit.id, "eventID": event.id }));
                    batch.push(event.entry);
                }
                Err(fault) => failed.push(json!({
                    "id": audit.id,
                    "errorCode": fault.code(),
                    "errorMessage": fault.to_string(),
                })),
            }
        }
        self.take(&batch)?;
        self.counts.completed.fetch_add(added.events, Ordering::Relaxed);
        Ok(json!({ "successful": successful, "failed": failed }))
    }

    fn record(&self, context: &Context, caller: &Caller, lines: &[u8]) -> Result<Value, ApiError> {
        let mut added = Additions::default();
        let (mut batch, mut refused, mut refusals) = (Vec::new(), Vec::new(), 0_u64);
        for (number, line) in (1_u64..).zip(lines.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match self.admitted(event::read(line, caller, context.source)) {
                Ok(event) => {
                    added.count(&event);
                    batch.push(event.entry);
                }
                Err(fault) => {
                    refusals += 1;
                    if refused.len() < MAX_REFUSED {
                        refused.push(json!({ "line": number, "reason": fault.to_string() }));
                    }
                }
            }
        }
        let recorded = batch.len();
        self.take(&batch)?;
        self.counts.completed.fetch_add(added.events, Ordering::Relaxed);
        Ok(json!({
            "recorded": recorded,
            "completed": added.events,
            "added": added.members,
            "refusals": refusals,
            "refused": refused,
        }))
    }

    fn counts(&self) -> Vec<Count> {
        let Counts { events, completed, log_files, digest_files, failures } = &self.counts;
        [
            ("events_recorded", "Events that came in and are durable.", events),
            (
                "events_completed",
                "Of those, how many lacked what every record has, which was added.",
                completed,
            ),
            ("log_files_delivered", "Log files of local trails.", log_files),
            ("digest_files_delivered", "Digest files of local trails.", digest_files),
            ("delivery_failures", "Deliveries that failed, and are tried again.", failures),
        ]
        .map(|(name, help, count)| Count { name, help, value: count.load(Ordering::Relaxed) })
        .to_vec()
    }
}
