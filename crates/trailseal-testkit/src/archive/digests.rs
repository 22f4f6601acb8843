//! What can be done to the files of digests and their metadata.

use std::fs;

use trailseal_deliver::{DigestDocument, write::Sidecar};

use crate::{
    archive::Archive,
    digests::{MalformedDigest, Style},
    gzip::gzip_member,
    model::ModelDigest,
};

impl Archive {
    /// The digest with this key, as it was sealed.
    pub fn sealed(&self, key: &str) -> &ModelDigest {
        self.model.sealed(key)
    }

    /// Changes a digest without signing it again.
    pub fn edit_digest(&self, key: &str, change: impl FnOnce(&mut DigestDocument)) {
        self.replace(key, &gzip_member(&self.sealed(key).edited(change), 6));
    }

    /// Alters a log and puts its new hash into the digest that names it.
    pub fn alter_log_and_digest(&self, digest: &str, log: usize) {
        let key = self.sealed(digest).logs[log].key.clone();
        self.alter_log(&key);
        let hash = trailseal_deliver::digest::sha256_hex(&self.content(&key));
        self.edit_digest(digest, |document| {
            let entry = document.log_files.iter_mut().find(|entry| entry.s3_object == key);
            entry.expect("the digest names its logs").hash_value = hash;
        });
    }

    /// Writes a digest's JSON in another way.
    pub fn reserialise(&self, key: &str, style: Style) {
        self.replace(key, &gzip_member(&self.sealed(key).reserialised(style), 6));
    }

    /// Makes a file of a digest that holds none.
    pub fn malform(&self, key: &str, how: MalformedDigest) {
        self.replace(key, &self.sealed(key).malformed(how));
    }

    /// Copies an older digest's file over another one's; the sidecars stay.
    pub fn replay(&self, from: &str, over: &str) {
        let bytes = self.read(from);
        self.replace(over, &bytes);
    }

    /// Changes the sidecar of a digest.
    pub fn edit_sidecar(&self, key: &str, change: impl FnOnce(&mut Sidecar)) {
        let mut metadata = self.sealed(key).sidecar();
        change(&mut metadata);
        fs::write(self.sidecar(key), metadata.to_json()).unwrap();
    }

    /// Puts another text in the place of the signature in a sidecar.
    pub fn set_signature(&self, key: &str, signature: &str) {
        self.edit_sidecar(key, |sidecar| sidecar.signature = Some(signature.to_owned()));
    }

    /// Flips a bit of the signature in a sidecar, counted from the first.
    pub fn flip_signature(&self, key: &str, bit: usize) {
        let flipped = self.sealed(key).flipped_signature(bit);
        self.set_signature(key, &flipped);
    }

    /// Removes the sidecar of a digest.
    pub fn remove_sidecar(&self, key: &str) {
        fs::remove_file(self.sidecar(key)).expect("the sidecar was there");
    }

    /// Renames a digest and its sidecar.
    pub fn rename_digest(&self, from: &str, to: &str) {
        let sidecar = self.sidecar(from);
        self.rename(from, to);
        fs::rename(sidecar, self.sidecar(to)).expect("the sidecar was there");
    }

    /// Deletes a digest, and its sidecar if it has one.
    pub fn delete_digest(&self, key: &str) {
        self.delete(key);
        let _ = fs::remove_file(self.sidecar(key));
    }
}
