//! Hours of the day and days of the week.

/// When of the day and of the week events happened, for the commands that search files for them.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct LocalTimes {
    /// Only events at these hours of the day in --tz, as 08:00-18:00, or several: 06:00-08:00,18:00-20:00 (repeatable)
    ///
    /// The end is no part of it. 22:00-06:00 goes over midnight, and 24:00 is the end of a day.
    #[arg(long, value_name = "HOURS")]
    pub(crate) hours: Vec<String>,

    /// Only events on these days of the week in --tz, as mon-fri, or several: mon-wed,sun (repeatable)
    ///
    /// In English, in three letters or whole, in any case. The day is that of the event itself: with --hours 22:00-06:00, an
    /// hour after midnight is of the day that has begun.
    #[arg(long, value_name = "DAYS")]
    pub(crate) weekdays: Vec<String>,

    /// With --hours, --weekdays or both: only events that are outside of them
    ///
    /// With both, these are the events at other hours and those on other days: `--hours 08:00-18:00 --weekdays mon-fri --outside`
    /// finds nights and weekends.
    #[arg(long)]
    pub(crate) outside: bool,
}
