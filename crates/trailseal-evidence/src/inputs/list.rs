//! All files of the inputs, in archive order, as they were when they were listed.

use std::{
    fs::{self, Metadata},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use trailseal_archive::{
    open::{self, OpenError, OpenFile, Refusal},
    stamp::FileStamp,
    walk::{File, Folder, Listing, Problem, Roots},
};
use trailseal_sha256::Hasher;

use super::{FileSource, InputPart, Inputs, ahead, has_number};

/// What changes when a file does: its length, and the time of its last change in nanoseconds. `None` when it could
/// not be asked, or must not be.
pub type FileState = Option<(u64, i64)>;

/// All files that were found, whether or not they hold events.
#[derive(Debug, Default)]
pub struct FileList {
    given: Vec<PathBuf>,
    folders: Vec<ListedFolder>,
    files: Vec<ListedFile>,
    /// One behind the other.
    names: String,
    problems: Vec<Problem>,
    /// Whether files were asked for their states.
    has_states: bool,
}

#[derive(Debug)]
struct ListedFolder {
    folder: Folder,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Folder(Arc<Roots>),
    /// It is the file itself, with a name of no letters.
    File,
    /// The same for what can be read once only.
    Pipe,
    Stdin,
}

#[derive(Clone, Copy, Debug)]
struct ListedFile {
    name_end: usize,
    folder: usize,
    state: FileState,
    stamp: Option<FileStamp>,
    refusal: Option<Refusal>,
}

impl FileList {
    /// Of what was given, with the state of every file if it `asks` for them.
    pub(super) fn of(inputs: &Inputs, asks: bool) -> Self {
        let mut list = Self { given: inputs.given().to_vec(), has_states: asks, ..Self::default() };
        let mut problems = Vec::new();
        let mut add = |part: InputPart<'_>| {
            list.add(part);
            ControlFlow::Continue(())
        };
        let _ = ahead::each(inputs, asks, &mut problems, &mut add);
        list.problems = problems;
        list.files.shrink_to_fit();
        list.folders.shrink_to_fit();
        list.names.shrink_to_fit();
        list
    }

    fn add(&mut self, part: InputPart<'_>) {
        let itself = |shown: &Path| Folder::new(shown.to_owned(), shown.to_owned());
        match part {
            InputPart::Stdin => self.add_itself(itself(Path::new("-")), Kind::Stdin),
            InputPart::Pipe(path) => self.add_itself(itself(path), Kind::Pipe),
            InputPart::File { given, real, .. } => {
                let folder = Folder::new(real.to_owned(), given.to_owned());
                let metadata =
                    |of: &dyn Fn(&Path) -> io::Result<Metadata>| of(real).ok().filter(|_| self.has_states);
                let state = metadata(&|path| fs::metadata(path)).as_ref().and_then(state);
                let stamp = metadata(&|path| fs::symlink_metadata(path)).as_ref().and_then(FileStamp::of);
                self.folders.push(ListedFolder { folder, kind: Kind::File });
                self.push(state, stamp, None);
            }
            InputPart::Folder { roots, listing, stamps } => {
                let Listing { folder, files } = listing;
                let stamps = stamps.unwrap_or_default();
                self.folders
                    .push(ListedFolder { folder: folder.clone(), kind: Kind::Folder(Arc::clone(roots)) });
                let numbered = |(_, file): &(usize, &File)| has_number(file.refusal);
                for (at, file) in files.iter().enumerate().filter(numbered) {
                    // a link is asked for what it leads to
                    let metadata = || fs::metadata(folder.real.join(&*file.name)).ok();
                    let (state, stamp) = match stamps.get(at).copied().flatten() {
                        Some(stamp) => (Some(state_of(stamp)), Some(stamp)),
                        None if file.refusal.is_none() && self.has_states => {
                            (metadata().as_ref().and_then(state), None)
                        }
                        None => (None, None),
                    };
                    self.names.push_str(&file.name);
                    self.push(state, stamp, file.refusal);
                }
            }
        }
    }

    fn add_itself(&mut self, folder: Folder, kind: Kind) {
        self.folders.push(ListedFolder { folder, kind });
        self.push(None, None, None);
    }

    /// Some of the files, by their numbers in order, and what could not be seen if it could before.
    pub(crate) fn only(&self, numbers: &[usize], before: &Self) -> Self {
        let new = |problem: &&Problem| !before.problems.contains(problem);
        let problems = self.problems.iter().filter(new).cloned().collect();
        let mut part =
            Self { given: self.given.clone(), problems, has_states: self.has_states, ..Self::default() };
        let mut last = None;
        for number in numbers {
            let (Some(file), Some((listed, name))) = (self.files.get(*number), self.place(*number)) else {
                continue;
            };
            if last != Some(file.folder) {
                part.folders.push(ListedFolder { folder: listed.folder.clone(), kind: listed.kind.clone() });
                last = Some(file.folder);
            }
            part.names.push_str(name);
            part.push(file.state, file.stamp, file.refusal);
        }
        part
    }

    /// Adds a file of the last folder, whose name was added.
    fn push(&mut self, state: FileState, stamp: Option<FileStamp>, refusal: Option<Refusal>) {
        let (name_end, folder) = (self.names.len(), self.folders.len() - 1);
        self.files.push(ListedFile { name_end, folder, state, stamp, refusal });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        let folder = |listed: &ListedFolder| listed.folder.real.capacity() + listed.folder.shown.capacity();
        self.files.capacity() * size_of::<ListedFile>()
            + self.names.capacity()
            + self.folders.capacity() * size_of::<ListedFolder>()
            + self.folders.iter().map(folder).sum::<usize>()
    }

    /// What can be read once only, as it was given; `None` when everything can be read again.
    pub fn pipe(&self) -> Option<&Path> {
        let is_pipe = |listed: &&ListedFolder| matches!(listed.kind, Kind::Pipe | Kind::Stdin);
        self.folders.iter().find(is_pipe).map(|listed| &*listed.folder.shown)
    }

    /// Where a file is.
    pub fn real(&self, number: usize) -> Option<PathBuf> {
        let (folder, name) = self.place(number)?;
        Some(path(&folder.folder.real, name))
    }

    /// Its path as the user would write it.
    pub fn shown(&self, number: usize) -> String {
        let shown =
            |(listed, name): (&ListedFolder, _)| path(&listed.folder.shown, name).display().to_string();
        self.place(number).map(shown).unwrap_or_default()
    }

    /// What changes when it does.
    pub fn state(&self, number: usize) -> FileState {
        self.files.get(number)?.state
    }

    /// What the file system said of it, if it is a regular file.
    pub(crate) fn stamp(&self, number: usize) -> Option<FileStamp> {
        self.files.get(number)?.stamp
    }

    /// Whether it is a regular file, or was not asked what it is, and may be opened.
    pub(crate) fn is_plain(&self, number: usize) -> bool {
        self.files.get(number).is_some_and(|file| file.refusal.is_none())
    }

    /// The folder in which it was found; of a file that was given, itself.
    pub(crate) fn folder(&self, number: usize) -> Option<&Folder> {
        self.place(number).map(|(listed, _)| &listed.folder)
    }

    /// Its name in its folder.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.place(number).map_or("", |(_, name)| name)
    }

    /// Opens it, as it was found: below the folder that was given, or where the path that was given leads.
    pub(crate) fn open(&self, number: usize) -> Result<OpenFile, OpenError> {
        let absent = || OpenError::from(io::Error::from(io::ErrorKind::NotFound));
        let (listed, name) = self.place(number).ok_or_else(absent)?;
        let real = path(&listed.folder.real, name);
        match (&listed.kind, self.files.get(number).and_then(|file| file.refusal)) {
            (_, Some(refusal)) => Err(refusal.into()),
            (Kind::Folder(roots), None) => roots.open_file(&real),
            (Kind::File, None) => open::named(&real),
            (Kind::Pipe | Kind::Stdin, None) => Err(Refusal::NotRegular.into()),
        }
    }

    fn place(&self, number: usize) -> Option<(&ListedFolder, &str)> {
        let file = self.files.get(number)?;
        let before = number.checked_sub(1).and_then(|before| self.files.get(before));
        let name = self.names.get(before.map_or(0, |file| file.name_end)..file.name_end)?;
        Some((self.folders.get(file.folder)?, name))
    }

    /// A number that changes when a file comes, goes, or is written; the same in every build and process. It says nothing
    /// of what comes through pipes.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Hasher::default();
        hasher.update(b"trailseal.files/1\0");
        for (number, file) in self.files.iter().enumerate() {
            let Some((listed, name)) = self.place(number) else { continue };
            let path = path(&listed.folder.real, name);
            let path = path.as_os_str().as_encoded_bytes();
            hasher.update(&(path.len() as u64).to_be_bytes());
            hasher.update(path);
            let (length, changed) = file.state.unwrap_or((u64::MAX, i64::MIN));
            hasher.update(&length.to_be_bytes());
            hasher.update(&changed.to_be_bytes());
        }
        first_bytes(&hasher.finalize())
    }
}

impl FileSource for FileList {
    fn given(&self) -> &[PathBuf] {
        &self.given
    }

    fn list(&self) -> Option<&FileList> {
        Some(self)
    }

    fn each(
        &self,
        problems: &mut Vec<Problem>,
        visit: &mut dyn FnMut(InputPart<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        problems.extend(self.problems.iter().cloned());
        let mut number = 0;
        for (at, listed) in self.folders.iter().enumerate() {
            let Folder { real, shown, .. } = &listed.folder;
            match &listed.kind {
                Kind::Stdin => visit(InputPart::Stdin)?,
                Kind::Pipe => visit(InputPart::Pipe(shown))?,
                Kind::File => {
                    let length = self.state(number).map_or(0, |(length, _)| length);
                    let stamp = self.stamp(number);
                    visit(InputPart::File { given: shown, real, length, stamp })?;
                }
                Kind::Folder(roots) => {
                    let (mut files, mut stamps) = (Vec::new(), Vec::new());
                    while let Some(file) = self.files.get(number).filter(|file| file.folder == at) {
                        let length = file.state.map_or(0, |(length, _)| length);
                        let name = self.place(number).map_or("", |(_, name)| name).into();
                        files.push(File { name, length, refusal: file.refusal, is_link: false });
                        stamps.push(file.stamp);
                        number += 1;
                    }
                    let listing = Listing { folder: listed.folder.clone(), files };
                    let stamps = self.has_states.then_some(&*stamps);
                    visit(InputPart::Folder { roots, listing: &listing, stamps })?;
                    continue;
                }
            }
            number += 1;
        }
        ControlFlow::Continue(())
    }
}

fn path(folder: &Path, name: &str) -> PathBuf {
    if name.is_empty() { folder.to_owned() } else { folder.join(name) }
}

/// The beginning of a hash as a number.
pub(crate) fn first_bytes(hash: &[u8; 32]) -> u64 {
    hash[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The same as [`state`] of a file of which more was asked.
fn state_of(stamp: FileStamp) -> (u64, i64) {
    // what is older than 1970 is not told apart
    (stamp.length, stamp.modified.max(-1))
}

/// The state of a file, if it is a regular one.
pub(crate) fn state(metadata: &Metadata) -> FileState {
    if !metadata.is_file() {
        return None;
    }
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.and_then(|since| i64::try_from(since.as_nanos()).ok());
    Some((metadata.len(), changed.unwrap_or(-1)))
}
