//! The files of one account and region, compactly: an archive has millions of names.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use trailseal_archive::{
    key::ObjectKind,
    open::{OpenError, OpenFile},
    walk::{File, Folder, Listing, Roots},
};

use crate::paths::text_of;

/// A file's number in its [`FileTable`].
pub(crate) type FileId = u32;

/// The files of one account and region.
#[derive(Debug, Default)]
pub(crate) struct FileTable {
    folders: Vec<Files>,
    /// Real path of a folder → its files, one entry a kind: a folder outside AWS's layout may hold several.
    by_path: HashMap<String, Vec<usize>>,
    count: u32,
}

#[derive(Debug)]
struct Files {
    kind: ObjectKind,
    first: FileId,
    listing: Listing,
}

/// One file of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileRef<'a> {
    pub(crate) kind: ObjectKind,
    pub(crate) folder: &'a Folder,
    pub(crate) file: &'a File,
}

impl FileRef<'_> {
    pub(crate) fn real(&self) -> PathBuf {
        self.folder.real.join(&*self.file.name)
    }

    pub(crate) fn shown(&self) -> String {
        self.folder.shown_below(Path::new(&*self.file.name)).display().to_string()
    }

    /// Opens a file of the archive for reading: one below its roots, whatever took its place meanwhile.
    pub(crate) fn open(&self, roots: &Roots) -> Result<OpenFile, OpenError> {
        match self.file.refusal {
            Some(refusal) => Err(refusal.into()),
            None => roots.open_file(&self.real()),
        }
    }
}

impl FileTable {
    pub(crate) fn add(&mut self, kind: ObjectKind, listing: Listing) {
        let path = text_of(&listing.folder.real);
        let known = self.by_path.entry(path).or_default();
        if known.iter().any(|index| self.folders[*index].kind == kind) {
            return;
        }
        known.push(self.folders.len());
        let first = self.count;
        self.count += listing.files.len() as u32;
        self.folders.push(Files { kind, first, listing });
    }

    /// Takes in a file that lies elsewhere in the roots.
    pub(crate) fn adopt(&mut self, real: &Path, length: u64, roots: &Roots) -> Option<FileId> {
        let name: Box<str> = real.file_name()?.to_str()?.into();
        let folder = real.parent()?;
        let key = format!("{}//{name}", text_of(folder));
        if let Some([index]) = self.by_path.get(&key).map(Vec::as_slice) {
            return Some(self.folders[*index].first);
        }
        let listing = Listing {
            folder: roots.folder(folder),
            files: vec![File { name, length, refusal: None, is_link: false }],
        };
        let first = self.count;
        self.count += 1;
        self.by_path.insert(key, vec![self.folders.len()]);
        self.folders.push(Files { kind: ObjectKind::Log, first, listing });
        Some(first)
    }

    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) fn get(&self, id: FileId) -> FileRef<'_> {
        let index = self.folders.partition_point(|files| files.first <= id) - 1;
        let files = &self.folders[index];
        let file = &files.listing.files[(id - files.first) as usize];
        FileRef { kind: files.kind, folder: &files.listing.folder, file }
    }

    /// The file of this name in the folder with this real path; one stored inflated may have lost `.gz`.
    pub(crate) fn find(&self, folder: &str, name: &str) -> Option<FileId> {
        self.find_exactly(folder, name).or_else(|| self.find_exactly(folder, name.strip_suffix(".gz")?))
    }

    /// The file of this name in the folder with this real path.
    pub(crate) fn find_exactly(&self, folder: &str, name: &str) -> Option<FileId> {
        let kinds = self.by_path.get(folder)?;
        kinds.iter().map(|index| &self.folders[*index]).find_map(|files| {
            let at = files.listing.files.binary_search_by(|file| (*file.name).cmp(name)).ok()?;
            Some(files.first + at as u32)
        })
    }

    /// Whether the files of the folder with this real path are known.
    pub(crate) fn has_folder(&self, folder: &str) -> bool {
        self.by_path.contains_key(folder)
    }

    /// All listings, and the number of the first file of each.
    pub(crate) fn listings(&self) -> impl Iterator<Item = (FileId, &Listing)> {
        self.folders.iter().map(|files| (files.first, &files.listing))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (FileId, FileRef<'_>)> {
        self.folders.iter().flat_map(|files| {
            files.listing.files.iter().enumerate().map(|(at, file)| {
                let reference = FileRef { kind: files.kind, folder: &files.listing.folder, file };
                (files.first + at as u32, reference)
            })
        })
    }
}
