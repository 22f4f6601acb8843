//! The trails of a damaged database, as far as they can be read.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs, io,
    path::Path,
};

use super::{
    StoreError,
    database::{Database, failed},
};
use crate::{
    Millis,
    state::{Change, Trail},
};

/// A row begins so: its first member is the trail's name.
const ROW: &[u8] = b"{\"name\":\"";

/// What became of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SalvagedTrails {
    /// There is no file: there are no trails.
    Absent,
    /// It is whole, and was copied; so many trails.
    Whole(usize),
    /// It is damaged. Its pages hold rows of these trails, by ARN; of several of one trail the newest was taken. The last
    /// change of a trail may be missing, and one that was deleted may be among them.
    Rows {
        /// What is wrong with the database.
        reason: String,
        /// The ARNs.
        trails: Vec<String>,
    },
}

/// Makes a new database of what can be read of another, which is not changed.
///
/// # Errors
/// [`StoreError`]: the one cannot be read at all, or the other cannot be written or is there already.
pub fn salvage(from: &Path, to: &Path) -> Result<SalvagedTrails, StoreError> {
    let bytes = match fs::read(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SalvagedTrails::Absent),
        bytes => bytes.map_err(|error| failed(from, error))?,
    };
    if fs::exists(to).map_err(|error| failed(to, error))? {
        return Err(failed(to, io::ErrorKind::AlreadyExists.into()));
    }
    if !bytes.is_empty() {
        fs::write(to, &bytes).map_err(|error| failed(to, error))?;
    }
    let reason = match Database::open(to) {
        Ok((_, trails)) if !bytes.is_empty() => return Ok(SalvagedTrails::Whole(trails.len())),
        Ok(_) => "it is empty".to_owned(),
        Err(StoreError::Damaged { reason, .. } | StoreError::Foreign { reason, .. }) => reason,
        Err(error) => return Err(error),
    };
    let remove = fs::remove_file(to);
    remove.map_err(|error| failed(to, error))?;
    let (mut database, _) = Database::open(to)?;
    let mut trails = Vec::new();
    for trail in newest(rows(&bytes)) {
        let (account, arn) = (trail.account.clone(), trail.arn());
        let written = database.write(&account, &Change::put(trail));
        written.map_err(|reason| failed(to, io::Error::other(reason)))?;
        trails.push(arn);
    }
    Ok(SalvagedTrails::Rows { reason, trails })
}

/// The rows that stand anywhere in these bytes.
fn rows(bytes: &[u8]) -> Vec<Trail> {
    let mut rows = Vec::new();
    let mut at = 0;
    while let Some(found) = memmem(&bytes[at..], ROW) {
        at += found;
        let mut values = serde_json::Deserializer::from_slice(&bytes[at..]).into_iter::<Trail>();
        if let Some(Ok(trail)) = values.next()
            && trail.as_delivered().is_none_or(|delivered| delivered.check().is_ok())
        {
            rows.push(trail);
        }
        at += ROW.len();
    }
    rows
}

fn memmem(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Of each trail the row with the last time in it.
fn newest(rows: Vec<Trail>) -> Vec<Trail> {
    let mut newest: BTreeMap<String, Trail> = BTreeMap::new();
    for row in rows {
        match newest.entry(row.arn()) {
            Entry::Vacant(free) => drop(free.insert(row)),
            Entry::Occupied(mut held) if last_time(held.get()) <= last_time(&row) => drop(held.insert(row)),
            Entry::Occupied(_) => {}
        }
    }
    newest.into_values().collect()
}

fn last_time(trail: &Trail) -> Option<Millis> {
    let (log, digest) = (&trail.deliveries.log, &trail.deliveries.digest);
    let times = [
        trail.changed,
        trail.logging.started,
        trail.logging.stopped,
        log.attempted,
        log.succeeded,
        digest.attempted,
        digest.succeeded,
    ];
    times.into_iter().max().flatten()
}
