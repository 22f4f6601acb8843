//! The services around local trails: buckets are folders, made on demand.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use trailseal_trails::{BucketFault, Environment};

use crate::api::Caller;

/// Folders below a data folder as buckets.
#[derive(Debug)]
pub(super) struct LocalBuckets {
    folder: PathBuf,
    archive_buckets: BTreeSet<String>,
}

impl LocalBuckets {
    pub(super) fn new(folder: &Path, archive_buckets: &BTreeSet<String>) -> Self {
        Self { folder: folder.to_owned(), archive_buckets: archive_buckets.clone() }
    }
}

impl Environment for LocalBuckets {
    /// The marker, whose name ends with a slash, is a folder. The names were checked by the rules.
    fn write_marker(&self, _: &Caller, bucket: &str, key: &str) -> Result<(), BucketFault> {
        if self.archive_buckets.contains(bucket) {
            return Err(BucketFault::Denied);
        }
        fs::create_dir_all(self.folder.join(bucket).join(key)).map_err(|_| BucketFault::Denied)
    }
}
