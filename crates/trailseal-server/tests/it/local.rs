//! Local trails in a data folder, without a network: opened, called, delivered, opened again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use trailseal_server::{
    ApiError, CallAnswer, Caller, CallerIdentity, CloudTrail, Context, ErrorCode, Local, LocalError,
    LocalOptions, Lookups, Operation, Service as _, Timestamp,
    audit::{AuditCall, AuditError, AuditErrorCode, AuditEvents as _},
};

use crate::client::NOW;

const ACCOUNT: &str = "111122223333";
const CHANNEL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:channel/some";

struct Data {
    local: Arc<Local>,
    cloudtrail: CloudTrail,
}

impl Data {
    fn open(folder: &Path) -> Result<Self, LocalError> {
        let mut options = LocalOptions::new(folder);
        options.archive_buckets.insert("evidence".to_owned());
        let local = Arc::new(Local::open(&options)?);
        let recent = Arc::clone(local.recent());
        let lookups = Lookups::new(vec![recent], Some(ACCOUNT.to_owned()), None);
        Ok(Self { cloudtrail: CloudTrail::new(lookups, None, Some(Arc::clone(&local))), local })
    }

    fn call(&self, seconds: i64, operation: Operation, input: Value) -> Result<Value, ApiError> {
        self.cloudtrail.call(&context(), &caller(seconds), operation, input).map(CallAnswer::into_value)
    }

    fn ok(&self, seconds: i64, operation: Operation, input: Value) -> Value {
        self.call(seconds, operation, input).unwrap()
    }

    fn put(&self, seconds: i64, event: &str) -> Result<Value, AuditError> {
        let input = json!({ "auditEvents": [{ "id": "a", "eventData": event }] });
        let call = AuditCall { channel_arn: CHANNEL.to_owned(), external_id: None, input, scope: None };
        self.local.put(&context(), &caller(seconds), call)
    }

    fn tick(&self, seconds: i64) {
        let trouble = self.local.tick(caller(seconds).now);
        assert!(trouble.is_empty(), "{trouble:?}");
    }

    /// How many events of a name `LookupEvents` finds.
    fn found(&self, name: &str) -> usize {
        let attributes = json!([{ "AttributeKey": "EventName", "AttributeValue": name }]);
        let answer = self.ok(9_000, Operation::LookupEvents, json!({ "LookupAttributes": attributes }));
        answer["Events"].as_array().unwrap().len()
    }
}

fn context() -> Context {
    let identity = CallerIdentity::of_key(None, "111122223333", "us-east-1");
    let source = [127, 0, 0, 1].into();
    Context { request_id: "r".to_owned(), access_key: None, identity, user_agent: None, source }
}

/// Somebody, so many seconds after the first call.
fn caller(seconds: i64) -> Caller {
    let now = Timestamp::from_millis(NOW + seconds * 1_000);
    Caller { account: ACCOUNT.to_owned(), region: "us-east-1".to_owned(), now }
}

fn event(name: &str) -> String {
    json!({ "eventName": name, "eventSource": "my.app" }).to_string()
}

fn trail(name: &str, bucket: &str) -> Value {
    json!({ "Name": name, "S3BucketName": bucket, "EnableLogFileValidation": true })
}

/// Files of a bucket below a folder of `AWSLogs/ACCOUNT`.
fn files(data: &TempDir, kind: &str) -> Vec<PathBuf> {
    fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "gz") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    gather(&data.path().join("logs/AWSLogs").join(ACCOUNT).join(kind), &mut found);
    found
}

/// The names of the events that were delivered, in their order within a file.
fn delivered(data: &TempDir) -> Vec<String> {
    let mut paths = files(data, "CloudTrail");
    paths.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    let mut names = Vec::new();
    for path in paths {
        let file = fs::File::open(path).unwrap();
        let (content, ..) = trailseal_archive::gzip::inflate_all(file, 1 << 20).unwrap();
        let log: Value = serde_json::from_slice(&content).unwrap();
        let records = log["Records"].as_array().unwrap();
        names.extend(records.iter().map(|record| record["eventName"].as_str().unwrap().to_owned()));
    }
    names
}

#[test]
fn a_trail_logs_between_its_start_and_its_end_and_all_is_there_when_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    data.ok(0, Operation::CreateTrail, trail("audit", "logs"));
    data.put(1, &event("Early")).unwrap();
    data.ok(2, Operation::StartLogging, json!({ "Name": "audit" }));
    assert_eq!(data.local.logging_trails(), 1);
    data.put(3, &event("Logged")).unwrap();
    data.tick(4);
    assert_eq!((files(&folder, "CloudTrail").len(), files(&folder, "CloudTrail-Digest").len()), (1, 1));
    data.put(5, &event("Later")).unwrap();
    // not due yet: 5 minutes have not passed
    data.tick(6);
    assert_eq!(files(&folder, "CloudTrail").len(), 1);
    let status = data.ok(7, Operation::GetTrailStatus, json!({ "Name": "audit" }));
    assert_eq!(
        (&status["IsLogging"], &status["LatestDeliveryTime"]),
        (&json!(true), &json!(NOW / 1_000 + 4))
    );
    let keys = data.ok(8, Operation::ListPublicKeys, json!({}));
    assert_eq!(keys["PublicKeyList"].as_array().unwrap().len(), 1);
    drop(data);

    let data = Data::open(folder.path()).unwrap();
    assert!(data.local.notes().is_empty());
    assert_eq!(data.local.logging_trails(), 1);
    assert_eq!([data.found("Early"), data.found("Logged"), data.found("StartLogging")], [1, 1, 1]);
    assert_eq!(data.ok(9_001, Operation::ListPublicKeys, json!({})), keys);
    assert!(data.local.close(caller(9_002).now).is_empty());
    assert_eq!(files(&folder, "CloudTrail").len(), 2);
    data.ok(9_003, Operation::StopLogging, json!({ "Name": "audit" }));
    data.put(9_004, &event("Late")).unwrap();
    data.tick(9_005);
    assert_eq!(data.local.logging_trails(), 0);
    let names = delivered(&folder);
    for (name, count) in
        [("Early", 0), ("Logged", 1), ("Later", 1), ("Late", 0), ("CreateTrail", 0), ("StopLogging", 1)]
    {
        assert_eq!(names.iter().filter(|other| *other == name).count(), count, "{name}: {names:?}");
    }
}

#[test]
fn a_trail_that_is_deleted_at_once_is_delivered_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    data.ok(0, Operation::CreateTrail, trail("audit", "logs"));
    data.ok(1, Operation::StartLogging, json!({ "Name": "audit" }));
    data.put(1, &event("Logged")).unwrap();
    data.ok(1, Operation::DeleteTrail, json!({ "Name": "audit" }));
    data.put(1, &event("Late")).unwrap();
    data.tick(2);
    assert_eq!(delivered(&folder), ["StartLogging", "Logged", "DeleteTrail"]);
    assert_eq!(files(&folder, "CloudTrail-Digest").len(), 2);
}

#[test]
fn a_folder_has_one_user_and_what_it_keeps_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    assert!(matches!(Local::open(&LocalOptions::new(folder.path())), Err(LocalError::Journal(_))));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("_trailseal")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
    drop(data);
    Data::open(folder.path()).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Local::open(&LocalOptions::new(&file)), Err(LocalError::Folder { .. })));
}

#[test]
fn nothing_is_acknowledged_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    let journal = folder.path().join("_trailseal/journal");
    let away = folder.path().join("away");
    fs::rename(&journal, &away).unwrap();
    fs::write(&journal, "no folder").unwrap();

    let error = data.put(0, &event("Lost")).unwrap_err();
    assert_eq!(error.code, AuditErrorCode::Common(ErrorCode::InternalFailure));
    assert!(!error.message.contains(&*folder.path().to_string_lossy()), "no paths: {error}");
    let error = data.local.record(&context(), &caller(0), event("Lost").as_bytes()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InternalFailure);
    let error = data.call(0, Operation::CreateTrail, trail("audit", "logs")).unwrap_err();
    assert_eq!(error.code, ErrorCode::InternalFailure);
    // what only reads still answers, and an error stays what it is
    assert_eq!(data.ok(0, Operation::ListTrails, json!({}))["Trails"][0]["Name"], "audit");
    let error = data.call(0, Operation::DeleteTrail, json!({ "Name": "unknown" })).unwrap_err();
    assert_eq!(error.code, ErrorCode::TrailNotFoundException);

    fs::remove_file(&journal).unwrap();
    fs::rename(&away, &journal).unwrap();
    data.put(1, &event("Kept")).unwrap();
    assert_eq!([data.found("Lost"), data.found("Kept")], [0, 1]);
}

#[test]
fn lines_that_are_no_events_are_named_and_the_others_taken() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    let lines = format!("{}\n\n  \nnothing\r\n{}\r\n{{}}", event("One"), event("Two"));
    let answer = data.local.record(&context(), &caller(0), lines.as_bytes()).unwrap();
    let added = &answer["added"];
    assert_eq!((&added["userIdentity"], &added["eventName"]), (&json!(2), &Value::Null));
    let expected = json!({
        "recorded": 2,
        "completed": 2,
        "added": added,
        "refusals": 2,
        "refused": [
            { "line": 4, "reason": "it is not one JSON object" },
            { "line": 6, "reason": "eventSource is missing" },
        ],
    });
    assert_eq!(answer, expected);
    assert_eq!([data.found("One"), data.found("Two")], [1, 1]);
    let many = "x\n".repeat(1_000);
    let answer = data.local.record(&context(), &caller(0), many.as_bytes()).unwrap();
    assert_eq!((&answer["refusals"], answer["refused"].as_array().unwrap().len()), (&json!(1_000), 100));
}

#[test]
fn made_up_regions_are_taken_up_to_a_bound_and_told_beyond_it() {
    let folder = tempfile::tempdir().unwrap();
    let event = |number: usize| {
        json!({ "eventName": "A", "eventSource": "b", "awsRegion": format!("r{number}-a-1") }).to_string()
    };
    let call_in = |local: &Data, region: &str| {
        let caller = Caller { region: region.to_owned(), ..caller(1) };
        let answer = local.cloudtrail.call(&context(), &caller, Operation::ListTrails, json!({}));
        answer.map(|_| ()).map_err(|error| error.code)
    };
    {
        let local = Data::open(folder.path()).unwrap();
        assert_eq!(call_in(&local, "us-east-1"), Ok(()));
        let lines: Vec<String> = (0..1_000).map(event).collect();
        let answer = local.local.record(&context(), &caller(1), lines.join("\n").as_bytes()).unwrap();
        assert_eq!((&answer["recorded"], &answer["refusals"]), (&json!(99), &json!(901)));
        let reason = answer["refused"][0]["reason"].as_str().unwrap();
        assert!(reason.starts_with("events of 100 Regions have come in"), "{reason}");
    }
    // all of them are known again when the folder is opened
    let local = Data::open(folder.path()).unwrap();
    let taken = |number| local.put(2, &event(number)).unwrap();
    assert_eq!(taken(98)["successful"].as_array().unwrap().len(), 1);
    assert_eq!(taken(99)["failed"][0]["errorCode"], "InvalidData");
    assert_eq!(call_in(&local, "us-east-1"), Ok(()));
    assert_eq!(call_in(&local, "eu-west-1"), Err(ErrorCode::OperationNotPermittedException));
}

#[test]
fn nothing_is_delivered_into_a_bucket_of_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    let error = data.call(0, Operation::CreateTrail, trail("audit", "evidence")).unwrap_err();
    assert_eq!(error.code, ErrorCode::InsufficientS3BucketPolicyException);
    assert!(!folder.path().join("evidence").exists());
}

#[test]
fn a_journal_that_was_cut_or_is_gone_takes_no_later_event_along() {
    for is_gone in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::open(folder.path()).unwrap();
        data.ok(0, Operation::CreateTrail, trail("audit", "logs"));
        data.ok(1, Operation::StartLogging, json!({ "Name": "audit" }));
        for number in 0..5 {
            data.put(2, &event(&format!("Before{number}"))).unwrap();
        }
        assert!(data.local.close(caller(3).now).is_empty());
        drop(data);
        let journal = folder.path().join("_trailseal/journal/00000000000000000000.journal");
        if is_gone {
            fs::remove_file(&journal).unwrap();
        } else {
            let file = fs::File::options().write(true).open(&journal).unwrap();
            file.set_len(file.metadata().unwrap().len() - 10).unwrap();
        }
        let data = Data::open(folder.path()).unwrap();
        assert!(data.local.notes().iter().any(|note| note.contains("it was cut or replaced")), "{is_gone}");
        for number in 0..3 {
            data.put(4, &event(&format!("After{number}"))).unwrap();
        }
        assert!(data.local.close(caller(400).now).is_empty());
        let names = delivered(&folder);
        for name in ["Before0", "Before4", "After0", "After1", "After2"] {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name} in {names:?}");
        }
    }
}

#[test]
fn trails_that_were_lost_from_the_database_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    data.ok(0, Operation::CreateTrail, trail("audit", "logs"));
    data.ok(1, Operation::StartLogging, json!({ "Name": "audit" }));
    data.tick(2);
    drop(data);
    fs::remove_file(folder.path().join("_trailseal/trails.redb")).unwrap();
    let data = Data::open(folder.path()).unwrap();
    assert!(
        data.local.notes().iter().any(|note| note.contains("trail/audit was logging")),
        "{:?}",
        data.local.notes()
    );
}

/// A data folder with one trail that logged events `A0` to `A9` and two that are not delivered yet.
fn logged() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    data.ok(0, Operation::CreateTrail, trail("audit", "logs"));
    data.ok(1, Operation::StartLogging, json!({ "Name": "audit" }));
    for number in 0..10 {
        data.put(2, &event(&format!("A{number}"))).unwrap();
    }
    assert!(data.local.close(caller(3).now).is_empty());
    for number in 0..2 {
        data.put(4, &event(&format!("B{number}"))).unwrap();
    }
    folder
}

#[track_caller]
fn is_delivered_once(folder: &TempDir, names: &[&str]) {
    let found = delivered(folder);
    for name in names {
        assert_eq!(found.iter().filter(|other| other == name).count(), 1, "{name} in {found:?}");
    }
}

#[test]
fn a_lost_state_of_deliveries_is_told_and_nothing_is_delivered_twice() {
    let folder = logged();
    fs::remove_dir_all(folder.path().join("_trailseal/delivery")).unwrap();
    let data = Data::open(folder.path()).unwrap();
    let notes = data.local.notes();
    let told = "how far it was delivered is lost";
    assert!(notes.iter().any(|note| note.contains("trail/audit: ") && note.contains(told)), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("its chain of digests goes on behind")), "{notes:?}");
    data.put(5, &event("C0")).unwrap();
    // a kill before anything of it is delivered, and right after
    drop(data);
    let data = Data::open(folder.path()).unwrap();
    data.tick(6);
    drop(data);
    let data = Data::open(folder.path()).unwrap();
    assert!(data.local.notes().is_empty(), "{:?}", data.local.notes());
    assert!(data.local.close(caller(400).now).is_empty());
    is_delivered_once(&folder, &["A0", "A9", "B0", "B1", "C0", "StartLogging"]);
}

#[test]
fn a_trail_that_never_delivered_has_lost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::open(folder.path()).unwrap();
    data.ok(0, Operation::CreateTrail, trail("audit", "logs"));
    data.ok(1, Operation::StartLogging, json!({ "Name": "audit" }));
    drop(data);
    assert!(Data::open(folder.path()).unwrap().local.notes().is_empty());
}

/// Changes a byte of the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Everything in a folder.
fn all_bytes(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all_bytes(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Damages a data folder.
type Harm<'a> = &'a dyn Fn(&TempDir);

#[test]
fn of_a_damaged_folder_a_new_one_has_what_is_intact_and_says_what_is_lost() {
    let own = |folder: &TempDir, name: &str| folder.path().join("_trailseal").join(name);
    let journal = |folder: &TempDir| own(folder, "journal/00000000000000000000.journal");
    let state =
        |folder: &TempDir| fs::read_dir(own(folder, "delivery")).unwrap().next().unwrap().unwrap().path();
    let cases: [(&str, Harm<'_>, &str); 6] = [
        ("nothing", &|_| {}, ""),
        ("journal", &|folder| flip(&journal(folder)), " is lost"),
        (
            "trails",
            &|folder| {
                let path = own(folder, "trails.redb");
                let file = fs::File::options().write(true).open(&path).unwrap();
                file.set_len(file.metadata().unwrap().len() - 5000).unwrap();
            },
            "trails.redb",
        ),
        ("state", &|folder| fs::write(state(folder), b"{").unwrap(), "delivery/"),
        (
            "key",
            &|folder| {
                for entry in fs::read_dir(own(folder, "keys/private")).unwrap() {
                    fs::write(entry.unwrap().path(), b"no").unwrap();
                }
            },
            "keys/private",
        ),
        (
            "link",
            &|folder| std::os::unix::fs::symlink("/etc/passwd", folder.path().join("logs/link")).unwrap(),
            "logs/link",
        ),
    ];
    for (what, harm, told) in cases {
        let folder = logged();
        harm(&folder);
        let opened = LocalOptions::new(folder.path());
        if matches!(what, "journal" | "trails" | "state" | "key") {
            let error = Local::open(&opened).unwrap_err();
            assert!(error.is_damage(), "{what}: {error}");
        }
        let new = tempfile::tempdir().unwrap();
        let to = new.path().join("new");
        let before = all_bytes(folder.path());
        let salvaged = trailseal_server::salvage(folder.path(), &to).unwrap();
        assert_eq!(
            all_bytes(folder.path()).keys().collect::<Vec<_>>(),
            before.keys().collect::<Vec<_>>(),
            "{what}"
        );
        assert!(all_bytes(folder.path()) == before, "{what}: nothing is changed");
        assert_eq!(salvaged.lost.is_empty(), told.is_empty(), "{what}: {salvaged:?}");
        assert!(
            salvaged.lost.iter().any(|lost| lost.contains(told)) || told.is_empty(),
            "{what}: {salvaged:?}"
        );
        // it goes on where the damaged one was
        let data = Data::open(&to).unwrap();
        assert_eq!(
            data.local.notes().is_empty(),
            !matches!(what, "state" | "key"),
            "{what}: {:?}",
            data.local.notes()
        );
        data.put(6, &event("C0")).unwrap();
        assert!(data.local.close(caller(400).now).is_empty(), "{what}");
        assert_eq!(data.found("A0"), 1, "{what}");
        let names = {
            let renamed = tempfile::tempdir().unwrap();
            fs::rename(to.join("logs"), renamed.path().join("logs")).unwrap();
            delivered(&renamed)
        };
        for name in ["A0", "A9", "B0", "B1", "C0"] {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{what}: {name} in {names:?}");
        }
    }
}

#[test]
fn a_folder_is_salvaged_only_to_where_nothing_is() {
    let folder = logged();
    let new = tempfile::tempdir().unwrap();
    let file = new.path().join("file");
    fs::write(&file, b"x").unwrap();
    let salvage = trailseal_server::salvage;
    assert!(matches!(salvage(folder.path(), new.path()), Err(LocalError::NotEmpty { .. })));
    assert!(matches!(salvage(folder.path(), &file), Err(LocalError::Folder { .. })));
    assert!(matches!(salvage(new.path(), &new.path().join("a")), Err(LocalError::NoDataFolder { .. })));
    for inner in ["new", "logs/a/b", "new/../c"] {
        let to = folder.path().join(inner);
        assert!(
            matches!(
                salvage(folder.path(), &to),
                Err(LocalError::Within { .. } | LocalError::NotEmpty { .. })
            ),
            "{inner}"
        );
        assert!(!to.exists(), "{inner}");
    }
    let _open = Data::open(folder.path()).unwrap();
    assert!(
        matches!(salvage(folder.path(), &new.path().join("b")), Err(LocalError::Journal(_))),
        "it is in use"
    );
}
