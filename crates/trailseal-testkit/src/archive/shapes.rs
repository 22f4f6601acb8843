//! What copies look like that nobody tampered with: files moved, left out, copied, and what desktops leave.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::archive::Archive;

/// What macOS writes into `._NAME`.
pub const APPLE_DOUBLE: &[u8] =
    b"\0\x05\x16\x07\0\x02\0\0Mac OS X        \0\x02\0\0\0\x09\0\0\0\x32\0\0\0\x71\
    \0\0\0\x02\0\0\0\xa3\0\0\0\0\0\0\0\0\0\0\0\0com.apple.provenance\0\x01\x02\0";

/// What macOS writes into `.DS_Store`.
pub const DS_STORE: &[u8] = b"\0\0\0\x01Bud1\0\0\x10\0\0\0\x08\0\0\0\x10\0\0\0\0\x8b\0\0\0\0\0\0\0\0";

/// What Windows writes into `Thumbs.db`.
pub const THUMBS_DB: &[u8] =
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0>\0\x03\0\xfe\xff\x09\0";

/// What Windows writes into `desktop.ini`.
pub const DESKTOP_INI: &[u8] =
    b"[.ShellClassInfo]\r\nIconResource=C:\\Windows\\System32\\imageres.dll,-3\r\n";

/// What Hadoop writes into `.NAME.crc`.
pub const HADOOP_CRC: &[u8] = b"crc\0\0\0\x02\0\x12\x34\x56\x78";

impl Archive {
    /// All files below the root, in order.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        list(&self.root(), &mut files);
        files.sort();
        files
    }

    /// All files below the root whose paths hold `part`, sidecars left out, in order.
    pub fn files_with(&self, part: &str) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|file| {
            let text = file.to_string_lossy();
            text.contains(part) && !text.ends_with(".metadata.json")
        });
        files
    }

    /// Moves every file to where `place` puts it, as paths below the root, or removes it.
    pub fn rearrange(&self, place: impl Fn(&str) -> Option<String>) {
        let (root, away) = (self.root(), self.folder().join("rearranged"));
        for file in self.files() {
            let relative = file.strip_prefix(&root).unwrap().to_str().expect("keys are text");
            if let Some(to) = place(relative) {
                let target = away.join(to);
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                assert!(!target.exists(), "{} is there twice", target.display());
                fs::rename(&file, target).unwrap();
            }
        }
        fs::remove_dir_all(&root).unwrap();
        fs::create_dir_all(&away).unwrap();
        fs::rename(away, root).unwrap();
    }

    /// Leaves the date folders of these days (`2024/03/01`), as a copy with a filter does.
    pub fn keep_days(&self, days: &[&str]) {
        self.rearrange(|path| {
            days.iter().any(|day| path.contains(&format!("/{day}/"))).then(|| path.to_owned())
        });
    }

    /// Removes a digest of the first chain, and the logs that it names.
    pub fn delete_hour(&self, position: usize) {
        let digest = &self.chain().digests[position];
        self.delete_digest(digest.object());
        digest.logs.iter().for_each(|log| self.delete(&log.key));
    }

    /// Copies a file within the bucket, or under any other path below the root of the first bucket.
    pub fn duplicate(&self, from: impl AsRef<str>, to: impl AsRef<str>) -> PathBuf {
        let bytes = self.read(from);
        self.write_object(&self.model.plan.bucket, to.as_ref(), &bytes)
    }

    /// Writes a file beside another one.
    pub fn put_beside(&self, file: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = file.with_file_name(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            list(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}
