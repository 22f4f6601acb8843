//! Keys, who held them and what was done with them, and the events that issued them.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_query::aggregate::Span;

use super::{
    activity::Facts,
    origins::{Origins, Room, Sighting},
};

/// Different values of a kind that are counted for a key.
const MAX_VALUES: usize = 10_000;
/// Holders of one key that are told apart.
const MAX_IDENTITIES: usize = 100;
/// What stands for values that are not told apart.
pub(super) const OTHER: &str = "(other)";
/// Names of events that lead to sessions in the console.
const CONSOLE: [&str; 3] = ["GetSigninToken", "ConsoleLogin", "SwitchRole"];

/// Keys, and how they came from each other.
#[derive(Debug, Default, Serialize)]
pub struct Followed {
    /// The name and version of this document.
    pub schema: &'static str,
    /// The first of the keys from which it starts; empty where there is none.
    pub key: String,
    /// The keys from which it starts.
    pub keys: Vec<String>,
    /// The keys, the nearest first.
    pub nodes: Vec<Node>,
    /// The events that issued them, by time.
    pub edges: Vec<Edge>,
    /// What is to be known of the result.
    pub notes: Vec<String>,
    /// Events that were delivered more than once.
    #[serde(skip)]
    pub duplicates: u64,
    /// Keys of which only what came from the addresses that are asked for is told.
    #[serde(skip)]
    pub(super) narrowed: HashSet<String>,
}

/// A key and what it did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Node {
    /// The key.
    pub key: String,
    /// Links from a key from which it starts.
    pub depth: u32,
    /// `long_term`, `temporary` or `unknown`.
    pub kind: &'static str,
    /// Who held it.
    pub identities: Vec<Identity>,
    /// Its events, each once.
    pub events: u64,
    /// The first one.
    pub first: Option<Timestamp>,
    /// The last one.
    pub last: Option<Timestamp>,
    /// Those that failed.
    pub failed: u64,
    /// Its events that came from other addresses than those that were asked for, and are not among the others.
    pub elsewhere: u64,
    /// Whether it was issued, and used, in the usual way only, as were all keys that it led to.
    pub usual: bool,
    /// From where, the most frequent first.
    pub source_ips: Origins,
    /// With what.
    pub user_agents: Origins,
    /// What.
    pub event_names: ValueCounts,
    /// What failed, by code.
    pub errors: ValueCounts,
    /// Where.
    pub regions: ValueCounts,
    /// Events that lead to sessions in the console, which have other keys.
    pub console_events: u64,
}

/// Who held a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// `IAMUser`, `AssumedRole` and so on.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its ARN.
    pub arn: Option<String>,
    /// Its account.
    pub account: Option<String>,
    /// Events of the key by it.
    pub events: u64,
}

/// Values with the number of their events.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct ValueCounts {
    /// The most frequent first.
    pub values: Vec<CountedValue>,
    #[serde(skip)]
    counts: HashMap<String, u64>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountedValue {
    /// The value.
    pub value: String,
    /// Events that have it.
    pub events: u64,
}

/// An event that issued a key to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The key that asked; `None` when it was a service, or a user without one.
    pub from: Option<String>,
    /// The key that was issued.
    pub to: String,
    /// `eventTime`
    pub time: Option<Timestamp>,
    /// `eventID`
    pub event_id: Option<String>,
    /// `eventName`
    pub event_name: Option<String>,
    /// `eventSource`
    pub event_source: Option<String>,
    /// The role that was assumed, if one was.
    pub role_arn: Option<String>,
    /// The name of its session.
    pub session_name: Option<String>,
    /// `sourceIPAddress`
    pub source_ip: Option<String>,
    /// `userAgent`
    pub user_agent: Option<String>,
    /// Who asked.
    pub caller: Option<String>,
    /// `awsRegion`
    pub region: Option<String>,
    /// The log file.
    pub file: String,
}

impl Node {
    /// How much of what was done with the key was not done in the usual way: of a thousand of its events, those from addresses
    /// or with user agents that are not usual, whichever are more.
    pub fn strangeness(&self) -> u64 {
        let unusual = |origins: &Origins| -> u64 {
            origins.values.iter().filter(|origin| !origin.usual).map(|origin| origin.events).sum()
        };
        let unusual = unusual(&self.source_ips).max(unusual(&self.user_agents));
        unusual.saturating_mul(1000) / self.events.max(1)
    }

    pub(super) fn new(key: &str, depth: u32) -> Self {
        let kind = match key.get(..4) {
            Some("AKIA") => "long_term",
            Some("ASIA") => "temporary",
            _ => "unknown",
        };
        Self { key: key.to_owned(), depth, kind, ..Self::default() }
    }

    pub(super) fn add(&mut self, facts: &Facts, room: &mut Room) {
        if facts.is_elsewhere {
            self.elsewhere += 1;
            return;
        }
        self.events += 1;
        self.failed += u64::from(facts.error.is_some());
        let mut span = Span { first: self.first, last: self.last };
        span.add(facts.time);
        (self.first, self.last) = (span.first, span.last);
        let counted = [
            (&mut self.event_names, &facts.event_name),
            (&mut self.errors, &facts.error),
            (&mut self.regions, &facts.region),
        ];
        for (counted, text) in counted {
            counted.add(text.as_deref());
        }
        let (address, agent) = (facts.source_ip.as_deref(), facts.user_agent.as_deref());
        let seen = |with| Sighting {
            time: facts.time,
            has_failed: facts.error.is_some(),
            issued: &facts.issued,
            with,
        };
        self.source_ips.add(address, seen(agent), room);
        self.user_agents.add(agent, seen(address), room);
        let name = facts.event_name.as_deref().unwrap_or_default();
        self.console_events += u64::from(CONSOLE.contains(&name));
        let [kind, arn, account] = [&facts.identity_type, &facts.arn, &facts.account].map(Option::as_deref);
        // A key has one holder; many of them are somebody's forgery.
        let [kind, arn, account] = if self.identities.len() < MAX_IDENTITIES {
            [kind, arn, account]
        } else {
            [Some(OTHER), None, None]
        };
        let known = self.identities.iter().position(|known| {
            (known.kind.as_deref(), known.arn.as_deref(), known.account.as_deref()) == (kind, arn, account)
        });
        let at = known.unwrap_or_else(|| {
            let [kind, arn, account] = [kind, arn, account].map(|text| text.map(str::to_owned));
            self.identities.push(Identity { kind, arn, account, events: 0 });
            self.identities.len() - 1
        });
        self.identities[at].events += 1;
    }

    pub(super) fn finish(&mut self) {
        self.identities.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.arn.cmp(&b.arn)));
        for counted in [&mut self.event_names, &mut self.errors, &mut self.regions] {
            counted.finish();
        }
        self.source_ips.finish();
        self.user_agents.finish();
    }
}

impl ValueCounts {
    fn add(&mut self, value: Option<&str>) {
        let Some(value) = value else { return };
        if let Some(count) = self.counts.get_mut(value) {
            *count += 1;
        } else if self.counts.len() < MAX_VALUES {
            self.counts.insert(value.to_owned(), 1);
        } else {
            *self.counts.entry(OTHER.to_owned()).or_default() += 1;
        }
    }

    fn finish(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        self.values = counts.into_iter().map(|(value, events)| CountedValue { value, events }).collect();
        self.values.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.value.cmp(&b.value)));
    }
}
