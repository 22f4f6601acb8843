//! The files of an account and Region, and what each is.

use trailseal_archive::{
    key::ObjectKind,
    walk::{AccountRegion, Folder, Lengths, Listing, Problem, ProblemKind},
};
use trailseal_verify::{Code, Finding};

use crate::{
    files::FileTable,
    run::{Run, Signatures},
    sort::Sorted,
};

/// An account and Region whose files are listed.
pub(crate) struct Listed {
    pub(crate) key: AccountRegion,
    pub(crate) files: FileTable,
    /// What the files are.
    pub(crate) sorted: Sorted,
    /// What the walk left out.
    pub(crate) problems: Vec<Problem>,
}

impl Listed {
    /// Lists the files of its folders, and `more` outside AWS's layout.
    pub(crate) fn new(
        key: AccountRegion,
        folders: &[&(ObjectKind, Folder)],
        more: Vec<&(ObjectKind, Listing)>,
        run: &Run<'_>,
    ) -> Self {
        let (mut files, mut problems) = (FileTable::default(), Vec::new());
        for (kind, folder) in folders {
            // a ledger reads no log
            let is_read = *kind == ObjectKind::Digest || run.signatures == Signatures::All;
            let lengths = if is_read { Lengths::Asked } else { Lengths::Left };
            for listing in run.roots.list(folder, lengths, &mut problems) {
                files.add(*kind, listing);
            }
        }
        for (kind, listing) in more {
            files.add(*kind, listing.clone());
        }
        let sorted = Sorted::new(&files, run.options, run.roots);
        Self { key, files, sorted, problems }
    }

    /// A finding about this account and Region.
    pub(crate) fn place(&self, finding: Finding) -> Finding {
        finding.of_place(self.key.organization.as_deref(), &self.key.account, &self.key.region)
    }
}

/// The finding for something that the walk left out.
pub(crate) fn problem_finding(problem: &Problem) -> Finding {
    let code = match problem.kind {
        ProblemKind::Loop => Code::SymlinkLoop,
        ProblemKind::Alias => Code::SymlinkAlias,
        ProblemKind::Unreadable(_) => Code::FolderUnreadable,
        _ => Code::SymlinkNotFollowed,
    };
    Finding::new(code, problem.kind.to_string()).found_at(problem.shown.display().to_string())
}
