//! Counts from the columns of an index are those of the records, whatever is asked of whatever archive.

use std::{fs, path::Path};

use trailseal_analysis::{
    Question,
    bars::{self, BarsAsked},
    fields::{Field, Fields},
    groups::{self, GroupsAsked},
    near::{self, AskedValues},
};
use trailseal_evidence::{
    index::{ArchiveIndex, make},
    inputs::Inputs,
    scan::{ScanOptions, Summary},
};
use trailseal_query::{
    Filter, Predicate, Zone,
    aggregate::{Fingerprinter, Order},
    expression,
};

use crate::Silent;

/// A sequence of choices that follows from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// Members of records, each with the values that it may have, odd ones among them; mostly one of the first two.
const MEMBERS: [(&str, &[&str]); 13] = [
    (
        "eventName",
        &[
            r#""GetUser""#,
            r#""ConsoleLogin""#,
            "7",
            "null",
            r#"["GetUser","PutUser"]"#,
            r#"["GetUser",null,"GetUser"]"#,
            "[]",
            r#"{"a":1}"#,
            r#""Get\u0055ser""#,
            r#""""#,
        ],
    ),
    ("eventSource", &[r#""iam.amazonaws.com""#, r#""s3.amazonaws.com""#, "null", r#"["x",["y"]]"#]),
    ("readOnly", &["true", "false", r#""true""#, "null"]),
    ("eventCategory", &[r#""Management""#, r#""Data""#, r#""NetworkActivity""#, "null", r#""Odd""#, "1"]),
    ("managementEvent", &["true", "false", "null"]),
    ("eventType", &[r#""AwsApiCall""#, r#""AwsServiceEvent""#, r#""AwsConsoleSignIn""#]),
    ("eventVersion", &[r#""1.08""#, "1.09", "1.5e1", "17", r#""x""#]),
    ("sourceIPAddress", &[r#""203.0.113.9""#, r#""198.51.100.1""#, "null", r#"["203.0.113.9","::1"]"#]),
    ("userAgent", &[r#""aws-cli""#, r#""Boto3/1 \"x\"""#, "[1,2,3]"]),
    ("errorCode", &[r#""AccessDenied""#, r#""""#, "null", "7", r#"["AccessDenied","Throttling"]"#]),
    ("errorMessage", &[r#""no""#, r#""""#, "null"]),
    ("awsRegion", &[r#""us-east-1""#, r#""eu-west-1""#, "1", "null"]),
    ("recipientAccountId", &[r#""111122223333""#, r#""444455556666""#, "17", r#"["1","2"]"#]),
];

const IDENTITIES: [&str; 14] = [
    r#"{"type":"IAMUser","userName":"alice","accessKeyId":"AKIA1","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/alice"}"#,
    r#"{"type":"AssumedRole","principalId":"AROAX:bob","arn":"arn:aws:sts::111122223333:assumed-role/Ops/bob","accessKeyId":"ASIA2","sessionContext":{"attributes":{"creationDate":"a"},"sessionIssuer":{"type":"Role","userName":"Ops"}}}"#,
    r#"{"type":"AssumedRole","principalId":"AROAX:bob","accessKeyId":"ASIA3","sessionContext":{"attributes":{"creationDate":"b"},"sessionIssuer":{"type":"Role","userName":"Ops"},"sourceIdentity":"eve"}}"#,
    r#"{"type":"Root","accountId":"111122223333"}"#,
    r#"{"type":"Root","userName":"root-user","accessKeyId":""}"#,
    r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#,
    r#"{"type":["IAMUser","Root"],"userName":["alice","bob"],"accessKeyId":null}"#,
    r#"{"type":"IAMUser","userName":"alice","type":"AWSAccount","principalId":"AIDAX"}"#,
    r#"{"type":"IAMUser","userName":{"a":[1]},"arn":7}"#,
    r#"{"type":null,"userName":"\u0061lice","sessionContext":null}"#,
    r#"{"accessKeyId":"AKIA1","accessKeyId":"AKIA9"}"#,
    r#"{"type":"IAMUser","sessionContext":{"sessionIssuer":[{"userName":"x"},{"userName":"y"}]}}"#,
    "{}",
    "null",
];

/// What makes that a file is read each time.
const ODD_IDENTITIES: [&str; 3] =
    [r#"[{"userName":"a"},{"userName":"b"}]"#, r#"{"user\u004eame":"alice"}"#, r#"{"accessKeyId":{"a":1}}"#];

const TIMES: [&str; 9] = [
    "\"2024-03-31T00:59:59Z\"",
    "\"2024-03-31T01:00:00Z\"",
    "\"2024-03-31T01:00:00.999Z\"",
    "\"2024-03-30T23:30:00-01:00\"",
    "\"2024-03-30T12:00:00Z\"",
    "\"2024-03-30T12:00:01.5+05:30\"",
    "\"2024-04-01T00:00:00Z\"",
    "\"2024-10-27T00:30:00Z\"",
    "\"2024-10-27T01:30:00Z\"",
];

const ODD_TIMES: [&str; 3] = ["\"soon\"", "1709251202", "null"];

const FIELDS: [&str; 26] = [
    "eventName",
    "eventSource",
    "readOnly",
    "eventCategory",
    "eventVersion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "awsRegion",
    "recipientAccountId",
    "userIdentity.type",
    "userIdentity.userName",
    "userIdentity.arn",
    "userIdentity.accessKeyId",
    "userIdentity.sessionContext.sessionIssuer.userName",
    "userIdentity.sessionContext.sourceIdentity",
    "userIdentity.sessionContext.attributes.creationDate",
    "eventName.a",
    "username",
    "principal",
    "error",
    "category",
    "hour",
    "day",
    "weekday",
    "responseElements.ConsoleLogin",
];

const CONDITIONS: [&str; 20] = [
    "eventName = 'GetUser'",
    "NOT eventName = 'GetUser'",
    "eventName <> 'GetUser' OR awsRegion IS NULL",
    "error IS NOT NULL",
    "error = 'AccessDenied'",
    "error = 'Failure'",
    "errorCode LIKE 'Acc%' AND username = 'alice'",
    "category = 'Management'",
    "NOT category = 'Data'",
    "userIdentity.type IN ('Root', 'IAMUser')",
    "userIdentity.accessKeyId IS NULL",
    "userIdentity.type = 'Root' AND errorCode IS NULL",
    "eventTime >= '2024-03-31T01:00:00Z'",
    "eventTime BETWEEN '2024-03-30T12:00:00Z' AND '2024-03-31T00:59:59Z' AND readOnly = true",
    "hour = '2024-03-31T01:00Z'",
    "NOT weekday = 'sun'",
    "recipientAccountId = userIdentity.accountId",
    "eventID = 'e-1'",
    "eventName = 'NoSuchName'",
    "anywhere('alice') OR eventName = 'GetUser'",
];

fn record(dice: &mut Dice) -> String {
    let is_odd = dice.below(60) == 0;
    let (identity, time) = match is_odd {
        true if dice.below(2) == 0 => (dice.of(&ODD_IDENTITIES), dice.of(&TIMES)),
        true => (dice.of(&IDENTITIES), dice.of(&ODD_TIMES)),
        false => (dice.of(&IDENTITIES), dice.of(&TIMES)),
    };
    let mut members = vec![format!("\"eventTime\":{time}")];
    if dice.below(10) > 0 {
        members.push(format!("\"userIdentity\":{identity}"));
    }
    members.push(format!("\"eventID\":\"e-{}\"", dice.below(4)));
    for (name, values) in MEMBERS {
        let times = [0, 1, 1, 1, 1, 1, 1, 1, 1, 2][dice.below(10)];
        for _ in 0..times {
            let among = if dice.below(3) > 0 { &values[..2] } else { values };
            members.push(format!("\"{name}\":{}", dice.of(among)));
        }
    }
    match dice.below(8) {
        0 => members.push(r#""responseElements":{"ConsoleLogin":"Failure"}"#.to_owned()),
        1 => members.push(r#""responseElements":{"ConsoleLogin":["Failure"]}"#.to_owned()),
        2 => members.push(r#""resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"}]"#.to_owned()),
        3 if is_odd => members.push(r#""event\u004eame":"Z""#.to_owned()),
        _ => {}
    }
    // of what is named again the last counts, wherever it stands
    for at in (1..members.len()).rev() {
        members.swap(at, dice.below(at + 1));
    }
    format!("{{{}}}", members.join(if dice.below(5) == 0 { " , " } else { "," }))
}

fn file(dice: &mut Dice) -> String {
    let records: Vec<String> = (0..dice.below(12)).map(|_| record(dice)).collect();
    match dice.below(12) {
        0 => records.join("\n"),
        1 => format!("{{\"Records\":[{},{{\"eventName\"", records.join(",")),
        _ => format!("{{\"Records\":[{}]}}", records.join(",")),
    }
}

/// Log files, of which some have one name, and some one content.
fn write(root: &Path, dice: &mut Dice) {
    let mut last = String::new();
    for number in 0..2 + dice.below(8) {
        let folder = root.join(dice.of(&["a", "b"]));
        fs::create_dir_all(&folder).unwrap();
        let name = if dice.below(3) == 0 {
            format!("{number}.json")
        } else {
            let id = dice.below(6);
            format!("111122223333_CloudTrail_us-east-1_20240301T0015Z_AbCdEfGhIjKlMnO{id}.json")
        };
        if dice.below(5) > 0 {
            last = file(dice);
        }
        fs::write(folder.join(name), &last).unwrap();
    }
}

/// An archive and what is known of it.
struct Indexed {
    archive: tempfile::TempDir,
    indexes: tempfile::TempDir,
}

impl Indexed {
    fn of(dice: &mut Dice) -> Self {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let indexes = tempfile::Builder::new().permissions(mode).tempdir().unwrap();
        let indexed = Self { archive: tempfile::tempdir().unwrap(), indexes };
        write(indexed.archive.path(), dice);
        make(indexed.indexes.path(), &indexed.inputs(), 1 + dice.below(2), &Silent).unwrap();
        indexed
    }

    fn inputs(&self) -> Inputs {
        Inputs::open(&[self.archive.path().to_owned()]).unwrap()
    }

    fn ask<T>(&self, filter: &Filter, with: bool, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        let index = with.then(|| ArchiveIndex::open(self.indexes.path(), &[self.archive.path().to_owned()]));
        let options = ScanOptions { threads: 2, index: index.as_ref(), ..ScanOptions::default() };
        let answer = ask(&Question {
            files: &self.inputs(),
            options: &options,
            filter,
            progress: &Silent,
            dedupe: None,
            fingerprinter: Fingerprinter::default(),
        });
        assert!(index.is_none_or(|index| index.problems().is_empty()));
        answer
    }

    /// Asks with the index and without; says for how many files it answered.
    fn agrees<T: std::fmt::Debug>(
        &self,
        filter: &Filter,
        said: &dyn std::fmt::Debug,
        ask: &dyn Fn(&Question<'_>) -> (T, Summary),
    ) -> u64 {
        let (with, mut of_index) = self.ask(filter, true, ask);
        let (without, summary) = self.ask(filter, false, ask);
        let answered = std::mem::take(&mut of_index.from_index);
        assert_eq!(format!("{with:#?}"), format!("{without:#?}"), "{said:?} {:?}", filter.predicate());
        assert_eq!(of_index, summary, "{said:?} {:?}", filter.predicate());
        answered
    }
}

fn filter(dice: &mut Dice) -> Filter {
    if dice.below(4) == 0 {
        return Filter::new(Predicate::Constant(true));
    }
    Filter::new(expression::parse(dice.of(&CONDITIONS)).unwrap())
}

fn maybe_field(dice: &mut Dice, one_in: usize) -> Option<Field> {
    (dice.below(one_in) == 0).then(|| Field::parse(dice.of(&FIELDS)).unwrap())
}

fn groups_asked(dice: &mut Dice) -> GroupsAsked {
    let keys: Fields = (0..dice.below(4)).map(|_| Field::parse(dice.of(&FIELDS)).unwrap()).collect();
    GroupsAsked {
        keys: keys.iter().cloned().collect(),
        sum: maybe_field(dice, 3),
        distinct: maybe_field(dice, 3),
        only_keys: false,
        order: [Order::Count, Order::Sum, Order::Key][dice.below(3)],
        top: None,
        min_count: 1,
        min_distinct: 0,
    }
}

fn bars_asked(dice: &mut Dice) -> BarsAsked {
    BarsAsked {
        step: dice.of(&["1s", "7s", "15m", "1h", "5h", "1d", "1w"]).parse().unwrap(),
        zone: Zone::named(dice.of(&["UTC", "Europe/Berlin", "+05:30"])).unwrap(),
        by: maybe_field(dice, 2),
        top: 3,
    }
}

/// Archives that are made, each with some questions.
const ARCHIVES: u64 = 12;
const QUESTIONS: usize = 25;

#[test]
fn groups_and_bars_are_those_of_the_records() {
    let mut answered = 0;
    for seed in 0..ARCHIVES {
        let mut dice = Dice(seed);
        let indexed = Indexed::of(&mut dice);
        for _ in 0..QUESTIONS {
            let filter = filter(&mut dice);
            let asked = groups_asked(&mut dice);
            answered += indexed.agrees(&filter, &asked, &|question| {
                let counted = groups::groups(question, &asked).unwrap();
                ((counted.tally, counted.kept, counted.clipped, counted.duplicates), counted.summary)
            });
            let asked = bars_asked(&mut dice);
            answered += indexed.agrees(&filter, &asked, &|question| {
                let counted = bars::bars(question, &asked).unwrap();
                ((bars::table(&counted.tally, &asked), counted.kept, counted.clipped), counted.summary)
            });
        }
    }
    let asked = 2 * ARCHIVES * QUESTIONS as u64;
    assert!(answered > asked, "{answered} files answered for in {asked} questions");
}

#[test]
fn what_may_have_been_meant_is_what_records_have() {
    let mut found = 0;
    for seed in 0..ARCHIVES {
        let mut dice = Dice(seed);
        let indexed = Indexed::of(&mut dice);
        for _ in 0..QUESTIONS {
            let names = ["getuser", "S3", "ALICE", "us-east", "ops/bob", "accessdenied", "1111-2222-3333"];
            let asked: Vec<AskedValues> = (0..=dice.below(3))
                .map(|_| AskedValues {
                    field: Field::parse(dice.of(&FIELDS)).unwrap(),
                    values: vec![dice.of(&names).to_owned(), dice.of(&names).to_owned()],
                })
                .collect();
            let everything = Filter::new(Predicate::Constant(true));
            indexed.agrees(&everything, &asked, &|question| {
                let near = near::near(question, &asked).unwrap();
                (near, Summary::default())
            });
            found += indexed.ask(&everything, true, |question| near::near(question, &asked).unwrap().len());
        }
    }
    assert!(found > 20, "{found}");
}

#[test]
fn combinations_of_many_values_are_counted_and_told_as_without() {
    let list = |name: &str, of: &str, count: usize| {
        let values: Vec<String> = (0..count).map(|at| format!("\"{name}{at}\"")).collect();
        format!("\"{of}\":[{}]", values.join(","))
    };
    let record = format!(
        r#"{{"eventVersion":"1.08","eventID":"e-1","eventSource":"x.amazonaws.com","eventTime":"2024-03-01T00:00:00Z",{},{}}}"#,
        list("a", "eventName", 5_000),
        list("b", "sourceIPAddress", 50)
    );
    let mut dice = Dice(1);
    let indexed = Indexed::of(&mut dice);
    fs::write(indexed.archive.path().join("many.json"), format!("{{\"Records\":[{record},{record}]}}"))
        .unwrap();
    make(indexed.indexes.path(), &indexed.inputs(), 1, &Silent).unwrap();
    let asked = GroupsAsked {
        keys: Fields::parse("eventName,sourceIPAddress").unwrap().iter().cloned().collect(),
        ..groups_asked(&mut dice)
    };
    let filter = Filter::new(expression::parse("eventName = 'a17'").unwrap());
    let answered = indexed.agrees(&filter, &asked, &|question| {
        let counted = groups::groups(question, &asked).unwrap();
        assert_eq!((counted.clipped, counted.tally.all), (2, 100_000));
        ((counted.tally, counted.clipped), counted.summary)
    });
    assert!(answered > 0);
}
