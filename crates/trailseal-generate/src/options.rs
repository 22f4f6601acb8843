//! What kind of archive to generate.

use trailseal_archive::Timestamp;
use trailseal_archive::key::{is_organization_id, is_region_like};
use trailseal_deliver::write::DEFAULT_GZIP_LEVEL;

/// What to generate. [`Options::default`] is one account in one region for a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Number of accounts, 1 to 1000. The first is the management account of the organization, if there is
    /// one.
    pub accounts: u32,
    /// The regions whose events are covered; the first is busiest unless [`Self::home_region`] says
    /// otherwise.
    pub regions: Vec<String>,
    /// When logging starts. On a full hour (so also for a date) minute and second are drawn from the seed, as
    /// they are arbitrary for a real trail; otherwise they are kept, and all digests end on them.
    pub start: Timestamp,
    /// Hours of logging: one digest an hour and chain, besides the starting digest. A gap counts.
    pub hours: u32,
    /// Events an hour, as an average over hours, regions and accounts; 0 for an archive without log files.
    pub events_per_hour: u32,
    /// Decides everything that the other options leave open, keys included.
    pub seed: u64,
    /// `o-…`: an organization trail, whose keys hold the organization id.
    pub organization_id: Option<String>,
    /// The trail's S3 key prefix, without a final `/`.
    pub prefix: Option<String>,
    /// The bucket's name.
    pub bucket: String,
    /// The trail's name.
    pub trail: String,
    /// Where the trail was created; the first region unless given.
    pub home_region: Option<String>,
    /// One trail for all regions, or with `false` one of the same name in each, at home in its own region.
    pub multi_region: bool,
    /// A new signing key in every region after so many hours; 0 for never. CloudTrail's keys are valid for
    /// 30 days, of which the default of 672 hours leaves one on either side.
    pub rotate_keys_hours: u32,
    /// No log files in every n-th hour; 0 for none of that.
    pub empty_every: u32,
    /// Stop logging for a while.
    pub gap: Option<LoggingGap>,
    /// Number of backfill digests, each naming late log files that no standard digest names.
    pub backfill: u32,
    /// Write `<digest>.metadata.json` beside each digest. Without, only the successor's
    /// `previousDigestSignature` is left.
    pub sidecars: bool,
    /// 0 to 9.
    pub gzip_level: u32,
    /// Worker threads; 0 leaves it to rayon. The archive does not depend on it.
    pub threads: usize,
    /// A log file has at most so many events, at least 1.
    pub max_events_per_file: u32,
}

/// A stop of logging (docs/spec/format.md 1.8): the chain ends, and another starts with a starting digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggingGap {
    /// Logging stops after so many hours, at least 1.
    pub at_hour: u32,
    /// Logging starts again after so many more hours and some minutes, at least 1.
    pub hours: u32,
}

/// Which option cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// A number outside its range.
    #[error("{option} is {value}, but must be {expected}")]
    Range {
        /// The option as the command line spells it, without dashes.
        option: &'static str,
        /// What was given.
        value: u64,
        /// What would have been accepted.
        expected: String,
    },
    /// A text that cannot be part of an S3 key.
    #[error("{option} {value:?} is not {expected}")]
    Text {
        /// The option as the command line spells it, without dashes.
        option: &'static str,
        /// What was given.
        value: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// The gap leaves no hour after it.
    #[error(
        "the gap ends at hour {end}, but only {hours} hours are generated; logging must start again before"
    )]
    LoggingGap {
        /// The hour at which logging would start again.
        end: u64,
        /// Hours asked for.
        hours: u32,
    },
    /// Two options that contradict each other.
    #[error("{0}")]
    Conflict(&'static str),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            accounts: 1,
            regions: vec!["us-east-1".to_owned()],
            // 2024-03-01T00:00:00Z
            start: Timestamp::from_epoch(1_709_251_200).expect("a second of the year 2024"),
            hours: 24,
            events_per_hour: 600,
            seed: 1,
            organization_id: None,
            prefix: None,
            bucket: "example-audit-logs".to_owned(),
            trail: "audit".to_owned(),
            home_region: None,
            multi_region: true,
            rotate_keys_hours: 672,
            empty_every: 0,
            gap: None,
            backfill: 0,
            sidecars: true,
            gzip_level: DEFAULT_GZIP_LEVEL,
            threads: 0,
            max_events_per_file: 2000,
        }
    }
}

impl Options {
    /// Checks every option by itself and with the others. All texts become parts of paths, so this is also
    /// what keeps an archive inside its folder.
    ///
    /// # Errors
    /// The first [`OptionsError`] found.
    pub fn check(&self) -> Result<(), OptionsError> {
        range("accounts", self.accounts.into(), 1, 1000)?;
        range("hours", self.hours.into(), 1, 1_000_000)?;
        range("events-per-hour", self.events_per_hour.into(), 0, 10_000_000)?;
        range("gzip-level", self.gzip_level.into(), 0, 9)?;
        range("max-events-per-file", self.max_events_per_file.into(), 1, 1_000_000)?;
        range("threads", self.threads as u64, 0, 1024)?;
        range("rotate-keys-hours", self.rotate_keys_hours.into(), 0, 1_000_000)?;
        if self.start.epoch() < 0 || self.start.epoch() > 200_000_000_000 {
            return Err(OptionsError::Conflict("start must lie between the years 1970 and 8300"));
        }
        self.check_texts()?;
        if let Some(LoggingGap { at_hour, hours }) = self.gap {
            range("gap-at", at_hour.into(), 1, self.hours.into())?;
            range("gap-hours", hours.into(), 1, self.hours.into())?;
            let end = u64::from(at_hour) + u64::from(hours);
            if end >= self.hours.into() {
                return Err(OptionsError::LoggingGap { end, hours: self.hours });
            }
        }
        let logging = u64::from(self.hours - self.gap.map_or(0, |gap| gap.hours));
        let most = logging * u64::from(self.accounts) * self.regions.len() as u64;
        range("backfill", self.backfill.into(), 0, most)
    }

    fn check_texts(&self) -> Result<(), OptionsError> {
        let expect = |option, value: &str, fits: bool, expected| {
            if fits { Ok(()) } else { Err(OptionsError::Text { option, value: value.to_owned(), expected }) }
        };
        if self.regions.is_empty() {
            return Err(OptionsError::Conflict("at least one region is needed"));
        }
        for (at, region) in self.regions.iter().enumerate() {
            expect("regions", region, is_region_like(region), "a region such as eu-west-1")?;
            if self.regions[..at].contains(region) {
                return Err(OptionsError::Conflict("a region is given twice"));
            }
        }
        if let Some(home) = &self.home_region {
            let known = self.regions.contains(home);
            expect("home-region", home, known, "one of the regions")?;
            if !self.multi_region {
                let message =
                    "a home region is given, but single-region trails are at home in their own regions";
                return Err(OptionsError::Conflict(message));
            }
        }
        if let Some(id) = &self.organization_id {
            expect(
                "organization-id",
                id,
                is_organization_id(id),
                "an organization id such as o-exampleorgid",
            )?;
        }
        if let Some(prefix) = &self.prefix {
            expect(
                "prefix",
                prefix,
                is_prefix(prefix),
                "a key prefix: at most 200 of A-Z a-z 0-9 . _ - / and no empty, . or .. parts",
            )?;
        }
        expect("bucket", &self.bucket, is_bucket(&self.bucket), "a bucket name: 3 to 63 of a-z 0-9 . -")?;
        let expected = "a trail name: 3 to 128 of A-Z a-z 0-9 . _ -, letters or digits at both ends, no two of . _ - together";
        expect("trail", &self.trail, is_trail(&self.trail), expected)
    }

    /// The region in which the trail that covers `region` was created.
    pub(crate) fn home_of<'a>(&'a self, region: &'a str) -> &'a str {
        match &self.home_region {
            _ if !self.multi_region => region,
            Some(home) => home,
            None => self.regions.first().map_or(region, String::as_str),
        }
    }
}

fn range(option: &'static str, value: u64, low: u64, high: u64) -> Result<(), OptionsError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(OptionsError::Range { option, value, expected: format!("from {low} to {high}") })
}

fn is_prefix(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-/".contains(&c))
        && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c))
        && !text.contains("..")
        && !text.starts_with(['.', '-'])
        && !text.ends_with(['.', '-'])
}

/// docs/spec/format.md 1.1.
fn is_trail(text: &str) -> bool {
    let special = |c: u8| b"._-".contains(&c);
    let bytes = text.as_bytes();
    (3..=128).contains(&bytes.len())
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || special(*c))
        && !special(bytes[0])
        && !special(bytes[bytes.len() - 1])
        && !bytes.windows(2).any(|pair| special(pair[0]) && special(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Options)) -> OptionsError {
        let mut options = Options::default();
        change(&mut options);
        options.check().unwrap_err()
    }

    #[test]
    fn the_default_is_fine() {
        assert_eq!(Options::default().check(), Ok(()));
    }

    #[test]
    fn what_would_leave_the_folder_is_refused() {
        for text in ["../x", "a/../b", "/a", "a/", "a//b", "", "a b"] {
            refused(|o| o.prefix = Some(text.to_owned()));
        }
        for text in ["..", "a/b", "-ab", "Abc", "ab", "a..b"] {
            refused(|o| text.clone_into(&mut o.bucket));
        }
        for text in ["..", "a/b", "_ab", "a__b", "ab", "ab."] {
            refused(|o| text.clone_into(&mut o.trail));
        }
        refused(|o| o.regions = vec!["../../x-y-z".to_owned()]);
        refused(|o| o.organization_id = Some("o-../..".to_owned()));
    }

    #[test]
    fn contradictions_are_refused() {
        refused(|o| o.regions.clear());
        refused(|o| o.regions = vec!["eu-west-1".to_owned(); 2]);
        refused(|o| o.home_region = Some("eu-west-1".to_owned()));
        refused(|o| {
            o.multi_region = false;
            o.home_region = Some("us-east-1".to_owned());
        });
        let gap = refused(|o| o.gap = Some(LoggingGap { at_hour: 20, hours: 4 }));
        assert_eq!(gap, OptionsError::LoggingGap { end: 24, hours: 24 });
        let error = refused(|o| o.backfill = 25);
        assert_eq!(error.to_string(), "backfill is 25, but must be from 0 to 24");
        refused(|o| o.max_events_per_file = 0);
    }
}
