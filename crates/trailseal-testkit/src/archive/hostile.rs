//! What an archive should never hold, and how to see that it was left alone.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use trailseal_deliver::digest::sha256_hex;

use crate::{archive::Archive, gzip::gzip_member};

impl Archive {
    /// Replaces a file by a gzip bomb: `length` zeros.
    pub fn bomb(&self, key: impl AsRef<str>, length: usize) {
        self.replace(key, &gzip_member(&vec![0; length], 9));
    }

    /// Replaces a digest by JSON that is `depth` arrays deep.
    pub fn nest(&self, key: &str, depth: usize) {
        let text = format!("{{\"awsAccountId\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        self.replace(key, &gzip_member(text.as_bytes(), 6));
    }

    /// Copies the whole tree of the bucket to another folder of [`Archive::folder`]; returns that folder.
    pub fn copy_bucket(&self, to: &str) -> PathBuf {
        let target = self.folder().join(to);
        copy(&self.root().join(&self.model.plan.bucket), &target);
        target
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// What a tree looks like: every file's length, times and hash, every folder's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, (u64, SystemTime, String)>);

impl Snapshot {
    /// Looks at a tree. Links are not followed.
    pub fn of(root: &Path) -> Self {
        let mut found = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let hash =
                    if metadata.is_file() { sha256_hex(&fs::read(&path).unwrap()) } else { String::new() };
                found.insert(path.clone(), (metadata.len(), metadata.modified().unwrap(), hash));
                if metadata.is_dir() {
                    folders.push(path);
                }
            }
        }
        Self(found)
    }
}
