//! Tags (`ETag`): what S3 would give for the content, so that who compares them compares contents.
//!
//! An object of one upload has the MD5 of its content; a large one has what S3 gives for an upload in parts, which no
//! client takes for an MD5 of the whole. Reading a file costs time, so tags are kept by what changes when the file does.

use std::{
    collections::HashMap,
    fs::Metadata,
    io::{self, Read as _, Seek as _, SeekFrom},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use md5::{Digest as _, Md5};
use trailseal_archive::open::{OpenFile, ReadError};

use super::Object;

/// Larger objects are tagged as an upload in parts.
const MAX_WHOLE: u64 = 64 << 20;
/// The parts in which the AWS CLI uploads.
const PART: u64 = 8 << 20;
/// Larger files, of which CloudTrail delivers none, are not read for a tag: a client would wait for minutes, and one
/// who can make a sparse file could make it wait for ever.
const MAX_READ: u64 = 1 << 30;
/// S3's most parts.
const MAX_PARTS: u64 = 10_000;
/// The MD5 of nothing.
pub(crate) const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";
/// What is read of those at their beginning and end.
const EDGE: u64 = 1 << 20;
/// Bytes that are read for the tags of one page of a listing; the page ends where they are used up.
pub(crate) const PAGE_BYTES: u64 = 512 << 20;
/// Tags that are kept, twice: about 100 bytes each.
const MAX_KEPT: usize = 100_000;
/// A file that changed so short a time ago may change again without its times telling it.
const SETTLED: Duration = Duration::from_secs(2);
/// Threads that read for one page.
const READERS: usize = 4;
const BUFFER: usize = 256 << 10;

/// What is another one when the content of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileVersion {
    /// The file system and the file in it.
    file: (u64, u64),
    length: u64,
    modified: Option<Duration>,
    /// When content or attributes last changed, which nobody can set.
    changed: Option<Duration>,
}

impl FileVersion {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let time = |seconds: i64, nanos: i64| {
            Some(Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?))
        };
        Self {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Without the number of a file no tag can be kept for it: no version is that of another file.
    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { file: (0, 0), length: metadata.len(), modified: None, changed: None }
    }

    /// Whether the content cannot have changed since without another version.
    fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        [self.modified, self.changed].iter().all(|time| time.is_some_and(|time| time + SETTLED < now))
    }
}

/// The tags of objects that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    kept: Mutex<Kept>,
}

/// Two generations: the older one is dropped when the younger one is full.
#[derive(Debug, Default)]
struct Kept {
    young: HashMap<FileVersion, String>,
    old: HashMap<FileVersion, String>,
}

impl Tags {
    /// The tag of an object that was opened, which is then at its beginning again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn of(&self, file: &mut OpenFile, now: SystemTime) -> io::Result<String> {
        let version = FileVersion::of(&file.metadata()?);
        if let Some(tag) = self.find(&version) {
            return Ok(tag);
        }
        let tag = make(file, &version)?;
        file.seek(SeekFrom::Start(0))?;
        // kept only when nothing was written while it was read, or can have been unseen
        if version.is_settled(now) && FileVersion::of(&file.metadata()?) == version {
            self.keep(version, &tag);
        }
        Ok(tag)
    }

    /// The tags of objects in the order of a page, and for how many of them: the others would take too long for one
    /// answer. There is always one.
    pub(crate) fn page(&self, objects: &[Object], now: SystemTime) -> Vec<String> {
        let (mut bytes, mut unread, mut count) = (0_u64, 0_usize, 0);
        for object in objects {
            if self.known(object).is_none() {
                bytes += if object.length > MAX_READ { 2 * EDGE } else { object.length };
                if bytes > PAGE_BYTES && count > 0 {
                    break;
                }
                unread += 1;
            }
            count += 1;
        }
        let objects = &objects[..count];
        let next = AtomicUsize::new(0);
        let tags: Mutex<Vec<String>> = Mutex::new(vec![String::new(); objects.len()]);
        let read = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(object) = objects.get(at) else { break };
                let tag = self.one(object, now);
                tags.lock().unwrap_or_else(PoisonError::into_inner)[at] = tag;
            }
        };
        let threads =
            thread::available_parallelism().map_or(1, usize::from).min(READERS).min(unread.div_ceil(8));
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(read);
            }
            read();
        });
        tags.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tag of an object in a listing; one that cannot be read does not hide the others, and has a tag that no other
    /// object has.
    fn one(&self, object: &Object, now: SystemTime) -> String {
        if let Some(tag) = self.known(object) {
            return tag;
        }
        let opened = object.open().map_err(ReadError::from);
        let tag = opened.and_then(|mut file| Ok(self.of(&mut file, now)?));
        tag.unwrap_or_else(|_| {
            format!("{}-1", hex::encode(Md5::digest(format!("unreadable\0{}", object.key))))
        })
    }

    fn known(&self, object: &Object) -> Option<String> {
        if object.is_marker { Some(EMPTY.to_owned()) } else { self.find(&object.version) }
    }

    fn find(&self, version: &FileVersion) -> Option<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tag) = kept.young.get(version) {
            return Some(tag.clone());
        }
        let tag = kept.old.remove(version)?;
        kept.keep(*version, tag.clone());
        Some(tag)
    }

    fn keep(&self, version: FileVersion, tag: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).keep(version, tag.to_owned());
    }
}

impl Kept {
    fn keep(&mut self, version: FileVersion, tag: String) {
        if self.young.len() >= MAX_KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(version, tag);
    }
}

/// How S3 has an object of this length: as one part, or as so many parts of so many bytes.
pub(crate) fn parts(length: u64) -> Option<(u64, u64)> {
    if length <= MAX_WHOLE {
        return None;
    }
    let size = PART.max(length.div_ceil(MAX_PARTS));
    Some((size, length.div_ceil(size)))
}

fn make(file: &mut OpenFile, version: &FileVersion) -> io::Result<String> {
    let length = version.length;
    let Some((size, count)) = parts(length) else { return Ok(hex::encode(digest(file, u64::MAX)?)) };
    let mut all = Md5::new();
    if length > MAX_READ {
        let changed = version.changed.map_or(0, |time| time.as_nanos());
        all.update(version.file.0.to_be_bytes());
        all.update(version.file.1.to_be_bytes());
        all.update(length.to_be_bytes());
        all.update(changed.to_be_bytes());
        all.update(digest(file, EDGE)?);
        file.seek(SeekFrom::Start(length - EDGE))?;
        all.update(digest(file, EDGE)?);
    } else {
        for _ in 0..count {
            all.update(digest(file, size)?);
        }
    }
    Ok(format!("{}-{count}", hex::encode(all.finalize())))
}

/// The MD5 of the next bytes.
fn digest(file: &mut OpenFile, most: u64) -> io::Result<[u8; 16]> {
    let mut hash = Md5::new();
    let mut bytes = io::Read::take(file, most);
    let mut buffer = vec![0; BUFFER.min(usize::try_from(most).unwrap_or(BUFFER))];
    loop {
        match bytes.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;
    use trailseal_archive::open;

    use super::*;

    fn object(path: &Path) -> Object {
        let path = path.canonicalize().unwrap();
        Object::new(path.display().to_string(), path.clone(), &fs::symlink_metadata(&path).unwrap())
    }

    /// Long after all files of a test were written.
    fn later() -> SystemTime {
        SystemTime::now() + Duration::from_hours(1)
    }

    fn tag(tags: &Tags, path: &Path, now: SystemTime) -> String {
        tags.of(&mut open::unlinked(&path.canonicalize().unwrap()).unwrap(), now).unwrap()
    }

    #[test]
    fn small_objects_have_the_md5_of_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "123456789").unwrap();
        let tags = Tags::default();
        for now in [SystemTime::now(), later(), later()] {
            assert_eq!(tag(&tags, &path, now), "25f9e794323b453885f5181f1b624d0b");
        }
        fs::write(&path, "").unwrap();
        assert_eq!(tag(&tags, &path, later()), EMPTY);
    }

    #[test]
    fn large_objects_have_the_tag_of_an_upload_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::File::create(&path).unwrap().set_len(MAX_WHOLE + 1).unwrap();
        // what S3 gives for eight parts of 8 MiB of zeros and one of a zero
        let part: [u8; 16] = Md5::digest(vec![0; PART as usize]).into();
        let last: [u8; 16] = Md5::digest([0]).into();
        let all = [part.repeat(8), last.to_vec()].concat();
        let expected = format!("{}-9", hex::encode(Md5::digest(all)));
        assert_eq!(tag(&Tags::default(), &path, later()), expected);
        assert_eq!((parts(MAX_WHOLE), parts(MAX_WHOLE + 1)), (None, Some((PART, 9))));
    }

    #[test]
    fn what_is_too_large_to_be_read_is_told_apart_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["x", "y"].map(|name| folder.path().join(name));
        for path in &paths {
            fs::File::create(path).unwrap().set_len(MAX_READ + 1).unwrap();
        }
        let tags = Tags::default();
        let [x, y] = paths.each_ref().map(|path| tag(&tags, path, later()));
        assert_ne!(x, y);
        assert!(x.ends_with("-129"), "{x}");
    }

    #[test]
    fn a_file_that_was_written_just_now_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let tags = Tags::default();
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..200 {
            // the same length, and often the same times
            fs::write(&path, format!("{number:03}")).unwrap();
            assert!(seen.insert(tag(&tags, &path, SystemTime::now())), "{number}");
        }
    }

    #[test]
    fn a_file_that_was_replaced_has_another_tag_though_its_times_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("x"), folder.path().join("y"));
        let tags = Tags::default();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_294_401);
        let write = |path: &Path, text: &str| {
            fs::write(path, text).unwrap();
            fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        write(&path, "one");
        let first = tag(&tags, &path, later());
        write(&other, "two");
        fs::rename(&other, &path).unwrap();
        assert_ne!(tag(&tags, &path, later()), first);
    }

    #[test]
    fn a_page_ends_where_reading_would_take_too_long_and_goes_on_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut objects = Vec::new();
        for (number, length) in [1, PAGE_BYTES, 1, PAGE_BYTES / 2, PAGE_BYTES / 2, 1].into_iter().enumerate()
        {
            let path = folder.path().join(number.to_string());
            fs::File::create(&path).unwrap().set_len(length).unwrap();
            objects.push(object(&path));
        }
        let tags = Tags::default();
        let mut counts = Vec::new();
        let mut left = &objects[..];
        while !left.is_empty() {
            let count = tags.page(left, later()).len();
            counts.push(count);
            left = &left[count..];
        }
        assert_eq!(counts, [1, 1, 2, 2]);
        // all are known now
        assert_eq!(tags.page(&objects, later()).len(), objects.len());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_read_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let objects = ["a", "b", "c"].map(|name| object(&folder.path().join(name)));
        fs::remove_file(folder.path().join("a")).unwrap();
        fs::remove_file(folder.path().join("b")).unwrap();
        let tags = Tags::default().page(&objects, later());
        assert_eq!(tags[2], hex::encode(Md5::digest("x")));
        assert!(tags[0] != tags[1] && tags[0].ends_with("-1") && tags[1].ends_with("-1"));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let tags = Tags::default();
        let version =
            |number: u64| FileVersion { file: (0, number), length: 0, modified: None, changed: None };
        for number in 0..3 * MAX_KEPT as u64 {
            tags.keep(version(number), "x");
            assert!(tags.find(&version(0)).is_some(), "what is asked for stays");
        }
        let kept = tags.kept.lock().unwrap();
        assert!(kept.young.len() <= MAX_KEPT && kept.old.len() <= MAX_KEPT);
    }

    proptest! {
        #[test]
        fn tags_differ_when_contents_do(contents in prop::collection::vec("[ab]{0,3}", 1..8)) {
            let folder = tempfile::tempdir().unwrap();
            let tags = Tags::default();
            let mut objects = Vec::new();
            for (number, content) in contents.iter().enumerate() {
                let path = folder.path().join(number.to_string());
                fs::write(&path, content).unwrap();
                objects.push(object(&path));
            }
            let page = tags.page(&objects, later());
            for (tag, content) in page.iter().zip(&contents) {
                prop_assert_eq!(tag, &hex::encode(Md5::digest(content)));
            }
        }
    }
}
