//! The two sides of a comparison: fields and literals.

use sqlparser::ast::{CastKind, DataType, Expr, Ident, TypedString, UnaryOperator, Value};
use trailseal_archive::Timestamp;

use super::{Fault, functions::Call};
use crate::{
    decimal::is_decimal,
    derived::{Derived, FileMember, Named},
    path::{FieldPath, known_name},
    predicate::{Literal, compare_numbers},
};

/// The longest way to name something in an error, in characters.
const MAX_SHOWN: usize = 60;

pub(super) enum Operand {
    Target(Target),
    Constant(Constant),
    Null,
}

/// What is tested.
pub(super) struct Target {
    pub(super) subject: Subject,
    /// `lower(…)` or `upper(…)`.
    pub(super) ignore_case: bool,
    /// What it was cast to.
    pub(super) nature: Option<Nature>,
    /// A word alone that may have been meant as text.
    pub(super) doubtful: Option<Fault>,
}

pub(super) enum Subject {
    Field(FieldPath),
    Derived(Derived),
    OfFile(FileMember),
    Category,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Text,
    Number,
    Time,
    /// The day of a time, in UTC.
    Day,
}

/// A literal before it is known what it is compared with.
#[derive(Clone)]
pub(super) enum Constant {
    Text(String),
    Number(String),
    Bool(bool),
    Time(Timestamp),
}

/// Reads one side.
pub(super) fn read(expr: &Expr) -> Result<Operand, Fault> {
    match expr {
        Expr::Nested(inner) => read(inner),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
            Ok(Operand::Target(Target::field(names(expr).unwrap_or_default())))
        }
        Expr::Value(value) => constant(&value.value),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => match read(inner)? {
            Operand::Constant(Constant::Number(number)) if !number.starts_with('-') => {
                Ok(Operand::Constant(Constant::Number(format!("-{number}"))))
            }
            _ => Err(Fault::unsupported("arithmetic")),
        },
        Expr::UnaryOp { op: UnaryOperator::Plus, expr: inner } => match read(inner)? {
            number @ Operand::Constant(Constant::Number(_)) => Ok(number),
            _ => Err(Fault::unsupported("arithmetic")),
        },
        Expr::TypedString(TypedString { data_type, value, .. }) => {
            let nature = Nature::of(data_type)?;
            let text = text_of(&value.value).ok_or_else(|| Fault::NoLiteral { what: shown(expr) })?;
            Constant::Text(text).cast(nature).map(Operand::Constant)
        }
        Expr::Cast { kind, expr: inner, data_type, format: None } if *kind != CastKind::SafeCast => {
            let nature = Nature::of(data_type)?;
            Ok(match read(inner)? {
                Operand::Target(target) => Operand::Target(target.cast(nature)?),
                Operand::Constant(constant) => Operand::Constant(constant.cast(nature)?),
                Operand::Null => Operand::Null,
            })
        }
        Expr::Function(function) => Call::read(function)?.operand(),
        Expr::BinaryOp { .. } => match hyphenated(expr) {
            Some(name) => Err(Fault::Hyphen { name }),
            None => Err(Fault::Unsupported {
                what: "arithmetic or a condition within a comparison".to_owned(),
                hint: what_was_meant(expr),
            }),
        },
        Expr::CompoundFieldAccess { .. } | Expr::JsonAccess { .. } => Err(Fault::Subscript),
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
            Err(Fault::unsupported("a subquery"))
        }
        _ => Err(Fault::unsupported(shown(expr))),
    }
}

/// The literal that stands here.
pub(super) fn read_constant(expr: &Expr) -> Result<Constant, Fault> {
    match read(expr)? {
        Operand::Constant(constant) => Ok(constant),
        Operand::Null => Err(Fault::Null),
        Operand::Target(Target { doubtful: Some(fault @ Fault::DoubleQuoted { .. }), .. }) => Err(fault),
        Operand::Target(_) => Err(Fault::NoLiteral { what: shown(expr) }),
    }
}

/// The text that stands here.
pub(super) fn read_text(expr: &Expr) -> Result<String, Fault> {
    match read_constant(expr)? {
        Constant::Text(text) => Ok(text),
        _ => Err(Fault::NoLiteral { what: shown(expr) }),
    }
}

/// The field or derived member that stands here.
pub(super) fn read_target(expr: &Expr) -> Result<Target, Fault> {
    match read(expr)? {
        Operand::Target(target) => Ok(target),
        _ => Err(Fault::Unsupported {
            what: format!("{} in the place of a field", shown(expr)),
            hint: Some("write the field first, as in eventName LIKE 'Get%'"),
        }),
    }
}

/// An expression as an error shows it.
pub(super) fn shown(expr: &Expr) -> String {
    if let Some(names) = names(expr) {
        let texts: Vec<_> = names.iter().map(|name| name.value.as_str()).collect();
        return shorten(&texts.join("."));
    }
    // The tree that the parser built is bounded, so that printing it is, too.
    shorten(&expr.to_string())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

fn names(expr: &Expr) -> Option<&[Ident]> {
    match expr {
        Expr::Identifier(name) => Some(std::slice::from_ref(name)),
        Expr::CompoundIdentifier(names) => Some(names),
        _ => None,
    }
}

/// What to write instead of an operator that binds closer than a comparison does.
fn what_was_meant(expr: &Expr) -> Option<&'static str> {
    use sqlparser::ast::BinaryOperator as B;
    let Expr::BinaryOp { left, op, right } = expr else { return None };
    match op {
        // `a = 'x' && b IS NULL` is `(a = ('x' && b)) IS NULL`
        B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq => match &**right {
            Expr::BinaryOp { op: B::PGOverlap, .. } => Some("write AND between conditions"),
            Expr::BinaryOp { op: B::StringConcat, .. } => Some("write OR between conditions"),
            _ => None,
        },
        B::PGOverlap | B::BitwiseAnd => Some("write AND between conditions"),
        B::StringConcat | B::BitwiseOr => Some("write OR between conditions"),
        B::Minus | B::Plus if has_interval(left) || has_interval(right) => Some(RELATIVE),
        B::Minus if is_number(left) => Some("a time is written in single quotes: eventTime > '2024-03-01'"),
        _ => None,
    }
}

/// What to write for a time that depends on now.
pub(super) const RELATIVE: &str = "the options --from and --to take relative times: --from -7d";

fn has_interval(expr: &Expr) -> bool {
    match expr {
        Expr::Interval(_) => true,
        Expr::Nested(inner) => has_interval(inner),
        Expr::BinaryOp { left, right, .. } => has_interval(left) || has_interval(right),
        _ => false,
    }
}

/// A number, or one minus another, as in `2024-03-01`.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::BinaryOp { left, right, .. } => is_number(left) && is_number(right),
        _ => false,
    }
}

/// `a.b-c-d` as the one name that was meant.
fn hyphenated(expr: &Expr) -> Option<String> {
    use sqlparser::ast::BinaryOperator::Minus;
    let Expr::BinaryOp { left, op: Minus, right } = expr else { return None };
    let [tail] = names(right)? else { return None };
    let head = match names(left) {
        Some([path @ .., last]) => {
            let names = path.iter().map(|name| name.value.clone());
            names.chain([format!("\"{}", last.value)]).collect::<Vec<_>>().join(".")
        }
        _ => hyphenated(left)?.trim_end_matches('"').to_owned(),
    };
    Some(format!("{head}-{}\"", tail.value))
}

fn constant(value: &Value) -> Result<Operand, Fault> {
    Ok(Operand::Constant(match value {
        Value::Number(number, false) if compare_numbers(number, "0").is_some() => {
            Constant::Number(number.clone())
        }
        Value::Number(number, _) => return Err(Fault::Number { text: shorten(number) }),
        Value::Boolean(holds) => Constant::Bool(*holds),
        Value::Null => return Ok(Operand::Null),
        other => match text_of(other) {
            Some(text) => Constant::Text(text),
            None => return Err(Fault::NoLiteral { what: shorten(&other.to_string()) }),
        },
    }))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text)
        | Value::NationalStringLiteral(text) => Some(text.clone()),
        Value::DollarQuotedString(text) => Some(text.value.clone()),
        _ => None,
    }
}

impl Nature {
    fn of(data_type: &DataType) -> Result<Self, Fault> {
        let name = data_type.to_string().to_ascii_uppercase();
        let first = name.split([' ', '(']).next().unwrap_or_default();
        Ok(match first {
            // of booleans the texts are compared
            "VARCHAR" | "CHAR" | "CHARACTER" | "TEXT" | "STRING" | "NVARCHAR" | "BOOLEAN" | "BOOL" => {
                Self::Text
            }
            "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" | "DOUBLE" | "FLOAT" | "REAL"
            | "DECIMAL" | "NUMERIC" | "INT8" | "INT4" | "INT64" => Self::Number,
            "TIMESTAMP" | "DATETIME" | "TIMESTAMPTZ" => Self::Time,
            "DATE" => Self::Day,
            _ => return Err(Fault::unsupported(format!("the type {}", shorten(&name)))),
        })
    }
}

impl Constant {
    /// As a text, whatever it is.
    fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Bool(holds) => holds.to_string(),
            Self::Time(time) => time.to_string(),
        }
    }

    pub(super) fn cast(self, nature: Nature) -> Result<Self, Fault> {
        Ok(match (nature, self) {
            (Nature::Text, constant) => Self::Text(constant.into_text()),
            (Nature::Time, time @ Self::Time(_)) => time,
            (Nature::Time, constant) => {
                let text = constant.into_text();
                Self::Time(moment(&text).ok_or(Fault::Time { text: shorten(&text) })?)
            }
            (Nature::Day, constant) => match constant.cast(Nature::Time)? {
                Self::Time(time) => Self::Time(time.plus(-time.epoch().rem_euclid(24 * 3600))),
                other => other,
            },
            (Nature::Number, constant) => {
                let text = constant.into_text();
                if compare_numbers(&text, "0").is_none() {
                    return Err(Fault::Number { text: shorten(&text) });
                }
                Self::Number(text)
            }
        })
    }

    pub(super) fn timestamp(text: &str) -> Result<Self, Fault> {
        Self::Text(text.to_owned()).cast(Nature::Time)
    }
}

impl Target {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, ignore_case: false, nature: None, doubtful: None }
    }

    /// The day of `eventTime` is a field of its own; of other fields there is none.
    pub(super) fn cast(self, nature: Nature) -> Result<Self, Fault> {
        if nature != Nature::Day {
            return Ok(Self { nature: Some(nature), doubtful: None, ..self });
        }
        match self.subject {
            Subject::Field(path) if path.segments() == ["eventTime"] => {
                Ok(Self { nature: Some(nature), ..Self::new(Subject::Derived(Derived::Day)) })
            }
            _ => Err(Fault::Unsupported {
                what: "the day of anything but eventTime".to_owned(),
                hint: Some("write eventTime::date = '2024-03-01', or compare by order: x >= '2024-03-01'"),
            }),
        }
    }

    fn field(names: &[Ident]) -> Self {
        if let [Ident { value, quote_style: None, .. }] = names
            && let Some(named) = Named::of(value)
        {
            return Self::new(match named {
                Named::Derived(Derived::Category) => Subject::Category,
                Named::Derived(derived) => Subject::Derived(derived),
                Named::OfFile(member) => Subject::OfFile(member),
            });
        }
        let doubtful = match names {
            [Ident { value, quote_style, .. }] if known_name(value).is_none() => match quote_style {
                Some('"') => Some(Fault::DoubleQuoted { name: shorten(value) }),
                Some('`') => None,
                _ => Some(Fault::BareWord { name: shorten(value) }),
            },
            _ => None,
        };
        let path = FieldPath::new(names.iter().map(|name| name.value.as_str()));
        Self { doubtful, ..Self::new(Subject::Field(path)) }
    }

    /// The field, if it is nothing but one.
    pub(super) fn into_plain_field(self) -> Result<FieldPath, Fault> {
        if let Some(fault) = self.doubtful {
            return Err(fault);
        }
        match self.subject {
            Subject::Field(path) if !self.ignore_case && matches!(self.nature, None | Some(Nature::Text)) => {
                Ok(path)
            }
            _ => Err(Fault::Unsupported {
                what: "a function or cast on one side of two fields".to_owned(),
                hint: Some("two fields compare as texts, as they are"),
            }),
        }
    }

    /// The literal as it is compared with this; `is_by_order` for `<`, `>` and their like.
    pub(super) fn literal(&self, constant: Constant, is_by_order: bool) -> Result<Literal, Fault> {
        // these are texts that sort by time
        let is_cut_time = matches!(self.subject, Subject::Derived(Derived::Day | Derived::Hour));
        let is_event_time = matches!(&self.subject, Subject::Field(path) if path.segments() == ["eventTime"]);
        let constant = match self.nature {
            Some(nature) => constant.cast(nature)?,
            None if is_event_time => constant.cast(Nature::Time)?,
            None => constant,
        };
        Ok(match constant {
            Constant::Text(text)
                if self.nature.is_none() && is_by_order && !is_cut_time && is_like_a_date(&text) =>
            {
                moment(&text).map_or(Literal::Text(text), Literal::Time)
            }
            Constant::Text(text) if self.nature.is_none() && is_decimal(&text) => Literal::Digits(text),
            Constant::Text(text) => Literal::Text(text),
            Constant::Number(number) => Literal::Number(number),
            Constant::Bool(holds) => Literal::Text(holds.to_string()),
            Constant::Time(time) if self.nature == Some(Nature::Day) => {
                Literal::Text(time.to_string().chars().take(10).collect())
            }
            Constant::Time(time) => Literal::Time(time),
        })
    }
}

/// The forms that [`Timestamp::parse_loose`] takes and Athena's `2024-03-01 00:00:00 UTC`.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let bare = text.strip_suffix("UTC").map_or(text, str::trim_end);
    Timestamp::parse_loose(bare).ok()
}

/// `YYYY-MM-DD…`
pub(super) fn is_like_a_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
