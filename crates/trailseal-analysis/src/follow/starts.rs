//! From which keys it starts.

use std::collections::HashSet;

use trailseal_query::{Predicate, Record, json::quote};

use crate::wanted::{Wanted, WantedError};

/// From which keys it starts: those that are named, those that acted as somebody, those that were used from an address.
#[derive(Clone, Debug)]
pub struct Starts {
    pub(super) keys: Vec<String>,
    principals: Vec<String>,
    source_ips: Vec<String>,
    /// Events whose keys are starts.
    wanted: Option<Predicate>,
    /// What came from the addresses.
    there: Option<Predicate>,
}

impl Starts {
    /// Starts from these keys, and from all keys that acted as one of the principals (ARNs, ids, names). With addresses, only
    /// what was done from there with these keys is followed; where nothing else is given, it starts from all keys that were
    /// used from there.
    ///
    /// # Errors
    /// [`WantedError`] for a principal or an address that cannot be understood.
    pub fn new(
        keys: Vec<String>,
        principals: Vec<String>,
        source_ips: Vec<String>,
    ) -> Result<Self, WantedError> {
        let condition = |wanted: Wanted| wanted.condition().map(|condition| condition.predicate);
        let there = (!source_ips.is_empty())
            .then(|| condition(Wanted { source_ips: source_ips.clone(), ..Wanted::default() }))
            .transpose()?;
        let is_found = !principals.is_empty() || keys.is_empty();
        let wanted = is_found
            .then(|| {
                let (principals, source_ips) = (principals.clone(), source_ips.clone());
                condition(Wanted { principals, source_ips, ..Wanted::default() })
            })
            .transpose()?
            .filter(|_| !principals.is_empty() || !source_ips.is_empty());
        Ok(Self { keys, principals, source_ips, wanted, there })
    }

    /// The keys that are named.
    pub(super) fn named(&self) -> HashSet<&str> {
        self.keys.iter().map(String::as_str).collect()
    }

    /// The condition for events whose keys are starts, if any are to be found.
    pub(super) fn wanted(&self) -> Option<&Predicate> {
        self.wanted.as_ref()
    }

    /// Whether the key of an event is a start.
    pub(super) fn is_wanted(&self, record: &Record<'_>) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.matches(record))
    }

    /// Whether only what came from some addresses is followed.
    pub(super) fn is_narrow(&self) -> bool {
        self.there.is_some()
    }

    /// Whether an event came from the addresses, or any will do.
    pub(super) fn is_there(&self, record: &Record<'_>) -> bool {
        self.there.as_ref().is_none_or(|there| there.matches(record))
    }

    /// Whether an address is one of those that are asked for.
    pub(super) fn is_asked(&self, address: &str) -> bool {
        let Some(there) = &self.there else { return false };
        let mut record = b"{\"sourceIPAddress\":".to_vec();
        quote(address, &mut record);
        record.push(b'}');
        there.matches(&Record::new(&record))
    }

    /// What is said of the events by which starts are found: `by ci-deploy, from 192.0.2.66`.
    pub fn phrase(&self) -> String {
        let part = |word: &str, values: &[String]| {
            (!values.is_empty()).then(|| format!("{word} {}", values.join(" or ")))
        };
        let parts = [part("by", &self.principals), part("from", &self.source_ips)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The same as options of the command line.
    pub fn options(&self) -> String {
        let of = |option: &str, values: &[String]| -> Vec<String> {
            values.iter().map(|value| format!("{option} {}", word(value))).collect()
        };
        let mut options = of("--principal", &self.principals);
        options.extend(of("--source-ip", &self.source_ips));
        options.join(" ")
    }
}

/// A word for a POSIX shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/+=@%,:".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(keys: &[&str], principals: &[&str], source_ips: &[&str]) -> Starts {
        let [keys, principals, source_ips] = [keys, principals, source_ips]
            .map(|texts| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        Starts::new(keys, principals, source_ips).unwrap()
    }

    const RECORD: &str =
        r#"{"sourceIPAddress":"192.0.2.66","userIdentity":{"type":"IAMUser","userName":"bob"}}"#;

    fn is_wanted(starts: &Starts) -> bool {
        starts.is_wanted(&Record::new(RECORD.as_bytes()))
    }

    #[test]
    fn starts_are_named_or_found_by_principal_and_address() {
        assert!(!is_wanted(&starts(&["AKIA1"], &[], &[])));
        assert!(!is_wanted(&starts(&["AKIA1"], &[], &["192.0.2.66"])), "the address narrows it");
        assert!(!is_wanted(&starts(&[], &[], &[])));
        assert!(is_wanted(&starts(&[], &[], &["192.0.2.0/24"])));
        assert!(is_wanted(&starts(&["AKIA1"], &["bob"], &[])));
        assert!(is_wanted(&starts(&[], &["bob"], &["192.0.2.66"])));
        assert!(!is_wanted(&starts(&[], &["bob"], &["198.51.100.1"])));
        assert!(Starts::new(Vec::new(), Vec::new(), vec!["10.0.0.0/99".to_owned()]).is_err());
    }

    #[test]
    fn addresses_are_asked_for_in_any_spelling() {
        let starts = starts(&["AKIA1"], &[], &["192.0.2.0/24", "2001:db8::1"]);
        assert!(starts.is_asked("192.0.2.66") && starts.is_asked("2001:DB8:0::1"));
        assert!(!starts.is_asked("192.0.3.66") && !starts.is_asked("\"}") && !starts.is_asked("\u{1b}"));
        assert_eq!(starts.options(), "--source-ip 192.0.2.0/24 --source-ip 2001:db8::1");
        assert_eq!(word("a b's"), r"'a b'\''s'");
    }
}
