//! Conditions of reading, in the order of RFC 9110 13.2.2, for GET and HEAD.

use std::time::{Duration, SystemTime};

use hyper::{
    HeaderMap,
    header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE},
};

/// The headers that hold conditions.
pub(crate) const CONDITIONS: [HeaderName; 5] =
    [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE];

/// What must hold for an object to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    matching: Option<TagSet>,
    none_matching: Option<TagSet>,
    modified_since: Option<SystemTime>,
    unmodified_since: Option<SystemTime>,
    range: Option<RangeCondition>,
}

/// Tags of which one must be the object's, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TagSet {
    Any,
    Of(Vec<Tag>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    value: String,
    is_weak: bool,
}

/// `If-Range`: when a part will do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RangeCondition {
    Tag(Tag),
    Date(SystemTime),
    /// Neither, which never holds.
    Neither,
}

/// Why an object is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// 412, with the header that does not hold.
    Failed(&'static str),
    /// 304: the client has it.
    NotModified,
}

impl Conditions {
    /// Reads them. A date that is none is ignored, as if its header were not there.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| {
            let lines: Vec<&str> =
                headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
            (!lines.is_empty()).then(|| lines.join(","))
        };
        let tags = |name| text(name).filter(|text| !text.trim().is_empty()).map(|text| TagSet::read(&text));
        let date = |name| text(name).and_then(|text| date(&text));
        Self {
            matching: tags(IF_MATCH),
            none_matching: tags(IF_NONE_MATCH),
            modified_since: date(IF_MODIFIED_SINCE),
            unmodified_since: date(IF_UNMODIFIED_SINCE),
            range: text(IF_RANGE).map(|text| RangeCondition::read(text.trim())),
        }
    }

    /// Whether the object may be sent. Times count in whole seconds, as `Last-Modified` says them.
    pub(crate) fn check(&self, tag: &str, modified: SystemTime) -> Result<(), Unmet> {
        let modified = seconds(modified);
        if let Some(tags) = &self.matching {
            if !tags.has(tag, true) {
                return Err(Unmet::Failed("If-Match"));
            }
        } else if self.unmodified_since.is_some_and(|since| modified > seconds(since)) {
            return Err(Unmet::Failed("If-Unmodified-Since"));
        }
        let is_known = match &self.none_matching {
            Some(tags) => tags.has(tag, false),
            None => self.modified_since.is_some_and(|since| modified <= seconds(since)),
        };
        if is_known { Err(Unmet::NotModified) } else { Ok(()) }
    }

    /// Whether a part may be sent; otherwise the whole object is.
    pub(crate) fn allow_part(&self, tag: &str, modified: SystemTime) -> bool {
        match &self.range {
            None => true,
            Some(RangeCondition::Tag(wanted)) => !wanted.is_weak && wanted.value == tag,
            Some(RangeCondition::Date(date)) => seconds(*date) == seconds(modified),
            Some(RangeCondition::Neither) => false,
        }
    }
}

impl TagSet {
    fn read(text: &str) -> Self {
        // no tag of S3 holds a comma
        let tags: Vec<&str> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        if tags.contains(&"*") { Self::Any } else { Self::Of(tags.into_iter().map(Tag::read).collect()) }
    }

    /// Whether a tag, which is strong, is among them; compared strongly, weak ones are no such tag (RFC 9110 8.8.3.2).
    fn has(&self, tag: &str, strongly: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Of(tags) => tags.iter().any(|other| other.value == tag && !(strongly && other.is_weak)),
        }
    }
}

impl Tag {
    /// S3 takes tags without quotes, too, which SDKs send when they are given so.
    fn read(text: &str) -> Self {
        let (is_weak, text) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
        let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Self { value: quoted.unwrap_or(text).to_owned(), is_weak }
    }
}

impl RangeCondition {
    fn read(text: &str) -> Self {
        if let Some(date) = date(text) {
            return Self::Date(date);
        }
        if text.is_empty() || text.contains(' ') { Self::Neither } else { Self::Tag(Tag::read(text)) }
    }
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.trim()).ok()
}

/// Whole seconds since 1970; before it was nothing.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).as_ref().map_or(0, Duration::as_secs)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// 2024-03-01T12:00:00Z and half a second.
    fn modified() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_709_294_400_500)
    }

    const BEFORE: &str = "Fri, 01 Mar 2024 11:59:59 GMT";
    const AT: &str = "Fri, 01 Mar 2024 12:00:00 GMT";

    type Lines<'a> = &'a [(&'static str, &'a str)];

    fn conditions(lines: Lines<'_>) -> Conditions {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Conditions::read(&headers)
    }

    fn check(lines: Lines<'_>) -> Result<(), Unmet> {
        conditions(lines).check("aa", modified())
    }

    #[test]
    fn conditions_are_met_or_not() {
        let failed = |name| Err(Unmet::Failed(name));
        let cases: [(Lines<'_>, Result<(), Unmet>); 22] = [
            (&[], Ok(())),
            (&[("if-match", "\"aa\"")], Ok(())),
            (&[("if-match", "aa")], Ok(())),
            (&[("if-match", "*")], Ok(())),
            (&[("if-match", "\"bb\", \"aa\"")], Ok(())),
            (&[("if-match", "\"bb\""), ("if-match", "\"aa\"")], Ok(())),
            (&[("if-match", "W/\"aa\"")], failed("If-Match")),
            (&[("if-match", "\"bb\"")], failed("If-Match")),
            (&[("if-unmodified-since", BEFORE)], failed("If-Unmodified-Since")),
            (&[("if-unmodified-since", AT)], Ok(())),
            (&[("if-unmodified-since", "yesterday")], Ok(())),
            // a tag that matches says more than a time
            (&[("if-match", "aa"), ("if-unmodified-since", BEFORE)], Ok(())),
            (&[("if-none-match", "\"aa\"")], Err(Unmet::NotModified)),
            (&[("if-none-match", "W/\"aa\"")], Err(Unmet::NotModified)),
            (&[("if-none-match", "*")], Err(Unmet::NotModified)),
            (&[("if-none-match", "\"bb\"")], Ok(())),
            (&[("if-modified-since", AT)], Err(Unmet::NotModified)),
            (&[("if-modified-since", BEFORE)], Ok(())),
            (&[("if-modified-since", "2024-03-01")], Ok(())),
            (&[("if-none-match", "\"bb\""), ("if-modified-since", AT)], Ok(())),
            (&[("if-none-match", "\"aa\""), ("if-modified-since", BEFORE)], Err(Unmet::NotModified)),
            (&[("if-match", "\"bb\""), ("if-none-match", "\"aa\"")], failed("If-Match")),
        ];
        for (lines, expected) in cases {
            assert_eq!(check(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_part_is_sent_of_the_version_that_is_meant() {
        for (value, expected) in [
            ("\"aa\"", true),
            ("aa", true),
            ("W/\"aa\"", false),
            ("\"bb\"", false),
            (AT, true),
            (BEFORE, false),
            ("no date", false),
            ("", false),
        ] {
            assert_eq!(conditions(&[("if-range", value)]).allow_part("aa", modified()), expected, "{value}");
        }
        assert!(conditions(&[]).allow_part("aa", modified()));
    }

    proptest! {
        #[test]
        fn nothing_panics(one in "[ -~]{0,40}", other in "[ -~]{0,40}") {
            for name in CONDITIONS {
                let mut headers = HeaderMap::new();
                headers.append(&name, HeaderValue::from_str(&one).unwrap());
                headers.append(&name, HeaderValue::from_str(&other).unwrap());
                let _ = Conditions::read(&headers).check("aa", modified());
            }
        }
    }
}
