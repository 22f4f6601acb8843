//! What keys did, and the events that issued them: the second pass over the archive.

use std::{borrow::Cow, collections::HashMap, ops::ControlFlow};

use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Progress,
    inputs::FileSource,
    scan::{self, Batch, Row, ScanOptions, Summary},
};
use trailseal_query::{
    Filter, Predicate,
    aggregate::{Fingerprinter, Seen, Span},
    path::FieldPath,
    predicate::{Literal, Test, Truth},
    record::event_time,
};

use super::issues::{Reached, actor_path, new_key_paths, new_keys};
use crate::{error::Error, words::plural};

/// Keys beyond which events are not looked for by each of them.
const MAX_LITERALS: usize = 500;
/// Different values of a kind that are counted for a key.
const MAX_VALUES: usize = 10_000;
/// Holders of one key that are told apart.
const MAX_IDENTITIES: usize = 100;
/// Names of events that lead to sessions in the console.
const CONSOLE: [&str; 3] = ["GetSigninToken", "ConsoleLogin", "SwitchRole"];

/// Keys, and how they came from each other.
#[derive(Debug, Default, Serialize)]
pub struct Followed {
    /// The name and version of this document.
    pub schema: &'static str,
    /// The key that was followed.
    pub key: String,
    /// The keys, the nearest first.
    pub nodes: Vec<Node>,
    /// The events that issued them, by time.
    pub edges: Vec<Edge>,
    /// What is to be known of the result.
    pub notes: Vec<String>,
    /// Events that were delivered more than once.
    #[serde(skip)]
    pub duplicates: u64,
}

/// A key and what it did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Node {
    /// The key.
    pub key: String,
    /// Links from the key that was followed.
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
    /// From where, the most frequent first.
    pub source_ips: ValueCounts,
    /// With what.
    pub user_agents: ValueCounts,
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

/// What is read of an event.
#[derive(Debug)]
struct Facts {
    access_key: Option<String>,
    identity_type: Option<String>,
    arn: Option<String>,
    account: Option<String>,
    event_name: Option<String>,
    event_source: Option<String>,
    source_ip: Option<String>,
    user_agent: Option<String>,
    error: Option<String>,
    region: Option<String>,
    event_id: Option<String>,
    time: Option<Timestamp>,
    role_arn: Option<String>,
    session_name: Option<String>,
    /// The log file.
    file: String,
    /// The keys that it issued.
    issued: Vec<String>,
    /// Whether it is counted as what its key did.
    counts: Truth,
}

/// Events on their way to the one that counts them.
#[derive(Debug, Default)]
struct ActivityBatch {
    events: Vec<Facts>,
    bytes: usize,
}

impl Batch for ActivityBatch {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }
}

/// Reads what the keys did, and how they were issued.
pub(super) fn find(
    key: &str,
    reached: &Reached,
    time: &Predicate,
    counted: &Predicate,
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    progress: &dyn Progress,
) -> Result<(Followed, Summary), Error> {
    let paths = Paths::new();
    let key_paths = new_key_paths();
    let filter = Filter::new(time.clone().and(predicate(reached, &key_paths)));
    let fingerprinter = Fingerprinter::default();
    let mut nodes: Vec<Node> = reached.keys.iter().map(|(key, depth)| Node::new(key, *depth)).collect();
    let places: HashMap<String, usize> =
        reached.keys.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
    let (mut edges, mut seen, mut duplicates) = (Vec::new(), Seen::default(), 0_u64);
    let (mut undecided, mut left_out) = (0, 0);
    let summary = scan::stream(
        files,
        options,
        &filter,
        progress,
        &|batch: &mut ActivityBatch, row| {
            let is_followed = |key: &str| places.contains_key(key);
            if let Some(mut facts) = paths.read(row, &key_paths, &is_followed) {
                facts.counts = counted.evaluate(&row.record);
                batch.bytes += facts.bytes();
                batch.events.push(facts);
            }
        },
        &mut |batch| {
            for facts in &batch.events {
                let is_new = |id: &String| seen.is_new(fingerprinter.of(id.as_bytes()));
                if !facts.event_id.as_ref().is_none_or(is_new) {
                    duplicates += 1;
                    continue;
                }
                if let Some(at) = facts.access_key.as_ref().and_then(|key| places.get(key)) {
                    match facts.counts {
                        Truth::True => nodes[*at].add(facts),
                        Truth::Unknown => undecided += 1,
                        Truth::False => left_out += 1,
                    }
                }
                let issued = facts.issued.iter().filter(|to| places.contains_key(*to));
                edges.extend(issued.map(|to| facts.edge(to)));
            }
            ControlFlow::Continue(())
        },
    )?;
    nodes.iter_mut().for_each(Node::finish);
    edges.sort_by(|a, b| (a.time, &a.event_id, &a.to).cmp(&(b.time, &b.event_id, &b.to)));
    let mut notes = notes(reached, &nodes);
    if left_out > 0 {
        notes.push(format!(
            "not counted: {} of these keys at other hours or on other days; links are followed whenever they were made",
            plural(left_out, "event")
        ));
    }
    if undecided > 0 {
        notes.push(format!("not counted: {} without a time that can be read", plural(undecided, "event")));
    }
    let schema = "trailseal.follow/1";
    Ok((Followed { schema, key: key.to_owned(), nodes, edges, notes, duplicates }, summary))
}

/// Events of the keys, and those that issued them.
fn predicate(reached: &Reached, key_paths: &[FieldPath]) -> Predicate {
    let test = || {
        if reached.keys.len() > MAX_LITERALS {
            Test::Exists
        } else {
            Test::In(reached.keys.iter().map(|(key, _)| Literal::Text(key.clone())).collect())
        }
    };
    let paths = std::iter::once(actor_path()).chain(key_paths.iter().cloned());
    Predicate::any(paths.map(|path| Predicate::Field(path, test())).collect())
}

/// Where the facts of an event stand.
struct Paths {
    access_key: FieldPath,
    identity_type: FieldPath,
    arn: FieldPath,
    account: FieldPath,
    event_name: FieldPath,
    event_source: FieldPath,
    source_ip: FieldPath,
    user_agent: FieldPath,
    error: FieldPath,
    region: FieldPath,
    event_id: FieldPath,
    event_time: FieldPath,
    role_arn: FieldPath,
    session_name: FieldPath,
}

impl Paths {
    fn new() -> Self {
        let of_identity = |name: &str| FieldPath::new(["userIdentity", name]);
        let of_request = |name: &str| FieldPath::new(["requestParameters", name]);
        let top = |name: &str| FieldPath::new([name]);
        Self {
            access_key: actor_path(),
            identity_type: of_identity("type"),
            arn: of_identity("arn"),
            account: of_identity("accountId"),
            event_name: top("eventName"),
            event_source: top("eventSource"),
            source_ip: top("sourceIPAddress"),
            user_agent: top("userAgent"),
            error: top("errorCode"),
            region: top("awsRegion"),
            event_id: top("eventID"),
            event_time: top("eventTime"),
            role_arn: of_request("roleArn"),
            session_name: of_request("roleSessionName"),
        }
    }

    /// What is needed of an event, if it is about keys that are followed.
    fn read(
        &self,
        row: &Row<'_>,
        key_paths: &[FieldPath],
        is_followed: &dyn Fn(&str) -> bool,
    ) -> Option<Facts> {
        let issued = new_keys(&row.record, key_paths);
        let text =
            |path: &FieldPath| row.record.text(path).filter(|text| !text.is_empty()).map(Cow::into_owned);
        let access_key = text(&self.access_key);
        if !access_key.as_deref().is_some_and(is_followed) && !issued.iter().any(|key| is_followed(key)) {
            return None;
        }
        Some(Facts {
            access_key,
            identity_type: text(&self.identity_type),
            arn: text(&self.arn),
            account: text(&self.account),
            event_name: text(&self.event_name),
            event_source: text(&self.event_source),
            source_ip: text(&self.source_ip),
            user_agent: text(&self.user_agent),
            error: text(&self.error),
            region: text(&self.region),
            event_id: text(&self.event_id),
            time: text(&self.event_time).and_then(|time| event_time(time.as_bytes())),
            role_arn: text(&self.role_arn),
            session_name: text(&self.session_name),
            file: row.file.shown.clone(),
            issued,
            counts: Truth::True,
        })
    }
}

impl Facts {
    /// Memory, about.
    fn bytes(&self) -> usize {
        let texts = [
            &self.access_key,
            &self.identity_type,
            &self.arn,
            &self.account,
            &self.event_name,
            &self.event_source,
            &self.source_ip,
            &self.user_agent,
            &self.error,
            &self.region,
            &self.event_id,
            &self.role_arn,
            &self.session_name,
        ];
        let length = |text: &String| text.len();
        size_of::<Self>()
            + texts.into_iter().flatten().map(length).sum::<usize>()
            + self.issued.iter().map(|key| key.len() + size_of::<String>()).sum::<usize>()
            + self.file.len()
    }

    fn edge(&self, to: &str) -> Edge {
        Edge {
            from: self.access_key.clone(),
            to: to.to_owned(),
            time: self.time,
            event_id: self.event_id.clone(),
            event_name: self.event_name.clone(),
            event_source: self.event_source.clone(),
            role_arn: self.role_arn.clone(),
            session_name: self.session_name.clone(),
            source_ip: self.source_ip.clone(),
            user_agent: self.user_agent.clone(),
            caller: self.arn.clone().or_else(|| self.identity_type.clone()),
            region: self.region.clone(),
            file: self.file.clone(),
        }
    }
}

impl Node {
    fn new(key: &str, depth: u32) -> Self {
        let kind = match key.get(..4) {
            Some("AKIA") => "long_term",
            Some("ASIA") => "temporary",
            _ => "unknown",
        };
        Self { key: key.to_owned(), depth, kind, ..Self::default() }
    }

    fn add(&mut self, facts: &Facts) {
        self.events += 1;
        let mut span = Span { first: self.first, last: self.last };
        span.add(facts.time);
        (self.first, self.last) = (span.first, span.last);
        let counted = [
            (&mut self.event_names, &facts.event_name),
            (&mut self.source_ips, &facts.source_ip),
            (&mut self.user_agents, &facts.user_agent),
            (&mut self.errors, &facts.error),
            (&mut self.regions, &facts.region),
        ];
        for (counted, text) in counted {
            counted.add(text.as_deref());
        }
        let name = facts.event_name.as_deref().unwrap_or_default();
        self.console_events += u64::from(CONSOLE.contains(&name));
        let [kind, arn, account] = [&facts.identity_type, &facts.arn, &facts.account].map(Option::as_deref);
        // A key has one holder; many of them are somebody's forgery.
        let [kind, arn, account] = if self.identities.len() < MAX_IDENTITIES {
            [kind, arn, account]
        } else {
            [Some("(other)"), None, None]
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

    fn finish(&mut self) {
        self.identities.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.arn.cmp(&b.arn)));
        for counted in [
            &mut self.event_names,
            &mut self.source_ips,
            &mut self.user_agents,
            &mut self.errors,
            &mut self.regions,
        ] {
            counted.finish();
        }
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
            *self.counts.entry("(other)".to_owned()).or_default() += 1;
        }
    }

    fn finish(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        self.values = counts.into_iter().map(|(value, events)| CountedValue { value, events }).collect();
        self.values.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.value.cmp(&b.value)));
    }
}

fn notes(reached: &Reached, nodes: &[Node]) -> Vec<String> {
    let mut notes = Vec::new();
    if reached.beyond_depth > 0 {
        notes.push(format!("not followed: {} beyond --depth", plural(reached.beyond_depth, "link")));
    }
    if reached.is_cut {
        notes.push(format!("not followed: keys beyond the first {}", reached.keys.len()));
    }
    let console = nodes.iter().filter(|node| node.console_events > 0).count();
    if console > 0 {
        notes.push(format!(
            "{console} of the keys went on to the console: its sessions have other keys and are not followed; \
             search for them with `trailseal query --principal`"
        ));
    }
    notes
}
