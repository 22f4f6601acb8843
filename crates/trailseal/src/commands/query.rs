//! `trailseal query`.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    time::Instant,
};

use trailseal_analysis::{
    Question, Sameness,
    near::{self, AskedValues, NearValue},
    rows::{self, Chosen, RowOrder, RowsAsked},
};
use trailseal_archive::temporary;
use trailseal_evidence::{
    Completeness,
    index::ArchiveIndex,
    inputs::{FileSource as _, Inputs},
    ledger::{Integrity, Ledger},
    scan::{Reach, ScanOptions, SeenFiles, Summary},
};
use trailseal_query::{Filter, aggregate::Fingerprinter, scan::LeftOut};

use crate::{
    commands::{
        evidence,
        options::{input, output::outside, time::TimeSpan},
    },
    destination::Out,
    error::CommandError,
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        plain::{grouped, plural},
        query::summary::{self, Told},
        zone::ShownZone,
    },
};

/// Events that a terminal shows where nobody says how many are wanted: who scrolls through more looks for a file.
const SCREEN_ROWS: u64 = 1000;
/// Values that are told where nothing was found.
const NEAR: usize = 5;

mod aggregates;
mod args;
mod filter;
mod plan;
pub(crate) mod sink;
mod state;

use args::SameAs;
pub(crate) use args::{AFTER_HELP, Args};
use plan::{Mode, Plan, RowPlan};
use sink::EventSink;

/// Searches, and says what was read.
///
/// # Errors
/// [`CommandError`] when the run could not be made or its output not be written.
pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let begun = Instant::now();
    let (condition, span) = filter::condition(&args.filter)?;
    let plan = Plan::new(args, &condition.predicate, io::stdout().is_terminal())?;
    let roots = input::expand(&args.input)?;
    let state = args.evidence.since_state.as_deref();
    if state.is_some() && state == args.output.to.target() {
        return Err(CommandError::new("--since-state and --output name the same file"));
    }
    let seen = state
        .map(|path| {
            filter::question(&args.filter, args.evidence.verified_only)
                .and_then(|question| state::read(path, &question))
        })
        .transpose()?;
    let read = || roots.iter().chain(args.evidence.verified.objects.maps.iter().map(|map| &map.folder));
    let state = state.map(|path| outside("the state", path, read(), true)).transpose()?;
    if state.is_some() && roots.iter().any(|root| root == Path::new("-")) {
        return Err(CommandError::new("--since-state needs files, and standard input is none"));
    }
    let filter = Filter::new(condition.predicate);
    let mut destination = args.output.to.destination(read(), plan.is_for_people(), interrupt)?;
    let counts = Counts::new("reading", interrupt.clone());
    let index = args.index.open(&roots);
    // A bar must not run through the events on the screen.
    let is_shown = !args.output.is_quiet()
        && (destination.target.is_some() || plan.is_quiet_at_first() || !io::stdout().is_terminal());
    let done = counts.watch(is_shown, || {
        let ledger =
            evidence::load(&args.evidence.verified, &roots, args.limits.scan.threads.count, &counts)?;
        let inputs = Inputs::open(&roots)?;
        let job = Job::new(args, &inputs, span, &filter, ledger.as_ref(), &plan, &counts)
            .without(seen.as_ref())
            .with(index.as_ref());
        let done = destination.write(|out, _| work(&job, &plan, out));
        done.map(|mut done| {
            if done.told.ended_early && args.evidence.expect_until.is_some() {
                done.summary.reach = Reach::of(&inputs);
            }
            if let Some(reach) = args.filter.reach(&done.summary.reach) {
                done.summary.reach = reach;
            }
            let answer = done.told.labels.unwrap_or_default();
            let completeness = Completeness::of(&job.scan, &done.summary, &answer);
            let completeness = Completeness { uncounted: done.uncounted, ..completeness };
            let until = args.evidence.expect_until;
            let completeness = completeness.expecting(until, &job.scan, &done.summary);
            // digests lie behind the logs, which a run that had enough did not come to
            let is_unknown = !args.output.is_quiet() && ledger.is_none() && done.told.ended_early;
            let has_digests = is_unknown && inputs.has_digest_folders();
            let unverified = Some(summary::BY_OPTION);
            let near = if done.summary.counts.matched == 0 { job.near(args) } else { Vec::new() };
            let joins_shared = job.dedupe == Some(Sameness::SharedEventId);
            let told = Told { joins_shared, unverified, has_digests, completeness, ..done.told };
            (Done { told, ..done }, near)
        })
    });
    let done = done.map(|(done, near)| Done { near, ..done });
    let mut done = match done {
        _ if interrupt.is_wanted() => return Err(CommandError::interrupted()),
        done => done?,
    };
    if done.summary.has_no_file() {
        return Err(input::no_file(&roots));
    }
    if let Some((file, seen)) = state.zip(seen.as_ref()).filter(|_| !done.is_gone) {
        state::write(file, seen, &done.summary, interrupt)?;
    }
    if !args.output.is_quiet() {
        args.index.note(index.as_ref(), begun.elapsed(), &roots);
    }
    if !args.output.is_quiet() && !done.is_gone {
        let is_known = !done.told.ended_early && !args.evidence.verified.is_wanted();
        let is_reached = is_known && !done.told.completeness.is_unreached;
        let reach =
            if is_reached { summary::reach_notes(&done.summary, span.from, span.to) } else { Vec::new() };
        let notes = plan.notes.iter().cloned().chain(condition.notes).chain(reach).chain(done.nothing(args));
        let notes: Vec<String> = notes.map(|note| format!("note: {note}")).collect();
        done.told.notes.splice(0..0, notes);
        done.told.verbose = args.output.verbose;
        // Nobody can be told that stderr is gone.
        let _ = summary::write(&done.summary, &done.told, &mut output::notes());
    } else if !done.is_gone {
        let is_silent = args.output.is_silent() && done.status(args.output.fail_if_none) == 0;
        for note in done.nothing(args).into_iter().filter(|_| !is_silent) {
            output::note(&note);
        }
        let _ = summary::write_reasons(&done.summary, &done.told, &mut output::notes());
    }
    if args.output.stats {
        // Nobody can be told that stderr is gone.
        let _ = summary::write_stats(
            &done.summary,
            begun.elapsed(),
            args.limits.scan.threads.running(),
            &mut output::notes(),
        );
    }
    Ok(done.status(args.output.fail_if_none))
}

fn work(job: &Job<'_>, plan: &Plan, out: &mut Out) -> Result<Done, CommandError> {
    let done = match &plan.mode {
        Mode::Rows(rows) => write_rows(job, rows, out),
        Mode::Groups(groups) => aggregates::groups(job, groups, plan.format, out),
        Mode::Bars(bars) => aggregates::bars(job, bars, plan.format, out),
    };
    let done = done?;
    out.flush()?;
    Ok(Done { is_gone: out.is_gone(), ..done })
}

/// Events one by one.
fn write_rows(job: &Job<'_>, plan: &RowPlan, out: &mut Out) -> Result<Done, CommandError> {
    let most = job.screen.filter(|_| plan.limit.is_none() && plan.is_for_people()).map(|_| SCREEN_ROWS);
    // of what comes in the archive's order, the rest is counted too
    let limit = plan.limit.or(most.filter(|_| plan.order != RowOrder::Archive));
    let asked = RowsAsked {
        order: plan.order,
        limit,
        sort_memory: job.sort_memory,
        spill: temporary::outside(&std::env::temp_dir(), job.inputs.given()),
    };
    let mut sink = EventSink::new(out, plan.shape(), job.screen, &job.zone, job.counts).at_most(most);
    let chosen = rows::rows(&job.question(), &asked, &plan.format, &mut sink)?;
    sink.finish(most.map(|_| chosen.kept))?;
    let Chosen { summary, kept, duplicates, labels, ended_early } = chosen;
    let labels = job.verifies.then_some(labels);
    let told = Told { duplicates, labels, ended_early, ..Told::default() };
    Ok(Done { summary, told, kept, uncounted: 0, near: Vec::new(), is_gone: out.is_gone() })
}

/// What a run needs, whatever it makes of the events.
struct Job<'a> {
    scan: ScanOptions<'a>,
    filter: &'a Filter,
    counts: &'a Counts,
    /// The columns of the terminal that the output goes to.
    screen: Option<usize>,
    zone: ShownZone,
    inputs: &'a Inputs,
    sort_memory: u64,
    dedupe: Option<Sameness>,
    /// Whether files are verified.
    verifies: bool,
}

impl<'a> Job<'a> {
    fn new(
        args: &Args,
        inputs: &'a Inputs,
        span: TimeSpan,
        filter: &'a Filter,
        ledger: Option<&'a Ledger>,
        plan: &Plan,
        counts: &'a Counts,
    ) -> Self {
        Self {
            scan: ScanOptions {
                from: span.from,
                to: span.to,
                delivery_delay: span.late,
                signed_margin: span.signed_margin,
                ledger,
                only_integrity: args.evidence.verified_only.then_some(Integrity::Verified),
                hash_files: plan.needs_hash,
                check_json: plan.prints_records(),
                max_record: usize::try_from(args.limits.scan.max_record_size).unwrap_or(usize::MAX),
                max_inflated: args.limits.scan.max_inflated_size,
                stat_files: !args.output.is_quiet(),
                seen: None,
                spool: Some(std::env::temp_dir()),
                index: None,
                threads: args.limits.scan.threads.count,
            },
            filter,
            counts,
            screen: if args.output.to.target().is_none() { output::width() } else { None },
            zone: ShownZone::of(&args.filter.times.zone.zone),
            inputs,
            sort_memory: args.limits.sort_memory.max(1 << 20),
            dedupe: args.output.dedupe.map(SameAs::sameness),
            verifies: ledger.is_some(),
        }
    }

    /// The same, without the files that an earlier run read.
    fn without(mut self, seen: Option<&'a SeenFiles>) -> Self {
        self.scan.seen = seen;
        self
    }

    /// The same, with what is known of files.
    fn with(mut self, index: Option<&'a ArchiveIndex>) -> Self {
        self.scan.index = index;
        self
    }

    /// What is like the values that were asked for, where nothing has them.
    fn near(&self, args: &Args) -> Vec<String> {
        let asked: Vec<(&str, AskedValues)> = args.filter.values_of_fields();
        if asked.is_empty() || self.inputs.reads_stdin() {
            return Vec::new();
        }
        let (options, asked): (Vec<&str>, Vec<AskedValues>) = asked.into_iter().unzip();
        // what cannot be read was told by the scan itself
        let near = near::near(&self.question(), &asked).unwrap_or_default();
        let note = |NearValue { asked, wanted, found, count }: &NearValue| {
            if wanted == found {
                return format!(
                    "{} {wanted} holds for {} by itself, for none together with the rest",
                    options[*asked],
                    plural(*count, "event")
                );
            }
            let verb = if *count == 1 { "event has" } else { "events have" };
            let case = if wanted.eq_ignore_ascii_case(found) { " (case counts)" } else { "" };
            format!(
                "{} {wanted}: no event has that; {} {verb} {found}{case}",
                options[*asked],
                grouped(*count)
            )
        };
        near.iter().take(NEAR).map(note).collect()
    }

    fn question(&self) -> Question<'_> {
        Question {
            files: self.inputs,
            options: &self.scan,
            filter: self.filter,
            progress: self.counts,
            dedupe: self.dedupe,
            fingerprinter: Fingerprinter::default(),
        }
    }
}

/// What a run came to.
struct Done {
    summary: Summary,
    told: Told,
    /// Events that matched and were not left out for another reason.
    kept: u64,
    /// Events of which not all combinations of values were counted.
    uncounted: u64,
    /// What is like the values that were asked for, where nothing has them: sentences.
    near: Vec<String>,
    /// Whether the reader went away.
    is_gone: bool,
}

impl Done {
    /// Why there may be nothing.
    fn nothing(&self, args: &Args) -> Vec<String> {
        let counts = &self.summary.counts;
        if counts.records == 0 && self.summary.damages == 0 {
            return vec!["no event was found in what was read".to_owned()];
        }
        if counts.matched > 0 {
            return Vec::new();
        }
        let is_lower = |name: &&String| name.starts_with(|c: char| c.is_ascii_lowercase());
        let odd = args.filter.event_names.iter().filter(is_lower);
        let odd = odd
            .map(|name| format!("--event-name {name}: names begin with a capital letter, and case counts"));
        let mut notes: Vec<String> = self.near.clone();
        if notes.is_empty() {
            notes.extend(odd);
        }
        let texts = args.filter.keywords.iter().chain(&args.filter.regexes);
        if !args.filter.ignore_case && texts.flat_map(|text| text.chars()).any(char::is_alphabetic) {
            notes.push("case counts for --keyword and --regex; -i takes either".to_owned());
        }
        notes.extend(args.filter.times.span().ok().and_then(|span| span.left_out_day()));
        // else the summary says it
        notes.extend(summary::untimed(&self.summary).filter(|_| args.output.is_quiet()));
        let aggregated = counts.left_out[LeftOut::Aggregated as usize];
        if aggregated > 0 {
            let aggregated = plural(aggregated, "aggregated event");
            notes.push(format!("left out: {aggregated}; --category aggregated finds such"));
        }
        if !self.told.completeness.is_unreached {
            notes.extend(summary::reach(&self.summary).map(|reach| format!("nothing matched; {reach}")));
        }
        notes
    }

    fn status(&self, fail_if_none: bool) -> u8 {
        summary::status(&self.told.completeness, fail_if_none && self.kept == 0)
    }
}
