//! What an attacker with write access to the copy may do, and what honest people do to copies.

// All operations have one signature, also those that are always possible.
#![allow(clippy::unnecessary_wraps)]

use crate::tamper::{random::Random, tampering::Tampering};

mod alter;
mod copies;
mod forge;
mod plant;
mod remove;
mod roots;

/// One kind of operation.
pub struct TamperOperation {
    /// Its name.
    pub name: &'static str,
    /// Whether an honest owner or copy may do it.
    pub is_harmless: bool,
    /// How often it is drawn.
    pub weight: usize,
    /// Does it, and says to what; `None` where it is not possible.
    pub act: fn(&mut Tampering<'_>) -> Option<String>,
}

const fn harm(
    name: &'static str,
    weight: usize,
    act: fn(&mut Tampering<'_>) -> Option<String>,
) -> TamperOperation {
    TamperOperation { name, is_harmless: false, weight, act }
}

const fn harmless(
    name: &'static str,
    weight: usize,
    act: fn(&mut Tampering<'_>) -> Option<String>,
) -> TamperOperation {
    TamperOperation { name, is_harmless: true, weight, act }
}

/// All operations, in groups.
const GROUPS: [&[TamperOperation]; 6] =
    [&remove::ALL, &alter::ALL, &plant::ALL, &forge::ALL, &copies::ALL, &roots::ALL];

/// Every operation.
pub fn all() -> impl Iterator<Item = &'static TamperOperation> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// A random operation.
pub(crate) fn draw(random: &mut Random, only_harmless: bool) -> &'static TamperOperation {
    let may = |operation: &&TamperOperation| operation.is_harmless || !only_harmless;
    let total: usize = all().filter(may).map(|operation| operation.weight).sum();
    let mut at = random.below(total);
    for operation in all().filter(may) {
        if at < operation.weight {
            return operation;
        }
        at -= operation.weight;
    }
    unreachable!("the weights add up")
}
