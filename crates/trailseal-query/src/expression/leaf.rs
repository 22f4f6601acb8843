//! Single conditions, from the SQL parser's tree.

use regex::Regex;
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::{
    Fault, MAX_PATTERNS, MAX_REGEXES,
    functions::Call,
    mismatch::quoted,
    operand::{self, Constant, Operand, Subject, Target, read, read_constant, read_target, read_text},
    suggest::MAX_NOTES,
};
use crate::{
    category::Category,
    derived::Derived,
    path::FieldPath,
    predicate::{Literal, Operator, Predicate, Test, TextTest, compare_numbers},
};

/// Makes predicates, and counts the patterns in them.
#[derive(Default)]
pub(super) struct Leaf {
    regexes: usize,
    patterns: usize,
    notes: Vec<String>,
}

impl Leaf {
    /// What is odd about patterns that were read.
    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes
    }

    pub(super) fn predicate(&mut self, expr: &Expr) -> Result<Predicate, Fault> {
        Ok(match expr {
            Expr::Nested(inner) => self.predicate(inner)?,
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => !self.predicate(expr)?,
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            Expr::IsNull(field) => !read_target(field)?.test(Test::Exists),
            Expr::IsNotNull(field) => read_target(field)?.test(Test::Exists),
            Expr::IsTrue(field) => is_flag(field, true)?,
            Expr::IsNotTrue(field) => !is_flag(field, true)?,
            Expr::IsFalse(field) => is_flag(field, false)?,
            Expr::IsNotFalse(field) => !is_flag(field, false)?,
            Expr::InList { expr, list, negated } => negate(is_in(expr, list)?, *negated),
            Expr::Between { expr, negated, low, high } => negate(between(expr, low, high)?, *negated),
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                negate(self.like(expr, pattern, escape_char.as_deref(), false)?, *negated)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                negate(self.like(expr, pattern, escape_char.as_deref(), true)?, *negated)
            }
            Expr::RLike { negated, expr, pattern, .. } => {
                negate(self.matches(expr, pattern, false)?, *negated)
            }
            Expr::SimilarTo { .. } => {
                return Err(Fault::Unsupported {
                    what: "SIMILAR TO".to_owned(),
                    hint: Some("write a regular expression: eventName ~ '^(Get|List)'"),
                });
            }
            Expr::InSubquery { .. } | Expr::Subquery(_) | Expr::Exists { .. } => {
                return Err(Fault::unsupported("a subquery"));
            }
            Expr::Function(function) => {
                let call = Call::read(function)?;
                match call.predicate(self)? {
                    Some(predicate) => predicate,
                    None => return Err(Fault::NoCondition { text: operand::shown(expr) }),
                }
            }
            other => alone(other)?,
        })
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Predicate, Fault> {
        use BinaryOperator as B;
        let operator = match op {
            B::Eq => Operator::Equal,
            B::NotEq => Operator::NotEqual,
            B::Lt => Operator::Less,
            B::LtEq => Operator::LessOrEqual,
            B::Gt => Operator::Greater,
            B::GtEq => Operator::GreaterOrEqual,
            B::PGRegexMatch => return self.matches(left, right, false),
            B::PGRegexIMatch => return self.matches(left, right, true),
            B::PGRegexNotMatch => return Ok(!self.matches(left, right, false)?),
            B::PGRegexNotIMatch => return Ok(!self.matches(left, right, true)?),
            B::StringConcat => return Err(unsupported_operator(op, Some("write OR between conditions"))),
            B::PGOverlap | B::BitwiseAnd => {
                return Err(unsupported_operator(op, Some("write AND between conditions")));
            }
            B::And | B::Or | B::Xor => {
                return Err(Fault::unsupported("a condition in the place of a value"));
            }
            B::Minus => {
                read(&Expr::BinaryOp {
                    left: left.clone().into(),
                    op: B::Minus,
                    right: right.clone().into(),
                })?;
                return Err(Fault::unsupported("arithmetic"));
            }
            _ => return Err(unsupported_operator(op, None)),
        };
        compare(read(left)?, operator, read(right)?)
    }

    fn like(
        &mut self,
        field: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        ignore_case: bool,
    ) -> Result<Predicate, Fault> {
        let target = read_target(field)?;
        let pattern = read_text(pattern)?;
        self.note_pattern(field, &pattern);
        let escape = escape.map(read_text).transpose()?.unwrap_or_default();
        let mut characters = escape.chars();
        let (escape, None) = (characters.next(), characters.next()) else {
            return Err(Fault::unsupported("an escape of several characters"));
        };
        let test = TextTest::like(&pattern, escape, ignore_case || target.ignore_case);
        Ok(target.test(Test::Text(self.pattern(&pattern, test)?)))
    }

    /// A `*` where nothing else is a wildcard was meant to be one.
    fn note_pattern(&mut self, field: &Expr, pattern: &str) {
        if pattern.contains('*') && !pattern.contains(['%', '_']) && self.notes.len() < MAX_NOTES {
            let (field, pattern) = (operand::shown(field), quoted(pattern));
            self.notes.push(format!(
                "{field} LIKE {pattern}: in LIKE, % is any text, and * is only itself; glob({field}, {pattern}) takes *"
            ));
        }
    }

    fn matches(&mut self, field: &Expr, pattern: &Expr, ignore_case: bool) -> Result<Predicate, Fault> {
        let target = read_target(field)?;
        let regex = self.regex(&read_text(pattern)?, ignore_case || target.ignore_case)?;
        Ok(target.test(Test::Text(regex)))
    }

    pub(super) fn regex(&mut self, pattern: &str, ignore_case: bool) -> Result<TextTest, Fault> {
        self.regexes += 1;
        if self.regexes > MAX_REGEXES {
            return Err(Fault::TooManyPatterns { limit: MAX_REGEXES });
        }
        let written = if ignore_case { format!("(?i){pattern}") } else { pattern.to_owned() };
        Regex::new(&written).map(TextTest::regex).map_err(|error| Fault::regex(pattern, &error))
    }

    /// Counts a pattern that became a regular expression.
    pub(super) fn pattern(
        &mut self,
        pattern: &str,
        test: Result<TextTest, regex::Error>,
    ) -> Result<TextTest, Fault> {
        let test = test.map_err(|error| Fault::regex(pattern, &error))?;
        self.patterns += usize::from(test.is_regex());
        if self.patterns > MAX_PATTERNS {
            return Err(Fault::TooManyPatterns { limit: MAX_PATTERNS });
        }
        Ok(test)
    }
}

impl Target {
    /// The predicate that this passes a test.
    pub(super) fn test(self, test: Test) -> Predicate {
        match self.subject {
            Subject::Field(path) => Predicate::Field(path, test),
            Subject::Derived(derived) => Predicate::Derived(derived, test),
            Subject::OfFile(member) => Predicate::OfFile(member, test),
            Subject::Category => Predicate::Derived(Derived::Category, test),
        }
    }
}

fn unsupported_operator(op: &BinaryOperator, hint: Option<&'static str>) -> Fault {
    Fault::Unsupported { what: format!("the operator {op}"), hint }
}

fn negate(predicate: Predicate, negated: bool) -> Predicate {
    if negated { !predicate } else { predicate }
}

/// A value that stands for a condition: `TRUE`, `readOnly`.
fn alone(expr: &Expr) -> Result<Predicate, Fault> {
    const FLAGS: [&str; 4] = ["managementEvent", "omitted", "readOnly", "sessionCredentialFromConsole"];
    let no_condition = || Fault::NoCondition { text: operand::shown(expr) };
    match read(expr)? {
        Operand::Constant(Constant::Bool(holds)) => Ok(Predicate::Constant(holds)),
        Operand::Target(Target { subject: Subject::Field(path), ignore_case: false, .. }) => {
            let is_flag = match path.segments() {
                [one] => FLAGS.contains(&one.as_str()) || crate::path::known_name(one).is_none(),
                _ => true,
            };
            is_flag.then(|| flag(path, true)).ok_or_else(no_condition)
        }
        Operand::Null => Err(Fault::Null),
        _ => Err(no_condition()),
    }
}

fn flag(path: FieldPath, is_set: bool) -> Predicate {
    Predicate::Field(path, Test::Compare(Operator::Equal, Literal::Text(is_set.to_string())))
}

/// `IS TRUE` and `IS FALSE`, which are never unknown.
fn is_flag(expr: &Expr, is_set: bool) -> Result<Predicate, Fault> {
    match read_target(expr)? {
        Target { subject: Subject::Field(path), ignore_case: false, .. } => {
            Ok(Predicate::Field(path.clone(), Test::Exists).and(flag(path, is_set)))
        }
        _ => Err(Fault::unsupported("IS TRUE or IS FALSE on anything but a field")),
    }
}

fn compare(left: Operand, operator: Operator, right: Operand) -> Result<Predicate, Fault> {
    match (left, right) {
        (Operand::Null, _) | (_, Operand::Null) => Err(Fault::Null),
        (Operand::Target(target), Operand::Constant(constant)) => {
            compare_constant(target, operator, constant)
        }
        (Operand::Constant(constant), Operand::Target(target)) => {
            compare_constant(target, operator.flipped(), constant)
        }
        (Operand::Target(left), Operand::Target(right)) => {
            // `eventName = "GetObject"` is told of the right side first
            let right = right.into_plain_field()?;
            Ok(Predicate::Fields(left.into_plain_field()?, operator, right))
        }
        (Operand::Constant(left), Operand::Constant(right)) => {
            let ordering = match (left, right) {
                (Constant::Text(left), Constant::Text(right)) => left.cmp(&right),
                (Constant::Number(left), Constant::Number(right)) => compare_numbers(&left, &right)
                    .ok_or_else(|| Fault::unsupported("this comparison of two numbers"))?,
                _ => return Err(Fault::unsupported("a comparison of two literals of different kinds")),
            };
            Ok(Predicate::Constant(operator.holds(ordering)))
        }
    }
}

fn compare_constant(target: Target, operator: Operator, constant: Constant) -> Result<Predicate, Fault> {
    let is_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    let is_negated = operator == Operator::NotEqual;
    if let (Subject::Category, true) = (&target.subject, is_equality) {
        return Ok(negate(Predicate::Category(vec![category(&constant)?]), is_negated));
    }
    let literal = target.literal(constant, !is_equality)?;
    if !target.ignore_case {
        return Ok(target.test(Test::Compare(operator, literal)));
    }
    match literal {
        Literal::Text(text) | Literal::Digits(text) if is_equality => {
            Ok(negate(target.test(Test::Text(TextTest::equals(&text, true))), is_negated))
        }
        _ => Err(Fault::unsupported("lower() or upper() in a comparison by order")),
    }
}

fn is_in(expr: &Expr, list: &[Expr]) -> Result<Predicate, Fault> {
    let target = read_target(expr)?;
    let constants = list.iter().map(read_constant);
    if let Subject::Category = target.subject {
        let categories = constants.map(|constant| category(&constant?)).collect::<Result<_, _>>()?;
        return Ok(Predicate::Category(categories));
    }
    let literals =
        constants.map(|constant| target.literal(constant?, false)).collect::<Result<Vec<_>, Fault>>()?;
    if !target.ignore_case {
        return Ok(target.test(Test::In(literals)));
    }
    let Subject::Field(path) = target.subject else {
        return Err(Fault::unsupported("IN with lower() or upper() on anything but a field"));
    };
    let equals = literals.into_iter().map(|literal| match literal {
        Literal::Text(text) | Literal::Digits(text) => {
            Ok(Predicate::Field(path.clone(), Test::Text(TextTest::equals(&text, true))))
        }
        _ => Err(Fault::unsupported("lower() or upper() with anything but texts")),
    });
    Ok(Predicate::any(equals.collect::<Result<_, _>>()?))
}

fn between(expr: &Expr, low: &Expr, high: &Expr) -> Result<Predicate, Fault> {
    let target = read_target(expr)?;
    if target.ignore_case {
        return Err(Fault::unsupported("lower() or upper() in a comparison by order"));
    }
    let low = target.literal(read_constant(low)?, true)?;
    let high = target.literal(read_constant(high)?, true)?;
    Ok(target.test(Test::Between(low, high)))
}

fn category(constant: &Constant) -> Result<Category, Fault> {
    match constant {
        Constant::Text(text) => {
            Category::from_name(text).ok_or_else(|| Fault::Category { text: text.clone() })
        }
        _ => Err(Fault::NoLiteral { what: "something else than a text".to_owned() }),
    }
}
