//! `--output table`: boxes in boxes, all of one width, in the manner of the AWS CLI.
//!
//! An event is a column of members, as the AWS CLI has them in tables that are wider than a screen.

use std::io::{self, Write};

use trailseal_query::row::{LookupRow, TimeFormat};
use unicode_width::UnicodeWidthChar as _;

use super::columns;
use crate::render::plain::shown;

/// Space around the text of a cell.
const PADDING: usize = 4;

/// A box: a title, perhaps names of columns, and rows.
struct Section {
    /// How many boxes it lies in.
    depth: usize,
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Writes the answer as a whole.
pub(super) fn write(
    rows: &[LookupRow<'_>],
    times: TimeFormat,
    token: Option<&str>,
    to: &mut dyn Write,
) -> io::Result<()> {
    let outer = token.map(|token| vec![vec!["NextToken".to_owned(), token.to_owned()]]).unwrap_or_default();
    let mut sections =
        vec![Section { depth: 0, title: "LookupEvents".to_owned(), header: Vec::new(), rows: outer }];
    let columns = columns(rows, times);
    for row in rows {
        sections.push(event(row, &columns, times));
        sections.extend(resources(row));
    }
    let inner =
        sections.iter().map(|section| section.natural() + 2 * section.depth).max().unwrap_or_default();
    writeln!(to, "{}", "-".repeat(inner + 2))?;
    for section in &sections {
        section.write(inner - 2 * section.depth, to)?;
    }
    Ok(())
}

fn event(row: &LookupRow<'_>, columns: &[&'static str], times: TimeFormat) -> Section {
    let cell = |column: &&str| {
        let text = row.texts(times).find(|(name, _)| name == column).map(|(_, text)| text);
        vec![(*column).to_owned(), shown(&text.unwrap_or_default()).into_owned()]
    };
    Section {
        depth: 1,
        title: "Events".to_owned(),
        header: Vec::new(),
        rows: columns.iter().map(cell).collect(),
    }
}

fn resources(row: &LookupRow<'_>) -> Option<Section> {
    if row.resources.is_empty() {
        return None;
    }
    let has_types = row.resources.iter().any(|resource| resource.resource_type.is_some());
    let cells = |name: &str, resource_type: &str| {
        let mut cells = vec![shown(name).into_owned()];
        cells.extend(has_types.then(|| shown(resource_type).into_owned()));
        cells
    };
    let rows = row.resources.iter();
    let (depth, title, header) = (2, "Resources".to_owned(), cells("ResourceName", "ResourceType"));
    let rows: Vec<Vec<String>> = rows
        .map(|resource| cells(&resource.name, resource.resource_type.as_deref().unwrap_or_default()))
        .collect();
    Some(match rows.as_slice() {
        // in tables wider than a screen, which all with a record are, a single row is laid on its side
        [only] => {
            let rows = header.into_iter().zip(only).map(|(name, cell)| vec![name, cell.clone()]).collect();
            Section { depth, title, header: Vec::new(), rows }
        }
        _ => Section { depth, title, header, rows },
    })
}

impl Section {
    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.header).filter(|header| !header.is_empty()).chain(&self.rows)
    }

    /// The width of each column that its texts need.
    fn needs(&self) -> Vec<usize> {
        let count = self.lines().map(Vec::len).max().unwrap_or_default();
        (0..count)
            .map(|at| {
                PADDING
                    + self.lines().filter_map(|line| line.get(at)).map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect()
    }

    fn natural(&self) -> usize {
        self.needs().iter().sum::<usize>().max(width(&self.title))
    }

    /// The widths of the columns when all of them and the lines between them are `total` wide: in the AWS CLI's
    /// way, which scales the columns to the width with its edges and rounds half to even.
    fn widths(&self, total: usize) -> Vec<usize> {
        let (needs, whole) = (self.needs(), total + 2);
        let sum = needs.iter().sum::<usize>().max(1);
        let share = |need: &usize| (whole as f64 * *need as f64 / sum as f64).round_ties_even() as usize;
        let mut widths: Vec<usize> = needs.iter().map(share).collect();
        let mut missing = whole as i64 - widths.iter().sum::<usize>() as i64;
        // what is too much is taken from the left, what is too little given from the right
        while missing != 0 && !widths.is_empty() {
            let count = widths.len();
            for step in 0..count.min(missing.unsigned_abs() as usize) {
                let at = if missing < 0 { step } else { count - 1 - step };
                widths[at] = widths[at].saturating_add_signed(missing.signum() as isize);
            }
            let settled = count.min(missing.unsigned_abs() as usize) as i64;
            missing -= settled * missing.signum();
        }
        for (at, width) in widths.iter_mut().enumerate() {
            *width = width.saturating_sub(if at == 0 { 2 } else { 1 });
        }
        widths
    }

    fn write(&self, total: usize, to: &mut dyn Write) -> io::Result<()> {
        let edge = "|".repeat(self.depth);
        writeln!(to, "{edge}|{}|{edge}", centred(&self.title, total, true))?;
        let widths = self.widths(total);
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let rule = if rule.is_empty() { "-".repeat(total) } else { rule.join("+") };
        let write_rule = |to: &mut dyn Write| writeln!(to, "{edge}+{rule}+{edge}");
        write_rule(to)?;
        if !self.header.is_empty() {
            let cells = self.header.iter().zip(&widths).enumerate();
            let cells: Vec<String> =
                cells.map(|(at, (cell, width))| centred(cell, *width, at == 0)).collect();
            writeln!(to, "{edge}|{}|{edge}", cells.join("|"))?;
            write_rule(to)?;
        }
        for row in &self.rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| left(cell, *width)).collect();
            writeln!(to, "{edge}|{}|{edge}", cells.join("|"))?;
        }
        if self.rows.is_empty() { Ok(()) } else { write_rule(to) }
    }
}

/// The columns of a terminal that a text takes, counted as the AWS CLI does: characters that are wide in some
/// East Asian fonts are taken to be wide, and none to be without width.
fn width(text: &str) -> usize {
    let width = |c: char| if is_ambiguous_letter(c) { 2 } else { c.width_cjk().unwrap_or(1).max(1) };
    text.chars().map(width).sum()
}

/// Letters of ambiguous width (Unicode's East Asian Width A), which `unicode-width` takes to be narrow.
fn is_ambiguous_letter(c: char) -> bool {
    matches!(u32::from(c), 0xaa | 0xba | 0xc6 | 0xd0 | 0xd8 | 0xde..=0xe1 | 0xe6 | 0xe8..=0xea | 0xec..=0xed | 0xf0 | 0xf2..=0xf3 | 0xf8..=0xfa | 0xfc | 0xfe | 0x101 | 0x111 | 0x113 | 0x11b | 0x126..=0x127 | 0x12b | 0x131..=0x133 | 0x138 | 0x13f..=0x142 | 0x144 | 0x148..=0x14b | 0x14d | 0x152..=0x153 | 0x166..=0x167 | 0x16b | 0x1ce | 0x1d0 | 0x1d2 | 0x1d4 | 0x1d6 | 0x1d8 | 0x1da | 0x1dc | 0x251 | 0x261 | 0x2c7 | 0x2c9..=0x2cb | 0x2cd | 0x2d0 | 0x391..=0x3a1 | 0x3a3..=0x3a9 | 0x3b1..=0x3c1 | 0x3c3..=0x3c9 | 0x401 | 0x410..=0x44f | 0x451 | 0x207f | 0x2113 | 0x2126 | 0x212b)
}

fn left(text: &str, total: usize) -> String {
    let space = total.saturating_sub(width(text) + 2);
    format!("  {text}{}", " ".repeat(space))
}

/// Centred as the AWS CLI does it, which counts the edges of the box: a first cell has two of them, others one.
fn centred(text: &str, total: usize, is_first: bool) -> String {
    let edges = if is_first { 2 } else { 1 };
    let before = usize::midpoint(total, edges);
    let before = before.saturating_sub(width(text) / 2 + 1);
    let after = total.saturating_sub(before + width(text));
    format!("{}{text}{}", " ".repeat(before), " ".repeat(after))
}
