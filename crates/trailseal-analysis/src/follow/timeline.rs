//! What was done with all the keys, event by event.

use std::collections::HashSet;

use trailseal_evidence::{Progress, inputs::FileSource, scan::ScanOptions};
use trailseal_query::{Filter, Predicate, aggregate::Fingerprinter, shortcut};

use super::{
    activity::predicate,
    issues::{actor_path, new_key_paths, new_keys},
    node::Followed,
    starts::Starts,
};
use crate::{
    Question, Sameness,
    error::Error,
    row_format::RowFormat,
    rows::{self, Chosen, RowSink, RowsAsked},
};

/// Gives the events that were done with the keys, and those that issued the keys, to a sink, each once: one more pass over
/// the files; only those for which `counted` holds. Of narrowed starts only what came from the addresses that were asked for.
///
/// # Errors
/// [`Error`].
#[allow(clippy::too_many_arguments, reason = "the run of a query, for these events")]
pub fn timeline(
    followed: &Followed,
    starts: &Starts,
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    counted: &Predicate,
    progress: &dyn Progress,
    asked: &RowsAsked,
    format: &RowFormat,
    sink: &mut dyn RowSink,
) -> Result<Chosen, Error> {
    let time = shortcut::time_range(options.from, options.to)?;
    let keys: HashSet<&str> = followed.nodes.iter().map(|node| node.key.as_str()).collect();
    let of_keys = predicate(followed.nodes.iter().map(|node| &node.key));
    let filter = Filter::new(time.and(of_keys).and(counted.clone()));
    let question = Question {
        files,
        options,
        filter: &filter,
        progress,
        dedupe: Some(Sameness::EventId),
        fingerprinter: Fingerprinter::default(),
    };
    let (actor, key_paths) = (actor_path(), new_key_paths());
    rows::chosen_rows(&question, asked, format, sink, &|row| {
        let is_issue = || new_keys(&row.record, &key_paths).iter().any(|key| keys.contains(key.as_str()));
        let by = row.record.text(&actor).filter(|key| keys.contains(&**key));
        by.is_some_and(|key| !followed.narrowed.contains(&*key) || starts.is_there(&row.record)) || is_issue()
    })
}
