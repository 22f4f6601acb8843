//! Where the objects of buckets lie.

use std::path::PathBuf;

use trailseal_evidence::Map;

/// `s3://bucket/prefix=DIR`. Prefixes and folders may hold `=`: it is the first one after which a folder stands.
pub(crate) fn map(text: &str) -> Result<Map, String> {
    let rest = text.strip_prefix("s3://").ok_or("it must begin with s3://")?;
    let cuts = rest.match_indices('=').map(|(at, _)| (&rest[..at], &rest[at + 1..]));
    let (place, folder) =
        cuts.clone().find(|(_, folder)| std::path::Path::new(folder).is_dir()).ok_or_else(|| {
            match cuts.clone().next() {
                None => "=DIR is missing".to_owned(),
                Some((_, folder)) => format!("{folder:?} is no folder"),
            }
        })?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err("the bucket is missing".to_owned());
    }
    let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
    Ok(Map { bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}"), folder: PathBuf::from(folder) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_with_equal_signs() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a=b");
        std::fs::create_dir(&folder).unwrap();
        let folder = folder.to_str().unwrap();
        let parsed = map(&format!("s3://logs/team=1/x={folder}")).unwrap();
        assert_eq!((parsed.bucket.as_str(), parsed.prefix.as_str()), ("logs", "team=1/x/"));
        assert_eq!(parsed.folder, PathBuf::from(folder));
        assert_eq!(map(&format!("s3://logs={folder}")).unwrap().prefix, "");
        for text in ["logs=/", "s3://logs", "s3://=/", "s3://logs=/no/such/folder"] {
            assert!(map(text).is_err(), "{text}");
        }
    }
}
