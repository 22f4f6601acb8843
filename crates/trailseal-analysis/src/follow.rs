//! Access keys, the keys that were issued to them, and what was done with those.

use trailseal_evidence::{
    Progress,
    inputs::FileSource,
    scan::{ScanOptions, Summary},
};
use trailseal_query::{Predicate, shortcut};

use crate::error::Error;

mod activity;
mod issues;
mod node;
mod origins;
mod reach;
mod starts;
mod table;
mod timeline;
mod usual;

#[cfg(test)]
mod tests;

pub use self::{
    node::{CountedValue, Edge, Followed, Identity, Node, ValueCounts},
    origins::{Origin, Origins},
    starts::Starts,
    timeline::timeline,
};

use self::issues::Issues;

/// Who issued what, and then what all those keys did: two passes over the files, or with an index one for every link that
/// keys are away, and one more, over few files each. Keys that are more than `depth` links away
/// are not followed. Of what they did, those events are counted for which `counted` holds; links are followed whatever it says.
///
/// # Errors
/// [`Error`].
pub fn follow(
    starts: &Starts,
    depth: Option<u32>,
    counted: &Predicate,
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    progress: &dyn Progress,
) -> Result<(Followed, Summary), Error> {
    let time = shortcut::time_range(options.from, options.to)?;
    let (issues, first) = Issues::find(starts, depth, &time, files, options, progress)?;
    let reached = issues.reach(starts, depth);
    let (followed, mut summary) = activity::find(starts, &reached, &time, counted, files, options, progress)?;
    // The second pass's matches are those that count; damage is met by the one, the other, or both.
    let more = first.damage.into_iter().filter(|damage| !summary.damage.contains(damage));
    let more: Vec<_> = more.collect();
    summary.damages = first.damages.max(summary.damages + more.len() as u64);
    summary.damage.extend(more);
    summary.damage.sort_by_key(|damage| (damage.index, damage.offset));
    Ok((followed, summary))
}
