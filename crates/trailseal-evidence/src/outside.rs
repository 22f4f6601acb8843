//! What lies outside AWS's layout: every file of it is part of the archive by its name, named as a stray, or counted
//! as what it is (rows 63, 70, 83 and 85 of spec/verification.md 5).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use trailseal_archive::{
    Timestamp,
    key::{ObjectKind, is_account_id, is_organization_id},
    leftover::Leftover,
    walk::{File, Folder, Listing, Roots},
};
use trailseal_verify::{
    finding::{Code, Finding},
    link::named_chain,
    parts::ChainId,
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
    /// The newest digests, by their names, among those that were not asked for.
    pub(crate) peers: BTreeMap<ChainId, Timestamp>,
    /// What lies where log or digest files are expected, and is neither.
    pub(crate) strays: Vec<Finding>,
    pub(crate) leftovers: Leftovers,
    /// Those that belong to no account and region.
    pub(crate) files: FileTotals,
    /// Files in no folder of CloudTrail's, of which it is not known yet whether logs lie beside them.
    elsewhere: Vec<(Folder, File)>,
    /// The roots, by their numbers, in which logs or digests lie outside AWS's layout, asked for or not.
    lost: BTreeSet<usize>,
}

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where<'a> {
    /// Below a folder of CloudTrail's, in the folder of no region.
    Kind { account: &'a str },
    /// The folder of an account or above it, or one named like CloudTrail's in a tree that was cut: services and people
    /// leave files there, but no events.
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
        outside.judge_elsewhere(roots, options, policy);
        outside
    }

    fn folder(&mut self, roots: &Roots, folder: &Folder, options: &Options, policy: &Policy) {
        let mut kinds: BTreeMap<(String, String, ObjectKind), Vec<File>> = BTreeMap::new();
        let mut rest = Vec::new();
        // There may be millions of files of other services: none is asked for its length, or opened.
        for mut file in roots.list_names(folder) {
            let name = file.name.strip_suffix(SIDECAR).unwrap_or(&file.name);
            let place = place_by_name(name)
                .map(|(account, region, kind)| (account.to_owned(), region.to_owned(), kind));
            match place {
                Some(place) => {
                    let length =
                        || folder.real.join(&*file.name).symlink_metadata().map_or(0, |found| found.len());
                    if file.refusal.is_none() && !file.is_link {
                        file.length = length();
                    }
                    kinds.entry(place).or_default().push(file);
                }
                None => rest.push(file),
            }
        }
        // What lies among logs and digests is judged as it is in AWS's layout.
        let is_expected = !kinds.is_empty();
        for ((account, region, kind), files) in kinds {
            if policy.wants_place(&account, &region) {
                let listing = Listing { folder: folder.clone(), files };
                self.loose.entry((account, region)).or_default().push((kind, listing));
            } else {
                for (id, end) in files.iter().filter_map(|file| named_chain(&file.name)) {
                    let known = self.peers.entry(id).or_insert(end);
                    *known = end.max(*known);
                }
            }
        }
        let is_bare = is_in_no_layout(folder);
        if is_expected && is_bare {
            let above = |root: &PathBuf| folder.shown.starts_with(root);
            self.lost.extend((0..options.roots.len()).filter(|root| above(&options.roots[*root])));
        }
        let place = place_of(folder, options);
        let in_folder = Leftover::in_folder(&folder.real);
        for file in rest {
            self.files.found += 1;
            if !is_expected && is_bare && place == Where::Elsewhere {
                self.elsewhere.push((folder.clone(), file));
                continue;
            }
            let file = FileRef { kind: ObjectKind::Log, folder, file: &file };
            if self.is_known(roots, in_folder, &file) {
                continue;
            }
            if is_expected || place != Where::Elsewhere {
                self.suspect(roots, &file, place, is_expected, options, policy);
            } else {
                self.files.others += 1;
            }
        }
    }

    /// Files beside a tree that has lost AWS's layout: its logs may lie in any folder, and so may what was put among
    /// them. Elsewhere they are the user's own.
    fn judge_elsewhere(&mut self, roots: &Roots, options: &Options, policy: &Policy) {
        for (folder, file) in std::mem::take(&mut self.elsewhere) {
            let file = FileRef { kind: ObjectKind::Log, folder: &folder, file: &file };
            let is_beside_logs = self.lost.iter().any(|root| folder.shown.starts_with(&options.roots[*root]));
            if self.is_known(roots, Leftover::in_folder(&folder.real), &file) {
                continue;
            }
            if is_beside_logs {
                self.suspect(roots, &file, Where::Account { account: "" }, false, options, policy);
            } else {
                self.files.others += 1;
            }
        }
    }

    /// Counts a file that is a link to another, or what desktops, copies and archives leave behind.
    fn is_known(&mut self, roots: &Roots, in_folder: Option<Leftover>, file: &FileRef<'_>) -> bool {
        // What it leads to is judged where it lies.
        if file.file.is_link && file.file.refusal.is_none() {
            self.files.aliases += 1;
            return true;
        }
        let leftover = sniff::leftover(roots, in_folder, file);
        match leftover {
            Some(Leftover::Marker) => self.files.markers += 1,
            Some(kind) => {
                self.files.leftovers += 1;
                self.leftovers.add(kind, &file.shown());
            }
            None => {}
        }
        leftover.is_some()
    }

    /// A file where log and digest files are expected.
    fn suspect(
        &mut self,
        roots: &Roots,
        file: &FileRef<'_>,
        place: Where<'_>,
        is_expected: bool,
        options: &Options,
        policy: &Policy,
    ) {
        let account = match place {
            Where::Kind { account } | Where::Account { account } => account,
            Where::Elsewhere => "",
        };
        // Some services leave a file beside their folders.
        let is_of_service =
            || matches!(place, Where::Account { .. }) && !is_expected && !sniff::may_hold_events(roots, file);
        let is_other = || {
            let is_readable = file.file.refusal.is_none();
            !policy.wants_place(account, "")
                || (is_readable && (is_harmless(roots, file, options) || is_of_service()))
        };
        if is_marker(file) {
            self.files.markers += 1;
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

/// Whether no folder above is `AWSLogs`.
fn is_in_no_layout(folder: &Folder) -> bool {
    let mut names = folder.real.components().filter_map(|part| part.as_os_str().to_str());
    !names.any(|name| name.eq_ignore_ascii_case("AWSLogs"))
}

/// Whether it holds object metadata or keys, and nothing else.
fn is_harmless(roots: &Roots, file: &FileRef<'_>, options: &Options) -> bool {
    let is_given = |key: &std::path::PathBuf| std::fs::canonicalize(key).is_ok_and(|key| key == file.real());
    let is_key = file.file.name.starts_with("public-keys") || options.key_files.iter().any(is_given);
    (is_key && sniff::holds_keys(roots, file))
        || (file.file.name.ends_with(".json") && sniff::metadata_in(roots, file).is_some())
}

/// What a folder is by its components, in whatever case a disk has them.
fn place_of<'a>(folder: &'a Folder, options: &Options) -> Where<'a> {
    let names_of = |path: &'a Path| path.components().filter_map(|part| part.as_os_str().to_str()).collect();
    let names: Vec<&str> = names_of(&folder.real);
    let is_start = |at: &usize| names[*at].eq_ignore_ascii_case("AWSLogs");
    let below_start = |at: usize| below_aws_logs(&names[at + 1..]);
    let places: Vec<Where<'_>> = (0..names.len()).filter(is_start).map(below_start).collect();
    // A prefix may have the name as well, and so may any folder that somebody made.
    let is_kind = |place: &&Where<'_>| matches!(place, Where::Kind { .. });
    let last = || places.last().copied();
    places.iter().find(is_kind).copied().or_else(last).unwrap_or_else(|| {
        // What stands above a root is the user's own.
        let below = options.roots.iter().find_map(|root| folder.shown.strip_prefix(root).ok());
        let below: Vec<&str> = below.map(names_of).unwrap_or_default();
        let is_kind = below.iter().any(|name| is_cloudtrails(name));
        if is_kind { Where::Account { account: "" } } else { Where::Elsewhere }
    })
}

/// What a folder is by its components below `AWSLogs/`.
fn below_aws_logs<'a>(names: &[&'a str]) -> Where<'a> {
    let below = match names {
        [organization, below @ ..] if is_organization_id(&organization.to_ascii_lowercase()) => below,
        below => below,
    };
    match below {
        [] => Where::Account { account: "" },
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
