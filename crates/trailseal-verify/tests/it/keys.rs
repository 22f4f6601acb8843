//! The keys that the user passes.

use trailseal_testkit::{Plan, signing_key};
use trailseal_verify::{KeyDefectReason, KeyEncoding, KeyFile, KeyRing};

#[test]
fn s46_a_key_whose_label_is_not_its_md5_or_which_does_not_parse() {
    let text = Plan { hours: 0, ..Plan::default() }.model().public_keys(&[0, 1], None);
    let file = KeyFile::parse("keys/public-keys-eu-west-1.json", text.as_bytes());
    assert_eq!((file.keys.len(), file.defects.len()), (2, 0));
    let fingerprint = signing_key(1).fingerprint();
    let other = "0123456789abcdef0123456789abcdef";
    let file = KeyFile::parse("k.json", text.replace(fingerprint, other).as_bytes());
    assert_eq!((file.keys.len(), file.defects.len()), (1, 1));
    let expected = format!(
        "k.json, entry 2: the fingerprint is stated as {other}, but that of the bytes is {fingerprint}"
    );
    assert_eq!(file.defects[0].to_string(), expected);
    let file = KeyFile::parse("k.json", b"{\"PublicKeyList\":[{\"Value\":\"AAAA\"}]}");
    assert_eq!(file.defects[0].entry, Some(1));
    assert!(matches!(file.defects[0].reason, KeyDefectReason::Der(_)));
}

#[test]
fn a_key_is_found_by_the_fingerprint_of_either_encoding() {
    let text = Plan { hours: 0, ..Plan::default() }.model().public_keys(&[0], None);
    let key = KeyFile::parse("k.json", text.as_bytes()).keys.remove(0);
    assert_eq!(
        (key.fingerprint.as_str(), key.encoding, key.bits),
        (signing_key(0).fingerprint(), KeyEncoding::Pkcs1, 2048)
    );
    let ring = KeyRing::new([key.clone(), key.clone()]);
    for fingerprint in [&key.fingerprint, &key.other_fingerprint] {
        assert_eq!(ring.find(fingerprint), std::slice::from_ref(&key));
    }
    assert_eq!(ring.find(""), []);
    assert_eq!(ring.iter().count(), 1);
}
