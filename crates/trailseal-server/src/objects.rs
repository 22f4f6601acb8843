//! Folders as buckets, to be read: keys in S3's order, and nothing outside the folders.
//!
//! What a folder holds is evidence or what a local trail delivered. Links are not followed, sidecars
//! (`KEY.metadata.json` beside `KEY`) are no objects but say what metadata the object has. The one thing that is made
//! here is a bucket: a folder of the data folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use trailseal_archive::{
    key::{is_account_id, is_organization_id},
    metadata::{MAX_SIDECAR_BYTES, MetadataError, ObjectMetadata, parse_sidecar},
    open::{self, OpenError, OpenFile, ReadError},
};

use self::tags::FileVersion;

pub(crate) mod tags;

/// The end of a sidecar's name.
const SIDECAR: &str = ".metadata.json";

/// The end of the name, which begins with a dot, of a file that is being written.
const TEMPORARY: &str = ".tmp";

/// S3's largest page of a listing.
pub(crate) const MAX_KEYS: usize = 1_000;

/// S3's longest key, in bytes.
const MAX_KEY: usize = 1_024;

/// S3's longest name of a bucket.
const MAX_BUCKET_NAME: usize = 255;

/// The folders of an account for which CloudTrail makes objects without content when a trail begins
/// (docs/spec/wire-protocol.md 1.8).
const MARKED: [&str; 3] = ["CloudTrail", "CloudTrail-Digest", "CloudTrail-Insight"];

/// Buckets, by their names.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    mounts: BTreeMap<String, Vec<Mount>>,
    /// A folder whose folders are buckets.
    local: Option<PathBuf>,
}

/// A folder that holds the objects of a bucket whose keys begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Empty, or ending in `/`.
    pub(crate) prefix: String,
    /// The folder.
    pub(crate) folder: PathBuf,
    /// This server delivers into it: what is not whole yet is no object.
    pub(crate) is_local: bool,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// Its key.
    pub(crate) key: String,
    /// Where its content is.
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) length: u64,
    /// When it was written; S3's own time where the download kept it.
    pub(crate) modified: SystemTime,
    /// Which state of the file this is.
    pub(crate) version: FileVersion,
    /// It is a folder, which stands for an object without content.
    pub(crate) is_marker: bool,
}

impl Object {
    /// A file or marker as it was found.
    fn new(key: String, path: PathBuf, found: &fs::Metadata) -> Self {
        let is_marker = found.is_dir();
        let length = if is_marker { 0 } else { found.len() };
        let modified = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Self { key, path, length, modified, version: FileVersion::of(found), is_marker }
    }

    /// The same, in the state in which it was opened.
    pub(crate) fn into_opened(self, file: &OpenFile) -> io::Result<Self> {
        Ok(Self::new(self.key, self.path, &file.metadata()?))
    }

    /// Opens its content, which no link that was put there since leads away from.
    pub(crate) fn open(&self) -> Result<OpenFile, OpenError> {
        open::unlinked(&self.path)
    }

    /// The user metadata that a sidecar holds; an error for a sidecar that cannot be read, or is none.
    pub(crate) fn metadata(&self) -> Result<ObjectMetadata, ObjectError> {
        let mut sidecar = self.path.clone().into_os_string();
        sidecar.push(SIDECAR);
        match open::unlinked(Path::new(&sidecar)) {
            Ok(opened) => Ok(parse_sidecar(&opened.read_bounded(MAX_SIDECAR_BYTES as u64)?)?),
            Err(OpenError::Absent(_)) => Ok(ObjectMetadata::default()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is wanted of a listing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Only keys that begin so.
    pub(crate) prefix: &'a str,
    /// Keys that have this text behind the prefix are folded into one common prefix.
    pub(crate) delimiter: Option<&'a str>,
    /// Only keys, and common prefixes, behind this one.
    pub(crate) after: &'a str,
    /// At most so many keys and common prefixes.
    pub(crate) most: usize,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// In the order of their keys.
    pub(crate) objects: Vec<Object>,
    /// In order.
    pub(crate) common_prefixes: Vec<String>,
    /// The last key or common prefix of the page, if there is more behind it.
    pub(crate) next: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectError {
    /// There is no such bucket.
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    /// There is no such object.
    #[error("The specified key does not exist.")]
    NoSuchKey,
    /// A folder or file cannot be read.
    #[error("the object store cannot be read: {0}")]
    Unreadable(#[from] ReadError),
    /// What lies beside an object are no metadata.
    #[error("the metadata of the object cannot be used: {0}")]
    Metadata(#[from] MetadataError),
}

/// Why a bucket was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateBucketError {
    /// There is no folder for buckets.
    #[error("buckets are made in a data folder, and this server has none (--data-dir)")]
    NoFolder,
    /// S3 makes no bucket of this name.
    #[error("The specified bucket is not valid.")]
    Name,
    /// It is there.
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    IsThere,
    /// An archive has one of this name.
    #[error("The requested bucket name is not available: an archive of this server has it.")]
    IsTaken,
    /// The folder cannot be made.
    #[error("the folder of the bucket cannot be made: {0}")]
    Folder(#[from] io::Error),
}

impl From<io::Error> for ObjectError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.into())
    }
}

impl From<OpenError> for ObjectError {
    fn from(error: OpenError) -> Self {
        match error {
            // it went away since it was found
            OpenError::Absent(_) => Self::NoSuchKey,
            error => Self::Unreadable(error.into()),
        }
    }
}

impl Page {
    /// Ends the page behind so many of its objects.
    pub(crate) fn cut(&mut self, count: usize) {
        if count < self.objects.len()
            && let Some(last) = self.objects.get(count.saturating_sub(1)).map(|object| object.key.clone())
        {
            self.objects.truncate(count);
            self.common_prefixes.retain(|prefix| *prefix < last);
            self.next = Some(last);
        }
    }
}

impl Buckets {
    /// No bucket but the folders in `local`, which may come and go.
    pub fn new(local: Option<PathBuf>) -> Self {
        Self { mounts: BTreeMap::new(), local }
    }

    /// Adds a folder that holds a part of a bucket.
    ///
    /// # Errors
    /// When the folder cannot be found.
    pub fn add(&mut self, bucket: &str, prefix: &str, folder: &Path) -> io::Result<()> {
        let mount = Mount { prefix: prefix.to_owned(), folder: folder.canonicalize()?, is_local: false };
        let mounts = self.mounts.entry(bucket.to_owned()).or_default();
        if !mounts.contains(&mount) {
            mounts.push(mount);
        }
        Ok(())
    }

    /// Whether there is a bucket of this name.
    pub fn has(&self, bucket: &str) -> bool {
        !self.folders(bucket).is_empty()
    }

    /// Makes a bucket: a folder of the data folder.
    pub(crate) fn create(&self, bucket: &str) -> Result<(), CreateBucketError> {
        let local = self.local.as_ref().ok_or(CreateBucketError::NoFolder)?;
        if !s3s::path::check_bucket_name(bucket) {
            return Err(CreateBucketError::Name);
        }
        if self.mounts.contains_key(bucket) {
            return Err(CreateBucketError::IsTaken);
        }
        match fs::create_dir(local.join(bucket)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.has(bucket) => {
                Err(CreateBucketError::IsThere)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The names of all buckets, in order, and when their folders last changed.
    pub(crate) fn names(&self) -> io::Result<Vec<(String, SystemTime)>> {
        let mut names: BTreeSet<String> = self.mounts.keys().cloned().collect();
        if let Some(local) = &self.local {
            for entry in fs::read_dir(local)? {
                names.extend(entry?.file_name().into_string());
            }
        }
        let time = |mount: &Mount| fs::metadata(&mount.folder).and_then(|folder| folder.modified());
        let bucket = |name: String| {
            let folders = self.folders(&name);
            let time = time(folders.first()?).unwrap_or(SystemTime::UNIX_EPOCH);
            Some((name, time))
        };
        Ok(names.into_iter().filter_map(bucket).collect())
    }

    /// The object with this key.
    pub(crate) fn get(&self, bucket: &str, key: &str) -> Result<Object, ObjectError> {
        let mounts = self.folders(bucket);
        if mounts.is_empty() {
            return Err(ObjectError::NoSuchBucket);
        }
        for Mount { prefix, folder, is_local } in mounts {
            let is_marked = is_local && is_marker(key);
            let rest =
                key.strip_prefix(&*prefix).map(|rest| if is_marked { &rest[..rest.len() - 1] } else { rest });
            let Some(rest) = rest.filter(|rest| is_path(rest)) else { continue };
            let path = folder.join(rest);
            // a link anywhere on the way would make the real path another one
            let is_here = path.canonicalize().is_ok_and(|real| real == path);
            if is_here && let Some(object) = object(key.to_owned(), path, is_local)? {
                return Ok(object);
            }
        }
        Err(ObjectError::NoSuchKey)
    }

    /// A page of a bucket's objects.
    pub(crate) fn list(&self, bucket: &str, wanted: &Wanted<'_>) -> Result<Page, ObjectError> {
        let mounts = self.folders(bucket);
        if mounts.is_empty() {
            return Err(ObjectError::NoSuchBucket);
        }
        let most = wanted.most.min(MAX_KEYS);
        // one more of each mount shows whether there is more
        let mut found: BTreeMap<String, Option<Object>> = BTreeMap::new();
        for mount in &mounts {
            let mut gather =
                Gather { wanted, is_local: mount.is_local, room: most + 1, found: BTreeMap::new() };
            gather.folder(&mount.folder, &mount.prefix)?;
            for (name, object) in gather.found {
                found.entry(name).or_insert(object);
            }
        }
        let mut page = Page::default();
        let is_more = found.len() > most;
        for (name, object) in found.into_iter().take(most) {
            page.next = is_more.then(|| name.clone());
            match object {
                Some(object) => page.objects.push(object),
                None => page.common_prefixes.push(name),
            }
        }
        Ok(page)
    }

    fn folders(&self, bucket: &str) -> Vec<Mount> {
        if !is_bucket_name(bucket) {
            return Vec::new();
        }
        let mut mounts = self.mounts.get(bucket).cloned().unwrap_or_default();
        // none of the folders in which a data folder keeps its own
        let is_name = bucket.starts_with(|c: char| c.is_ascii_alphanumeric());
        if let Some(local) = self.local.as_ref().filter(|_| is_name) {
            let folder = local.join(bucket);
            let is_folder = fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir());
            if let (true, Ok(folder)) = (is_folder, folder.canonicalize()) {
                mounts.push(Mount { prefix: String::new(), folder, is_local: true });
            }
        }
        mounts
    }
}

/// Whether a bucket may have this name: by the rules of today, or by those of before March 2018, when buckets of
/// us-east-1 had capitals, underscores and up to 255 characters, and still have them. No name is a path.
pub fn is_bucket_name(name: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    (3..=MAX_BUCKET_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Whether a key, or what of it follows a mount's prefix, names a file below the mount's folder and nothing else.
fn is_path(key: &str) -> bool {
    key.len() <= MAX_KEY
        && !key.contains('\0')
        && key.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// The object at a path, if it is a file that is one.
fn object(key: String, path: PathBuf, is_local: bool) -> io::Result<Option<Object>> {
    let found = match fs::symlink_metadata(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_hidden = is_sidecar(&path) || is_local && is_unfinished(&path);
    let is_file = found.is_file() && !key.ends_with('/') && !is_hidden;
    let is_object = is_file || found.is_dir() && is_local && is_marker(&key);
    Ok(is_object.then(|| Object::new(key, path, &found)))
}

/// Whether a key is that of an object without content, by which CloudTrail tries whether it may write.
fn is_marker(key: &str) -> bool {
    let Some(folders) = key.strip_suffix('/') else { return false };
    let mut folders = folders.rsplit('/');
    let is_kind = folders.next().is_some_and(|kind| MARKED.contains(&kind));
    let is_account = folders.next().is_some_and(is_account_id);
    let before = folders.next().filter(|name| !is_organization_id(name)).or_else(|| folders.next());
    is_kind && is_account && before == Some("AWSLogs")
}

/// Whether a file holds the metadata of another one beside it.
fn is_sidecar(path: &Path) -> bool {
    path.to_str()
        .and_then(|path| path.strip_suffix(SIDECAR))
        .is_some_and(|object| Path::new(object).is_file())
}

/// Whether a file of a delivery is still being written, or tells of one that is.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with('.') && name.ends_with(TEMPORARY) || name.ends_with(SIDECAR)
}

/// A walk in the order of keys, which ends when the page is full.
struct Gather<'w> {
    wanted: &'w Wanted<'w>,
    is_local: bool,
    /// Keys and common prefixes that are still wanted.
    room: usize,
    found: BTreeMap<String, Option<Object>>,
}

impl Gather<'_> {
    /// What lies in a folder whose keys begin with `before`.
    fn folder(&mut self, folder: &Path, before: &str) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // keys are text: what is no UTF-8 was no object
            let Ok(mut name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                // where its keys stand among those of its neighbours
                name.push('/');
            }
            if kind.is_dir() || kind.is_file() {
                entries.push((name, entry.path()));
            }
        }
        entries.sort_unstable();
        for (name, path) in entries {
            if self.room == 0 {
                break;
            }
            let key = format!("{before}{name}");
            if key.len() > MAX_KEY {
                continue;
            }
            if key.ends_with('/') {
                if !self.may_hold(&key) {
                    continue;
                }
                // the folder at which the page begins holds keys before it, too
                let is_first = self.wanted.after.starts_with(&key);
                match self.common(&key).filter(|_| !is_first) {
                    Some(common) if self.is_told(common) => {}
                    Some(common) => {
                        if holds_object(&path, &key, self.is_local)? {
                            self.note(common);
                        }
                    }
                    None => {
                        let is_wanted = key.starts_with(self.wanted.prefix) && *key > *self.wanted.after;
                        if is_wanted && self.is_local && is_marker(&key) {
                            self.file(key.clone(), path.clone())?;
                        }
                        self.folder(&path, &key)?;
                    }
                }
            } else if key.starts_with(self.wanted.prefix) && *key > *self.wanted.after {
                match self.common(&key) {
                    Some(common) if self.is_told(common) => {}
                    Some(common) => {
                        if object(key.clone(), path, self.is_local)?.is_some() {
                            self.note(common);
                        }
                    }
                    None => self.file(key, path)?,
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, key: String, path: PathBuf) -> io::Result<()> {
        if let Some(object) = object(key.clone(), path, self.is_local)? {
            self.found.insert(key, Some(object));
            self.room -= 1;
        }
        Ok(())
    }

    /// Whether a wanted key may begin with `folder`.
    fn may_hold(&self, folder: &str) -> bool {
        let Wanted { prefix, after, .. } = *self.wanted;
        let is_below = folder.starts_with(prefix) || prefix.starts_with(folder);
        let is_behind = folder > after || after.starts_with(folder);
        is_below && is_behind
    }

    /// The common prefix that stands for a key, if one does. Of a folder (ending in `/`) only what stands in its own
    /// name counts: its keys may have the delimiter later.
    fn common<'k>(&self, key: &'k str) -> Option<&'k str> {
        let Wanted { prefix, delimiter, .. } = *self.wanted;
        let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let at = key.strip_prefix(prefix)?.find(delimiter)?;
        Some(&key[..prefix.len() + at + delimiter.len()])
    }

    /// Whether a common prefix is on this page already, or ended the page before, which told all that it stands for.
    fn is_told(&self, common: &str) -> bool {
        common == self.wanted.after || self.found.contains_key(common)
    }

    fn note(&mut self, common: &str) {
        self.found.insert(common.to_owned(), None);
        self.room -= 1;
    }
}

/// Whether any object lies in a folder, whose keys begin with `before`: one without stands for no common prefix.
fn holds_object(folder: &Path, before: &str, is_local: bool) -> io::Result<bool> {
    if is_local && is_marker(before) {
        return Ok(true);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (kind, key) = (entry.file_type()?, format!("{before}{name}"));
        if key.len() > MAX_KEY {
            continue;
        }
        let holds_one = if kind.is_dir() {
            holds_object(&entry.path(), &format!("{key}/"), is_local)?
        } else {
            kind.is_file() && object(key, entry.path(), is_local)?.is_some()
        };
        if holds_one {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(keys: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for key in keys {
            let path = root.path().join("bucket").join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, key).unwrap();
        }
        root
    }

    fn all<'a>() -> Wanted<'a> {
        Wanted { prefix: "", delimiter: None, after: "", most: MAX_KEYS }
    }

    fn keys(page: &Page) -> Vec<&str> {
        page.objects.iter().map(|object| object.key.as_str()).collect()
    }

    #[test]
    fn keys_come_in_the_order_of_their_bytes() {
        let root = tree(&["a/x", "a-b", "a.c", "a/b/c", "b", "a0"]);
        let buckets = Buckets::new(Some(root.path().to_owned()));
        let page = buckets.list("bucket", &all()).unwrap();
        assert_eq!(keys(&page), ["a-b", "a.c", "a/b/c", "a/x", "a0", "b"]);
        assert_eq!(page.next, None);
    }

    #[test]
    fn a_delimiter_folds_what_lies_deeper() {
        let root = tree(&["a/x", "a/y/z", "b", "c/d"]);
        let buckets = Buckets::new(Some(root.path().to_owned()));
        let page = buckets.list("bucket", &Wanted { delimiter: Some("/"), ..all() }).unwrap();
        assert_eq!(
            (keys(&page), page.common_prefixes.clone()),
            (vec!["b"], vec!["a/".to_owned(), "c/".to_owned()])
        );
        let page = buckets.list("bucket", &Wanted { delimiter: Some("/"), prefix: "a/", ..all() }).unwrap();
        assert_eq!((keys(&page), page.common_prefixes.clone()), (vec!["a/x"], vec!["a/y/".to_owned()]));
    }

    #[test]
    fn folders_without_objects_stand_for_no_common_prefix() {
        let root = tree(&["a/x", "ghost.metadata.json", "local/AWSLogs/111122223333/CloudTrail/.keep.tmp"]);
        let bucket = root.path().join("bucket");
        fs::create_dir_all(bucket.join("empty/deep/deeper")).unwrap();
        fs::create_dir_all(bucket.join("links")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", bucket.join("links/passwd")).unwrap();
        fs::write(bucket.join("ghost"), "x").unwrap();
        let folded = |buckets: &Buckets, delimiter, most| {
            let wanted = Wanted { delimiter: Some(delimiter), most, ..all() };
            let page = buckets.list("bucket", &wanted).unwrap();
            (page.common_prefixes, page.next)
        };
        let mut archive = Buckets::default();
        archive.add("bucket", "", &bucket).unwrap();
        let some = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(folded(&archive, "/", MAX_KEYS), (some(&["a/", "local/"]), None));
        // what the last page holds is all there is
        assert_eq!(folded(&archive, "/", 3), (some(&["a/", "local/"]), None));
        // no sidecar is an object, whatever stands in its name
        assert_eq!(folded(&archive, "meta", MAX_KEYS), (Vec::new(), None));
        // a marker is one, though its folder holds nothing that is whole yet
        let local = Buckets::new(Some(root.path().to_owned()));
        assert_eq!(folded(&local, "/", MAX_KEYS), (some(&["a/", "local/"]), None));
    }

    #[test]
    fn sidecars_are_metadata_and_no_objects() {
        let root = tree(&["d.json.gz", "d.json.gz.metadata.json", "alone.metadata.json"]);
        let sidecar = root.path().join("bucket/d.json.gz.metadata.json");
        fs::write(sidecar, r#"{"Metadata":{"signature":"00ff"}}"#).unwrap();
        let buckets = Buckets::new(Some(root.path().to_owned()));
        assert_eq!(keys(&buckets.list("bucket", &all()).unwrap()), ["d.json.gz"]);
        let mut archive = Buckets::default();
        archive.add("bucket", "", &root.path().join("bucket")).unwrap();
        assert_eq!(keys(&archive.list("bucket", &all()).unwrap()), ["alone.metadata.json", "d.json.gz"]);
        let object = buckets.get("bucket", "d.json.gz").unwrap();
        assert_eq!(object.metadata().unwrap().signature.as_deref(), Some("00ff"));
        let hidden = buckets.get("bucket", "d.json.gz.metadata.json");
        assert!(matches!(hidden, Err(ObjectError::NoSuchKey)));
    }

    #[test]
    fn what_is_being_delivered_is_no_object_yet() {
        let root =
            tree(&["a/log.json.gz", "a/.0123abcd.tmp", "a/digest.json.gz.metadata.json", "_trailseal/key"]);
        let local = Buckets::new(Some(root.path().to_owned()));
        assert_eq!(keys(&local.list("bucket", &all()).unwrap()), ["_trailseal/key", "a/log.json.gz"]);
        for key in ["a/.0123abcd.tmp", "a/digest.json.gz.metadata.json"] {
            assert!(matches!(local.get("bucket", key), Err(ObjectError::NoSuchKey)), "{key}");
        }
        let own = Buckets::new(Some(root.path().join("bucket")));
        assert!(matches!(own.get("_trailseal", "key"), Err(ObjectError::NoSuchBucket)));
        let mut archive = Buckets::default();
        archive.add("bucket", "", &root.path().join("bucket")).unwrap();
        assert_eq!(archive.list("bucket", &all()).unwrap().objects.len(), 4);
    }

    #[test]
    fn nothing_outside_the_folder_is_reached() {
        let root = tree(&["a/b"]);
        fs::write(root.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("bucket/up")).unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), root.path().join("bucket/link")).unwrap();
        let buckets = Buckets::new(Some(root.path().to_owned()));
        for key in [
            "../secret",
            "a/../../secret",
            "up/secret",
            "link",
            "/etc/passwd",
            "a//b",
            "",
            "a",
            "a/b/",
            "a\0",
        ] {
            assert!(matches!(buckets.get("bucket", key), Err(ObjectError::NoSuchKey)), "{key:?}");
        }
        assert_eq!(keys(&buckets.list("bucket", &all()).unwrap()), ["a/b"]);
        for bucket in ["..", ".", "", "bucket/a", "none"] {
            assert!(!buckets.has(bucket), "{bucket:?}");
        }
    }

    #[test]
    fn what_no_bucket_can_be_called_is_none() {
        let root = tempfile::tempdir().unwrap();
        let long = "x".repeat(MAX_BUCKET_NAME);
        let names = ["lost+found", "_trailseal", ".snapshots", "ab", "a b", "Old_Audit_Logs", "a.b-c", &long];
        for name in names {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let buckets = Buckets::new(Some(root.path().to_owned()));
        let found: Vec<String> = buckets.names().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, ["Old_Audit_Logs", "a.b-c", &long]);
        assert!(found.iter().all(|name| buckets.has(name)));
    }

    #[test]
    fn mounts_of_one_bucket_are_one_bucket() {
        let (one, other) = (tree(&["x"]), tree(&["y"]));
        let mut buckets = Buckets::new(None);
        buckets.add("bbb", "p/1/", &one.path().join("bucket")).unwrap();
        buckets.add("bbb", "p/2/", &other.path().join("bucket")).unwrap();
        assert_eq!(keys(&buckets.list("bbb", &all()).unwrap()), ["p/1/x", "p/2/y"]);
        assert_eq!(fs::read(buckets.get("bbb", "p/2/y").unwrap().path).unwrap(), b"y");
        assert!(matches!(buckets.get("ccc", "x"), Err(ObjectError::NoSuchBucket)));
    }

    proptest! {
        #[test]
        fn pages_of_any_size_are_the_whole(
            names in prop::collection::btree_set("[ab]{1,2}(/[ab.-]{1,2}x){0,2}", 0..12),
            prefix in "[ab]{0,2}/?[ab]{0,1}",
            delimiter in prop::option::of(prop::sample::select(vec!["/", "b", "x"])),
            most in 1_usize..5,
            empty in prop::collection::btree_set("[ab]{1,2}(/[ab]{1,2}){0,2}", 0..3),
        ) {
            // a name cannot be a file and a folder
            let folders: BTreeSet<String> = names
                .iter()
                .flat_map(|name| name.match_indices('/').map(|(at, _)| name[..at].to_owned()).collect::<Vec<_>>())
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !folders.contains(*name)).collect();
            let root = tree(&names);
            fs::create_dir_all(root.path().join("bucket")).unwrap();
            for folder in empty {
                // where no file is in the way
                let _ = fs::create_dir_all(root.path().join("bucket").join(folder));
            }
            let buckets = Buckets::new(Some(root.path().to_owned()));
            let mut expected = BTreeSet::new();
            for name in names.iter().filter(|name| name.starts_with(&prefix)) {
                let folded = delimiter.and_then(|delimiter| {
                    let at = name[prefix.len()..].find(delimiter)?;
                    Some(&name[..prefix.len() + at + delimiter.len()])
                });
                expected.insert(folded.unwrap_or(name).to_owned());
            }
            let mut seen = Vec::new();
            let mut after = String::new();
            loop {
                let wanted = Wanted { prefix: &prefix, delimiter, after: &after, most };
                let page = buckets.list("bucket", &wanted).unwrap();
                let mut names: Vec<String> = keys(&page).into_iter().map(str::to_owned).collect();
                names.extend(page.common_prefixes);
                prop_assert!(names.len() <= most);
                names.sort();
                seen.extend(names);
                match page.next {
                    Some(next) => after = next,
                    None => break,
                }
            }
            prop_assert_eq!(seen, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
