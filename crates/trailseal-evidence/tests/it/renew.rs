//! An index that is made of one before answers as one that is made anew.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use proptest::prelude::*;
use trailseal_evidence::{
    Silent,
    events::{EventIndex, ListChange, RenewedIndex},
    index::ArchiveIndex,
};
use trailseal_query::lookup::Request;

use crate::events::{Choices, agree, any_archive, any_file, any_request, files, indexed, opened, options};

fn renew(index: &EventIndex, folder: &Path, suspects: &[PathBuf]) -> RenewedIndex {
    renew_with(index, folder, suspects, None)
}

/// The same with an index on disk.
fn renew_with(
    index: &EventIndex,
    folder: &Path,
    suspects: &[PathBuf],
    on_disk: Option<Arc<ArchiveIndex>>,
) -> RenewedIndex {
    let suspects: HashSet<PathBuf> = suspects.iter().map(|path| path.canonicalize().unwrap()).collect();
    index.renew(Arc::new(opened(&[folder]).list()), on_disk, &suspects, &options(), &Silent).unwrap()
}

fn load(folder: &Path) -> EventIndex {
    EventIndex::load(Arc::new(opened(&[folder]).list()), None, &options(), &Silent).unwrap().0
}

pub(crate) fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(paths(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_goes_or_changes(seed in any::<u64>()) {
        let mut choices = Choices(seed);
        let archive = any_archive(&mut choices);
        let mut index = load(archive.path());
        let mut on_disk = Some(indexed(&opened(&[archive.path()])));
        for round in 0..4 {
            for path in paths(archive.path()) {
                match choices.below(5) {
                    0 => fs::remove_file(path).unwrap(),
                    // of another length in nearly every case, and of another time in any
                    1 => fs::write(path, any_file(&mut choices).1).unwrap(),
                    _ => {}
                }
            }
            for number in 0..choices.below(3) {
                let (end, content) = any_file(&mut choices);
                let folder = archive.path().join(choices.of(&["a", "b", "new"]));
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(format!("r{round}-{number}.{end}")), content).unwrap();
            }
            // an index on disk may be there, old or new, or not any more
            match choices.below(4) {
                0 => on_disk = None,
                1 => on_disk = Some(indexed(&opened(&[archive.path()]))),
                _ => {}
            }
            let open = |indexes: &tempfile::TempDir| ArchiveIndex::open(indexes.path(), &[archive.path().to_owned()]);
            let of_disk = on_disk.as_ref().map(open).map(Arc::new);
            index = renew_with(&index, archive.path(), &[], of_disk).index;
            let inputs = opened(&[archive.path()]);
            prop_assert!(index.is_of(&inputs.list()));
            let expected = load(archive.path()).statistics().records;
            let records = index.statistics().records;
            // of known files, those of an unknown category count, too
            prop_assert!(records == expected || on_disk.is_some() && records > expected);
            for _ in 0..8 {
                agree(&index, &inputs, &any_request(&mut choices));
            }
        }
    }
}

fn log(number: usize) -> Vec<u8> {
    format!(
        r#"{{"Records":[{{"eventVersion":"1.08","eventTime":"2024-03-01T00:00:0{number}Z","eventName":"N{number}","eventSource":"a","eventID":"e{number}","awsRegion":"us-east-1"}}]}}"#
    )
    .into_bytes()
}

#[test]
fn only_what_came_or_changed_is_read_and_what_changed_is_said() {
    let folder =
        files(&[("a.json", log(1)), ("b.json", log(2)), ("c.json", log(3)), ("none.json", b"{}".to_vec())]);
    let index = load(folder.path());
    let unchanged = renew(&index, folder.path(), &[]);
    assert_eq!(
        (unchanged.change, unchanged.summary.files),
        (ListChange::default(), 1),
        "what holds no event"
    );
    fs::remove_file(folder.path().join("a.json")).unwrap();
    fs::write(folder.path().join("b.json"), [log(2), b"\n".to_vec()].concat()).unwrap();
    fs::write(folder.path().join("d.json"), log(4)).unwrap();
    let renewed = renew(&index, folder.path(), &[]);
    let ListChange { new, gone, first_gone, changed } = renewed.change;
    assert_eq!((new, gone, changed), (1, 1, 1));
    assert!(first_gone.unwrap().ends_with("a.json"));
    assert_eq!((renewed.summary.files, renewed.index.statistics().records), (3, 3));
    // tokens of the one before are none of this
    let (before, after) = (index.files().fingerprint(), renewed.index.files().fingerprint());
    assert_ne!(before, after);
}

#[test]
fn a_file_that_could_not_be_read_is_read_again_though_it_looks_as_it_was() {
    let folder = files(&[("a.json", log(1)), ("b.json", log(2))]);
    let path = folder.path().join("a.json");
    let index = load(folder.path());
    // other bytes under the same length and time
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, log(3)).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(renew(&index, folder.path(), &[]).summary.files, 0);
    let renewed = renew(&index, folder.path(), &[path]);
    assert_eq!((renewed.summary.files, renewed.change), (1, ListChange::default()));
    assert_eq!(agree(&renewed.index, &opened(&[folder.path()]), &Request::default()), 2);
}
