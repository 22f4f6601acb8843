//! The values of options.

use std::path::PathBuf;

use trailseal_archive::Timestamp;
use trailseal_evidence::Map;
use trailseal_verify::finding::{Code, Severity};

/// A time, in any form that people write and that the AWS CLI takes: also a number of seconds with a sign or an
/// exponent.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let is_number = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && text.contains(['-', 'e', 'E'])
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))
    };
    Timestamp::parse_written(text).or_else(|error| {
        let number = Some(text.trim()).filter(|text| is_number(text));
        number.and_then(|text| Timestamp::parse_epoch(text).ok()).ok_or_else(|| error.to_string())
    })
}

/// A code whose findings may be notes.
pub(crate) fn allowed_code(text: &str) -> Result<Code, String> {
    let code: Code = text.parse().map_err(|error| format!("{error}; known are: {}", allowable()))?;
    match code.severity() {
        Severity::Violation => Err(format!("a violation cannot be allowed; what can be: {}", allowable())),
        Severity::Unproven | Severity::Note => Ok(code),
    }
}

fn allowable() -> String {
    let codes = Code::ALL.iter().filter(|code| code.severity() == Severity::Unproven);
    codes.map(|code| code.text()).collect::<Vec<_>>().join(", ")
}

/// `0` to `1024`.
pub(crate) fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| *threads <= 1024);
    threads.ok_or_else(|| "a number from 0 to 1024 is needed".to_owned())
}

/// A number of things, of which none make no sense.
pub(crate) fn at_least_one(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number from 1 is needed".to_owned())
}

/// `30s`, `90m`, `24h`, `7d` or `2w`, in seconds.
pub(crate) fn span(text: &str) -> Result<i64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        "w" => Some(7 * 86_400),
        _ => None,
    };
    let number: Option<u32> = digits.parse().ok();
    unit.zip(number)
        .map(|(unit, number)| unit * i64::from(number))
        .ok_or_else(|| "write a span of time as 30s, 90m, 24h or 7d".to_owned())
}

/// `4G`, `256M`, `100k`, `1GiB` or bytes; powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match &lower[digits.len()..] {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err("a number of bytes is needed, as 500000, 64K, 256M or 4G".to_owned()),
    };
    let number: u64 =
        digits.parse().map_err(|_| "a number of bytes is needed, as 500000, 64K, 256M or 4G".to_owned())?;
    number
        .checked_mul(1 << shift)
        .filter(|size| *size > 0)
        .ok_or_else(|| "from 1 byte to 16 EiB are possible".to_owned())
}

/// `s3://bucket/prefix=DIR`. Prefixes and folders may hold `=`: it is the first one after which a folder stands.
pub(crate) fn map(text: &str) -> Result<Map, String> {
    let rest = text.strip_prefix("s3://").ok_or("it must begin with s3://")?;
    let cuts = rest.match_indices('=').map(|(at, _)| (&rest[..at], &rest[at + 1..]));
    let (place, folder) =
        cuts.clone().find(|(_, folder)| std::path::Path::new(folder).is_dir()).ok_or_else(|| {
            match cuts.clone().next() {
                None => "=DIR is missing".to_owned(),
                Some((_, folder)) => format!("{folder:?} is no folder"),
            }
        })?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err("the bucket is missing".to_owned());
    }
    let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
    Ok(Map { bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}"), folder: PathBuf::from(folder) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds are those that awscli 1.46 makes of these texts, but for eight digits (seconds of 1970 to some of
    /// its commands) and for zones by name.
    #[test]
    fn times_mean_what_they_mean_to_the_aws_cli() {
        for (text, seconds) in [
            ("1688989356", 1_688_989_356),
            ("1688989356.9", 1_688_989_356),
            ("-0.5", -1),
            ("-86400", -86_400),
            ("1e9", 1_000_000_000),
            ("20230710", 1_688_947_200),
            ("2023-07-10T11:42Z", 1_688_989_320),
            ("2023-07-10T13:42+02:00", 1_688_989_320),
            ("20230710T1142Z", 1_688_989_320),
            ("2023-07-10", 1_688_947_200),
            ("2023-07-10T11:42:36Z", 1_688_989_356),
            ("2023-07-10T11:42:36", 1_688_989_356),
            ("2023-07-10T13:42:36+02:00", 1_688_989_356),
            ("2023-07-10T13:42:36+0200", 1_688_989_356),
            ("2023-07-10T13:42:36+02", 1_688_989_356),
            ("2023-07-10T11:42:36-08:00", 1_689_018_156),
            ("2023-07-10 11:42", 1_688_989_320),
            ("2023-07-10 11:42:36", 1_688_989_356),
            ("2023-07-10T11:42:36.999Z", 1_688_989_356),
            ("2023-07-10T11:42:36,999Z", 1_688_989_356),
            ("2023-07-10T11:42:36.123456789Z", 1_688_989_356),
            ("20230710T114236Z", 1_688_989_356),
            ("20230710T1142", 1_688_989_320),
            ("2023-07-10T11", 1_688_986_800),
            ("2023/07/10", 1_688_947_200),
            ("2023/07/10 11:42", 1_688_989_320),
            ("Mon, 10 Jul 2023 11:42:36 GMT", 1_688_989_356),
            ("Mon, 10 Jul 2023 13:42:36 +0200", 1_688_989_356),
            ("Mon Jul 10 11:42:36 2023", 1_688_989_356),
            ("10 Jul 2023", 1_688_947_200),
            ("10-Jul-2023", 1_688_947_200),
            ("Jul 10 2023", 1_688_947_200),
            ("July 10, 2023 11:42", 1_688_989_320),
            ("2023-07-10 11:42 UTC", 1_688_989_320),
            ("2023-07-10 11:42 +02:00", 1_688_982_120),
            ("2023-07-10 11:42 PM", 1_689_032_520),
            ("07/10/2023", 1_688_947_200),
            ("2023-07-10 11:42:36 EST", 1_689_007_356),
        ] {
            assert_eq!(time(text).map(Timestamp::epoch), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_not_one_only_is_refused() {
        for text in [
            "",
            " ",
            "yesterday",
            "nan",
            "inf",
            "1e99",
            "-",
            "e",
            "1e",
            "--5",
            "+5",
            "2023-07-10T24:00:00",
            "2023-07-10z",
            "2023-02-30",
            "20230230",
            "99999999",
            "2023",
            "2023-07",
            "11:42",
            "2023-07-10T11:42:36 CET",
            "2023-07-10T11:42:36+25:00",
            "2023-07-10T11:42:36+é",
            "é2023-07-10T11:42:36é",
        ] {
            let error = time(text).unwrap_err();
            assert!(error.contains("2024-03-01"), "{text}: {error}");
        }
    }

    #[test]
    fn sizes() {
        let good = [("1", 1), ("64K", 65_536), ("256MiB", 256 << 20), ("4g", 4 << 30), ("10b", 10)];
        for (text, expected) in good {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "K", "-1", "1.5G", "4X", "99999999999T", "1 G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mappings_with_equal_signs() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a=b");
        std::fs::create_dir(&folder).unwrap();
        let folder = folder.to_str().unwrap();
        let parsed = map(&format!("s3://logs/team=1/x={folder}")).unwrap();
        assert_eq!((parsed.bucket.as_str(), parsed.prefix.as_str()), ("logs", "team=1/x/"));
        assert_eq!(parsed.folder, PathBuf::from(folder));
        assert_eq!(map(&format!("s3://logs={folder}")).unwrap().prefix, "");
        for text in ["logs=/", "s3://logs", "s3://=/", "s3://logs=/no/such/folder"] {
            assert!(map(text).is_err(), "{text}");
        }
    }

    #[test]
    fn violations_cannot_be_allowed() {
        assert_eq!(allowed_code("gap"), Ok(Code::Gap));
        assert!(allowed_code("log_altered").unwrap_err().contains("cannot be allowed"));
        assert!(allowed_code("gpa").unwrap_err().contains("head_stale"));
    }
}
