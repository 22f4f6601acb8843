//! A model on disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use trailseal_archive::Timestamp;
use trailseal_deliver::write::{gzip, sidecar_name};

use crate::model::{Model, ModelChain, ModelDigest};

mod damage;
mod digests;
mod hostile;
mod shapes;

pub use hostile::Snapshot;
pub use shapes::{APPLE_DOUBLE, DESKTOP_INI, DS_STORE, HADOOP_CRC, THUMBS_DB};

/// Where the signatures are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// A sidecar beside every digest.
    Sidecars,
    /// A sidecar beside the newest digest of every chain.
    NewestSidecar,
    /// One file, [`Archive::manifest`].
    Manifest,
    /// Extended attributes `user.x-amz-meta-…` of every digest.
    Attributes,
    /// Nowhere, as `aws s3 sync` leaves them.
    Nowhere,
}

/// An archive in a temporary folder that goes when this does: `archive/<bucket>/<key>` and
/// `keys/public-keys-<region>.json`.
#[derive(Debug)]
pub struct Archive {
    folder: TempDir,
    /// What was written.
    pub model: Model,
}

impl Model {
    /// Writes the archive with sidecars, and all keys.
    pub fn write(self) -> Archive {
        self.write_with(Metadata::Sidecars)
    }

    /// Writes the archive and all keys.
    pub fn write_with(self, metadata: Metadata) -> Archive {
        let archive = Archive { folder: tempfile::tempdir().expect("a temporary folder"), model: self };
        fs::create_dir_all(archive.root()).unwrap();
        let mut manifest = String::new();
        for chain in &archive.model.chains {
            for (position, digest) in chain.digests.iter().enumerate() {
                for log in &digest.logs {
                    archive.write_object(&log.bucket, &log.key, &gzip(&log.content, 6));
                }
                let path =
                    archive.write_object(&digest.document.s3_bucket, digest.object(), &digest.stored());
                let is_newest = position + 1 == chain.digests.len();
                match metadata {
                    Metadata::Sidecars => archive.put_sidecar(&path, digest),
                    Metadata::NewestSidecar if is_newest => archive.put_sidecar(&path, digest),
                    Metadata::Manifest => manifest += &digest.manifest_line(),
                    Metadata::Attributes => set_attributes(&path, digest),
                    Metadata::NewestSidecar | Metadata::Nowhere => {}
                }
            }
        }
        if metadata == Metadata::Manifest {
            fs::write(archive.manifest(), manifest).unwrap();
        }
        archive.write_keys(&archive.model.used_keys(), None);
        archive
    }
}

impl Archive {
    /// The temporary folder that holds all.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the buckets: what a test verifies.
    pub fn root(&self) -> PathBuf {
        self.folder().join("archive")
    }

    /// The folder of the key files.
    pub fn keys(&self) -> PathBuf {
        self.folder().join("keys")
    }

    /// The metadata manifest, if one was written.
    pub fn manifest(&self) -> PathBuf {
        self.folder().join("manifest.jsonl")
    }

    /// The file of a key in the plan's bucket.
    pub fn path(&self, key: impl AsRef<str>) -> PathBuf {
        self.path_in(&self.model.plan.bucket, key.as_ref())
    }

    /// The file of a key in a bucket.
    pub fn path_in(&self, bucket: &str, key: &str) -> PathBuf {
        self.root().join(bucket).join(key)
    }

    /// The sidecar of a digest.
    pub fn sidecar(&self, key: impl AsRef<str>) -> PathBuf {
        let path = self.path(key);
        path.with_file_name(sidecar_name(&path.file_name().unwrap().to_string_lossy()))
    }

    /// The first chain.
    pub fn chain(&self) -> &ModelChain {
        &self.model.chains[0]
    }

    /// The key of a digest of the first chain; 0 is the starting digest.
    pub fn digest(&self, position: usize) -> &str {
        self.chain().digests[position].object()
    }

    /// The key of a log of a digest of the first chain.
    pub fn log(&self, position: usize, log: usize) -> &str {
        &self.chain().digests[position].logs[log].key
    }

    /// Writes a file as it is, with its folders.
    pub fn write_object(&self, bucket: &str, key: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path_in(bucket, key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes a digest and its sidecar to the place that it claims, or another one.
    pub fn write_digest(&self, digest: &ModelDigest, key: &str) -> PathBuf {
        let path = self.write_object(&digest.document.s3_bucket, key, &digest.stored());
        self.put_sidecar(&path, digest);
        path
    }

    /// Writes the sidecar of a digest beside a file.
    pub fn put_sidecar(&self, path: &Path, digest: &ModelDigest) {
        let name = sidecar_name(&path.file_name().unwrap().to_string_lossy());
        fs::write(path.with_file_name(name), digest.sidecar().to_json()).unwrap();
    }

    /// Writes the key files anew, with these keys only: [`Model::public_keys`].
    pub fn write_keys(&self, numbers: &[usize], validity: Option<(Timestamp, Timestamp)>) {
        let text = self.model.public_keys(numbers, validity);
        fs::create_dir_all(self.keys()).unwrap();
        for region in &self.model.plan.regions {
            fs::write(self.keys().join(format!("public-keys-{region}.json")), &text).unwrap();
        }
    }

    /// The numbers of the keys that signed something.
    pub fn used_keys(&self) -> Vec<usize> {
        self.model.used_keys()
    }

    /// Takes one key out of the key files.
    pub fn remove_key(&self, number: usize) {
        let left: Vec<usize> = self.used_keys().into_iter().filter(|used| *used != number).collect();
        self.write_keys(&left, None);
    }
}

fn set_attributes(path: &Path, digest: &ModelDigest) {
    for (name, value) in [("signature", digest.signature.as_str()), ("signature-algorithm", "SHA256withRSA")]
    {
        // Where the file system has none, the test that needs them says so.
        let _ = xattr::set(path, format!("user.x-amz-meta-{name}"), value.as_bytes());
    }
}
