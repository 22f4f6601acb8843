//! RSA keys: made from a seed, published as CloudTrail publishes them, used to sign digests.

use md5::{Digest as _, Md5};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use rsa::{RsaPrivateKey, RsaPublicKey};

/// The size of all keys that CloudTrail has been seen to publish (docs/spec/format.md 1.6).
const BITS: usize = 2048;

/// A 32-byte seed, or a number that stands for one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeySeed([u8; 32]);

impl From<u64> for KeySeed {
    fn from(number: u64) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        Self(seed)
    }
}

impl From<[u8; 32]> for KeySeed {
    fn from(seed: [u8; 32]) -> Self {
        Self(seed)
    }
}

/// Why a key could not be made or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No key came out of the random numbers.
    #[error("no RSA key could be generated: {reason}")]
    Generation {
        /// What the generator says.
        reason: String,
    },
    /// The key that was made could not be encoded, or the signer refuses it.
    #[error("the RSA key could not be encoded: {reason}")]
    Encoding {
        /// What the encoder or the signer says.
        reason: String,
    },
    /// Signing failed.
    #[error("signing failed")]
    Signing,
}

/// An RSA-2048 key that signs digests: RSASSA-PKCS1-v1_5 with SHA-256 (docs/spec/format.md 1.4).
pub struct SigningKey {
    pair: RsaKeyPair,
    pkcs8: Vec<u8>,
    pkcs1: Vec<u8>,
    spki: Vec<u8>,
    fingerprint: String,
}

impl SigningKey {
    /// Makes the key that belongs to a seed (a `u64` or 32 bytes): the same key every time.
    ///
    /// Takes a tenth of a second or more; keys of different seeds can be made in parallel. The seed is as
    /// secret as the key, so keys made here are for tests and demonstrations.
    ///
    /// # Errors
    /// [`KeyError::Generation`] and [`KeyError::Encoding`]; neither is expected for any seed.
    pub fn from_seed(seed: impl Into<KeySeed>) -> Result<Self, KeyError> {
        let mut random = ChaCha20Rng::from_seed(seed.into().0);
        let private = RsaPrivateKey::new(&mut random, BITS)
            .map_err(|error| KeyError::Generation { reason: error.to_string() })?;
        // `rsa` only makes and encodes the key. Its private-key operation, whose timing leaks
        // (RUSTSEC-2023-0071), is never run: ring signs, from the PKCS#8 form.
        let pkcs8 = private.to_pkcs8_der().map_err(encoding)?;
        Self::from_pkcs8(pkcs8.as_bytes())
    }

    /// The key that [`Self::private_pkcs8_der`] gave; takes no time to speak of.
    ///
    /// # Errors
    /// [`KeyError::Encoding`] if it is none.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(der).map_err(encoding)?;
        let pkcs1 = pair.public().as_ref().to_vec();
        let public = RsaPublicKey::from_pkcs1_der(&pkcs1).map_err(encoding)?;
        let spki = public.to_public_key_der().map_err(encoding)?.as_bytes().to_vec();
        let fingerprint = fingerprint(&pkcs1);
        Ok(Self { pair, pkcs8: der.to_vec(), pkcs1, spki, fingerprint })
    }

    /// The private key as DER PKCS#8.
    pub(crate) fn private_pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key as CloudTrail publishes it: DER PKCS#1 `RSAPublicKey`, 270 bytes.
    pub fn public_pkcs1_der(&self) -> &[u8] {
        &self.pkcs1
    }

    /// The public key as DER X.509 `SubjectPublicKeyInfo`, 294 bytes: the shape of one key in the AWS
    /// documentation (docs/spec/format.md 1.6). Its fingerprint is that of these bytes, [`fingerprint`].
    pub fn public_spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The fingerprint of the PKCS#1 form: 32 lower-case hex digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Signs a message; 256 bytes. Deterministic: the padding of PKCS#1 v1.5 holds no random numbers.
    ///
    /// # Errors
    /// [`KeyError::Signing`], when the system has no random numbers for ring's blinding.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyError::Signing)?;
        Ok(signature)
    }
}

impl std::fmt::Debug for SigningKey {
    /// Names the key by its fingerprint; never prints the private part.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// The fingerprint CloudTrail gives a public key: MD5 of the decoded `Value` bytes in whatever encoding
/// they are, as lower-case hex (docs/spec/format.md 1.6).
pub fn fingerprint(der: &[u8]) -> String {
    hex::encode(Md5::digest(der))
}

fn encoding(error: impl std::fmt::Display) -> KeyError {
    KeyError::Encoding { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use rsa::pkcs1::DecodeRsaPublicKey;
    use rsa::pkcs8::DecodePublicKey;
    use rsa::{Pkcs1v15Sign, traits::PublicKeyParts};
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn a_seed_gives_one_key_and_another_seed_another() {
        let first = SigningKey::from_seed(1).unwrap();
        assert_eq!(first.public_pkcs1_der(), SigningKey::from_seed(1).unwrap().public_pkcs1_der());
        assert_ne!(first.fingerprint(), SigningKey::from_seed([1; 32]).unwrap().fingerprint());
    }

    #[test]
    fn the_public_key_has_the_documented_shapes() {
        let key = SigningKey::from_seed(2).unwrap();
        assert_eq!((key.public_pkcs1_der().len(), key.public_spki_der().len()), (270, 294));
        let public = RsaPublicKey::from_pkcs1_der(key.public_pkcs1_der()).unwrap();
        assert_eq!(public, RsaPublicKey::from_public_key_der(key.public_spki_der()).unwrap());
        assert_eq!(public.n().bits(), 2048);
        assert_eq!(public.e().to_string(), "65537");
        assert_eq!(key.fingerprint(), fingerprint(key.public_pkcs1_der()));
        assert_eq!(fingerprint(b""), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn another_implementation_accepts_the_signature_and_no_other_message() {
        let key = SigningKey::from_seed(3).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature, key.sign(b"message").unwrap());
        let public = RsaPublicKey::from_pkcs1_der(key.public_pkcs1_der()).unwrap();
        // sha2 0.11 and rsa 0.9 speak of different digest traits, so the hash's DER prefix is spelt out.
        let scheme = || Pkcs1v15Sign {
            hash_len: Some(32),
            prefix: hex::decode("3031300d060960864801650304020105000420").unwrap().into(),
        };
        assert!(public.verify(scheme(), &Sha256::digest(b"message"), &signature).is_ok());
        assert!(public.verify(scheme(), &Sha256::digest(b"massage"), &signature).is_err());
    }
}
