//! Keys as a tree, as a table and as data.

use std::io::{self, Write};

use serde::Serialize;
use trailseal_analysis::follow::{Edge, Followed, Node};

mod origins;
mod table;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use table::fitting;
pub(crate) use tree::text;

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
    Summary {
        schema: &'a str,
        key: &'a str,
        keys: &'a [String],
        nodes: usize,
        edges: usize,
        notes: &'a [String],
    },
}

/// Writes one JSON object a line.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn jsonl(followed: &Followed, out: &mut dyn Write) -> io::Result<()> {
    let Followed { schema, key, keys, nodes, edges, notes, .. } = followed;
    let summary = FollowLine::Summary { schema, key, keys, nodes: nodes.len(), edges: edges.len(), notes };
    let lines = nodes.iter().map(FollowLine::Node).chain(edges.iter().map(FollowLine::Edge)).chain([summary]);
    for line in lines {
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}
