//! What can be done to any file of an archive.

use std::{fs, path::PathBuf, process::Command};

use trailseal_archive::Timestamp;

use crate::{
    archive::Archive,
    gzip::{corrupt_deflate, gunzip, gzip, gzip_member},
    model::{ModelChain, ModelDigest},
};

impl Archive {
    /// A file's bytes.
    pub fn read(&self, key: impl AsRef<str>) -> Vec<u8> {
        fs::read(self.path(key)).expect("the file is there")
    }

    /// A gzip file's content.
    pub fn content(&self, key: impl AsRef<str>) -> Vec<u8> {
        gunzip(&self.read(key))
    }

    /// Replaces a file's bytes.
    pub fn replace(&self, key: impl AsRef<str>, bytes: &[u8]) {
        let path = self.path(key);
        assert!(path.exists(), "{} is there", path.display());
        fs::write(path, bytes).unwrap();
    }

    /// Changes a gzip file's content and compresses it again.
    pub fn rewrite(&self, key: impl AsRef<str>, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let content = self.content(&key);
        self.replace(&key, &gzip_member(&change(content.clone()), 6));
    }

    /// Makes another event of the first one in a log.
    pub fn alter_log(&self, key: impl AsRef<str>) {
        self.rewrite(key, |content| {
            let text = String::from_utf8(content).unwrap();
            let altered = text.replacen("DescribeInstances", "TerminateInstances", 1);
            assert_ne!(text, altered, "the log has an event to change");
            altered.into_bytes()
        });
    }

    /// Compresses the same content again, with other bytes for a result.
    pub fn gzip_again(&self, key: impl AsRef<str>) {
        let again = gzip(&self.content(&key));
        assert_ne!(again, self.read(&key));
        self.replace(key, &again);
    }

    /// Stores the content itself, under the name that the file had or without `.gz`.
    pub fn store_inflated(&self, key: impl AsRef<str>, keeps_name: bool) {
        let key = key.as_ref();
        let content = self.content(key);
        self.replace(key, &content);
        if !keeps_name {
            self.rename(key, key.strip_suffix(".gz").expect("a .gz name"));
        }
    }

    /// Removes a file.
    pub fn delete(&self, key: impl AsRef<str>) {
        fs::remove_file(self.path(key)).expect("the file was there");
    }

    /// Moves a file, within the bucket.
    pub fn rename(&self, from: impl AsRef<str>, to: impl AsRef<str>) {
        let target = self.path(to);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(self.path(from), target).expect("the file was there");
    }

    /// Puts each of two files in the other's place.
    pub fn swap(&self, one: impl AsRef<str>, other: impl AsRef<str>) {
        let (first, second) = (self.read(&one), self.read(&other));
        self.replace(one, &second);
        self.replace(other, &first);
    }

    /// Appends bytes.
    pub fn append(&self, key: impl AsRef<str>, bytes: &[u8]) {
        let mut all = self.read(&key);
        all.extend_from_slice(bytes);
        self.replace(key, &all);
    }

    /// Appends a gzip member.
    pub fn append_member(&self, key: impl AsRef<str>, content: &[u8]) {
        self.append(key, &gzip_member(content, 6));
    }

    /// Leaves the first `length` bytes.
    pub fn cut(&self, key: impl AsRef<str>, length: usize) {
        let bytes = self.read(&key);
        assert!(length < bytes.len(), "there is something to cut");
        self.replace(key, &bytes[..length]);
    }

    /// Takes the last `count` bytes away; a gzip trailer has 8.
    pub fn cut_end(&self, key: impl AsRef<str>, count: usize) {
        let length = self.read(&key).len() - count;
        self.cut(key, length);
    }

    /// Flips one bit of a file.
    pub fn flip(&self, key: impl AsRef<str>, byte: usize, bit: u8) {
        let mut bytes = self.read(&key);
        bytes[byte] ^= 1 << bit;
        self.replace(key, &bytes);
    }

    /// Changes the CRC in a gzip trailer.
    pub fn corrupt_crc(&self, key: impl AsRef<str>) {
        let at = self.read(&key).len() - 8;
        self.flip(key, at, 0);
    }

    /// Makes the first deflate block one of the type that does not exist; headers must have 10 bytes.
    pub fn corrupt_deflate(&self, key: impl AsRef<str>) {
        let bytes = corrupt_deflate(self.read(&key));
        self.replace(key, &bytes);
    }

    /// Leaves nothing of a file but its name.
    pub fn empty(&self, key: impl AsRef<str>) {
        self.replace(key, b"");
    }

    /// Puts a pipe in a file's place: it cannot be read, even by root, and whoever opens it hangs.
    pub fn make_unreadable(&self, key: impl AsRef<str>) {
        let path = self.path(&key);
        self.delete(key);
        let status = Command::new("mkfifo").arg(&path).status().expect("mkfifo is part of every system");
        assert!(status.success());
    }

    /// Adds a log that no digest names, delivered at about `stamp`; returns its key.
    pub fn plant(&self, chain: &ModelChain, stamp: Timestamp) -> String {
        let key = chain.log_key(stamp, "PLANTEDxPLANTEDx");
        self.plant_at(chain, stamp, &key);
        key
    }

    /// Adds a file with a made-up event, of the time that a log delivered at `stamp` would hold, at any key.
    pub fn plant_at(&self, chain: &ModelChain, stamp: Timestamp, key: &str) -> PathBuf {
        let event = crate::plan::record(chain, stamp.plus(-300), "GetObject", "planted");
        self.write_object(&chain.bucket, key, &gzip_member(&crate::plan::records(&[event]), 6))
    }

    /// Adds a digest without a signature, in the place that it claims; returns its key.
    pub fn plant_digest(&self, digest: &ModelDigest) -> String {
        let bytes = gzip_member(&digest.inflated, 6);
        self.write_object(&digest.document.s3_bucket, digest.object(), &bytes);
        digest.object().to_owned()
    }

    /// Puts a symbolic link in the bucket's folder; `to` is taken as it is.
    pub fn symlink(&self, key: impl AsRef<str>, to: impl Into<PathBuf>) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to.into(), path).unwrap();
    }
}
