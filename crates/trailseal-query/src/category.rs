//! Event categories: management, data, network activity, insight (spec/selectors-and-insights.md 3.3).

use crate::record::Record;

/// The category of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// `Management`
    Management,
    /// `Data`
    Data,
    /// `NetworkActivity`
    NetworkActivity,
    /// `Insight`
    Insight,
}

/// The category of a record: what it says, else what its other fields imply; `None` when neither does.
pub fn category(record: &Record<'_>) -> Option<Category> {
    match record.member("eventCategory")?.as_str()?.as_ref() {
        "Management" => Some(Category::Management),
        "Data" => Some(Category::Data),
        "NetworkActivity" => Some(Category::NetworkActivity),
        "Insight" => Some(Category::Insight),
        _ => None,
    }
}
