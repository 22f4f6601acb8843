//! Random archives, random tampering, and the truth about both.
//!
//! A [`World`] is an honest archive that a seed decides: accounts, regions, trails, organizations, buckets,
//! restarts, all signed. A [`Tampering`] does a few random operations to its files, in memory. [`Remains`] looks at
//! what is left and says, by content alone, what is missing of what was signed and what is there that was not
//! ([`Truth`]); it knows nothing of the verifier. [`Disk`] writes one tree after another, only what differs.
//!
//! ```
//! use trailseal_testkit::tamper::{Disk, Remains, Scope, Tampering, World};
//!
//! let world = World::random(3);
//! let tampering = Tampering::random(&world, 17);
//! let mut disk = Disk::new();
//! disk.put(&tampering.tree);
//! let truth = Remains::of(&world, &tampering.tree, &tampering.roots).truth(&Scope::default());
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

pub use disk::{Disk, NO_TEXT, write_tree};
pub use place::{NameKind, Place};
pub use random::Random;
pub use scope::Scope;
pub use tampering::{Focus, Step, Tampering};
pub use tree::{Content, Node, Tree};
pub use truth::{Excuse, Reason, Remains, Seen, Truth};
pub use world::{FOREIGN_ACCOUNT, Layout, Line, Signatures, Signed, Stopped, World};
