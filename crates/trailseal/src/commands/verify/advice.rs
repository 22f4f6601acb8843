//! What a user without keys is told.

use trailseal_archive::{Timestamp, key::is_region_like};
use trailseal_evidence::{KeyNeed, Options, key_needs};

use crate::{commands::options::packed, error::CommandError, render::shell::shell_word};

const DAY: i64 = 24 * 3600;

/// The error for a run without keys: the commands that get those that the archive needs.
pub(super) fn how_to_get_keys(options: &Options) -> CommandError {
    let needs = match key_needs(options) {
        Ok(needs) => needs,
        Err(error) => return error.into(),
    };
    let roots: Vec<String> = options.given().map(|root| root.display().to_string()).collect();
    let error = CommandError::new("--keys is needed: nothing is proven without public keys that you trust");
    if needs.is_empty() {
        let error = error.hint(format!(
            "no digest file was found in {}, so that no region and date can be suggested",
            roots.join(", ")
        ));
        return packed::with_hints(error, options);
    }
    let words: Vec<String> = roots.iter().map(|root| shell_word(root)).collect();
    let commands: Vec<String> =
        needs.iter().filter(|need| is_region_like(&need.region)).map(command).collect();
    error
        .hint(format!(
            "get the keys of this archive's dates from AWS (cloudtrail:ListPublicKeys is allowed to any account):\n\
             mkdir -p keys\n{}",
            commands.join("\n")
        ))
        .hint("backfill digests are signed with the key of the day on which they were made: for those, let --end-time be later")
        .hint(format!("then: trailseal verify {} --keys keys", words.join(" ")))
}

fn command(need: &KeyNeed) -> String {
    list_public_keys(&need.region, need.first, need.last, &format!("keys/public-keys-{}.json", need.region))
}

/// The command that gets a region's keys of a span into a file. Keys are valid from some weeks before to some weeks after; a
/// day's margin allows for digests at the edge.
pub(super) fn list_public_keys(region: &str, first: Timestamp, last: Timestamp, file: &str) -> String {
    let (start, end) = (first.plus(-DAY), last.plus(DAY));
    format!(
        "aws cloudtrail list-public-keys --region {region} --start-time {start} --end-time {end} --output json > {}",
        shell_word(file)
    )
}
