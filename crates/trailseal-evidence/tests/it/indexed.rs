//! With an index, made at any time before, everything is as it is without.

use std::{
    borrow::Cow,
    fs,
    ops::ControlFlow,
    path::Path,
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Silent,
    index::{ArchiveIndex, ColumnGroup, IndexMade, make},
    inputs::{FileSource, Inputs},
    report::Report,
    scan::{ColumnFold, ColumnRows, FileEnd, Fold, Row, ScanOptions, Summary, fold_columns, stream},
    verify,
};
use trailseal_query::{Filter, Predicate, Record, derived::Derived, expression, path::FieldPath};
use trailseal_testkit::{Archive, Plan, gzip};

use crate::{
    events::{Choices, any_file, record},
    renew::paths,
    support::options,
};

/// What is asked: of columns, of times, of values, and of what an index cannot say.
const CONDITIONS: [&str; 30] = [
    "eventName = 'CreateUser'",
    "eventName <> 'CreateUser'",
    "eventName IN ('GetObject', 'Odd')",
    "eventName LIKE '%User%'",
    "eventSource = 's3.amazonaws.com' AND readOnly = true",
    "readOnly = 'true'",
    "NOT readOnly = true",
    "errorCode IS NULL",
    "error = 'AccessDenied'",
    "category = 'Data'",
    "eventCategory IS NULL OR awsRegion = 1",
    "awsRegion = 'eu-west-1'",
    "recipientAccountId = '444455556666'",
    "recipientAccountId = userIdentity.accountId",
    "userIdentity.type = 'Root'",
    "userIdentity.userName = 'alice'",
    "userIdentity.accessKeyId = 'AKIA1'",
    "userIdentity.accessKeyId IS NULL",
    "username = 'bob'",
    "principal = '111122223333:user/alice'",
    "eventTime >= '2024-03-01T00:00:02Z'",
    "eventTime BETWEEN '2024-03-01T00:00:01Z' AND '2024-03-01T00:00:02Z'",
    "hour = '2024-03-01T00:00Z'",
    "eventID = 'e-1'",
    "eventID IN ('7', '1')",
    "requestParameters.userName = 'carol'",
    "requestParameters.userName = 'dora' OR eventName = 'ListUsers'",
    "resource_name = 'arn:aws:s3:::b'",
    "resources.ARN = 'arn:aws:s3:::nothing'",
    "anywhere('carol')",
];

struct Case {
    archive: tempfile::TempDir,
    indexes: tempfile::TempDir,
}

impl Case {
    fn of(archive: tempfile::TempDir) -> Self {
        let indexes = tempfile::Builder::new().permissions(mode(0o700)).tempdir().unwrap();
        Self { archive, indexes }
    }

    fn inputs(&self) -> Inputs {
        Inputs::open(&[self.archive.path().to_owned()]).unwrap()
    }

    fn make(&self) -> IndexMade {
        make(self.indexes.path(), &self.inputs(), 2, &Silent).unwrap()
    }

    fn open(&self) -> ArchiveIndex {
        ArchiveIndex::open(self.indexes.path(), &[self.archive.path().to_owned()])
    }

    /// Asks all conditions with the index and without; says for how many files the index answered.
    fn agrees(&self) -> u64 {
        let index = self.open();
        let mut answered = 0;
        for condition in CONDITIONS {
            let filter = Filter::new(expression::parse(condition).unwrap());
            let (with, mut of_index) = scan(&self.inputs(), Some(&index), &filter);
            let (without, summary) = scan(&self.inputs(), None, &filter);
            answered += std::mem::take(&mut of_index.from_index);
            assert_eq!(with, without, "{condition}");
            assert_eq!(of_index, summary, "{condition}");
            answered += self.columns_agree(&index, &filter, condition);
        }
        let everything = Filter::new(Predicate::Constant(true));
        answered += self.columns_agree(&index, &everything, "everything");
        assert_eq!(index.problems(), [""; 0]);
        answered
    }

    /// Takes events from columns and from records.
    fn columns_agree(&self, index: &ArchiveIndex, filter: &Filter, condition: &str) -> u64 {
        let (with, mut of_index) = taken(&self.inputs(), Some(index), filter);
        let (without, summary) = taken(&self.inputs(), None, filter);
        let answered = std::mem::take(&mut of_index.from_index);
        assert_eq!(with, without, "{condition}");
        assert_eq!(of_index, summary, "{condition}");
        answered
    }
}

fn mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

fn scan(files: &dyn FileSource, index: Option<&ArchiveIndex>, filter: &Filter) -> (String, Summary) {
    let options = ScanOptions { threads: 2, index, ..ScanOptions::default() };
    let mut out = Vec::new();
    let summary = stream(
        files,
        &options,
        filter,
        &Silent,
        &|to: &mut Vec<u8>, row| {
            to.extend_from_slice(row.file.shown.as_bytes());
            to.extend_from_slice(format!(" {} ", row.number).as_bytes());
            to.extend_from_slice(row.record.bytes());
            to.push(b'\n');
        },
        &mut |bytes| {
            out.extend_from_slice(bytes);
            ControlFlow::Continue(())
        },
    );
    (String::from_utf8_lossy(&out).into_owned(), summary.unwrap())
}

/// Events as columns tell of them, and what became of the files.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    events: Vec<String>,
    files: Vec<String>,
}

impl Fold for Taken {
    fn merge(&mut self, other: Self) {
        self.events.extend(other.events);
        self.files.extend(other.files);
    }

    fn file(&mut self, end: &FileEnd<'_>) {
        self.files.push(format!("{end:?}"));
    }
}

fn all_texts<'a>(
    visit: impl FnOnce(&mut dyn FnMut(Cow<'a, str>) -> ControlFlow<()>) -> ControlFlow<()>,
) -> Vec<String> {
    let mut texts = Vec::new();
    let _ = visit(&mut |text| {
        texts.push(text.into_owned());
        ControlFlow::Continue(())
    });
    texts
}

/// Everything that columns tell.
fn taken(inputs: &Inputs, index: Option<&ArchiveIndex>, filter: &Filter) -> (Taken, Summary) {
    const DERIVED: [Derived; 5] =
        [Derived::Category, Derived::Error, Derived::Call, Derived::Username, Derived::Principal];
    let paths =
        ["eventName", "readOnly", "userIdentity.accessKeyId", "sourceIPAddress", "userAgent", "awsRegion"];
    let paths = paths.map(|path| FieldPath::parse(path).unwrap());
    let texts = |record: &Record<'_>| paths.each_ref().map(|path| record.text(path).map(Cow::into_owned));
    let row = |taken: &mut Taken, row: &Row<'_>| {
        let of = DERIVED.map(|derived| all_texts(|each| derived.visit(&row.record, each)));
        let time = row.record.time().map(Timestamp::epoch);
        taken.events.push(format!("{time:?} {:?} {of:?}", texts(&row.record)));
        ControlFlow::Continue(())
    };
    let columns = |taken: &mut Taken, rows: &ColumnRows<'_>| {
        let columns = rows.columns();
        assert_eq!(rows.each().count() as u64, rows.matched());
        for row in rows.each() {
            let value = |group| columns.value(group, columns.numbers(group)[row]).unwrap();
            let of = DERIVED.map(|derived| {
                let value = value(ColumnGroup::of_derived(derived).unwrap());
                all_texts(|each| value.visit(derived, each))
            });
            let of_path = |path: &FieldPath| {
                value(ColumnGroup::of_path(path.segments()).unwrap()).record().text(path).map(Cow::into_owned)
            };
            let time = Some(columns.times()[row]);
            taken.events.push(format!("{time:?} {:?} {of:?}", paths.each_ref().map(of_path)));
        }
        ControlFlow::Continue(())
    };
    let options = ScanOptions { threads: 2, index, ..ScanOptions::default() };
    let columns = ColumnFold { groups: &ColumnGroup::ALL, add: &columns };
    let (mut taken, summary) =
        fold_columns(inputs, &options, filter, &Silent, &Taken::default, &row, Some(&columns)).unwrap();
    taken.events.sort();
    taken.files.sort();
    (taken, summary)
}

/// A record as most are, so that its file can be indexed.
fn ordinary(choices: &mut Choices) -> String {
    loop {
        let record = record(choices);
        let is_odd = ["null,\"event", "yesterday", "1709251202", "insightDetails", "\\u00", "[{", "[\"alice"];
        if !is_odd.iter().any(|odd| record.contains(odd)) {
            return record;
        }
    }
}

fn file(choices: &mut Choices) -> (&'static str, Vec<u8>) {
    if choices.below(4) == 0 {
        return any_file(choices);
    }
    let records: Vec<String> = (0..choices.below(7)).map(|_| ordinary(choices)).collect();
    let log = format!("{{\"Records\":[{}]}}", records.join(",")).into_bytes();
    if choices.below(4) == 0 { ("json", log) } else { ("json.gz", gzip(&log)) }
}

fn archive(choices: &mut Choices) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..=choices.below(8) {
        put(folder.path(), &format!("f{number}"), choices);
    }
    folder
}

fn put(root: &Path, name: &str, choices: &mut Choices) {
    let (end, content) = file(choices);
    let folder = root.join(choices.of(&["a", "b"]));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.{end}")), content).unwrap();
}

/// Changes an archive in one of the ways in which it may change between two runs.
fn change(root: &Path, choices: &mut Choices, round: usize) {
    for path in paths(root) {
        let time = fs::metadata(&path).and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        match choices.below(14) {
            0 => fs::remove_file(path).unwrap(),
            1 => fs::write(path, file(choices).1).unwrap(),
            // written in place, with its length and time as before
            2 => {
                let Ok(mut content) = fs::read(&path) else { continue };
                if let Some(byte) = content.last_mut() {
                    *byte ^= 1;
                }
                fs::write(&path, content).unwrap();
                fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
            }
            3 => fs::rename(&path, path.with_extension("moved.json")).unwrap(),
            4 => {
                let other = root.join(format!("elsewhere-{round}-{}", choices.below(1 << 30)));
                fs::rename(&path, &other).unwrap();
                std::os::unix::fs::symlink(&other, &path).unwrap();
            }
            _ => {}
        }
    }
    for number in 0..choices.below(3) {
        put(root, &format!("r{round}-{number}"), choices);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn an_index_changes_no_answer_however_old_it_is(seed in any::<u64>()) {
        let mut choices = Choices(seed);
        let case = Case::of(archive(&mut choices));
        case.make();
        case.agrees();
        for round in 0..3 {
            change(case.archive.path(), &mut choices, round);
            case.agrees();
            if choices.below(2) == 0 {
                case.make();
                case.agrees();
            }
        }
    }

    /// What is only new, gone or moved is seen without asking for states; what was changed where it lies is not, unless it is read.
    #[test]
    fn a_trusted_index_sees_what_came_and_went(seed in any::<u64>()) {
        let mut choices = Choices(seed);
        let case = Case::of(archive(&mut choices));
        case.make();
        let root = case.archive.path();
        for path in paths(root) {
            match choices.below(5) {
                0 => fs::remove_file(path).unwrap(),
                1 => fs::rename(&path, path.with_extension("moved.json")).unwrap(),
                _ => {}
            }
        }
        put(root, "new", &mut choices);
        let index = case.open().trusted();
        for condition in CONDITIONS {
            let filter = Filter::new(expression::parse(condition).unwrap());
            for listed in [None, Some(case.inputs().list_unasked())] {
                let inputs = case.inputs();
                let files = listed.as_ref().map_or(&inputs as &dyn FileSource, |list| list);
                let (with, mut of_index) = scan(files, Some(&index), &filter);
                let (without, summary) = scan(&case.inputs(), None, &filter);
                prop_assert_eq!(with, without);
                let unasked = std::mem::take(&mut of_index.unasked);
                prop_assert_eq!(unasked, std::mem::take(&mut of_index.from_index));
                prop_assert_eq!(of_index, summary);
            }
        }
    }

    #[test]
    fn damage_of_an_index_is_told_and_changes_no_answer(
        seed in any::<u64>(),
        at in any::<prop::sample::Index>(),
        how in 0..4_u8,
    ) {
        let mut choices = Choices(seed);
        let case = Case::of(archive(&mut choices));
        case.make();
        let parts = paths(case.indexes.path());
        let part = &parts[choices.below(parts.len())];
        let mut bytes = fs::read(part).unwrap();
        if bytes.is_empty() {
            return Ok(());
        }
        let at = at.index(bytes.len());
        match how {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << choices.below(8),
            2 => bytes.push(0),
            _ => bytes[at..].fill(0),
        }
        fs::write(part, bytes).unwrap();
        let index = case.open();
        for condition in CONDITIONS {
            let filter = Filter::new(expression::parse(condition).unwrap());
            let (with, of_index) = scan(&case.inputs(), Some(&index), &filter);
            let (without, summary) = scan(&case.inputs(), None, &filter);
            prop_assert_eq!(with, without);
            prop_assert_eq!(Summary { from_index: 0, ..of_index }, summary);
            case.columns_agree(&index, &filter, condition);
        }
        // whoever makes it anew has a sound one
        case.make();
        case.agrees();
    }
}

#[test]
fn files_that_cannot_match_are_not_read_and_new_ones_are() {
    let mut choices = Choices(7);
    let folder = tempfile::tempdir().unwrap();
    for number in 0..40 {
        let records: Vec<String> = (0..5).map(|_| ordinary(&mut choices)).collect();
        let log = format!("{{\"Records\":[{}]}}", records.join(","));
        fs::write(folder.path().join(format!("{number:02}.json.gz")), gzip(log.as_bytes())).unwrap();
    }
    let case = Case::of(folder);
    let made = case.make();
    assert_eq!((made.known, made.taken, made.left), (0, 40, 0));
    assert!(case.agrees() > 100, "most files of most questions are answered for");
    let again = case.make();
    assert_eq!((again.known, again.taken, again.left), (40, 0, 0));
    put(case.archive.path(), "new", &mut choices);
    case.agrees();
    let more = case.make();
    assert_eq!((more.known, more.taken + more.left), (40, 1));
    // many small segments become one
    for number in 0..20 {
        let log = format!("{{\"Records\":[{}]}}", ordinary(&mut choices));
        fs::write(case.archive.path().join(format!("x{number}.json")), log).unwrap();
        case.make();
    }
    case.agrees();
    let segments =
        paths(case.indexes.path()).iter().filter(|path| path.extension() == Some("segment".as_ref())).count();
    assert!(segments <= 10, "{segments}");
}

#[test]
fn a_trusted_index_searches_a_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let log = |name: &str| {
        format!(
            "{{\"Records\":[{{\"eventTime\":\"2024-03-01T00:00:00Z\",\"eventName\":\"{name}\",\"eventID\":\"1\"}}]}}"
        )
    };
    fs::write(&path, log("ListUsers")).unwrap();
    let case = Case::of(folder);
    case.make();
    fs::write(&path, log("GetObject")).unwrap();
    let found = |index: &ArchiveIndex, name: &str| {
        let filter = Filter::new(expression::parse(&format!("eventName = '{name}'")).unwrap());
        let (_, summary) = scan(&case.inputs(), Some(index), &filter);
        (summary.counts.matched, summary.from_index, summary.unasked)
    };
    assert_eq!(found(&case.open(), "GetObject"), (1, 0, 0));
    assert_eq!(found(&case.open().trusted(), "GetObject"), (0, 1, 1));
    // what is read is what is there
    assert_eq!(found(&case.open().trusted(), "ListUsers"), (0, 0, 0));
}

#[test]
fn an_index_of_others_is_not_used() {
    let mut choices = Choices(9);
    let case = Case::of(archive(&mut choices));
    case.make();
    fs::set_permissions(case.indexes.path(), mode(0o777)).unwrap();
    let index = case.open();
    assert!(index.is_empty());
    assert!(index.problems()[0].ends_with("is not used: others may write there"), "{:?}", index.problems());
    assert!(make(case.indexes.path(), &case.inputs(), 2, &Silent).is_err());
    // nothing is written below what is read
    let below = case.archive.path().join("index");
    let error = make(&below, &case.inputs(), 2, &Silent).unwrap_err();
    assert!(error.to_string().ends_with("nothing is written there"), "{error}");
    assert!(!below.exists());
}

#[test]
fn two_runs_do_not_write_one_index() {
    let mut choices = Choices(3);
    let case = Case::of(archive(&mut choices));
    let results: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..4).map(|_| scope.spawn(|| make(case.indexes.path(), &case.inputs(), 1, &Silent))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(results.iter().any(Result::is_ok));
    for error in results.into_iter().filter_map(Result::err) {
        assert!(error.to_string().starts_with("another run is making the index"), "{error}");
    }
    case.agrees();
}

/// Verifies with an index that was made before `tamper` and without any; says of how many files hashes were taken from it.
fn verified(archive: &Archive, tamper: &dyn Fn(&Archive)) -> u64 {
    let indexes = tempfile::Builder::new().permissions(mode(0o700)).tempdir().unwrap();
    let inputs = Inputs::open(&[archive.root()]).unwrap();
    make(indexes.path(), &inputs, 2, &Silent).unwrap();
    tamper(archive);
    let report = |index: Option<ArchiveIndex>| -> Report {
        let options = trailseal_evidence::Options { index, ..options(archive) };
        verify(&options, &Silent, &mut |_| ControlFlow::Continue(())).unwrap()
    };
    let without = report(None);
    let mut with = report(Some(ArchiveIndex::open(indexes.path(), &[archive.root()])));
    let used = std::mem::take(&mut with.scope.index).iter().map(|index| index.files).sum();
    assert_eq!(serde_json::to_string(&with).unwrap(), serde_json::to_string(&without).unwrap());
    used
}

#[test]
fn a_report_is_the_same_but_for_the_line_on_the_index() {
    let archive = || Plan { hours: 4, logs_per_hour: 3, ..Plan::default() }.model().write();
    assert!(verified(&archive(), &|_| {}) >= 12);
    let log = |archive: &Archive| archive.log(2, 1).to_owned();
    // a byte that changes, and the clock put back
    let flipped = verified(&archive(), &|archive| {
        let path = archive.path(log(archive));
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        archive.flip(log(archive), 40, 3);
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    });
    assert!(flipped >= 11);
    verified(&archive(), &|archive| fs::remove_file(archive.path(log(archive))).unwrap());
    verified(&archive(), &|archive| {
        let path = archive.path(log(archive));
        fs::copy(&path, path.with_file_name("copy.json.gz")).unwrap();
    });
    verified(&archive(), &|archive| {
        let (one, other) = (archive.path(archive.log(1, 0)), archive.path(log(archive)));
        let aside = one.with_extension("aside");
        fs::rename(&one, &aside).unwrap();
        fs::rename(&other, &one).unwrap();
        fs::rename(&aside, &other).unwrap();
    });
}

#[test]
fn bytes_are_compared_even_where_nothing_tells_of_a_change() {
    // what nobody can do to a file system can be done to an index: the entry of another state of the file
    let archive = Plan { hours: 2, logs_per_hour: 1, ..Plan::default() }.model().write();
    let indexes = tempfile::Builder::new().permissions(mode(0o700)).tempdir().unwrap();
    let inputs = Inputs::open(&[archive.root()]).unwrap();
    make(indexes.path(), &inputs, 1, &Silent).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    archive.flip(archive.log(1, 0), 40, 3);
    let again = make(indexes.path(), &inputs, 1, &Silent).unwrap();
    assert_eq!(again.taken + again.left, 1, "the file that changed is read again");
    assert!(verified(&archive, &|_| {}) >= 1);
}
