use serde_json::{Value, json};

use super::*;

const HASH: &str = "00000000000000000000000000000000000000000000000000000000000000AA";

fn value() -> Value {
    json!({
        "awsAccountId": "111122223333",
        "digestStartTime": "2024-03-01T00:13:52Z",
        "digestEndTime": "2024-03-01T01:13:52Z",
        "digestS3Bucket": "b",
        "digestS3Object": "k/o",
        "digestPublicKeyFingerprint": "f",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": "2024-03-01T01:10:00Z",
        "oldestEventTime": null,
        "previousDigestS3Bucket": "pb",
        "previousDigestS3Object": "pk/o",
        "previousDigestHashValue": HASH,
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": "abcd",
        "logFiles": [log("a/1"), log("a/2"), log("b/3")],
    })
}

fn log(object: &str) -> Value {
    json!({
        "s3Bucket": "b",
        "s3Object": object,
        "hashValue": HASH,
        "hashAlgorithm": "SHA-256",
        "newestEventTime": "2024-03-01T01:10:00Z",
        "oldestEventTime": "2024-03-01T01:09:00Z",
    })
}

fn parse(value: &Value) -> Result<Digest, DigestError> {
    Digest::parse(value.to_string().as_bytes(), &Limits::default())
}

/// What is said of a digest with a change.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Digest, DigestError> {
    let mut value = value();
    change(&mut value);
    parse(&value)
}

#[track_caller]
fn malformed(result: Result<Digest, DigestError>, words: &str) {
    let Err(DigestError::Malformed(reason)) = result else { panic!("{result:?}") };
    assert!(reason.contains(words), "{reason:?} does not hold {words:?}");
}

#[track_caller]
fn limited(result: Result<Digest, DigestError>, words: &str) {
    let Err(DigestError::Limit(reason)) = result else { panic!("{result:?}") };
    assert!(reason.contains(words), "{reason:?} does not hold {words:?}");
}

#[test]
fn every_member_is_where_it_belongs() {
    let digest = parse(&value()).unwrap();
    let mut hash = [0; 32];
    hash[31] = 0xaa;
    assert_eq!(
        (digest.account.as_str(), digest.bucket.as_str(), digest.object.as_str()),
        ("111122223333", "b", "k/o")
    );
    assert_eq!(digest.end.since(digest.start), 3600);
    assert_eq!((digest.fingerprint.as_str(), digest.signature_algorithm.as_str()), ("f", "SHA256withRSA"));
    assert_eq!(digest.newest_event.unwrap().to_string(), "2024-03-01T01:10:00Z");
    assert_eq!(digest.oldest_event, None);
    let previous = digest.previous.as_ref().unwrap();
    assert_eq!((previous.bucket.as_str(), previous.object.as_str()), ("pb", "pk/o"));
    assert_eq!((previous.hash, previous.hash_supported), (Some(hash), true));
    assert_eq!(digest.previous_signature.as_deref(), Some("abcd"));
    assert!(!digest.is_starting());
    let logs = &digest.logs;
    assert_eq!((logs.len(), logs[0].hash, &*logs[0].bucket), (3, Some(hash), "b"));
    assert_eq!((logs[2].object.to_string().as_str(), logs[2].object.name()), ("b/3", "3"));
    assert_eq!(logs[0].newest_event.unwrap().since(logs[0].oldest_event.unwrap()), 60);
}

#[test]
fn neighbours_share_bucket_and_folder() {
    let digest = parse(&value()).unwrap();
    let [one, two, three] = &digest.logs[..] else { panic!("three logs") };
    assert!(Arc::ptr_eq(&one.object.folder, &two.object.folder) && Arc::ptr_eq(&one.bucket, &two.bucket));
    assert!(!Arc::ptr_eq(&two.object.folder, &three.object.folder));
    assert_eq!((&*one.object.folder, &*one.object.name, &*three.object.folder), ("a/", "1", "b/"));
    let bare = ObjectKey::beside("name", None);
    assert_eq!((&*bare.folder, bare.name(), bare.to_string().as_str()), ("", "name", "name"));
    let other = changed(|value| value["logFiles"][1]["s3Bucket"] = json!("c")).unwrap();
    assert_eq!((&*other.logs[0].bucket, &*other.logs[1].bucket, &*other.logs[2].bucket), ("b", "c", "b"));
}

#[test]
fn a_starting_digest_names_no_predecessor() {
    let starting = changed(|value| {
        for member in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
            value[format!("previousDigest{member}")] = Value::Null;
        }
    });
    assert!(starting.unwrap().is_starting());
    for member in ["previousDigestS3Bucket", "previousDigestS3Object"] {
        malformed(changed(|value| value[member] = Value::Null), "only one of previousDigestS3Bucket");
    }
}

#[test]
fn every_member_must_be_there_and_of_its_type() {
    for (member, given) in value().as_object().unwrap() {
        malformed(changed(|value| drop(value.as_object_mut().unwrap().remove(member))), "missing field");
        malformed(changed(|value| value[member] = json!(7)), "invalid type");
        let may_be_null = member.starts_with("previous") || member.ends_with("EventTime");
        if !may_be_null {
            malformed(changed(|value| value[member] = Value::Null), "invalid type");
        }
        if member.ends_with("Time") && given.is_string() {
            malformed(changed(|value| value[member] = json!("yesterday")), "");
        }
    }
    for member in ["s3Bucket", "s3Object", "hashValue", "hashAlgorithm"] {
        malformed(changed(|value| value["logFiles"][0][member] = Value::Null), "invalid type");
        malformed(
            changed(|value| drop(value["logFiles"][0].as_object_mut().unwrap().remove(member))),
            "missing field",
        );
    }
    malformed(changed(|value| value["logFiles"] = json!({})), "a list of log files");
    malformed(Digest::parse(b"", &Limits::default()), "no content");
    malformed(Digest::parse(b"{\"a\":\"\xff\"}", &Limits::default()), "not UTF-8 at byte 6");
}

#[test]
fn members_that_are_not_known_and_times_of_logs_that_are_absent_do_no_harm() {
    let digest = changed(|value| {
        value["more"] = json!({ "a": [1, 2] });
        let log = value["logFiles"][0].as_object_mut().unwrap();
        log.remove("newestEventTime");
        log.insert("oldestEventTime".to_owned(), Value::Null);
        log.insert("more".to_owned(), json!(true));
    });
    let log = &digest.unwrap().logs[0];
    assert_eq!((log.newest_event, log.oldest_event), (None, None));
}

#[test]
fn hashes_are_64_hex_digits_where_they_are_sha_256() {
    for wrong in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"0".repeat(128)] {
        malformed(
            changed(|value| value["logFiles"][1]["hashValue"] = json!(wrong)),
            "hashValue of a/2 is not 64 hex",
        );
        malformed(changed(|value| value["previousDigestHashValue"] = json!(wrong)), "not 64 hex digits");
        let other = changed(|value| {
            value["logFiles"][1]["hashValue"] = json!(wrong);
            value["logFiles"][1]["hashAlgorithm"] = json!("MD5");
        });
        assert_eq!(other.unwrap().logs[1].hash, None);
    }
    // The first one that is none is told.
    let two = changed(|value| {
        value["logFiles"][1]["hashValue"] = json!("x");
        value["logFiles"][2]["hashValue"] = json!("x");
    });
    malformed(two, "hashValue of a/2 ");
    let other = changed(|value| value["logFiles"][0]["hashAlgorithm"] = json!("sha-256")).unwrap();
    assert_eq!((other.logs[0].hash, other.logs[1].hash.is_some()), (None, true));
    let other = changed(|value| value["previousDigestHashAlgorithm"] = json!("MD5")).unwrap();
    assert!(!other.previous.unwrap().hash_supported);
    let none = changed(|value| value["previousDigestHashValue"] = Value::Null).unwrap().previous.unwrap();
    assert_eq!((none.hash, none.hash_supported), (None, true));
}

#[test]
fn no_more_logs_than_the_limit_are_read() {
    let text = value().to_string();
    let with = |max_log_files| Digest::parse(text.as_bytes(), &Limits { max_log_files, ..Limits::default() });
    assert!(with(3).is_ok() && with(4).is_ok());
    limited(with(2), "more than 2 log files named");
    limited(with(0), "more than 0 log files named");
    // Names of members may be spelled so that a count of them sees less.
    let escaped = text.replace("\"hashValue\"", "\"hash\\u0056alue\"");
    let with =
        |max_log_files| Digest::parse(escaped.as_bytes(), &Limits { max_log_files, ..Limits::default() });
    assert!(with(3).is_ok());
    limited(with(2), "more than 2 log files named");
}

#[test]
fn nesting_is_bounded_and_brackets_in_strings_are_none() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (text, depth) in [
        (String::new(), 0),
        ("1".to_owned(), 0),
        (nested(40), 40),
        (r#"["[[[", "a\"[[", {"[": "\\"}, [[]]]"#.to_owned(), 3),
        (r"[]]]][[".to_owned(), 2),
        (r#"["[["#.to_owned(), 1),
        (r#"["\"#.to_owned(), 1),
        (r#"["\\"[]"#.to_owned(), 2),
    ] {
        assert_eq!(nesting(text.as_bytes()), depth, "{text}");
    }
    let within = format!("{{\"a\":{}}}", nested(MAX_NESTING - 1));
    malformed(Digest::parse(within.as_bytes(), &Limits::default()), "missing field");
    let beyond = format!("{{\"a\":{}}}", nested(MAX_NESTING));
    limited(Digest::parse(beyond.as_bytes(), &Limits::default()), "JSON nested deeper than 32");
}

#[test]
fn the_end_of_a_string_is_found() {
    for (rest, length) in
        [("", 0), ("\"", 1), ("a\"b", 2), ("a", 1), ("\\\"a\"", 4), ("\\\\\"a", 3), ("\\", 1), ("\\\"", 2)]
    {
        assert_eq!(string_length(rest.as_bytes()), length, "{rest}");
    }
}

#[test]
fn names_are_such_as_a_download_can_hold() {
    for name in ["", "a", "a/b", "a//b", "...", "a/..b", "a/b.", &"x".repeat(1024)] {
        assert!(is_safe_name(name), "{name}");
    }
    for name in [".", "..", "./a", "a/..", "a/../b", "a\0", &"x".repeat(1025)] {
        assert!(!is_safe_name(name), "{name}");
        for member in ["digestS3Bucket", "digestS3Object", "previousDigestS3Bucket", "previousDigestS3Object"]
        {
            limited(changed(|value| value[member] = json!(name)), "no download can hold");
        }
        for member in ["s3Bucket", "s3Object"] {
            limited(changed(|value| value["logFiles"][2][member] = json!(name)), "no download can hold");
        }
    }
    // The first one of the logs is shown, and no more of it than a line.
    let two = changed(|value| {
        value["logFiles"][0]["s3Object"] = json!(format!("../{}", "\u{1b}".repeat(200)));
        value["logFiles"][1]["s3Object"] = json!("../second");
    });
    limited(two.clone(), &format!("\"../{}\"", "\\u{1b}".repeat(77)));
}

#[test]
fn messages_of_hostile_text_are_short() {
    let Err(DigestError::Malformed(reason)) = parse(&json!({ "awsAccountId": { "x".repeat(10_000): 1 } }))
    else {
        panic!("it is malformed")
    };
    assert!(reason.chars().count() <= 201, "{reason}");
    let long = changed(|value| value["logFiles"] = json!("é".repeat(1000)));
    let Err(DigestError::Malformed(reason)) = long else { panic!("it is malformed") };
    assert_eq!(reason.chars().count(), 201);
    assert!(reason.ends_with('…'));
}

#[test]
fn a_message_of_200_characters_is_whole() {
    let error = |length: usize| <serde_json::Error as serde::de::Error>::custom("é".repeat(length));
    assert_eq!(describe(&error(200)), "é".repeat(200));
    assert_eq!(describe(&error(201)), format!("{}…", "é".repeat(200)));
}

#[test]
fn what_was_parsed_is_written_as_aws_writes_it() {
    let digest = parse(&value()).unwrap();
    let plain = String::from_utf8(digest.to_json(false)).unwrap();
    assert_eq!(String::from_utf8(digest.to_json(true)).unwrap(), plain.replace('/', "\\/"));
    let order =
        ["awsAccountId", "digestStartTime", "previousDigestSignature", "logFiles", "s3Bucket", "hashValue"];
    let places: Vec<usize> = order.iter().map(|name| plain.find(name).unwrap()).collect();
    assert!(places.is_sorted());
    let again: Value = serde_json::from_str(&plain).unwrap();
    let lower = |text: String| text.replace(HASH, &HASH.to_lowercase());
    assert_eq!(again.to_string(), lower(value().to_string()));
    // Without a hash of the predecessor no algorithm is stated.
    let none = changed(|value| value["previousDigestHashValue"] = Value::Null).unwrap();
    assert!(String::from_utf8(none.to_json(false)).unwrap().contains("\"previousDigestHashAlgorithm\":null"));
}
