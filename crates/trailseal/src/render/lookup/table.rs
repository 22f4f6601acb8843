//! `--output table`: boxes in boxes, all of one width, in the manner of the AWS CLI.
//!
//! An event is always a column of members: the AWS CLI lays short ones out as a line, by rules of its own.

use std::io::{self, Write};

use trailseal_query::lookup::{LookupRow, TimeFormat};

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
    Some(Section {
        depth: 2,
        title: "Resources".to_owned(),
        header: cells("ResourceName", "ResourceType"),
        rows: rows
            .map(|resource| cells(&resource.name, resource.resource_type.as_deref().unwrap_or_default()))
            .collect(),
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

    /// The widths of the columns when all of them and the lines between them are `total` wide.
    fn widths(&self, total: usize) -> Vec<usize> {
        let needs = self.needs();
        let sum = needs.iter().sum::<usize>().max(1);
        let mut widths: Vec<usize> = needs.iter().map(|need| (need * total * 2 + sum) / (2 * sum)).collect();
        let wanted = total.saturating_sub(needs.len().saturating_sub(1));
        if let Some((first, others)) = widths.split_first_mut() {
            *first = wanted.saturating_sub(others.iter().sum());
        }
        widths
    }

    fn write(&self, total: usize, to: &mut dyn Write) -> io::Result<()> {
        let edge = "|".repeat(self.depth);
        writeln!(to, "{edge}|{}|{edge}", centred(&self.title, total))?;
        let widths = self.widths(total);
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let rule = if rule.is_empty() { "-".repeat(total) } else { rule.join("+") };
        let write_rule = |to: &mut dyn Write| writeln!(to, "{edge}+{rule}+{edge}");
        write_rule(to)?;
        if !self.header.is_empty() {
            let cells: Vec<String> =
                self.header.iter().zip(&widths).map(|(cell, width)| centred(cell, *width)).collect();
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

/// The columns of a terminal that a text takes.
fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// East Asian scripts and pictures: two columns.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f | 0xff01..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f900..=0x1f9ff | 0x2_0000..=0x3_fffd)
}

fn left(text: &str, total: usize) -> String {
    let space = total.saturating_sub(width(text) + 2);
    format!("  {text}{}", " ".repeat(space))
}

fn centred(text: &str, total: usize) -> String {
    let space = total.saturating_sub(width(text));
    format!("{}{text}{}", " ".repeat(space / 2), " ".repeat(space - space / 2))
}
