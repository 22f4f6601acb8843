//! Answering a request.

use std::collections::VecDeque;

use trailseal_query::{
    Record,
    lookup::{AskedPage, AttributeKey, Lookup, LookupSource, Position, RecordPage, Request},
};

use super::{
    EventIndex, LookupError,
    keys::{account, fit},
};

impl LookupSource for EventIndex {
    type Error = LookupError;

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn is_all_of(&self, account: &str) -> bool {
        self.sole_account == Some(self.keys.short(Some(account)))
    }

    fn page(&self, asked: &AskedPage<'_>) -> Result<RecordPage, LookupError> {
        let mut page = asked.page();
        let rows = asked.limit.rows;
        let wanted = asked.lookup.predicate_with_times();
        let mut session = self.reader.session(&self.entries, &self.files, &self.keys);
        let mut candidates = self.candidates(asked);
        let mut next = VecDeque::new();
        let mut last: Option<Position> = None;
        while !page.has_more() {
            // one more than there is room for shows that there are more
            let missing = (rows + 1).saturating_sub(page.len() + next.len());
            let known = next.len();
            next.extend(candidates.by_ref().take(missing));
            if next.len() > known + 1 {
                session.warm(next.make_contiguous());
            }
            let Some(rank) = next.pop_front() else { break };
            let position = self.entries.position(rank);
            if last.as_ref() == Some(&position) {
                // the same event, delivered twice
                continue;
            }
            let bytes = session.read(rank, next.iter().copied())?;
            let record = Record::new(&bytes);
            let is_of_account =
                asked.account.is_none_or(|wanted| account(&record).as_deref() == Some(wanted));
            if is_of_account && wanted.matches(&record) {
                let place = self.entries.of(rank).place();
                page.offer(position.clone(), place, bytes.len(), || (&*bytes).into());
                last = Some(position);
            }
        }
        if let Some(known) = &self.known {
            known.add_to(&mut page, asked)?;
        }
        Ok(page)
    }
}

impl EventIndex {
    /// The ranks, in order, among which are all records that match.
    fn candidates<'a>(&'a self, asked: &AskedPage<'_>) -> impl Iterator<Item = u32> + use<'a> {
        let AskedPage { request, lookup, account, .. } = *asked;
        let categories = request.categories();
        let read_only = request.attributes.iter().find(|one| one.key == AttributeKey::ReadOnly.name());
        let read_only = read_only.map(|attribute| attribute.value == "true");
        let region = request.region.as_deref().map(|region| self.keys.short(Some(region)));
        let account = account.map(|account| self.keys.short(Some(account)));
        let span = self.span(lookup);
        self.listed(request, &span).filter(move |rank| {
            let entry = self.entries.of(*rank);
            fit(entry.traits, &categories, read_only)
                && region.is_none_or(|region| entry.region == region)
                && account.is_none_or(|account| entry.account == account)
        })
    }

    /// The ranks of the records of the time that is asked for, and of those without a time.
    fn span(&self, lookup: &Lookup) -> RankSpan {
        let behind = lookup.after.as_ref().map_or(0, |after| self.entries.behind(after));
        let start = lookup.end.map_or(behind, |end| behind.max(self.entries.not_after(end)));
        let all = self.entries.len() as u32;
        let timeless = self.entries.timeless();
        let end = lookup.start.map_or(timeless, |time| self.entries.before(time).min(timeless));
        RankSpan { start, end: end.max(start), timeless: timeless.max(start), all: all.max(start) }
    }

    /// The shortest list of an attribute within the span, or the whole span.
    fn listed<'a>(&'a self, request: &Request, span: &RankSpan) -> Box<dyn Iterator<Item = u32> + 'a> {
        let lists = request.attributes.iter().filter_map(|attribute| {
            let key = AttributeKey::from_name(&attribute.key)?;
            match key {
                AttributeKey::ReadOnly => None,
                AttributeKey::EventId => Some((self.entries.with_id(&attribute.value), &[] as &[u32])),
                _ => {
                    let hash = self.keys.hash(key, &attribute.value);
                    Some((self.postings.of(hash), self.postings.of(self.keys.hash_of_overfull(key))))
                }
            }
        });
        let shortest = lists.min_by_key(|(list, overfull)| list.len() + overfull.len());
        let Some((list, overfull)) = shortest else {
            return Box::new((span.start..span.end).chain(span.timeless..span.all));
        };
        let ranks = |list, start, end| within(list, start, end).iter().copied();
        let both = |start, end| merged(ranks(list, start, end), ranks(overfull, start, end), u32::lt);
        Box::new(both(span.start, span.end).chain(both(span.timeless, span.all)))
    }
}

/// Ranks from `start` to `end`, and from `timeless` to `all`.
struct RankSpan {
    start: u32,
    end: u32,
    timeless: u32,
    all: u32,
}

fn within(ranks: &[u32], start: u32, end: u32) -> &[u32] {
    let from = ranks.partition_point(|rank| *rank < start);
    let length = ranks[from..].partition_point(|rank| *rank < end);
    &ranks[from..from + length]
}

/// Both as one, in order; nothing is in both.
pub(super) fn merged<T>(
    one: impl Iterator<Item = T>,
    two: impl Iterator<Item = T>,
    is_before: impl Fn(&T, &T) -> bool,
) -> impl Iterator<Item = T> {
    let (mut one, mut two) = (one.peekable(), two.peekable());
    std::iter::from_fn(move || match (one.peek(), two.peek()) {
        (Some(first), Some(second)) if is_before(second, first) => two.next(),
        (None, _) => two.next(),
        _ => one.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_merged_in_order() {
        let merged = |one: &[u32], two: &[u32]| {
            merged(one.iter().copied(), two.iter().copied(), u32::lt).collect::<Vec<_>>()
        };
        assert_eq!(merged(&[1, 4, 5], &[0, 2, 9]), [0, 1, 2, 4, 5, 9]);
        assert_eq!(merged(&[], &[3]), [3]);
        assert_eq!(merged(&[3], &[]), [3]);
    }

    #[test]
    fn a_part_of_a_list_lies_between_its_bounds() {
        let ranks = [1, 3, 5, 7];
        assert_eq!(within(&ranks, 3, 7), [3, 5]);
        assert_eq!(within(&ranks, 0, 99), ranks);
        assert_eq!(within(&ranks, 8, 9), [] as [u32; 0]);
    }
}
