//! What keys did, and the events that issued them: the second pass over the archive.

use std::{borrow::Cow, collections::HashMap, ops::ControlFlow};

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Progress,
    inputs::FileSource,
    ledger::Integrity,
    scan::{self, Batch, Row, ScanOptions, Summary},
};
use trailseal_query::{
    Filter, Predicate,
    aggregate::{Fingerprinter, Seen},
    derived,
    path::FieldPath,
    predicate::{Literal, Test, Truth},
    record::event_time,
};

use super::{
    issues::{actor_path, new_key_paths, new_keys},
    node::{Edge, Followed, Node},
    origins::Room,
    reach::Reached,
    starts::Starts,
    usual,
};
use crate::{error::Error, words::plural};

/// Keys beyond which events are not looked for by each of them.
pub(super) const MAX_LITERALS: usize = 500;
/// Memory for what is known of addresses and user agents, about.
const ORIGINS_MEMORY: usize = 512 << 20;

/// What is read of an event.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) access_key: Option<String>,
    pub(super) identity_type: Option<String>,
    pub(super) arn: Option<String>,
    pub(super) account: Option<String>,
    pub(super) event_name: Option<String>,
    pub(super) event_source: Option<String>,
    pub(super) source_ip: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) error: Option<String>,
    pub(super) region: Option<String>,
    pub(super) event_id: Option<String>,
    pub(super) time: Option<Timestamp>,
    pub(super) role_arn: Option<String>,
    pub(super) session_name: Option<String>,
    /// The log file.
    pub(super) file: String,
    /// The keys that it issued.
    pub(super) issued: Vec<String>,
    /// Whether it is counted as what its key did; `None` where its time does not tell.
    pub(super) is_counted: Option<bool>,
    /// Whether a start did it from another address than those that are asked for.
    pub(super) is_elsewhere: bool,
    /// The place of its label in [`Integrity::ALL`].
    pub(super) integrity: Option<usize>,
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
    starts: &Starts,
    reached: &Reached,
    time: &Predicate,
    counted: &Predicate,
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    progress: &dyn Progress,
) -> Result<(Followed, Summary), Error> {
    let paths = Paths::new();
    let key_paths = new_key_paths();
    let filter = Filter::new(time.clone().and(predicate(reached.keys.iter().map(|(key, _)| key))));
    let fingerprinter = Fingerprinter::default();
    let mut nodes: Vec<Node> = reached.keys.iter().map(|(key, depth)| Node::new(key, *depth)).collect();
    let places: HashMap<String, usize> =
        reached.keys.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
    let (mut edges, mut seen, mut duplicates) = (Vec::new(), Seen::default(), 0_u64);
    let mut room = Room::of(ORIGINS_MEMORY);
    let (mut undecided, mut left_out) = (0, 0);
    // The filter may let through others.
    let (mut matched, mut labels) = (0_u64, [0_u64; Integrity::ALL.len()]);
    let mut summary = scan::stream(
        files,
        options,
        &filter,
        progress,
        &|batch: &mut ActivityBatch, row| {
            let is_followed = |key: &str| places.contains_key(key);
            if let Some(mut facts) = paths.read(row, &key_paths, &is_followed) {
                let is_narrowed = facts.access_key.as_ref().is_some_and(|key| reached.narrowed.contains(key));
                facts.is_counted = match counted.evaluate(&row.record) {
                    Truth::True => Some(true),
                    Truth::False => Some(false),
                    Truth::Unknown => None,
                };
                facts.is_elsewhere = is_narrowed && !starts.is_there(&row.record);
                batch.bytes += facts.bytes();
                batch.events.push(facts);
            }
        },
        &mut |batch| {
            for facts in &batch.events {
                matched += 1;
                if let Some(label) = facts.integrity {
                    labels[label] += 1;
                }
                let is_new = |id: &String| seen.is_new(fingerprinter.of(id.as_bytes()));
                if !facts.event_id.as_ref().is_none_or(is_new) {
                    duplicates += 1;
                    continue;
                }
                if let Some(at) = facts.access_key.as_ref().and_then(|key| places.get(key)) {
                    match facts.is_counted {
                        Some(true) => nodes[*at].add(facts, &mut room),
                        Some(false) => left_out += 1,
                        None => undecided += 1,
                    }
                }
                let issued = facts.issued.iter().filter(|to| places.contains_key(*to));
                edges.extend(issued.map(|to| facts.edge(to)));
            }
            ControlFlow::Continue(())
        },
    )?;
    (summary.counts.matched, summary.row_labels) = (matched, labels);
    nodes.iter_mut().for_each(Node::finish);
    edges.sort_by(|a, b| (a.time, &a.event_id, &a.to).cmp(&(b.time, &b.event_id, &b.to)));
    usual::judge(&mut nodes, &edges, &starts.named(), &|address| starts.is_asked(address));
    let mut notes = notes(starts, reached, &nodes, room.is_exhausted);
    if left_out > 0 {
        notes.push(format!(
            "not counted: {} of these keys at other hours or on other days; links are followed whenever they were made",
            plural(left_out, "event")
        ));
    }
    if undecided > 0 {
        notes.push(format!("not counted: {} without a time that can be read", plural(undecided, "event")));
    }
    let keys: Vec<String> = reached.starts().map(str::to_owned).collect();
    let key = keys.first().cloned().unwrap_or_default();
    let schema = "trailseal.follow/1";
    let narrowed = reached.narrowed.clone();
    Ok((Followed { schema, key, keys, nodes, edges, notes, duplicates, narrowed }, summary))
}

/// Events of the keys, and those that issued them; where there are many keys, those of all keys.
pub(super) fn predicate<'k>(keys: impl ExactSizeIterator<Item = &'k String>) -> Predicate {
    let test = if keys.len() > MAX_LITERALS {
        Test::Exists
    } else {
        Test::In(keys.map(|key| Literal::Text(key.clone())).collect())
    };
    let paths = std::iter::once(actor_path()).chain(new_key_paths());
    Predicate::any(paths.map(|path| Predicate::Field(path, test.clone())).collect())
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
            error: derived::error(&row.record).map(Cow::into_owned),
            region: text(&self.region),
            event_id: text(&self.event_id),
            time: text(&self.event_time).and_then(|time| event_time(time.as_bytes())),
            role_arn: text(&self.role_arn),
            session_name: text(&self.session_name),
            file: row.file.shown.clone(),
            issued,
            is_counted: None,
            is_elsewhere: false,
            integrity: row.file.integrity.map(Integrity::index),
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

    pub(super) fn edge(&self, to: &str) -> Edge {
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

/// What is to be known of the result.
fn notes(starts: &Starts, reached: &Reached, nodes: &[Node], is_exhausted: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let elsewhere: u64 = nodes.iter().map(|node| node.elsewhere).sum();
    if elsewhere > 0 {
        notes.push(format!(
            "not followed: {} of the keys from which it starts, from addresses that are not in --source-ip",
            plural(elsewhere, "event")
        ));
    }
    if reached.keyless > 0 {
        notes.push(format!(
            "not followed: {} {}, without an access key (console, services): `trailseal query ROOT {}`",
            plural(reached.keyless, "event"),
            starts.phrase(),
            starts.options()
        ));
    }
    if reached.beyond_depth > 0 {
        notes.push(format!("not followed: {} beyond --depth", plural(reached.beyond_depth, "link")));
    }
    if reached.is_cut {
        notes.push(format!("not followed: keys beyond the first {}", reached.keys.len()));
    }
    if is_exhausted {
        notes.push("there are too many addresses and user agents to tell all of them apart".to_owned());
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
