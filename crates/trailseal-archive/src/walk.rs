//! Walking a downloaded tree without ever leaving it.
//!
//! A walk has two steps, so that an archive of any size is never listed as a whole: [`Roots::survey`] finds
//! the folders of each account and region, [`Roots::list`] lists the files of one of them. Links that leave
//! the roots are not followed; loops end; what is not a regular file is never opened.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::io::Errno;

use crate::{
    key::{KeyParts, ObjectKind},
    open::{self, OpenError, OpenFile, Refusal},
};

/// The folders that may be read.
#[derive(Clone, Debug)]
pub struct Roots {
    roots: Vec<Root>,
    /// Why files at these real paths cannot be read, though something lies there.
    unreadable: BTreeMap<PathBuf, String>,
}

#[derive(Clone, Debug)]
struct Root {
    given: PathBuf,
    canonical: PathBuf,
    /// The folder itself, whatever its path leads to later.
    handle: Arc<fs::File>,
    /// Whether `given` is an archive file, which was unpacked into the folder.
    is_archive: bool,
}

impl Root {
    fn folder(&self) -> Folder {
        Folder { real: self.canonical.clone(), shown: self.given.clone(), is_archive: self.is_archive }
    }
}

/// Why a root cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct RootError {
    /// The root as given.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// An account and region, as the folders say; empty where they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountRegion {
    /// The organization id, of an organization trail.
    pub organization: Option<String>,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

/// A folder, by its real path (for opening and for keys) and the path as found (for people).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folder {
    /// Without symbolic links, except below.
    pub real: PathBuf,
    /// Beginning with the root as given.
    pub shown: PathBuf,
    /// Whether `shown` is an archive file, which was unpacked here.
    pub is_archive: bool,
}

impl Folder {
    /// A folder that is one.
    pub fn new(real: PathBuf, shown: PathBuf) -> Self {
        Self { real, shown, is_archive: false }
    }

    /// What is in it, as it is shown: `folder/name`, and `archive.zip!name`.
    pub fn shown_below(&self, rest: &Path) -> PathBuf {
        if self.is_archive && rest != Path::new("") {
            let mut shown = self.shown.clone().into_os_string();
            shown.push("!");
            shown.push(rest);
            return shown.into();
        }
        // `.` does not turn into `./x`
        if self.shown == Path::new(".") { rest.to_owned() } else { self.shown.join(rest) }
    }
}

/// What a survey found.
#[derive(Debug, Default)]
pub struct Survey {
    /// The region folders of each account and region (`…/AWSLogs/…/CloudTrail…/REGION`).
    pub units: BTreeMap<AccountRegion, Vec<(ObjectKind, Folder)>>,
    /// Folders outside that layout that hold files.
    pub others: Vec<Folder>,
    /// What was not followed or could not be read.
    pub problems: Vec<Problem>,
}

/// Something in the tree that was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where, as found.
    pub shown: PathBuf,
    /// The real path, but for the link itself.
    pub real: PathBuf,
    /// What.
    pub kind: ProblemKind,
}

/// Why something was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A link to a place outside the roots.
    #[error("a symbolic link that leaves the archive; it was not followed")]
    LeavesRoots,
    /// A link to a folder that holds it, or to itself by way of others. Told once for each link, however many
    /// ways lead to it, with the link's real path.
    #[error("a symbolic link that leads in a circle; it was not followed")]
    Loop,
    /// A link to a folder that is walked where it lies.
    #[error("a symbolic link that is another name of a folder; it was not followed")]
    Alias,
    /// A link to nothing.
    #[error("a symbolic link that leads nowhere")]
    Broken,
    /// A link of which cannot be told where it leads.
    #[error("a symbolic link that cannot be followed: {0}")]
    Unresolvable(String),
    /// A folder that cannot be listed.
    #[error("the folder cannot be read: {0}")]
    Unreadable(String),
}

/// A file in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name; a name that is not UTF-8 shows `�` and cannot be opened by it.
    pub name: Box<str>,
    /// Bytes on disk; 0 for regular files that were not asked for it ([`Lengths::Left`]).
    pub length: u64,
    /// Why it must not be opened.
    pub refusal: Option<Refusal>,
    /// Whether it is a symbolic link.
    pub is_link: bool,
}

/// Whether regular files are asked for their length, which takes longer than all the rest of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// They are.
    Asked,
    /// They are not.
    Left,
}

/// A folder and the files directly in it, ordered by name.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The folder.
    pub folder: Folder,
    /// Its files.
    pub files: Vec<File>,
}

impl Roots {
    /// Takes the folders that may be read. A root inside another one is left out: its files would count
    /// twice.
    ///
    /// # Errors
    /// [`RootError`] for a root that is not a readable folder.
    pub fn open(paths: &[PathBuf]) -> Result<Self, RootError> {
        let mut roots: Vec<Root> = Vec::new();
        for given in paths {
            let fail = |source| RootError { path: given.clone(), source };
            let canonical = fs::canonicalize(given).map_err(fail)?;
            fs::read_dir(&canonical).map_err(fail)?;
            let handle = Arc::new(fs::File::open(&canonical).map_err(fail)?);
            roots.push(Root { given: given.clone(), canonical, handle, is_archive: false });
        }
        let all: Vec<PathBuf> = roots.iter().map(|root| root.canonical.clone()).collect();
        let mut at = 0;
        roots.retain(|root| {
            at += 1;
            let earlier_twin = all[..at - 1].contains(&root.canonical);
            let inside =
                all.iter().any(|other| *other != root.canonical && root.canonical.starts_with(other));
            !earlier_twin && !inside
        });
        Ok(Self { roots, unreadable: BTreeMap::new() })
    }

    /// Shows a root, which was given by its folder, as the archive file that was unpacked into it.
    #[must_use]
    pub fn unpacked(mut self, folder: &Path, archive: &Path, unreadable: &BTreeMap<PathBuf, String>) -> Self {
        for root in self.roots.iter_mut().filter(|root| root.given == folder) {
            archive.clone_into(&mut root.given);
            root.is_archive = true;
            // the paths are those of the folder as it was given
            let real = |place: &Path| Some(root.canonical.join(place.strip_prefix(folder).ok()?));
            let known = unreadable.iter().filter_map(|(place, why)| Some((real(place)?, why.clone())));
            self.unreadable.extend(known);
        }
        self
    }

    /// Whether a real path lies in a root.
    pub fn contain(&self, real: &Path) -> bool {
        self.roots.iter().any(|root| real.starts_with(&root.canonical))
    }

    /// The path as the user would write it, for a real path in a root.
    pub fn shown(&self, real: &Path) -> PathBuf {
        let root = self.roots.iter().find_map(|root| Some((root, real.strip_prefix(&root.canonical).ok()?)));
        root.map_or_else(|| real.to_owned(), |(root, rest)| root.folder().shown_below(rest))
    }

    /// A folder in the roots, by its real path.
    pub fn folder(&self, real: &Path) -> Folder {
        let root = self.roots.iter().find(|root| root.canonical == real);
        root.map_or_else(|| Folder::new(real.to_owned(), self.shown(real)), Root::folder)
    }

    /// Finds the folders of every account and region that `is_wanted`, without listing their files.
    pub fn survey(&self, is_wanted: &dyn Fn(&AccountRegion) -> bool) -> Survey {
        let mut survey = Survey::default();
        for root in &self.roots {
            let mut walk = Walk::new(self, Lengths::Left, &mut survey.problems);
            walk.run(root.folder(), |folder, listing| {
                if let Some((unit, kind)) = unit_of(&folder.real) {
                    if is_wanted(&unit) {
                        survey.units.entry(unit).or_default().push((kind, folder.clone()));
                    }
                    return Descend::No;
                }
                if listing().is_some_and(|files| !files.is_empty()) {
                    survey.others.push(folder.clone());
                }
                Descend::Yes
            });
        }
        self.leave_out_aliases(&mut survey);
        survey.problems.sort();
        survey
    }

    /// What was reached through a link and is walked where it lies counts there; the link is told once. A folder that
    /// only the link shows to be of AWS's layout stays.
    fn leave_out_aliases(&self, survey: &mut Survey) {
        let mut links = BTreeMap::new();
        let mut is_alias = |folder: &Folder, is_unit: bool| {
            let Ok(real) = fs::canonicalize(&folder.real) else { return false };
            let is_walked = self.contain(&real) && (!is_unit || unit_of(&real).is_some());
            if real == folder.real || !is_walked {
                return false;
            }
            let is_link = |path: &&Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
            let above = folder.real.ancestors().filter(|path| self.contain(path));
            if let Some(link) = above.filter(is_link).last() {
                links.insert(link.to_owned(), self.shown(link));
            }
            true
        };
        for folders in survey.units.values_mut() {
            folders.retain(|(_, folder)| !is_alias(folder, true));
        }
        survey.units.retain(|_, folders| !folders.is_empty());
        survey.others.retain(|folder| !is_alias(folder, false));
        let problem = |(real, shown)| Problem { shown, real, kind: ProblemKind::Alias };
        survey.problems.extend(links.into_iter().map(problem));
    }

    /// Lists the files at and below a folder, folder by folder, in order.
    pub fn list(&self, folder: &Folder, lengths: Lengths, problems: &mut Vec<Problem>) -> Vec<Listing> {
        let mut listings = Vec::new();
        Walk::new(self, lengths, problems).run(folder.clone(), |folder, files| {
            match files() {
                Some(files) if !files.is_empty() => listings.push(Listing { folder: folder.clone(), files }),
                _ => {}
            }
            Descend::Yes
        });
        listings.sort_by(|a, b| a.folder.cmp(&b.folder));
        listings
    }

    /// Shows `visit` the files of every folder of every root, folder by folder: a folder before those in it,
    /// these in order. Only one folder is held at a time, and no file is asked for its length.
    ///
    /// Every file is shown once, where it lies: a link to what lies in the roots is another name of it, and left
    /// out.
    pub fn walk(&self, problems: &mut Vec<Problem>, visit: &mut dyn FnMut(Listing) -> ControlFlow<()>) {
        let mut is_over = false;
        for root in &self.roots {
            let mut walk = Walk::new(self, Lengths::Left, problems);
            walk.aliases = Aliases::LeftOut;
            walk.run(root.folder(), |folder, files| {
                if is_over {
                    return Descend::No;
                }
                if let Some(files) = files().filter(|files| !files.is_empty()) {
                    is_over = visit(Listing { folder: folder.clone(), files }).is_break();
                }
                Descend::Yes
            });
        }
    }

    /// Lists the files directly in a folder, in order.
    pub fn list_one(&self, folder: &Folder) -> Vec<File> {
        let mut problems = Vec::new();
        let mut walk = Walk::new(self, Lengths::Asked, &mut problems);
        walk.entries(folder).map(|entries| entries.files).unwrap_or_default()
    }

    /// Lists the files directly in a folder, in order, without asking for their lengths.
    pub fn list_names(&self, folder: &Folder) -> Vec<File> {
        let mut problems = Vec::new();
        let mut walk = Walk::new(self, Lengths::Left, &mut problems);
        walk.entries(folder).map(|entries| entries.files).unwrap_or_default()
    }

    /// Lists the folders below a folder from the last by name to the first, of date folders the newest day first, for
    /// as long as `visit` wants more.
    pub fn list_backwards(
        &self,
        folder: &Folder,
        visit: &mut dyn FnMut(&Folder, &[File]) -> ControlFlow<()>,
    ) {
        let mut problems = Vec::new();
        let mut walk = Walk::new(self, Lengths::Left, &mut problems);
        let mut left = vec![folder.clone()];
        while let Some(folder) = left.pop() {
            let Some(entries) = walk.entries(&folder) else { continue };
            if visit(&folder, &entries.files).is_break() {
                return;
            }
            left.extend(entries.folders);
        }
    }

    /// Opens a regular file at a path in the roots, as a listing has it ([`Folder::real`] and a name).
    ///
    /// Links within the roots are followed, others are not, whenever they were put in place: what is opened lies
    /// below a root. A pipe in the place of a file is not waited for.
    ///
    /// # Errors
    /// Those of opening a file; it is refused where a link leaves the roots, and where it is no regular file. What could not be
    /// unpacked is not opened.
    pub fn open_file(&self, real: &Path) -> Result<OpenFile, OpenError> {
        if let Some(why) = self.unreadable.get(real) {
            return Err(OpenError::Other(io::Error::other(why.clone())));
        }
        match self.open_without_links(real) {
            Err(OpenError::Refused(Refusal::Link)) => {
                // one that came in between is refused again
                self.open_without_links(&fs::canonicalize(real)?)
            }
            opened => opened,
        }
    }

    fn open_without_links(&self, path: &Path) -> Result<OpenFile, OpenError> {
        let mut below =
            self.roots.iter().filter_map(|root| Some((root, path.strip_prefix(&root.canonical).ok()?)));
        let (root, rest) = below.next().ok_or(OpenError::Refused(Refusal::Link))?;
        open::below(&root.handle, rest)
    }

    /// A file at a real path in the roots, if there is one that is regular; for names that no listing had.
    pub fn probe(&self, real: &Path) -> Option<u64> {
        let canonical = fs::canonicalize(real).ok()?;
        let metadata = fs::metadata(&canonical).ok()?;
        (self.contain(&canonical) && metadata.is_file()).then_some(metadata.len())
    }
}

/// The account, region and kind that a region folder's real path states.
fn unit_of(real: &Path) -> Option<(AccountRegion, ObjectKind)> {
    // A file name completes the path to a key; the folder must be the region's own.
    let key = format!("{}/x", real.to_str()?);
    let parts = KeyParts::parse(&key)?;
    let unit = AccountRegion {
        organization: parts.organization.map(str::to_owned),
        account: parts.account.to_owned(),
        region: parts.region.to_owned(),
    };
    Some((unit, parts.kind))
}

enum Descend {
    Yes,
    No,
}

struct Entries {
    files: Vec<File>,
    folders: Vec<Folder>,
}

struct Walk<'a> {
    roots: &'a Roots,
    problems: &'a mut Vec<Problem>,
    /// Folders that were reached through links: each is entered once.
    linked: HashSet<PathBuf>,
    /// Links that lead in a circle: each is told once.
    circles: HashSet<PathBuf>,
    lengths: Lengths,
    aliases: Aliases,
}

/// What is done with links to files and folders in the roots.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aliases {
    Followed,
    LeftOut,
}

impl<'a> Walk<'a> {
    fn new(roots: &'a Roots, lengths: Lengths, problems: &'a mut Vec<Problem>) -> Self {
        let (linked, circles) = (HashSet::new(), HashSet::new());
        Self { roots, problems, linked, circles, lengths, aliases: Aliases::Followed }
    }

    /// Visits a folder and what is below it. `visit` may ask for the files of the folder.
    fn run(
        &mut self,
        start: Folder,
        mut visit: impl FnMut(&Folder, &mut dyn FnMut() -> Option<Vec<File>>) -> Descend,
    ) {
        let mut stack = vec![start];
        while let Some(folder) = stack.pop() {
            let mut entries = None;
            let descend = visit(&folder, &mut || {
                let mut found = self.entries(&folder)?;
                let files = std::mem::take(&mut found.files);
                entries = Some(found);
                Some(files)
            });
            if let (Descend::Yes, Some(entries)) = (descend, entries) {
                stack.extend(entries.folders.into_iter().rev());
            }
        }
    }

    fn entries(&mut self, folder: &Folder) -> Option<Entries> {
        let listing = match fs::read_dir(&folder.real) {
            Ok(listing) => listing,
            Err(error) => {
                self.problem(folder, ProblemKind::Unreadable(error.to_string()));
                return None;
            }
        };
        let mut entries = Entries { files: Vec::new(), folders: Vec::new() };
        for entry in listing {
            match entry {
                Ok(entry) => self.entry(folder, &entry, &mut entries),
                Err(error) => {
                    self.problem(folder, ProblemKind::Unreadable(error.to_string()));
                    break;
                }
            }
        }
        entries.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        entries.files.shrink_to_fit();
        entries.folders.sort();
        Some(entries)
    }

    fn entry(&mut self, folder: &Folder, entry: &fs::DirEntry, entries: &mut Entries) {
        let name = entry.file_name();
        let text = name.to_str();
        let kind = entry.file_type().ok();
        let file = |length, refusal: Option<Refusal>| File {
            name: name.to_string_lossy().into(),
            length,
            refusal: refusal.or(text.is_none().then_some(Refusal::Name)),
            is_link: kind.is_some_and(|kind| kind.is_symlink()),
        };
        let below = || Folder::new(folder.real.join(&name), folder.shown_below(Path::new(&name)));
        if kind.is_some_and(|kind| kind.is_dir()) {
            entries.folders.push(below());
        } else if kind.is_some_and(|kind| kind.is_file()) {
            let length = match self.lengths {
                Lengths::Asked => entry.metadata().map_or(0, |metadata| metadata.len()),
                Lengths::Left => 0,
            };
            entries.files.push(file(length, None));
        } else if kind.is_some_and(|kind| kind.is_symlink()) {
            match self.follow(folder, &below()) {
                Ok(_) if self.aliases == Aliases::LeftOut => {}
                Ok(Target::File(length)) => entries.files.push(file(length, None)),
                Ok(Target::Folder(real)) => {
                    // What lies in AWS's layout is walked where it lies; by a link it would count twice.
                    let is_walked = real.components().any(|part| part.as_os_str() == "AWSLogs");
                    if !is_walked && self.linked.insert(real) {
                        entries.folders.push(below());
                    } else {
                        self.problem(&below(), ProblemKind::Alias);
                    }
                }
                Ok(Target::Other) => entries.files.push(file(0, Some(Refusal::NotRegular))),
                Err(ProblemKind::Loop) => {
                    self.circle(&folder.real, &below());
                    entries.files.push(file(0, Some(Refusal::Circle)));
                }
                Err(problem) => {
                    self.problem(&below(), problem);
                    entries.files.push(file(0, Some(Refusal::Link)));
                }
            }
        } else {
            entries.files.push(file(0, Some(Refusal::NotRegular)));
        }
    }

    fn follow(&self, folder: &Folder, link: &Folder) -> Result<Target, ProblemKind> {
        let unresolvable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ProblemKind::Broken,
            _ if Errno::from_io_error(&error) == Some(Errno::LOOP) => ProblemKind::Loop,
            _ => ProblemKind::Unresolvable(error.to_string()),
        };
        let real = fs::canonicalize(&link.real).map_err(unresolvable)?;
        if !self.roots.contain(&real) {
            return Err(ProblemKind::LeavesRoots);
        }
        let metadata = fs::metadata(&real).map_err(unresolvable)?;
        if metadata.is_file() {
            return Ok(Target::File(metadata.len()));
        }
        if !metadata.is_dir() {
            return Ok(Target::Other);
        }
        let here = fs::canonicalize(&folder.real).map_err(unresolvable)?;
        if here.starts_with(&real) { Err(ProblemKind::Loop) } else { Ok(Target::Folder(real)) }
    }

    /// A link that leads in a circle: other links may lead to it on several ways.
    fn circle(&mut self, folder: &Path, link: &Folder) {
        let place = fs::canonicalize(folder).ok().zip(link.real.file_name()).map(|(at, name)| at.join(name));
        let real = place.unwrap_or_else(|| link.real.clone());
        if self.circles.insert(real.clone()) {
            self.problems.push(Problem { shown: link.shown.clone(), real, kind: ProblemKind::Loop });
        }
    }

    fn problem(&mut self, at: &Folder, kind: ProblemKind) {
        self.problems.push(Problem { shown: at.shown.clone(), real: at.real.clone(), kind });
    }
}

enum Target {
    File(u64),
    Folder(PathBuf),
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "bucket/p/AWSLogs/o-abcd123456/111122223333/CloudTrail/eu-west-1/2024/03/01";

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let day = root.path().join(DAY);
        fs::create_dir_all(&day).unwrap();
        fs::write(day.join("b.json.gz"), "12").unwrap();
        fs::write(day.join("a.json.gz"), "1").unwrap();
        fs::write(root.path().join("bucket/readme"), "x").unwrap();
        root
    }

    fn survey(root: &Path) -> (Roots, Survey) {
        let roots = Roots::open(&[root.to_owned()]).unwrap();
        let survey = roots.survey(&|_| true);
        (roots, survey)
    }

    #[test]
    fn a_unit_is_found_and_listed_in_order() {
        let root = tree();
        for start in
            ["", "bucket/p/AWSLogs", "bucket/p/AWSLogs/o-abcd123456/111122223333/CloudTrail/eu-west-1/2024"]
        {
            let (roots, survey) = survey(&root.path().join(start));
            assert_eq!(survey.problems, []);
            let (unit, folders) = survey.units.first_key_value().unwrap();
            assert_eq!((unit.account.as_str(), unit.region.as_str()), ("111122223333", "eu-west-1"));
            assert_eq!(unit.organization.as_deref(), Some("o-abcd123456"));
            let listings = roots.list(&folders[0].1, Lengths::Asked, &mut Vec::new());
            let names: Vec<&str> = listings[0].files.iter().map(|file| &*file.name).collect();
            assert_eq!(names, ["a.json.gz", "b.json.gz"]);
            assert!(listings[0].folder.real.ends_with(DAY));
        }
    }

    #[test]
    fn links_that_leave_the_root_are_reported_and_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let root = tree();
        std::os::unix::fs::symlink(outside.path(), root.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), root.path().join(DAY).join("c.json.gz"))
            .unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("broken")).unwrap();
        let (roots, survey) = survey(root.path());
        let kinds: Vec<_> = survey.problems.iter().map(|problem| problem.kind.clone()).collect();
        assert_eq!(kinds, [ProblemKind::Broken, ProblemKind::LeavesRoots]);
        let mut problems = Vec::new();
        let listings = roots.list(&survey.units.values().next().unwrap()[0].1, Lengths::Asked, &mut problems);
        assert_eq!(listings[0].files[2].refusal, Some(Refusal::Link));
        assert_eq!(problems[0].kind, ProblemKind::LeavesRoots);
        assert_eq!(roots.probe(&outside.path().join("secret")), None);
    }

    #[test]
    fn a_walk_goes_folder_by_folder_and_ends_when_it_is_told_to() {
        let root = tree();
        let roots = Roots::open(&[root.path().to_owned()]).unwrap();
        let mut names = Vec::new();
        roots.walk(&mut Vec::new(), &mut |listing| {
            names.extend(listing.files.iter().map(|file| file.name.to_string()));
            ControlFlow::Continue(())
        });
        assert_eq!(names, ["readme", "a.json.gz", "b.json.gz"]);
        let mut folders = 0;
        roots.walk(&mut Vec::new(), &mut |_| {
            folders += 1;
            ControlFlow::Break(())
        });
        assert_eq!(folders, 1);
    }

    #[test]
    fn circles_end_and_pipes_are_not_opened() {
        let root = tree();
        let day = root.path().join(DAY);
        std::os::unix::fs::symlink(root.path(), day.join("up")).unwrap();
        std::os::unix::fs::symlink("self", day.join("self")).unwrap();
        std::os::unix::fs::symlink("..", day.join("twin")).unwrap();
        let (roots, survey) = survey(root.path());
        let mut problems = Vec::new();
        roots.list(&survey.units.values().next().unwrap()[0].1, Lengths::Asked, &mut problems);
        assert_eq!(problems.len(), 3);
        assert!(problems.iter().all(|problem| problem.kind == ProblemKind::Loop));
        let pipe = std::process::Command::new("mkfifo").arg(day.join("z.json.gz")).status();
        if pipe.is_ok_and(|status| status.success()) {
            let listings =
                roots.list(&survey.units.values().next().unwrap()[0].1, Lengths::Asked, &mut Vec::new());
            assert_eq!(listings[0].files.last().unwrap().refusal, Some(Refusal::NotRegular));
        }
    }

    #[test]
    fn files_are_opened_below_the_roots_only() {
        use std::{io::Read, os::unix::fs::symlink};

        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("b.json.gz"), "secret").unwrap();
        let root = tree();
        let day = fs::canonicalize(root.path()).unwrap().join(DAY);
        let (roots, _) = survey(root.path());
        let open = |name: &str| -> Result<String, String> {
            let mut content = String::new();
            let mut file = roots.open_file(&day.join(name)).map_err(|error| error.to_string())?;
            file.read_to_string(&mut content).map_err(|error| error.to_string())?;
            Ok(content)
        };
        assert_eq!(open("b.json.gz").as_deref(), Ok("12"));
        // links within the root, of files and of folders
        symlink("b.json.gz", day.join("link")).unwrap();
        symlink("..", day.join("up")).unwrap();
        assert_eq!(open("link").as_deref(), Ok("12"));
        assert_eq!(open("up/01/b.json.gz").as_deref(), Ok("12"));
        // out of it, in circles and to nothing
        symlink(outside.path().join("b.json.gz"), day.join("out")).unwrap();
        symlink(outside.path(), day.join("away")).unwrap();
        symlink("circle", day.join("circle")).unwrap();
        symlink("nowhere", day.join("broken")).unwrap();
        let link = Refusal::Link.to_string();
        assert_eq!(open("out"), Err(link.clone()));
        assert_eq!(open("away/b.json.gz"), Err(link.clone()));
        assert!(open("circle").is_err() && open("broken").is_err() && open("missing").is_err());
        let elsewhere = roots.open_file(&outside.path().join("b.json.gz"));
        assert_eq!(elsewhere.unwrap_err().to_string(), link);
        // what is no file
        let refused = Err(Refusal::NotRegular.to_string());
        let _socket = std::os::unix::net::UnixListener::bind(day.join("socket")).unwrap();
        assert_eq!(open("socket"), refused);
        assert_eq!(open(""), refused);
        assert!(open("b.json.gz/x").is_err());
        let pipe = std::process::Command::new("mkfifo").arg(day.join("pipe")).status();
        if pipe.is_ok_and(|status| status.success()) {
            assert_eq!(open("pipe"), refused);
        }
        // a folder that is replaced after it was listed
        fs::rename(&day, day.with_file_name("02")).unwrap();
        symlink(outside.path(), &day).unwrap();
        assert_eq!(fs::read(day.join("b.json.gz")).unwrap(), b"secret");
        assert_eq!(open("b.json.gz"), Err(link));
    }

    #[test]
    fn circles_are_told_once_and_other_failures_are_no_circles() {
        use std::os::unix::fs::symlink;

        let root = tree();
        let bucket = root.path().join("bucket");
        for (link, to) in [("up", ".."), ("self", "."), ("a", "b"), ("b", "a"), ("past", "readme/x")] {
            symlink(to, bucket.join(link)).unwrap();
        }
        // two more ways to the same circle
        fs::create_dir(root.path().join("inner")).unwrap();
        symlink(".", root.path().join("inner/again")).unwrap();
        symlink("inner", root.path().join("way")).unwrap();
        symlink("../inner", bucket.join("way")).unwrap();
        symlink("x".repeat(300), bucket.join("long")).unwrap();
        let (_, survey) = survey(root.path());
        let kinds = |name: &str| -> Vec<ProblemKind> {
            let found = survey.problems.iter().filter(|problem| problem.shown.ends_with(name));
            found.map(|problem| problem.kind.clone()).collect()
        };
        for circle in ["bucket/up", "bucket/self", "bucket/a", "bucket/b"] {
            assert_eq!(kinds(circle), [ProblemKind::Loop], "{circle}");
        }
        assert_eq!(kinds("again"), [ProblemKind::Loop]);
        assert_eq!(kinds("past"), [ProblemKind::Broken]);
        assert!(matches!(kinds("long")[..], [ProblemKind::Unresolvable(_)]), "{:?}", survey.problems);
    }

    #[test]
    fn a_walk_shows_every_file_once_and_where_it_lies() {
        use std::os::unix::fs::symlink;

        let root = tree();
        symlink("bucket", root.path().join("alias")).unwrap();
        symlink("readme", root.path().join("bucket/latest")).unwrap();
        symlink("..", root.path().join("bucket/up")).unwrap();
        let roots = Roots::open(&[root.path().to_owned()]).unwrap();
        let (mut names, mut problems) = (Vec::new(), Vec::new());
        roots.walk(&mut problems, &mut |listing| {
            let files = listing.files.iter().filter(|file| file.refusal.is_none());
            names.extend(files.map(|file| listing.folder.shown.join(&*file.name)));
            ControlFlow::Continue(())
        });
        let shown = ["bucket/readme".to_owned(), format!("{DAY}/a.json.gz"), format!("{DAY}/b.json.gz")];
        assert_eq!(names, shown.map(|name| root.path().join(name)));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].kind, ProblemKind::Loop);
    }

    #[test]
    fn roots_inside_roots_count_once_and_missing_ones_are_errors() {
        let root = tree();
        let paths = [root.path().to_owned(), root.path().join("bucket"), root.path().to_owned()];
        assert_eq!(Roots::open(&paths).unwrap().roots.len(), 1);
        let missing = root.path().join("missing");
        assert!(Roots::open(&[missing]).unwrap_err().to_string().contains("missing"));
        assert!(Roots::open(&[root.path().join("bucket/readme")]).is_err());
    }
}
