//! Predicates as the expressions that say the same.

use std::fmt;

use regex::escape;

use super::operand::is_like_a_date;
use crate::{
    decimal::is_decimal,
    derived::{Derived, Named},
    path::{FieldPath, known_name},
    predicate::{Literal, Operator, Predicate, Test, TextKind, TextTest, TimeRange, compare_numbers},
};

/// The predicate in the syntax that [`parse`](super::parse) reads, and that reads back as the same.
///
/// Shapes that `parse` never makes have no such syntax and are only described: an `In` or a category list
/// that is empty, a number that is none, a search anywhere for a whole text in any case, hours and days of a time zone, and
/// tests of what only timelines show.
impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(holds) => f.write_str(if *holds { "TRUE" } else { "FALSE" }),
            Self::All(parts) => join(f, parts, true),
            Self::Any(parts) => join(f, parts, false),
            Self::Not(part) => match sole(part) {
                Self::Field(path, Test::Exists) => write!(f, "{} IS NULL", Field(path)),
                Self::Derived(derived, Test::Exists) => write!(f, "{derived} IS NULL"),
                Self::OfFile(member, Test::Exists) => write!(f, "{} IS NULL", Named::OfFile(*member).name()),
                part => write!(f, "NOT {}", Tight(part)),
            },
            Self::Field(path, test) => print_test(f, &Field(path), test, path.segments() == ["eventTime"]),
            Self::Derived(derived, test) => print_test(f, derived, test, false),
            Self::OfFile(member, test) => print_test(f, &Named::OfFile(*member).name(), test, false),
            Self::TimeRange(TimeRange { from, to }) => match (from, to) {
                (None, None) => f.write_str("eventTime IS NOT NULL"),
                (Some(from), None) => write!(f, "eventTime >= TIMESTAMP '{from}'"),
                (None, Some(to)) => write!(f, "eventTime <= TIMESTAMP '{to}'"),
                (Some(from), Some(to)) => {
                    write!(f, "eventTime BETWEEN TIMESTAMP '{from}' AND TIMESTAMP '{to}'")
                }
            },
            Self::LocalTime(wanted) => write!(f, "{wanted}"),
            Self::Fields(left, operator, right) => {
                write!(f, "{} {operator} {}", Side(left), Side(right))
            }
            Self::Category(categories) => {
                f.write_str("category() IN (")?;
                for (index, category) in categories.iter().enumerate() {
                    write!(f, "{}'{}'", if index > 0 { ", " } else { "" }, category.name())?;
                }
                f.write_str(")")
            }
            Self::Anywhere(test) => print_anywhere(f, test),
            Self::Element(path, inner) => write!(f, "element({}, {inner})", Field(path)),
        }
    }
}

impl fmt::Display for Derived {
    /// How it is written in expressions, also within `element`, where that is possible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Username => "username()",
            Self::ResourceName => "resource_name()",
            Self::ResourceType => "resource_type()",
            // nobody can write these
            Self::Actor => "actor()",
            Self::PrincipalNames => "principal_names()",
            Self::Call => "call()",
            Self::Service => "service()",
            other => Named::Derived(*other).name(),
        })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

/// Joins with `AND` or `OR`; what is joined the same way within needs no parentheses.
fn join(f: &mut fmt::Formatter<'_>, parts: &[Predicate], is_and: bool) -> fmt::Result {
    let mut flat = Vec::new();
    flatten(parts, is_and, &mut flat);
    match flat.as_slice() {
        [] => f.write_str(if is_and { "TRUE" } else { "FALSE" }),
        [one] => write!(f, "{one}"),
        many => {
            for (index, part) in many.iter().enumerate() {
                if index > 0 {
                    f.write_str(if is_and { " AND " } else { " OR " })?;
                }
                write!(f, "{}", Tight(part))?;
            }
            Ok(())
        }
    }
}

fn flatten<'a>(parts: &'a [Predicate], is_and: bool, flat: &mut Vec<&'a Predicate>) {
    for part in parts {
        match part {
            Predicate::All(inner) if is_and && !inner.is_empty() => flatten(inner, is_and, flat),
            Predicate::Any(inner) if !is_and && !inner.is_empty() => flatten(inner, is_and, flat),
            Predicate::All(inner) | Predicate::Any(inner) if inner.len() == 1 => flatten(inner, is_and, flat),
            _ => flat.push(part),
        }
    }
}

/// In parentheses where it is joined of several.
struct Tight<'a>(&'a Predicate);

impl fmt::Display for Tight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match sole(self.0) {
            several @ (Predicate::All(parts) | Predicate::Any(parts)) if parts.len() > 1 => {
                write!(f, "({several})")
            }
            other => other.fmt(f),
        }
    }
}

/// What is joined of nothing else, without what joins it.
fn sole(predicate: &Predicate) -> &Predicate {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) if parts.len() == 1 => sole(&parts[0]),
        other => other,
    }
}

/// A path; names that are no plain words, and words alone that are no known field, in double quotes.
struct Field<'a>(&'a FieldPath);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_names(f, self.0, '"')
    }
}

/// A path that is compared with another: unknown words alone are in backticks there.
struct Side<'a>(&'a FieldPath);

impl fmt::Display for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_alone = self.0.segments().len() == 1;
        write_names(f, self.0, if is_alone { '`' } else { '"' })
    }
}

fn write_names(f: &mut fmt::Formatter<'_>, path: &FieldPath, quote: char) -> fmt::Result {
    for (index, name) in path.segments().iter().enumerate() {
        if index > 0 {
            f.write_str(".")?;
        }
        let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && (path.segments().len() > 1 || known_name(name).is_some());
        if is_word {
            f.write_str(name)?;
        } else {
            let doubled: String = [quote, quote].iter().collect();
            write!(f, "{quote}{}{quote}", name.replace(quote, &doubled))?;
        }
    }
    Ok(())
}

/// A text in single quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

fn print_test(
    f: &mut fmt::Formatter<'_>,
    subject: &dyn fmt::Display,
    test: &Test,
    is_event_time: bool,
) -> fmt::Result {
    match test {
        Test::Exists => write!(f, "{subject} IS NOT NULL"),
        Test::Compare(operator, literal) => {
            let is_by_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
            write_subject(f, subject, &[literal], is_event_time, is_by_order)?;
            write!(f, " {operator} {}", PrintedLiteral(literal))
        }
        Test::In(literals) => {
            let literals: Vec<_> = literals.iter().collect();
            write_subject(f, subject, &literals, is_event_time, false)?;
            f.write_str(" IN (")?;
            for (index, literal) in literals.iter().enumerate() {
                write!(f, "{}{}", if index > 0 { ", " } else { "" }, PrintedLiteral(literal))?;
            }
            f.write_str(")")
        }
        Test::Between(low, high) => {
            write_subject(f, subject, &[low, high], is_event_time, true)?;
            write!(f, " BETWEEN {} AND {}", PrintedLiteral(low), PrintedLiteral(high))
        }
        Test::Text(TextTest { kind, ignore_case }) => {
            let field = if *ignore_case { format!("lower({subject})") } else { subject.to_string() };
            match kind {
                TextKind::Equals(text) if is_event_time => {
                    write!(f, "CAST({field} AS VARCHAR) = {}", Quoted(text))
                }
                TextKind::Equals(text) => write!(f, "{field} = {}", Quoted(text)),
                TextKind::Prefix(text) => write!(f, "starts_with({field}, {})", Quoted(text)),
                TextKind::Suffix(text) => write!(f, "ends_with({field}, {})", Quoted(text)),
                TextKind::Contains(text) => write!(f, "contains({field}, {})", Quoted(text)),
                TextKind::Regex(regex) => write!(f, "{subject} ~ {}", Quoted(regex.as_str())),
            }
        }
        Test::Cidr(networks) => {
            write!(f, "cidr({subject}")?;
            networks.iter().try_for_each(|network| write!(f, ", '{network}'"))?;
            f.write_str(")")
        }
    }
}

/// The field, cast where a text or number would be read as a moment otherwise.
fn write_subject(
    f: &mut fmt::Formatter<'_>,
    subject: &dyn fmt::Display,
    literals: &[&Literal],
    is_event_time: bool,
    is_by_order: bool,
) -> fmt::Result {
    let is_misread = |literal: &&Literal| match literal {
        Literal::Text(text) => is_event_time || is_by_order && is_like_a_date(text) || is_decimal(text),
        Literal::Digits(_) | Literal::Number(_) => is_event_time,
        Literal::Time(_) => false,
    };
    let needs_cast = literals.iter().any(is_misread);
    match literals.first() {
        Some(Literal::Text(_) | Literal::Digits(_)) if needs_cast => write!(f, "CAST({subject} AS VARCHAR)"),
        Some(Literal::Number(_)) if needs_cast => write!(f, "CAST({subject} AS DOUBLE)"),
        _ => write!(f, "{subject}"),
    }
}

struct PrintedLiteral<'a>(&'a Literal);

impl fmt::Display for PrintedLiteral<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Literal::Text(text) | Literal::Digits(text) => Quoted(text).fmt(f),
            Literal::Number(number) if is_plain_number(number) => f.write_str(number),
            // a number in a form that SQL does not write, such as +1 or 1e+5
            Literal::Number(number) => write!(f, "CAST({} AS DOUBLE)", Quoted(number)),
            Literal::Time(time) => write!(f, "TIMESTAMP '{time}'"),
        }
    }
}

fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && compare_numbers(text, "0").is_some()
}

fn print_anywhere(f: &mut fmt::Formatter<'_>, test: &TextTest) -> fmt::Result {
    let (kind, flags) = (&test.kind, if test.ignore_case { "(?i)" } else { "" });
    match kind {
        TextKind::Contains(text) if test.ignore_case => write!(f, "ianywhere({})", Quoted(text)),
        TextKind::Contains(text) => write!(f, "anywhere({})", Quoted(text)),
        TextKind::Regex(regex) => write!(f, "anywhere_regex({})", Quoted(regex.as_str())),
        TextKind::Equals(text) => {
            write!(f, "anywhere_regex({})", Quoted(&format!("{flags}\\A{}\\z", escape(text))))
        }
        TextKind::Prefix(text) => {
            write!(f, "anywhere_regex({})", Quoted(&format!("{flags}\\A{}", escape(text))))
        }
        TextKind::Suffix(text) => {
            write!(f, "anywhere_regex({})", Quoted(&format!("{flags}{}\\z", escape(text))))
        }
    }
}
