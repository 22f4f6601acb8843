//! What can be wrong with a condition whose syntax is right.

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// SQL that has no meaning here.
    #[error("{what} cannot be used in a condition over event records")]
    Unsupported {
        /// It, in words.
        what: String,
        /// What to write instead.
        hint: Option<&'static str>,
    },
    /// A value where a condition must be.
    #[error("{text} alone is no condition")]
    NoCondition {
        /// The value as it would be printed.
        text: String,
    },
    /// No function of this name exists here.
    #[error("there is no function {name:?}")]
    UnknownFunction {
        /// Its name as written.
        name: String,
    },
    /// A function was given other arguments than it takes.
    #[error("{function} is written {usage}")]
    Arguments {
        /// Its name.
        function: &'static str,
        /// How it is written.
        usage: &'static str,
    },
    /// A text, number or moment is needed, and something else was written.
    #[error("{what} stands where a value in single quotes must")]
    NoLiteral {
        /// What was written.
        what: String,
    },
    /// A name in double quotes that is no field, compared with a field.
    #[error("\"{name}\" in double quotes is the name of a field, and no event record has such a field")]
    DoubleQuoted {
        /// The name.
        name: String,
    },
    /// A word that is no known field, compared with a field.
    #[error("{name} is no field of event records")]
    BareWord {
        /// The word.
        name: String,
    },
    /// A comparison with `NULL`.
    #[error("nothing compares with NULL")]
    Null,
    /// `a[0]`.
    #[error("a path has no subscripts")]
    Subscript,
    /// `requestParameters.x-amz-acl`.
    #[error("the minus in {name} ends the name before it")]
    Hyphen {
        /// The name as it was meant.
        name: String,
    },
    /// A text that is compared as a moment and is none.
    #[error("{text:?} is no time")]
    Time {
        /// The text.
        text: String,
    },
    /// A text that is compared as a number and is none.
    #[error("{text:?} is no number")]
    Number {
        /// The text.
        text: String,
    },
    /// No IP address and no network.
    #[error("{text:?} is neither an IP address nor a network such as 10.0.0.0/8")]
    Network {
        /// The text.
        text: String,
    },
    /// No event category.
    #[error("{text:?} is no event category: Management, Data, NetworkActivity and Insight are")]
    Category {
        /// The text.
        text: String,
    },
    /// A regular expression or pattern that does not compile.
    #[error("{pattern:?} is no regular expression: {reason}")]
    Regex {
        /// The pattern, shortened.
        pattern: String,
        /// The last line of the compiler's complaint.
        reason: String,
    },
    /// More patterns than [`MAX_REGEXES`](super::MAX_REGEXES) or [`MAX_PATTERNS`](super::MAX_PATTERNS).
    #[error("there are more than {limit} such patterns in the condition")]
    TooManyPatterns {
        /// The limit.
        limit: usize,
    },
}

/// Functions of SQL that depend on now.
const RELATIVE_FUNCTIONS: [&str; 8] = [
    "now",
    "current_timestamp",
    "current_date",
    "localtimestamp",
    "getdate",
    "date_add",
    "date_sub",
    "date_diff",
];
/// Functions of SQL that take a part of a time.
const PARTS_OF_TIMES: [&str; 8] =
    ["year", "month", "day", "hour", "date_trunc", "date_format", "strftime", "day_of_week"];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

impl Fault {
    /// What may help.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unsupported { hint, .. } => return hint.map(str::to_owned),
            Self::NoCondition { .. } => "compare it: eventName = 'GetObject', errorCode IS NOT NULL".to_owned(),
            Self::UnknownFunction { name } if name.to_ascii_lowercase().starts_with("json_") => {
                "members are named with dots: requestParameters.bucketName".to_owned()
            }
            Self::UnknownFunction { name } if is_one_of(name, &RELATIVE_FUNCTIONS) => {
                super::operand::RELATIVE.to_owned()
            }
            Self::UnknownFunction { name } if is_one_of(name, &PARTS_OF_TIMES) => {
                "the fields day, hour and weekday are those of eventTime, in UTC: day = '2024-03-01', hour LIKE \
                 '%T05:%', weekday = 'mon'"
                    .to_owned()
            }
            Self::UnknownFunction { .. } => format!("there are {}", super::functions::names()),
            Self::NoLiteral { .. } => "text is written in single quotes: 'GetObject'".to_owned(),
            Self::DoubleQuoted { name } | Self::BareWord { name } => {
                format!(
                    "text is written in single quotes: '{}' (a field that this version does not know, in backticks)",
                    name.replace('\'', "''")
                )
            }
            Self::Null => "write IS NULL or IS NOT NULL".to_owned(),
            Self::Subscript => {
                "a path through an array holds if any element does: resources.ARN; for one element that fits by \
                 itself, write element(resources, type = '…' AND ARN = '…')"
                    .to_owned()
            }
            Self::Hyphen { name } => format!("names with a minus are written in double quotes: {name}"),
            Self::Time { .. } => {
                "write 2024-03-01T00:00:00Z, 2024-03-01 00:00:00 (UTC) or 2024-03-01; the options --from and --to \
                 take relative times, too"
                    .to_owned()
            }
            Self::TooManyPatterns { .. } => "join patterns with | in one regular expression".to_owned(),
            _ => return None,
        })
    }

    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), hint: None }
    }

    pub(super) fn regex(pattern: &str, error: &regex::Error) -> Self {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        Self::Regex {
            pattern: pattern.chars().take(60).collect(),
            reason: last.strip_prefix("error: ").unwrap_or(last).trim_end_matches('.').to_owned(),
        }
    }
}
