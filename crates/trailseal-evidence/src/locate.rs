//! Which folder stands for which bucket: a digest is bound to its place in S3, and an archive to none.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::Mapping;
use trailseal_archive::{
    key::{KeyParts, is_organization_id},
    walk::Roots,
};
use trailseal_verify::{DigestRow, FoundAt};

use crate::{
    options::Map,
    paths::{path_of, text_of},
};

/// A place in S3 and the real folder that holds its copy, both with a final `/` unless empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mount {
    bucket: String,
    prefix: String,
    folder: String,
    inferred: bool,
}

/// Where a trail delivers: a bucket, if it is known, a prefix and an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DeliveryPlace {
    pub(crate) bucket: Option<String>,
    /// With its final `/`, or empty.
    pub(crate) prefix: String,
    pub(crate) organization: Option<String>,
}

impl DeliveryPlace {
    /// That of a digest or log.
    pub(crate) fn of_object(bucket: &str, key: &str) -> Self {
        Self { bucket: Some(bucket.to_owned()), ..Self::of_key(key) }
    }

    fn of_key(key: &str) -> Self {
        let parts = KeyParts::parse(key);
        Self {
            bucket: None,
            prefix: parts.as_ref().map_or(String::new(), |parts| parts.prefix.to_owned()),
            organization: parts.and_then(|parts| parts.organization).map(str::to_owned),
        }
    }
}

/// The mounts of one account and region, the most trusted first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounts {
    mounts: Vec<Mount>,
}

impl Mounts {
    /// From what the user states, then from where the digests (`real path`, row) say that they belong.
    ///
    /// Digests whose own signature verifies vote before others, so that planted ones change nothing.
    pub(crate) fn infer(stated: &[Map], digests: &[(String, &DigestRow<()>)]) -> Self {
        let mut mounts: Vec<Mount> = stated.iter().map(Mount::stated).collect();
        let mut votes: BTreeMap<Mount, (u64, u64)> = BTreeMap::new();
        for (path, row) in digests {
            let Some(digest) = row.digest() else { continue };
            let Some(mount) = Mount::inferred(path, &digest.bucket, &digest.object) else { continue };
            let (sure, all) = votes.entry(mount).or_default();
            *sure += u64::from(row.signatures().iter().any(|(_, check)| check.is_genuine()));
            *all += 1;
        }
        let mut ranked: Vec<(Mount, (u64, u64))> = votes.into_iter().collect();
        ranked.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        // Outside AWS's layout any common end of path and key is a guess: one a bucket.
        let mut guessed = BTreeSet::new();
        for (mount, _) in ranked {
            let by_layout = mount.folder.is_empty() || !mount.prefix.contains("AWSLogs/");
            if by_layout || guessed.insert(mount.bucket.clone()) {
                mounts.push(mount);
            }
        }
        Self { mounts }
    }

    /// The real path that holds the copy of an object, for every mount that has its place.
    pub(crate) fn paths<'a>(&'a self, bucket: &'a str, key: &'a str) -> impl Iterator<Item = String> + 'a {
        self.mounts.iter().filter(move |mount| mount.bucket == bucket).filter_map(move |mount| {
            let rest = key.strip_prefix(&mount.prefix)?;
            Some(format!("{}{rest}", mount.folder))
        })
    }

    /// Whether an object's place lies in the roots at all.
    pub(crate) fn hold(&self, roots: &Roots, bucket: &str, key: &str) -> bool {
        self.paths(bucket, key).any(|path| roots.contain(&path_of(&path)))
    }

    /// What place a real path stands for; `bucket` is preferred where several would do.
    pub(crate) fn place(&self, path: &str, bucket: Option<&str>) -> FoundAt {
        match self.mount_of(path, bucket) {
            Some(mount) => FoundAt {
                path: String::new(),
                bucket: Some(mount.bucket.clone()),
                key: format!("{}{}", mount.prefix, &path[mount.folder.len()..]),
            },
            None => FoundAt { path: String::new(), bucket: None, key: layout_key(path).to_owned() },
        }
    }

    /// Into which place a trail must deliver for a file to lie at a real path. A second `AWSLogs/` further below is
    /// none of a trail's (row 67).
    pub(crate) fn delivery(&self, path: &str) -> DeliveryPlace {
        let Some(mount) = self.mount_of(path, None) else { return DeliveryPlace::default() };
        let rest = &path[mount.folder.len()..];
        let bucket = Some(mount.bucket.clone());
        if let Some(tail) = rest.strip_prefix("AWSLogs/").filter(|_| !mount.prefix.contains("AWSLogs/")) {
            let organization = tail.split('/').next().filter(|first| is_organization_id(first));
            let organization = organization.map(str::to_owned);
            return DeliveryPlace { bucket, prefix: mount.prefix.clone(), organization };
        }
        DeliveryPlace { bucket, ..DeliveryPlace::of_key(&format!("{}{rest}", mount.prefix)) }
    }

    /// Whether a real path lies in a folder that keeps AWS's layout below it.
    pub(crate) fn keep_layout(&self, path: &str) -> bool {
        self.mount_of(path, None).is_some_and(|mount| {
            KeyParts::parse(&format!("{}x", mount.prefix)).is_none() && !mount.prefix.contains("AWSLogs/")
        })
    }

    /// The mount that holds a real path: one of `bucket` where several would do, then the deepest.
    fn mount_of(&self, path: &str, bucket: Option<&str>) -> Option<&Mount> {
        let holding = self.mounts.iter().filter(|mount| path.starts_with(&mount.folder));
        let rank =
            |mount: &&Mount| (Some(mount.bucket.as_str()) == bucket, !mount.inferred, mount.folder.len());
        holding.rev().max_by_key(rank)
    }

    /// For the report.
    pub(crate) fn mappings<'a>(&'a self, roots: &'a Roots) -> impl Iterator<Item = Mapping> + 'a {
        self.mounts.iter().map(|mount| Mapping {
            bucket: mount.bucket.clone(),
            prefix: mount.prefix.clone(),
            folder: roots.shown(&path_of(mount.folder.trim_end_matches('/'))).display().to_string(),
            inferred: mount.inferred,
        })
    }
}

impl Mount {
    fn stated(map: &Map) -> Self {
        let real = std::fs::canonicalize(&map.folder).unwrap_or_else(|_| map.folder.clone());
        Self {
            bucket: map.bucket.clone(),
            prefix: map.prefix.clone(),
            folder: format!("{}/", text_of(&real)),
            inferred: false,
        }
    }

    /// From one digest: where AWS's layout is kept, what stands before it on both sides; else what is left
    /// of path and key without their common end.
    fn inferred(path: &str, bucket: &str, object: &str) -> Option<Self> {
        let (folder, prefix) = match (KeyParts::parse(path), KeyParts::parse(object)) {
            (Some(found), Some(claimed)) => {
                let (tail, claim) = (&path[found.prefix.len()..], &object[claimed.prefix.len()..]);
                if tail != claim && claim.strip_suffix(".gz") != Some(tail) {
                    return None;
                }
                (found.prefix, claimed.prefix)
            }
            _ => common_end(path, object)?,
        };
        let (bucket, prefix, folder) = (bucket.to_owned(), prefix.to_owned(), folder.to_owned());
        Some(Self { bucket, prefix, folder, inferred: true })
    }
}

/// What stands before the longest common end of whole components, the file name at least.
fn common_end<'a>(path: &'a str, object: &'a str) -> Option<(&'a str, &'a str)> {
    // A file stored inflated may have lost its `.gz`.
    let inflated = object.strip_suffix(".gz").filter(|_| path.strip_suffix(".gz").is_none());
    let target = inflated.unwrap_or(object);
    let same = path.bytes().rev().zip(target.bytes().rev()).take_while(|(a, b)| a == b).count();
    let (p, t) = (path.len() - same, target.len() - same);
    // Back to the start of a component on both sides.
    let at_start = |text: &str, at: usize| at == 0 || text.as_bytes()[at - 1] == b'/';
    let skip = if at_start(path, p) && at_start(target, t) { 0 } else { path.get(p..)?.find('/')? + 1 };
    let (p, t) = (p + skip, t + skip);
    (p < path.len()).then(|| (&path[..p], &object[..t]))
}

/// The part of a path that is a key by AWS's layout, or the file name.
fn layout_key(path: &str) -> &str {
    match KeyParts::parse(path) {
        Some(parts) => &path[parts.prefix.len()..],
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "p/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2024/03/01/d.json.gz";

    #[test]
    fn whole_trees_map_at_aws_logs() {
        let tail = &KEY["p/".len()..];
        let mount = Mount::inferred(&format!("/x/copy/{tail}"), "b", KEY).unwrap();
        assert_eq!((mount.folder.as_str(), mount.prefix.as_str()), ("/x/copy/", "p/"));
        // A digest in another's place says nothing about where the bucket lies.
        assert_eq!(Mount::inferred(&format!("/x/copy/{tail}").replace("d.json", "e.json"), "b", KEY), None);
        let inflated = format!("/x/{}", tail.strip_suffix(".gz").unwrap());
        assert_eq!(Mount::inferred(&inflated, "b", KEY).unwrap().folder, "/x/");
    }

    #[test]
    fn partial_trees_map_at_their_common_end() {
        let mount = Mount::inferred("/x/us-east-1/2024/03/01/d.json.gz", "b", KEY).unwrap();
        assert_eq!(mount.folder, "/x/");
        assert_eq!(mount.prefix, "p/AWSLogs/111122223333/CloudTrail-Digest/");
        let mount = Mount::inferred("/x-01/d.json.gz", "b", KEY).unwrap();
        assert_eq!((mount.folder.as_str(), mount.prefix.ends_with("/03/01/")), ("/x-01/", true));
        assert_eq!(Mount::inferred("/x/y.json.gz", "b", KEY), None);
    }
}
