//! The columns of a table of keys for which a terminal has room.

use trailseal_analysis::table::Table;

/// Columns that are left out where there is no room, the first ones first. Keys, events and the first time stay.
const SPARED: [&str; 12] = [
    "depth",
    "usual",
    "event_id",
    "issued_at",
    "kind",
    "addresses",
    "account",
    "issued_by",
    "parent",
    "last",
    "failed",
    "who",
];
/// The column whose cells may be cut, and what it has room for.
const CUT: (&str, usize) = ("who", 20);

/// The same table with as many columns as fit, and the names of those that were left out.
pub(crate) fn fitting(table: Table, width: Option<usize>) -> (Table, Vec<&'static str>) {
    let Some(width) = width else { return (table, Vec::new()) };
    let Table { names, mut rows } = table;
    let natural = |at: usize| {
        let cells = rows.iter().map(|row| row[at].plain().chars().count().max(1));
        let widest = cells.max().unwrap_or(0).max(names[at].len());
        if names[at] == CUT.0 { widest.min(CUT.1) } else { widest }
    };
    let widths: Vec<usize> = (0..names.len()).map(natural).collect();
    let mut left_out: Vec<&'static str> = Vec::new();
    let is_kept = |left_out: &[&str], at: usize| !left_out.contains(&names[at].as_str());
    for spared in SPARED {
        let kept: Vec<usize> =
            (0..names.len()).filter(|at| is_kept(&left_out, *at)).map(|at| widths[at]).collect();
        if kept.iter().sum::<usize>() + 2 * kept.len().saturating_sub(1) <= width {
            break;
        }
        left_out.push(spared);
    }
    for row in &mut rows {
        let mut at = 0..;
        row.retain(|_| at.next().is_some_and(|at| is_kept(&left_out, at)));
    }
    let names = names.into_iter().filter(|name| !left_out.contains(&name.as_str())).collect();
    (Table { names, rows }, left_out)
}

#[cfg(test)]
mod tests {
    use trailseal_analysis::table::Cell;

    use super::*;

    #[test]
    fn columns_are_left_out_and_keys_are_not_cut() {
        let names = ["key", "parent", "kind", "who", "events", "first", "event_id"].map(str::to_owned);
        let text = |text: &str| Cell::Text(text.to_owned());
        let row = vec![
            text("AKIA7IJJZMRIRPG24F2U"),
            text("AKIA66YDPJ6BJQZF5XAK"),
            text("long_term"),
            text(&"x".repeat(90)),
            Cell::number(12_160),
            text("2024-03-01T00:06:44Z"),
            text(&"e".repeat(36)),
        ];
        let table = Table { names: names.into(), rows: vec![row] };
        for (width, left) in
            [(None, 7), (Some(200), 7), (Some(120), 6), (Some(104), 5), (Some(80), 4), (Some(50), 3)]
        {
            let (fitted, left_out) = fitting(table.clone(), width);
            assert_eq!((fitted.names.len(), fitted.rows[0].len()), (left, left), "{width:?} {left_out:?}");
            assert_eq!(
                left + left_out.iter().filter(|name| table.names.iter().any(|n| n == *name)).count(),
                7
            );
            assert_eq!(fitted.names[0], "key");
        }
        assert_eq!(fitting(Table::default(), Some(80)).0, Table::default());
    }
}
