//! Comparisons that cannot mean what was written, since CloudTrail never writes such a value in that field.

use crate::{
    local_time::Weekday,
    predicate::{Literal, Operator, Test},
};

/// What a field holds in every record that CloudTrail writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Words, which are never a number.
    Words,
    /// The same, and neither `*` nor `%` is ever part of them.
    Names,
    /// An IP address or a service's name.
    Address,
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
}

/// The fields of which it is certain (docs/spec/records.md 2.1 to 2.3); of all others a client or a service chooses the
/// value.
const FIELDS: [(&str, Holds); 28] = [
    ("awsRegion", Holds::Names),
    ("eventCategory", Holds::Names),
    ("eventID", Holds::Names),
    ("eventName", Holds::Names),
    ("eventSource", Holds::Names),
    ("eventType", Holds::Names),
    ("insightDetails.insightContext.statistics.baseline.average", Holds::Number),
    ("insightDetails.insightContext.statistics.baselineDuration", Holds::Number),
    ("insightDetails.insightContext.statistics.insight.average", Holds::Number),
    ("insightDetails.insightContext.statistics.insightDuration", Holds::Number),
    ("insightDetails.insightType", Holds::Names),
    ("insightDetails.state", Holds::Names),
    ("managementEvent", Holds::Flag),
    ("readOnly", Holds::Flag),
    ("resources.ARN", Holds::Words),
    ("resources.type", Holds::Names),
    ("sessionCredentialFromConsole", Holds::Flag),
    ("sharedEventID", Holds::Names),
    ("sourceIPAddress", Holds::Address),
    ("tlsDetails.cipherSuite", Holds::Names),
    ("tlsDetails.tlsVersion", Holds::Names),
    ("userIdentity.accessKeyId", Holds::Names),
    ("userIdentity.arn", Holds::Words),
    ("userIdentity.sessionContext.attributes.mfaAuthenticated", Holds::Flag),
    ("userIdentity.sessionContext.sessionIssuer.arn", Holds::Words),
    ("userIdentity.sessionContext.sessionIssuer.type", Holds::Names),
    ("userIdentity.type", Holds::Names),
    ("vpcEndpointId", Holds::Names),
];

/// What is odd about this test of a field, if anything is.
pub(super) fn note(path: &[String], test: &Test) -> Option<String> {
    let path = path.join(".");
    let holds = FIELDS.iter().find(|(known, _)| *known == path)?.1;
    let literals: Vec<&Literal> = match test {
        Test::Compare(_, literal) => vec![literal],
        Test::In(literals) => literals.iter().collect(),
        Test::Between(low, high) => vec![low, high],
        Test::Exists | Test::Text(_) | Test::Cidr(_) => return None,
    };
    let is_equality = matches!(test, Test::Compare(Operator::Equal | Operator::NotEqual, _) | Test::In(_));
    let why = literals.into_iter().find_map(|literal| odd(holds, literal, is_equality))?;
    Some(format!("{path}: {why}"))
}

/// What is odd about this test of the hour, if anything is: it is one of a day, and not of every day.
pub(super) fn hour(test: &Test) -> Option<String> {
    let is_hour = |literal: &Literal| match literal {
        Literal::Text(text) | Literal::Digits(text) | Literal::Number(text) => {
            text.len() > 4
                && text
                    .bytes()
                    .zip(*b"0000-")
                    .all(|(byte, sign)| if sign == b'0' { byte.is_ascii_digit() } else { byte == sign })
        }
        Literal::Time(_) => true,
    };
    let is_odd = match test {
        Test::Compare(_, literal) => !is_hour(literal),
        Test::In(literals) => literals.iter().any(|literal| !is_hour(literal)),
        Test::Between(low, high) => !is_hour(low) || !is_hour(high),
        Test::Exists | Test::Text(_) | Test::Cidr(_) => false,
    };
    is_odd.then(|| {
        "hour: it is written as 2024-03-01T04:00Z; --hours 04:00-05:00 finds an hour of every day".to_owned()
    })
}

/// What is odd about this test of the day of the week, if anything is.
pub(super) fn weekday(test: &Test) -> Option<String> {
    let literals = match test {
        Test::Compare(_, literal) => std::slice::from_ref(literal),
        Test::In(literals) => literals.as_slice(),
        _ => return None,
    };
    let name = |literal: &Literal| match literal {
        Literal::Text(text) | Literal::Digits(text) | Literal::Number(text) => Some(quoted(text)),
        Literal::Time(_) => None,
    };
    let wrong =
        literals.iter().filter_map(name).find(|name| !Weekday::names().any(|day| *name == quoted(day)))?;
    Some(format!("weekday is never {wrong}, but mon, tue, wed, thu, fri, sat or sun"))
}

fn odd(holds: Holds, literal: &Literal, is_equality: bool) -> Option<String> {
    match (holds, literal) {
        (Holds::Words | Holds::Names | Holds::Address, Literal::Number(number)) => {
            Some(format!("the field holds text, which is never the number {number}"))
        }
        (Holds::Flag, Literal::Number(number)) => {
            Some(format!("the field holds true or false, which is never {number}"))
        }
        (Holds::Flag, Literal::Text(text) | Literal::Digits(text))
            if is_equality && !matches!(text.as_str(), "true" | "false") =>
        {
            Some(format!("the field holds true or false, which is never {}", quoted(text)))
        }
        (Holds::Number, Literal::Text(text))
            if is_equality && crate::predicate::compare_numbers(text, "0").is_none() =>
        {
            Some(format!("the field holds a number, which is never {}", quoted(text)))
        }
        (Holds::Number, Literal::Text(text)) if !is_equality => {
            Some(format!("{} in quotes is compared as text, in which '9' comes after '10'", quoted(text)))
        }
        (Holds::Names, Literal::Text(text)) if is_equality && text.contains(['*', '%']) => Some(format!(
            "{} is compared as it stands; LIKE takes %, and glob(field, 'text') takes *",
            quoted(text)
        )),
        (Holds::Address, Literal::Text(text)) if is_equality && text.contains('/') => {
            Some(format!("a network is no address: write cidr(sourceIPAddress, {})", quoted(text)))
        }
        _ => None,
    }
}

/// A text as it is written in an expression, shortened.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let more = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let text: String = text.chars().take(LONGEST).collect();
    format!("'{}{more}'", text.replace('\'', "''"))
}
