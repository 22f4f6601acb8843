//! Keys as a table, one row a key.

use std::collections::HashMap;

use super::node::{Edge, Followed, Node};
use crate::table::{Cell, Table};

/// What the values of a row are called.
const NAMES: [&str; 15] = [
    "key",
    "parent",
    "depth",
    "kind",
    "who",
    "account",
    "events",
    "failed",
    "first",
    "last",
    "addresses",
    "usual",
    "issued_by",
    "issued_at",
    "event_id",
];

impl Followed {
    /// One row a key, those that are not usual first, else in the order of [`Followed::nodes`]. How a key was issued is told of
    /// the first event that did it.
    pub fn table(&self) -> Table {
        let mut issued: HashMap<&str, &Edge> = HashMap::new();
        for edge in &self.edges {
            issued.entry(&edge.to).or_insert(edge);
        }
        let mut nodes: Vec<&Node> = self.nodes.iter().collect();
        nodes.sort_by_key(|node| node.usual);
        let rows = nodes.iter().map(|node| row(node, issued.get(node.key.as_str()).copied())).collect();
        Table { names: NAMES.map(str::to_owned).into(), rows }
    }
}

fn row(node: &Node, issued: Option<&Edge>) -> Vec<Cell> {
    let holder = node.identities.first();
    let who = holder.and_then(|holder| holder.arn.as_deref().map(resource).or(holder.kind.as_deref()));
    let account = holder.and_then(|holder| holder.account.as_deref());
    let of_edge = |part: fn(&Edge) -> Option<&str>| Cell::text(issued.and_then(part));
    vec![
        Cell::Text(node.key.clone()),
        of_edge(|edge| edge.from.as_deref()),
        Cell::number(node.depth),
        Cell::text(Some(node.kind)),
        Cell::text(who),
        Cell::text(account),
        Cell::number(node.events),
        Cell::number(node.failed),
        Cell::text(node.first.map(|time| time.to_string())),
        Cell::text(node.last.map(|time| time.to_string())),
        Cell::number(node.source_ips.values.len()),
        Cell::text(Some(if node.usual { "yes" } else { "no" })),
        of_edge(|edge| edge.event_name.as_deref()),
        Cell::text(issued.and_then(|edge| edge.time).map(|time| time.to_string())),
        of_edge(|edge| edge.event_id.as_deref()),
    ]
}

/// What an ARN names, without what stands before it: `user/ci-deploy`.
fn resource(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use trailseal_archive::Timestamp;

    use super::*;
    use crate::follow::Identity;

    #[test]
    fn every_key_is_a_row_with_its_first_issue() {
        let arn = |arn: &str| Identity { arn: Some(arn.to_owned()), ..Identity::default() };
        let node = |key: &str, identities| Node { identities, ..Node::new(key, 1) };
        let issue = |from: &str, name: &str| Edge {
            from: Some(from.to_owned()),
            to: "ASIA1".to_owned(),
            event_name: Some(name.to_owned()),
            time: Timestamp::from_epoch(0),
            ..Edge::default()
        };
        let followed = Followed {
            nodes: vec![
                node("ASIA1", vec![arn("arn:aws:sts::1:assumed-role/Ops/bob")]),
                node("AKIA2", Vec::new()),
            ],
            edges: vec![issue("AKIA1", "AssumeRole"), issue("AKIA3", "GetSessionToken")],
            ..Followed::default()
        };
        let table = followed.table();
        let texts =
            |row: &[Cell]| row.iter().map(|cell| cell.plain().into_owned()).collect::<Vec<_>>().join(",");
        assert_eq!(
            table.rows.iter().map(|row| texts(row)).collect::<Vec<_>>(),
            [
                "ASIA1,AKIA1,1,temporary,assumed-role/Ops/bob,,0,0,,,0,no,AssumeRole,1970-01-01T00:00:00Z,",
                "AKIA2,,1,long_term,,,0,0,,,0,no,,,"
            ]
        );
        assert_eq!(table.columns().len(), NAMES.len());
    }
}
