//! The services around local trails: buckets are folders, made on demand.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use trailseal_trails::{BucketFault, Environment, OnDemand};

use super::LocalOptions;
use crate::api::Caller;

/// Folders below a data folder as buckets.
#[derive(Debug)]
pub(super) struct LocalBuckets {
    folder: PathBuf,
    archive_buckets: BTreeSet<String>,
    allows_unknown_resource_types: bool,
}

impl LocalBuckets {
    pub(super) fn new(folder: &Path, options: &LocalOptions) -> Self {
        Self {
            folder: folder.to_owned(),
            archive_buckets: options.archive_buckets.clone(),
            allows_unknown_resource_types: options.allows_unknown_resource_types,
        }
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

    fn takes_resource_type(&self, resource_type: &str) -> bool {
        self.allows_unknown_resource_types || OnDemand.takes_resource_type(resource_type)
    }
}
