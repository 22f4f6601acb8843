//! Keys as a tree: what is not usual is drawn, and the usual counted.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use trailseal_analysis::follow::{Edge, Followed, Node, ValueCounts};
use trailseal_archive::Timestamp;

use super::origins::{self, OriginKind};
use crate::render::{
    plain::{DIM, grouped, plural, shown, wrapped},
    zone::ShownZone,
};

/// Values of a kind that are shown.
pub(super) const SHOWN: usize = 5;
/// Characters of a value that are shown.
pub(super) const LENGTH: usize = 60;
/// Links that are drawn; of keys that are farther down, their number of links is told. Otherwise a chain of
/// thousands of keys would be mostly white space.
const DRAWN: u64 = 16;
/// Keys that are drawn below one key, and those from which it starts; the others are counted.
const ABREAST: usize = 20;
/// Holders of a key that are shown beside the first.
const HOLDERS: usize = 3;
/// Columns of a label.
const LABEL: usize = 8;
/// A space at which lines do not break.
const TIED: &str = "\u{a0}";
/// Columns of a text, however far in it stands.
const MIN_ROOM: usize = 24;

/// Writes the tree, for a terminal of so many columns; with `all`, what is usual is drawn as well.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn text(
    followed: &Followed,
    all: bool,
    width: Option<usize>,
    zone: &ShownZone,
    out: &mut dyn Write,
) -> io::Result<()> {
    let tree = Tree::new(followed);
    let width = width.unwrap_or(usize::MAX);
    let mut drawing = Drawing { tree, all, width, zone, told: HashSet::new(), passed: HashSet::new(), out };
    if !zone.is_utc() {
        drawing.line("", "", &format!("times in {}", zone.name()), DIM)?;
    }
    let issued_here: HashSet<&str> = drawing.tree.children.values().flatten().copied().collect();
    let is_new = |node: &&Node| all || !node.usual;
    let starts = followed.nodes.iter().filter(|node| node.depth == 0);
    let new = starts.clone().filter(is_new).map(|node| node.key.as_str());
    let (roots, passed) =
        drawing.tree.strangest(new.filter(|key| !issued_here.contains(key)).collect(), drawing.limit());
    let more = drawing.pass(&passed);
    // Rings of keys have no first one.
    let rest = followed.nodes.iter().filter(is_new).map(|node| node.key.as_str());
    let mut roots: Vec<&str> = roots.into_iter().chain(rest).collect();
    if roots.is_empty() {
        roots.extend(followed.nodes.first().map(|node| node.key.as_str()));
    }
    for root in roots {
        if !drawing.told.contains(root) && !drawing.passed.contains(root) {
            drawing.draw(root)?;
        }
    }
    if let Some(more) = more {
        drawing.line("", "", &more, DIM)?;
    }
    let is_folded = |key: &&str| !drawing.told.contains(key) && !drawing.passed.contains(key);
    let folded: Vec<&str> = starts.map(|node| node.key.as_str()).filter(is_folded).collect();
    if folded.is_empty() {
        return Ok(());
    }
    let text =
        drawing.tree.folded(&folded, "other key from which it starts", "other keys from which it starts");
    drawing.line("", "", &text, DIM)
}

/// The keys by name, and which were issued to which.
struct Tree<'a> {
    nodes: HashMap<&'a str, &'a Node>,
    children: HashMap<&'a str, Vec<&'a str>>,
    /// The event that issued a key, the first of them.
    issued: HashMap<&'a str, &'a Edge>,
    /// How unusual the use of a key was, or that of a key that it led to.
    strangeness: HashMap<&'a str, u64>,
}

impl<'a> Tree<'a> {
    fn new(followed: &'a Followed) -> Self {
        let nodes = followed.nodes.iter().map(|node| (node.key.as_str(), node)).collect::<HashMap<_, _>>();
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut issued: HashMap<&str, &Edge> = HashMap::new();
        let mut drawn = HashSet::new();
        for edge in &followed.edges {
            issued.entry(&edge.to).or_insert(edge);
            let Some(from) = edge.from.as_deref().filter(|from| nodes.contains_key(from)) else { continue };
            if drawn.insert((from, edge.to.as_str())) {
                children.entry(from).or_default().push(&edge.to);
            }
        }
        let mut strangeness: HashMap<&str, u64> = HashMap::new();
        // Keys stand behind those that issued them.
        for node in followed.nodes.iter().rev() {
            let below = children.get(node.key.as_str()).into_iter().flatten();
            let below = below.filter_map(|child| strangeness.get(child)).max().copied();
            strangeness.insert(&node.key, node.strangeness().max(below.unwrap_or(0)));
        }
        Self { nodes, children, issued, strangeness }
    }

    /// The keys whose use was least usual, and those that are too many.
    fn strangest(&self, mut keys: Vec<&'a str>, limit: usize) -> (Vec<&'a str>, Vec<&'a str>) {
        keys.sort_by_key(|key| (std::cmp::Reverse(self.strangeness.get(key).copied()), !self.acted(key)));
        let passed = keys.split_off(limit.min(keys.len()));
        (keys, passed)
    }

    fn is_usual(&self, key: &str) -> bool {
        self.nodes.get(key).is_some_and(|node| node.usual)
    }

    fn acted(&self, key: &str) -> bool {
        self.nodes.get(key).is_some_and(|node| node.events > 0)
    }

    /// What is said of keys that are not drawn.
    fn folded(&self, keys: &[&str], one: &str, several: &str) -> String {
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        for edge in keys.iter().filter_map(|key| self.issued.get(key)) {
            *names.entry(edge.event_name.as_deref().unwrap_or("an event")).or_default() += 1;
        }
        let mut names: Vec<(&str, u64)> = names.into_iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let listed: Vec<String> =
            names.iter().take(SHOWN).map(|(name, count)| counted_value(&shown(name), *count)).collect();
        let by = match &names[..] {
            [] => String::new(),
            [(name, _)] => format!(" by {}", shown(name)),
            _ => format!(" by {}", listed.join(", ")),
        };
        let idle = keys.iter().filter(|key| !self.acted(key)).count() as u64;
        let count = keys.len() as u64;
        let (how, idle) = match idle {
            0 => (format!("issued{by} and used in the usual way"), String::new()),
            idle if idle == count => {
                (format!("issued in the usual way{by}"), "; none has an event here".to_owned())
            }
            idle => (
                format!("issued{by} and used in the usual way"),
                format!("; {} of them without events here", grouped(idle)),
            ),
        };
        format!("{} {}, {how}{idle} (--all)", grouped(count), if count == 1 { one } else { several })
    }
}

/// What is still to be drawn.
enum Open<'a> {
    /// A key: what stands before its first line, and before its other lines, and the links above it.
    Key { key: &'a str, branch: String, indent: String, links: u64 },
    /// What is said of keys that are only counted.
    Counted { text: String, branch: String, indent: String },
}

struct Drawing<'a, 'o> {
    tree: Tree<'a>,
    zone: &'o ShownZone,
    all: bool,
    width: usize,
    /// Keys that were drawn or counted.
    told: HashSet<&'a str>,
    /// Keys that are not drawn because there are too many, and those that they led to.
    passed: HashSet<&'a str>,
    out: &'o mut dyn Write,
}

impl<'a> Drawing<'a, '_> {
    /// Keys that stand beside each other.
    fn limit(&self) -> usize {
        if self.all { usize::MAX } else { ABREAST }
    }

    /// Passes over keys, and says so.
    fn pass(&mut self, keys: &[&'a str]) -> Option<String> {
        if keys.is_empty() {
            return None;
        }
        let mut open = keys.to_vec();
        let mut below = 0_u64;
        while let Some(key) = open.pop() {
            if !self.told.contains(key) && self.passed.insert(key) {
                below += 1;
                open.extend(self.tree.children.get(key).into_iter().flatten());
            }
        }
        let count = keys.len() as u64;
        let below = match below.saturating_sub(count) {
            0 => String::new(),
            below => format!(", and {} that were issued to them", grouped(below)),
        };
        Some(format!("{}, less unusual{below} (--all)", plural(count, "more key")))
    }

    /// A key and what it led to.
    fn draw(&mut self, key: &'a str) -> io::Result<()> {
        let mut open = vec![Open::Key { key, branch: String::new(), indent: String::new(), links: 0 }];
        while let Some(next) = open.pop() {
            match next {
                Open::Key { key, branch, indent, links } => {
                    self.key(key, &branch, &indent, links, &mut open)?;
                }
                Open::Counted { text, branch, indent } => {
                    self.paragraph(&branch, &indent, &text, DIM)?;
                }
            }
        }
        Ok(())
    }

    fn key(
        &mut self,
        key: &'a str,
        branch: &str,
        indent: &str,
        links: u64,
        open: &mut Vec<Open<'a>>,
    ) -> io::Result<()> {
        let bold = Style::new().bold();
        write!(self.out, "{DIM}{branch}{DIM:#}{bold}{}{bold:#}", shown(key))?;
        if !self.told.insert(key) {
            return writeln!(self.out, "  {DIM}(above){DIM:#}");
        }
        let children = self.tree.children.get(key).map(Vec::as_slice).unwrap_or_default();
        let is_drawn = |child: &&str| self.all || !self.tree.is_usual(child);
        let (drawn, passed) =
            self.tree.strangest(children.iter().copied().filter(is_drawn).collect(), self.limit());
        let folded: Vec<&str> =
            children.iter().copied().filter(|key| !is_drawn(key) && !self.told.contains(key)).collect();
        let mut counted: Vec<String> = self.pass(&passed).into_iter().collect();
        if !folded.is_empty() {
            counted.push(self.tree.folded(&folded, "other key", "other keys"));
            self.told.extend(folded);
        }
        let has_room = links < DRAWN;
        let has_branches = has_room && !(drawn.is_empty() && counted.is_empty());
        let gutter = if has_branches { format!("{indent}│  ") } else { format!("{indent}   ") };
        match self.tree.nodes.get(key).copied() {
            Some(node) => {
                let issued = self.tree.issued.get(key).copied();
                self.node(node, issued, branch, &gutter)?;
            }
            None => writeln!(self.out)?,
        }
        let (beside, count) = (drawn.len(), drawn.len() + counted.len());
        let place = |at: usize| match (has_room, at + 1 == count) {
            (true, true) => (format!("{indent}└─ "), format!("{indent}   ")),
            (true, false) => (format!("{indent}├─ "), format!("{indent}│  ")),
            (false, _) => (format!("{indent}{} links down: ", grouped(links + 1)), indent.to_owned()),
        };
        for (at, text) in counted.into_iter().enumerate().rev() {
            let (branch, indent) = place(beside + at);
            open.push(Open::Counted { text, branch, indent });
        }
        for (at, key) in drawn.into_iter().enumerate().rev() {
            let (branch, indent) = place(at);
            open.push(Open::Key { key, branch, indent, links: links + 1 });
        }
        Ok(())
    }

    fn node(&mut self, node: &Node, issued: Option<&Edge>, branch: &str, gutter: &str) -> io::Result<()> {
        let all = self.all;
        let mut identities = node.identities.iter();
        let name =
            |kind: &Option<String>| kind.as_deref().map(|kind| shown(kind).into_owned()).unwrap_or_default();
        match identities.next() {
            Some(holder) => {
                let arn = holder.arn.as_deref().or(holder.account.as_deref()).unwrap_or_default();
                let whole = format!("{} {}", name(&holder.kind), shown(arn));
                let room = self.width.saturating_sub(columns(branch) + columns(&shown(&node.key)) + 2);
                let short = format!("{} {}", name(&holder.kind), shown(without_service(arn)));
                if columns(&whole) <= room {
                    writeln!(self.out, "  {whole}")?;
                } else if columns(&short) <= room {
                    writeln!(self.out, "  {short}")?;
                } else {
                    writeln!(self.out)?;
                    let room = self.room(gutter);
                    self.line(
                        gutter,
                        "held by",
                        if columns(&whole) <= room { &whole } else { &short },
                        Style::new(),
                    )?;
                }
            }
            None => writeln!(self.out)?,
        }
        let others = identities.as_slice();
        let shown_others = if all { others.len() } else { others.len().min(HOLDERS) };
        for other in &others[..shown_others] {
            let who = other.arn.as_deref().unwrap_or_default();
            let text = format!("{} {} ({})", name(&other.kind), shown(who), plural(other.events, "event"));
            self.line(gutter, "also", &text, Style::new())?;
        }
        if others.len() > shown_others {
            let more = grouped((others.len() - shown_others) as u64);
            self.line(gutter, "also", &format!("{more} more (--all)"), Style::new())?;
        }
        if let Some(edge) = issued {
            let text = issue(edge, &self.tree, self.room(gutter), self.zone);
            self.line(gutter, "issued", &text, Style::new())?;
        }
        let elsewhere = match node.elsewhere {
            0 => String::new(),
            count => format!("; {} came from elsewhere", grouped(count)),
        };
        if node.events == 0 {
            let place =
                if node.elsewhere == 0 { "in this archive" } else { "from the addresses that are asked for" };
            return self.line(gutter, "events", &format!("none {place}{elsewhere}"), Style::new());
        }
        let when =
            node.first.zip(node.last).map(|(first, last)| format!(", {}", tied_span(first, last, self.zone)));
        let text = format!("{}{}{elsewhere}", grouped(node.events), when.unwrap_or_default());
        self.line(gutter, "events", &text, Style::new())?;
        for (label, kind, origins) in
            [("from", OriginKind::Address, &node.source_ips), ("with", OriginKind::Agent, &node.user_agents)]
        {
            if !origins.values.is_empty() {
                let mut label = label;
                for (is_further_in, text) in
                    origins::lines(origins, kind, all, self.listing_room(gutter), self.zone)
                {
                    if is_further_in {
                        self.paragraph(
                            &format!("{gutter}{:LABEL$}", ""),
                            &format!("{gutter}{:1$}", "", LABEL + 2),
                            &text,
                            Style::new(),
                        )?;
                    } else {
                        self.line(gutter, std::mem::take(&mut label), &text, Style::new())?;
                    }
                }
            }
        }
        let yellow = AnsiColor::Yellow.on_default();
        self.values(gutter, "did", &node.event_names, Style::new())?;
        self.values(gutter, "failed", &node.errors, yellow)?;
        self.values(gutter, "in", &node.regions, Style::new())?;
        if node.console_events > 0 {
            let text = format!("{}; its sessions are not followed", plural(node.console_events, "event"));
            self.line(gutter, "console", &text, Style::new())?;
        }
        Ok(())
    }

    fn values(&mut self, gutter: &str, label: &str, counted: &ValueCounts, style: Style) -> io::Result<()> {
        if counted.values.is_empty() {
            return Ok(());
        }
        let length = if self.all { usize::MAX } else { LENGTH };
        let values: Vec<String> = counted
            .values
            .iter()
            .map(|value| counted_value(&shorten(&shown(&value.value), length), value.events))
            .collect();
        let text = listing(&values, if self.all { usize::MAX } else { SHOWN }, self.listing_room(gutter));
        self.line(gutter, label, &text, style)
    }

    /// The columns in which values are listed.
    fn listing_room(&self, gutter: &str) -> usize {
        if self.all { usize::MAX } else { self.room(gutter) }
    }

    /// The columns of a text behind a label.
    fn room(&self, gutter: &str) -> usize {
        self.width.saturating_sub(columns(gutter) + LABEL).max(MIN_ROOM)
    }

    /// A text behind a label, and below itself where it does not fit.
    fn line(&mut self, gutter: &str, label: &str, text: &str, style: Style) -> io::Result<()> {
        let label =
            if gutter.is_empty() && label.is_empty() { String::new() } else { format!("{label:<LABEL$}") };
        let indent = format!("{gutter}{:1$}", "", columns(&label));
        self.paragraph(&format!("{gutter}{label}"), &indent, text, style)
    }

    /// A text behind a beginning, its further lines behind another one.
    fn paragraph(&mut self, begin: &str, indent: &str, text: &str, style: Style) -> io::Result<()> {
        let room = self.width.saturating_sub(columns(begin).max(columns(indent))).max(MIN_ROOM);
        let lines =
            if columns(text) <= room { vec![text.to_owned()] } else { wrapped(&broken(text, room), room) };
        for (at, line) in lines.iter().enumerate() {
            let before = if at == 0 { begin } else { indent };
            let line = line.replace(TIED, " ");
            writeln!(self.out, "{DIM}{before}{DIM:#}{style}{line}{style:#}")?;
        }
        Ok(())
    }
}

/// How a key was issued; by whom, where the tree does not show it.
fn issue(edge: &Edge, tree: &Tree<'_>, room: usize, zone: &ShownZone) -> String {
    let mut text = shown(edge.event_name.as_deref().unwrap_or("an event")).into_owned();
    let mut more = |before: &str, part: Option<&str>| {
        if let Some(part) = part {
            text.push_str(before);
            text.push_str(&shown(part));
        }
    };
    let role = edge.role_arn.as_deref();
    more(" ", role.map(|role| if columns(role) < room { role } else { without_service(role) }));
    more(" as ", edge.session_name.as_deref());
    let time = edge.time.map(|time| tied(&zone.moment(time)));
    more(", ", time.as_deref());
    more(" from ", edge.source_ip.as_deref());
    match edge.from.as_deref() {
        Some(from) if tree.nodes.contains_key(from) => {}
        from => more(" by ", from.or(edge.caller.as_deref())),
    }
    more(", eventID ", edge.event_id.as_deref());
    text
}

/// An ARN without its partition and service, which its end tells: `111122223333:user/ci-deploy`.
fn without_service(arn: &str) -> &str {
    match arn.splitn(5, ':').nth(4) {
        Some(rest) if arn.starts_with("arn:") => rest,
        _ => arn,
    }
}

/// As many values as fit into a line, at least one and at most `limit`, and how many more there are.
pub(super) fn listing(values: &[String], limit: usize, room: usize) -> String {
    let text = |count: usize| match values.len() - count {
        0 => values.join(", "),
        more => format!("{} and {} more", values[..count].join(", "), grouped(more as u64)),
    };
    let most = values.len().min(limit);
    let fitting = (1..=most).rev().map(text).find(|text| columns(text) <= room);
    fitting.unwrap_or_else(|| text(most.min(1)))
}

/// A value with its number of events, which stay on one line if the value is one word.
pub(super) fn counted_value(value: &str, events: u64) -> String {
    format!("{value}{TIED}({})", grouped(events))
}

/// A span whose times stay on one line each.
pub(super) fn tied_span(first: Timestamp, last: Timestamp, zone: &ShownZone) -> String {
    zone.span(first, last).split(" to ").map(tied).collect::<Vec<_>>().join(" to ")
}

/// A text in which lines do not break.
pub(super) fn tied(text: &str) -> String {
    text.replace(' ', TIED)
}

/// User agents can be long.
pub(super) fn shorten(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length - 1).chain(['…']).collect()
}

/// A text whose words are no longer than a line: broken behind what separates their parts, if they can be.
fn broken(text: &str, room: usize) -> String {
    let mut broken: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let mut rest = word;
        while let Some((end, _)) = rest.char_indices().nth(room) {
            let line = &rest[..end];
            let parted = line.rfind('/').or_else(|| line.rfind([':', '-', '_', '.']));
            let at = parted.map_or(end, |at| at + 1);
            broken.push(rest[..at].to_owned());
            rest = &rest[at..];
        }
        broken.push(rest.to_owned());
    }
    broken.join(" ")
}

fn columns(text: &str) -> usize {
    text.chars().count()
}
