//! What lies outside AWS's layout: every file of it is part of the archive by its name, named as a stray, or counted
//! as what it is (rows 63, 70, 83 and 85 of spec/verification.md 5).

use std::{collections::BTreeMap, path::Path};

use trailseal_archive::{
    key::{ObjectKind, is_account_id, is_organization_id},
    walk::{File, Folder, Listing, Roots},
};
use trailseal_verify::{
    finding::{Code, Finding},
    policy::Policy,
};

use crate::{
    files::FileRef,
    options::Options,
    outcome::Leftovers,
    read::SIDECAR,
    report::FileTotals,
    sniff,
    sort::{is_marker, place_by_name},
};

/// Listings outside AWS's layout, by account and region: of files that tell by their names where they belong.
pub(crate) type Loose = BTreeMap<(String, String), Vec<(ObjectKind, Listing)>>;

/// The files outside AWS's layout.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    pub(crate) loose: Loose,
    /// What lies where log or digest files are expected, and is neither.
    pub(crate) strays: Vec<Finding>,
    pub(crate) leftovers: Leftovers,
    /// Those that belong to no account and region.
    pub(crate) files: FileTotals,
}

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where<'a> {
    /// Below a folder of CloudTrail's, in the folder of no region.
    Kind { account: &'a str },
    /// The folder of an account: some services leave a file there.
    Account { account: &'a str },
    /// Any other.
    Elsewhere,
}

impl Outside {
    pub(crate) fn new(roots: &Roots, folders: &[Folder], options: &Options, policy: &Policy) -> Self {
        let mut outside = Self::default();
        for folder in folders {
            outside.folder(roots, folder, options, policy);
        }
        outside
    }

    fn folder(&mut self, roots: &Roots, folder: &Folder, options: &Options, policy: &Policy) {
        let mut kinds: BTreeMap<(String, String, ObjectKind), Vec<File>> = BTreeMap::new();
        let mut rest = Vec::new();
        for file in roots.list_one(folder) {
            let name = file.name.strip_suffix(SIDECAR).unwrap_or(&file.name);
            let place = place_by_name(name)
                .map(|(account, region, kind)| (account.to_owned(), region.to_owned(), kind));
            match place {
                Some(place) => kinds.entry(place).or_default().push(file),
                None => rest.push(file),
            }
        }
        // What lies among logs and digests is judged as it is in AWS's layout.
        let is_expected = !kinds.is_empty();
        for ((account, region, kind), files) in kinds {
            if policy.wants_place(&account, &region) {
                let listing = Listing { folder: folder.clone(), files };
                self.loose.entry((account, region)).or_default().push((kind, listing));
            }
        }
        let place = place_of(&folder.real);
        for file in rest {
            let file = FileRef { kind: ObjectKind::Log, folder, file: &file };
            self.file(roots, &file, place, is_expected, options, policy);
        }
    }

    fn file(
        &mut self,
        roots: &Roots,
        file: &FileRef<'_>,
        place: Where<'_>,
        is_expected: bool,
        options: &Options,
        policy: &Policy,
    ) {
        self.files.found += 1;
        let account = match place {
            Where::Kind { account } | Where::Account { account } => account,
            Where::Elsewhere => "",
        };
        let is_suspect = is_expected || place != Where::Elsewhere;
        // Some services leave a file beside their folders.
        let is_of_service =
            || matches!(place, Where::Account { .. }) && !is_expected && !sniff::may_hold_events(roots, file);
        let is_other = || {
            let is_readable = file.file.refusal.is_none();
            !is_suspect
                || !policy.wants_place(account, "")
                || (is_readable && (is_harmless(roots, file, options) || is_of_service()))
        };
        if is_marker(file) {
            self.files.markers += 1;
        } else if let Some(kind) = sniff::leftover(roots, file) {
            self.files.leftovers += 1;
            self.leftovers.add(kind, &file.shown());
        } else if is_other() {
            self.files.others += 1;
        } else {
            self.files.strays += 1;
            let message = "a file where log and digest files are expected, that is neither by its name";
            let finding = Finding::new(Code::StrayObject, message).of_place(None, account, "");
            self.strays.push(finding.found_at(file.shown()));
        }
    }
}

/// Whether it holds object metadata or keys, and nothing else.
fn is_harmless(roots: &Roots, file: &FileRef<'_>, options: &Options) -> bool {
    let is_given = |key: &std::path::PathBuf| std::fs::canonicalize(key).is_ok_and(|key| key == file.real());
    let is_key = file.file.name.starts_with("public-keys") || options.key_files.iter().any(is_given);
    (is_key && sniff::holds_keys(roots, file))
        || (file.file.name.ends_with(".json") && sniff::metadata_in(roots, file).is_some())
}

/// What a folder is by its components, in whatever case a disk has them.
fn place_of(folder: &Path) -> Where<'_> {
    let names: Vec<&str> = folder.components().filter_map(|part| part.as_os_str().to_str()).collect();
    let Some(at) = names.iter().rposition(|name| name.eq_ignore_ascii_case("AWSLogs")) else {
        return Where::Elsewhere;
    };
    let below = match &names[at + 1..] {
        [organization, below @ ..] if is_organization_id(organization) => below,
        below => below,
    };
    match below {
        [account] if is_account_id(account) => Where::Account { account },
        [account, kind, ..] if is_account_id(account) && is_cloudtrails(kind) => Where::Kind { account },
        _ => Where::Elsewhere,
    }
}

/// Whether a folder of an account is one of CloudTrail's that hold events or digests. CloudTrail Lake's hold the
/// results of queries.
fn is_cloudtrails(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("cloudtrail") && kind != "cloudtrail-lake"
}
