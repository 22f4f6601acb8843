//! The signature of a digest: the signed string, the check, and what a failed check means
//! (docs/spec/format.md 1.4).

use num_bigint::BigUint;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Serialize;
use trailseal_sha256 as sha256;

use crate::{
    der,
    digest::{Digest, SIGNATURE_ALGORITHM},
    keys::{KeyRing, PublicKey},
};

/// Where a signature was found (docs/spec/verification.md 1, in this order).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureSource {
    /// `<digest file>.metadata.json`.
    Sidecar,
    /// The file given with `--metadata`.
    Manifest,
    /// Extended attributes of the digest file.
    ExtendedAttribute,
    /// The successor's `previousDigestSignature`.
    Successor,
}

impl SignatureSource {
    /// In words, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Manifest => "metadata manifest",
            Self::ExtendedAttribute => "extended attribute",
            Self::Successor => "successor",
        }
    }
}

/// A signature before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Where it was found.
    pub source: SignatureSource,
    /// The text found: hex, if it is a signature at all.
    pub hex: String,
    /// The algorithm stated beside it, if any.
    pub algorithm: Option<String>,
}

/// What checking a signature showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureCheck {
    /// The key made this signature over this digest.
    Verified,
    /// The key made this signature, but over other content.
    OtherContent,
    /// The key did not make this signature.
    NotBySuchKey,
    /// Not hex, or not as long as the key.
    Malformed(&'static str),
    /// No trusted key has the digest's fingerprint.
    KeyUnknown,
    /// Another algorithm than `SHA256withRSA` is stated.
    AlgorithmUnsupported(String),
    /// Not computed: an authentic successor names the digest's hash and holds this signature of it, and a trusted
    /// key has the digest's fingerprint. What is authentic of the digest is so by the hash chain.
    Repeated,
}

impl SignatureCheck {
    /// Whether it is the key's signature over this digest: computed, or said by an authentic successor.
    pub fn is_genuine(&self) -> bool {
        matches!(self, Self::Verified | Self::Repeated)
    }
}

/// The string that AWS signed, for a digest whose inflated bytes hash to `sha256`.
pub(crate) fn string_to_sign(digest: &Digest, sha256: &[u8; 32]) -> Vec<u8> {
    let Digest { end, bucket, object, previous_signature, .. } = digest;
    // A starting digest has the four letters here, "to match the Java implementation".
    let previous = previous_signature.as_deref().unwrap_or("null");
    format!("{end}\n{bucket}/{object}\n{}\n{previous}", hex::encode(sha256)).into_bytes()
}

/// Checks a signature of a digest against the trusted keys.
pub fn check_signature(
    digest: &Digest,
    sha256: &[u8; 32],
    signature: &Signature,
    keys: &KeyRing,
) -> SignatureCheck {
    let (key, bytes) = match candidate(digest, signature, keys) {
        Ok(candidate) => candidate,
        Err(check) => return check,
    };
    let message = string_to_sign(digest, sha256);
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.pkcs1);
    if public.verify(&message, &bytes).is_ok() {
        SignatureCheck::Verified
    } else if signed_hash(&key.pkcs1, &bytes).is_some() {
        SignatureCheck::OtherContent
    } else {
        SignatureCheck::NotBySuchKey
    }
}

/// The key and the bytes of what may be its signature, or why it is none before anything is computed.
pub(crate) fn candidate<'k>(
    digest: &Digest,
    signature: &Signature,
    keys: &'k KeyRing,
) -> Result<(&'k PublicKey, Vec<u8>), SignatureCheck> {
    let stated = [Some(digest.signature_algorithm.as_str()), signature.algorithm.as_deref()];
    if let Some(other) = stated.into_iter().flatten().find(|stated| *stated != SIGNATURE_ALGORITHM) {
        return Err(SignatureCheck::AlgorithmUnsupported(other.chars().take(64).collect()));
    }
    let Ok(bytes) = hex::decode(&signature.hex) else {
        return Err(SignatureCheck::Malformed("it is not hex"));
    };
    let Some(key) = keys.find(&digest.fingerprint).first() else {
        return Err(SignatureCheck::KeyUnknown);
    };
    if bytes.len() != (key.bits as usize).div_ceil(8) {
        return Err(SignatureCheck::Malformed("it is not as long as the key"));
    }
    Ok((key, bytes))
}

/// Whether a signature is the key's over this content. For trial contents only: no diagnosis.
pub(crate) fn verifies(digest: &Digest, content: &[u8], hex: &str, keys: &KeyRing) -> bool {
    let signature = Signature { source: SignatureSource::Successor, hex: hex.to_owned(), algorithm: None };
    check_signature(digest, &sha256::digest(content), &signature, keys) == SignatureCheck::Verified
}

/// `DigestInfo` of SHA-256, which stands before the hash in a PKCS#1 v1.5 block.
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The hash that a signature vouches for, if the key made it at all.
///
/// It decides nothing that is called verified: it only tells a genuine signature over other content
/// (the digest was edited) from a damaged signature.
fn signed_hash(pkcs1: &[u8], signature: &[u8]) -> Option<[u8; 32]> {
    let key = der::RsaPublicKey::parse(pkcs1).ok()?;
    let modulus = BigUint::from_bytes_be(key.modulus);
    let value = BigUint::from_bytes_be(signature);
    // A public exponent beyond 32 bits is nobody's, and would cost time.
    if value >= modulus || key.exponent.len() > 4 {
        return None;
    }
    let recovered = value.modpow(&BigUint::from_bytes_be(key.exponent), &modulus).to_bytes_be();
    // The block is 00 01 FF…FF 00 DigestInfo hash; a number does not show its leading zero byte.
    if recovered.len() + 1 != key.modulus.len() {
        return None;
    }
    let (padding, end) = recovered.split_at_checked(recovered.len().checked_sub(DIGEST_INFO.len() + 32)?)?;
    let (info, hash) = end.split_at(DIGEST_INFO.len());
    let fill = padding.strip_prefix(&[1])?.strip_suffix(&[0])?;
    let whole = fill.iter().all(|byte| *byte == 0xff) && info == DIGEST_INFO;
    if whole { hash.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests;
