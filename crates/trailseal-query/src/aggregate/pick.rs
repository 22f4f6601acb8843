//! Several top-level members of a record in one pass over it.

use trailseal_archive::Timestamp;

use crate::{Record, json::Value, record::event_time};

/// Names of top-level members.
#[derive(Clone, Debug, Default)]
pub struct Picker {
    names: Vec<String>,
}

impl Picker {
    /// Adds a name, if it is new; its place among the values that are picked.
    pub fn add(&mut self, name: &str) -> usize {
        let known = self.names.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    /// Reads the members of a record; of duplicates the last, as [`Record::member`] has it.
    pub fn pick<'a>(&self, record: &Record<'a>, values: &mut Vec<Option<Value<'a>>>) {
        values.clear();
        values.resize(self.names.len(), None);
        for (key, value) in record.value().members().map_while(Result::ok) {
            if let Some(at) = self.names.iter().position(|name| key.is(name)) {
                values[at] = Some(value);
            }
        }
    }
}

/// The moment that a value of `eventTime` says.
pub fn value_time(value: Option<Value<'_>>) -> Option<Timestamp> {
    match value? {
        Value::String(text) if text.is_escaped() => event_time(text.decode().as_bytes()),
        Value::String(text) => event_time(text.raw()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_picked_is_what_the_record_says_of_each_member() {
        let mut picker = Picker::default();
        let names = ["eventName", "none", "eventTime", "userIdentity"];
        assert_eq!(names.map(|name| picker.add(name)), [0, 1, 2, 3]);
        assert_eq!(picker.add("none"), 1);
        let record = Record::new(
            br#"{"eventName":"A","x":{"eventTime":1},"event\u0054ime":"2024-03-01T00:00:0\u0031Z","eventName":"B","userIdentity":null}"#,
        );
        let mut values = Vec::new();
        picker.pick(&record, &mut values);
        assert_eq!(values, names.map(|name| record.member(name)));
        assert_eq!(value_time(values[2]), record.time());
        assert_eq!(
            value_time(values[2]).map(|time| time.to_string()).as_deref(),
            Some("2024-03-01T00:00:01Z")
        );
        assert_eq!(value_time(values[3]), None);
    }
}
