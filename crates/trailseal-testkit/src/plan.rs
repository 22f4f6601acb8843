//! What an archive is to hold, and how a model of it is made.

use serde_json::{Value, json};
use trailseal_archive::Timestamp;
use trailseal_deliver::{DigestDocument, digest::sha256_hex};

use crate::model::{Log, Model, ModelChain, ModelDigest};

const HOUR: i64 = 3600;

/// What an archive is to hold; the default is one account, region and trail over six hours with two logs
/// an hour and one key.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The accounts, 12 digits each.
    pub accounts: Vec<String>,
    /// The source regions of every account.
    pub regions: Vec<String>,
    /// The trails of every account and region.
    pub trails: Vec<String>,
    /// The trails' home region.
    pub home_region: String,
    /// The organization of organization trails, `o-…`.
    pub organization: Option<String>,
    /// The key prefix, empty or ending in `/`.
    pub prefix: String,
    /// The bucket.
    pub bucket: String,
    /// When logging starts: the end of the starting digest.
    pub start: Timestamp,
    /// Hourly digests of a chain, the starting ones not counted.
    pub hours: usize,
    /// Log files an hour.
    pub logs_per_hour: usize,
    /// A new key every so many digests; one key for all when `None`.
    pub rotate: Option<usize>,
    /// When logging stops and starts again.
    pub stops: Vec<Stop>,
    /// Hours that have a backfill digest of one late log.
    pub backfills: Vec<usize>,
}

/// A pause in logging.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The pause follows this many hourly digests.
    pub after: usize,
    /// Seconds from the last digest's end until logging starts again; the new starting digest covers the
    /// last hour of them.
    pub pause: i64,
    /// The record of `StopLogging`, `DeleteTrail` or the like that the last log before the pause holds.
    pub event: Option<Value>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            accounts: vec!["111122223333".to_owned()],
            regions: vec!["eu-west-1".to_owned()],
            trails: vec!["audit".to_owned()],
            home_region: "us-east-1".to_owned(),
            organization: None,
            prefix: String::new(),
            bucket: "audit-logs".to_owned(),
            start: Timestamp::parse_digest_field("2024-03-01T00:13:52Z").unwrap(),
            hours: 6,
            logs_per_hour: 2,
            rotate: None,
            stops: Vec::new(),
            backfills: Vec::new(),
        }
    }
}

impl Plan {
    /// Two accounts in two regions.
    pub fn wide() -> Self {
        Self {
            accounts: vec!["111122223333".to_owned(), "444455556666".to_owned()],
            regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
            ..Self::default()
        }
    }

    /// Makes and seals all digests.
    pub fn model(self) -> Model {
        let mut chains = Vec::new();
        let mut backfills = Vec::new();
        for account in &self.accounts {
            for region in &self.regions {
                for trail in &self.trails {
                    let empty = ModelChain {
                        account: account.clone(),
                        region: region.clone(),
                        trail: trail.clone(),
                        home_region: self.home_region.clone(),
                        organization: self.organization.clone(),
                        prefix: self.prefix.clone(),
                        bucket: self.bucket.clone(),
                        is_backfill: false,
                        digests: Vec::new(),
                    };
                    let chain = self.fill(empty.clone());
                    if !self.backfills.is_empty() {
                        backfills.push(self.backfill(ModelChain { is_backfill: true, ..empty }, &chain));
                    }
                    chains.push(chain);
                }
            }
        }
        chains.extend(backfills);
        Model { plan: self, chains }
    }

    fn fill(&self, mut chain: ModelChain) -> ModelChain {
        let mut end = self.start;
        self.start_chain(&mut chain, end);
        for hour in 1..=self.hours {
            let start = end;
            end = start.plus(HOUR);
            let stop = self.stops.iter().find(|stop| stop.after == hour);
            let logs = self.logs(&chain, start, stop.and_then(|stop| stop.event.as_ref()));
            self.push(&mut chain, start, end, logs);
            if let Some(stop) = stop {
                end = end.plus(stop.pause);
                self.start_chain(&mut chain, end);
            }
        }
        chain
    }

    fn start_chain(&self, chain: &mut ModelChain, logging_start: Timestamp) {
        let object = chain.digest_key(logging_start);
        let document = DigestDocument::starting(&chain.account, logging_start, &chain.bucket, &object);
        let key = self.key(chain.digests.len());
        chain.digests.push(ModelDigest::new(document, key, Vec::new()));
    }

    fn push(&self, chain: &mut ModelChain, start: Timestamp, end: Timestamp, logs: Vec<Log>) {
        let object = chain.digest_key(end);
        let document = DigestDocument::empty(&chain.account, start, end, &chain.bucket, &object);
        let mut digest = ModelDigest::unsealed(document, self.key(chain.digests.len()), logs);
        if let Some(previous) = chain.digests.last() {
            digest.link_to(previous);
        }
        digest.seal();
        chain.digests.push(digest);
    }

    fn key(&self, position: usize) -> usize {
        self.rotate.map_or(0, |every| position / every)
    }

    /// The logs of an hour: delivered well inside it, so that no tolerance reaches its neighbours.
    fn logs(&self, chain: &ModelChain, start: Timestamp, event: Option<&Value>) -> Vec<Log> {
        let count = self.logs_per_hour;
        (0..count)
            .map(|number| {
                let last = number + 1 == count;
                let stamp = start.plus(668 + number as i64 * (2400 / count as i64));
                log(chain, stamp, number, event.filter(|_| last))
            })
            .collect()
    }

    /// One late log an hour, each with a digest of its own; they name no predecessors.
    fn backfill(&self, mut chain: ModelChain, standard: &ModelChain) -> ModelChain {
        for hour in &self.backfills {
            let of = &standard.digests[*hour];
            let late = log(&chain, of.start().plus(668), 99, None);
            let object = chain.digest_key(of.end());
            let document =
                DigestDocument::empty(&chain.account, of.start(), of.end(), &chain.bucket, &object);
            let mut digest = ModelDigest::new(document, self.key(standard.digests.len() - 1), vec![late]);
            digest.generated = Some(of.end().plus(48 * HOUR));
            chain.digests.push(digest);
        }
        chain
    }
}

/// A log of a few records, delivered at about `stamp`.
fn log(chain: &ModelChain, stamp: Timestamp, number: usize, event: Option<&Value>) -> Log {
    let identity = format!("{} {} {} {stamp} {number}", chain.account, chain.region, chain.trail);
    let unique: String = sha256_hex(identity.as_bytes()).chars().take(16).collect();
    let (oldest, newest) = (stamp.plus(-360), stamp.plus(-300));
    let names = ["DescribeInstances", "AssumeRole", "GetObject"];
    let mut list: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(at, name)| record(chain, oldest.plus(at as i64 * 30), name, &format!("{unique}{at}")))
        .collect();
    list.extend(event.map(|event| {
        let mut stop = record(chain, newest, "StopLogging", &unique);
        for (name, value) in event.as_object().expect("an event is an object") {
            stop[name] = value.clone();
        }
        stop
    }));
    Log {
        bucket: chain.bucket.clone(),
        key: chain.log_key(stamp, &unique),
        content: records(&list),
        oldest,
        newest,
    }
}

/// An event record of a chain's account and region.
pub fn record(chain: &ModelChain, time: Timestamp, name: &str, id: &str) -> Value {
    let source = match name {
        "AssumeRole" => "sts.amazonaws.com",
        "GetObject" => "s3.amazonaws.com",
        "StopLogging" | "StartLogging" | "CreateTrail" | "DeleteTrail" | "UpdateTrail" => {
            "cloudtrail.amazonaws.com"
        }
        _ => "ec2.amazonaws.com",
    };
    json!({
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDACKCEVSQ6C2EXAMPLE",
            "arn": format!("arn:{}:iam::{}:user/Zoë", partition(&chain.region), chain.account),
            "accountId": chain.account,
            "userName": "Zoë",
        },
        "eventTime": time.to_string(),
        "eventSource": source,
        "eventName": name,
        "awsRegion": chain.region,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.15.30",
        "requestParameters": null,
        "responseElements": null,
        "requestID": format!("req-{id}"),
        "eventID": format!("event-{id}"),
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": chain.account,
        "eventCategory": "Management",
    })
}

/// The partition of a region, as ARNs name it.
pub fn partition(region: &str) -> &'static str {
    let known = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    known.iter().find(|(start, _)| region.starts_with(start)).map_or("aws", |(_, partition)| partition)
}

/// A log file's content.
pub fn records(records: &[Value]) -> Vec<u8> {
    serde_json::to_vec(&json!({ "Records": records })).expect("JSON values are written")
}
