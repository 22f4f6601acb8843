//! Which events are wanted: every filter that one can ask for, as one predicate.

use trailseal_archive::Timestamp;
use trailseal_query::{
    Predicate, Zone,
    expression::{self, ExpressionError},
    selectors::Selectors,
    shortcut::{self, ShortcutError},
};

/// Which events are wanted. Filters of different kinds must all hold; of several values of one kind, one is enough.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Conditions in the syntax of SQL's WHERE, which must all hold.
    pub conditions: Vec<String>,
    /// Whether conditions may ask for fields that no event record is known to have.
    pub allow_unknown_fields: bool,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// At this time or earlier.
    pub to: Option<Timestamp>,
    /// Hours of the day, as `08:00-18:00`.
    pub hours: Vec<String>,
    /// Days of the week, as `mon-fri`.
    pub weekdays: Vec<String>,
    /// Whether what lies outside of these hours and days is wanted instead.
    pub is_outside: bool,
    /// Whose hours and days they are.
    pub zone: Zone,
    /// Event names; here, as in most of what follows, `*` and `?` stand for any text and character.
    pub event_names: Vec<String>,
    /// Services, as `s3` or `s3.amazonaws.com`.
    pub event_sources: Vec<String>,
    /// User names, as `LookupEvents` has them.
    pub usernames: Vec<String>,
    /// Access keys.
    pub access_keys: Vec<String>,
    /// Ids of events.
    pub event_ids: Vec<String>,
    /// Texts that stand in the user agent, in any case; globs for all of it.
    pub user_agents: Vec<String>,
    /// ARNs, principal ids, or names of users, roles and sessions.
    pub principals: Vec<String>,
    /// Addresses and networks, as `10.0.0.0/8`.
    pub source_ips: Vec<String>,
    /// Error codes; `*` for whatever failed.
    pub errors: Vec<String>,
    /// Names or ARNs of resources.
    pub resources: Vec<String>,
    /// Account ids.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Categories: `management`, `data`, `network-activity`, `insight`.
    pub categories: Vec<String>,
    /// Texts that stand anywhere in the record.
    pub keywords: Vec<String>,
    /// Regular expressions that match anywhere in the record.
    pub regexes: Vec<String>,
    /// Whether upper and lower case are the same to keywords and regular expressions.
    pub ignore_case: bool,
    /// Whether they change something.
    pub access: Option<Access>,
    /// What a trail would have logged.
    pub selected: Option<Selected>,
}

/// Whether an event changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It does not.
    ReadOnly,
    /// It does.
    WriteOnly,
}

/// What a trail with event selectors would have logged.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The selectors.
    pub selectors: Selectors,
    /// Whether what it would have missed is wanted instead.
    pub is_inverse: bool,
}

/// Why a filter cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WantedError {
    /// A condition that cannot be understood.
    #[error("the condition cannot be used: {0}")]
    Condition(#[source] ExpressionError),
    /// A value that its filter does not take.
    #[error("{filter} cannot be used: {source}")]
    Filter {
        /// The filter, as the command line calls it: `event-name`.
        filter: &'static str,
        /// What is wrong with the value.
        source: ShortcutError,
    },
}

/// Filters as one predicate.
#[derive(Debug)]
pub struct Condition {
    /// It holds for what is wanted.
    pub predicate: Predicate,
    /// What is odd about the filters, as sentences.
    pub notes: Vec<String>,
}

impl Wanted {
    /// All filters as one predicate.
    ///
    /// # Errors
    /// [`WantedError`] for the first that cannot be understood.
    pub fn condition(&self) -> Result<Condition, WantedError> {
        let mut all = All { predicate: Predicate::Constant(true), notes: Vec::new() };
        all.and("from", shortcut::time_range(self.from, self.to))?;
        let local = shortcut::local_time(&self.zone, &self.hours, &self.weekdays, self.is_outside);
        all.and(filter_of(&local), local)?;
        for text in &self.conditions {
            let parse = if self.allow_unknown_fields {
                expression::parse_with_notes
            } else {
                expression::parse_strictly
            };
            let (condition, odd) = parse(text).map_err(WantedError::Condition)?;
            all.notes.extend(odd);
            if condition.asks_for_time() && !self.zone.is_utc() {
                all.notes.push(format!(
                    "--where: times, hours and days of conditions are in UTC, not in {}",
                    self.zone
                ));
            }
            all.and("where", Ok(condition))?;
        }
        all.values("event-name", &self.event_names, shortcut::event_name)?;
        all.values("event-source", &self.event_sources, shortcut::event_source)?;
        all.values("username", &self.usernames, shortcut::username)?;
        all.values("access-key", &self.access_keys, shortcut::access_key)?;
        all.values("event-id", &self.event_ids, shortcut::event_id)?;
        all.values("user-agent", &self.user_agents, shortcut::user_agent)?;
        all.values("principal", &self.principals, shortcut::principal)?;
        all.values("source-ip", &self.source_ips, shortcut::source_ip)?;
        all.values("resource", &self.resources, shortcut::resource)?;
        all.values("account", &self.accounts, shortcut::account)?;
        all.values("region", &self.regions, shortcut::aws_region)?;
        all.values("category", &self.categories, shortcut::category)?;
        all.values("error", &self.errors, |codes| {
            let any = |code: &String| (code.as_str() != "*").then(|| code.clone());
            shortcut::error(&codes.iter().map(any).collect::<Vec<_>>())
        })?;
        let ignore_case = self.ignore_case;
        all.values("keyword", &self.keywords, |texts| shortcut::keyword(texts, ignore_case))?;
        all.values("regex", &self.regexes, |texts| shortcut::regex(texts, ignore_case))?;
        match self.access {
            Some(Access::ReadOnly) => all.and("read-only", Ok(shortcut::read_only()))?,
            Some(Access::WriteOnly) => all.and("write-only", Ok(shortcut::write_only()))?,
            None => {}
        }
        if let Some(Selected { selectors, is_inverse }) = &self.selected {
            let would_log = selectors.predicate();
            all.and("selectors", Ok(if *is_inverse { !would_log } else { would_log }))?;
            all.notes.push(
                "events that do not say what the selectors ask (readOnly, resources) are in neither half"
                    .to_owned(),
            );
        }
        Ok(Condition { predicate: all.predicate, notes: all.notes })
    }
}

/// The filter of hours and days whose value is wrong.
fn filter_of(local: &Result<Predicate, ShortcutError>) -> &'static str {
    match local {
        Err(ShortcutError::Weekdays { .. }) => "weekdays",
        Err(ShortcutError::OutsideOfNothing) => "outside",
        _ => "hours",
    }
}

/// What must hold so far.
struct All {
    predicate: Predicate,
    notes: Vec<String>,
}

impl All {
    /// One of the values must hold, where there are any.
    fn values(
        &mut self,
        filter: &'static str,
        values: &[String],
        make: impl FnOnce(&[String]) -> Result<Predicate, ShortcutError>,
    ) -> Result<(), WantedError> {
        if values.is_empty() { Ok(()) } else { self.and(filter, make(values)) }
    }

    fn and(
        &mut self,
        filter: &'static str,
        predicate: Result<Predicate, ShortcutError>,
    ) -> Result<(), WantedError> {
        let predicate = predicate.map_err(|source| WantedError::Filter { filter, source })?;
        let before = std::mem::replace(&mut self.predicate, Predicate::Constant(true));
        self.predicate = before.and(predicate);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use trailseal_query::Record;

    use super::*;

    const RECORD: &str = r#"{"eventTime":"2024-03-01T05:00:00Z","eventName":"DeleteTrail","readOnly":false,
        "eventSource":"cloudtrail.amazonaws.com","errorCode":"AccessDenied","recipientAccountId":"111122223333"}"#;

    fn holds(wanted: &Wanted) -> bool {
        let condition = wanted.condition().unwrap();
        condition.predicate.matches(&Record::new(RECORD.as_bytes()))
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn kinds_must_all_hold_and_of_values_one() {
        let wanted = |names: &[&str], errors: &[&str]| Wanted {
            event_names: texts(names),
            errors: texts(errors),
            ..Wanted::default()
        };
        assert!(holds(&Wanted::default()));
        assert!(holds(&wanted(&["Stop*", "Delete*"], &[])));
        assert!(holds(&wanted(&["Delete*"], &["*"])));
        assert!(!holds(&wanted(&["Delete*"], &["Throttling"])));
        assert!(!holds(&wanted(&["Stop*"], &["*"])));
    }

    #[test]
    fn every_filter_reaches_the_predicate() {
        let at = |text| Some(Timestamp::parse_digest_field(text).unwrap());
        let no = |wanted: Wanted| assert!(!holds(&wanted), "{wanted:?}");
        let one = || texts(&["x1"]);
        no(Wanted { conditions: texts(&["eventName = 'x'"]), ..Wanted::default() });
        no(Wanted { from: at("2024-03-01T05:00:01Z"), ..Wanted::default() });
        no(Wanted { to: at("2024-03-01T04:59:59Z"), ..Wanted::default() });
        no(Wanted { hours: texts(&["05:01-04:59", "04:00-05:00"]), ..Wanted::default() });
        no(Wanted { hours: texts(&["5-6"]), zone: Zone::named("+02:00").unwrap(), ..Wanted::default() });
        no(Wanted { weekdays: texts(&["sat-thu"]), ..Wanted::default() });
        no(Wanted {
            hours: texts(&["5-6"]),
            weekdays: texts(&["fri"]),
            is_outside: true,
            ..Wanted::default()
        });
        no(Wanted { event_names: one(), ..Wanted::default() });
        no(Wanted { event_sources: one(), ..Wanted::default() });
        no(Wanted { usernames: one(), ..Wanted::default() });
        no(Wanted { access_keys: one(), ..Wanted::default() });
        no(Wanted { event_ids: one(), ..Wanted::default() });
        no(Wanted { user_agents: one(), ..Wanted::default() });
        no(Wanted { principals: one(), ..Wanted::default() });
        no(Wanted { source_ips: texts(&["10.0.0.0/8"]), ..Wanted::default() });
        no(Wanted { errors: one(), ..Wanted::default() });
        no(Wanted { resources: one(), ..Wanted::default() });
        no(Wanted { accounts: texts(&["999999999999"]), ..Wanted::default() });
        no(Wanted { regions: texts(&["eu-west-1"]), ..Wanted::default() });
        no(Wanted { categories: texts(&["data"]), ..Wanted::default() });
        no(Wanted { keywords: one(), ..Wanted::default() });
        no(Wanted { regexes: one(), ..Wanted::default() });
        no(Wanted { access: Some(Access::ReadOnly), ..Wanted::default() });
        assert!(holds(&Wanted { access: Some(Access::WriteOnly), ..Wanted::default() }));
        let keywords = texts(&["DELETETRAIL"]);
        no(Wanted { keywords: keywords.clone(), ..Wanted::default() });
        assert!(holds(&Wanted { keywords, ignore_case: true, ..Wanted::default() }));
    }

    #[test]
    fn conditions_about_times_are_in_utc_and_say_so_where_another_zone_was_named() {
        let notes = |zone: &str, condition: &str| {
            let zone = Zone::named(zone).unwrap();
            Wanted { zone, conditions: texts(&[condition]), ..Wanted::default() }.condition().unwrap().notes
        };
        for condition in [
            "eventTime >= '2024-03-01 08:00'",
            "NOT day = '2024-03-01'",
            "weekday = 'mon' OR hour LIKE '%T05%'",
        ] {
            assert_eq!(notes("Europe/Berlin", condition).len(), 1, "{condition}");
            assert_eq!(notes("UTC", condition), [""; 0], "{condition}");
        }
        assert_eq!(notes("Europe/Berlin", "eventName = 'x'"), [""; 0]);
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_filter() {
        let error = |wanted: Wanted| wanted.condition().unwrap_err().to_string();
        let source_ips = texts(&["10.0.0.0/99"]);
        assert!(
            error(Wanted { source_ips, ..Wanted::default() }).starts_with("source-ip cannot be used: "),
            "the filter is named"
        );
        let hours = texts(&["8-18,25-26"]);
        assert!(error(Wanted { hours, ..Wanted::default() }).starts_with("hours cannot be used: \"25-26\""));
        let weekdays = texts(&["montag"]);
        assert!(
            error(Wanted { weekdays, ..Wanted::default() })
                .starts_with("weekdays cannot be used: \"montag\"")
        );
        let is_outside = true;
        assert!(error(Wanted { is_outside, ..Wanted::default() }).starts_with("outside cannot be used: "));
        let conditions = texts(&["eventName ="]);
        assert!(
            error(Wanted { conditions, ..Wanted::default() }).starts_with("the condition cannot be used")
        );
    }
}
