//! The accounts in a database file.
//!
//! The database is redb: embedded, in Rust alone, copy-on-write with checksums, so that a process that is killed at
//! any moment leaves either the state before a transaction or that after it. One call that changes something is one
//! transaction, on the disk (fsync) before the call answers. Calls that change something come one after another;
//! calls that read never wait for a disk: they see the state after the last transaction, which is kept in memory.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use serde_json::Value;

use trailseal_archive::trail::DeliveredTrail;

use crate::{
    Caller, Environment, Millis, OnDemand, Operation,
    error::{ApiError, ErrorCode},
    names::Arn,
    rules,
    state::{Account, Change, DeliveryKind, Trail},
};

mod database;
mod salvage;
#[cfg(test)]
mod tests;

use database::Database;
pub use salvage::{SalvagedTrails, salvage};

type Accounts = BTreeMap<String, Account>;

/// The trails of all accounts of a server, in a file.
pub struct Store {
    path: PathBuf,
    /// `None` after a write that failed, until the next one opens the file again.
    database: Mutex<Option<Database>>,
    accounts: RwLock<Arc<Accounts>>,
    environment: Box<dyn Environment>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Another process has it open.
    #[error("{}: another process uses this database", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is no database of trails.
    #[error("{}: this is no database of trails: {reason}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was expected.
        reason: String,
    },
    /// It was one, and is damaged.
    #[error("{}: the database is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How.
        reason: String,
    },
}

/// Why a delivery could not be noted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The trail is gone, or never was.
    #[error("there is no trail {arn}")]
    NoTrail {
        /// The ARN.
        arn: String,
    },
    /// It could not be written.
    #[error("the delivery could not be noted: {reason}")]
    Database {
        /// What the database says.
        reason: String,
    },
}

/// Characters of a delivery's error that are kept.
const MAX_ERROR: usize = 1_000;

impl Store {
    /// Opens the database at this path, or makes one that only its owner can read. Services around CloudTrail are
    /// supposed to be like [`OnDemand`].
    ///
    /// # Errors
    /// [`StoreError`] if the file is something else, is damaged, is in use, or cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, Box::new(OnDemand))
    }

    /// The same with the services around CloudTrail.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(path: &Path, environment: Box<dyn Environment>) -> Result<Self, StoreError> {
        let (database, trails) = Database::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            database: Mutex::new(Some(database)),
            accounts: RwLock::new(Arc::new(by_account(trails))),
            environment,
        })
    }

    /// One call of an operation that is about trails; see [`rules::apply`].
    ///
    /// # Errors
    /// What the service answers instead; `InternalFailure` if the change could not be written, because the disk is
    /// full or broken. The next call that changes something opens the file again, and what it finds there counts.
    pub fn call(&self, caller: &Caller, operation: Operation, input: &Value) -> Result<Value, ApiError> {
        let answer = self.answer(caller, operation, input)?;
        serde_json::to_value(answer).map_err(|_| failure())
    }

    fn answer(
        &self,
        caller: &Caller,
        operation: Operation,
        input: &Value,
    ) -> Result<crate::OperationAnswer, ApiError> {
        let apply = |accounts: &Accounts| {
            let nothing = Account::default();
            let account = accounts.get(&caller.account).unwrap_or(&nothing);
            rules::apply(account, caller, operation, input, &*self.environment)
        };
        if operation.is_read_only() {
            return apply(&self.accounts()).map(|(answer, _)| answer);
        }
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_ready(&mut database).map_err(|_| failure())?;
        let (answer, change) = apply(&self.accounts())?;
        if let Some(change) = change {
            self.write(&mut database, &caller.account, &change).map_err(|_| failure())?;
        }
        Ok(answer)
    }

    /// The trails that are logging or were, of all accounts and Regions.
    pub fn delivered_trails(&self) -> Vec<DeliveredTrail> {
        self.accounts().values().flat_map(Account::delivered_trails).collect()
    }

    /// The ARNs of the trails for which anything was ever delivered.
    pub fn trails_with_deliveries(&self) -> Vec<String> {
        let accounts = self.accounts();
        let trails = accounts.values().flat_map(Account::trails);
        let has_any = |trail: &&Arc<Trail>| {
            trail.deliveries.log.succeeded.is_some() || trail.deliveries.digest.succeeded.is_some()
        };
        trails.filter(has_any).map(|trail| trail.arn()).collect()
    }

    /// What became of a delivery: `GetTrailStatus` shows it. Of an error's text, which should be a code such as
    /// `AccessDenied` or `NoSuchBucket`, the first 1000 characters are kept.
    ///
    /// # Errors
    /// [`NoteError`] if there is no such trail, or it could not be written. The status shows also what could not
    /// be written, since that is often for the same reason (a full disk); the trail's next change that can be
    /// written takes it along, and only the end of the process before that forgets it.
    pub fn note_delivery(
        &self,
        arn: &str,
        kind: DeliveryKind,
        time: Millis,
        result: Result<(), String>,
    ) -> Result<(), NoteError> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = self.make_ready(&mut database);
        let accounts = self.accounts();
        let trail = find(&accounts, arn).ok_or_else(|| NoteError::NoTrail { arn: arn.to_owned() })?;
        let mut trail = trail.clone();
        let result = result.map_err(|error| error.chars().take(MAX_ERROR).collect());
        trail.deliveries.note(kind, time, result);
        let (account, change) = (trail.account.clone(), Change::put(trail));
        let written = ready.and_then(|()| self.write(&mut database, &account, &change));
        if written.is_err() {
            self.show(&account, &change);
        }
        written.map_err(|reason| NoteError::Database { reason })
    }

    fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&self.accounts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// After a write that failed, the file is opened again and says what became of it; but of deliveries, more may
    /// be known than could be written.
    fn make_ready(&self, database: &mut Option<Database>) -> Result<(), String> {
        if database.is_none() {
            let (opened, mut trails) = Database::open(&self.path).map_err(|error| error.to_string())?;
            *database = Some(opened);
            let known = self.accounts();
            for trail in &mut trails {
                if let Some(known) = find(&known, &trail.arn()) {
                    trail.deliveries = known.deliveries.clone();
                }
            }
            self.publish(by_account(trails));
        }
        Ok(())
    }

    /// One change: on the disk, and then seen.
    fn write(&self, database: &mut Option<Database>, account: &str, change: &Change) -> Result<(), String> {
        let ready = database.as_mut().ok_or("the database is not open")?;
        if let Err(reason) = ready.write(account, change) {
            *database = None;
            return Err(reason);
        }
        self.show(account, change);
        Ok(())
    }

    fn show(&self, account: &str, change: &Change) {
        let mut accounts = Accounts::clone(&self.accounts());
        let entry = accounts.entry(account.to_owned()).or_default();
        *entry = entry.with(change);
        self.publish(accounts);
    }

    fn publish(&self, accounts: Accounts) {
        *self.accounts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(accounts);
    }
}

fn by_account(trails: Vec<Trail>) -> Accounts {
    let mut accounts = Accounts::new();
    for trail in trails {
        let account = accounts.entry(trail.account.clone()).or_default();
        *account = account.with(&Change::put(trail));
    }
    accounts
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

fn find<'a>(accounts: &'a Accounts, arn: &str) -> Option<&'a Trail> {
    let parts = Arn::parse(arn)?;
    let name = parts.resource.strip_prefix("trail/")?;
    let trail = accounts.get(parts.account)?.trail(parts.region, name)?;
    (trail.arn() == arn).then_some(trail)
}

fn failure() -> ApiError {
    ApiError::new(
        ErrorCode::InternalFailure,
        "The request could not be completed because of an internal error.",
    )
}
