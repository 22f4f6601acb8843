//! What a record can be looked up by, as hashes.

use std::{
    borrow::Cow,
    hash::{BuildHasher as _, RandomState},
    ops::ControlFlow,
};

use trailseal_query::{
    Record,
    category::{Category, category},
    lookup::{AttributeKey, AttributePlace},
    path::FieldPath,
    row::{resources, username},
};

use super::MAX_KEYS;

/// The bits of `traits` that say the category.
pub(super) const CATEGORY: u8 = 0b11;
const IS_READ_ONLY: u8 = 0b100;
const IS_NOT_READ_ONLY: u8 = 0b1000;

/// Hashes texts with a key that nobody can know: an archive cannot be made so that texts collide.
#[derive(Debug)]
pub(super) struct Keys {
    state: RandomState,
    paths: Paths,
}

/// The attributes whose texts stand at paths, as [`AttributeKey::place`] has them.
#[derive(Debug)]
struct Paths {
    plain: Vec<(AttributeKey, FieldPath)>,
    insight: Vec<(AttributeKey, FieldPath)>,
}

fn paths_of(is_insight: bool) -> Vec<(AttributeKey, FieldPath)> {
    // of these the entry itself tells
    let is_listed = |key: &AttributeKey| !matches!(key, AttributeKey::EventId | AttributeKey::ReadOnly);
    let keys = AttributeKey::ALL.into_iter().filter(is_listed);
    let paths = keys.filter(|key| !is_insight || key.is_of_insights()).filter_map(|key| {
        match key.place(is_insight) {
            AttributePlace::Path(path) => Some((key, path)),
            AttributePlace::Derived(_) => None,
        }
    });
    paths.collect()
}

/// What is noted of one record.
#[derive(Debug, Default)]
pub(super) struct LookupTexts {
    pub(super) traits: u8,
    pub(super) region: u32,
    pub(super) account: u32,
    /// What it can be looked up by, each once.
    pub(super) hashes: Vec<u64>,
    group: Vec<u64>,
}

/// Attributes whose texts are counted together: a record that has too many of one kind is still found quickly by
/// the others.
struct Group {
    keys: &'static [AttributeKey],
    /// So many texts are noted in any case.
    limit: usize,
}

const NAMES: Group = Group {
    keys: &[
        AttributeKey::EventName,
        AttributeKey::EventSource,
        AttributeKey::Username,
        AttributeKey::AccessKeyId,
    ],
    limit: 8,
};
const TYPES: Group = Group { keys: &[AttributeKey::ResourceType], limit: 8 };
const RESOURCES: Group =
    Group { keys: &[AttributeKey::ResourceName], limit: MAX_KEYS - NAMES.limit - TYPES.limit };

/// Whether there is room for so many more texts than each record may have in any case.
pub(super) type HasRoom<'r> = dyn Fn(usize) -> bool + 'r;

impl Keys {
    pub(super) fn new() -> Self {
        let paths = Paths { plain: paths_of(false), insight: paths_of(true) };
        Self { state: RandomState::new(), paths }
    }

    /// The hash of an attribute.
    pub(super) fn hash(&self, key: AttributeKey, value: &str) -> u64 {
        self.state.hash_one((key as u8, value))
    }

    /// The hash of records that have more texts of an attribute than are noted.
    pub(super) fn hash_of_overfull(&self, key: AttributeKey) -> u64 {
        self.state.hash_one((u8::MAX, key as u8))
    }

    /// A region or an account in 32 bits; records without one have another.
    pub(super) fn short(&self, text: Option<&str>) -> u32 {
        self.state.hash_one(text) as u32
    }

    /// The hash of an account, a Region (both as [`short`](Self::short)) and a category.
    pub(super) fn scope(&self, account: u32, region: u32, category: u8) -> u64 {
        self.state.hash_one((account, region, category))
    }

    /// A hash of a record's bytes.
    pub(super) fn sum(&self, record: &[u8]) -> u64 {
        self.state.hash_one(record)
    }

    /// What is to be noted of a record; `false` when no request can find it, because its category is unknown.
    pub(super) fn note(
        &self,
        record: &Record<'_>,
        names: &ScopeNames<'_>,
        noted: &mut LookupTexts,
        has_room: &HasRoom<'_>,
    ) -> bool {
        let Some(category) = category(record) else { return false };
        noted.traits = traits(category, read_only(record));
        noted.region = self.short(names.region.as_deref());
        noted.account = self.short(names.account.as_deref());
        noted.hashes.clear();
        let is_insight = category == Category::Insight;
        let group = &mut noted.group;
        for (key, path) in if is_insight { &self.paths.insight } else { &self.paths.plain } {
            self.visit(record, path, *key, group);
        }
        if is_insight {
            self.take(&NAMES, noted, has_room);
            return true;
        }
        group.extend(username(record).map(|name| self.hash(AttributeKey::Username, &name)));
        self.take(&NAMES, noted, has_room);
        let resources = resources(record);
        let types = resources.iter().filter_map(|resource| resource.resource_type.as_deref());
        noted.group.extend(types.map(|text| self.hash(AttributeKey::ResourceType, text)));
        self.take(&TYPES, noted, has_room);
        let names = resources.iter().map(|resource| &*resource.name);
        noted.group.extend(names.map(|text| self.hash(AttributeKey::ResourceName, text)));
        self.take(&RESOURCES, noted, has_room);
        true
    }

    /// All values that a request's predicate would compare.
    fn visit(&self, record: &Record<'_>, path: &FieldPath, key: AttributeKey, hashes: &mut Vec<u64>) {
        let _ = record.visit_each(path, &mut |value| {
            hashes.extend(value.text().map(|text| self.hash(key, &text)));
            ControlFlow::Continue(())
        });
    }

    /// Notes a group of texts, or that there are too many.
    fn take(&self, group: &Group, noted: &mut LookupTexts, has_room: &HasRoom<'_>) {
        let found = &mut noted.group;
        found.sort_unstable();
        found.dedup();
        if found.len() <= group.limit || has_room(found.len() - group.limit) {
            noted.hashes.append(found);
        } else {
            noted.hashes.extend(group.keys.iter().map(|key| self.hash_of_overfull(*key)));
            // one record may have had a million
            *found = Vec::new();
        }
    }
}

/// The account and the Region in whose event history a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScopeNames<'a> {
    pub(super) account: Option<Cow<'a, str>>,
    pub(super) region: Option<Cow<'a, str>>,
}

impl<'a> ScopeNames<'a> {
    pub(super) fn of(record: &Record<'a>) -> Self {
        let region = record.member("awsRegion").and_then(|region| region.text());
        Self { account: account(record), region }
    }

    /// Whether they are those that are asked for.
    pub(super) fn are(&self, account: Option<&str>, region: Option<&str>) -> bool {
        let is = |wanted: Option<&str>, name: Option<&str>| wanted.is_none() || wanted == name;
        is(account, self.account.as_deref()) && is(region, self.region.as_deref())
    }

    pub(super) fn into_owned(self) -> ScopeNames<'static> {
        let owned = |name: Option<Cow<'a, str>>| name.map(|name| Cow::Owned(name.into_owned()));
        ScopeNames { account: owned(self.account), region: owned(self.region) }
    }
}

/// The account whose event history has the record.
pub(super) fn account<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let recipient = record.member("recipientAccountId").and_then(|account| account.text());
    recipient.or_else(|| record.member("userIdentity")?.member("accountId")?.text())
}

pub(super) fn read_only(record: &Record<'_>) -> Option<bool> {
    match record.member("readOnly")?.text()?.as_ref() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn traits(category: Category, read_only: Option<bool>) -> u8 {
    let read_only = match read_only {
        None => 0,
        Some(true) => IS_READ_ONLY,
        Some(false) => IS_NOT_READ_ONLY,
    };
    category as u8 | read_only
}

/// Whether traits are of one of these categories, and of this `ReadOnly` if one is asked for.
pub(super) fn fit(traits: u8, categories: &[Category], read_only: Option<bool>) -> bool {
    let wanted = match read_only {
        None => 0,
        Some(true) => IS_READ_ONLY,
        Some(false) => IS_NOT_READ_ONLY,
    };
    traits & wanted == wanted && categories.iter().any(|category| *category as u8 == traits & CATEGORY)
}
