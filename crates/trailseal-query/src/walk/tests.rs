use proptest::prelude::*;

use super::*;
use crate::{
    derived,
    json::Value,
    needed::{resource_names, whole_values},
    record::Record,
};

#[derive(Default)]
struct Collected(Vec<String>);

impl ValueVisitor for Collected {
    fn text(&mut self, characters: &[u8]) {
        self.0.push(String::from_utf8(characters.to_vec()).unwrap());
    }

    fn number(&mut self, number: &[u8]) {
        self.0.push(format!("#{}", number.escape_ascii()));
    }
}

/// What is found by many walks, each for one thing, is what one walk finds.
#[track_caller]
fn check(walker: &mut RecordWalker, bytes: &[u8]) {
    let shown = || bytes.escape_ascii();
    let record = Record::new(bytes);
    let mut collected = Collected::default();
    walker.forget();
    let walked = match walker.walk(bytes, &mut collected) {
        Ok(walked) => walked,
        Err(WalkError::Malformed(_)) => return assert!(record.check().is_err(), "{}", shown()),
        Err(WalkError::TooDeep) => {
            let flow = whole_values(bytes, &mut |_| ControlFlow::Continue(()));
            return assert!(flow.is_break(), "{}", shown());
        }
    };
    assert_eq!(record.check(), Ok(()), "{}", shown());
    let mut values = Vec::new();
    let flow = whole_values(bytes, &mut |value| {
        values.push(match value {
            WholeValue::Text(text) => String::from_utf8(text.into_owned()).unwrap(),
            WholeValue::Number(number) => format!("#{}", number.escape_ascii()),
        });
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue());
    assert_eq!(collected.0, values, "{}", shown());

    let has_escaped_name = record.value().members().map_while(Result::ok).any(|(name, _)| name.is_escaped());
    assert_eq!(walked.has_escaped_name(), has_escaped_name, "{}", shown());
    if has_escaped_name {
        return;
    }
    for member in Member::ALL {
        assert_eq!(walked.value(member), record.member(member.name()), "{member:?} {}", shown());
    }
    assert_eq!(walked.time(), record.time(), "{}", shown());
    assert_eq!(walked.error(), derived::error(&record), "{}", shown());
    let (mut names, mut expected) = (Vec::new(), Vec::new());
    walked.resource_names(&mut |name| names.push(name.to_owned()));
    resource_names(&record, &mut |name| expected.push(name.to_owned()));
    for list in [&mut names, &mut expected] {
        list.sort();
        list.dedup();
    }
    assert_eq!(names, expected, "{}", shown());

    let mut without = Vec::new();
    walked.write_without_session(&mut without);
    let identity = walked.value(Member::UserIdentity);
    assert_eq!(identity.is_none(), without.is_empty(), "{}", shown());
    if let Some(identity @ Value::Object(_)) = identity {
        let has_escaped_name = identity.members().map_while(Result::ok).any(|(name, _)| name.is_escaped());
        let key = identity.member("accessKeyId").map(|key| key.json().into_owned());
        if !has_escaped_name {
            let raw = walked.access_key().map(|raw| Value::parse(raw).unwrap().json().into_owned());
            assert_eq!(raw, key, "{}", shown());
        }
    } else {
        assert_eq!(walked.access_key(), None, "{}", shown());
    }
}

#[test]
fn every_name_is_found_and_no_other() {
    for member in Member::ALL {
        let name = member.name();
        let record = |name: &str| format!("{{\"{name}\":1}}");
        let mut walker = RecordWalker::default();
        let of = |walker: &mut RecordWalker, record: &str| {
            let walked = walker.walk(record.as_bytes(), &mut Collected::default()).unwrap();
            Member::ALL.into_iter().filter(|member| walked.raw(*member).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(of(&mut walker, &record(name)), [member]);
        for at in 0..name.len() {
            let mut other = name.to_owned();
            other.replace_range(at..=at, "_");
            assert_eq!(of(&mut walker, &record(&other)), []);
            other.replace_range(at..=at, "");
            assert_eq!(of(&mut walker, &record(&other)), []);
        }
    }
}

#[test]
fn what_is_no_json_is_refused_and_what_is_json_is_taken() {
    let values = [
        "0",
        "-0",
        "01",
        "-",
        "1.",
        ".5",
        "1.5e",
        "1.5e+",
        "1E-7",
        "+1",
        "1e5.0",
        "true",
        "tru",
        "nulll",
        "[]",
        "[1,]",
        "[,]",
        "{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[}",
        "{]",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"\\\\\"",
        "\"\\\"\"",
        "\"a\\\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "",
        " 1 ",
        "\n[\r1\t,2 ]",
        "\u{a0}1",
        "\\\"",
        "\"a\"\"b\"",
        "[[[[[[{\"a\":[1]}]]]]]]",
        "\"%7B%22a%22%3A1%7D\"",
        "\" {\\\"a\\\":[2]}\"",
        "1 2",
        "NaN",
        "'a'",
        "[1 2]",
        "{\"a\" : {\"b\" : null } }",
        "{1:2}",
        "\"\\",
    ];
    let mut walker = RecordWalker::default();
    for value in values {
        check(&mut walker, format!("{{\"a\":{value}}}").as_bytes());
        check(&mut walker, format!("{{\"a\":\"x\\n\",\"b\":[{value}]}}").as_bytes());
        check(&mut walker, format!("{{\"a\":{value},\"b\":{value}}}").as_bytes());
    }
    for bytes in [
        &b""[..],
        b"[]",
        b"1",
        b" {}",
        b"{} ",
        b"{}{}",
        b"{",
        b"{\"a\":\"\xff\"}",
        b"{\"\xc3\":1}",
        b"{\xff}",
    ] {
        check(&mut walker, bytes);
    }
}

#[test]
fn an_identity_that_was_seen_is_passed_over() {
    let identity = |key: &str| {
        let arn = "arn:aws:sts::111122223333:assumed-role/a/b".repeat(4);
        format!("{{\"userIdentity\":{{\"arn\":\"{arn}\",\"accessKeyId\":\"{key}\"}},\"x\":\"y\"}}")
    };
    let mut walker = RecordWalker::default();
    let shown = |walker: &mut RecordWalker, key: &str| {
        let (record, mut collected) = (identity(key), Collected::default());
        let walked = walker.walk(record.as_bytes(), &mut collected).unwrap();
        assert_eq!(walked.access_key(), Some(format!("\"{key}\"").as_bytes()));
        collected.0.len()
    };
    assert_eq!(shown(&mut walker, "k"), 3);
    assert_eq!(shown(&mut walker, "k"), 1);
    assert_eq!(shown(&mut walker, "l"), 3);
    assert_eq!(shown(&mut walker, "l"), 1);
    walker.forget();
    assert_eq!(shown(&mut walker, "l"), 3);
}

#[test]
fn nesting_costs_no_stack() {
    for depth in [3, 64, 200_000] {
        let mut walker = RecordWalker::default();
        check(&mut walker, format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        check(&mut walker, format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth - 1)).as_bytes());
    }
}

const NAMES: [&str; 24] = [
    "eventName",
    "eventSource",
    "eventTime",
    "errorCode",
    "errorMessage",
    "userIdentity",
    "userIdentity",
    "accessKeyId",
    "accessKeyId",
    "sessionContext",
    "attributes",
    "sessionIssuer",
    "requestParameters",
    "responseElements",
    "resources",
    "ARN",
    "type",
    "ConsoleLogin",
    "bucketName",
    "insightDetails",
    "event\\u004eame",
    "x",
    "",
    "a\\\"b",
];

const TEXTS: [&str; 16] = [
    "x",
    "",
    "Failure",
    "ConsoleLogin",
    "s3.amazonaws.com",
    "PutBucketAcl",
    "2023-07-10T11:42:36Z",
    "2023-07-10T11\\u003a42:37Z",
    "arn:aws:s3:::b/c",
    "{\\\"a\\\":[1,\\\"z\\\"]}",
    "%7B%22a%22%3A1.5%7D",
    " [1]",
    "\\\\",
    "\\u00e9é",
    "{not json}",
    "Fail\\u0075re",
];

/// JSON of the names that are asked for, wherever they stand.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        2 => proptest::sample::select(vec!["null", "true", "false", "0", "-1.50", "2e9", "17"]).prop_map(str::to_owned),
        5 => proptest::sample::select(TEXTS.to_vec()).prop_map(|text| format!("\"{text}\"")),
        1 => "[a-z]{50,80}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            1 => (proptest::collection::vec(inner.clone(), 0..4), any_space())
                .prop_map(|(values, space)| format!("[{space}{}]", values.join(&format!("{space},")))),
            3 => any_object(inner),
        ]
    })
}

fn any_space() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["", "", "", " ", "\n\t", "\r"])
}

fn any_object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (proptest::sample::select(NAMES.to_vec()), value);
    (proptest::collection::vec(member, 0..7), any_space()).prop_map(|(members, space)| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\"{space}:{space}{value}{space}")).collect();
        format!("{{{space}{}}}", members.join(&format!(",{space}")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn one_walk_finds_what_many_find(
        record in any_object(any_json()),
        damage in proptest::collection::vec(
            (any::<prop::sample::Index>(), proptest::sample::select(b"{}[]\",:\\ax0\n\xff".to_vec())),
            0..3,
        ),
    ) {
        let mut walker = RecordWalker::default();
        check(&mut walker, record.as_bytes());
        let mut bytes = record.into_bytes();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            check(&mut walker, &bytes);
        }
    }

    /// What was walked before is passed over, and nothing is found in another place or lost by it.
    #[test]
    fn who_remembers_identities_finds_the_same(
        identities in proptest::collection::vec((any_object(any_json()), "[a-z]{0,200}"), 1..4),
        records in proptest::collection::vec(
            (any::<prop::sample::Index>(), any_object(any_json()), any_space(), proptest::option::of(any::<prop::sample::Index>())),
            1..12,
        ),
    ) {
        let (mut walker, mut all, mut expected) = (RecordWalker::default(), Collected::default(), Collected::default());
        let mut numbers = std::collections::HashMap::new();
        for (identity, rest, space, damaged) in records {
            let (identity, long) = identity.get(&identities);
            let begin = if identity.trim_matches(['{', '}', ' ', '\n', '\t', '\r']).is_empty() { "}" } else { &format!(",{}", &identity[1..]) };
            let identity = format!("{{\"arn\":\"{long}\"{begin}");
            let mut record = format!("{{\"userIdentity\":{space}{identity},\"z\":[{rest}],\"userIdentity\":{identity}}}").into_bytes();
            if let Some(place) = damaged {
                let place = place.index(record.len());
                record[place] = b'"';
            }
            let fresh = RecordWalker::default().walk(&record, &mut expected);
            let walked = walker.walk(&record, &mut all);
            prop_assert_eq!(walked.as_ref().err(), fresh.as_ref().err());
            let (Ok(walked), Ok(fresh)) = (walked, fresh) else { return Ok(()) };
            for member in Member::ALL {
                prop_assert_eq!(walked.raw(member), fresh.raw(member));
            }
            prop_assert_eq!(walked.access_key(), fresh.access_key());
            let cut = |of: &WalkedRecord<'_>| {
                let mut cut = Vec::new();
                of.write_without_session(&mut cut);
                cut
            };
            prop_assert_eq!(cut(&walked), cut(&fresh));
            if let (Some(number), Some(raw)) = (walked.identity_number(), walked.raw(Member::UserIdentity)) {
                let raw = raw.to_vec();
                prop_assert_eq!(numbers.entry(number).or_insert(raw.clone()), &raw);
            }
        }
        for collected in [&mut all, &mut expected] {
            collected.0.sort();
            collected.0.dedup();
        }
        prop_assert_eq!(all.0, expected.0);
    }

    #[test]
    fn identities_that_differ_in_more_than_the_session_are_told_apart(
        one in any_json(),
        other in any_json(),
    ) {
        let cut = |identity: &str| {
            let record = format!("{{\"userIdentity\":{identity}}}");
            let mut without = Vec::new();
            let walked = RecordWalker::default().walk(record.as_bytes(), &mut Collected::default()).unwrap();
            walked.write_without_session(&mut without);
            without
        };
        // with the same key and attributes in all places, what is left tells the whole
        let with = |value: &str| format!(
            "{{\"accessKeyId\":{value},\"x\":{one},\"sessionContext\":{{\"attributes\":{value},\"y\":{other}}}}}"
        );
        prop_assert_eq!(cut(&with("1")), cut(&with(&other)));
        if one != other {
            let differ = |x: &str| format!("{{\"accessKeyId\":1,\"x\":{x}}}");
            prop_assert_ne!(cut(&differ(&one)), cut(&differ(&other)));
        }
    }
}
