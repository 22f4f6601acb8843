use trailseal_testkit::{Plan, signing_key};

use super::*;
use crate::{keys::KeyFile, limits::Limits};

/// The newest of two digests, its hash, its signature, and a ring with its key.
fn signed() -> (Digest, [u8; 32], Signature, KeyRing) {
    let model = Plan { hours: 1, ..Plan::default() }.model();
    let sealed = &model.chains[0].digests[1];
    let digest = Digest::parse(&sealed.inflated, &Limits::default()).unwrap();
    let keys = KeyFile::parse("k.json", model.public_keys(&[0], None).as_bytes()).keys;
    let signature =
        Signature { source: SignatureSource::Sidecar, hex: sealed.signature.clone(), algorithm: None };
    (digest, sha256::digest(&sealed.inflated), signature, KeyRing::new(keys))
}

fn check(change: impl FnOnce(&mut Digest, &mut [u8; 32], &mut Signature)) -> SignatureCheck {
    let (mut digest, mut hash, mut signature, keys) = signed();
    change(&mut digest, &mut hash, &mut signature);
    check_signature(&digest, &hash, &signature, &keys)
}

#[test]
fn the_signed_string_has_four_lines() {
    let (mut digest, ..) = signed();
    let previous = digest.previous_signature.clone().unwrap();
    let (bucket, object) = (digest.bucket.clone(), digest.object.clone());
    let ab = "ab".repeat(32);
    let text = |digest: &Digest| String::from_utf8(string_to_sign(digest, &[0xab; 32])).unwrap();
    assert_eq!(text(&digest), format!("2024-03-01T01:13:52Z\n{bucket}/{object}\n{ab}\n{previous}"));
    digest.previous_signature = None;
    assert_eq!(text(&digest), format!("2024-03-01T01:13:52Z\n{bucket}/{object}\n{ab}\nnull"));
}

#[test]
fn every_part_of_the_signed_string_counts() {
    assert_eq!(check(|_, _, _| {}), SignatureCheck::Verified);
    assert_eq!(check(|_, hash, _| hash[0] ^= 1), SignatureCheck::OtherContent);
    assert_eq!(check(|digest, _, _| digest.end = digest.end.plus(1)), SignatureCheck::OtherContent);
    assert_eq!(check(|digest, _, _| digest.bucket.push('x')), SignatureCheck::OtherContent);
    assert_eq!(check(|digest, _, _| digest.object.push('x')), SignatureCheck::OtherContent);
    assert_eq!(check(|digest, _, _| digest.previous_signature = None), SignatureCheck::OtherContent);
    // Where a text stands matters, not only that it does.
    let moved = check(|digest, _, _| {
        digest.bucket = format!("{}/AWSLogs", digest.bucket);
        digest.object = digest.object.strip_prefix("AWSLogs/").unwrap().to_owned();
    });
    assert_eq!(
        moved,
        SignatureCheck::Verified,
        "S3 keys and buckets are joined by a slash, as AWS signs them"
    );
}

#[test]
fn a_signature_of_another_shape_is_none() {
    let not_hex = SignatureCheck::Malformed("it is not hex");
    let length = SignatureCheck::Malformed("it is not as long as the key");
    assert_eq!(check(|_, _, signature| signature.hex = "x".repeat(512)), not_hex);
    assert_eq!(check(|_, _, signature| signature.hex.truncate(511)), not_hex);
    assert_eq!(check(|_, _, signature| signature.hex.push_str("00")), length);
    assert_eq!(check(|_, _, signature| signature.hex.clear()), length);
    assert_eq!(
        check(|_, _, signature| signature.hex = signature.hex.to_uppercase()),
        SignatureCheck::Verified
    );
    assert_eq!(check(|_, _, signature| signature.hex = "ff".repeat(256)), SignatureCheck::NotBySuchKey);
    assert_eq!(check(|_, _, signature| signature.hex = "00".repeat(256)), SignatureCheck::NotBySuchKey);
}

#[test]
fn the_algorithm_is_asked_before_the_key_and_told_in_short() {
    let other = SignatureCheck::AlgorithmUnsupported("x".repeat(64));
    assert_eq!(check(|digest, _, _| digest.signature_algorithm = "x".repeat(100)), other);
    assert_eq!(check(|_, _, signature| signature.algorithm = Some("x".repeat(64))), other);
    let same = check(|_, _, signature| signature.algorithm = Some("SHA256withRSA".to_owned()));
    assert_eq!(same, SignatureCheck::Verified);
    assert_eq!(check(|digest, _, _| digest.fingerprint = "f".to_owned()), SignatureCheck::KeyUnknown);
    let (digest, hash, signature, _) = signed();
    assert_eq!(check_signature(&digest, &hash, &signature, &KeyRing::default()), SignatureCheck::KeyUnknown);
}

#[test]
fn trial_contents_verify_or_do_not() {
    let (digest, _, signature, keys) = signed();
    let model = Plan { hours: 1, ..Plan::default() }.model();
    let content = &model.chains[0].digests[1].inflated;
    assert!(verifies(&digest, content, &signature.hex, &keys));
    assert!(!verifies(&digest, &content[1..], &signature.hex, &keys));
    assert!(!verifies(&digest, content, "", &keys));
}

/// A signature by key 0 over any block, made by whoever has the private key; here by trial: what the key opens.
fn opened(signature: &[u8]) -> Option<[u8; 32]> {
    signed_hash(&PublicKeyOf(0).pkcs1(), signature)
}

struct PublicKeyOf(usize);

impl PublicKeyOf {
    fn pkcs1(&self) -> Vec<u8> {
        let text = Plan { hours: 0, ..Plan::default() }.model().public_keys(&[self.0], None);
        KeyFile::parse("k.json", text.as_bytes()).keys.remove(0).pkcs1
    }
}

#[test]
fn a_genuine_signature_opens_to_the_hash_of_what_was_signed() {
    let message = b"any content";
    let signature = signing_key(0).sign(message).unwrap();
    assert_eq!(opened(&signature), Some(sha256::digest(message)));
    assert_eq!(signed_hash(&PublicKeyOf(1).pkcs1(), &signature), None);
    let mut flipped = signature.clone();
    flipped[255] ^= 1;
    assert_eq!(opened(&flipped), None);
    assert_eq!(signed_hash(b"no key", &signature), None);
}

/// A key of exponent 1, which opens every number to itself: any block can be shown to it.
fn transparent(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xff; bits / 8];
    modulus.insert(0, 0);
    rsa(&modulus, &[1])
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let length = (bytes.len() as u16).to_be_bytes();
        [&[2, 0x82, length[0], length[1]][..], bytes].concat()
    };
    let content = [number(modulus), number(exponent)].concat();
    let length = (content.len() as u16).to_be_bytes();
    [&[0x30, 0x82, length[0], length[1]][..], &content].concat()
}

fn block(padding: usize) -> Vec<u8> {
    [&[0, 1][..], &vec![0xff; padding], &[0], &DIGEST_INFO, &[7; 32]].concat()
}

#[test]
fn only_a_block_of_the_one_form_is_a_genuine_one() {
    let key = transparent(2048);
    let fits = 256 - 3 - 19 - 32;
    assert_eq!(signed_hash(&key, &block(fits)), Some([7; 32]));
    let with = |at: usize, byte: u8| {
        let mut wrong = block(fits);
        wrong[at] = byte;
        signed_hash(&key, &wrong)
    };
    assert_eq!(with(0, 1), None, "the first byte is 0");
    assert_eq!(with(1, 2), None, "the block type is 1");
    assert_eq!(with(2, 0xfe), None);
    assert_eq!(with(2 + fits - 1, 0), None);
    assert_eq!(with(2 + fits, 0xff), None, "the padding ends in 0");
    for at in 0..DIGEST_INFO.len() {
        assert_eq!(with(3 + fits + at, 0x77), None, "DigestInfo, byte {at}");
    }
    assert_eq!(with(255, 8).map(|hash| hash[31]), Some(8));
    // Shorter and longer than the key.
    assert_eq!(signed_hash(&key, &block(fits - 1)), None);
    assert_eq!(signed_hash(&key, &block(fits + 1)), None);
    // The modulus itself and what is above it is no signature.
    assert_eq!(signed_hash(&key, &[0xff; 256]), None);
    let above = BigUint::from_bytes_be(&block(fits)) + BigUint::from_bytes_be(&[0xff; 256]);
    assert_eq!(signed_hash(&key, &above.to_bytes_be()), None);
}

/// What a key with this exponent opens to the shortest block; its modulus is made of small primes, so that anybody can sign.
fn opened_with(exponent: &[u8]) -> Option<[u8; 32]> {
    let number = BigUint::from_bytes_be;
    let is_prime = |n: &u64| (2..1 << 16).all(|d| !n.is_multiple_of(d));
    let fits = |p: &u64| BigUint::from(p - 1).modinv(&number(exponent)).is_some();
    let primes: Vec<u64> = (1_u64 << 31..1 << 32).rev().filter(fits).filter(is_prime).take(14).collect();
    let product = |factors: &mut dyn Iterator<Item = u64>| factors.map(BigUint::from).product::<BigUint>();
    let (modulus, order) = (product(&mut primes.iter().copied()), product(&mut primes.iter().map(|p| p - 1)));
    let secret = number(exponent).modinv(&order).unwrap();
    let signature = number(&block(14 * 4 - 3 - 19 - 32)).modpow(&secret, &modulus);
    let modulus = [&[0][..], &modulus.to_bytes_be()].concat();
    signed_hash(&rsa(&modulus, exponent), &signature.to_bytes_be())
}

#[test]
fn exponents_of_up_to_four_bytes_are_computed() {
    for exponent in [&[3][..], &[1, 0, 1], &[0x7f, 0xff, 0xff, 0xff]] {
        assert_eq!(opened_with(exponent), Some([7; 32]), "{exponent:?}");
    }
    assert_eq!(opened_with(&[1, 0, 0, 0, 0x0f]), None);
}

#[test]
fn a_key_too_small_for_a_block_or_with_a_huge_exponent_opens_nothing() {
    for bits in [16, 400, 408, 416, 424, 432, 440] {
        let key = transparent(bits);
        for padding in 0..3 {
            let _ = signed_hash(&key, &block(padding));
        }
    }
    // The least block there is: no padding at all.
    assert_eq!(signed_hash(&transparent(432), &block(0)), Some([7; 32]));
    assert_eq!(signed_hash(&transparent(408), &[&DIGEST_INFO[..], &[7; 32]].concat()), None);
    let modulus = [&[0][..], &[0xff; 256]].concat();
    let fits = block(256 - 3 - 19 - 32);
    assert_eq!(signed_hash(&rsa(&modulus, &[0, 0, 0, 1]), &fits), Some([7; 32]));
    let started = std::time::Instant::now();
    assert_eq!(signed_hash(&rsa(&modulus, &[0x7f; 1024]), &fits), None);
    assert!(started.elapsed().as_millis() < 100, "an exponent of 8,192 bits is not computed");
}
