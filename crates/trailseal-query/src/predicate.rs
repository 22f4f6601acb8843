//! What a record must be: a tree of tests, evaluated on the record's bytes.
//!
//! The logic is SQL's: a test of a field that is absent or `null` is neither true nor false
//! ([`Truth::Unknown`]), and a record matches only where the whole is true. Where a path stands for several
//! values (lists on its way or at its end), a test holds if it holds for any of them (docs/spec/records.md 2.8).

use std::{borrow::Cow, cmp::Ordering, net::IpAddr, ops::ControlFlow};

use ipnet::IpNet;
use regex::Regex;
use trailseal_archive::Timestamp;

use crate::{
    category::{Category, category},
    decimal::compare_decimals,
    derived::{Derived, FileFacts, FileMember},
    json::Value,
    local_time::LocalTime,
    path::FieldPath,
    record::{Record, event_time},
};

/// A predicate over event records.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// True or false for every record.
    Constant(bool),
    /// All of them hold.
    All(Vec<Predicate>),
    /// One of them holds.
    Any(Vec<Predicate>),
    /// It is false. What is unknown stays unknown.
    Not(Box<Predicate>),
    /// A field's value passes a test.
    Field(FieldPath, Test),
    /// `eventTime` lies in the span, both ends included; unknown when it cannot be read.
    TimeRange(TimeRange),
    /// `eventTime` lies in these hours of these days of the week; unknown when it cannot be read.
    LocalTime(LocalTime),
    /// Two fields compare like this, as texts.
    Fields(FieldPath, Operator, FieldPath),
    /// What is derived from the record passes a test.
    Derived(Derived, Test),
    /// Something of the file that holds the record passes a test; unknown until the file is known
    /// ([`Predicate::within`]).
    OfFile(FileMember, Test),
    /// The event is of one of these categories; unknown when the record does not say.
    Category(Vec<Category>),
    /// The text stands anywhere in the record: in its compact JSON, escapes resolved.
    Anywhere(TextTest),
    /// One object that the path leads to (an element, where it leads to an array) passes all of this by itself;
    /// the predicate's paths begin in that object. Unknown when there is no object, or when none passes and
    /// one does not say.
    Element(FieldPath, Box<Predicate>),
}

/// A span of time; an end that is absent is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The last moment.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    fn holds(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }
}

/// A test of one value.
#[derive(Clone, Debug)]
pub enum Test {
    /// It is there and not `null`. Never unknown.
    Exists,
    /// It compares like this with a literal.
    Compare(Operator, Literal),
    /// It equals one of these.
    In(Vec<Literal>),
    /// It lies between the two, or is one of them.
    Between(Literal, Literal),
    /// Its text is like this.
    Text(TextTest),
    /// It is an IP address in one of these networks; service names are in none.
    Cidr(Vec<IpNet>),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Characters, compared with the value's text ([`Value::text`]), byte by byte.
    Text(String),
    /// A number in digits that was written as a text: to a number, a number; to anything else, its characters.
    Digits(String),
    /// A number as written, compared with numbers and with strings that are numbers.
    Number(String),
    /// A moment, compared with strings that are RFC 3339 times.
    Time(Timestamp),
}

/// What a text must be like.
#[derive(Clone, Debug)]
pub struct TextTest {
    pub(crate) kind: TextKind,
    /// Characters are compared in lower case.
    pub(crate) ignore_case: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum TextKind {
    Equals(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Regex(Regex),
}

/// The outcome of a test, as in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It holds.
    True,
    /// The record does not say.
    Unknown,
    /// It does not.
    False,
}

/// The field at this path passes a test.
pub(crate) fn field(path: &[&str], test: Test) -> Predicate {
    Predicate::Field(FieldPath::new(path.iter().copied()), test)
}

/// It is exactly this text.
pub(crate) fn equals(text: &str) -> Test {
    Test::Compare(Operator::Equal, Literal::Text(text.to_owned()))
}

impl Predicate {
    /// Whether it holds for a record.
    pub fn matches(&self, record: &Record<'_>) -> bool {
        self.evaluate(record) == Truth::True
    }

    /// What it comes to for a record.
    pub fn evaluate(&self, record: &Record<'_>) -> Truth {
        match self {
            Self::Constant(holds) => Truth::from(*holds),
            Self::All(parts) => fold(parts, record, Truth::False),
            Self::Any(parts) => fold(parts, record, Truth::True),
            Self::Not(part) => part.evaluate(record).not(),
            Self::Field(path, test) => {
                test.any(|visit| record.visit_each(path, &mut |found| visit(&Tested::Value(found.value()))))
            }
            Self::TimeRange(range) => record.time().map_or(Truth::Unknown, |time| range.holds(time).into()),
            Self::LocalTime(wanted) => record.time().map_or(Truth::Unknown, |time| wanted.holds(time).into()),
            Self::Fields(left, operator, right) => compare_fields(record, left, *operator, right),
            Self::Derived(derived, test) => {
                test.any(|visit| derived.visit(record, &mut |text| visit(&Tested::Text(text))))
            }
            Self::OfFile(..) => Truth::Unknown,
            Self::Category(wanted) => {
                category(record).map_or(Truth::Unknown, |found| wanted.contains(&found).into())
            }
            Self::Anywhere(test) => test.holds(&record.plain_text()).into(),
            Self::Element(path, inner) => any_element(record, path, inner),
        }
    }

    /// The same for the records of one file: what is asked of the file is answered.
    #[must_use]
    pub fn within(&self, file: &FileFacts<'_>) -> Self {
        let all = |parts: &[Self]| parts.iter().map(|part| part.within(file)).collect();
        match self {
            Self::All(parts) => Self::All(all(parts)),
            Self::Any(parts) => Self::Any(all(parts)),
            Self::Not(part) => Self::Not(Box::new(part.within(file))),
            Self::OfFile(member, test) => match file.passes(*member, test) {
                Truth::True => Self::Constant(true),
                Truth::False => Self::Constant(false),
                Truth::Unknown => self.clone(),
            },
            other => other.clone(),
        }
    }

    /// Whether it asks for a category by its name.
    pub(crate) fn asks_for(&self, category: Category) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.asks_for(category)),
            Self::Not(part) => part.asks_for(category),
            Self::Category(wanted) => wanted.contains(&category),
            _ => false,
        }
    }

    /// What it comes to for an event whose time cannot be read; `None` if it asks for no time.
    pub(crate) fn without_time(&self) -> Option<Truth> {
        match self {
            // to be false is more than to be unknown: it may be
            Self::All(parts) | Self::Any(parts) => parts.iter().filter_map(Self::without_time).max(),
            Self::Not(part) => part.without_time(),
            Self::TimeRange(_)
            | Self::LocalTime(_)
            | Self::Derived(Derived::Hour | Derived::Day | Derived::Weekday, _) => Some(Truth::Unknown),
            Self::Field(path, test) if path.segments() == ["eventTime"] && test.is_of_time() => {
                Some(Truth::False)
            }
            _ => None,
        }
    }

    /// Whether it asks for the event's time, or for what is derived from it.
    pub fn asks_for_time(&self) -> bool {
        self.without_time().is_some()
    }

    /// What it comes to for every event of this time; `None` if it asks for anything else.
    pub fn at(&self, time: Timestamp) -> Option<Truth> {
        match self {
            Self::TimeRange(range) => Some(range.holds(time).into()),
            Self::LocalTime(wanted) => Some(wanted.holds(time).into()),
            Self::Field(path, test) if path.segments() == ["eventTime"] => test.at(time).map(Truth::from),
            Self::Derived(derived, test) => derived.at(time).map(|text| test.of_text(Some(&text))),
            _ => None,
        }
    }

    /// Whether it asks for this of the file, anywhere.
    pub fn asks_of_file(&self, wanted: FileMember) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.asks_of_file(wanted)),
            Self::Not(part) => part.asks_of_file(wanted),
            Self::OfFile(member, _) => *member == wanted,
            _ => false,
        }
    }

    /// Both hold; conjunctions are merged.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant(true), one) | (one, Self::Constant(true)) => one,
            (Self::All(mut parts), other) => {
                parts.push(other);
                Self::All(parts)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// One of several; a single one stands for itself.
    pub fn any(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 { parts.remove(0) } else { Self::Any(parts) }
    }
}

/// The opposite.
impl std::ops::Not for Predicate {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl Truth {
    #[must_use]
    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// And (`decisive` is false) or or (`decisive` is true).
fn fold(parts: &[Predicate], record: &Record<'_>, decisive: Truth) -> Truth {
    let mut folded = decisive.not();
    for part in parts {
        match part.evaluate(record) {
            truth if truth == decisive => return decisive,
            Truth::Unknown => folded = Truth::Unknown,
            _ => {}
        }
    }
    folded
}

/// A value of the record, or a text that was derived from it.
enum Tested<'a> {
    Value(Value<'a>),
    Text(Cow<'a, str>),
}

impl Tested<'_> {
    fn is_number(&self) -> bool {
        matches!(self, Self::Value(Value::Number(_)))
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Value(value) => value.text(),
            Self::Text(text) => Some(Cow::Borrowed(text)),
        }
    }
}

/// Arrays directly within arrays that elements are looked for in.
const MAX_NESTED_ARRAYS: u32 = 16;

fn any_element(record: &Record<'_>, path: &FieldPath, inner: &Predicate) -> Truth {
    let mut folded = None;
    let _ = record.visit(path, &mut |found| {
        objects_of(found.value(), 0, &mut |object| {
            let truth = inner.evaluate(&Record::new(object));
            if truth != Truth::False || folded.is_none() {
                folded = Some(truth);
            }
            if truth == Truth::True { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    });
    folded.unwrap_or(Truth::Unknown)
}

fn objects_of(
    value: Value<'_>,
    nested: u32,
    visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match value {
        Value::Object(raw) => visit(raw),
        Value::Array(_) if nested <= MAX_NESTED_ARRAYS => value
            .elements()
            .map_while(Result::ok)
            .try_for_each(|element| objects_of(element, nested + 1, visit)),
        _ => ControlFlow::Continue(()),
    }
}

fn compare_fields(record: &Record<'_>, left: &FieldPath, operator: Operator, right: &FieldPath) -> Truth {
    let mut truth = Truth::Unknown;
    let _ = record.visit_each(left, &mut |one| {
        let Some(one) = one.text() else { return ControlFlow::Continue(()) };
        record.visit_each(right, &mut |other| {
            let Some(other) = other.text() else { return ControlFlow::Continue(()) };
            truth = operator.holds((*one).cmp(&*other)).into();
            if truth == Truth::True { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    });
    truth
}

impl Test {
    fn is_of_time(&self) -> bool {
        let is_time = |literal: &Literal| matches!(literal, Literal::Time(_));
        match self {
            Self::Compare(_, literal) => is_time(literal),
            Self::In(literals) => literals.iter().any(is_time),
            Self::Between(low, high) => is_time(low) || is_time(high),
            Self::Exists | Self::Text(_) | Self::Cidr(_) => false,
        }
    }

    /// The same for a text that is this time, if that is all it asks for.
    fn at(&self, time: Timestamp) -> Option<bool> {
        let compare = |operator: Operator, literal: &Literal| match literal {
            Literal::Time(other) => Some(operator.holds(time.cmp(other))),
            _ => None,
        };
        match self {
            Self::Compare(operator, literal) => compare(*operator, literal),
            Self::Between(low, high) => {
                Some(compare(Operator::GreaterOrEqual, low)? && compare(Operator::LessOrEqual, high)?)
            }
            Self::In(literals) => {
                let each: Option<Vec<bool>> =
                    literals.iter().map(|literal| compare(Operator::Equal, literal)).collect();
                Some(each?.contains(&true))
            }
            Self::Exists | Self::Text(_) | Self::Cidr(_) => None,
        }
    }

    /// What it comes to for a text, which may be absent.
    pub fn of_text(&self, text: Option<&str>) -> Truth {
        self.any(|visit| text.map_or(ControlFlow::Continue(()), |text| visit(&Tested::Text(text.into()))))
    }

    /// Over all values that `each` shows.
    fn any(
        &self,
        each: impl FnOnce(&mut dyn FnMut(&Tested<'_>) -> ControlFlow<()>) -> ControlFlow<()>,
    ) -> Truth {
        let mut truth = Truth::Unknown;
        let _ = each(&mut |tested| {
            if matches!(tested, Tested::Value(Value::Null)) {
                return ControlFlow::Continue(());
            }
            truth = self.holds(tested).into();
            if truth == Truth::True { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match (self, truth) {
            (Self::Exists, Truth::Unknown) => Truth::False,
            _ => truth,
        }
    }

    fn holds(&self, tested: &Tested<'_>) -> bool {
        match self {
            Self::Exists => true,
            Self::Compare(operator, literal) => literal.compare(tested, *operator),
            Self::In(literals) => literals.iter().any(|literal| literal.compare(tested, Operator::Equal)),
            Self::Between(low, high) => {
                low.compare(tested, Operator::GreaterOrEqual) && high.compare(tested, Operator::LessOrEqual)
            }
            Self::Text(test) => tested.text().is_some_and(|text| test.holds(&text)),
            Self::Cidr(networks) => tested
                .text()
                .and_then(|text| text.parse::<IpAddr>().ok())
                .is_some_and(|address| networks.iter().any(|net| net.contains(&address.to_canonical()))),
        }
    }
}

impl Operator {
    /// The relation of the right side to the left one.
    #[must_use]
    pub(crate) fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    pub(crate) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Literal {
    /// Whether a value stands in this relation to the literal; a value of another nature only differs from it.
    fn compare(&self, tested: &Tested<'_>, operator: Operator) -> bool {
        let ordering = match self {
            Self::Text(literal) => tested.text().map(|text| (*text).cmp(literal.as_str())),
            Self::Digits(literal) => tested.text().map(|text| {
                let as_numbers = tested.is_number().then(|| compare_decimals(&text, literal)).flatten();
                as_numbers.unwrap_or_else(|| (*text).cmp(literal.as_str()))
            }),
            Self::Number(literal) => tested.text().and_then(|text| compare_numbers(&text, literal)),
            Self::Time(literal) => {
                tested.text().and_then(|text| event_time(text.as_bytes())).map(|time| time.cmp(literal))
            }
        };
        ordering.map_or(operator == Operator::NotEqual, |ordering| operator.holds(ordering))
    }
}

/// Compares two numbers as they are written: integers exactly, others as floating point. `None` when one is no
/// number.
pub(crate) fn compare_numbers(one: &str, other: &str) -> Option<Ordering> {
    if let (Ok(one), Ok(other)) = (one.parse::<i128>(), other.parse::<i128>()) {
        return Some(one.cmp(&other));
    }
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    number(one)?.partial_cmp(&number(other)?)
}

impl TextTest {
    /// Exactly this text.
    pub fn equals(text: &str, ignore_case: bool) -> Self {
        Self::new(TextKind::Equals, text, ignore_case)
    }

    /// Begins with it.
    pub fn prefix(text: &str, ignore_case: bool) -> Self {
        Self::new(TextKind::Prefix, text, ignore_case)
    }

    /// Ends with it.
    pub fn suffix(text: &str, ignore_case: bool) -> Self {
        Self::new(TextKind::Suffix, text, ignore_case)
    }

    /// Holds it.
    pub fn contains(text: &str, ignore_case: bool) -> Self {
        Self::new(TextKind::Contains, text, ignore_case)
    }

    /// A regular expression that finds something in the text (case by its own flags).
    pub fn regex(regex: Regex) -> Self {
        Self { kind: TextKind::Regex(regex), ignore_case: false }
    }

    /// SQL's `LIKE`: `%` is any text, `_` any character; `escape` takes their meaning from them.
    ///
    /// # Errors
    /// [`regex::Error`] when the pattern is too large.
    pub fn like(pattern: &str, escape: Option<char>, ignore_case: bool) -> Result<Self, regex::Error> {
        let mut parts = Vec::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                _ if Some(character) == escape => LikePart::Character(characters.next().unwrap_or(character)),
                '%' => LikePart::AnyText,
                '_' => LikePart::AnyCharacter,
                _ => LikePart::Character(character),
            });
        }
        Self::pattern(&parts, ignore_case)
    }

    /// A glob over the whole text: `*` is any text, `?` any character, and a backslash takes their meaning.
    ///
    /// # Errors
    /// [`regex::Error`] when the pattern is too large.
    pub fn glob(pattern: &str, ignore_case: bool) -> Result<Self, regex::Error> {
        let mut parts = Vec::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '\\' => LikePart::Character(characters.next().unwrap_or('\\')),
                '*' => LikePart::AnyText,
                '?' => LikePart::AnyCharacter,
                _ => LikePart::Character(character),
            });
        }
        Self::pattern(&parts, ignore_case)
    }

    fn new(kind: fn(String) -> TextKind, text: &str, ignore_case: bool) -> Self {
        let text = if ignore_case { text.to_lowercase() } else { text.to_owned() };
        Self { kind: kind(text), ignore_case }
    }

    fn pattern(parts: &[LikePart], ignore_case: bool) -> Result<Self, regex::Error> {
        let literal = |parts: &[LikePart]| -> Option<String> {
            parts.iter().map(|part| if let LikePart::Character(c) = part { Some(*c) } else { None }).collect()
        };
        let simple = match parts {
            [LikePart::AnyText, inner @ .., LikePart::AnyText] => {
                literal(inner).map(|text| Self::contains(&text, ignore_case))
            }
            [LikePart::AnyText, inner @ ..] => literal(inner).map(|text| Self::suffix(&text, ignore_case)),
            [inner @ .., LikePart::AnyText] => literal(inner).map(|text| Self::prefix(&text, ignore_case)),
            all => literal(all).map(|text| Self::equals(&text, ignore_case)),
        };
        if let Some(simple) = simple {
            return Ok(simple);
        }
        let mut regex = String::from(if ignore_case { "(?is)^" } else { "(?s)^" });
        for part in parts {
            match part {
                LikePart::AnyText => regex.push_str(".*"),
                LikePart::AnyCharacter => regex.push('.'),
                LikePart::Character(c) => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
        }
        regex.push('$');
        Ok(Self { kind: TextKind::Regex(Regex::new(&regex)?), ignore_case: false })
    }

    /// The text that every text like this holds, and whether it is the whole; `None` when nothing can be said
    /// byte for byte.
    pub(crate) fn literal(&self) -> Option<(&str, bool)> {
        match &self.kind {
            _ if self.ignore_case => None,
            TextKind::Equals(text) => Some((text, true)),
            TextKind::Prefix(text) | TextKind::Suffix(text) | TextKind::Contains(text) => Some((text, false)),
            TextKind::Regex(_) => None,
        }
    }

    /// Whether it became a regular expression.
    pub(crate) fn is_regex(&self) -> bool {
        matches!(self.kind, TextKind::Regex(_))
    }

    /// Whether a text is like this.
    pub fn holds(&self, text: &str) -> bool {
        if self.ignore_case { self.kind.holds(&text.to_lowercase()) } else { self.kind.holds(text) }
    }
}

enum LikePart {
    AnyText,
    AnyCharacter,
    Character(char),
}

impl TextKind {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Equals(wanted) => text == wanted,
            Self::Prefix(wanted) => text.starts_with(wanted.as_str()),
            Self::Suffix(wanted) => text.ends_with(wanted.as_str()),
            Self::Contains(wanted) => memchr::memmem::find(text.as_bytes(), wanted.as_bytes()).is_some(),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventName":"GetObject","n":12345678901234567890,"s":"7","flag":true,"none":null,
        "sourceIPAddress":"10.1.2.3","resources":[{"ARN":"arn:a"},{"ARN":"arn:b"}],"list":["x"],"two":["x",["y",null]],"empty":[],"nulls":[null],"small":9,
        "policy":"{\"Action\":[\"s3:Get\",\"*\"]}","encoded":"%7B%22Effect%22%3A%22Allow%22%7D",
        "userIdentity":{"text":"{\"a\":1}"},"t":"2024-03-01T00:00:00Z"}"#;

    fn check(path: &str, test: Test, expected: Truth) {
        let described = format!("{path} {test:?}");
        let predicate = Predicate::Field(FieldPath::parse(path).unwrap(), test);
        assert_eq!(predicate.evaluate(&Record::new(RECORD.as_bytes())), expected, "{described}");
    }

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    #[test]
    fn comparisons_follow_the_nature_of_values() {
        use Operator::{Equal, Greater, Less, NotEqual};
        use Truth::{False, True, Unknown};
        let number = |text: &str| Literal::Number(text.to_owned());
        check("eventName", Test::Compare(Equal, text("GetObject")), True);
        check("eventName", Test::Compare(NotEqual, text("GetObject")), False);
        check("absent", Test::Compare(NotEqual, text("x")), Unknown);
        check("none", Test::Compare(Equal, text("x")), Unknown);
        check("n", Test::Compare(Greater, number("12345678901234567889")), True);
        check("n", Test::Compare(Equal, text("12345678901234567890")), True);
        check("s", Test::Compare(Less, number("10")), True);
        check("s", Test::Compare(Less, text("10")), False);
        check("flag", Test::Compare(Equal, text("true")), True);
        check("eventName", Test::Compare(Less, number("1")), False);
        check(
            "t",
            Test::Compare(Less, Literal::Time(Timestamp::parse_loose("2024-03-01T01:30:00+01:00").unwrap())),
            True,
        );
        check("resources.ARN", Test::Compare(NotEqual, text("arn:a")), True);
        check("resources.ARN", Test::In(vec![text("arn:z"), text("arn:b")]), True);
        check("list", Test::Compare(Equal, text("x")), True);
        check("list", Test::Compare(Equal, text(r#"["x"]"#)), False);
        check("list", Test::Compare(NotEqual, text("x")), False);
        check("two", Test::Compare(NotEqual, text("x")), True);
        check("two", Test::In(vec![text("y")]), True);
        check("empty", Test::Compare(Equal, text("[]")), True);
        check("empty", Test::Exists, True);
        check("nulls", Test::Exists, False);
        check("nulls", Test::Compare(NotEqual, text("x")), Unknown);
        check("policy.Action", Test::Compare(Equal, text("*")), True);
        check("policy.Action", Test::Compare(Equal, text("s3:Get")), True);
        check("encoded.Effect", Test::Compare(Equal, text("Allow")), True);
        check("userIdentity.text.a", Test::Exists, False);
        let digits = |text: &str| Literal::Digits(text.to_owned());
        check("small", Test::Compare(Less, digits("10")), True);
        check("small", Test::Compare(Less, text("10")), False);
        check("small", Test::Compare(Equal, digits("9.0")), True);
        check("s", Test::Compare(Equal, digits("7.0")), False);
        check("resources.type", Test::Exists, False);
        check("none", Test::Exists, False);
        check("flag", Test::Exists, True);
    }

    #[test]
    fn an_element_passes_by_itself_and_bounds_hold_for_one_value() {
        use Truth::{False, True, Unknown};
        let record = Record::new(
            br#"{"r":[{"t":"a","n":1},{"t":"b","n":9},"x",[{"t":"c"}]],"one":{"t":"a","n":1},"none":[],"s":"x"}"#,
        );
        let field = |path: &str, test| Predicate::Field(FieldPath::new([path]), test);
        let number = |text: &str| Literal::Number(text.to_owned());
        let is = |kind: &str, n: &str| {
            field("t", Test::Compare(Operator::Equal, text(kind)))
                .and(field("n", Test::Compare(Operator::Equal, number(n))))
        };
        for (path, inner, expected) in [
            ("r", is("a", "1"), True),
            ("r", is("z", "1"), False),
            ("r", is("a", "9"), False),
            ("r", is("c", "1"), Unknown),
            ("one", is("a", "1"), True),
            ("none", is("a", "1"), Unknown),
            ("s", is("a", "1"), Unknown),
            ("absent", is("a", "1"), Unknown),
        ] {
            let described = format!("{path} {inner:?}");
            let predicate = Predicate::Element(FieldPath::new([path]), Box::new(inner));
            assert_eq!(predicate.evaluate(&record), expected, "{described}");
        }
        let between =
            Predicate::Field(FieldPath::parse("r.n").unwrap(), Test::Between(number("2"), number("8")));
        assert_eq!(between.evaluate(&record), False);
    }

    #[test]
    fn networks_hold_addresses_only() {
        let nets = |nets: &[&str]| Test::Cidr(nets.iter().map(|net| net.parse().unwrap()).collect());
        check("sourceIPAddress", nets(&["192.168.0.0/16", "10.0.0.0/8"]), Truth::True);
        check("sourceIPAddress", nets(&["::/0"]), Truth::False);
        check("eventName", nets(&["0.0.0.0/0"]), Truth::False);
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, ignore_case, holds) in [
            ("Get%", "GetObject", false, true),
            ("%Object", "GetObject", false, true),
            ("%tOb%", "GetObject", false, true),
            ("get%", "GetObject", false, false),
            ("get%", "GetObject", true, true),
            ("G_tO%t", "GetObject", false, true),
            ("g_to%T", "GetObject", true, true),
            ("G_tO", "GetObject", false, false),
            ("100\\%", "100%", false, true),
            ("100\\%", "100x", false, false),
            ("%", "", false, true),
            ("%%", "", false, true),
            ("a%c", "a\nc", false, true),
        ] {
            assert_eq!(
                TextTest::like(pattern, Some('\\'), ignore_case).unwrap().holds(text),
                holds,
                "{pattern}"
            );
        }
        assert!(TextTest::glob("Get*t?", false).unwrap().holds("GetObjects"));
        assert!(TextTest::glob("a\\*", false).unwrap().holds("a*"));
        assert!(!TextTest::glob("Get*", false).unwrap().holds("ListGet"));
    }

    #[test]
    fn what_is_unknown_is_neither_true_nor_false() {
        let record = Record::new(RECORD.as_bytes());
        let absent =
            || Predicate::Field(FieldPath::new(["absent"]), Test::Compare(Operator::Equal, text("x")));
        assert_eq!((!absent()).evaluate(&record), Truth::Unknown);
        assert_eq!(absent().and(Predicate::Constant(false)).evaluate(&record), Truth::False);
        assert_eq!(Predicate::any(vec![absent(), Predicate::Constant(true)]).evaluate(&record), Truth::True);
        assert_eq!(Predicate::All(vec![]).evaluate(&record), Truth::True);
        let same = |left: &str, right: &str| {
            Predicate::Fields(FieldPath::new([left]), Operator::Equal, FieldPath::new([right]))
                .evaluate(&record)
        };
        assert_eq!(same("s", "s"), Truth::True);
        assert_eq!(same("s", "n"), Truth::False);
        assert_eq!(same("s", "absent"), Truth::Unknown);
    }
}
