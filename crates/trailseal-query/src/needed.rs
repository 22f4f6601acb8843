//! What must stand in a record as a whole value if a condition is to hold: what an index of values is asked for.
//!
//! It only ever excludes: a record that holds the value need not match.

use std::{borrow::Cow, ops::ControlFlow};

use crate::{
    derived::Derived,
    json::{Text, next_string},
    predicate::{Literal, Operator, Predicate, Test},
    record::{Record, document_in},
};

pub(crate) use crate::record::may_hold_document;

/// Documents within texts within documents that are looked into.
const MAX_NESTED: u32 = 8;

/// A value that a record must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed<'p> {
    /// A string of these characters, or a number that is written so.
    Value(&'p str),
    /// The same, or a number of the same value in another spelling ([`is_whole`] says which have none).
    Number(&'p str),
    /// One of the row's `Resources` has this name ([`Derived::ResourceName`]).
    ResourceName(&'p str),
}

impl Predicate {
    /// Values of which every record for which this condition holds has one; `None` where that cannot be said, as of all
    /// that is made of several conditions.
    pub fn needed(&self) -> Option<Vec<Needed<'_>>> {
        match self {
            Self::Field(_, test) => of_test(test, &|literal| match literal {
                Literal::Text(text) => is_one_value(text).then_some(Needed::Value(text)),
                Literal::Digits(text) => is_whole(text.as_bytes()).then_some(Needed::Number(text)),
                Literal::Number(_) | Literal::Time(_) => None,
            }),
            Self::Derived(Derived::ResourceName, test) => of_test(test, &|literal| match literal {
                Literal::Text(text) | Literal::Digits(text) => {
                    let is_clear = !text.contains(char::REPLACEMENT_CHARACTER);
                    is_clear.then_some(Needed::ResourceName(text))
                }
                Literal::Number(_) | Literal::Time(_) => None,
            }),
            _ => None,
        }
    }
}

fn of_test<'p>(test: &'p Test, of: &dyn Fn(&'p Literal) -> Option<Needed<'p>>) -> Option<Vec<Needed<'p>>> {
    match test {
        Test::Compare(Operator::Equal, literal) => Some(vec![of(literal)?]),
        Test::In(literals) => literals.iter().map(of).collect(),
        _ => None,
    }
}

/// Whether a text is that of strings and numbers alone, not of an object, a list, or a word of JSON.
fn is_one_value(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['{', '['])
        && !text.contains(char::REPLACEMENT_CHARACTER)
        && !["true", "false", "null"].contains(&text)
}

/// Whether a number is a whole one in its one spelling.
pub fn is_whole(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let has_one_spelling = !digits.starts_with(b"0") || number == b"0";
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && has_one_spelling
}

/// A value as it stands in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WholeValue<'a> {
    /// The characters of a string, in UTF-8.
    Text(Cow<'a, [u8]>),
    /// A number as it is written.
    Number(&'a [u8]),
}

/// Shows `visit` every string and number that stands in valid JSON, names of members left out, those of JSON documents in
/// strings included, wherever a path may lead to. Breaks when there are documents in documents beyond any that is meant.
pub fn whole_values(
    json: &[u8],
    visit: &mut dyn FnMut(WholeValue<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    walk(json, 0, visit)
}

/// The names of a record's `Resources`.
pub fn resource_names(record: &Record<'_>, visit: &mut dyn FnMut(&str)) {
    let _ = Derived::ResourceName.visit(record, &mut |name| {
        visit(&name);
        ControlFlow::Continue(())
    });
}

/// In one pass from string to string: in valid JSON, nothing else tells where one begins.
fn walk(
    json: &[u8],
    nested: u32,
    visit: &mut dyn FnMut(WholeValue<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut at = 0;
    while let Some((place, text)) = next_string(json, at) {
        numbers(&json[at..place.start], visit)?;
        at = place.end;
        let is_name = json[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        if is_name {
            continue;
        }
        of_text(text, nested, visit)?;
    }
    numbers(json.get(at..).unwrap_or_default(), visit)
}

/// The values of a string: its characters, and what [`whole_values`] shows of the document that it holds.
pub(crate) fn values_of_text(
    text: Text<'_>,
    visit: &mut dyn FnMut(WholeValue<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    of_text(text, 0, visit)
}

fn of_text(
    text: Text<'_>,
    nested: u32,
    visit: &mut dyn FnMut(WholeValue<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let characters: Cow<'_, [u8]> =
        if text.is_escaped() { text.decode().into_owned().into_bytes().into() } else { text.raw().into() };
    visit(WholeValue::Text(characters))?;
    match document_in(text) {
        Some(_) if nested == MAX_NESTED => ControlFlow::Break(()),
        Some(document) => walk(&document, nested + 1, visit),
        None => ControlFlow::Continue(()),
    }
}

/// The numbers in what stands between strings.
fn numbers(between: &[u8], visit: &mut dyn FnMut(WholeValue<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut rest = between;
    while let Some(start) = rest.iter().position(|byte| byte.is_ascii_digit() || *byte == b'-') {
        rest = &rest[start..];
        let is_of_it = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let length = rest.iter().take_while(|byte| is_of_it(byte)).count();
        visit(WholeValue::Number(&rest[..length]))?;
        rest = &rest[length..];
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{expression, path::FieldPath};

    fn values(record: &str) -> Vec<String> {
        let mut found = Vec::new();
        let flow = whole_values(record.as_bytes(), &mut |value| {
            found.push(match value {
                WholeValue::Text(text) => String::from_utf8(text.into_owned()).unwrap(),
                WholeValue::Number(number) => format!("#{}", number.escape_ascii()),
            });
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        found.sort();
        found
    }

    #[test]
    fn values_are_found_wherever_a_path_leads() {
        let record = r#"{"a":"x","b":[1,-2.5e3,["y",{"c":"z\u00e9"}]],"d":null,"e":true,
            "p":"{\"Action\":[\"s3:*\"]}","q":"%7B%22r%22%3A%22%2A%22%7D"}"#;
        let expected = [
            "#-2.5e3",
            "#1",
            "%7B%22r%22%3A%22%2A%22%7D",
            "*",
            "s3:*",
            "x",
            "y",
            "z\u{e9}",
            r#"{"Action":["s3:*"]}"#,
        ];
        assert_eq!(values(record), expected);
        let short = (0..10).fold("1".to_owned(), |inner, _| {
            let mut quoted = Vec::new();
            crate::json::quote(&format!("[{inner}]"), &mut quoted);
            String::from_utf8(quoted).unwrap()
        });
        let record = format!("{{\"a\":{short}}}");
        let flow = whole_values(record.as_bytes(), &mut |_| ControlFlow::Continue(()));
        assert!(flow.is_break());
    }

    #[test]
    fn what_has_several_spellings_is_not_needed() {
        for (condition, expected) in [
            ("a = 'x'", true),
            ("a IN ('x', 'y')", true),
            ("a = '17'", true),
            ("a = '017'", false),
            ("a = '1.0'", false),
            ("a = 17", false),
            ("a <> 'x'", false),
            ("a LIKE 'x%'", false),
            ("a = 'true'", false),
            ("a = '[]'", false),
            ("a IN ('x', '')", false),
            ("a = 'x' AND b = 'y'", false),
            ("resource_name = 'x'", true),
            ("username = 'x'", false),
        ] {
            let predicate = expression::parse(condition).unwrap();
            assert_eq!(predicate.needed().is_some(), expected, "{condition}");
        }
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            (-3_i64..30).prop_map(Into::into),
            (0_u8..40).prop_map(|n| (f64::from(n) / 4.0).into()),
            prop_oneof![Just("x"), Just("7"), Just("07"), Just("é"), Just("a\"b"), Just("")]
                .prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::btree_map("[ab]", inner.clone(), 0..3)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
                inner.prop_map(|value| value.to_string().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_matches_holds_what_is_needed(
            value in any_value(),
            names in proptest::collection::vec("[ab]", 0..4),
            literal in prop_oneof![
                Just("x".to_owned()), Just("7".to_owned()), Just("7.5".to_owned()), Just("é".to_owned()),
                Just("a\"b".to_owned()), (-3_i64..30).prop_map(|n| n.to_string()),
            ],
            is_digits in any::<bool>(),
        ) {
            let record = serde_json::json!({ "r": value }).to_string();
            let record = Record::new(record.as_bytes());
            let path = FieldPath::new(std::iter::once("r".to_owned()).chain(names));
            let literal = if is_digits && literal.parse::<f64>().is_ok() {
                Literal::Digits(literal)
            } else {
                Literal::Text(literal)
            };
            let predicate = Predicate::Field(path, Test::Compare(Operator::Equal, literal));
            if let (true, Some(needed)) = (predicate.matches(&record), predicate.needed()) {
                let mut is_there = false;
                let _ = whole_values(record.bytes(), &mut |found| {
                    is_there |= needed.iter().any(|needed| match (needed, &found) {
                        (Needed::Value(text) | Needed::Number(text), WholeValue::Text(found)) => {
                            text.as_bytes() == &**found
                        }
                        (Needed::Value(text), WholeValue::Number(found)) => text.as_bytes() == *found,
                        (Needed::Number(text), WholeValue::Number(found)) => {
                            text.as_bytes() == *found || !is_whole(found)
                        }
                        (Needed::ResourceName(_), _) => false,
                    });
                    ControlFlow::Continue(())
                });
                prop_assert!(is_there, "{predicate:?} {}", record.bytes().escape_ascii());
            }
        }
    }
}
