//! Files in memory, and what their bytes are.

use std::{collections::BTreeMap, io::Read, sync::Arc};

use flate2::bufread::GzDecoder;
use trailseal_deliver::digest::sha256_hex;

/// A path → what lies there. Paths are relative to the folder that holds the roots.
pub type Tree = BTreeMap<String, TreeNode>;

/// What can lie in a folder.
#[derive(Clone, Debug)]
pub enum TreeNode {
    /// A regular file.
    File(Arc<NodeContent>),
    /// A symbolic link, with its target as it is written.
    Link(String),
    /// A folder of which nothing but itself is left.
    Folder,
}

impl TreeNode {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Arc<NodeContent>> {
        match self {
            Self::File(content) => Some(content),
            _ => None,
        }
    }

    /// Whether both are the same; files of equal bytes are.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => Arc::ptr_eq(one, other) || one.bytes == other.bytes,
            (Self::Link(one), Self::Link(other)) => one == other,
            (Self::Folder, Self::Folder) => true,
            _ => false,
        }
    }
}

/// The bytes of a file, and what they are.
#[derive(Debug)]
pub struct NodeContent {
    /// As they lie on the disk.
    pub bytes: Vec<u8>,
    /// The SHA-256 of the inflated content, hex: of one whole gzip member and nothing after it, or of bytes
    /// that are no gzip data. `None` for what is cut, damaged, empty, or has something appended.
    pub sha256: Option<String>,
    /// The SHA-256 of the first gzip member alone, hex, whatever follows it.
    pub first: Option<String>,
    /// Whether a query would read event records from them.
    pub has_events: bool,
    /// Whether they are a digest document.
    pub is_digest: bool,
}

const GZIP: [u8; 2] = [0x1f, 0x8b];

impl NodeContent {
    /// Bytes that hold events in a form of which [`Self::of`] knows nothing.
    pub fn wrapping_events(bytes: Vec<u8>) -> Arc<Self> {
        let sha256 = Some(sha256_hex(&bytes));
        Arc::new(Self { bytes, sha256, first: None, has_events: true, is_digest: false })
    }

    /// Looks at bytes.
    pub fn of(bytes: Vec<u8>) -> Arc<Self> {
        let mut inflated = Vec::new();
        let mut rest = bytes.as_slice();
        let mut is_whole = !bytes.is_empty();
        let (mut members, mut first) = (0, None);
        while rest.starts_with(&GZIP) {
            let mut decoder = GzDecoder::new(rest);
            is_whole &= decoder.read_to_end(&mut inflated).is_ok();
            members += 1;
            if members == 1 && is_whole {
                first = Some(sha256_hex(&inflated));
            }
            let left = decoder.into_inner();
            if !is_whole || left.len() == rest.len() {
                break;
            }
            rest = left;
        }
        let sha256 = match members {
            0 => is_whole.then(|| sha256_hex(&bytes)),
            1 if is_whole && rest.is_empty() => first.clone(),
            _ => None,
        };
        if members == 0 || (is_whole && !rest.is_empty()) {
            inflated.extend_from_slice(rest);
        }
        let has_events = holds(&inflated, b"\"eventVersion\"");
        let is_digest = holds(&inflated, b"\"digestS3Object\"") && holds(&inflated, b"\"logFiles\"");
        Arc::new(Self { bytes, sha256, first, has_events, is_digest })
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
