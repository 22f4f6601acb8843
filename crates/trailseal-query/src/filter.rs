//! A predicate made ready for scanning.

use aho_corasick::AhoCorasick;
use memchr::memmem;

use crate::{
    category::Category,
    decimal::whole_digits,
    derived::{Derived, FileFacts, FileMember},
    json,
    predicate::{Literal, Operator, Predicate, Test, TextTest, Truth},
    record::Record,
};

/// Alternatives beyond which looking for each of them costs more than it spares.
const MAX_TEXTS: usize = 1000;

/// A predicate, and texts of which a record that passes it holds one, byte for byte.
#[derive(Clone, Debug)]
pub struct Filter {
    predicate: Predicate,
    texts: Option<Texts>,
    /// What the predicate comes to at the least for an event without a time, if it asks for one.
    without_time: Option<Truth>,
    /// Whether aggregated events are asked for, which are no records.
    takes_aggregated: bool,
}

/// Whether a record is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    Wanted,
    Unwanted,
    /// It is not, and no filter of times could find it, since its time cannot be read.
    Untimed,
}

/// Texts up to this number are looked for one by one: their quotes would slow down a search for all at once.
const FEW: usize = 8;

/// Texts of which one must stand in a record.
#[derive(Clone, Debug)]
pub(crate) enum Texts {
    Few(Vec<memmem::Finder<'static>>),
    Many(Box<AhoCorasick>),
}

impl Filter {
    /// Makes a predicate ready.
    pub fn new(predicate: Predicate) -> Self {
        let texts = required(&predicate).and_then(Texts::new);
        let without_time = predicate.without_time();
        let takes_aggregated = predicate.asks_for(Category::Aggregated);
        Self { predicate, texts, without_time, takes_aggregated }
    }

    /// The same for the records of one file, if it asks for anything of the file.
    pub(crate) fn within(&self, file: &FileFacts<'_>) -> Option<Self> {
        let members = [FileMember::File, FileMember::Sha256, FileMember::Integrity];
        let asks = members.into_iter().any(|member| self.predicate.asks_of_file(member));
        asks.then(|| Self::new(self.predicate.within(file)))
    }

    /// Whether the predicate holds for a record, or why it may not.
    pub(crate) fn judge(&self, record: &Record<'_>) -> Judged {
        match (self.predicate.evaluate(record), self.without_time) {
            (Truth::True, _) => Judged::Wanted,
            // one look at the time of records that are certainly out of the span is enough
            (Truth::False, None | Some(Truth::Unknown)) | (Truth::Unknown, None) => Judged::Unwanted,
            _ if record.time().is_none() => Judged::Untimed,
            _ => Judged::Unwanted,
        }
    }

    /// Whether the predicate holds for a record.
    pub fn matches(&self, record: &Record<'_>) -> bool {
        self.predicate.matches(record)
    }

    /// Whether aggregated events are asked for, which are no records.
    pub(crate) fn takes_aggregated(&self) -> bool {
        self.takes_aggregated
    }

    /// The predicate.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// Texts of which every record that matches, and spells nothing in another way
    /// ([`Element::is_plain`](crate::scan)), holds one.
    pub(crate) fn texts(&self) -> Option<&Texts> {
        self.texts.as_ref()
    }
}

impl Texts {
    fn new(mut texts: Vec<Vec<u8>>) -> Option<Self> {
        texts.sort();
        texts.dedup();
        match texts.len() {
            0 => None,
            1..=FEW => {
                Some(Self::Few(texts.iter().map(|text| memmem::Finder::new(text).into_owned()).collect()))
            }
            _ => Some(Self::Many(Box::new(AhoCorasick::new(texts).ok()?))),
        }
    }

    /// Where they stand in some bytes.
    pub(crate) fn hits<'h>(&'h self, bytes: &'h [u8]) -> Hits<'h> {
        let searches = if let Self::Few(finders) = self { finders.len() } else { 1 };
        Hits { texts: self, bytes, next: vec![Some(0); searches], is_fresh: true }
    }

    fn find(&self, search: usize, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let found = match self {
            Self::Few(finders) => finders.get(search)?.find(rest),
            Self::Many(searcher) => searcher.find(rest).map(|found| found.start()),
        };
        found.map(|at| from + at)
    }
}

/// The places at which texts stand, asked for from the front to the back; no text looks at a byte twice.
pub(crate) struct Hits<'h> {
    texts: &'h Texts,
    bytes: &'h [u8],
    /// The next place of every text.
    next: Vec<Option<usize>>,
    is_fresh: bool,
}

impl Hits<'_> {
    /// Whether one of the texts begins from `start` to `end`; `start` may only grow.
    #[inline]
    pub(crate) fn stand_between(&mut self, start: usize, end: usize) -> bool {
        let Self { texts, bytes, next, is_fresh } = self;
        let is_fresh = std::mem::take(is_fresh);
        for (search, next) in next.iter_mut().enumerate() {
            if is_fresh || next.is_some_and(|at| at < start) {
                *next = texts.find(search, bytes, start);
            }
        }
        next.iter().flatten().any(|at| *at < end)
    }
}

/// Texts of which one stands in every record for which the predicate holds; `None` when nothing can be said.
fn required(predicate: &Predicate) -> Option<Vec<Vec<u8>>> {
    match predicate {
        Predicate::All(parts) => parts.iter().filter_map(required).min_by_key(|texts| cost(texts)),
        Predicate::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(required(part)?);
                if all.len() > MAX_TEXTS {
                    return None;
                }
            }
            // no part can hold
            (!all.is_empty()).then_some(all)
        }
        Predicate::Field(path, test) if path.looks_into_texts() => {
            Some(required_by_test(test, true)?.iter().map(|text| within_texts(text)).collect::<Option<_>>()?)
        }
        Predicate::Field(_, test) => required_by_test(test, true),
        Predicate::Derived(derived, test) => required_by_derived(*derived, test),
        Predicate::Anywhere(test) => Some(vec![part(test.literal()?.0)?]),
        _ => None,
    }
}

/// The same for what is derived.
fn required_by_derived(derived: Derived, test: &Test) -> Option<Vec<Vec<u8>>> {
    // "root" is derived from the type
    let may_be_root = |texts: &Vec<Vec<u8>>| texts.iter().any(|text| b"root".starts_with(text.as_slice()));
    match derived {
        // these stand in the record as they are
        Derived::ResourceName | Derived::Error => required_by_test(test, false),
        Derived::Username => required_by_test(test, false).filter(|texts| !may_be_root(texts)),
        // a role's ARN is made of that of its session: only what stands behind the last sign is in both
        Derived::Principal | Derived::Actor | Derived::PrincipalNames => {
            required_by_test(&test.of_last_names()?, false).filter(|texts| !may_be_root(texts))
        }
        Derived::ResourceType
        | Derived::Category
        | Derived::Call
        | Derived::Service
        | Derived::Hour
        | Derived::Day
        | Derived::Weekday => None,
    }
}

impl Test {
    /// A test that passes whenever this does of a name, for what stands behind the last `/` or `:` of it; `None` where
    /// that cannot be said.
    fn of_last_names(&self) -> Option<Self> {
        let last = |text: &str| text.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        let of_literal = |literal: &Literal| match literal {
            Literal::Text(text) | Literal::Digits(text) => Some(Literal::Text(last(text))),
            _ => None,
        };
        Some(match self {
            Self::Compare(Operator::Equal, literal) => Self::Compare(Operator::Equal, of_literal(literal)?),
            Self::In(literals) => Self::In(literals.iter().map(of_literal).collect::<Option<_>>()?),
            Self::Text(test) => {
                let (text, is_whole) = test.literal()?;
                let is_name = !text.contains(['/', ':']);
                Self::Text(match is_whole {
                    true => TextTest::equals(&last(text), false),
                    false if is_name => TextTest::contains(text, false),
                    false => return None,
                })
            }
            _ => return None,
        })
    }
}

/// Fewer and longer texts are found faster.
fn cost(texts: &[Vec<u8>]) -> (usize, usize) {
    let shortest = texts.iter().map(Vec::len).min().unwrap_or_default();
    (texts.len(), usize::MAX - shortest)
}

/// `is_value`: the text is a whole value of the record, not derived from one.
fn required_by_test(test: &Test, is_value: bool) -> Option<Vec<Vec<u8>>> {
    match test {
        Test::Compare(Operator::Equal, literal) => Some(vec![required_by_literal(literal, is_value)?]),
        Test::In(literals) if (1..=MAX_TEXTS).contains(&literals.len()) => {
            literals.iter().map(|literal| required_by_literal(literal, is_value)).collect()
        }
        Test::Text(test) => match test.literal()? {
            (text, true) => Some(vec![whole(text, is_value)?]),
            (text, false) => Some(vec![part(text)?]),
        },
        _ => None,
    }
}

fn required_by_literal(literal: &Literal, is_value: bool) -> Option<Vec<u8>> {
    // numbers and times have many spellings
    match literal {
        Literal::Text(text) => whole(text, is_value),
        // more or fewer zeros
        Literal::Digits(text) => whole_digits(text).map(|digits| digits.as_bytes().to_vec()),
        Literal::Number(_) | Literal::Time(_) => None,
    }
}

/// How a text that is a whole string is spelled, where nothing is spelled with `\u` or `\/`.
fn whole(text: &str, is_value: bool) -> Option<Vec<u8>> {
    // the text of an object or array, or of bytes that are no UTF-8
    if text.is_empty() || text.starts_with(['{', '[']) || text.contains(char::REPLACEMENT_CHARACTER) {
        return part(text);
    }
    let mut quoted = Vec::new();
    json::quote(text, &mut quoted);
    let may_be_bare =
        text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) || text == "true" || text == "false";
    if is_value && !may_be_bare { Some(quoted) } else { Some(quoted[1..quoted.len() - 1].to_vec()) }
}

/// The longest run of a text that JSON in a text, percent-encoded or not, spells in the same way.
fn within_texts(text: &[u8]) -> Option<Vec<u8>> {
    let splits = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-_.~".contains(byte);
    text.split(splits).max_by_key(|run| run.len()).filter(|run| !run.is_empty()).map(<[u8]>::to_vec)
}

/// The longest run of a text that is spelled in one way only, within strings as well as across the tokens of an
/// object's compact JSON.
fn part(text: &str) -> Option<Vec<u8>> {
    let splits = |c: char| {
        matches!(c, '"' | '\\' | ',' | '{' | '}' | '[' | ']' | char::REPLACEMENT_CHARACTER) || c.is_control()
    };
    // A colon between tokens stands behind a quote, so that only the first of a run can be one.
    let run = text.split(splits).map(|run| run.trim_start_matches(':')).max_by_key(|run| run.len())?;
    (!run.is_empty()).then(|| run.as_bytes().to_vec())
}
