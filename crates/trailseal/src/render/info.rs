//! What an archive holds, as a screen and as data.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use indicatif::HumanBytes;
use trailseal_analysis::info::{
    ArchiveInfo, DeliverySpan, FileKind, FilesOfKind, HourSpan, InfoPlace, LogHours, LoggingChange,
    MAX_CHAINS, MAX_DAYS, MAX_VALUES, NamedTrail, UsedValue, UsedValues,
};
use trailseal_archive::Timestamp;

use super::{
    info_grid::InfoGrid,
    plain::{DIM, grouped, moment, plural, shown, span, wrapped},
};

/// Accounts and regions that are shown.
const PLACES: usize = 30;
/// Those with hours without a log file, and how many spans of them.
const PLACES_WITHOUT: usize = 5;
const SPANS: usize = 2;
/// Values of a kind, the newest of them, and those that are told in one line.
const VALUES: usize = 3;
const NEWEST: usize = 2;
const NAMES: usize = 8;
/// Calls that stop or change logging.
const CHANGES: usize = 8;
/// Characters of a text that was not made to be read.
const LONGEST: usize = 400;
/// Files of a kind that are named.
const FILES: usize = 3;
/// What stands before lines that go on.
const INDENT: usize = 10;

/// A blank at which a line is not wrapped. It is in no text: what is shown has no control characters.
const TOGETHER: &str = "\u{1}";

const BOLD: Style = Style::new().bold();

/// What values of a kind are called.
struct ValueNames {
    one: &'static str,
    many: &'static str,
    head: &'static str,
}

const VALUES_SHOWN: [ValueNames; 3] = [
    ValueNames { one: "principal", many: "principals", head: "PRINCIPAL" },
    ValueNames { one: "access key", many: "access keys", head: "ACCESS KEY" },
    ValueNames { one: "source address", many: "source addresses", head: "ADDRESS" },
];

/// Writes the rest of a screen.
pub(crate) type Rest<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

/// What is shown.
pub(crate) struct InfoScreen<'a> {
    /// What the archive holds.
    pub(crate) info: &'a ArchiveInfo,
    /// Columns of the terminal; nothing is wrapped where there is none.
    pub(crate) width: Option<usize>,
    /// Lists are shown whole.
    pub(crate) is_verbose: bool,
    /// Commands that can be run next, if the input can be read again; the one for calls that stop or change logging shows a
    /// timeline.
    pub(crate) next: Vec<String>,
    /// Writes what could not be read.
    pub(crate) reasons: Rest<'a>,
}

/// Writes one JSON document.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn json(info: &ArchiveInfo, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, info)?;
    writeln!(out)
}

/// What files of a kind are called, after their number.
pub(crate) fn kind_text(kind: FileKind, files: u64) -> &'static str {
    let is_one = files == 1;
    match kind {
        FileKind::Log if is_one => "CloudTrail log file",
        FileKind::Log => "CloudTrail log files",
        FileKind::OtherEvents if is_one => "other file with events",
        FileKind::OtherEvents => "other files with events",
        FileKind::Digest if is_one => "digest file",
        FileKind::Digest => "digest files",
        FileKind::Metadata => "with the metadata of objects",
        FileKind::OtherJson => "other JSON without events",
        FileKind::NotJson => "not JSON",
        FileKind::Empty => "empty",
        FileKind::Leftover => "left behind by desktops or copies",
        FileKind::ArchiveFile if is_one => "archive file, its members counted here",
        FileKind::ArchiveFile => "archive files, their members counted here",
        FileKind::OtherTime => "in archive files, of another time",
        FileKind::Unread => "damaged as a whole",
    }
}

impl InfoScreen<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.head(out)?;
        self.files(out)?;
        self.trails(out)?;
        self.places(out)?;
        self.hours(out)?;
        let info = self.info;
        for (names, values) in
            VALUES_SHOWN.iter().zip([&info.principals, &info.access_keys, &info.source_ips])
        {
            self.values(names, values, out)?;
        }
        self.names("calls", &info.event_names, out)?;
        self.names("errors", &info.errors, out)?;
        self.logging(out)?;
        let mut reasons = Vec::new();
        (self.reasons)(&mut reasons)?;
        if !reasons.is_empty() {
            writeln!(out)?;
            out.write_all(&reasons)?;
        }
        self.next(out)
    }

    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let ArchiveInfo { files, events, .. } = self.info;
        let members = match files.members {
            0 => String::new(),
            members => format!(" with {}", plural(members, "member")),
        };
        let text = format!(
            "{}{members}, {} on disk, {} of content; {}, {} failed",
            plural(files.found, "file"),
            HumanBytes(files.bytes),
            HumanBytes(files.inflated),
            plural(events.span.events, "event"),
            grouped(events.span.failed),
        );
        for line in self.wrapped(&text, 0) {
            writeln!(out, "{BOLD}{line}{BOLD:#}")?;
        }
        if let (Some(first), Some(last)) = (events.span.first, events.span.last) {
            let text = format!("events from {} to {}; all times are UTC", moment(first), moment(last));
            self.indented(&text, 0, out)?;
        }
        if events.without_time > 0 {
            writeln!(out, "{} with no time that can be read", plural(events.without_time, "event"))?;
        }
        if self.info.from.is_some() || self.info.to.is_some() {
            let side = |word: &str, time: Option<Timestamp>| {
                time.map(|time| format!(" {word} {}", moment(time))).unwrap_or_default()
            };
            let (from, to) = (side("from", self.info.from), side("to", self.info.to));
            writeln!(out, "asked for: only events{from}{to}")?;
        }
        Ok(())
    }

    fn files(&self, out: &mut dyn Write) -> io::Result<()> {
        let files = &self.info.files;
        writeln!(out)?;
        let mut texts: Vec<String> = files.kinds.iter().map(|of| self.files_of_kind(of)).collect();
        if files.of_another_time > 0 {
            texts.push(format!(
                "{} not opened, of another time by their names",
                grouped(files.of_another_time)
            ));
        }
        for (nature, text) in [("aggregated", "aggregated event"), ("notification", "notification")] {
            if let Some(count) = files.left_out.get(nature) {
                texts.push(format!("in them {}, not among the events", plural(*count, text)));
            }
        }
        match files.same_names {
            Some(0) => {}
            Some(count) => texts.push(format!(
                "{} with the name of another one: events of copies count twice here (query --dedupe)",
                plural(count, "log file")
            )),
            None => {
                texts.push("whether log files are there twice was not looked for, there are too many".into());
            }
        }
        self.labelled("files", &texts, out)
    }

    fn files_of_kind(&self, of: &FilesOfKind) -> String {
        let mut text = format!("{} {}", grouped(of.files), kind_text(of.kind, of.files));
        let mut more = Vec::new();
        if of.kind == FileKind::Log {
            if of.without_events > 0 {
                more.push(format!("{} without events", grouped(of.without_events)));
            }
            if let Some(DeliverySpan { first, last }) = self.info.files.delivered {
                more.push(format!("delivered {} by their names", minutes(first, last)));
            }
        }
        if of.kind == FileKind::Digest {
            match &self.info.chains {
                Some(chains) => more.push(format!("{} by their names", plural(chains.len() as u64, "chain"))),
                None => more.push(format!("more than {} chains", grouped(MAX_CHAINS as u64))),
            }
            if self.info.files.unnamed_digests > 0 {
                more.push(format!("{} under other names", grouped(self.info.files.unnamed_digests)));
            }
            more.push("none verified".to_owned());
        }
        if of.damaged > 0 && of.kind != FileKind::Unread {
            more.push(format!("{} damaged", grouped(of.damaged)));
        }
        // what is damaged is listed with its reasons
        let most = if of.kind == FileKind::Unread { 0 } else { FILES };
        let listed = if self.is_verbose { of.names.len() } else { of.names.len().min(most) };
        more.extend(of.names[..listed].iter().map(|name| told(name)));
        if listed > 0 && of.files > listed as u64 {
            more.push("…".to_owned());
        }
        if !more.is_empty() {
            text = format!("{text}: {}", more.join(", "));
        }
        text
    }

    fn trails(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(trails) = &self.info.trails else { return Ok(()) };
        let trail = |trail: &NamedTrail| {
            format!(
                "{}, home region {}: {} in {}, {}, {}",
                told(&trail.trail),
                told(&trail.home_region),
                plural(trail.chains, "chain"),
                plural(trail.accounts, "account"),
                plural(trail.digests, "digest"),
                minutes(trail.first, trail.last),
            )
        };
        let listed = if self.is_verbose { trails.len() } else { trails.len().min(PLACES) };
        let mut texts: Vec<String> = trails[..listed].iter().map(trail).collect();
        if trails.len() > listed {
            texts.push(format!("{} more (--verbose)", grouped((trails.len() - listed) as u64)));
        }
        self.labelled("trails", &texts, out)?;
        let chains = self.info.chains.as_deref().unwrap_or_default();
        if !self.is_verbose || chains.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let mut grid = InfoGrid::new(&[
            "ACCOUNT",
            "REGION",
            "CHAIN OF TRAIL",
            "DIGESTS",
            "FIRST",
            "LAST",
            "HOME REGION",
        ]);
        grid.align_right(&[3]);
        for chain in chains {
            grid.row([
                chain.account.clone(),
                chain.region.clone(),
                chain.trail.clone(),
                grouped(chain.digests),
                moment(chain.first),
                moment(chain.last),
                chain.home_region.clone(),
            ]);
        }
        grid.write(self.width, 0, out)
    }

    fn places(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(places) = &self.info.places else {
            let many = grouped(MAX_VALUES as u64);
            return writeln!(out, "\nmore than {many} accounts and regions: none of them is told");
        };
        if places.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let listed = if self.is_verbose { places.iter().collect() } else { largest(places, PLACES) };
        self.place_grid(&listed, out)?;
        match places.len() - listed.len() {
            0 => Ok(()),
            more => writeln!(
                out,
                "{DIM}the {PLACES} with the most events; {} more accounts and regions (--verbose){DIM:#}",
                grouped(more as u64)
            ),
        }
    }

    /// One line a region, below each other where the accounts fit beside them, else below their accounts.
    fn place_grid(&self, places: &[&InfoPlace], out: &mut dyn Write) -> io::Result<()> {
        const HEADS: [&str; 8] =
            ["ACCOUNT", "REGION", "EVENTS", "FAILED", "FIRST", "LAST", "LOG FILES", "HOURS WITHOUT ONE"];
        /// So many must be shown.
        const NEEDED: usize = 6;
        let name = |name: &Option<String>| told(name.as_deref().unwrap_or("(none)"));
        let cells = |place: &InfoPlace| {
            let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), moment);
            let logs =
                |make: &dyn Fn(&LogHours) -> String| place.log_hours.as_ref().map_or("-".to_owned(), make);
            [
                name(&place.account),
                name(&place.region),
                grouped(place.span.events),
                grouped(place.span.failed),
                time(place.span.first),
                time(place.span.last),
                logs(&|hours| grouped(hours.log_files)),
                logs(&|hours| match hours.without {
                    0 => "none".to_owned(),
                    without => format!("{} of {}", grouped(without), grouped(hours.hours)),
                }),
            ]
        };
        let mut flat = InfoGrid::new(&HEADS);
        flat.align_right(&[2, 3, 6]);
        for place in places {
            flat.row(cells(place));
        }
        if flat.fitting(self.width) >= NEEDED {
            return flat.write(self.width, 0, out);
        }
        // hours are told below
        let mut below = InfoGrid::new(&HEADS[1..7]);
        below.align_right(&[1, 2, 5]);
        for place in places {
            let [account, rest @ .., _] = cells(place);
            below.group(&account);
            below.row::<6>(rest);
        }
        below.write(self.width, 2, out)
    }

    fn hours(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.info.files.has_too_many_days {
            let many = grouped(MAX_DAYS as u64);
            let text = format!("hours without a log file are not told: more than {many} days have log files");
            return self.labelled("hours", &[text], out);
        }
        let places = self.info.places.as_deref().unwrap_or_default();
        let mut without: Vec<(&InfoPlace, &LogHours)> =
            places.iter().filter_map(|place| Some((place, place.log_hours.as_ref()?))).collect();
        if without.is_empty() {
            return Ok(());
        }
        without.retain(|(_, hours)| hours.without > 0);
        if without.is_empty() {
            let text = "a log file in every hour, from the first to the last of each account and region (by their names)";
            return self.labelled("hours", &[text.to_owned()], out);
        }
        without.sort_by_key(|(_, hours)| std::cmp::Reverse(hours.without));
        let listed = if self.is_verbose { without.len() } else { without.len().min(PLACES_WITHOUT) };
        let places = match without.len() {
            1 => "1 account and region".to_owned(),
            places => format!("{} accounts and regions", grouped(places as u64)),
        };
        let mut texts = vec![format!(
            "without a log file, by their names, in {places} (nothing may have happened then):"
        )];
        for (place, hours) in &without[..listed] {
            let mut spans: Vec<&HourSpan> = hours.spans.iter().collect();
            let shown_spans = if self.is_verbose { spans.len() } else { spans.len().min(SPANS) };
            if shown_spans < spans.len() {
                spans.sort_by_key(|span| (std::cmp::Reverse(span.hours), span.from));
                spans.truncate(shown_spans);
                spans.sort_by_key(|span| span.from);
            }
            let hours_of =
                |spans: &mut dyn Iterator<Item = &HourSpan>| spans.map(|span| span.hours).sum::<u64>();
            // of more spans than are held, nobody knows the longest
            let which = match () {
                () if hours_of(&mut hours.spans.iter()) < hours.without => ", some of them",
                () if hours_of(&mut spans.iter().copied()) < hours.without => ", the longest",
                () => "",
            };
            let times: Vec<String> = spans.iter().map(|span| minutes(span.from, span.to)).collect();
            let name = |name: &Option<String>| told(name.as_deref().unwrap_or("(none)"));
            texts.push(format!(
                "{} {}: {} of {}{which}: {}",
                name(&place.account),
                name(&place.region),
                grouped(hours.without),
                plural(hours.hours, "hour"),
                times.join(", ")
            ));
        }
        if without.len() > listed {
            texts.push(format!("and {} more; --verbose lists all", grouped((without.len() - listed) as u64)));
        }
        self.labelled("hours", &texts, out)
    }

    /// The values with the most events as a table, and the newest ones.
    fn values(&self, kind: &ValueNames, values: &UsedValues, out: &mut dyn Write) -> io::Result<()> {
        let ValueNames { one, many, head } = kind;
        let Some(different) = values.different else { return self.too_many(many, values, out) };
        if different == 0 {
            return Ok(());
        }
        writeln!(out)?;
        let brief = values.brief.filter(|brief| *brief > 0);
        let brief = brief.map(|brief| format!(", {} seen for less than an hour", grouped(brief)));
        let without = values.events_without.filter(|without| *without > 0);
        let without = without.map(|without| format!("; {} without one", plural(without, "event")));
        let name = if different == 1 { one } else { many };
        let title = [
            format!("{} {name}", grouped(different)),
            brief.unwrap_or_default(),
            without.unwrap_or_default(),
        ];
        self.indented(&title.concat(), 0, out)?;
        let listed = if self.is_verbose { values.top.len() } else { values.top.len().min(VALUES) };
        let mut grid = InfoGrid::new(&[head, "EVENTS", "FAILED", "FIRST", "LAST"]);
        grid.align_right(&[1, 2]);
        let time = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), moment);
        for UsedValue { value, span } in &values.top[..listed] {
            grid.row([
                told(value),
                grouped(span.events),
                grouped(span.failed),
                time(span.first),
                time(span.last),
            ]);
        }
        grid.write(self.width, 2, out)?;
        if listed as u64 == different {
            return Ok(());
        }
        let newest = if self.is_verbose { values.newest.len() } else { values.newest.len().min(NEWEST) };
        let newest = values.newest[..newest].iter().filter_map(|UsedValue { value, span }| {
            let events = plural(span.events, "event");
            Some(format!("{} since {} ({events})", told(value), moment(span.first?)))
        });
        let newest: Vec<String> = newest.collect();
        let newest = if newest.is_empty() { String::new() } else { format!("newest: {}", newest.join(", ")) };
        self.indented(&newest, 2, out)
    }

    /// Values in one line.
    fn names(&self, label: &str, values: &UsedValues, out: &mut dyn Write) -> io::Result<()> {
        let Some(different) = values.different else { return self.too_many(label, values, out) };
        if different == 0 {
            return Ok(());
        }
        let listed = if self.is_verbose { values.top.len() } else { values.top.len().min(NAMES) };
        let mut texts: Vec<String> = values.top[..listed]
            .iter()
            .map(|UsedValue { value, span }| format!("{} {}", told(value), grouped(span.events)))
            .map(|text| text.replace(' ', TOGETHER))
            .collect();
        if different > listed as u64 {
            texts.push(format!("{} more", grouped(different - listed as u64)));
        }
        writeln!(out)?;
        self.labelled_text(label, &texts.join(", "), out)
    }

    fn too_many(&self, many: &str, values: &UsedValues, out: &mut dyn Write) -> io::Result<()> {
        let bound = grouped(values.more_than.unwrap_or_default());
        let text = format!(
            "{many}: more than {bound} different ones, or longer ones than are held, so that none is told; \
             `trailseal query --count-by` may count them"
        );
        writeln!(out)?;
        self.indented(&text, 0, out)
    }

    fn logging(&self, out: &mut dyn Write) -> io::Result<()> {
        let logging = &self.info.logging;
        if self.info.events.span.events == 0 {
            return Ok(());
        }
        writeln!(out)?;
        if logging.events == 0 {
            let text = format!(
                "none of the {} calls that stop or change logging, or may destroy what was logged (StopLogging 0, \
                 DeleteTrail 0; --help lists them)",
                logging.calls.len()
            );
            return self.labelled_text("logging", &text, out);
        }
        let failed =
            if logging.failed > 0 { format!(", {} failed", grouped(logging.failed)) } else { String::new() };
        let made = logging.calls.iter().filter(|call| call.events > 0);
        let made: Vec<String> =
            made.map(|call| format!("{} {}", call.event_name, grouped(call.events))).collect();
        let calls = match logging.events {
            1 => "1 call that stops or changes it".to_owned(),
            events => format!("{} calls that stop or change it", grouped(events)),
        };
        let text = format!("{calls}, or may destroy what was logged{failed}: {}", made.join(", "));
        let yellow = AnsiColor::Yellow.on_default().bold();
        let mut label = "logging";
        for line in self.wrapped(&text, INDENT) {
            writeln!(out, "{DIM}{label:<INDENT$}{DIM:#}{yellow}{line}{yellow:#}")?;
            label = "";
        }
        let listed = if self.is_verbose { logging.listed.len() } else { logging.listed.len().min(CHANGES) };
        let mut listed: Vec<&LoggingChange> = logging.listed[..listed].iter().collect();
        listed.sort_by_key(|change| change.time);
        for change in &listed {
            self.change(change, out)?;
        }
        let more = logging.events - listed.len() as u64;
        match (more, self.next.is_empty()) {
            (0, _) => Ok(()),
            (_, false) => {
                writeln!(out, "  {} more: the command with --timeline below shows all", grouped(more))
            }
            (_, true) => writeln!(out, "  {} more (--verbose)", grouped(more)),
        }
    }

    /// When, what, and how it ended; then by whom, from where, and on what.
    fn change(&self, change: &LoggingChange, out: &mut dyn Write) -> io::Result<()> {
        let time = change.time.map_or_else(|| "-".to_owned(), moment);
        let text = |text: &Option<String>, before: &str| {
            text.as_deref().map(|text| format!("{before}{}", told(text))).unwrap_or_default()
        };
        let first = format!("{time}  {}{}", told(&change.event_name), text(&change.error, "  failed: "));
        let mut rest = text(&change.principal, "by ");
        rest += &text(&change.access_key, " with ");
        rest += &text(&change.source_ip, " from ");
        rest += &text(&change.account, ", in ");
        rest += &text(&change.region, " ");
        rest += &text(&change.target, ", on ");
        let rest = rest.trim_start_matches([' ', ',']);
        let whole = format!("{first}  {rest}");
        if self.width.is_none_or(|width| whole.chars().count() + 2 <= width) {
            return writeln!(out, "  {whole}");
        }
        self.indented(&first, 2, out)?;
        self.indented(rest, 6, out)
    }

    fn next(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.next.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nnext:")?;
        // a command that is wrapped cannot be copied
        self.next.iter().try_for_each(|command| writeln!(out, "  {}", shown(command)))
    }

    fn wrapped(&self, text: &str, indent: usize) -> Vec<String> {
        match self.width {
            Some(width) => wrapped(text, width.saturating_sub(indent)),
            None => vec![text.to_owned()],
        }
    }

    fn indented(&self, text: &str, indent: usize, out: &mut dyn Write) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let lines = self.wrapped(text, indent);
        lines.iter().try_for_each(|line| writeln!(out, "{:indent$}{line}", ""))
    }

    /// Lines beside a label; what does not fit goes on below, further in.
    fn labelled(&self, label: &str, texts: &[String], out: &mut dyn Write) -> io::Result<()> {
        let mut label = label;
        for text in texts {
            let mut lines = self.wrapped(text, INDENT + 2).into_iter();
            let first = lines.next().unwrap_or_default();
            writeln!(out, "{DIM}{label:<INDENT$}{DIM:#}{first}")?;
            lines.try_for_each(|line| writeln!(out, "{:INDENT$}  {line}", ""))?;
            label = "";
        }
        Ok(())
    }

    fn labelled_text(&self, label: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let mut label = label;
        for line in self.wrapped(text, INDENT) {
            let line = line.replace(TOGETHER, " ");
            writeln!(out, "{DIM}{label:<INDENT$}{DIM:#}{line}")?;
            label = "";
        }
        Ok(())
    }
}

/// Those with the most events, in their order.
fn largest(places: &[InfoPlace], most: usize) -> Vec<&InfoPlace> {
    let mut all: Vec<(usize, &InfoPlace)> = places.iter().enumerate().collect();
    all.sort_by_key(|(at, place)| (std::cmp::Reverse(place.span.events), *at));
    all.truncate(most);
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, place)| place).collect()
}

/// A span of times, without seconds where they have none.
fn minutes(first: Timestamp, last: Timestamp) -> String {
    let text = span(first, last);
    if text.contains(":00 to ") && text.ends_with(":00") {
        text.replace(":00 to ", " to ")[..text.len() - 6].to_owned()
    } else {
        text
    }
}

/// A text from outside: escaped, and cut where it is longer than any name or id.
fn told(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", shown(&text[..end])),
        None => shown(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use trailseal_analysis::info::{EventSpan, InfoEvents, InfoFiles, LoggingCall, LoggingChanges};

    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_loose(text).unwrap()
    }

    fn events(events: u64) -> EventSpan {
        let (first, last) = (time("2024-03-01T00:06:44Z"), time("2024-03-03T12:06:15Z"));
        EventSpan { events, failed: events / 2, first: Some(first), last: Some(last) }
    }

    fn values(values: &[&str]) -> UsedValues {
        let used = |value: &&str| UsedValue { value: (*value).to_owned(), span: events(7) };
        UsedValues {
            different: Some(1_000),
            events_without: Some(3),
            brief: Some(1),
            top: values.iter().map(used).collect(),
            newest: values.iter().map(used).collect(),
            more_than: None,
        }
    }

    fn place(account: u64, region: &str, without: u64) -> InfoPlace {
        let hour = |hour: u64| Timestamp::from_epoch(1_709_251_200 + 3600 * hour as i64).unwrap();
        let span = |at: u64| HourSpan { from: hour(3 * at), to: hour(3 * at + 1), hours: 1 };
        let log_hours = LogHours {
            log_files: 1_234,
            first: hour(0),
            last: hour(99),
            hours: 100,
            without,
            spans: (0..without).map(span).collect(),
        };
        InfoPlace {
            account: Some(format!("{account:012}")),
            region: Some(region.to_owned()),
            span: events(account),
            log_hours: Some(log_hours),
        }
    }

    fn example(places: u64) -> ArchiveInfo {
        let change = LoggingChange {
            time: Some(time("2024-03-01T05:00:00Z")),
            event_name: "StopLogging".to_owned(),
            error: Some("AccessDenied".to_owned()),
            principal: Some("111122223333:role/a role with\u{1b}[2J blanks".to_owned()),
            target: Some("arn:aws:cloudtrail:us-east-1:444455556666:trail/audit".to_owned()),
            ..LoggingChange::default()
        };
        let call = LoggingCall {
            event_source: "cloudtrail.amazonaws.com",
            event_name: "StopLogging",
            events: 20,
            failed: 20,
        };
        ArchiveInfo {
            files: InfoFiles { found: 4_039, same_names: Some(2), ..InfoFiles::default() },
            events: InfoEvents { span: events(874_814), without_time: 1 },
            places: Some((0..places).map(|at| place(at, "ap-southeast-1", at % 5)).collect()),
            trails: Some(Vec::new()),
            chains: Some(Vec::new()),
            principals: values(&["1:role/a", "444455556666:role/OrganizationAccountAccessRole", "\u{9b}x"]),
            access_keys: values(&["AKIAIOSFODNN7EXAMPLE"; 10]),
            source_ips: values(&["2001:db8:85a3:8d3:1319:8a2e:370:7348"]),
            event_names: values(&["DescribeInstances"; 10]),
            errors: values(&["Client.UnauthorizedOperation"; 10]),
            logging: LoggingChanges { events: 20, failed: 20, calls: vec![call], listed: vec![change; 20] },
            ..ArchiveInfo::default()
        }
    }

    fn written(info: &ArchiveInfo, width: Option<usize>, is_verbose: bool) -> String {
        let reasons = |out: &mut dyn Write| writeln!(out, "damaged: 1 place");
        let next = vec!["trailseal query x --timeline".to_owned()];
        let screen = InfoScreen { info, width, is_verbose, next, reasons: &reasons };
        let mut out = Vec::new();
        screen.write(&mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn lines_fit_nothing_is_cut_and_nothing_is_a_command_for_the_terminal() {
        let info = example(40);
        for width in [80, 120, 200] {
            for is_verbose in [false, true] {
                let text = written(&info, Some(width), is_verbose);
                let long = text.lines().find(|line| line.chars().count() > width);
                assert_eq!(long, None, "{width}: {text}");
                for whole in [
                    "2001:db8:85a3:8d3:1319:8a2e:370:7348",
                    "444455556666:role/OrganizationAccountAccessRole",
                    "AKIAIOSFODNN7EXAMPLE",
                    "arn:aws:cloudtrail:us-east-1:444455556666:trail/audit",
                    "DescribeInstances 7,",
                    "Client.UnauthorizedOperation 7,",
                    "damaged: 1 place",
                ] {
                    assert!(text.contains(whole), "{whole}: {text}");
                }
                assert!(!text.contains('…'), "{text}");
                assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            }
        }
    }

    #[test]
    fn texts_that_were_made_to_flood_the_screen_are_cut() {
        let (long, short) = ("a".repeat(1 << 20), "b".repeat(LONGEST));
        let text = written(&ArchiveInfo { errors: values(&[&long, &short]), ..example(1) }, None, true);
        assert!(text.len() < 100_000 && text.contains("aaa… 7, ") && text.contains(&(short + " 7")));
    }

    #[test]
    fn columns_that_are_left_out_are_named() {
        let narrow = written(&example(2), Some(80), false);
        assert!(narrow.contains("not shown, too wide: FIRST, LAST (-t json)"), "{narrow}");
        assert!(!written(&example(2), Some(200), false).contains("not shown"));
        assert!(!written(&example(2), None, false).contains("not shown"));
    }

    #[test]
    fn lists_are_whole_or_say_how_much_is_missing() {
        let (short, whole) = (written(&example(40), None, false), written(&example(40), None, true));
        for text in [
            "the 30 with the most events; 10 more accounts and regions (--verbose)",
            "in 32 accounts and regions",
            "000000000004 ap-southeast-1: 4 of 100 hours, the longest: 2024-03-01 00:00 to 01:00, 2024-03-01 03:00 to 04:00\n",
            "and 27 more; --verbose lists all",
            "992 more",
            "12 more: the command with --timeline below shows all",
        ] {
            assert!(short.contains(text), "{text}: {short}");
        }
        assert!(!whole.contains("--verbose"), "{whole}");
        let lines = |text: &str, part: &str| text.lines().filter(|line| line.contains(part)).count();
        assert_eq!((lines(&short, "  StopLogging"), lines(&whole, "  StopLogging")), (8, 20));
        assert_eq!(lines(&whole, "  ap-southeast-1  "), 40);
    }

    #[test]
    fn what_is_too_much_is_said_and_not_shown_as_none() {
        let too_many = UsedValues { more_than: Some(500_000), ..UsedValues::default() };
        let files = InfoFiles { has_too_many_days: true, same_names: None, ..InfoFiles::default() };
        let info = ArchiveInfo {
            places: None,
            access_keys: too_many.clone(),
            errors: too_many,
            files,
            ..example(1)
        };
        let text = written(&info, Some(80), false);
        for said in [
            "access keys: more than 500,000",
            "errors: more than 500,000",
            "more than 500,000 accounts and regions",
            "hours without a log file are not told",
            "was not looked for",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}
