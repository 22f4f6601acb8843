//! A new data folder of what is intact of a damaged one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use trailseal_deliver::{
    journal::{self, Journal, JournalGap, JournalOptions, SalvagedJournal, disk::Disk},
    live::{self, Folders, SalvagedStates},
};
use trailseal_trails::{SalvagedTrails, salvage as salvage_trails};

use super::LocalError;

/// What was kept of a data folder, and what was lost, as sentences without a full stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// What is in the new folder.
    pub kept: Vec<String>,
    /// What is not, or may not be as it last was.
    pub lost: Vec<String>,
}

/// Makes a data folder at `to`, which must not be there yet or be empty, of what is intact of the one at `from`, in which
/// nothing is changed. Entries of the journal before and behind a damaged place are kept, trails as far as rows of them can
/// be read, states of deliveries and keys file by file, and everything in buckets as it is, links and what is no file left
/// out.
///
/// # Errors
/// [`LocalError`]: the one is in use or no data folder, the other is not empty or cannot be written, or one lies in the
/// other.
pub fn salvage(from: &Path, to: &Path) -> Result<Salvaged, LocalError> {
    let (from, to) = places(from, to)?;
    let mut done = Salvaged::default();
    let (old, new) = (from.join(Folders::OWN), to.join(Folders::OWN));
    let journal = if old.join("journal").is_dir() {
        let to = Journal::open(
            &new.join("journal"),
            JournalOptions { max_entry_bytes: 64 << 20, ..JournalOptions::default() },
        )?;
        journal::salvage(&old.join("journal"), &to)?
    } else {
        done.lost
            .push(format!("{}: it is not there, and with it all its events", old.join("journal").display()));
        SalvagedJournal::default()
    };
    done.tell_journal(&journal);
    let trails = salvage_trails(&old.join("trails.redb"), &new.join("trails.redb"))?;
    done.tell_trails(&old, trails);
    let states = live::salvage(&Folders::below(&from), &Folders::below(&to), &journal, &Disk::default())?;
    done.tell_states(&states, &journal);
    let mut copied = Copied::default();
    copied.buckets(&from, &to).map_err(|(path, source)| LocalError::Folder { path, source })?;
    done.kept.push(format!("{} ({} bytes) in buckets", counted(copied.files, "file"), copied.bytes));
    done.lost.extend(copied.left.iter().map(|(path, reason)| format!("{}: {reason}", path.display())));
    Ok(done)
}

/// Where both are; the new one is made.
fn places(from: &Path, to: &Path) -> Result<(PathBuf, PathBuf), LocalError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LocalError::Folder { path, source }
    };
    let from = from.canonicalize().map_err(failed(from))?;
    if !from.join(Folders::OWN).is_dir() {
        return Err(LocalError::NoDataFolder { path: from });
    }
    let is_new = match fs::read_dir(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        entries => entries.map_err(failed(to))?.next().is_none(),
    };
    if !is_new {
        return Err(LocalError::NotEmpty { path: to.to_owned() });
    }
    // where it will be is known before it is made: nothing is made within the damaged folder
    let above = to.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.is_dir());
    let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if above.canonicalize().map_err(failed(above))?.starts_with(&from) {
        return Err(LocalError::Within { path: to.to_owned(), folder: from });
    }
    fs::create_dir_all(to).map_err(failed(to))?;
    let to = to.canonicalize().map_err(failed(to))?;
    if to.starts_with(&from) || from.starts_with(&to) {
        return Err(LocalError::Within { path: to, folder: from });
    }
    Ok((from, to))
}

impl Salvaged {
    fn tell_journal(&mut self, journal: &SalvagedJournal) {
        self.kept.push(format!("{} of the journal", counted(journal.kept, "event")));
        for path in &journal.mended {
            self.kept.push(format!(
                "{}: its header was damaged, and its events could be read all the same",
                path.display()
            ));
        }
        self.lost.extend(journal.gaps.iter().map(tell_gap));
    }

    fn tell_trails(&mut self, old: &Path, trails: SalvagedTrails) {
        let path = old.join("trails.redb");
        match trails {
            SalvagedTrails::Whole(count) => self.kept.push(counted(count as u64, "trail")),
            SalvagedTrails::Absent => {
                self.lost.push(format!("{}: it is not there, and with it all trails", path.display()));
            }
            SalvagedTrails::Rows { reason, trails } => {
                for arn in &trails {
                    self.kept.push(format!("{arn}, as the newest row says that can be read of it"));
                }
                self.lost.push(format!(
                    "{}: {reason}; {} could be read: others, and their last changes, may be lost, and one that was deleted \
                     may be there again",
                    path.display(),
                    counted(trails.len() as u64, "trail")
                ));
            }
        }
    }

    fn tell_states(&mut self, states: &SalvagedStates, journal: &SalvagedJournal) {
        self.kept.push(format!(
            "how far deliveries went for {}, and {}",
            counted(states.states.len() as u64, "trail"),
            counted(states.keys as u64, "key")
        ));
        self.lost.extend(states.lost.iter().map(|lost| {
            let path = lost.path.display().to_string();
            if lost.reason.contains(&path) { lost.reason.clone() } else { format!("{path}: {}", lost.reason) }
        }));
        for state in states.states.iter().filter(|state| state.is_active && !journal.gaps.is_empty()) {
            let arn = &state.arn;
            match journal.lost_behind(state.delivered) {
                Some(0) => self.kept.push(format!("{arn}: deliveries were past all events that are lost")),
                Some(several) => {
                    self.lost.push(format!("{arn}: deliveries had not come to {several} of the lost events"));
                }
                None => self
                    .lost
                    .push(format!("{arn}: whether deliveries had come to all lost events cannot be told")),
            }
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn tell_gap(gap: &JournalGap) -> String {
    let JournalGap { path, offset, bytes, first, entries, reason } = gap;
    let place = match bytes {
        0 => path.display().to_string(),
        _ => format!("{}, byte {offset} to {}", path.display(), offset + bytes),
    };
    let what = match entries {
        Some(1) => format!("event {} is lost", first.0),
        Some(several) => format!("{several} events from {} on are lost", first.0),
        None => format!("what was there from event {} on is lost", first.0),
    };
    format!("{place}: {reason}; {what}")
}

/// What lies in buckets, copied.
#[derive(Default)]
struct Copied {
    files: u64,
    bytes: u64,
    left: Vec<(PathBuf, String)>,
}

impl Copied {
    fn buckets(&mut self, from: &Path, to: &Path) -> Result<(), (PathBuf, io::Error)> {
        let mut folders = vec![(from.to_owned(), to.to_owned())];
        while let Some((from_folder, to_folder)) = folders.pop() {
            let entries = match fs::read_dir(&from_folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.left.push((from_folder, error.to_string()));
                    continue;
                }
            };
            fs::create_dir_all(&to_folder).map_err(|error| (to_folder.clone(), error))?;
            for entry in entries {
                let entry = entry.map_err(|error| (from_folder.clone(), error))?;
                if from_folder == from && entry.file_name() == Folders::OWN {
                    continue;
                }
                let (path, copy) = (entry.path(), to_folder.join(entry.file_name()));
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push((path, copy)),
                    Ok(kind) if kind.is_file() => self.file(path, &copy)?,
                    Ok(_) => self.left.push((path, "it is neither a file nor a folder".to_owned())),
                    Err(error) => self.left.push((path, error.to_string())),
                }
            }
        }
        Ok(())
    }

    /// What cannot be read is left; what cannot be written ends it. Times are kept: `verify` and S3 tell them.
    fn file(&mut self, path: PathBuf, copy: &Path) -> Result<(), (PathBuf, io::Error)> {
        let (mut from, modified) = match fs::File::open(&path).and_then(|from| {
            let modified = from.metadata()?.modified()?;
            Ok((from, modified))
        }) {
            Ok(opened) => opened,
            Err(error) => {
                self.left.push((path, error.to_string()));
                return Ok(());
            }
        };
        let failed = |error| (copy.to_owned(), error);
        let mut to = fs::File::create_new(copy).map_err(failed)?;
        self.bytes += io::copy(&mut from, &mut to).map_err(failed)?;
        to.set_modified(modified).map_err(failed)?;
        to.sync_data().map_err(failed)?;
        self.files += 1;
        Ok(())
    }
}
