//! The index of events: it answers as a scan does, page by page, and takes little memory.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{Cursor, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Progress, Silent,
    events::{EventIndex, ID_SLACK, LoadError, LookupError, MAX_KEYS, MORE_KEYS, ScannedEvents},
    index::{ArchiveIndex, make},
    inputs::{FileSource as _, Inputs},
    scan::{ScanOptions, Summary, fold},
};
use trailseal_query::{
    Filter,
    lookup::{
        Attribute, AttributeKey, Extensions, LookupAnswer, LookupScope, LookupSource, Request, RequestError,
        answer,
    },
};

const EVERYWHERE: LookupScope<'static> = LookupScope { region: None, account: None };

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn files(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

pub(crate) fn opened(inputs: &[&Path]) -> Inputs {
    Inputs::open(&inputs.iter().map(|input| input.to_path_buf()).collect::<Vec<_>>()).unwrap()
}

pub(crate) fn options() -> ScanOptions<'static> {
    ScanOptions { threads: 2, ..ScanOptions::default() }
}

fn load(inputs: &Inputs, progress: &dyn Progress) -> Result<(EventIndex, Summary), LoadError> {
    EventIndex::load(Arc::new(inputs.list()), None, &options(), progress)
}

pub(crate) fn lookup(
    index: &EventIndex,
    request: &Request,
    scope: &LookupScope<'_>,
) -> Result<LookupAnswer, LookupError> {
    answer(&[index as &dyn LookupSource<Error = LookupError>], request, scope, now())
}

pub(crate) fn index(inputs: &[&Path]) -> (EventIndex, Summary) {
    load(&opened(inputs), &Silent).unwrap()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse_loose("2024-04-01T00:00:00Z").unwrap()
}

pub(crate) fn with(key: AttributeKey, value: &str) -> Request {
    let attributes = vec![Attribute { key: key.name().to_owned(), value: value.to_owned() }];
    Request { attributes, ..Request::default() }
}

/// The answer of a source that reads all files for every page.
fn scanned(inputs: &Inputs, request: &Request, fingerprint: u64) -> Result<LookupAnswer, LookupError> {
    let files = ScannedEvents::new(inputs, fingerprint, options(), &Silent);
    answer(&[&files as &dyn LookupSource<Error = LookupError>], request, &EVERYWHERE, now())
}

/// Walks all pages both ways; says how many rows there are.
#[track_caller]
pub(crate) fn agree(index: &EventIndex, inputs: &Inputs, request: &Request) -> usize {
    let mut request = request.clone();
    let mut rows = 0;
    loop {
        let expected = scanned(inputs, &request, index.fingerprint());
        let answer = match (lookup(index, &request, &EVERYWHERE), expected) {
            (Err(LookupError::Rejected(error)), Err(LookupError::Rejected(expected))) => {
                assert_eq!(error, expected, "{request:?}");
                return rows;
            }
            (answer, expected) => {
                let (answer, expected) = (answer.unwrap(), expected.unwrap());
                assert_eq!(texts(&answer), texts(&expected), "{request:?}");
                assert_eq!(answer.next_token, expected.next_token, "{request:?}");
                answer
            }
        };
        rows += answer.records.len();
        match answer.next_token {
            None => return rows,
            next => request.next_token = next,
        }
    }
}

pub(crate) fn texts(answer: &LookupAnswer) -> Vec<String> {
    answer.records.iter().map(|record| String::from_utf8_lossy(record).into_owned()).collect()
}

/// A sequence of choices that follows from its seed.
pub(crate) struct Choices(pub(crate) u64);

impl Choices {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    pub(crate) fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const IDS: [&str; 12] = [
    "\"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\"",
    "\"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f1\"",
    "\"0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0\"",
    "\"1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\"",
    "\"2f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\"",
    "\"3f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\"",
    "\"e-1\"",
    "\"1\"",
    "7",
    "\"\"",
    "null",
    "\"\\u0065-1\"",
];

const TIMES: [&str; 10] = [
    "\"2024-03-01T00:00:00Z\"",
    "\"2024-03-01T00:00:01Z\"",
    "\"2024-03-01T00:00:02Z\"",
    "\"2024-03-01T00:00:02.7Z\"",
    "\"2024-03-01T01:00:03+01:00\"",
    "\"2024-03-01T00:00:03Z\"",
    "1709251202",
    "\"1709251202\"",
    "\"yesterday\"",
    "null",
];

const IDENTITIES: [&str; 8] = [
    r#"{"type":"IAMUser","userName":"alice","accessKeyId":"AKIA1","accountId":"111122223333"}"#,
    r#"{"type":"AssumedRole","principalId":"AROAX:bob","accessKeyId":"ASIA2"}"#,
    r#"{"type":"Root","accessKeyId":""}"#,
    r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#,
    r#"[{"accessKeyId":"AKIA1"},{"accessKeyId":"ASIA2"}]"#,
    r#"{"type":"IAMUser","user\u004eame":"\u0061lice","accessKeyId":"AKI\u00411"}"#,
    r#"{"type":"IAMUser","userName":["alice"],"accessKeyId":{"AKIA1":1}}"#,
    "null",
];

const CALLS: [&str; 6] = [
    r#""eventSource":"iam.amazonaws.com","eventName":"CreateUser","requestParameters":{"userName":"carol"}"#,
    r#""eventSource":"iam.amazonaws.com","eventName":"ListUsers""#,
    r#""eventSource":"s3.amazonaws.com","eventName":"GetObject","resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"}]"#,
    r#""eventSource":"ec2.amazonaws.com","eventName":"Odd","resources":[{"ARN":"arn:aws:s3:::b"}]"#,
    r#""insightDetails":{"eventSource":"iam.amazonaws.com","eventName":"CreateUser"},"eventCategory":"Insight""#,
    r#""insightDetails":[{"eventName":"CreateUser"},{"eventName":"ListUsers"}],"eventCategory":"Insight","eventName":"Odd""#,
];

/// An event record, ordinary or odd.
pub(crate) fn record(choices: &mut Choices) -> String {
    let mut text = format!(
        r#"{{"eventVersion":"1.08","userIdentity":{},"eventTime":{},{}"#,
        choices.of(&IDENTITIES),
        choices.of(&TIMES),
        choices.of(&CALLS)
    );
    if choices.below(8) > 0 {
        let _ = write!(text, r#","eventID":{}"#, choices.of(&IDS));
    }
    if choices.below(12) == 0 {
        let most = if choices.below(4) == 0 { MORE_KEYS as usize } else { MAX_KEYS };
        let items = (0..most + choices.below(3)).map(|n| format!(r#"{{"ARN":"arn:aws:s3:::many-{n}"}}"#));
        let _ = write!(text, r#","resources":[{}]"#, items.collect::<Vec<_>>().join(","));
    }
    for (name, values) in [
        ("readOnly", ["true", "false", "\"true\"", "null"].as_slice()),
        ("awsRegion", &["\"us-east-1\"", "\"eu-west-1\"", "1"]),
        ("recipientAccountId", &["\"111122223333\"", "\"444455556666\""]),
        (
            "eventCategory",
            &["\"Management\"", "\"Management\"", "\"Data\"", "\"NetworkActivity\"", "\"Odd\""],
        ),
        ("errorCode", &["\"AccessDenied\""]),
    ] {
        let is_stated = name == "eventCategory" && text.contains("\"eventCategory\"");
        if !is_stated && choices.below(3) > 0 {
            let _ = write!(text, r#","{name}":{}"#, choices.of(values));
        }
    }
    text + "}"
}

/// A file of one of the forms in which events lie about.
pub(crate) fn any_file(choices: &mut Choices) -> (&'static str, Vec<u8>) {
    let records: Vec<String> = (0..choices.below(9)).map(|_| record(choices)).collect();
    let log = format!("{{\"Records\":[{}]}}", records.join(",")).into_bytes();
    match choices.below(10) {
        0 => ("json", [b"\xef\xbb\xbf".as_slice(), &log].concat()),
        1 => ("jsonl", (records.join("\n") + "\n").into_bytes()),
        2 => {
            let other = format!(
                "[{}]",
                (0..choices.below(5)).map(|_| record(choices)).collect::<Vec<_>>().join(",\n")
            );
            let members =
                [("a.json.gz", gzip(&log)), ("b.txt", b"no".to_vec()), ("c.json", other.into_bytes())];
            ("zip", zip(&members))
        }
        3 => {
            let whole = gzip(&log);
            ("json.gz", whole[..whole.len() - choices.below(whole.len() / 2 + 1)].to_vec())
        }
        4 => ("json", String::from_utf8(log).unwrap().replacen("\"eventTime\"", "oops", 1).into_bytes()),
        5 => {
            // as a row of LookupEvents holds it, and as EventBridge does
            let wrap = |record: &String| match record.len() % 2 {
                0 => format!("{{\"CloudTrailEvent\":{}}}", serde_json::to_string(record).unwrap()),
                _ => format!("{{\"detail-type\":\"AWS API Call via CloudTrail\",\"detail\":{record}}}"),
            };
            ("jsonl", records.iter().map(wrap).collect::<Vec<_>>().join("\n").into_bytes())
        }
        6 => {
            let text = format!("\u{feff}{}", String::from_utf8(log).unwrap());
            ("json", text.encode_utf16().flat_map(u16::to_le_bytes).collect())
        }
        _ => ("json.gz", gzip(&log)),
    }
}

pub(crate) fn any_archive(choices: &mut Choices) -> tempfile::TempDir {
    let mut contents: Vec<(String, Vec<u8>)> = (0..=choices.below(6))
        .map(|number| {
            let (end, content) = any_file(choices);
            (format!("{}/f{number}.{end}", choices.of(&["a", "b", "b!c.zip"])), content)
        })
        .collect();
    if choices.below(2) == 0 {
        // delivered twice
        let (name, content) = contents[0].clone();
        contents.push((format!("z/again-{}", name.replace('/', "-")), content));
    }
    let contents: Vec<(&str, Vec<u8>)> =
        contents.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    files(&contents)
}

pub(crate) fn any_request(choices: &mut Choices) -> Request {
    let attribute = |choices: &mut Choices| {
        let key = AttributeKey::ALL[choices.below(AttributeKey::ALL.len())];
        let value = match key {
            AttributeKey::EventId => choices.of(&IDS).trim_matches('"').replace("\\u0065", "e"),
            AttributeKey::EventName => {
                choices.of(&["CreateUser", "ListUsers", "GetObject", "Odd"]).to_owned()
            }
            AttributeKey::ReadOnly => choices.of(&["true", "false"]).to_owned(),
            AttributeKey::Username => choices.of(&["alice", "bob", "root", "[\"alice\"]"]).to_owned(),
            AttributeKey::ResourceType => {
                choices.of(&["AWS::IAM::User", "AWS::S3::Bucket", "AWS::S3::Object"]).to_owned()
            }
            AttributeKey::ResourceName => choices
                .of(&["carol", "arn:aws:s3:::b", "b", "k", "many-7", "arn:aws:s3:::many-39"])
                .to_owned(),
            AttributeKey::EventSource => choices.of(&["iam.amazonaws.com", "s3.amazonaws.com"]).to_owned(),
            AttributeKey::AccessKeyId => choices.of(&["AKIA1", "ASIA2", "{\"AKIA1\":1}"]).to_owned(),
        };
        Attribute { key: key.name().to_owned(), value }
    };
    let time = |choices: &mut Choices| {
        let wanted = choices.below(2) == 0;
        wanted.then(|| Timestamp::from_epoch(1_709_251_200 + choices.below(5) as i64)).flatten()
    };
    let count = [0, 1, 1, 1, 1, 2][choices.below(6)];
    Request {
        attributes: (0..count).map(|_| attribute(choices)).collect(),
        start_time: time(choices),
        end_time: time(choices),
        event_category: (choices.below(6) == 0).then(|| "insight".to_owned()),
        max_results: [None, Some(1), Some(2), Some(3), Some(50), Some(51)][choices.below(6)],
        next_token: (choices.below(20) == 0).then(|| "none".to_owned()),
        region: [None, Some("us-east-1"), Some("eu-west-1")][choices.below(3)].map(str::to_owned),
        extensions: Extensions {
            several_attributes: choices.below(4) > 0,
            data_events: choices.below(3) == 0,
            network_activity_events: choices.below(3) == 0,
            window: None,
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn every_page_is_that_of_a_scan(seed in any::<u64>()) {
        let mut choices = Choices(seed);
        let archive = any_archive(&mut choices);
        let inputs = opened(&[archive.path()]);
        let (index, summary) = load(&inputs, &Silent).unwrap();
        let everything = Filter::new(trailseal_query::Predicate::Constant(true));
        let ((), expected) = fold(&inputs, &options(), &everything, &Silent, &|| (), &|(), _| ControlFlow::Continue(())).unwrap();
        prop_assert_eq!(&summary, &expected);
        let (known, of_known) = known(&inputs, &indexed(&inputs));
        prop_assert_eq!(Summary { from_index: 0, ..of_known }, summary);
        // of known files, those of an unknown category count, too
        prop_assert!(known.statistics().records >= index.statistics().records);
        for _ in 0..12 {
            let request = any_request(&mut choices);
            agree(&index, &inputs, &request);
            agree(&known, &inputs, &request);
            for account in ["111122223333", "444455556666"] {
                let scope = LookupScope { region: None, account: Some(account) };
                match (lookup(&known, &request, &scope), lookup(&index, &request, &scope)) {
                    (Ok(found), Ok(expected)) => {
                        prop_assert_eq!(texts(&found), texts(&expected), "{:?}", request);
                        prop_assert_eq!(found.next_token.is_some(), expected.next_token.is_some());
                    }
                    (found, expected) => prop_assert_eq!(found.is_err(), expected.is_err()),
                }
            }
        }
    }
}

/// An index on disk of what is there now.
pub(crate) fn indexed(inputs: &Inputs) -> tempfile::TempDir {
    let indexes = tempfile::tempdir().unwrap();
    make(indexes.path(), inputs, 2, &Silent).unwrap();
    indexes
}

/// The index of events where an index on disk is used.
fn known(inputs: &Inputs, indexes: &tempfile::TempDir) -> (EventIndex, Summary) {
    let index = Some(Arc::new(ArchiveIndex::open(indexes.path(), inputs.given())));
    EventIndex::load(Arc::new(inputs.list()), index, &options(), &Silent).unwrap()
}

#[test]
fn of_files_that_an_index_on_disk_knows_nothing_is_held() {
    let (_folder, archive) = generated(2, 300);
    let inputs = opened(&[&archive]);
    let (index, _) = load(&inputs, &Silent).unwrap();
    let (known, summary) = known(&inputs, &indexed(&inputs));
    assert_eq!(summary.from_index, summary.files);
    assert_eq!(known.statistics().records, index.statistics().records);
    assert!(known.statistics().bytes * 10 < index.statistics().bytes, "{:?}", known.statistics());
    let page = Request { max_results: Some(7), ..Request::default() };
    let names = ["ConsoleLogin", "GetObject", "AssumeRole"];
    let rows = names.map(|name| agree(&known, &inputs, &Request { ..with(AttributeKey::EventName, name) }));
    assert!(rows.iter().sum::<usize>() > 100, "{rows:?}");
    let all = Request { max_results: Some(50), ..Request::default() };
    assert_eq!(agree(&known, &inputs, &all), agree(&index, &inputs, &all));
    // an archive of one account and one of two: tokens are those of an index without one on disk
    for scope in [EVERYWHERE, LookupScope { region: None, account: Some("111122223333") }] {
        let token = |index| lookup(index, &page, &scope).unwrap().next_token;
        assert_eq!(token(&known), token(&index));
    }
}

#[test]
fn a_known_file_that_changed_is_an_error_and_never_a_wrong_row() {
    let changes: [Change; 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, log(0..2)).unwrap(),
        |path| {
            let time = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(path, log(5..8)).unwrap();
            File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let folder = files(&[("a.json", log(0..3)), ("b.json", log(3..6))]);
        let inputs = opened(&[folder.path()]);
        let (known, _) = known(&inputs, &indexed(&inputs));
        assert_eq!(lookup(&known, &Request::default(), &EVERYWHERE).unwrap().records.len(), 6);
        change(&folder.path().join("a.json"));
        let error = lookup(&known, &Request::default(), &EVERYWHERE).unwrap_err();
        assert!(
            matches!(&error, LookupError::Changed { shown } if shown.ends_with("a.json")),
            "{number}: {error}"
        );
        let other = lookup(&known, &with(AttributeKey::EventId, "id-000004"), &EVERYWHERE);
        assert_eq!(other.unwrap().records.len(), 1);
    }
}

#[test]
fn every_attribute_finds_something() {
    // what the property relies on
    let mut found = [0; AttributeKey::ALL.len()];
    let (mut insights, mut pages) = (0, 0);
    for seed in 0..40 {
        let mut choices = Choices(seed);
        let archive = any_archive(&mut choices);
        let (index, _) = index(&[archive.path()]);
        for _ in 0..20 {
            let request = Request { next_token: None, ..any_request(&mut choices) };
            let Ok(answer) = lookup(&index, &request, &EVERYWHERE) else { continue };
            if let [attribute] = request.attributes.as_slice() {
                let key = AttributeKey::from_name(&attribute.key).unwrap();
                found[key as usize] += answer.records.len();
            }
            insights += if request.event_category.is_some() { answer.records.len() } else { 0 };
            pages += usize::from(answer.next_token.is_some());
        }
    }
    assert!(
        found.iter().all(|found| *found > 2) && insights > 2 && pages > 9,
        "{found:?} {insights} {pages}"
    );
}

struct Quiet;

impl trailseal_generate::GenerationProgress for Quiet {}

fn generated(hours: u32, events_per_hour: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let options = trailseal_generate::Options {
        accounts: 2,
        regions: vec!["us-east-1".to_owned(), "eu-west-1".to_owned()],
        organization_id: Some("o-abcdefghij".to_owned()),
        hours,
        events_per_hour,
        gzip_level: 1,
        ..trailseal_generate::Options::default()
    };
    trailseal_generate::generate(&options, &folder.path().join("out"), &Quiet).unwrap();
    let archive = folder.path().join("out/archive");
    (folder, archive)
}

#[test]
fn an_event_takes_less_than_200_bytes() {
    let (_folder, archive) = generated(3, 1500);
    let (index, summary) = index(&[&archive]);
    let statistics = index.statistics();
    assert!(statistics.records > 4000 && statistics.records <= summary.counts.records, "{statistics:?}");
    let each = statistics.bytes / statistics.records;
    assert!((60..200).contains(&each), "{each} bytes an event: {statistics:?}");

    let inputs = opened(&[&archive]);
    let rows = agree(&index, &inputs, &with(AttributeKey::EventSource, "iam.amazonaws.com"));
    assert!(rows > 0);
}

#[test]
fn the_scope_narrows_what_is_found() {
    let (_folder, archive) = generated(1, 200);
    let (index, _) = index(&[&archive]);
    let find = |request: &Request, scope: &LookupScope<'_>| {
        let mut request = request.clone();
        let mut rows = Vec::new();
        loop {
            let answer = lookup(&index, &request, scope).unwrap();
            rows.extend(texts(&answer));
            match answer.next_token {
                None => return rows,
                next => request.next_token = next,
            }
        }
    };
    let everything = find(&Request::default(), &EVERYWHERE);
    let account = |record: &str| {
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        record["recipientAccountId"].as_str().unwrap().to_owned()
    };
    let of = |region: &'static str| {
        find(&Request::default(), &LookupScope { region: Some(region), account: None })
    };
    let (east, west) = (of("us-east-1"), of("eu-west-1"));
    assert!(!east.is_empty() && !west.is_empty() && east.len() + west.len() == everything.len());
    assert!(east.iter().all(|record| record.contains(r#""awsRegion":"us-east-1""#)));

    let first = account(&everything[0]);
    let scope = LookupScope { region: None, account: Some(&first) };
    let own = find(&Request::default(), &scope);
    let expected: Vec<&String> = everything.iter().filter(|record| account(record) == first).collect();
    assert_eq!(own.iter().collect::<Vec<_>>(), expected);
    assert!(own.len() < everything.len());

    // a region that a request names is not that which answers
    let of_west = Request { region: Some("eu-west-1".to_owned()), ..Request::default() };
    assert_eq!(find(&of_west, &LookupScope { region: Some("us-east-1"), account: None }), east);

    let request = Request { max_results: Some(1), ..Request::default() };
    let token = lookup(&index, &request, &scope).unwrap().next_token;
    let request = Request { next_token: token, ..request };
    assert!(lookup(&index, &request, &scope).is_ok());
    for other in [
        EVERYWHERE,
        LookupScope { account: Some("999999999999"), ..scope },
        LookupScope { region: Some("us-east-1"), ..scope },
    ] {
        let error = lookup(&index, &request, &other).unwrap_err();
        assert!(
            matches!(&error, LookupError::Rejected(error) if error.code() == "InvalidNextTokenException")
        );
    }
}

fn plain(id: usize, name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root"}},"eventTime":"2024-03-01T00:{:02}:{:02}Z","eventName":"{name}","eventSource":"x.amazonaws.com","eventID":"id-{id:06}"}}"#,
        id / 60 % 60,
        id % 60
    )
}

fn log(ids: std::ops::Range<usize>) -> Vec<u8> {
    format!("{{\"Records\":[{}]}}", ids.map(|id| plain(id, "Any")).collect::<Vec<_>>().join(",")).into_bytes()
}

#[test]
fn tokens_survive_a_restart_and_die_with_their_files() {
    let folder = files(&[("a.json.gz", gzip(&log(0..9))), ("b.json", log(9..20))]);
    let first = Request { max_results: Some(3), ..Request::default() };
    let (before, _) = index(&[folder.path()]);
    let token = lookup(&before, &first, &EVERYWHERE).unwrap().next_token;
    let second = Request { next_token: token, ..first };
    let (after, _) = index(&[folder.path()]);
    let expected = lookup(&before, &second, &EVERYWHERE).unwrap();
    assert_eq!(lookup(&after, &second, &EVERYWHERE).unwrap(), expected);
    assert!(texts(&expected)[0].contains("id-000016"));

    fs::write(folder.path().join("c.json"), log(30..31)).unwrap();
    let (changed, _) = index(&[folder.path()]);
    let error = lookup(&changed, &second, &EVERYWHERE).unwrap_err();
    assert!(matches!(error, LookupError::Rejected(RequestError::TokenOfOtherData)), "{error}");
}

#[test]
fn a_record_with_too_many_names_is_read_for_their_sake_only() {
    let names: Vec<String> =
        (0..MORE_KEYS).map(|n| format!(r#"{{"ARN":"arn:aws:s3:::many-{n}"}}"#)).collect();
    let whole = plain(1, "Large");
    let large = format!(r#"{},"resources":[{}]}}"#, &whole[..whole.len() - 1], names.join(","));
    let folder = files(&[
        ("a.json.gz", gzip(format!("{{\"Records\":[{large}]}}").as_bytes())),
        ("b.json.gz", gzip(&log(2..9))),
    ]);
    let (index, _) = index(&[folder.path()]);
    let inputs = opened(&[folder.path()]);
    assert_eq!(agree(&index, &inputs, &with(AttributeKey::EventName, "Any")), 7);
    assert_eq!(agree(&index, &inputs, &with(AttributeKey::ResourceType, "AWS::S3::Bucket")), 0);
    assert!(index.statistics().cached_bytes < large.len() as u64, "it was not read");
    assert_eq!(agree(&index, &inputs, &with(AttributeKey::EventName, "Large")), 1);
    assert_eq!(agree(&index, &inputs, &with(AttributeKey::ResourceName, "many-4000")), 1);
    assert!(index.statistics().cached_bytes > large.len() as u64);
}

#[test]
fn of_a_log_file_only_what_was_asked_for_is_held() {
    let folder = files(&[("a.json.gz", gzip(&log(0..2000))), ("b.json.gz", gzip(&log(2000..4000)))]);
    let (index, _) = index(&[folder.path()]);
    let inputs = opened(&[folder.path()]);
    for id in [0, 1, 1234, 1999, 2000, 3999] {
        for _ in 0..2 {
            assert_eq!(agree(&index, &inputs, &with(AttributeKey::EventId, &format!("id-{id:06}"))), 1);
        }
    }
    let held = index.statistics().cached_bytes as usize;
    assert!((6 * plain(0, "Any").len()..6 * 1024).contains(&held), "{held}");
}

#[test]
fn files_of_any_layout_are_read_again() {
    let record = |id| plain(id, "Any");
    let layouts = [
        format!("{{\"Records\":[{},{}]}}", record(1), record(2)),
        format!("{{ \"Records\": [ {}, {} ] }}", record(1), record(2)),
        format!("{{\"Records\":[7,\"{{\",{},{}]}}", record(1), record(2)),
        format!("[{},{}]", record(1), record(2)),
        format!("{}\n{}\n", record(1), record(2)),
        format!("{{\"Records\":[{}]}}{{\"Records\":[{}]}}", record(1), record(2)),
        format!("\u{feff}{{\"Records\":[{},{}]}}", record(1), record(2)),
    ];
    for layout in layouts {
        for content in [layout.clone().into_bytes(), gzip(layout.as_bytes())] {
            let folder = files(&[("a.json", content)]);
            let (index, _) = index(&[folder.path()]);
            let inputs = opened(&[folder.path()]);
            for id in [2, 1] {
                let request = with(AttributeKey::EventId, &format!("id-{id:06}"));
                assert_eq!(agree(&index, &inputs, &request), 1, "{layout}");
            }
            assert_eq!(agree(&index, &inputs, &Request::default()), 2, "{layout}");
        }
    }
}

#[test]
fn a_record_that_changed_under_its_old_id_is_an_error() {
    for compress in [|content: &[u8]| content.to_vec(), |content: &[u8]| stored(content)] {
        let before = log(0..3);
        let after = String::from_utf8(before.clone()).unwrap().replacen("Any", "Odd", 2).into_bytes();
        let folder = files(&[("a.json.gz", compress(&before))]);
        let path = folder.path().join("a.json.gz");
        let (index, _) = index(&[folder.path()]);
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, compress(&after)).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        let found = |id: &str| lookup(&index, &with(AttributeKey::EventId, id), &EVERYWHERE);
        for changed in ["id-000000", "id-000001"] {
            assert!(matches!(found(changed), Err(LookupError::Changed { .. })), "{changed}");
        }
        assert_eq!(found("id-000002").unwrap().records.len(), 1);
    }
}

/// Compressed files of one length, whatever the content says.
fn stored(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

type Change = fn(&Path);

#[test]
fn a_file_that_changed_is_an_error_and_never_a_wrong_row() {
    let request = Request::default();
    let changes: [Change; 4] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, log(0..2)).unwrap(),
        // neither the size nor the time tells
        |path| {
            let time = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(path, log(5..8)).unwrap();
            File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        },
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let folder = files(&[("a.json", log(0..3))]);
        let path = folder.path().join("a.json");
        let (index, _) = index(&[folder.path()]);
        change(&path);
        let error = lookup(&index, &request, &EVERYWHERE).unwrap_err();
        assert!(
            matches!(&error, LookupError::Changed { shown } if shown.ends_with("a.json")),
            "{number}: {error}"
        );
    }
    // one of several, which are read at once
    let folder = files(&[("a.json", log(0..3)), ("b.json", log(3..6)), ("c.json", log(6..9))]);
    let (of_three, _) = index(&[folder.path()]);
    fs::write(folder.path().join("b.json"), log(20..23)).unwrap();
    let error = lookup(&of_three, &request, &EVERYWHERE).unwrap_err();
    assert!(matches!(&error, LookupError::Changed { shown } if shown.ends_with("b.json")), "{error}");
    let first = lookup(&of_three, &with(AttributeKey::EventId, "id-000001"), &EVERYWHERE);
    assert_eq!(first.unwrap().records.len(), 1);
    // what the cache holds is not given out for a file that is gone
    let folder = files(&[("a.json", log(0..3))]);
    let (index, _) = index(&[folder.path()]);
    assert_eq!(lookup(&index, &request, &EVERYWHERE).unwrap().records.len(), 3);
    assert!(index.statistics().cached_bytes > 0);
    fs::remove_file(folder.path().join("a.json")).unwrap();
    assert!(matches!(lookup(&index, &request, &EVERYWHERE), Err(LookupError::Changed { .. })));
    assert_eq!(index.statistics().cached_bytes, 0);
}

#[test]
fn files_too_large_to_be_held_and_archive_files_are_scanned_again() {
    let large = log(0..60_000);
    assert!(large.len() > 8 << 20);
    let members = [("x/a.json.gz", gzip(&log(60_000..60_010))), ("x/b.json", log(60_010..60_020))];
    let folder =
        files(&[("a.json.gz", gzip(&large)), ("b.zip", zip(&members)), ("c!d.json", log(60_020..60_030))]);
    let (index, _) = index(&[folder.path()]);
    let inputs = opened(&[folder.path()]);
    for id in [0, 31_234, 59_999, 60_001, 60_015, 60_025] {
        assert_eq!(agree(&index, &inputs, &with(AttributeKey::EventId, &format!("id-{id:06}"))), 1, "{id}");
    }
    let answer = lookup(&index, &Request::default(), &EVERYWHERE).unwrap();
    let expected = scanned(&inputs, &Request::default(), index.fingerprint()).unwrap();
    assert_eq!(answer, expected);
    assert_eq!(answer.records.len(), 50);
}

#[test]
fn several_inputs_count_as_in_a_scan() {
    let folder =
        files(&[("a/x.json", log(0..4)), ("a/b/y.json", log(3..9)), ("c.json.gz", gzip(&log(2..12)))]);
    let path = |name: &str| folder.path().join(name);
    let (a, inner, c) = (path("a"), path("a/b"), path("c.json.gz"));
    let y = path("a/b/y.json");
    for inputs in [vec![&a, &c], vec![&c, &inner, &a, &c], vec![&y, &c], vec![&y, &a]] {
        let inputs: Vec<&Path> = inputs.into_iter().map(PathBuf::as_path).collect();
        let (index, summary) = index(&inputs);
        let inputs = opened(&inputs);
        let request = Request { max_results: Some(4), ..Request::default() };
        assert!(agree(&index, &inputs, &request) > 5, "{inputs:?}");
        assert_eq!(index.statistics().records, summary.counts.records);
    }
}

#[test]
fn what_cannot_be_read_again_is_refused() {
    for input in ["-", "/dev/null"] {
        let error = load(&opened(&[Path::new(input)]), &Silent).unwrap_err();
        assert!(matches!(error, LoadError::NotAFile { .. }), "{error}");
    }
    let error = Inputs::open(&[PathBuf::from("/none/such")]).unwrap_err();
    assert!(matches!(error, trailseal_evidence::Error::Root(_)), "{error}");
}

/// Removes a file when the scan comes to the first one.
struct Removes(PathBuf);

impl Progress for Removes {
    fn add(&self, _: u64, _: u64) {
        // only the first time is it there; it was listed before
        let _ = fs::remove_file(&self.0);
    }

    fn done(&self, _: u64, _: u64) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

#[test]
fn what_goes_away_while_an_archive_is_read_is_damage_and_disturbs_nothing_else() {
    let folder = files(&[("a/a.json", log(0..3)), ("b/a.json", log(3..6)), ("b/b.json", log(6..9))]);
    let progress = Removes(folder.path().join("b/a.json"));
    let inputs = opened(&[folder.path()]);
    let (index, summary) = load(&inputs, &progress).unwrap();
    let damaged: Vec<&str> = summary.damage.iter().map(|damage| damage.shown.as_str()).collect();
    assert!(summary.damages == 1 && damaged[0].ends_with("b/a.json"), "{damaged:?}");
    let answer = lookup(&index, &Request::default(), &EVERYWHERE).unwrap();
    assert_eq!(answer.rows().count(), 6);
}

struct Interrupts;

impl Progress for Interrupts {
    fn add(&self, _: u64, _: u64) {}
    fn done(&self, _: u64, _: u64) {}
    fn is_interrupted(&self) -> bool {
        true
    }
}

#[test]
fn loading_may_be_interrupted() {
    let folder = files(&[("a.json", log(0..3))]);
    let error = load(&opened(&[folder.path()]), &Interrupts).unwrap_err();
    assert!(matches!(error, LoadError::Scan(trailseal_evidence::Error::Interrupted)), "{error}");
}

#[test]
fn long_ids_are_refused_and_long_names_take_no_room() {
    let long = "x".repeat(2000);
    let ids: Vec<String> = (0..1000).map(|id| plain(id, "Any").replace("id-", &long)).collect();
    let folder = files(&[("a.json.gz", gzip(ids.join("\n").as_bytes()))]);
    let error = load(&opened(&[folder.path()]), &Silent).unwrap_err();
    assert!(matches!(error, LoadError::LongIds { bytes, .. } if bytes > ID_SLACK), "{error}");

    // every record has its own names, as many as are noted
    let names = |id: usize| {
        (0..17).map(|n| format!(r#"{{"ARN":"arn:{id}:{n}:{long}"}}"#)).collect::<Vec<_>>().join(",")
    };
    let hostile = |id: usize| {
        let record = plain(id, &format!("{id}{long}"));
        format!(r#"{},"resources":[{}]}}"#, &record[..record.len() - 1], names(id))
    };
    let records: Vec<String> = (0..500).map(hostile).collect();
    let folder = files(&[("a.json.gz", gzip(records.join("\n").as_bytes()))]);
    let (index, _) = index(&[folder.path()]);
    let statistics = index.statistics();
    assert_eq!(statistics.records, 500);
    assert!(statistics.bytes / 500 < 1024, "{statistics:?}");
}

#[test]
fn many_threads_may_ask_at_once() {
    let contents: Vec<(String, Vec<u8>)> =
        (0..20).map(|n| (format!("{n:02}.json.gz"), gzip(&log(n * 10..n * 10 + 10)))).collect();
    let contents: Vec<(&str, Vec<u8>)> = contents.iter().map(|(n, c)| (n.as_str(), c.clone())).collect();
    let folder = files(&contents);
    let (index, _) = index(&[folder.path()]);
    let expected = lookup(&index, &Request::default(), &EVERYWHERE).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (index, expected) = (&index, &expected);
            scope.spawn(move || {
                for id in (thread..200).step_by(3) {
                    let request = with(AttributeKey::EventId, &format!("id-{id:06}"));
                    let answer = lookup(index, &request, &EVERYWHERE).unwrap();
                    assert_eq!(answer.rows().next().unwrap().event_id.unwrap(), format!("id-{id:06}"));
                    assert_eq!(&lookup(index, &Request::default(), &EVERYWHERE).unwrap(), expected);
                }
            });
        }
    });
}
