//! Reading the archive again while the server runs: on SIGHUP, when files came, went or changed, and when a lookup meets
//! one that is not as it was.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use trailseal_evidence::{
    events::{EventIndex, ListChange, RenewedIndex},
    inputs::{FileList, Inputs},
    scan::Summary,
};
use trailseal_server::{ArchiveTrails, CloudTrail, Renewal, ServedIndex};

use super::{Args, archive, tell_unproven};
use crate::{
    clock,
    commands::options,
    error::CommandError,
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        plain::{grouped, shown},
        query::summary::{self, Told},
    },
};

/// Between two readings.
const PAUSE: Duration = Duration::from_secs(1);

/// How often an archive is read that changes while it is read.
const TRIES: usize = 5;

/// What is served of an archive, and who reads it again.
pub(super) struct Renewing<'a> {
    pub(super) args: &'a Args,
    pub(super) index: Arc<ServedIndex>,
    pub(super) cloudtrail: Arc<CloudTrail>,
    pub(super) account: Option<String>,
    pub(super) interrupt: Interrupt,
}

/// Runs `serve`, and reads the archive again meanwhile, if there is one.
pub(super) fn renew_while<T>(renewing: Option<&Renewing<'_>>, serve: impl FnOnce() -> T) -> T {
    let Some(renewing) = renewing else { return serve() };
    thread::scope(|scope| {
        // by a panic too
        let _over = Over(&renewing.index);
        scope.spawn(|| renewing.run());
        serve()
    })
}

/// Ends the waiting when it is dropped.
struct Over<'a>(&'a ServedIndex);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Renewing<'_> {
    fn run(&self) {
        let interval = self.args.watch.map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
        loop {
            match self.index.wait(interval) {
                Renewal::Over => return,
                Renewal::Timeout => {
                    // a folder that is away for a moment is no news; a lookup that needs it says so
                    let is_new = |files: &FileList| !self.index.current().is_of(files);
                    if self.list().is_ok_and(|(_, files)| is_new(&files)) {
                        self.index.ask();
                    }
                }
                Renewal::Wanted(suspects) => {
                    let renewed = self.renew(&suspects);
                    if self.interrupt.is_wanted() {
                        return;
                    }
                    if let Err(error) = &renewed {
                        output::note(&format!(
                            "the archive cannot be read again, and what was read of it before is served: {}",
                            crate::error::chained(error)
                        ));
                    }
                    self.index.renewed(renewed.ok());
                    self.pause();
                }
            }
        }
    }

    /// So that an archive that changes all the time is not read all the time.
    fn pause(&self) {
        let began = Instant::now();
        while began.elapsed() < PAUSE && !self.interrupt.is_wanted() {
            thread::sleep(PAUSE / 20);
        }
    }

    fn list(&self) -> Result<(Inputs, FileList), CommandError> {
        let inputs = archive::open(&self.args.folders())?;
        let files = inputs.list();
        Ok((inputs, files))
    }

    fn renew(&self, suspects: &BTreeSet<String>) -> Result<EventIndex, CommandError> {
        let began = Instant::now();
        let before = self.index.current();
        let suspects: HashSet<PathBuf> =
            suspects.iter().filter_map(|shown| before.real_path_of(shown)).collect();
        let options = archive::scan_options(self.args);
        let mut tries = 0;
        let (inputs, renewed) = loop {
            tries += 1;
            let (inputs, files) = self.list()?;
            let counts = Counts::new("reading", self.interrupt.clone());
            match before.renew(
                Arc::new(files),
                archive::index_on_disk(self.args),
                &suspects,
                &options,
                &counts,
            ) {
                Ok(renewed) => break (inputs, renewed),
                // files came or went meanwhile
                Err(_) if tries < TRIES && !self.interrupt.is_wanted() => thread::sleep(PAUSE / 4),
                Err(error) => return Err(CommandError::caused(error)),
            }
        };
        let keys = archive::public_keys(&options::keys::paths(&self.args.keys))?;
        let RenewedIndex { index, summary, change } = renewed;
        let trails = ArchiveTrails::open(&inputs, keys, self.account.clone());
        let trails = trails.told_by(&index, clock::now()).map_err(CommandError::caused)?;
        if !self.args.quiet.is_quiet {
            tell(&index, &summary, &change, began.elapsed());
            tell_unproven(&trails.unproven_trails().map(str::to_owned).collect::<Vec<_>>());
        }
        self.cloudtrail.replace_archive(trails);
        Ok(index)
    }
}

fn tell(index: &EventIndex, summary: &Summary, change: &ListChange, took: Duration) {
    if summary.damages > 0 {
        // Nobody can be told that stderr is gone.
        let _ = summary::write(
            summary,
            &Told { copies: Some(summary::LOOKED_UP_ONCE), ..Told::default() },
            &mut output::notes(),
        );
    }
    output::note(&format!(
        "the archive was read again in {:.1} s: {}; {} events are ready",
        took.as_secs_f64(),
        differences(change),
        grouped(index.statistics().records)
    ));
}

/// `2 new files, 1 file gone (a.json.gz)`.
fn differences(change: &ListChange) -> String {
    let files =
        |count: u64| if count == 1 { "1 file".to_owned() } else { format!("{} files", grouped(count)) };
    let mut parts = Vec::new();
    if change.new > 0 {
        parts.push(format!("{} new", files(change.new)));
    }
    if change.changed > 0 {
        parts.push(format!("{} changed", files(change.changed)));
    }
    if let Some(first) = &change.first_gone {
        let others = if change.gone > 1 { " and others" } else { "" };
        parts.push(format!("{} gone ({}{others})", files(change.gone), shown(first)));
    }
    if parts.is_empty() { "no file came, went or changed".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_in_words() {
        let gone =
            |gone: u64| ListChange { gone, first_gone: Some("a.gz".to_owned()), ..ListChange::default() };
        for (change, words) in [
            (ListChange::default(), "no file came, went or changed"),
            (
                ListChange { new: 1, changed: 1200, ..ListChange::default() },
                "1 file new, 1,200 files changed",
            ),
            (gone(1), "1 file gone (a.gz)"),
            (gone(2), "2 files gone (a.gz and others)"),
        ] {
            assert_eq!(differences(&change), words);
        }
    }
}
