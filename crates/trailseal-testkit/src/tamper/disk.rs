//! A tree on the disk.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::tamper::tree::{Tree, TreeNode};

/// Stands in the paths of a [`Tree`] for a byte that is no UTF-8: `é` as Latin-1 has it.
pub const NO_TEXT: char = '\u{f7e9}';

/// A temporary folder that is made to hold one tree after another; only what differs is written.
#[derive(Debug)]
pub struct TreeOnDisk {
    folder: TempDir,
    now: Tree,
}

impl Default for TreeOnDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl TreeOnDisk {
    /// An empty folder, in memory where the system has such a place.
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
        let folder = in_memory.unwrap_or_else(|| tempfile::tempdir().expect("a temporary folder"));
        Self { folder, now: Tree::new() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The place of a path of the tree.
    pub fn at(&self, path: &str) -> PathBuf {
        place(self.folder.path(), path)
    }

    /// Makes the folder hold this tree and nothing else.
    pub fn put(&mut self, tree: &Tree) {
        let mut emptied = BTreeSet::new();
        for (path, node) in &self.now {
            if tree.get(path).is_some_and(|other| other.is_same(node)) {
                continue;
            }
            let place = self.at(path);
            match node {
                TreeNode::Folder => drop(fs::remove_dir(place)),
                TreeNode::File(_) | TreeNode::Link(_) => fs::remove_file(place).expect("the file was there"),
            }
            emptied.extend(folders_of(path).map(str::to_owned));
        }
        // The deepest first; those that still hold something stay.
        for folder in emptied.iter().rev() {
            let _ = fs::remove_dir(self.at(folder));
        }
        for (path, node) in tree {
            if self.now.get(path).is_some_and(|other| other.is_same(node))
                && !matches!(node, TreeNode::Folder)
            {
                continue;
            }
            write(&self.at(path), node);
        }
        self.now.clone_from(tree);
    }
}

/// Writes a tree into a folder.
pub fn write_tree(tree: &Tree, folder: &Path) {
    for (path, node) in tree {
        write(&place(folder, path), node);
    }
}

/// A path below a folder. [`NO_TEXT`] stands for a byte that is no UTF-8.
fn place(folder: &Path, path: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(path.len());
    for (number, part) in path.split(NO_TEXT).enumerate() {
        bytes.extend((number > 0).then_some(0xe9));
        bytes.extend(part.as_bytes());
    }
    folder.join(OsString::from_vec(bytes))
}

fn write(place: &Path, node: &TreeNode) {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).unwrap();
    }
    match node {
        TreeNode::File(content) => fs::write(place, &content.bytes).unwrap(),
        TreeNode::Link(target) => std::os::unix::fs::symlink(target, place).unwrap(),
        TreeNode::Folder => fs::create_dir_all(place).unwrap(),
    }
}

/// The folders above a path, from the top.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
