//! The file: one row for each trail, and one that says what the file is.

use std::{
    fs::{self, File, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use redb::{ReadableDatabase, ReadableTable, TableDefinition, TableError};

use super::StoreError;
use crate::state::{Action, Change, Trail};

/// By account, home Region and name: the trail as JSON.
const TRAILS: TableDefinition<'_, (&str, &str, &str), &[u8]> = TableDefinition::new("trails");
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const FORMAT: &str = "trailseal trails 1";

/// Of the database's cache: a few trails are a few kilobytes.
const CACHE_BYTES: usize = 4 << 20;

pub(super) struct Database(redb::Database);

impl Database {
    /// The database of a path and the trails in it.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Trail>), StoreError> {
        let exists = match fs::metadata(path) {
            Ok(metadata) => metadata.len() > 0,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(path, error)),
        };
        if !exists {
            create(path)?;
        }
        let opened = unpanicked(|| {
            let mut database = open_file(path)?;
            let is_whole = database.check_integrity().map_err(|error| unusable(path, error))?;
            if !is_whole {
                return Err(damaged(path, "its pages are not what their checksums say"));
            }
            let trails = Self::read(&database, path)?;
            Ok((Self(database), trails))
        });
        opened.unwrap_or_else(|| Err(damaged(path, "its pages contradict one another")))
    }

    fn read(database: &redb::Database, path: &Path) -> Result<Vec<Trail>, StoreError> {
        let broken = |error: &dyn std::fmt::Display| damaged(path, error.to_string());
        let transaction = database.begin_read().map_err(|error| broken(&error))?;
        let foreign = |reason: String| StoreError::Foreign { path: path.to_owned(), reason };
        let about = match transaction.open_table(ABOUT) {
            Ok(about) => about,
            Err(TableError::Storage(error)) => return Err(broken(&error)),
            Err(error) => return Err(foreign(error.to_string())),
        };
        let format = about.get("format").map_err(|error| broken(&error))?;
        match format.as_ref().map(redb::AccessGuard::value) {
            Some(FORMAT) => {}
            Some(other) => return Err(foreign(format!("its format is {other:?}, not {FORMAT:?}"))),
            None => return Err(foreign("it does not say its format".to_owned())),
        }
        let table = transaction.open_table(TRAILS).map_err(|error| broken(&error))?;
        let mut trails = Vec::new();
        for row in table.iter().map_err(|error| broken(&error))? {
            let (key, value) = row.map_err(|error| broken(&error))?;
            let trail: Trail = serde_json::from_slice(value.value()).map_err(|error| broken(&error))?;
            if key.value() != key_of(&trail.account, &trail.home_region, &trail.name) {
                return Err(damaged(path, format!("the row of another trail holds {}", trail.arn())));
            }
            trails.push(trail);
        }
        Ok(trails)
    }

    /// One change, on the disk when this returns.
    pub(super) fn write(&mut self, account: &str, change: &Change) -> Result<(), String> {
        let written = unpanicked(|| self.try_write(account, change).map_err(|error| error.to_string()));
        written.unwrap_or_else(|| Err("the database is damaged".to_owned()))
    }

    fn try_write(&mut self, account: &str, change: &Change) -> Result<(), Box<dyn std::error::Error>> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(redb::Durability::Immediate)?;
        {
            let mut table = transaction.open_table(TRAILS)?;
            match &change.0 {
                Action::Put(trail) => {
                    let row = serde_json::to_vec(&**trail)?;
                    table.insert(key_of(account, &trail.home_region, &trail.name), row.as_slice())?;
                }
                Action::Delete { home_region, name } => {
                    table.remove(key_of(account, home_region, name))?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

fn key_of<'a>(account: &'a str, region: &'a str, name: &'a str) -> (&'a str, &'a str, &'a str) {
    (account, region, name)
}

/// A new database comes into being beside its place and then takes it, whole: a process killed here leaves none.
/// Of several processes that do this at once, one wins, and the others open what it made.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let made = fill(path, &new);
    let result = made.and_then(|()| take_place(&new, path).map_err(|error| failed(path, error)));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound && result.is_ok() => Err(failed(&new, error)),
        _ => result,
    }
}

fn fill(path: &Path, new: &Path) -> Result<(), StoreError> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(new, error)),
        _ => {}
    }
    let file = options().create_new(true).open(new).map_err(|error| failed(new, error))?;
    let database = open_database(file).map_err(|error| unusable(path, error))?;
    let mark = || -> Result<(), Box<dyn std::error::Error>> {
        let transaction = database.begin_write()?;
        transaction.open_table(TRAILS)?;
        transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
        transaction.commit()?;
        Ok(())
    };
    mark().map_err(|error| failed(path, io::Error::other(error.to_string())))
}

fn take_place(new: &Path, path: &Path) -> io::Result<()> {
    // an empty file is nobody's database
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) {
        fs::rename(new, path)?;
    } else {
        match fs::hard_link(new, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) => fs::rename(new, path)?,
            Ok(()) => {}
        }
    }
    sync_folder(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn open_file(path: &Path) -> Result<redb::Database, StoreError> {
    let file = options().open(path).map_err(|error| failed(path, error))?;
    own(&file).map_err(|error| failed(path, error))?;
    open_database(file).map_err(|error| unusable(path, error))
}

fn open_database(file: File) -> Result<redb::Database, redb::DatabaseError> {
    builder().create_with_backend(redb::backends::FileBackend::new(file)?)
}

fn builder() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Only the owner may read the file, whoever made it.
#[cfg(unix)]
fn own(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let others = 0o077;
    if file.metadata()?.permissions().mode() & others == 0 {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn own(_file: &File) -> io::Result<()> {
    Ok(())
}

/// redb panics on some damage that no checksum covers; that is an error here. What the panic leaves is dropped
/// with the closure, or is a database whose transaction never came about.
fn unpanicked<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

pub(super) fn failed(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), error }
}

fn damaged(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), reason: reason.into() }
}

fn unusable(path: &Path, error: redb::DatabaseError) -> StoreError {
    let path: PathBuf = path.to_owned();
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path },
        redb::DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() != io::ErrorKind::InvalidData && error.kind() != io::ErrorKind::UnexpectedEof =>
        {
            StoreError::Io { path, error }
        }
        redb::DatabaseError::Storage(redb::StorageError::Io(error)) => {
            StoreError::Foreign { path, reason: error.to_string() }
        }
        error => StoreError::Damaged { path, reason: error.to_string() },
    }
}
