//! What may have been meant, where nothing was found: values that are like the ones that were asked for.

use std::{collections::HashMap, ops::ControlFlow};

use trailseal_evidence::scan::{self, Fold};
use trailseal_query::{Filter, Predicate};

use crate::{error::Error, fields::Field, question::Question};

/// Values that are kept for each that was asked for.
const MANY: usize = 100;

/// What was asked of a field.
#[derive(Clone, Debug)]
pub struct AskedValues {
    /// The field.
    pub field: Field,
    /// The values.
    pub values: Vec<String>,
}

/// A value that is like one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearValue {
    /// The place of what was asked among all.
    pub asked: usize,
    /// The value that was asked for.
    pub wanted: String,
    /// The value that is there.
    pub found: String,
    /// How many events have it.
    pub count: u64,
}

/// Looks at all events of the files for values that are like the ones that were asked for: in another case, with or without a
/// service, with a version or number behind the name, an account in groups, or one of several in a list. The most frequent first.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn near(question: &Question<'_>, asked: &[AskedValues]) -> Result<Vec<NearValue>, Error> {
    let everything = Filter::new(Predicate::Constant(true));
    let Question { files, options, progress, .. } = question;
    let (found, _) = scan::fold(*files, options, &everything, *progress, &Counts::default, &|part, row| {
        for (at, AskedValues { field, values }) in asked.iter().enumerate() {
            field.visit(row, &mut |value| {
                let Some(text) = value.text() else { return };
                for wanted in values.iter().filter(|wanted| is_near(wanted, &text)) {
                    part.add(at, wanted, &text);
                }
            });
        }
        ControlFlow::Continue(())
    })?;
    let near = |((asked, wanted, found), count)| NearValue { asked, wanted, found, count };
    let mut all: Vec<NearValue> = found.0.into_iter().map(near).collect();
    all.sort_by(|a, b| (a.asked, &a.wanted, b.count, &a.found).cmp(&(b.asked, &b.wanted, a.count, &b.found)));
    Ok(all)
}

#[derive(Debug, Default)]
struct Counts(HashMap<(usize, String, String), u64>);

impl Counts {
    fn add(&mut self, asked: usize, wanted: &str, found: &str) {
        let key = (asked, wanted.to_owned(), found.to_owned());
        if self.0.len() < MANY || self.0.contains_key(&key) {
            *self.0.entry(key).or_default() += 1;
        }
    }
}

impl Fold for Counts {
    fn merge(&mut self, other: Self) {
        for (key, count) in other.0 {
            *self.0.entry(key).or_default() += count;
        }
    }
}

/// Whether a value may have been meant by another one.
fn is_near(wanted: &str, found: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim().trim_matches(['*', '?', '\'', '"']).to_lowercase();
        let text = text.trim_end_matches(".amazonaws.com");
        // accounts are written in groups of four
        let is_grouped = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_grouped { text.replace('-', "") } else { text.to_owned() }
    };
    let found = bare(found);
    let is_like = |wanted: &str| {
        let wanted = bare(wanted);
        let name = wanted.rsplit([':', '/']).next().unwrap_or_default();
        let is_version =
            |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'v' | b'_' | b'-'));
        !name.is_empty() && (found == wanted || found.strip_prefix(name).is_some_and(is_version))
    };
    wanted.split([',', ' ']).any(is_like)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_near_by_case_service_version_and_in_lists() {
        for (wanted, found) in [
            ("Consolelogin", "ConsoleLogin"),
            ("CreateFunction", "CreateFunction20150331"),
            ("s3:GetObject", "GetObject"),
            ("GetObject,PutObject", "PutObject"),
            ("S3", "s3.amazonaws.com"),
            ("*ALICE*", "alice"),
            ("1111-2222-3333", "111122223333"),
            ("us-east", "us-east-1"),
        ] {
            assert!(is_near(wanted, found), "{wanted} {found}");
        }
        for (wanted, found) in [("Get", "GetObject"), ("", "x"), ("*", "x"), ("GetObject", "PutObject")] {
            assert!(!is_near(wanted, found), "{wanted} {found}");
        }
    }
}
