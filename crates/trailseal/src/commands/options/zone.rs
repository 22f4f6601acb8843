//! The time zone that a person means.

use trailseal_query::Zone;

use crate::clock;

/// A time zone, for every command that takes one.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ZoneOption {
    /// The time zone of times without an offset: Europe/Berlin, +02:00, or `local` for that of the machine
    ///
    /// A name of the IANA Time Zone Database, in any case, or an offset from UTC. `today` and `yesterday` are days of this
    /// zone. Of a time that clocks there show twice --from takes the earlier and --to the later; for one that they never
    /// show, both take the next.
    #[arg(id = "tz", long = "tz", value_name = "ZONE", default_value = "UTC", value_parser = zone, allow_hyphen_values = true)]
    pub(crate) zone: Zone,
}

/// What `--tz` means to `query` besides.
pub(crate) const TZ_OF_QUERY: &str = "--hours, --weekdays and the steps of --histogram are those of its clocks, and timelines, \
tables and histograms for people show its times. JSON and CSV keep the times of the records; conditions (--where), `hour`, `day` \
and `weekday` are in UTC whatever the zone.";

/// What `--tz` means to `follow` besides.
pub(crate) const TZ_OF_FOLLOW: &str =
    "--hours and --weekdays are those of its clocks, and what is printed for people, which says so.";

/// What `--tz` means to `lookup-events` besides.
pub(crate) const TZ_OF_LOOKUP: &str = "The answer stays as the AWS CLI has it, in UTC.";

fn zone(text: &str) -> Result<Zone, String> {
    if text.trim().eq_ignore_ascii_case("local") {
        let unknown = "the machine does not say the name of its time zone (TZ, /etc/localtime); write it, as Europe/Berlin";
        return clock::zone().ok_or_else(|| unknown.to_owned());
    }
    Zone::named(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_a_name_or_is_that_of_the_machine() {
        assert_eq!(zone("europe/berlin").map(|zone| zone.name().to_owned()), Ok("Europe/Berlin".to_owned()));
        assert!(zone("Berlin").unwrap_err().contains("Europe/Berlin is"));
        match (zone("local"), clock::zone()) {
            (Ok(local), Some(machine)) => assert_eq!(local, machine),
            (Err(error), None) => assert!(error.contains("Europe/Berlin"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
