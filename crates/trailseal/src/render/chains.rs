//! The table of chains.

use std::io::{self, Write};

use trailseal_evidence::report::{ChainId, ChainKind, ChainReport};

use super::{
    plain::{DIM, aligned, plural, shown, span},
    room::noted,
    style::Style,
};

/// With more chains than this, each has one line.
pub(crate) const MANY: usize = 20;
/// Intervals and gaps of one chain that are listed.
const MAX_SPANS: usize = 8;

/// Writes the table.
pub(crate) fn write(chains: &[ChainReport], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if chains.is_empty() {
        return Ok(());
    }
    let is_compact = chains.len() > MANY && !style.verbose;
    let has_organization = chains.iter().any(|chain| chain.id.organization.is_some());
    let mut rows = vec![
        ["ORGANIZATION", "ACCOUNT", "REGION", "TRAIL", "HOME REGION", "KIND", "DIGESTS", "LOGS"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(chains.iter().map(cells));
    if !has_organization {
        for row in &mut rows {
            row.remove(0);
        }
    }
    let lines = aligned(&rows);
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0) + 2;
    let spans: Vec<Vec<String>> =
        chains.iter().map(|chain| spans(chain, is_compact, style.verbose)).collect();
    let longest = spans.iter().flatten().map(|line| line.chars().count()).max().unwrap_or(0);
    // Where the terminal is too narrow, spans stand below their chain.
    let is_beside = style.width.is_none_or(|columns| width + longest <= columns);
    let heading = if is_beside { "PROVEN AND GAPS" } else { "" };
    let heading = format!("{:<width$}{heading}", lines[0]);
    for part in noted(heading.trim_end(), style.width.unwrap_or(usize::MAX)) {
        writeln!(out, "{DIM}{part}{DIM:#}")?;
    }
    for (line, spans) in lines[1..].iter().zip(&spans) {
        if is_beside {
            let (first, rest) =
                spans.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            writeln!(out, "{}", format!("{line:<width$}{first}").trim_end())?;
            for span in rest {
                writeln!(out, "{:width$}{span}", "")?;
            }
        } else {
            for part in noted(line, style.width.unwrap_or(usize::MAX)) {
                writeln!(out, "{part}")?;
            }
            for span in spans {
                writeln!(out, "    {span}")?;
            }
        }
    }
    Ok(())
}

/// A chain in a few words, as a heading.
pub(crate) fn name(id: &ChainId) -> String {
    let organization =
        id.organization.as_deref().map(|organization| format!("{organization} ")).unwrap_or_default();
    let kind = if id.kind == ChainKind::Backfill { " (backfill)" } else { "" };
    shown(&format!("{organization}{} {} {}{kind}", id.account, id.region, id.trail)).into_owned()
}

fn cells(chain: &ChainReport) -> Vec<String> {
    let ChainId { organization, account, region, trail, home_region, kind } = &chain.id;
    let kind = if *kind == ChainKind::Backfill { "backfill" } else { "standard" };
    let names = [organization.as_deref().unwrap_or("-"), account, region, trail, home_region, kind];
    let mut cells: Vec<String> = names.into_iter().map(|name| shown(name).into_owned()).collect();
    cells.push(format!("{}/{}", chain.digests_verified, chain.digests));
    cells.push(format!("{}/{}", chain.logs_verified, chain.logs));
    cells
}

fn spans(chain: &ChainReport, is_compact: bool, is_verbose: bool) -> Vec<String> {
    if is_compact {
        let mut text = match (chain.proven.first(), chain.proven.last()) {
            (Some(first), Some(last)) if chain.proven.len() == 1 => span(first.start, last.end),
            (Some(first), Some(last)) => {
                format!("{}, in {} parts", span(first.start, last.end), chain.proven.len())
            }
            _ => "nothing".to_owned(),
        };
        if !chain.gaps.is_empty() {
            text = format!("{text}, {}", plural(chain.gaps.len() as u64, "gap"));
        }
        return vec![text];
    }
    let proven = chain.proven.iter().map(|proven| (proven.start, span(proven.start, proven.end)));
    let gaps = chain
        .gaps
        .iter()
        .map(|gap| (gap.start, format!("{}  not covered: {}", span(gap.start, gap.end), gap.code.text())));
    let mut spans: Vec<_> = proven.chain(gaps).collect();
    spans.sort();
    let limit = if is_verbose { usize::MAX } else { MAX_SPANS };
    let more = spans.len().saturating_sub(limit);
    let mut lines: Vec<String> = spans.into_iter().take(limit).map(|(_, text)| text).collect();
    if more > 0 {
        lines.push(format!("and {more} more (--verbose)"));
    }
    if chain.proven.is_empty() {
        lines.insert(0, "nothing proven".to_owned());
    }
    lines
}
