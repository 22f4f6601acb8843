use super::*;

/// A structurally valid 2048-bit RSA key (not a real one: nothing is verified with it).
fn pkcs1() -> Vec<u8> {
    let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
    der.extend((0..256).map(|n| (n as u8) | 0x81));
    der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    der
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn entry(start: &str) -> String {
    let print = md5_hex(&pkcs1());
    let value = base64(&pkcs1());
    format!(
        r#"{{"Value":"{value}","Fingerprint":"{print}","ValidityStartTime":{start},"ValidityEndTime":null}}"#
    )
}

#[test]
fn every_text_form_of_list_public_keys_is_read() {
    for start in ["1709271960.0", "\"1709271960.0\"", "\"2024-03-01T06:46:00+01:00\"", "1709271960"] {
        for text in [
            format!(r#"{{"PublicKeyList":[{}]}}"#, entry(start)),
            format!(r#"{{"publicKeyList":[{}]}}"#, entry(start)),
            format!("\u{feff}[{}]", entry(start)),
            entry(start),
        ] {
            let file = KeyFile::parse("keys/public-keys-eu-west-1.json", text.as_bytes());
            assert_eq!(file.defects, [], "{text}");
            assert_eq!(file.keys[0].validity_start.unwrap().to_string(), "2024-03-01T05:46:00Z");
            assert_eq!(file.keys[0].region.as_deref(), Some("eu-west-1"));
            assert_eq!(file.keys[0].bits, 2048);
        }
    }
}

#[test]
fn both_encodings_as_der_pem_and_base64_are_one_key() {
    let pkcs1 = pkcs1();
    let spki = der::spki(&pkcs1);
    let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", base64(&pkcs1));
    let pem_spki = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(&spki));
    let files = [
        KeyFile::parse("k.der", &pkcs1),
        KeyFile::parse("k.der", &spki),
        KeyFile::parse("k.pem", pem.as_bytes()),
        KeyFile::parse("k.pem", pem_spki.as_bytes()),
        KeyFile::parse("k.txt", base64(&pkcs1).as_bytes()),
    ];
    for file in &files {
        assert_eq!(file.defects, []);
        assert_eq!(file.keys[0].pkcs1, pkcs1);
        let ring = KeyRing::new(file.keys.clone());
        assert_eq!(ring.find(&md5_hex(&pkcs1)).len(), 1);
        assert_eq!(ring.find(&md5_hex(&spki)).len(), 1);
        assert_eq!(ring.iter().count(), 1);
    }
}

#[test]
fn a_label_that_is_not_the_md5_is_a_defect() {
    let text = entry("null").replace(&md5_hex(&pkcs1()), "00000000000000000000000000000000");
    let file =
        KeyFile::parse("k.json", format!(r#"{{"PublicKeyList":[{},{text}]}}"#, entry("null")).as_bytes());
    assert_eq!(file.keys.len(), 1);
    assert_eq!(file.defects[0].entry, Some(2));
    assert!(matches!(file.defects[0].reason, KeyDefectReason::Fingerprint { .. }));
    assert!(file.defects[0].to_string().starts_with("k.json, entry 2: the fingerprint is stated as 0000"));
}

#[test]
fn what_is_no_key_is_a_defect_and_never_a_panic() {
    let short = [0x30, 0x07, 0x02, 0x02, 0x00, 0x81, 0x02, 0x01, 0x03];
    assert!(matches!(KeyFile::parse("k", &short).defects[0].reason, KeyDefectReason::Bits(8)));
    for bytes in [
        &b""[..],
        b"{}",
        b"[",
        b"{\"PublicKeyList\":[]}",
        b"{\"PublicKeyList\":[{\"Value\":\"!!\"}]}",
        b"{\"PublicKeyList\":[{\"Value\":7}]}",
        b"0\x84\xff\xff\xff\xff",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        b"-----BEGIN PUBLIC KEY-----",
        &[0x30, 0x80],
        &pkcs1()[..200],
    ] {
        let file = KeyFile::parse("k", bytes);
        assert!(file.keys.is_empty() && !file.defects.is_empty(), "{bytes:?}");
    }
}

#[test]
fn validity_is_inclusive_and_open_where_nothing_is_stated() {
    let mut key = KeyFile::parse("k.der", &pkcs1()).keys.remove(0);
    let at = |text| Timestamp::parse_digest_field(text).unwrap();
    assert!(key.is_valid_at(at("1999-01-01T00:00:00Z")));
    key.validity_start = Some(at("2024-01-01T00:00:00Z"));
    key.validity_end = Some(at("2024-01-31T00:00:00Z"));
    assert!(key.is_valid_at(at("2024-01-31T00:00:00Z")));
    assert!(!key.is_valid_at(at("2024-01-31T00:00:01Z")));
}
