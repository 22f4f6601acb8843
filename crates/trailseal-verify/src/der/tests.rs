use super::*;

/// An element of one tag, its length in the short or the long form.
fn element_of(tag: u8, content: &[u8]) -> Vec<u8> {
    wrap(tag, content)
}

fn key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [element_of(INTEGER, modulus), element_of(INTEGER, exponent)].concat();
    element_of(SEQUENCE, &numbers)
}

fn why(bytes: &[u8]) -> &'static str {
    RsaPublicKey::parse(bytes).unwrap_err()
}

#[test]
fn both_encodings_give_the_same_numbers() {
    let modulus = [&[0, 0xc0][..], &[7; 255]].concat();
    let pkcs1 = key(&modulus, &[1, 0, 1]);
    let bare = RsaPublicKey::parse(&pkcs1).unwrap();
    assert_eq!((bare.modulus, bare.exponent, bare.is_spki), (&modulus[1..], &[1, 0, 1][..], false));
    assert_eq!((bare.pkcs1, bare.bits()), (pkcs1.as_slice(), 2048));
    let spki = spki(&pkcs1);
    let wrapped = RsaPublicKey::parse(&spki).unwrap();
    assert_eq!(wrapped, RsaPublicKey { is_spki: true, ..bare });
}

#[test]
fn lengths_are_written_as_short_as_they_can_be_and_read_in_every_form() {
    for (length, head) in [
        (0, &[4, 0][..]),
        (0x7f, &[4, 0x7f]),
        (0x80, &[4, 0x81, 0x80]),
        (0xff, &[4, 0x81, 0xff]),
        (0x100, &[4, 0x82, 1, 0]),
        (0x1_0000, &[4, 0x83, 1, 0, 0]),
        (0x0100_0000, &[4, 0x84, 1, 0, 0, 0]),
    ] {
        let written = wrap(4, &vec![9; length]);
        assert_eq!(&written[..head.len()], head);
        let (content, rest) = element(&written, 4).unwrap();
        assert_eq!((content.len(), rest.len()), (length, 0));
    }
    // Longer than it need be, and with something behind.
    assert_eq!(element(&[4, 0x82, 0, 1, 9, 8], 4), Ok((&[9][..], &[8][..])));
}

#[test]
fn what_is_cut_short_or_of_another_shape_is_refused() {
    for (bytes, reason) in [
        (&[][..], "too short"),
        (&[4], "too short"),
        (&[5, 0], "not the expected structure"),
        (&[4, 1], "cut short"),
        (&[4, 0x7f, 0], "cut short"),
        (&[4, 0x80], "a malformed length"),
        (&[4, 0x81], "a malformed length"),
        (&[4, 0x82, 1], "a malformed length"),
        (&[4, 0x82, 1, 0], "cut short"),
        (&[4, 0x85, 0, 0, 0, 0, 0], "a malformed length"),
        (&[4, 0xff, 0xff, 0xff], "a malformed length"),
        (&[4, 0x84, 0xff, 0xff, 0xff, 0xff], "cut short"),
    ] {
        assert_eq!(element(bytes, 4), Err(reason), "{bytes:?}");
    }
}

#[test]
fn integers_are_positive_and_have_bytes() {
    let one = |content: &[u8]| unsigned(&element_of(INTEGER, content)).map(|(value, _)| value.to_vec());
    assert_eq!(one(&[]), Err("an empty INTEGER"));
    assert_eq!(one(&[0x80]), Err("a negative INTEGER"));
    assert_eq!(one(&[0xff, 1]), Err("a negative INTEGER"));
    assert_eq!(one(&[0x7f]), Ok(vec![0x7f]));
    assert_eq!(one(&[0]), Ok(vec![0]));
    assert_eq!(one(&[0, 0x80]), Ok(vec![0x80]));
    assert_eq!(one(&[1, 0x80]), Ok(vec![1, 0x80]));
}

#[test]
fn a_key_is_two_numbers_and_nothing_else() {
    let good = key(&[0, 0xc0, 1], &[3]);
    assert!(RsaPublicKey::parse(&good).is_ok());
    assert_eq!(why(&[&good[..], &[0]].concat()), "bytes after the key");
    let three =
        [&element_of(INTEGER, &[5])[..], &element_of(INTEGER, &[3]), &element_of(INTEGER, &[1])].concat();
    assert_eq!(why(&element_of(SEQUENCE, &three)), "more than modulus and exponent");
    assert_eq!(why(&element_of(SEQUENCE, &element_of(INTEGER, &[5]))), "too short");
    assert_eq!(why(&element_of(SEQUENCE, &[])), "too short");
    assert_eq!(why(&element_of(SEQUENCE, &element_of(4, &[5]))), "not the expected structure");
}

#[test]
fn a_wrapped_key_is_one_of_rsa() {
    let inner = key(&[0, 0xc0, 1], &[3]);
    let wrapped = |algorithm: &[u8], bits: &[u8], rest: &[u8]| {
        let parts = [&element_of(SEQUENCE, algorithm)[..], &element_of(BIT_STRING, bits), rest].concat();
        element_of(SEQUENCE, &parts)
    };
    let bits = [&[0][..], &inner].concat();
    assert!(RsaPublicKey::parse(&wrapped(RSA_ENCRYPTION, &bits, &[])).is_ok_and(|key| key.is_spki));
    assert_eq!(why(&wrapped(&RSA_ENCRYPTION[..11], &bits, &[])), "the algorithm is not rsaEncryption");
    assert_eq!(why(&wrapped(RSA_ENCRYPTION, &[], &[])), "an empty BIT STRING");
    assert_eq!(why(&wrapped(RSA_ENCRYPTION, &[&[1][..], &inner].concat(), &[])), "a malformed BIT STRING");
    assert_eq!(why(&wrapped(RSA_ENCRYPTION, &bits, &[5, 0])), "a malformed BIT STRING");
    assert_eq!(why(&wrapped(RSA_ENCRYPTION, &[&bits[..], &[0]].concat(), &[])), "bytes after the key");
    assert_eq!(why(&wrapped(RSA_ENCRYPTION, &[0, 4, 0], &[])), "not the expected structure");
}

#[test]
fn bits_are_those_of_the_modulus() {
    let bits = |modulus: &[u8]| RsaPublicKey::parse(&key(modulus, &[3])).unwrap().bits();
    assert_eq!([bits(&[1]), bits(&[0]), bits(&[0x7f]), bits(&[0, 0x80]), bits(&[1, 0])], [1, 0, 7, 8, 9]);
}
