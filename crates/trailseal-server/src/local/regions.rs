//! The Regions in which events may come in: their number is bounded, for every Region has keys, and of every
//! multi-Region trail a chain of digests and log files of its own. Without a bound a single request that makes up names
//! of Regions would keep deliveries busy for hours.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

/// AWS has about 40, in all partitions.
pub(super) const MAX_REGIONS: usize = 100;

/// The Regions that were seen.
#[derive(Debug, Default)]
pub(super) struct Regions(RwLock<BTreeSet<String>>);

impl Regions {
    /// Those that a data folder knows already, however many.
    pub(super) fn new(known: BTreeSet<String>) -> Self {
        Self(RwLock::new(known))
    }

    /// Whether an event may come in in a Region, which is seen by that.
    pub(super) fn admit(&self, region: &str) -> bool {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).contains(region) {
            return true;
        }
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains(region) && seen.len() >= MAX_REGIONS {
            return false;
        }
        seen.insert(region.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_that_were_seen_are_admitted_and_others_up_to_a_bound() {
        let name = |number: usize| format!("r{number}-a-1");
        let regions = Regions::new([name(0)].into());
        for number in (0..MAX_REGIONS).chain(0..MAX_REGIONS) {
            assert!(regions.admit(&name(number)), "{number}");
        }
        assert!(!regions.admit("us-east-1"));
        assert!(regions.admit(&name(7)));
        // what a data folder has stays
        let many = Regions::new((0..2 * MAX_REGIONS).map(name).collect());
        assert!(many.admit(&name(2 * MAX_REGIONS - 1)) && !many.admit("us-east-1"));
    }
}
