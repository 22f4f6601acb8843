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

fn parse(text: &str) -> KeyFile {
    KeyFile::parse("k.json", text.as_bytes())
}

/// An entry with a member put in.
fn with(member: &str, value: &str) -> String {
    entry("null").replacen('{', &format!("{{\"{member}\":{value},"), 1)
}

#[test]
fn a_region_is_the_entries_the_lists_or_that_of_the_name() {
    let region = |file: &str, text: &str| KeyFile::parse(file, text.as_bytes()).keys[0].region.clone();
    let list = |region: &str| format!(r#"{{"Region":"{region}","PublicKeyList":[{}]}}"#, entry("null"));
    assert_eq!(region("public-keys-eu-west-1.json", &list("eu-west-2")).as_deref(), Some("eu-west-2"));
    assert_eq!(region("k.json", &with("Region", "\"eu-west-3\"")).as_deref(), Some("eu-west-3"));
    assert_eq!(region("k.json", &entry("null")), None);
}

#[test]
fn a_region_is_told_from_other_words_of_a_name() {
    for (name, expected) in [
        ("public-keys-eu-west-1.json", Some("eu-west-1")),
        ("a/b\\us_gov_west_1.pem", Some("us-gov-west-1")),
        ("keys_ap-southeast-2.backup.json", Some("ap-southeast-2")),
        ("eu-west-1", Some("eu-west-1")),
        ("us-east-1/keys.json", None),
        ("keys-2024-1.json", None),
        ("eu-west-12.json", None),
        ("eu-west-x.json", None),
        ("eu-1.json", None),
        ("keys-mars-north-1.json", None),
        ("", None),
    ] {
        assert_eq!(region_in_name(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn keys_have_2048_to_8192_bits() {
    let of = |bits: usize| {
        let mut modulus = vec![0x80; bits / 8];
        modulus.insert(0, (1 << (bits % 8)) - 1);
        let number = |bytes: &[u8]| {
            let length = (bytes.len() as u16).to_be_bytes();
            [&[0x02, 0x82, length[0], length[1]][..], bytes].concat()
        };
        let content = [number(&modulus), number(&[3])].concat();
        let length = (content.len() as u16).to_be_bytes();
        KeyFile::parse("k.der", &[&[0x30, 0x82, length[0], length[1]][..], &content].concat())
    };
    for bits in [2048, 4096, 8192] {
        assert_eq!(of(bits).keys[0].bits as usize, bits);
    }
    for bits in [1024, 2047, 8193, 8200] {
        let file = of(bits);
        assert_eq!(file.defects[0].reason, KeyDefectReason::Bits(bits as u32));
        assert!(file.keys.is_empty());
    }
}

#[test]
fn members_are_of_their_type() {
    for (text, words) in [
        (
            entry("null").replace(&format!("\"{}\"", md5_hex(&pkcs1())), "7"),
            "Fingerprint is missing or has the wrong type",
        ),
        (entry("null").replace("\"Value\"", "\"Values\""), "JSON without PublicKeyList"),
        (format!("[{}]", entry("null").replace("\"Value\"", "\"Values\"")), "entry 1: Value is missing"),
        ("{\"PublicKeyList\":{}}".to_owned(), "JSON without PublicKeyList"),
        ("[7]".to_owned(), "entry 1: Value is missing"),
        ("[]".to_owned(), "it holds no key"),
        ("{\"a\":".to_owned(), "is no key file: JSON: "),
        (entry("true"), "ValidityStartTime: neither text nor a number"),
        (entry("\"yesterday\""), "ValidityStartTime: "),
        (entry("1e300"), "ValidityStartTime: "),
        (
            entry("null").replace("\"ValidityEndTime\":null", "\"ValidityEndTime\":[]"),
            "ValidityEndTime: neither",
        ),
    ] {
        let file = parse(&text);
        assert_eq!((file.keys.len(), file.defects.len()), (0, 1), "{text}");
        let shown = file.defects[0].to_string();
        assert!(shown.starts_with("k.json") && shown.contains(words), "{shown:?} does not hold {words:?}");
    }
    // No fingerprint is no wrong one, and one in upper case is the same.
    let print = md5_hex(&pkcs1());
    let without = entry("null").replace("\"Fingerprint\"", "\"Print\"");
    let upper = entry("null").replace(&print, &print.to_uppercase());
    for text in [without, upper] {
        assert_eq!(parse(&text).keys[0].fingerprint, print);
    }
}

#[test]
fn validity_is_read_of_both_ends() {
    let text = entry("1709271960").replace("\"ValidityEndTime\":null", "\"ValidityEndTime\":1709271961");
    let key = parse(&text).keys.remove(0);
    assert_eq!(key.validity_end.unwrap().since(key.validity_start.unwrap()), 1);
}

#[test]
fn several_keys_and_several_defects_of_one_file() {
    let block = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    let text = [
        block("CERTIFICATE", "AAAA"),
        block("RSA PUBLIC KEY", &base64(&pkcs1())),
        block("PUBLIC KEY", "!"),
        block("PUBLIC KEY", &base64(&der::spki(&pkcs1()))),
    ];
    let file = KeyFile::parse("k.pem", text.concat().as_bytes());
    let encodings = [KeyEncoding::Pkcs1, KeyEncoding::SubjectPublicKeyInfo];
    assert_eq!(file.keys.iter().map(|key| key.encoding).collect::<Vec<_>>(), encodings);
    let defects: Vec<_> = file.defects.iter().map(|defect| (defect.entry, &defect.reason)).collect();
    assert!(matches!(defects[0], (Some(1), KeyDefectReason::NotAKeyFile(_))), "{defects:?}");
    assert_eq!(defects[1], (Some(3), &KeyDefectReason::Base64));
    let [one, other] = &file.keys[..] else { panic!("two keys") };
    assert_eq!((&one.fingerprint, &one.other_fingerprint), (&other.other_fingerprint, &other.fingerprint));
    assert_eq!(one.file_sha256, trailseal_sha256::digest(text.concat().as_bytes()));
    // The same key from two files is found twice, and each entry once.
    let ring = KeyRing::new(file.keys.clone().into_iter().chain(file.keys.clone()));
    assert_eq!((ring.find(&one.fingerprint).len(), ring.iter().count()), (2, 2));
    let listed: Vec<_> = ring.iter().map(|key| &key.fingerprint).collect();
    assert!(listed.is_sorted(), "{listed:?}");
    assert_eq!(ring.find("0"), []);
}

#[test]
fn what_looks_like_base64_is_read_as_it() {
    let wrapped: String = base64(&pkcs1()).chars().flat_map(|c| [c, '\n']).collect();
    assert_eq!(KeyFile::parse("k.txt", format!("\u{feff} {wrapped}\t").as_bytes()).keys.len(), 1);
    for (bytes, words) in [
        (&b"AAA"[..], "is not base64"),
        (b"AA-A", "neither JSON, PEM, DER nor base64"),
        (b"   ", "neither JSON, PEM, DER nor base64"),
        (b"\x31\x80\xff", "neither JSON, PEM, DER nor base64"),
        (b"\x30\x80\xff", "no RSA public key (a malformed length)"),
    ] {
        let file = KeyFile::parse("k.txt", bytes);
        assert!(file.defects[0].to_string().contains(words), "{}", file.defects[0]);
        assert_eq!(file.defects[0].entry, None);
    }
}

#[test]
fn a_stated_fingerprint_is_shown_in_short() {
    let text = entry("null").replace(&md5_hex(&pkcs1()), &"é".repeat(500));
    let KeyDefectReason::Fingerprint { stated, actual } = &parse(&text).defects[0].reason else {
        panic!("a label")
    };
    assert_eq!((stated, actual), (&"é".repeat(64), &md5_hex(&pkcs1())));
}

#[test]
fn validity_begins_with_its_first_second() {
    let mut key = KeyFile::parse("k.der", &pkcs1()).keys.remove(0);
    let start = Timestamp::parse_digest_field("2024-01-01T00:00:00Z").unwrap();
    key.validity_start = Some(start);
    assert!(key.is_valid_at(start) && key.is_valid_at(start.plus(1)) && !key.is_valid_at(start.plus(-1)));
    (key.validity_start, key.validity_end) = (None, Some(start));
    assert!(key.is_valid_at(start) && !key.is_valid_at(start.plus(1)) && key.is_valid_at(start.plus(-1)));
}
