//! Which chains are those of one trail.

use crate::report::ChainId;

/// What the chains of one trail have in common, over its regions and accounts: the organization or else the account,
/// the name, and the home region.
pub(crate) fn trail_of(id: &ChainId) -> (&str, &str, &str) {
    (id.organization.as_ref().unwrap_or(&id.account), &id.trail, &id.home_region)
}

/// The same for a trail of the account's own, which an organization's may have been or become.
pub(crate) fn own_trail_of(id: &ChainId) -> (&str, &str, &str) {
    (&id.account, &id.trail, &id.home_region)
}
