//! The same conditions, evaluated in the most obvious way on what `serde_json` reads, from the documented rules.

use std::collections::HashMap;

use serde_json::value::RawValue;
use trailseal_archive::Timestamp;
use trailseal_query::{
    Record,
    category::Category,
    derived::Derived,
    path::{MEMBERS, TOP_LEVEL},
    predicate::{Literal, Operator},
};

use crate::generate::{Plan, TestPlan, TextKind, TextPlan};

/// Three-valued: `None` is unknown.
pub(crate) fn evaluate(plan: &Plan, record: &str) -> Option<bool> {
    match plan {
        Plan::Constant(holds) => Some(*holds),
        Plan::All(parts) => all(parts.iter().map(|part| evaluate(part, record))),
        Plan::Any(parts) => not(all(parts.iter().map(|part| not(evaluate(part, record))))),
        Plan::Not(part) => not(evaluate(part, record)),
        Plan::Field(path, test) => {
            let values: Vec<_> =
                each_at_path(record, path).iter().filter_map(|value| tested(value)).collect();
            any_passes(test, &values)
        }
        Plan::Fields(left, operator, right) => {
            let texts =
                |path| each_at_path(record, path).iter().filter_map(|value| text(value)).collect::<Vec<_>>();
            let (left, right) = (texts(left), texts(right));
            if left.is_empty() || right.is_empty() {
                return None;
            }
            Some(left.iter().any(|one| right.iter().any(|other| relates(one.cmp(other), *operator))))
        }
        Plan::Derived(member, test) => {
            let tested = |text| Tested { text, is_number: false };
            any_passes(test, &derived_texts(*member, record).into_iter().map(tested).collect::<Vec<_>>())
        }
        Plan::Category(wanted) => category(record).map(|found| wanted.contains(&found)),
        Plan::Anywhere(test) => Some(is_like(test, &plain(record))),
        Plan::Element(path, part) => {
            let objects: Vec<_> = at_path(record, path).iter().flat_map(|value| objects(value)).collect();
            if objects.is_empty() {
                return None;
            }
            not(all(objects.iter().map(|object| not(evaluate(part, object)))))
        }
    }
}

fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let parts: Vec<_> = parts.collect();
    if parts.contains(&Some(false)) {
        Some(false)
    } else if parts.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn not(truth: Option<bool>) -> Option<bool> {
    truth.map(|holds| !holds)
}

/// As [`values`], where names may be known ones in any case.
fn at_path(json: &str, path: &[&'static str]) -> Vec<String> {
    let mut path = path.to_vec();
    if let Some(known) = TOP_LEVEL.iter().find(|known| known.eq_ignore_ascii_case(path[0])) {
        path[0] = known;
        let members =
            MEMBERS.iter().find(|(object, _)| object == known).map_or(&[][..], |(_, members)| members);
        if let Some(name) = path.get_mut(1)
            && let Some(known) = members.iter().find(|known| known.eq_ignore_ascii_case(name))
        {
            // what the generator has lies no deeper
            *name = known;
        }
    }
    let may_be_text = path.len() > 1 && !["userIdentity", "resources", "insightDetails"].contains(&path[0]);
    values_in(json, &path, may_be_text)
}

/// The same, where a list at the end stands for its elements, if it has any.
fn each_at_path(json: &str, path: &[&'static str]) -> Vec<String> {
    fn spread(value: String) -> Vec<String> {
        match value.as_bytes()[0] {
            b'[' if !elements(&value).is_empty() => elements(&value).into_iter().flat_map(spread).collect(),
            _ => vec![value],
        }
    }
    at_path(json, path).into_iter().flat_map(spread).collect()
}

/// The values at the end of a path, through arrays, as they are written.
pub(crate) fn values(json: &str, path: &[&str]) -> Vec<String> {
    values_in(json, path, false)
}

/// The same; a text on the way may hold JSON, in which the way goes on.
fn values_in(json: &str, path: &[&str], may_be_text: bool) -> Vec<String> {
    let Some((name, rest)) = path.split_first() else { return vec![json.to_owned()] };
    let member = |object: &str, name: &str| member(object, name).into_iter();
    match json.as_bytes()[0] {
        b'{' => member(json, name).flat_map(|value| values_in(&value, rest, may_be_text)).collect(),
        b'[' => elements(json).iter().flat_map(|element| values_in(element, path, may_be_text)).collect(),
        b'"' if may_be_text => {
            let text: String = serde_json::from_str(json).unwrap();
            let text = if text.starts_with('%') { percent_decoded(&text) } else { text };
            match serde_json::from_str::<&RawValue>(&text) {
                Ok(inner) => values_in(inner.get(), path, may_be_text),
                Err(_) => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Of duplicates the last.
fn member(object: &str, name: &str) -> Option<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(object).unwrap();
    members.get(name).map(|value| value.get().to_owned())
}

fn elements(array: &str) -> Vec<String> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).unwrap();
    elements.iter().map(|value| value.get().to_owned()).collect()
}

fn objects(json: &str) -> Vec<String> {
    match json.as_bytes()[0] {
        b'{' => vec![json.to_owned()],
        b'[' => elements(json).iter().flat_map(|element| objects(element)).collect(),
        _ => Vec::new(),
    }
}

/// A value that is there.
struct Tested {
    text: String,
    is_number: bool,
}

fn tested(json: &str) -> Option<Tested> {
    let is_number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    text(json).map(|text| Tested { text, is_number })
}

/// What comparisons compare.
fn text(json: &str) -> Option<String> {
    match json.as_bytes()[0] {
        b'n' => None,
        b'"' => Some(serde_json::from_str(json).unwrap()),
        b'{' | b'[' => Some(compact(json)),
        _ => Some(json.to_owned()),
    }
}

/// The strings of a JSON text as they are written, and the characters between them.
fn tokens(json: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        let mut token = character.to_string();
        if character == '"' {
            loop {
                let next = characters.next().unwrap();
                token.push(next);
                match next {
                    '\\' => token.push(characters.next().unwrap()),
                    '"' => break,
                    _ => {}
                }
            }
        }
        tokens.push(token);
    }
    tokens
}

fn compact(json: &str) -> String {
    tokens(json).into_iter().filter(|token| !token.trim_matches([' ', '\n', '\r', '\t']).is_empty()).collect()
}

/// Compact, with the characters of strings instead of their escapes.
fn plain(json: &str) -> String {
    let plain = |token: String| {
        if token.starts_with('"') {
            format!("\"{}\"", serde_json::from_str::<String>(&token).unwrap())
        } else {
            token
        }
    };
    tokens(&compact(json)).into_iter().map(plain).collect()
}

fn any_passes(test: &TestPlan, values: &[Tested]) -> Option<bool> {
    if let TestPlan::Exists = test {
        return Some(!values.is_empty());
    }
    if values.is_empty() {
        return None;
    }
    Some(values.iter().any(|value| match test {
        TestPlan::Exists => true,
        TestPlan::Compare(operator, literal) => compares(value, *operator, literal),
        TestPlan::In(literals) => literals.iter().any(|literal| compares(value, Operator::Equal, literal)),
        TestPlan::Between(low, high) => {
            compares(value, Operator::GreaterOrEqual, low) && compares(value, Operator::LessOrEqual, high)
        }
        TestPlan::Text(test) => is_like(test, &value.text),
        TestPlan::Cidr(networks) => is_in(&value.text, networks),
    }))
}

fn relates(ordering: std::cmp::Ordering, operator: Operator) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match operator {
        Operator::Equal => ordering == Equal,
        Operator::NotEqual => ordering != Equal,
        Operator::Less => ordering == Less,
        Operator::LessOrEqual => ordering != Greater,
        Operator::Greater => ordering == Greater,
        Operator::GreaterOrEqual => ordering != Less,
    }
}

/// What is of another nature than the literal only differs from it.
fn compares(value: &Tested, operator: Operator, literal: &Literal) -> bool {
    let text = value.text.as_str();
    let ordering = match literal {
        Literal::Digits(literal) if value.is_number && in_digits(text).and(in_digits(literal)).is_some() => {
            Some(in_digits(text).cmp(&in_digits(literal)))
        }
        Literal::Text(literal) | Literal::Digits(literal) => Some(text.as_bytes().cmp(literal.as_bytes())),
        Literal::Number(literal) => {
            let finite = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
            if let (Ok(one), Ok(other)) = (text.parse::<i128>(), literal.parse::<i128>()) {
                Some(one.cmp(&other))
            } else {
                finite(text).and_then(|one| one.partial_cmp(&finite(literal)?))
            }
        }
        // RFC 3339 and its relatives, which begin like a date
        Literal::Time(literal) => Timestamp::parse_loose(text).ok().map(|time| time.cmp(literal)),
    };
    match ordering {
        Some(ordering) => relates(ordering, operator),
        None => operator == Operator::NotEqual,
    }
}

/// A number in digits, in units of its eighteenth decimal place; those of the generator are small enough.
fn in_digits(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (are_digits(whole) && are_digits(fraction))
        .then(|| sign * format!("{whole}{fraction:0<18}").parse::<i128>().unwrap())
}

fn is_like(plan: &TextPlan, text: &str) -> bool {
    let lower = |text: &str| if plan.ignore_case { text.to_lowercase() } else { text.to_owned() };
    let (wanted, text) = (lower(&plan.text), lower(text));
    match plan.kind {
        TextKind::Equals => text == wanted,
        TextKind::Prefix => text.starts_with(&wanted),
        TextKind::Suffix => text.ends_with(&wanted),
        TextKind::Contains | TextKind::Regex => text.contains(&wanted),
        TextKind::Like => matches_pattern(&pattern(&wanted, '%', '_', '!'), &text),
        TextKind::Glob => matches_pattern(&pattern(&wanted, '*', '?', '\\'), &text),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Any,
    One,
    This(char),
}

/// An escape at the end stands for itself.
fn pattern(text: &str, any: char, one: char, escape: char) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        signs.push(if character == escape {
            Sign::This(characters.next().unwrap_or(escape))
        } else if character == any {
            Sign::Any
        } else if character == one {
            Sign::One
        } else {
            Sign::This(character)
        });
    }
    signs
}

/// `reach[n]`: the signs so far match the first n characters.
fn matches_pattern(signs: &[Sign], text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut reach = vec![false; characters.len() + 1];
    reach[0] = true;
    for sign in signs {
        let mut next = vec![false; characters.len() + 1];
        for at in 0..=characters.len() {
            next[at] = match sign {
                Sign::Any => reach[at] || at > 0 && next[at - 1],
                Sign::One => at > 0 && reach[at - 1],
                Sign::This(wanted) => at > 0 && reach[at - 1] && characters[at - 1] == *wanted,
            };
        }
        reach = next;
    }
    reach[characters.len()]
}

fn is_in(text: &str, networks: &[(u32, u8)]) -> bool {
    let bits = match text.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => u32::from(address),
        Ok(std::net::IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => u32::from(address),
            None => return false,
        },
        Err(_) => return false,
    };
    networks.iter().any(|(network, length)| {
        let shift = 32 - u32::from(*length);
        u64::from(bits) >> shift == u64::from(*network) >> shift
    })
}

/// The derivation has tests of its own; here it is taken as it is.
fn derived_texts(derived: Derived, record: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let _ = derived.visit(&Record::new(record.as_bytes()), &mut |text| {
        texts.push(text.into_owned());
        std::ops::ControlFlow::Continue(())
    });
    texts
}

/// docs/spec/selectors-and-insights.md 3.3, item 1; the names of data APIs do not occur together with their sources
/// and resources in generated records unless by luck.
pub(crate) fn category(record: &str) -> Option<Category> {
    let at = |name: &str| member(record, name).filter(|value| value != "null");
    if let Some(stated) = at("eventCategory") {
        let stated = text(&stated).filter(|_| stated.starts_with('"'))?;
        return Category::from_name(&stated).filter(|category| category.name() == stated);
    }
    match at("managementEvent").and_then(|value| text(&value)).as_deref() {
        Some("true") => return Some(Category::Management),
        Some("false") => return Some(Category::Data),
        _ => {}
    }
    let (source, name) = (at("eventSource").and_then(|v| text(&v)), at("eventName").and_then(|v| text(&v)));
    if source.is_none() && name.is_none() {
        return None;
    }
    let is_object_api = matches!(name.as_deref(), Some("GetObject" | "GetObjectAcl" | "PutObject"))
        && source.as_deref() == Some("s3.amazonaws.com");
    let types = values(record, &["resources", "type"]);
    let names_object =
        types.iter().any(|kind| kind.starts_with('"') && text(kind).as_deref() == Some("AWS::S3::Object"));
    Some(if is_object_api && names_object { Category::Data } else { Category::Management })
}
