//! The report for people: findings, chains, coverage, totals, verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use trailseal_evidence::report::{Report, Scope, ScopeIndex, Totals, Verdict};
use trailseal_verify::{Code, Gap, Severity};

use super::{
    chains, findings,
    plain::{DIM, grouped, moment, plural, shown, span, verdict_style, wrapped},
    room::noted,
    strip,
    style::Style,
};

/// Columns in front of totals.
const LABEL: usize = 13;

/// Writes the report.
pub(crate) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if !style.quiet {
        findings::write(&report.findings, style, out)?;
        let notes = report.findings.iter().filter(|finding| !findings::is_listed(finding)).count();
        if notes > 0 && !style.verbose {
            writeln!(out, "{} not listed (--verbose)", plural(notes as u64, "note"))?;
        }
        if !report.findings.is_empty() {
            writeln!(out)?;
        }
        chains::write(&report.chains, style, out)?;
        writeln!(out)?;
        if report.chains.iter().any(|chain| chain.coverage.is_some()) {
            strip::write(&report.chains, style, out)?;
            writeln!(out)?;
        }
        write_totals(report, style, out)?;
        writeln!(out)?;
        write_limits(report, style, out)?;
        writeln!(out)?;
    }
    let colour = verdict_style(report.verdict);
    let (word, sentence) = (report.verdict.word(), sentence(report));
    let lines = match style.width {
        Some(width) => wrapped(&format!("{word}: {sentence}"), width),
        None => vec![format!("{word}: {sentence}")],
    };
    let (first, rest) = lines.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    writeln!(out, "{colour}{word}{colour:#}{}", first.strip_prefix(word).unwrap_or_default())?;
    rest.iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn write_totals(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (digests, logs) = (&report.totals.digests, &report.totals.logs);
    let told = |counts: &[(u64, &str)]| {
        let told = counts.iter().filter(|(count, _)| *count > 0);
        told.map(|(count, word)| format!("{} {word}", grouped(*count))).collect::<Vec<_>>().join(", ")
    };
    let counts = |what: String, counts: &[(u64, &str)]| match told(counts) {
        nothing if nothing.is_empty() => what,
        told => format!("{what}: {told}"),
    };
    // what does not fit stands below the rest, indented by two more
    let room = style.width.map_or(usize::MAX, |width| width.saturating_sub(LABEL));
    let mut line = |label: &str, text: &str| {
        let (first, rest) = noted(text, room)
            .split_first()
            .map(|(first, rest)| (first.clone(), rest.to_vec()))
            .unwrap_or_default();
        writeln!(out, "{DIM}{label:<LABEL$}{DIM:#}{first}")?;
        rest.iter().try_for_each(|more| writeln!(out, "{:LABEL$}{more}", ""))
    };
    let of_digests = [
        (digests.verified, "verified"),
        (digests.violated, "violated"),
        (digests.unproven, "unproven"),
        (digests.missing, "missing besides"),
    ];
    line("digest files", &counts(format!("{} found", grouped(digests.found)), &of_digests))?;
    let of_logs = [
        (logs.verified, "verified"),
        (logs.violated, "violated"),
        (logs.unproven, "unproven"),
        (logs.missing, "missing"),
    ];
    line("log files", &counts(format!("{} named by digests", grouped(logs.named)), &of_logs))?;
    if logs.not_copied > 0 {
        line("", &format!("{} of the unproven: their days were not copied", grouped(logs.not_copied)))?;
    }
    let unnamed = [
        (logs.unreferenced, "in a proven window (unreferenced)"),
        (logs.pending, "too new for a digest (pending)"),
        (logs.outside_coverage, "outside coverage"),
    ];
    if unnamed.iter().any(|(count, _)| *count > 0) {
        line("", &counts("named by none".to_owned(), &unnamed))?;
    }
    let files = &report.totals.files;
    let many = |count: u64, one: &str, many: &str| {
        (count > 0).then(|| format!("{} {}", grouped(count), if count == 1 { one } else { many }))
    };
    let other_files = [
        many(files.copies, "further copy of a proven log", "further copies of proven logs"),
        many(files.metadata, "file of object metadata", "files of object metadata"),
        many(files.keys, "key file", "key files"),
        many(files.markers, "folder marker", "folder markers"),
        many(files.leftovers, "leftover of desktops and copies", "leftovers of desktops and copies"),
        many(files.aliases, "link to another file", "links to other files"),
        many(files.strays, "stray", "strays"),
        many(files.others, "of another service or none, not judged", "of other services or none, not judged"),
    ];
    let other_files: Vec<String> = other_files.into_iter().flatten().collect();
    if !other_files.is_empty() {
        line("other files", &other_files.join(", "))?;
    }
    if report.totals.gap_seconds > 0 {
        line("not logged", &format!("{}, all chains together", hours(report.totals.gap_seconds)))?;
    }
    line("hashed", &format!("{} bytes", grouped(report.totals.bytes_inflated)))?;
    let scope = &report.scope;
    for ScopeIndex { path, written, files } in &scope.index {
        let written = written.map_or_else(String::new, |written| format!(", written {}", moment(written)));
        let of = plural(*files, "log file");
        line(
            "by index",
            &format!("{of}, whose stored bytes were hashed and are those of then; not inflated"),
        )?;
        line("", &format!("{}{written}", shown(path)))?;
    }
    line("checked by", &format!("{}, offline", report.tool))?;
    for (index, root) in scope.roots.iter().enumerate() {
        line(if index == 0 { "folders" } else { "" }, &shown(root))?;
    }
    let limit = if style.verbose { usize::MAX } else { 5 };
    let key_files: BTreeSet<(&str, &str)> =
        scope.keys.iter().map(|key| (key.file.as_str(), key.file_sha256.as_str())).collect();
    let keys = plural(scope.keys.len() as u64, "public key");
    line("trusted", &format!("{keys} from {}", plural(key_files.len() as u64, "file")))?;
    for (file, sha256) in key_files.iter().take(limit) {
        line("", &format!("{} (sha256 {sha256})", shown(file)))?;
        let of_file = || scope.keys.iter().filter(|key| key.file == *file);
        for key in of_file().take(limit) {
            let validity = match (key.validity_start, key.validity_end) {
                (Some(start), Some(end)) => format!(", valid {}", span(start, end)),
                _ => ", no validity stated".to_owned(),
            };
            line("", &format!("  {}{validity}", key.fingerprint))?;
        }
        if of_file().count() > limit {
            line("", &format!("  and {} more (--verbose)", of_file().count() - limit))?;
        }
    }
    if key_files.len() > limit {
        line("", &format!("and {} more files (--verbose)", key_files.len() - limit))?;
    }
    for mapping in scope.mappings.iter().take(limit) {
        let how = if mapping.inferred { "inferred" } else { "--map" };
        let (bucket, prefix, folder) =
            (shown(&mapping.bucket), shown(&mapping.prefix), shown(&mapping.folder));
        line("bucket", &format!("s3://{bucket}/{prefix} is {folder} ({how})"))?;
    }
    if scope.mappings.len() > limit {
        line("", &format!("and {} more (--verbose)", scope.mappings.len() - limit))?;
    }
    if let Some(asked) = asked(scope) {
        line("asked for", &asked)?;
    }
    if let Some(time) = scope.as_of {
        line("as of", &moment(time))?;
    }
    if let Some(statement) = scope.statement {
        line(
            "stated",
            if statement == "trails" {
                "which trails deliver (--trails)"
            } else {
                "no other trail delivers (--sole-trail)"
            },
        )?;
    }
    if !scope.allowed.is_empty() {
        line("allowed", &scope.allowed.iter().map(|code| code.text()).collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

/// What was checked, what of it is not proven, and what no run can say, whatever it found: in sentences.
fn write_limits(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut paragraph = |indent: &str, text: &str| {
        let width = style.width.map_or(usize::MAX, |width| width.saturating_sub(indent.len()));
        let lines = wrapped(text, width);
        lines.iter().enumerate().try_for_each(|(at, line)| {
            let indent = if at == 0 { indent } else { &"    "[..indent.len()] };
            writeln!(out, "{DIM}{indent}{line}{DIM:#}")
        })
    };
    let scope = &report.scope;
    let within = if asked(scope).is_some() { ", of what was asked for" } else { "" };
    paragraph(
        "",
        &format!(
            "Checked{within}: every digest file, by its signature or by the hash that the digest after it names; every log \
             file that digests name, by the SHA-256 of its content; every other file in the folders, for what it is."
        ),
    )?;
    let (violated, missing, open) = (violated(report), missing(report), unproven(report));
    for (what, parts) in
        [("Not what was signed, or not in its place", &violated), ("Named, and not there", &missing)]
    {
        if !parts.is_empty() {
            paragraph("", &format!("{what}: {}.", parts.join("; ")))?;
        }
    }
    match open.is_empty() {
        false => paragraph("", &format!("Not proven: {}.", open.join("; ")))?,
        true if violated.is_empty() && missing.is_empty() => paragraph("", "Not proven: nothing.")?,
        true => {}
    }
    paragraph("", "What an archive cannot show of itself:")?;
    let is_open = scope.as_of.is_none() && scope.end_time.is_none();
    let expects = !scope.expected_accounts.is_empty() && !scope.expected_regions.is_empty();
    let limits = [
        (is_open, "what was removed from its newest end in all places at once (--as-of)"),
        (
            !scope.baseline,
            "that everything before a restart of logging is gone, or a backfill digest with its logs (--baseline)",
        ),
        (!expects, "accounts and regions of which nothing is here (--expect-account, --expect-region)"),
        (true, "what was delivered before validation began, and what CloudTrail was not set to log"),
    ];
    let limits = limits.iter().filter(|(applies, _)| *applies);
    limits.map(|(_, limit)| limit).try_for_each(|limit| paragraph("  - ", limit))
}

/// `3 digest files`, or nothing.
fn files(count: u64, what: &str) -> Option<String> {
    (count > 0).then(|| plural(count, what))
}

fn violated(report: &Report) -> Vec<String> {
    let Totals { digests, logs, .. } = &report.totals;
    [files(digests.violated, "digest file"), files(logs.violated, "log file")].into_iter().flatten().collect()
}

fn missing(report: &Report) -> Vec<String> {
    let Totals { digests, logs, .. } = &report.totals;
    [files(digests.missing, "digest file"), files(logs.missing, "log file")].into_iter().flatten().collect()
}

/// What was found, or named, and is neither proven nor violated.
fn unproven(report: &Report) -> Vec<String> {
    let Totals { digests, logs, .. } = &report.totals;
    let some = |count: u64, noun: &str, which: &str| files(count, noun).map(|text| format!("{text}{which}"));
    let parts = [
        some(digests.unproven, "digest file", ""),
        some(logs.unproven.saturating_sub(logs.not_copied), "log file", " that digests name"),
        some(logs.not_copied, "log file", " of days that were not copied"),
        some(logs.unreferenced, "log file", " that no digest names, in hours that digests cover"),
        some(logs.pending, "log file", " too new for a digest"),
        some(logs.outside_coverage, "log file", " from times of which no digest speaks"),
        some(report.totals.files.strays, "stray file", ""),
        (report.totals.gap_seconds > 0).then(|| "the hours without logging".to_owned()),
    ];
    let mut parts: Vec<String> = parts.into_iter().flatten().collect();
    if let Some(codes) = uncounted(report) {
        parts.push(format!("what is found above ({codes})"));
    }
    parts
}

/// The codes of what is unproven and is no count of files or hours.
fn uncounted(report: &Report) -> Option<String> {
    let is_counted = |code: Code| {
        let text = code.text();
        let is_of_files = ["log_", "signature", "key_"].iter().any(|start| text.starts_with(start));
        let is_count =
            matches!(code, Code::Gap | Code::StrayObject | Code::NotCopied | Code::DigestUnreadable);
        is_of_files || is_count
    };
    let unproven = report.findings.iter().filter(|finding| finding.severity == Severity::Unproven);
    let codes: BTreeSet<&str> =
        unproven.map(|finding| finding.code).filter(|code| !is_counted(*code)).map(Code::text).collect();
    (!codes.is_empty()).then(|| codes.into_iter().collect::<Vec<_>>().join(", "))
}

/// What narrows the scope.
fn asked(scope: &Scope) -> Option<String> {
    let list = |what: &str, values: &[String]| {
        (!values.is_empty()).then(|| format!("{what} {}", shown(&values.join(", "))))
    };
    let time = |what: &str, time: Option<_>| time.map(|time| format!("{what} {}", moment(time)));
    let parts = [
        list("account", &scope.accounts),
        list("region", &scope.regions),
        list("trail", &scope.trails),
        time("from", scope.start_time),
        time("to", scope.end_time),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The verdict in words; it claims nothing that the totals do not say.
fn sentence(report: &Report) -> String {
    let (digests, logs) = (&report.totals.digests, &report.totals.logs);
    let is_whole = digests.verified == digests.found && logs.verified == logs.named;
    let named = plural(logs.named, "log file");
    let proven = if is_whole && digests.found > 0 {
        let found = plural(digests.found, "digest file");
        match (digests.found, logs.named) {
            (1, 0) => format!("the {found}, which names no log file, is what the given keys vouch for"),
            (1, _) => format!("the {found} and the {named} that it names are what the given keys vouch for"),
            (_, 0) => format!("the {found}, which name no log file, are what the given keys vouch for"),
            _ => format!("the {found} and the {named} that they name are what the given keys vouch for"),
        }
    } else if digests.found == 0 {
        "nothing is proven, for there is no digest".to_owned()
    } else {
        format!(
            "{} of {} and {} of {named} that they name are what the given keys vouch for",
            grouped(digests.verified),
            plural(digests.found, "digest file"),
            grouped(logs.verified),
        )
    };
    let mut text = match report.verdict {
        Verdict::Verified => proven,
        Verdict::Violated => {
            format!(
                "{} proven ({}); {proven}",
                is_are(report, Severity::Violation),
                codes(report, Severity::Violation)
            )
        }
        Verdict::Unproven if digests.verified == 0 && codes(report, Severity::Unproven).is_empty() => {
            "nothing of what was asked for is proven".to_owned()
        }
        Verdict::Unproven => format!(
            "no violation was found, but not everything could be proven ({}); {proven}",
            codes(report, Severity::Unproven)
        ),
        Verdict::Allowed if digests.verified == 0 => {
            "nothing is proven, and what was found was allowed".to_owned()
        }
        Verdict::Allowed => format!("not everything is proven, and what was found was allowed; {proven}"),
    };
    if let Some(pauses) = pauses(report) {
        text = format!("{text}; {pauses}");
    }
    if asked(&report.scope).is_some() {
        text += "; nothing but what was asked for was judged";
    }
    if !report.scope.allowed.is_empty() {
        let allowed: Vec<&str> = report.scope.allowed.iter().map(|code| code.text()).collect();
        text = format!("{text}; allowed: {}", allowed.join(", "));
    }
    text
}

/// The hours without logging: they are in every verdict, explained or not, allowed or not (row 33).
fn pauses(report: &Report) -> Option<String> {
    let Scope { start_time, end_time, .. } = &report.scope;
    let asked = |gap: &Gap| {
        (
            start_time.map_or(gap.start, |from| from.max(gap.start)),
            end_time.map_or(gap.end, |to| to.min(gap.end)),
        )
    };
    let gaps = || {
        let chains = report.chains.iter().flat_map(|chain| chain.gaps.iter().map(move |gap| (chain, gap)));
        let gaps = chains.filter(|(_, gap)| gap.code == Code::Gap).map(|(chain, gap)| (chain, asked(gap)));
        gaps.filter(|(_, (start, end))| end > start)
    };
    let spans: BTreeSet<_> = gaps().map(|(_, span)| span).collect();
    let (_, (start, end)) = gaps().max_by_key(|(_, (start, end))| end.since(*start))?;
    let hours = hours(end.since(start).unsigned_abs());
    let place = span(start, end);
    let chains: BTreeSet<_> = gaps().map(|(chain, _)| &chain.id).collect();
    let chains = match chains.len() {
        1 => String::new(),
        n => format!(" in {n} chains"),
    };
    Some(match spans.len() {
        1 => format!("{hours} without logging{chains} ({place})"),
        n => format!("{n} spans without logging{chains}, the longest {hours} ({place})"),
    })
}

/// `8:07 h`.
fn hours(seconds: u64) -> String {
    format!("{}:{:02} h", seconds / 3600, seconds % 3600 / 60)
}

fn is_are(report: &Report, severity: Severity) -> String {
    let count = report.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    format!("{} {}", plural(count, "violation"), if count == 1 { "is" } else { "are" })
}

/// `log_altered, log_missing × 3`.
fn codes(report: &Report, severity: Severity) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.severity == severity) {
        *counts.entry(finding.code.text()).or_default() += 1;
    }
    let text =
        |(code, count): (&str, u64)| if count == 1 { code.to_owned() } else { format!("{code} × {count}") };
    counts.into_iter().map(text).collect::<Vec<_>>().join(", ")
}
