//! Spans of time.

use trailseal_query::shortcut;

const DAY: i64 = 86_400;

/// No span is longer: all the years that a time can have.
const LONGEST: i64 = 3_652_500 * DAY;

/// No window is longer: a century.
const LONGEST_WINDOW: i64 = 36_500 * DAY;

/// `30s`, `90m`, `24h`, `7d`, `2w` or `1d12h`, in seconds.
pub(crate) fn span(text: &str) -> Result<i64, String> {
    let seconds = shortcut::time::span(text).filter(|seconds| *seconds <= LONGEST);
    seconds.ok_or_else(|| "write a span of time as 30s, 90m, 24h, 7d or 1d12h".to_owned())
}

/// How far back `LookupEvents` looks.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Window {
    /// `LookupEvents` finds only events of this last span of time, as 90d at AWS
    #[arg(id = "window", long = "window", value_name = "SPAN", value_parser = window)]
    pub(crate) seconds: Option<i64>,
}

/// A span, or a number of days.
fn window(text: &str) -> Result<i64, String> {
    let days = text.parse().ok().and_then(|days: i64| days.checked_mul(DAY));
    let seconds = days.map_or_else(|| span(text), Ok)?;
    if (1..=LONGEST_WINDOW).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("from 1s to 36500d are possible".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        assert_eq!(
            ["0s", "90m", "24h", "2d", "1w", "1d12h", "3652500d"].map(|text| span(text).unwrap()),
            [0, 5400, 86_400, 172_800, 604_800, 129_600, LONGEST]
        );
        for text in ["", "h", "24", "-1h", "1.5h", "1y", "99999999999d", "3652501d", "1d 12h"] {
            assert!(span(text).unwrap_err().contains("24h"), "{text}");
        }
    }

    #[test]
    fn windows() {
        assert_eq!(
            ["90", "90d", "12h", "36500"].map(|text| window(text).unwrap()),
            [90 * DAY, 90 * DAY, DAY / 2, LONGEST_WINDOW]
        );
        for text in ["", "0", "0d", "-1", "36501", "90x", "9223372036854775807"] {
            assert!(window(text).is_err(), "{text}");
        }
    }
}
