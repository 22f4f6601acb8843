use std::{collections::BTreeMap, fs, path::PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const ACCOUNT: &str = "111122223333";

fn caller(account: &str, region: &str, seconds: i64) -> Caller {
    Caller {
        account: account.to_owned(),
        region: region.to_owned(),
        now: Millis::from_millis(seconds * 1_000 + 250),
    }
}

fn here() -> Caller {
    caller(ACCOUNT, "us-east-1", 1_700_000_000)
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trails.redb");
    (folder, path)
}

fn create(store: &Store, name: &str) {
    let input = json!({"Name": name, "S3BucketName": "logs"});
    store.call(&here(), Operation::CreateTrail, &input).unwrap();
}

#[test]
fn every_operation_is_there_after_opening_again() {
    let (_folder, path) = place();
    let arn = format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/trail");
    let tags = json!({"ResourceId": arn, "TagsList": [{"Key": "k", "Value": "v"}]});
    let field = json!({"Field": "eventCategory", "Equals": ["Management"]});
    let logs = json!({
        "Name": "trail", "S3KeyPrefix": "p", "SnsTopicName": "topic", "KmsKeyId": "alias/a",
        "CloudWatchLogsLogGroupArn": format!("arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:*"),
        "CloudWatchLogsRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/r"),
    });
    for (operation, input) in [
        (Operation::CreateTrail, json!({"Name": "trail", "S3BucketName": "logs"})),
        (Operation::AddTags, tags.clone()),
        (Operation::StartLogging, json!({"Name": "trail"})),
        (Operation::UpdateTrail, logs),
        (
            Operation::PutInsightSelectors,
            json!({"TrailName": "trail", "InsightSelectors": [{"InsightType": "ApiErrorRateInsight"}]}),
        ),
        (
            Operation::PutEventSelectors,
            json!({"TrailName": "trail", "EventSelectors": [{"ReadWriteType": "ReadOnly"}]}),
        ),
        (
            Operation::PutEventSelectors,
            json!({"TrailName": "trail", "AdvancedEventSelectors": [{"FieldSelectors": [field]}]}),
        ),
        (Operation::StopLogging, json!({"Name": "trail"})),
        (Operation::RemoveTags, tags),
        (Operation::DeleteTrail, json!({"Name": "trail"})),
    ] {
        let store = Store::open(&path).unwrap();
        let before = store.accounts();
        store.call(&here(), operation, &input).unwrap();
        let after = store.accounts();
        assert_ne!(before, after, "{operation:?}");
        drop(store);
        let again = Store::open(&path).unwrap().accounts();
        let trails = |accounts: &Accounts| -> Vec<_> {
            accounts.values().flat_map(Account::trails).cloned().collect()
        };
        assert_eq!(trails(&again), trails(&after), "{operation:?}");
    }
}

#[test]
fn deliveries_are_noted_for_good() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    create(&store, "trail");
    store.call(&here(), Operation::StartLogging, &json!({"Name": "trail"})).unwrap();
    let arn = format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/trail");
    let time = Millis::from_millis(1_700_000_100_500);
    store.note_delivery(&arn, DeliveryKind::Log, time, Ok(())).unwrap();
    store.note_delivery(&arn, DeliveryKind::Digest, time, Err("x".repeat(5_000))).unwrap();
    for unknown in [arn.replace("trail/trail", "trail/none"), arn.replace("aws:", "aws-cn:"), "x".to_owned()]
    {
        let result = store.note_delivery(&unknown, DeliveryKind::Log, time, Ok(()));
        assert!(matches!(result, Err(NoteError::NoTrail { .. })), "{unknown}");
    }
    drop(store);
    let store = Store::open(&path).unwrap();
    let status = store.call(&here(), Operation::GetTrailStatus, &json!({"Name": "trail"})).unwrap();
    assert_eq!(status["LatestDeliveryTime"], json!(1_700_000_100.5));
    assert_eq!(status["LatestDigestDeliveryError"].as_str().unwrap().len(), 1_000);
}

#[test]
fn a_deliverer_is_told_what_it_must_know() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    create(&store, "idle");
    let input = json!({
        "Name": "trail", "S3BucketName": "logs", "S3KeyPrefix": "p/q", "IsMultiRegionTrail": true,
        "EnableLogFileValidation": true,
    });
    store.call(&here(), Operation::CreateTrail, &input).unwrap();
    store.call(&here(), Operation::StartLogging, &json!({"Name": "trail"})).unwrap();
    let trails = store.delivered_trails();
    let selectors =
        store.call(&here(), Operation::GetEventSelectors, &json!({"TrailName": "trail"})).unwrap();
    let expected = DeliveredTrail {
        arn: format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/trail"),
        name: "trail".to_owned(),
        account: ACCOUNT.to_owned(),
        home_region: "us-east-1".to_owned(),
        bucket: "logs".to_owned(),
        prefix: Some("p/q".to_owned()),
        multi_region: true,
        include_global_service_events: true,
        validation: true,
        selectors,
        logging_since: here().now.millis(),
        logging_until: None,
        changed: here().now.millis(),
    };
    assert_eq!(trails, [expected]);
    let json = trails[0].selectors.to_string();
    assert!(trailseal_query::selectors::Selectors::parse(json.as_bytes()).is_ok());
}

#[test]
fn rows_of_the_first_version_are_read() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    create(&store, "trail");
    let later = caller(ACCOUNT, "us-east-1", 1_700_000_100);
    store.call(&later, Operation::StartLogging, &json!({"Name": "trail"})).unwrap();
    let accounts = store.accounts();
    let mut row = serde_json::to_value(&**accounts[ACCOUNT].trails().next().unwrap()).unwrap();
    row.as_object_mut().unwrap().remove("changed");
    let basic = json!([{
        "ReadWriteType": "ReadOnly", "IncludeManagementEvents": true, "ExcludeManagementEventSources": [],
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
    }]);
    let field = json!({"Field": "eventCategory", "Equals": ["Management"]});
    let advanced = json!([{"Name": "n", "FieldSelectors": [field]}]);
    for (kind, member, selectors) in
        [("Basic", "EventSelectors", basic), ("Advanced", "AdvancedEventSelectors", advanced)]
    {
        row["selectors"] = json!({kind: selectors});
        let trail: Trail = serde_json::from_value(row.clone()).unwrap();
        let account = Account::default().with(&Change::put(trail));
        let delivered = account.delivered_trails();
        assert_eq!(delivered[0].changed, later.now.millis());
        assert_eq!(delivered[0].selectors[member], selectors);
    }
}

#[test]
fn accounts_do_not_see_one_another() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    create(&store, "trail");
    let other = caller("444455556666", "us-east-1", 0);
    let list = store.call(&other, Operation::ListTrails, &json!({})).unwrap();
    assert_eq!(list, json!({"Trails": []}));
    let input = json!({"Name": "trail", "S3BucketName": "logs"});
    assert!(store.call(&other, Operation::CreateTrail, &input).is_ok());
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(Store::open(&path).unwrap());
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Store::open(&path).unwrap());
    assert_eq!(mode(), 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn an_empty_file_becomes_a_database() {
    let (_folder, path) = place();
    fs::write(&path, "").unwrap();
    create(&Store::open(&path).unwrap(), "trail");
    assert_eq!(Store::open(&path).unwrap().accounts().len(), 1);
}

#[test]
fn a_database_in_use_is_not_opened_again() {
    let (_folder, path) = place();
    let _store = Store::open(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
}

#[test]
fn foreign_files_are_refused_and_left_as_they_are() {
    let (folder, path) = place();
    let noise: Vec<u8> = (0..20_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    for content in [b"x".to_vec(), b"SQLite format 3\0".to_vec(), vec![0; 10_000], noise] {
        fs::write(&path, &content).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. } | StoreError::Damaged { .. }), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    let other = folder.path().join("other.redb");
    drop(redb::Database::create(&other).unwrap());
    assert!(matches!(Store::open(&other), Err(StoreError::Foreign { .. })));
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Io { .. })));
    assert!(matches!(Store::open(&folder.path().join("no/folder")), Err(StoreError::Io { .. })));
}

#[test]
fn after_a_write_that_failed_the_file_counts() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    create(&store, "one");
    // as a failed write leaves it; what became of the write is seen in the file
    *store.database.lock().unwrap() = None;
    create(&Store::open(&path).unwrap(), "two");
    create(&store, "three");
    let list = store.call(&here(), Operation::ListTrails, &json!({})).unwrap();
    assert_eq!(list["Trails"].as_array().unwrap().len(), 3);
}

#[test]
fn a_delivery_that_cannot_be_noted_shows_all_the_same() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    for name in ["one", "two"] {
        create(&store, name);
    }
    let status = |store: &Store, name: &str| {
        store.call(&here(), Operation::GetTrailStatus, &json!({"Name": name})).unwrap()
    };
    let note = |store: &Store, name: &str, kind, seconds: i64, result: Result<(), String>| {
        let arn = format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{name}");
        store.note_delivery(&arn, kind, Millis::from_millis(seconds * 1_000), result)
    };
    let fault = || Err("AccessDenied".to_owned());
    *store.database.lock().unwrap() = None;
    let content = fs::read(&path).unwrap();
    fs::write(&path, "no database").unwrap();
    for (name, kind) in
        [("one", DeliveryKind::Log), ("two", DeliveryKind::Log), ("two", DeliveryKind::Digest)]
    {
        let noted = note(&store, name, kind, 5, fault());
        assert!(matches!(noted, Err(NoteError::Database { .. })), "{noted:?}");
    }
    let unknown = note(&store, "none", DeliveryKind::Log, 5, Ok(()));
    assert!(matches!(unknown, Err(NoteError::NoTrail { .. })), "{unknown:?}");
    let shown = |store: &Store| {
        let members = ["LatestDeliveryError", "LatestDigestDeliveryError"];
        [("one", members[0]), ("two", members[0]), ("two", members[1])]
            .map(|(name, member)| status(store, name)[member] == "AccessDenied")
    };
    assert_eq!(shown(&store), [true; 3]);
    // a change of one trail does not hide what is known of the other, and takes its own along
    fs::write(&path, content).unwrap();
    store.call(&here(), Operation::StartLogging, &json!({"Name": "two"})).unwrap();
    assert_eq!(shown(&store), [true; 3]);
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(shown(&store), [false, true, true]);
    note(&store, "two", DeliveryKind::Log, 9, Ok(())).unwrap();
    assert_eq!(shown(&store), [false, false, true]);
}

#[test]
fn calls_at_once_are_calls_one_after_another() {
    let (_folder, path) = place();
    let store = Store::open(&path).unwrap();
    create(&store, "trail");
    let arn = format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/trail");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, arn) = (&store, &arn);
            scope.spawn(move || {
                for number in 0..10 {
                    let tag = json!({"Key": format!("{thread}-{number}")});
                    let input = json!({"ResourceId": arn, "TagsList": [tag]});
                    store.call(&here(), Operation::AddTags, &input).unwrap();
                    store.call(&here(), Operation::ListTrails, &json!({})).unwrap();
                }
            });
        }
    });
    let tags = |store: &Store| {
        let list = store.call(&here(), Operation::ListTags, &json!({"ResourceIdList": [arn]})).unwrap();
        list["ResourceTagList"][0]["TagsList"].as_array().unwrap().len()
    };
    assert_eq!(tags(&store), 40);
    drop(store);
    assert_eq!(tags(&Store::open(&path).unwrap()), 40);
}

/// A call, and whether the store is opened again before it.
fn step() -> impl Strategy<Value = (bool, Caller, Operation, Value)> {
    let names = proptest::sample::select(vec!["one", "two", "three", "x"]);
    let regions = proptest::sample::select(vec!["us-east-1", "eu-west-1"]);
    let accounts = proptest::sample::select(vec![ACCOUNT, "444455556666"]);
    let operations = proptest::sample::select(Operation::ALL.to_vec());
    (any::<bool>(), accounts, regions, names, operations, 0..4_i64, any::<bool>()).prop_map(
        |(reopens, account, region, name, operation, number, flag)| {
            let id = format!("arn:aws:cloudtrail:{region}:{account}:trail/{name}");
            let tag = json!([{"Key": format!("k{number}"), "Value": region}]);
            let input = match operation {
                Operation::CreateTrail => {
                    json!({"Name": name, "S3BucketName": "logs", "IsMultiRegionTrail": flag, "TagsList": tag})
                }
                Operation::UpdateTrail => {
                    json!({"Name": name, "S3KeyPrefix": format!("p{number}"), "IsMultiRegionTrail": flag})
                }
                Operation::AddTags | Operation::RemoveTags => json!({"ResourceId": id, "TagsList": tag}),
                Operation::ListTags => json!({"ResourceIdList": [id]}),
                Operation::PutEventSelectors => {
                    json!({"TrailName": name, "EventSelectors": [{"IncludeManagementEvents": flag}]})
                }
                Operation::PutInsightSelectors if flag => json!({"TrailName": name, "InsightSelectors": []}),
                Operation::PutInsightSelectors => {
                    json!({"TrailName": name, "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]})
                }
                Operation::GetEventSelectors | Operation::GetInsightSelectors => json!({"TrailName": name}),
                _ => json!({"Name": name}),
            };
            (reopens && number == 0, caller(account, region, number), operation, input)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_store_is_the_model_across_openings(steps in proptest::collection::vec(step(), 1..60)) {
        let (_folder, path) = place();
        let mut store = Some(Store::open(&path).unwrap());
        let mut model: BTreeMap<String, Account> = BTreeMap::new();
        for (reopens, caller, operation, input) in steps {
            if reopens {
                store = None;
            }
            let store = store.get_or_insert_with(|| Store::open(&path).unwrap());
            let account = model.entry(caller.account.clone()).or_default();
            let expected = match rules::apply(account, &caller, operation, &input, &OnDemand) {
                Ok((answer, change)) => {
                    if let Some(change) = change {
                        *account = account.with(&change);
                    }
                    Ok(serde_json::to_value(answer).unwrap())
                }
                Err(error) => Err(error),
            };
            prop_assert_eq!(store.call(&caller, operation, &input), expected);
        }
        drop(store);
        let accounts = Store::open(&path).unwrap().accounts();
        for (name, account) in model {
            prop_assert_eq!(accounts.get(&name).cloned().unwrap_or_default(), account);
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_or_what_it_was(places in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4)) {
        let (_folder, path) = place();
        let store = Store::open(&path).unwrap();
        create(&store, "trail");
        let before = store.accounts();
        drop(store);
        let mut bytes = fs::read(&path).unwrap();
        // the pages in use are few and lie anywhere; zeros are mostly not in use
        let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        for (index, change) in places {
            bytes[used[index.index(used.len())]] ^= change;
        }
        fs::write(&path, bytes).unwrap();
        // a damaged byte of the header may name the state before, which has its own checksums
        if let Ok(store) = Store::open(&path) {
            let trails = |accounts: &Accounts| -> Vec<_> {
                accounts.values().flat_map(Account::trails).cloned().collect()
            };
            let after = store.accounts();
            prop_assert!(trails(&after) == trails(&before) || trails(&after).is_empty(), "{after:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Cut anywhere, or with a part overwritten: what stands in pages that are left is a trail of the new database.
    #[test]
    fn trails_of_a_damaged_database_are_read_from_its_pages(
        at in any::<prop::sample::Index>(), length in 0_usize..9_000, is_cut in any::<bool>(),
    ) {
        let (folder, path) = place();
        {
            let store = Store::open(&path).unwrap();
            for number in 0..4 {
                create(&store, &format!("trail-{number}"));
            }
            let start = json!({"Name": "trail-3"});
            store.call(&here(), Operation::StartLogging, &start).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        let at = at.index(bytes.len());
        if is_cut {
            bytes.truncate(at);
        } else {
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(0);
        }
        fs::write(&path, &bytes).unwrap();
        let new = folder.path().join("new.redb");
        let salvaged = salvage(&path, &new).unwrap();
        prop_assert_eq!(fs::read(&path).unwrap(), bytes.clone(), "nothing is changed");
        let store = Store::open(&new).unwrap();
        let names: Vec<String> = store.accounts().values().flat_map(Account::trails).map(|trail| trail.arn()).collect();
        match salvaged {
            SalvagedTrails::Whole(count) => prop_assert_eq!((count, names.len()), (4, 4)),
            SalvagedTrails::Rows { trails, .. } => {
                prop_assert_eq!(trails, names.clone());
                // every name that still stands in a whole row is there
                let text = String::from_utf8_lossy(&bytes).into_owned();
                for number in 0..4 {
                    let row = format!("{{\"name\":\"trail-{number}\",");
                    let is_whole = text.match_indices(&row).any(|(at, _)| {
                        let row = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Trail>().next();
                        matches!(row, Some(Ok(_)))
                    });
                    let arn = format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/trail-{number}");
                    prop_assert_eq!(names.contains(&arn), is_whole, "{}", number);
                }
            }
            SalvagedTrails::Absent => prop_assert!(false, "the file is there"),
        }
        // it can be used
        create(&store, "another");
    }
}

#[test]
fn of_several_rows_of_a_trail_the_newest_is_salvaged() {
    let (folder, path) = place();
    {
        let store = Store::open(&path).unwrap();
        create(&store, "trail");
        for (operation, seconds) in
            [(Operation::StartLogging, 10), (Operation::StopLogging, 20), (Operation::StartLogging, 30)]
        {
            let caller = caller(ACCOUNT, "us-east-1", 1_700_000_000 + seconds);
            store.call(&caller, operation, &json!({"Name": "trail"})).unwrap();
        }
    }
    let mut bytes = fs::read(&path).unwrap();
    // no header says where pages are
    bytes[..512].fill(0);
    fs::write(&path, &bytes).unwrap();
    let new = folder.path().join("new.redb");
    assert!(
        matches!(salvage(&path, &new).unwrap(), SalvagedTrails::Rows { trails, .. } if trails.len() == 1)
    );
    let trails = Store::open(&new).unwrap().delivered_trails();
    assert_eq!((trails[0].logging_since, trails[0].logging_until), (1_700_000_030_250, None));
}
