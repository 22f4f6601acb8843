//! What lies outside AWS's layout: every file of it is part of the archive by its name, named as a stray, or counted
//! as what it is (docs/spec/verification.md 5, rows 63, 70, 83 and 85).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use trailseal_archive::{
    Timestamp,
    key::{ObjectKind, is_account_id, is_organization_id, is_region_like},
    leftover::Leftover,
    walk::{File, Folder, Listing, Roots},
};
use trailseal_verify::{ChainId, Code, Finding, Policy, named_chain};

use crate::{
    files::FileRef,
    leftovers::Leftovers,
    options::Options,
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
    elsewhere: Vec<(Folder, Vec<File>)>,
    /// Trees in which logs or digests lie outside AWS's layout, asked for or not: each a folder directly below a root, or
    /// a root that holds such files itself.
    lost: BTreeSet<PathBuf>,
    /// The roots, without links.
    roots: Vec<PathBuf>,
}

/// What a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where<'a> {
    /// Below a folder of CloudTrail's, in the folder of no region.
    Kind { account: &'a str },
    /// The folder of an account or above it, or one named like CloudTrail's in a tree that was cut: services and people
    /// leave files there, but no events.
    Account { account: &'a str },
    /// That of another service in an account's folder.
    Service,
    /// Any other.
    Elsewhere,
}

impl Where<'_> {
    /// Whether AWS's layout says nothing of it.
    fn is_bare(self) -> bool {
        matches!(self, Self::Elsewhere | Self::Account { account: "" })
    }
}

/// What is looked at, and what was asked for.
#[derive(Clone, Copy)]
struct Input<'a> {
    roots: &'a Roots,
    options: &'a Options,
    policy: &'a Policy,
}

impl Outside {
    pub(crate) fn new(roots: &Roots, folders: &[Folder], options: &Options, policy: &Policy) -> Self {
        let input = Input { roots, options, policy };
        let canonical = options.roots.iter().filter_map(|root| std::fs::canonicalize(root).ok());
        let mut outside = Self { roots: canonical.collect(), ..Self::default() };
        for folder in folders {
            outside.folder(input, folder);
        }
        outside.judge_elsewhere(input);
        outside
    }

    fn folder(&mut self, input: Input<'_>, folder: &Folder) {
        let mut kinds: BTreeMap<(String, String, ObjectKind), Vec<File>> = BTreeMap::new();
        let mut rest = Vec::new();
        // Where the folders of a cut tree say the region, they decide, whatever a name says.
        let region_of_folder = self.below_root(folder).and_then(region_of);
        // There may be millions of files of other services: none is asked for its length, or opened.
        for mut file in input.roots.list_names(folder) {
            let name = file.name.strip_suffix(SIDECAR).unwrap_or(&file.name);
            let place = place_by_name(name).map(|(account, region, kind)| {
                (account.to_owned(), region_of_folder.unwrap_or(region).to_owned(), kind)
            });
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
            if input.policy.wants_place(&account, &region) {
                let listing = Listing { folder: folder.clone(), files };
                self.loose.entry((account, region)).or_default().push((kind, listing));
            } else {
                for (id, end) in files.iter().filter_map(|file| named_chain(&file.name)) {
                    let known = self.peers.entry(id).or_insert(end);
                    *known = end.max(*known);
                }
            }
        }
        let place = place_of(folder, self.below_root(folder));
        if is_expected && place.is_bare() {
            self.lost.extend(self.tree_of(folder));
        }
        self.files.found += rest.len() as u64;
        if !is_expected && place == Where::Elsewhere {
            self.elsewhere.extend((!rest.is_empty()).then(|| (folder.clone(), rest)));
        } else {
            self.judge(input, folder, &rest, place, is_expected);
        }
    }

    /// Files beside a tree that has lost AWS's layout: its logs may lie in any folder, and so may what was put among
    /// them. Elsewhere they are the user's own.
    fn judge_elsewhere(&mut self, input: Input<'_>) {
        for (folder, files) in std::mem::take(&mut self.elsewhere) {
            let is_beside_logs = self.lost.iter().any(|tree| folder.real.starts_with(tree));
            let place = if is_beside_logs { Where::Account { account: "" } } else { Where::Elsewhere };
            self.judge(input, &folder, &files, place, false);
        }
    }

    /// The files of a folder whose names are none of CloudTrail's.
    fn judge(
        &mut self,
        input: Input<'_>,
        folder: &Folder,
        files: &[File],
        place: Where<'_>,
        is_expected: bool,
    ) {
        let in_folder = Leftover::in_folder(&folder.real);
        for file in files {
            let file = FileRef { kind: ObjectKind::Log, folder, file };
            if self.is_known(input.roots, in_folder, &file) {
                continue;
            }
            if is_expected || !matches!(place, Where::Service | Where::Elsewhere) {
                self.suspect(input, &file, place, is_expected);
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

    /// What of a folder's path lies below its root; what stands above is the user's own.
    fn below_root<'f>(&self, folder: &'f Folder) -> Option<&'f Path> {
        self.roots.iter().find_map(|root| folder.real.strip_prefix(root).ok())
    }

    /// The folder directly below a root in which a folder lies, or the root.
    fn tree_of(&self, folder: &Folder) -> Option<PathBuf> {
        let root = self.roots.iter().find(|root| folder.real.starts_with(root))?;
        let below = folder.real.strip_prefix(root).ok()?;
        Some(below.components().next().map_or_else(|| root.clone(), |first| root.join(first)))
    }

    /// A file where log and digest files are expected.
    fn suspect(&mut self, input: Input<'_>, file: &FileRef<'_>, place: Where<'_>, is_expected: bool) {
        let Input { roots, options, policy } = input;
        let account = match place {
            Where::Kind { account } | Where::Account { account } => account,
            Where::Service | Where::Elsewhere => "",
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

/// Whether it holds object metadata or keys, and nothing else.
fn is_harmless(roots: &Roots, file: &FileRef<'_>, options: &Options) -> bool {
    let is_given = |key: &std::path::PathBuf| std::fs::canonicalize(key).is_ok_and(|key| key == file.real());
    let is_key = file.file.name.starts_with("public-keys") || options.key_files.iter().any(is_given);
    (is_key && sniff::holds_keys(roots, file))
        || (file.file.name.ends_with(".json") && sniff::metadata_in(roots, file).is_some())
}

/// What a folder is by its components, in whatever case a disk has them.
fn place_of<'a>(folder: &'a Folder, below_root: Option<&'a Path>) -> Where<'a> {
    let names_of = |path: &'a Path| path.components().filter_map(|part| part.as_os_str().to_str()).collect();
    let names: Vec<&str> = names_of(&folder.real);
    let is_start = |at: &usize| names[*at].eq_ignore_ascii_case("AWSLogs");
    let places = || (0..names.len()).filter(is_start).map(|at| below_aws_logs(&names[at + 1..]));
    // A prefix may have the name as well, and so may any folder that somebody made: the strongest counts.
    let is_kind = |place: &Where<'_>| matches!(place, Where::Kind { .. });
    let is_any = |place: &Where<'_>| *place != Where::Elsewhere;
    places().find(is_kind).or_else(|| places().rfind(is_any)).unwrap_or_else(|| {
        let below: Vec<&str> = below_root.map(names_of).unwrap_or_default();
        let is_kind = below.iter().any(|name| is_cloudtrails(name));
        if is_kind { Where::Account { account: "" } } else { Where::Elsewhere }
    })
}

/// The region of a folder in a tree that was cut above the kind: `…/CloudTrail/eu-west-1/2024/03/01`.
fn region_of(below_root: &Path) -> Option<&str> {
    let names: Vec<&str> = below_root.iter().filter_map(|name| name.to_str()).collect();
    let pairs = names.windows(2).filter(|pair| is_cloudtrails(pair[0]) && is_region_like(pair[1]));
    pairs.map(|pair| pair[1]).next_back()
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
        [account, ..] if is_account_id(account) => Where::Service,
        _ => Where::Elsewhere,
    }
}

/// Whether a folder of an account is one of CloudTrail's that hold events or digests. CloudTrail Lake's hold the
/// results of queries.
fn is_cloudtrails(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("cloudtrail") && kind != "cloudtrail-lake"
}
