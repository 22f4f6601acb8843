//! The addresses or user agents of a key: what is not usual first, the rest as a count.

use trailseal_analysis::follow::{Origin, Origins};

use crate::render::{
    plain::{grouped, plural, shown},
    zone::ShownZone,
};

use super::tree::{LENGTH, SHOWN, counted_value, listing, shorten, tied, tied_span};

/// Unusual ones that are shown.
const UNUSUAL: usize = 3;
/// Usual ones that are named.
const USUAL: usize = 2;
/// Keys that are named.
const ISSUED: usize = 3;
/// What stands before usual ones.
const BEFORE: &str = "usual: ";
/// Characters of a user agent that stands on lines of its own.
const LONG: usize = 140;

/// The kind of origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginKind {
    Address,
    Agent,
}

/// The lines that tell of them, lists in so many columns; those that stand below the first, further in, are marked.
pub(super) fn lines(
    origins: &Origins,
    kind: OriginKind,
    all: bool,
    room: usize,
    zone: &ShownZone,
) -> Vec<(bool, String)> {
    let usual: Vec<&Origin> = origins.values.iter().filter(|origin| origin.usual).collect();
    let unusual = origins.unusual();
    if !all && (usual.is_empty() || unusual.is_empty()) {
        let values: Vec<&Origin> = origins.values.iter().collect();
        return vec![(false, listed(&values, SHOWN, LENGTH, room))];
    }
    let word = if kind == OriginKind::Address { "address" } else { "user agent" };
    let count = match (origins.values.len(), kind) {
        (1, _) => format!("1 {word}"),
        (count, OriginKind::Address) => format!("{} addresses", grouped(count as u64)),
        (count, OriginKind::Agent) => format!("{} user agents", grouped(count as u64)),
    };
    let mut lines = vec![(
        false,
        format!(
            "{count}, {} of them usual{}",
            grouped(usual.len() as u64),
            if unusual.is_empty() { "" } else { "; new or brief:" }
        ),
    )];
    let limit = if all { usize::MAX } else { UNUSUAL };
    lines.extend(unusual.iter().take(limit).map(|origin| (true, told(origin, kind, all, zone))));
    if let Some(more @ [_, ..]) = unusual.get(limit..) {
        let events = more.iter().map(|origin| origin.events).sum();
        let more = grouped(more.len() as u64);
        lines.push((true, format!("and {more} more, {} in all (--all)", plural(events, "event"))));
    }
    if all {
        lines.extend(usual.iter().map(|origin| (true, format!("{BEFORE}{}", told(origin, kind, all, zone)))));
    } else {
        // no digit of an address can be spared
        let length = if kind == OriginKind::Address { LENGTH } else { LENGTH / 2 };
        let room = room.saturating_sub(BEFORE.len());
        lines.push((false, format!("{BEFORE}{}", listed(&usual, USUAL, length, room))));
    }
    lines
}

/// Values with their numbers of events.
fn listed(origins: &[&Origin], limit: usize, length: usize, room: usize) -> String {
    let values: Vec<String> = origins
        .iter()
        .map(|origin| counted_value(&shorten(&shown(&origin.value), length), origin.events))
        .collect();
    listing(&values, limit, room)
}

/// What is known of one.
fn told(origin: &Origin, kind: OriginKind, all: bool, zone: &ShownZone) -> String {
    let Origin { value, events, first, last, failed, issued, with, .. } = origin;
    let length = if all { usize::MAX } else { LONG };
    let mut text = format!("{}  {}", shorten(&shown(value), length), plural(*events, "event"));
    let mut more = |part: &str| text.push_str(part);
    if let (OriginKind::Agent, [address]) = (kind, &with[..])
        && address != value
    {
        more(&format!(" from {}", shown(address)));
    }
    match first.zip(*last) {
        Some((first, last)) if first == last => more(&format!(", {}", tied(&zone.moment(first)))),
        Some((first, last)) => more(&format!(", {}", tied_span(first, last, zone))),
        None => {}
    }
    match (*failed, *events) {
        (0, _) => {}
        (1, 1) => more(", failed"),
        (failed, _) => more(&format!(", {} failed", grouped(failed))),
    }
    // an address says it already
    if kind == OriginKind::Address && !issued.is_empty() {
        let named = if all { issued.len() } else { ISSUED };
        let keys: Vec<_> = issued.iter().take(named).map(|key| shown(key)).collect();
        more(&format!(", issued {}", keys.join(", ")));
        if issued.len() > named {
            more(&format!(" and {} more", grouped((issued.len() - named) as u64)));
        }
    }
    text
}
