//! What keys did, and the events that issued them: the second pass over the archive.

use std::{collections::HashMap, ops::ControlFlow};

use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_evidence::{
    inputs::Inputs,
    scan::{self, Row, ScanOptions, Summary},
};
use trailseal_query::{
    Filter, Predicate,
    aggregate::{Fingerprinter, Seen, Span, parts, push_part},
    path::FieldPath,
    predicate::{Literal, Test},
};

use super::issues::{Reached, actor_path, new_key_paths, new_keys};
use crate::{error::CommandError, progress::Counts};

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
pub(crate) struct Followed {
    /// The name and version of this document.
    pub(crate) schema: &'static str,
    /// The key that was followed.
    pub(crate) key: String,
    /// The keys, the nearest first.
    pub(crate) nodes: Vec<Node>,
    /// The events that issued them, by time.
    pub(crate) edges: Vec<Edge>,
    /// What is to be known of the result.
    pub(crate) notes: Vec<String>,
    /// Events that were delivered more than once.
    #[serde(skip)]
    pub(crate) duplicates: u64,
}

/// A key and what it did.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Node {
    /// The key.
    pub(crate) key: String,
    /// Links from the key that was followed.
    pub(crate) depth: u32,
    /// `long_term`, `temporary` or `unknown`.
    pub(crate) kind: &'static str,
    /// Who held it.
    pub(crate) identities: Vec<Identity>,
    /// Its events, each once.
    pub(crate) events: u64,
    /// The first one.
    pub(crate) first: Option<Timestamp>,
    /// The last one.
    pub(crate) last: Option<Timestamp>,
    /// From where, the most frequent first.
    pub(crate) source_ips: Counted,
    /// With what.
    pub(crate) user_agents: Counted,
    /// What.
    pub(crate) event_names: Counted,
    /// What failed, by code.
    pub(crate) errors: Counted,
    /// Where.
    pub(crate) regions: Counted,
    /// Events that lead to sessions in the console, which have other keys.
    pub(crate) console_events: u64,
}

/// Who held a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Identity {
    /// `IAMUser`, `AssumedRole` and so on.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) arn: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) events: u64,
}

/// Values with the number of their events.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Counted {
    /// The most frequent first.
    pub(crate) values: Vec<Value>,
    #[serde(skip)]
    counts: HashMap<String, u64>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Value {
    pub(crate) value: String,
    pub(crate) events: u64,
}

/// An event that issued a key to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Edge {
    /// The key that asked; `None` when it was a service, or a user without one.
    pub(crate) from: Option<String>,
    /// The key that was issued.
    pub(crate) to: String,
    pub(crate) time: Option<Timestamp>,
    pub(crate) event_id: Option<String>,
    pub(crate) event_name: Option<String>,
    pub(crate) event_source: Option<String>,
    /// The role that was assumed, if one was.
    pub(crate) role_arn: Option<String>,
    pub(crate) session_name: Option<String>,
    pub(crate) source_ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// Who asked.
    pub(crate) caller: Option<String>,
    pub(crate) region: Option<String>,
    /// The log file.
    pub(crate) file: String,
}

/// The fields of an event that are read, in the order of [`Facts`].
const FIELDS: [&[&str]; 14] = [
    &["userIdentity", "accessKeyId"],
    &["userIdentity", "type"],
    &["userIdentity", "arn"],
    &["userIdentity", "accountId"],
    &["eventName"],
    &["eventSource"],
    &["sourceIPAddress"],
    &["userAgent"],
    &["errorCode"],
    &["awsRegion"],
    &["eventID"],
    &["eventTime"],
    &["requestParameters", "roleArn"],
    &["requestParameters", "roleSessionName"],
];

/// Reads what the keys did, and how they were issued.
pub(super) fn find(
    key: &str,
    reached: &Reached,
    time: &Predicate,
    inputs: &Inputs,
    options: &ScanOptions<'_>,
    counts: &Counts,
) -> Result<(Followed, Summary), CommandError> {
    let paths: Vec<FieldPath> = FIELDS.iter().map(|path| FieldPath::new(path.iter().copied())).collect();
    let key_paths = new_key_paths();
    let filter = Filter::new(time.clone().and(predicate(reached, &key_paths)));
    let fingerprinter = Fingerprinter::default();
    let mut nodes: Vec<Node> = reached.keys.iter().map(|(key, depth)| Node::new(key, *depth)).collect();
    let places: HashMap<String, usize> =
        reached.keys.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
    let (mut edges, mut seen, mut duplicates) = (Vec::new(), Seen::default(), 0_u64);
    let summary = scan::stream(
        inputs,
        options,
        &filter,
        counts,
        &|to, row| write(row, &paths, &key_paths, &places, to),
        &mut |bytes, rows| {
            let mut facts = parts(bytes);
            for _ in 0..rows {
                let facts = Facts::read(&mut facts);
                let id = facts.text(10).unwrap_or_default();
                if !id.is_empty() && !seen.is_new(fingerprinter.of(id.as_bytes())) {
                    duplicates += 1;
                    continue;
                }
                if let Some(at) = facts.text(0).and_then(|key| places.get(key)) {
                    nodes[*at].add(&facts);
                }
                edges.extend(
                    facts.issued.iter().filter(|to| places.contains_key(**to)).map(|to| facts.edge(to)),
                );
            }
            ControlFlow::Continue(())
        },
    )?;
    nodes.iter_mut().for_each(Node::finish);
    edges.sort_by(|a, b| (a.time, &a.event_id, &a.to).cmp(&(b.time, &b.event_id, &b.to)));
    let notes = notes(reached, &nodes);
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

/// Writes what is needed of an event, unless it is not about the keys.
fn write(
    row: &Row<'_>,
    paths: &[FieldPath],
    key_paths: &[FieldPath],
    places: &HashMap<String, usize>,
    to: &mut Vec<u8>,
) -> u64 {
    let issued = new_keys(&row.record, key_paths);
    let is_about = |key: &str| places.contains_key(key);
    let actor = row.record.text(&paths[0]);
    if !actor.as_deref().is_some_and(is_about) && !issued.iter().any(|key| is_about(key)) {
        return 0;
    }
    for path in paths {
        push_part(to, row.record.text(path).as_deref());
    }
    push_part(to, Some(&row.file.shown));
    for key in &issued {
        push_part(to, Some(key));
    }
    push_part(to, None);
    1
}

/// What was written of an event.
struct Facts<'a> {
    fields: Vec<Option<&'a str>>,
    file: &'a str,
    issued: Vec<&'a str>,
}

impl<'a> Facts<'a> {
    fn read(from: &mut impl Iterator<Item = Option<&'a str>>) -> Self {
        let fields = from.by_ref().take(FIELDS.len()).collect();
        let file = from.next().flatten().unwrap_or_default();
        let issued = from.by_ref().map_while(|part| part).collect();
        Self { fields, file, issued }
    }

    fn text(&self, at: usize) -> Option<&'a str> {
        self.fields.get(at).copied().flatten().filter(|text| !text.is_empty())
    }

    fn time(&self) -> Option<Timestamp> {
        trailseal_query::record::event_time(self.text(11)?.as_bytes())
    }

    fn edge(&self, to: &str) -> Edge {
        let text = |at: usize| self.text(at).map(str::to_owned);
        Edge {
            from: text(0),
            to: to.to_owned(),
            time: self.time(),
            event_id: text(10),
            event_name: text(4),
            event_source: text(5),
            role_arn: text(12),
            session_name: text(13),
            source_ip: text(6),
            user_agent: text(7),
            caller: text(2).or_else(|| text(1)),
            region: text(9),
            file: self.file.to_owned(),
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

    fn add(&mut self, facts: &Facts<'_>) {
        self.events += 1;
        let mut span = Span { first: self.first, last: self.last };
        span.add(facts.time());
        (self.first, self.last) = (span.first, span.last);
        let counted = [
            (&mut self.event_names, 4),
            (&mut self.source_ips, 6),
            (&mut self.user_agents, 7),
            (&mut self.errors, 8),
            (&mut self.regions, 9),
        ];
        for (counted, at) in counted {
            counted.add(facts.text(at));
        }
        let name = facts.text(4).unwrap_or_default();
        self.console_events += u64::from(CONSOLE.contains(&name));
        let [kind, arn, account] = [1, 2, 3].map(|at| facts.text(at));
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

impl Counted {
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
        self.values = counts.into_iter().map(|(value, events)| Value { value, events }).collect();
        self.values.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.value.cmp(&b.value)));
    }
}

fn notes(reached: &Reached, nodes: &[Node]) -> Vec<String> {
    let mut notes = Vec::new();
    if reached.beyond_depth > 0 {
        notes.push(format!(
            "not followed: {} beyond --depth",
            crate::render::plain::plural(reached.beyond_depth, "link")
        ));
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
