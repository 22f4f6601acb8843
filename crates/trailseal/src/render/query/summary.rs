//! What was read, what was left out and why, and what is damaged: the lines on stderr.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{self, Write},
    time::Duration,
};

use anstyle::AnsiColor;
use indicatif::HumanBytes;
use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Completeness, DigestFindings,
    ledger::Integrity,
    scan::{Damage, Reach, Skipped, Summary},
};
use trailseal_query::scan::{LeftOut, TOO_LONG};

use crate::render::plain::{DIM, grouped, moment, plural, shown};

/// Damaged places that are listed.
const LISTED: usize = 10;

/// What a run knows beside what the scan says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Events that were dropped as duplicates; `None` when none were looked for.
    pub(crate) duplicates: Option<u64>,
    /// Whether those that several accounts recorded of one action were, too.
    pub(crate) joins_shared: bool,
    /// What becomes of events in copies of files, where no option decides it.
    pub(crate) copies: Option<&'static str>,
    /// Events by label, in the order of [`Integrity::ALL`]; `None` when nothing was verified.
    pub(crate) labels: Option<[u64; 4]>,
    /// How events are verified, which is said when nothing was and the archive holds digests.
    pub(crate) unverified: Option<&'static str>,
    /// Whether it is known to hold some, whatever the scan came by.
    pub(crate) has_digests: bool,
    /// What may lack.
    pub(crate) completeness: Completeness,
    /// Whether the run ended as soon as there was enough.
    pub(crate) ended_early: bool,
    /// More that is to be said.
    pub(crate) notes: Vec<String>,
    /// List every damaged place.
    pub(crate) verbose: bool,
}

/// For commands with that option.
pub(crate) const BY_OPTION: &str = "--keys KEYS says of every event whether AWS signed it";

/// For those without.
pub(crate) const BY_COMMAND: &str = "`trailseal verify ROOT --keys KEYS` says what AWS signed";

/// What lookups do with events in copies of files.
pub(crate) const LOOKED_UP_ONCE: &str = "each is answered once";

/// The exit status (docs/spec/verification.md 3): that something could not be read is said before that nothing matched,
/// where that counts as failure.
pub(crate) fn status(completeness: &Completeness, lacks_matches: bool) -> u8 {
    const NOTHING_MATCHED: u8 = 1;
    match () {
        () if !completeness.is_complete() => crate::error::PARTLY,
        () if lacks_matches => NOTHING_MATCHED,
        () => 0,
    }
}

/// Writes the block.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(summary: &Summary, told: &Told, out: &mut dyn Write) -> io::Result<()> {
    let matched = if told.ended_early {
        format!("{} shown; reading ended when there were enough", plural(summary.counts.matched, "event"))
    } else {
        let events = summary.counts.matched - summary.counts.aggregated;
        format!("{} of {} matched", grouped(events), plural(summary.counts.records, "event"))
    };
    let sizes = format!("{} on disk, {} of content", HumanBytes(summary.bytes), HumanBytes(summary.inflated));
    writeln!(out, "{matched}, in {} ({sizes})", plural(summary.files, "file"))?;
    if summary.from_index > 0 {
        let read = plural(summary.files - summary.from_index, "file");
        writeln!(out, "index: answered for {}; {read} read", plural(summary.from_index, "file"))?;
    }
    if summary.unasked > 0 {
        let files = plural(summary.unasked, "file");
        writeln!(
            out,
            "note: it was not asked whether {files} are as they were when indexed (--trust-index)"
        )?;
    }
    if let Some(duplicates) = told.duplicates.filter(|count| *count > 0) {
        let same = if told.joins_shared {
            "the same sharedEventID, else the same eventID"
        } else {
            "the same eventID"
        };
        writeln!(out, "dropped: {} ({same})", plural(duplicates, "duplicate"))?;
    }
    if told.duplicates.is_none() && summary.repeated > 0 {
        writeln!(
            out,
            "note: {} of these lie in copies of files (the same content, or the name of a log file): {}",
            grouped(summary.repeated),
            told.copies.unwrap_or("--dedupe takes each once")
        )?;
    }
    let skipped: Vec<String> = Skipped::ALL
        .iter()
        .zip(summary.skipped)
        .filter(|(_, (files, _))| *files > 0)
        .map(|(reason, (files, bytes))| {
            format!("{} {} ({})", plural(files, "file"), skipped_text(*reason), HumanBytes(bytes))
        })
        .collect();
    if !skipped.is_empty() {
        writeln!(out, "not read: {}", skipped.join(", "))?;
    }
    if summary.counts.aggregated > 0 {
        let aggregated = plural(summary.counts.aggregated, "aggregated event");
        writeln!(out, "besides: {aggregated} matched, which count data events and are none")?;
    }
    let left_out = LeftOut::ALL.iter().zip(summary.counts.left_out);
    let is_asked = |nature: &LeftOut| *nature == LeftOut::Aggregated && summary.counts.aggregated > 0;
    let left_out = left_out.filter(|(nature, count)| *count > 0 && !is_asked(nature));
    let left_out: Vec<String> = left_out.map(|(nature, count)| left_out_text(*nature, count)).collect();
    if !left_out.is_empty() {
        writeln!(out, "left out: {}", left_out.join(", "))?;
    }
    if told.verbose {
        for (_, file) in &summary.without_events {
            writeln!(out, "  without events: {}", shown(file))?;
        }
    }
    if let Some(counts) = told.labels {
        write_labels(&counts, told, out)?;
        write_unverified(summary, told.verbose, out)?;
    } else if let Some(how) = told.unverified.filter(|_| told.has_digests || summary.has_digests()) {
        writeln!(out, "note: nothing was verified, though the archive holds digests: {how}")?;
    }
    write_unreached(summary, told, out)?;
    if let Some(untimed) = untimed(summary) {
        writeln!(out, "note: {untimed}")?;
    }
    for note in &told.notes {
        writeln!(out, "{}", shown(note))?;
    }
    write_damage(summary, told.verbose, out)
}

/// Writes what an answer lacks and nothing else: the reason of status 3, which is said however quiet a run is.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write_reasons(summary: &Summary, told: &Told, out: &mut dyn Write) -> io::Result<()> {
    if told.completeness.is_complete() {
        return Ok(());
    }
    if let Some(counts) = told.labels {
        write_labels(&counts, told, out)?;
        write_unverified(summary, told.verbose, out)?;
    }
    write_unreached(summary, told, out)?;
    if told.completeness.uncounted > 0 {
        told.notes.iter().try_for_each(|note| writeln!(out, "{}", shown(note)))?;
    }
    write_damage(summary, told.verbose, out)
}

/// What is said of events that no filter of times finds, if there are any.
pub(crate) fn untimed(summary: &Summary) -> Option<String> {
    let count = summary.counts.untimed;
    let events = plural(count, "event");
    (count > 0).then(|| {
        format!("{events} with an eventTime that cannot be read: no filter of times finds such events")
    })
}

fn write_unreached(summary: &Summary, told: &Told, out: &mut dyn Write) -> io::Result<()> {
    if told.completeness.is_unreached {
        let yellow = AnsiColor::Yellow.on_default();
        let reach = reach(summary).unwrap_or_default();
        writeln!(out, "{yellow}the archive does not reach that time:{yellow:#} {reach}")?;
    }
    if let Some(until) = told.completeness.ends_before {
        let yellow = AnsiColor::Yellow.on_default();
        let (until, last) = (moment(until), summary.reach.delivered.map(|(_, last)| moment(last)));
        let last = match last {
            Some(last) if told.labels.is_none() => format!("the newest log file was delivered {last}"),
            Some(last) => format!("no proven digest reaches it; the newest log file was delivered {last}"),
            None => "no log file tells how far it reaches".to_owned(),
        };
        writeln!(
            out,
            "{yellow}the archive does not reach up to {until}, as --expect-until wants:{yellow:#} {last}"
        )?;
    }
    Ok(())
}

/// Where a span reaches farther than the log files of an archive by more than an hour, which is no error: nothing need have
/// happened. Not a word where none of it is reached, which is told otherwise.
pub(crate) fn reach_notes(summary: &Summary, from: Option<Timestamp>, to: Option<Timestamp>) -> Vec<String> {
    const QUIET: i64 = 3600;
    let Some((first, last)) = summary.reach.delivered else { return Vec::new() };
    let early = from.map(|from| first.since(from)).filter(|seconds| *seconds > QUIET);
    let late = to.map(|to| to.since(last)).filter(|seconds| *seconds > QUIET);
    let before = early.map(|by| {
        format!("the oldest log file was delivered {}; --from is {} earlier", moment(first), length(by))
    });
    let after = late.map(|by| {
        format!("the newest log file was delivered {}; --to is {} later", moment(last), length(by))
    });
    before.into_iter().chain(after).collect()
}

/// A number of seconds, in hours or days.
fn length(seconds: i64) -> String {
    match seconds / 3600 {
        hours @ ..48 => plural(hours.unsigned_abs(), "hour"),
        hours => plural((hours / 24).unsigned_abs(), "day"),
    }
}

/// How far an archive reaches, by the names of its log files.
pub(crate) fn reach(summary: &Summary) -> Option<String> {
    let Reach { delivered, accounts, regions, .. } = &summary.reach;
    let (first, last) = (*delivered)?;
    let list = |names: &BTreeSet<String>, one: &str| {
        let shown: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
        let more = if names.len() > LISTED { " and more" } else { "" };
        format!("{one}{} {}{more}", if names.len() == 1 { "" } else { "s" }, shown.join(", "))
    };
    Some(format!(
        "its log files were delivered from {} to {} (UTC), {}, {}",
        moment(first),
        moment(last),
        list(accounts, "account"),
        list(regions, "region")
    ))
}

fn skipped_text(reason: Skipped) -> &'static str {
    match reason {
        Skipped::EarlierTime => "delivered earlier",
        Skipped::LaterTime => "delivered later, which --late reads",
        Skipped::OtherTimeSigned => "with signed event times outside",
        Skipped::Empty => "without content",
        Skipped::NotJson => "holding no JSON",
        Skipped::OtherLabel => "not verified",
        Skipped::Digest => "read before as digests or their metadata",
        Skipped::Leftover => "left behind by desktops or copies",
        Skipped::Seen => "read by an earlier run (--since-state)",
        _ => "of another kind",
    }
}

fn left_out_text(nature: LeftOut, count: u64) -> String {
    match nature {
        LeftOut::Digest => plural(count, "digest document"),
        LeftOut::Aggregated => plural(count, "aggregated event"),
        LeftOut::Notification => plural(count, "notification"),
        LeftOut::Foreign => plural(count, "other JSON document"),
        _ => plural(count, "other value"),
    }
}

fn write_labels(counts: &[u64; 4], told: &Told, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    for (label, count) in Integrity::ALL.iter().zip(counts).filter(|(_, count)| **count > 0) {
        let style = match label {
            Integrity::Verified => AnsiColor::Green.on_default().bold(),
            Integrity::Violated => AnsiColor::Red.on_default().bold(),
            Integrity::Unproven | Integrity::NotCovered => AnsiColor::Yellow.on_default().bold(),
        };
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{style}{} {}{style:#}", grouped(*count), label.as_str());
    }
    if text.is_empty() {
        text.push_str("no event");
    }
    writeln!(out, "integrity: {text}")?;
    if told.completeness.missing_logs > 0 {
        let yellow = AnsiColor::Yellow.on_default();
        writeln!(
            out,
            "  {yellow}{} that AWS signed and that may hold such events: not in the archive{yellow:#} \
             {DIM}(`trailseal verify` names them){DIM:#}",
            plural(told.completeness.missing_logs, "log file")
        )?;
    }
    let DigestFindings { violations, unproven, codes, reach } = &told.completeness.digests;
    if violations + unproven > 0 {
        let yellow = AnsiColor::Yellow.on_default();
        writeln!(
            out,
            "  {yellow}the digests are not proven to be whole ({}), so log files may be missing unnoticed{yellow:#} \
             {DIM}(`trailseal verify` says more){DIM:#}",
            codes.join(", ")
        )?;
    }
    reach.iter().take(LISTED).try_for_each(|text| writeln!(out, "  {}", shown(text)))?;
    match reach.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "  and {} more (`trailseal verify`)", grouped(more as u64)),
    }
}

/// The files whose events are not proven, and why.
fn write_unverified(summary: &Summary, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    // What is proven to be wrong comes first.
    let mut files: Vec<_> = summary.unverified.iter().collect();
    files.sort_by_key(|(_, label, _)| *label != Integrity::Violated);
    let listed = if verbose { files.len() } else { files.len().min(LISTED) };
    for (file, label, reason) in &files[..listed] {
        writeln!(out, "  {}: {}: {}", shown(file), label.as_str(), shown(reason))?;
    }
    let more = (files.len() - listed) as u64;
    if more > 0 {
        writeln!(out, "  and {} more (--verbose)", grouped(more))?;
    }
    Ok(())
}

fn write_damage(summary: &Summary, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    if summary.damages == 0 {
        return Ok(());
    }
    let red = AnsiColor::Red.on_default().bold();
    writeln!(
        out,
        "{red}damaged:{red:#} {}, where events may be missing or wrong; every whole event elsewhere was used",
        plural(summary.damages, "place")
    )?;
    let listed = if verbose { summary.damage.len() } else { summary.damage.len().min(LISTED) };
    for Damage { shown: file, offset, reason, .. } in &summary.damage[..listed] {
        let place = offset.map_or_else(String::new, |offset| format!(" at byte {}", grouped(offset)));
        let remedy = if reason == TOO_LONG { " (--max-record-size)" } else { "" };
        writeln!(out, "  {}{place}: {}{remedy}", shown(file), shown(reason))?;
    }
    let more = summary.damages.saturating_sub(listed as u64);
    if more > 0 {
        let how = if verbose || summary.damage.len() == listed { "" } else { " (--verbose)" };
        writeln!(out, "  and {} more{how}", grouped(more))?;
    }
    Ok(())
}

/// Writes the line of `--stats`: what a scan took.
///
/// # Errors
/// What `out` cannot write.
pub(crate) fn write_stats(
    summary: &Summary,
    took: Duration,
    threads: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let seconds = took.as_secs_f64();
    writeln!(
        out,
        "stats: {seconds:.3} s, {} files ({:.0} files/s), {} events ({} events/s), {} bytes inflated ({:.1} MB/s), threads: {threads}",
        summary.files,
        summary.files as f64 / seconds.max(1e-6),
        summary.counts.records,
        grouped((summary.counts.records as f64 / seconds.max(1e-6)) as u64),
        summary.inflated,
        summary.inflated as f64 / 1e6 / seconds.max(1e-6),
    )
}

#[cfg(test)]
mod tests {
    use trailseal_query::scan::Counts;

    use super::*;

    fn written(summary: &Summary, told: &Told) -> String {
        let mut out = Vec::new();
        write(summary, told, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    fn summary(damages: u64) -> Summary {
        let damage = |at: u64| Damage {
            index: at,
            shown: format!("a{at}\u{1b}.json.gz"),
            offset: (at > 0).then_some(at * 1000),
            reason: "the gzip data end too early".to_owned(),
        };
        Summary {
            files: 12,
            bytes: 4_096,
            inflated: 40_960,
            counts: Counts { records: 1_500, matched: 20, left_out: [0, 1, 0, 2], ..Counts::default() },
            skipped: [(3, 2_048), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)],
            damage: (0..damages.min(20)).map(damage).collect(),
            damages,
            ..Summary::default()
        }
    }

    #[test]
    fn that_nothing_was_verified_is_said_where_it_could_be() {
        let mut summary = summary(0);
        let told = Told { unverified: Some(BY_OPTION), ..Told::default() };
        assert!(!written(&summary, &told).contains("nothing was verified"), "without digests");
        summary.unread_digests = 1;
        assert!(written(&summary, &told).contains("nothing was verified"));
        summary.unread_digests = 0;
        summary.counts.left_out[0] = 3;
        let line = written(&summary, &told);
        assert_eq!(
            line.matches("note: nothing was verified, though the archive holds digests: --keys").count(),
            1
        );
        assert!(!written(&summary, &Told::default()).contains("nothing was verified"));
        let told = Told { labels: Some([17, 0, 0, 0]), ..told };
        assert!(!written(&summary, &told).contains("nothing was verified"), "with keys");
    }

    #[test]
    fn every_file_is_accounted_for() {
        let completeness = Completeness { missing_logs: 1, ..Completeness::default() };
        let told = Told { duplicates: Some(2), labels: Some([17, 0, 1, 2]), completeness, ..Told::default() };
        assert_eq!(
            written(&summary(2), &told),
            "20 of 1,500 events matched, in 12 files (4.00 KiB on disk, 40.00 KiB of content)\n\
             dropped: 2 duplicates (the same eventID)\n\
             not read: 3 files delivered earlier (2.00 KiB), 1 file without content (0 B)\n\
             left out: 1 aggregated event, 2 other JSON documents\n\
             integrity: 17 verified, 1 violated, 2 not_covered\n\
             \x20 1 log file that AWS signed and that may hold such events: not in the archive (`trailseal verify` names them)\n\
             damaged: 2 places, where events may be missing or wrong; every whole event elsewhere was used\n\
             \x20 a0\\u{1b}.json.gz: the gzip data end too early\n\
             \x20 a1\\u{1b}.json.gz at byte 1,000: the gzip data end too early\n"
        );
    }

    #[test]
    fn digests_that_are_not_whole_are_told_and_leave_the_answer_unproven() {
        let digests = DigestFindings {
            violations: 1,
            unproven: 1,
            codes: vec!["tail_cut", "head_stale"],
            reach: vec!["it reaches there".to_owned()],
        };
        let completeness = Completeness { digests, ..Completeness::default() };
        let told = Told { labels: Some([17, 0, 0, 0]), completeness, ..Told::default() };
        let text = written(&summary(0), &told);
        assert!(text.contains("not proven to be whole (tail_cut, head_stale)"), "{text}");
        assert!(text.contains("\n  it reaches there\n"), "{text}");
        assert_eq!(status(&told.completeness, false), 3);
        assert_eq!(status(&told.completeness, true), 3);
        assert_eq!(status(&Completeness::default(), true), 1);
        assert_eq!(status(&Completeness::default(), false), 0);
    }

    #[test]
    fn a_span_that_reaches_farther_than_the_log_files_is_told() {
        let at = |text: &str| Timestamp::parse_digest_field(text).ok();
        let mut summary = summary(0);
        summary.reach.delivered = at("2024-03-01T00:05:00Z").zip(at("2024-03-02T00:05:00Z"));
        let notes = |from: &str, to: &str| reach_notes(&summary, at(from), at(to)).join(", ");
        assert_eq!(notes("2024-03-01T00:00:00Z", "2024-03-02T01:00:00Z"), "");
        assert_eq!(
            notes("2024-02-29T22:00:00Z", "2024-03-09T00:05:00Z"),
            "the oldest log file was delivered 2024-03-01 00:05:00; --from is 2 hours earlier, the newest log file was delivered \
             2024-03-02 00:05:00; --to is 7 days later"
        );
        assert_eq!(notes("", ""), "");
    }

    #[test]
    fn much_damage_is_summed_up() {
        let few = written(&summary(25), &Told::default());
        assert!(few.ends_with("and 15 more (--verbose)\n"), "{few}");
        assert_eq!(few.matches("too early").count(), 10);
        let all = written(&summary(25), &Told { verbose: true, ..Told::default() });
        assert!(all.ends_with("and 5 more\n"), "{all}");
        assert_eq!(all.matches("too early").count(), 20);
    }
}
