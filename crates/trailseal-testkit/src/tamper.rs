//! Random archives, random tampering, and the truth about both.
//!
//! A [`World`] is an honest archive that a seed decides: accounts, regions, trails, organizations, buckets,
//! restarts, all signed. A [`Tampering`] does a few random operations to its files, in memory. [`Remains`] looks at
//! what is left and says, by content alone, what is missing of what was signed and what is there that was not
//! ([`TamperTruth`]); it knows nothing of the verifier. [`TreeOnDisk`] writes one tree after another, only what differs.
//!
//! ```
//! use trailseal_testkit::tamper::{TreeOnDisk, Remains, TamperScope, Tampering, World};
//!
//! let world = World::random(3);
//! let tampering = Tampering::random(&world, 17);
//! let mut disk = TreeOnDisk::new();
//! disk.put(&tampering.tree);
//! let truth = Remains::of(&world, &tampering.tree, &tampering.roots).truth(&TamperScope::default());
//! assert!(tampering.is_harmless() || !tampering.steps.is_empty());
//! assert_eq!(truth.is_tampered(), !truth.demands.is_empty() || !truth.excuses.is_empty());
//! ```

mod disk;
pub mod operations;
mod place;
mod random;
mod scope;
mod tampering;
mod tree;
mod truth;
mod world;

pub use disk::{NO_TEXT, TreeOnDisk, write_tree};
pub use place::{NameKind, NamedPlace};
pub use random::Random;
pub use scope::TamperScope;
pub use tampering::{Focus, TamperStep, Tampering};
pub use tree::{NodeContent, Tree, TreeNode};
pub use truth::{Excuse, ExcuseReason, Remains, Sighting, TamperTruth};
pub use world::{FOREIGN_ACCOUNT, Layout, Line, Signatures, Signed, StoppedTrail, World};
