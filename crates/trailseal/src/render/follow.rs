//! Keys as a tree and as data.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
};

use anstyle::AnsiColor;
use serde::Serialize;
use trailseal_analysis::follow::{Edge, Followed, Node, ValueCounts};

use super::plain::{DIM, grouped, moment, plural, shown, span};

/// Values of a kind that are shown.
const SHOWN: usize = 5;
/// Characters of a value that are shown.
const LENGTH: usize = 60;
/// Links that are drawn; of keys that are farther down, their number of links is told. Otherwise a chain of
/// thousands of keys would be mostly white space.
const DRAWN: u64 = 16;

/// Writes the tree.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn text(followed: &Followed, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let tree = Tree::new(followed);
    // The open keys: each with what stands before its lines, its way down, and the links above it.
    let mut open = vec![(followed.key.as_str(), String::new(), String::new(), 0_u64)];
    let mut told = HashSet::new();
    while let Some((key, branch, indent, links)) = open.pop() {
        let bold = anstyle::Style::new().bold();
        write!(out, "{DIM}{branch}{DIM:#}{bold}{}{bold:#}", shown(key))?;
        if !told.insert(key) {
            writeln!(out, "  {DIM}(above){DIM:#}")?;
            continue;
        }
        let children = tree.children.get(key).map(Vec::as_slice).unwrap_or_default();
        let is_drawn = links < DRAWN;
        let has_branches = is_drawn && !children.is_empty();
        let gutter = if has_branches { format!("{indent}│  ") } else { format!("{indent}   ") };
        match tree.nodes.get(key) {
            Some(node) => {
                let issued = tree.issued.get(key).map(|edge| issue(edge, &tree));
                write_node(node, issued.as_deref(), &gutter, verbose, out)?;
            }
            None => writeln!(out)?,
        }
        for (at, child) in children.iter().enumerate().rev() {
            let is_last = at + 1 == children.len();
            let (branch, below) = match (is_drawn, is_last) {
                (true, true) => (format!("{indent}└─ "), format!("{indent}   ")),
                (true, false) => (format!("{indent}├─ "), format!("{indent}│  ")),
                (false, _) => (format!("{indent}{} links down: ", grouped(links + 1)), indent.clone()),
            };
            open.push((child, branch, below, links + 1));
        }
    }
    Ok(())
}

/// Writes one JSON document.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn json(followed: &Followed, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, followed)?;
    writeln!(out)
}

#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum FollowLine<'a> {
    Node(&'a Node),
    Edge(&'a Edge),
    Summary { schema: &'a str, key: &'a str, nodes: usize, edges: usize, notes: &'a [String] },
}

/// Writes one JSON object a line.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn jsonl(followed: &Followed, out: &mut dyn Write) -> io::Result<()> {
    let Followed { schema, key, nodes, edges, notes, .. } = followed;
    let summary = FollowLine::Summary { schema, key, nodes: nodes.len(), edges: edges.len(), notes };
    let lines = nodes.iter().map(FollowLine::Node).chain(edges.iter().map(FollowLine::Edge)).chain([summary]);
    for line in lines {
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

/// The keys by name, and which were issued to which.
struct Tree<'a> {
    nodes: HashMap<&'a str, &'a Node>,
    children: HashMap<&'a str, Vec<&'a str>>,
    /// The event that issued a key, the first of them.
    issued: HashMap<&'a str, &'a Edge>,
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
        Self { nodes, children, issued }
    }
}

fn write_node(
    node: &Node,
    issued: Option<&str>,
    gutter: &str,
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut identities = node.identities.iter();
    let name =
        |kind: &Option<String>| kind.as_deref().map(|kind| shown(kind).into_owned()).unwrap_or_default();
    match identities.next() {
        Some(holder) => {
            let who = holder.arn.as_deref().or(holder.account.as_deref()).unwrap_or_default();
            writeln!(out, "  {} {}", name(&holder.kind), shown(who))?;
        }
        None => writeln!(out)?,
    }
    let mut line = |label: &str, text: &str| writeln!(out, "{DIM}{gutter}{label:<8}{DIM:#}{text}");
    for other in identities {
        let who = other.arn.as_deref().unwrap_or_default();
        line("also", &format!("{} {} ({})", name(&other.kind), shown(who), plural(other.events, "event")))?;
    }
    if let Some(issued) = issued {
        line("issued", issued)?;
    }
    if node.events == 0 {
        return line("events", "none in this archive");
    }
    let when = node.first.zip(node.last).map(|(first, last)| format!(", {}", span(first, last)));
    line("events", &format!("{}{}", grouped(node.events), when.unwrap_or_default()))?;
    for (label, counted) in [
        ("did", &node.event_names),
        ("failed", &node.errors),
        ("from", &node.source_ips),
        ("with", &node.user_agents),
        ("in", &node.regions),
    ] {
        if !counted.values.is_empty() {
            let text = values(counted, verbose);
            if label == "failed" {
                let yellow = AnsiColor::Yellow.on_default();
                line(label, &format!("{yellow}{text}{yellow:#}"))?;
            } else {
                line(label, &text)?;
            }
        }
    }
    if node.console_events > 0 {
        line("console", &format!("{}; its sessions are not followed", plural(node.console_events, "event")))?;
    }
    Ok(())
}

/// How a key was issued; by whom, where the tree does not show it.
fn issue(edge: &Edge, tree: &Tree<'_>) -> String {
    let mut text = shown(edge.event_name.as_deref().unwrap_or("an event")).into_owned();
    let mut more = |before: &str, part: Option<&str>| {
        if let Some(part) = part {
            text.push_str(before);
            text.push_str(&shown(part));
        }
    };
    more(" ", edge.role_arn.as_deref());
    more(" as ", edge.session_name.as_deref());
    let time = edge.time.map(moment);
    more(", ", time.as_deref());
    more(" from ", edge.source_ip.as_deref());
    match edge.from.as_deref() {
        Some(from) if tree.nodes.contains_key(from) => {}
        from => more(" by ", from.or(edge.caller.as_deref())),
    }
    more(", eventID ", edge.event_id.as_deref());
    text
}

/// User agents can be long.
fn shorten(text: &str, verbose: bool) -> String {
    if verbose || text.chars().count() <= LENGTH {
        return text.to_owned();
    }
    text.chars().take(LENGTH - 1).chain(['…']).collect()
}

fn values(counted: &ValueCounts, verbose: bool) -> String {
    let limit = if verbose { usize::MAX } else { SHOWN };
    let listed: Vec<String> = counted
        .values
        .iter()
        .take(limit)
        .map(|value| format!("{} ({})", shorten(&shown(&value.value), verbose), grouped(value.events)))
        .collect();
    let more = counted.values.len() - listed.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", listed.join(", "))
}
