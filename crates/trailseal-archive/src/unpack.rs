//! Unpacking a zip or tar archive into a folder of one's own, for readers that need files.
//!
//! Nothing is written outside of that folder, whatever the archive says. Nothing is lost in silence: of two members with one
//! name both are kept, a member that is damaged is known as one that cannot be read, and an archive that is damaged itself is
//! not unpacked at all, since members may be lacking without a trace.

use std::{
    collections::BTreeMap,
    fs, io,
    io::{Read, Write as _},
    ops::ControlFlow,
    path::{Component, Path, PathBuf},
};

use crate::{
    content::{ArchiveMember, ContentLimits, ContentProblem, EntryName, Reason, read_members},
    open::{self, OpenError},
};

/// Bytes that are written for each byte of the archive at most, beyond [`FREE_BYTES`]; logs that are not compressed inflate to
/// some twenty times of an archive that is.
const MAX_RATIO: u64 = 200;

/// Bytes that are written whatever the archive's size.
const FREE_BYTES: u64 = 1 << 30;

/// How many members with one name are kept.
const MAX_TWINS: u32 = 1000;

/// What was unpacked.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Members that had the name of an earlier one, by their names; they lie beside it under another name.
    pub twins: Vec<String>,
    /// Devices and pipes, which were left out.
    pub others: u64,
    /// Why members that lie in these places could not be read.
    pub unreadable: BTreeMap<PathBuf, String>,
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something is wrong with it, so that members may be lacking.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// Members need a password.
    #[error("it is encrypted")]
    Encrypted,
    /// It inflates to more than is believed.
    #[error("it inflates to more than {limit} bytes, {MAX_RATIO} times its size")]
    TooLarge {
        /// How many bytes would have been written.
        limit: u64,
    },
    /// A member's name is none of a file in the folder.
    #[error("its member {name:?} does not lie in it")]
    Outside {
        /// The name.
        name: String,
    },
    /// It holds no file.
    #[error("it holds no file")]
    Empty,
    /// A file cannot be written.
    #[error("{}: {source}", place.display())]
    Write {
        /// Which.
        place: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The caller wanted no more.
    #[error("interrupted")]
    Interrupted,
}

/// Unpacks the archive at `file` into `folder`, an empty folder that nobody else writes to. `goes_on` is asked often, with the
/// bytes that were written.
///
/// # Errors
/// [`UnpackError`]; what was written by then is left to the caller.
pub fn unpack(file: &Path, folder: &Path, goes_on: &dyn Fn(u64) -> bool) -> Result<Unpacked, UnpackError> {
    unpack_within(FREE_BYTES, file, folder, goes_on)
}

fn unpack_within(
    free_bytes: u64,
    file: &Path,
    folder: &Path,
    goes_on: &dyn Fn(u64) -> bool,
) -> Result<Unpacked, UnpackError> {
    let opened = open::named(file)?;
    let limit = opened.length().saturating_mul(MAX_RATIO).saturating_add(free_bytes);
    let limits = ContentLimits { max_total: limit, ..ContentLimits::default() };
    let mut unpacking = Unpacking {
        folder,
        goes_on,
        limit,
        done: Unpacked::default(),
        links: Vec::new(),
        linked: 0,
        failure: None,
    };
    let outcome = read_members("", opened.into_file(), &limits, &mut |name, member| match unpacking
        .member(name, member)
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            unpacking.failure = Some(error);
            ControlFlow::Break(())
        }
    });
    if let Some(error) = unpacking.failure.take() {
        return Err(error);
    }
    if outcome.more_problems > 0 {
        return Err(UnpackError::Damaged("more than 1,000 of its members".to_owned()));
    }
    for problem in &outcome.problems {
        unpacking.problem(problem)?;
    }
    for (place, target) in std::mem::take(&mut unpacking.links) {
        unpacking.symbolic_link(&place, &target)?;
    }
    let others = outcome.skipped.others.saturating_sub(unpacking.linked);
    let done = Unpacked { others, ..unpacking.done };
    if done.files == 0 { Err(UnpackError::Empty) } else { Ok(done) }
}

/// An archive being unpacked.
struct Unpacking<'a> {
    folder: &'a Path,
    goes_on: &'a dyn Fn(u64) -> bool,
    limit: u64,
    done: Unpacked,
    /// Places and targets of links, made last: nothing is written through them.
    links: Vec<(PathBuf, String)>,
    /// Links of both kinds.
    linked: u64,
    failure: Option<UnpackError>,
}

impl Unpacking<'_> {
    fn member(&mut self, name: &EntryName, member: ArchiveMember<'_>) -> Result<(), UnpackError> {
        let name = member_name(name);
        let place = self.place(name)?;
        match member {
            ArchiveMember::File(reader) => self.file(name, &place, reader),
            ArchiveMember::HardLink(target) => {
                self.make_folder_of(&place)?;
                match self.place(target).map(|target| fs::hard_link(target, &place)) {
                    Ok(Ok(())) => self.done.files += 1,
                    _ => self
                        .cannot_read(&place, format!("a hard link to {target:?}, which is not before it"))?,
                }
                self.linked += 1;
                Ok(())
            }
            ArchiveMember::SymbolicLink(target) => {
                self.linked += 1;
                self.links.push((place, target.to_owned()));
                Ok(())
            }
        }
    }

    fn file(&mut self, name: &str, place: &Path, reader: &mut dyn Read) -> Result<(), UnpackError> {
        self.make_folder_of(place)?;
        let (mut file, place) = self.create(name, place)?;
        self.done.files += 1;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            // an error is among the outcome's problems
            let length = reader.read(&mut buffer).unwrap_or(0);
            if length == 0 {
                return Ok(());
            }
            self.done.bytes += length as u64;
            if self.done.bytes > self.limit {
                return Err(UnpackError::TooLarge { limit: self.limit });
            }
            let written = file.write_all(&buffer[..length]);
            written.map_err(|source| UnpackError::Write { place: place.clone(), source })?;
            if !(self.goes_on)(self.done.bytes) {
                return Err(UnpackError::Interrupted);
            }
        }
    }

    /// A file in its place, or beside it if one is there.
    fn create(&mut self, name: &str, place: &Path) -> Result<(fs::File, PathBuf), UnpackError> {
        for twin in 1..=MAX_TWINS {
            let place = if twin == 1 { place.to_owned() } else { numbered(place, twin) };
            match fs::File::create_new(&place) {
                Ok(file) => {
                    if twin > 1 {
                        self.done.twins.push(name.to_owned());
                    }
                    return Ok((file, place));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !place.is_dir() => {}
                Err(source) => return Err(UnpackError::Write { place, source }),
            }
        }
        Err(UnpackError::Damaged(format!("it holds {name:?} more than {MAX_TWINS} times")))
    }

    /// A link, unless something is there, or its folder is a link itself.
    fn symbolic_link(&mut self, place: &Path, target: &str) -> Result<(), UnpackError> {
        let mut parent = place.parent();
        while let Some(folder) = parent.filter(|folder| *folder != self.folder) {
            if folder.is_symlink() {
                return Err(UnpackError::Damaged(format!("{} lies in a link", place.display())));
            }
            parent = folder.parent();
        }
        self.make_folder_of(place)?;
        std::os::unix::fs::symlink(target, place)
            .map_err(|source| UnpackError::Write { place: place.to_owned(), source })
    }

    /// What is wrong with a member makes it a file that cannot be read; what is wrong with the archive ends everything.
    fn problem(&mut self, problem: &ContentProblem) -> Result<(), UnpackError> {
        match &problem.error.reason {
            Reason::Encrypted => return Err(UnpackError::Encrypted),
            Reason::TotalTooLarge { .. } | Reason::EntryTooLarge { .. } => {
                return Err(UnpackError::TooLarge { limit: self.limit });
            }
            _ if problem.name.parts().len() < 2 => {
                return Err(UnpackError::Damaged(problem.error.to_string()));
            }
            _ => {}
        }
        let place = self.place(member_name(&problem.name))?;
        self.cannot_read(&place, problem.error.to_string())
    }

    fn cannot_read(&mut self, place: &Path, why: String) -> Result<(), UnpackError> {
        self.make_folder_of(place)?;
        let file = fs::File::options().append(true).create(true).open(place);
        file.map_err(|source| UnpackError::Write { place: place.to_owned(), source })?;
        self.done.unreadable.insert(place.to_owned(), why);
        Ok(())
    }

    fn make_folder_of(&self, place: &Path) -> Result<(), UnpackError> {
        let folder = place.parent().unwrap_or(self.folder);
        fs::create_dir_all(folder).map_err(|source| UnpackError::Write { place: folder.to_owned(), source })
    }

    /// Where a member lies.
    fn place(&self, name: &str) -> Result<PathBuf, UnpackError> {
        let outside = || UnpackError::Outside { name: name.to_owned() };
        // as Windows writes them, whatever the standard says
        let windows = (!name.contains('/')).then(|| name.replace('\\', "/"));
        let mut place = self.folder.to_owned();
        for part in Path::new(windows.as_deref().unwrap_or(name)).components() {
            match part {
                Component::Normal(part) => place.push(part),
                Component::CurDir | Component::RootDir => {}
                Component::ParentDir | Component::Prefix(_) => return Err(outside()),
            }
        }
        if place == self.folder || name.contains('\0') { Err(outside()) } else { Ok(place) }
    }
}

/// The name within the archive.
fn member_name(name: &EntryName) -> &str {
    name.parts().get(1).map_or("", String::as_str)
}

/// `x/name.json.gz` as `x/name (2).json.gz`: as copies beside a file are named.
fn numbered(place: &Path, number: u32) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let dot = name.char_indices().skip(1).find(|(_, char)| *char == '.').map_or(name.len(), |(at, _)| at);
    place.with_file_name(format!("{} ({number}){}", &name[..dot], &name[dot..]))
}

#[cfg(test)]
mod tests;
