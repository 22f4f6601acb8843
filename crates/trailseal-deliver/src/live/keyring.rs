//! The signing keys of all Regions: made when they are first needed, followed by others before they end.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use trailseal_archive::Timestamp;

use super::LiveError;
use super::listing::files;
use super::salvage::LostFile;
use crate::journal::disk::Disk;
use crate::keys::{KeyError, SigningKey, fingerprint};
use crate::write::{PublishedKey, public_keys_json};

const DAY: i64 = 86_400;
/// Every key that CloudTrail published was valid for 30 days (docs/spec/format.md 1.6).
const VALIDITY: i64 = 30 * DAY;
/// So long before a key ends its successor is used.
const OVERLAP: i64 = DAY;
/// A key is valid from a little before it is first needed, since trails share it and their digests do not
/// end at the same second.
const LEAD: i64 = 3600;

/// The public key file: what `trailseal verify --keys` and ListPublicKeys take.
const PUBLIC: &str = "public-keys.json";
/// The folder of the private keys, one file each.
const PRIVATE: &str = "private";

/// What a private key's file holds.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    region: String,
    start: Timestamp,
    end: Timestamp,
    fingerprint: String,
    /// PKCS#1 DER in Base64.
    public: String,
    /// PKCS#8 DER in Base64; removed once the key is over.
    private: Option<String>,
}

/// The public keys of all Regions as they are at the moment, also while a round of deliveries goes on: whoever sees a
/// digest finds the key that signed it. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct PublishedKeys(Arc<RwLock<Arc<RegionKeys>>>);

/// Keys, each with its Region, which is empty where it is not known any more.
pub type RegionKeys = Vec<(String, PublishedKey)>;

impl PublishedKeys {
    /// The keys as of now. While none is added, the same allocation is given.
    pub fn now(&self) -> Arc<RegionKeys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, keys: RegionKeys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

pub(super) struct SigningKeys {
    folder: PathBuf,
    disk: Disk,
    keys: Vec<Stored>,
    published: PublishedKeys,
    /// By fingerprint.
    ready: BTreeMap<String, SigningKey>,
    /// The public key file does not hold all keys yet.
    is_unpublished: bool,
    orphans: usize,
}

impl SigningKeys {
    pub(super) fn open(folder: &Path, disk: &Disk) -> Result<Self, LiveError> {
        let private = folder.join(PRIVATE);
        disk.create_folders(&private, true).map_err(|source| LiveError::write(&private, source))?;
        let mut keys = Vec::new();
        for path in files(&private, "key")? {
            keys.push(Stored::load(&path)?);
        }
        let (known, orphans) = (keys.len(), published_only(&folder.join(PUBLIC), &keys));
        keys.extend(orphans);
        let orphans = keys.len() - known;
        keys.sort_by(|a, b| (&a.region, a.start, &a.fingerprint).cmp(&(&b.region, b.start, &b.fingerprint)));
        let ready = BTreeMap::new();
        let mut ring = Self {
            folder: folder.to_owned(),
            disk: disk.clone(),
            keys,
            published: PublishedKeys::default(),
            ready,
            is_unpublished: true,
            orphans,
        };
        ring.publish()?;
        Ok(ring)
    }

    /// How many keys only the file of public keys had when it was opened: digests that they signed stay provable.
    pub(super) fn orphans(&self) -> usize {
        self.orphans
    }

    /// All keys; those that only the file of public keys tells of are without a Region.
    pub(super) fn published(&self) -> PublishedKeys {
        self.published.clone()
    }

    fn public(&self) -> RegionKeys {
        let public = |key: &Stored| PublishedKey {
            der: BASE64.decode(&key.public).unwrap_or_default(),
            validity_start: key.start,
            validity_end: key.end,
            fingerprint: key.fingerprint.clone(),
        };
        self.keys.iter().map(|key| (key.region.clone(), public(key))).collect()
    }

    /// The key that signs a Region's digest that ends at `at`. It is published when this returns.
    pub(super) fn signing(&mut self, region: &str, at: Timestamp) -> Result<&SigningKey, LiveError> {
        self.publish()?;
        let fingerprint = match self.usable(region, at) {
            Some(fingerprint) => fingerprint,
            None => self.make(region, at)?,
        };
        Ok(self.ready.get(&fingerprint).ok_or(KeyError::Signing)?)
    }

    /// The newest key that is valid and whose private part is there.
    fn usable(&mut self, region: &str, at: Timestamp) -> Option<String> {
        let fits = |key: &&Stored| key.region == region && key.start <= at && at < key.end.plus(-OVERLAP);
        // a key that began a moment later is used rather than yet another one made
        let soon = |key: &&Stored| key.region == region && key.start > at && key.start <= at.plus(DAY);
        let fitting = self.keys.iter().rev().filter(fits).chain(self.keys.iter().filter(soon));
        for key in fitting {
            if self.ready.contains_key(&key.fingerprint) {
                return Some(key.fingerprint.clone());
            }
            let der = key.private.as_ref().and_then(|private| BASE64.decode(private).ok());
            let made = der.and_then(|der| SigningKey::from_pkcs8(&der).ok());
            // one that is damaged is followed by a new one
            if let Some(made) = made.filter(|made| made.fingerprint() == key.fingerprint) {
                self.ready.insert(key.fingerprint.clone(), made);
                return Some(key.fingerprint.clone());
            }
        }
        None
    }

    fn make(&mut self, region: &str, at: Timestamp) -> Result<String, LiveError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| LiveError::Random)?;
        let key = SigningKey::from_seed(seed)?;
        let fingerprint = key.fingerprint().to_owned();
        let start = at.plus(-LEAD);
        let stored = Stored {
            region: region.to_owned(),
            start,
            end: start.plus(VALIDITY),
            fingerprint: fingerprint.clone(),
            public: BASE64.encode(key.public_pkcs1_der()),
            private: Some(BASE64.encode(key.private_pkcs8_der())),
        };
        self.save(&stored)?;
        self.keys.push(stored);
        self.is_unpublished = true;
        self.publish()?;
        self.ready.insert(fingerprint.clone(), key);
        self.forget_old(at)?;
        Ok(fingerprint)
    }

    /// Removes the private parts of keys that are over.
    fn forget_old(&mut self, at: Timestamp) -> Result<(), LiveError> {
        for index in 0..self.keys.len() {
            if self.keys[index].private.is_some() && self.keys[index].end.plus(DAY) < at {
                let key = Stored { private: None, ..self.keys[index].clone() };
                self.save(&key)?;
                self.ready.remove(&key.fingerprint);
                self.keys[index] = key;
            }
        }
        Ok(())
    }

    fn save(&self, key: &Stored) -> Result<(), LiveError> {
        let path = self.folder.join(PRIVATE).join(format!("{}_{}.key", key.region, key.fingerprint));
        let text = serde_json::to_vec(key).map_err(|error| LiveError::damaged(&path, error.to_string()))?;
        self.disk.replace(&path, &text, true).map_err(|source| LiveError::write(&path, source))
    }

    fn publish(&mut self) -> Result<(), LiveError> {
        if !self.is_unpublished {
            return Ok(());
        }
        let path = self.folder.join(PUBLIC);
        let public = self.public();
        let keys: Vec<PublishedKey> = public.iter().map(|(_, key)| key.clone()).collect();
        let text = public_keys_json(&keys);
        let is_there = match fs::read(&path) {
            Ok(old) => old == text.as_bytes(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(source) => return Err(LiveError::read(&path, source)),
        };
        if !is_there {
            let written = self.disk.replace(&path, text.as_bytes(), false);
            written.map_err(|source| LiveError::write(&path, source))?;
        }
        self.published.set(public);
        self.is_unpublished = false;
        Ok(())
    }
}

impl std::fmt::Debug for SigningKeys {
    /// Names the keys; never prints the private parts.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = self.keys.iter().map(|key| (&key.region, &key.fingerprint));
        f.debug_map().entries(keys).finish()
    }
}

impl Stored {
    fn load(path: &Path) -> Result<Self, LiveError> {
        let text = fs::read(path).map_err(|source| LiveError::read(path, source))?;
        let key: Self =
            serde_json::from_slice(&text).map_err(|error| LiveError::damaged(path, error.to_string()))?;
        key.der(path)?;
        Ok(key)
    }

    fn der(&self, path: &Path) -> Result<Vec<u8>, LiveError> {
        let der = BASE64.decode(&self.public).map_err(|error| LiveError::damaged(path, error.to_string()))?;
        if fingerprint(&der) != self.fingerprint {
            return Err(LiveError::damaged(path, "the fingerprint is not that of the public key"));
        }
        Ok(der)
    }
}

/// What a file of public keys says of a key.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Public {
    value: String,
    validity_start_time: String,
    validity_end_time: String,
    fingerprint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKeys {
    public_key_list: Vec<Public>,
}

/// The keys of a file of public keys that are not among those that have files of their own: these were lost. A file that
/// cannot be read has none: what is known is written over it.
fn published_only(path: &Path, known: &[Stored]) -> Vec<Stored> {
    let text = fs::read(path).unwrap_or_default();
    let Ok(PublicKeys { public_key_list }) = serde_json::from_slice(&text) else { return Vec::new() };
    let time = |text: &str| Timestamp::parse_digest_field(&text.replace("+00:00", "Z")).ok();
    let keys = public_key_list.into_iter().filter_map(|key| {
        let stored = Stored {
            region: String::new(),
            start: time(&key.validity_start_time)?,
            end: time(&key.validity_end_time)?,
            fingerprint: key.fingerprint,
            public: key.value,
            private: None,
        };
        let is_new = known.iter().all(|other| other.fingerprint != stored.fingerprint);
        (is_new && stored.der(path).is_ok()).then_some(stored)
    });
    keys.collect()
}

/// Copies the keys whose files are whole, and the file of public keys if it is. How many, and what was lost.
pub(super) fn salvage(from: &Path, to: &Path, disk: &Disk) -> Result<(usize, Vec<LostFile>), LiveError> {
    let (mut kept, mut lost) = (0, Vec::new());
    let copy = |path: &Path, to: &Path, private| {
        let text = fs::read(path).map_err(|source| LiveError::read(path, source))?;
        disk.replace(to, &text, private).map_err(|source| LiveError::write(to, source))
    };
    for path in files(&from.join(PRIVATE), "key")? {
        match Stored::load(&path) {
            Ok(_) => {
                copy(&path, &to.join(PRIVATE).join(path.file_name().unwrap_or_default()), true)?;
                kept += 1;
            }
            Err(error) => lost.push(LostFile { path, reason: error.to_string() }),
        }
    }
    let public = from.join(PUBLIC);
    match fs::read(&public) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(text) if serde_json::from_slice::<PublicKeys>(&text).is_ok() => {
            copy(&public, &to.join(PUBLIC), false)?;
        }
        Ok(_) => lost.push(LostFile { path: public, reason: "it is no file of public keys".to_owned() }),
        Err(error) => lost.push(LostFile { path: public, reason: error.to_string() }),
    }
    Ok((kept, lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_epoch(seconds).unwrap()
    }

    #[test]
    fn a_key_is_kept_and_followed_by_another_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::default();
        let mut ring = SigningKeys::open(folder.path(), &disk).unwrap();
        let start = 1_709_251_200;
        let first = ring.signing("eu-west-1", time(start)).unwrap().fingerprint().to_owned();
        assert_eq!(ring.signing("eu-west-1", time(start - 7200)).unwrap().fingerprint(), first);
        let mut ring = SigningKeys::open(folder.path(), &disk).unwrap();
        let late = time(start + VALIDITY - OVERLAP - LEAD - 1);
        assert_eq!(ring.signing("eu-west-1", late).unwrap().fingerprint(), first);
        assert_ne!(ring.signing("us-east-1", late).unwrap().fingerprint(), first);
        // whoever asks meanwhile is told at once
        let published = ring.published();
        let before = published.now();
        let second = ring.signing("eu-west-1", late.plus(1)).unwrap().fingerprint().to_owned();
        assert_ne!(second, first);
        let keys = published.now();
        assert_eq!((before.len(), keys.len()), (2, 3));
        ring.signing("eu-west-1", late.plus(1)).unwrap();
        assert!(Arc::ptr_eq(&keys, &published.now()));
        let of = |fingerprint: &str| keys.iter().find(|(_, key)| key.fingerprint == fingerprint).unwrap();
        assert_eq!(of(&first).1.validity_end.since(of(&first).1.validity_start), VALIDITY);
        assert!(of(&second).1.validity_start < of(&first).1.validity_end);
        ring.signing("eu-west-1", time(start + 3 * VALIDITY)).unwrap();
        let stored =
            fs::read_to_string(folder.path().join(format!("private/eu-west-1_{first}.key"))).unwrap();
        assert!(stored.contains(r#""private":null"#), "{stored}");
        let text = fs::read_to_string(folder.path().join(PUBLIC)).unwrap();
        assert_eq!(text.matches("\"Fingerprint\"").count(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn private_keys_are_readable_by_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let mut ring = SigningKeys::open(&keys, &Disk::default()).unwrap();
        ring.signing("eu-west-1", time(0)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&keys.join(PRIVATE)), 0o700);
        for entry in fs::read_dir(keys.join(PRIVATE)).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        assert!(!format!("{ring:?}").contains(ring.keys[0].private.as_deref().unwrap()));
    }

    #[test]
    fn a_damaged_key_file_is_an_error_and_a_foreign_private_key_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let mut ring = SigningKeys::open(folder.path(), &Disk::default()).unwrap();
        let first = ring.signing("eu-west-1", time(0)).unwrap().fingerprint().to_owned();
        let path = folder.path().join(format!("private/eu-west-1_{first}.key"));
        let mut key: Stored = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let other = SigningKey::from_seed(7).unwrap();
        key.private = Some(BASE64.encode(other.private_pkcs8_der()));
        fs::write(&path, serde_json::to_vec(&key).unwrap()).unwrap();
        let mut ring = SigningKeys::open(folder.path(), &Disk::default()).unwrap();
        assert_ne!(ring.signing("eu-west-1", time(0)).unwrap().fingerprint(), first);
        key.fingerprint = "00".repeat(16);
        fs::write(&path, serde_json::to_vec(&key).unwrap()).unwrap();
        assert!(matches!(SigningKeys::open(folder.path(), &Disk::default()), Err(LiveError::Damaged { .. })));
    }
}
