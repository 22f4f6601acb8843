use std::fmt::Write as _;

use super::{MAX_SIDECAR_BYTES, Manifest, MetadataError, ObjectMetadata, parse_sidecar, read_xattrs};

const NAME: &str = "111122223333_CloudTrail-Digest_eu-west-1_audit_eu-west-1_20260307T134121Z.json.gz";
const FOLDER: &str = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/07";

fn key() -> String {
    format!("{FOLDER}/{NAME}")
}

fn signed(signature: &str) -> ObjectMetadata {
    ObjectMetadata { signature: Some(signature.into()), ..ObjectMetadata::default() }
}

fn signed_with_algorithm(signature: &str) -> ObjectMetadata {
    ObjectMetadata { signature_algorithm: Some("SHA256withRSA".into()), ..signed(signature) }
}

fn manifest(text: &str) -> Manifest {
    Manifest::parse(text.as_bytes()).unwrap()
}

fn manifest_error(text: &str) -> String {
    Manifest::parse(text.as_bytes()).unwrap_err().to_string()
}

/// The signature that the manifest gives for the key in bucket `logs`.
fn found<'a>(manifest: &'a Manifest, key: &str) -> Option<&'a str> {
    manifest.lookup("logs", key)?.signature.as_deref()
}

// ---- sidecars

#[test]
fn head_object_output() {
    let text = r#"{
    "AcceptRanges": "bytes",
    "LastModified": "2026-03-07T14:08:12+00:00",
    "ContentLength": 343,
    "ChecksumCRC64NVME": "0ZoqZKMWbRA=",
    "ChecksumType": "FULL_OBJECT",
    "ETag": "\"5d41402abc4b2a76b9719d911017c592\"",
    "ContentEncoding": "gzip",
    "ContentType": "application/json",
    "ServerSideEncryption": "AES256",
    "Metadata": {
        "signature-algorithm": "SHA256withRSA",
        "signature": "5b0fd2"
    }
}
"#;
    assert_eq!(parse_sidecar(text.as_bytes()).unwrap(), signed_with_algorithm("5b0fd2"));
}

#[test]
fn names_in_any_spelling() {
    let expected = ObjectMetadata {
        backfill_generation_timestamp: Some("2025-09-01T00:00:00Z".into()),
        ..signed_with_algorithm("ab")
    };
    for text in [
        r#"{"metadata": {"Signature": "ab", "Signature-Algorithm": "SHA256withRSA",
            "Backfill-Generation-Timestamp": "2025-09-01T00:00:00Z"}}"#,
        r#"{"x-amz-meta-signature": "ab", "X-Amz-Meta-Signature-Algorithm": "SHA256withRSA",
            "x-amz-meta-backfill-generation-timestamp": "2025-09-01T00:00:00Z"}"#,
        r#"{"signature": " ab\n", "METADATA": {"signature-algorithm": "SHA256withRSA"},
            "backfill-generation-timestamp": "2025-09-01T00:00:00Z", "x-amz-meta-signature": "ab"}"#,
    ] {
        assert_eq!(parse_sidecar(text.as_bytes()).unwrap(), expected, "{text}");
        let with_mark = ["\u{feff}", text].concat();
        assert_eq!(parse_sidecar(with_mark.as_bytes()).unwrap(), expected);
    }
}

#[test]
fn sidecar_without_a_signature_is_empty() {
    for text in
        ["{}", r#"{"Metadata": {}}"#, r#"{"Metadata": null, "signature": null}"#, r#"{"signature": " "}"#]
    {
        assert_eq!(parse_sidecar(text.as_bytes()).unwrap(), ObjectMetadata::default(), "{text}");
    }
}

#[test]
fn unusable_sidecars_are_errors() {
    for (text, expected) in [
        (r#"{"Metadata": {"signature": 7}}"#, "the value of `signature` is not a string"),
        (r#"{"Signature": ["ab"]}"#, "the value of `Signature` is not a string"),
        (r#"{"Metadata": "ab"}"#, "`Metadata` is not an object"),
        (r#"{"signature": "ab", "signature": "cd"}"#, "two different values for `signature`"),
        (r#"{"signature": "ab", "Metadata": {"signature": "cd"}}"#, "two different values for `signature`"),
        ("[]", "line 1: not a JSON object"),
        ("{}\n{}", "line 2: trailing characters"),
        ("{\n\"a\": tru", "line 2: EOF while parsing a value"),
        ("", "line 1: EOF while parsing a value"),
    ] {
        assert_eq!(parse_sidecar(text.as_bytes()).unwrap_err().to_string(), expected, "{text}");
    }
    let utf16 = parse_sidecar(b"\xff\xfe{\0}\0").unwrap_err();
    assert_eq!(utf16.to_string(), "line 1: UTF-16 text, not UTF-8");
    parse_sidecar(b"{\"signature\": \"\xff\"}").unwrap_err();
}

#[test]
fn hostile_sidecars_are_errors() {
    let large = vec![b' '; MAX_SIDECAR_BYTES + 1];
    assert_eq!(
        parse_sidecar(&large).unwrap_err(),
        MetadataError::TooLarge { bytes: large.len(), limit: MAX_SIDECAR_BYTES }
    );
    for open in ["[", "{\"a\":"] {
        let deep = format!("{{\"x\": {}", open.repeat(100_000));
        let error = parse_sidecar(deep.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "line 1: recursion limit exceeded");
        let deep = format!("{{\"key\": \"k\"}}\n{{\"x\": {}", open.repeat(100_000));
        assert_eq!(manifest_error(&deep), "line 2: recursion limit exceeded");
    }
}

// ---- manifests

#[test]
fn json_lines() {
    let text = format!(
        "{{\"key\": \"{FOLDER}/a.json.gz\", \"metadata\": {{\"signature\": \"aa\"}}}}\r\n\
         \n\
         {{\"bucket\": \"logs\", \"Key\": \"{FOLDER}/b.json.gz\", \"Metadata\": {{\"Signature\": \"bb\"}}}}\n\
         {{\"s3_key\": \"{FOLDER}/c.json.gz\", \"x-amz-meta-signature\": \"cc\"}}\n\
         {{\"Path\": \"s3://logs/{FOLDER}/d.json.gz\", \"signature\": \"dd\"}}\n\
         {{\"key\": \"{FOLDER}/e.json.gz\", \"metadata\": {{}}}}"
    );
    let manifest = manifest(&text);
    assert_eq!((manifest.len(), manifest.without_signature()), (4, 1));
    for name in ["a", "b", "c", "d"] {
        let signature = name.repeat(2);
        assert_eq!(found(&manifest, &format!("{FOLDER}/{name}.json.gz")), Some(&*signature));
    }
    assert_eq!(found(&manifest, &format!("{FOLDER}/e.json.gz")), None);
}

#[test]
fn one_json_line() {
    let manifest = manifest(r#"{"key": "a/x.json.gz", "metadata": {"signature": "aa"}}"#);
    assert_eq!(found(&manifest, "a/x.json.gz"), Some("aa"));
}

#[test]
fn indented_objects_one_after_the_other() {
    let manifest = manifest(
        "{\n  \"key\": \"a/x.json.gz\",\n  \"signature\": \"aa\"\n}\n{\n  \"key\": \"a/y.json.gz\",\n  \"signature\": \"bb\"\n}\n",
    );
    assert_eq!(found(&manifest, "a/x.json.gz"), Some("aa"));
    assert_eq!(found(&manifest, "a/y.json.gz"), Some("bb"));
}

#[test]
fn map_from_key_to_metadata() {
    let manifest = manifest(
        r#"{
            "a/x.json.gz": {"signature": "aa"},
            "s3://logs/a/y.json.gz": {"ContentLength": 3, "Metadata": {"signature": "bb"}},
            "path": {"signature": "cc"},
            "a/z.json.gz": null
        }"#,
    );
    assert_eq!((manifest.len(), manifest.without_signature()), (3, 1));
    assert_eq!(found(&manifest, "a/x.json.gz"), Some("aa"));
    assert_eq!(found(&manifest, "a/y.json.gz"), Some("bb"));
    assert_eq!(found(&manifest, "path"), Some("cc"));
}

#[test]
fn rclone_listing() {
    let text = format!(
        r#"[
{{"Path":"{FOLDER}","Name":"07","Size":-1,"MimeType":"inode/directory","ModTime":"2026-03-07T14:00:00Z","IsDir":true}},
{{"Path":"{FOLDER}/{NAME}","Name":"{NAME}","Size":343,"MimeType":"application/json","ModTime":"2026-03-07T14:08:12.000000000Z","IsDir":false,"Tier":"STANDARD","Metadata":{{"btime":"2026-03-07T14:08:12Z","content-encoding":"gzip","content-type":"application/json","mtime":"2026-03-07T14:08:12Z","signature":"5b0fd2","signature-algorithm":"SHA256withRSA","tier":"STANDARD"}}}}
]
"#
    );
    let manifest = manifest(&text);
    assert_eq!(manifest.lookup("logs", &key()), Some(&signed_with_algorithm("5b0fd2")));
    assert_eq!((manifest.len(), manifest.without_signature()), (1, 1));
}

#[test]
fn empty_manifests() {
    for text in ["", " \n", "[]", "{}", "\u{feff}[ ]\n"] {
        assert!(manifest(text).is_empty(), "{text:?}");
    }
}

#[test]
fn wrong_manifests_name_the_place() {
    let good = r#"{"key": "a/x.json.gz", "signature": "aa"}"#;
    for (text, expected) in [
        (format!("{good}\n\n{{\"key\": \n"), "line 4: EOF while parsing a value"),
        (format!("{good}\n{{\"key\" 1}}\n{good}"), "line 2: expected `:`"),
        (format!("{good}\n\n  {{\"name\": \"a\"}}\n"), "line 3: no object key"),
        (format!("{good}\n{good}\n{good}\n{{}}"), "line 4: no object key"),
        (format!("{{}}\n{good}"), "line 1: no object key"),
        (format!("{good}\n{{\"key\": \"b\", \"signature\": 1}}"), "line 2: the value of `signature`"),
        (format!("{good}\n{{\"key\": \"b\", \"metadata\": 1}}"), "line 2: `metadata` is not an object"),
        (format!("{good}\n{{\"key\": \"s3://b\"}}"), "line 2: no object key"),
        (format!("{good}\n{{\"key\": \"/\"}}"), "line 2: no object key"),
        (format!("{good}\n17"), "line 2: invalid type: integer `17`, expected a JSON object"),
        ("{\"a\": {}} x".into(), "line 1: expected value"),
        (format!("[{good}, {{\"Path\": 1}}]"), "element 2: no object key"),
        (format!("[{good},\n 3]"), "line 2: invalid type: integer `3`, expected a JSON object"),
        (format!("[{good}"), "line 1: EOF while parsing a list"),
        (format!("[{good}]\n[]"), "line 2: trailing characters"),
        (r#"{"a": {"signature": "aa"}, "b": "bb"}"#.into(), "`b` is not an object"),
        (r#"{"a": {"signature": true}}"#.into(), "\"a\": the value of `signature` is not a string"),
        (
            format!("{good}\n{{\"key\": \"a/x.json.gz\", \"signature\": \"bb\"}}"),
            "\"a/x.json.gz\": two different",
        ),
        ("signature".into(), "line 1: expected value"),
    ] {
        let error = manifest_error(&text);
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
}

#[test]
fn repeated_entries_are_one() {
    let manifest = manifest(
        r#"{"key": "a/x.json.gz", "signature": "aa"}
           {"key": "a/x.json.gz", "signature": "aa", "signature-algorithm": "SHA256withRSA"}"#,
    );
    assert_eq!(manifest.len(), 1);
    assert_eq!(manifest.lookup("logs", "a/x.json.gz"), Some(&signed_with_algorithm("aa")));
}

#[test]
fn keys_match_by_whole_components() {
    let asked = key();
    for (entry, matches) in [
        (asked.clone(), true),
        (format!("s3://logs/{asked}"), true),
        (format!("logs/{asked}"), true),
        (format!("/mnt/copies/logs/{asked}"), true),
        (format!("/mnt/copies/{asked}"), true),
        (format!("./{asked}"), true),
        (NAME.to_owned(), true),
        (format!("07/{NAME}"), true),
        // a replica keeps the metadata
        (format!("s3://replica/{asked}"), true),
        (format!("other/07/{NAME}"), false),
        (format!("AWSLogs/999999999999/CloudTrail-Digest/eu-west-1/2026/03/07/{NAME}"), false),
        (format!("x{NAME}"), false),
        (NAME[1..].to_owned(), false),
    ] {
        let manifest = manifest(&format!("{{\"key\": {entry:?}, \"signature\": \"aa\"}}"));
        assert_eq!(found(&manifest, &asked).is_some(), matches, "{entry}");
    }
}

#[test]
fn prefixed_key_is_found_in_a_listing_below_the_prefix() {
    let manifest = manifest(&format!("{{\"Path\": {:?}, \"signature\": \"aa\"}}", key()));
    assert_eq!(found(&manifest, &format!("some/prefix/{}", key())), Some("aa"));
}

#[test]
fn best_match_wins_in_any_order() {
    let asked = key();
    // from best to worst
    let places = [
        format!("s3://logs/{asked}"),
        format!("/mnt/logs/{asked}"),
        asked.clone(),
        format!("copies/{asked}"),
        format!("s3://elsewhere/{asked}"),
        format!("03/07/{NAME}"),
        NAME.to_owned(),
    ];
    for best in 0..places.len() {
        let mut order: Vec<usize> = (best..places.len()).collect();
        for _ in 0..2 {
            let mut text = String::new();
            for n in &order {
                writeln!(text, "{{\"key\": {:?}, \"signature\": \"{n}\"}}", places[*n]).unwrap();
            }
            assert_eq!(found(&manifest(&text), &asked), Some(&*best.to_string()), "{text}");
            order.reverse();
        }
    }
}

#[test]
fn buckets_keep_equal_keys_apart() {
    let manifest = manifest(
        r#"{"bucket": "a", "key": "k/x.json.gz", "signature": "aa"}
           {"bucket": "b", "key": "k/x.json.gz", "signature": "bb"}"#,
    );
    assert_eq!(manifest.lookup("a", "k/x.json.gz"), Some(&signed("aa")));
    assert_eq!(manifest.lookup("b", "k/x.json.gz"), Some(&signed("bb")));
    // unknown: still the same answer each time
    assert_eq!(manifest.lookup("", "k/x.json.gz"), Some(&signed("aa")));
}

// ---- extended attributes

#[cfg(target_os = "linux")]
#[test]
fn extended_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digest.json.gz");
    std::fs::write(&path, b"x").unwrap();
    assert_eq!(read_xattrs(&path).unwrap(), None);

    if let Err(error) = xattr::set(&path, "user.unrelated", b"1") {
        println!("not tested further: no extended attributes here ({error})");
        return;
    }
    assert_eq!(read_xattrs(&path).unwrap(), None);

    xattr::set(&path, "user.x-amz-meta-signature", b"prefixed\n").unwrap();
    assert_eq!(read_xattrs(&path).unwrap(), Some(signed("prefixed")));

    xattr::set(&path, "user.signature", b"short\0").unwrap();
    xattr::set(&path, "user.X-Amz-Meta-Signature-Algorithm", b"SHA256withRSA").unwrap();
    xattr::set(&path, "user.backfill-generation-timestamp", b"").unwrap();
    assert_eq!(read_xattrs(&path).unwrap(), Some(signed_with_algorithm("short")));

    xattr::set(&path, "user.signature", b"\xff").unwrap();
    assert_eq!(read_xattrs(&path).unwrap(), Some(signed_with_algorithm("\u{fffd}")));

    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(read_xattrs(&link).unwrap(), None);
}

#[test]
fn extended_attributes_of_nothing_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = read_xattrs(&folder.path().join("absent")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}
