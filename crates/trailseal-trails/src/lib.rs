//! Local trails: the control plane of CloudTrail as rules, and a durable store of what they change.
//!
//! [`rules::apply`] is one call of one of the 16 operations that are about trails, as a function of an [`Account`],
//! a [`Caller`] and the request, with every validation, limit, default, name and text of an error that is known.
//! [`Store`] keeps the accounts in a database file and applies the rules to them: when a call has answered, what it
//! changed is on the disk.
//!
//! ```
//! use serde_json::json;
//! use trailseal_trails::{Caller, Operation, Store, Millis};
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(&folder.path().join("trails.redb"))?;
//! let caller = Caller {
//!     account: "111122223333".into(),
//!     region: "eu-west-1".into(),
//!     now: Millis::from_millis(1_709_251_200_000),
//! };
//! let input = json!({"Name": "audit", "S3BucketName": "audit-logs"});
//! let trail = store.call(&caller, Operation::CreateTrail, &input)?;
//! assert_eq!(trail["TrailARN"], "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit");
//! let error = store.call(&caller, Operation::CreateTrail, &input).unwrap_err();
//! assert_eq!(error.code.as_str(), "TrailAlreadyExistsException");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! There is no HTTP here, no clock and no thread, and nothing is delivered: [`Store::delivered_trails`] says what a
//! deliverer must know, [`Store::note_delivery`] takes what became of it.
//!
//! Rules come from `docs/spec/wire-protocol.md` 4 and `docs/spec/selectors-and-insights.md`; the modules say which.
//! Letters in parentheses stand for the evidence: (N) captured from the real service, (R) seen in published
//! samples and reports, (M) its model, (D) its documentation, and (I) our own reading where nothing is known: it
//! is how this crate behaves, and no claim about AWS.

mod answer;
mod environment;
mod error;
mod input;
mod insights;
mod names;
mod operation;
mod resource_types;
pub mod rules;
mod selectors;
mod state;
mod status;
mod store;
mod time;

pub use answer::OperationAnswer;
pub use environment::{BucketFault, Environment, KeyFault, OnDemand, Organization};
pub use error::{ApiError, ErrorCode};
pub use input::Input;
pub use names::{partition, trail_arn};
pub use operation::Operation;
pub use rules::TrailId;
pub use selectors::SelectorsAnswer;
pub use state::{Account, Change, DeliveryKind};
pub use store::{NoteError, SalvagedTrails, Store, StoreError, salvage};
pub use time::Millis;

/// Who calls, where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// The Region of the call, from its credential scope.
    pub region: String,
    /// The time of the call.
    pub now: Millis,
}
