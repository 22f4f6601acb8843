//! `Resources` (docs/spec/lookup-events.md 1.4): by the table, else from the record's own `resources`.

use std::borrow::Cow;

use super::{
    table::{Cut, Entry, Extraction, TABLE},
    top::TopLevel,
};
use crate::{json::Value, record::Record};

/// One item of a row's `Resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// `ResourceType`; CloudTrail leaves it out for some.
    pub resource_type: Option<Cow<'a, str>>,
    /// `ResourceName`: always the whole or a part of a text in the record.
    pub name: Cow<'a, str>,
    /// What it follows from.
    pub rule: Rule,
}

/// What an item of `Resources` follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The extraction table knows the event.
    Table,
    /// It does not, and the record's own `resources` name it.
    Fallback,
}

/// The `Resources` of a record's row, grouped by type.
///
/// Every name is a part of some string in the record, escapes resolved: a search of the record's text for a name
/// may exclude records.
pub fn resources<'a>(record: &Record<'a>) -> Vec<Resource<'a>> {
    resources_of(&TopLevel::of(record.value()))
}

/// The same, of the record's members.
pub(super) fn resources_of<'a>(top: &TopLevel<'a>) -> Vec<Resource<'a>> {
    listed(top).grouped()
}

/// The names of all items, some perhaps twice.
pub(crate) fn resource_names_of(top: &TopLevel<'_>, visit: &mut dyn FnMut(&str)) {
    find(top, &mut Names(visit));
}

fn listed<'a>(top: &TopLevel<'a>) -> List<'a> {
    let mut list = List::default();
    find(top, &mut list);
    list
}

/// Takes the items of a record, some perhaps twice.
trait ItemSink<'a> {
    fn add(&mut self, resource_type: Option<Cow<'a, str>>, name: Cow<'a, str>, rule: Rule);
}

/// Who wants to know names alone.
struct Names<'v>(&'v mut dyn FnMut(&str));

impl<'a> ItemSink<'a> for Names<'_> {
    fn add(&mut self, _: Option<Cow<'a, str>>, name: Cow<'a, str>, _: Rule) {
        if !name.is_empty() {
            (self.0)(&name);
        }
    }
}

fn find<'a>(top: &TopLevel<'a>, to: &mut impl ItemSink<'a>) {
    let text = |member: Option<Value<'a>>| member.and_then(|value| value.as_str());
    match (text(top.event_source), text(top.event_name)) {
        (Some(source), Some(name)) => match TABLE.find(&source, &name) {
            Some(entry) => extract(entry, top, to),
            None => fall_back(top, to),
        },
        _ => fall_back(top, to),
    }
}

fn extract<'a>(entry: &'static Entry, top: &TopLevel<'a>, to: &mut impl ItemSink<'a>) {
    if entry.only_if_succeeded && top.has_failed {
        return;
    }
    let mut found = Vec::new();
    for (paths, value) in [(&entry.request, top.request), (&entry.response, top.response)] {
        if let Some(Value::Object(raw)) = value {
            found.append(&mut paths.values(raw));
        }
    }
    // The values of one place stay in their order.
    found.sort_by_key(|(place, _)| *place);
    for (place, value) in found {
        add(entry.extraction(place), value, to);
    }
}

/// A text, or an array of texts.
fn add<'a>(extraction: &'static Extraction, value: Value<'a>, to: &mut impl ItemSink<'a>) {
    let elements = value.elements().map_while(Result::ok).filter_map(|element| element.as_str());
    for text in value.as_str().into_iter().chain(elements) {
        let name = match extraction.cut {
            Cut::Whole => text,
            Cut::LastSegment => after(text, |text| text.rfind('/').map(|at| at + 1)),
        };
        to.add(extraction.resource_type.as_deref().map(Cow::Borrowed), name, Rule::Table);
    }
}

/// The ARNs that the record itself names, and the names at their ends.
fn fall_back<'a>(top: &TopLevel<'a>, to: &mut impl ItemSink<'a>) {
    let Some(resources) = top.resources else { return };
    for resource in resources.elements().map_while(Result::ok) {
        let (mut resource_type, mut arns) = (None, [None; 2]);
        for (key, value) in resource.members().map_while(Result::ok) {
            match () {
                () if key.is("type") => resource_type = Some(value),
                () if key.is("ARN") => arns[0] = Some(value),
                () if key.is("ARNPrefix") => arns[1] = Some(value),
                () => {}
            }
        }
        let resource_type = resource_type.and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        for arn in arns.into_iter().flatten().filter_map(|value| value.as_str()) {
            let name = after(arn.clone(), trailing_name);
            to.add(resource_type.clone(), arn, Rule::Fallback);
            if *name != *"*" {
                to.add(resource_type.clone(), name, Rule::Fallback);
            }
        }
    }
}

/// Where the name begins in `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`: the resource is a name, or a type and
/// a name after the first of `:` and `/`; of deeper names the last part counts.
fn trailing_name(arn: &str) -> Option<usize> {
    if !arn.starts_with("arn:") {
        return None;
    }
    let start = arn.match_indices(':').nth(4)?.0 + 1;
    let resource = &arn[start..];
    let separator = resource.chars().find(|character| matches!(character, ':' | '/'));
    Some(separator.and_then(|separator| resource.rfind(separator)).map_or(start, |at| start + at + 1))
}

/// The text from the place that `start` finds; the whole where it finds none.
fn after(text: Cow<'_, str>, start: impl Fn(&str) -> Option<usize>) -> Cow<'_, str> {
    let Some(start) = start(&text) else { return text };
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..]),
        Cow::Owned(text) => Cow::Owned(text[start..].to_owned()),
    }
}

/// Distinct items, in the order in which they were found.
#[derive(Default)]
struct List<'a> {
    items: Vec<Resource<'a>>,
    /// Beyond a few, items are found by their hash: a hostile record holds a million.
    seen: std::collections::HashSet<(Option<Cow<'a, str>>, Cow<'a, str>)>,
}

/// Up to this many items are compared one by one.
const FEW: usize = 16;

impl<'a> ItemSink<'a> for List<'a> {
    fn add(&mut self, resource_type: Option<Cow<'a, str>>, name: Cow<'a, str>, rule: Rule) {
        if name.is_empty() {
            return;
        }
        let item = Resource { resource_type, name, rule };
        let is_known = if self.items.len() < FEW {
            // names first: types are often the same
            self.items
                .iter()
                .any(|known| known.name == item.name && known.resource_type == item.resource_type)
        } else {
            if self.seen.is_empty() {
                self.seen.extend(self.items.iter().map(Resource::key));
            }
            !self.seen.insert(item.key())
        };
        if !is_known {
            self.items.push(item);
        }
    }
}

impl<'a> List<'a> {
    /// Items of one type together, types in the order of their first items.
    fn grouped(self) -> Vec<Resource<'a>> {
        let mut items = self.items;
        let mut types: Vec<Option<Cow<'a, str>>> = Vec::new();
        for item in &items {
            // Types of the table are few; those of a record's own resources may not be.
            if types.len() < FEW && !types.contains(&item.resource_type) {
                types.push(item.resource_type.clone());
            }
        }
        items.sort_by_cached_key(|item| {
            types.iter().position(|known| *known == item.resource_type).unwrap_or(types.len())
        });
        items
    }
}

impl<'a> Resource<'a> {
    fn key(&self) -> (Option<Cow<'a, str>>, Cow<'a, str>) {
        (self.resource_type.clone(), self.name.clone())
    }
}

#[cfg(test)]
mod tests;
